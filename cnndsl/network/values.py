"""Values given from outside: `--set k=v`, `--input SIZE`."""

from __future__ import annotations

from typing import Any

from cnndsl.layers import Shape
from cnndsl.layers.values import SHAPE, Word
from cnndsl.network.expressions import MAX_VALUE, ExpressionError, evaluate
from cnndsl.syntax import nodes as ast


def given_value(value: Any) -> Any:
    """A value that a caller gives: a text as one would write it, a number or a tuple.

    None for what is no value of the language.
    """
    if isinstance(value, str):
        return read_value(value)
    if isinstance(value, (int, float)):
        return value if abs(value) <= MAX_VALUE else None  # which no NaN is either
    if isinstance(value, tuple) and value and all(type(item) is int for item in value):
        return value
    return None


def given_shape(text: str) -> Shape:
    """The shape that `--input` gives; raises ValueError."""
    value = read_value(text)
    if value is None:
        raise ValueError("is no size, as 28x28x1 is one")
    read = SHAPE.read(value)
    shape = read if isinstance(read, tuple) else (read,)
    if len(shape) > 4:
        raise ValueError("has more dimensions than DxHxWxC")
    return shape


def read_value(text: str) -> Any:
    """A value of the language from a text; None for none."""
    from cnndsl.diagnostics import Source
    from cnndsl.syntax.parser import parse

    module, problems = parse(Source("", f"let x = {text}"))
    if problems or len(module.statements) != 1 or not isinstance(module.statements[0], ast.Let):
        return None

    def look_up(name: ast.Name) -> Word:
        return Word(name.id)

    try:
        return evaluate(module.statements[0].value, look_up)
    except ExpressionError:
        return None
