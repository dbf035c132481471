"""Which operations of a built model each node of its network became.

Generated code runs its operations in the order of the network's nodes: those of one node
follow one another, and the calls that a node lowers to say how many they are. So the
operations of a model, in the order in which it runs them, fall into one run for each node.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from cnndsl.network import Network, Node


class Parted(Exception):
    """A model that has other operations than the code generated for its network.

    `node` is the first that the model runs otherwise; the text says how.
    """

    def __init__(self, node: Node, message: str) -> None:
        super().__init__(message)
        self.node, self.message = node, message


def align(
    layers: Sequence[Node],
    framework: str,
    found: Sequence[str],
    wanted: Callable[[Node], Sequence[str]],
) -> Mapping[int, range]:
    """For each node of a model but the inputs, the places of its operations among those `found`.

    `wanted` gives the names of the operations that generated code has for a node. Names that
    differ one by one are let pass, since values will tell; raises Parted where there are more
    or fewer.
    """
    names = {node.index: list(wanted(node)) for node in layers}
    total = sum(map(len, names.values()))
    places: dict[int, range] = {}
    start = 0
    for node in layers:
        own = names[node.index]
        here = list(found[start : start + len(own)])
        if total != len(found) and here != own:
            at = next(i for i, name in enumerate(own) if here[i : i + 1] != [name])
            instead = here[at] if at < len(here) else "nothing more"
            raise Parted(node, f"{framework} runs {instead}, where {own[at]} is to come")
        places[node.index] = range(start, start + len(own))
        start += len(own)
    if start < len(found):
        raise Parted(layers[-1], f"{framework} runs {found[start]} after all layers")
    return places


def by_name(network: Network, result: Any) -> dict[str, Any]:
    """What a model gives, by the names of the outputs: one value, several in order, or a dict."""
    if isinstance(result, dict):
        return result
    return dict(zip(network.outputs, result if isinstance(result, (list, tuple)) else [result]))
