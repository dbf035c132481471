"""What the operators of ONNX are in the language, one by one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from itertools import accumulate, pairwise
from math import floor, isclose, prod
from operator import mul, neg
from typing import Any

from cnndsl.diagnostics.message import Message
from cnndsl.importers.channels_first import Tensor, fresh, laid, unstretched
from cnndsl.importers.graph import ImportProblems, Problem, without_word
from cnndsl.importers.onnx_model import Constant, Node, Unknown, refused, worked_out
from cnndsl.importers.onnx_reader import Operator, Reader, Value
from cnndsl.layers.base import axes_of as names_of
from cnndsl.layers.values import Pair, Word


def without(node: Node, what: str) -> Unknown:
    """The error that a form of an operation has no word; `what` is an attribute, as it is."""
    return Unknown(
        Message("there is no word for `{operation}` with {what}", operation=node.op, what=what)
    )


def mismatched(count: int, channels: int) -> ImportProblems:
    return refused(
        Message("a kernel for {count} channels meets {channels}", count=count, channels=channels)
    )


def onto(
    read: Reader,
    x: Tensor,
    word: str,
    values: Mapping[str, Any] = {},
    weights: Mapping[str, Constant] = {},
) -> Tensor:
    """The output of a layer that leaves the shape of a tensor as it is."""
    return x._replace(op=read.add(word, values, [x.op], weights))


def lying(read: Reader, op: int, order: Sequence[int]) -> Tensor:
    """The output of an operation whose axis i is theirs of the place `order[i]`."""
    inverse = sorted(range(len(order)), key=order.__getitem__)
    return laid(op, read.graph.shape(op), inverse)


def placed(axis: int, shape: Sequence[int]) -> int:
    """An axis of a shape, counted from the front. Raises IndexError where there is none."""
    return range(len(shape))[int(axis)]


# Windows


def windows(node: Node, kernel: Sequence[int], sizes: Sequence[int]) -> dict[str, Any]:
    """The arguments that say how windows lie in an image."""
    rank = len(kernel)
    strides, dilations = node.get("strides") or [1] * rank, node.get("dilations") or [1] * rank
    auto, pads = node.get("auto_pad", "NOTSET"), node.get("pads") or [0] * 2 * rank
    if len(pads) != 2 * rank or min(pads) < 0:
        raise without(node, f"pads={pads}")
    values: dict[str, Any] = {"kernel": tuple(kernel), "stride": tuple(strides)}
    if set(dilations) != {1}:
        values["dilation"] = tuple(dilations)
    if auto == "SAME_UPPER":
        values["same"] = True
    elif auto == "SAME_LOWER":
        # The odd pixel is at the begin.
        over = [max(0, (-(-size // s) - 1) * s + d * (k - 1) + 1 - size)
                for size, k, s, d in zip(sizes, kernel, strides, dilations)]  # fmt: skip
        values["pad"] = tuple(Pair(each - each // 2, each // 2) for each in over)
    elif auto == "NOTSET" and any(pads):
        values["pad"] = tuple(map(Pair, pads[:rank], pads[rank:]))
    elif auto not in ("NOTSET", "VALID"):
        raise without(node, f"auto_pad={auto}")
    return values


def kernel_of(read: Reader, node: Node) -> Constant:
    """The kernel of a convolution, filters or inputs first."""
    kernel = read.constant(node, 1)
    if kernel is None or len(kernel.shape) < 3 or not all(kernel.shape):
        raise refused(Message("a kernel is of no possible size"))
    return kernel


def mapped(read: Reader, word: str, values: Mapping[str, Any], x: Tensor) -> Tensor:
    """The output of a layer without weights that a map goes through."""
    op = read.add(word, values, [x.op])
    return fresh(op, read.graph.shape(op))


def weighted(
    read: Reader,
    word: str,
    values: Mapping[str, Any],
    x: Tensor,
    kernel: Constant,
    bias: Constant | None,
) -> Tensor:
    """The output of a layer with a kernel; one without a bias may take it from what follows."""
    weights = {"depthwise" if word == "dwconv" else "kernel": kernel}
    if bias is not None:
        weights["bias"] = bias
    op = read.add(word, {**values, "nobias": bias is None}, [x.op], weights)
    if bias is None:
        read.alone.add(op)
    return fresh(op, read.graph.shape(op))


def convolution(read: Reader, node: Node) -> Tensor:
    x, kernel, bias = read.map(node), kernel_of(read, node), read.constant(node, 2)
    filters, inputs, *sizes = kernel.shape
    channels, groups = x.ours[-1], node.get("group", 1)
    if groups < 1 or inputs * groups != channels or filters % groups:
        raise mismatched(inputs * groups, channels)
    values, space = windows(node, sizes, x.ours), range(2, len(kernel.shape))
    if groups == channels > 1:
        kernel = kernel.reshaped(channels, filters // channels, *sizes).transposed(*space, 0, 1)
        return weighted(read, "dwconv", values | {"mult": filters // channels}, x, kernel, bias)
    values |= {"filters": filters, "groups": groups}
    return weighted(read, "conv", values, x, kernel.transposed(*space, 1, 0), bias)


def transposed(read: Reader, node: Node) -> Tensor:
    x, kernel, bias = read.map(node), kernel_of(read, node), read.constant(node, 2)
    inputs, each, *sizes = kernel.shape
    groups = node.get("group", 1)
    if groups < 1 or inputs % groups or inputs != x.ours[-1]:
        raise mismatched(inputs, x.ours[-1])
    values = windows(node, sizes, x.ours) | {"filters": each * groups, "groups": groups}
    cut_or_grown(node, values, x.ours[:-1])
    kernel = kernel.reshaped(groups, inputs // groups, each, *sizes)
    kernel = kernel.transposed(*range(3, len(sizes) + 3), 1, 0, 2)
    return weighted(read, "deconv", values, x, kernel, bias)


def cut_or_grown(node: Node, values: dict[str, Any], sizes: Sequence[int]) -> None:
    """Write the padding of a transposed convolution as what is cut off.

    What is added at the end cuts less off; where more is added, `same` may say it.
    """
    rank, strides = len(sizes), values["stride"]
    dilations = values.get("dilation") or (1,) * rank
    extents = [d * (k - 1) + 1 for d, k in zip(dilations, values["kernel"])]
    grow = node.get("output_padding") or [0] * rank
    pads = values.pop("pad", ((0, 0),) * rank)
    values.pop("same", None)
    auto, wanted = node.get("auto_pad", "NOTSET"), node.get("output_shape")
    if auto.startswith("SAME"):
        wanted = wanted or [size * stride for size, stride in zip(sizes, strides)]
    if wanted:
        over = [stride * (size - 1) + more + extent - want for size, stride, extent, more, want
                in zip(sizes, strides, extents, grow, wanted[-rank:])]  # fmt: skip
        halves = [(each // 2, each - each // 2) for each in over]
        # The specification halves towards 0 at the end for SAME_UPPER, else at the begin.
        pads = halves if auto == "SAME_UPPER" else [half[::-1] for half in halves]
    cut = [Pair(begin, end - more) for (begin, end), more in zip(pads, grow)]
    if cut == [(max(0, e - s) // 2, max(0, e - s) - max(0, e - s) // 2 - max(0, s - e))
               for e, s in zip(extents, strides)]:  # fmt: skip
        values["same"] = True
    elif min(map(min, cut)) < 0:
        raise without(node, f"output_padding={grow}")
    elif any(map(any, cut)):
        values["pad"] = tuple(cut)


def pool(word: str) -> Operator:
    def operator(read: Reader, node: Node) -> Tensor:
        x, kernel = read.map(node), node.get("kernel_shape") or []
        if not kernel or min(kernel) < 1:
            raise refused(Message("a pool is of no possible size"))
        values = windows(node, kernel, x.ours) | {"ceil": bool(node.get("ceil_mode"))}
        if word == "avgpool":
            if "dilation" in values:
                raise without(node, f"dilations={node.get('dilations')}")
            counts = bool(node.get("count_include_pad"))
            values["countpad"] = counts and ("pad" in values or "same" in values)
        return mapped(read, word, values, x)

    return operator


def global_pool(word: str) -> Operator:
    return lambda read, node: mapped(read, word, {"keep": True}, read.map(node))


def reduction(pooled: str, over_channels: str, windowed: str) -> Operator:
    """The mean or the largest value along axes."""

    def operator(read: Reader, node: Node) -> Tensor:
        x = read.tensor(node)
        given = read.numbers(node, "axes", 1)
        axes = range(len(x.shape)) if given is None else given
        reduced = [placed(axis, x.shape) - 1 for axis in axes]
        x, order = read.standard(x)
        last = len(order) - 1
        ours = {order.index(axis) for axis in reduced if axis >= 0}
        values: dict[str, Any]
        if ours and ours == {*range(last)}:
            word, values = pooled, {"keep": True}
        elif ours == {last}:
            word, values = over_channels, {}
        else:
            kernel = tuple(x.ours[axis] if axis in ours else 1 for axis in range(last))
            word, values = windowed, {"kernel": kernel}
        if -1 in reduced or (last in ours and word == windowed):
            raise without(node, f"axes={[*axes]}")
        found = lying(read, read.add(word, values, [x.op]), order)
        if node.get("keepdims", 1):
            return found
        kept = [size for axis, size in enumerate(found.shape[1:]) if axis not in reduced]
        return viewed(read, found, kept)

    return operator


# Shapes


def viewed(read: Reader, x: Tensor, shape: Sequence[int]) -> Tensor:
    """A tensor in another shape, given without the batch."""
    found = x.view(tuple(shape))
    if found is not None:
        return found
    # Its axes do not fall together: its values in their order, and then in the other shape.
    flat = read.arranged(x, [tuple(atom for axis in x.axes for atom in axis)])
    op = read.emit("reshape", {"shape": tuple(shape)}, flat.op)
    return laid(op, tuple(shape), range(len(shape)))


def reshaped(shape: Sequence[int], to: Sequence[int], allow_zero: bool = False) -> list[int]:
    """A shape of as many numbers as another, with 0 as the size there and one -1 worked out.

    Raises ValueError for another number of them.
    """
    count = prod(shape)
    if not allow_zero:
        to = [size or shape[axis] for axis, size in enumerate(to)]
    rest = prod(size for size in to if size != -1)
    found = [count // rest if size == -1 and rest else size for size in to]
    if prod(found) != count or any(size < 0 for size in found) or list(to).count(-1) > 1:
        raise ValueError
    return found


def reshape(read: Reader, node: Node) -> Tensor:
    x, given = read.tensor(node), read.numbers(node, "shape", 1)
    to = [int(size) for size in given or ()]
    if to and to[0] == read.batch:
        to[0] = 1
    try:
        shape = reshaped(x.shape, to, bool(node.get("allowzero")))
    except (IndexError, ValueError):
        message = Message(
            "{count:,} values do not fit the shape {shape}", count=prod(x.shape),
            shape="x".join(map(str, to))[:100],
        )  # fmt: skip
        raise refused(message) from None
    return behind_batch(read, node, x, shape)


def behind_batch(read: Reader, node: Node, x: Tensor, shape: Sequence[int]) -> Tensor:
    if len(shape) < 2 or shape[0] != 1:
        raise Unknown(
            Message("there is no word for `{operation}` that moves the batch", operation=node.op)
        )
    return viewed(read, x, shape[1:])


def flatten(read: Reader, node: Node) -> Tensor:
    x = read.tensor(node)
    axis = node.get("axis", 1) % (len(x.shape) + 1)
    before = prod(x.shape[:axis])
    return behind_batch(read, node, x, [before, prod(x.shape) // before])


def squeeze(read: Reader, node: Node) -> Tensor:
    x, axes = read.tensor(node), read.numbers(node, "axes", 1)
    gone = {placed(axis, x.shape) for axis in axes or ()}
    if axes is None:
        gone = {axis for axis, size in enumerate(x.shape) if axis and size == 1}
    if any(x.shape[axis] > 1 for axis in gone):
        raise refused(Message("a dimension of more than one value is taken away"))
    kept = [size for axis, size in enumerate(x.shape) if axis not in gone]
    return behind_batch(read, node, x, [0, *kept] if 0 in gone else kept)


def unsqueeze(read: Reader, node: Node) -> Tensor:
    x, axes = read.tensor(node), read.numbers(node, "axes", 1) or []
    rank = len(x.shape) + len(axes)
    added = {placed(axis, range(rank)) for axis in axes}
    sizes = iter(x.shape)
    shape = [1 if axis in added else next(sizes, 1) for axis in range(rank)]
    return behind_batch(read, node, x, [0, *shape] if 0 in added else shape)


def transpose(read: Reader, node: Node) -> Tensor:
    x = read.tensor(node)
    order = node.get("perm") or [*range(len(x.shape))][::-1]
    if sorted(order) != [*range(len(x.shape))]:
        raise refused(Message("an order of dimensions is none of its input"))
    if order[0] != 0:
        raise Unknown(
            Message("there is no word for `{operation}` that moves the batch", operation=node.op)
        )
    return x.permuted(axis - 1 for axis in order[1:])


# Dense layers


def linear(read: Reader, x: Tensor, kernel: Constant, bias: Constant | None = None) -> Tensor:
    """A product of the last axis with a matrix (in, out), and a summand."""
    inputs, outputs = kernel.shape
    if inputs != x.shape[-1]:
        raise mismatched(inputs, x.shape[-1])
    split, places = x.order_within(len(x.axes) - 1)
    if split:
        kernel = kernel.reshaped(*split, outputs).transposed(*places, len(split))
    *others, last = x.axes
    x = read.arranged(x, [*others, tuple(sorted(last))])
    if not others:
        return weighted(read, "dense", {"units": outputs}, x, kernel, bias)
    values = {"filters": outputs, "kernel": (1,) * len(others)}
    found = weighted(read, "conv", values, x, kernel, bias)
    return laid(found.op, found.ours, range(len(found.ours)))


def gemm(read: Reader, node: Node) -> Tensor:
    x, kernel, bias = read.tensor(node), read.constant(node, 1), read.constant(node, 2)
    for name, usual in (("alpha", 1), ("beta", 1), ("transA", 0)):
        if node.get(name, usual) != usual and (name != "beta" or bias is not None):
            raise without(node, f"{name}={node.get(name)}")
    if kernel is None or len(kernel.shape) != 2 or len(x.axes) != 1:
        raise refused(Message("a kernel is of no possible size"))
    if node.get("transB"):
        kernel = kernel.transposed(1, 0)
    if bias is not None and bias.size != kernel.shape[1]:
        raise without(node, f"C of {'x'.join(map(str, bias.shape)) or 1}")
    return linear(read, x, kernel, bias)


def matmul(read: Reader, node: Node) -> Tensor:
    x, kernel = (read.values[each] for each in node.inputs)
    if not isinstance(x, Tensor) or not isinstance(kernel, Constant) or len(kernel.shape) < 2:
        raise Unknown(of_two(node), certain=True)
    if prod(kernel.shape[:-2]) != 1:
        raise Unknown(of_two(node), certain=True)
    return linear(read, x, kernel.reshaped(*kernel.shape[-2:]))


def of_two(node: Node) -> Message:
    return Message("there is no word for `{operation}` of two tensors", operation=node.op)


# Normalisations


def ordered(x: Tensor, axis: int, constant: Constant) -> Constant:
    """Numbers along an axis, in the order that ours has."""
    split, places = x.order_within(axis)
    return constant.reshaped(*split).transposed(*places) if split else constant


def factors(
    read: Reader, node: Node, x: Tensor, axis: int, first: int = 1
) -> tuple[dict[str, Any], dict[str, Constant]]:
    """The arguments and weights for the factors and summands of a normalisation.

    Ones and zeros that an operation has to be given are none.
    """
    values: dict[str, Any] = {}
    weights: dict[str, Constant] = {}
    has_to = node.op != "LayerNormalization" or not node.get("written_out")
    for index, role, flag, idle in ((0, "gamma", "noscale", 1), (1, "beta", "noshift", 0)):
        constant = read.constant(node, first + index)
        if constant is None or (
            has_to and not is_weight(read, constant) and constant.filled() == idle
        ):
            values[flag] = True
        elif constant.size != x.size(x.axes[axis]) or (
            node.get("written_out") and constant.size > 1 and stretched(x, constant) != axis
        ):
            raise without(node, f"{role} of {'x'.join(map(str, constant.shape))}")
        else:
            weights[role] = ordered(x, axis, constant)
    return values, weights


_OURS = (".ones", ".zeros", ".factor", ".summand")
"""How the names end of what is no weight in a file of our own."""


def is_weight(read: Reader, constant: Constant) -> bool:
    """Whether numbers have a name of their own, as weights do.

    Exporters call those that a module does not have by numbers, and ours have names for them.
    """
    name = constant.key
    if read.model.producer == "cnndsl" and name.endswith(_OURS):
        return False
    return constant.learned and "::" not in name and not name.removeprefix("val_").isdigit()


def batch_norm(read: Reader, node: Node) -> Tensor:
    statistics = [read.constant(node, index) for index in (3, 4)]
    if node.get("training_mode") and not all(each and each.learned for each in statistics):
        raise without(node, "training_mode=1")
    x, seen = read.map(node), read.tensor(node)
    # The numbers follow a map's channels, and the values of a vector as these lay.
    seen = x if len(x.axes) > 1 else seen
    values, weights = factors(read, node, seen, 0)
    for role, constant in zip(("mean", "variance"), statistics):
        if constant is None:
            raise refused(Message("a normalisation has no statistics"))
        weights[role] = ordered(seen, 0, constant)
    values |= {"eps": node.get("epsilon", 1e-5), "momentum": node.get("momentum", 0.9)}
    return onto(read, x, "bn", values, weights)


def layer_norm(read: Reader, node: Node) -> Tensor:
    x = read.tensor(node)
    rank, axes = len(x.shape), node.get("axes")
    if axes is None:
        axes = range(placed(node.get("axis", -1), x.shape), rank)
    normalised = sorted(placed(axis, x.shape) for axis in axes)
    if len(normalised) != 1 or not normalised[0]:
        raise without(node, f"axes={normalised}")
    axis = normalised[0] - 1
    values, weights = factors(read, node, x, axis)
    others = [group for place, group in enumerate(x.axes) if place != axis]
    x = read.arranged(x, [*others, tuple(sorted(x.axes[axis]))])
    return onto(read, x, "ln", values | {"eps": node.get("epsilon", 1e-5)}, weights)


def group_norm(word: str) -> Operator:
    def operator(read: Reader, node: Node) -> Tensor:
        x = read.map(node)
        values, weights = factors(read, node, x, 0)
        values |= {"eps": node.get("epsilon", 1e-5)}
        if word == "gn":
            values["groups"] = node.get("num_groups")
        if len(node.inputs) > 3:
            to = read.constant(node, 3)
            if to is None or reshaped(x.shape, to.values()) != [*x.shape]:
                raise Unknown(without_word(node.op))
        return onto(read, x, word, values, weights)

    return operator


def local_response(read: Reader, node: Node) -> Tensor:
    x, size = read.map(node), node.get("size", 1)
    if size % 2 == 0 and not node.get("centred"):
        raise without(node, f"size={size}")
    if node.get("channels", x.ours[-1]) != x.ours[-1]:
        raise Unknown(without_word(node.op))
    values = {"size": size, "alpha": node.get("alpha", 1e-4), "beta": node.get("beta", 0.75),
              "k": node.get("bias", 1.0)}  # fmt: skip
    return onto(read, x, "lrn", values)


# Activations


def plain(word: str, **usual: float) -> Operator:
    """An activation without arguments; `usual` are the attributes that it has to have."""

    def operator(read: Reader, node: Node) -> Tensor:
        for name, value in usual.items():
            if not isclose(node.get(name, value), value, rel_tol=1e-5):
                raise without(node, f"{name}={node.get(name)}")
        return onto(read, read.tensor(node), word)

    return operator


def curved(word: str, slot: str, default: float) -> Operator:
    """An activation with a number, `alpha`."""
    return lambda read, node: onto(
        read, read.tensor(node), word, {slot: node.get("alpha", default)}
    )


def gelu(read: Reader, node: Node) -> Tensor:
    return onto(read, read.tensor(node), "gelu", {"approx": node.get("approximate") == "tanh"})


def clip(read: Reader, node: Node) -> Tensor:
    if len(node.inputs) > 1:
        raise Unknown(
            Message("there is no word for `{operation}` by what is worked out", operation="Clip")
        )
    return bounded(read, node, read.tensor(node), node.get("min"), node.get("max"))


def bounded(read: Reader, node: Node, x: Tensor, low: float | None, high: float | None) -> Tensor:
    """A tensor between bounds."""
    low = None if low is None or low < -3e38 else low
    high = None if high is None or high > 3e38 else high
    if low is None and high is None:
        return x
    if low == 0 and high is None:
        return onto(read, x, "relu")
    if low is None or high is None:
        raise Unknown(
            Message("there is no word for `{operation}` with one bound", operation=node.op)
        )
    return onto(read, x, "clamp", {"low": low, "high": high})


def softmax(read: Reader, node: Node) -> Tensor:
    x, old = read.tensor(node), read.model.opset < 13
    axis = placed(node.get("axis", 1 if old else -1), x.shape)
    if axis == 0 or (old and prod(x.shape[axis + 1 :]) > 1):
        raise without(node, f"axis={axis}")
    if len(x.axes) == 1:
        return onto(read, read.map(node), "softmax")
    x, order = read.standard(x)
    return onto(read, x, "softmax", along(x, order, axis - 1))


def log_softmax(read: Reader, node: Node) -> Tensor:
    """Softmax, where nothing reads the logarithm."""
    result = softmax(read, node)
    message = without_word(node.op)
    read.graph.ops[result.op].logarithm = Problem("E601", message, node.where)
    return result


def along(x: Tensor, order: Sequence[int], axis: int) -> dict[str, Any]:
    """The argument that names an axis; none for the channels."""
    name = names_of(len(x.ours) - 1)[order.index(axis)]
    return {} if name == "channels" else {"axis": Word(name)}


def prelu(read: Reader, node: Node) -> Tensor:
    x, slope = read.map(node), read.constant(node, 1)
    if slope is None or slope.size != x.ours[-1] or (slope.size > 1 and stretched(x, slope) != 0):
        raise without(node, "slopes that are not one for each channel")
    return onto(read, x, "prelu", {}, {"alpha": slope})


def stretched(x: Tensor, constant: Constant) -> int | None:
    """The axis behind the batch that numbers follow, if it is one alone."""
    rank = len(x.shape)
    shape = (1,) * (rank - len(constant.shape)) + constant.shape
    axes = [axis for axis, size in enumerate(shape) if size != 1]
    if len(shape) != rank or len(axes) != 1 or not axes[0]:
        return None
    return axes[0] - 1 if shape[axes[0]] == x.shape[axes[0]] else None


def dropout(read: Reader, node: Node) -> Tensor:
    x, ratio = read.tensor(node), read.numbers(node, "ratio", 1)
    rate = float(ratio[0] if isinstance(ratio, list) else 0.5 if ratio is None else ratio)
    return onto(read, x, "dropout", {"rate": rate}) if rate else x


def cast(read: Reader, node: Node) -> Tensor:
    from onnx import TensorProto

    if node.get("to") not in (
        TensorProto.FLOAT, TensorProto.FLOAT16, TensorProto.BFLOAT16, TensorProto.DOUBLE
    ):  # fmt: skip
        raise without(node, f"to={node.get('to')}")
    return read.tensor(node)


def shape_of(read: Reader, node: Node) -> Constant:
    shape = read.tensor(node).shape[node.get("start", 0) : node.get("end")]
    return worked_out(node.outputs[0], shape)


def expand(read: Reader, node: Node) -> Tensor:
    """A map of one position that fills a larger one."""
    x, to = read.tensor(node), [int(size) for size in read.numbers(node, "shape", 1) or ()]
    if to and to[0] == read.batch:
        to[0] = 1
    to = [1] * (len(x.shape) - len(to)) + to
    if len(to) > len(x.shape):
        raise without(node, f"shape={to}")
    shape = tuple(map(max, x.shape, to))
    if shape == x.shape:
        return x
    x, order = read.standard(x)
    new = tuple(shape[axis + 1] for axis in order[:-1])
    if {*x.ours[:-1]} != {1} or shape[order[-1] + 1] != x.ours[-1] or shape[0] != 1:
        raise without(node, f"shape={to}")
    return lying(read, read.add("up", {"to": new}, [x.op]), order)


# Sums, products and the like


def merge(word: str) -> Operator:
    """An operation of tensors value by value, or of a tensor and numbers; without a word it is
    one with numbers alone."""

    def operator(read: Reader, node: Node) -> Tensor:
        given = [read.values[each] for each in node.inputs]
        tensors = [value for value in given if isinstance(value, Tensor)]
        constants = [value for value in given if isinstance(value, Constant)]
        if len(tensors) == len(constants) == 1:
            return by_numbers(read, node, tensors[0], constants[0], given[0] is constants[0])
        if constants or node.op == "Div" or (len(tensors) > 1 and not word):
            raise Unknown(of_two(node))
        return joined(read, node, word, tensors) if len(tensors) > 1 else tensors[0]

    return operator


def joined(read: Reader, node: Node, word: str, tensors: list[Tensor]) -> Tensor:
    """A merge of tensors, which lie alike then; vectors of factors for the channels may stay."""
    if word == "mul":
        tensors = [unstretched(tensor, read.graph, read) for tensor in tensors]
    largest = max(tensors, key=lambda tensor: (len(tensor.shape), prod(tensor.shape)))
    others = tensors
    if word == "mul" and all(len(tensor.axes) == len(largest.axes) for tensor in tensors):
        largest, order = read.standard(largest)
        others = [each for each in tensors if len(each.ours) > 1
                  or each.axes[order[-1]] != tuple(range(len(each.sizes)))]  # fmt: skip
    if any(tensor[1:] != largest[1:] for tensor in others):
        order = largest.order() or largest.first()
        tensors = [
            read.arranged(tensor, [tensor.axes[axis] for axis in order])
            if tensor in others and len(tensor.axes) == len(order) else tensor
            for tensor in tensors
        ]  # fmt: skip
    if any(len(tensor.shape) != len(largest.shape) for tensor in tensors) or (
        word != "mul" and any(tensor.shape != largest.shape for tensor in tensors)
    ):
        shapes = ["x".join(map(str, tensor.shape[1:])) for tensor in tensors[:2]]
        raise without(node, " and ".join(shapes))
    op = read.add(word, {}, [tensor.op for tensor in tensors])
    first, ours = max(tensors, key=lambda tensor: prod(tensor.shape)), read.graph.shape(op)
    return first._replace(op=op) if first.ours == ours else fresh(op, ours)


def by_numbers(read: Reader, node: Node, x: Tensor, constant: Constant, first: bool) -> Tensor:
    """A tensor and numbers: a bias, a factor for each channel, or a constant."""
    op = node.op
    if op in ("Max", "Min"):
        number = constant.scalar()
        if number is None:
            raise without(node, "many numbers")
        return bounded(read, node, x, *((number, None) if op == "Max" else (None, number)))
    if op not in ("Add", "Sum", "Mul", "Sub", "Div") or (op == "Div" and first):
        raise Unknown(without_word(op))
    axis = stretched(x, constant)
    if op in ("Add", "Sum") and (found := takes_bias(read, x, constant, axis)):
        return found
    number = constant.scalar()
    if read.model.producer == "cnndsl":
        fixed = not is_weight(read, constant)
    else:
        fixed = is_raw(read, x.op) or not constant.learned
    if number is None and (axis is None or not set(x.axes[axis]) <= {*x.channels()}):
        if not fixed or axis is None:
            raise without(node, f"an array of {'x'.join(map(str, constant.shape))}")
        x = read.arranged(x, [*(g for i, g in enumerate(x.axes) if i != axis), x.axes[axis]])
    if number is None and axis is not None and not fixed:
        if op != "Mul":
            raise without(node, f"{constant.size} numbers of its own")
        initial = constant.filled()
        values = {} if initial in (None, 1) else {"init": initial}
        return onto(read, x, "scale", values, {"scale": ordered(x, axis, constant)})
    numbers = tuple(constant.values()) if number is None else number
    if op == "Mul":
        return rescaled(read, x, numbers, 0)
    if op == "Div":
        return rescaled(read, x, each(lambda a: 1 / a if a else float("inf"), numbers), 0)
    if op == "Sub" and first:
        return rescaled(read, x, -1, numbers)
    return rescaled(read, x, 1, each(neg, numbers) if op == "Sub" else numbers)


def each(function: Callable[..., float], *numbers: Any) -> Any:
    """A function of numbers, or of each where some of them are several."""
    counts = [len(some) for some in numbers if isinstance(some, tuple)]
    if not counts:
        return function(*numbers)
    return tuple(
        map(function, *(some if isinstance(some, tuple) else (some,) * counts[0]
                        for some in numbers))
    )  # fmt: skip


def takes_bias(read: Reader, x: Tensor, constant: Constant, axis: int | None) -> Tensor | None:
    """A tensor whose layer takes numbers as its bias, if it has none and they fit."""
    made = read.graph.ops[x.op]
    lie = constant.size == 1 if axis is None else {*x.axes[axis]} == {*x.channels()}
    if x.op not in read.alone or "nobias" not in made.values or constant.size != x.ours[-1]:
        return None
    if not lie:
        return None
    values = {name: value for name, value in made.values.items() if name != "nobias"}
    read.again(x.op, values, {"bias": constant if axis is None else ordered(x, axis, constant)})
    read.alone.discard(x.op)
    return x


def is_raw(read: Reader, op: int) -> bool:
    """Whether an operation gives an input as it is, but for constant factors and summands."""
    ops, before = read.graph.ops, op
    while before not in read.raw and ops[before].word in ("rescale", "reshape", "permute", "slice"):
        before = ops[before].inputs[0]
    read.raw[op] = read.raw.get(before, ops[before].word == "input")
    return read.raw[op]


def rescaled(read: Reader, x: Tensor, scale: Any, offset: Any) -> Tensor:
    """A tensor times a constant and plus another; one that has been rescaled is so once more."""
    made = read.graph.ops[x.op]
    if made.word == "rescale" and x.op in read.alone:
        before, shift = made.values["scale"], made.values.get("offset", 0)
        # A product, and then a sum, are one layer; so are a sum, and then a product.
        if (scale == 1 and not shift) or (before == 1 and read.model.producer != "cnndsl"):
            both = each(mul, before, scale), each(lambda a, b, c: a * b + c, shift, scale, offset)
            scale, offset = (
                some[0] if isinstance(some, tuple) and len({*some}) == 1 else some for some in both
            )
            read.again(x.op, {"scale": scale, "offset": offset or None})
            read.alone.discard(x.op)
            return x
    op = read.add("rescale", {"scale": scale, "offset": offset or None}, [x.op])
    read.alone.add(op)
    return x._replace(op=op)


def concat(read: Reader, node: Node) -> Tensor:
    tensors = [read.tensor(node, index) for index in range(len(node.inputs))]
    first = tensors[0]
    if len(tensors) == 1:
        return first
    axis = placed(node.get("axis", 1), first.shape) - 1
    if axis < 0 or any(len(tensor.shape) != len(first.shape) for tensor in tensors):
        raise without(node, f"axis={node.get('axis')}")
    order = first.order() or first.first()
    tensors = [read.arranged(tensor, [tensor.axes[i] for i in order]) for tensor in tensors]
    op = read.add("concat", along(tensors[0], order, axis), [tensor.op for tensor in tensors])
    return lying(read, op, order)


# Parts of a tensor


def part(read: Reader, x: Tensor, spans: dict[int, tuple[int, int]]) -> Tensor:
    """What lies between the ends of spans, by their axes behind the batch."""
    spans = {axis: span for axis, span in spans.items() if span != (0, x.shape[axis + 1])}
    if any(not 0 <= begin < end <= x.shape[axis + 1] for axis, (begin, end) in spans.items()):
        raise refused(Message("a part of a tensor has no values"))
    if not spans:
        return x
    x, order = read.standard(x)
    op, *edges = (
        x.op,
        *(
            Pair(spans[axis][0], size - spans[axis][1]) if axis in spans else Pair(0, 0)
            for axis, size in zip(order[:-1], x.ours)
        ),
    )
    if any(map(any, edges)):
        op = read.add("crop", {"crop": tuple(edges)}, [op])
    if order[-1] in spans:
        op = read.add("slice", {"range": Pair(*spans[order[-1]])}, [op])
    return lying(read, op, order)


def sliced(read: Reader, node: Node) -> Tensor:
    x = read.tensor(node)
    starts, ends, axes, steps = (
        read.numbers(node, name, index) or []
        for index, name in enumerate(("starts", "ends", "axes", "steps"), 1)
    )
    if {*steps} - {1}:
        raise without(node, f"steps={steps}")
    spans: dict[int, tuple[int, int]] = {}
    for axis, begin, end in zip(axes or range(len(starts)), starts, ends):
        axis = placed(axis, x.shape)
        start, stop, _ = slice(int(begin), int(end)).indices(x.shape[axis])
        if axis:
            spans[axis - 1] = start, stop
        elif (start, stop) != (0, 1):
            raise without(node, "axes=0")
    return part(read, x, spans)


def split(read: Reader, node: Node) -> list[Value]:
    x, sizes = read.tensor(node), read.numbers(node, "split", 1)
    axis = placed(node.get("axis", 0), x.shape)
    if not axis:
        raise without(node, "axis=0")
    size, count = x.shape[axis], len(node.outputs)
    usual = -(-size // count)
    sizes = sizes or [min(usual, size - i * usual) for i in range(count)]
    if sum(sizes) != size:
        raise refused(Message("a part of a tensor has no values"))
    ends = [int(end) for end in accumulate(sizes, initial=0)]
    return [
        part(read, x, {axis - 1: span}) if read.readers[name] else x
        for name, span in zip(node.outputs, pairwise(ends))
    ]


def gather(read: Reader, node: Node) -> Tensor:
    x, at = read.tensor(node), read.constant(node, 1)
    axis = placed(node.get("axis", 0), x.shape) - 1
    if at is None or axis < 0 or len(at.shape) > 1 or at.size > 2**20:
        raise without(node, f"axis={axis + 1}")
    size = x.shape[axis + 1]
    places = [int(place) % size for place in at.values()]
    begin, count = places[0] if places else 0, len(places)
    if places == [*range(begin, begin + count)]:
        found = part(read, x, {axis: (begin, begin + count)})
        kept = [size for index, size in enumerate(found.shape[1:]) if index != axis]
        return found if at.shape else viewed(read, found, kept)
    if places == [i * size // count for i in range(count)]:
        x, order = read.standard(x)
        if (place := order.index(axis)) < len(order) - 1:
            return repeated(read, x, order, place, count)
    raise Unknown(without_word(node.op))


def repeated(read: Reader, x: Tensor, order: Sequence[int], axis: int, count: int) -> Tensor:
    """A map with the nearest pixels of a dimension; one that was just resized in another is so
    in both."""
    made, op = read.graph.ops[x.op], x.op
    to = list(x.ours[:-1])
    to[axis] = count
    if (
        made.word == "up"
        and "to" in made.values
        and op in read.alone
        and read.graph.shape(made.inputs[0])[axis] == x.ours[axis]
    ):
        read.again(op, {"to": tuple(to)})
    else:
        op = read.add("up", {"to": tuple(to)}, [op])
        read.alone.add(op)
    return lying(read, op, order)


# Sizes


def padded(read: Reader, node: Node) -> Tensor:
    x, given = read.tensor(node), read.numbers(node, "pads", 1) or read.numbers(node, "paddings", 1)
    value, axes = read.numbers(node, "value", 2), read.numbers(node, "axes", 3)
    around = [placed(axis, x.shape) for axis in axes or range(len(x.shape))]
    pads = [int(pad) for pad in given or [0] * 2 * len(around)]
    if len(pads) != 2 * len(around):
        raise refused(Message("a padding is of no possible size"))
    ends = dict(zip(around, zip(pads[: len(around)], pads[len(around) :])))
    if any(ends.pop(0, (0, 0))):
        raise without(node, f"pads={pads}")
    mode, number = node.get("mode", "constant"), value or 0
    number = (number[0] if number else 0) if isinstance(number, list) else number
    words = {"constant": "zeropad", "reflect": "reflectpad", "edge": "replicatepad"}
    if mode not in words or (mode == "constant" and number):
        raise without(node, f"mode={mode}" if mode not in words else f"value={number:g}")
    x = part(read, x, {axis - 1: (max(0, -begin), x.shape[axis] - max(0, -end))
                       for axis, (begin, end) in ends.items()})  # fmt: skip
    grown = {axis - 1: Pair(max(0, b), max(0, e)) for axis, (b, e) in ends.items()}
    if not any(map(any, grown.values())):
        return x
    x, order = read.standard(x)
    *sides, channels = (grown.get(axis, Pair(0, 0)) for axis in order)
    if any(channels):
        raise without(node, f"pads={pads}")
    return lying(read, read.add(words[mode], {"pad": tuple(sides)}, [x.op]), order)


def resize(read: Reader, node: Node) -> Tensor:
    """Pixels are where a rule says; it is held against those of the language, place by place."""
    old = node.op == "Upsample" or read.model.opset < 11
    x = read.tensor(node)
    scales = read.numbers(node, "scales", 1 if old else 2)
    sizes = None if old else read.numbers(node, "sizes", 3)
    if not sizes and not scales:
        raise Unknown(
            Message("there is no word for `{operation}` by what is worked out", operation=node.op)
        )
    axes = [placed(axis, x.shape) for axis in node.get("axes") or range(len(x.shape))]
    x, order = read.standard(x)
    shape, factor = list(x.shape), [Fraction(1)] * len(x.shape)
    for axis, given in zip(axes, sizes or scales or ()):
        if sizes:
            shape[axis] = int(given)
            factor[axis] = Fraction(shape[axis], x.shape[axis])
        else:
            factor[axis] = Fraction(given).limit_denominator(10**6)
            shape[axis] = floor(factor[axis] * x.shape[axis])
    if shape[0] != 1 or shape[order[-1] + 1] != x.ours[-1] or min(shape) < 1:
        raise without(node, f"sizes={shape}")
    if shape == [*x.shape]:
        return x
    new = [shape[axis + 1] for axis in order[:-1]]
    factors = [factor[axis + 1] for axis in order[:-1]]
    values = way_of(node, old, x.ours[:-1], new, factors)
    exact = all(f * size == n for f, n, size in zip(factors, new, x.ours))
    whole = all(f.denominator == 1 for f in factors)
    if exact and whole and (scales or all(size > 1 for size in x.ours[:-1])):
        values["factor"] = tuple(map(int, factors))
    elif exact and scales:
        values["factor"] = tuple(map(float, factors))
    else:
        values["to"] = tuple(new)
    return lying(read, read.add("up", values, [x.op]), order)


def way_of(
    node: Node, old: bool, sizes: Sequence[int], new: Sequence[int], factors: Sequence[Fraction]
) -> dict[str, Any]:
    """The flags that say how new pixels are filled in."""
    mode = node.get("mode", "nearest")
    rule = node.get("coordinate_transformation_mode", "asymmetric" if old else "half_pixel")
    told = f"coordinate_transformation_mode={rule}"
    if node.get("antialias") and any(n < size for n, size in zip(new, sizes)):
        raise without(node, "antialias=1")
    if node.get("keep_aspect_ratio_policy", "stretch") != "stretch":
        raise without(node, f"keep_aspect_ratio_policy={node.get('keep_aspect_ratio_policy')}")
    changed = [each for each in zip(sizes, new, factors) if each[0] != each[1]]
    if mode == "nearest":
        rounding = node.get("nearest_mode", "floor" if old else "round_prefer_floor")
        for size, n, factor in changed:
            if not is_nearest(rule, rounding, factor * size == n, factor.denominator == 1):
                raise without(node, f"{told} nearest_mode={rounding}")
        return {}
    if rule == "pytorch_half_pixel" and all(n > 1 for _, n, _ in changed):
        rule = "half_pixel"
    if rule not in ("half_pixel", "align_corners"):
        raise without(node, f"mode={mode} {told}")
    if rule == "half_pixel" and any(factor * size != n for size, n, factor in changed):
        raise without(node, f"scales={[float(f) for f in factors]}")
    aligned, bend = rule == "align_corners", node.get("cubic_coeff_a", -0.75)
    if mode in ("linear", "bilinear"):
        return {"aligned": aligned, "bilinear": True}
    if mode != "cubic" or bend != -0.75:
        raise without(node, f"mode={mode} cubic_coeff_a={bend}")
    if node.get("exclude_outside"):
        raise without(node, "exclude_outside=1")
    return {"aligned": aligned, "bicubic": True}


def is_nearest(rule: str, rounding: str, exact: bool, whole: bool) -> bool:
    """Whether pixel i is pixel i * size // n before, of n that were size, times a factor."""
    if rule == "asymmetric":
        return rounding == "floor" and exact
    if rule in ("half_pixel", "pytorch_half_pixel"):
        return rounding.startswith("round_prefer_") and exact and whole
    return rule == "tf_half_pixel_for_nn" and rounding == "floor" and exact and whole


def pixel_shuffle(word: str) -> Operator:
    return lambda read, node: mapped(
        read,
        word,
        {"factor": node.get("blocksize", 0), "dcr": node.get("mode", "DCR") == "DCR"},
        read.map(node),
    )


OPERATORS: dict[str, Operator] = {
    "Conv": convolution,
    "ConvTranspose": transposed,
    "MaxPool": pool("pool"),
    "AveragePool": pool("avgpool"),
    "MinPool": pool("minpool"),
    "GlobalAveragePool": global_pool("gap"),
    "GlobalMaxPool": global_pool("gmp"),
    "ReduceMean": reduction("gap", "channelmean", "avgpool"),
    "ReduceMax": reduction("gmp", "channelmax", "pool"),
    "Gemm": gemm,
    "MatMul": matmul,
    "Reshape": reshape,
    "Flatten": flatten,
    "Squeeze": squeeze,
    "Unsqueeze": unsqueeze,
    "Transpose": transpose,
    "BatchNormalization": batch_norm,
    "LayerNormalization": layer_norm,
    "GroupNormalization": group_norm("gn"),
    "InstanceNormalization": group_norm("inorm"),
    "LRN": local_response,
    "Relu": plain("relu"),
    "Relu6": plain("relu6"),
    "LeakyRelu": curved("leaky_relu", "slope", 0.01),
    "Elu": curved("elu", "alpha", 1.0),
    "Celu": plain("elu", alpha=1.0),
    "Selu": plain("selu", alpha=1.6732632, gamma=1.0507010),
    "PRelu": prelu,
    "Gelu": gelu,
    "Silu": plain("silu"),
    "Swish": plain("silu", alpha=1.0),
    "Mish": plain("mish"),
    "Softplus": plain("softplus"),
    "Sigmoid": plain("sigmoid"),
    "Tanh": plain("tanh"),
    "Softmax": softmax,
    "LogSoftmax": log_softmax,
    "HardSwish": plain("hard_swish"),
    "HardSigmoid6": plain("hard_sigmoid"),
    "Clip": clip,
    "Dropout": dropout,
    "Identity": lambda read, node: read.tensor(node),
    "Cast": cast,
    "Shape": shape_of,
    "Add": merge("add"),
    "Sum": merge("add"),
    "Sub": merge("subtract"),
    "Mul": merge("mul"),
    "Div": merge(""),
    "Max": merge("maximum"),
    "Min": merge(""),
    "Mean": merge("average"),
    "Neg": lambda read, node: rescaled(read, read.tensor(node), -1, 0),
    "Concat": concat,
    "Expand": expand,
    "Slice": sliced,
    "Split": split,
    "Gather": gather,
    "Pad": padded,
    "Resize": resize,
    "Upsample": resize,
    "DepthToSpace": pixel_shuffle("pixelshuffle"),
    "SpaceToDepth": pixel_shuffle("pixelunshuffle"),
}
"""The operators, those among them that patterns put together."""
