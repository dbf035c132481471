"""How receptive fields grow from layer to layer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cnndsl.layers.base import ALL, Reach
from cnndsl.network.network import Field

if TYPE_CHECKING:
    from cnndsl.layers.base import Layer, Shape


def of_input(shape: Shape) -> Field:
    """The field of an input: each position sees itself."""
    ones = (1,) * (len(shape) - 1)
    return Field(ones, ones, shape[:-1])


def after(layer: Layer, before: tuple[Field, ...]) -> Field:
    """The field of a layer's output, from those of its inputs."""
    field = before[0]
    for other in before[1:]:
        field = _widest(field, other)
    spatial = layer.output[:-1]
    if layer.reach is None:
        return field._replace(map=spatial) if spatial and spatial != field.map else field
    if layer.reach == ALL:
        # A position that sees all sees as far as the last of them: r + (n - 1) * j.
        sizes = tuple(
            size + (count - 1) * jump
            for size, jump, count in zip(field.size, field.jump, field.map)
        )
        sizes += field.size[len(sizes) :]
        return Field(sizes, (0,) * len(sizes), spatial or field.map)
    assert not isinstance(layer.reach, str)
    if len(layer.reach) != len(field.size):
        return field._replace(map=spatial)
    sizes = tuple(
        size + (reach.extent - 1) * jump
        for size, jump, reach in zip(field.size, field.jump, layer.reach)
    )
    jumps = tuple(_times(jump, reach) for jump, reach in zip(field.jump, layer.reach))
    return Field(sizes, jumps, spatial)


def _times(jump: Any, reach: Reach) -> Any:
    if reach.denominator == 1:
        return jump * reach.numerator
    from fractions import Fraction

    result = Fraction(jump * reach.numerator) / reach.denominator
    return int(result) if result.denominator == 1 else result


def _widest(one: Field, other: Field) -> Field:
    if len(one.size) != len(other.size):
        return max(one, other, key=lambda field: len(field.size))
    return Field(
        tuple(map(max, one.size, other.size)), tuple(map(max, one.jump, other.jump)), one.map
    )
