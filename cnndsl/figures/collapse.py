"""The collapsed graph of a network: the few boxes that figures draw.

The boxes come in topological order. A layer and what only tidies up its values (a
normalisation, an activation, dropout) are one box. A call of a block is a box with those
inside it, and boxes of the same structure that follow one another are one box with its
`times`. All of it is found in one walk over the network as it was written, so that the cost is
linear in its layers.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from cnndsl.figures.boxes import Box
from cnndsl.lang import Words
from cnndsl.lang import words as words_of
from cnndsl.layers import Layer
from cnndsl.layers.geometry import Shuffle, Slice
from cnndsl.layers.source import arguments_of, uniform
from cnndsl.layers.values import NUMBER, POSITIVE, SHARE, show_value
from cnndsl.network import Network, Node
from cnndsl.network.network import Body, Instance, Item, Loop, Merged, Step
from cnndsl.network.walk import children


class Doubt(NamedTuple):
    """What an error has done to a node: it is a `misfit`, or only `assumed`.

    `text` stands in the place of what it is, if there is one, and `inputs` are the nodes that it
    would read where it reads none.
    """

    family: str
    text: str = ""
    inputs: tuple[int, ...] = ()


def collapse(
    network: Network, words: Words | None = None, doubts: Mapping[int, Doubt] = {}
) -> tuple[Box, ...]:
    """All boxes of a network, with all that is inside them.

    Layers go by their names in `words`, or those of the language. Nodes that an error has to do
    with are in `doubts` by their indices; their boxes have this for their family and mark.
    """
    return _Collapser(network, words or words_of(), doubts).run()


def inserted(boxes: Sequence[Box], box: Box) -> tuple[Box, ...]:
    """Boxes with one more in its place; what it stands in is marked as it is, if a `misfit`."""
    at = bisect_left(boxes, box.start, key=lambda each: each.start)
    around = boxes[at - 1] if at else None
    if around is None or around.end <= box.start:
        return (*boxes[:at], box, *boxes[at:])
    if "misfit" in box.marks:
        around = around._replace(family="misfit", marks=around.marks | box.marks)
    if around.inner and around.times == 1:
        sources = tuple(index for index in box.sources if index in around)
        around = around._replace(inner=inserted(around.inner, box._replace(sources=sources)))
    return (*boxes[: at - 1], around, *boxes[at:])


class _Collapser:
    def __init__(self, network: Network, words: Words, doubts: Mapping[int, Doubt]) -> None:
        self.network, self.words, self.doubts = network, words, doubts
        self.nodes = network.nodes
        self.keys: dict[Any, int] = {}
        self.known: dict[int, tuple[tuple[str, ...], int]] = {}  # by the layers, which nodes share
        self.uses = [0] * len(self.nodes)
        self.last_use = list(range(len(self.nodes)))
        for node in self.nodes:
            for index in node.inputs:
                self.uses[index] += 1
                self.last_use[index] = node.index
        for index in network.outputs.values():
            self.uses[index] += 1
            self.last_use[index] = len(self.nodes)

    def run(self) -> tuple[Box, ...]:
        found = [self.single(self.nodes[index], "input") for index in self.network.inputs]
        found += self.items(self.network.body, ())
        found.sort(key=lambda box: box.start)
        ends = self.omitted(0, found[0].start), self.omitted(found[-1].end, len(self.nodes))
        return tuple(self.fold([*ends[0], *found, *ends[1]]))

    def key(self, *structure: Any) -> int:
        return self.keys.setdefault(structure, len(self.keys))

    def single(self, node: Node, kind: str) -> Box:
        layer = node.layer
        known = self.known.get(id(layer))
        if known is None:
            known = self.known[id(layer)] = label(layer, self.words), self.key(*identity(layer))
        parts, same = known
        index, marks, holds = node.index, marks_of(node), bool(layer.all_weights)
        family = layer.family if layer.family in FAMILIES else "other"
        sources = node.inputs
        if index in self.doubts:
            family, text, inputs = self.doubts[index]
            marks |= {family}
            sources = sources or inputs
            parts = (text,) if text and kind == "layer" else parts
        key = self.key(kind, same, node.alias, marks)
        box = Box(kind, family, node.name, parts, sources, index, 1, index, key=key)
        return box._replace(holds=holds, marks=marks) if holds or marks else box

    def items(self, body: Body, path: tuple[str, ...]) -> list[Box]:
        """The boxes of statements, not yet folded."""
        found: list[Box] = []
        for item, bodies in children(body):
            for box in self.item(item, bodies, path):
                joined = self.joined(found[-1], box) if found else None
                if joined is None:
                    found.append(box)
                else:
                    found[-1] = joined
        return found

    def omitted(self, start: int, end: int) -> list[Box]:
        """What stands for layers that could not be made, and of which no item has come."""
        return [self.single(node, "layer") for node in self.nodes[start:end]]

    def item(self, item: Item, bodies: Sequence[Body], path: tuple[str, ...]) -> list[Box]:
        if isinstance(item, Step):
            return [self.single(self.nodes[item.node], "layer")]
        if isinstance(item, Instance):
            return self.call(item, path)
        if isinstance(item, Loop):
            return self.loop(item, path)
        found = [box for body in bodies for box in self.items(body, path)]
        if isinstance(item, Merged) and not item.is_path:
            merge = self.single(self.nodes[item.node], "merge")
            found.append(merge._replace(opening=found[0].start if found else merge.start))
        return found

    def joined(self, box: Box, tidy: Box) -> Box | None:
        """A box with what only tidies up its values, if that is what comes after it."""
        if (
            tidy.kind != "layer"
            or tidy.family != "other"
            or box.kind not in ("layer", "merge")
            or box.times * tidy.times != 1
            or tidy.sources != (box.gives,)
            or self.uses[box.gives] != 1
            or self.nodes[box.gives].output != self.nodes[tidy.gives].output
            or isinstance(self.nodes[tidy.start].layer, (Shuffle, Slice))
            or (tidy.marks != box.marks and (box.holds and tidy.holds))
            or not (tidy.marks ^ box.marks).isdisjoint(("training", "assumed"))
            or "misfit" in tidy.marks
        ):
            return None
        return box._replace(
            parts=box.parts + tidy.parts,
            size=box.size + tidy.size,
            gives=tidy.gives,
            key=self.key("joined", box.key, tidy.key),
            holds=box.holds or tidy.holds,
            marks=box.marks | tidy.marks,
        )

    def call(self, item: Instance, path: tuple[str, ...]) -> list[Box]:
        path = (*path, item.name)
        inner = self.fold(self.items(item.body, path))
        parts, name = (call_text(item),), ".".join(path)
        alias = item.statement.alias and item.statement.alias.id
        if len(inner) > 1:
            return [self.group("block", inner, parts, name, item.body.output, alias)]
        if inner and inner[0].kind == "block" and inner[0].times == 1:
            # A block of one block goes by the name that was written further out.
            key = self.key(inner[0].key, parts, alias)
            return [inner[0]._replace(parts=parts, name=name, key=key)]
        # A box of one box says no more than what is in it.
        return [each._replace(key=self.key(each.key, alias)) if alias else each for each in inner]

    def group(
        self,
        kind: str,
        inner: list[Box],
        parts: tuple[str, ...],
        name: str,
        gives: int,
        alias: str | None = None,
    ) -> Box:
        start, end = inner[0].start, inner[-1].end
        if not start <= gives < end:
            gives = end - 1
        read = [index for box in inner for index in box.sources if index < start]
        sources = tuple(dict.fromkeys(read))
        order = {index: place for place, index in enumerate(sources)}

        def place(index: int) -> int:
            return order[index] if index in order else index - start - len(order)

        structure = tuple((box.key, box.times, *map(place, box.sources)) for box in inner)
        # Which blocks are called counts, and not with what: only what comes of it does.
        key = self.key(kind, parts, alias, structure, gives - start)
        size, inside = end - start, tuple(inner)
        box = Box(kind, "block", name, parts, sources, start, size, gives, inner=inside, key=key)
        holding = [each.marks for each in inner if each.holds] or [inner[0].marks - _OF_WEIGHTS]
        marks = frozenset.intersection(*holding) | (inner[0].marks - _OF_WEIGHTS)
        if any("misfit" in each.marks for each in inner):
            marks |= _MISFIT
        family = next((doubt for doubt in ("misfit", "assumed") if doubt in marks), "block")
        holds = any(each.holds for each in inner)
        return box._replace(family=family, holds=holds, marks=marks) if holds or marks else box

    def loop(self, item: Loop, path: tuple[str, ...]) -> list[Box]:
        rounds = [self.fold(self.items(body, path)) for body in item.bodies]
        found: list[Box] = []
        boxes: list[Box] = []
        for body, inner in zip(item.bodies, rounds):
            if len(inner) > 1 and self.is_sealed(inner, body.output):
                inner = [self.group("repeat", inner, (), inner[0].name, body.output)]
            boxes += inner
        for box in self.fold(boxes):
            # What is there once needs no frame around it.
            found += box.inner if box.kind == "repeat" and box.times == 1 else [box]
        return found

    def is_sealed(self, inner: list[Box], output: int) -> bool:
        """Whether nothing but the output of boxes is read by what comes after them."""
        start, end = inner[0].start, inner[-1].end
        return start <= output < end and all(
            self.last_use[index] < end for index in range(start, end) if index != output
        )

    def fold(self, boxes: list[Box]) -> list[Box]:
        """Boxes of the same structure in a row as one."""
        found: list[Box] = []
        for box in boxes:
            found += self.omitted(found[-1].end, box.start) if found else ()
            before = found[-1] if found else None
            if (
                before is not None
                and before.key == box.key
                and before.kind not in ("input", "merge")
                and box.sources == (before.last,)
                and len(before.sources) == 1
                and before.end == box.start
                and self.last_use[before.last] < box.end
            ):
                found[-1] = before._replace(times=before.times + box.times)
            else:
                found.append(box)
        return found


_OF_WEIGHTS = frozenset(("shared", "frozen"))
_MISFIT = frozenset(("misfit",))


def marks_of(node: Node) -> frozenset[str]:
    """What is to be said of a layer: whether its weights are another's, or frozen, and when it is
    there."""
    holds = bool(node.layer.all_weights)
    marks = (
        ("shared", node.shared_with is not None),
        ("frozen", node.frozen and holds),
        ("training", node.training_only),
    )
    return frozenset(mark for mark, is_so in marks if is_so)


_SILENT = ("nobias", "floor", "ceil", "countpad", "noscale", "noshift")
_FINE = (NUMBER, POSITIVE, SHARE)
"""What figures leave out: flags, and the kinds of named arguments that are no whole numbers."""


def identity(layer: Layer) -> tuple[Any, ...]:
    """What is equal for layers that differ in nothing but the shape of what they read."""
    values = (uniform(getattr(layer, slot.name)) for slot in layer.slots if slot.form != "act")
    return (type(layer), layer.activation and layer.activation.op, *values)


def label(layer: Layer, words: Words) -> tuple[str, ...]:
    """What a layer is, its arguments as the language writes them, and its activation.

    What changes neither shapes nor what a window looks at is left out.
    """
    said, activation = [words.label(layer.op)], []
    for slot, text in arguments_of(layer):
        if slot.form == "act":
            activation.append(words.label(text))
        elif slot.name not in _SILENT and (slot.form != "key" or slot.kind not in _FINE):
            said.append(text)
    return (" ".join(said), *activation)


def call_text(call: Instance) -> str:
    """How a block is called, with the values of its arguments: `bottleneck 128 s=2`."""
    words = [call.block.name.id]
    for parameter in call.block.parameters:
        name = parameter.name.id
        if name in call.tensors or name not in call.arguments:
            continue
        value = show_value(call.arguments[name])
        if parameter.default is None:
            words.append(value)
        elif value != _written(parameter.default):
            words.append(f"{name}={value}")
    return " ".join(words)


def _written(default: Any) -> str:
    value = getattr(default, "value", getattr(default, "id", None))
    return "" if value is None else show_value(value)


FAMILIES = ("input", "conv", "pool", "dense", "merge")
"""The families of layers that have a colour of their own."""
