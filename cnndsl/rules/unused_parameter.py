"""W105: parameters that their block does not read."""

from __future__ import annotations

from cnndsl.diagnostics.diagnostic import Diagnostic
from cnndsl.rules.helpers.names import PARAMETER, names
from cnndsl.syntax import nodes as ast

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from cnndsl.rules.helpers.view import View


def find(view: View) -> Iterator[Diagnostic]:
    """Every parameter whose value changes nothing. No fix: the calls give it one too."""
    for given in names(view).given:
        if given.kind == PARAMETER and not given.read:
            assert isinstance(given.statement, ast.Block)
            yield Diagnostic(
                "W105",
                view.source,
                given.name.span,
                f"the block `{given.statement.name.id}` does not read its parameter "
                f"`{given.name.id}`",
                "write it where its value is meant, or remove it here and from the calls",
            )
