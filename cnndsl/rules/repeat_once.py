"""W110: loops that run once, or never."""

from __future__ import annotations

from cnndsl.diagnostics import Edit, Fix
from cnndsl.diagnostics.message import Message
from cnndsl.rules.helpers.edits import removal
from cnndsl.rules.helpers.view import Findings, View
from cnndsl.syntax import nodes as ast
from cnndsl.syntax import walk


def find(view: View) -> Findings:
    """Every `repeat` with the number 0 or 1; a count that has a name may be another elsewhere."""
    for statement in view.written(ast.Repeat):
        count = statement.count
        if isinstance(count, ast.Number) and count.value in (0, 1):
            once = count.value == 1
            message = Message("`repeat {count}` never runs", count=count.value)
            if once:
                message = Message(
                    "`repeat {count}` runs once, as it would without", count=count.value
                )
            yield view.remark(
                count.span,
                message,
                Message("write the body alone") if once else Message("remove it"),
                fixes=_fixes(view, statement, once),
            )


def _fixes(view: View, statement: ast.Repeat, once: bool) -> tuple[Fix, ...]:
    if statement.alias is not None:
        return ()
    body = statement.body
    paths = [each for each in body.statements if isinstance(each, ast.Paths)]
    if not once:  # without paths a merge would be left with one that does nothing
        return () if paths else removal(view, statement.span, safe=True)
    text = view.source.text[body.span.start + 1 : body.span.end - 1].strip()
    text = text[1:].lstrip() if paths else text  # the bar before the first stands there already
    # A name given in the body would be another's outside, and a comment would swallow the rest.
    named = any(
        isinstance(each, ast.Let) or getattr(each, "alias", None)
        for each in (walk.statements(paths) if paths else body.statements)
    )
    if statement.index is not None or named or "#" in text or not text:
        return ()
    return (Fix(Message("write the body alone"), (Edit(statement.span, text),)),)
