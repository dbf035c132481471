"""The boxes of figures: what is drawn once, and what layers are called."""

from __future__ import annotations

import re

import pytest

import cnndsl
from cnndsl.figures.boxes import count_boxes
from cnndsl.figures.collapse import collapse
from cnndsl.lang import words
from cnndsl.layers import LAYERS
from cnndsl.targets import mermaid, svg

SAME = "conv 8 3x3 same"


@pytest.mark.parametrize(
    "other",
    [
        "conv 8 3x3 pad=1",
        "conv 8 3x3 same relu",
        "conv 8 3x3 same nobias",
        "conv 8 3x3 same groups=2",
        "conv 8 3x3 same dilation=2",
        "conv 8 5x5 same",
        "conv 8 3x3 same as named",
        "freeze { conv 8 3x3 same }",
        "conv 8 3x3 same; bn eps=0.1",
        "conv 8 3x3 same; dropout 0.1",
        "one as named",
    ],
)
def test_layers_that_differ_in_anything_are_drawn_each(other: str) -> None:
    blocks = f"block one() {{ {SAME} }}\ninput 16x16x8\n"
    assert count_boxes(collapse(cnndsl.check(f"{blocks}{SAME}; {SAME}; one")), 1) == 2
    assert count_boxes(collapse(cnndsl.check(f"{blocks}{SAME}; {other}; {SAME}")), 1) == 4


def test_what_is_not_shown_keeps_layers_apart() -> None:
    """Numbers that are equal as far as they are written."""
    text = "input 16x16x8\nlrn alpha=0.1; lrn alpha=0.1000000001; conv 4 1; conv 4 1 nobias"
    boxes = collapse(cnndsl.check(text))
    assert all(box.times == 1 for box in boxes)


def test_layers_have_korean_names_everywhere() -> None:
    text = (
        "input 16x16x8\nconv 8 3x3 same relu; bn; add { skip | dwconv 3 same; dropout 0.5 }\n"
        "concat { skip | avgpool 3 /1 pad=1 }; gap; dense 4 softmax"
    )
    network = cnndsl.check(text)
    figures = [svg.generate(network, view=view, lang="ko") for view in ("graph", "volumes")]
    figures += [
        mermaid.generate(network, lang="ko"),
        svg.generate(network, view="receptive", lang="ko"),
    ]
    for figure in figures:
        shown = re.sub(r"<style>.*?</style>|<[^>]*>|#\d+;|classDef.*", " ", figure)
        assert "합성곱" in shown
        for op in {node.op for node in network.nodes} | {"relu", "softmax"}:
            assert not re.search(rf"\b{op}\b", shown), op
    names = words("ko")
    assert all(names.label(op) != op for op in LAYERS)
    assert [words().label(op) for op in LAYERS] == list(LAYERS)


def test_padding_is_said_as_strides_are() -> None:
    text = (
        "rounding floor\ninput 16x16x8\nconv 8 3x3 /2 pad=1; conv 8 3x3 same\n"
        "pool 3 /2 pad=0:1; avgpool 2 same"
    )
    shown = svg.generate(cnndsl.check(text), view="graph")
    for label in ("conv 8 3x3 /2 pad=1", "conv 8 3x3 same", "/2 pad=0:1", "avgpool 2x2 same"):
        assert label in shown
