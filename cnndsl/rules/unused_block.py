"""W103: blocks that nothing calls."""

from __future__ import annotations

from cnndsl.diagnostics.message import Message
from cnndsl.rules.helpers.edits import removal
from cnndsl.rules.helpers.view import Findings, View


def find(view: View) -> Findings:
    """Every block that neither the file nor a block in use names."""
    known = view.names
    for word, block in known.blocks.items():
        if word not in known.called:
            yield view.remark(
                block.name.span,
                Message("nothing calls the block `{name}`", name=word),
                Message("remove it, or call it where it is meant"),
                # A block that another one calls goes after that.
                removal(view, block.span, safe=True) if word not in known.asked else (),
            )
