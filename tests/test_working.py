"""The formulas that layers hold: put their numbers in, and the sizes and counts come out."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import nets
import pytest
from hypothesis import given
from reference import CASES

import cnndsl
from cnndsl import Network
from cnndsl.layers import LAYERS, MERGES, Layer
from cnndsl.layers.base import product
from cnndsl.layers.derivation import Derivation
from cnndsl.layers.merge import Merge
from cnndsl.layers.window import same_padding

FUNCTIONS = {"floor": math.floor, "ceil": math.ceil, "max": max}


def worth(step: Derivation) -> Any:
    """What a formula comes to with its numbers, exactly."""
    names = {name: Fraction(value) for name, value in step.values.items()}
    return eval(step.formula, {"__builtins__": {}}, {**FUNCTIONS, **names})


def agree(layer: Layer) -> None:
    """The formulas of a layer give its output shape and the sizes of its weights."""
    sizes = layer.sizes()
    inputs = layer.inputs if isinstance(layer, Merge) else (layer.input,)
    if layer.op == "reshape":
        (step,) = sizes
        assert worth(step) == step.value == product(layer.output)
    elif sizes:
        assert tuple(step.value for step in sizes) == layer.output
    else:
        assert layer.output in inputs
    counts = layer.counts()
    assert [step.symbol for step in counts] == [weight.role for weight in layer.weights]
    assert [step.value for step in counts] == [weight.size for weight in layer.weights]
    steps = [*sizes, *counts]
    if getattr(layer, "same", None) and hasattr(layer, "windows"):
        steps += same_padding(layer.windows, layer.input)
        pads = [window.begin + window.end for window in layer.windows]
        assert [step.value for step in steps[-len(pads) :]] == pads
    for step in steps:
        assert worth(step) == step.value, step
        assert all(name in step.formula for name in step.values), step
    if layer.activation is not None:
        agree(layer.activation)


def all_agree(network: Network) -> None:
    for node in network.layers:
        agree(node.layer)


@given(nets.straight_nets())
def test_formulas_give_the_sizes_of_straight_nets(text: str) -> None:
    all_agree(cnndsl.check(text))


@given(nets.branching_nets())
def test_formulas_give_the_sizes_of_branching_nets(text: str) -> None:
    all_agree(cnndsl.check(text))


MERGED = """
input 9x8x4
concat { skip | conv 2 1 | skip }
add { skip | droppath 0.5 }; mul { skip | gap keep }; maximum { skip | relu }
subtract { skip | tanh }; average { skip | bn }
"""


def test_formulas_of_merges() -> None:
    network = cnndsl.check(MERGED)
    all_agree(network)
    assert {*MERGES} <= {node.op for node in network.layers}


@pytest.mark.parametrize("op", LAYERS)
def test_formulas_of_every_layer(op: str) -> None:
    for size, *lines in CASES[op]:
        for line in lines:
            all_agree(cnndsl.check(f"rounding floor\ninput {size}\n{line}"))


def written(layer: Layer) -> list[str]:
    return [f"{step.symbol} = {step.formula}" for step in (*layer.sizes(), *layer.counts())]


@pytest.mark.parametrize(
    ("net", "steps"),
    [
        (
            "input 39x31x1; conv 20 4x4",
            ["H_out = (H - K)/S + 1", "W_out = (W - K)/S + 1", "C_out = N",
             "kernel = K*K*C*N", "bias = N"],
        ),
        ("input 36x28x20; pool 2", ["H_out = H/K", "W_out = W/K", "C_out = C"]),
        ("input 7x7x1; pool 2 floor", ["H_out = floor(H/K)", "W_out = floor(W/K)", "C_out = C"]),
        (
            "input 7x9x1; conv 1 3x5 /2x4 pad=1x2 nobias",
            ["H_out = (H + 2*P_H - K_H)/S_H + 1", "W_out = (W + 2*P_W - K_W)/S_W + 1", "C_out = N",
             "kernel = K_H*K_W*C*N"],
        ),
        (
            "input 8x1; conv 1 3 pad=0:1 dilation=2 groups=1 nobias",
            ["L_out = (L + P_0 + P_1 - (d*(K - 1) + 1))/S + 1", "C_out = N", "kernel = K*C*N"],
        ),
        ("input 160; dense 100", ["N_out = N", "kernel = N_in*N_out", "bias = N_out"]),
        ("input 2x1x80; flatten", ["N_out = H*W*C"]),
    ],
)  # fmt: skip
def test_formulas_are_those_of_textbooks(net: str, steps: list[str]) -> None:
    assert written(cnndsl.check(net).layers[0].layer) == steps
