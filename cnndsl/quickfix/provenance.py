"""Which layer a size comes from."""

from __future__ import annotations

import re

from cnndsl.diagnostics import Note
from cnndsl.layers import Layer
from cnndsl.layers.base import DIMENSIONS
from cnndsl.layers.derivation import Derivation
from cnndsl.network import Node
from cnndsl.network.evaluation import Evaluation, ShapeError
from cnndsl.quickfix.sites import layers
from cnndsl.quickfix.words import shortened, written


def provenance(outcome: Evaluation, error: ShapeError) -> tuple[Note, ...]:
    """The layers that the sizes at fault come from, with the arithmetic."""
    names = DIMENSIONS.get(len(error.shape) - 1, ())
    found: dict[tuple[int, int, str], list[str]] = {}
    for index in dict.fromkeys(error.inputs):
        for axis in error.axes:
            node = maker(outcome, index, axis)
            if node is not None and axis < len(names):
                key = (node.index, node.output[axis], arithmetic(node.layer, axis))
                found.setdefault(key, []).append(names[axis])
    notes: dict[str, None] = {}
    for (index, size, how), axes in found.items():
        what = f"the {size}" if len(axes) == len(error.axes) else f"the {axes[0]} of {size}"
        note = f"{what} comes from {_told(outcome, outcome.nodes[index], error)}"
        notes[f"{note}: {how}" if how else note] = None
    return tuple(map(Note, [*notes][:2]))


def maker(outcome: Evaluation, index: int, axis: int) -> Node | None:
    """The nearest layer that changed a size on the way to a node; None for the input."""
    while True:
        node = outcome.nodes[index]
        if not node.inputs or axis >= len(node.output) - 1:  # a vector, beside images
            return None
        before, after = node.layer.input, node.output
        if len(before) != len(after) or before[axis] != after[axis]:
            return node
        index = node.inputs[0]


def _told(outcome: Evaluation, node: Node, error: ShapeError) -> str:
    """A layer as it stands in the text, and where that is."""
    source = outcome.source
    made = layers(outcome.module).get(node.span)
    text = written(source, made, ()) if made else shortened(node.op)
    here, there = (source.position(span.start).line for span in (error.span, node.span))
    return f"`{text}` on line {there}" if here != there else f"`{text}` on this line"


def arithmetic(layer: Layer, axis: int) -> str:
    """How a layer comes to a size: `12 - 4 + 1`, `24 / 2`; nothing where it is no sum."""
    windows = getattr(layer, "windows", ())
    if not windows or getattr(layer, "same", None):
        steps = layer.sizes()
        return _numbers(steps[axis]) if axis < len(steps) else ""
    window = windows[axis]
    pads = f" + {window.begin} + {window.end}" if window.begin or window.end else ""
    if window.dropped or window.extra:
        down = "down" if window.dropped else "up"
        return f"({window.size}{pads} - {window.extent}) / {window.stride} + 1, rounded {down}"
    if window.stride == 1:
        return f"{window.size}{pads} - {window.extent} + 1"
    if window.stride == window.extent and not pads:
        return f"{window.size} / {window.stride}"
    return f"({window.size}{pads} - {window.extent}) / {window.stride} + 1"


def _numbers(step: Derivation) -> str:
    """A formula with its numbers put in; nothing where it is a number by itself."""
    words = re.sub(r"[A-Za-z_]\w*", lambda m: str(step.values.get(m[0], m[0])), step.formula)
    return "" if words == str(step.value) else words.replace("/", " / ").replace("*", " * ")
