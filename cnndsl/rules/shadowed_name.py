"""W106: names that hide a name from further out."""

from __future__ import annotations

from cnndsl.diagnostics import Note
from cnndsl.rules.helpers.view import Findings, View


def find(view: View) -> Findings:
    """Every name that is given again in an inner scope."""
    for given in view.names.given:
        if given.hides is not None:
            word = given.name.id
            yield view.remark(
                given.name.span,
                f"this `{word}` hides the `{word}` of line "
                f"{view.source.position(given.hides.name.span.start).line}",
                "choose another name for one of them",
                notes=(Note("it is first given here", given.hides.name.span),),
            )
