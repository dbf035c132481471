"""W202: kernels of one pixel with a stride."""

from __future__ import annotations

from cnndsl.diagnostics.message import Message
from cnndsl.layers.window import Window
from cnndsl.rules.helpers.view import Findings, View
from cnndsl.rules.helpers.windows import missing, unseen


def find(view: View) -> Findings:
    """Layers that look at every second pixel or fewer, as the shortcuts of a ResNet do."""
    for group, told, sparse in missing(view, _count):
        message = Message(
            "{op}: with a kernel of 1 and a stride of {stride} nothing sees {pixels}",
            op=group.op,
            stride=sparse.stride,
            pixels=told,
        )
        help_ = Message(
            "put `avgpool {stride}` before it and leave the stride out, or take the stride in a "
            "layer with a larger kernel",
            stride=sparse.stride,
        )
        yield view.warning(group, message, help_, slots=("stride", "kernel"))


def _count(window: Window) -> int:
    return unseen(window) if window.extent == 1 else 0
