"""W306: activations that change nothing."""

from __future__ import annotations

from cnndsl.diagnostics.message import Message
from cnndsl.layers import family
from cnndsl.network.network import Node
from cnndsl.rules.helpers.ranges import activation, origin, remove, unchanged
from cnndsl.rules.helpers.view import Findings, View


def find(view: View) -> Findings:
    """An activation on values that an earlier one has brought where it leaves them alone."""

    def is_idle(node: Node) -> bool:
        before = origin(view, node)
        return unchanged(before, node) and activation(before) != "softmax"  # W305

    for group in view.where(family("activation"), is_idle):
        first = origin(view, group.first)
        message = Message(
            "{op}: `{before}` on line {line} gives only values that it leaves as they are",
            op=group.op,
            before=activation(first),
            line=view.network.line(first),
        )
        help_ = Message("remove one of the two")
        yield view.warning(group, message, help_, remove(view, group.first))
