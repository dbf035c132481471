"""Diagnostics as a code quality report of GitLab: a list, and a fingerprint in each of it."""

from __future__ import annotations

from typing import Any

from cnndsl.diagnostics.diagnostic import Diagnostic
from cnndsl.diagnostics.fingerprint import fingerprints
from cnndsl.diagnostics.harmless import to_json
from cnndsl.diagnostics.message import said
from cnndsl.diagnostics.report import Report

# Of GitLab's info, minor, major, critical, blocker.
_SEVERITY = {"error": "major", "warning": "minor"}


def render_report(report: Report) -> str:
    """The text of a JSON list."""
    rows = [_row(report, each, fingerprint) for each, fingerprint in fingerprints(report)]
    return to_json(rows)


def _row(report: Report, diagnostic: Diagnostic, fingerprint: str) -> dict[str, Any]:
    source = diagnostic.source
    begin, _, end, _ = source.ends(diagnostic.span)
    return {
        "description": f"{diagnostic.name}: {said(diagnostic.message, report.lang)}",
        "check_name": diagnostic.code,
        "fingerprint": fingerprint,
        "severity": _SEVERITY[diagnostic.severity],
        "location": {"path": report.path(source.name), "lines": {"begin": begin, "end": end}},
    }
