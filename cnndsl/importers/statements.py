"""Statements as values: concrete ones, of which blocks are made, and what is written in the end."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

from cnndsl.importers.graph import Graph, Op
from cnndsl.importers.nest import Join, Jump, Leaf, Seq
from cnndsl.layers import ACTIVATIONS
from cnndsl.layers.base import Layer, Shape
from cnndsl.layers.source import is_default, uniform, written_value
from cnndsl.layers.values import Pair, in_size, inverse, show_value
from cnndsl.network.words import is_word, reserved
from cnndsl.syntax.tables import KEYWORDS

ACTIVATION = "activation"


class Statement:
    """A statement of a net, with numbers for arguments.

    * `kind`: `layer`, `merge`, `jump`, `call` or `head`
    * `word`: the layer, merge or block; of a jump or a head the name
    * `slots`: the arguments by slot; those of a call by parameter
    * `paths`: the paths of a merge
    * `before`, `after`: the shapes of the current tensor
    * `op`: the operation of the graph that gives the tensor after it
    * `ops`: all operations that it stands for
    * `targets`: the operations that it reads by name; of a call, by its parameters
    * `form`: how it is written, once somebody has asked
    * `key`: the same for statements that differ in arguments alone
    """

    __slots__ = (
        "after",
        "before",
        "form",
        "key",
        "kind",
        "name",
        "op",
        "ops",
        "paths",
        "slots",
        "targets",
        "word",
    )

    def __init__(
        self,
        kind: str,
        word: str,
        slots: Mapping[str, Any],
        before: Shape,
        after: Shape,
        op: int,
        paths: tuple[Sequence[Statement], ...] = (),
        name: str = "",
        key: Any = None,
    ) -> None:
        self.kind, self.word, self.slots, self.paths = kind, word, dict(slots), paths
        self.before, self.after, self.op, self.name = before, after, op, name
        self.form: str | None = None
        self.targets: dict[str, int] = {"": op} if kind == "jump" else {}
        self.ops: tuple[int, ...] = tuple(
            each for path in paths for statement in path for each in statement.ops
        ) + ((op,) if kind in ("layer", "merge") else ())
        self.key = key if key is not None else self.find_key()

    def find_key(self) -> Any:
        """What two statements must have in common to be calls of one block."""
        flags = tuple(name for name, value in self.slots.items() if value is True)
        if self.kind == "merge":
            if self.word == "concat":
                paths = tuple(tuple(each.key for each in path) for path in self.paths)
                return ("merge", self.word, flags, paths)
            longest = tuple(each.key for each in max(self.paths, key=bulk))
            return ("merge", self.word, flags, longest, len(longest) == 0 and len(self.paths))
        if self.kind == "call":
            return ("call", self.word)
        if self.kind == "jump":
            return ("jump",)
        if self.kind == "head":
            return ("head", self.word)
        if self.word in ACTIVATIONS and not self.slots:
            return ("layer", ACTIVATION)
        has = tuple(name for name in self.slots if name in (ACTIVATION, "to", "factor"))
        word = ACTIVATION if self.word in ACTIVATIONS else self.word
        return ("layer", word, flags, has)

    def __repr__(self) -> str:
        return f"<{self.word} {self.slots}>"


def bulk(path: Sequence[Statement]) -> int:
    """How long a path of a merge is, in layers, whatever of them are in calls."""
    return sum(len(each.ops) for each in path)


_NEVER = ("floor", "nearest")
"""Flags that say what holds anyway: a graph rounds down."""


def slots_of(layer: Layer) -> dict[str, Any]:
    """The arguments of a layer, defaults among them; one number for the same in all dimensions."""
    found: dict[str, Any] = {}
    for slot in layer.slots:
        if slot.form == "act":
            if layer.activation is not None:
                found[ACTIVATION] = layer.activation.op
            continue
        value = getattr(layer, slot.name)
        if slot.name == "pad" and value is None and not found.get("same"):
            value = Pair(0, 0)
        if slot.name == "stride" and value is None:
            value = getattr(layer, "kernel", None)
        if slot.form == "flag":
            if value and slot.name not in _NEVER:
                found[slot.name] = True
        elif value is not None:
            found[slot.name] = uniform(value) if slot.name not in ("shape", "order") else value
    if type(layer).op in ACTIVATIONS and all(
        is_default(layer, slot, found.get(slot.name)) for slot in layer.slots if slot.form != "act"
    ):
        return {}
    return found


def concrete(graph: Graph, seq: Seq, start: Shape, names: Mapping[int, str]) -> list[Statement]:
    """The statements of a nested graph, from a tensor of a shape on."""
    found = []
    for item in seq:
        op: Op = graph.ops[item.op]
        name = names.get(item.op, "")
        if isinstance(item, Jump):
            found.append(Statement("jump", name, {}, start, op.shape, item.op))
        elif isinstance(item, Join):
            paths = tuple(concrete(graph, path, start, names) for path in item.paths)
            slots = slots_of(op.layer)
            found.append(Statement("merge", op.word, slots, start, op.shape, item.op, paths, name))
        else:
            assert isinstance(item, Leaf)
            slots = slots_of(op.layer)
            found.append(Statement("layer", op.word, slots, start, op.shape, item.op, (), name))
        start = op.shape
    return found


# Names


def is_taken(name: str) -> bool:
    """Whether a name means something in the language, be it in places alone."""
    return name in KEYWORDS or is_word(name) or reserved(name) or name in _PARAMETERS


def free_name(base: str, taken: Container[str]) -> str:
    """A name that nothing has: the one given, or else with a number."""
    name, number = base, 1
    while name in taken or is_taken(name):
        number += 1
        name = f"{base}{number}"
    return name


_PARAMETERS = frozenset("c i k m n s main shared".split())
"""What parameters of blocks are mostly called, and the main output."""


# Expressions


def number(value: Any) -> str:
    """A value as it is written, with all of its digits, or as what it comes of: `(1/255)`."""
    if isinstance(value, tuple) and not isinstance(value, Pair) and not all(map(in_size, value)):
        return f"({', '.join(number(each).strip('()') for each in value)})"
    text = written_value(value)
    if not isinstance(value, float) or text.startswith("(") or float(text) == value:
        return text
    short = inverse(value)
    return f"(1/{show_value(short)})" if short is not None else repr(value)


class Const(NamedTuple):
    """A value that is the same in every call."""

    value: Any

    def text(self) -> str:
        return self.value if isinstance(self.value, str) else number(self.value)


class Ref(NamedTuple):
    """A parameter, or one of the sizes of the current tensor."""

    name: str

    def text(self) -> str:
        return self.name


class Scaled(NamedTuple):
    """`k*x`, or `x//k`."""

    operand: Ref
    op: str
    by: int

    def text(self) -> str:
        if self.op == "*":
            return f"{self.by}*{self.operand.text()}"
        return f"{self.operand.text()}//{self.by}"


class Product(NamedTuple):
    """`x*y`."""

    left: Ref
    right: Ref | Scaled

    def text(self) -> str:
        return f"{self.left.text()}*{argument(self.right)}"


class Range(NamedTuple):
    """`a:b`: channels from one to another."""

    begin: Expr
    end: Expr

    def text(self) -> str:
        return f"{argument(self.begin)}:{argument(self.end)}"


class Shifted(NamedTuple):
    """`b + i`: what grows by one with each turn of a loop."""

    begin: int
    turn: str

    def text(self) -> str:
        return f"{self.begin}+{self.turn}" if self.begin else self.turn


class Doubled(NamedTuple):
    """`b*2**i`: what doubles with each turn of a loop."""

    begin: int
    turn: str

    def text(self) -> str:
        return f"{self.begin}*2**{self.turn}"


class Line(NamedTuple):
    """`a*x/n`: a rate that grows with the depth."""

    factor: float
    operand: Expr
    over: int

    def text(self) -> str:
        operand = argument(self.operand)
        return f"{number(self.factor)}*{operand}" + (f"/{self.over}" if self.over > 1 else "")


Expr: TypeAlias = "Const | Ref | Scaled | Product | Range | Shifted | Doubled | Line"


# What is written


class Text(NamedTuple):
    """A statement as it is written.

    * `head`: the words before its braces, or all of them
    * `bodies`: what stands in its braces; None without braces
    * `bars`: whether those are paths
    * `alias`: the name behind `as`
    * `shrinks`: whether the map behind it is smaller: -1 for a pool, after which a line ends,
      1 for others, before which one begins, 0 where it is not
    """

    head: str
    bodies: tuple[tuple[Text, ...], ...] | None = None
    bars: bool = False
    alias: str = ""
    shrinks: int = 0

    @property
    def same(self) -> Any:
        """What statements have in common that are written alike."""
        bodies = self.bodies and tuple(tuple(each.same for each in body) for body in self.bodies)
        return self.head, bodies, self.bars, self.alias

    def flat(self) -> str:
        """On one line."""
        end = f" as {self.alias}" if self.alias else ""
        if self.bodies is None:
            return self.head + end
        bodies = ["; ".join(each.flat() for each in body) for body in self.bodies]
        if self.bars:
            inner = " | ".join(body or "skip" for body in bodies)
            if len(bodies) == 1:
                inner = f"| {inner}"
        else:
            inner = bodies[0] or "skip"
        return f"{self.head} {{ {inner} }}{end}"


def call_text(word: str, values: Mapping[str, Expr], layer: Layer | None) -> str:
    """A layer with its arguments in their order; `layer` is one of its kind, to tell defaults."""
    if layer is None:
        return word
    parts = [word]
    for slot in layer.slots:
        name = ACTIVATION if slot.form == "act" else slot.name
        value = values.get(name)
        if value is None:
            continue
        if slot.form == "/" and layer.family == "pool" and value == values.get("kernel"):
            continue  # what a pool has unless said
        if isinstance(value, Const):
            if value.value is True:
                if name != "same" or (values["kernel"], values["stride"]) != (Const(1), Const(1)):
                    parts.append(name)
                continue
            if slot.form == "act":
                parts.append(value.text())
                continue
            if not slot.required and is_default(layer, slot, value.value):
                continue
        before = {"/": "/", "key": f"{slot.name}="}.get(slot.form, "")
        parts.append(before + argument(value))
    return " ".join(parts)


def argument(value: Expr) -> str:
    """An expression where an argument stands."""
    text = value.text()
    return text if isinstance(value, (Const, Ref, Range)) else f"({text})"


def folded(texts: Sequence[Text]) -> tuple[Text, ...]:
    """Statements with loops for those that come several times in a row, where it is shorter."""
    result = [*texts]
    at = 0
    while at < len(result):
        best: tuple[int, int, int] | None = None
        for period in range(1, min(6, (len(result) - at) // 2) + 1):
            part = [each.same for each in result[at : at + period]]
            count = 1
            while [each.same for each in result[at + count * period :][:period]] == part:
                count += 1
            length = sum(len(each.flat()) + 2 for each in result[at : at + period])
            saved = length * (count - 1) - len("repeat 3 {  }")
            named = any(each.alias or " as " in each.flat() for each in result[at : at + period])
            stage = period > 1 and result[at].shrinks < 0  # that begins behind its pool
            rest = [each.same for each in result[at + count * period :][:1]]
            stage |= period > 1 and rest == part[-1:]  # the last of which is longer
            if (
                count > 1
                and saved > 0
                and not named
                and not stage
                and (best is None or saved > best[0])
            ):
                best = saved, period, count
        if best is not None:
            _, period, count = best
            body = folded(result[at : at + period])
            shrinks = 1 if any(each.shrinks > 0 for each in body) else 0
            result[at : at + period * count] = [
                Text(f"repeat {count}", (body,), False, "", shrinks)
            ]
        at += 1
    return tuple(result)
