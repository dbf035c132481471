"""The network as JSON, for programs: one line a layer, so that a diff shows what changed."""

from __future__ import annotations

import json
from typing import Any

from cnndsl.diagnostics.harmless import json_escaped
from cnndsl.network import Network, Node
from cnndsl.network.network import marks

SUFFIX = ".json"
FORMAT = 2
"""It grows where programs have to read something else than before: 2 has it, 1 had not."""
OPTIONS = ()

_ENCODER = json.JSONEncoder(ensure_ascii=False)


def generate(network: Network) -> str:
    """The network's shapes, counts and names. Inputs are not rows.

    The totals are without heads for training; where there are any, others are with them.
    """
    nodes = network.nodes
    inputs = [nodes[index].output for index in network.inputs]
    outputs = {name: nodes[index].output for name, index in network.outputs.items()}
    rows = [f"    {_dump(_row(network, node))}" for node in network.layers]
    training = ""
    if network.training_totals is not network.totals:
        training = f',\n  "training_totals": {_dump(network.training_totals._asdict())}'
    layers = "[\n" + ",\n".join(rows) + "\n  ]" if rows else "[]"
    return (
        "{\n"
        f'  "format": {FORMAT},\n'
        f'  "net": {_dump(network.name)},\n'
        f'  "inputs": {_dump(inputs)},\n'
        f'  "outputs": {_dump(outputs)},\n'
        f'  "layers": {layers},\n'
        f'  "totals": {_dump(network.totals._asdict())}{training}\n'
        "}\n"
    )


def _dump(value: object) -> str:
    return json_escaped(_ENCODER.encode(value))


def _row(network: Network, node: Node) -> dict[str, Any]:
    layer = node.layer
    params, biases, trainable = node.params, node.biases, node.trainable
    return {
        "name": node.name,
        "op": node.op,
        "line": network.line(node),
        "inputs": [network.nodes[index].output for index in node.inputs],
        "output": node.output,
        "params": params,
        "weights": params - biases,
        "biases": biases,
        "trainable": trainable,
        "non_trainable": params - trainable,
        "macs": layer.macs,
        "field": node.receptive_field,
        "activation": layer.activation.op if layer.activation else None,
        **marks(network, node),
    }
