"""What people write who come from Keras, PyTorch and Python, or in Korean: each is one message,
and its fix writes the same net."""

from __future__ import annotations

from typing import Any

import pytest
from steps import at_most, counted

import cnndsl
from cnndsl.api import examine
from cnndsl.diagnostics import Diagnostic, Source
from cnndsl.diagnostics.message import Message
from cnndsl.foreign.table import ACTIVATIONS, CLASSES, FUNCTIONS, ROLES, TORCH
from cnndsl.layers import LAYERS, MERGES
from cnndsl.quickfix.apply import apply_edits, mend


def look(source: Source) -> list[Diagnostic]:
    return examine(source)[1]


def told(text: str) -> list[Diagnostic]:
    return look(Source("a.cnn", text))


def fixed(text: str, *, unsafe: bool = False) -> str:
    return mend(Source("a.cnn", text), look, unsafe=unsafe).source.text


def plain(text: str) -> str:
    return "\n".join(" ".join(line.split()) for line in text.split("\n") if line.strip())


# Calls, on an image of 36x36x3: those that divide need no rounding.
KERAS_CALLS = {
    "Conv2D(32, (3, 3), activation='relu')": "conv 32 3x3 relu",
    'Conv2D(32, 3, activation="relu", padding="same")': "conv 32 3x3 relu same",
    "Conv2D(filters=32, kernel_size=(3, 5))": "conv 32 3x5",
    "layers.Conv2D(8, 4, strides=2, use_bias=False)": "conv 8 4x4 /2 nobias",
    "layers.Conv2D(8, 3, 2, 'same')": "conv 8 3x3 /2 same",
    "layers.Conv2D(8, 3, 2)": "conv 8 3x3 /2 floor",
    "layers.Conv2D(8, 3, dilation_rate=2, groups=1)": "conv 8 3x3 dilation=2",
    "layers.Conv2D(8, 3, activation=tf.nn.relu, name='c1')": "conv 8 3x3 relu",
    "layers.Conv2D(8, 3, activation=layers.LeakyReLU(0.1))": "conv 8 3x3; leaky_relu 0.1",
    "keras.layers.Conv2D(8, 3, activation='swish', name='s')": "conv 8 3x3 silu",
    "tf.keras.layers.DepthwiseConv2D(3, depth_multiplier=2)": "dwconv 3x3 mult=2",
    "layers.SeparableConv2D(8, 3, padding='same')": "sepconv 8 3x3 same",
    "layers.Conv2DTranspose(8, 3, strides=2, padding='same')": "deconv 8 3x3 /2 same",
    "model.add(layers.MaxPooling2D((2, 2)))": "pool 2",
    "model.add(MaxPooling2D())": "pool 2",
    "model.add(MaxPooling2D(pool_size=(3, 3), strides=(2, 2), padding='same'))": "pool 3 /2 same",
    "model.add(layers.MaxPooling2D(5))": "pool 5 floor",
    "layers.AveragePooling2D(2),": "avgpool 2",
    "x = layers.GlobalAveragePooling2D()(x)": "gap",
    "x = layers.GlobalMaxPooling2D(keepdims=True)(x)": "gmp keep",
    "Flatten()": "flatten",
    "model.add(Dropout(rate=0.5))": "dropout 0.5",
    "x = layers.BatchNormalization()(x)": "bn",
    "x = layers.BatchNormalization(momentum=0.9, epsilon=1e-5)(x)": "bn eps=1e-5 momentum=0.9",
    "x = layers.BatchNormalization(center=False, scale=False)(x)": "bn noscale noshift",
    "x = layers.LayerNormalization(epsilon=1e-6)(x)": "ln eps=1e-6",
    "layers.LayerNormalization(center=False)": "ln noshift",
    "layers.GroupNormalization(groups=3, scale=False)": "gn 3 noscale",
    "layers.GroupNormalization(groups=-1)": "inorm",
    "layers.ReLU(max_value=1)": "clamp 0 1",
    "x = layers.Activation('relu')(x)": "relu",
    "x = layers.Activation('linear')(x)": "skip",
    "x = layers.ReLU(max_value=6)(x)": "relu6",
    "layers.LeakyReLU()": "leaky_relu",
    "layers.Softmax()": "softmax",
    "layers.UpSampling2D((2, 2), interpolation='bilinear')": "up 2 bilinear",
    "layers.ZeroPadding2D(((0, 1), (0, 1)))": "zeropad 0:1x0:1",
    "layers.ZeroPadding2D((3, 3))": "zeropad 3",
    "layers.Cropping2D(2)": "crop 2",
    "layers.Reshape((18, 72, 3))": "reshape 18x72x3",
    "layers.Permute((2, 3, 1))": "permute 2x3x1",
    "layers.Rescaling(1/127.5, offset=-1)": "rescale (1 / 127.5) offset=-1",
    "layers.Rescaling([0.5, 1, 2.5], [0, 1, -2])": "rescale (0.5, 1, 2.5) offset=(0, 1, -2)",
    "layers.Conv2D(\n    8,\n    (3, 3),\n    activation='relu',\n)": "conv 8 3x3 relu",
}

TORCH_CALLS = {
    "nn.Conv2d(3, 16, kernel_size=3, padding=1)": "conv 16 3x3 pad=1",
    "torch.nn.Conv2d(3, 16, 3, padding='same')": "conv 16 3x3 same",
    "self.c = nn.Conv2d(3, 16, (3, 5), padding=(1, 2), bias=False)": "conv 16 3x5 pad=1x2 nobias",
    "nn.Conv2d(3, 6, 3, groups=3),": "conv 6 3x3 groups=3",
    "nn.Conv2d(3, 8, 7, 2, 3)": "conv 8 7x7 /2 pad=3 floor",
    "nn.Conv2d(3, 8, 2, 2)": "conv 8 2x2 /2",
    "nn.ConvTranspose2d(3, 8, 3, 2, 1, output_padding=1)": "deconv 8 3x3 /2 pad=1:0x1:0",
    "nn.MaxPool2d(2)": "pool 2",
    "nn.MaxPool2d(kernel_size=2, stride=2)": "pool 2",
    "nn.MaxPool2d(3, stride=2, padding=1)": "pool 3 /2 pad=1 floor",
    "nn.MaxPool2d(3, 2, ceil_mode=True)": "pool 3 /2 ceil",
    "nn.AvgPool2d(2, 2)": "avgpool 2",
    "nn.AvgPool2d(4, 4, padding=2)": "avgpool 4 pad=2 countpad",
    "nn.AdaptiveAvgPool2d((1, 1))": "gap keep",
    "nn.BatchNorm2d(3)": "bn eps=1e-5 momentum=0.9",
    "nn.GroupNorm(1, 3)": "gn 1 eps=1e-5",
    "nn.GroupNorm(1, 3, affine=False)": "gn 1 eps=1e-5 noscale noshift",
    "nn.InstanceNorm2d(3)": "inorm eps=1e-5 noscale noshift",
    "nn.InstanceNorm2d(3, eps=1e-3, affine=True)": "inorm",
    "nn.GELU(approximate='tanh')": "gelu approx",
    "nn.GELU()": "gelu",
    "nn.Hardtanh()": "clamp -1 1",
    "nn.Hardtanh(0, 0.5)": "clamp 0 0.5",
    "x = F.hardtanh(x, -2.0, 2.0)": "clamp -2 2",
    "nn.ReLU(inplace=True)": "relu",
    "nn.LeakyReLU(0.2, True)": "leaky_relu 0.2",
    "nn.LeakyReLU()": "leaky_relu 0.01",
    "nn.Dropout()": "dropout 0.5",
    "nn.Upsample(scale_factor=2, mode='bilinear')": "up 2 bilinear",
    "nn.Upsample(size=(7, 5))": "up to=7x5",
    "nn.Upsample(scale_factor=2, mode='bicubic', align_corners=True)": "up 2 bicubic aligned",
    "nn.AdaptiveAvgPool2d((7, 7))": "avgpool to=7",
    "nn.AdaptiveMaxPool2d((3, 4))": "pool to=3x4",
    "nn.MaxPool2d(3, stride=1, padding=1, dilation=2)": "pool 3 /1 pad=1 dilation=2",
    "nn.ConvTranspose2d(3, 6, 3, groups=3, dilation=2)": "deconv 6 3x3 dilation=2 groups=3",
    "layers.AdaptiveAveragePooling2D((2, 3))": "avgpool to=2x3",
    "nn.ZeroPad2d((1, 2, 3, 4))": "zeropad 3:4x1:2",
    "nn.ReflectionPad2d((1, 2, 3, 4))": "reflectpad 3:4x1:2",
    "nn.ReplicationPad2d(2)": "replicatepad 2",
    "nn.PixelUnshuffle(downscale_factor=3)": "pixelunshuffle 3",
    "nn.PixelShuffle(1)": "pixelshuffle 1",
    "x = F.pixel_unshuffle(x, 2)": "pixelunshuffle 2",
    "nn.Flatten()": "flatten",
    "nn.Identity()": "skip",
    "x = F.relu(x)": "relu",
    "x = F.max_pool2d(x, 2)": "pool 2",
    "x = torch.flatten(x, 1)": "flatten",
    "x = x.view(x.size(0), -1)": "flatten",
    "nn.Conv2d(3, 8, 3), nn.ReLU()": "conv 8 3x3\nrelu",
}


@pytest.mark.parametrize(("call", "line"), [*KERAS_CALLS.items(), *TORCH_CALLS.items()])
def test_a_call_is_one_message_with_the_line_that_it_is(call: str, line: str) -> None:
    text = f"input 36x36x3\n{call}\n"
    (problem,) = told(text)
    assert problem.code == "E101" and text[slice(*problem.span)] == call.strip()
    assert isinstance(problem.message, Message) and isinstance(problem.help, Message)
    (fix,) = problem.fixes
    assert fix.safe
    assert plain(apply_edits(text, fix.edits)) == f"input 36x36x3\n{line}"


@pytest.mark.parametrize("call", [call for call in KERAS_CALLS if "\n" not in call])
def test_a_call_is_read_wherever_a_statement_stands(call: str) -> None:
    line = KERAS_CALLS[call]
    inside = fixed(f"input 36x36x3\nif 1 == 1 {{\n  {call}\n}}\nrelu\n")
    assert plain(inside) == f"input 36x36x3\nif 1 == 1 {{\n{line}\n}}\nrelu"


def test_what_a_file_says_decides_how_a_call_is_written() -> None:
    torch = "defaults torch\nrounding floor\ninput 36x36x3\n"
    text = torch + "nn.BatchNorm2d(3)\nnn.LeakyReLU()\nnn.MaxPool2d(5)\n"
    assert plain(fixed(text)) == plain(torch + "bn\nleaky_relu\npool 5")


@pytest.mark.parametrize(
    ("call", "word"),
    [
        ("nn.Fold(3, 3)", "Fold"),
        ("layers.LSTM(3)", "LSTM"),
        ("nn.LogSoftmax(dim=1)", "LogSoftmax"),
        ("nn.Conv2d(3, 8, 3, padding_mode='reflect')", "padding_mode"),
        ("nn.AdaptiveAvgPool2d((None, 7))", "None"),
        ("nn.PReLU()", "prelu"),
        ("nn.InstanceNorm2d(3, track_running_stats=True)", "inorm"),
        ("layers.Conv2D(8, 3, activation='softsign')", "softsign"),
        ("x = layers.Add()([x, shortcut])", "add"),
        ("x = layers.Concatenate()([a, b])", "add"),
        ("x = self.conv1(x)", "order"),
        ("x = self.pool(F.relu(self.conv1(x)))", "order"),
        ("layers.Input(shape=(None, None, 3))", "numbers"),
    ],
)
def test_what_cannot_be_written_is_told_and_not_guessed(call: str, word: str) -> None:
    (problem,) = told(f"input 36x36x3\n{call}\nconv 8 3x3\n")
    assert problem.code == "E101" and not problem.fixes and word in problem.help


def test_every_size_that_is_rounded_down_says_so() -> None:
    text = "input 35x35x3\n" + "nn.MaxPool2d(2)\n" * 5
    assert plain(fixed(text)) == "input 35x35x3\npool 2 floor\npool 2 floor\n" + "\n".join(
        ["pool 2"] * 3
    )


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("input 35x35x3\nConv2D(8,3,2)\nMaxPooling2D(4)", ["conv 8 3x3 /2", "pool 4 floor"]),
        ("input 35x35x3\nMaxPooling2D(2)\nnn.MaxPool2d(2)", ["pool 2 floor", "pool 2 floor"]),
        ("input 35x35x3 -> MaxPool2d(2)\nnn.ReLU()", ["pool 2 floor", "relu"]),
        ("param k = 5\ninput 35x35x3\nMaxPooling2D(k)", ["pool k floor"]),
    ],
)
def test_rounding_is_told_of_the_whole_text(text: str, lines: list[str]) -> None:
    problems = examine(Source("a.cnn", text), {"k": "2"} if "param" in text else None)[1]
    assert [each.help for each in problems] == [f"here it is `{line}`" for line in lines]


def test_what_is_left_out_is_said() -> None:
    text = (
        "input 36x36x3\nlayers.Conv2D(8, 3, kernel_regularizer=l2(1e-4), bias_initializer='ones')\n"
    )
    (problem,) = told(text)
    assert [note.message for note in problem.notes] == [
        "`kernel_regularizer` is about training, which no net says"
    ]
    assert fixed(text) == "input 36x36x3\nconv 8 3x3\n"


def test_another_tensor_than_the_last_is_told() -> None:
    text = """x = layers.Conv2D(8, 3)(x)
y = layers.Conv2D(8, 3)(x)
z = layers.Conv2D(8, 3)(x)
"""
    # To mend the first two alone would leave a chain, which checks, and is another net.
    assert [bool(each.fixes) for each in told("input 36x36x3\n" + text)] == [False, False, False]


@pytest.mark.parametrize(
    "text",
    [
        "nn.Conv2d(64, 128, 3, padding=1)\nnn.ReLU()\nnn.Conv2d(64, 128, 1)",
        "nn.Conv2d(64, 128, 3, padding=1)\nnn.BatchNorm2d(64)",
        "nn.Linear(100, 20)\nnn.Linear(100, 10)",
    ],
)
def test_layers_of_pytorch_that_cannot_follow_one_another_are_no_chain(text: str) -> None:
    *_, last = told("input 8x8x64\n" + text + "\n")
    assert not last.fixes


@pytest.mark.parametrize(
    "line",
    [
        "layers.Conv2DTranspose(16, 2, strides=3)",
        "nn.Softmax(dim=-1)",
        "F.softmax(x, dim=-1)",
        "layers.PReLU(shared_axes=[1])",
        "nn.BatchNorm2d(8, track_running_stats=False)",
        "nn.Upsample(scale_factor=1.5)",
        "layers.Dropout(1)",
        "u1 = concatenate([u1, c1])",
    ],
)
def test_what_would_be_another_layer_here_has_no_fix(line: str) -> None:
    (problem,) = told(f"input 18x18x8\n{line}\n")
    assert problem.code == "E101" and not problem.fixes


def test_the_model_of_a_tutorial() -> None:
    text = "model = models.Sequential()\nmodel.add(layers.Conv2D(8, 3, input_shape=(9, 9, 1)))\n"
    assert fixed(text) == "input 9x9x1\nconv 8 3x3\n"


ARTICLE = """input 39x31x1
conv 20 4x4 relu
pool 2
conv 40 3x3 relu
pool 2
conv 60 3x3 relu
pool 2
conv 80 2x2 relu
flatten
dense 100 softmax"""

LISTINGS = {
    """import tensorflow as tf
from tensorflow.keras import layers, models

model = models.Sequential([
    layers.Input(shape=(39, 31, 1)),
    layers.Conv2D(20, (4, 4), activation='relu'),
    layers.MaxPooling2D((2, 2)),
    layers.Conv2D(40, (3, 3), activation='relu'),
    layers.MaxPooling2D((2, 2)),
    layers.Conv2D(60, (3, 3), activation='relu'),
    layers.MaxPooling2D((2, 2)),
    layers.Conv2D(80, (2, 2), activation='relu'),
    layers.Flatten(),
    layers.Dense(100, activation='softmax')
])
model.compile(optimizer='adam', loss='sparse_categorical_crossentropy')
model.summary()
""": ARTICLE,
    """model = Sequential()
model.add(Conv2D(20, kernel_size=(4, 4), activation='relu', input_shape=(39, 31, 1)))
model.add(MaxPooling2D())
model.add(Conv2D(40, 3, activation='relu'))
model.add(MaxPooling2D(2))
model.add(Conv2D(60, 3))
model.add(Activation('relu'))
model.add(MaxPooling2D(pool_size=2))
model.add(Conv2D(80, 2, activation='relu'))
model.add(Flatten())
model.add(Dense(100, activation='softmax'))
""": ARTICLE.replace(
        "60 3x3 relu", "60 3x3\nrelu"
    ),
    """input 32x32x1
model = nn.Sequential(
    nn.Conv2d(1, 6, 5), nn.Tanh(), nn.AvgPool2d(2),
    nn.Conv2d(6, 16, kernel_size=5), nn.Tanh(), nn.AvgPool2d(kernel_size=2, stride=2),
    nn.Flatten(),
    nn.Linear(400, 120), nn.Tanh(),
    nn.Linear(120, 84), nn.Tanh(),
    nn.Linear(84, 10),
)
""": """input 32x32x1
conv 6 5x5
tanh
avgpool 2
conv 16 5x5
tanh
avgpool 2
flatten
dense 120
tanh
dense 84
tanh
dense 10""",
    """inputs = keras.Input(shape=(35, 35, 3))
x = layers.Conv2D(64, 3, padding="same", activation="relu")(inputs)
x = layers.Conv2D(64, 3, padding="same", use_bias=False)(x)
x = layers.BatchNormalization()(x)
x = layers.ReLU()(x)
x = layers.MaxPooling2D(
    pool_size=2,
)(x)
x = layers.Flatten()(x)
x = layers.Dropout(0.5)(x)
outputs = layers.Dense(10, activation="softmax", name="scores")(x)
model = keras.Model(inputs, outputs)
""": """input 35x35x3
conv 64 3x3 relu same
conv 64 3x3 same nobias
bn
relu
pool 2 floor
flatten
dropout 0.5
dense 10 softmax""",
    """input 224x224x3
self.features = nn.Sequential(
    nn.Conv2d(3, 64, kernel_size=11, stride=4, padding=2),
    nn.ReLU(inplace=True),
    nn.MaxPool2d(kernel_size=3, stride=2),
    nn.AdaptiveAvgPool2d(1),  # the mean
)
self.classifier = nn.Sequential(
    nn.Flatten(),
    nn.Linear(64 * 1 * 1, 4096),
)
""": """input 224x224x3
conv 64 11x11 /4 pad=2 floor
relu
pool 3 /2
gap keep # the mean
flatten
dense 4096""",
    """input 8x8x3
model = nn.Sequential(OrderedDict([
    ('conv1', nn.Conv2d(3, 8, 3)),
    ("act", nn.ReLU()),
    ('fc', nn.Flatten()),
]))
""": "input 8x8x3\nconv 8 3x3\nrelu\nflatten",
    """model = Sequential([
    InputLayer(input_shape=(8, 8, 3)),
    Conv2D(8, 3),
], name='net')
""": "input 8x8x3\nconv 8 3x3",
    "input 8x8x3\nmodel = Sequential([Conv2D(8, 3), Flatten(), Dense(2)])\n": (
        "input 8x8x3\nconv 8 3x3\nflatten\ndense 2"
    ),
}


@pytest.mark.parametrize("listing", LISTINGS)
def test_a_listing_becomes_its_net(listing: str) -> None:
    problems = told(listing)
    lines = [problem.source.position(problem.span.start)[0] for problem in problems]
    assert len(lines) == len(set(lines)) and all(len(each.fixes) == 1 for each in problems)
    after = fixed(listing)
    assert plain(after) == LISTINGS[listing] and not [
        each for each in told(after) if each.severity == "error"
    ]


def test_names_of_the_file_are_its_own() -> None:
    for text in (
        "block Dense(n) { conv n 3x3 }\ninput 8x8x3\nDense (4)\n",
        "block Conv2D(n) { conv n 3x3 }\ninput 8x8x3\nConv2D (4); Conv2D(8)\n",
        "let Flatten = flatten\ninput 8x8x3\nFlatten\n",
        "input 8x8x3\nif 1 == 2 { Dense(10) }\nrelu\n",
    ):
        assert cnndsl.check(text)
    (problem,) = told("block Dense(n) { conv n 3x3 }\ninput 8x8x3\nDense(4)\nconv 'a b' 3\n")
    assert problem.code == "E001"


def test_the_table_has_words_and_roles_of_the_language() -> None:
    for framework, classes in CLASSES.items():
        for name, each in classes.items():
            known = each.word in LAYERS or each.word in MERGES
            assert known or each.word in ("", "input", "skip"), name
            assert set(each.defaults) <= set(each.arguments), name
        assert all(isinstance(role, str) for role in ROLES[framework].values())
    assert all(name in CLASSES[TORCH] for name, _ in FUNCTIONS.values())
    assert all(not word or word in LAYERS for word in ACTIVATIONS.values())


# Other slips: what is written after the input, and what it becomes.
SLIPS = {
    "conv 8 3 x 3 relu": "conv 8 3x3 relu",
    "conv 8 3 x3 relu": "conv 8 3x3 relu",
    "conv 8 3x 3 relu": "conv 8 3x3 relu",
    "conv 8 3 × 3": "conv 8 3x3",
    "conv 8 3 X 3": "conv 8 3x3",
    "conv 8 3*3 relu": "conv 8 3x3 relu",
    "conv 8 5x3 -> relu": "conv 8 5x3; relu",
    "conv 8 3x3 → pool 2 → relu": "conv 8 3x3; pool 2; relu",
    "relu => conv 8 3x3 => relu": "relu; conv 8 3x3; relu",
    "conv 32@3x3": "conv 32 3x3",
    "conv 32 @ 3x3": "conv 32 3x3",
    "conv1: conv 32 3x3": "conv 32 3x3 as conv1",
    "stem : conv 32 3x3 relu; pool 2": "conv 32 3x3 relu as stem; pool 2",
    "conv: 32 3x3": "conv 32 3x3",
    "x = conv 32 3x3": "conv 32 3x3 as x",
    "y = add { conv 1 3x3 same | skip }": "add { conv 1 3x3 same | skip } as y",
    "conv 3x3 16 relu": "conv 16 3x3 relu",
    "sepconv 5x5 16": "sepconv 16 5x5",
    "let x = conv 8 3x3": "conv 8 3x3 as x",
    "- conv 8 3x3": "conv 8 3x3",
    "repeat 3:\n  conv 8 3x3\nrelu": "repeat 3 {\nconv 8 3x3\n}\nrelu",
    "nn.Conv2d(1, 8, 3) -> nn.ReLU()": "conv 8 3x3; relu",
    "conv2d(8, 3)": "conv 8 3x3",
    "conv 8 4x4 s2": "conv 8 4x4 /2",
    "conv 8 3x3 p1": "conv 8 3x3 pad=1",
    "conv 8 4x4 2": "conv 8 4x4 /2",
    "pool 2 2": "pool 2 /2",
    "lrelu": "leaky_relu",
    "h_swish": "hard_swish",
    "합성곱 32 3x3": "conv 32 3x3",
    "풀링 2": "pool 2",
    "드롭아웃 0.5": "dropout 0.5",
    "평탄화": "flatten",
    "렐루": "relu",
    "conv 필터=32 3x3": "conv 32 3x3",
    "conv 32 3x3 활성화=relu 스트라이드=2 floor": "conv 32 3x3 relu /2 floor",
    "deconv 1 3x3 /2 pad=1 output_padding=1": "deconv 1 3x3 /2 pad=1:0x1:0",
    "zeropad (1:0)": "zeropad 1:0",
    "let k = 3; let d = 2; conv 8 3x3 dilation=2 pad=((k-1)*d:0)": (
        "let k = 3; let d = 2; conv 8 3x3 dilation=2 pad=((k-1)*d):0"
    ),
    "let n = 8; conv n 3xn": "let n = 8; conv n (3, n)",
    "for i in range(3):\n  conv (2*i+1) 3x3\n  relu\npool 2": (
        "repeat 3 as i {\nconv (2*i+1) 3x3\nrelu\n}\npool 2"
    ),
    "for i in range(0, 2) {\n  conv (i+1) 3x3\n}": "repeat 2 as i {\nconv (i+1) 3x3\n}",
    "for _ in range(2):\n  conv 8 3x3\n\n  relu": "repeat 2 {\nconv 8 3x3\nrelu\n}",
}


@pytest.mark.parametrize("slip", SLIPS)
def test_a_slip_is_one_message_with_its_fix(slip: str) -> None:
    text = f"input 28x28x1\n{slip}\n"
    problems = [each for each in told(text) if each.severity == "error"]
    assert len(problems) == 1 + slip.count("활성화"), [each.message for each in problems]
    assert plain(fixed(text, unsafe=True)) == f"input 28x28x1\n{SLIPS[slip]}"


@pytest.mark.parametrize(
    ("text", "after"),
    [
        ("input 28x28x1 -> conv 8 3x3", "input 28x28x1; conv 8 3x3"),
        ("input 32x28x28x1\nconv 8 3x3", "input 28x28x1\nconv 8 3x3"),
        ("input 8x16x112x112x3\nconv 8 3x3x3", "input 16x112x112x3\nconv 8 3x3x3"),
        ("input 28x1\nconv 32 2 dilation=4 pad=causal", "input 28x1\nconv 32 2 dilation=4 pad=4:0"),
        ("input 8\n덴스 10", "input 8\ndense 10"),
        ("input 8\n완전연결층 10", "input 8\ndense 10"),
        ("input 8\noutput 10", "input 8\ndense 10"),
        ("input 28 x 28 x 1\nconv 8 3x3", "input 28x28x1\nconv 8 3x3"),
        ("입력 28x28x1\nconv 8 3x3", "input 28x28x1\nconv 8 3x3"),
    ],
)
def test_a_slip_at_the_input_is_one_message_with_its_fix(text: str, after: str) -> None:
    assert len(told(text)) == 1
    assert plain(fixed(text, unsafe=True)) == after


@pytest.mark.parametrize("size", ["HxWx1", "hxwxc", "28xWx1"])
def test_an_input_of_names_is_one_message(size: str) -> None:
    (problem,) = told(f"input {size}\nconv 8 3x3\n")
    assert problem.code in ("E004", "E106") and "(" in problem.help


@pytest.mark.parametrize(
    "word",
    "unshuffle unpool max_unpool logsoftmax log_softmax softmin glu "
    "celu rmsnorm batchrelu".split(),
)
def test_no_guess_names_another_operator(word: str) -> None:
    (problem,) = told(f"input 28x28x1\n{word} 3\n")
    assert problem.code == "E101" and not problem.fixes and "did you mean" not in problem.help


@pytest.mark.parametrize(
    ("word", "meant"),
    [("convv", "conv"), ("ppool", "pool"), ("softmx", "softmax"), ("flaten", "flatten"),
     ("conv_2d", "conv"), ("batchnorm1d", "bn"), ("dens", "dense"), ("pool2", "pool"),
     ("pixel_shuffle", "pixelshuffle"), ("PixelUnshuffle", "pixelunshuffle"),
     ("reflection_pad", "reflectpad"), ("hardtanh", "clamp"), ("instance_norm", "inorm"),
     ("InstanceNorm2d", "inorm")],
)  # fmt: skip
def test_misspelt_words_are_still_guessed(word: str, meant: str) -> None:
    first, *_ = told(f"input 28x28x1\n{word} 3\n")
    assert first.help == f"did you mean `{meant}`?"


HOSTILE = [
    "nn.Conv2d(" + "(" * 3000 + ")" * 3001, "nn.Conv2d(" + "-" * 5000 + "1)",
    "nn.Conv2d(" + "a." * 4000 + "b)", "nn.Conv2d(1,2," + "9" * 6000 + ")",
    "nn.Conv2d(1,\0)", r"nn.Conv2d('\N{x}')", "nn.Conv2d(1,2," + "1+" * 4000 + "1)",
    "Conv2D(*a, **b)", "nn.Sequential(" * 80 + ")" * 80, "nn.Conv2d(1, 8, 3, padding=1e400)",
    "layers.Conv2D(True, None)", "nn.BatchNorm2d(8, momentum=None)", "nn.Conv2d(1, 8, [[3]])",
    "model.add()", "model.add(1)", "nn.()", "nn.Conv2d", "F.relu()", "nn.Softmax(dim=[1])",
    "layers.Softmax(axis={1: 2})", "layers.Reshape((-1,))", "layers.Input(shape=())",
    "for i in range(", "for i in range(3):", "x = conv", "x: conv", "conv:", "a -> ", "-> a",
    "pad=(:)", "32@", "3 × × 3", "layers.Activation(1)", "x = layers.Dense(10)(x)(y)",
    "layers.PReLU(shared_axes=[[1]])", "nn.Upsample(scale_factor=(2, 2))", "])", "nn.Sequential(",
]  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE)
def test_no_text_raises_or_takes_long(text: str) -> None:
    for each in (text, f"input 28x28x1\n{text}\nconv 8 3x3\n", f"add {{ {text} | skip }}"):
        with at_most(400_000):
            assert told(each)


@pytest.mark.parametrize(
    "line",
    [
        "model.add(layers.Conv2D(8, (3, 3), padding='same', activation='relu'))",
        "model.add(layers.Conv2D(8,",
        "model.add(layers.Conv2D(8 8 8 !))",
        "c: conv 8 3x3 same",
        "for i in range(3):\n  conv 8 3x3 same",
    ],
)
def test_a_long_listing_takes_work_in_proportion(line: str) -> None:
    def work(count: int) -> int:
        return counted(lambda: told("input 28x28x1\n" + (line + "\n") * count))

    assert work(1600) < 5 * work(400)


# The same layer in the framework itself.


@pytest.mark.frameworks
@pytest.mark.parametrize(
    "call", [call for call in TORCH_CALLS if call.startswith(("nn.", "torch"))]
)
def test_the_line_has_the_shape_and_weights_of_pytorch(call: str) -> None:
    import torch
    from torch import nn

    made: Any = eval(call.rstrip(","), {"nn": nn, "torch": torch})
    layer = nn.Sequential(*made) if isinstance(made, tuple) else made
    net = cnndsl.check(f"input 36x36x3\n{TORCH_CALLS[call]}\n")
    with torch.no_grad():
        shape = tuple(layer(torch.zeros(2, 3, 36, 36)).shape[1:])
    assert shape[1:] + shape[:1] == net.nodes[-1].output
    assert sum(each.numel() for each in layer.parameters()) == sum(
        weight.size for node in net.nodes for weight in node.layer.weights if weight.trainable
    )


@pytest.mark.frameworks
@pytest.mark.parametrize("call", [call for call in KERAS_CALLS if "(x)" not in call])
def test_the_line_has_the_shape_and_weights_of_keras(call: str) -> None:
    import keras

    class Model:
        add = staticmethod(lambda layer: layer)

    names = {"keras": keras, "layers": keras.layers, "model": Model, **vars(keras.layers)}
    code = call.rstrip(",").replace("tf.keras", "keras").replace("tf.nn.relu", "'relu'")
    layer: Any = eval(code, names)
    output = layer(keras.Input((36, 36, 3)))
    net = cnndsl.check(f"input 36x36x3\n{KERAS_CALLS[call]}\n")
    assert tuple(output.shape[1:]) == net.nodes[-1].output
    assert layer.count_params() == sum(
        weight.size for node in net.nodes for weight in node.layer.weights
    )


@pytest.mark.parametrize("before", ["input 28x28x1; ", "input 28x28x1; repeat 2 { relu; "])
def test_a_call_without_arguments_within_a_line(before: str) -> None:
    (problem,) = cnndsl.diagnose(before + "Flatten()" + " }" * ("{" in before))
    assert [fix.title for fix in problem.fixes] == ["write `flatten`"]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("se 16", "mul { skip | gap keep;"),
        ("squeeze_excite 4", "conv (max(1, c//r)) 1x1 relu"),
        ("frozen { conv 8 3x3 }", "here it is `freeze { … }`"),
        ("동결 { conv 8 3x3 }", "here it is `freeze { … }`"),
        ("bilinear 2", "here it is `up F bilinear`"),
        ("conv 8 3x3 frozen", "here it is `freeze { … }`"),
        ("conv 8 3x3 trainable=false", "here it is `freeze { … }`"),
        ("conv 8 3x3 residual", "here it is `add { skip | … }`"),
        ("celu", "the language has no activation of that name"),
        ("up to=8x8x3", "`to=` is a size without channels: `to=8x8`"),
        ("pool to=8x8x3", "`to=` is a size without channels: `to=8x8`"),
        ("residual { conv 8 3x3 same }", "here it is `add { skip | … }`"),
        ("shortcut", "here it is `add { skip | … }`"),
        ("skip connection", "here it is `add { skip | … }`"),
        ("skip_connection", "here it is `add { skip | … }`"),
        ("ResBlock 8", "add { skip | conv N 3x3 same; bn; relu; conv N 3x3 same; bn }"),
        ("dense_block 4", "concat { skip | bn; relu; conv 32 3x3 same nobias }"),
        ("pad 1", "here it is `zeropad P`"),
        ("route", "here it is `from NAME`"),
        ("split 2", "here it is `slice A:B`"),
        ("depth_to_space 2", "here it is `pixelshuffle R dcr`"),
        ("SpaceToDepth 2", "here it is `pixelunshuffle R dcr`"),
        ("interpolate 2", "here it is `up to=SIZE`"),
        ("reorg 2", "here it is `pixelunshuffle R dcr`"),
        ("dilatedconv 8 3x3", "here it is `conv N K dilation=D`"),
        ("group_conv 8 3x3", "here it is `conv N K groups=G`"),
        ("pointwise 8", "here it is `conv N 1x1`"),
        ("activation relu", "here it is `relu`"),
        ("causal_conv 8 3", "pad=((K-1)*D):0"),
        ("conv_bn_relu 8", "here it is `conv N 3x3 same nobias; bn; relu`"),
        ("bottleneck 64", "write it as a block, `block bottleneck(n) { … }`"),
        ("mbconv 64", "write it as a block"),
        ("self_attention 8", "the language has no attention"),
        ("lstm 8", "the language has no recurrence"),
        ("capsule 8", "the language has no capsules"),
        ("fft", "the language has no Fourier transforms"),
        ("matmul", "the language has no products of tensors as matrices"),
        ("embedding 8", "the language has no tables of words"),
        ("max_unpool 2", "the language has no unpooling"),
        ("exp", "the language has no arithmetic"),
        ("loss", "is about training, which no net says"),
    ],
)
def test_a_thing_without_a_word_is_told_and_not_guessed(line: str, said: str) -> None:
    (problem,) = told(f"input 16x16x8\n{line}\nrelu\n")
    assert said in problem.help and not problem.fixes


@pytest.mark.parametrize(
    "word", ["pad 1", "route", "se", "exp", "capsule", "unpool", "dilatedconv 8 3x3"]
)
def test_nothing_near_in_letters_alone_is_guessed(word: str) -> None:
    (problem,) = told(f"input 16x16x8\n{word}\n")
    assert "did you mean" not in problem.help and not problem.fixes


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("convv 8 3x3", "conv"), ("dropot 0.5", "dropout"), ("softmx", "softmax"),
        ("maxpol 2", "pool"), ("batchnrom", "bn"), ("convolutoin 8 3x3", "conv"),
        ("depthwize 3x3", "dwconv"), ("upsample 2", "up"), ("global_avg_pool", "gap"),
        ("max_pool2d 2", "pool"), ("leaky", "leaky_relu"), ("identty", "skip"),
    ],
)  # fmt: skip
def test_what_is_misspelt_or_called_otherwise_is_guessed(word: str, meant: str) -> None:
    (problem,) = told(f"input 16x16x8\n{word}\n")
    assert problem.help == f"did you mean `{meant}`?" and problem.fixes


def test_a_block_of_the_file_is_meant_before_a_thing_without_a_word() -> None:
    for name, word in (
        ("se_block", "SEBlock"),
        ("residual", "residuals"),
        ("shortcuts", "shortcut"),
    ):
        (problem,) = told(f"block {name}() {{ relu }}\ninput 4x4x3\n{name}\n{word}\n")
        assert problem.help == f"did you mean `{name}`?"


def test_every_line_that_stands_for_a_thing_is_of_the_language() -> None:
    from cnndsl.foreign import idioms

    known = {*LAYERS, *MERGES, "block", "repeat", "from", "freeze"}
    for line, names in idioms._LINES.items():
        assert line.split()[0] in known
        assert not {*names.split()} & known
    every = [name for names in idioms._LINES.values() for name in names.split()]
    every += [name for _, names in idioms._MISSING for name in names.split()]
    every += [*idioms._BLOCKS, *idioms._TRAINING]
    assert len(every) == len(set(every)) and not {*every} & {*LAYERS, *MERGES}


@pytest.mark.parametrize("written", ["padding=causal", "pad=causal", "causal"])
def test_causal_padding_stands_before_the_signal(written: str) -> None:
    (problem,) = told(f"input 100x8\nconv 32 2 dilation=4 {written}\n")
    assert problem.help == "all padding stands before the signal: write `pad=4:0`"
    assert "pad=4:0" in fixed(f"input 100x8\nconv 32 2 dilation=4 {written}\n", unsafe=True)


def test_dense_of_keras_on_a_map_is_a_convolution() -> None:
    text = "input 16x16x8\nDense(8, activation='relu')\nDense(4)\n"
    text += "MaxPooling2D(3)\nFlatten()\nDense(2)\n"
    lines = ["conv 8 1x1 relu", "conv 4 1x1", "pool 3 floor", "flatten", "dense 2"]
    assert [each.help for each in told(text)] == [f"here it is `{line}`" for line in lines]
    assert fixed(text) == "input 16x16x8\n" + "\n".join(lines) + "\n"
    (problem,) = told("input 9x8\nlayers.Dense(4, use_bias=False)\n")
    assert problem.help == "here it is `conv 4 1 nobias`"
    (problem,) = told("input 9x8\nnn.Linear(8, 4)\n")  # PyTorch's goes over the last dimension
    assert problem.help == "here it is `dense 4`"


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("padding_mode=reflect", "before this one: `reflectpad P`"),
        ("padding=replicate", "before this one: `replicatepad P`"),
        ("pad=reflect", "before this one: `reflectpad P`"),
        ("padding_mode=zeros", "leave it out: it is so without"),
        ("padding_mode=circular", "the language has no padding from the other side"),
    ],
)
def test_padding_by_other_values_is_a_layer(written: str, said: str) -> None:
    (problem,) = told(f"input 8x8x3\nconv 4 3x3 {written}\n")
    assert said in problem.help and not problem.fixes


@pytest.mark.parametrize(
    ("line", "here"),
    [
        ("up 2 mode=bilinear", "up 2 bilinear"),
        ("up 2 interpolation=bicubic", "up 2 bicubic"),
        ("up 2 bilinear align_corners=true", "up 2 bilinear aligned"),
        ("up 2 align_corners=0", "up 2"),
        ("conv 3 1 use_bias=0", "conv 3 1 nobias"),
    ],
)
def test_a_flag_that_has_a_value_elsewhere(line: str, here: str) -> None:
    assert (
        fixed(f"input 8x8x3\n{line}\n", unsafe=True).replace(" \n", "\n")
        == f"input 8x8x3\n{here}\n"
    )
