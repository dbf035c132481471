"""What generated code has to know to draw the initial weights of another framework."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cnndsl.layers.initial import Uniform

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cnndsl.network import Network


def drawn(network: Network) -> bool:
    """Whether a network has weights that are drawn at random."""
    return any(
        isinstance(weight.initial, Uniform)
        for node in network.nodes
        for weight in node.layer.weights
    )


def classes(found: Iterable[str]) -> str:
    """Classes as `isinstance` takes them; empty for none."""
    names = sorted(found)
    return names[0] if len(names) == 1 else f"({', '.join(names)})" if names else ""


def biases(network: Network) -> str:
    """Whether the `all` layers that are drawn have a bias, or `some`; empty for none."""
    kernels = with_bias = 0
    for node in network.nodes:
        roles = [w.role for w in node.layer.weights if isinstance(w.initial, Uniform)]
        kernels += len(roles)
        with_bias += any(weight.role == "bias" for weight in node.layer.weights)
    return "all" if with_bias == kernels else "some" if with_bias else ""
