"""W205: pixels that `rounding floor` leaves out."""

from __future__ import annotations

from cnndsl.diagnostics.diagnostic import Diagnostic, Fix
from cnndsl.rules.edits import with_argument
from cnndsl.rules.windows import KERNELS, POOLS, by_dimension, windows

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from cnndsl.layers.base import Layer
    from cnndsl.layers.window import Window
    from cnndsl.network.network import Node
    from cnndsl.rules.view import View


def find(view: View) -> Iterator[Diagnostic]:
    """Layers that lose pixels of the image, and do not say `floor` themselves.

    Padding that is lost is no loss, nor are pixels that lie between windows anyway.
    """
    if view.network.rounding != "floor":
        return
    for place, odd in view.select((*KERNELS, *POOLS), _loses):
        losses = {node.index: _losses(view, node) for node in odd}
        found = [node for node in odd if any(losses[node.index])]
        if not found:
            continue
        sizes = zip(losses[found[0].index], found[0].layer.spatial)
        told = [f"{count} of {size} pixels" if count else None for count, size in sizes]
        statement = view.statement(found[0])
        assert statement is not None
        edit = with_argument(statement, "floor")
        yield view.warning(
            "W205",
            place,
            found,
            f"{place.op}: rounding down leaves out {by_dimension(told)}",
            "write `floor` here if that is meant, or change a size until it comes out whole",
            fixes=(Fix("say `floor` here", (edit,), safe=True),),
            slots=("kernel",),
            for_all=True,
        )


def _losses(view: View, node: Node) -> list[int]:
    """What a layer loses of the image; zeros that a `zeropad` has put there are none of it."""
    before = view.nodes[node.inputs[0]].layer
    pads = before.pad if before.op == "zeropad" else ()  # type: ignore[attr-defined]
    ends = [pad.end for pad in pads] or [0] * len(node.layer.spatial)
    return [max(0, lost(w) - end) for w, end in zip(windows(node.layer), ends)]


def _loses(layer: Layer) -> bool:
    says_so = layer.floor or layer.ceil  # type: ignore[attr-defined]
    return not says_so and any(map(lost, windows(layer)))


def lost(window: Window) -> int:
    """How many pixels of the image no window sees, because the size was rounded down."""
    gap = max(0, window.stride - window.extent)
    return min(max(0, window.dropped - window.end - gap), window.size)
