"""Where the frameworks differ, one test each: what is generated agrees, what one might have
written in its place is another network, and `verify` names the layer.
"""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
import torch
from torch import nn

import cnndsl
from cnndsl.codegen import weights as canonical
from cnndsl.proof import frameworks
from cnndsl.proof.verify import Verification, verify
from cnndsl.targets import load


def mutated(text: str, target: str, right: str, wrong: str, times: int = 1) -> Verification:
    """The report on a net of which one target's code is changed; the unchanged one agrees."""
    net = cnndsl.check(text)
    assert verify(net), verify(net).problems
    code = str(load(target).generate(net))
    assert code.count(right) == times, code
    return verify(net, {target: code.replace(right, wrong)})


def differs(
    text: str, target: str, right: str, wrong: str, layer: str, least: float = 1e-6, times: int = 1
) -> None:
    """A change makes the values of a layer differ by at least `least`, and those of no other."""
    report = mutated(text, target, right, wrong, times)
    assert [(p.node and p.node.name, p.message) for p in report.problems] == [
        (layer, "the values differ")
    ]
    apart = report.problems[0].apart
    assert apart is not None and apart.share > least
    one, other = apart.values
    assert one != other and report.names == ("Keras", "PyTorch")


def refused(text: str, target: str, right: str, wrong: str, layer: str, message: str) -> None:
    """A change makes a layer another one, in shape or in kind."""
    first = mutated(text, target, right, wrong).problems[0]
    assert first.node is not None
    assert (first.node.name, first.message) == (layer, message)


def test_same_padding_under_a_stride_puts_the_odd_pixel_at_the_end() -> None:
    text = "input 8x8x3; relu; conv 4 3 /2 same"
    right = "nn.ZeroPad2d((0, 1, 0, 1)),"
    differs(text, "pytorch", right, "nn.ZeroPad2d((1, 0, 1, 0)),", "conv1")
    # PyTorch's padding=1 has the right shape.
    refused(text, "pytorch", right, "", "conv1", "PyTorch runs Conv2d, where ZeroPad2d is to come")


def test_same_pooling_has_a_window_for_each_stride() -> None:
    refused(
        "input 7x7x2; pool 2 same", "pytorch", ", ceil_mode=True", "",
        "pool1", "PyTorch gives 3x3x2, and the net 4x4x2",
    )  # fmt: skip
    differs(
        "input 7x7x2; avgpool 3 /2 same", "pytorch", "count_include_pad=False",
        "count_include_pad=True", "avgpool1",
    )  # fmt: skip


def test_rounding_up_drops_a_window_that_starts_in_the_padding() -> None:
    """In Keras too, whose pools know no rounding."""
    text = "input 5x5x2; pool 3 /3 pad=1 ceil"
    assert cnndsl.check(text).nodes[-1].output == (2, 2, 2)
    assert tuple(nn.MaxPool2d(3, 3, 1, ceil_mode=True)(torch.zeros(1, 2, 5, 5)).shape) == (
        1,
        2,
        2,
        2,
    )
    refused(
        text, "keras", "[1, 1], [1, 1]", "[1, 3], [1, 3]",
        "pool1", "Keras gives 3x3x2, and the net 2x2x2",
    )  # fmt: skip


def test_an_average_leaves_padding_out() -> None:
    differs(
        "input 6x6x2; avgpool 3 /1 pad=1", "pytorch", "count_include_pad=False",
        "count_include_pad=True", "avgpool1",
    )  # fmt: skip


def test_uneven_padding_is_written_in_the_order_of_the_framework() -> None:
    differs("input 5x5x2; zeropad 1:2x2:1", "pytorch", "(2, 1, 1, 2)", "(1, 2, 2, 1)", "zeropad1")
    differs(
        "input 5x5x2; zeropad 1:2x2:1", "keras", "((1, 2), (2, 1))", "((2, 1), (1, 2))", "zeropad1"
    )


def test_flatten_puts_the_channels_last() -> None:
    """The rows of the dense layer behind PyTorch's are permuted for it."""
    text = "input 3x4x2; conv 3 2; flatten; dropout 0.5; relu; dense 4"
    net = cnndsl.check(text)
    assert verify(net)
    code = str(load("pytorch").generate(net))
    last = (
        "\n\nclass FlattenLast(nn.Flatten):\n"
        "    def forward(self, x):\n"
        "        return super().forward(x.movedim(1, -1))\n"
    )
    wrong = code.replace("nn.Flatten()", "FlattenLast()") + last
    report = verify(net, {"pytorch": wrong})
    assert [p.node and p.node.name for p in report.problems] == ["flatten1"]
    live, place = frameworks.build(net, "pytorch")
    drawn = canonical.random(net)
    place.put(live, drawn)
    stored = live.model.state_dict()["4.weight"].numpy().T
    assert not np.array_equal(stored, drawn["dense1.kernel"])
    assert np.array_equal(
        stored.reshape(3, 2, 3, 4), drawn["dense1.kernel"].reshape(2, 3, 3, 4).transpose(2, 0, 1, 3)
    )


def test_a_dense_layer_wants_a_vector() -> None:
    """Keras would act on the last axis, PyTorch on the width."""
    with pytest.raises(cnndsl.CnndslError, match="E204"):
        cnndsl.check("input 4x4x3; dense 5")
    x = np.zeros((2, 4, 5, 3), "float32")
    assert keras.layers.Dense(6)(x).shape == (2, 4, 5, 6)
    with pytest.raises(RuntimeError):
        nn.Linear(3, 6)(torch.from_numpy(x).movedim(-1, 1))


def test_batch_normalisation_states_eps_and_momentum() -> None:
    text = "input 6x6x3; conv 4 3; bn"
    differs(text, "pytorch", "eps=0.001", "eps=1e-5", "bn1")
    differs(text, "keras", "epsilon=0.001", "epsilon=0.00101", "bn1", 1e-7)
    for target, right, wrong, has in (
        ("pytorch", "momentum=0.01", "momentum=0.1", 0.9),
        ("keras", "momentum=0.99", "momentum=0.1", 0.1),
    ):
        first = mutated(text, target, right, wrong).problems[0]
        assert first.message.endswith(f"has momentum {has}, and the net 0.99")


def test_the_moving_variance_is_biased_in_keras_alone() -> None:
    """The one thing in which training differs: by the factor n/(n - 1), here 24/23."""
    net = cnndsl.check("input 3x4x2; bn momentum=0.5")
    x = np.random.default_rng(0).normal(size=(2, 3, 4, 2)).astype("float32")
    moved = {}
    for target in ("keras", "pytorch"):
        live, place = frameworks.build(net, target)
        if target == "keras":
            live.model(x, training=True)
        else:
            live.model.train()(torch.from_numpy(x).movedim(-1, 1))
        moved[target] = 2 * place.take(live)["bn1.variance"] - 1
    assert np.allclose(moved["keras"], x.var((0, 1, 2)), rtol=1e-5)
    assert np.allclose(moved["pytorch"], x.var((0, 1, 2)) * 24 / 23, rtol=1e-5)
    assert not np.allclose(moved["keras"], moved["pytorch"], rtol=1e-2)


def test_parameters_are_counted_with_the_statistics_and_without() -> None:
    net = cnndsl.check("input 6x6x5; bn")
    (keras_live, _), (torch_live, _) = (frameworks.build(net, t) for t in ("keras", "pytorch"))
    assert keras_live.model.count_params() == net.totals.params == 4 * 5
    assert sum(p.numel() for p in torch_live.model.parameters()) == net.totals.trainable == 2 * 5


@pytest.mark.parametrize("defaults, bound", [("keras", (6 / (5 + 7)) ** 0.5), ("torch", 5**-0.5)])
def test_first_weights_are_those_of_the_defaults(defaults: str, bound: float) -> None:
    """Glorot's with biases of 0, or Kaiming's with biases within 1/sqrt(fan-in)."""
    net = cnndsl.check(f"defaults {defaults}; input 5; dense 7")
    largest = {"kernel": 0.0, "bias": 0.0}
    for target in ("keras", "pytorch"):
        for _ in range(20):
            live, place = frameworks.build(net, target)
            for key, array in place.take(live).items():
                role = key.rpartition(".")[2]
                largest[role] = max(largest[role], float(np.abs(array).max()))
        assert 0.95 * bound < largest["kernel"] <= bound
        assert (
            largest["bias"] == 0 if defaults == "keras" else 0.9 * bound < largest["bias"] <= bound
        )


def test_the_slope_of_a_leaky_relu_is_written() -> None:
    for target in ("keras", "pytorch"):
        differs("input 6x6x3; leaky_relu", target, "0.3", "0.01", "leaky_relu1")
        differs("defaults torch; input 6x6x3; leaky_relu", target, "0.01", "0.3", "leaky_relu1")


def test_hard_sigmoid_rises_by_a_sixth() -> None:
    """ONNX's own default is 0.2 x + 0.5."""
    differs(
        "input 6x6x3; hard_sigmoid", "keras", 'layers.Activation("hard_sigmoid")',
        "layers.Activation(lambda x: keras.ops.clip(0.2 * x + 0.5, 0, 1))", "hard_sigmoid1",
    )  # fmt: skip


def test_gelu_is_exact() -> None:
    text = "input 6x6x3; gelu"
    differs(text, "pytorch", 'approximate="none"', 'approximate="tanh"', "gelu1")
    differs(
        text, "keras", 'layers.Activation("gelu")',
        "layers.Activation(lambda x: keras.ops.gelu(x, approximate=True))", "gelu1",
    )  # fmt: skip


def test_gelu_is_approximate_where_it_is_told() -> None:
    text = "input 6x6x3; gelu approx"
    differs(text, "pytorch", 'approximate="tanh"', 'approximate="none"', "gelu1")
    differs(text, "keras", "approximate=True", "approximate=False", "gelu1")


def test_instance_normalisation_learns_and_states_eps() -> None:
    text = "input 6x6x3; inorm"
    differs(text, "pytorch", "eps=0.001", "eps=1e-5", "inorm1")
    differs(text, "keras", "epsilon=0.001", "epsilon=1e-5", "inorm1")
    report = mutated(text, "pytorch", ", affine=True", "")
    assert report.problems and report.problems[0].node is not None
    # Keras's groups of one channel are as many as there are channels.
    assert nn.InstanceNorm2d(3)(torch.ones(1, 3, 1, 2)).shape == (1, 3, 1, 2)
    with pytest.raises(ValueError, match="more than 1 spatial element"):
        nn.InstanceNorm2d(3).eval()(torch.ones(1, 3, 1, 1))


def test_axes_are_counted_with_the_channels_where_they_are() -> None:
    text = "input 5x5x5; softmax axis=height"
    differs(text, "pytorch", "dim=2", "dim=1", "softmax1")
    differs(text, "keras", "axis=1", "axis=2", "softmax1")


def test_a_last_softmax_stays_unless_logits_are_asked_for() -> None:
    net = cnndsl.check("input 6x6x3; conv 4 3 relu; flatten; dense 5 softmax")
    x = np.random.default_rng(0).normal(size=(2, 6, 6, 3)).astype("float32")
    drawn, logits = canonical.random(net), {}
    for target in ("keras", "pytorch"):
        whole, place = frameworks.build(net, target)
        place.put(whole, drawn)
        bare: Any = frameworks.run(str(load(target).generate(net, logits=True)))["build_model"]()
        if target == "keras":
            bare.set_weights(whole.model.get_weights())
            logits[target] = keras.ops.convert_to_numpy(bare(x))
        else:
            bare.load_state_dict(whole.model.state_dict())
            with torch.no_grad():
                logits[target] = bare(torch.from_numpy(x).movedim(-1, 1)).numpy()
        shares = np.exp(logits[target]) / np.exp(logits[target]).sum(-1, keepdims=True)
        assert np.allclose(whole.run([x])["main"], shares, rtol=1e-4, atol=1e-6)
        assert not np.allclose(logits[target], shares, rtol=1e-2)
    assert np.allclose(logits["keras"], logits["pytorch"], rtol=1e-4, atol=1e-5)


def test_a_transposed_convolution_grows_by_its_stride() -> None:
    text = "input 4x4x3; deconv 2 3 /2 same"
    assert cnndsl.check(text).nodes[-1].output == (8, 8, 2)
    # Torch's padding=1 alone gives 7; what is painted too much goes at the end.
    assert nn.ConvTranspose2d(3, 2, 3, 2, 1)(torch.zeros(1, 3, 4, 4)).shape[-1] == 7
    differs(
        text, "keras", "Cropping2D(((0, 1), (0, 1)))", "Cropping2D(((1, 0), (1, 0)))", "deconv1"
    )
    differs(text, "pytorch", "Crop((0, 1, 0, 1))", "Crop((1, 0, 1, 0))", "deconv1")


def test_a_separable_convolution_has_one_bias() -> None:
    text = "input 6x6x32; sepconv 64 3"
    net = cnndsl.check(text)
    assert net.totals.params == 2_400
    report = mutated(text, "pytorch", "bias=False", "bias=True")
    assert [p.message for p in report.problems] == [
        "PyTorch keeps 4 arrays, and the net wants 3",
        "PyTorch trains 2,432 parameters, the net 2,400",
    ]


@pytest.mark.parametrize(
    "line, shapes",
    [
        ("conv 4 3x2", ((3, 2, 2, 4), (4, 2, 3, 2))),
        ("conv 4 3 groups=2", ((3, 3, 1, 4), (4, 1, 3, 3))),
        ("dwconv 3 mult=3", ((3, 3, 2, 3), (6, 1, 3, 3))),
        ("deconv 4 3", ((3, 3, 4, 2), (2, 4, 3, 3))),
        ("sepconv 5 3 mult=2", ((3, 3, 2, 2), (4, 1, 3, 3))),
        ("flatten; dense 3", ((72, 3), (3, 72))),
    ],
)
def test_kernels_are_laid_out_as_the_framework_has_them(line: str, shapes: Any) -> None:
    net = cnndsl.check(f"input 6x6x2; {line}")
    drawn = canonical.random(net)
    for target, shape in zip(("keras", "pytorch"), shapes):
        live, place = frameworks.build(net, target)
        place.put(live, drawn)
        model = live.model
        kept = model.get_weights() if target == "keras" else model.state_dict().values()
        assert tuple(next(iter(kept)).shape) == shape
    assert verify(net)


def test_a_kernel_with_its_axes_swapped_is_another() -> None:
    net = cnndsl.check("input 6x6x3; conv 3 3")
    x = np.random.default_rng(0).normal(size=(1, 6, 6, 3))
    live, place = frameworks.build(net, "pytorch", precise=True)
    drawn = canonical.random(net)
    results = []
    for kernel in (drawn["conv1.kernel"], drawn["conv1.kernel"].swapaxes(-1, -2)):
        place.put(live, {**drawn, "conv1.kernel": kernel})
        results.append(live.run([x])["main"])
    assert np.abs(results[0] - results[1]).max() > 0.1


def test_padding_before_a_max_pool_is_never_the_largest() -> None:
    text = "input 6x6x32; pool 3 /2 pad=1 floor"
    differs(text, "keras", 'float("-inf")', "0.0", "pool1")


def test_a_shuffle_of_pixels_has_an_order() -> None:
    """And `permute` one in which PyTorch's channels are the first dimension."""
    text = "input 4x4x8; relu; pixelshuffle 2"
    differs(text, "keras", "pixel_shuffle(x, 2)", "pixel_shuffle(x, 2, dcr=True)", "pixelshuffle1")
    text = "input 4x4x8; relu; permute 2x1x3"
    differs(text, "pytorch", "Permute(1, 3, 2)", "Permute(1, 2, 3)", "permute1")
