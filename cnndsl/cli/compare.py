"""`cnndsl compare`: nets side by side."""

from __future__ import annotations

from cnndsl.cli.nets import (
    INPUT,
    LIMITS,
    SET,
    examine_files,
    has_errors,
    named_files,
    show_diagnostics,
)
from cnndsl.cli.options import Command, Option

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cnndsl.cli.options import Arguments

COMMAND = Command(
    "compare",
    "A B…",
    "set nets side by side",
    "Set nets side by side: layers, depth, parameters, multiply-adds, memory, receptive field,\n"
    "and what share of each other net's the first one's are.",
    (
        Option(
            "--format",
            "text for a terminal, markdown for a document, json for programs",
            "text|markdown|json",
            choices=("text", "markdown", "json"),
        ),
        Option(
            "--params",
            "all parameters, or weights without the biases",
            "all|weights",
            choices=("all", "weights"),
        ),
        SET,
        INPUT,
        LIMITS,
    ),
    ("cnndsl compare article.cnn fully_connected.cnn",),
)


def run(arguments: Arguments) -> int:
    import sys

    from cnndsl.cli.output import data, err, out, say
    from cnndsl.comparison import compare, show_side_by_side

    done, unreadable = examine_files(arguments, named_files(arguments))
    for message in unreadable:
        say(message)
    diagnostics = [each for file in done for each in file.diagnostics]
    if diagnostics:
        err(show_diagnostics(diagnostics, sys.stderr))
    if unreadable:
        return 2
    networks = [file.network for file in done if file.network is not None]
    if has_errors(diagnostics) or len(networks) < len(done):
        return 1
    comparison = compare(networks, arguments.get("params") or "all")
    form = arguments.get("format") or "text"
    if form == "text":
        out(show_side_by_side.as_text(comparison))
    else:
        show = {"markdown": show_side_by_side.as_markdown, "json": show_side_by_side.as_json}
        data(show[form](comparison))
    return 0
