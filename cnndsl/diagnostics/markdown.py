"""Texts in Markdown: as themselves, as code, in blocks and tables that they cannot break out of."""

from __future__ import annotations

import re
from collections.abc import Sequence

from cnndsl.diagnostics.harmless import without_commands
from cnndsl.diagnostics.render import columns, printable


def one_line(words: str) -> str:
    """A text in one line; what cannot be seen is escaped, as on a terminal.

    Spaces at its ends stay, so that it can be a part of a sentence.
    """
    middle = " ".join(words.split())
    shown = without_commands(printable(middle))
    if middle == words:
        return shown
    begin, end = words[:1].isspace(), words[-1:].isspace()
    return " " * begin + shown + " " * (end and bool(middle))


def escaped(words: str) -> str:
    """A text as text: what Markdown, HTML or mathematics would take for its own is escaped."""
    plain = one_line(words)
    if plain.isalnum():
        return plain
    plain = plain.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    plain = "".join(f"\\{c}" if c in "\\`*_[]|~$@#" else c for c in plain)
    return plain.replace("://", "\\://").replace("www.", "www\\.")  # GitHub makes links of these


def code(words: str) -> str:
    """A text as code, to the letter, in a table as well; one line, whatever it holds."""
    plain = one_line(words).strip().replace("|", "\\|")
    fence = "`" * (_longest_run(plain) + 1)
    space = " " if len(fence) > 1 or not plain else ""
    return f"{fence}{space}{plain}{space}{fence}"


def fenced(text: str, language: str = "") -> str:
    """A text as a block of code, behind a fence that it cannot close; without a last newline."""
    fence = "`" * max(3, _longest_run(text) + 1)
    lines = "\n".join(map(printable, text.replace("\r\n", "\n").rstrip("\n").split("\n")))
    return f"{fence}{language}\n{without_commands(lines)}\n{fence}"


def grid(
    lines: Sequence[Sequence[str]], right: Sequence[bool], widest: int | None = None
) -> list[str]:
    """The lines of a table, the first its titles; the cells are Markdown.

    Columns are filled up so that the text reads as a table too, as far as `widest`: a longer
    cell sticks out, and no others with it. `right` says which stand flush right.
    """
    widths = [max(3, *map(columns, column)) for column in zip(*lines, strict=True)]
    if widest is not None:
        widths = [min(widest, width) for width in widths]
    rule = ["-" * (w - flush) + ":" * flush for w, flush in zip(widths, right, strict=True)]
    drawn = []
    for line in (lines[0], rule, *lines[1:]):
        cells = []
        for words, width, flush in zip(line, widths, right, strict=True):
            space = " " * (width - columns(words))
            cells.append(space + words if flush else words + space)
        drawn.append(f"| {' | '.join(cells)} |")
    return drawn


def _longest_run(text: str) -> int:
    """The most backticks in a row."""
    return max(map(len, re.findall("`+", text)), default=0)
