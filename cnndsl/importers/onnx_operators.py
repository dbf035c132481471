"""What the operators of ONNX are in the language, one by one."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from fractions import Fraction
from math import floor, isclose, prod
from typing import Any

from cnndsl.diagnostics.message import Message
from cnndsl.importers.channels_first import Tensor, fresh, laid
from cnndsl.importers.onnx_model import Constant, Node, Unknown, refused
from cnndsl.importers.onnx_reader import Operator, Reader, Value
from cnndsl.layers.base import axes_of as names_of
from cnndsl.layers.values import Pair, Word


def without(node: Node, what: str) -> Unknown:
    """The error that a form of an operation has no word; `what` is an attribute, as it is."""
    return Unknown(Message("`{operation}` with {what} has no word", operation=node.op, what=what))


def placed(axis: int, shape: Sequence[int]) -> int:
    """An axis of a shape, counted from the front. Raises IndexError where there is none."""
    return range(len(shape))[int(axis)]


# Windows


def windows(node: Node, kernel: Sequence[int]) -> dict[str, Any]:
    """The arguments that say how windows lie."""
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
    elif auto == "NOTSET" and any(pads):
        values["pad"] = tuple(map(Pair, pads[:rank], pads[rank:]))
    elif auto not in ("NOTSET", "VALID"):
        values["pad"] = auto
    return values


def lower(values: dict[str, Any], sizes: Sequence[int]) -> dict[str, Any]:
    """The same with the padding of SAME_LOWER worked out: the odd pixel at the begin."""
    if values.get("pad") != "SAME_LOWER":
        return values
    dilations = values.get("dilation") or (1,) * len(sizes)
    pads = []
    for size, kernel, stride, dilation in zip(sizes, values["kernel"], values["stride"], dilations):
        over = max(0, (-(-size // stride) - 1) * stride + dilation * (kernel - 1) + 1 - size)
        pads.append(Pair(over - over // 2, over // 2))
    return values | {"pad": tuple(pads)}


def kernel_of(read: Reader, node: Node) -> Constant:
    """The kernel of a convolution, filters or inputs first."""
    kernel = read.constant(node, 1)
    if kernel is None or len(kernel.shape) < 3 or not all(kernel.shape):
        raise refused(Message("a kernel is of no possible size"), node.where)
    return kernel


def biased(read: Reader, node: Node, weights: dict[str, Constant], values: dict[str, Any]) -> None:
    """Take the bias of a convolution, if it has one."""
    bias = read.constant(node, 2)
    if bias is None:
        values["nobias"] = True
    else:
        weights["bias"] = bias


def applied(
    read: Reader, word: str, values: dict[str, Any], x: Tensor, weights: dict[str, Constant]
) -> Tensor:
    """The output of a layer that a map goes through."""
    op = read.add(word, values, [x.op], weights)
    if values.get("nobias"):
        read.alone.add(op)
    return fresh(op, read.graph.shape(op))


def convolution(read: Reader, node: Node) -> Tensor:
    x, kernel = read.map(node), kernel_of(read, node)
    filters, inputs, *sizes = kernel.shape
    channels, groups = x.ours[-1], node.get("group", 1)
    space = range(2, len(kernel.shape))
    values = lower(windows(node, sizes), x.ours[:-1])
    if groups < 1 or inputs * groups != channels or filters % groups:
        message = Message(
            "a kernel for {count} channels meets {channels}", count=inputs * groups,
            channels=channels,
        )  # fmt: skip
        raise refused(message, node.where)
    weights: dict[str, Constant] = {}
    biased(read, node, weights, values)
    if groups == channels > 1:
        kernel = kernel.reshaped(channels, filters // channels, *sizes)
        weights["depthwise"] = kernel.transposed(*space, 0, 1)
        return applied(read, "dwconv", values | {"mult": filters // channels}, x, weights)
    weights["kernel"] = kernel.transposed(*space, 1, 0)
    return applied(read, "conv", values | {"filters": filters, "groups": groups}, x, weights)


def transposed(read: Reader, node: Node) -> Tensor:
    x, kernel = read.map(node), kernel_of(read, node)
    inputs, each, *sizes = kernel.shape
    groups, rank = node.get("group", 1), len(sizes)
    if groups < 1 or inputs % groups or inputs != x.ours[-1]:
        message = Message(
            "a kernel for {count} channels meets {channels}", count=inputs, channels=x.ours[-1]
        )
        raise refused(message, node.where)
    values = windows(node, sizes) | {"filters": each * groups, "groups": groups}
    cut_or_grown(node, values, x.ours[:-1])
    weights: dict[str, Constant] = {}
    biased(read, node, weights, values)
    kernel = kernel.reshaped(groups, inputs // groups, each, *sizes)
    weights["kernel"] = kernel.transposed(*range(3, rank + 3), 1, 0, 2)
    return applied(read, "deconv", values, x, weights)


def cut_or_grown(node: Node, values: dict[str, Any], sizes: Sequence[int]) -> None:
    """Write the padding of a transposed convolution as what is cut off.

    What is added at the end cuts less off; where more is added, `same` may say it.
    """
    rank = len(sizes)
    kernels, strides = values["kernel"], values["stride"]
    extents = [d * (k - 1) + 1 for d, k in zip(values.get("dilation") or (1,) * rank, kernels)]
    grow = node.get("output_padding") or [0] * rank
    pads = [(pad.begin, pad.end) for pad in values.get("pad", ())] if not isinstance(
        values.get("pad"), str) else []  # fmt: skip
    pads = pads or [(0, 0)] * rank
    auto, shape = node.get("auto_pad", "NOTSET"), node.get("output_shape")
    upper = auto == "SAME_UPPER"
    if shape or auto.startswith("SAME"):
        wanted = shape[-rank:] if shape else [size * s for size, s in zip(sizes, strides)]
        pads = []
        for size, stride, extent, more, want in zip(sizes, strides, extents, grow, wanted):
            over = stride * (size - 1) + more + extent - want
            # The specification halves towards 0 at the end for SAME_UPPER, else at the begin.
            half = over // 2
            pads.append((half, over - half) if upper else (over - half, half))
    values.pop("same", None)
    cut = [(begin, end - more) for (begin, end), more in zip(pads, grow)]
    values["pad"] = tuple(Pair(*pair) for pair in cut)
    same = [(max(0, e - s) // 2, max(0, e - s) - max(0, e - s) // 2 - max(0, s - e))
            for e, s in zip(extents, strides)]  # fmt: skip
    if cut == same:
        del values["pad"]
        values["same"] = True
    elif min(min(pair) for pair in cut) < 0:
        raise without(node, f"output_padding={grow}")
    elif not any(map(any, cut)):
        del values["pad"]


def pool(word: str) -> Operator:
    def operator(read: Reader, node: Node) -> Tensor:
        x = read.map(node)
        kernel = node.get("kernel_shape") or []
        if not kernel or min(kernel) < 1:
            raise refused(Message("a pool is of no possible size"), node.where)
        values = lower(windows(node, kernel), x.ours[:-1])
        if node.get("ceil_mode"):
            values["ceil"] = True
        if word == "avgpool":
            if "dilation" in values:
                raise without(node, f"dilations={node.get('dilations')}")
            values["countpad"] = bool(node.get("count_include_pad")) and (
                "pad" in values or "same" in values
            )
        if node.get("storage_order"):
            raise without(node, "storage_order=1")
        return applied(read, word, values, x, {})

    return operator


def shared_pool(read: Reader, node: Node) -> Tensor:
    """A pool of windows that share the image, laid side by side before it."""
    x, kernel, places = read.map(node), node.get("kernel_shape"), node.get("places")
    to = []
    for axis, (size, width) in enumerate(zip(x.ours, kernel), 2):
        at = [int(place) % size for place in places.get(axis, range(size))]
        count = len(at) // width
        bounds = [(i * size // count, -(-(i + 1) * size // count)) for i in range(count)]
        if at != [min(a + i, b - 1) for a, b in bounds for i in range(width)]:
            raise Unknown(Message("`{operation}` has no word", operation="Gather"))
        to.append(count)
    return applied(read, node.get("word"), {"to": tuple(to)}, x, {})


def shared_mean(read: Reader, node: Node) -> Tensor:
    """A product with the shares that pixels have of windows."""
    found = re.fullmatch(r"nc(\w+?)((?:,\w\w)+)->nc(\w+)", node.get("equation", ""))
    x = read.map(node)
    terms = found[2][1:].split(",") if found else []
    if not found or terms != [a + b for a, b in zip(found[1], found[3])]:
        raise without(node, f"equation={node.get('equation', '')[:100]}")
    to = []
    for index, size in enumerate(x.ours[:-1], 1):
        shares = read.constant(node, index)
        count = shares.shape[-1] if shares is not None else 0
        bounds = [(i * size // count, -(-(i + 1) * size // count)) for i in range(count)]
        wanted = [(a <= i < b) / (b - a) for i in range(size) for a, b in bounds]
        if shares is None or shares.size != len(wanted) or not all(
            isclose(one, other, rel_tol=1e-6) for one, other in zip(shares.values(), wanted)
        ):  # fmt: skip
            raise without(node, f"equation={node.get('equation', '')[:100]}")
        to.append(count)
    return applied(read, "avgpool", {"to": tuple(to)}, x, {})


def global_pool(word: str) -> Operator:
    return lambda read, node: applied(read, word, {"keep": True}, read.map(node), {})


def reduction(pooled: str, over_channels: str, windowed: str) -> Operator:
    """The mean or the largest value along axes."""

    def operator(read: Reader, node: Node) -> Tensor:
        x = read.tensor(node)
        given = read.numbers(node, "axes", 1)
        axes = range(len(x.shape)) if given is None else given
        reduced = [placed(axis, x.shape) - 1 for axis in axes]
        if -1 in reduced:
            raise without(node, f"axes={[*axes]}")
        x, order = read.standard(x)
        ours = {order.index(axis) for axis in reduced}
        last = len(order) - 1
        if ours and ours == {*range(last)}:
            op = read.emit(pooled, {"keep": True}, x.op)
        elif ours == {last}:
            op = read.emit(over_channels, {}, x.op)
        elif last not in ours:
            kernel = tuple(x.ours[axis] if axis in ours else 1 for axis in range(last))
            op = read.emit(windowed, {"kernel": kernel}, x.op)
        else:
            raise without(node, f"axes={[*axes]}")
        found = laid(op, read.graph.shape(op), inverse(order))
        if node.get("keepdims", 1):
            return found
        kept = [size for axis, size in enumerate(found.shape[1:]) if axis not in reduced]
        return viewed(read, node, found, kept)

    return operator


def inverse(order: Sequence[int]) -> tuple[int, ...]:
    """The order that undoes one."""
    return tuple(sorted(range(len(order)), key=order.__getitem__))


# Shapes


def viewed(read: Reader, node: Node, x: Tensor, shape: Sequence[int]) -> Tensor:
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
    batch = read.batch
    if to and to[0] == batch and batch > 1 and to[0] != -1:
        to[0] = 1
    try:
        shape = reshaped(x.shape, to, bool(node.get("allowzero")))
    except (IndexError, ValueError):
        message = Message(
            "{count:,} values do not fit the shape {shape}", count=prod(x.shape),
            shape="x".join(map(str, to))[:100],
        )  # fmt: skip
        raise refused(message, node.where) from None
    return behind_batch(read, node, x, shape)


def behind_batch(read: Reader, node: Node, x: Tensor, shape: Sequence[int]) -> Tensor:
    if len(shape) < 2 or shape[0] != 1:
        raise Unknown(Message("`{operation}` that moves the batch has no word", operation=node.op))
    return viewed(read, node, x, shape[1:])


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
        raise refused(Message("a dimension of more than one value is taken away"), node.where)
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
        raise refused(Message("an order of dimensions is none of its input"), node.where)
    if order[0] != 0:
        raise Unknown(Message("`{operation}` that moves the batch has no word", operation=node.op))
    return x.permuted(axis - 1 for axis in order[1:])


# Dense layers


def linear(
    read: Reader, x: Tensor, kernel: Constant, bias: Constant | None, values: dict[str, Any]
) -> Tensor:
    """A product of the last axis with a matrix (in, out), and a summand."""
    inputs, outputs = kernel.shape
    if inputs != x.shape[-1]:
        message = Message(
            "a kernel for {count} channels meets {channels}", count=inputs, channels=x.shape[-1]
        )
        raise refused(message, read.at.where)
    split, places = x.order_within(len(x.axes) - 1)
    if split:
        kernel = kernel.reshaped(*split, outputs).transposed(*places, len(split))
    *others, last = x.axes
    x = read.arranged(x, [*others, tuple(sorted(last))])
    weights = {"kernel": kernel} | ({} if bias is None else {"bias": bias})
    values = values | {"nobias": bias is None}
    if not others:
        return applied(read, "dense", values | {"units": outputs}, x, weights)
    ones = (1,) * len(others)
    found = applied(read, "conv", values | {"filters": outputs, "kernel": ones}, x, weights)
    return laid(found.op, found.ours, range(len(found.ours)))


def gemm(read: Reader, node: Node) -> Tensor:
    x, kernel, bias = read.tensor(node), read.constant(node, 1), read.constant(node, 2)
    for name, usual in (("alpha", 1), ("beta", 1), ("transA", 0)):
        if node.get(name, usual) != usual and (name != "beta" or bias is not None):
            raise without(node, f"{name}={node.get(name)}")
    if kernel is None or len(kernel.shape) != 2 or len(x.axes) != 1:
        raise refused(Message("a kernel is of no possible size"), node.where)
    if node.get("transB"):
        kernel = kernel.transposed(1, 0)
    if bias is not None and bias.size != kernel.shape[1]:
        raise without(node, f"C of {'x'.join(map(str, bias.shape)) or 1}")
    return linear(read, x, kernel, bias, {})


def matmul(read: Reader, node: Node) -> Tensor:
    if isinstance(read.values[node.inputs[0]], Tensor) and not isinstance(
        read.values[node.inputs[1]], Tensor
    ):
        x, kernel = read.tensor(node), read.constant(node, 1)
        assert kernel is not None
        if len(kernel.shape) >= 2 and prod(kernel.shape[:-2]) == 1:
            return linear(read, x, kernel.reshaped(*kernel.shape[-2:]), None, {})
    message = Message("`{operation}` of two tensors has no word", operation=node.op)
    raise Unknown(message, certain=True)


# Normalisations


def ordered(x: Tensor, axis: int, constant: Constant) -> Constant:
    """Numbers along an axis, in the order that ours has."""
    split, places = x.order_within(axis)
    return constant.reshaped(*split).transposed(*places) if split else constant


def factors(
    read: Reader, node: Node, x: Tensor, axis: int, first: int = 1
) -> tuple[dict[str, Any], dict[str, Constant]]:
    """The arguments and weights for the factors and summands of a normalisation.

    Ones and zeros that stand beside the operation are none.
    """
    values: dict[str, Any] = {}
    weights: dict[str, Constant] = {}
    for index, role, flag, idle in ((0, "gamma", "noscale", 1), (1, "beta", "noshift", 0)):
        constant = read.constant(node, first + index)
        if constant is None or (not is_weight(read, constant) and constant.filled() == idle):
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
    return constant.learned and "::" not in name and not name.isdigit()


def batch_norm(read: Reader, node: Node) -> Tensor:
    if node.get("training_mode"):
        raise without(node, "training_mode=1")
    x = read.tensor(node)
    split = [ordered(x, 0, each) if len(x.axes) == 1 else each
             for each in (read.constant(node, index) for index in (3, 4)) if each]  # fmt: skip
    if len(split) != 2:
        raise refused(Message("a normalisation has no statistics"), node.where)
    if len(x.axes) == 1:
        values, weights = factors(read, node, x, 0)
        x = read.map(node)
    else:
        x = read.map(node)
        values, weights = factors(read, node, x, 0)
    values |= {"eps": node.get("epsilon", 1e-5), "momentum": node.get("momentum", 0.9)}
    weights |= dict(zip(("mean", "variance"), split))
    op = read.add("bn", values, [x.op], weights)
    return x._replace(op=op)


def layer_norm(read: Reader, node: Node) -> Tensor:
    x = read.tensor(node)
    rank = len(x.shape)
    axes = node.get("axes")
    if axes is None:
        axes = range(placed(node.get("axis", -1), x.shape), rank)
    normalised = sorted(placed(axis, x.shape) for axis in axes)
    values: dict[str, Any] = {"eps": node.get("epsilon", 1e-5)}
    if normalised == [*range(1, rank)] and rank > 2:
        flags, weights = factors(read, node, x, 0)
        if weights:
            raise without(node, f"axes={normalised}")
        x, _ = read.standard(x)
        return x._replace(op=read.emit("gn", values | flags | {"groups": 1}, x.op))
    if len(normalised) != 1 or not normalised[0]:
        raise without(node, f"axes={normalised}")
    axis = normalised[0] - 1
    flags, weights = factors(read, node, x, axis)
    others = [group for place, group in enumerate(x.axes) if place != axis]
    x = read.arranged(x, [*others, tuple(sorted(x.axes[axis]))])
    return x._replace(op=read.add("ln", values | flags, [x.op], weights))


def group_norm(word: str) -> Operator:
    def operator(read: Reader, node: Node) -> Tensor:
        x = read.map(node)
        values, weights = factors(read, node, x, 0)
        values["eps"] = node.get("epsilon", 1e-5)
        if word == "gn":
            values["groups"] = node.get("num_groups")
        if len(node.inputs) > 3:
            to = read.constant(node, 3)
            if to is None or reshaped(x.shape, to.values()) != [*x.shape]:
                raise Unknown(Message("`{operation}` has no word", operation=node.op))
        return x._replace(op=read.add(word, values, [x.op], weights))

    return operator


def local_response(read: Reader, node: Node) -> Tensor:
    x, size = read.map(node), node.get("size", 1)
    if size % 2 == 0 and not node.get("centred"):
        raise without(node, f"size={size}")
    if node.get("channels", x.ours[-1]) != x.ours[-1]:
        raise Unknown(Message("`{operation}` has no word", operation=node.op))
    values = {"size": size, "alpha": node.get("alpha", 1e-4), "beta": node.get("beta", 0.75),
              "k": node.get("bias", 1.0)}  # fmt: skip
    return x._replace(op=read.emit("lrn", values, x.op))


# Activations


def plain(word: str, **usual: Any) -> Operator:
    """An activation without arguments; `usual` are the attributes that it has to have."""

    def operator(read: Reader, node: Node) -> Tensor:
        for name, value in usual.items():
            if not isclose(node.get(name, value), value, rel_tol=1e-5):
                raise without(node, f"{name}={node.get(name)}")
        x = read.tensor(node)
        return x._replace(op=read.emit(word, {}, x.op))

    return operator


def curved(word: str, slot: str, default: float) -> Operator:
    """An activation with a number, `alpha`."""

    def operator(read: Reader, node: Node) -> Tensor:
        x = read.tensor(node)
        return x._replace(op=read.emit(word, {slot: node.get("alpha", default)}, x.op))

    return operator


def gelu(read: Reader, node: Node) -> Tensor:
    x = read.tensor(node)
    return x._replace(op=read.emit("gelu", {"approx": node.get("approximate") == "tanh"}, x.op))


def clip(read: Reader, node: Node) -> Tensor:
    x, low, high = read.tensor(node), node.get("min"), node.get("max")
    if len(node.inputs) > 1:
        raise Unknown(Message("`{operation}` by what is worked out has no word", operation="Clip"))
    return bounded(read, node, x, low, high)


def bounded(read: Reader, node: Node, x: Tensor, low: float | None, high: float | None) -> Tensor:
    """A tensor between bounds."""
    low = None if low is None or low < -3e38 else low
    high = None if high is None or high > 3e38 else high
    if low == 0 and high is None:
        return x._replace(op=read.emit("relu", {}, x.op))
    if low is None and high is None:
        return x
    if low is None or high is None:
        raise Unknown(Message("`{operation}` with one bound has no word", operation=node.op))
    return x._replace(op=read.emit("clamp", {"low": low, "high": high}, x.op))


def softmax(read: Reader, node: Node) -> Tensor:
    x, old = read.tensor(node), read.model.opset < 13
    axis = placed(node.get("axis", 1 if old else -1), x.shape)
    if axis == 0 or (old and prod(x.shape[axis + 1 :]) > 1):
        raise without(node, f"axis={axis}")
    if len(x.axes) > 1:
        x, order = read.standard(x)
        values = along(x, order, axis - 1)
    else:
        values, x = {}, read.map(node)
    return x._replace(op=read.emit("softmax", values, x.op))


def along(x: Tensor, order: Sequence[int], axis: int) -> dict[str, Any]:
    """The argument that names an axis; none for the channels."""
    name = names_of(len(x.ours) - 1)[order.index(axis)]
    return {} if name == "channels" else {"axis": Word(name)}


def prelu(read: Reader, node: Node) -> Tensor:
    slope = read.constant(node, 1)
    x = read.map(node)
    channels = x.ours[-1]
    if slope is None or slope.size != channels or not fits(x, slope):
        raise without(node, "slopes that are not one for each channel")
    return x._replace(op=read.add("prelu", {}, [x.op], {"alpha": slope}))


def fits(x: Tensor, constant: Constant) -> bool:
    """Whether an array has a number for each channel of a map, which come first."""
    return constant.size == 1 or stretched(x, constant) == 0


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
    return x._replace(op=read.emit("dropout", {"rate": rate}, x.op)) if rate else x


def same(read: Reader, node: Node) -> Tensor:
    return read.tensor(node)


def cast(read: Reader, node: Node) -> Tensor:
    from onnx import TensorProto

    if node.get("to") not in (
        TensorProto.FLOAT, TensorProto.FLOAT16, TensorProto.BFLOAT16, TensorProto.DOUBLE
    ):  # fmt: skip
        raise without(node, f"to={node.get('to')}")
    return read.tensor(node)


def shape_of(read: Reader, node: Node) -> Constant:
    import numpy

    x = read.tensor(node)
    found = numpy.array(x.shape[node.get("start", 0) : node.get("end")], numpy.int64)
    return Constant(node.outputs[0], found.shape, lambda: found, False)


def size_of(read: Reader, node: Node) -> Constant:
    import numpy

    found = numpy.array(prod(read.tensor(node).shape), numpy.int64)
    return Constant(node.outputs[0], (), lambda: found, False)


# Sums, products and the like


def merge(word: str) -> Operator:
    """An operation of tensors value by value, or of a tensor and numbers."""

    def operator(read: Reader, node: Node) -> Tensor:
        given = [read.values[each] for each in node.inputs]
        tensors = [value for value in given if isinstance(value, Tensor)]
        if len(given) == 2 and len(tensors) == 1:
            constant = given[1] if isinstance(given[0], Tensor) else given[0]
            assert isinstance(constant, Constant)
            return by_numbers(read, node, tensors[0], constant, given[0] is constant)
        if len(tensors) != len(given) or (node.op == "Div"):
            raise Unknown(Message("`{operation}` of two tensors has no word", operation=node.op))
        if len(tensors) == 1:
            return tensors[0]
        return joined(read, node, word, tensors)

    return operator


def joined(read: Reader, node: Node, word: str, tensors: list[Tensor]) -> Tensor:
    """A merge of tensors, which lie alike then."""
    largest = max(tensors, key=lambda tensor: (len(tensor.shape), prod(tensor.shape)))
    if word != "mul" or any(len(tensor.axes) != len(largest.axes) for tensor in tensors):
        tensors = alike(read, tensors, largest)
    else:
        largest, order = read.standard(largest)
        tensors = [
            tensor if is_factors(tensor, order) else alike(read, [tensor], largest)[0]
            for tensor in tensors
        ]
    if any(len(tensor.shape) != len(largest.shape) for tensor in tensors) or (
        word != "mul" and any(tensor.shape != largest.shape for tensor in tensors)
    ):
        shapes = " and ".join("x".join(map(str, each.shape[1:])) for each in tensors[:2])
        raise without(node, shapes)
    op = read.add(word, {}, [tensor.op for tensor in tensors])
    first = max(tensors, key=lambda tensor: prod(tensor.shape))
    return first._replace(op=op) if first.ours == read.graph.shape(op) else fresh(
        op, read.graph.shape(op))  # fmt: skip


def is_factors(tensor: Tensor, order: Sequence[int]) -> bool:
    """Whether a tensor is a vector of factors for the channels, the last of the axes."""
    return len(tensor.ours) == 1 and tensor.axes[order[-1]] == tuple(range(len(tensor.sizes)))


def alike(read: Reader, tensors: list[Tensor], model: Tensor) -> list[Tensor]:
    """Tensors arranged alike, as far as they are not."""
    if all(tensor[1:] == model[1:] for tensor in tensors):
        return tensors
    order = model.order() or model.first()
    return [
        read.arranged(tensor, [tensor.axes[axis] for axis in order])
        if len(tensor.axes) == len(order) else tensor
        for tensor in tensors
    ]  # fmt: skip


def by_numbers(read: Reader, node: Node, x: Tensor, constant: Constant, first: bool) -> Tensor:
    """A tensor and numbers: a bias, a factor for each channel, or a constant."""
    op = node.op
    if op in ("Max", "Min"):
        number = constant.scalar()
        if number is None:
            raise without(node, "many numbers")
        return bounded(read, node, x, *((number, None) if op == "Max" else (None, number)))
    if op not in ("Add", "Sum", "Mul", "Sub", "Div") or (op == "Div" and first):
        raise Unknown(Message("`{operation}` has no word", operation=op))
    axis = stretched(x, constant)
    if op in ("Add", "Sum") and (found := takes_bias(read, x, constant, axis)):
        return found
    number = constant.scalar()
    fixed = not is_weight(read, constant)
    if read.model.producer != "cnndsl":
        fixed = is_raw(read, x.op) or not constant.learned
    if number is None and (axis is None or not set(x.axes[axis]) <= {*x.channels()}):
        if not fixed or axis is None:
            raise without(node, f"an array of {'x'.join(map(str, constant.shape))}")
        x = read.arranged(x, [*(g for i, g in enumerate(x.axes) if i != axis), x.axes[axis]])
    if number is None and not fixed:
        if op != "Mul":
            raise without(node, f"{constant.size} numbers of its own")
        assert axis is not None
        initial = constant.filled()
        values = {} if initial in (None, 1) else {"init": initial}
        weight = ordered(x, axis, constant)
        return x._replace(op=read.add("scale", values, [x.op], {"scale": weight}))
    numbers = tuple(constant.values()) if number is None else number
    scale: Any = 1
    offset: Any = 0
    if op == "Mul":
        scale = numbers
    elif op == "Div":
        scale = by(numbers, lambda value: 1 / value if value else float("inf"))
    elif op == "Sub" and first:
        scale, offset = -1, numbers
    else:
        offset = by(numbers, lambda value: -value) if op == "Sub" else numbers
    return rescaled(read, x, scale, offset)


def negative(read: Reader, node: Node) -> Tensor:
    return rescaled(read, read.tensor(node), -1, 0)


def by(numbers: Any, function: Callable[[float], float]) -> Any:
    """A function of a number, or of each."""
    return tuple(map(function, numbers)) if isinstance(numbers, tuple) else function(numbers)


def takes_bias(read: Reader, x: Tensor, constant: Constant, axis: int | None) -> Tensor | None:
    """A tensor whose layer takes numbers as its bias, if it has none and they fit."""
    made = read.graph.ops[x.op]
    channels = x.channels()
    if x.op not in read.alone or not made.values.get("nobias"):
        return None
    if constant.size != x.ours[-1] or (axis is None and constant.size > 1):
        return None
    if axis is not None and {*x.axes[axis]} != {*channels}:
        return None
    bias = constant if axis is None else ordered(x, axis, constant)
    values = {name: value for name, value in made.values.items() if name != "nobias"}
    read.again(x.op, values, {"bias": bias})
    read.alone.discard(x.op)
    return x


def is_raw(read: Reader, op: int) -> bool:
    """Whether an operation gives an input as it is, but for constant factors and summands."""
    way = []
    while op not in read.raw:
        made = read.graph.ops[op]
        way.append(op)
        if made.word not in ("rescale", "reshape", "permute", "slice"):
            read.raw[op] = made.word == "input"
        else:
            op = made.inputs[0]
    read.raw.update(dict.fromkeys(way, read.raw[op]))
    return read.raw[op]


def rescaled(read: Reader, x: Tensor, scale: Any, offset: Any) -> Tensor:
    """A tensor times a constant and plus another; one that has been rescaled is so once more."""
    made = read.graph.ops[x.op]
    if made.word == "rescale" and x.op in read.alone:
        before, shift = made.values["scale"], made.values.get("offset", 0)
        # A product, and then a sum, are one layer; so are a sum, and then a product.
        if (scale == 1 and not shift) or (before == 1 and read.model.producer != "cnndsl"):
            count = max(len(each) if isinstance(each, tuple) else 1
                        for each in (before, shift, scale, offset))  # fmt: skip
            old, less, new, more = (spread(each, count) for each in (before, shift, scale, offset))
            factor = tuple(a * b for a, b in zip(old, new))
            summand = tuple(a * b + c for a, b, c in zip(less, new, more))
            read.again(x.op, constants(factor, summand))
            read.alone.discard(x.op)
            return x
    op = read.emit("rescale", {"scale": scale, "offset": offset or None}, x.op)
    read.alone.add(op)
    return x._replace(op=op)


def constants(scale: Any, offset: Any) -> dict[str, Any]:
    """The arguments of a rescaling, as one number where all are the same."""
    one = [each[0] if len({*each}) == 1 else each for each in (scale, offset)]
    return {"scale": one[0], "offset": one[1] or None}


def spread(numbers: Any, count: int) -> tuple[float, ...]:
    return numbers if isinstance(numbers, tuple) else (numbers,) * count


def concat(read: Reader, node: Node) -> Tensor:
    tensors = [read.tensor(node, index) for index in range(len(node.inputs))]
    if len(tensors) == 1:
        return tensors[0]
    first = tensors[0]
    axis = placed(node.get("axis", 1), first.shape) - 1
    if axis < 0 or any(len(tensor.shape) != len(first.shape) for tensor in tensors):
        raise without(node, f"axis={node.get('axis')}")
    order = first.order() or first.first()
    if len(first.axes) == 1:
        tensors = [read.arranged(tensor, [tensor.axes[0]]) for tensor in tensors]
    else:
        tensors = [
            read.arranged(tensor, [tensor.axes[each] for each in order]) for tensor in tensors
        ]
    op = read.add("concat", along(tensors[0], order, axis), [tensor.op for tensor in tensors])
    return laid(op, read.graph.shape(op), inverse(order))


# Parts of a tensor


def part(read: Reader, node: Node, x: Tensor, spans: dict[int, tuple[int, int]]) -> Tensor:
    """What lies between the ends of spans, by their axes behind the batch."""
    spans = {axis: span for axis, span in spans.items() if span != (0, x.shape[axis + 1])}
    if any(not 0 <= begin < end <= x.shape[axis + 1] for axis, (begin, end) in spans.items()):
        raise refused(Message("a part of a tensor has no values"), node.where)
    if not spans:
        return x
    if len(x.axes) == 1:
        x, order = read.arranged(x, [x.axes[0]]), (0,)
    else:
        x, order = read.standard(x)  # type: ignore[assignment]
    op, last = x.op, len(order) - 1
    ours = {order.index(axis): span for axis, span in spans.items()}
    edges = tuple(
        Pair(ours[axis][0], x.ours[axis] - ours[axis][1]) if axis in ours else Pair(0, 0)
        for axis in range(last)
    )
    if any(map(any, edges)):
        op = read.emit("crop", {"crop": edges}, op)
    if last in ours:
        op = read.emit("slice", {"range": Pair(*ours[last])}, op)
    return laid(op, read.graph.shape(op), inverse(order))


def sliced(read: Reader, node: Node) -> Tensor:
    x = read.tensor(node)
    starts, ends = read.numbers(node, "starts", 1), read.numbers(node, "ends", 2)
    axes, steps = read.numbers(node, "axes", 3), read.numbers(node, "steps", 4)
    spans: dict[int, tuple[int, int]] = {}
    starts, ends = starts or [], ends or []
    for index, (begin, end) in enumerate(zip(starts, ends)):
        axis = placed(axes[index] if axes else index, x.shape)
        span = slice(int(begin), int(end), int(steps[index]) if steps else 1)
        if span.step != 1:
            raise without(node, f"steps={steps}")
        start, stop, _ = span.indices(x.shape[axis])
        if axis:
            spans[axis - 1] = start, stop
        elif (start, stop) != (0, 1):
            raise without(node, "axes=0")
    return part(read, node, x, spans)


def split(read: Reader, node: Node) -> list[Value]:
    x, sizes = read.tensor(node), read.numbers(node, "split", 1)
    axis = placed(node.get("axis", 0), x.shape)
    if not axis:
        raise without(node, "axis=0")
    size, count = x.shape[axis], len(node.outputs)
    each = -(-size // count)
    sizes = sizes or [min(each, size - i * each) for i in range(count)]
    if sum(sizes) != size:
        raise refused(Message("a part of a tensor has no values"), node.where)
    found: list[Value] = []
    begin = 0
    for name, length in zip(node.outputs, sizes):
        span = begin, begin + int(length)
        used = bool(read.readers[name])
        found.append(part(read, node, x, {axis - 1: span}) if used else x)
        begin += int(length)
    return found


def gather(read: Reader, node: Node) -> Tensor:
    x, at = read.tensor(node), read.constant(node, 1)
    axis = placed(node.get("axis", 0), x.shape) - 1
    size = x.shape[axis + 1]
    if at is None or axis < 0 or len(at.shape) > 1 or at.size > 2**20:
        raise without(node, f"axis={axis + 1}")
    places = [int(place) % size for place in at.values()]
    begin, count = places[0] if places else 0, len(places)
    if places == [*range(begin, begin + count)]:
        found = part(read, node, x, {axis: (begin, begin + count)})
        if at.shape:
            return found
        kept = [size for each, size in enumerate(found.shape[1:]) if each != axis]
        return viewed(read, node, found, kept)
    if places == [i * size // count for i in range(count)]:
        x, order = read.standard(x)
        if (place := order.index(axis)) < len(order) - 1:
            return repeated(read, x, order, place, count)
    raise Unknown(Message("`{operation}` has no word", operation=node.op))


def repeated(read: Reader, x: Tensor, order: Sequence[int], axis: int, count: int) -> Tensor:
    """A map with the nearest pixels of a dimension; one that was just resized in another is so
    in both."""
    made = read.graph.ops[x.op]
    to = list(x.ours[:-1])
    to[axis] = count
    if made.word == "up" and "to" in made.values and x.op in read.alone:
        before = read.graph.shape(made.inputs[0])
        if before[axis] == x.ours[axis]:
            read.again(x.op, {"to": tuple(to)})
            return laid(x.op, read.graph.shape(x.op), inverse(order))
    op = read.emit("up", {"to": tuple(to)}, x.op)
    read.alone.add(op)
    return laid(op, read.graph.shape(op), inverse(order))


# Sizes


def padded(read: Reader, node: Node) -> Tensor:
    x, given = read.tensor(node), read.numbers(node, "pads", 1) or read.numbers(node, "paddings", 1)
    value, axes = read.numbers(node, "value", 2), read.numbers(node, "axes", 3)
    mode, rank = node.get("mode", "constant"), len(x.shape)
    around = [placed(axis, x.shape) for axis in axes] if axes else range(rank)
    pads = [int(pad) for pad in given or [0] * 2 * rank]
    if len(pads) != 2 * len(around):
        raise refused(Message("a padding is of no possible size"), node.where)
    ends = dict(zip(around, zip(pads[: len(around)], pads[len(around) :])))
    if any(ends.pop(0, (0, 0))):
        raise without(node, f"pads={pads}")
    number = value[0] if isinstance(value, list) and value else value or 0
    words = {"constant": "zeropad", "reflect": "reflectpad", "edge": "replicatepad"}
    if mode not in words or (mode == "constant" and number):
        raise without(node, f"mode={mode}" if mode not in words else f"value={number:g}")
    x = part(read, node, x, {axis - 1: (max(0, -begin), x.shape[axis] - max(0, -end))
                             for axis, (begin, end) in ends.items()})  # fmt: skip
    grown = {axis - 1: Pair(max(0, b), max(0, e)) for axis, (b, e) in ends.items()}
    if not any(map(any, grown.values())):
        return x
    x, order = read.standard(x)
    sides = [grown.get(axis, Pair(0, 0)) for axis in order]
    if any(sides[-1]):
        raise without(node, f"pads={pads}")
    op = read.emit(words[mode], {"pad": tuple(sides[:-1])}, x.op)
    return laid(op, read.graph.shape(op), inverse(order))


def resize(read: Reader, node: Node) -> Tensor:
    """Pixels are where a rule says; it is held against those of the language, place by place."""
    old = node.op == "Upsample" or read.model.opset < 11
    x = read.tensor(node)
    scales = read.numbers(node, "scales", 1 if old else 2)
    sizes = None if old else read.numbers(node, "sizes", 3)
    axes = [placed(axis, x.shape) for axis in node.get("axes") or range(len(x.shape))]
    x, order = read.standard(x)
    shape, factor = list(x.shape), [Fraction(1)] * len(x.shape)
    for index, axis in enumerate(axes):
        if sizes and index < len(sizes):
            shape[axis] = int(sizes[index])
            factor[axis] = Fraction(shape[axis], x.shape[axis])
        elif scales and index < len(scales):
            factor[axis] = Fraction(scales[index]).limit_denominator(10**6)
            shape[axis] = floor(factor[axis] * x.shape[axis])
    if not sizes and not scales:
        raise Unknown(Message("`{operation}` by what is worked out has no word", operation=node.op))
    if shape[0] != 1 or shape[order[-1] + 1] != x.ours[-1] or min(shape) < 1:
        raise without(node, f"sizes={shape}")
    if shape == [*x.shape]:
        return x
    new = [shape[axis + 1] for axis in order[:-1]]
    by_axis = [factor[axis + 1] for axis in order[:-1]]
    values = way_of(node, old, x.ours[:-1], new, by_axis)
    whole = all(f.denominator == 1 and n == f * size
                for f, n, size in zip(by_axis, new, x.ours))  # fmt: skip
    if whole and (scales or all(size > 1 for size in x.ours[:-1])):
        values["factor"] = tuple(int(each) for each in by_axis)
    elif scales and all(f * size == n for f, n, size in zip(by_axis, new, x.ours)):
        values["factor"] = tuple(map(float, by_axis))
    else:
        values["to"] = tuple(new)
    op = read.emit("up", values, x.op)
    return laid(op, read.graph.shape(op), inverse(order))


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
    if mode == "nearest":
        rounding = node.get("nearest_mode", "floor" if old else "round_prefer_floor")
        for size, n, factor in zip(sizes, new, factors):
            if n > 2**16 or any(
                place(i, size, n, factor, rule, rounding) != i * size // n for i in range(n)
            ):
                raise without(node, f"{told} nearest_mode={rounding}")
        return {}
    changed = [each for each in zip(sizes, new, factors) if each[0] != each[1]]
    if rule == "pytorch_half_pixel" and all(n > 1 for _, n, _ in changed):
        rule = "half_pixel"
    if rule not in ("half_pixel", "align_corners"):
        raise without(node, f"mode={mode} {told}")
    if rule == "half_pixel" and any(factor * size != n for size, n, factor in changed):
        raise without(node, f"scales={[float(f) for f in factors]}")
    values: dict[str, Any] = {"aligned": rule == "align_corners"}
    if mode in ("linear", "bilinear"):
        return values | {"bilinear": True}
    if mode == "cubic" and node.get("cubic_coeff_a", -0.75) == -0.75:
        if not node.get("exclude_outside"):
            return values | {"bicubic": True}
        raise without(node, "exclude_outside=1")
    raise without(node, f"mode={mode} cubic_coeff_a={node.get('cubic_coeff_a', -0.75)}")


def place(i: int, size: int, n: int, factor: Fraction, rule: str, rounding: str) -> int:
    """The pixel that a position takes; -1 for a rule that is none."""
    half = Fraction(1, 2)
    rules = {
        "asymmetric": i / factor,
        "half_pixel": (i + half) / factor - half,
        "pytorch_half_pixel": (i + half) / factor - half if n > 1 else Fraction(0),
        "align_corners": Fraction(i * (size - 1), n - 1) if n > 1 else Fraction(0),
        "tf_half_pixel_for_nn": (i + half) / factor,
    }
    if rule not in rules:
        return -1
    exact = rules[rule]
    found = {
        "floor": floor(exact),
        "ceil": -floor(-exact),
        "round_prefer_floor": -floor(half - exact),
        "round_prefer_ceil": floor(exact + half),
    }.get(rounding, -1)
    return min(max(found, 0), size - 1)


def pixel_shuffle(word: str) -> Operator:
    def operator(read: Reader, node: Node) -> Tensor:
        values: dict[str, Any] = {"factor": node.get("blocksize", 0)}
        if node.get("mode", "DCR") == "DCR":
            values["dcr"] = True
        return applied(read, word, values, read.map(node), {})

    return operator


OPERATORS: dict[str, Operator] = {
    "Conv": convolution,
    "ConvTranspose": transposed,
    "MaxPool": pool("pool"),
    "AveragePool": pool("avgpool"),
    "MinPool": pool("minpool"),
    "SharedPool": shared_pool,
    "Einsum": shared_mean,
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
    "HardSwish": plain("hard_swish"),
    "HardSigmoid6": plain("hard_sigmoid"),
    "Clip": clip,
    "Dropout": dropout,
    "Identity": same,
    "Cast": cast,
    "Shape": shape_of,
    "Size": size_of,
    "Add": merge("add"),
    "Sum": merge("add"),
    "Sub": merge("subtract"),
    "Mul": merge("mul"),
    "Div": merge(""),
    "Max": merge("maximum"),
    "Min": merge(""),
    "Mean": merge("average"),
    "Neg": negative,
    "Concat": concat,
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
