"""The view `sliding`: the window of a layer on grids of numbers, and the values that it makes.

As the figures of Dumoulin and Visin, "A guide to convolution arithmetic for deep learning" (2016),
for a layer of a net: the input with its padding dashed, on it the window with small weights
beside the values, and the output. `cnndsl.figures.sliding` works out every number; how it does
stands below.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product
from typing import Any, NamedTuple

from cnndsl.contract import OptionError
from cnndsl.diagnostics.message import Message
from cnndsl.diagnostics.spelling import near_word
from cnndsl.figures.boxes import times
from cnndsl.figures.collapse import label
from cnndsl.figures.sliding import REDUCE, Grid, Made, Sliding, has_windows
from cnndsl.lang import Words
from cnndsl.layers.conv import SeparableConv, TransposedConv
from cnndsl.layers.pool import AveragePool, Pool
from cnndsl.layers.source import call_of
from cnndsl.network import Network, Node
from cnndsl.targets.svg.picture import SIZES, Digits, Mark, Picture, Rect, Text, moved, polyline
from cnndsl.targets.svg.text import cut, width, wrap

_MARGIN, _GAP, _LINE, _FRAME = 16.0, 22.0, 15.0, 333.0
"""The last is how wide a frame is at least, for the sum below it."""
_LARGE, _SMALL, _LONGEST = 23.0, 16.0, 44
"""How long the side of a place is, how short it may be, and how many may stand in a row."""
_MOST_TERMS, _MOST_NAMED, _MOST_TOLD = 49, 12, 12
"""How many terms of a sum are shown, layers named in a message, windows told of in words."""


def draw(
    network: Network, boxes: object, depth: object, room: float, words: Words, **asked: Any
) -> Picture:
    """The picture of the window of a layer; takes the options `layer`, `frame` and `animate`."""
    return Frames(network, asked["layer"], room, words).picture(asked["frame"], asked["animate"])


def layer_of(network: Network, name: str | None) -> Node:
    """The layer of a name, or else the first that has windows. Raises OptionError."""
    known = [node for node in network.layers if has_windows(node.layer)]
    if not known:
        message = Message(
            "no layer of {net} has a window that slides: take another view", net=network.name
        )
        raise OptionError(message, "sliding")
    if name is None:
        return known[0]
    node = next((node for node in network.nodes if name in (node.name, node.alias)), None)
    if node in known:
        return node
    names = [node.name for node in known]
    few = ", ".join(names[:_MOST_NAMED] + ["…"] * (len(names) > _MOST_NAMED))
    about = {"name": name[:60], "names": few, "near": near_word(name, names)}
    message = Message("there is no layer `{name}`; {names} have a window that slides", **about)
    if node is not None:
        message = Message("`{name}` has no window that slides; {names} have", **about)
    elif about["near"]:
        message = Message("there is no layer `{name}`; did you mean `{near}`?", **about)
    raise OptionError(message, name)


class _Board(NamedTuple):
    """A slice of the input or a channel of the output in its place; or a label alone.

    Its places are `wide` and `high`, and that of the first row and column has its corner at x, y.
    """

    label: str
    key: Grid | int = -1
    rows: range = range(0)
    columns: range = range(0)
    wide: float = 0
    high: float = 0
    x: float = 0
    y: float = 0

    def middle(self, row: int, column: int) -> tuple[float, float]:
        """The middle of the baseline of what stands at a place."""
        x, y = column - self.columns.start + 0.5, row - self.rows.start + 0.5
        return self.x + x * self.wide, self.y + y * self.high + 4

    def rect(self, row: int, column: int, rows: int, columns: int, style: str) -> Rect:
        """Some rows and columns from a place on."""
        x, y = self.middle(row, column)
        x, y = x - self.wide / 2, y - self.high / 2 - 4
        return Rect(x, y, columns * self.wide, rows * self.high, style, 0)

    def lattice(self, row: int, column: int, rows: int, columns: int, style: str) -> list[Mark]:
        """The same, with a line between any two of them."""
        whole = self.rect(row, column, rows, columns, style)
        x, y, wide, high, *_ = whole
        line = style if style == "hull" else f"{style}-line"
        across = (y + place * self.high for place in range(1, rows))
        down = (x + place * self.wide for place in range(1, columns))
        return [
            whole,
            *(polyline((x, at), (x + wide, at), style=line) for at in across),
            *(polyline((at, y), (at, y + high), style=line) for at in down),
        ]


class Frames:
    """The frames of a layer in a figure `room` wide, and what all of them have in common.

    Raises OptionError for a layer without windows, or with such as are too large to be drawn.
    """

    def __init__(self, network: Network, name: str | None, room: float, words: Words) -> None:
        self.node, self.words = layer_of(network, name), words
        self.layer, self.room = self.node.layer, room - 2 * _MARGIN
        try:
            self.slides = Sliding(self.layer, min(int(self.room // _SMALL), _LONGEST))
        except ValueError:
            message = Message(
                "the windows of `{name}`, {call}, are too large for a figure {width} pixels wide: "
                "take another layer, or make it up to {most} wide",
                name=self.node.name,
                call=call_of(self.layer),
                width=int(room),
                most=int(_LONGEST * _SMALL + 2 * _MARGIN),
            )
            raise OptionError(message) from None
        self.made, (_, self.rows, self.columns) = self.slides.made, self.slides.axes
        self.title = " · ".join((self.node.name, *label(self.layer, words)))
        self.weighs = not isinstance(self.layer, Pool)
        self.notes = [*self.remarks()]
        self.still: list[Mark] = []
        self.boards: dict[Grid | int, _Board] = {}
        self.size = self.lay_out()

    def remarks(self) -> Iterator[str]:
        """What has to be said of the layer, in sentences."""
        layer, slides = self.layer, self.slides
        axes = slides.axes[3 - len(layer.spatial) :]
        drawn = tuple(axis.pixels for axis in axes)
        zeros = [axis.spread - 1 for axis in axes]
        values = {
            "drawn": times(drawn),
            "whole": times(layer.spatial),
            "zeros": times(zeros if len({*zeros}) > 1 else zeros[:1]),
        }
        transposed, first = isinstance(layer, TransposedConv), getattr(layer, "to", None)
        facts = {
            "slide.first" if first else "slide.cut": drawn != layer.spatial,
            "slide.transposed": transposed,
            "slide.padding": any(len(axis.places) > axis.size for axis in axes) and not transposed,
            "slide.depth": len(axes) == 3,
            "slide.separable": isinstance(layer, SeparableConv),
            "slide.zeros": slides.is_partial,
            "slide.before": layer.activation or any(w.role == "bias" for w in layer.weights),
        }
        yield from (self.words.say(key, **values) for key, holds in facts.items() if holds)

    def picture(self, frame: int | None, animated: bool) -> Picture:
        """One frame, all in turn, or else those that show the rule; the first is frame 1.

        Raises OptionError for a frame that there is not, and for one that is to be animated.
        """
        count = len(self.made)
        if frame is not None and animated:
            about = {"one": "frame", "other": "animate"}
            raise OptionError(Message("`{one}` and `{other}` contradict each other", **about))
        if frame is not None and frame > count:
            said = {"count": str(count), "frame": str(frame)}
            message = Message("frame must be from 1 to {count}, not {frame}", **said)
            raise OptionError(message, "frame")
        # The first window, a step to the right, one down and the last; a second channel's first.
        across, down = len(self.columns.windows), len(self.rows.windows)
        rule = {0, min(1, across - 1), across * min(1, down - 1), across * down - 1}
        rule.add(count - across * down)
        shown = [*range(count)] if animated else [frame - 1] if frame else sorted(rule)
        step = min(self.room, max(self.size[0], _FRAME)) + _GAP
        columns = 1 if animated else max(1, min(int((self.room + _GAP) // step), len(shown)))
        marks, top = self.heading(columns * step - _GAP)
        frames = [self.frame(number, step - _GAP) for number in shown]
        high = max(high for _, high in frames) + _GAP
        moments = []
        for place, (moment, _) in enumerate(frames):
            row = 0 if animated else place // columns
            x, y = _MARGIN + place % columns * step, top + row * high
            marks += moved(self.still, x, y) if not (animated and place) else []
            if animated:
                moments.append(moved(moment, x, y))
            else:
                marks += moved(moment, x, y)
        told = [
            f"{self.numbered(each)}: {'; '.join(self.sums(self.made[each]))}." for each in shown
        ]
        text = " ".join((f"{self.title}.", *self.notes, *told[:_MOST_TOLD]))
        size = columns * step - _GAP + 2 * _MARGIN, y + high - _GAP + _MARGIN
        return Picture(*size, marks, text, moments)

    def heading(self, room: float) -> tuple[list[Mark], float]:
        """The layer, its shapes and what is said of it, and where that ends."""
        title, note = self.title, SIZES["note"]
        shown = cut(title, SIZES["title"], room, bold=True)
        full = title if shown != title else ""
        shapes = f"{times(self.layer.input)} → {times(self.layer.output)}"
        lines = [line for text in (shapes, *self.notes) for line in wrap([text], note, room)]
        base = _MARGIN + 11
        marks: list[Mark] = [Text(_MARGIN, base, shown, "title", "start", full)]
        for place, line in enumerate(lines, 1):
            marks.append(Text(_MARGIN, base + place * _LINE, line, "note", "start"))
        return marks, base + len(lines) * _LINE + _GAP

    def lay_out(self) -> tuple[float, float]:
        """Put grids beside one another, in as many rows as they need; how large all of it is."""
        note, layer = SIZES["note"], self.layer
        side = max(_SMALL, min(_LARGE, self.room // len(self.columns.places)))
        wide = max(side, *(width(str(made.value), SIZES["label"]) + 4 for made in self.made))
        places = self.rows.places, self.columns.places
        ins = [
            _Board(self.label("figure.input", grid.channel, grid), grid, *places, side, side)
            for grid in self.slides.grids
        ]
        ins += self.more(layer.channels - self.slides.channels)
        # More than two slices are beside one another.
        stacks = [[board] for board in ins] if len(self.slides.grids) > 2 else [ins]
        places = range(len(self.rows.windows)), range(len(self.columns.windows))
        outputs = self.slides.outputs
        outs = [_Board(self.label("figure.output", at), at, *places, wide, side) for at in outputs]
        stacks += [[_Board("→")], outs + self.more(layer.output[-1] - len(outputs))]
        x = y = high = widest = 0.0
        while stacks:
            stack = stacks.pop(0)
            wides = [max(len(b.columns) * b.wide, width(b.label, note)) for b in stack]
            if x and x + max(wides) > self.room:
                x, y, high = 0.0, y + high, 0.0
                if len(stack) > 1:  # there is room beside one another
                    stacks[:0] = [[board] for board in stack]
                    continue
            at = y + _LINE + 8
            for board in stack:
                text = cut(board.label, note, self.room)
                self.still.append(Text(x, at + 11, text, "note", "start"))
                if board.rows:
                    self.boards[board.key] = board._replace(x=x, y=at + 17)
                    self.still += self.grid(self.boards[board.key])
                at += len(board.rows) * side + (26 if board.rows else 12)
            high, widest = max(high, at - y - _LINE), max(widest, x + max(wides))
            x += max(wides) + 10
        return widest, y + high + _LINE

    def more(self, count: int) -> list[_Board]:
        """What stands for channels that are not drawn."""
        text = self.words["figure.more"].format(number=f"{count:,}")
        return [_Board(text)] if count else []

    def label(self, key: str, channel: int, grid: Grid | None = None) -> str:
        """What stands over a grid: which slice or channel it is, where there are several."""
        shape = self.layer.output if grid is None else self.layer.input
        said = [self.words[key]]
        if shape[-1] > 1:
            said.append(self.words.say("slide.channel", number=f"{channel + 1:,}"))
        if grid is not None and len(shape) == 4:
            said.append(self.words.say("slide.slice", number=f"{grid.tap + 1}"))
        return ", ".join(said)

    def grid(self, board: _Board) -> list[Mark]:
        """A slice of the input, or a channel of the output, with its numbers."""
        key, whole = board.key, (len(board.rows), len(board.columns))
        if isinstance(key, int):
            own = (made for made in self.made if made.channel == key)
            values = ((*board.middle(made.row, made.column), str(made.value)) for made in own)
            return [*board.lattice(0, 0, *whole, "pool"), Digits(tuple(values))]
        digits: dict[str, list[tuple[float, float, str]]] = {"label": [], "note": []}
        depth = self.slides.is_pixel(key.depth, 0, 0)
        pixels = [range(0, axis.size, axis.spread) for axis in (self.rows, self.columns) if depth]
        marks: list[Mark] = []
        if pixels != [board.rows, board.columns]:
            marks = board.lattice(board.rows.start, board.columns.start, *whole, "hull")
        for (row, rows), (column, columns) in product(*map(_runs, pixels)) if depth else ():
            marks += board.lattice(row, column, rows, columns, "conv")
        for row, column in product(board.rows, board.columns):
            value = self.slides.value(key, row, column)
            if value is not None:
                x, y = board.middle(row, column)
                style = "label" if self.slides.is_pixel(key.depth, row, column) else "note"
                digits[style].append((x - 2 * self.weighs, y, str(value)))
        return [*marks, *(Digits(tuple(each), style) for style, each in digits.items() if each)]

    def frame(self, number: int, room: float) -> tuple[list[Mark], float]:
        """What a frame shows over the grids, and its height."""
        made = self.made[number]
        marks: list[Mark] = [Text(0, 11, self.numbered(number), "name", "start")]
        rows, columns = self.rows.windows[made.row], self.columns.windows[made.column]
        span = rows[-1] - rows[0] + 1, columns[-1] - columns[0] + 1
        for part in made.parts:
            board = self.boards[part.grid]
            seen = product(_runs(rows), _runs(columns))
            marks += [board.rect(row, column, a, b, "track") for (row, a), (column, b) in seen]
            marks.append(board.rect(rows[0], columns[0], *span, "aim"))
            if self.weighs:
                places = ((*board.middle(tap.row, tap.column), tap.weight) for tap in part.taps)
                marks.append(Digits(tuple((x + 5, y + 3, str(w)) for x, y, w in places), "sub"))
        board = self.boards[made.channel]
        marks += [board.rect(made.row, made.column, 1, 1, style) for style in ("track", "aim")]
        lines = [line for text in self.sums(made) for line in wrap([text], SIZES["name"], room)]
        for place, line in enumerate(lines, 1):
            marks.append(Text(0, self.size[1] + 4 + place * _LINE, line, "name", "start"))
        return marks, self.size[1] + len(lines) * _LINE + 8

    def numbered(self, number: int) -> str:
        """Which of all windows a frame shows."""
        return self.words.say("slide.window", number=f"{number + 1}", total=f"{len(self.made)}")

    def sums(self, made: Made) -> list[str]:
        """How a value comes about: a line for each grid, and one for what comes of them all."""
        separable, averages = (isinstance(self.layer, k) for k in (SeparableConv, AveragePool))
        lines: list[tuple[str, object]] = []
        for part in made.parts:
            terms = [f"{t.value}·{t.weight}" if self.weighs else str(t.value) for t in part.taps]
            lines.append((self.joined(terms), part.result))
        if separable or len(lines) > 1:
            terms = [f"{p.result}·{p.weight}" if separable else str(p.result) for p in made.parts]
            lines.append((self.joined(terms), made.value))
        if averages:
            lines[-1] = f"({lines[-1][0]}) / {made.divisor}", made.value
        return [f"{text} = {value}" for text, value in lines]

    def joined(self, terms: Sequence[str]) -> str:
        """Terms with what is done to them: their sum, the largest or the smallest of them."""
        if len(terms) > _MOST_TERMS:
            terms = [*terms[: _MOST_TERMS // 2], "…", terms[-1]]
        reduce = REDUCE.get(type(self.layer))
        return f"{reduce.__name__}({', '.join(terms)})" if reduce else " + ".join(terms)


def _runs(places: range) -> list[tuple[int, int]]:
    """Where places begin that follow one another without a gap, and how many they are."""
    alone = [(place, 1) for place in places]
    return [(places[0], len(places))] if places.step == 1 and alone else alone
