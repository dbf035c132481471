"""What generated code is held against: both frameworks with the same weights, and numpy.

* `keras_model`, `torch_model`: the models of generated modules
* `keras_layer`, `torch_layer`: live models of the calls of one layer
* `compare`: everything in which two models of one network differ
* `reference`: what a layer computes, in plain numpy
"""

from __future__ import annotations

import copy
import itertools
import math
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

os.environ.setdefault("KERAS_BACKEND", "torch")

import keras
import numpy as np
import torch
from jinja2 import Environment, FileSystemLoader
from keras import layers, ops
from torch import nn

from cnndsl import targets
from cnndsl.layers.base import Layer, Weight, product
from cnndsl.network import Network, Node
from cnndsl.targets.code import Arg, Call
from cnndsl.targets.python import literal

Array = Any
"""A numpy array: its type says nothing of its shape."""

TOLERANCE = 1e-4
"""How far values may be apart, as a share of the largest: sums come in other orders."""
ROUNDING = 1e-5
"""The same behind a single layer."""
SLACK = 30
"""How many times as far, where rounding alone puts values apart."""


# Models of generated modules


def run_module(code: str) -> dict[str, Any]:
    """The names that a generated module defines."""
    scope: dict[str, Any] = {"__name__": "generated"}
    exec(compile(code, "<generated>", "exec", dont_inherit=True), scope)
    return scope


def keras_model(code: str) -> Any:
    """The model of a generated Keras module."""
    return run_module(code)["build_model"]()


def torch_model(code: str) -> nn.Module:
    """The model of a generated PyTorch module, ready to infer."""
    model: nn.Module = run_module(code)["build_model"]()
    return model.eval()


# Models of one layer's calls


def helper(target: str, name: str) -> str:
    """The source of a helper of a target."""
    folder = Path(targets.__file__).parent / target
    environment = Environment(
        loader=FileSystemLoader(folder), trim_blocks=True, keep_trailing_newline=True
    )
    return environment.get_template(f"helpers/{name}.py.j2").render()


def arguments(call: Call) -> tuple[list[str], list[str]]:
    """The arguments of a call as code: by position and by keyword, without what is default."""
    args = [literal(arg.value if isinstance(arg, Arg) else arg) for arg in call.args]
    kwargs = []
    for key, arg in call.kwargs.items():
        if isinstance(arg, Arg) and arg.default is not ... and arg.value == arg.default:
            continue
        kwargs.append(f"{key}={literal(arg.value if isinstance(arg, Arg) else arg)}")
    return args, kwargs


def scope_of(calls: Sequence[Call], target: str, **names: Any) -> dict[str, Any]:
    """The names that the code of calls reads."""
    scope: dict[str, Any] = {"__name__": "generated", **names}
    for name in dict.fromkeys(name for call in calls for name in call.helpers):
        exec(helper(target, name), scope)
    return scope


def keras_layer(calls: Sequence[Call], shape: tuple[int, ...]) -> Any:
    """A model of a layer's calls."""
    scope = scope_of(calls, "keras", keras=keras, layers=layers, ops=ops)
    given = scope["x"] = keras.Input(shape)
    for call in calls:
        args, kwargs = arguments(call)
        if call.style == "template":
            code = call.function.format(*args, x="x")
        elif call.style == "function":
            code = f"{call.function}({', '.join(['x', *args, *kwargs])})"
        else:
            code = f"{call.function}({', '.join([*args, *kwargs])})(x)"
        scope["x"] = eval(code, scope)
    return keras.Model(given, scope["x"])


def torch_layer(calls: Sequence[Call]) -> nn.Module:
    """A model of a layer's calls, ready to infer."""
    scope = scope_of(calls, "pytorch", torch=torch, nn=nn)
    modules = []
    for call in calls:
        assert call.style == "layer", call
        args, kwargs = arguments(call)
        modules.append(eval(f"{call.function}({', '.join([*args, *kwargs])})", scope))
    return nn.Sequential(*modules).eval()


# Running models and watching their layers


class Seen(NamedTuple):
    """A leaf of a model as it ran: the layer or module, the shapes, the values if there are."""

    leaf: Any
    input: tuple[Any, ...]
    output: tuple[Any, ...]
    value: Any


@contextmanager
def watching_keras() -> Iterator[list[Seen]]:
    """Record Keras layers that have weights, in the order of their first calls."""
    seen: dict[int, Seen] = {}
    original = keras.layers.Layer.__call__

    def call(self: Any, *args: Any, **kwargs: Any) -> Any:
        result = original(self, *args, **kwargs)
        inner = any(layer.weights for layer in self._flatten_layers(include_self=False))
        if self.weights and not inner and hasattr(result, "shape"):
            shape = tuple(getattr(args[0], "shape", ()))
            seen[id(self)] = Seen(self, shape, tuple(result.shape), result)
        return result

    keras.layers.Layer.__call__ = call
    found: list[Seen] = []
    try:
        yield found
    finally:
        keras.layers.Layer.__call__ = original
        found.extend(seen.values())


def layers_in_order_keras(build: Callable[[], Any]) -> tuple[Any, list[Any]]:
    """What `build` makes, and the layers with weights in the order of their first calls."""
    with watching_keras() as seen:
        model = build()
    return model, [each.leaf for each in seen]


def leaf_modules_in_order_torch(model: nn.Module, *inputs: torch.Tensor) -> list[Seen]:
    """The modules that contain no others, in the order in which they run."""
    seen: dict[int, Seen] = {}

    def hook(module: nn.Module, args: tuple[Any, ...], result: Any) -> None:
        # An activation in place must not change what was seen.
        value = result.detach().clone()
        shapes = tuple(args[0].shape), tuple(result.shape)
        seen.setdefault(id(module), Seen(module, *shapes, value))

    leaves = [module for module in model.modules() if not list(module.children())]
    handles = [leaf.register_forward_hook(hook) for leaf in leaves]
    try:
        with torch.no_grad():
            model(*inputs)
    finally:
        for handle in handles:
            handle.remove()
    return list(seen.values())


# The same weights in both


def random_weight(weight: Weight, rng: np.random.Generator) -> Array:
    """Values that a deep network neither blows up nor forgets."""
    if weight.role == "variance":
        return rng.uniform(0.5, 1.5, weight.shape)
    if weight.role in ("gamma", "scale"):
        return rng.uniform(0.6, 1.4, weight.shape)
    if weight.role in ("kernel", "pointwise"):
        return rng.normal(0, (1.6 / product(weight.shape[:-1])) ** 0.5, weight.shape)
    if weight.role == "depthwise":
        return rng.normal(0, (1.6 / product(weight.shape[:-2])) ** 0.5, weight.shape)
    return rng.normal(0, 0.2, weight.shape)


def for_keras(layer: Layer, role: str, value: Array, shape: tuple[int, ...]) -> Array:
    """A weight in the shape that Keras keeps it in."""
    if layer.op == "deconv" and role == "kernel":
        value = value.swapaxes(-1, -2)  # Keras has the outputs before the inputs
    return value.reshape(shape)  # a depthwise kernel, where it is one of groups


def for_torch(layer: Layer, role: str, value: Array, order: Array | None) -> Array:
    """A weight in the order that PyTorch keeps it in; `order` is that of the input."""
    if role == "depthwise":
        value = value.reshape(*value.shape[:-2], 1, -1)
    if role in ("kernel", "depthwise", "pointwise") and value.ndim > 2:
        value = np.moveaxis(value, (-1, -2), (0, 1))
        return value.swapaxes(0, 1) if layer.op == "deconv" else value
    if role == "kernel":
        return (value if order is None else value[order]).T
    return value if order is None or layer.op == "dense" else value[order]


_TORCH_NAMES = {
    **dict.fromkeys(("kernel", "depthwise", "pointwise", "gamma", "alpha", "scale"), "weight"),
    **dict.fromkeys(("bias", "beta"), "bias"),
    "mean": "running_mean",
    "variance": "running_var",
}


def own_weights(module: nn.Module) -> list[tuple[str, torch.Tensor]]:
    """What a module itself keeps, but for the count of batches, which is no parameter."""
    found = [*module.named_parameters(recurse=False), *module.named_buffers(recurse=False)]
    return [(name, tensor) for name, tensor in found if name != "num_batches_tracked"]


class Part(NamedTuple):
    """A layer of the network that keeps weights, and what it is in both frameworks."""

    node: Node
    layer: Layer
    keras: list[Any]
    torch: list[Seen]
    order: Array | None


def flatten_orders(network: Network, seen: Sequence[Seen]) -> dict[int, Array | None]:
    """For each node that gives a vector, where its values stand in PyTorch's.

    `seen` holds all leaves of the PyTorch model: where a flatten puts the channels first,
    PyTorch's vector is the language's vector indexed with the array given here.
    """
    flattens = [
        each
        for each in seen
        if type(each.leaf).__name__ in ("Flatten", "FlattenLast") and product(each.input[2:]) > 1
    ]
    waiting = iter(flattens)
    orders: dict[int, Array | None] = {}
    for node in network.nodes:
        before = [orders.get(index) for index in node.inputs]
        shape = node.layer.input
        if node.op == "flatten" and product(shape[:-1]) > 1:
            each = next(waiting)
            orders[node.index] = None
            if type(each.leaf).__name__ == "Flatten":
                places = np.arange(product(shape)).reshape(shape)
                order = np.moveaxis(places, -1, 0).reshape(-1)
                moved = not np.array_equal(order, np.arange(order.size))
                orders[node.index] = order if moved else None
        elif node.op == "concat" and any(order is not None for order in before):
            starts = itertools.accumulate((s[-1] for s in node.layer.inputs), initial=0)  # type: ignore[attr-defined]
            orders[node.index] = np.concatenate(
                [
                    start + (np.arange(shape[-1]) if order is None else order)
                    for start, order, shape in zip(starts, before, node.layer.inputs)  # type: ignore[attr-defined]
                ]
            )
        elif node.op != "dense" and before and len(node.output) == 1:
            orders[node.index] = before[0]
    assert next(waiting, None) is None, "a flatten too many"
    return orders


def parts(
    network: Network, keras_layers: Sequence[Any], torch_modules: Sequence[Seen]
) -> list[Part]:
    """Which layer of the network is which in either framework, in the order of the nodes."""
    orders = flatten_orders(network, torch_modules)
    in_keras = list(keras_layers)
    in_torch = [each for each in torch_modules if own_weights(each.leaf)]
    found = []
    for node in network.nodes:
        order = orders.get(node.inputs[0]) if node.inputs else None
        for layer in (node.layer, node.layer.activation):
            if layer is None or not layer.weights:
                continue
            one = int(layer.op == "bn" and len(layer.weights) == 3)
            two = layer.op == "sepconv"
            three = two and not type(in_keras[0]).__name__.startswith("SeparableConv")
            here, in_keras = in_keras[: 1 + three], in_keras[1 + three :]
            there, in_torch = in_torch[: 1 + one + two], in_torch[1 + one + two :]
            if layer is not node.layer:
                order = None if node.op == "dense" else order
            found.append(Part(node, layer, here, there, order))
    assert not in_keras and not in_torch, f"left over: {in_keras}, {in_torch}"
    return found


def copy_weights(
    keras_layers: Sequence[Any],
    torch_modules: Sequence[Seen],
    network: Network,
    seed: int = 0,
) -> list[Part]:
    """Give both models the same random weights; fails where the shapes do not allow it."""
    rng = np.random.default_rng(seed)
    found = parts(network, keras_layers, torch_modules)
    for part in found:
        set_weights(part, [random_weight(weight, rng) for weight in part.layer.weights])
    return found


def set_weights(part: Part, values: Sequence[Array]) -> None:
    """Put values, in the order and shapes of the layer's weights, into both models."""
    layer, name = part.layer, part.node.name
    variables = [variable for each in part.keras for variable in each.weights]
    tensors = [pair for each in part.torch for pair in own_weights(each.leaf)]
    assert len(variables) == len(layer.weights), f"{name}: Keras keeps {variables}"
    assert len(tensors) == len(layer.weights), f"{name}: PyTorch keeps {tensors}"
    for weight, value, variable in zip(layer.weights, values, variables):
        assert product(tuple(variable.shape)) == weight.size, f"{name}: {weight}, {variable}"
        assert variable.trainable == weight.trainable, f"{name}: {variable}"
        variable.assign(for_keras(layer, weight.role, value, tuple(variable.shape)))
        place = [key for key, _ in tensors].index(_TORCH_NAMES[weight.role])
        _, tensor = tensors.pop(place)
        array = for_torch(layer, weight.role, value, part.order)
        assert tuple(tensor.shape) == array.shape, f"{name}: {weight}, {tuple(tensor.shape)}"
        assert tensor.requires_grad == weight.trainable, f"{name}: {weight}"
        with torch.no_grad():
            tensor.copy_(torch.from_numpy(np.ascontiguousarray(array)))


def calibrate(found: Sequence[Part], model: nn.Module, inputs: Sequence[Any], seed: int) -> None:
    """Give batch normalisations statistics near those of what reaches them, in both models.

    With any others, what a deep network of sums computes would explode.
    """
    rng = np.random.default_rng(seed)
    norms = [part for part in found if part.layer.op == "bn"]

    def hook(module: Any, args: tuple[torch.Tensor]) -> None:
        over = [axis for axis in range(args[0].dim()) if axis != 1]
        shape = module.running_mean.shape
        spread = args[0].var(over, correction=0) + 0.01
        shift = torch.from_numpy(rng.normal(0, 0.2, shape)) * spread.sqrt()
        module.running_mean.copy_(args[0].mean(over) + shift)
        module.running_var.copy_(spread * torch.from_numpy(rng.uniform(0.7, 1.4, shape)))

    handles = [part.torch[0].leaf.register_forward_pre_hook(hook) for part in norms]
    with torch.no_grad():
        model(*inputs)
    for handle in handles:
        handle.remove()
    for part in norms:
        module = part.torch[0].leaf
        back = slice(None) if part.order is None else np.argsort(part.order)
        part.keras[0].moving_mean.assign(module.running_mean.numpy()[back])
        part.keras[0].moving_variance.assign(module.running_var.numpy()[back])


# Two models of a network


def as_array(tensor: Any) -> Array:
    """A tensor of either framework, or of any backend of Keras."""
    if isinstance(tensor, keras.Variable):
        tensor = tensor.value
    if isinstance(tensor, torch.Tensor):
        return tensor.detach().cpu().numpy()
    return np.asarray(ops.convert_to_numpy(tensor))


def channels_first(array: Array) -> Array:
    """A batch as PyTorch has it."""
    return np.ascontiguousarray(np.moveaxis(array, -1, 1))


def channels_last(array: Array) -> Array:
    """A batch as Keras has it."""
    return np.moveaxis(array, 1, -1)


def difference(one: Array, other: Array) -> float:
    """The largest difference, as a share of the largest value."""
    if one.shape != other.shape or not (np.isfinite(one).all() and np.isfinite(other).all()):
        return float("inf")
    if not one.size:
        return 0.0
    return float(np.abs(one - other).max() / max(1e-3, np.abs(other).max()))


class Report(NamedTuple):
    """What a comparison found: `problems` is empty where the models compute the same.

    `error` is the largest difference, `extent` the least and the most that a layer's largest
    value came to: a comparison of values that vanish, or explode, would say little.
    """

    problems: list[str]
    error: float
    extent: tuple[float, float]
    params: int
    layers: int

    def __bool__(self) -> bool:
        return not self.problems


def compare(
    network: Network, keras_code: str, torch_code: str, seed: int = 0, batch: int = 2
) -> Report:
    """Build both models, give them the same weights and inputs, and say where they differ.

    Counts, the shapes and values of all layers with weights, and those of all outputs are
    compared, with the network and with each other. What rounding does in a deep network is
    measured: PyTorch computes in double precision too, and values may be as far from that as
    PyTorch's own, times `SLACK`.
    """
    problems: list[str] = []
    rng = np.random.default_rng(seed)
    shapes = [network.nodes[index].output for index in network.inputs]
    images = [rng.normal(size=(batch, *shape)).astype("float32") for shape in shapes]

    here, order = layers_in_order_keras(lambda: keras_model(keras_code))
    there = torch_model(torch_code)
    tensors = [torch.from_numpy(channels_first(image)) for image in images]
    found = copy_weights(order, leaf_modules_in_order_torch(there, *tensors), network, seed)
    calibrate(found, there, tensors, seed)

    totals = network.totals
    in_torch = sum(tensor.numel() for tensor in there.parameters() if tensor.requires_grad)
    in_keras = sum(product(tuple(variable.shape)) for variable in here.trainable_weights)
    kept = sum(t.numel() for module in there.modules() for _, t in own_weights(module))
    for what, count, expected in (
        ("Keras trains", in_keras, totals.trainable),
        ("Keras keeps", here.count_params(), totals.params),
        ("PyTorch trains", in_torch, totals.trainable),
        ("PyTorch keeps", kept, totals.params),
    ):
        if count != expected:
            problems.append(f"{what} {count:,} parameters, the network {expected:,}")

    problems += rates(network, here, there)
    for part in found:
        problems += settings(part)

    with watching_keras() as seen, torch.no_grad():
        results = here(images[0] if len(images) == 1 else images, training=False)
    in_order = {id(each.leaf): each for each in seen}
    leaves = leaf_modules_in_order_torch(there, *tensors)
    precise = copy.deepcopy(there).double()
    doubles = [tensor.double() for tensor in tensors]
    exact = leaf_modules_in_order_torch(precise, *doubles)
    run = {id(each.leaf): (each, value) for each, value in zip(leaves, exact)}
    error, largest = 0.0, []
    for part in found:
        seen_there, seen_exact = run[id(part.torch[-1].leaf)]
        pair = seen_there.value, seen_exact.value
        wrong, apart = part_problems(part, in_order[id(part.keras[-1])].value, *pair)
        problems += wrong
        error = max(error, apart)
        largest.append(float(seen_there.value.abs().max()))

    with torch.no_grad():
        outputs, exact_outputs = there(*tensors), precise(*doubles)
    orders = flatten_orders(network, leaves)
    for name, index in network.outputs.items():
        node = network.nodes[index]
        one, rough, fine = (
            as_array(result[name] if isinstance(result, dict) else result)
            for result in (results, outputs, exact_outputs)
        )
        rough, fine = channels_last(rough), channels_last(fine)
        if orders.get(index) is not None:
            problems.append(f"{name}: PyTorch gives a flat vector with the channels first")
        for what, array in (("Keras", one), ("PyTorch", rough)):
            if array.shape != (batch, *node.output):
                problems.append(f"{name}: {what} gives {array.shape[1:]}, not {node.output}")
        apart = difference(one, fine)
        error = max(error, apart)
        if not apart <= allowed(rough, fine):
            problems.append(f"{name}: the outputs are {apart:.2g} apart")
    extent = (min(largest, default=0.0), max(largest, default=0.0))
    return Report(problems, error, extent, totals.params, len(found))


def rates(network: Network, here: Any, there: nn.Module) -> list[str]:
    """Whether what is dropped while training, of which inference sees nothing, is the same."""
    given = [n.layer.rate for n in network.nodes if n.op in ("dropout", "droppath")]  # type: ignore[attr-defined]
    in_keras = [
        layer.rate for layer in here._flatten_layers() if isinstance(layer, keras.layers.Dropout)
    ]
    in_torch = [
        module.p for module in there.modules() if type(module).__name__ in ("Dropout", "DropPath")
    ]
    return [
        f"{what} drops {sorted(found)}, the network {sorted(given)}"
        for what, found in (("Keras", in_keras), ("PyTorch", in_torch))
        if sorted(found) != sorted(given)
    ]


def settings(part: Part) -> list[str]:
    """In what numbers, too small to show in values, a normalisation differs."""
    layer: Any = part.layer
    if layer.op not in ("bn", "ln", "gn"):
        return []
    here, there = part.keras[0], part.torch[0].leaf
    pairs = [(here.epsilon, layer.eps), (there.eps, layer.eps)]
    if layer.op == "bn":
        pairs += [(here.momentum, layer.momentum), (1 - there.momentum, layer.momentum)]
    return [
        f"{part.node.name}: {found} for {expected}"
        for found, expected in pairs
        if not math.isclose(found, expected, rel_tol=1e-9)
    ]


def allowed(rough: Array, fine: Array) -> float:
    """How far values may be from the exact ones, as rounding makes them."""
    return max(ROUNDING, SLACK * difference(rough, fine))


def part_problems(
    part: Part, value: Any, rough: torch.Tensor, fine: torch.Tensor
) -> tuple[list[str], float]:
    """In what, and by how much, a layer differs between the models, with all before it.

    `value` is Keras's; `rough` and `fine` are PyTorch's in single and double precision.
    """
    node, layer = part.node, part.layer
    steps = getattr(layer, "windows", ())
    if layer.op == "deconv" or (
        any(step.stride > 1 for step in steps) and any(step.dilation > 1 for step in steps)
    ):
        return [], 0.0  # Keras slices behind this layer, and both crop behind that one
    one = as_array(value)
    if one.ndim == 2 and part.order is not None and layer.op != "dense":
        one = one[:, part.order]
    others = [channels_last(as_array(tensor)) for tensor in (rough, fine)]
    function = getattr(part.keras[-1], "activation", None)
    if callable(function):
        # Keras has the activation inside the layer, PyTorch behind it.
        others = [
            as_array(function(ops.convert_to_tensor(np.ascontiguousarray(each), each.dtype)))
            for each in others
        ]
    found = [
        f"{node.name}: {what} gives {array.shape[1:]}, not {node.output}"
        for what, array in (("Keras", one), ("PyTorch", others[0]))
        if array.shape[1:] != node.output
    ]
    if found:
        return found, 0.0
    apart = difference(one, others[1])
    if not apart <= allowed(*others):
        found.append(f"{node.name}: the values are {apart:.2g} apart")
    return found, apart
