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
from cnndsl.importers.graph import Graph, SourceArray, Taken
from cnndsl.layers.base import product, show
from cnndsl.network import Network
from cnndsl.proof.archive import RAW, Stored

FORMAT = 1
KEYS = {"key": str, "file": str, "shape": tuple, "axes": tuple, "split": tuple, "flat": tuple}


class NoMap(Exception):
    """A text that is no map of weights. Its text says why in a line."""


class Place(NamedTuple):
    """An array of the source, its shape there, and how a weight is taken from it. `file` is what
    files of weights call it, where that is not its key."""

    taken: Taken
    shape: tuple[int, ...]
    file: str


class WeightMap(NamedTuple):
    """What a map says: the structure that it holds for, and the place of each weight by its key.

    Arrays in the folders `constants` are numbers of the text.
    """

    structure: str
    places: Mapping[str, Place]
    constants: tuple[str, ...]


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


def written(network: Network, weights: Mapping[str, Taken], graph: Graph) -> str:
    """The text of the map of an import."""
    rows = {}
    for key, taken in weights.items():
        array = graph.arrays[taken.key]
        row: dict[str, Any] = {"key": taken.key}
        if array.file:
            row["file"] = array.file
        rows[key] = row | {"shape": list(array.shape)}
        for name in ("axes", "split", "flat"):
            if value := getattr(taken, name):
                rows[key][name] = list(value)
    head: dict[str, Any] = {"format": FORMAT, "net": network.name, "structure": structure(network)}
    if graph.constants:
        head["constants"] = graph.constants
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
    constants = found.get("constants", [])
    if not isinstance(rows, dict) or not isinstance(of, str):
        raise NoMap("this map is damaged: it has no weights")
    if not isinstance(constants, list) or not all(isinstance(each, str) for each in constants):
        raise NoMap("this map is damaged at its constants")
    return WeightMap(of, {key: place(key, row) for key, row in rows.items()}, tuple(constants))


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
    shape, file = values.pop("shape"), values.pop("file", "")
    return Place(Taken(**values), shape, file)


def moved(
    network: Network, found: Mapping[str, Stored], told: WeightMap, by_file: bool = False
) -> tuple[Weights, Counter[str]]:
    """The weights of a network from the arrays of a checkpoint of its source, which are called as
    in the source, or `by_file` as files of weights have them.

    Says also how many arrays were of another type than float32. Raises Misfit with all that does
    not fit.
    """
    if told.structure != structure(network):
        raise Misfit(["the map is of another net: its layers, their names or sizes have changed"])
    kept = {each.key: each.weight for each in canonical.slots(network)}
    problems = [f"{key}: the map does not have it" for key in kept.keys() - told.places.keys()]
    converted = Counter[str]()
    weights = {}
    for key, (taken, shape, file) in told.places.items():
        name = file if by_file and file else taken.key
        weights[key] = taken._replace(key=name)
        stored = found.get(name)
        if key not in kept:
            problems.append(f"{key}: the map has it, and the net does not")
        elif stored is None:
            problems.append(f"{key}: no `{name}` here")
        elif stored.shape != shape:
            has, wants = show(stored.shape), show(shape)
            problems.append(f"{key}: `{name}` is {has}, and the map wants {wants}")
        elif stored.type not in RAW:
            problems.append(f"{key}: `{name}` is of type {stored.type}")
        elif stored.type != "float32":
            converted[stored.type] += 1
    used = {taken.key for taken in weights.values()}
    problems += [
        f"`{name}` is {show(each.shape) or 'a single number'}, and the map has no place for it"
        for name, each in found.items()
        if name not in used and name.partition("/vars/")[0] not in told.constants
    ]
    if problems:
        raise Misfit(sorted(problems))
    return restored(network, weights, found), converted


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
