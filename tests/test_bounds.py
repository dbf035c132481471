"""Bounds that keep a text from taking all of a machine."""

from __future__ import annotations

from importlib import import_module

import pytest

import cnndsl
from cnndsl.diagnostics import Source
from cnndsl.syntax import lexer
from cnndsl.syntax.parser import parse


def test_words_of_a_text(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lexer, "MAX_TOKENS", 100)
    _, problems = parse(Source("net.cnn", "input 3\n" + "relu\n" * 60))
    assert [problem.code for problem in problems] == ["E302"]
    assert not parse(Source("net.cnn", "input 3\n" + "relu\n" * 40))[1]


def test_problems_of_a_net(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(import_module("cnndsl.network.elaborate"), "MAX_PROBLEMS", 5)
    problems = cnndsl.diagnose("input 3\n" + "nothing\n" * 20)
    assert len(problems) == 5
    assert "there may be more" in problems[-1].notes[-1].message
