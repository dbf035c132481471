"""The input sizes for which every size of a net comes out whole."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from heapq import merge
from itertools import product as combinations
from typing import Any, NamedTuple

from cnndsl.diagnostics import Diagnostic, Source, Span
from cnndsl.layers import Shape
from cnndsl.layers.base import product
from cnndsl.layers.merge import Mul
from cnndsl.layers.pool import GlobalPool
from cnndsl.network import DEFAULT_LIMIT
from cnndsl.network.evaluation import Evaluation
from cnndsl.quickfix.evaluator import Evaluator
from cnndsl.quickfix.sizes import alike, farness
from cnndsl.syntax import nodes as ast
from cnndsl.syntax.walk import names, walk

BUDGET = 200_000
"""How many layers may be worked out for one question."""

BUDGET_OF_SOME = 20_000
"""The same where that is too few for all sizes that are asked about: for the nearest it does."""

SAMPLES = 24
"""How many sizes are tried to see that the dimensions are as independent as they should be."""

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
      be alike, in order; None otherwise
    * `nearest`: some of them, nearest to the present size first
    * `tried`, `asked`: of how many sizes the net was worked out, and of how many it would have
      had to be; less where the net is too large for all, and then the nearest were
    * `promising`: of `sizes`, those with which the file's promises are kept too
    * `stays`: where no size fits, the errors that every size has had, as the first had them
    * `inputs`: how many inputs have this size, and are varied together
    """

    shape: Shape
    valid: bool
    ranges: tuple[range, ...]
    by_axis: tuple[tuple[int, ...], ...] | None
    sizes: tuple[Shape, ...] | None
    nearest: tuple[Shape, ...]
    tried: int
    asked: int
    promising: tuple[Shape, ...]
    inputs: int = 1
    stays: tuple[Diagnostic, ...] = ()


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
    if others and not text_ties(base.module):
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
    found = None
    if rank > 1 and not square and not text_ties(base.module):
        found = search.by_axis()
    return (found or search.one_by_one())._replace(
        inputs=len(numbers), stays=tuple(search.stays.values()) if search.stays else ()
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

    def by_axis(self) -> Solution | None:
        """The sizes of each dimension for itself; None where that cannot be told."""
        if not self.evaluator.affords(max(map(len, self.bounds))):
            return None
        known = self._sweep()
        good = [[x for x, fine in verdicts.items() if fine] for verdicts in known]
        if not all(good):
            return None
        whole = [values[-1] for values in good]
        reference = self.run(whole)
        if reference is None or not reference.fits or net_ties(reference):
            return None
        for axis, verdicts in enumerate(known):
            for x, fine in verdicts.items():
                if fine is None:
                    one = [x if i == axis else y for i, y in enumerate(whole)]
                    verdicts[x] = self.fits(one)
        if self.evaluator.spent:
            return None
        lists = tuple(tuple(x for x, fine in each.items() if fine) for each in known)
        if not self._holds(lists):
            return None
        near = [
            sorted(each, key=lambda x: abs(x - y))[:NEAREST] for each, y in zip(lists, self.shape)
        ]
        nearest = _nearest(combinations(*near), self.shape)
        now = all(x in each for x, each in zip(self.shape, lists)) or self._valid_now()
        count = sum(len(each) for each in self.bounds)
        return Solution(
            self.shape, now, self.bounds, lists, None, nearest, len(self.tried), count, ()
        )

    def _sweep(self) -> list[dict[int, bool | None]]:
        """For each size of each dimension whether it fits, as far as one can see without
        knowing which sizes of the others do.

        A dimension that is faulty_axes for nothing fits, if the check came to the end of the net;
        an error after which no shape is known may hide others behind it.
        """
        known: list[dict[int, bool | None]] = [dict.fromkeys(each) for each in self.bounds]
        length = max(map(len, self.bounds))
        for step in range(length):
            spatial = [each[min(step, len(each) - 1)] for each in self.bounds]
            outcome = self.run(spatial)
            if outcome is None:
                continue
            ended = all(each.code in ("E201", "E202") for each in outcome.errors)
            alone = len(outcome.problems) == len(outcome.errors)
            for axis, x in enumerate(spatial):
                if axis in outcome.faulty_axes:
                    known[axis][x] = False
                elif ended and (alone or outcome.fits):
                    known[axis][x] = True
        return known

    def _holds(self, lists: tuple[tuple[int, ...], ...]) -> bool:
        """Whether a few sizes of all kinds come out as the lists say."""
        for sample in range(SAMPLES):
            spatial = [
                each[(sample * 7919 + axis * 104729 + sample * axis) % len(each)]
                for axis, each in enumerate(self.bounds)
            ]
            if sample % 2:
                spatial = [each[(sample * 31 + i) % len(each)] for i, each in enumerate(lists)]
            expected = all(x in each for x, each in zip(spatial, lists))
            if not self.evaluator.spent and self.fits(spatial) != expected:
                return False
        return True

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


_SIZES = {"H", "W", "D", "L"}


def text_ties(module: ast.Module) -> bool:
    """Whether words of a text can tie its dimensions together.

    They can be looked at one by one where a size works out from sizes of its own dimension
    alone, and where what fits in one dimension fits whatever the others are. Windows, paddings
    and merges of equal shapes are such; a test on `H`, a `reshape`, or a merge of flattened maps
    ties the dimensions together.
    """
    words = {name.id for name in names(module)}
    words |= {each.name.id for each in walk(module) if isinstance(each, ast.Apply)}
    if words & _SIZES or "reshape" in words:
        return True
    return "C" in words and "flatten" in words  # the channels of a flattened map


def net_ties(outcome: Evaluation) -> bool:
    """Whether merges of a whole net tie its dimensions together.

    Its layers are the same for every size of the input where its text ties nothing.
    """
    nodes = outcome.nodes
    flat: set[int] = set()  # vectors that hold more than one value a channel
    ones: set[int] = set()  # maps that are 1x1 whatever the input is
    for node in nodes:
        flattened = node.op == "flatten" or flat.intersection(node.inputs)
        if flattened and len(node.output) == 1 and node.op != "dense":
            flat.add(node.index)
        if isinstance(node.layer, GlobalPool):
            ones.add(node.index)
        elif node.inputs and ones.issuperset(node.inputs) and set(node.output[:-1]) <= {1}:
            # A layer on a map of 1x1 does what it does for any input.
            ones.add(node.index)
        if len(node.inputs) < 2:
            continue
        if flat.intersection(node.inputs):
            return True
        if isinstance(node.layer, Mul):
            maps = [index for index in set(node.inputs) - ones if len(nodes[index].output) > 1]
            if len(maps) > 1:
                return True  # one of them may become 1x1, and stretch
    return False
