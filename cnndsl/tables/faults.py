"""The arithmetic of layers that do not fit: what is worked out, and what that comes to."""

from __future__ import annotations

from fractions import Fraction
from typing import NamedTuple

from cnndsl.layers import Layer, Shape
from cnndsl.layers.base import DIMENSIONS
from cnndsl.layers.derivation import Derivation, letters
from cnndsl.layers.merge import Concat, stretching
from cnndsl.network.evaluation import Misfit
from cnndsl.tables.cells import tuple_text
from cnndsl.tables.formulas import decimal, evaluated, written


class Size(NamedTuple):
    """A size that does not come out, worked out without rounding.

    `axis` is the dimension's index, `dimension` its English name.
    """

    axis: int
    dimension: str
    step: Derivation
    value: Fraction


def sizes_at_fault(misfit: Misfit) -> list[Size]:
    """The spatial sizes that are not whole, or fall below 1."""
    layer = misfit.layer
    if misfit.code not in ("E201", "E202", "E203"):
        return []
    names, steps = DIMENSIONS[len(layer.spatial)], layer.sizes()
    found = []
    for axis in misfit.axes:
        step = steps[axis]._replace(formula=unrounded(steps[axis].formula))
        found.append(Size(axis, names[axis], step, evaluated(step.formula, step.values)))
    return found


def unrounded(formula: str) -> str:
    """A formula of a size without its rounding."""
    return formula.replace("floor(", "(").replace("ceil(", "(")


def uneven(misfit: Misfit) -> Derivation | None:
    """The division into groups that leaves a rest: the channels, or else the filters."""
    layer = misfit.layer
    groups = getattr(layer, "groups", None)
    if misfit.code != "E205" or not isinstance(groups, int):
        return None
    letter, count = "C", layer.channels
    if not count % groups:
        letter, count = "N", getattr(layer, "filters", count)
    return Derivation(f"{letter}_G", f"{letter}/G", {letter: count, "G": groups}, count // groups)


def taken(layer: Layer) -> list[str]:
    """The kinds of tensor that a layer takes, by the names of their sizes: `(H, W, C)`."""
    ranks = (2,) if getattr(layer, "mode", "nearest") != "nearest" else layer.ranks
    return [lettered(rank + 1) for rank in ranks]


def lettered(dimensions: int) -> str:
    """A tensor by the names of its sizes: `(H, W, C)`."""
    return f"({', '.join(letters((1,) * dimensions))})"


class Clash(NamedTuple):
    """Two paths of a merge that do not go together.

    * `first`, `other`: the number of each, from 1, with its shape
    * `unequal`: the letter of each size that differs and may not, with both sizes; empty where
      it is the number of dimensions
    """

    first: tuple[int, Shape]
    other: tuple[int, Shape]
    unequal: list[tuple[str, int, int]]


def clash(misfit: Misfit) -> Clash | None:
    """What keeps the paths of a merge apart: the first, or for `mul` the largest, and the first
    that does not go with it."""
    layer = misfit.layer
    shapes: tuple[Shape, ...] = getattr(layer, "inputs", ())
    if misfit.code != "E206" or not shapes:
        return None
    base = 0
    if layer.op == "mul":
        base = max(range(len(shapes)), key=lambda index: (len(shapes[index]), shapes[index]))
    one = shapes[base]
    grows = layer.along if isinstance(layer, Concat) else None
    fitting = stretching(one) if layer.op == "mul" else ()
    for index, shape in enumerate(shapes):
        unequal = []
        if len(shape) == len(one):
            sizes = enumerate(zip(letters(one), one, shape))
            unequal = [each for axis, each in sizes if each[1] != each[2] and axis != grows]
        if shape in fitting or (not fitting and len(shape) == len(one) and not unequal):
            continue
        if fitting and set(shape[:-1]) <= {1}:  # it stretches, were it of as many channels
            unequal = [(letters(one)[-1], one[-1], shape[-1])]
        elif fitting and shape[-1] == 1:  # or of the same size
            unequal = unequal[:-1]
        first, other = sorted([(base + 1, one), (index + 1, shape)])
        if first[1] is not one:
            unequal = [(letter, b, a) for letter, a, b in unequal]
        return Clash(first, other, unequal)
    return None


def in_short(misfit: Misfit | None) -> str:
    """The arithmetic in numbers: `(4 - 5)/1 + 1 = 0`; empty where there is none."""
    if misfit is None:
        return ""
    division = uneven(misfit)
    if division is not None:
        value = evaluated(division.formula, division.values)
        return f"{written(division.formula, division.values)} {' '.join(decimal(value))}"
    apart = clash(misfit)
    if apart is not None:
        return f"{tuple_text(apart.first[1])} ≠ {tuple_text(apart.other[1])}"
    if misfit.code == "E204":
        return f"{tuple_text(misfit.layer.input)} ≠ {' | '.join(taken(misfit.layer))}"
    worked = (
        f"{written(size.step.formula, size.step.values)} {' '.join(decimal(size.value))}"
        for size in sizes_at_fault(misfit)
    )
    return ", ".join(dict.fromkeys(worked))
