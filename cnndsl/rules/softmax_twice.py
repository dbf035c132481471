"""W304: softmax of a softmax."""

from __future__ import annotations

from cnndsl.diagnostics.message import Message
from cnndsl.rules.helpers.ranges import activation, origin, remove
from cnndsl.rules.helpers.view import Findings, View


def find(view: View) -> Findings:
    """A softmax on values that a softmax gave, with nothing learned between them."""
    for group in view.where(("softmax",), lambda node: activation(origin(view, node)) == "softmax"):
        message = Message(
            "softmax: its {count:,} values are shares already, and come out nearly equal",
            count=group.first.output[-1],
        )
        help_ = Message("remove one of the two")
        yield view.warning(group, message, help_, remove(view, group.first))
