"""Activations: written after a layer, as `conv 20 4x4 relu`, or alone as a statement."""

from __future__ import annotations

from math import inf
from typing import ClassVar

from cnndsl.layers.base import ByDefaults, Layer, Slot, Weight
from cnndsl.layers.initial import Constant
from cnndsl.layers.values import NUMBER, POSITIVE


class Activation(Layer):
    """A function applied to every value (softmax: to the channels of every position).

    `gives` are the least and the largest value that it can give, and `keeps` those between
    which it leaves a value as it is; None where it changes nearly all.
    """

    family = "activation"
    formula: str
    gives: ClassVar[tuple[float, float]] = (-inf, inf)
    keeps: ClassVar[tuple[float, float] | None] = None

    @classmethod
    def keeps_all_of(cls, other: type[Activation]) -> bool:
        """Whether it changes nothing of what another activation gives."""
        if cls.keeps is None:
            return False
        return cls.keeps[0] <= other.gives[0] and other.gives[1] <= cls.keeps[1]


class Relu(Activation):
    op, title = "relu", "ReLU"
    formula = "max(x, 0)"
    gives = keeps = (0, inf)


class Relu6(Activation):
    op, title = "relu6", "ReLU6"
    formula = "min(max(x, 0), 6)"
    gives = keeps = (0, 6)


class LeakyRelu(Activation):
    """The slope is 0.3 by Keras's default and 0.01 by PyTorch's; `defaults` decides."""

    op, title = "leaky_relu", "leaky ReLU"
    formula = "x where x >= 0, else slope * x"
    keeps = (0, inf)
    slots = (
        Slot(
            *("slope", "value", NUMBER, "[slope]", "the slope below 0"),
            default=ByDefaults(0.3, 0.01),
        ),
    )
    slope: float


class Prelu(Activation):
    """A leaky ReLU whose slope is learned, one for each channel.

    It begins at 0 by Keras's default and at 0.25 by PyTorch's; `defaults` decides.
    """

    op, title = "prelu", "PReLU"
    formula = "x where x >= 0, else a[c] * x"
    keeps = (0, inf)

    def setup(self) -> None:
        self.initial = 0.0 if self.context.defaults == "keras" else 0.25
        self.weights = (Weight("alpha", (self.channels,), initial=Constant(self.initial)),)


class Elu(Activation):
    op, title = "elu", "ELU"
    formula = "x where x >= 0, else alpha * (exp(x) - 1)"
    keeps = (0, inf)
    slots = (Slot("alpha", "value", POSITIVE, "[alpha]", "the limit below 0", default=1),)
    alpha: float


class Selu(Activation):
    op, title = "selu", "SELU"
    formula = "1.0507 * (x where x >= 0, else 1.6733 * (exp(x) - 1))"


class Gelu(Activation):
    """The exact form, with the error function, not the approximation by tanh."""

    op, title = "gelu", "GELU"
    formula = "x * (1 + erf(x / sqrt(2))) / 2"


class Silu(Activation):
    op, title = "silu", "SiLU"
    formula = "x * sigmoid(x)"


class Mish(Activation):
    op, title = "mish", "Mish"
    formula = "x * tanh(log(1 + exp(x)))"


class Softplus(Activation):
    op, title = "softplus", "softplus"
    formula = "log(1 + exp(x))"
    gives = (0, inf)


class Sigmoid(Activation):
    op, title = "sigmoid", "sigmoid"
    formula = "1 / (1 + exp(-x))"
    gives = (0, 1)


class Tanh(Activation):
    op, title = "tanh", "tanh"
    formula = "tanh(x)"
    gives = (-1, 1)


class Softmax(Activation):
    op, title = "softmax", "softmax"
    formula = "exp(x[c]) / sum(exp(x))"
    gives = (0, 1)


class HardSwish(Activation):
    op, title = "hard_swish", "hard swish"
    formula = "x * min(max(x + 3, 0), 6) / 6"


class HardSigmoid(Activation):
    op, title = "hard_sigmoid", "hard sigmoid"
    formula = "min(max(x / 6 + 1/2, 0), 1)"
    gives = (0, 1)


ACT = Slot("activation", "act", None, "[act]", "an activation")
NOBIAS = Slot("nobias", "flag", None, "[nobias]", "leave the bias out")

LAYERS: tuple[type[Activation], ...] = (
    Relu, Relu6, LeakyRelu, Prelu, Elu, Selu, Gelu, Silu, Mish, Softplus, Sigmoid, Tanh, Softmax,
    HardSwish, HardSigmoid,
)  # fmt: skip
