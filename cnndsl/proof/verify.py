"""Whether two frameworks' models of a network compute the same, layer by layer.

Both models get the same random weights, and each layer the same input in both: what the
layer before it gave, scaled to a root mean square of `SPREAD`, so that a value of 6 or -3,
where some activations bend, is met in every layer. So nothing that one layer does wrong
shows in another, and rounding does not add up however deep a net is. Both compute in double
precision. What rounding leaves of a layer is then some 1e-15 of its largest value, and 1e-12
where a layer divides by what has almost cancelled; the wrong constants, paddings and orders
that one finds in practice leave more than 1e-6. Any tolerance between tells the two apart;
ours is 1e-9.

At the end each model runs as a whole, as a user runs it, from the inputs to the outputs.
There rounding does add up, and `WHOLE` times as much of it is let pass, or as much as the
net makes of a change in the last digits of its inputs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy

from cnndsl import contract
from cnndsl.codegen import weights as canonical
from cnndsl.codegen.align import Parted
from cnndsl.codegen.weights import Array, Weights
from cnndsl.importers.statistics import near
from cnndsl.layers.base import show
from cnndsl.network import Network, Node
from cnndsl.proof import frameworks

TARGETS = ("keras", "pytorch")
TOLERANCE = 1e-9
SINGLE = 1e-4
WHOLE = 1e3
SPREAD = 4.0


class Apart(NamedTuple):
    """How far two arrays are apart: as a share of the largest value, where, and both values."""

    share: float
    place: tuple[int, ...] = ()
    values: tuple[float, ...] = ()


class Mismatch(NamedTuple):
    """In what two models are not the same, or not the network.

    `node` is the layer, or None where it is the model as a whole; `apart` is there where
    values differ.
    """

    node: Node | None
    message: str
    apart: Apart | None = None


class Verification(NamedTuple):
    """What a comparison found: nothing in `problems` where the models are the same network.

    * `names`: the frameworks, in the order of all pairs of values
    * `layers`: how far each layer's outputs are apart, by the index of the node
    * `outputs`: how far those of the whole models are apart, by name
    * `problems`: in the order of the nodes, those of whole models last
    * `weights`: the canonical weights that both had, with the statistics of batch
      normalisations near those of what reaches them
    """

    network: Network
    names: tuple[str, ...]
    layers: dict[int, Apart]
    outputs: dict[str, Apart]
    problems: list[Mismatch]
    weights: Weights

    @property
    def error(self) -> float:
        """The largest share that a layer's outputs are apart."""
        return max((apart.share for apart in self.layers.values()), default=0.0)

    def __bool__(self) -> bool:
        return not self.problems


def verify(
    network: Network,
    codes: Mapping[str, str] | None = None,
    *,
    seed: int = 0,
    batch: int = 2,
    tolerance: float | None = None,
    progress: Callable[[int], object] = lambda done: None,
) -> Verification:
    """Compare the models that a network becomes in Keras and in PyTorch.

    `codes` are generated modules by target, for those that are not to be generated here.
    `tolerance` is `TOLERANCE` unless given, or `SINGLE` where a framework has no doubles.
    `progress` is called after each layer with how many are done. Raises Unavailable where a
    framework is missing, and TargetError for a net that one of them cannot express.
    """
    return ModelComparison(network, codes, seed, batch, tolerance).run(progress)


class ModelComparison:
    """One comparison: `models` are what was compared, as they are at the end."""

    def __init__(
        self,
        network: Network,
        codes: Mapping[str, str] | None = None,
        seed: int = 0,
        batch: int = 2,
        tolerance: float | None = None,
    ) -> None:
        self.network, self.codes, self.batch = network, codes or {}, batch
        self.tolerance, self.given = tolerance or 0.0, tolerance
        self.rng = numpy.random.default_rng(seed)
        self.weights = canonical.random(network, seed)
        self.problems: list[Mismatch] = []
        self.layers: dict[int, Apart] = {}
        self.outputs: dict[str, Apart] = {}
        self.models: list[tuple[Any, Any]] = []

    def run(self, progress: Callable[[int], object] = lambda done: None) -> Verification:
        """Build and compare the models; raises as `verify` does."""
        frameworks.ready()
        with frameworks.quiet():
            return self.compare(progress)

    def compare(self, progress: Callable[[int], object]) -> Verification:
        self.build()
        if len(self.models) == len(TARGETS):
            if self.given is None:
                precise = all(live.precise for live, _ in self.models)
                self.tolerance = TOLERANCE if precise else SINGLE
            inputs = [
                self.rng.normal(size=(self.batch, *self.network.nodes[index].output))
                for index in self.network.inputs
            ]
            self.walk(dict(zip(self.network.inputs, inputs)), progress)
            if not self.problems:
                self.whole(inputs)
        names = tuple(live.name for live, _ in self.models)
        last = len(self.network.nodes)
        self.problems.sort(key=lambda problem: problem.node.index if problem.node else last)
        return Verification(
            self.network, names, self.layers, self.outputs, self.problems, self.weights
        )

    def problem(self, node: Node | None, message: str, apart: Apart | None = None) -> None:
        self.problems.append(Mismatch(node, message, apart))

    def build(self) -> None:
        """Build the models, and hold their counts and outputs against the network's."""
        for name in TARGETS:
            try:
                code = self.codes.get(name)
                live, weights = frameworks.build(self.network, name, code, precise=True)
            except Parted as parted:
                self.problem(parted.node, parted.message)
                continue
            except contract.TargetError:
                raise
            except Exception as error:  # whatever a framework raises
                why = frameworks.first_line(error)
                self.problem(None, f"the code of the target {name} fails: {why}")
                continue
            self.models.append((live, weights))
            trainable = self.network.training_totals.trainable
            if live.trainable != trainable:
                self.problem(
                    None, f"{live.name} trains {live.trainable:,} parameters, the net {trainable:,}"
                )
            if live.outputs() != self.network.outputs:
                self.problem(None, f"the outputs of {live.name} are not those of the net")

    def walk(self, values: dict[int, Array], progress: Callable[[int], object]) -> None:
        """Run both models layer by layer, from the values of the inputs on."""
        users = [max(found, default=-1) for found in self.network.users()]
        for done, node in enumerate(self.network.layers):
            result = self.layer(node, values)
            if result is None:
                return  # nothing to go on with
            values[node.index] = result
            for index in [index for index in values if users[index] <= node.index]:
                del values[index]
            progress(done + 1)

    def layer(self, node: Node, values: Mapping[int, Array]) -> Array | None:
        """Compare a layer; gives its output, or None where no framework has one."""
        values = spread({index: values[index] for index in node.inputs}, values)
        if node.op == "bn" and node.shared_with is None:
            self.calibrate(node, values[node.inputs[0]])
        found: list[tuple[str, Array]] = []
        for live, weights in self.models:
            self.settings(live, node)
            reads = live.reads(node)
            if reads != set(node.inputs):
                self.problem(node, f"{live.name} reads {self.listed(reads)} here")
            try:
                weights.put(live, self.weights, node)
                known = {index: values[index] for index in reads | set(node.inputs)}
                result = live.apply(node, known)
            except canonical.Misfit as misfit:
                for problem in misfit.problems:
                    self.problem(node, problem.partition(": ")[2])
                continue
            except Exception as error:  # whatever a framework raises
                self.problem(node, f"{live.name} fails here: {frameworks.first_line(error)}")
                continue
            if result.shape != (self.batch, *node.output):
                shape = show(result.shape[1:])
                self.problem(node, f"{live.name} gives {shape}, and the net {show(node.output)}")
                continue
            found.append((live.name, result))
        if not found:
            return None
        if len(found) == len(TARGETS):
            largest = max(float(numpy.abs(values[index]).max()) for index in node.inputs)
            apart = self.layers[node.index] = compare(found[0][1], found[1][1], largest)
            if not apart.share <= self.tolerance:
                self.problem(node, "the values differ", apart)
        return found[0][1]

    def calibrate(self, node: Node, value: Array) -> None:
        """Take a batch normalisation's statistics from near those of what reaches it."""
        for role in ("mean", "variance"):
            array = near(self.rng, value, role)
            self.weights[f"{node.name}.{role}"] = array.astype(numpy.float32)

    def settings(self, live: Any, node: Node) -> None:
        """Compare the numbers that act while training alone."""
        layer: Any = node.layer
        names = [name for name in ("momentum", "rate") if name in vars(layer)]
        wanted = {name: getattr(layer, name) for name in names}
        found = live.settings(node)
        for name in sorted({*wanted, *found}):
            has, wants = found.get(name), wanted.get(name)
            if has is None or wants is None or abs(has - wants) > 1e-9:
                shown = ["none" if value is None else f"{value:g}" for value in (has, wants)]
                self.problem(node, f"{live.name} has {name} {shown[0]}, and the net {shown[1]}")

    def listed(self, reads: set[int]) -> str:
        nodes = self.network.nodes
        names = [nodes[index].name if index >= 0 else "part of a layer" for index in sorted(reads)]
        return " and ".join(names) or "nothing"

    def whole(self, inputs: list[Array]) -> None:
        """Compare what the whole models give."""
        results = []
        for live, _ in self.models:
            try:
                results.append(live.run(inputs))
            except Exception as error:  # whatever a framework raises
                self.problem(None, f"{live.name} fails: {frameworks.first_line(error)}")
                return
        for name in self.network.outputs:
            if name in self.network.training_outputs:
                continue  # its layers have been compared, and outside of training it is not there
            apart = self.outputs[name] = compare(*(result[name] for result in results))
            if not apart.share <= max(self.tolerance * WHOLE, self.unrest(inputs, name, apart)):
                self.problem(None, f"the values of the output {name} differ", apart)

    def unrest(self, inputs: list[Array], name: str, apart: Apart) -> float:
        """How far an output may be apart for what the network makes of rounding alone.

        It is asked where a difference is too large otherwise: a deep net can make much of
        little. The inputs are changed in their last digits, and `WHOLE` times what that does
        to the output is let pass.
        """
        if apart.share <= self.tolerance * WHOLE:
            return 0.0
        others = [value * (1 + 2e-16 * self.rng.choice([-1, 1], value.shape)) for value in inputs]
        moved = [compare(live.run(inputs)[name], live.run(others)[name]) for live, _ in self.models]
        return WHOLE * max(each.share for each in moved)


def spread(inputs: Mapping[int, Array], values: Mapping[int, Array]) -> Mapping[int, Array]:
    """Values of which those that a layer reads are brought to a root mean square of `SPREAD`."""
    squares = [float(numpy.square(value).mean()) for value in inputs.values()]
    factor = SPREAD / max(squares) ** 0.5 if 0 < max(squares) < numpy.inf else 1.0
    return {**values, **{index: value * factor for index, value in inputs.items()}}


def compare(one: Array, other: Array, largest: float = 0.0) -> Apart:
    """How far two arrays of one shape are apart, as a share of their largest value.

    `largest` is the largest value that went in. Where all that comes out is less than a
    millionth of it, what rounding left of the input may be most of the output.
    """
    with numpy.errstate(invalid="ignore", over="ignore"):
        gaps = numpy.abs(one - other)
        gaps = numpy.where((one == other) | (numpy.isnan(one) & numpy.isnan(other)), 0.0, gaps)
    gaps = numpy.where(numpy.isnan(gaps), numpy.inf, gaps)
    at = numpy.unravel_index(int(gaps.argmax()), gaps.shape)
    scale = max(finite(one), finite(other), 1e-6 * largest) or 1.0
    place = tuple(int(index) for index in at)
    return Apart(float(gaps[at]) / scale, place, (float(one[at]), float(other[at])))


def finite(array: Array) -> float:
    """The largest of the values that are finite."""
    sizes = numpy.abs(array)
    return float(sizes.max(where=numpy.isfinite(sizes), initial=0.0))
