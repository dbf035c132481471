"""What is known of a text: its layers as far as they go, what is wrong, what may be meant."""

from __future__ import annotations

import gc
from collections.abc import Callable, Collection, Container, Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from cnndsl.diagnostics import Diagnostic, Fix, Source, Span
from cnndsl.diagnostics.message import Message
from cnndsl.foreign import is_foreign
from cnndsl.network import DEFAULT_LIMIT, Network, Node, stem_of
from cnndsl.network.elaborate import Stop
from cnndsl.network.evaluation import Evaluation, Probe
from cnndsl.network.incremental import LONG, Marks, Parsed, is_resumable, reparse
from cnndsl.syntax import nodes as ast
from cnndsl.syntax.parser import parse

if TYPE_CHECKING:
    from cnndsl.analysis.completion import Item, Signature
    from cnndsl.analysis.hover import Hint, Hover
    from cnndsl.analysis.names import Names
    from cnndsl.analysis.symbols import Symbol
    from cnndsl.diagnostics import Edit
    from cnndsl.network.attempt import Attempt

Settings = Mapping[str, Any]


class Question(NamedTuple):
    """What a text is asked with: values of its `param`s, the input's size, the most layers."""

    values: Settings = MappingProxyType({})
    size: str | None = None
    limit: int = DEFAULT_LIMIT

    @property
    def exact(self) -> object:
        """What two questions that are one have in common: 1 is not True."""
        values = [(name, type(value), value) for name, value in self.values.items()]
        return values, self.size, self.limit


class Reached(NamedTuple):
    """A layer, or an input, that was reached.

    It is `assumed` where an error before it, or in it, keeps its shapes from being known: they
    are then what they would be if a size were rounded down, or a layer that cannot be read left
    out. `calls` are the calls of blocks that led to it, the outermost first.
    """

    line: int
    node: Node
    calls: tuple[ast.Apply, ...]
    assumed: bool


class Analysis:
    """What there is to be said about a text; made by `analyse`, and never changed.

    * `source`, `module`: the text and its syntax tree; a statement that cannot be read is `Bad`
    * `network`: the checked network, or None where there is an error
    * `problems`: the errors, in the order of the text, with such fixes as need no search
    """

    def __init__(
        self,
        source: Source,
        question: Question,
        kind: type[Network] = Network,
        previous: Analysis | None = None,
    ) -> None:
        self.source = source
        self.question = question
        self.kind = kind
        self.network: Network | None = None
        self.marks: Marks[Probe] | None = None
        self.asked = question.exact
        if previous and (previous.kind is not kind or previous.asked != self.asked):
            previous = None
        if previous is not None and previous._unread:
            previous = previous._readable  # a word that is being typed is no reason to begin anew
        self.module: ast.Module
        self._unread: list[Diagnostic]
        self._readable: Analysis | None
        parsed = None
        if previous is None or not previous.module.complete:
            self.module, self._unread = parse(source)
        else:
            parsed = reparse(source, previous.source, previous.module)
            self.module, self._unread = parsed.module, parsed.problems
        self._readable = previous if self._unread else None
        self._taken: Any = None  # the layers that the analysis before has made
        self.run = Probe(source, self.module, *question)
        self._found: list[Diagnostic] = []
        if self.module.complete and not any(map(_is_about_braces, self._unread)):
            self._elaborate(previous, parsed)

    def _elaborate(self, previous: Analysis | None, parsed: Parsed | None) -> None:
        """Run the statements; those before an edit stand as they were."""
        if previous is not None:
            self.run.take_layers(previous.run)
            self._taken = self.run.taken
        network = None
        statements = self.module.statements
        kept = 0
        is_kept = previous is not None and parsed is not None and not previous.run.overfull
        if not (previous and parsed and is_kept and is_resumable(parsed, previous.module)):
            self.marks = Marks(self._begun, self.source, self.module)
        else:
            kept = parsed.kept
            self.marks = previous._marks().kept(kept, self._begun, self.source, self.module)
        if len(statements) < LONG:
            network = self.run.run(stem_of(self.source.name), self.kind)
        else:
            try:
                if kept:
                    self.marks.before(kept).count(statements)  # which comes before all else
                self.run = self.marks.before(len(statements))
                network = self.run.go_on(self.kind)
            except Stop:
                self.run = self._begun()
                network = self.run.run(stem_of(self.source.name), self.kind)
        self._found = sorted(self.run.problems, key=lambda each: (each.span, each.code))
        if not self._unread:
            self.network = network

    def _begun(self) -> Probe:
        probe = Probe(self.source, self.module, *self.question)
        probe.taken = self._taken
        return probe

    def _marks(self) -> Marks[Probe]:
        if self.marks is None:
            self.marks = Marks(self._begun, self.source, self.module)
        return self.marks

    @cached_property
    def problems(self) -> list[Diagnostic]:
        """The errors: what cannot be read, and what is wrong with the rest."""
        unread, others = self._unread, self._found
        if unread:  # of which nothing more is to be said
            places = {each.span.start for each in unread}
            others = [each for each in others if each.span.start not in places]
        if any(map(is_foreign, unread)) or any(map(is_foreign, others)):
            from cnndsl.analysis.rounding import with_floors
            from cnndsl.diagnostics.fault import guarded

            values, size, _ = self.question
            return guarded(
                self.source,
                Message("the reading of other languages"),
                lambda: with_floors(self.source, unread, others, values, size),
                otherwise=[*unread, *others],
            )
        return unread + others if unread else others

    def advice(self, codes: Container[str]) -> list[Diagnostic]:
        """What the rules say of a net without errors, of those with some codes."""
        if self.network is None or self.problems:
            return []
        from cnndsl import rules

        return list(rules.advice(self.network, codes))

    @cached_property
    def diagnostics(self) -> list[Diagnostic]:
        """What is to be said where the rules are asked that are on by default: see `said`."""
        from cnndsl.diagnostics.codes import on_by_default

        return self.said(on_by_default())

    def said(self, codes: Collection[str]) -> list[Diagnostic]:
        """All that is to be said, in the order of the text: the errors, or else the advice of
        the rules with some codes, without what comments ignore. No fix is searched."""
        from cnndsl.diagnostics.render import sort_key

        found = [*self.problems, *self.advice(codes)]
        if "cnndsl:" in self.source.text:
            from cnndsl.lint.comments import suppress

            found = suppress(self.source, found, codes)
        return sorted(found, key=sort_key)

    # Quick fixes

    @property
    def evaluation(self) -> Evaluation:
        """The run, as the search for fixes begins with it."""
        return self.run.evaluation(self.network)

    def mended(self, *, cancelled: Callable[[], bool] | None = None) -> list[Diagnostic]:
        """The errors with their fixes, those that have to be searched among them."""
        return self._searched(self.problems, None, cancelled)

    def fixes(
        self,
        diagnostic: Diagnostic,
        *,
        budget: int | None = None,
        cancelled: Callable[[], bool] | None = None,
    ) -> list[Fix]:
        """What would mend one of the errors; a warning has its fixes with it.

        `budget` bounds how many layers and statements are worked out for it, and `cancelled` is
        asked before each try: once it is true the search ends, with what it has found.
        """
        place = diagnostic.code, diagnostic.span
        mine = [each for each in self.problems if (each.code, each.span) == place]
        found = self._searched(mine, budget, cancelled) if mine else [diagnostic]
        return list(found[0].fixes)

    def _searched(
        self,
        problems: list[Diagnostic],
        budget: int | None,
        cancelled: Callable[[], bool] | None,
    ) -> list[Diagnostic]:
        from cnndsl.diagnostics.fault import guarded

        if self._unread or not any(each.code in SEARCHED for each in problems):
            return problems

        def search() -> list[Diagnostic]:
            from cnndsl.quickfix import with_quickfixes
            from cnndsl.quickfix.evaluator import Evaluator
            from cnndsl.quickfix.search import BUDGET

            base, marks = self.evaluation, self._marks()
            # A long text has a few tries as well.
            most = BUDGET + len(base.nodes) + len(base.module.statements)
            most = most if budget is None else budget
            evaluator = Evaluator(
                self.source, *self.question, most, base=base, marks=marks, cancelled=cancelled
            )
            with uncollected():
                return with_quickfixes(evaluator, problems)

        return guarded(
            self.source, Message("the search for quick fixes"), search, otherwise=problems
        )

    # Layers, as far as they go

    @property
    def assumed(self) -> frozenset[int]:
        """The indices of the nodes whose shapes an error keeps from being known."""
        return frozenset(self.run.assumed)

    @cached_property
    def layers(self) -> list[Reached]:
        """Every layer and input that was reached, in the order in which they are worked out."""
        run = self.run
        return [
            Reached(
                self.source.position(each.span.start).line, each, led, each.index in run.assumed
            )
            for each, led in zip(run.nodes, run.led)
        ]

    def as_far(self) -> Network | None:
        """What was reached as a network, what is assumed of it too; None without an input.

        It is for tables and pictures that say so: its numbers prove nothing behind an error.
        """
        return self.network or self.run.as_far(stem_of(self.source.name), self.kind)

    def lines(self, depth: int | None = None) -> list[tuple[int, ...]]:
        """For each row of a table of `as_far` the lines that it comes of: that of its layer, and
        those of the calls that led there, the outermost first. `depth` is that of the table."""
        from cnndsl.tables.rows import grouped

        reached = {each.node.index: each for each in self.layers if each.node.op != "input"}
        found = []
        for path, nodes in grouped([each.node for each in reached.values()], depth or 0):
            is_call = depth is not None and len(path) == depth
            for node in nodes[:1] if is_call else nodes:
                line, _, calls, _ = reached[node.index]
                at = [self.source.position(call.span.start).line for call in calls[:depth]]
                found.append(tuple(dict.fromkeys(at if is_call else [*at, line])))
        return found

    @property
    def attempt(self) -> Attempt:
        """The part before the first error, which is a net by itself, and that error."""
        from cnndsl.network.attempt import attempt

        return attempt(self.run, self._unread)

    # What an editor asks; offsets are in characters, `analysis.utf16` has those of editors

    @cached_property
    def names(self) -> Names:
        from cnndsl.analysis.names import resolve

        return resolve(self.module, self.source.text)

    def hints(self, lang: str = "en") -> list[Hint]:
        """For each line with layers what comes out of it, and its parameters."""
        from cnndsl.analysis.hover import hints

        run = self.run
        return hints(self.source, self.module, run.nodes, run.assumed, run.led, lang)

    def steady_hints(self, lang: str = "en") -> list[Hint]:
        """Hints that stay while a word is typed: where a statement cannot be read, those of the
        last text that could be, moved to where their lines stand now."""
        from cnndsl.analysis.hover import moved

        before = self.readable
        if before is self:
            return self.hints(lang)
        return moved(before.hints(lang), before.source, self.source)

    @property
    def readable(self) -> Analysis:
        """This analysis, or where a statement cannot be read the last one where all could be."""
        return self._readable or self

    def hover(self, offset: int, *, lang: str = "en") -> Hover | None:
        """What stands at an offset, in Markdown: shapes, formulas with their numbers."""
        from cnndsl.analysis.hover import hover

        run = self.run
        known = run.file_scope.constants
        return hover(self.source, self.module, run.nodes, offset, run.assumed, run.led, lang, known)

    def complete(self, offset: int) -> list[Item]:
        """What may be written at an offset."""
        from cnndsl.analysis.completion import complete

        return complete(self.source, self.module, offset)

    def signature(self, offset: int) -> Signature | None:
        """What the layer or block at an offset takes, and which argument stands there."""
        from cnndsl.analysis.completion import signature

        return signature(self.source, self.module, offset)

    def symbols(self) -> list[Symbol]:
        """The outline: names and what they name."""
        from cnndsl.analysis.symbols import symbols

        return symbols(self.source, self.module)

    def definition(self, offset: int) -> Span | None:
        """Where the name at an offset is given."""
        return self.names.definition(offset)

    def references(self, offset: int) -> list[Span]:
        """Every place of the name at an offset, where it is given among them."""
        return self.names.references(offset)

    def rename(self, offset: int, name: str) -> list[Edit] | Message:
        """The edits that give what is named at an offset another name, or why it cannot have
        that."""
        return self.names.rename(offset, name)

    def folding(self) -> list[Span]:
        """What may be folded: braces over several lines, and comments."""
        from cnndsl.analysis.symbols import folding

        return folding(self.source, self.module)

    def tokens(self) -> list[tuple[Span, str]]:
        """Words by what they are, for colours."""
        from cnndsl.analysis.tokens import tokens

        return tokens(self.source, self.module)


SEARCHED = ("E201", "E202", "E203", "E204", "E205", "E206", "E207", "E301")
"""What edits are looked for; they are tried on the whole net, which takes longer than a check."""


def analyse(
    text: str,
    *,
    file: str = "<text>",
    set: Settings | None = None,
    input: str | None = None,
    limit: int = DEFAULT_LIMIT,
    previous: Analysis | None = None,
    kind: type[Network] = Network,
) -> Analysis:
    """What there is to be said about a text, through all its errors. Raises nothing.

    `previous` is the analysis of an earlier version of the text: what stands before the edit
    is not done again, and the outcome the same. `kind` is the class of the network; the rest
    is as for `check`.
    """
    source = Source(file, text.removeprefix("\ufeff"))
    with uncollected():
        return Analysis(source, Question({**(set or {})}, input, limit), kind, previous)


@contextmanager
def uncollected() -> Iterator[None]:
    """Without the garbage collector, which would look at all of a large net again and again:
    what an analysis makes stays."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _is_about_braces(problem: Diagnostic) -> bool:
    # What belongs in which braces is anybody's guess then.
    if problem.code == "E003":
        return problem.source.text[problem.span.start : problem.span.end] != "("
    return problem.code == "E005"
