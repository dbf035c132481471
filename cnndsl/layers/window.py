"""Windows that slide over a dimension: the arithmetic of convolutions and pools.

Output sizes follow Dumoulin and Visin, "A guide to convolution arithmetic for deep
learning" (2016); `same` follows Keras; `ceil` follows PyTorch, which drops a last window
that would begin in the padding.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from math import gcd
from typing import Any, NamedTuple

from cnndsl.diagnostics.message import Message, joined, listed
from cnndsl.layers.base import (
    DIMENSIONS,
    MAX_PERIOD,
    LayerError,
    Reach,
    Shape,
    Sight,
    Slot,
    beyond,
)
from cnndsl.layers.derivation import Derivation, indexed, letters, padding
from cnndsl.layers.source import written_value
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
    def is_tile(self) -> bool:
        """Whether the windows lie side by side, from the first pixel on."""
        return self.stride == self.extent == self.kernel and not self.begin and not self.end

    @property
    def left_out(self) -> int:
        """How many pixels of the image, padding apart, lie behind the last window."""
        return min(max(0, self.dropped - self.end), self.size)


_DECIDING = "kernel factor stride same pad dilation countpad floor ceil".split()
"""The arguments that decide how large an output is, as `to=` does."""

KERNEL = Slot("kernel", "value", SIZES, "K", Message("the kernel's size"), required=True)
STRIDE = Slot("stride", "/", SIZES, "[/S]", "the step from one window to the next", default=1)
PADDING = (
    Slot("same", "flag", None, "[same|pad=P]", "pad so that the output is ceil(X / S)"),
    Slot("pad", "key", PADS, "", "pixels put around the input: 1, 3x1 or 0:1x0:1"),
)
TO = Slot("to", "key", SIZES, "", "the size that comes out")
DILATION = Slot("dilation", "key", SIZES, "[dilation=D]", "the spacing of the kernel", default=1)
ROUNDING = (
    Slot("floor", "flag", None, "[floor|ceil]", "round an odd size down"),
    Slot("ceil", "flag", None, "", "round an odd size up"),
)


_PADDED = Message("pixels in a row, with the padding")


def per_dimension(value: Any, rank: int, slot: str) -> tuple[Any, ...]:
    """One value for each spatial dimension."""
    if not isinstance(value, tuple) or isinstance(value, Pair):
        return (value,) * rank
    if len(value) != rank:
        help_ = Message("write one number")
        if rank > 1:
            help_ = Message("write {count} numbers", count=rank)
        if len(value) == rank + 1 and slot == "to":
            text = show_value(value[:-1])
            help_ = Message("`to=` is a size without channels: `to={text}`", text=text)
        elif len(value) == rank + 1:
            help_ = Message(
                "{help}; or has the input lost its channels? a grey image is 28x28x1", help=help_
            )
        message = Message(
            "`{value}` has {count} dimensions, and the input has {rank}",
            value=show_value(value),
            count=len(value),
            rank=rank,
        )
        raise LayerError("E105", message, help_, slot)
    return value


def paddings(layer: Any, rank: int) -> tuple[Pair, ...] | None:
    """What a layer's `same` and `pad` ask for: pads per dimension; None for `same`."""
    if layer.same:
        if layer.pad is not None:
            message = Message("`same` and `pad=` contradict each other")
            raise LayerError("E108", message, Message("keep one of them"), "pad")
        return None
    return per_dimension(layer.pad or Pair(0, 0), rank, "pad")


def rounding_of(layer: Any) -> str:
    """The rounding that holds for a layer: its own flag, or else the file's."""
    if layer.floor and layer.ceil:
        message = Message("`floor` and `ceil` contradict each other")
        raise LayerError("E108", message, Message("keep one"), "ceil")
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
    dilations = per_dimension(getattr(layer, "dilation", 1), rank, "dilation")
    pads = paddings(layer, rank)
    rounding = rounding_of(layer)
    numbers = zip(sizes, kernels, strides, dilations, pads or (None,) * rank)
    windows = [_window(*each, rounding) for each in numbers]
    layer.windows = tuple(windows)  # those of a layer that does not fit explain why
    for window in windows:
        padded = window.begin + window.size + window.end + window.extra
        if padded > LARGEST:
            this, what = Message("{layer}: this", layer=layer.op), _PADDED
            raise beyond(this, padded, what)
    small = [axis for axis in range(rank) if windows[axis].output < 1]
    if small:
        message = _too_small(layer.op, windows, small)
        help_ = Message("take a smaller kernel, pad the input, or pool less before it")
        raise LayerError("E203", message, help_, "kernel", tuple(small))
    if rounding == "exact":
        odd = [axis for axis in range(rank) if windows[axis].dropped]
        if odd:
            help_ = Message(
                "change a size until it comes out whole, or write `floor` to leave out the pixels "
                "that are over"
            )
            message = _not_whole(layer.op, windows, odd, pool)
            raise LayerError("E202" if pool else "E201", message, help_, "kernel", tuple(odd))
    return tuple(windows)


def _window(
    size: int, kernel: int, stride: int, dilation: int, pad: Pair | None, rounding: str
) -> Window:
    extent = dilation * (kernel - 1) + 1
    if pad is None:
        output = -(-size // stride)
        begin, end = same_pads(size, stride, extent)
        return Window(size, kernel, stride, dilation, begin, end, 0, 0, output)
    begin, end = pad
    span = size + begin + end - extent
    output = span // stride + 1
    dropped, extra = span % stride if span >= 0 else 0, 0
    if rounding == "ceil" and span >= 0 and end < extent:
        # One more window for what is over, but for one that would begin in the padding.
        output = -(-(size + begin + min(0, end - extent + stride)) // stride)
        over = (output - 1) * stride - span
        if end + stride <= extent:
            extra, dropped = over, 0
        elif int(over) > 0:
            extra, dropped = int(over), 0
    return Window(size, kernel, stride, dilation, begin, end, extra, dropped, output)


def same_pads(size: int, stride: int, extent: int) -> tuple[int, int]:
    """What `same` puts at the begin and the end of a dimension: the odd pixel at the end."""
    size = int(size)  # which may stand for any, and then has the pads that it has now
    total = max(0, (-(-size // stride) - 1) * stride + extent - size)
    return total // 2, total - total // 2


def _padded(window: Window) -> str:
    """The padded size as arithmetic: `28 + 1 + 1`."""
    if not window.begin and not window.end:
        return str(window.size)
    return f"{window.size} + {window.begin} + {window.end}"


def _by(key: Callable[[int], Any], axes: Sequence[int]) -> list[list[int]]:
    """Axes in groups of which a key is the same."""
    groups: dict[Any, list[int]] = {}
    for axis in axes:
        groups.setdefault(key(axis), []).append(axis)
    return [*groups.values()]


def _told(op: str, clauses: Sequence[Message]) -> Message:
    return Message("{layer}: {problem}", layer=op, problem=joined(clauses, "{first} and {rest}"))


def _too_small(op: str, windows: Sequence[Window], axes: list[int]) -> Message:
    """That kernels are too large, with what is the same in dimensions said once."""
    names = DIMENSIONS[len(windows)]
    clauses = []
    for alike in _by(lambda axis: (windows[axis].kernel, windows[axis].extent), axes):
        window = windows[alike[0]]
        edges = [
            Message(
                "the {axes} of {size}",
                axes=listed([names[axis] for axis in equal]),
                size=_padded(windows[equal[0]]),
            )
            for equal in _by(lambda axis: _padded(windows[axis]), alike)
        ]
        clause = Message(
            "the kernel of {kernel} is larger than {edges}",
            kernel=window.kernel,
            edges=listed(edges),
        )
        if window.dilation > 1:
            clause = Message(
                "the kernel of {kernel} (dilated, {dilation}*({kernel} - 1) + 1 = {extent}) is "
                "larger than {edges}",
                kernel=window.kernel,
                dilation=window.dilation,
                extent=window.extent,
                edges=listed(edges),
            )
        clauses.append(clause)
    return _told(op, clauses)


def _not_whole(op: str, windows: Sequence[Window], axes: list[int], pool: bool) -> Message:
    """That sizes are not whole, with what is the same in dimensions said once."""
    names = DIMENSIONS[len(windows)]

    def is_tiled(axis: int) -> bool:
        window = windows[axis]
        return pool and window.is_tile

    def quotient(axis: int) -> tuple[Any, ...]:
        """What is the same of the axes of a clause."""
        window = windows[axis]
        if is_tiled(axis):
            return (window.kernel,)
        return _padded(window), window.extent, window.stride

    clauses = []
    for alike in _by(quotient, axes):
        window, several = windows[alike[0]], listed([names[axis] for axis in alike])
        if is_tiled(alike[0]):
            tiled = {names[axis]: windows[axis].size for axis in alike}
            clause = not_multiples(tiled, window.kernel)
        else:
            values = {"padded": _padded(window), "extent": window.extent, "stride": window.stride}
            clause = Message(
                "{axes} ({padded} - {extent}) / {stride} is not whole", axes=several, **values
            )
            if len(alike) > 1:
                clause = Message(
                    "{axes} ({padded} - {extent}) / {stride} are not whole", axes=several, **values
                )
        clauses.append(clause)
    return _told(op, clauses)


def not_multiples(sizes: Mapping[Message, int], kernel: int) -> Message:
    """That sizes, each by the name of its dimension, are not multiples of a number."""
    axes, size = listed([*sizes]), min(sizes.values())
    if len(sizes) == 1:
        return Message(
            "{axes} {size} is not a multiple of {kernel}", axes=axes, size=size, kernel=kernel
        )
    if len({*sizes.values()}) == 1:
        return Message(
            "{axes} are {size}, not a multiple of {kernel}", axes=axes, size=size, kernel=kernel
        )
    each = [Message("{axis} {size}", axis=axis, size=size) for axis, size in sizes.items()]
    return Message("{sizes} are not multiples of {kernel}", sizes=listed(each), kernel=kernel)


def reach_of(windows: Sequence[Window]) -> tuple[Reach, ...]:
    """How far each output position of windows sees."""
    return tuple(Reach(window.extent, window.stride, -window.begin) for window in windows)


def to_size(layer: Any) -> Shape:
    """The spatial sizes that a layer gives which are said by `to=` in the place of all else.

    Raises LayerError where something else says them too.
    """
    for slot in layer.slots:
        value = getattr(layer, slot.name)
        if slot.name in _DECIDING and value != slot.default:
            text = written_value(value)
            shown = {"/": f"/{text}", "flag": slot.name, "key": f"{slot.name}="}
            message = Message(
                "`{one}` and `{other}` contradict each other",
                one="to=",
                other=shown.get(slot.form, text),
            )
            raise LayerError("E108", message, Message("keep one of them"), slot.name)
    return per_dimension(layer.to, len(layer.spatial), "to")


def given(layer: Any) -> tuple[Derivation, ...]:
    """The sizes of a layer that `to=` says."""
    *spatial, channel = list(letters(layer.input))
    steps = (
        Derivation(f"{name}_out", f"{size}", {}, size) for name, size in zip(spatial, layer.to)
    )
    return *steps, Derivation(f"{channel}_out", channel, {channel: layer.channels}, layer.channels)


def pattern(size: int, far: int, near: int, see: Callable[[int], tuple[int, int]]) -> Sight:
    """What positions see of `size` pixels that lie far/near pixels apart; `see` says it of one."""
    period = near // gcd(far, near)
    if period > MAX_PERIOD:
        return Sight((0,), (size - 1,), 0)
    low, high = zip(*map(see, range(period)))
    return Sight(low, high, far * period // near)


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
        elif pool and window.is_tile:
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
