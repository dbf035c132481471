"""Channels first, and what that means for a flatten."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cnndsl.layers.activation import Activation
from cnndsl.layers.base import product

if TYPE_CHECKING:
    from cnndsl.layers.base import Shape
    from cnndsl.network import Network


def first(shape: Shape) -> Shape:
    """A channels-last shape with the channels first."""
    return (shape[-1], *shape[:-1])


def flatten_orders(network: Network) -> dict[int, str]:
    """For each flatten of a network, `first` or `last`: which dimension leads its vector.

    PyTorch's own flatten puts channels first. A dense layer after it does not mind, since
    its weights come in the same order; whatever else reads the vector must find it as the
    language has it, channels last.
    """
    users = network.users()
    outputs = set(network.outputs.values())

    def forgiving(index: int) -> bool:
        """Whether all that reads a node is blind to the order of its values."""
        stack, seen = [index], set()
        while stack:
            current = stack.pop()
            if current in seen:
                continue
            seen.add(current)
            if current in outputs:
                return False
            for user in users[current]:
                layer = network.nodes[user].layer
                if layer.op == "dense":
                    continue
                if layer.op != "dropout" and not isinstance(layer, Activation):
                    return False
                if layer.weights:
                    return False
                stack.append(user)
        return True

    orders = {}
    for node in network.nodes:
        if node.op == "flatten":
            shape = node.layer.input
            same = product(shape[:-1]) == 1 or shape[-1] == 1
            orders[node.index] = "first" if same or forgiving(node.index) else "last"
    return orders
