"""Instances laid over each other: what they share becomes a block, what differs its parameters.

What differs is a parameter that the block has, a multiple or a part of one, of the channels `C`
or of the channels that come in; else a new parameter. A stretch that some instances lack stands
in an `if`. Numbers that merely happen to fit are no reason: a test asks for the stride, for
whether shapes agree, for an expansion that is none, and else for a flag of its own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from itertools import product
from typing import Any, NamedTuple

from cnndsl.importers.statements import (
    ACTIVATION,
    Const,
    Expr,
    Line,
    Product,
    Range,
    Ref,
    Scaled,
    Statement,
    Text,
    argument,
    bulk,
    call_text,
    folded,
    free_name,
)
from cnndsl.layers.base import Layer, Shape
from cnndsl.layers.values import Pair

Vector = list[Any]
"""A value for each instance; ABSENT where one has no such thing."""


class _Absent:
    def __repr__(self) -> str:
        return "-"


ABSENT: Any = _Absent()


class Column:
    """A statement of several instances; None where one lacks it."""

    def __init__(self, cells: list[Statement | None]) -> None:
        self.cells = cells
        self.some = next(cell for cell in cells if cell is not None)
        self.paths: list[tuple[list[Column], list[bool]]] = []

    def vector(self, slot: str) -> Vector:
        if any(cell is not None and slot not in cell.slots for cell in self.cells):
            raise Unalike
        return [ABSENT if cell is None else cell.slots[slot] for cell in self.cells]

    @property
    def present(self) -> list[bool]:
        return [cell is not None for cell in self.cells]


class Unalike(Exception):
    """Instances that have no common form."""


def columns(instances: Sequence[Sequence[Statement] | None]) -> list[Column]:
    """The common form of several runs of statements. Raises Unalike."""
    there = [each for each in instances if each is not None]
    base = max(there, key=len)
    keys = [_kin(each) for each in base]
    rows = [align(keys, each) if each is not None else [None] * len(base) for each in instances]
    found = []
    for place in range(len(base)):
        column = Column([row[place] for row in rows])
        column.paths = _paths(column)
        found.append(column)
    return found


def align(keys: Sequence[Any], run: Sequence[Statement]) -> list[Statement | None]:
    """A run of statements beside the keys of a longer one, with one stretch left out."""
    gap = len(keys) - len(run)
    own = [_kin(each) for each in run]
    for begin in range(len(run), -1, -1):
        if own[:begin] == list(keys[:begin]) and own[begin:] == list(keys[begin + gap :]):
            return [*run[:begin], *[None] * gap, *run[begin:]]
    raise Unalike


def _kin(statement: Statement) -> Any:
    """What statements have in common that may stand for each other; of a merge the paths are
    compared after it.
    """
    is_loose = statement.kind == "merge" and statement.word != "concat"
    return statement.key[:3] if is_loose else statement.key


def _paths(column: Column) -> list[tuple[list[Column], list[bool]]]:
    """The paths of a merge, each with the instances that have it."""
    if column.some.kind != "merge":
        return []
    base = max((cell for cell in column.cells if cell is not None), key=lambda c: len(c.paths))
    cells: list[list[Sequence[Statement] | None]] = [[] for _ in base.paths]
    for cell in column.cells:
        places = {} if cell is None else _placed(base, cell)
        for place, found in enumerate(cells):
            found.append(None if cell is None else places.get(place))
    result = []
    for found in cells:
        result.append((columns(found), [each is not None for each in found]))
    return result


def _placed(base: Statement, cell: Statement) -> dict[int, Sequence[Statement]]:
    """The paths of a merge by the places of those of another that has as many or more."""
    if len(cell.paths) == len(base.paths):
        return dict(enumerate(cell.paths))
    longest = max(range(len(base.paths)), key=lambda place: bulk(base.paths[place]))
    rest = list(cell.paths)
    own = max(rest, key=bulk)
    rest.remove(own)
    places = {longest: own}
    free = [place for place in range(len(base.paths)) if place != longest]
    for path in rest:
        match = next((p for p in free if len(base.paths[p]) == len(path)), None)
        if match is None:
            raise Unalike
        free.remove(match)
        places[match] = path
    return places


class Rates(NamedTuple):
    """The rates of a net's `droppath`s where they grow with its depth: `factor*order/over`, and
    the order of each.

    A block takes the order for a parameter, or, if `direct`, the rate.
    """

    factor: float = 0.0
    over: int = 1
    orders: Mapping[float, int] = {}
    direct: bool = False

    def said(self, value: Expr) -> Expr:
        return Line(self.factor, value, self.over)


class Parameter:
    """A parameter of a block: its value in each instance, and its default, or None."""

    def __init__(self, name: str, slot: str, vector: Vector) -> None:
        self.name, self.slot, self.vector = name, slot, vector
        self.default: Any = None
        self.targets: Vector = []


class Block:
    """A block: its parameters in order, what stands in it, and whose calls it has."""

    def __init__(self, name: str, instances: Sequence[Sequence[Statement]]) -> None:
        self.name = name
        self.instances = instances
        self.shared = False
        self.params: list[Parameter] = []
        self.lets: list[str] = []
        self.body: tuple[Text, ...] = ()
        self.key: Any = None

    def head(self) -> str:
        params = [
            each.name if each.default is None else f"{each.name}={Const(each.default).text()}"
            for each in self.params
        ]
        return f"{'shared ' * self.shared}block {self.name}({', '.join(params)})"

    def text(self) -> Text:
        lets = tuple(Text(f"let {each}") for each in self.lets)
        return Text(self.head(), (lets + self.body,))


class Facts(NamedTuple):
    """What is known of a net beside its statements.

    * `blocks`: the blocks that it has so far
    * `layer_of`: the layer of a statement, None for a call
    * `has`: whether one of some layers stands in a statement, or in what it calls
    * `rates`: those of its `droppath`s
    """

    blocks: dict[str, Block]
    layer_of: Callable[[Statement], Layer | None]
    has: Callable[[Statement, Collection[str]], bool]
    rates: Rates


class Agreement(NamedTuple):
    """Whether a path changes no shape: `C == n and s == 1`, with the width that it gives and the
    stride, either of which may be None.
    """

    width: Expr | None
    stride: str | None

    def text(self, agrees: bool) -> str:
        """The test for that, or for the opposite."""
        sign, word = ("==", "and") if agrees else ("!=", "or")
        parts = [f"C {sign} {self.width.text()}"] if self.width else []
        parts += [f"{self.stride} {sign} 1"] if self.stride else []
        return f" {word} ".join(parts)


class Solver:
    """Finds what the arguments of a block's statements are in terms of its parameters."""

    def __init__(self, block: Block, table: list[Column], facts: Facts) -> None:
        self.block, self.facts = block, facts
        self.blocks, self.rates = facts.blocks, facts.rates
        self.count = len(block.instances)
        self.entry = [run[0].before[-1] if run else ABSENT for run in block.instances]
        shapes = [run[0].before for run in block.instances]
        # Only a residual that is narrow at its ends has widths that are said as expansions.
        self.is_inverted = any(
            facts.has(each, ("dwconv",)) for run in block.instances for each in run
        )
        self.inside: list[dict[int, Column]] = [{} for _ in block.instances]
        self.find_names(table)
        self.uses_entry = False
        block.body = self.body(table, shapes, [True] * self.count)
        if block.body:  # the name of the whole is that of the call
            block.body = (*block.body[:-1], block.body[-1]._replace(alias=""))
        if self.uses_entry:
            block.lets.append("c = C")
        self.finish()

    # Names of tensors

    def find_names(self, table: list[Column]) -> None:
        """Find the tensors that are named in the block: by operation, in each instance."""
        for column in table:
            for known, cell in zip(self.inside, column.cells):
                if cell is not None and cell.name:
                    known[cell.op] = column
            for path, _ in column.paths:
                self.find_names(path)

    def tensor(self, column: Column, target: str, names: Vector) -> str:
        """The name of a tensor that a statement reads: one of the block, or a parameter."""
        ops = [ABSENT if cell is None else cell.targets[target] for cell in column.cells]
        found = {
            id(known[op]) if op in known else 0
            for op, known in zip(ops, self.inside)
            if op is not ABSENT
        }
        if len(found) > 1:
            raise Unalike
        if found != {0}:
            return next(k[op] for op, k in zip(ops, self.inside) if op is not ABSENT).some.name
        for param in self.block.params:
            if param.slot == "tensor" and _fits(param.vector, names):
                param.vector = [b if a is ABSENT else a for a, b in zip(param.vector, names)]
                known_ops = zip(param.targets, ops)
                param.targets = [b if a is ABSENT else a for a, b in known_ops]
                return param.name
        ref = self.new("tensor", names)
        self.block.params[-1].targets = ops
        return ref.name

    # Parameters

    @property
    def by_order(self) -> bool:
        return bool(self.rates.orders) and not self.rates.direct

    def finish(self) -> None:
        """Choose the defaults, and put those parameters first that have none."""
        for param in self.block.params:
            known = [each for each in param.vector if each is not ABSENT]
            if param.slot == "tensor" and len(known) < self.count:
                raise Unalike  # there is no tensor for those that read none
            value, times = Counter(known).most_common(1)[0]
            if (value == 0 or param.slot not in ("filters", "rate", "tensor")) and (
                2 * times >= len(known) or param.slot == "flag"
            ):
                param.default = value
            param.vector = [value if each is ABSENT else each for each in param.vector]
        self.block.params.sort(key=lambda each: (each.default is not None, each.slot != "tensor"))

    def new(self, slot: str, vector: Vector) -> Ref:
        name = self.free(NAMES.get(slot, ("v",)))
        self.block.params.append(Parameter(name, slot, list(vector)))
        return Ref(name)

    def free(self, names: Sequence[str]) -> str:
        taken = {each.name for each in self.block.params} | {"c", *self.blocks}
        name = next((each for each in names if each not in taken), None)
        return name or free_name(names[0], taken)

    # Expressions

    def explain(self, vector: Vector, slot: str, here: Vector, create: bool = True) -> Expr | None:
        """A vector as an expression; `here` are the channels of the current tensor."""
        places = [i for i, value in enumerate(vector) if value is not ABSENT]
        values = [vector[i] for i in places]
        if all(_equal(value, values[0]) for value in values):
            step = slot == "stride" and len(places) < self.count and values[0] != 1
            known = (p for p in self.block.params if p.slot == slot and _fits(p.vector, vector))
            found_step = next(known, None) if step else None
            return Ref(found_step.name) if found_step else Const(values[0])
        for param in self.block.params:
            if _fits(param.vector, vector) and _related(param.slot, slot):
                param.vector = [b if a is ABSENT else a for a, b in zip(param.vector, vector)]
                return Ref(param.name)
        if slot == "range" and all(isinstance(value, Pair) for value in values):
            return self.range(places, values, here)
        if all(type(value) is int for value in values):
            found = self.arithmetic(places, values, slot, here)
            if found is not None:
                return found
        if slot == "pad" and (padding := self.padding(places, vector)) is not None:
            return padding
        if not create:
            return None
        if slot == "filters" and self.is_inverted and all(type(each) is int for each in values):
            found = self.ratio(places, values, here)
            if found is not None:
                return found
        return self.new(slot, vector)

    def padding(self, places: list[int], vector: Vector) -> Expr | None:
        """Half of a kernel, a dilation, or their product."""
        kernels: list[Parameter | None] = [p for p in self.block.params if p.slot == "kernel"]
        dilations: list[Parameter | None] = [p for p in self.block.params if p.slot == "dilation"]
        for kernel, dilation in product([*kernels, None], [None, *dilations]):
            sizes = [3 if kernel is None else kernel.vector[i] for i in places]
            steps = [1 if dilation is None else dilation.vector[i] for i in places]
            if {*map(type, sizes + steps)} == {int} and all(
                size // 2 * step == _plain(vector[i]) for size, step, i in zip(sizes, steps, places)
            ):
                half = None if kernel is None else Scaled(Ref(kernel.name), "//", 2)
                times = None if dilation is None else Ref(dilation.name)
                return Product(times, half) if times and half else half or times
        return None

    def range(self, places: list[int], values: list[Pair], here: Vector) -> Expr:
        """Channels from one to another, each of which is an expression. Raises Unalike."""
        ends = []
        for which in ("begin", "end"):
            vector = [ABSENT] * self.count
            for place, value in zip(places, values):
                vector[place] = getattr(value, which)
            ends.append(self.explain(vector, "filters", here, create=False))
        if ends[0] is None or ends[1] is None:
            raise Unalike
        return Range(ends[0], ends[1])

    def arithmetic(
        self, places: list[int], values: list[int], slot: str, here: Vector
    ) -> Expr | None:
        """A multiple or a part of a parameter or of channels, the same in all instances."""
        if slot not in ("filters", "units", "groups", "n"):
            return None
        operands: list[tuple[Ref, Vector]] = [
            (Ref(each.name), each.vector)
            for each in self.block.params
            if each.slot in ("filters", "units")
        ]
        for param in self.block.params:
            if param.slot == "ratio":
                known = [param.vector[i] for i in places]
                if ABSENT not in known and all(
                    v == k * self.entry[i] for v, k, i in zip(values, known, places)
                ):
                    self.uses_entry = True
                    return Product(Ref(param.name), Ref("c"))
        channels = [(Ref("C"), here)]
        if self.entry != here:
            channels.append((Ref("c"), self.entry))
        for ref, known in (*operands, *channels):
            others = [known[i] for i in places]
            if ABSENT in others or len(set(others)) < 2 or len(set(values)) < 2:
                continue
            found: Expr | None = None
            if values == others:
                found = ref
            elif all(o and v % o == 0 for v, o in zip(values, others)):
                factors = {v // o for v, o in zip(values, others)}
                if len(factors) == 1 and max(factors) <= 16:
                    found = Scaled(ref, "*", factors.pop())
            else:
                for by in (2, 3, 4, 6, 8, 12, 16, 24, 32):
                    if all(o // by == v for v, o in zip(values, others)):
                        found = Scaled(ref, "//", by)
                        break
            if found is not None:
                self.uses_entry = self.uses_entry or ref.name == "c"
                return found
        return None

    def ratio(self, places: list[int], values: list[int], here: Vector) -> Expr | None:
        """Channels times a factor that few instances differ in: `expand*C`."""
        others = [here[i] for i in places]
        if not all(type(o) is int and o and v % o == 0 and v > o for v, o in zip(values, others)):
            return None
        factors = [v // o for v, o in zip(values, others)]
        if len(set(factors)) * 2 > len(set(values)) or max(factors) > 16:
            return None
        vector = [ABSENT] * self.count
        for place, factor in zip(places, factors):
            vector[place] = factor
        for param in self.block.params:
            if param.slot == "ratio" and _fits(param.vector, vector):
                return Product(Ref(param.name), Ref("C"))
        return Product(self.new("ratio", vector), Ref("C"))

    # Statements

    def body(
        self, table: list[Column], shapes: list[Shape], here: list[bool], path: bool = False
    ) -> tuple[Text, ...]:
        """The statements of a run, which may be a whole path of a merge; `here` says which
        instances have the run at all.
        """
        result: list[Text] = []
        at = 0
        while at < len(table):
            present = table[at].present
            if present == here or not any(here):
                result.append(self.statement(table[at], shapes, here))
                shapes = _behind(table[at], shapes)
                at += 1
                continue
            end = at
            while end < len(table) and table[end].present == present:
                end += 1
            if (rate := self.rate(table[at:end], here)) is not None:
                result.append(rate)
                at = end
                continue
            start = shapes
            ratios = {each.name for each in self.block.params if each.slot == "ratio"}
            inner = []
            for column in table[at:end]:
                inner.append(self.statement(column, shapes, present))
                shapes = _behind(column, shapes)
            whole = path and end - at == len(table)
            ends = shapes if whole else None
            test = self.test(table[at:end], present, here, start, ends, ratios)
            result.append(Text(f"if {test}", (tuple(inner),)))
            at = end
        return folded(result)

    def statement(self, column: Column, shapes: list[Shape], here: list[bool]) -> Text:
        """A statement that all the instances have that have its run."""
        some = column.some
        channels = [shape[-1] if there else ABSENT for shape, there in zip(shapes, column.present)]
        shrinks = shrinking(some)
        if some.kind == "merge":
            return self.merge(column, shapes, channels)
        if some.kind == "jump":
            words = [ABSENT if cell is None else cell.word for cell in column.cells]
            return Text(f"from {self.tensor(column, '', words)}")
        names = {name for cell in column.cells if cell is not None for name in cell.slots}
        word = some.word
        words = [ABSENT if cell is None else cell.word for cell in column.cells]
        if len({each for each in words if each is not ABSENT}) > 1:
            found = self.explain(words, ACTIVATION, channels)
            assert found is not None
            word = found.text()
        values: dict[str, Expr] = {}
        block = self.blocks.get(some.word) if some.kind == "call" else None
        for name in _in_order(some, names):
            vector = column.vector(name)
            slot = name
            if some.kind == "call":
                slot = next(p.slot for p in self.blocks[some.word].params if p.name == name)
            if name in some.targets:
                values[name] = Ref(self.tensor(column, name, vector))
                continue
            if some.word == "droppath" and self.by_order:
                vector = [each if each is ABSENT else self.rates.orders[each] for each in vector]
                slot = "order"
            value = self.explain(vector, slot, channels)
            assert value is not None
            values[name] = self.rates.said(value) if slot == "order" and not block else value
        if some.kind == "call":
            head = call_of_block(self.blocks[some.word], values)
        else:
            head = call_text(word, values, self.facts.layer_of(some)) if word == some.word else word
        return Text(head, None, False, some.name, shrinks)

    def merge(self, column: Column, shapes: list[Shape], channels: Vector) -> Text:
        """A merge; its longest path is looked at first, as the others follow from it."""
        some = column.some
        order = [*range(len(column.paths))]
        if some.word != "concat":
            order.sort(key=lambda place: -len(column.paths[place][0]))
        bodies: dict[int, tuple[Text, ...]] = {}
        for place in order:
            table, present = column.paths[place]
            body = self.body(table, shapes, present, True)
            if present == column.present:
                bodies[place] = body
                continue
            ends = _behind(column, shapes)
            agreement = self.agree(present, column.present, shapes, ends)
            flag = "residual"
            test = agreement.text(True) if agreement else self.flag(present, column.present, flag)
            bodies[place] = (Text(f"if {test}", (body,), True),)
        values: dict[str, Expr] = {
            name: Const(value) for name, value in some.slots.items() if value is not ABSENT
        }
        head = call_text(some.word, values, self.facts.layer_of(some))
        paths = tuple(bodies[place] for place in range(len(column.paths)))
        return Text(head, paths, True, some.name)

    # Tests

    def test(
        self,
        table: list[Column],
        present: list[bool],
        here: list[bool],
        start: list[Shape],
        end: list[Shape] | None,
        before: set[str],
    ) -> str:
        """When a stretch is there that some instances lack."""
        for param in self.block.params:
            if param.slot != "ratio" or param.name in before:
                continue
            filled = [
                1 if value is ABSENT and there and not has else value
                for value, has, there in zip(param.vector, present, here)
            ]
            if all(
                (value != 1) == has for value, has, there in zip(filled, present, here) if there
            ):
                param.vector = filled
                return f"{param.name} != 1"
        if end is not None:
            lacking = [not each for each in present]
            if adapter := self.agree(lacking, here, start, end):
                return adapter.text(False)
        for param in self.block.params:
            if param.slot == "stride" and all(
                (value != 1) == has
                for value, has, there in zip(param.vector, present, here)
                if there and value is not ABSENT
            ):
                return f"{param.name} != 1"
        if len(table) != 1 or (table[0].some.kind, table[0].some.word) != ("merge", "mul"):
            raise Unalike  # a flag for anything but a gate makes two blocks of one
        for param in self.block.params:
            # A width that is said there alone: it is 0 where there is no gate.
            if param.slot in ("filters", "units") and all(
                (value is not ABSENT) == has
                for value, has, there in zip(param.vector, present, here)
                if there
            ):
                param.vector = [
                    0 if there and not has else value
                    for value, has, there in zip(param.vector, present, here)
                ]
                return param.name
        return self.flag(present, here, "se")

    def rate(self, table: list[Column], here: list[bool]) -> Text | None:
        """A dropout that some instances lack: theirs is a rate of 0."""
        column = table[0]
        if len(table) != 1 or column.some.word not in ("droppath", "dropout"):
            return None
        slot, orders = "rate", self.rates.orders
        vector = column.vector("rate")
        if column.some.word == "droppath" and self.by_order:
            slot = "order"
            vector = [each if each is ABSENT else orders[each] for each in vector]
        vector = [
            0 if there and cell is None else value
            for there, cell, value in zip(here, column.cells, vector)
        ]
        same = (
            Ref(p.name) for p in self.block.params if p.slot == slot and _fits(p.vector, vector)
        )
        found = next(same, None) or self.new(slot, vector)
        value = argument(self.rates.said(found) if slot == "order" else found)
        return Text(f"if {found.name}", ((Text(f"{column.some.word} {value}"),),))

    def agree(
        self, present: list[bool], here: list[bool], start: list[Shape], end: list[Shape]
    ) -> Agreement | None:
        """The agreement of shapes that tells when a path is there, if one does."""
        places = [i for i, there in enumerate(here) if there]
        outs = [end[i][-1] if there else ABSENT for i, there in enumerate(here)]
        channels = [start[i][-1] if there else ABSENT for i, there in enumerate(here)]
        width = self.explain(outs, "filters", channels, create=False)
        if width is None:
            return None
        if width == Ref("C"):  # it agrees always
            width = None
        alike = [out == channel for out, channel in zip(outs, channels)]
        for param in self.block.params:
            if param.slot == "stride" and all(
                (alike[i] and param.vector[i] in (1, ABSENT)) == present[i] for i in places
            ):
                return Agreement(width, param.name)
        if width and all(alike[i] == present[i] for i in places):
            return Agreement(width, None)
        return None

    def flag(self, present: list[bool], here: list[bool], name: str) -> str:
        vector = [(1 if has else 0) if there else ABSENT for has, there in zip(present, here)]
        for param in self.block.params:
            if param.slot == "flag" and _fits(param.vector, vector):
                return param.name
        found = Parameter(self.free([name]), "flag", vector)
        self.block.params.append(found)
        return found.name


NAMES: dict[str, Sequence[str]] = {
    "filters": ("n", "m", "a", "b", "d", "e", "f", "g", "h"),
    "units": ("n", "m"),
    "kernel": ("k",),
    "stride": ("s",),
    "pad": ("pad_by",),
    "dilation": ("dilation",),
    "groups": ("groups",),
    "rate": ("p",),
    "ratio": ("expand",),
    "order": ("order",),
    "tensor": ("x", "y", "z"),
    "eps": ("eps",),
    "momentum": ("momentum",),
    "factor": ("factor",),
    "mult": ("mult",),
    "scale": ("scale_by",),
    "offset": ("offset",),
    "to": ("size",),
    ACTIVATION: ("act",),
}


def call_of_block(block: Block, values: Mapping[str, Expr]) -> str:
    """A call: what has no default by position, the rest by name where it is another."""
    parts = [block.name]
    for param in block.params:
        value = values[param.name]
        if param.default is None:
            parts.append(argument(value))
        elif not (isinstance(value, Const) and _equal(value.value, param.default)):
            parts.append(f"{param.name}={argument(value)}")
    return " ".join(parts)


def _in_order(some: Statement, names: set[str]) -> Iterator[str]:
    """The slots as they are written, the filters before the kernel; the padding, which may follow
    from the kernel and the dilation, comes last."""
    order = [name for name in some.slots if name in names]
    yield from sorted(order + sorted(names - some.slots.keys()), key="pad".__eq__)


def shrinking(statement: Statement, pools: bool = False) -> int:
    """Where a line of text had better begin or end: see `Text`.

    `pools` says whether a call ends with a pool.
    """
    before, after = statement.before[:-1], statement.after[:-1]
    if len(before) != len(after):
        return 1 if statement.kind != "call" else 0
    if before and any(2 * b > 3 * a for b, a in zip(before, after)):
        return 0 if pools else -1 if "pool" in statement.word else 1
    return 0


def _behind(column: Column, shapes: list[Shape]) -> list[Shape]:
    return [shape if cell is None else cell.after for cell, shape in zip(column.cells, shapes)]


def _fits(known: Vector, vector: Vector) -> bool:
    """Whether two vectors agree wherever both have a value, and both do somewhere."""
    pairs = [(a, b) for a, b in zip(known, vector) if a is not ABSENT and b is not ABSENT]
    return bool(pairs) and all(_equal(a, b) for a, b in pairs)


_KINDS = {"units": "filters", "n": "filters"}


def _related(one: str, other: str) -> bool:
    """Whether one parameter may stand for arguments of two kinds: not for a kernel and a width."""
    return _KINDS.get(one, one) == _KINDS.get(other, other)


def _equal(one: Any, other: Any) -> bool:
    return type(one) is type(other) and bool(one == other)


def _plain(value: Any) -> Any:
    """Padding that is alike at both ends as one number, a size of equal numbers as one."""
    if isinstance(value, Pair) and value.begin == value.end:
        return value.begin
    if isinstance(value, tuple) and not isinstance(value, Pair):
        return tuple(map(_plain, value))
    return value
