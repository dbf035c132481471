"""Layers that give the same values other places, and none a new one."""

from __future__ import annotations

from typing import ClassVar

from cnndsl.diagnostics.message import Message
from cnndsl.layers import base
from cnndsl.layers.base import (
    ALL,
    DIMENSIONS,
    Layer,
    LayerError,
    Reach,
    Shape,
    Slot,
    Spatial,
    Spread,
)
from cnndsl.layers.derivation import Derivation, letters
from cnndsl.layers.values import NATURAL, SHAPE, Pair, show_value
from cnndsl.layers.window import not_multiples


class _PixelShuffle(Spatial):
    """What the shuffles of pixels share: a square of R pixels is as many channels of one.

    With d spatial dimensions, R^d channels stand for the pixels of a square, the last dimension
    running fastest. A channel's pixels follow one another, as PyTorch has it (`CRD` in ONNX);
    with `dcr` the channels of a pixel do, as in TensorFlow's `depth_to_space`.
    """

    family = "move"
    factor: int
    dcr: bool | None

    @property
    def area(self) -> int:
        """R^d: how many pixels a square has."""
        return int(self.factor ** len(self.spatial))

    def is_idle(self) -> bool:
        return self.factor == 1

    def derived(self, spatial: str, channels: str) -> tuple[Derivation, ...]:
        """The sizes, with formulas in which `X` is the size of a dimension, `A` the area."""
        area, r = "*".join("R" for _ in self.spatial), {"R": self.factor}
        steps = zip(letters(self.input), self.input, self.output)
        return tuple(
            Derivation(
                f"{letter}_out",
                (channels if letter == "C" else spatial).replace("X", letter).replace("A", area),
                {letter: size} | r,
                output,
            )
            for letter, size, output in steps
        )


_DCR = Slot("dcr", "flag", None, "[dcr]", "the order of TensorFlow", since="1.1")


class PixelShuffle(_PixelShuffle):
    """Makes space of channels: an image R times as large in each dimension.

    Shi et al., "Real-time single image and video super-resolution using an efficient sub-pixel
    convolutional neural network" (2016).
    """

    op, title, since = "pixelshuffle", "pixel shuffle", "1.1"
    slots = (
        Slot("factor", "value", NATURAL, "R", Message("how many times as large"), required=True),
        _DCR,
    )

    def setup(self) -> None:
        rank, area, count = len(self.spatial), self.area, self.channels
        if count % area:
            product = "*".join([str(self.factor)] * rank)
            message = Message(
                "{layer}: {count} channels are not a multiple of {product}{value}",
                layer=self.op,
                count=count,
                product=product,
                value=f" = {area:,}" if rank > 1 else "",
            )
            low = count - count % area
            help_ = Message("give it {high} channels", high=low + area)
            if low:
                help_ = Message("give it {low} channels, or {high}", low=low, high=low + area)
            raise LayerError("E205", message, help_, "factor")
        self.output = (*(x * self.factor for x in self.spatial), count // area)
        self.reach = (Spread(self.factor, self.factor),) * rank

    def sizes(self) -> tuple[Derivation, ...]:
        return self.derived("X*R", f"C/({'*'.join('R' for _ in self.spatial)})")


class PixelUnshuffle(_PixelShuffle):
    """Makes channels of space, the inverse of `pixelshuffle`."""

    op, title, since = "pixelunshuffle", "pixel unshuffle", "1.1"
    slots = (
        Slot("factor", "value", NATURAL, "R", Message("how many times as small"), required=True),
        _DCR,
    )

    def setup(self) -> None:
        factor, names = self.factor, DIMENSIONS[len(self.spatial)]
        odd = {axis: size for axis, size in enumerate(self.spatial) if size % factor}
        if odd:
            sizes = {names[axis]: size for axis, size in odd.items()}
            message = Message(
                "{layer}: {problem}", layer=self.op, problem=not_multiples(sizes, factor)
            )
            rests = tuple(Pair(0, size % factor) for size in self.spatial)
            lacks = tuple(Pair(0, -size % factor) for size in self.spatial)
            help_ = Message("put `zeropad {pad}` before it", pad=show_value(lacks))
            if min(odd.values()) > factor:
                help_ = Message(
                    "put `zeropad {pad}` before it, or `crop {crop}`",
                    pad=show_value(lacks),
                    crop=show_value(rests),
                )
            raise LayerError("E205", message, help_, "factor", tuple(odd))
        self.output = (*(x // factor for x in self.spatial), self.channels * self.area)
        self.reach = (Reach(factor, factor),) * len(self.spatial)

    def sizes(self) -> tuple[Derivation, ...]:
        return self.derived("X/R", "C*A")


class Permute(Layer):
    """The dimensions in another order: output dimension i is input dimension `order[i]`.

    They count from 1, the channels last, as those of Keras's `Permute`.
    """

    op, title, family, since = "permute", "permutation", "move", "1.1"
    slots: ClassVar[tuple[Slot, ...]] = (
        Slot("order", "value", SHAPE, "ORDER", Message("the new order, as 2x1x3"), required=True),
    )
    order: Shape

    def setup(self) -> None:
        count = len(self.input)
        if sorted(self.order) != [*range(1, count + 1)]:
            message = Message(
                "{layer}: `{order}` is no order of {count} dimensions",
                layer=self.op,
                order=base.show(self.order),
                count=count,
            )
            example = base.show((*range(count - 1, 0, -1), count))
            help_ = Message(
                "each number from 1 to {count} stands in it once, the channels are {count}, as in "
                "`permute {example}`",
                count=count,
                example=example,
            )
            if count == 1:
                help_ = Message("a vector has one dimension: leave it out")
            raise LayerError("E105", message, help_, "order")
        self.output = tuple(self.input[place - 1] for place in self.order)
        if self.order[:-1] != tuple(range(1, count)):
            # A position is in another dimension of the input, or in the channels.
            self.reach = ALL

    def is_idle(self) -> bool:
        return self.order == tuple(range(1, len(self.input) + 1))

    def sizes(self) -> tuple[Derivation, ...]:
        names = letters(self.input)
        return tuple(
            Derivation(f"{name}_out", names[place - 1], {names[place - 1]: size}, size)
            for name, place, size in zip(names, self.order, self.output)
        )


class Transpose(Permute):
    """A signal whose positions become its channels, and its channels positions."""

    op, title = "transpose", "transpose"
    slots = ()
    ranks = (1,)
    wants = Message("a signal")

    def setup(self) -> None:
        self.order = (2, 1)
        super().setup()

    def rank_help(self, shape: Shape) -> Message:
        if len(shape) < 3:
            return Message("a vector has one dimension: leave it out")
        order = base.show((*range(len(shape) - 1, 0, -1), len(shape)))
        return Message("write the order of its dimensions, as `permute {order}`", order=order)


LAYERS: tuple[type[Layer], ...] = (PixelShuffle, PixelUnshuffle, Permute, Transpose)
