"""The language reference says what the code does."""

from __future__ import annotations

import re
from pathlib import Path

import cnndsl
from cnndsl.layers import LAYERS, MERGES
from cnndsl.network import DEFAULT_LIMIT, expressions
from cnndsl.network.elaborate import MAX_DEPTH, MAX_PROBLEMS, MAX_STEPS, STEPS_PER_LAYER
from cnndsl.syntax import build, layout, lexer, nodes

PAGE = (Path(__file__).resolve().parent.parent / "grammar" / "README.md").read_text("utf-8")


def test_examples_are_clean_and_canonical() -> None:
    examples = re.findall(r"```cnn\n(.*?)```", PAGE, re.DOTALL)
    assert examples
    for text in examples:
        assert cnndsl.format(text) == text
        if "\ninput" in f"\n{text}":
            cnndsl.check(text)


def test_every_layer_is_there() -> None:
    words = set(re.findall(r"`([a-z0-9_]+)", PAGE))
    missing = {*LAYERS, *MERGES} - words
    assert not missing, f"grammar/README.md, Layers: add a row for {missing}"


def test_limits() -> None:
    section = PAGE.split("## Limits")[1].split("A number of")[0]
    numbers = [int(n.replace(",", "")) for n in re.findall(r"[\d,]*\d", section)]
    assert numbers == [
        layout.MAX_NESTING,
        build.MAX_DEPTH,
        MAX_DEPTH,
        DEFAULT_LIMIT,
        MAX_STEPS,
        STEPS_PER_LAYER,
        lexer.MAX_TOKENS,
        nodes.MAX_NAME,
        layout.MAX_ERRORS,
        MAX_PROBLEMS,
        10,
        18,
    ]
    assert expressions.MAX_VALUE == build.MAX_NUMBER == 10**18
