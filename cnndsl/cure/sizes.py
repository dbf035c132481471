"""Input sizes near the present one with which a net comes out whole."""

from __future__ import annotations

from itertools import product as combinations
from typing import TYPE_CHECKING

from cnndsl.cure.sites import literal
from cnndsl.diagnostics import Edit
from cnndsl.layers.values import show_value
from cnndsl.syntax import nodes as ast

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cnndsl.cure.rerun import Bench, Misfit, Outcome
    from cnndsl.cure.sites import Literal
    from cnndsl.layers import Shape

REACH = 64
"""How far from the present size a whole one is looked for, in each dimension."""


def input_literal(outcome: Outcome, number: int = 0) -> Literal | None:
    """Where the size of an input stands in the text; None where it is computed."""
    inputs = [s for s in outcome.module.statements if isinstance(s, ast.Input)]
    if number >= len(inputs):
        return None
    found = literal(outcome.module, inputs[number].size, (), inputs[number])
    if found is None or not isinstance(found.value, tuple):
        return None
    return found if all(isinstance(each, int) for each in found.value) else None


def nearest_sizes(
    bench: Bench, place: Literal, misfits: Sequence[Misfit], wanted: int = 2
) -> list[Shape]:
    """The sizes nearest to the present one that make the net whole, the nearest first.

    Only the dimensions at fault are changed. All of them are moved at once, to see of each
    whether it would fit; what fits is then put together and tried.
    """
    shape: Shape = place.value
    axes = sorted({axis for each in misfits for axis in each.axes if axis < len(shape) - 1})
    if not axes:
        return []
    fits: dict[int, list[int]] = {axis: [] for axis in axes}
    least = bench.left // 2  # for what else is to be tried
    for step in range(1, REACH + 1):
        for delta in (step, -step):
            size = tuple(x + delta * (axis in axes) for axis, x in enumerate(shape))
            if min(size) < 1:
                continue
            outcome = bench.run((Edit(place.span, show_value(size)),))
            if outcome is None:
                continue
            blamed = {axis for each in outcome.misfits for axis in each.axes}
            others = len(outcome.problems) > len(outcome.misfits)
            for axis in axes:
                if axis not in blamed and not others:
                    fits[axis].append(shape[axis] + delta)
        if bench.left < least or all(len(each) >= 2 for each in fits.values()):
            break
    sizes = []
    for values in combinations(*(fits[axis] for axis in axes)):
        by_axis = dict(zip(axes, values))
        sizes.append(tuple(by_axis.get(axis, x) for axis, x in enumerate(shape)))
    sizes.sort(key=lambda size: (sum(abs(a - b) for a, b in zip(size, shape)), size))
    found = []
    for size in sizes[:8]:
        outcome = bench.run((Edit(place.span, show_value(size)),))
        if outcome is not None and outcome.whole:
            found.append(size)
            if len(found) == wanted:
                break
    return found
