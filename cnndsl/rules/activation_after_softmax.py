"""W305: activations after softmax."""

from __future__ import annotations

from cnndsl.diagnostics.message import Message
from cnndsl.layers import family
from cnndsl.rules.helpers.ranges import activation, origin, remove, unchanged
from cnndsl.rules.helpers.view import Findings, View


def find(view: View) -> Findings:
    """Any activation on the shares that a softmax gives; softmax itself is W304."""
    others = [op for op in family("activation") if op != "softmax"]
    for group in view.where(others, lambda n: activation(origin(view, n)) == "softmax"):
        message = Message(
            "{op}: softmax gives shares between 0 and 1, which no longer add up to 1 after it",
            op=group.op,
        )
        if unchanged(origin(view, group.first), group.first):
            message = Message(
                "{op}: softmax gives shares between 0 and 1, which it leaves as they are",
                op=group.op,
            )
        help_ = Message("remove `{op}`, or the softmax before it", op=group.op)
        yield view.warning(group, message, help_, remove(view, group.first))
