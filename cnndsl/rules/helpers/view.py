"""A network as rules look at it: what several of them need, worked out once.

The layers that come of one statement are looked at together, as a `LayerGroup`: what there is
to say of a statement is said once, however often a loop or a block repeats it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias, TypeVar

from cnndsl.diagnostics import Diagnostic, Fix, Note, Span
from cnndsl.diagnostics.message import Message
from cnndsl.layers.base import Layer
from cnndsl.network.network import Body, Instance, Merged, Network, Node, Step
from cnndsl.network.walk import children
from cnndsl.syntax import nodes as ast
from cnndsl.syntax.walk import statements

if TYPE_CHECKING:
    from cnndsl.rules.helpers.names import Names

T = TypeVar("T")

Findings: TypeAlias = Iterator[Diagnostic]
"""What a rule finds."""


class LayerGroup(NamedTuple):
    """A statement, and layers of one kind that come of it: some, or all that do."""

    op: str
    span: Span
    nodes: list[Node]
    all_nodes: list[Node]

    @property
    def first(self) -> Node:
        """The first of the layers."""
        return self.nodes[0]

    @property
    def layer(self) -> Any:
        """The layer of the first, with the arguments of its kind."""
        return self.nodes[0].layer

    @property
    def is_all(self) -> bool:
        """Whether it has all layers of the statement."""
        return len(self.nodes) == len(self.all_nodes)


class Trace:
    """What the items of a network's body say of its nodes, by their indices.

    `steps` has the layers and merges, `calls` the block calls around each, outermost first;
    `instances` counts the calls of each block.
    """

    def __init__(self, body: Body) -> None:
        self.steps: dict[int, Step | Merged] = {}
        self.calls: dict[int, tuple[ast.Apply, ...]] = {}
        self.instances: dict[str, int] = {}
        stack: list[tuple[Body, tuple[ast.Apply, ...]]] = [(body, ())]
        while stack:
            inside, calls = stack.pop()
            for item, bodies in children(inside):
                around = calls
                if isinstance(item, Step) or (isinstance(item, Merged) and not item.is_path):
                    self.steps[item.node] = item
                    self.calls[item.node] = calls
                elif isinstance(item, Instance):
                    word = item.block.name.id
                    self.instances[word] = self.instances.get(word, 0) + 1
                    around = (*calls, item.statement)
                stack += [(each, around) for each in bodies]


class View:
    """What rules ask about a network.

    * `statements`: every statement of the text, at any depth, by its kind
    * `words`: the layers, activations and kinds of statements that there are, and the keys and
      flags of layers
    """

    def __init__(self, network: Network) -> None:
        self.network = network
        self.source = network.source
        self.nodes = network.nodes
        self._groups: dict[str, list[LayerGroup]] = {}
        self._layers: dict[str, dict[int, Layer]] = {}
        self._origins: dict[tuple[frozenset[str], bool], list[int]] = {}
        self.outputs = frozenset(network.outputs.values())
        self.statements: dict[type, list[Any]] = {}
        self.words = set(self._gather())

    def _gather(self) -> Iterator[str]:
        groups: dict[tuple[int, str], LayerGroup] = {}
        for node in self.nodes:
            layer = node.layer
            key = (id(node.span), layer.op)
            group = groups.get(key)
            if group is None:
                nodes: list[Node] = []
                group = groups[key] = LayerGroup(layer.op, node.span, nodes, nodes)
                self._groups.setdefault(layer.op, []).append(group)
                self._layers.setdefault(layer.op, {})
            group.nodes.append(node)
            self._layers[layer.op][id(layer)] = layer
            if layer.activation is not None:
                yield layer.activation.op
        yield from self._groups
        for statement in statements(self.network.module.statements):
            self.statements.setdefault(type(statement), []).append(statement)
            if getattr(statement, "alias", None) is not None:
                yield "as"
            yield from _words(statement)
        yield from (kind.__name__.lower() for kind in self.statements)
        if ast.Param in self.statements:
            yield "same"  # which `--set` may have given

    @cached_property
    def users(self) -> list[list[int]]:
        """For each node, the indices of the nodes that read it."""
        return self.network.users()

    @cached_property
    def names(self) -> Names:
        """The names that the text gives."""
        from cnndsl.rules.helpers.names import Names

        return Names(self.network.module)

    @cached_property
    def trace(self) -> Trace:
        """The way from nodes back to what was written."""
        return Trace(self.network.body)

    @cached_property
    def alone_in_path(self) -> set[Span]:
        """The statements that are all there is in a path of a merge."""
        merges: list[ast.Apply | ast.Paths] = [*self.written(ast.Apply), *self.written(ast.Paths)]
        return {
            path.statements[0].span
            for statement in merges
            for path in statement.paths or ()
            if len(path.statements) == 1
        }

    def written(self, kind: type[T]) -> list[T]:
        """The statements of a kind, in the order of the text."""
        return self.statements.get(kind, [])

    def groups(self, *ops: str) -> Iterator[LayerGroup]:
        """The statements of some layers, in the order of the net."""
        for op in ops:
            yield from self._groups.get(op, ())

    def where(self, ops: Iterable[str], test: Callable[[Node], object]) -> Iterator[LayerGroup]:
        """The statements of some layers, each with those of its nodes that pass a test."""
        for group in self.groups(*ops):
            found = [node for node in group.nodes if test(node)]
            if found:
                yield group._replace(nodes=found)

    def select(self, ops: Collection[str], test: Callable[[Any], object]) -> Iterator[LayerGroup]:
        """As `where`, for a test of the layer alone.

        The test is asked once for each layer, which equal statements on equal shapes share.
        """
        layers = [each for op in ops for each in self._layers.get(op, {}).items()]
        passed = {key for key, layer in layers if test(layer)}
        return self.where(ops if passed else (), lambda node: id(node.layer) in passed)

    def read_alone(self, index: int) -> bool:
        """Whether one layer reads a node and nothing else does, nor is it an output."""
        return len(self.users[index]) == 1 and index not in self.outputs

    def origins(self, through: frozenset[str], *, alone: bool = False) -> list[int]:
        """For each node, the last one up to it whose layer is not among some.

        With `alone`, -1 where something else reads what lies between.
        """
        found = self._origins.get((through, alone))
        if found is None:
            found = []
            for node in self.nodes:
                index = node.index
                if node.layer.op in through and len(node.inputs) == 1:
                    before = node.inputs[0]
                    index = found[before]
                    if alone and not self.read_alone(before):
                        index = -1
                found.append(index)
            self._origins[through, alone] = found
        return found

    def statement(self, node: Node) -> ast.Apply:
        """The statement that a layer came from. Raises KeyError for an input."""
        return self.trace.steps[node.index].statement

    def slot(self, node: Node, slot: str) -> Span | None:
        """Where the value of a layer's slot stands, if it was written."""
        step = self.trace.steps.get(node.index)
        return step.written.get(slot) if isinstance(step, Step) else None

    def text(self, span: Span) -> str:
        """What is written in a place."""
        return self.source.text[span.start : span.end]

    def _called(self, call: Span) -> Note:
        shown = " ".join(self.text(call._replace(end=min(call.end, call.start + 200))).split())
        shown = shown if len(shown) <= 60 else shown[:57] + "…"
        return Note(Message("in `{call}`, called here", call=shown), call)

    def remark(
        self,
        span: Span,
        message: Message,
        help_: Message,
        fixes: tuple[Fix, ...] = (),
        notes: tuple[Note, ...] = (),
    ) -> Diagnostic:
        """What is to be said of a place in the text; the code is that of the rule that finds it."""
        return Diagnostic("", self.source, span, message, help_, notes, fixes)

    def warning(
        self,
        group: LayerGroup,
        message: Message,
        help_: Message,
        fixes: tuple[Fix, ...] = (),
        slots: tuple[str, ...] = (),
        for_all: bool = False,
    ) -> Diagnostic:
        """What is to be said of a group of layers: of the first, and how many there are.

        The span is that of the first of some slots that was written, or else the layer's word.
        Fixes are offered where the group is all of its statement, or are right `for_all`.
        """
        first = group.first
        step = self.trace.steps.get(first.index)
        spans = [self.slot(first, slot) for slot in slots]
        spans.append(step.statement.name.span if step is not None else group.span)
        notes: tuple[Note, ...] = ()
        total = len(group.all_nodes)
        if total > 1:
            note = Message(
                "so it is with all {total:,} layers that come of this statement", total=total
            )
            if not group.is_all:
                note = Message(
                    "so it is with {count:,} of the {total:,} layers that come of this statement",
                    total=total,
                    count=len(group.nodes),
                )
            notes = (Note(note),)
        calls = self.trace.calls.get(first.index, ())
        notes += tuple(self._called(call.span) for call in reversed(calls[-2:]))
        fixes = fixes if group.is_all or for_all else ()
        return self.remark(next(filter(None, spans)), message, help_, fixes, notes)


def _words(statement: ast.Statement) -> Iterator[str]:
    """The keys and the bare words of a statement, and `/` for a stride."""
    if isinstance(statement, ast.Apply):
        for argument in statement.args:
            if isinstance(argument, ast.Keyword):
                yield argument.key.id
            elif isinstance(argument, ast.Stride):
                yield "/"
            elif isinstance(argument.value, ast.Name):
                yield argument.value.id
        return
    values: list[ast.Expr | None] = []
    if isinstance(statement, (ast.Let, ast.Param)):
        values = [statement.value]
    elif isinstance(statement, ast.Block):
        values = [parameter.default for parameter in statement.parameters]
    yield from (value.id for value in values if isinstance(value, ast.Name))
