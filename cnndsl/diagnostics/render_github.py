"""Diagnostics as workflow commands of GitHub Actions: annotations in the lines of a change.

GitHub shows ten of a kind for each step; `render_summary` says them all.
"""

from __future__ import annotations

from collections.abc import Iterator

from cnndsl.diagnostics.diagnostic import Diagnostic
from cnndsl.diagnostics.harmless import without_commands
from cnndsl.diagnostics.render import printable
from cnndsl.diagnostics.report import Report


def render_report(report: Report) -> str:
    """A line for each finding, `::error file=…,line=…::…`."""
    lines = [f"::error title=unreadable::{_data(each.message)}" for each in report.unreadable]
    lines += [_command(report, each) for each in report.diagnostics]
    return "".join(line + "\n" for line in lines)


def _command(report: Report, diagnostic: Diagnostic) -> str:
    properties = ",".join(f"{key}={_value(value)}" for key, value in _place(report, diagnostic))
    return f"::{diagnostic.severity} {properties}::{_data(diagnostic.told(report.lang))}"


def _place(report: Report, diagnostic: Diagnostic) -> Iterator[tuple[str, str]]:
    source, span = diagnostic.source, diagnostic.span
    line, column, end_line, end_column = source.ends(span)
    yield "title", f"{diagnostic.code} {diagnostic.name}"
    yield "file", report.path(source.name)
    yield "line", str(line)
    # GitHub takes columns only of what stays in a line. Its last column is the last character.
    if line == end_line:
        yield "endLine", str(line)
        yield "col", str(column)
        yield "endColumn", str(max(column, end_column - 1))


def _data(text: str) -> str:
    text = without_commands("\n".join(map(printable, text.split("\n"))))
    return text.replace("%", "%25").replace("\n", "%0A")


def _value(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
