"""How much work a call does, counted: the same on every machine, however busy it is."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any


class TooMuch(AssertionError):
    """A call went on for longer than it may."""


@contextmanager
def at_most(most: int) -> Iterator[None]:
    """Let what runs inside call at most so many functions, those written in C among them.

    A million take a second or so, as they are counted.
    """
    left = most

    def count(frame: FrameType, event: str, argument: Any) -> None:
        nonlocal left
        if event in ("call", "c_call"):
            left -= 1
            if left < 0:
                sys.setprofile(None)
                raise TooMuch(f"more than {most:,} calls")

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        yield
    finally:
        sys.setprofile(before)
    if left < 0:  # whatever became of what was raised
        raise TooMuch(f"more than {most:,} calls")


def counted(call: Callable[[], object]) -> int:
    """How many functions a call calls, those written in C among them."""
    calls = 0

    def count(frame: FrameType, event: str, argument: Any) -> None:
        nonlocal calls
        if event in ("call", "c_call"):
            calls += 1

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        call()
    finally:
        sys.setprofile(before)
    return calls
