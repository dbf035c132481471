"""Layers that act while training only."""

from __future__ import annotations

from cnndsl.layers.base import Layer, Slot
from cnndsl.layers.values import SHARE

_RATE = Slot("rate", "value", SHARE, "P", "the share that is dropped", required=True)


class Dropout(Layer):
    """Sets a share of the values to 0 while training, and scales up the others."""

    op, title = "dropout", "dropout"
    slots = (_RATE,)
    rate: float


class DropPath(Layer):
    """Sets whole samples to 0 while training: a path of a merge is left out.

    Huang et al., "Deep networks with stochastic depth" (2016).
    """

    op, title = "droppath", "stochastic depth"
    slots = (_RATE,)
    rate: float


LAYERS: tuple[type[Layer], ...] = (Dropout, DropPath)
