"""What rules ask about the windows of convolutions and pools."""

from __future__ import annotations

from cnndsl.layers.base import DIMENSIONS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from cnndsl.layers.base import Layer
    from cnndsl.layers.window import Window

KERNELS = ("conv", "dwconv", "sepconv")
POOLS = ("pool", "avgpool", "minpool")


def windows(layer: Layer) -> tuple[Window, ...]:
    """The windows of a convolution or a pool, one for each spatial dimension."""
    found: tuple[Window, ...] = layer.windows  # type: ignore[attr-defined]
    return found


def by_dimension(said: Sequence[str | None]) -> str:
    """What there is to say of each dimension: once where it is the same of all."""
    names = DIMENSIONS[len(said)]
    told = [(what, name) for what, name in zip(said, names) if what is not None]
    if len({what for what, _ in told}) == 1:
        return f"{told[0][0]} in {' and '.join(name for _, name in told)}"
    return " and ".join(f"{what} in {name}" for what, name in told)


def between(window: Window) -> int:
    """How many pixels lie between windows whose stride is larger than they are."""
    gap, last = window.stride - window.extent, window.output - 1
    if gap <= 0:
        return 0
    begin, end = window.extent - window.begin, last * window.stride - window.begin
    if begin >= 0 and end <= window.size:
        return last * gap
    ends = range(begin, end, window.stride)  # some gaps lie in the padding
    return sum(max(0, min(at + gap, window.size) - max(at, 0)) for at in ends)


def most_seen(window: Window) -> int:
    """How many pixels of the image the window sees, of all, that sees the most of them."""
    inside = -window.begin % window.stride  # where the first window begins that is all inside
    if inside + window.extent <= window.size:
        return window.kernel
    best = 0
    for index in range(min(window.output, 4096)):
        start = index * window.stride - window.begin
        # The taps lie at start, start + dilation, …; those from 0 up to the size count.
        low = max(0, -(start // window.dilation))
        high = min(window.kernel - 1, (window.size - 1 - start) // window.dilation)
        best = max(best, high - low + 1)
    return best
