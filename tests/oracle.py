"""What the forms of one layer are held against: live models of its calls, and numpy."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

os.environ.setdefault("KERAS_BACKEND", "torch")

import keras
import numpy as np
import torch
from keras import layers, ops
from torch import nn

from cnndsl import targets
from cnndsl.codegen import weights as canonical
from cnndsl.codegen.code import Call
from cnndsl.codegen.expressions import Literal, Symbol
from cnndsl.codegen.program import CodeCall
from cnndsl.codegen.source import text
from cnndsl.codegen.style import call_of
from cnndsl.codegen.write_module import snippet
from cnndsl.network import Network
from cnndsl.targets.keras import weights as keras_weights
from cnndsl.targets.keras.render import applied
from cnndsl.targets.pytorch import weights as torch_weights

Array = Any
"""A numpy array: its type says nothing of its shape."""

TOLERANCE = 1e-4
"""How far values may be apart in single precision, as a share of the largest."""


# Models of one layer's calls


def scope_of(calls: Sequence[Call], target: str, **names: Any) -> dict[str, Any]:
    """The names that the code of calls reads."""
    folder = Path(targets.__file__).parent / target
    scope: dict[str, Any] = {"__name__": "generated", "math": math, **names}
    for name in dict.fromkeys(name for call in calls for name in call.helpers):
        exec(snippet(folder, name), scope)
    return scope


def code_of(call: Call) -> CodeCall:
    """A call with its values as they are, without what is default."""
    call = call.normal()
    kwargs = tuple((key, Literal(arg.written)) for key, arg in call.kwargs.items() if not arg.usual)
    args = tuple(Literal(arg.written) for arg in call.args)
    return CodeCall(Symbol(call.function), args, kwargs, call.style, call.main)


def keras_layer(calls: Sequence[Call], shape: tuple[int, ...]) -> Any:
    """A model of a layer's calls."""
    scope = scope_of(calls, "keras", keras=keras, layers=layers, ops=ops)
    given = scope["x"] = keras.Input(shape)
    for call in calls:
        scope["x"] = eval(text(applied(code_of(call), "x", None)), scope)
    return keras.Model(given, scope["x"])


def torch_layer(calls: Sequence[Call]) -> nn.Module:
    """A model of a layer's calls, ready to infer."""
    scope = scope_of(calls, "pytorch", torch=torch, nn=nn)
    modules = []
    for call in calls:
        assert call.style == "layer", call
        modules.append(eval(text(call_of(code_of(call))), scope))
    return nn.Sequential(*modules).eval()


# The same weights in both


def put_keras(model: Any, network: Network, weights: Mapping[str, Array]) -> None:
    """Put canonical weights into a model of the calls of a straight network's layers."""
    variables = [variable for layer in model.layers for variable in layer.weights]
    for kept, variable in zip(canonical.slots(network), variables, strict=True):
        shape = tuple(variable.shape)
        assert shape == keras_weights.stored_shape(kept, shape)
        assert variable.trainable == kept.weight.trainable
        variable.assign(keras_weights.store(kept, weights[kept.key], shape))


def put_torch(
    model: nn.Sequential,
    network: Network,
    weights: Mapping[str, Array],
    orders: Mapping[int, Array] | None = None,
) -> None:
    """The same; `orders` are those of the vectors that nodes give, as PyTorch has them."""
    free = [(name, part) for part in model for name in torch_weights.parameters(part)]
    for kept in canonical.slots(network):
        name, part = next(pair for pair in free if pair[0] == torch_weights.NAMES[kept.weight.role])
        free.remove((name, part))
        order = (orders or {}).get(kept.node.inputs[0]) if kept.layer.op == "dense" else None
        tensor = getattr(part, name)
        assert tensor.requires_grad == kept.weight.trainable
        value = torch_weights.store(kept, weights[kept.key], order)
        assert value.shape == tuple(tensor.shape)
        with torch.no_grad():
            tensor.copy_(torch.from_numpy(value))
    assert not free


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
