"""A comparison as text, Markdown and JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cnndsl.comparison.side_by_side import cell, ratio
from cnndsl.comparison.tables import code, escaped, markdown_table, text_table

if TYPE_CHECKING:
    from collections.abc import Callable

    from cnndsl.comparison.side_by_side import Comparison


def as_text(comparison: Comparison) -> str:
    """The table for a terminal, and a sentence for each net but the first."""
    lines = _lines(comparison, str, lambda name: f"of {name}")
    right = [False] + [True] * (len(lines[0]) - 1)
    said = "".join(f"{sentence}\n" for sentence in comparison.verdicts)
    return text_table(lines, right) + (f"\n{said}" if said else "")


def as_markdown(comparison: Comparison) -> str:
    """The table for a document, and a sentence for each net but the first."""
    lines = _lines(comparison, code, lambda name: f"of {code(name)}")
    right = [False] + [True] * (len(lines[0]) - 1)
    said = "".join(f"\n{escaped(sentence)}.\n" for sentence in comparison.verdicts)
    return markdown_table(lines, right) + said


def _lines(
    comparison: Comparison, name: Callable[[str], str], share: Callable[[str], str]
) -> list[list[str]]:
    count = len(comparison.names)
    lines = [["", *map(name, comparison.names), *map(share, comparison.names[1:])]]
    for line in comparison.lines:
        cells = [cell(line, index) for index in range(count)]
        lines.append([line.title, *cells, *map(ratio, line.ratios)])
    return lines


def as_json(comparison: Comparison) -> str:
    """The measures of every net by name, all of them, and the first's ratios to the others.

    Memory is in bytes, a ratio a fraction (0.061 is 6.1 %) or null.
    """
    import json

    nets = [
        {"name": name, **measure._asdict()}
        for name, measure in zip(comparison.names, comparison.measures, strict=True)
    ]
    ratios = {
        line.key: line.ratios
        for line in comparison.lines
        if all(isinstance(value, int) for value in line.values)
    }
    return json.dumps({"nets": nets, "ratios": ratios}, ensure_ascii=False, indent=2) + "\n"
