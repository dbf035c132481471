"""Windows of a layer at work on small numbers: what each of them reads, and the value it makes.

A layer too large to be drawn has pixels left out of its middle, a whole number of strides, so that
both of its ends are as they are. A transposed convolution is the convolution that it can be read
as: zeros between the pixels, the kernel turned round, a stride of 1 (Dumoulin and Visin, "A guide
to convolution arithmetic for deep learning", 2016, chapter 4).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from itertools import product
from typing import Any, NamedTuple

from cnndsl.layers import Layer
from cnndsl.layers.conv import DepthwiseConv, SeparableConv, TransposedConv
from cnndsl.layers.pool import AveragePool, MaxPool, MinPool, Pool

WIDEST, LONGEST, DEEPEST, MOST = 7, 5, 8, 200
"""How many places and windows of a dimension look well, how many slices may be drawn, and how many
places of channels that are added up: one channel is drawn in any case."""

REDUCE: dict[type[Layer], Callable[..., int]] = {MaxPool: max, MinPool: min}
"""What is done to the numbers in a window, where that is no sum."""


class Axis(NamedTuple):
    """A dimension as it is drawn; its places are numbered from the first that the input takes.

    * `size`: how many places the input takes, of which each `spread`-th is a pixel
    * `windows`: the places that each window looks at, in their order
    * `places`: all of them with the padding, up to `padded`, and what windows hang over behind it
    """

    size: int = 1
    windows: tuple[range, ...] = (range(1),)
    places: range = range(1)
    padded: int = 1
    spread: int = 1

    @property
    def pixels(self) -> int:
        """How many pixels of the input are drawn."""
        return (self.size - 1) // self.spread + 1


class Grid(NamedTuple):
    """A slice of the input: its channel, its place along the depth, the kernel's index there."""

    channel: int
    depth: int
    tap: int


class Tap(NamedTuple):
    """A place that a window looks at, the value there, and its weight."""

    row: int
    column: int
    value: int
    weight: int


class Part(NamedTuple):
    """What a window reads of a grid, what comes of that, and the weight that this has in turn."""

    grid: Grid
    taps: tuple[Tap, ...]
    result: int
    weight: int


class Made(NamedTuple):
    """A window at a row and a column of a channel of the output: how its value comes about.

    `divisor` is how many numbers an average has.
    """

    channel: int
    row: int
    column: int
    parts: tuple[Part, ...]
    value: Fraction
    divisor: int = 1


class Sliding:
    """A layer with windows, on as much of its input as is drawn.

    * `axes`: depth, height and width; a dimension that there is not has one place
    * `outputs`: the channels of the output that are drawn, and `seen`: the slices of the input that
      each sees, of the channels that are drawn, by the first window along the depth
    * `grids`: all of these slices, of so many `channels`
    * `is_partial`: whether an output sees channels that are not drawn, whose values are 0
    * `made`: what each window makes, in order, before bias and activation

    Raises ValueError where a window is longer than `room` places.
    """

    def __init__(self, layer: Any, room: int) -> None:
        self.layer, rank = layer, len(layer.spatial)
        fitted = (_fitted(layer, dimension, room) for dimension in range(rank))
        self.axes = (*(Axis() for _ in range(3 - rank)), *fitted)
        if len(self.axes[0].windows[0]) > DEEPEST:
            raise ValueError
        self.padded = getattr(layer, "countpad", not isinstance(layer, Pool))
        # A depthwise layer has a group for each channel, and so has a pool.
        alone = isinstance(layer, (DepthwiseConv, Pool))
        groups = layer.channels if alone else getattr(layer, "groups", 1)
        ins, outs = layer.channels // groups, layer.output[-1] // groups
        second = outs if groups > 1 else 1
        self.outputs = tuple(each for each in (0, second) if each < layer.output[-1])
        depths = self.axes[0].windows
        places = len(depths[0]) * len(self.axes[1].places) * len(self.axes[2].places)
        drawn = max(1, min(ins, 3 if ins == 3 else 2, MOST // places))
        self.is_partial = drawn < ins
        self.seen = {
            output: [
                Grid(output // outs * ins + channel, depth, tap)
                for channel in range(drawn)
                for tap, depth in enumerate(depths[0])
            ]
            for output in self.outputs
        }
        self.grids = tuple(dict.fromkeys(grid for grids in self.seen.values() for grid in grids))
        self.channels = len({grid.channel for grid in self.grids})
        rows, columns = (range(len(axis.windows)) for axis in self.axes[1:])
        self.made = tuple(self._made(*each) for each in product(self.outputs, rows, columns))

    def is_pixel(self, *places: int) -> bool:
        """Whether a pixel stands at a depth, row and column; else padding, or a zero between."""
        both = zip(places, self.axes)
        return all(0 <= place < axis.size and not place % axis.spread for place, axis in both)

    def value(self, grid: Grid, row: int, column: int) -> int | None:
        """The number at a place; None for padding that does not count."""
        places = (grid.depth, row, column)
        if self.is_pixel(*places):
            pixels = (place // axis.spread for place, axis in zip(places, self.axes))
            return digit(grid.channel, *pixels) % (9 if isinstance(self.layer, Pool) else 4) + 1
        asked = all(place < axis.padded for place, axis in zip(places, self.axes))
        return 0 if self.padded and (asked or not isinstance(self.layer, Pool)) else None

    def weight(self, output: int, grid: Grid, row: int, column: int) -> int:
        """The weight that a window has at an index of it, for a channel of the output."""
        taps: Sequence[int] = (grid.tap, row, column)
        if isinstance(self.layer, Pool):
            return 1
        if isinstance(self.layer, TransposedConv):  # the kernel turned round
            taps = [len(axis.windows[0]) - 1 - tap for axis, tap in zip(self.axes, taps)]
        filter_ = 0 if isinstance(self.layer, SeparableConv) else output
        return digit(filter_ + 3, grid.channel, *taps) % 3 + 1

    def pointwise(self, output: int, channel: int) -> int:
        """The weight of a channel in the second half of a separable convolution; else 1."""
        return digit(output, channel) % 3 + 1 if isinstance(self.layer, SeparableConv) else 1

    def _made(self, output: int, row: int, column: int) -> Made:
        reduce = REDUCE.get(type(self.layer), sum)
        _, rows, columns = (axis.windows for axis in self.axes)
        parts = []
        for grid in self.seen[output]:
            taps = tuple(
                Tap(y, x, value, self.weight(output, grid, i, j))
                for i, y in enumerate(rows[row])
                for j, x in enumerate(columns[column])
                if (value := self.value(grid, y, x)) is not None
            )
            if taps:
                result = reduce(tap.value * tap.weight for tap in taps)
                parts.append(Part(grid, taps, result, self.pointwise(output, grid.channel)))
        total = Fraction(reduce(part.result * part.weight for part in parts))
        averages = isinstance(self.layer, AveragePool)
        divisor = sum(len(part.taps) for part in parts) if averages else 1
        return Made(output, row, column, tuple(parts), total / divisor, divisor)


def has_windows(layer: Layer) -> bool:
    """Whether there is something to draw of a layer."""
    return layer.slides or isinstance(layer, TransposedConv)


def digit(*place: int) -> int:
    """A number below 101 for a place, always the same."""
    found = 1
    for each in place:
        found = (found + each + 1) ** 3 % 101  # which mixes: 3 and 100 have no common factor
    return found


def _fitted(layer: Any, dimension: int, room: int) -> Axis:
    """A dimension of a layer with as many windows as look well, or else the fewest that show the
    step from one to the next, on as many pixels as one sees if there is room."""
    slid = layer.input if isinstance(layer, TransposedConv) else layer.output
    least = min(2, slid[dimension])
    for counts, most, places, inside in (
        (range(LONGEST, least - 1, -1), LONGEST, WIDEST, False),
        (range(least, room), room, room, True),
        (range(least, room), room, room, False),
    ):
        for count in counts:
            axis = _axis(layer, dimension, count, most)
            if axis is not None and len(axis.places) <= places:
                first = axis.windows[0]
                if not inside or axis.size > min(first[-1] - first[0], layer.input[dimension] - 1):
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
        stop = max(size, given + crop)
        return Axis(size, windows, range(min(0, starts[0]), stop), stop, stride)
    if count > min(output, most):
        return None
    if not layer.windows:  # of a pool that shares the pixels out
        ends = ((i * size // output, -(-(i + 1) * size // output)) for i in range(count))
        windows = tuple(range(*each) for each in ends)
        stop = windows[-1].stop
        return Axis(stop, windows, range(stop), stop)
    window = layer.windows[dimension]
    left = size - (output - count) * window.stride
    whole = left + window.begin + window.end
    if left < min(size, window.dilation + 1) or whole < window.extent:
        return None
    starts = range(-window.begin, count * window.stride - window.begin, window.stride)
    windows = _windows(starts, window.extent, window.dilation)
    stop = left + window.end
    return Axis(left, windows, range(-window.begin, stop + window.extra), stop)


def _windows(starts: range, extent: int, dilation: int) -> tuple[range, ...]:
    return tuple(range(start, start + extent, dilation) for start in starts)
