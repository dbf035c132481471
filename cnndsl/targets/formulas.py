"""The formulas of layers as text: plain or LaTeX, with names or with numbers."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from cnndsl.layers.working import Step

_SIGNS: dict[type[ast.operator], tuple[int, str, str]] = {
    ast.Add: (1, " + ", " + "),
    ast.Sub: (1, " - ", " - "),
    ast.Mult: (2, "×", r" \times "),
    ast.Div: (2, "/", ""),
}
"""Operators: how tightly they bind, and what they are in plain text and in LaTeX."""

_BRACKETS = {
    "floor": ("⌊", "⌋", r"\left\lfloor ", r" \right\rfloor"),
    "ceil": ("⌈", "⌉", r"\left\lceil ", r" \right\rceil"),
    "max": ("max(", ")", r"\max\left(", r"\right)"),
}

Numbers = "Mapping[str, int] | None"


def plain(formula: str, values: Mapping[str, int] | None = None) -> str:
    """A formula as plain text; with numbers in the place of names where `values` are given."""
    return _write(_parsed(formula), values, latex=False)[1]


def latex(formula: str, values: Mapping[str, int] | None = None) -> str:
    """A formula as LaTeX, for mathematics mode."""
    return _write(_parsed(formula), values, latex=True)[1]


def numbers(steps: Sequence[Step], *, summed: bool = False) -> str:
    """Workings with their numbers as plain text: `(39 - 4)/1 + 1 = 36, (31 - 4)/1 + 1 = 28`.

    Sizes that just stay what they are say nothing. `summed` makes one sum of all:
    `4×4×1×20 + 20 = 340`.
    """
    if summed:
        terms = [plain(step.formula, step.values) for step in steps]
        total = f"{sum(step.value for step in steps):,}"
        text = " + ".join(terms)
        return f"{text} = {total}" if text not in ("", total) else text
    told = [step for step in steps if not step.formula.isidentifier() and step.values]
    return ", ".join(f"{plain(step.formula, step.values)} = {step.value:,}" for step in told)


def symbol(name: str, *, latex: bool = False) -> str:
    """A name such as `H_out`; what stands behind `_` is an index."""
    letter, _, index = name.partition("_")
    if not latex or not index:
        return name
    return f"{letter}_{{\\mathrm{{{index}}}}}" if len(index) > 1 else f"{letter}_{{{index}}}"


def _parsed(formula: str) -> ast.expr:
    return ast.parse(formula, mode="eval").body


def _write(node: ast.expr, values: Mapping[str, int] | None, *, latex: bool) -> tuple[int, str]:
    """A part of a formula, and how tightly it holds together."""
    if isinstance(node, ast.Name):
        if values is None:
            return 9, symbol(node.id, latex=latex)
        return 9, _number(values[node.id], latex)
    if isinstance(node, ast.Constant):
        return 9, str(node.value)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        opening, closing = _BRACKETS[node.func.id][2:] if latex else _BRACKETS[node.func.id][:2]
        parts = [_write(each, values, latex=latex)[1] for each in node.args]
        return 9, opening + ", ".join(parts) + closing
    assert isinstance(node, ast.BinOp), ast.dump(node)
    strength, sign, tex = _SIGNS[type(node.op)]
    left, right = (_write(each, values, latex=latex) for each in (node.left, node.right))
    if latex and isinstance(node.op, ast.Div):
        return 9, f"\\frac{{{left[1]}}}{{{right[1]}}}"
    # What is subtracted or divided by keeps its parentheses.
    least = strength + isinstance(node.op, (ast.Sub, ast.Div))
    texts = [
        text if held >= needed else (rf"\left({text}\right)" if latex else f"({text})")
        for (held, text), needed in zip((left, right), (strength, least))
    ]
    return strength, (tex if latex else sign).join(texts)


def _number(value: int, latex: bool) -> str:
    text = f"{value:,}" if value >= 10_000 else str(value)
    return text.replace(",", "{,}") if latex else text
