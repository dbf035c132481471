"""W212: dense layers that hold nearly all parameters."""

from __future__ import annotations

from cnndsl.layers import ACTIVATIONS
from cnndsl.layers.base import product

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from cnndsl.diagnostics.diagnostic import Diagnostic
    from cnndsl.rules.helpers.view import View


SHARE = 80
"""Percent of all parameters."""

LEAST = 100_000
"""Parameters of a layer that is not worth a word."""

_KEEPING = frozenset(("dropout", "bn", "ln", *ACTIVATIONS))


def find(view: View) -> Iterator[Diagnostic]:
    """A dense layer on a map laid flat that holds more than 80% of what the net learns."""
    total = view.network.totals.params
    origins = view.origins(_KEEPING)
    for place in view.places("dense"):
        for node in place.nodes:
            params = node.layer.params
            flat = view.nodes[origins[node.inputs[0]]]
            if params <= LEAST or 100 * params <= SHARE * total or flat.op != "flatten":
                continue
            positions = product(flat.layer.spatial)
            if positions == 1:
                continue
            gap = (flat.layer.channels + 1) * node.layer.output[0]
            yield view.warning(
                "W212",
                place,
                [node],
                f"dense: {params:,} of the net's {total:,} parameters are here, "
                f"{100 * params // total}%: one for each of {flat.output[0]:,} values and "
                f"{node.output[0]:,} outputs",
                f"`gap` in the place of `flatten` leaves about {gap:,}; or pool once more",
            )
