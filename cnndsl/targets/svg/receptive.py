"""The view `receptive`: what a position in the middle of each map sees of the input.

On top stands the input, if it is an image, with all windows in it. Below is a line for each
layer that sees more than the one before it, and in it a bar for each dimension: the track is
the input, the bar the window, where it lies. What a window sees of the padding beyond the input
is paler; all bars of a dimension are to one scale. Beside them stand the size of the field, the
step (how many pixels of the input lie between the windows of neighbours) and the size of the
field in per cent of the input's.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

from cnndsl.figures.boxes import Box, below, drawn, each_time, opens, times, titled
from cnndsl.lang import Words
from cnndsl.layers.base import DIMENSIONS
from cnndsl.network import Network, Node
from cnndsl.network.network import Field
from cnndsl.targets.svg.picture import SIZES, Mark, Picture, Rect, Text, polyline
from cnndsl.targets.svg.text import cut, width, wrap

MOST, BOUND = 28, 200
"""How many lines are drawn where no depth is given, and with any."""

_MARGIN = 16.0
_LINE = 24.0
_BAR = 8.0
_BEYOND = 8.0
"""The room for what lies beyond the input, on each side of the track."""
_LEAST = 0.25
"""What the track keeps of the whole room where windows reach far beyond the input: they are cut
where that is not enough."""
_WINDOWS = 132.0
"""How long the longer side of the input is drawn with the windows in it."""
_NARROW = 560.0
"""Below this width bars stand under the words."""


class FieldRow(NamedTuple):
    """A layer in the figure: what it is, and the node whose field it shows."""

    box: Box
    node: int


def lines_of(
    network: Network, boxes: Sequence[Box], depth: int, fold: bool, level: int = 0
) -> list[FieldRow]:
    """The layers at some depth that see more of the input than what they read.

    With `fold` what repeats is there once.
    """
    found: list[FieldRow] = []
    for box in boxes if fold else each_time(boxes):
        if box.times == 1 and opens(box, depth, level):
            found += lines_of(network, box.inner, depth, fold, below(box, level))
            continue
        node = network.nodes[box.last]
        before = [network.nodes[index].field for index in box.sources]
        if before and node.field.sights and _size(node.field) not in map(_size, before):
            found.append(FieldRow(box, box.last))
    return found


def _size(field: Field) -> list[tuple[int, int]]:
    """What changes where a field grows, or the step between fields does."""
    return [
        (max(high - low for low, high in zip(sight.low, sight.high)), sight.step)
        for sight in field.sights
    ]


def draw(
    network: Network,
    boxes: tuple[Box, ...],
    depth: int | None,
    room: float,
    words: Words,
    *,
    fold: bool = False,
) -> Picture:
    """The picture of a net's receptive fields, `room` wide."""
    lines, note = drawn(boxes, depth, fold, (MOST, BOUND), partial(lines_of, network), words)
    rank = max((len(network.nodes[line.node].field.sights) for line in lines), default=0)
    if not rank:
        text = cut(words["figure.no-field"], SIZES["label"], room - 2 * _MARGIN)
        full = words["figure.no-field"] if text.endswith("…") else ""
        wide = width(text, SIZES["label"]) + 2 * _MARGIN
        return Picture(wide, 48, [Text(_MARGIN, 28, text, "label", "start", full)])
    return _FieldChart(network, lines, rank, room, words).picture(note)


class _FieldChart:
    def __init__(
        self, network: Network, lines: Sequence[FieldRow], rank: int, room: float, words: Words
    ) -> None:
        self.network, self.words, self.rank = network, words, rank
        self.lines = [line for line in lines if len(network.nodes[line.node].field.sights) == rank]
        self.inputs = self.origins()
        self.room = room
        self.narrow = room < _NARROW
        size = SIZES["name"]
        fields = [times(network.nodes[line.node].receptive_field) for line in self.lines]
        steps = [self.step(network.nodes[line.node]) for line in self.lines]
        heads = [words["field"], words["figure.jump"]]
        self.field_width = max(width(text, size) for text in (*fields, heads[0])) + 14
        self.step_width = max(width(text, size) for text in (*steps, heads[1])) + 14
        shares = [self.share(line, axis) for line in self.lines for axis in range(rank)]
        self.share_width = max(width(text, size) for text in shares) + 6
        inner = room - 2 * _MARGIN
        if self.narrow:
            self.label_width = inner - self.field_width - self.step_width
            tracks = inner
        else:
            labels = [width(self.label(line), size) for line in self.lines]
            self.label_width = min(max([*labels, 60.0]) + 10, 210.0)
            tracks = inner - self.label_width - self.field_width - self.step_width
        each = tracks / rank
        self.track = max(each - self.share_width - 2 * _BEYOND - (12 if rank > 1 else 0), 16.0)
        self.pitch = each
        self.tracks = [self.placed(axis) for axis in range(rank)]

    def placed(self, axis: int) -> tuple[float, float]:
        """Where the track of a dimension begins and how long it is.

        All its bars are to one scale: where they do not fit beside the track, it is shorter.
        """
        before = after = 0.0
        for line in self.lines:
            size = self.inputs[line.node][axis]
            low, high = self.window(self.network.nodes[line.node], axis)
            before, after = max(before, -low / size), max(after, (high + 1) / size - 1)
        left = self.left(axis)
        if max(before, after) * self.track <= _BEYOND:
            return left, self.track
        room = self.track + 2 * _BEYOND
        track = max(room / (1 + before + after), room * _LEAST)
        return left - _BEYOND + (room - track) * before / (before + after), track

    def origins(self) -> dict[int, tuple[int, ...]]:
        """For each node the spatial size of the input that its field is told in."""
        sizes: dict[int, tuple[int, ...]] = {}
        for node in self.network.nodes:
            rank = len(node.field.sights)
            read = (sizes[index] for index in node.inputs if len(sizes[index]) == rank)
            sizes[node.index] = next(read, ()) if node.inputs else node.output[:-1]
        return sizes

    def picture(self, note: str) -> Picture:
        marks, above = self.windows()
        y = _MARGIN + above + 12
        marks += self.header(y)
        y += 8 + (_LINE - 6 if self.narrow else 0)
        marks.append(polyline((_MARGIN, y), (self.room - _MARGIN, y), style="rule"))
        for line in self.lines:
            marks += self.line(line, y)
            y += _LINE * (2 if self.narrow else 1)
        for text in wrap([note], SIZES["note"], self.room - 2 * _MARGIN) if note else ():
            y += 15
            marks.append(Text(_MARGIN, y, text, "note", "start"))
        return Picture(self.room, y + _MARGIN - 4, marks)

    def windows(self) -> tuple[list[Mark], float]:
        """For images: the input with all windows in it, one in another, and its height."""
        sizes = {self.inputs[line.node] for line in self.lines}
        if self.rank != 2 or len(sizes) != 1:
            return [], 0.0
        ((high, wide),) = sizes
        scale = _WINDOWS / max(high, wide)
        marks: list[Mark] = [Rect(_MARGIN, _MARGIN, wide * scale, high * scale, "track", 0)]
        seen: dict[tuple[float, ...], str] = {}
        for line in self.lines:
            node = self.network.nodes[line.node]
            (top, bottom), (left, right) = (self.window(node, axis) for axis in (0, 1))
            top, left = max(top, 0), max(left, 0)
            bottom, right = min(bottom + 1, high), min(right + 1, wide)
            frame = tuple(scale * each for each in (left, top, right - left, bottom - top))
            seen.setdefault(frame, line.box.family)
        for (x, y, width_, height), family in sorted(seen.items(), key=lambda item: -item[0][2]):
            marks.append(Rect(_MARGIN + x, _MARGIN + y, width_, height, f"{family}-line", 0))
        told = self.words["figure.windows"].format(size=times((high, wide)))
        beside = _MARGIN + _WINDOWS + 18
        lines = wrap([told], SIZES["note"], min(self.room - _MARGIN - beside, 420.0))
        middle = _MARGIN + high * scale / 2 - 15 * (len(lines) - 1) / 2 + 4
        for number, text in enumerate(lines):
            marks.append(Text(beside, middle + 15 * number, text, "note", "start"))
        return marks, max(high * scale, 15.0 * len(lines)) + 16

    def header(self, y: float) -> list[Mark]:
        words = self.words
        field = _MARGIN + self.label_width + self.field_width - 14
        step = field + self.step_width
        marks: list[Mark] = [
            Text(_MARGIN, y, words["layer"], "note", "start"),
            Text(field, y, words["field"], "note", "end"),
            Text(step, y, words["figure.jump"], "note", "end"),
        ]
        sizes = {self.inputs[line.node] for line in self.lines}
        for axis, name in enumerate(DIMENSIONS[self.rank]):
            text = words[f"figure.{name}"]
            if len(sizes) == 1:
                (size,) = sizes
                text = words["figure.pixels"].format(dimension=text, number=f"{size[axis]:,}")
            text = cut(text, SIZES["note"], self.pitch - 12)
            lower = y + (_LINE - 6 if self.narrow else 0)
            marks.append(Text(self.left(axis), lower, text, "note", "start"))
        return marks

    def left(self, axis: int) -> float:
        """Where a track begins."""
        before = 0.0 if self.narrow else self.label_width + self.field_width + self.step_width
        return _MARGIN + before + axis * self.pitch + _BEYOND + (0 if self.narrow else 4)

    def line(self, line: FieldRow, y: float) -> list[Mark]:
        node = self.network.nodes[line.node]
        base = y + 16
        text = self.label(line)
        shown = cut(text, SIZES["name"], self.label_width - 6)
        full = text if shown != text else ""
        field = _MARGIN + self.label_width + self.field_width - 14
        marks: list[Mark] = [
            Text(_MARGIN, base, shown, "name", "start", full),
            Text(field, base, times(node.receptive_field), "name", "end"),
            Text(field + self.step_width, base, self.step(node), "name", "end"),
        ]
        if self.narrow:
            base += _LINE - 4
        family = line.box.family
        solid, faint = f"{family}-solid", f"{family}-faint"
        if family == "assumed":
            solid = faint = family  # dashed, as its boxes are
        for axis, size in enumerate(self.inputs[line.node]):
            (left, track), first = self.tracks[axis], self.left(axis) - _BEYOND
            top = base - 4 - _BAR / 2
            low, high = self.window(node, axis)
            scale = track / size
            marks.append(Rect(left, top, track, _BAR, "track", 2))
            begin = max(left + low * scale, first)
            end = min(left + (high + 1) * scale, first + self.track + 2 * _BEYOND)
            if begin < left or end > left + track:
                marks.append(Rect(begin, top, end - begin, _BAR, faint, 2))
                begin, end = max(begin, left), min(end, left + track)
            marks.append(Rect(begin, top, max(end - begin, 1.5), _BAR, solid, 2))
            right = first + self.track + 2 * _BEYOND + self.share_width - 4
            marks.append(Text(right, base, self.share(line, axis), "note", "end"))
        return marks

    def share(self, line: FieldRow, axis: int) -> str:
        """The size of the field in per cent of the input's."""
        share = self.network.nodes[line.node].receptive_field[axis] / self.inputs[line.node][axis]
        return f"{share:,.0%}" if share >= 0.01 else "<1%"

    def label(self, line: FieldRow) -> str:
        box = line.box
        inside = " → ".join(inner.parts[0] for inner in box.inner if inner.parts)  # of a loop
        return titled([box.parts[0] if box.parts else inside], box.times)[0]

    def step(self, node: Node) -> str:
        """How many pixels lie between the windows of neighbours; nothing where all see all."""
        sights = node.field.sights
        if not any(sight.step for sight in sights):
            return "–"
        exact = [(*divmod(sight.step, len(sight.low)), sight) for sight in sights]
        steps = [f"{s.step}/{len(s.low)}" if rest else str(whole) for whole, rest, s in exact]
        return steps[0] if len(set(steps)) == 1 else "×".join(steps)

    def window(self, node: Node, axis: int) -> tuple[int, int]:
        """The first and the last pixel that the position in the middle sees."""
        sight, map_ = node.field.sights[axis], node.field.map
        size = map_[axis] if len(map_) == len(node.field.sights) else 1
        turns, phase = divmod((size - 1) // 2, len(sight.low))
        return sight.low[phase] + turns * sight.step, sight.high[phase] + turns * sight.step
