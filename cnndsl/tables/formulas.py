"""The formulas of layers as text: plain or LaTeX, with names or with numbers."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from math import ceil, floor
from typing import Any

from cnndsl.layers.derivation import Derivation
from cnndsl.symbolic.form import Form

_SIGNS: dict[type[ast.operator], tuple[int, str, str]] = {
    ast.Add: (1, " + ", " + "),
    ast.Sub: (1, " - ", " - "),
    ast.Mult: (2, "×", r" \times "),
    ast.Div: (2, "/", "/"),
    ast.Mod: (2, " mod ", r" \bmod "),
}
"""Operators: how tightly they bind, and what they are in plain text and in LaTeX."""

_BRACKETS = {
    "floor": ("⌊", "⌋", r"\left\lfloor ", r" \right\rfloor"),
    "ceil": ("⌈", "⌉", r"\left\lceil ", r" \right\rceil"),
    "max": ("max(", ")", r"\max\left(", r"\right)"),
}


def written(formula: str, values: Mapping[str, int] | None = None, notation: str = "plain") -> str:
    """A formula in a notation, with numbers in the place of names where `values` are given."""
    return _write(ast.parse(formula, mode="eval").body, values, notation)[1]


def numbers(steps: Sequence[Derivation], *, summed: bool = False, notation: str = "plain") -> str:
    """Workings with their numbers: `(39 - 4)/1 + 1 = 36, (31 - 4)/1 + 1 = 28`.

    Sizes that just stay what they are say nothing. `summed` makes one sum of all:
    `4×4×1×20 + 20 = 340`. LaTeX stands between dollars.
    """
    dollar = "" if notation == "plain" else "$"
    if summed:
        text = " + ".join(written(step.formula, step.values, notation) for step in steps)
        total = number(sum(step.value for step in steps), notation)
        equation = f"{text} = {total}" if text not in ("", total) else text
        return f"{dollar}{equation}{dollar}" if text else ""
    sides = (
        dict.fromkeys((written(step.formula, step.values, notation), number(step.value, notation)))
        for step in steps
        if not is_trivial(step)
    )
    return ", ".join(f"{dollar}{' = '.join(each)}{dollar}" for each in sides)


def evaluated(formula: str, values: Mapping[str, int]) -> Any:
    """What a formula comes to, exactly: a Fraction, or a Form where there are some in it."""
    return _evaluated(ast.parse(formula, mode="eval").body, values)


def _evaluated(node: ast.expr, values: Mapping[str, int]) -> Any:
    if isinstance(node, ast.Name):
        value: int | Form = values[node.id]
        return value if isinstance(value, Form) else Fraction(value)
    if isinstance(node, ast.Constant):
        return Fraction(str(node.value))
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        arguments = [_evaluated(each, values) for each in node.args]
        value = _FUNCTIONS[node.func.id](*arguments)
        return value if isinstance(value, Form) else Fraction(value)
    assert isinstance(node, ast.BinOp), ast.dump(node)
    return _ARITHMETIC[type(node.op)](_evaluated(node.left, values), _evaluated(node.right, values))


_FUNCTIONS: dict[str, Callable[..., Any]] = {"floor": floor, "ceil": ceil, "max": max}
_ARITHMETIC: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Mod: operator.mod,
}


def _holds(step: Derivation) -> bool:
    """Whether a formula comes to its value whatever the sizes of the input are."""
    if not any(isinstance(each, Form) for each in (step.value, *step.values.values())):
        return True
    return bool(evaluated(step.formula, step.values) == step.value)


def is_trivial(step: Derivation) -> bool:
    """Whether a size is just another, or a number that is given, or its formula is one for some
    sizes of the input alone."""
    return step.formula.isidentifier() or not step.values or not _holds(step)


def symbol(name: str, notation: str = "plain") -> str:
    """A name such as `H_out`; what stands behind `_` is an index."""
    letter, _, index = name.partition("_")
    if notation == "plain" or not index:
        return name
    return f"{letter}_{{\\mathrm{{{index}}}}}" if len(index) > 1 else f"{letter}_{{{index}}}"


def number(value: int | Form, notation: str = "plain") -> str:
    """A number as text, its thousands apart, or a formula in its place."""
    if isinstance(value, Form):
        return written(value.formula, None, notation)
    text = f"{value:,}"
    return text if notation == "plain" else text.replace(",", "{,}")


def _write(node: ast.expr, values: Mapping[str, int] | None, notation: str) -> tuple[int, str]:
    """A part of a formula, and how tightly it holds together."""
    if isinstance(node, ast.Name):
        if values is None:
            return 9, symbol(node.id, notation)
        value: int | Form = values[node.id]
        if isinstance(value, Form):
            return _write(ast.parse(value.formula, mode="eval").body, None, notation)
        return 9, number(value, notation)
    if isinstance(node, ast.Constant):
        return 9, number(node.value, notation) if isinstance(node.value, int) else str(node.value)
    tex = notation != "plain"
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        brackets = _BRACKETS[node.func.id]
        opening, closing = brackets[2:] if tex else brackets[:2]
        parts = [_write(each, values, notation)[1] for each in node.args]
        return 9, opening + ", ".join(parts) + closing
    assert isinstance(node, ast.BinOp), ast.dump(node)
    strength, plain, latex = _SIGNS[type(node.op)]
    left, right = (_write(each, values, notation) for each in (node.left, node.right))
    if notation == "latex" and isinstance(node.op, ast.Div):
        return 9, f"\\frac{{{left[1]}}}{{{right[1]}}}"
    # What is subtracted or divided by keeps its parentheses.
    least = strength + isinstance(node.op, (ast.Sub, ast.Div))
    texts = [
        text if held >= needed else (rf"\left({text}\right)" if "frac" in text else f"({text})")
        for (held, text), needed in zip((left, right), (strength, least))
    ]
    return strength, (latex if tex else plain).join(texts)


def decimal(value: Fraction, notation: str = "plain") -> tuple[str, str]:
    """The sign of equality and a number: `=` and `4.5`, `≈` and `3.33`."""
    exact = value * 100 == int(value * 100)
    text = f"{float(value):,.2f}".rstrip("0").rstrip(".")
    if notation == "plain":
        return "=" if exact else "≈", text
    return "=" if exact else r"\approx", text.replace(",", "{,}")
