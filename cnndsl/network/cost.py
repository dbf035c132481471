"""How many layers a text comes to at least, found without building any.

A net beyond the limit must end in an error at once, not after minutes of expansion. What
depends on shapes counts as little as it can; the elaborator still counts what it builds.
"""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from cnndsl.layers import LAYERS, MERGES
from cnndsl.layers.values import whole
from cnndsl.network.bind import bound_arguments
from cnndsl.network.expressions import ExpressionError, Unknown, evaluate, truth
from cnndsl.syntax import nodes as ast
from cnndsl.syntax import walk

MAX_STEPS = 10_000
"""How many steps are taken, and some for each statement at the top of the file, with all that is
known of arguments; and as many again without."""

MAX_DEPTH = 100
"""How deep blocks, loops and paths are followed."""


def steps(statement: ast.Statement) -> int:
    """How much there is to do for a statement, without those in its braces: by its length."""
    start, end = statement.span
    inside = sum(body.span.end - body.span.start for body in walk.bodies(statement))
    return 1 + (end - start - inside) // 16


Names: TypeAlias = ChainMap[str, Any]
"""The constants of a body and of those around it; None for a value that is not known."""


class Counter:
    """Counts of statements, remembered for each block and its arguments."""

    def __init__(
        self, blocks: Mapping[str, ast.Block], constants: Mapping[str, Any], written: int
    ) -> None:
        self.blocks = blocks
        self.constants: Names = ChainMap(dict(constants))
        self.most = MAX_STEPS + 4 * written
        self.known: dict[tuple[Any, ...], int] = {}
        self.depth = self.steps = 0

    def statements(self, body: Sequence[ast.Statement], names: Names) -> int:
        """A lower bound of the layers that statements come to."""
        if self.depth == MAX_DEPTH:
            return 0
        names = names.new_child()
        self.depth += 1
        count = 0
        for statement in body:
            count += self.statement(statement, names)
        self.depth -= 1
        return count

    def statement(self, statement: ast.Statement, names: Names) -> int:
        """A lower bound for one statement; a `let` joins the names."""
        self.steps += steps(statement)
        if self.steps > 2 * self.most:
            return 0
        if isinstance(statement, ast.Apply):
            return self.apply(statement, names)
        if isinstance(statement, ast.Repeat):
            count = whole(self.value(statement.count, names)) or 0
            inner = names
            if statement.index is not None:
                inner = names.new_child({statement.index.id: None})
            return max(0, count) * self.statements(statement.body.statements, inner)
        if isinstance(statement, ast.If):
            return self.choice(statement, names)
        if isinstance(statement, (ast.Head, ast.Freeze)):
            return self.statements(statement.body.statements, names)
        if isinstance(statement, ast.Paths):
            return sum(self.statements(path.statements, names) for path in statement.paths)
        if isinstance(statement, (ast.Let, ast.Param)):
            names.maps[0].setdefault(statement.name.id, self.value(statement.value, names))
        return 0

    def apply(self, statement: ast.Apply, names: Names) -> int:
        word = statement.name.id
        if statement.paths is not None:
            return 1 + sum(self.statements(path.statements, names) for path in statement.paths)
        block = self.blocks.get(word)
        if block is None:
            return int(word in LAYERS or word in MERGES)
        given = bound_arguments(block, statement)
        values = {name: self.value(argument.value, names) for name, argument in given.items()}
        inner = self.constants.new_child(values)
        self.steps += len(block.parameters)
        for parameter in block.parameters:
            name = parameter.name.id
            if name not in values:
                default = parameter.default
                values[name] = None if default is None else self.value(default, inner)
        if self.steps >= self.most:
            # Blocks that call others with ever new values are counted once, for any values.
            values.update(dict.fromkeys(values))
        key = (word, *(values[parameter.name.id] for parameter in block.parameters))
        if key not in self.known:
            self.known[key] = 0  # a block that calls itself counts for nothing here
            self.known[key] = self.statements(block.body.statements, inner)
        return self.known[key]

    def choice(self, statement: ast.If, names: Names) -> int:
        counts = []
        for test, body in zip(statement.tests, statement.bodies):
            try:
                chosen = truth(test, lambda name: self.look_up(name, names))
            except (Unknown, ExpressionError):
                counts.append(self.statements(body.statements, names))
                continue
            if chosen:
                counts.append(self.statements(body.statements, names))
                return min(counts)
        otherwise = statement.otherwise
        counts.append(self.statements(otherwise.statements, names) if otherwise else 0)
        return min(counts)

    def value(self, node: ast.Expr, names: Names) -> Any:
        """The value of an expression, or None where it cannot be told yet."""
        try:
            return evaluate(node, lambda name: self.look_up(name, names))
        except (Unknown, ExpressionError):
            return None

    def look_up(self, name: ast.Name, names: Names) -> Any:
        value = names.get(name.id)
        if value is None:
            raise Unknown
        return value
