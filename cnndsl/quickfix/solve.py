"""The input sizes for which every size of a net comes out whole."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from heapq import merge
from itertools import product as combinations
from typing import Any, NamedTuple

from cnndsl.contract import TargetError
from cnndsl.diagnostics import Diagnostic, Source, Span
from cnndsl.layers import Shape
from cnndsl.layers.base import product
from cnndsl.layers.values import LARGEST
from cnndsl.network import DEFAULT_LIMIT, stem_of
from cnndsl.network.evaluation import Evaluation, Probe
from cnndsl.quickfix.evaluator import Evaluator
from cnndsl.quickfix.sizes import alike, farness
from cnndsl.symbolic.residues import Residues
from cnndsl.symbolic.trace import Symbols, symbols
from cnndsl.syntax import nodes as ast
from cnndsl.syntax.walk import names, walk

BUDGET = 200_000
"""How many layers may be worked out for one question."""

BUDGET_OF_SOME = 20_000
"""The same where that is too few for all sizes that are asked about: for the nearest it does."""

FAR = 64
"""How far from the present size, and from some times of it, one that fits is looked for."""

LISTED = 10_000
"""How many sizes are listed at most where all dimensions are to be alike."""

NEAREST = 6
"""How many sizes near the present one are named."""


class Unsolvable(Exception):
    """A net without sizes to look for: `problems` say why, or else its text does."""

    def __init__(self, message: str, problems: Sequence[Diagnostic] = ()) -> None:
        super().__init__(message)
        self.problems = list(problems)


class Solution(NamedTuple):
    """The sizes of an input with which every size of the net comes out whole.

    * `shape`: the present size, and `valid` whether it is one of them
    * `ranges`: the sizes that were asked about, for each spatial dimension
    * `by_axis`: the sizes of each dimension where they are independent: any goes with any; None
      where they are not
    * `sizes`: the spatial sizes one by one where the dimensions depend on each other, or must
      be alike, in order, the first of them where there are many; None otherwise
    * `nearest`: some of them, nearest to the present size first
    * `tried`, `asked`: of how many sizes the net was worked out, and of how many it would have
      had to be; less where the net is too large for all, and then the nearest were
    * `promising`: of `sizes`, those with which the file's promises are kept too; None where that
      was not tried
    * `inputs`: how many inputs have this size, and are varied together
    * `stays`: where no size fits, the errors that every size has had, as the first had them
    * `rules`: what fits in any range, for each dimension, or once where they must be alike; None
      where there is no closed form, and `open` says why, if a size is known that fits
    * `beyond`: whether some of the sizes make counts that are beyond those of a network
    """

    shape: Shape
    valid: bool
    ranges: tuple[range, ...]
    by_axis: tuple[Sequence[int], ...] | None
    sizes: tuple[Shape, ...] | None
    nearest: tuple[Shape, ...]
    tried: int
    asked: int
    promising: tuple[Shape, ...] | None
    inputs: int = 1
    stays: tuple[Diagnostic, ...] = ()
    rules: tuple[Residues, ...] | None = None
    open: Diagnostic | None = None
    beyond: bool = False


def solve(
    source: Source,
    ranges: Sequence[range | None],
    *,
    number: int | None = None,
    square: bool = False,
    settings: Mapping[str, Any] | None = None,
    size: str | None = None,
    limit: int = DEFAULT_LIMIT,
    budget: int = BUDGET,
) -> Solution:
    """Find the sizes of an input that make a net whole; raises Unsolvable.

    `ranges` bounds each spatial dimension; None, or none at all, means from half the present
    size to twice of it. `number` says which input, from 0; without it the first
    is meant, and all inputs of the same size with it. `square` asks for sizes that are the
    same in every dimension. A size counts where every size that follows from it comes out;
    promises are another matter.
    """
    evaluator = Evaluator(source, settings or {}, size, limit, budget, keep=False)
    base = evaluator.run()
    if base is None:
        raise Unsolvable("the text cannot be read")
    inputs = [node for node in base.nodes if node.op == "input" and node.inputs == ()]
    if (number or 0) >= len(inputs):
        raise Unsolvable("there is no such input")
    numbers = alike(base) if number is None else (number,)
    others = _others(base)
    if others and not reads_sizes(base.module):
        raise Unsolvable("no size of the input mends this", others)
    shape = inputs[numbers[0]].output
    rank = len(shape) - 1
    if not rank:
        raise Unsolvable("the input is a vector, and any vector is whole")
    given = [*ranges, *[None] * rank][:rank]
    bounds = tuple(
        range(max(1, x // 2), 2 * x + 1) if each is None else each for x, each in zip(shape, given)
    )
    search = _Search(evaluator, numbers, shape, bounds, square)
    fitting = search.fitting()
    found, why = None, None
    if fitting is not None:
        sizes = dict.fromkeys(numbers, (*fitting, shape[-1]))
        probe = Probe(source, base.module, settings or {}, size, limit, sizes=sizes)
        network = probe.run(stem_of(source.name), unkept=True)
        try:
            found = search.closed(symbols(network, numbers)) if network else None
        except TargetError as error:
            (why,) = error.diagnostics
    if found is None or not (found.sizes if found.by_axis is None else all(found.by_axis)):
        tried = search.one_by_one()
        found = found or tried
    return found._replace(
        inputs=len(numbers), stays=tuple(search.stays.values()) if search.stays else (), open=why
    )


def input_shape(
    source: Source, number: int, settings: Mapping[str, Any], size: str | None
) -> Shape | None:
    """The size that an input has in a text; None where there is no such input."""
    outcome = Evaluator(source, settings, size, DEFAULT_LIMIT, 1).run()
    inputs = [node for node in outcome.nodes if node.op == "input"] if outcome else []
    return inputs[number].output if number < len(inputs) else None


def _others(outcome: Evaluation) -> list[Diagnostic]:
    """What is wrong with a net that no size is to provenance for."""
    sizes = {(each.code, each.span) for each in outcome.errors if each.axes}
    return [
        each
        for each in outcome.problems
        if (each.code, each.span) not in sizes and each.code != "E301"
    ]


class _Search:
    """A search over the sizes of an input, or of several that are alike."""

    def __init__(
        self,
        evaluator: Evaluator,
        numbers: tuple[int, ...],
        shape: Shape,
        bounds: tuple[range, ...],
        square: bool,
    ) -> None:
        self.evaluator = evaluator
        self.numbers = numbers
        self.shape = shape
        self.bounds = bounds
        self.square = square
        self.tried: set[Shape] = set()
        self.stays: dict[tuple[str, Span], Diagnostic] | None = None

    def run(self, spatial: Sequence[int]) -> Evaluation | None:
        """The net with other spatial sizes."""
        size = (*spatial, self.shape[-1])
        outcome = self.evaluator.sized(self.numbers, size)
        if outcome is not None:
            self.tried.add(size)
            found = {
                (each.code, each.span): each for each in outcome.problems if each.code != "E301"
            }
            before = self.stays
            self.stays = found if before is None else {k: before[k] for k in before if k in found}
        return outcome

    def fits(self, spatial: Sequence[int]) -> bool:
        outcome = self.run(spatial)
        return outcome is not None and outcome.fits

    def fitting(self) -> Sequence[int] | None:
        """A size with which the net fits, near the present one or else some times of it.

        A dimension that is at fault for nothing fits, if the check came to the end of the net; so
        all are moved at once. It takes at most half of what the evaluator has left.
        """
        least, present = self.evaluator.left // 2, self.shape[:-1]
        for times, step in combinations((1, 4, 16), range(FAR)):
            if step == 0:
                fits: dict[int, int] = {}
            for sign in (1, -1) if step and times == 1 else (1,):
                spatial = [max(1, x * times + sign * step) for x in present]
                outcome = self.evaluator.sized(self.numbers, (*spatial, self.shape[-1]))
                if outcome is None or self.evaluator.left < least:
                    return None
                if outcome.fits:
                    return spatial
                if all(each.code in ("E201", "E202") for each in outcome.problems):
                    good = {*range(len(spatial))} - outcome.faulty_axes
                    fits = {axis: spatial[axis] for axis in good} | fits
                if len(fits) == len(present):
                    whole = [fits[axis] for axis in range(len(present))]
                    outcome = self.evaluator.sized(self.numbers, (*whole, self.shape[-1]))
                    if outcome is not None and outcome.fits:
                        return whole
        return None

    def closed(self, found: Symbols) -> Solution:
        """The answer in closed form. Raises TargetError where there is none."""
        letters = found.letters[self.numbers[0]]
        asked, bounds = sum(map(len, self.bounds)), self.bounds
        rules = tuple(found.conditions[letter] for letter in letters)
        lists = tuple(rule.within(each) for rule, each in zip(rules, bounds))
        near: Iterator[Shape] = combinations(
            *(each.near(x, NEAREST) for each, x in zip(lists, self.shape))
        )
        by_axis, sizes, kept = lists or None, None, None
        if self.square:
            rules, asked = (found.alike(letters),), len(self._alike())
            lists = (rules[0].within(self._alike()),) * len(letters)
            by_axis, sizes = None, tuple((x,) * len(letters) for x in lists[0][:LISTED])
            middle = sorted(self.shape[:-1])[len(letters) // 2]
            near = iter([(x,) * len(letters) for x in lists[0].near(middle, NEAREST)])
            if self.evaluator.affords(len(lists[0])):
                outcomes = ((each, self.run(each)) for each in sizes)
                kept = tuple(each for each, outcome in outcomes if outcome and outcome.valid)
        largest = {x: each[-1] for x, each in zip(letters, lists) if each}
        return Solution(
            *(self.shape, self._valid_now(), self.bounds, by_axis, sizes),
            *(_nearest(near, self.shape), len(self.tried), asked, kept),
            rules=rules,
            beyond=len(largest) == len(letters) and found.most(largest) > LARGEST,
        )

    def _valid_now(self) -> bool:
        outcome = self.evaluator.run()
        return outcome is not None and outcome.fits

    def one_by_one(self) -> Solution:
        """Every size for itself, the nearest first, as far as the budget goes."""
        found, kept = [], []
        asked = len(self._alike()) if self.square else product(tuple(map(len, self.bounds)))
        if not self.evaluator.affords(asked):
            self.evaluator.left = min(self.evaluator.left, BUDGET_OF_SOME)
        for spatial in self._all():
            outcome = self.run(spatial)
            if outcome is None:
                break
            if outcome.fits:
                found.append(spatial)
            if outcome.valid:
                kept.append(spatial)
        return Solution(
            self.shape,
            self._valid_now(),
            self.bounds,
            None,
            tuple(sorted(found)),
            _nearest(iter(found), self.shape),
            len(self.tried),
            asked,
            tuple(sorted(kept)),
        )

    def _all(self) -> Iterator[Shape]:
        """The sizes to try, those near the present one first: there may be too many for a list."""
        present = self.shape[:-1]
        if self.square:
            alike, middle = self._alike(), sorted(present)[len(present) // 2]
            middle = min(max(middle, alike.start), alike.stop)
            below = range(middle - 1, alike.start - 1, -1)
            above = range(middle, alike.stop)
            for x in merge(below, above, key=lambda x: sum(abs(x - y) for y in present)):
                yield (x,) * len(present)
            return
        least, most = _reach(present, self.bounds)
        for distance in range(least, most + 1):
            sizes = _around(present, self.bounds, distance)
            yield from sorted(sizes, key=lambda size: farness(size, present))

    def _alike(self) -> range:
        """The sizes that are in the ranges of all dimensions."""
        return range(max(b.start for b in self.bounds), min(b.stop for b in self.bounds))


def _reach(present: Shape, bounds: Sequence[range]) -> tuple[int, int]:
    """By how much sizes within bounds differ from one, added up: at least, and at most."""
    gaps = [(b.start - x, x - b.stop + 1) for x, b in zip(present, bounds)]
    return sum(max(0, *gap) for gap in gaps), sum(max(map(abs, gap)) for gap in gaps)


def _around(present: Shape, bounds: Sequence[range], distance: int) -> Iterator[Shape]:
    """The sizes within bounds that differ from one by so much, added up."""
    if not present:
        yield ()
        return
    x, bound = present[0], bounds[0]
    least, most = _reach(present[:1], bounds[:1])
    low, high = _reach(present[1:], bounds[1:])
    for change in range(max(least, distance - high), min(most, distance - low) + 1):
        for size in [y for y in {x - change, x + change} if y in bound]:
            for rest in _around(present[1:], bounds[1:], distance - change):
                yield (size, *rest)


def _nearest(sizes: Iterator[Shape], shape: Shape) -> tuple[Shape, ...]:
    """The sizes nearest to the present one, without it."""
    others = (size for size in sizes if size != shape[:-1])
    chosen = sorted(others, key=lambda size: farness(size, shape[:-1]))[:NEAREST]
    return tuple((*size, shape[-1]) for size in chosen)


def reads_sizes(module: ast.Module) -> bool:
    """Whether the text reads sizes, so that another size may do away with any error."""
    words = {name.id for name in names(module)}
    words |= {each.name.id for each in walk(module) if isinstance(each, ast.Apply)}
    # Behind `flatten` the channels are a size too.
    return bool(words & {"H", "W", "D", "L", "reshape"}) or {"C", "flatten"} <= words
