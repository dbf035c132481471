"""W403: channels that are no multiple of 8."""

from __future__ import annotations

from cnndsl.layers import family, taking
from cnndsl.rules.helpers.ranges import CARRYING
from cnndsl.rules.helpers.view import Findings, View

_PASSIVE = CARRYING.union(family("activation"))


def find(view: View) -> Findings:
    """Layers that give numbers of channels which matrix units fill up with zeros.

    What leads to an output has as many as there are answers, and is left alone.
    """
    origins = view.origins(_PASSIVE)
    answers = {origins[index] for index in view.outputs}
    for group in view.where(
        taking("filters", "units"), lambda n: n.output[-1] % 8 and n.index not in answers
    ):
        count = group.first.output[-1]
        low, high = count // 8 * 8, -(-count // 8) * 8
        near = f"{low} or {high}" if low else str(high)
        message = f"{group.op}: {count:,} channels are no multiple of 8"
        yield view.warning(group, message, f"take {near}", slots=("filters", "units"))
