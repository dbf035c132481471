"""The target mermaid, and the collapsed graph that it shares with the figures in SVG."""

from __future__ import annotations

import html
import re
from pathlib import Path

import nets
import pytest
from conftest import few
from hypothesis import given
from hypothesis import strategies as st
from steps import at_most

import cnndsl
from cnndsl import Network
from cnndsl.contract import OptionError
from cnndsl.figures.boxes import Box, count_boxes, levels
from cnndsl.figures.collapse import collapse
from cnndsl.targets import mermaid

ROOT = Path(__file__).resolve().parent.parent
SAMPLES = sorted(
    path.stem for path in (ROOT / "samples").glob("*.cnn") if path.stem != "article_keras_listing"
)


def sample(name: str) -> Network:
    text = (ROOT / "samples" / f"{name}.cnn").read_text(encoding="utf-8")
    return cnndsl.check(text, file=f"{name}.cnn")


LABEL = re.compile(r'"([^"]*)"')
LINE = re.compile(
    r"flowchart TD"
    r'| *n\d+(\["[^"]*"\]|\(\["[^"]*"\]\))'
    r'| *out\d+\(\["[^"]*"\]\)'
    r'| *subgraph g\d+\["[^"]*"\]'
    r"| *end"
    r"|  (n|out)\d+ --> (n|out)\d+"
    r"|  classDef [a-z]+_ [a-z0-9#:,\- ]+"
    r"|  class [a-z0-9,]+ [a-z]+_"
)


def check_grammar(text: str) -> None:
    """Every line is one of the few forms that are written, and names are defined once."""
    lines = text.rstrip("\n").split("\n")
    assert all(LINE.fullmatch(line) for line in lines), text
    defined = re.findall(r"^ *(?:subgraph )?(\w+)[(\[]", text, re.MULTILINE)
    assert len(set(defined)) == len(defined)
    for edge in re.findall(r"(\w+) --> (\w+)", text):
        assert set(edge) <= set(defined)
    assert text.count("subgraph ") == sum(line.strip() == "end" for line in lines)


def test_blocks_are_frames() -> None:
    text = mermaid.generate(sample("ecg1d"))
    assert text.startswith(
        "flowchart TD\n"
        '  n0(["input<br/>187×1"])\n'
        '  n1["conv 32 5<br/>183×32"]\n'
        '  subgraph g0["residual ×5"]\n'
        '    n2["conv 32 5 same · relu<br/>183…8×32"]\n'
        '    n3["conv 32 5 same<br/>183…8×32"]\n'
        '    n4["add · relu<br/>183…8×32"]\n'
        '    n6["pool 5 /2<br/>90…2×32"]\n'
        "  end\n"
        '  n27["flatten<br/>64"]\n'
    )
    assert "  n1 --> n2\n  n2 --> n3\n  n1 --> n4\n  n3 --> n4\n  n4 --> n6\n  n6 --> n27\n" in text


def test_depth_folds_blocks() -> None:
    text = mermaid.generate(sample("ecg1d"), depth=1)
    assert 'n2["residual ×5<br/>2×32"]' in text and "subgraph" not in text
    assert "  n1 --> n2\n  n2 --> n27\n" in text


def test_outputs_have_their_names() -> None:
    text = mermaid.generate(sample("two_outputs"))
    assert "n11 --> out1" in text and 'out1(["output age"])' in text


@pytest.mark.parametrize("depth", [None, 1, 2])
@pytest.mark.parametrize("name", few(SAMPLES, SAMPLES[::3]))
def test_samples_follow_the_grammar(name: str, depth: int | None) -> None:
    network = sample(name)
    try:
        text = mermaid.generate(network, depth=depth)
    except OptionError as error:
        assert depth == 2 and "a depth of 1 folds more" in str(error)
        return
    check_grammar(text)
    assert text == mermaid.generate(sample(name), depth=depth)


@given(nets.branching_nets())
def test_random_nets_follow_the_grammar(text: str) -> None:
    network = cnndsl.check(text)
    check_grammar(mermaid.generate(network, depth=levels(collapse(network))))


@given(st.text())
def test_labels_hold_nothing_but_text(text: str) -> None:
    label = mermaid.quoted(text)
    assert LABEL.fullmatch(label)
    inside = label[1:-1]
    codes = re.findall(r"#(\d+);", inside)
    rest = re.sub(r"#\d+;", "", inside)
    assert all(c.isalnum() or c in " ×·…=,/" or c in "＄＼" for c in rest)
    shown = html.unescape(re.sub(r"#(\d+);", r"&#\1;", inside))
    assert len(codes) <= len(text) + text.count(":fa-")
    if text.isprintable() and not re.search(r"[$\\]|:fa-", text) and html.unescape(text) == text:
        assert shown == " ".join(text.split())


# The collapsed graph


@pytest.mark.parametrize("name", SAMPLES)
def test_pieces_hold_every_node_once(name: str) -> None:
    network = sample(name)

    def covered(boxes: tuple[Box, ...]) -> list[int]:
        found = []
        for box in boxes:
            inside = covered(box.inner) if box.inner else list(range(box.size))
            assert len(inside) == box.size
            found += range(box.start, box.end)
        return found

    boxes = collapse(network)
    assert covered(boxes) == [node.index for node in network.nodes]


@given(nets.branching_nets())
def test_pieces_that_are_folded_are_alike(text: str) -> None:
    """Whatever is drawn once for several times round has the same layers each time."""
    network = cnndsl.check(text)

    def ops(start: int, size: int) -> list[tuple[str, tuple[int, ...]]]:
        nodes = network.nodes[start : start + size]
        return [(node.op, tuple(max(-1, index - start) for index in node.inputs)) for node in nodes]

    def look(boxes: tuple[Box, ...]) -> None:
        for box in boxes:
            for turn in range(1, box.times):
                again = ops(box.start + turn * box.size, box.size)
                assert again == ops(box.start, box.size)
            look(box.inner)

    look(collapse(network))


@pytest.mark.parametrize(
    ("text", "boxes"),
    [
        ("repeat 1000 { conv 4 3x3 same; bn; relu }", 2),
        ("repeat 1000 { conv 4 3x3 same; pool 3 /1 same }", 3),
        ("repeat 1000 as i { add { skip | conv 4 3x3 same } }", 3),
    ],
)
def test_deep_nets_fold(text: str, boxes: int) -> None:
    network = cnndsl.check(f"input 8x8x4\n{text}")
    with at_most(1_000_000):
        assert count_boxes(collapse(network), 1) == boxes
        text = mermaid.generate(network)
    check_grammar(text)


def test_what_cannot_be_folded_is_refused() -> None:
    network = cnndsl.check("input 8x8x4; repeat 300 as i { conv (i + 1) 3x3 same }")
    with pytest.raises(OptionError, match="the figure would have 301 boxes, over 200"):
        mermaid.generate(network)
    with pytest.raises(OptionError, match="depth must be at least 1, not 0"):
        mermaid.generate(network, depth=0)


def test_layers_that_differ_in_anything_are_not_one() -> None:
    for one, two in (
        ("conv 8 3x3 same", "conv 8 3x3 pad=1"),
        ("conv 8 3x3 same", "conv 8 3x3 same nobias"),
        ("conv 8 3x3 same; bn", "conv 8 3x3 same; bn eps=1e-5"),
    ):
        alike, unlike = (
            mermaid.generate(cnndsl.check(f"input 16x16x8; {one}; {other}; gap"))
            for other in (one, two)
        )
        assert "×2" in alike and "×2" not in unlike
    assert '"conv 8 3x3 same<br/>' in mermaid.generate(
        cnndsl.check("input 16x16x8; conv 8 3x3 same; conv 8 3x3")
    )
