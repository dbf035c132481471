"""Whatever comes in: an exit code of 0, 1 or 2, located diagnostics, and never a traceback."""

from __future__ import annotations

import json
import os
import re
from collections import Counter
from pathlib import Path

import pytest
from conftest import few
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from running import ROOT, Run, process, run

from cnndsl.diagnostics import CODES
from cnndsl.diagnostics.render import MOST

SAMPLES = sorted((ROOT / "samples").glob("**/*.cnn"))


def check(content: bytes, run: Run = run) -> list[dict[str, object]]:
    """Check any bytes in both formats, and give the diagnostics."""
    code, out, err = run("check", "-", "--format", "json", stdin=content)
    assert err == "", err
    rows: list[dict[str, object]] = json.loads(out)
    wrong = any(row["severity"] == "error" for row in rows)
    assert code == int(wrong)
    lines = content.removeprefix(b"\xef\xbb\xbf").decode("utf-8", "replace").split("\n")
    for row in rows:
        assert row["code"] in CODES and row["message"]
        assert row["file"] == "<stdin>"
        assert (1, 1) <= (row["line"], row["column"]) <= (row["end_line"], row["end_column"])
        for line, column in ("line", "column"), ("end_line", "end_column"):
            text = lines[row[line] - 1]  # type: ignore[operator]
            assert row[column] <= len(text) + 2  # type: ignore[operator]
    code, out, err = run("check", "-", stdin=content)
    assert code == int(wrong) and err == ""
    by_code = Counter(row["code"] for row in rows).values()
    shown = sum(min(count, MOST) for count in by_code)
    assert len(re.findall(r"^(?:error|warning)\[", out, re.M)) == shown
    assert all(line.isprintable() for line in out.split("\n"))
    return rows


PIECES = (
    "net input rounding defaults from let param expect repeat if else block head as and or not "
    "conv pool dense flatten add concat skip relu bn same pad dilation groups C H W exact floor "
    "params shape field 1 2 3x3 28x28x1 0:1x0:1 5M 0.5 64_620 1e9 a b block1 합성곱 , ; : = == "
    "<= { } ( ) | / // * ** + - % # \n \n \t \r \x00 \ufeff “ [ ' é 4x ٣ 9999999999999"
)
WORDS = st.sampled_from(PIECES.split(" "))
PROGRAMS = st.lists(WORDS, max_size=40).map(" ".join)


@given(st.binary(max_size=200))
@example(b"\xff\xfe\x00")
@example(b"\xef\xbb\xbf")
@example(b"\xef\xbb\xbf\xff")
@example(b"\x00")
@example(b"\r")
@example(b"input 8\rrelu")
def test_property_any_bytes(content: bytes) -> None:
    check(content)


@given(st.text(max_size=200))
@example("\u2028")
@example("input 8\x85relu\x0b\x0c")
@example("﹛｝（")
@example("ﬁ = ﷺ")
@example("let ª = 1; let a = 2")
def test_property_any_text(text: str) -> None:
    check(text.encode("utf-8", "replace"))


@given(PROGRAMS)
@example("input 28x28x1 \n repeat 1e9 { conv 1 1 }")
@example("block a ( ) { b } \n block b ( ) { a } \n input 1 \n a")
def test_property_any_words(text: str) -> None:
    check(text.encode())


@given(st.data())
def test_property_samples_with_damage(data: st.DataObject) -> None:
    content = bytearray(data.draw(st.sampled_from(SAMPLES)).read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(content)))
        length = data.draw(st.integers(0, 12))
        content[start : start + length] = data.draw(WORDS).encode()
    check(bytes(content))


@given(st.one_of(PROGRAMS, st.text(max_size=60)), st.one_of(PROGRAMS, st.text(max_size=20)))
def test_property_any_settings(value: str, size: str) -> None:
    value, size = value.replace("\x00", ""), size.replace("\x00", "")
    words = ("--set", f"width={value}", "--input", size)
    code, out, err = run("check", "-", *words, stdin=b"param width = 8; conv width 3x3")
    assert code in (0, 1, 2) and "internal error" not in err
    assert code != 1 or "error[E" in out


OPTIONS = "check fmt build show rule - -- --set --input --limit -t json --help"
# No slash and no dots: the test must not find its way out of its folder.
ARGUMENTS = st.one_of(
    st.text(st.characters(exclude_characters="./\\\0", codec="utf-8"), max_size=8),
    st.sampled_from(OPTIONS.split()),
)


@pytest.fixture
def empty_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@settings(suppress_health_check=list(HealthCheck))
@given(words=st.lists(ARGUMENTS, max_size=6))
def test_property_any_command_line(empty_folder: Path, words: list[str]) -> None:
    code, _, err = run(*words)
    assert code in (0, 1, 2) and "internal error" not in err
    assert list(empty_folder.iterdir()) == []


@given(st.one_of(PROGRAMS, st.text(max_size=100)))
def test_property_other_commands_take_anything_too(text: str) -> None:
    content = text.encode("utf-8", "replace")
    clean = not check(content)
    for words in (["fmt", "-"], ["fmt", "--check", "-"], ["fmt", "--diff", "-"]):
        code, _, err = run(*words, stdin=content)
        assert code in (0, 1) and "internal error" not in err
    for words in (["build", "-", "--target", "json"], ["show", "-"]):
        code, out, err = run(*words, stdin=content)
        assert "internal error" not in err
        assert code == (0 if clean else 1)
        assert bool(out) == clean


def large(part: int) -> dict[str, str]:
    """Large texts, or so small a part of them."""
    return {
        "parentheses": "input 8\nlet a = " + "(" * (100_000 // part),
        "balanced parentheses": "let a = " + "(" * (50_000 // part) + "1" + ")" * (50_000 // part),
        "braces": "input 8\n" + "repeat 1 { " * (50_000 // part) + "}" * (50_000 // part),
        "open braces": "add { " * (100_000 // part),
        "paths": "input 8\nadd { " + "| " * (100_000 // part) + "}",
        "minus signs": "let a = (" + "-" * (100_000 // part) + "1)",
        "nots": "let a = (" + "not " * (100_000 // part) + "1)",
        "powers": "let a = (" + "2 ** " * (10_000 // part) + "2)",
        "sums": "let a = (" + "1 + " * (100_000 // part) + "1)",
        "else if": "input 8\nif 0 { }" + " else if 0 { }" * (50_000 // part),
        "tuple": "let a = (" + "1, " * (100_000 // part) + "1)",
        "ranges": "input 8\nslice " + "1:" * (50_000 // part),
        "size": "input " + "x".join(["2"] * (100_000 // part)),
        "digits": "input 8\ndense " + "9" * (1_000_000 // part),
        "name": "a" * (5_000_000 // part),
        "call": "input 8\nrelu " + "a=1 " * (100_000 // part),
        "one comment": "# " + "한" * (3_000_000 // part),
        "one line": "relu; " * (100_000 // part),
        "bad characters": "\x00" * (500_000 // part),
        "bad numbers": "1x " * (300_000 // part),
        "closing": "}" * (1_000_000 // part),
        "newlines": "\n" * (1_000_000 // part),
        "carriage returns": "\r" * (1_000_000 // part),
        "blocks": "".join(f"block b{n}(x) {{ relu }}\n" for n in range(20_000 // part)),
        "doubling blocks": "".join(f"block b{n}() {{ b{n + 1}; b{n + 1} }}\n" for n in range(60))
        + "block b60() { relu }\ninput 8\nb0\n",
        "a chain of blocks": "".join(f"block b{n}() {{ b{n + 1} }}\n" for n in range(5_000 // part))
        + f"block b{5_000 // part}() {{ relu }}\ninput 8\nb0\n",
        "a chain of constants": "let a0 = 1\n"
        + "".join(f"let a{n} = (a{n - 1} + 1)\n" for n in range(1, 20_000 // part)),
        "squares": "let a0 = 10\n"
        + "".join(f"let a{n} = (a{n - 1} * a{n - 1})\n" for n in range(1, 200)),
        "towers": "input 8\ndense (9 ** 9 ** 9 ** 9)",
        "repeat": "input 8\nrepeat 1000000000 { relu }",
        "nested repeat": "input 8\n" + "repeat 1000 { " * 50 + "relu" + "}" * 50,
        "repeat of nothing": "input 8\nrepeat 1000000000000 { }",
        "repeat of lets": "input 8\nrepeat 1000000000000 { let a = 1 }",
        "repeat of ifs": "input 8\nrepeat 1000000000000 { if 0 { relu } }",
        "repeat of repeats": "input 8\nrepeat 1000000000 { repeat 0 { relu } }",
        "repeat of paths": "input 8\nrepeat 1000000000000 { add { skip | skip } }",
        "repeat of skips": "input 8\nrepeat 1000000000000 { skip }",
        "repeat of blocks of nothing": "block a() { }\ninput 8\nrepeat 1000000000000 { a }",
        "repeat of promises": "input 8\nrepeat 1000000000000 { expect shape == 8 }",
        "repeat of froms": "input 8 as x\nrepeat 1000000000000 { from x }",
        "large sizes": "input 1000000000000000x1000000000000000x1\nconv 1000000000000 3x3 same\n"
        * 1,
        "large input": "input 999999999999999999x999999999999999999x999999999999999999x9\nflatten",
        "up": "input 8x8x1\n" + "up 1000000000000000\n" * 50,
        "large pad": "input 8x8x1\nzeropad 999999999999999999\nconv 1 3",
    }


NAMES = tuple(large(1000))


# They go as far as they may, each in the same way.
FAR = [name for name in NAMES if name.startswith("repeat of ")]


@pytest.mark.parametrize("name", few(NAMES, {*NAMES} - {*FAR[2:]}, "long"))
def test_large_texts(name: str) -> None:
    content = large(20)[name].encode()
    check(content)
    code, _, err = run("fmt", "-", stdin=content)
    assert code in (0, 1) and "internal error" not in err


@pytest.mark.long
@pytest.mark.parametrize("name", NAMES)
def test_the_largest_texts(name: str) -> None:
    content = large(1)[name].encode()
    check(content, process)
    code, _, err = process("fmt", "-", stdin=content)
    assert code in (0, 1) and "internal error" not in err


@pytest.mark.long
def test_ten_megabytes() -> None:
    text = ("conv 8 3x3 same relu  # " + "합성곱 " * 8 + "\n") * 100_000
    content = text.encode()
    assert len(content) > 10_000_000
    code, _out, err = process("check", "-", "--input", "28x28x1", stdin=content)
    assert (code, err) == (0, "")


def test_a_promise_of_everything_is_a_message() -> None:
    text = b"input 8\nexpect params == " + b"9" * 4400 + b"\n"
    assert check(text)


@pytest.mark.parametrize("name", ["parentheses", "braces", "minus signs", "powers", "repeat"])
def test_large_texts_end_well(name: str) -> None:
    """Far deeper than Python can go, in a process of their own."""
    content = large(10)[name].encode()
    for command, *target in (["check"], ["fmt"], ["show"], ["build", "--target", "json"]):
        code, out, err = process(command, "-", *target, stdin=content)
        assert "Traceback" not in err and "internal error" not in err
        if command == "fmt":
            assert code in (0, 1)
        else:
            assert code == 1 and "<stdin>:" in out + err


def test_a_folder_where_a_file_is_wanted(tmp_path: Path) -> None:
    (tmp_path / "a.cnn").mkdir()
    for words in (["show", str(tmp_path)], ["check", str(tmp_path / "a.cnn")]):
        code, out, err = process(*words)
        assert (code, out) == (2, "")
        assert re.fullmatch(r"cnndsl: .*: no \.cnn file in this folder\n", err)


@pytest.mark.skipif(not os.path.exists("/proc/self/mem"), reason="Linux only")
def test_a_file_that_fails_while_it_is_read() -> None:
    code, out, err = process("check", "/proc/self/mem")
    assert (code, out) == (2, "") and err.startswith("cnndsl: /proc/self/mem: ")
