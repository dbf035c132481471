"""The alignment of two sequences: which item of one became which of the other.

A cheapest edit script, found with A* over the positions in both sequences: an item that is
inserted or deleted costs `INDEL`, a pair of unlike items what the caller says, and what the
lengths that remain differ by has to be inserted or deleted at least. In long sequences the search
keeps only positions near the furthest, so that its cost grows with their length.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from heapq import heappop, heappush
from typing import NamedTuple

INDEL = 3
"""What an item costs that stands on one side alone."""

WORK = 500_000
"""About how many positions may be looked at whatever the length."""

NEAR = 100
"""How far behind the furthest position others are kept at least."""


class _Reached(NamedTuple):
    """A position in both sequences, after the like items from `begin` on, and the one before it."""

    begin: int
    i: int
    j: int
    before: _Reached | None


def align(
    a: Sequence[int], b: Sequence[int], cost: Callable[[int, int], int | None]
) -> list[tuple[int, int]]:
    """The pairs of positions that belong together, in order.

    Equal items cost nothing as a pair; `cost` tells that of two unlike ones, at least 1 and
    less than 2 * INDEL, or None for what is never a pair.
    """
    near = max(NEAR, WORK // (len(a) + len(b) + 1))
    waiting: list[tuple[int, int, int, int, _Reached]] = []
    best: dict[int, int] = {}  # the furthest position on each diagonal
    furthest = count = 0

    def reach(price: int, i: int, j: int, before: _Reached | None) -> None:
        nonlocal furthest, count
        begin = i
        while i < len(a) and j < len(b) and a[i] == b[j]:
            i, j = i + 1, j + 1
        furthest = max(furthest, i + j)
        count += 1
        least = price + INDEL * abs(len(a) - i - len(b) + j)
        heappush(waiting, (least, -i - j, count, price, _Reached(begin, i, j, before)))

    reach(0, 0, 0, None)
    while True:
        *_, price, at = heappop(waiting)
        i, j = at.i, at.j
        if i == len(a) and j == len(b):
            return _pairs(at)
        if i <= best.get(j - i, -1) or i + j < furthest - near:
            continue
        best[j - i] = i
        if i < len(a) and j < len(b) and (pair := cost(i, j)) is not None:
            reach(price + pair, i + 1, j + 1, at)
        if i < len(a):
            reach(price + INDEL, i + 1, j, at)
        if j < len(b):
            reach(price + INDEL, i, j + 1, at)


def _pairs(at: _Reached) -> list[tuple[int, int]]:
    """The pairs on the way to a position."""
    pairs: list[tuple[int, int]] = []
    step: _Reached | None = at
    while step is not None:
        shift, before = step.j - step.i, step.before
        pairs += [(i, i + shift) for i in range(step.i - 1, step.begin - 1, -1)]
        if before is not None and step.begin > before.i and step.begin + shift > before.j:
            pairs.append((before.i, before.j))
        step = before
    return pairs[::-1]
