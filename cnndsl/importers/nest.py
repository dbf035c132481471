"""A flat graph as statements in braces: which operations follow each other, and which are paths.

The paths of a merge begin at its immediate dominator, the last tensor that everything it reads
passes through. A tensor that is read elsewhere, too, gets a name.
"""

from __future__ import annotations

from collections.abc import Sequence
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
    What several of its paths read, or others, too, is written before it.
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
        users = graph.users()
        self.shared = [len(set(each)) > 1 for each in users]
        self.joined = joins(graph, users)
        # How many operations, and how many that enlarge a map, dominate each.
        self.length: list[int] = []
        self.enlarged: list[int] = []
        self.roots: list[int] = []
        for index, op in enumerate(graph.ops):
            before = self.dominators[index]
            self.length.append((self.length[before] if before >= 0 else 0) + 1)
            grown = self.enlarged[before] if before >= 0 else 0
            self.enlarged.append(grown + (op.word in _ENLARGE))
            self.roots.append(self.roots[before] if before >= 0 else index)

    def nest(self) -> Nested:
        main, *others = self.graph.outputs
        body = tidied(self.chain(self.first, main.op, 0), self.first)
        current = {self.first, *(item.op for item in body)}
        sides = []
        named: set[int] = set()
        for output in others:
            start = self.start(output.op)
            side = tidied(self.chain(start, output.op, 0), start)
            sides.append(Side(output, start, side))
            # A head that names what may come later stands at the end, and names its own start.
            if start not in current or not side or targets(side):
                named.add(start)
        for seq in (body, *(side.body for side in sides)):
            named |= targets(seq)
        return Nested(body, sides, named)

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
            if isinstance(item, _Merge):
                self.join(item, pieces, stop, depth)
            else:
                pieces.append(item)
        return pieces

    def join(self, merge: _Merge, before: Seq, stop: int, depth: int) -> None:
        """Write a merge with its paths behind some statements, and first what these share; it
        takes what enlarges a map from the statements before it.
        """
        inputs = self.graph.ops[merge.op].inputs
        here = merge.begin if merge.begin >= 0 else stop
        if merge.way is None:
            for cut in self.cuts(merge.op, here):
                if cut not in self.emitted:
                    before += self.chain(here, cut, depth)
                    here = cut
            paths = [self.chain(here, each, depth + 1) for each in inputs]
            before.append(Join(merge.op, tuple(paths)))
            return
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
        before.append(Join(merge.op, tuple(paths)))

    def cuts(self, merge: int, begin: int) -> list[int]:
        """What stands between a tensor and a merge and is read in more than one path of it, or
        behind it, too; in the order of the graph.
        """
        found, seen, stack = [], {merge}, [*self.graph.ops[merge].inputs]
        while stack:
            op = stack.pop()
            if op in seen or op in self.emitted or op == begin:
                continue
            seen.add(op)
            joined = self.joined[op]
            if self.shared[op] and (joined < 0 or joined >= merge):
                found.append(op)
            stack += self.graph.ops[op].inputs
        return sorted(op for op in found if self.graph.ops[op].word != "input")

    def way(self, inputs: tuple[int, ...], begin: int, depth: int) -> int | None:
        """Which path of a merge is better written before it, as in a U-Net: one that leads far
        down and up again beside one that is short; None for none.
        """
        before = self.length[begin] if begin >= 0 else 0
        lengths = [self.length[each] - before for each in inputs]
        longest = max(range(len(inputs)), key=lengths.__getitem__)
        if begin < 0:
            begins = self.roots[inputs[longest]] == self.first
            return longest if begins and lengths[longest] > 2 * sorted(lengths)[-2] else None
        if depth >= MOST_DEEP:
            return longest
        others = sorted(lengths)[:-1]
        if max(others) > MOST_SHORT:
            return None
        grows = self.enlarged[inputs[longest]] > self.enlarged[begin]
        return longest if grows or lengths[longest] > MOST_LONG else None


def tidied(seq: Seq, current: int) -> Seq:
    """Statements without each `from` that names the current tensor, or whose tensor nothing
    reads.
    """
    result: Seq = []
    for place, item in enumerate(seq):
        if isinstance(item, Join):
            item = Join(item.op, tuple(tidied(path, current) for path in item.paths))
        elif isinstance(item, Jump):
            after = seq[place + 1] if place + 1 < len(seq) else None
            ways = after.paths if isinstance(after, Join) else ()
            unread = ways and all(path and isinstance(path[0], Jump) for path in ways)
            if item.op == current or isinstance(after, Jump) or unread:
                continue
        result.append(item)
        current = item.op
    return result


def targets(seq: Seq) -> set[int]:
    """The operations that are named by a `from`."""
    found = set()
    for item in seq:
        if isinstance(item, Jump):
            found.add(item.op)
        elif isinstance(item, Join):
            for path in item.paths:
                found |= targets(path)
    return found


_ENLARGE = ("deconv", "up", "pixelshuffle")


def dominators(graph: Graph) -> list[int]:
    """The immediate dominator of each operation: the last one that every way from the inputs to
    it passes through; -1 where there is none.
    """
    return _nearest([op.inputs for op in graph.ops])


def joins(graph: Graph, users: list[list[int]]) -> list[int]:
    """For each operation the first that every way from it to an output passes through; -1 where
    there is none.
    """
    last = len(graph.ops) - 1
    ends = {output.op for output in graph.outputs}
    back = [[last - user for user in each] + [-1] * (at in ends) for at, each in enumerate(users)]
    found = _nearest(back[::-1])[::-1]
    return [last - each if each >= 0 else -1 for each in found]


def _nearest(before: Sequence[Sequence[int]]) -> list[int]:
    """For each of some nodes in topological order, the nearest that all ways to it pass through.

    It is the nearest common ancestor, in the tree of these, of the nodes `before` it, as in
    K. Cooper, T. Harvey and K. Kennedy, "A Simple, Fast Dominance Algorithm", 2001.
    """
    found: list[int] = []
    depth: list[int] = []
    for nodes in before:
        common = nodes[0] if nodes else -1
        for each in nodes[1:]:
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
