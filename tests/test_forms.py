"""What layers become: in both frameworks the same as in numpy, with the same counts."""

from __future__ import annotations

import math
import warnings
from pathlib import Path
from typing import Any

import keras
import numpy as np
import oracle
import pytest
import torch
from conftest import few
from hypothesis import assume, given
from hypothesis import strategies as st
from reference import CASES, COMPUTE, MERGE, MERGED, computed, reference

import cnndsl
from cnndsl.codegen import weights as canonical
from cnndsl.codegen.code import Arg, Call, NotExpressible
from cnndsl.codegen.expressions import Made, Symbol
from cnndsl.codegen.source import text
from cnndsl.codegen.style import call_of
from cnndsl.layers import ACTIVATIONS, LAYERS, MERGES, Layer
from cnndsl.network import Network
from cnndsl.proof import frameworks
from cnndsl.targets.keras import forms as keras_forms
from cnndsl.targets.pytorch import forms as torch_forms
from cnndsl.targets.pytorch.live import vector_orders

TARGETS = {"keras": keras_forms, "pytorch": torch_forms}

ONES = [
    pytest.param(size, line, id=f"{size} {line}")
    for cases in CASES.values()
    for size, *lines in cases
    for line in lines
]
# Each layer in its first case, and some others.
SOME = [*{case.values[1].split()[0]: case for case in reversed(ONES)}.values(), *ONES[::9]]


def one(size: str, line: str, defaults: str = "keras") -> Network:
    """A network of one layer."""
    return cnndsl.check(f"rounding floor\ndefaults {defaults}\ninput {size}\n{line}")


def hold(network: Network, seed: int = 0, tolerance: float = oracle.TOLERANCE) -> None:
    """Hold a network's only layer, in its forms in both frameworks, against numpy."""
    layer = network.nodes[-1].layer
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(2, *layer.input)).astype("float32") * 2
    tensor = torch.from_numpy(oracle.channels_first(x))
    values = canonical.random(network, seed)
    expected = reference(layer, x, {key.split(".")[1]: value for key, value in values.items()})
    assert expected.shape == (2, *layer.output)
    for explicit in (False, True):
        in_keras = keras_forms.lower(layer, explicit=explicit)
        in_torch = torch_forms.lower(layer, explicit=explicit, order="last")
        here = oracle.keras_layer(in_keras, layer.input)
        there = oracle.torch_layer(in_torch)
        oracle.put_keras(here, network, values)
        oracle.put_torch(there, network, values)
        assert tuple(here.output.shape)[1:] == layer.output
        assert here.count_params() == layer.params
        one = oracle.as_array(here(x, training=False))
        with torch.no_grad():
            other = oracle.channels_last(there(tensor).numpy())
        for calls, array in ((in_keras, one), (in_torch, other)):
            assert array.shape == expected.shape, calls
            assert oracle.difference(array, expected) < tolerance, calls


@pytest.mark.parametrize("size, line", few(ONES, SOME))
def test_a_layer_is_what_numpy_makes_of_it(size: str, line: str) -> None:
    hold(one(size, line))


@pytest.mark.parametrize("text", MERGED)
def test_a_merge_is_what_numpy_makes_of_it(text: str) -> None:
    net = cnndsl.check(text)
    rng = np.random.default_rng(0)
    images = [rng.normal(size=(2, *net.nodes[index].output)) for index in net.inputs]
    expected = computed(net, images, {})[-1]
    assert expected.shape == (2, *net.nodes[-1].output)
    for framework in ("keras", "pytorch"):
        live, _ = frameworks.build(net, framework)
        (found,) = live.run([image.astype("float32") for image in images]).values()
        assert found.shape == expected.shape
        assert oracle.difference(found, expected) < oracle.TOLERANCE


def test_every_layer_has_a_reference() -> None:
    assert set(MERGE) == set(MERGES), "MERGE of tests/reference.py has a row for each merge"
    assert set(COMPUTE) == set(LAYERS), "COMPUTE of tests/reference.py has a row for each layer"


@pytest.mark.parametrize("op", LAYERS)
def test_every_layer_has_cases(op: str) -> None:
    """In each rank, and with each argument; much else is tried with what stands there."""
    where = f"CASES[{op!r}] of tests/reference.py"
    assert op in CASES, f"{where}: there is none"
    tried = [one(size, line).nodes[-1].layer for size, *lines in CASES[op] for line in lines]
    for rank in LAYERS[op].ranks:
        assert rank in {len(layer.spatial) for layer in tried}, f"{where}: no case of rank {rank}"
    for slot in LAYERS[op].slots:
        if slot.name == "floor":
            continue  # which `one` says of all
        values = [getattr(layer, slot.name, None) for layer in tried if layer.op == op]
        given = slot.required or any(value != slot.default for value in values)
        assert given, f"{where}: no case with `{slot.name}`"


@pytest.mark.parametrize("target", TARGETS)
def test_every_layer_has_a_form(target: str) -> None:
    where = f"FORMS of cnndsl/targets/{target}/forms.py has a row for each layer"
    assert set(TARGETS[target].FORMS) == set(LAYERS.values()), where


@pytest.mark.parametrize("target", TARGETS)
def test_a_layer_without_a_form_is_refused(target: str) -> None:
    class Odd(Layer):
        op, title = "odd", "odd"

    layer = Odd({}, (4, 4, 2), one("4x4x2", "relu").nodes[-1].layer.context)
    with pytest.raises(NotExpressible, match="no form of `odd`") as caught:
        TARGETS[target].lower(layer)
    assert caught.value.help


def test_a_transposed_convolution_with_a_stride_and_a_dilation() -> None:
    """Keras has none, and says so; in PyTorch it is what numpy makes of it."""
    network = one("4x5x4", "deconv 6 3x2 /2 dilation=2x3 groups=2 pad=1:0")
    layer = network.nodes[-1].layer
    with pytest.raises(NotExpressible, match="a stride and a dilation"):
        keras_forms.lower(layer)
    values = canonical.random(network)
    x = np.random.default_rng(0).standard_normal((2, *layer.input)).astype("float32")
    model = oracle.torch_layer(torch_forms.lower(layer))
    oracle.put_torch(model, network, values)
    with torch.no_grad():
        found = oracle.channels_last(model(torch.from_numpy(oracle.channels_first(x))).numpy())
    own = {key.rpartition(".")[2]: value for key, value in values.items()}
    assert oracle.difference(found, reference(layer, x, own)) < oracle.TOLERANCE


@pytest.mark.parametrize("size", [(2, 82), (5, 7), (41, 3)])
def test_nearest_pixels_are_told_where_pytorch_rounds(size: tuple[int, int]) -> None:
    """`nn.Upsample` works out in single precision which pixel it takes."""
    before, after = size
    pixels = torch.arange(before, dtype=torch.float32).reshape(1, 1, before)
    found = torch.nn.functional.interpolate(pixels, size=after).flatten().tolist()
    expected = [i * before // after for i in range(after)]
    assert torch_forms.is_exact(before, after) == (found == expected)


# Windows of all kinds

WINDOWED = ("conv", "dwconv", "sepconv", "deconv", "pool", "avgpool", "minpool")


@st.composite
def windowed(draw: st.DrawFn) -> tuple[str, str]:
    """A size, and a layer with windows, of which many do not fit."""
    rank = draw(st.sampled_from((1, 2, 2, 2, 3)))
    most = {1: 14, 2: 10, 3: 6}[rank]

    def sizes(least: int, largest: int) -> str:
        number = st.integers(least, largest)
        if draw(st.booleans()):
            return str(draw(number))
        return "x".join(str(draw(number)) for _ in range(rank)) if rank > 1 else str(draw(number))

    shape = "x".join(str(draw(st.integers(1, most))) for _ in range(rank))
    op = draw(st.sampled_from(WINDOWED))
    words = [op, *(["4"] if op in ("conv", "sepconv", "deconv") else []), sizes(1, 4)]
    words += draw(st.sampled_from(([], [f"/{sizes(1, 4)}"])))
    pad = draw(st.sampled_from(("", "same", "pad")))
    if pad == "pad":
        pad = "pad=" + "x".join(
            f"{draw(st.integers(0, 3))}:{draw(st.integers(0, 3))}" for _ in range(rank)
        )
    words += [pad]
    if op in ("conv", "dwconv", "sepconv"):
        words += [f"dilation={sizes(1, 3)}"] if draw(st.booleans()) else []
    if op in ("dwconv", "sepconv"):
        words += draw(st.sampled_from(([], ["mult=2"])))
    if op == "conv":
        words += draw(st.sampled_from(([], ["groups=2"])))
    if op == "avgpool":
        words += draw(st.sampled_from(([], ["countpad"])))
    if op != "deconv":
        words += [draw(st.sampled_from(("floor", "ceil")))]
    return f"{shape}x2", " ".join(words)


@given(windowed())
def test_hypothesis_windows(case: tuple[str, str]) -> None:
    try:
        network = one(*case)
    except cnndsl.CnndslError:
        assume(False)
        raise
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        hold(network)


# What the frameworks' defaults are


@pytest.mark.parametrize("defaults", ("keras", "torch"))
def test_the_defaults_are_those_of_the_framework(defaults: str) -> None:
    """Under `defaults keras`, generated PyTorch begins as Keras does, and the other way round."""
    for size, line in (
        ("3x4x2", "bn"), ("3x4x2", "ln"), ("3x4x2", "gn 2"), ("3x4x2", "leaky_relu"),
        ("3x4x2", "prelu"), ("7", "ln"), ("7", "bn"),
    ):  # fmt: skip
        network = one(size, line, defaults)
        hold(network)
        layer: Any = network.nodes[-1].layer
        if layer.op == "bn":
            (call,) = torch_forms.lower(layer)
            own = torch.nn.BatchNorm2d(2)
            given = {key: arg.value for key, arg in call.kwargs.items()}
            assert given["momentum"] == (own.momentum if defaults == "torch" else 0.01)
            assert given["eps"] == (own.eps if defaults == "torch" else 0.001)
            (call,) = keras_forms.lower(layer)
            own = keras.layers.BatchNormalization()
            given = {key: arg.value for key, arg in call.kwargs.items()}
            assert given["momentum"] == (own.momentum if defaults == "keras" else 0.9)
            assert given["epsilon"] == (own.epsilon if defaults == "keras" else 1e-5)
        if layer.op == "prelu":
            initial = 0.0 if defaults == "keras" else 0.25
            (weight,) = oracle.torch_layer(torch_forms.lower(layer)).parameters()
            assert (weight == initial).all()
            model = oracle.keras_layer(keras_forms.lower(layer), layer.input)
            assert (oracle.as_array(model.weights[0]) == initial).all()


@pytest.mark.parametrize("initial", (1, 0.25, 1e-6))
def test_scale_begins_as_it_is_told(initial: float) -> None:
    layer = one("3x4x2", f"scale init={initial}").nodes[-1].layer
    (weight,) = oracle.torch_layer(torch_forms.lower(layer)).parameters()
    assert torch.allclose(weight, torch.tensor(float(initial)))
    model = oracle.keras_layer(keras_forms.lower(layer), layer.input)
    assert np.allclose(oracle.as_array(model.weights[0]), initial)


# What acts while training


@pytest.mark.parametrize("size", ("7", "5x3", "3x4x2", "2x3x2x3"))
def test_drop_path_drops_whole_samples(size: str) -> None:
    layer = one(size, "droppath 0.25").nodes[-1].layer
    shape = (400, *layer.input)
    model = oracle.keras_layer(keras_forms.lower(layer), layer.input)
    module = oracle.torch_layer(torch_forms.lower(layer)).train()
    for result in (
        oracle.as_array(model(np.ones(shape, "float32"), training=True)),
        module(torch.ones(shape)).numpy(),
    ):
        flat = result.reshape(400, -1)
        assert (flat == flat[:, :1]).all()
        assert set(np.round(flat[:, 0], 4)) == {0.0, np.float32(1.3333)}
        assert 40 < (flat[:, 0] == 0).sum() < 160


def test_momentum_is_a_clean_number() -> None:
    for momentum, rest in (("0.99", 0.01), ("0.9", 0.1), ("0.999", 0.001), ("0.9997", 0.0003)):
        (call,) = torch_forms.lower(one("3x4x2", f"bn momentum={momentum}").nodes[-1].layer)
        assert repr(call.kwargs["momentum"].value) == repr(rest)


def test_statistics_move_alike() -> None:
    """A step of training keeps the same share of the old mean in both."""
    layer = one("3x4x2", "bn momentum=0.75").nodes[-1].layer
    model = oracle.keras_layer(keras_forms.lower(layer), layer.input)
    module = oracle.torch_layer(torch_forms.lower(layer)).train()
    x = np.random.default_rng(0).normal(3, 1, (8, 3, 4, 2)).astype("float32")
    model(x, training=True)
    module(torch.from_numpy(oracle.channels_first(x)))
    mean = oracle.as_array(model.layers[-1].moving_mean)
    buffers = dict(module.named_buffers())
    assert np.allclose(buffers["0.running_mean"].numpy(), mean, atol=1e-5)


# Keras models are saved and loaded


SAVED = (
    ("9x8x3", "conv 4 3 /2 dilation=2 same leaky_relu"),
    ("9x8x3", "conv 4 3 prelu"),
    ("9x8x3", "pool 3 /2 pad=1"),
    ("9x8x3", "minpool 3 /2 pad=1"),
    ("9x8x3", "avgpool 3 /2 pad=1"),
    ("9x8x3", "avgpool 3 /2 pad=1 countpad ceil"),
    ("9x8x6", "lrn alpha=0.5"),
    ("9x8x6", "shuffle 3"),
    ("9x8x6", "slice 1:4"),
    ("9x8x6", "scale init=0.1"),
    ("9x8x6", "droppath 0.5"),
    ("4x5x3", "deconv 2 3 /2 same"),
    ("7", "shuffle 7"),
)


@pytest.mark.parametrize("size, line", SAVED)
def test_keras_models_survive_saving(size: str, line: str, tmp_path: Path) -> None:
    """Whatever the helpers define, a saved model needs none of it."""
    layer = one(size, line).nodes[-1].layer
    model = oracle.keras_layer(keras_forms.lower(layer), layer.input)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    x = np.random.default_rng(0).normal(size=(2, *layer.input)).astype("float32")
    before, after = (oracle.as_array(m(x, training=False)) for m in (model, loaded))
    assert np.array_equal(before, after)
    # Batches of other sizes than that of the sample.
    assert loaded(np.concatenate([x, x, x]), training=False).shape[0] == 6


# How calls are written


def kinds(value: Any) -> set[type]:
    """The types in a literal."""
    if type(value) in (tuple, list):
        return {type(value)}.union(*(kinds(item) for item in value))
    return {type(value)}


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("size, line", few(ONES, SOME))
def test_calls_are_in_form(target: str, size: str, line: str) -> None:
    layer = one(size, line).nodes[-1].layer
    plain, explicit = (TARGETS[target].lower(layer, explicit=e) for e in (False, True))
    for calls in (plain, explicit):
        assert sum(call.main for call in calls) == 1
        for call in calls:
            assert call.style in ("layer", "function", "negative", "index")
            for arg in leaves((*call.args, *call.kwargs.values())):
                value = arg.value if isinstance(arg, Arg) else arg
                known = {int, float, str, bool, type(None), tuple, list, Made, Symbol}
                assert kinds(value) <= known, call
                if isinstance(arg, Arg) and arg.slot:
                    check_slot(layer, arg)


def leaves(args: tuple[Any, ...]) -> list[Any]:
    """Arguments, those in tuples one by one."""
    return [leaf for arg in args for leaf in (leaves(arg) if type(arg) is tuple else [arg])]


def check_slot(layer: Any, arg: Arg) -> None:
    """The value of a slot is the one that the file gives it."""
    if arg.slot == "in":
        assert arg.value == layer.channels
        return
    if arg.slot == "activation":
        assert arg.value is None or layer.activation or layer.op in ACTIVATIONS
        return
    if arg.slot == "same":
        assert layer.same and isinstance(arg.value, tuple)
        return
    rank = len(layer.spatial)
    written = getattr(layer, arg.slot)
    if arg.slot in ("pad", "crop"):
        written = written if isinstance(written[0], tuple) else (written,) * rank
    elif arg.each:
        written = written if isinstance(written, tuple) else (written,) * rank
    if arg.path:
        dimension, side = arg.path
        if dimension is not None:
            written = (written if isinstance(written, tuple) else (written,) * rank)[dimension]
        assert arg.value == (written if side is None else written[side])
    elif arg.slot in ("pad", "crop"):
        values = arg.value if isinstance(arg.value, tuple) else (arg.value,) * rank
        assert all(pair == (one, one) for pair, one in zip(written, values))
    elif isinstance(written, tuple) and not isinstance(arg.value, tuple):
        assert set(written) == {arg.value}
    else:
        assert arg.value == written


STRIDED = (
    ("conv 4 3 /{} same", "8x8x2", "conv 4 3 /{} pad=1", "9x8x2"),
    ("dwconv 3 /{} same", "8x8x2", "sepconv 4 5 /{} same", "9x8x2"),
    ("pool 3 /{} same", "8x8x2", "pool 3 /{} pad=1", "8x8x2"),
    ("avgpool 3 /{} same", "8x8x2", "avgpool 3 /{} pad=1", "8x8x2"),
    ("minpool 2 /{} same", "7x8x2", "avgpool 3 /{} pad=1 countpad ceil", "8x8x2"),
    ("deconv 4 3 /{} same", "8x8x2", "deconv 4 4 /{} same", "8x8x2"),
)


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("line, size", [pair for row in STRIDED for pair in (row[:2], row[2:])])
def test_the_explicit_form_is_the_same_for_all_strides(target: str, line: str, size: str) -> None:
    def structure(call: Call) -> tuple[Any, ...]:
        return (call.function, len(call.args), tuple(call.kwargs), call.style, call.helpers)

    forms = set()
    for stride in (1, 2, 3, 4):
        layer = one(size, line.format(stride)).nodes[-1].layer
        calls = TARGETS[target].lower(layer, explicit=True)
        forms.add(tuple(structure(call) for call in calls))
    assert len(forms) == 1


@pytest.mark.parametrize(
    "size, line, in_keras, in_torch",
    [
        (
            "39x31x1",
            "conv 20 4x4 relu",
            'layers.Conv2D(20, 4, activation="relu")',
            "nn.Conv2d(1, 20, kernel_size=4) nn.ReLU()",
        ),
        (
            "8x8x3",
            "conv 4 3 same nobias",
            'layers.Conv2D(4, 3, padding="same", use_bias=False)',
            "nn.Conv2d(3, 4, kernel_size=3, padding=1, bias=False)",
        ),
        (
            "8x8x3",
            "conv 4 3 /2 same",
            'layers.Conv2D(4, 3, strides=2, padding="same")',
            "nn.ZeroPad2d((0, 1, 0, 1)) nn.Conv2d(3, 4, kernel_size=3, stride=2)",
        ),
        (
            "8x8x3",
            "conv 4 3 /2 pad=1",
            "layers.ZeroPadding2D(1) layers.Conv2D(4, 3, strides=2)",
            "nn.Conv2d(3, 4, kernel_size=3, stride=2, padding=1)",
        ),
        ("8x8x3", "pool 2", "layers.MaxPooling2D(2)", "nn.MaxPool2d(2)"),
        (
            "8x8x3",
            "pool 3 /2 same",
            'layers.MaxPooling2D(3, strides=2, padding="same")',
            "nn.MaxPool2d(3, stride=2, ceil_mode=True)",
        ),
        (
            "8x8x3",
            "pool 3 /2 ceil",
            'layers.MaxPooling2D(3, strides=2, padding="same")',
            "nn.MaxPool2d(3, stride=2, ceil_mode=True)",
        ),
        (
            "8x8x3",
            "pool 3 /2 pad=1",
            'ops.pad([[0, 0], [1, 1], [1, 1], [0, 0]], constant_values=float("-inf")) '
            "layers.MaxPooling2D(3, strides=2)",
            "nn.MaxPool2d(3, stride=2, padding=1)",
        ),
        (
            "8x8x3",
            "avgpool 3 /1 same",
            'layers.AveragePooling2D(3, strides=1, padding="same")',
            "nn.AvgPool2d(3, stride=1, padding=1, count_include_pad=False)",
        ),
        (
            "8x8x3",
            "minpool 2",
            "minus() layers.MaxPooling2D(2) minus()",
            "MinPool2d(2)",
        ),
        (
            "8x8x3",
            "gap",
            "layers.GlobalAveragePooling2D()",
            "nn.AdaptiveAvgPool2d(1) nn.Flatten()",
        ),
        (
            "8x8x3",
            "bn",
            "layers.BatchNormalization(momentum=0.99, epsilon=0.001)",
            "nn.BatchNorm2d(3, eps=0.001, momentum=0.01)",
        ),
        (
            "8x8x3",
            "deconv 4 4 /2 same",
            'layers.Conv2DTranspose(4, 4, strides=2, padding="same")',
            "nn.ConvTranspose2d(3, 4, kernel_size=4, stride=2, padding=1)",
        ),
        (
            "8x8x3",
            "deconv 4 2 /2",
            "layers.Conv2DTranspose(4, 2, strides=2)",
            "nn.ConvTranspose2d(3, 4, kernel_size=2, stride=2)",
        ),
        ("160", "dense 100 softmax", 'layers.Dense(100, activation="softmax")',
         "nn.Linear(160, 100) nn.Softmax(dim=1)"),
        ("8x8x3", "gelu", 'layers.Activation("gelu")', 'nn.GELU(approximate="none")'),
        ("8x8x3", "crop 1", "layers.Cropping2D(1)", "Crop(1)"),
    ],
)  # fmt: skip
def test_common_layers_read_well(size: str, line: str, in_keras: str, in_torch: str) -> None:
    layer = one(size, line).nodes[-1].layer
    for forms, expected in ((keras_forms, in_keras), (torch_forms, in_torch)):
        written = []
        for call in forms.lower(layer):
            written.append(text(call_of(oracle.code_of(call))).replace("'", '"'))
        assert " ".join(written) == expected


def test_flatten_may_have_the_channels_first() -> None:
    """The rows of the dense layer behind it are then in another order."""
    text = "input 3x4x2; conv 3 2 relu; flatten; dropout 0.5; dense 4 relu; dense 2"
    network = cnndsl.check(text)
    x = np.random.default_rng(0).normal(size=(2, 3, 4, 2)).astype("float32")
    tensor = torch.from_numpy(oracle.channels_first(x))
    results = []
    calls = [c for node in network.layers for c in keras_forms.lower(node.layer)]
    here = oracle.keras_layer(calls, (3, 4, 2))
    values = canonical.random(network)
    oracle.put_keras(here, network, values)
    for flat, orders in (("first", vector_orders(network)), ("last", {})):
        modules = [c for n in network.layers for c in torch_forms.lower(n.layer, order=flat)]
        there = oracle.torch_layer(modules)
        oracle.put_torch(there, network, values, orders)
        with torch.no_grad():
            results.append(there(tensor).numpy())
    results.append(oracle.as_array(here(x, training=False)))
    assert oracle.difference(results[0], results[2]) < oracle.TOLERANCE
    assert oracle.difference(results[1], results[2]) < oracle.TOLERANCE
    weights = dict(there.named_parameters())
    assert math.isclose(weights["4.weight"].numel(), 4 * 18)
