"""Diagnostics as text and as JSON: carets, widths, and what must not reach a terminal."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cnndsl.diagnostics import Diagnostic, Edit, Fix, Note, Source, Span
from cnndsl.diagnostics.render import MOST, WIDTH, columns, printable, render, render_all
from cnndsl.diagnostics.render_json import as_json, render_json


def problem(text: str, start: int, end: int, name: str = "a.cnn", **rest: object) -> Diagnostic:
    fields: dict[str, object] = {"code": "E201", "message": "it does not come out", **rest}
    return Diagnostic(source=Source(name, text), span=Span(start, end), **fields)  # type: ignore[arg-type]


def at(text: str, piece: str, **rest: object) -> Diagnostic:
    start = text.index(piece)
    return problem(text, start, start + len(piece), **rest)  # type: ignore[arg-type]


def snippet(diagnostic: Diagnostic) -> tuple[str, str]:
    """The source line and the line of carets, without their gutters."""
    lines = render(diagnostic).splitlines()
    return lines[3].partition("| ")[2], lines[4].partition("| ")[2]


def test_all_parts() -> None:
    text = "input 39x31x1\nconv 20 4x4 relu /2\n"
    diagnostic = at(
        text,
        "/2",
        help="use a stride of 1\nor `rounding floor`",
        notes=(Note("the rule is exact"), Note("the input is this", Span(6, 13))),
    )
    assert render(diagnostic) == (
        "error[E201] size-not-whole: it does not come out\n"
        " --> a.cnn:2:18\n"
        "  |\n"
        "2 | conv 20 4x4 relu /2\n"
        "  |                  ^^\n"
        "  = note: the rule is exact\n"
        "  = help: use a stride of 1\n"
        "          or `rounding floor`\n"
        "note: the input is this\n"
        " --> a.cnn:1:7\n"
        "  |\n"
        "1 | input 39x31x1\n"
        "  |       -------\n"
    )


def test_a_fix_without_help_is_the_help() -> None:
    diagnostic = at("conv }", "}", fixes=(Fix("remove it", (Edit(Span(5, 6), ""),)),))
    assert "  = help: remove it\n" in render(diagnostic)


def test_line_numbers_of_several_digits_share_a_gutter() -> None:
    text = "\n" * 98 + "a\nb\n"
    diagnostic = at(text, "b", notes=(Note("here", Span(text.index("a"), text.index("a") + 1)),))
    assert render(diagnostic) == (
        "error[E201] size-not-whole: it does not come out\n"
        "   --> a.cnn:100:1\n"
        "    |\n"
        "100 | b\n"
        "    | ^\n"
        "note: here\n"
        "   --> a.cnn:99:1\n"
        "    |\n"
        " 99 | a\n"
        "    | -\n"
    )


@pytest.mark.parametrize(
    ("text", "piece", "line", "carets"),
    [
        ("pool 2", "pool 2", "pool 2", "^^^^^^"),
        ("\tpool\t2", "2", "    pool    2", "            ^"),
        ("\tpool", "\t", "    pool", "^^^^"),
        ("as 합성곱1 x", "합성곱1", "as 합성곱1 x", "   ^^^^^^^"),
        ("# 풀링\tx", "x", "# 풀링  x", "        ^"),
        ("as é x", "x", "as é x", "     ^"),
        ("a\x00b c", "c", "a\\x00b c", "       ^"),
        ("a\x1b[31m b", "\x1b", "a\\x1b[31m b", " ^^^^"),
        ("a\u202eb", "b", "a\\u202eb", "       ^"),
        ("a\u00a0b", "\u00a0", "a\\xa0b", " ^^^^"),
        ("pool\r\nconv", "pool", "pool", "^^^^"),
        ("a\x0cb", "b", "a\\x0cb", "     ^"),
        ("x 𝔸 한", "한", "x 𝔸 한", "    ^^"),
        # Korean in pieces, as macOS writes file names: two letters, two columns each.
        ("\u1112\u1161\u11ab x", "x", "\u1112\u1161\u11ab x", "   ^"),
        # An accent has no column of its own: it is marked where it stands.
        ("caf\u0065\u0301 x", "x", "caf\u0065\u0301 x", "     ^"),
        ("cafe\u0301 x", "\u0301", "cafe\u0301 x", "   ^"),
        ("\u0301x", "\u0301", "\u0301x", "^"),
        ("# 👍 x", "x", "# 👍 x", "     ^"),
        ("# 🇰🇷 x", "x", "# 🇰🇷 x", "     ^"),
        # What makes two signs one, or shows nothing, is shown as what it is.
        ("# ⚠\ufe0f x", "x", "# ⚠\\ufe0f x", "          ^"),
        ("👍\U0001f3fd x", "x", "👍\\U0001f3fd x", "             ^"),
        ("👩\u200d💻 x", "x", "👩\\u200d💻 x", "           ^"),
        ("a\u200bb", "b", "a\\u200bb", "       ^"),
        ("a\ufeffb", "b", "a\\ufeffb", "       ^"),
        ("a\u3164b", "\u3164", "a\\u3164b", " ^^^^^^"),
    ],
)
def test_carets_stand_under_the_span(text: str, piece: str, line: str, carets: str) -> None:
    assert snippet(at(text, piece)) == (line, carets)


@pytest.mark.parametrize(
    ("first", "last"),
    [
        (0x20, 0x52F),  # Latin, accents, Greek, Cyrillic
        (0x1100, 0x11FF),  # Korean in pieces
        (0x3000, 0x30FF),
        (0x3131, 0x318E),
        (0x4E00, 0x9FFF),
        (0xA960, 0xA97C),
        (0xAC00, 0xD7FB),  # Korean in syllables, and more pieces
        (0xFF01, 0xFFEE),  # of half and of full width
        (0x1F600, 0x1F64F),  # faces
    ],
)
def test_columns_are_what_other_programs_hold_them_to_be(first: int, last: int) -> None:
    from wcwidth import wcwidth

    for character in filter(str.isprintable, map(chr, range(first, last + 1))):
        if printable(character) == character:
            assert columns(character) == wcwidth(character), f"U+{ord(character):04X}"


def test_an_empty_span_gets_one_caret() -> None:
    assert snippet(problem("conv", 4, 4)) == ("conv", "    ^")
    assert snippet(problem("", 0, 0)) == ("", "^")
    assert snippet(problem("conv\n", 5, 5)) == ("", "^")


def test_a_span_at_the_line_end_is_not_cut_to_nothing() -> None:
    assert snippet(problem("conv\npool", 4, 5)) == ("conv", "    ^")


def test_a_span_of_several_lines_shows_its_first() -> None:
    text = "add {   \n  | conv 8 3\n}\n"
    assert snippet(problem(text, 0, len(text) - 1)) == ("add {", "^^^^^")


def test_long_lines_are_cut_around_the_span() -> None:
    text = "; ".join(f"pool {n}" for n in range(500))
    line, carets = snippet(at(text, "pool 250"))
    assert line.startswith("…") and line.endswith("…")
    assert len(line) <= WIDTH
    assert line[carets.index("^") : len(carets)] == "pool 250"
    line, carets = snippet(at(text, "pool 1;"))
    assert line.startswith("pool 0; pool 1;") and line.endswith("…")
    line, carets = snippet(at(text, "pool 499"))
    assert line.endswith("pool 499") and carets.endswith("^" * 8)
    line, carets = snippet(problem(text, 0, len(text)))
    assert len(line) <= WIDTH and len(carets) <= WIDTH


def test_a_huge_line_is_quick() -> None:
    text = "#" + "한" * 5_000_000
    line, carets = snippet(problem(text, 2_500_000, 2_500_001))
    assert columns(line) <= WIDTH and carets.endswith("^^")


def test_messages_and_names_are_escaped_too() -> None:
    shown = render(problem("x", 0, 1, "a\x1b[2J\n.cnn", message="\x9b is bad\x07", help="\x1bc"))
    assert "\x1b" not in shown and "\x07" not in shown and "\x9b" not in shown
    assert "a\\x1b[2J\\x0a.cnn:1:1" in shown


def test_color_changes_nothing_but_color() -> None:
    import re

    diagnostic = at("conv 20", "20", help="h", notes=(Note("n"), Note("m", Span(0, 4))))
    shown = render(diagnostic, color=True)
    assert "\x1b[1;31m" in shown
    assert re.sub("\x1b\\[[0-9;]*m", "", shown) == render(diagnostic)


def test_diagnostics_are_sorted_by_file_place_and_code() -> None:
    text = "conv pool"
    mixed = [
        problem(text, 5, 9, "b"),
        problem(text, 0, 4, "b", code="E202"),
        problem(text, 0, 4, "b"),
        problem(text, 5, 9, "a"),
    ]
    rows = json.loads(render_json(mixed))
    assert [(row["file"], row["column"], row["code"]) for row in rows] == [
        ("a", 6, "E201"),
        ("b", 1, "E201"),
        ("b", 1, "E202"),
        ("b", 6, "E201"),
    ]
    assert render_all(mixed).count("\n\n") == 4


def test_of_many_of_a_code_the_first_are_shown_and_the_others_counted() -> None:
    text = "relu\n" * 1_300
    many = [problem(text, 5 * index, 5 * index + 4) for index in range(1_200)]
    many += [problem(text, 5 * 1_250, 5 * 1_250 + 4, code="W109")]
    shown = render_all(reversed(many))
    assert shown.count("error[E201]") == MOST == 100 and shown.count("warning[W109]") == 1
    assert shown.endswith("… and 1,100 more of E201 size-not-whole\n\n")
    assert "more of" not in render_all(many[:MOST])
    assert len(json.loads(render_json(many))) == len(many)


def test_json_has_the_fields_of_the_language_page() -> None:
    text = "input 4x4x1\npool 3\n"
    diagnostic = at(
        text, "3", help="use 2", fixes=(Fix("use 2", (Edit(Span(17, 18), "2"),), safe=True),)
    )
    assert as_json(diagnostic) == {
        "file": "a.cnn",
        "line": 2,
        "column": 6,
        "end_line": 2,
        "end_column": 7,
        "code": "E201",
        "name": "size-not-whole",
        "severity": "error",
        "message": "it does not come out",
        "help": "use 2",
        "fixes": [
            {
                "title": "use 2",
                "safe": True,
                "edits": [
                    {"line": 2, "column": 6, "end_line": 2, "end_column": 7, "text": "2"},
                ],
            }
        ],
    }
    assert json.loads(render_json([])) == []


def test_json_keeps_what_the_text_form_escapes() -> None:
    row = json.loads(render_json([problem("x", 0, 1, "한\x1b.cnn", message="\u202e")]))[0]
    assert row["file"] == "한\x1b.cnn" and row["message"] == "\u202e"


@given(st.text(max_size=300), st.data())
def test_property_any_text_renders(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    shown = render(problem(text, start, end))
    assert all(line.isprintable() for line in shown.split("\n"))
    lines = shown.split("\n")
    assert len(lines) == 6
    carets = lines[4].partition("| ")[2]
    assert carets.strip(" ").strip("^") == "" and "^" in carets
    assert columns(lines[3].partition("| ")[2]) <= WIDTH
    assert columns(carets) <= WIDTH + 1
    row = json.loads(render_json([problem(text, start, end)]))[0]
    assert (row["line"], row["column"]) <= (row["end_line"], row["end_column"])


@given(st.text())
def test_property_printable_is_printable(text: str) -> None:
    assert printable(text).isprintable()
    assert printable(printable(text)) == printable(text)
