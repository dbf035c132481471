"""W210: transposed convolutions whose kernels overlap unevenly."""

from __future__ import annotations

from cnndsl.layers.base import Layer
from cnndsl.rules.helpers.view import Findings, View


def find(view: View) -> Findings:
    """Kernels larger than the stride, and no multiple of it.

    Odena, Dumoulin and Olah, "Deconvolution and checkerboard artifacts" (2016).
    """
    for group in view.select(("deconv",), lambda layer: any(_uneven(layer))):
        kernel, stride = next(filter(None, _uneven(group.layer)))
        low = kernel // stride
        message = f"deconv: a kernel of {kernel} at a stride of {stride} overlaps unevenly: some "
        message += f"pixels are painted {low + 1} times, others {_times(low)}"
        help_ = f"take a kernel of {(low + 1) * stride}, a multiple of the stride; or `up "
        help_ += f"{stride}` and a convolution"
        yield view.warning(group, message, help_, slots=("kernel",))


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


def _uneven(layer: Layer) -> list[tuple[int, int] | None]:
    pairs = zip(layer.kernel, layer.stride, layer.spatial)  # type: ignore[attr-defined]
    return [(k, s) if k > s > 1 and k % s and size > 1 else None for k, s, size in pairs]
