"""Which array of a source is which weight of the net that was imported from it.

The map lies beside the net as JSON, and moves any later checkpoint of the same source. It holds
for one structure: for nodes of these names with weights of these shapes. How the text is written
does not matter, nor what it says in comments.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from hashlib import sha256
from typing import Any, NamedTuple

from cnndsl.codegen import weights as canonical
from cnndsl.codegen.weights import Misfit, Weights
from cnndsl.importers.graph import SourceArray, Taken
from cnndsl.layers.base import product, show
from cnndsl.network import Network
from cnndsl.proof.archive import RAW, Stored

FORMAT = 1
KEYS = {"key": str, "shape": tuple, "axes": tuple, "split": tuple, "flat": tuple}


class NoMap(Exception):
    """A text that is no map of weights. Its text says why in a line."""


class Place(NamedTuple):
    """An array of the source, its shape there, and how a weight is taken from it."""

    taken: Taken
    shape: tuple[int, ...]


class WeightMap(NamedTuple):
    """What a map says: the structure that it holds for, and the place of each weight by its key."""

    structure: str
    places: Mapping[str, Place]


def structure(network: Network) -> str:
    """A hash of what a network is: its nodes with their names, sizes, inputs and weights."""
    rows = [
        [
            *(node.name, node.op, node.output, node.inputs, node.shared_with),
            [(weight.role, weight.shape) for weight in node.weights],
        ]
        for node in network.nodes
    ]
    outputs = sorted(network.outputs.items())
    return sha256(json.dumps([rows, outputs]).encode()).hexdigest()[:32]


def written(
    network: Network, weights: Mapping[str, Taken], arrays: Mapping[str, SourceArray]
) -> str:
    """The text of the map of an import."""
    rows = {}
    for key, taken in weights.items():
        rows[key] = row = {"key": taken.key, "shape": list(arrays[taken.key].shape)}
        for name in ("axes", "split", "flat"):
            if value := getattr(taken, name):
                row[name] = list(value)
    head = {"format": FORMAT, "net": network.name, "structure": structure(network)}
    lines = [f"  {json.dumps(key)}: {json.dumps(row)}" for key, row in rows.items()]
    opening = json.dumps(head, indent=1).removesuffix("\n}")
    return opening + ',\n "weights": {\n' + ",\n".join(lines) + "\n }\n}\n"


def read(text: str) -> WeightMap:
    """The map that a text is; raises NoMap."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        raise NoMap("this is no JSON, and no map that `cnndsl import --map` writes") from None
    if not isinstance(found, dict) or not isinstance(found.get("format"), int):
        raise NoMap("this is no map that `cnndsl import --map` writes")
    if found["format"] != FORMAT:
        raise NoMap(f"a map of format {found['format']}, and this cnndsl reads {FORMAT}")
    rows, of = found.get("weights"), found.get("structure")
    if not isinstance(rows, dict) or not isinstance(of, str):
        raise NoMap("this map is damaged: it has no weights")
    return WeightMap(of, {key: place(key, row) for key, row in rows.items()})


def place(key: str, row: Any) -> Place:
    """A row of a map; raises NoMap where it is none."""
    values: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in (row.items() if isinstance(row, dict) else ())
    }
    sizes = [value for value in values.values() if isinstance(value, tuple)]
    plain = all(type(size) is int and 0 <= size <= 2**40 for each in sizes for size in each)
    if (
        not {"key", "shape"} <= values.keys() <= KEYS.keys()
        or not all(isinstance(value, KEYS[name]) for name, value in values.items())
        or not plain
    ):
        raise NoMap(f"this map is damaged at {key}")
    shape = values.pop("shape")
    return Place(Taken(**values), shape)


def moved(
    network: Network, found: Mapping[str, Stored], told: WeightMap
) -> tuple[Weights, Counter[str]]:
    """The weights of a network from the arrays of a checkpoint of its source.

    Says also how many arrays were of another type than float32. Raises Misfit with all that does
    not fit.
    """
    if told.structure != structure(network):
        raise Misfit(["the map is of another net: its layers, their names or sizes have changed"])
    kept = {each.key: each.weight for each in canonical.slots(network)}
    problems = [f"{key}: the map does not have it" for key in kept.keys() - told.places.keys()]
    converted = Counter[str]()
    for key, (taken, shape) in told.places.items():
        stored = found.get(taken.key)
        if key not in kept:
            problems.append(f"{key}: the map has it, and the net does not")
        elif stored is None:
            problems.append(f"{key}: no `{taken.key}` here")
        elif stored.shape != shape:
            has, wants = show(stored.shape), show(shape)
            problems.append(f"{key}: `{taken.key}` is {has}, and the map wants {wants}")
        elif stored.type not in RAW:
            problems.append(f"{key}: `{taken.key}` is of type {stored.type}")
        elif stored.type != "float32":
            converted[stored.type] += 1
    used = {each.taken.key for each in told.places.values()}
    problems += [
        f"`{key}` is {show(each.shape) or 'a single number'}, and the map has no place for it"
        for key, each in found.items()
        if key not in used
    ]
    if problems:
        raise Misfit(sorted(problems))
    return (
        restored(network, {key: each.taken for key, each in told.places.items()}, found),
        converted,
    )


def restored(
    network: Network,
    weights: Mapping[str, Taken],
    found: Mapping[str, Stored | SourceArray],
    types: dict[str, int] | None = None,
) -> Weights:
    """The canonical weights that are taken from some arrays; raises Misfit where one cannot be.

    How many arrays there are of each type is counted in `types`.
    """
    import numpy

    result: Weights = {}
    problems = []
    for kept in canonical.slots(network):
        taken = weights[kept.key]
        array = found[taken.key]
        if product(array.shape) != product(kept.weight.shape) or array.read is None:
            problems.append(f"{kept.key}: `{taken.key}` is {show(array.shape)}")
            continue
        read = array.read()
        if types is not None:
            types[str(read.dtype)] = types.get(str(read.dtype), 0) + 1
        try:
            value = taken.restore(read, kept.weight.shape)
        except ValueError:  # a map that was edited
            problems.append(f"{kept.key}: `{taken.key}` does not come out as the map says")
            continue
        result[kept.key] = numpy.array(value, numpy.float32, order="C")
    if problems:
        raise Misfit(problems)
    return result
