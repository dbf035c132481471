"""Polynomials with rational coefficients over sizes and over floors of such: plain values.

A floor is canonical: what is whole stands before it, its constant is from 0 to below the divisor,
nested ones are one, floor((floor(n/c) + b)/d) = floor((n + b*c)/(c*d)), and a ceiling is a floor,
ceil(n/d) = floor((n + d - 1)/d).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction
from math import floor, lcm
from typing import NamedTuple, TypeAlias


class Letter(NamedTuple):
    """A size of an input: `H`, with an index where there are others of the name."""

    name: str
    mark: str = ""

    @property
    def formula(self) -> str:
        return f"{self.name}_{self.mark}" if self.mark else self.name


class Floor(NamedTuple):
    """floor(above/below), where `above` is whole."""

    above: Polynomial
    below: int


Factor: TypeAlias = "int | Fraction"
Polynomial: TypeAlias = "tuple[tuple[tuple[Letter | Floor, ...], Factor], ...]"
"""The monomials, each with its coefficient: those of most factors first, the constant last."""
Wholes: TypeAlias = "Mapping[Polynomial, tuple[int, int]]"
"""What is known to be whole: for polynomials without a constant a modulus, and the constant with
which they are a multiple of it."""
Terms: TypeAlias = "dict[tuple[Letter | Floor, ...], Factor]"


def polynomial(terms: Mapping[tuple[Letter | Floor, ...], Factor]) -> Polynomial:
    """The one polynomial of some terms."""
    kept = [(monomial, factor) for monomial, factor in terms.items() if factor]
    return tuple(sorted(kept, key=lambda each: (-len(each[0]), *map(_order, each[0]))))


def _order(atom: Letter | Floor) -> tuple[int, str]:
    return (1, repr(atom)) if isinstance(atom, Letter) else (atom.below, repr(atom))


def constant(value: Factor) -> Polynomial:
    return polynomial({(): value})


def rest(one: Polynomial) -> Factor:
    """Its constant."""
    return one[-1][1] if one and not one[-1][0] else 0


def added(one: Polynomial, other: Polynomial, times: Factor = 1) -> Polynomial:
    """one + times * other."""
    terms: Terms = dict(one)
    for monomial, factor in other:
        terms[monomial] = terms.get(monomial, 0) + factor * times
    return polynomial(terms)


def scaled(one: Polynomial, times: Factor) -> Polynomial:
    return added((), one, times)


def multiplied(one: Polynomial, other: Polynomial) -> Polynomial:
    terms: Terms = {}
    for a, x in one:
        for b, y in other:
            monomial = tuple(sorted(a + b, key=lambda atom: (min(_names(atom)), *_order(atom))))
            terms[monomial] = terms.get(monomial, 0) + x * y
    return polynomial(terms)


def floored(one: Polynomial, whole: Wholes) -> Polynomial:
    """The floor of a polynomial; a fraction where that is known to be whole."""
    parts = {m: factor for m, factor in one if m and factor.denominator != 1}
    before = polynomial({m: factor for m, factor in one if m and m not in parts})
    below = lcm(*(factor.denominator for factor in parts.values()))
    turns, left = divmod(floor(rest(one) * below), below)
    before = added(before, constant(turns))
    if not parts:
        return before
    bare = polynomial({m: int(factor * below) for m, factor in parts.items()})
    (first, factor), *others = bare
    if factor < 0:
        ceiling = added(
            scaled(bare, Fraction(-1, below)), constant(Fraction(below - 1 - left, below))
        )
        return added(before, floored(ceiling, whole), -1)
    inner = first[0] if len(first) == 1 else None
    if isinstance(inner, Floor) and factor == 1 and not others:
        nested = added(inner.above, constant(left * inner.below))
        return added(before, floored(scaled(nested, Fraction(1, inner.below * below)), whole))
    modulus, offset = whole.get(bare, (1, 0))
    if modulus % below == 0:
        offset %= below
        fraction = scaled(added(bare, constant(offset)), Fraction(1, below))
        return added(before, added(fraction, constant((left - offset) // below)))
    return added(before, polynomial({(Floor(added(bare, constant(left)), below),): 1}))


def _names(atom: Letter | Floor) -> Iterator[Letter]:
    return letters((((atom,), 1),))


def evaluated(one: Polynomial, sizes: Mapping[Letter, int]) -> Factor:
    """What it comes to for some sizes."""
    total: Factor = 0
    for monomial, factor in one:
        for atom in monomial:
            if isinstance(atom, Letter):
                factor *= sizes[atom]
            else:
                factor *= int(evaluated(atom.above, sizes)) // atom.below
        total += factor
    return total


def letters(one: Polynomial) -> Iterator[Letter]:
    """The sizes in it, in order and perhaps several times."""
    for monomial, _ in one:
        for atom in monomial:
            if isinstance(atom, Letter):
                yield atom
            else:
                yield from letters(atom.above)


def extent(one: Polynomial) -> int:
    """How many sizes and floors it is written with."""
    atoms = (atom for monomial, _ in one for atom in monomial)
    return sum(1 + (extent(atom.above) if isinstance(atom, Floor) else 0) for atom in atoms)


def rises(one: Polynomial) -> bool:
    """Whether it is linear, and never falls where a size grows."""
    return all(
        not monomial
        or (
            (len(monomial) == 1 and factor > 0)
            and (isinstance(monomial[0], Letter) or rises(monomial[0].above))
        )
        for monomial, factor in one
    )


def slope(one: Polynomial) -> Fraction | None:
    """By how much it grows with a size, on the whole; None where it is not linear."""
    total = Fraction(0)
    for monomial, factor in one:
        if not monomial:
            continue
        atom = monomial[0]
        inner = Fraction(1) if isinstance(atom, Letter) else slope(atom.above)
        if len(monomial) > 1 or inner is None:
            return None
        total += factor * (inner if isinstance(atom, Letter) else inner / atom.below)
    return total


def period(one: Polynomial) -> int:
    """After how many steps of a size its floors leave the same rests again."""
    found = [factor.denominator for _, factor in one]
    for monomial, _ in one:
        found += [period(a.above) * a.below for a in monomial if isinstance(a, Floor)]
    return lcm(*found)
