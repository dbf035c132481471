"""W308: dropout at the very end."""

from __future__ import annotations

from cnndsl.layers import ACTIVATIONS
from cnndsl.rules.helpers.ranges import CARRYING, remove

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from cnndsl.diagnostics.diagnostic import Diagnostic
    from cnndsl.rules.helpers.view import View


_PASSIVE = CARRYING | frozenset(ACTIVATIONS)


def find(view: View) -> Iterator[Diagnostic]:
    """Dropout after which no layer has weights: what it drops is the net's own answer."""
    last = set(_after_weights(view))
    for place in view.places("dropout"):
        found = [
            node
            for node in place.nodes
            if node.index in last and node.layer.rate  # type: ignore[attr-defined]
        ]
        if found:
            layer: Any = found[0].layer
            yield view.warning(
                "W308",
                place,
                found,
                f"dropout: no layer with weights follows: while training, {100 * layer.rate:.3g}% "
                "of the answer itself is set to 0",
                "put it before the last layer with weights",
                fixes=remove(view, found[0]),
            )


def _after_weights(view: View) -> Iterator[int]:
    """The nodes at the ends of the net, each back to the last one with weights."""
    seen: set[int] = set()
    for index in view.outputs:
        while index not in seen and view.nodes[index].op in _PASSIVE:
            seen.add(index)
            yield index
            index = view.nodes[index].inputs[0]
