"""The network as a table in HTML: a page that needs nothing beside it, or the table alone.

A screen reader gets a caption and the headings of rows and columns; a narrow screen scrolls
the table and not the page.
"""

from __future__ import annotations

from html import escape
from typing import Any

from cnndsl.contract import Option
from cnndsl.diagnostics.markdown import one_line
from cnndsl.network import Network
from cnndsl.tables.cells import Blank, Cell, Heading, Table, Verbatim, readable
from cnndsl.tables.styles import OPTIONS as TABLE_OPTIONS
from cnndsl.tables.styles import make
from cnndsl.targets import class_name

SUFFIX = ".html"
OPTIONS = (*TABLE_OPTIONS, Option("fragment", "the table alone, for a page of your own"))

_STYLE = """\
:root { color-scheme: light dark; --line: #8888; --faint: #8881; }
body { margin: 1.5rem; font: 1rem/1.5 system-ui, sans-serif; color: CanvasText;
  background: Canvas; }
.cnndsl-table { overflow-x: auto; }
.cnndsl-table:focus-visible { outline: 2px solid Highlight; outline-offset: 2px; }
table { border-collapse: collapse; }
caption { text-align: start; padding-block-end: .75rem; }
th, td { padding: .3rem .55rem; font-size: .9rem; text-align: start; white-space: nowrap;
  border-block-end: 1px solid var(--line); }
thead th { vertical-align: bottom; white-space: normal; word-break: keep-all;
  border-block-end-width: 2px; }
tbody th { font-weight: normal; }
tbody tr:nth-child(even) > * {
  background: linear-gradient(var(--faint), var(--faint)), Canvas; }
tfoot th, tfoot td { font-weight: bold; border-block: 2px solid var(--line); }
tr > :first-child { position: sticky; inset-inline-start: 0; background: Canvas; }
.n { text-align: end; font-variant-numeric: tabular-nums; }
code { font: .9em ui-monospace, monospace; }
@media (max-width: 40rem) {
  body { margin: .75rem; }
  caption { max-width: calc(100vw - 1.5rem); position: sticky; inset-inline-start: 0; }
  th, td { padding: .25rem .45rem; font-size: .85rem; }
}
@media print { .cnndsl-table { overflow: visible; } }
"""
_GAP = "display:inline-block;width:5em;height:1.2em;border-bottom:1px solid;vertical-align:bottom"


def generate(network: Network, *, fragment: bool = False, **options: Any) -> str:
    """A page with the table of a network, or with `fragment` the table in a `div`.

    The other options are those of `cnndsl.tables.styles.make`.
    """
    table = make(network, class_name, **options)
    body = _body(table)
    if fragment:
        return body
    return (
        f'<!DOCTYPE html>\n<html lang="{table.lang}">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{text(network.name)}</title>\n<style>\n{_STYLE}</style>\n</head>\n"
        f"<body>\n<main>\n{body}</main>\n</body>\n</html>\n"
    )


def _body(table: Table) -> str:
    label = text("".join(part if isinstance(part, str) else part.text for part in table.caption))
    titles = "".join(
        f'<th scope="col"{_side(each)}>{text(each.title)}</th>' for each in table.headings
    )
    lines = [
        f'<div class="cnndsl-table" role="region" tabindex="0" lang="{table.lang}" '
        f'aria-label="{label}">',
        "<table>",
        f"<caption>{''.join(map(_cell, table.caption))}</caption>",
        "<thead>",
        f"<tr>{titles}</tr>",
        "</thead>",
        "<tbody>",
        *(_row(table.headings, row) for row in table.rows),
        "</tbody>",
    ]
    if table.sums:
        lines += ["<tfoot>", _row(table.headings, table.sums, empty=""), "</tfoot>"]
    lines += [
        "</table>",
        *(f"<p>{''.join(map(_cell, note))}</p>" for note in table.notes),
        "</div>",
    ]
    return "\n".join(lines) + "\n"


def _row(headings: list[Heading], cells: list[Cell], empty: str = "-") -> str:
    """A row; its first cell is its heading."""
    parts = []
    for index, (heading, cell) in enumerate(zip(headings, cells, strict=True)):
        content = empty if cell is None else _cell(cell)
        start, end = ("td", "td") if index else ('th scope="row"', "th")
        parts.append(f"<{start}{_side(heading)}>{content}</{end}>")
    return f"<tr>{''.join(parts)}</tr>"


def _side(heading: Heading) -> str:
    return ' class="n"' if heading.right else ""


def _cell(cell: Cell) -> str:
    """What stands in a cell, or a part of a sentence."""
    if isinstance(cell, Blank):
        return f'<span role="img" aria-label="{text(cell.text)}" style="{_GAP}"></span>'
    if isinstance(cell, Verbatim):
        return f"<code>{text(cell.text)}</code>"
    return text(readable(cell))


def text(words: str) -> str:
    """A text, in an element or in an attribute between double quotes."""
    return escape(one_line(words), quote=True)
