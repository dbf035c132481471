"""Other kernels, strides and paddings."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from cnndsl.diagnostics import Edit, Span
from cnndsl.layers import Layer
from cnndsl.layers.pool import Pool
from cnndsl.layers.values import Pair
from cnndsl.quickfix.candidate import Candidate, add_word, literal_of, make, shown, sized
from cnndsl.quickfix.evaluation import Evaluation, ShapeError
from cnndsl.quickfix.sites import Literal, Site, argument


def other_windows(
    outcome: Evaluation, error: ShapeError, site: Site, layer: type[Layer]
) -> Iterator[Candidate]:
    """Other kernels, strides and paddings of a layer with a window."""
    names = {slot.name for slot in layer.slots}
    rank = len(site.shape) - 1
    if "kernel" not in names or rank < 1:
        return
    pool = issubclass(layer, Pool)
    axes = [axis for axis in error.axes if axis < rank]
    found = literal_of(outcome, site, layer, "kernel")
    if found is not None:
        sizes = sized(found.value, rank)
        least = 2 if pool else 1
        steps: list[tuple[int, ...]] = [(delta,) * rank for delta in (1, -1, 2, -2)]
        steps += [_only(axes, delta, rank) for delta in (1, -1, 2, -2)]
        plain = not any(isinstance(each, Pair) for each in sizes)
        if error.code == "E203" and site.distance == 0 and plain:
            # The largest kernel that fits.
            fit = [min(0, site.shape[axis] - sizes[axis]) for axis in range(rank)]
            steps += [tuple(fit), (min(fit),) * rank]
        kind = "window" if pool else "weights"
        yield from _other(found, rank, steps, least, kind, site)
    found = literal_of(outcome, site, layer, "stride")
    given = argument(site.statement, layer, "stride")
    if found is not None and given is not None:
        steps = [(delta,) * rank for delta in (1, -1)]
        steps += [_only(axes, delta, rank) for delta in (1, -1)]
        for each in _other(found, rank, steps, 1, "window", site):
            if each.cost.text == "1" and not pool and found.owner is site.statement:
                # A stride of 1 need not be said.
                before = outcome.source.text[: given.span.start]
                edit = Edit(Span(len(before.rstrip(" ")), given.span.end), "")
                each = each._replace(edits=(edit,))
            yield each
    if argument(site.statement, layer, "same") is None:
        yield from _paddings(outcome, site, layer, axes, rank)


def _paddings(
    outcome: Evaluation, site: Site, layer: type[Layer], axes: list[int], rank: int
) -> Iterator[Candidate]:
    statement = site.statement
    pad = argument(statement, layer, "pad")
    if pad is None:
        edit = add_word(statement, "same")
        yield make("padding", 1, site, (edit,), statement)
        tries: list[tuple[int, tuple[Any, ...]]] = [
            (2, (1,) * rank),
            (2, tuple(Pair(0, int(axis in axes)) for axis in range(rank))),
            (3, tuple(int(axis in axes) for axis in range(rank))),
            (4, (2,) * rank),
        ]
        for amount, values in tries:
            edit = add_word(statement, f"pad={shown(values, single=True)}")
            yield make("padding", amount, site, (edit,), statement)
        return
    yield make("padding", 3, site, (Edit(pad.span, "same"),), statement)
    found = literal_of(outcome, site, layer, "pad")
    if found is None:
        return
    for delta in (1, -1, 2, -2):
        for chosen in (range(rank), axes):
            value = [*sized(found.value, rank)]
            for axis in chosen:
                old = value[axis]
                one = isinstance(old, Pair)
                value[axis] = Pair(old.begin, old.end + delta) if one else old + delta
            ends = [end for each in value for end in (each if isinstance(each, Pair) else (each,))]
            if min(ends) >= 0:
                text = shown(tuple(value), single=isinstance(found.value, int))
                amount = abs(delta) * len([*chosen])
                edits = (Edit(found.span, text),)
                yield make("padding", amount, site, edits, found.owner)


def _only(axes: list[int], delta: int, rank: int) -> tuple[int, ...]:
    return tuple(delta if axis in axes else 0 for axis in range(rank))


def _other(
    found: Literal,
    rank: int,
    steps: list[tuple[int, ...]],
    least: int,
    kind: str,
    site: Site,
) -> Iterator[Candidate]:
    """A number or size with other values: the old ones and a step for each dimension."""
    if not any(isinstance(each, Pair) for each in sized(found.value, rank)):
        old = sized(found.value, rank)
        for step in steps:
            new = tuple(value + delta for value, delta in zip(old, step))
            if new == old or min(new) < least:
                continue
            amount = sum(map(abs, step))
            if isinstance(found.value, int) and len(set(step)) == 1:
                amount = abs(step[0])
            elif len(set(old)) == 1 and len(set(new)) > 1:
                amount += 1
            edit = Edit(found.span, shown(new, single=isinstance(found.value, int)))
            yield make(kind, amount, site, (edit,), found.owner)
