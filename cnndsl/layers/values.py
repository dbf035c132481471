"""The kinds of value that an argument can have, and what to say of the wrong ones."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

LARGEST = 10**18
"""No size and no count of a network may be larger."""


class Word(NamedTuple):
    """A word given as a value: an activation, a layer or block, a tensor's name."""

    id: str


class Pair(NamedTuple):
    """`a:b`."""

    begin: Any
    end: Any


class Kind(NamedTuple):
    """A kind of value: what it is called, and a reader that raises ValueError."""

    name: str
    read: Callable[[Any], Any]


def show_value(value: Any) -> str:
    """A value as the language writes it."""
    if isinstance(value, Word):
        return value.id
    if isinstance(value, Pair):
        return f"{show_value(value.begin)}:{show_value(value.end)}"
    if isinstance(value, tuple):
        shown = [
            item.begin if isinstance(item, Pair) and item.begin == item.end else item
            for item in value[:6]
        ]
        return "x".join(map(show_value, shown)) + ("x…" if len(value) > 6 else "")
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return f"{value:g}"
    return str(value)


def whole(value: Any) -> int | None:
    """The integer that a value is, if it is one: 16.0 and 32/2 are, 2.5 is not."""
    if type(value) is int:
        return value
    if isinstance(value, (bool, tuple)):
        return None
    try:
        result = int(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return result if result == value else None


def _integer(least: int, name: str) -> Callable[[Any], int]:
    def read(value: Any) -> int:
        number = whole(value)
        if number is None or number < least:
            raise ValueError(f"must be {name}, not {show_value(value)}")
        return number

    return read


def _sizes(least: int, name: str) -> Callable[[Any], int | tuple[int, ...]]:
    integer = _integer(least, name)

    def read(value: Any) -> int | tuple[int, ...]:
        if type(value) is int and value >= least:
            return value
        if isinstance(value, tuple) and not isinstance(value, (Pair, Word)):
            try:
                return tuple(integer(item) for item in value)
            except ValueError:
                raise ValueError(f"must be {name}, not {show_value(value)}") from None
        return integer(value)

    return read


def _shape(value: Any) -> tuple[int, ...]:
    sizes = _sizes(1, "natural numbers")(value)
    return sizes if isinstance(sizes, tuple) else (sizes,)


def _pads(value: Any) -> Pair | tuple[Pair, ...]:
    """Begin and end, for every dimension or for each."""
    integer = _integer(0, "a whole number")
    try:
        if isinstance(value, Pair):
            return Pair(integer(value.begin), integer(value.end))
        if isinstance(value, tuple) and not isinstance(value, Word):
            ends = [item[:2] if isinstance(item, tuple) else (item, item) for item in value]
            return tuple(Pair(integer(begin), integer(end)) for begin, end in ends)
        number = integer(value)
    except ValueError:
        message = f"must be whole numbers, as 1, 3x1 or 0:1x0:1, not {show_value(value)}"
        raise ValueError(message) from None
    return Pair(number, number)


def _channels(value: Any) -> Pair:
    if isinstance(value, Pair):
        begin, end = whole(value.begin), whole(value.end)
        if begin is not None and end is not None and 0 <= begin < end:
            return Pair(begin, end)
    raise ValueError(f"must be channels A:B with A below B, as 0:32, not {show_value(value)}")


def _number(name: str, fits: Callable[[float], bool]) -> Callable[[Any], float | int]:
    def read(value: Any) -> float | int:
        number = None
        if not isinstance(value, (tuple, bool)) and hasattr(value, "__float__"):
            number = value if isinstance(value, int) else float(value)
        if number is None or not fits(number):
            raise ValueError(f"must be {name}, not {show_value(value)}")
        return number

    return read


NATURAL = Kind("number", _integer(1, "a natural number"))
SIZES = Kind("size", _sizes(1, "natural numbers"))
SHAPE = Kind("shape", _shape)
PADS = Kind("padding", _pads)
CHANNELS = Kind("channels", _channels)
NUMBER = Kind("number", _number("a number", lambda number: True))
POSITIVE = Kind("number", _number("a number above 0", lambda number: number > 0))
SHARE = Kind("number", _number("a share from 0 to below 1", lambda number: 0 <= number < 1))
