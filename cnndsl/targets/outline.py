"""A network as few boxes: what figures draw, and what they fold.

The boxes are `Piece`s, in topological order. A layer and what only tidies up its values (a
normalisation, an activation, dropout) are one piece. A call of a block is a piece with those
inside it, and pieces of the same structure that follow one another are one piece with its
`times`. All of it is found in one walk over the network as it was written, so that the cost is
linear in its layers.
"""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING, NamedTuple

from cnndsl.layers.conv import Convolution
from cnndsl.layers.dense import Dense
from cnndsl.layers.merge import Merge
from cnndsl.layers.pool import GlobalPool, Pool
from cnndsl.layers.values import show_value
from cnndsl.network.network import Choice, Instance, Loop, Merged, Side, Step
from cnndsl.targets import Option, OptionError
from cnndsl.targets.rows import call_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any, TypeAlias

    from cnndsl.layers import Layer
    from cnndsl.network import Network, Node
    from cnndsl.network.network import Item

    Pieces: TypeAlias = "tuple[Piece, ...]"

DEPTH = Option(
    "depth",
    "open calls of blocks N levels deep, and draw those below as a\n"
    "box each; as deep as stays readable without it",
    "natural",
    "N",
)
"""The option of every target that draws pieces."""


class Piece(NamedTuple):
    """A box of a figure.

    * `kind`: `input`, `layer`, `merge`, `block` for a call of a block, or `repeat` for a loop
    * `family`: what sort of layer leads it: `input`, `conv`, `pool`, `dense`, `merge`,
      `block`, `other`
    * `name`: that of its first layer, or of the call
    * `parts`: what it is, as the language says it: a text for each layer in it
    * `sources`: the nodes outside that it reads, in order
    * `start`, `size`: the index of its first node and how many it has, the first time round
    * `gives`: the index of the node whose output is its own, the first time round
    * `times`: how many times it is there in a row; each next time reads the one before it
    * `opening`: for a merge the index of the first node in its paths, or its own
    * `inner`: what is inside a block or a loop, the first time round
    * `key`: the same number for pieces of the same structure, whatever their shapes
    """

    kind: str
    family: str
    name: str
    parts: tuple[str, ...]
    sources: tuple[int, ...]
    start: int
    size: int
    gives: int
    times: int = 1
    opening: int = -1
    inner: tuple[Piece, ...] = ()
    key: int = 0

    @property
    def end(self) -> int:
        """The index after that of its last node, all times round."""
        return self.start + self.size * self.times

    @property
    def last(self) -> int:
        """The index of the node whose output is its own, the last time round."""
        return self.gives + self.size * (self.times - 1)

    def __contains__(self, index: object) -> bool:
        return isinstance(index, int) and self.start <= index < self.end


def titled(parts: Sequence[str], times: int) -> list[str]:
    """Parts with how many times they are there: `bottleneck 64 ×2`, `(conv 8 3x3`, `relu) ×2`."""
    if times == 1 or not parts:
        return list(parts)
    if len(parts) == 1:
        return [f"{parts[0]} ×{times}"]
    return [f"({parts[0]}", *parts[1:-1], f"{parts[-1]}) ×{times}"]


def outline(network: Network) -> Pieces:
    """All pieces of a network, with all that is inside them."""
    return _Outliner(network).run()


def opens(piece: Piece, depth: int, level: int = 0) -> bool:
    """Whether a figure of some depth shows what is inside a piece.

    `level` counts the blocks around it. At depth 1 every call is closed, as in tables.
    """
    return bool(piece.inner) and (piece.kind == "repeat" or level + 1 < depth)


def below(piece: Piece, level: int) -> int:
    """The level of what is inside a piece."""
    return level + (piece.kind == "block")


def boxes(pieces: Sequence[Piece], depth: int, level: int = 0) -> int:
    """How many boxes a figure of some depth has."""
    return sum(
        boxes(piece.inner, depth, below(piece, level)) if opens(piece, depth, level) else 1
        for piece in pieces
    )


def levels(pieces: Sequence[Piece]) -> int:
    """How deep calls of blocks nest, and 1 more: the depth that opens all of them."""
    return max((levels(piece.inner) + (piece.kind == "block") for piece in pieces), default=1)


def choose_depth(
    pieces: Sequence[Piece],
    depth: int | None,
    most: int,
    bound: int,
    count: Callable[[Sequence[Piece], int], int] = boxes,
) -> int:
    """The depth to draw: the given one, or the deepest with at most `most` boxes.

    `count` tells how many boxes a figure of some depth has. Raises OptionError where there
    would be more than `bound` of them.
    """
    if depth is not None and depth < 1:
        raise OptionError(f"depth must be at least 1, not {depth}")
    deepest = levels(pieces)
    chosen = min(depth or 1, deepest)
    if depth is None:
        while chosen < deepest and count(pieces, chosen + 1) <= most:
            chosen += 1
    total = count(pieces, chosen)
    if total > bound:
        cure = (
            f"--depth {chosen - 1} folds more"
            if chosen > 1
            else "fold it: write what comes again as `repeat`, and its parts as blocks"
        )
        raise OptionError(f"the figure would have {total:,} boxes, over {bound}; {cure}")
    return chosen


def producer(pieces: Sequence[Piece], index: int) -> int:
    """The place of the piece that a node is in; -1 for a node outside of all."""
    place = bisect_right(pieces, index, key=lambda piece: piece.start) - 1
    return place if place >= 0 and index in pieces[place] else -1


def shape_text(network: Network, index: int, further: int = 0) -> str:
    """The output shape of a node; where `further` nodes on it has another, both.

    `56×56×96…256`: from 96 to 256 channels.
    """
    first, last = network.nodes[index].output, network.nodes[index + further].output
    if len(first) != len(last):
        return f"{_times(first)}…{_times(last)}"
    return _times([a if a == b else f"{a}…{b}" for a, b in zip(first, last)])


def _times(sizes: Sequence[object]) -> str:
    return "×".join(map(str, sizes))


def outputs_in(network: Network, pieces: Sequence[Piece]) -> list[tuple[str, int]]:
    """The outputs of a net of several, each with its node, that some pieces give.

    What is inside a piece is left to what draws its inside, except its own output.
    """
    if len(network.outputs) == 1:
        return []
    return [
        (name, index) for name, index in network.outputs.items() if producer(pieces, index) >= 0
    ]


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

    def run(self) -> Pieces:
        found = [self.single(self.nodes[index], "input") for index in self.network.inputs]
        found += self.items(self.network.body.items, ())
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

    def items(self, items: Sequence[Item], path: tuple[str, ...]) -> list[Piece]:
        """The pieces of statements, not yet folded."""
        found: list[Piece] = []
        for item in items:
            for piece in self.item(item, path):
                joined = self.joined(found[-1], piece) if found else None
                if joined is None:
                    found.append(piece)
                else:
                    found[-1] = joined
        return found

    def item(self, item: Item, path: tuple[str, ...]) -> list[Piece]:
        if isinstance(item, Step):
            return [self.single(self.nodes[item.node], "layer")]
        if isinstance(item, Merged):
            found = [piece for body in item.paths for piece in self.items(body.items, path)]
            merge = self.single(self.nodes[item.node], "merge")
            return [*found, merge._replace(opening=found[0].start if found else merge.start)]
        if isinstance(item, Instance):
            return self.call(item, path)
        if isinstance(item, Loop):
            return self.loop(item, path)
        if isinstance(item, Side) or (isinstance(item, Choice) and item.body is not None):
            assert item.body is not None
            return self.items(item.body.items, path)
        return []

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
            or any(part.startswith(_APART) for part in tidy.parts)
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
        inner = self.fold(self.items(item.body.items, path))
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
        rounds = [self.fold(self.items(body.items, path)) for body in item.bodies]
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


_APART = ("shuffle", "slice")
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
    for family, kinds in _FAMILIES:
        if isinstance(layer, kinds):
            return family
    return "input" if layer.op == "input" else "other"


_FAMILIES: tuple[tuple[str, Any], ...] = (
    ("conv", Convolution),
    ("pool", (Pool, GlobalPool)),
    ("dense", Dense),
    ("merge", Merge),
)
