"""Networks of texts without code: summaries, lines of papers, darknet, Caffe."""

from __future__ import annotations

import pytest
from conftest import few

from cnndsl.importers.caffe import read_caffe
from cnndsl.importers.darknet import read_darknet
from cnndsl.importers.graph import Graph
from cnndsl.importers.kinds import kind_of
from cnndsl.importers.notation import read_notation
from cnndsl.importers.summary import read_summary
from cnndsl.layers.base import Shape
from cnndsl.layers.source import call_of

READERS = {
    "summary": read_summary,
    "notation": read_notation,
    "darknet": read_darknet,
    "caffe": read_caffe,
}


def calls(graph: Graph) -> str:
    """The operations of a graph without problems, in order."""
    assert graph.problems == [], [(each.where, str(each.message)) for each in graph.problems]
    return "; ".join(call_of(op.layer) for op in graph.ops)


def told(graph: Graph) -> list[tuple[str, str]]:
    return [(each.code, each.where) for each in graph.problems]


def asked(graph: Graph) -> str:
    return "\n".join(str(message) for _, message in graph.asks)


# Notation

RELU_SOFTMAX = "the activations are not said"

NOTATIONS = {
    "32C3-MP2-64C3-MP2-512FC-10": (
        (28, 28, 1),
        "input 28x28x1; conv 32 3x3 same; relu; pool 2x2; conv 64 3x3 same; relu; pool 2x2; "
        "flatten; dense 512; relu; dense 10; softmax",
    ),
    "1x29x29-20C4-MP2-40C5-MP3-150N-10N": (
        None,
        "input 29x29x1; conv 20 4x4; relu; pool 2x2; conv 40 5x5; relu; pool 3x3; flatten; "
        "dense 150; relu; dense 10; softmax",
    ),
    "Conv(3,32) → Pool2, FC10": (
        (8, 8, 1),
        "input 8x8x1; conv 32 3x3; relu; pool 2x2; flatten; dense 10; softmax",
    ),
    "784-500-10": (None, "input 784; dense 500; relu; dense 10; softmax"),
    "500-10": ((784,), "input 784; dense 500; relu; dense 10; softmax"),
    "28x28-6c5-2s-12c5-2s-10": (
        None,
        "input 28x28x1; conv 6 5x5; relu; avgpool 2x2; conv 12 5x5; relu; avgpool 2x2; flatten; "
        "dense 10; softmax",
    ),
    "2x(8C3)-MP2-10": (
        (32, 32, 3),
        "input 32x32x3; conv 8 3x3; relu; conv 8 3x3; relu; pool 2x2; flatten; dense 10; softmax",
    ),
    "(2×8C3)–MP2—10Softmax": (
        (32, 32, 3),
        "input 32x32x3; conv 8 3x3; relu; conv 8 3x3; relu; pool 2x2; flatten; dense 10; softmax",
    ),
    "(8C3-MP2)x2-GAP": (
        (16, 16, 3),
        "input 16x16x3; conv 8 3x3 same; relu; pool 2x2; conv 8 3x3 same; relu; pool 2x2; gap; "
        "softmax",
    ),
    "32C3s2, BN, ReLU, AP2, DO0.5, FC10": (
        (13, 13, 3),
        "input 13x13x3; conv 32 3x3 /2; bn; relu; avgpool 2x2; dropout 0.5; flatten; dense 10",
    ),
    "input (32 × 32 RGB image) conv3-64 | conv1-64 | maxpool | FC-100 | FC-10 | soft-max": (
        None,
        "input 32x32x3; conv 64 3x3; relu; conv 64 1x1; relu; pool 2x2; flatten; dense 100; relu; "
        "dense 10; softmax",
    ),
    "3x3 conv, 8 - 10": (
        (5, 5, 1),
        "input 5x5x1; conv 8 3x3; relu; flatten; dense 10; softmax",
    ),
    "C3(64)-conv2d 8 (3x3)-C(5x5, 4)-P2-FC(10)": (
        (32, 32, 3),
        "input 32x32x3; conv 64 3x3; relu; conv 8 3x3; relu; conv 4 5x5; relu; "
        "pool 2x2; flatten; dense 10; softmax",
    ),
    "Input(28, 28, 1)-3C64-R => conv 3x3x8/relu-2s-10o": (
        None,
        "input 28x28x1; conv 64 3x3; relu; conv 8 3x3; relu; avgpool 2x2; flatten; dense 10",
    ),
    "3x3 conv. 8 ReLU, conv2d 16 3x3, 3x3 max-pool stride 2, ReLU, FC 10": (
        (9, 9, 3),
        "input 9x9x3; conv 8 3x3; relu; conv 16 3x3; pool 3x3 /2; relu; flatten; dense 10",
    ),
}


@pytest.mark.parametrize("text", NOTATIONS)
def test_a_line_of_a_paper_is_read(text: str) -> None:
    shape, expected = NOTATIONS[text]
    assert calls(read_notation(text, "", shape)) == expected
    assert kind_of(text) == "notation"


def test_a_line_asks_for_what_it_does_not_say() -> None:
    words = asked(read_notation("C8-P-6c5-2s-DO-10", "", (32, 32, 1)))
    for part in ("relu is taken", "padding", "3x3", "pools", "subsampled", "dropout"):
        assert words.count(part) == 1, words


def test_all_that_cannot_be_read_of_a_line_is_told() -> None:
    graph = read_notation("20C5-P2-zzz-50C5-q3-10", "", (28, 28, 1))
    assert [(each.code, each.span) for each in graph.problems] == [
        ("E605", (8, 11)),
        ("E605", (17, 19)),
    ]


@pytest.mark.parametrize(
    "item", ["0C3", "8C0", "MP0", "8C3/0", "P2s0", "0FC", "C(3x3,5x5)", "8C3(2)"]
)
def test_sizes_of_nothing_cannot_be_read(item: str) -> None:
    assert {code for code, _ in told(read_notation(f"8C3-{item}-10", "", (28, 28, 1)))} == {"E605"}


def test_a_line_without_a_size_wants_one() -> None:
    assert told(read_notation("20C5-P2-10")) == [("E604", "line 1")]


# Keras

BOXED = """
Model: "sequential"
┏━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━━━━━┓
┃ Layer (type)                    ┃ Output Shape           ┃       Param # ┃
┡━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━━━━┩
│ conv2d (Conv2D)                 │ (None, 32, 32, 8)      │           224 │
├─────────────────────────────────┼────────────────────────┼───────────────┤
│ batch_normalization             │ (None, 32, 32, 8)      │            32 │
│ (BatchNormalization)            │                        │               │
├─────────────────────────────────┼────────────────────────┼───────────────┤
│ separable_conv2d                │ (None, 30, 30, 16)     │           216 │
│ (SeparableConv2D)               │                        │               │
├─────────────────────────────────┼────────────────────────┼───────────────┤
│ max_pooling2d (MaxPooling2D)    │ (None, 15, 15, 16)     │             0 │
├─────────────────────────────────┼────────────────────────┼───────────────┤
│ global_average_pooling2d        │ (None, 16)             │             0 │
│ (GlobalAveragePooling2D)        │                        │               │
├─────────────────────────────────┼────────────────────────┼───────────────┤
│ dropout (Dropout)               │ (None, 16)             │             0 │
├─────────────────────────────────┼────────────────────────┼───────────────┤
│ dense (Dense)                   │ (None, 10)             │           170 │
└─────────────────────────────────┴────────────────────────┴───────────────┘
 Total params: 642 (2.51 KB)
 Trainable params: 626 (2.45 KB)
 Non-trainable params: 16 (64.00 B)
"""

KERAS_2 = """
Model: "model"
__________________________________________________________________________________________________
 Layer (type)                   Output Shape         Param #     Connected to
==================================================================================================
 input_1 (InputLayer)           [(None, 32, 32, 3)]  0           []

 conv2d (Conv2D)                (None, 16, 16, 8)    392         ['input_1[0][0]']

 conv2d_1 (Conv2D)              (None, 16, 16, 8)    584         ['conv2d[0][0]']

 depthwise_conv2d (DepthwiseCon  (None, 16, 16, 8)   80          ['conv2d_1[0][0]']
 v2D)

 add (Add)                      (None, 16, 16, 8)    0           ['conv2d[0][0]',
                                                                  'depthwise_conv2d[0][0]']

 global_average_pooling2d (Glob  (None, 8)           0           ['add[0][0]']
 alAveragePooling2D)

 dense (Dense)                  (None, 10)           90          ['global_average_pooling2d[0][0]'
                                                                 ]
==================================================================================================
Total params: 1,146
Trainable params: 1,146
Non-trainable params: 0
__________________________________________________________________________________________________
"""

KERAS_2_NESTED = """
Model: "sequential_1"
_________________________________________________________________
 Layer (type)                Output Shape              Param #
=================================================================
 inner (Sequential)          (None, 6, 6, 8)           224
|¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯|
| conv2d (Conv2D)            (None, 6, 6, 8)           224      |
|¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯¯|
 flatten (Flatten)           (None, 288)               0

 dense (Dense)               (None, 2)                 578

=================================================================
Total params: 802
Trainable params: 802
Non-trainable params: 0
"""


def test_a_summary_with_boxes_is_read() -> None:
    graph = read_summary(BOXED, "net", (32, 32, 3))
    assert calls(graph) == (
        "input 32x32x3; conv 8 3x3 same; bn; sepconv 16 3x3; pool 2x2; gap; dropout 0.5; dense 10"
    )
    assert (graph.params, graph.trainable) == (642, 626)
    assert [op.name for op in graph.ops][2:4] == ["batch_normalization", "separable_conv2d"]
    for part in ("activations", "dilated", "eps", "pools", "dropout"):
        assert asked(graph).count(part) == 1
    assert kind_of(BOXED) == "summary"


@pytest.mark.parametrize("width", [0, 98])
def test_a_summary_of_keras_2_is_read_with_what_rows_are_connected_to(width: int) -> None:
    graph = read_summary("\n".join(line.ljust(width) for line in KERAS_2.splitlines()))
    assert calls(graph) == (
        "input 32x32x3; conv 8 4x4 /2 same; conv 8 3x3 same; dwconv 3x3 same; add; gap; dense 10"
    )
    assert [op.inputs for op in graph.ops] == [(), (0,), (1,), (2,), (1, 3), (4,), (5,)]
    assert graph.params == 1146


def test_what_a_nested_model_holds_is_read() -> None:
    graph = read_summary(KERAS_2_NESTED, "", (8, 8, 3))
    assert calls(graph) == "input 8x8x3; conv 8 3x3; flatten; dense 2"
    assert [scope.name for scope in graph.ops[1].scope] == ["inner"]


def test_a_nested_model_that_hides_its_layers_cannot_be_read() -> None:
    lines = [line for line in KERAS_2_NESTED.splitlines() if not line.startswith("|")]
    graph = read_summary("\n".join(lines), "", (8, 8, 3))
    assert told(graph) == [("E605", "line 6")]
    assert "expand_nested" in graph.problems[0].help


def test_a_row_that_nothing_fits_cannot_be_read() -> None:
    text = BOXED.replace("224 │", "225 │").replace("(None, 10)", "(None, 1x)")
    graph = read_summary(text, "net", (32, 32, 3))
    assert told(graph) == [("E605", "line 6"), ("E605", "line 21")]
    start, end = graph.problems[0].span or (0, 0)
    assert "conv2d (Conv2D)" in text[start:end]


def test_a_row_that_is_missing_shows_in_the_total() -> None:
    lines = BOXED.splitlines(keepends=True)
    place = next(at for at, line in enumerate(lines) if "batch_normalization" in line)
    graph = read_summary("".join(lines[:place] + lines[place + 3 :]), "net", (32, 32, 3))
    assert told(graph) == [("E605", "line 20")]
    assert "the rows have 610 parameters" in graph.problems[0].message


def test_a_summary_without_an_input_wants_one() -> None:
    assert told(read_summary(BOXED)) == [("E604", "line 6")]


CUT = """
┃ Layer (type)        ┃ Output Shape      ┃    Param # ┃ Connected to      ┃
│ input (InputLayer)  │ (None, 8, 8, 4)   │          0 │ -                 │
│ a_rather_long_name  │ (None, 8, 8, 4)   │        148 │ input[0][0]       │
│ (Conv2D)            │                   │            │                   │
│ a_rather_long_name… │ (None, 8, 8, 4)   │         16 │ a_rather_long_na… │
│ (BatchNormalizatio… │                   │            │                   │
│ {name} │ (None, 8, 8, 4)   │        148 │ {of}       │
│ (Conv2D)            │                   │            │                   │
│ add (Add)           │ (None, 8, 8, 4)   │          0 │ a_rather_long_na… │
│                     │                   │            │ input[0][0]       │
"""


def test_a_name_that_is_cut_off_is_the_last_of_a_row() -> None:
    graph = read_summary(CUT.format(name="b                  ", of="input[0][0]"))
    assert calls(graph).endswith("conv 4 3x3 same; bn; conv 4 3x3 same; add")
    assert graph.ops[4].inputs == (2, 0)
    assert "names are cut off" in asked(graph)


def test_a_name_that_is_cut_off_may_be_one_of_several() -> None:
    graph = read_summary(CUT.format(name="a_rather_long_na_b ", of="input[0][0]"))
    assert told(graph) == [("E605", "line 10")]
    assert "wider" in graph.problems[0].help


# PyTorch

TORCHINFO = """
==========================================================================================
Layer (type:depth-idx)                   Output Shape              Param #
==========================================================================================
LeNet                                    [1, 10]                   --
├─Sequential: 1-1                        [1, 16, 5, 5]             --
│    └─Conv2d: 2-1                       [1, 6, 28, 28]            156
│    └─BatchNorm2d: 2-2                  [1, 6, 28, 28]            12
│    └─ReLU: 2-3                         [1, 6, 28, 28]            --
│    └─MaxPool2d: 2-4                    [1, 6, 14, 14]            --
│    └─Conv2d: 2-5                       [1, 16, 10, 10]           2,416
│    └─ReLU: 2-6                         [1, 16, 10, 10]           --
│    └─MaxPool2d: 2-7                    [1, 16, 5, 5]             --
├─Linear: 1-2                            [1, 120]                  48,120
├─Linear: 1-3                            [1, 10]                   1,210
==========================================================================================
Total params: 51,914
Trainable params: 51,914
Non-trainable params: 0
Total mult-adds (M): 0.42
==========================================================================================
"""

COLUMNS = """
=================================================================================================
Layer (type (var_name):depth-idx)  Input Shape      Output Shape     Param #  Kernel Shape  Train
=================================================================================================
Net (Net)                          [7, 3, 64, 64]   [7, 16]          --       --            Partial
├─Conv2d (stem): 1-1               [7, 3, 64, 64]   [7, 8, 32, 32]   (1,176)  [7, 7]        False
├─MaxPool2d (pool): 1-2            [7, 8, 32, 32]   [7, 8, 16, 16]   --       3             --
├─Conv2d (dw): 1-3                 [7, 8, 16, 16]   [7, 8, 16, 16]   72       [3, 3]        True
├─AdaptiveAvgPool2d (gap): 1-4     [7, 8, 16, 16]   [7, 8, 1, 1]     --       --            --
├─Linear (head): 1-5               [7, 8]           [7, 16]          144      --            True
=================================================================================================
Total params: 1,392
Trainable params: 216
Non-trainable params: 1,176
=================================================================================================
"""

TORCHSUMMARY = """
----------------------------------------------------------------
        Layer (type)               Output Shape         Param #
================================================================
            Conv2d-1           [-1, 16, 224, 224]           448
              ReLU-2           [-1, 16, 224, 224]             0
         MaxPool2d-3           [-1, 16, 112, 112]             0
            Linear-4                   [-1, 10]         2,007,050
================================================================
Total params: 2,007,498
Trainable params: 2,007,498
Non-trainable params: 0
----------------------------------------------------------------
Input size (MB): 0.57
"""


def test_a_tree_of_torchinfo_is_read() -> None:
    graph = read_summary(TORCHINFO, "", (32, 32, 1))
    assert calls(graph) == (
        "input 32x32x1; conv 6 5x5; bn; relu; pool 2x2; conv 16 5x5; relu; pool 2x2; flatten; "
        "dense 120; dense 10"
    )
    assert (graph.params, graph.trainable) == (51_914 + 12, 51_914)
    assert graph.ops[1].scope == ()
    assert kind_of(TORCHINFO) == "summary"
    assert told(read_summary(TORCHINFO)) == [("E604", "line 7")]


def test_the_columns_of_torchinfo_are_read() -> None:
    graph = read_summary(COLUMNS)
    assert calls(graph) == (
        "input 64x64x3; conv 8 7x7 /2 pad=3 nobias; pool 3x3 /2 pad=1; "
        "conv 8 3x3 pad=1 groups=8 nobias; gap keep; flatten; dense 16"
    )
    assert [op.frozen for op in graph.ops][:4] == [False, True, False, False]
    assert (graph.params, graph.trainable) == (1392, 216)


def test_torchsummary_says_how_large_its_input_is() -> None:
    graph = read_summary(TORCHSUMMARY)
    assert calls(graph) == ("input 224x224x3; conv 16 3x3 pad=1; relu; pool 2x2; flatten; dense 10")


def test_what_torchsummary_says_of_its_input_may_not_be_enough() -> None:
    text = TORCHSUMMARY.replace("224", "64").replace("112", "32").replace("0.57", "0.05")
    assert ("E604", "line 5") in told(read_summary(text))


def test_what_a_module_of_ones_own_computes_is_not_said() -> None:
    text = TORCHINFO.replace("Sequential", "BasicBlock")
    assert told(read_summary(text, "", (32, 32, 1))) == [("E606", "line 6")]


def test_weights_that_are_used_again_are_told() -> None:
    text = TORCHINFO.replace("2,416", "(recursive)")
    assert told(read_summary(text, "", (32, 32, 1))) == [("E602", "line 11")]


def keras_summary(model: object, **options: object) -> str:
    lines: list[str] = []
    model.summary(print_fn=lambda line, **_: lines.append(line), **options)  # type: ignore[attr-defined]
    return "\n".join(lines)


def test_what_keras_prints_of_a_small_model_comes_back() -> None:
    keras = pytest.importorskip("keras")
    layers = keras.layers
    source = keras.Input((32, 40, 3), name="image")
    x = layers.Conv2D(8, (3, 5), padding="same", name="c1")(source)
    x = layers.BatchNormalization(name="b1")(x)
    y = layers.SeparableConv2D(8, 3, padding="same", use_bias=False, name="c2")(x)
    x = layers.Concatenate(name="both")([x, y])
    x = layers.Conv2DTranspose(4, 2, strides=2, name="up")(x)
    x = layers.AveragePooling2D(4, name="mean")(x)
    x = layers.Flatten(name="flat")(x)
    outputs = layers.Dense(5, name="end")(x)
    model = keras.Model(source, outputs)
    graph = read_summary(keras_summary(model))
    assert calls(graph) == (
        "input 32x40x3; conv 8 3x5 same; bn; sepconv 8 3x3 same nobias; concat; deconv 4 2x2 /2; "
        "avgpool 4x4; flatten; dense 5"
    )
    assert [op.shape for op in graph.ops] == [layer.output.shape[1:] for layer in model.layers]
    assert graph.params == model.count_params()


LARGE = ("MobileNet", "VGG16", "ResNet50", "MobileNetV2", "DenseNet121", "ResNet50V2")


@pytest.mark.parametrize("name", few(LARGE, (), turn=0))
def test_what_keras_prints_of_a_large_model_comes_back(name: str) -> None:
    keras = pytest.importorskip("keras")
    keras.utils.clear_session()  # so that numbers in names are short, and columns not cut
    model = getattr(keras.applications, name)(weights=None)
    graph = read_summary(keras_summary(model))
    assert graph.problems == []
    assert graph.params == model.count_params() == sum(op.layer.params for op in graph.ops)
    assert [op.shape for op in graph.ops] == [layer.output.shape[1:] for layer in model.layers]
    places = {layer.name: place for place, layer in enumerate(model.layers)}
    for op, layer in zip(graph.ops, model.layers):
        sources = layer.input if isinstance(layer.input, list) else [layer.input]
        if op.inputs:
            assert op.inputs == tuple(places[each._keras_history[0].name] for each in sources)


# darknet

YOLO = """[net]
width=32
height=32
channels=3

[convolutional]
batch_normalize=1
filters=16
size=3
stride=1
pad=1
activation=leaky

[maxpool]
size=2
stride=2

# a block
[convolutional]
filters=16
activation=mish   ; darknet knows it

[shortcut]
from=-2
activation=linear

[maxpool]
size=2
stride=1

[maxpool]
size=5
stride=1

[route]
layers=-1,-3
groups=2
group_id=1

[upsample]
stride=2

[yolo]
mask=0

[route]
layers=2

[connected]
output=10
"""


def test_a_configuration_of_darknet_is_read() -> None:
    graph = read_darknet(YOLO)
    assert calls(graph) == (
        "input 32x32x3; conv 16 3x3 pad=1 nobias; bn momentum=0.99; leaky_relu 0.1; pool 2x2; "
        "conv 16 1x1; mish; add; pool 2x2 /1 pad=0:1; pool 5x5 /1 pad=2; slice 8:16; slice 8:16; "
        "concat; up 2; flatten; dense 10; sigmoid"
    )
    ends = [(each.name, call_of(graph.ops[each.op].layer)) for each in graph.outputs]
    assert ends == [("", "sigmoid"), ("yolo1", "up 2")]
    assert "[yolo]" in graph.notes[0]
    assert kind_of(YOLO) == "darknet"


def test_reorg_is_what_darknet_does_to_the_memory() -> None:
    """By the loops of darknet's own, on a map of 4 channels."""
    numpy = pytest.importorskip("numpy")
    channels, height, width, step = 4, 4, 6, 2
    graph = read_darknet(
        f"[net]\nheight={height}\nwidth={width}\nchannels={channels}\n[reorg]\nstride={step}"
    )
    image = numpy.arange(channels * height * width)
    expected = numpy.empty_like(image)
    few = channels // step**2
    for k in range(channels):
        for j in range(height):
            for i in range(width):
                row, column = divmod(k // few, step)
                at = (k % few) * height * step + j * step + row
                expected[(k * height + j) * width + i] = image[
                    at * width * step + i * step + column
                ]
    tensor = numpy.moveaxis(image.reshape(channels, height, width), 0, -1)
    for op in graph.ops[1:]:
        if op.word == "permute":
            tensor = tensor.transpose([each - 1 for each in op.values["order"]])
        elif op.word == "reshape":
            tensor = tensor.reshape(op.values["shape"])
        else:
            rows, columns, depth = tensor.shape
            assert call_of(op.layer) == "pixelunshuffle 2 dcr"
            tensor = tensor.reshape(rows // 2, 2, columns // 2, 2, depth)
            tensor = tensor.transpose(0, 2, 1, 3, 4).reshape(rows // 2, columns // 2, 4 * depth)
    assert tensor.shape == graph.ops[-1].shape == (2, 3, 16)
    assert (numpy.moveaxis(tensor, -1, 0).reshape(-1) == expected).all()


def test_all_problems_of_darknet_are_told() -> None:
    size = "width=8\nheight=8\nchannels=1"
    text = f"[net]\n{size}\n[local]\n[conv]\nfilters=x\nnothing\n[route]\nlayers=-9"
    assert told(read_darknet(text)) == [
        ("E601", "line 5"),
        ("E605", "line 6"),
        ("E605", "line 8"),
        ("E605", "line 9"),
    ]


# Caffe

PROTOTXT = """
name: "net"
layer { name: "data" type: "Data" top: "data" top: "label" include { phase: TRAIN } }
layer {
  name: "data" type: "Input" top: "data"
  input_param { shape: { dim: 1 dim: 3 dim: 32 dim: 32 } }  # batch first
}
layer {
  name: "c1" type: "Convolution" bottom: "data" top: "c1"
  param { lr_mult: 0 decay_mult: 0 }
  convolution_param { num_output: 8 kernel_size: 3 pad: 1 bias_term: false group: 1 }
}
layer { name: "b1" type: "BatchNorm" bottom: "c1" top: "c1" batch_norm_param { eps: 2e-5 } }
layer { name: "s1" type: "Scale" bottom: "c1" top: "c1" scale_param { bias_term: true } }
layer { name: "r1" type: "ReLU" bottom: "c1" top: "c1" relu_param { negative_slope: 0.1 } }
layer { name: "p1" type: "Pooling" bottom: "c1" top: "p1"
  pooling_param { pool: MAX kernel_size: 3 stride: 2 } }
layer { name: "p2" type: "Pooling" bottom: "p1" top: "p2"
  pooling_param { pool: AVE kernel_size: 3 stride: 1 pad: 1 } }
layer { name: "e" type: "Eltwise" bottom: "p1" bottom: "p2" top: "e"
  eltwise_param { operation: SUM coeff: 1 coeff: -1 } }
layer { name: "sl" type: "Slice" bottom: "e" top: "x" top: "y" slice_param { slice_point: 2 } }
layer { name: "cc" type: "Concat" bottom: "y" bottom: "x" top: "cc" }
layer { name: "gp" type: "Pooling" bottom: "cc" top: "gp"
  pooling_param { pool: AVE global_pooling: true } }
layer { name: "fc" type: "InnerProduct" bottom: "gp" top: "fc"
  inner_product_param { num_output: 10 } }
layer { name: "acc" type: "Accuracy" bottom: "fc" bottom: "label" top: "acc" }
layer { name: "prob" type: "Softmax" bottom: "fc" top: "prob" include { phase: TEST } }
"""

OLD_PROTOTXT = """
input: "data" input_dim: 10 input_dim: 1 input_dim: 28 input_dim: 28
layers { name: "conv1" type: CONVOLUTION bottom: "data" top: "conv1" blobs_lr: 1 blobs_lr: 2
  convolution_param { num_output: 20 kernel_h: 5 kernel_w: 3 stride: 1 } }
layers { name: "norm" type: LRN bottom: "conv1" top: "norm" lrn_param { alpha: 1e-4 } }
layers { name: "pool1" type: POOLING bottom: "norm" top: "pool1"
  pooling_param { pool: MAX kernel_size: 2 stride: 2 } }
layers { name: "ip" type: INNER_PRODUCT bottom: "pool1" top: "ip"
  inner_product_param { num_output: 10 } }
layers { name: "aux" type: INNER_PRODUCT bottom: "pool1" top: "aux/it"
  inner_product_param { num_output: 10 } }
layers { name: "loss" type: SOFTMAX_LOSS bottom: "aux/it" bottom: "label" loss_weight: 0.3 }
"""


def test_a_prototxt_is_read() -> None:
    graph = read_caffe(PROTOTXT)
    assert calls(graph) == (
        "input 32x32x3; conv 8 3x3 pad=1 nobias; bn eps=2e-5 momentum=0.999; leaky_relu 0.1; "
        "pool 3x3 /2 ceil; avgpool 3x3 /1 pad=1 ceil countpad; subtract; slice 0:2; slice 2:8; "
        "concat; gap keep; flatten; dense 10; softmax"
    )
    assert graph.ops[9].inputs == (8, 7)
    assert [op.frozen for op in graph.ops[:3]] == [False, True, False]
    assert [each.name for each in graph.outputs] == ["prob"]
    assert kind_of(PROTOTXT) == "caffe"


def test_an_old_prototxt_is_read_with_its_head_for_training() -> None:
    graph = read_caffe(OLD_PROTOTXT)
    assert calls(graph) == (
        "input 28x28x1; conv 20 5x3; lrn; pool 2x2 ceil; flatten; dense 10; flatten; dense 10"
    )
    assert [(each.name, each.training) for each in graph.outputs] == [
        ("ip", False),
        ("aux_it", True),
    ]
    assert kind_of(OLD_PROTOTXT) == "caffe"


def test_all_problems_of_a_prototxt_are_told() -> None:
    text = PROTOTXT.replace('"ReLU"', '"Bogus"').replace("num_output: 10", "num_output: ten")
    assert told(read_caffe(text)) == [("E601", "line 15"), ("E605", "line 26")]
    unsized = read_caffe(OLD_PROTOTXT.replace("input_dim: 28", "input_dim: 0"))
    assert told(unsized) == [("E604", "line 1")]
    torn = read_caffe("layer { name: ! }\nlayer }")
    assert {code for code, _ in told(torn)} == {"E605"}


# All of them

HOSTILE = {
    "nothing": "",
    "brackets": "[" * 100_000,
    "braces": "layer {" * 50_000,
    "bars": "│" * 100_000,
    "spaces": "Layer (type) Output Shape Param #\n" + " " * 300_000 + "x",
    "newlines": "\n" * 300_000,
    "digits": "9" * 100_000,
    "repeats": "999999999x(9999x(99C3))",
    "nested": "2x(" * 10_000,
    "rows": "Layer (type) Output Shape Param #\n" + " a (Conv2D) (None, 9, 9, 9) 9\n" * 2000,
    "large": "Layer (type) Output Shape Param #\n a (Conv2D) (None, 999999999, 9, 9) 999999999999",
    "parentheses": "Layer (type) Output Shape Param #\n" + "(None, " * 20_000,
    "sizes": "28x28-" + "9999999C9999-" * 3000,
    "layers": "[net]\nwidth=9\nheight=9\nchannels=9\n" + "[route]\nlayers=-1,-1\n" * 3000,
    "surrogates": "\udc80\x00�32C3",
    "a million layers": "3C3-" * 300_000,
}


@pytest.mark.parametrize("kind", READERS)
@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_texts_end_in_problems_soon(kind: str, name: str) -> None:
    graph = READERS[kind](HOSTILE[name], "", (8, 8, 1))
    assert graph.problems
    assert len(graph.problems) <= 100
    kind_of(HOSTILE[name])


@pytest.mark.parametrize("text", ["", "hello world", "3", "a: b", "x = 1\ny = 2"])
def test_a_text_may_be_of_no_kind(text: str) -> None:
    assert kind_of(text) is None


@pytest.mark.parametrize("text", ["import torch.nn as nn", "```python\nx\n```", "nn.Linear(3, 4)"])
def test_source_code_is_told(text: str) -> None:
    assert kind_of(text) == "python"


TEXTS: list[tuple[str, str, Shape]] = [
    ("summary", BOXED, (32, 32, 3)),
    ("summary", KERAS_2, (32, 32, 3)),
    ("summary", TORCHINFO, (32, 32, 1)),
    ("summary", COLUMNS, (64, 64, 3)),
    ("notation", "(2x128C3)-MP2-1024FC-10Softmax", (32, 32, 3)),
    ("darknet", YOLO, (32, 32, 3)),
    ("caffe", PROTOTXT, (32, 32, 3)),
    ("caffe", OLD_PROTOTXT, (28, 28, 1)),
]


@pytest.mark.parametrize(
    ("kind", "text", "shape"),
    [each for each in TEXTS if each[1] not in (KERAS_2, COLUMNS)],  # which say what their input is
)
def test_an_input_beyond_all_bounds_is_the_only_problem(kind: str, text: str, shape: Shape) -> None:
    graph = READERS[kind](text, "", (10**9,) * len(shape))
    assert [each.code for each in graph.problems] == ["E302"]


@pytest.mark.parametrize(("kind", "text", "shape"), TEXTS)
def test_texts_that_were_torn_never_end_in_a_traceback(kind: str, text: str, shape: Shape) -> None:
    import random

    chance = random.Random(len(text))
    for _ in range(60):
        at, count = chance.randrange(len(text)), chance.randrange(12)
        put = "".join(chance.choice(text + "0-1.[{9") for _ in range(chance.randrange(6)))
        graph = READERS[kind](text[:at] + put + text[at + count :], "", shape)
        assert graph.problems or graph.outputs


def test_a_row_may_name_an_input_that_has_none() -> None:
    rows = [
        "Layer (type)          Output Shape        Param #  Connected to",
        "=" * 70,
        "conv2d_1 (Conv2D)     (None, 26, 26, 8)   80       conv2d_1_input[0][0]",
        "flatten_1 (Flatten)   (None, 5408)        0        conv2d_1[0][0]",
    ]
    graph = read_summary("\n".join(rows), "", (28, 28, 1))
    assert calls(graph) == "input 28x28x1; conv 8 3x3; flatten"


def test_pytorch_may_flatten_before_a_dropout() -> None:
    rows = [
        "Layer (type)       Output Shape    Param #",
        "=" * 50,
        "Conv2d-1         [-1, 4, 6, 6]         112",
        "Dropout-2            [-1, 144]           0",
        "Linear-3              [-1, 10]       1,450",
    ]
    graph = read_summary("\n".join(rows), "", (8, 8, 3))
    assert calls(graph) == "input 8x8x3; conv 4 3x3; flatten; dropout 0.5; dense 10"


def test_an_input_that_a_row_cannot_come_of_is_told() -> None:
    rows = [
        "Layer (type)       Output Shape    Param #",
        "=" * 50,
        "Conv2d-1        [-1, 64, 55, 55]      23,296",
    ]
    text = "\n".join(rows)
    assert calls(read_summary(text, "", (224, 224, 3)))
    assert told(read_summary(text, "", (28, 28, 1))) == [("E605", "line 3")]
