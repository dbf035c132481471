"""W106: names that hide a name from further out."""

from __future__ import annotations

from cnndsl.diagnostics import Note
from cnndsl.diagnostics.message import Message
from cnndsl.rules.helpers.view import Findings, View


def find(view: View) -> Findings:
    """Every name that is given again in an inner scope."""
    for given in view.names.given:
        if given.hides is not None:
            message = Message(
                "this `{name}` hides the `{name}` of line {line}",
                name=given.name.id,
                line=view.source.position(given.hides.name.span.start).line,
            )
            yield view.remark(
                given.name.span,
                message,
                Message("choose another name for one of them"),
                notes=(Note(Message("it is first given here"), given.hides.name.span),),
            )
