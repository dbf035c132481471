"""One step of training: from the same weights, both frameworks go to the same.

The one exception is the variance that batch normalisation keeps for inference. Of the n values
of a channel in a batch PyTorch estimates it without bias, by n - 1, and Keras divides by n:
PyTorch's is n / (n - 1) times as large. It is held to be exactly that.
"""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import oracle
import pytest
import torch
from test_forms import CASES
from torch import nn

import cnndsl
from cnndsl.layers import LAYERS, MERGES
from cnndsl.layers.base import product
from cnndsl.network import Network
from cnndsl.targets import load

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

BATCH = 4
RATE = 0.5
AT_RANDOM = {"dropout", "droppath"}

# Every layer that takes an image, between two that learn, so that the gradient goes through it.
STEPS = [
    f"input 12x12x4\nconv 12 3; {line}; flatten; dense 3"
    for op, cases in CASES.items()
    if op not in (*AT_RANDOM, "flatten", "dense", "reshape", "gap", "gmp")
    for size, *lines in cases
    for line in lines[:2]
    if size.count("x") == 2
]
NETS = {
    "dense": "input 7; dense 6 tanh; dense 5 nobias prelu; dense 3",
    "ends": "input 8x8x3; conv 4 3; concat { gap; dense 4 | gmp }; dense 3",
    "shapes": "input 8x8x3; conv 4 1; reshape 4x16x4; conv 3 3; flatten; reshape 84; dense 2",
    "signal": "input 16x3; conv 6 3 /2 same; bn; sepconv 4 3 mult=2; deconv 3 3 /2; gap; dense 2",
    "volume": "input 6x6x6x2; conv 4 3 same nobias; bn; relu; dwconv 3; scale; deconv 2 2 /2; gap",
    "residual": """
        block unit(n) { add { conv n 3 same nobias; bn; relu; conv n 3 same; bn | conv n 1 }; relu }
        input 8x8x3; repeat 2 { unit 6 }; gap; dense 3""",
    "gates": "input 8x8x4; conv 6 3; mul { skip | gap; dense 6 sigmoid }"
    "; maximum { skip | conv 6 1 }; average { skip | ln }; flatten; dense 2",
    "heads": "input 8x8x3; conv 4 3 relu; head side { gap; dense 3 }; conv 4 3; flatten; dense 2",
}  # fmt: skip


def stepped(network: Network, seed: int = 0) -> list[tuple[oracle.Part, Any, np.ndarray, ...]]:
    """Each weight before a step, and after it in Keras and in PyTorch, all in Keras's order."""
    rng = np.random.default_rng(seed)
    image = rng.normal(size=(BATCH, *network.nodes[0].output)).astype("float32")
    tensor = torch.from_numpy(oracle.channels_first(image))
    aims = {
        name: rng.normal(size=(BATCH, *network.nodes[index].output)).astype("float32")
        for name, index in network.outputs.items()
    }
    code = load("keras").generate(network)
    here, order = oracle.layers_in_order_keras(lambda: oracle.keras_model(code))
    there = oracle.torch_model(load("pytorch").generate(network))
    seen = oracle.leaf_modules_in_order_torch(there, tensor)
    found = oracle.copy_weights(order, seen, network, seed)
    before = [weights(part) for part in found]

    here.compile(keras.optimizers.SGD(RATE), loss=keras.losses.MeanSquaredError())
    one = len(aims) == 1
    here.train_on_batch(image, aims["main"] if one else aims)

    optimizer = torch.optim.SGD(there.parameters(), lr=RATE)
    results = there.train()(tensor)
    results = {"main": results} if one else results
    loss = sum(
        nn.functional.mse_loss(results[name], torch.from_numpy(oracle.channels_first(aim)))
        for name, aim in aims.items()
    )
    loss.backward()
    optimizer.step()
    return [
        (part, weight, old[0], *new)
        for part, olds in zip(found, before)
        for weight, old, new in zip(part.layer.weights, olds, weights(part))
    ]


def weights(part: oracle.Part) -> list[tuple[np.ndarray, np.ndarray]]:
    """The weights of a layer in Keras and in PyTorch, in the order that PyTorch keeps."""
    variables = [variable for layer in part.keras for variable in layer.weights]
    tensors = [pair for seen in part.torch for pair in oracle.own_weights(seen.leaf)]
    found = []
    for weight, variable in zip(part.layer.weights, variables):
        value = oracle.as_array(variable.value)
        if part.layer.op == "deconv" and weight.role == "kernel":
            value = value.swapaxes(-1, -2)
        value = oracle.for_torch(part.layer, weight.role, value.reshape(weight.shape), part.order)
        place = [key for key, _ in tensors].index(oracle._TORCH_NAMES[weight.role])
        found.append((np.array(value), np.array(oracle.as_array(tensors.pop(place)[1]))))
    return found


def hold(text: str) -> None:
    """Fail where a step parts the frameworks, or where it moves nothing."""
    network = cnndsl.check(text)
    moved = 0.0
    for part, weight, old, here, there in stepped(network):
        what = f"{part.node.name}.{weight.role}"
        layer: Any = part.layer
        if weight.role == "variance":
            count = BATCH * product(layer.spatial)
            kept, rest = layer.momentum * old, 1 - layer.momentum
            biased, unbiased = (here - kept) / rest, (there - kept) / rest
            assert oracle.difference(biased * (count / (count - 1)), unbiased) < 1e-4, what
            assert oracle.difference(biased, unbiased) > 0.5 / count, what
            continue
        assert oracle.difference(here, there) < oracle.TOLERANCE, what
        # Not the weights alone, but how they changed.
        assert np.abs(here - there).max() <= 1e-3 * np.abs(there - old).max() + 1e-5, what
        moved = max(moved, float(np.abs(there - old).max()))
    assert moved > 1e-3


@pytest.mark.parametrize("text", dict.fromkeys(STEPS), ids=lambda text: text.split("; ")[1])
def test_a_step_through_each_layer(text: str) -> None:
    hold(f"rounding floor\n{text}")


@pytest.mark.parametrize("defaults", ("keras", "torch"))
@pytest.mark.parametrize("name", NETS)
def test_a_step_of_a_net(name: str, defaults: str) -> None:
    hold(f"rounding floor\ndefaults {defaults}\n{NETS[name]}")


def test_no_layer_is_left_out() -> None:
    tried = {
        layer.op
        for text in (*STEPS, *NETS.values())
        for node in cnndsl.check(f"rounding floor\n{text}").layers
        for layer in (node.layer, node.layer.activation)
        if layer is not None
    }
    assert {*LAYERS, *MERGES} == tried | AT_RANDOM
