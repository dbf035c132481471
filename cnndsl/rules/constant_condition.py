"""W111: conditions that are decided by the text alone."""

from __future__ import annotations

from collections import Counter
from typing import Any

from cnndsl.diagnostics import Edit, Fix, Span
from cnndsl.diagnostics.message import Message
from cnndsl.network.expressions import ExpressionError, truth
from cnndsl.rules.helpers.view import Findings, View
from cnndsl.syntax import nodes as ast
from cnndsl.syntax.walk import names


def find(view: View) -> Findings:
    """Tests of numbers and of the file's own constants, which no `--set` and no call changes.

    Sizes of tensors, params and parameters are left out: they differ from net to net.
    """
    fixed = _constants(view)
    for statement in view.written(ast.If):
        for test in statement.tests:
            used = {name.id for name in names(test)}
            if used <= set(fixed):
                try:
                    value = truth(test, lambda name: fixed[name.id][1])
                except ExpressionError:
                    continue  # in a branch that is never taken nothing need have a value
                lets = [fixed[word][0] for word in sorted(used)]
                edits = tuple(
                    Edit(Span(let.span.start, let.span.start + 3), "param") for let in lets
                )
                help_ = Message("remove the branch that is never taken")
                if lets:
                    help_ = Message(
                        "make the constant a `param` if it is a switch, or remove the branch that "
                        "is never taken"
                    )
                yield view.remark(
                    test.span,
                    Message("this is always true") if value else Message("this is always false"),
                    help_,
                    fixes=(Fix(Message("write `param`"), edits, safe=True),) if lets else (),
                )


def _constants(view: View) -> dict[str, tuple[ast.Let, Any]]:
    """The `let`s of the file that hold a number, and whose name is given once."""
    count = Counter(given.name.id for given in view.names.given)
    return {
        s.name.id: (s, s.value.value)
        for s in view.network.module.statements
        if isinstance(s, ast.Let) and isinstance(s.value, ast.Number) and count[s.name.id] == 1
    }
