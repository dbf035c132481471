"""How receptive fields grow from layer to layer.

Araujo, Norris and Sim, "Computing receptive fields of convolutional neural networks" (2019),
with whole pixels in the place of fractions: where an image has been enlarged, neighbours
differ in how far they see.
"""

from __future__ import annotations

from math import gcd, lcm

from cnndsl.diagnostics.message import Message
from cnndsl.layers.base import ALL, MAX_PERIOD, Layer, Reach, Shape, Sight, Spread, beyond
from cnndsl.layers.values import LARGEST
from cnndsl.network.network import Field

_ITSELF = Sight((0,), (0,), 1)
_PIXEL = Reach(1)


def of_input(shape: Shape) -> Field:
    """The field of an input: each position sees itself."""
    return Field((_ITSELF,) * (len(shape) - 1), shape[:-1])


def after(layer: Layer, before: tuple[Field, ...]) -> Field:
    """The field of a layer's output, from those of its inputs. Raises LayerError."""
    spatial = layer.output[:-1]
    field = before[0]
    for other in before[1:]:
        field = _both(field, other)
    axis = getattr(layer, "along", len(spatial)) if len(before) > 1 else len(spatial)
    if axis < len(spatial):
        return _in_a_row(field, before, axis, spatial)
    if layer.reach is None or len(field.map) != len(field.sights):
        return field._replace(map=spatial) if spatial and spatial != field.map else field
    if layer.reach == ALL:
        return _held(layer, Field(tuple(map(_all, field.sights, field.map)), spatial or field.map))
    if len(layer.reach) != len(field.sights):
        return field._replace(map=spatial)
    if spatial == field.map and layer.reach == (_PIXEL,) * len(field.sights):
        return field
    sights = tuple(map(_through, field.sights, layer.reach, field.map, spatial))
    return _held(layer, Field(sights, spatial))


def _through(sight: Sight, reach: Reach | Spread | Sight | str, size: int, output: int) -> Sight:
    """What positions see that look at `size` positions, of which each sees what it does."""
    if isinstance(reach, Reach):
        return _slide(sight, reach, output)
    if isinstance(reach, Spread):
        return _spread(sight, reach, size, output)
    if isinstance(reach, str) or reach == Sight((0,), (size - 1,), 0):
        return _all(sight, size)
    if _is_listed(sight):
        if output > MAX_PERIOD:
            return _all(sight, size)
        return _seen(sight, [_see(reach, position) for position in range(output)])
    turns = len(sight.low) // gcd(len(sight.low), reach.step)
    period = len(reach.low) * turns
    if period > MAX_PERIOD:
        return _all(sight, size)
    seen = [_see(reach, position) for position in range(period)]
    low = tuple(_see(sight, first)[0] for first, _ in seen)
    high = tuple(_see(sight, last)[1] for _, last in seen)
    return Sight(low, high, sight.step * (reach.step * turns // len(sight.low)))


def _in_a_row(joined: Field, before: tuple[Field, ...], axis: int, spatial: Shape) -> Field:
    """What is seen where tensors stand behind one another along an axis.

    There each position sees what it did, so that all of them are listed; along the others it
    counts as seeing what the positions of any of the tensors do.
    """
    if any(len(spatial) != len(each.map) or len(spatial) != len(each.sights) for each in before):
        return joined._replace(map=spatial)
    seen = [(each.sights[axis], each.map[axis]) for each in before]
    if spatial[axis] > MAX_PERIOD:
        seen = [(_all(sight, size), 1) for sight, size in seen]
    each = [_seen_by_each(sight, size) for sight, size in seen]
    sight = Sight(sum((one.low for one in each), ()), sum((one.high for one in each), ()), 0)
    if spatial[axis] > MAX_PERIOD:
        sight = _all(sight, len(each))
    return Field((*joined.sights[:axis], sight, *joined.sights[axis + 1 :]), spatial)


def _held(layer: Layer, field: Field) -> Field:
    """A field that is no larger than numbers of a network are. Raises LayerError."""
    for low, high, step in field.sights:
        most = max(-min(low), max(high), step)
        if most > LARGEST:
            sees = Message("{layer}: what it sees of the input", layer=layer.op)
            raise beyond(sees, most, Message("pixels"))
    return field


def _is_listed(sight: Sight) -> bool:
    """Whether a sight has each position by itself: a pattern without a step.

    What lies beyond its ends counts as the last position before them.
    """
    return not sight.step and len(sight.low) > 1


def _see(sight: Sight, position: int) -> tuple[int, int]:
    """The first and the last pixel that a position sees."""
    if _is_listed(sight):
        place = min(max(position, 0), len(sight.low) - 1)
        return sight.low[place], sight.high[place]
    turns, phase = divmod(position, len(sight.low))
    shift = turns * sight.step
    return sight.low[phase] + shift, sight.high[phase] + shift


def _all(sight: Sight, size: int) -> Sight:
    """What a position sees that sees all of `size` positions."""
    low, high = _see(sight, 0)[0], _see(sight, size - 1)[1]
    for position in range(min(size, len(sight.low))):
        low = min(low, _see(sight, position)[0])
        high = max(high, _see(sight, size - 1 - position)[1])
    return Sight((low,), (high,), 0)


def _slide(sight: Sight, reach: Reach, output: int) -> Sight:
    period, step = len(sight.low), sight.step
    last = reach.offset + reach.extent - 1
    if _is_listed(sight):
        starts = [reach.stride * place + reach.offset for place in range(output)]
        return _seen(sight, [(start, start + reach.extent - 1) for start in starts])
    if period == 1:
        return Sight(
            (sight.low[0] + reach.offset * step,),
            (sight.high[0] + last * step,),
            step * reach.stride,
        )
    if reach.stride == 1:
        low, high = _from(sight.low, reach.offset, step), _from(sight.high, last, step)
        return Sight(low, high, step)
    common = gcd(period, reach.stride)
    starts = [index * reach.stride for index in range(period // common)]
    return Sight(
        tuple(_see(sight, start + reach.offset)[0] for start in starts),
        tuple(_see(sight, start + last)[1] for start in starts),
        step * (reach.stride // common),
    )


def _from(values: tuple[int, ...], position: int, step: int) -> tuple[int, ...]:
    """A pattern of values as it comes again from a position on."""
    turns, phase = divmod(position, len(values))
    before, after = turns * step, (turns + 1) * step
    return (*[each + before for each in values[phase:]], *[each + after for each in values[:phase]])


def _spread(sight: Sight, reach: Spread, size: int, output: int) -> Sight:
    listed = _is_listed(sight)
    period = output if listed else len(sight.low) * reach.stride
    if period > MAX_PERIOD or not (sight.step or listed):
        return _all(sight, size)
    windows = []
    for place in range(reach.crop, reach.crop + period):
        last = place // reach.stride
        # The first is the least x with place < stride * x + extent; a place between kernels
        # that are smaller than the stride counts as the pixel's before it.
        windows.append((min((place - reach.extent) // reach.stride + 1, last), last))
    if listed:
        return _seen(sight, windows)
    low = tuple(_see(sight, first)[0] for first, _ in windows)
    high = tuple(_see(sight, last)[1] for _, last in windows)
    return Sight(low, high, sight.step)


def _seen(sight: Sight, windows: list[tuple[int, int]]) -> Sight:
    """What is seen through windows on positions that are listed, from the first to the last."""
    most = len(sight.low) - 1
    seen = [slice(min(max(a, 0), most), min(max(b, 0), most) + 1) for a, b in windows]
    return Sight(
        tuple(min(sight.low[part]) for part in seen),
        tuple(max(sight.high[part]) for part in seen),
        0,
    )


def _both(one: Field, other: Field) -> Field:
    """What is seen by positions that see through two paths."""
    if len(one.sights) != len(other.sights):  # of inputs with different dimensions
        return max(one, other, key=lambda field: len(field.sights))
    if one == other:
        return one
    maps = (one.map, other.map)
    map_ = max(maps, key=lambda each: (len(each), each))
    if len(one.map) != len(one.sights) or len(other.map) != len(other.sights):
        return one._replace(map=map_)
    sights = zip(one.sights, other.sights, *maps)
    return Field(tuple(_joined(a, b, m, n) for a, b, m, n in sights), map_)


def _joined(one: Sight, other: Sight, size: int, other_size: int) -> Sight:
    if size == other_size and _is_listed(one) != _is_listed(other):
        one, other = (_seen_by_each(each, size) for each in (one, other))
    periods = len(one.low), len(other.low)
    period = lcm(*periods)
    if one.step * periods[1] != other.step * periods[0] or period > MAX_PERIOD:
        # One path sees everything, or they walk over the input at different paces.
        first, second = _all(one, size), _all(other, other_size)
        return Sight((min(first.low[0], second.low[0]),), (max(first.high[0], second.high[0]),), 0)
    pairs = [_repeated(each, period // len(each.low)) for each in (one, other)]
    low, high = zip(*pairs)
    return Sight(tuple(map(min, *low)), tuple(map(max, *high)), one.step * (period // periods[0]))


def _seen_by_each(sight: Sight, size: int) -> Sight:
    """A sight with each position by itself."""
    low, high = zip(*(_see(sight, place) for place in range(size)))
    return Sight(low, high, 0)


def _repeated(sight: Sight, times: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """What positions see over some turns of a pattern."""
    if times == 1:
        return sight.low, sight.high
    shifts = [turn * sight.step for turn in range(times)]
    return (
        tuple(each + shift for shift in shifts for each in sight.low),
        tuple(each + shift for shift in shifts for each in sight.high),
    )
