"""A network as rules look at it: what several of them need, worked out once.

The layers that come of one statement are looked at together, as a `Place`: what there is to
say of a statement is said once, however often a loop or a block repeats it.
"""

from __future__ import annotations

from cnndsl.diagnostics.diagnostic import Diagnostic, Note
from cnndsl.network.network import Instance, Merged, Step
from cnndsl.syntax import nodes as ast

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from typing import Any

    from cnndsl.diagnostics.diagnostic import Fix
    from cnndsl.diagnostics.source import Span
    from cnndsl.layers.base import Layer
    from cnndsl.network import Network
    from cnndsl.network.network import Body, Node
    from cnndsl.rules.helpers.names import Names


class Place:
    """A statement, and the layers of one kind that come of it."""

    __slots__ = ("nodes", "op", "span")

    def __init__(self, op: str, span: Span) -> None:
        self.op = op
        self.span = span
        self.nodes: list[Node] = []


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
            for item in inside.items:
                if isinstance(item, (Step, Merged)):
                    self.steps[item.node] = item
                    self.calls[item.node] = calls
                if isinstance(item, Instance):
                    word = item.block.name.id
                    self.instances[word] = self.instances.get(word, 0) + 1
                    stack.append((item.body, (*calls, item.statement)))
                    continue
                within = getattr(item, "body", None)
                bodies = [*getattr(item, "bodies", ()), *getattr(item, "paths", ())]
                stack += [(each, calls) for each in (within, *bodies) if each is not None]


class View:
    """What rules ask about a network.

    * `statements`: every statement of the text, at any depth, by its kind in lower case
    * `words`: the layers, activations and kinds of statements that there are, and the keys and
      flags of layers
    """

    def __init__(self, network: Network) -> None:
        self.network = network
        self.source = network.source
        self.nodes = network.nodes
        self._places: dict[str, list[Place]] = {}
        self._layers: dict[str, dict[int, Layer]] = {}
        self._users: list[list[int]] | None = None
        self._trace: Trace | None = None
        self._alone_in_path: set[Span] | None = None
        self._origins: dict[tuple[frozenset[str], bool], list[int]] = {}
        self.names: Names | None = None  # those of the text, once a rule asks
        self.outputs = frozenset(network.outputs.values())
        self.statements: dict[str, list[ast.Statement]] = {}
        self.words = set(self._gather())

    def _gather(self) -> Iterator[str]:
        places: dict[tuple[int, str], Place] = {}
        for node in self.nodes:
            layer = node.layer
            key = (id(node.span), layer.op)
            place = places.get(key)
            if place is None:
                place = places[key] = Place(layer.op, node.span)
                self._places.setdefault(layer.op, []).append(place)
                self._layers.setdefault(layer.op, {})
            place.nodes.append(node)
            self._layers[layer.op][id(layer)] = layer
            if layer.activation is not None:
                yield layer.activation.op
        yield from self._places
        stack = list(reversed(self.network.module.statements))
        while stack:
            statement = stack.pop()
            kind = type(statement).__name__.lower()
            self.statements.setdefault(kind, []).append(statement)
            if getattr(statement, "alias", None) is not None:
                yield "as"
            yield from words_of(statement)
            for body in reversed(bodies_of(statement)):
                stack += reversed(body.statements)
        yield from self.statements
        if "param" in self.statements:
            yield "same"  # which `--set` may have given

    @property
    def users(self) -> list[list[int]]:
        """For each node, the indices of the nodes that read it."""
        if self._users is None:
            self._users = self.network.users()
        return self._users

    @property
    def alone_in_path(self) -> set[Span]:
        """The statements that are all there is in a path of a merge."""
        if self._alone_in_path is None:
            paths = [
                path
                for statement in self.statements.get("apply", ())
                if isinstance(statement, ast.Apply)
                for path in statement.paths or ()
            ]
            self._alone_in_path = {
                path.statements[0].span for path in paths if len(path.statements) == 1
            }
        return self._alone_in_path

    @property
    def trace(self) -> Trace:
        """The way from nodes back to what was written."""
        if self._trace is None:
            self._trace = Trace(self.network.body)
        return self._trace

    def places(self, *ops: str) -> Iterator[Place]:
        """The statements of some layers, in the order of the net."""
        for op in ops:
            yield from self._places.get(op, ())

    def select(
        self, ops: Iterable[str], test: Callable[[Any], bool]
    ) -> Iterator[tuple[Place, list[Node]]]:
        """The places where layers do not pass muster, and these layers.

        `test` is asked once for each layer, which equal statements on equal shapes share.
        """
        for op in ops:
            layers = self._layers.get(op, {})
            bad = {key for key, layer in layers.items() if test(layer)}
            for place in self._places.get(op, ()) if bad else ():
                found = [node for node in place.nodes if id(node.layer) in bad]
                if found:
                    yield place, found

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

    def statement(self, node: Node) -> ast.Apply | None:
        """The statement that a layer came from; None for an input."""
        step = self.trace.steps.get(node.index)
        return step.statement if step is not None else None

    def written(self, node: Node, slot: str) -> Span | None:
        """Where the value of a layer's slot stands, if it was written."""
        step = self.trace.steps.get(node.index)
        return step.written.get(slot) if isinstance(step, Step) else None

    def warning(
        self,
        code: str,
        place: Place,
        nodes: Sequence[Node],
        message: str,
        help_: str,
        fixes: tuple[Fix, ...] = (),
        slots: tuple[str, ...] = (),
        notes: tuple[Note, ...] = (),
        for_all: bool = False,
    ) -> Diagnostic:
        """What is to be said of some layers of a place: of the first, and how many there are.

        The span is that of the first of some slots that was written, or else the layer's word.
        Fixes are offered where they concern all layers of the place, or are right `for_all`.
        """
        first = nodes[0]
        statement = self.statement(first)
        span = statement.name.span if statement is not None else place.span
        for slot in slots:
            where = self.written(first, slot)
            if where is not None:
                span = where
                break
        if len(place.nodes) > 1:
            which = "all" if len(nodes) == len(place.nodes) else f"{len(nodes):,} of the"
            note = f"so it is with {which} {len(place.nodes):,} layers that come of this statement"
            notes += (Note(note),)
        calls = self.trace.calls.get(first.index, ())
        notes += tuple(_called(self.source.text, call) for call in reversed(calls[-2:]))
        if len(nodes) < len(place.nodes) and not for_all:
            fixes = ()
        return Diagnostic(code, self.source, span, message, help_, notes, fixes)


def _called(text: str, call: ast.Apply) -> Note:
    said = " ".join(text[call.span.start : call.span.end].split())
    said = said if len(said) <= 60 else said[:57] + "…"
    return Note(f"in `{said}`, called here", call.span)


def words_of(statement: ast.Statement) -> Iterator[str]:
    """The keys and the bare words of a statement, and `/` for a stride."""
    if isinstance(statement, ast.Apply):
        for argument in statement.args:
            if isinstance(argument, ast.Keyword):
                yield argument.key.id
            elif isinstance(argument, ast.Stride):
                yield "/"
            elif isinstance(argument.value, ast.Name):
                yield argument.value.id
    elif isinstance(statement, (ast.Let, ast.Param)):
        if isinstance(statement.value, ast.Name):
            yield statement.value.id
    elif isinstance(statement, ast.Block):
        for parameter in statement.parameters:
            if isinstance(parameter.default, ast.Name):
                yield parameter.default.id


def bodies_of(statement: ast.Statement) -> list[ast.Body]:
    """The bodies within a statement, in the order of the text."""
    if isinstance(statement, ast.Apply):
        return list(statement.paths or ())
    if isinstance(statement, ast.If):
        otherwise = [statement.otherwise] if statement.otherwise is not None else []
        return [*statement.bodies, *otherwise]
    if isinstance(statement, (ast.Repeat, ast.Block, ast.Head)):
        return [statement.body]
    return []
