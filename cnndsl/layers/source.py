"""How a layer is written back: from its values to the language."""

from __future__ import annotations

from typing import Any

from cnndsl.layers.base import Layer
from cnndsl.layers.values import AXIS, NATURAL, PADS, SIZES, Pair, in_size, show_value

_SHAPING = (NATURAL, SIZES, PADS, AXIS)
"""The kinds of value that a named argument about shapes or counts has."""


def call_of(layer: Layer) -> str:
    """How a layer would be written, without what changes neither shapes nor counts.

    That is its values, window, activation, stride, padding and flags, as numbers:
    `conv 64 7x7 /2 pad=3 nobias`.
    """
    words = [layer.op]
    for slot in layer.slots:
        value = getattr(layer, slot.name)
        if slot.form == "act":
            words += [layer.activation.op] if layer.activation else []
        elif value is None or uniform(value) == slot.default:
            continue
        elif slot.form == "flag":
            words.append(slot.name)
        elif slot.form == "key":
            if slot.kind in _SHAPING:
                words.append(f"{slot.name}={_written(value)}")
        else:
            words.append(("/" if slot.form == "/" else "") + _written(value))
    return " ".join(words)


def _written(value: Any) -> str:
    """A value as the language writes it; begin and end in one where they are the same."""
    if isinstance(value, Pair):
        return show_value(value.begin if value.begin == value.end else value)
    if isinstance(value, tuple) and all(map(in_size, value)):
        return "x".join(map(_written, value))
    return show_value(value)


def uniform(value: Any) -> Any:
    """The one value of a tuple whose values are all the same; else the value itself."""
    if isinstance(value, tuple) and not isinstance(value, Pair):
        return value[0] if value.count(value[0]) == len(value) else value
    return value
