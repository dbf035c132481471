"""Lining up the records of a table with the layers of a net.

A search along the records keeps the best few ways. Layers are found by kind, number, name and
shape, so that the cost is that of the table, and no false value pulls a row away.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from cnndsl.audit.layers import Right, rights, stations
from cnndsl.audit.post import Cell, Record
from cnndsl.audit.values import same
from cnndsl.layers import LAYERS, family
from cnndsl.network import Network

_WAYS, _NEXT = 6, 4
# Sixty-fourths add up exactly, so that of ways that are equally good the earlier layers win.
_SKIPPED, _GAP, _NAMED, _KIND, _RELATIVE, _TRUE, _FALSE = -5 / 8, 1 / 64, 3, 2, 0.5, 1, -11 / 16


class Layers:
    """The layers of a net, blocks folded to a depth, by what a record may say of them."""

    def __init__(self, network: Network, depth: int | None) -> None:
        self.network, self.stations = network, stations(network, depth)
        self.known: dict[object, list[int]] = {}
        self._rights: dict[tuple[int, str], list[Right]] = {}
        for at, (row, op, _, virtual) in enumerate(self.stations):
            own = row.layer and row.layer.activation
            shape = tuple(sorted(row.output))
            for key in (op, ("name", row.name), shape, own.op if own and not virtual else ""):
                self.known.setdefault(key, []).append(at)

    def rights(self, at: int, key: str) -> list[Right]:
        """What is right in a column of a layer."""
        found = self._rights.get((at, key))
        if found is None:
            row = self.stations[at].row
            found = self._rights[at, key] = rights(key, row, self.network)
        return found

    def candidates(self, record: Record, last: int) -> list[int]:
        """The layers behind another that a record may mean."""
        label, get = record.label, self.known.get
        if "input" in label.kinds:  # which a summary may have anywhere
            return get("input", [])
        lists = [get(op, []) for op in (*label.kinds, *_relatives(label.kinds))]
        lists += [each[label.number - 1 : label.number + 1] for each in lists if label.number]
        lists.append(get(("name", label.name), []) if label.name else [])
        for cell in record.cells:
            if cell.key == "output-shape" and cell.given and cell.given.shapes:
                sizes = [size for size in cell.given.shapes[0] if size is not None]
                lists += [get(tuple(sorted(part)), []) for part in (sizes, sizes[1:])]
        found = set() if label.kinds else {*range(last + 1, last + 1 + 2 * _NEXT)}
        for places in lists:
            start = bisect_right(places, last)
            found.update(places[start : start + _NEXT])
        return sorted(at for at in found if at < len(self.stations))

    def fit(self, record: Record, at: int) -> float | None:
        """How well a record speaks of a layer; None where it names another kind."""
        (row, op, number, virtual), label = self.stations[at], record.label
        own = row.layer and row.layer.activation
        named = label.name == row.name != ""
        score = _NAMED * named - 5 / 16 * virtual
        known = named or bool(label.kinds and op != "block")
        if op in label.kinds or (own and own.op in label.kinds):
            score += _KIND
        elif op in _relatives(label.kinds):
            score += _RELATIVE
        elif label.kinds and not named and op != "block":
            return None
        if label.number:  # Keras counts from 0, and leaves the 0 out
            score += {0: 1.0, 1: 0.5}.get(number - label.number, -3 / 16)
        told = [tells(cell, self.rights(at, cell.key)) for cell in record.cells]
        right, wrong = told.count(True), told.count(False)
        if not known and right <= wrong:  # nothing but values speaks of this layer
            return None
        return score + _TRUE * right + _FALSE * wrong


@lru_cache(256)
def _relatives(kinds: frozenset[str]) -> tuple[str, ...]:
    """The words of the families of convolutions and pools that some words are of."""
    return family(*({LAYERS[op].family for op in kinds if op in LAYERS} & {"conv", "pool"}))


def tells(cell: Cell, found: Sequence[Right]) -> bool | None:
    """Whether a cell says what is right; None where it says nothing that can be judged."""
    if cell.given is None or not cell.given.kind or not found:
        return None
    return any(same(cell.given, value) for _, value in found)


class _Way(NamedTuple):
    """How well the records so far are lined up, the last layer, and all of them, last first."""

    score: float
    last: int
    chain: tuple[int | None, tuple[int | None, object] | None] | None


def lined_up(records: Sequence[Record], layers: Layers) -> tuple[float, list[int | None]]:
    """How well records fit a net, and for each the layer that it speaks of, or None."""
    ways = [_Way(0.0, -1, None)]
    for record in records:
        fits: dict[int, float | None] = {}
        best = {way.last: _Way(way.score + _SKIPPED, way.last, (None, way.chain)) for way in ways}
        for way in ways if not record.total else ():
            for at in layers.candidates(record, way.last):
                if at not in fits:
                    fits[at] = layers.fit(record, at)
                score = way.score + (fits[at] or 0) - _GAP * max(0, min(at - way.last - 1, 20))
                to = way.last if layers.stations[at].op == "input" else at
                if fits[at] is not None and (to not in best or best[to].score < score):
                    best[to] = _Way(score, to, (at, way.chain))
        ways = sorted(best.values(), key=lambda way: (-way.score, way.last))[:_WAYS]
    places: list[int | None] = []
    chain = ways[0].chain
    while chain is not None:
        places.append(chain[0])
        chain = chain[1]  # type: ignore[assignment]
    return ways[0].score, places[::-1]
