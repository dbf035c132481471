"""W402: blocks that one call uses."""

from __future__ import annotations

from cnndsl.rules.helpers.view import Findings, View
from cnndsl.syntax import nodes as ast


def find(view: View) -> Findings:
    """Blocks that the net has one of, once all loops and calls are written out."""
    counts = view.trace.instances
    for block in view.written(ast.Block):
        if counts.get(block.name.id) == 1:
            message = f"the net has one `{block.name.id}`, and so needs no block for it"
            yield view.remark(block.name.span, message, "write its layers where it is called")
