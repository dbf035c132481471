"""Variants of a text, checked one after the other: what they have in common is done once."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from math import prod
from typing import TYPE_CHECKING, Any, NamedTuple

from cnndsl.comparison.measure import Measure, measure
from cnndsl.diagnostics.message import NOTHING, Message
from cnndsl.diagnostics.source import Source
from cnndsl.layers.values import Word
from cnndsl.network.elaborate import Elaborator, Stop, stem_of
from cnndsl.network.network import Network
from cnndsl.network.values import given_value, read_value
from cnndsl.network.words import is_word
from cnndsl.syntax import nodes as ast
from cnndsl.syntax.parser import parse
from cnndsl.syntax.walk import walk
from cnndsl.variants.grid import axis

if TYPE_CHECKING:
    from concurrent.futures import Executor, Future

LARGEST, CHUNK, STEPS = 512, 4_000, 4
"""The most variants that are worked out in one go, how many layers these should come to, and how
many steps of loops and calls take as long as a layer."""

AHEAD = 256
"""How many chunks an executor has before the first answer is waited for."""


class Variant(NamedTuple):
    """A net with some values of its params.

    * `number`: its place in the grid, from 0
    * `settings`: the values, as they were given
    * `measure`: what the net comes to; None where it has errors
    * `code`, `message`: the first of them
    """

    number: int
    settings: dict[str, Any]
    measure: Measure | None
    code: str = ""
    message: Message = NOTHING


class Job(NamedTuple):
    """What variants are of: a text, its name, the params that vary, the input, the most layers."""

    text: str
    file: str
    names: tuple[str, ...]
    size: str | None
    limit: int


Chunk = Sequence[tuple[int, tuple[Any, ...]]]
"""Places in the grid, and the values there."""

Answer = tuple[list[Variant], int]
"""The variants of a chunk, and how many layers they were."""


class Checker:
    """Checks variants of a job. A check begins with the first statement that a param which is
    not as it was the time before has a say in; and a layer that was made is not made again.
    """

    def __init__(self, job: Job) -> None:
        self.job, self.source = job, Source(job.file, job.text)
        self.module, self.problems = parse(self.source)
        first = self.module.statements[0] if self.module.statements else None
        self.name = first.name.id if isinstance(first, ast.Net) else stem_of(job.file)
        self.marks: dict[int, Elaborator] = {}  # as far as some statements, with the last values
        self.last: list[str | None] = []
        begun = self._begun(dict.fromkeys(job.names, 1))
        begun.unused_settings()
        self.problems += begun.problems
        statements = self.module.statements
        back = statements[::-1]  # as of those that have the same name the first counts
        self.declared = {each.name.id: each.name for each in back if isinstance(each, ast.Param)}
        self.blocks = {each.name.id: each for each in back if isinstance(each, ast.Block)}
        names = [() if isinstance(s, ast.Block) else _names(s, self.blocks) for s in statements]
        self.places = [
            next((at for at, found in enumerate(names) if name in found), len(names))
            for name in job.names
        ]

    def _begun(self, settings: dict[str, Any]) -> Elaborator:
        return Elaborator(self.source, self.module, settings, self.job.size, self.job.limit)

    def variant(self, index: int, values: tuple[Any, ...]) -> tuple[Variant, int]:
        """What some values of the params come to, and the work that it was, in layers."""
        settings = dict(zip(self.job.names, values))
        run, network = self.run(settings)
        if run.overfull:
            self.marks = {}
        if network is not None:
            found = Variant(index, settings, measure(network))
        else:
            first = min(run.problems, key=lambda problem: (problem.span, problem.code))
            found = Variant(index, settings, None, first.code, first.message)
        return found, max(1, len(run.nodes), run.steps // STEPS)

    def run(self, settings: dict[str, Any]) -> tuple[Elaborator, Network | None]:
        """The elaboration with some values of the params, and the network, if it is one."""
        statements, values = self.module.statements, [*map(given, settings.values())]
        before, self.last = self.last, [*map(self._key, values)]
        changed = (at for at, a, b in zip(self.places, before, self.last) if a != b)
        anew = None in (*before, *self.last)
        first = 0 if anew else min(changed, default=len(statements))
        self.marks = {place: mark for place, mark in self.marks.items() if place <= first}
        run = self.marks.get(0) or self._begun(settings)
        try:
            if self.marks:
                run.settings = settings
                run.count(statements)
            else:
                run.prepare()
                self.marks[0] = run
            done = max(self.marks)
            run = self.marks[done].fork()
            run.settings = settings
            for name, value in zip(settings, values):
                if run.scope.defined.get(name) is self.declared[name]:
                    run.scope.constants[name] = value
            for place in sorted({place for place in self.places if place > done}):
                run.body(statements[done:place], top=True)
                self.marks[place], done = run.fork(), place
            body = run.body(statements[done:], top=True)
            return run, run.finish(body, self.name)
        except Stop:
            if run is self.marks.get(0):
                self.marks = {}  # it has counted too many
            return run, None

    def _key(self, value: Any) -> str | None:
        """What two values that do the same have in common; None where one has a say in where it
        is declared, or by the block that it names."""
        word = isinstance(value, Word) and (value.id in self.blocks or not is_word(value.id))
        return None if word or value is None else repr(value)


def _names(statement: ast.Statement, blocks: Mapping[str, ast.Block]) -> set[str]:
    """The names that stand in a statement, or in the blocks that it leads to."""
    found, waiting = set[str](), [statement]
    while waiting:
        for node in walk(waiting.pop()):
            name = node.name if isinstance(node, ast.Apply) else node
            if isinstance(name, ast.Name) and name.id not in found:
                found.add(name.id)
                waiting += [blocks[name.id]] if name.id in blocks else []
    return found


_read = lru_cache(maxsize=1_000)(read_value)


def given(value: Any) -> Any:
    """The value of the language that was given; None for none."""
    return _read(value) if isinstance(value, str) else given_value(value)


_checkers: dict[Job, Checker] = {}


def work(job: Job, chunk: Chunk) -> Answer:
    """The variants of a chunk, wherever this is run."""
    from cnndsl.analysis.analysis import uncollected

    checker = _checkers.pop(job, None) or Checker(job)
    with uncollected():
        found = [checker.variant(index, values) for index, values in chunk]
    _checkers.clear()  # one is kept
    _checkers[job] = checker
    return [variant for variant, _ in found], sum(cost for _, cost in found)


class Sweep:
    """Every variant of a text; `problems` say why there is none, and `name` is the net's.

    Raises OptionError for values that are none, as `axis` does.
    """

    def __init__(
        self, source: Source, grid: Mapping[str, str | Iterable[Any]], size: str | None, limit: int
    ) -> None:
        self.job = Job(source.text, source.name, tuple(grid), size, limit)
        self.axes = tuple(axis(name, values) for name, values in grid.items())
        self.count = prod(map(len, self.axes))
        checker = Checker(self.job)
        self.problems, self.blocks, self.name = checker.problems, checker.blocks, checker.name
        self.params = [*checker.declared]
        self.most = 1  # variants in a chunk

    def at(self, index: int) -> tuple[int, tuple[Any, ...]]:
        """A place of the grid, and the values there."""
        found, left = [], index
        for values in reversed(self.axes):
            left, place = divmod(left, len(values))
            found.append(values[place])
        return index, tuple(reversed(found))

    def chunks(self, start: int) -> Iterator[Chunk]:
        """The grid from a place on, in pieces of about as much work."""
        while start < self.count:
            stop = min(self.count, start + self.most)
            yield [self.at(index) for index in range(start, stop)]
            start = stop

    def run(
        self, answers: Callable[[Job, Iterable[Chunk]], Iterator[Answer]], start: int = 0
    ) -> Iterator[list[Variant]]:
        """The variants from a place of the grid on, as they come from who works chunks out, and
        answers in their order."""
        for variants, cost in answers(self.job, self.chunks(start)):
            self.most = max(1, min(LARGEST, CHUNK * len(variants) // cost))
            yield variants


def by(executor: Executor | None, job: Job, chunks: Iterable[Chunk]) -> Iterator[Answer]:
    """By an executor, which has a bounded number of chunks at a time; by this process for None."""
    if executor is None:
        yield from (work(job, chunk) for chunk in chunks)
        return
    sent: deque[Future[Answer]] = deque()
    try:
        for chunk in chunks:
            sent.append(executor.submit(work, job, chunk))
            if len(sent) >= AHEAD:
                yield sent.popleft().result()
        while sent:
            yield sent.popleft().result()
    finally:
        for each in sent:  # which nobody waits for any more
            each.cancel()
