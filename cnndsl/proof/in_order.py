"""Weights of a module that somebody wrote by hand, paired with those of a net by order and shape.

A `state_dict` lists the layers of a module in the order in which it makes them, which is mostly
the order in which they run. Layers pair off in that order where their shapes agree. Where a
stretch stands elsewhere, as a shortcut that is made last and runs first, it is put there if that
is the only way in which the shapes agree. Nothing is guessed: where two ways fit, both are told.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

from cnndsl.codegen import weights as canonical
from cnndsl.codegen.weights import Misfit, Weights
from cnndsl.layers.base import product
from cnndsl.network import Network
from cnndsl.proof import checkpoints
from cnndsl.proof.archive import RAW, Stored

Kind: TypeAlias = tuple[tuple[str, tuple[int, ...]], ...]
"""The arrays of a layer: the name of each, and its shape without sizes of 1. A Linear and a
convolution of one pixel are of one kind."""

ROLES = ("weight", "bias", "running_mean", "running_var")
"""What PyTorch's layers call their arrays."""

WIDEST = 200
"""How many layers a stretch can have that stands elsewhere."""


class Held(NamedTuple):
    """A layer with arrays: its name, and what each array is by its role."""

    name: str
    arrays: Mapping[str, Any]
    kind: Kind


class Pair(NamedTuple):
    """A weight of the net, the array that it is taken from, and the shape of that; and whether
    it reads a flattened map, which a module has with the channels first."""

    key: str
    source: str
    shape: tuple[int, ...]
    flattened: bool


class Paired(NamedTuple):
    """The weights of a net, how they were found, and how many arrays were of which other type."""

    weights: Weights
    pairs: list[Pair]
    converted: Counter[str]


def paired(network: Network, found: Mapping[str, Stored]) -> Paired:
    """The weights of a network from a `state_dict` of its like; raises Misfit with all that is
    in the way."""
    live, module = checkpoints.built(network, ".pt", heads=True)
    places = {place.key: place for place in module.places(live)}
    wanted = [
        each._replace(name=next(iter(each.arrays.values())).kept.node.name)
        for each in held({key: (tuple(at.tensor.shape), at) for key, at in places.items()})
    ]
    given = held({key: (each.shape, each) for key, each in found.items()})
    spared = canonical.for_training(network)
    if len(given) < len(wanted) and spared:
        kept = [each for each in wanted if not keys(each) & spared]
        wanted = kept if len(kept) == len(given) else wanted
    problems = unsure(network, live.orders)
    problems += [
        f"`{key}` is of type {each.type}" for key, each in found.items() if each.type not in RAW
    ]
    if not problems:
        order, problems = assigned(wanted, given)
    if problems:
        raise Misfit(problems)
    result, pairs, converted = {}, [], Counter[str]()
    for ours, theirs in zip(wanted, (given[at] for at in order)):
        for role, place in ours.arrays.items():
            stored = theirs.arrays[role]
            array = stored.read().reshape(module.stored_shape(place.kept))
            result[place.kept.key] = module.restore(place.kept, array, place.order)
            source = theirs.name if theirs.name in found else f"{theirs.name}.{role}"
            flattened = place.order is not None and role == "weight"
            pairs.append(Pair(place.kept.key, source, stored.shape, flattened))
            converted[stored.type] += stored.type != "float32"
    canonical.fit(network, result)
    return Paired(result, pairs, +converted)


def held(arrays: Mapping[str, tuple[tuple[int, ...], Any]]) -> list[Held]:
    """The layers that some arrays are of, by name: those that follow on each other and are named
    alike but for the role, as `conv.weight` and `conv.bias`."""
    groups: list[tuple[str, dict[str, tuple[tuple[int, ...], Any]]]] = []
    for key, each in arrays.items():
        name, _, role = key.rpartition(".")
        if role not in ROLES:
            name, role = key, "weight"
        if not groups or groups[-1][0] != name or role in groups[-1][1]:
            groups.append((name, {}))
        groups[-1][1][role] = each
    return [
        Held(
            name,
            {role: value for role, (_, value) in group.items()},
            tuple(sorted((role, core(shape)) for role, (shape, _) in group.items())),
        )
        for name, group in groups
    ]


def core(shape: Iterable[int]) -> tuple[int, ...]:
    """A shape without its sizes of 1."""
    return tuple(size for size in shape if size != 1)


def keys(layer: Held) -> set[str]:
    """The canonical keys of a layer of the net."""
    return {place.kept.key for place in layer.arrays.values()}


def unsure(network: Network, orders: Mapping[int, Any]) -> list[str]:
    """The weights behind a flatten whose order a module may have otherwise than ours."""
    mixed: set[int] = set()
    problems = []
    for node in network.layers:
        flattened = node.op in ("flatten", "reshape") and len(node.layer.input) > 1
        if flattened and node.layer.input[-1] > 1 and product(node.layer.input[:-1]) > 1:
            mixed.add(node.index)
        elif mixed.intersection(node.inputs):
            known = node.op == "dense" and orders.get(node.inputs[0]) is not None
            if node.weights and not known:
                problems.append(f"{node.name}: in which order its inputs were flattened is unknown")
            if node.op != "dense":
                mixed.add(node.index)
    return problems


def assigned(wanted: Sequence[Held], given: Sequence[Held]) -> tuple[list[int], list[str]]:
    """For each layer that is wanted the place of the one that is given; or what is in the way."""
    ours, theirs = [each.kind for each in wanted], [each.kind for each in given]
    missing, more = Counter(ours) - Counter(theirs), Counter(theirs) - Counter(ours)
    if missing or more:
        lacks = [
            f"{each.name}: no {shown(each.kind)} is left for it" for each in of(missing, wanted)
        ]
        spare = [f"`{each.name}`: {shown(each.kind)} has no place" for each in of(more, given)]
        return [], lacks + spare
    if ours == theirs:
        return [*range(len(ours))], []
    if (order := by_roles(ours, theirs)) is not None:
        return order, []
    order, problems = [], []
    for start, end in windows(ours, theirs):
        if start < len(order):
            continue  # it was part of the one before
        ways, end = moved(ours, theirs, start, end)
        first, *others = sorted(ways) or [tuple(range(start, end))]
        order += first
        if others:
            at = next(at for at in range(len(first)) if first[at] != others[0][at])
            either = f"`{given[first[at]].name}` or `{given[others[0][at]].name}`"
            problems.append(f"{wanted[start + at].name} may be {either}, which are alike")
        elif not ways:
            names = f"{wanted[start].name} to {wanted[end - 1].name}"
            other = f"`{given[start].name}` to `{given[end - 1].name}`"
            problems.append(f"{names}: {other} have these shapes in another order")
    return order, problems


def of(kinds: Counter[Kind], layers: Sequence[Held]) -> list[Held]:
    """The last layers of some kinds, as many of each as it counts."""
    left = Counter(kinds)
    result = []
    for each in reversed(layers):
        if left[each.kind] > 0:
            left[each.kind] -= 1
            result.append(each)
    return result[::-1]


def shown(kind: Kind) -> str:
    """The arrays of a layer: `weight 64x3x7x7, bias 64`."""
    shapes = dict(kind)
    parts = [
        f"{role} {'x'.join(map(str, shapes[role])) or '1'}" for role in ROLES if role in shapes
    ]
    return ", ".join(parts)


def by_roles(ours: Sequence[Kind], theirs: Sequence[Kind]) -> list[int] | None:
    """The order in which layers pair off where those of each sort, as all convolutions and all
    normalisations, stand in one order; None where they do not."""

    def sorts(kinds: Sequence[Kind]) -> dict[tuple[Any, ...], list[int]]:
        found: dict[tuple[Any, ...], list[int]] = {}
        for at, kind in enumerate(kinds):
            sort = tuple((role, len(shape) > 1) for role, shape in kind)
            found.setdefault(sort, []).append(at)
        return found

    result = [0] * len(ours)
    there = sorts(theirs)
    for sort, places in sorts(ours).items():
        for at, other in zip(places, there.get(sort, ())):
            if ours[at] != theirs[other]:
                return None
            result[at] = other
    return result


def windows(ours: Sequence[Kind], theirs: Sequence[Kind]) -> Iterator[tuple[int, int]]:
    """The shortest stretches, one after the other, in which both have the same kinds."""
    start, balance = 0, Counter[Kind]()
    for at, (one, other) in enumerate(zip(ours, theirs)):
        balance[one] += 1
        balance[other] -= 1
        if not any(balance[kind] for kind in (one, other)) and not any(balance.values()):
            yield start, at + 1
            start = at + 1


def moved(
    ours: Sequence[Kind], theirs: Sequence[Kind], start: int, end: int
) -> tuple[set[tuple[int, ...]], int]:
    """The orders of a stretch that come about where one part of it has moved, and where it ends,
    which may be further on; else the one order where all its kinds differ, or none.

    Each order says for the places of the stretch which of theirs are meant. What stands around
    the stretch may take part in the move: that is another way in which the shapes agree.
    """
    if ours[start:end] == theirs[start:end]:
        return {tuple(range(start, end))}, end
    width = end - start
    if width > WIDEST:
        return set(), end
    letters = {kind: chr(at + 1) for at, kind in enumerate(dict.fromkeys(ours))}
    one, other = ("".join(letters[kind] for kind in kinds) for kinds in (ours, theirs))
    found: list[dict[int, int]] = []
    until = 0
    for first in range(start, max(-1, start - width - 1), -1):
        for last in range(end, min(len(one), end + width) + 1):
            part, twice, length = one[first:last], other[first:last] * 2, last - first
            turn = twice.find(part, 1)
            while 0 <= turn < length:
                until = until or last  # the first that is found is the shortest from `start` on
                found.append({first + at: first + (at + turn) % length for at in range(length)})
                turn = twice.find(part, turn + 1)
    if found and {*found[0]} == {*range(start, until)}:
        return {tuple(way.get(at, at) for at in range(start, until)) for way in found}, until
    if len(set(ours[start:end])) == width:
        where = {kind: at for at, kind in enumerate(theirs[start:end], start)}
        return {tuple(where[kind] for kind in ours[start:end])}, end
    return set(), end
