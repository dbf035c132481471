"""The graph of a network: nodes, values, initializers, and their names."""

from __future__ import annotations

from typing import Any

import numpy
from onnx import TensorProto, helper, numpy_helper

from cnndsl.codegen.names import distinct
from cnndsl.codegen.weights import Array, Weights, holder
from cnndsl.layers.base import Shape
from cnndsl.network import Network, Node

OPSET = 21
IR_VERSION = 10
"""The first version of the format that has this opset."""


class Graph:
    """Collects the nodes of a network.

    The node that does what a layer is has the layer's name in the network, and so has the
    value that it gives; what comes before and behind is called `conv1/Pad`. The values of
    inputs and outputs have their names in the net. Initializers are called as canonical
    weights are: `conv1.kernel`.
    """

    def __init__(self, network: Network, weights: Weights, text: str) -> None:
        self.network = network
        self.weights = weights
        self.text = text
        self.nodes: list[Any] = []
        self.initializers: dict[str, Any] = {}
        self.shared: dict[str, str] = {}  # the initializers of weights, by their keys
        self.taken = {*network.outputs, *(node.name for node in network.nodes)}
        self.values: list[str] = []  # what comes out of each node of the network
        self.shapes: dict[str, Shape] = {}

    def give(self, node: Node, value: str) -> None:
        """Say which value comes out of the next node of the network."""
        self.values.append(value)
        self.shapes[value] = node.output

    def name(self, wanted: str) -> str:
        """A name that nothing has."""
        free = distinct(wanted, self.taken)
        self.taken.add(free)
        return free

    def outputs(self) -> dict[str, str]:
        """Give the values of the net's outputs their names; gives each name's value as it was."""
        renamed: dict[str, str] = {}
        inputs = {self.network.nodes[index].name for index in self.network.inputs}
        values = {
            distinct(name, inputs): self.values[index]
            for name, index in self.network.outputs.items()
            if name not in self.network.training_outputs
        }
        made = {value for node in self.nodes for value in node.output}
        for name, value in values.items():
            if value in made and value not in renamed:
                renamed[value] = name
            else:
                read = [renamed.get(value, value)]
                self.nodes.append(helper.make_node("Identity", read, [name], f"{name}/Identity"))
        for node in self.nodes:
            for ends in (node.input, node.output):
                ends[:] = [renamed.get(value, value) for value in ends]
        return values

    def write(self) -> bytes:
        """The bytes of the model."""
        outputs = self.outputs()
        network = self.network
        inner = self.shapes.keys() - set(outputs.values())
        inner -= {network.nodes[index].name for index in network.inputs}
        graph = helper.make_graph(
            self.nodes,
            network.name,
            [self.info(n.name, n.output) for n in map(network.nodes.__getitem__, network.inputs)],
            [self.info(name, self.shapes[value]) for name, value in outputs.items()],
            list(self.initializers.values()),
            value_info=[self.info(v, self.shapes[v]) for v in self.shapes if v in inner],
        )
        model = helper.make_model(
            graph,
            opset_imports=[helper.make_opsetid("", OPSET)],
            ir_version=IR_VERSION,
            producer_name="cnndsl",
            doc_string=self.text,
        )
        return bytes(model.SerializeToString(deterministic=True))

    @staticmethod
    def info(name: str, shape: Shape) -> Any:
        """What is known of a value; the batch is of any size."""
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, ["N", *first(shape)])


def first(shape: Shape) -> Shape:
    """A channels-last shape with the channels first."""
    return (shape[-1], *shape[:-1])


class Emitter:
    """Adds the nodes of one layer: knows its name, and its weights.

    `part` is what of the layer is added, as `relu` for the activation written after it.
    """

    def __init__(self, graph: Graph, node: Node, part: str = "") -> None:
        self.graph = graph
        self.node = node
        self.part = part
        self.holder = holder(graph.network, node)

    def main(self, op: str, *inputs: str, **attributes: Any) -> str:
        """Add the node that does what the layer is; gives the value that comes out."""
        name = self.node.name
        if self.part:
            name = self.graph.name(f"{name}/{self.part}")
        return self.add(name, op, inputs, attributes)

    def op(self, op: str, *inputs: str, **attributes: Any) -> str:
        """Add a node that helps."""
        return self.add(self.graph.name(f"{self.node.name}/{op}"), op, inputs, attributes)

    def add(self, name: str, op: str, inputs: tuple[str, ...], attributes: dict[str, Any]) -> str:
        # The name of an output of the net is not for other values.
        value = self.graph.name(f"{name}/{op}") if name in self.graph.network.outputs else name
        self.graph.nodes.append(helper.make_node(op, inputs, [value], name, **attributes))
        return value

    def weight(self, role: str) -> Array:
        """A weight of the layer, in its canonical shape."""
        return self.graph.weights[f"{self.holder.name}.{role}"]

    def keep(self, role: str, array: Array) -> str:
        """Add an initializer for a weight, one for all layers that share it; gives its name."""
        key = f"{self.holder.name}.{role}"
        if key not in self.graph.shared:
            self.graph.shared[key] = self.constant(key, array)
        return self.graph.shared[key]

    def constant(self, wanted: str, array: Array) -> str:
        """Add an initializer; gives its name."""
        name = self.graph.name(wanted)
        array = numpy.ascontiguousarray(array)
        self.graph.initializers[name] = numpy_helper.from_array(array, name)
        return name

    def whole(self, role: str, *numbers: int) -> str:
        """Whole numbers, as an input; gives their name."""
        return self.constant(f"{self.node.name}.{role}", numpy.array(numbers, dtype=numpy.int64))

    def numbers(self, role: str, *values: float, shape: Shape = (-1,)) -> str:
        """Numbers, as an input of a shape; gives their name."""
        array = numpy.array(values, dtype=numpy.float32).reshape(shape)
        return self.constant(f"{self.node.name}.{role}", array)

    def number(self, role: str, value: float) -> str:
        """A number, as an input; gives its name."""
        return self.numbers(role, value, shape=())
