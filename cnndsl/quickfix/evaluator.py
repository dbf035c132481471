"""Variants of a text, checked again and again: what is the same need not be done twice."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from typing import Any

from cnndsl.diagnostics import Edit, Source
from cnndsl.layers import Shape
from cnndsl.network import stem_of
from cnndsl.network.elaborate import Stop
from cnndsl.quickfix.apply import apply_edits
from cnndsl.quickfix.evaluation import Evaluation, Probe
from cnndsl.syntax import nodes as ast
from cnndsl.syntax.parser import parse

LONG = 200
"""From how many statements on a text is not checked from its beginning each time."""

MARKS = 16
"""In how many parts such a text is cut; a check begins with the part that an edit is in."""

STEPS = 4
"""How many steps of loops and calls take as long as a layer."""

_WHOLE_FILE = (ast.Block, ast.Net, ast.Input, ast.Rounding, ast.Defaults)


class Evaluator:
    """Checks variants of a text, as many as its budget allows.

    The budget counts the statements that are read and the layers that are worked out, or what is
    run for them where that is more, and no time: the same text has the same results on any
    machine. The layers of the text as it is add to the budget, so that a long one has a few tries
    as well. Texts are remembered, and so are sizes where it is to `keep` them.
    """

    def __init__(
        self,
        source: Source,
        settings: Mapping[str, Any],
        size: str | None,
        limit: int,
        budget: int,
        *,
        keep: bool = True,
        long: int = LONG,
    ) -> None:
        self.source = source
        self.settings = settings
        self.size = size
        self.limit = limit
        self.keep = keep
        self.long = long
        self.left = budget
        self.idle = 0  # what of the budget no layer has come of
        self.known: dict[object, Evaluation | None] = {}
        self.marks: dict[int, Probe] = {}  # elaborations before a statement, by its number
        self.base = self._checked(source)
        self.left = budget + budget - self.left - 2 * self.idle

    @property
    def spent(self) -> bool:
        """Whether nothing of the budget is left."""
        return self.left <= 0

    def affords(self, times: int) -> bool:
        """Whether what is left does for the text so many times."""
        return self.base is not None and times * len(self.base.nodes) <= self.left

    def run(self, edits: Sequence[Edit] = ()) -> Evaluation | None:
        """What the text comes to after edits.

        None where it cannot be read any more, and where the budget is spent.
        """
        if not edits:
            return self.base
        text = apply_edits(self.source.text, edits)
        if text in self.known:
            return self.known[text]
        if self.spent:
            return None
        number = self._statement(edits)
        source = Source(self.source.name, text)
        outcome = self._resumed(source, number) if number else self._checked(source)
        self.known[text] = outcome
        return outcome

    def sized(self, numbers: tuple[int, ...], shape: Shape) -> Evaluation | None:
        """What the text comes to with another size of some inputs, as an edit of them would do.

        None where the budget is spent.
        """
        base = self.base
        if base is None or self.spent:
            return None
        key = (numbers, shape)
        if key in self.known:
            return self.known[key]
        outcome = self._elaborated(base.source, base.module, dict.fromkeys(numbers, shape))
        if self.keep:
            self.known[key] = outcome
        return outcome

    def _checked(self, source: Source) -> Evaluation | None:
        module, problems = parse(source)
        self.left -= len(module.statements)
        return None if problems else self._elaborated(source, module, {})

    def _elaborated(
        self, source: Source, module: ast.Module, sizes: Mapping[int, Shape]
    ) -> Evaluation:
        probe = Probe(source, module, self.settings, self.size, self.limit, sizes=sizes)
        network = probe.run(stem_of(source.name))
        made, run = len(probe.nodes), probe.steps // STEPS
        self.idle += max(0, run - made)
        self.left -= max(made, run)
        return probe.evaluation(network)

    def _statement(self, edits: Sequence[Edit]) -> int:
        """The number of the statement that edits are in, where those before it need not be run
        again; 0 where all of the text has to be."""
        statements = self.base.module.statements if self.base else ()
        if len(statements) < self.long:
            return 0
        first = min(edit.span.start for edit in edits)
        number = bisect_right(statements, first, key=lambda each: each.span.start) - 1
        if number < 1 or first > statements[number].span.end:
            return 0
        # What speaks of the whole file is taken up before any statement is run.
        fine = not any(isinstance(each, _WHOLE_FILE) for each in statements[number:])
        return number if fine else 0

    def _resumed(self, source: Source, number: int) -> Evaluation | None:
        """The check of a text that is as it was up to a statement."""
        assert self.base is not None
        statements = self.base.module.statements
        start = statements[number].span.start
        rest, problems = parse(Source(source.name, " " * start + source.text[start:]))
        self.left -= len(rest.statements)
        if problems or any(isinstance(each, _WHOLE_FILE) for each in rest.statements):
            return None if problems else self._checked(source)
        probe = self._before(number).fork()
        probe.source = source
        probe.module = rest._replace(statements=statements[:number] + rest.statements)
        known, steps = len(probe.nodes), probe.steps
        network = None
        try:
            body = probe.body(rest.statements, top=True)
            network = probe.finish(body, stem_of(source.name))
        except Stop:
            pass
        self.left -= max(len(probe.nodes) - known, (probe.steps - steps) // STEPS)
        return probe.evaluation(network)

    def _before(self, number: int) -> Probe:
        """The elaboration of the text as far as a statement."""
        assert self.base is not None
        source, module = self.source, self.base.module
        if not self.marks:
            probe = Probe(source, module, self.settings, self.size, self.limit)
            probe.prepare()
            self.marks[0] = probe
        if number not in self.marks:
            last = max(mark for mark in self.marks if mark < number)
            probe = self.marks[last].fork()
            step = max(1, len(module.statements) // MARKS)
            while last < number:
                until = min(number, last - last % step + step)
                before = len(probe.nodes)
                probe.body(module.statements[last:until], top=True)
                self.left -= len(probe.nodes) - before
                self.marks[until] = probe.fork()
                last = until
        return self.marks[number]
