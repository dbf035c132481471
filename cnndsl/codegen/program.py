"""A network as a program: functions, loops and calls, still of no framework.

A block of the source becomes one function. All its calls in the network are laid side by
side: a value that is the same in every one, or that an expression of the block's parameters
gives, is written so; what differs beyond that becomes a further parameter: a number, a flag,
the type of an activation.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple, TypeAlias

from cnndsl.codegen.expressions import Expr, Symbol, Variable, reads_sizes, walk
from cnndsl.layers import Layer
from cnndsl.layers.merge import Merge as MergeLayer


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
    `alias` the tensor that it names.
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


class FunctionCall(NamedTuple):
    """A call of a function of the program, or of one that is a parameter."""

    function: Function
    called: Symbol | Variable
    args: tuple[Expr, ...]
    kwargs: tuple[tuple[Variable, Expr], ...]
    tensors: tuple[Variable, ...]
    label: str | None = None
    alias: Variable | None = None
    shapes: tuple[Any, Any] = ((), ())


class Merge(NamedTuple):
    """A merge of paths."""

    layer: MergeLayer
    paths: tuple[list[Item], ...]
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
    """A side output: the body runs from the current tensor, which stays."""

    name: str
    body: list[Item]


Item: TypeAlias = (
    LayerCall | FunctionCall | Merge | Loop | If | FromTensor | NameTensor | Let | Output
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
        return item.paths
    if isinstance(item, (Loop, Output)):
        return (item.body,)
    if isinstance(item, If):
        return (*item.bodies, item.otherwise)
    return ()


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


def symbols(items: list[Item]) -> set[str]:
    """The functions and classes of a framework that items call, by their names."""
    found: set[str] = set()
    for item in all_items(items):
        if isinstance(item, LayerCall):
            for call in item.calls:
                if isinstance(call.function, Symbol) and isinstance(call.function.target, str):
                    found.add(call.function.target)
    return found


def without_unread(items: list[Item]) -> list[Item]:
    """Items without the names, of values and of tensors, that nothing reads.

    Names read one another: what reads nothing goes, until nothing is left that does.
    """
    while (kept := _without(items, read_by(items))) != items:
        items = kept
    return items


def _without(items: list[Item], read: set[Variable]) -> list[Item]:
    kept: list[Item] = []
    for item in items:
        if isinstance(item, Let) and item.variable not in read:
            continue
        if isinstance(item, NameTensor) and item.tensor not in read:
            continue
        if isinstance(item, (LayerCall, FunctionCall, Merge)) and item.alias not in read:
            item = item._replace(alias=None)
        if isinstance(item, Merge):
            item = item._replace(paths=tuple(_without(path, read) for path in item.paths))
        elif isinstance(item, (Loop, Output)):
            body = _without(item.body, read)
            if not body and isinstance(item, Loop):
                continue
            item = item._replace(body=body)
        elif isinstance(item, If):
            bodies = tuple(_without(body, read) for body in item.bodies)
            item = item._replace(bodies=bodies, otherwise=_without(item.otherwise, read))
            if not any(inner(item)):
                continue
        kept.append(item)
    return kept


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
            return any(map(takes_tensor, item.paths))
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


def is_sequential(items: list[Item]) -> bool:
    """Whether items are a plain chain: no merge, no second tensor, no side output."""
    return not any(
        isinstance(item, (Merge, FromTensor, NameTensor, Output))
        or (isinstance(item, (LayerCall, FunctionCall)) and item.alias is not None)
        or (isinstance(item, FunctionCall) and (item.tensors or not item.function.takes))
        for item in all_items(items)
    )
