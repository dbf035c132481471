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
                words.append(f"{slot.name}={written_value(value)}")
        else:
            words.append(("/" if slot.form == "/" else "") + written_value(value))
    return " ".join(words)


def written_value(value: Any) -> str:
    """A value as the language writes it; begin and end in one where they are the same.

    Fractions stand in parentheses, and so do sizes that are made of them.
    """
    if isinstance(value, Pair):
        return show_value(value.begin if value.begin == value.end else value)
    if isinstance(value, tuple):
        parts = [written_value(each) for each in value]
        if all(map(in_size, value)):
            return "x".join(parts)
        return parts[0] if len({*parts}) == 1 else f"({', '.join(parts)})"
    return f"({value})" if getattr(value, "denominator", 1) != 1 else show_value(value)


def uniform(value: Any) -> Any:
    """The one value of a tuple whose values are all the same; else the value itself."""
    if isinstance(value, tuple) and not isinstance(value, Pair):
        return value[0] if value.count(value[0]) == len(value) else value
    return value
