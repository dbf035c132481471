"""The network as a table in LaTeX, with the rules of booktabs.

The whole is a document that pdflatex, xelatex and lualatex take; `fragment` is the table for a
document that loads booktabs (and longtable, where it is longer than a page). Korean is typeset
by kotex.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from typing import Any

from cnndsl.contract import Option
from cnndsl.diagnostics.markdown import one_line
from cnndsl.network import Network
from cnndsl.symbolic.form import Form
from cnndsl.tables.cells import NONE, Blank, Cell, Shapes, Table, Verbatim, Worked, gap, readable
from cnndsl.tables.formulas import number, numbers
from cnndsl.tables.styles import OPTIONS as TABLE_OPTIONS
from cnndsl.tables.styles import make
from cnndsl.targets import class_name

SUFFIX = ".tex"
OPTIONS = (*TABLE_OPTIONS, Option("fragment", "the table alone, for a document of your own"))

_LONG = 30
"""How many rows a page holds; a table with more breaks over pages."""

_SIZES = (("normalsize", 4.8), ("small", 4.5), ("footnotesize", 4.15), ("scriptsize", 3.85),
          ("tiny", 3.3))  # fmt: skip
"""Sizes of letters, and how wide a digit of each is in points, with something to spare."""

_PORTRAIT, _LANDSCAPE = 483.0, 731.0
"""The widths of the text in points: A4 with margins of 2 cm."""


def generate(network: Network, *, fragment: bool = False, **options: Any) -> str:
    """A document with the table of a network, or with `fragment` the table alone.

    The other options are those of `cnndsl.tables.styles.make`.
    """
    table = make(network, class_name, **options)
    if fragment:
        return _table(table)
    digits = _digits(table)
    width = _PORTRAIT if digits * _SIZES[2][1] <= _PORTRAIT else _LANDSCAPE
    size = next((name for name, points in _SIZES if digits * points <= width), _SIZES[-1][0])
    paper = "a4paper,landscape" if width > _PORTRAIT else "a4paper"
    if digits * _SIZES[-1][1] > width:  # the smallest letters want more
        paper = f"paperheight=210mm,paperwidth={digits * _SIZES[-1][1] + 114:.0f}pt"
    # A float begins in the letters of the document: the size has to stand within it.
    body = _table(table, [rf"\{size}", r"\setlength{\tabcolsep}{0.5em}"])
    lines = [
        "% Compile it with pdflatex, xelatex or lualatex.",
        r"\documentclass{article}",
        rf"\usepackage[{paper},margin=2cm]{{geometry}}",
        r"\usepackage{booktabs}",
        *([r"\usepackage{longtable}"] if len(table.rows) > _LONG else []),
        *_eastern(table.lang, body),
        *_unknown(body),
        r"\pagestyle{empty}",
        r"\setlength{\parindent}{0pt}",
        r"\begin{document}",
        body.rstrip("\n"),
        r"\end{document}",
    ]
    return "\n".join(lines) + "\n"


def _table(table: Table, letters: Sequence[str] = ()) -> str:
    columns = "".join("r" if heading.right else "l" for heading in table.headings)
    caption = "".join(map(_cell, table.caption))
    titles = " & ".join(text(heading.title) for heading in table.headings) + r" \\"
    body = [_row(row, NONE) for row in table.rows]
    if table.sums:
        body += [r"\midrule", _row(table.sums, "")]
    notes = [rf"\par\smallskip {''.join(map(_cell, note))}" for note in table.notes]
    kind = "longtable" if len(table.rows) > _LONG else "tabular"
    begin = [*letters, rf"\begin{{{kind}}}{{@{{}}{columns}@{{}}}}"]
    head = [r"\toprule", titles, r"\midrule"]
    end = [*body, r"\bottomrule", rf"\end{{{kind}}}", *notes]
    if kind == "longtable":
        begin += [rf"\caption{{{caption}}}\\", *head, r"\endfirsthead", *head, r"\endhead"]
        return "\n".join([*begin, *end, ""])
    around = [r"\begin{table}[htbp]", r"\centering", rf"\caption{{{caption}}}", r"\smallskip"]
    return "\n".join([*around, *begin, *head, *end, r"\end{table}", ""])


def _row(cells: list[Cell], empty: str) -> str:
    return " & ".join(empty if cell is None else _cell(cell) for cell in cells) + r" \\"


def _cell(cell: Cell) -> str:
    """What stands in a cell, or a part of a sentence."""
    if isinstance(cell, Worked):
        worked = numbers(cell.steps, summed=cell.summed, notation="inline")
        return worked or NONE
    if isinstance(cell, Blank):
        return gap("latex")
    if isinstance(cell, Verbatim):
        return rf"\texttt{{{text(cell.text)}}}"
    if isinstance(cell, Form):
        return _size(cell)
    if isinstance(cell, Shapes):
        return ", ".join(f"({', '.join(map(_size, shape))})" for shape in cell.shapes)
    return text(readable(cell))


def _size(size: int | Form) -> str:
    """A size, in mathematics where it is a formula."""
    return f"${number(size, 'inline')}$" if isinstance(size, Form) else str(size)


_ESCAPES = {
    **{c: rf"\{c}" for c in "{}$&#%_"},
    "\\": r"\textbackslash{}",
    "^": r"\textasciicircum{}",
    "~": r"\textasciitilde{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    # At the beginning of a row `[`, `]` and `*` would be arguments of the one before; the
    # others are no ligatures: two of them are two.
    **{c: f"{{{c}}}" for c in "[]*-`'"},
    '"': "{''}",
    **{
        c: rf"\ensuremath{{\{name}}}"
        for c, name in zip(
            "⌊⌋⌈⌉×≡≤≥…", "lfloor rfloor lceil rceil times equiv leq geq ldots".split()
        )
    },
}


def text(words: str) -> str:
    """A text as LaTeX sets it, to the letter."""
    return "".join(_ESCAPES.get(c, c) for c in one_line(words))


_EAST = re.compile("[\u1100-\u11ff\u3000-\u30ff\u3130-\u318f\u4e00-\u9fff\uac00-\ud7a3]")
"""Characters that kotex sets."""

_ACCENTS = set("\u0300\u0301\u0302\u0303\u0308\u030a\u0327")


def _eastern(lang: str, body: str) -> list[str]:
    """What sets Korean and its neighbours; in a Korean document, captions too."""
    if lang == "ko":
        return [r"\usepackage[hangul]{kotex}"]
    return [r"\usepackage{kotex}"] if _EAST.search(body) else []


def _unknown(body: str) -> list[str]:
    """What pdflatex is to set in the place of characters that its fonts lack: their numbers."""
    strange = {c for c in body if ord(c) > 126 and not _EAST.match(c) and not _accented(c)}
    if not strange:
        return []
    return [
        r"\ifdefined\pdftexversion",
        *(rf"\DeclareUnicodeCharacter{{{ord(c):04X}}}{{U+{ord(c):04X}}}" for c in sorted(strange)),
        r"\fi",
    ]


def _accented(character: str) -> bool:
    """Whether it is a letter of English with an accent that LaTeX knows."""
    parts = unicodedata.normalize("NFD", character)
    return len(parts) == 2 and parts[0].isascii() and parts[0].isalpha() and parts[1] in _ACCENTS


def _digits(table: Table) -> float:
    """About how wide the table is, in widths of a digit."""
    columns = zip(
        [heading.title for heading in table.headings],
        *([readable(cell) for cell in row] for row in table.rows),
        strict=True,
    )
    return sum(2 + max(map(_width, column)) for column in columns)


def _width(words: str) -> float:
    return sum(2.6 if c == "×" else 1.05 if ord(c) < 0x1100 else 2.0 for c in words)
