"""W309: dropout right before batch normalisation."""

from __future__ import annotations

from typing import Any

from cnndsl.diagnostics.message import Message
from cnndsl.layers import Layer, family, words
from cnndsl.layers.geometry import Upsample, ZeroPad
from cnndsl.rules.helpers.view import Findings, View


def _adds(layer: type[Layer]) -> bool:
    return issubclass(layer, (Upsample, ZeroPad))


# What neither repeats values nor puts zeros among them, nor bends the larger ones.
_PASSIVE = frozenset(family("move")) - {*words(_adds)} | {"relu", "leaky_relu"}


def find(view: View) -> Findings:
    """Dropout that changes the variance which batch normalisation learns while training.

    Li, Chen, Hu and Yang, "Understanding the disharmony between dropout and batch
    normalization by variance shift" (2019).
    """
    origins = view.origins(_PASSIVE)
    dropped = {
        origins[node.inputs[0]]: node
        for group in view.groups("bn")
        for node in group.nodes
        if view.nodes[origins[node.inputs[0]]].op == "dropout"
    }
    for group in view.where(
        ("dropout",), lambda node: node.index in dropped and not node.layer.is_idle()
    ):
        line = view.network.line(dropped[group.first.index])
        layer: Any = group.layer
        message = Message(
            "dropout: `bn` on line {line} keeps the variance of training, which is at least "
            "{ratio:.3g} times that of use",
            line=line,
            ratio=1 / (1 - layer.rate),
        )
        help_ = Message("put it after the last batch normalisation")
        yield view.warning(group, message, help_)
