"""What rules ask about activations: where a tensor has its values from, and their range."""

from __future__ import annotations

from cnndsl.diagnostics.diagnostic import Fix
from cnndsl.layers import ACTIVATIONS
from cnndsl.rules.helpers.edits import without_statement

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from cnndsl.network.network import Node
    from cnndsl.rules.helpers.view import Place, View

CARRYING = frozenset(
    ("flatten", "reshape", "dropout", "droppath", "pool", "avgpool", "minpool", "gap", "gmp",
     "zeropad", "crop", "up", "shuffle", "slice")
)  # fmt: skip
"""Layers that keep what is not negative so: they move values, or take one or a mean of them."""


def activation(node: Node) -> str:
    """The activation that a node ends in: its own word, or the one written after it."""
    if node.layer.activation is not None:
        return node.layer.activation.op
    return node.op if node.op in ACTIVATIONS else ""


_SCALE_KEEPING = CARRYING - {"dropout", "droppath"}  # which scale up what they keep

_NATURAL = frozenset(("relu", "leaky_relu", "prelu", "elu"))

UNCHANGED = {
    "relu": _NATURAL,
    "relu6": _NATURAL | {"relu6"},
    "sigmoid": _NATURAL | {"relu6"},
    "softmax": _NATURAL | {"relu6"},
    "hard_sigmoid": _NATURAL | {"relu6"},
    "softplus": _NATURAL,
}
"""By an activation: those that leave its values as they are. relu6 leaves what is below 6."""


def alone(view: View, place: Place) -> Iterator[tuple[Node, Node]]:
    """The activations of a place, each with the layer that its values come from."""
    origins = view.origins(CARRYING if place.op in _NATURAL else _SCALE_KEEPING)
    for node in place.nodes:
        yield node, view.nodes[origins[node.inputs[0]]]


def remove(view: View, node: Node) -> tuple[Fix, ...]:
    """To take a layer out, where no name goes with it."""
    statement = view.statement(node)
    if statement is None or statement.alias is not None:
        return ()
    return (Fix("remove it", (without_statement(view, statement.span),)),)
