"""What weights hold before training: in both frameworks what the network says."""

from __future__ import annotations

import re

import black
import keras
import numpy as np
import pytest
from conftest import few
from reference import CASES
from test_forms import one

import cnndsl
from cnndsl.codegen import weights as canonical
from cnndsl.layers.initial import Constant, Uniform
from cnndsl.network import Network
from cnndsl.proof import frameworks
from cnndsl.targets import load

# An input, and nets on it that have every layer with weights, in many forms.
NETS = {
    "12x12x48": [
        "conv 64 3", "conv 64 1 nobias", "conv 64 3x2 groups=4 /2 same relu", "conv 96 3 groups=48",
        "dwconv 5", "dwconv 5 mult=3", "dwconv 5 mult=2 nobias", "dwconv 3 /2x1 same mult=2",
        "sepconv 64 5", "sepconv 64 3 mult=2 prelu", "sepconv 64 3 /1x2 mult=2 nobias",
        "deconv 32 3 /2", "deconv 32 4 /2 same nobias", "bn; bn noscale; bn noshift", "ln", "gn 4",
        "scale init=0.25; dwconv 3; scale", "prelu", "flatten; dense 20 relu; dense 500 nobias",
    ],
    "30x48": ["conv 64 3", "dwconv 5 mult=2", "sepconv 64 3 mult=2", "deconv 32 3 /2", "scale"],
    "6x6x6x24": [
        "conv 32 3", "dwconv 3; scale init=0.5", "dwconv 3 mult=2", "sepconv 64 3 mult=2",
        "deconv 32 3 nobias",
    ],
    "100": ["dense 200", "dense 300 nobias prelu", "scale init=0.5", "bn"],
}  # fmt: skip
# Of another layer with weights its cases are tried, which are small.
ONES = [(size, line) for size, lines in NETS.items() for line in lines] + [
    (size, line)
    for op, cases in CASES.items()
    for size, *lines in cases
    for line in lines
    if not re.search(rf"\b{op}\b", str(NETS)) and one(size, line).nodes[-1].layer.weights
]
BLOCKS = """
block unit(n, s=1) {
  add { conv n 3 /s same; dwconv 3 same mult=2; sepconv n 3 same mult=2 | conv n 1 /s same nobias }
}
repeat 2 { unit 48 }
unit 64 s=2
deconv 32 2 /2
gap; dense 100 softmax
"""


def begun(network: Network) -> list[tuple[str, object, np.ndarray, np.ndarray]]:
    """Each weight's name and distribution, and its first values in Keras and in PyTorch."""
    codes = {name: load(name).generate(network) for name in ("keras", "pytorch")}
    for code in codes.values():
        assert black.format_str(code, mode=black.Mode()) == code
    keras.utils.set_random_seed(5)
    first = []
    for name, code in codes.items():
        live, weights = frameworks.build(network, name, code)
        first.append(weights.take(live))
    return [
        (kept.key, kept.weight.initial, *(each[kept.key] for each in first))
        for kept in canonical.slots(network)
    ]


def hold(values: np.ndarray, initial: object, what: str) -> None:
    """Fail where values are not of a distribution: by chance about once in 10,000 times."""
    if isinstance(initial, Constant):
        assert (values == np.float32(initial.value)).all(), what
        return
    assert isinstance(initial, Uniform)
    limit, count = initial.limit, values.size
    assert np.abs(values).max() <= limit * (1 + 1e-6), what
    assert np.abs(values).max() >= limit * (1 - 10 / count), what
    # The variance of a uniform square is 4/45, and 4/5 of its squared mean.
    assert abs(3 * np.mean(values**2) / limit**2 - 1) < 4 * (0.8 / count) ** 0.5, what
    assert abs(np.mean(values)) < 4 * limit / (3 * count) ** 0.5, what


@pytest.mark.parametrize("defaults", ("keras", "torch"))
@pytest.mark.parametrize("size, line", few(ONES, ONES[::2]))
def test_both_begin_as_the_file_says(size: str, line: str, defaults: str) -> None:
    network = cnndsl.check(f"rounding floor\ndefaults {defaults}\ninput {size}\n{line}")
    found = begun(network)
    assert found
    for what, initial, here, there in found:
        hold(here, initial, f"Keras: {what}")
        hold(there, initial, f"PyTorch: {what}")


@pytest.mark.parametrize("defaults", ("keras", "torch"))
def test_blocks_begin_as_the_file_says(defaults: str) -> None:
    text = f"defaults {defaults}\ninput 16x16x32\n{BLOCKS}"
    for what, initial, here, there in begun(cnndsl.check(text)):
        hold(here, initial, f"Keras: {what}")
        hold(there, initial, f"PyTorch: {what}")


@pytest.mark.parametrize("target, own", (("keras", "keras"), ("pytorch", "torch")))
def test_a_framework_s_own_defaults_need_no_code(target: str, own: str) -> None:
    for defaults in ("keras", "torch"):
        code = cnndsl.build(f"defaults {defaults}\ninput 8x8x3; conv 8 3; bn; relu", target)
        assert ("init" in code) == (defaults != own), code
        code = cnndsl.build(f"defaults {defaults}\ninput 8x8x3; bn; relu", target)
        assert "init" not in code  # nothing is drawn


def test_only_what_a_net_has_is_told() -> None:
    """Which classes, and whether there are biases."""
    both = "input 8x8x3; conv 8 3{}; flatten; dense 2{}"
    code = cnndsl.build(both.format("", ""), "pytorch")
    assert "    if isinstance(module, (nn.Conv2d, nn.Linear)):\n" in code
    assert "        nn.init.zeros_(module.bias)\n" in code and "is not None" not in code
    code = cnndsl.build(both.format(" nobias", ""), "pytorch")
    assert "        if module.bias is not None:\n            nn.init.zeros_(module.bias)\n" in code
    code = cnndsl.build(both.format(" nobias", " nobias"), "pytorch")
    assert "bias" not in code.replace("bias=False", "")
    code = cnndsl.build("defaults torch; " + both.format("", ""), "keras")
    assert "isinstance(layer, (layers.Conv2D, layers.Dense)):" in code and "draw" not in code[:200]
