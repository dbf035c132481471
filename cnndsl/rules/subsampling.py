"""W202: kernels of one pixel with a stride."""

from __future__ import annotations

from cnndsl.rules.windows import KERNELS, POOLS, between, by_dimension, windows

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from cnndsl.diagnostics.diagnostic import Diagnostic
    from cnndsl.layers.window import Window
    from cnndsl.rules.view import View


def find(view: View) -> Iterator[Diagnostic]:
    """Layers that look at every second pixel or fewer, as the shortcuts of a ResNet do."""
    for place, found in view.select(
        (*KERNELS, *POOLS), lambda layer: any(map(_is_sparse, windows(layer)))
    ):
        sizes = [
            f"{between(w)} of {w.size} pixels" if _is_sparse(w) else None
            for w in windows(found[0].layer)
        ]
        sparse = next(filter(_is_sparse, windows(found[0].layer)))
        yield view.warning(
            "W202",
            place,
            found,
            f"{place.op}: with a kernel of 1 and a stride of {sparse.stride} nothing sees "
            f"{by_dimension(sizes)}",
            f"put `avgpool {sparse.stride}` before it and leave the stride out, or take the "
            "stride in a layer with a larger kernel",
            slots=("stride", "kernel"),
        )


def _is_sparse(window: Window) -> bool:
    return window.extent == 1 < window.stride and between(window) > 0
