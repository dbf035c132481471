"""What each layer is in Flax NNX, channels last: a module; a function where it keeps nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cnndsl.codegen.code import Arg, Call
from cnndsl.codegen.expressions import Symbol
from cnndsl.codegen.lowering import (
    LoweringOptions,
    Pads,
    all_pads,
    any_pads,
    axis_channels_last,
    behind,
    dilations,
    even_kernel,
    extra_pads,
    form_of,
    is_dilated,
    is_symmetric,
    pad_arg,
    rank,
    shares_evenly,
    sizes,
    source_parts,
    strides,
    written_pads,
    written_parts,
)
from cnndsl.layers import Layer, activation, conv, dense, geometry, norm, pool, rearrange, regular

Form = Callable[[Any, LoweringOptions], list[Call]]


def lower(layer: Layer, *, explicit: bool = False, order: str = "first") -> list[Call]:
    """The calls that a layer becomes, in order, with the activation written after it.

    `explicit` asks for the most general form; `order` is for other frameworks, as Flax
    keeps channels last anyway. Raises NotExpressible.
    """
    form: Form = form_of(FORMS, layer, "Flax")
    calls = form(layer, LoweringOptions(explicit, order))
    if layer.activation is not None:
        calls += behind(layer, lower(layer.activation))
    return calls


RNGS = Symbol("rngs")


def module(function: str, *args: Any, **kwargs: Any) -> Call:
    """The module that stands for the layer itself."""
    return Call(f"nnx.{function}", args, {**kwargs, "rngs": RNGS}, main=True)


def own_module(name: str, *args: Any, **kwargs: Any) -> Call:
    """The same, of a class that the generated code defines."""
    return Call(name, args, kwargs, main=True, helpers=(name,))


def function(name: str, *helpers: str, **kwargs: Any) -> Call:
    """The function that stands for the layer itself; its arguments have names."""
    return Call(name, (), kwargs, style="function", main=True, helpers=helpers)


def channels_in(layer: Layer) -> Arg:
    """The channels that come in."""
    return Arg(layer.channels, "in")


# Windows


def padding_arg(layer: Any, default: str) -> Any:
    """The `padding=` of windows: a word, a number, or begin and end of each dimension."""
    pads = all_pads(layer.windows)
    if layer.same:
        return Arg("SAME", "", default)
    if layer.pad is None and not any_pads(pads):
        return Arg("VALID", "", default)
    return pad_arg(layer, pads) if is_symmetric(pads) else written_parts(layer, pads)


def slid(layer: Any) -> dict[str, Any]:
    """The keywords for the windows of a convolution."""
    return {
        "strides": strides(layer.windows),
        "padding": padding_arg(layer, "SAME"),
        "kernel_dilation": dilations(layer.windows),
    }


def kernel(layer: Any) -> Arg:
    return Arg(tuple(layer.kernel), "kernel")


def use_bias(layer: Any) -> Arg:
    return Arg(not layer.nobias, "", True)


def convolution(layer: conv.Conv, ask: LoweringOptions) -> list[Call]:
    windows = slid(layer)
    if not ask.explicit and set(layer.kernel) == {1} and not any_pads(all_pads(layer.windows)):
        del windows["padding"]  # for one pixel all words for it mean the same
    return [
        module(
            "Conv",
            channels_in(layer),
            Arg(layer.filters, "filters"),
            kernel(layer),
            **windows,
            feature_group_count=Arg(layer.groups, "groups", 1),
            use_bias=use_bias(layer),
        )
    ]


def each_channel(layer: Any, bias: Arg) -> Call:
    """A convolution of as many groups as there are channels."""
    call = module(
        "Conv",
        channels_in(layer),
        Arg(layer.channels * layer.mult, "in" if layer.mult == 1 else ""),
        kernel(layer),
        **slid(layer),
        feature_group_count=channels_in(layer),
        use_bias=bias,
    )
    if layer.context.defaults == "keras" and layer.mult > 1 and layer.channels > 1:
        # As an initial kernel of its own, unlike that of groups.
        return call._replace(function="DepthwiseConv", helpers=("DepthwiseConv",))
    return call


def depthwise(layer: conv.DepthwiseConv, ask: LoweringOptions) -> list[Call]:
    return [each_channel(layer, use_bias(layer))]


def separable(layer: conv.SeparableConv, ask: LoweringOptions) -> list[Call]:
    between = Arg(layer.channels * layer.mult, "in" if layer.mult == 1 else "")
    filters, ones = Arg(layer.filters, "filters"), (1,) * rank(layer)
    return [
        each_channel(layer, Arg(False, "", True))._replace(main=False),
        module("Conv", between, filters, ones, use_bias=use_bias(layer)),
    ]


def transposed(layer: conv.TransposedConv, ask: LoweringOptions) -> list[Call]:
    """Flax pads what it slides over: less than a kernel's reach where ends are cut off."""
    pads: Pads = tuple(
        (size - 1 - begin, size - 1 - end + grow)
        for size, (begin, end), grow in zip(layer.extent, layer.crop, layer.grow)
    )
    dilated = set(layer.dilation) != {1}
    padding = Arg("SAME" if layer.same and not dilated else pads, "", "SAME")
    fits = all(size >= step for size, step in zip(layer.extent, layer.stride))
    if not layer.same and fits and not any_pads(layer.crop):
        padding = Arg("VALID", "", "SAME")
    call = module(
        "ConvTranspose",
        channels_in(layer),
        Arg(layer.filters, "filters"),
        kernel(layer),
        strides=Arg(tuple(layer.stride), "stride"),
        padding=padding,
        kernel_dilation=sizes(layer.dilation, "dilation", 1),
        use_bias=use_bias(layer),
        transpose_kernel=True,
    )
    if layer.groups == 1:
        return [call]
    name, kwargs = "GroupedConvTranspose", {"groups": Arg(layer.groups, "groups"), **call.kwargs}
    del kwargs["transpose_kernel"], kwargs["rngs"]
    kwargs["padding"] = padding._replace(default=...)
    kwargs |= {"kernel_dilation": Arg(tuple(layer.dilation), "dilation"), "rngs": RNGS}
    return [call._replace(function=name, kwargs=kwargs, helpers=(name,))]


# Pools


def pooled(layer: Any, name: str, padding: Arg, **kwargs: Any) -> Call:
    steps = tuple(window.stride for window in layer.windows)
    return function(
        f"nnx.{name}_pool",
        window_shape=kernel(layer),
        strides=Arg(steps, "kernel" if layer.stride is None else "stride"),
        padding=padding,
        **kwargs,
    )


def pool_padding(layer: Any, pads: Pads) -> Arg:
    """The `padding=` of a pool, which takes no number."""
    if layer.same and pads == all_pads(layer.windows):
        return Arg("SAME", "", "VALID")
    return Arg(pads if any_pads(pads) or layer.pad else "VALID", "", "VALID")


def extreme_pool(name: str) -> Form:
    """A max or min pool: what is put around the image is never what is taken."""

    def form(layer: Any, ask: LoweringOptions) -> list[Call]:
        if layer.to is not None:
            return [adaptive_pool(layer, name, f"jnp.{name}", ask)]
        pads = all_pads(layer.windows)
        if not is_dilated(layer):
            return [pooled(layer, name, pool_padding(layer, pads))]
        call = pooled(layer, name, Arg(pads))
        spacing = Arg(tuple(window.dilation for window in layer.windows), "dilation")
        kwargs = {**call.kwargs, "dilation": spacing, "least": Arg(name == "min", "", False)}
        return [call._replace(function="dilated_pool", kwargs=kwargs, helpers=("dilated_pool",))]

    return form


def adaptive_pool(layer: Any, name: str, over: str, ask: LoweringOptions) -> Call:
    """Windows that share the image: a plain pool where they are all alike."""
    if shares_evenly(layer) and not ask.explicit:
        kernel = Arg(even_kernel(layer))
        return function(f"nnx.{name}_pool", window_shape=kernel, strides=kernel)
    size = Arg(tuple(layer.to), "to")
    return function("adaptive_pool", "adaptive_pool", size=size, over=Symbol(over))


def average_pool(layer: pool.AveragePool, ask: LoweringOptions) -> list[Call]:
    """Padding does not count, nor does ever what rounding up adds."""
    if layer.to is not None:
        return [adaptive_pool(layer, "avg", "jnp.mean", ask)]
    pads, extra = all_pads(layer.windows), extra_pads(layer.windows)
    calls, counts = [], bool(layer.countpad) or not (layer.same or any_pads(pads))
    if layer.countpad and (any_pads(extra) or ask.explicit):
        around = zeros_around(written_pads(layer.windows))._replace(main=False)
        calls, pads, counts = [around], extra, False
    padding = pool_padding(layer, pads) if not calls else Arg(pads)
    counted = Arg(counts, "", True)
    return [*calls, pooled(layer, "avg", padding, count_include_pad=counted)]


def global_pool(name: str) -> Form:
    def form(layer: pool.GlobalPool, ask: LoweringOptions) -> list[Call]:
        axes = tuple(range(1, rank(layer) + 1))
        return [function(name, axis=axes, keepdims=Arg(bool(layer.keep), "", False))]

    return form


# Dense


def flatten(layer: dense.Flatten, ask: LoweringOptions) -> list[Call]:
    return [function("flatten", "flatten")]


def linear(layer: dense.Dense, ask: LoweringOptions) -> list[Call]:
    units = Arg(layer.units, "units")
    return [module("Linear", channels_in(layer), units, use_bias=use_bias(layer))]


# Normalisations


def batch_norm(layer: norm.BatchNorm, ask: LoweringOptions) -> list[Call]:
    return [
        module(
            "BatchNorm",
            channels_in(layer),
            momentum=Arg(layer.momentum, "momentum"),
            **normed(layer),
        )
    ]


def normed(layer: Any) -> dict[str, Arg]:
    """The keywords of all normalisations."""
    return {
        "epsilon": Arg(layer.eps, "eps"),
        "use_bias": Arg(not layer.noshift, "", True),
        "use_scale": Arg(not layer.noscale, "", True),
    }


def layer_norm(layer: norm.LayerNorm, ask: LoweringOptions) -> list[Call]:
    return [module("LayerNorm", channels_in(layer), **normed(layer))]


def group_norm(layer: norm.GroupNorm, ask: LoweringOptions) -> list[Call]:
    groups = Arg(layer.groups, "groups")
    return [module("GroupNorm", channels_in(layer), num_groups=groups, **normed(layer))]


def instance_norm(layer: norm.InstanceNorm, ask: LoweringOptions) -> list[Call]:
    return [module("InstanceNorm", channels_in(layer), **normed(layer))]


def local_response_norm(layer: norm.LocalResponseNorm, ask: LoweringOptions) -> list[Call]:
    kwargs = {name: Arg(getattr(layer, name), name) for name in ("size", "alpha", "beta", "k")}
    return [function("local_response_norm", "local_response_norm", **kwargs)]


def scale(layer: norm.Scale, ask: LoweringOptions) -> list[Call]:
    return [own_module("Scale", channels_in(layer), init=Arg(layer.init, "init", 1))]


# What acts while training


def dropout(layer: regular.Dropout, ask: LoweringOptions) -> list[Call]:
    return [module("Dropout", Arg(layer.rate, "rate"))]


def drop_path(layer: regular.DropPath, ask: LoweringOptions) -> list[Call]:
    axes = tuple(range(1, rank(layer) + 2))
    return [module("Dropout", Arg(layer.rate, "rate"), broadcast_dims=axes)]


# Activations


def plain(name: str, **kwargs: Any) -> Form:
    """An activation that needs to know nothing."""
    return lambda layer, ask: [function(name, **kwargs)]


def leaky_relu(layer: activation.LeakyRelu, ask: LoweringOptions) -> list[Call]:
    return [function("nnx.leaky_relu", negative_slope=Arg(layer.slope, "slope"))]


def prelu(layer: activation.Prelu, ask: LoweringOptions) -> list[Call]:
    return [own_module("PReLU", channels_in(layer), init=layer.initial)]


def elu(layer: activation.Elu, ask: LoweringOptions) -> list[Call]:
    return [function("nnx.elu", alpha=Arg(layer.alpha, "alpha", 1))]


def gelu(layer: activation.Gelu, ask: LoweringOptions) -> list[Call]:
    return [function("nnx.gelu", approximate=bool(layer.approx))]


def softmax(layer: activation.Softmax, ask: LoweringOptions) -> list[Call]:
    return [function("nnx.softmax", axis=Arg(axis_channels_last(layer), "", -1))]


def clamp(layer: activation.Clamp, ask: LoweringOptions) -> list[Call]:
    return [function("jnp.clip", min=Arg(layer.low, "low"), max=Arg(layer.high, "high"))]


# Geometry


def upsample(layer: geometry.Upsample, ask: LoweringOptions) -> list[Call]:
    if not layer.whole or layer.bicubic or layer.aligned:
        return [resized(layer)]
    assert layer.factor is not None
    name = "interpolate" if layer.bilinear else "upsample"
    return [function(name, name, factors=Arg(tuple(layer.factor), "factor"))]


def resized(layer: geometry.Upsample) -> Call:
    """To a size, by PyTorch's rule, which is not JAX's."""
    size = Arg(layer.output[:-1], "" if layer.to is None else "to")
    if layer.mode == "nearest":
        return function("resize_nearest", "resize_nearest", size=size)
    cubic, aligned = Arg(bool(layer.bicubic), "", False), Arg(bool(layer.aligned), "", False)
    return function("resize", "resize", size=size, cubic=cubic, aligned=aligned)


def zeros_around(pads: Pads) -> Call:
    return function("jnp.pad", pad_width=((0, 0), *map(tuple, pads), (0, 0)))


def zero_pad(layer: geometry.ZeroPad, ask: LoweringOptions) -> list[Call]:
    return [zeros_around(source_parts(layer.pad, "pad"))]


def crop(layer: geometry.Crop, ask: LoweringOptions) -> list[Call]:
    return [function("crop", "crop", sizes=source_parts(layer.crop, "crop"))]


def reshape(layer: geometry.Reshape, ask: LoweringOptions) -> list[Call]:
    return [function("reshape", "reshape", shape=Arg(layer.shape, "shape"))]


def shuffle(layer: geometry.Shuffle, ask: LoweringOptions) -> list[Call]:
    name = "channel_shuffle"
    return [function(name, name, groups=Arg(layer.groups, "groups"))]


def channels(layer: geometry.Slice, ask: LoweringOptions) -> list[Call]:
    begin, end = layer.range
    name = "take_channels"
    return [
        function(
            name,
            name,
            begin=Arg(begin, "range", path=(None, 0)),
            end=Arg(end, "range", path=(None, 1)),
        )
    ]


def border(mode: str) -> Form:
    """What is put around that is no constant."""

    def form(layer: Any, ask: LoweringOptions) -> list[Call]:
        around = zeros_around(source_parts(layer.pad, "pad"))
        return [around._replace(kwargs={**around.kwargs, "mode": mode})]

    return form


def pixels(name: str) -> Form:
    def form(layer: Any, ask: LoweringOptions) -> list[Call]:
        dcr = Arg(bool(layer.dcr), "", False)
        return [function(name, name, factor=Arg(layer.factor, "factor"), dcr=dcr)]

    return form


def permute(layer: rearrange.Permute, ask: LoweringOptions) -> list[Call]:
    return [function("permute", "permute", order=Arg(tuple(layer.order), "order"))]


def rescale(layer: norm.Rescale, ask: LoweringOptions) -> list[Call]:
    scale, offset = Arg(layer.scale, "scale"), Arg(layer.offset, "offset", 0)
    return [function("rescale", "rescale", scale=scale, offset=offset)]


FORMS: dict[type[Layer], Form] = {
    conv.Conv: convolution,
    conv.DepthwiseConv: depthwise,
    conv.SeparableConv: separable,
    conv.TransposedConv: transposed,
    pool.MaxPool: extreme_pool("max"),
    pool.AveragePool: average_pool,
    pool.MinPool: extreme_pool("min"),
    pool.GlobalAveragePool: global_pool("jnp.mean"),
    pool.GlobalMaxPool: global_pool("jnp.max"),
    pool.ChannelMean: plain("jnp.mean", axis=-1, keepdims=True),
    pool.ChannelMax: plain("jnp.max", axis=-1, keepdims=True),
    dense.Flatten: flatten,
    dense.Dense: linear,
    norm.BatchNorm: batch_norm,
    norm.LayerNorm: layer_norm,
    norm.GroupNorm: group_norm,
    norm.InstanceNorm: instance_norm,
    norm.LocalResponseNorm: local_response_norm,
    norm.Scale: scale,
    norm.Rescale: rescale,
    regular.Dropout: dropout,
    regular.DropPath: drop_path,
    activation.Relu: plain("nnx.relu"),
    activation.Relu6: plain("nnx.relu6"),
    activation.LeakyRelu: leaky_relu,
    activation.Prelu: prelu,
    activation.Elu: elu,
    activation.Selu: plain("nnx.selu"),
    activation.Gelu: gelu,
    activation.Silu: plain("nnx.silu"),
    activation.Mish: plain("jax.nn.mish"),
    activation.Softplus: plain("nnx.softplus"),
    activation.Sigmoid: plain("nnx.sigmoid"),
    activation.Tanh: plain("nnx.tanh"),
    activation.Softmax: softmax,
    activation.HardSwish: plain("nnx.hard_swish"),
    activation.HardSigmoid: plain("nnx.hard_sigmoid"),
    activation.Clamp: clamp,
    geometry.Upsample: upsample,
    geometry.ZeroPad: zero_pad,
    geometry.ReflectPad: border("reflect"),
    geometry.ReplicatePad: border("edge"),
    geometry.Crop: crop,
    geometry.Reshape: reshape,
    geometry.Shuffle: shuffle,
    geometry.Slice: channels,
    rearrange.PixelShuffle: pixels("pixel_shuffle"),
    rearrange.PixelUnshuffle: pixels("pixel_unshuffle"),
    rearrange.Permute: permute,
    rearrange.Transpose: permute,
}
"""A form for each layer; merges are the generator's."""
