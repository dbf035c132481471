"""Lines being written, with their comments, and the columns that comments stand in."""

from __future__ import annotations

from typing import NamedTuple


class CommentPlace(NamedTuple):
    """The line of a comment, and its column as an editor shows it."""

    line: int
    column: int


def width(text: str) -> int:
    """How many columns a text takes in a terminal or editor."""
    if text.isascii():
        return len(text)
    from unicodedata import combining, east_asian_width

    return sum(
        2 if east_asian_width(character) in "WF" else not combining(character) for character in text
    )


class _Line:
    """A line: its code, its comment, and where that comment stood."""

    __slots__ = ("blank", "comment", "indent", "parts", "place")

    def __init__(self, indent: int, blank: bool) -> None:
        self.indent = indent
        self.blank = blank  # whether a blank line comes before
        self.parts: list[str] = []
        self.comment = ""
        self.place: CommentPlace | None = None

    def code(self) -> str:
        return "  " * self.indent + "".join(self.parts) if self.parts else ""


class Lines:
    """The lines written so far, and the one being written."""

    def __init__(self) -> None:
        self._lines: list[_Line] = []
        self._line = _Line(0, False)
        self._blank = False

    @property
    def written(self) -> bool:
        """Whether anything has been written at all."""
        return bool(self._lines or self._line.parts or self._line.comment)

    def write(self, text: str) -> None:
        """Add to the line."""
        if text:
            self._line.parts.append(text)

    def comment(self, text: str, place: CommentPlace) -> None:
        """Give the line its comment; the next thing must begin a line."""
        self._line.comment = text
        self._line.place = place

    def break_line(self, indent: int) -> None:
        """Begin a line, if the one at hand has anything in it."""
        line = self._line
        if line.parts or line.comment:
            self._lines.append(line)
            self._line = _Line(indent, self._blank)
        else:
            line.indent, line.blank = indent, line.blank or self._blank
        self._blank = False

    def blank(self) -> None:
        """Leave a blank line before the next."""
        self._blank = True

    def no_blank(self) -> None:
        """Leave none after all."""
        self._blank = False

    def render(self, newline: str) -> str:
        """All of it, the columns of comments aligned."""
        self.break_line(0)
        lines = self._lines
        out: list[str] = []
        first = 0
        while first < len(lines):
            last = self._end_of_column(first)
            codes = [line.code() for line in lines[first:last]]
            column = max(map(width, codes)) + 2 if lines[first].comment else 0
            for line, code in zip(lines[first:last], codes, strict=True):
                if line.blank:
                    out.append("")
                if not line.comment:
                    out.append(code)
                elif not line.parts and line is lines[first]:
                    out.append("  " * line.indent + line.comment)
                else:
                    out.append(code + " " * (column - width(code)) + line.comment)
            first = last
        return "".join([line + newline for line in out])

    def _end_of_column(self, first: int) -> int:
        """Where a column of comments ends that begins with a line; comments alone go on."""
        last = first + 1
        place = self._lines[first].place
        if place is None or not self._lines[first].parts:
            return last
        while last < len(self._lines):
            line = self._lines[last]
            if line.blank or line.place != (place.line + 1, place.column):
                break
            place = line.place
            last += 1
        return last
