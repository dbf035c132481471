"""The values of a param."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from fractions import Fraction
from itertools import islice
from typing import Any

from cnndsl.contract import OptionError
from cnndsl.diagnostics.message import Message
from cnndsl.network.values import given_value

MOST = 1_000_000
"""The most values of a param; combinations of several may be any number."""


def axis(name: str, given: str | Iterable[Any]) -> Sequence[Any]:
    """The values of a param: those of a sequence, or of `16:256:16`, both ends among them, of
    `2,4,8`, and of such with commas between them. Raises OptionError."""
    if isinstance(given, str):
        words = re.findall(r"((?:[^,(]|\([^)]*\)?)*),", given + ",")
        given = (value for word in words for value in _values(name, word.strip()))
    found = given[: MOST + 1] if isinstance(given, range) else [*islice(given, MOST + 1)]
    _counted(name, len(found))
    return found


def _counted(name: str, count: int) -> None:
    if not 0 < count <= MOST:
        message = Message("{name} has to have 1 to {most:,} values", name=name, most=MOST)
        raise OptionError(message, "set")


def _values(name: str, word: str) -> Sequence[Any]:
    bounds = [given_value(each) for each in (word.split(":") if "(" not in word else [word])]
    if None in bounds:
        message = Message(
            "{name} has `{word}`, which is no value of the language", name=name, word=word[:60]
        )
        raise OptionError(message, "set")
    numbers = all(type(each) in (int, float) for each in bounds)
    if len(bounds) == 1:
        return bounds if numbers else [word]
    if not numbers or len(bounds) > 3 or bounds[2:] == [0]:
        message = Message(
            "{name} has `{word}`, which is no range FIRST:LAST:STEP", name=name, word=word[:60]
        )
        raise OptionError(message, "set")
    first, last, step = (Fraction(str(each)) for each in (*bounds, 1)[:3])
    count = (last - first) // step + 1
    if count < 1:
        message = Message(
            "{name} has `{word}`, which is empty: STEP leads away from LAST", name=name, word=word
        )
        raise OptionError(message, "set")
    _counted(name, count)
    if all(type(each) is int for each in bounds):
        return range(int(first), int(first + count * step), int(step))
    return [float(first + turn * step) for turn in range(count)]
