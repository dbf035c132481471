"""The network as a table in Markdown: what a write-up of a net shows of each layer.

The file is a line about the net, the table, and a line on the trainable parameters where
some are not. Cells come one by one from `COLUMNS`, and nothing repeats but rows, so that a
template would be longer than the code, and slower to load than the whole table is to write.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cnndsl.diagnostics.render import columns as width_of
from cnndsl.layers import ACTIVATIONS
from cnndsl.layers.values import Pair
from cnndsl.targets.rows import DEPTH, NONE, Column, remark, short_text, table, tuple_text

if TYPE_CHECKING:
    from typing import Any

    from cnndsl.layers import Shape
    from cnndsl.network import Network
    from cnndsl.targets.rows import Row

SUFFIX = ".md"
OPTIONS = (DEPTH,)

_WIDEST = 40
"""How far cells are filled up with spaces; a longer one sticks out, and no others with it."""


def generate(network: Network, *, depth: int | None = None) -> str:
    """The table of a network; `depth` bounds how deep calls of blocks are opened."""
    lines = [_caption(network), "", *_draw(table(network, COLUMNS, depth))]
    below = remark(network)
    if below:
        lines += ["", f"{below}."]
    return "\n".join(lines) + "\n"


def _caption(network: Network) -> str:
    inputs = ", ".join(tuple_text(network.nodes[index].output) for index in network.inputs)
    outputs = ", ".join(
        tuple_text(network.nodes[index].output)
        + (f" as {_code(name)}" if len(network.outputs) > 1 else "")
        for name, index in network.outputs.items()
    )
    params = network.totals.params
    return (
        f"{_code(network.name)}: {inputs} in, {outputs} out, "
        f"{params:,} parameter{'' if params == 1 else 's'}."
    )


def _draw(lines: list[list[str]]) -> list[str]:
    """The lines of a table, its columns filled up so that the text reads as a table too."""
    titles = lines[0]
    right = [title in _RIGHT for title in titles]
    widths = [
        min(_WIDEST, max(width_of(line[index]) for line in lines)) for index in range(len(titles))
    ]
    rule = [
        "-" * (width - 1) + ":" if flush else "-" * width
        for width, flush in zip(widths, right, strict=True)
    ]
    drawn = []
    for line in (titles, rule, *lines[1:]):
        cells = []
        for text, width, flush in zip(line, widths, right, strict=True):
            space = " " * (width - width_of(text))
            cells.append(space + text if flush else text + space)
        drawn.append(f"| {' | '.join(cells)} |")
    return drawn


def _code(text: str) -> str:
    """A text as code. Names hold neither of these; a caller's network might."""
    plain = " ".join(text.split()).replace("`", "'").replace("|", "\\|")
    return f"`{plain}`"


def _text(text: str) -> str:
    """A text as it is: everything that Markdown or HTML would take for more than itself escaped."""
    plain = " ".join(text.split()).replace("&", "&amp;").replace("<", "&lt;")
    return "".join(f"\\{c}" if c in "\\`*_[]|~" else c for c in plain)


def _channels(shapes: tuple[Shape, ...], row: Row) -> str:
    """The channels of images; a vector has none, nor has what takes channels as mere values."""
    if any(len(shape) == 1 for shape in shapes) or (row.layer and row.layer.op in _CHANNELLESS):
        return NONE
    return ", ".join(str(shape[-1]) for shape in shapes)


_CHANNELLESS = ("flatten", "reshape")


def _windows(row: Row, pool: bool) -> Any:
    """A layer's window, if it is (or is not) one of a pool."""
    if row.layer is None or ("pool" in row.layer.op) != pool:
        return None
    return getattr(row.layer, "kernel", None)


def _filter(row: Row) -> str:
    kernel = _windows(row, pool=False)
    return tuple_text(kernel) if kernel else NONE


def _stride(row: Row) -> str:
    windows = getattr(row.layer, "windows", None)
    if windows:
        return short_text(tuple(window.stride for window in windows))
    stride = getattr(row.layer, "stride", None)
    return short_text(stride) if stride else NONE


def _pooling(row: Row) -> str:
    if row.layer is not None and row.layer.op in ("gap", "gmp"):
        return "global"
    kernel = _windows(row, pool=True)
    return tuple_text(kernel) if kernel else NONE


def _padding(row: Row) -> str:
    if getattr(row.layer, "same", None):
        return "same"
    pad = getattr(row.layer, "pad", None)
    if not pad:
        return NONE
    pads = (pad,) if isinstance(pad, Pair) else pad
    texts = tuple(f"{p.begin}" if p.begin == p.end else f"{p.begin}:{p.end}" for p in pads)
    return short_text(texts)


def _activation(row: Row) -> str:
    if row.layer is None:
        return NONE
    if row.layer.op in ACTIVATIONS:
        return row.layer.op
    return row.layer.activation.op if row.layer.activation else NONE


COLUMNS = (
    Column("Layer", lambda row: _text(row.title), lambda network: "Total"),
    Column("Name", lambda row: _code(row.name)),
    Column("Input channels", lambda row: _channels(row.inputs, row), right=True),
    Column("Filter", _filter),
    Column("Output channels", lambda row: _channels((row.output,), row), right=True),
    Column("Stride", _stride),
    Column("Padding", _padding, optional=True),
    Column("Pooling", _pooling),
    Column("Activation", _activation),
    Column("Input shape", lambda row: ", ".join(map(tuple_text, row.inputs))),
    Column("Output shape", lambda row: tuple_text(row.output)),
    Column(
        "Parameters",
        lambda row: f"{row.params:,}",
        lambda network: f"{network.totals.params:,}",
        right=True,
    ),
)
"""The columns, in the order in which articles on convolutional nets have them."""

_RIGHT = {column.title for column in COLUMNS if column.right}
