"""What each layer is in ONNX, channels first: operators of opset 21."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cnndsl.codegen.lowering import (
    all_pads,
    any_pads,
    axis_channels_first,
    even_kernel,
    extra_pads,
    form_of,
    rank,
    shares_evenly,
    without_form,
    written_pads,
)
from cnndsl.layers import activation, conv, dense, geometry, norm, pool, rearrange, regular

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from cnndsl.codegen.lowering import Pads
    from cnndsl.codegen.weights import Array
    from cnndsl.layers import Layer
    from cnndsl.layers.merge import Merge
    from cnndsl.targets.onnx.graph import Emitter

    Form = Callable[[Emitter, Any, str], str]


def lower(at: Emitter, layer: Layer, x: str) -> str:
    """Add a layer to a graph, without the activation written after it; gives what comes out.

    Raises NotExpressible.
    """
    form: Form = form_of(FORMS, layer, "ONNX")
    return form(at, layer, x)


def by_channel(at: Emitter, layer: Layer, role: str, array: Array) -> str:
    """A number for each channel, stretched over space."""
    return at.keep(role, array.reshape(-1, *(1 for _ in layer.spatial)))


# Order of dimensions


def channels_last(at: Emitter, layer: Layer, x: str) -> str:
    """A tensor of the layer's input shape with the channels last."""
    r = rank(layer)
    return at.op("Transpose", x, perm=[0, *range(2, r + 2), 1]) if r else x


def channels_first(at: Emitter, rank: int, x: str) -> str:
    """The same the other way round."""
    return at.op("Transpose", x, perm=[0, rank + 1, *range(1, rank + 1)]) if rank else x


# Convolutions


def edges(pads: Pads) -> list[int]:
    """Padding in ONNX's order: all begins, then all ends."""
    return [begin for begin, _ in pads] + [end for _, end in pads]


def filters_first(kernel: Array) -> Array:
    """A kernel (spatial…, in, out) as (out, in, spatial…)."""
    return kernel.transpose(-1, -2, *range(kernel.ndim - 2))


def each_channel(kernel: Array) -> Array:
    """A depthwise kernel (spatial…, channels, mult) as one of groups."""
    return filters_first(kernel.reshape(*kernel.shape[:-2], 1, -1))


def bias(at: Emitter, layer: Any) -> tuple[str, ...]:
    return () if layer.nobias else (at.keep("bias", at.weight("bias")),)


def slid(layer: Any) -> dict[str, Any]:
    """The attributes for a layer's windows."""
    windows = layer.windows
    return {
        "kernel_shape": list(layer.kernel),
        "strides": [window.stride for window in windows],
        "pads": edges(all_pads(windows)),
        "dilations": [window.dilation for window in windows],
    }


def convolution(at: Emitter, layer: conv.Conv, x: str) -> str:
    kernel = at.keep("kernel", filters_first(at.weight("kernel")))
    return at.main("Conv", x, kernel, *bias(at, layer), group=layer.groups, **slid(layer))


def depthwise(at: Emitter, layer: conv.DepthwiseConv, x: str) -> str:
    kernel = at.keep("depthwise", each_channel(at.weight("depthwise")))
    return at.main("Conv", x, kernel, *bias(at, layer), group=layer.channels, **slid(layer))


def separable(at: Emitter, layer: conv.SeparableConv, x: str) -> str:
    kernel = at.keep("depthwise", each_channel(at.weight("depthwise")))
    x = at.op("Conv", x, kernel, group=layer.channels, **slid(layer))
    kernel = at.keep("pointwise", filters_first(at.weight("pointwise")))
    return at.main("Conv", x, kernel, *bias(at, layer), kernel_shape=[1] * rank(layer))


def transposed(at: Emitter, layer: conv.TransposedConv, x: str) -> str:
    """`pads` cut the ends of what is painted off, `output_padding` adds at the end."""
    kernel = at.weight("kernel")
    *space, inputs, outputs = kernel.shape
    groups, each = layer.groups, outputs // layer.groups
    kernel = kernel.reshape(*space, inputs, groups, each)
    kernel = kernel.transpose(-2, -3, -1, *range(len(space)))
    kernel = at.keep("kernel", kernel.reshape(inputs * groups, each, *space))
    return at.main(
        "ConvTranspose",
        x,
        kernel,
        *bias(at, layer),
        kernel_shape=list(layer.kernel),
        strides=list(layer.stride),
        pads=edges(layer.crop),
        output_padding=list(layer.grow),
        **({"group": groups} if groups > 1 else {}),
        **({"dilations": list(layer.dilation)} if set(layer.dilation) != {1} else {}),
    )


# Pools


def pooled(layer: Any, pads: Pads) -> dict[str, Any]:
    dilations = [window.dilation for window in layer.windows]
    return {
        "kernel_shape": list(layer.kernel),
        "strides": [window.stride for window in layer.windows],
        "pads": edges(pads),
        **({"dilations": dilations} if max(dilations) > 1 else {}),
    }


def max_pool(at: Emitter, layer: pool.MaxPool, x: str) -> str:
    x, how = windowed(at, layer, x)
    return at.main("MaxPool", x, **how)


def min_pool(at: Emitter, layer: pool.MinPool, x: str) -> str:
    x, how = windowed(at, layer, at.op("Neg", x))
    return at.main("Neg", at.op("MaxPool", x, **how))


def windowed(at: Emitter, layer: pool.Pool, x: str) -> tuple[str, dict[str, Any]]:
    """What a max pool looks at, and the attributes for its windows.

    What is put around the image is never what is taken. Windows that share the image, and are
    not alike, are laid side by side before, as long as the longest: the last pixel again is none
    that the greatest depends on.
    """
    if layer.to is None:
        pads, none = all_pads(layer.windows), ((0, 0),) * rank(layer)
        if all(max(pad) < window.kernel for pad, window in zip(pads, layer.windows)):
            return x, pooled(layer, pads)
        # More than runtimes let a pool pad, where its pixels lie apart.
        return padded(at, x, pads, at.number("least", float("-inf"))), pooled(layer, none)
    if shares_evenly(layer):
        return x, side_by_side(even_kernel(layer))
    kernel = []
    for axis, bounds in enumerate(shared(layer), 2):
        kernel.append(max(stop - start for start, stop in bounds))
        places = [min(start + i, stop - 1) for start, stop in bounds for i in range(kernel[-1])]
        x = at.op("Gather", x, at.whole("places", *places), axis=axis)
    return x, side_by_side(kernel)


def side_by_side(kernel: Sequence[int]) -> dict[str, Any]:
    """The attributes for windows that lie side by side."""
    return {"kernel_shape": list(kernel), "strides": list(kernel)}


def shared(layer: pool.Pool) -> list[list[tuple[int, int]]]:
    """For each dimension, where the windows begin and end that share the image."""
    return [
        [(i * size // n, -(-(i + 1) * size // n)) for i in range(n)]
        for size, n in zip(layer.spatial, layer.to or ())
    ]


def shared_mean(at: Emitter, layer: pool.AveragePool, x: str) -> str:
    """The means of windows that share the image: a product with the shares of its pixels."""
    if shares_evenly(layer):
        return at.main("AveragePool", x, **side_by_side(even_kernel(layer)))
    matrices = []
    for size, bounds in zip(layer.spatial, shared(layer)):
        shares = [(a <= i < b) / (b - a) for i in range(size) for a, b in bounds]
        matrices.append(at.numbers("shares", *shares, shape=(size, len(bounds))))
    old, new = "hwd"[: rank(layer)], "ijk"[: rank(layer)]
    terms = ",".join([f"nc{old}", *map("".join, zip(old, new))])
    return at.main("Einsum", x, *matrices, equation=f"{terms}->nc{new}")


def average_pool(at: Emitter, layer: pool.AveragePool, x: str) -> str:
    """Padding does not count, nor does ever what rounding up adds."""
    if layer.to is not None:
        return shared_mean(at, layer, x)
    windows, counts = layer.windows, 0
    pads = all_pads(windows)
    if layer.countpad and any_pads(written_pads(windows)):
        counts = 1
        if any_pads(extra_pads(windows)):
            x, pads, counts = padded(at, x, written_pads(windows)), extra_pads(windows), 0
    return at.main("AveragePool", x, count_include_pad=counts, **pooled(layer, pads))


def padded(at: Emitter, x: str, pads: Pads, *value: str, main: bool = False, **how: str) -> str:
    """Zeros around an image, or what `value` names, or what a mode says."""
    begins, ends = [begin for begin, _ in pads], [end for _, end in pads]
    sizes = at.whole("pads", 0, 0, *begins, 0, 0, *ends)
    return (at.main if main else at.op)("Pad", x, sizes, *value, **how)


def global_pool(name: str) -> Form:
    def form(at: Emitter, layer: pool.GlobalPool, x: str) -> str:
        if layer.keep:
            return at.main(f"Global{name}Pool", x)
        return at.op("Flatten", at.main(f"Global{name}Pool", x))

    return form


# Dense


def flatten(at: Emitter, layer: dense.Flatten, x: str) -> str:
    return at.main("Flatten", channels_last(at, layer, x))


def linear(at: Emitter, layer: dense.Dense, x: str) -> str:
    return at.main("Gemm", x, at.keep("kernel", at.weight("kernel")), *bias(at, layer))


# Normalisations


def batch_norm(at: Emitter, layer: norm.BatchNorm, x: str) -> str:
    inputs = list(gamma_beta(at, layer))
    inputs += [at.keep(role, at.weight(role)) for role in ("mean", "variance")]
    momentum = float(layer.momentum)
    return at.main("BatchNormalization", x, *inputs, epsilon=float(layer.eps), momentum=momentum)


def gamma_beta(at: Emitter, layer: norm.Normalisation) -> tuple[str, str]:
    """The factors and the summands of a normalisation, as ones and zeros where there are none."""
    ones, zeros = [1] * layer.channels, [0] * layer.channels
    return (
        at.numbers("ones", *ones) if layer.noscale else at.keep("gamma", at.weight("gamma")),
        at.numbers("zeros", *zeros) if layer.noshift else at.keep("beta", at.weight("beta")),
    )


def layer_norm(at: Emitter, layer: norm.LayerNorm, x: str) -> str:
    x = channels_last(at, layer, x)
    x = at.main("LayerNormalization", x, *gamma_beta(at, layer), axis=-1, epsilon=float(layer.eps))
    return channels_first(at, rank(layer), x)


def group_norm(at: Emitter, layer: norm.GroupNorm, x: str) -> str:
    epsilon, groups = float(layer.eps), layer.groups
    inputs = gamma_beta(at, layer)
    return at.main("GroupNormalization", x, *inputs, epsilon=epsilon, num_groups=groups)


def instance_norm(at: Emitter, layer: norm.InstanceNorm, x: str) -> str:
    inputs = gamma_beta(at, layer)
    return at.main("InstanceNormalization", x, *inputs, epsilon=float(layer.eps))


def local_response_norm(at: Emitter, layer: norm.LocalResponseNorm, x: str) -> str:
    """ONNX's own is for images, and of an even size it takes one channel more behind.

    Elsewhere the mean of squares is that of a pool over the channels.
    """
    alpha, beta, k = float(layer.alpha), float(layer.beta), float(layer.k)
    if rank(layer) == 2 and layer.size % 2:
        return at.main("LRN", x, size=layer.size, alpha=alpha, beta=beta, bias=k)
    squares = at.op("Reshape", at.op("Mul", x, x), at.whole("rows", 0, 1, layer.channels, -1))
    mean = at.op(
        "AveragePool",
        squares,
        kernel_shape=[layer.size, 1],
        pads=[layer.size // 2, 0, (layer.size - 1) // 2, 0],
        count_include_pad=1,
    )
    mean = at.op("Reshape", mean, at.whole("shape", 0, layer.channels, *layer.spatial))
    total = at.op("Add", at.op("Mul", mean, at.number("alpha", alpha)), at.number("k", k))
    return at.main("Div", x, at.op("Pow", total, at.number("beta", beta)))


def scale(at: Emitter, layer: norm.Scale, x: str) -> str:
    return at.main("Mul", x, by_channel(at, layer, "scale", at.weight("scale")))


def nothing(at: Emitter, layer: Layer, x: str) -> str:
    """What acts while training only."""
    return x


# Activations


def plain(name: str, **attributes: Any) -> Form:
    """An activation that is one operator."""
    return lambda at, layer, x: at.main(name, x, **attributes)


def relu6(at: Emitter, layer: activation.Relu6, x: str) -> str:
    return at.main("Clip", x, at.number("min", 0), at.number("max", 6))


def clamp(at: Emitter, layer: activation.Clamp, x: str) -> str:
    return at.main("Clip", x, at.number("min", layer.low), at.number("max", layer.high))


def gelu(at: Emitter, layer: activation.Gelu, x: str) -> str:
    return at.main("Gelu", x, approximate="tanh" if layer.approx else "none")


def softmax(at: Emitter, layer: activation.Softmax, x: str) -> str:
    return at.main("Softmax", x, axis=axis_channels_first(layer))


def leaky_relu(at: Emitter, layer: activation.LeakyRelu, x: str) -> str:
    return at.main("LeakyRelu", x, alpha=float(layer.slope))


def prelu(at: Emitter, layer: activation.Prelu, x: str) -> str:
    return at.main("PRelu", x, by_channel(at, layer, "alpha", at.weight("alpha")))


def elu(at: Emitter, layer: activation.Elu, x: str) -> str:
    return at.main("Elu", x, alpha=float(layer.alpha))


def silu(at: Emitter, layer: activation.Silu, x: str) -> str:
    """Opset 24 has an operator for it."""
    return at.main("Mul", x, at.op("Sigmoid", x))


# Geometry


def upsample(at: Emitter, layer: geometry.Upsample, x: str) -> str:
    """Pixels repeated; or interpolated between centres at half-integers, or the corners.

    Pixels for a size are taken by their places: where they lie runtimes work out in floats.
    """
    how: dict[str, Any] = {"mode": "nearest", "coordinate_transformation_mode": "asymmetric"}
    if layer.mode == "nearest" and not layer.whole:
        *others, last = enumerate(zip(layer.spatial, layer.output), 2)
        for axis, (size, n) in others:
            x = at.op("Gather", x, places(at, size, n), axis=axis)
        axis, (size, n) = last
        return at.main("Gather", x, places(at, size, n), axis=axis)
    how["nearest_mode"] = "floor"
    if layer.mode != "nearest":
        centres = "align_corners" if layer.aligned else "half_pixel"
        how = {"mode": "linear", "coordinate_transformation_mode": centres}
    if layer.bicubic:
        how |= {"mode": "cubic", "cubic_coeff_a": -0.75}
    if layer.whole and not layer.bicubic and not layer.aligned:
        return at.main("Resize", x, "", at.numbers("scales", 1, 1, *(layer.factor or ())), **how)
    axes = list(range(2, rank(layer) + 2))
    return at.main("Resize", x, "", "", at.whole("sizes", *layer.output[:-1]), axes=axes, **how)


def places(at: Emitter, size: int, output: int) -> str:
    """Where the pixels lie that an output takes, of `size` of them."""
    return at.whole("places", *(i * size // output for i in range(output)))


def put_around(**how: str) -> Form:
    return lambda at, layer, x: padded(at, x, layer.pad, main=True, **how)


def crop(at: Emitter, layer: geometry.Crop, x: str) -> str:
    begins = [pair.begin for pair in layer.crop]
    ends = [size - pair.end for size, pair in zip(layer.spatial, layer.crop)]
    return sliced(at, x, begins, ends, list(range(2, rank(layer) + 2)))


def channels(at: Emitter, layer: geometry.Slice, x: str) -> str:
    begin, end = layer.range
    return sliced(at, x, [begin], [end], [1])


def sliced(at: Emitter, x: str, begins: list[int], ends: list[int], axes: list[int]) -> str:
    """What lies from begins up to ends, in some dimensions."""
    named = (("starts", begins), ("ends", ends), ("axes", axes))
    return at.main("Slice", x, *(at.whole(name, *numbers) for name, numbers in named))


def reshape(at: Emitter, layer: geometry.Reshape, x: str) -> str:
    """Both shapes are read with the channels last."""
    x = at.main("Reshape", channels_last(at, layer, x), at.whole("shape", 0, *layer.output))
    return channels_first(at, len(layer.output) - 1, x)


def shuffle(at: Emitter, layer: geometry.Shuffle, x: str) -> str:
    groups, each, r = layer.groups, layer.channels // layer.groups, rank(layer)
    x = at.op("Reshape", x, at.whole("groups", 0, groups, each, *layer.spatial))
    x = at.op("Transpose", x, perm=[0, 2, 1, *range(3, r + 3)])
    return at.main("Reshape", x, at.whole("shape", 0, layer.channels, *layer.spatial))


def pixel_shuffle(at: Emitter, layer: rearrange.PixelShuffle, x: str) -> str:
    """ONNX's own is for images."""
    r, factor = rank(layer), layer.factor
    if r == 2:
        return at.main("DepthToSpace", x, blocksize=factor, mode="DCR" if layer.dcr else "CRD")
    factors, channels = [factor] * r, layer.output[-1]
    parts = [*factors, channels] if layer.dcr else [channels, *factors]
    x = at.op("Reshape", x, at.whole("parts", 0, *parts, *layer.spatial))
    first, one = (r + 1, 1) if layer.dcr else (1, 2)
    order = [axis for i in range(r) for axis in (r + 2 + i, one + i)]
    x = at.op("Transpose", x, perm=[0, first, *order])
    return at.main("Reshape", x, at.whole("shape", 0, channels, *layer.output[:-1]))


def pixel_unshuffle(at: Emitter, layer: rearrange.PixelUnshuffle, x: str) -> str:
    """ONNX's own is for images, and has the order of `dcr` alone."""
    r, factor = rank(layer), layer.factor
    if r == 2 and layer.dcr:
        return at.main("SpaceToDepth", x, blocksize=factor)
    parts = [part for size in layer.output[:-1] for part in (size, factor)]
    x = at.op("Reshape", x, at.whole("parts", 0, layer.channels, *parts))
    factors = [3 + 2 * i for i in range(r)]
    channels = [*factors, 1] if layer.dcr else [1, *factors]
    x = at.op("Transpose", x, perm=[0, *channels, *(2 + 2 * i for i in range(r))])
    return at.main("Reshape", x, at.whole("shape", 0, layer.output[-1], *layer.output[:-1]))


def permute(at: Emitter, layer: rearrange.Permute, x: str) -> str:
    """With the channels first they are 1, and a dimension is one more."""
    last = len(layer.order)
    order = (place % last + 1 for place in (layer.order[-1], *layer.order[:-1]))
    return at.main("Transpose", x, perm=[0, *order])


def rescale(at: Emitter, layer: norm.Rescale, x: str) -> str:
    def numbers(role: str, value: float | tuple[float, ...]) -> str:
        if not isinstance(value, tuple):
            return at.number(role, value)
        return at.numbers(role, *value, shape=(-1, *(1 for _ in layer.spatial)))

    x = at.main("Mul", x, numbers("factor", layer.scale))
    return at.op("Add", x, numbers("summand", layer.offset)) if layer.offset else x


def over_channels(name: str) -> Form:
    return lambda at, layer, x: at.main(name, x, at.whole("axes", 1), keepdims=1)


FORMS: dict[type[Layer], Form] = {
    conv.Conv: convolution,
    conv.DepthwiseConv: depthwise,
    conv.SeparableConv: separable,
    conv.TransposedConv: transposed,
    pool.MaxPool: max_pool,
    pool.AveragePool: average_pool,
    pool.MinPool: min_pool,
    pool.GlobalAveragePool: global_pool("Average"),
    pool.GlobalMaxPool: global_pool("Max"),
    pool.ChannelMean: over_channels("ReduceMean"),
    pool.ChannelMax: over_channels("ReduceMax"),
    dense.Flatten: flatten,
    dense.Dense: linear,
    norm.BatchNorm: batch_norm,
    norm.LayerNorm: layer_norm,
    norm.GroupNorm: group_norm,
    norm.InstanceNorm: instance_norm,
    norm.LocalResponseNorm: local_response_norm,
    norm.Scale: scale,
    norm.Rescale: rescale,
    regular.Dropout: nothing,
    regular.DropPath: nothing,
    activation.Relu: plain("Relu"),
    activation.Relu6: relu6,
    activation.LeakyRelu: leaky_relu,
    activation.Prelu: prelu,
    activation.Elu: elu,
    activation.Selu: plain("Selu"),
    activation.Gelu: gelu,
    activation.Silu: silu,
    activation.Mish: plain("Mish"),
    activation.Softplus: plain("Softplus"),
    activation.Sigmoid: plain("Sigmoid"),
    activation.Tanh: plain("Tanh"),
    activation.Softmax: softmax,
    activation.HardSwish: plain("HardSwish"),
    activation.HardSigmoid: plain("HardSigmoid", alpha=1 / 6, beta=0.5),
    activation.Clamp: clamp,
    geometry.Upsample: upsample,
    geometry.ZeroPad: put_around(),
    geometry.ReflectPad: put_around(mode="reflect"),
    geometry.ReplicatePad: put_around(mode="edge"),
    geometry.Crop: crop,
    geometry.Reshape: reshape,
    geometry.Shuffle: shuffle,
    geometry.Slice: channels,
    rearrange.PixelShuffle: pixel_shuffle,
    rearrange.PixelUnshuffle: pixel_unshuffle,
    rearrange.Permute: permute,
    rearrange.Transpose: permute,
}
"""A form for each layer."""


# Merges


def merge(at: Emitter, layer: Merge, inputs: list[str]) -> str:
    """Add a merge to a graph; gives what comes out."""
    if layer.op == "concat":
        return at.main("Concat", *inputs, axis=axis_channels_first(layer))
    if layer.op in _MERGES:
        return at.main(_MERGES[layer.op], *inputs)
    if layer.op != "mul":
        raise without_form("ONNX", layer)
    full = len(layer.output)
    factors = [
        at.op("Unsqueeze", x, at.whole("axes", *range(2, full + 1))) if len(shape) < full else x
        for x, shape in zip(inputs, layer.inputs)
    ]
    product, *others = factors
    for other in others[:-1]:
        product = at.op("Mul", product, other)
    return at.main("Mul", product, others[-1])


_MERGES = {"add": "Sum", "subtract": "Sub", "maximum": "Max", "average": "Mean"}
