"""W403: channels that are no multiple of 8."""

from __future__ import annotations

from cnndsl.layers import ACTIVATIONS
from cnndsl.rules.helpers.ranges import CARRYING

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from cnndsl.diagnostics.diagnostic import Diagnostic
    from cnndsl.rules.helpers.view import View


_PASSIVE = CARRYING | frozenset(ACTIVATIONS)


def find(view: View) -> Iterator[Diagnostic]:
    """Layers that give numbers of channels which matrix units fill up with zeros.

    What leads to an output has as many as there are answers, and is left alone.
    """
    origins = view.origins(_PASSIVE)
    answers = {origins[index] for index in view.outputs}
    for place, odd in view.select(
        ("conv", "sepconv", "deconv", "dense"), lambda layer: layer.output[-1] % 8
    ):
        found = [node for node in odd if node.index not in answers]
        if found:
            count = found[0].output[-1]
            low, high = count // 8 * 8, -(-count // 8) * 8
            near = f"{low} or {high}" if low else str(high)
            yield view.warning(
                "W403",
                place,
                found,
                f"{place.op}: {count:,} channels are no multiple of 8",
                f"take {near}",
                slots=("filters", "units"),
            )
