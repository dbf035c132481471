"""Tables as text and as Markdown, and text that cannot break out of either."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cnndsl.diagnostics.render import columns, printable

if TYPE_CHECKING:
    from collections.abc import Sequence


def text_table(lines: Sequence[Sequence[str]], right: Sequence[bool], *, rule: bool = True) -> str:
    """Plain columns; `right` says which stand flush right. The first line is the titles."""
    cells = [[printable(cell) for cell in line] for line in lines]
    widths = [max(map(columns, column)) for column in zip(*cells, strict=True)]
    drawn = ["  ".join(_filled(line, widths, right)).rstrip() for line in cells]
    if rule:
        drawn.insert(1, "  ".join("-" * width for width in widths))
    return "".join(f"{line}\n" for line in drawn)


def markdown_table(lines: Sequence[Sequence[str]], right: Sequence[bool]) -> str:
    """A table of GitHub's Markdown, the first line its titles. The cells are Markdown."""
    widths = [max(3, *map(columns, column)) for column in zip(*lines, strict=True)]
    rule = [
        "-" * (width - 1) + ":" if flush else "-" * width
        for width, flush in zip(widths, right, strict=True)
    ]
    drawn = [_filled(lines[0], widths, right), rule]
    drawn += [_filled(line, widths, right) for line in lines[1:]]
    return "".join(f"| {' | '.join(line)} |\n" for line in drawn)


def _filled(line: Sequence[str], widths: Sequence[int], right: Sequence[bool]) -> list[str]:
    filled = []
    for text, width, flush in zip(line, widths, right, strict=True):
        space = " " * (width - columns(text))
        filled.append(space + text if flush else text + space)
    return filled


def code(text: str) -> str:
    """A text as code in Markdown, in a table as well; one line, whatever it holds."""
    plain = printable(" ".join(text.split())).replace("|", "\\|")
    longest = run = 0
    for character in plain:
        run = run + 1 if character == "`" else 0
        longest = max(longest, run)
    fence = "`" * (longest + 1)
    space = " " if plain.startswith("`") or plain.endswith("`") or not plain else ""
    return f"{fence}{space}{plain}{space}{fence}"


def fenced(text: str, language: str = "") -> str:
    """A text as a block of code in Markdown, behind a fence that it cannot close."""
    longest = run = 0
    for character in text:
        run = run + 1 if character == "`" else 0
        longest = max(longest, run)
    fence = "`" * max(3, longest + 1)
    lines = "\n".join(printable(line) for line in text.rstrip("\n").split("\n"))
    return f"{fence}{language}\n{lines}\n{fence}\n"


def escaped(text: str) -> str:
    """A text as text in Markdown: what would be more than itself escaped."""
    plain = printable(" ".join(text.split())).replace("&", "&amp;").replace("<", "&lt;")
    return "".join(f"\\{c}" if c in "\\`*_[]|~@#" else c for c in plain)
