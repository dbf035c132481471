"""The guide to pretrained networks, run from end to end: its commands, on networks of their kind.

Nothing is fetched: `torchvision.models` and `keras.applications` are small nets here, with random
weights.
"""

from __future__ import annotations

import re
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import keras
import numpy
import pytest
import torch
from conftest import few
from running import run
from torch import nn

GUIDE = Path(__file__).resolve().parent.parent / "docs" / "pretrained.md"


def commands(heading: str) -> list[list[str]]:
    """The commands below a heading of the guide, as words."""
    (part,) = re.findall(rf"^## {heading}\n(.*?)(?=^## |\Z)", GUIDE.read_text(), re.M | re.S)
    (block,) = re.findall(r"^```sh\n(.*?)^```$", part, re.M | re.S)
    return [shlex.split(line) for line in block.splitlines()]


class Basic(nn.Module):
    def __init__(self, given: int, width: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(given, width, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.downsample: nn.Module | None = None
        if stride > 1:
            self.downsample = nn.Conv2d(given, width, 1, stride, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        skip = x if self.downsample is None else self.downsample(x)
        x = self.bn2(self.conv2(self.bn1(self.conv1(x)).relu()))
        return (x + skip).relu()


def small_resnet() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 8, 7, 4, 3, bias=False),
        Basic(8, 16, 2),
        Basic(16, 16, 1),
        nn.AdaptiveAvgPool2d(3),
        nn.Flatten(),
        nn.Linear(16 * 9, 10),
    )


def small_mobilenet() -> Any:
    keras.utils.set_random_seed(1)
    return keras.applications.MobileNetV2(weights=None, input_shape=(32, 32, 3), alpha=0.35)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", sys.path[:])
    yield tmp_path


def built(path: str) -> Any:
    scope: dict[str, Any] = {"__name__": "generated"}
    exec(compile(Path(path).read_text(), path, "exec"), scope)
    return scope["build_model"]()


def test_from_torchvision_to_keras(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    models = ModuleType("torchvision.models")
    models.resnet18 = small_resnet  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "torchvision", ModuleType("torchvision"))
    monkeypatch.setitem(sys.modules, "torchvision.models", models)
    torch.manual_seed(5)
    model = small_resnet()
    for key, value in model.state_dict().items():
        if key.endswith(("running_mean", "running_var")):
            value.copy_(torch.rand(value.shape) + 0.5)
    torch.save(model.state_dict(), "resnet18.pth")
    for program, *words in commands("From torchvision to Keras"):
        code, _, err = run(*words)
        assert program == "cnndsl" and code == 0, err
    x = torch.rand(2, 3, 224, 224)
    with torch.no_grad():
        theirs = model.eval()(x).numpy()
    images = x.permute(0, 2, 3, 1)
    ours = keras.models.load_model("resnet18.keras")(images)
    numpy.testing.assert_allclose(keras.ops.convert_to_numpy(ours), theirs, atol=1e-5)
    assert (
        built("resnet18_keras.py").count_params()
        == keras.models.load_model("resnet18.keras").count_params()
    )


@pytest.mark.frameworks
def test_from_keras_applications_to_pytorch(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = small_mobilenet()
    model.save_weights("later.weights.h5")
    plain = keras.applications.MobileNetV2

    def made() -> Any:
        return plain(weights=None, input_shape=(32, 32, 3), alpha=0.35)

    monkeypatch.setattr(keras.applications, "MobileNetV2", made)
    for program, *words in commands("From keras.applications to PyTorch"):
        code, _, err = run(*words)
        assert program == "cnndsl" and code == 0, err
    from safetensors.torch import load_file

    ours = built("mobilenetv2_torch.py")
    ours.load_state_dict(load_file("later.safetensors"))
    x = torch.rand(2, 3, 32, 32)
    with torch.no_grad():
        given = ours.eval()(x).numpy()
    theirs = keras.ops.convert_to_numpy(model(x.permute(0, 2, 3, 1)))
    numpy.testing.assert_allclose(given, theirs, atol=1e-5)


LOADS = {
    "MobileNet": 64,
    "ResNet50": 64,
    "ResNet50V2": 64,
    "VGG16": 48,
    "MobileNetV2": 64,
    "MobileNetV3Small": 64,
    "DenseNet121": 64,
    "Xception": 96,
    "EfficientNetB0": 64,
}


@pytest.mark.parametrize("name", few(LOADS, (), turn=0))
def test_weights_of_keras_load_as_they_are(name: str, tmp_path: Path) -> None:
    """What the guide says of `.weights.h5`, of each network that it names."""
    import cnndsl

    assert name in GUIDE.read_text()
    keras.utils.set_random_seed(2)
    shape = (LOADS[name], LOADS[name], 3)
    theirs = getattr(keras.applications, name)(weights=None, input_shape=shape, classes=10)
    path = str(tmp_path / "a.weights.h5")
    theirs.save_weights(path)
    scope: dict[str, Any] = {}
    exec(cnndsl.build(cnndsl.import_model(theirs), "keras"), scope)
    ours = scope["build_model"]()
    ours.load_weights(path)
    images = numpy.random.default_rng(0).random((2, *shape))
    gap = keras.ops.convert_to_numpy(theirs(images)) - keras.ops.convert_to_numpy(ours(images))
    assert abs(gap).max() < 1e-5
