"""The targets json and markdown, and the rows that markdown and `show` share."""

from __future__ import annotations

import json
import math
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import nets
import pytest
from conftest import few
from hypothesis import given

import cnndsl
from cnndsl import Network
from cnndsl.layers.source import call_of
from cnndsl.tables import rows
from cnndsl.targets import json as json_target
from cnndsl.targets import markdown as markdown_target

ROOT = Path(__file__).resolve().parent.parent
SAMPLES = {
    path.stem: path
    for path in sorted((ROOT / "samples").glob("*.cnn"))
    if path.stem != "article_keras_listing"
}

ROW = (
    "name op line inputs output params weights biases trainable non_trainable macs field activation"
).split()
TOTALS = "params weights trainable non_trainable macs".split()


def sample(name: str) -> Network:
    return cnndsl.check(SAMPLES[name].read_text(encoding="utf-8"), file=f"{name}.cnn")


def data(network: Network) -> Any:
    return json.loads(json_target.generate(network))


def cells(line: str) -> list[str]:
    """The cells of a line of a table, as a reader of Markdown cuts them."""
    assert line.startswith("| ") and line.endswith(" |")
    return [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]


def table(text: str) -> list[dict[str, str]]:
    """The rows of a Markdown table by the titles of its columns."""
    lines = [line for line in text.split("\n") if line.startswith("|")]
    titles = cells(lines[0])
    assert all(re.fullmatch(r"-+:?", cell) for cell in cells(lines[1]))
    return [dict(zip(titles, cells(line), strict=True)) for line in lines[2:]]


# JSON


def test_json_of_the_article() -> None:
    """The keys and numbers that the description of the language shows."""
    text = json_target.generate(sample("article"))
    found = json.loads(text)
    assert list(found) == ["format", "net", "inputs", "outputs", "layers", "totals"]
    assert found["net"] == "article"
    assert found["inputs"] == [[39, 31, 1]]
    assert found["outputs"] == {"main": [100]}
    assert list(found["layers"][0].items()) == [
        ("name", "conv1"),
        ("op", "conv"),
        ("line", 5),
        ("inputs", [[39, 31, 1]]),
        ("output", [36, 28, 20]),
        ("params", 340),
        ("weights", 320),
        ("biases", 20),
        ("trainable", 340),
        ("non_trainable", 0),
        ("macs", 322_560),
        ("field", [4, 4]),
        ("activation", "relu"),
    ]
    assert found["totals"] == {
        "params": 64_620,
        "weights": 64_320,
        "trainable": 64_620,
        "non_trainable": 0,
        "macs": 2_277_760,
    }


def test_json_has_a_line_for_each_layer() -> None:
    network = sample("two_outputs")
    text = json_target.generate(network)
    lines = text.split("\n")
    assert lines[-1] == "" and lines[-2] == "}"
    begun = [line for line in lines if line.startswith('    {"name": ')]
    assert len(begun) == len(network.layers)
    assert text == json_target.generate(sample("two_outputs"))


def test_json_of_an_input_alone() -> None:
    found = data(cnndsl.check("net nothing; input 4x4x1 as image"))
    assert found["layers"] == [] and found["outputs"] == {"main": [4, 4, 1]}


def test_json_keeps_other_scripts() -> None:
    text = json_target.generate(cnndsl.check("net 예제; input 8x8x1; conv 2 3 as 합성곱"))
    assert '"net": "예제"' in text and '"name": "합성곱"' in text


MARKS = ["shared_with", "frozen", "training_only"]
"""What a row has only where it applies."""


@pytest.mark.parametrize("name", SAMPLES)
def test_json_adds_up(name: str) -> None:
    network = sample(name)
    found = data(network)
    assert list(found["totals"]) == TOTALS
    for row in found["layers"]:
        marks = [key for key in MARKS if key in row]
        assert list(row) == [*ROW, *marks]
        assert row["params"] == row["weights"] + row["biases"]
        assert row["params"] == row["trainable"] + row["non_trainable"]
        assert row["op"] != "input"
    for key in TOTALS:
        kept = [row for row in found["layers"] if "training_only" not in row]
        assert found["totals"][key] == sum(row[key] for row in kept)
        if "training_totals" in found:
            assert found["training_totals"][key] == sum(row[key] for row in found["layers"])
    assert ("training_totals" in found) == any("training_only" in row for row in found["layers"])
    lines = network.source.text.split("\n")
    for row in found["layers"]:
        # A layer stands on its line, unless a block was given its name.
        assert re.search(r"\w", lines[row["line"] - 1])


def test_merges_tell_all_their_inputs() -> None:
    found = data(cnndsl.check("input 8x8x4; concat { conv 2 1 | skip | pool 3 /1 same }"))
    assert found["layers"][-1]["inputs"] == [[8, 8, 2], [8, 8, 4], [8, 8, 4]]


# Markdown


def test_markdown_of_the_article() -> None:
    """The article's table, with its slips mended and biases counted."""
    text = markdown_target.generate(sample("article"))
    first, blank, *lines = text.split("\n")
    assert first == "`article`: (39, 31, 1) in, (100) out, 64,620 parameters."
    assert blank == "" and lines[-1] == ""
    expected = """
| Layer | Input channels | Filter | Output channels | Stride | Pooling | Activation \
| Input shape | Output shape | Parameters |
| Convolution 1 | 1 | (4, 4) | 20 | 1 | - | relu | (39, 31, 1) | (36, 28, 20) | 340 |
| Max pooling 1 | 20 | - | 20 | 2 | (2, 2) | - | (36, 28, 20) | (18, 14, 20) | 0 |
| Convolution 2 | 20 | (3, 3) | 40 | 1 | - | relu | (18, 14, 20) | (16, 12, 40) | 7,240 |
| Max pooling 2 | 40 | - | 40 | 2 | (2, 2) | - | (16, 12, 40) | (8, 6, 40) | 0 |
| Convolution 3 | 40 | (3, 3) | 60 | 1 | - | relu | (8, 6, 40) | (6, 4, 60) | 21,660 |
| Max pooling 3 | 60 | - | 60 | 2 | (2, 2) | - | (6, 4, 60) | (3, 2, 60) | 0 |
| Convolution 4 | 60 | (2, 2) | 80 | 1 | - | relu | (3, 2, 60) | (2, 1, 80) | 19,280 |
| Flatten | - | - | - | - | - | - | (2, 1, 80) | (160) | 0 |
| Fully connected | - | - | - | - | - | softmax | (160) | (100) | 16,100 |
| Total |  |  |  |  |  |  |  |  | 64,620 |
"""
    found = [cells(line) for line in lines if line.startswith("|")]
    del found[1]
    assert found == [cells(line) for line in expected.strip().split("\n")]


def test_tables_are_straight_as_text() -> None:
    lines = markdown_target.generate(sample("tutorial")).split("\n")
    assert len({len(line) for line in lines if line.startswith("|")}) == 1


def test_padding_is_shown_where_there_is_any() -> None:
    assert "Padding" not in markdown_target.generate(sample("article"))
    found = table(
        markdown_target.generate(
            cnndsl.check(
                "input 9x9x1; conv 2 3 same; conv 2 3 pad=1; conv 2 3 pad=1x0; "
                "conv 2 3 pad=1:0x0:2; conv 2 3; deconv 2 3 pad=1; flatten"
            )
        )
    )
    assert [row["Padding"] for row in found[:-1]] == [
        "same", "1", "(1, 0)", "(1:0, 0:2)", "-", "1", "-"
    ]  # fmt: skip


def test_trainable_parameters_are_told_where_some_are_not() -> None:
    assert "rainable" not in markdown_target.generate(sample("article"))
    text = markdown_target.generate(sample("resnet50"))
    assert text.endswith(
        "\n\nTrainable parameters: 25,583,592; non-trainable parameters: 53,120.\n"
    )


def test_a_kind_is_numbered_where_there_are_several() -> None:
    network = cnndsl.check("input 8x8x1; conv 2 3; relu; conv 2 3; flatten; dense 2; dense 3")
    assert [row.title for row in rows.rows(network)] == [
        "Convolution 1",
        "ReLU",
        "Convolution 2",
        "Flatten",
        "Fully connected 1",
        "Fully connected 2",
    ]


def test_outputs_are_named_where_there_are_several() -> None:
    first = markdown_target.generate(sample("two_outputs")).split("\n")[0]
    assert first == (
        "`two_outputs`: (64, 64, 1) in, (7) as `main`, (1) as `age` out, 110,024 parameters."
    )


HOSTILE = ["a|b", "a`b`", "<script>", "a\nb", "| - |", "[x](y)", "a\\", "*x*", "&lt;", "a\r\n|b|"]


@pytest.mark.parametrize("name", HOSTILE)
def test_names_cannot_break_out_of_the_table(name: str) -> None:
    """The language's names hold nothing of the kind; a caller's network might."""
    network = cnndsl.check(
        "block b() { conv 2 3 }\ninput 9x9x1; b; conv 2 3 as x; head y { gap }; bn"
    )
    plain = markdown_target.generate(network)
    network.name = name
    network.outputs = {"main": network.outputs["main"], name: network.outputs["y"]}
    for node in network.nodes:
        node.name = f"{name}{node.index}"
    text = markdown_target.generate(network)
    assert text.count("\n") == plain.count("\n")
    found = table(text)
    assert len(found) == len(network.layers) + 1
    for row in found[:-1]:
        assert re.fullmatch(r"(`+)(?!`).+(?<!`)\1", row["Name"]), row["Name"]


def test_names_of_blocks_are_escaped_where_they_are_words() -> None:
    network = cnndsl.check("block a_b() { relu }\ninput 4; a_b; a_b")
    found = table(markdown_target.generate(network, depth=1))
    assert [row["Layer"] for row in found] == ["Block a\\_b 1", "Block a\\_b 2", "Total"]


# Folding


def test_folding_blocks() -> None:
    network = cnndsl.check(
        "block cb(n) { conv n 3 same nobias; bn }\n"
        "block unit(n) { add { cb n | skip }; relu }\n"
        "block none() { }\n"
        "input 8x8x4; conv 4 1; unit 4; none; unit 4 as last; cb 2\n"
        "head h { cb 3 }"
    )

    def folded(depth: int | None) -> list[tuple[str, str, int, int]]:
        found = rows.rows(network, depth)
        return [(row.name, row.title, row.params, row.macs) for row in found]

    conv, bn = 3 * 3 * 4 * 4, 4 * 4
    assert folded(1) == [
        ("conv1", "Convolution", 20, 64 * 16),
        ("unit1", "Block unit 1", conv + bn, 64 * conv),
        ("last", "Block unit 2", conv + bn, 64 * conv),
        ("cb1", "Block cb 1", 3 * 3 * 4 * 2 + 8, 64 * 72),
        ("cb2", "Block cb 2", 3 * 3 * 2 * 3 + 12, 64 * 54),
    ]
    assert [row[:2] for row in folded(2)] == [
        ("conv1", "Convolution 1"),
        ("unit1.cb1", "Block cb 1"),
        ("unit1.add1", "Sum 1"),
        ("unit1.relu1", "ReLU 1"),
        ("last.cb1", "Block cb 2"),
        ("last.add1", "Sum 2"),
        ("last.relu1", "ReLU 2"),
        ("cb1.conv1", "Convolution 2"),
        ("cb1.bn1", "Batch normalisation 1"),
        ("cb2.conv1", "Convolution 3"),
        ("cb2.bn1", "Batch normalisation 2"),
    ]
    assert folded(3) == folded(None)
    shapes = [(row.inputs, row.output) for row in rows.rows(network, 1)]
    assert shapes[1] == (((8, 8, 4),), (8, 8, 4))
    assert shapes[-1] == (((8, 8, 2),), (8, 8, 3))


def test_a_folded_block_may_end_elsewhere_and_read_several_tensors() -> None:
    network = cnndsl.check(
        "block back(t) { concat { skip | from t } as x; conv 2 1; concat { skip | from x } }\n"
        "input 8x8x4 as a; conv 3 1; back a"
    )
    row = rows.rows(network, 1)[-1]
    assert row.inputs == ((8, 8, 3), (8, 8, 4))
    assert row.output == (8, 8, 9)
    assert row.field == (1, 1)


@pytest.mark.parametrize("name", few(SAMPLES, [*SAMPLES][::3]))
@pytest.mark.parametrize("depth", [1, 2, 3, None])
def test_folding_changes_no_sum(name: str, depth: int | None) -> None:
    network = sample(name)
    totals = network.totals
    found = rows.rows(network, depth)
    kept = [row for row in found if not row.training]
    for counted, sums in ((kept, totals), (found, network.training_totals)):
        assert sum(row.params for row in counted) == sums.params
        assert sum(row.weights for row in counted) == sums.weights
        assert sum(row.trainable for row in counted) == sums.trainable
        assert sum(row.macs for row in counted) == sums.macs
    assert len({row.name for row in found}) == len(found)
    assert found[-1].output in [network.nodes[index].output for index in network.outputs.values()]
    lines = table(markdown_target.generate(network, depth=depth))
    assert [line["Parameters"] for line in lines] == [
        *(f"{row.params:,}" for row in found),
        f"{totals.params:,}",
    ]


def test_depths_from_one() -> None:
    with pytest.raises(ValueError, match="depth must be at least 1, not 0"):
        markdown_target.generate(sample("article"), depth=0)


@pytest.mark.parametrize("name", ["json", "markdown"])
def test_unknown_options_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match=rf"{name} takes no `colour`; "):
        cnndsl.build("input 4; relu", name, colour="red")


# The table of `show`


def test_summary_of_the_tutorial() -> None:
    assert rows.summary(sample("tutorial")) == [
        ["name", "layer", "output", "params", "multiply-adds", "field"],
        ["conv1", "conv 32 3x3 relu", "26x26x32", "320", "194,688", "3x3"],
        ["pool1", "pool 2x2", "13x13x32", "0", "0", "4x4"],
        ["conv2", "conv 64 3x3 relu", "11x11x64", "18,496", "2,230,272", "8x8"],
        ["pool2", "pool 2x2 floor", "5x5x64", "0", "0", "10x10"],
        ["conv3", "conv 64 3x3 relu", "3x3x64", "36,928", "331,776", "18x18"],
        ["flatten1", "flatten", "576", "0", "0", "18x18"],
        ["dense1", "dense 64 relu", "64", "36,928", "36,864", "26x26"],
        ["dense2", "dense 10 softmax", "10", "650", "640", "26x26"],
        ["total", "", "", "93,322", "2,794,240", ""],
    ]


@given(nets.straight_nets())
def test_layers_are_written_as_one_could_write_them(text: str) -> None:
    """What a row calls its layer makes the same layer, on the same input."""
    network = cnndsl.check(text)
    for row in rows.rows(network):
        assert row.layer is not None
        call = call_of(row.layer)
        size = "x".join(map(str, row.inputs[0]))
        again = cnndsl.check(f"rounding {network.rounding}\ninput {size}\n{call}")
        assert len(again.layers) == 1
        layer = again.layers[0].layer
        assert again.layers[0].output == row.output
        # Only which parts of a normalisation are learned may be left out; they are flags.
        assert (layer.params, layer.trainable, layer.macs) == (row.params, row.trainable, row.macs)
        # What weights begin with, a row does not show.
        kept, expected = ([w[:3] for w in each.all_weights] for each in (layer, row.layer))
        assert kept == expected
        assert math.prod(again.layers[0].output) > 0


# How long it takes


def test_tables_need_no_templates() -> None:
    """jinja2 and black would take longer to import than the table takes to write."""
    code = (
        "import sys, cnndsl\n"
        "net = cnndsl.check('input 8x8x1; conv 8 3; flatten; dense 2')\n"
        "print(len(cnndsl.build(net, 'markdown')) + len(cnndsl.build(net, 'json')) > 0)\n"
        "print(sorted({'jinja2', 'black', 'lark', 'inspect'} & set(sys.modules)))\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path[:0] = {sys.path!r}\n{code}"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert run.stdout == "True\n[]\n"
