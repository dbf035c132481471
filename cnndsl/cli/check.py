"""`cnndsl check`: every problem of some files, in one run."""

from __future__ import annotations

from cnndsl.cli.fix import OPTIONS as FIX
from cnndsl.cli.fix import wanted as wants_fixes
from cnndsl.cli.nets import (
    INPUT,
    LIMITS,
    SET,
    examine_files,
    examiner,
    has_errors,
    named_files,
    summary,
)
from cnndsl.cli.options import Command, Option

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cnndsl.cli.options import Arguments

COMMAND = Command(
    "check",
    "PATH…",
    "report what is wrong with nets",
    "Report everything that is wrong with some nets, each with its place.",
    (
        Option(
            "--format",
            "text for people, json for programs: a list of objects,\n"
            "lines and columns from 1, end columns exclusive",
            "text|json",
            choices=("text", "json"),
        ),
        *FIX,
        SET,
        INPUT,
        LIMITS,
    ),
    (
        "cnndsl check article.cnn",
        "cnndsl check nets/ --format json",
        "cnndsl check nets/ --fix",
        "cnndsl check article.cnn --diff --unsafe",
    ),
)


def run(arguments: Arguments) -> int:
    import sys

    from cnndsl.cli.output import data, err, out, say
    from cnndsl.diagnostics.codes import on_by_default

    advice = on_by_default()
    paths = named_files(arguments)
    fixed = None
    if wants_fixes(arguments):
        from cnndsl.cli.fix import fix_files

        fixed = fix_files(arguments, paths, examiner(arguments, advice))
        done, unreadable = fixed.done, fixed.unreadable
        for text in fixed.texts:
            data(text)
        if fixed.piped:
            out = err  # standard output has the text of the net
    else:
        done, unreadable = examine_files(arguments, paths, advice)
    diagnostics = [each for file in done for each in file.diagnostics]
    if arguments.get("format") == "json":
        from cnndsl.diagnostics.render_json import render_json

        (err if fixed and fixed.piped else data)(render_json(diagnostics))
    else:
        if diagnostics:
            from cnndsl.cli.nets import show_diagnostics

            out(show_diagnostics(diagnostics, sys.stderr if out is err else sys.stdout))
        if fixed:
            out(fixed.summary)
        if done:
            out(summary(done) + "\n")
    for message in unreadable:
        say(message)
    if unreadable:
        return 2
    return int(has_errors(diagnostics) or (arguments.has("diff") and bool(fixed and fixed.fixes)))
