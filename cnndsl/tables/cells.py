"""What stands in the cells of a table, before it is text of any kind.

A cell is None for nothing, a text, a whole number, a Form in its place, or one of the classes
here. `readable` is how people read it, `plain_value` how programs do.
"""

from __future__ import annotations

from fractions import Fraction
from typing import NamedTuple, TypeAlias

from cnndsl.layers import Shape
from cnndsl.layers.derivation import Derivation
from cnndsl.symbolic.form import Form

Cell: TypeAlias = "str | int | Form | Verbatim | Shapes | Share | Worked | Blank | None"
Text: TypeAlias = "list[str | Verbatim | Blank]"
"""A sentence in parts."""

NONE = "-"
"""What stands where a column says nothing about a layer."""


class Verbatim(NamedTuple):
    """Words of the language, or a name that a file gives."""

    text: str


class Blank(NamedTuple):
    """What is left open for a reader to fill in; the text is for who hears and sees no gap."""

    text: str


class Shapes(NamedTuple):
    """Sizes, channels last: one tensor's or several tensors'."""

    shapes: tuple[Shape, ...]


class Share(NamedTuple):
    """A share of a whole, from 0 to 1."""

    value: Fraction


class Worked(NamedTuple):
    """Workings with numbers: sizes apart, counts summed up."""

    steps: tuple[Derivation, ...]
    summed: bool = False


class Heading(NamedTuple):
    """A column's key, its title in the table's language, and whether it holds numbers."""

    key: str
    title: str
    right: bool


class Table(NamedTuple):
    """A table in a language.

    * `caption`: a sentence on the net, in parts
    * `rows`: the cells of each row; `sums` those of the row of sums, empty without one
    * `notes`: sentences below the table
    """

    lang: str
    caption: Text
    headings: list[Heading]
    rows: list[list[Cell]]
    sums: list[Cell]
    notes: list[Text]


def readable(cell: Cell) -> str:
    """A cell as people read it: `64,620`, `(36, 28, 20)`, `12.5%`."""
    if cell is None:
        return NONE
    if isinstance(cell, str):
        return cell
    if isinstance(cell, (int, Form)):
        return f"{cell:,}"
    if isinstance(cell, Verbatim):
        return cell.text
    if isinstance(cell, Blank):
        return gap()
    if isinstance(cell, Shapes):
        return ", ".join(map(tuple_text, cell.shapes))
    if isinstance(cell, Share):
        return f"{_tenths(cell)}%"
    from cnndsl.tables.formulas import numbers

    return numbers(cell.steps, summed=cell.summed) or NONE


def gap(notation: str = "plain") -> str:
    """What is left open, in text or in LaTeX."""
    return "____" if notation == "plain" else r"\underline{\hspace{3em}}"


def plain_value(cell: Cell) -> str:
    """A cell as programs read it: `64620`, `36x28x20`, `0.125`; empty for nothing."""
    if cell is None or isinstance(cell, Blank):
        return ""
    if isinstance(cell, (int, Form)):
        return cell.formula if isinstance(cell, Form) else str(cell)
    if isinstance(cell, Shapes):
        return " ".join("x".join(map(_factor, shape)) for shape in cell.shapes)
    if isinstance(cell, Share):
        return f"{float(cell.value):.6f}"
    text = readable(cell)
    return "" if text == NONE else text


def _factor(size: int | Form) -> str:
    """A size of a shape for programs, which tells an `x` apart."""
    text = size.formula if isinstance(size, Form) else str(size)
    return text if text.isalnum() else f"({text})"


def _tenths(share: Share) -> str:
    """A share in percent, rounded to one decimal; exact until then."""
    tenths = round(share.value * 1000)
    return f"{tenths // 10}.{tenths % 10}"


def tuple_text(values: Shape) -> str:
    """`(36, 28, 20)`, as people write shapes."""
    return f"({', '.join(map(str, values))})"
