"""What would mend a net: every edit that is named here has been tried.

A fix is an edit of the text after which all of the net is valid: no error is left in it, and its
promises are kept. Where no single edit does that, those that mend one error and harm nothing else
are second best.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from math import isqrt
from typing import Any

from cnndsl.diagnostics import Diagnostic, Edit, Fix, Note, Span
from cnndsl.diagnostics.message import Message, joined
from cnndsl.layers import Shape
from cnndsl.layers.base import show
from cnndsl.layers.values import show_value
from cnndsl.network.evaluation import Evaluation, ShapeError
from cnndsl.quickfix.candidate import Candidate, QuickFix, Remaining, intent, make, ranked
from cnndsl.quickfix.candidates import candidates, near
from cnndsl.quickfix.evaluator import Evaluator
from cnndsl.quickfix.promises import Promise, keeping, promises
from cnndsl.quickfix.provenance import provenance
from cnndsl.quickfix.sizes import (
    alike,
    goes_up_again,
    input_literal,
    lossless_sizes,
    nearest_numbers,
    nearest_sizes,
    reach,
)
from cnndsl.quickfix.words import title
from cnndsl.syntax import nodes as ast

CODES = ("E201", "E202", "E203", "E204", "E205", "E206", "E207", "E301")
"""The errors that fixes are looked for."""

BUDGET = 12_000
"""How many layers and statements may be worked out for one text, over all that is tried."""

MAX_ERRORS = 8
"""Of how many errors of a text fixes are looked for."""

MORE = 12
"""How many edits are tried for an error after one that mends everything."""

OFFERED = 4
"""How many fixes of an error are named at most."""


def with_quickfixes(evaluator: Evaluator, problems: Sequence[Diagnostic]) -> list[Diagnostic]:
    """The problems of a text that can be read, with what would mend those about sizes.

    Where the best fix of the first leaves nothing wrong, it is the only one that is told, with
    how many others it mends.
    """
    outcome = evaluator.run()
    if outcome is None or outcome.valid:
        return list(problems)
    broken = promises(outcome)
    errors = {(each.code, each.span): each for each in outcome.errors}
    errors |= {key: each.error for key, each in broken.items()}
    search = _Search(evaluator, outcome, broken)
    mended: dict[Diagnostic, Diagnostic] = {}
    # In the order in which layers are worked out: what is wrong first may be why others are.
    for problem in sorted(problems, key=_order_of(outcome)):
        error = errors.get((problem.code, problem.span))
        if error is None or len(mended) == MAX_ERRORS:
            continue
        fixes = search.of(problem, error)
        first = not mended
        mended[problem] = fixes.diagnostic(first=first)
        others = len(problems) - 1
        if first and others and fixes.cures_all:
            note = Message("{count:,} more errors go away with it", count=others)
            if others == 1:
                note = Message("1 more error goes away with it")
            alone = mended[problem]
            return [alone._replace(notes=(*alone.notes, Note(note)))]
    return [mended.get(each, each) for each in problems]


def _order_of(outcome: Evaluation) -> Any:
    places = {(each.code, each.span): i for i, each in enumerate(outcome.problems)}
    return lambda problem: places.get((problem.code, problem.span), len(places))


class _Search:
    """The search for what mends the errors of one text."""

    def __init__(
        self, evaluator: Evaluator, outcome: Evaluation, broken: Mapping[Any, Promise]
    ) -> None:
        self.evaluator = evaluator
        self.outcome = outcome
        self.broken = broken
        self.known: list[Candidate] | None = None

    def of(self, problem: Diagnostic, error: ShapeError) -> _Fixes:
        """What mends one error."""
        evaluator, outcome = self.evaluator, self.outcome
        fixes = _Fixes(problem, error, evaluator, outcome, self.broken)
        tries = candidates(outcome, error)
        promise = self.broken.get((error.code, error.span))
        if promise is not None:
            tries = ranked(error.code, [*tries, *keeping(outcome, promise)])
        fixes.take_order(_order(outcome))
        fixes.take(_maps(evaluator, outcome, error))
        kinds = [each.kind for each in ranked(error.code, [*tries, *_MARKS])]
        late = kinds.index("input") - 1
        if goes_up_again(outcome):
            early = kinds.index("sizes")
            fixes.take(tries[:early])
            if not fixes.valid:
                fixes.take(_lossless(evaluator, outcome))
                if fixes.valid:
                    return fixes
            fixes.take(tries[early:late])
        else:
            fixes.take(tries[:late])
        codes = {error.code, *(each.code for each in outcome.errors if each.code == "E203")}
        enough = min(_ENOUGH.get(code, OFFERED) for code in codes)
        plain = any(each.candidate.kind in _PLAIN for each in fixes.valid)
        inputs = self.inputs() if len(fixes.valid) < enough and not plain else []
        fixes.take(ranked(error.code, [*tries[late:], *inputs]))
        return fixes

    def inputs(self) -> list[Candidate]:
        """Other sizes of the input: looked for once, and late, as it may take much of the
        budget."""
        if self.known is None:
            self.known = _inputs(self.evaluator, self.outcome, self.broken.values())
        return self.known


_ENOUGH = {"E203": 2, "E206": 1, "E301": 2}
"""With so many other fixes the input is not to blame, and not looked at."""

_PLAIN = ("order", "match", "agree", "project", "like")
"""Kinds of fixes after which it is plain that the input's size is as it was meant."""

_MARKS = [make(kind, -1, 0, Edit(Span(0, 0), kind)) for kind in ("sizes", "input")]
"""Where in a ranking the sizes of the input have their place."""


def _order(outcome: Evaluation) -> Candidate | None:
    """An input whose channels seem to come first, with its channels last."""
    place = input_literal(outcome)
    meant = _channels_last(place.value) if place is not None else None
    if place is None or meant is None:
        return None
    text = show_value(meant)
    return make("order", 0, 0, Edit(place.span, text), None, text)


def _channels_last(shape: Shape) -> Shape | None:
    """What a size was meant to be whose channels seem to come first.

    Where something does not fit it takes less to think so than where all does (W213).
    """
    first, *spatial = shape
    if first > 4 or len(spatial) not in (2, 3) or min(spatial) < 16:
        return None
    return (*spatial, first)


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
    return [make("input", 0, 0, Edit(size.span, fitting[0]), None, " ".join(fitting))]


def _inputs(
    evaluator: Evaluator, outcome: Evaluation, broken: Collection[Promise]
) -> list[Candidate]:
    """The nearest size of the input with which all is valid, as a candidate."""
    axes = sorted(outcome.faulty_axes or {axis for each in broken for axis in each.error.axes})
    about_sizes = [each for each in outcome.problems if each.code != "E301"]
    if len(about_sizes) > len(outcome.errors) or not axes:
        return []
    far = reach(outcome, max((each.gap(outcome) for each in broken), default=0))
    place = input_literal(outcome)
    if place is None:
        made = []
        for each, text, amount in nearest_numbers(evaluator, outcome, far):
            kind = "input" if near((int(text),), (each.value,)) else "far"
            made.append(make(kind, amount, 0, Edit(each.span, text), each.owner))
        return made
    spans = [place.span]
    sizes = nearest_sizes(evaluator, place.value, axes, far=far)
    if not sizes and len(numbers := alike(outcome)) > 1:
        # One alone does not do: two towers on images of one size want another size together.
        places = [input_literal(outcome, number) for number in numbers]
        spans = sorted({each.span for each in places if each is not None})
        if None not in places:
            sizes = nearest_sizes(evaluator, place.value, axes, numbers, far=far)
    if not sizes:
        return []
    close = [size for size in sizes if near(size, place.value)]
    sizes = close or sizes
    changes = [sum(abs(a - b) for a, b in zip(size, place.value)) for size in sizes]
    texts = [show_value(size) for size, change in zip(sizes, changes) if change == changes[0]]
    edits = tuple(Edit(span, texts[0]) for span in spans)
    word = " ".join(texts[:2])
    kind, amount = "input" if close else "far", changes[0] * len(spans)
    return [make(kind, amount, 0, edits[0], None, word)._replace(edits=edits)]


def _lossless(evaluator: Evaluator, outcome: Evaluation) -> Iterator[Candidate]:
    """The nearest sizes of the input with which a net loses nothing on its way down and up."""
    place = input_literal(outcome)
    if place is None:
        return
    sizes = lossless_sizes(evaluator, outcome, place.value)
    if sizes:
        texts = [show_value(size) for size in sizes]
        amount = sum(abs(a - b) for a, b in zip(sizes[0], place.value))
        edit = Edit(place.span, texts[0])
        yield make("sizes", amount, 0, edit, None, " ".join(texts))


class _Fixes:
    """What mends one error: fixes of the whole net, or else of the error alone."""

    def __init__(
        self,
        problem: Diagnostic,
        error: ShapeError,
        evaluator: Evaluator,
        outcome: Evaluation,
        broken: Mapping[Any, Promise],
    ) -> None:
        self.problem = problem
        self.error = error
        self.evaluator = evaluator
        self.outcome = outcome
        self.broken = broken
        self.meant = ""
        self.first: QuickFix | None = None
        self.more = MORE
        self.valid: list[QuickFix] = []
        self.partial: list[QuickFix] = []

    def take_order(self, candidate: Candidate | None) -> None:
        """An input with its channels last comes first even where that does not mend everything."""
        after = self.evaluator.run(candidate.edits) if candidate is not None else None
        if candidate is None or after is None:
            return
        before = self.outcome
        old = {before.located(each) for each in before.problems}
        new = {after.located(each, candidate.edits) for each in after.problems}
        self.meant = candidate.word
        if after.valid:
            self.valid.append(QuickFix(candidate, after))
        elif before.located(self.problem) not in new:
            left = tuple(sorted(new - old, key=lambda each: each[1]))
            self.first = QuickFix(candidate, after, Remaining(len(new & old), left))

    def take(self, tries: Iterable[Candidate]) -> None:
        """Try edits, the best first, and keep the first of each group that helps."""
        for candidate in tries:
            if candidate.group in [each.candidate.group for each in self.valid]:
                continue
            # Another layer is the last resort, but for a merge, whose path may lack one.
            others = any(each.candidate.kind != "layers" for each in self.valid)
            others = others and self.error.code in ("E201", "E202", "E203", "E205")
            if self.valid and candidate.kind == "far":
                continue
            if len(self.valid) == OFFERED or (others and candidate.kind == "layers"):
                return
            # What is likely comes early; of the rest a few are tried once one is known to do.
            if self.more <= 0 and candidate.kind not in ("input", "turns", "loses"):
                continue
            self.more -= bool(self.valid)
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

    @property
    def cures_all(self) -> bool:
        """Whether its best fix takes away what all errors come of.

        To round down in the whole file mends many that have nothing to do with each other.
        """
        if not self.valid or self.first is not None:
            return False
        best = self.valid[0].candidate
        return not intent(best) and (best.kind != "rounding" or best.owner is not None)

    def diagnostic(self, *, first: bool) -> Diagnostic:
        """The problem with where its size comes from, and with what mends it."""
        tried = self.valid or self.partial[: OFFERED // 2]
        tried = [self.first, *tried[: OFFERED - 1]] if self.first else tried
        promise = self.broken.get((self.error.code, self.error.span))
        error = self.error._replace(inputs=(promise.node,)) if promise else self.error
        notes = (*provenance(self.outcome, error), *self.problem.notes)
        if promise is not None:  # which says more of where it is
            notes = (*self.problem.notes, *provenance(self.outcome, error))
        swapped = any(each.candidate.kind == "order" for each in self.valid)
        if self.meant and first and not swapped:
            channels = Message(
                "the channels of the input seem to stand first; they stand last: {size}",
                size=self.meant,
            )
            notes = (*notes, Note(channels))
        if not tried:
            return self.problem._replace(notes=notes)
        words = [title(each, self.error, self.outcome, other=True) for each in tried]
        # One fewer of the problems, and no other is new.
        alone = Remaining(len(self.outcome.problems) - 1, ())
        fixes = tuple(
            Fix(
                title(each, self.error, self.outcome),
                each.candidate.edits,
                alone=each.remaining == alone,
                intent=intent(each.candidate),
            )
            for each in tried
        )
        if promise is not None:
            actual = show(self.outcome.nodes[promise.node].output)
            words.append(Message("promise {shape}, if the net is as it was meant", shape=actual))
        help_ = joined(words, "{first}\nor {rest}")
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
