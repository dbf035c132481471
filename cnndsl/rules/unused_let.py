"""W101: constants that nothing reads."""

from __future__ import annotations

from cnndsl.diagnostics.diagnostic import Diagnostic, Fix
from cnndsl.rules.helpers.edits import without_statement
from cnndsl.rules.helpers.names import names

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from cnndsl.rules.helpers.view import View


def find(view: View) -> Iterator[Diagnostic]:
    """Every `let` whose name is not read in its scope."""
    for given in names(view).given:
        if given.kind == "let" and not given.read:
            edit = without_statement(view, given.statement.span)
            yield Diagnostic(
                "W101",
                view.source,
                given.name.span,
                f"nothing reads the constant `{given.name.id}`",
                "remove it, or write it where its value is meant",
                fixes=(Fix("remove it", (edit,), safe=True),),
            )
