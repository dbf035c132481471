"""Flax code: what it computes is what numpy and Keras do, with the same weights."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from unittest import mock

# XLA compiles each net for one run: there is nothing to gain by making it fast.
os.environ.setdefault(
    "XLA_FLAGS",
    "--xla_backend_optimization_level=0 --xla_llvm_disable_expensive_passes=true",
)

import black
import numpy as np
import oracle
import pytest
from conftest import few
from hypothesis import HealthCheck, given, settings
from nets import branching_nets, network, straight_nets
from reference import MERGED, computed, reference
from test_awkward_nets import NETS as AWKWARD
from test_forms import ONES, one
from test_initial import BLOCKS, hold
from test_onnx import pictures

import cnndsl
from cnndsl.codegen import weights as canonical
from cnndsl.contract import TargetError
from cnndsl.layers import LAYERS
from cnndsl.layers.base import Weight
from cnndsl.network import Network
from cnndsl.proof import frameworks
from cnndsl.targets import load
from cnndsl.targets.flax import forms, generate

nnx = pytest.importorskip("flax.nnx")
jax = pytest.importorskip("jax")

ROOT = Path(__file__).resolve().parent.parent
FUZZ = os.environ.get("HYPOTHESIS_PROFILE") == "fuzz"
MANY = 2000 if FUZZ else settings.default.max_examples // 8
SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large]
NAMES = {
    **dict.fromkeys(("kernel", "depthwise", "pointwise"), "kernel"),
    **dict.fromkeys(("gamma", "scale"), "scale"),
    **dict.fromkeys(("beta", "bias"), "bias"),
    "alpha": "alpha", "mean": "mean", "variance": "var",
}  # fmt: skip
# Nets of all kinds that run in a moment; the code of all samples is read in test_generated.
SAMPLES = ("article", "padding", "two_inputs", "two_outputs", "inception_block", "ecg1d")


def built(code: str) -> Any:
    """The model of a generated module, as it is built: in training."""
    return frameworks.run(code)["build_model"]()


def outlined(code: str) -> Any:
    """The same with zeros, as other values take long to draw, ready to infer."""
    build = frameworks.run(code)["build_model"]
    model = nnx.eval_shape(build)
    *_, constants = nnx.split(model, nnx.Any(nnx.Param, nnx.BatchStat, nnx.RngState), ...)
    if jax.tree.leaves(constants):  # which have values of their own
        model = build()
    model.eval()
    for _, module in nnx.iter_modules(model):
        for variable in kept(module).values():
            variable.set_value(np.zeros(variable.shape, "float32"))
    return model


def run(model: Any, images: list[np.ndarray]) -> Any:
    """What a model makes of images."""
    keeps = nnx.Any(nnx.Param, nnx.BatchStat)
    graph, state, others = nnx.split(model, keeps, ...)
    return jax.jit(lambda state, *xs: nnx.merge(graph, state, others)(*xs))(state, *images)


def kept(module: Any) -> dict[str, Any]:
    """What a module itself keeps, but for what draws at random; what is frozen is no Param."""
    return {
        name: value
        for name, value in vars(module).items()
        if isinstance(value, (nnx.Param, nnx.BatchStat))
        or (type(value) is nnx.Variable and name in NAMES.values())
    }


def in_order(model: Any, images: list[np.ndarray]) -> list[Any]:
    """The modules that keep weights, in the order in which they run."""
    found: list[Any] = []
    types = {type(module) for _, module in nnx.iter_modules(model) if kept(module)}
    with ExitStack() as stack:
        for kind in types:

            def call(self: Any, *args: Any, _call: Any = kind.__call__, **kwargs: Any) -> Any:
                if kept(self) and not any(self is other for other in found):
                    found.append(self)
                return _call(self, *args, **kwargs)

            stack.enter_context(mock.patch.object(kind, "__call__", call))
        jax.eval_shape(lambda *images: model(*images), *images)
    return found


def used(net: Network) -> Iterator[canonical.Kept]:
    """The weights that are used while inferring, in the order in which they first are."""
    owners = (canonical.holder(net, node) for node in net.nodes if not node.training_only)
    for node in dict.fromkeys(owners):
        yield from canonical.slots_of(node)


def variables(net: Network, modules: list[Any]) -> dict[str, tuple[Weight, str, Any]]:
    """For each canonical key, its weight, the layer, and the variable that holds it."""
    waiting = iter(modules)
    rest: dict[str, Any] = {}
    found = {}
    last: Any = None
    for slot in used(net):
        layer, place = slot.layer, (slot.node.index, slot.layer is slot.node.layer)
        if place != last or slot.weight.role == "pointwise":
            assert not rest, f"{slot.key}: {rest} left over"
            rest, last = kept(next(waiting)), place
        found[slot.key] = (slot.weight, layer, rest.pop(NAMES[slot.weight.role]))
    assert not rest and next(waiting, None) is None
    return found


def as_flax(array: np.ndarray, weight: Weight, layer: Any) -> np.ndarray:
    """A canonical weight as Flax keeps it."""
    if weight.role == "depthwise":
        return array.reshape(*array.shape[:-2], 1, -1)
    if layer.op == "deconv" and weight.role == "kernel":
        *space, one, other = array.shape
        parts = array.reshape(*space, one, layer.groups, -1).swapaxes(-1, -3)
        return parts.reshape(*space, other // layer.groups, -1)
    return array


def fill(net: Network, model: Any, images: list[np.ndarray], weights: Any) -> None:
    """Put canonical weights into a model."""
    for key, (weight, layer, variable) in variables(net, in_order(model, images)).items():
        array = as_flax(weights[key], weight, layer)
        assert array.shape == variable.shape, key
        assert isinstance(variable, nnx.Param) == weight.trainable, key
        variable.set_value(array)


def agree(net: Network, batch: int = 2) -> None:
    """Fail where Flax and Keras differ on a network."""
    code = generate(net)
    assert black.format_str(code, mode=black.Mode()) == code
    images = list(pictures(net, batch).values())
    weights = canonical.random(net)
    live, place = frameworks.build(net, "keras")
    place.put(live, weights)
    expected = live.run(images)
    model = outlined(code)
    fill(net, model, images, weights)
    found = run(model, images)
    found = found if isinstance(found, dict) else {"main": found}
    assert set(found) == set(net.outputs) - net.training_outputs
    for name in found:
        index = net.outputs[name]
        assert found[name].shape == (batch, *net.nodes[index].output)
        assert oracle.difference(np.asarray(found[name]), expected[name]) < 1e-3, name


# Each layer


# To compile them takes a while: each layer in one form.
FIRST = {case.values[1].split()[0]: case for case in reversed(ONES)}


@pytest.mark.parametrize("size, line", few(ONES, FIRST.values(), turn=0))
def test_a_layer_is_what_numpy_makes_of_it(size: str, line: str) -> None:
    net = one(size, line)
    layer = net.nodes[-1].layer
    weights = canonical.random(net)
    (image,) = pictures(net).values()
    image *= 2
    expected = reference(layer, image, {key.rsplit(".")[-1]: w for key, w in weights.items()})
    model = outlined(generate(net))
    fill(net, model, [image], weights)
    found = np.asarray(run(model, [image]))
    assert found.shape == expected.shape
    assert oracle.difference(found, expected) < oracle.TOLERANCE


@pytest.mark.parametrize("text", few(MERGED, MERGED[::8]))
def test_a_merge_is_what_numpy_makes_of_it(text: str) -> None:
    net = cnndsl.check(text)
    images = list(pictures(net).values())
    expected = computed(net, images, {})[-1]
    found = np.asarray(run(outlined(generate(net)), images))
    assert found.shape == expected.shape
    assert oracle.difference(found, expected) < oracle.TOLERANCE


def test_every_layer_has_a_form() -> None:
    where = "FORMS of cnndsl/targets/flax/forms.py has a row for each layer"
    assert set(forms.FORMS) == set(LAYERS.values()), where


def test_constants_are_no_weights() -> None:
    """A helper may keep numbers that are not learned, with values of their own."""
    net = one("3x4x2", "scale")
    line = "        self.scale = nnx.Param("
    code = generate(net).replace(line, f"        self.two = nnx.Variable(jnp.array(2.0))\n{line}")
    code = code.replace("return x * self.scale", "return x * self.scale * self.two[...]")
    images = list(pictures(net).values())
    model = outlined(code)
    fill(net, model, images, {"scale1.scale": np.array([3.0, 5.0], "float32")})
    assert np.allclose(run(model, images), images[0] * (6.0, 10.0))


# Whole nets


@pytest.mark.parametrize("name", few(SAMPLES, ("ecg1d", "two_outputs")))
def test_samples(name: str) -> None:
    agree(cnndsl.check((ROOT / "samples" / f"{name}.cnn").read_text("utf-8")), batch=1)


@pytest.mark.parametrize("text", few(AWKWARD, AWKWARD[::6], turn=1))
def test_awkward_nets(text: str) -> None:
    net = network(text)
    assert net is not None
    agree(net)


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


# What it begins with


def begun(net: Network) -> None:
    image = np.zeros((1, *net.nodes[0].output), "float32")
    model = built(generate(net))
    model.eval()
    for key, (weight, _, variable) in variables(net, in_order(model, [image])).items():
        hold(np.asarray(variable[...]), weight.initial, key)


BEGUN = [
    "input 12x12x48; conv 64 3 groups=4 nobias; dwconv 5 mult=2; sepconv 64 3 mult=2 prelu; bn; ln;"
    "gn 4; scale init=0.25; deconv 32 3; gap; dense 200",
    "input 20x24; conv 32 3; dwconv 3 nobias; sepconv 32 3; deconv 32 3 nobias",
    "input 6x6x6x16; conv 16 3; dwconv 3 mult=2; flatten; dense 40 nobias",
]


@pytest.mark.parametrize("defaults", few(("keras", "torch"), ("torch",)))
@pytest.mark.parametrize("text", few(BEGUN, (), turn=2))
def test_it_begins_as_the_file_says(text: str, defaults: str) -> None:
    begun(cnndsl.check(f"defaults {defaults}\n{text}"))


@pytest.mark.parametrize("defaults", few(("torch", "keras"), (), turn=2))
def test_blocks_begin_as_the_file_says(defaults: str) -> None:
    begun(cnndsl.check(f"defaults {defaults}\ninput 16x16x32\n{BLOCKS}"))


# Training and inference


def test_train_and_eval() -> None:
    net = cnndsl.check("input 8x8x3; conv 4 3; bn; dropout 0.5; droppath 0.5; gap; dense 2")
    model = built(generate(net))
    image = np.random.default_rng(0).normal(size=(4, 8, 8, 3)).astype("float32")
    one, two = model(image), model(image)
    assert not np.allclose(one, two)  # other values are dropped
    model.eval()
    mean = np.array(model.layers[1].mean[...])
    assert np.allclose(model(image), model(image))
    assert np.array_equal(mean, model.layers[1].mean[...])


def test_the_statistics_of_a_batch() -> None:
    """The moving variance is biased, as Keras's is."""
    net = cnndsl.check("input 4x4x3; bn")
    model = built(generate(net))
    image = np.random.default_rng(0).normal(size=(2, 4, 4, 3)).astype("float32")
    model(image)
    spread = image.var((0, 1, 2))
    assert np.allclose(model.layers[0].var[...], 0.99 + 0.01 * spread, atol=1e-5)


def test_it_can_be_compiled() -> None:
    model = built(generate(cnndsl.check("input 8x8x3; conv 4 3 /2 same; bn; relu; gap; dense 2")))
    model.eval()
    image = np.ones((2, 8, 8, 3), "float32")
    assert np.allclose(nnx.jit(lambda model, x: model(x))(model, image), model(image), atol=1e-5)
    assert isinstance(jax.tree.leaves(nnx.state(model))[0], jax.Array)


def test_seeds() -> None:
    code = generate(cnndsl.check("input 8x8x3; conv 4 3"))
    build = frameworks.run(code)["build_model"]
    kernels = [np.array(build(*seed).layers[0].kernel[...]) for seed in ((), (0,), (1,))]
    assert np.array_equal(kernels[0], kernels[1]) and not np.array_equal(*kernels[1:])


# What cannot be


def test_a_layer_without_a_form_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(forms.FORMS, LAYERS["minpool"])
    with pytest.raises(TargetError) as caught:
        load("flax").generate(cnndsl.check("input 8x8x3; conv 4 3; minpool 2"))
    (diagnostic,) = caught.value.diagnostics
    assert diagnostic.message == "Flax has no form of `minpool`" and diagnostic.help
