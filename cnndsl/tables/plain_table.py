"""Tables as text and as Markdown."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence

from cnndsl.diagnostics.markdown import grid
from cnndsl.diagnostics.render import columns, printable


def text_table(
    lines: Sequence[Sequence[str]], right: Sequence[bool], *, rule: bool = True, sums: bool = False
) -> str:
    """Plain columns; `right` says which stand flush right. The first line is the titles.

    A `rule` stands below it, and with `sums` above the last line too.
    """
    drawn, line = _drawn(lines, right)
    if rule:
        drawn.insert(1, line)
    if sums:
        drawn.insert(-1, line)
    return "".join(f"{line}\n" for line in drawn)


def partial_table(
    lines: Sequence[Sequence[str]],
    right: Sequence[bool],
    *,
    pale: Container[int],
    between: Mapping[int, Sequence[str]],
    color: bool = False,
) -> str:
    """Columns as `text_table` draws them, with sums, of which not all is certain.

    `between` has texts that stand above a line, over all columns. With `color`, the lines of
    `pale` are grey and those texts red.
    """
    drawn, rule = _drawn(lines, right)
    found = [drawn[0], rule]
    for index, line in enumerate(drawn[1:], 1):
        found += [painted(_RED, printable(said), color) for said in between.get(index, ())]
        if index == len(drawn) - 1:
            found.append(rule)
        found.append(painted(_DIM, line, color and index in pale))
    return "".join(f"{line}\n" for line in found)


_DIM, _RED = "2", "31"


def painted(style: str, text: str, color: bool = True) -> str:
    """A text in a colour of a terminal."""
    return f"\x1b[{style}m{text}\x1b[0m" if color else text


def _drawn(lines: Sequence[Sequence[str]], right: Sequence[bool]) -> tuple[list[str], str]:
    """Lines in columns, and a line of dashes below the titles."""
    cells = [[printable(cell) for cell in line] for line in lines]
    widths = [max(map(columns, column)) for column in zip(*cells, strict=True)]
    drawn = ["  ".join(_filled(line, widths, right)).rstrip() for line in cells]
    return drawn, "  ".join("-" * width for width in widths)


def markdown_table(lines: Sequence[Sequence[str]], right: Sequence[bool]) -> str:
    """A table of GitHub's Markdown, the first line its titles. The cells are Markdown."""
    return "".join(f"{line}\n" for line in grid(lines, right))


def _filled(line: Sequence[str], widths: Sequence[int], right: Sequence[bool]) -> list[str]:
    filled = []
    for text, width, flush in zip(line, widths, right, strict=True):
        space = " " * (width - columns(text))
        filled.append(space + text if flush else text + space)
    return filled
