"""Nets of torchvision and of keras.applications, with the lines that a text of each may take."""

from __future__ import annotations

from typing import Any

import keras
from torchvision_here import torchvision_models

from cnndsl.importers.graph import Graph
from cnndsl.importers.keras_file import read_model
from cnndsl.importers.torch_model import read_module

MARKS = {
    "resnet18": 18,
    "resnet50": 20,
    "vgg11_bn": 10,
    "mobilenet_v2": 26,
    "squeezenet1_1": 12,
    "googlenet": 24,
    "densenet121": 26,
    "shufflenet_v2_x1_0": 30,
    "mnasnet1_0": 26,
    "efficientnet_b0": 30,
    "convnext_tiny": 14,
    "ResNet50": 20,
    "VGG16": 12,
    "MobileNet": 24,
    "MobileNetV2": 30,
    "DenseNet121": 20,
    "InceptionV3": 70,
    "Xception": 28,
    "ResNet50V2": 28,
    "ConvNeXtTiny": 16,
    "EfficientNetB0": 34,
    "MobileNetV3Small": 34,
}
"""How many lines of at most 100 columns a text may take, comments and promises aside."""


def model(name: str) -> Any:
    """A net, with no trained weights: torchvision's names begin with a small letter."""
    if name[0].islower():
        options = {"init_weights": False} if name in ("googlenet", "inception_v3") else {}
        return getattr(torchvision_models(), name)(**options)
    options = {"input_shape": (224, 224, 3)} if name.startswith("MobileNetV3") else {}
    return getattr(keras.applications, name)(weights=None, **options)


def graph(name: str, live: Any) -> Graph:
    """What a reader makes of a net."""
    size = 299 if name == "inception_v3" else 224
    if name[0].islower():
        return read_module(live, [(size, size, 3)], name)
    return read_model(live, name)


def lines(text: str) -> int:
    """How many lines a text has, comments and promises aside."""
    kept = [line for line in text.splitlines() if line.strip()]
    return sum(not line.lstrip().startswith(("#", "expect")) for line in kept)
