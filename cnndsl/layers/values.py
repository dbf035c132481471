"""The kinds of value that an argument can have, and what to say of the wrong ones."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from cnndsl.diagnostics.message import Message

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
    """A kind of value: what it is called, and a reader; its ValueError has a message.

    `words` are values of it that mean something there alone, as `axis=channels`.
    """

    name: str
    read: Callable[[Any], Any]
    words: tuple[str, ...] = ()


def show_value(value: Any) -> str:
    """A value as the language writes it."""
    if isinstance(value, Word):
        return value.id
    if isinstance(value, Pair):
        return f"{show_value(value.begin)}:{show_value(value.end)}"
    if isinstance(value, tuple):
        shown = [
            show_value(item.begin if isinstance(item, Pair) and item.begin == item.end else item)
            for item in value[:6]
        ]
        if not all(map(in_size, value)):
            shown = [each.strip("()") for each in shown] + ["…"] * (len(value) > 6)
            return f"({', '.join(shown)})"
        return "x".join(shown) + ("x…" if len(value) > 6 else "")
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        # With all the digits that one would write, but not those that sums of such numbers have.
        written = abs(float(f"{value:.9g}") - value) <= 1e-12 * abs(value)
        text = f"{value:.9g}" if written else f"{value:g}"
        return text.replace("e+0", "e").replace("e+", "e").replace("e-0", "e-")
    return str(value)


def inverse(value: float) -> float | None:
    """The short number of which a long one is the reciprocal; None for any other: a third is
    no 0.3333333333333333."""
    if not 1e-6 < value < 1 or len(repr(value)) <= 10:
        return None
    found = round(1 / value, 6)
    short = found.is_integer() or found > 10  # two thirds are no 1/1.5
    same = abs(1 / found - value) < 1e-15 * value
    return found if short and same and len(f"{found:g}") < 7 else None


def in_size(item: Any) -> bool:
    """Whether an item of a tuple can stand in a size, as in `3x0:1`: a number of digits alone."""
    return isinstance(item, (Pair, Word, bool)) or (type(item) is int and item >= 0)


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


def _natural(value: Any) -> int:
    number = whole(value)
    if number is None or number < 1:
        raise ValueError(Message("must be a natural number, not {value}", value=show_value(value)))
    return number


def _sizes(value: Any) -> int | tuple[int, ...]:
    if type(value) is int and value >= 1:
        return value
    if isinstance(value, tuple) and not isinstance(value, (Pair, Word)):
        sizes = tuple(size for size in map(whole, value) if size is not None and size >= 1)
        if len(sizes) == len(value):
            return sizes
    elif (number := whole(value)) is not None and number >= 1:
        return number
    raise ValueError(Message("must be natural numbers, not {value}", value=show_value(value)))


def _factors(value: Any) -> Any:
    """Numbers above 0, for every dimension or for each; ints where they are whole."""
    many = isinstance(value, tuple) and not isinstance(value, (Pair, Word))
    numbers = value if many else (value,)
    if not all((_real(number) or 0) > 0 for number in numbers):
        raise ValueError(Message("must be numbers above 0, not {value}", value=show_value(value)))
    found = tuple(whole(number) or number for number in numbers)
    return found if many else found[0]


def _shape(value: Any) -> tuple[int, ...]:
    sizes = _sizes(value)
    return sizes if isinstance(sizes, tuple) else (sizes,)


def _pads(value: Any) -> Pair | tuple[Pair, ...]:
    """Begin and end, for every dimension or for each."""
    try:
        if isinstance(value, Pair):
            return Pair(_count(value.begin), _count(value.end))
        if isinstance(value, tuple) and not isinstance(value, Word):
            ends = [item[:2] if isinstance(item, tuple) else (item, item) for item in value]
            return tuple(Pair(_count(begin), _count(end)) for begin, end in ends)
        number = _count(value)
    except ValueError:
        raise ValueError(
            Message(
                "must be whole numbers, as 1, 3x1 or 0:1x0:1, not {value}", value=show_value(value)
            )
        ) from None
    return Pair(number, number)


def _count(value: Any) -> int:
    number = whole(value)
    if number is None or number < 0:
        raise ValueError
    return number


def _channels(value: Any) -> Pair:
    if isinstance(value, Pair):
        begin, end = whole(value.begin), whole(value.end)
        if begin is not None and end is not None and 0 <= begin < end:
            return Pair(begin, end)
    raise ValueError(
        Message(
            "must be channels A:B with A below B, as 0:32, not {value}", value=show_value(value)
        )
    )


def _real(value: Any) -> float | int | None:
    if isinstance(value, (tuple, bool)) or not hasattr(value, "__float__"):
        return None
    return value if isinstance(value, int) else float(value)


def _number(value: Any) -> float | int:
    number = _real(value)
    if number is None:
        raise ValueError(Message("must be a number, not {value}", value=show_value(value)))
    return number


def _numbers(value: Any) -> float | int | tuple[float | int, ...]:
    """A number for all channels, or one for each."""
    if type(value) is tuple:
        numbers = tuple(map(_real, value))
        if None not in numbers:
            return numbers  # type: ignore[return-value]
    elif (number := _real(value)) is not None:
        return number
    raise ValueError(
        Message(
            "must be a number, or one for each channel as (0.5, 1, 2), not {value}",
            value=show_value(value),
        )
    )


def _positive(value: Any) -> float | int:
    number = _real(value)
    if number is None or not number > 0:
        raise ValueError(Message("must be a number above 0, not {value}", value=show_value(value)))
    return number


def _share(value: Any) -> float | int:
    number = _real(value)
    if number is None or not 0 <= number < 1:
        raise ValueError(
            Message("must be a share from 0 to below 1, not {value}", value=show_value(value))
        )
    return number


_AXES = ("channels", "height", "width", "depth", "length")


def _axis(value: Any) -> str:
    if isinstance(value, Word) and value.id in _AXES:
        return value.id
    raise ValueError(
        Message(
            "must be channels, height, width, depth or length, not {value}",
            value=show_value(value),
        )
    )


NATURAL = Kind("number", _natural)
SIZES = Kind("size", _sizes)
FACTORS = Kind("size", _factors)
SHAPE = Kind("shape", _shape)
PADS = Kind("padding", _pads)
CHANNELS = Kind("channels", _channels)
NUMBER = Kind("number", _number)
NUMBERS = Kind("numbers", _numbers)
POSITIVE = Kind("number", _positive)
SHARE = Kind("number", _share)
AXIS = Kind("axis", _axis, _AXES)
