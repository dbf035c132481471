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


# One set of weights for two images, or for two views of one


class Siamese(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        sizes = [(1, 64, 10), (64, 128, 7), (128, 128, 4), (128, 256, 4)]
        convs = [(nn.Conv2d(*size), nn.ReLU(), nn.MaxPool2d(2)) for size in sizes]
        parts = [part for conv in convs for part in conv][:-1]
        end = (nn.Flatten(), nn.Linear(9216, 4096), nn.Sigmoid())
        self.tower = nn.Sequential(*parts, *end)
        self.classifier = nn.Linear(4096, 1)

    def forward(self, left: Any, right: Any) -> Any:
        apart = (self.tower(left) - self.tower(right)).abs()
        return torch.sigmoid(self.classifier(apart))


class CBAM(nn.Module):
    def __init__(self, n: int) -> None:
        super().__init__()
        self.mlp = nn.Sequential(nn.Linear(n, n // 16), nn.ReLU(), nn.Linear(n // 16, n))
        self.conv = nn.Conv2d(2, 1, 7, padding=3, bias=False)
        self.bn = nn.BatchNorm2d(1, momentum=0.01)

    def forward(self, x: Any) -> Any:
        weights = torch.sigmoid(self.mlp(x.mean((2, 3))) + self.mlp(x.amax((2, 3))))
        x = x * weights[:, :, None, None]
        seen = torch.cat([x.max(1, keepdim=True)[0], x.mean(1, keepdim=True)], 1)
        return x * torch.sigmoid(self.bn(self.conv(seen)))


class Bottleneck(nn.Module):
    def __init__(self, c: int, n: int, s: int) -> None:
        super().__init__()
        self.down = conv_bn(c, 4 * n, 1, s) if c != 4 * n or s != 1 else nn.Identity()
        three = (conv_bn(c, n), nn.ReLU(), conv_bn(n, n, 3, s), nn.ReLU(), conv_bn(n, 4 * n))
        self.body = nn.Sequential(*three, CBAM(4 * n))

    def forward(self, x: Any) -> Any:
        return F.relu(self.down(x) + self.body(x))


def cbam_resnet50() -> nn.Module:
    parts = [conv_bn(3, 64, 7, 2, nn.ReLU()), nn.MaxPool2d(3, 2, 1)]
    c = 64
    for n, times in ((64, 3), (128, 4), (256, 6), (512, 3)):
        for i in range(times):
            parts.append(Bottleneck(c, n, 2 if n > 64 and i == 0 else 1))
            c = 4 * n
    end = (nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(2048, 1000), nn.Softmax(1))
    return nn.Sequential(*parts, *end)


# Other places for the same values


def espcn() -> nn.Module:
    sizes = [(1, 64, 5), (64, 64, 3), (64, 32, 3), (32, 9, 3)]
    convs = [part for c, n, k in sizes for part in (nn.Conv2d(c, n, k, 1, k // 2), nn.ReLU())]
    return nn.Sequential(*convs[:-1], nn.PixelShuffle(3))


class MixerBlock(nn.Module):
    def __init__(self) -> None:
        super().__init__()

        def mlp(c: int, n: int) -> Any:
            return nn.Sequential(nn.Linear(c, n), nn.GELU(), nn.Linear(n, c))

        self.before_tokens, self.tokens = nn.LayerNorm(768, 1e-6), mlp(196, 384)
        self.before_channels, self.channels = nn.LayerNorm(768, 1e-6), mlp(768, 3072)

    def forward(self, x: Any) -> Any:
        x = x + self.tokens(self.before_tokens(x).mT).mT
        return x + self.channels(self.before_channels(x))


class Mixer(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.patches = nn.Conv2d(3, 768, 16, 16)
        blocks = (MixerBlock() for _ in range(12))
        self.body = nn.Sequential(*blocks, nn.LayerNorm(768, 1e-6))
        self.classifier = nn.Linear(768, 1000)

    def forward(self, x: Any) -> Any:
        x = self.body(self.patches(x).flatten(2).mT)
        return self.classifier(x.mean(1)).softmax(1)


class Residual(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        one, two = (
            (nn.ReflectionPad2d(1), nn.Conv2d(256, 256, 3), nn.InstanceNorm2d(256))
            for _ in range(2)
        )
        self.body = nn.Sequential(*one, nn.ReLU(), *two)

    def forward(self, x: Any) -> Any:
        return x + self.body(x)


def cyclegan() -> nn.Module:
    def normed(n: int, *before: nn.Module) -> Any:
        return (*before, nn.InstanceNorm2d(n), nn.ReLU())

    return nn.Sequential(
        *normed(64, nn.ReflectionPad2d(3), nn.Conv2d(3, 64, 7)),
        *normed(128, nn.Conv2d(64, 128, 3, 2, 1)),
        *normed(256, nn.Conv2d(128, 256, 3, 2, 1)),
        *(Residual() for _ in range(9)),
        *normed(128, nn.ConvTranspose2d(256, 128, 3, 2, 1, 1)),
        *normed(64, nn.ConvTranspose2d(128, 64, 3, 2, 1, 1)),
        *(nn.ReflectionPad2d(3), nn.Conv2d(64, 3, 7), nn.Tanh()),
    )


class PyramidPool(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.bins = nn.ModuleList(
            nn.Sequential(nn.AdaptiveAvgPool2d(size), conv_bn(2048, 512, 1, 1, nn.ReLU()))
            for size in (1, 2, 3, 6)
        )
        end = (nn.Dropout(0.1), nn.Conv2d(512, 21, 1))
        self.end = nn.Sequential(conv_bn(4096, 512, 3, 1, nn.ReLU()), *end)

    def forward(self, x: Any) -> Any:
        def up(x: Any) -> Any:
            return F.interpolate(x, (60, 60), mode="bilinear", align_corners=True)

        return self.end(torch.cat([x, *(up(part(x)) for part in self.bins)], 1))


ORIGINALS: dict[str, Callable[[], nn.Module]] = {
    "cbam_resnet50": cbam_resnet50,
    "cyclegan": cyclegan,
    "espcn": espcn,
    "googlenet": GoogLeNet,
    "hrnet_stage": Stage,
    "mlp_mixer_b16": Mixer,
    "psp_pool": PyramidPool,
    "repvgg_a0": repvgg_a0,
    "siamese": Siamese,
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


@pytest.mark.parametrize("name", few(ORIGINALS, ("espcn",), turn=0))
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
        shapes_there = {name: array.shape for name, array in other.state_dict().items()}
        state = one.state_dict().items()  # a dense layer may be a convolution of one pixel there
        other.load_state_dict({name: array.reshape(shapes_there[name]) for name, array in state})
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
