"""W106: names that hide a name from further out."""

from __future__ import annotations

from cnndsl.diagnostics.diagnostic import Diagnostic, Note
from cnndsl.rules.helpers.names import names

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from cnndsl.rules.helpers.view import View


def find(view: View) -> Iterator[Diagnostic]:
    """Every name that is given again in an inner scope."""
    for given in names(view).given:
        if given.hides is not None:
            word = given.name.id
            yield Diagnostic(
                "W106",
                view.source,
                given.name.span,
                f"this `{word}` hides the `{word}` of line "
                f"{view.source.position(given.hides.name.span.start).line}",
                "choose another name for one of them",
                (Note("it is first given here", given.hides.name.span),),
            )
