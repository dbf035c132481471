"""From the files of a command line to checked nets."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple, TextIO

from cnndsl.cli.terminal.files import FileError, find_files, read_source
from cnndsl.cli.terminal.options import Arguments, UsageError
from cnndsl.contract import Option
from cnndsl.diagnostics.diagnostic import Diagnostic
from cnndsl.diagnostics.message import Message, joined, listed

if TYPE_CHECKING:
    from cnndsl.network import Network

NET = (
    Option("set", "give a `param` of the file another value", "word", "NAME=VALUE", repeated=True),
    Option("input", "the input's size for a text without `input`, as 39x31x1", "word", "SIZE"),
    Option("limit", "the most layers a net may have (1,000,000)", "natural", "N"),
)
"""The options of every command that checks nets."""


def format_option(help: str, *formats: str) -> Option:
    """The option that says how a command answers."""
    return Option("format", help, "word", "|".join(formats), formats)


class Examined(NamedTuple):
    """What became of a file: its net, or what is wrong with it."""

    path: str
    network: Network | None
    diagnostics: list[Diagnostic]


def answered(act: Callable[[], int]) -> int:
    """The exit code of what a command does: 1 where a target cannot say a net, which is told, and
    2 where a library is missing.
    """
    from cnndsl.cli.terminal.output import say
    from cnndsl.contract import TargetError, Unavailable

    try:
        return act()
    except TargetError as error:
        tell(error.diagnostics)
        return 1
    except Unavailable as error:
        say(str(error))
        return 2


def named_files(arguments: Arguments, suffix: str = ".cnn") -> list[str]:
    """The files that the operands mean; at least one. A folder means those with the suffix."""
    if not arguments.operands:
        raise UsageError("no file given (`-` is standard input)")
    return find_files(arguments.operands, suffix)


def settings(arguments: Arguments) -> dict[str, str]:
    """The values of `--set`, by name."""
    found: dict[str, str] = {}
    for word in arguments.every("set"):
        name, given, value = word.partition("=")
        name = name.strip()
        if not given or not name or not value.strip():
            raise UsageError("--set wants NAME=VALUE, as in `--set width=64`")
        if name in found:
            raise UsageError(f"--set {name} is given twice")
        found[name] = value.strip()
    return found


def asked(arguments: Arguments) -> tuple[dict[str, str], str | None, int]:
    """What is asked of every net: values of its `param`s, the input's size, the most layers."""
    from cnndsl.api import LIMIT

    return settings(arguments), arguments.get("input"), arguments.natural("limit") or LIMIT


def examine_files(arguments: Arguments, paths: list[str]) -> tuple[list[Examined], list[str]]:
    """Check every file, without advice; and say why some could not be read."""
    from cnndsl.api import examine

    values, size, limit = asked(arguments)
    done, unreadable = [], []
    for path in paths:
        try:
            source, problems = read_source(path)
        except FileError as error:
            unreadable.append(str(error))
            continue
        network = None
        if not problems:
            network, problems = examine(source, values, size, limit)
        done.append(Examined(path, network, problems))
    return done, unreadable


def one_file(arguments: Arguments) -> list[str]:
    """The one file that the operands mean."""
    paths = named_files(arguments)
    if len(paths) > 1:
        raise UsageError("one file at a time")
    return paths


def networks_of(arguments: Arguments, paths: list[str]) -> tuple[list[Network], int]:
    """The networks of files, and 0; or the exit code, once it is said what is wrong."""
    done, unreadable = examine_files(arguments, paths)
    tell([], unreadable)
    diagnostics = [each for file in done for each in file.diagnostics]
    if diagnostics:
        from cnndsl.cli.terminal.language import language

        tell(diagnostics, lang=language(arguments, paths))
    networks = [file.network for file in done if file.network is not None]
    if unreadable:
        return networks, 2
    return networks, int(has_errors(diagnostics) or len(networks) < len(done))


def tell(diagnostics: list[Diagnostic], unreadable: Sequence[str] = (), lang: str = "en") -> None:
    """Say what is wrong with nets, and which files could not be read."""
    import sys

    from cnndsl.cli.terminal.output import err, say

    if diagnostics:
        err(show_diagnostics(diagnostics, sys.stderr, lang), painted=True)
    for message in unreadable:
        say(message)


def show_diagnostics(diagnostics: list[Diagnostic], stream: TextIO | None, lang: str = "en") -> str:
    """The diagnostics as text for a stream."""
    from cnndsl.cli.terminal.output import wants_color
    from cnndsl.diagnostics.render import render_all

    return render_all(diagnostics, color=wants_color(stream), lang=lang)


def has_errors(diagnostics: list[Diagnostic]) -> bool:
    """Whether one of them is more than a warning."""
    return any(each.severity == "error" for each in diagnostics)


def summary(files: list[Examined], *, compared: bool = False) -> Message:
    """`2 errors in 1 file, 3 files are clean`; `compared` with a baseline."""
    every = [each.severity for file in files for each in file.diagnostics]
    errors, warnings = every.count("error"), every.count("warning")
    dirty = sum(bool(file.diagnostics) for file in files)
    clean = len(files) - dirty
    parts, found = [], []
    if errors:
        found.append(Message("1 error") if errors == 1 else _errors(errors))
    if warnings:
        found.append(Message("1 warning") if warnings == 1 else _warnings(warnings))
    if dirty == 1:
        parts.append(Message("{found} in 1 file", found=listed(found)))
    elif dirty:
        parts.append(Message("{found} in {count:,} files", found=listed(found), count=dirty))
    if clean == 1 and compared:
        parts.append(Message("1 file is without new findings"))
    elif clean == 1:
        parts.append(Message("1 file is clean"))
    elif clean and compared:
        parts.append(Message("{count:,} files are without new findings", count=clean))
    elif clean:
        parts.append(Message("{count:,} files are clean", count=clean))
    return joined(parts, "{first}, {rest}")


def _errors(count: int) -> Message:
    return Message("{count:,} errors", count=count)


def _warnings(count: int) -> Message:
    return Message("{count:,} warnings", count=count)


def counted(number: int, thing: str) -> str:
    """`1 file`, `2 files`."""
    return f"{number:,} {thing}{'' if number == 1 else 's'}"
