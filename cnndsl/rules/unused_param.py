"""W102: params that nothing reads."""

from __future__ import annotations

from cnndsl.diagnostics.diagnostic import Diagnostic, Fix
from cnndsl.rules.helpers.edits import without_statement
from cnndsl.rules.helpers.names import names

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from cnndsl.rules.helpers.view import View


def find(view: View) -> Iterator[Diagnostic]:
    """Every `param` whose name is not read."""
    for given in names(view).given:
        if given.kind == "param" and not given.read:
            word = given.name.id
            edit = without_statement(view, given.statement.span)
            yield Diagnostic(
                "W102",
                view.source,
                given.name.span,
                f"nothing reads the param `{word}`, so `--set {word}=…` changes nothing",
                "remove it, or write it where its value is meant",
                # Not safe: commands that set it would be refused.
                fixes=(Fix("remove it", (edit,)),),
            )
