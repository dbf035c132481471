"""Tables as text and as Markdown."""

from __future__ import annotations

from collections.abc import Sequence

from cnndsl.diagnostics.markdown import grid
from cnndsl.diagnostics.render import columns, printable


def text_table(
    lines: Sequence[Sequence[str]], right: Sequence[bool], *, rule: bool = True, sums: bool = False
) -> str:
    """Plain columns; `right` says which stand flush right. The first line is the titles.

    A `rule` stands below it, and with `sums` above the last line too.
    """
    cells = [[printable(cell) for cell in line] for line in lines]
    widths = [max(map(columns, column)) for column in zip(*cells, strict=True)]
    drawn = ["  ".join(_filled(line, widths, right)).rstrip() for line in cells]
    line = "  ".join("-" * width for width in widths)
    if rule:
        drawn.insert(1, line)
    if sums:
        drawn.insert(-1, line)
    return "".join(f"{line}\n" for line in drawn)


def markdown_table(lines: Sequence[Sequence[str]], right: Sequence[bool]) -> str:
    """A table of GitHub's Markdown, the first line its titles. The cells are Markdown."""
    return "".join(f"{line}\n" for line in grid(lines, right))


def _filled(line: Sequence[str], widths: Sequence[int], right: Sequence[bool]) -> list[str]:
    filled = []
    for text, width, flush in zip(line, widths, right, strict=True):
        space = " " * (width - columns(text))
        filled.append(space + text if flush else text + space)
    return filled
