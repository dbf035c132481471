"""The checked network: what every target reads, and the only thing it reads.

`nodes` is the graph in topological order. `body` is the same network as it was written,
with blocks, loops and paths, each with the nodes that came of it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from functools import cached_property
from typing import Any, NamedTuple, TypeAlias

from cnndsl.diagnostics import Note, Source, Span
from cnndsl.layers.base import Layer, Shape, Sight, Weight
from cnndsl.syntax import nodes as ast


class Field(NamedTuple):
    """The receptive field of a tensor: what its positions see, per dimension of the input.

    Before any upsampling the patterns are of one position, and `step` is what is called the
    jump; it is 0 where all positions see the same.

    `map` is the spatial size that the tensor has, or had before it was flattened.
    """

    sights: tuple[Sight, ...]
    map: Shape


class Node:
    """A layer in its place.

    * `name`: unique in the network, as `conv1` or `bottleneck2.conv1`
    * `layer`: the layer with its shapes and weights
    * `inputs`: the indices of the nodes it reads, all smaller than its own `index`
    * `alias`: the name that the file gives it with `as`, or None
    * `span`: the statement it came from
    * `instance`: the names of the block calls around it, outermost first
    * `shared_with`: the node whose weights it has, an earlier one with weights of its own; None
      where it has its own, or none
    * `frozen`: whether it does not learn
    * `training_only`: whether it belongs to an output that exists while training only

    What it keeps is asked of the node and not of the layer, which does not know of these.
    """

    __slots__ = (
        "alias",
        "field",
        "frozen",
        "index",
        "inputs",
        "instance",
        "layer",
        "name",
        "shared_with",
        "span",
        "training_only",
    )

    def __init__(
        self,
        index: int,
        name: str,
        layer: Layer,
        inputs: tuple[int, ...],
        alias: str | None,
        span: Span,
        instance: tuple[str, ...],
        field: Field,
        shared_with: int | None = None,
        frozen: bool = False,
        training_only: bool = False,
    ) -> None:
        self.index = index
        self.name = name
        self.layer = layer
        self.inputs = inputs
        self.alias = alias
        self.span = span
        self.instance = instance
        self.field = field
        self.shared_with = shared_with
        self.frozen = frozen
        self.training_only = training_only

    @property
    def weights(self) -> tuple[Weight, ...]:
        """The arrays that it keeps itself; those that are frozen do not learn."""
        if self.shared_with is not None:
            return ()
        weights = self.layer.all_weights
        if self.frozen:
            return tuple(weight._replace(trainable=False) for weight in weights)
        return weights

    @property
    def params(self) -> int:
        """How many numbers it keeps itself, learned or not."""
        return self.layer.params if self.shared_with is None else 0

    @property
    def trainable(self) -> int:
        """How many of them are learned."""
        return self.layer.trainable if self.shared_with is None and not self.frozen else 0

    @property
    def biases(self) -> int:
        """How many of them are biases."""
        return self.layer.biases if self.shared_with is None else 0

    def on(self, layer: Layer) -> Node:
        """Another node in the same place, which has another layer."""
        values = {name: getattr(self, name) for name in self.__slots__}
        return Node(**{**values, "layer": layer})

    @property
    def op(self) -> str:
        """The word of the language: `conv`, `add`, `input`."""
        return self.layer.op

    @property
    def output(self) -> Shape:
        """The output shape, channels last and without a batch."""
        return self.layer.output

    @property
    def receptive_field(self) -> tuple[int, ...]:
        """How many pixels of the input an output position sees, per spatial dimension.

        Padding counts as pixels. Where positions differ, it is the most that one sees.
        """
        sights, sizes = self.field.sights, self.field.map
        count = sizes if len(sizes) == len(sights) else (None,) * len(sights)
        return tuple(
            max(high - low + 1 for low, high in zip(sight.low[:size], sight.high))
            for sight, size in zip(sights, count)
        )

    def __repr__(self) -> str:
        return f"<{self.name} {'x'.join(map(str, self.output))}>"


def marks(network: Network, node: Node) -> dict[str, Any]:
    """What is said of a node in JSON where it applies: whose weights it has, and the like."""
    found: dict[str, Any] = {}
    if node.shared_with is not None:
        found["shared_with"] = network.nodes[node.shared_with].name
    if node.frozen:
        found["frozen"] = True
    if node.training_only:
        found["training_only"] = True
    return found


class Assertion(NamedTuple):
    """An `expect`, its value, and, where that matters, the layer after which it stands.

    `notes` tell the calls and loops that led there.
    """

    statement: ast.Expect
    value: Any
    node: Node | None
    notes: tuple[Note, ...] = ()


class Step(NamedTuple):
    """A layer; `written` tells where the value of each slot stands in the text."""

    statement: ast.Apply
    node: int
    written: Mapping[str, Span]


class PathLoop(NamedTuple):
    """A repeat among the paths of a merge, with the paths of each turn."""

    statement: ast.Repeat
    turns: tuple[tuple[Way, ...], ...]


class PathChoice(NamedTuple):
    """An if among the paths of a merge: the paths of the body taken, which may be none."""

    statement: ast.If
    taken: int
    paths: tuple[Way, ...]


Way: TypeAlias = int | PathLoop | PathChoice
"""How a path of a merge came about: the path itself, by its place, or what it stands in."""


class Merged(NamedTuple):
    """A merge, with its paths, and the ways in which they are written.

    One of a single path is none: `node` is then what comes out of the path.
    """

    statement: ast.Apply
    node: int
    paths: tuple[Body, ...]
    ways: tuple[Way, ...]

    @property
    def is_path(self) -> bool:
        """Whether it has one path, and merges nothing."""
        return len(self.paths) == 1


class Skipped(NamedTuple):
    """`skip`, which does nothing but perhaps name the tensor."""

    statement: ast.Apply


class Instance(NamedTuple):
    """A call of a block, with the values of its parameters.

    * `results`: the tensors that it has named, by their names, as far as they can be read from
      outside
    * `first`: for a shared block the place of the first of the calls that have its weights, the
      same number for all of them; else None
    """

    statement: ast.Apply
    block: ast.Block
    name: str
    arguments: Mapping[str, Any]
    tensors: Mapping[str, int]
    body: Body
    results: Mapping[str, int] = {}
    first: int | None = None


class Loop(NamedTuple):
    """A repeat, with a body for each time round."""

    statement: ast.Repeat
    bodies: tuple[Body, ...]


class Choice(NamedTuple):
    """An if, with the body taken (of the tests, or the `else` after them); None for none."""

    statement: ast.If
    taken: int
    body: Body | None


class Jump(NamedTuple):
    """A `from`: the current tensor becomes the output of `node`."""

    statement: ast.From
    node: int


class Side(NamedTuple):
    """A head: a side output."""

    statement: ast.Head
    body: Body


class Frozen(NamedTuple):
    """A part that does not learn."""

    statement: ast.Freeze
    body: Body


class Bound(NamedTuple):
    """A `let` or `param` with its value."""

    statement: ast.Let | ast.Param
    value: Any


Item = Step | Merged | Skipped | Instance | Loop | Choice | Jump | Side | Frozen | Bound


class Body(NamedTuple):
    """A run of statements: what came of each, and the tensors before and after.

    `input` and `output` are indices of nodes; `input` is -1 for the file itself.
    """

    items: tuple[Item, ...]
    input: int
    output: int


class Totals(NamedTuple):
    """Sums over layers; weights that several share count once."""

    params: int
    weights: int
    trainable: int
    non_trainable: int
    macs: int

    @property
    def flops(self) -> int:
        """Operations on numbers: twice the multiply-adds, and nothing else is counted."""
        return 2 * self.macs


class Network:
    """A net in which every size has come out whole and every name is known.

    * `name`: from `net`, or else from the file
    * `source`, `module`: the text and its syntax tree
    * `nodes`: all layers and inputs, in topological order
    * `inputs`: indices of the inputs, in the order of the file
    * `outputs`: name to index; the main output is `main`, a head's its own name
    * `body`: the network as it was written
    * `rounding`, `defaults`: as the file says
    * `assertions`: each `expect` of the file, as often as it is run over; the net keeps them
    """

    def __init__(
        self,
        name: str,
        source: Source,
        module: ast.Module,
        nodes: list[Node],
        inputs: tuple[int, ...],
        outputs: dict[str, int],
        body: Body,
        rounding: str,
        defaults: str,
        assertions: tuple[Assertion, ...] = (),
    ) -> None:
        self.name = name
        self.source = source
        self.module = module
        self.nodes = nodes
        self.inputs = inputs
        self.outputs = outputs
        self.body = body
        self.rounding = rounding
        self.defaults = defaults
        self.assertions = assertions

    def of(self, nodes: list[Node]) -> Network:
        """The same network of other nodes, one in the place of each."""
        cls = type(self)
        copy = object.__new__(cls)
        for name, value in vars(self).items():
            if not isinstance(getattr(cls, name, None), cached_property):  # which is of the nodes
                setattr(copy, name, value)
        copy.nodes = nodes
        return copy

    @property
    def layers(self) -> list[Node]:
        """The nodes that compute something: all but the inputs."""
        return [node for node in self.nodes if node.op != "input"]

    @property
    def is_straight(self) -> bool:
        """Whether each node reads the one before it and nothing else."""
        return len(self.outputs) == 1 and all(
            node.inputs == (node.index - 1,) for node in self.nodes[1:]
        )

    @property
    def training_outputs(self) -> frozenset[str]:
        """The names of the outputs that exist while training only."""
        heads = [item.statement for item in self.body.items if isinstance(item, Side)]
        return frozenset(head.name.id for head in heads if head.when is not None)

    def users(self) -> list[list[int]]:
        """For each node, the indices of the nodes that read it."""
        users: list[list[int]] = [[] for _ in self.nodes]
        for node in self.nodes:
            for index in node.inputs:
                users[index].append(node.index)
        return users

    def line(self, node: Node) -> int:
        """The line of the file that a node came from."""
        return self.source.position(node.span.start).line

    @cached_property
    def totals(self) -> Totals:
        """Parameters and multiply-adds of the whole net, without heads for training."""
        kept = [node for node in self.nodes if not node.training_only]
        return self._sums(kept) if len(kept) < len(self.nodes) else self.training_totals

    @cached_property
    def training_totals(self) -> Totals:
        """The same with heads for training."""
        return self._sums(self.nodes)

    def _sums(self, nodes: list[Node]) -> Totals:
        params = trainable = biases = macs = 0
        # Weights count where they are used first, which may be in a head that is left out.
        holders = {node.index if node.shared_with is None else node.shared_with for node in nodes}
        learning = Counter([(self.nodes[at].layer, self.nodes[at].frozen) for at in holders])
        for (layer, frozen), times in learning.items():
            if layer.weights or layer.activation:
                params += times * layer.params
                trainable += times * layer.trainable * (not frozen)
                biases += times * layer.biases
        for layer, times in Counter([node.layer for node in nodes]).items():
            macs += times * layer.macs
        return Totals(params, params - biases, trainable, params - trainable, macs)

    def __repr__(self) -> str:
        count = len(self.layers)
        return f"<Network {self.name}: {count} layer{'s' * (count != 1)}>"
