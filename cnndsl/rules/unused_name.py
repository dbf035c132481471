"""W104: names given with `as` that nothing reads, and that name no layer either."""

from __future__ import annotations

from cnndsl.diagnostics import Fix, Span
from cnndsl.diagnostics.message import Message
from cnndsl.rules.helpers.edits import without_argument
from cnndsl.rules.helpers.names import TENSOR, Given
from cnndsl.rules.helpers.view import Findings, View
from cnndsl.syntax import nodes as ast


def find(view: View) -> Findings:
    """Counters, and names of loops, conditions, frozen parts and `skip`, that are not read.

    The name of a layer, an input or a call stands in tables and in generated code as well.
    """
    for given in view.names.given:
        if given.read:
            continue
        if given.kind == "counter":
            message = Message("nothing reads the counter `{name}`", name=given.name.id)
        elif given.kind == TENSOR and _is_but_a_tensor(given):
            message = Message("nothing goes back to `{name}`", name=given.name.id)
        else:
            continue
        start = view.source.text.rindex("as", 0, given.name.span.start)
        edit = without_argument(view.source, Span(start, given.name.span.end))
        yield view.remark(
            given.name.span,
            message,
            Message("remove it, or read it where it is meant"),
            fixes=(Fix(Message("remove the name"), (edit,), safe=True),),
        )


def _is_but_a_tensor(given: Given) -> bool:
    statement = given.statement
    if isinstance(statement, ast.Apply):
        return statement.name.id == "skip"
    return isinstance(statement, (ast.Repeat, ast.If, ast.Freeze))
