"""W210: transposed convolutions whose kernels overlap unevenly."""

from __future__ import annotations

from cnndsl.diagnostics.message import Message
from cnndsl.layers.base import Layer
from cnndsl.rules.helpers.view import Findings, View
from cnndsl.rules.helpers.windows import is_dilated


def find(view: View) -> Findings:
    """Kernels larger than the stride, and no multiple of it.

    Odena, Dumoulin and Olah, "Deconvolution and checkerboard artifacts" (2016).
    """
    for group in view.select(
        ("deconv",), lambda layer: any(_uneven(layer)) and not is_dilated(layer)
    ):
        kernel, stride = next(filter(None, _uneven(group.layer)))
        low = kernel // stride
        message = Message(
            "deconv: a kernel of {kernel} at a stride of {stride} overlaps unevenly: some pixels "
            "are painted {more} times, others {fewer} times",
            kernel=kernel,
            stride=stride,
            more=low + 1,
            fewer=low,
        )
        if low == 1:
            message = Message(
                "deconv: a kernel of {kernel} at a stride of {stride} overlaps unevenly: some "
                "pixels are painted 2 times, others once",
                kernel=kernel,
                stride=stride,
            )
        help_ = Message(
            "take a kernel of {size}, a multiple of the stride; or `up {stride}` and a convolution",
            size=(low + 1) * stride,
            stride=stride,
        )
        yield view.warning(group, message, help_, slots=("kernel",))


def _uneven(layer: Layer) -> list[tuple[int, int] | None]:
    pairs = zip(layer.kernel, layer.stride, layer.spatial)  # type: ignore[attr-defined]
    return [(k, s) if k > s > 1 and k % s and size > 1 else None for k, s, size in pairs]
