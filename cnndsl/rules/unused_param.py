"""W102: params that nothing reads."""

from __future__ import annotations

from cnndsl.diagnostics.message import Message
from cnndsl.rules.helpers.edits import removal
from cnndsl.rules.helpers.view import Findings, View


def find(view: View) -> Findings:
    """Every `param` whose name is not read."""
    for given in view.names.given:
        if given.kind == "param" and not given.read:
            yield view.remark(
                given.name.span,
                Message(
                    "nothing reads the param `{name}`, so `--set {name}=…` changes nothing",
                    name=given.name.id,
                ),
                Message("remove it, or write it where its value is meant"),
                # Not safe: commands that set it would be refused.
                removal(view, given.statement.span),
            )
