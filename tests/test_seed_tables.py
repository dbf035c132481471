"""Tables as write-ups of networks have them, each out of one command, with the right numbers.

The write-ups are posts on one small job: given a net, work out shapes and parameters and show
them in a table. Some of their numbers are wrong; here stand the right ones, and beside them
what was printed.
"""

from __future__ import annotations

import itertools
import math
import re
from pathlib import Path

import pytest

from cnndsl.cli import main

ROOT = Path(__file__).resolve().parent.parent


def shown(capsys: pytest.CaptureFixture[str], command: str) -> tuple[list[str], list[list[str]]]:
    """The titles and the rows of the table that a command prints."""
    net, *options = command.split()
    path = str(ROOT / "samples" / f"{net}.cnn")
    assert main(["build", path, "--target", "markdown", *options]) == 0
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("|")]
    cells = [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines]
    return cells[0], cells[2:]


def number(cell: str) -> int:
    return int(cell.replace(",", ""))


# The article: a grey 39x31 image, 100 classes. Layers with their window, filters, stride.
ARTICLE = [("conv", 4, 20), ("pool", 2), ("conv", 3, 40), ("pool", 2), ("conv", 3, 60), ("pool", 2),
           ("conv", 2, 80)]  # fmt: skip
TUTORIAL = [("conv", 3, 32), ("pool", 2), ("conv", 3, 64), ("pool", 2), ("conv", 3, 64)]


def worked(
    image: tuple[int, int, int], layers: list[tuple[str, int, int] | tuple[str, int]]
) -> list[tuple[tuple[int, int, int], tuple[int, int, int], int]]:
    """Input and output shape and weights of layers, by the rules that the article states."""
    found = []
    for kind, window, *filters in layers:
        height, width, channels = image
        if kind == "conv":
            after = height - window + 1, width - window + 1, filters[0]
            weights = channels * window * window * filters[0]
        else:
            after, weights = (height // window, width // window, channels), 0
        found.append((image, after, weights))
        image = after
    return found


def settings(layers: list[tuple[str, int, int] | tuple[str, int]], grey: int) -> list[list[str]]:
    """Channels, filter, stride and pool of layers, as the posts' tables show them."""
    rows, channels = [], grey
    for kind, window, *filters in layers:
        size = f"({window}, {window})"
        out = filters[0] if filters else channels
        if kind == "conv":
            rows.append([str(channels), size, str(out), "1", "-"])
        else:
            rows.append([str(channels), "-", str(out), str(window), size])
        channels = out
    return rows


def test_the_layers_of_the_tutorial(capsys: pytest.CaptureFixture[str]) -> None:
    """Convolutions and pools: channels, filter, stride, pool."""
    titles, rows = shown(capsys, "tutorial --style layers")
    assert titles == ["Layer", "Input channels", "Filter", "Output channels", "Stride", "Pooling"]
    assert [row[0] for row in rows] == [
        "Convolution 1", "Max pooling 1", "Convolution 2", "Max pooling 2", "Convolution 3"
    ]  # fmt: skip
    assert [row[1:] for row in rows] == settings(TUTORIAL, 1)


def test_the_keras_summary_of_the_tutorial(capsys: pytest.CaptureFixture[str]) -> None:
    titles, rows = shown(capsys, "tutorial --style keras")
    assert titles == ["Layer (type)", "Output Shape", "Param #"]
    assert [re.sub(r".*\((\w+)\)", r"\1", row[0]) for row in rows] == [
        "Conv2D", "MaxPooling2D", "Conv2D", "MaxPooling2D", "Conv2D", "Flatten", "Dense", "Dense"
    ]  # fmt: skip
    conv = worked((28, 28, 1), TUTORIAL)
    flat = math.prod(conv[-1][1])
    outputs = [*(after for _, after, _ in conv), (flat,), (64,), (10,)]
    assert [row[1] for row in rows] == [f"(None, {', '.join(map(str, s))})" for s in outputs]
    biases = [filters[0] if filters else 0 for _, _, *filters in TUTORIAL]
    params = [weights + bias for (_, _, weights), bias in zip(conv, biases, strict=True)]
    params += [0, flat * 64 + 64, 64 * 10 + 10]
    assert [number(row[2]) for row in rows] == params
    main(["build", str(ROOT / "samples" / "tutorial.cnn"), "-t", "markdown", "--style", "keras"])
    out = capsys.readouterr().out
    assert f"Total params: {sum(params):,}" in out and sum(params) == 93_322
    assert "Non-trainable params: 0 " in out


def test_the_settings_of_the_article(capsys: pytest.CaptureFixture[str]) -> None:
    """As the layers, with activations, to the end of the net.

    The article gives its third convolution 2x2 filters, and some pools a 1.
    """
    titles, rows = shown(capsys, "article --style settings")
    assert titles[-2:] == ["Pooling", "Activation"]
    assert [row[1:-1] for row in rows[:-2]] == settings(ARTICLE, 1)
    assert [row[-1] for row in rows] == ["relu", "-"] * 3 + ["relu", "-", "softmax"]
    assert rows[-2][:-1] == ["Flatten", *"-----"] and rows[-1][0] == "Fully connected"


def test_the_summary_of_the_article(capsys: pytest.CaptureFixture[str]) -> None:
    """All of it, shapes and weights, and a row of sums.

    The article gives the last layer 160,000 weights and the net 208,320.
    """
    titles, rows = shown(capsys, "article --style article --params weights")
    assert titles[-3:] == ["Input shape", "Output shape", "Weights"]
    conv = worked((39, 31, 1), ARTICLE)
    assert [row[1:6] for row in rows[:-3]] == settings(ARTICLE, 1)
    flat = math.prod(conv[-1][1])
    expected = [*conv, (conv[-1][1], (flat,), 0), ((flat,), (100,), flat * 100)]
    assert [row[-3:] for row in rows[:-1]] == [
        [f"({', '.join(map(str, before))})", f"({', '.join(map(str, after))})", f"{weights:,}"]
        for before, after, weights in expected
    ]
    total = sum(weights for _, _, weights in expected)
    assert rows[-1] == ["Total", *[""] * 8, f"{total:,}"] and total == 64_320


def test_the_fully_connected_table_of_the_article(capsys: pytest.CaptureFixture[str]) -> None:
    titles, rows = shown(capsys, "fully_connected --style dense --params weights")
    assert titles == ["Layer", "Input nodes", "Output nodes", "Weight shape", "Weights"]
    nodes = [39 * 31, 600, 300, 300, 150, 100]
    pairs = list(itertools.pairwise(nodes))
    assert [row[1:] for row in rows[:-1]] == [
        [f"{a:,}", f"{b:,}", f"({a}, {b})", f"{a * b:,}"] for a, b in pairs
    ]
    total = sum(a * b for a, b in pairs)
    assert rows[-1] == ["Total", "", "", "", f"{total:,}"] and total == 1_055_400


def test_the_formulas_of_the_padding_example(capsys: pytest.CaptureFixture[str]) -> None:
    titles, rows = shown(capsys, "padding --style formulas")
    channels = [1, 5, 7, 9]
    for row, (before, after) in zip(rows, itertools.pairwise(channels)):
        cells = dict(zip(titles, row, strict=True))
        count = 3 * 3 * before * after + after
        assert cells["Parameters worked out"] == f"3×3×{before}×{after} + {after} = {count}"
        assert cells["Output shape"] == f"(39, 31, {after})"
    assert [number(row[-1]) for row in rows] == [50, 322, 576, 948]


def test_the_formulas_of_the_article(capsys: pytest.CaptureFixture[str]) -> None:
    """The posts work each size out in the text; the table has them side by side."""
    _, rows = shown(capsys, "article --style formulas --params weights")
    assert [row[1] for row in rows[:-2]] == [
        "(39 - 4)/1 + 1 = 36, (31 - 4)/1 + 1 = 28",
        "36/2 = 18, 28/2 = 14",
        "(18 - 3)/1 + 1 = 16, (14 - 3)/1 + 1 = 12",
        "16/2 = 8, 12/2 = 6",
        "(8 - 3)/1 + 1 = 6, (6 - 3)/1 + 1 = 4",
        "6/2 = 3, 4/2 = 2",
        "(3 - 2)/1 + 1 = 2, (2 - 2)/1 + 1 = 1",
        "2×1×80 = 160",
    ]
    assert rows[-2][3] == "160×100 = 16,000"


@pytest.mark.parametrize("style", ["article", "settings", "layers", "dense", "formulas", "full"])
def test_korean_tables_have_the_same_numbers(
    style: str, capsys: pytest.CaptureFixture[str]
) -> None:
    english = shown(capsys, f"article --style {style}")
    korean = shown(capsys, f"article --style {style} --lang ko")
    for title, other in zip(english[0], korean[0], strict=True):
        assert title != other
    numbers = [[re.findall(r"\d+", cell) for cell in row] for row in english[1]]
    assert numbers == [[re.findall(r"\d+", cell) for cell in row] for row in korean[1]]
