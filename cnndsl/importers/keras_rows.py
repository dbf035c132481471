"""Operations of Keras that are one word together, done to one dimension after the other.

The pools, pads and interpolations that Keras lacks are such rows in what cnndsl generates.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import inf
from typing import Any, NamedTuple

from cnndsl.importers.keras_graph import Call, Made, Value, is_number
from cnndsl.importers.keras_views import View
from cnndsl.layers.base import Shape, axes_of
from cnndsl.layers.values import Pair, Word, whole


def waiting(call: Call, shape: Shape, *args: Any, **options: Any) -> Value:
    """A value that has no word, unless a later operation makes one of it."""
    return Value(call.builder, shape, None, Made(call, args, options))


def made(value: Any, *names: str) -> Made | None:
    """How a value came about that an operation of one of some names gave."""
    if isinstance(value, Value) and value.made is not None and value.made.name in names:
        return value.made
    return None


def all_made(values: Sequence[Any], *names: str) -> list[Made]:
    """How values came about that such operations gave; [] unless all are such."""
    found = [each for each in (made(value, *names) for value in values) if each is not None]
    return found if len(found) == len(values) else []


class Axes(NamedTuple):
    """What a word does to a value, by the axes it does it to; `pads` are what is put around it
    before, so low that it never is the largest."""

    word: str
    base: Value
    done: dict[int, Any]
    pads: tuple[Pair, ...] = ()


def along(call: Call, value: Value, word: str, axis: int, what: Any, size: int) -> Value:
    """A value after something was done to an axis, which makes it of a size."""
    way = value.way
    if not isinstance(way, Axes) or way.word != word or axis in way.done:
        way = Axes(word, value, {})
        if word == "dilated" and (low := low_pads(value)) is not None:
            way = Axes(word, low[0], {}, low[1])
    way = way._replace(done={**way.done, axis: what})
    result = Value(call.builder, (*value.shape[:axis], size, *value.shape[axis + 1 :]))
    result.way, result.settle = way, lambda: finished(call, way)
    return result


def finished(call: Call, way: Axes) -> int:
    """The operation that does to all axes what is done to each."""
    space = way.base.builder.graph.shape(way.base.op)[:-1]

    def each(idle: Callable[[int], Any]) -> tuple[Any, ...]:
        return tuple(way.done.get(axis, idle(size)) for axis, size in enumerate(space))

    if way.word in ("reflectpad", "replicatepad"):
        return call.add(way.word, {"pad": each(lambda size: Pair(0, 0))}, of=(way.base,)).op
    if way.word == "dilated":
        windows = zip(*each(lambda size: (1, 1, 1)))
        pool = dict(zip(("kernel", "stride", "dilation"), windows))
        return call.add("pool", {**pool, "pad": way.pads or None}, of=(way.base,)).op
    word, *flags = way.word.split()
    values: dict[str, Any] = {"to": each(lambda size: size)}
    values |= dict.fromkeys(flags, True)
    return call.add(word, values, of=(way.base,)).op


def low_pads(value: Value) -> tuple[Value, tuple[Pair, ...]] | None:
    """A map with something around it that is so low that no maximum is it, and how much."""
    found = made(value, "Pad")
    if not value.is_open or found is None or found.options["fill"] != -inf:
        return None
    return found.args[0], found.options["pads"]


def shape_of(value: Value) -> Shape:
    """The shape of a value that has an operation, or will have one."""
    return value.builder.graph.shape(value.op) if value.is_open else value.shape


def take(call: Call) -> Value:
    """Pixels by their numbers: mirrored, repeated, nearest ones, or a stretch of them."""
    if len(call.args) != 2 or not isinstance(call.args[0], Value):
        raise call.unknown()
    value, pixels = call.args[0], constant(call.args[1])
    shape = value.shape if low_pads(value) else shape_of(value)
    axis = call.axis("axis", -1, len(shape))
    places = [place for place in map(whole, pixels) if place is not None]
    size, count = shape[axis], len(places)
    if not places or count != len(pixels) or min(places) < 0 or max(places) >= size:
        raise call.damaged("axis")
    if axis == len(shape) - 1:
        if places == [*range(places[0], places[0] + count)]:
            return call.add("slice", {"range": Pair(places[0], places[0] + count)}, of=(value,))
        return waiting(call, (*shape[:-1], count), value, places=places, axis=axis)
    for word, what in kinds_of_pixels(places, size):
        found = along(call, value, word, axis, what, count)
        break
    else:
        found = Value(call.builder, (*shape[:axis], count, *shape[axis + 1 :]))
    found.made = Made(call, (value,), {"places": places, "axis": axis})
    return found


def kinds_of_pixels(places: Sequence[int], size: int) -> Any:
    """The words that may take pixels of an axis in this order, with what they do."""
    count, last = len(places), size - 1
    begin = places.index(0) if 0 in places else 0
    for word in ("reflectpad", "replicatepad"):
        begins = [begin] if word == "reflectpad" else [places.count(0) - 1]
        for begin in begins:
            end = count - size - begin
            steps = range(-begin, size + end)
            wanted = [last - abs(last - abs(i)) for i in steps]
            if word == "replicatepad":
                wanted = [min(max(i, 0), last) for i in steps]
            if end >= 0 and [*places] == wanted:
                yield word, Pair(begin, end)
    if [*places] == [i * size // count for i in range(count)]:
        yield "up", count


def maximum_of_stack(call: Call, stack: Made) -> Value | None:
    """The largest of pixels of a window, which are taken one after the other."""
    taken = all_made(stack.args, "Take")
    if not taken:
        return None
    axis, value = taken[0].options["axis"], taken[0].args[0]
    begins = taken[0].options["places"]
    step = begins[1] - begins[0] if len(begins) > 1 else 1
    apart = taken[1].options["places"][0] - begins[0] if len(taken) > 1 else 1
    for number, each in enumerate(taken):
        places = [number * apart + step * i for i in range(len(begins))]
        if each.args[0] is not value or each.options != {"places": places, "axis": axis}:
            return None
    reach = value.shape[axis] - apart * (len(taken) - 1)
    if min(step, apart) < 1 or len(begins) != -(-reach // step):
        return None
    return along(call, value, "dilated", axis, (len(taken), step, apart), len(begins))


def joined_parts(call: Call, values: Sequence[Value]) -> Value | None:
    """Windows that share an axis, each reduced to one pixel and put side by side."""
    parts = all_made(values, "Mean") or all_made(values, "Max")
    cuts = all_made([part.args[0] for part in parts], "GetItem")
    if not cuts or "cut" not in cuts[0].options:
        return None
    value, (axis, _, _) = cuts[0].args[0], cuts[0].options["cut"]
    size, count = value.shape[axis], len(values)
    for i, (each, part) in enumerate(zip(cuts, parts)):
        ends = (axis, i * size // count, -(-(i + 1) * size // count))
        fits = each.args[0] is value and each.options.get("cut", ends) == ends
        if not fits or part.options.get("over") != (axis,):
            return None
    if axis == len(value.shape) - 1 or call.axis("axis", -1, len(value.shape)) != axis:
        return None
    word = "avgpool" if parts[0].name == "Mean" else "pool"
    return along(call, value, word, axis, count, count)


def interpolated(call: Call, value: Value) -> Value:
    """Sums of pixels with weights that are those of an interpolation."""
    taps = all_made([*terms(value)], "Multiply")
    if len(taps) not in (2, 4):
        return value
    pairs = [sorted(tap.args, key=lambda each: isinstance(each, Value)) for tap in taps]
    taken = all_made([pair[-1] for pair in pairs], "Take")
    if not taken:
        return value
    axis, source = taken[0].options["axis"], taken[0].args[0]
    rows: list[dict[int, float]] = [{} for _ in taken[0].options["places"]]
    for each, (factor, _) in zip(taken, pairs):
        shares, places = flattened(factor), each.options["places"]
        fits = each.args[0] is source and each.options["axis"] == axis
        if not fits or not len(shares) == len(places) == len(rows):
            return value
        for row, place, share in zip(rows, places, shares):
            row[place] = row.get(place, 0) + share
    if axis == len(source.shape) - 1:
        return value
    for word in ("up bilinear", "up bilinear aligned", "up bicubic", "up bicubic aligned"):
        if all(map(alike, rows, interpolation(word, source.shape[axis], len(rows)))):
            found = along(call, source, word, axis, len(rows), len(rows))
            found.made = value.made
            return found
    return value


def interpolation(word: str, size: int, count: int) -> list[dict[int, float]]:
    """How much of each pixel of an axis goes into the new ones, as the language has it."""
    rows = []
    for i in range(count):
        place = (i + 0.5) * size / count - 0.5
        if "aligned" in word:
            place = i * (size - 1) / max(count - 1, 1)
        row: dict[int, float] = {}
        for tap in (-1, 0, 1, 2):
            d = abs(place % 1 - tap)
            share = max(0.0, 1 - d)
            if "bicubic" in word and d <= 2:
                share = (1.25 * d - 2.25) * d**2 + 1
                if d > 1:
                    share = -0.75 * (((d - 5) * d + 8) * d - 4)
            pixel = min(max(int(place // 1) + tap, 0), size - 1)
            row[pixel] = row.get(pixel, 0) + share
        rows.append(row)
    return rows


def alike(one: Mapping[int, float], other: Mapping[int, float]) -> bool:
    """Whether shares of pixels are the same, but for what single precision leaves of them."""
    return all(abs(one.get(p, 0) - other.get(p, 0)) < 1e-5 for p in {*one, *other})


def terms(value: Any) -> Any:
    """The terms of a sum that waits, in their order."""
    stack, count = [value], 0
    while stack and count < 100:
        each, count = stack.pop(), count + 1
        if (sums := made(each, "Add")) is not None:
            stack += reversed(sums.args)
        else:
            yield each


def constant(value: Any) -> list[Any]:
    """The numbers of a constant of one dimension, or []."""
    return [*value] if isinstance(value, (list, tuple)) else []


def flattened(value: Any) -> list[float]:
    """All numbers of a constant, in order."""
    found: list[float] = []
    stack = [value]
    while stack:
        each = stack.pop()
        if isinstance(each, (list, tuple)):
            stack += reversed(each)
        elif is_number(each):
            found.append(each)
    return found


# Merges


def unstretched(values: Sequence[Value]) -> list[Value]:
    """The factors of a product; a vector that was given dimensions is itself again."""

    def vector(value: Value) -> Value:
        way = value.way
        if not isinstance(way, View) or len(way.base.shape) != 1:
            return value
        ones = (*(1 for _ in value.shape[:-1]), *way.base.shape)
        return way.base if value.shape == ones else value

    return [*map(vector, values)]


def merged(call: Call, word: str, values: Sequence[Value]) -> Value:
    """Several tensors as one. One alone is itself."""
    if not values:
        raise call.unknown()
    if word == "concat":
        if (found := joined_parts(call, values)) is not None:
            return found
        shape = call.builder.graph.shape(values[0].op)
        axis = axes_of(len(shape) - 1)[call.axis("axis", -1, len(shape))]
        arguments = {} if axis == "channels" else {"axis": Word(axis)}
        return call.add(word, arguments, of=values) if len(values) > 1 else values[0]
    if len(values) == 1:
        return values[0]
    if word == "mul":
        values = unstretched(values)
    return call.add(word, {}, of=values)


MERGES = {
    "Add": "add",
    "Subtract": "subtract",
    "Multiply": "mul",
    "Average": "average",
    "Maximum": "maximum",
    "Concatenate": "concat",
}
