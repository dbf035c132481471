"""Nets of samples/ beside originals, written by hand in PyTorch: the same values."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from conftest import few
from torch import nn
from torch.nn import functional as F

import cnndsl
from cnndsl.proof import frameworks

SAMPLES = Path(__file__).resolve().parent.parent / "samples"


def conv_bn(c: int, n: int, k: int = 1, s: int = 1, *more: nn.Module, eps: float = 1e-5) -> Any:
    """A convolution and its batch normalisation, as nearly every original has them."""
    conv = nn.Conv2d(c, n, k, s, k // 2, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(n, eps=eps), *more)


# Sums of branches


class RepVGGBlock(nn.Module):
    def __init__(self, c: int, n: int, s: int) -> None:
        super().__init__()
        self.dense, self.one = conv_bn(c, n, 3, s), conv_bn(c, n, 1, s)
        self.identity = nn.BatchNorm2d(n) if c == n and s == 1 else None

    def forward(self, x: Any) -> Any:
        y = self.dense(x) + self.one(x)
        return F.relu(y if self.identity is None else y + self.identity(x))


def repvgg_a0() -> nn.Module:
    widths = [(3, 48, 2), (48, 48, 2), (48, 48, 1), (48, 96, 2), *[(96, 96, 1)] * 3]
    widths += [(96, 192, 2), *[(192, 192, 1)] * 13, (192, 1280, 2)]
    end = (nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(1280, 1000), nn.Softmax(1))
    return nn.Sequential(*(RepVGGBlock(*width) for width in widths), *end)


# Two classifiers while training


class Inception(nn.Module):
    def __init__(self, c: int, a: int, b: int, bb: int, d: int, dd: int, e: int) -> None:
        super().__init__()

        def conv(c: int, n: int, k: int = 1) -> Any:
            return conv_bn(c, n, k, 1, nn.ReLU(), eps=0.001)

        pool = nn.MaxPool2d(3, 1, 1, ceil_mode=True)
        self.branches = nn.ModuleList(
            [
                conv(c, a),
                nn.Sequential(conv(c, b), conv(b, bb, 3)),
                nn.Sequential(conv(c, d), conv(d, dd, 3)),
                nn.Sequential(pool, conv(c, e)),
            ]
        )

    def forward(self, x: Any) -> Any:
        return torch.cat([branch(x) for branch in self.branches], 1)


class GoogLeNet(nn.Module):
    def __init__(self) -> None:
        super().__init__()

        def conv(c: int, n: int, k: int = 1, s: int = 1) -> Any:
            return conv_bn(c, n, k, s, nn.ReLU(), eps=0.001)

        def aux(c: int) -> Any:
            dense = (nn.Linear(2048, 1024), nn.ReLU(), nn.Dropout(0.7), nn.Linear(1024, 1000))
            pool = nn.AdaptiveAvgPool2d(4)
            return nn.Sequential(pool, conv(c, 128), nn.Flatten(), *dense, nn.Softmax(1))

        def pool(k: int = 3) -> Any:
            return nn.MaxPool2d(k, 2, ceil_mode=True)

        self.stem = nn.Sequential(
            conv(3, 64, 7, 2), pool(), conv(64, 64), conv(64, 192, 3), pool(),
            Inception(192, 64, 96, 128, 16, 32, 32),
            Inception(256, 128, 128, 192, 32, 96, 64), pool(),
            Inception(480, 192, 96, 208, 16, 48, 64),
        )  # fmt: skip
        self.aux1 = aux(512)
        self.middle = nn.Sequential(
            Inception(512, 160, 112, 224, 24, 64, 64),
            Inception(512, 128, 128, 256, 24, 64, 64),
            Inception(512, 112, 144, 288, 32, 64, 64),
        )
        self.aux2 = aux(528)
        self.end = nn.Sequential(
            Inception(528, 256, 160, 320, 32, 128, 128), pool(2),
            Inception(832, 256, 160, 320, 32, 128, 128),
            Inception(832, 384, 192, 384, 48, 128, 128),
            nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(0.2), nn.Linear(1024, 1000),
            nn.Softmax(1),
        )  # fmt: skip

    def forward(self, x: Any) -> Any:
        x = self.stem(x)
        aux1 = self.aux1(x) if self.training else None
        x = self.middle(x)
        aux2 = self.aux2(x) if self.training else None
        x = self.end(x)
        return {"main": x, "aux1": aux1, "aux2": aux2} if self.training else x


# Several resolutions


class BasicBlock(nn.Module):
    def __init__(self, n: int) -> None:
        super().__init__()
        self.body = nn.Sequential(*conv_bn(n, n, 3), nn.ReLU(), *conv_bn(n, n, 3))

    def forward(self, x: Any) -> Any:
        return F.relu(x + self.body(x))


class HighResolutionModule(nn.Module):
    """The branches, and for each of their pairs the way from one to the other."""

    def __init__(self, widths: tuple[int, ...]) -> None:
        super().__init__()
        self.branches = nn.ModuleList(
            nn.Sequential(*(BasicBlock(n) for _ in range(4))) for n in widths
        )
        self.fuse = nn.ModuleList(
            nn.ModuleList(self.way(widths, j, i) for j in range(len(widths)))
            for i in range(len(widths))
        )

    @staticmethod
    def way(widths: tuple[int, ...], j: int, i: int) -> nn.Module:
        if j >= i:
            up = nn.Upsample(scale_factor=2 ** (j - i), mode="nearest")
            return nn.Sequential(*conv_bn(widths[j], widths[i]), up) if j > i else nn.Identity()
        down = [conv_bn(widths[j], widths[j], 3, 2, nn.ReLU()) for _ in range(i - j - 1)]
        return nn.Sequential(*down, conv_bn(widths[j], widths[i], 3, 2))

    def forward(self, xs: Any) -> Any:
        xs = [branch(x) for branch, x in zip(self.branches, xs)]
        return [F.relu(sum(way(x) for way, x in zip(ways, xs))) for ways in self.fuse]


class Stage(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(*(HighResolutionModule((18, 36, 72)) for _ in range(4)))

    def forward(self, high: Any, mid: Any, low: Any) -> Any:
        return dict(zip(("main", "mid_out", "low_out"), self.body([high, mid, low])))


ORIGINALS: dict[str, Callable[[], nn.Module]] = {
    "repvgg_a0": repvgg_a0,
    "googlenet": GoogLeNet,
    "hrnet_stage": Stage,
}


def keeping(model: nn.Module, images: list[Any]) -> list[nn.Module]:
    """The modules of a model that keep something themselves, in the order in which they run."""
    found: dict[nn.Module, None] = {}
    parts = [
        part for part in model.modules() if not list(part.children()) and list(part.state_dict())
    ]
    hooks = [part.register_forward_hook(lambda part, *_: found.setdefault(part)) for part in parts]
    model(*images)
    for hook in hooks:
        hook.remove()
    assert len(found) == len(parts)
    return list(found)


def drawn(model: nn.Module) -> nn.Module:
    """A model with random numbers where modules begin with zeros and ones."""
    for part in model.modules():
        if isinstance(part, nn.Dropout):
            part.p = 0.0
        if isinstance(part, nn.BatchNorm2d):
            for array in (part.weight, part.running_var):
                nn.init.uniform_(array, 0.5, 1.5)
            for array in (part.bias, part.running_mean):
                nn.init.normal_(array, 0, 0.2)
    return model


@pytest.mark.parametrize("name", few(ORIGINALS, ("hrnet_stage",)))
@torch.no_grad()
def test_same_values_as_the_original(name: str) -> None:
    """In inference, and in training with what is there then alone, but for what is dropped."""
    net = cnndsl.check((SAMPLES / f"{name}.cnn").read_text(encoding="utf-8"))
    theirs = drawn(ORIGINALS[name]())
    ours = drawn(frameworks.run(cnndsl.build(net, "pytorch"))["build_model"]())
    shapes = [net.nodes[index].output for index in net.inputs]
    images = [torch.rand(2, shape[-1], *shape[:-1]) for shape in shapes]
    pairs = list(zip(*(keeping(model.train(), images) for model in (theirs, ours)), strict=True))
    for one, other in pairs:
        other.load_state_dict(one.state_dict())
    counts = [sum(part.numel() for part in model.parameters()) for model in (theirs, ours)]
    assert counts == [net.training_totals.trainable] * 2
    for training in (False, True):
        results = [model.train(training)(*images) for model in (theirs, ours)]
        wanted, found = (
            result if isinstance(result, dict) else {"main": result} for result in results
        )
        assert set(wanted) == set(found)
        for end, value in wanted.items():
            assert value.std() > 0
            error = (found[end] - value).abs().max() / value.abs().max()
            assert error < 1e-4, (end, training)
