"""The view `volumes`: feature maps as boxes in oblique projection, one after another.

A box is as high as the map, as deep (away from the reader) as the map is wide, and as thick
(from left to right) as it has channels. Sizes are drawn by their square roots, as those of one
net go from 1 to thousands: twice as long in the figure is four times as large. What is
compared is drawn to one scale: all heights and widths, all channels, all vectors. A window is
drawn to the scale of the map that it lies on.

A vector is a column of neurons, with a gap where there are too many. A signal has no width.
The box of a volume has its three dimensions, and the channels are a strip below it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import partial
from itertools import accumulate, pairwise, product
from math import sqrt
from typing import Any, NamedTuple

from cnndsl.figures.boxes import Box, below, drawn, each_time, noted, opens, shape_text, titled
from cnndsl.lang import Words
from cnndsl.layers import Shape
from cnndsl.layers.dense import Dense, Flatten
from cnndsl.layers.pool import GlobalPool
from cnndsl.network import Network
from cnndsl.targets.svg.picture import (
    SIZES,
    Area,
    ArrowHead,
    Mark,
    Picture,
    Point,
    Rect,
    Text,
    moved,
    polyline,
)
from cnndsl.targets.svg.text import cut, width, wrap

MOST, BOUND = 16, 120
"""How many maps are drawn where no depth is given, and with any."""

_MARGIN = 16.0
_LINE = 14.0
_GAP, _WIDEST_GAP = 38.0, 90.0
_BETWEEN = 28.0
"""What lies between one row and the next."""
_SLANT = 0.42
"""How far a pixel of width goes to the right and up."""
_STUB = 26.0
"""What the way on to the next row takes at the end of a row, and at its beginning."""
_LANE = 9.0
"""What a line takes that leads from the end of a row to another row, or passes by a text."""
_LANES = 4
_FEWEST, _NEURONS = 3, 11
"""How many places a column of neurons has at least, where there are as many, and at most."""


_BEFORE = {"start": 0.0, "middle": 0.5, "end": 1.0}
"""How much of a text lies to the left of its place."""

_WHOLE = (Dense, Flatten, GlobalPool)
"""The layers that look at all of a map."""


class FeatureMap(NamedTuple):
    """A map that is drawn, and what it is made by.

    * `source`: the node of the map that it is made from, or -1 for an input
    * `others`: the nodes of further maps that take part
    """

    box: Box
    source: int
    others: tuple[int, ...]
    gives: int


def maps_of(
    boxes: Sequence[Box],
    depth: int,
    fold: bool = True,
    alone: frozenset[int] = frozenset(),
    level: int = 0,
) -> list[FeatureMap]:
    """The maps of a figure of some depth: a merge with its paths is one step.

    With `fold` what repeats is there once. A path that begins with one of the inputs `alone`
    is no part of the merge.
    """
    found: list[FeatureMap] = []
    for box in boxes if fold else each_time(boxes):
        if box.times == 1 and opens(box, depth, level):
            inner = maps_of(box.inner, depth, fold, alone, below(box, level))
            if len(inner) > 1 or box.kind == "repeat":  # else the block's own name says more
                found += inner
                continue
        sources, kept = set(box.sources), set(alone)
        if box.kind == "merge":
            steps = []
            while found and found[-1].box.start >= box.opening:
                steps.append(found.pop())
            for step in reversed(steps):
                if "misfit" in step.box.marks:  # which no box but the merge's is left to show
                    box = box._replace(family="misfit", marks=box.marks | step.box.marks)
                if step.source in kept:
                    found.append(step)
                    kept.add(step.gives)
                else:
                    sources |= {step.source, *step.others}
            sources = {index for index in sources if index < box.opening or index in kept}
        written = [index for index in box.sources if index in sources]
        source = max(sources - kept, default=written[0] if written else max(sources, default=-1))
        others = tuple(sorted(sources - {source, -1}))
        found.append(FeatureMap(box, source, others, box.last))
    return found


def draw(
    network: Network,
    boxes: tuple[Box, ...],
    depth: int | None,
    room: float,
    words: Words,
    *,
    labels: str = "below",
    fold: bool = False,
) -> Picture:
    """The picture of a net's feature maps, in rows that are `room` wide at most.

    With `labels` of `edges` sizes are written along the edges of boxes, not below.
    """
    reads = Counter(index for node in network.nodes for index in node.inputs)
    alone = frozenset(index for index in network.inputs if reads[index] == 1)
    maps = partial(maps_of, alone=alone)
    steps, note = drawn(boxes, depth, fold, (MOST, BOUND), maps, words)
    return _Volumes(network, steps, room, words, labels == "edges").picture(note)


class Solid(NamedTuple):
    """A box as it is seen: `thick` to the right, `high`, and `deep` to the right and up.

    `strip` is how long the strip below it is. A vector has `neurons`, as many as are drawn, and
    `dots` for the others: how far below the top they lie.
    """

    thick: float
    high: float
    deep: float
    strip: float = 0
    neurons: tuple[float, ...] = ()
    dots: tuple[float, ...] = ()

    @property
    def size(self) -> Point:
        """Width and height of what it covers, without the strip's height."""
        return max(self.thick + self.deep, self.strip), self.high + self.deep


class MapColumn(NamedTuple):
    """A map in a row: how it is made, its box, and what is written about it.

    * `lines`, `under`: the texts above it, and below it with their styles
    * `sizes`: the texts along its edges, about the lower left corner of its front
    * `kernel`: the size of the window that makes it
    * `left`, `right`: how far the texts above, those below and the rest go from its middle
    """

    step: FeatureMap
    fresh: bool
    solid: Solid
    lines: list[str]
    full: str
    under: list[tuple[str, str]]
    sizes: list[Text]
    kernel: str
    left: tuple[float, float, float]
    right: tuple[float, float, float]


class MapRow(NamedTuple):
    """Columns, whether the last of the row before leads to them, and where their last leads."""

    columns: list[MapColumn]
    continues: bool
    goes_on: MapColumn | None


class _Volumes:
    def __init__(
        self, network: Network, steps: Sequence[FeatureMap], room: float, words: Words, edges: bool
    ) -> None:
        self.network, self.steps, self.words, self.edges = network, steps, words, edges
        # Letters are larger where a page is narrow, as it is held closer and turns no wider.
        self.letters = min(1.2, max(1.0, 720 / room))
        self.line = _LINE * self.letters
        self.label_room = 104.0 if room >= 600 else 92.0
        self.base = self.span = 92.0 if room >= 600 else 66.0
        shapes = [network.nodes[step.gives].output for step in steps]
        maps = [shape for shape in shapes if len(shape) > 1]
        self.most_space = max((size for shape in maps for size in shape[:-1]), default=1)
        self.most_channels = max((shape[-1] for shape in maps), default=1)
        self.most_values = max((shape[0] for shape in shapes if len(shape) == 1), default=1)
        self.outputs = network.outputs if len(network.outputs) > 1 else {}
        self.names = {step.gives for step in steps if step.box.kind == "layer"}
        self.paths = self.laid()
        ends = {path[-1].gives for path in self.paths}
        joins = [(index, step.gives) for step in steps for index in step.others if index in ends]
        lanes = list(dict.fromkeys(target for _, target in joins))[:_LANES]
        self.joins = {index: target for index, target in reversed(joins) if target in lanes}
        """The ends of paths from which a line leads to a map further down."""
        self.lanes = {target: lane for lane, target in enumerate(lanes, 1)}
        self.room = room - 2 * _MARGIN - _LANE * len(lanes)
        self.told = {index for step in steps for index in step.others}
        """The maps that are spoken of elsewhere in the figure: each has its name below it."""
        self.told |= {path[0].gives for path in self.paths if path[0].box.kind != "input"}
        self.ends: dict[int, Point] = {}
        self.entries: dict[int, tuple[float, float, float]] = {}
        """Where lines from row to row leave maps, and where they turn down, above what, and end."""

    def size(self, style: str) -> float:
        """How large the letters of a style are."""
        return SIZES[style] * self.letters

    def width(self, text: str, style: str) -> float:
        """How wide a text of a style is at most."""
        return width(text, self.size(style))

    def solid(self, shape: Shape) -> Solid:
        """How a tensor of some shape is drawn."""
        if len(shape) == 1:
            return self.vector(shape[0])
        channels = 2 + 0.48 * self.span * sqrt(shape[-1] / self.most_channels)
        space = [max(2.5, self.span * sqrt(size / self.most_space)) for size in shape[:-1]]
        if len(space) == 1:
            return Solid(channels, space[0], 0)
        if len(space) == 2:
            return Solid(channels, space[0], space[1] * _SLANT)
        return Solid(space[0] * 0.6, space[1], space[2] * _SLANT, channels)

    def vector(self, number: int) -> Solid:
        """A column of neurons, as long as there are values, in the places that this gives."""
        pitch = self.span * 0.11
        places = min(number, max(_FEWEST, round(_NEURONS * sqrt(number / self.most_values))))
        shown = [(place + 0.5) * pitch for place in range(places)]
        rest = shown.pop(places // 2) if places < number else 0.0
        dots = tuple(rest + step * pitch for step in (-0.3, 0, 0.3)) if rest else ()
        return Solid(pitch * 0.76, places * pitch, 0, 0, tuple(shown), dots)

    def laid(self) -> list[list[FeatureMap]]:
        """The maps in paths, from a map drawn before or an input; what joins another comes first.

        An input that only begins paths is drawn with them.
        """
        found: list[list[FeatureMap]] = []
        going: dict[int, list[FeatureMap]] = {}
        for step in self.steps:
            path = going.pop(step.source, None)
            if path is None:
                path = [self.origin(step.source)] if step.source >= 0 else []
                found.append(path)
            path.append(step)
            going[step.gives] = path
        place = {step.gives: row for row, path in enumerate(found) for step in path[1:]}
        # Where one joins several, the first counts.
        joins = ((index, step.gives) for step in reversed(self.steps) for index in step.others)
        goal = {index: place[target] for index, target in joins if target in place}
        rows = [row for row, path in enumerate(found) if len(path) > 1 or path[0].gives in goal]
        goals = {row: goal.get(found[row][-1].gives) for row in rows}

        def led(row: int) -> list[int]:
            return [*(each for other in rows if goals[other] == row for each in led(other)), row]

        order = [each for row in rows if goals[row] is None for each in led(row)]
        return [found[row] for row in order] or found[:1]

    def origin(self, index: int) -> FeatureMap:
        """A map that was drawn before, as the beginning of another row."""
        for step in self.steps:
            if step.gives == index:
                return step._replace(source=-1)
        box = next(step.box for step in self.steps if index in step.box)
        return FeatureMap(box, -1, (), index)

    def rows(self) -> list[MapRow]:
        """The paths in rows, with boxes as large as they can be in no more rows than need be."""
        rows = self.rows_at(self.base)
        least = len(rows)
        for tenths in range(19, 0, -1):
            rows = self.rows_at(self.base * tenths / 10)
            if len(rows) <= least and all(self.middles(row)[-1] <= self.room for row in rows):
                break
        return rows

    def rows_at(self, span: float) -> list[MapRow]:
        """The paths in rows, with the largest map as high as `span`."""
        self.span = span
        paths = (enumerate(path) for path in self.paths)
        columns = [[self.column(step, not place) for place, step in path] for path in paths]
        return [row for path in columns for row in self.broken(path)]

    def middles(self, row: MapRow) -> list[float]:
        """Where the middles of columns are if they lie close, and where the row then ends."""
        columns = row.columns
        ways = (self.between(*pair) for pair in pairwise(columns))
        found = list(accumulate(ways, initial=self.before(columns[0], row.continues)))
        return [*found, found[-1] + self.after(columns[-1], row.goes_on)]

    def broken(self, path: Sequence[MapColumn]) -> list[MapRow]:
        """A path in as few rows as it needs, all about as wide."""
        room, low = self.room, self.room / 4
        count = len(self.filled(path, room))
        while room - low > 4:
            middle = (room + low) / 2
            if len(self.filled(path, middle)) == count:
                room = middle
            else:
                low = middle
        parts = [*self.filled(path, room), []]
        return [
            MapRow(part, place > 0, following[0] if following else None)
            for place, (part, following) in enumerate(pairwise(parts))
        ]

    def filled(self, path: Sequence[MapColumn], room: float) -> list[list[MapColumn]]:
        """Columns in rows, as many in each as there is room for."""
        rows: list[list[MapColumn]] = []
        x = 0.0
        for column, following in pairwise((*path, None)):
            assert column is not None
            if rows:
                x += self.between(rows[-1][-1], column)
            if not rows or x + self.after(column, following) > room:
                x = self.before(column, bool(rows))
                rows.append([])
            rows[-1].append(column)
        return rows

    def before(self, column: MapColumn, continues: bool) -> float:
        """What a column takes from the beginning of a row to its middle."""
        lane = _LANE * (column.step.gives in self.lanes)
        spare = (lane, 0.0, lane + _STUB * continues)
        return max(map(sum, zip(column.left, spare)))

    def between(self, column: MapColumn, following: MapColumn) -> float:
        """What lies between the middles of two columns."""
        lane = _LANE * (following.step.gives in self.lanes)
        spare = (10 + lane, 10.0, self.gap(following, _GAP) + lane)
        return max(map(sum, zip(column.right, following.left, spare)))

    def after(self, column: MapColumn, following: MapColumn | None) -> float:
        """What a column takes from its middle to the end of a row, on the way to another there."""
        above, under, right = column.right
        return max(above, under, right + (self.gap(following, _STUB) if following else 0))

    def gap(self, following: MapColumn, least: float) -> float:
        """How far a map lies before the next: there is room for the size of a kernel."""
        return max(least, self.width(following.kernel, "note") + 16 * bool(following.kernel))

    def column(self, step: FeatureMap, fresh: bool) -> MapColumn:
        """What is drawn and written for a step; `fresh` at the beginning of a path."""
        shape = self.network.nodes[step.gives].output
        solid = self.solid(shape)
        parts = self.parts(step, fresh)
        lines = wrap(parts, self.size("name"), self.label_room)
        full = " · ".join(parts) if any(line.endswith("…") for line in lines) else ""
        sizes = self.sizes(shape, solid) if self.edges else []
        under = [] if sizes else [(shape_text(self.network, step.gives), "note")]
        if not fresh:
            under += [(note, "note") for note in noted(step.box, self.words)]
        for name, index in self.outputs.items():
            if index == step.gives:
                under.append((f"{self.words['figure.output']} {name}", "name"))
        if step.gives in self.told and not fresh:
            under.append((self.name(step.gives), "name"))
        room = self.room - 2 * (_STUB + _LANE)
        under = [(cut(text, self.size(style), room), style) for text, style in under]
        above = max(self.width(line, "name") for line in lines) / 2
        below = max((self.width(text, style) for text, style in under), default=0) / 2
        middle = solid.size[0] / 2
        left = right = middle
        for text in sizes:
            wide = self.width(text.text, text.style)
            start = text.x - middle - _BEFORE[text.anchor] * wide
            left, right = max(left, -start), max(right, start + wide)
        kernel = "" if fresh else self.kernel(step)
        ends = (above, below, left), (above, below, right)
        return MapColumn(step, fresh, solid, lines, full, under, sizes, kernel, *ends)

    def layer(self, step: FeatureMap) -> Any:
        """The layer that a step begins with; None for a step of any other kind."""
        return self.network.nodes[step.box.start].layer if step.box.kind == "layer" else None

    def kernel(self, step: FeatureMap) -> str:
        """The size of the window of a step; empty where it has none."""
        layer = self.layer(step)
        slides = layer is not None and layer.slides and layer.windows
        return "×".join(str(window.kernel) for window in layer.windows) if slides else ""

    def sizes(self, shape: Shape, solid: Solid) -> list[Text]:
        """The sizes of a map along its edges, about the lower left corner of its front."""
        thick, high, deep, letters = solid.thick, solid.high, solid.deep, self.size("note")
        # Below what comes in from the left.
        low = max(0.36 * letters - high / 2, 1.2 * letters - (high + deep) / 2)
        foot = max(0.0, low + letters / 4) + letters + 2
        up, away = (-4.0, low, "end"), (deep / 2 - 3, -high - deep / 2 - 3, "end")
        along, beside = (thick / 2, foot, "middle"), (solid.strip + 4, 10.0, "start")
        under = (thick / 2, max(foot + 9, 12 + 1.25 * letters), "middle")
        places = {2: (up, along), 3: (up, away, along), 4: (under, up, away, beside)}
        at = zip(places.get(len(shape), ()), shape)
        return [Text(x, y, str(size), "note", anchor) for (x, y, anchor), size in at]

    def parts(self, step: FeatureMap, fresh: bool) -> list[str]:
        """What is written above a map."""
        box, nodes = step.box, self.network.nodes
        if box.kind == "input":
            alias = nodes[box.start].alias
            return [alias or self.words["figure.input"]]
        if fresh:
            return [self.name(step.gives)]
        parts = list(box.parts)
        if not parts:  # a loop
            parts = [part for inner in box.inner for part in inner.parts]
        parts = titled(parts, box.times)
        if box.kind == "merge":
            # A map that takes part as it is, is named and no path besides; one that a path
            # begins with stands in brackets.
            number = len(box.sources) - len({*step.others}.intersection(box.sources))
            if number > 1:
                parts.insert(1, self.words["figure.paths"].format(number=number))
        for index in step.others:
            direct = box.kind != "merge" or index in box.sources
            parts[-1] += f" + {self.name(index)}" if direct else f" ({self.name(index)})"
        return parts

    def name(self, index: int) -> str:
        """What a map goes by: the name of its layer, or of the block that is drawn as one map."""
        name = self.network.nodes[index].name
        return name if index in self.names else name.partition(".")[0]

    def picture(self, note: str) -> Picture:
        """The rows one below the other, the lines from row to row, and a note at the foot."""
        marks: list[Mark] = []
        y = wide = 0.0
        for row in self.rows():
            drawn, row_wide, foot = self.draw_row(row, y)
            marks += drawn
            wide, y = max(wide, row_wide), foot + _BETWEEN
        for index, target in self.joins.items():
            (x, level), (turn, above, goal) = self.ends[index], self.entries[target]
            lane = wide + _LANE * self.lanes[target]
            above -= _LANE / 2 * (_LANES - self.lanes[target])  # the next lane turns below
            points = (x + 4, level), (lane, level), (lane, above), (turn, above), (turn, goal)
            marks.append(polyline(*points))
        wide += _LANE * len(self.lanes)
        for line in wrap([note], self.size("note"), self.room) if note else ():
            y += self.line
            marks.append(Text(0, y - _BETWEEN + 4, line, "note", "start"))
            wide = max(wide, self.width(line, "note"))
        height = y - _BETWEEN + 2 * _MARGIN
        return Picture(
            wide + 2 * _MARGIN, height, moved(marks, _MARGIN, _MARGIN), letters=self.letters
        )

    def draw_row(self, row: MapRow, y: float) -> tuple[list[Mark], float, float]:
        """The marks of a row that begins at `y`, how wide it is, and where it ends."""
        columns = row.columns
        *middles, wide = self.middles(row)
        # What is left over lies between the maps.
        ways = len(columns) - 1
        spare = min((self.room - wide) / ways, _WIDEST_GAP) if ways else 0.0
        middles, wide = [x + spare * n for n, x in enumerate(middles)], wide + spare * ways
        body: list[Mark] = []
        """What there is about the level of the row."""
        before = None
        for column, x in zip(columns, middles):
            solid, left = column.solid, x - column.solid.size[0] / 2
            at = (left, solid.size[1] / 2)
            if before is not None:
                body += self.way(column, *before, at, solid)
            elif row.continues:
                body += _arrow(0, left - 5, 0)
            body += _cuboid(solid, at, column.step.box.family)
            body += moved(column.sizes, *at)
            before = (at, solid)
        if row.goes_on is not None and before is not None:
            body += self.way(row.goes_on, *before, (wide - 2, 0), None)
        letters = self.size("note")
        texts = [mark.y for mark in body if isinstance(mark, Text)]
        high = [column.solid.size[1] / 2 for column in columns]
        low = [column.solid.size[1] / 2 + 9 * (column.solid.strip > 0) for column in columns]
        title = y + self.line * max(len(column.lines) for column in columns)
        level = title + 8 + max(*high, *(letters - text for text in texts), 0)
        foot = level + max(*low, *(text + letters / 4 for text in texts), 0)
        marks = moved(body, 0, level)
        for column, x in zip(columns, middles):
            for number, line in enumerate(column.lines, 1 - len(column.lines)):
                marks.append(Text(x, title + number * self.line, line, "name", full=column.full))
            for number, (text, style) in enumerate(column.under, 1):
                marks.append(Text(x, foot + number * self.line, text, style))
            self.ends[column.step.gives] = (x + column.solid.size[0] / 2, level)
            if not column.fresh:
                turn = x - max(column.left[0] + 5, column.left[2] + 20)
                self.entries[column.step.gives] = (turn, y - _LANE, level)
        return marks, wide, foot + self.line * max(len(column.under) for column in columns) + 4

    def way(
        self, column: MapColumn, start: Point, solid: Solid, end: Point, target: Solid | None
    ) -> list[Mark]:
        """How one map leads to the next: a window that looks at it, all of it, or an arrow.

        `start` and `end` are the lower left corners of their fronts; without a `target` the
        way goes to the point `end`.
        """
        layer = self.layer(column.step)
        (x, y), right = start, start[0] + solid.thick
        level = y - (solid.high + solid.deep) / 2
        far = x + solid.size[0]
        if column.kernel:
            # The window is drawn on the map that it looks at, and its size above the rays.
            corners = self.window(layer, right, y, solid)
            tip_x, tip_y = corners[1]
            sinks = (level - tip_y) * (far + 5 - tip_x) / (end[0] - tip_x)
            size = Text(far + 5, tip_y + sinks - 3, column.kernel, "note", "start")
            rays = [polyline(corner, (end[0], level), style="ray") for corner in corners]
            return [*rays, Area(corners, "window"), size]
        if isinstance(layer, _WHOLE) and target:
            top, goal, deep = y - solid.high, end[1] - target.high, solid.deep
            pairs, style = [((right + deep, top - deep), (end[0], goal)), ((right, y), end)], "ray"
            if solid.neurons and target.neurons:
                both, style = product(solid.neurons, target.neurons), "rule"
                pairs = [((right, top + a), (end[0], goal + b)) for a, b in both]
            return [polyline(*pair, style=style) for pair in pairs]
        return _arrow(far + 4, end[0] - 5, level)

    def window(self, layer: Any, right: float, y: float, solid: Solid) -> tuple[Point, ...]:
        """The corners of a window in the middle of the right face of a box, to the scale of it."""
        shares = [min(1.0, window.extent / window.size) for window in layer.windows]
        high = min(max(2.0, shares[-2 if len(shares) > 1 else 0] * solid.high), solid.high)
        if len(shares) == 1:
            left, top = right - min(5, solid.thick), y - (solid.high + high) / 2
            return (left, top), (right, top), (right, top + high), (left, top + high)
        deep = min(max(2.0 * _SLANT, shares[-1] * solid.deep), solid.deep)
        x = right + (solid.deep - deep) / 2
        top = y - (solid.high + solid.deep - deep) / 2 - high / 2
        return (x, top), (x + deep, top - deep), (x + deep, top - deep + high), (x, top + high)


def _arrow(x: float, end: float, y: float) -> list[Mark]:
    """An arrow to the right."""
    return [polyline((x, y), (end - 6, y)), ArrowHead(end, y, "right")]


def _cuboid(solid: Solid, at: Point, family: str) -> list[Mark]:
    """A box whose front has its lower left corner at a point; a column of neurons for a vector."""
    x, y = at
    thick, high, deep = solid.thick, solid.high, solid.deep
    top = y - high
    if solid.neurons:
        circles = [(at, thick / 2, "side") for at in solid.neurons]
        circles += [(at, thick / 8, "solid") for at in solid.dots]
        return [
            Rect(x + thick / 2 - r, top + at - r, 2 * r, 2 * r, f"{family}-{side}", r)
            for at, r, side in circles
        ]
    front, right = ((x, top), (x + thick, top), (x + thick, y), (x, y)), x + thick
    marks: list[Mark] = []
    if deep:
        back = ((x + deep, top - deep), (right + deep, top - deep), (right + deep, y - deep))
        marks.append(Area((front[0], *back[:2], front[1]), f"{family}-top"))
        marks.append(Area((front[1], *back[1:], front[2]), family))
    marks.append(Area(front, f"{family}-side"))
    if solid.strip:
        marks.append(Rect(x, y + 5, solid.strip, 4, f"{family}-solid", 1))
    return marks
