"""One step of training: from the same weights, both frameworks go to the same.

The one exception is the variance that batch normalisation keeps for inference. Of the n values
of a channel in a batch PyTorch estimates it without bias, by n - 1, and Keras divides by n:
PyTorch's is n / (n - 1) times as large. It is held to be exactly that.
"""

from __future__ import annotations

from collections.abc import Iterator

import keras
import numpy as np
import oracle
import pytest
import torch
from conftest import few
from reference import CASES
from torch import nn

import cnndsl
from cnndsl.codegen import weights as canonical
from cnndsl.layers import LAYERS, MERGES
from cnndsl.layers.base import product
from cnndsl.network import Network
from cnndsl.proof import frameworks

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
    "turned": "input 16x8; conv 6 3; transpose; conv 5 1 tanh; transpose; flatten; dense 2",
    "volume": "input 6x6x6x2; conv 4 3 same nobias; bn; relu; dwconv 3; scale; deconv 2 2 /2; gap",
    "residual": """
        block unit(n) { add { conv n 3 same nobias; bn; relu; conv n 3 same; bn | conv n 1 }; relu }
        input 8x8x3; repeat 2 { unit 6 }; gap; dense 3""",
    "gates": "input 8x8x4; conv 6 3; mul { skip | gap; dense 6 sigmoid }"
    "; maximum { skip | conv 6 1 }; average { skip | ln }; flatten; dense 2",
    "axes": "input 8x8x3; conv 4 3 same; concat axis=height { skip | inorm noscale; inorm }"
    "; subtract { conv 4 3 same | skip }; mul { skip | conv 1 3 same sigmoid }; clamp -1 1"
    "; ln noshift; gn 2 noscale; gelu approx; softmax axis=width; flatten; dense 2",
    "heads": "input 8x8x3; conv 4 3 relu; head side { gap; dense 3 }; conv 4 3; flatten; dense 2",
}  # fmt: skip


def stepped(network: Network, seed: int = 0) -> Iterator[tuple[canonical.Kept, np.ndarray, ...]]:
    """Each weight before a step, and after it in Keras and in PyTorch, in canonical form."""
    rng = np.random.default_rng(seed)
    image = rng.normal(size=(BATCH, *network.nodes[0].output)).astype("float32")
    aims = {
        name: rng.normal(size=(BATCH, *network.nodes[index].output)).astype("float32")
        for name, index in network.outputs.items()
    }
    one = len(aims) == 1
    before = canonical.random(network, seed)
    (keras_live, keras_weights), (torch_live, torch_weights) = (
        frameworks.build(network, target) for target in ("keras", "pytorch")
    )
    keras_weights.put(keras_live, before)
    torch_weights.put(torch_live, before)

    here = keras_live.model
    here.compile(keras.optimizers.SGD(RATE), loss=keras.losses.MeanSquaredError())
    here.train_on_batch(image, aims["main"] if one else aims)

    there = torch_live.model.train()
    optimizer = torch.optim.SGD(there.parameters(), lr=RATE)
    results = there(torch.from_numpy(oracle.channels_first(image)))
    results = {"main": results} if one else results
    loss = sum(
        nn.functional.mse_loss(results[name], torch.from_numpy(oracle.channels_first(aim)))
        for name, aim in aims.items()
    )
    loss.backward()
    optimizer.step()
    after = keras_weights.take(keras_live), torch_weights.take(torch_live)
    for kept in canonical.slots(network):
        yield kept, before[kept.key], after[0][kept.key], after[1][kept.key]


def hold(text: str) -> None:
    """Fail where a step parts the frameworks, or where it moves nothing."""
    network = cnndsl.check(text)
    moved = 0.0
    for kept, old, here, there in stepped(network):
        what, layer = kept.key, kept.layer
        if kept.weight.role == "variance":
            count = BATCH * product(layer.spatial)
            old, rest = layer.momentum * old, 1 - layer.momentum
            biased, unbiased = (here - old) / rest, (there - old) / rest
            assert oracle.difference(biased * (count / (count - 1)), unbiased) < 1e-4, what
            assert oracle.difference(biased, unbiased) > 0.5 / count, what
            continue
        assert oracle.difference(here, there) < oracle.TOLERANCE, what
        # Not the weights alone, but how they changed.
        assert np.abs(here - there).max() <= 1e-3 * np.abs(there - old).max() + 1e-5, what
        moved = max(moved, float(np.abs(there - old).max()))
    assert moved > 1e-3


# Each layer in one form, and some in others.
FIRST = {text.split("; ")[1].split()[0]: text for text in reversed(STEPS)}
ALWAYS = {*FIRST.values(), *STEPS[::24]}


@pytest.mark.parametrize(
    "text",
    few(dict.fromkeys(STEPS), [text for text in dict.fromkeys(STEPS) if text in ALWAYS], turn=1),
    ids=lambda text: text.split("; ")[1],
)
def test_a_step_through_each_layer(text: str) -> None:
    hold(f"rounding floor\n{text}")


@pytest.mark.parametrize("defaults", ("keras", "torch"))
@pytest.mark.parametrize("name", few(NETS, [*NETS][::2]))
def test_a_step_of_a_net(name: str, defaults: str) -> None:
    hold(f"rounding floor\ndefaults {defaults}\n{NETS[name]}")


def test_no_layer_is_left_out() -> None:
    tried = {
        layer.op
        for text in (*ALWAYS, *NETS.values())
        for node in cnndsl.check(f"rounding floor\n{text}").layers
        for layer in (node.layer, node.layer.activation)
        if layer is not None
    }
    assert {*LAYERS, *MERGES} == tried | AT_RANDOM
