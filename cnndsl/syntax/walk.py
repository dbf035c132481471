"""How to visit a syntax tree: the parts of a node, and all that is inside it.

The parts of a node are those that hold values or statements. Names that a statement gives,
and the word that it begins with, are no parts, and neither are comments.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TypeAlias

from cnndsl.syntax import nodes

Node: TypeAlias = (
    nodes.Module | nodes.Body | nodes.Parameter | nodes.Statement | nodes.Argument | nodes.Expr
)

_PARTS: dict[type, tuple[str, ...]] = {
    nodes.Module: ("statements",),
    nodes.Body: ("statements",),
    nodes.Input: ("size",),
    nodes.Let: ("value",),
    nodes.Param: ("value",),
    nodes.Expect: ("value",),
    nodes.Repeat: ("count", "body"),
    nodes.If: ("tests", "bodies", "otherwise"),
    nodes.Block: ("parameters", "body"),
    nodes.Parameter: ("default",),
    nodes.Head: ("body",),
    nodes.Freeze: ("body",),
    nodes.Paths: ("paths",),
    nodes.Apply: ("args", "paths"),
    nodes.Bad: ("bodies",),
    nodes.Positional: ("value",),
    nodes.Stride: ("value",),
    nodes.Keyword: ("value",),
    nodes.Tuple: ("items",),
    nodes.Range: ("begin", "end"),
    nodes.Unary: ("operand",),
    nodes.Binary: ("left", "right"),
    nodes.Call: ("args",),
}
"""The fields of each kind of node that hold its parts; a node without parts has no row."""


def children(node: Node) -> list[Node]:
    """The parts of a node, in the order of the text; an `if` has its tests before its bodies."""
    found: list[Node] = []
    for field in _PARTS.get(type(node), ()):
        part = getattr(node, field)
        if type(part) is tuple:
            found += part
        elif part is not None:
            found.append(part)
    return found


def walk(node: Node) -> Iterator[Node]:
    """A node and all that is inside it, at any depth; each node comes before its parts."""
    stack = [node]
    while stack:
        node = stack.pop()
        yield node
        stack += reversed(children(node))


def bodies(statement: nodes.Statement) -> list[nodes.Body]:
    """The bodies within a statement, in the order of the text."""
    return [part for part in children(statement) if isinstance(part, nodes.Body)]


def statements(top: Iterable[nodes.Statement]) -> Iterator[nodes.Statement]:
    """Some statements and those inside them, at any depth, in the order of the text."""
    stack = [*top][::-1]
    while stack:
        statement = stack.pop()
        yield statement
        for body in reversed(bodies(statement)):
            stack += reversed(body.statements)


def defined(top: Iterable[nodes.Statement]) -> Iterator[nodes.Name]:
    """The names of blocks, parameters and constants that some statements, or those inside, give."""
    for statement in statements(top):
        if isinstance(statement, nodes.Block):
            yield from (each.name for each in statement.parameters)
        if isinstance(statement, (nodes.Block, nodes.Let, nodes.Param)):
            yield statement.name


def names(node: Node) -> list[nodes.Name]:
    """The names whose values a node reads; a function's name is none of them."""
    return [part for part in walk(node) if isinstance(part, nodes.Name)]
