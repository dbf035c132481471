"""What each layer is in Keras 3, channels last.

The forms use what all backends of Keras document: no stride together with a dilation, no
strides that differ between dimensions in a depthwise convolution.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from cnndsl.codegen.code import Arg, Call, NotExpressible
from cnndsl.codegen.expressions import Literal, Made, Symbol, binary, collapsed
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
    is_same,
    is_symmetric,
    pad_arg,
    pool_strides,
    rank,
    shares_evenly,
    sizes,
    source_parts,
    strides,
    written_pads,
    written_parts,
)
from cnndsl.diagnostics.message import Message
from cnndsl.layers import Layer, activation, conv, dense, geometry, norm, pool, rearrange, regular

Form = Callable[[Any, LoweringOptions], list[Call]]


def lower(layer: Layer, *, explicit: bool = False, order: str = "first") -> list[Call]:
    """The calls that a layer becomes, in order, with the activation written after it.

    `explicit` asks for the most general form; `order` is for other frameworks, as Keras
    flattens channels last anyway. Raises NotExpressible.
    """
    form: Form = form_of(FORMS, layer, "Keras")
    calls = form(layer, LoweringOptions(explicit, order))
    if layer.activation is not None and string(layer.activation) is None:
        calls += behind(layer, lower(layer.activation))
    return calls


def layer_call(function: str, *args: Any, **kwargs: Any) -> Call:
    """The call that stands for the layer itself."""
    return Call(f"layers.{function}", args, kwargs, main=True)


# Activations

STRINGS: dict[type[Layer], str] = {
    activation.Relu: "relu",
    activation.Relu6: "relu6",
    activation.Elu: "elu",
    activation.Selu: "selu",
    activation.Gelu: "gelu",
    activation.Silu: "silu",
    activation.Mish: "mish",
    activation.Softplus: "softplus",
    activation.Sigmoid: "sigmoid",
    activation.Tanh: "tanh",
    activation.Softmax: "softmax",
    activation.HardSwish: "hard_silu",
    activation.HardSigmoid: "hard_sigmoid",
}
"""What goes into `activation=`; the string "gelu" is the exact form, `ops.gelu` is not."""


def string(layer: Layer) -> str | None:
    """An activation as a string, where one means exactly it."""
    if isinstance(layer, activation.Elu) and layer.alpha != 1:
        return None
    return STRINGS.get(type(layer))


def activation_arg(layer: Layer) -> Arg:
    """The `activation=` of a layer; None where there is none, or none that a string says."""
    value = string(layer.activation) if layer.activation else None
    return Arg(value, "activation", None)


def constant(value: float) -> Made:
    """An initializer that gives one value."""
    return Made(Symbol("keras.initializers.Constant"), (value,))


def by_string(layer: Layer, ask: LoweringOptions) -> list[Call]:
    return [layer_call("Activation", Arg(STRINGS[type(layer)], "activation"))]


def of_its_own(name: str, **kwargs: Any) -> Form:
    """An activation with a class of its own; in its general form it has none."""

    def form(layer: Layer, ask: LoweringOptions) -> list[Call]:
        return by_string(layer, ask) if ask.explicit else [layer_call(name, **kwargs)]

    return form


def leaky_relu(layer: activation.LeakyRelu, ask: LoweringOptions) -> list[Call]:
    return [layer_call("LeakyReLU", negative_slope=Arg(layer.slope, "slope"))]


def elu(layer: activation.Elu, ask: LoweringOptions) -> list[Call]:
    return [layer_call("ELU", alpha=Arg(layer.alpha, "alpha", 1))]


def gelu(layer: activation.Gelu, ask: LoweringOptions) -> list[Call]:
    """The approximation is a function; the string means the exact form."""
    if not layer.approx:
        return by_string(layer, ask)
    name = "keras.activations.gelu"
    return [Call(name, (), {"approximate": True}, style="function", main=True)]


def softmax(layer: activation.Softmax, ask: LoweringOptions) -> list[Call]:
    """Over another axis than that of the channels it is a class, not a string."""
    if ask.explicit and layer.axis == "channels":
        return by_string(layer, ask)
    return [layer_call("Softmax", axis=Arg(axis_channels_last(layer), "", -1))]


def clamp(layer: activation.Clamp, ask: LoweringOptions) -> list[Call]:
    bounds = Arg(layer.low, "low"), Arg(layer.high, "high")
    return [Call("ops.clip", bounds, style="function", main=True)]


def prelu(layer: activation.Prelu, ask: LoweringOptions) -> list[Call]:
    axes = list(range(1, rank(layer) + 1)) or None
    initial = constant(layer.initial) if layer.initial else "zeros"
    return [
        layer_call(
            "PReLU", alpha_initializer=Arg(initial, "", "zeros"), shared_axes=Arg(axes, "", None)
        )
    ]


# Padding


def padding(pads: tuple[tuple[Any, Any], ...]) -> Any:
    """Padding as ZeroPadding and Cropping layers take it, begin and end of each dimension."""
    return pads[0] if len(pads) == 1 else pads


def zero_padding(layer: Any, pads: Pads, ask: LoweringOptions) -> Call:
    """A layer that pads with zeros before windows slide."""
    value: Any = padding(written_parts(layer, pads))
    if is_symmetric(pads) and not (ask.explicit and layer.same):
        value = pad_arg(layer, pads)
    return Call(f"layers.ZeroPadding{len(pads)}D", (value,))


def fill_padding(pads: Pads, value: float) -> Call:
    """Padding with a value of one's choice."""
    widths = [[0, 0], *([begin, end] for begin, end in pads), [0, 0]]
    return Call("ops.pad", (widths,), {"constant_values": value}, style="function")


def padding_word(layer: Any) -> str | None:
    """The `padding=` that says a layer's windows, if one does."""
    if layer.same:
        return "same"
    if not any_pads(all_pads(layer.windows)):
        return "valid"
    return "same" if is_same(layer.windows) else None


# Convolutions


def needs_slices(layer: Any) -> bool:
    """Whether windows have what Keras refuses: steps and a spacing at once."""
    windows = layer.windows
    return any(w.stride > 1 for w in windows) and any(w.dilation > 1 for w in windows)


def slid(
    layer: Any, ask: LoweringOptions, make: Callable[[dict[str, Any]], list[Call]]
) -> list[Call]:
    """The convolutions that `make` makes of keywords for the windows, and what they need."""
    word = None if ask.explicit or needs_slices(layer) else padding_word(layer)
    pads = all_pads(layer.windows)
    calls = []
    if ask.explicit or (word is None and any_pads(pads)):
        calls.append(zero_padding(layer, pads, ask))
    step = Arg(1, "", 1) if needs_slices(layer) else strides(layer.windows)
    calls += make(
        {
            "strides": step,
            "padding": Arg(word or "valid", "", "valid"),
            "dilation_rate": dilations(layer.windows),
        }
    )
    if needs_slices(layer):
        # Every S-th of all positions; what is between them is computed in vain.
        steps = [window.stride for window in layer.windows]
        args = tuple(Arg(step, "stride", path=(place, None)) for place, step in enumerate(steps))
        calls.append(Call("every", args, style="index"))
    return calls


def convolution(layer: conv.Conv, ask: LoweringOptions) -> list[Call]:
    def make(keywords: dict[str, Any]) -> list[Call]:
        return [
            layer_call(
                f"Conv{rank(layer)}D",
                Arg(layer.filters, "filters"),
                sizes(layer.kernel, "kernel"),
                **keywords,
                groups=Arg(layer.groups, "groups", 1),
                activation=activation_arg(layer),
                use_bias=Arg(not layer.nobias, "", True),
            )
        ]

    return slid(layer, ask, make)


def by_groups(layer: Any) -> bool:
    """Whether a depthwise convolution has to be one of as many groups as channels.

    Keras has no DepthwiseConv3D, and TensorFlow's wants equal strides.
    """
    return rank(layer) == 3 or len({window.stride for window in layer.windows}) > 1


def depthwise(layer: conv.DepthwiseConv, ask: LoweringOptions) -> list[Call]:
    def make(keywords: dict[str, Any]) -> list[Call]:
        rest = {"activation": activation_arg(layer), "use_bias": Arg(not layer.nobias, "", True)}
        if by_groups(layer):
            return [grouped(layer, keywords, **rest)._replace(main=True)]
        return [
            layer_call(
                f"DepthwiseConv{rank(layer)}D",
                sizes(layer.kernel, "kernel"),
                **keywords,
                depth_multiplier=Arg(layer.mult, "mult", 1),
                **rest,
            )
        ]

    return slid(layer, ask, make)


def grouped(layer: Any, keywords: dict[str, Any], **rest: Any) -> Call:
    """A depthwise convolution as one of groups, with the same initial kernel."""
    filters = Arg(layer.channels * layer.mult, "in" if layer.mult == 1 else "")
    initial: Any = "glorot_uniform"
    if layer.context.defaults == "keras" and layer.mult > 1 and layer.channels > 1:
        # A depthwise kernel counts other fans than one of groups.
        share = binary("/", Literal(2), Literal(layer.channels + layer.mult))
        scaling = Symbol("keras.initializers.VarianceScaling")
        initial = Made(scaling, (share, "fan_in", "uniform"))
    rest["kernel_initializer"] = Arg(initial, "", "glorot_uniform")
    return Call(
        f"layers.Conv{rank(layer)}D",
        (filters, sizes(layer.kernel, "kernel")),
        {**keywords, "groups": Arg(layer.channels, "in"), **rest},
    )


def separable(layer: conv.SeparableConv, ask: LoweringOptions) -> list[Call]:
    rest = {"activation": activation_arg(layer), "use_bias": Arg(not layer.nobias, "", True)}

    def make(keywords: dict[str, Any]) -> list[Call]:
        filters = Arg(layer.filters, "filters")
        if by_groups(layer):
            return [
                grouped(layer, keywords, use_bias=False),
                layer_call(f"Conv{rank(layer)}D", filters, 1, **rest),
            ]
        return [
            layer_call(
                f"SeparableConv{rank(layer)}D",
                filters,
                sizes(layer.kernel, "kernel"),
                **keywords,
                depth_multiplier=Arg(layer.mult, "mult", 1),
                **rest,
            )
        ]

    return slid(layer, ask, make)


def transposed(layer: conv.TransposedConv, ask: LoweringOptions) -> list[Call]:
    """Keras paints (X - 1) * S + max(K, S) pixels; what is too much is cropped.

    Its own `same` is exact where as much is lost at either end: elsewhere the backends do
    not agree on which end loses more.
    """
    over = tuple(
        (begin, end + max(kernel, stride) - kernel - grow)
        for (begin, end), kernel, stride, grow in zip(
            layer.crop, layer.extent, layer.stride, layer.grow
        )
    )
    even = all(
        begin == end and kernel - stride == begin + end
        for (begin, end), kernel, stride in zip(over, layer.extent, layer.stride)
    )
    dilated = set(layer.dilation) != {1}
    if dilated and set(layer.stride) != {1}:
        message = Message("Keras has no transposed convolution with a stride and a dilation")
        raise NotExpressible(message, Message("leave one of them out"))
    kernel: Arg = sizes(layer.kernel, "kernel")
    groups: dict[str, Arg] = {}
    helper: tuple[str, ...] = ()
    name = f"layers.Conv{rank(layer)}DTranspose"
    if layer.groups > 1:
        name, helper = "GroupedConvTranspose", ("GroupedConvTranspose",)
        groups, kernel = {"groups": Arg(layer.groups, "groups")}, Arg(layer.kernel, "kernel")
    word = (
        "same" if any_pads(over) and even and not (ask.explicit or dilated or groups) else "valid"
    )
    calls = [
        Call(
            name,
            (Arg(layer.filters, "filters"), kernel),
            {
                **groups,
                "strides": sizes(layer.stride, "stride", 1),
                "padding": Arg(word, "", "valid"),
                "dilation_rate": sizes(layer.dilation, "dilation", 1),
                "activation": activation_arg(layer),
                "use_bias": Arg(not layer.nobias, "", True),
            },
            main=True,
            helpers=helper,
        )
    ]
    if ask.explicit or (word == "valid" and any_pads(over)):
        calls.append(Call(f"layers.Cropping{rank(layer)}D", (padding(over),)))
    return calls


# Pools


def pool_call(layer: Any, name: str, word: str) -> Call:
    kernel = collapsed(layer.kernel)
    return layer_call(
        f"{name}Pooling{rank(layer)}D",
        Arg(kernel, "kernel"),
        strides=pool_strides(layer, kernel),
        padding=Arg(word, "", "valid"),
    )


def adaptive_pool(layer: Any, name: str, reduce: str, ask: LoweringOptions) -> list[Call]:
    """Windows that share the image: a plain pool where they are all alike.

    Keras's own adaptive pools give no numbers for many sizes on JAX.
    """
    if shares_evenly(layer) and not ask.explicit:
        return [layer_call(f"{name}Pooling{rank(layer)}D", sizes(even_kernel(layer), ""))]
    args = (Arg(tuple(layer.to), "to"), Symbol(reduce))
    return [our_function("adaptive_pool", *args)]


def each_of(values: Sequence[int], slot: str) -> tuple[Arg, ...]:
    """The values of a slot, each with its place in what the source says."""
    return tuple(Arg(value, slot, path=(place, None)) for place, value in enumerate(values))


def our_function(name: str, *args: Any, **kwargs: Any) -> Call:
    """The call of a function that the generated code defines."""
    return Call(name, args, kwargs, style="function", main=True, helpers=(name,))


def max_pool(layer: Any, ask: LoweringOptions) -> list[Call]:
    if layer.to is not None:
        return adaptive_pool(layer, "Max", "ops.max", ask)
    pads = all_pads(layer.windows)
    if is_dilated(layer):
        windows = layer.windows
        steps = each_of([w.stride for w in windows], "kernel" if layer.stride is None else "stride")
        spacing = each_of([w.dilation for w in windows], "dilation")
        edges = [list(pair) for pair in pads]
        args = (Arg(layer.kernel, "kernel"), steps, spacing)
        return [our_function("dilated_max_pool", *args, padding=edges)]
    word = None if ask.explicit else padding_word(layer)
    if word is not None:
        return [pool_call(layer, "Max", word)]
    return [fill_padding(pads, float("-inf")), pool_call(layer, "Max", "valid")]


def min_pool(layer: pool.MinPool, ask: LoweringOptions) -> list[Call]:
    minus = Call("minus", style="negative")
    return [minus, *max_pool(layer, ask), minus]


def average_pool(layer: pool.AveragePool, ask: LoweringOptions) -> list[Call]:
    """Padding does not count, nor does ever what rounding up adds, as in PyTorch.

    On PyTorch, Keras counts an uneven `same` as the nearest pixels, and takes no volume that
    is smaller than the window: those are said otherwise.
    """
    if layer.to is not None:
        return adaptive_pool(layer, "Average", "ops.mean", ask)
    windows = layer.windows
    word = None if ask.explicit else padding_word(layer)
    pads = all_pads(windows)
    small = rank(layer) == 3 and any(window.kernel > window.size for window in windows)
    if word == "same" and (small or not is_symmetric(pads)):
        word = None
    calls = []
    if layer.countpad and word != "valid":
        calls.append(zero_padding(layer, written_pads(windows), ask))
        pads = extra_pads(windows)
        word = None if ask.explicit or any_pads(pads) else "valid"
    if word is not None:
        return [*calls, pool_call(layer, "Average", word)]
    return [
        *calls,
        Call(
            "average_pool",
            (sizes(layer.kernel or (), "kernel"), pool_strides(layer)),
            {"padding": [list(pair) for pair in pads]},
            style="function",
            main=True,
            helpers=("average_pool",),
        ),
    ]


def global_pool(name: str) -> Form:
    def form(layer: pool.GlobalPool, ask: LoweringOptions) -> list[Call]:
        keep = Arg(bool(layer.keep), "", False)
        return [layer_call(f"Global{name}Pooling{rank(layer)}D", keepdims=keep)]

    return form


# The rest


def flatten(layer: dense.Flatten, ask: LoweringOptions) -> list[Call]:
    return [layer_call("Flatten")]


def fully_connected(layer: dense.Dense, ask: LoweringOptions) -> list[Call]:
    return [
        layer_call(
            "Dense",
            Arg(layer.units, "units"),
            activation=activation_arg(layer),
            use_bias=Arg(not layer.nobias, "", True),
        )
    ]


def batch_norm(layer: norm.BatchNorm, ask: LoweringOptions) -> list[Call]:
    return [
        layer_call(
            "BatchNormalization",
            momentum=Arg(layer.momentum, "momentum"),
            epsilon=Arg(layer.eps, "eps"),
            **learned(layer),
        )
    ]


def layer_norm(layer: norm.LayerNorm, ask: LoweringOptions) -> list[Call]:
    return [layer_call("LayerNormalization", epsilon=Arg(layer.eps, "eps"), **learned(layer))]


def learned(layer: Any) -> dict[str, Arg]:
    """Whether a normalisation learns a summand, and a factor."""
    return {
        "center": Arg(not layer.noshift, "", True),
        "scale": Arg(not layer.noscale, "", True),
    }


def group_norm(layer: norm.GroupNorm, ask: LoweringOptions) -> list[Call]:
    groups, eps = Arg(layer.groups, "groups"), Arg(layer.eps, "eps")
    return [layer_call("GroupNormalization", groups=groups, epsilon=eps, **learned(layer))]


def instance_norm(layer: norm.InstanceNorm, ask: LoweringOptions) -> list[Call]:
    """Groups of one channel each."""
    eps = Arg(layer.eps, "eps")
    return [layer_call("GroupNormalization", groups=-1, epsilon=eps, **learned(layer))]


def local_response_norm(layer: norm.LocalResponseNorm, ask: LoweringOptions) -> list[Call]:
    kwargs = {name: Arg(getattr(layer, name), name) for name in ("size", "alpha", "beta", "k")}
    name = "local_response_norm"
    return [Call(name, (), kwargs, style="function", main=True, helpers=(name,))]


def scale(layer: norm.Scale, ask: LoweringOptions) -> list[Call]:
    """A depthwise convolution of one pixel; a product by name where there are no pixels."""
    initial = constant(layer.init) if layer.init != 1 else "ones"
    channels = Arg(layer.channels, "in")
    if rank(layer) == 0:
        return [layer_call("EinsumDense", "bc,c->bc", channels, kernel_initializer=initial)]
    if rank(layer) == 3:
        kwargs = {"groups": channels, "use_bias": False, "kernel_initializer": initial}
        return [layer_call("Conv3D", channels, 1, **kwargs)]
    kwargs = {"use_bias": False, "depthwise_initializer": initial}
    return [layer_call(f"DepthwiseConv{rank(layer)}D", 1, **kwargs)]


def dropout(layer: regular.Dropout, ask: LoweringOptions) -> list[Call]:
    return [layer_call("Dropout", Arg(layer.rate, "rate"))]


def drop_path(layer: regular.DropPath, ask: LoweringOptions) -> list[Call]:
    shape = (None, *(1 for _ in layer.input))
    return [layer_call("Dropout", Arg(layer.rate, "rate"), noise_shape=shape)]


def upsample(layer: geometry.Upsample, ask: LoweringOptions) -> list[Call]:
    if not layer.whole or layer.bicubic or layer.aligned:
        return [resized(layer)]
    assert layer.factor is not None
    factor = sizes(layer.factor, "factor")
    if rank(layer) != 2:
        return [layer_call(f"UpSampling{rank(layer)}D", factor)]
    how = Arg("bilinear" if layer.bilinear else "nearest", "", "nearest")
    return [layer_call("UpSampling2D", factor, interpolation=how)]


def resized(layer: geometry.Upsample) -> Call:
    """To a size, by PyTorch's rule, from which the backends differ but for `bilinear`."""
    size = Arg(layer.output[:-1], "" if layer.to is None else "to")
    if layer.mode == "nearest":
        return our_function("resize_nearest", size)
    if layer.bicubic or layer.aligned:
        cubic, aligned = bool(layer.bicubic), Arg(bool(layer.aligned), "", False)
        return our_function("resize", size, cubic=Arg(cubic, "", False), aligned=aligned)
    call = Call("ops.image.resize", (size,), {"interpolation": "bilinear"})
    return call._replace(style="function", main=True)


def borders(name: str, slot: str) -> Form:
    def form(layer: Any, ask: LoweringOptions) -> list[Call]:
        pads: Pads = tuple(tuple(pair) for pair in getattr(layer, slot))
        value: Any = padding(source_parts(pads, slot))
        if is_symmetric(pads):
            value = sizes([begin for begin, _ in pads], slot)._replace(parts=value)
        return [layer_call(f"{name}{len(pads)}D", value)]

    return form


def reshape(layer: geometry.Reshape, ask: LoweringOptions) -> list[Call]:
    return [layer_call("Reshape", Arg(layer.shape, "shape"))]


def shuffle(layer: geometry.Shuffle, ask: LoweringOptions) -> list[Call]:
    name, groups = "channel_shuffle", Arg(layer.groups, "groups")
    return [Call(name, (groups,), style="function", main=True, helpers=(name,))]


def channels(layer: geometry.Slice, ask: LoweringOptions) -> list[Call]:
    begin, end = layer.range
    args = (Arg(begin, "range", path=(None, 0)), Arg(end, "range", path=(None, 1)))
    return [Call("channels", args, style="index", main=True)]


def reflect_pad(layer: geometry.ReflectPad, ask: LoweringOptions) -> list[Call]:
    """`ops.pad` mirrors two dimensions at most on PyTorch, and not none."""
    if rank(layer) == 3 or layer.is_idle():
        return [our_function("reflect_pad", source_parts(layer.pad, "pad"))]
    widths = ((0, 0), *source_parts(layer.pad, "pad"), (0, 0))
    return [Call("ops.pad", (widths,), {"mode": "reflect"}, style="function", main=True)]


def replicate_pad(layer: geometry.ReplicatePad, ask: LoweringOptions) -> list[Call]:
    return [our_function("replicate_pad", source_parts(layer.pad, "pad"))]


def pixels(name: str) -> Form:
    def form(layer: Any, ask: LoweringOptions) -> list[Call]:
        dcr = Arg(bool(layer.dcr), "", False)
        return [our_function(name, Arg(layer.factor, "factor"), dcr=dcr)]

    return form


def permute(layer: rearrange.Permute, ask: LoweringOptions) -> list[Call]:
    return [layer_call("Permute", Arg(tuple(layer.order), "order"))]


def rescale(layer: norm.Rescale, ask: LoweringOptions) -> list[Call]:
    offset = Arg(layer.offset, "offset", 0)
    return [layer_call("Rescaling", Arg(layer.scale, "scale"), offset=offset)]


def over_channels(name: str) -> Form:
    call = Call(name, (), {"axis": -1, "keepdims": True}, style="function", main=True)
    return lambda layer, ask: [call]


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
    pool.ChannelMean: over_channels("ops.mean"),
    pool.ChannelMax: over_channels("ops.max"),
    dense.Flatten: flatten,
    dense.Dense: fully_connected,
    norm.BatchNorm: batch_norm,
    norm.LayerNorm: layer_norm,
    norm.GroupNorm: group_norm,
    norm.InstanceNorm: instance_norm,
    norm.LocalResponseNorm: local_response_norm,
    norm.Scale: scale,
    norm.Rescale: rescale,
    regular.Dropout: dropout,
    regular.DropPath: drop_path,
    **dict.fromkeys(STRINGS, by_string),
    activation.Relu: of_its_own("ReLU"),
    activation.Relu6: of_its_own("ReLU", max_value=6),
    activation.LeakyRelu: leaky_relu,
    activation.Prelu: prelu,
    activation.Elu: elu,
    activation.Gelu: gelu,
    activation.Softmax: softmax,
    activation.Clamp: clamp,
    geometry.Upsample: upsample,
    geometry.ZeroPad: borders("ZeroPadding", "pad"),
    geometry.ReflectPad: reflect_pad,
    geometry.ReplicatePad: replicate_pad,
    geometry.Crop: borders("Cropping", "crop"),
    geometry.Reshape: reshape,
    geometry.Shuffle: shuffle,
    geometry.Slice: channels,
    rearrange.PixelShuffle: pixels("pixel_shuffle"),
    rearrange.PixelUnshuffle: pixels("pixel_unshuffle"),
    rearrange.Permute: permute,
    rearrange.Transpose: permute,
}
"""A form for each layer; merges are the generator's."""
