"""Tables and their parts in Markdown."""

from __future__ import annotations

from cnndsl.diagnostics.markdown import code, escaped, grid
from cnndsl.tables.cells import Cell, Table, Text, Verbatim, readable

_WIDEST = 40
"""How far cells are filled up with spaces."""


def sentence(parts: Text) -> str:
    """A sentence in parts."""
    return "".join(map(cell_text, parts))


def cell_text(cell: Cell) -> str:
    """What stands in a cell, or a part of a sentence."""
    if isinstance(cell, Verbatim):
        return code(cell.text)
    return escaped(cell) if isinstance(cell, str) else readable(cell)


def draw(table: Table) -> list[str]:
    """The lines of a table."""
    lines = [[heading.title for heading in table.headings]]
    lines += [[cell_text(cell) for cell in row] for row in table.rows]
    if table.sums:
        lines.append(["" if cell is None else cell_text(cell) for cell in table.sums])
    return grid(lines, [heading.right for heading in table.headings], _WIDEST)
