"""What an ONNX file computes, operation by operation: the source's side of a proof.

The operators are those of the `onnx` package's reference, run one after the other in double
precision. Weights are random, and batch normalisations have statistics near those of what reaches
them, without which a deep net would explode.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from math import prod
from typing import TYPE_CHECKING, Any, TypeAlias

from cnndsl.importers.channels_first import Tensor
from cnndsl.importers.graph import Graph
from cnndsl.importers.onnx_compute import OPERATORS
from cnndsl.importers.onnx_file import reader_of
from cnndsl.importers.onnx_model import Outside, short
from cnndsl.importers.onnx_reader import Reader
from cnndsl.importers.statistics import near

if TYPE_CHECKING:
    import numpy
    from numpy.typing import NDArray

    Array: TypeAlias = NDArray[numpy.float64]


def values(
    data: bytes,
    graph: Graph,
    inputs: Sequence[Array],
    seed: int = 0,
    outside: Outside | None = None,
) -> tuple[dict[int, Array], dict[str, Array]]:
    """What comes out of each operation of a file's graph, channels last, and the arrays of the
    source that it came of, by their keys.

    `graph` is what `read_onnx` gave for the data, `inputs` are those of the graph, channels last.
    """
    import numpy

    rng = numpy.random.default_rng(seed)
    sources = [op for op, made in enumerate(graph.ops) if made.word == "input"]
    drawn = {key: draw(rng, key, array.shape, graph) for key, array in graph.arrays.items()}
    shapes = [graph.shape(op) for op in sources]
    reader = reader_of(data, graph.name, outside, shapes, drawn)
    # Where the file says how many samples it takes, these are others of the same.
    inputs = [numpy.concatenate([each / (1 + place) for place in range(reader.batch)])
              for each in inputs]  # fmt: skip
    places: dict[str, list[int]] = {}
    for op, (name, _) in reader.seen.items():
        places.setdefault(name, []).append(op)
    found = dict(zip(sources, inputs))
    feeds = {name: theirs(found[op], tensor) for op, (name, tensor) in reader.sources.items()}
    for name, array in run(reader, feeds, rng, drawn):
        for op in places.get(name, ()):
            found[op] = ours(array, reader.seen[op][1])
    arrays = {}
    for key, kept in reader.graph.arrays.items():
        file_has = key in reader.model.constants or kept.read is None
        arrays[key] = drawn[key] if file_has else double(kept.read())  # type: ignore[misc]
    for key, copies in reader.copies.items():
        apart = [copy for each in copies.values() for copy in each]
        arrays.update((copy, drawn[copy]) for copy in apart if key in drawn)
    return found, arrays


def draw(rng: Any, key: str, shape: tuple[int, ...], graph: Graph) -> Array:
    """Random numbers for a weight: such that what comes out is about as large as what goes in."""
    users = [(op, role) for op in graph.ops for role, taken in op.weights.items()
             if taken.key == key]  # fmt: skip
    roles, fan_in = {role for _, role in users}, 1
    if roles & {"kernel", "depthwise"}:
        fan_in = max(1, prod(shape) // users[0][0].shape[-1])
    found: Array = rng.normal(0, (2 / fan_in) ** 0.5 if fan_in > 1 else 0.3, shape)
    if roles & {"gamma", "scale"}:
        found = rng.uniform(0.5, 1.5, shape)
    return abs(found) + 0.5 if "variance" in roles else found


def run(
    reader: Reader, feeds: Mapping[str, Array], rng: Any, drawn: dict[str, Array]
) -> Iterator[tuple[str, Any]]:
    """Run the nodes of a file one by one; gives the name and the array of each value."""
    from onnx.reference import ReferenceEvaluator

    model = reader.model.proto
    bare = copy.deepcopy(model)
    del bare.graph.initializer[:]
    results: dict[str, Any] = {"": None, **feeds}
    for tensor in model.graph.initializer:
        results[tensor.name] = drawn.get(tensor.name)
        if tensor.name not in drawn:
            results[tensor.name] = double(reader.model.read(tensor))
    met: set[str] = set()
    for node in ReferenceEvaluator(bare).rt_nodes_:
        where = node.onnx_node.name or node.output[0]
        # The key of a weight is that of its layer, where several have the same array.
        kept = {name: iter(reader.copies.get(name, {}).get(where, ())) for name in node.input}
        keys = [next(kept[name], name) for name in node.input]
        given = [drawn[key] if key in drawn else results[name]
                 for key, name in zip(keys, node.input)]  # fmt: skip
        if node.op_type == "BatchNormalization":
            for place, role in ((3, "mean"), (4, "variance")):
                if keys[place] in drawn and keys[place] not in met:
                    given[place] = drawn[keys[place]] = near(rng, given[0], role, axis=1)
        met.update(keys)
        outputs = compute(node, given)
        for name, array in zip(node.output, outputs):
            results[name] = double(array) if node.op_type.startswith("Constant") else wide(array)
            yield name, results[name]
    for name, copies in reader.copies.items():
        # What a layer takes by way of another node is the array that all have.
        apart = [copy for each in copies.values() for copy in each]
        drawn.update((copy, drawn[name]) for copy in apart if copy not in met)


def compute(node: Any, given: Sequence[Any]) -> Sequence[Any]:
    """What a node of the reference gives, with its numbers as they are written."""
    import numpy

    for attribute in node.onnx_node.attribute:
        if attribute.type == attribute.FLOAT:
            setattr(node, attribute.name, short(attribute.f))
    with numpy.errstate(all="ignore"):
        own = OPERATORS[node.op_type](node, *given) if node.op_type in OPERATORS else None
        outputs: Sequence[Any] = node.run(*given) if own is None else (own,)
    return outputs


def double(array: Any) -> Any:
    """Numbers of single precision as they are written, in double."""
    import numpy

    if array.dtype.kind != "f" or array.dtype == numpy.float64:
        return array
    if array.size > 2**12:
        return array.astype(numpy.float64)
    return numpy.array([short(float(each)) for each in array.flat]).reshape(array.shape)


def wide(array: Any) -> Any:
    """Numbers in double precision, where they are no whole ones."""
    return array.astype("float64") if getattr(array, "dtype", None) == "float32" else array


def ours(array: Array, tensor: Tensor) -> Array:
    """An array of the source in the order of the language, with its batch."""
    walk = [atom for axis in tensor.axes for atom in axis]
    array = array.reshape(-1, *(tensor.sizes[atom] for atom in walk))
    array = array.transpose(0, *(1 + walk.index(atom) for atom in range(len(walk))))
    return array.reshape(-1, *tensor.ours)


def theirs(array: Array, tensor: Tensor) -> Array:
    """An array of the language in the order of the source."""
    walk = [atom for axis in tensor.axes for atom in axis]
    array = array.reshape(-1, *tensor.sizes).transpose(0, *(1 + atom for atom in walk))
    return array.reshape(-1, *tensor.shape[1:])
