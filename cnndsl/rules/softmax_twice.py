"""W304: softmax of a softmax."""

from __future__ import annotations

from typing import Any

from cnndsl.diagnostics.message import Message
from cnndsl.network.network import Node
from cnndsl.rules.helpers.ranges import origin, remove, shares
from cnndsl.rules.helpers.view import Findings, View


def find(view: View) -> Findings:
    """A softmax on values that a softmax gave, with nothing learned between them."""

    def is_second(node: Node) -> bool:
        layer: Any = node.layer
        return shares(origin(view, node), layer.axis)

    for group in view.where(("softmax",), is_second):
        message = Message(
            "softmax: its {count:,} values are shares already, and come out nearly equal",
            count=group.first.output[group.layer.along],
        )
        help_ = Message("remove one of the two")
        yield view.warning(group, message, help_, remove(view, group.first))
