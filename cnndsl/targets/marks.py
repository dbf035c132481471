"""Markdown: texts that stay texts, code, tables."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from cnndsl.diagnostics.render import columns as width_of
from cnndsl.targets.cells import Code, readable

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cnndsl.targets.cells import Cell, Table

_WIDEST = 40
"""How far cells are filled up with spaces; a longer one sticks out, and no others with it."""


def text(words: str) -> str:
    """A text as it is: what Markdown, HTML or mathematics would take for its own is escaped."""
    plain = one_line(words).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return "".join(f"\\{c}" if c in "\\`*_[]|~$" else c for c in plain)


def code(words: str) -> str:
    """A text as code, to the letter: its fence is longer than any in it."""
    plain = one_line(words).strip().replace("|", "\\|")
    longest = max(map(len, re.findall("`+", plain)), default=0)
    fence = "`" * (longest + 1) if longest else "`"
    space = " " if longest or not plain else ""
    return f"{fence}{space}{plain}{space}{fence}"


def one_line(words: str) -> str:
    """A text in one line, without what a terminal or a browser would act upon."""
    return "".join(c if c.isprintable() else " " for c in re.sub(r"\s+", " ", words))


def inline(part: str | Code) -> str:
    """A part of a sentence."""
    return code(part.text) if isinstance(part, Code) else text(part)


def cell_text(cell: Cell) -> str:
    """What stands in a cell."""
    if isinstance(cell, Code):
        return code(cell.text)
    return text(readable(cell)) if isinstance(cell, str) else readable(cell)


def draw(table: Table) -> list[str]:
    """The lines of a table, its columns filled up so that the text reads as a table too."""
    titles = [text(heading.title) for heading in table.headings]
    body = [[cell_text(cell) for cell in row] for row in table.rows]
    if table.sums:
        body.append(["" if cell is None else cell_text(cell) for cell in table.sums])
    return grid(titles, body, [heading.right for heading in table.headings])


def grid(titles: list[str], body: list[list[str]], right: Iterable[bool]) -> list[str]:
    """A table of cells that are Markdown already."""
    right = list(right)
    widths = [
        min(_WIDEST, max(3, width_of(title), *(width_of(line[index]) for line in body)))
        for index, title in enumerate(titles)
    ]
    rule = [
        "-" * (width - 1) + ":" if flush else "-" * width
        for width, flush in zip(widths, right, strict=True)
    ]
    drawn = []
    for line in (titles, rule, *body):
        cells = []
        for words, width, flush in zip(line, widths, right, strict=True):
            space = " " * (width - width_of(words))
            cells.append(space + words if flush else words + space)
        drawn.append(f"| {' | '.join(cells)} |")
    return drawn
