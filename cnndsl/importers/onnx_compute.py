"""Operators of ONNX in double precision, where the reference of the `onnx` package is too slow,
rounds to single, or does not do all that they can.

Each gets a node of the reference, with its attributes, and arrays; it gives an array, or None to
leave the node to the reference.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
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
    batch, channels, *rest = windows.shape
    rank = x.ndim - 2
    groups, filters = node.group, kernel.shape[0]
    space = rest[:rank]
    windows = windows.reshape(batch, groups, channels // groups, *rest)
    order = [1, 0, *range(3, 3 + rank), 2, *range(3 + rank, 3 + 2 * rank)]
    rows = windows.transpose(order).reshape(groups, batch * prod(space), -1)
    found = rows @ kernel.reshape(groups, filters // groups, -1).transpose(0, 2, 1)
    found = found.reshape(groups, batch, *space, -1)
    found = found.transpose(1, 0, 2 + rank, *range(2, 2 + rank)).reshape(batch, filters, *space)
    result: Array = found if bias is None else found + bias.reshape([-1, *(1 for _ in space)])
    return result


def painted(node: Any, x: Array, kernel: Array, bias: Array | None = None) -> Array | None:
    """A transposed convolution, tap by tap; None where its size is said otherwise."""
    import itertools

    import numpy

    rank = x.ndim - 2
    if node.output_shape or (node.auto_pad or "NOTSET") != "NOTSET":
        return None
    pads, grow = node.pads or [0] * 2 * rank, node.output_padding or [0] * rank
    strides, dilations = node.strides or [1] * rank, node.dilations or [1] * rank
    groups, space = node.group or 1, x.shape[2:]
    kernels = kernel.shape[2:]
    sizes = [(n - 1) * s + d * (k - 1) + 1 + more
             for n, s, d, k, more in zip(space, strides, dilations, kernels, grow)]  # fmt: skip
    found = numpy.zeros((x.shape[0], groups, kernel.shape[1], *sizes))
    x = x.reshape(x.shape[0], groups, -1, *space)
    kernel = kernel.reshape(groups, -1, *kernel.shape[1:])
    for tap in itertools.product(*map(range, kernels)):
        at = [slice(t * d, t * d + (n - 1) * s + 1, s)
              for t, d, n, s in zip(tap, dilations, space, strides)]  # fmt: skip
        weights = kernel[ALL + tap]
        found[ALL + tuple(at)] += numpy.einsum("bgi...,gio->bgo...", x, weights)
    found = found.reshape(x.shape[0], -1, *sizes)
    ends = [size - end for size, end in zip(sizes, pads[rank:])]
    cut = found[ALL[:2] + tuple(map(slice, pads[:rank], ends))]
    result: Array = cut if bias is None else cut + bias.reshape([-1, *(1 for _ in space)])
    return result


def largest(node: Any, x: Array) -> Array | None:
    """A max pool of whole windows."""
    import numpy

    if node.ceil_mode or len(node.output) > 1:
        return None
    windows = patches(node, x, node.kernel_shape, -numpy.inf)
    found: Array | None = None
    if windows is not None:
        found = windows.max(tuple(range(x.ndim, windows.ndim)))
    return found


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
    steps = ALL[:2] + tuple(slice(None, None, step) for step in strides)
    cut = steps + tuple(slice(None, None, d) for d in dilations)
    found: Array = view[cut]
    return found


def greatest(node: Any, x: Array) -> Array:
    """A global max pool."""
    found: Array = x.max(tuple(range(2, x.ndim)), keepdims=True)
    return found


def gelu(node: Any, x: Array) -> Array:
    import numpy

    if node.approximate == "tanh":
        tanh: Array = numpy.tanh((2 / pi) ** 0.5 * (x + 0.044715 * x**3))
        return x * (1 + tanh) / 2
    return x * (1 + error_function(node, x / 2**0.5)) / 2


def error_function(node: Any, x: Array) -> Array:
    import numpy

    found: Array = numpy.vectorize(erf, otypes=[float])(x)
    return found


def hard_sigmoid(node: Any, x: Array) -> Array:
    found: Array = (node.alpha * x + node.beta).clip(0, 1)
    return found


def hard_swish(node: Any, x: Array) -> Array:
    found: Array = x * (x / 6 + 0.5).clip(0, 1)
    return found


def gemm(node: Any, x: Array, kernel: Array, bias: Array | float = 0) -> Array | None:
    if node.transA:
        return None
    found: Array = node.alpha * x @ (kernel.T if node.transB else kernel) + node.beta * bias
    return found


def batch_norm(
    node: Any, x: Array, scale: Array, bias: Array, mean: Array, variance: Array
) -> Array:
    """A batch normalisation as it infers; early versions of the reference's train."""
    over = [-1, *(1 for _ in x.shape[2:])]
    factor = scale / (variance + node.epsilon) ** 0.5
    found: Array = (x - mean.reshape(over)) * factor.reshape(over) + bias.reshape(over)
    return found


def group_norm(node: Any, x: Array, scale: Array, bias: Array) -> Array | None:
    if scale.shape != x.shape[1:2]:
        return None
    grouped = x.reshape(x.shape[0], node.num_groups, -1)
    centred = grouped - grouped.mean(-1, keepdims=True)
    deviation = (centred.var(-1, keepdims=True) + node.epsilon) ** 0.5
    over = [-1, *(1 for _ in x.shape[2:])]
    found: Array = (centred / deviation).reshape(x.shape) * scale.reshape(over)
    return found + bias.reshape(over)


def local_response(node: Any, x: Array) -> Array:
    import numpy

    before, after = (node.size - 1) // 2, node.size // 2
    around = [(0, 0), (before, after), *((0, 0) for _ in x.shape[2:])]
    squares = numpy.pad(x**2, around)
    count = x.shape[1]
    total = sum(squares[:, i : i + count] for i in range(node.size))
    found: Array = x / (node.bias + node.alpha / node.size * total) ** node.beta
    return found


def resized(
    node: Any, x: Array, roi: Any = None, scales: Any = None, sizes: Any = None
) -> Array | None:
    """A change of size, as a product with a matrix for each dimension."""
    import numpy

    if node.op_type != "Resize" or node.antialias or node.exclude_outside:
        return None
    given = sizes if sizes is not None and len(sizes) else scales
    if given is None:
        return None
    for axis, value in zip(node.axes or range(x.ndim), given.tolist()):
        size = x.shape[axis]
        whole = given is sizes
        n = int(value) if whole else floor(size * value)
        if n == size:
            continue
        matrix = numpy.zeros((n, size))
        for i in range(n):
            place = where(node.coordinate_transformation_mode, i, size, n,
                          n / size if whole else value)  # fmt: skip
            shares = taps(node, place)
            if shares is None:
                return None
            for pixel, share in shares.items():
                matrix[i, min(max(pixel, 0), size - 1)] += share
        x = numpy.moveaxis(numpy.moveaxis(x, axis, -1) @ matrix.T, -1, axis)
    return x


def where(rule: str, i: int, size: int, n: int, scale: float) -> float:
    """Where a position of a resized dimension lies in what is resized."""
    if rule == "align_corners":
        return i * (size - 1) / (n - 1) if n > 1 else 0
    if rule == "asymmetric" or (rule == "pytorch_half_pixel" and n == 1):
        return i / scale if n > 1 else 0
    return (i + 0.5) / scale - (0 if rule == "tf_half_pixel_for_nn" else 0.5)


def taps(node: Any, place: float) -> dict[int, float] | None:
    """The pixels around a place, with their shares."""
    near = floor(place)
    part = place - near
    if node.mode == "linear":
        return {near: 1 - part, near + 1: part}
    if node.mode == "cubic":
        a = node.cubic_coeff_a
        return {near + i: cubic(abs(part - i), a) for i in range(-1, 3)}
    if node.nearest_mode == "floor":
        # A place that is a whole number but for rounding is that.
        return {floor(place + 1e-9): 1}
    return None


def cubic(distance: float, a: float) -> float:
    """The share of a pixel at a distance, by Keys."""
    if distance <= 1:
        return (a + 2) * distance**3 - (a + 3) * distance**2 + 1
    return a * (distance**3 - 5 * distance**2 + 8 * distance - 4) if distance < 2 else 0


OPERATORS: dict[str, Callable[..., Array | None]] = {
    "Conv": convolved,
    "ConvTranspose": painted,
    "MaxPool": largest,
    "GlobalMaxPool": greatest,
    "Gemm": gemm,
    "BatchNormalization": batch_norm,
    "Erf": error_function,
    "HardSigmoid": hard_sigmoid,
    "HardSwish": hard_swish,
    "Gelu": gelu,
    "GroupNormalization": group_norm,
    "LRN": local_response,
    "Resize": resized,
}
"""The operators that are worked out here."""
