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
from itertools import pairwise
from math import sqrt
from typing import Any, NamedTuple

from cnndsl.figures.boxes import (
    Box,
    below,
    choose_depth,
    each_time,
    must_fold,
    noted,
    opens,
    shape_text,
    titled,
)
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

    With `labels` of `edges` sizes are written along the edges of boxes, not below. With `fold`
    what repeats is drawn once; so it is where there is no drawing all of it, which is then said.
    """
    reads = Counter(index for node in network.nodes for index in node.inputs)
    alone = frozenset(index for index in network.inputs if reads[index] == 1)

    def count(boxes: Sequence[Box], depth: int, fold: bool) -> int:
        return len(maps_of(boxes, depth, fold, alone))

    forced = not fold and must_fold(boxes, depth, BOUND, partial(count, fold=False))
    fold = fold or forced
    chosen = choose_depth(boxes, depth, MOST, BOUND, partial(count, fold=fold))
    volumes = _Volumes(network, maps_of(boxes, chosen, fold, alone), room, words, labels == "edges")
    note = words["figure.folded"].format(number=f"{count(boxes, chosen, False):,}")
    return volumes.picture(note if forced else "")


class Solid(NamedTuple):
    """A box as it is seen: `thick` to the right, `high`, and `deep` to the right and up.

    `strip` is how long the strip below it is. A vector has `neurons`, which are as many as are
    drawn and how far they lie below the top, and `rest` is where those left out would be.
    """

    thick: float
    high: float
    deep: float
    strip: float = 0
    neurons: tuple[float, ...] = ()
    rest: float = 0

    @property
    def size(self) -> Point:
        """Width and height of what it covers, without the strip's height."""
        return max(self.thick + self.deep, self.strip), self.high + self.deep


class MapColumn(NamedTuple):
    """A map in a row: how it is made, its box, and what is written about it.

    * `lines`, `under`: the texts above it, and below it with their styles
    * `sizes`: the texts along its edges, about the lower left corner of its front
    * `kernel`: the size of the window that makes it
    * `above`, `below`, `left`, `right`: how far its texts and the rest go from its middle
    """

    step: FeatureMap
    fresh: bool
    solid: Solid
    lines: list[str]
    full: str
    under: list[tuple[str, str]]
    sizes: list[Text]
    kernel: str
    above: float
    below: float
    left: float
    right: float


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
        self.outputs: dict[int, list[str]] = {}
        if len(network.outputs) > 1:
            for name, index in network.outputs.items():
                self.outputs.setdefault(index, []).append(name)
        self.names = {step.gives for step in steps if step.box.kind == "layer"}
        self.paths = self.laid()
        ends = {path[-1].gives for path in self.paths}
        joins = [(index, step.gives) for step in steps for index in step.others if index in ends]
        lanes = list(dict.fromkeys(target for _, target in joins))[:_LANES]
        self.joins = {index: target for index, target in reversed(joins) if target in lanes}
        """The ends of paths from which a line leads to a map further down."""
        self.lanes = {target: lane * _LANE for lane, target in enumerate(lanes, 1)}
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
        return Solid(pitch * 0.76, places * pitch, 0, 0, tuple(shown), rest)

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
        goal = {index: place[step.gives] for step in self.steps for index in step.others
                if step.gives in place}  # fmt: skip
        rows = [row for row, path in enumerate(found) if len(path) > 1 or path[0].gives in goal]
        rows.sort(key=lambda row: (goal.get(found[row][-1].gives, row + 0.5), row))
        return [found[row] for row in rows] or found[:1]

    def origin(self, index: int) -> FeatureMap:
        """A map that was drawn before, as the beginning of another row."""
        for step in self.steps:
            if step.gives == index:
                return step._replace(source=-1)
        box = next(step.box for step in self.steps if index in step.box)
        return FeatureMap(box, -1, (), index)

    def rows(self) -> list[MapRow]:
        """The paths in rows, with boxes as large as they can be in no more rows than need be."""
        found = self.rows_at(self.base)
        while self.base > 20 and any(self.wide(row) > self.room for row in found):
            self.base *= 0.8
            found = self.rows_at(self.base)
        for growth in range(11, 20):
            rows = self.rows_at(self.base * growth / 10)
            if len(rows) > len(found) or any(self.wide(row) > self.room for row in rows):
                break
            found = rows
        return found

    def rows_at(self, span: float) -> list[MapRow]:
        """The paths in rows, with the largest map as high as `span`."""
        self.span = span
        paths = (enumerate(path) for path in self.paths)
        columns = [[self.column(step, not place) for place, step in path] for path in paths]
        return [row for path in columns for row in self.broken(path)]

    def wide(self, row: MapRow) -> float:
        """How wide a row is at least."""
        columns = row.columns
        ways = sum(self.between(*pair) for pair in pairwise(columns))
        return self.before(columns[0], row.continues) + ways + self.after(columns[-1], row.goes_on)

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
        stub = _STUB if continues else 0.0
        return max(column.above + lane, column.below, column.left + lane + stub)

    def between(self, column: MapColumn, following: MapColumn) -> float:
        """What lies between the middles of two columns."""
        lane = _LANE * (following.step.gives in self.lanes)
        return max(
            column.above + following.above + 10 + lane,
            column.below + following.below + 10,
            column.right + self.gap(following, _GAP) + following.left + lane,
        )

    def after(self, column: MapColumn, following: MapColumn | None) -> float:
        """What a column takes from its middle to the end of a row, on the way to another there."""
        stub = self.gap(following, _STUB) if following else 0.0
        return max(column.above, column.below, column.right + stub)

    def gap(self, following: MapColumn, least: float) -> float:
        """How far a map lies before the next: there is room for the size of a kernel."""
        kernel = following.kernel
        return max(least, self.width(kernel, "note") + 16) if kernel else least

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
        for name in self.outputs.get(step.gives, ()):
            under.append((f"{self.words['figure.output']} {name}", "name"))
        if step.gives in self.told and not fresh:
            under.append((self.name(step.gives), "name"))
        room = self.room - 2 * (_STUB + _LANE)
        under = [(cut(text, self.size(style), room), style) for text, style in under]
        middle = solid.size[0] / 2
        ends = [(text.x - middle, self.width(text.text, text.style), text.anchor) for text in sizes]
        return MapColumn(
            step,
            fresh,
            solid,
            lines,
            full,
            under,
            sizes,
            "" if fresh else self.kernel(step),
            max(self.width(line, "name") for line in lines) / 2,
            max((self.width(text, style) for text, style in under), default=0) / 2,
            max((middle, *(_SHARES[anchor] * wide - x for x, wide, anchor in ends))),
            max((middle, *(x + (1 - _SHARES[anchor]) * wide for x, wide, anchor in ends))),
        )

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
        if len(shape) == 1:
            return []
        thick, high, deep = solid.thick, solid.high, solid.deep
        letters = self.size("note")
        # Below what comes in from the left.
        low = max(0.36 * letters - high / 2, 1.2 * letters - (high + deep) / 2)
        foot = max(0.0, low + letters / 4) + letters + 2
        found = [Text(-4, low, str(shape[-3 if len(shape) > 2 else 0]), "note", "end")]
        if len(shape) > 2:
            found.append(Text(deep / 2 - 3, -high - deep / 2 - 3, str(shape[-2]), "note", "end"))
        if len(shape) < 4:
            return [*found, Text(thick / 2, foot, str(shape[-1]), "note")]
        beside = Text(solid.strip + 4, 10, str(shape[-1]), "note", "start")
        return [
            *found,
            Text(thick / 2, max(foot + 9, 12 + 1.25 * letters), str(shape[0]), "note"),
            beside,
        ]

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
            lane = wide + self.lanes[target]
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
        x = self.before(columns[0], row.continues)
        ways = [self.between(*pair) for pair in pairwise(columns)]
        wide = self.wide(row)
        # What is left over lies between the maps.
        spare = min((self.room - wide) / len(ways), _WIDEST_GAP) if ways else 0.0
        wide += spare * len(ways)
        body: list[Mark] = []
        """What there is about the level of the row."""
        middles, before = [], None
        for column, way in zip(columns, (*ways, 0.0)):
            solid, left = column.solid, x - column.solid.size[0] / 2
            at = (left, solid.size[1] / 2)
            if before is not None:
                body += self.way(column, *before, at, solid)
            elif row.continues:
                body += _arrow(0, left - 5, 0)
            body += _cuboid(solid, at, column.step.box.family)
            body += moved(column.sizes, *at)
            before = (at, solid)
            middles.append(x)
            x += way + spare
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
                turn = x - max(column.above + 5, column.left + 20)
                self.entries[column.step.gives] = (turn, y - _BETWEEN / 2, level)
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
        far, goal = x + solid.size[0], (end[0], level)
        if column.kernel:
            # The window is drawn on the map that it looks at.
            corners = self.window(layer, right, y, solid)
            rays: list[Mark] = [polyline(corner, goal, style="ray") for corner in corners]
            tip_x, tip_y = corners[1]
            share = (far + 5 - tip_x) / (goal[0] - tip_x)
            above = tip_y + share * (level - tip_y) - 3
            return [
                *rays,
                Area(corners, "window"),
                Text(far + 5, above, column.kernel, "note", "start"),
            ]
        if isinstance(layer, _WHOLE) and target:
            if solid.neurons and target.neurons:
                return [
                    polyline((right, y - solid.high + a), (end[0], end[1] - target.high + b),
                             style="rule")
                    for a in solid.neurons for b in target.neurons
                ]  # fmt: skip
            upper = (right + solid.deep, y - solid.deep - solid.high)
            above_end = (end[0], end[1] - target.high)
            return [
                polyline(upper, above_end, style="ray"),
                polyline((right, y), end, style="ray"),
            ]
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


_SHARES = {"start": 0.0, "middle": 0.5, "end": 1.0}
"""What of a text lies to the left of its place, by its anchor."""


def _arrow(x: float, end: float, y: float) -> list[Mark]:
    """An arrow to the right."""
    return [polyline((x, y), (end - 6, y)), ArrowHead(end, y, "right")]


def _cuboid(solid: Solid, at: Point, family: str) -> list[Mark]:
    """A box whose front has its lower left corner at a point; a column of neurons for a vector."""
    x, y = at
    thick, high, deep = solid.thick, solid.high, solid.deep
    top = y - high
    if solid.neurons:
        middle, dots = x + thick / 2, top + solid.rest
        found = [
            _circle(middle, top + place, thick / 2, f"{family}-side") for place in solid.neurons
        ]
        if solid.rest:
            found += [
                _circle(middle, dots + step * thick / 2.4, thick / 8, f"{family}-solid")
                for step in (-1, 0, 1)
            ]
        return found
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


def _circle(x: float, y: float, radius: float, style: str) -> Mark:
    return Rect(x - radius, y - radius, 2 * radius, 2 * radius, style, radius)
