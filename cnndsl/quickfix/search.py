"""What would mend a net: every edit that is named here has been tried.

A fix is an edit of the text after which all of the net is valid: no error is left in it, and its
promises are kept. Where no single edit does that, those that mend one error and harm nothing else
are second best.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import isqrt

from cnndsl.diagnostics import Diagnostic, Edit, Fix
from cnndsl.layers.base import channels_last
from cnndsl.layers.values import show_value
from cnndsl.network.evaluation import Evaluation, ShapeError
from cnndsl.quickfix.candidates import KINDS, Candidate, QuickFix, Remaining, candidates, make, near
from cnndsl.quickfix.evaluator import Evaluator
from cnndsl.quickfix.provenance import provenance
from cnndsl.quickfix.sizes import alike, input_literal, nearest_numbers, nearest_sizes
from cnndsl.quickfix.words import title
from cnndsl.syntax import nodes as ast

CODES = ("E201", "E202", "E203", "E204", "E205", "E206", "E207")
"""The errors that fixes are looked for."""

BUDGET = 12_000
"""How many layers and statements may be worked out for one text, over all that is tried."""

MAX_ERRORS = 8
"""Of how many errors of a text fixes are looked for."""

EARLY = KINDS[: KINDS.index("input")]
"""What is tried before other sizes of the input are looked for."""

OFFERED = 4
"""How many fixes of an error are named at most."""


def with_quickfixes(evaluator: Evaluator, problems: Sequence[Diagnostic]) -> list[Diagnostic]:
    """The problems of a text that can be read, with what would mend those about sizes."""
    outcome = evaluator.run()
    if outcome is None or outcome.valid:
        return list(problems)
    found = []
    errors = {(each.code, each.span): each for each in outcome.errors[:MAX_ERRORS]}
    order = _order(outcome)
    inputs: list[Candidate] = []
    searched = False
    for problem in problems:
        error = errors.get((problem.code, problem.span))
        if error is not None:
            tries = candidates(outcome, error)
            meant = [*order, *_maps(evaluator, outcome, error)]
            early = [*meant, *(each for each in tries if each.kind in EARLY)]
            mends = _Fixes(problem, error, evaluator, outcome)
            mends.take(early)
            if not searched:
                # Only now, as it may take much of the budget.
                inputs, searched = _inputs(evaluator, outcome), True
            late = [*inputs, *(each for each in tries if each.kind not in EARLY)]
            mends.take(sorted(late, key=lambda each: each.kind == "far"))
            problem = mends.diagnostic()
        found.append(problem)
    return found


def _order(outcome: Evaluation) -> list[Candidate]:
    """An input whose channels seem to come first, with its channels last."""
    place = input_literal(outcome)
    meant = channels_last(place.value) if place is not None else None
    if place is None or meant is None:
        return []
    text = show_value(meant)
    return [make("order", 0, 0, Edit(place.span, text), None, text)]


def _maps(evaluator: Evaluator, outcome: Evaluation, error: ShapeError) -> list[Candidate]:
    """A vector that a net reads and that was meant as a map of one channel, 784 as 784x1 or as
    28x28x1, where a layer needs one."""
    node = outcome.nodes[error.inputs[0]]
    inputs = [each for each in outcome.module.statements if isinstance(each, ast.Input)]
    size = next((each.size for each in inputs if each.span == node.span), None)
    if error.code != "E204" or len(error.shape) != 1 or not isinstance(size, ast.Number):
        return []
    (count,) = error.shape
    side = isqrt(count)
    texts = [f"{count}x1", *([f"{side}x{side}x1"] if side * side == count > 1 else [])]
    tried = {text: evaluator.run((Edit(size.span, text),)) for text in texts}
    whole = [text for text, after in tried.items() if after is not None and after.valid]
    fitting = whole or [
        text
        for text, after in tried.items()
        if after is not None
        and (error.code, error.span.start)
        not in [after.located(each, (Edit(size.span, text),)) for each in after.problems]
    ]
    if not fitting:
        return []
    other = f" (or {fitting[1]})" if fitting[1:] else ""
    return [make("input", 0, 0, Edit(size.span, fitting[0]), None, f"{fitting[0]}{other}")]


def _inputs(evaluator: Evaluator, outcome: Evaluation) -> list[Candidate]:
    """The nearest size of the input with which all is valid, as a candidate."""
    if len(outcome.problems) > len(outcome.errors) or not outcome.faulty_axes:
        return []
    place = input_literal(outcome)
    if place is None:
        made = []
        for each, text, amount in nearest_numbers(evaluator, outcome):
            kind = "input" if near((int(text),), (each.value,)) else "far"
            made.append(make(kind, amount, 0, Edit(each.span, text), each.owner))
        return made
    axes = sorted(outcome.faulty_axes)
    spans = [place.span]
    sizes = nearest_sizes(evaluator, place.value, axes)
    if not sizes and len(numbers := alike(outcome)) > 1:
        # One alone does not do: two towers on images of one size want another size together.
        places = [input_literal(outcome, number) for number in numbers]
        spans = sorted({each.span for each in places if each is not None})
        if None not in places:
            sizes = nearest_sizes(evaluator, place.value, axes, numbers)
    if not sizes:
        return []
    close = [size for size in sizes if near(size, place.value)]
    sizes = close or sizes
    changes = [sum(abs(a - b) for a, b in zip(size, place.value)) for size in sizes]
    texts = [show_value(size) for size, change in zip(sizes, changes) if change == changes[0]]
    edits = tuple(Edit(span, texts[0]) for span in spans)
    word = texts[0] + (f" (or {texts[1]})" if texts[1:] else "")
    kind, amount = "input" if close else "far", changes[0] * len(spans)
    return [make(kind, amount, 0, edits[0], None, word)._replace(edits=edits)]


class _Fixes:
    """What mends one error: fixes of the whole net, or else of the error alone."""

    def __init__(
        self, problem: Diagnostic, error: ShapeError, evaluator: Evaluator, outcome: Evaluation
    ) -> None:
        self.problem = problem
        self.error = error
        self.evaluator = evaluator
        self.outcome = outcome
        self.valid: list[QuickFix] = []
        self.partial: list[QuickFix] = []

    def take(self, tries: Sequence[Candidate]) -> None:
        """Try edits, the cheapest first, and keep the first of each group that helps."""
        for candidate in tries:
            if candidate.group in [each.candidate.group for each in self.valid]:
                continue
            # Another layer is the last resort, but for a merge, whose path may lack one.
            others = any(each.candidate.kind != "layers" for each in self.valid)
            others = others and self.error.code != "E206"
            if self.valid and candidate.kind == "far":
                return
            if len(self.valid) == OFFERED or (others and candidate.kind == "layers"):
                return
            after = self.evaluator.run(candidate.edits)
            if after is None:
                continue
            if after.valid:
                self.valid.append(QuickFix(candidate, after))
            elif not self.valid and len(self.partial) < OFFERED:
                remaining = _remaining(self.problem, self.error, self.outcome, after, candidate)
                groups = [each.candidate.group for each in self.partial]
                if remaining is not None and candidate.group not in groups:
                    self.partial.append(QuickFix(candidate, after, remaining))

    def diagnostic(self) -> Diagnostic:
        """The problem with where its size comes from, and with what mends it."""
        tried = self.valid or self.partial[: OFFERED // 2]
        notes = (*provenance(self.outcome, self.error), *self.problem.notes)
        if not tried:
            return self.problem._replace(notes=notes)
        titles = [title(each, self.error, self.outcome) for each in tried]
        # One fewer of the problems, and no other is new.
        alone = Remaining(len(self.outcome.problems) - 1, ())
        fixes = tuple(
            Fix(words.split(" (or ")[0], each.candidate.edits, alone=each.remaining == alone)
            for words, each in zip(titles, tried)
        )
        help_ = "\nor ".join(titles)
        return self.problem._replace(help=help_, notes=notes, fixes=fixes)


def _remaining(
    problem: Diagnostic,
    error: ShapeError,
    before: Evaluation,
    after: Evaluation,
    candidate: Candidate,
) -> Remaining | None:
    """What is wrong after an edit that mends one problem; None where it does not, or harms.

    An error after which the shape was not known hid what comes behind it; that is no harm.
    Nor is a promise that can only now be looked at, and fails.
    """
    mine = before.located(problem)
    old = {before.located(each) for each in before.problems}
    new = {after.located(each, candidate.edits) for each in after.problems}
    if mine in new:
        return None
    behind = error.statement.span.end
    hidden = () if problem.code in ("E201", "E202") else CODES
    for code, offset in new - old:
        if code != "E301" and not (code in hidden and offset >= behind):
            return None
    return Remaining(len(new & old), tuple(sorted(new - old, key=lambda each: each[1])))
