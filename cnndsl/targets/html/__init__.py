"""The network as a table in HTML: a page that needs nothing beside it, or the table alone.

A screen reader gets a caption and the headings of rows and columns; a narrow screen scrolls
the table and not the page.
"""

from __future__ import annotations

from typing import Any

from cnndsl.contract import Option
from cnndsl.network import Network
from cnndsl.tables.cells import Cell, Heading, Table
from cnndsl.tables.html_text import cell_html, text
from cnndsl.tables.styles import OPTIONS as TABLE_OPTIONS
from cnndsl.tables.styles import make
from cnndsl.targets import class_name

SUFFIX = ".html"
OPTIONS = (*TABLE_OPTIONS, Option("fragment", "the table alone, for a page of your own"))

_STYLE = """\
:root { color-scheme: light dark; --line: #8888; --faint: #8881; }
body { margin: 1.5rem; font: 1rem/1.5 system-ui, sans-serif; color: CanvasText;
  background: Canvas; }
.cnndsl-table:focus-visible { outline: 2px solid Highlight; outline-offset: 2px; }
table { border-collapse: collapse; }
caption { text-align: start; padding-block-end: .75rem; }
th, td { padding: .3rem .55rem; font-size: .9rem; text-align: start; white-space: nowrap;
  border-block-end: 1px solid var(--line); }
thead th { vertical-align: bottom; white-space: normal; word-break: keep-all;
  border-block-end-width: 2px; }
tbody th { font-weight: normal; }
tbody tr:nth-child(even) > * { background-image: linear-gradient(var(--faint), var(--faint)); }
tfoot th, tfoot td { font-weight: bold; border-block: 2px solid var(--line); }
.n { text-align: end; font-variant-numeric: tabular-nums; }
code { font: .9em ui-monospace, monospace; }
@media (max-width: 40rem) {
  body { margin: .75rem; }
  caption { max-width: calc(100vw - 1.5rem); position: sticky; inset-inline-start: 0; }
  th, td { padding: .25rem .45rem; font-size: .85rem; }
  tr > :first-child code { display: inline-block; width: max-content; max-width: 38vw;
    white-space: normal; overflow-wrap: anywhere; }
}
@media print { .cnndsl-table { overflow: visible !important; background: none !important; } }
"""

# In attributes, which a page of Markdown may drop but never shows, as it may a `style` element.
_GROUND = (
    "var(--cnndsl-ground,var(--jp-layout-color0,var(--md-default-bg-color,"
    "var(--color-background-primary,var(--vscode-editor-background,Canvas)))))"
)
"""The colour of the page: one's own, Jupyter's, Material's, Furo's, VS Code's, the browser's."""

_SCROLLS = (
    f"--cnndsl-under:{_GROUND};overflow-x:auto;background:"
    "linear-gradient(to left,var(--cnndsl-under) 40%,transparent) 100% 0/3rem 100% no-repeat local,"
    "linear-gradient(to left,#8889,transparent) 100% 0/.9rem 100% no-repeat scroll"
)
"""A shadow at the right edge, which what moves with the last column covers where it is in sight."""

_STAYS = (
    "position:sticky;left:0;background-color:var(--cnndsl-under);"
    "box-shadow:var(--cnndsl-edge,inset -1px 0 #8886)"
)
"""The first column, which the others slide under."""


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
        f'<th scope="col"{_side(each)}{_stays(place)}>{text(each.title)}</th>'
        for place, each in enumerate(table.headings)
    )
    lines = [
        f'<div class="cnndsl-table" role="region" tabindex="0" lang="{table.lang}" '
        f'aria-label="{label}" style="{_SCROLLS}">',
        "<table>",
        f"<caption>{''.join(map(cell_html, table.caption))}</caption>",
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
        *(f"<p>{''.join(map(cell_html, note))}</p>" for note in table.notes),
        "</div>",
    ]
    return "\n".join(lines) + "\n"


def _row(headings: list[Heading], cells: list[Cell], empty: str = "-") -> str:
    """A row; its first cell is its heading."""
    parts = []
    for index, (heading, cell) in enumerate(zip(headings, cells, strict=True)):
        content = empty if cell is None else cell_html(cell)
        start, end = ("td", "td") if index else ('th scope="row"', "th")
        parts.append(f"<{start}{_side(heading)}{_stays(index)}>{content}</{end}>")
    return f"<tr>{''.join(parts)}</tr>"


def _stays(place: int) -> str:
    return "" if place else f' style="{_STAYS}"'


def _side(heading: Heading) -> str:
    return ' class="n"' if heading.right else ""
