"""W105: parameters that their block does not read."""

from __future__ import annotations

from cnndsl.diagnostics.message import Message
from cnndsl.rules.helpers.names import PARAMETER
from cnndsl.rules.helpers.view import Findings, View
from cnndsl.syntax import nodes as ast


def find(view: View) -> Findings:
    """Every parameter whose value changes nothing. No fix: the calls give it one too."""
    for given in view.names.given:
        if given.kind == PARAMETER and not given.read:
            assert isinstance(given.statement, ast.Block)
            message = Message(
                "the block `{block}` does not read its parameter `{name}`",
                block=given.statement.name.id,
                name=given.name.id,
            )
            help_ = Message(
                "write it where its value is meant, or remove it here and from the calls"
            )
            yield view.remark(given.name.span, message, help_)
