"""A network as few boxes: what figures draw, and what they fold.

The boxes are `Piece`s, in topological order. A layer and what only tidies up its values (a
normalisation, an activation, dropout) are one piece. A call of a block is a piece with those
inside it, and pieces of the same structure that follow one another are one piece with its
`times`. All of it is found in one walk over the network as it was written, so that the cost is
linear in its layers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cnndsl.figures.pieces import Piece
from cnndsl.layers.geometry import Shuffle, Slice
from cnndsl.layers.source import call_of
from cnndsl.layers.values import show_value
from cnndsl.network.network import Instance, Loop, Merged, Step
from cnndsl.network.walk import children

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from cnndsl.layers import Layer
    from cnndsl.network import Network, Node
    from cnndsl.network.network import Body, Item


def outline(network: Network) -> tuple[Piece, ...]:
    """All pieces of a network, with all that is inside them."""
    return _Outliner(network).run()


class _Outliner:
    def __init__(self, network: Network) -> None:
        self.network = network
        self.nodes = network.nodes
        self.keys: dict[Any, int] = {}
        self.labels: dict[int, tuple[str, ...]] = {}  # by the layers, which nodes share
        self.uses = [0] * len(self.nodes)
        self.last_use = list(range(len(self.nodes)))
        for node in self.nodes:
            for index in node.inputs:
                self.uses[index] += 1
                self.last_use[index] = node.index
        for index in network.outputs.values():
            self.uses[index] += 1
            self.last_use[index] = len(self.nodes)

    def run(self) -> tuple[Piece, ...]:
        found = [self.single(self.nodes[index], "input") for index in self.network.inputs]
        found += self.items(self.network.body, ())
        found.sort(key=lambda piece: piece.start)
        return tuple(self.fold(found))

    def key(self, *structure: Any) -> int:
        return self.keys.setdefault(structure, len(self.keys))

    def single(self, node: Node, kind: str) -> Piece:
        parts = self.labels.get(id(node.layer))
        if parts is None:
            parts = self.labels[id(node.layer)] = label(node.layer)
        return Piece(
            kind,
            family_of(node.layer),
            node.name,
            parts,
            node.inputs,
            node.index,
            1,
            node.index,
            key=self.key(kind, parts),
        )

    def items(self, body: Body, path: tuple[str, ...]) -> list[Piece]:
        """The pieces of statements, not yet folded."""
        found: list[Piece] = []
        for item, bodies in children(body):
            for piece in self.item(item, bodies, path):
                joined = self.joined(found[-1], piece) if found else None
                if joined is None:
                    found.append(piece)
                else:
                    found[-1] = joined
        return found

    def item(self, item: Item, bodies: Sequence[Body], path: tuple[str, ...]) -> list[Piece]:
        if isinstance(item, Step):
            return [self.single(self.nodes[item.node], "layer")]
        if isinstance(item, Instance):
            return self.call(item, path)
        if isinstance(item, Loop):
            return self.loop(item, path)
        found = [piece for body in bodies for piece in self.items(body, path)]
        if isinstance(item, Merged):
            merge = self.single(self.nodes[item.node], "merge")
            found.append(merge._replace(opening=found[0].start if found else merge.start))
        return found

    def joined(self, piece: Piece, tidy: Piece) -> Piece | None:
        """A piece with what only tidies up its values, if that is what comes after it."""
        if (
            tidy.kind != "layer"
            or tidy.family != "other"
            or piece.kind not in ("layer", "merge")
            or piece.times * tidy.times != 1
            or tidy.sources != (piece.gives,)
            or self.uses[piece.gives] != 1
            or self.nodes[piece.gives].output != self.nodes[tidy.gives].output
            or isinstance(self.nodes[tidy.start].layer, (Shuffle, Slice))
        ):
            return None
        parts = piece.parts + tidy.parts
        return piece._replace(
            parts=parts,
            size=piece.size + tidy.size,
            gives=tidy.gives,
            key=self.key(piece.kind, parts),
        )

    def call(self, item: Instance, path: tuple[str, ...]) -> list[Piece]:
        path = (*path, item.name)
        inner = self.fold(self.items(item.body, path))
        parts, name = (call_text(item),), ".".join(path)
        if len(inner) > 1:
            return [self.group("block", inner, parts, name, item.body.output)]
        if inner and inner[0].kind == "block" and inner[0].times == 1:
            # A block of one block goes by the name that was written further out.
            key = self.key(inner[0].key, parts)
            return [inner[0]._replace(parts=parts, name=name, key=key)]
        return inner  # a box of one box says no more than what is in it

    def group(
        self, kind: str, inner: list[Piece], parts: tuple[str, ...], name: str, gives: int
    ) -> Piece:
        start, end = inner[0].start, inner[-1].end
        if not start <= gives < end:
            gives = end - 1
        sources = tuple(
            dict.fromkeys(index for piece in inner for index in piece.sources if index < start)
        )
        order = {index: place for place, index in enumerate(sources)}
        structure = tuple(
            (
                piece.key,
                piece.times,
                tuple(
                    order[index] if index in order else index - start - len(order)
                    for index in piece.sources
                ),
            )
            for piece in inner
        )
        # Which blocks are called counts, and not with what: only what comes of it does.
        key = self.key(kind, parts, structure, gives - start)
        family = "block"
        size = end - start
        return Piece(
            kind, family, name, parts, sources, start, size, gives, inner=tuple(inner), key=key
        )

    def loop(self, item: Loop, path: tuple[str, ...]) -> list[Piece]:
        rounds = [self.fold(self.items(body, path)) for body in item.bodies]
        found: list[Piece] = []
        pieces: list[Piece] = []
        for body, inner in zip(item.bodies, rounds):
            if len(inner) < 2 or not self.is_sealed(inner, body.output):
                pieces += inner
                continue
            pieces.append(self.group("repeat", inner, (), inner[0].name, body.output))
        for piece in self.fold(pieces):
            # What is there once needs no frame around it.
            found += piece.inner if piece.kind == "repeat" and piece.times == 1 else [piece]
        return found

    def is_sealed(self, inner: list[Piece], output: int) -> bool:
        """Whether nothing but the output of pieces is read by what comes after them."""
        start, end = inner[0].start, inner[-1].end
        return start <= output < end and all(
            self.last_use[index] < end for index in range(start, end) if index != output
        )

    def fold(self, pieces: list[Piece]) -> list[Piece]:
        """Pieces of the same structure in a row as one."""
        found: list[Piece] = []
        for piece in pieces:
            before = found[-1] if found else None
            if (
                before is not None
                and before.key == piece.key
                and before.kind not in ("input", "merge")
                and piece.sources == (before.last,)
                and len(before.sources) == 1
                and before.end == piece.start
                and self.last_use[before.last] < piece.end
            ):
                found[-1] = before._replace(times=before.times + piece.times)
            else:
                found.append(piece)
        return found


_SILENT = {"nobias", "floor", "ceil", "same", "countpad", "noscale", "noshift"}


def label(layer: Layer) -> tuple[str, ...]:
    """What a layer is, in the words of the language but without its padding; its activation."""
    activation = layer.activation.op if layer.activation else ""
    words = [
        _short(word)
        for word in call_of(layer).split()
        if word not in _SILENT and word != activation and not word.startswith("pad=")
    ]
    return (" ".join(words), activation) if activation else (" ".join(words),)


def _short(word: str) -> str:
    """A stride with one number where it is the same in all dimensions."""
    first, *others = word.removeprefix("/").split("x")
    return f"/{first}" if word[:1] == "/" and set(others) <= {first} else word


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


def family_of(layer: Layer) -> str:
    """What sort of layer it is, for colours."""
    return layer.family if layer.family in FAMILIES else "other"


FAMILIES = ("input", "conv", "pool", "dense", "merge")
"""The families of layers that have a colour of their own."""
