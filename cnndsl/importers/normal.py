"""One form for what sources say in several ways, so that equal parts of a net look equal.

Each step rewrites operations into others that compute the same; none looks at more than its
neighbours. What an operation gives is always the value of one of the source.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from fractions import Fraction
from math import isclose
from typing import Any

from cnndsl.importers.graph import Graph, Op, Taken, make, told
from cnndsl.layers import ACTIVATIONS, LAYERS
from cnndsl.layers.base import Layer, LayerError, Shape
from cnndsl.layers.source import uniform
from cnndsl.layers.values import Pair
from cnndsl.layers.window import Window, same_pads


class Normal:
    """A graph in normal form.

    * `graph`: a graph of its own; its operations are others than those of the source's
    * `source`: for each of its operations, the one of the source whose value it gives
    """

    def __init__(self, graph: Graph) -> None:
        self.given = graph
        self.ops: list[Op | None] = list(graph.ops)
        self.outputs = list(graph.outputs)
        self.readers: defaultdict[str, set[int]] = defaultdict(set)
        for index, op in enumerate(graph.ops):
            for taken in op.weights.values():
                self.readers[taken.key].add(index)
        for step in STEPS:
            self.drop_dead()
            self.users = self.find_users()
            step(self)
        self.drop_dead()
        self.source = [index for index, _ in self.alive()]
        self.graph = self.renumbered()

    # What the steps use

    def alive(self) -> Iterator[tuple[int, Op]]:
        """The operations that are left; those that a step drops meanwhile are not met."""
        for index in range(len(self.ops)):
            op = self.ops[index]
            if op is not None:
                yield index, op

    def find_users(self) -> list[list[int]]:
        users: list[list[int]] = [[] for _ in self.ops]
        for index, op in self.alive():
            for each in op.inputs:
                users[each].append(index)
        return users

    def only_user(self, index: int, *words: str) -> int | None:
        """The one operation that reads another, if it is of some words and no output is."""
        users = self.users[index]
        if len(users) != 1 or any(output.op == index for output in self.outputs):
            return None
        user = self.ops[users[0]]
        return users[0] if user is not None and user.word in words else None

    def sharers(self, op: Op) -> set[int]:
        """The operations that have one of the arrays of an operation, itself among them."""
        keys = [taken.key for taken in op.weights.values()]
        return set().union(*map(self.readers.__getitem__, keys))

    def become(
        self,
        index: int,
        word: str,
        values: Mapping[str, Any],
        inputs: Sequence[int],
        weights: Mapping[str, Taken] | None = None,
        like: Op | None = None,
        shape: Shape | None = None,
    ) -> bool:
        """Put another operation in the place of one, if it gives the same shape, or `shape`."""
        old = self.ops[index]
        assert old is not None
        like = like or old
        shapes = [op.shape for op in map(self.ops.__getitem__, inputs) if op is not None]
        values = told(values)
        try:
            layer = make(word, values, shapes, self.given.defaults)
        except (LayerError, ValueError):
            return False
        if layer.output != (shape or old.shape):
            return False
        weights = like.weights if weights is None else weights
        new = Op(
            layer, values, tuple(inputs), weights, like.scope, like.name, like.where, like.frozen
        )
        for each in old.inputs:
            self.users[each].remove(index)
        for each in inputs:
            self.users[each].append(index)
        self.ops[index] = new
        return True

    def give_way(self, index: int, other: int) -> None:
        """Let whoever reads an operation read another, which gives the same value."""
        for user in set(self.users[index]):
            op = self.ops[user]
            if op is not None:
                inputs = tuple(other if each == index else each for each in op.inputs)
                self.ops[user] = op.reading(inputs)
        self.users[other] = [
            *(each for each in self.users[other] if each != index),
            *self.users[index],
        ]
        self.users[index] = []
        self.outputs = [
            output._replace(op=other) if output.op == index else output for output in self.outputs
        ]
        self.ops[index] = None

    def drop_dead(self) -> None:
        """Drop what no output needs; inputs stay."""
        needed = {output.op for output in self.outputs}
        for index in range(len(self.ops) - 1, -1, -1):
            op = self.ops[index]
            if op is None:
                continue
            if index in needed:
                needed.update(op.inputs)
            elif op.word != "input":
                self.ops[index] = None

    def renumbered(self) -> Graph:
        places: dict[int, int] = {}
        result = Graph(self.given.name, self.given.defaults)
        for index, op in self.alive():
            places[index] = len(result.ops)
            inputs = tuple(places[each] for each in op.inputs)
            result.ops.append(op.reading(inputs))
        result.outputs = [output._replace(op=places[output.op]) for output in self.outputs]
        for name in ("arrays", "params", "trainable", "notes"):
            setattr(result, name, getattr(self.given, name))
        asked = [(None if op is None else places.get(op), text) for op, text in self.given.asks]
        result.asks = asked
        return result


# Activations that are said by what they are made of


def fold_hard_sigmoid(net: Normal) -> None:
    """`relu6(x + 3) / 6` is `hard_sigmoid`, and `x * relu6(x + 3) / 6` is `hard_swish`."""
    for index, op in net.alive():
        if op.word != "rescale" or not _is_affine(op, 1 / 6, 0):
            continue
        middle = op.inputs[0]
        if (base := _clipped(net, middle, "rescale")) is not None:
            net.become(index, "hard_sigmoid", {}, [base], {})
            continue
        product = net.ops[middle]
        if product is not None and product.word == "mul" and len(product.inputs) == 2:
            for one, other in (product.inputs, product.inputs[::-1]):
                alone = net.only_user(middle, "rescale") is not None
                if alone and _clipped(net, other, "mul") == one:
                    net.become(index, "hard_swish", {}, [one], {})
                    break


def _clipped(net: Normal, index: int, reader: str) -> int | None:
    """What `x` is where an operation is `relu6(x + 3)` that one reader alone has."""
    relu = net.ops[index]
    if relu is None or not _is_relu6(relu) or net.only_user(index, reader) is None:
        return None
    (before,) = relu.inputs
    shift = net.ops[before]
    if shift is None or shift.word != "rescale" or not _is_affine(shift, 1, 3):
        return None
    return None if net.only_user(before, relu.word) is None else shift.inputs[0]


def join_rescales(net: Normal) -> None:
    """`(x - 127.5) / 127.5` is one `rescale`."""
    for index, op in net.alive():
        first = net.ops[op.inputs[0]] if op.word == "rescale" else None
        if first is None or first.word != "rescale" or not net.only_user(op.inputs[0], "rescale"):
            continue
        numbers: list[Any] = []
        for each in (first.layer, op.layer):
            layer: Any = each
            numbers += (uniform(layer.scale), uniform(layer.offset or 0))
        if all(isinstance(each, (int, float)) for each in numbers):
            scale, offset, again, more = numbers
            moved = float(f"{offset * again + more:.12g}")
            net.become(index, "rescale", {"scale": scale * again, "offset": moved}, first.inputs)


def share_rescales(net: Normal) -> None:
    """Factors and summands that are fractions but for rounding, as -0.485/0.229, are these."""
    for index, op in net.alive():
        if op.word == "rescale":
            layer: Any = op.layer
            values = {"scale": _shared(layer.scale), "offset": _shared(layer.offset)}
            net.become(index, "rescale", values, op.inputs)


def _shared(value: Any) -> Any:
    if isinstance(value, tuple):
        return tuple(map(_shared, value))
    share = float(Fraction(value).limit_denominator(1000)) if isinstance(value, float) else value
    return share if isinstance(value, float) and isclose(share, value, rel_tol=4e-16) else value


def fold_gates(net: Normal) -> None:
    """`x * sigmoid(x)` is `silu`; gates of other functions are `hard_swish` and `mish`."""
    for index, op in net.alive():
        if op.word != "mul" or len(op.inputs) != 2:
            continue
        for one, other in (op.inputs, op.inputs[::-1]):
            gate = net.ops[other]
            word = _GATED.get(gate.word) if gate is not None else None
            if word == "mish" and gate is not None:
                inner = net.only_user(gate.inputs[0], "tanh") and net.ops[gate.inputs[0]]
                gate = inner if inner and inner.word == "softplus" else None
            if gate is None or word is None or (gate.inputs, gate.shape) != ((one,), op.shape):
                continue
            if net.only_user(other, "mul") is not None:
                net.become(index, word, {}, [one], {})
                break


_GATED = {"sigmoid": "silu", "hard_sigmoid": "hard_swish", "tanh": "mish"}


def _is_affine(op: Op, scale: float, offset: float) -> bool:
    layer: Any = op.layer
    found = layer.scale, layer.offset or 0
    return all(isinstance(each, (int, float)) for each in found) and (
        isclose(found[0], scale, rel_tol=1e-7) and isclose(found[1], offset, rel_tol=1e-7)
    )


def _is_relu6(op: Op) -> bool:
    layer: Any = op.layer
    return op.word == "relu6" or (op.word == "clamp" and (layer.low, layer.high) == (0, 6))


# Pools


def fold_global_pools(net: Normal) -> None:
    """A pool over the whole map is a global one, and with a flatten behind it gives a vector."""
    for index, op in net.alive():
        layer: Any = op.layer
        if op.word in ("avgpool", "pool") and _is_global(layer):
            word = "gap" if op.word == "avgpool" else "gmp"
            user = net.only_user(index, "flatten")
            if user is not None or layer.to is not None:
                net.become(index, word, {"keep": True}, op.inputs)
    for index, op in net.alive():
        source = op.inputs[0] if op.inputs else None
        if op.word in ("flatten", "reshape") and source is not None:
            pooled = net.ops[source]
            if pooled is None or pooled.word not in ("gap", "gmp"):
                continue
            keep = len(op.shape) > 1
            if net.only_user(source, op.word) is not None:
                net.become(index, pooled.word, {"keep": keep}, pooled.inputs, like=pooled)


def flatten_early(net: Normal) -> None:
    """What works on each channel alone does so behind the flatten of one pixel, too."""
    for index, op in net.alive():
        if op.word not in ("gap", "gmp") or not op.values.get("keep"):
            continue
        chain = [index]
        while (user := net.only_user(chain[-1], *_ALONE, "flatten")) is not None:
            chain.append(user)
            if net.ops[user].word == "flatten":  # type: ignore[union-attr]
                break
        last = net.ops[chain[-1]]
        if last is None or last.word != "flatten" or len(chain) < 3:
            continue
        turned = [net.ops[each] for each in chain[1:-1]]
        if any(each is None or each.values.get("axis") for each in turned):
            continue  # as a softmax over a row
        net.become(index, op.word, {}, op.inputs, shape=op.shape[-1:])
        for each in chain[1:-1]:
            inner = net.ops[each]
            assert inner is not None
            net.become(each, inner.word, inner.values, inner.inputs, shape=op.shape[-1:])
        net.give_way(chain[-1], chain[-2])


_ALONE = ("ln", "bn", "dropout", *ACTIVATIONS)


def _is_global(layer: Any) -> bool:
    if layer.to is not None:
        return set(layer.output[:-1]) == {1}
    windows: tuple[Window, ...] = layer.windows
    return all(
        (each.begin, each.end, each.output) == (0, 0, 1)
        and each.size == each.kernel
        and each.dilation == 1
        for each in windows
    )


# Convolutions


def split_depthwise(net: Normal) -> None:
    """A convolution of as many groups as channels is a depthwise one."""
    for index, op in net.alive():
        layer: Any = op.layer
        if op.word != "conv" or layer.groups != layer.channels or layer.channels == 1:
            continue
        values = _without(op, "filters", "groups")
        mult = layer.filters // layer.channels
        weights = {
            ("depthwise" if role == "kernel" else role): taken for role, taken in op.weights.items()
        }
        net.become(
            index, "dwconv", {**values, "mult": mult if mult > 1 else None}, op.inputs, weights
        )


def join_separable(net: Normal) -> None:
    """A depthwise convolution and one of single pixels right behind it are a separable one."""
    for index, op in net.alive():
        if op.word != "dwconv" or not op.values.get("nobias") or op.values.get("activation"):
            continue
        user = net.only_user(index, "conv")
        point = net.ops[user] if user is not None else None
        if user is None or point is None or not _is_pointwise(point.layer):
            continue
        if op.frozen != point.frozen or len(net.sharers(op)) > 1 or len(net.sharers(point)) > 1:
            continue
        values = _without(op, "nobias")
        values |= {k: point.values.get(k) for k in ("filters", "nobias", "activation")}
        weights = {("pointwise" if k == "kernel" else k): v for k, v in point.weights.items()}
        net.become(user, "sepconv", values, op.inputs, {**op.weights, **weights}, like=point)


def _is_pointwise(layer: Any) -> bool:
    return layer.groups == 1 and all(window.is_one_pixel for window in layer.windows)


def fold_zero_pads(net: Normal) -> None:
    """Zeros put around a map are the padding of the convolution that reads it."""
    for index, op in net.alive():
        if op.word != "zeropad":
            continue
        user = net.only_user(index, *_CONVS)
        if user is None:
            continue
        conv = net.ops[user]
        assert conv is not None
        layer: Any = conv.layer
        if layer.same and any(each.begin or each.end for each in layer.windows):
            continue
        added = _pairs(op.layer)
        pads = tuple(
            Pair(pair.begin + window.begin, pair.end + window.end)
            for pair, window in zip(added, layer.windows)
        )
        values = _without(conv, "same", "pad")
        net.become(user, conv.word, {**values, "pad": pads}, op.inputs)


def _pairs(layer: Any, slot: str = "pad") -> tuple[Pair, ...]:
    pad = getattr(layer, slot)
    return (pad,) * (len(layer.input) - 1) if isinstance(pad, Pair) else pad


def fold_crops(net: Normal) -> None:
    """What is cut off one axis after the other is one `crop`; of what a convolution gives it is
    less padding, if there is so much."""
    for index, op in net.alive():
        user = net.only_user(index, "crop") if op.word in ("crop", *_CONVS) else None
        if user is None:
            continue
        outer = net.ops[user]
        assert outer is not None
        layer: Any = op.layer
        cut = _pairs(outer.layer, "crop")
        if op.word == "crop":
            both = zip(_pairs(layer, "crop"), cut)
            crop = tuple(Pair(one.begin + two.begin, one.end + two.end) for one, two in both)
            net.become(user, "crop", {"crop": crop}, op.inputs)
            continue
        pads = [
            (window.begin - pair.begin, window.end - pair.end)
            for window, pair in zip(layer.windows, cut)
        ]
        plain = all(window.stride == 1 for window in layer.windows)
        if plain and min(map(min, pads)) >= 0 and len(net.sharers(op)) < 2:
            values = {**_without(op, "same", "pad"), "pad": tuple(Pair(*each) for each in pads)}
            if net.become(user, op.word, values, op.inputs, op.weights, op):
                net.readers.update((taken.key, {user}) for taken in op.weights.values())


def one_padding(net: Normal) -> None:
    """Say padding in one way: `same` where every window that has any can say it, else numbers.

    A net that mixes both, such as one of strides that PyTorch pads alike, has blocks whose
    calls would not look equal. What no number of half a window can say stays `same`.
    """
    for words in (_CONVS, ("pool", "avgpool", "minpool")):
        for index, op in net.alive():
            if op.word in words and not _pads(op.layer) and {"same", "pad"} & op.values.keys():
                values = _without(op, "same", "pad")
                layer: Any = make(op.word, values, [op.layer.input], net.given.defaults)
                if layer.output == op.shape:
                    net.become(index, op.word, values, op.inputs)
        for index, op in net.alive():
            if op.word in words and op.values.get("ceil"):
                values = _without(op, "ceil")
                if _same_windows(op, values, net):
                    net.become(index, op.word, values, op.inputs)
        found = [(index, op) for index, op in net.alive() if op.word in words and _pads(op.layer)]
        everywhere = all(_is_same(op.layer) for _, op in found)
        halves = all(_is_half(op.layer) for _, op in found)
        for index, op in found:
            values = _without(op, "same", "pad")
            if (everywhere or not halves) and _is_same(op.layer):
                changed = {**values, "same": True}
            else:
                windows = op.layer.windows  # type: ignore[attr-defined]
                changed = {**values, "pad": tuple(Pair(w.begin, w.end) for w in windows)}
            if changed != op.values and _same_windows(op, changed, net):
                net.become(index, op.word, changed, op.inputs)

    # So that a block can have the size of its window as a parameter.
    spread = [op for _, op in net.alive() if op.word in _CONVS and op.values.get("same")]
    for index, op in net.alive() if spread else ():
        if op.word not in _CONVS or {"same", "pad"} & op.values.keys():
            continue
        if all(window.kernel == 1 for window in op.layer.windows):  # type: ignore[attr-defined]
            net.become(index, op.word, {**op.values, "same": True}, op.inputs)


_CONVS = ("conv", "dwconv", "sepconv")


def _without(op: Op, *names: str) -> dict[str, Any]:
    """The arguments of an operation without some."""
    return {name: value for name, value in op.values.items() if name not in names}


def _pads(layer: Any) -> bool:
    return layer.windows and any(each.begin or each.end for each in layer.windows)


def _same_windows(op: Op, values: Mapping[str, Any], net: Normal) -> bool:
    layer: Any = make(op.word, values, [op.layer.input], net.given.defaults)
    old: Any = op.layer
    if layer.output != old.output or getattr(layer, "countpad", 0) != getattr(old, "countpad", 0):
        return False
    return all(
        (one.begin, one.extra or one.end) == (other.begin, other.extra or other.end)
        for one, other in zip(layer.windows, old.windows)
    )


def _is_same(layer: Any) -> bool:
    """Whether `same` pads a layer just as it is padded."""
    if layer.same:
        return True
    if getattr(layer, "countpad", False):
        return False
    return all(
        (each.begin, each.end) == same_pads(each.size, each.stride, each.extent)
        for each in layer.windows
    )


def _is_half(layer: Any) -> bool:
    """Whether half a window is put at both ends in every dimension."""
    return all(each.begin == each.end == (each.extent - 1) // 2 for each in layer.windows)


# Merges


def nest_concats(net: Normal) -> None:
    """`concat { a | b | c }` reads the concatenation of a and b where there is one."""
    known: dict[tuple[int, ...], int] = {}
    parts: dict[int, tuple[int, ...]] = {}
    for index, op in net.alive():
        if op.word != "concat" or len(op.inputs) < 2 or op.values.get("axis"):
            continue
        lengths = [len(parts.get(each, (each,))) for each in op.inputs]
        if sum(lengths) > MOST_PARTS:
            continue
        flat = tuple(part for each in op.inputs for part in parts.get(each, (each,)))
        parts[index] = flat
        for length in range(len(flat) - 1, 1, -1):
            grown = known.get(flat[:length])
            if grown is not None:
                net.become(index, "concat", {}, [grown, *flat[length:]])
                break
        known.setdefault(flat, index)


MOST_PARTS = 256
"""How many parts a concatenation may have, those of the ones that it reads counted, to be looked
for in others."""


def join_sums(net: Normal) -> None:
    """`(a + b) + c` is one sum of three, where one part of the source says both."""
    for index, op in net.alive():
        if op.word != "add" or len(op.inputs) != 2:
            continue
        first, *rest = op.inputs
        inner = net.ops[first]
        if inner is None or inner.word != "add" or inner.scope != op.scope:
            continue
        if net.only_user(first, "add") is not None:
            net.become(index, "add", {}, [*inner.inputs, *rest])


# Activations written after a layer


def attach_activations(net: Normal) -> None:
    """An activation without arguments belongs to the layer before it, which no other reads.

    Where layers share their arrays, all of them have it, or none: else they would not be alike.
    """
    behind: dict[int, int] = {}
    for index, op in net.alive():
        kind = LAYERS.get(op.word)
        if kind is None or op.values.get("activation"):
            continue
        user = net.only_user(index, *ACTIVATIONS)
        activation = net.ops[user] if user is not None else None
        if user is None or activation is None or not _is_plain(activation, net.given.defaults):
            continue
        if any(slot.form == "act" for slot in kind.slots) and _may_keep(net, op, activation):
            behind[index] = user
    for index, user in behind.items():
        layer, activation = net.ops[index], net.ops[user]
        assert layer is not None and activation is not None
        words = {_word(net, behind.get(each)) for each in net.sharers(layer)}
        if words <= {activation.word}:
            values = {**layer.values, "activation": activation.word}
            weights = {**layer.weights, **activation.weights}
            net.become(user, layer.word, values, layer.inputs, weights, like=layer)


def _may_keep(net: Normal, op: Op, activation: Op) -> bool:
    """Whether the arrays of an activation, if it has any, can be those of the layer before it."""
    if not activation.weights:
        return True
    shared = len(net.sharers(activation)) > 1 or len(net.sharers(op)) > 1
    return not shared and op.frozen == activation.frozen


def _word(net: Normal, index: int | None) -> str:
    """The activation that an operation is, or the one that it got."""
    op = net.ops[index] if index is not None else None
    return "" if op is None else op.values.get("activation", op.word)


def _is_plain(op: Op, defaults: str) -> bool:
    """Whether an activation has no argument that is not the default."""
    plain: Layer = make(op.word, {}, [op.layer.input], defaults)
    return all(getattr(plain, slot.name) == getattr(op.layer, slot.name) for slot in op.layer.slots)


STEPS: tuple[Callable[[Normal], None], ...] = (
    fold_hard_sigmoid,
    join_rescales,
    share_rescales,
    fold_gates,
    fold_global_pools,
    flatten_early,
    split_depthwise,
    join_separable,
    fold_zero_pads,
    fold_crops,
    one_padding,
    nest_concats,
    join_sums,
    attach_activations,
)


def normal(graph: Graph) -> Normal:
    """A graph in normal form; the one given stays as it is."""
    return Normal(graph)
