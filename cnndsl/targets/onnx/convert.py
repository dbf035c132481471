"""A network as a graph of ONNX, layer by layer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cnndsl.codegen.code import NotExpressible
from cnndsl.codegen.write_module import before_softmax, docstring, logits_note, refusal
from cnndsl.contract import TargetError
from cnndsl.layers.merge import Merge
from cnndsl.targets.onnx.forms import lower, merge
from cnndsl.targets.onnx.graph import Emitter, Graph, first

if TYPE_CHECKING:
    from cnndsl.codegen.weights import Weights
    from cnndsl.diagnostics import Diagnostic, Span
    from cnndsl.layers.base import Layer
    from cnndsl.network import Network, Node


def convert(network: Network, weights: Weights, *, logits: bool) -> bytes:
    """The bytes of a model; raises TargetError for what ONNX cannot express."""
    note = logits_note(network, "they have gone through no softmax") if logits else ""
    graph = Graph(network, weights, " ".join(filter(None, [docstring(network, first), note])))
    ends = before_softmax(network) if logits else {}
    problems: dict[Span, Diagnostic] = {}
    for node in network.nodes:
        if node.training_only:
            graph.values.append("")  # which nothing reads
            continue
        try:
            value = _layer(graph, node, ends.get(node.index, node.layer))
        except NotExpressible as error:
            problems.setdefault(node.span, refusal(network, node, error))
            value = node.name
        graph.give(node, value)
    if problems:
        raise TargetError([problems[span] for span in sorted(problems)])
    return graph.write()


def _layer(graph: Graph, node: Node, layer: Layer | None) -> str:
    """Add a layer, or nothing for None; gives the value that comes out."""
    if node.op == "input":
        return node.name
    inputs = [graph.values[index] for index in node.inputs]
    if layer is None:
        return inputs[0]
    if isinstance(layer, Merge):
        return merge(Emitter(graph, node), layer, inputs)
    value = lower(Emitter(graph, node), layer, inputs[0])
    if layer.activation is None:
        return value
    return lower(Emitter(graph, node, layer.activation.op), layer.activation, value)
