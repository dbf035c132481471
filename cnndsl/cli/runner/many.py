"""Checking many files: what is known is taken from the cache, the rest shared by the cores."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple

from cnndsl.cli.commands.nets import Examined
from cnndsl.cli.runner.plan import EACH, Outcome, Plan, Question
from cnndsl.cli.runner.workers import answers, cores
from cnndsl.cli.terminal.files import FileError, decode, display_name, read_bytes
from cnndsl.cli.terminal.progress import Progress
from cnndsl.diagnostics.packed import Packed, pack, unpack

if TYPE_CHECKING:
    from cnndsl.cli.runner.cache import Cache, FileKeys

SHARED = 150_000
"""From here on it pays to start other processes."""

MOST = 60
"""More processes than these cannot be waited for under Windows."""

CHUNK = 40_000
"""How much a process is given at a time."""


class Pending(NamedTuple):
    """A file that is not known: its place among all, its bytes, which codes are asked for."""

    place: int
    name: str
    content: bytes
    codes: frozenset[str]
    key: str


def examine_many(plan: Plan) -> Outcome:
    """Check every file: the same as one after the other, and sooner."""
    run = _Run(plan)
    try:
        run.examine()
    finally:
        run.progress.clear()
        if run.cache:
            run.cache.save()
    return Outcome(plan, [each for each in run.files if each], run.unreadable)


class _Run:
    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.files: list[Examined | None] = [None] * len(plan.tasks)
        self.unreadable: list[tuple[str, str]] = []
        self.progress = Progress(len(plan.tasks))
        self.cache: Cache | None = None
        self.keys: FileKeys | None = None
        if plan.cached:
            from cnndsl.cli.runner.cache import Cache, FileKeys, folder, version

            self.cache = Cache(folder(), version())
            self.keys = FileKeys(plan.question.text)

    def examine(self) -> None:
        chunks = _chunks(self.pending())
        first: list[list[Pending]] = []
        weight = 0
        for chunk in chunks:
            first.append(chunk)
            weight += sum(EACH + len(each.content) for each in chunk)
            if weight > SHARED and len(first) > 1:
                break
        jobs = min(self.plan.jobs or cores(), MOST) if weight > SHARED and len(first) > 1 else 1
        for chunk, rows in answers(work, self.plan.question, chain(first, chunks), jobs):
            self.take(chunk, rows)

    def pending(self) -> Iterator[Pending]:
        """The files that are not known, in order; those that are, are done on the way."""
        for place, task in enumerate(self.plan.tasks):
            name, key = display_name(task.path), ""
            try:
                content = read_bytes(task.path)
            except FileError as error:
                self.unreadable.append((name, str(error)))
                continue
            if self.cache and self.keys:
                key = self.keys.key(name, content, task.codes)
                if self.known(place, name, content, self.cache.get(key)):
                    self.progress.add(1)
                    continue
            yield Pending(place, name, content, task.codes, key)

    def known(self, place: int, name: str, content: bytes, rows: Packed | None) -> bool:
        """Take what was found in a file from what the cache has of it, if it has something."""
        if rows is None:
            return False
        try:
            self.keep(place, name, content, rows)
        except (TypeError, ValueError):  # it is damaged
            return False
        return True

    def keep(self, place: int, name: str, content: bytes, rows: Packed) -> None:
        """Keep what was found in a file."""
        found = unpack(rows, decode(name, content)[0]) if rows != [] else []
        self.files[place] = Examined(name, None, found)

    def take(self, chunk: list[Pending], answer: list[Packed]) -> None:
        """Keep what was found in some files."""
        for each, rows in zip(chunk, answer):
            self.keep(each.place, each.name, each.content, rows)
            if self.cache:
                self.cache.put(each.key, rows)
        self.progress.add(len(chunk))


def _chunks(pending: Iterable[Pending]) -> Iterator[list[Pending]]:
    """Files in groups that take about as long."""
    chunk: list[Pending] = []
    weight = 0
    for each in pending:
        chunk.append(each)
        weight += EACH + len(each.content)
        if weight > CHUNK:
            yield chunk
            chunk, weight = [], 0
    if chunk:
        yield chunk


def work(question: Question, chunk: list[Pending]) -> list[Packed]:
    """What there is to say about some files, packed."""
    return [pack(question.answer(each.name, each.content, each.codes)) for each in chunk]
