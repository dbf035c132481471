"""The lines of a text: where things stand in those that are read, and the ones being written."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Sequence
from typing import NamedTuple

from cnndsl.diagnostics import Source
from cnndsl.syntax.layout import Token
from cnndsl.syntax.nodes import Body, Comment

_NEWLINES = re.compile(r"\n\s*")


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


class Places:
    """A text with the tokens and comments in it, to be asked by offsets."""

    def __init__(
        self, source: Source, tokens: Sequence[Token], comments: Sequence[Comment]
    ) -> None:
        self.source = source
        self.text = source.text
        self.tokens = tokens
        self.starts = [start for _, start, _ in tokens]
        self.comments = comments
        self.comment_starts = [comment.span.start for comment in comments]
        self.breaks = self._breaks()

    def _breaks(self) -> list[int]:
        """The newlines that are not inside parentheses, of those in a row the first."""
        breaks: list[int] = []
        at = depth = 0
        for kind, start, end in self.tokens:
            if kind == "LPAR":
                if depth == 0:
                    self._add_newlines(breaks, at, start)
                depth += 1
            elif kind == "RPAR":
                depth -= 1
                at = end
        self._add_newlines(breaks, at, len(self.text))
        return breaks

    def _add_newlines(self, breaks: list[int], start: int, end: int) -> None:
        breaks += (found.start() for found in _NEWLINES.finditer(self.text, start, end))

    def newlines(self, start: int, end: int) -> int:
        """How many lines end between two offsets."""
        return self.text.count("\n", start, end)

    def has_comment(self, start: int, end: int) -> bool:
        """Whether a comment begins between two offsets."""
        index = bisect_left(self.comment_starts, start)
        return index < len(self.comment_starts) and self.comment_starts[index] < end

    def comments_in(self, start: int, end: int) -> Sequence[Comment]:
        """The comments that begin between two offsets."""
        starts = self.comment_starts
        return self.comments[bisect_left(starts, start) : bisect_left(starts, end)]

    def is_alone(self, comment: Comment) -> bool:
        """Whether a comment has a line of its own."""
        start = self.text.rfind("\n", 0, comment.span.start) + 1
        return not self.text[start : comment.span.start].strip()

    def place(self, comment: Comment) -> CommentPlace:
        """Where a comment stands, for the columns of comments."""
        line, column = self.source.position(comment.span.start)
        before = self.text[comment.span.start - column + 1 : comment.span.start]
        return CommentPlace(line, width(before.expandtabs(8)))

    def on_one_line(self, start: int, end: int) -> bool:
        """Whether nothing but parentheses goes over a line's end, and there is no comment."""
        index = bisect_left(self.breaks, start)
        in_line = index == len(self.breaks) or self.breaks[index] >= end
        return in_line and not self.has_comment(start, end)

    def is_blank(self, start: int, end: int) -> bool:
        """Whether there are only spaces, newlines and `;`."""
        return self.next_start(start, "_SEP") >= end and not self.has_comment(start, end)

    def next_start(self, offset: int, skip: str = "") -> int:
        """Where the next token begins."""
        index = bisect_left(self.starts, offset)
        while self.tokens[index][0] == skip:
            index += 1
        return self.starts[index]

    def bars(self, paths: Sequence[Body], start: int, end: int) -> list[int]:
        """Where the bars before the paths of a merge stand; the first path has one or begins."""
        found: list[int] = []
        for path in paths:
            if path.statements:
                found += self._bars_between(start, path.statements[0].span.start)
                start = path.statements[-1].span.end
        found += self._bars_between(start, end)
        if len(found) < len(paths):
            found.insert(0, paths[0].statements[0].span.start)
        return found

    def _bars_between(self, start: int, end: int) -> list[int]:
        first, last = bisect_left(self.starts, start), bisect_left(self.starts, end)
        return [at for kind, at, _ in self.tokens[first:last] if kind == "VBAR"]

    def is_bar(self, offset: int) -> bool:
        """Whether a bar stands at an offset."""
        return self.tokens[bisect_left(self.starts, offset)][0] == "VBAR"

    def parentheses_before(self, offset: int, start: int) -> list[int]:
        """Where the parentheses stand that open right before an offset, the outermost first."""
        index = bisect_left(self.starts, offset) - 1
        found: list[int] = []
        while index >= 0 and self.tokens[index][0] == "LPAR" and self.starts[index] >= start:
            found.append(self.starts[index])
            index -= 1
        return found[::-1]

    def closing(self, offset: int, count: int) -> int:
        """Where the last of some parentheses stands that close right after an offset."""
        return self.starts[bisect_left(self.starts, offset) + count - 1]

    def end_of_parentheses(self, offset: int) -> int:
        """Where the parentheses end that close right after an offset."""
        index = bisect_left(self.starts, offset)
        while self.tokens[index][0] == "RPAR":
            offset = self.tokens[index][2]
            index += 1
        return offset

    def find(self, kind: str, offset: int) -> int:
        """Where the next token of a kind stands."""
        index = bisect_left(self.starts, offset)
        while self.tokens[index][0] != kind:
            index += 1
        return self.starts[index]
