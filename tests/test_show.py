"""`cnndsl show` of nets with errors: as far as they go, and what is assumed after that."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from cnndsl.api import analysis_of
from cnndsl.cli import main
from cnndsl.diagnostics import Source
from cnndsl.network.attempt import faults
from cnndsl.tables.faults import in_short

Show = Callable[..., list[str]]


@pytest.fixture
def show(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Show:
    """The lines of the table of a net with errors; those of the error messages are seen to."""

    def shown(text: str, *options: str) -> list[str]:
        path = tmp_path / "net.cnn"
        path.write_text(text, encoding="utf-8")
        assert main(["show", str(path), *options]) == 1
        printed = capsys.readouterr()
        assert "error[E" in printed.err or "오류[E" in printed.err
        return printed.out.splitlines()

    return shown


def firsts(lines: list[str]) -> list[str]:
    """What each row of a table begins with: its name, or the code of an error."""
    rows = lines[2 : next(at for at, line in enumerate(lines[2:], 2) if line.startswith("--"))]
    return [" ".join(row.split()[: 2 if row[0] in "~✗" else 1]) for row in rows]


def sums(lines: list[str]) -> list[str]:
    (line,) = (line for line in lines if line.startswith("known"))
    return line.split()[1:]


def test_what_is_known_stands_before_the_error_and_what_is_assumed_after(show: Show) -> None:
    lines = show("input 9x9x1\nconv 8 3x3 relu\nconv 4 9x9 pad=0:1\ngap; dense 3\n")
    assert firsts(lines) == ["conv1", "✗ E203", "~ conv2", "~ gap1", "~ dense1"]
    assert lines[3] == "✗ E203  conv 4 9x9 pad=0:1: (7 + 0 + 1 - 9)/1 + 1 = 0"
    assert sums(lines) == ["80", "3,528"]
    assert lines[-2].startswith("What begins with ~ is assumed")
    assert "3,528" in lines[2] and "12" in lines[6]


def test_a_net_of_which_all_sizes_are_known_assumes_nothing(show: Show) -> None:
    lines = show("input 9x9x1\nconv 8 3x3\nexpect params == 81\n")
    assert firsts(lines) == ["conv1", "✗ E301"] and sums(lines) == ["80", "3,528"]
    assert "~" not in "\n".join(lines)


def test_grey_on_a_terminal(show: Show, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    lines = show("input 9x9x1; conv 1 1; pool 2; relu")
    assert lines[3] == "\x1b[31m✗ E202  pool 2: 9/2 = 4.5\x1b[0m"
    assert [line[:6] for line in lines[4:6]] == ["\x1b[2m~ "] * 2
    assert "\x1b" not in lines[2] and "\x1b[2mWhat begins" in lines[-2]


def test_in_korean(show: Show) -> None:
    lines = show("input 9x9x1; pool 2", "--lang", "ko")
    assert "가정한 값" in lines[-2] and any(line.startswith("확인된 합계") for line in lines)
    assert lines[0].split()[:3] == ["이름", "층", "출력"]
    loan = show("input 9x9x1; pool 2", "--lang", "ko", "--terms", "loan")
    assert loan[0].split()[:3] == ["이름", "레이어", "출력"]


def test_blocks_and_loops_are_folded(show: Show) -> None:
    text = "block b(k) { conv 4 k; bn }\ninput 9x9x1; b 3\nrepeat 3 { b 4 }\nb 1\n"
    lines = show(text, "--depth", "1")
    assert firsts(lines) == ["b1", "b2", "b3", "✗ E203", "~ b4", "~ b5"]
    assert lines[5] == "✗ E203  conv 4 k: (1 - 4)/1 + 1 = -2"
    opened = show(text)
    assert "~ b4.conv1" in firsts(opened) and sums(opened) == sums(lines)


def test_paths(show: Show) -> None:
    lines = show("input 8x8x2; add { conv 2 3 | conv 2 3 same; relu }; relu")
    assert firsts(lines) == ["conv1", "conv2", "relu1", "✗ E206", "~ add1", "~ relu2"]
    assert lines[5].endswith(": (6, 6, 2) ≠ (8, 8, 2)")


def test_statements_that_cannot_be_read(show: Show) -> None:
    lines = show("input 8x8x2\nconv 2 3\nconv 2 = 3\nrelu\nblock b() { gap; bn = }\nb\npool 9\n")
    assert firsts(lines)[:3] == ["conv1", "✗ E002", "~ relu1"]
    assert firsts(lines).count("✗ E002") == 2 and "✗ E203" not in firsts(lines)


@pytest.mark.parametrize("text", ["conv 4 3\n", "input 8x8x1; add { conv 4 3 \n", "", "input 0\n"])
def test_what_is_no_net_has_no_table(text: str, show: Show) -> None:
    assert show(text) == []


def test_what_a_text_holds_is_escaped_and_cut(show: Show) -> None:
    lines = show(f"input 8x8x1\nconv 4 \u202e3 \x1b[31m\n::set-output {'x' * 300}\n")
    text = "\n".join(lines)
    assert "\x1b" not in text and "\u202e" not in text and "\\u202e" in text
    assert max(map(len, lines)) < 120


@pytest.mark.parametrize(
    ("net", "said"),
    [
        ("input 4x4x1; conv 2 5", "(4 - 5)/1 + 1 = 0"),
        ("input 4x6x1; conv 2 3 dilation=2 /2", "(4 - (2×(3 - 1) + 1))/2 + 1 = 0.5"),
        ("input 4x9x1; pool 2", "9/2 = 4.5"),
        ("input 8x9x1; conv 2 3 /2", "(8 - 3)/2 + 1 = 3.5"),
        ("input 7x7x64; dense 10", "(7, 7, 64) ≠ (N)"),
        ("input 10; pool 2", "(10) ≠ (L, C) | (H, W, C) | (D, H, W, C)"),
        ("input 8x8x30; conv 8 3 groups=4", "30/4 = 7.5"),
        ("input 8x8x32; conv 30 3 groups=4", "30/4 = 7.5"),
        ("input 8x8x30; gn 32", "30/32 ≈ 0.94"),
        ("input 8x8x3; deconv 1 3 pad=20", "(8 - 1)×1 + 3 - 2×20 = -30"),
        ("input 8x8x3; mul { gap | skip | conv 4 1 }", "(3) ≠ (8, 8, 4)"),
        ("input 8x8x3; reshape 5", ""),
    ],
)
def test_the_arithmetic_in_short(net: str, said: str) -> None:
    analysis = analysis_of(Source("net.cnn", net))
    (fault,) = faults(analysis.run, analysis.problems)
    assert in_short(fault.misfit) == said
