"""Canonical weights in a Keras model: where they live, and in what shape.

Keras has the language's order of axes, but for three: a transposed convolution has its
outputs before its inputs, a depthwise one that is written as one of groups keeps a kernel
of 1 x (channels * multiplier), and PReLU and `scale` have axes of size 1 for the positions.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy

from cnndsl.codegen import weights as canonical
from cnndsl.codegen.weights import Array, Kept, Weights
from cnndsl.network import Node
from cnndsl.targets.keras.live import Live


class Place(NamedTuple):
    """Where a weight lives: its number among those of a Keras layer."""

    kept: Kept
    layer: Any
    number: int

    @property
    def variable(self) -> Any:
        return self.layer.weights[self.number]


def places(live: Live, node: Node | None = None) -> Iterator[Place]:
    """The places of a model's weights, or of one node's.

    Raises Misfit where the model keeps others than its network.
    """

    def keeping(each: Node) -> list[tuple[Any, int]]:
        return [(part, i) for part in live.parts(each) for i in range(len(part.weights))]

    def find(kept: Kept, keeping: list[tuple[Any, int]]) -> Any:
        place = Place(kept, *keeping.pop(0))
        return place, place.variable, stored_shape(kept, tuple(place.variable.shape))

    return canonical.placed(live, node, keeping, find)


def files(live: Live) -> dict[str, Place]:
    """The places by what Keras 3 calls them in its files: `layers/conv2d_1/vars/0`.

    A group is named for the class of its layer, and numbered in the order of `model.layers`.
    """
    counts: dict[str, int] = {}
    groups: dict[int, str] = {}
    for layer in live.model.layers:
        name = re.sub("(.)([A-Z][a-z]+)", r"\1_\2", type(layer).__name__)
        name = re.sub("([a-z])([A-Z])", r"\1_\2", name).lower()
        number = counts[name] = counts.get(name, -1) + 1
        groups[id(layer)] = f"{name}_{number}" if number else name
    return {f"layers/{groups[id(p.layer)]}/vars/{p.number}": p for p in places(live)}


def stored_shape(kept: Kept, shape: tuple[int, ...]) -> tuple[int, ...]:
    """The shape that Keras keeps a weight in; `shape` is one that is offered."""
    own = kept.weight.shape
    if kept.layer.op == "deconv" and kept.weight.role == "kernel":
        groups = kept.layer.groups  # type: ignore[attr-defined]
        return (*own[:-2], own[-1] // groups, own[-2] * groups)
    if kept.weight.role == "depthwise" and shape[-2:-1] == (1,):
        return (*own[:-2], 1, own[-2] * own[-1])
    if kept.weight.role in ("alpha", "scale"):
        ones = len(kept.layer.input) - 1
        if kept.weight.role == "alpha":
            return (*(1 for _ in range(ones)), *own)
        # A depthwise kernel of one pixel, one of groups in a volume, a plain factor.
        return {0: own, 1: (1, *own, 1), 2: (1, 1, *own, 1), 3: (1, 1, 1, 1, *own)}[ones]
    return own


def store(kept: Kept, value: Array, shape: tuple[int, ...]) -> Array:
    """A canonical weight as Keras keeps it, in its shape there."""
    if kept.layer.op == "deconv" and kept.weight.role == "kernel":
        value = swapped(value, kept.layer.groups)  # type: ignore[attr-defined]
    return numpy.ascontiguousarray(value).reshape(shape)


def swapped(kernel: Array, groups: int) -> Array:
    """A kernel (spatial…, in, out) as (spatial…, out, in) and back: of a group the one that
    comes first, of all of them the last."""
    *space, one, other = kernel.shape
    kernel = kernel.reshape(*space, one, groups, other // groups)
    return kernel.swapaxes(-1, -3).reshape(*space, other // groups, groups * one)


def restore(kept: Kept, value: Array) -> Array:
    """The canonical weight of an array as Keras keeps it."""
    if kept.layer.op == "deconv" and kept.weight.role == "kernel":
        value = swapped(value, kept.layer.groups)  # type: ignore[attr-defined]
    return numpy.array(value, order="C").reshape(kept.weight.shape)


def put(live: Live, weights: Mapping[str, Array], node: Node | None = None) -> None:
    """Put canonical weights into a model, or into one node of it."""
    for place in places(live, node):
        value = store(place.kept, weights[place.kept.key], tuple(place.variable.shape))
        place.variable.assign(value.astype(live.type))


def take(live: Live) -> Weights:
    """The canonical weights of a model."""
    from cnndsl.targets.keras.live import array

    return {p.kept.key: restore(p.kept, array(p.variable.value)) for p in places(live)}
