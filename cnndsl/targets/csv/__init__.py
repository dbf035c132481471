"""The network as comma-separated values (RFC 4180), for spreadsheets and programs.

UTF-8, a header, lines that end in CRLF. Numbers have no separators, shapes are `36x28x20`, and
what says nothing is empty. There is no row of sums, which a program would count once more.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from cnndsl.diagnostics.markdown import one_line
from cnndsl.network import Network
from cnndsl.tables.cells import plain_value
from cnndsl.tables.styles import OPTIONS, make
from cnndsl.targets import class_name

__all__ = ["OPTIONS", "SUFFIX", "generate"]

SUFFIX = ".csv"


def generate(network: Network, *, lang: str | None = None, **options: Any) -> str:
    """The rows of a table; the options are those of `cnndsl.tables.styles.make`.

    The header has the keys of the columns, or with a `lang` their titles.
    """
    table = make(network, class_name, lang=lang or "en", **options)
    header = [heading.title if lang else heading.key for heading in table.headings]
    lines = [header, *([plain_value(cell) for cell in row] for row in table.rows)]
    return "".join(map(line, lines))


def line(cells: Iterable[str | float]) -> str:
    """A line of cells, with its ending; numbers stand as they are."""
    return ",".join(_field(c) if isinstance(c, str) else str(c) for c in cells) + "\r\n"


def _field(value: str) -> str:
    """A field that no spreadsheet takes for a formula, quoted where it has to be.

    An apostrophe keeps a text a text for spreadsheets. Numbers need none: none is below 0.
    """
    value = one_line(value)
    if value.lstrip()[:1] in ("=", "+", "-", "@", "＝", "＋", "－", "＠"):
        value = f"'{value}"
    if any(c in value for c in ',"') or value != value.strip():
        return '"' + value.replace('"', '""') + '"'
    return value
