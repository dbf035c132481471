"""Layers that move values about: larger, smaller, in other places."""

from __future__ import annotations

from cnndsl.diagnostics.message import Message
from cnndsl.layers import base
from cnndsl.layers.base import ALL, Layer, LayerError, Reach, Shape, Slot, Spatial, Spread
from cnndsl.layers.derivation import Derivation, indexed, letters, padding, sizes_of, unchanged
from cnndsl.layers.values import CHANNELS, NATURAL, PADS, SHAPE, SIZES, Pair
from cnndsl.layers.window import per_dimension


class Upsample(Spatial):
    """F times as large; `nearest` repeats pixels, `bilinear` (images only) interpolates.

    Bilinear takes pixel centres at half-integers, as Keras and PyTorch do by default.
    """

    op, title, family, linear = "up", "upsampling", "move", True
    slots = (
        Slot("factor", "value", SIZES, "F", Message("how many times as large"), required=True),
        Slot("nearest", "flag", None, "[nearest|bilinear]", "repeat pixels, the default"),
        Slot("bilinear", "flag", None, "", "interpolate between pixels"),
    )
    factor: tuple[int, ...]
    bilinear: bool | None
    nearest: bool | None

    def setup(self) -> None:
        if self.nearest and self.bilinear:
            message = Message("`nearest` and `bilinear` contradict each other")
            raise LayerError("E108", message, Message("keep one"), "bilinear")
        if self.bilinear and len(self.spatial) != 2:
            message = Message(
                "`bilinear` is for images, and this is {size}", size=base.show(self.input)
            )
            raise LayerError("E204", message, Message("write `nearest`"), "bilinear")
        self.factor = per_dimension(self.factor, len(self.spatial), "factor")
        self.output = (*(x * f for x, f in zip(self.spatial, self.factor)), self.channels)
        if self.bilinear:
            # A pixel counts wherever a centre is less than a pixel away from its own.
            self.reach = tuple(Spread(2 * f - f % 2, f, f // 2) for f in self.factor)
        else:
            self.reach = tuple(Spread(f, f) for f in self.factor)

    def is_idle(self) -> bool:
        return set(self.factor) == {1}

    def sizes(self) -> tuple[Derivation, ...]:
        spatial = letters(self.input)[:-1]
        factors = indexed("F", self.factor, spatial)
        steps = [
            Derivation(
                f"{letter}_out", f"{letter}*{name}", {letter: size, name: factor}, size * factor
            )
            for letter, name, size, factor in zip(spatial, factors, self.spatial, self.factor)
        ]
        return *steps, unchanged(self.input)[-1]


class ZeroPad(Spatial):
    op, title, family, linear = "zeropad", "zero padding", "move", True
    slots = (
        Slot("pad", "value", PADS, "P", Message("pixels put around: 1 or 0:1x0:1"), required=True),
    )
    pad: tuple[Pair, ...]

    def setup(self) -> None:
        self.pad = per_dimension(self.pad, len(self.spatial), "pad")
        self.output = (*(x + sum(p) for x, p in zip(self.spatial, self.pad)), self.channels)
        self.reach = tuple(Reach(1, 1, -pad.begin) for pad in self.pad)

    def is_idle(self) -> bool:
        return not any(map(sum, self.pad))

    def sizes(self) -> tuple[Derivation, ...]:
        return _edged(self, self.pad, "+")


class ReplicatePad(ZeroPad):
    """Copies of the outermost pixels put around."""

    op, title, since = "replicatepad", "replication padding", "1.1"


class ReflectPad(ZeroPad):
    """The map's own pixels put around, mirrored at the outermost ones."""

    op, title, since = "reflectpad", "reflection padding", "1.1"

    def setup(self) -> None:
        super().setup()
        wide = [axis for axis, pad in enumerate(self.pad) if max(pad) >= self.spatial[axis]]
        if wide:
            axis = wide[0]
            message = Message(
                "{layer}: a padding of {pad} is more than {axis} {size} has to mirror, "
                "{size} - 1 = {count}",
                layer=self.op,
                axis=base.DIMENSIONS[len(self.spatial)][axis],
                size=self.spatial[axis],
                count=self.spatial[axis] - 1,
                pad=max(self.pad[axis]),
            )
            help_ = Message(
                "pad with less than {size}, or by `replicatepad`", size=self.spatial[axis]
            )
            raise LayerError("E208", message, help_, "pad", tuple(wide))


class Crop(Spatial):
    op, title, family, linear = "crop", "cropping", "move", True
    slots = (
        Slot("crop", "value", PADS, "P", Message("pixels cut off: 1 or 0:1x0:1"), required=True),
    )
    crop: tuple[Pair, ...]

    def setup(self) -> None:
        self.crop = per_dimension(self.crop, len(self.spatial), "crop")
        self.output = (*(x - sum(p) for x, p in zip(self.spatial, self.crop)), self.channels)
        self.reach = tuple(Reach(1, 1, crop.begin) for crop in self.crop)
        for axis, size in enumerate(self.output[:-1]):
            if size < 1:
                message = Message(
                    "crop: {axis} {size} - {begin} - {end} is below 1",
                    axis=base.DIMENSIONS[len(self.spatial)][axis],
                    size=self.spatial[axis],
                    begin=self.crop[axis].begin,
                    end=self.crop[axis].end,
                )
                raise LayerError("E208", message, Message("cut off less"), "crop", (axis,))

    def is_idle(self) -> bool:
        return not any(map(sum, self.crop))

    def sizes(self) -> tuple[Derivation, ...]:
        return _edged(self, self.crop, "-")


def _edged(layer: Layer, edges: tuple[Pair, ...], sign: str) -> tuple[Derivation, ...]:
    """The sizes of a tensor with something put around it, or cut off."""
    steps = []
    for letter, size, edge, output in zip(letters(layer.input), layer.spatial, edges, layer.output):
        formula, values = padding(letter, *edge, sign, edges)
        steps.append(Derivation(f"{letter}_out", formula, {letter: size, **values}, output))
    return *steps, unchanged(layer.input)[-1]


class Reshape(Layer):
    """Other dimensions for the same values, in channels-last order."""

    op, title, family, linear = "reshape", "reshape", "move", True
    slots = (Slot("shape", "value", SHAPE, "SIZE", Message("the new shape"), required=True),)
    shape: Shape

    def setup(self) -> None:
        shape = self.shape
        if len(shape) > 4:
            message = Message(
                "reshape: {size} has {count} dimensions", size=base.show(shape), count=len(shape)
            )
            help_ = Message("a tensor has at most four: DxHxWxC")
            raise LayerError("E207", message, help_, "shape")
        if base.product(shape) != base.product(self.input):
            message = Message(
                "reshape: {size} holds {count:,} values, and {new} would hold {other:,}",
                size=base.show(self.input),
                count=base.product(self.input),
                new=base.show(shape),
                other=base.product(shape),
            )
            raise LayerError("E207", message, Message("make the products equal"), "shape")
        self.output = shape
        if shape[:-1] != self.spatial:
            self.reach = ALL

    def is_idle(self) -> bool:
        return self.output == self.input

    def sizes(self) -> tuple[Derivation, ...]:
        """One derivation, for how many values there are: the new sizes are given."""
        formula, count = "*".join(letters(self.input)), base.product(self.input)
        return (Derivation("values", formula, sizes_of(self.input), count),)


class Shuffle(Layer):
    """Deals the channels of G groups out in turn: channel i of each group, then i + 1.

    Zhang et al., "ShuffleNet" (2018).
    """

    op, title, family, linear = "shuffle", "channel shuffle", "move", True
    slots = (Slot("groups", "value", NATURAL, "G", Message("groups of channels"), required=True),)
    groups: int

    def setup(self) -> None:
        base.divide(self, self.groups, self.channels)

    def is_idle(self) -> bool:
        return self.groups in (1, self.channels)


class Slice(Layer):
    """Some of the channels. What becomes of the others decides what layers around it are."""

    op, title, family = "slice", "slice of channels", "move"
    slots = (
        Slot(
            "range",
            "value",
            CHANNELS,
            "A:B",
            Message("from channel A up to, not with, B"),
            required=True,
        ),
    )
    range: Pair

    def setup(self) -> None:
        if self.range.end > self.channels:
            message = Message(
                "slice: channel {channel} of {count} does not exist (they are 0 to {last})",
                channel=self.range.end - 1,
                count=self.channels,
                last=self.channels - 1,
            )
            help_ = Message("end at {count} or before", count=self.channels)
            raise LayerError("E208", message, help_, "range")
        self.output = (*self.spatial, self.range.end - self.range.begin)

    def is_idle(self) -> bool:
        return self.output == self.input

    def sizes(self) -> tuple[Derivation, ...]:
        values = {"A": self.range.begin, "B": self.range.end}
        channels = Derivation(f"{letters(self.input)[-1]}_out", "B - A", values, self.output[-1])
        return *unchanged(self.input)[:-1], channels


LAYERS: tuple[type[Layer], ...] = (
    Upsample, ZeroPad, ReflectPad, ReplicatePad, Crop, Reshape, Shuffle, Slice,
)  # fmt: skip
