"""W101: constants that nothing reads."""

from __future__ import annotations

from cnndsl.diagnostics.diagnostic import Fix
from cnndsl.rules.helpers.edits import without_statement
from cnndsl.rules.helpers.view import Findings, View


def find(view: View) -> Findings:
    """Every `let` whose name is not read in its scope."""
    for given in view.names.given:
        if given.kind == "let" and not given.read:
            edit = without_statement(view, given.statement.span)
            yield view.remark(
                "W101",
                given.name.span,
                f"nothing reads the constant `{given.name.id}`",
                "remove it, or write it where its value is meant",
                (Fix("remove it", (edit,), safe=True),),
            )
