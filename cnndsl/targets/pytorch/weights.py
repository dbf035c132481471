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

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

    from torch import nn

    from cnndsl.codegen.weights import Array, Kept, Weights
    from cnndsl.network import Node
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


def places(live: Live, node: Node | None = None) -> Iterator[Place]:
    """The places of a model's weights, or of one node's.

    Raises Misfit where the model keeps others than its network.
    """

    def keeping(each: Node) -> list[tuple[str, str, nn.Module]]:
        return [(name, path, part) for path, part in live.parts(each) for name in parameters(part)]

    def find(kept: Kept, keeping: list[tuple[str, str, nn.Module]]) -> Any:
        wanted = NAMES[kept.weight.role]
        found = next((each for each in keeping if each[0] == wanted), None)
        if found is None:
            return f"{kept.key}: PyTorch has no `{wanted}` here"
        keeping.remove(found)
        name, path, part = found
        order = live.orders.get(kept.node.inputs[0]) if kept.node.op == "dense" else None
        place = Place(kept, part, name, f"{path}.{name}", order)
        return place, place.tensor, place.shape

    return canonical.placed(live, node, keeping, find)


def parameters(module: nn.Module) -> list[str]:
    """The names of what a module itself keeps in files, but for the count of batches."""
    return [name for name in module.state_dict() if "." not in name and name != COUNTER]


def stored_shape(kept: Kept) -> tuple[int, ...]:
    """The shape that PyTorch keeps a weight in."""
    *spatial, first, last = (0, 0, *kept.weight.shape)
    if kept.weight.role not in ("kernel", "depthwise", "pointwise"):
        return kept.weight.shape
    space = tuple(spatial[2:])
    if kept.weight.role == "depthwise":
        return (first * last, 1, *space)
    if kept.layer.op == "deconv":
        groups = kept.layer.groups  # type: ignore[attr-defined]
        return (first * groups, last // groups, *space)
    return (last, first, *space)


def inputs_first(kernel: Array, groups: int) -> Array:
    """A transposed kernel (in of a group, out, spatial…) as (in, out of a group, spatial…)."""
    inputs, outputs, *space = kernel.shape
    kernel = kernel.reshape(inputs, groups, outputs // groups, *space).swapaxes(0, 1)
    return kernel.reshape(inputs * groups, outputs // groups, *space)


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
            value = inputs_first(value.swapaxes(0, 1), kept.layer.groups)  # type: ignore[attr-defined]
    return numpy.ascontiguousarray(value)


def restore(kept: Kept, value: Array, order: Array | None) -> Array:
    """The canonical weight of an array as PyTorch keeps it."""
    role = kept.weight.role
    if role in ("kernel", "depthwise", "pointwise"):
        if kept.layer.op == "deconv":
            groups = kept.layer.groups  # type: ignore[attr-defined]
            value = value.reshape(groups, -1, *value.shape[1:]).swapaxes(0, 1)
            value = value.reshape(value.shape[0], -1, *value.shape[3:]).swapaxes(0, 1)
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
