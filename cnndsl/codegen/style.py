"""How a framework of modules writes what all of them have: chains, parts, calls.

What PyTorch and Flax have in common; their own styles say where they differ.
"""

from __future__ import annotations

import ast as python
from collections.abc import Container, Sequence
from typing import Any, ClassVar

from cnndsl.codegen.expressions import Variable, calling, literal, name, written
from cnndsl.codegen.program import (
    CodeCall,
    Frozen,
    FunctionCall,
    If,
    Item,
    LayerCall,
    Loop,
    all_items,
    learns,
    read_by,
)
from cnndsl.codegen.source import (
    Assign,
    Branch,
    Chain,
    Extend,
    For,
    Statement,
    Value,
    flat,
    range_of,
)
from cnndsl.codegen.write_module import shape_note
from cnndsl.layers.base import Shape
from cnndsl.layers.merge import Merge


class Style:
    """How a framework of modules writes what all of them have.

    * `sequential`, `identity`, `module`: a chain, what does nothing, the base of classes
    * `listing`: what keeps the parts of a loop
    * `tensor`, `forward`: the type of what goes through, and the method that it goes through
    * `start`: how a constructor begins
    * `maximum`: the function of two tensors, and `reducers` those that merges of many are made by
    * `training`: the test whether a module trains, and `flags` what it needs in a constructor
    * `attributes`: what modules are made of, so that no layer can be called so
    * `kinds`: the types of parameters that are symbols: an activation, one that is given more
    """

    sequential: ClassVar[str]
    identity: ClassVar[python.expr]
    module: ClassVar[str]
    listing: ClassVar[str]
    part: ClassVar[str]
    tensor: ClassVar[str]
    forward: ClassVar[str]
    maximum: ClassVar[str]
    reducers: ClassVar[dict[str, str]]
    training: ClassVar[python.expr]
    flags: ClassVar[tuple[Statement, ...]] = ()
    start: ClassVar[tuple[Statement, ...]] = ()
    attributes: ClassVar[frozenset[str]]
    kinds: ClassVar[dict[str, str]]

    def order(self, shape: Shape) -> Shape:
        """A channels-last shape as the framework has it."""
        raise NotImplementedError

    def more(self, items: list[Item], own: str) -> list[str]:
        """Further parameters of the constructor of a class that runs these items."""
        return []

    def arguments(self, use: FunctionCall) -> dict[str, python.expr]:
        """What a call of a class is given beside its parameters."""
        return {}

    def piece(self, call: CodeCall) -> python.expr:
        """A call as a part of a chain."""
        return call_of(call)

    def call(self, call: CodeCall, x: python.expr, *, kept: bool) -> python.expr | None:
        """A call as an expression of x; None for what is `kept` as a part of the module."""
        raise NotImplementedError

    def around(self, item: Item, x: python.expr) -> python.expr | None:
        """An activation without state and name as an expression of x; None for all else."""
        raise NotImplementedError

    def applied(self, item: Item, x: python.expr, kept: bool) -> python.expr | None:
        """The same of all that has no state, where parts are not `kept`."""
        return None if kept else self.around(item, x)

    def concat(self, parts: list[python.expr], layer: Merge) -> python.expr:
        """Tensors behind one another along the axis of a layer."""
        raise NotImplementedError

    def stretched(self, part: python.expr, rank: int) -> python.expr:
        """A vector as an image of one pixel; `rank` counts the channels."""
        return stretched(part, rank)

    def together(self, parts: list[python.expr]) -> python.expr:
        """The parts of a run as one."""
        return calling(self.sequential, *parts)

    def frozen(self, parts: tuple[tuple[python.expr, str], ...], *, alone: bool = True) -> Value:
        """The parts of a chain, with their notes, as one that does not learn; of a module that
        takes several tensors where they are not `alone`."""
        raise NotImplementedError

    def note(self, item: Any, call: CodeCall | None = None) -> str:
        """The comment that tells a new shape."""
        return shape_note(item, call, self.order)

    # Chains

    def chain(self, items: Sequence[Item], comments: bool = False) -> list[tuple[python.expr, str]]:
        """A chain as the arguments of a Sequential, with their notes."""
        found: list[tuple[python.expr, str]] = []
        run: list[python.expr] = []
        for place, item in enumerate(items):
            note = self.note(item) if comments and not isinstance(item, (LayerCall, If)) else ""
            if isinstance(item, LayerCall) and item.run >= 0:
                run += map(self.piece, item.calls)
                following = items[place + 1] if place + 1 < len(items) else None
                if not isinstance(following, LayerCall) or following.run != item.run:
                    found.append((self.together(run), self.note(item) if comments else ""))
                    run = []
            elif isinstance(item, LayerCall):
                for call in item.calls:
                    found.append((self.piece(call), self.note(item, call) if comments else ""))
            elif isinstance(item, FunctionCall):
                found.append((self.made(item), note))
            elif isinstance(item, Frozen):
                parts = tuple(self.chain(item.body))
                found += [(flat(self.frozen(parts)), "")] if learns(item.body) else parts
            elif isinstance(item, Loop):
                numbers = range_of(item.start, written(item.stop))
                turn = python.comprehension(self.counter(item), numbers, [], 0)
                one = python.GeneratorExp(self.one(item.body), [turn])
                found.append((python.Starred(one), note))
            elif isinstance(item, If):
                found.append((self.conditional(item), ""))
        return found

    def counter(self, item: Loop) -> python.expr:
        """The counter of a loop, where its body reads it."""
        return counter_of(item.counter, read_by(item.body))

    def one(self, items: Sequence[Item]) -> python.expr:
        """A chain as one module."""
        parts = [part for part, _ in self.chain(items)]
        if not parts:
            return self.identity
        if len(parts) == 1 and not isinstance(parts[0], python.Starred):
            return parts[0]
        return calling(self.sequential, *parts)

    def made(self, item: FunctionCall) -> python.expr:
        """A call of a class."""
        called = item.called
        function = name(called.name) if isinstance(called, Variable) else literal(called)
        kwargs = {key.name: written(value) for key, value in item.kwargs}
        return calling(function, *map(written, item.args), **kwargs, **self.arguments(item))

    def conditional(self, item: If) -> python.expr:
        """A condition as an expression."""
        result = self.one(item.otherwise)
        for test, body in zip(reversed(item.tests), reversed(item.bodies)):
            result = python.IfExp(written(test), self.one(body), result)
        return result

    def choice(self, item: If, target: str) -> list[Statement]:
        """The same as statements that give a target its value."""
        bodies: tuple[list[Statement], ...] = tuple(
            [Assign(target, self.one(body))] for body in item.bodies
        )
        otherwise: list[Statement] = [Assign(target, self.one(item.otherwise))]
        return [Branch(tuple(map(written, item.tests)), bodies, otherwise)]

    def built(self, items: Sequence[Item], target: str, comments: bool) -> list[Statement]:
        """Statements that add a chain to a list, of which conditions add a part or not."""
        found: list[Statement] = []
        plain: list[Item] = []

        def flush() -> None:
            if plain:
                found.append(Extend(target, tuple(self.chain(plain, comments))))
                plain.clear()

        for item in items:
            if isinstance(item, If):
                flush()
                bodies = tuple(self.built(body, target, comments) for body in item.bodies)
                otherwise = self.built(item.otherwise, target, comments)
                found.append(Branch(tuple(map(written, item.tests)), bodies, otherwise))
            elif isinstance(item, Loop) and has_conditions(item.body):
                flush()
                body = self.built(item.body, target, False)
                numbers = range_of(item.start, written(item.stop))
                found.append(For(self.counter(item), numbers, body))
            else:
                plain.append(item)
        flush()
        return found

    def listed(
        self, items: Sequence[Item], local: str, comments: bool
    ) -> tuple[list[Statement], python.expr]:
        """Statements that make a list of a chain's parts, and the list's items."""
        found = self.built(items, local, comments)
        kind = f"list[{self.part}]" if self.part else ""
        first = found[0]
        if isinstance(first, Extend):
            given = Chain("", first.items)
            found[0] = Assign(local, given, annotation=kind)
        else:
            found.insert(0, Assign(local, python.List([]), annotation=kind))
        return found, python.Starred(name(local))


def counter_of(counter: Variable, read: Container[Variable]) -> python.expr:
    """The counter of a loop, where it is among what the loop reads."""
    return name(counter.name if counter in read else "_")


def listed(parts: list[python.expr]) -> python.expr:
    """Tensors as a list; one that is a list already stays as it is."""
    if len(parts) == 1 and isinstance(parts[0], python.Starred):
        return parts[0].value
    return python.List(parts)


def has_conditions(items: Sequence[Item]) -> bool:
    """Whether a chain, or a loop in it, has a condition."""
    return any(isinstance(item, If) for item in all_items(list(items)))


def stateless(item: Item) -> CodeCall | None:
    """The only call of a layer without a name."""
    if isinstance(item, LayerCall) and len(item.calls) == 1 and not item.label:
        return item.calls[0]
    return None


def call_of(call: CodeCall, *before: python.expr, x: python.expr | None = None) -> python.Call:
    """A call in Python, with arguments before its own; `x` is the current tensor."""
    function = (
        name(call.function.name) if isinstance(call.function, Variable) else literal(call.function)
    )
    kwargs = {key: written(value, x) for key, value in call.kwargs}
    return calling(function, *before, *(written(arg, x) for arg in call.args), **kwargs)


def stretched(part: python.expr, rank: int) -> python.expr:
    """A vector as an image of one pixel, the channels last; `rank` counts them too."""
    new: list[python.expr] = [python.Constant(None)] * (rank - 1)
    return python.Subscript(part, python.Tuple([python.Slice(), *new, python.Slice()]))
