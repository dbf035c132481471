"""Merges: `add { a | b }` runs each path from the same tensor and joins the results."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cnndsl.diagnostics.message import Message
from cnndsl.layers.base import Context, Layer, LayerError, Shape, show
from cnndsl.layers.derivation import Derivation, letters, unchanged


class Merge(Layer):
    """A layer of several inputs; `inputs` holds their shapes in the order of the paths."""

    family = "merge"
    inputs: tuple[Shape, ...]

    def __init__(
        self, values: Mapping[str, Any], shapes: tuple[Shape, ...], context: Context
    ) -> None:
        self.inputs = shapes
        super().__init__(values, shapes[0], context)

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


class Maximum(Elementwise):
    op, title = "maximum", "maximum"


class Average(Elementwise):
    op, title = "average", "average"


class Mul(Merge):
    """The product; a path of 1x1xC, or a vector of C, stretches over the others."""

    op, title = "mul", "product"

    def setup(self) -> None:
        self.output = max(self.inputs, key=lambda shape: (len(shape), shape))
        for index, shape in enumerate(self.inputs):
            ones = (1,) * (len(self.output) - 1)
            if shape not in (self.output, (*ones, self.output[-1]), self.output[-1:]):
                rule = Message("mul wants equal shapes, or 1x1xC or C beside HxWxC")
                raise self.mismatch(rule, index)


class Concat(Merge):
    """The channels side by side, in the order of the paths."""

    op, title = "concat", "concatenation"

    def setup(self) -> None:
        for index, shape in enumerate(self.inputs):
            if shape[:-1] != self.spatial:
                rule = Message("concat wants equal sizes in all but the channels")
                raise self.mismatch(rule, index)
        self.output = (*self.spatial, sum(shape[-1] for shape in self.inputs))

    def sizes(self) -> tuple[Derivation, ...]:
        letter = letters(self.input)[-1]
        values = {f"{letter}_{i}": shape[-1] for i, shape in enumerate(self.inputs, 1)}
        channels = Derivation(f"{letter}_out", " + ".join(values), values, self.output[-1])
        return *unchanged(self.input)[:-1], channels


LAYERS: tuple[type[Merge], ...] = (Add, Concat, Mul, Maximum, Average)
