"""What rules ask about activations: where a tensor has its values from, and their range."""

from __future__ import annotations

from math import inf

from cnndsl.diagnostics import Fix
from cnndsl.layers import ACTIVATIONS, family
from cnndsl.network.network import Node
from cnndsl.rules.helpers.edits import removal
from cnndsl.rules.helpers.view import View

CARRYING = frozenset(family("pool", "dropout", "move"))
"""Layers that keep what is not negative so: they move values, or take one or a mean of them."""

_SCALE_KEEPING = CARRYING - {*family("dropout")}  # which scales up what it keeps


def activation(node: Node) -> str:
    """The activation that a node ends in: its own word, or the one written after it."""
    if node.layer.activation is not None:
        return node.layer.activation.op
    return node.op if node.op in ACTIVATIONS else ""


def unchanged(before: str, after: str) -> bool:
    """Whether an activation leaves all that another gives as it is; a name may be empty."""
    return bool(before) and ACTIVATIONS[after].keeps_all_of(ACTIVATIONS[before])


def origin(view: View, node: Node) -> Node:
    """The layer that the values of an activation come from."""
    keeps = ACTIVATIONS[node.op].keeps
    origins = view.origins(CARRYING if keeps and keeps[1] == inf else _SCALE_KEEPING)
    return view.nodes[origins[node.inputs[0]]]


def remove(view: View, node: Node) -> tuple[Fix, ...]:
    """To take a layer out, where no name goes with it."""
    statement = view.statement(node)
    return () if statement.alias is not None else removal(view, statement.span)
