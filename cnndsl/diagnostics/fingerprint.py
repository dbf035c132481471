"""What stays of a finding when the lines around it move."""

from __future__ import annotations

from collections.abc import Iterator

from cnndsl.diagnostics.diagnostic import Diagnostic
from cnndsl.diagnostics.report import Report

LONGEST = 1_000
"""How many characters of a line count."""


def line_of(diagnostic: Diagnostic) -> str:
    """The line that a finding begins in, runs of white space as one blank."""
    source = diagnostic.source
    start = source.line_start(diagnostic.span.start)
    return " ".join(source.text[start : source.line_end(start, LONGEST)].split())


def fingerprints(report: Report) -> Iterator[tuple[Diagnostic, str]]:
    """Every finding with a name for it, in hexadecimal, that no other finding has.

    It is made of the path, the code, the text of the line, and how many findings there are
    before it with the same.
    """
    from hashlib import sha256

    seen: dict[tuple[str, str, str], int] = {}
    for each in report.diagnostics:
        key = (report.path(each.source.name), each.code, line_of(each))
        seen[key] = number = seen.get(key, 0) + 1
        text = "\0".join((*key, str(number)))
        yield each, sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]
