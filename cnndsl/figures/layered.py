"""Places for the boxes of a graph: in layers from top to bottom, edges between them.

After Sugiyama, Tagawa and Toda, "Methods for visual understanding of hierarchical system
structures" (1981): layers by longest path; an edge that spans layers goes through a lane in
each; the order in a layer by barycentres; then positions. These are the least squares of what
each box wishes, its parents' place, under the order and the widths (pooled adjacent
violators), so that what comes one after another stands one below another. Lanes weigh next
to nothing, and stay to the right of the boxes that they pass.

An edge leaves a layer's lower rim and arrives at the next one's upper rim, and in a layer it
runs in a lane of its own: it cannot cross a box.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

GAP = 18.0
"""Pixels between boxes side by side."""
LANE = 12.0
"""Pixels between a lane and what is beside it."""
RISE = 24.0
"""Pixels between layers, if edges run straight down."""


class Vertex(NamedTuple):
    """A box: its size, and how far from its middle edges arrive (by source) and leave."""

    width: float
    height: float
    inlets: Mapping[int, float] = {}
    outlet: float = 0


class Edge(NamedTuple):
    """From a node to a node; `port` tells the inlet."""

    source: int
    target: int
    port: int = -1


class Placed(NamedTuple):
    """The place of every node (the middle of its upper rim), and the bends of every edge.

    A route goes down through its points: straight from an even one to the next, and in a bend
    from an odd one to the next.
    """

    width: float
    height: float
    places: list[tuple[float, float]]
    routes: list[list[tuple[float, float]]]


def place(
    nodes: Sequence[Vertex],
    edges: Sequence[Edge],
    top: Collection[int] = (),
    bottom: Collection[int] = (),
) -> Placed:
    """Places for nodes that are numbered so that every edge goes to a higher number.

    Those in `top` stay in the first layer, those in `bottom` come to the last.
    """
    grid = _Grid(nodes, edges, _levels(len(nodes), edges, top, bottom))
    grid.order()
    grid.spread()
    grid.straighten()
    return grid.placed()


def _levels(
    count: int, edges: Sequence[Edge], top: Collection[int], bottom: Collection[int]
) -> list[int]:
    level = [0] * count
    for edge in sorted(edges, key=lambda edge: edge.target):
        level[edge.target] = max(level[edge.target], level[edge.source] + 1)
    before: list[list[int]] = [[] for _ in range(count)]
    after: list[list[int]] = [[] for _ in range(count)]
    for edge in edges:
        before[edge.target].append(edge.source)
        after[edge.source].append(edge.target)
    loose = [False] * count
    for node in range(count):
        loose[node] = (
            node not in top
            and len(after[node]) == 1
            and all(loose[other] for other in before[node])
        )
    for node in reversed(range(count)):
        # A path that begins by itself stands right above what reads it.
        if loose[node]:
            level[node] = level[after[node][0]] - 1
    last = max(level, default=0)
    for node in bottom:
        level[node] = last
    return level


class _Cell(NamedTuple):
    """A place in a layer: a node, or the lane of a source's edges."""

    node: int
    is_lane: bool
    level: int


class _Grid:
    def __init__(
        self, nodes: Sequence[Vertex], edges: Sequence[Edge], level: Sequence[int]
    ) -> None:
        self.nodes, self.edges, self.level = nodes, edges, level
        self.rows: list[list[_Cell]] = [[] for _ in range(max(level, default=0) + 1)]
        # What edges join from one layer to the next, and the offsets of their two ends.
        self.down: dict[_Cell, list[_Cell]] = {}
        self.up: dict[_Cell, list[_Cell]] = {}
        self.offsets: dict[tuple[_Cell, _Cell], tuple[float, float]] = {}
        for node in range(len(nodes)):
            self.rows[level[node]].append(_Cell(node, False, level[node]))
        self.chains = [self.chain(edge) for edge in edges]
        lanes = set()
        for edge, chain in zip(edges, self.chains):
            for above, below in pairwise(chain):
                if below.is_lane and below not in lanes:
                    lanes.add(below)
                    self.rows[below.level].append(below)
                if (above, below) not in self.offsets:
                    self.down.setdefault(above, []).append(below)
                    self.up.setdefault(below, []).append(above)
                out = 0.0 if above.is_lane else nodes[above.node].outlet
                into = 0.0 if below.is_lane else nodes[below.node].inlets.get(edge.port, 0.0)
                self.offsets[above, below] = out, into
        # A lane of a tensor that others read too passes by, and nothing lines up with it.
        self.passing = {
            cell for cell in lanes if len(self.down[_Cell(cell.node, False, level[cell.node])]) > 1
        }
        self.x: dict[_Cell, float] = {}

    def chain(self, edge: Edge) -> list[_Cell]:
        """The cells that an edge goes through, its ends among them."""
        first, last = self.level[edge.source], self.level[edge.target]
        lanes = [_Cell(edge.source, True, level) for level in range(first + 1, last)]
        return [_Cell(edge.source, False, first), *lanes, _Cell(edge.target, False, last)]

    def order(self) -> None:
        """Order the layers so that few edges cross."""
        self.rows[0].sort()
        for level in range(1, len(self.rows)):
            self.sort(level, self.up, level - 1)
        best = [list(row) for row in self.rows]
        fewest = self.crossings()
        for turn in range(12):
            if not fewest:
                break
            if turn % 2:
                for level in range(1, len(self.rows)):
                    self.sort(level, self.up, level - 1)
            else:
                for level in reversed(range(len(self.rows) - 1)):
                    self.sort(level, self.down, level + 1)
            crossings = self.crossings()
            if crossings < fewest:
                fewest, best = crossings, [list(row) for row in self.rows]
        self.rows = best

    def sort(self, level: int, beside: Mapping[_Cell, list[_Cell]], other: int) -> None:
        at = {cell: place for place, cell in enumerate(self.rows[other])}
        here = {cell: float(place) for place, cell in enumerate(self.rows[level])}

        def wish(cell: _Cell) -> float:
            found = [at[neighbour] for neighbour in beside.get(cell, ())]
            return sum(found) / len(found) if found else here[cell]

        # At the same wish, boxes are in their own order, and lanes to the right of them.
        self.rows[level].sort(key=lambda cell: (wish(cell), cell.is_lane, cell.node))

    def crossings(self) -> int:
        total = 0
        for level in range(len(self.rows) - 1):
            at = {cell: place for place, cell in enumerate(self.rows[level + 1])}
            ends = [
                sorted(at[below] for below in self.down.get(cell, ())) for cell in self.rows[level]
            ]
            seen: list[int] = []
            for each in ends:
                total += sum(1 for end in each for other in seen if other > end)
                seen += each
        return total

    def width(self, cell: _Cell) -> float:
        return 0.0 if cell.is_lane else self.nodes[cell.node].width

    def apart(self, left: _Cell, right: _Cell) -> float:
        """How far the middles of neighbours have to be from each other."""
        gap = LANE if left.is_lane or right.is_lane else GAP
        return (self.width(left) + self.width(right)) / 2 + gap

    def spread(self) -> None:
        """Give every cell its place across."""
        for row in self.rows:
            x = 0.0
            for place, cell in enumerate(row):
                x += self.apart(row[place - 1], cell) if place else 0.0
                self.x[cell] = x
        for _ in range(6):
            for level in reversed(range(len(self.rows) - 1)):
                self.settle(level, self.down)
            for level in range(1, len(self.rows)):
                self.settle(level, self.up)

    def settle(self, level: int, beside: Mapping[_Cell, list[_Cell]]) -> None:
        """Move the cells of a layer as near as can be to where their neighbours are."""
        row = self.rows[level]
        wishes = []
        for cell in row:
            found = beside.get(cell, [])
            beacons = [each for each in found if each not in self.passing]
            places = [self.x[other] + self.axis(other) for other in beacons or found]
            weight = 1e-4 if cell in self.passing else 1.0 if beacons else 1e-3
            if places:
                wishes.append((sum(places) / len(places) - self.axis(cell), weight))
            else:
                wishes.append((self.x[cell], 1e-3))
        self.x.update(zip(row, _separate(row, wishes, self)))

    def axis(self, cell: _Cell) -> float:
        """What stands in line with the boxes above and below, as seen from its middle."""
        return 0.0 if cell.is_lane else self.nodes[cell.node].outlet

    def straighten(self) -> None:
        """Move a lane as far to the right as any part of it is, if nothing is in the way."""
        lanes: dict[int, list[_Cell]] = {}
        for row in self.rows:
            for cell in row:
                if cell in self.passing:
                    lanes.setdefault(cell.node, []).append(cell)
        beside = {a: b for row in self.rows for a, b in pairwise(row)}
        for cells in sorted(
            lanes.values(), key=lambda cells: (-max(self.x[cell] for cell in cells), cells[0])
        ):
            goal = max(self.x[cell] for cell in cells)
            for cell in cells:
                right = beside.get(cell)
                limit = self.x[right] - self.apart(cell, right) if right else goal
                self.x[cell] = max(self.x[cell], min(goal, limit))

    def placed(self) -> Placed:
        left = min((self.x[c] - self.width(c) / 2 for row in self.rows for c in row), default=0)
        right = max((self.x[c] + self.width(c) / 2 for row in self.rows for c in row), default=0)
        tops, rims, y = [], [], 0.0
        for level, row in enumerate(self.rows):
            tops.append(y)
            y += max((self.nodes[c.node].height for c in row if not c.is_lane), default=0)
            rims.append(y)
            if level + 1 < len(self.rows):
                y += self.rise(row)
        places = [
            (self.x[_Cell(node, False, level)] - left, tops[level])
            for node, level in enumerate(self.level)
        ]
        routes = []
        for edge, chain in zip(self.edges, self.chains):
            points = []
            for cell in chain:
                x = self.x[cell] - left
                top, rim = tops[cell.level], rims[cell.level]
                if cell is chain[0]:
                    x += self.nodes[edge.source].outlet
                    top += self.nodes[edge.source].height
                elif cell is chain[-1]:
                    x += self.nodes[edge.target].inlets.get(edge.port, 0.0)
                    rim = top
                points += [(x, top), (x, rim)]
            routes.append(points)
        return Placed(right - left, y, places, routes)

    def rise(self, row: Sequence[_Cell]) -> float:
        """How far the next layer is below: the further, the further edges go to the side."""
        far = max(
            (
                abs(self.x[cell] + out - self.x[below] - into)
                for cell in row
                for below in self.down.get(cell, ())
                for out, into in [self.offsets[cell, below]]
            ),
            default=0,
        )
        return RISE if far < 1 else RISE + 8 + min(16.0, far * 0.05)


def _separate(
    row: Sequence[_Cell], wishes: Sequence[tuple[float, float]], grid: _Grid
) -> list[float]:
    """The places nearest to what is wished, by weight, with neighbours far enough apart."""
    offset, offsets = 0.0, []
    blocks: list[tuple[float, float, int]] = []  # sum of weighted wishes, weight, how many
    for place, (wish, weight) in enumerate(wishes):
        offset += grid.apart(row[place - 1], row[place]) if place else 0.0
        offsets.append(offset)
        total, heavy, count = (wish - offset) * weight, weight, 1
        while blocks and blocks[-1][0] / blocks[-1][1] > total / heavy:
            before = blocks.pop()
            total, heavy, count = total + before[0], heavy + before[1], count + before[2]
        blocks.append((total, heavy, count))
    found = [total / heavy for total, heavy, count in blocks for _ in range(count)]
    return [x + offset for x, offset in zip(found, offsets)]
