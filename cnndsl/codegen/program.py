"""A network as a program: functions, loops and calls, still of no framework.

A block of the source becomes one function. All its calls in the network are laid over each
other: a value that is the same in every call, or that an expression of the block's
parameters gives, is written so; one that differs beyond that becomes a parameter. Calls
that differ in more than values (a pad here, none there) become variants of the function.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from cnndsl.layers.merge import Merge


class CodeCall(NamedTuple):
    """A call whose values have become code."""

    function: str
    args: tuple[str, ...]
    kwargs: tuple[tuple[str, str], ...]
    style: str
    main: bool

    def text(self, *more: str, spread: bool = False) -> str:
        """The call as Python, with further arguments at the end.

        With `spread` it ends in a comma, by which black gives each argument a line.
        """
        written = [*self.args, *(f"{key}={value}" for key, value in self.kwargs), *more]
        comma = "," if spread and written else ""
        return f"{self.function}({', '.join(written)}{comma})"


class Make(NamedTuple):
    """A layer: one or more calls in a row. `shapes` are (before, after) of the first copy.

    `carrier` is the place of the call that carries the layer's name, `shaper` of the one
    after which the shape is the layer's.
    """

    calls: tuple[CodeCall, ...]
    alias: str | None
    op: str
    shapes: tuple[Any, Any]
    carrier: int
    shaper: int

    def carries(self, call: CodeCall) -> bool:
        """Whether this is the call that carries the layer's name."""
        return call is self.calls[self.carrier]


class Use(NamedTuple):
    """A call of a function of the program."""

    function: Function
    args: tuple[str, ...]
    kwargs: tuple[tuple[str, str], ...]
    tensors: tuple[str, ...]
    alias: str | None
    shapes: tuple[Any, Any]


class Join(NamedTuple):
    """A merge of paths."""

    layer: Merge
    paths: tuple[list[Item], ...]
    alias: str | None
    shapes: tuple[Any, Any]


class Times(NamedTuple):
    """A loop. `counter` is its name, or None where nothing reads it.

    `steady` says that the shape after each turn is the same.
    """

    turns: str
    counter: str | None
    body: list[Item]
    steady: bool
    shapes: tuple[Any, Any]


class When(NamedTuple):
    """A condition that calls of a function decide differently."""

    tests: tuple[str, ...]
    bodies: tuple[list[Item], ...]
    otherwise: list[Item]


class Goto(NamedTuple):
    """Go on from a named tensor."""

    name: str


class Named(NamedTuple):
    """The current tensor gets a name."""

    alias: str


class Assign(NamedTuple):
    """A name for a value."""

    name: str
    code: str


class Output(NamedTuple):
    """A side output: the body runs from the current tensor, which stays."""

    name: str
    body: list[Item]


Item = Make | Use | Join | Times | When | Goto | Named | Assign | Output


class Parameter(NamedTuple):
    """A parameter of a function; `default` is code, or None for a required one.

    `kind` is `source` for one of the block, `channels` for the input channels, `extra` for
    one that the source does not have.
    """

    name: str
    default: str | None
    kind: str
    annotation: str = "int"


class Function:
    """A function of the program: what a block, or the body of a loop, became.

    `names` tells what the block's parameters are called in Python, `tensors` the same for
    those that stand for tensors. `extra` holds, for each parameter that the source does not
    have, its value in each copy; `channels` is code for the output channels.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.parameters: list[Parameter] = []
        self.names: dict[str, str] = {}
        self.tensors: dict[str, str] = {}
        self.body: list[Item] = []
        self.channels: str | None = None
        self.extra: dict[str, list[Any]] = {}


class Program(NamedTuple):
    """Functions in the order they are defined, and the net itself."""

    functions: list[Function]
    body: list[Item]
    helpers: tuple[str, ...]


X = "__x__"
"""Stands in code for the current tensor, until a renderer knows its name."""


def is_sequential(items: list[Item]) -> bool:
    """Whether items are a plain chain: no merge, no second tensor, no side output."""
    for item in items:
        if isinstance(item, (Join, Goto, Named, Output)):
            return False
        if isinstance(item, Use) and item.tensors:
            return False
        if isinstance(item, Times) and not is_sequential(item.body):
            return False
        if isinstance(item, When) and not all(
            is_sequential(body) for body in (*item.bodies, item.otherwise)
        ):
            return False
    return True


def gotos(items: list[Item]) -> set[str]:
    """The tensor names that items go back to or hand on."""
    found: set[str] = set()
    for item in items:
        if isinstance(item, Goto):
            found.add(item.name)
        elif isinstance(item, Use):
            found.update(item.tensors)
        elif isinstance(item, Join):
            found.update(*(gotos(path) for path in item.paths))
        elif isinstance(item, (Times, Output)):
            found |= gotos(item.body)
        elif isinstance(item, When):
            found.update(*(gotos(body) for body in (*item.bodies, item.otherwise)))
    return found


def path_names(item: Join) -> list[str]:
    """What the results of a merge's paths are called."""
    if len(item.paths) == 2 and item.layer.op in ("add", "mul"):
        first, second = item.paths
        if item.layer.op == "mul":
            return ["main", "gate"] if _weight(first) <= _weight(second) else ["gate", "main"]
        if _bypasses(second, first):
            return ["main", "skip"]
        if _bypasses(first, second):
            return ["skip", "main"]
        return ["left", "right"]  # sums stand in the branches of other merges
    return [f"branch{index + 1}" for index in range(len(item.paths))]


def _weight(items: list[Item]) -> int:
    """How much a path does: a condition that may do nothing counts less than a layer."""
    return sum(1 if isinstance(item, (When, Goto, Named)) else 2 for item in items)


def _bypasses(items: list[Item], other: list[Item]) -> bool:
    """Whether a path goes past the other: it may do nothing, or is one projection past a chain."""
    if _weight(items) > _weight(other):
        return False
    return _may_idle(items) or _projections(items, {}) == 1 < _projections(other, {})


def _may_idle(items: list[Item]) -> bool:
    """Whether there is a way through items that does nothing."""
    return all(
        isinstance(item, (Goto, Named))
        or (isinstance(item, When) and any(map(_may_idle, (*item.bodies, item.otherwise))))
        for item in items
    )


_PROJECTING = frozenset(("conv", "dwconv", "sepconv", "deconv", "dense"))


def _projections(items: list[Item], known: dict[Function, int]) -> int:
    """How many convolutions and dense layers a path has at most, where 2 stands for more."""
    count = 0
    for item in items:
        if isinstance(item, Make):
            count += item.op in _PROJECTING
        elif isinstance(item, Use):
            if item.function not in known:
                known[item.function] = _projections(item.function.body, known)
            count += known[item.function]
        elif isinstance(item, Join):
            count += max(_projections(path, known) for path in item.paths)
        elif isinstance(item, Times):
            count += 2 * _projections(item.body, known)
        elif isinstance(item, When):
            count += max(_projections(body, known) for body in (*item.bodies, item.otherwise))
    return min(count, 2)


def assigned(items: list[Item]) -> set[str]:
    """The names that items give to values and to counters of loops."""
    found: set[str] = set()
    for item in items:
        if isinstance(item, Assign):
            found.add(item.name)
        elif isinstance(item, Times):
            found |= {item.counter or "_", *assigned(item.body)}
        elif isinstance(item, Output):
            found |= assigned(item.body)
        elif isinstance(item, Join):
            found.update(*(assigned(path) for path in item.paths))
        elif isinstance(item, When):
            found.update(*(assigned(body) for body in (*item.bodies, item.otherwise)))
    return found
