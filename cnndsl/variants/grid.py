"""The values of a param."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from fractions import Fraction
from typing import Any

from cnndsl.contract import OptionError
from cnndsl.diagnostics.message import Message
from cnndsl.network.values import given_value

MOST = 1_000_000
"""The most values of a param; combinations of several may be any number."""


def axis(given: str | Iterable[Any]) -> Sequence[Any]:
    """The values of a sequence, or of `16:256:16`, both ends among them, of `2,4,8`, and of such
    with commas between them. Raises OptionError, whose text goes on from the param's name."""
    found = given if isinstance(given, range) else [*given]
    if isinstance(given, str):
        words = (each.strip() for each in re.split(r",(?![^(]*\))", given))
        found = [value for word in words for value in _values(word)]
    _counted(len(found))
    return found


def _values(word: str) -> Sequence[Any]:
    bounds = [given_value(each) for each in (word.split(":") if "(" not in word else [word])]
    if None in bounds:
        raise OptionError(
            Message("has `{word}`, which is no value of the language", word=word[:60])
        )
    numbers = all(type(each) in (int, float) for each in bounds)
    if len(bounds) == 1:
        return bounds if numbers else [word]
    if not numbers or len(bounds) > 3 or bounds[2:] == [0]:
        raise OptionError(
            Message("has `{word}`, which is no range FIRST:LAST:STEP", word=word[:60])
        )
    first, last, step = (Fraction(str(each)) for each in (*bounds, 1)[:3])
    count = max(0, (last - first) // step + 1)
    _counted(count)
    if all(type(each) is int for each in bounds):
        return range(int(first), int(first + count * step), int(step))
    return [float(first + turn * step) for turn in range(count)]


def _counted(count: int) -> None:
    if not 0 < count <= MOST:
        message = Message("has {count:,} values, and not 1 to {most:,}", count=count, most=MOST)
        raise OptionError(message)
