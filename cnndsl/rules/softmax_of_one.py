"""W307: softmax over one channel."""

from __future__ import annotations

from cnndsl.diagnostics.message import Message
from cnndsl.layers import taking
from cnndsl.network.words import rewrite
from cnndsl.rules.helpers.ranges import shares
from cnndsl.rules.helpers.view import Findings, View


def find(view: View) -> Findings:
    """A softmax that has a single value to share out, and gives 1 whatever it is."""
    for group in view.where(
        (*taking("activation"), "softmax"),
        lambda node: node.output[-1] == 1 and shares(node),
    ):
        span = view.slot(group.first, "activation") or group.span
        yield view.warning(
            group,
            Message("softmax: over one channel it is 1, whatever comes in"),
            Message("write `sigmoid` for a single yes or no, or take a channel for each class"),
            rewrite(span, "sigmoid") if view.text(span) == "softmax" else (),
            slots=("activation",),
        )
