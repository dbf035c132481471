"""How often each code was found: for people, and for programs."""

from __future__ import annotations

from collections import Counter

from cnndsl.diagnostics.codes import CODES
from cnndsl.diagnostics.report import Report


def render_text(report: Report) -> str:
    """A line a code, the most frequent first."""
    rows = counts(report)
    width = max((len(f"{count:,}") for _, count in rows), default=0)
    return "".join(f"{count:>{width},}  {code}  {CODES[code].name}\n" for code, count in rows)


def render_json(report: Report) -> str:
    """A JSON list of objects with `code`, `name`, `severity` and `count`."""
    import json

    rows = [
        {"code": code, "name": CODES[code].name, "severity": CODES[code].severity, "count": count}
        for code, count in counts(report)
    ]
    return json.dumps(rows, indent=2) + "\n"


def counts(report: Report) -> list[tuple[str, int]]:
    """Each code that was found with how often, the most frequent first."""
    found = Counter(each.code for each in report.diagnostics)
    return sorted(found.items(), key=lambda row: (-row[1], row[0]))
