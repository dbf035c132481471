"""W201: strides larger than the kernel."""

from __future__ import annotations

from cnndsl.rules.windows import KERNELS, POOLS, between, by_dimension, windows

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from cnndsl.diagnostics.diagnostic import Diagnostic
    from cnndsl.layers.window import Window
    from cnndsl.rules.view import View


def find(view: View) -> Iterator[Diagnostic]:
    """Windows of more than a pixel that leave pixels between them.

    A kernel of one pixel with a stride is a way to say "every second pixel": W202 is about it.
    """
    for place, found in view.select(
        (*KERNELS, *POOLS), lambda layer: any(map(_is_torn, windows(layer)))
    ):
        sizes = [
            f"{between(w)} of {w.size} pixels" if _is_torn(w) else None
            for w in windows(found[0].layer)
        ]
        torn = next(filter(_is_torn, windows(found[0].layer)))
        span = f"the kernel of {torn.kernel}"
        if torn.dilation > 1:
            span = f"the {torn.extent} pixels that the kernel spans"
        yield view.warning(
            "W201",
            place,
            found,
            f"{place.op}: the stride of {torn.stride} is larger than {span}, and "
            f"nothing ever sees {by_dimension(sizes)}",
            f"take a stride of at most {torn.extent}, or a larger kernel",
            slots=("stride", "kernel"),
        )


def _is_torn(window: Window) -> bool:
    return 1 < window.extent < window.stride and between(window) > 0
