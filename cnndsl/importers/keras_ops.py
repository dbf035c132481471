"""Operations of `keras.ops` as operations of a graph.

Most of them are a word. Others are a word only in a row, as a channel shuffle is a reshape, an
exchange of two axes and another reshape: such a value waits until the row is complete.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from math import inf, prod
from typing import Any, NamedTuple, TypeAlias

from cnndsl.diagnostics.message import Message
from cnndsl.importers.keras_layers import (
    FUNCTIONS,
    MERGES,
    Call,
    Handler,
    Made,
    Steps,
    Value,
    elu,
    in_a_row,
    is_number,
    merged,
    numbers,
    softmax,
)
from cnndsl.layers.base import Shape, show
from cnndsl.layers.values import Pair, whole

MOST_DIMENSIONS = 4
"""So many dimensions a tensor of the language has, the channels among them."""


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


# Dimensions that are split, joined and exchanged

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
    if len(atoms) + len(left) == len(base):
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


def unstretched(values: Sequence[Value]) -> list[Value]:
    """The factors of a product; a vector that was given dimensions is itself again."""

    def vector(value: Value) -> Value:
        way = value.way
        if not isinstance(way, View) or len(way.base.shape) != 1:
            return value
        ones = (*(1 for _ in value.shape[:-1]), *way.base.shape)
        return way.base if value.shape == ones else value

    return [*map(vector, values)]


# What is done to one dimension after the other


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


# Arithmetic


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


def arithmetic(call: Call) -> Value:
    """A sum, difference, product or quotient of two tensors, or of one and a constant."""
    both = (*call.args, *call.kwargs.values())[:2]
    if len(both) != 2:
        raise call.unknown()
    (one, other), name = both, call.kind
    if isinstance(one, Value) and isinstance(other, Value):
        return of_two(call, name, one, other)
    value, number = (one, other) if isinstance(one, Value) else (other, one)
    if not isinstance(value, Value):
        raise call.unknown()
    found = numbers(number)
    if name == "Add" and found == (0,):
        return value
    if value.is_open or not found or (made(value, "Take") and len(found) != 1):
        return waiting(call, value.shape, one, other)
    scale, offset = factors(name, found, value is other)
    if name == "Maximum" and found == (0,):
        return call.add("relu", of=(value,))
    if scale is None:
        return waiting(call, value.shape, one, other)
    values = {"scale": single(scale), "offset": single(offset)}
    result = call.add("rescale", values, of=(value,))
    result.made = Made(call, (one, other))
    return result


def factors(
    name: str, found: tuple[float, ...], second: bool
) -> tuple[tuple[float, ...] | None, tuple[float, ...]]:
    """What a tensor is multiplied by, and then what is added, in arithmetic with constants."""
    nothing = tuple(0 for _ in found)
    if name == "Add":
        return tuple(1 for _ in found), found
    if name == "Subtract":
        return tuple(-1 if second else 1 for _ in found), (
            found if second else tuple(-c for c in found)
        )
    if name == "Multiply":
        return found, nothing
    if name in ("TrueDivide", "Divide") and not second and all(found):
        return tuple(1 / each for each in found), nothing
    return None, nothing


def single(values: tuple[float, ...]) -> float | tuple[float, ...]:
    """One number for many that are the same."""
    return values[0] if len({*values}) == 1 else values


def of_two(call: Call, name: str, one: Value, other: Value) -> Value:
    if name in ("TrueDivide", "Divide"):
        return normalised(call, one, other) or averaged(call, one, other) or waiting(call, ())
    if one.is_open or other.is_open:
        value = waiting(call, one.shape, one, other)
        return interpolated(call, value) if name == "Add" else value
    if name == "Add" and all_made((one, other), "Multiply"):
        value = interpolated(call, waiting(call, one.shape, one, other))
        if not value.is_open:
            return value
    word = MERGES.get(name)
    if word is None:
        raise call.unknown()
    values = unstretched((one, other)) if word == "mul" else [one, other]
    if len(one.shape) != len(other.shape):
        sizes = {"one": show(one.shape), "other": show(other.shape)}
        raise call.problem("E206", Message("{one} and {other} do not go together", **sizes))
    return call.add(word, of=values)


def normalised(call: Call, value: Value, divisor: Value) -> Value | None:
    """Local response normalisation: a value over a power of a sum of its squares."""
    inner, beta = with_number(divisor, "Power")
    scaled, k = with_number(inner, "Add")
    total, share = with_number(scaled, "Multiply")
    parts = all_made([*terms(total)], "GetItem")
    padded = parts[0].args[0] if parts else None
    pads, size, count = made(padded, "Pad"), len(parts), value.shape[-1]
    squares = made(pads.args[0], "Square") if pads else None
    if pads is None or squares is None or squares.args[0] is not value:
        return None
    last = len(value.shape) - 1
    cuts = [(part.args[0] is padded, part.options.get("cut")) for part in parts]
    if size > 1 and cuts != [(True, (last, i, i + count)) for i in range(size)]:
        return None
    widths = [[0, 0]] * len(value.shape) + [[size // 2, (size - 1) // 2]]
    if pads.options["widths"] != widths or pads.options["fill"] != 0:
        return None
    values = {"size": size, "alpha": short((share or 0) * size), "beta": beta, "k": k}
    return call.add("lrn", values, of=(value,))


def with_number(value: Any, name: str) -> tuple[Any, float | None]:
    """The tensor and the number that an operation of a name has put together."""
    found = made(value, name)
    if found is None or len(found.args) != 2:
        return None, None
    tensor, number = found.args if isinstance(found.args[0], Value) else found.args[::-1]
    return (tensor, number) if is_number(number) else (None, None)


def short(number: float) -> float:
    """A number without what rounding left of it."""
    return float(f"{number:.12g}")


def averaged(call: Call, sums: Value, shares: Value) -> Value | None:
    """An average that leaves the padding out: of padded pixels, over that of padded ones."""
    pools = all_made((sums, shares), "AveragePool")
    pads = all_made([each.args[0] for each in pools], "Pad")
    ones = made(pads[1].args[0], "OnesLike") if pads else None
    if ones is None or pools[0].options != pools[1].options or pools[0].options["same"]:
        return None
    if pads[0].options["widths"] != pads[1].options["widths"]:
        return None
    values = {**pools[0].options, "pad": pads[0].options["pads"]}
    return call.add("avgpool", values, of=(pads[0].args[0],))


def negative(call: Call) -> Value:
    """Before a maximum of windows and after it, it makes that a minimum."""
    value = call.input
    op, inner = value.builder.graph.ops[value.op], None
    if op.word == "pool" and isinstance(value.way, Axes):
        inner = value.way.base
    elif op.word == "pool" and value.made is not None:
        inner = value.made.args[0]
    if (first := made(inner, "Negative")) is not None:
        return call.add("minpool", op.values, of=(first.args[0],))
    result = call.add("rescale", {"scale": -1})
    result.made = Made(call, (value,))
    return result


# Pads, slices, reductions


def pad(call: Call) -> Value:
    """Zeros around a map, or its own pixels; what is lower than all waits for a maximum."""
    value, widths = (*call.args, None)[0], call.get("pad_width")
    pairs = []
    for each in widths if isinstance(widths, (list, tuple)) else []:
        many = each if isinstance(each, (list, tuple)) else []
        ends = [end for end in map(whole, many) if end is not None and end >= 0]
        if len(ends) != 2 or len(many) != 2:
            raise call.damaged("pad_width")
        pairs.append(ends)
    if len(pairs) < 2 or not isinstance(value, Value):
        raise call.damaged("pad_width")
    mode = call.text("mode", "constant", "reflect", "edge")
    fill = call.get("constant_values", 0)
    pads = tuple(Pair(*each) for each in pairs[1:-1])
    shape = tuple(s + sum(p) for s, p in zip(value.shape, pairs[1:]))
    result = None
    plain = pairs[0] == pairs[-1] == [0, 0] and not value.is_open
    if plain and mode != "constant":
        word = "reflectpad" if mode == "reflect" else "replicatepad"
        result = call.add(word, {"pad": pads}, of=(value,))
    elif plain and fill == 0:
        result = call.add("zeropad", {"pad": pads}, of=(value,))
    result = result or waiting(call, shape)
    options = {"widths": pairs, "pads": pads, "fill": fill}
    result.made = Made(call, (value,), options)
    return result


def item(call: Call) -> Any:
    """A part of a tensor: channels, a stretch of pixels, every so manieth, more dimensions."""
    if len(call.args) != 2 or not isinstance(call.args[0], Value):
        raise call.unknown()
    value, key = call.args
    keys = list(key) if isinstance(key, (list, tuple)) else [key]
    shape = value.shape
    given = sum(each is not None and each is not Ellipsis for each in keys)
    if Ellipsis in keys:
        at = keys.index(Ellipsis)
        keys[at : at + 1] = [slice(None)] * (len(shape) + 1 - given)
    keys += [slice(None)] * (len(shape) + 1 - sum(each is not None for each in keys))
    if not keys or keys[0] != slice(None) or Ellipsis in keys:
        return waiting(call, shape)
    axis, ranges, target = 0, [], list[int]()
    for each in keys[1:]:
        if each is None:
            target.append(1)
            continue
        if axis >= len(shape):
            raise call.damaged("key")
        if isinstance(each, slice):
            ranges.append(range(shape[axis])[each])
            target.append(len(ranges[-1]))
        elif (place := whole(each)) is not None and -shape[axis] <= place < shape[axis]:
            ranges.append(range(place % shape[axis], place % shape[axis] + 1))
        else:
            raise call.damaged("key")
        axis += 1
    if any(len(each) == 0 or each.step < 1 for each in ranges):
        raise call.damaged("key")
    return part(call, value, ranges, tuple(target))


def part(call: Call, value: Value, ranges: Sequence[range], target: Shape) -> Value:
    """A stretch of each axis, in a shape with ones more or less."""
    sizes = [*zip(ranges, value.shape)]
    cuts = [(n, each[0], each[-1] + 1) for n, (each, s) in enumerate(sizes) if len(each) != s]
    if value.is_open:
        found = waiting(call, target)
        found.made = Made(call, (value,), {"cut": cuts[0]} if len(cuts) == 1 else {})
        return found
    source, channels = value, ranges[-1]
    if len(channels) != value.shape[-1]:
        if channels.step != 1:
            raise call.unknown()
        values = {"range": Pair(channels[0], channels[-1] + 1)}
        value = call.add("slice", values, of=(value,))
    space = ranges[:-1]
    ends = tuple(Pair(r[0], s - 1 - r[-1] if r.step == 1 else 0) for r, s in sizes[:-1])
    if any(map(any, ends)):
        value = call.add("crop", {"crop": ends}, of=(value,))
    if any(each.step > 1 and len(each) > 1 for each in space):
        value = stepped(call, value, tuple(each.step if len(each) > 1 else 1 for each in space))
    if target != value.shape:
        value = reshaped(call, value, target)
    if len(cuts) == 1 and value is not source and value.way is None:
        value.made = Made(call, (source,), {"cut": cuts[0]})
    return value


def stepped(call: Call, value: Value, steps: tuple[int, ...]) -> Value:
    """Every so manieth pixel: as the stride of the convolution before, or of a pool of one."""
    graph = value.builder.graph
    op = graph.ops[value.op]
    slides = op.word in ("conv", "dwconv", "sepconv") and not op.values.get("same")
    found = None
    if slides and {*as_tuple(op.values.get("stride", 1))} == {1}:
        found = call.builder.again(value, {"stride": steps})
    if found is not None:
        return found
    return call.add("pool", {"kernel": (1,) * len(steps), "stride": steps}, of=(value,))


def as_tuple(value: Any) -> tuple[Any, ...]:
    """A tuple of one value, or the tuple that it is."""
    return value if isinstance(value, tuple) else (value,)


def reduction(word: str, over_channels: str) -> Handler:
    """The mean or the maximum of all positions, or of all channels."""

    def handler(call: Call) -> Value:
        value = call.args[0] if call.args else None
        many = made(value, "Stack") if call.get("axis") == 0 and word == "gmp" else None
        if many is not None and (found := maximum_of_stack(call, many)) is not None:
            return found
        value = call.input
        axis, keep = call.get("axis"), call.flag("keepdims")
        if call.get("initial") is not None:
            raise call.unsayable("initial")
        axes = axis if isinstance(axis, (list, tuple)) else [axis]
        count = len(value.shape) + 1
        places = [each for each in map(whole, axes) if each is not None and -count <= each < count]
        if len(places) != len(axes):
            raise call.unsayable("axis")
        over = tuple(sorted(each % count - 1 for each in places))
        if over == tuple(range(count - 2)) and over:
            result = call.add(word, {"keep": keep})
        elif over == (count - 2,):
            result = call.add(over_channels)
            if not keep:
                result = reshaped(call, result, value.shape[:-1]) if count > 2 else result
        else:
            sizes = [1 if axis in over else size for axis, size in enumerate(value.shape)]
            result = waiting(call, tuple(sizes))
        if keep and result.way is None:
            result.made = Made(call, (value,), {"over": over})
        return result

    return handler


def window_pool(word: str) -> Handler:
    def handler(call: Call) -> Value:
        value = call.args[0] if call.args else None
        if not isinstance(value, Value):
            raise call.unknown()
        call.rank = len(value.shape) - 1
        call.ordinary(data_format=("channels_last",))
        same = call.text("padding", "valid", "same") == "same"
        kernel = call.sizes("pool_size", 2)
        values = {"kernel": kernel, "stride": call.sizes("strides", [*kernel]), "same": same}
        result = waiting(call, ()) if value.is_open else call.add(word, values)
        result.made = Made(call, (value,), values)
        return result

    return handler


def split_channels(call: Call) -> Any:
    """Channels in parts."""
    shape, value = call.shape, call.input
    parts = call.get("indices_or_sections")
    if call.axis("axis", 0, len(shape)) != len(shape) - 1:
        raise call.unsayable("axis")
    count = whole(parts)
    if count is not None and count > 0 and shape[-1] % count == 0:
        ends = [*range(0, shape[-1] + 1, shape[-1] // count)]
    elif isinstance(parts, (list, tuple)):
        ends = [0, *(each for each in map(whole, parts) if each is not None), shape[-1]]
    else:
        raise call.damaged("indices_or_sections")
    if any(one >= other for one, other in pairwise(ends)):
        raise call.damaged("indices_or_sections")
    pairs = pairwise(ends)
    return [call.add("slice", {"range": Pair(*pair)}, of=(value,)) for pair in pairs]


def transpose(call: Call) -> Value:
    value = call.input
    axes = call.get("axes", [*range(len(value.shape), -1, -1)])
    order = [*map(whole, axes)] if isinstance(axes, (list, tuple)) else []
    return in_order(call, value, order)


def in_order(call: Call, value: Value, order: Sequence[Any]) -> Value:
    """A value with its dimensions in another order, the batch being the first of them."""
    count = len(value.shape) + 1
    places = [each % count for each in order if each is not None]
    if not places or places[0] != 0:
        raise call.unsayable("axes")
    return reordered(call, value, [each - 1 for each in places[1:]])


def swapaxes(call: Call) -> Value:
    value = call.input
    order = [*range(len(value.shape) + 1)]
    one, other = (place(call, name, len(order)) for name in ("axis1", "axis2"))
    order[one], order[other] = order[other], order[one]
    return in_order(call, value, order)


def moveaxis(call: Call) -> Value:
    value = call.input
    order = [*range(len(value.shape) + 1)]
    source, goal = (place(call, name, len(order)) for name in ("source", "destination"))
    order.insert(goal, order.pop(source))
    return in_order(call, value, order)


def place(call: Call, name: str, count: int) -> int:
    """The place of an axis, the batch among them."""
    value = call.get(name)
    value = value[0] if isinstance(value, (list, tuple)) and len(value) == 1 else value
    axis = whole(value)
    if axis is None or not -count <= axis < count:
        raise call.damaged(name)
    return axis % count


def reshape(call: Call) -> Value:
    target = call.get("newshape", call.get("target_shape"))
    sizes = [*target] if isinstance(target, (list, tuple)) else []
    if not sizes or sizes[0] not in (-1, None):
        raise call.unsayable("newshape")
    return reshaped(call, call.input, sizes[1:])


def expand(call: Call) -> Value:
    value = call.input
    axis = place(call, "axis", len(value.shape) + 2)
    if axis == 0:
        raise call.unsayable("axis")
    return reshaped(call, value, (*value.shape[: axis - 1], 1, *value.shape[axis - 1 :]))


def squeeze(call: Call) -> Value:
    value = call.input
    axes = call.get("axis")
    count = len(value.shape) + 1
    many = axes if isinstance(axes, (list, tuple)) else [axes]
    places = {each % count for each in map(whole, many) if each is not None}
    if axes is None:
        places = {n for n, size in enumerate(value.shape, 1) if size == 1}
    if not places or 0 in places or any(value.shape[n - 1] != 1 for n in places):
        raise call.unsayable("axis")
    return reshaped(call, value, [s for n, s in enumerate(value.shape, 1) if n not in places])


def resize(call: Call) -> Value:
    """By PyTorch's rule; nearest pixels are others here than in Keras, a cubic differs."""
    call.text("interpolation", "bilinear")
    call.ordinary(
        data_format=("channels_last",),
        antialias=(False,),
        crop_to_aspect_ratio=(False,),
        pad_to_aspect_ratio=(False,),
    )
    call.rank = 2
    return call.add("up", {"to": call.sizes("size"), "bilinear": True})


def clip(call: Call) -> Value:
    low, high = call.number("x_min"), call.number("x_max")
    if (low, high) == (0, 6):
        return call.add("relu6")
    return call.add("clamp", {"low": low, "high": high})


def shuffled(word: str) -> Handler:
    def handler(call: Call) -> Value:
        call.ordinary(data_format=("channels_last",))
        return call.add(word, {"factor": call.whole("block_size"), "dcr": True})

    return handler


def concatenate(call: Call) -> Value:
    values = call.args[0] if call.args else None
    if not isinstance(values, (list, tuple)) or not all(isinstance(v, Value) for v in values):
        raise call.unknown()
    return merged(call, "concat", values)


def stack(call: Call) -> Value:
    values = call.args[0] if call.args and isinstance(call.args[0], (list, tuple)) else []
    return waiting(call, (), *values)


def later(call: Call) -> Value:
    """An operation that is none by itself, but may be part of a row that is one."""
    first = next((each for each in call.args if isinstance(each, Value)), None)
    return waiting(call, first.shape if first else (), *call.args)


def gelu(call: Call) -> Steps:
    return [("gelu", {"approx": call.flag("approximate", True)})]


def leaky_relu(call: Call) -> Steps:
    return [("leaky_relu", {"slope": call.number("negative_slope", 0.2)})]


PLAIN = "relu relu6 selu sigmoid tanh softplus silu hard_sigmoid hard_silu hard_tanh mish".split()

OPERATIONS: dict[str, Handler] = {
    **{
        "".join(part.capitalize() for part in name.split("_")): in_a_row(
            lambda call, step=FUNCTIONS[name]: [step]  # type: ignore[misc]
        )
        for name in PLAIN
    },
    "Gelu": in_a_row(gelu),
    "LeakyRelu": in_a_row(leaky_relu),
    "Elu": in_a_row(elu),
    "Softmax": in_a_row(softmax),
    "Clip": clip,
    **dict.fromkeys("Add Subtract Multiply TrueDivide Divide Maximum".split(), arithmetic),
    "Negative": negative,
    **dict.fromkeys("Square Power OnesLike".split(), later),
    "Stack": stack,
    "Concatenate": concatenate,
    "Pad": pad,
    "GetItem": item,
    "Take": take,
    "Split": split_channels,
    "Mean": reduction("gap", "channelmean"),
    "Max": reduction("gmp", "channelmax"),
    "MaxPool": window_pool("pool"),
    "AveragePool": window_pool("avgpool"),
    "Transpose": transpose,
    "Swapaxes": swapaxes,
    "Moveaxis": moveaxis,
    "Reshape": reshape,
    "ExpandDims": expand,
    "Squeeze": squeeze,
    "Resize": resize,
    "DepthToSpace": shuffled("pixelshuffle"),
    "SpaceToDepth": shuffled("pixelunshuffle"),
    "Identity": lambda call: call.input,
}
"""Keras's operations by their classes."""
