"""`cnndsl build`: nets to code, documents, data."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

from cnndsl.cli.commands.nets import (
    NET,
    asked,
    examine_files,
    has_errors,
    named_files,
    summary,
    tell,
)
from cnndsl.cli.terminal.files import STDIN, Below, make_folder, write_files
from cnndsl.cli.terminal.options import Arguments, Command, UsageError, quoted, read_value
from cnndsl.contract import Option
from cnndsl.diagnostics.diagnostic import Diagnostic

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cnndsl.network import Network
    from cnndsl.targets import Explains, Target

COMMAND = Command(
    "build",
    "FILE… --target T",
    "turn nets into code, a document or data",
    "Turn nets into code for a framework, a document, or data for programs.\n"
    "Where a net has errors no file is written.\n"
    "`cnndsl build --target T --help` adds the options of a target.",
    (
        Option(
            "target", "what to make: keras, pytorch, markdown, json, …", "word", "T", letter="t"
        ),
        Option(
            "output",
            "the file to write, or the folder (for several nets, or with a\n"
            "slash at the end); standard output without it",
            "word",
            "PATH",
            letter="o",
        ),
        Option(
            "frames",
            "the folder for what a target gives as frames, a file each,\n"
            "in the place of --output",
            "word",
            "FOLDER",
        ),
        Option("check", "write nothing; exit 1 where PATH is not what would be written"),
        *NET,
    ),
    (
        "cnndsl build article.cnn --target keras -o article.py",
        "cnndsl build nets/ --target markdown -o docs/",
        "echo 'conv 20 4x4 relu; pool 2' | cnndsl build - --input 39x31x1 --target markdown",
    ),
)


def command(words: Sequence[str]) -> Command:
    """What `build` takes with the options of the target that the command line names."""
    from cnndsl import targets

    name = named_target(words)
    try:
        if name is None:
            return COMMAND
        options = targets.load(name).OPTIONS
    except KeyError:
        return COMMAND  # `run` says that there is no such target

    def refuse(option: str) -> str:
        others = (each for each in targets.names() if each != name)
        takers = [
            other
            for other in others
            if option.removeprefix("--") in [each.name for each in targets.load(other).OPTIONS]
        ]
        if not takers:
            return ""
        return f"--target {name} takes no {option}; {', '.join(takers)} {_DO[len(takers) > 1]}"

    return COMMAND._replace(options=(*COMMAND.options, *options), refuse=refuse)


_DO = ("does", "do")


def named_target(words: Sequence[str]) -> str | None:
    """The value of `--target` in words that have not been read yet."""
    for place, word in enumerate(words):
        if word == "--":
            break
        if word in ("-t", "--target"):
            return words[place + 1] if place + 1 < len(words) else None
        if word.startswith("--target="):
            return word.removeprefix("--target=")
        if word.startswith("-t"):
            return word.removeprefix("-t").removeprefix("=")
    return None


def run(arguments: Arguments) -> int:
    from cnndsl.cli.terminal.output import data, err, say
    from cnndsl.contract import OptionError, TargetError, Unavailable
    from cnndsl.targets import load, names, suffix

    target = load_target(arguments.get("target"))
    paths = named_files(arguments)
    output, folder = arguments.get("output"), arguments.get("frames")
    if folder is not None:
        if output is not None:
            raise UsageError("--frames and --output contradict each other")
        if not hasattr(target, "frames"):
            having = [name for name in names() if hasattr(load(name), "frames")]
            others = f"{', '.join(having)} have"
            raise UsageError(f"--target {arguments.get('target')} has no frames; {others}")
        output = folder and os.path.join(folder, "")
    if output is None and arguments.has("check"):
        raise UsageError("--check compares with a file: give -o PATH")
    options = target_options(arguments, target)
    places = plan(arguments.operands, paths, output, suffix(target, options))

    done, unreadable = examine_files(arguments, paths)
    make = target.generate if folder is None else partial(frames_of, target)
    made: list[Any] = []
    for file in done:
        if file.network is not None:
            try:
                made.append(make(file.network, **options))
            except TargetError as error:
                file.diagnostics.extend(error.diagnostics)
            except OptionError as error:
                raise UsageError(str(error)) from None
            except Unavailable as error:
                say(str(error))
                return 2
    diagnostics = [each for file in done for each in file.diagnostics]
    if options.get("logits") and not has_errors(diagnostics):
        from cnndsl.codegen.write_module import before_softmax

        for file in done:
            if file.network is not None and not before_softmax(file.network):
                name = file.network.source.name
                say(f"{name}: no output ends in a softmax: --logits changes nothing")
    tell(diagnostics, unreadable)
    if unreadable:
        return 2
    if has_errors(diagnostics):
        if output is not None:
            err(f"{summary(done)}; nothing is written\n")
        elif hasattr(target, "explain"):
            explains: Any = target
            data(explanation(arguments, explains, diagnostics, options))
        return 1
    if not places:
        data(made[0])
        return 0
    files = dict(zip(places, made, strict=True))
    if folder is not None:
        files = {path: text for each in files.items() for path, text in numbered(*each)}
    if arguments.has("check"):
        return int(not up_to_date(files))
    if os.path.dirname(places[0]) and is_folder(arguments.operands, paths, output or ""):
        make_folder(os.path.dirname(places[0]))
    write_files(files)
    return 0


def frames_of(target: Any, network: Network, **options: Any) -> list[str | bytes]:
    """What a target makes of a net for each frame that it has."""
    count = target.frames(network, **options)
    return [target.generate(network, frame=number, **options) for number in range(1, count + 1)]


def explanation(
    arguments: Arguments, target: Explains, diagnostics: list[Diagnostic], options: dict[str, Any]
) -> str:
    """What a target says of a net with errors."""
    from cnndsl.api import analysis_of
    from cnndsl.contract import OptionError

    values, size, limit = asked(arguments)
    reached = analysis_of(diagnostics[0].source, values, size, limit).attempt
    try:
        return target.explain(reached, diagnostics, **options)
    except OptionError as error:
        raise UsageError(str(error)) from None


def load_target(name: str | None) -> Target:
    """The target of `--target`."""
    from cnndsl import targets

    if name is None:
        raise UsageError(f"no target given: --target is one of {', '.join(targets.names())}")
    try:
        return targets.load(name)
    except KeyError:
        from cnndsl.diagnostics.spelling import nearest

        known = targets.names()
        near = nearest(name, known) or f"; the targets are {', '.join(known)}"
        raise UsageError(f"unknown target {quoted(name)}{near}") from None


def target_options(arguments: Arguments, target: Target) -> dict[str, Any]:
    """What the command line says to the target alone."""
    from cnndsl.contract import keyword

    return {
        keyword(option): read_value(option, arguments.get(option.name) or "")
        for option in target.OPTIONS
        if arguments.has(option.name)
    }


def is_folder(operands: list[str], paths: list[str], output: str) -> bool:
    """Whether `-o` names a folder rather than a file."""
    separators = tuple(filter(None, (os.sep, os.altsep)))
    return (
        len(paths) > 1
        or output.endswith(separators)
        or os.path.isdir(output)
        or any(operand != STDIN and os.path.isdir(operand) for operand in operands)
    )


def plan(operands: list[str], paths: list[str], output: str | None, suffix: str) -> list[str]:
    """Where each file's text goes; nothing for standard output."""
    if output is None:
        if len(paths) > 1:
            raise UsageError(f"{len(paths)} files need -o FOLDER")
        return []
    if not output or "\0" in output:
        raise UsageError(f"-o {quoted(output)} is no path")
    if is_folder(operands, paths, output):
        if os.path.exists(output) and not os.path.isdir(output):
            raise UsageError(f"-o {quoted(output)} is no folder, and there are several files")
        names = (os.path.basename("stdin" if path == STDIN else path) for path in paths)
        bare = (os.path.splitext(name)[0] for name in names)
        folder = os.path.realpath(output)
        places: list[str] = [Below(os.path.join(output, name + suffix), folder) for name in bare]
    else:
        places = [output]
    taken: dict[str, str] = {}
    for path, place in zip(paths, places, strict=True):
        if place in taken:
            raise UsageError(f"{taken[place]} and {path} would both become {place}")
        taken[place] = path
    inputs = {identity(path): path for path in paths if path != STDIN}
    for place in places:
        if identity(place) in inputs:
            raise UsageError(f"-o would overwrite the net {inputs[identity(place)]}")
    return places


def numbered(place: str, frames: Sequence[str | bytes]) -> Iterator[tuple[str, str | bytes]]:
    """The files of the frames of a net, beside where it would go itself: `net-01.svg`."""
    (stem, suffix), folder = os.path.splitext(place), os.path.realpath(os.path.dirname(place))
    for number, text in enumerate(frames, 1):
        yield Below(f"{stem}-{number:0{len(str(len(frames)))}}{suffix}", folder), text


def identity(path: str) -> object:
    """What is the same for two paths that lead to the same file, by whatever links."""
    try:
        status = os.stat(path)
        return status.st_dev, status.st_ino
    except (OSError, ValueError):
        return os.path.realpath(path)


def up_to_date(files: dict[str, str | bytes]) -> bool:
    """Whether every file holds its text; says which do not."""
    from cnndsl.cli.terminal.files import content, read_bytes
    from cnndsl.cli.terminal.output import say

    stale = 0
    for place, text in files.items():
        if not os.path.lexists(place):
            say(f"{place} does not exist")
        elif read_bytes(place) != content(text):
            say(f"{place} is out of date")
        else:
            continue
        stale += 1
    return not stale
