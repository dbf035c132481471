"""Values given from outside: `--set k=v`, `--input SIZE`."""

from __future__ import annotations

from operator import index
from typing import Any

from cnndsl.diagnostics.message import Message
from cnndsl.layers import Shape
from cnndsl.layers.values import SHAPE, Word
from cnndsl.network.expressions import MAX_VALUE, ExpressionError, evaluate
from cnndsl.syntax import nodes as ast


def given_value(value: Any) -> Any:
    """A value that a caller gives: a text as one would write it, a number or a tuple.

    None for what is no value of the language, and for what is too large for one.
    """
    if isinstance(value, str):
        return read_value(value)
    if isinstance(value, bool):
        return value
    if isinstance(value, float):
        return float(value) if abs(value) <= MAX_VALUE else None  # which no NaN is either
    if isinstance(value, tuple):
        items = tuple(map(_whole, value))
        return items if items and None not in items else None
    return _whole(value)


def _whole(value: Any) -> int | None:
    """An integer of Python, or of what else has integers, as numpy; None for none."""
    try:
        number = index(value)
    except TypeError:
        return None
    return number if abs(number) <= MAX_VALUE else None


def shown(given: Any) -> str:
    """What a caller gives, fit for a message: not all of what is long, be it text or not."""
    try:
        text = str(given)
    except Exception:  # an integer of too many digits, or what cannot show itself
        return type(given).__name__
    text = text if len(text) <= 40 else f"{text[:39]}…"
    return text if text.isprintable() else ascii(text)[1:-1]


def given_shape(given: Any) -> Shape:
    """The shape that `--input` gives; raises ValueError with a message."""
    value = given_value(given)
    if value is None:
        raise ValueError(Message("is no size, as 28x28x1 is one"))
    shape: Shape = SHAPE.read(value)
    if len(shape) > 4:
        raise ValueError(Message("has more dimensions than DxHxWxC"))
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
