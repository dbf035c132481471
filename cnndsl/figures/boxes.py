"""The boxes of figures: what they are, which a figure shows, what is written on them.

`cnndsl.figures.collapse` makes them from a network.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple, TypeVar

from cnndsl.contract import Option, OptionError
from cnndsl.diagnostics.message import Message
from cnndsl.lang import Words
from cnndsl.network import Network

T = TypeVar("T")

DEPTH = Option(
    "depth",
    "open calls of blocks N levels deep, and draw those below as a\n"
    "box each; as deep as stays readable without it",
    "natural",
    "N",
)
"""The option of every target that draws boxes."""


class Box(NamedTuple):
    """A box of a figure.

    * `kind`: `input`, `layer`, `merge`, `block` for a call of a block, or `repeat` for a loop;
      empty for a statement that no layer came of
    * `family`: what sort of layer leads it: `input`, `conv`, `pool`, `dense`, `merge`,
      `block`, `other`; or `misfit` and `assumed`, in a net with errors
    * `name`: that of its first layer, or of the call
    * `parts`: what it is, as the language says it: a text for each layer in it
    * `sources`: the nodes outside that it reads, in order
    * `start`, `size`: the index of its first node and how many it has, the first time round
    * `gives`: the index of the node whose output is its own, the first time round
    * `times`: how many times it is there in a row; each next time reads the one before it
    * `opening`: for a merge the index of the first node in its paths, or its own
    * `inner`: what is inside a block or a loop, the first time round
    * `key`: the same number for boxes of the same structure, whatever their shapes
    * `holds`: whether there are weights in it
    * `marks`: what is true of all of it: `shared` for weights of a box before it, `frozen`,
      `training` where it is there while training only; `misfit` where there is an error in it,
      `assumed` where one before it keeps its shape from being known
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
    inner: tuple[Box, ...] = ()
    key: int = 0
    holds: bool = False
    marks: frozenset[str] = frozenset()

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


def noted(box: Box, words: Words) -> list[str]:
    """What is said of a box beside its shape, in the words of tables."""
    notes = {
        "shared": words["figure.shared"],
        "frozen": words["note.frozen"],
        "training": words["note.training"],
        "misfit": words["figure.misfit"],
    }
    return [said for mark, said in notes.items() if mark in box.marks]


def titled(parts: Sequence[str], times: int) -> list[str]:
    """Parts with how many times they are there: `bottleneck 64 ×2`, `(conv 8 3x3`, `relu) ×2`."""
    if times == 1 or not parts:
        return list(parts)
    if len(parts) == 1:
        return [f"{parts[0]} ×{times}"]
    return [f"({parts[0]}", *parts[1:-1], f"{parts[-1]}) ×{times}"]


def opens(box: Box, depth: int, level: int = 0) -> bool:
    """Whether a figure of some depth shows what is inside a box.

    `level` counts the blocks around it. At depth 1 every call is closed, as in tables.
    """
    return bool(box.inner) and (box.kind == "repeat" or level + 1 < depth)


def each_time(boxes: Sequence[Box]) -> Iterator[Box]:
    """Boxes as often as they are there, each on its own; the name stays that of the first time."""
    for box in boxes:
        for time in range(box.times):
            yield _later(box._replace(times=1), box.start, box.size * time, box.gives - box.size)


def _later(box: Box, first: int, by: int, before: int) -> Box:
    """A box `by` nodes on. What it read from before the node `first`, it reads from the last time
    round, whose output is `before`, further on by as much."""
    if not by:
        return box
    sources = tuple(by + (index if index >= first else before) for index in box.sources)
    inner = tuple(_later(each, first, by, before) for each in box.inner)
    return box._replace(
        start=box.start + by,
        gives=box.gives + by,
        opening=box.opening + by if box.opening >= 0 else -1,
        sources=sources,
        inner=inner,
    )


def below(box: Box, level: int) -> int:
    """The level of what is inside a box."""
    return level + (box.kind == "block")


def count_boxes(boxes: Sequence[Box], depth: int, level: int = 0) -> int:
    """How many boxes a figure of some depth has."""
    return sum(
        count_boxes(box.inner, depth, below(box, level)) if opens(box, depth, level) else 1
        for box in boxes
    )


def levels(boxes: Sequence[Box]) -> int:
    """How deep calls of blocks nest, and 1 more: the depth that opens all of them."""
    return max((levels(box.inner) + (box.kind == "block") for box in boxes), default=1)


def choose_depth(
    boxes: Sequence[Box],
    depth: int | None,
    most: int,
    bound: int,
    count: Callable[[Sequence[Box], int], int] = count_boxes,
) -> int:
    """The depth to draw: the given one, or the deepest with at most `most` boxes.

    `count` tells how many boxes a figure of some depth has. Raises OptionError where there
    would be more than `bound` of them.
    """
    deepest = levels(boxes)
    chosen = min(depth or 1, deepest)
    if depth is None:
        while chosen < deepest and count(boxes, chosen + 1) <= most:
            chosen += 1
    total = count(boxes, chosen)
    if total > bound:
        if chosen == 1:
            raise OptionError(
                Message(
                    "the figure would have {count:,} boxes, over {bound}; fold it: write what "
                    "comes again as `repeat`, and its parts as blocks",
                    count=total,
                    bound=bound,
                )
            )
        raise OptionError(
            Message(
                "the figure would have {count:,} boxes, over {bound}; a depth of {depth} folds "
                "more",
                count=total,
                bound=bound,
                depth=chosen - 1,
            )
        )
    return chosen


def drawn(
    boxes: Sequence[Box],
    depth: int | None,
    fold: bool,
    limits: tuple[int, int],
    draw: Callable[[Sequence[Box], int, bool], list[T]],
    words: Words,
) -> tuple[list[T], str]:
    """What a figure draws for boxes, at a depth as of `choose_depth`, whose limits these are.

    With `fold` what repeats is there once; so it is where there is no room for all of it, which
    the text says that comes with it.
    """
    forced = not fold and len(draw(boxes, min(depth or 1, levels(boxes)), False)) > limits[1]
    fold = fold or forced
    chosen = choose_depth(boxes, depth, *limits, lambda boxes, depth: len(draw(boxes, depth, fold)))
    count = len(draw(boxes, chosen, False)) if forced else 0
    note = words["figure.folded"].format(number=f"{count:,}") if forced else ""
    return draw(boxes, chosen, fold), note


def producer(boxes: Sequence[Box], index: int) -> int:
    """The place of the box that a node is in; -1 for a node outside of all."""
    place = bisect_right(boxes, index, key=lambda box: box.start) - 1
    return place if place >= 0 and index in boxes[place] else -1


def shape_text(network: Network, index: int, further: int = 0) -> str:
    """The output shape of a node; where `further` nodes on it has another, both.

    `56×56×96…256`: from 96 to 256 channels.
    """
    first, last = network.nodes[index].output, network.nodes[index + further].output
    if len(first) != len(last):
        return f"{times(first)}…{times(last)}"
    return times([a if a == b else f"{a}…{b}" for a, b in zip(first, last)])


def times(sizes: Sequence[object]) -> str:
    """Sizes with `×` between them."""
    return "×".join(map(str, sizes))


def outputs_in(network: Network, boxes: Sequence[Box]) -> list[tuple[str, int]]:
    """The outputs of a net of several, each with its node, that some boxes give.

    What is inside a box is left to what draws its inside, except its own output.
    """
    if len(network.outputs) == 1:
        return []
    return [(name, index) for name, index in network.outputs.items() if producer(boxes, index) >= 0]
