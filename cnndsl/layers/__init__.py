"""The layers of the language, one family a file."""

from __future__ import annotations

from collections.abc import Callable

from cnndsl.layers import (
    activation,
    conv,
    dense,
    geometry,
    merge,
    norm,
    pool,
    rearrange,
    regular,
)
from cnndsl.layers.base import Context, Layer, LayerError, Shape, Slot, Weight

ACTIVATIONS: dict[str, type[activation.Activation]] = {
    layer.op: layer for layer in activation.LAYERS if not any(slot.required for slot in layer.slots)
}
"""The functions that can be written after a layer, where they get no arguments."""
MERGES: dict[str, type[merge.Merge]] = {layer.op: layer for layer in merge.LAYERS}
LAYERS: dict[str, type[Layer]] = {
    layer.op: layer
    for module in (conv, pool, dense, norm, regular, activation, geometry, rearrange)
    for layer in module.LAYERS
}
"""Layers of one input by their word; merges stand apart in `MERGES`."""


def words(test: Callable[[type[Layer]], object]) -> tuple[str, ...]:
    """The words of the layers that pass a test, in the order of `LAYERS`."""
    return tuple(op for op, layer in LAYERS.items() if test(layer))


def family(*names: str) -> tuple[str, ...]:
    """The words of the layers of some families; see `Layer`."""
    return words(lambda layer: layer.family in names)


def taking(*slots: str) -> tuple[str, ...]:
    """The words of the layers that take one of some arguments."""
    return words(lambda layer: any(slot.name in slots for slot in layer.slots))


def argument_order(name: str) -> tuple[str, ...] | None:
    """A layer's arguments in canonical order, for the formatter; None for no layer.

    `*` stands for its positional values, `act` for an activation, `/` for the stride,
    `key=` for a keyword, and a bare word for a flag.
    """
    layer = LAYERS.get(name) or MERGES.get(name)
    if layer is None:
        return None
    forms = {"value": "*", "act": "act", "/": "/"}
    order = []
    for slot in layer.slots:
        word = slot.name + ("=" if slot.form == "key" else "")
        form = forms.get(slot.form, word)
        if form not in order:
            order.append(form)
    return tuple(order if "*" in order else ["*", *order])


__all__ = [
    "ACTIVATIONS",
    "LAYERS",
    "MERGES",
    "Context",
    "Layer",
    "LayerError",
    "Shape",
    "Slot",
    "Weight",
    "argument_order",
    "family",
    "taking",
    "words",
]
