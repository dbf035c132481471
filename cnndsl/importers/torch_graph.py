"""A graph that grows by calls of PyTorch's functions, which `torch_calls` has."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from math import prod
from typing import Any, NamedTuple, TypeVar

from cnndsl.diagnostics.message import NOTHING, Message
from cnndsl.importers.channels_first import (
    MOST_AXES,
    Tensor,
    Unsayable,
    arranged,
    fresh,
    laid,
    shuffling,
)
from cnndsl.importers.graph import (
    Graph,
    ImportProblems,
    Output,
    Problem,
    Scope,
    SourceArray,
    Taken,
    without_word,
)
from cnndsl.layers.base import Shape
from cnndsl.layers.values import Pair


class Param(NamedTuple):
    """An array that a module keeps: its key in the state_dict, and the shape that it is seen in.

    * `trainable`: whether it learns
    * `read`: what reads its numbers, None where the source has none
    * `stored`: the shape that it is kept in, where it is seen in another
    """

    key: str
    shape: tuple[int, ...]
    trainable: bool = True
    read: Callable[[], Any] | None = None
    stored: tuple[int, ...] | None = None

    @property
    def size(self) -> int:
        return prod(self.shape)


class Constant(NamedTuple):
    """A tensor of numbers that are no array of the source, in its shape."""

    numbers: tuple[float, ...]
    shape: tuple[int, ...]


class Lost(NamedTuple):
    """A tensor that cannot be followed, of a shape with its batch.

    `why` is the function to tell of once it is read; empty where it has been told of.
    """

    shape: tuple[int, ...]
    why: str = ""


class Refused(Exception):
    """A call that the language has no counterpart for: its argument is what is at fault in it,
    as it is written, or a Message; without one it is the function."""


Said = TypeVar("Said", bound=Callable[..., Any])
_SAID: dict[str, Callable[..., Any]] = {}


def says(*names: str) -> Callable[[Said], Said]:
    """Enter a method as what functions of some names do; `*` stands for 1, 2 and 3."""

    def enter(method: Said) -> Said:
        for name in names:
            for rank in "123" if "*" in name else " ":
                _SAID[name.replace("*", rank)] = method
        return method

    return enter


SIZES = ("size", "shape", "dim", "ndim", "ndimension", "numel", "len")
"""The functions that ask for sizes alone."""
_COMPARISONS = "gt lt ge le eq ne greater less isnan isinf isfinite any all argmax argmin".split()
"""What gives no numbers to go on with: it is told once something does."""
_OTHERS = {
    "add": "iadd radd",
    "sub": "isub subtract",
    "mul": "imul rmul multiply",
    "div": "itruediv truediv true_divide divide",
    "neg": "negative",
    "cat": "concat concatenate",
}
_NAMES = {other: name for name, others in _OTHERS.items() for other in others.split()}
_MISFITS = (
    *(ArithmeticError, AssertionError, AttributeError, LookupError, RecursionError),
    *(TypeError, ValueError),
)
"""What arguments raise that a function does not take."""
ACROSS_BATCH = Message("samples of a batch would depend on one another")


def leave_out(graph: Graph, keys: Sequence[str]) -> None:
    """Say of which modules, by the keys of arrays, no output comes."""
    names = [*dict.fromkeys(key.rpartition(".")[0] or key for key in keys)]
    if names and not graph.problems:
        shown = ", ".join(names[:4]) + (", …" if len(names) > 4 else "")
        graph.notes.append(
            Message("`{modules}` is made, and used for no output: left out", modules=shown)
        )


def plain_name(function: str) -> str:
    """The name of a function: `add` for `__iadd__` and `add_`."""
    if function in _SAID:
        return function
    name = function.strip("_").removesuffix("_with_indices")
    return _NAMES.get(name, name)


def is_known(function: str) -> bool:
    """Whether a function can be followed."""
    return plain_name(function) in _SAID


class TorchGraph:
    """A graph that grows by calls of PyTorch's functions.

    `laid` has, for each operation that only put a tensor's axes in other places, that tensor
    before and behind.
    """

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.scope: tuple[Scope, ...] = ()
        self.where = self.name = self.function = ""
        self.laid: list[tuple[Tensor, Tensor]] = []
        self.span: tuple[int, int] | None = None
        self.told: dict[tuple[str, Message], list[Problem]] = {}
        self.params: dict[str, Param] = {}
        self.fills: dict[int, float] = {}  # paddings that are no zeros, for the pool behind

    def input(self, shape: Shape, name: str = "") -> Tensor:
        """An input of a shape, channels last and without a batch."""
        return fresh(self.graph.input(shape, name), shape)

    def call(
        self,
        function: str,
        args: Sequence[Any],
        kwargs: Mapping[str, Any] | None = None,
        scope: tuple[Scope, ...] = (),
        where: str = "",
        name: str = "",
        shape: Any = None,
        span: tuple[int, int] | None = None,
    ) -> Any:
        """What a function gives: tensors, or numbers where it asks for sizes.

        `shape` is what is known of the result, with its batch: it has this where the function
        is not understood. That is kept as a problem, at a `span` of the source.
        """
        self.scope, self.where, self.name, self.span = scope, where, name, span
        self.function = known = plain_name(function)
        tensors = list(_tensors((args, kwargs or {})))
        given = shape is not None
        if shape is None:
            shape = next((each.shape for each in tensors), (1,))
        lost = [each for each in tensors if isinstance(each, Lost)]
        for each in lost:
            if each.why:
                self.tell(each.why)
        if known in _COMPARISONS and not lost:
            return Lost(tuple(shape), function)
        if known not in _SAID:
            self.tell(function)
        elif not lost or known in SIZES:
            try:
                return _SAID[known](self, *args, **(kwargs or {}))
            except Refused as refused:
                why = refused.args[0] if refused.args else ""
                if isinstance(why, Message):
                    self.problem("E601", why)
                else:
                    self.tell(f"{function}({why})" if why else function)
            except Unsayable:
                self.unsayable(function)
            except ImportProblems as problems:
                self.graph.problems += [
                    each._replace(span=each.span or span) for each in problems.problems
                ]
            except _MISFITS:
                message = Message(
                    "`{function}` cannot be read with these arguments", function=function
                )
                self.problem("E601", message)
        return self.beyond(shape, given)

    def beyond(self, shape: Sequence[int], known: bool) -> Tensor | Lost:
        """What goes on in the place of what is not understood: where the shape is known it can
        be checked what reads it."""
        if known and 1 < len(shape) <= MOST_AXES + 1 and shape[0] == 1:
            with suppress(ImportProblems):
                return self.input((*shape[2:], shape[1]))
        return Lost(tuple(shape))

    def finish(self, outputs: Sequence[tuple[str, Any, bool]]) -> dict[int, int]:
        """Enter the outputs, by name, with those that exist while training only marked; leave
        out what none of them reads; tell of all that is unknown. Gives the new places."""
        for name, value, training in outputs:
            self.scope, self.where, self.span = (), name, None
            if isinstance(value, Lost) and value.why:
                self.tell(value.why)
            if not isinstance(value, Tensor):
                continue
            try:
                value = self.ordered(value)[0]
            except Unsayable:
                self.unsayable(name)
            self.graph.outputs.append(Output(name, value.op, training))
        for (_, message), [first, *others] in self.told.items():
            if others:
                message = Message(
                    "{problem}, in {count:,} places", problem=message, count=1 + len(others)
                )
            shown = list(dict.fromkeys(each.where for each in (first, *others) if each.where))
            where = ", ".join(shown[:3]) + (", …" if len(shown) > 3 else "")
            self.graph.problems.append(first._replace(message=message, where=where))
        inputs = {index for index, op in enumerate(self.graph.ops) if op.word == "input"}
        kept = self.graph.prune(
            inputs | self.graph.behind(output.op for output in self.graph.outputs)
        )
        if any(op in kept for op in self.fills):
            message = Message("a border that is no zeros stands before no pool of its kind")
            self.graph.problems.append(Problem("E601", message))
        return kept

    def tell(self, function: str) -> None:
        """Keep that a function has no word."""
        self.keep(self.unknown(function))

    def unknown(self, function: str) -> Problem:
        """That a function has no word."""
        return Problem("E601", without_word(function), self.where, NOTHING, self.span)

    def unsayable(self, function: str) -> None:
        """Keep that a function leaves the axes in an order that cannot be said."""
        message = Message("no layer has the axes in the order of `{function}`", function=function)
        self.problem("E601", message)

    def problem(self, code: str, message: Message) -> None:
        """Keep a problem that is met here."""
        self.keep(Problem(code, message, self.where, NOTHING, self.span))

    def keep(self, problem: Problem) -> None:
        """Keep a problem: one that is met in several places is told of once."""
        self.told.setdefault((problem.code, problem.message), []).append(problem)

    # How operations are added

    def emit(self, word: str, values: Mapping[str, Any], op: int) -> int:
        """Add a layer without weights behind an operation, and give its place."""
        return self.merge(word, (op,), **values)

    def merge(self, word: str, ops: Sequence[int], **values: Any) -> int:
        """Add a merge of operations, and give its place."""
        return self.graph.add(word, values, ops, {}, self.scope, self.name, self.where)

    def fresh(self, op: int) -> Tensor:
        """What an operation gives, with the channels first."""
        return fresh(op, self.graph.shape(op))

    def placed(self, op: int, order: Sequence[int]) -> Tensor:
        """What an operation gives whose axes are those of the framework, in an order."""
        inverse = sorted(range(len(order)), key=order.__getitem__)
        return laid(op, self.graph.shape(op), inverse)

    def image(self, word: str, tensor: Tensor, **values: Any) -> Tensor:
        """A layer of a map, which may give another shape."""
        return self.fresh(self.emit(word, values, self.mapped(tensor).op))

    def reshaped(self, op: int) -> tuple[int, Shape] | None:
        """What an operation reads, and its shape, where all that it does is to reshape it."""
        found = self.graph.ops[op]
        if found.word not in ("flatten", "reshape"):
            return None
        return found.inputs[0], self.graph.shape(found.inputs[0])

    def weighted(
        self,
        word: str,
        values: Mapping[str, Any],
        op: int,
        weights: Mapping[str, tuple[Any, Taken | None]],
    ) -> int:
        """Add a layer with weights: each a Param, with how it is taken if not as it is."""
        taken: dict[str, Taken] = {}
        learns: dict[bool, str] = {}
        for role, (param, how) in weights.items():
            if param is None:
                continue
            if not isinstance(param, Param):
                message = Message(
                    "the weights of `{word}` are computed, and no array of the module", word=word
                )
                raise Refused(message)
            stored = param.stored or param.shape
            how = how or Taken(param.key)
            if stored != param.shape and how.axes and not how.split:
                how = how._replace(split=param.shape)
            taken[role] = how._replace(key=param.key)
            self.params[param.key] = param
            self.graph.arrays[param.key] = SourceArray(stored, param.trainable, param.read)
            if role not in ("mean", "variance"):
                learns[param.trainable] = param.key
        if len(learns) > 1:
            message = Message(
                "`{key}` learns, and other weights of its layer do not", key=learns[True]
            )
            self.problem("E601", message)
        frozen = [*learns] == [False]
        return self.graph.add(word, values, (op,), taken, self.scope, self.name, self.where, frozen)

    def layer(self, word: str, tensor: Tensor, **values: Any) -> Tensor:
        """A layer that gives a tensor of the same shape and leaves its axes where they are."""
        return tensor._replace(op=self.emit(word, values, tensor.op))

    def arrange(self, tensor: Tensor, order: Sequence[int]) -> Tensor:
        """A tensor whose axes of ours are those of the framework, in an order."""
        found = arranged(tensor, [tensor.axes[axis] for axis in order], self)
        if found.op != tensor.op:
            self.laid.append((tensor, found))
        return found

    def mapped(self, tensor: Tensor) -> Tensor:
        """A tensor whose axes of ours are space and then the channels, the first axis."""
        return self.arrange(tensor, tensor.first()) if tensor.axes else tensor  # one number

    def ordered(self, tensor: Tensor) -> tuple[Tensor, tuple[int, ...]]:
        """A tensor of which each axis of ours is one of the framework's, and which it is."""
        if order := tensor.order():
            return tensor, order
        return self.mapped(tensor), tensor.first()

    def lasting(self, tensor: Tensor, axis: int) -> Tensor:
        """A tensor of which the last axis of ours has the values of an axis, in any order."""
        if set(tensor.channels()) == set(tensor.axes[axis]):
            return tensor
        order = tensor.order() or range(len(tensor.axes))
        return self.arrange(tensor, (*(each for each in order if each != axis), axis))

    def seen(self, tensor: Tensor) -> Tensor:
        """The axes of a view put in their places where some of them became one."""
        if len(tensor.axes) == 1:
            if len(tensor.ours) == 1:
                return tensor
            op = self.emit("flatten", {}, tensor.op)
            return tensor._replace(op=op, ours=self.graph.shape(op)).plain()
        if any(len(axis) > 1 for axis in tensor.axes):
            order, last = tensor.first(), len(tensor.sizes)
            if not shuffling(tensor, [tensor.axes[axis] for axis in order])[0]:
                # Our axes stay in their order as far as can be.
                firsts = [
                    min(axis, default=-1 if place else last)
                    for place, axis in enumerate(tensor.axes)
                ]
                order = tuple(sorted(range(len(firsts)), key=firsts.__getitem__))
            try:
                return self.arrange(tensor, order)
            except Unsayable:
                return tensor  # perhaps it need not be
        return tensor


def extends(graph: Graph, other: Graph) -> bool:
    """Whether a network while training does what it does else, the other, and has more outputs,
    which are marked then."""
    if graph.problems or len(graph.outputs) < len(other.outputs):
        return False
    names = [output.name for output in other.outputs[1:]]
    graph.outputs = [
        output._replace(training=at > 0 and output.name not in names)
        for at, output in enumerate(graph.outputs)
    ]

    def run(graph: Graph) -> list[tuple[Any, ...]]:
        ops = [graph.ops[at] for at in sorted(graph.behind([graph.outputs[0].op]))]
        return [(op.word, op.shape, tuple(op.weights.values())) for op in ops]

    return run(graph) == run(other)


def _tensors(value: Any) -> Any:
    """The tensors in arguments, in their order."""
    if isinstance(value, (Tensor, Lost)):
        yield value
    elif isinstance(value, Mapping):
        for each in value.values():
            yield from _tensors(each)
    elif type(value) in (list, tuple):
        for each in value:
            yield from _tensors(each)


def axis_in(tensor: Tensor, dim: int) -> int:
    """An axis by its number in the framework, behind the batch."""
    count = len(tensor.axes) + 1
    if not -count <= dim < count:
        raise IndexError
    if dim % count == 0:
        raise Refused(ACROSS_BATCH)
    return dim % count - 1


def many(value: Any) -> bool:
    """Whether an argument has a value for each of several."""
    return isinstance(value, (tuple, list))


def per_axis(value: Any, rank: int) -> tuple[int, ...]:
    """A size for each spatial dimension."""
    values = value if many(value) else (value,)
    if len(values) not in (1, rank):
        raise ValueError
    return tuple(map(int, values)) * (rank // len(values))


def said(**values: Any) -> dict[str, Any]:
    """Arguments without those that are 1 in all dimensions, or nothing."""
    return {
        name: value
        for name, value in values.items()
        if value is not None and {*(value if isinstance(value, tuple) else (value,))} != {1}
    }


def pads_of(pairs: Sequence[tuple[int, int]]) -> tuple[Pair, ...] | None:
    """A padding, or None where there is none."""
    return tuple(Pair(*pair) for pair in pairs) if any(map(any, pairs)) else None
