"""Pools: windows without weights, and pools over the whole map."""

from __future__ import annotations

from functools import cached_property
from typing import ClassVar

from cnndsl.diagnostics.message import Message
from cnndsl.layers import window as windowed
from cnndsl.layers.base import ALL, Layer, LayerError, Reaches, Shape, Sight, Slot, Spatial
from cnndsl.layers.derivation import Derivation, letters, unchanged
from cnndsl.layers.window import DILATION, KERNEL, PADDING, ROUNDING, STRIDE, TO, Window

_KERNEL = KERNEL._replace(shown="K|to=SIZE", instead="to")
_TRIED = 1000
"""Of how many windows that begin in the padding it is tried what they see."""

_STRIDE = STRIDE._replace(default=None, doc="the step; the size of the pool unless said")


class Pool(Spatial):
    """A window that takes one number from each channel; padding never counts.

    With `to`, n of them share the X pixels of a dimension: window i goes from floor(i*X/n) up to,
    not with, ceil((i + 1)*X/n). Then there are no `windows`, which are all alike, and no `kernel`.
    """

    family, slides = "pool", True
    slots: ClassVar[tuple[Slot, ...]] = (_KERNEL, TO, _STRIDE, *PADDING, DILATION, *ROUNDING)

    windows: tuple[Window, ...] = ()
    kernel: tuple[int, ...] | None
    to: tuple[int, ...] | None
    same: bool | None

    def setup(self) -> None:
        if self.to is not None:
            self.to, self.variant = windowed.to_size(self), "to"
            self.output = (*self.to, self.channels)
            return
        self.windows = windowed.slide(self, pool=True)
        self.kernel = tuple(window.kernel for window in self.windows)
        for window in self.windows:
            if _sees_padding(window):
                message = Message(
                    "{layer}: a padding of {pad} leaves windows of {kernel} that see nothing else",
                    layer=self.op,
                    pad=max(window.begin, window.end),
                    kernel=window.extent,
                )
                help_ = Message("pad with less than {kernel}", kernel=window.extent)
                raise LayerError("E105", message, help_, "pad")
        self.output = (*(window.output for window in self.windows), self.channels)

    @cached_property
    def reach(self) -> Reaches:  # type: ignore[override]
        if self.to is not None:
            return tuple(map(_shared, self.spatial, self.to))
        return windowed.reach_of(self.windows)

    def is_idle(self) -> bool:
        if self.to is not None:
            return self.output == self.input
        return all(window.is_one_pixel for window in self.windows)

    def sizes(self) -> tuple[Derivation, ...]:
        if self.to is not None:
            return windowed.given(self)
        spatial = windowed.sliding(self.windows, self.input, same=bool(self.same), pool=True)
        return (*spatial, unchanged(self.input)[-1])


def _shared(size: int, output: int) -> Sight:
    """What windows see that share the pixels of a dimension."""
    return windowed.pattern(
        size, size, output, lambda i: (i * size // output, -(-(i + 1) * size // output) - 1)
    )


def _sees_padding(window: Window) -> bool:
    """Whether there is a window that sees nothing but padding.

    That is at the begin or the end, or else between the pixels of a small image, where the taps
    of a dilated window lie further apart than it is large.
    """
    if max(window.begin, window.end) >= window.extent:
        return True
    if window.begin == 0 or window.dilation == 1:
        return False
    stop = min(0, window.output * window.stride - window.begin)
    starts = range(-window.begin, stop, window.stride)
    if len(starts) > _TRIED:
        return window.size < window.dilation
    return any(s % window.dilation >= window.size for s in starts)


class MaxPool(Pool):
    op, title = "pool", "max pooling"


class AveragePool(Pool):
    """Padding is left out of the average, unless `countpad` says otherwise."""

    op, title, linear = "avgpool", "average pooling", True
    slots = (
        *(slot for slot in Pool.slots if slot is not DILATION),
        Slot("countpad", "flag", None, "[countpad]", "let padding count as zeros"),
    )
    countpad: bool | None


class MinPool(Pool):
    op, title = "minpool", "min pooling"


class GlobalPool(Spatial):
    """One number for each channel: a vector, or 1x1xC with `keep`."""

    family = "pool"
    slots = (Slot("keep", "flag", None, "[keep]", "keep the spatial dimensions, of size 1"),)
    keep: bool | None

    def rank_help(self, shape: Shape) -> Message:
        return Message("a vector needs no pooling: remove it")

    def setup(self) -> None:
        ones = (1,) * len(self.spatial) if self.keep else ()
        self.output = (*ones, self.channels)
        self.reach = ALL

    def sizes(self) -> tuple[Derivation, ...]:
        names = letters(self.output)
        return (
            *(Derivation(f"{name}_out", "1", {}, 1) for name in names[:-1]),
            Derivation(f"{names[-1]}_out", "C", {"C": self.channels}, self.channels),
        )


class GlobalAveragePool(GlobalPool):
    op, title, linear = "gap", "global average pooling", True


class GlobalMaxPool(GlobalPool):
    op, title = "gmp", "global max pooling"


class ChannelPool(Layer):
    """One number for each position: a map of one channel."""

    family = "pool"

    def setup(self) -> None:
        self.output = (*self.spatial, 1)

    def is_idle(self) -> bool:
        return self.channels == 1

    def sizes(self) -> tuple[Derivation, ...]:
        channels = Derivation(f"{letters(self.input)[-1]}_out", "1", {}, 1)
        return *unchanged(self.input)[:-1], channels


class ChannelMean(ChannelPool):
    op, title, since = "channelmean", "mean of the channels", "1.1"


class ChannelMax(ChannelPool):
    op, title, since = "channelmax", "maximum of the channels", "1.1"


LAYERS: tuple[type[Layer], ...] = (
    MaxPool,
    AveragePool,
    MinPool,
    GlobalAveragePool,
    GlobalMaxPool,
    ChannelMean,
    ChannelMax,
)
