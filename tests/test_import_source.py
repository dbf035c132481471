"""Networks in source code of Keras and PyTorch: read as they are written in the wild."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import pytest
from conftest import crossed

import cnndsl
from cnndsl.importers.graph import Graph, ImportProblems, Problem, title
from cnndsl.importers.normal import normal
from cnndsl.importers.source import read_source
from cnndsl.importers.told import way_out
from cnndsl.importers.write import to_text
from cnndsl.layers.source import call_of

SAMPLES = Path(__file__).parent.parent / "samples"


class Case(NamedTuple):
    """A source, with what it holds: all parameters, those that learn, and words of layers."""

    source: str
    params: int
    trainable: int
    words: str
    shape: tuple[int, ...] | None = None
    pick: str | None = None


def words(graph: Graph) -> str:
    """The words of a graph, each once and in their order, with how often."""
    counts: dict[str, int] = {}
    for op in graph.ops:
        counts[op.word] = counts.get(op.word, 0) + 1
    return " ".join(f"{word}:{count}" for word, count in counts.items())


def problems(source: str, **options: Any) -> tuple[Problem, ...]:
    """What stands in the way of a source."""
    with pytest.raises(ImportProblems) as caught:
        read_source(source, **options)
    return caught.value.problems


def codes(source: str, **options: Any) -> list[str]:
    return [each.code for each in problems(source, **options)]


MNIST = """
import argparse
import torch
import torch.nn as nn
import torch.nn.functional as F
import torch.optim as optim
from torchvision import datasets, transforms


class Net(nn.Module):
    def __init__(self):
        super(Net, self).__init__()
        self.conv1 = nn.Conv2d(1, 16, 3, 1)
        self.conv2 = nn.Conv2d(16, 32, 3, 1)
        self.drop = nn.Dropout(0.25)
        self.fc1 = nn.Linear(4608, 100)
        self.fc2 = nn.Linear(100, 10)

    def forward(self, x):
        x = F.relu(self.conv1(x))
        x = F.relu(self.conv2(x))
        x = F.max_pool2d(x, 2)
        x = torch.flatten(self.drop(x), 1)
        x = F.dropout(F.relu(self.fc1(x)), training=self.training)
        return F.softmax(self.fc2(x), dim=1)


def train(args, model, device, loader, optimizer, epoch):
    model.train()
    for index, (data, target) in enumerate(loader):
        data, target = data.to(device), target.to(device)
        optimizer.zero_grad()
        loss = F.nll_loss(model(data), target)
        loss.backward()
        optimizer.step()
        if index % args.log_interval == 0:
            print("Train {}: {:.0f}%".format(epoch, 100. * index / len(loader)))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--epochs", type=int, default=14)
    args = parser.parse_args()
    torch.manual_seed(1)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    data = datasets.MNIST("../data", train=True, download=True)
    loader = torch.utils.data.DataLoader(data, batch_size=64)
    model = Net().to(device)
    optimizer = optim.Adadelta(model.parameters(), lr=1.0)
    for epoch in range(1, args.epochs + 1):
        train(args, model, device, loader, optimizer, epoch)


if __name__ == "__main__":
    main()
"""

RESNET = """
import torch
import torch.nn as nn
import torch.nn.functional as F


class Basic(nn.Module):
    expansion = 1

    def __init__(self, in_planes, planes, stride=1):
        super().__init__()
        self.conv1 = nn.Conv2d(in_planes, planes, 3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(planes)
        self.conv2 = nn.Conv2d(planes, planes, kernel_size=3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(planes)
        self.shortcut = nn.Sequential()
        if stride != 1 or in_planes != self.expansion * planes:
            self.shortcut = nn.Sequential(
                nn.Conv2d(in_planes, self.expansion * planes, 1, stride, bias=False),
                nn.BatchNorm2d(self.expansion * planes),
            )

    def forward(self, x):
        out = F.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        out += self.shortcut(x)
        return F.relu(out)


class ResNet(nn.Module):
    def __init__(self, block, num_blocks, num_classes=10):
        super(ResNet, self).__init__()
        self.in_planes = 16
        self.conv1 = nn.Conv2d(3, 16, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        for i, planes in enumerate([16, 32, 64]):
            stage = self._make(block, planes, num_blocks[i], 1 if i == 0 else 2)
            setattr(self, f"layer{i + 1}", stage)
        self.linear = nn.Linear(64 * block.expansion, num_classes)
        for m in self.modules():
            if isinstance(m, nn.Conv2d):
                nn.init.kaiming_normal_(m.weight, mode="fan_out")
            elif isinstance(m, (nn.BatchNorm2d, nn.GroupNorm)):
                nn.init.constant_(m.weight, 1)
                m.bias.data.zero_()

    def _make(self, block, planes, count, stride):
        strides = [stride] + [1] * (count - 1)
        layers = []
        for stride in strides:
            layers.append(block(self.in_planes, planes, stride))
            self.in_planes = planes * block.expansion
        return nn.Sequential(*layers)

    def forward(self, x):
        out = F.relu(self.bn1(self.conv1(x)))
        out = self.layer3(self.layer2(self.layer1(out)))
        out = F.avg_pool2d(out, out.size()[3])
        out = out.view(out.size(0), -1)
        return self.linear(out)


def ResNet8():
    return ResNet(Basic, [1, 1, 1])


def ResNet20():
    return ResNet(Basic, [3, 3, 3])


def test():
    net = ResNet8()
    y = net(torch.randn(1, 3, 32, 32))
    print(y.size())
"""

VGG = """
import torch.nn as nn

cfg = {
    "VGG5": [8, "M", 16, 16, "M"],
    "VGG7": [8, 8, "M", 16, 16, "M", 32, "M"],
}


class VGG(nn.Module):
    def __init__(self, vgg_name):
        super(VGG, self).__init__()
        self.features = self._make_layers(cfg[vgg_name])
        self.classifier = nn.Linear(32 * 4 * 4, 10)

    def forward(self, x):
        out = self.features(x)
        out = out.view(out.size(0), -1)
        out = self.classifier(out)
        return out

    def _make_layers(self, cfg):
        layers = []
        in_channels = 3
        for x in cfg:
            if x == 'M':
                layers += [nn.MaxPool2d(kernel_size=2, stride=2)]
            else:
                layers += [nn.Conv2d(in_channels, x, kernel_size=3, padding=1),
                           nn.BatchNorm2d(x),
                           nn.ReLU(inplace=True)]
                in_channels = x
        layers += [nn.AvgPool2d(kernel_size=1, stride=1)]
        return nn.Sequential(*layers)


net = VGG("VGG7")
if net.classifier.out_features == 10:
    summary(net.cuda(), (3, 32, 32))
"""

BRANCHES = '''
from collections import OrderedDict, namedtuple
from dataclasses import dataclass
from functools import partial
import math
import torch
from torch import nn, Tensor

Stage = namedtuple("Stage", ["width", "count"])


@dataclass
class Options:
    widths: tuple = (8, 16)
    groups: int = 2
    act: type = nn.ReLU


class SE(nn.Module):
    def __init__(self, channels, ratio=4):
        super().__init__()
        self.fc = nn.Sequential(
            OrderedDict([
                ("down", nn.Linear(channels, channels // ratio)),
                ("act", nn.ReLU()),
                ("up", nn.Linear(channels // ratio, channels)),
                ("gate", nn.Sigmoid()),
            ])
        )

    def forward(self, x):
        b, c, _, _ = x.size()
        y = x.mean(dim=(2, 3)).view(b, c)
        return x * self.fc(y).view(b, c, 1, 1)


def shuffle(x: Tensor, groups: int) -> Tensor:
    n, c, h, w = x.shape
    x = x.view(n, groups, c // groups, h, w)
    return x.transpose(1, 2).contiguous().view(n, -1, h, w)


class Unit(nn.Module):
    """Two ways, of which one is the input itself."""

    def __init__(self, c, options, *, norm=partial(nn.BatchNorm2d, eps=1e-3), **kwargs):
        super().__init__()
        self.options = options
        half = c // 2
        self.ways = nn.ModuleList(
            nn.Sequential(
                nn.Conv2d(half, half, k, padding=k // 2, groups=half, bias=False), norm(half)
            )
            for k in (3, 5)
        )
        self.act = options.act(**kwargs)
        self.se = SE(c)

    def forward(self, x):
        one, two = torch.chunk(x, 2, dim=1)
        one = self.act(self.ways[0](one))
        two = self.act(self.ways[1](two))
        x = shuffle(torch.cat((one, two), 1), self.options.groups)
        return self.se(x)


class Net(nn.Module):
    def __init__(self, options=Options()):
        super().__init__()
        self.stages = nn.ModuleDict()
        before = 3
        for at, stage in enumerate([Stage(w, at + 1) for at, w in enumerate(options.widths)]):
            parts = [nn.Conv2d(before, stage.width, 3, stride=2, padding=1)]
            parts.extend(Unit(stage.width, options, inplace=True) for _ in range(stage.count))
            self.stages["stage%d" % at] = nn.Sequential(*parts)
            before = stage.width
        self.head = nn.Sequential(nn.AdaptiveAvgPool2d((1, 1)), nn.Flatten())
        self.head.add_module("fc", nn.Linear(before, math.ceil(9.5)))

    def forward(self, x):
        if x.dim() != 4:
            raise ValueError("an image is wanted")
        for name, stage in self.stages.items():
            x = stage(x)
        while x.size(2) > 4:
            x = nn.functional.max_pool2d(x, 2)
        return self.head(x)


model = Net()
model.load_state_dict(torch.load("weights.pth"))
y = model(torch.zeros(2, 3, 64, 64))
'''

AUXILIARY = """
class Head(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.fc = nn.Linear(c, 5)
    def forward(self, x):
        return self.fc(torch.flatten(F.adaptive_avg_pool2d(x, 1), 1))

class Two(nn.Module):
    def __init__(self):
        super().__init__()
        self.a = nn.Conv2d(3, 8, 3)
        self.aux = Head(8)
        self.b = nn.Conv2d(8, 8, 3)
        self.main = Head(8)
        self.old = nn.Linear(2, 2)
        for p in self.a.parameters():
            p.requires_grad = False
    def forward(self, x):
        x = self.a(x)
        if self.training:
            aux = self.aux(x)
        x = self.main(self.b(x))
        if self.training:
            return x, aux
        return x
"""

SEQUENTIAL = """
model = models.Sequential()
# the first layer says the size
model.add(layers.Conv2D(16, (3, 3), activation='relu', input_shape=(32, 32, 3)))
model.add(layers.MaxPooling2D((2, 2)))
model.add(layers.Conv2D(24, (3, 3), activation=tf.nn.relu))
model.add(layers.Flatten())
model.add(layers.Dense(10, activation='softmax'))
model.compile(optimizer='adam', loss='sparse_categorical_crossentropy')
history = model.fit(train_images, train_labels, epochs=10)
plt.plot(history.history['accuracy'])
"""

FUNCTIONAL = """
import tensorflow as tf
from tensorflow.keras import layers, Model
from tensorflow.keras.layers import *

def conv_block(x, filters, act="relu", **kwargs):
    kwargs["kernel_initializer"] = "he_normal"
    x = Conv2D(filters, 3, padding="same", use_bias=False, **kwargs)(x)
    x = BatchNormalization()(x)
    return Activation(act)(x)

def get_model(img_size=(64, 64), num_classes=3):
    inputs = tf.keras.Input(shape=img_size + (3,), name="image")
    x = Rescaling(1.0 / 255)(inputs)
    skips = []
    for filters in [8, 16]:
        x = conv_block(x, filters)
        skips.append(x)
        x = MaxPooling2D()(x)
    x = conv_block(x, 32, act=tf.keras.activations.relu)
    for filters, skip in zip([16, 8], reversed(skips)):
        x = Conv2DTranspose(filters, 2, strides=2)(x)
        x = concatenate([x, skip], axis=-1)
        residual = Conv2D(filters, 1)(x)
        x = conv_block(x, filters)
        x = x + residual
    c = x.shape[-1]
    gate = GlobalAveragePooling2D()(x)
    gate = Dense(c // 2, activation=LeakyReLU(0.1))(gate)
    gate = Reshape((1, 1, c))(Dense(int(c), activation="sigmoid")(gate))
    x = Multiply()([x, gate])
    outputs = Conv2D(num_classes, 1, activation="softmax", name="mask")(x)
    return Model(inputs, outputs, name="unet")

model = get_model()
model.summary()
"""

SUBCLASS = """
import tensorflow as tf
from tensorflow.keras.layers import Dense, Flatten, Conv2D
from tensorflow.keras import Model

class Block(tf.keras.layers.Layer):
    def __init__(self, filters, **kwargs):
        super().__init__(**kwargs)
        self.conv = Conv2D(filters, 3, padding="same", activation="relu")
        self.drop = tf.keras.layers.Dropout(0.2)
    def call(self, x, training=None):
        return x + self.drop(self.conv(x), training=training)

class MyModel(Model):
    def __init__(self):
        super().__init__()
        self.conv1 = Conv2D(32, 3, activation='relu')
        self.blocks = [Block(32) for _ in range(2)]
        self.flatten = Flatten()
        self.d1 = Dense(16, activation='relu')
        self.d2 = Dense(10)
    def call(self, x):
        x = self.conv1(x)
        for block in self.blocks:
            x = block(x)
        x = self.flatten(x)
        x = self.d1(x)
        return self.d2(x)

model = MyModel()
model.build((None, 28, 28, 1))
"""

KERAS1 = """
from keras.models import Sequential
from keras.layers.core import Dense, Dropout, Activation, Flatten
from keras.layers.convolutional import Convolution2D, MaxPooling2D

model = Sequential()
model.add(Convolution2D(8, 3, 5, border_mode="same", subsample=(2, 2), init="uniform",
                        input_shape=(32, 32, 3)))
model.add(Activation("relu"))
model.add(Convolution2D(nb_filter=4, nb_row=3, nb_col=3, bias=False))
model.add(MaxPooling2D(pool_size=(2, 2)))
model.add(Dropout(0.25))
model.add(Flatten())
model.add(Dense(output_dim=10, activation="softmax"))
"""

NESTED = """
base = keras.Sequential([
    keras.Input((24, 24, 3)),
    layers.Conv2D(8, 3, activation="relu"),
    layers.BatchNormalization(),
], name="base")
base.trainable = False
inputs = keras.Input(shape=(24, 24, 3))
x = base(inputs)
x = layers.Lambda(lambda t: t * 2.0)(x)
x = layers.Activation("relu")(x)
x = layers.GlobalAveragePooling2D()(x)
net = keras.Model(inputs=inputs, outputs=layers.Dense(2)(x))
"""

CASES = {
    "mnist": Case(
        MNIST,
        466710,
        466710,
        "input:1 conv:2 relu:3 pool:1 dropout:2 flatten:1 dense:2 softmax:1",
        (28, 28, 1),
    ),
    "resnet8": Case(
        RESNET,
        78714,
        78042,
        "input:1 conv:9 bn:9 relu:7 add:3 avgpool:1 flatten:1 dense:1",
        None,
        "ResNet8",
    ),
    "resnet20": Case(
        RESNET,
        274042,
        272474,
        "input:1 conv:21 bn:21 relu:19 add:9 avgpool:1 flatten:1 dense:1",
        None,
        "ResNet20",
    ),
    "vgg": Case(VGG, 14386, 14226, "input:1 conv:5 bn:5 relu:5 pool:3 avgpool:1 flatten:1 dense:1"),
    "branches": Case(
        BRANCHES,
        2740,
        2660,
        "input:1 conv:2 slice:6 dwconv:6 bn:6 relu:9 concat:3 "
        "shuffle:3 gap:4 dense:7 sigmoid:3 mul:3 pool:2 flatten:1",
    ),
    "auxiliary": Case(AUXILIARY, 898, 674, "input:1 conv:2 gap:2 flatten:2 dense:2", (16, 16, 3)),
    "sequential": Case(SEQUENTIAL, 44498, 44498, "input:1 conv:2 pool:1 flatten:1 dense:1"),
    "functional": Case(
        FUNCTIONAL,
        15407,
        15247,
        "input:1 rescale:1 conv:8 bn:5 relu:5 pool:2 "
        "deconv:2 concat:2 add:2 gap:1 dense:2 leaky_relu:1 mul:1",
    ),
    "subclass": Case(SUBCLASS, 365114, 365114, "input:1 conv:3 dropout:2 add:2 flatten:1 dense:2"),
    "keras1": Case(KERAS1, 2626, 2626, "input:1 conv:2 relu:1 pool:1 dropout:1 flatten:1 dense:1"),
    "nested": Case(NESTED, 274, 18, "input:1 conv:1 bn:1 rescale:1 relu:1 gap:1 dense:1"),
}


@pytest.mark.parametrize("name", CASES)
def test_a_source(name: str) -> None:
    case = CASES[name]
    graph = read_source(case.source, shape=case.shape, pick=case.pick)
    assert (graph.params, graph.trainable) == (case.params, case.trainable)
    assert words(graph) == case.words


NORM = """
from timm.layers import DropPath

class LayerNorm(nn.Module):
    def __init__(self, size, eps=1e-6):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(size))
        self.bias = nn.Parameter(torch.zeros(size))
        self.eps = eps

    def forward(self, x):
        u = x.mean(1, keepdim=True)
        s = (x - u).pow(2).mean(1, keepdim=True)
        x = (x - u) / torch.sqrt(s + self.eps)
        return self.weight[:, None, None] * x + self.bias[:, None, None]

class Net(nn.Module):
    def __init__(self, rate=0.3):
        super().__init__()
        self.norm = LayerNorm(3)
        self.gamma = nn.Parameter(1e-4 * torch.ones(3))
        self.drop = nn.ModuleList(DropPath(r.item()) for r in torch.linspace(0, rate, 3))

    def forward(self, x):
        for drop in self.drop:
            x = x + drop(self.gamma[:, None, None] * self.norm(x))
        return x
"""


def test_a_normalisation_that_is_written_out() -> None:
    graph = read_source(NORM, shape=(8, 8, 3))
    assert words(graph) == "input:1 ln:3 scale:3 add:3 droppath:2"
    assert graph.params == 9
    assert {op.layer.init for op in graph.ops if op.word == "scale"} == {1e-4}  # type: ignore[attr-defined]
    rates = [op.layer.rate for op in graph.ops if op.word == "droppath"]  # type: ignore[attr-defined]
    assert rates == [0.15, 0.3]


def test_a_size_that_only_data_say() -> None:
    source = (
        "(x, y), _ = mnist.load_data()\nmodel = Sequential([Dense(3, input_shape=x.shape[1:])])"
    )
    (problem,) = problems(source)
    assert problem.code == "E606" and "--input" in problem.help
    assert read_source(source, shape=(4,)).params == 15


def test_keys_are_those_of_a_state_dict() -> None:
    graph = read_source(BRANCHES)
    keys = [*graph.arrays]
    assert keys[:2] == ["stages.stage0.0.weight", "stages.stage0.0.bias"]
    assert "stages.stage1.2.ways.1.1.running_var" in keys
    assert "stages.stage0.1.se.fc.down.weight" in keys
    scopes = {op.scope[-1].kind for op in graph.ops if op.scope}
    assert {"Unit", "SE"} <= scopes and "BatchNorm2d" not in scopes


def test_a_size_comes_from_a_call() -> None:
    assert read_source(RESNET, pick="ResNet8").ops[0].shape == (32, 32, 3)
    assert read_source(VGG).ops[0].shape == (32, 32, 3)


def test_a_size_that_is_given_goes_first() -> None:
    assert read_source(BRANCHES, shape=(48, 48, 3)).ops[0].shape == (48, 48, 3)
    assert read_source(SEQUENTIAL, shape=(40, 36, 3)).ops[0].shape == (40, 36, 3)


def test_a_head_that_exists_while_training() -> None:
    graph = read_source(AUXILIARY, shape=(16, 16, 3))
    assert [each.training for each in graph.outputs] == [False, True]
    written = to_text(graph)
    assert graph.params == written.network.training_totals.params
    assert f"expect params == {written.network.totals.params:_}\n" in written.text
    assert written.network.totals.params < graph.params


def test_what_is_frozen() -> None:
    graph = read_source(NESTED)
    assert [op.word for op in graph.ops if op.frozen] == ["conv", "bn"]
    assert [op.frozen for op in read_source(AUXILIARY, shape=(16, 16, 3)).ops][:2] == [False, True]


# Texts with listings

POST = """
# A small network

First what is needed, `keras` that is.

```python
from tensorflow import keras
from tensorflow.keras.layers import Conv2D, Flatten, Dense
WIDTH = 12
```

- a list, and in it the model:

  ```
  model = keras.Sequential()
  model.add(Conv2D(WIDTH, 3, activation="relu", input_shape=(20, 20, 1)))
  ```

```bash
pip install keras
```

> and its end:
>
> ~~~py
> model.add(Flatten())
> model.add(Dense(10))
> ~~~

```
Layer (type)      Output Shape    Param #
conv2d (Conv2D)   (None, 18, 18, 12)  120
```
"""

TWO = """
```python
>>> small = Sequential([Input((8, 8, 3)), Flatten(), Dense(2)])
>>> small.summary()
```

```py
class Tiny(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(12, 3)

    def forward(self, x):
        return self.fc(x.flatten(1))

tiny = Tiny()
print(tiny(torch.zeros(1, 3, 2, 2)).shape)
```
"""


def test_pieces_of_one_program() -> None:
    graph = read_source(POST)
    assert words(graph) == "input:1 conv:1 flatten:1 dense:1"
    assert graph.params == 9 * 12 + 12 + 18 * 18 * 12 * 10 + 10


def test_windows_line_ends() -> None:
    assert read_source(POST.replace("\n", "\r\n")).params == read_source(POST).params


def test_several_networks() -> None:
    (problem,) = problems(TWO)
    assert problem.code == "E606"
    assert "`small` (line 3)" in problem.help and "`tiny` (line 16)" in problem.help


@pytest.mark.parametrize(
    "options, params",
    [
        ({"pick": "small"}, 386),
        ({"pick": "tiny"}, 39),
        ({"pick": "Tiny"}, 39),
        ({"line": 4}, 386),
        ({"line": 9}, 39),
        ({"line": 17}, 39),
        ({"line": 99}, 39),
    ],
)
def test_one_of_several(options: dict[str, Any], params: int) -> None:
    assert read_source(TWO, **options).params == params


def test_a_name_that_is_none() -> None:
    (problem,) = problems(TWO, pick="other")
    assert "`small`" in problem.help


# What changes in place, and what a text writes anew

IN_PLACE = """
import torch, torch.nn as nn, torch.nn.functional as F
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(4, 4, 3, padding=1)
        self.relu = nn.ReLU(inplace=True)
    def forward(self, x):
        BODY
net = Net()
"""


@pytest.mark.parametrize(
    "body, ops",
    [
        ("return self.conv(self.relu(x)) + x", "relu:0 conv:1 add:2,1"),
        ("return self.conv(nn.Sequential(self.relu)(x)) + x", "relu:0 conv:1 add:2,1"),
        ("F.relu(x, inplace=True); return self.conv(x)", "relu:0 conv:1"),
        ("F.relu(x, True); return self.conv(x)", "relu:0 conv:1"),
        ("y = x; x.relu_(); return self.conv(y)", "relu:0 conv:1"),
        ("y = x; x += self.conv(x); return y.sigmoid()", "conv:0 add:0,1 sigmoid:2"),
        ("y = x.clone(); x.relu_(); return self.conv(x) + y", "relu:0 conv:1 add:2,0"),
        ("y = F.relu(x); return self.conv(y) + x", "relu:0 conv:1 add:2,0"),
        ("y = x; x = x + self.conv(x); return self.relu(x) + y", "conv:0 add:0,1 relu:2 add:3,0"),
    ],
)
def test_a_change_in_place(body: str, ops: str) -> None:
    graph = read_source(IN_PLACE.replace("BODY", body), shape=(8, 8, 4))
    found = [f"{op.word}:{','.join(map(str, op.inputs))}" for op in graph.ops[1:]]
    assert " ".join(found) == ops


@pytest.mark.parametrize(
    "body",
    [
        "y = x.flatten(1); x.relu_(); return y",
        "y = x.flatten(1); y.relu_(); return self.conv(x)",
        "a, b = x.chunk(2, 1); F.relu(a, True); return torch.cat([x, a], 1)",
        "x[:, :2] = 0; return self.conv(x)",
        "x[:, :2] += 1; return self.conv(x)",
        "y = x.detach(); y.data = self.conv(x); return x",
    ],
)
def test_a_part_that_changes_in_place(body: str) -> None:
    (problem,) = problems(IN_PLACE.replace("BODY", body), shape=(8, 8, 4))
    assert (problem.code, problem.where) == ("E606", "line 9")
    assert "changes in place" in problem.message


OVERRIDE = """
class Own(nn.Conv2d):
    def METHOD(self, *args): return args[0]
net = nn.Sequential(Own(3, 4, 3), nn.ReLU())
"""
KERAS_OVERRIDE = """
class Own(layers.Conv2D):
    def METHOD(self, *args): return args[0]
model = Sequential([Input((8, 8, 3)), Own(4, 3)])
"""


@pytest.mark.parametrize(
    "source, line",
    [
        (OVERRIDE.replace("METHOD", "_conv_forward"), 3),
        (OVERRIDE.replace("METHOD", "__call__"), 3),
        (KERAS_OVERRIDE.replace("METHOD", "convolution_op"), 3),
        (KERAS_OVERRIDE.replace("METHOD", "__call__"), 3),
        ("net = nn.Sequential(nn.ReLU())\nnet[0].forward = lambda x: x", 2),
        ("nn.ReLU = nn.Tanh\nnet = nn.Sequential(nn.ReLU())", 1),
        ("setattr(nn, 'ReLU', nn.Tanh)\nnet = nn.Sequential(nn.ReLU())", 1),
        ("nn.Conv2d.forward = lambda self, x: x\nnet = nn.Sequential(nn.Conv2d(3, 4, 3))", 1),
    ],
)
def test_what_a_text_writes_anew(source: str, line: int) -> None:
    (problem,) = problems(source, shape=(8, 8, 3))
    assert (problem.code, problem.where) == ("E606", f"line {line}")


def test_what_a_text_may_write_anew() -> None:
    settings = "torch.backends.cudnn.benchmark = True\n"
    graph = read_source(settings + OVERRIDE.replace("METHOD", "extra_repr"), shape=(8, 8, 3))
    assert graph.params == 112
    config = KERAS_OVERRIDE.replace("METHOD", "get_config")
    assert read_source(config, shape=(8, 8, 3)).params == 112


@pytest.mark.parametrize(
    "layers, message",
    [
        ("nn.BatchNorm2d(4)", "`BatchNorm2d(4)` meets 3 channels"),
        ("nn.BatchNorm2d(4, affine=False)", "`BatchNorm2d(4)` meets 3 channels"),
        ("nn.GroupNorm(2, 4)", "`GroupNorm(4)` meets 3 channels"),
        ("nn.Conv2d(4, 8, 3)", "`Conv2d(4, …)` meets 3 channels"),
        ("nn.ConvTranspose2d(4, 8, 3)", "`ConvTranspose2d(4, …)` meets 3 channels"),
        ("nn.Flatten(), nn.Linear(100, 3)", "`Linear(100, …)` meets 192 features"),
        ("nn.LayerNorm([3, 8, 7])", "`LayerNorm(3×8×7)` meets 3×8×8 features"),
    ],
)
def test_another_number_of_channels(layers: str, message: str) -> None:
    (problem,) = problems(f"net = nn.Sequential({layers}, nn.ReLU())", shape=(8, 8, 3))
    assert (problem.code, problem.message, problem.where) == ("E606", message, "line 1")


# What cannot come in


def test_all_that_cannot_be_followed() -> None:
    source = """
import json
with open("widths.json") as file:
    widths = json.load(file)
unused = other_thing()
model = keras.Sequential([
    keras.Input((16, 16, 3)),
    layers.Conv2D(widths["first"], 3),
    layers.Conv2D(4, size_of()),
    layers.GaussianNoise(0.1),
    layers.Dense(3),
])
"""
    found = problems(source)
    assert [each.code for each in found] == ["E606", "E606", "E601"]
    assert all(each.span is not None for each in found)
    spans = [source[slice(*each.span)] for each in found if each.span]
    assert spans == ["open", "size_of", "layers.GaussianNoise(0.1)"]


def test_spans_count_letters() -> None:
    source = 'x = "가나다"; model = Sequential([Input((4, 4, 1)), Dense(nichts)])'
    (problem,) = problems(source)
    assert problem.span and source[slice(*problem.span)] == "nichts"


BRANCH = """
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.a = nn.Conv2d(3, 4, 3)
    def forward(self, x):
        x = self.a(x)
        if x.mean((1, 2, 3)) > 0:
            x = F.relu(x)
        return x
"""

UNSIZED = """
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.a = nn.Conv2d(1, 4, 3)
        self.b = nn.Linear(4 * 26 * 26, 10)
    def forward(self, x):
        return self.b(self.a(x).view(-1, 4 * 26 * 26))
"""


def test_a_branch_on_data() -> None:
    found = problems(BRANCH, shape=(8, 8, 3))
    assert [each.code for each in found] == ["E603"]
    assert found[0].where == "line 8"


def test_a_size_that_fits_alone() -> None:
    (problem,) = problems(UNSIZED)
    assert problem.code == "E604" and "28x28x1" in problem.help
    assert read_source(UNSIZED, shape=(28, 28, 1)).params == 40 + 27050


def test_channels_first_in_keras() -> None:
    source = "model = Sequential([Conv2D(4, 3, padding='same', input_shape=(3, 32, 32))])"
    (problem,) = problems(source)
    assert problem.code == "E604" and "32x32x3" in problem.help
    assert read_source(source, shape=(32, 32, 3)).params == 112
    first = "K.set_image_data_format('channels_first')\n"
    assert codes(first + source, shape=(32, 32, 3)) == ["E606"]


@pytest.mark.parametrize(
    "source, code",
    [
        ("", "E606"),
        ("x = 1", "E606"),
        ("# only words\n", "E606"),
        ("def f(:\n  pass", "E606"),
        ("\0", "E606"),
        ("x = " + "(" * 500, "E606"),
        ("model = " + "-" * 5000 + "1", "E606"),
        ("model = Sequential([Conv2D(4, 3)])", "E604"),
        ("model = Sequential([Input((None, None, 3)), Conv2D(4, 3)])", "E604"),
        ("model = Sequential([Input((8, 8, 3)), LSTM(4)])", "E601"),
        ("model = keras.applications.VGG16()", "E606"),
        ("net = torchvision.models.resnet18()", "E606"),
        ("net = nn.Sequential(nn.Conv2d(3, 4, 3, colour=1))", "E606"),
        ("net = nn.Sequential(nn.Linear(3, 4), None, 'a')", "E606"),
        ("net = nn.Sequential(nn.Linear(5, 4))", "E6"),
        ("model = Sequential([Input((8, 8, 3)), 1, None, 'a'])", "E606"),
        ("model = Model(1, 2)", "E606"),
        ("model = Sequential([Input((10 ** 40, 9, 3)), Dense(3)])", "E302"),
        ("model = Model(Input((3,)))", "E606"),
        ("net = nn.Sequential()\nnet.append(net)", "E606"),
        ("model = Sequential()\nmodel.add(model)", "E6"),
        ("class A(A): pass\nnet = A()", "E606"),
        ("net = nn.Sequential(nn.Transformer())", "E601"),
    ],
)
def test_a_source_that_cannot_come_in(source: str, code: str) -> None:
    found = codes(source, shape=(3,) if "nn." in source else None)
    assert found and all(each.startswith(code) for each in found)


WIDE = "model = Sequential([Dense(WIDTH, input_shape=(3,))])"
LAYER = """
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.a = nn.Conv2d(3, 3, 3, padding=1)
    def forward(self, x):
"""


@pytest.mark.parametrize(
    "source",
    [
        LAYER + "        while True:\n            x = self.a(x)\n",
        LAYER + "        return self(x)\n",
        LAYER + "        for _ in range(10 ** 12): x = self.a(x)\n        return x\n",
        "net = nn.Sequential(*[nn.ReLU() for _ in range(10 ** 9)])",
        "model = Sequential([Input((8, 8, 3))])\nfor i in range(10 ** 9): model.add(Dense(3))",
        "w = 1\nfor i in range(10 ** 6): w = w * w + 7\n" + WIDE.replace("WIDTH", "w"),
        "w = 'a'\nwhile 1: w += w\nmodel = Sequential([Dense(w, input_shape=(3,))])",
        "w = [0]\nfor i in range(99): w = [w, w]\n" + WIDE.replace("WIDTH", "w == [w]"),
        "def f(): return f()\nmodel = f()",
        "f = lambda f: f(f)\nmodel = f(f)",
        "model = Sequential([Dense(len(f'{1:999999999}'), input_shape=(3,))])",
        "model = Sequential([Dense(10 ** 10 ** 10, input_shape=(3,))])",
        "model = Sequential([Dense(sum(range(10 ** 10)), input_shape=(3,))])",
        "model = Sequential([Dense(len([0] * 10 ** 10), input_shape=(3,))])",
        "model = Sequential([Dense(len('%0999999999d' % 1), input_shape=(3,))])",
    ],
)
def test_hostile_sources_end(source: str) -> None:
    found = codes(source, shape=(8, 8, 3) if "nn." in source else None)
    assert set(found) <= {"E606", "E607"}


def test_nothing_runs(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    source = f"""
import os, pathlib
pathlib.Path({str(trace)!r}).write_text("ran")
open({str(trace)!r}, "w").write("ran")
os.system("touch {trace}")
exec("open({str(trace)!r}, 'w')")
__import__("os").system("touch {trace}")
().__class__.__base__.__subclasses__()
"".join.__self__.__class__
model = Sequential([Input((8, 8, 3)), Flatten(), Dense(eval("2 + 3"))])
"""
    assert codes(source) == ["E606"]
    assert not trace.exists()


# What `build` writes

SMALL = ("article", "cyclegan", "ecg1d", "espcn", "siamese", "two_inputs", "vgg16_frozen")
ROUND = [
    path.stem for path in sorted(SAMPLES.glob("*.cnn")) if path.stem != "article_keras_listing"
]


# Not in the turns of `test_source_comes_back`.
@pytest.mark.parametrize(("name", "target"), crossed(ROUND, ["pytorch", "keras"], SMALL))
def test_what_build_writes_comes_back(name: str, target: str) -> None:
    text = (SAMPLES / f"{name}.cnn").read_text(encoding="utf-8")
    network = cnndsl.check(text)
    source = cnndsl.build(text, target, file=f"{name}.cnn")
    assert isinstance(source, str)
    graph = read_source(source)
    totals = network.training_totals
    assert (graph.params, graph.trainable) == (totals.params, totals.trainable)
    assert graph.ops[0].shape == network.nodes[network.inputs[0]].layer.output
    assert graph.name == name
    assert any(f"`{name}.cnn`" in note for note in graph.notes)


@pytest.mark.parametrize(
    "layer", ["Conv2D(f, 3)", "Dense(f)", "Conv2D(4, 3, strides=f)", "Dropout(f)"]
)
def test_a_layer_of_an_unknown_number_is_told_and_not_left_out(layer: str) -> None:
    text = (
        "f = config['filters']\n"
        "x = inputs = keras.Input((8, 8, 3))\n"
        f"x = layers.{layer}(x)\n"
        "x = layers.GlobalAveragePooling2D()(x)\n"
        "model = keras.Model(inputs, layers.Dense(3)(x))\n"
    )
    with pytest.raises(ImportProblems) as caught:
        read_source("import keras\nfrom keras import layers\n" + text)
    assert [problem.code for problem in caught.value.problems] == ["E606"]


@pytest.mark.parametrize(
    ("line", "calls"),
    [
        ("x = K.relu(x, max_value=6.0)", "relu6"),
        ("x = K.relu(x, alpha=0.1)", "leaky_relu 0.1"),
        ("x = Activation(lambda t: K.relu(t, 0.1))(x)", "leaky_relu 0.1"),
        ("x = tf.nn.leaky_relu(x, alpha=0.1)", "leaky_relu 0.1"),
        ("x = keras.activations.relu(x, threshold=1)", "E601"),
        ("x = Conv2D(4, 3, padding='SAME', colour=1)(x)", "E601"),
        ("x = Conv2D(4, 3, padding='SAME')(x)", "conv 4 3x3 same"),
        ("x = BatchNormalization(mode=1)(x)", "E601"),
        ("x = K.clip(x, min_value=0, max_value=4)", "clamp 0 4"),
        ("x = tf.nn.depth_to_space(x, 2)", "pixelshuffle 2 dcr"),
        ("x = Dense(4, tf.nn.relu)(Flatten()(x))", "flatten; dense 4 relu"),
        ("x = Lambda(tf.nn.relu)(x)", "relu"),
        ("x = Lambda(lambda t, k: t[..., :k], arguments={'k': 4})(x)", "slice 0:4"),
        ("x = TimeDistributed(Dense(4))(Reshape((256, 8))(x))", "reshape 256x8; conv 4 1"),
        ("x = merge([x, x], mode='concat', concat_axis=3)", "concat"),
        ("x = merge([x, x], 'ave')", "average"),
        ("x = keras.layers.merge.multiply([x, x])", "mul"),
        (
            "x = keras.layers.AtrousConvolution2D(4, 3, 3, atrous_rate=(2, 2))(x)",
            "conv 4 3x3 dilation=2",
        ),
        ("x = (x - 127.5) / 127.5", "rescale (2/255) offset=-1"),
        ("x = x * K.relu(x + 3.0, max_value=6.0) / 6.0", "hard_swish"),
        ("x = x * tf.math.tanh(tf.math.softplus(x))", "mish"),
    ],
)
def test_a_line_of_keras(line: str, calls: str) -> None:
    source = f"x = inp = Input((16, 16, 8))\n{line}\nmodel = Model(inp, x)"
    if calls.startswith("E"):
        assert codes(source) == [calls]
    else:
        graph = normal(read_source(source)).graph
        assert "; ".join(call_of(op.layer) for op in graph.ops[1:]) == calls


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (("model", "tiny", "Functional"), "tiny"),
        (("build_model", "", "UNet"), "UNet"),
        (("my_net2", "", "Net"), "my_net2"),
        (("generator", "functional_1", "Functional"), "generator"),
    ],
)
def test_a_network_is_called_by_the_name_that_says_most(names: tuple[str, ...], said: str) -> None:
    assert title(*names) == said


COMMAND_LINE = """
import argparse
from types import SimpleNamespace
from torch import nn

parser = argparse.ArgumentParser()
group = parser.add_argument_group("sizes")
group.add_argument("--num-filters", "-f", type=int, default="8")
parser.add_argument("-k", "--kernel", default=3)
parser.add_argument("--no-bias", dest="bias", action="store_false")
parser.add_argument("--norm", action="store_true")
parser.add_argument("--save")
args, unknown = parser.parse_known_args()
cfg = SimpleNamespace(classes=10, **vars(args))
norm = [nn.BatchNorm2d(cfg.num_filters)] if args.norm or args.save else []
net = nn.Sequential(
    nn.Conv2d(3, cfg.num_filters, cfg.kernel, bias=cfg.bias), *norm, nn.Flatten(),
    nn.Linear(cfg.num_filters * 36, cfg.classes),
)
"""


def test_a_command_line_has_its_defaults() -> None:
    graph = read_source(COMMAND_LINE, shape=(8, 8, 3))
    assert graph.params == 8 * 28 + 10 * 289 and words(graph) == "input:1 conv:1 flatten:1 dense:1"
    wanted = COMMAND_LINE.replace(", default=3", ", type=int, required=True")
    assert "no value is given for `kernel`" in str(problems(wanted, shape=(8, 8, 3))[0].message)


def test_numbers_of_a_parameter_do_not_matter() -> None:
    """They may come of what is not followed; a parameter that is made of nothing is told."""
    source = """
class Shift(nn.Conv2d):
    def __init__(self):
        super().__init__(3, 3, 1)
        self.weight.data = torch.eye(3).view(3, 3, 1, 1) / torch.Tensor([1, 2, 3])
        self.bias.data = unknown(3)
        self.bias = nn.Parameter(self.bias)
net = nn.Sequential(Shift())
"""
    graph = read_source(source, shape=(8, 8, 3))
    assert graph.params == 12
    source = source.replace("nn.Parameter(self.bias", "nn.Parameter(5")
    assert codes(source, shape=(8, 8, 3)) == ["E606"]


def test_what_no_output_comes_of_is_left_out() -> None:
    """As the last of a stack whose other outputs are summed: it may run all the same."""
    source = """
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.one, self.two = nn.Conv2d(3, 4, 1), nn.Conv2d(3, 3, 1)

    def forward(self, x):
        y = self.two(x)
        return self.one(x)
"""
    graph = read_source(source, shape=(8, 8, 3))
    assert graph.params == 16 and "`two` is made" in graph.notes[0]


LISTS = """
class Rep(nn.Module):
    def __init__(self, n, m, s=1):
        super().__init__()
        self.conv = nn.Conv2d(n, m, 3, s, 1, bias=False)
        self.bn = nn.BatchNorm2d(m)
        self.short = nn.Conv2d(n, m, 1, s, bias=False)
        self.same = nn.BatchNorm2d(n) if n == m else None

    def forward(self, x):
        y = self.bn(self.conv(x)) + self.short(x)
        return F.relu(y if self.same is None else y + self.same(x))

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.stages, n = nn.ModuleList(), 16
        for depth in (3, 4, 5):
            blocks = nn.ModuleList([Rep(n, 2 * n, 2)])
            blocks += [Rep(2 * n, 2 * n) for _ in range(depth)]
            self.stages += [blocks]
            n *= 2

    def forward(self, x):
        for stage in self.stages:
            for block in stage:
                x = block(x)
        return x
"""


def test_lists_of_modules_grow_and_their_modules_are_parts() -> None:
    text = to_text(read_source(LISTS, shape=(32, 32, 16))).text
    assert "rep 64 s=2; repeat 4 { rep 64 }" in text and "rep 128 s=2; repeat 5 {" in text


def test_a_block_does_not_cut_a_loop() -> None:
    source = LISTS.replace("(3, 4, 5)", "(1, 2, 4, 4, 3)").replace(" + self.short(x)", "")
    source = source.replace(
        "F.relu(y if self.same is None else y + self.same(x))",
        "F.relu(y) if self.same is None else F.relu(y) + x",
    )
    text = to_text(read_source(source, shape=(64, 64, 16))).text
    assert text.count("repeat 4 {") == 2 and "repeat 3 {" in text and "stage" not in text


TWO_INPUTS = """
class Twin(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.conv = nn.Sequential(nn.Conv2d(1, width, 3), nn.ReLU(), nn.Flatten())
        self.out = nn.Linear(width * 8 + 4, 2)

    def forward(self, image, facts):
        return self.out(torch.cat([self.conv(image), facts], 1))
"""


def test_a_network_of_several_inputs() -> None:
    """Their sizes are given, or those of a call of the network; they have the names of the text."""
    given = read_source(TWO_INPUTS + "net = Twin(5)", shape=[(6, 4, 1), (4,)])
    called = read_source(
        TWO_INPUTS + "net = Twin(5)\nnet(torch.rand(2, 1, 6, 4), torch.rand(2, 4))"
    )
    for graph in (given, called):
        assert [op.shape for op in graph.ops if op.word == "input"] == [(6, 4, 1), (4,)]
        assert "input 4 as facts" in to_text(graph).text
    (found,) = problems(TWO_INPUTS + "net = Twin(5)", shape=(6, 4, 1))
    assert (found.code, str(found.message)) == ("E604", "1 sizes are given for 2 inputs")
    (found,) = problems(TWO_INPUTS, shape=(6, 4, 1), pick="Twin")
    assert "`width`" in found.message and "net = Twin(…)" in found.help


def test_what_is_cut_off_a_convolution_is_less_padding() -> None:
    """As in nets over time, whose outputs see no later inputs; with a stride it is not."""
    source = """
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv1d(2, 4, 3, padding=4, dilation=2)
        self.step = nn.Conv1d(4, 4, 3, padding=2, stride=2)

    def forward(self, x):
        x = F.relu(self.conv(x)[:, :, :-4].contiguous())
        return self.step(x)[..., :-1]
"""
    text = to_text(read_source(source, shape=(16, 2))).text
    assert "conv 4 3 relu pad=4:0 dilation=2\nconv 4 3 /2 pad=2; crop 0:1" in text


def test_a_shared_convolution_keeps_its_padding() -> None:
    source = """
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv1d(2, 2, 3, padding=2)

    def forward(self, x):
        return self.conv(self.conv(x)[..., :-2])
"""
    text = to_text(read_source(source, shape=(16, 2))).text
    assert "crop 0:2" in text and "shared block" in text


def test_a_map_is_cut_once() -> None:
    source = """
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)

    def forward(self, x):
        return torch.cat([self.conv(x), x[:, :, 1:-1, 1:-1]], 1)
"""
    assert "crop 1" in to_text(read_source(source, shape=(8, 8, 3))).text


@pytest.mark.parametrize("name", ("spectral_norm", "weight_norm", "parametrizations.weight_norm"))
def test_weights_that_are_made(name: str) -> None:
    source = f"net = nn.Sequential(nn.utils.{name}(nn.Conv2d(3, 4, 3)))"
    (found,) = problems(source, shape=(8, 8, 3))
    assert found.code == "E601" and way_out(found)


def test_fields_of_a_dataclass_have_factories() -> None:
    source = """
@dataclass
class Sizes:
    first: int = field(default=4)
    rest: list = field(default_factory=lambda: [8, 9])

sizes = Sizes()
all = [3, sizes.first, *sizes.rest]
net = nn.Sequential(*[nn.Conv2d(a, b, 1) for a, b in zip(all, all[1:], strict=False)])
"""
    source = "from dataclasses import dataclass, field\n" + source
    assert read_source(source, shape=(8, 8, 3)).params == 4 * 4 + 8 * 5 + 9 * 9


def test_a_part_is_put_in_the_place_of_the_last() -> None:
    source = """
net = nn.Sequential(nn.Conv2d(3, 4, 1), nn.ReLU())
net[-1] = nn.Sigmoid()
"""
    assert words(read_source(source, shape=(8, 8, 3))) == "input:1 conv:1 sigmoid:1"


def test_a_tensor_is_compared_with_nothing() -> None:
    source = """
class Net(nn.Module):
    def forward(self, x, y=None):
        if x != None and y == None:
            x = F.relu(x)
        return x
"""
    assert words(read_source(source, shape=(8, 8, 3))) == "input:1 relu:1"


def test_a_layer_by_itself_is_no_part() -> None:
    """A block that shares its weights is not called by the class of a layer."""
    source = """
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 3, 1)

    def forward(self, x):
        return self.conv(F.relu(self.conv(x)))
"""
    assert "conv2d" not in to_text(read_source(source, shape=(8, 8, 3))).text
