"""Diagnostics as Markdown for the summary of a step in GitHub Actions: all of them."""

from __future__ import annotations

from cnndsl.diagnostics.diagnostic import label
from cnndsl.diagnostics.markdown import escaped
from cnndsl.diagnostics.message import Message, said
from cnndsl.diagnostics.report import Report

LIMIT = 500_000
"""Bytes of rows. GitHub takes a mebibyte for each step, and nothing of what is larger."""


def render_report(report: Report) -> str:
    """A heading and a table with a row for each finding, as many as fit."""
    lang = report.lang
    if not report.diagnostics and not report.unreadable:
        nothing = Message("nothing to say about {count:,} files", count=len(report.files))
        if len(report.files) == 1:
            nothing = Message("nothing to say about 1 file")
        return f"### cnndsl: {said(nothing, lang)}\n"
    rows = [("", "", each.message) for each in report.unreadable]
    for each in report.diagnostics:
        source = each.source
        line, column = source.position(each.span.start)
        place = f"{report.path(source.name)}:{line}:{column}"
        reported = said(each.message, lang)
        if each.help:
            reported += f"\n{label('help', lang)}: {said(each.help, lang)}"
        what = f"{label(each.severity, lang)} {each.code} {each.name}"
        rows.append((place, what, reported))
    count = len(rows)
    found = Message("{count:,} findings", count=count) if count != 1 else Message("1 finding")
    titles = Message("where"), Message("what"), Message("message")
    out = [
        f"### cnndsl: {said(found, lang)}\n\n",
        f"| {' | '.join(said(title, lang) for title in titles)} |\n|---|---|---|\n",
    ]
    room = LIMIT
    for index, row in enumerate(rows):
        line_ = f"| {' | '.join(map(_cell, row))} |\n"
        room -= len(line_.encode("utf-8", "backslashreplace"))
        if room < 0:
            more = Message("… and {count:,} more", count=count - index)
            out.append(f"\n{said(more, lang)}\n")
            break
        out.append(line_)
    return "".join(out)


def _cell(text: str) -> str:
    """A text as a cell that shows it, line by line, and nothing else."""
    return "<br>".join(map(escaped, text.split("\n")))
