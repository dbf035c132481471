"""The formats of `check` for programs, and the summary of a step in GitHub Actions."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence

from cnndsl import __version__
from cnndsl.cli.runner.plan import Outcome
from cnndsl.cli.terminal.files import FileError, reason, refuse_irregular
from cnndsl.diagnostics.diagnostic import Diagnostic
from cnndsl.diagnostics.render import sort_key
from cnndsl.diagnostics.report import Report, Unreadable

# Where the sources begin, for the services that read paths; else the current folder.
_ROOTS = ("GITHUB_WORKSPACE", "CI_PROJECT_DIR")


def report_of(outcome: Outcome) -> Report:
    """The value that every format renders."""
    from cnndsl.cli.commands.rule import page

    diagnostics = sorted(outcome.diagnostics, key=sort_key)
    return bare_report(diagnostics, outcome.unreadable, outcome.plan.lang)._replace(
        files=[file.path for file in outcome.files],
        strict=outcome.strict,
        pages={code: page(code, outcome.plan.lang) for code in {each.code for each in diagnostics}},
    )


def bare_report(
    diagnostics: Sequence[Diagnostic], unreadable: Iterable[tuple[str, str]], lang: str
) -> Report:
    """What is said, and where the sources lie, without what only some formats want."""
    here = os.path.realpath(os.getcwd())
    root = next(filter(None, map(os.environ.get, _ROOTS)), here)
    return Report(
        diagnostics,
        (),
        [Unreadable(*each) for each in unreadable],
        here=here.rstrip(os.sep),
        root=os.path.realpath(root).rstrip(os.sep),
        separator=os.sep,
        version=__version__,
        lang=lang,
    )


def print_report(
    form: str, outcome: Outcome, tell: Callable[[str], None], statistics: bool
) -> None:
    """Print what was found in a format; `statistics` prints how often instead."""
    report = report_of(outcome)
    if statistics:
        from cnndsl.diagnostics.render_statistics import render_json

        tell(render_json(report))
        return
    renderer = __import__(f"cnndsl.diagnostics.render_{form}", fromlist=["render_report"])
    tell(renderer.render_report(report))
    if form == "github":
        tell(outcome.summary)
        _write_step_summary(report)


def _write_step_summary(report: Report) -> None:
    """Add all findings to the page of a workflow's run, which shows few annotations."""
    path = os.environ.get("GITHUB_STEP_SUMMARY")
    if not path:
        return
    from cnndsl.diagnostics.render_summary import render_report

    text = render_report(report).encode("utf-8", "backslashreplace")
    refuse_irregular(path)
    try:
        with open(path, "ab") as file:
            file.write(text)
    except OSError as error:
        raise FileError(f"{path}: cannot write: {reason(error)}") from None
