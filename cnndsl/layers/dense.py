"""The fully connected end of a net: flatten and dense."""

from __future__ import annotations

from cnndsl.diagnostics.message import Message
from cnndsl.layers.activation import ACT, NOBIAS
from cnndsl.layers.base import ALL, Layer, Shape, Slot, Weight, product, show
from cnndsl.layers.derivation import Derivation, letters, sizes_of
from cnndsl.layers.initial import of_bias, of_kernel
from cnndsl.layers.values import NATURAL


class Flatten(Layer):
    """All values in one vector: the last dimension, the channels, runs fastest."""

    op, title, family, linear = "flatten", "flatten", "move", True

    def setup(self) -> None:
        self.output = (product(self.input),)

    def is_idle(self) -> bool:
        return self.output == self.input

    def sizes(self) -> tuple[Derivation, ...]:
        formula = "*".join(letters(self.input))
        return (Derivation("N_out", formula, sizes_of(self.input), self.output[0]),)


class Dense(Layer):
    """Every output is a weighted sum of every input."""

    op, title, family = "dense", "fully connected layer", "dense"
    slots = (
        Slot("units", "value", NATURAL, "N", Message("how many outputs"), required=True),
        ACT,
        NOBIAS,
    )
    ranks = (0,)
    wants = Message("a vector")
    units: int
    nobias: bool | None

    def rank_help(self, shape: Shape) -> Message:
        return Message(
            "put `flatten` ({count:,} values) or `gap` ({channels}, one for each channel) between "
            "{size} and dense",
            count=product(shape),
            channels=shape[-1],
            size=show(shape),
        )

    def setup(self) -> None:
        shape = (self.channels, self.units)
        self.output = (self.units,)
        defaults = self.context.defaults
        drawn = of_kernel(defaults, self.channels, self.channels + self.units)
        self.weights = (Weight("kernel", shape, initial=drawn),)
        if not self.nobias:
            drawn_bias = of_bias(defaults, self.channels)
            self.weights += (Weight("bias", (self.units,), initial=drawn_bias),)
        self.macs = product(shape)
        self.reach = ALL

    def sizes(self) -> tuple[Derivation, ...]:
        return (Derivation("N_out", "N", {"N": self.units}, self.units),)

    def counts(self) -> tuple[Derivation, ...]:
        values = {"N_in": self.channels, "N_out": self.units}
        kernel = Derivation("kernel", "N_in*N_out", values, self.weights[0].size)
        bias = Derivation("bias", "N_out", {"N_out": self.units}, self.units)
        return (kernel,) if self.nobias else (kernel, bias)


LAYERS: tuple[type[Layer], ...] = (Flatten, Dense)
