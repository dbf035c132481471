"""W202: kernels of one pixel with a stride."""

from __future__ import annotations

from cnndsl.layers.window import Window
from cnndsl.rules.helpers.view import Findings, View
from cnndsl.rules.helpers.windows import missing, unseen


def find(view: View) -> Findings:
    """Layers that look at every second pixel or fewer, as the shortcuts of a ResNet do."""
    for group, told, sparse in missing(view, _count):
        message = f"{group.op}: with a kernel of 1 and a stride of {sparse.stride} nothing sees "
        message += f"{told}"
        help_ = f"put `avgpool {sparse.stride}` before it and leave the stride out, or take the "
        help_ += "stride in a layer with a larger kernel"
        yield view.warning(group, message, help_, slots=("stride", "kernel"))


def _count(window: Window) -> int:
    return unseen(window) if window.extent == 1 else 0
