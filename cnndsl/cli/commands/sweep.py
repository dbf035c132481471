"""`cnndsl sweep`: what every combination of values of a net's params comes to."""

from __future__ import annotations

import json
import os
from time import monotonic
from typing import IO, TYPE_CHECKING

from cnndsl.cli.commands.nets import NET, asked, counted, format_option, one_file, tell
from cnndsl.cli.terminal.files import (
    Below,
    FileError,
    read_regular,
    read_source,
    reason,
    refuse_irregular,
    write_files,
)
from cnndsl.cli.terminal.language import LANG, language
from cnndsl.cli.terminal.options import Arguments, Command, UsageError
from cnndsl.cli.terminal.output import data, say
from cnndsl.contract import Option, OptionError

if TYPE_CHECKING:
    from cnndsl.variants.show import Report

SUFFIXES = {".csv": "csv", ".json": "json", ".md": "markdown", ".svg": "svg"}

COMMAND = Command(
    "sweep",
    "FILE --set NAME=VALUES…",
    "tell what every combination of values of a net's params comes to",
    "Tell what every combination of values of a net's params comes to, the last --set varying\n"
    "fastest: layers, parameters, multiply-adds, memory, receptive field, output, or the first\n"
    "error. With -o a run that was stopped goes on with --resume.",
    (
        Option(
            "set",
            "values of a `param`: 2,4,8 or FIRST:LAST:STEP, or both with\ncommas between them",
            "word",
            "NAME=VALUES",
            repeated=True,
        ),
        Option(
            "where", "only variants of which this holds: 'params <= 5M and valid'", "word", "TEST"
        ),
        Option(
            "pareto",
            "only those that no other is as good as in all of these: the\n"
            "least is best, but of `field`; max:depth turns it round",
            "word",
            "MEASURES",
        ),
        format_option("unless said that of FILE's suffix, else csv", *SUFFIXES.values()),
        Option("output", "the file to write", "word", "FILE", letter="o"),
        Option("resume", "go on with what FILE holds already"),
        Option("jobs", "how many processes work at a time; all cores unless said", "natural", "N"),
        LANG,
        *NET[1:],
    ),
    (
        "cnndsl sweep net.cnn --set width=16:256:16 --set depth=2,4,8 -o variants.csv",
        "cnndsl sweep net.cnn --set width=1:999 --where 'params <= 5M' --pareto macs,field",
    ),
)

PERIOD = 2.0
"""Seconds between two notes of how far a run is."""

EACH = 16
"""For how many variants another process is worth its start."""


def run(arguments: Arguments) -> int:
    from cnndsl import __version__
    from cnndsl.cli.commands.build import plan
    from cnndsl.cli.runner.many import MOST
    from cnndsl.cli.runner.workers import answers, cores
    from cnndsl.cli.terminal.progress import Progress
    from cnndsl.variants.choice import Flawed, Front, holding, known
    from cnndsl.variants.show import Report
    from cnndsl.variants.sweep import Sweep, work

    paths, (grid, size, limit), given = one_file(arguments), asked(arguments), arguments.get
    suffix = os.path.splitext(given("output") or "")[1].lower()
    form = given("format") or SUFFIXES.get(suffix, "csv")
    output = (plan(arguments.operands, paths, given("output"), "") or [""])[0]
    if isinstance(output, Below):
        raise UsageError("-o wants a file, and no folder")
    source, problems = read_source(paths[0])
    lang, test, best = language(arguments, paths), given("where"), given("pareto")
    if not grid:
        raise UsageError("nothing varies: give --set NAME=VALUES, as --set width=16:64:16")
    try:
        sweep = None if problems else Sweep(source, grid, size, limit)
        if sweep is None or sweep.problems:
            tell(sweep.problems if sweep else problems, lang=lang)
            return 1
        count = min(arguments.natural("jobs") or cores(), MOST, sweep.count // EACH + 1)
        names = known(grid)
        wanted = holding(test, names, sweep)
        front = None if best is None else Front(best, known(grid, numbers=True))
        report = Report(form, [*grid], names, front, lang)
        asks = repr((__version__, sweep.job, grid, test, best, form, lang))
        with Output(output, asks, arguments.has("resume")) as file:
            if not file.size:
                file.write(report.begin())
            report.add(work(sweep.job, [*map(sweep.at, file.kept)])[0])
            report.rows = file.rows
            file.note(report)
            progress = Progress(sweep.count, "variants")
            progress.add(file.done)
            try:
                for variants in sweep.run(
                    lambda job, chunks: (found for _, found in answers(work, job, chunks, count)),
                    file.done,
                ):
                    if not output:
                        progress.clear()  # it may be the same terminal
                    file.write(report.add(wanted(variants)))
                    file.valid += sum(each.measure is not None for each in variants)
                    file.done += len(variants)
                    file.note(report)
                    progress.add(len(variants))
            finally:
                progress.clear()
            file.write(report.end(sweep.name))
    except Flawed as error:
        tell([error.diagnostic], lang=lang)
        return 2
    except OptionError as error:
        raise UsageError(f"--{error.about} {error}") from None
    if file.valid < sweep.count:
        wrong = sweep.count - file.valid
        have = "has" if wrong == 1 else "have"
        say(f"{wrong:,} of {counted(sweep.count, 'variant')} {have} errors")
    return int(not file.valid)


class Output:
    """A file that is written piece by piece; standard output, where the path is empty.

    Meanwhile `FILE.sweep` says how far it has come: the first `size` bytes are about the first
    `done` variants, of which `valid` are nets and `rows` are wanted; those at the places `kept`
    are yet to be told of.
    """

    def __init__(self, path: str, asks: str, resume: bool) -> None:
        from hashlib import sha256

        self.path, self.beside = path, f"{path}.sweep"
        self.key = sha256(asks.encode("utf-8", "replace")).hexdigest()
        self.size = self.done = self.valid = self.rows = 0
        self.kept: list[int] = []
        self.due = 0.0
        self.file: IO[bytes] | None = None
        begun = bool(path) and os.path.lexists(self.beside)
        if resume and not path:
            raise UsageError("--resume needs -o FILE")
        if resume and not begun and os.path.lexists(path):
            more = "without --resume the sweep begins anew"
            raise FileError(f"{path}: it is finished, as there is no {self.beside}: {more}")
        if begun and not resume:
            more = f"go on with --resume, or remove {self.beside}"
            raise FileError(f"{path}: a sweep of it was stopped: {more}")
        if path:
            refuse_irregular(path)
            if begun:
                self._take_up()
            try:
                if begun and os.path.getsize(path) < self.size:
                    raise FileError(f"{path}: it is shorter than {self.beside} says")
                self.file = open(path, "r+b" if begun else "wb")  # noqa: SIM115
                self.file.seek(self.size)
                self.file.truncate()
            except OSError as error:
                raise FileError(f"{path}: cannot write: {reason(error)}") from None

    def _take_up(self) -> None:
        """Take up what was noted."""
        try:
            key, *numbers = json.loads(read_regular(self.beside))
            self.size, self.done, self.valid, self.rows, *self.kept = numbers
            fits = key == self.key and all(type(each) is int and each >= 0 for each in numbers)
        except (TypeError, ValueError, RecursionError):
            fits = False
        if not fits:
            why = "what is asked for, or cnndsl, is another"
            more = f"give the same command again, or remove {self.beside}"
            raise FileError(f"{self.path}: this is not of the same sweep: {why}; {more}")

    def write(self, text: str) -> None:
        """Write some more."""
        if self.file is None:
            data(text)
            print(end="", flush=True)
        else:
            self.file.write(text.encode("utf-8", "backslashreplace"))

    def note(self, report: Report) -> None:
        """Note how far it has come, if it is time."""
        begin = monotonic()
        if self.file is not None and begin >= self.due:
            self.file.flush()
            os.fsync(self.file.fileno())
            numbers = self.file.tell(), self.done, self.valid, report.rows, *report.kept
            write_files({self.beside: json.dumps([self.key, *numbers])})
            now = monotonic()
            self.due = now + PERIOD * (1 + 10 * (now - begin))  # of a large front it is long

    def __enter__(self) -> Output:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        from cnndsl.variants.choice import Flawed

        if self.file is not None:
            self.file.close()
            if kind in (None, Flawed, OptionError):  # with which it cannot go on
                os.unlink(self.beside)
            else:
                say(f"{self.path}: not all is written: --resume goes on")
