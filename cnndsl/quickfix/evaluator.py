"""Variants of a text, checked again and again: what is the same need not be done twice."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from cnndsl.diagnostics import Edit, Source
from cnndsl.layers import Shape
from cnndsl.network import stem_of
from cnndsl.network.elaborate import Stop
from cnndsl.network.evaluation import Evaluation, Probe
from cnndsl.network.incremental import Marks, is_resumable, reparse
from cnndsl.quickfix.apply import apply_edits
from cnndsl.syntax import nodes as ast
from cnndsl.syntax.parser import parse

STEPS = 4
"""How many steps of loops and calls take as long as a layer."""


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
        base: Evaluation | None = None,
        marks: Marks[Probe] | None = None,
        cancelled: Callable[[], bool] | None = None,
    ) -> None:
        self.source = source
        self.settings = settings
        self.size = size
        self.limit = limit
        self.keep = keep
        self.left = budget
        self.idle = 0  # what of the budget no layer has come of
        self.known: dict[object, Evaluation | None] = {}
        self.first: Probe | None = None  # whose layers the others have in common
        self.marks = marks
        self.cancelled = cancelled
        self.base: Evaluation | None = None
        if base is None:
            base = self._checked(source)
            self.left = budget + budget - self.left - 2 * self.idle
        self.base = base

    @property
    def spent(self) -> bool:
        """Whether nothing of the budget is left, or nobody waits for the result any more."""
        if self.cancelled is not None and self.left > 0 and self.cancelled():
            self.left = 0
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
        outcome = self._edited(Source(self.source.name, text))
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
        if self.first is None:
            self.first = probe
        probe.take_layers(self.first)
        probe.supposing = False
        if self.base is not None:
            probe.limit = self._most()
        network = probe.run(stem_of(source.name))
        made, run = len(probe.nodes), probe.steps // STEPS
        self.idle += max(0, run - made)
        self.left -= max(made, run)
        return probe.evaluation(network)

    def _edited(self, source: Source) -> Evaluation | None:
        """The check of the text after an edit: what stands before it is not done again."""
        if self.base is None:
            return self._checked(source)
        old = self.base.module
        parsed = reparse(source, self.source, old)
        module, problems, kept, _ = parsed
        self.left -= len(module.statements) - kept
        if problems:
            return None
        if not self.keep or not is_resumable(parsed, old):
            return self._elaborated(source, module, {})
        try:
            probe = self._before(kept)
        except Stop:
            return self._elaborated(source, module, {})
        known, run = len(probe.nodes), probe.steps
        probe.read(source, module)
        probe.supposing = False
        probe.limit = self._most()
        network = probe.go_on()
        self.left -= max(len(probe.nodes) - known, (probe.steps - run) // STEPS)
        return probe.evaluation(network)

    def _most(self) -> int:
        """How many layers a variant may come to: no try costs much more than what is left."""
        assert self.base is not None
        return min(self.limit, len(self.base.nodes) + max(0, self.left))

    def _before(self, number: int) -> Probe:
        """The elaboration of the text as far as a statement."""
        assert self.base is not None
        if self.marks is None:
            base, settings = self.base, (self.settings, self.size, self.limit)
            self.marks = Marks(
                lambda: Probe(base.source, base.module, *settings), base.source, base.module
            )
        return self.marks.before(number)
