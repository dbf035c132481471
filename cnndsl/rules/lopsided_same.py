"""W204: even kernels with `same`."""

from __future__ import annotations

from cnndsl.diagnostics import Edit, Fix
from cnndsl.diagnostics.message import Message
from cnndsl.layers.window import Window
from cnndsl.rules.helpers.view import Findings, LayerGroup, View
from cnndsl.rules.helpers.windows import KERNELS, by_dimension, extent


def find(view: View) -> Findings:
    """Convolutions that `same` pads more at the end, as their kernel has no middle.

    Pools are left out: their padding counts for nothing. So is an odd kernel whose stride
    makes `same` lopsided, which is how Keras halves an image.
    """
    for group in view.select(
        KERNELS, lambda layer: layer.same and any(map(_is_lopsided, layer.windows))
    ):
        pads = [
            (
                Message("{begin} before and {end} behind", begin=w.begin, end=w.end)
                if _is_lopsided(w)
                else None
            )
            for w in group.layer.windows
        ]
        window = next(filter(_is_lopsided, group.layer.windows))
        message = Message(
            "{op}: `same` cannot centre {kernel}: it pads with {pads}",
            op=group.op,
            kernel=extent(window),
            pads=by_dimension(pads),
        )
        help_ = Message(
            "take a kernel of {smaller} or {larger}, or say with `pad=` which side is meant",
            smaller=window.kernel - 1,
            larger=window.kernel + 1,
        )
        yield view.warning(group, message, help_, fixes=_fixes(view, group), slots=("kernel",))


def _is_lopsided(window: Window) -> bool:
    return window.extent % 2 == 0 and window.begin != window.end


def _fixes(view: View, group: LayerGroup) -> tuple[Fix, ...]:
    """A pixel more or less, where the kernel is written in numbers."""
    span = view.slot(group.first, "kernel")
    if span is None:
        return ()
    text = view.text(span)
    sizes = [w.kernel for w in group.layer.windows]
    if text not in ("x".join(map(str, sizes)), str(sizes[0])):
        return ()
    fixes = []
    for step in (1, -1):
        near = [size + step if size % 2 == 0 else size for size in sizes]
        shown = "x".join(map(str, near)) if "x" in text else str(near[0])
        title = Message("take a kernel of {size}", size=shown)
        fixes.append(Fix(title, (Edit(span, shown),)))
    return tuple(fixes)
