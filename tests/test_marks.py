"""Nets that are published, and how near their code comes to what a person would write.

`nets_marks` holds nets as torchvision, Ultralytics and others build them, where `samples` has
another variant or none.
"""

from __future__ import annotations

import ast
import math
import os
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import torch
from conftest import crossed, few
from nets import network
from reading import decides, definitions, is_empty, is_wrapper, overwritten, shape_of_code
from test_awkward_nets import TRAPS

import cnndsl
from cnndsl.proof import frameworks
from cnndsl.proof.verify import verify
from cnndsl.targets import load

TESTS = Path(__file__).resolve().parent
FUZZ = os.environ.get("HYPOTHESIS_PROFILE") == "fuzz"
MARKS = {path.stem: path for path in sorted((TESTS / "nets_marks").glob("*.cnn"))}
SAMPLES = {
    path.stem: path
    for path in sorted((TESTS.parent / "samples").glob("*.cnn"))
    if path.stem != "article_keras_listing"
}

# What is trained, as torchvision counts its own nets, Ultralytics YOLOv5s (of version 6, with 80
# classes) and the authors of GhostNet, who say 5.2 million.
COUNTS = {
    "convnext_tiny": 28_589_128,
    "densenet121": 7_978_856,
    "efficientnet_b0": 5_288_548,
    "ghostnet": 5_182_508,
    "googlenet": 13_004_888,
    "inception_v3": 27_161_264,
    "mnasnet0_5": 2_218_512,
    "mnasnet1_0": 4_383_312,
    "mobilenet_v2": 3_504_872,
    "mobilenetv3_large": 5_483_032,
    "mobilenetv3_small": 2_542_856,
    "regnety_400mf": 4_344_144,
    "resnet50": 25_557_032,
    "resnext50_32x4d": 25_028_904,
    "shufflenet_v2_x1_0": 2_278_604,
    "squeezenet1_1": 1_235_496,
    "vgg16": 138_357_544,
    "yolov5s": 7_235_389,
}
# Without the outputs that only training has a use for.
WITHOUT_ASIDES = {"googlenet": 6_624_904, "inception_v3": 23_834_568}


def text(name: str) -> str:
    return MARKS[name].read_text(encoding="utf-8")


def check(name: str) -> cnndsl.Network:
    return cnndsl.check(text(name), file=f"{name}.cnn")


# The nets


def test_every_mark_is_counted() -> None:
    assert set(MARKS) == set(COUNTS)


@pytest.mark.parametrize("name", MARKS)
def test_form(name: str) -> None:
    source = text(name)
    assert cnndsl.format(source) == source
    assert source.startswith("# ") and f"\nnet {name}\n" in source
    assert cnndsl.diagnose(source, file=f"{name}.cnn") == []


@pytest.mark.parametrize("name", MARKS)
def test_counts(name: str) -> None:
    assert check(name).totals.trainable == COUNTS[name]
    promised = [line for line in text(name).splitlines() if f"== {COUNTS[name]:_}" in line]
    assert len(promised) == 1


@pytest.mark.parametrize("name", WITHOUT_ASIDES)
def test_counts_without_asides(name: str) -> None:
    lines = text(name).splitlines()
    rest = [line for line in lines if not line.startswith(("head ", "expect "))]
    assert cnndsl.check("\n".join(rest)).totals.trainable == WITHOUT_ASIDES[name]


@pytest.mark.parametrize("name", few(MARKS, ("mobilenetv3_small", "convnext_tiny")))
def test_pytorch_builds_it(name: str) -> None:
    """Of that many parameters, and of these outputs; all without values."""
    net = check(name)
    build = frameworks.run(str(load("pytorch").generate(net)))["build_model"]
    with torch.device("meta"):
        model = build().eval()
        size = net.nodes[net.inputs[0]].output
        found = model(torch.zeros(1, size[-1], *size[:-1]))
    assert sum(each.numel() for each in model.parameters()) == COUNTS[name]
    found = found if isinstance(found, dict) else {"main": found}
    for output, index in net.outputs.items():
        shape = net.nodes[index].output
        assert tuple(found[output].shape) == (1, shape[-1], *shape[:-1])


@pytest.mark.frameworks
@pytest.mark.parametrize("name", MARKS)
def test_frameworks_agree(name: str) -> None:
    if not FUZZ and check(name).totals.macs > 0.5e9:
        pytest.skip("takes long; `make fuzz K=marks` runs it")
    assert not verify(check(name), batch=1).problems


@pytest.mark.frameworks
@pytest.mark.parametrize(
    ("name", "theirs"),
    [("mobilenetv3_large", "MobileNetV3Large"), ("mobilenetv3_small", "MobileNetV3Small")],
)
def test_same_weights_as_keras_applications(name: str, theirs: str) -> None:
    """Keras pads otherwise, and has the same weights."""
    import keras

    with keras.device("meta"):
        model: Any = getattr(keras.applications, theirs)(weights=None)
    wanted = Counter(math.prod(weight.shape) for weight in model.trainable_weights)
    assert wanted == Counter(
        math.prod(weight.shape)
        for node in check(name).layers
        for weight in node.layer.all_weights
        if weight.trainable
    )


# Their code


ALL = [*SAMPLES.values(), *MARKS.values()]


@pytest.mark.parametrize(
    ("path", "target"),
    crossed(ALL, ["keras", "pytorch"], ALL[::9]),
    ids=lambda each: getattr(each, "stem", each),
)
def test_a_block_is_one_definition(path: Path, target: str) -> None:
    net = network(path.read_text(encoding="utf-8"), path.name)
    assert net is not None
    assert not shape_of_code(str(load(target).generate(net)), target, net)


# Where each of a block's calls goes a way of its own, its other parameters stand in the ways; and
# what makes an initial value, or crops, is a parameter in the place of the value; an expression
# that no one would read is none.
MERGED = (
    "block b(op, act)", "scale init=p", "conv 4 1 a as q", "conv C 1 a; if first", "let g = f+f-f",
    "deconv n 3 /2 pad=(p:1",
)  # fmt: skip


@pytest.mark.parametrize(("text", "target"), crossed(TRAPS, ["keras", "pytorch"], TRAPS[::6]))
def test_a_block_of_a_trap_is_one_definition(text: str, target: str) -> None:
    net = network(text)
    assert net is not None
    found = shape_of_code(str(load(target).generate(net)), target, net)
    if any(word in text for word in MERGED):
        found = [each for each in found if not re.search(r"has lost (act|a|n|p)$", each)]
    assert not found


# What tells them apart can fail


def first(code: str) -> Any:
    return definitions(ast.parse(code))[0]


@pytest.mark.parametrize(
    "code",
    ["class A(B): pass", 'class A(B):\n    """What."""', "class A(B): ...", "def a(x): pass"],
)
def test_an_empty_definition_is_found(code: str) -> None:
    assert is_empty(first(code))
    assert not is_empty(first("class A(B):\n    def forward(self, x):\n        return x"))
    assert not is_empty(first("def a(x):\n    return x"))


def test_a_decision_is_found() -> None:
    start = "class A(B):\n    def __init__(self, n):\n        super().__init__("
    assert list(decides(first(f"{start}C(n) if n else D())")))
    assert list(decides(first(f"{start}C(3 if n else 4), D())")))
    assert not list(decides(first(f"{start}C(n), D())\n        self.e = 1 if n else 2")))


def test_an_overwritten_parameter_is_found() -> None:
    assert overwritten(first("def f(x, y):\n    x = g(y)\n    return x")) == "x"
    assert overwritten(first('def f(x):\n    """What."""\n    x = 3\n    return x')) == "x"
    assert overwritten(first("def f(x):\n    x = g(x)\n    return x")) is None
    assert overwritten(first("def f(x):\n    y = g(x)\n    return y")) is None


INIT = "class A(nn.Module):\n    def __init__(self, n):\n        super().__init__()\n"


@pytest.mark.parametrize(
    ("code", "wraps"),
    [
        ("class A(S):\n    def __init__(self, n):\n        super().__init__(C(n))", True),
        ("class A(S):\n    def __init__(self, n):\n        super().__init__(C(n), D())", False),
        ("class A(S):\n    def __init__(self, n):\n        super().__init__(*(C(n) for _ in n))", False),  # noqa: E501
        (f"{INIT}        self.c = C(n)\n    def forward(self, x):\n        return self.c(x)", True),
        (f"{INIT}        self.c = C(n)\n    def forward(self, x):\n        return x + self.c(x)", False),  # noqa: E501
        (f"{INIT}        self.c = C(n)\n    def forward(self, x):\n        return F.relu(self.c(x))", False),  # noqa: E501
        (f"{INIT}        self.c = C(n)\n        self.d = D()\n    def forward(self, x):\n        return self.c(x)", False),  # noqa: E501
        ("def a(x, n):\n    return b(x, n, 3)", True),
        ("def a(x, n):\n    return layers.Conv2D(n, 3)(x)", True),
        ("def a(x, n):\n    x = layers.Conv2D(n, 3)(x)\n    return layers.ReLU()(x)", False),
        ("def a(x, n):\n    return layers.ReLU()(layers.Conv2D(n, 3)(x))", False),
        ("def a(x, n):\n    return layers.add([x, b(x, n)])", False),
    ],
)  # fmt: skip
def test_a_wrapper_is_found(code: str, wraps: bool) -> None:
    assert is_wrapper(first(code)) == wraps


@pytest.mark.parametrize(
    ("text", "code", "wrong"),
    [
        ("b 3; b 4", "def b(x, n):\n    return c(d(x), n)\nb(x, 3)\nb(x, 4)", []),
        ("b 3; b 4", "def b(x, size):\n    return c(d(x), n)", ["`b` has lost n"]),
        ("b 3; b 3", "def b(x):\n    return c(d(x), 3)", []),
        (
            "repeat 3 { b 3 }",
            "def b(x, n):\n    return c(d(x), n)\nb(x, 3)\nb(x, 3)\nb(x, 3)",
            ["`b` is called 3 times, and 1 in the source"],
        ),
        (
            "b 3",
            "def b(x, n):\n    return c(d(x))\ndef b2(x):\n    return x\ndef e(x): pass",
            ["3 definitions for 1 blocks and the net: b, b2, e", "`e` is empty"],
        ),
    ],
)
def test_lost_parameters_and_loops_are_found(text: str, code: str, wrong: list[str]) -> None:
    net = network(f"block b(n) {{ conv n 1; relu }}; input 8x8x4; {text}")
    assert net is not None
    assert shape_of_code(code, "keras", net) == wrong
