"""The shipped tables, and Lark with the shipped grammar as the judge of the parser."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from lark import Lark, Token, UnexpectedInput
from lark.lexer import Lexer

from cnndsl.diagnostics import Source
from cnndsl.syntax import generate, grammar_text
from cnndsl.syntax.lexer import tokenize
from cnndsl.syntax.parser import Machine, parse
from cnndsl.syntax.tables import ACTIONS, KEYWORDS, SIGNS

ROOT = Path(__file__).resolve().parent.parent
SAMPLES = sorted((ROOT / "samples").rglob("*.cnn"))
KINDS = sorted({kind for actions in ACTIONS for kind in actions} - {"$END"})
WORDS = [*KEYWORDS, *SIGNS, "conv", "relu", "x", "1", "0.5", "3x3", "0:1x0:1", ";", "\n"]
TEXT_OF = {
    **{kind: text for text, kind in (KEYWORDS | SIGNS).items()},
    "NAME": "conv",
    "NUMBER": "3",
    "SIZE": "3x3",
    "_SEP": ";",
}


class OurTokens(Lexer):
    """Gives Lark's parser the tokens of cnndsl's lexer."""

    tokens: tuple[tuple[str, int, int], ...] = ()

    def __init__(self, _conf: Any) -> None: ...

    def lex(self, _text: Any) -> Iterator[Token]:  # type: ignore[override]
        for kind, start, _ in OurTokens.tokens:
            yield Token(kind, "?", start)


@cache
def judge(lexer: Any = OurTokens) -> Lark:
    return Lark(grammar_text(), start="module", parser="lalr", lexer=lexer)


def lark_takes(tokens: list[tuple[str, int, int]]) -> bool:
    OurTokens.tokens = tuple(token for token in tokens if token[0] != "$END")
    try:
        judge().parse("?")
    except UnexpectedInput:
        return False
    return True


def machine_takes(source: Source, tokens: list[tuple[str, int, int]]) -> bool:
    machine = Machine(source, list(tokens), [])
    machine.run()
    return not machine.problems


def test_tables_are_those_of_the_grammar() -> None:
    assert generate.TABLES.read_text(encoding="utf-8") == generate.render()


@pytest.mark.parametrize("seed", ["1", "2"])
def test_tables_do_not_hang_on_the_order_of_sets(seed: str) -> None:
    command = [sys.executable, "-m", "cnndsl.syntax.generate", "--check"]
    subprocess.run(command, check=True, cwd=ROOT, env={**os.environ, "PYTHONHASHSEED": seed})


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_lark_reads_the_samples_as_we_do(path: Path) -> None:
    source = Source(path.name, path.read_text(encoding="utf-8"))
    tokens, _, problems, *_ = tokenize(source)
    assert not problems
    assert lark_takes(tokens)
    assert machine_takes(source, tokens)
    # Lark's own lexer finds the same tokens, where the layout has nothing to do.
    theirs = [(token.type, token.start_pos) for token in judge("basic").lex(source.text)]
    ours = [(kind, start) for kind, start, _ in tokens]
    assert [each for each in ours if each not in theirs] == []
    assert {kind for kind, start in set(theirs) - set(ours)} <= {"_SEP"}


@settings(max_examples=8 * settings.default.max_examples)
@given(st.lists(st.sampled_from(WORDS), max_size=25))
@example(["if", "x", "{", "}", "else", "{", "}", "\n", "else"])
@example(["add", "{", "|", "}", "|"])
def test_property_lark_takes_the_same_texts(words: list[str]) -> None:
    source = Source("x", " ".join(words))
    tokens, _, problems, *_ = tokenize(source)
    assume(not problems)
    assert machine_takes(source, tokens) == lark_takes(tokens) == (not parse(source)[1])


@settings(max_examples=8 * settings.default.max_examples)
@given(st.lists(st.sampled_from(KINDS), max_size=25))
@example(["NAME", "LBRACE", "VBAR", "NAME"])
@example(["REPEAT", "NUMBER", "LBRACE", "NAME", "VBAR", "NAME", "RBRACE"])
@example(["RBRACE", "RBRACE"])
@example(["IF", "LBRACE", "RBRACE", "ELSE", "LBRACE", "NAME", "_SEP"])
def test_property_lark_takes_the_same_tokens(kinds: list[str]) -> None:
    """Even tokens that no lexer makes: unmatched braces, separators in a row."""
    check_tokens(kinds)


def check_tokens(kinds: list[str]) -> None:
    text, tokens = "", []
    for kind in kinds:
        word = TEXT_OF[kind]
        tokens.append((kind, len(text), len(text) + len(word)))
        text += word + " "
    assert machine_takes(Source("x", text), tokens) == lark_takes(tokens)


VALID = (
    "net a; input 3x3x1 as i; rounding floor; defaults torch; from i",
    "let a = (1 + 2*-b) // max(3, (1, 2:3)) % 4 ** not x",
    "param w = a == 1 and b != 2 or not c",
    "repeat n*2 as i { conv (i+1) 3x3 /2 same pad=0:1x0:1 } as r",
    "if C < 4 { a } else if C >= 8 { b } \n else { c } as d",
    "block f(n, k=3, act=relu) { conv n k act } ; head h { dense 1 }",
    "add { | a; b | | c } as s; concat { x | y }; mul { }; gap",
    "expect params <= 5M; expect shape == 7x7x2; slice 0:64; slice -1:(n)",
)


@settings(max_examples=8 * settings.default.max_examples)
@given(st.sampled_from(VALID), st.data())
def test_property_lark_takes_the_same_damaged_texts(text: str, data: st.DataObject) -> None:
    kinds = [kind for kind, _, _ in tokenize(Source("x", text)).tokens]
    for _ in range(data.draw(st.integers(0, 3))):
        at = data.draw(st.integers(0, len(kinds) - 1))
        if data.draw(st.booleans()):
            del kinds[at]
        else:
            kinds[at] = data.draw(st.sampled_from(KINDS))
    check_tokens(kinds)
