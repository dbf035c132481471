"""A flat graph as statements in braces: which operations follow each other, and which are paths.

The paths of a merge begin at its immediate dominator, the last tensor that everything it reads
passes through. A tensor that is read elsewhere, too, gets a name.
"""

from __future__ import annotations

from typing import NamedTuple

from cnndsl.importers.graph import Graph, Output
from cnndsl.layers import MERGES


class Leaf(NamedTuple):
    """A layer of one input; `op` is its place in the graph."""

    op: int


class Join(NamedTuple):
    """A merge with its paths."""

    op: int
    paths: tuple[Seq, ...]


class Jump(NamedTuple):
    """`from` the name of an operation."""

    op: int


Item = Leaf | Join | Jump
Seq = list[Item]


class Side(NamedTuple):
    """An output beside the main one, and what computes it from a tensor, `start`."""

    output: Output
    start: int
    body: Seq


class Nested(NamedTuple):
    """A graph as statements.

    * `body`: from the first input to the main output
    * `sides`: the other outputs
    * `named`: the operations that a `from` reads
    """

    body: Seq
    sides: list[Side]
    named: set[int]


MOST_DEEP = 12
"""How deep merges may stand in each other; deeper ones read names instead."""

MOST_SHORT = 3
"""How many operations may stand in the other paths where a long one stands before its merge."""

MOST_LONG = 40
"""How many operations may stand in a path beside one that has none."""


def nest(graph: Graph) -> Nested:
    """The statements of a graph."""
    return _Nester(graph).nest()


class _Merge(NamedTuple):
    """A merge whose paths are still to be written: each from `begin` on, the tensor before it,
    or, where there is a `way`, that path as the statements before it, and the others by names.
    """

    op: int
    begin: int
    way: int | None


class _Nester:
    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.first = next(index for index, op in enumerate(graph.ops) if op.word == "input")
        self.dominators = dominators(graph)
        self.emitted: set[int] = {self.first}
        self.named: set[int] = set()
        # How many operations, and how many that enlarge a map, dominate each.
        self.length: list[int] = []
        self.enlarged: list[int] = []
        for index, op in enumerate(graph.ops):
            before = self.dominators[index]
            self.length.append((self.length[before] if before >= 0 else 0) + 1)
            grown = self.enlarged[before] if before >= 0 else 0
            self.enlarged.append(grown + (op.word in _ENLARGE))

    def nest(self) -> Nested:
        main, *others = self.graph.outputs
        body = self.chain(self.first, main.op, 0)
        current = {self.first, *(item.op for item in body)}
        sides = []
        for output in others:
            start = self.start(output.op)
            side = self.chain(start, output.op, 0)
            sides.append(Side(output, start, side))
            if start not in current or not side:
                self.named.add(start)
        return Nested(body, sides, self.named)

    def start(self, end: int) -> int:
        """The nearest tensor that is there already, on the way back from an output."""
        while end not in self.emitted and self.dominators[end] >= 0:
            end = self.dominators[end]
        return end if end in self.emitted else self.first

    def chain(self, stop: int, end: int, depth: int) -> Seq:
        """The statements that lead from a tensor, `stop`, to another."""
        back: list[Item | _Merge] = []
        while end != stop:
            op = self.graph.ops[end]
            if end in self.emitted or op.word == "input":
                self.named.add(end)
                back.append(Jump(end))
                break
            self.emitted.add(end)
            if op.word not in MERGES:
                back.append(Leaf(end))
                end = op.inputs[0]
                continue
            begin = self.dominators[end]
            way = self.way(op.inputs, begin, depth)
            back.append(_Merge(end, begin, way))
            end = op.inputs[way] if way is not None else begin if begin >= 0 else stop
        # What stands first in the text is written first, and has the tensors that others name.
        pieces: Seq = []
        for item in reversed(back):
            pieces.append(
                item if not isinstance(item, _Merge) else self.join(item, pieces, stop, depth)
            )
        return pieces

    def join(self, merge: _Merge, before: Seq, stop: int, depth: int) -> Join:
        """A merge with its paths; it takes what enlarges a map from the statements before it."""
        inputs = self.graph.ops[merge.op].inputs
        if merge.way is None:
            begin = merge.begin if merge.begin >= 0 else stop
            return Join(merge.op, tuple(self.chain(begin, each, depth + 1) for each in inputs))
        here = inputs[merge.way]
        paths = [
            [] if place == merge.way else self.chain(here, each, depth + 1)
            for place, each in enumerate(inputs)
        ]
        others = [path for place, path in enumerate(paths) if place != merge.way]
        if all(path and isinstance(path[0], Jump) for path in others):
            last = before[-1] if before else None
            if isinstance(last, Leaf) and self.graph.ops[last.op].word in _ENLARGE:
                paths[merge.way] = [before.pop()]
        return Join(merge.op, tuple(paths))

    def way(self, inputs: tuple[int, ...], begin: int, depth: int) -> int | None:
        """Which path of a merge is better written before it, as in a U-Net: one that leads far
        down and up again beside one that is short; None for none.
        """
        if begin < 0:
            return None
        lengths = [self.length[each] - self.length[begin] for each in inputs]
        longest = max(range(len(inputs)), key=lengths.__getitem__)
        if depth >= MOST_DEEP:
            return longest
        others = sorted(lengths)[:-1]
        if max(others) > MOST_SHORT:
            return None
        grows = self.enlarged[inputs[longest]] > self.enlarged[begin]
        return longest if grows or lengths[longest] > MOST_LONG else None


_ENLARGE = ("deconv", "up", "pixelshuffle")


def dominators(graph: Graph) -> list[int]:
    """The immediate dominator of each operation: the last one that every way from the inputs to
    it passes through; -1 where there is none.

    It is the nearest common ancestor, in the tree of dominators, of what the operation reads, as
    in K. Cooper, T. Harvey and K. Kennedy, "A Simple, Fast Dominance Algorithm", 2001.
    """
    found: list[int] = []
    depth: list[int] = []
    for op in graph.ops:
        common = op.inputs[0] if op.inputs else -1
        for each in op.inputs[1:]:
            while common != each and common >= 0 and each >= 0:
                if depth[common] >= depth[each]:
                    common = found[common]
                else:
                    each = found[each]
            if common != each:
                common = -1
        found.append(common)
        depth.append(depth[common] + 1 if common >= 0 else 0)
    return found
