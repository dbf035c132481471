"""W207: paddings that are as wide as the kernel."""

from __future__ import annotations

from cnndsl.diagnostics import Fix
from cnndsl.layers.window import Window
from cnndsl.network.network import Node
from cnndsl.rules.helpers.edits import without_argument
from cnndsl.rules.helpers.view import Findings, View
from cnndsl.rules.helpers.windows import KERNELS, by_dimension


def find(view: View) -> Findings:
    """Convolutions with outputs that see padding alone: they are the bias, whatever comes in."""
    for group in view.select(KERNELS, lambda layer: any(map(blind, layer.windows))):
        told = [
            f"{blind(w)} of {w.output} outputs" if blind(w) else None for w in group.layer.windows
        ]
        window = next(filter(blind, group.layer.windows))
        yield view.warning(
            group,
            f"{group.op}: a padding of {max(window.begin, window.end)} around a kernel of "
            f"{window.extent} leaves {by_dimension(told)} that see nothing but padding",
            f"pad with less than {window.extent}" if window.extent > 1 else "leave the padding out",
            fixes=_fixes(view, group.first, window),
            slots=("pad", "kernel"),
        )


def _fixes(view: View, node: Node, window: Window) -> tuple[Fix, ...]:
    """To leave the padding out, where no other would do."""
    span = view.slot(node, "pad")
    if span is None or window.extent > 1:
        return ()
    return (Fix("leave the padding out", (without_argument(view.source, span),)),)


def blind(window: Window) -> int:
    """How many windows lie in the padding alone."""
    before = (window.begin - window.extent) // window.stride + 1
    first_behind = -(-(window.size + window.begin) // window.stride)
    return min(max(0, before) + max(0, window.output - first_behind), window.output)
