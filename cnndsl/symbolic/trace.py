"""A network made once more on sizes that are letters."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from cnndsl.contract import TargetError
from cnndsl.diagnostics import Diagnostic, Span
from cnndsl.diagnostics.message import Message
from cnndsl.layers import Layer
from cnndsl.layers.base import Reach, Spread, product
from cnndsl.layers.base import show as shape_text
from cnndsl.layers.derivation import letters
from cnndsl.layers.merge import Merge
from cnndsl.layers.values import show_value
from cnndsl.network import DEFAULT_LIMIT, Network, Node
from cnndsl.network.elaborate import SIZES
from cnndsl.network.evaluation import Probe
from cnndsl.network.network import Body, Bound, Field
from cnndsl.symbolic.form import Facts, Form, Unsettled
from cnndsl.symbolic.polynomial import Letter, evaluated, extent
from cnndsl.symbolic.residues import Residues, residues
from cnndsl.syntax import nodes as ast
from cnndsl.syntax.walk import names

MOST = 60
"""How much a formula is written with at most: sizes of sizes can double it with each layer."""


class Symbols(NamedTuple):
    """A network in letters.

    * `network`: the same network, with a Form in the place of each number that depends on a size
    * `letters`: for each of its inputs the letters of its spatial sizes; none where they stay
      numbers
    * `facts`: what its layers ask of the letters
    * `conditions`: the sizes with which the net fits, for each letter; any goes with any
    """

    network: Network
    letters: tuple[tuple[Letter, ...], ...]
    facts: Facts
    conditions: dict[Letter, Residues]

    def inputs(self, letter: Letter) -> list[Node]:
        """The inputs that have a size in a letter."""
        at = zip(self.network.inputs, self.letters)
        return [self.network.nodes[index] for index, letters in at if letter in letters]

    def alike(self, letters: Sequence[Letter]) -> Residues:
        """The sizes with which the net fits where some letters stand for one size."""
        try:
            return residues(letters, self.facts)
        except Unsettled as error:
            raise _refused(self.network, self.network.nodes[0], error) from None

    def most(self, sizes: Mapping[Letter, int]) -> int:
        """The largest count of the network for some sizes: of values, parameters or work."""
        totals, every = self.network.totals, {**self.facts.sizes, **sizes}
        counts = (product(node.output) for node in self.network.nodes)
        return max(
            int(evaluated(each.value, every)) if isinstance(each, Form) else each
            for each in (totals.params, totals.macs, *counts)
        )


def symbols(
    network: Network,
    numbers: Sequence[int] | None = None,
    show: Callable[[str], str] = str,
    index: str = "",
) -> Symbols:
    """A network with letters for the sizes of its inputs: those of some `numbers`, or of all.

    Inputs of equal size have the same letters, with an `index` where all have; `show` is how a
    formula is written. Raises TargetError, with the place in the text, where the text reads a
    size as a number, or a layer asks for more than a condition on each size alone.
    """
    given = _named(network, numbers, index)
    facts = Facts({letter: size for each in given.values() for letter, size in each.items()}, show)
    read, nodes = _read(network), list[Node]()
    known: dict[Any, Layer] = {}
    try:
        for node in network.nodes:
            shape: tuple[Any, ...] = node.output
            if node.index in given:
                sizes = (facts.of((((letter,), 1),)) for letter in given[node.index])
                shape = (*sizes, shape[-1])
            inputs = tuple(nodes[index].output for index in node.inputs) or (shape,)
            key = (id(node.layer), inputs)
            layer = known[key] = known.get(key) or _made(node.layer, inputs, facts)
            made = node.on(layer)
            if node.shared_with is not None:
                _same(nodes[node.shared_with].layer, layer, facts)
            if not all(nodes[index].field.sights for index in node.inputs) or _sees_by_size(layer):
                made.field = Field((), ())
            nodes.append(made)
            forms: list[Any] = [size for size in layer.output if isinstance(size, Form)]
            if any(extent(form.value) > MOST for form in forms):
                message = Message("{layer}: the formula of its size grows too long", layer=node.op)
                raise Unsettled(message)
            for axis, (span, name) in read.get(node.index, {}).items():
                if isinstance(layer.output[axis], Form):
                    message = Message(
                        "`{name}` is read here: the sizes behind it have no one formula", name=name
                    )
                    raise Unsettled(message, span)
        conditions = {letter: residues([letter], facts) for letter in facts.sizes}
    except Unsettled as error:
        raise _refused(network, node, error) from None
    named = tuple(tuple(given.get(at, ())) for at in network.inputs)
    return Symbols(network.of(nodes), named, facts, conditions)


def _named(
    network: Network, numbers: Sequence[int] | None, index: str
) -> dict[int, dict[Letter, int]]:
    """The letters of inputs, by their nodes, with the sizes that they have at present."""
    shapes = {
        at: network.nodes[at].output
        for place, at in enumerate(network.inputs)
        if (numbers is None or place in numbers) and len(network.nodes[at].output) > 1
    }
    unlike = [*dict.fromkeys(shape[:-1] for shape in shapes.values())]
    return {
        at: {
            Letter(name, str(unlike.index(shape[:-1]) + 1) if len(unlike) > 1 else index): size
            for name, size in zip(letters(shape)[:-1], shape)
        }
        for at, shape in shapes.items()
    }


def _refused(network: Network, node: Node, error: Unsettled) -> TargetError:
    message = error.message or Message(
        "{layer}: its sizes go together for some inputs alone, and no formula says for which",
        layer=node.op,
    )
    help_ = Message("build it in numbers, for the size that it has: `--sizes numbers`")
    span = error.span or node.span
    return TargetError([Diagnostic("E401", network.source, span, message, help_)])


def _same(one: Layer, other: Layer, facts: Facts) -> None:
    """Take up that two layers have weights of the same shapes. Raises Unsettled."""
    facts.listening = True
    if [each.shape for each in one.all_weights] != [each.shape for each in other.all_weights]:
        raise Unsettled
    facts.listening = False


def _sees_by_size(layer: Any) -> bool:
    """Whether what a layer's outputs see depends on how large its input is."""
    if not any(isinstance(size, Form) for size in layer.input):
        return False
    if any(window.stride > 1 for window in getattr(layer, "windows", ())) and layer.same:
        return True  # which pads by the size
    try:
        return any(not isinstance(each, (Reach, Spread)) for each in layer.reach or ())
    except Unsettled:
        return True


def _made(layer: Layer, inputs: tuple[Any, ...], facts: Facts) -> Layer:
    """A layer made once more, with all that it asks of sizes taken up. Raises Unsettled."""
    if not any(isinstance(size, Form) for shape in inputs for size in shape):
        return layer
    values = {slot.name: getattr(layer, slot.name) for slot in layer.slots if slot.form != "act"}
    given: Any = inputs if isinstance(layer, Merge) else inputs[0]
    known: Any = None
    while known != facts.whole:  # what is to be whole is a fraction from then on
        known = {**facts.whole}
        facts.listening, facts.unlike, facts.alike = True, False, False
        try:
            made = type(layer)(values, given, layer.context)
        finally:
            facts.listening = False
        if facts.unlike and facts.alike:
            raise Unsettled  # one of several ways to fit was taken, and others may fit as well
    if layer.activation is not None:
        made.activation = _made(layer.activation, (made.output,), facts)
    return made


class _Reader(Probe):
    """An elaboration that notes where the text reads a size: the name, by node and axis."""

    def __init__(self, *given: Any, **sizes: Any) -> None:
        super().__init__(*given, **sizes)
        self.noted: dict[int, dict[int, tuple[Span, str]]] = {}

    def own_size(self, name: ast.Name) -> int:
        size = super().own_size(name)
        self.noted.setdefault(self.current, {}).setdefault(SIZES[name.id], (name.span, name.id))
        return size

    def expect(self, statement: ast.Expect) -> None:
        """A promise is about the present size, and decides none."""

    def run_block(self, block: ast.Block, scope: Any) -> Body:
        return self.body(block.body.statements, scope)  # each call reads for itself


def _read(network: Network) -> dict[int, dict[int, tuple[Span, str]]]:
    """Where the text reads the sizes of which node."""
    module = network.module
    if not any(name.id in SIZES for name in names(module)):
        return {}
    bound = [each for each in network.body.items if isinstance(each, Bound)]
    settings = {
        b.statement.name.id: show_value(b.value)
        for b in bound
        if isinstance(b.statement, ast.Param)
    }
    sizes = {place: network.nodes[at].output for place, at in enumerate(network.inputs)}
    written = any(isinstance(each, ast.Input) for each in module.statements)
    limit = max(DEFAULT_LIMIT, len(network.nodes))
    reader = _Reader(
        network.source,
        module,
        settings,
        None if written else shape_text(sizes[0]),
        limit,
        sizes=sizes,
    )
    reader.run(network.name)
    return reader.noted
