"""`cnndsl diff`: what changed in meaning from one net to another."""

from __future__ import annotations

import os

from cnndsl.cli.commands.nets import NET, asked, format_option
from cnndsl.cli.terminal.files import FileError, display_name, read_source
from cnndsl.cli.terminal.options import Arguments, Command, UsageError
from cnndsl.contract import Option

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cnndsl.comparison.sides import Version

COMMAND = Command(
    "diff",
    "OLD NEW",
    "show what changed in meaning between two nets",
    "Show what changed in meaning from one net to another: layers added, removed and changed,\n"
    "and what follows from it. Formatting, names and the way a net is written are no change.\n"
    "It can be git's external diff for .cnn files: it takes git's seven arguments as well.",
    (
        format_option(
            "text for a terminal, markdown for a pull request,\njson for programs",
            *("text", "markdown", "json"),
        ),
        Option("exit-code", "exit 1 where anything changed in meaning, as git diff does"),
        *NET,
    ),
    (
        "cnndsl diff old.cnn new.cnn",
        "git show HEAD:net.cnn | cnndsl diff - net.cnn --format markdown",
    ),
)

NOTHING = "/dev/null"
"""What git gives for the side where there is no file."""


def run(arguments: Arguments) -> int:
    from cnndsl.cli.terminal.output import data, out, say
    from cnndsl.comparison.sides import report

    paths, names, by_git = _paths(arguments.operands)
    try:
        old, new = (_read(path, name) for path, name in zip(paths, names, strict=True))
    except FileError as error:
        say(str(error))
        return 2
    form = arguments.get("format") or "text"
    old, new = _examined(old, new, arguments), _examined(new, old, arguments)
    text, differs = report(old, new, form)
    if by_git and os.environ.get("GIT_DIFF_PATH_COUNTER", "1") != "1":
        out("\n")  # git puts nothing between the files of a diff
    if form == "text":
        out(text)
    else:
        data(text)
    if by_git:
        return 0  # at any other code git gives up, and shows none of the files that follow
    if old.problems or new.problems:
        return 1
    return int(differs and arguments.has("exit-code"))


def _paths(operands: list[str]) -> tuple[tuple[str, str], tuple[str, str], bool]:
    """The paths of both sides, their names, and whether it is git that calls.

    Git gives an external diff the path, then a file, its hash and its mode for either side,
    and where the file was renamed its new path and a remark.
    """
    if len(operands) in (7, 9):
        path, old, _, _, new, *_ = operands
        return (old, new), (path, operands[7] if len(operands) == 9 else path), True
    if len(operands) != 2:
        raise UsageError(f"two files to compare are needed, not {len(operands)}")
    old, new = operands
    if old == new == "-":
        raise UsageError("only one of the two can be standard input")
    return (old, new), (display_name(old), display_name(new)), False


def _read(path: str, name: str) -> Version:
    """A file that has yet to be checked."""
    from cnndsl.comparison.sides import Version

    if path == NOTHING:
        return Version(path, None, None, [])
    source, problems = read_source(path)
    source.name = name
    return Version(name, source, None, problems)


def _examined(side: Version, other: Version, arguments: Arguments) -> Version:
    """A side with its net. A value of `--set` is for the sides that have such a param.

    A net that breaks promises can be compared all the same, and mostly it is why one does.
    """
    from cnndsl.api import examine
    from cnndsl.network import elaborate
    from cnndsl.syntax.parser import parse

    if side.source is None or side.problems:
        return side
    values, size, limit = asked(arguments)
    if values:
        own, others = _params(side), _params(other)
        values = {name: each for name, each in values.items() if name in own or name not in others}
    network, problems = examine(side.source, values, size, limit)
    if problems and all(each.code == "E301" for each in problems):
        module = parse(side.source)[0]
        kept, problems = elaborate(
            side.source, module, settings=values, input_size=size, limit=limit, unkept=True
        )
        return side._replace(network=kept, problems=problems)
    return side._replace(network=network, problems=problems)


def _params(side: Version) -> set[str]:
    """The names of a side's params."""
    from cnndsl.syntax.nodes import Param
    from cnndsl.syntax.parser import parse

    if side.source is None:
        return set()
    statements = parse(side.source)[0].statements
    return {each.name.id for each in statements if isinstance(each, Param)}
