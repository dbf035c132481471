"""W201: strides larger than the kernel."""

from __future__ import annotations

from cnndsl.diagnostics.message import Message
from cnndsl.layers.window import Window
from cnndsl.rules.helpers.view import Findings, View
from cnndsl.rules.helpers.windows import extent, missing, unseen


def find(view: View) -> Findings:
    """Windows of more than a pixel that leave pixels between them, or behind the last, unseen.

    A kernel of one pixel with a stride is a way to say "every second pixel": W202 is about it.
    """
    for group, told, torn in missing(view, _count):
        message = Message(
            "{op}: the stride of {stride} is larger than {kernel}, and nothing ever sees {pixels}",
            op=group.op,
            stride=torn.stride,
            kernel=extent(torn),
            pixels=told,
        )
        help_ = Message("take a stride of at most {stride}, or a larger kernel", stride=torn.extent)
        yield view.warning(group, message, help_, slots=("stride", "kernel"))


def _count(window: Window) -> int:
    return unseen(window) if window.extent > 1 else 0
