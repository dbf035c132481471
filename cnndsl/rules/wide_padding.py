"""W207: paddings that are as wide as the kernel."""

from __future__ import annotations

from cnndsl.diagnostics import Fix
from cnndsl.diagnostics.message import Message
from cnndsl.layers.window import Window
from cnndsl.network.network import Node
from cnndsl.rules.helpers.edits import without_argument
from cnndsl.rules.helpers.view import Findings, View
from cnndsl.rules.helpers.windows import KERNELS, by_dimension

_WITHOUT = Message("leave the padding out")


def find(view: View) -> Findings:
    """Convolutions with outputs that see padding alone: they are the bias, whatever comes in."""
    for group in view.select(KERNELS, lambda layer: any(map(blind, layer.windows))):
        told = [
            (
                Message("{count} of {total} outputs", count=blind(w), total=w.output)
                if blind(w)
                else None
            )
            for w in group.layer.windows
        ]
        window = next(filter(blind, group.layer.windows))
        help_ = Message("pad with less than {kernel}", kernel=window.extent)
        yield view.warning(
            group,
            Message(
                "{op}: a padding of {pad} around a kernel of {kernel} leaves {outputs} that see "
                "nothing but padding",
                op=group.op,
                pad=max(window.begin, window.end),
                kernel=window.extent,
                outputs=by_dimension(told),
            ),
            help_ if window.extent > 1 else _WITHOUT,
            fixes=_fixes(view, group.first, window),
            slots=("pad", "kernel"),
        )


def _fixes(view: View, node: Node, window: Window) -> tuple[Fix, ...]:
    """To leave the padding out, where no other would do."""
    span = view.slot(node, "pad")
    if span is None or window.extent > 1:
        return ()
    return (Fix(_WITHOUT, (without_argument(view.source, span),)),)


def blind(window: Window) -> int:
    """How many windows lie in the padding alone."""
    before = (window.begin - window.extent) // window.stride + 1
    first_behind = -(-(window.size + window.begin) // window.stride)
    return min(max(0, before) + max(0, window.output - first_behind), window.output)
