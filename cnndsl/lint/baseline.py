"""A baseline: the findings that a repository had before it was checked.

They are known by file, code and the text of the line, and not by its number, so that a
change further up does not make them new. What is found oftener than it was is new.

    {"version": 1, "findings": [{"file": "a.cnn", "code": "W101", "line": "bn", "count": 2}]}
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Container, Mapping
from typing import NamedTuple, TypeAlias

from cnndsl.diagnostics import Diagnostic
from cnndsl.diagnostics.fingerprint import line_of
from cnndsl.diagnostics.report import Report
from cnndsl.lint.selection import ERRORS

Key: TypeAlias = tuple[str, str, str]

VERSION = 1


class BaselineError(ValueError):
    """A text that is no baseline. Its text says why."""


class Compared(NamedTuple):
    """What a baseline leaves: the new findings.

    `gone` are the entries that nothing in the files of the run answers to any more, and
    `elsewhere` the entries of other files.
    """

    new: list[Diagnostic]
    gone: list[Key]
    elsewhere: list[Key]


def write(report: Report) -> str:
    """The baseline of what was found: the text of a JSON file."""
    counts = Counter(_key(report, each) for each in report.diagnostics)
    rows = [
        {"file": file, "code": code, "line": line, "count": count}
        for (file, code, line), count in sorted(counts.items())
    ]
    # A finding a line: a change of the file reads well.
    lines = ",\n".join(f"    {json.dumps(row)}" for row in rows)
    listed = f"[\n{lines}\n  ]" if rows else "[]"
    return f'{{\n  "version": {VERSION},\n  "findings": {listed}\n}}\n'


def read(text: str) -> dict[Key, int]:
    """How often each finding is accepted. Raises BaselineError."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BaselineError(f"this is not JSON: {error}") from None
    if not isinstance(value, dict) or "findings" not in value:
        raise BaselineError("this is no baseline: it has no `findings`")
    if value.get("version") != VERSION:
        raise BaselineError(f"this is not a baseline of version {VERSION}: write it anew")
    found: Counter[Key] = Counter()
    rows = value["findings"]
    for row in rows if isinstance(rows, list) else [None]:
        match row:
            case {"file": str(file), "code": str(code), "line": str(line), "count": int(count)}:
                found[file, code, line] += count
            case _:
                raise BaselineError(
                    "each of the findings of a baseline has a file, a code, a line and a count"
                )
    return found


def compare(
    report: Report, accepted: dict[Key, int], codes: Mapping[str, Container[str]]
) -> Compared:
    """What is new beside the findings that are accepted.

    `codes` are those that were asked for, by the file's name. What was not asked for is not
    gone; and no advice was asked for where there are errors.
    """
    left = dict(accepted)
    new, broken = [], set()
    for each in report.diagnostics:
        key = _key(report, each)
        if each.severity == "error":
            broken.add(key[0])
        if left.get(key, 0) > 0:
            left[key] -= 1
        else:
            new.append(each)
    asked = {report.path(name): codes[name] for name in report.files}
    gone, elsewhere = [], []
    for key, count in left.items():
        file, code, _ = key
        if file not in asked:
            elsewhere.append(key)
        elif count > 0 and code in asked[file] and (file not in broken or code in ERRORS):
            gone.append(key)
    return Compared(new, gone, elsewhere)


def _key(report: Report, diagnostic: Diagnostic) -> Key:
    return (report.path(diagnostic.source.name), diagnostic.code, line_of(diagnostic))
