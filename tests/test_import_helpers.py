"""Source of Keras whose helper functions, loops and classes shape the text that it becomes."""

from __future__ import annotations

import pytest

from cnndsl.importers.graph import ImportProblems
from cnndsl.importers.source import read_source
from cnndsl.importers.write import to_text

HELPER = """
def bottleneck(x, t, n, s=1):
    y = Conv2D(K.int_shape(x)[-1] * t, 1)(x)
    y = ReLU(6.0)(BatchNormalization()(y))
    y = DepthwiseConv2D(3, strides=s, padding="same")(y)
    y = ReLU(6.0)(BatchNormalization()(y))
    y = BatchNormalization()(Conv2D(n, 1)(y))
    if s == 1 and K.int_shape(x)[-1] == n:
        y = add([x, y])
    return y

x = inputs = Input((32, 32, 8))
for t, n, s in [(1, 8, 1), (6, 16, 2), (6, 16, 1), (6, 24, 2), (6, 24, 1), (6, 24, 1)]:
    x = bottleneck(x, t, n, s)
model = Model(inputs, x)
"""

SEPARABLE = """
x = inputs = Input((32, 32, 8))
for n, s in [(8, 1), (16, 2), (16, 1), (32, 2), (32, 1), (32, 1), (32, 1)]:
    x = DepthwiseConv2D(3, strides=s, padding="same")(x)
    x = ReLU()(BatchNormalization()(x))
    x = ReLU()(BatchNormalization()(Conv2D(n, 1)(x)))
model = Model(inputs, x)
"""

DOUBLED = """
x = inputs = Input((48, 48, 8))
for n in [16, 32, 64, 128]:
    y = BatchNormalization()(Conv2D(n, 1, strides=2, padding="same", use_bias=False)(x))
    x = SeparableConv2D(n, 3, padding="same", use_bias=False)(x)
    x = Activation("relu")(BatchNormalization()(x))
    x = BatchNormalization()(SeparableConv2D(n, 3, padding="same", use_bias=False)(x))
    x = add([MaxPooling2D(3, strides=2, padding="same")(x), y])
model = Model(inputs, x)
"""


@pytest.mark.parametrize(
    ("source", "line"),
    [
        (HELPER, "bottleneck 96 24 s=2; repeat 2 { bottleneck 144 24 }"),
        (SEPARABLE, "separable 32 s=2; repeat 3 { separable 32 }"),
        (DOUBLED, "repeat 4 { residual }"),
    ],
)
def test_what_is_made_again_is_a_block(source: str, line: str) -> None:
    assert line in to_text(read_source(source)).text


TRAINER = """
encoder = Sequential([Input((8, 8, 1)), Flatten(), Dense(2)])

class Trainer(keras.Model):
    def __init__(self, encoder):
        super().__init__()
        self.encoder = encoder

    def train_step(self, data):
        return {"loss": self.encoder(data)}

trainer = Trainer(encoder)
trainer.fit(images)
"""


def test_a_class_that_only_trains_is_no_network() -> None:
    assert read_source(TRAINER).params == 130
    with pytest.raises(ImportProblems):
        read_source(TRAINER.replace("Input((8, 8, 1)), ", ""))


OUTPUTS = """
x = inputs = Input((8, 8, 3))
x = Conv2D(4, 3, name="first")(x)
body = Model(inputs, Conv2D(5, 3)(x))
x = UpSampling2D()(MaxPooling2D()(body.layers[1].output))
x = concatenate([x, body.get_layer("first").output])
model = Model(body.input, Conv2D(2, 1)(x))
"""


def test_the_output_of_a_layer_is_what_its_call_gave() -> None:
    assert read_source(OUTPUTS, pick="model").params == 4 * 28 + 2 * 9


@pytest.mark.parametrize("second", ["None", "0.5", "body.nothing"])
def test_all_that_a_layer_reads_must_be_known(second: str) -> None:
    with pytest.raises(ImportProblems):
        read_source(OUTPUTS.replace('body.get_layer("first").output', second), pick="model")


PARTS = """
class Coder(Model):
    def __init__(self):
        super().__init__()
        self.encoder = Sequential([Input((8, 8, 1)), Flatten(), Dense(4)])
        self.decoder = Sequential([Input((4,)), Dense(64)])

coder = Coder()
"""


def test_the_parts_of_what_does_not_run_are_networks() -> None:
    assert read_source(PARTS, pick="encoder").params == 260
    with pytest.raises(ImportProblems, match="2 networks"):
        read_source(PARTS)


def test_functions_are_chained() -> None:
    chain = "reduce(lambda x, f: f(x), [Flatten(), Dense(4)], inputs)"
    source = (
        f"from functools import reduce\ninputs = Input((3, 3, 1))\nnet = Model(inputs, {chain})"
    )
    assert read_source(source).params == 40


def test_what_another_network_goes_on_from_is_a_part_of_it() -> None:
    source = OUTPUTS.replace("Model(inputs, Conv2D(5, 3)(x))", "Model(inputs, x)")
    assert read_source(source).params == 4 * 28 + 2 * 9
    assert read_source(source, pick="body").params == 4 * 28


@pytest.mark.parametrize(
    "inputs", ["[Input((8, 8, 3)), Conv2D(4, 3)", "[Conv2D(4, 3, input_shape=(8, 8, 3))"]
)
def test_what_shows_the_layers_of_a_network_is_none(inputs: str) -> None:
    source = f"model = Sequential({inputs}, ReLU(), Flatten(), Dense(2)])\n"
    shown = "shown = Model(model.input, [each.output for each in model.layers])"
    assert read_source(source + shown).params == 4 * 28 + 2 * 145
    assert read_source(source + shown, pick="shown").params == 4 * 28 + 2 * 145
    more = "model.layers[0].output\nmodel.add(Dense(1))\nnet = Model(model.input, model.output)"
    assert read_source(source + more, pick="net").params == 4 * 28 + 2 * 145 + 3


def test_a_first_layer_that_is_not_known_is_told() -> None:
    source = "base = keras.applications.VGG16()\nmodel = Sequential()\nmodel.add(base)\n"
    with pytest.raises(ImportProblems, match="VGG16") as caught:
        read_source(source + "model.add(Dense(2))")
    assert len(caught.value.problems) == 1
