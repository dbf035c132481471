"""The arguments of a layer, apart from what follows from the shapes that it gets."""

from __future__ import annotations

from typing import Any, NamedTuple

from cnndsl.layers import Layer
from cnndsl.layers.merge import Merge
from cnndsl.layers.source import call_of, uniform, written_value
from cnndsl.layers.values import Pair
from cnndsl.layers.window import rounding_of

# Flags that are no argument of their own: how to round shows where it matters, `nearest` says
# the default, and `same` is a padding.
_APART = ("floor", "ceil", "nearest", "same")


class Change(NamedTuple):
    """An argument that is not the same on two sides; None where a side does not have it."""

    name: str
    old: str | None
    new: str | None


def arguments_of(layer: Layer) -> tuple[tuple[str, Any], ...]:
    """The arguments of a layer as values that compare, however they were written.

    One number stands for the same number in every dimension, and what was left open has the
    value that the layer took.
    """
    found: list[tuple[str, Any]] = [("op", layer.op)]
    if layer.op == "input":
        return ("op", "input"), ("size", layer.output)
    for slot in layer.slots:
        name = slot.name
        if slot.form == "act":
            if layer.activation is not None:
                found.append((name, arguments_of(layer.activation)))
        elif name == "pad" and hasattr(layer, "same"):
            pad = getattr(layer, name)
            found.append((name, "same" if layer.same else _plain(pad)))
        elif name not in _APART:
            value = getattr(layer, name)
            windows = getattr(layer, "windows", None)
            if windows and name in ("kernel", "stride", "dilation"):
                value = tuple(getattr(window, name) for window in windows)
            if value is None and slot.form != "flag" and name != "pad":
                continue  # as the kernel, where `to=` says the size
            if name != "shape":  # where each size counts
                value = bool(value) if slot.form == "flag" else _plain(value)
            found.append((name, value))
    return tuple(found)


def _plain(value: Any) -> Any:
    """One value where all dimensions have the same; padding of nothing as 0; decimals without
    what rounding alone tells apart, as Python's 3 * 0.025 from 0.075."""
    value = uniform(value) if value else value
    if isinstance(value, float):
        return float(f"{value:.12g}")
    if isinstance(value, tuple) and any(isinstance(each, float) for each in value):
        return tuple(map(_plain, value))
    return 0 if value in (None, Pair(0, 0)) else value


def effect(layer: Layer) -> tuple[Any, ...]:
    """All that a layer does at its place: its arguments, its shapes, its weights.

    Padding counts as the pixels that it comes to, so that `same` and `pad=1` are one where
    they do the same.
    """
    arguments = tuple(each for each in arguments_of(layer) if each[0] != "pad")
    weights = tuple((each.role, each.shape, each.trainable) for each in layer.all_weights)
    inputs = layer.inputs if isinstance(layer, Merge) else (layer.input,)
    return arguments, padding(layer), inputs, layer.output, weights


def padding(layer: Layer) -> Any:
    """The pixels that a layer adds, drops or crops at its place, per dimension."""
    windows = getattr(layer, "windows", None)
    if windows:
        return tuple((each.begin, each.end, each.extra, each.dropped) for each in windows)
    found = (
        getattr(layer, "crop", None),
        getattr(layer, "grow", None),
        getattr(layer, "pad", None),
    )
    return tuple(_plain(each) for each in found) if layer.op != "deconv" else found[:2]


def changed(old: Layer, new: Layer) -> list[Change]:
    """The arguments that differ, as the language writes them."""
    if old.op != new.op:
        return [Change("layer", call_of(old), call_of(new))]
    before, after = dict(arguments_of(old)), dict(arguments_of(new))
    found = []
    for name in dict.fromkeys((*before, *after)):
        one, two = before.get(name), after.get(name)
        if one == two:
            continue
        if name == "pad" and old.input[:-1] == new.input[:-1] and padding(old) == padding(new):
            continue  # the same pixels, in other words
        if name == "activation" and one and two and one[0] == two[0]:
            found += changed(*map(_activation, (old, new)))  # as a slope, by other defaults
            continue
        found.append(Change(name, _argument(old, name, one), _argument(new, name, two)))
    if old.is_rounded or new.is_rounded:
        one, two = rounding_of(old), rounding_of(new)
        if one != two:
            found.append(Change("rounding", one, two))
    return found


def _activation(layer: Layer) -> Layer:
    assert layer.activation is not None
    return layer.activation


def _argument(layer: Layer, name: str, value: Any) -> str | None:
    """An argument as the language writes it; a kernel with all its dimensions."""
    return _shown(name, getattr(layer, name) if name == "kernel" and value else value)


def _shown(name: str, value: Any) -> str | None:
    if value is None or value is False:
        return None
    if name == "activation":
        return str(value[0][1])
    if value is True:
        return name
    return written_value(value)
