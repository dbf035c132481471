"""The fix that was meant comes first, by kinds of slips: see what a person would have written."""

from __future__ import annotations

from pathlib import Path

import pytest

from cnndsl.api import examine
from cnndsl.cli import main
from cnndsl.diagnostics import Diagnostic, Source
from cnndsl.quickfix.apply import apply_edits, best, mend
from cnndsl.quickfix.promises import with_other_promises

ARTICLE = (Path(__file__).parent.parent / "samples" / "article.cnn").read_text(encoding="utf-8")


def look(text: str) -> list[Diagnostic]:
    return examine(Source("net.cnn", text.replace("; ", "\n")))[1]


def fixed(problem: Diagnostic, number: int = 0) -> str:
    """A text after a fix, with semicolons for new lines as in the tables below."""
    text = apply_edits(problem.source.text, problem.fixes[number].edits)
    return "; ".join(text.strip().splitlines())


def unet(size: str, top: str = "") -> str:
    down = "; ".join(f"conv 8 4x4 /2 pad=1 as {name}" for name in "abcd")
    up = "; ".join(f"deconv 8 4x4 /2 pad=1; concat {{ skip | from {name} }}" for name in "cba")
    return f"{top}input {size}; {down}; {up}; deconv 3 4x4 /2 pad=1"


def pooled(size: str, levels: int) -> str:
    names = "abcdef"[:levels]
    down = "; ".join(f"conv 4 3x3 same as {name}; pool 2" for name in names)
    up = "; ".join(f"up 2; concat {{ skip | from {name} }}" for name in reversed(names))
    return f"rounding floor; input {size}; {down}; {up}; conv 1 1x1"


STEM = "input 60x60x3; conv 64 7x7 /2 same nobias; bn; relu; pool 3 /2 same; "
PATH = "bn; relu; conv 64 1x1; bn; relu; conv 64 3x3 same; bn; relu; conv 256 1x1"
RES = "block res(n, s=1) { add { conv n 3 /s same; bn; relu; conv n 3 same | skip }; relu }; "
BOTTLE = "block b(n) { add { conv n 1; bn; conv n 3 same; conv (4*n) 1 | skip }; relu }; "
FOUR = "; ".join(f"conv {n} 3x3; pool 2" for n in (8, 16, 32, 32))

MENDED = [
    # A merge whose paths differ by a whole factor in space.
    (
        "input 64x64x32; conv 32 3x3 same as a; pool 2; conv 32 3x3 same; add { skip | from a }",
        "add { skip | from a; pool 2 }",
    ),
    ("input 48x48x8 as x; pool 3; relu; add { skip | from x }", "add { skip | from x; pool 3 }"),
    (
        "input 32x32x4 as x; conv 16 3x3 /2 same; add { skip | from x; conv 16 1x1 }",
        "from x; conv 16 1x1 /2 same }",
    ),
    ("input 128x4 as x; conv 8 5 /4 same; add { skip | from x; conv 8 1 }", "conv 8 1 /4 same }"),
    (
        "rounding floor; input 33x33x8; add { conv 16 3x3 /2 pad=1; relu | conv 16 1x1 }",
        "| conv 16 1x1 /2 }",
    ),
    ("input 8x8x6; add { conv 6 3x3 /2 same; bn | skip }", "| conv 6 1x1 /2 same }"),
    ("input 8x8x6; add { conv 9 3x3 /2 same | conv 3 1x1 }", "| conv 9 1x1 /2 same }"),
    (
        "input 32x32x8; concat { conv 8 3x3 /2 same | conv 8 1x1; conv 16 3x3 same | pool 2 }",
        "conv 8 1x1; conv 16 3x3 /2 same | pool 2 }",
    ),
    (
        "block down(n) { add { conv n 3 /2 same; bn | conv n 1; bn } }; input 32x32x8; down 16",
        "conv n 1 /2 same; bn }",
    ),
    # … in a pyramid the coarse path grows.
    (
        "input 64x64x3; conv 8 3x3 same /2 as c1; conv 8 3x3 same /2 as c2; conv 8 1x1; "
        "add { skip | from c1; conv 8 1x1 }",
        "add { up 2 | from c1; conv 8 1x1 }",
    ),
    (
        "input 32x32x3; conv 4 3x3 same as c; conv 4 3x3 same /4 as p; from c; "
        "add { conv 4 1x1 | from p }",
        "| from p; up 4 }",
    ),
    # A merge whose channels differ.
    (f"{STEM}add {{ {PATH} | skip }}", "| conv 256 1x1 }"),
    ("input 9x9x4 as x; conv 16 3x3 same; add { skip | from x }", "| from x; conv 16 1x1 }"),
    ("input 100x32; add { skip | conv 64 3 same }", "{ conv 64 1 |"),
    ("input 8x8x32; add { conv 64 3x3 same | conv 32 1x1 }", "| conv 64 1x1 }"),
    ("input 8x8x32; mul { skip | gap; dense 8 relu; dense 16 sigmoid }", "dense 32 sigmoid }"),
    # A residual block that is called with too few channels.
    (f"{RES}input 8x8x3; res 16; res 16", "| if C != n or s != 1 { conv n 1 /s same } }"),
    (f"{BOTTLE}input 8x8x16; b 16; b 16", "| if C != (4*n) { conv (4*n) 1 } }"),
    ("block r(n) { add { skip | conv n 3 same } }; input 8x8x1; r 8", "{ if C != n { conv n 1 } |"),
    # Both at once, and a border that one path takes off.
    ("input 8x8x4; add { conv 4 3x3; relu; conv 4 3x3 | skip }", "conv 4 3x3 same; relu; conv 4"),
    ("input 8x8x4; add { conv 16 3x3; bn | skip }", "conv 16 3x3 same; bn | conv 16 1x1 }"),
    # A promise about a shape.
    ("input 13x13x512; pool 2 /1; expect shape == 13x13x512", "pool 2 /1 same"),
    ("input 32x32x3; conv 16 3x3 relu; expect shape == 32x32x16", "conv 16 3x3 relu same"),
    ("input 28x28x1; conv 8 3x3; conv 8 3x3; expect shape == 28x28x8", "same; conv 8 3x3 same"),
    ("input 28x28x1; conv 8 3x3 same; expect shape == 28x28x16", "conv 16 3x3 same"),
    ("input 28x28x1; conv 8 3x3 same; expect shape == 14x14x8", "conv 8 3x3 /2 same"),
    ("input 28x28x1; conv 8 3x3; pool 2; flatten; expect shape == 1568", "conv 8 3x3 same; pool"),
    ("input 100x3; conv 8 5 relu; expect shape == 100x8", "conv 8 5 relu same"),
    ("input 7x7x8; dense 9; expect shape == 9", "flatten; dense 9"),
    ("input 7x7x8; gap; expect shape == 392", "flatten; expect"),
    # Encoder–decoders.
    (unet("36x36x3", "rounding floor; "), "input 32x32x3;"),
    (unet("36x36x3"), "input 32x32x3;"),
    (pooled("250x250x1", 3), "input 248x248x1;"),
    (pooled("100x60x1", 4), "input 96x64x1;"),
    (pooled("(s, s, 1)", 3).replace("input", "param s = 30; input"), "param s = 32;"),
    # Layers side by side that round differently.
    ("input 28x28x8; concat { conv 8 3x3 /2 pad=1 floor | pool 3 /2 pad=1 ceil }", "pad=1 floor }"),
    ("input 16x9; concat { pool 3 /2 ceil | conv 4 1; conv 4 3 /2 floor }", "{ pool 3 /2 floor |"),
    ("rounding floor; input 35x35x8; concat { conv 8 3x3 /2 same | pool 2 }", "| pool 2 ceil }"),
    # Channels first, be the rest as it may.
    ("input 3x224x224; conv 64 7x7 relu /2 pad=3 floor; pool 3 /2", "input 224x224x3;"),
    ("input 1x22x500; conv 40 1x25; conv 40 22x1; pool 1x75 /1x15", "input 22x500x1;"),
    ("input 3x32x32; conv 8 5x5; pool 2; flatten; dense 10", "input 32x32x3;"),
    ("input 1x16x64x64; conv 8 3x3x3; pool 2", "input 16x64x64x1;"),
    # A vector that was to become a map.
    (
        "input 28x28x1; conv 8 3x3 same; flatten; dense 128 relu; reshape 7x7x8",
        "dense 392 relu; reshape 7x7x8",
    ),
    ("input 100; dense 1000 relu; bn; reshape 7x7x16", "dense 784 relu; bn; reshape 7x7x16"),
    # One wrong number in a listing.
    (ARTICLE.replace("conv 60 3x3", "conv 60 2x2"), "conv 60 3x3 relu"),
    (ARTICLE.replace("conv 40 3x3", "conv 40 5x5"), "conv 40 3x3 relu"),
    ("input 32x32x3; conv 16 5x5; pool 2; conv 32 4x4; pool 2", "conv 32 5x5; pool 2"),
    ("input 28x28x1; conv 8 3x3 same; pool 2; conv 8 3x3 same; pool 3", "3x3 same; pool 2"),
    # Too small for so many halvings.
    ("input 64x64x3; repeat 5 { conv 32 3x3 relu; pool 2 }", "conv 32 3x3 relu same; pool 2"),
    (f"input 28x28x1; {FOUR}; flatten; dense 10", "conv 32 3x3 same"),
    ("rounding floor; input 28x28x1; repeat 3 { conv 8 5x5; pool 2 }", "conv 8 5x5 same"),
    ("input 32x32x3; repeat 6 { conv 8 3x3 same; pool 2 }", "pool 2 same"),
]


@pytest.mark.parametrize(("text", "mended"), MENDED, ids=range(len(MENDED)))
def test_what_was_meant_comes_first(text: str, mended: str) -> None:
    (problem,) = look(text)
    assert mended in fixed(problem), problem.help
    assert not problem.fixes[0].intent
    assert "channels last" in problem.help or not look(fixed(problem))


@pytest.mark.parametrize(
    ("text", "mended"),
    [
        ("input 64x64x8 as a; pool 2; relu; add { skip | from a }", "conv 8 1x1 /2 same }"),
        ("input 8x8x6; add { conv 6 3x3 /2 same; bn | skip }", "| pool 2 }"),
        (
            "input 28x28x1; flatten; dense 128 relu; reshape 7x7x8",
            "dense 128 relu; reshape 4x4x8",
        ),
        ("input 100; dense 256 relu; reshape 4x4x32", "reshape 4x4x16"),
        ("input 10x3; dense 8", "conv 8 1"),
        ("input 6x6x3; dense 8 relu", "conv 8 1x1 relu"),
        ("input 32x32x3; repeat 6 { conv 8 3x3 same; pool 2 }", "repeat 5 {"),
        ("input 16x16x3; pool 4; pool 4; pool 4", "pool 4; pool 4"),
        ("input 28x28x1; conv 8 3x3 same; expect shape == 14x14x8", "pool 2; expect"),
    ],
)
def test_another_way_is_offered_too(text: str, mended: str) -> None:
    (problem,) = look(text)
    assert any(mended in fixed(problem, i) for i in range(len(problem.fixes))), problem.help


def test_what_throws_away_or_asks_for_other_data_comes_last_and_is_not_made() -> None:
    for text in (
        "input 64x64x8 as a; pool 2; relu; add { skip | from a }",
        "input 12x12x4; add { conv 4 3x3; relu; conv 4 3x3 | skip }",
    ):
        (problem,) = look(text)
        assert [fix.intent for fix in problem.fixes][-1] == "loses", problem.help
        only = problem._replace(fixes=problem.fixes[-1:])
        assert best(only, unsafe=True) is None
        assert best(problem, unsafe=True) is problem.fixes[0]
        assert best(problem, unsafe=False) is None


def test_data_sizes_come_after_changed_layers() -> None:
    (problem,) = look(
        "input 120x60x1; conv 12 5x5; pool 2; conv 16 5x5; pool 2; conv 20 4x4; pool 2"
    )
    titles = [fix.title for fix in problem.fixes]
    assert titles[-1] == "make the input 120x56x1" and len(titles) == 4


def test_channels_that_seem_to_stand_first_are_told() -> None:
    (problem,) = look("input 3x224x224; conv 64 7x7 relu /2 pad=3 floor; pool 3 /2")
    assert problem.notes[-1].message == (
        "the channels of the input seem to stand first; they stand last: 224x224x3"
    )
    # Where to swap them mends nothing, it is a note all the same.
    (problem,) = look("input 3x50x60; reshape 9x9x9")
    assert "50x60x3" in problem.notes[-1].message
    (problem,) = look("input 4x4x64; conv 8 5")
    assert not problem.notes and "channels" not in problem.help


def test_errors_with_one_cause_are_one() -> None:
    (problem,) = look(f"input 28x28x1; {FOUR}; flatten; dense 10")
    assert problem.code == "E202" and problem.source.position(problem.span.start).line == 5
    assert problem.notes[-1].message == "2 more errors go away with it"


def test_errors_of_several_causes_are_several() -> None:
    text = (
        "input 9x8; head a { add { conv 16 1 | skip } }; head b { add { conv 24 1 | skip } }; gap"
    )
    problems = look(text)
    assert len(problems) == 2 and all(each.fixes[0].alone for each in problems)
    assert not any("go away" in note.message for each in problems for note in each.notes)
    # To round down everywhere mends many that have nothing to do with each other.
    problems = look("input 33x33x1; head a { pool 2; gap }; conv 8 2x2 /3; gap")
    assert [each.fixes[0].title[:22] for each in problems] == ["write `rounding floor`"] * 2
    problems = look("input 9x9x1; pool 2; wobble")
    assert [each.code for each in problems] == ["E202", "E101"]


PROMISE = "input 32x32x3\nconv 16 3x3 relu\nexpect shape == 30x30x15\nexpect params == 9\n"


def test_promises_are_given_up_only_when_asked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "net.cnn"
    path.write_text(PROMISE)
    assert main(["check", "--fix", "--unsafe", str(path)]) == 1
    assert "expect shape == 30x30x15\nexpect params == 9\n" in path.read_text()
    path.write_text(PROMISE)
    assert main(["check", "--diff", "--promises", str(path)]) == 1
    assert path.read_text() == PROMISE
    assert main(["check", "--fix", "--promises", str(path)]) == 0
    assert path.read_text() == PROMISE.replace("30x30x15", "30x30x16").replace("== 9", "== 448")
    assert main(["check", "--promises", str(path)]) == 2
    assert "--promises goes with --fix or --diff" in capsys.readouterr().err


def test_a_promise_is_kept_first_where_both_are_allowed() -> None:
    text = "input 13x13x8\npool 2 /1\nexpect shape == 13x13x8\n"

    def examined(source: Source) -> list[Diagnostic]:
        return with_other_promises(source, examine(source)[1], {}, None, 10**6)

    (problem,) = examined(Source("a.cnn", text))
    assert [fix.intent for fix in problem.fixes][-1] == "promise"
    mended = mend(Source("a.cnn", text), examined, unsafe=True, promises=True)
    assert mended.source.text == text.replace("/1", "/1 same")


def test_promises_of_counts_have_no_fix() -> None:
    (problem,) = look("input 8x8x1; conv 8 3x3; expect params == 100")
    assert not problem.fixes and "promise 80" in problem.help
    (problem,) = look("input 8x8x1; conv 8 3x3; expect field == 5")
    assert not problem.fixes
