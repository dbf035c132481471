"""Operators of ONNX in double precision, where the reference of the `onnx` package is too slow,
rounds to single, or does not do all that they can.

Each gets a node of the reference, with its attributes, and arrays; it gives an array, or None to
leave the node to the reference.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import product
from math import erf, floor, pi, prod
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    import numpy
    from numpy.typing import NDArray

    Array: TypeAlias = NDArray[numpy.float64]

ALL = (slice(None),) * 3


def convolved(node: Any, x: Array, kernel: Array, bias: Array | None = None) -> Array | None:
    """A convolution by a product of matrices; None where padding is not said in numbers."""
    windows = patches(node, x, kernel.shape[2:], 0.0)
    if windows is None:
        return None
    rank, groups, filters = x.ndim - 2, node.group, kernel.shape[0]
    batch, channels, *rest = windows.shape
    space = rest[:rank]
    windows = windows.reshape(batch, groups, channels // groups, *rest)
    order = [1, 0, *range(3, 3 + rank), 2, *range(3 + rank, 3 + 2 * rank)]
    rows = windows.transpose(order).reshape(groups, batch * prod(space), -1)
    found = rows @ kernel.reshape(groups, filters // groups, -1).transpose(0, 2, 1)
    found = found.reshape(groups, batch, *space, -1)
    found = found.transpose(1, 0, 2 + rank, *range(2, 2 + rank))
    return with_bias(found.reshape(batch, filters, *space), bias)


def with_bias(x: Array, bias: Array | None) -> Array:
    return x if bias is None else x + channelwise(bias, x)


def channelwise(numbers: Array, x: Array) -> Array:
    """A number for each channel, as a map of them."""
    return numbers.reshape(-1, *(1 for _ in x.shape[2:]))


def painted(node: Any, x: Array, kernel: Array, bias: Array | None = None) -> Array | None:
    """A transposed convolution, tap by tap; None where its size is said otherwise."""
    import numpy

    rank, space, kernels = x.ndim - 2, x.shape[2:], kernel.shape[2:]
    if node.output_shape or (node.auto_pad or "NOTSET") != "NOTSET":
        return None
    pads, grow = node.pads or [0] * 2 * rank, node.output_padding or [0] * rank
    strides, dilations = node.strides or [1] * rank, node.dilations or [1] * rank
    groups = node.group or 1
    sizes = [(n - 1) * s + d * (k - 1) + 1 + more
             for n, s, d, k, more in zip(space, strides, dilations, kernels, grow)]  # fmt: skip
    found = numpy.zeros((x.shape[0], groups, kernel.shape[1], *sizes))
    x = x.reshape(x.shape[0], groups, -1, *space)
    kernel = kernel.reshape(groups, -1, *kernel.shape[1:])
    for tap in product(*map(range, kernels)):
        at = [slice(t * d, t * d + (n - 1) * s + 1, s)
              for t, d, n, s in zip(tap, dilations, space, strides)]  # fmt: skip
        found[ALL + tuple(at)] += numpy.einsum("bgi...,gio->bgo...", x, kernel[ALL + tap])
    ends = [size - end for size, end in zip(sizes, pads[rank:])]
    found = found.reshape(x.shape[0], -1, *sizes)
    return with_bias(found[ALL[:2] + tuple(map(slice, pads[:rank], ends))], bias)


def largest(node: Any, x: Array) -> Array | None:
    """A max pool of whole windows."""
    import numpy

    if node.ceil_mode or len(node.output) > 1:
        return None
    windows = patches(node, x, node.kernel_shape, -numpy.inf)
    return None if windows is None else windows.max(tuple(range(x.ndim, windows.ndim)))


def patches(node: Any, x: Array, kernel: Sequence[int], outside: float) -> Array | None:
    """The windows of a tensor: a batch, channels, space, and then the axes of the kernel."""
    import numpy

    rank = x.ndim - 2
    if (node.auto_pad or "NOTSET") not in ("NOTSET", "VALID"):
        return None
    pads = node.pads or [0] * 2 * rank
    strides, dilations = node.strides or [1] * rank, node.dilations or [1] * rank
    around = [(0, 0), (0, 0), *zip(pads[:rank], pads[rank:])]
    x = numpy.pad(x, around, constant_values=outside)
    extents = tuple(d * (k - 1) + 1 for d, k in zip(dilations, kernel))
    view = numpy.lib.stride_tricks.sliding_window_view(x, extents, tuple(range(2, 2 + rank)))
    return view[ALL[:2] + tuple(slice(None, None, step) for step in [*strides, *dilations])]


def gelu(node: Any, x: Array) -> Array:
    import numpy

    if node.approximate == "tanh":
        bend: Array = numpy.tanh((2 / pi) ** 0.5 * (x + 0.044715 * x**3))
    else:
        bend = error_function(x / 2**0.5)
    return x * (1 + bend) / 2


def error_function(x: Array) -> Array:
    import numpy

    found: Array = numpy.vectorize(erf, otypes=[float])(x)
    return found


def batch_norm(
    node: Any, x: Array, scale: Array, bias: Array, mean: Array, variance: Array
) -> Array:
    """A batch normalisation as it infers; early versions of the reference's train."""
    factor = scale / (variance + node.epsilon) ** 0.5
    return (x - channelwise(mean, x)) * channelwise(factor, x) + channelwise(bias, x)


def group_norm(node: Any, x: Array, scale: Array, bias: Array) -> Array | None:
    if scale.shape != x.shape[1:2]:
        return None
    grouped = x.reshape(x.shape[0], node.num_groups, -1)
    centred = grouped - grouped.mean(-1, keepdims=True)
    normal: Array = centred / (centred.var(-1, keepdims=True) + node.epsilon) ** 0.5
    return normal.reshape(x.shape) * channelwise(scale, x) + channelwise(bias, x)


def local_response(node: Any, x: Array) -> Array:
    import numpy

    around = [(0, 0), ((node.size - 1) // 2, node.size // 2), *((0, 0) for _ in x.shape[2:])]
    squares = numpy.pad(x**2, around)
    total: Any = sum(squares[:, i : i + x.shape[1]] for i in range(node.size))
    found: Array = x / (node.bias + node.alpha / node.size * total) ** node.beta
    return found


def resized(
    node: Any, x: Array, roi: Any = None, scales: Any = None, sizes: Any = None
) -> Array | None:
    """A change of size, as a product with a matrix for each dimension."""
    import numpy

    rule, floors = node.coordinate_transformation_mode, node.nearest_mode == "floor"
    unusual = node.antialias or node.exclude_outside or (node.mode == "nearest" and not floors)
    if node.op_type != "Resize" or unusual:
        return None
    whole = sizes is not None and len(sizes)
    for axis, value in zip(node.axes or range(x.ndim), (sizes if whole else scales).tolist()):
        size = x.shape[axis]
        n, scale = (value, value / size) if whole else (floor(size * value), value)
        if n == size:
            continue
        at = numpy.arange(n)
        exact = {
            "align_corners": at * (size - 1) / max(1, n - 1),
            "asymmetric": at / scale,
            "half_pixel": (at + 0.5) / scale - 0.5,
            "pytorch_half_pixel": (at + 0.5) / scale - 0.5,
            "tf_half_pixel_for_nn": (at + 0.5) / scale,
        }.get(rule)
        if exact is None or n == 1:
            return None
        # A nearest place that is a whole number but for rounding is that.
        near = numpy.floor(exact + (1e-9 if node.mode == "nearest" else 0)).astype(int)
        matrix = numpy.zeros((n, size))
        for step, share in taps(node, exact - near).items():
            numpy.add.at(matrix, (at, (near + step).clip(0, size - 1)), share)
        x = numpy.moveaxis(numpy.moveaxis(x, axis, -1) @ matrix.T, -1, axis)
    return x


def enlarged(node: Any, x: Array, scales: Any = None) -> Array | None:
    """A map with each pixel several times, as before there was `Resize`."""
    import numpy

    if node.mode != "nearest":
        return None
    for axis, scale in enumerate(node.scales if scales is None else scales.tolist()):
        places = numpy.arange(floor(x.shape[axis] * scale))
        x = x.take((places / scale + 1e-9).astype(int), axis)
    return x


def taps(node: Any, part: Array) -> dict[int, Any]:
    """The shares of the pixels around places that lie a part of a pixel behind one."""
    if node.mode == "nearest":
        return {0: 1}
    if node.mode == "linear":
        return {0: 1 - part, 1: part}
    a, shares = node.cubic_coeff_a, {}
    for i in range(-1, 3):
        d = abs(part - i)  # by Keys
        near = (a + 2) * d**3 - (a + 3) * d**2 + 1
        shares[i] = near if i in (0, 1) else a * (d**3 - 5 * d**2 + 8 * d - 4)
    return shares


OPERATORS: dict[str, Callable[..., Any]] = {
    "Conv": convolved,
    "ConvTranspose": painted,
    "MaxPool": largest,
    "GlobalMaxPool": lambda node, x: x.max(tuple(range(2, x.ndim)), keepdims=True),
    "BatchNormalization": batch_norm,
    "Erf": lambda node, x: error_function(x),
    "HardSwish": lambda node, x: x * (x / 6 + 0.5).clip(0, 1),
    "Gelu": gelu,
    "GroupNormalization": group_norm,
    "LRN": local_response,
    "Dropout": lambda node, x, *rates: x,
    "Resize": resized,
    "Upsample": enlarged,
}
"""The operators that are worked out here."""
