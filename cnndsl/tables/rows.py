"""The rows of tables: one for each layer, or for a block's call where blocks are folded.

`cnndsl.tables.styles` makes tables of them for documents; `SUMMARY` is the table of a terminal.
"""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple

from cnndsl.lang import words as words_of
from cnndsl.layers.base import product, show
from cnndsl.layers.source import call_of
from cnndsl.network.network import Choice, Instance, Loop, Merged, Side

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from cnndsl.lang import Words
    from cnndsl.layers import Layer, Shape
    from cnndsl.network import Network, Node
    from cnndsl.network.network import Body


class Row(NamedTuple):
    """A line of a table.

    * `name`: the layer's name in the network, or the name of a block's call
    * `kind`: what it is, in words, and `number`: the how-manieth of its kind, or 0 for the
      only one
    * `inputs`, `output`: shapes, channels last
    * `layer`: the layer, or None for a call of a block that is folded
    * `field`: the receptive field of the output
    * `values`: how many numbers its outputs hold, those inside a folded call among them
    * `named`: whether its name says more than its title, as one does that a file or a block gave
    """

    name: str
    kind: str
    number: int
    inputs: tuple[Shape, ...]
    output: Shape
    params: int
    weights: int
    trainable: int
    macs: int
    field: tuple[int, ...]
    layer: Layer | None
    values: int
    named: bool

    @property
    def title(self) -> str:
        """What it is, in words and numbered: `Convolution 2`."""
        return f"{self.kind} {self.number}" if self.number else self.kind


class Column(NamedTuple):
    """A title, the text of a row's cell, and that of the row of sums."""

    title: str
    cell: Callable[[Row], str]
    total: Callable[[Network], str] = lambda network: ""
    right: bool = False


def rows(network: Network, depth: int | None = None, words: Words | None = None) -> list[Row]:
    """The rows of a network, in topological order and without its inputs.

    `depth` bounds how deep calls of blocks are opened: 1 makes one row of every call in the
    file itself, 2 opens those and folds the calls inside them. None opens all. The row of a
    folded call has the sums of its layers. `words` are those of the kinds, English unless given.
    """
    words = words or words_of()
    if depth is None:
        found = [layer_row(network, node, words) for node in network.layers]
    elif depth < 1:
        raise ValueError(f"depth must be at least 1, not {depth}")
    else:
        found = list(_folded(network, depth, words))
    counts: dict[str, int] = {}
    for row in found:
        counts[row.kind] = counts.get(row.kind, 0) + 1
    seen: dict[str, int] = {}
    for index, row in enumerate(found):
        if counts[row.kind] > 1:
            seen[row.kind] = seen.get(row.kind, 0) + 1
            found[index] = row._replace(number=seen[row.kind])
    return found


def _folded(network: Network, depth: int, words: Words) -> Iterator[Row]:
    """The rows where calls of blocks are opened less than `depth` deep."""
    calls = dict(_calls(network.body, ()))
    # A call's layers follow one another, as it is expanded in one go.
    for path, group in groupby(network.layers, lambda node: node.instance[:depth]):
        if len(path) < depth:
            yield from (layer_row(network, node, words) for node in group)
        else:
            yield _call_row(network, list(group), path, calls[path], words)


def _calls(body: Body, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Instance]]:
    """All calls of blocks in a body, by the names of the calls around them and their own."""
    for item in body.items:
        if isinstance(item, Instance):
            below = (*path, item.name)
            yield below, item
            yield from _calls(item.body, below)
        elif isinstance(item, (Side, Choice)):
            if item.body is not None:
                yield from _calls(item.body, path)
        elif isinstance(item, Merged):
            for inner in item.paths:
                yield from _calls(inner, path)
        elif isinstance(item, Loop):
            for inner in item.bodies:
                yield from _calls(inner, path)


def layer_row(network: Network, node: Node, words: Words) -> Row:
    """The row of a layer, not numbered."""
    layer = node.layer
    params = layer.params
    return Row(
        node.name,
        words.layer(layer.op, layer.title),
        0,
        tuple(network.nodes[index].output for index in node.inputs),
        node.output,
        params,
        params - layer.biases,
        layer.trainable,
        layer.macs,
        node.receptive_field,
        layer,
        product(node.output),
        node.alias is not None or bool(node.instance),
    )


def _call_row(
    network: Network, group: list[Node], path: tuple[str, ...], call: Instance, words: Words
) -> Row:
    inside = {node.index for node in group}
    sources = dict.fromkeys(index for node in group for index in node.inputs if index not in inside)
    output = network.nodes[call.body.output]
    params = sum(node.layer.params for node in group)
    return Row(
        ".".join(path),
        words["block"].format(name=call.block.name.id),
        0,
        tuple(network.nodes[index].output for index in sources),
        output.output,
        params,
        params - sum(node.layer.biases for node in group),
        sum(node.layer.trainable for node in group),
        sum(node.layer.macs for node in group),
        output.receptive_field,
        None,
        sum(product(node.output) for node in group),
        True,
    )


def remark(network: Network) -> str:
    """How the parameters part into trainable and others; empty where all are trainable."""
    totals = network.totals
    if not totals.non_trainable:
        return ""
    return (
        f"Trainable parameters: {totals.trainable:,}; "
        f"non-trainable parameters: {totals.non_trainable:,}"
    )


SUMMARY = (
    Column("name", lambda row: row.name, lambda network: "total"),
    Column(
        "layer",
        lambda row: call_of(row.layer) if row.layer else row.kind[:1].lower() + row.kind[1:],
    ),
    Column("output", lambda row: show(row.output)),
    Column(
        "params", lambda row: f"{row.params:,}", lambda net: f"{net.totals.params:,}", right=True
    ),
    Column(
        "multiply-adds", lambda row: f"{row.macs:,}", lambda net: f"{net.totals.macs:,}", right=True
    ),
    Column("field", lambda row: show(row.field)),
)
"""The columns of `cnndsl show`."""


def summary(network: Network, depth: int | None = None) -> list[list[str]]:
    """The table that `cnndsl show` draws: titles, a list for each row, sums.

    The columns are those of `SUMMARY`, all of them; `Column.right` says which hold numbers.
    `remark` is what to say below the table.
    """
    return [
        [column.title for column in SUMMARY],
        *([column.cell(row) for column in SUMMARY] for row in rows(network, depth)),
        [column.total(network) for column in SUMMARY],
    ]
