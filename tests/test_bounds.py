"""Bounds that keep a text from taking all of a machine."""

from __future__ import annotations

import runpy
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from conftest import few
from steps import at_most, counted

import cnndsl
from cnndsl.api import lint
from cnndsl.diagnostics import CODES, Source
from cnndsl.diagnostics.fingerprint import LONGEST, line_of
from cnndsl.diagnostics.render import render_all
from cnndsl.lint.configuration import MOST_PROBLEMS, ConfigurationError, matches, read_configuration
from cnndsl.quickfix.solve import solve
from cnndsl.syntax import lexer
from cnndsl.syntax.nodes import MAX_NAME
from cnndsl.syntax.parser import parse

KINDS = runpy.run_path(str(Path(__file__).resolve().parent.parent / "benchmarks" / "kinds.py"))
NOISE: dict[str, str] = KINDS["NOISE"]
NETS: dict[str, Any] = KINDS["NETS"]


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


def all_of(text: str) -> str:
    """All that is said of a text when all rules are asked, as it is shown."""
    return render_all(lint(Source("net.cnn", text), frozenset(CODES)))


@pytest.mark.parametrize("kind", NOISE)
def test_noise_takes_its_length(kind: str) -> None:
    piece = NOISE[kind]
    with at_most(400_000):
        shown = all_of(piece * (6_000 // len(piece)))
    assert "error[" in shown and len(shown) < 50_000


FIRST = [*NETS][::6]


@pytest.mark.parametrize("kind", few(NETS, FIRST, "long"))
def test_nets_take_what_is_written(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Four times as much takes less than five times as long."""
    monkeypatch.setattr(import_module("cnndsl.network.elaborate"), "MAX_COMPARED", 1_000)
    make = NETS[kind]
    all_of(make(3))  # what is imported, and remembered
    small, large = (counted(lambda size=size: all_of(make(size))) for size in (40, 160))
    assert large < 5 * small, f"{large / small:.1f} times"


@pytest.mark.parametrize(
    ("piece", "code"),
    [("\0", "E001"), ("@", "E001"), ("a", "E302"), ("7", "E004"), ("1x", "E004"), (".", "E001")],
)
def test_a_row_of_one_sign_is_one_word(piece: str, code: str) -> None:
    with at_most(20_000):
        _, problems = parse(Source("net.cnn", piece * 300_000))
    assert [problem.code for problem in problems] == [code]
    assert len(render_all(problems)) < 1_000


def test_lines_are_found_without_a_list_of_them() -> None:
    text = "relu\n\n" * 3_000 + "x" * 3_000 + "\r\n"
    source = Source("net.cnn", text)
    with at_most(20_000):
        for offset in range(0, len(text), 100):
            line, column = source.position(offset)
            before = text[:offset]
            assert (line, column) == (before.count("\n") + 1, offset - before.rfind("\n"))
            assert source.line_start(offset) == offset - column + 1
    assert source.position(len(text)) == (6_002, 1)
    assert source.line_end(18_100, 10) == 18_110 and source.line_end(18_100, 9_999) == 21_000


def test_names_have_a_bound() -> None:
    assert not cnndsl.diagnose(f"input 8 as {'a' * MAX_NAME}\nfrom {'a' * MAX_NAME}\nrelu\n")
    (problem,) = cnndsl.diagnose(f"input 8\nrelu as {'a' * (MAX_NAME + 1)}\n")
    assert (problem.code, problem.message) == ("E302", "`aaaaaaaaaaaaaaaaa…` has 201 characters")


def test_after_many_errors_reading_ends() -> None:
    module, problems = parse(Source("net.cnn", "{}" * 5_000))
    assert not module.complete and len(problems) == 1
    assert "there may be more" in problems[0].notes[-1].message
    assert [each.code for each in cnndsl.diagnose("{}" * 5_000)] == ["E002"]


IDLE = [
    "repeat 1000 { repeat 1000 { let x = 1 } }",
    "repeat 1000 { repeat 1000 { }; let x = 1; repeat 1000 { if 0 { relu } } }",
    "repeat 1000000 { b }\nblock b() { let x = 1 }",
    "repeat 1000 { repeat 1000 { from x } }",
    "repeat 1000 { repeat 1000 { expect params > 0 } }",
    f"repeat 1000000 {{ let x = {'(1 + 2)*' * 50}1 }}",
]


@pytest.mark.parametrize(
    "body",
    few(IDLE, IDLE[-1:], "long"),
)
def test_what_makes_no_layer_ends_soon(body: str) -> None:
    with at_most(1_500_000):
        problems = cnndsl.diagnose(f"input 8 as x\n{body}\nrelu\n")
    assert [problem.code for problem in problems] == ["E302"]


@pytest.mark.parametrize("pattern", ["*a" * 40 + "b", "**/" * 40 + "b", "*?" * 40 + "b"])
def test_patterns_do_not_go_back(pattern: str) -> None:
    with at_most(20_000):
        assert not matches(pattern, "a" * 200)
        assert matches(pattern, "a" * 200 + "b") or "**/" in pattern


def test_of_many_words_that_are_wrong_few_are_looked_up() -> None:
    words = ",".join(f"nothing{at}" for at in range(1_000))
    with at_most(700_000):
        found = cnndsl.diagnose(f"input 8\nrelu # cnndsl: ignore[{words}]\n")
    assert [each.code for each in found] == ["W902"] * 1_000
    with at_most(700_000), pytest.raises(ConfigurationError) as raised:
        read_configuration({"select": words.split(",")}, f"select = ['{words}']")
    assert len(raised.value.problems) == MOST_PROBLEMS


def test_sizes_to_solve_for_are_not_all_tried() -> None:
    text = "input 39x31x1\npool 2 floor\nconv 4 3x3 /2\n"
    closed = solve(Source("net.cnn", text), [range(1, 10**9)] * 2, square=True)
    assert closed.rules and closed.sizes and closed.asked == 10**9 - 1
    source = Source("net.cnn", f"{text}if H > 99999 {{ pool 2 }}\n")
    with at_most(300_000):
        found = solve(source, [range(1, 10**9)] * 2, budget=300)
        alike = solve(source, [range(1, 10**9)] * 2, budget=300, square=True)
    assert found.sizes and found.asked == (10**9 - 1) ** 2 and found.tried < 300
    assert (39, 31) in found.sizes or found.nearest
    assert alike.sizes and alike.asked == 10**9 - 1


def test_a_finding_is_known_by_the_beginning_of_its_line() -> None:
    text = f"input 8; {'relu; ' * 1_000}softmaxx\n"
    (problem,) = cnndsl.diagnose(text, file="net.cnn")[-1:]
    assert line_of(problem) == text[:LONGEST].strip()
