"""Diagnostics as JSON, for programs.

A list of objects with `file`, `line`, `column`, `end_line`, `end_column`, `code`, `name`,
`severity`, `message`, `help` and `fixes`. Lines and columns count from 1, columns in
characters; the end column is the first one that does not belong to it, so that an empty
span has its end where it begins.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from cnndsl.diagnostics.diagnostic import Diagnostic
from cnndsl.diagnostics.harmless import to_json
from cnndsl.diagnostics.message import said
from cnndsl.diagnostics.render import sort_key
from cnndsl.diagnostics.report import Report
from cnndsl.diagnostics.source import Source, Span


def render_report(report: Report) -> str:
    """Every diagnostic of a run."""
    return render_json(report.diagnostics, report.lang)


def render_json(diagnostics: Iterable[Diagnostic], lang: str = "en") -> str:
    """Every diagnostic, sorted by file, position and code, as the text of a JSON list."""
    rows = [as_json(each, lang) for each in sorted(diagnostics, key=sort_key)]
    return to_json(rows)


def as_json(diagnostic: Diagnostic, lang: str = "en") -> dict[str, Any]:
    """One diagnostic as a value that JSON can hold."""
    source = diagnostic.source
    return {
        "file": source.name,
        **_place(source, diagnostic.span),
        "code": diagnostic.code,
        "name": diagnostic.name,
        "severity": diagnostic.severity,
        "message": said(diagnostic.message, lang),
        "help": said(diagnostic.help, lang),
        "fixes": [
            {
                "title": said(fix.title, lang),
                "safe": fix.safe,
                "edits": [{**_place(source, edit.span), "text": edit.text} for edit in fix.edits],
            }
            for fix in diagnostic.fixes
        ],
    }


def _place(source: Source, span: Span) -> dict[str, int]:
    return dict(zip(("line", "column", "end_line", "end_column"), source.ends(span)))
