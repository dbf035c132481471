"""A Keras model built from generated code, with the network's nodes found again in it.

What makes Keras differ from the language is said here: nothing about the order of axes, and
where a layer's numbers are kept.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from functools import wraps
from typing import Any, NamedTuple

import keras
import numpy

from cnndsl.codegen.align import align, by_name
from cnndsl.codegen.code import Call
from cnndsl.codegen.weights import Array
from cnndsl.layers.base import product
from cnndsl.network import Network, Node
from cnndsl.targets import keras as target

NAME = "Keras"


class Step(NamedTuple):
    """An operation of the model: `args` and `kwargs` hold symbolic tensors of earlier ones."""

    name: str
    call: Callable[..., Any]
    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]
    output: Any


class Live:
    """The model of a generated module.

    `scope` holds the names that the module defines, `model` is what its `build_model` makes,
    and `layers` are the nodes that it has: with `training`, heads for training among them.
    With `precise` it computes in double precision. Raises Parted where it is not the model
    of the network.
    """

    name = NAME

    def __init__(
        self,
        network: Network,
        scope: dict[str, Any],
        *,
        precise: bool = False,
        training: bool = True,
    ) -> None:
        self.network, self.training = network, training
        self.layers = [node for node in network.layers if training or not node.training_only]
        options = {"training": True} if training and network.training_outputs else {}
        self.precise = precise = precise and doubles()
        self.type = "float64" if precise else "float32"
        with floats(self.type), recording(scope) as steps:
            self.model: Any = scope["build_model"](**options)
        self.learned = {id(each) for each in self.model.trainable_weights}
        self.steps = self.once(steps)
        self.calls = target.lowered(network)
        self.places = align(self.layers, NAME, [step.name for step in self.steps], self.wanted)
        self.symbols: dict[int, Any] = {}
        for index, symbol in zip(network.inputs, self.model.inputs):
            self.symbols[index] = symbol
        for node in self.layers:
            places = self.places[node.index]
            last = self.steps[places[-1]].output if places else self.symbols[node.inputs[0]]
            self.symbols[node.index] = last
        self.nodes = {id(symbol): index for index, symbol in self.symbols.items()}

    def once(self, steps: list[Step]) -> list[Step]:
        """The steps of the model. A Sequential may apply its layers again while it is built, and
        elsewhere a layer that is applied twice has been called twice.
        """
        if not isinstance(self.model, keras.Sequential):
            return steps
        latest = {id(step.call): number for number, step in enumerate(steps)}
        return [steps[number] for number in sorted(latest.values())]

    def wanted(self, node: Node) -> list[str]:
        """The names of the operations that a node becomes."""
        if node.index not in self.calls:
            return merge(node.layer)
        return [operation(call) for call in self.calls[node.index]]

    def parts(self, node: Node) -> list[Any]:
        """The Keras layers that a node became, in the order in which they run."""
        calls = [self.steps[place].call for place in self.places.get(node.index, ())]
        return [call for call in calls if isinstance(call, keras.layers.Layer)]

    def settings(self, node: Node) -> dict[str, float]:
        """The numbers of a node that act while training, by their slots in the language."""
        found: dict[str, float] = {}
        for part in self.parts(node):
            if isinstance(part, keras.layers.BatchNormalization):
                found |= {"momentum": part.momentum}
            elif isinstance(part, keras.layers.Dropout):
                found |= {"rate": part.rate}
        return found

    def trains(self, variable: Any) -> bool:
        """Whether the model trains a variable; a layer that does not learn may not tell its own."""
        return id(variable) in self.learned

    @property
    def trainable(self) -> int:
        """How many parameters the model trains."""
        return sum(product(tuple(each.shape)) for each in self.model.trainable_weights)

    def outputs(self) -> dict[str, int | None]:
        """The node that each output of the model is; None where it is that of none."""
        one = isinstance(self.model, keras.Sequential)
        named = by_name(self.network, self.model.outputs[0] if one else self.model.output)
        return {name: self.nodes.get(id(symbol)) for name, symbol in named.items()}

    def reads(self, node: Node) -> set[int]:
        """The nodes whose outputs a node's operations read; -1 for what is no node's."""
        inner = {id(self.steps[place].output) for place in self.places[node.index]}
        symbols = [
            symbol
            for place in self.places[node.index]
            for symbol in keras.tree.flatten((self.steps[place].args, self.steps[place].kwargs))
            if isinstance(symbol, keras.KerasTensor) and id(symbol) not in inner
        ]
        return {self.nodes.get(id(symbol), -1) for symbol in symbols}

    def apply(self, node: Node, values: Mapping[int, Array]) -> Array:
        """What a node's operations make of the outputs of other nodes, channels last."""
        known: dict[int, Any] = {
            id(self.symbols[index]): keras.ops.convert_to_tensor(value, self.type)
            for index, value in values.items()
        }

        def fill(symbol: Any) -> Any:
            return known[id(symbol)] if isinstance(symbol, keras.KerasTensor) else symbol

        result = known[id(self.symbols[node.inputs[0]])]
        with floats(self.type), no_gradients():
            for place in self.places[node.index]:
                step = self.steps[place]
                args, kwargs = keras.tree.map_structure(fill, (step.args, dict(step.kwargs)))
                result = known[id(step.output)] = step.call(*args, **kwargs)
        return array(result)

    def run(self, inputs: Sequence[Array]) -> dict[str, Array]:
        """What the whole model gives, by the names of the outputs."""
        tensors = [keras.ops.convert_to_tensor(each, self.type) for each in inputs]
        with floats(self.type), no_gradients():
            result = self.model(tensors[0] if len(tensors) == 1 else tensors, training=False)
        named = by_name(self.network, result)
        return {name: array(value) for name, value in named.items()}


def operation(call: Call) -> str:
    """The name of the operation that a call makes."""
    if call.style in ("negative", "index"):
        return "Negative" if call.style == "negative" else "GetItem"
    module, _, name = call.function.rpartition(".")
    return name.capitalize() if module == "ops" else name


def merge(layer: Any) -> list[str]:
    """The names of the operations of a merge; a vector beside images is reshaped first."""
    if len(layer.inputs) == 1:
        return []
    shorter = [shape for shape in layer.inputs if len(shape) < len(layer.output)]
    return [*("GetItem" for _ in shorter), target.class_name(layer)]


@contextmanager
def recording(scope: dict[str, Any]) -> Iterator[list[Step]]:
    """Record the operations that a module's functions apply to symbolic tensors, in order.

    A helper of the target counts as one operation. Keras itself is watched meanwhile: nothing
    else may build layers, as another thread might.
    """
    steps: list[Step] = []
    depth = 0

    def watched(name: str, of: Callable[..., Any], call: Any, args: Any, kwargs: Any) -> Any:
        nonlocal depth
        depth += 1
        try:
            result = of()
        finally:
            depth -= 1
        if depth == 0 and isinstance(result, keras.KerasTensor):
            steps.append(Step(name, call, args, kwargs, result))
        return result

    helpers = {name: scope[name] for name in target.helpers() if name in scope}
    layer_call = keras.layers.Layer.__call__
    symbolic_call = keras.Operation.symbolic_call

    def method(original: Callable[..., Any]) -> Callable[..., Any]:
        def call(self: Any, *args: Any, **kwargs: Any) -> Any:
            name = type(self).__name__
            return watched(name, lambda: original(self, *args, **kwargs), self, args, kwargs)

        return call

    def wrapped(name: str, helper: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(helper)
        def function(*args: Any, **kwargs: Any) -> Any:
            return watched(name, lambda: helper(*args, **kwargs), helper, args, kwargs)

        return function

    keras.layers.Layer.__call__ = method(layer_call)
    keras.Operation.symbolic_call = method(symbolic_call)
    scope.update({name: wrapped(name, helper) for name, helper in helpers.items()})
    try:
        yield steps
    finally:
        keras.layers.Layer.__call__ = layer_call
        keras.Operation.symbolic_call = symbolic_call
        scope.update(helpers)


@contextmanager
def floats(kind: str) -> Iterator[None]:
    """Let Keras make layers and tensors of a type of numbers, and compute in it.

    All backends but TensorFlow's take what two doubles give for single precision, by a table
    that Keras keeps to itself; `doubles` tells whether this still helps.
    """
    before, policy = keras.config.floatx(), keras.config.dtype_policy()
    results = _results()
    kept = results.get("float64")
    keras.config.set_floatx(kind)
    keras.config.set_dtype_policy(kind)
    if kept is not None and kind == "float64":
        results["float64"] = "float64"
    try:
        yield
    finally:
        keras.config.set_floatx(before)
        keras.config.set_dtype_policy(policy)
        if kept is not None:
            results["float64"] = kept


def _results() -> dict[str, str]:
    try:
        from keras.src.backend.common import dtypes

        found: dict[str, str] = dtypes.BIT64_TO_BIT32_DTYPE
        return found
    except (ImportError, AttributeError):
        return {}


def doubles() -> bool:
    """Whether this Keras can compute in double precision."""
    with floats("float64"):
        one = keras.ops.ones((1, 1), "float64")
        kind = keras.backend.standardize_dtype(keras.ops.matmul(one, one).dtype)
        return bool(kind == "float64")


def no_gradients() -> Any:
    """What keeps a backend from remembering what gradients would need."""
    if keras.backend.backend() != "torch":
        return nullcontext()
    import torch

    return torch.no_grad()


def array(tensor: Any) -> Array:
    """A tensor of any backend."""
    return numpy.asarray(keras.ops.convert_to_numpy(tensor))
