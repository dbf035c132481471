"""W402: blocks that one call uses."""

from __future__ import annotations

from cnndsl.diagnostics.diagnostic import Diagnostic
from cnndsl.syntax import nodes as ast

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from cnndsl.rules.helpers.view import View


def find(view: View) -> Iterator[Diagnostic]:
    """Blocks that the net has one of, once all loops and calls are written out."""
    counts = view.trace.instances
    for block in view.statements.get("block", ()):
        assert isinstance(block, ast.Block)
        if counts.get(block.name.id) == 1:
            yield Diagnostic(
                "W402",
                view.source,
                block.name.span,
                f"the net has one `{block.name.id}`, and so needs no block for it",
                "write its layers where it is called",
            )
