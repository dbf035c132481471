"""Which layer a size comes from."""

from __future__ import annotations

import re

from cnndsl.diagnostics import Note
from cnndsl.diagnostics.message import Message
from cnndsl.layers import Layer
from cnndsl.layers.base import DIMENSIONS
from cnndsl.layers.derivation import Derivation
from cnndsl.network import Node
from cnndsl.network.evaluation import Evaluation, ShapeError
from cnndsl.quickfix.sites import layers, maker
from cnndsl.quickfix.words import shortened, written


def provenance(outcome: Evaluation, error: ShapeError) -> tuple[Note, ...]:
    """The layers that the sizes at fault come from, with the arithmetic."""
    names = DIMENSIONS.get(len(error.shape) - 1, ())
    found: dict[tuple[int, int, str | Message], list[Message]] = {}
    for index in dict.fromkeys(error.inputs):
        for axis in error.axes:
            node = maker(outcome, index, axis)
            if node is not None and axis < len(names):
                key = (node.index, node.output[axis], arithmetic(node.layer, axis))
                found.setdefault(key, []).append(names[axis])
    notes: dict[Message, None] = {}
    for (index, size, how), axes in found.items():
        layer = _told(outcome, outcome.nodes[index], error)
        if len(axes) == len(error.axes):
            note = Message("the {size} comes from {layer}", size=size, layer=layer)
        else:
            note = Message(
                "the {axis} of {size} comes from {layer}", axis=axes[0], size=size, layer=layer
            )
        notes[Message("{note}: {formula}", note=note, formula=how) if how else note] = None
    return tuple(map(Note, [*notes][:2]))


def _told(outcome: Evaluation, node: Node, error: ShapeError) -> Message:
    """A layer as it stands in the text, and where that is."""
    source = outcome.source
    made = layers(outcome.module).get(node.span)
    code = written(source, made, ()) if made else shortened(node.op)
    here, there = (source.position(span.start).line for span in (error.span, node.span))
    if here == there:
        return Message("`{code}` on this line", code=code)
    return Message("`{code}` on line {line}", code=code, line=there)


def arithmetic(layer: Layer, axis: int) -> str | Message:
    """How a layer comes to a size: `12 - 4 + 1`, `24 / 2`; nothing where it is no sum."""
    windows = getattr(layer, "windows", ())
    if not windows or getattr(layer, "same", None):
        steps = layer.sizes()
        return _numbers(steps[axis]) if axis < len(steps) else ""
    window = windows[axis]
    pads = f" + {window.begin} + {window.end}" if window.begin or window.end else ""
    if window.dropped or window.extra:
        sum_ = f"({window.size}{pads} - {window.extent}) / {window.stride} + 1"
        if window.dropped:
            return Message("{formula}, rounded down", formula=sum_)
        return Message("{formula}, rounded up", formula=sum_)
    if window.stride == 1:
        return f"{window.size}{pads} - {window.extent} + 1"
    if window.stride == window.extent and not pads:
        return f"{window.size} / {window.stride}"
    return f"({window.size}{pads} - {window.extent}) / {window.stride} + 1"


def _numbers(step: Derivation) -> str:
    """A formula with its numbers put in; nothing where it is a number by itself."""
    words = re.sub(r"[A-Za-z_]\w*", lambda m: str(step.values.get(m[0], m[0])), step.formula)
    return "" if words == str(step.value) else words.replace("/", " / ").replace("*", " * ")
