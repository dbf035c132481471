"""W402: blocks that one call uses."""

from __future__ import annotations

from cnndsl.diagnostics.message import Message
from cnndsl.rules.helpers.view import Findings, View
from cnndsl.syntax import nodes as ast


def find(view: View) -> Findings:
    """Blocks that the net has one of, once all loops and calls are written out."""
    counts = view.trace.instances
    for block in view.written(ast.Block):
        if counts.get(block.name.id) == 1:
            message = Message(
                "the net has one `{block}`, and so needs no block for it", block=block.name.id
            )
            help_ = Message("write its layers where it is called")
            yield view.remark(block.name.span, message, help_)
