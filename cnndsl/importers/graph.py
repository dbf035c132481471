"""A network of somebody else's, in the words of the language: what every reader makes.

A graph is flat: operations in topological order, each a layer of the language with its arguments
and the operations that it reads. It knows where each stands in its source, and which arrays of
the source are its weights.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from math import prod
from typing import Any, NamedTuple

from cnndsl.diagnostics.message import NOTHING, Message
from cnndsl.layers import LAYERS, MERGES
from cnndsl.layers.base import Context, Input, Layer, LayerError, Shape, Slot
from cnndsl.layers.values import Word


class Scope(NamedTuple):
    """A part of the source that an operation stands in: `kind` is its class, where it has one,
    and `name` what its parent calls it.

    `turn` counts the calls of a part that is called more than once. A `function` of the source
    that makes a part is none that its parent has.
    """

    kind: str
    name: str
    turn: int = 0
    function: bool = False


class Taken(NamedTuple):
    """A weight as an array of the source, `key`.

    The array is seen in the shape `split` (its own if empty), its axes are put into the order
    `axes` (their own if empty), and it is seen in the shape of the weight. `flat` is the shape,
    channels last, of the map whose flattening the rows of the weight follow, where the source
    has the channels of that first; empty where the order of the rows is the language's.
    """

    key: str
    axes: tuple[int, ...] = ()
    split: tuple[int, ...] = ()
    flat: Shape = ()

    def restore(self, array: Any, shape: Shape) -> Any:
        """The weight of a shape, from the array of the source."""
        import numpy

        if self.split:
            array = array.reshape(self.split)
        if self.axes:
            array = array.transpose(self.axes)
        array = array.reshape(shape)
        if self.flat:
            *space, channels = self.flat
            rows = numpy.arange(array.shape[0]).reshape(channels, *space)
            array = array[numpy.moveaxis(rows, 0, -1).reshape(-1)]
        return array


class SourceArray(NamedTuple):
    """An array that the source keeps: its shape, whether it learns, and what reads its numbers,
    None where the source has none. `file` is what files of weights call it, where they do not by
    its key."""

    shape: tuple[int, ...]
    trainable: bool = True
    read: Callable[[], Any] | None = None
    file: str = ""


class Op:
    """An operation: a layer in its place.

    * `layer`: the layer, with all its arguments, in a context that rounds down
    * `values`: those arguments, by slot; an activation written after it is `activation`, a word
    * `inputs`: the operations that it reads, by their places in the graph
    * `weights`: the arrays of the source by role, those of an activation among them
    * `scope`: the parts of the source around it, the outermost first
    * `name`: what the source calls it, or empty
    * `where`: where it stands there, in words: `features.0`, `line 12`
    * `frozen`: whether it does not learn
    * `logarithm`: None, or what is wrong if anything reads it, where the source gives the
      logarithm of its value
    """

    __slots__ = tuple("frozen inputs layer logarithm name scope values weights where".split())

    def __init__(
        self,
        layer: Layer,
        values: Mapping[str, Any],
        inputs: tuple[int, ...],
        weights: Mapping[str, Taken],
        scope: tuple[Scope, ...] = (),
        name: str = "",
        where: str = "",
        frozen: bool = False,
    ) -> None:
        self.layer, self.values, self.inputs, self.weights = layer, values, inputs, weights
        self.scope, self.name, self.where, self.frozen = scope, name, where, frozen
        self.logarithm: Problem | None = None

    @property
    def word(self) -> str:
        """The word of the language: `conv`, `add`, `input`."""
        return self.layer.op

    @property
    def shape(self) -> Shape:
        """The output shape, channels last and without a batch."""
        return self.layer.output

    def reading(self, inputs: tuple[int, ...]) -> Op:
        """The same of other operations."""
        return Op(
            self.layer,
            self.values,
            inputs,
            self.weights,
            self.scope,
            self.name,
            self.where,
            self.frozen,
        )

    def __repr__(self) -> str:
        return f"<{self.word} {self.shape} of {self.inputs}>"


class Output(NamedTuple):
    """An output: the main one comes first. One that exists while training only is `training`."""

    name: str
    op: int
    training: bool = False


class Problem(NamedTuple):
    """Something in a source that cannot come in.

    `where` says in words where it stands; `span` does so in a source that is text.
    """

    code: str
    message: Message
    where: str = ""
    help: Message = NOTHING
    span: tuple[int, int] | None = None


class ImportProblems(Exception):
    """A source that cannot be read; `problems` has all that is in the way, in its order."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("; ".join(str(each.message) for each in problems))
        self.problems = tuple(problems)


class Graph:
    """A flat network.

    * `ops`: in topological order, inputs among them
    * `outputs`: the main one first
    * `arrays`: all arrays that the source keeps for its layers, by their keys there
    * `constants`: folders, in files of weights, of arrays whose numbers stand in the text
    * `defaults`: the framework whose defaults the text will leave unsaid
    * `params`, `trainable`: what the source says that it has, where it does; parameters that do
      not learn are among the former
    * `asks`: what the source does not say, by the operation that it is about; None for all
    * `notes`: what is to be said beside the text, such as that a part was left out
    * `problems`: what stands in the way, collected while reading
    """

    def __init__(self, name: str = "", defaults: str = "keras") -> None:
        self.name, self.defaults = name, defaults
        self.ops: list[Op] = []
        self.outputs: list[Output] = []
        self.arrays: dict[str, SourceArray] = {}
        self.constants: list[str] = []
        self.params: int | None = None
        self.trainable: int | None = None
        self.asks: list[tuple[int | None, Message]] = []
        self.notes: list[Message] = []
        self.problems: list[Problem] = []

    def shape(self, op: int) -> Shape:
        """The output shape of an operation."""
        return self.ops[op].shape

    def input(self, shape: Shape, name: str = "", scope: tuple[Scope, ...] = ()) -> int:
        """Add an input of a shape, channels last and without a batch.

        Raises ImportProblems for a shape that no network has.
        """
        try:
            layer = Input({}, tuple(shape), Context("floor", self.defaults))
        except LayerError as error:
            raise ImportProblems([Problem(error.code, error.message, name, error.help)]) from None
        self.ops.append(Op(layer, {}, (), {}, scope, name))
        return len(self.ops) - 1

    def add(
        self,
        word: str,
        values: Mapping[str, Any],
        inputs: Iterable[int],
        weights: Mapping[str, Taken] = {},
        scope: tuple[Scope, ...] = (),
        name: str = "",
        where: str = "",
        frozen: bool = False,
    ) -> int:
        """Add a layer, or a merge of several inputs, and give its place.

        `values` are its arguments by slot, as a file would have them; a size can be a number or
        a tuple, a padding a number or a tuple of numbers or of `Pair`s. Those left out are the
        defaults of the graph's framework. Raises ImportProblems where it does not fit.
        """
        inputs = tuple(inputs)
        values = {
            name: each for name, each in values.items() if each is not None and each is not False
        }
        try:
            layer = make(word, values, [self.shape(op) for op in inputs], self.defaults)
        except (LayerError, ValueError) as error:
            message, help_ = error.args[0], getattr(error, "help", NOTHING)
            code = getattr(error, "code", "E105")
            raise ImportProblems([Problem(code, message, where, help_)]) from None
        self.ops.append(Op(layer, values, inputs, weights, scope, name, where, frozen))
        return len(self.ops) - 1

    def users(self) -> list[list[int]]:
        """For each operation, those that read it, in order and as often as they do."""
        users: list[list[int]] = [[] for _ in self.ops]
        for index, op in enumerate(self.ops):
            for each in op.inputs:
                users[each].append(index)
        return users

    def behind(self, ops: Iterable[int]) -> set[int]:
        """The operations that some come of, themselves among them."""
        found = {*ops}
        for index in range(max(found, default=-1), -1, -1):
            if index in found:
                found.update(self.ops[index].inputs)
        return found

    def prune(self, ops: Iterable[int]) -> dict[int, int]:
        """Leave out all operations but some, which read no others, and the arrays that only those
        left out have; give the new places."""
        places = {old: new for new, old in enumerate(sorted(ops))}
        self.ops = [self.ops[old] for old in places]
        for op in self.ops:
            op.inputs = tuple(places[each] for each in op.inputs)
        self.outputs = [output._replace(op=places[output.op]) for output in self.outputs]
        kept = {taken.key for op in self.ops for taken in op.weights.values()}
        self.arrays = {key: array for key, array in self.arrays.items() if key in kept}
        return places

    def count(self) -> None:
        """Take the totals from the arrays."""
        sizes = [(prod(each.shape), each.trainable) for each in self.arrays.values()]
        self.params = sum(size for size, _ in sizes)
        self.trainable = sum(size for size, learns in sizes if learns)


def without_word(operation: str) -> Message:
    """That the language has no word for an operation."""
    return Message("there is no word for `{operation}`", operation=operation)


def told(values: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments that say something: neither None nor a flag that is off."""
    return {
        name: value for name, value in values.items() if value is not None and value is not False
    }


_SAYS_NOTHING = re.compile(
    r"((build|make|create|get|define|my|the)_?)*"
    r"(model|net|network|cnn|nn|module|m|functional|sequential)?_?\d*",
    re.IGNORECASE,
)


def title(*names: str) -> str:
    """The first of some names of a network that says which it is, or else the first."""
    return next((each for each in names if not _SAYS_NOTHING.fullmatch(each)), names[0])


def make(word: str, values: Mapping[str, Any], shapes: Sequence[Shape], defaults: str) -> Layer:
    """A layer of the language, with values as a file would have them.

    Raises LayerError where it does not fit, and ValueError for a value of the wrong kind.
    """
    context = Context("floor", defaults)
    kind = MERGES.get(word) or LAYERS[word]
    slots = {slot.name: slot for slot in kind.slots if slot.form != "act"}
    read = {name: _read(slots[name], value) for name, value in values.items() if name in slots}
    layer = kind(read, tuple(shapes) if word in MERGES else shapes[0], context)  # type: ignore[arg-type]
    if activation := values.get("activation"):
        layer.activation = LAYERS[activation]({}, layer.output, context)
    return layer


def _read(slot: Slot, value: Any) -> Any:
    if slot.kind is None or slot.form == "act":
        return value
    return slot.kind.read(Word(value) if isinstance(value, str) else value)
