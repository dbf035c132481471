"""The view `sliding`: the window of a layer on grids of numbers, and the values that it makes.

As the figures of Dumoulin and Visin, "A guide to convolution arithmetic for deep learning" (2016),
for a layer of a net: the input with its padding dashed, on it the window with small weights
beside the values, and the output. `cnndsl.figures.sliding` works out every number; how it does
stands below.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from cnndsl.contract import OptionError
from cnndsl.diagnostics.message import Message
from cnndsl.diagnostics.spelling import near_word
from cnndsl.figures.boxes import Box
from cnndsl.figures.sliding import Grid, Made, Sliding, has_windows
from cnndsl.lang import Words
from cnndsl.layers.conv import SeparableConv, TransposedConv
from cnndsl.layers.pool import AveragePool, MaxPool, MinPool, Pool
from cnndsl.layers.source import call_of
from cnndsl.network import Network, Node
from cnndsl.targets.svg.picture import SIZES, Digits, Mark, Picture, Rect, Text, moved, polyline
from cnndsl.targets.svg.text import cut, width, wrap

_MARGIN, _GAP, _LINE = 16.0, 22.0, 15.0
_LARGE, _SMALL = 23.0, 16.0
"""How long the side of a place is, and how short it may be."""
_FRAME = 333.0
"""How wide a frame is at least, for the sum below it."""
_MOST_TERMS, _MOST_NAMED, _MOST_TOLD = 25, 6, 12
"""How many terms of a sum are shown, layers named in a message, windows told of in words."""


def layer_of(network: Network, name: str | None) -> Node:
    """The layer of a name, or else the first that has windows. Raises OptionError."""
    known = [node for node in network.layers if has_windows(node.layer)]
    if not known:
        raise OptionError(Message("no layer of {net} has a window that slides", net=network.name))
    if name is None:
        return known[0]
    node = next((node for node in network.nodes if name in (node.name, node.alias)), None)
    if node is None:
        near = near_word(name, [node.name for node in known]) or known[0].name
        message = Message(
            "there is no layer `{name}`; did you mean `{near}`?", name=name[:60], near=near
        )
        raise OptionError(message)
    if node not in known:
        names = ", ".join([each.name for each in known[:_MOST_NAMED]])
        names += ", …" if len(known) > _MOST_NAMED else ""
        message = Message(
            "`{name}` has no window that slides; {names} have", name=name, names=names
        )
        raise OptionError(message)
    return node


def draw(
    network: Network,
    boxes: tuple[Box, ...],
    depth: int | None,
    room: float,
    words: Words,
    layer: str | None,
    frame: int | None,
    animate: bool,
) -> Picture:
    """The picture of a layer's window: at one place, at all in turn, or where it tells the rule.

    Raises OptionError for a layer or a frame that there is not.
    """
    if frame is not None and animate:
        raise OptionError(
            Message("`{one}` and `{other}` contradict each other", one="frame", other="animate")
        )
    return Frames(network, layer, room, words).picture(frame, animate)


class _Block(NamedTuple):
    """A label, and below it the grid of a slice of the input or of a channel of the output."""

    label: str
    wide: float = 0
    tall: float = 0
    key: Grid | int | None = None


class Frames:
    """The frames of a layer, `width` wide, with what all of them have in common.

    Raises OptionError where its windows are too large to be drawn.
    """

    def __init__(self, network: Network, name: str | None, room: float, words: Words) -> None:
        self.node, self.words = layer_of(network, name), words
        self.layer, self.room = self.node.layer, room - 2 * _MARGIN
        try:
            self.slides = Sliding(self.layer, int(self.room // _SMALL))
        except ValueError:
            message = Message(
                "the windows of `{name}`, {call}, are too large for a figure {width} pixels wide: "
                "make it wider or take another layer",
                name=self.node.name,
                call=call_of(self.layer),
                width=int(room),
            )
            raise OptionError(message) from None
        self.made, (_, self.rows, self.columns) = self.slides.made, self.slides.axes
        self.side = max(_SMALL, min(_LARGE, self.room // len(self.columns.places)))
        values = (width(str(made.value), SIZES["label"]) + 4 for made in self.made)
        self.wide = max(self.side, *values)
        """How wide a place of the output is."""
        self.notes = [*self.remarks()]
        self.still: list[Mark] = []
        self.places: dict[Grid | int, tuple[float, float]] = {}
        self.size = self.lay_out()

    def remarks(self) -> Iterator[str]:
        """What has to be said of the layer, in sentences."""
        words, layer, slides = self.words, self.layer, self.slides
        axes = slides.axes[3 - len(layer.spatial) :]
        drawn = tuple((axis.size - 1) // axis.spread + 1 for axis in axes)
        if drawn != layer.spatial:
            key = "slide.cut" if getattr(layer, "to", None) is None else "slide.first"
            yield words.say(key, whole=_times(layer.spatial), drawn=_times(drawn))
        if isinstance(layer, TransposedConv):
            zeros = [axis.spread - 1 for axis in axes]
            zeros = zeros if len({*zeros}) > 1 else zeros[:1]
            yield words.say("slide.transposed", zeros=_times(zeros))
        elif any(len(axis.places) > axis.size for axis in axes):
            yield words["slide.padding"]
        facts = {
            "slide.depth": len(axes) == 3,
            "slide.separable": isinstance(layer, SeparableConv),
            "slide.zeros": len({grid.channel for grid in slides.grids}) < layer.channels,
            "slide.before": "bias" in [weight.role for weight in layer.weights]
            or layer.activation is not None,
        }
        yield from (words[key] for key, holds in facts.items() if holds)

    def picture(self, frame: int | None, animated: bool) -> Picture:
        """One frame, all in turn, or else those that show the rule; the first is frame 1.

        Raises OptionError for a frame that there is not.
        """
        count = len(self.made)
        if frame is not None and frame > count:
            message = Message(
                "frame must be from 1 to {count}, not {frame}", count=count, frame=frame
            )
            raise OptionError(message)
        # The first window, a step to the right, one down and the last; a second channel's first.
        across, down = len(self.columns.windows), len(self.rows.windows)
        rule = {0, min(1, across - 1), across * min(1, down - 1), across * down - 1}
        rule.add(count - across * down)
        shown = [*range(count)] if animated else [frame - 1] if frame else sorted(rule)
        each = min(self.room, max(self.size[0], _FRAME))
        columns = max(1, min(int((self.room + _GAP) // (each + _GAP)), len(shown)))
        columns, step = 1 if animated else columns, each + _GAP
        frames = [self.frame(self.made[number], number, each) for number in shown]
        high = max(high for _, high in frames) + _GAP
        room = columns * step - _GAP
        marks, top = self.heading(room)
        rows = [0] * count if animated else [place // columns for place in range(len(shown))]
        drawn = []
        for place, (row, (moment, _)) in enumerate(zip(rows, frames)):
            x, y = _MARGIN + place % columns * step, top + row * high
            marks += moved(self.still, x, y) if not (animated and place) else []
            drawn.append(moved(moment, x, y))
        told = [self.told(self.made[number], number) for number in shown[:_MOST_TOLD]]
        text = " ".join((*self.notes, *told))
        size = room + 2 * _MARGIN, top + (rows[-1] + 1) * high - _GAP + _MARGIN
        if animated:
            return Picture(*size, marks, text, drawn)
        return Picture(*size, [*marks, *(mark for moment in drawn for mark in moment)], text)

    def heading(self, room: float) -> tuple[list[Mark], float]:
        """The layer, its shapes and what is said of it, and where that ends."""
        layer, note = self.layer, SIZES["note"]
        title = f"{self.node.name} · {call_of(layer)}"
        shown = cut(title, SIZES["title"], room, bold=True)
        marks: list[Mark] = [
            Text(_MARGIN, _MARGIN + 11, shown, "title", "start", title if shown != title else "")
        ]
        lines = [cut(f"{_times(layer.input)} → {_times(layer.output)}", note, room)]
        lines += [line for text in self.notes for line in wrap([text], note, room)]
        y = _MARGIN + 11
        for line in lines:
            y += _LINE
            marks.append(Text(_MARGIN, y, line, "note", "start"))
        return marks, y + _GAP

    def lay_out(self) -> tuple[float, float]:
        """Put grids beside one another, in as many rows as they need; how large all of it is."""
        note = SIZES["note"]
        seen = dict.fromkeys(grid.channel for grid in self.slides.grids)
        size = len(self.columns.places) * self.side, len(self.rows.places) * self.side
        ins: list[list[_Block]] = [
            [_Block(self.label("figure.input", grid.channel, grid), *size, grid)]
            for grid in self.slides.grids
        ]
        size = len(self.columns.windows) * self.wide, len(self.rows.windows) * self.side
        outs = [
            _Block(self.label("figure.output", channel), *size, channel)
            for channel in self.slides.outputs
        ]
        more_in, more_out = (
            [_Block(self.words["figure.more"].format(number=f"{count:,}"))] if count else []
            for count in (self.layer.channels - len(seen), self.layer.output[-1] - len(outs))
        )
        x = y = high = widest = 0.0
        stacks = [*filter(None, (*ins, more_in, [_Block("→")], [*outs, *more_out]))]
        while stacks:
            stack = stacks.pop(0)
            taken = max(max(block.wide, width(block.label, note)) for block in stack)
            if x and x + taken > self.room:
                x, y, high = 0.0, y + high, 0.0
                if len(stack) > 1:  # there is room beside one another
                    stacks[:0] = [[block] for block in stack]
                    continue
            at = y + _LINE + 8
            for label, _, tall, key in stack:
                self.still.append(Text(x, at + 11, cut(label, note, self.room), "note", "start"))
                if key is not None:
                    self.places[key] = x, at + 17
                    self.still += self.grid(key, x, at + 17)
                at += tall + (12 if key is None else 26)
            high, widest = max(high, at - y - _LINE), max(widest, x + taken)
            x += taken + 10
        return widest, y + high + _LINE

    def label(self, key: str, channel: int, grid: Grid | None = None) -> str:
        """What stands over a grid: which slice or channel it is, where there are several."""
        shape = self.layer.output if grid is None else self.layer.input
        said = [self.words[key]]
        if shape[-1] > 1:
            said.append(self.words.say("slide.channel", number=f"{channel + 1:,}"))
        if grid is not None and len(shape) == 4:
            said.append(self.words.say("slide.slice", number=f"{grid.tap + 1}"))
        return ", ".join(said)

    def grid(self, key: Grid | int, x: float, y: float) -> list[Mark]:
        """A slice of the input, or a channel of the output, with its numbers."""
        side, rows, columns = self.side, self.rows, self.columns
        digits: dict[str, list[tuple[float, float, str]]] = {}
        if isinstance(key, int):
            marks = _lattice(x, y, len(rows.windows), len(columns.windows), side, self.wide, "pool")
            for made in self.made:
                if made.channel == key:
                    at = x + (made.column + 0.5) * self.wide, y + (made.row + 0.5) * side + 4
                    digits.setdefault("label", []).append((*at, str(made.value)))
        else:
            marks = _lattice(x, y, len(rows.places), len(columns.places), side, side, "hull")
            pixels = self.slides.is_pixel(key.depth, 0, 0)
            for row, high in _runs(range(0, rows.size if pixels else 0, rows.spread)):
                for column, wide in _runs(range(0, columns.size, columns.spread)):
                    corner = self.corner(row, column, x, y)
                    marks += _lattice(*corner, high, wide, side, side, "conv")
            for row in rows.places:
                for column in columns.places:
                    value = self.slides.value(key, row, column)
                    if value is not None:
                        style = "label" if self.slides.is_pixel(key.depth, row, column) else "note"
                        at = self.number_at(row, column, x, y)
                        digits.setdefault(style, []).append((*at, str(value)))
        return [*marks, *(Digits(tuple(found), style) for style, found in digits.items())]

    def corner(self, row: int, column: int, x: float, y: float) -> tuple[float, float]:
        """The upper left corner of a place of the input."""
        return (
            x + (column + self.columns.begin) * self.side,
            y + (row + self.rows.begin) * self.side,
        )

    def number_at(self, row: int, column: int, x: float, y: float) -> tuple[float, float]:
        """Where the number of a place stands: to the left of its weight, if it has one."""
        left, top = self.corner(row, column, x, y)
        half = self.side / 2
        return left + half - (0 if isinstance(self.layer, Pool) else 3), top + half + 4

    def frame(self, made: Made, number: int, room: float) -> tuple[list[Mark], float]:
        """What a frame shows over the grids, and its height."""
        side, told = self.side, self.numbered(number)
        marks: list[Mark] = [Text(0, 11, told, "name", "start")]
        rows, columns = self.rows.windows[made.row], self.columns.windows[made.column]
        for part in made.parts:
            place = self.places[part.grid]
            for row, high in _runs(rows):
                for column, wide in _runs(columns):
                    corner = self.corner(row, column, *place)
                    marks.append(Rect(*corner, wide * side, high * side, "track", 0))
            size = (columns[-1] - columns[0] + 1) * side, (rows[-1] - rows[0] + 1) * side
            marks.append(Rect(*self.corner(rows[0], columns[0], *place), *size, "aim", 0))
            if not isinstance(self.layer, Pool):
                places = (self.number_at(tap.row, tap.column, *place) for tap in part.taps)
                weights = [str(tap.weight) for tap in part.taps]
                subs = tuple((x + 7.5, y + 3, text) for (x, y), text in zip(places, weights))
                marks.append(Digits(subs, "sub"))
        x, y = self.places[made.channel]
        corner = x + made.column * self.wide, y + made.row * side
        marks += [Rect(*corner, self.wide, side, style, 0) for style in ("track", "aim")]
        y = self.size[1] + 4
        for line in (
            each for text in self.sums(made) for each in wrap([text], SIZES["name"], room)
        ):
            y += _LINE
            marks.append(Text(0, y, line, "name", "start"))
        return marks, y + 4

    def numbered(self, number: int) -> str:
        numbers = {"number": f"{number + 1}", "total": f"{len(self.made)}"}
        return self.words.say("slide.window", **numbers)

    def told(self, made: Made, number: int) -> str:
        """A frame in words."""
        return f"{self.numbered(number)}: {'; '.join(self.sums(made))}."

    def sums(self, made: Made) -> list[str]:
        """How a value comes about: a line for each grid, and one for what comes of them all."""
        pool, separable = isinstance(self.layer, Pool), isinstance(self.layer, SeparableConv)
        lines: list[tuple[str, object]] = []
        for part in made.parts:
            terms = (str(tap.value) if pool else f"{tap.value}·{tap.weight}" for tap in part.taps)
            lines.append((self.joined([*terms]), part.result))
        whole = ""
        if separable or len(lines) > 1:
            results = (f"{part.result}" + f"·{part.weight}" * separable for part in made.parts)
            whole = self.joined([*results])
        elif isinstance(self.layer, AveragePool):
            whole = lines.pop()[0]
        if isinstance(self.layer, AveragePool):
            whole = f"({whole}) / {made.count}"
        lines += [(whole, made.value)] if whole else []
        return [f"{text} = {value}" for text, value in lines]

    def joined(self, terms: Sequence[str]) -> str:
        """Terms with what is done to them: their sum, the largest or the smallest of them."""
        if len(terms) > _MOST_TERMS:
            terms = [*terms[: _MOST_TERMS // 2], "…", terms[-1]]
        if isinstance(self.layer, (MaxPool, MinPool)):
            return f"{'max' if isinstance(self.layer, MaxPool) else 'min'}({', '.join(terms)})"
        return " + ".join(terms)


def _times(sizes: Sequence[int]) -> str:
    return "×".join(map(str, sizes))


def _runs(places: range) -> list[tuple[int, int]]:
    """Where places begin that follow one another without a gap, and how many they are."""
    alone = [(place, 1) for place in places]
    return [(places[0], len(places))] if places.step == 1 and alone else alone


def _lattice(
    x: float, y: float, rows: int, columns: int, high: float, wide: float, style: str
) -> list[Mark]:
    """Rows of places, all `high` and `wide`."""
    right, bottom = x + columns * wide, y + rows * high
    line = "hull" if style == "hull" else f"{style}-line"
    across = (y + row * high for row in range(1, rows))
    down = (x + column * wide for column in range(1, columns))
    return [
        Rect(x, y, right - x, bottom - y, style, 0),
        *(polyline((x, at), (right, at), style=line) for at in across),
        *(polyline((at, y), (at, bottom), style=line) for at in down),
    ]
