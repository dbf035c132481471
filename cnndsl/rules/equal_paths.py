"""W108: merges of a tensor with itself."""

from __future__ import annotations

from cnndsl.diagnostics.message import Message
from cnndsl.layers import family
from cnndsl.network.network import Node
from cnndsl.rules.helpers.view import Findings, View

_UNLIKE = frozenset(("input", *family("dropout")))  # the latter draws at random


def find(view: View) -> Findings:
    """Merges of which two paths compute the same, having no weights that could differ.

    The product of a tensor with itself is its square, and a tensor below itself a longer one,
    which there are no other words for.
    """
    same = _values(view) if any(view.groups(*_HELP)) else []

    def repeats(node: Node) -> bool:
        return bool(_twins(node, same)) and getattr(node.layer, "axis", "channels") == "channels"

    for group in view.where(_HELP, repeats):
        first, second = _twins(group.first, same)
        message = Message(
            "{op}: paths {first} and {second} compute the same",
            op=group.op,
            first=first + 1,
            second=second + 1,
        )
        yield view.warning(group, message, _HELP[group.op])


_HELP = {
    "add": Message(
        "remove one of them; if twice the value is meant, learn the factor: `scale init=2`"
    ),
    "concat": Message("remove one of them: the channels stand there twice"),
    "subtract": Message("remove both: the difference of equals is 0"),
    "maximum": Message("remove one of them: the maximum of equals is either"),
    "average": Message("remove one of them: the average of equals is either"),
}


def _twins(node: Node, same: list[int]) -> tuple[int, ...]:
    """The first two inputs that are the same value; empty where there are none."""
    first: dict[int, int] = {}
    for path, index in enumerate(node.inputs):
        other = first.setdefault(same[index], path)
        if other != path:
            return other, path
    return ()


def _values(view: View) -> list[int]:
    """For each node, the first that computes the same.

    What has weights is like nothing but what shares them, and what draws at random like nothing
    else. Equal layers on equal shapes are one object; merges are known by what is written.
    """
    known: dict[tuple[object, ...], int] = {}
    values: list[int] = []
    for node in view.nodes:
        layer = node.layer
        value = node.index
        if layer.op not in _UNLIKE:
            what: object = id(layer)
            if layer.all_weights:
                what = "weights", node.index if node.shared_with is None else node.shared_with
            elif len(node.inputs) > 1:
                what = layer.op, *(getattr(layer, slot.name) for slot in layer.slots)
            value = known.setdefault((what, *(values[i] for i in node.inputs)), value)
        values.append(value)
    return values
