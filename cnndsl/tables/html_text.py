"""Cells, and parts of sentences, in HTML."""

from __future__ import annotations

from html import escape

from cnndsl.diagnostics.markdown import one_line
from cnndsl.tables.cells import Blank, Cell, Verbatim, readable

_GAP = "display:inline-block;width:5em;height:1.2em;border-bottom:1px solid;vertical-align:bottom"


def cell_html(cell: Cell) -> str:
    """What stands in a cell, or a part of a sentence."""
    if isinstance(cell, Blank):
        return f'<span role="img" aria-label="{text(cell.text)}" style="{_GAP}"></span>'
    if isinstance(cell, Verbatim):
        return f"<code>{text(cell.text)}</code>"
    return text(readable(cell))


def text(words: str) -> str:
    """A text, in an element or in an attribute between double quotes."""
    return escape(one_line(words), quote=True)
