"""Graphs of networks, as a reader would make them: flat, and without any block."""

from __future__ import annotations

from cnndsl.importers.graph import Graph, Output, Taken
from cnndsl.layers import Layer
from cnndsl.network import Network


def graph_of(network: Network) -> Graph:
    """The graph of a network; its arrays are called what its weights are."""
    graph = Graph(network.name, network.defaults)
    for node in network.nodes:
        if node.op == "input":
            graph.input(node.output, node.alias or "")
            continue
        holder = node if node.shared_with is None else network.nodes[node.shared_with]
        roles = [weight.role for weight in holder.layer.all_weights]
        weights = {role: Taken(f"{holder.name}.{role}") for role in roles}
        values, name = values_of(node.layer), node.alias or ""
        graph.add(node.op, values, node.inputs, weights, name=name, frozen=node.frozen)
    for name, index in network.outputs.items():
        graph.outputs.append(Output(name, index, name in network.training_outputs))
    graph.outputs.sort(key=lambda output: output.name != "main")
    return graph


def values_of(layer: Layer) -> dict[str, object]:
    """The arguments of a layer, by slot; a graph rounds down anyway."""
    values = {slot.name: getattr(layer, slot.name) for slot in layer.slots if slot.name != "floor"}
    if layer.activation is not None:
        values["activation"] = layer.activation.op
    if layer.context.rounding == "ceil" and "ceil" in values and values.get("to") is None:
        values["ceil"] = not getattr(layer, "floor", False)
    return values
