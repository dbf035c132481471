"""The functions of PyTorch in the words of the language, called one by one.

A reader calls what the source calls, with tensors in the place of its own, and gets tensors
back: `TorchGraph.call`. The arguments here have PyTorch's names and order. Nothing needs
PyTorch itself.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from decimal import Decimal
from itertools import accumulate, pairwise
from math import floor, inf, prod
from struct import pack, unpack
from typing import Any

from cnndsl.diagnostics.message import Message
from cnndsl.importers.channels_first import Tensor, unstretched
from cnndsl.importers.graph import Taken
from cnndsl.importers.torch_graph import (
    ACROSS_BATCH,
    Constant,
    Lost,
    Param,
    Refused,
    TorchGraph,
    axis_in,
    many,
    pads_of,
    per_axis,
    said,
    says,
)
from cnndsl.layers.base import axes_of, show
from cnndsl.layers.values import Pair, Word

__all__ = ["Constant", "Lost", "Param", "Tensor", "TorchGraph"]

MOST_PARTS = 10_000
Pairs = list[tuple[int, int]]
"""What is put before and behind each spatial dimension."""


def rank_of(tensor: Tensor) -> int:
    """How many spatial dimensions a map has."""
    if len(tensor.axes) < 2:
        raise ValueError
    return len(tensor.axes) - 1


def following(tensor: Tensor, axis: int) -> Taken | None:
    """How a vector that follows an axis of a tensor is taken; None for as it is."""
    sizes, places = tensor.order_within(axis)
    return Taken("", places, sizes) if sizes else None


# Convolutions and dense layers


@says("conv*d")
def conv(
    g: TorchGraph,
    input: Tensor,
    weight: Any,
    bias: Any = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Tensor:
    rank = rank_of(input)
    tensor = g.mapped(input)
    filters, inputs, *kernel = weight.shape
    if inputs * groups != input.shape[1] or len(kernel) != rank:
        raise ValueError
    spread = per_axis(dilation, rank)
    if isinstance(padding, str):
        over = [d * (k - 1) if padding == "same" else 0 for d, k in zip(spread, kernel)]
        pads = [(total // 2, total - total // 2) for total in over]
    else:
        pads = [(size, size) for size in per_axis(padding, rank)]
    values: dict[str, Any] = {"kernel": tuple(kernel), "nobias": bias is None}
    values |= said(stride=per_axis(stride, rank), dilation=spread, pad=pads_of(pads))
    space = tuple(range(2, rank + 2))
    if groups == tensor.ours[-1] > 1:
        word, role = "dwconv", "depthwise"
        values |= said(mult=filters // groups)
        how = Taken("", (*space, 0, 1), (groups, filters // groups, *kernel))
    else:
        word, role = "conv", "kernel"
        values |= {"filters": filters} | said(groups=groups)
        how = Taken("", (*space, 1, 0))
    return g.fresh(g.weighted(word, values, tensor.op, {role: (weight, how), "bias": (bias, None)}))


@says("conv_transpose*d")
def conv_transpose(
    g: TorchGraph,
    input: Tensor,
    weight: Any,
    bias: Any = None,
    stride: Any = 1,
    padding: Any = 0,
    output_padding: Any = 0,
    groups: int = 1,
    dilation: Any = 1,
) -> Tensor:
    rank = rank_of(input)
    tensor = g.mapped(input)
    inputs, outputs, *kernel = weight.shape
    if inputs != input.shape[1] or len(kernel) != rank:
        raise ValueError
    steps, spread = per_axis(stride, rank), per_axis(dilation, rank)
    sizes = zip(per_axis(padding, rank), per_axis(output_padding, rank))
    pads = [(pad, pad - back) for pad, back in sizes]
    laps = [d * (k - 1) + 1 - s for d, k, s in zip(spread, kernel, steps)]
    values: dict[str, Any] = {"filters": outputs * groups, "kernel": tuple(kernel)}
    values |= said(stride=steps, dilation=spread, groups=groups)
    if all(end >= 0 for _, end in pads):
        values["pad"] = pads_of(pads)
    elif pads == [(max(0, lap) // 2, lap - max(0, lap) // 2) for lap in laps]:
        values["same"] = True
    else:
        raise Refused(f"output_padding={output_padding}")
    values["nobias"] = bias is None
    axes = (*range(3, rank + 3), 1, 0, 2)
    how = Taken("", axes, (groups, inputs // groups, outputs, *kernel))
    weights = {"kernel": (weight, how), "bias": (bias, None)}
    return g.fresh(g.weighted("deconv", values, tensor.op, weights))


@says("linear")
def linear(g: TorchGraph, input: Tensor, weight: Any, bias: Any = None) -> Tensor:
    """A dense layer; of the last axis of a map it is a convolution of one pixel."""
    last = len(input.axes) - 1
    tensor = g.lasting(input, last)
    if len(tensor.ours) > 1 and not last:
        tensor = g.mapped(input)
    units, inputs = weight.shape
    if inputs != tensor.ours[-1]:
        raise ValueError
    how = Taken("", (1, 0))
    if rows := following(tensor, last):
        how = Taken("", (*(place + 1 for place in rows.axes), 0), (units, *rows.split))
    word, values = "dense", {"units": units}
    if rank := len(tensor.ours) - 1:
        word, values = "conv", {"filters": units, "kernel": (1,) * rank}
    values["nobias"] = bias is None
    op = g.weighted(word, values, tensor.op, {"kernel": (weight, how), "bias": (bias, None)})
    return tensor.with_channels(op, g.graph.shape(op), last)


# Pools


def pool(
    g: TorchGraph, word: str, input: Tensor, kernel: Any, stride: Any, pads: Pairs, **more: Any
) -> Tensor:
    rank, op = rank_of(input), input.op
    if op in g.fills:
        # What a max pool never takes was put around it.
        padded = g.graph.ops[op]
        if g.fills[op] != {"pool": -inf, "minpool": inf}.get(word):
            raise Refused(f"value={g.fills[op]}")
        op = padded.inputs[0]
        pads = [(b + one.begin, e + one.end) for (b, e), one in zip(pads, padded.values["pad"])]
    else:
        op = g.mapped(input).op
    kernel = per_axis(kernel, rank)
    step = kernel if stride is None or stride == [] else per_axis(stride, rank)
    values = {"kernel": kernel, "stride": step if step != kernel else None, "pad": pads_of(pads)}
    return g.fresh(g.emit(word, values | more, op))


@says("max_pool*d", "min_pool*d")
def max_pool(
    g: TorchGraph,
    input: Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """`min_pool` is a module of the code that `build` writes."""
    rank = rank_of(input)
    word = "pool" if g.function.startswith("max") else "minpool"
    pads = [(size, size) for size in per_axis(padding, rank)]
    more = {"ceil": ceil_mode, **said(dilation=per_axis(dilation, rank))}
    found = pool(g, word, input, kernel_size, stride, pads, **more)
    lost = Lost(found.shape, f"{g.function}(return_indices=True)")
    return (found, lost) if return_indices else found


@says("avg_pool*d")
def avg_pool(
    g: TorchGraph,
    input: Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: Any = None,
) -> Tensor:
    if divisor_override is not None:
        raise Refused(f"divisor_override={divisor_override}")
    pads = [(size, size) for size in per_axis(padding, rank_of(input))]
    counts = count_include_pad and any(map(any, pads))
    more = {"ceil": ceil_mode, "countpad": counts or None}
    return pool(g, "avgpool", input, kernel_size, stride, pads, **more)


@says("padded_avg_pool")
def padded_avg_pool(
    g: TorchGraph, input: Tensor, kernel_size: Any, stride: Any, padding: Sequence[int]
) -> Tensor:
    """As a module of the code that `build` writes has it: padding as `pad` has it."""
    pads = list(zip(padding[::2], padding[1::2]))[::-1]
    return pool(g, "avgpool", input, kernel_size, stride, pads)


@says(*(f"adaptive_{kind}_pool*d" for kind in ("avg", "max", "min")))
def adaptive_pool(
    g: TorchGraph, input: Tensor, output_size: Any, return_indices: bool = False
) -> Any:
    sizes = output_size if many(output_size) else (output_size,) * rank_of(input)
    to = tuple(own if size is None else int(size) for size, own in zip(sizes, input.shape[2:]))
    kind = g.function.split("_")[1] if g.function.startswith("adaptive") else "avg"
    found = input
    if to != input.shape[2:]:
        whole = {"avg": "gap", "max": "gmp"}.get(kind)
        if whole and {*to} == {1}:
            found = g.image(whole, input, keep=True)
        else:
            word = {"avg": "avgpool", "max": "pool", "min": "minpool"}[kind]
            found = g.image(word, input, to=to)
    return (found, Lost(found.shape, g.function)) if return_indices else found


_MEANS = ("gap", "channelmean", "avgpool")
_LARGEST = ("gmp", "channelmax", "pool")


def reduced(
    g: TorchGraph, input: Tensor, dim: Any, keepdim: bool, words: tuple[str, str, str]
) -> Tensor:
    """A pool over all pixels, over the channels, or over some dimensions, by three words."""
    whole, across, part = words
    count = len(input.axes)
    if dim is None or dim == ():
        raise Refused(ACROSS_BATCH)
    dims = {axis_in(input, each) for each in (dim if many(dim) else (dim,))}
    rest = [axis for axis in range(count) if axis not in dims]
    if len(dims) == 1 and (count == 1 or {*input.axes[min(dims)]} == {*input.channels()}):
        (axis,) = dims
        tensor = g.lasting(input, axis)
        op = g.emit(across, {}, tensor.op)
        found = tensor.with_channels(op, g.graph.shape(op), axis)
    elif len(rest) == 1:
        tensor = g.lasting(input, rest[0])
        op = g.emit(whole, {"keep": keepdim}, tensor.op)
        atoms = sorted(tensor.axes[rest[0]])
        sizes = tuple(tensor.sizes[atom] for atom in atoms)
        group = tuple(atoms.index(atom) for atom in tensor.axes[rest[0]])
        axes = tuple(group if axis in rest else () for axis in range(count))
        found = Tensor(op, g.graph.shape(op), sizes, axes)
    elif not rest:
        kept = reduced(g, input, [axis + 1 for axis in range(1, count)], True, words)
        found = reduced(g, kept, 1, True, words)
    else:
        tensor, order = g.ordered(input)
        if order[-1] in dims:
            raise Refused(f"dim={dim}")  # of pixels and channels at once
        kernel = tuple(tensor.shape[axis + 1] if axis in dims else 1 for axis in order[:-1])
        values = {"kernel": kernel, "stride": (1,) * len(kernel)}
        found = g.placed(g.emit(part, values, tensor.op), order)
    if keepdim:
        return found
    axes = tuple(axis for place, axis in enumerate(found.axes) if place not in dims)
    return g.seen(found._replace(axes=axes))


@says("mean")
def mean(
    g: TorchGraph, input: Tensor, dim: Any = None, keepdim: bool = False, dtype: Any = None
) -> Tensor:
    return reduced(g, input, dim, keepdim, _MEANS)


@says("amax")
def amax(g: TorchGraph, input: Tensor, dim: Any = (), keepdim: bool = False) -> Tensor:
    return reduced(g, input, dim, keepdim, _LARGEST)


@says("max")
def largest(g: TorchGraph, input: Tensor, dim: Any = None, keepdim: bool = False) -> Any:
    if isinstance(dim, (Tensor, Param, Constant)):
        return merged(g, "maximum", [input, dim])
    found = reduced(g, input, dim, keepdim, _LARGEST)
    return found, Lost(found.shape, "argmax")


# Normalisations


def normalised(
    g: TorchGraph,
    word: str,
    tensor: Tensor,
    axis: int,
    gamma: Any,
    beta: Any,
    values: dict[str, Any],
    **statistics: Any,
) -> Tensor:
    """A normalisation whose weights follow an axis, which is the channels."""
    how = following(tensor, axis)
    roles = {"gamma": gamma, "beta": beta, **statistics}
    weights = {role: (param, how) for role, param in roles.items()}
    values |= {"noscale": gamma is None, "noshift": beta is None}
    return tensor._replace(op=g.weighted(word, values, tensor.op, weights))


@says("batch_norm")
def batch_norm(
    g: TorchGraph,
    input: Tensor,
    running_mean: Any,
    running_var: Any,
    weight: Any = None,
    bias: Any = None,
    training: bool = False,
    momentum: Any = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    if running_mean is None or running_var is None:
        raise Refused("track_running_stats=False")
    if not momentum:
        raise Refused(f"momentum={momentum}")
    # The share that is kept, in decimals, of the share that is not.
    values = {"eps": eps, "momentum": float(1 - Decimal(repr(float(momentum))))}
    statistics = {"mean": running_mean, "variance": running_var}
    return normalised(g, "bn", g.lasting(input, 0), 0, weight, bias, values, **statistics)


@says("layer_norm")
def layer_norm(
    g: TorchGraph,
    input: Tensor,
    normalized_shape: Any,
    weight: Any = None,
    bias: Any = None,
    eps: float = 1e-5,
) -> Tensor:
    shape = normalized_shape if many(normalized_shape) else (normalized_shape,)
    last = len(input.axes) - 1
    if len(shape) == 1:
        return normalised(g, "ln", g.lasting(input, last), last, weight, bias, {"eps": eps})
    if len(shape) == len(input.axes) and weight is None and bias is None:
        return group_norm(g, input, 1, eps=eps)
    raise Refused(f"normalized_shape={tuple(shape)}")


@says("group_norm")
def group_norm(
    g: TorchGraph,
    input: Tensor,
    num_groups: int,
    weight: Any = None,
    bias: Any = None,
    eps: float = 1e-5,
) -> Tensor:
    values = {"groups": num_groups, "eps": eps}
    return normalised(g, "gn", g.mapped(input), 0, weight, bias, values)


@says("instance_norm")
def instance_norm(
    g: TorchGraph,
    input: Tensor,
    running_mean: Any = None,
    running_var: Any = None,
    weight: Any = None,
    bias: Any = None,
    use_input_stats: bool = True,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    if running_mean is not None or not use_input_stats:
        raise Refused("track_running_stats=True")
    return normalised(g, "inorm", g.mapped(input), 0, weight, bias, {"eps": eps})


@says("local_response_norm")
def local_response_norm(
    g: TorchGraph, input: Tensor, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0
) -> Tensor:
    return g.layer("lrn", g.mapped(input), size=size, alpha=alpha, beta=beta, k=k)


# Activations

_ACTIVATIONS = {
    **{name: name for name in "relu relu6 selu silu mish sigmoid tanh".split()},
    "hardswish": "hard_swish",
    "hardsigmoid": "hard_sigmoid",
}


@says(*_ACTIVATIONS)
def activation(g: TorchGraph, input: Tensor, inplace: bool = False) -> Tensor:
    return g.layer(_ACTIVATIONS[g.function], input)


@says("leaky_relu")
def leaky_relu(
    g: TorchGraph, input: Tensor, negative_slope: float = 0.01, inplace: bool = False
) -> Tensor:
    return g.layer("leaky_relu", input, slope=negative_slope)


@says("elu")
def elu(g: TorchGraph, input: Tensor, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    return g.layer("elu", input, alpha=alpha)


@says("gelu")
def gelu(g: TorchGraph, input: Tensor, approximate: str = "none") -> Tensor:
    return g.layer("gelu", input, approx=approximate == "tanh")


@says("softplus")
def softplus(g: TorchGraph, input: Tensor, beta: float = 1, threshold: float = 20) -> Tensor:
    if beta != 1 or threshold < 20:
        raise Refused(f"beta={beta}, threshold={threshold}")
    return g.layer("softplus", input)


@says("prelu")
def prelu(g: TorchGraph, input: Tensor, weight: Any) -> Tensor:
    tensor = g.lasting(input, 0)
    if isinstance(weight, Param) and weight.size != tensor.ours[-1]:
        raise Refused("num_parameters=1")
    weights = {"alpha": (weight, following(tensor, 0))}
    return tensor._replace(op=g.weighted("prelu", {}, tensor.op, weights))


@says("hardtanh")
def hardtanh(
    g: TorchGraph,
    input: Tensor,
    min_val: float = -1.0,
    max_val: float = 1.0,
    inplace: bool = False,
) -> Tensor:
    return clamp(g, input, min_val, max_val)


@says("clamp", "clip", "clamp_min")
def clamp(g: TorchGraph, input: Tensor, min: Any = None, max: Any = None) -> Tensor:
    low, high = (-inf if min is None else min), (inf if max is None else max)
    if (low, high) == (0, 6):
        return g.layer("relu6", input)
    if (low, high) == (0, inf):
        return g.layer("relu", input)
    if isinstance(low, (int, float)) and isinstance(high, (int, float)) and -inf < low < high < inf:
        return g.layer("clamp", input, low=low, high=high)
    raise Refused(f"min={min}, max={max}")


@says("softmax")
def softmax(
    g: TorchGraph, input: Tensor, dim: Any = None, _stacklevel: int = 3, dtype: Any = None
) -> Tensor:
    if dim is None:
        dim = 0 if len(input.axes) in (0, 2) else 1
    axis = axis_in(input, dim)
    if set(input.channels()) == set(input.axes[axis]):
        return g.layer("softmax", input)
    tensor, order = g.ordered(input)
    return g.layer("softmax", tensor, **named(order, axis))


@says("log_softmax")
def log_softmax(
    g: TorchGraph, input: Tensor, dim: Any = None, _stacklevel: int = 3, dtype: Any = None
) -> Tensor:
    """Softmax, where nothing reads the logarithm."""
    result = softmax(g, input, dim)
    g.graph.ops[result.op].logarithm = g.unknown("log_softmax")
    return result


@says("glu")
def glu(g: TorchGraph, input: Tensor, dim: int = -1) -> Tensor:
    half, gate = chunk(g, input, 2, dim)
    return merged(g, "mul", [half, g.layer("sigmoid", gate)])


def named(order: Sequence[int], axis: int) -> dict[str, Any]:
    """The argument that names an axis, where it is not the channels of a map in an order."""
    names = axes_of(len(order) - 1)
    return {} if axis == order[-1] else {"axis": Word(names[order.index(axis)])}


# Merges and arithmetic


def merged(g: TorchGraph, word: str, tensors: Sequence[Any]) -> Tensor:
    """A merge value by value of two tensors, of one shape or so that one stretches."""
    one, other = tensors
    if not isinstance(one, Tensor) or not isinstance(other, Tensor):
        raise Refused("weights")
    if word == "mul":
        one, other = (unstretched(each, g.graph, g) for each in tensors)
    if one.shape != other.shape:
        return stretched(g, word, one, other)
    if one._replace(op=0) != other._replace(op=0):
        order = one.order() or other.order() or one.first()
        one, other = g.arrange(one, order), g.arrange(other, order)
    return one._replace(op=g.merge(word, [one.op, other.op]))


def stretched(g: TorchGraph, word: str, one: Tensor, other: Tensor) -> Tensor:
    """A merge of which one tensor has axes of 1 where the other is larger."""
    swapped = prod(one.shape) < prod(other.shape)
    large, small = (other, one) if swapped else (one, other)
    small = small._replace(axes=((),) * (len(large.axes) - len(small.axes)) + small.axes)
    varies = [axis for axis, size in enumerate(small.shape[1:]) if size > 1]
    refused = Refused(Message("`{word}` of shapes that stretch otherwise than here", word=word))
    if any(small.shape[axis + 1] != large.shape[axis + 1] for axis in varies):
        raise refused
    large, (*space, channel) = g.ordered(large)
    if varies == [channel] and word == "mul":
        pixel = ((1,) * len(space) + small.ours[-1:], small.ours[-1:])
        if small.order_within(channel)[0] or small.ours not in pixel:
            small = g.arrange(small._replace(axes=(small.axes[channel],)), (0,))
    elif varies == [channel]:
        small = g.arrange(small, (*space, channel))
        small = small._replace(op=g.emit("up", {"to": large.ours[:-1]}, small.op))
    elif word == "mul" and varies == sorted(space):
        small = g.arrange(small, (*space, channel))
    else:
        raise refused
    ops = [small.op, large.op] if swapped else [large.op, small.op]
    return large._replace(op=g.merge(word, ops))


def axis_of(tensor: Tensor, shape: Sequence[int]) -> int | None:
    """The axis that numbers of a shape follow, which stretch over the others; None for one."""
    sizes = (*(1 for _ in range(len(tensor.shape) - len(shape))), *shape)
    found = [axis for axis, size in enumerate(sizes) if size > 1]
    fits = len(sizes) <= len(tensor.shape) and len(found) < 2
    if not fits or any(not axis or sizes[axis] != tensor.shape[axis] for axis in found):
        raise Refused("weights")
    return found[0] - 1 if found else None


def rescaled(g: TorchGraph, tensor: Tensor, scale: Any = 1, offset: Any = 0) -> Tensor:
    """A factor and a summand, each a number or a Constant that follows an axis."""
    if (scale, offset) == (1, 0):
        return tensor
    for each in (scale, offset):
        if isinstance(each, Constant) and (axis := axis_of(tensor, each.shape)) is not None:
            order = tensor.order() or tensor.first()
            tensor = g.arrange(tensor, (*(other for other in order if other != axis), axis))
    scale, offset = plain(scale), plain(offset)
    before, op = g.graph.ops[tensor.op], tensor.op
    if before.word == "rescale":
        shift = paired(operator.mul, scale, before.values.get("offset", 0))
        offset = paired(operator.add, shift, offset)
        scale, op = paired(operator.mul, scale, before.values["scale"]), before.inputs[0]
    return tensor._replace(op=g.emit("rescale", {"scale": scale, "offset": offset or None}, op))


def plain(value: Any) -> Any:
    """A number, or those of a Constant that has more than one."""
    if not isinstance(value, Constant):
        return value
    return value.numbers if len(value.numbers) > 1 else value.numbers[0]


def paired(do: Callable[[Any, Any], Any], one: Any, other: Any) -> Any:
    """Numbers of each channel, or one for all, put together."""
    if not isinstance(one, tuple) and not isinstance(other, tuple):
        return do(one, other)
    count = len(one) if isinstance(one, tuple) else len(other)
    ones = one if isinstance(one, tuple) else (one,) * count
    others = other if isinstance(other, tuple) else (other,) * count
    return tuple(map(do, ones, others))


def mapped_numbers(value: Any, do: Callable[[float], float]) -> Any:
    """A number or a Constant with a function of its numbers."""
    if isinstance(value, Constant):
        return Constant(tuple(map(do, value.numbers)), value.shape)
    return do(value)


NUMBERS = (int, float, Constant)


def learned(g: TorchGraph, tensor: Tensor, role: str, param: Param) -> Tensor:
    """A learned factor or summand for each channel, of a norm before it that has neither."""
    axis = axis_of(tensor, param.shape)
    if axis is None:
        if tensor.ours[-1] > 1:
            raise Refused("one weight")
        axis = tensor.first()[-1]
    tensor = g.lasting(tensor, axis)
    how = following(tensor, axis)
    before = g.graph.ops[tensor.op]
    values = dict(before.values)
    if before.layer.family == "norm" and values.get("noscale") and values.get("noshift"):
        del values["noscale" if role == "gamma" else "noshift"]
        kept = {key: (g.params[taken.key], taken) for key, taken in before.weights.items()}
        op = g.weighted(before.word, values, before.inputs[0], {role: (param, how), **kept})
    elif role == "gamma":
        # What a module holds may be what training made of it.
        ask = (None, Message("what the factors of `scale` begin with is not said: 1 is taken"))
        if param.read is not None and ask not in g.graph.asks:
            g.graph.asks.append(ask)
        op = g.weighted("scale", {}, tensor.op, {"scale": (param, how)})
    else:
        raise Refused("weights")
    return tensor._replace(op=op)


@says("add")
def add(g: TorchGraph, input: Any, other: Any, *, alpha: float = 1) -> Tensor:
    if not isinstance(input, Tensor):
        input, other = other, input
    if isinstance(other, NUMBERS):
        return rescaled(g, input, 1, mapped_numbers(other, lambda x: x * alpha))
    if alpha != 1:
        raise Refused(f"alpha={alpha}")
    if isinstance(other, Param):
        return learned(g, input, "beta", other)
    return merged(g, "add", [input, other])


@says("sub")
def sub(g: TorchGraph, input: Any, other: Any, *, alpha: float = 1) -> Tensor:
    if isinstance(input, NUMBERS):
        return rescaled(g, other, -alpha, input)
    if isinstance(other, NUMBERS):
        return rescaled(g, input, 1, mapped_numbers(other, lambda x: -x * alpha))
    if alpha != 1:
        raise Refused(f"alpha={alpha}")
    return merged(g, "subtract", [input, other])


@says("rsub")
def rsub(g: TorchGraph, input: Any, other: Any, *, alpha: float = 1) -> Tensor:
    return sub(g, other, input, alpha=alpha)


@says("mul")
def mul(g: TorchGraph, input: Any, other: Any) -> Tensor:
    if not isinstance(input, Tensor):
        input, other = other, input
    if isinstance(other, NUMBERS):
        return rescaled(g, input, other)
    if isinstance(other, Param):
        return learned(g, input, "gamma", other)
    return merged(g, "mul", [input, other])


@says("div")
def div(g: TorchGraph, input: Any, other: Any, *, rounding_mode: Any = None) -> Tensor:
    if rounding_mode is not None or not isinstance(input, Tensor) or not isinstance(other, NUMBERS):
        raise Refused
    return rescaled(g, input, mapped_numbers(other, lambda x: 1 / x))


@says("neg")
def neg(g: TorchGraph, input: Tensor) -> Tensor:
    return rescaled(g, input, -1)


@says("maximum")
def maximum(g: TorchGraph, input: Any, other: Any) -> Tensor:
    return merged(g, "maximum", [input, other])


@says("cat")
def cat(g: TorchGraph, tensors: Sequence[Any], dim: int = 0) -> Tensor:
    if not all(isinstance(each, Tensor) for each in tensors):
        raise Refused("weights")
    first = tensors[0]
    axis = axis_in(first, dim)
    if len(tensors) == 1:
        return first  # type: ignore[no-any-return]
    order = next(filter(None, (each.order() for each in tensors)), first.first())
    ops = [g.arrange(each, order).op for each in tensors]
    op = rescaled_apart(g, ops) if axis == order[-1] else None
    if op is None:
        op = g.merge("concat", ops, **named(order, axis))
    return g.placed(op, order)


@says("stack")
def stack(g: TorchGraph, tensors: Sequence[Any], dim: int = 0) -> Tensor:
    return cat(g, [unsqueeze(g, tensor, dim) for tensor in tensors], dim)


def rescaled_apart(g: TorchGraph, ops: Sequence[int]) -> int | None:
    """All channels of a tensor that were rescaled one by one, rescaled at once."""
    rescales = [g.graph.ops[op] for op in ops]
    if any(each.word != "rescale" for each in rescales):
        return None
    slices = [g.graph.ops[each.inputs[0]] for each in rescales]
    if any(each.word != "slice" or each.inputs != slices[0].inputs for each in slices):
        return None
    source = slices[0].inputs[0]
    ranges = [each.values["range"] for each in slices]
    if ranges != [(i, i + 1) for i in range(g.graph.shape(source)[-1])]:
        return None
    scale = tuple(each.values["scale"] for each in rescales)
    offset = tuple(each.values.get("offset", 0) for each in rescales)
    return g.emit("rescale", {"scale": scale, "offset": offset}, source)


# Views


def whole_shape(shape: Sequence[Any], count: int) -> tuple[int, ...]:
    """A shape with what its -1 stands for."""
    if len(shape) == 1 and many(shape[0]):
        shape = shape[0]
    sizes = [int(size) for size in shape]
    known = prod(size for size in sizes if size != -1)
    if sizes.count(-1) == 1 and known and not count % known:
        sizes[sizes.index(-1)] = count // known
    if prod(sizes) != count or min(sizes) < 1:
        raise Refused(f"shape={tuple(shape)}")
    return tuple(sizes)


@says("view", "reshape")
def view(g: TorchGraph, input: Any, *args: Any, shape: Any = None, size: Any = None) -> Any:
    shape = whole_shape(args or (shape or size,), prod(input.shape))
    if isinstance(input, Param):
        return viewed_param(input, shape)
    if shape[0] != 1:
        raise Refused(ACROSS_BATCH)
    if len(shape) == 1:
        raise Refused(f"shape={shape}")
    found = input.view(shape[1:])
    if found is None:
        found = g.arrange(input.vector(), (0,)).view(shape[1:])
        assert found is not None  # one atom can be cut into any
    return g.seen(found)


def viewed_param(param: Param, shape: tuple[int, ...]) -> Param:
    """An array seen with other axes of 1."""
    if [size for size in shape if size > 1] != [size for size in param.shape if size > 1]:
        raise Refused("weights")
    return param._replace(shape=shape, stored=param.stored or param.shape)


@says("view_as", "reshape_as")
def view_as(g: TorchGraph, input: Any, other: Any) -> Any:
    return view(g, input, other.shape)


@says("flatten")
def flatten(g: TorchGraph, input: Any, start_dim: int = 0, end_dim: int = -1) -> Any:
    shape = input.shape
    start, end = start_dim % len(shape), end_dim % len(shape)
    if isinstance(input, Tensor) and start == end:
        return input
    return view(g, input, (*shape[:start], prod(shape[start : end + 1]), *shape[end + 1 :]))


@says("unflatten")
def unflatten(g: TorchGraph, input: Any, dim: int, sizes: Sequence[int]) -> Any:
    shape = input.shape
    dim %= len(shape)
    return view(g, input, (*shape[:dim], *whole_shape(sizes, shape[dim]), *shape[dim + 1 :]))


@says("squeeze")
def squeeze(g: TorchGraph, input: Any, dim: Any = None) -> Any:
    count = len(input.shape)
    dims = range(count) if dim is None else dim if many(dim) else (dim,)
    gone = {each % count for each in dims if input.shape[each] == 1}
    if isinstance(input, Param):
        return viewed_param(input, tuple(s for i, s in enumerate(input.shape) if i not in gone))
    if 0 in gone and dim is not None:
        raise Refused(ACROSS_BATCH)
    axes = tuple(axis for place, axis in enumerate(input.axes, 1) if place not in gone)
    return g.seen(input._replace(axes=axes))


@says("unsqueeze")
def unsqueeze(g: TorchGraph, input: Any, dim: int) -> Any:
    place = dim % (len(input.shape) + 1)
    if isinstance(input, Param):
        return viewed_param(input, (*input.shape[:place], 1, *input.shape[place:]))
    if not place:
        raise Refused(f"dim={dim}")
    return input._replace(axes=(*input.axes[: place - 1], (), *input.axes[place - 1 :]))


@says("permute")
def permute(g: TorchGraph, input: Tensor, *dims: Any) -> Tensor:
    order = dims[0] if len(dims) == 1 else dims
    count = len(input.shape)
    batch, *rest = [each % count for each in order]
    if batch or sorted(rest) != [*range(1, count)]:
        raise Refused(f"dims={tuple(order)}")
    return input.permuted([each - 1 for each in rest])


@says("transpose", "swapaxes")
def transpose(g: TorchGraph, input: Tensor, dim0: int, dim1: int) -> Tensor:
    order = [*range(len(input.shape))]
    order[dim0], order[dim1] = order[dim1], order[dim0]
    return permute(g, input, order)


@says("movedim", "moveaxis")
def movedim(g: TorchGraph, input: Tensor, source: int, destination: int) -> Tensor:
    count = len(input.shape)
    order = [*range(count)]
    order.insert(destination % count, order.pop(source % count))
    return permute(g, input, order)


@says("expand")
def expand(g: TorchGraph, input: Tensor, *sizes: Any) -> Tensor:
    shape = sizes[0] if len(sizes) == 1 else sizes
    shape = tuple(own if size == -1 else size for size, own in zip(shape, input.shape, strict=True))
    if shape == input.shape:
        return input
    if shape[:2] != input.shape[:2] or set(input.shape[2:]) != {1}:
        raise Refused(f"sizes={shape}")
    return g.image("up", input, to=shape[2:])


@says("expand_as")
def expand_as(g: TorchGraph, input: Tensor, other: Tensor) -> Tensor:
    return expand(g, input, other.shape)


@says(
    *("contiguous", "clone", "detach", "to", "float", "double", "type", "cpu", "cuda", "alias"),
    *("requires_grad", "type_as", "data", "identity", "positive", "lift_fresh"),
)
def same(g: TorchGraph, input: Any, *args: Any, **kwargs: Any) -> Any:
    return input


@says("size", "shape")
def size(g: TorchGraph, input: Any, dim: int | None = None) -> Any:
    return input.shape if dim is None else input.shape[dim]


@says("dim", "ndim", "ndimension")
def dim(g: TorchGraph, input: Any) -> int:
    return len(input.shape)


@says("numel")
def numel(g: TorchGraph, input: Any) -> int:
    return prod(input.shape)


@says("len")
def length(g: TorchGraph, input: Any) -> int:
    return int(input.shape[0])


# Parts


def cut(g: TorchGraph, tensor: Tensor, axis: int, begin: int, end: int) -> Tensor:
    """What lies from `begin` up to, not with, `end` on an axis."""
    size = tensor.shape[axis + 1]
    if (begin, end) == (0, size):
        return tensor
    if not 0 <= begin < end <= size:
        raise Refused(f"{begin}:{end}")
    atoms, channels = tensor.axes[axis], tensor.channels()
    if atoms and atoms == channels[: len(atoms)] and len(atoms) < len(channels):
        # The first of the axes that the channels were seen as.
        rest = tensor.size(channels[len(atoms) :])
        op = g.emit("slice", {"range": Pair(begin * rest, end * rest)}, tensor.op)
        before = len(tensor.sizes) - len(channels)
        own = (before,) if end - begin > 1 else ()
        gone = len(atoms) - len(own)
        sizes = tensor.sizes[:before] + (end - begin,) * len(own)
        sizes += tensor.sizes[before + len(atoms) :]
        axes = tuple(
            own if each == axis else tuple(atom if atom < before else atom - gone for atom in group)
            for each, group in enumerate(tensor.axes)
        )
        return Tensor(op, g.graph.shape(op), sizes, axes)
    tensor, order = g.ordered(tensor)
    if axis == order[-1]:
        return g.placed(g.emit("slice", {"range": Pair(begin, end)}, tensor.op), order)
    crop = pads_of([(begin, size - end) if each == axis else (0, 0) for each in order[:-1]])
    return g.placed(g.emit("crop", {"crop": crop}, tensor.op), order)


@says("getitem")
def getitem(g: TorchGraph, input: Any, index: Any) -> Any:
    places = [*index] if isinstance(index, tuple) else [index]
    if any(not isinstance(each, (int, slice, type(None), type(...))) for each in places):
        raise Refused
    count = sum(each is not None and each is not ... for each in places)
    if ... in places:
        place = places.index(...)
        places[place : place + 1] = [slice(None)] * (len(input.shape) - count)
    if isinstance(input, Param):
        # Axes of 1 are put in.
        if any(each is not None and each != slice(None) for each in places):
            raise Refused("weights")
        rest = iter(input.shape)
        shape = tuple(1 if each is None else next(rest) for each in places)
        return viewed_param(input, (*shape, *rest))
    found, gone = input, []
    spans: dict[int, tuple[int, int, int]] = {}
    for dim, place in enumerate(places):
        if place is None:
            found = unsqueeze(g, found, dim)
        elif isinstance(place, int):
            size = found.shape[dim]
            if not dim or not -size <= place < size:
                raise Refused(f"[{place}]")
            found = cut(g, found, dim - 1, place % size, place % size + 1)
            gone.append(dim)
        else:
            span = place.indices(found.shape[dim])
            if dim:
                spans[dim - 1] = span
            elif span != (0, 1, 1):
                raise Refused(f"[{span[0]}:{span[1]}]")
    for axis, (begin, end, _) in spans.items():
        found = cut(g, found, axis, begin, end)
    if any(step != 1 for _, _, step in spans.values()):
        # Every few pixels, by a pool of one pixel.
        found, order = g.ordered(found)
        stride = tuple(spans[axis][2] if axis in spans else 1 for axis in order[:-1])
        if spans.get(order[-1], (0, 0, 1))[2] != 1 or min(stride) < 1:
            raise Refused("a step in the channels")
        values = {"kernel": (1,) * len(stride), "stride": stride}
        found = g.placed(g.emit("pool", values, found.op), order)
    return squeeze(g, found, gone) if gone else found


def parts(g: TorchGraph, tensor: Tensor, sizes: Sequence[int], dim: int) -> tuple[Tensor, ...]:
    axis = axis_in(tensor, dim)
    return tuple(cut(g, tensor, axis, *span) for span in pairwise(accumulate(sizes, initial=0)))


@says("chunk")
def chunk(g: TorchGraph, input: Tensor, chunks: int, dim: int = 0) -> tuple[Tensor, ...]:
    size = input.shape[dim]
    return split(g, input, -(-size // chunks), dim)


@says("split", "split_with_sizes")
def split(
    g: TorchGraph, tensor: Tensor, split_size_or_sections: Any = None, dim: int = 0, **other: Any
) -> tuple[Tensor, ...]:
    sizes = split_size_or_sections if split_size_or_sections is not None else other["split_size"]
    if isinstance(sizes, int):
        size = tensor.shape[dim]
        if sizes < 1 or size // sizes > MOST_PARTS:
            raise Refused(f"split_size={sizes}")
        sizes = [min(sizes, size - start) for start in range(0, size, sizes)]
    return parts(g, tensor, sizes, dim)


@says("narrow")
def narrow(g: TorchGraph, input: Tensor, dim: int, start: int, length: int) -> Tensor:
    axis = axis_in(input, dim)
    start %= input.shape[axis + 1]
    return cut(g, input, axis, start, start + length)


@says("select")
def select(g: TorchGraph, input: Tensor, dim: int, index: int) -> Tensor:
    axis = axis_in(input, dim)
    index %= input.shape[axis + 1]
    return squeeze(g, cut(g, input, axis, index, index + 1), axis + 1)  # type: ignore[no-any-return]


@says("unbind")
def unbind(g: TorchGraph, input: Tensor, dim: int = 0) -> tuple[Tensor, ...]:
    size = input.shape[dim]
    if size > MOST_PARTS:
        raise Refused(f"dim={dim}")
    return tuple(select(g, input, dim, index) for index in range(size))


# Geometry

_PADS = {"constant": "zeropad", "reflect": "reflectpad", "replicate": "replicatepad"}


@says("pad")
def pad(
    g: TorchGraph, input: Tensor, pad: Sequence[int], mode: str = "constant", value: Any = None
) -> Tensor:
    rank = rank_of(input)
    pairs = list(zip(pad[::2], pad[1::2]))[::-1]
    over = len(pairs) - rank
    if len(pad) % 2 or (over > 0 and any(map(any, pairs[:over]))):
        raise Refused(f"pad={tuple(pad)}")
    pairs = [(0, 0)] * -over + pairs[max(over, 0) :]
    if mode not in _PADS:
        raise Refused(f"mode={mode}")
    if mode == "constant" and value and abs(value) != inf:
        raise Refused(f"mode={mode}, value={value}")
    op = g.mapped(input).op
    if crop := pads_of([(max(0, -begin), max(0, -end)) for begin, end in pairs]):
        op = g.emit("crop", {"crop": crop}, op)
    if around := pads_of([(max(0, begin), max(0, end)) for begin, end in pairs]):
        op = g.emit(_PADS[mode], {"pad": around}, op)
        if value:
            g.fills[op] = value
    return g.fresh(op)


@says("interpolate", "upsample", "up")
def interpolate(
    g: TorchGraph,
    input: Tensor,
    size: Any = None,
    scale_factor: Any = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
    recompute_scale_factor: bool | None = None,
    antialias: bool = False,
) -> Tensor:
    """`up` is a module of the code that `build` writes, which does it in whole numbers."""
    rank = rank_of(input)
    spatial = input.shape[2:]
    if antialias or mode not in ("nearest", "bilinear", "bicubic", "area"):
        raise Refused("antialias=True" if antialias else f"mode={mode}")
    values: dict[str, Any] = {}
    if scale_factor is not None:
        factors = tuple(map(float, scale_factor if many(scale_factor) else (scale_factor,) * rank))
        to = tuple(floor(own * factor) for own, factor in zip(spatial, factors))
        if len(factors) != rank or not (
            recompute_scale_factor or all(s * f == t for s, f, t in zip(spatial, factors, to))
        ):
            raise Refused(f"scale_factor={scale_factor}")
        if all(factor.is_integer() for factor in factors):
            values["factor"] = tuple(map(int, factors))
    else:
        to = per_axis(size, rank)
    if mode == "area":
        return adaptive_pool(g, input, to)  # type: ignore[no-any-return]
    if mode == "nearest" and not all(map(is_exact, spatial, to)) and g.function != "up":
        raise Refused(
            Message(
                "rounding in single precision decides which pixels of {one} become {other}",
                one=show(spatial),
                other=show(to),
            )
        )
    if to == spatial:
        return input
    values = values or {"to": to}
    if mode.startswith("bi"):
        values |= {mode: True, "aligned": bool(align_corners)}
    return g.image("up", input, **values)


def is_exact(size: int, output: int) -> bool:
    """Whether the nearest of `size` pixels, worked out in single precision as PyTorch does, is
    pixel i*X // n for each i."""

    def single(value: float) -> float:
        return float(unpack("f", pack("f", value))[0])

    scale = single(size / output)
    if output > MOST_PARTS:
        return scale == size / output
    return all(min(int(single(i * scale)), size - 1) == i * size // output for i in range(output))


@says("channel_shuffle", "native_channel_shuffle")
def channel_shuffle(g: TorchGraph, input: Tensor, groups: int) -> Tensor:
    return g.layer("shuffle", g.mapped(input), groups=groups)


@says("pixel_shuffle")
def pixel_shuffle(g: TorchGraph, input: Tensor, upscale_factor: int) -> Tensor:
    return g.image("pixelshuffle", input, factor=upscale_factor)


@says("pixel_unshuffle")
def pixel_unshuffle(g: TorchGraph, input: Tensor, downscale_factor: int) -> Tensor:
    return g.image("pixelunshuffle", input, factor=downscale_factor)


# What acts while training


@says("dropout")
def dropout(
    g: TorchGraph, input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False
) -> Tensor:
    return g.layer("dropout", input, rate=p) if p else input


@says("drop_path")
def drop_path(g: TorchGraph, input: Tensor, p: float, mode: str = "row") -> Tensor:
    """As StochasticDepth of torchvision and DropPath of timm have it."""
    if mode != "row":
        raise Refused(f"mode={mode}")
    return g.layer("droppath", input, rate=p) if p else input


@says("rescale")
def rescale(g: TorchGraph, input: Tensor, scale: Any, offset: Any = 0) -> Tensor:
    """As a module of the code that `build` writes has it: numbers, or one for each channel."""
    return g.layer("rescale", g.lasting(input, 0), scale=scale, offset=offset or None)
