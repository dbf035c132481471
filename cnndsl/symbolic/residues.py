"""The sizes that fulfil what layers ask of one: a least one, and what is left by a division."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from fractions import Fraction
from math import gcd, lcm
from typing import Any, NamedTuple

from cnndsl.symbolic import polynomial as poly
from cnndsl.symbolic.form import Facts, Unsettled
from cnndsl.symbolic.polynomial import Letter

MOST = 10_000
"""How many remainders are looked at where floors have to agree; beyond it there is no rule."""


SHOWN = 12
"""How many remainders, or rows of them, are written out."""


class Sizes(Sequence[int]):
    """Whole numbers within bounds, in order: those of some `remainders` by a modulus. However
    many there are, it takes no more memory than the remainders."""

    def __init__(self, bounds: range, modulus: int, remainders: Sequence[int]) -> None:
        self.bounds, self.modulus = bounds, modulus
        starts = (bounds.start + (each - bounds.start) % modulus for each in remainders)
        self.rows = [range(each, bounds.stop, modulus) for each in sorted(starts) if each in bounds]

    def __len__(self) -> int:
        return sum(map(len, self.rows))

    def __getitem__(self, place: Any) -> Any:
        if isinstance(place, slice):
            return [self[each] for each in range(*place.indices(len(self)))]
        if not -len(self) <= place < len(self):
            raise IndexError(place)
        turn, row = divmod(place % len(self), len(self.rows))
        return self.rows[row][turn]

    def __contains__(self, size: object) -> bool:
        return any(size in row for row in self.rows)

    def near(self, size: int, wanted: int) -> list[int]:
        """Some around a size, in order: so many on either side where there are."""
        place = bisect_left(self, size)
        return [
            self[each] for each in range(max(0, place - wanted), min(len(self), place + wanted))
        ]


class Residues(NamedTuple):
    """The sizes from `least` to `most` that leave one of the `remainders` when divided by
    `modulus`; without a `most` there is no largest."""

    modulus: int
    remainders: tuple[int, ...]
    least: int
    most: int | None = None

    def within(self, bounds: range) -> Sizes:
        """Those of a range, however long."""
        start, stop = max(bounds.start, self.least), bounds.stop
        stop = stop if self.most is None else min(stop, self.most + 1)
        return Sizes(range(start, max(start, stop)), self.modulus, self.remainders)

    @property
    def firsts(self) -> list[int]:
        """The smallest size for each remainder, in order."""
        return [*self.within(range(1, self.least + self.modulus))]


def runs(numbers: Sequence[int]) -> Iterator[str]:
    """Numbers in order, those that follow one another together: `0, 31`, `0…7`."""
    starts = [at for at, each in enumerate(numbers) if not at or numbers[at - 1] != each - 1]
    for start, stop in zip(starts[:SHOWN], [*starts[1:], len(numbers)]):
        first, last = numbers[start], numbers[stop - 1]
        between = "" if first == last else ", " if last == first + 1 else "…"
        yield f"{first:,}{between}{last:,}" if between else f"{first:,}"
    if len(starts) > SHOWN:
        yield f"… {numbers[-1]:,}"


def residues(letters: Sequence[Letter], facts: Facts) -> Residues:
    """The sizes that fulfil all that is asked of some letters, which stand for one size.

    Raises Unsettled where no rule is found for them.
    """
    least, most, periodic = 1, None, []
    # The present size of a letter leaves the remainder that is asked for.
    moduli = dict.fromkeys(letters, 1)
    for bare, (by, offset) in facts.whole.items():
        (monomial, factor), *others = bare
        letter = monomial[0]
        if letters_of(bare).isdisjoint(letters):
            continue
        if isinstance(letter, Letter) and not others:
            moduli[letter] = lcm(moduli[letter], by // gcd(int(factor), by))
        else:
            above = poly.added(bare, poly.constant(offset))
            floor = poly.floored(poly.scaled(above, Fraction(1, by)), {})
            periodic.append(poly.added(above, floor, -by))
    for value, zero in facts.asked:
        if letters_of(value).isdisjoint(letters):
            continue
        if zero:
            periodic.append(value)
            continue
        (letter,) = letters_of(value)
        now = facts.sizes[letter]

        def holds(size: int, value: poly.Polynomial = value, letter: Letter = letter) -> bool:
            return poly.evaluated(value, {letter: size}) >= 0

        if poly.rises(value):
            least = max(least, 1 + bisect_left(range(1, now + 1), True, key=holds))
            continue
        beyond = 2 * now
        while holds(beyond):
            beyond *= 2
        sizes = range(now, beyond + 1)
        last = now - 1 + bisect_left(sizes, True, key=lambda size: not holds(size))
        most = last if most is None else min(most, last)
    first = max(letters, key=moduli.__getitem__)
    modulus, every = moduli[first], lcm(*moduli.values(), *map(poly.period, periodic))
    if every // modulus > MOST:
        raise Unsettled
    kept = tuple(
        size
        for size in range(facts.sizes[first] % modulus, every, modulus)
        if all((size - facts.sizes[each]) % moduli[each] == 0 for each in letters)
        and not any(poly.evaluated(v, dict.fromkeys(letters_of(v), size)) for v in periodic)
    )
    for prime in range(2, every // modulus + 1):  # the same by the smallest modulus
        while every // modulus % prime == 0:
            shift = every // prime
            if {(each + shift) % every for each in kept} != {*kept}:
                break
            every, kept = shift, tuple(sorted({each % shift for each in kept}))
    return Residues(every, kept, least, most)


def letters_of(value: poly.Polynomial) -> set[Letter]:
    return {*poly.letters(value)}
