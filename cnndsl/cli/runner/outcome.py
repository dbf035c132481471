"""What comes of checking the files of a command line."""

from __future__ import annotations

import os

from cnndsl.cli.commands.nets import Examined, natural, settings, summary
from cnndsl.cli.runner.configuration import Finder
from cnndsl.cli.terminal.files import STDIN, FileError, decode, display_name, read_bytes
from cnndsl.cli.terminal.options import UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from cnndsl.cli.terminal.options import Arguments
    from cnndsl.diagnostics.diagnostic import Diagnostic
    from cnndsl.diagnostics.source import Source


class Task:
    """A file to check, the codes that are asked for, and whether its warnings are errors."""

    __slots__ = ("codes", "path", "strict")

    def __init__(self, path: str, codes: frozenset[str], strict: bool) -> None:
        self.path = path
        self.codes = codes
        self.strict = strict


class Question:
    """What is asked of every file: `param`s with other values, an input's size, a limit."""

    __slots__ = ("limit", "size", "values")

    def __init__(self, values: dict[str, str], size: str | None, limit: int) -> None:
        self.values = values
        self.size = size
        self.limit = limit

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


class Plan:
    """What is to be done: a question, and the files that it is asked of.

    `jobs` is how many processes may work at it, and `cached` whether answers are kept.
    """

    __slots__ = ("cached", "codes", "jobs", "question", "strict", "tasks")

    def __init__(self, tasks: list[Task], question: Question, jobs: int, cached: bool) -> None:
        self.tasks = tasks
        self.question = question
        self.jobs = jobs
        self.cached = cached
        self.codes = {display_name(task.path): task.codes for task in tasks}
        self.strict = frozenset(display_name(task.path) for task in tasks if task.strict)


class Outcome:
    """What was found: in each file that was read, and which could not be read and why.

    By the names of files: `codes` are those that were asked for, and `strict` holds the
    files whose warnings are errors. `known` counts what a baseline has taken out.
    """

    __slots__ = ("codes", "files", "known", "strict", "unreadable")

    def __init__(
        self,
        plan: Plan,
        files: list[Examined],
        unreadable: list[tuple[str, str]],
    ) -> None:
        self.files = files
        self.unreadable = unreadable
        self.codes = plan.codes
        self.strict = plan.strict
        self.known = 0

    @property
    def diagnostics(self) -> list[Diagnostic]:
        """Everything that was found."""
        return [each for file in self.files for each in file.diagnostics]

    @property
    def summary(self) -> str:
        """`2 errors in 1 file, 3 files are clean`, as a line; empty where nothing was read."""
        if not self.files:
            return ""
        if not self.known:
            return summary(self.files) + "\n"
        return f"{summary(self.files, 'without new findings')} ({self.known:,} known)\n"

    @property
    def fails(self) -> bool:
        """Whether something of it is an error, or counts as one."""
        return any(
            each.severity == "error" or each.source.name in self.strict
            for file in self.files
            for each in file.diagnostics
        )


def plan_of(arguments: Arguments, paths: list[str]) -> Plan:
    """What the command line and the configuration of each file ask for."""
    from cnndsl.api import LIMIT

    size, limit = arguments.get("input"), natural(arguments, "limit") or LIMIT
    question = Question(settings(arguments), size, limit)
    jobs = natural(arguments, "jobs") or 0
    tasks = list(_tasks(arguments, paths))
    return Plan(tasks, question, jobs, not arguments.has("no-cache"))


def examine(plan: Plan) -> Outcome:
    """Check every file."""
    if is_much(plan):
        from cnndsl.cli.runner.many import examine_many

        return examine_many(plan)
    files, unreadable = [], []
    for task in plan.tasks:
        name = display_name(task.path)
        try:
            content = read_bytes(task.path)
        except FileError as error:
            unreadable.append((name, str(error)))
            continue
        files.append(Examined(name, None, plan.question.answer(name, content, task.codes)))
    return Outcome(plan, files, unreadable)


EACH, MUCH = 300, 40_000
"""Bytes: a file takes as long as it has, and so many more; from here on it pays to open the
cache and to start other processes. A millisecond is some 800."""


def is_much(plan: Plan) -> bool:
    """Whether the files take longer to check than it takes to look whether they are known.

    A file alone does not count as such: it is being written, and has just changed.
    """
    if len(plan.tasks) < 2:
        return False
    total = 0
    for task in plan.tasks:
        try:
            total += EACH + (0 if task.path == STDIN else os.stat(task.path).st_size)
        except (OSError, ValueError):
            continue  # to be said when it is read
        if total > MUCH:
            return True
    return False


def _tasks(arguments: Arguments, paths: list[str]) -> Iterable[Task]:
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
    finder = Finder()
    known: dict[tuple[str, tuple[str, ...]], frozenset[str]] = {}
    for path in paths:
        found = finder.of(path)
        if found is None:
            yield Task(path, plain, always)
            continue
        from cnndsl.lint.configuration import codes_for

        configuration = found.configuration
        ignored: tuple[str, ...] = ()
        if configuration.per_file:
            relative = os.path.relpath(os.path.abspath(display_name(path)), found.folder)
            ignored = configuration.ignored_in(relative.replace(os.sep, "/"))
        key = (found.folder, ignored)
        if key not in known:
            known[key] = codes_for(configuration, key[1], select, ignore)
        yield Task(path, known[key], always or configuration.error_on_warning)


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
