"""Rearrangements of Keras as words: dimensions that are split, joined and exchanged.

A channel shuffle is a reshape, an exchange of two axes and another reshape: a value that is on such
a way waits until something else reads it, and gets the word for all the steps together.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any, NamedTuple, TypeAlias

from cnndsl.diagnostics.message import Message
from cnndsl.importers.keras_graph import Call, Value
from cnndsl.layers.base import Shape, show
from cnndsl.layers.values import whole

MOST_DIMENSIONS = 4
"""So many dimensions a tensor of the language has, the channels among them."""


Atom: TypeAlias = tuple[int, int, int]
"""Part of an axis: its place, how far apart its steps are in it, and how many there are."""


Dims: TypeAlias = tuple[tuple[Atom, ...], ...]
"""The dimensions of a tensor, by the atoms that they are made of, the outermost first."""


class Turn(NamedTuple):
    """A step of a rearrangement: another shape, or another order of the dimensions."""

    before: Value
    shape: Shape = ()
    order: tuple[int, ...] = ()


class View(NamedTuple):
    """A value as another rearranged, by the steps from that one on; each of its dimensions is made
    of atoms of that one's axes."""

    base: Value
    dims: Dims
    turns: tuple[Turn, ...] = ()


MOST_TURNS = 40
"""So many steps are looked at together."""


def whole_axes(shape: Shape) -> Dims:
    """The dimensions of a tensor as they are."""
    return tuple(((axis, 1, size),) if size > 1 else () for axis, size in enumerate(shape))


def flat(dims: Sequence[tuple[Atom, ...]]) -> tuple[Atom, ...]:
    """The atoms in their order, those put together that belong together."""
    found: list[Atom] = []
    for axis, stride, size in (atom for dim in dims for atom in dim):
        if found and found[-1][:2] == (axis, stride * size):
            found[-1] = (axis, stride, found[-1][2] * size)
        else:
            found.append((axis, stride, size))
    return tuple(found)


def grouped(dims: Sequence[tuple[Atom, ...]], shape: Sequence[int]) -> Dims | None:
    """The same atoms as dimensions of other sizes; None where one would have to be cut."""
    atoms = [atom for dim in dims for atom in dim][::-1]
    result = []
    for size in shape:
        dim: list[Atom] = []
        while size > 1:
            axis, stride, count = atoms.pop()
            if size % count == 0:
                dim.append((axis, stride, count))
                size //= count
            elif count % size == 0:
                dim.append((axis, stride * (count // size), size))
                atoms.append((axis, stride, count // size))
                size = 1
            else:
                return None
        result.append(tuple(dim))
    return tuple(result)


def view_of(value: Value) -> View:
    """How a value came about by rearrangement, if it did; a long row of steps begins anew."""
    if isinstance(value.way, View) and len(value.way.turns) < MOST_TURNS:
        return value.way
    return View(value, whole_axes(value.builder.graph.shape(value.op)))


def turned(dims: Dims, turn: Turn) -> Dims | None:
    """The dimensions after a step; None where one is cut across, and no more is known of it."""
    return tuple(dims[axis] for axis in turn.order) if turn.order else grouped(dims, turn.shape)


def reshaped(call: Call, value: Value, target: Any) -> Value:
    """A value in another shape, of which one size may be -1, to be worked out."""
    view = view_of(value)
    sizes = [*map(whole, target)] if isinstance(target, (list, tuple)) else []
    shape = tuple(size for size in sizes if size is not None and size != 0)
    if not shape or len(shape) != len(sizes) or len(shape) > 12 or sum(s < 0 for s in shape) > 1:
        raise call.damaged("target_shape")
    count = prod(value.shape)
    if min(shape) < 0:
        rest = abs(prod(shape))
        shape = tuple(size if size > 0 else max(1, count // rest) for size in shape)
    if prod(shape) != count:
        message = Message("{one} does not fit in {other}", one=show(value.shape), other=show(shape))
        raise call.problem("E207", message)
    return seen(call, value, view, Turn(value, shape), shape)


def reordered(call: Call, value: Value, order: Sequence[int]) -> Value:
    """A value with its dimensions in another order, counted from 0, without the batch."""
    view = view_of(value)
    if sorted(order) != [*range(len(value.shape))]:
        raise call.damaged("dims")
    shape = tuple(value.shape[axis] for axis in order)
    return seen(call, value, view, Turn(value, (), tuple(order)), shape)


def seen(call: Call, value: Value, view: View, turn: Turn, shape: Shape) -> Value:
    """A view of a value, which gets its operation when that is asked for."""
    dims = turned(view.dims, turn)
    if dims is None:
        view = View(value, whole_axes(value.builder.graph.shape(value.op)))
        dims = turned(view.dims, turn)
    if dims is None:
        return call.add("reshape", {"shape": shape}, of=(value,))
    if shape == view.base.shape and flat(dims) == flat(whole_axes(shape)):
        return view.base
    result = Value(call.builder, shape)
    result.way = way = View(view.base, dims, (*view.turns, turn))
    result.settle = lambda: settled(call, way, shape)
    return result


def settled(call: Call, view: View, shape: Shape) -> int:
    """The operation that gives a view: a word for as many of its last steps as one can stand for,
    behind those for the steps before."""
    if len(shape) > MOST_DIMENSIONS:
        message = Message("a tensor of {count} dimensions", count=len(shape))
        raise call.problem("E601", message)
    stations = [turn.before for turn in view.turns]
    shapes = [*(each.shape for each in stations), shape]
    words: dict[int, tuple[int, str, dict[str, Any]]] = {}
    for end in range(1, len(shapes)):
        for begin in range(end):
            short = max(len(shapes[begin]), len(shapes[end])) <= MOST_DIMENSIONS
            if short and (begin == 0 or begin in words) and end not in words:
                word = word_of(shapes[begin], shapes[end], view.turns[begin:end])
                words |= {end: (begin, *word)} if word else {}
    if len(view.turns) not in words:
        raise call.problem("E601", Message("no word puts values in this order"))
    begin, name, values = words[len(view.turns)]
    return call.add(name, values, of=(stations[begin],)).op


def word_of(base: Shape, shape: Shape, turns: Sequence[Turn]) -> tuple[str, dict[str, Any]] | None:
    """The word that does what some steps do, with its arguments."""
    dims: Dims | None = whole_axes(base)
    for turn in turns:
        dims = None if dims is None else turned(dims, turn)
    if dims is None:
        return None
    atoms = flat(dims)
    for word, values, found in words_of(base, shape, atoms):
        if found is not None and flat(found) == atoms:
            return word, values
    return None


def words_of(base: Shape, shape: Shape, atoms: tuple[Atom, ...]) -> Any:
    """The words that may rearrange one shape to another, with the dimensions that they give."""
    own, rank = whole_axes(base), len(base) - 1
    yield ("flatten", {}, own) if len(shape) == 1 else ("reshape", {"shape": shape}, own)
    if len(shape) != len(base) or not atoms:
        return
    channels, groups = base[-1], atoms[-1][2]
    if channels % groups == 0:
        parts = grouped(own, (*base[:-1], groups, channels // groups))
        yield "shuffle", {"groups": groups}, parts and (*parts[:-2], parts[-1], parts[-2])
    left = [axis for axis, dim in enumerate(own) if not dim]
    if len(atoms) + len(left) == len(base) and shape.count(1) == len(left):
        taken = iter(axis for axis, _, _ in atoms)
        order = [next(taken) if size > 1 else left.pop(0) for size in shape]
        dims = tuple(own[axis] for axis in order)
        if len(base) == 2:
            yield "transpose", {}, dims
        else:
            yield "permute", {"order": tuple(axis + 1 for axis in order)}, dims
    for move, small, large in (("pixelshuffle", base, shape), ("pixelunshuffle", shape, base)):
        factor = large[0] // small[0]
        fits = factor > 1 and small[-1] == large[-1] * factor**rank and rank > 0
        if fits and large[:-1] == tuple(size * factor for size in small[:-1]):
            for dcr in (False, True):
                moved = squares(own, small, large, factor, dcr, move == "pixelshuffle")
                yield move, {"factor": factor, "dcr": dcr}, moved


def squares(
    own: Any, small: Shape, large: Shape, factor: int, dcr: bool, makes_space: bool
) -> Dims | None:
    """The dimensions of a pixel shuffle, or of the inverse."""
    rank = len(small) - 1
    factors = [factor] * rank
    if makes_space:
        rest = [*factors, large[-1]] if dcr else [large[-1], *factors]
        parts = grouped(own, (*small[:-1], *rest))
        if parts is None:
            return None
        inner = parts[rank : 2 * rank] if dcr else parts[rank + 1 :]
        last = parts[-1] if dcr else parts[rank]
        return (*(part for pair in zip(parts, inner) for part in pair), last)
    sizes = [size for each in small[:-1] for size in (each, factor)]
    parts = grouped(own, (*sizes, large[-1]))
    if parts is None:
        return None
    space, inner, last = parts[:-1:2], parts[1:-1:2], parts[-1]
    return (*space, *inner, last) if dcr else (*space, last, *inner)
