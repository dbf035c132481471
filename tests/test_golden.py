"""Whole texts and what comes of them: a folder of tests/golden a case.

`net.cnn` is the text. Its first line may give the options of a command line in a comment, as
`# --set width=8`. Beside it stand `expected.json` and `expected.md`, the outputs of these
targets; or, for a text with mistakes, `expected.diagnostics`.

    CNNDSL_UPDATE_GOLDEN=1 pytest tests/test_golden.py

writes down what comes out today. Read the difference before you keep it: each file is there
because somebody worked out that it is right.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from cnndsl.api import analysis_of, examine
from cnndsl.cli.terminal.files import decode
from cnndsl.diagnostics import CODES, Source
from cnndsl.diagnostics.render import render_all
from cnndsl.targets import load

GOLDEN = Path(__file__).parent / "golden"
CASES = sorted(path.parent.name for path in GOLDEN.glob("*/net.cnn"))
UPDATE = os.environ.get("CNNDSL_UPDATE_GOLDEN", "") not in ("", "0")


def outputs(name: str) -> dict[str, str]:
    """The files that a text comes to, by name."""
    source, problems = decode("net.cnn", (GOLDEN / name / "net.cnn").read_bytes())
    network = None
    if not problems:
        first = source.text.split("\n", 1)[0]
        settings = dict(re.findall(r"--set (\w+)=(\S+)", first))
        size = re.search(r"--input (\S+)", first)
        network, problems = examine(source, settings, size[1] if size else None)
    if network is None:
        return {"expected.diagnostics": render_all(problems)}
    return {
        "expected.json": load("json").generate(network),
        "expected.md": load("markdown").generate(network),
    }


@pytest.mark.parametrize("name", CASES)
def test_golden(name: str) -> None:
    found = outputs(name)
    folder = GOLDEN / name
    if UPDATE:
        for stale in folder.glob("expected.*"):
            stale.unlink()
        for file, text in found.items():
            (folder / file).write_text(text, encoding="utf-8", newline="\n")
    expected = {path.name: path.read_text(encoding="utf-8") for path in folder.glob("expected.*")}
    assert found == expected


def test_each_mistake_of_a_text_has_a_case() -> None:
    told = "".join(
        path.read_text(encoding="utf-8") for path in GOLDEN.glob("*/expected.diagnostics")
    )
    codes = {code for code in CODES if code < "E4"}
    assert codes <= set(re.findall(r"^error\[(E\d{3})\]", told, re.M))


def mistakes() -> list[str]:
    return [name for name in CASES if (GOLDEN / name / "expected.diagnostics").exists()]


@pytest.mark.parametrize("name", mistakes())
def test_fixes_fix(name: str) -> None:
    """Each fix alone leaves a text without the mistake."""
    source, problems = decode("net.cnn", (GOLDEN / name / "net.cnn").read_bytes())
    problems = problems or examine(source)[1]
    for problem in problems:
        for fix in problem.fixes:
            text = source.text
            for edit in sorted(fix.edits, reverse=True):
                text = text[: edit.span.start] + edit.text + text[edit.span.end :]
            left = analysis_of(Source("net.cnn", text)).problems
            place = problem.code, problem.message, source.position(problem.span.start).line
            assert place not in [
                (each.code, each.message, each.source.position(each.span.start).line)
                for each in left
            ], (fix.title, text)
