"""W304: softmax of a softmax."""

from __future__ import annotations

from cnndsl.rules.helpers.ranges import activation, alone, remove

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from cnndsl.diagnostics.diagnostic import Diagnostic
    from cnndsl.rules.helpers.view import View


def find(view: View) -> Iterator[Diagnostic]:
    """A softmax on values that a softmax gave, with nothing learned between them."""
    for place in view.places("softmax"):
        found = [node for node, origin in alone(view, place) if activation(origin) == "softmax"]
        if found:
            yield view.warning(
                "W304",
                place,
                found,
                f"softmax: its {found[0].output[-1]:,} values are shares already, and come out "
                "nearly equal",
                "remove one of the two",
                fixes=remove(view, found[0]),
            )
