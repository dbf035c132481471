"""A graph that grows by calls of Keras: its values, and how a call reads its arguments.

Nothing here needs Keras: a class is a name, and a config is what Keras writes into its files.
Keras has channels last, as the language does.
"""

from __future__ import annotations

import reprlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

from cnndsl.diagnostics.message import NOTHING, Message
from cnndsl.foreign.table import ACTIVATIONS as NAMED_ACTIVATIONS
from cnndsl.foreign.table import KERAS
from cnndsl.importers.graph import (
    Graph,
    ImportProblems,
    Problem,
    Scope,
    SourceArray,
    Taken,
    without_word,
)
from cnndsl.layers import ACTIVATIONS
from cnndsl.layers.base import Shape, axes_of, describe, show
from cnndsl.layers.values import LARGEST, Pair, Word, whole


class Made(NamedTuple):
    """How a value without an operation came about, which a later one may complete to a word."""

    at: Call
    args: tuple[Any, ...]
    options: Mapping[str, Any] = {}

    @property
    def name(self) -> str:
        """The class of the operation."""
        return self.at.kind


class Value:
    """A tensor of Keras's, without its batch; `shape` is empty where it is not known.

    `made` tells how it came about. One that has no operation of its own yet gets it when `op` is
    asked for, or is told to have none.
    """

    def __init__(
        self, builder: Builder, shape: Shape, op: int | None = None, made: Made | None = None
    ) -> None:
        self.builder, self.shape, self.made, self._op = builder, shape, made, op
        self.settle: Callable[[], int] | None = None
        self.way: Any = None  # how it was rearranged, as `keras_ops` has it

    @property
    def known(self) -> int | None:
        """The place of its operation in the graph, if it has one by now."""
        return self._op

    @property
    def is_open(self) -> bool:
        """Whether it has no operation, and none to get."""
        return self._op is None and self.settle is None

    @property
    def op(self) -> int:
        """The place of its operation in the graph. Raises ImportProblems, or Lost if it was
        told before that there is none."""
        if self._op is None and self.settle is not None:
            settle, self.settle = self.settle, None
            self._op = settle()
        elif self._op is None and self.made is not None:
            made, self.made = self.made, None
            raise made.at.unknown()
        if self._op is None:
            raise Lost
        return self._op


class Lost(Exception):
    """A value is asked for that has not come in, as was said before."""


class Stored(NamedTuple):
    """Where Keras keeps an array: its layer's path in the model, and the number there."""

    layer: str
    name: str
    number: int
    shape: tuple[int, ...]
    trainable: bool


Place: TypeAlias = "str | tuple[str, tuple[int, ...], tuple[int, ...]]"
"""What Keras calls an array, or that with its shape there and the order of axes from there."""

MOST = 20_000
"""More operations than any network has."""


class Builder:
    """A graph that grows by calls of Keras. What cannot come in is in `graph.problems`.

    `version` is Keras's, of which some functions are others before 3. `numbers` gives the values
    of constants that a layer keeps beside its config, by the layer's key and a number, or None.
    `kept` are the places of all arrays in a model. Where it is `strict`, as for arguments that
    somebody wrote, one that nothing asks for is a problem.
    """

    def __init__(
        self,
        graph: Graph,
        version: int = 3,
        numbers: Callable[[str, int], Sequence[float] | None] = lambda key, number: None,
        strict: bool = False,
    ) -> None:
        self.graph, self.version, self.numbers, self.strict = graph, version, numbers, strict
        self.kept: dict[str, Stored] = {}
        graph.defaults = KERAS

    def input(self, shape: Shape, name: str = "", scope: tuple[Scope, ...] = ()) -> Value:
        """An input of a shape, channels last and without the batch."""
        return Value(self, tuple(shape), self.graph.input(tuple(shape), name, scope))

    def called(self, call: Call, handler: Handler | None) -> Any:
        """What a call gives; where it does not come in, that is a problem of the graph."""
        try:
            if len(self.graph.ops) > MOST:
                raise call.problem("E607", Message("more than {count:,} operations", count=MOST))
            if handler is None:
                raise call.unknown()
            result = handler(call)
            unread = {*call.config} - call.read - {"trainable", "training"}
            if self.strict and unread:
                raise call.unsayable(min(unread))
            return result
        except Lost:
            pass
        except ImportProblems as found:
            where = call.where or call.name
            self.graph.problems += [
                each._replace(where=each.where or where, span=each.span or call.span)
                for each in found.problems
            ]
        inputs = call.inputs
        return inputs[0] if call.kind in KEEPING and len(inputs) == 1 else Value(self, ())

    def again(self, value: Value, values: Mapping[str, Any]) -> Value | None:
        """The last operation with other arguments, in its place; None if a value is none of it.

        Should something else read that value later, it comes back.
        """
        graph, index = self.graph, value.op
        if index != len(graph.ops) - 1:
            return None
        op = graph.ops.pop()

        def add(values: Mapping[str, Any]) -> int:
            place = (op.scope, op.name, op.where, op.frozen)
            return graph.add(op.word, values, op.inputs, op.weights, *place)

        value._op, value.settle = None, lambda: add(op.values)
        index = add({**op.values, **values})
        return Value(self, graph.shape(index), index)

    def output(self, value: Any) -> int | None:
        """The operation that an output is, or None where it did not come in."""
        try:
            return value.op if isinstance(value, Value) else None
        except Lost:
            return None
        except ImportProblems as found:
            self.graph.problems += found.problems
            return None


class Call:
    """A call of a layer or an operation: what it is made of, and ways to read that."""

    def __init__(
        self,
        builder: Builder,
        kind: str,
        config: Mapping[str, Any],
        args: tuple[Any, ...],
        kwargs: Mapping[str, Any],
        name: str,
        scope: tuple[Scope, ...],
        where: str,
        key: str,
        span: tuple[int, int] | None,
    ) -> None:
        self.builder, self.kind, self.config, self.args = builder, kind, config, args
        self.kwargs, self.name, self.scope, self.where = kwargs, name, scope, where
        self.key, self.span = key or name, span
        self.read: set[str] = set()  # the arguments that were asked for
        self.rank = next((n for n in (1, 2, 3) if f"{n}D" in kind), 0)

    # What goes wrong

    def problem(self, code: str, message: Message, help_: Message = NOTHING) -> ImportProblems:
        """An error that stands at this call."""
        return ImportProblems([Problem(code, message, self.where or self.name, help_, self.span)])

    def unknown(self) -> ImportProblems:
        """The error that this is nothing in the language."""
        if self.kind == "Lambda":
            message = Message("a `{layer}` holds code, which is not run", layer=self.kind)
            return self.problem("E607", message)
        return self.problem("E601", without_word(self.kind))

    def unsayable(self, argument: str) -> ImportProblems:
        """The error that nothing in the language is what an argument asks for."""
        value = shown(self.get(argument))
        message = Message(
            "there is no word for `{operation}` with `{argument}={value}`",
            operation=self.kind,
            argument=argument,
            value=value,
        )
        return self.problem("E601", message)

    def damaged(self, argument: str) -> ImportProblems:
        """The error that an argument has a value that it cannot have."""
        message = Message(
            "{layer}: `{argument}` cannot be {value}",
            layer=self.kind,
            argument=argument,
            value=shown(self.get(argument)),
        )
        return self.problem("E607", message)

    # What it is given

    @property
    def inputs(self) -> tuple[Value, ...]:
        """All tensors that it reads."""
        return tuple(tensors(self.args))

    @property
    def input(self) -> Value:
        """The one tensor that it reads; raises ImportProblems where it is none, or several."""
        inputs = self.inputs
        if len(inputs) != 1 or not isinstance(self.args[0], Value):
            count = len(inputs)
            message = Message("{layer} reads one tensor, not {count}", layer=self.kind, count=count)
            raise self.problem("E607", message)
        rank = len(inputs[0].shape) - 1
        if self.rank and inputs[0].shape and rank != self.rank:
            got = describe(inputs[0].shape)
            raise self.problem("E204", Message("{layer} gets {got}", layer=self.kind, got=got))
        return inputs[0]

    @property
    def shape(self) -> Shape:
        """The shape of its input; raises ImportProblems, or Lost, where there is none."""
        return self.builder.graph.shape(self.input.op)

    def get(self, name: str, default: Any = None) -> Any:
        """An argument as it is."""
        self.read.add(name)
        value = self.kwargs[name] if name in self.kwargs else self.config.get(name)
        return default if value is None else value

    def whole(self, name: str, default: int | None = None) -> int:
        """A whole number."""
        value = whole(self.get(name, default))
        if value is None or abs(value) > LARGEST:
            raise self.damaged(name)
        return value

    def number(self, name: str, default: float | None = None) -> float:
        """A number that is one."""
        value = self.get(name, default)
        if not is_number(value):
            raise self.damaged(name)
        return value if isinstance(value, int) else float(value)  # not one of numpy's

    def flag(self, name: str, default: bool = False) -> bool:
        """True or false."""
        value = self.get(name, default)
        if not isinstance(value, (bool, int)):
            raise self.damaged(name)
        return bool(value)

    def text(self, name: str, default: str = "", *others: str) -> str:
        """A word, which is one of some."""
        value = self.get(name, default)
        if not isinstance(value, str):
            raise self.damaged(name)
        if value not in (default, *others):
            raise self.unsayable(name)
        return value

    def sizes(self, name: str, default: Any = None, least: int = 1) -> tuple[int, ...]:
        """A size for each dimension of a layer that has some."""
        value = self.get(name, default)
        many = value if isinstance(value, (list, tuple)) else [value] * self.rank
        found = tuple(
            size for size in map(whole, many) if size is not None and least <= size <= LARGEST
        )
        if not found or len(found) != self.rank or len(many) != self.rank:
            raise self.damaged(name)
        return found

    def borders(self, name: str) -> tuple[Pair, ...]:
        """A begin and an end for each dimension."""
        value = self.get(name, 1)
        if self.rank == 1 and isinstance(value, (list, tuple)) and all(map(is_number, value)):
            value = [value]
        many = value if isinstance(value, (list, tuple)) else [value] * self.rank
        found = []
        for each in many:
            pair = each if isinstance(each, (list, tuple)) else [each, each]
            ends = [end for end in map(whole, pair) if end is not None and 0 <= end <= LARGEST]
            if len(ends) != 2 or len(pair) != 2:
                raise self.damaged(name)
            found.append(Pair(*ends))
        if len(found) != self.rank:
            raise self.damaged(name)
        return tuple(found)

    def axis(self, name: str, default: int, count: int) -> int:
        """The place of an axis among `count`, the batch not among them."""
        value = self.get(name, default)
        if isinstance(value, (list, tuple)) and len(value) == 1:
            value = value[0]
        axis = whole(value)
        if axis is None or not -count - 1 <= axis <= count:
            raise self.unsayable(name) if isinstance(value, (list, tuple)) else self.damaged(name)
        if axis in (0, -count - 1):
            raise self.unsayable(name)
        return axis - 1 if axis > 0 else axis + count

    def ordinary(self, **values: tuple[Any, ...]) -> None:
        """Raise ImportProblems where an argument has none of the values that a word stands for."""
        for name, usual in values.items():
            value = self.get(name)
            if value is not None and not any(value == each for each in usual):
                raise self.unsayable(name)

    # What it becomes

    def add(
        self,
        word: str,
        values: Mapping[str, Any] = {},
        of: Sequence[Value] | None = None,
        stored: Mapping[str, Place] = {},
    ) -> Value:
        """A layer of the language over what is read, with the arrays that it keeps in Keras.

        `stored` has Keras's name of an array by its role, or the name, the shape and the order of
        axes there; others have the role's name and the shape here.
        """
        graph, weights = self.builder.graph, dict[str, Taken]()
        trains = self.flag("trainable", True)
        inputs = [value.op for value in ((self.input,) if of is None else of)]
        place = (self.scope, self.name, self.where or self.name)
        op = graph.add(word, values, inputs, weights, *place)
        layer = graph.ops[op].layer
        graph.ops[op].frozen = bool(layer.weights) and not trains
        for number, weight in enumerate(layer.weights):
            said = stored.get(weight.role, NAMES.get(weight.role, weight.role))
            name, shape, axes = (said, weight.shape, ()) if isinstance(said, str) else said
            weights[weight.role] = Taken(f"{self.key}/{name}", axes)
            self.keep(name, number, shape or weight.shape, weight.trainable and trains)
        return Value(self.builder, graph.shape(op), op)

    def keep(self, name: str, number: int, shape: tuple[int, ...], trainable: bool) -> None:
        """Note an array of the layer; one that is called again has it already."""
        builder, key = self.builder, f"{self.key}/{name}"
        stored = Stored(self.key, name, number, shape, trainable)
        if builder.kept.setdefault(key, stored).shape != shape:
            message = Message(
                "{layer} is called with {one}, and again with {other}",
                layer=self.name or self.kind,
                one=show(builder.kept[key].shape),
                other=show(shape),
            )
            raise self.problem("E607", message)
        builder.graph.arrays.setdefault(key, SourceArray(shape, trainable))

    def activated(
        self,
        word: str,
        values: Mapping[str, Any],
        stored: Mapping[str, Place] = {},
    ) -> Value:
        """A layer with the function that its argument `activation` names."""
        steps = activations(self, self.get("activation"))
        if len(steps) == 1 and not steps[0][1] and steps[0][0] in ACTIVATIONS:
            return self.add(word, {**values, "activation": steps[0][0]}, stored=stored)
        value = self.add(word, values, stored=stored)
        for step in steps:
            value = self.add(*step, of=(value,))
        return value


Handler: TypeAlias = Callable[[Call], Any]

NAMES = {"mean": "moving_mean", "variance": "moving_variance"}
"""What Keras calls an array that has another name here."""


def is_number(value: Any) -> bool:
    """Whether a value is a number, and a finite one."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    return abs(value) < 1e30


def shown(value: Any) -> str:
    """A value as a message has it, cut where it is long."""
    named = isinstance(value, Mapping) and isinstance(value.get("class_name"), str)
    text = value["class_name"] if named else value
    if not isinstance(text, str):
        text = reprlib.repr(text)
    return text if len(text) <= 40 else f"{text[:39]}…"


def tensors(args: Any) -> Iterable[Value]:
    """The tensors in arguments."""
    stack = [args]
    while stack:
        each = stack.pop()
        if isinstance(each, Value):
            yield each
        elif isinstance(each, (list, tuple)):
            stack += reversed(each)


def numbers(value: Any) -> tuple[float, ...]:
    """The numbers of a constant of any rank that has one for each channel; none for any other."""
    while isinstance(value, (list, tuple)) and len(value) == 1:
        value = value[0]
    many = value if isinstance(value, (list, tuple)) else [value]
    return tuple(many) if all(map(is_number, many)) else ()


# Activations

FUNCTIONS: dict[str, tuple[str, dict[str, Any]]] = {
    **{name: (word, {}) for name, word in NAMED_ACTIVATIONS.items() if word},
    "leaky_relu": ("leaky_relu", {"slope": 0.2}),
    "hard_tanh": ("clamp", {"low": -1, "high": 1}),
}
"""Keras's functions by their names."""

Steps: TypeAlias = list[tuple[str, dict[str, Any]]]


def activations(call: Call, value: Any) -> Steps:
    """The words of what an argument `activation` says: a name, a function or a layer."""
    config: Any = {}
    if isinstance(value, Mapping):
        inner = value.get("config")
        name = value.get("class_name")
        if name == "function":
            value = inner
        elif isinstance(name, str) and isinstance(inner, Mapping):
            value, config = name, inner
    if value is None or value == "linear":
        return []
    if isinstance(value, str) and value in STEPS and value != "Activation":
        one = Call(call.builder, value, config, call.args, {}, call.name, (), call.where, "", None)
        return STEPS[value](one)
    if not isinstance(value, str) or value not in FUNCTIONS:
        raise call.unsayable("activation")
    if value == "hard_sigmoid" and call.builder.version < 3:
        return [("rescale", {"scale": 0.2, "offset": 0.5}), ("clamp", {"low": 0, "high": 1})]
    return [FUNCTIONS[value]]


def relu(call: Call) -> Steps:
    slope, most = call.number("negative_slope", call.number("alpha", 0)), call.get("max_value")
    call.ordinary(threshold=(0,))
    if most is None:
        return [("leaky_relu", {"slope": slope})] if slope else [("relu", {})]
    high = call.number("max_value")
    if slope:
        raise call.unsayable("negative_slope")
    return [("relu6", {})] if high == 6 else [("clamp", {"low": 0, "high": high})]


def leaky_relu(call: Call) -> Steps:
    return [("leaky_relu", {"slope": call.number("negative_slope", call.number("alpha", 0.3))})]


def elu(call: Call) -> Steps:
    alpha = call.number("alpha", 1)
    return [("elu", {"alpha": alpha} if alpha != 1 else {})]


def softmax(call: Call) -> Steps:
    shape = call.shape
    axis = axes_of(len(shape) - 1)[call.axis("axis", -1, len(shape))]
    return [("softmax", {} if axis == "channels" else {"axis": Word(axis)})]


STEPS: dict[str, Callable[[Call], Steps]] = {
    "Activation": lambda call: activations(call, call.get("activation")),
    "ReLU": relu,
    "LeakyReLU": leaky_relu,
    "ELU": elu,
    "Softmax": softmax,
}
"""Layers that are an activation, as words in a row."""


def in_a_row(steps: Callable[[Call], Steps]) -> Handler:
    """The handler of an activation."""

    def handler(call: Call) -> Value:
        value = call.input
        for step in steps(call):
            value = call.add(*step, of=(value,))
        return value

    return handler


KEEPING = frozenset(
    "SpatialDropout1D SpatialDropout2D SpatialDropout3D GaussianNoise GaussianDropout AlphaDropout "
    "RandomFlip RandomRotation RandomZoom RandomTranslation RandomContrast RandomBrightness "
    "UnitNormalization RMSNormalization".split()
)
"""Layers without a word that give the shape they get, with which reading can go on."""
