"""W304: softmax of a softmax."""

from __future__ import annotations

from cnndsl.rules.helpers.ranges import activation, origin, remove
from cnndsl.rules.helpers.view import Findings, View


def find(view: View) -> Findings:
    """A softmax on values that a softmax gave, with nothing learned between them."""
    for group in view.where(("softmax",), lambda node: activation(origin(view, node)) == "softmax"):
        yield view.warning(
            group,
            f"softmax: its {group.first.output[-1]:,} values are shares already, and come out "
            "nearly equal",
            "remove one of the two",
            remove(view, group.first),
        )
