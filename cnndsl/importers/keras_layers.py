"""Keras's layers as operations of a graph: a class, its config, and what it reads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cnndsl.diagnostics.message import Message
from cnndsl.importers.graph import Scope
from cnndsl.importers.keras_graph import (
    STEPS,
    Builder,
    Call,
    Handler,
    Made,
    Place,
    Value,
    in_a_row,
    is_number,
    numbers,
)
from cnndsl.importers.keras_ops import OPERATIONS
from cnndsl.importers.keras_rows import MERGES, low_pads, merged
from cnndsl.importers.keras_views import reordered, reshaped
from cnndsl.layers.values import Pair, whole


class KerasGraph(Builder):
    """A graph that grows by Keras's layers and operations."""

    def layer(
        self,
        class_name: str,
        config: Mapping[str, Any],
        inputs: Sequence[Value],
        name: str = "",
        scope: tuple[Scope, ...] = (),
        where: str = "",
        key: str = "",
        span: tuple[int, int] | None = None,
    ) -> Value:
        """What a layer gives. Its arguments may be left out where Keras has a default.

        `key` is its path in the model, such as `encoder/conv1`, that of one called before where it
        is the same layer. A value that did not come in is known to be none.
        """
        call = Call(self, class_name, config, tuple(inputs), {}, name, scope, where, key, span)
        handler = LAYERS.get(class_name)
        value: Value = self.called(call, handler and unadapted(handler))
        return value

    def note_resting(self, name: str) -> None:
        """Note that a call asks a batch norm that learns for its moving statistics always."""
        note = Message("`{name}` is called with `training=False`, which no file can say", name=name)
        if note not in self.graph.notes:
            self.graph.notes.append(note)

    def operation(
        self,
        class_name: str,
        config: Mapping[str, Any],
        args: Sequence[Any],
        kwargs: Mapping[str, Any] = {},
        name: str = "",
        scope: tuple[Scope, ...] = (),
        where: str = "",
        span: tuple[int, int] | None = None,
    ) -> Value | list[Value]:
        """What an operation of `keras.ops` gives, by its class: `Relu6`, `TrueDivide`.

        `config` has the arguments that Keras's class has, `args` and `kwargs` those of its call:
        values, lists of them, numbers, lists of numbers, slices, None and Ellipsis.
        """
        call = Call(self, class_name, config, tuple(args), kwargs, name, scope, where, "", span)
        value: Value | list[Value] = self.called(call, OPERATIONS.get(class_name))
        return value


def resting(kind: str, config: Mapping[str, Any]) -> bool:
    """Whether it matters to a layer that learns that it is called as one that does not."""
    return kind == "BatchNormalization" and config.get("trainable") is not False


def unadapted(handler: Handler) -> Handler:
    """The handler of a layer, for one that is not quantised and has no LoRA."""

    def checked(call: Call) -> Any:
        policy = call.get("dtype")
        inner = policy.get("config") if isinstance(policy, Mapping) else None
        mode = inner.get("mode") if isinstance(inner, Mapping) else None
        if mode or (isinstance(policy, str) and "_from_" in policy):
            raise call.unsayable("dtype")
        for argument in ("lora_rank", "quantization_mode", "quantization_config"):
            if call.get(argument):
                raise call.unsayable(argument)
        return handler(call)

    return checked


def prelu(call: Call) -> Value:
    shape = call.shape
    shared = call.get("shared_axes", [])
    axes = [*range(1, len(shape))]
    if len(shape) > 1 and (not isinstance(shared, (list, tuple)) or [*shared] != axes):
        raise call.unsayable("shared_axes")
    return call.add("prelu", stored={"alpha": ("alpha", (*(1 for _ in axes), shape[-1]), ())})


# Windows


def window(call: Call) -> dict[str, Any]:
    """The arguments of a layer that slides."""
    call.text("data_format", "channels_last")
    padding = call.text("padding", "valid", "same", "causal")
    kernel = call.sizes("kernel_size")
    values: dict[str, Any] = {
        "kernel": kernel,
        "stride": call.sizes("strides", 1),
        "dilation": call.sizes("dilation_rate", 1),
        "same": padding == "same",
        "nobias": not call.flag("use_bias", True),
    }
    if padding == "causal":
        if call.rank != 1:
            raise call.unsayable("padding")
        values["pad"] = (Pair(values["dilation"][0] * (kernel[0] - 1), 0),)
    return values


def conv(call: Call) -> Value:
    groups = call.whole("groups", 1)
    filters = call.whole("filters")
    return call.activated("conv", {"filters": filters, "groups": groups, **window(call)})


def depthwise(call: Call) -> Value:
    """One of a pixel whose kernel begins constant is a factor for each channel."""
    values = {"mult": call.whole("depth_multiplier", 1), **window(call)}
    first = initial(call.get("depthwise_initializer"))
    ones = {*values["kernel"], *values["stride"], values["mult"]} == {1}
    name = "kernel" if call.builder.version >= 3 else "depthwise_kernel"
    linear = call.get("activation") in (None, "linear")
    if first is not None and ones and linear and values["nobias"]:
        kernel = (name, (*values["kernel"], call.shape[-1], 1), ())
        return call.add("scale", {"init": first}, stored={"scale": kernel})
    return call.activated("dwconv", values, stored={"depthwise": name})


def initial(value: Any) -> float | None:
    """The one number that an initializer gives, if it is such a one."""
    if not isinstance(value, Mapping):
        return 1.0 if value == "ones" else None
    if value.get("class_name") == "Ones":
        return 1.0
    config = value.get("config")
    number = config.get("value") if isinstance(config, Mapping) else None
    return number if value.get("class_name") == "Constant" and is_number(number) else None


def separable(call: Call) -> Value:
    mult, filters = call.whole("depth_multiplier", 1), call.whole("filters")
    kernels: dict[str, Place] = {role: f"{role}_kernel" for role in ("depthwise", "pointwise")}
    return call.activated(
        "sepconv", {"filters": filters, "mult": mult, **window(call)}, stored=kernels
    )


def transposed(call: Call) -> Value:
    """Keras paints (X - 1) * S + max(K, S) pixels, of which `same` leaves X * S."""
    values = window(call)
    kernel, stride, dilation = values["kernel"], values["stride"], values["dilation"]
    extent = [d * (k - 1) + 1 for k, d in zip(kernel, dilation)]
    grown: Sequence[int | None] = [None] * call.rank
    if call.get("output_padding") is not None:
        grown = call.sizes("output_padding", least=0)
    same = [(max(0, e - s) // 2, e - s - max(0, e - s) // 2) for e, s in zip(extent, stride)]
    if not values["same"] or grown[0] is not None:
        edges = [lost(*each, values["same"]) for each in zip(extent, stride, grown)]
        values["same"] = edges == same
        if edges != same:
            if min(map(min, edges)) < 0:
                raise call.unsayable("output_padding" if grown[0] is not None else "strides")
            values["pad"] = tuple(Pair(*each) for each in edges)
    filters, shape = call.whole("filters"), call.shape
    axes = (*range(call.rank), call.rank + 1, call.rank)
    stored = ("kernel", (*kernel, filters, shape[-1]), axes)
    return call.activated("deconv", {"filters": filters, **values}, stored={"kernel": stored})


def lost(extent: int, stride: int, grown: int | None, same: bool) -> tuple[int, int]:
    """What is cut off at both ends of what is painted; below 0 where mere bias is put there."""
    if not same:
        return 0, min(0, extent - stride) if grown is None else -grown
    kept = stride + extent - 2 if grown is None else extent + extent % 2 - 2 + grown
    begin = extent - 1 - min(-(-kept // 2), extent - 1)
    return begin, 2 * extent - 2 - kept - begin


def pool(word: str) -> Handler:
    """A pool; what is put around its input and is too low for a maximum is its padding."""

    def handler(call: Call) -> Value:
        call.text("data_format", "channels_last")
        padding = call.text("padding", "valid", "same")
        kernel = call.sizes("pool_size", 2)
        stride = call.sizes("strides", [*kernel])
        values: dict[str, Any] = {"kernel": kernel, "stride": stride, "same": padding == "same"}
        value = call.input
        if word == "pool" and (low := low_pads(value)) is not None:
            value, values["pad"] = low
        result = call.add(word, values, of=(value,))
        result.made = Made(call, (value,), values)
        return result

    return handler


def global_pool(word: str) -> Handler:
    def handler(call: Call) -> Value:
        call.text("data_format", "channels_last")
        return call.add(word, {"keep": call.flag("keepdims")})

    return handler


def adaptive_pool(word: str) -> Handler:
    def handler(call: Call) -> Value:
        call.text("data_format", "channels_last")
        return call.add(word, {"to": call.sizes("output_size")})

    return handler


def upsampling(call: Call) -> Value:
    call.text("data_format", "channels_last")
    mode = call.text("interpolation", "nearest", "bilinear")
    return call.add("up", {"factor": call.sizes("size", 2), "bilinear": mode == "bilinear"})


def resizing(call: Call) -> Value:
    """To a size; nearest pixels are others here than in Keras, and a cubic there differs."""
    call.text("interpolation", "bilinear")
    call.text("data_format", "channels_last")
    call.ordinary(crop_to_aspect_ratio=(False,), pad_to_aspect_ratio=(False,), antialias=(False,))
    size = (call.whole("height"), call.whole("width"))
    return call.add("up", {"to": size, "bilinear": True})


def zero_padding(call: Call) -> Value:
    call.text("data_format", "channels_last")
    return call.add("zeropad", {"pad": call.borders("padding")})


def cropping(call: Call) -> Value:
    """What it cuts off a transposed convolution is the padding of that."""
    call.text("data_format", "channels_last")
    crop, graph = call.borders("cropping"), call.builder.graph
    op = graph.ops[call.input.op]
    if op.word == "deconv" and not op.values.get("same"):
        pads = op.values.get("pad") or (Pair(0, 0),) * len(crop)
        pads = tuple(Pair(*(x + y for x, y in zip(*both))) for both in zip(pads, crop))
        if (found := call.builder.again(call.input, {"pad": pads})) is not None:
            return found
    return call.add("crop", {"crop": crop})


# Vectors and normalisations


def dense(call: Call) -> Value:
    """Over a map it is a convolution of one pixel."""
    units, shape = call.whole("units"), call.shape
    values: dict[str, Any] = {"nobias": not call.flag("use_bias", True)}
    if len(shape) == 1:
        return call.activated("dense", {"units": units, **values})
    values |= {"filters": units, "kernel": (1,) * (len(shape) - 1)}
    return call.activated("conv", values, stored={"kernel": ("kernel", (shape[-1], units), ())})


def einsum(call: Call) -> Value:
    """A factor for each channel of a vector, as the language's own code has it."""
    if call.get("equation") != "bc,c->bc":
        raise call.unsayable("equation")
    call.ordinary(activation=("linear",), bias_axes=("",))
    return call.add(
        "scale", {"init": initial(call.get("kernel_initializer"))}, stored={"scale": "kernel"}
    )


def learned(call: Call) -> dict[str, Any]:
    """What all normalisations have."""
    return {
        "eps": call.number("epsilon", 1e-3),
        "noscale": not call.flag("scale", True),
        "noshift": not call.flag("center", True),
    }


def last_axis(call: Call) -> None:
    """Raise ImportProblems unless a layer works on the channels."""
    count = len(call.shape)
    if call.axis("axis", -1, count) != count - 1:
        raise call.unsayable("axis")


def batch_norm(call: Call) -> Value:
    last_axis(call)
    call.ordinary(renorm=(False,), training=(False,))
    return call.add("bn", {"momentum": call.number("momentum", 0.99), **learned(call)})


def layer_norm(call: Call) -> Value:
    """Over all axes it is a group of all channels, where it learns nothing."""
    call.ordinary(rms_scaling=(False,))
    values, count = learned(call), len(call.shape)
    axes = call.get("axis", -1)
    if isinstance(axes, (list, tuple)) and len(axes) == count > 1:
        whole_map = sorted(each % (count + 1) for each in map(whole, axes) if each is not None)
        if whole_map == [*range(1, count + 1)] and values["noscale"] and values["noshift"]:
            return call.add("gn", {"groups": 1, **values})
    last_axis(call)
    return call.add("ln", values)


def group_norm(call: Call) -> Value:
    last_axis(call)
    groups, channels = call.whole("groups", 32), call.shape[-1]
    if groups in (-1, channels) and len(call.shape) > 1:
        return call.add("inorm", learned(call))
    return call.add("gn", {"groups": channels if groups == -1 else groups, **learned(call)})


def layer_scale(call: Call) -> Value:
    """ConvNeXt's factors, a class of `keras.applications`."""
    return call.add("scale", {"init": call.number("init_values", 1e-6)}, stored={"scale": "gamma"})


def scaled_sum(call: Call) -> Value:
    """InceptionResNetV2's sum with a scaled path, a class of `keras.applications`."""
    if len(call.inputs) != 2:
        raise call.unknown()
    one, other = call.inputs
    scaled = call.add("rescale", {"scale": call.number("scale")}, of=(other,))
    return call.add("add", of=(one, scaled))


def rescaling(call: Call) -> Value:
    scale, offset = (constants(call, name, start) for name, start in (("scale", 1), ("offset", 0)))
    return call.add("rescale", {"scale": scale, "offset": offset})


def constants(call: Call, name: str, default: float) -> float | tuple[float, ...]:
    """A number for all channels, or one for each."""
    found = numbers(call.get(name, default))
    if not found:
        raise call.damaged(name)
    return found[0] if len(found) == 1 else found


def normalization(call: Call) -> Value:
    """(x - mean) / sqrt(variance); both are constants, which a file may keep as weights."""
    last_axis(call)
    call.ordinary(invert=(False,))
    given = call.get("mean") is not None
    found = []
    for number, name in enumerate(("mean", "variance")):
        many = numbers(call.get(name)) if given else call.builder.numbers(call.key, number)
        if not given and many is None:
            message = Message("{layer} has no `mean` and `variance` here", layer=call.kind)
            raise call.problem("E604", message)
        if not many or len(many) not in (1, call.shape[-1]):
            raise call.damaged(name)
        found.append([float(each) for each in many])
    spread = [max(max(each, 0.0) ** 0.5, 1e-7) for each in found[1]]
    means = found[0] * (len(spread) // len(found[0])) if len(found[0]) == 1 else found[0]
    spread = spread * len(means) if len(spread) == 1 else spread
    scale = tuple(1 / each for each in spread)
    offset = tuple(-mean / each for mean, each in zip(means, spread))
    if len(scale) == 1:
        return call.add("rescale", {"scale": scale[0], "offset": offset[0]})
    return call.add("rescale", {"scale": scale, "offset": offset})


# The rest


def dropout(call: Call) -> Value:
    """One that drops the whole of a sample leaves out a path."""
    rate, noise = call.number("rate"), call.get("noise_shape")
    call.ordinary(training=(False,))
    if not rate or call.get("training") is False:
        return call.input
    if noise is None:
        return call.add("dropout", {"rate": rate})
    ones = [1] * len(call.shape)
    if not isinstance(noise, (list, tuple)) or [*noise[1:]] != ones or noise[0] == 1:
        raise call.unsayable("noise_shape")
    return call.add("droppath", {"rate": rate})


def drop_path(call: Call) -> Value:
    """ConvNeXt's stochastic depth, a class of `keras.applications`."""
    call.ordinary(training=(False,))
    rate = 0 if call.get("training") is False else call.number("drop_path_rate", 0)
    return call.add("droppath", {"rate": rate}) if rate else call.input


def flatten(call: Call) -> Value:
    call.text("data_format", "channels_last")
    return call.add("flatten")


def reshape(call: Call) -> Value:
    return reshaped(call, call.input, call.get("target_shape"))


def permute(call: Call) -> Value:
    dims = call.get("dims")
    order = [*map(whole, dims)] if isinstance(dims, (list, tuple)) else []
    return reordered(call, call.input, [each - 1 for each in order if each is not None])


def merge(word: str) -> Handler:
    def handler(call: Call) -> Value:
        return merged(call, word, call.inputs)

    return handler


def nothing(call: Call) -> Value:
    """A layer that gives what it gets."""
    return call.input


RANKED: dict[str, Handler] = {
    "Conv*D": conv,
    "Convolution*D": conv,
    "AtrousConvolution*D": conv,
    "DepthwiseConv*D": depthwise,
    "SeparableConv*D": separable,
    "SeparableConvolution*D": separable,
    "Conv*DTranspose": transposed,
    "Convolution*DTranspose": transposed,
    "Deconvolution*D": transposed,
    **{f"{name}*D": pool("pool") for name in ("MaxPooling", "MaxPool")},
    **{f"{name}*D": pool("avgpool") for name in ("AveragePooling", "AvgPool")},
    **{f"Global{name}*D": global_pool("gap") for name in ("AveragePooling", "AvgPool")},
    **{f"Global{name}*D": global_pool("gmp") for name in ("MaxPooling", "MaxPool")},
    "AdaptiveAveragePooling*D": adaptive_pool("avgpool"),
    "AdaptiveMaxPooling*D": adaptive_pool("pool"),
    "UpSampling*D": upsampling,
    "ZeroPadding*D": zero_padding,
    "Cropping*D": cropping,
}
"""Layers for one, two and three dimensions, `*` being their number."""

LAYERS: dict[str, Handler] = {
    "Dense": dense,
    "EinsumDense": einsum,
    "Flatten": flatten,
    "Reshape": reshape,
    "Permute": permute,
    "Dropout": dropout,
    "StochasticDepth": drop_path,
    "LayerScale": layer_scale,
    "CustomScaleLayer": scaled_sum,
    "BatchNormalization": batch_norm,
    "LayerNormalization": layer_norm,
    "GroupNormalization": group_norm,
    "Normalization": normalization,
    "Rescaling": rescaling,
    "Resizing": resizing,
    "PReLU": prelu,
    "Identity": nothing,
    "ActivityRegularization": nothing,
    **{name: in_a_row(steps) for name, steps in STEPS.items()},
    **{name: merge(word) for name, word in MERGES.items()},
    **{name.replace("*", str(n)): each for name, each in RANKED.items() for n in (1, 2, 3)},
}
"""Keras's layers by their classes."""
