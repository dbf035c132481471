"""W201: strides larger than the kernel."""

from __future__ import annotations

from cnndsl.rules.helpers.windows import missing, unseen

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from cnndsl.diagnostics.diagnostic import Diagnostic
    from cnndsl.layers.window import Window
    from cnndsl.rules.helpers.view import View


def find(view: View) -> Iterator[Diagnostic]:
    """Windows of more than a pixel that leave pixels between them, or behind the last, unseen.

    A kernel of one pixel with a stride is a way to say "every second pixel": W202 is about it.
    """
    for place, found, told, torn in missing(view, _count):
        span = f"the kernel of {torn.kernel}"
        if torn.dilation > 1:
            span = f"the {torn.extent} pixels that the kernel spans"
        yield view.warning(
            "W201",
            place,
            found,
            f"{place.op}: the stride of {torn.stride} is larger than {span}, and "
            f"nothing ever sees {told}",
            f"take a stride of at most {torn.extent}, or a larger kernel",
            slots=("stride", "kernel"),
        )


def _count(window: Window) -> int:
    return unseen(window) if window.extent > 1 else 0
