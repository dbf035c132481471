"""W211: transposed convolutions whose kernels leave gaps."""

from __future__ import annotations

from cnndsl.diagnostics.message import Message
from cnndsl.layers.base import Layer
from cnndsl.rules.helpers.view import Findings, View
from cnndsl.rules.helpers.windows import by_dimension, is_dilated


def find(view: View) -> Findings:
    """Kernels smaller than the stride: between them the output is the bias alone."""
    for group in view.select(("deconv",), lambda layer: any(gaps(layer)) and not is_dilated(layer)):
        bare = [
            Message("{count} of {size} pixels", count=gap, size=size) if gap else None
            for gap, size in zip(gaps(group.layer), group.first.output)
        ]
        layer = group.layer
        pairs = zip(layer.kernel, layer.stride)
        kernel, stride = next((k, s) for k, s in pairs if k < s)
        message = Message(
            "deconv: the kernel of {kernel} is smaller than the stride of {stride}, and {pixels} "
            "get nothing but the bias",
            kernel=kernel,
            stride=stride,
            pixels=by_dimension(bare),
        )
        help_ = Message("take a kernel of {size}, or of a multiple of it", size=stride)
        yield view.warning(group, message, help_, slots=("kernel",))


def gaps(layer: Layer) -> list[int]:
    """How many pixels of the output no kernel paints, in each dimension."""
    sizes = zip(layer.kernel, layer.stride, layer.spatial)  # type: ignore[attr-defined]
    tail = 0 if layer.same else 1  # type: ignore[attr-defined]  # `same` ends in a gap
    return [
        (count - tail) * (stride - kernel) if kernel < stride else 0
        for kernel, stride, count in sizes
    ]
