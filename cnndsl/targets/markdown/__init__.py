"""The network as a table in Markdown: a line about the net, the table, and what is to add.

Nothing repeats but rows, so that a template would be longer than the code, and slower to load
than the whole table is to write.
"""

from __future__ import annotations

from typing import Any

from cnndsl.network import Network
from cnndsl.tables import markdown_table
from cnndsl.tables.styles import OPTIONS, make
from cnndsl.targets import class_name

__all__ = ["OPTIONS", "SUFFIX", "generate"]

SUFFIX = ".md"


def generate(network: Network, **options: Any) -> str:
    """The table of a network; the options are those of `cnndsl.tables.styles.make`."""
    table = make(network, class_name, **options)
    lines = [markdown_table.sentence(table.caption), "", *markdown_table.draw(table)]
    if table.notes:
        bullet = "- " if len(table.notes) > 1 else ""
        lines += ["", *(bullet + markdown_table.sentence(note) for note in table.notes)]
    return "\n".join(lines) + "\n"
