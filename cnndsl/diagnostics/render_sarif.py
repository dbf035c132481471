"""Diagnostics as SARIF 2.1.0, the OASIS format that code scanning reads.

The numbers in comments are sections of that standard. Columns count characters, as
everywhere in cnndsl, and SARIF is told so.
"""

from __future__ import annotations

import re
from typing import Any

from cnndsl.diagnostics.codes import CODES
from cnndsl.diagnostics.diagnostic import Diagnostic, Fix, Note
from cnndsl.diagnostics.fingerprint import fingerprints
from cnndsl.diagnostics.harmless import to_json
from cnndsl.diagnostics.message import said
from cnndsl.diagnostics.report import Report, is_absolute
from cnndsl.diagnostics.source import Source, Span


def render_report(report: Report) -> str:
    """The text of a SARIF log with one run."""
    codes = sorted({each.code for each in report.diagnostics})
    run: dict[str, Any] = {
        "tool": {
            "driver": {
                "name": "cnndsl",
                "semanticVersion": report.version,
                "rules": [_rule(code, report.pages.get(code, "")) for code in codes],
            }
        },
        "invocations": [_invocation(report)],
        "columnKind": "unicodeCodePoints",
        "results": [
            _result(report, each, codes.index(each.code), fingerprint)
            for each, fingerprint in fingerprints(report)
        ],
    }
    log = {
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [run],
    }
    return to_json(log)


def _rule(code: str, page: str) -> dict[str, Any]:
    """A reportingDescriptor (3.49)."""
    row = CODES[code]
    rule: dict[str, Any] = {
        "id": code,
        "name": row.name,
        "shortDescription": {"text": row.summary},
        "defaultConfiguration": {"enabled": row.default, "level": row.severity},
    }
    if page:
        # The page as text: Markdown is made to be read without being rendered (3.11.8).
        rule["help"] = {"text": page, "markdown": page}
    return rule


def _invocation(report: Report) -> dict[str, Any]:
    """Whether the run did what it was asked to (3.20.14), and why not."""
    invocation: dict[str, Any] = {"executionSuccessful": not report.unreadable}
    if report.unreadable:
        invocation["toolExecutionNotifications"] = [
            {"level": "error", "message": {"text": _literal(each.message)}}
            for each in report.unreadable
        ]
    return invocation


def _result(report: Report, diagnostic: Diagnostic, rule: int, fingerprint: str) -> dict[str, Any]:
    reported = diagnostic.told(report.lang)
    result: dict[str, Any] = {
        "ruleId": diagnostic.code,
        "ruleIndex": rule,
        "level": diagnostic.severity,
        "message": {"text": _literal(reported)},
        "locations": [_location(report, diagnostic.source, diagnostic.span)],
        "partialFingerprints": {"codeAndLine/v1": fingerprint},
    }
    related = [_related(report, diagnostic.source, note) for note in diagnostic.notes if note.span]
    if related:
        result["relatedLocations"] = related
    if diagnostic.fixes:
        result["fixes"] = [_fix(report, diagnostic.source, fix) for fix in diagnostic.fixes]
    return result


def _location(report: Report, source: Source, span: Span) -> dict[str, Any]:
    return {
        "physicalLocation": {
            "artifactLocation": _artifact(report, source.name),
            "region": _region(source, span),
        }
    }


def _related(report: Report, source: Source, note: Note) -> dict[str, Any]:
    assert note.span is not None
    message = {"message": {"text": _literal(said(note.message, report.lang))}}
    return {**_location(report, source, note.span), **message}


def _fix(report: Report, source: Source, fix: Fix) -> dict[str, Any]:
    replacements = [
        {"deletedRegion": _region(source, edit.span), "insertedContent": {"text": edit.text}}
        for edit in fix.edits
    ]
    change = {"artifactLocation": _artifact(report, source.name), "replacements": replacements}
    return {
        "description": {"text": _literal(said(fix.title, report.lang))},
        "artifactChanges": [change],
    }


def _artifact(report: Report, name: str) -> dict[str, str]:
    """Where a file is (3.4): relative to the root of the sources if it is below it."""
    from urllib.parse import quote

    path = report.path(name)
    quoted = quote(path.encode("utf-8", "surrogateescape"))
    if is_absolute(path):
        return {"uri": "file://" + ("" if path.startswith("/") else "/") + quoted}
    return {"uri": quoted, "uriBaseId": "%SRCROOT%"}


def _region(source: Source, span: Span) -> dict[str, int]:
    return dict(zip(("startLine", "startColumn", "endLine", "endColumn"), source.ends(span)))


def _literal(text: str) -> str:
    """A message that shows the text: `{0}` would be an argument (3.11.5), `[a](1)` a link."""
    text = text.replace("{", "{{").replace("}", "}}")
    return re.sub(r"([\\\[\]])", r"\\\1", text) if "](" in text else text
