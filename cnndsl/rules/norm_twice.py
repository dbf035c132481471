"""W310: normalisations in a row."""

from __future__ import annotations

from cnndsl.diagnostics.message import Message
from cnndsl.layers import family
from cnndsl.network.network import Node
from cnndsl.rules.helpers.ranges import remove
from cnndsl.rules.helpers.view import Findings, View


def find(view: View) -> Findings:
    """A normalisation that reads the like of it: the second has nothing left to do."""
    for group in view.where(family("norm"), lambda node: _is_second(view, node)):
        before = view.nodes[group.first.inputs[0]]
        message = Message(
            "{op}: it normalises what `{before}` on line {line} has normalised",
            op=group.op,
            before=before.op,
            line=view.network.line(before),
        )
        help_ = Message("remove one of the two")
        yield view.warning(group, message, help_, remove(view, group.first))


def _is_second(view: View, node: Node) -> bool:
    before = view.nodes[node.inputs[0]].layer
    groups = getattr(before, "groups", None)
    return before.op == node.op and groups == getattr(node.layer, "groups", None)
