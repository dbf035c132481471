"""`cnndsl check`: every problem of some files, in one run."""

from __future__ import annotations

from cnndsl.cli.commands.fix import OPTIONS as FIX
from cnndsl.cli.commands.fix import wanted as wants_fixes
from cnndsl.cli.commands.nets import NET, named_files
from cnndsl.cli.runner.plan import Outcome
from cnndsl.cli.terminal.language import LANG
from cnndsl.cli.terminal.options import Arguments, Command, UsageError
from cnndsl.cli.terminal.output import data, data_aside, err, out, say
from cnndsl.contract import Option

FORMATS = ("text", "json", "github", "sarif", "junit", "gitlab")

COMMAND = Command(
    "check",
    "PATH…",
    "report what is wrong with nets",
    "Report everything that is wrong with some nets, each with its place.\n"
    "RULES are codes (W101), names (unused-let), beginnings of codes (W1) or ALL, with\n"
    "commas between them; `cnndsl rule` lists them. Errors are reported whatever is selected.",
    (
        Option(
            "format",
            "text for people (the default), json for programs, github for\n"
            "annotations, sarif, junit, gitlab for its code quality",
            "word",
            "FORMAT",
            choices=FORMATS,
        ),
        *FIX,
        Option(
            "select", "report these rules, not those on by default", "word", "RULES", repeated=True
        ),
        Option("ignore", "leave these rules out", "word", "RULES", repeated=True),
        Option("error-on-warning", "exit 1 for warnings too"),
        Option("exit-zero", "exit 0 whatever is found"),
        Option("statistics", "print how often each rule was found, and nothing else"),
        Option("baseline", "leave out the findings that this file accepts", "word", "FILE"),
        Option("write-baseline", "accept what is found: write it to this file", "word", "FILE"),
        Option("no-cache", "check files again that are as they were in an earlier run"),
        LANG,
        Option("jobs", "check with so many processes (as many as there are cores)", "natural", "N"),
        *NET,
    ),
    (
        "cnndsl check article.cnn",
        "cnndsl check nets/ --format json",
        "cnndsl check nets/ --fix",
        "cnndsl check article.cnn --diff --unsafe",
        "cnndsl check nets/ --format sarif > cnndsl.sarif",
        "cnndsl check nets/ --select ALL --ignore W1",
    ),
)


def run(arguments: Arguments) -> int:
    from cnndsl.cli.runner.outcome import examine
    from cnndsl.cli.runner.plan import plan_of

    form = arguments.get("format") or "text"
    if arguments.has("statistics") and form not in ("text", "json"):
        raise UsageError(f"--statistics is text or json, not {form}")
    if arguments.has("baseline") and arguments.has("write-baseline"):
        raise UsageError("--baseline compares, and --write-baseline writes: give one of them")
    mending = wants_fixes(arguments)
    plan = plan_of(arguments, named_files(arguments))
    fixed = None
    if mending:
        from cnndsl.cli.commands.fix import fix_files

        fixed = fix_files(arguments, plan)
        outcome = fixed.outcome
        for text in fixed.texts:
            data(text)
    else:
        outcome = examine(plan)
    if arguments.has("write-baseline"):
        return _write_baseline(arguments, outcome)
    if arguments.has("baseline"):
        from cnndsl.cli.commands.baseline import compare

        outcome = compare(arguments.get("baseline") or "", outcome)
    # Where standard output has the text of a net, the rest goes to standard error.
    piped = fixed is not None and fixed.piped
    if form == "text":
        _show(outcome, piped, arguments.has("statistics"), fixed.summary if fixed else "")
    else:
        from cnndsl.cli.terminal.formats import print_report

        tell = data_aside if piped else data
        print_report(form, outcome, tell, arguments.has("statistics"))
    _say_unreadable(outcome)
    if outcome.unreadable:
        return 2
    if arguments.has("exit-zero"):
        return 0
    return int(outcome.fails or (arguments.has("diff") and bool(fixed and fixed.fixes)))


def _show(outcome: Outcome, piped: bool, statistics: bool, fixes: str) -> None:
    """What was found, for people, and how much it is."""
    import sys

    from cnndsl.cli.commands.nets import show_diagnostics

    tell, stream = (err, sys.stderr) if piped else (out, sys.stdout)
    if statistics:
        from cnndsl.cli.terminal.formats import report_of
        from cnndsl.diagnostics.render_statistics import render_text

        tell(render_text(report_of(outcome)))
    elif diagnostics := outcome.diagnostics:
        tell(show_diagnostics(diagnostics, stream, outcome.plan.lang), painted=True)
    tell(fixes + outcome.summary)


def _say_unreadable(outcome: Outcome) -> None:
    for _, message in outcome.unreadable:
        say(message)


def _write_baseline(arguments: Arguments, outcome: Outcome) -> int:
    """Write down what was found, unless a file could not be read."""
    from cnndsl.cli.commands.baseline import write_baseline

    _say_unreadable(outcome)
    if outcome.unreadable:
        return 2
    write_baseline(arguments.get("write-baseline") or "", outcome)
    return 0
