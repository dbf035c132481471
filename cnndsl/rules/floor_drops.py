"""W205: pixels that `rounding floor` leaves out."""

from __future__ import annotations

from cnndsl.diagnostics.diagnostic import Fix
from cnndsl.layers.base import Layer
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
    for group, told, _ in missing(view, left_out, unless=_says_so):
        statement = view.statement(group.first)
        edit = with_argument(statement, "floor")
        yield view.warning(
            "W205",
            group,
            f"{group.op}: rounding down leaves out {told}",
            "write `floor` here if that is meant, or change a size until it comes out whole",
            fixes=(Fix("say `floor` here", (edit,), safe=True),),
            slots=("kernel",),
            for_all=True,
        )


def _says_so(layer: Layer) -> bool:
    return layer.floor or layer.ceil  # type: ignore[attr-defined, no-any-return]
