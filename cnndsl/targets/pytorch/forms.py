"""What each layer is in PyTorch, channels first: always a module that can stand in a Sequential."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from struct import pack, unpack
from typing import Any

from cnndsl.codegen.code import Arg, Call, NotExpressible
from cnndsl.codegen.expressions import collapsed
from cnndsl.codegen.lowering import (
    LoweringOptions,
    Pads,
    all_pads,
    any_pads,
    axis_channels_first,
    behind,
    dilations,
    extra_pads,
    form_of,
    is_symmetric,
    pad_arg,
    pool_strides,
    rank,
    rounds_up,
    sizes,
    source_parts,
    strides,
    written_pads,
    written_parts,
)
from cnndsl.diagnostics.message import Message
from cnndsl.layers import Layer, activation, conv, dense, geometry, norm, pool, rearrange, regular
from cnndsl.layers.window import Window

Form = Callable[[Any, LoweringOptions], list[Call]]


def lower(
    layer: Layer, *, explicit: bool = False, order: str = "first", last: bool = False
) -> list[Call]:
    """The calls that a layer becomes, in order, with the activation written after it.

    `explicit` asks for the most general form; `order` says which dimension of an image
    `flatten` begins with, the `first` (its channels, here) or the `last`, as the language
    has it; `last` asks for a layer of an image whose channels come last, in the order of
    `layout.last_runs`. Raises NotExpressible.
    """
    form: Form = form_of(FORMS, layer, "PyTorch")
    if last and type(layer) in LAST:
        form = LAST[type(layer)]
    calls = form(layer, LoweringOptions(explicit, order))
    if layer.activation is not None:
        calls += behind(layer, lower(layer.activation))
    return calls


def module(function: str, *args: Any, **kwargs: Any) -> Call:
    """The call that stands for the layer itself."""
    return Call(f"nn.{function}", args, kwargs, main=True)


def own_module(name: str, *args: Any, **kwargs: Any) -> Call:
    """The same, of a module that the generated code defines."""
    return Call(name, args, kwargs, main=True, helpers=(name,))


def channels_in(layer: Layer) -> Arg:
    """The channels that come in."""
    return Arg(layer.channels, "in")


# Padding


def edges(pads: tuple[tuple[Any, Any], ...]) -> Any:
    """Padding in PyTorch's order, the last dimension first: left, right, top, bottom."""
    return tuple(size for pair in reversed(pads) for size in pair)


def zero_padding(layer: Any, pads: Pads, ask: LoweringOptions) -> Call:
    """A module that puts zeros around an image."""
    value = Arg(edges(pads), each=not ask.explicit, parts=edges(written_parts(layer, pads)))
    return Call(f"nn.ZeroPad{len(pads)}d", (value,))


# Convolutions


def slid(layer: Any, ask: LoweringOptions) -> tuple[list[Call], dict[str, Any]]:
    """What comes before a convolution, and the keywords for its windows."""
    pads = all_pads(layer.windows)
    calls = []
    if ask.explicit or not is_symmetric(pads):
        calls.append(zero_padding(layer, pads, ask))
        padding = Arg(0, "", 0)
    else:
        padding = pad_arg(layer, pads, 0)
    return calls, {
        "kernel_size": sizes(layer.kernel, "kernel"),
        "stride": strides(layer.windows),
        "padding": padding,
        "dilation": dilations(layer.windows),
    }


def convolution(layer: conv.Conv, ask: LoweringOptions) -> list[Call]:
    before, keywords = slid(layer, ask)
    return [
        *before,
        module(
            f"Conv{rank(layer)}d",
            channels_in(layer),
            Arg(layer.filters, "filters"),
            **keywords,
            groups=Arg(layer.groups, "groups", 1),
            bias=Arg(not layer.nobias, "", True),
        ),
    ]


def depthwise(layer: conv.DepthwiseConv, ask: LoweringOptions) -> list[Call]:
    before, keywords = slid(layer, ask)
    bias = Arg(not layer.nobias, "", True)
    return [*before, each_channel(layer, keywords, bias)._replace(main=True)]


def separable(layer: conv.SeparableConv, ask: LoweringOptions) -> list[Call]:
    before, keywords = slid(layer, ask)
    return [
        *before,
        each_channel(layer, keywords, Arg(False, "", True)),
        module(
            f"Conv{rank(layer)}d",
            multiplied(layer),
            Arg(layer.filters, "filters"),
            kernel_size=1,
            bias=Arg(not layer.nobias, "", True),
        ),
    ]


def each_channel(layer: Any, keywords: dict[str, Any], bias: Arg) -> Call:
    """A convolution of as many groups as there are channels."""
    name, own = f"nn.Conv{rank(layer)}d", False
    if layer.context.defaults == "keras" and layer.mult > 1 and layer.channels > 1:
        # As an initial kernel of its own, unlike that of groups.
        name, own = f"DepthwiseConv{rank(layer)}d", True
    return Call(
        name,
        (channels_in(layer), multiplied(layer)),
        {**keywords, "groups": channels_in(layer), "bias": bias},
        helpers=(name,) if own else (),
    )


def multiplied(layer: Any) -> Arg:
    """How many channels a depthwise convolution gives."""
    return Arg(layer.channels * layer.mult, "in" if layer.mult == 1 else "")


def transposed(layer: Any, ask: LoweringOptions) -> list[Call]:
    """PyTorch's `padding` crops both ends, and its `output_padding` gives back at the end."""
    padding: list[int] = []
    output_padding: list[int] = []
    crop: list[tuple[int, int]] = []
    for (begin, end), grow, stride in zip(layer.crop, layer.grow, layer.stride):
        both, back = begin, begin - end
        if ask.explicit or not 0 <= back < stride:
            both, back = (0 if ask.explicit else min(begin, end)), 0
        padding.append(both)
        output_padding.append(back + grow)
        crop.append((begin - both, end - both + back))
    even = layer.pad and all(pair == (one, one) for pair, one in zip(layer.crop, padding))
    calls = [
        module(
            f"ConvTranspose{rank(layer)}d",
            channels_in(layer),
            Arg(layer.filters, "filters"),
            kernel_size=sizes(layer.kernel, "kernel"),
            stride=sizes(layer.stride, "stride", 1),
            padding=sizes(padding, "pad" if even else "", 0),
            output_padding=sizes(output_padding, "", 0),
            groups=Arg(layer.groups, "groups", 1),
            bias=Arg(not layer.nobias, "", True),
            dilation=sizes(layer.dilation, "dilation", 1),
        )
    ]
    if ask.explicit or any_pads(tuple(crop)):
        calls.append(Call("Crop", (edges(tuple(crop)),), helpers=("Crop",)))
    return calls


# Pools


def native(layer: Any, ask: LoweringOptions) -> dict[str, Arg] | None:
    """How a pool pads by itself, where it can: both ends alike, by at most half a window.

    What more a window sees at the end, as often under `same`, `ceil_mode` lets it see.
    """
    windows = layer.windows
    if ask.explicit or any(window.begin > window.kernel // 2 for window in windows):
        return None
    for ceil in (rounds_up(layer), not rounds_up(layer)):
        if all(native_output(window, ceil) == window.output for window in windows):
            return {"padding": begin_arg(layer), "ceil_mode": Arg(ceil, "", False)}
    return None


def native_output(window: Window, ceil: bool) -> int:
    """The size that PyTorch's pools give with the padding of the begin at both ends."""
    span = window.size + 2 * window.begin - window.extent
    if not ceil:
        return span // window.stride + 1
    output = -(-span // window.stride) + 1
    in_padding = (output - 1) * window.stride >= window.size + window.begin
    return output - 1 if in_padding else output


def begin_arg(layer: Any) -> Arg:
    """The padding at the begin."""
    pads = written_pads(layer.windows)
    if is_symmetric(pads):
        return pad_arg(layer, pads, 0)
    return sizes([begin for begin, _ in pads], "", 0)


def pool_step(layer: Any) -> Arg:
    return pool_strides(layer, collapsed(layer.kernel))


def extreme_pool(
    layer: Any, ask: LoweringOptions, make: Callable[..., Call], fill: float
) -> list[Call]:
    """A max or min pool: what is put around the image is never what is taken."""
    calls, keywords = [], native(layer, ask)
    if keywords is None:
        edge = edges(all_pads(layer.windows))
        calls = [Call(f"nn.ConstantPad{rank(layer)}d", (edge, fill))]
        keywords = {"padding": Arg(0, "", 0), "ceil_mode": Arg(False, "", False)}
    keywords = {"dilation": dilations(layer.windows), **keywords}
    return [*calls, make(sizes(layer.kernel, "kernel"), stride=pool_step(layer), **keywords)]


def adaptive(form: Form, name: str, make: Callable[..., Call] = module) -> Form:
    """The form of a pool; its class is another where the windows share the image."""

    def either(layer: pool.Pool, ask: LoweringOptions) -> list[Call]:
        if layer.to is None:
            return form(layer, ask)
        return [make(f"Adaptive{name}{rank(layer)}d", sizes(layer.to, "to"))]

    return either


def max_pool(layer: pool.MaxPool, ask: LoweringOptions) -> list[Call]:
    return extreme_pool(layer, ask, partial(module, f"MaxPool{rank(layer)}d"), float("-inf"))


def min_pool(layer: pool.MinPool, ask: LoweringOptions) -> list[Call]:
    return extreme_pool(layer, ask, partial(own_module, f"MinPool{rank(layer)}d"), float("inf"))


def average_pool(layer: Any, ask: LoweringOptions) -> list[Call]:
    """Padding does not count, nor does ever what rounding up adds, as in PyTorch."""
    kernel, pads = sizes(layer.kernel, "kernel"), all_pads(layer.windows)
    keywords = native(layer, ask)
    if keywords is not None and layer.countpad:
        # Here it matters that no more, and no less, is put around than what was written.
        even = is_symmetric(written_pads(layer.windows))
        if not even or keywords["ceil_mode"].value != rounds_up(layer):
            keywords = None
    if rank(layer) == 3 and any(window.kernel > window.size for window in layer.windows):
        keywords = None  # AvgPool3d looks at the size without the padding, and refuses
    if keywords is not None:
        counts = bool(layer.countpad) or not (layer.same or layer.pad)
        keywords["count_include_pad"] = Arg(counts, "", True)
        return [module(f"AvgPool{rank(layer)}d", kernel, stride=pool_step(layer), **keywords)]
    calls = []
    if layer.countpad:
        calls = [zero_padding(layer, written_pads(layer.windows), ask)]
        pads = extra_pads(layer.windows)
        if not any_pads(pads) and not ask.explicit:
            return [*calls, module(f"AvgPool{rank(layer)}d", kernel, stride=pool_step(layer))]
    name = f"PaddedAvgPool{rank(layer)}d"
    step = pool_strides(layer)
    return [*calls, own_module(name, kernel, stride=step, padding=edges(pads))]


def global_pool(name: str) -> Form:
    def form(layer: pool.GlobalPool, ask: LoweringOptions) -> list[Call]:
        calls = [module(f"Adaptive{name}Pool{rank(layer)}d", 1)]
        return calls if layer.keep else [*calls, Call("nn.Flatten")]

    return form


# Dense


def flatten(layer: dense.Flatten, ask: LoweringOptions) -> list[Call]:
    return [own_module("FlattenLast") if ask.order == "last" else module("Flatten")]


def linear(layer: dense.Dense, ask: LoweringOptions) -> list[Call]:
    units, bias = Arg(layer.units, "units"), Arg(not layer.nobias, "", True)
    return [module("Linear", channels_in(layer), units, bias=bias)]


# Normalisations


def batch_norm(layer: norm.BatchNorm, ask: LoweringOptions) -> list[Call]:
    """PyTorch learns a factor and a summand, or neither; its momentum is what ours leaves."""
    call = module(
        f"BatchNorm{max(rank(layer), 1)}d",
        channels_in(layer),
        eps=Arg(layer.eps, "eps"),
        momentum=Arg(rest(layer.momentum)),
        affine=learned(layer, True),
    )
    return [call, *behind_norm(layer)]


def learned(layer: Any, default: bool) -> Arg:
    """Whether PyTorch's normalisation itself learns, which is a factor and a summand."""
    return Arg(not (layer.noscale or layer.noshift), "", default)


def behind_norm(layer: Any) -> list[Call]:
    """The module that learns one of the two."""
    if bool(layer.noscale) == bool(layer.noshift):
        return []
    after = "Shift" if layer.noscale else "Scale"
    return [Call(after, (channels_in(layer),), helpers=(after,))]


def rest(share: float) -> float:
    """1 - share, in decimals: 1 - 0.99 is 0.01."""
    from decimal import Decimal

    return float(1 - Decimal(repr(share)))


def layer_norm(layer: norm.LayerNorm, ask: LoweringOptions) -> list[Call]:
    if not rank(layer):
        return last_norm(layer, ask)
    return normed(own_module, "ChannelLayerNorm", layer)


def last_norm(layer: norm.LayerNorm, ask: LoweringOptions) -> list[Call]:
    return normed(module, "LayerNorm", layer)


def normed(make: Callable[..., Call], name: str, layer: norm.LayerNorm) -> list[Call]:
    """PyTorch's layer norm can leave out the summand, or both."""
    affine, shifts = not layer.noscale, not layer.noshift
    call = make(
        name,
        channels_in(layer),
        eps=Arg(layer.eps, "eps"),
        elementwise_affine=Arg(affine, "", True),
        bias=Arg(shifts or not affine, "", True),
    )
    return [call] if affine or not shifts else [call, *behind_norm(layer)]


def pointwise(layer: conv.Conv, ask: LoweringOptions) -> list[Call]:
    """A convolution of one pixel where the channels come last."""
    filters, bias = Arg(layer.filters, "filters"), Arg(not layer.nobias, "", True)
    return [module("Linear", channels_in(layer), filters, bias=bias)]


def group_norm(layer: norm.GroupNorm, ask: LoweringOptions) -> list[Call]:
    groups, eps = Arg(layer.groups, "groups"), Arg(layer.eps, "eps")
    affine = learned(layer, True)
    call = module("GroupNorm", groups, channels_in(layer), eps=eps, affine=affine)
    return [call, *behind_norm(layer)]


def instance_norm(layer: norm.InstanceNorm, ask: LoweringOptions) -> list[Call]:
    """PyTorch refuses a map of one value, of which nothing is left."""
    if set(layer.spatial) == {1}:
        message = Message("PyTorch normalises no map of one value by itself")
        raise NotExpressible(message, Message("leave `{op}` out here", op=layer.op))
    name, eps = f"InstanceNorm{rank(layer)}d", Arg(layer.eps, "eps")
    call = module(name, channels_in(layer), eps=eps, affine=learned(layer, False))
    return [call, *behind_norm(layer)]


def local_response_norm(layer: norm.LocalResponseNorm, ask: LoweringOptions) -> list[Call]:
    return [
        module(
            "LocalResponseNorm",
            Arg(layer.size, "size"),
            alpha=Arg(layer.alpha, "alpha", 1e-4),
            beta=Arg(layer.beta, "beta", 0.75),
            k=Arg(layer.k, "k", 1),
        )
    ]


def scale(layer: norm.Scale, ask: LoweringOptions) -> list[Call]:
    return [own_module("Scale", channels_in(layer), init=Arg(layer.init, "init", 1))]


# What acts while training


def dropout(layer: regular.Dropout, ask: LoweringOptions) -> list[Call]:
    return [module("Dropout", Arg(layer.rate, "rate"))]


def drop_path(layer: regular.DropPath, ask: LoweringOptions) -> list[Call]:
    return [own_module("DropPath", Arg(layer.rate, "rate"))]


# Activations


def plain(name: str, **kwargs: Any) -> Form:
    """An activation that needs to know nothing."""
    return lambda layer, ask: [module(name, **kwargs)]


def leaky_relu(layer: activation.LeakyRelu, ask: LoweringOptions) -> list[Call]:
    return [module("LeakyReLU", negative_slope=Arg(layer.slope, "slope"))]


def prelu(layer: activation.Prelu, ask: LoweringOptions) -> list[Call]:
    return [module("PReLU", channels_in(layer), init=Arg(layer.initial, "", 0.25))]


def elu(layer: activation.Elu, ask: LoweringOptions) -> list[Call]:
    return [module("ELU", alpha=Arg(layer.alpha, "alpha", 1))]


def gelu(layer: activation.Gelu, ask: LoweringOptions) -> list[Call]:
    return [module("GELU", approximate="tanh" if layer.approx else "none")]


def softmax(layer: activation.Softmax, ask: LoweringOptions) -> list[Call]:
    return [module("Softmax", dim=axis_channels_first(layer))]


def clamp(layer: activation.Clamp, ask: LoweringOptions) -> list[Call]:
    return [module("Hardtanh", Arg(layer.low, "low"), Arg(layer.high, "high"))]


# Geometry


def upsample(layer: geometry.Upsample, ask: LoweringOptions) -> list[Call]:
    size = {"size": sizes(layer.output[:-1], "" if layer.to is None else "to")}
    if layer.mode == "nearest" and not all(map(is_exact, layer.spatial, layer.output)):
        return [own_module("NearestUpsample", **size)]
    if layer.whole:
        size = {"scale_factor": sizes(layer.factor or (), "factor")}
    aligned = Arg(bool(layer.aligned), "", False)
    return [module("Upsample", **size, mode=Arg(layer.mode, "", "nearest"), align_corners=aligned)]


def is_exact(size: int, output: int) -> bool:
    """Whether PyTorch, which works it out in single precision, takes pixel i*X // n for each i."""

    def single(value: float) -> float:
        return float(unpack("f", pack("f", value))[0])

    scale = single(size / output)
    if output > _TRIED:
        return scale == size / output
    return all(min(int(single(i * scale)), size - 1) == i * size // output for i in range(output))


_TRIED = 4096
"""Up to which size it is tried; beyond it only scales that are exact are."""


def border_arg(pads: Pads, slot: str) -> Arg:
    """Sizes around an image, of which a slot is the source."""
    value = edges(pads)
    even = slot if len(set(value)) == 1 else ""
    return Arg(value, even, each=True, parts=edges(source_parts(pads, slot)))


def zero_pad(layer: geometry.ZeroPad, ask: LoweringOptions) -> list[Call]:
    return [module(f"ZeroPad{rank(layer)}d", border_arg(layer.pad, "pad"))]


def border(name: str) -> Form:
    """What is put around that is no constant."""
    return lambda layer, ask: [module(f"{name}Pad{rank(layer)}d", border_arg(layer.pad, "pad"))]


def crop(layer: geometry.Crop, ask: LoweringOptions) -> list[Call]:
    return [own_module("Crop", border_arg(layer.crop, "crop"))]


def reshape(layer: geometry.Reshape, ask: LoweringOptions) -> list[Call]:
    return [own_module("ReshapeLast", Arg(layer.shape, "shape"))]


def shuffle(layer: geometry.Shuffle, ask: LoweringOptions) -> list[Call]:
    call = module("ChannelShuffle", Arg(layer.groups, "groups"))
    if rank(layer):
        return [call]
    # It wants an image, if only of one pixel.
    return [Call("nn.Unflatten", (1, (layer.channels, 1))), call, Call("nn.Flatten")]


def channels(layer: geometry.Slice, ask: LoweringOptions) -> list[Call]:
    begin, end = layer.range
    parts = Arg(begin, "range", path=(None, 0)), Arg(end, "range", path=(None, 1))
    return [own_module("Slice", *parts)]


def pixel_shuffle(layer: rearrange.PixelShuffle, ask: LoweringOptions) -> list[Call]:
    """The other order is PyTorch's after a shuffle of the channels, one group for each pixel."""
    factor = Arg(layer.factor, "factor")
    call = own_module("ChannelsToSpace", factor)
    if rank(layer) == 2:
        call = module("PixelShuffle", factor)
    before = [Call("nn.ChannelShuffle", (layer.area,))] if layer.dcr else []
    return [*before, call]


def pixel_unshuffle(layer: rearrange.PixelUnshuffle, ask: LoweringOptions) -> list[Call]:
    factor = Arg(layer.factor, "factor")
    call = own_module("SpaceToChannels", factor)
    if rank(layer) == 2:
        call = module("PixelUnshuffle", factor)
    behind = [Call("nn.ChannelShuffle", (channels_in(layer),))] if layer.dcr else []
    return [call, *behind]


def permute(layer: rearrange.Permute, ask: LoweringOptions) -> list[Call]:
    """The same order where the channels come first: they are 1, and a dimension is one more."""
    last = len(layer.order)
    first, *rest = (place % last + 1 for place in (layer.order[-1], *layer.order[:-1]))
    return [own_module("Permute", first, *rest)]


def rescale(layer: norm.Rescale, ask: LoweringOptions) -> list[Call]:
    offset = Arg(layer.offset, "offset", 0)
    return [own_module("Rescale", Arg(layer.scale, "scale"), offset=offset)]


FORMS: dict[type[Layer], Form] = {
    conv.Conv: convolution,
    conv.DepthwiseConv: depthwise,
    conv.SeparableConv: separable,
    conv.TransposedConv: transposed,
    pool.MaxPool: adaptive(max_pool, "MaxPool"),
    pool.AveragePool: adaptive(average_pool, "AvgPool"),
    pool.MinPool: adaptive(min_pool, "MinPool", own_module),
    pool.GlobalAveragePool: global_pool("Avg"),
    pool.GlobalMaxPool: global_pool("Max"),
    pool.ChannelMean: lambda layer, ask: [own_module("ChannelMean")],
    pool.ChannelMax: lambda layer, ask: [own_module("ChannelMax")],
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
    activation.Relu: plain("ReLU"),
    activation.Relu6: plain("ReLU6"),
    activation.LeakyRelu: leaky_relu,
    activation.Prelu: prelu,
    activation.Elu: elu,
    activation.Selu: plain("SELU"),
    activation.Gelu: gelu,
    activation.Silu: plain("SiLU"),
    activation.Mish: plain("Mish"),
    activation.Softplus: plain("Softplus"),
    activation.Sigmoid: plain("Sigmoid"),
    activation.Tanh: plain("Tanh"),
    activation.Softmax: softmax,
    activation.HardSwish: plain("Hardswish"),
    activation.HardSigmoid: plain("Hardsigmoid"),
    activation.Clamp: clamp,
    geometry.Upsample: upsample,
    geometry.ZeroPad: zero_pad,
    geometry.ReflectPad: border("Reflection"),
    geometry.ReplicatePad: border("Replication"),
    geometry.Crop: crop,
    geometry.Reshape: reshape,
    geometry.Shuffle: shuffle,
    geometry.Slice: channels,
    rearrange.PixelShuffle: pixel_shuffle,
    rearrange.PixelUnshuffle: pixel_unshuffle,
    rearrange.Permute: permute,
    rearrange.Transpose: permute,
}
"""A form for each layer; merges are the generator's."""

LAST: dict[type[Layer], Form] = {conv.Conv: pointwise, norm.LayerNorm: last_norm}
"""The forms of layers of one position, where the channels come last."""
