"""`cnndsl check`: every problem of some files, in one run."""

from __future__ import annotations

from cnndsl.cli.nets import INPUT, LIMITS, SET, examine_files, has_errors, named_files, summary
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
        SET,
        INPUT,
        LIMITS,
    ),
    ("cnndsl check article.cnn", "cnndsl check nets/ --format json"),
)


def run(arguments: Arguments) -> int:
    import sys

    from cnndsl.cli.output import data, out, say

    done, unreadable = examine_files(arguments, named_files(arguments))
    diagnostics = [each for file in done for each in file.diagnostics]
    if arguments.get("format") == "json":
        from cnndsl.diagnostics.render_json import render_json

        data(render_json(diagnostics))
    else:
        if diagnostics:
            from cnndsl.cli.nets import show_diagnostics

            out(show_diagnostics(diagnostics, sys.stdout))
        if done:
            out(summary(done) + "\n")
    for message in unreadable:
        say(message)
    return 2 if unreadable else int(has_errors(diagnostics))
