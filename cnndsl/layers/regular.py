"""Layers that act while training only."""

from __future__ import annotations

from cnndsl.diagnostics.message import Message
from cnndsl.layers.base import Layer, Slot
from cnndsl.layers.values import SHARE


class Regularisation(Layer):
    """What drops values while training, and passes them on otherwise."""

    family, linear = "dropout", True
    slots = (
        Slot("rate", "value", SHARE, "P", Message("the share that is dropped"), required=True),
    )
    rate: float

    def is_idle(self) -> bool:
        return not self.rate


class Dropout(Regularisation):
    """Sets a share of the values to 0 while training, and scales up the others."""

    op, title = "dropout", "dropout"


class DropPath(Regularisation):
    """Sets whole samples to 0 while training: a path of a merge is left out.

    Huang et al., "Deep networks with stochastic depth" (2016).
    """

    op, title = "droppath", "stochastic depth"


LAYERS: tuple[type[Layer], ...] = (Dropout, DropPath)
