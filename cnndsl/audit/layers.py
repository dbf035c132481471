"""The layers of a net as tables may have them, and all that is right to say of each.

The values are those of the columns of `cnndsl.tables`; beside each stand the other ways in which
people write the same: channels first, weights without biases, a kernel with its channels.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from itertools import count
from typing import Any, NamedTuple, TypeAlias

from cnndsl.audit.values import Value
from cnndsl.audit.words import languages
from cnndsl.layers import Layer, Shape
from cnndsl.layers.base import product
from cnndsl.layers.pool import GlobalPool
from cnndsl.layers.source import uniform
from cnndsl.network import Network
from cnndsl.tables.cells import Cell, Shapes, Share
from cnndsl.tables.columns import COLUMNS, TableView
from cnndsl.tables.formulas import is_trivial
from cnndsl.tables.rows import Row, rows

Right: TypeAlias = "tuple[str, Value]"
"""A way of counting or writing, empty for any, and what is right by it; None for none at all."""

COUNTS = ("parameters", "weights", "biases", "trainable", "non-trainable")
SUMMED = (*COUNTS, "multiply-adds", "flops", "memory", "share")
SHAPES = ("input-shape", "output-shape", "batch-shape")


class Station(NamedTuple):
    """A layer that a record may speak of: its row, its word, its place among those of its word.

    An input, and an activation that a layer has within itself, are `virtual`: they need no row.
    """

    row: Row
    op: str
    number: int
    virtual: bool


def stations(network: Network, depth: int | None) -> list[Station]:
    """The layers of a net in order, blocks folded to a depth; inputs and activations, too."""
    every = rows(network, depth)
    counts = ("params", "weights", "trainable", "macs", "values")
    none: dict[str, Any] = {"name": "", **dict.fromkeys(counts, 0)}
    found: list[tuple[Row, str, bool]] = []
    for shape in (network.nodes[index].output for index in network.inputs):
        blank = every[0]._replace(layer=None, inputs=(shape,), output=shape, field=(), **none)
        found.append((blank._replace(frozen=False), "input", True))
    for row in every:
        found.append((row, row.layer.op if row.layer else "block", False))
        if own := row.layer and row.layer.activation:
            fused = row._replace(layer=own, inputs=(row.output,), **none)
            found.append((fused, own.op, True))
    numbers: defaultdict[str, Iterator[int]] = defaultdict(lambda: count(1))
    return [Station(row, op, next(numbers[op]), virtual) for row, op, virtual in found]


def said(key: str, row: Row, whole: int = 0, weights: bool = False) -> Cell:
    """What a column of cnndsl's own tables says of a row; `whole` is what a share is of."""
    return COLUMNS[key].value(row, TableView(languages()[0], weights, whole))


def rights(key: str, row: Row, network: Network) -> list[Right]:
    """What is right in a column, the likeliest first; empty where nothing can be said."""
    key, _, place = key.partition(":")
    spatial, together = row.output[:-1], row.params - row.weights
    if place:  # one of the results of a formula
        at, number = map(int, place.split("/"))
        steps = row.layer.sizes() if row.layer else ()
        results = [step.value for step in steps if not is_trivial(step)]
        return [("", results[at])] if len(results) == number else []
    learned = row.trainable
    if row.layer and row.params:  # PyTorch counts no statistics
        learned = row.params - sum(w.size for w in row.layer.weights if not w.trainable)
    if key in ("parameters", "parameter-formula"):
        return [("all", row.params), ("learned", learned), ("weights", row.weights)]
    if key == "weights":
        return [("weights", row.weights), ("all", row.params)]
    if key == "non-trainable":
        return [("all", row.params - row.trainable), ("learned", learned - row.trainable)]
    if key in ("multiply-adds", "flops"):
        biased = row.macs + together * product(spatial)
        ways: list[Right] = [("macs", row.macs), ("biased", biased)]
        twice: list[Right] = [("flops", 2 * row.macs), ("biased-flops", 2 * biased)]
        return ways + twice if key == "multiply-adds" else twice + ways
    if key == "memory" and not row.values:  # that of an input may be counted or not
        return []
    if key == "memory":
        return [("float32", 4 * row.values), ("values", row.values), ("float16", 2 * row.values)]
    if key == "share":
        totals = network.totals
        shares = said(key, row, totals.params), said(key, row, totals.weights, True)
        return [(way, _value(share)) for way, share in zip(("all", "weights"), shares)]
    if key in SHAPES or key == "size-formula":
        return _shaped(row.inputs if key == "input-shape" else (row.output,))
    if key in ("height", "width"):
        return [("", size) for size in spatial[key == "width" :][:1]]
    if key.startswith(("input-", "output-")):
        shapes = row.inputs if key.startswith("input") else (row.output,)
        sizes: list[Value] = [*(shape[-1] for shape in shapes), *map(product, shapes)]
        own = _value(said(key, row))
        return [
            ("", each) for each in (*sizes, sum(s[-1] for s in shapes), own) if each is not None
        ]
    if key in ("biases", "trainable"):
        return [("all", _value(said(key, row)))]
    return list(dict.fromkeys(_arguments(key, row, row.layer))) if row.layer else []


def _arguments(key: str, row: Row, layer: Layer) -> Iterator[Right]:
    """What is right in a column of a layer's own arguments."""
    windows = getattr(layer, "windows", None) or ()
    if key in ("filter", "kernel", "pooling"):
        kernel = getattr(layer, "kernel", None)
        before, after = row.inputs[0][-1], row.output[-1]
        if isinstance(layer, GlobalPool):
            kernel = row.inputs[0][:-1]
            yield from (("size", each["global"]) for each in languages())
        if kernel and (key != "pooling" or layer.family == "pool"):
            for more in ((), (after,), (before,), (before, after)):
                yield "size", ((*kernel, *more),)
            yield from (("size", ((after, *kernel),)), ("size", ((after, before, *kernel),)))
            if layer.family == "conv":
                yield "count", after
        else:
            yield "size", None
            yield from _weight_shapes(layer) if key != "pooling" else ()
    elif key == "weight-shape":
        yield from _weight_shapes(layer) or [("", None)]
    elif key == "padding":
        yield "", _value(said(key, row))
        pads = [(window.begin, window.end) for window in windows]
        if not any(map(any, pads)):
            yield from (("", None), ("", 0), ("", "valid"), ("", "no"))
        if pads and all(begin == end for begin, end in pads):
            size = uniform(tuple(begin for begin, _ in pads))
            yield "", (size,) if isinstance(size, tuple) else size
        if windows and all(each.output == -(-each.size // each.stride) for each in windows):
            yield "", "same"
    elif key in ("dilation", "groups"):
        value = _value(said(key, row))
        yield from [("", value)] if value not in (None, 1) else [("", 1), ("", None)]
    elif key == "activation":
        own = layer if layer.family == "activation" else layer.activation
        yield from (("", name) for name in ([own.op] if own else (None, "linear", "identity")))
    elif key == "field" or (key == "stride" and not isinstance(layer, GlobalPool)):
        yield "", _value(said(key, row))


def _shaped(shapes: tuple[Shape, ...]) -> list[Right]:
    """Shapes with the channels last or first, or without them; each of several by itself, too."""
    ways: list[Right] = []
    for these in (shapes, *((shape,) for shape in shapes)):
        ranked = any(len(shape) > 1 for shape in these)
        ways.append(("last" if ranked else "", these))
        if ranked:
            ways.append(("first", tuple((shape[-1], *shape[:-1]) for shape in these)))
    images = [shape for shape in shapes if len(shape) > 1]
    ways += [("", (shape[:-1],)) for shape in images]
    # As `Feature maps: 6`, and as what is flattened.
    return ways + [("", each) for shape in images for each in (shape[-1], product(shape))]


def _weight_shapes(layer: Layer) -> list[Right]:
    """The shapes of kernels in the order of Keras, and of PyTorch."""
    shapes = tuple(each.shape for each in layer.weights if each.role != "bias")
    if not shapes or layer.family not in ("conv", "dense"):
        return []
    return [("keras", shapes), ("torch", tuple((s[-1], s[-2], *s[:-2]) for s in shapes))]


def _value(cell: Cell) -> Value:
    """What stands in a cell, as a value."""
    if isinstance(cell, Shapes):
        return cell.shapes
    if isinstance(cell, Share):
        return cell.value
    assert cell is None or isinstance(cell, (int, str)), cell
    return cell
