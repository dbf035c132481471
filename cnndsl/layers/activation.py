"""Activations: written after a layer, as `conv 20 4x4 relu`, or alone as a statement."""

from __future__ import annotations

from math import inf

from cnndsl.diagnostics.message import Message
from cnndsl.layers.base import (
    ALL,
    ByDefaults,
    Layer,
    LayerError,
    Reach,
    Slot,
    Weight,
    axis_of,
    axis_slot,
)
from cnndsl.layers.initial import Constant
from cnndsl.layers.values import NUMBER, POSITIVE, show_value


class Activation(Layer):
    """A function applied to every value (softmax: to all those along an axis).

    `gives` are the least and the largest value that it can give, and `keeps` those between
    which it leaves a value as it is; None where it changes nearly all.
    """

    family = "activation"
    formula: str
    gives: tuple[float, float] = (-inf, inf)
    keeps: tuple[float, float] | None = None

    def keeps_all_of(self, other: Activation) -> bool:
        """Whether it changes nothing of what another activation gives."""
        if self.keeps is None:
            return False
        return self.keeps[0] <= other.gives[0] and other.gives[1] <= self.keeps[1]


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
    """The exact form, with the error function, unless the approximation by tanh is asked for.

    Hendrycks and Gimpel, "Gaussian error linear units (GELUs)" (2016).
    """

    op, title = "gelu", "GELU"
    formula = "x * (1 + erf(x / sqrt(2))) / 2"
    slots = (Slot("approx", "flag", None, "[approx]", "approximate it by tanh", since="1.1"),)
    approx: bool | None

    def setup(self) -> None:
        if self.approx:
            self.formula = "x * (1 + tanh(sqrt(2/pi) * (x + 0.044715 * x^3))) / 2"


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
    """Of the channels of every position, or of what lies along another axis.

    `along` is the place of the axis in the shape.
    """

    op, title = "softmax", "softmax"
    formula = "exp(x[c]) / sum(exp(x))"
    gives = (0, 1)
    slots = (axis_slot("the axis whose values add up to 1"),)
    axis: str

    def setup(self) -> None:
        self.along = axis_of(self, self.axis)
        self.formula = f"exp(x[{self.axis[0]}]) / sum(exp(x))"
        if self.axis != "channels":
            places = range(len(self.spatial))
            self.reach = tuple(ALL if place == self.along else Reach(1) for place in places)


class HardSwish(Activation):
    op, title = "hard_swish", "hard swish"
    formula = "x * min(max(x + 3, 0), 6) / 6"


class HardSigmoid(Activation):
    op, title = "hard_sigmoid", "hard sigmoid"
    formula = "min(max(x / 6 + 1/2, 0), 1)"
    gives = (0, 1)


class Clamp(Activation):
    """Bounds."""

    op, title, since = "clamp", "clamp", "1.1"
    formula = "min(max(x, low), high)"
    gives = keeps = (-inf, inf)
    slots = (
        Slot("low", "value", NUMBER, "LOW", Message("the least value"), required=True),
        Slot("high", "value", NUMBER, "HIGH", Message("the largest value"), required=True),
    )
    low: float
    high: float

    def setup(self) -> None:
        if not self.low < self.high:
            message = Message("clamp: {low} is not below {high}", low=self.low, high=self.high)
            raise LayerError("E105", message, Message("the least value comes first"), "high")
        self.gives = self.keeps = (self.low, self.high)
        self.formula = f"min(max(x, {show_value(self.low)}), {show_value(self.high)})"


ACT = Slot("activation", "act", None, "[act]", "an activation")
NOBIAS = Slot("nobias", "flag", None, "[nobias]", "leave the bias out")

LAYERS: tuple[type[Activation], ...] = (
    Relu, Relu6, LeakyRelu, Prelu, Elu, Selu, Gelu, Silu, Mish, Softplus, Sigmoid, Tanh, Softmax,
    HardSwish, HardSigmoid, Clamp,
)  # fmt: skip
