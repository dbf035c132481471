"""What rules ask about the windows of convolutions and pools."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from math import gcd
from typing import Any

from cnndsl.diagnostics.message import Message, listed
from cnndsl.layers import words
from cnndsl.layers.base import DIMENSIONS
from cnndsl.layers.pool import GlobalPool
from cnndsl.layers.window import Window
from cnndsl.network.network import Node
from cnndsl.rules.helpers.view import LayerGroup, View

_TRIED = 16
"""Of how many windows it is tried what they see."""

WINDOWS = words(lambda layer: layer.slides)
GLOBAL_POOLS = words(lambda layer: issubclass(layer, GlobalPool))
KERNELS = words(lambda layer: layer.slides and layer.family == "conv")


def by_dimension(said: Sequence[Message | None]) -> Message:
    """What there is to say of each dimension: once where it is the same of all."""
    names = map(Message, DIMENSIONS[len(said)])
    told = [(what, name) for what, name in zip(said, names) if what is not None]
    if len({what for what, _ in told}) == 1:
        told = [(told[0][0], listed([name for _, name in told]))]
    *others, (what, name) = told
    result = Message("{what} in {dimension}", what=what, dimension=name)
    for what, name in reversed(others):
        result = Message("{what} in {dimension} and {rest}", what=what, dimension=name, rest=result)
    return result


def extent(window: Window) -> Message:
    """The pixels from the first to the last that a window reads: those of the kernel, mostly."""
    if window.dilation == 1:
        return Message("the kernel of {size}", size=window.kernel)
    return Message("the {size} pixels that the kernel spans", size=window.extent)


def is_dilated(layer: Any) -> bool:
    """Whether the kernel of a `deconv` has gaps of its own, of which this says nothing."""
    return bool(layer.extent != layer.kernel)


def missing(
    view: View,
    count: Callable[[Window], int],
    unless: Callable[[Any], object] = lambda layer: False,
) -> Iterator[tuple[LayerGroup, Message, Window]]:
    """The layers with windows that miss pixels of the image; `count` says how many a window does.

    With each group go a message on what its first layer misses, and the first such window.
    """
    for group in view.select(
        WINDOWS, lambda layer: not unless(layer) and any(map(count, layer.windows))
    ):
        nodes = [node for node in group.nodes if any(map(count, over_image(view, node)))]
        if nodes:
            over = over_image(view, nodes[0])
            told = [
                (
                    Message("{count} of {size} pixels", count=count(w), size=w.size)
                    if count(w)
                    else None
                )
                for w in over
            ]
            yield group._replace(nodes=nodes), by_dimension(told), next(filter(count, over))


def over_image(view: View, node: Node) -> list[Window]:
    """The windows of a node's layer; what a `zeropad` before it has put there is padding too."""
    before = view.nodes[node.inputs[0]].layer
    layer: Any = node.layer
    found: tuple[Window, ...] = layer.windows
    if before.op != "zeropad":
        return list(found)
    return [
        w._replace(size=w.size - p.begin - p.end, begin=w.begin + p.begin, end=w.end + p.end)
        for w, p in zip(found, before.pad)  # type: ignore[attr-defined]
    ]


def unseen(window: Window) -> int:
    """How many pixels of the image no window reads, where the stride is larger than the windows.

    They lie before, between and behind the windows, and between the taps of a dilated kernel.
    """
    if window.stride <= window.extent:
        return 0
    begin = window.begin
    return window.size - _taps(window, begin + window.size) + _taps(window, begin)


def _taps(window: Window, length: int) -> int:
    """How many taps lie in the first pixels, from where the first window begins.

    No pixel has two, since the stride is larger than the windows.
    """
    whole, rest = divmod(length, window.stride)
    if whole >= window.output:
        return window.output * window.kernel
    return whole * window.kernel + min(window.kernel, -(-rest // window.dilation))


def left_out(window: Window) -> int:
    """How many pixels of the image lie behind the last window, where windows touch or overlap.

    Where the stride is larger than the windows, `unseen` has counted them.
    """
    if window.stride > window.extent:
        return 0
    return window.left_out


def most_seen(window: Window) -> int:
    """How many pixels of the image the window sees, of all, that sees the most of them.

    Where that takes long to tell it is one too many at most.
    """
    size, stride, dilation, begin = window.size, window.stride, window.dilation, window.begin
    inside = -begin % stride  # where the first window begins that is all inside
    if inside + window.extent <= size:
        return window.kernel

    def seen(index: int) -> int:
        start = index * stride - begin
        # The taps lie at start, start + dilation, …; those from 0 up to the size count.
        low = max(0, -(start // dilation))
        high = min(window.kernel - 1, (size - 1 - start) // dilation)
        return high - low + 1

    # Windows that only begin before the image see more the later they do, and those that only
    # end behind it the earlier. Those that do both see what lies on one grid of taps.
    last = size - window.extent
    early = min((min(-1, last) + begin) // stride, window.output - 1)
    late = -(-(max(0, last + 1) + begin) // stride)
    both = range(max(0, early + 1), min(late, window.output))
    grids = dilation // gcd(stride, dilation)
    best = -(-size // dilation) if min(len(both), grids) > _TRIED else 0
    tried = (early, late, *both[: min(grids, _TRIED)])
    return max([best, *(seen(index) for index in tried if 0 <= index < window.output)])
