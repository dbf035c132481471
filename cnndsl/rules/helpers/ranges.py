"""What rules ask about activations: where a tensor has its values from, and their range."""

from __future__ import annotations

from math import inf

from cnndsl.diagnostics import Fix
from cnndsl.layers import family
from cnndsl.layers.activation import Activation, Softmax
from cnndsl.network.network import Node
from cnndsl.rules.helpers.edits import removal
from cnndsl.rules.helpers.view import View

CARRYING = frozenset(family("pool", "dropout", "move"))
"""Layers that keep what is not negative so: they move values, or take one or a mean of them."""

_SCALE_KEEPING = CARRYING - {*family("dropout")}  # which scales up what it keeps


def function(node: Node) -> Activation | None:
    """The activation that a node ends in: the layer itself, or the one written after it."""
    layer = node.layer.activation or node.layer
    return layer if isinstance(layer, Activation) else None


def activation(node: Node) -> str:
    """The word of the activation that a node ends in; empty for none."""
    found = function(node)
    return found.op if found else ""


def shares(node: Node, axis: str = "channels") -> bool:
    """Whether a node ends in a softmax of some axis."""
    found = function(node)
    return isinstance(found, Softmax) and found.axis == axis


def unchanged(before: Node, after: Node) -> bool:
    """Whether an activation leaves all that a node gives as it is."""
    one, other = function(before), function(after)
    return one is not None and other is not None and other.keeps_all_of(one)


def origin(view: View, node: Node) -> Node:
    """The layer that the values of an activation come from."""
    keeps = node.layer.keeps  # type: ignore[attr-defined]
    if keeps and not keeps[0] <= 0 <= keeps[1]:
        return view.nodes[node.inputs[0]]  # what moves values may put zeros among them
    origins = view.origins(CARRYING if keeps and keeps[1] == inf else _SCALE_KEEPING)
    return view.nodes[origins[node.inputs[0]]]


def remove(view: View, node: Node) -> tuple[Fix, ...]:
    """To take a layer out, where no name goes with it."""
    statement = view.statement(node)
    return () if statement.alias is not None else removal(view, statement.span)
