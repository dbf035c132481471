"""What generated code has to know to draw the initial weights of another framework."""

from __future__ import annotations

from cnndsl.codegen.program import Program, symbols
from cnndsl.layers.initial import Uniform
from cnndsl.network import Network


def drawn(network: Network) -> bool:
    """Whether a network has weights that are drawn at random."""
    return any(
        isinstance(weight.initial, Uniform)
        for node in network.nodes
        for weight in node.layer.weights
    )


def drawn_classes(program: Program, **kinds: str) -> dict[str, str]:
    """The classes that a program makes, as `isinstance` takes them, by the kind of their kernels.

    Of each kind are those whose names begin with one of its words; empty for none.
    """
    made = set(symbols(program.body)).union(*(symbols(each.body) for each in program.functions))
    found = {}
    for kind, words in kinds.items():
        names = sorted(name for name in made if name.startswith(tuple(words.split())))
        found[kind] = names[0] if len(names) == 1 else f"({', '.join(names)})" if names else ""
    return found


def biases(network: Network) -> str:
    """Whether the `all` layers that are drawn have a bias, or `some`; empty for none."""
    kernels = with_bias = 0
    for node in network.nodes:
        roles = [w.role for w in node.layer.weights if isinstance(w.initial, Uniform)]
        kernels += len(roles)
        with_bias += any(weight.role == "bias" for weight in node.layer.weights)
    return "all" if with_bias == kernels else "some" if with_bias else ""
