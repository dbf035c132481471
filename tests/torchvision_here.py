"""torchvision's models beside a PyTorch that cannot load torchvision's compiled operators."""

from __future__ import annotations

import importlib.util
from typing import Any

import pytest

_KEPT: list[Any] = []


def torchvision_models() -> Any:
    """`torchvision.models`; the test is skipped where torchvision is not installed."""
    if importlib.util.find_spec("torchvision") is None:
        pytest.skip("torchvision is not installed")
    import torch

    if not _KEPT:
        # What the import wants to see declared; no classifier calls it.
        library = torch.library.Library("torchvision", "DEF")
        library.define("nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        library.define("qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        _KEPT.append(library)
    import torchvision

    return torchvision.models
