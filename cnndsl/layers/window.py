"""Windows that slide over a dimension: the arithmetic of convolutions and pools.

Output sizes follow Dumoulin and Visin, "A guide to convolution arithmetic for deep
learning" (2016); `same` follows Keras; `ceil` follows PyTorch, which drops a last window
that would begin in the padding.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from cnndsl.layers.base import DIMENSIONS, LayerError, Reach, Shape, Slot, beyond
from cnndsl.layers.derivation import Derivation, indexed, letters, padding
from cnndsl.layers.values import LARGEST, PADS, SIZES, Pair, show_value


class Window(NamedTuple):
    """A window over one dimension; all in pixels of the input.

    `begin` and `end` are the padding; `extra` is what rounding up adds to the end;
    `dropped` is how many pixels at the end rounding down never looks at.
    """

    size: int
    kernel: int
    stride: int
    dilation: int
    begin: int
    end: int
    extra: int
    dropped: int
    output: int

    @property
    def extent(self) -> int:
        """How far the kernel spans with its dilation: K' = D(K - 1) + 1."""
        return self.dilation * (self.kernel - 1) + 1

    @property
    def is_one_pixel(self) -> bool:
        """Whether each position of the output is one pixel of the input, in the same place."""
        return (self.kernel, self.stride, self.begin, self.end) == (1, 1, 0, 0)

    @property
    def left_out(self) -> int:
        """How many pixels of the image, padding apart, lie behind the last window."""
        return min(max(0, self.dropped - self.end), self.size)


KERNEL = Slot("kernel", "value", SIZES, "K", "the kernel's size", required=True)
STRIDE = Slot("stride", "/", SIZES, "[/S]", "the step from one window to the next", default=1)
PADDING = (
    Slot("same", "flag", None, "[same|pad=P]", "pad so that the output is ceil(X / S)"),
    Slot("pad", "key", PADS, "", "pixels put around the input: 1, 3x1 or 0:1x0:1"),
)
DILATION = Slot("dilation", "key", SIZES, "[dilation=D]", "the spacing of the kernel", default=1)
ROUNDING = (
    Slot("floor", "flag", None, "[floor|ceil]", "round an odd size down"),
    Slot("ceil", "flag", None, "", "round an odd size up"),
)


def per_dimension(value: Any, rank: int, slot: str) -> tuple[Any, ...]:
    """One value for each spatial dimension."""
    if not isinstance(value, tuple) or isinstance(value, Pair):
        return (value,) * rank
    if len(value) != rank:
        help_ = f"write {rank} numbers" if rank > 1 else "write one number"
        if len(value) == rank + 1:
            help_ += "; or has the input lost its channels? a grey image is 28x28x1"
        message = f"`{show_value(value)}` has {len(value)} dimensions, and the input has {rank}"
        raise LayerError("E105", message, help_, slot)
    return value


def paddings(layer: Any, rank: int) -> tuple[Pair, ...] | None:
    """What a layer's `same` and `pad` ask for: pads per dimension; None for `same`."""
    if layer.same:
        if layer.pad is not None:
            message = "`same` and `pad=` contradict each other"
            raise LayerError("E108", message, "keep one of them", "pad")
        return None
    return per_dimension(layer.pad or Pair(0, 0), rank, "pad")


def rounding_of(layer: Any) -> str:
    """The rounding that holds for a layer: its own flag, or else the file's."""
    if layer.floor and layer.ceil:
        raise LayerError("E108", "`floor` and `ceil` contradict each other", "keep one", "ceil")
    rounding: str = layer.context.rounding
    return "floor" if layer.floor else "ceil" if layer.ceil else rounding


def slide(layer: Any, *, pool: bool = False) -> tuple[Window, ...]:
    """The windows of a layer over its input, one for each spatial dimension.

    Raises LayerError: E201 or E202 where a size does not come out whole under `exact`,
    E203 where it falls below 1.
    """
    sizes: Shape = layer.spatial
    rank = len(sizes)
    kernels = per_dimension(layer.kernel, rank, "kernel")
    strides = kernels if pool and layer.stride is None else layer.stride
    strides = per_dimension(strides, rank, "stride")
    dilations = (1,) * rank if pool else per_dimension(layer.dilation, rank, "dilation")
    pads = paddings(layer, rank)
    rounding = rounding_of(layer)
    numbers = zip(sizes, kernels, strides, dilations, pads or (None,) * rank)
    windows = [_window(*each, rounding) for each in numbers]
    for window in windows:
        padded = window.begin + window.size + window.end + window.extra
        if padded > LARGEST:
            raise beyond(f"{layer.op}: this", padded, "pixels in a row, with the padding")
    small = [axis for axis in range(rank) if windows[axis].output < 1]
    if small:
        raise LayerError("E203", *_too_small(layer.op, windows, small), "kernel", tuple(small))
    if rounding == "exact":
        odd = [axis for axis in range(rank) if windows[axis].dropped]
        if odd:
            help_ = "change a size until it comes out whole, or write `floor` to leave out the "
            help_ += "pixels that are over"
            message = _not_whole(layer.op, windows, odd, pool)
            raise LayerError("E202" if pool else "E201", message, help_, "kernel", tuple(odd))
    return tuple(windows)


def _window(
    size: int, kernel: int, stride: int, dilation: int, pad: Pair | None, rounding: str
) -> Window:
    extent = dilation * (kernel - 1) + 1
    if pad is None:
        output = -(-size // stride)
        total = max(0, (output - 1) * stride + extent - size)
        return Window(size, kernel, stride, dilation, total // 2, total - total // 2, 0, 0, output)
    begin, end = pad
    span = size + begin + end - extent
    output = span // stride + 1
    dropped, extra = span % stride if span >= 0 else 0, 0
    if rounding == "ceil" and dropped and output * stride < size + begin:
        output, extra, dropped = output + 1, stride - dropped, 0
    return Window(size, kernel, stride, dilation, begin, end, extra, dropped, output)


def _padded(window: Window) -> str:
    """The padded size as arithmetic: `28 + 1 + 1`."""
    if not window.begin and not window.end:
        return str(window.size)
    return f"{window.size} + {window.begin} + {window.end}"


def _too_small(op: str, windows: Sequence[Window], axes: list[int]) -> tuple[str, str]:
    names = DIMENSIONS[len(windows)]
    parts = []
    for axis in axes:
        window = windows[axis]
        kernel = f"the kernel of {window.kernel}"
        if window.dilation > 1:
            kernel += f" (dilated, {window.dilation}*({window.kernel} - 1) + 1 = {window.extent})"
        parts.append(f"{kernel} is larger than the {names[axis]} of {_padded(window)}")
    help_ = "take a smaller kernel, pad the input, or pool less before it"
    return f"{op}: " + " and ".join(parts), help_


def _not_whole(op: str, windows: Sequence[Window], axes: list[int], pool: bool) -> str:
    parts = []
    for axis in axes:
        window = windows[axis]
        what = f"({_padded(window)} - {window.extent}) / {window.stride} is not whole"
        if pool and window.stride == window.kernel and not window.begin and not window.end:
            what = f"{window.size} is not a multiple of {window.kernel}"
        parts.append(f"{DIMENSIONS[len(windows)][axis]} {what}")
    return f"{op}: " + " and ".join(parts)


def reach_of(windows: Sequence[Window]) -> tuple[Reach, ...]:
    """How far each output position of windows sees."""
    return tuple(Reach(window.extent, window.stride, -window.begin) for window in windows)


def _lettered(
    windows: Sequence[Window], shape: Shape
) -> Iterator[tuple[str, Window, str, str, str]]:
    """Each window with the letter of its dimension and the names of its numbers: those of its
    kernel, its stride and its dilation."""
    spatial = letters(shape)[:-1]
    kernels = indexed("K", [w.kernel for w in windows], spatial)
    strides = indexed("S", [w.stride for w in windows], spatial)
    spacings = indexed("d", [w.dilation for w in windows], spatial)
    yield from zip(spatial, windows, kernels, strides, spacings)


def sliding(
    windows: Sequence[Window], shape: Shape, *, same: bool, pool: bool = False
) -> tuple[Derivation, ...]:
    """The spatial output sizes of windows over a tensor; those of a `pool` may lie side by side.

    Dumoulin and Visin, "A guide to convolution arithmetic for deep learning" (2016),
    relationship 6, with a begin and an end of the padding and the dilation of relationship 15.
    """
    steps = []
    for letter, window, kernel, stride, spacing in _lettered(windows, shape):
        values = {letter: window.size, kernel: window.kernel}
        rounded = "ceil" if window.extra else "floor" if window.dropped else ""
        if same:
            values = {letter: window.size, stride: window.stride}
            formula = f"ceil({letter}/{stride})"
        elif pool and window.kernel == window.stride and not window.begin and not window.end:
            formula = f"{rounded}({letter}/{kernel})" if rounded else f"{letter}/{kernel}"
        else:
            padded, pads = padding(letter, window.begin, window.end, "+", windows)
            extent = kernel
            if window.dilation > 1:
                extent = f"({spacing}*({kernel} - 1) + 1)"
                values[spacing] = window.dilation
            values |= pads | {stride: window.stride}
            quotient = f"({padded} - {extent})/{stride}"
            formula = f"{rounded}({quotient}) + 1" if rounded else f"{quotient} + 1"
        steps.append(Derivation(f"{letter}_out", formula, values, window.output))
    return tuple(steps)


def same_padding(windows: Sequence[Window], shape: Shape) -> tuple[Derivation, ...]:
    """How many pixels `same` puts around in each dimension, begin and end together.

    They are what the last window lacks; the odd one goes to the end, as in Keras.
    """
    steps = []
    for letter, window, kernel, stride, spacing in _lettered(windows, shape):
        output = f"{letter}_out"
        values = {output: window.output, stride: window.stride}
        values |= {kernel: window.kernel, letter: window.size}
        extent = kernel
        if window.dilation > 1:
            extent, values[spacing] = f"{spacing}*({kernel} - 1) + 1", window.dilation
        lacking = f"({output} - 1)*{stride} + {extent} - {letter}"
        reach = (window.output - 1) * window.stride + window.extent
        formula = lacking if reach >= window.size else f"max(0, {lacking})"
        steps.append(Derivation(f"P_{letter}", formula, values, window.begin + window.end))
    return tuple(steps)
