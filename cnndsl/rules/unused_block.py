"""W103: blocks that nothing calls."""

from __future__ import annotations

from cnndsl.diagnostics.diagnostic import Fix
from cnndsl.rules.helpers.edits import without_statement
from cnndsl.rules.helpers.view import Findings, View


def find(view: View) -> Findings:
    """Every block that neither the file nor a block in use names."""
    known = view.names
    for word, block in known.blocks.items():
        if word not in known.called:
            edit = without_statement(view, block.span)
            yield view.remark(
                "W103",
                block.name.span,
                f"nothing calls the block `{word}`",
                "remove it, or call it where it is meant",
                # A block that another one calls goes after that.
                (Fix("remove it", (edit,), safe=True),) if word not in known.asked else (),
            )
