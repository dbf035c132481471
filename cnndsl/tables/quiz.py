"""Which numbers a quiz leaves open, in every place where they could be read.

What is asked for are facts: kinds of numbers of layers. A column asks for some and shows some, as
an input shape shows the output of another layer. What shows an open fact is open, and so is a sum
over it. What a net is given, the shapes of its inputs, is no question.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from hashlib import sha256
from textwrap import fill
from typing import TypeAlias

from cnndsl.contract import Option, OptionError, checked_values
from cnndsl.diagnostics.message import Message
from cnndsl.layers.source import call_of
from cnndsl.network import Network
from cnndsl.tables.cells import Blank, Cell, readable
from cnndsl.tables.columns import COLUMNS, TableView
from cnndsl.tables.rows import Row

Fact: TypeAlias = tuple[str, int]
"""A kind, and the first node of those for which it is the same."""

_SHORT = {"output": "output-shape", "input": "input-shape", "params": "parameters",
          "channels": "output-channels", "macs": "multiply-adds"}  # fmt: skip
WORDS = {**_SHORT, **{key: key for key, column in COLUMNS.items() if column.asks}}
"""What can be asked for: the keys of columns, and short names of some."""

BLANK = Option(
    "blank",
    "a quiz that leaves these open, or a share of all numbers, as 0.3:\n"
    + fill(", ".join(WORDS), 75, break_on_hyphens=False),
    "words",
    "A,B",
)
OPTIONS = (
    BLANK,
    Option("seed", "with a share: which numbers are left open", "natural", "N"),
)


class Quiz:
    """What is left open of a network; nothing until something is asked for."""

    def __init__(self, network: Network) -> None:
        self.open: set[Fact] = set()
        self._nodes = network.nodes
        self._firsts: dict[str, list[int]] = {}

    def ask(
        self, words: Sequence[str], seed: int, keys: Iterable[str], rows: Sequence[Row],
        view: TableView, told_only: bool = False,
    ) -> None:  # fmt: skip
        """Open what some words ask for, or a share of the numbers of rows in the columns `keys`.

        Of a share the `seed` says which; what gives one another away is open together. Raises
        OptionError for a word or a share that there is not; where `told_only`, for words too that
        ask for nothing that the columns `keys` ask for.
        """
        share = _share(words)
        if share is None:
            told = {kind for key in keys for kind in COLUMNS[key].asks.split()}
            known = (
                word
                for word, key in WORDS.items()
                if not told_only or told.intersection(COLUMNS[key].asks.split())
            )
            checked_values([BLANK._replace(choices=tuple(known))], {"blank": words})
            keys = dict.fromkeys(WORDS[word] for word in words)
        cells = []
        for key in keys:
            for row in rows if COLUMNS[key].asks else ():
                cell = COLUMNS[key].value(row, view)
                if cell is not None and (not share or any(map(str.isdigit, readable(cell)))):
                    drawn = sha256(f"{seed} {key} {row.at}".encode()).digest()
                    cells.append((drawn, key, row))
        cells.sort(key=lambda cell: cell[0])
        shown = [frozenset(self._shown(key, row)) for _, key, row in cells]
        places: defaultdict[Fact, set[int]] = defaultdict(set)
        for place, facts in enumerate(shown):
            for fact in facts:
                places[fact].add(place)
        room = round((share or 1) * len(cells))
        asked = (frozenset(self._facts(COLUMNS[key].asks, row, True)) for _, key, row in cells)
        for facts in dict.fromkeys(asked):
            if self.open and any(len(places[fact]) > room for fact in facts):
                continue
            more = set[int]().union(*(places[fact] for fact in facts))
            if not self.open or len(more) <= room:
                self.open |= facts
                room -= len(more)
                for place in more:  # so that each is met but once
                    for fact in shown[place]:
                        places[fact].discard(place)

    def cell(self, key: str, row: Row, view: TableView) -> Cell:
        """What a row shows in a column."""
        cell = COLUMNS[key].value(row, view)
        return Blank(view.words["blank"]) if cell is not None and self.hides(key, row) else cell

    def hides(self, key: str, row: Row) -> bool:
        """Whether the cell of a row in a column is open."""
        return bool(self.open) and not self.open.isdisjoint(self._shown(key, row))

    def hides_any(self, key: str, rows: Iterable[Row]) -> bool:
        """Whether one of the cells of some rows in a column is open, and so their sum."""
        return bool(self.open) and any(self.hides(key, row) for row in rows)

    def lacks(self, kinds: str, row: Row) -> bool:
        """Whether facts of some kinds are open for a row."""
        return bool(self.open) and not self.open.isdisjoint(self._facts(kinds, row))

    def lacks_output(self, index: int) -> bool:
        """Whether the output shape of a node is open, or a size of it."""
        node = self._nodes[index]
        return (
            bool(self.open)
            and node.op != "input"
            and any((kind, self._first(kind)[index]) in self.open for kind in _KEPT)
        )

    def _shown(self, key: str, row: Row) -> Iterator[Fact]:
        return self._facts(f"{COLUMNS[key].asks} {COLUMNS[key].also}", row)

    def _facts(self, kinds: str, row: Row, asked: bool = False) -> Iterator[Fact]:
        """Facts that are shown, or asked for; who sees a vector sees all of it."""
        for word in kinds.split():
            kind = word.removeprefix("input.")
            own = (row.at,) if kind in _KEPT else row.nodes
            for node in (self._nodes[index] for index in (own if word == kind else row.reads)):
                # Inputs are given; and what an activation is, its name says.
                if node.op == "input" or kind == "activation" == node.layer.family:
                    continue
                vector = kind in _KEPT and len(node.output) == 1 and not asked
                for each in _KEPT if vector else (kind,):
                    yield each, self._first(each)[node.index]

    def _first(self, kind: str) -> list[int]:
        """For each node the first one with the same fact.

        It is the same for layers that are alike, and for sizes that a layer keeps.
        """
        kind = kind if kind in _KEPT else ""
        found = self._firsts.get(kind)
        if found is None:
            found = self._firsts[kind] = list(range(len(self._nodes)))
            signs: dict[object, int] = {}
            part = _KEPT.get(kind)
            for node in self._nodes:
                inputs = [self._nodes[each] for each in node.inputs]
                shapes = tuple(each.output for each in inputs)
                first = signs.setdefault((call_of(node.layer), shapes, node.params), node.index)
                same = [
                    each.index for each in inputs if part and each.output[part] == node.output[part]
                ]
                for other in (first, *same):
                    if self._nodes[other].op != "input":
                        found[_root(found, node.index)] = _root(found, other)
            found[:] = [_root(found, each) for each in found]
        return found


_KEPT = {"shape": slice(None), "channels": slice(-1, None)}
"""The facts about outputs: which sizes of a shape they are."""


def _root(found: list[int], index: int) -> int:
    while found[index] != index:
        found[index] = index = found[found[index]]
    return index


def _share(words: Sequence[str]) -> float | None:
    """The share that is asked for; None for words. Raises OptionError for one that is none."""
    try:
        share = float(*words)
    except (TypeError, ValueError):
        return None
    if not 0 < share <= 1:
        said = Message("blank wants a share above 0 and at most 1, not {value}", value=share)
        raise OptionError(said)
    return share
