"""Operations of `keras.ops` as operations of a graph.

Most of them are a word. Others are one only in a row: such a value waits until that is complete.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from cnndsl.diagnostics.message import Message
from cnndsl.importers.keras_graph import (
    FUNCTIONS,
    Call,
    Handler,
    Made,
    Steps,
    Value,
    elu,
    in_a_row,
    is_number,
    numbers,
    relu,
    softmax,
)
from cnndsl.importers.keras_rows import (
    MERGES,
    Axes,
    all_made,
    interpolated,
    made,
    maximum_of_stack,
    merged,
    take,
    terms,
    unstretched,
    waiting,
)
from cnndsl.importers.keras_views import reordered, reshaped
from cnndsl.layers.base import Shape, show
from cnndsl.layers.values import Pair, whole

# Arithmetic


def arithmetic(call: Call) -> Value:
    """A sum, difference, product or quotient of two tensors, or of one and a constant."""
    both = (*call.args, *call.kwargs.values())[:2]
    if len(both) != 2:
        raise call.unknown()
    (one, other), name = both, call.kind
    if isinstance(one, Value) and isinstance(other, Value):
        return of_two(call, name, one, other)
    value, number = (one, other) if isinstance(one, Value) else (other, one)
    if not isinstance(value, Value):
        raise call.unknown()
    found = numbers(number)
    if name == "Add" and found == (0,):
        return value
    if value.is_open or not found or (made(value, "Take") and len(found) != 1):
        return waiting(call, value.shape, one, other)
    scale, offset = factors(name, found, value is other)
    if name == "Maximum" and found == (0,):
        return call.add("relu", of=(value,))
    if scale is None:
        return waiting(call, value.shape, one, other)
    values = {"scale": single(scale), "offset": single(offset)}
    result = call.add("rescale", values, of=(value,))
    result.made = Made(call, (one, other))
    return result


def factors(
    name: str, found: tuple[float, ...], second: bool
) -> tuple[tuple[float, ...] | None, tuple[float, ...]]:
    """What a tensor is multiplied by, and then what is added, in arithmetic with constants."""
    nothing = tuple(0 for _ in found)
    if name == "Add":
        return tuple(1 for _ in found), found
    if name == "Subtract":
        return tuple(-1 if second else 1 for _ in found), (
            found if second else tuple(-c for c in found)
        )
    if name == "Multiply":
        return found, nothing
    if name in ("TrueDivide", "Divide") and not second and all(found):
        return tuple(1 / each for each in found), nothing
    return None, nothing


def single(values: tuple[float, ...]) -> float | tuple[float, ...]:
    """One number for many that are the same."""
    return values[0] if len({*values}) == 1 else values


def of_two(call: Call, name: str, one: Value, other: Value) -> Value:
    if name in ("TrueDivide", "Divide"):
        return normalised(call, one, other) or averaged(call, one, other) or waiting(call, ())
    if one.is_open or other.is_open:
        value = waiting(call, one.shape, one, other)
        return interpolated(call, value) if name == "Add" else value
    if name == "Add" and all_made((one, other), "Multiply"):
        value = interpolated(call, waiting(call, one.shape, one, other))
        if not value.is_open:
            return value
    word = MERGES.get(name)
    if word is None:
        raise call.unknown()
    values = unstretched((one, other)) if word == "mul" else [one, other]
    if len(one.shape) != len(other.shape):
        sizes = {"one": show(one.shape), "other": show(other.shape)}
        raise call.problem("E206", Message("{one} and {other} do not go together", **sizes))
    return call.add(word, of=values)


def normalised(call: Call, value: Value, divisor: Value) -> Value | None:
    """Local response normalisation: a value over a power of a sum of its squares."""
    inner, beta = with_number(divisor, "Power")
    scaled, k = with_number(inner, "Add")
    total, share = with_number(scaled, "Multiply")
    parts = all_made([*terms(total)], "GetItem")
    padded = parts[0].args[0] if parts else None
    pads, size, count = made(padded, "Pad"), len(parts), value.shape[-1]
    squares = made(pads.args[0], "Square") if pads else None
    if pads is None or squares is None or squares.args[0] is not value:
        return None
    last = len(value.shape) - 1
    cuts = [(part.args[0] is padded, part.options.get("cut")) for part in parts]
    if size > 1 and cuts != [(True, (last, i, i + count)) for i in range(size)]:
        return None
    widths = [[0, 0]] * len(value.shape) + [[size // 2, (size - 1) // 2]]
    if pads.options["widths"] != widths or pads.options["fill"] != 0:
        return None
    values = {"size": size, "alpha": short((share or 0) * size), "beta": beta, "k": k}
    return call.add("lrn", values, of=(value,))


def with_number(value: Any, name: str) -> tuple[Any, float | None]:
    """The tensor and the number that an operation of a name has put together."""
    found = made(value, name)
    if found is None or len(found.args) != 2:
        return None, None
    tensor, number = found.args if isinstance(found.args[0], Value) else found.args[::-1]
    return (tensor, number) if is_number(number) else (None, None)


def short(number: float) -> float:
    """A number without what rounding left of it."""
    return float(f"{number:.12g}")


def averaged(call: Call, sums: Value, shares: Value) -> Value | None:
    """An average that leaves the padding out: of padded pixels, over that of padded ones."""
    pools = all_made((sums, shares), "AveragePool")
    pads = all_made([each.args[0] for each in pools], "Pad")
    ones = made(pads[1].args[0], "OnesLike") if pads else None
    if ones is None or pools[0].options != pools[1].options or pools[0].options["same"]:
        return None
    if pads[0].options["widths"] != pads[1].options["widths"]:
        return None
    values = {**pools[0].options, "pad": pads[0].options["pads"]}
    return call.add("avgpool", values, of=(pads[0].args[0],))


def negative(call: Call) -> Value:
    """Before a maximum of windows and after it, it makes that a minimum."""
    value = call.input
    op, inner = value.builder.graph.ops[value.op], None
    if op.word == "pool" and isinstance(value.way, Axes):
        inner = value.way.base
    elif op.word == "pool" and value.made is not None:
        inner = value.made.args[0]
    if (first := made(inner, "Negative")) is not None:
        return call.add("minpool", op.values, of=(first.args[0],))
    result = call.add("rescale", {"scale": -1})
    result.made = Made(call, (value,))
    return result


# Pads, slices, reductions


def pad(call: Call) -> Value:
    """Zeros around a map, or its own pixels; what is lower than all waits for a maximum."""
    value, widths = (*call.args, None)[0], call.get("pad_width")
    pairs = []
    for each in widths if isinstance(widths, (list, tuple)) else []:
        many = each if isinstance(each, (list, tuple)) else []
        ends = [end for end in map(whole, many) if end is not None and end >= 0]
        if len(ends) != 2 or len(many) != 2:
            raise call.damaged("pad_width")
        pairs.append(ends)
    if len(pairs) < 2 or not isinstance(value, Value):
        raise call.damaged("pad_width")
    mode = call.text("mode", "constant", "reflect", "edge")
    fill = call.get("constant_values", 0)
    pads = tuple(Pair(*each) for each in pairs[1:-1])
    shape = tuple(s + sum(p) for s, p in zip(value.shape, pairs[1:]))
    result = None
    plain = pairs[0] == pairs[-1] == [0, 0] and not value.is_open
    if plain and mode != "constant":
        word = "reflectpad" if mode == "reflect" else "replicatepad"
        result = call.add(word, {"pad": pads}, of=(value,))
    elif plain and fill == 0:
        result = call.add("zeropad", {"pad": pads}, of=(value,))
    result = result or waiting(call, shape)
    options = {"widths": pairs, "pads": pads, "fill": fill}
    result.made = Made(call, (value,), options)
    return result


def item(call: Call) -> Any:
    """A part of a tensor: channels, a stretch of pixels, every so manieth, more dimensions."""
    if len(call.args) != 2 or not isinstance(call.args[0], Value):
        raise call.unknown()
    value, key = call.args
    keys = list(key) if isinstance(key, (list, tuple)) else [key]
    shape = value.shape
    given = sum(each is not None and each is not Ellipsis for each in keys)
    if Ellipsis in keys:
        at = keys.index(Ellipsis)
        keys[at : at + 1] = [slice(None)] * (len(shape) + 1 - given)
    keys += [slice(None)] * (len(shape) + 1 - sum(each is not None for each in keys))
    if not keys or keys[0] != slice(None) or Ellipsis in keys:
        return waiting(call, shape)
    axis, ranges, target = 0, [], list[int]()
    for each in keys[1:]:
        if each is None:
            target.append(1)
            continue
        if axis >= len(shape):
            raise call.damaged("key")
        if isinstance(each, slice):
            ranges.append(range(shape[axis])[each])
            target.append(len(ranges[-1]))
        elif (place := whole(each)) is not None and -shape[axis] <= place < shape[axis]:
            ranges.append(range(place % shape[axis], place % shape[axis] + 1))
        else:
            raise call.damaged("key")
        axis += 1
    if any(len(each) == 0 or each.step < 1 for each in ranges):
        raise call.damaged("key")
    return part(call, value, ranges, tuple(target))


def part(call: Call, value: Value, ranges: Sequence[range], target: Shape) -> Value:
    """A stretch of each axis, in a shape with ones more or less."""
    sizes = [*zip(ranges, value.shape)]
    cuts = [(n, each[0], each[-1] + 1) for n, (each, s) in enumerate(sizes) if len(each) != s]
    if value.is_open:
        found = waiting(call, target)
        found.made = Made(call, (value,), {"cut": cuts[0]} if len(cuts) == 1 else {})
        return found
    source, channels = value, ranges[-1]
    if len(channels) != value.shape[-1]:
        if channels.step != 1:
            raise call.unknown()
        values = {"range": Pair(channels[0], channels[-1] + 1)}
        value = call.add("slice", values, of=(value,))
    space = ranges[:-1]
    ends = tuple(Pair(r[0], s - 1 - r[-1] if r.step == 1 else 0) for r, s in sizes[:-1])
    if any(map(any, ends)):
        value = call.add("crop", {"crop": ends}, of=(value,))
    if any(each.step > 1 and len(each) > 1 for each in space):
        value = stepped(call, value, tuple(each.step if len(each) > 1 else 1 for each in space))
    if target != value.shape:
        value = reshaped(call, value, target)
    if len(cuts) == 1 and value is not source and value.way is None:
        value.made = Made(call, (source,), {"cut": cuts[0]})
    return value


def stepped(call: Call, value: Value, steps: tuple[int, ...]) -> Value:
    """Every so manieth pixel: as the stride of the convolution before, or of a pool of one."""
    graph = value.builder.graph
    op = graph.ops[value.op]
    slides = op.word in ("conv", "dwconv", "sepconv") and not op.values.get("same")
    found = None
    if slides and {*as_tuple(op.values.get("stride", 1))} == {1}:
        found = call.builder.again(value, {"stride": steps})
    if found is not None:
        return found
    return call.add("pool", {"kernel": (1,) * len(steps), "stride": steps}, of=(value,))


def as_tuple(value: Any) -> tuple[Any, ...]:
    """A tuple of one value, or the tuple that it is."""
    return value if isinstance(value, tuple) else (value,)


def reduction(word: str, over_channels: str) -> Handler:
    """The mean or the maximum of all positions, or of all channels."""

    def handler(call: Call) -> Value:
        value = call.args[0] if call.args else None
        many = made(value, "Stack") if call.get("axis") == 0 and word == "gmp" else None
        if many is not None and (found := maximum_of_stack(call, many)) is not None:
            return found
        value = call.input
        axis, keep = call.get("axis"), call.flag("keepdims")
        if call.get("initial") is not None:
            raise call.unsayable("initial")
        axes = axis if isinstance(axis, (list, tuple)) else [axis]
        count = len(value.shape) + 1
        places = [each for each in map(whole, axes) if each is not None and -count <= each < count]
        if len(places) != len(axes):
            raise call.unsayable("axis")
        over = tuple(sorted(each % count - 1 for each in places))
        if over == tuple(range(count - 2)) and over:
            result = call.add(word, {"keep": keep})
        elif over == (count - 2,):
            result = call.add(over_channels)
            if not keep:
                result = reshaped(call, result, value.shape[:-1]) if count > 2 else result
        else:
            sizes = [1 if axis in over else size for axis, size in enumerate(value.shape)]
            result = waiting(call, tuple(sizes))
        if keep and result.way is None:
            result.made = Made(call, (value,), {"over": over})
        return result

    return handler


def window_pool(word: str) -> Handler:
    def handler(call: Call) -> Value:
        value = call.args[0] if call.args else None
        if not isinstance(value, Value):
            raise call.unknown()
        call.rank = len(value.shape) - 1
        call.ordinary(data_format=("channels_last",))
        same = call.text("padding", "valid", "same") == "same"
        kernel = call.sizes("pool_size", 2)
        values = {"kernel": kernel, "stride": call.sizes("strides", [*kernel]), "same": same}
        result = waiting(call, ()) if value.is_open else call.add(word, values)
        result.made = Made(call, (value,), values)
        return result

    return handler


def split_channels(call: Call) -> Any:
    """Channels in parts."""
    shape, value = call.shape, call.input
    parts = call.get("indices_or_sections")
    if call.axis("axis", 0, len(shape)) != len(shape) - 1:
        raise call.unsayable("axis")
    count = whole(parts)
    if count is not None and count > 0 and shape[-1] % count == 0:
        ends = [*range(0, shape[-1] + 1, shape[-1] // count)]
    elif isinstance(parts, (list, tuple)):
        ends = [0, *(each for each in map(whole, parts) if each is not None), shape[-1]]
    else:
        raise call.damaged("indices_or_sections")
    if any(one >= other for one, other in pairwise(ends)):
        raise call.damaged("indices_or_sections")
    pairs = pairwise(ends)
    return [call.add("slice", {"range": Pair(*pair)}, of=(value,)) for pair in pairs]


def transpose(call: Call) -> Value:
    value = call.input
    axes = call.get("axes", [*range(len(value.shape), -1, -1)])
    order = [*map(whole, axes)] if isinstance(axes, (list, tuple)) else []
    return in_order(call, value, order)


def in_order(call: Call, value: Value, order: Sequence[Any]) -> Value:
    """A value with its dimensions in another order, the batch being the first of them."""
    count = len(value.shape) + 1
    places = [each % count for each in order if each is not None]
    if not places or places[0] != 0:
        raise call.unsayable("axes")
    return reordered(call, value, [each - 1 for each in places[1:]])


def swapaxes(call: Call) -> Value:
    value = call.input
    order = [*range(len(value.shape) + 1)]
    one, other = (place(call, name, len(order)) for name in ("axis1", "axis2"))
    order[one], order[other] = order[other], order[one]
    return in_order(call, value, order)


def moveaxis(call: Call) -> Value:
    value = call.input
    order = [*range(len(value.shape) + 1)]
    source, goal = (place(call, name, len(order)) for name in ("source", "destination"))
    order.insert(goal, order.pop(source))
    return in_order(call, value, order)


def place(call: Call, name: str, count: int) -> int:
    """The place of an axis, the batch among them."""
    value = call.get(name)
    value = value[0] if isinstance(value, (list, tuple)) and len(value) == 1 else value
    axis = whole(value)
    if axis is None or not -count <= axis < count:
        raise call.damaged(name)
    return axis % count


def reshape(call: Call) -> Value:
    target = call.get("newshape", call.get("target_shape"))
    sizes = [*target] if isinstance(target, (list, tuple)) else []
    if not sizes or sizes[0] not in (-1, None):
        raise call.unsayable("newshape")
    return reshaped(call, call.input, sizes[1:])


def expand(call: Call) -> Value:
    value = call.input
    axis = place(call, "axis", len(value.shape) + 2)
    if axis == 0:
        raise call.unsayable("axis")
    return reshaped(call, value, (*value.shape[: axis - 1], 1, *value.shape[axis - 1 :]))


def squeeze(call: Call) -> Value:
    value = call.input
    axes = call.get("axis")
    count = len(value.shape) + 1
    many = axes if isinstance(axes, (list, tuple)) else [axes]
    places = {each % count for each in map(whole, many) if each is not None}
    if axes is None:
        places = {n for n, size in enumerate(value.shape, 1) if size == 1}
    if not places or 0 in places or any(value.shape[n - 1] != 1 for n in places):
        raise call.unsayable("axis")
    return reshaped(call, value, [s for n, s in enumerate(value.shape, 1) if n not in places])


def resize(call: Call) -> Value:
    """By PyTorch's rule; nearest pixels are others here than in Keras, a cubic differs."""
    call.text("interpolation", "bilinear")
    call.ordinary(
        data_format=("channels_last",),
        antialias=(False,),
        crop_to_aspect_ratio=(False,),
        pad_to_aspect_ratio=(False,),
    )
    call.rank = 2
    return call.add("up", {"to": call.sizes("size"), "bilinear": True})


def clip(call: Call) -> Value:
    low, high = call.number("x_min"), call.number("x_max")
    if (low, high) == (0, 6):
        return call.add("relu6")
    return call.add("clamp", {"low": low, "high": high})


def shuffled(word: str) -> Handler:
    def handler(call: Call) -> Value:
        call.ordinary(data_format=("channels_last",))
        return call.add(word, {"factor": call.whole("block_size"), "dcr": True})

    return handler


def concatenate(call: Call) -> Value:
    values = call.args[0] if call.args else None
    if not isinstance(values, (list, tuple)) or not all(isinstance(v, Value) for v in values):
        raise call.unknown()
    return merged(call, "concat", values)


def stack(call: Call) -> Value:
    values = call.args[0] if call.args and isinstance(call.args[0], (list, tuple)) else []
    return waiting(call, (), *values)


def later(call: Call) -> Value:
    """An operation that is none by itself, but may be part of a row that is one."""
    first = next((each for each in call.args if isinstance(each, Value)), None)
    return waiting(call, first.shape if first else (), *call.args)


def gelu(call: Call) -> Steps:
    return [("gelu", {"approx": call.flag("approximate", True)})]


def leaky_relu(call: Call) -> Steps:
    slope = call.number("negative_slope", call.number("alpha", 0.2))
    return [("leaky_relu", {"slope": slope})]


PLAIN = "relu6 selu sigmoid tanh softplus silu hard_sigmoid hard_silu hard_tanh mish".split()

OPERATIONS: dict[str, Handler] = {
    **{
        "".join(part.capitalize() for part in name.split("_")): in_a_row(
            lambda call, step=FUNCTIONS[name]: [step]  # type: ignore[misc]
        )
        for name in PLAIN
    },
    **dict.fromkeys(("Relu", "ReLU"), in_a_row(relu)),
    "Gelu": in_a_row(gelu),
    "LeakyRelu": in_a_row(leaky_relu),
    "Elu": in_a_row(elu),
    "Softmax": in_a_row(softmax),
    "Clip": clip,
    **dict.fromkeys("Add Subtract Multiply TrueDivide Divide Maximum".split(), arithmetic),
    "Negative": negative,
    **dict.fromkeys("Square Power OnesLike".split(), later),
    "Stack": stack,
    "Concatenate": concatenate,
    "Pad": pad,
    "GetItem": item,
    "Take": take,
    "Split": split_channels,
    "Mean": reduction("gap", "channelmean"),
    "Max": reduction("gmp", "channelmax"),
    "MaxPool": window_pool("pool"),
    "AveragePool": window_pool("avgpool"),
    "Transpose": transpose,
    "Swapaxes": swapaxes,
    "Moveaxis": moveaxis,
    "Reshape": reshape,
    "ExpandDims": expand,
    "Squeeze": squeeze,
    "Resize": resize,
    "DepthToSpace": shuffled("pixelshuffle"),
    "SpaceToDepth": shuffled("pixelunshuffle"),
    "Identity": lambda call: call.input,
}
"""Keras's operations by their classes."""
