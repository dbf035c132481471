"""The weights of a network, in a form of no framework.

Canonical weights map a key to a numpy array of float32, for every weight of every node in
topological order. The array has `Weight.shape`: kernels are (spatial…, in, out), as Keras
has them, and the rows of a dense layer behind a flatten stand in the language's order, the
channels last. A target's own `weights` module puts them into a model of its framework, and
takes them out.

The key is the node's name, a dot and the weight's role: `conv1.kernel`, `unit2.bn1.mean`.
The weights of an activation written after a layer are among the layer's: `conv1.alpha`.
Names of nodes are unique and roles have no dot, so that keys are unique; no layer has a
role twice. A node that has the weights of another has no keys. Heads for training have theirs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple, TypeAlias

from cnndsl.layers.base import Layer, Shape, Weight, product, show
from cnndsl.layers.initial import Constant
from cnndsl.network import Network, Node

Array: TypeAlias = Any  # numpy.ndarray, whose type says nothing of its shape
Weights: TypeAlias = dict[str, Array]


class Kept(NamedTuple):
    """A weight in its place: `layer` is the node's, or the activation written after it."""

    key: str
    node: Node
    layer: Layer
    weight: Weight


def slots(network: Network) -> Iterator[Kept]:
    """Every weight of a network: nodes in topological order, weights in their layer's."""
    for node in network.nodes:
        yield from slots_of(node)


def slots_of(node: Node) -> Iterator[Kept]:
    """The weights that a node keeps itself: none where it has those of another."""
    activation, count = node.layer.activation, len(node.layer.weights)
    for place, weight in enumerate(node.weights):
        layer = node.layer if place < count or activation is None else activation
        yield Kept(f"{node.name}.{weight.role}", node, layer, weight)


def holder(network: Network, node: Node) -> Node:
    """The node whose weights a node has: itself, or the one that it shares them with."""
    return node if node.shared_with is None else network.nodes[node.shared_with]


def random(network: Network, seed: int = 0) -> Weights:
    """Random weights with which a network neither blows up nor forgets.

    Kernels are normal with a variance of 1.6 / fan-in, variances and factors lie around 1,
    all others are normal with a deviation of 0.2. The same seed gives the same weights.
    """
    import numpy

    rng = numpy.random.default_rng(seed)

    def draw(weight: Weight) -> Array:
        shape = weight.shape
        if weight.role == "variance":
            return 0.5 + rng.random(shape, numpy.float32)
        if weight.role in ("gamma", "scale"):
            return 0.6 + 0.8 * rng.random(shape, numpy.float32)
        fan_in = _FAN_IN.get(weight.role)
        spread = 0.2 if fan_in is None else (1.6 / product(shape[:fan_in])) ** 0.5
        return rng.standard_normal(shape, numpy.float32) * numpy.float32(spread)

    return {kept.key: draw(kept.weight) for kept in slots(network)}


def initial(network: Network, seed: int = 0) -> Weights:
    """What the weights hold before training; the same seed draws the same."""
    import numpy

    rng = numpy.random.default_rng(seed)

    def begin(weight: Weight) -> Array:
        if isinstance(weight.initial, Constant):
            return numpy.full(weight.shape, weight.initial.value, dtype=numpy.float32)
        shares = 2 * rng.random(weight.shape, dtype=numpy.float32) - 1
        return shares * numpy.float32(weight.initial.limit)

    return {kept.key: begin(kept.weight) for kept in slots(network)}


# How many dimensions at the end of a kernel do not count among what one output sums.
_FAN_IN = {"kernel": -1, "pointwise": -1, "depthwise": -2}


class Misfit(Exception):
    """Weights that are not those of a network; `problems` is a line for each that is not."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


def placed(
    live: Any,
    node: Node | None,
    keeping: Callable[[Node], list[Any]],
    find: Callable[[Kept, list[Any]], Any],
) -> Iterator[Any]:
    """The places of the weights of a framework's model, or of one node's.

    Weights that several nodes share have one place, at the first of them that the model has.
    `keeping` gives all that a node keeps there, and `find` takes from it where a weight is: its
    place, the array, and the shape that it should have; or it says what is wrong. Raises Misfit
    where the model keeps others than its network.
    """
    problems = []
    seen = set() if live.training else {n.index for n in live.network.nodes if n.training_only}
    for each in live.layers if node is None else [node]:
        owner = holder(live.network, each)
        if owner is not each and owner.index not in seen:
            continue
        seen.discard(owner.index)
        kept, held = list(slots_of(owner)), keeping(each)
        if len(held) != len(kept):
            counts = f"{live.name} keeps {len(held)} arrays, and the net wants {len(kept)}"
            problems.append(f"{each.name}: {counts}")
            continue
        for one in kept:
            found = find(one, held)
            problem = found if isinstance(found, str) else _misfit(live, one, *found[1:])
            if problem:
                problems.append(problem)
            else:
                yield found[0]
    if problems:
        raise Misfit(problems)


def _misfit(live: Any, kept: Kept, array: Any, wanted: Shape) -> str:
    """What is wrong with an array that a model keeps for a weight; empty for nothing."""
    shape = tuple(array.shape)
    if shape != wanted:
        return f"{kept.key}: {live.name} keeps {shape}, and the net wants {wanted}"
    trains = live.trains(array)
    if trains != kept.weight.trainable:
        does, wants = ("trains", "does not") if trains else ("keeps", "trains")
        return f"{kept.key}: {live.name} {does} it, and the net {wants}"
    return ""


def for_training(network: Network) -> frozenset[str]:
    """The keys of the weights that heads for training alone have."""
    used = {holder(network, node).index for node in network.nodes if not node.training_only}
    return frozenset(kept.key for kept in slots(network) if kept.node.index not in used)


def fit(network: Network, weights: Mapping[str, Array]) -> None:
    """Raise Misfit unless a mapping holds just what a network keeps, in shape and in type.

    The weights of heads for training may be missing.
    """
    problems = []
    wanted = {kept.key: kept.weight for kept in slots(network)}
    spared = for_training(network)
    for key, weight in wanted.items():
        array = weights.get(key)
        if array is None:
            if key in spared:
                continue
            problems.append(f"{key}: there is none, and the net wants {_shown(weight.shape)}")
        elif tuple(array.shape) != weight.shape:
            has, wants = _shown(tuple(array.shape)), _shown(weight.shape)
            problems.append(f"{key}: it is {has}, and the net wants {wants}")
        elif str(array.dtype) != "float32":
            problems.append(f"{key}: it is {array.dtype}, and the net wants float32")
    problems += [
        f"{key}: it is {_shown(tuple(array.shape))}, and the net has no such weight"
        for key, array in weights.items()
        if key not in wanted
    ]
    if problems:
        raise Misfit(problems)


def _shown(shape: tuple[int, ...]) -> str:
    return show(shape) if shape else "a single number"
