"""The view `graph`: the dataflow from top to bottom, blocks and loops as frames."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from cnndsl.figures import layered
from cnndsl.figures.boxes import (
    Box,
    below,
    choose_depth,
    count_boxes,
    noted,
    opens,
    outputs_in,
    producer,
    shape_text,
)
from cnndsl.lang import Words
from cnndsl.network import Network
from cnndsl.targets.svg.picture import (
    SIZES,
    ArrowHead,
    Mark,
    Picture,
    Point,
    Rect,
    Stroke,
    Text,
    moved,
    polyline,
)
from cnndsl.targets.svg.text import cut, width, wrap

MOST, BOUND = 40, 200
"""How many boxes are drawn where no depth is given, and with any."""

_MARGIN = 16.0
_PAD = 10.0
_LINE = 15.0
_ROOMS = (210.0, 170.0, 140.0, 116.0, 96.0, 80.0, 66.0)
"""How wide the text in a box may be: the first with which the figure is narrow enough."""


class Sketch(NamedTuple):
    """Marks about an origin of their own, and where edges come in (by source) and leave."""

    width: float
    height: float
    marks: list[Mark]
    inlets: Mapping[int, float] = {}
    outlet: float = 0


def draw(
    network: Network, boxes: tuple[Box, ...], depth: int | None, room: float, words: Words
) -> Picture:
    """The picture of a graph that is `room` wide at most, if its text can be that narrow."""
    chosen = choose_depth(boxes, depth, MOST, BOUND)
    sketch = _fitted(network, boxes, chosen, room - 2 * _MARGIN, words)
    while depth is None and chosen > 1 and sketch.width > room - 2 * _MARGIN:
        chosen -= 1
        sketch = _fitted(network, boxes, chosen, room - 2 * _MARGIN, words)
    return Picture(
        sketch.width + 2 * _MARGIN,
        sketch.height + 2 * _MARGIN,
        moved(sketch.marks, _MARGIN, _MARGIN),
    )


def _fitted(
    network: Network, boxes: tuple[Box, ...], depth: int, room: float, words: Words
) -> Sketch:
    """The widest sketch that fits, or else the narrowest."""
    many = count_boxes(boxes, depth) > MOST  # where it is not worth the time to try so finely
    sketch = None
    for text in _ROOMS:
        for even in (True, False):
            sketch = _Graph(network, depth, text, even, words).scope(boxes, 0, 0, None)
            if sketch.width <= room:
                return sketch
            if many:
                break
    assert sketch is not None
    return sketch


class _Graph:
    """Draws boxes, with text `room` wide in boxes that are `even`, as wide as each other."""

    def __init__(self, network: Network, depth: int, room: float, even: bool, words: Words) -> None:
        self.network, self.depth, self.words = network, depth, words
        self.room, self.even = room, even

    def scope(self, boxes: Sequence[Box], level: int, further: int, frame: Box | None) -> Sketch:
        """Boxes with the edges between them; in a frame from its upper to its lower rim."""
        # What comes from far away comes in a lane on the right.
        sources = sorted(frame.sources, reverse=True) if frame else []
        drawn = [Sketch(0, 0, []) for _ in sources]
        port = {index: place for place, index in enumerate(sources)}
        edges: list[layered.Edge] = []

        def feed(index: int, target: int) -> None:
            at = producer(boxes, index)
            source = port[index] if at < 0 else at + len(sources)
            edges.append(layered.Edge(source, target, index))

        for box in boxes:
            for index in box.sources:
                feed(index, len(drawn))
            if opens(box, self.depth, level):
                drawn.append(self.frame(box, level, further))
            else:
                drawn.append(self.closed(box, further))
        if self.even:
            drawn = _evened(drawn)
        bottom = []
        if frame is None:
            for name, index in outputs_in(self.network, boxes):
                feed(index, len(drawn))
                drawn.append(self.pill(self.words["figure.output"], name))
        else:
            bottom = [len(drawn)]
            feed(frame.gives, len(drawn))
            drawn.append(Sketch(0, 0, []))
        nodes = [
            layered.Vertex(each.width, each.height, each.inlets, each.outlet) for each in drawn
        ]
        found = layered.place(nodes, edges, range(len(sources)), bottom)

        marks: list[Mark] = [Stroke(_route(route)) for route in found.routes]
        for edge, route in zip(edges, found.routes):
            # The rims of a frame are no ends.
            if edge.target not in bottom and not drawn[edge.target].inlets:
                marks.append(ArrowHead(*route[-1]))
        for each, (x, y) in zip(drawn, found.places):
            marks += moved(each.marks, x - each.width / 2, y)
        inlets = {index: found.places[place][0] for index, place in port.items()}
        outlet = found.places[-1][0] if bottom else 0.0
        return Sketch(found.width, found.height, marks, inlets, outlet)

    def frame(self, box: Box, level: int, further: int) -> Sketch:
        """A block or a loop with what is inside."""
        on = further + box.size * (box.times - 1)
        inner = self.scope(box.inner, below(box, level), on, box)
        title = " ".join(box.parts)
        times = f"×{box.times}" if box.times > 1 else ""
        room = 240 - width(f" {times}", SIZES["title"], bold=True)
        name = cut(title, SIZES["title"], room, bold=True)
        shown = f"{name} {times}".strip()
        head = width(shown, SIZES["title"], bold=True)
        # Edges come in to the right of the title.
        first = min(inner.inlets.values(), default=inner.width / 2)
        left = max(14.0, head + 18 - first) if shown else 14.0
        above = 10.0 if shown else 0.0
        size = (left + inner.width + 14, inner.height + above)
        marks: list[Mark] = [Rect(0, 0, *size, "hull", 8)]
        if shown:
            full = title if name != title else ""
            marks.append(Text(10, 17, shown, "title", "start", full))
        lead = [polyline((x + left, 0), (x + left, above)) for x in inner.inlets.values()]
        middle = size[0] / 2
        return Sketch(
            *size,
            [*marks, *lead, *moved(inner.marks, left, above)],
            {index: x + left - middle for index, x in inner.inlets.items()},
            inner.outlet + left - middle,
        )

    def closed(self, box: Box, further: int) -> Sketch:
        """A closed box: what it is, how many times, and the shape that it gives."""
        if box.kind == "input":
            alias = self.network.nodes[box.start].alias
            parts: tuple[str, ...] = (self.words["figure.input"], *((alias,) if alias else ()))
        else:
            parts = box.parts
        times = f"×{box.times}" if box.times > 1 else ""
        lines = wrap(parts, SIZES["label"], self.room)
        first = box.gives if further else box.last
        shape = shape_text(self.network, first, box.last + further - first)
        small = wrap([shape.replace("×", " ×")], SIZES["small"], self.room)
        small = [line.replace(" ×", "×") for line in small if box.size]  # else no layer came of it
        notes = noted(box, self.words) if box.marks else []
        small += wrap(notes, SIZES["small"], self.room) if notes else []
        full = " · ".join(parts) if any(line.endswith("…") for line in lines) else ""
        wide = max(
            *(width(line, SIZES["label"]) for line in lines),
            *(width(line, SIZES["small"]) for line in small),
            # Beside the first line stands how many times, and as much room on its other side.
            width(lines[0], SIZES["label"]) + 2 * width(times, SIZES["title"], bold=True) - 4,
            40,
        )
        size = (wide + 2 * _PAD, _LINE * len(lines) + 14 * len(small) + 11)
        marks: list[Mark] = []
        if box.times > 1:
            marks.append(Rect(4, 4, *size, box.family))
        marks.append(Rect(0, 0, *size, box.family, 14 if box.kind == "input" else 5))
        if times:
            marks.append(Text(size[0] - 6, 17, times, "title", "end"))
        y = 4.0
        for line in lines:
            y += _LINE
            marks.append(Text(size[0] / 2, y - 2, line, "label", full=full))
        for line in small:
            y += 14
            marks.append(Text(size[0] / 2, y, line, "small"))
        return Sketch(size[0], size[1] + (4 if box.times > 1 else 0), marks)

    def pill(self, what: str, name: str) -> Sketch:
        """An output and its name."""
        text = cut(f"{what} {name}", SIZES["label"], self.room)
        full = name if text.endswith("…") else ""
        wide = width(text, SIZES["label"]) + 2 * _PAD
        mark = Text(wide / 2, 17, text, "label", full=full)
        return Sketch(wide, 26, [Rect(0, 0, wide, 26, "input", 13), mark])


def _evened(sketches: Sequence[Sketch]) -> list[Sketch]:
    """Boxes as wide as the widest of them; frames and rims stay as they are."""
    plain = [each for each in sketches if each.marks and not each.inlets]
    most = max((each.width for each in plain), default=0.0)
    return [_widened(each, most) if each.marks and not each.inlets else each for each in sketches]


def _widened(sketch: Sketch, to: float) -> Sketch:
    more = to - sketch.width
    marks: list[Mark] = []
    for mark in sketch.marks:
        if isinstance(mark, Rect):
            marks.append(mark._replace(width=mark.width + more))
        elif isinstance(mark, Text):
            more_here = more if mark.anchor == "end" else more / 2
            marks.append(mark._replace(x=mark.x + more_here))
        else:
            marks.append(mark)
    return sketch._replace(width=to, marks=marks)


def _route(points: Sequence[Point]) -> tuple[tuple[str, tuple[Point, ...]], ...]:
    """The steps of an edge; what does not turn is one line."""
    at = points[0]
    steps: list[tuple[str, tuple[Point, ...]]] = [("M", (at,))]
    for point in points[1:]:
        if abs(at[0] - point[0]) < 0.1:
            if point[1] == at[1]:
                continue
            point = (at[0], point[1])
            if steps[-1][0] == "L":
                steps.pop()
            steps.append(("L", (point,)))
        else:
            middle = (at[1] + point[1]) / 2
            steps.append(("C", ((at[0], middle), (point[0], middle), point)))
        at = point
    return tuple(steps)
