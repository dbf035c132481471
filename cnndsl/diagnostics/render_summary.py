"""Diagnostics as Markdown for the summary of a step in GitHub Actions: all of them."""

from __future__ import annotations

from cnndsl.diagnostics.markdown import escaped
from cnndsl.diagnostics.report import Report

LIMIT = 500_000
"""Bytes of rows. GitHub takes a mebibyte for each step, and nothing of what is larger."""


def render_report(report: Report) -> str:
    """A heading and a table with a row for each finding, as many as fit."""
    if not report.diagnostics and not report.unreadable:
        count = len(report.files)
        return f"### cnndsl: nothing to say about {count:,} file{'' if count == 1 else 's'}\n"
    rows = [("", "", each.message) for each in report.unreadable]
    for each in report.diagnostics:
        source = each.source
        line, column = source.position(each.span.start)
        place = f"{report.path(source.name)}:{line}:{column}"
        reported = each.message + (f"\nhelp: {each.help}" if each.help else "")
        rows.append((place, f"{each.severity} {each.code} {each.name}", reported))
    count = len(rows)
    out = [
        f"### cnndsl: {count:,} finding{'' if count == 1 else 's'}\n\n",
        "| where | what | message |\n|---|---|---|\n",
    ]
    room = LIMIT
    for index, row in enumerate(rows):
        line_ = f"| {' | '.join(map(_cell, row))} |\n"
        room -= len(line_.encode("utf-8", "backslashreplace"))
        if room < 0:
            out.append(f"\n… and {count - index:,} more\n")
            break
        out.append(line_)
    return "".join(out)


def _cell(text: str) -> str:
    """A text as a cell that shows it, line by line, and nothing else."""
    return "<br>".join(map(escaped, text.split("\n")))
