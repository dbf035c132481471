"""What each layer computes, in plain numpy and from its definition alone.

Nothing here knows a framework, nor the windows that the layers work out: it is what both
frameworks are held against, so that they cannot agree on something wrong.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from cnndsl.layers import ACTIVATIONS
from cnndsl.layers.base import Layer
from cnndsl.layers.values import Pair
from cnndsl.network import Network

Array = Any
"""A numpy array: its type says nothing of its shape."""


def reference(layer: Layer, x: Array, weights: Mapping[str, Array]) -> Array:
    """What a layer, with its activation, makes of a batch while it infers; channels last."""
    result = COMPUTE[layer.op](layer, x.astype("float64"), weights)
    if layer.activation is not None:
        result = COMPUTE[layer.activation.op](layer.activation, result, weights)
    return result


def each(value: Any, rank: int) -> tuple[Any, ...]:
    """One value for each dimension."""
    return value if isinstance(value, tuple) and not isinstance(value, Pair) else (value,) * rank


def at(place: Sequence[Any]) -> tuple[Any, ...]:
    """An index of a place in all images of a batch."""
    return (slice(None), *place)


# Windows


def begins(layer: Any, strides: tuple[int, ...], dilations: tuple[int, ...]) -> list[int]:
    """How far before the image the first window begins, in each dimension."""
    found = []
    kernels = each(layer.kernel, len(strides))
    for size, kernel, stride, dilation, pad in zip(
        layer.input, kernels, strides, dilations, each(layer.pad or Pair(0, 0), len(strides))
    ):
        begin = pad.begin
        if layer.same:
            reach = (math.ceil(size / stride) - 1) * stride + dilation * (kernel - 1) + 1
            begin = max(0, reach - size) // 2
        found.append(begin)
    return found


def windows(
    layer: Any, x: Array, strides: tuple[int, ...], dilations: tuple[int, ...]
) -> Iterator[tuple[tuple[int, ...], list[tuple[tuple[int, ...], tuple[int, ...]]]]]:
    """For each place of the output: (place in the kernel, pixel) of the pixels that are there."""
    first = begins(layer, strides, dilations)
    kernels = each(layer.kernel, len(strides))
    for place in itertools.product(*map(range, layer.output[:-1])):
        found = []
        for tap in itertools.product(*map(range, kernels)):
            pixel = tuple(
                p * s - b + t * d for p, s, b, t, d in zip(place, strides, first, tap, dilations)
            )
            if all(0 <= where < size for where, size in zip(pixel, layer.input)):
                found.append((tap, pixel))
        yield place, found


def bias(weights: Mapping[str, Array]) -> Array | float:
    return weights.get("bias", 0.0)


def slide(
    layer: Any, x: Array, width: int, apply: Callable[[Array, tuple[int, ...]], Array]
) -> Array:
    """The sum over all windows of what `apply` makes of a pixel and its place in the kernel."""
    rank = x.ndim - 2
    out = np.zeros((len(x), *layer.output[:-1], width))
    for place, taps in windows(layer, x, each(layer.stride, rank), each(layer.dilation, rank)):
        for tap, pixel in taps:
            out[at(place)] += apply(x[at(pixel)], tap)
    return out


def conv(layer: Any, x: Array, weights: Mapping[str, Array]) -> Array:
    kernel, groups = weights["kernel"], layer.groups
    ins, outs = x.shape[-1] // groups, layer.filters // groups

    def apply(pixel: Array, tap: tuple[int, ...]) -> Array:
        parts = [
            pixel[:, g * ins : (g + 1) * ins] @ kernel[tap][:, g * outs : (g + 1) * outs]
            for g in range(groups)
        ]
        return np.concatenate(parts, axis=-1)

    return slide(layer, x, layer.filters, apply) + bias(weights)


def depthwise(layer: Any, x: Array, weights: Mapping[str, Array]) -> Array:
    kernel = weights["depthwise"]

    def apply(pixel: Array, tap: tuple[int, ...]) -> Array:
        return (pixel[:, :, None] * kernel[tap]).reshape(len(pixel), -1)

    return slide(layer, x, x.shape[-1] * layer.mult, apply)


def dwconv(layer: Any, x: Array, weights: Mapping[str, Array]) -> Array:
    return depthwise(layer, x, weights) + bias(weights)


def sepconv(layer: Any, x: Array, weights: Mapping[str, Array]) -> Array:
    pointwise = weights["pointwise"].reshape(-1, layer.filters)
    return depthwise(layer, x, weights) @ pointwise + bias(weights)


def deconv(layer: Any, x: Array, weights: Mapping[str, Array]) -> Array:
    """Every pixel paints the kernel, S further on; what is beyond the output is lost."""
    rank = x.ndim - 2
    strides, kernels = each(layer.stride, rank), each(layer.kernel, rank)
    pads, spacing = each(layer.pad or Pair(0, 0), rank), each(layer.dilation, rank)
    lost = [
        max(0, (k - 1) * d + 1 - s) // 2 if layer.same else pad.begin
        for k, d, s, pad in zip(kernels, spacing, strides, pads)
    ]
    ins, outs = x.shape[-1] // layer.groups, layer.filters // layer.groups
    out = np.zeros((len(x), *layer.output))
    for pixel in itertools.product(*map(range, layer.input[:-1])):
        for tap in itertools.product(*map(range, kernels)):
            place = tuple(
                p * s + t * d - c for p, s, t, d, c in zip(pixel, strides, tap, spacing, lost)
            )
            if not all(0 <= where < size for where, size in zip(place, layer.output)):
                continue
            for g in range(layer.groups):
                part, given = slice(g * outs, (g + 1) * outs), slice(g * ins, (g + 1) * ins)
                out[at(place)][:, part] += x[at(pixel)][:, given] @ weights["kernel"][tap][:, part]
    return out + bias(weights)


def pool(layer: Any, x: Array, reduce: Callable[[Array], Array]) -> Array:
    rank = x.ndim - 2
    if layer.to is not None:
        return shared(layer, x, reduce)
    stride = each(layer.kernel if layer.stride is None else layer.stride, rank)
    dilation = each(getattr(layer, "dilation", 1), rank)
    out = np.zeros((len(x), *layer.output))
    for place, taps in windows(layer, x, stride, dilation):
        seen = np.stack([x[at(pixel)] for _, pixel in taps])
        out[at(place)] = reduce(seen)
    return out


def shared(layer: Any, x: Array, reduce: Callable[[Array], Array]) -> Array:
    """Window i of n sees the pixels from floor(i*X/n) up to, not with, ceil((i + 1)*X/n)."""
    out = np.zeros((len(x), *layer.output))
    for place in itertools.product(*map(range, layer.output[:-1])):
        pixels = [
            range(math.floor(i * size / n), math.ceil((i + 1) * size / n))
            for i, size, n in zip(place, layer.input, layer.output[:-1])
        ]
        seen = [x[at(pixel)] for pixel in itertools.product(*pixels)]
        out[at(place)] = reduce(np.stack(seen))
    return out


def avgpool(layer: Any, x: Array, weights: Mapping[str, Array]) -> Array:
    """`countpad` lets the padding that was asked for count, not what rounding up adds."""
    if not layer.countpad:
        return pool(layer, x, lambda seen: seen.mean(axis=0))
    rank = x.ndim - 2
    stride = each(layer.kernel if layer.stride is None else layer.stride, rank)
    first = begins(layer, stride, (1,) * rank)
    pads = each(layer.pad or Pair(0, 0), rank)
    out = np.zeros((len(x), *layer.output))
    for place, taps in windows(layer, x, stride, (1,) * rank):
        counted = 1
        for index, s, b, kernel, size, pad in zip(
            place, stride, first, layer.kernel, layer.input, pads
        ):
            start = index * s - b
            stop = start + kernel
            counted *= kernel if layer.same else min(stop, size + pad.end) - start
        out[at(place)] = sum(x[at(pixel)] for _, pixel in taps) / counted
    return out


def over_space(reduce: Any) -> Callable[..., Array]:
    def compute(layer: Any, x: Array, weights: Mapping[str, Array]) -> Array:
        axes = tuple(range(1, x.ndim - 1))
        result: Array = reduce(x, axis=axes, keepdims=bool(layer.keep))
        return result

    return compute


# Normalisations


def bn(layer: Any, x: Array, weights: Mapping[str, Array]) -> Array:
    whitened = (x - weights["mean"]) / np.sqrt(weights["variance"] + layer.eps)
    return learned(whitened, weights)


def ln(layer: Any, x: Array, weights: Mapping[str, Array]) -> Array:
    mean, variance = x.mean(-1, keepdims=True), x.var(-1, keepdims=True)
    return learned((x - mean) / np.sqrt(variance + layer.eps), weights)


def learned(x: Array, weights: Mapping[str, Array]) -> Array:
    """A factor and a summand for each channel, where there are any."""
    return x * weights.get("gamma", 1.0) + weights.get("beta", 0.0)


def inorm(layer: Any, x: Array, weights: Mapping[str, Array]) -> Array:
    axes = tuple(range(1, x.ndim - 1))
    mean, variance = x.mean(axes, keepdims=True), x.var(axes, keepdims=True)
    return learned((x - mean) / np.sqrt(variance + layer.eps), weights)


def gn(layer: Any, x: Array, weights: Mapping[str, Array]) -> Array:
    out = np.zeros_like(x)
    width = x.shape[-1] // layer.groups
    for group in range(layer.groups):
        part = (..., slice(group * width, (group + 1) * width))
        axes = tuple(range(1, x.ndim))
        mean = x[part].mean(axes, keepdims=True)
        variance = x[part].var(axes, keepdims=True)
        out[part] = (x[part] - mean) / np.sqrt(variance + layer.eps)
    return learned(out, weights)


def lrn(layer: Any, x: Array, weights: Mapping[str, Array]) -> Array:
    """The window of channel c begins size // 2 channels before it."""
    total = np.zeros_like(x)
    for channel in range(x.shape[-1]):
        start = channel - layer.size // 2
        window = x[..., max(0, start) : start + layer.size]
        total[..., channel] = (window**2).sum(-1)
    return x / (layer.k + layer.alpha / layer.size * total) ** layer.beta


# Geometry


def cubic(distance: float) -> float:
    """Keys's kernel with a = -0.75."""
    x = abs(distance)
    if x <= 1:
        return 1.25 * x**3 - 2.25 * x**2 + 1
    return -0.75 * (x**3 - 5 * x**2 + 8 * x - 4) if x < 2 else 0.0


def shares(layer: Any, index: int, size: int, output: int) -> dict[int, float]:
    """What of each pixel of a dimension goes into a position; beyond the edge is the edge."""
    if not layer.bilinear and not layer.bicubic:
        return {index * size // output: 1.0}
    # Centres at half-integers, or those of the first and the last at the corners.
    centre = (index + 0.5) * size / output - 0.5
    if layer.aligned:
        centre = index * (size - 1) / (output - 1) if output > 1 else 0.0
    found: dict[int, float] = {}
    for pixel in range(math.floor(centre) - 1, math.floor(centre) + 3):
        away = centre - pixel
        share = cubic(away) if layer.bicubic else max(0.0, 1 - abs(away))
        inside = min(max(pixel, 0), size - 1)
        found[inside] = found.get(inside, 0.0) + share
    return found


def up(layer: Any, x: Array, weights: Mapping[str, Array]) -> Array:
    out = np.zeros((len(x), *layer.output))
    for place in itertools.product(*map(range, layer.output[:-1])):
        parts = [shares(layer, *each) for each in zip(place, layer.input, layer.output)]
        for pixels in itertools.product(*(part.items() for part in parts)):
            share = math.prod(share for _, share in pixels)
            out[at(place)] += share * x[at([pixel for pixel, _ in pixels])]
    return out


def zeropad(layer: Any, x: Array, weights: Mapping[str, Array]) -> Array:
    return np.pad(x, [(0, 0), *layer.pad, (0, 0)])


def crop(layer: Any, x: Array, weights: Mapping[str, Array]) -> Array:
    parts = [slice(b, size - e) for (b, e), size in zip(layer.crop, layer.input)]
    return x[at(parts)]


def shuffle(layer: Any, x: Array, weights: Mapping[str, Array]) -> Array:
    width = x.shape[-1] // layer.groups
    order = [group * width + i for i in range(width) for group in range(layer.groups)]
    return x[..., order]


def beyond(place: Callable[[int, int], int]) -> Callable[..., Array]:
    """Padding whose pixels are others of the image: `place` tells which, by its index and size."""

    def compute(layer: Any, x: Array, weights: Mapping[str, Array]) -> Array:
        out = np.zeros((len(x), *layer.output))
        for pixel in itertools.product(*map(range, layer.output[:-1])):
            where = [
                place(i - pad.begin, size) for i, pad, size in zip(pixel, layer.pad, layer.input)
            ]
            out[at(pixel)] = x[at(where)]
        return out

    return compute


def mirrored(index: int, size: int) -> int:
    return -index if index < 0 else 2 * (size - 1) - index if index >= size else index


def square(layer: Any, small: Sequence[int], channels: int) -> Iterator[Any]:
    """Each pixel of each square, with the channel that stands for it: (pixel, channel of many,
    channel of few)."""
    factor, area = layer.factor, layer.factor ** len(small)
    for tap, inner in enumerate(itertools.product(range(factor), repeat=len(small))):
        pixel = tuple(place * factor + i for place, i in zip(small, inner))
        for channel in range(channels):
            yield pixel, tap * channels + channel if layer.dcr else channel * area + tap, channel


def pixelshuffle(layer: Any, x: Array, weights: Mapping[str, Array]) -> Array:
    out = np.zeros((len(x), *layer.output))
    for small in itertools.product(*map(range, layer.input[:-1])):
        for pixel, many, few in square(layer, small, layer.output[-1]):
            out[at((*pixel, few))] = x[at((*small, many))]
    return out


def pixelunshuffle(layer: Any, x: Array, weights: Mapping[str, Array]) -> Array:
    out = np.zeros((len(x), *layer.output))
    for small in itertools.product(*map(range, layer.output[:-1])):
        for pixel, many, few in square(layer, small, layer.input[-1]):
            out[at((*small, many))] = x[at((*pixel, few))]
    return out


def permute(layer: Any, x: Array, weights: Mapping[str, Array]) -> Array:
    """Output dimension i is input dimension `order[i]`; the batch is 0."""
    out = np.zeros((len(x), *layer.output))
    for place in itertools.product(*map(range, layer.output)):
        source = dict(zip(layer.order, place))
        out[at(place)] = x[at([source[axis] for axis in range(1, x.ndim)])]
    return out


# Activations


def where(below: Callable[[Any, Array, Mapping[str, Array]], Array]) -> Callable[..., Array]:
    """A function that leaves what is above 0 as it is."""
    return lambda layer, x, weights: np.where(x >= 0, x, below(layer, np.minimum(x, 0), weights))


def value(compute: Callable[[Array], Array]) -> Callable[..., Array]:
    """A function of each value."""
    return lambda layer, x, weights: compute(x)


AXES = ("c", "lc", "hwc", "dhwc")


def axis_of(layer: Any, x: Array) -> int:
    """The place of a layer's axis in a batch."""
    return AXES[x.ndim - 2].index(layer.axis[0]) + 1


def softmax(layer: Any, x: Array, weights: Mapping[str, Array]) -> Array:
    axis = axis_of(layer, x)
    powers = np.exp(x - x.max(axis, keepdims=True))
    result: Array = powers / powers.sum(axis, keepdims=True)
    return result


def gelu(layer: Any, x: Array, weights: Mapping[str, Array]) -> Array:
    if layer.approx:
        return x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))) / 2
    return x * (1 + np.vectorize(math.erf)(x / math.sqrt(2))) / 2


def sigmoid(x: Array) -> Array:
    return 1 / (1 + np.exp(-x))


COMPUTE: dict[str, Callable[..., Array]] = {
    "conv": conv,
    "dwconv": dwconv,
    "sepconv": sepconv,
    "deconv": deconv,
    "pool": lambda layer, x, weights: pool(layer, x, lambda seen: seen.max(axis=0)),
    "minpool": lambda layer, x, weights: pool(layer, x, lambda seen: seen.min(axis=0)),
    "avgpool": avgpool,
    "gap": over_space(np.mean),
    "gmp": over_space(np.max),
    "channelmean": value(
        lambda x: sum(x[..., c : c + 1] for c in range(x.shape[-1])) / x.shape[-1]
    ),
    "channelmax": value(lambda x: np.sort(x, -1)[..., -1:]),
    "flatten": value(lambda x: x.reshape(len(x), -1)),
    "dense": lambda layer, x, weights: x @ weights["kernel"] + bias(weights),
    "bn": bn,
    "ln": ln,
    "gn": gn,
    "inorm": inorm,
    "lrn": lrn,
    "scale": lambda layer, x, weights: x * weights["scale"],
    "rescale": lambda layer, x, weights: x * np.array(layer.scale) + np.array(layer.offset),
    "dropout": value(lambda x: x),
    "droppath": value(lambda x: x),
    "up": up,
    "zeropad": zeropad,
    "reflectpad": beyond(mirrored),
    "replicatepad": beyond(lambda index, size: min(max(index, 0), size - 1)),
    "crop": crop,
    "reshape": lambda layer, x, weights: x.reshape(len(x), *layer.shape),
    "shuffle": shuffle,
    "pixelshuffle": pixelshuffle,
    "pixelunshuffle": pixelunshuffle,
    "permute": permute,
    "transpose": permute,
    "slice": lambda layer, x, weights: x[..., layer.range.begin : layer.range.end],
    "relu": value(lambda x: np.maximum(x, 0)),
    "relu6": value(lambda x: np.clip(x, 0, 6)),
    "leaky_relu": where(lambda layer, x, weights: layer.slope * x),
    "prelu": where(lambda layer, x, weights: weights["alpha"] * x),
    "elu": where(lambda layer, x, weights: layer.alpha * (np.exp(x) - 1)),
    "selu": value(
        lambda x: 1.0507009873554805
        * np.where(x >= 0, x, 1.6732632423543772 * (np.exp(np.minimum(x, 0)) - 1))
    ),
    "gelu": gelu,
    "silu": value(lambda x: x * sigmoid(x)),
    "mish": value(lambda x: x * np.tanh(np.log1p(np.exp(x)))),
    "softplus": value(lambda x: np.log1p(np.exp(x))),
    "sigmoid": value(sigmoid),
    "tanh": value(np.tanh),
    "softmax": softmax,
    "clamp": lambda layer, x, weights: np.clip(x, layer.low, layer.high),
    "hard_swish": value(lambda x: x * np.clip(x + 3, 0, 6) / 6),
    "hard_sigmoid": value(lambda x: np.clip(x / 6 + 0.5, 0, 1)),
}

MERGE: dict[str, Callable[..., Array]] = {
    "add": lambda layer, *xs: sum(xs),
    "subtract": lambda layer, x, y: x - y,
    "mul": lambda layer, *xs: math.prod(stretched(x, max(each.ndim for each in xs)) for x in xs),
    "maximum": lambda layer, *xs: np.max(xs, axis=0),
    "average": lambda layer, *xs: np.mean(xs, axis=0),
    "concat": lambda layer, *xs: np.concatenate(xs, axis_of(layer, xs[0])),
}
"""What each merge makes of its inputs."""


def stretched(x: Array, dimensions: int) -> Array:
    """A vector as an image of one pixel, where others are images."""
    return x.reshape(len(x), *(1 for _ in range(dimensions - x.ndim)), *x.shape[1:])


def computed(
    network: Network, images: Sequence[Array], weights: Mapping[str, Array]
) -> list[Array]:
    """What comes out of each node of a network; those that share weights have the first's."""
    given = iter(images)
    found: list[Array] = []
    for node in network.nodes:
        read = [found[index] for index in node.inputs]
        first = node if node.shared_with is None else network.nodes[node.shared_with]
        own = {weight.role: weights[f"{first.name}.{weight.role}"] for weight in first.weights}
        if not read:
            found.append(next(given))
        elif len(read) > 1:
            found.append(MERGE[node.op](node.layer, *read))
        else:
            found.append(reference(node.layer, *read, own))
    return found


CASES: dict[str, list[Any]] = {
    "conv": [
        ("9x8x3", "conv 4 3", "conv 4 3x2 relu", "conv 4 3 same", "conv 4 2 same"),
        ("9x8x3", "conv 4 3 /2 same", "conv 4 4 /2 same", "conv 4 1 /2 same", "conv 4 2 /3 same"),
        ("9x8x3", "conv 4 3 pad=1", "conv 4 3 /2 pad=1", "conv 4 3 pad=2x1 nobias"),
        ("9x8x3", "conv 4 3 pad=0:1x1:0", "conv 4 3 /2 pad=0:1x0:1", "conv 4 3 pad=3"),
        ("9x8x3", "conv 4 3 /2 ceil", "conv 4 3 /2 pad=1 ceil", "conv 4 3 /2", "conv 4 1"),
        ("9x8x3", "conv 4 3 /2x1", "conv 4 2x3 /1x2 same", "conv 4 2 /5"),
        ("9x8x3", "conv 4 3 dilation=2", "conv 4 3 dilation=2 same", "conv 4 3 dilation=1x3 same"),
        ("9x8x3", "conv 4 3 /2 dilation=2", "conv 4 3 /2 dilation=2 same relu"),
        ("9x8x3", "conv 4 3 /2x1 dilation=1x2", "conv 4 2 /2 pad=1 dilation=3 ceil"),
        ("9x8x4", "conv 6 3 groups=2", "conv 8 3 groups=4 /2 same", "conv 4 3 groups=2 dilation=2"),
        ("9x8x4", "conv 6 3 prelu", "conv 6 3 leaky_relu /2 dilation=2 same", "conv 6 3 softmax"),
        ("11x3", "conv 4 3", "conv 4 4 same", "conv 4 3 /2 same", "conv 4 3 /2 pad=1 ceil"),
        ("10x3", "conv 4 3 /2 same", "conv 4 3 /3 dilation=2 same", "conv 4 5 pad=1:2 prelu"),
        ("5x6x4x2", "conv 4 3", "conv 4 2 same", "conv 4 3 /2 same", "conv 4 3 pad=1:0x0:1x1"),
        ("5x6x4x2", "conv 4 2 /2 dilation=2 same nobias", "conv 4 2 groups=2 prelu"),
        ("5x6x4x2", "conv 4 3x2x1 /1x2x3"),
    ],
    "dwconv": [
        ("9x8x3", "dwconv 3", "dwconv 3 same relu", "dwconv 3 /2 same", "dwconv 3 mult=2 nobias"),
        ("9x8x3", "dwconv 3 /2 pad=1", "dwconv 3x2 mult=3 /2x1 same", "dwconv 3 dilation=2"),
        ("9x8x3", "dwconv 3 dilation=2 /2 same", "dwconv 2 /3 ceil", "dwconv 3 pad=0:1x0:1 prelu"),
        ("10x3", "dwconv 3 same", "dwconv 3 /2 same mult=2", "dwconv 4 dilation=2 /2"),
        ("5x6x4x2", "dwconv 3 same", "dwconv 2 /2 mult=2", "dwconv 2 pad=1 /2 dilation=2 ceil"),
    ],
    "sepconv": [
        ("9x8x3", "sepconv 4 3", "sepconv 4 3 same relu", "sepconv 4 3 /2 same nobias"),
        ("9x8x3", "sepconv 4 3 mult=2 pad=1", "sepconv 4 3 /2 dilation=2 same prelu"),
        ("9x8x3", "sepconv 4 3x2 /2x1 same", "sepconv 4 2 /3", "sepconv 4 3 /2 ceil"),
        ("10x3", "sepconv 4 3 /2 same", "sepconv 4 4 same mult=2 tanh"),
        ("5x6x4x2", "sepconv 4 3 same relu", "sepconv 4 2 /2 mult=2 leaky_relu"),
    ],
    "deconv": [
        ("4x5x3", "deconv 2 3", "deconv 2 3 /2", "deconv 2 2 /2 relu", "deconv 2 3 /2 same"),
        ("4x5x3", "deconv 2 4 /2 same", "deconv 2 5 /2 same", "deconv 2 3 same", "deconv 2 2 same"),
        ("4x5x3", "deconv 2 2 /3", "deconv 2 2 /3 same", "deconv 2 1 /4 same", "deconv 2 1 /2"),
        ("4x5x3", "deconv 2 3 /2 pad=1", "deconv 2 4 /2 pad=1 prelu", "deconv 2 5 /2 pad=0:1x1:0"),
        ("4x5x3", "deconv 2 5 /2 pad=1:0", "deconv 2 3x2 /2x3 same", "deconv 2 3 pad=3:0x0:3"),
        (
            "4x5x3",
            "deconv 2 4x3 /1x2 pad=2x1 nobias",
            "deconv 2 3 /2 pad=3",
            "deconv 2 2x5 /4x2 same",
        ),
        (
            "6x3",
            "deconv 2 3 /2 same",
            "deconv 2 2 /3 same",
            "deconv 2 4 /2 pad=1:2",
            "deconv 2 3 /4",
        ),
        (
            "3x4x2x2",
            "deconv 2 2 /2",
            "deconv 2 3 /2 same",
            "deconv 2 2 /3 same",
            "deconv 2 3 pad=1",
        ),
        ("4x5x3", "deconv 2 3 dilation=2", "deconv 2 3x2 dilation=2x3 same"),
        ("4x5x4", "deconv 6 3 /2 groups=2", "deconv 4 2 groups=4 relu", "deconv 2 3 same groups=2"),
        ("6x4", "deconv 6 3 /2 same groups=2 prelu", "deconv 2 3 dilation=2 groups=2 nobias"),
        ("3x4x2x4", "deconv 4 2 /2x1x1 groups=2"),
        ("6x3", "deconv 2 3 dilation=2 pad=1", "deconv 2 2 dilation=3 same relu"),
        ("3x4x2x2", "deconv 2 2 dilation=1x2x1"),
    ],
    **{
        op: [
            ("8x9x2", f"{op} 2", f"{op} 2 /2 same", f"{op} 3 /2 same", f"{op} 3 /1 same"),
            ("9x8x2", f"{op} 3 /2 pad=1", f"{op} 3 /2 pad=1 ceil", f"{op} 3 /2 ceil"),
            ("9x8x2", f"{op} 2x3 /2x1 same", f"{op} 2 /1 same", f"{op} 3 /2 pad=0:1x0:1"),
            ("9x8x2", f"{op} 3 /2 pad=1:0", f"{op} 3 pad=2", f"{op} 3 /2 pad=0:2 ceil"),
            (
                "7x7x2",
                f"{op} 2 same",
                f"{op} 2 ceil",
                f"{op} 3 /5 ceil",
                f"{op} 1 /2",
                f"{op} 4 /3 same",
            ),
            (
                "7x8x2",
                f"{op} 2 /3 ceil pad=0:1",
                f"{op} 3x1 /2x1 pad=1x0",
                f"{op} 4 /4 pad=2:0 ceil",
            ),
            ("11x2", f"{op} 2", f"{op} 3 /2 same", f"{op} 4 /2 pad=1:2 ceil", f"{op} 4 /1 same"),
            ("10x2", f"{op} 3 /2 same", f"{op} 3 pad=2:1 ceil", f"{op} 2 /2 ceil pad=1:0"),
            ("5x6x4x2", f"{op} 2", f"{op} 3 /2 same", f"{op} 2 /1 same", f"{op} 3 pad=1"),
            ("5x6x4x2", f"{op} 2 ceil pad=0:1x1x1:0"),
        ]
        for op in ("pool", "avgpool", "minpool")
    },
    "gap": [
        ("5x4x3", "gap", "gap keep"),
        ("7x3", "gap", "gap keep"),
        ("2x3x4x5", "gap", "gap keep"),
    ],
    "gmp": [
        ("5x4x3", "gmp", "gmp keep"),
        ("7x3", "gmp", "gmp keep"),
        ("2x3x4x5", "gmp", "gmp keep"),
    ],
    **{
        op: [(size, op) for size in ("7", "5x3", "3x4x2", "2x3x2x3")]
        for op in ("channelmean", "channelmax")
    },
    "flatten": [(size, "flatten") for size in ("7", "5x3", "3x4x2", "2x3x2x3")],
    "dense": [("7", "dense 5", "dense 5 nobias relu", "dense 5 softmax", "dense 5 prelu")],
    "bn": [
        (size, "bn", "bn eps=0.1 momentum=0.9", "bn noscale", "bn noshift", "bn noscale noshift")
        for size in ("7", "5x3", "3x4x2", "2x3x2x3")
    ],
    "ln": [
        (size, "ln", "ln eps=0.01", "ln noscale", "ln noshift", "ln noscale noshift")
        for size in ("7", "5x3", "3x4x3", "2x3x2x3")
    ],
    "gn": [
        (
            size,
            "gn 2",
            "gn 1 eps=0.01",
            "gn 3",
            "gn 2 noscale",
            "gn 2 noshift noscale",
            "gn 3 noshift",
        )
        for size in ("6", "5x6", "3x4x6", "2x3x2x6")
    ],
    "inorm": [
        (size, "inorm", "inorm eps=0.01", "inorm noscale", "inorm noshift", "inorm noscale noshift")
        for size in ("5x3", "3x4x3", "2x3x2x3")
    ],
    "lrn": [
        (
            size,
            "lrn",
            "lrn size=4 alpha=0.9 beta=0.5 k=2",
            "lrn size=3 alpha=2",
            "lrn size=1 alpha=3",
        )
        for size in ("5x7", "3x4x7", "2x3x2x7", "3x3x2")
    ],
    "scale": [(size, "scale", "scale init=0.5") for size in ("7", "5x3", "3x4x2", "2x3x2x3")],
    "rescale": [
        (
            size,
            "rescale 0.5",
            "rescale (1/127.5) offset=-1",
            "rescale 1",
            "rescale (0.1, 1/3, -2) offset=(1, 2, 3)",
            "rescale 2 offset=(0.5, 0, -1)",
        )
        for size in ("3", "5x3", "3x4x3", "2x3x2x3")
    ],
    "dropout": [(size, "dropout 0.5", "dropout 0") for size in ("7", "5x3", "4x4x2", "2x3x2x3")],
    "droppath": [(size, "droppath 0.2") for size in ("7", "5x3", "3x4x2", "2x3x2x3")],
    "up": [
        ("3x4x2", "up 2", "up 3 nearest", "up 2x3", "up 2 bilinear", "up 2x3 bilinear", "up 1"),
        ("1x4x2", "up 3 bilinear", "up 4"),
        ("5x2", "up 2"),
        ("2x3x2x2", "up 2", "up 1x2x3"),
    ],
    "zeropad": [
        ("3x4x2", "zeropad 1", "zeropad 1x2", "zeropad 0:1x2:3", "zeropad 1:2"),
        ("5x2", "zeropad 2", "zeropad 1:0"),
        ("2x3x2x2", "zeropad 1", "zeropad 0:1x2x3:1"),
    ],
    "reflectpad": [
        ("3x4x2", "reflectpad 1", "reflectpad 1x2", "reflectpad 0:1x2:3", "reflectpad 1:2"),
        ("3x4x2", "reflectpad 0:2x0", "reflectpad 0x2", "reflectpad 0"),
        ("5x2", "reflectpad 2", "reflectpad 4:0"),
        ("2x3x4x2", "reflectpad 1", "reflectpad 0:1x2x3:1"),
    ],
    "replicatepad": [
        ("3x4x2", "replicatepad 1", "replicatepad 1x2", "replicatepad 0:1x2:5", "replicatepad 4"),
        ("5x2", "replicatepad 2", "replicatepad 7:0"),
        ("2x3x4x2", "replicatepad 1", "replicatepad 0:1x2x3:1"),
    ],
    "crop": [
        ("5x6x2", "crop 1", "crop 1x2", "crop 0:1x2:3", "crop 0:2"),
        ("5x2", "crop 2", "crop 1:0"),
        ("4x5x6x2", "crop 1", "crop 0:1x2x3:1"),
    ],
    "reshape": [
        ("3x4x2", "reshape 24", "reshape 2x6x2", "reshape 4x6", "reshape 2x3x2x2", "reshape 3x4x2"),
        ("24", "reshape 2x3x4", "reshape 4x6", "reshape 2x2x3x2", "reshape 24"),
        ("6x4", "reshape 2x3x4", "reshape 24", "reshape 3x8"),
        ("2x3x2x2", "reshape 6x4", "reshape 2x2x3x2"),
    ],
    "shuffle": [(size, "shuffle 2", "shuffle 3") for size in ("6", "5x12", "3x4x6", "2x3x2x6")],
    "pixelshuffle": [
        ("2x3x36", *(f"pixelshuffle {how}" for how in ("2", "2 dcr", "3", "3 dcr", "1 dcr"))),
        ("4x6", "pixelshuffle 2", "pixelshuffle 3 dcr"),
        ("2x1x3x16", "pixelshuffle 2", "pixelshuffle 2 dcr"),
    ],
    "pixelunshuffle": [
        ("6x12x2", *(f"pixelunshuffle {how}" for how in ("2", "2 dcr", "3", "3 dcr", "1 dcr"))),
        ("12x2", "pixelunshuffle 2", "pixelunshuffle 3 dcr"),
        ("4x2x6x2", "pixelunshuffle 2", "pixelunshuffle 2 dcr"),
    ],
    "permute": [
        ("7", "permute 1"),
        ("5x3", "permute 2x1", "permute 1x2"),
        ("3x4x2", *(f"permute {order}" for order in ("2x1x3", "3x1x2", "1x3x2", "2x3x1", "3x2x1"))),
        ("2x3x4x5", "permute 4x1x2x3", "permute 2x3x4x1", "permute 3x1x2x4", "permute 4x3x2x1"),
    ],
    "transpose": [("5x3", "transpose"), ("1x6", "transpose")],
    "slice": [(size, "slice 0:3", "slice 2:6") for size in ("6", "5x6", "3x4x6", "2x3x2x6")],
    **{op: [(size, op) for size in ("7", "5x3", "3x4x2", "2x3x2x3")] for op in ACTIVATIONS},
}
CASES["clamp"] = [
    (size, "clamp -0.5 0.25", "clamp 0 1") for size in ("7", "5x3", "3x4x2", "2x3x2x3")
]
CASES["gelu"] += [("3x4x2", "gelu approx"), ("7", "gelu approx")]
CASES["softmax"] += [
    ("7", "softmax axis=channels"),
    ("5x3", "softmax axis=length", "softmax axis=channels"),
    ("3x4x2", "softmax axis=height", "softmax axis=width"),
    ("2x3x2x3", "softmax axis=depth", "softmax axis=height", "softmax axis=width"),
]
for _op in ("pool", "avgpool", "minpool"):
    CASES[_op] += [
        ("9x8x2", f"{_op} to=3x4", f"{_op} to=4x5", f"{_op} to=1", f"{_op} to=9x8"),
        ("3x4x2", f"{_op} to=7x9", f"{_op} to=5x4"),
        ("11x2", f"{_op} to=4"),
        ("5x6x4x2", f"{_op} to=3x4x2", f"{_op} to=2"),
    ]
for _op in ("pool", "minpool"):
    CASES[_op] += [
        ("9x8x2", f"{_op} 2 /1 dilation=2", f"{_op} 3 /2 dilation=2 same"),
        ("9x8x2", f"{_op} 3 /2x1 pad=2 dilation=2x1 ceil", f"{_op} 2x3 pad=1:0 dilation=3x2"),
        ("2x2x2", f"{_op} 3 /1 same dilation=3"),
        ("11x2", f"{_op} 3 /2 dilation=3 pad=2:1", f"{_op} 2 dilation=4"),
        ("5x6x4x2", f"{_op} 2 /1 dilation=2x3x1", f"{_op} 2 same dilation=2"),
    ]
CASES["up"] += [
    ("3x4x2", "up to=7x5", "up to=2x3", "up 1.5 ceil", "up (1.5, 2) floor", "up (4/3) nearest"),
    ("4x6x2", "up 1.5 bilinear", "up to=7x3 bilinear", "up 0.5 bilinear", "up to=4x1 bilinear"),
    ("4x6x2", "up 2 bilinear aligned", "up to=7x3 bilinear aligned", "up to=1 bilinear aligned"),
    ("4x5x2", "up 2 bicubic", "up to=9x2 bicubic", "up 3x1 bicubic aligned", "up 0.6 bicubic ceil"),
    ("1x2x2", "up to=3 bicubic aligned", "up to=4 bilinear", "up 3 bicubic"),
    ("2x14x1", "up to=82x7", "up to=3x2"),
    ("5x2", "up to=7", "up 1.4", "up to=2"),
    ("2x3x2x2", "up to=3x2x5", "up 1.5 floor"),
]
CASES["leaky_relu"] += [("3x4x2", "leaky_relu 0.2", "leaky_relu 0")]
CASES["elu"] += [("3x4x2", "elu 0.5", "conv 2 1 elu")]
CASES["avgpool"] += [
    ("9x8x2", "avgpool 3 /2 pad=1 countpad", "avgpool 3 /2 same countpad"),
    ("9x8x2", "avgpool 3 /2 pad=1 countpad ceil", "avgpool 3 /2 ceil countpad"),
    ("9x8x2", "avgpool 3 /2 pad=0:1 countpad", "avgpool 3 /2 pad=0:1x1:0 countpad ceil"),
    ("10x2", "avgpool 3 /2 pad=2:1 countpad ceil", "avgpool 4 /2 same countpad"),
    ("5x6x4x2", "avgpool 3 /2 pad=1 countpad ceil", "avgpool 2 /1 same countpad"),
]
"""For each layer sizes, each with layers to try on it; together they have all of its arguments, in
each rank that it takes."""

MERGED = [
    "".join(f"input {size} as {name}\n" for name, size in zip("abc", sizes.split()))
    + f"{merge} {{ {' | '.join(f'from {name}' for name in 'abc'[: len(sizes.split())])} }}"
    for merge, *cases in (
        ("add", "7 7", "5x3 5x3 5x3", "3x4x2 3x4x2", "2x3x2x3 2x3x2x3"),
        ("subtract", "7 7", "5x3 5x3", "3x4x2 3x4x2", "2x3x2x3 2x3x2x3"),
        ("maximum", "7 7 7", "3x4x2 3x4x2"),
        ("average", "7 7 7", "3x4x2 3x4x2"),
        ("mul", "7 7", "5x3 3 1x3", "5x1 5x3", "3x4x2 3x4x1", "3x4x1 1x1x2 3x4x2", "2 3x4x2 3x4x1"),
        ("mul", "2x3x2x3 2x3x2x1", "1x1x1x3 2x3x2x1 2x3x2x3"),
        ("concat", "7 2", "5x3 5x1", "3x4x2 3x4x3 3x4x1", "2x3x2x3 2x3x2x1"),
        ("concat axis=channels", "7 2", "3x4x2 3x4x3"),
        ("concat axis=length", "5x3 2x3", "1x2 3x2 2x2"),
        ("concat axis=height", "3x4x2 1x4x2", "2x3x2x3 2x1x2x3"),
        ("concat axis=width", "3x4x2 3x1x2 3x2x2", "2x3x2x3 2x3x4x3"),
        ("concat axis=depth", "2x3x2x3 1x3x2x3"),
    )
    for sizes in cases
]
"""Merges of inputs, in all ways that they go together."""
