"""The columns that a table can have: a key, and what a row says there.

The titles are words of `cnndsl.lang`, by the same keys.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any, NamedTuple, TypeAlias

from cnndsl.lang import Words
from cnndsl.layers import Layer, Shape
from cnndsl.layers.conv import DepthwiseConv, TransposedConv
from cnndsl.layers.dense import Flatten
from cnndsl.layers.geometry import Reshape
from cnndsl.layers.pool import GlobalPool
from cnndsl.layers.source import call_of, uniform
from cnndsl.layers.values import Pair
from cnndsl.symbolic.form import Form
from cnndsl.tables.cells import Cell, Shapes, Share, Verbatim, Worked
from cnndsl.tables.rows import Row

Value: TypeAlias = Callable[[Row, "TableView"], Cell]


class TableView(NamedTuple):
    """How a table looks at its rows.

    * `words`: those of its language
    * `weights`: whether weights alone count, and `whole` the sum of what counts
    * `class_name`: what a framework calls a layer
    """

    words: Words
    weights: bool
    whole: int
    class_name: Callable[[Layer], str] = lambda layer: layer.title


class Column(NamedTuple):
    """What a row says, whether it is a number, and whether there is a sum of it.

    * `asks`: the kinds of facts (`cnndsl.tables.quiz`) that a quiz asks for by it, `input.`
      before those of what a layer reads; nothing where it is no question
    * `also`: the kinds of other facts that can be read off it
    * `wanted`: whether the column has a place in a style's table at all, from its rows
    """

    value: Value
    asks: str = ""
    also: str = ""
    right: bool = False
    summed: bool = False
    wanted: Callable[[list[Row]], bool] = lambda rows: True


def _count(value: Value, asks: str, also: str = "") -> Column:
    return Column(value, asks, also, right=True, summed=True)


def _channels(shapes: tuple[Shape, ...], row: Row) -> Cell:
    """The channels of images; a vector has none, nor has what takes channels as mere values."""
    if any(len(shape) == 1 for shape in shapes) or isinstance(row.layer, (Flatten, Reshape)):
        return None
    if len(shapes) == 1:
        return shapes[0][-1]
    return ", ".join(f"{shape[-1]:,}" for shape in shapes)


def _nodes(shapes: tuple[Shape, ...]) -> Cell:
    """The size of a vector."""
    return shapes[0][0] if len(shapes) == 1 and len(shapes[0]) == 1 else None


def _is_pool(row: Row) -> bool:
    return row.layer is not None and row.layer.family == "pool"


def _filter(row: Row, view: TableView) -> Cell:
    return None if _is_pool(row) else _window(row, view)


def _window(row: Row, view: TableView) -> Cell:
    kernel = getattr(row.layer, "kernel", None)
    return Shapes((kernel,)) if kernel else None


def _each(values: tuple[Any, ...]) -> Cell:
    """A number for each dimension: `2` where it is the same in all, else `(2, 1)`."""
    value = uniform(values)
    return Shapes((value,)) if isinstance(value, tuple) else value


def _stride(row: Row, view: TableView) -> Cell:
    windows = getattr(row.layer, "windows", None)
    if windows:
        return _each(tuple(window.stride for window in windows))
    stride = getattr(row.layer, "stride", None)
    return _each(stride) if stride else None


def _dilation(row: Row, view: TableView) -> Cell:
    windows = getattr(row.layer, "windows", None)
    dilations = tuple(window.dilation for window in windows or ())
    if isinstance(row.layer, TransposedConv):
        dilations = row.layer.dilation
    said = dilations and (not _is_pool(row) or max(dilations) > 1)
    return _each(dilations) if said else None


def _groups(row: Row, view: TableView) -> Cell:
    if isinstance(row.layer, DepthwiseConv):
        return row.layer.channels
    groups: int | None = getattr(row.layer, "groups", None)
    return groups


def _pooling(row: Row, view: TableView) -> Cell:
    if isinstance(row.layer, GlobalPool):
        return view.words["global"]
    return _window(row, view) if _is_pool(row) else None


def _pad_text(pad: Pair) -> str:
    return f"{pad.begin}" if pad.begin == pad.end else f"{pad.begin}:{pad.end}"


def _padding(row: Row, view: TableView) -> Cell:
    if getattr(row.layer, "same", None):
        return view.words["same"]
    pad = getattr(row.layer, "pad", None)
    if not pad:
        return None
    pads = uniform((pad,) if isinstance(pad, Pair) else pad)
    if isinstance(pads, Pair):
        return int(pads.begin) if pads.begin == pads.end else _pad_text(pads)
    return f"({', '.join(map(_pad_text, pads))})"


def _activation(row: Row, view: TableView) -> Cell:
    if row.layer is None:
        return None
    if row.layer.family == "activation":
        return call_of(row.layer)
    return row.layer.activation.op if row.layer.activation else None


def _weight_shape(row: Row, view: TableView) -> Cell:
    """The shapes of kernels, in Keras's order: the window, what comes in, what goes out."""
    shapes = [w.shape for w in row.layer.weights if w.role != "bias"] if row.layer else []
    return Shapes(tuple(shapes)) if shapes else None


def _sizes_worked(row: Row, view: TableView) -> Cell:
    return Worked(row.layer.sizes()) if row.layer and row.layer.sizes() else None


def _counts_worked(row: Row, view: TableView) -> Cell:
    if row.layer is None or row.shared:
        return None
    steps = row.layer.all_counts()
    if view.weights:
        steps = tuple(step for step in steps if step.symbol != "bias")
    return Worked(steps, summed=True) if steps else None


def _counted(row: Row, view: TableView) -> int:
    return row.weights if view.weights else row.params


def _share(row: Row, view: TableView) -> Cell:
    if row.training and not row.lent:
        return None  # which the whole is without
    counted, whole = _counted(row, view), view.whole
    if isinstance(counted, Form) or isinstance(whole, Form):
        return None  # which is another one for each size
    return Share(Fraction(counted, whole)) if whole else None


def _type(row: Row, view: TableView) -> Cell:
    if row.layer is None:
        return f"{row.name} ({row.title})"
    return f"{row.name} ({view.class_name(row.layer)})"


def _code(row: Row, view: TableView) -> Cell:
    return Verbatim(call_of(row.layer)) if row.layer else Verbatim(row.name)


_ARGUMENTS = "kernel filters stride padding dilation groups activation"
_COUNTED_FROM = "weight-shape kernel groups channels input.channels"
_WORKED_FROM = "channels input.shape input.channels kernel stride padding dilation"

COLUMNS: dict[str, Column] = {
    "layer": Column(lambda row, view: row.title),
    "name": Column(
        lambda row, view: Verbatim(row.name), wanted=lambda rows: any(row.named for row in rows)
    ),
    "code": Column(_code, also=_ARGUMENTS),
    "type": Column(_type),
    "input-channels": Column(
        lambda row, view: _channels(row.inputs, row), "input.channels", right=True
    ),
    "filter": Column(_filter, "kernel"),
    "output-channels": Column(
        lambda row, view: _channels((row.output,), row), "channels filters", right=True
    ),
    "kernel": Column(_window, "kernel"),
    "stride": Column(_stride, "stride"),
    "padding": Column(_padding, "padding", wanted=lambda rows: any(_padded(row) for row in rows)),
    "dilation": Column(_dilation, "dilation"),
    "groups": Column(_groups, "groups", right=True),
    "pooling": Column(_pooling, "kernel"),
    "activation": Column(_activation, "activation"),
    "input-shape": Column(lambda row, view: Shapes(row.inputs), "input.shape", "input.channels"),
    "output-shape": Column(lambda row, view: Shapes((row.output,)), "shape", "channels"),
    "batch-shape": Column(
        lambda row, view: f"(None, {', '.join(map(str, row.output))})", "shape", "channels"
    ),
    "input-nodes": Column(lambda row, view: _nodes(row.inputs), "input.shape", right=True),
    "output-nodes": Column(lambda row, view: _nodes((row.output,)), "shape filters", right=True),
    "weight-shape": Column(_weight_shape, "weight-shape", _COUNTED_FROM),
    "size-formula": Column(_sizes_worked, "shape", _WORKED_FROM),
    "parameter-formula": Column(_counts_worked, "weights biases", _COUNTED_FROM),
    "parameters": _count(_counted, "weights biases"),
    "weights": _count(lambda row, view: row.weights, "weights"),
    "biases": _count(lambda row, view: row.params - row.weights, "biases", "filters channels"),
    "trainable": _count(lambda row, view: row.trainable, "weights biases"),
    "multiply-adds": _count(lambda row, view: row.macs, "macs", "weights"),  # of dense: equal
    "flops": _count(lambda row, view: 2 * row.macs, "macs"),
    "field": Column(
        lambda row, view: Shapes((row.field,)) if row.field else None, "field", "kernel"
    ),
    "share": _count(_share, "weights biases"),
    "memory": _count(lambda row, view: 4 * row.values, "memory"),
    "note": Column(
        lambda row, view: row.note(view.words) or None,
        wanted=lambda rows: any(row.shared or row.frozen or row.training for row in rows),
    ),
}
"""The columns by their keys, in the order in which help lists them.

`flops` are twice the multiply-adds, and nothing else; a note says so. `memory` is that of the
output of one input, in float32: four bytes for each value. `note` says whose weights a row shares,
and what is frozen or there while training only.
"""


def _padded(row: Row) -> bool:
    pad = getattr(row.layer, "pad", None)
    return bool(getattr(row.layer, "same", None) or pad)


def title(key: str, view: TableView, style: str) -> str:
    """The title of a column: a style's own, or else one that says where weights alone count."""
    if f"{style}.{key}" in view.words:
        return view.words[f"{style}.{key}"]
    if view.weights:
        key = {"parameters": "weights", "share": "weight-share"}.get(key, key)
    return view.words[key]
