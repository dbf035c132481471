"""Channels first, what that means for a flatten, and where channels had better be last."""

from __future__ import annotations

from collections import Counter

from cnndsl.layers import Layer
from cnndsl.layers.activation import Activation, Softmax
from cnndsl.layers.base import Shape, product
from cnndsl.layers.conv import Conv
from cnndsl.layers.norm import LayerNorm
from cnndsl.layers.regular import Dropout
from cnndsl.network import Network
from cnndsl.network import network as tree
from cnndsl.network.walk import children


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
    if any(node.shared_with is not None for node in network.nodes):
        # A module that several calls have in common has one order.
        last = {network.nodes[index].span for index in orders if orders[index] == "last"}
        orders |= {index: "last" for index in orders if network.nodes[index].span in last}
    return orders


Run = tuple[int, ...]
"""Nodes that follow one another and run with their channels last."""


def last_runs(network: Network) -> dict[int, Run]:
    """The runs of layers that are computed with the channels last, by each of their nodes.

    A layer norm of the channels, and convolutions of one pixel behind it, look at one position
    alone: they are a LayerNorm and Linears where the channels are last, and need one change of
    order before them and one behind, as ConvNeXt has it (Liu et al., 2022). What one call of a
    block has in such a run, all its calls must have.
    """
    found: list[tuple[tuple[int, ...], Run]] = []
    seen: Counter[int] = Counter()
    bodies = [network.body]
    while bodies:
        steps: list[tree.Step] = []
        for item, inner in children(bodies.pop()):
            bodies.extend(inner)
            if isinstance(item, tree.Step):
                seen[id(item.statement)] += 1
                layer = network.nodes[item.node].layer
                if item.statement.alias is None and looks_at_channels(layer):
                    steps.append(item)
                    continue
            found += _runs(network, steps)
            steps = []
        found += _runs(network, steps)
    times = Counter(statements for statements, _ in found)
    return {
        index: run
        for statements, run in found
        if all(seen[statement] == times[statements] for statement in statements)
        for index in run
    }


def _runs(network: Network, steps: list[tree.Step]) -> list[tuple[tuple[int, ...], Run]]:
    """The run in neighbouring steps, from a layer norm to the last convolution behind it."""
    layers = [network.nodes[step.node].layer for step in steps]
    starts = [place for place, layer in enumerate(layers) if isinstance(layer, LayerNorm)]
    ends = [place for place, layer in enumerate(layers) if isinstance(layer, Conv)]
    if not starts or not ends or starts[0] > ends[-1]:
        return []
    run = steps[starts[0] : ends[-1] + 1]
    return [(tuple(id(step.statement) for step in run), tuple(step.node for step in run))]


def looks_at_channels(layer: Layer) -> bool:
    """Whether a layer of an image computes each position by itself, in a form of its own."""
    if not layer.spatial or layer.output[:-1] != layer.spatial:
        return False
    for part in filter(None, (layer, layer.activation)):
        if isinstance(part, Conv):
            windows = part.windows
            if part.groups != 1 or any(w.extent != 1 or w.begin or w.end for w in windows):
                return False
        elif isinstance(part, Activation):
            if part.weights or isinstance(part, Softmax):
                return False
        elif not isinstance(part, (LayerNorm, Dropout)):
            return False
    return True
