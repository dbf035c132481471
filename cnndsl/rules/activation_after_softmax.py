"""W305: activations after softmax."""

from __future__ import annotations

from cnndsl.layers import ACTIVATIONS
from cnndsl.rules.helpers.ranges import UNCHANGED, activation, alone, remove

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from cnndsl.diagnostics.diagnostic import Diagnostic
    from cnndsl.rules.helpers.view import View


def find(view: View) -> Iterator[Diagnostic]:
    """Any activation on the shares that a softmax gives; softmax itself is W304."""
    for place in view.places(*ACTIVATIONS):
        if place.op == "softmax":
            continue
        found = [node for node, origin in alone(view, place) if activation(origin) == "softmax"]
        if found:
            what = (
                "which it leaves as they are"
                if place.op in UNCHANGED["softmax"]
                else "which no longer add up to 1 after it"
            )
            yield view.warning(
                "W305",
                place,
                found,
                f"{place.op}: softmax gives shares between 0 and 1, {what}",
                f"remove `{place.op}`, or the softmax before it",
                fixes=remove(view, found[0]),
            )
