"""W203: strides and dilations with a common factor."""

from __future__ import annotations

from math import gcd

from cnndsl.diagnostics.message import Message
from cnndsl.layers.window import Window
from cnndsl.rules.helpers.view import Findings, View
from cnndsl.rules.helpers.windows import KERNELS, by_dimension


def find(view: View) -> Findings:
    """Kernels whose pixels, window after window, fall on the same grid."""
    for group in view.select(KERNELS, lambda layer: any(grid(w) > 1 for w in layer.windows)):
        seen = [
            (
                Message("at most {count} of {size} pixels", count=on_grid(w), size=w.size)
                if grid(w) > 1
                else None
            )
            for w in group.layer.windows
        ]
        window = next(w for w in group.layer.windows if grid(w) > 1)
        message = Message(
            "{op}: a stride of {stride} and a dilation of {dilation} have the factor {factor} in "
            "common, and see {pixels}",
            op=group.op,
            stride=window.stride,
            dilation=window.dilation,
            factor=grid(window),
            pixels=by_dimension(seen),
        )
        help_ = Message("take the stride without the dilation, or numbers without a common factor")
        yield view.warning(group, message, help_, slots=("dilation", "stride"))


def grid(window: Window) -> int:
    """Of how many pixels in a row one is seen at most."""
    if window.kernel == 1 or window.extent < window.stride:
        return 1
    return gcd(window.stride, window.dilation)


def on_grid(window: Window) -> int:
    """How many pixels lie on the grid: the most that can be seen."""
    step = grid(window)
    return -(-(window.size - -window.begin % step) // step)
