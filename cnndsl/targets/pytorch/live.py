"""A PyTorch model built from generated code, with the network's nodes found again in it.

What makes PyTorch differ from the language is said here and in `weights`: channels come
first, and so they do in the vector of a plain flatten.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy
import torch
from torch import fx, nn

from cnndsl.codegen.align import Parted, align, by_name
from cnndsl.codegen.code import Call
from cnndsl.codegen.weights import Array
from cnndsl.layers.activation import Activation
from cnndsl.layers.base import product
from cnndsl.network import Network, Node
from cnndsl.targets import pytorch as target
from cnndsl.targets.pytorch.layout import flatten_orders, last_runs

NAME = "PyTorch"


class Live:
    """The model of a generated module, ready to infer.

    `scope` holds the names that the module defines, `model` is what its `build_model` makes,
    and `layers` are the nodes that it has: heads for training, too, which it runs in training.
    With `precise` it computes in double precision; on the device `meta` it has shapes and
    no values. Raises Parted where it is not the model of the network.
    """

    name = NAME

    def __init__(
        self, network: Network, scope: dict[str, Any], *, precise: bool = False, device: str = "cpu"
    ) -> None:
        self.network, self.precise, self.training = network, precise, True
        self.layers = network.layers
        self.type = torch.float64 if precise else torch.float32
        with torch.device(device):
            self.model: nn.Module = scope["build_model"]()
        self.model.to(self.type)
        self.calls = target.lowered(network)
        self.orders = vector_orders(network)
        self.runs_last = last_runs(network)
        # The nodes whose output has its channels last, as that of all but the last of a run.
        self.last = {index for run in self.runs_last.values() for index in run[:-1]}

        graph = Tracer().trace(self.model.train(bool(network.training_outputs)))
        self.model.eval()
        self.steps: list[fx.Node] = []
        same: dict[fx.Node, fx.Node] = {}  # what an nn.Identity gives is what it gets
        given: list[fx.Node] = []
        self.result: Any = None
        for step in graph.nodes:
            step.args = fx.map_arg(step.args, lambda each: same.get(each, each))
            step.kwargs = fx.map_arg(step.kwargs, lambda each: same.get(each, each))
            if step.op == "placeholder":
                given.append(step)
            elif step.op == "output":
                self.result = step.args[0]
            elif step.op == "call_module" and type(self.module(step)) is nn.Identity:
                same[step] = step.args[0]
            else:
                self.steps.append(step)
        self.symbols: dict[int, fx.Node] = dict(zip(network.inputs, given))
        self.runs = self.align()
        self.nodes = {symbol: index for index, symbol in self.symbols.items()}

    def align(self) -> dict[int, list[fx.Node]]:
        """The steps of each node. Modules run in the order of the nodes; the operators of a
        merge may run between the modules of its paths, and are found by what they read.
        """
        plain = [step for step in self.steps if self.operation(step) not in _OPERATORS]
        found = [self.operation(step) for step in plain]
        places = align(self.layers, NAME, found, self.wanted)
        free = [step for step in self.steps if self.operation(step) in _OPERATORS]
        runs: dict[int, list[fx.Node]] = {}
        for node in self.network.layers:
            if node.index in self.calls:
                run = [plain[place] for place in places[node.index]]
            else:
                run = self.merge(node, free)
            runs[node.index] = run
            self.symbols[node.index] = run[-1] if run else self.symbols[node.inputs[0]]
        if free:
            raise Parted(self.network.layers[-1], f"{NAME} runs `{free[0].name}` besides")
        return runs

    def merge(self, node: Node, free: list[fx.Node]) -> list[fx.Node]:
        """Take the operators of a merge from those that no other has taken."""
        layer: Any = node.layer
        run: list[fx.Node] = []

        def take(*wanted: fx.Node) -> fx.Node:
            for step in free:
                if tensors(step) == list(wanted):
                    free.remove(step)
                    run.append(step)
                    return step
            read = " and ".join(f"`{each.name}`" for each in wanted)
            raise Parted(node, f"{NAME} does not merge {read}, as is to come")

        values = [self.symbols[index] for index in node.inputs]
        if len(values) > 1 and layer.op == "concat":
            take(*values)
        elif len(values) > 1:
            for place, shape in enumerate(layer.inputs):
                if len(shape) < len(layer.output):
                    values[place] = take(values[place])
            result = values[0]
            for value in values[1:]:
                result = take(result, value)
            if layer.op == "average":
                take(result)
        return run

    def module(self, step: fx.Node) -> nn.Module:
        """The module that a step calls."""
        return self.model.get_submodule(str(step.target))

    def operation(self, step: fx.Node) -> str:
        """The name of what a step does."""
        if step.op == "call_module":
            return type(self.module(step)).__name__
        name = getattr(step.target, "__name__", str(step.target))
        return _MODULES.get(name, name)

    def wanted(self, node: Node) -> list[str]:
        """The names of the modules that a node becomes, and of what changes the order."""
        names = [operation(call) for call in self.calls.get(node.index, ())]
        run = self.runs_last.get(node.index, ())
        before, after = run[:1] == (node.index,), run[-1:] == (node.index,)
        return ["movedim"] * before + names + ["movedim"] * after

    def parts(self, node: Node) -> list[tuple[str, nn.Module]]:
        """The modules that a node became, in the order in which they run, with their paths."""
        steps = self.runs.get(node.index, ())
        return [(str(s.target), self.module(s)) for s in steps if s.op == "call_module"]

    def settings(self, node: Node) -> dict[str, float]:
        """The numbers of a node that act while training, by their slots in the language."""
        found: dict[str, float] = {}
        for _, part in self.parts(node):
            if isinstance(part, nn.modules.batchnorm._BatchNorm):
                found |= {"momentum": 1 - (part.momentum or 0)}
            elif type(part).__name__ in ("Dropout", "DropPath"):
                found |= {"rate": part.p}  # type: ignore[dict-item]
        return found

    def trains(self, tensor: Any) -> bool:
        """Whether the model trains a parameter."""
        return bool(tensor.requires_grad)

    @property
    def trainable(self) -> int:
        """How many parameters the model trains."""
        return sum(each.numel() for each in self.model.parameters() if each.requires_grad)

    def outputs(self) -> dict[str, int | None]:
        """The node that each output of the model is; None where it is that of none."""
        named = by_name(self.network, self.result)
        return {name: self.nodes.get(symbol) for name, symbol in named.items()}

    def reads(self, node: Node) -> set[int]:
        """The nodes whose outputs a node's operations read; -1 for what is no node's."""
        steps = self.runs[node.index]
        symbols = [each for step in steps for each in step.all_input_nodes if each not in steps]
        return {self.nodes.get(symbol, -1) for symbol in symbols}

    def apply(self, node: Node, values: Mapping[int, Array]) -> Array:
        """What a node's operations make of the outputs of other nodes, channels last."""
        known: dict[fx.Node, Any] = {
            self.symbols[index]: self.tensor(index, value) for index, value in values.items()
        }
        result: Any = known[self.symbols[node.inputs[0]]]
        with torch.no_grad():
            for step in self.runs[node.index]:
                args, kwargs = fx.map_arg((step.args, step.kwargs), known.__getitem__)
                if step.op == "call_module":
                    result = self.module(step)(*args, **kwargs)
                elif step.op == "call_method":
                    result = getattr(args[0], str(step.target))(*args[1:], **kwargs)
                else:
                    result = step.target(*args, **kwargs)  # type: ignore[operator]
                known[step] = result
        return self.array(node.index, result)

    def run(self, inputs: Sequence[Array]) -> dict[str, Array]:
        """What the whole model gives, by the names of the outputs, channels last."""
        tensors = [self.tensor(i, value) for i, value in zip(self.network.inputs, inputs)]
        with torch.no_grad():
            result = self.model(*tensors)
        named = by_name(self.network, result)
        ends = self.network.outputs
        return {name: self.array(ends.get(name, -1), value) for name, value in named.items()}

    def tensor(self, index: int, value: Array) -> torch.Tensor:
        """The output of a node as PyTorch has it."""
        order = self.orders.get(index)
        if index not in self.last:
            value = numpy.moveaxis(value, -1, 1) if order is None else value[:, order]
        return torch.from_numpy(numpy.ascontiguousarray(value)).to(self.type)

    def array(self, index: int, tensor: torch.Tensor) -> Array:
        """The output of a node as the language has it."""
        value, order = tensor.detach().numpy(), self.orders.get(index)
        if index in self.last:
            return value
        if order is None or value.shape[1:] != order.shape:
            return numpy.moveaxis(value, 1, -1)
        return value[:, numpy.argsort(order)]


def vector_orders(network: Network) -> dict[int, Array]:
    """For the nodes whose vector PyTorch has in another order, where its values come from.

    PyTorch's vector is the language's, indexed with the array given here: what a flatten
    with the channels first makes, up to the next dense layer.
    """
    flattens = flatten_orders(network)
    orders: dict[int, Array] = {}
    for node in network.nodes:
        shape = node.layer.input
        if node.op == "flatten":
            places = numpy.arange(product(shape)).reshape(shape)
            order = numpy.moveaxis(places, -1, 0).reshape(-1)
            if flattens[node.index] == "first" and (order[1:] != order[:-1] + 1).any():
                orders[node.index] = order
        elif node.inputs and node.inputs[0] in orders and passes(node):
            orders[node.index] = orders[node.inputs[0]]
    return orders


def passes(node: Node) -> bool:
    """Whether a node leaves the order of a vector as it is; others never read such a one."""
    return node.op == "dropout" or isinstance(node.layer, Activation)


class Tracer(fx.Tracer):
    """Takes the helpers of generated code for single operations, as PyTorch's own modules."""

    def __init__(self) -> None:
        super().__init__()
        self.helpers = target.helpers()

    def is_leaf_module(self, module: nn.Module, path: str) -> bool:
        own = type(module).__name__ in self.helpers - {"ChannelsLast", "Frozen"}
        return own or super().is_leaf_module(module, path)


_OPERATORS = {"add", "sub", "mul", "truediv", "maximum", "cat", "getitem"}
"""What merges are made of, by their names in a graph."""

# Functions that stand for modules in a `forward`.
_MODULES = {"relu": "ReLU", "sigmoid": "Sigmoid", "tanh": "Tanh"}


def operation(call: Call) -> str:
    """The name of the operation that a call makes."""
    return call.function.rpartition(".")[2]


def tensors(step: fx.Node) -> list[fx.Node]:
    """The tensors that a step reads, in order and as often as it does."""
    found: list[fx.Node] = []
    fx.map_arg((step.args, step.kwargs), found.append)
    return found
