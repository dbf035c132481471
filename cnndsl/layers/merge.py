"""Merges: `add { a | b }` runs each path from the same tensor and joins the results."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from cnndsl.diagnostics.message import Message
from cnndsl.layers.base import Context, Layer, LayerError, Shape, axis_of, axis_slot, show
from cnndsl.layers.derivation import Derivation, letters, unchanged


class Merge(Layer):
    """A layer of several inputs; `inputs` holds their shapes in the order of the paths.

    `most` is how many paths it takes, where that is bounded.
    """

    family = "merge"
    most: ClassVar[int | None] = None
    inputs: tuple[Shape, ...]

    def __init__(
        self, values: Mapping[str, Any], shapes: tuple[Shape, ...], context: Context
    ) -> None:
        self.inputs = shapes
        super().__init__(values, shapes[0], context)

    @classmethod
    def usage(cls) -> str:
        return super().usage() + " { … | … }"

    def mismatch(self, rule: Message, index: int) -> LayerError:
        """The error that path `index` does not merge with the first."""
        one, other = self.inputs[0], self.inputs[index]
        axes = range(len(one) - 1) if len(one) == len(other) else ()
        message = Message(
            "{layer}: path 1 gives {size} and path {path} gives {other}",
            layer=self.op,
            size=show(one),
            path=index + 1,
            other=show(other),
        )
        unlike = tuple(axis for axis in axes if one[axis] != other[axis])
        return LayerError("E206", message, rule, f"path {index}", unlike)


class Elementwise(Merge):
    """A merge value by value; the shapes must be equal."""

    def setup(self) -> None:
        for index, shape in enumerate(self.inputs):
            if shape != self.inputs[0]:
                rule = Message("{layer} wants equal shapes", layer=self.op)
                raise self.mismatch(rule, index)


class Add(Elementwise):
    op, title = "add", "sum"


class Subtract(Elementwise):
    """The first path less the second."""

    op, title, since, most = "subtract", "difference", "1.1", 2


class Maximum(Elementwise):
    op, title = "maximum", "maximum"


class Average(Elementwise):
    op, title = "average", "average"


class Mul(Merge):
    """The product; a path of HxWx1, of 1x1xC, or a vector of C stretches over the others."""

    op, title = "mul", "product"

    def setup(self) -> None:
        shapes = [*dict.fromkeys(self.inputs)]
        # At most four shapes go together. No size is asked which is the larger.
        whole = (each for each in shapes if all(_goes(other, each) for other in shapes))
        largest = next(whole, None) if len(shapes) < 5 else None
        self.output = largest or max(shapes, key=lambda shape: (len(shape), shape))
        for index, shape in enumerate(self.inputs if largest is None else ()):
            if not _goes(shape, self.output):
                rule = Message("mul wants equal shapes, or HxWx1, 1x1xC or C beside HxWxC")
                raise self.mismatch(rule, index or self.inputs.index(self.output))


def _goes(shape: Shape, whole: Shape) -> bool:
    """Whether a shape goes into a product of another; only sizes of equal ranks are compared."""
    return any(len(each) == len(shape) and each == shape for each in stretching(whole))


def stretching(shape: Shape) -> tuple[Shape, ...]:
    """The shapes that go into a product of a shape: itself, and what stretches to it."""
    channels = (*(1 for _ in shape[:-1]), shape[-1])
    return (shape, channels, shape[-1:], *([(*shape[:-1], 1)] if len(shape) > 1 else []))


class Concat(Merge):
    """The channels side by side, in the order of the paths; or the rows of another axis.

    `along` is the place of the axis in the shape.
    """

    op, title = "concat", "concatenation"
    slots = (axis_slot("the axis that grows"),)
    axis: str

    def setup(self) -> None:
        self.along = axis = axis_of(self, self.axis)
        rest = (*self.input[:axis], *self.input[axis + 1 :])
        for index, shape in enumerate(self.inputs):
            if len(shape) != len(self.input) or (*shape[:axis], *shape[axis + 1 :]) != rest:
                rule = Message("concat wants equal sizes in all but the channels")
                if self.axis != "channels":
                    rule = Message("concat wants equal sizes in all but `{axis}`", axis=self.axis)
                raise self.mismatch(rule, index)
        total = sum(shape[axis] for shape in self.inputs)
        self.output = (*self.input[:axis], total, *self.input[axis + 1 :])

    def sizes(self) -> tuple[Derivation, ...]:
        axis = self.along
        letter = letters(self.input)[axis]
        values = {f"{letter}_{i}": shape[axis] for i, shape in enumerate(self.inputs, 1)}
        grown = Derivation(f"{letter}_out", " + ".join(values), values, self.output[axis])
        steps = unchanged(self.input)
        return *steps[:axis], grown, *steps[axis + 1 :]


LAYERS: tuple[type[Merge], ...] = (Add, Concat, Mul, Subtract, Maximum, Average)
