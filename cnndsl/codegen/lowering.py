"""What the forms of all frameworks share: arguments of layers as arguments of calls."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from cnndsl.codegen.code import Arg, Call, NotExpressible
from cnndsl.diagnostics.message import Message
from cnndsl.layers import Layer
from cnndsl.layers.window import Window, rounding_of

Pads = tuple[tuple[int, int], ...]
"""Begin and end, for each spatial dimension."""


class LoweringOptions(NamedTuple):
    """How a layer is to be lowered.

    * `explicit`: in the most general form, so that layers whose paddings differ look alike
    * `order`: which dimension of an image `flatten` begins with, the `first` or the `last`
    """

    explicit: bool = False
    order: str = "first"


def form_of(forms: Mapping[type[Layer], Any], layer: Layer, framework: str) -> Any:
    """A framework's form of a layer, by its kind; raises NotExpressible where it has none."""
    form = forms.get(type(layer))
    if form is None:
        raise without_form(framework, layer)
    return form


def without_form(framework: str, layer: Layer) -> NotExpressible:
    """What to raise for a layer that a framework has nothing like."""
    message = Message("{framework} has no form of `{op}`", framework=framework, op=layer.op)
    return NotExpressible(message, Message("write it with other layers"))


def rank(layer: Layer) -> int:
    """The number of spatial dimensions that come in."""
    return len(layer.spatial)


def axis_channels_last(layer: Any) -> int:
    """The axis of a layer where the channels are last, and the batch first."""
    return -1 if layer.along == rank(layer) else int(layer.along) + 1


def axis_channels_first(layer: Any) -> int:
    """The axis of a layer where the channels follow the batch."""
    return 1 if layer.along == rank(layer) else int(layer.along) + 2


def behind(layer: Layer, calls: Sequence[Call]) -> list[Call]:
    """The calls of the activation written after a layer, as part of that layer.

    What are its channels are the outputs of the layer; its own slots nobody wrote.
    """
    slot = next((name for name in ("filters", "units") if hasattr(layer, name)), "")
    if not slot and layer.output[-1] == layer.channels:
        slot = "in"

    def move(arg: Any) -> Any:
        if not isinstance(arg, Arg) or arg.slot == "activation":
            return arg
        return arg._replace(slot=slot if arg.slot == "in" else "")

    return [
        call._replace(
            args=tuple(move(arg) for arg in call.args),
            kwargs={key: move(arg) for key, arg in call.kwargs.items()},
            main=False,
        )
        for call in calls
    ]


def sizes(values: Sequence[int], slot: str, default: Any = ...) -> Arg:
    """The sizes of a slot, as one number where they are equal."""
    return Arg(tuple(values), slot, default, each=True)


def shares_evenly(layer: Any) -> bool:
    """Whether the windows of a pool with `to` are all alike, and lie side by side."""
    return all(size % output == 0 for size, output in zip(layer.spatial, layer.to))


def even_kernel(layer: Any) -> tuple[int, ...]:
    """The size of the windows of such a pool."""
    return tuple(size // output for size, output in zip(layer.spatial, layer.to))


def is_dilated(layer: Any) -> bool:
    """Whether the pixels of a window lie apart in any dimension."""
    return any(window.dilation > 1 for window in layer.windows)


def strides(windows: Sequence[Window], default: Any = 1) -> Arg:
    """The steps of windows."""
    return sizes([window.stride for window in windows], "stride", default)


def pool_strides(layer: Any, default: Any = ...) -> Arg:
    """The steps of a pool; its sizes unless said."""
    steps = strides(layer.windows, default)
    return steps._replace(slot="kernel") if layer.stride is None else steps


def dilations(windows: Sequence[Window]) -> Arg:
    """The spacings of windows."""
    return sizes([window.dilation for window in windows], "dilation", 1)


def written_pads(windows: Sequence[Window]) -> Pads:
    """The padding that the file asks for."""
    return tuple((window.begin, window.end) for window in windows)


def all_pads(windows: Sequence[Window]) -> Pads:
    """The padding, with what rounding up adds."""
    return tuple((window.begin, window.end + window.extra) for window in windows)


def extra_pads(windows: Sequence[Window]) -> Pads:
    """What rounding up adds alone."""
    return tuple((0, window.extra) for window in windows)


def written_parts(layer: Any, pads: Pads) -> tuple[tuple[Any, Any], ...]:
    """Padding with the places in the source where `pad` says each number of it."""
    if layer.pad is None or layer.same or pads != written_pads(layer.windows):
        return pads
    return source_parts(pads, "pad")


def source_parts(pads: Pads, slot: str) -> tuple[tuple[Any, Any], ...]:
    """Sizes around an image, each with its place in what the source says of a slot."""
    return tuple(
        (Arg(begin, slot, path=(place, 0)), Arg(end, slot, path=(place, 1)))
        for place, (begin, end) in enumerate(pads)
    )


def is_symmetric(pads: Pads) -> bool:
    """Whether each dimension gets as much at its begin as at its end."""
    return all(begin == end for begin, end in pads)


def any_pads(pads: Pads) -> bool:
    """Whether there is any padding at all."""
    return any(begin or end for begin, end in pads)


def pad_arg(layer: Any, pads: Pads, default: Any = ...) -> Arg:
    """Symmetric padding as one number for each dimension, or for all.

    It has the slot `pad` where that is what was written, and `same` where a stride of 1 lets
    PyTorch's `padding="same"` say it for every kernel.
    """
    slot = "pad"
    if layer.same:
        slot = "same" if all(window.stride == 1 for window in layer.windows) else ""
    elif layer.pad is None or any(window.extra for window in layer.windows):
        slot = ""
    return sizes([begin for begin, _ in pads], slot, default)


def rounds_up(layer: Any) -> bool:
    """Whether a size that does not come out whole is rounded up; `same` always does whole."""
    return rounding_of(layer) == "ceil" and not layer.same


def is_same(windows: Sequence[Window]) -> bool:
    """Whether windows lie as under `same`, whatever was written."""
    for window in windows:
        output = -(-window.size // window.stride)
        total = max(0, (output - 1) * window.stride + window.extent - window.size)
        if window.output != output or window.begin != total // 2:
            return False
    return True
