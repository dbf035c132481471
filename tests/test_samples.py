"""The nets in samples/: clean, in canonical form, and with the counts that are known of them."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import few

import cnndsl

ROOT = Path(__file__).resolve().parent.parent
SAMPLES = {path.stem: path for path in sorted((ROOT / "samples").glob("*.cnn"))}

# Sample: parameters, and how many of them are trainable. Where a paper or a framework
# publishes a count, it is this one.
COUNTS = {
    "alexnet": (61_100_840, 61_100_840),
    "article": (64_620, 64_620),
    "cbam_resnet50": (28_142_776, 28_089_624),
    "cyclegan": (11_378_179, 11_378_179),
    "densenet121": (8_062_504, 7_978_856),
    "ecg1d": (53_957, 53_957),
    "efficientnetb0": (5_330_564, 5_288_548),
    "espcn": (59_657, 59_657),
    "fully_connected": (1_056_850, 1_056_850),
    "googlenet": (6_639_464, 6_624_904),
    "hrnet_stage": (2_173_104, 2_162_880),
    "inception_block": (163_696, 163_696),
    "inception_resnet_v2": (55_873_736, 55_813_192),
    "inceptionv3": (23_851_784, 23_817_352),
    "lenet5": (61_706, 61_706),
    "mlp_mixer_b16": (59_880_472, 59_880_472),
    "mobilenet": (4_253_864, 4_231_976),
    "mobilenetv2": (3_538_984, 3_504_872),
    "nasnet_mobile": (5_326_716, 5_289_978),
    "padding": (948, 948),
    "psp_pool": (23_089_685, 23_084_565),
    "repvgg_a0": (9_132_616, 9_108_968),
    "resnet18": (11_699_112, 11_689_512),
    "resnet50": (25_636_712, 25_583_592),
    "resnet152": (60_419_944, 60_268_520),
    "resnet50v2": (25_613_800, 25_568_360),
    "siamese": (38_951_745, 38_951_745),
    "squeezenet1_0": (1_248_424, 1_248_424),
    "tutorial": (93_322, 93_322),
    "two_inputs": (26_385, 26_385),
    "two_outputs": (110_024, 110_024),
    "unet": (31_030_658, 31_030_658),
    "unet3d": (19_074_627, 19_069_955),
    "vgg16": (138_357_544, 138_357_544),
    "vgg16_frozen": (16_812_353, 2_097_665),
    "vgg19": (143_667_240, 143_667_240),
}
# Nets with errors, on purpose: what `check` says is in tests/golden/NAME/expected.diagnostics.
REFUSED = {"article_keras_listing"}


def text(name: str) -> str:
    return SAMPLES[name].read_text(encoding="utf-8")


def check(name: str) -> cnndsl.Network:
    return cnndsl.check(text(name), file=f"{name}.cnn")


def test_every_sample_is_tested() -> None:
    assert set(SAMPLES) == set(COUNTS) | REFUSED


@pytest.mark.parametrize("name", SAMPLES)
def test_form(name: str) -> None:
    """Canonical; with a comment on what it is; with the file's name; with a promise."""
    source = text(name)
    assert cnndsl.format(source) == source
    assert source.startswith("# ")
    assert f"\nnet {name}\n" in source
    assert name in REFUSED or "expect params == " in source or "expect trainable == " in source


@pytest.mark.parametrize("name", COUNTS)
def test_counts(name: str) -> None:
    assert cnndsl.diagnose(text(name), file=f"{name}.cnn") == []
    totals = check(name).totals
    assert (totals.params, totals.trainable) == COUNTS[name]


@pytest.mark.parametrize("name", COUNTS)
def test_json_adds_up(name: str) -> None:
    data = json.loads(cnndsl.build(check(name), "json"))
    assert data["net"] == name
    totals, rows = data["totals"], data["layers"]
    assert (totals["params"], totals["trainable"]) == COUNTS[name]
    assert totals["params"] == totals["trainable"] + totals["non_trainable"]
    kept = [row for row in rows if not row.get("training_only")]
    for key in ("params", "weights", "trainable", "non_trainable", "macs"):
        assert totals[key] == sum(row[key] for row in kept), key
    for row in rows:
        assert row["params"] == row["weights"] + row["biases"]


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_refused(name: str) -> None:
    golden = ROOT / "tests" / "golden" / name / "expected.diagnostics"
    with pytest.raises(cnndsl.CnndslError) as error:
        check(name)
    assert f"{error.value}\n\n" == golden.read_text(encoding="utf-8")


def test_the_refused_listing_is_what_keras_builds_once_it_says_floor() -> None:
    lines = text("article_keras_listing").splitlines(keepends=True)
    lines.insert(lines.index("net article_keras_listing\n") + 1, "rounding floor\n")
    net = cnndsl.check("".join(lines))
    pools = [node.output for node in net.layers if node.op == "pool"]
    assert pools == [(58, 28, 12), (27, 12, 16), (12, 4, 20)]


def test_the_fully_connected_net_is_sixteen_times_the_article() -> None:
    """6%, where an article that compares the two says 20%."""
    few, many = check("article").totals, check("fully_connected").totals
    assert (few.weights, many.weights) == (64_320, 1_055_400)
    assert round(100 * few.weights / many.weights) == 6
    assert round(many.params / few.params) == 16


def test_unet3d_is_that_of_the_paper() -> None:
    """Çiçek and others count 19,069,955 parameters, all that training changes."""
    assert check("unet3d").totals.trainable == 19_069_955


def test_googlenet_has_more_while_training() -> None:
    """As torchvision counts it with its two classifiers."""
    assert check("googlenet").training_totals.trainable == 13_004_888


# Nets of keras.applications, with what of them cnndsl does not write.
KERAS = {
    "densenet121": "DenseNet121",
    "efficientnetb0": "EfficientNetB0",
    "inception_resnet_v2": "InceptionResNetV2",
    "inceptionv3": "InceptionV3",
    "mobilenet": "MobileNet",
    "mobilenetv2": "MobileNetV2",
    "nasnet_mobile": "NASNetMobile",
    "resnet50": "ResNet50",
    "resnet152": "ResNet152",
    "resnet50v2": "ResNet50V2",
    "vgg16": "VGG16",
    "vgg19": "VGG19",
}
KINDS = {
    "conv": "Conv2D",
    "dwconv": "DepthwiseConv2D",
    "sepconv": "SeparableConv2D",
    "dense": "Dense",
    "bn": "BatchNormalization",
}


def keras_model(name: str, device: str) -> Any:
    """The real thing, with random weights, or with none at all on the device `meta`."""
    import keras

    builder: Callable[..., Any] = getattr(keras.applications, KERAS[name])
    options: dict[str, Any] = {}
    if name == "nasnet_mobile":
        # NASNetMobile refuses to run on PyTorch, whose pooling it distrusts. It is this call.
        from keras.src.applications.nasnet import NASNet

        builder = NASNet
        options = {
            "input_shape": (224, 224, 3),
            "penultimate_filters": 1056,
            "num_blocks": 4,
            "stem_block_filters": 32,
            "skip_reduction": False,
            "filter_multiplier": 2,
            "default_size": 224,
        }
    with keras.device(device):
        return builder(weights=None, **options)


@pytest.mark.parametrize(
    "name", few(KERAS, ("mobilenet", "mobilenetv2", "resnet50v2", "vgg16"), turn=0)
)
def test_same_as_keras_applications(name: str) -> None:
    theirs: Counter[tuple[str, tuple[int, ...], int, int]] = Counter()
    for layer in keras_model(name, "meta").layers:
        # EfficientNet's holds a mean, a variance and a count, where cnndsl has constants.
        if layer.weights and type(layer).__name__ != "Normalization":
            learned = sum(math.prod(weight.shape) for weight in layer.trainable_weights)
            kept = sum(math.prod(weight.shape) for weight in layer.non_trainable_weights)
            theirs[type(layer).__name__, tuple(layer.output.shape[1:]), learned, kept] += 1
    ours = Counter(
        (
            KINDS[node.op],
            node.output,
            node.layer.trainable,
            node.layer.params - node.layer.trainable,
        )
        for node in check(name).layers
        if node.layer.params
    )
    assert ours == theirs
    learned = sum(row[2] * times for row, times in theirs.items())
    kept = sum(row[3] * times for row, times in theirs.items())
    assert (learned + kept, learned) == COUNTS[name]


# Without those whose weights are many and whose layers are few kinds, and without
# inception_resnet_v2, which lacks constant factors.
SAME_VALUES = set(KERAS) - {"inception_resnet_v2", "resnet152", "vgg16", "vgg19"}


@pytest.mark.parametrize("name", few(sorted(SAME_VALUES), ("mobilenet",), turn=1))
def test_same_values_as_keras_applications(name: str) -> None:
    """With the same weights, what comes before the last pool is the same to the last bit or so.

    The counts above can't tell one padding from another; this can.
    """
    import keras
    import numpy as np
    import torch

    theirs = keras_model(name, "cpu")
    scope: dict[str, Any] = {}
    exec(cnndsl.build(check(name), "keras"), scope)
    ours = scope["build_model"]()

    layers = [
        [
            layer
            for layer in model.layers
            if layer.weights and type(layer).__name__ != "Normalization"
        ]
        for model in (theirs, ours)
    ]
    random = np.random.default_rng(0)
    for one, other in zip(*layers, strict=True):
        weights = []
        for weight in one.weights:
            values = np.asarray(weight.value.detach())
            if weight.path.endswith(("gamma", "moving_variance")):
                values = random.uniform(0.5, 1.5, values.shape).astype("float32")
            elif values.ndim == 1:  # what starts as zeros: biases, beta, moving_mean
                values = random.normal(0, 0.2, values.shape).astype("float32")
            weights.append(values)
        one.set_weights(weights)
        other.set_weights(weights)

    def features(model: Any, image: Any) -> Any:
        last = [layer for layer in model.layers if "GlobalAverage" in type(layer).__name__][-1]
        with torch.no_grad():
            return np.asarray(keras.Model(model.input, last.input)(image))

    image = random.uniform(0, 1, (1, *theirs.input_shape[1:])).astype("float32")
    if name == "efficientnetb0":  # which normalises its input by what it keeps of ImageNet
        image *= 255
        (keeps,) = (each for each in theirs.layers if type(each).__name__ == "Normalization")
        mean, deviation = np.array([[0.485, 0.456, 0.406], [0.229, 0.224, 0.225]])
        keeps.mean, keeps.variance = mean.reshape(1, 1, 1, 3), (deviation**2).reshape(1, 1, 1, 3)
    expected = features(theirs, image)
    assert expected.std() > 0.1
    np.testing.assert_allclose(features(ours, image), expected, rtol=1e-4, atol=1e-4)
