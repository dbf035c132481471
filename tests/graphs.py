"""Graphs of networks, as a reader would make them: flat, and without any block."""

from __future__ import annotations

from cnndsl.importers.graph import Graph, Op, Scope, Taken
from cnndsl.layers.base import Context
from cnndsl.importers.statements import slots_of
from cnndsl.network import Network


def graph_of(network: Network, scoped: bool = False) -> Graph:
    """The graph of a network; its blocks' calls are parts of the source if `scoped`."""
    graph = Graph(network.name, network.defaults)
    for node in network.nodes:
        holder = node if node.shared_with is None else network.nodes[node.shared_with]
        weights = {
            each.role: Taken(f"{holder.name}.{each.role}") for each in holder.layer.all_weights
        }
        layer = node.layer
        values = {
            slot.name: getattr(layer, slot.name) for slot in layer.slots if slot.form != "act"
        }
        values = {k: v for k, v in values.items() if v is not None and v is not False}
        if layer.activation is not None:
            values["activation"] = layer.activation.op
        scope = (
            tuple(Scope(name.rstrip("0123456789"), name) for name in node.instance)
            if scoped
            else ()
        )
        if layer.op == "input":
            graph.input(layer.output, node.alias or "")
        else:
            graph.add(
                layer.op,
                {k: v for k, v in values.items() if k != "floor"},
                node.inputs,
                weights,
                scope,
                node.alias or "",
                frozen=node.frozen,
            )
    for name, index in network.outputs.items():
        from cnndsl.importers.graph import Output

        graph.outputs.append(Output(name, index, name in network.training_outputs))
    graph.outputs.sort(key=lambda o: o.name != "main")
    return graph
