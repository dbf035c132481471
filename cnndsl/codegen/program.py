"""A network as a program: functions, loops and calls, still of no framework.

A block of the source becomes one function. All its calls in the network are laid side by
side: a value that is the same in every one, or that an expression of the block's parameters
gives, is written so; what differs beyond that becomes a further parameter: a number, a flag,
the type of an activation.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import takewhile
from typing import Any, NamedTuple, TypeAlias

from cnndsl.codegen.expressions import Expr, Symbol, Variable, reads_sizes, walk
from cnndsl.layers import Layer
from cnndsl.layers.merge import Merge as MergeLayer


class Share:
    """One set of weights, which calls in a function have in common.

    * `sets`: for each instance of the function, or turn of a loop, which set of the net it is
    * `given`: for each set, the values that what keeps the weights is made with
    * `depth`: how many loops of the function have a set for each turn
    """

    def __init__(self, depth: int) -> None:
        self.sets: dict[Any, int] = {}
        self.given: dict[int, Any] = {}
        self.depth = depth


class CodeCall(NamedTuple):
    """A call whose values have become expressions; `function` can be a parameter."""

    function: Symbol | Variable
    args: tuple[Any, ...]
    kwargs: tuple[tuple[str, Expr], ...]
    style: str
    main: bool

    @property
    def bare(self) -> str:
        """The function, where nothing but its name is said; else empty."""
        if self.args or self.kwargs or isinstance(self.function, Variable):
            return ""
        return str(self.function.target)


class LayerCall(NamedTuple):
    """A layer: one or more calls in a row. `shapes` are (before, after) of the first instance.

    `layer` is that of the first instance too; `label` is the name that the file gives it, and
    `alias` the tensor that it names. `share` is the set of weights that others have too.
    `carrier` is the place of the call that carries the layer's name, `shaper` of the one
    after which the shape is the layer's. Neighbours of one `run`, if it is not -1, are one part.
    """

    calls: tuple[CodeCall, ...]
    layer: Layer
    label: str | None = None
    alias: Variable | None = None
    shapes: tuple[Any, Any] = ((), ())
    carrier: int = 0
    shaper: int = 0
    run: int = -1
    share: Share | None = None


class FunctionCall(NamedTuple):
    """A call of a function of the program, or of one that is a parameter.

    `results` are the tensors that the function gives beside its last, where they are read, and
    `share` is the set of weights that other calls have too.
    """

    function: Function
    called: Symbol | Variable
    args: tuple[Expr, ...]
    kwargs: tuple[tuple[Variable, Expr], ...]
    tensors: tuple[Variable, ...]
    label: str | None = None
    alias: Variable | None = None
    shapes: tuple[Any, Any] = ((), ())
    results: tuple[Variable | None, ...] = ()
    share: Share | None = None


class PathIf(NamedTuple):
    """Paths of a merge that a condition decides on."""

    tests: tuple[Expr, ...]
    bodies: tuple[tuple[Path, ...], ...]
    otherwise: tuple[Path, ...]


class PathLoop(NamedTuple):
    """Paths of a merge for each turn of a loop up to `stop`."""

    stop: Expr
    counter: Variable
    paths: tuple[Path, ...]


Path: TypeAlias = "list[Item] | PathIf | PathLoop"
"""A path of a merge, or several."""


class Merge(NamedTuple):
    """A merge of paths."""

    layer: MergeLayer
    paths: tuple[Path, ...]
    label: str | None
    alias: Variable | None
    shapes: tuple[Any, Any]


class Loop(NamedTuple):
    """A loop from `start` up to `stop`; `steady` says that all turns give the same shape."""

    start: int
    stop: Expr
    counter: Variable
    body: list[Item]
    steady: bool
    shapes: tuple[Any, Any]


class If(NamedTuple):
    """A condition that calls of a function decide differently."""

    tests: tuple[Expr, ...]
    bodies: tuple[list[Item], ...]
    otherwise: list[Item]


class FromTensor(NamedTuple):
    """Go on from a named tensor."""

    tensor: Variable


class NameTensor(NamedTuple):
    """The current tensor gets a name."""

    tensor: Variable


class Let(NamedTuple):
    """A name for a value."""

    variable: Variable
    value: Expr


class Output(NamedTuple):
    """A side output: the body runs from the current tensor, which stays. It may be there while
    `training` only."""

    name: str
    body: list[Item]
    training: bool


class Frozen(NamedTuple):
    """A part that does not learn."""

    body: list[Item]


Item: TypeAlias = (
    LayerCall | FunctionCall | Merge | Loop | If | FromTensor | NameTensor | Let | Output | Frozen
)


class Function:
    """A function of the program: what a block became.

    * `block`, `name`: what the source calls it, and what it is called in the program
    * `parameters`: the variables that it takes, in order; those with defaults come last
    * `tensors`: what stands for each parameter that is a tensor
    * `arguments`: for each parameter, its value in each instance
    * `widths`: the parameters that are the channels of a tensor, and which tensor's
    * `channels`: the channels that come out, in the variables of the function
    * `takes`: whether it reads the current tensor, rather than go on from another
    * `results`: the tensors that it gives beside the last, by what the source calls them, and
      `widths_of` their channels
    * `last`: which of those is the last itself; None for none
    * `shared`: whether calls of it, or of what calls it, have weights in common
    """

    def __init__(self, name: str) -> None:
        self.name = self.block = name
        self.parameters: list[Variable] = []
        self.tensors: dict[str, Variable] = {}
        self.arguments: dict[Variable, list[Any]] = {}
        self.widths: dict[Variable, str] = {}
        self.body: list[Item] = []
        self.channels: Expr | None = None
        self.takes = True
        self.results: dict[str, Variable] = {}
        self.last: str | None = None
        self.widths_of: dict[str, Expr | None] = {}
        self.shared = False


class Program(NamedTuple):
    """Functions in the order they are defined, and the net itself.

    `inputs` are the variables of the inputs, None for those without a name.
    """

    functions: list[Function]
    body: list[Item]
    inputs: list[Variable | None]


def inner(item: Item) -> tuple[list[Item], ...]:
    """The runs of items inside an item."""
    if isinstance(item, Merge):
        return tuple(path for path in parts_of(item.paths) if isinstance(path, list))
    if isinstance(item, (Loop, Output, Frozen)):
        return (item.body,)
    if isinstance(item, If):
        return (*item.bodies, item.otherwise)
    return ()


def parts_of(paths: tuple[Path, ...]) -> Iterator[Path]:
    """Paths, and those inside conditions and loops among them."""
    for path in paths:
        yield path
        if isinstance(path, PathIf):
            for body in (*path.bodies, path.otherwise):
                yield from parts_of(body)
        elif isinstance(path, PathLoop):
            yield from parts_of(path.paths)


def certain(paths: Iterable[Path]) -> list[list[Item]]:
    """The first of some paths, up to one that is not always there."""
    return list(takewhile(lambda path: isinstance(path, list), paths))  # type: ignore[arg-type]


def learns(items: list[Item]) -> bool:
    """Whether any of some items has weights."""
    return any(
        (isinstance(item, LayerCall) and bool(item.layer.all_weights))
        or (isinstance(item, FunctionCall) and learns(item.function.body))
        for item in all_items(items)
    )


def all_items(items: list[Item]) -> Iterator[Item]:
    """Items at any depth, in the order of the program."""
    for item in items:
        yield item
        for body in inner(item):
            yield from all_items(body)


def expressions(item: Item) -> list[Expr]:
    """The expressions that an item itself has."""
    if isinstance(item, LayerCall):
        found: list[Expr] = []
        for call in item.calls:
            found += call.args
            found += [value for _, value in call.kwargs]
            if isinstance(call.function, Variable):
                found.append(call.function)
        return found
    if isinstance(item, FunctionCall):
        called = [item.called] if isinstance(item.called, Variable) else []
        return [*item.args, *(value for _, value in item.kwargs), *called]
    if isinstance(item, Loop):
        return [item.stop]
    if isinstance(item, If):
        return list(item.tests)
    if isinstance(item, Let):
        return [item.value]
    if isinstance(item, Merge):
        tests = [each.tests for each in parts_of(item.paths) if isinstance(each, PathIf)]
        stops = [each.stop for each in parts_of(item.paths) if isinstance(each, PathLoop)]
        return [*(test for each in tests for test in each), *stops]
    return []


def read_by(items: list[Item]) -> set[Variable]:
    """The variables that items read: parameters, counters, named tensors."""
    found: set[Variable] = set()
    for item in all_items(items):
        for expr in expressions(item):
            found.update(each for each in walk(expr) if isinstance(each, Variable))
        if isinstance(item, FromTensor):
            found.add(item.tensor)
        elif isinstance(item, FunctionCall):
            found.update(item.tensors)
    return found


def read_by_paths(paths: Iterable[Path]) -> set[Variable]:
    """The same of paths, with the conditions and loops that they stand in."""
    found: set[Variable] = set()
    for path in parts_of(tuple(paths)):
        if isinstance(path, list):
            found |= read_by(path)
            continue
        for expr in path.tests if isinstance(path, PathIf) else (path.stop,):
            found.update(each for each in walk(expr) if isinstance(each, Variable))
    return found


def symbols(items: list[Item]) -> set[str]:
    """The functions and classes of a framework that items call, by their names."""
    found: set[str] = set()
    for item in all_items(items):
        if isinstance(item, LayerCall):
            for call in item.calls:
                if isinstance(call.function, Symbol) and isinstance(call.function.target, str):
                    found.add(call.function.target)
    return found


def without_unread(items: list[Item], results: Iterable[Variable] = ()) -> list[Item]:
    """Items without the names, of values and of tensors, that nothing reads.

    Names read one another: what reads nothing goes, until nothing is left that does. The
    `results` are read from outside.
    """
    outside = set(results)
    while (kept := _without(items, read_by(items) | outside)) != items:
        items = kept
    return items


def _without(items: list[Item], read: set[Variable]) -> list[Item]:
    kept: list[Item] = []
    for item in items:
        if isinstance(item, Let) and item.variable not in read:
            continue
        if isinstance(item, FunctionCall) and item.results:
            results = tuple(each if each in read else None for each in item.results)
            item = item._replace(results=results)
        if isinstance(item, NameTensor) and item.tensor not in read:
            continue
        if isinstance(item, (LayerCall, FunctionCall, Merge)) and item.alias not in read:
            item = item._replace(alias=None)
        if isinstance(item, Merge):
            item = item._replace(paths=_paths_without(item.paths, read))
        elif isinstance(item, (Loop, Output, Frozen)):
            body = _without(item.body, read)
            if not body and not isinstance(item, Output):
                continue
            item = item._replace(body=body)
        elif isinstance(item, If):
            bodies = tuple(_without(body, read) for body in item.bodies)
            item = item._replace(bodies=bodies, otherwise=_without(item.otherwise, read))
            if not any(inner(item)):
                continue
        kept.append(item)
    return kept


def _paths_without(paths: tuple[Path, ...], read: set[Variable]) -> tuple[Path, ...]:
    kept: list[Path] = []
    for path in paths:
        if isinstance(path, PathIf):
            bodies = tuple(_paths_without(body, read) for body in path.bodies)
            path = path._replace(bodies=bodies, otherwise=_paths_without(path.otherwise, read))
        elif isinstance(path, PathLoop):
            path = path._replace(paths=_paths_without(path.paths, read))
        else:
            path = _without(path, read)
        kept.append(path)
    return tuple(kept)


def takes_tensor(items: list[Item]) -> bool:
    """Whether items read the tensor that is current before them."""
    for item in items:
        if any(map(reads_sizes, expressions(item))):
            return True
        if isinstance(item, FromTensor):
            return False
        if isinstance(item, Let):
            continue
        if isinstance(item, Merge):
            return any(map(takes_tensor, inner(item)))
        if isinstance(item, Frozen):
            return takes_tensor(item.body)
        if isinstance(item, Output):
            if takes_tensor(item.body):
                return True
            continue
        if isinstance(item, If):
            return any(map(takes_tensor, inner(item)))
        if isinstance(item, FunctionCall):
            return item.function.takes
        return True
    return True


def named_last(items: list[Item]) -> Variable | None:
    """The name of the tensor that items come to; None where it has none."""
    last = items[-1] if items else None
    if isinstance(last, (FromTensor, NameTensor)):
        return last.tensor
    return last.alias if isinstance(last, (LayerCall, FunctionCall, Merge)) else None


def is_sequential(items: list[Item]) -> bool:
    """Whether items are a plain chain: no merge, no second tensor, no side output."""
    return not any(
        isinstance(item, (Merge, FromTensor, NameTensor, Output))
        or (isinstance(item, (LayerCall, FunctionCall)) and (item.alias or item.share))
        or (isinstance(item, FunctionCall) and (item.tensors or not item.function.takes))
        or (isinstance(item, FunctionCall) and item.function.results)
        for item in all_items(items)
    )
