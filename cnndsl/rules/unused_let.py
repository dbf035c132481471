"""W101: constants that nothing reads."""

from __future__ import annotations

from cnndsl.diagnostics.message import Message
from cnndsl.rules.helpers.edits import removal
from cnndsl.rules.helpers.view import Findings, View


def find(view: View) -> Findings:
    """Every `let` whose name is not read in its scope."""
    for given in view.names.given:
        if given.kind == "let" and not given.read:
            message = Message("nothing reads the constant `{name}`", name=given.name.id)
            help_ = Message("remove it, or write it where its value is meant")
            yield view.remark(
                given.name.span, message, help_, removal(view, given.statement.span, safe=True)
            )
