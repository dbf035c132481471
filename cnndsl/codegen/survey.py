"""What there is in a network: its blocks, what varies between their calls, their structure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cnndsl.codegen.code import Call
from cnndsl.codegen.program import (
    Function,
)
from cnndsl.network import network as tree
from cnndsl.network.walk import alias_of, children, walk
from cnndsl.syntax import nodes as ast

if TYPE_CHECKING:
    from collections.abc import Callable

    from cnndsl.network import Network, Node

    Lower = Callable[[Node, bool], list[Call]]


class Survey:
    """Knows the structure of a network before it is woven."""

    def __init__(
        self, network: Network, lower: Lower, *, modules: bool, reserved: frozenset[str]
    ) -> None:
        self.network = network
        self.nodes = network.nodes
        self.lower = lower
        self.modules = modules
        self.reserved = reserved
        self.fixed: set[int] = set()  # conditions and loops that cannot be kept
        self.conditions: set[int] = set()
        self.explicit: set[int] = set()
        self.wanted: set[str] = set()  # names of tensors that something goes back to
        self.helpers: dict[str, None] = {}
        self.calls: dict[tuple[int, bool], list[Call]] = {}
        self.functions: list[Function] = []
        self.assigned: dict[int, tuple[Function, int]] = {}
        self.inside = False  # in a function, not in the net itself

    def survey(self) -> None:
        """Find which statements need their general form, and which conditions vary."""
        nodes: dict[int, list[Node]] = {}
        taken: dict[int, set[int]] = {}
        naming: set[int] = set()
        statements: dict[int, Any] = {}
        for item in walk(self.network.body):
            key = id(item.statement)
            statements[key] = item
            if isinstance(item, tree.Step):
                node = self.nodes[item.node]
                nodes.setdefault(key, []).append(node)
            elif isinstance(item, tree.Choice):
                taken.setdefault(key, set()).add(item.taken)
                # A name given in one way only would be a variable that may not exist.
                if item.body is not None and any(map(alias_of, walk(item.body))):
                    naming.add(key)
            elif isinstance(item, tree.Jump):
                self.wanted.add(item.statement.name.id)
            elif isinstance(item, tree.Instance) and item.tensors:
                self.wanted.update(
                    argument.value.id
                    for argument in item.statement.args
                    if isinstance(argument.value, ast.Name)
                )
        for key, found in nodes.items():
            plain = {structure(self.lowered(node, False)) for node in found}
            if len(plain) > 1 and len({structure(self.lowered(node, True)) for node in found}) == 1:
                self.explicit.add(key)
        for key, ways in taken.items():
            tests = statements[key].statement.tests
            if len(ways) > 1 and key not in naming and all(self.can_say(test) for test in tests):
                self.conditions.add(key)

    def can_say(self, test: ast.Expr) -> bool:
        """Whether a test may be translated: PyTorch modules know no sizes but channels."""
        if isinstance(test, ast.Name):
            return not (self.modules and test.id in "HWLD")
        children = [getattr(test, name, None) for name in ("left", "right", "operand")]
        children += list(getattr(test, "args", ()))
        return all(self.can_say(child) for child in children if child is not None)

    def blocks(self) -> list[list[tree.Instance]]:
        """The calls of each block; a block comes after those that it calls."""
        found: dict[str, list[tree.Instance]] = {}
        depth: dict[str, int] = {}

        def visit(body: tree.Body) -> int:
            deepest = 0
            for item, bodies in children(body):
                below = max([0, *(visit(inner) for inner in bodies)])
                if isinstance(item, tree.Instance):
                    name = item.block.name.id
                    found.setdefault(name, []).append(item)
                    below += 1
                    depth[name] = max(depth.get(name, 0), below)
                deepest = max(deepest, below)
            return deepest

        visit(self.network.body)
        return [found[name] for name in sorted(found, key=lambda name: depth[name])]

    def lowered(self, node: Node, explicit: bool) -> list[Call]:
        key = (node.index, explicit)
        if key not in self.calls:
            self.calls[key] = self.lower(node, explicit)
        return self.calls[key]

    def calls_of(self, step: tree.Step) -> list[Call]:
        return self.lowered(self.nodes[step.node], id(step.statement) in self.explicit)

    def signature(self, body: tree.Body) -> tuple[Any, ...]:
        """What must be equal for bodies to be copies: all but values."""
        return tuple(self.item_signature(item) for item in body.items)

    def item_signature(self, item: tree.Item) -> Any:
        if isinstance(item, tree.Step):
            return structure(self.calls_of(item))
        if isinstance(item, tree.Merged):
            shapes = self.nodes[item.node].layer.inputs  # type: ignore[attr-defined]
            ranks = tuple(len(shape) for shape in shapes)
            return (ranks, *(self.signature(path) for path in item.paths))
        if isinstance(item, tree.Instance):
            return id(self.assigned[id(item)][0])
        if isinstance(item, tree.Loop):
            turns = [self.signature(body) for body in item.bodies]
            fixed = id(item.statement) in self.fixed
            if fixed or len(set(turns)) != 1 or (self.modules and len(turns) < 2):
                return tuple(turns)
            return ("loop", turns[0])
        if isinstance(item, tree.Choice):
            if id(item.statement) in self.conditions:
                return "condition"
            return (item.taken, self.signature(item.body) if item.body else ())
        if isinstance(item, tree.Side):
            return self.signature(item.body)
        return type(item).__name__


def structure(calls: list[Call]) -> tuple[Any, ...]:
    """What must be equal for calls to be copies: all but values."""
    return tuple(
        (call.function, call.style, len(call.args), tuple(call.kwargs), call.main) for call in calls
    )


def branches(body: tree.Body) -> bool:
    """Whether a body is more than a chain, blocks aside."""
    for item, inner in children(body):
        if isinstance(item, (tree.Merged, tree.Jump, tree.Side, tree.Skipped)):
            return True
        if isinstance(item, tree.Instance):
            if item.tensors:
                return True
        elif any(branches(body) for body in inner):
            return True
    return False


def looks_out(body: tree.Body) -> bool:
    """Whether a body goes back to a tensor from before it."""
    inside = {alias_of(item) for item in walk(body)}
    for item in walk(body):
        if isinstance(item, tree.Jump) and item.statement.name.id not in inside:
            return True
        if isinstance(item, tree.Instance) and item.tensors:
            words = {arg.value.id for arg in item.statement.args if isinstance(arg.value, ast.Name)}
            if not words & inside:
                return True
    return False
