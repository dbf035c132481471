"""A whole number that depends on sizes, which takes the place of an int while layers are made."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from functools import partialmethod
from math import lcm
from typing import Any

from cnndsl.diagnostics import Span
from cnndsl.diagnostics.message import Message
from cnndsl.layers.values import LARGEST
from cnndsl.symbolic import polynomial as poly
from cnndsl.symbolic.formula import formula
from cnndsl.symbolic.polynomial import Floor, Letter, Polynomial


class Unsettled(Exception):
    """What is asked of sizes has no answer that is a rule for each of them alone; or else the
    message says what is in the way, and the span where."""

    def __init__(self, message: Message | None = None, span: Span | None = None) -> None:
        self.message, self.span = message, span


class Facts:
    """What layers have asked of sizes, and the answers: those of the present `sizes`.

    * `show`: a formula as people read it
    * `whole`: what is to be a multiple of a number
    * `asked`: polynomials of one size, with whether each is to be 0, or else 0 at least
    * `listening`: whether comparisons are questions of a layer; otherwise they look at formulas
    """

    def __init__(self, sizes: Mapping[Letter, int], show: Callable[[str], str]) -> None:
        self.sizes = sizes
        self.show = show
        self.whole: dict[Polynomial, tuple[int, int]] = {}
        self.asked: dict[tuple[Polynomial, bool], None] = {}
        self.listening = self.unlike = self.alike = False

    def of(self, value: Polynomial) -> Any:
        """A polynomial as a number: a Form, or an int where no size is in it."""
        if all(not monomial for monomial, _ in value):
            number = value[0][1] if value else 0
            return int(number) if number.denominator == 1 else number
        return Form(value, self)

    def require(self, value: Polynomial, zero: bool) -> None:
        """Take up that something is to be 0, or else 0 at least. Raises Unsettled."""
        if len({*poly.letters(value)}) > 1:
            raise Unsettled
        rises = poly.rises(value) or poly.rises(poly.scaled(value, -1))
        if not zero:
            if not rises:
                raise Unsettled
            self.asked[value, False] = None
            return
        self.alike = True
        for monomial, factor in value:
            found = monomial[0] if len(monomial) == 1 else None
            if isinstance(found, Floor):
                rest = poly.scaled(
                    poly.added(value, ((monomial, factor),), -1), Fraction(-1) / factor
                )
                if rest == poly.scaled(found.above, Fraction(1, found.below)):
                    self.divide(found)
                    return
        if poly.slope(value) == 0:
            self.asked[value, True] = None
        elif rises:  # it is 0 from one size to another
            self.asked |= {(value, False): None, (poly.scaled(value, -1), False): None}
        else:
            raise Unsettled

    def divide(self, found: Floor) -> None:
        """Take up that a fraction is to be whole, as it is at present."""
        bare = poly.added(found.above, poly.constant(poly.rest(found.above)), -1)
        modulus = lcm(self.whole.get(bare, (1, 0))[0], found.below)
        self.whole[bare] = modulus, -int(poly.evaluated(bare, self.sizes)) % modulus


class Form:
    """A polynomial that counts as a number. Raises Unsettled where it cannot."""

    __slots__ = ("facts", "value")

    def __init__(self, value: Polynomial, facts: Facts) -> None:
        self.value = value
        self.facts = facts

    @property
    def now(self) -> int:
        """What it comes to at present."""
        return int(poly.evaluated(self.value, self.facts.sizes))

    def __add__(self, other: Any) -> Any:
        return self.facts.of(poly.added(self.value, _value(other)))

    __radd__ = __add__

    def __neg__(self) -> Any:
        return self.facts.of(poly.scaled(self.value, -1))

    def __sub__(self, other: Any) -> Any:
        return self.facts.of(poly.added(self.value, _value(other), -1))

    def __rsub__(self, other: Any) -> Any:
        return -(self - other)

    def __mul__(self, other: Any) -> Any:
        if isinstance(other, int) and other == 1:
            return self
        return self.facts.of(poly.multiplied(self.value, _value(other)))

    __rmul__ = __mul__

    def __truediv__(self, other: int) -> Any:
        return self.facts.of(poly.scaled(self.value, Fraction(1, other)))

    def __floordiv__(self, other: int) -> Any:
        if isinstance(other, Form):
            raise Unsettled
        return self.facts.of(
            poly.floored(poly.scaled(self.value, Fraction(1, other)), self.facts.whole)
        )

    def __mod__(self, other: int) -> Any:
        return self - self // other * other

    def __floor__(self) -> Any:
        return self // 1

    def __ceil__(self) -> Any:
        return -(-self // 1)

    def __rtruediv__(self, other: float) -> float:
        return other / self.now  # of what weights are drawn from, which is no size

    def __pow__(self, other: float) -> float:
        return float(self.now**other)

    def __int__(self) -> int:
        return self.now

    def __index__(self) -> int:
        raise Unsettled

    def __hash__(self) -> int:
        return hash(self.value)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, (Form, int, Fraction)):
            return NotImplemented
        rest = self - other
        if not isinstance(rest, Form):
            return bool(rest == 0)
        if not self.facts.listening:
            return False
        if rest.now:
            self.facts.unlike = True  # which no layer asks for
            return False
        self.facts.require(rest.value, True)
        return True

    def __bool__(self) -> bool:
        return self != 0

    def _least(self, other: Any, sign: int, more: int) -> bool:
        """Whether sign * (self - other) is at least `more`."""
        if isinstance(other, int) and other >= LARGEST:
            return sign < 0  # no count of a network that has been checked is beyond
        rest = (self - other) * sign
        if not isinstance(rest, Form):
            return bool(rest >= more)
        holds = rest.now >= more
        if self.facts.listening:
            asked = rest - more if holds else more - 1 - rest
            self.facts.require(asked.value, False)
        return holds

    __ge__ = partialmethod(_least, sign=1, more=0)
    __gt__ = partialmethod(_least, sign=1, more=1)
    __le__ = partialmethod(_least, sign=-1, more=0)
    __lt__ = partialmethod(_least, sign=-1, more=1)

    @property
    def formula(self) -> str:
        """It in the notation of `cnndsl.layers.derivation`."""
        return formula(self.value)

    def __str__(self) -> str:
        return self.facts.show(self.formula)

    def __format__(self, how: str) -> str:
        return str(self)


def _value(other: Any) -> Polynomial:
    return other.value if isinstance(other, Form) else poly.constant(other)
