"""Diagnostics as a JUnit report: a file is a test, which fails where the run would.

Warnings that do not make the run fail stand in the output of a test that passes.
"""

from __future__ import annotations

from cnndsl.diagnostics.diagnostic import Diagnostic
from cnndsl.diagnostics.harmless import xml_escaped
from cnndsl.diagnostics.message import Message, said
from cnndsl.diagnostics.render import printable, render
from cnndsl.diagnostics.report import Report

_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "\t": "&#9;", "\r": "&#13;"}
_IN_TEXT = str.maketrans(_ENTITIES)
_IN_ATTRIBUTES = str.maketrans(_ENTITIES | {"\n": "&#10;"})


def render_report(report: Report) -> str:
    """The text of an XML file: one suite, a test for each file."""
    found: dict[str, list[Diagnostic]] = {}
    for each in report.diagnostics:
        found.setdefault(each.source.name, []).append(each)
    cases = [_case(report, name, found.get(name, [])) for name in report.files]
    cases += [
        f'{_begin(report, each.file)}\n      <error type="unreadable"'
        f" message={_attribute(each.message)}/>\n    </testcase>\n"
        for each in report.unreadable
    ]
    failed = {name for name, rows in found.items() if any(map(report.fails, rows))}
    counts = f'tests="{len(cases)}" failures="{len(failed)}" errors="{len(report.unreadable)}"'
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<testsuites name="cnndsl" {counts}>\n'
        f'  <testsuite name="cnndsl" {counts} skipped="0">\n'
        f"{''.join(cases)}  </testsuite>\n</testsuites>\n"
    )


def _begin(report: Report, name: str) -> str:
    # No `file`: the schema of Jenkins's xUnit plugin, which is strict, has no such attribute.
    return f'    <testcase classname="cnndsl" name={_attribute(report.path(name))}>'


def _case(report: Report, name: str, found: list[Diagnostic]) -> str:
    begin = _begin(report, name)
    if not found:
        return begin[:-1] + "/>\n"
    failing = [each for each in found if report.fails(each)]
    rest = [each for each in found if not report.fails(each)]
    parts = [begin + "\n"]
    if failing:
        first = failing[0]
        reported = f"{first.code} {first.name}: {said(first.message, report.lang)}"
        if len(failing) > 1:
            more = Message(
                "{message} and {count:,} more",
                message=Message("{text}", text=reported),
                count=len(failing) - 1,
            )
            reported = said(more, report.lang)
        shown = "".join(render(each, lang=report.lang) for each in failing)
        parts.append(
            f'      <failure type="{first.severity}" message={_attribute(reported)}>'
            f"{_text(shown)}</failure>\n"
        )
    if rest:
        shown = _text("".join(render(each, lang=report.lang) for each in rest))
        parts.append(f"      <system-out>{shown}</system-out>\n")
    return "".join([*parts, "    </testcase>\n"])


def _attribute(text: str) -> str:
    return f'"{xml_escaped(_legal(text).translate(_IN_ATTRIBUTES))}"'


def _text(text: str) -> str:
    return xml_escaped(_legal(text).translate(_IN_TEXT))


def _legal(text: str) -> str:
    """The text with what XML 1.0 cannot hold in any way (control characters) escaped."""
    return "".join(c if c in "\t\n\r" or _is_legal(ord(c)) else printable(c) for c in text)


def _is_legal(point: int) -> bool:
    return 0x20 <= point <= 0xD7FF or 0xE000 <= point <= 0xFFFD or point >= 0x10000
