"""The tables of HTML in a post: where their cells stand, and their words without markup."""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import unescape
from html.parser import HTMLParser

from cnndsl.diagnostics import Span

MARKUP = re.compile(r"<[^<>]{0,500}>|&#?\w{1,31};")


def plain(text: str) -> str:
    """The words of a text, as long as it is: blanks stand for what markup has more."""
    return MARKUP.sub(lambda m: ((m[0][0] == "&" and unescape(m[0])) or "").ljust(len(m[0])), text)


class TableParser(HTMLParser):
    """Takes down the places of cells, table by table and row by row.

    `starts` are where the lines of what is fed begin in the post. Tables of which a cell spans
    rows or columns are in `odd`, by their number.
    """

    def __init__(self, starts: Sequence[int]) -> None:
        super().__init__()
        self.starts, self.begin, self.odd = starts, -1, set[int]()
        self.tables: list[list[list[Span]]] = []

    def place(self) -> int:
        """Where in the post the tag at hand begins."""
        line, column = self.getpos()
        return self.starts[line - 1] + column

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_endtag(tag)  # which need not be written
        if tag == "table":
            self.tables.append([])
        elif tag == "tr" and self.tables:
            self.tables[-1].append([])
        elif tag in ("td", "th") and self.tables and self.tables[-1]:
            self.begin = self.place() + len(self.get_starttag_text() or "")
            if any(name in ("colspan", "rowspan") and value != "1" for name, value in attrs):
                self.odd.add(len(self.tables) - 1)

    def handle_endtag(self, tag: str) -> None:
        if tag in ("td", "th", "tr", "table") and self.begin >= 0:
            self.tables[-1][-1].append(Span(self.begin, self.place()))
            self.begin = -1
