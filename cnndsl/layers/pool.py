"""Pools: windows without weights, and pools over the whole map."""

from __future__ import annotations

from typing import ClassVar

from cnndsl.diagnostics.message import Message
from cnndsl.layers import window as windowed
from cnndsl.layers.base import ALL, Layer, LayerError, Shape, Slot, Spatial
from cnndsl.layers.derivation import Derivation, letters, unchanged
from cnndsl.layers.window import KERNEL, PADDING, ROUNDING, STRIDE, Window

_STRIDE = STRIDE._replace(default=None, doc="the step; the size of the pool unless said")


class Pool(Spatial):
    """A window that takes one number from each channel; padding never counts."""

    family, slides = "pool", True
    slots: ClassVar[tuple[Slot, ...]] = (KERNEL, _STRIDE, *PADDING, *ROUNDING)

    windows: tuple[Window, ...]
    kernel: tuple[int, ...]
    same: bool | None

    def setup(self) -> None:
        self.windows = windowed.slide(self, pool=True)
        self.kernel = tuple(window.kernel for window in self.windows)
        for window in self.windows:
            if max(window.begin, window.end) >= window.kernel:
                message = Message(
                    "{layer}: a padding of {pad} leaves windows of {kernel} that see nothing else",
                    layer=self.op,
                    pad=max(window.begin, window.end),
                    kernel=window.kernel,
                )
                help_ = Message("pad with less than {kernel}", kernel=window.kernel)
                raise LayerError("E105", message, help_, "pad")
        self.output = (*(window.output for window in self.windows), self.channels)
        self.reach = windowed.reach_of(self.windows)

    def is_idle(self) -> bool:
        return all(window.is_one_pixel for window in self.windows)

    def sizes(self) -> tuple[Derivation, ...]:
        spatial = windowed.sliding(self.windows, self.input, same=bool(self.same), pool=True)
        return (*spatial, unchanged(self.input)[-1])


class MaxPool(Pool):
    op, title = "pool", "max pooling"


class AveragePool(Pool):
    """Padding is left out of the average, unless `countpad` says otherwise."""

    op, title, linear = "avgpool", "average pooling", True
    slots = (
        *Pool.slots,
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
