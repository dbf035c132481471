"""W307: softmax over one channel."""

from __future__ import annotations

from cnndsl.diagnostics.diagnostic import Diagnostic, Edit, Fix
from cnndsl.rules.helpers.ranges import activation

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from cnndsl.rules.helpers.view import View


def find(view: View) -> Iterator[Diagnostic]:
    """A softmax that has a single value to share out, and gives 1 whatever it is."""
    for place in view.places("conv", "dwconv", "sepconv", "deconv", "dense", "softmax"):
        found = [
            node for node in place.nodes if node.output[-1] == 1 and activation(node) == "softmax"
        ]
        if found:
            span = view.written(found[0], "activation") or place.span
            shown = view.source.text[span.start : span.end]
            fix = Fix("write `sigmoid`", (Edit(span, "sigmoid"),))
            yield view.warning(
                "W307",
                place,
                found,
                "softmax: over one channel it is 1, whatever comes in",
                "write `sigmoid` for a single yes or no, or take a channel for each class",
                fixes=(fix,) if shown == "softmax" else (),
                slots=("activation",),
            )
