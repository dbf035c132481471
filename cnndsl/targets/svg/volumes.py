"""The view `volumes`: feature maps as boxes in oblique projection, one after another.

A box is as high as the map, as deep (away from the reader) as the map is wide, and as thick
(from left to right) as it has channels. Sizes are drawn by their square roots, as those of one
net go from 1 to thousands: twice as long in the figure is four times as large. What is
compared is drawn to one scale: all heights and widths, all channels, all vectors.

A vector is a bar. A signal has no width. The box of a volume has its three dimensions, and
the channels are a strip below it.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt
from typing import Any, NamedTuple

from cnndsl.figures.boxes import Box, choose_depth, noted, opens, shape_text, titled
from cnndsl.lang import Words
from cnndsl.layers import Shape
from cnndsl.layers.conv import TransposedConv
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
_GAP = 40.0
_SLANT = 0.42
"""How far a pixel of width goes to the right and up."""
_STUB = 26.0
"""What the way on to the next row takes at the end of a row."""


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


def maps_of(boxes: Sequence[Box], depth: int, level: int = 0) -> list[FeatureMap]:
    """The maps of a figure of some depth: a merge with its paths is one step."""
    found: list[FeatureMap] = []
    for box in boxes:
        if box.kind == "block" and box.times == 1 and opens(box, depth, level):
            inner = maps_of(box.inner, depth, level + 1)
            if len(inner) > 1:  # else the block's own name says more
                found += inner
                continue
        sources = set(box.sources)
        if box.kind == "merge":
            while found and found[-1].box.start >= box.opening:
                step = found.pop()
                sources |= {step.source, *step.others}
            sources = {index for index in sources if index < box.opening}
        source = max(sources, default=-1)
        others = tuple(sorted(sources - {source, -1}))
        found.append(FeatureMap(box, source, others, box.last))
    return found


def draw(
    network: Network, boxes: tuple[Box, ...], depth: int | None, room: float, words: Words
) -> Picture:
    """The picture of a net's feature maps, in rows that are `room` wide at most."""
    chosen = choose_depth(
        boxes, depth, MOST, BOUND, lambda boxes, depth: len(maps_of(boxes, depth))
    )
    steps = maps_of(boxes, chosen)
    volumes = _Volumes(network, steps, room, words)
    marks: list[Mark] = []
    y, wide = _MARGIN, 0.0
    for row in volumes.rows():
        drawn, size = volumes.draw_row(row)
        marks += moved(drawn, _MARGIN, y)
        y += size[1] + 24
        wide = max(wide, size[0])
    return Picture(wide + 2 * _MARGIN, y - 24 + _MARGIN, marks)


class Solid(NamedTuple):
    """A box as it is seen: `thick` to the right, `high`, and `deep` to the right and up."""

    thick: float
    high: float
    deep: float
    strip: float = 0

    @property
    def size(self) -> Point:
        """Width and height of what it covers."""
        below = 9.0 if self.strip else 0.0
        return max(self.thick + self.deep, self.strip), self.high + self.deep + below


class MapColumn(NamedTuple):
    """A map in a row: how it is made, its place, and what is written above and below it."""

    step: FeatureMap
    solid: Solid
    lines: list[str]
    full: str
    below: list[tuple[str, str]]
    lead: float
    width: float
    fresh: bool


class MapRow(NamedTuple):
    """Columns, and whether the last of the row before, and this one's last, go on."""

    columns: list[MapColumn]
    continues: bool
    goes_on: FeatureMap | None


class _Volumes:
    def __init__(
        self, network: Network, steps: Sequence[FeatureMap], room: float, words: Words
    ) -> None:
        self.network, self.steps, self.words = network, steps, words
        self.room = room - 2 * _MARGIN
        self.span = 92.0 if room >= 600 else 66.0
        self.label_room = 104.0 if room >= 600 else 84.0
        shapes = [network.nodes[step.gives].output for step in steps]
        maps = [shape for shape in shapes if len(shape) > 1]
        self.most_space = max((size for shape in maps for size in shape[:-1]), default=1)
        self.most_channels = max((shape[-1] for shape in maps), default=1)
        self.most_values = max((shape[0] for shape in shapes if len(shape) == 1), default=1)
        self.names: dict[int, list[str]] = {}
        if len(network.outputs) > 1:
            for name, index in network.outputs.items():
                self.names.setdefault(index, []).append(name)
        self.told = {index for step in steps for index in step.others}
        """The maps that are spoken of elsewhere in the figure: each has its name below it."""
        before = -1
        for step in steps:
            if step.source not in (-1, before):
                self.told.add(step.source)
            before = step.gives

    def space(self, size: int) -> float:
        """How long a height, a width or a kernel is drawn."""
        return max(2.5, self.span * sqrt(size / self.most_space))

    def solid(self, shape: Shape) -> Solid:
        """How a tensor of some shape is drawn."""
        if len(shape) == 1:
            return Solid(8, max(4.0, 1.15 * self.span * sqrt(shape[0] / self.most_values)), 4)
        channels = 2 + 44 * sqrt(shape[-1] / self.most_channels)
        space = [self.space(size) for size in shape[:-1]]
        if len(space) == 1:
            return Solid(channels, space[0], 0)
        if len(space) == 2:
            return Solid(channels, space[0], space[1] * _SLANT)
        return Solid(space[0] * 0.6, space[1], space[2] * _SLANT, channels)

    def rows(self) -> list[MapRow]:
        """The maps in rows; what does not go on from the map before it begins a row."""
        paths: list[list[MapColumn]] = []
        for step in self.steps:
            if paths and paths[-1][-1].step.gives == step.source:
                paths[-1].append(self.column(step, False))
            elif step.source >= 0:
                origin = self.column(self.origin(step.source), True)
                paths.append([origin, self.column(step, False)])
            else:
                paths.append([self.column(step, True)])
        # An input that others only join is told of where they do.
        paths = [path for path in paths if len(path) > 1] or paths[:1]
        return [row for path in paths for row in self.broken(path)]

    def broken(self, path: Sequence[MapColumn]) -> list[MapRow]:
        """A path in as few rows as it needs, all about as wide."""
        count = len(_filled(path, self.room))
        room, low = self.room, max(column.width for column in path)
        while room - low > 4:
            middle = (room + low) / 2
            if len(_filled(path, middle)) == count:
                room = middle
            else:
                low = middle
        parts = _filled(path, room)
        return [
            MapRow(part, place > 0, parts[place + 1][0].step if place + 1 < count else None)
            for place, part in enumerate(parts)
        ]

    def origin(self, index: int) -> FeatureMap:
        """A map that was drawn before, as the beginning of another row."""
        for step in self.steps:
            if step.gives == index:
                return step._replace(source=-1)
        box = next(step.box for step in self.steps if index in step.box)
        return FeatureMap(box, -1, (), index)

    def column(self, step: FeatureMap, fresh: bool) -> MapColumn:
        """What is drawn and written for a step; `fresh` at the beginning of a path."""
        network = self.network
        solid = self.solid(network.nodes[step.gives].output)
        parts = self.parts(step, fresh)
        lines = wrap(parts, SIZES["name"], self.label_room)
        full = " · ".join(parts) if any(line.endswith("…") for line in lines) else ""
        shape = shape_text(network, step.gives)
        below = [(cut(shape, SIZES["note"], self.label_room), "note")]
        for note in noted(step.box, self.words) if not fresh else ():
            below.append((cut(note, SIZES["note"], self.label_room), "note"))
        for name in self.names.get(step.gives, ()):
            text = f"{self.words['figure.output']} {name}"
            below.append((cut(text, SIZES["name"], self.label_room), "name"))
        if step.gives in self.told and not fresh:
            below.append((cut(self.name(step.gives), SIZES["name"], self.label_room), "name"))
        under = max(width(text, SIZES[style]) for text, style in below)
        above = max(width(line, SIZES["name"]) for line in lines)
        wide = max(solid.size[0], under)
        lead = 0.0 if fresh else max(_GAP - (wide - solid.size[0]) / 2, 14.0)
        lead = max(lead, above + 12 - wide)
        return MapColumn(step, solid, lines, full, below, lead, lead + wide + 8, fresh)

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
        single = any(step.gives == index and step.box.kind == "layer" for step in self.steps)
        return name if single else name.partition(".")[0]

    def draw_row(self, row: MapRow) -> tuple[list[Mark], Point]:
        """The marks of a row, and its size."""
        columns = row.columns
        lines = max(len(column.lines) for column in columns)
        top = lines * _LINE + 8
        high = max(column.solid.size[1] for column in columns)
        under = top + high + _LINE
        marks: list[Mark] = []
        x, before = 0.0, None
        for place, column in enumerate(columns):
            wide = column.width - column.lead - 8
            left = x + column.lead + (wide - column.solid.size[0]) / 2
            at = (left, top + (high + column.solid.size[1]) / 2)
            if before is not None:
                marks += self.way(column.step, *before, at, column.solid)
            elif row.continues and not place:
                middle = top + high / 2
                marks += [
                    polyline((x, middle), (left - 10, middle)),
                    ArrowHead(left - 4, middle, "right"),
                ]
            marks += _cuboid(column.solid, at, column.step.box.family)
            center = left + column.solid.size[0] / 2
            text_x = x + (column.width - 8) / 2 if column.lead else center
            for number, line in enumerate(reversed(column.lines)):
                y = top - 8 - number * _LINE
                marks.append(Text(text_x, y, line, "name", full=column.full))
            for number, (text, style) in enumerate(column.below):
                marks.append(Text(center, under + number * _LINE, text, style))
            before = (at, column.solid)
            x += column.width
        if row.goes_on is not None and before is not None:
            end = (x + _STUB - 8, top + high / 2)
            marks += self.way(row.goes_on, *before, end, None)
            x += _STUB
        wide = max(x, *(_reach(mark) for mark in marks))
        return marks, (wide, under + 4 + _LINE * (max(len(c.below) for c in columns) - 1))

    def way(
        self, step: FeatureMap, start: Point, solid: Solid, end: Point, target: Solid | None
    ) -> list[Mark]:
        """How one map leads to the next: a window that looks at it, all of it, or an arrow."""
        node = self.network.nodes[step.box.start]
        x, y = start  # the lower left corner of the front
        right = x + solid.thick
        goal = end
        if target is not None:
            goal = (end[0] + min(target.thick, 8) / 2, end[1] - target.high / 2)
        layer: Any = node.layer
        slides = layer.slides and layer.kernel and not isinstance(layer, TransposedConv)
        if step.box.kind == "layer" and slides:
            # The window is drawn on the map that it looks at.
            corners = self.window(layer.kernel, right, y, solid)
            rays = [polyline(corner, goal, style="ray") for corner in corners]
            return [*rays, Area(corners, "window")]
        if step.box.kind == "layer" and isinstance(layer, _WHOLE):
            above, beneath = (goal, goal)
            if target is not None:
                above, beneath = (end[0], end[1] - target.high), end
            upper = (right + solid.deep, y - solid.deep - solid.high)
            return [polyline(upper, above, style="ray"), polyline((right, y), beneath, style="ray")]
        begin, stop, middle = right + solid.deep + 4, end[0] - 5, goal[1]
        return [polyline((begin, middle), (stop - 6, middle)), ArrowHead(stop, middle, "right")]

    def window(self, kernel: Shape, right: float, y: float, solid: Solid) -> tuple[Point, ...]:
        """The corners of a kernel on the right face of a box, a bit above its middle."""
        size = kernel[0] if len(kernel) == 1 else kernel[-2]
        high = min(self.space(size), solid.high)
        top = y - solid.high + (solid.high - high) * 0.4
        if len(kernel) == 1:
            left = right - min(5, solid.thick)
            return (right, top), (left, top), (left, top + high), (right, top + high)
        deep = min(self.space(kernel[-1]) * _SLANT, solid.deep)
        x = right + (solid.deep - deep) / 2
        top -= (solid.deep - deep) / 2
        return (x, top), (x + deep, top - deep), (x + deep, top - deep + high), (x, top + high)


def _filled(path: Sequence[MapColumn], room: float) -> list[list[MapColumn]]:
    """Columns in rows, as many in each as there is room for."""
    rows: list[list[MapColumn]] = []
    used = 0.0
    for place, column in enumerate(path):
        spare = _STUB if place + 1 < len(path) else 0.0
        if not rows or used + column.width + spare > room:
            rows.append([])
            used = 0.0
        rows[-1].append(column)
        used += column.width
    return rows


def _reach(mark: Mark) -> float:
    """How far to the right a mark goes; texts stay within their columns."""
    if isinstance(mark, Area):
        return max(x for x, _ in mark.points)
    if isinstance(mark, Text):
        return mark.x + width(mark.text, SIZES[mark.style]) / 2
    return 0.0


def _cuboid(solid: Solid, at: Point, family: str) -> list[Mark]:
    """A box whose front has its lower left corner at a point."""
    x, y = at
    thick, high, deep = solid.thick, solid.high, solid.deep
    if solid.strip:
        y -= 9
    top = y - high
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
