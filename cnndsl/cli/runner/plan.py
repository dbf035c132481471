"""What is to be done with the files of a command line, and what comes of it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from cnndsl.cli.commands.nets import Examined, asked, summary
from cnndsl.cli.runner.configuration import Finder
from cnndsl.cli.terminal.files import decode, display_name, say_passed_over
from cnndsl.cli.terminal.language import language
from cnndsl.cli.terminal.options import Arguments, UsageError
from cnndsl.diagnostics.diagnostic import Diagnostic
from cnndsl.diagnostics.message import Message, said
from cnndsl.diagnostics.source import Source

EACH = 300
"""Bytes: a file takes as long as it has, and so many more. A millisecond is some 800."""


class Task(NamedTuple):
    """A file to check, the codes that are asked for, and whether its warnings are errors."""

    path: str
    codes: frozenset[str]
    strict: bool


class Question(NamedTuple):
    """What is asked of every file: `param`s with other values, an input's size, a limit."""

    values: dict[str, str]
    size: str | None
    limit: int

    @property
    def text(self) -> str:
        """The question in words, for the cache."""
        return repr((sorted(self.values.items()), self.size, self.limit))

    def answer(self, name: str, content: bytes, codes: frozenset[str]) -> list[Diagnostic]:
        """What there is to say about a file."""
        source, problems = decode(name, content)
        return problems or self.lint(source, codes)

    def lint(self, source: Source, codes: frozenset[str]) -> list[Diagnostic]:
        """What there is to say about a text."""
        from cnndsl.api import lint

        return lint(source, codes, self.values, self.size, self.limit)


class Plan(NamedTuple):
    """What is to be done: a question, and the files that it is asked of.

    `jobs` is how many processes may work at it, and `cached` whether answers are kept; `lang`
    is the language in which answers are told.
    """

    tasks: list[Task]
    question: Question
    jobs: int
    cached: bool
    lang: str = "en"


class Outcome(NamedTuple):
    """What was found: in each file that was read, and which could not be read and why.

    `known` counts what a baseline has taken out.
    """

    plan: Plan
    files: list[Examined]
    unreadable: list[tuple[str, str]]
    known: int = 0

    @property
    def codes(self) -> dict[str, frozenset[str]]:
        """The codes that were asked for, by the names of files."""
        return {display_name(task.path): task.codes for task in self.plan.tasks}

    @property
    def strict(self) -> frozenset[str]:
        """The names of the files whose warnings are errors."""
        return frozenset(display_name(task.path) for task in self.plan.tasks if task.strict)

    @property
    def diagnostics(self) -> list[Diagnostic]:
        """Everything that was found."""
        return [each for file in self.files for each in file.diagnostics]

    @property
    def summary(self) -> str:
        """`2 errors in 1 file, 3 files are clean`, as a line; empty where nothing was read."""
        if not self.files:
            return ""
        line = summary(self.files, compared=bool(self.known))
        if self.known:
            line = Message("{summary} ({count:,} known)", summary=line, count=self.known)
        return f"{said(line, self.plan.lang)}\n"

    @property
    def fails(self) -> bool:
        """Whether something of it is an error, or counts as one."""
        strict = self.strict
        return any(
            each.severity == "error" or each.source.name in strict
            for file in self.files
            for each in file.diagnostics
        )


def plan_of(arguments: Arguments, paths: list[str]) -> Plan:
    """What the command line and the configuration of each file ask for."""
    jobs = arguments.natural("jobs") or 0
    finder = Finder()
    tasks = list(_tasks(arguments, paths, finder))
    question, is_cached = Question(*asked(arguments)), not arguments.has("no-cache")
    return Plan(tasks, question, jobs, is_cached, language(arguments, paths, finder))


def _tasks(arguments: Arguments, paths: list[str], finder: Finder) -> Iterable[Task]:
    """The files, each with what is asked of it."""
    from cnndsl.diagnostics.codes import on_by_default

    select = _words(arguments, "select") if arguments.has("select") else None
    ignore = _words(arguments, "ignore")
    always = arguments.has("error-on-warning")
    plain = on_by_default()
    if select is not None or ignore:
        from cnndsl.lint.selection import Selection, SelectionError, chosen

        for option, words in (("select", []), ("ignore", ignore)):
            try:
                plain = chosen(Selection(select, (), words))
            except SelectionError as error:
                raise UsageError(f"--{option}: {error}") from None
    known: dict[tuple[str, tuple[str, ...]], frozenset[str]] = {}
    for path in paths:
        found = finder.of(path)
        if found is None:
            yield Task(path, plain, always)
            continue
        from cnndsl.lint.configuration import codes_for

        configuration = found.configuration
        key = (found.folder, found.ignored_in(display_name(path)))
        if key not in known:
            known[key] = codes_for(configuration, key[1], select, ignore)
        yield Task(path, known[key], always or configuration.error_on_warning)
    say_passed_over(finder.passed)


def _words(arguments: Arguments, option: str) -> list[str]:
    """The words of an option that can be given several times, each a list with commas."""
    given = arguments.every(option)
    if not given:
        return []
    from cnndsl.lint.selection import words_of

    words = [word for text in given for word in words_of(text)]
    if not words:
        raise UsageError(f"--{option} wants rules, as in `--{option} W101,W2`")
    return words
