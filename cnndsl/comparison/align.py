"""The alignment of two sequences: which item of one became which of the other.

A cheapest edit script, as long as that is affordable. An item that is inserted or deleted
costs `INDEL`, a pair of unlike items what the caller says. The search is Ukkonen's
("Algorithms for approximate string matching", 1985), which goes by cost and looks at the
diagonals that a cost can reach, so that like sequences take next to linear time whatever
repeats in them; where it grows too dear, items that are unique on both sides are held fast,
as in the patience algorithm, and what is left between them is searched piece by piece.
"""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

INDEL = 3
"""What an item costs that stands on one side alone."""

STEPS = 50_000
"""How many steps of a search are affordable whatever the length; 6 an item come on top."""

PATCH = 36
"""The cost after which a search without end takes what it has, and goes on from there."""


LONG = 2_000
"""From how many items on those of like stretches are taken as they stand side by side."""


class Range(NamedTuple):
    """A stretch of each sequence, the ends not included."""

    a: int
    a_end: int
    b: int
    b_end: int


def align(
    a: Sequence[int], b: Sequence[int], cost: Callable[[int, int], int | None]
) -> list[tuple[int, int]]:
    """The pairs of positions that belong together, in order.

    Equal items cost nothing as a pair; `cost` tells that of two unlike ones, at least 1 and
    less than 2 * INDEL, or None for what is never a pair.
    """
    pairs: list[tuple[int, int]] = []
    waiting = [Range(0, len(a), 0, len(b))]
    while waiting:
        place = _trim(a, b, waiting.pop(), pairs)
        if place.a == place.a_end or place.b == place.b_end:
            continue
        size = place.a_end - place.a + place.b_end - place.b
        found = _abreast(a, b, cost, place) if size > LONG else []
        if found:
            pairs += found
            continue
        found, end = _search(a, b, cost, place, STEPS + 6 * size, None)
        if end is None:
            anchors = _anchors(a, b, place)
            if anchors:
                pairs += anchors
                waiting += _between(place, anchors)
                continue
            while end != (place.a_end, place.b_end):
                found, end = _search(a, b, cost, place, None, PATCH)
                assert end is not None
                pairs += found
                place = place._replace(a=end[0], b=end[1])
            continue
        pairs += found
    return sorted(pairs)


def _trim(a: Sequence[int], b: Sequence[int], place: Range, pairs: list[tuple[int, int]]) -> Range:
    """Pair what is the same at both ends, and give what lies between."""
    start, end, b_start, b_end = place
    while start < end and b_start < b_end and a[start] == b[b_start]:
        pairs.append((start, b_start))
        start, b_start = start + 1, b_start + 1
    while start < end and b_start < b_end and a[end - 1] == b[b_end - 1]:
        end, b_end = end - 1, b_end - 1
        pairs.append((end, b_end))
    return Range(start, end, b_start, b_end)


def _abreast(
    a: Sequence[int],
    b: Sequence[int],
    cost: Callable[[int, int], int | None],
    place: Range,
) -> list[tuple[int, int]]:
    """Each item with that beside it, where all of them can be pairs; else nothing.

    So it is where one edit changes every item, as the width of a whole network.
    """
    pairs = list(zip(range(place.a, place.a_end), range(place.b, place.b_end)))
    if place.a_end - place.a != place.b_end - place.b:
        return []
    fit = all(a[i] == b[j] or cost(i, j) is not None for i, j in pairs)
    return pairs if fit else []


def _search(
    a: Sequence[int],
    b: Sequence[int],
    cost: Callable[[int, int], int | None],
    place: Range,
    steps: int | None,
    most: int | None,
) -> tuple[list[tuple[int, int]], tuple[int, int] | None]:
    """The pairs of a cheapest script, and where it ends.

    `reached[c][k]` is the furthest position in `a` that a script of cost c gets to on the
    diagonal k, where the position in `b` is k further on. Costs never fall along a diagonal,
    as items cost the same wherever they are inserted or deleted; so that these positions
    are all there is to know. Gives no end where `steps` run out. At the cost `most` it ends
    at the position that is furthest on.
    """
    start, b_start = place.a, place.b
    length, b_length = place.a_end - start, place.b_end - b_start
    goal = b_length - length
    reached: list[dict[int, int]] = []
    taken = 0
    while True:
        now = len(reached)
        last = reached[now - 1] if now else {}
        wider = reached[now - INDEL] if now >= INDEL else {}
        current: dict[int, int] = {}
        span = now // INDEL
        for k in range(max(-span, -length), min(span, b_length) + 1):
            at = last.get(k, -1) if now else 0
            deleted = wider.get(k + 1, -2) + 1
            if at < deleted <= length:
                at = deleted
            inserted = wider.get(k - 1, -1)
            if at < inserted <= b_length - k:
                at = inserted
            if at < 0:
                continue
            began = at
            stop = min(length, b_length - k)
            while at < stop:
                i, j = start + at, b_start + at + k
                if a[i] != b[j]:
                    price = cost(i, j)
                    if price is None or price > now or reached[now - price].get(k, -1) < at:
                        break
                at += 1
            taken += 1 + at - began
            current[k] = at
        reached.append(current)
        if current.get(goal) == length:
            return _trace(a, b, cost, place, reached, goal, length), (place.a_end, place.b_end)
        if steps is not None and taken > steps:
            return [], None
        if now == most:
            k, at = max(current.items(), key=lambda item: (2 * item[1] + item[0], -abs(item[0])))
            pairs = _trace(a, b, cost, place, reached, k, at)
            return pairs, (start + at, b_start + at + k)


def _trace(
    a: Sequence[int],
    b: Sequence[int],
    cost: Callable[[int, int], int | None],
    place: Range,
    reached: list[dict[int, int]],
    k: int,
    at: int,
) -> list[tuple[int, int]]:
    """The pairs of the script that led to a position."""
    pairs = []
    now = len(reached) - 1
    while at > 0 or k != 0:
        while now and reached[now - 1].get(k, -1) >= at:
            now -= 1
        if at > 0 and at + k > 0:
            i, j = place.a + at - 1, place.b + at + k - 1
            price = 0 if a[i] == b[j] else cost(i, j)
            if price is not None and price <= now and reached[now - price].get(k, -1) >= at - 1:
                pairs.append((i, j))
                at, now = at - 1, now - price
                continue
        now -= INDEL
        if at > 0 and reached[now].get(k + 1, -1) >= at - 1:
            at, k = at - 1, k + 1
        else:
            k -= 1
    return pairs


def _anchors(a: Sequence[int], b: Sequence[int], place: Range) -> list[tuple[int, int]]:
    """Items that are unique on both sides, the most that keep their order."""
    ours = _unique(a, place.a, place.a_end)
    theirs = _unique(b, place.b, place.b_end)
    common = sorted((at, theirs[item]) for item, at in ours.items() if item in theirs)
    # The longest rising sequence: for each length the least end, and who came before whom.
    ends: list[int] = []
    tops: list[int] = []
    before: list[int] = []
    for index, (_, other) in enumerate(common):
        length = bisect_left(ends, other)
        if length == len(ends):
            ends.append(other)
            tops.append(index)
        else:
            ends[length], tops[length] = other, index
        before.append(tops[length - 1] if length else -1)
    found = []
    index = tops[-1] if tops else -1
    while index >= 0:
        found.append(common[index])
        index = before[index]
    return found[::-1]


def _unique(items: Sequence[int], start: int, end: int) -> dict[int, int]:
    """The positions of items that come once."""
    places: dict[int, int] = {}
    for at in range(start, end):
        places[items[at]] = -1 if items[at] in places else at
    return {item: at for item, at in places.items() if at >= 0}


def _between(place: Range, anchors: Sequence[tuple[int, int]]) -> Iterable[Range]:
    """What lies before, between and after anchors."""
    at, b_at = place.a, place.b
    for i, j in anchors:
        yield Range(at, i, b_at, j)
        at, b_at = i + 1, j + 1
    yield Range(at, place.a_end, b_at, place.b_end)
