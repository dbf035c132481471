"""`cnndsl verify`: that it finds what is wrong, names it, and says it well."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from nets import branching_nets, network, straight_nets

import cnndsl
from cnndsl.cli import main
from cnndsl.contract import TargetError, Unavailable
from cnndsl.proof import frameworks, show
from cnndsl.proof.verify import ModelComparison, Verification, compare, verify
from cnndsl.targets import load

NET = """\
input 8x8x3
conv 4 3 /2 same relu; bn
add { conv 4 3 same | skip }
pool 2; flatten; dropout 0.5
dense 5
"""


def broken(text: str, target: str, right: str, wrong: str) -> Verification:
    net = cnndsl.check(text)
    code = str(load(target).generate(net))
    assert right in code, code
    return verify(net, {target: code.replace(right, wrong, 1)})


def test_nothing_is_wrong_where_all_is_well() -> None:
    seen: list[int] = []
    net = cnndsl.check(NET)
    report = verify(net, progress=seen.append)
    assert report and report.problems == []
    assert report.names == ("Keras", "PyTorch")
    assert set(report.layers) == {node.index for node in net.layers}
    assert seen == list(range(1, len(net.layers) + 1))
    assert 0 < report.error < 1e-12 and report.outputs["main"].share < 1e-12


@pytest.mark.parametrize(
    "target, right, wrong, layer, message",
    [
        ("pytorch", "(0, 1, 0, 1)", "(1, 0, 1, 0)", "conv1", "the values differ"),
        ("pytorch", "eps=0.001", "eps=0.0011", "bn1", "the values differ"),
        ("pytorch", "momentum=0.01", "momentum=0.99", "bn1",
         "PyTorch has momentum 0.01, and the net 0.99"),
        ("pytorch", "Dropout(0.5)", "Dropout(0.4)", "dropout1",
         "PyTorch has rate 0.4, and the net 0.5"),
        ("pytorch", "nn.ReLU()", "nn.LeakyReLU(0.3)", "conv1", "the values differ"),
        ("pytorch", "nn.ReLU(),", "", "conv1", "PyTorch runs BatchNorm2d, where ReLU is to come"),
        ("pytorch", "nn.MaxPool2d(2)", "nn.AvgPool2d(2)", "pool1", "the values differ"),
        ("pytorch", "nn.MaxPool2d(2)", "nn.MaxPool2d(2, 1)", "pool1",
         "PyTorch gives 3x3x4, and the net 2x2x4"),
        ("pytorch", "nn.Linear(16, 5),", "nn.Linear(16, 5), nn.ReLU(),", "dense1",
         "PyTorch runs ReLU after all layers"),
        ("pytorch", "nn.Linear(16, 5)", "nn.Linear(16, 6)", "dense1",
         "PyTorch keeps (6, 16), and the net wants (5, 16)"),
        ("pytorch", "nn.Linear(16, 5)", "nn.Linear(15, 5)", "dense1",
         "PyTorch keeps (5, 15), and the net wants (5, 16)"),
        ("keras", "strides=2", "strides=2, dilation_rate=1", "", ""),
        ("keras", 'activation="relu"', 'activation="relu6"', "conv1", "the values differ"),
        ("keras", "epsilon=0.001", "epsilon=0.00101", "bn1", "the values differ"),
        ("keras", "layers.add(", "layers.average(", "add1", "the values differ"),
        ("keras", "layers.Dense(5)", "layers.Dense(5, use_bias=False)", "dense1",
         "Keras keeps 1 arrays, and the net wants 2"),
        ("keras", "layers.BatchNormalization(", "layers.BatchNormalization(trainable=False, ",
         "bn1", "Keras keeps it, and the net trains"),
    ],
)  # fmt: skip
def test_the_first_layer_that_differs_is_named(
    target: str, right: str, wrong: str, layer: str, message: str
) -> None:
    report = broken(NET, target, right, wrong)
    if not layer:  # the same in other words
        assert report
        return
    assert not report
    first = report.problems[0]
    assert first.node is not None
    assert (first.node.name, first.message) == (layer, message)
    # No other layer is blamed for it: each has the same input in both.
    assert {p.node.name for p in report.problems if p.node} == {layer}


def test_what_is_read_from_elsewhere_is_found() -> None:
    net = "input 8x8x4; conv 4 1 as a; conv 4 1 as b; add { conv 4 3 same | from a | from b }"
    report = broken(net, "keras", ", a, b]", ", b, b]")
    assert [p.message for p in report.problems] == [
        "Keras reads b and conv1 here", "the values differ",
    ]  # fmt: skip
    report = broken(net, "pytorch", "+ a + b", "+ b + b")
    assert report.problems[0].node is not None and report.problems[0].node.name == "add1"
    text = "input 8x8x4; conv 4 1; head side { gap; dense 4 }; gmp; dense 4"
    code = str(load("pytorch").generate(cnndsl.check(text)))
    swapped = code.replace('"main"', '"x"').replace('"side"', '"main"').replace('"x"', '"side"')
    report = verify(cnndsl.check(text), {"pytorch": swapped})
    assert [p.message for p in report.problems] == [
        "the outputs of PyTorch are not those of the net"
    ]


def test_a_model_that_fails_is_a_problem_in_a_line() -> None:
    report = broken(NET, "keras", "layers.MaxPooling2D(2)", "layers.Activation(boom)")
    message = "the code of the target keras fails: NameError: name 'boom' is not defined"
    assert [(p.node, p.message) for p in report.problems] == [(None, message)]
    report = broken(
        "input 4x4x2; relu; gelu",
        "keras",
        'layers.Activation("gelu")',
        "layers.Activation(lambda x: x if x.shape[0] is None else 1 / 0)",
    )
    (problem,) = report.problems
    assert problem.node is not None and problem.node.name == "gelu1"
    assert problem.message.startswith("Keras fails here: ZeroDivisionError: ")
    assert "\n" not in problem.message


# The measure


def test_the_measure() -> None:
    one, other = np.array([1.0, -8.0, 0.0]), np.array([1.0, -8.0, 0.5])
    apart = compare(one, other)
    assert apart == (0.5 / 8, (2,), (0.0, 0.5))
    assert compare(one, one).share == 0
    odd = np.array([np.nan, np.inf, 1.0])
    assert compare(odd, odd).share == 0
    assert compare(odd, np.array([np.nan, np.inf, 2.0])).share == 0.5
    assert compare(odd, np.array([0.0, np.inf, 1.0])).share == np.inf
    # What comes out of nothing but rounding is no difference.
    assert compare(np.array([1e-16]), np.array([0.0]), largest=1.0).share < 1e-9


@given(straight_nets() | branching_nets(), st.data())
@settings(max_examples=settings.default.max_examples // 4)
def test_property_one_wrong_weight_is_seen_at_its_layer(text: str, data: st.DataObject) -> None:
    """A weight that is a little off in one model is found, in its layer and in no other."""
    net = network(text)
    assert net is not None
    from cnndsl.codegen import weights as canonical
    from cnndsl.targets.pytorch import weights as torch_weights

    kept = list(canonical.slots(net))
    assume(kept)
    victim = data.draw(st.sampled_from(kept))
    put = torch_weights.put

    def off(live: Any, weights: Any, node: Any = None) -> None:
        wrong = dict(weights)
        array = wrong[victim.key] = wrong[victim.key].copy()
        array *= np.float32(1.01)
        put(live, wrong, node)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch_weights, "put", off)
        try:
            report = verify(net)
        except TargetError:
            assume(False)
    blamed = {problem.node.name for problem in report.problems if problem.node}
    assert blamed <= {victim.node.name}
    # A weight may meet nothing but zeros; a bias or a kernel's sum does not vanish.
    apart = report.layers[victim.node.index]
    assert bool(blamed) == (apart.share > 1e-9)


class Fake:
    """A whole model of 80 like layers."""

    name = "Fake"

    def __init__(self, step: Any) -> None:
        self.step = step

    def run(self, inputs: list[np.ndarray]) -> dict[str, np.ndarray]:
        """A map so often run that last digits may come to be the first."""
        (x,) = inputs
        for _ in range(80):
            x = self.step(x)
        return {"main": x}


@pytest.mark.parametrize(
    "one, other, same",
    [
        (lambda x: 4 * x * (1 - x), lambda x: 4 * x - 4 * x * x, True),
        (lambda x: 2.5 * x * (1 - x), lambda x: 2.5 * x - 2.5 * x * x, True),
        (lambda x: 2.5 * x * (1 - x), lambda x: 2.5001 * x * (1 - x), False),
    ],
)
def test_what_a_net_makes_of_rounding_is_let_pass(one: Any, other: Any, same: bool) -> None:
    comparison = ModelComparison(cnndsl.check("input 9; relu"), tolerance=1e-9)
    comparison.models = [(Fake(one), None), (Fake(other), None)]
    comparison.whole([np.random.default_rng(0).uniform(0.1, 0.9, (2, 9))])
    assert (not comparison.problems) == same


# What is printed


def test_text(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "net.cnn"
    file.write_text("input 6x6x2\nconv 3 3 relu; flatten; dense 4", encoding="utf-8")
    assert main(["verify", str(file)]) == 0
    assert capsys.readouterr().out == (
        "name                 layer            output  difference\n"
        "-------------------  ---------------  ------  ----------\n"
        "conv1                conv 3 3x3 relu  4x4x3      < 1e-12\n"
        "flatten1             flatten          48         < 1e-12\n"
        "dense1               dense 4          4          < 1e-12\n"
        "-------------------  ---------------  ------  ----------\n"
        "output of the whole                              < 1e-12\n"
        "\n"
        "Keras and PyTorch compute the same network\n"
    )


def test_constants_are_no_weights() -> None:
    """A helper may keep numbers that are not learned, and that no file holds."""
    net = cnndsl.check("input 6x6x2; scale; bn; conv 3 2")
    code = str(load("pytorch").generate(net))
    line = "        self.weight = nn.Parameter("
    kept = '        self.register_buffer("one", torch.ones(1), persistent={})\n'
    assert line in code
    code = code.replace("return x * self.weight", "return x * self.one * self.weight")
    held = verify(net, {"pytorch": code.replace(line, kept.format(False) + line)})
    assert held, held.problems
    held = verify(net, {"pytorch": code.replace(line, kept.format(True) + line)})
    assert [problem.message for problem in held.problems] == [
        "PyTorch keeps 2 arrays, and the net wants 1"
    ]


def test_text_of_a_difference() -> None:
    report = broken(
        "input 6x6x2; avgpool 3 /1 pad=1; flatten; dense 4",
        "pytorch", "count_include_pad=False", "count_include_pad=True",
    )  # fmt: skip
    lines, text = show.as_text(report)
    apart = report.problems[0].apart
    assert apart is not None
    sample, row, column, channel = apart.place
    one, other = (f"{value:.6g}" for value in apart.values)
    assert text == (
        f"error: avgpool1: the values differ by {apart.share:.2g} of the largest\n"
        " --> <text>:1:14\n"
        "  |\n"
        "1 | input 6x6x2; avgpool 3 /1 pad=1; flatten; dense 4\n"
        "  |              ^^^^^^^^^^^^^^^^^^\n"
        f"  = at sample {sample}, height {row}, width {column}, channel {channel} (from 0) "
        f"Keras has {one} and PyTorch has {other}\n"
    )
    assert [line[3] for line in lines[1:]] == [show.share(apart.share), "< 1e-12", "< 1e-12", ""]


def test_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("a", "b"):
        (tmp_path / f"{name}.cnn").write_text("input 6\ndense 4", encoding="utf-8")
    assert main(["verify", str(tmp_path), "--format", "json", "--tolerance", "0"]) in (0, 1)
    found = json.loads(capsys.readouterr().out)
    assert [row["net"] for row in found] == ["a", "b"]
    (layer,) = found[0]["layers"]
    assert layer["name"] == "dense1" and layer["line"] == 2 and layer["output"] == [4]
    assert layer["difference"] < 1e-12 and len(layer["at"]) == len(layer["values"]) == 2
    assert found[0]["agree"] is (found[0]["problems"] == [])
    assert found[0]["outputs"][0]["name"] == "main"


def test_exit_codes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "net.cnn"
    file.write_text("input 6x6x3\nln; dense 4", encoding="utf-8")
    assert main(["verify", str(file)]) == 1
    assert "error[E204]" in capsys.readouterr().err
    assert main(["verify", str(tmp_path / "none.cnn")]) == 2
    for words in (["--tolerance", "x"], ["--tolerance", "-1"], ["--seed", "-1"], ["--batch", "0"]):
        assert main(["verify", str(file), *words]) == 2
    file.write_text("input 5x7x3\nln; softmax; gap; dense 9 selu; ln", encoding="utf-8")
    codes = {main(["verify", str(file), "--tolerance", "0", "--seed", str(s)]) for s in range(3)}
    assert codes == {1}, "three seeds, and no rounding anywhere"


@pytest.mark.parametrize("missing, name", [("keras", "Keras"), ("torch", "PyTorch")])
def test_what_is_missing_is_told_in_a_line(
    missing: str,
    name: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    file = tmp_path / "net.cnn"
    file.write_text("input 6\ndense 4", encoding="utf-8")
    monkeypatch.setattr(frameworks, "find_spec", lambda library: library != missing or None)
    assert main(["verify", str(file)]) == 2
    line = f"cnndsl: {name} is not installed: pip install 'cnndsl[keras,torch]'\n"
    assert capsys.readouterr() == ("", line)


@pytest.mark.parametrize(
    "words, library",
    [
        (["verify", "-"], "Keras is not installed: pip install 'cnndsl[keras,torch]'"),
        (
            ["weights", "-", "--from", "a.pt", "--to", "b.pt"],
            "NumPy is not installed: pip install 'cnndsl[weights]'",
        ),
    ],
)
def test_nothing_is_there_but_what_check_needs(words: list[str], library: str) -> None:
    """As `pip install cnndsl` leaves it: no NumPy either, which all of them bring."""
    bare = "keras torch numpy h5py safetensors onnx".split()
    code = (
        "import sys; from importlib.machinery import PathFinder as P; find = P.find_spec\n"
        "P.find_spec = lambda name, *more: "
        f"None if name.split('.')[0] in {bare} else find(name, *more)\n"
        f"import cnndsl.cli; sys.exit(cnndsl.cli.main({words}))"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], input="input 4\ndense 3", capture_output=True, text=True
    )
    assert (run.returncode, run.stdout, run.stderr) == (2, "", f"cnndsl: {library}\n")


def test_keras_gets_a_backend_that_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KERAS_BACKEND")
    frameworks.ready()
    assert os.environ["KERAS_BACKEND"] == "torch"
    for name in ("no_such_backend", "os.path", ".x", "os"):
        monkeypatch.setenv("KERAS_BACKEND", name)
        with pytest.raises(Unavailable, match=f"`{name}` of Keras"):
            frameworks.ready()


@pytest.mark.frameworks
@pytest.mark.parametrize("backend", ["jax", "numpy"])
def test_other_backends_of_keras_are_as_precise(backend: str) -> None:
    """NumPy's convolutions are JAX's, which has no doubles unless told so."""
    pytest.importorskip("jax")
    environment = {name: v for name, v in os.environ.items() if name != "JAX_ENABLE_X64"}
    run = subprocess.run(
        [sys.executable, "-c", "import cnndsl.cli; cnndsl.cli.main(['verify', '-'])"],
        input="input 9x9x3; conv 4 3 /2 same prelu; pool 3 /1 same; flatten; dense 3 softmax",
        env=environment | {"KERAS_BACKEND": backend},
        capture_output=True,
        text=True,
    )
    assert run.stdout.endswith("compute the same network\n")
    assert run.stdout.count("< 1e-12") == 5


@pytest.mark.frameworks
def test_on_its_own_it_is_quiet() -> None:
    """In a process of its own: no backend named, no warnings, nothing on standard error."""
    environment = {name: v for name, v in os.environ.items() if name != "KERAS_BACKEND"}
    run = subprocess.run(
        [sys.executable, "-c", "import cnndsl.cli; cnndsl.cli.main(['verify', '-'])"],
        input="input 9x9x3; bn; conv 4 3 /2; flatten; dense 3 softmax",
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert run.stdout.endswith("compute the same network\n")
    assert run.stderr == ""
