"""Windows of a layer at work on small numbers: what each of them reads, and the value it makes.

A layer that is too large to be drawn has pixels left out of its middle, a whole number of strides,
so that both of its ends are as they are. A transposed convolution is the convolution that it can
be read as: zeros between the pixels, the kernel turned round, a stride of 1 (Dumoulin and Visin,
"A guide to convolution arithmetic for deep learning", 2016, chapter 4).
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from itertools import product
from typing import Any, NamedTuple

from cnndsl.layers import Layer
from cnndsl.layers.conv import DepthwiseConv, SeparableConv, TransposedConv
from cnndsl.layers.pool import AveragePool, MaxPool, MinPool, Pool
from cnndsl.layers.window import Window

WIDEST, LONGEST, DEEPEST = 7, 5, 8
"""How many places and windows of a dimension look well, and how many slices may be drawn."""

_REDUCE: dict[type[Layer], Callable[..., Any]] = {MaxPool: max, MinPool: min, AveragePool: sum}


class Axis(NamedTuple):
    """A dimension as it is drawn: the places from `-begin` up to `size + end + extra`.

    * `size`: how many places the input takes, of which each `spread`-th is a pixel
    * `windows`: the places that each window looks at, in their order
    * `begin`, `end`: the padding
    * `extra`: what windows hang over behind it, by rounding up
    """

    size: int = 1
    windows: tuple[range, ...] = (range(1),)
    begin: int = 0
    end: int = 0
    extra: int = 0
    spread: int = 1

    @property
    def places(self) -> range:
        """All places, those of the padding below 0 or from `size` on."""
        return range(-self.begin, self.size + self.end + self.extra)

    @property
    def pixels(self) -> int:
        """How many pixels of the input are drawn."""
        return (self.size - 1) // self.spread + 1


class Grid(NamedTuple):
    """A slice of the input: its channel, its place along the depth, the kernel's index there."""

    channel: int
    depth: int
    tap: int


class Position(NamedTuple):
    """Where a window stands: the channel, the row and the column of the output."""

    channel: int
    row: int
    column: int


class Tap(NamedTuple):
    """A place that a window looks at, its value and the weight, which is 1 where there are none."""

    row: int
    column: int
    value: int
    weight: int


class Part(NamedTuple):
    """What a window reads of a grid, what comes of it, and the factor of a pointwise kernel."""

    grid: Grid
    taps: tuple[Tap, ...]
    result: int
    factor: int | None


class Made(NamedTuple):
    """How a value comes about: the parts, among `count` numbers in all."""

    parts: tuple[Part, ...]
    count: int
    value: Fraction


def has_windows(layer: Layer) -> bool:
    """Whether there is something to draw of a layer."""
    return layer.slides or isinstance(layer, TransposedConv)


class Sliding:
    """A layer with windows, on as much of its input as there is room for.

    * `axes`: depth, height and width; a dimension that there is not has one place
    * `grids`, `outputs`: the slices of the input, and the channels of the output, that are drawn:
      the values of all others are 0
    * `positions`: where the window stands, in order; along the depth it is at its first place

    Raises ValueError where a window is longer than `room` places.
    """

    def __init__(self, layer: Any, room: int) -> None:
        self.layer = layer
        rank = len(layer.spatial)
        rooms = (DEEPEST, room, room)[3 - rank :]
        axes = [_fitted(layer, axis, most) for axis, most in enumerate(rooms)]
        self.axes = (*(Axis() for _ in range(3 - rank)), *axes)
        # A depthwise layer has a group for each channel, and so has a pool.
        alone = isinstance(layer, (DepthwiseConv, Pool))
        groups = layer.channels if alone else getattr(layer, "groups", 1)
        self.each_sees, self.each_gives = layer.channels // groups, layer.output[-1] // groups
        second = self.each_gives if groups > 1 else 1
        self.outputs = tuple(each for each in (0, second) if each < layer.output[-1])
        depths, rows, columns = (axis.windows for axis in self.axes)
        drawn = max(1, (3 if self.each_sees <= 3 else 2) // len(depths[0]))
        starts = dict.fromkeys(self._first(output) for output in self.outputs)
        self.grids = tuple(
            Grid(first + channel, depth, tap)
            for first in starts
            for channel in range(min(drawn, self.each_sees))
            for tap, depth in enumerate(depths[0])
        )
        places = product(self.outputs, range(len(rows)), range(len(columns)))
        self.positions = tuple(Position(*place) for place in places)

    def _first(self, output: int) -> int:
        """The first channel that a channel of the output sees."""
        return output // self.each_gives * self.each_sees

    def is_pixel(self, *places: int) -> bool:
        """Whether a pixel stands at a place, and not padding or a zero between pixels."""
        return all(
            0 <= place < axis.size and not place % axis.spread
            for place, axis in zip(places, self.axes)
        )

    def value(self, grid: Grid, row: int, column: int) -> int | None:
        """The number at a place; None for padding that does not count."""
        places = (grid.depth, row, column)
        if self.is_pixel(*places):
            pixels = (place // axis.spread for place, axis in zip(places, self.axes))
            return digit(grid.channel, *pixels) % 5
        counts = getattr(self.layer, "countpad", not isinstance(self.layer, Pool))
        asked = all(place < axis.size + axis.end for place, axis in zip(places, self.axes))
        return 0 if counts and (asked or not isinstance(self.layer, Pool)) else None

    def weight(self, output: int, grid: Grid, row: int, column: int) -> int:
        """The weight with which a channel of the output sees a grid, at an index of the window."""
        if isinstance(self.layer, Pool):
            return 1
        taps = (grid.tap, row, column)
        if isinstance(self.layer, TransposedConv):  # the kernel turned round
            sizes = (len(axis.windows[0]) for axis in self.axes)
            taps = tuple(size - 1 - tap for size, tap in zip(sizes, taps))
        filter_ = 0 if isinstance(self.layer, SeparableConv) else output
        return digit(filter_ + 3, grid.channel, *taps) % 3 + 1

    def factor(self, output: int, channel: int) -> int | None:
        """The weight of a channel in the pointwise half of a separable convolution."""
        separable = isinstance(self.layer, SeparableConv)
        return digit(output, channel) % 3 + 1 if separable else None

    def made(self, position: Position) -> Made:
        """The value that a window makes, and how, before bias and activation."""
        output, (_, rows, columns) = position.channel, (axis.windows for axis in self.axes)
        reduce, first = _REDUCE.get(type(self.layer), sum), self._first(output)
        parts = []
        for grid in self.grids:
            if not first <= grid.channel < first + self.each_sees:
                continue
            taps = tuple(
                Tap(row, column, value, self.weight(output, grid, i, j))
                for i, row in enumerate(rows[position.row])
                for j, column in enumerate(columns[position.column])
                if (value := self.value(grid, row, column)) is not None
            )
            if taps:
                result = reduce(tap.value * tap.weight for tap in taps)
                parts.append(Part(grid, taps, result, self.factor(output, grid.channel)))
        count = sum(len(part.taps) for part in parts)
        value = Fraction(reduce(part.result * (part.factor or 1) for part in parts))
        value = value / count if isinstance(self.layer, AveragePool) else value
        return Made(tuple(parts), count, value)


def digit(*place: int) -> int:
    """A number below 101 for a place, always the same."""
    found = 1
    for each in place:
        found = (found + each + 1) ** 3 % 101  # which mixes: 3 and 100 have no common factor
    return found


def _fitted(layer: Any, dimension: int, room: int) -> Axis:
    """A dimension of a layer with as many windows as look well, or else what there is room for."""
    for counts, places, most in (
        (range(LONGEST, 0, -1), WIDEST, LONGEST),
        ((3, 2, 1, *range(4, room)), room, room),
    ):
        for count in counts:
            axis = _axis(layer, dimension, count, most)
            if axis is not None and len(axis.places) <= places:
                return axis
    raise ValueError


def _axis(layer: Any, dimension: int, count: int, most: int) -> Axis | None:
    """A dimension with `count` windows, or pixels of what is transposed; None where it has fewer,
    where that would be more than `most` windows, or so small that it is not the same any more."""
    size, output = layer.input[dimension], layer.output[dimension]
    if isinstance(layer, TransposedConv):
        stride, extent = layer.stride[dimension], layer.extent[dimension]
        given = output - (size - count) * stride
        if count > size or not 1 <= given <= most:
            return None
        size, crop = (count - 1) * stride + 1, layer.crop[dimension].begin
        starts = range(crop - extent + 1, crop - extent + 1 + given)
        windows = _windows(starts, extent, layer.dilation[dimension])
        begin, end = max(0, extent - 1 - crop), max(0, given + crop - size)
        return Axis(size, windows, begin, end, 0, stride)
    if count > min(output, most):
        return None
    if not layer.windows:  # of a pool that shares the pixels out
        ends = ((i * size // output, -(-(i + 1) * size // output)) for i in range(count))
        windows = tuple(range(*each) for each in ends)
        return Axis(windows[-1].stop, windows)
    window: Window = layer.windows[dimension]
    left = size - (output - count) * window.stride
    if left < min(size, window.dilation + 1):
        return None
    starts = range(-window.begin, count * window.stride - window.begin, window.stride)
    windows = _windows(starts, window.extent, window.dilation)
    return Axis(left, windows, window.begin, window.end, window.extra)


def _windows(starts: range, extent: int, dilation: int) -> tuple[range, ...]:
    return tuple(range(start, start + extent, dilation) for start in starts)
