"""W205: pixels that `rounding floor` leaves out."""

from __future__ import annotations

from cnndsl.diagnostics import Fix
from cnndsl.diagnostics.message import Message
from cnndsl.rules.helpers.edits import with_argument
from cnndsl.rules.helpers.view import Findings, View
from cnndsl.rules.helpers.windows import left_out, missing


def find(view: View) -> Findings:
    """Layers that lose pixels of the image, and do not say `floor` themselves.

    Padding that is lost is no loss. Where the stride is larger than the kernel, W201 and W202
    count what no window sees, the pixels behind the last one included.
    """
    if view.network.rounding != "floor":
        return
    for group, told, _ in missing(view, left_out, unless=lambda layer: layer.floor or layer.ceil):
        edit = with_argument(view.statement(group.first), "floor")
        yield view.warning(
            group,
            Message("{op}: rounding down leaves out {pixels}", op=group.op, pixels=told),
            Message(
                "write `floor` here if that is meant, or change a size until it comes out whole"
            ),
            fixes=(Fix(Message("say `floor` here"), (edit,), safe=True),),
            slots=("kernel",),
            for_all=True,
        )
