"""A text with a name, and the arithmetic between offsets and lines."""

from __future__ import annotations

from bisect import bisect_right
from typing import NamedTuple


class Span(NamedTuple):
    """A stretch of a text: offsets in characters, the end not included."""

    start: int
    end: int


class Position(NamedTuple):
    """A place for people: line and column from 1, the column in characters."""

    line: int
    column: int


class Source:
    """A text, the name it goes by in messages, and where its lines begin.

    `piece` says that the text is a piece of what the name means, so that the name and a line of
    the text together are no place.
    """

    __slots__ = ("_starts", "name", "piece", "text")

    def __init__(self, name: str, text: str, *, piece: bool = False) -> None:
        self.name = name
        self.text = text
        self.piece = piece
        self._starts: list[int] | None = None

    @property
    def line_starts(self) -> list[int]:
        if self._starts is None:
            self._starts = [0]
            at = self.text.find("\n")
            while at >= 0:
                self._starts.append(at + 1)
                at = self.text.find("\n", at + 1)
        return self._starts

    def position(self, offset: int) -> Position:
        """The line and column of an offset."""
        line = bisect_right(self.line_starts, offset)
        return Position(line, offset - self.line_starts[line - 1] + 1)

    def ends(self, span: Span) -> tuple[int, int, int, int]:
        """The line and column where a span begins, and those where it ends."""
        return (*self.position(span.start), *self.position(span.end))

    def line(self, number: int) -> str:
        """The text of a line (from 1), without its line ending."""
        starts = self.line_starts
        end = starts[number] - 1 if number < len(starts) else len(self.text)
        return self.text[starts[number - 1] : end].rstrip("\r")
