"""What is reported of what was found: selection, configuration, ignore comments, baselines."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from running import ROOT

from cnndsl.api import lint
from cnndsl.diagnostics import CODES, Diagnostic, Source, Span
from cnndsl.diagnostics.codes import on_by_default
from cnndsl.diagnostics.report import Report
from cnndsl.lint import baseline
from cnndsl.lint.configuration import (
    KEYS,
    Configuration,
    ConfigurationError,
    codes_for,
    matches,
    read_configuration,
)
from cnndsl.lint.selection import ERRORS, Selection, SelectionError, chosen, words_of

ADVICE = frozenset(CODES) - ERRORS
UNUSED = "let n = 3\ninput 8x8x1\nconv 4 3x3 relu\n"  # W101 in its first line


def advice(**words: str) -> set[str]:
    """The advice that a selection chooses; errors are always chosen."""
    lists = {key: words_of(value) for key, value in words.items()}
    codes = chosen(Selection(**lists))  # type: ignore[arg-type]
    assert codes >= ERRORS
    return set(codes - ERRORS)


def beginning(*prefixes: str) -> set[str]:
    return {code for code in ADVICE if code.startswith(prefixes)}


# Selection


def test_what_is_on_by_default() -> None:
    assert chosen(Selection()) == on_by_default() == ERRORS | advice()
    assert {code for code in CODES if CODES[code].severity == "error"} == ERRORS


def test_select_and_ignore() -> None:
    assert advice(select="W101") == advice(select="unused-let") == {"W101"}
    assert advice(select="w101") == advice(select="Unused-Let, W101") == {"W101"}
    assert advice(select="W1") == beginning("W1")
    assert advice(select="ALL") == ADVICE and advice(select="W") == ADVICE
    assert advice(select="E") == advice(select="") == set()
    assert advice(ignore="W1") == advice() - beginning("W1")
    assert advice(ignore="ALL") == set()
    assert advice(extend="W901") == advice() | {"W901"}


def test_the_word_that_says_more_wins() -> None:
    assert advice(select="W101", ignore="W1") == {"W101"}
    assert advice(select="W1,W9", ignore="W101") == beginning("W1", "W9") - {"W101"}
    assert advice(select="W1", ignore="W1") == set()
    assert advice(select="ALL", ignore="unused-let") == ADVICE - {"W101"}
    assert advice(select="W", ignore="ALL") == ADVICE


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ({"select": "W999"}, "there is no rule `W999`"),
        ({"select": "W8"}, "there is no rule `W8`"),
        ({"select": "unused-lte"}, "there is no rule `unused-lte`; did you mean `unused-let`?"),
        (
            {"ignore": "shadow-name"},
            "there is no rule `shadow-name`; did you mean `shadowed-name`?",
        ),
        ({"ignore": "E201"}, "`E201` is an error: a text with errors is no net"),
        ({"ignore": "syntax"}, "`syntax` is an error"),
        ({"ignore": "E2"}, "`E2` means errors"),
        ({"extend": "x" * 99}, f"there is no rule `{'x' * 57}…`"),
    ],
)
def test_words_that_select_nothing(words: dict[str, str], says: str) -> None:
    with pytest.raises(SelectionError, match=re.escape(says)):
        advice(**words)


# Configuration


def configured(table: dict[str, object], text: str = "") -> Configuration:
    return read_configuration(table, text)


def problems(table: dict[str, object], text: str, header: str = "") -> list[tuple[int, str]]:
    with pytest.raises(ConfigurationError) as caught:
        read_configuration(table, text, header)
    return caught.value.problems


def test_configuration() -> None:
    assert configured({}) == Configuration()
    found = configured(
        {
            "select": ["W1"],
            "extend-select": ["W901"],
            "ignore": ["W102"],
            "per-file-ignores": {"old/*.cnn": ["W101"], "*.cnn": ["W901"]},
            "error-on-warning": True,
        }
    )
    assert found.error_on_warning
    assert found.ignored_in("old/a.cnn") == ("W101", "W901")
    assert found.ignored_in("a.txt") == ()
    codes = codes_for(found, found.ignored_in("old/a.cnn"), None, [])
    assert codes - ERRORS == beginning("W1") - {"W101", "W102"}
    # The command line's select sets aside the configuration's, but not what is ignored here.
    assert codes_for(found, ["W101"], ["W1"], []) - ERRORS == beginning("W1") - {"W101"}
    assert codes_for(found, [], None, ["W1"]) - ERRORS == {"W901"}
    assert codes_for(found, ["ALL"], None, []) == ERRORS


def test_every_key_is_read() -> None:
    wrong = dict.fromkeys(KEYS, 3)
    assert len(problems(wrong, "")) == len(KEYS)


def test_what_is_wrong_with_a_configuration_is_said_with_its_line() -> None:
    text = (
        "[tool.other]\nselect = 3\n\n[tool.cnndsl]\nslect = []\nextend_select = []\n"
        'ignore = [\n  "W101",\n  "W1O2",\n]\nfrobnicate = 1\nerror-on-warning = "no"\n'
        '[tool.cnndsl.per-file-ignores]\n"a[z-a].cnn" = ["E201"]\nb = "W101"\n'
    )
    table: dict[str, object] = {
        "slect": [],
        "extend_select": [],
        "ignore": ["W101", "W1O2"],
        "frobnicate": 1,
        "error-on-warning": "no",
        "per-file-ignores": {"a[z-a].cnn": ["E201"], "b": "W101"},
    }
    assert problems(table, text, "tool.cnndsl") == [
        (5, "unknown key `slect`; did you mean `select`?"),
        (6, "unknown key `extend_select`; did you mean `extend-select`?"),
        (9, "there is no rule `W1O2`; did you mean `W102`?"),
        (11, f"unknown key `frobnicate`; the keys are {', '.join(KEYS)}"),
        (12, "`error-on-warning` is true or false"),
        (14, "`E201` is an error: a text with errors is no net, and they cannot be ignored"),
        (14, "`a[z-a].cnn` is no pattern of paths"),
        (15, '`b` is a list of rules, as in ["W101", "W2"]'),
    ]
    assert problems({"per-file-ignores": []}, "") == [
        (
            0,
            "`per-file-ignores` is a table: patterns of paths, and the rules that are ignored",
        )
    ]


@pytest.mark.parametrize(
    ("pattern", "yes", "no"),
    [
        ("a.cnn", "a.cnn x/a.cnn x/y/a.cnn", "ba.cnn a.cnnx"),
        ("*.cnn", "a.cnn x/a.cnn .cnn", "a.txt"),
        ("old/*.cnn", "old/a.cnn", "a.cnn old/x/a.cnn x/old/a.cnn"),
        ("old/", "old/a.cnn old/x/a.cnn", "a.cnn x/old/a.cnn"),
        ("old/**", "old/a.cnn old/x/a.cnn", "older/a.cnn"),
        ("**/old/*.cnn", "old/a.cnn x/y/old/a.cnn", "xold/a.cnn"),
        ("./x/?.cnn", "x/a.cnn x/한.cnn", "x/ab.cnn x/.cnn"),
        ("x/[ab-d]*", "x/a x/cat", "x/e x/-"),
        ("x/[!a].cnn", "x/b.cnn", "x/a.cnn"),
        ("x/[]]", "x/]", "x/["),
        ("x/[^]", "x/^", "x/a"),
        ("x/[\\]", "x/\\", "x/a"),
        ("x/[a&&b||c~~d]", "x/& x/| x/~ x/b", "x/e"),
        ("x/[--0]", "x/- x/. x/0", "x/1"),
        ("x/[a--0]", "x/a x/- x/0", "x/b"),
        ("x/[[:a]", "x/[ x/: x/a", "x/b"),
        ("x/[", "x/[", "x/a"),
        ("x/(a|b).+$", "x/(a|b).+$", "x/a.b"),
    ],
)
@pytest.mark.filterwarnings("error")
def test_patterns(pattern: str, yes: str, no: str) -> None:
    assert [path for path in yes.split() if not matches(pattern, path)] == []
    assert [path for path in no.split() if matches(pattern, path)] == []


@pytest.mark.filterwarnings("error")
@given(st.text("ab/*?[]!^-&~|\\.", max_size=12), st.text("ab/.", max_size=12))
def test_property_patterns_mean_something_or_nothing(pattern: str, path: str) -> None:
    try:
        matches(pattern, path)
    except re.error:
        with pytest.raises(ConfigurationError):
            configured({"per-file-ignores": {pattern: []}})
    if not set(pattern) & set("*?[]/\\"):
        assert matches(pattern, pattern)


def test_what_the_docs_show_is_a_configuration() -> None:
    text = (ROOT / "docs" / "checker.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"^```toml\n(.*?)^```$", text, re.M | re.S)
    tomllib = pytest.importorskip("tomllib" if sys.version_info >= (3, 11) else "tomli")
    table = tomllib.loads(block)["tool"]["cnndsl"]
    assert read_configuration(table, block, "tool.cnndsl").per_file
    assert all(f"| `{key}` |" in text for key in KEYS)
    (net,) = re.findall(r"^```\n(conv.*?)^```$", text, re.M | re.S)
    assert net.count("ignore[") == 2 and "W902" not in str(found(f"input 8x8x1\n{net}"))


# Comments


def found(text: str, codes: Iterable[str] = on_by_default()) -> list[tuple[int, str, str]]:
    """The line, code and message of everything that is said of a text."""
    source = Source("a.cnn", text)
    return [
        (source.position(each.span.start).line, each.code, each.message)
        for each in sorted(lint(source, frozenset(codes)), key=lambda each: each.span)
    ]


def codes(text: str, asked: Iterable[str] = on_by_default()) -> list[tuple[int, str]]:
    return [(line, code) for line, code, _ in found(text, asked)]


def test_a_comment_ignores_its_line_or_the_next() -> None:
    assert codes(UNUSED) == [(1, "W101")]
    for comment in ("ignore[W101]", "ignore[unused-let]", "ignore [ w101 ]", "ignore[W101]: why"):
        assert codes(UNUSED.replace("3\n", f"3  # cnndsl: {comment}\n", 1)) == []
        assert codes(f"# cnndsl: {comment}\n{UNUSED}") == []
        assert codes(f"# cnndsl: {comment}\r\n" + UNUSED.replace("\n", "\r\n")) == []
    # Through other comments, but not past a statement or a blank line.
    assert codes(f"# cnndsl: ignore[W101]\n# a word about it\n{UNUSED}") == []
    assert codes(f"# cnndsl: ignore[W101]\n\n{UNUSED}") == [(1, "W901"), (3, "W101")]
    assert codes(f"net a  # cnndsl: ignore[W101]\n{UNUSED}") == [(1, "W901"), (2, "W101")]
    # One in a text that holds no comment of the kind is a comment like any other.
    assert codes(f"# cnndsl is good; ignore[W101]\n{UNUSED}") == [(2, "W101")]


def test_comments_that_ignore_several() -> None:
    text = "let n = 3; param m = 4 # cnndsl: ignore[W101, W102]\ninput 8x8x1\nconv 4 3x3\n"
    assert codes(text) == []
    text = text.replace("W102", "W103").replace("W101", "W101,W101")
    assert found(text) == [
        found(text)[0],
        (1, "W901", "`W101` ignores nothing: the line has no such finding"),
        (1, "W901", "`W103` ignores nothing: the line has no such finding"),
    ]


def test_a_comment_is_useless_only_if_its_rule_was_asked_for() -> None:
    text = f"net a # cnndsl: ignore[W103]\n{UNUSED}"
    assert codes(text, {"W101", "W103", "W901"}) == [(1, "W901"), (2, "W101")]
    assert codes(text, {"W101", "W901"}) == [(2, "W101")]
    assert codes(text, {"W101", "W103"}) == [(2, "W101")]
    # Where there are errors, no rule is asked.
    assert codes(text + "pool 99\n") == [(5, "E203")]


@pytest.mark.parametrize(
    ("comment", "says"),
    [
        ("ignore[unused-lte]", "there is no rule `unused-lte`"),
        ("ignore[E201]", "`E201` is an error: a text with errors is no net, and they cannot be"),
        ("ignore[ALL]", "`ALL` is more than one rule: name those that are meant"),
        ("ignore[W1]", "`W1` is more than one rule: name those that are meant"),
        ("ignore", "this does not say what it ignores"),
        ("ignore[]", "this does not say what it ignores"),
        ("ignore[ , ]", "this does not say what it ignores"),
    ],
)
def test_comments_that_ignore_no_rule(comment: str, says: str) -> None:
    ((line, code, message),) = found(f"input 8\ndense 4 # cnndsl: {comment}\n")
    assert (line, code) == (2, "W902")
    assert message.startswith(says)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("dense 4  # cnndsl: ignore[W101]\n", "dense 4\n"),
        ("dense 4\t# cnndsl: ignore[W101, W102]", "dense 4"),
        ("# cnndsl: ignore[W101]\ndense 4\n", "dense 4\n"),
        ("  # cnndsl: ignore[W101]\r\ndense 4\r\n", "dense 4\r\n"),
        ("dense 4 # cnndsl: ignore[W101] as before\n", "dense 4 # as before\n"),
        ("dense 4 # large # cnndsl: ignore[W101]\n", "dense 4 # large\n"),
        ("dense 4 # large; cnndsl: ignore[W101]\n", "dense 4 # large;\n"),
    ],
)
def test_useless_comments_are_removed(before: str, after: str) -> None:
    source = Source("a.cnn", "input 8\n" + before)
    (each,) = lint(source, on_by_default())
    (fix,) = each.fixes
    assert fix.safe
    (edit,) = fix.edits
    text = source.text[: edit.span.start] + edit.text + source.text[edit.span.end :]
    assert text == "input 8\n" + after


@pytest.mark.parametrize(
    ("words", "left"),
    [("W103, W101", "W101"), ("W101, W103", "W101"), ("W101,W101 ,W103", "W101")],
)
def test_useless_words_are_removed(words: str, left: str) -> None:
    text = f"# cnndsl: ignore[{words}]\n{UNUSED}"
    while remarks := lint(Source("a.cnn", text), on_by_default()):
        (edit,) = remarks[0].fixes[0].edits
        text = text[: edit.span.start] + edit.text + text[edit.span.end :]
    assert text == f"# cnndsl: ignore[{left}]\n{UNUSED}"


@given(st.text("# cnndsl:ignore[W101]\nlet n=3;,\r\t", max_size=80), st.booleans())
def test_property_comments_never_bring_findings_of_the_net(text: str, first: bool) -> None:
    """Whatever a comment holds, it takes away or speaks of itself; and its fixes can be made."""
    comment = "# cnndsl: ignore[" + text.replace("\n", " ").replace("\r", " ") + "\n"
    source = Source("a.cnn", comment + UNUSED if first else UNUSED + comment)
    said = lint(source, frozenset(CODES))
    plain = lint(Source("a.cnn", UNUSED), frozenset(CODES))
    assert {each.code for each in said} <= {"W901", "W902", *(each.code for each in plain)}
    for each in said:
        assert source.text[each.span.start : each.span.end]
        for fix in each.fixes:
            for edit in fix.edits:
                assert 0 <= edit.span.start < edit.span.end <= len(source.text)


# Baselines


def report(*rows: tuple[str, str, str], files: str = "a.cnn b.cnn") -> Report:
    diagnostics = [
        Diagnostic(code, Source(name, text), Span(text.rindex("\n") + 1, len(text)), "m")
        for name, code, text in rows
    ]
    return Report(diagnostics, files.split(), here="/work", root="/work")


ASKED = {name: frozenset(CODES) for name in ("a.cnn", "b.cnn")}


def test_a_baseline_knows_what_it_was_written_of() -> None:
    then = report(
        ("a.cnn", "W101", "\nlet n = 3"),
        ("a.cnn", "W101", "\nlet n = 3"),
        ("b.cnn", "E201", "x\nconv  8"),
    )
    text = baseline.write(then)
    assert text == (
        '{\n  "version": 1,\n  "findings": [\n'
        '    {"file": "a.cnn", "code": "W101", "line": "let n = 3", "count": 2},\n'
        '    {"file": "b.cnn", "code": "E201", "line": "conv 8", "count": 1}\n  ]\n}\n'
    )
    accepted = baseline.read(text)
    assert baseline.compare(then, accepted, ASKED) == ([], [], [])
    # Other lines above, other blanks: still known. A third of two: new.
    now = report(
        ("a.cnn", "W101", "more\nabove\n  let n  = 3"),
        ("a.cnn", "W101", "\nlet n = 3"),
        ("a.cnn", "W101", "\nlet n = 3"),
        ("b.cnn", "E201", "\nconv 8"),
        ("b.cnn", "E201", "\nconv 9"),
        ("b.cnn", "E202", "\nconv 8"),
    )
    new = baseline.compare(now, accepted, ASKED).new
    assert new == [now.diagnostics[2], now.diagnostics[4], now.diagnostics[5]]


def test_a_baseline_says_what_is_gone() -> None:
    rows = [("a.cnn", "W101", "\nlet n = 3"), ("b.cnn", "W102", "\nparam m = 3")]
    accepted = baseline.read(baseline.write(report(*rows)))
    gone, elsewhere = ("a.cnn", "W101", "let n = 3"), ("b.cnn", "W102", "param m = 3")
    compared = baseline.compare(report(files="a.cnn"), accepted, ASKED)
    assert (compared.gone, compared.elsewhere) == ([gone], [elsewhere])
    # What was not asked for is not gone; nor is advice where an error kept it from being asked.
    assert baseline.compare(report(), accepted, dict.fromkeys(ASKED, ERRORS)).gone == []
    broken = report(("a.cnn", "E201", "\nx"))
    assert baseline.compare(broken, accepted, ASKED).gone == [elsewhere]


def test_an_empty_baseline() -> None:
    text = baseline.write(report())
    assert text == '{\n  "version": 1,\n  "findings": []\n}\n'
    assert baseline.read(text) == {}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "this is not JSON"),
        ("[" * 100_000, "this is not JSON"),
        ("[]", "this is no baseline"),
        ('{"version": 2, "findings": []}', "this is not a baseline of version 1"),
        ('{"version": 1, "findings": {}}', "each of the findings"),
        ('{"version": 1, "findings": [{"file": "a", "code": 3}]}', "each of the findings"),
    ],
)
def test_what_is_no_baseline(text: str, says: str) -> None:
    with pytest.raises(baseline.BaselineError, match=re.escape(says)):
        baseline.read(text)
