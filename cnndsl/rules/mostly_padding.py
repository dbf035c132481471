"""W206: kernels that see more padding than image."""

from __future__ import annotations

from typing import Any

from cnndsl.diagnostics.message import Message
from cnndsl.layers.base import product
from cnndsl.rules.helpers.view import Findings, View
from cnndsl.rules.helpers.windows import KERNELS, most_seen


def find(view: View) -> Findings:
    """Convolutions whose every window has more than half of its pixels in the padding."""
    for group in view.select(KERNELS, lambda layer: 2 * _seen(layer) < _size(layer)):
        layer = group.layer
        image = "x".join(str(w.size) for w in layer.windows)
        yield view.warning(
            group,
            Message(
                "{op}: of the {size} pixels of the kernel, at most {seen} ever lie on the map of "
                "{map}; the others see padding",
                op=group.op,
                size=_size(layer),
                seen=_seen(layer),
                map=image,
            ),
            Message(
                "take a kernel no larger than the map, less dilation, or shrink the map less "
                "before it"
            ),
            slots=("kernel",),
        )


def _size(layer: Any) -> int:
    return product(tuple(w.kernel for w in layer.windows))


def _seen(layer: Any) -> int:
    return product(tuple(map(most_seen, layer.windows)))
