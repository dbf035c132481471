"""The edits that may mend an error, what is most likely meant first. None has been tried yet.

Another size of the input is a small change only while it is near the present one: within a quarter
of it in each dimension, or 8 pixels where that is more. A net for 32x32 pixels with which only
1x1 comes out has its mistake somewhere else; such a size is named where nothing else helps.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from cnndsl.diagnostics import Edit, Span
from cnndsl.layers import LAYERS, Layer, taking
from cnndsl.layers.base import product
from cnndsl.layers.pool import Pool
from cnndsl.layers.values import Pair
from cnndsl.network.evaluation import Evaluation, ShapeError
from cnndsl.quickfix.candidate import (
    Candidate,
    add_word,
    literal_of,
    make,
    ranked,
    shown,
    sized,
)
from cnndsl.quickfix.listing import alike, one_less, same_at_all
from cnndsl.quickfix.merges import deciding, merging
from cnndsl.quickfix.sites import Literal, Site, argument, path
from cnndsl.syntax import nodes as ast
from cnndsl.syntax.walk import statements

NEAR = 8
"""How many pixels of another size of the input are near in any case; see `near`."""


def near(size: Sequence[int], shape: Sequence[int]) -> bool:
    """Whether a size is within a quarter of another in each dimension, or within `NEAR`."""
    return all(abs(a - b) <= max(NEAR, b // 4) for a, b in zip(size, shape))


def candidates(outcome: Evaluation, error: ShapeError) -> list[Candidate]:
    """All edits that may mend an error, the best first; the input's size apart."""
    sized_ = error.code in ("E201", "E202", "E203")
    found: list[Candidate] = []
    sites = path(outcome, error)
    for site in sites:
        layer = LAYERS.get(site.statement.name.id)
        if layer is None:
            continue
        here = site.distance == 0
        if here and error.code in ("E201", "E202"):
            found += _rounding(site, layer)
        if (sized_ or error.code in ("E206", "E301")) and error.axes:
            found += other_windows(outcome, error, site, layer)
            found += alike(outcome, site, layer)
        if error.code == "E205":
            found += divisors(outcome, error, site, layer)
        if here:
            found += _here(outcome, error, site, layer)
    if sized_:
        found += _repeats(outcome, error, sites)
        floor = _floor_of_the_file(outcome)
        if error.code != "E203":
            found.append(make("rounding", 1, 0, floor, None, "rounding floor"))
        found += one_less(outcome, sites)
        found += same_at_all(outcome, floor)
    if error.code == "E301" and error.axes:
        found += one_less(outcome, sites)
        found += same_at_all(outcome, None)
    if error.code == "E206":
        found += merging(outcome, error)
    return ranked(error.code, found)


def _rounding(site: Site, layer: type[Layer]) -> Iterator[Candidate]:
    statement = site.statement
    if argument(statement, layer, "floor") or argument(statement, layer, "ceil"):
        return
    for word, kind, amount in (("floor", "floor", 1), ("ceil", "rounding", 2)):
        edit = add_word(statement, word, late=True)
        yield make(kind, amount, site.distance, edit, statement, word)


def _floor_of_the_file(outcome: Evaluation) -> Edit:
    """What has all of a file round down."""
    module, text = outcome.module, outcome.source.text
    first = module.statements[0]
    declared = next((s for s in module.statements if isinstance(s, ast.Rounding)), None)
    if declared is not None:
        return Edit(declared.mode.span, "floor")
    if isinstance(first, ast.Net):
        end = text.find("\n", first.span.end)
        end = len(text) if end < 0 else end
        newline = "\r\n" if text[:end].endswith("\r") else "\n"
        end -= len(newline) - 1
        following = text[first.span.end : end].strip()
        if following and not following.startswith("#"):
            return Edit(Span(first.span.end, first.span.end), "; rounding floor")
        return Edit(Span(end, end), f"{newline}rounding floor")
    line = outcome.source.line_start(first.span.start)
    newline = "\r\n" if "\r\n" in text else "\n"
    return Edit(Span(line, line), f"rounding floor{newline}")


def _here(
    outcome: Evaluation, error: ShapeError, site: Site, layer: type[Layer]
) -> Iterator[Candidate]:
    """What mends a layer that wants another kind of tensor, or another number of values."""
    statement = site.statement
    start = Span(statement.span.start, statement.span.start)
    if error.code == "E204" and statement.name.id == "dense":
        for number, word in enumerate(("flatten", "gap"), 1):
            edit = Edit(start, f"{word}; ")
            yield make("layers", number, site.distance, edit, statement, word, group=word)
        units = argument(statement, layer, "units")
        if units is not None and len(error.shape) < 4:
            # What Keras's Dense does there: each position by itself.
            kernel = Span(units.span.end, units.span.end)
            ones = "x".join("1" * (len(error.shape) - 1))
            edits = (Edit(statement.name.span, "conv"), Edit(kernel, f" {ones}"))
            yield make("layers", 3, site.distance, edits, statement, group="conv")
    elif error.code == "E207":
        yield from _reshaped(outcome, error, site, layer)


def _reshaped(
    outcome: Evaluation, error: ShapeError, site: Site, layer: type[Layer]
) -> Iterator[Candidate]:
    """As many values as a reshape wants, or a reshape of as many as there are."""
    found = literal_of(outcome, site, layer, "shape")
    if found is None:
        return
    sizes = found.value if isinstance(found.value, tuple) else (found.value,)
    if not all(isinstance(size, int) and size > 0 for size in sizes):
        return
    units = deciding(outcome, error.inputs[0])
    if units is not None and len(error.shape) == 1:
        edit = Edit(units.span, str(product(sizes)))
        yield make("layers", 1, 1, edit, units.owner, group="units")
    count, (*spatial, channels) = product(error.shape), sizes
    tries: list[tuple[int, ...]] = []
    if len(spatial) > 1 and count % channels == 0:
        # As large in each dimension as it is to the others.
        scale = (count // channels / product(tuple(spatial))) ** (1 / len(spatial))
        tries.append((*(max(1, round(size * scale)) for size in spatial), channels))
    for axis, size in [*enumerate(sizes)][::-1]:
        value = count // (product(sizes) // size)
        tries.append(tuple(value if i == axis else each for i, each in enumerate(sizes)))
    for number, new in enumerate(tries):
        if new != sizes and product(new) == count:
            edit = Edit(found.span, shown(new, single=False))
            amount = 2 + number
            yield make("layers", amount, site.distance, edit, found.owner, group="reshape")


def _repeats(outcome: Evaluation, error: ShapeError, sites: list[Site]) -> Iterator[Candidate]:
    """Fewer turns of the loops around what leads to the error."""
    for statement in statements(outcome.module.statements):
        if not isinstance(statement, ast.Repeat) or not isinstance(statement.count, ast.Number):
            continue
        inside = [
            site
            for site in sites
            if any(
                statement.body.span.start <= each.span.start < statement.body.span.end
                for each in (site.statement, *site.calls)
            )
        ]
        count = statement.count.value
        for less in (1, 2) if inside and isinstance(count, int) else ():
            if count - less > 0:
                edit = Edit(statement.count.span, str(count - less))
                yield make("turns", less, inside[0].distance, edit, statement)


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
                # A stride of 1 need not be declared.
                before = outcome.source.text[: given.span.start]
                edit = Edit(Span(len(before.rstrip(" ")), given.span.end), "")
                each = each._replace(edits=(edit,))
            if error.code == "E203":
                each = each._replace(kind="turns", group="turns")  # one halving less
            yield each
    if argument(site.statement, layer, "same") is None:
        yield from _paddings(outcome, site, layer, axes, rank)


def _paddings(
    outcome: Evaluation, site: Site, layer: type[Layer], axes: list[int], rank: int
) -> Iterator[Candidate]:
    statement = site.statement
    pad = argument(statement, layer, "pad")
    if pad is None:
        # A pool with `same` looks at windows that are partly outside; that is rarer.
        amount = 1 + issubclass(layer, Pool)
        yield make("padding", amount, site.distance, add_word(statement, "same"), statement)
        tries: list[tuple[int, tuple[Any, ...]]] = [
            (3, (1,) * rank),
            (4, tuple(Pair(0, int(axis in axes)) for axis in range(rank))),
            (5, _only(axes, 1, rank)),
            (6, (2,) * rank),
        ]
        for amount, values in tries:
            edit = add_word(statement, f"pad={shown(values, single=True)}")
            kind = "padding" if amount == 3 else "padded"
            yield make(kind, amount, site.distance, edit, statement)
        return
    yield make("padding", 3, site.distance, Edit(pad.span, "same"), statement)
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
                edit = Edit(found.span, shown(tuple(value), single=isinstance(found.value, int)))
                amount = abs(delta) * len([*chosen])
                yield make("padding", amount, site.distance, edit, found.owner)


def _only(axes: list[int], delta: int, rank: int) -> tuple[int, ...]:
    return tuple(delta if axis in axes else 0 for axis in range(rank))


def _other(
    found: Literal, rank: int, steps: list[tuple[int, ...]], least: int, kind: str, site: Site
) -> Iterator[Candidate]:
    """A number or size with other values: the old ones and a step for each dimension."""
    old = sized(found.value, rank)
    for step in [] if any(isinstance(each, Pair) for each in old) else steps:
        new = tuple(value + delta for value, delta in zip(old, step))
        if new == old or min(new) < least:
            continue
        amount = sum(map(abs, step))
        if isinstance(found.value, int) and len(set(step)) == 1:
            amount = abs(step[0])
        elif len(set(old)) == 1 and len(set(new)) > 1:
            amount += 1
        edit = Edit(found.span, shown(new, single=isinstance(found.value, int)))
        yield make(kind, amount, site.distance, edit, found.owner)


def divisors(
    outcome: Evaluation, error: ShapeError, site: Site, layer: type[Layer]
) -> Iterator[Candidate]:
    """Groups that divide the channels, and channels that divide into the groups.

    The factor of a shuffle of pixels stays: of channels it wants the power of the dimensions.
    """
    statement = error.statement
    own = LAYERS.get(statement.name.id)
    if own is None:
        return  # a word that stands for a layer
    itself = site._replace(statement=statement, calls=error.calls)
    named = "groups" if own.op in taking("groups") else "factor"
    groups = literal_of(outcome, itself, own, named)
    if groups is None or not isinstance(groups.value, int) or groups.value < 1:
        return
    if site.distance == 0 and named == "groups":
        channels = error.shape[-1]
        for value in range(max(1, groups.value - 64), groups.value + 65):
            if channels % value == 0 and value != groups.value:
                yield _number("weights", groups, value, site.distance)
    filters = literal_of(outcome, site, layer, "filters")
    if filters is None or not isinstance(filters.value, int) or error.axes:
        return
    power = 1 if named == "groups" else len(error.shape) - 1
    least = groups.value**power
    down = filters.value // least * least
    for value in (down, down + least):
        if value and value != filters.value:
            yield _number("weights", filters, value, site.distance)


def _number(kind: str, found: Literal, value: int, distance: int) -> Candidate:
    """Another value of a number."""
    edit = Edit(found.span, str(value))
    return make(kind, abs(value - found.value), distance, edit, found.owner)
