"""How a layer is written back: from its values to the language."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

from cnndsl.layers.base import Layer, Slot, show
from cnndsl.layers.values import FACTORS, PADS, SIZES, Pair, in_size, show_value

_SAID_ANYWAY = ("nearest",)
"""Flags that say the default."""


def call_of(layer: Layer) -> str:
    """How a layer would be written: its word and all arguments that are not the default.

    They stand in canonical order and as numbers: `conv 64 7x7 /2 pad=3 nobias`. One number
    stands for the same one in all dimensions, but for kernels, which have all of theirs.
    """
    if layer.op == "input":
        return f"input {show(layer.output)}"
    return " ".join((layer.op, *(text for _, text in arguments_of(layer))))


def arguments_of(layer: Layer) -> Iterator[tuple[Slot, str]]:
    """The arguments of a layer that are not the default, each as it is written."""
    for slot in layer.slots:
        value = getattr(layer, slot.name)
        if slot.form == "act":
            if layer.activation is not None:
                yield slot, layer.activation.op
        elif value is None or (not slot.required and is_default(layer, slot, uniform(value))):
            continue
        elif slot.form == "flag":
            yield slot, slot.name
        else:
            before = {"/": "/", "key": f"{slot.name}="}.get(slot.form, "")
            short = slot.kind in (SIZES, PADS, FACTORS) and slot.name != "kernel"
            yield slot, before + written_value(uniform(value) if short else value)


def is_default(layer: Layer, slot: Slot, value: Any) -> bool:
    """Whether a layer would be the same without an argument of its."""
    if slot.form == "flag":
        return not value or slot.name in _SAID_ANYWAY or slot.name == layer.context.rounding
    default = slot.default_in(layer.context)
    if slot.form == "/" and default is None:  # the step of a pool
        default = uniform(getattr(layer, "kernel", None))
    return bool(value == default or (slot.kind is PADS and value == Pair(0, 0)))


def written_value(value: Any) -> str:
    """A value as the language writes it; begin and end in one where they are the same.

    Fractions stand in parentheses, and so do sizes that are made of them.
    """
    if isinstance(value, Pair):
        return show_value(value.begin if value.begin == value.end else value)
    if isinstance(value, tuple):
        parts = [written_value(each).strip("()") for each in value]
        return "x".join(parts) if all(map(in_size, value)) else f"({', '.join(parts)})"
    if isinstance(value, float) and float(show_value(value)) != value:
        share = Fraction(value).limit_denominator(1000)  # as of a third, which no digits are
        value = share if float(share) == value else value
    return f"({value})" if getattr(value, "denominator", 1) != 1 else show_value(value)


def uniform(value: Any) -> Any:
    """The one value of a tuple whose values are all the same; else the value itself."""
    if isinstance(value, tuple) and not isinstance(value, Pair):
        return value[0] if value.count(value[0]) == len(value) else value
    return value
