"""`check --fix` and `--diff`: what is changed, what stays, and that nothing gets worse."""

from __future__ import annotations

import io
import os
import sys
from pathlib import Path
from random import Random

import nets
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cnndsl.api import examine
from cnndsl.cli import main
from cnndsl.diagnostics import Diagnostic, Edit, Fix, Source, Span
from cnndsl.quickfix.apply import apply_edits, badness, disjoint, mend

SLIPS = "# mine\ninput 28x28x1\nconv 8, 3x3   rellu # first\n\npool 2"


def look(source: Source) -> list[Diagnostic]:
    return examine(source)[1]


def run(monkeypatch: pytest.MonkeyPatch, *words: str, stdin: bytes = b"") -> int:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
    return main(["check", *words])


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_only_what_is_wrong_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, newline: str, mark: str
) -> None:
    path = tmp_path / "net.cnn"
    path.write_bytes((mark + SLIPS.replace("\n", newline)).encode())
    assert run(monkeypatch, "--fix", str(path)) == 1  # an activation that may be another
    safe = SLIPS.replace("8,", "8")
    assert path.read_bytes() == (mark + safe.replace("\n", newline)).encode()
    assert run(monkeypatch, "--fix", "--unsafe", str(path)) == 0
    mended = safe.replace("rellu", "relu")
    assert path.read_bytes() == (mark + mended.replace("\n", newline)).encode()
    stamp = os.stat(path).st_mtime_ns
    assert run(monkeypatch, "--fix", "--unsafe", str(path)) == 0
    assert os.stat(path).st_mtime_ns == stamp  # what is whole is not written again


def test_diff_shows_and_writes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "net.cnn"
    path.write_text(SLIPS)
    assert run(monkeypatch, "--diff", str(path)) == 1
    out = capsys.readouterr().out
    assert "-conv 8, 3x3   rellu # first\n+conv 8 3x3   rellu # first\n" in out
    assert "conv takes no `rellu`" in out and "1 fix would be made in 1 file\n" in out
    assert run(monkeypatch, "--diff", "--unsafe", str(path)) == 1  # there would be changes
    assert "+conv 8 3x3   relu # first\n" in capsys.readouterr().out
    assert path.read_text() == SLIPS
    path.write_text("input 3\n")
    assert run(monkeypatch, "--diff", str(path)) == 0


def test_standard_input_comes_out_mended(
    monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    text = b"\xef\xbb\xbfinput 28x28x1\r\nconv 8, 3x3 # \xed\x95\xa9\r\n"
    assert run(monkeypatch, "--fix", "-", stdin=text) == 0
    out, err = capfdbinary.readouterr()
    assert out == text.replace(b",", b"")
    assert b"1 fix made in 1 file" in err


def test_options_that_do_not_go_together(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "--fix", "--diff", "-") == 2
    assert run(monkeypatch, "--unsafe", "-") == 2
    assert "--unsafe goes with --fix or --diff" in capsys.readouterr().err


def test_a_file_that_is_no_text_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    good, bad = tmp_path / "good.cnn", tmp_path / "bad.cnn"
    good.write_bytes(b"input 8x8x1\nconv 8, 3\n")
    bad.write_bytes(b"input 8x8x1\nconv 8, 3\xff\n")
    assert run(monkeypatch, "--fix", str(tmp_path)) == 1
    assert good.read_bytes() == b"input 8x8x1\nconv 8 3\n"
    assert bad.read_bytes() == b"input 8x8x1\nconv 8, 3\xff\n"
    assert run(monkeypatch, "--fix", str(good), str(tmp_path / "none.cnn")) == 2


def diagnostic(source: Source, code: str, *fixes: Fix) -> Diagnostic:
    return Diagnostic(code, source, Span(0, 1), "wrong", fixes=fixes)


def test_what_makes_it_worse_is_refused() -> None:
    def worse(source: Source) -> list[Diagnostic]:
        fix = Fix("spoil it", (Edit(Span(0, 1), "bb"),), safe=True)
        return [diagnostic(source, "E101", fix)] * len(source.text)

    source = Source("x", "a")
    mended = mend(source, worse)
    assert mended.source is source and not mended.applied and len(mended.left) == 1


def test_fixes_that_undo_each_other_come_to_an_end() -> None:
    def swap(source: Source) -> list[Diagnostic]:
        other = {"a": "b", "b": "a"}[source.text]
        return [diagnostic(source, "E101", Fix("swap", (Edit(Span(0, 1), other),), safe=True))]

    assert mend(Source("x", "a"), swap).source.text == "b"

    def grow(source: Source) -> list[Diagnostic]:
        return [diagnostic(source, "E101", Fix("more", (Edit(Span(0, 0), "a"),), safe=True))]

    assert len(mend(Source("x", "a"), grow).source.text) < 100


def test_fixes_that_overlap_take_turns() -> None:
    one = Fix("one", (Edit(Span(0, 3), "x"), Edit(Span(8, 9), "y")))
    two = Fix("two", (Edit(Span(2, 4), "z"),))
    three = Fix("three", (Edit(Span(5, 6), ""),))
    source = Source("x", "0123456789")
    pairs = [(diagnostic(source, "E101", fix), fix) for fix in (one, two, three)]
    assert [fix.title for _, fix in disjoint(pairs)] == ["one", "three"]
    assert apply_edits(source.text, one.edits + three.edits) == "x3467y9"


def test_many_fixes_are_made_at_once() -> None:
    text = "input 8x8x1\n" + "conv 4, 3 same\n" * 700  # more than are reported at once
    mended = mend(Source("x", text), look)
    assert len(mended.applied) == 700
    assert mended.source.text == text.replace(",", "")


_SPOILED = ["relu", "conv", "3x3", "input", "pool", "same", "{", "}", "(", ")", "/2", "\n", ";"]


def test_sizes_that_have_nothing_to_do_with_each_other_are_mended_at_once() -> None:
    heads = [f"head h{i} {{ conv 6 3x3 groups=4; gap }}" for i in range(24)]
    looked = 0

    def counted(source: Source) -> list[Diagnostic]:
        nonlocal looked
        looked += 1
        return look(source)

    text = "\n".join(["input 33x33x4", *heads, "gap"])
    mended = mend(Source("x", text), counted, unsafe=True)
    assert mended.source.text == text.replace("conv 6", "conv 4")
    assert len(mended.applied) == len(heads) > 4 * looked


def test_what_mends_several_sizes_is_made_by_itself() -> None:
    text = "input 33x33x1\nconv 8 2x2\nhead a { pool 3; gap }\nhead b { pool 3; gap }\ngap"
    mended = mend(Source("x", text), look, unsafe=True)
    assert len(mended.applied) == 1 and not mended.left


ODD = """input 50x37x3
conv 16 3x3 relu
pool 2
conv 32 3x3 relu
pool 2
conv 64 3x3 relu
pool 2
flatten
dense 10 softmax
"""


def test_one_fix_that_mends_the_whole_net_is_made_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "net.cnn"
    path.write_text(ODD)
    run(monkeypatch, "--fix", "--unsafe", str(path))
    assert path.read_text() == "rounding floor\n" + ODD
    assert "1 fix made in 1 file" in capsys.readouterr().out


def test_property_every_fix_that_was_made_is_needed() -> None:
    mended_nets = several = 0
    count = max(30, settings.default.max_examples)
    for seed in range(count):
        rng = Random(seed)
        layers = ["conv 8 3x3", "conv 4 2x2", "pool 2", "pool 3", "conv 6 5x5 groups=2", "relux"]
        body = [rng.choice(layers) for _ in range(rng.randint(3, 7))]
        text = "\n".join([f"input {rng.randint(20, 50)}x{rng.randint(20, 50)}x3", *body, "gap"])
        if not any(each.severity == "error" for each in look(Source("a.cnn", text))):
            continue
        mended = mend(Source("a.cnn", text), look, unsafe=True)
        if mended.left:
            continue
        mended_nets += 1
        several += len(mended.applied) > 1
        for (_, fix), edits in zip(mended.applied, mended.undo, strict=True):
            without = apply_edits(mended.source.text, edits)
            assert not edits or fix.safe or look(Source("a.cnn", without)), (seed, fix)
    assert mended_nets > count // 3 and several > count // 12


@given(st.randoms(use_true_random=False), st.booleans())
def test_property_a_file_checks_no_worse(rng: Random, unsafe: bool) -> None:
    text = nets.straight(rng) if rng.random() < 0.5 else nets.branching(rng)
    for _ in range(rng.randint(1, 3)):
        at = rng.randrange(len(text))
        text = text[:at] + rng.choice(["", ",", " ", *_SPOILED]) + text[at + rng.randint(0, 2) :]
    source = Source("net.cnn", text)
    before = look(source)
    mended = mend(source, look, unsafe=unsafe)
    assert badness(mended.left) <= badness(before)
    assert mended.left == look(mended.source)
    assert bool(mended.applied) == (mended.source.text != text)
    assert unsafe or all(fix.safe for _, fix in mended.applied)
    again = mend(mended.source, look, unsafe=unsafe)
    assert again.source.text == mended.source.text or len(mended.applied) > 30


def test_parentheses_around_a_call_are_not_put_and_taken_away_in_turn() -> None:
    text = "input 9x9x1\nlock cb(n, k, s=1) { conv n k; bn }\nconv 4 3x3\n"
    once = mend(Source("x", text), look, unsafe=True).source
    assert mend(once, look, unsafe=True).source.text == once.text


def test_a_name_of_two_words_is_no_safe_fix() -> None:
    rest = "\ninput 8x8x3\nconv 8 3x3\n"
    kept = mend(Source("a.cnn", "net my net" + rest), look)
    assert not kept.applied and kept.source.text == "net my net" + rest
    mended = mend(kept.source, look, unsafe=True)
    assert mended.source.text == "net my_net" + rest and not mended.left
    apart = mend(Source("a.cnn", "net my input 8x8x3\nconv 8 3x3\n"), look)
    assert apart.source.text == "net my; input 8x8x3\nconv 8 3x3\n" and not apart.left


def test_the_habits_of_other_tools_are_mended() -> None:
    text = """input 32x32x3
nn.Conv2d(8, 3x3, relu)
conv 8 3x3 padding=same stride=2 activation=relu use_bias=False
conv 8 3x3 pad=same stride 2 padding=valid
Conv2D(filters=8, kernel_size=3, activation=relu)
MaxPooling2D pool_size=2 strides=2
Flatten(); dropout 50%
Linear out_features=8 act=relu
dropout 30
softmax 10
"""
    mended = mend(Source("a.cnn", text), look, unsafe=True)
    assert not mended.left
    assert mended.source.text.replace(" \n", "\n") == """input 32x32x3
conv 8 3x3 relu
conv 8 3x3 same /2 relu nobias
conv 8 3x3 same /2
conv 8 3x3 relu
pool 2 /2
flatten; dropout 0.5
dense 8 relu
dropout 0.3
dense 10 softmax
"""
