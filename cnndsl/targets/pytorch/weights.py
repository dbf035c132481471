"""Canonical weights in a PyTorch model: where they live, and in what order.

PyTorch has the channels first in kernels too: (out, in, spatial…); in a transposed one the
inputs come before the outputs, and a depthwise one is one of groups. A dense kernel is
(out, in), and its inputs behind a plain `nn.Flatten` come channels first, so that its rows
are permuted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy

from cnndsl.codegen import weights as canonical
from cnndsl.layers.activation import Activation
from cnndsl.layers.base import product
from cnndsl.targets.pytorch.layout import flatten_orders

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

    from torch import nn

    from cnndsl.codegen.weights import Array, Kept, Weights
    from cnndsl.network import Network, Node
    from cnndsl.targets.pytorch.live import Live

NAMES = {
    **dict.fromkeys(("kernel", "depthwise", "pointwise", "gamma", "alpha", "scale"), "weight"),
    **dict.fromkeys(("bias", "beta"), "bias"),
    "mean": "running_mean",
    "variance": "running_var",
}
"""What PyTorch calls a weight, by its role."""
COUNTER = "num_batches_tracked"
"""What a batch normalisation counts besides: the steps it was trained, which no formula reads."""


class Place(NamedTuple):
    """Where a weight lives: `name` in `module`, `key` in the state_dict of the model.

    `order` is that of the inputs of a dense layer, where it is not the language's.
    """

    kept: Kept
    module: nn.Module
    name: str
    key: str
    order: Array | None

    @property
    def tensor(self) -> Any:
        return getattr(self.module, self.name)

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape that the weight is kept in; that of one pixel is left out in a Linear."""
        shape = stored_shape(self.kept)
        linear = type(self.module).__name__ == "Linear" and self.name == "weight"
        return shape[:2] if linear else shape


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


def places(live: Live, node: Node | None = None) -> Iterator[Place]:
    """The places of a model's weights, or of one node's.

    Raises Misfit where the model keeps others than its network.
    """
    problems = []
    for each in live.network.nodes if node is None else [node]:
        kept = list(canonical.slots_of(each))
        keeping = [
            (name, path, part) for path, part in live.parts(each) for name in parameters(part)
        ]
        if len(keeping) != len(kept):
            problems.append(
                f"{each.name}: PyTorch keeps {len(keeping)} arrays, and the net wants {len(kept)}"
            )
            continue
        for one in kept:
            wanted = NAMES[one.weight.role]
            found = next((each for each in keeping if each[0] == wanted), None)
            if found is None:
                problems.append(f"{one.key}: PyTorch has no `{wanted}` here")
                continue
            keeping.remove(found)
            name, path, part = found
            order = live.orders.get(each.inputs[0]) if each.op == "dense" else None
            place = Place(one, part, name, f"{path}.{name}", order)
            problem = misfit(place)
            if problem:
                problems.append(problem)
            else:
                yield place
    if problems:
        raise canonical.Misfit(problems)


def parameters(module: nn.Module) -> list[str]:
    """The names of what a module itself keeps in files, but for the count of batches."""
    return [name for name in module.state_dict() if "." not in name and name != COUNTER]


def misfit(place: Place) -> str:
    """What is wrong with the tensor of a place; empty for nothing."""
    shape, wanted = tuple(place.tensor.shape), place.shape
    if shape != wanted:
        return f"{place.kept.key}: PyTorch keeps {shape}, and the net wants {wanted}"
    if place.tensor.requires_grad != place.kept.weight.trainable:
        does, wants = ("keeps", "trains") if place.kept.weight.trainable else ("trains", "does not")
        return f"{place.kept.key}: PyTorch {does} it, and the net {wants}"
    return ""


def stored_shape(kept: Kept) -> tuple[int, ...]:
    """The shape that PyTorch keeps a weight in."""
    *spatial, first, last = (0, 0, *kept.weight.shape)
    if kept.weight.role not in ("kernel", "depthwise", "pointwise"):
        return kept.weight.shape
    space = tuple(spatial[2:])
    if kept.weight.role == "depthwise":
        return (first * last, 1, *space)
    return (first, last, *space) if kept.layer.op == "deconv" else (last, first, *space)


def store(kept: Kept, value: Array, order: Array | None) -> Array:
    """A canonical weight as PyTorch keeps it; `order` is that of a dense layer's inputs."""
    role = kept.weight.role
    if role in ("kernel", "depthwise", "pointwise"):
        if order is not None:
            value = value[order]
        if role == "depthwise":
            value = value.reshape(*value.shape[:-2], 1, -1)
        value = numpy.moveaxis(value, (-1, -2), (0, 1))
        if kept.layer.op == "deconv":
            value = value.swapaxes(0, 1)
    return numpy.ascontiguousarray(value)


def restore(kept: Kept, value: Array, order: Array | None) -> Array:
    """The canonical weight of an array as PyTorch keeps it."""
    role = kept.weight.role
    if role in ("kernel", "depthwise", "pointwise"):
        if kept.layer.op == "deconv":
            value = value.swapaxes(0, 1)
        value = numpy.moveaxis(value, (0, 1), (-1, -2)).reshape(kept.weight.shape)
        if order is not None:
            value = value[numpy.argsort(order)]
    return numpy.array(value, order="C")


def put(live: Live, weights: Mapping[str, Array], node: Node | None = None) -> None:
    """Put canonical weights into a model, or into one node of it."""
    import torch

    for place in places(live, node):
        value = store(place.kept, weights[place.kept.key], place.order)
        with torch.no_grad():
            place.tensor.copy_(torch.from_numpy(value.reshape(place.shape)))


def stored(place: Place) -> Array:
    """What a place holds, in the shape of its kind of layer."""
    return place.tensor.detach().numpy().reshape(stored_shape(place.kept))


def take(live: Live) -> Weights:
    """The canonical weights of a model."""
    return {
        place.kept.key: restore(place.kept, stored(place), place.order) for place in places(live)
    }
