"""`cnndsl diff`: what changed in meaning from one net to another."""

from __future__ import annotations

import os

from cnndsl.cli.commands.nets import INPUT, LIMITS, SET, natural, settings
from cnndsl.cli.terminal.files import FileError, display_name, read_source
from cnndsl.cli.terminal.options import Command, Option, UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cnndsl.cli.terminal.options import Arguments
    from cnndsl.diagnostics import Diagnostic, Source
    from cnndsl.network import Network

COMMAND = Command(
    "diff",
    "OLD NEW",
    "show what changed in meaning between two nets",
    "Show what changed in meaning from one net to another: layers added, removed and changed,\n"
    "and what follows from it. Formatting, names and the way a net is written are no change.\n"
    "It can be git's external diff for .cnn files: it takes git's seven arguments as well.",
    (
        Option(
            "--format",
            "text for a terminal, markdown for a pull request,\njson for programs",
            "text|markdown|json",
            choices=("text", "markdown", "json"),
        ),
        Option("--exit-code", "exit 1 where anything changed in meaning, as git diff does"),
        SET,
        INPUT,
        LIMITS,
    ),
    (
        "cnndsl diff old.cnn new.cnn",
        "git show HEAD:net.cnn | cnndsl diff - net.cnn --format markdown",
    ),
)

NOTHING = "/dev/null"
"""What git gives for the side where there is no file."""


class Side:
    """A file on one side: its text, its net, or what is wrong with it. No source for no file."""

    def __init__(self, name: str, source: Source | None) -> None:
        self.name = name
        self.source = source
        self.network: Network | None = None
        self.problems: list[Diagnostic] = []

    @property
    def broken(self) -> bool:
        return self.source is not None and self.network is None


def run(arguments: Arguments) -> int:
    from cnndsl.cli.terminal.output import data, out, say

    paths, names, by_git = _sides(arguments.operands)
    try:
        old, new = (_read(path, name, arguments) for path, name in zip(paths, names, strict=True))
    except FileError as error:
        say(str(error))
        return 2
    form = arguments.get("format") or "text"
    _examine((old, new), arguments)
    if old.broken or new.broken or old.source is None or new.source is None:
        text, differs = _without_two_nets(old, new, form)
    else:
        text, differs = _with_two_nets(old, new, form)
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


def _sides(operands: list[str]) -> tuple[tuple[str, str], tuple[str, str], bool]:
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


def _read(path: str, name: str, arguments: Arguments) -> Side:
    if path == NOTHING:
        return Side(path, None)
    source, problems = read_source(path)
    source.name = name
    side = Side(name, source)
    side.problems = problems
    return side


def _examine(sides: tuple[Side, Side], arguments: Arguments) -> None:
    """Check both nets. A value of `--set` is for the sides that have such a param.

    A net that breaks promises can be compared all the same, and mostly it is why one does.
    """
    from cnndsl.api import LIMIT, examine
    from cnndsl.network import elaborate
    from cnndsl.syntax.parser import parse

    values, size = settings(arguments), arguments.get("input")
    limit = natural(arguments, "limit") or LIMIT
    known = [_params(side) if values else set() for side in sides]
    for side, own, other in zip(sides, known, reversed(known), strict=True):
        if side.source is None or side.problems:
            continue
        given = {name: value for name, value in values.items() if name in own or name not in other}
        side.network, side.problems = examine(side.source, given, size, limit)
        if side.problems and all(each.code == "E301" for each in side.problems):
            module = parse(side.source)[0]
            side.network, side.problems = elaborate(
                side.source, module, settings=given, input_size=size, limit=limit, unkept=True
            )


def _params(side: Side) -> set[str]:
    """The names of a side's params."""
    from cnndsl.syntax.nodes import Param
    from cnndsl.syntax.parser import parse

    if side.source is None or side.problems:
        return set()
    statements = parse(side.source)[0].statements
    return {each.name.id for each in statements if isinstance(each, Param)}


def _with_two_nets(old: Side, new: Side, form: str) -> tuple[str, bool]:
    from cnndsl.comparison import difference, show_difference
    from cnndsl.comparison.show_one_sided import with_problems

    assert old.network is not None and new.network is not None
    found = difference(old.network, new.network)
    show = {
        "text": show_difference.as_text,
        "markdown": show_difference.as_markdown,
        "json": show_difference.as_json,
    }
    text = show[form](found, old.name, new.name)
    return with_problems(text, form, old.problems, new.problems), not found.none


def _without_two_nets(old: Side, new: Side, form: str) -> tuple[str, bool]:
    """What can be said where a side is no net, or no file."""
    from cnndsl.comparison import show_one_sided

    sides = [
        show_one_sided.Side(each.name, each.source, each.network, each.problems)
        for each in (old, new)
    ]
    show = {
        "text": show_one_sided.as_text,
        "markdown": show_one_sided.as_markdown,
        "json": show_one_sided.as_json,
    }
    return show[form](sides[0], sides[1]), (old.source is None) != (new.source is None)
