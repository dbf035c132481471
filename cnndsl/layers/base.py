"""What a layer is: its arguments, its output shape, its weights, its multiply-adds.

Shapes are channels last and without a batch: (H, W, C), (L, C), (D, H, W, C) or (N,).
"""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from typing import Any, ClassVar, NamedTuple, TypeAlias

from cnndsl.diagnostics.message import NOTHING, Message
from cnndsl.layers.derivation import Derivation
from cnndsl.layers.derivation import Shape as Shape
from cnndsl.layers.initial import ZEROS, Initial
from cnndsl.layers.values import AXIS, LARGEST, Kind

DIMENSIONS: dict[int, tuple[Message, ...]] = {
    0: (),
    1: (Message("length"),),
    2: (Message("height"), Message("width")),
    3: (Message("depth"), Message("height"), Message("width")),
}
"""The names of the spatial dimensions, by how many there are."""


def channels_last(shape: Shape) -> Shape | None:
    """The shape that one was meant to be which seems to have its channels first, as PyTorch's
    images have: (3, 224, 224). None for one that does not.

    A map of 4x4x64, or a signal of 1x128x9, has sizes of its own right.
    """
    if len(shape) != 3 or shape[0] not in (1, 3, 4):
        return None
    first, height, width = shape
    alike = height == width and height >= 16
    large = first > 1 and min(height, width) >= 100
    return (height, width, first) if alike or large else None


class LayerError(Exception):
    """A layer that does not fit: `slot` names the argument at fault, or is empty.

    `axes` are the spatial dimensions in which it does not, by their index in the shape.
    `layer` is the layer itself, as far as it was made: with its arguments and its input.
    """

    layer: Layer | None = None

    def __init__(
        self,
        code: str,
        message: Message,
        help_: Message = NOTHING,
        slot: str = "",
        axes: tuple[int, ...] = (),
    ) -> None:
        super().__init__(message)
        self.code, self.message, self.help, self.slot = code, message, help_, slot
        self.axes = axes


def beyond(subject: Message, count: int, what: Message) -> LayerError:
    """The error that a size or a count is larger than any of a network."""
    message = Message(
        "{subject} comes to {count:,} {what}", subject=subject, count=count, what=what
    )
    if count >= 10**24:
        shown = f"{float(min(count, 10**300)):.2g}".replace("e+", "e")
        message = Message(
            "{subject} comes to about {count} {what}", subject=subject, count=shown, what=what
        )
    return LayerError("E302", message, Message("no size and no count of a network is beyond 1e18"))


class Context(NamedTuple):
    """What the file says once for all layers."""

    rounding: str = "exact"
    defaults: str = "keras"


class ByDefaults(NamedTuple):
    """A default that `defaults` chooses."""

    keras: Any
    torch: Any


class Slot(NamedTuple):
    """An argument of a layer.

    `form` says how it is written: `value` by position, `/` the stride, `key` as name=value,
    `flag` as the bare name, `act` as the name of an activation. `shown` is its part of the
    usage line. Where `required` is False and nothing is written, the layer sees `default`.
    `since` is the version of the language that a flag came with, as that of layers. `instead`
    names an argument that can stand in the place of one that is required.
    """

    name: str
    form: str
    kind: Kind | None = None
    shown: str = ""
    doc: str = ""
    required: bool = False
    default: Any = None
    since: str = "1"
    instead: str = ""

    def default_in(self, context: Context) -> Any:
        """What the layer sees where nothing is written."""
        if isinstance(self.default, ByDefaults):
            return getattr(self.default, context.defaults)
        return self.default


class Weight(NamedTuple):
    """An array that a layer keeps: its role, its shape in Keras's order, whether it learns.

    `initial` is what it holds before training.
    """

    role: str
    shape: Shape
    trainable: bool = True
    initial: Initial = ZEROS

    @property
    def size(self) -> int:
        return product(self.shape)


class Reach(NamedTuple):
    """How output positions look at their input in one dimension, as through a window.

    Position i sees `extent` input positions in a row, from `stride * i + offset` on.
    """

    extent: int
    stride: int = 1
    offset: int = 0


class Spread(NamedTuple):
    """How output positions look at their input where that is spread out.

    Position i sees every input position x with `stride * x <= i + crop < stride * x + extent`.
    """

    extent: int
    stride: int
    crop: int = 0


class Sight(NamedTuple):
    """What positions see in one dimension, as a pattern that comes again.

    It does every n positions, n being the length of `low` and `high`, and `step` pixels further
    on: position i sees the pixels from `low[i % n] + step * (i // n)` to
    `high[i % n] + step * (i // n)`. Neither falls from one position to the next.
    """

    low: tuple[int, ...]
    high: tuple[int, ...]
    step: int


MAX_PERIOD = 512
"""How long a pattern may become; beyond it all positions count as seeing what any of them do."""


Reaches: TypeAlias = tuple[Reach | Spread | Sight | str, ...] | str | None
"""How far outputs see, per spatial dimension; ALL where every output sees every position, be it
of one dimension or of all; None where each output sees just its own position."""

ALL = "all"


_CHANNELS, _VALUES = Message("channels"), Message("values")
_PARAMETERS, _MULTIPLY_ADDS = Message("parameters"), Message("multiply-adds")


class Layer:
    """A layer applied to shapes. Its instances never change once made.

    Class attributes: `op` the word of the language, `title` the name in prose, `slots` the
    arguments in canonical order, `ranks` the numbers of spatial dimensions it works on. Whoever
    asks what kind of layer one is reads these, and keeps no list of layers:

    * `family`: what it is one of: `input`, `conv`, `dense`, `pool`, `norm`, `scaling`,
      `dropout`, `activation`, `move` (values go to other places as they are), `merge`
    * `slides`: whether it has windows over its input, as `windows`
    * `linear`: whether a linear function before it and one after it are one together
    * `since`: the version of the language that it came with: a name that a file defines outranks
      a word later than the first

    Instance attributes: one for each slot, and

    * `input`, `output`: shapes, channels last
    * `weights`: the arrays it keeps
    * `macs`: multiply-adds for one input
    * `reach`: how far an output position sees
    * `activation`: the activation written after it, or None
    * `variant`: which of several things that it may do it does, for words about it
    """

    op: ClassVar[str]
    title: ClassVar[str]
    family: ClassVar[str]
    slides: ClassVar[bool] = False
    linear: ClassVar[bool] = False
    since: ClassVar[str] = "1"
    slots: ClassVar[tuple[Slot, ...]] = ()
    ranks: ClassVar[tuple[int, ...]] = (0, 1, 2, 3)
    wants: ClassVar[Message] = Message("a tensor")
    example: ClassVar[tuple[str, str]]

    input: Shape
    output: Shape
    weights: tuple[Weight, ...] = ()
    macs: int = 0
    reach: Reaches = None
    activation: Layer | None = None
    variant: str = ""

    def __init__(self, values: Mapping[str, Any], shape: Shape, context: Context) -> None:
        self.input = self.output = shape
        self.context = context
        for slot in self.slots:
            setattr(self, slot.name, values.get(slot.name, slot.default_in(context)))
        try:
            if len(shape) - 1 not in self.ranks:
                message = Message(
                    "{layer} needs {wants}, and gets {shape}",
                    layer=self.op,
                    wants=self.wants,
                    shape=describe(shape),
                )
                raise LayerError("E204", message, self.rank_help(shape))
            self.setup()
        except LayerError as error:
            error.layer = self
            raise
        for count, what in (
            (product(self.output), _VALUES),
            (self.params, _PARAMETERS),
            (self.macs, _MULTIPLY_ADDS),
        ):
            if count > LARGEST:
                raise beyond(Message("{layer}: this", layer=self.op), count, what)

    def setup(self) -> None:
        """Work out shapes and weights; raise LayerError where they do not come out."""

    def is_idle(self) -> bool:
        """Whether it gives what it gets, by its numbers or by what comes in."""
        return False

    @property
    def is_rounded(self) -> bool:
        """Whether a size came out by rounding."""
        return any(each.extra or each.dropped for each in getattr(self, "windows", ()))

    def rank_help(self, shape: Shape) -> Message:
        """What to do about an input of the wrong rank."""
        return Message("put it before `flatten` or `gap`") if len(shape) == 1 else NOTHING

    def sizes(self) -> tuple[Derivation, ...]:
        """How the output shape is worked out: a step for each of its sizes.

        Empty where the output has the shape of an input.
        """
        return ()

    def counts(self) -> tuple[Derivation, ...]:
        """How many numbers it keeps: a step for each of its own weights, named by its role."""
        return tuple(
            Derivation(each.role, "C", {"C": each.size}, each.size) for each in self.weights
        )

    def all_counts(self) -> tuple[Derivation, ...]:
        """Its own steps, and those of the activation, which gets the channels that it gives."""
        steps = self.counts()
        if self.activation is not None:
            for step in self.activation.counts():
                steps += (step._replace(formula="C_out", values={"C_out": step.value}),)
        return steps

    @property
    def channels(self) -> int:
        """How many channels come in."""
        return self.input[-1]

    @property
    def spatial(self) -> Shape:
        """The spatial sizes that come in."""
        return self.input[:-1]

    @property
    def all_weights(self) -> tuple[Weight, ...]:
        """Its own weights, and then those of the activation written after it."""
        return self.weights + self.activation.weights if self.activation else self.weights

    @property
    def params(self) -> int:
        """How many numbers it keeps, learned or not."""
        return sum(weight.size for weight in self.all_weights)

    @property
    def biases(self) -> int:
        """How many of them are biases, which the article leaves out."""
        return sum(weight.size for weight in self.all_weights if weight.role == "bias")

    @property
    def others(self) -> int:
        """How many of them are neither biases nor what inputs are multiplied by and summed."""
        return sum(weight.size for weight in self.all_weights if weight.role not in _SUMMING)

    @property
    def trainable(self) -> int:
        """How many of them are learned."""
        return sum(weight.size for weight in self.all_weights if weight.trainable)

    @classmethod
    def usage(cls) -> str:
        """How it is written: `conv N K [act] [/S] …`."""
        return " ".join([cls.op, *(slot.shown for slot in cls.slots if slot.shown)])


def axes_of(rank: int) -> tuple[str, ...]:
    """The names of the axes of a tensor of some spatial dimensions."""
    return (*map(str, DIMENSIONS[rank]), "channels")


def axis_slot(what: str) -> Slot:
    """The argument that names an axis of a layer; `what` says which of them is meant."""
    doc = f"{what}: channels, height, width, depth or length"
    return Slot("axis", "key", AXIS, "[axis=]", doc, default="channels")


def axis_of(layer: Layer, name: str) -> int:
    """The place in a layer's input of the dimension of a name. Raises LayerError."""
    names = axes_of(len(layer.spatial))
    if name in names:
        return names.index(name)
    message = Message(
        "{layer}: {shape} has no `{axis}`", layer=layer.op, shape=describe(layer.input), axis=name
    )
    raise LayerError("E105", message, Message("it has {names}", names=", ".join(names)), "axis")


def divide(layer: Layer, groups: int, count: int, what: Message = _CHANNELS) -> None:
    """See that a number of channels or filters divides into groups. Raises LayerError."""
    if count % groups:
        message = Message(
            "{layer}: {count} {what} do not divide into {groups} groups",
            layer=layer.op,
            count=count,
            what=what,
            groups=groups,
        )
        help_ = Message("take a number of groups that divides the channels")
        if "filters" in vars(layer):
            help_ = Message("take a number of groups that divides the channels and the filters")
        raise LayerError("E205", message, help_, "groups")


_SUMMING = ("kernel", "depthwise", "pointwise", "bias")
"""The roles of what convolutions and dense layers keep."""


def product(sizes: tuple[int, ...]) -> int:
    """The product of sizes; 1 for none."""
    return prod(sizes)


def show(shape: Shape) -> str:
    """A shape as the language writes it: 39x31x1."""
    return "x".join(map(str, shape[:6])) + ("x…" if len(shape) > 6 else "")


def describe(shape: Shape) -> Message:
    """A shape in words: `an image of 39x31x1`."""
    size = show(shape)
    if len(shape) == 1:
        return Message("a vector of {size}", size=size)
    if len(shape) == 2:
        return Message("a signal of {size}", size=size)
    if len(shape) == 3:
        return Message("an image of {size}", size=size)
    return Message("a volume of {size}", size=size)


class Input(Layer):
    """Where a tensor comes into the net."""

    op, title, family = "input", "input", "input"


class Spatial(Layer):
    """A layer that needs spatial dimensions."""

    ranks = (1, 2, 3)
    wants = Message("an image")
