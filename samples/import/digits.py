"""A small residual net for digits, as one writes it in PyTorch."""

import torch
from torch import nn


class Residual(nn.Module):
    def __init__(self, channels, width, stride=1):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(channels, width, 3, stride=stride, padding=1, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(),
            nn.Conv2d(width, width, 3, padding=1, bias=False),
            nn.BatchNorm2d(width),
        )
        self.shortcut = None
        if stride > 1:
            self.shortcut = nn.Conv2d(channels, width, 1, stride=stride, bias=False)

    def forward(self, x):
        skip = x if self.shortcut is None else self.shortcut(x)
        return torch.relu(self.body(x) + skip)


class Digits(nn.Module):
    def __init__(self, classes=10):
        super().__init__()
        self.stem = nn.Conv2d(1, 16, 3, padding=1)
        stages = []
        for channels, width in ((16, 32), (32, 64)):
            stages += [Residual(channels, width, 2), Residual(width, width)]
        self.stages = nn.Sequential(*stages)
        self.head = nn.Linear(64, classes)

    def forward(self, x):
        x = self.stages(torch.relu(self.stem(x)))
        return self.head(x.mean((2, 3)))


if __name__ == "__main__":
    print(Digits()(torch.rand(1, 1, 28, 28)).shape)
