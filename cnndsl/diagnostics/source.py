"""A text with a name, and the arithmetic between offsets and lines."""

from __future__ import annotations

from typing import NamedTuple


class Span(NamedTuple):
    """A stretch of a text: offsets in characters, the end not included."""

    start: int
    end: int


class Position(NamedTuple):
    """A place for people: line and column from 1, the column in characters."""

    line: int
    column: int


_BLOCK = 1 << 10


class Source:
    """A text, the name it goes by in messages, and where its lines begin.

    `piece` says that the text is a piece of what the name means, so that the name and a line of
    the text together are no place. What is `dark` is no text, and the name is all there is to show.
    """

    __slots__ = ("_lines", "_starts", "dark", "name", "piece", "text")

    def __init__(self, name: str, text: str, *, piece: bool = False, dark: bool = False) -> None:
        self.name = name
        self.text = text
        self.piece = piece
        self.dark = dark
        # For each block of the text how many lines end before it, and where the line begins
        # that goes on into it: a text of newlines has millions of lines.
        self._lines: list[int] = []
        self._starts: list[int] = []

    def _find_lines(self) -> None:
        lines = start = 0
        for block in range(0, len(self.text) + 1, _BLOCK):
            self._lines.append(lines)
            self._starts.append(start)
            lines += self.text.count("\n", block, block + _BLOCK)
            start = self.text.rfind("\n", block, block + _BLOCK) + 1 or start

    def position(self, offset: int) -> Position:
        """The line and column of an offset."""
        if not self._lines:
            self._find_lines()
        block = min(offset // _BLOCK, len(self._lines) - 1)
        begin = block * _BLOCK
        line = self._lines[block] + self.text.count("\n", begin, offset) + 1
        start = self.text.rfind("\n", begin, offset) + 1 or self._starts[block]
        return Position(line, offset - start + 1)

    def ends(self, span: Span) -> tuple[int, int, int, int]:
        """The line and column where a span begins, and those where it ends."""
        return (*self.position(span.start), *self.position(span.end))

    def line_start(self, offset: int) -> int:
        """Where the line begins that an offset is in."""
        return offset - self.position(offset).column + 1

    def line_end(self, offset: int, most: int) -> int:
        """Where that line ends, without its line ending; at most so many characters on."""
        end = self.text.find("\n", offset, offset + most)
        end = min(len(self.text), offset + most) if end < 0 else end
        return end - (end > offset and self.text[end - 1] == "\r")
