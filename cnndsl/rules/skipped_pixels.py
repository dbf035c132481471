"""W201: strides larger than the kernel."""

from __future__ import annotations

from cnndsl.layers.window import Window
from cnndsl.rules.helpers.view import Findings, View
from cnndsl.rules.helpers.windows import missing, unseen


def find(view: View) -> Findings:
    """Windows of more than a pixel that leave pixels between them, or behind the last, unseen.

    A kernel of one pixel with a stride is a way to say "every second pixel": W202 is about it.
    """
    for group, told, torn in missing(view, _count):
        span = f"the kernel of {torn.kernel}"
        if torn.dilation > 1:
            span = f"the {torn.extent} pixels that the kernel spans"
        message = f"{group.op}: the stride of {torn.stride} is larger than {span}, and "
        message += f"nothing ever sees {told}"
        help_ = f"take a stride of at most {torn.extent}, or a larger kernel"
        yield view.warning(group, message, help_, slots=("stride", "kernel"))


def _count(window: Window) -> int:
    return unseen(window) if window.extent > 1 else 0
