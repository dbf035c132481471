"""W103: blocks that nothing calls."""

from __future__ import annotations

from cnndsl.diagnostics.diagnostic import Diagnostic, Fix
from cnndsl.rules.helpers.edits import without_statement
from cnndsl.rules.helpers.names import names

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from cnndsl.rules.helpers.view import View


def find(view: View) -> Iterator[Diagnostic]:
    """Every block that neither the file nor a block in use names."""
    known = names(view)
    for word, block in known.blocks.items():
        if word not in known.called:
            edit = without_statement(view, block.span)
            yield Diagnostic(
                "W103",
                view.source,
                block.name.span,
                f"nothing calls the block `{word}`",
                "remove it, or call it where it is meant",
                # A block that another one calls goes after that.
                fixes=(Fix("remove it", (edit,), safe=True),) if word not in known.asked else (),
            )
