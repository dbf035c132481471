"""Models of Keras as graphs: the same function, all arrays, and all that is in the way."""

from __future__ import annotations

import io
import json
import math
import random
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from conftest import few

pytest.importorskip("keras")
pytest.importorskip("h5py")

import keras
import numpy
from keras import layers

import cnndsl
from cnndsl.importers.graph import Graph, ImportProblems
from cnndsl.importers.keras_config import read_config
from cnndsl.importers.keras_file import read_json, read_keras, read_model
from cnndsl.importers.keras_layers import KerasGraph
from cnndsl.importers.source import read_source
from cnndsl.importers.write import to_text
from cnndsl.layers.source import call_of
from cnndsl.proof import imported
from cnndsl.proof.keras_values import values

SAMPLES = Path(__file__).parent.parent / "samples"

MAP, SIGNAL, VECTOR = (8, 10, 4), (12, 6), (5,)

LAYERS: list[tuple[str, dict[str, Any], tuple[int, ...], str]] = [
    ("Conv2D", {"filters": 6, "kernel_size": [3, 3]}, MAP, "conv 6 3x3"),
    ("Conv2D", {"filters": 6, "kernel_size": 3, "activation": "relu"}, MAP, "conv 6 3x3 relu"),
    ("Conv2D", {"filters": 6, "kernel_size": 3, "activation": "elu"}, MAP, "conv 6 3x3 elu"),
    (
        "Conv2D",
        {"filters": 4, "kernel_size": 1, "groups": 2, "use_bias": False, "strides": [2, 1]},
        MAP,
        "conv 4 1x1 /2x1 groups=2 nobias",
    ),
    ("Conv2D", {"filters": 4, "kernel_size": 3, "padding": "same"}, MAP, "conv 4 3x3 same"),
    (
        "Conv1D",
        {"filters": 4, "kernel_size": 3, "padding": "causal", "dilation_rate": 2},
        SIGNAL,
        "conv 4 3 pad=4:0 dilation=2",
    ),
    ("DepthwiseConv2D", {"kernel_size": 3, "depth_multiplier": 2}, MAP, "dwconv 3x3 mult=2"),
    (
        "DepthwiseConv2D",
        {"kernel_size": 1, "use_bias": False, "depthwise_initializer": {"class_name": "Ones"}},
        MAP,
        "scale",
    ),
    ("SeparableConv2D", {"filters": 7, "kernel_size": 3}, MAP, "sepconv 7 3x3"),
    (
        "Conv2DTranspose",
        {"filters": 3, "kernel_size": 3, "strides": 2, "padding": "same"},
        MAP,
        "deconv 3 3x3 /2 same",
    ),
    (
        "Conv2DTranspose",
        {"filters": 3, "kernel_size": 3, "strides": 2, "padding": "same", "output_padding": 0},
        MAP,
        "deconv 3 3x3 /2 pad=1",
    ),
    (
        "Conv2DTranspose",
        {"filters": 3, "kernel_size": 4, "strides": 2},
        MAP,
        "deconv 3 4x4 /2",
    ),
    (
        "Conv2DTranspose",
        {"filters": 3, "kernel_size": 2, "strides": 3},
        MAP,
        "deconv 3 2x2 /3 same",
    ),
    ("MaxPooling2D", {}, MAP, "pool 2x2"),
    ("MaxPool2D", {"pool_size": 3, "strides": 2, "padding": "same"}, MAP, "pool 3x3 /2 same"),
    ("AveragePooling1D", {"pool_size": 3}, SIGNAL, "avgpool 3"),
    ("GlobalAveragePooling2D", {"keepdims": True}, MAP, "gap keep"),
    ("GlobalMaxPooling1D", {}, SIGNAL, "gmp"),
    ("AdaptiveAveragePooling2D", {"output_size": [2, 3]}, MAP, "avgpool to=2x3"),
    ("UpSampling2D", {"size": [2, 3]}, MAP, "up 2x3"),
    ("UpSampling2D", {"interpolation": "bilinear"}, MAP, "up 2 bilinear"),
    ("Resizing", {"height": 5, "width": 7}, MAP, "up to=5x7 bilinear"),
    ("ZeroPadding2D", {"padding": [[0, 1], [2, 3]]}, MAP, "zeropad 0:1x2:3"),
    ("ZeroPadding1D", {"padding": [1, 2]}, SIGNAL, "zeropad 1:2"),
    ("Cropping2D", {"cropping": [1, 2]}, MAP, "crop 1x2"),
    ("Dense", {"units": 3, "activation": "softmax"}, VECTOR, "dense 3 softmax"),
    ("Dense", {"units": 3}, MAP, "conv 3 1x1"),
    ("Dense", {"units": 3, "use_bias": False}, SIGNAL, "conv 3 1 nobias"),
    (
        "BatchNormalization",
        {"axis": [3], "momentum": 0.9, "epsilon": 0.01, "scale": False},
        MAP,
        "bn eps=0.01 momentum=0.9 noscale",
    ),
    ("BatchNormalization", {"axis": 1}, VECTOR, "bn"),
    ("LayerNormalization", {"axis": [-1]}, MAP, "ln"),
    (
        "LayerNormalization",
        {"axis": [1, 2, 3], "scale": False, "center": False},
        MAP,
        "gn 1 noscale noshift",
    ),
    ("GroupNormalization", {"groups": 2}, MAP, "gn 2"),
    ("GroupNormalization", {"groups": -1}, MAP, "inorm"),
    ("Rescaling", {"scale": 0.5, "offset": -1}, MAP, "rescale 0.5 offset=-1"),
    ("Rescaling", {"scale": [1, 2, 3, 4]}, MAP, "rescale 1x2x3x4"),
    ("Normalization", {"mean": [1], "variance": [4]}, MAP, "rescale 0.5 offset=-0.5"),
    ("Dropout", {"rate": 0.25}, MAP, "dropout 0.25"),
    ("Dropout", {"rate": 0.25, "noise_shape": [None, 1, 1, 1]}, MAP, "droppath 0.25"),
    ("ReLU", {}, MAP, "relu"),
    ("ReLU", {"max_value": 6.0}, MAP, "relu6"),
    ("ReLU", {"max_value": 4}, MAP, "clamp 0 4"),
    ("ReLU", {"negative_slope": 0.1}, MAP, "leaky_relu 0.1"),
    ("LeakyReLU", {}, MAP, "leaky_relu"),
    ("LeakyReLU", {"alpha": 0.2}, MAP, "leaky_relu 0.2"),
    ("Activation", {"activation": "leaky_relu"}, MAP, "leaky_relu 0.2"),
    ("Activation", {"activation": "swish"}, MAP, "silu"),
    ("Activation", {"activation": "hard_silu"}, MAP, "hard_swish"),
    ("ELU", {"alpha": 0.5}, MAP, "elu 0.5"),
    ("Softmax", {}, VECTOR, "softmax"),
    ("Softmax", {"axis": 1}, MAP, "softmax axis=height"),
    ("PReLU", {"shared_axes": [1, 2]}, MAP, "prelu"),
    ("Flatten", {}, MAP, "flatten"),
    ("Reshape", {"target_shape": [-1, 4]}, MAP, "reshape 80x4"),
    ("Permute", {"dims": [2, 1, 3]}, MAP, "permute 2x1x3"),
    ("Permute", {"dims": [2, 1]}, SIGNAL, "transpose"),
    ("LayerScale", {"init_values": 0.1, "projection_dim": 4}, MAP, "scale init=0.1"),
    ("StochasticDepth", {"drop_path_rate": 0.1}, MAP, "droppath 0.1"),
]


def one(kind: str, config: dict[str, Any], shape: tuple[int, ...], version: int = 3) -> Graph:
    """The graph of one layer."""
    graph = Graph()
    builder = KerasGraph(graph, version)
    builder.output(builder.layer(kind, config, [builder.input(shape)], "here"))
    return graph


@pytest.mark.parametrize(("kind", "config", "shape", "said"), LAYERS, ids=lambda each: str(each))
def test_a_layer_is_a_word(
    kind: str, config: dict[str, Any], shape: tuple[int, ...], said: str
) -> None:
    graph = one(kind, config, shape)
    assert not graph.problems
    assert [call_of(op.layer) for op in graph.ops[1:]] == [said]


MADE = [
    each
    for each in LAYERS
    if hasattr(layers, each[0])
    and each[0] != "Normalization"
    and "depthwise_initializer" not in each[1]  # which takes an object
    and (each[0], each[1].get("axis")) != ("BatchNormalization", [3])  # of Keras 2, as the next
    and (each[0], "alpha" in each[1]) != ("LeakyReLU", True)
]


@pytest.mark.parametrize(("kind", "config", "shape", "said"), MADE, ids=lambda each: str(each))
def test_its_shape_and_arrays_are_those_of_keras(
    kind: str, config: dict[str, Any], shape: tuple[int, ...], said: str
) -> None:
    config = {name: tuple(v) if name == "target_shape" else v for name, v in config.items()}
    layer = getattr(layers, kind)(**config)
    graph = one(kind, config, shape)
    assert layer(keras.Input(shape)).shape[1:] == graph.ops[-1].shape
    assert [each.shape for each in graph.arrays.values()] == [w.shape for w in layer.weights]
    assert [each.trainable for each in graph.arrays.values()] == [
        w.trainable for w in layer.weights
    ]


def test_a_row_of_rearrangements_that_is_no_one_word() -> None:
    graph = Graph()
    builder = KerasGraph(graph)
    value = builder.layer("Permute", {"dims": [1, 3, 2]}, [builder.input((1, 4, 4))])
    builder.output(builder.layer("Reshape", {"target_shape": [1, 1, 16]}, [value]))
    said = [call_of(op.layer) for op in graph.ops[1:]]
    assert said == ["permute 1x3x2", "reshape 1x1x16"]


def test_what_does_nothing_is_left_out() -> None:
    for kind, config in (("Dropout", {"rate": 0}), ("Activation", {"activation": "linear"})):
        assert len(one(kind, config, MAP).ops) == 1
    assert len(one("Identity", {}, MAP).ops) == 1


def test_hard_sigmoid_was_another_before_keras_3() -> None:
    said = {n: one("Activation", {"activation": "hard_sigmoid"}, MAP, n) for n in (2, 3)}
    assert [call_of(op.layer) for op in said[2].ops[1:]] == ["rescale 0.2 offset=0.5", "clamp 0 1"]
    assert [call_of(op.layer) for op in said[3].ops[1:]] == ["hard_sigmoid"]


UNSAID: list[tuple[str, dict[str, Any], tuple[int, ...], str]] = [
    ("Conv2D", {"filters": 6, "kernel_size": 3, "data_format": "channels_first"}, MAP, "E601"),
    ("Conv2D", {"filters": 6, "kernel_size": 3, "activation": "squareplus"}, MAP, "E601"),
    ("Conv2D", {"filters": 6, "kernel_size": 3}, VECTOR, "E204"),
    ("Conv2D", {"filters": 6, "kernel_size": 9}, MAP, "E203"),
    ("Conv2D", {"filters": "many", "kernel_size": 3}, MAP, "E607"),
    ("Conv2D", {"filters": 10**40, "kernel_size": 3}, MAP, "E607"),
    ("Conv2D", {"kernel_size": 3}, MAP, "E607"),
    ("BatchNormalization", {"axis": 1}, MAP, "E601"),
    ("LayerNormalization", {"axis": [1, 2, 3]}, MAP, "E601"),
    ("LayerNormalization", {"rms_scaling": True}, MAP, "E601"),
    ("Normalization", {}, MAP, "E604"),
    ("Dropout", {"rate": 0.5, "noise_shape": [None, 1, 10, 1]}, MAP, "E601"),
    ("SpatialDropout2D", {"rate": 0.5}, MAP, "E601"),
    ("UpSampling2D", {"interpolation": "bicubic"}, MAP, "E601"),
    ("Resizing", {"height": 4, "width": 4, "interpolation": "nearest"}, MAP, "E601"),
    ("ReLU", {"threshold": 1.0}, MAP, "E601"),
    ("PReLU", {}, MAP, "E601"),
    ("Conv2DTranspose", {"filters": 3, "kernel_size": 3, "output_padding": 1}, MAP, "E601"),
    ("Reshape", {"target_shape": [7, 7]}, MAP, "E207"),
    ("LSTM", {"units": 4}, SIGNAL, "E601"),
    ("Lambda", {"function": "x"}, MAP, "E607"),
]


@pytest.mark.parametrize(("kind", "config", "shape", "code"), UNSAID, ids=lambda each: str(each))
def test_what_no_word_says_is_a_problem(
    kind: str, config: dict[str, Any], shape: tuple[int, ...], code: str
) -> None:
    graph = one(kind, config, shape)
    assert [problem.code for problem in graph.problems] == [code]
    assert graph.problems[0].where == "here"


def test_all_problems_are_told_and_none_twice() -> None:
    graph = Graph()
    builder = KerasGraph(graph)
    value = builder.input(MAP)
    for kind in ("LSTM", "ReLU", "Lambda", "GRU", "GaussianNoise"):
        value = builder.layer(kind, {}, [value], kind)
    builder.output(value)
    assert [problem.where for problem in graph.problems] == [
        "LSTM",
        "Lambda",
        "GRU",
        "GaussianNoise",
    ]


# Nets that go out as Keras and come back

NETS = [
    "conv 6 3x3 /2 dilation=2 relu; conv 3 1x1",
    "deconv 6 4x4 /2 pad=1 relu; deconv 4 3x3 /2 pad=0:1x1:0; deconv 4 2x2 /3 same",
    "pool 3x3 /2 dilation=2 pad=1; minpool 3x3 /2 pad=1",
    "avgpool 3x3 /2 pad=1; avgpool to=4x5; pool to=3x2",
    "lrn size=5; lrn size=4 k=2 alpha=0.01",
    "shuffle 2; relu; permute 2x1x3; pixelunshuffle 3; shuffle 2",
    "pixelshuffle 2 dcr; pixelunshuffle 3; shuffle 3",
    "up to=15x17 bilinear; up to=20x31; up 2 bicubic",
    "reflectpad 2:1x0:3; replicatepad 3:0x1:1; slice 1:3; crop 1:2x0:1",
    "scale; rescale 2 offset=1; rescale (1, 2, 3, 4) offset=(0, 0, 1, 1)",
    "gelu approx; clamp 0 4; leaky_relu 0.1; prelu; elu 0.5; hard_sigmoid; hard_swish; mish",
    "ln; gn 2; inorm; bn noscale; ln noscale noshift",
    "mul { conv 4 1x1 | gap; dense 4 sigmoid }; mul { skip | channelmean }; channelmax",
    "gap; scale; reshape 2x2x1; flatten",
    "softmax axis=height; droppath 0.2; dropout 0.3",
    "concat axis=width { skip | relu }; subtract { skip | relu }; maximum { skip | relu }",
]


def live(text: str) -> Any:
    """The model that a net becomes in Keras."""
    scope: dict[str, Any] = {}
    exec(cnndsl.build(text, target="keras"), scope)
    return scope["build_model"]()


@pytest.mark.parametrize("body", NETS)
def test_what_is_built_comes_back(body: str) -> None:
    text = "\n".join(["rounding floor", "input 12x12x4", *body.split("; ")]) + "\n"
    text = text.replace("{ conv 4 1x1 | gap\n", "{ conv 4 1x1 | gap; ")
    graph = read_model(live(text))
    assert not graph.problems
    written = to_text(graph)
    assert [*map(like, written.network.layers)] == [*map(like, cnndsl.check(text).layers)]


@pytest.mark.parametrize(
    "name",
    few(
        ["article", "vgg16_frozen", "espcn", "siamese", "two_outputs", "unet3d", "ecg1d"],
        ["article", "espcn", "two_outputs", "ecg1d"],
    ),
)
def test_samples_come_back(name: str) -> None:
    text = (SAMPLES / f"{name}.cnn").read_text()
    graph, network = read_model(live(text)), cnndsl.check(text)
    assert not graph.problems
    assert (graph.params, graph.trainable) == (network.totals.params, network.totals.trainable)
    written = to_text(graph).network
    assert sorted(map(like, written.layers)) == sorted(map(like, network.layers))


def like(node: Any) -> str:
    """What a node is, however its padding, its rounding and its defaults are said."""
    layer = node.layer
    kept = [(weight.role, weight.shape, weight.trainable) for weight in layer.all_weights]
    numbers = [getattr(layer, name, None) for name in ("rate", "slope", "eps", "momentum", "crop")]
    after = layer.activation.op if layer.activation else ""
    windows = getattr(layer, "windows", ())
    return f"{node.op} {layer.input} {node.output} {windows} {kept} {numbers} {after}"


# Files


def small(twice: bool = True) -> Any:
    """Models in a model, one called twice, a layer that is shared, constants and two outputs."""
    here = keras.Input((16, 16, 3))
    scaled = layers.Normalization()
    scaled.adapt(numpy.random.default_rng(0).random((4, 16, 16, 3)) * 9)
    x = layers.Conv2D(8, 3, padding="same", activation="leaky_relu")(scaled(here))
    encoder = keras.Sequential(
        [
            keras.Input((16, 16, 8)),
            layers.Conv2D(8, 3, padding="same", use_bias=False),
            layers.BatchNormalization(),
            layers.ReLU(6.0),
        ],
        name="encoder",
    )
    x = encoder(encoder(x)) if twice else encoder(x)
    inner = keras.Input((16, 16, 8))
    y = layers.Add()([layers.DepthwiseConv2D(3, padding="same")(inner), inner])
    tail = [
        layers.SeparableConv2D(8, 3, activation=layers.ELU(0.5)),
        layers.PReLU(None, shared_axes=[1, 2]),
    ]
    x = keras.Model(inner, keras.Sequential(tail)(y), name="decoder")(x)
    x = layers.Conv2DTranspose(4, 3, strides=2, padding="same")(x)
    dense = layers.Dense(4)
    x = layers.GroupNormalization(2)(dense(dense(x)))
    x = layers.Conv2D(4, 3, activation=layers.LeakyReLU(0.1), trainable=False)(x)
    x = layers.Dropout(0.3, noise_shape=(None, 1, 1, 1))(x)
    x = layers.GlobalAveragePooling2D()(x)
    outputs = {"classes": layers.Dense(5, activation="softmax")(x), "place": layers.Dense(2)(x)}
    return keras.Model(here, outputs, name="small")


@pytest.fixture(scope="module")
def model() -> Any:
    return small()


def saved(model: Any, suffix: str) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"model{suffix}"
        model.save(path)
        return path.read_bytes()


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_a_file_has_the_graph_and_the_arrays_of_the_model(model: Any, suffix: str) -> None:
    graph, wanted = read_keras(saved(model, suffix)), read_model(model)
    assert not graph.problems
    assert [repr(op) for op in graph.ops] == [repr(op) for op in wanted.ops]
    assert [output.name for output in graph.outputs] == ["classes", "place"]
    assert graph.arrays.keys() == wanted.arrays.keys()
    # Its constants are in the text, and its 7 numbers no parameters any more.
    assert graph.params == wanted.params == model.count_params() - 7
    assert graph.ops[1].values == wanted.ops[1].values
    for key, array in graph.arrays.items():
        assert array.read is not None
        found, other = array.read(), wanted.arrays[key].read
        assert other is not None
        assert found.shape == array.shape
        assert numpy.array_equal(found, other())


def test_parts_are_scopes_and_what_is_shared_has_one_key(model: Any) -> None:
    graph = read_model(model)
    turns = [(op.scope[0].name, op.scope[0].turn) for op in graph.ops if op.word == "bn"]
    assert turns == [("encoder", 0), ("encoder", 1)]
    keys = [{taken.key for taken in op.weights.values()} for op in graph.ops if op.word == "bn"]
    assert keys[0] == keys[1]
    frozen = [op.word for op in graph.ops if op.frozen]
    assert frozen == ["conv"]


def test_layers_of_one_model_in_another_are_the_same() -> None:
    """The config says nothing of it; the model in memory does."""
    here, dense = keras.Input((4,)), layers.Dense(4)
    inner = keras.Model(here, dense(here))
    outer = keras.Input((4,))
    graph = read_model(keras.Model(outer, dense(inner(outer))))
    assert graph.params == 20
    assert len(graph.arrays) == 2


def test_the_proof_holds(model: Any) -> None:
    graph = read_model(model)
    written = to_text(graph)
    rng = numpy.random.default_rng(1)
    ran = imported.Ran(*values(model, graph, [rng.normal(size=(2, 16, 16, 3))]))
    report = imported.verify(
        written.network, graph, written.ops, written.weights, ran, target="pytorch"
    )
    assert report, report.problems
    assert len(report.layers) > 15
    assert report.error < 1e-12


def test_a_size_that_is_open_is_asked_for() -> None:
    model = keras.Sequential([keras.Input((None, None, 3)), layers.Conv2D(4, 3)])
    assert [problem.code for problem in read_model(model).problems] == ["E604"]
    assert read_model(model, shapes=[(9, 9, 3)]).ops[-1].shape == (7, 7, 4)


def test_a_model_of_code_has_no_graph() -> None:
    class Own(keras.Model):  # type: ignore[misc]
        def call(self, x: Any) -> Any:
            return x

    model = Own()
    model(numpy.zeros((1, 4)))
    assert [problem.code for problem in read_model(model).problems] == ["E607"]


def test_a_class_of_ones_own_is_refused_by_name() -> None:
    config = json.loads(keras.Sequential([keras.Input((4,)), layers.ReLU()]).to_json())
    config["config"]["layers"][1] |= {
        "class_name": "Mine",
        "module": "evil",
        "registered_name": "x>Mine",
    }
    graph = read_config(config)
    assert [problem.code for problem in graph.problems] == ["E607"]
    assert "Mine" in graph.problems[0].message


def test_keras_2_had_another_way_with_calls() -> None:
    def layer(kind: str, name: str, config: dict[str, Any], nodes: list[Any]) -> dict[str, Any]:
        config = {"name": name, **config}
        return {"class_name": kind, "name": name, "config": config, "inbound_nodes": nodes}

    config = {
        "class_name": "Functional",
        "keras_version": "2.11.0",
        "config": {
            "name": "old",
            "layers": [
                layer("InputLayer", "a", {"batch_input_shape": [None, 8, 8, 3]}, []),
                layer("Conv2D", "c", {"filters": 4, "kernel_size": [3, 3]}, [[["a", 0, 0, {}]]]),
                layer("TFOpLambda", "p", {"function": "math.add"}, [["c", 0, 0, {"y": 3.0}]]),
                layer("Add", "s", {}, [[["c", 0, 0, {}], ["p", 0, 0, {}]]]),
            ],
            "input_layers": [["a", 0, 0]],
            "output_layers": [["s", 0, 0]],
        },
    }
    graph = read_config(config)
    assert not graph.problems
    assert [op.word for op in graph.ops] == ["input", "conv", "rescale", "add"]
    assert graph.ops[-1].inputs == (1, 2)


# Hostile input


def problems(data: bytes) -> list[str]:
    return [problem.code for problem in read_keras(data).problems]


def archive(**parts: str | bytes) -> bytes:
    result = io.BytesIO()
    with zipfile.ZipFile(result, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in parts.items():
            file.writestr(name.replace("__", "."), content)
    return result.getvalue()


DAMAGED: dict[str, Callable[[], bytes]] = {
    "nothing": lambda: b"",
    "no archive": lambda: b"PK\x03\x04 and no more",
    "no config": lambda: archive(other="x"),
    "no JSON": lambda: archive(config__json="{"),
    "not of objects": lambda: archive(config__json="[1, 2]"),
    "deep": lambda: archive(config__json="[" * 100_000 + "]" * 100_000),
    "a bomb": lambda: archive(config__json=b" " * (2**26 + 1)),
    "no HDF5": lambda: b"\x89HDF\r\n\x1a\n" + bytes(100),
}


@pytest.mark.parametrize("name", DAMAGED)
def test_a_damaged_file_is_refused(name: str) -> None:
    assert problems(DAMAGED[name]()) == ["E607"]


@pytest.mark.parametrize("share", [0.2, 0.5, 0.9, 0.99])
@pytest.mark.parametrize("suffix", [".keras", ".h5"])
@pytest.mark.filterwarnings("ignore")
def test_a_file_that_was_cut_is_refused(model: Any, suffix: str, share: float) -> None:
    data = saved(model, suffix)
    graph = read_keras(data[: int(share * len(data))])
    if not graph.problems:  # the config was whole; its arrays may not be
        with pytest.raises(ImportProblems):
            for array in graph.arrays.values():
                assert array.read is not None
                array.read()


def test_arrays_that_unpack_to_too_much_are_not_read() -> None:
    config = keras.Sequential([keras.Input((4,)), layers.Dense(2)]).to_json().encode()
    result = io.BytesIO()
    with zipfile.ZipFile(result, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("config.json", config)
        file.writestr("model.weights.h5", bytes(2**22))
    graph = read_keras(result.getvalue())
    assert not graph.problems
    read = next(iter(graph.arrays.values())).read
    assert read is not None
    with pytest.raises(ImportProblems, match="unpacks to"):
        read()


@pytest.mark.parametrize("depth", [pytest.param(18, marks=pytest.mark.long), 60])
def test_models_that_double_end_soon(depth: int) -> None:
    """Each is called twice in the next, so that the last would have 2**18 layers."""
    inner: dict[str, Any] = {"class_name": "ReLU", "config": {"name": "l"}}
    entry = {"class_name": "InputLayer", "config": {"batch_shape": [None, 4], "name": "i"}}
    for _ in range(depth):
        layer = {**inner, "name": "l", "inbound_nodes": [[["i", 0, 0]], [["l", 0, 0]]]}
        ends = {"input_layers": [["i", 0, 0]], "output_layers": [["l", 1, 0]]}
        config = {"name": "l", "layers": [entry, layer], **ends}
        inner = {"class_name": "Functional", "config": config}
    assert read_config(inner).problems[0].code == "E607"


def test_a_layer_that_reads_itself_is_refused() -> None:
    config = json.loads(keras.Model(*2 * [keras.Input((4,))]).to_json())
    relu = {
        "class_name": "ReLU",
        "name": "r",
        "config": {"name": "r"},
        "inbound_nodes": [[["r", 0, 0]]],
    }
    config["config"]["layers"].append(relu)
    config["config"]["output_layers"] = [["r", 0, 0]]
    assert [problem.code for problem in read_config(config).problems] == ["E607"]


VALUES: list[Any] = [
    None, True, 0, -1, 7, 10**30, 1e308, math.inf, math.nan, 0.5, "", "same", "x" * 100, [], [[]],
    {}, [1], [0, 0], [None], [1, 2, 3, 4, 5, 6], {"class_name": "Lambda", "config": {}},
    {"class_name": "__keras_tensor__", "config": {}}, ["input_layer", 0, 0], "Sequential",
    {"class_name": "__slice__", "config": {"start": 1, "stop": "a", "step": 0}}, "Functional",
    {"class_name": "Activation", "config": {"activation": None}}, [[1, 1], [1, 1]], "Dense",
    [10**9, 10**9], "channels_first",
]  # fmt: skip


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if path:
        yield path
    if isinstance(value, dict):
        for name in value:
            yield from places(value[name], (*path, name))
    elif isinstance(value, list):
        for index, each in enumerate(value):
            yield from places(each, (*path, index))


def spoiled(config: Any, found: list[tuple[Any, ...]], rng: random.Random) -> Any:
    """A config with some other values at some of its places, or without some."""
    result = deepcopy(config)
    for path in rng.choices(found, k=rng.choice((1, 1, 2, 5))):
        part = result
        try:
            for step in path[:-1]:
                part = part[step]
            if rng.random() < 0.15:
                del part[path[-1]]
            else:
                part[path[-1]] = deepcopy(rng.choice(VALUES))
        except (KeyError, IndexError, TypeError):
            pass  # what was replaced before
    return result


@pytest.mark.parametrize("count", [20, *few([500], (), "long"), *few([4_000], (), "sweep")])
def test_any_value_in_any_place_is_a_problem_and_no_exception(model: Any, count: int) -> None:
    rng = random.Random(count)
    texts = [(SAMPLES / f"{name}.cnn").read_text() for name in ("espcn", "two_inputs", "alexnet")]
    configs = [json.loads(each.to_json()) for each in (model, *map(live, texts))]
    found = [[*places(config)] for config in configs]
    for number in range(count):
        which = number % len(configs)
        graph = read_config(spoiled(configs[which], found[which], rng))
        for problem in graph.problems:
            assert problem.code.startswith("E")


def test_a_shape_beyond_all_bounds_of_a_tensor_that_is_not_known_is_a_problem(model: Any) -> None:
    config = json.loads(model.to_json())
    first, *_ = (each for each in config["config"]["layers"] if each["inbound_nodes"])
    first["class_name"] = "Bogus"
    for each in config["config"]["layers"]:
        for node in each["inbound_nodes"]:
            for tensor in node["args"]:
                if isinstance(tensor, dict) and first["name"] in str(tensor):
                    tensor["config"]["shape"] = [None, 10**300, 10**300, 4]
    assert {"E601", "E302"} >= {problem.code for problem in read_config(config).problems}


def test_a_config_as_text() -> None:
    text = keras.Sequential([keras.Input((4,)), layers.Dense(2)]).to_json()
    assert [op.word for op in read_json(text).ops] == ["input", "dense"]
    assert [problem.code for problem in read_json("{").problems] == ["E607"]


# Source

LAYERED = """
import keras
from keras import layers

def block(x, n):
    y = layers.Conv2D(n, 3, padding="same")(x)
    y = layers.ReLU()(layers.BatchNormalization()(y))
    return layers.Add()([layers.Conv2D(n, 1)(x), layers.Conv2D(n, 3, padding="same")(y)])

base = keras.Sequential([keras.Input((16, 16, 3)), layers.Conv2D(4, 3), layers.Conv2D(4, 1)])
inputs = keras.Input((16, 16, 3))
x = block(block(base(inputs), 8), 8)
model = keras.Model(inputs, layers.Dense(3)(layers.GlobalAveragePooling2D()(x)))
"""
TRAINABLE = [
    *(f"for each in model.layers[:{n}]: each.trainable = False" for n in (*range(1, 14, 2), -2)),
    "for each in base.layers: each.trainable = False\nbase.trainable = True",
    "model.trainable = False\nmodel.trainable = True\nbase.layers[0].trainable = False",
]


@pytest.mark.parametrize("ending", few(TRAINABLE, TRAINABLE[::4]))
def test_what_a_source_says_of_training_holds_as_in_keras(ending: str) -> None:
    text = LAYERED + ending
    names: dict[str, Any] = {}
    exec(text, names)
    learning = sum(math.prod(weight.shape) for weight in names["model"].trainable_weights)
    assert read_source(text).trainable == learning


# keras.applications

APPLICATIONS = """MobileNetV3Small ResNet50 ResNet101 ResNet152 ResNet50V2 ResNet101V2 ResNet152V2
VGG16 VGG19 MobileNet MobileNetV2 MobileNetV3Large DenseNet121 DenseNet169 DenseNet201
InceptionV3 InceptionResNetV2 Xception EfficientNetB0 EfficientNetB4 EfficientNetV2B0
EfficientNetV2B3 EfficientNetV2S ConvNeXtTiny ConvNeXtBase""".split()


@pytest.mark.parametrize("name", few(APPLICATIONS, APPLICATIONS[:1], turn=0))
def test_applications_come_in_with_all_their_numbers(name: str) -> None:
    model = getattr(keras.applications, name)(weights=None)
    open_ = None in model.input_shape[1:]
    graph = read_model(model, shapes=[(224, 224, 3)] if open_ else [])
    assert not graph.problems
    constants = [each for each in model.layers if isinstance(each, layers.Normalization)]
    kept = sum(math.prod(w.shape) for each in constants for w in each.weights)
    assert graph.params == model.count_params() - kept
    assert graph.trainable == sum(math.prod(w.shape) for w in model.trainable_weights)
    assert graph.ops[graph.outputs[0].op].shape == (1000,)


# What a config does not say


def codes(graph: Graph) -> list[str]:
    return [problem.code for problem in graph.problems]


def test_a_class_of_ones_own_with_a_name_of_keras_is_refused() -> None:
    @keras.saving.register_keras_serializable("my", "Conv2D")
    class BatchNormalization(layers.BatchNormalization):  # type: ignore[misc]
        def call(self, x: Any, training: Any = None) -> Any:
            return x * 2

    class ReLU(layers.ReLU):  # type: ignore[misc]
        def call(self, x: Any) -> Any:
            return x * 2

    model = keras.Sequential([keras.Input((4, 4, 3)), BatchNormalization(), ReLU()])
    for graph in (read_model(model), read_json(model.to_json())):
        assert codes(graph) == ["E607", "E607"]
        assert "BatchNormalization" in graph.problems[0].message
    ReLU.__module__ = "keras_of_mine"
    assert codes(read_model(keras.Sequential([keras.Input((4,)), ReLU()]))) == ["E607"]


def plain_model() -> Any:
    steps = [layers.Conv2D(4, 3), layers.Flatten(), layers.Dropout(0.5), layers.Dense(4)]
    return keras.Sequential([keras.Input((8, 8, 3)), *steps])


@pytest.mark.filterwarnings("ignore")
def test_lora_and_quantised_layers_are_refused() -> None:
    model = plain_model()
    model.layers[0].enable_lora(2)
    assert codes(read_model(model)) == ["E601"]
    assert codes(read_keras(saved(model, ".h5"))) == ["E601"]
    assert codes(read_keras(saved(model, ".keras"))) == ["E601"]
    model = plain_model()
    model.layers[-1].quantize("int8")
    assert codes(read_model(model)) == ["E601"]
    assert codes(read_keras(saved(model, ".keras"))) == ["E601"]


@pytest.mark.filterwarnings("ignore")
def test_an_array_of_no_layer_is_a_problem() -> None:
    model = plain_model()
    model.compile("adam", "mse", metrics=["mae"])
    model.fit(numpy.zeros((2, 8, 8, 3)), numpy.zeros((2, 4)), verbose=0)
    for suffix in (".keras", ".h5"):
        assert not read_keras(saved(model, suffix)).problems
    assert read_model(model).params == model.count_params()
    model = keras.Sequential([keras.Input((3,)), layers.BatchNormalization()])
    model.layers[0]._tracker.unlock()
    model.layers[0].add_weight(shape=(7,), name="extra", trainable=False)
    graph = read_model(model)
    assert codes(graph) == ["E602"]
    assert "extra" in graph.problems[0].message
    assert graph.params == model.count_params()
    for suffix, name in ((".keras", "vars/"), (".h5", "extra")):
        graph = read_keras(saved(model, suffix))
        assert codes(graph) == ["E602"]
        assert name in graph.problems[0].message


def test_arrays_that_were_frozen_on_their_own() -> None:
    model = plain_model()
    model.layers[0].kernel.trainable = False
    assert codes(read_model(model)) == ["E601"]
    model.layers[0].bias.trainable = False
    graph = read_model(model)
    assert not graph.problems
    assert [op.word for op in graph.ops if op.frozen] == ["conv"]
    assert graph.trainable == model.layers[-1].count_params()


@pytest.mark.parametrize("frozen", [False, True])
def test_a_call_that_does_not_train(frozen: bool) -> None:
    here = keras.Input((4, 4, 3))
    norm, drop = layers.BatchNormalization(), layers.Dropout(0.5)
    base = keras.Model(here, drop(norm(here)), name="base")
    base.trainable = not frozen
    outer = keras.Input((4, 4, 3))
    model = keras.Model(outer, layers.ReLU()(base(outer, training=False)))
    old = read_config({**json.loads(model.to_json()), "keras_version": "2.15.0"})
    assert [op.word for op in old.ops] == ["input", "bn", "relu"]
    graph = read_model(model)  # Keras 3 writes the same for any dropout, and `fit` undoes it
    assert [op.word for op in graph.ops] == ["input", "bn", "dropout", "relu"]
    assert old.notes == graph.notes
    assert not graph.problems
    assert ["base" in note for note in graph.notes] == [True] * (not frozen)
    last = layers.BatchNormalization(trainable=not frozen)
    graph = read_model(keras.Model(outer, last(outer, training=False)))
    assert [op.word for op in graph.ops] == ["input", "bn"]
    assert len(graph.notes) == (not frozen)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_functions_are_no_layers(suffix: str) -> None:
    here = keras.Input((4, 4, 3))
    x = keras.activations.relu(keras.ops.leaky_relu(here, 0.1), max_value=4.0)
    net = keras.Model(here, layers.Add()([x, x * keras.ops.sigmoid(x)]))
    graph = read_keras(saved(net, suffix))
    calls = "input 4x4x3; leaky_relu 0.1; clamp 0 4; sigmoid; mul; add"
    assert "; ".join(call_of(op.layer) for op in graph.ops) == calls
