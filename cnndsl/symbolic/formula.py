"""Polynomials over sizes as formulas of `cnndsl.layers.derivation`: `ceil(W/4)`, `(H - 3)/2`."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import gcd, lcm

from cnndsl.symbolic import polynomial as poly
from cnndsl.symbolic.polynomial import Floor, Letter, Polynomial


def formula(one: Polynomial) -> str:
    """One fraction where there is one; a product of sizes by its factors where that is shorter."""
    if rest := _remainder(one):
        return f"({formula(rest.above)}) % {rest.below}"
    text = _sum(one)
    if factored := _factors(one):
        scale, factors, over = factored
        parts = [f"({_sum(each)})" for each in factors]
        parts = [str(scale.numerator)] * (scale.numerator != 1) + parts
        product = _over("*".join(parts), scale.denominator)
        product += f" {'+' if over > 0 else '-'} {abs(over)}" * (over != 0)
        return min(text, product, key=len)
    return text


def _sum(one: Polynomial) -> str:
    if one and len(one[0][0]) == 1 and all(not monomial for monomial, _ in one[1:]):
        (atom,), factor = one[0]
        if isinstance(atom, Floor) and factor == 1:
            return _rounded(poly.added(atom.above, poly.scaled(one[1:], atom.below)), atom.below)
    below = lcm(*(factor.denominator for _, factor in one))
    terms = [
        ("-" if factor < 0 else "+", _times(abs(int(factor * below)), monomial))
        for monomial, factor in one
    ]
    text = " ".join(f"{sign} {term}" for sign, term in terms)
    return _over(text.removeprefix("+ ") if text[:1] == "+" else f"0 {text}", below)


def _over(above: str, below: int) -> str:
    if below == 1:
        return above
    return f"{above if above.isidentifier() else f'({above})'}/{below}"


def _times(factor: int, monomial: Sequence[Letter | Floor]) -> str:
    """A term without its sign."""
    texts = [
        _rounded(atom.above, atom.below) if isinstance(atom, Floor) else atom.formula
        for atom in monomial
    ]
    return "*".join([str(factor)] * (factor != 1 or not texts) + texts)


def _rounded(above: Polynomial, below: int) -> str:
    """floor(above/below), or the ceiling that it is where that leaves less to add."""
    word, rest = "floor", int(poly.rest(above))
    if abs(rest - below + 1) < abs(rest):
        word, above = "ceil", poly.added(above, poly.constant(1 - below))
    return f"{word}({formula(poly.scaled(above, Fraction(1, below)))})"


def _remainder(one: Polynomial) -> Floor | None:
    """What a polynomial is the remainder of, in a division; None for another."""
    for monomial, factor in one:
        found = monomial[0] if len(monomial) == 1 else None
        rest = poly.added(one, ((monomial, factor),), -1)
        if isinstance(found, Floor) and factor == -found.below and rest == found.above:
            return found
    return None


def _factors(one: Polynomial) -> tuple[Fraction, list[Polynomial], int] | None:
    """A product of several sizes: the number before it, a factor for each, without divisors, and
    the number that is added to it. None for what is no such product."""
    if not one or len(one[0][0]) < 2:
        return None
    lead, scale = one[0][0], Fraction(one[0][1])
    product, found = poly.constant(scale), list[Polynomial]()
    sizes = {atom: min(poly.letters((((atom,), scale),))) for atom in lead}
    for size in sorted({*sizes.values()}):
        others = [atom for atom in lead if sizes[atom] != size]
        part: poly.Terms = {}
        for monomial, factor in one:
            if [atom for atom in monomial if atom in others] == others:
                own = tuple(atom for atom in monomial if atom not in others)
                part[own] = Fraction(factor) / one[0][1]
        each = poly.polynomial(part)
        product = poly.multiplied(product, each)
        below = lcm(*(factor.denominator for _, factor in each))
        share = Fraction(gcd(*(int(factor * below) for _, factor in each)), below)
        found.append(poly.scaled(each, 1 / share))
        scale *= share
    over = poly.added(one, product, -1)
    if any(monomial or factor.denominator > 1 for monomial, factor in over):
        return None
    return scale, found, int(over[0][1]) if over else 0
