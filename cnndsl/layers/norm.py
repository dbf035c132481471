"""Normalisations, and a learned factor for each channel."""

from __future__ import annotations

from cnndsl.diagnostics.message import Message
from cnndsl.layers.base import ByDefaults, Layer, LayerError, Slot, Spatial, Weight, divide
from cnndsl.layers.initial import ONES, Constant
from cnndsl.layers.values import NATURAL, NUMBER, NUMBERS, POSITIVE, SHARE

_EPS = Slot(
    "eps", "key", POSITIVE, "[eps=]", "added to the variance", default=ByDefaults(1e-3, 1e-5)
)
_NOSCALE = Slot("noscale", "flag", None, "[noscale]", "learn no factor")
_NOSHIFT = Slot("noshift", "flag", None, "[noshift]", "learn no summand")


class Normalisation(Layer):
    """Eps is 1e-3 by Keras's default and 1e-5 by PyTorch's; `defaults` decides."""

    family = "norm"
    eps: float
    noscale: bool | None
    noshift: bool | None

    def setup(self) -> None:
        self.weights = (
            *(() if self.noscale else (Weight("gamma", (self.channels,), initial=ONES),)),
            *(() if self.noshift else (Weight("beta", (self.channels,)),)),
        )


class BatchNorm(Normalisation):
    """Normalises each channel over the batch and all positions.

    `momentum` is the share of the old statistics that a step keeps, as in Keras (0.99 by
    default); PyTorch's argument of that name is the rest. `defaults torch` makes it 0.9.
    """

    op, title, linear = "bn", "batch normalisation", True
    slots = (
        _EPS,
        Slot(
            *("momentum", "key", SHARE, "[momentum=]", "the share of the old statistics kept"),
            default=ByDefaults(0.99, 0.9),
        ),
        _NOSCALE,
        _NOSHIFT,
    )
    momentum: float

    def setup(self) -> None:
        super().setup()
        self.weights = (
            *self.weights,
            Weight("mean", (self.channels,), trainable=False),
            Weight("variance", (self.channels,), trainable=False, initial=ONES),
        )


class LayerNorm(Normalisation):
    """Normalises the channels of each position by themselves."""

    op, title = "ln", "layer normalisation"
    slots = (_EPS, _NOSCALE, _NOSHIFT)


class GroupNorm(Normalisation):
    """Normalises each group of channels over all positions."""

    op, title = "gn", "group normalisation"
    slots = (
        Slot("groups", "value", NATURAL, "G", Message("groups of channels"), required=True),
        _EPS,
        _NOSCALE,
        _NOSHIFT,
    )
    groups: int

    def setup(self) -> None:
        super().setup()
        divide(self, self.groups, self.channels)


class InstanceNorm(Normalisation, Spatial):
    """Normalises each channel of each sample over all positions.

    Ulyanov, Vedaldi and Lempitsky, "Instance normalization: the missing ingredient for fast
    stylization" (2016).
    """

    op, title, since = "inorm", "instance normalisation", "1.1"
    slots = (_EPS, _NOSCALE, _NOSHIFT)


class LocalResponseNorm(Spatial):
    """x / (k + alpha/size * sum of squares over `size` neighbouring channels) ** beta.

    Krizhevsky et al., "ImageNet classification with deep convolutional neural networks"
    (2012), with alpha divided by the size, as PyTorch has it.
    """

    op, title, family = "lrn", "local response normalisation", "scaling"
    slots = (
        Slot("size", "key", NATURAL, "[size=]", "how many channels are summed", default=5),
        Slot("alpha", "key", NUMBER, "[alpha=]", "the factor of the sum", default=1e-4),
        Slot("beta", "key", NUMBER, "[beta=]", "the exponent", default=0.75),
        Slot("k", "key", POSITIVE, "[k=]", "the summand", default=1),
    )
    size: int
    alpha: float
    beta: float
    k: float


class Scale(Layer):
    """A learned factor for each channel."""

    op, title, family, linear = "scale", "scale", "scaling", True
    slots = (Slot("init", "key", NUMBER, "[init=]", "the factors' first value", default=1),)
    init: float

    def setup(self) -> None:
        self.weights = (Weight("scale", (self.channels,), initial=Constant(self.init)),)


class Rescale(Layer):
    """A constant factor and a constant summand: one number, or one for each channel."""

    op, title, family, linear, since = "rescale", "rescaling", "scaling", True, "1.1"
    slots = (
        Slot("scale", "value", NUMBERS, "S", Message("the factor"), required=True),
        Slot("offset", "key", NUMBERS, "[offset=O]", "the summand, added after it", default=0),
    )
    scale: float | tuple[float, ...]
    offset: float | tuple[float, ...]

    def setup(self) -> None:
        for name in ("scale", "offset"):
            numbers = getattr(self, name)
            if isinstance(numbers, tuple) and len(numbers) != self.channels:
                message = Message(
                    "{layer}: `{argument}` has {count} numbers for {channels} channels",
                    layer=self.op,
                    argument=name,
                    count=len(numbers),
                    channels=self.channels,
                )
                raise LayerError(
                    "E105", message, Message("write one number, or one for each channel"), name
                )

    def is_idle(self) -> bool:
        return all(
            {*(value if isinstance(value, tuple) else (value,))} == {idle}
            for value, idle in ((self.scale, 1), (self.offset, 0))
        )


LAYERS: tuple[type[Layer], ...] = (
    BatchNorm, LayerNorm, GroupNorm, InstanceNorm, LocalResponseNorm, Scale, Rescale,
)  # fmt: skip
