"""Offsets in characters, and the lines and columns of editors: from 0, in units of UTF-16.

A line ends with a line feed, a carriage return or both, as the Language Server Protocol says.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from functools import lru_cache
from typing import NamedTuple

from cnndsl.diagnostics import Source


class Place(NamedTuple):
    """A line, and a column in units of UTF-16: a character beyond U+FFFF counts as two."""

    line: int
    column: int


@lru_cache(maxsize=4)
def _starts(text: str) -> list[int]:
    """Where the lines begin."""
    return [0, *(match.end() for match in re.finditer(r"\r\n|\n|\r", text))]


def to_utf16(source: Source, offset: int) -> Place:
    """The place of an offset; one beyond the text is its end, one in a line ending the line's."""
    starts = _starts(source.text)
    offset = min(max(offset, 0), len(source.text))
    line = bisect_right(starts, offset) - 1
    before = source.text[starts[line] : min(offset, _end(source.text, starts, line))]
    return Place(line, len(before) + sum(character > "\uffff" for character in before))


def from_utf16(source: Source, line: int, column: int) -> int:
    """The offset of a place; one beyond the text, or its line, is the end of that."""
    text, starts = source.text, _starts(source.text)
    if line < 0:
        return 0
    if line >= len(starts):
        return len(text)
    offset, end = starts[line], _end(text, starts, line)
    if text.isascii():
        return min(offset + max(column, 0), end)
    while offset < end and column > 0:
        column -= 1 + (text[offset] > "\uffff")
        offset += column >= 0  # in the middle of a character is before it
    return offset


def _end(text: str, starts: list[int], line: int) -> int:
    """Where a line ends, without its line ending."""
    if line + 1 == len(starts):
        return len(text)
    end = starts[line + 1]
    return end - 1 - (text[end - 2 : end] == "\r\n")
