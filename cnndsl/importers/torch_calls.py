"""The functions of PyTorch in the words of the language, called one by one.

A reader calls what the source calls, with tensors in the place of its own, and gets tensors
back: `TorchGraph.call`. The arguments here have PyTorch's names and order. Nothing needs
PyTorch itself.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from itertools import pairwise
from math import floor, inf, prod
from struct import pack, unpack
from typing import Any

from cnndsl.diagnostics.message import Message
from cnndsl.importers.channels_first import Tensor, fresh, laid
from cnndsl.importers.graph import Taken
from cnndsl.importers.torch_graph import (
    Constant,
    Lost,
    Param,
    Refused,
    TorchGraph,
    axis_in,
    pads_of,
    per_axis,
    said,
    says,
)
from cnndsl.layers.base import axes_of, show
from cnndsl.layers.values import Pair, Word

__all__ = ["Constant", "Lost", "Param", "Tensor", "TorchGraph"]


# Convolutions and dense layers


def rank_of(tensor: Tensor) -> int:
    """How many spatial dimensions a map has."""
    if len(tensor.axes) < 2:
        raise ValueError
    return len(tensor.axes) - 1


def in_axis(tensor: Tensor, axis: int, *before: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """How an array is seen, and its axes ordered, whose last axis follows one of a tensor."""
    sizes, places = tensor.order_within(axis)
    return ((*before, *sizes), places) if sizes else ((), ())


@says("conv*d")
def conv(
    self: TorchGraph,
    input: Tensor,
    weight: Any,
    bias: Any = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Tensor:
    rank = rank_of(input)
    tensor = self.mapped(input)
    if not isinstance(weight, Param):
        raise Refused("weight=…")
    filters, inputs, *kernel = weight.shape
    if inputs * groups != input.shape[1] or len(kernel) != rank:
        raise ValueError
    spread = per_axis(dilation, rank)
    if isinstance(padding, str):
        over = [d * (k - 1) if padding == "same" else 0 for d, k in zip(spread, kernel)]
        pads = [(total // 2, total - total // 2) for total in over]
    else:
        pads = [(size, size) for size in per_axis(padding, rank)]
    values = {"kernel": tuple(kernel)} | said(
        stride=per_axis(stride, rank), dilation=spread, pad=pads_of(pads)
    )
    space = tuple(range(2, rank + 2))
    channels = tensor.ours[-1]
    if groups == channels > 1:
        word = "dwconv"
        values |= said(mult=filters // groups)
        split = (channels, filters // groups, *kernel)
        weights = {"depthwise": (weight, Taken("", (*space, 0, 1), split))}
    else:
        word = "conv"
        values |= {"filters": filters} | said(groups=groups)
        weights = {"kernel": (weight, Taken("", (*space, 1, 0)))}
    values["nobias"] = bias is None
    op = self.weighted(word, values, tensor.op, {**weights, "bias": (bias, None)})
    return fresh(op, self.graph.shape(op))


@says("conv_transpose*d")
def conv_transpose(
    self: TorchGraph,
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
    tensor = self.mapped(input)
    if not isinstance(weight, Param):
        raise Refused("weight=…")
    inputs, outputs, *kernel = weight.shape
    if inputs != input.shape[1] or len(kernel) != rank:
        raise ValueError
    steps, spread = per_axis(stride, rank), per_axis(dilation, rank)
    sizes = zip(per_axis(padding, rank), per_axis(output_padding, rank))
    pads = [(pad, pad - back) for pad, back in sizes]
    same = [
        (max(0, lap) // 2, lap - max(0, lap) // 2)
        for lap in (d * (k - 1) + 1 - s for d, k, s in zip(spread, kernel, steps))
    ]
    values: dict[str, Any] = {"filters": outputs * groups, "kernel": tuple(kernel)}
    values |= said(stride=steps, dilation=spread, groups=groups)
    if all(end >= 0 for _, end in pads):
        values["pad"] = pads_of(pads)
    elif pads == same:
        values["same"] = True
    else:
        raise Refused(f"output_padding={output_padding}")
    values["nobias"] = bias is None
    space = tuple(range(3, rank + 3))
    split = (groups, inputs // groups, outputs, *kernel)
    weights = {"kernel": (weight, Taken("", (*space, 1, 0, 2), split)), "bias": (bias, None)}
    op = self.weighted("deconv", values, tensor.op, weights)
    return fresh(op, self.graph.shape(op))


@says("linear")
def linear(self: TorchGraph, input: Tensor, weight: Any, bias: Any = None) -> Tensor:
    """A dense layer; of the last axis of a map it is a convolution of one pixel."""
    last = len(input.axes) - 1
    tensor = self.lasting(input, last)
    if len(tensor.ours) > 1 and not last:
        tensor = self.mapped(input)
    if not isinstance(weight, Param):
        raise Refused("weight=…")
    units, inputs = weight.shape
    if inputs != tensor.ours[-1]:
        raise ValueError
    split, places = in_axis(tensor, last, units)
    axes = (*(place + 1 for place in places), 0) if split else (1, 0)
    values: dict[str, Any] = {"nobias": bias is None}
    if len(tensor.ours) == 1:
        word, values = "dense", {"units": units, **values}
    else:
        word = "conv"
        values = {"filters": units, "kernel": (1,) * (len(tensor.ours) - 1), **values}
    weights = {"kernel": (weight, Taken("", axes, split)), "bias": (bias, None)}
    op = self.weighted(word, values, tensor.op, weights)
    return tensor.with_channels(op, self.graph.shape(op), last)


# Pools


def pool(
    self: TorchGraph,
    word: str,
    input: Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
    **more: Any,
) -> Tensor:
    rank = rank_of(input)
    op, pads = input.op, [(size, size) for size in per_axis(padding, rank)]
    if op in self.fills:
        # What a max pool never takes was put around it.
        padded = self.graph.ops[op]
        if self.fills[op] != {"pool": -inf, "minpool": inf}.get(word):
            raise Refused(f"value={self.fills[op]}")
        op = padded.inputs[0]
        pads = [(b + one.begin, e + one.end) for (b, e), one in zip(pads, padded.values["pad"])]
    else:
        op = self.mapped(input).op
    kernel = per_axis(kernel_size, rank)
    step = kernel if stride is None or stride == [] else per_axis(stride, rank)
    values = {
        "kernel": kernel,
        "stride": step if step != kernel else None,
        "pad": pads_of(pads),
        "ceil": ceil_mode,
        **said(dilation=per_axis(dilation, rank)),
        **more,
    }
    op = self.emit(word, values, op)
    return fresh(op, self.graph.shape(op))


@says("max_pool*d")
def max_pool(
    self: TorchGraph,
    input: Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    found = pool(self, "pool", input, kernel_size, stride, padding, dilation, ceil_mode)
    return (
        (found, Lost(found.shape, "max_pool2d(return_indices=True)")) if return_indices else found
    )


@says("min_pool*d")
def min_pool(self: TorchGraph, input: Tensor, *args: Any, **kwargs: Any) -> Tensor:
    """As a module of the code that `build` writes has it."""
    return pool(self, "minpool", input, *args, **kwargs)


@says("avg_pool*d")
def avg_pool(
    self: TorchGraph,
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
    counts = count_include_pad and any(per_axis(padding, rank_of(input)))
    more = {"countpad": True} if counts else {}
    return pool(self, "avgpool", input, kernel_size, stride, padding, 1, ceil_mode, **more)


@says("padded_avg_pool")
def padded_avg_pool(
    self: TorchGraph, input: Tensor, kernel_size: Any, stride: Any, padding: Sequence[int]
) -> Tensor:
    """As a module of the code that `build` writes has it: padding as `pad` has it."""
    tensor = self.mapped(input)
    rank = rank_of(tensor)
    pairs = list(zip(padding[::2], padding[1::2]))[::-1]
    kernel, step = per_axis(kernel_size, rank), per_axis(stride, rank)
    values = {
        "kernel": kernel,
        "stride": step if step != kernel else None,
        "pad": pads_of(pairs),
    }
    op = self.emit("avgpool", values, tensor.op)
    return fresh(op, self.graph.shape(op))


def adaptive(self: TorchGraph, word: str, whole: str, input: Tensor, output_size: Any) -> Tensor:
    rank = rank_of(input)
    sizes = output_size if isinstance(output_size, (tuple, list)) else (output_size,) * rank
    to = tuple(own if size is None else int(size) for size, own in zip(sizes, input.shape[2:]))
    if to == input.shape[2:]:
        return input
    tensor = self.mapped(input)
    if whole and set(to) == {1}:
        op = self.emit(whole, {"keep": True}, tensor.op)
    else:
        op = self.emit(word, {"to": to}, tensor.op)
    return fresh(op, self.graph.shape(op))


@says("adaptive_avg_pool*d")
def adaptive_avg_pool(self: TorchGraph, input: Tensor, output_size: Any) -> Tensor:
    return adaptive(self, "avgpool", "gap", input, output_size)


@says("adaptive_max_pool*d")
def adaptive_max_pool(
    self: TorchGraph, input: Tensor, output_size: Any, return_indices: bool = False
) -> Any:
    found = adaptive(self, "pool", "gmp", input, output_size)
    return (found, Lost(found.shape, "adaptive_max_pool")) if return_indices else found


@says("adaptive_min_pool*d")
def adaptive_min_pool(self: TorchGraph, input: Tensor, output_size: Any) -> Tensor:
    return adaptive(self, "minpool", "", input, output_size)


def reduced(
    self: TorchGraph, input: Tensor, dim: Any, keepdim: bool, names: Sequence[str]
) -> Tensor:
    """A pool over dimensions: over all pixels, over the channels, or over some dimensions.

    `names` are the words for these three.
    """
    whole, across, part = names
    count = len(input.axes)
    if dim is None or dim == ():
        raise Refused(Message("samples of a batch would depend on one another"))
    dims = {axis_in(input, each) for each in (dim if isinstance(dim, (tuple, list)) else (dim,))}
    rest = [axis for axis in range(count) if axis not in dims]
    if len(dims) == 1 and (count == 1 or {*input.axes[min(dims)]} == {*input.channels()}):
        (axis,) = dims
        tensor = self.lasting(input, axis)
        op = self.emit(across, {}, tensor.op)
        found = tensor.with_channels(op, self.graph.shape(op), axis)
    elif len(rest) == 1:
        tensor = self.lasting(input, rest[0])
        op = self.emit(whole, {"keep": keepdim}, tensor.op)
        atoms = sorted(tensor.axes[rest[0]])
        sizes = tuple(tensor.sizes[atom] for atom in atoms)
        group = tuple(atoms.index(atom) for atom in tensor.axes[rest[0]])
        axes = tuple(group if axis in rest else () for axis in range(count))
        found = Tensor(op, self.graph.shape(op), sizes, axes)
    elif not rest:
        kept = reduced(self, input, [axis + 1 for axis in range(1, count)], True, names)
        found = reduced(self, kept, 1, True, names)
    else:
        tensor = self.naturally(input)
        order = tensor.order()
        assert order is not None
        if order[-1] in dims:
            raise Refused(f"dim={dim}")  # of pixels and channels at once
        kernel = tuple(tensor.shape[axis + 1] if axis in dims else 1 for axis in order[:-1])
        op = self.emit(part, {"kernel": kernel, "stride": (1,) * len(kernel)}, tensor.op)
        found = laid(op, self.graph.shape(op), [order.index(axis) for axis in range(count)])
    if keepdim:
        return found
    axes = tuple(axis for place, axis in enumerate(found.axes) if place not in dims)
    return self.seen(found._replace(axes=axes))


@says("mean")
def mean(
    self: TorchGraph, input: Tensor, dim: Any = None, keepdim: bool = False, dtype: Any = None
) -> Tensor:
    return reduced(self, input, dim, keepdim, ("gap", "channelmean", "avgpool"))


@says("amax")
def amax(self: TorchGraph, input: Tensor, dim: Any = (), keepdim: bool = False) -> Tensor:
    return reduced(self, input, dim, keepdim, ("gmp", "channelmax", "pool"))


@says("max")
def largest(self: TorchGraph, input: Tensor, dim: Any = None, keepdim: bool = False) -> Any:
    if isinstance(dim, (Tensor, Param, Constant)):
        return merged(self, "maximum", [input, dim])
    found = reduced(self, input, dim, keepdim, ("gmp", "channelmax", "pool"))
    return found, Lost(found.shape, "argmax")


# Normalisations


def momentum_of(momentum: Any) -> float:
    """The share that is kept, in decimals, of the share that is not."""
    if not momentum:
        raise Refused(f"momentum={momentum}")
    return float(1 - Decimal(repr(float(momentum))))


def affine(
    self: TorchGraph,
    word: str,
    tensor: Tensor,
    axis: int,
    roles: dict[str, Any],
    values: dict[str, Any],
) -> Tensor:
    """A normalisation whose weights follow an axis, which is the channels."""
    split, places = in_axis(tensor, axis)
    how = Taken("", places, split) if split else None
    weights = {role: (param, how) for role, param in roles.items()}
    values |= {"noscale": roles["gamma"] is None, "noshift": roles["beta"] is None}
    op = self.weighted(word, values, tensor.op, weights)
    return tensor._replace(op=op)


@says("batch_norm")
def batch_norm(
    self: TorchGraph,
    input: Tensor,
    running_mean: Any,
    running_var: Any,
    weight: Any = None,
    bias: Any = None,
    training: bool = False,
    momentum: Any = 0.1,
    eps: float = 1e-5,
    cudnn_enabled: bool = True,
) -> Tensor:
    if running_mean is None or running_var is None:
        raise Refused("track_running_stats=False")
    values = {"eps": eps, "momentum": momentum_of(momentum)}
    tensor = self.lasting(input, 0)
    roles = {"gamma": weight, "beta": bias, "mean": running_mean, "variance": running_var}
    return affine(self, "bn", tensor, 0, roles, values)


@says("layer_norm")
def layer_norm(
    self: TorchGraph,
    input: Tensor,
    normalized_shape: Any,
    weight: Any = None,
    bias: Any = None,
    eps: float = 1e-5,
    cudnn_enable: bool = True,
) -> Tensor:
    shape = normalized_shape if isinstance(normalized_shape, (tuple, list)) else (normalized_shape,)
    roles = {"gamma": weight, "beta": bias}
    if len(shape) != 1:
        if weight is None and bias is None and len(shape) == len(input.axes):
            return affine(self, "gn", self.mapped(input), 0, roles, {"groups": 1, "eps": eps})
        raise Refused(f"normalized_shape={tuple(shape)}")
    last = len(input.axes) - 1
    return affine(self, "ln", self.lasting(input, last), last, roles, {"eps": eps})


@says("group_norm")
def group_norm(
    self: TorchGraph,
    input: Tensor,
    num_groups: int,
    weight: Any = None,
    bias: Any = None,
    eps: float = 1e-5,
    cudnn_enabled: bool = True,
) -> Tensor:
    roles = {"gamma": weight, "beta": bias}
    return affine(self, "gn", self.mapped(input), 0, roles, {"groups": num_groups, "eps": eps})


@says("instance_norm")
def instance_norm(
    self: TorchGraph,
    input: Tensor,
    running_mean: Any = None,
    running_var: Any = None,
    weight: Any = None,
    bias: Any = None,
    use_input_stats: bool = True,
    momentum: float = 0.1,
    eps: float = 1e-5,
    cudnn_enabled: bool = True,
) -> Tensor:
    if running_mean is not None or not use_input_stats:
        raise Refused("track_running_stats=True")
    roles = {"gamma": weight, "beta": bias}
    return affine(self, "inorm", self.mapped(input), 0, roles, {"eps": eps})


@says("local_response_norm")
def local_response_norm(
    self: TorchGraph,
    input: Tensor,
    size: int,
    alpha: float = 1e-4,
    beta: float = 0.75,
    k: float = 1.0,
) -> Tensor:
    tensor = self.mapped(input)
    return self.layer("lrn", tensor, size=size, alpha=alpha, beta=beta, k=k)


# Activations


@says("relu", "relu6", "selu", "silu", "mish", "sigmoid", "tanh")
def plain(self: TorchGraph, input: Tensor, inplace: bool = False) -> Tensor:
    return self.layer(self.function, input)


@says("hardswish")
def hardswish(self: TorchGraph, input: Tensor, inplace: bool = False) -> Tensor:
    return self.layer("hard_swish", input)


@says("hardsigmoid")
def hardsigmoid(self: TorchGraph, input: Tensor, inplace: bool = False) -> Tensor:
    return self.layer("hard_sigmoid", input)


@says("leaky_relu")
def leaky_relu(
    self: TorchGraph, input: Tensor, negative_slope: float = 0.01, inplace: bool = False
) -> Tensor:
    return self.layer("leaky_relu", input, slope=negative_slope)


@says("elu")
def elu(self: TorchGraph, input: Tensor, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    return self.layer("elu", input, alpha=alpha)


@says("celu")
def celu(self: TorchGraph, input: Tensor, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    if alpha != 1:
        raise Refused(f"alpha={alpha}")
    return self.layer("elu", input, alpha=1)


@says("gelu")
def gelu(self: TorchGraph, input: Tensor, approximate: str = "none") -> Tensor:
    return self.layer("gelu", input, approx=approximate == "tanh")


@says("softplus")
def softplus(self: TorchGraph, input: Tensor, beta: float = 1, threshold: float = 20) -> Tensor:
    if beta != 1 or threshold < 20:
        raise Refused(f"beta={beta}, threshold={threshold}")
    return self.layer("softplus", input)


@says("prelu")
def prelu(self: TorchGraph, input: Tensor, weight: Any) -> Tensor:
    tensor = self.lasting(input, 0)
    if isinstance(weight, Param) and weight.size != tensor.ours[-1]:
        raise Refused("num_parameters=1")
    split, places = in_axis(tensor, 0)
    how = Taken("", places, split) if split else None
    return tensor._replace(op=self.weighted("prelu", {}, tensor.op, {"alpha": (weight, how)}))


@says("hardtanh")
def hardtanh(
    self: TorchGraph,
    input: Tensor,
    min_val: float = -1.0,
    max_val: float = 1.0,
    inplace: bool = False,
) -> Tensor:
    return clamp(self, input, min_val, max_val)


@says("clamp", "clip")
def clamp(self: TorchGraph, input: Tensor, min: Any = None, max: Any = None) -> Tensor:
    low, high = (-inf if min is None else min), (inf if max is None else max)
    if (low, high) == (0, 6):
        return self.layer("relu6", input)
    if (low, high) == (0, inf):
        return self.layer("relu", input)
    if isinstance(low, (int, float)) and isinstance(high, (int, float)) and -inf < low < high < inf:
        return self.layer("clamp", input, low=low, high=high)
    raise Refused(f"min={min}, max={max}")


@says("clamp_min")
def clamp_min(self: TorchGraph, input: Tensor, min: Any) -> Tensor:
    return clamp(self, input, min)


@says("softmax")
def softmax(
    self: TorchGraph, input: Tensor, dim: Any = None, _stacklevel: int = 3, dtype: Any = None
) -> Tensor:
    if dim is None:
        dim = 0 if len(input.axes) in (0, 2) else 1
    axis = axis_in(input, dim)
    if set(input.channels()) == set(input.axes[axis]):
        return self.layer("softmax", input)
    tensor, place = self.along(input, axis)
    return self.layer("softmax", tensor, **named(tensor, place))


@says("glu")
def glu(self: TorchGraph, input: Tensor, dim: int = -1) -> Tensor:
    half, gate = chunk(self, input, 2, dim)
    return merged(self, "mul", [half, self.layer("sigmoid", gate)])


def named(tensor: Tensor, place: int) -> dict[str, Any]:
    """The argument that names an axis of ours, where it is not the channels."""
    names = axes_of(len(tensor.ours) - 1)
    return {} if place == len(names) - 1 else {"axis": Word(names[place])}


# Merges and arithmetic


def merged(self: TorchGraph, word: str, tensors: Sequence[Any]) -> Tensor:
    """A merge value by value of two tensors, of one shape or so that one stretches."""
    one, other = tensors
    if not isinstance(one, Tensor) or not isinstance(other, Tensor):
        raise Refused("weights")
    if word == "mul":
        one, other = unstretched(self, one), unstretched(self, other)
    if one.shape != other.shape:
        return stretched(self, word, one, other)
    if one._replace(op=0) != other._replace(op=0):
        order = one.order() or other.order() or one.first()
        one, other = self.arrange(one, order), self.arrange(other, order)
    return one._replace(op=merge(self, word, [one.op, other.op]))


def merge(self: TorchGraph, word: str, ops: Sequence[int], **values: Any) -> int:
    return self.graph.add(word, values, ops, {}, self.scope, self.name, self.where)


def unstretched(self: TorchGraph, tensor: Tensor) -> Tensor:
    """What was made as large as another map of one pixel, for a product, which does that."""
    op = self.graph.ops[tensor.op]
    channels = op.layer.input[-1]
    if op.word != "up" or prod(op.layer.input) != channels or tensor.order() != tensor.first():
        return tensor
    source = op.inputs[0]
    before = self.reshaped(source)
    if before and before[1] == (channels,):
        vector = fresh(*before)
        return vector._replace(axes=vector.axes + ((),) * (len(tensor.axes) - 1))
    return fresh(source, op.layer.input)


def stretched(self: TorchGraph, word: str, one: Tensor, other: Tensor) -> Tensor:
    """A merge of which one tensor has axes of 1 where the other is larger."""
    swapped = prod(one.shape) < prod(other.shape)
    large, small = (other, one) if swapped else (one, other)
    small = small._replace(axes=((),) * (len(large.axes) - len(small.axes)) + small.axes)
    varies = [axis for axis, size in enumerate(small.shape[1:]) if size > 1]
    refused = Refused(Message("`{word}` of shapes that stretch otherwise than here", word=word))
    if any(small.shape[axis + 1] != large.shape[axis + 1] for axis in varies):
        raise refused
    large = self.naturally(large)
    *space, channel = large.order() or ()
    if varies == [channel]:
        if word == "mul":
            if small.order_within(channel)[0] or small.ours not in (
                small.ours[-1:],
                (*(1 for _ in space), small.ours[-1]),
            ):
                vector = small._replace(axes=(small.axes[channel],))
                small = self.arrange(vector, (0,))
        else:
            small = self.arrange(small, (*space, channel))
            small = small._replace(op=self.emit("up", {"to": large.ours[:-1]}, small.op))
    elif word == "mul" and varies == sorted(space):
        small = self.arrange(small, (*space, channel))
    else:
        raise refused
    ops = [small.op, large.op] if swapped else [large.op, small.op]
    return large._replace(op=merge(self, word, ops))


def axis_of(tensor: Tensor, shape: Sequence[int]) -> int | None:
    """The axis that numbers of a shape follow, which stretch over the others; None for one."""
    sizes = (*(1 for _ in range(len(tensor.shape) - len(shape))), *shape)
    found = [axis for axis, size in enumerate(sizes) if size > 1]
    if len(sizes) > len(tensor.shape) or len(found) > 1 or 0 in found:
        raise Refused("weights")
    if not found:
        return None
    if sizes[found[0]] != tensor.shape[found[0]]:
        raise Refused("weights")
    return found[0] - 1


def rescaled(self: TorchGraph, tensor: Tensor, scale: Any = 1, offset: Any = 0) -> Tensor:
    """A factor and a summand, each a number or a Constant that follows an axis."""
    if (scale, offset) == (1, 0):
        return tensor
    if isinstance(scale, Constant) or isinstance(offset, Constant):
        axes = [axis_of(tensor, e.shape) for e in (scale, offset) if isinstance(e, Constant)]
        for axis in axes:
            if axis is not None:
                order = tensor.order() or tensor.first()
                tensor = self.arrange(tensor, (*(each for each in order if each != axis), axis))
        scale, offset = (
            (
                each
                if not isinstance(each, Constant)
                else each.numbers if len(each.numbers) > 1 else each.numbers[0]
            )
            for each in (scale, offset)
        )
    before, op = self.graph.ops[tensor.op], tensor.op
    if before.word == "rescale":
        offset = paired(
            lambda x, y: x + y,
            paired(lambda x, y: x * y, scale, before.values.get("offset", 0)),
            offset,
        )
        scale, op = paired(lambda x, y: x * y, scale, before.values["scale"]), before.inputs[0]
    return tensor._replace(op=self.emit("rescale", {"scale": scale, "offset": offset or None}, op))


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


def learned(self: TorchGraph, tensor: Tensor, role: str, param: Param) -> Tensor:
    """A learned factor or summand for each channel, of a norm before it that has neither."""
    axis = axis_of(tensor, param.shape)
    if axis is None:
        if tensor.ours[-1] > 1:
            raise Refused("one weight")
        axis = tensor.first()[-1]
    tensor = self.lasting(tensor, axis)
    split, places = in_axis(tensor, axis)
    how = Taken("", places, split) if split else None
    before = self.graph.ops[tensor.op]
    if (
        before.layer.family == "norm"
        and before.values.get("noscale")
        and before.values.get("noshift")
    ):
        values = {
            k: v
            for k, v in before.values.items()
            if k != ("noscale" if role == "gamma" else "noshift")
        }
        kept = {key: (self.params[taken.key], taken) for key, taken in before.weights.items()}
        op = self.weighted(before.word, values, before.inputs[0], {role: (param, how), **kept})
    elif role == "gamma":
        op = self.weighted("scale", first_value(param), tensor.op, {"scale": (param, how)})
    else:
        raise Refused("weights")
    return tensor._replace(op=op)


def first_value(param: Param) -> dict[str, float]:
    """What all factors hold, where they hold the same: their first value."""
    if param.read is None:
        return {}
    numbers = param.read().reshape(-1)
    value = float(f"{float(numbers[0]):.6g}")
    return {"init": value} if (numbers == numbers[0]).all() and value != 1 else {}


@says("add")
def add(self: TorchGraph, input: Any, other: Any, *, alpha: float = 1) -> Tensor:
    if not isinstance(input, Tensor):
        input, other = other, input
    if isinstance(other, NUMBERS):
        return rescaled(self, input, 1, mapped_numbers(other, lambda x: x * alpha))
    if alpha != 1:
        raise Refused(f"alpha={alpha}")
    if isinstance(other, Param):
        return learned(self, input, "beta", other)
    return merged(self, "add", [input, other])


@says("sub")
def sub(self: TorchGraph, input: Any, other: Any, *, alpha: float = 1) -> Tensor:
    if isinstance(input, NUMBERS):
        return rescaled(self, other, -alpha, input)
    if isinstance(other, NUMBERS):
        return rescaled(self, input, 1, mapped_numbers(other, lambda x: -x * alpha))
    if alpha != 1:
        raise Refused(f"alpha={alpha}")
    return merged(self, "subtract", [input, other])


@says("rsub")
def rsub(self: TorchGraph, input: Any, other: Any, *, alpha: float = 1) -> Tensor:
    return sub(self, other, input, alpha=alpha)


@says("mul")
def mul(self: TorchGraph, input: Any, other: Any) -> Tensor:
    if not isinstance(input, Tensor):
        input, other = other, input
    if isinstance(other, NUMBERS):
        return rescaled(self, input, other)
    if isinstance(other, Param):
        return learned(self, input, "gamma", other)
    return merged(self, "mul", [input, other])


@says("div")
def div(self: TorchGraph, input: Any, other: Any, *, rounding_mode: Any = None) -> Tensor:
    if rounding_mode is not None or not isinstance(input, Tensor) or not isinstance(other, NUMBERS):
        raise Refused
    return rescaled(self, input, mapped_numbers(other, lambda x: 1 / x))


@says("neg")
def neg(self: TorchGraph, input: Tensor) -> Tensor:
    return rescaled(self, input, -1)


@says("maximum")
def maximum(self: TorchGraph, input: Any, other: Any) -> Tensor:
    return merged(self, "maximum", [input, other])


@says("cat")
def cat(self: TorchGraph, tensors: Sequence[Any], dim: int = 0) -> Tensor:
    parts = list(tensors)
    if not all(isinstance(part, Tensor) for part in parts):
        raise Refused("weights")
    axis = axis_in(parts[0], dim)
    if len(parts) == 1:
        return parts[0]  # type: ignore[no-any-return]
    found = [part.order() for part in parts]
    order = next(filter(None, found), parts[0].first())
    parts = [self.arrange(part, order) for part in parts]
    place = order.index(axis)
    op = rescaled_apart(self, parts) if place == len(order) - 1 else None
    if op is None:
        op = merge(self, "concat", [part.op for part in parts], **named(parts[0], place))
    return laid(op, self.graph.shape(op), [order.index(each) for each in range(len(order))])


@says("stack")
def stack(self: TorchGraph, tensors: Sequence[Any], dim: int = 0) -> Tensor:
    return cat(self, [unsqueeze(self, tensor, dim) for tensor in tensors], dim)


def rescaled_apart(self: TorchGraph, parts: Sequence[Tensor]) -> int | None:
    """All channels of a tensor that were rescaled one by one, rescaled at once."""
    rescales = [self.graph.ops[part.op] for part in parts]
    if any(each.word != "rescale" for each in rescales):
        return None
    slices = [self.graph.ops[each.inputs[0]] for each in rescales]
    if any(each.word != "slice" or each.inputs != slices[0].inputs for each in slices):
        return None
    source = slices[0].inputs[0]
    ranges = [each.values["range"] for each in slices]
    if ranges != [(i, i + 1) for i in range(self.graph.shape(source)[-1])]:
        return None
    scale = tuple(each.values["scale"] for each in rescales)
    offset = tuple(each.values.get("offset", 0) for each in rescales)
    return self.emit("rescale", {"scale": scale, "offset": offset}, source)


# Views


def whole_shape(shape: Sequence[Any], count: int) -> tuple[int, ...]:
    """A shape with what its -1 stands for."""
    if len(shape) == 1 and isinstance(shape[0], (tuple, list)):
        shape = shape[0]
    sizes = [int(size) for size in shape]
    known = prod(size for size in sizes if size != -1)
    if sizes.count(-1) == 1 and known and not count % known:
        sizes[sizes.index(-1)] = count // known
    if prod(sizes) != count or min(sizes) < 1:
        raise Refused(f"shape={tuple(shape)}")
    return tuple(sizes)


@says("view", "reshape")
def view(self: TorchGraph, input: Any, *args: Any, shape: Any = None, size: Any = None) -> Any:
    shape = whole_shape(args or (shape or size,), prod(input.shape))
    if isinstance(input, Param):
        return viewed_param(input, shape)
    if shape[0] != 1:
        raise Refused(Message("samples of a batch would depend on one another"))
    if len(shape) == 1:
        raise Refused(f"shape={shape}")
    found = input.view(shape[1:])
    if found is None:
        found = self.arrange(input.vector(), (0,)).view(shape[1:])
        assert found is not None  # one atom can be cut into any
    return self.seen(found)


def viewed_param(param: Param, shape: tuple[int, ...]) -> Param:
    """An array seen with other axes of 1."""
    if [size for size in shape if size > 1] != [size for size in param.shape if size > 1]:
        raise Refused("weights")
    return param._replace(shape=shape, stored=param.stored or param.shape)


@says("view_as", "reshape_as")
def view_as(self: TorchGraph, input: Any, other: Any) -> Any:
    return view(self, input, other.shape)


@says("flatten")
def flatten(self: TorchGraph, input: Any, start_dim: int = 0, end_dim: int = -1) -> Any:
    shape = input.shape
    start, end = start_dim % len(shape), end_dim % len(shape)
    if isinstance(input, Tensor) and start == end:
        return input
    return view(self, input, (*shape[:start], prod(shape[start : end + 1]), *shape[end + 1 :]))


@says("unflatten")
def unflatten(self: TorchGraph, input: Any, dim: int, sizes: Sequence[int]) -> Any:
    shape = input.shape
    dim %= len(shape)
    return view(self, input, (*shape[:dim], *whole_shape(sizes, shape[dim]), *shape[dim + 1 :]))


@says("squeeze")
def squeeze(self: TorchGraph, input: Any, dim: Any = None) -> Any:
    count = len(input.shape)
    dims = range(count) if dim is None else dim if isinstance(dim, (tuple, list)) else (dim,)
    gone = {each % count for each in dims if input.shape[each] == 1}
    if isinstance(input, Param):
        return viewed_param(input, tuple(s for i, s in enumerate(input.shape) if i not in gone))
    if 0 in gone and dim is not None:
        raise Refused(Message("samples of a batch would depend on one another"))
    axes = tuple(axis for place, axis in enumerate(input.axes, 1) if place not in gone)
    return self.seen(input._replace(axes=axes))


@says("unsqueeze")
def unsqueeze(self: TorchGraph, input: Any, dim: int) -> Any:
    count = len(input.shape) + 1
    place = dim % count
    if isinstance(input, Param):
        return viewed_param(input, (*input.shape[:place], 1, *input.shape[place:]))
    if not place:
        raise Refused(f"dim={dim}")
    return input._replace(axes=(*input.axes[: place - 1], (), *input.axes[place - 1 :]))


@says("permute")
def permute(self: TorchGraph, input: Tensor, *dims: Any) -> Tensor:
    order = dims[0] if len(dims) == 1 else dims
    count = len(input.shape)
    batch, *rest = [each % count for each in order]
    if batch or sorted(rest) != [*range(1, count)]:
        raise Refused(f"dims={tuple(order)}")
    return input.permuted([each - 1 for each in rest])


@says("transpose", "swapaxes", "swapdims")
def transpose(self: TorchGraph, input: Tensor, dim0: int, dim1: int) -> Tensor:
    order = [*range(len(input.shape))]
    order[dim0], order[dim1] = order[dim1], order[dim0]
    return permute(self, input, order)


@says("movedim", "moveaxis")
def movedim(self: TorchGraph, input: Tensor, source: Any, destination: Any) -> Tensor:
    count = len(input.shape)
    sources = [
        each % count for each in (source if isinstance(source, (tuple, list)) else (source,))
    ]
    targets = [
        each % count
        for each in (destination if isinstance(destination, (tuple, list)) else (destination,))
    ]
    order = [each for each in range(count) if each not in sources]
    for target, one in sorted(zip(targets, sources)):
        order.insert(target, one)
    return permute(self, input, order)


@says("expand")
def expand(self: TorchGraph, input: Tensor, *sizes: Any) -> Tensor:
    shape = sizes[0] if len(sizes) == 1 else sizes
    shape = tuple(own if size == -1 else size for size, own in zip(shape, input.shape, strict=True))
    if shape == input.shape:
        return input
    if shape[:2] != input.shape[:2] or set(input.shape[2:]) != {1}:
        raise Refused(f"sizes={shape}")
    tensor = self.mapped(input)
    return fresh(self.emit("up", {"to": shape[2:]}, tensor.op), (*shape[2:], shape[1]))


@says("expand_as")
def expand_as(self: TorchGraph, input: Tensor, other: Tensor) -> Tensor:
    return expand(self, input, other.shape)


@says(
    *("contiguous", "clone", "detach", "to", "float", "double", "type", "cpu", "cuda", "alias"),
    *("requires_grad", "type_as", "data", "identity", "positive", "lift_fresh"),
)
def same(self: TorchGraph, input: Any, *args: Any, **kwargs: Any) -> Any:
    return input


@says("size", "shape")
def size(self: TorchGraph, input: Any, dim: int | None = None) -> Any:
    return input.shape if dim is None else input.shape[dim]


@says("dim", "ndim", "ndimension")
def dim(self: TorchGraph, input: Any) -> int:
    return len(input.shape)


@says("numel")
def numel(self: TorchGraph, input: Any) -> int:
    return prod(input.shape)


@says("len")
def length(self: TorchGraph, input: Any) -> int:
    return int(input.shape[0])


# Parts


def cut(self: TorchGraph, tensor: Tensor, axis: int, begin: int, end: int, step: int = 1) -> Tensor:
    """What lies from `begin` up to, not with, `end` on an axis, every `step`th of it."""
    size = tensor.shape[axis + 1]
    if (begin, end, step) == (0, size, 1):
        return tensor
    if not 0 <= begin < end <= size or step < 1:
        raise Refused(f"{begin}:{end}:{step}")
    atoms, channels = tensor.axes[axis], tensor.channels()
    if atoms and step == 1 and atoms == channels[: len(atoms)] and len(atoms) < len(channels):
        # The first of the axes that the channels were seen as.
        rest = tensor.size(channels[len(atoms) :])
        op = self.emit("slice", {"range": Pair(begin * rest, end * rest)}, tensor.op)
        gone = len(atoms) - (end - begin > 1)
        before = len(tensor.sizes) - len(channels)

        def place(atom: int) -> int:
            return atom if atom < before else atom - gone

        own = (before,) if end - begin > 1 else ()
        sizes = tensor.sizes[:before] + (end - begin,) * len(own)
        sizes += tensor.sizes[before + len(atoms) :]
        axes = tuple(
            own if each == axis else tuple(map(place, group))
            for each, group in enumerate(tensor.axes)
        )
        return Tensor(op, self.graph.shape(op), sizes, axes)
    tensor, ours = self.along(tensor, axis)
    order, op = tensor.order(), tensor.op
    assert order is not None
    if ours == len(order) - 1:
        if step > 1:
            raise Refused(f"{begin}:{end}:{step}")
        op = self.emit("slice", {"range": Pair(begin, end)}, op)
    else:
        if (begin, end) != (0, size):
            crop = [(0, 0)] * (len(order) - 1)
            crop[ours] = (begin, size - end)
            op = self.emit("crop", {"crop": pads_of(crop)}, op)
        if step > 1:
            steps = tuple(step if each == ours else 1 for each in range(len(order) - 1))
            op = self.emit("pool", {"kernel": (1,) * len(steps), "stride": steps}, op)
    return laid(op, self.graph.shape(op), [order.index(each) for each in range(len(order))])


@says("getitem")
def getitem(self: TorchGraph, input: Any, index: Any) -> Any:
    places = [*index] if isinstance(index, tuple) else [index]
    if any(not isinstance(each, (int, slice, type(None), type(...))) for each in places):
        raise Refused
    count = sum(each is not None and each is not ... for each in places)
    if ... in places:
        place = places.index(...)
        places[place : place + 1] = [slice(None)] * (len(input.shape) - count)
    if isinstance(input, Param):
        return indexed_param(input, places)
    found, gone = input, []
    steps: dict[int, slice] = {}
    for dim, place in enumerate(places):
        if place is None:
            found = unsqueeze(self, found, dim)
        elif isinstance(place, int):
            size = found.shape[dim]
            if not dim or not -size <= place < size:
                raise Refused(f"[{place}]")
            found = cut(self, found, dim - 1, place % size, place % size + 1)
            gone.append(dim)
        else:
            begin, end, step = place.indices(found.shape[dim])
            if dim:
                steps[dim] = slice(begin, end, step)
            elif (begin, end, step) != (0, 1, 1):
                raise Refused(f"[{begin}:{end}]")
    spatial = [axis for axis in steps if steps[axis].step > 1]
    for axis, part in steps.items():
        found = cut(self, found, axis - 1, part.start, part.stop)
    if spatial:
        found = strided(self, found, {axis - 1: steps[axis].step for axis in spatial})
    return squeeze(self, found, gone) if gone else found


def strided(self: TorchGraph, tensor: Tensor, steps: dict[int, int]) -> Tensor:
    """Every few pixels of some axes, by a pool of one pixel."""
    tensor = self.naturally(tensor)
    order = tensor.order()
    assert order is not None
    if order[-1] in steps:
        raise Refused("a step in the channels")
    stride = tuple(steps.get(axis, 1) for axis in order[:-1])
    op = self.emit("pool", {"kernel": (1,) * len(stride), "stride": stride}, tensor.op)
    return laid(op, self.graph.shape(op), [order.index(each) for each in range(len(order))])


def indexed_param(param: Param, places: Sequence[Any]) -> Param:
    """An array seen with axes of 1 put in."""
    if any(each is not None and each != slice(None) for each in places):
        raise Refused("weights")
    rest = iter(param.shape)
    shape = tuple(1 if each is None else next(rest) for each in places)
    return viewed_param(param, (*shape, *rest))


def parts(self: TorchGraph, tensor: Tensor, sizes: Sequence[int], dim: int) -> tuple[Tensor, ...]:
    axis, ends = axis_in(tensor, dim), [0]
    for size in sizes:
        ends.append(ends[-1] + size)
    return tuple(cut(self, tensor, axis, *span) for span in pairwise(ends))


@says("chunk")
def chunk(self: TorchGraph, input: Tensor, chunks: int, dim: int = 0) -> tuple[Tensor, ...]:
    size = input.shape[dim]
    return split(self, input, -(-size // chunks), dim)


@says("split", "split_with_sizes")
def split(
    self: TorchGraph, tensor: Tensor, split_size_or_sections: Any = None, dim: int = 0, **other: Any
) -> tuple[Tensor, ...]:
    sizes = split_size_or_sections if split_size_or_sections is not None else other["split_size"]
    if isinstance(sizes, int):
        size = tensor.shape[dim]
        if sizes < 1 or size // sizes > MOST_PARTS:
            raise Refused(f"split_size={sizes}")
        sizes = [min(sizes, size - start) for start in range(0, size, sizes)]
    return parts(self, tensor, sizes, dim)


MOST_PARTS = 10_000


@says("narrow")
def narrow(self: TorchGraph, input: Tensor, dim: int, start: int, length: int) -> Tensor:
    axis = axis_in(input, dim)
    start %= input.shape[axis + 1]
    return cut(self, input, axis, start, start + length)


@says("select")
def select(self: TorchGraph, input: Tensor, dim: int, index: int) -> Tensor:
    axis = axis_in(input, dim)
    index %= input.shape[axis + 1]
    return squeeze(self, cut(self, input, axis, index, index + 1), axis + 1)  # type: ignore[no-any-return]


@says("unbind")
def unbind(self: TorchGraph, input: Tensor, dim: int = 0) -> tuple[Tensor, ...]:
    size = input.shape[dim]
    if size > MOST_PARTS:
        raise Refused(f"dim={dim}")
    return tuple(select(self, input, dim, index) for index in range(size))


# Geometry


@says("pad")
def pad(
    self: TorchGraph, input: Tensor, pad: Sequence[int], mode: str = "constant", value: Any = None
) -> Tensor:
    rank = rank_of(input)
    pairs = list(zip(pad[::2], pad[1::2]))[::-1]
    over = len(pairs) - rank
    if len(pad) % 2 or (over > 0 and any(map(any, pairs[:over]))):
        raise Refused(f"pad={tuple(pad)}")
    pairs = [(0, 0)] * -over + pairs[max(over, 0) :]
    words = {"constant": "zeropad", "reflect": "reflectpad", "replicate": "replicatepad"}
    if mode not in words or (mode == "constant" and value and abs(value) != inf):
        raise Refused(f"mode={mode}, value={value}" if mode == "constant" else f"mode={mode}")
    tensor = self.mapped(input)
    op = tensor.op
    if crop := pads_of([(max(0, -begin), max(0, -end)) for begin, end in pairs]):
        op = self.emit("crop", {"crop": crop}, op)
    if around := pads_of([(max(0, begin), max(0, end)) for begin, end in pairs]):
        op = self.emit(words[mode], {"pad": around}, op)
        if value:
            self.fills[op] = value
    return fresh(op, self.graph.shape(op))


@says("interpolate", "upsample")
def interpolate(
    self: TorchGraph,
    input: Tensor,
    size: Any = None,
    scale_factor: Any = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
    recompute_scale_factor: bool | None = None,
    antialias: bool = False,
) -> Tensor:
    rank = rank_of(input)
    spatial = input.shape[2:]
    if antialias or mode not in ("nearest", "bilinear", "bicubic", "nearest-exact", "area"):
        raise Refused("antialias=True" if antialias else f"mode={mode}")
    values: dict[str, Any] = {}
    if scale_factor is not None:
        many = isinstance(scale_factor, (tuple, list))
        factors = tuple(map(float, scale_factor if many else (scale_factor,) * rank))
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
        return adaptive_avg_pool(self, input, to)
    whole = all(new % own == 0 for own, new in zip(spatial, to))
    if mode == "nearest-exact" and not whole:
        raise Refused(f"mode={mode}")
    if mode == "nearest" and not all(map(is_exact, spatial, to)) and self.function != "up":
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
    tensor = self.mapped(input)
    op = self.emit("up", values, tensor.op)
    return fresh(op, self.graph.shape(op))


def is_exact(size: int, output: int) -> bool:
    """Whether the nearest of `size` pixels, worked out in single precision as PyTorch does, is
    pixel i*X // n for each i."""

    def single(value: float) -> float:
        return float(unpack("f", pack("f", value))[0])

    scale = single(size / output)
    if output > MOST_PARTS:
        return scale == size / output
    return all(min(int(single(i * scale)), size - 1) == i * size // output for i in range(output))


@says("up")
def up(self: TorchGraph, input: Tensor, size: Any) -> Tensor:
    """As a module of the code that `build` writes has it, in whole numbers."""
    return interpolate(self, input, size)


@says("channel_shuffle", "native_channel_shuffle")
def channel_shuffle(self: TorchGraph, input: Tensor, groups: int) -> Tensor:
    return self.layer("shuffle", self.mapped(input), groups=groups)


@says("pixel_shuffle")
def pixel_shuffle(self: TorchGraph, input: Tensor, upscale_factor: int) -> Tensor:
    op = self.emit("pixelshuffle", {"factor": upscale_factor}, self.mapped(input).op)
    return fresh(op, self.graph.shape(op))


@says("pixel_unshuffle")
def pixel_unshuffle(self: TorchGraph, input: Tensor, downscale_factor: int) -> Tensor:
    op = self.emit("pixelunshuffle", {"factor": downscale_factor}, self.mapped(input).op)
    return fresh(op, self.graph.shape(op))


# What acts while training


@says("dropout")
def dropout(
    self: TorchGraph, input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False
) -> Tensor:
    return self.layer("dropout", input, rate=p) if p else input


@says("drop_path")
def drop_path(self: TorchGraph, input: Tensor, p: float, mode: str = "row") -> Tensor:
    """As StochasticDepth of torchvision and DropPath of timm have it."""
    if mode != "row":
        raise Refused(f"mode={mode}")
    return self.layer("droppath", input, rate=p) if p else input


@says("rescale")
def rescale(self: TorchGraph, input: Tensor, scale: Any, offset: Any = 0) -> Tensor:
    """As a module of the code that `build` writes has it: numbers, or one for each channel."""
    return self.layer("rescale", self.lasting(input, 0), scale=scale, offset=offset or None)
