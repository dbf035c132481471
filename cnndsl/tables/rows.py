"""The rows of tables: one for each layer, or for a block's call where blocks are folded.

`cnndsl.tables.styles` makes tables of them for documents; `summary` is the table of a terminal.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Container, Iterator, Sequence
from typing import NamedTuple

from cnndsl.lang import Words
from cnndsl.lang import words as words_of
from cnndsl.layers import Layer, Shape
from cnndsl.layers.base import product, show
from cnndsl.layers.source import call_of
from cnndsl.network import Network, Node
from cnndsl.network.network import Body, Instance
from cnndsl.network.walk import children


class Row(NamedTuple):
    """A line of a table.

    * `name`: the layer's name in the network, or the name of a block's call
    * `kind`: what it is, in words, and `number`: its place among those of its kind, or 0 for
      the only one
    * `inputs`, `output`: shapes, channels last
    * `layer`: the layer, or None for a call of a block that is folded
    * `field`: the receptive field of the output
    * `values`: how many numbers its outputs hold, those inside a folded call among them
    * `named`: whether its name says more than its title, as one does that a file or a block gave
    * `at`, `reads`, `nodes`: the nodes of its output, of its inputs, and all that it stands for
    * `shared`: the names of the rows that keep the weights that it has, where it keeps none
    * `frozen`: whether it has weights, and none of them learns
    * `training`: whether it belongs to an output that exists while training only; `lent` says
      whether the rest of the net has weights that it keeps
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
    at: int
    reads: tuple[int, ...]
    nodes: tuple[int, ...]
    shared: tuple[str, ...] = ()
    frozen: bool = False
    training: bool = False
    lent: bool = False

    @property
    def title(self) -> str:
        """What it is, in words and numbered: `Convolution 2`."""
        return f"{self.kind} {self.number}" if self.number else self.kind

    def note(self, words: Words) -> str:
        """What there is to say beside its numbers; empty for nothing."""
        return notes_of(self.shared, self.frozen, self.training, words)


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
    if any(row.training for row in found):
        found = list(_with_lenders(network, found))
    counts = Counter(row.kind for row in found)
    seen = {kind: itertools.count(1) for kind, number in counts.items() if number > 1}
    return [row._replace(number=next(seen[row.kind])) if row.kind in seen else row for row in found]


def _folded(network: Network, depth: int, words: Words) -> Iterator[Row]:
    """The rows where calls of blocks are opened less than `depth` deep."""
    calls = dict(_calls(network.body, ()))
    for path, nodes in grouped(network.layers, depth):
        if len(path) < depth:
            yield from (layer_row(network, node, words) for node in nodes)
        else:
            # A net with errors may have layers of a call that did not come to its end.
            call = calls.get(path)
            name = call.block.name.id if call else path[-1]
            kind = words["block"].format(name=name)
            output = network.nodes[call.body.output] if call else nodes[-1]
            row = _row(network, ".".join(path), kind, sources_of(nodes), output, nodes)
            yield row._replace(shared=shared_with(network.nodes, nodes, depth))


def _with_lenders(network: Network, found: Sequence[Row]) -> Iterator[Row]:
    """Rows with those of heads for training told apart whose weights the rest of the net has."""
    lent = {node.shared_with for node in network.nodes if not node.training_only}
    nodes = iter(network.layers)
    for row in found:
        inside = list(itertools.islice(nodes, len(row.nodes)))
        is_lent = row.training and any(node.index in lent for node in inside)
        yield row._replace(lent=is_lent) if is_lent else row


def grouped(
    nodes: Sequence[Node], depth: int
) -> Iterator[tuple[tuple[str, ...], tuple[Node, ...]]]:
    """Layers in groups, those of a call `depth` deep together, as they follow one another.

    Each comes with the names of the calls around it, which are fewer for what is in no such call.
    """
    for path, group in itertools.groupby(nodes, lambda node: node.instance[:depth]):
        yield path, tuple(group)


def shared_with(every: Sequence[Node], nodes: Sequence[Node], depth: int) -> tuple[str, ...]:
    """Whose weights some layers have that keep none: calls so deep, or layers in fewer calls."""
    kept = [node.shared_with for node in nodes if node.layer.all_weights]
    names: dict[str, None] = {}
    for index in kept:
        if index is None:
            return ()
        node = every[index]
        call = node.instance[:depth]
        names[".".join(call) if len(call) == depth else node.name] = None
    return tuple(names)


def inputs_of(network: Network, nodes: Sequence[Node]) -> tuple[Shape, ...]:
    """The shapes of what some layers read from outside."""
    return tuple(network.nodes[index].output for index in sources_of(nodes))


def sources_of(nodes: Sequence[Node]) -> tuple[int, ...]:
    """The indices of what some layers read from outside."""
    inside = {node.index for node in nodes}
    return (*dict.fromkeys(at for node in nodes for at in node.inputs if at not in inside),)


def _calls(body: Body, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Instance]]:
    """All calls of blocks in a body, by the names of the calls around them and their own."""
    for item, bodies in children(body):
        below = path
        if isinstance(item, Instance):
            below = (*path, item.name)
            yield below, item
        for inner in bodies:
            yield from _calls(inner, below)


def layer_row(network: Network, node: Node, words: Words) -> Row:
    """The row of a layer, not numbered."""
    kind = words.layer(node.layer.op, node.layer.title)
    named = node.alias is not None or bool(node.instance)
    row = _row(network, node.name, kind, node.inputs, node, [node], node.layer, named)
    if node.shared_with is not None:
        row = row._replace(shared=(network.nodes[node.shared_with].name,))
    return row


def _row(
    network: Network,
    name: str,
    kind: str,
    reads: tuple[int, ...],
    output: Node,
    nodes: Sequence[Node],
    layer: Layer | None = None,
    named: bool = True,
) -> Row:
    """A row of some nodes, the last of which is `output`, with the sums of their counts."""
    counts = [(n.params, n.biases, n.trainable, n.layer.macs) for n in nodes]
    params, biases, trainable, macs = map(sum, zip(*counts))
    sums = params, params - biases, trainable, macs
    values = sum(product(node.output) for node in nodes)
    held = [n.frozen for n in nodes if n.layer.all_weights]
    frozen = bool(held) and all(held)
    training = nodes[0].training_only
    places = tuple(node.index for node in nodes)
    inputs = tuple(network.nodes[index].output for index in reads)
    return Row(
        *(name, kind, 0, inputs, output.output, *sums, output.receptive_field, layer),
        *(values, named, output.index, reads, places, (), frozen, training),
    )


def notes_of(shared: Sequence[str], frozen: bool, training: bool, words: Words) -> str:
    """Whose weights something has, whether it is frozen or there while training only.

    Empty where there is nothing to say.
    """
    found = [words.say("note.shared", names=", ".join(shared))] if shared else []
    found += [words["note.frozen"]] if frozen else []
    found += [words["note.training"]] if training else []
    return ", ".join(found)


SUMMARY = ("name", "layer", "output", "params", "multiply-adds", "field")
"""The columns of `cnndsl show`."""
NUMBERS = ("params", "multiply-adds")
"""Those that hold numbers."""


def summary(
    network: Network, depth: int | None = None, words: Words | None = None
) -> list[list[str]]:
    """The table that `cnndsl show` draws: titles, a list for each row, sums.

    What is shared, frozen or there while training only is told, in `words`, in a last column,
    where there is anything to tell.
    """
    words = words or words_of()
    found = rows(network, depth)
    lines = [titles(words), *map(_summed_up, found)]
    totals = network.totals
    lines.append([words["show.total"], "", "", f"{totals.params:,}", f"{totals.macs:,}", ""])
    notes = [row.note(words) for row in found]
    if any(notes):
        lines = [
            [*line, note]
            for line, note in zip(lines, [words["show.note"], *notes, ""], strict=True)
        ]
    return lines


def titles(words: Words) -> list[str]:
    """What the columns of `cnndsl show` are called."""
    return [words[f"show.{key}"] for key in SUMMARY]


def _summed_up(row: Row) -> list[str]:
    call = call_of(row.layer) if row.layer else row.kind[:1].lower() + row.kind[1:]
    counts = [f"{row.params:,}", f"{row.macs:,}"]
    return [row.name, call, show(row.output), *counts, show(row.field)]


ASSUMED = "~ "
"""What stands before the name of a row whose sizes are assumed."""


class Partial(NamedTuple):
    """The table of a net with errors.

    * `lines`: the titles, a list for each row, and the sums of the rows that are known
    * `assumed`: the indices of the lines of which an error keeps the sizes from being known
    * `between`: by the index of a line, what is said of the errors that stand before it
    """

    lines: list[list[str]]
    assumed: set[int]
    between: dict[int, list[str]]


def summary_of_failing(
    network: Network,
    assumed: Container[int],
    faults: Sequence[tuple[int, str]],
    depth: int | None,
    words: Words,
) -> Partial:
    """The table that `cnndsl show` draws of a net with errors, as far as it goes.

    `assumed` has the nodes whose shapes are not known. `faults` are what is said of each error,
    with the index of the node before which it stands, in order.
    """
    partial = Partial([titles(words)], set(), {})
    lines, waiting = partial.lines, list(reversed(faults))
    nodes = iter(network.layers)
    params = macs = 0
    for row in rows(network, depth):
        inside = list(itertools.islice(nodes, len(row.nodes)))
        while waiting and waiting[-1][0] <= inside[-1].index:
            partial.between.setdefault(len(lines), []).append(waiting.pop()[1])
        cells = _summed_up(row)
        if any(node.index in assumed for node in inside):
            partial.assumed.add(len(lines))
            cells[0] = ASSUMED + cells[0]
        for node in inside:
            if node.index not in assumed:
                params += node.params * (not node.training_only)
                macs += node.layer.macs * (not node.training_only)
        lines.append(cells)
    if waiting:
        partial.between.setdefault(len(lines), []).extend(said for _, said in reversed(waiting))
    lines.append([words["fails.known"], "", "", f"{params:,}", f"{macs:,}", ""])
    return partial
