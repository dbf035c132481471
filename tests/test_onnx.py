"""ONNX files: what the checker takes, and onnxruntime computes as numpy and Keras do."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import oracle
import pytest
from conftest import few
from hypothesis import HealthCheck, given, settings
from nets import branching_nets, network, straight_nets
from reference import MERGED, computed, reference
from test_forms import ONES, SOME, one

import cnndsl
from cnndsl.codegen import weights as canonical
from cnndsl.codegen.code import NotExpressible
from cnndsl.contract import TargetError, Unavailable
from cnndsl.layers import LAYERS, Layer
from cnndsl.network import Network
from cnndsl.proof import frameworks
from cnndsl.proof.verify import verify
from cnndsl.targets.onnx import forms
from cnndsl.targets.onnx import generate as to_onnx
from cnndsl.targets.onnx.graph import OPSET, Emitter, Graph

ROOT = Path(__file__).resolve().parent.parent
FUZZ = os.environ.get("HYPOTHESIS_PROFILE") == "fuzz"
MANY = 2000 if FUZZ else settings.default.max_examples // 4
SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large]
# Nets of branches, dense blocks, steps of all kinds; small enough to run in a moment.
SAMPLES = ("article", "lenet5", "padding", "squeezenet1_0", "mobilenetv2", "resnet18", "ecg1d",
           "two_inputs", "two_outputs", "inception_block", "tutorial")  # fmt: skip


def checked(data: bytes) -> onnx.ModelProto:
    """The model in a file that the checker, with the shapes that it infers, has passed."""
    model = onnx.load_from_string(data)
    onnx.checker.check_model(model, full_check=True)
    return model


def run(data: bytes, images: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """What onnxruntime makes of images, channels last; by the names of outputs."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(data, options, ["CPUExecutionProvider"])
    given = {name: oracle.channels_first(image) for name, image in images.items()}
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, map(oracle.channels_last, session.run(names, given))))


def pictures(net: Network, batch: int = 2) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(1)
    shapes = {net.nodes[index].name: net.nodes[index].output for index in net.inputs}
    return {
        name: rng.normal(size=(batch, *shape)).astype("float32") for name, shape in shapes.items()
    }


def agree(net: Network, batch: int = 2) -> None:
    """Fail where onnxruntime and Keras differ on a network."""
    report = verify(net, batch=batch)
    assert report, report.problems
    live, place = frameworks.build(net, "keras")
    place.put(live, report.weights)
    images = pictures(net, batch)
    expected = live.run(list(images.values()))
    data = to_onnx(net, weights=report.weights)
    model = checked(data)
    assert len(model.graph.node) == len({node.name for node in model.graph.node})
    found = run(data, images)
    outputs = [each for each in net.outputs.items() if each[0] not in net.training_outputs]
    assert len(found) == len(outputs)
    for value, (name, index) in zip(found.values(), outputs):
        assert value.shape == (batch, *net.nodes[index].output)
        assert oracle.difference(value, expected[name]) < 1e-3, name


# Each layer


@pytest.mark.parametrize("size, line", few(ONES, SOME))
def test_a_layer_is_what_numpy_makes_of_it(size: str, line: str) -> None:
    net = one(size, line)
    layer = net.nodes[-1].layer
    weights = canonical.random(net)
    (image,) = images = list(pictures(net).values())
    image *= 2
    expected = reference(layer, image, {key.rsplit(".")[-1]: w for key, w in weights.items()})
    data = to_onnx(net, weights=weights)
    checked(data)
    (found,) = run(data, {net.nodes[0].name: image}).values()
    assert found.shape == expected.shape and len(images) == 1
    assert oracle.difference(found, expected) < oracle.TOLERANCE


@pytest.mark.parametrize("text", MERGED)
def test_a_merge_is_what_numpy_makes_of_it(text: str) -> None:
    net = cnndsl.check(text)
    images = pictures(net)
    expected = computed(net, list(images.values()), {})[-1]
    (found,) = run(to_onnx(net), images).values()
    assert found.shape == expected.shape
    assert oracle.difference(found, expected) < oracle.TOLERANCE


def test_every_layer_has_a_form() -> None:
    where = "FORMS of cnndsl/targets/onnx/forms.py has a row for each layer"
    assert set(forms.FORMS) == set(LAYERS.values()), where


# Whole nets


@pytest.mark.parametrize("name", few(SAMPLES, ("article", "ecg1d", "two_outputs")))
def test_samples(name: str) -> None:
    agree(cnndsl.check((ROOT / "samples" / f"{name}.cnn").read_text("utf-8")), batch=1)


@given(straight_nets())
@settings(max_examples=MANY, suppress_health_check=SLOW)
def test_straight_nets(text: str) -> None:
    net = network(text)
    assert net is not None
    agree(net)


@given(branching_nets())
@settings(max_examples=MANY, suppress_health_check=SLOW)
def test_branching_nets(text: str) -> None:
    net = network(text)
    assert net is not None
    agree(net)


# Names


def test_forms_have_constants_without_numpy() -> None:
    """A layer may read numbers that are no weights, of any shape."""
    net = one("4x4x2", "relu")
    graph = Graph(net, {}, "")
    name = Emitter(graph, net.nodes[-1]).numbers("taps", 1, 2, 3, 4, shape=(2, 1, 2))
    found = onnx.numpy_helper.to_array(graph.initializers[name])
    assert found.tolist() == [[[1, 2]], [[3, 4]]] and found.dtype == "float32"


def test_names_are_those_of_the_net() -> None:
    net = cnndsl.check(
        "input 8x8x3 as image; conv 4 3 same relu as first; bn; flatten; dense 2 softmax"
    )
    model = checked(to_onnx(net))
    assert [node.name for node in model.graph.node] == [
        "first", "first/relu", "bn1", "flatten1/Transpose", "flatten1", "dense1", "dense1/softmax",
    ]  # fmt: skip
    assert [tensor.name for tensor in model.graph.initializer] == list(canonical.random(net))
    assert [value.name for value in model.graph.input] == ["image"]
    assert [value.name for value in model.graph.output] == ["main"]
    (size,) = (value.type.tensor_type.shape.dim for value in model.graph.input)
    assert [d.dim_param or d.dim_value for d in size] == ["N", 3, 8, 8]
    assert model.opset_import[0].version == OPSET


@pytest.mark.parametrize(
    "text",
    [
        "input 8x8x4 as main; conv 4 1; add { skip | from main }",
        "input 8x8x3; conv 4 1 as main; conv 4 1 as side; head side2 { skip }; conv 2 1",
        "input 8x8x3; conv 4 1; head side { skip }; head other { skip }",
        "input 8x8x3; head side { skip }; dropout 0.5",
        "input 8x8x3; conv 2 1 as conv2; conv 2 1; conv 2 1 relu; flatten; flatten",
        "input 8x8x3; add { skip | relu }; head side { gap; softmax }; gmp; softmax",
    ],
)
def test_names_collide_with_nothing(text: str) -> None:
    agree(cnndsl.check(text))


# Weights


@pytest.mark.parametrize("defaults", ("keras", "torch"))
def test_a_file_begins_as_defaults_say(defaults: str) -> None:
    net = one("9x9x16", "sepconv 32 3 mult=2 prelu", defaults)
    model = checked(to_onnx(net))
    arrays = {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
    for kept in canonical.slots(net):
        array, start = arrays[kept.key], kept.weight.initial
        if hasattr(start, "value"):
            assert (array == start.value).all()
        else:
            assert 0.9 * start.limit < np.abs(array).max() <= start.limit


def test_same_bytes_again_and_others_for_another_seed() -> None:
    code = (
        "import sys, cnndsl; text = open('samples/squeezenet1_0.cnn').read()\n"
        "sys.stdout.buffer.write(cnndsl.build(text, 'onnx', seed=int(sys.argv[1])))"
    )
    found = [
        subprocess.run(
            [sys.executable, "-c", code, seed],
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": hashes},
            capture_output=True,
            check=True,
        ).stdout
        for seed, hashes in (("0", "1"), ("0", "2"), ("7", "1"))
    ]
    assert found[0] == found[1] != found[2]


def test_weights_that_are_not_the_net_s() -> None:
    net = one("9x9x3", "conv 4 3")
    weights = canonical.random(net)
    weights["conv1.bias"] = weights["conv1.bias"][:2]
    with pytest.raises(canonical.Misfit, match=r"conv1\.bias"):
        to_onnx(net, weights=weights)


# What cannot be


def test_a_layer_without_a_form_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(forms.FORMS, LAYERS["minpool"])
    with pytest.raises(TargetError) as caught:
        to_onnx(cnndsl.check("input 8x8x3; conv 4 3; minpool 2; minpool 3; relu"))
    found = caught.value.diagnostics
    assert [(d.code, d.message) for d in found] == [("E401", "ONNX has no form of `minpool`")] * 2
    assert all(diagnostic.help for diagnostic in found)


def test_more_weights_than_a_file_holds() -> None:
    net = cnndsl.check("input 30000; dense 20; dense 30000; dense 30000")
    with pytest.raises(TargetError) as caught:
        to_onnx(net)
    (diagnostic,) = caught.value.diagnostics
    assert diagnostic.code == "E401" and "in dense3" in diagnostic.message and diagnostic.help
    assert net.source.text[diagnostic.span.start :] == "dense 30000"


def test_without_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(Unavailable, match=r"pip install 'cnndsl\[onnx\]'"):
        to_onnx(one("8x8x3", "relu"))


def test_a_form_is_asked_by_kind(monkeypatch: pytest.MonkeyPatch) -> None:
    class Odd(Layer):
        op, title = "odd", "odd"

    layer = Odd({}, (4, 4, 2), one("4x4x2", "relu").nodes[-1].layer.context)
    with pytest.raises(NotExpressible, match="no form of `odd`"):
        forms.lower(None, layer, "x")  # type: ignore[arg-type]
