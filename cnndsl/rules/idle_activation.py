"""W306: activations that change nothing."""

from __future__ import annotations

from cnndsl.layers import ACTIVATIONS
from cnndsl.rules.helpers.ranges import UNCHANGED, activation, alone, remove

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from cnndsl.diagnostics.diagnostic import Diagnostic
    from cnndsl.rules.helpers.view import View


def find(view: View) -> Iterator[Diagnostic]:
    """An activation on values that an earlier one has brought where it leaves them alone."""
    for place in view.places(*ACTIVATIONS):
        found = [
            (node, origin)
            for node, origin in alone(view, place)
            if place.op in UNCHANGED.get(activation(origin), ())
            and activation(origin) != "softmax"  # W305
        ]
        if found:
            origin = found[0][1]
            yield view.warning(
                "W306",
                place,
                [node for node, _ in found],
                f"{place.op}: `{activation(origin)}` on line {view.network.line(origin)} gives "
                "only values that it leaves as they are",
                "remove one of the two",
                fixes=remove(view, found[0][0]),
            )
