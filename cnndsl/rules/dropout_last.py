"""W308: dropout at the very end."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from cnndsl.diagnostics.message import Message
from cnndsl.layers import family
from cnndsl.rules.helpers.ranges import CARRYING, remove
from cnndsl.rules.helpers.view import Findings, View

_PASSIVE = CARRYING.union(family("activation"))


def find(view: View) -> Findings:
    """Dropout after which no layer has weights: what it drops is the net's own answer."""
    last = set(_after_weights(view))
    for group in view.where(
        ("dropout",), lambda node: node.index in last and not node.layer.is_idle()
    ):
        layer: Any = group.layer
        message = Message(
            "dropout: no layer with weights follows: while training, {percent:.3g}% of the answer "
            "itself is set to 0",
            percent=100 * layer.rate,
        )
        help_ = Message("put it before the last layer with weights")
        yield view.warning(group, message, help_, remove(view, group.first))


def _after_weights(view: View) -> Iterator[int]:
    """The nodes at the ends of the net, each back to the last one with weights."""
    seen: set[int] = set()
    for index in view.outputs:
        while index not in seen and view.nodes[index].op in _PASSIVE:
            seen.add(index)
            yield index
            index = view.nodes[index].inputs[0]
