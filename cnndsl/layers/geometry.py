"""Layers that move values about: larger, smaller, in other places."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from cnndsl.diagnostics.message import Message, joined
from cnndsl.layers import base
from cnndsl.layers.base import ALL, Layer, LayerError, Reach, Reaches, Shape, Sight, Slot, Spatial
from cnndsl.layers.derivation import Derivation, indexed, letters, padding, sizes_of, unchanged
from cnndsl.layers.source import written_value
from cnndsl.layers.values import CHANNELS, FACTORS, NATURAL, PADS, SHAPE, Pair
from cnndsl.layers.window import ROUNDING, TO, given, pattern, per_dimension, rounding_of, to_size


class Upsample(Spatial):
    """F times as large, or of a size; images also interpolated, by `bilinear` or `bicubic`.

    Pixel centres lie at half-integers; `aligned` has those of the outermost pixels at the
    corners instead. Nearest takes pixel floor(i*X/n). Keys, "Cubic convolution interpolation for
    digital image processing" (1981), with PyTorch's a = -0.75. Beyond the edge is the edge.
    """

    op, title, family, linear = "up", "upsampling", "move", True
    slots = (
        Slot(
            "factor",
            "value",
            FACTORS,
            "F|to=SIZE",
            Message("how many times as large"),
            required=True,
            instead="to",
        ),
        TO,
        Slot("nearest", "flag", None, "[nearest|bilinear|bicubic]", "repeat pixels, the default"),
        Slot("bilinear", "flag", None, "", "interpolate between pixels"),
        Slot("bicubic", "flag", None, "", "interpolate by cubics between four", since="1.1"),
        Slot("aligned", "flag", None, "[aligned]", "corners stay corners", since="1.1"),
        *ROUNDING,
    )
    factor: tuple[Any, ...] | None
    to: tuple[int, ...] | None
    nearest: bool | None
    bilinear: bool | None
    bicubic: bool | None
    aligned: bool | None

    @property
    def mode(self) -> str:
        """How new pixels are filled in: `nearest`, `bilinear` or `bicubic`."""
        return "bilinear" if self.bilinear else "bicubic" if self.bicubic else "nearest"

    @property
    def whole(self) -> bool:
        """Whether each size is multiplied by a whole number."""
        return self.factor is not None and all(isinstance(each, int) for each in self.factor)

    def setup(self) -> None:
        one, *others = [word for word in _MODES if getattr(self, word)] or ["nearest"]
        if others:
            message = Message(
                "`{one}` and `{other}` contradict each other", one=one, other=others[0]
            )
            raise LayerError("E108", message, Message("keep one"), others[0])
        if self.aligned and one == "nearest":
            message = Message("`aligned` is for `bilinear` and `bicubic`")
            raise LayerError(
                "E108", message, Message("write one of them, or leave it out"), "aligned"
            )
        if one != "nearest" and len(self.spatial) != 2:
            message = Message(
                "`{mode}` is for images, and this is {size}", mode=one, size=base.show(self.input)
            )
            raise LayerError("E204", message, Message("write `nearest`"), one)
        if self.to is not None:
            self.to = sizes = to_size(self)
        else:
            self.factor = per_dimension(self.factor, len(self.spatial), "factor")
            sizes = self._multiplied(rounding_of(self))
        if one != "nearest" and (self.bicubic or self.aligned or not self.whole):
            self.variant = "aligned" if self.aligned else "mixed"
        elif not self.whole:
            self.variant = "to"
        self.output = (*sizes, self.channels)

    @cached_property
    def reach(self) -> Reaches:  # type: ignore[override]
        return tuple(map(self._seen, self.spatial, self.output))

    def _multiplied(self, rounding: str) -> Shape:
        """The sizes, each as many times as large. Raises LayerError."""
        assert self.factor is not None
        names, sizes, odd = base.DIMENSIONS[len(self.spatial)], [], []
        for axis, (size, factor) in enumerate(zip(self.spatial, self.factor)):
            exact = _fraction(factor)
            above, below = size * exact.numerator, exact.denominator
            if rounding == "exact" and above % below:
                odd.append(axis)
            sizes.append(-(-above // below) if rounding == "ceil" else above // below)
            if sizes[-1] < 1:
                message = Message(
                    "up: {axis} {size}*{factor} is below 1",
                    axis=names[axis],
                    size=size,
                    factor=written_value(factor),
                )
                raise LayerError(
                    "E105", message, Message("take a larger factor"), "factor", (axis,)
                )
        if odd:
            clauses = [
                Message(
                    "{axis} {size}*{factor} is not whole",
                    axis=names[axis],
                    size=self.spatial[axis],
                    factor=written_value(self.factor[axis]),
                )
                for axis in odd
            ]
            message = Message(
                "{layer}: {problem}", layer=self.op, problem=joined(clauses, "{first} and {rest}")
            )
            help_ = Message(
                "say the size, as `up to={size}`, or write `floor` or `ceil`",
                size=base.show(tuple(sizes)),
            )
            raise LayerError("E201", message, help_, "factor", tuple(odd))
        return tuple(sizes)

    def _seen(self, size: int, output: int) -> Sight:
        """What positions see in one dimension: position i lies at (a*i + b)/d."""
        if self.mode == "nearest":
            return pattern(size, size, output, lambda i: (i * size // output,) * 2)
        a, b, d = 2 * size, size - output, 2 * output
        if self.aligned:
            a, b, d = (size - 1, 0, output - 1) if output > 1 else (0, 0, 1)

        def see(i: int) -> tuple[int, int]:
            low, high = (a * i + b) // d, -(-(a * i + b) // d)
            # What falls on a pixel sees that alone. Of a cubic it counts as seeing those beside it
            # too, as positions around it do, so that what is seen never falls.
            wide = self.bicubic and (a % d or b % d)
            return (low - 1, high + 1) if wide else (low, high)

        return pattern(size, a, d, see)

    @property
    def is_rounded(self) -> bool:
        pairs = zip(self.spatial, self.factor or ())
        return any((size * _fraction(factor)).denominator != 1 for size, factor in pairs)

    def is_idle(self) -> bool:
        return self.output == self.input

    def sizes(self) -> tuple[Derivation, ...]:
        if self.to is not None:
            return given(self)
        assert self.factor is not None
        spatial = letters(self.input)[:-1]
        factors = indexed("F", self.factor, spatial)
        steps = []
        for letter, name, size, factor, output in zip(
            spatial, factors, self.spatial, self.factor, self.output
        ):
            formula, values = f"{letter}*{name}", {letter: size, name: factor}
            if not isinstance(factor, int):
                formula, values = f"{letter}*{factor}", {letter: size}
                exact = size * _fraction(factor)
                if exact.denominator != 1:
                    formula = f"{'ceil' if output > exact else 'floor'}({formula})"
            steps.append(Derivation(f"{letter}_out", formula, values, output))
        return *steps, unchanged(self.input)[-1]


_MODES = ("nearest", "bilinear", "bicubic")


def _fraction(value: Any) -> Any:
    """A number exactly as it is written: 1.1 is 11/10."""
    if isinstance(value, int):
        return value
    from fractions import Fraction

    return Fraction(str(value))


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
