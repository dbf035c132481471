"""Values given from outside: `--set k=v`, `--input SIZE`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cnndsl.layers.values import Word
from cnndsl.network.expressions import ExpressionError, evaluate
from cnndsl.syntax import nodes as ast

if TYPE_CHECKING:

    pass


def read_value(text: str) -> Any:
    """A value of the language from a text, as `--set` and `--input` give it; None for none."""
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
