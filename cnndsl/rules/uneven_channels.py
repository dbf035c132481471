"""W403: channels that are no multiple of 8."""

from __future__ import annotations

from cnndsl.diagnostics.message import Message
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
        message = Message("{op}: {count:,} channels are no multiple of 8", op=group.op, count=count)
        if count == 1:
            message = Message("{op}: 1 channel is no multiple of 8", op=group.op)
        help_ = Message("take {high}", high=high)
        if low:
            help_ = Message("take {low} or {high}", low=low, high=high)
        yield view.warning(group, message, help_, slots=("filters", "units"))
