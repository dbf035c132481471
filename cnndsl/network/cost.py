"""How many layers a text comes to at least, found without building any.

A net beyond the limit must end in an error at once, not after minutes of expansion. What
depends on shapes counts as little as it can; the elaborator still counts what it builds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cnndsl.layers import LAYERS, MERGES
from cnndsl.layers.values import whole
from cnndsl.network.bind import bound_arguments
from cnndsl.network.expressions import ExpressionError, Unknown, evaluate, truth
from cnndsl.syntax import nodes as ast

MAX_STEPS = 50_000
"""How many statements are looked at with all that is known of their arguments."""

MAX_DEPTH = 100
"""How deep blocks, loops and paths are followed."""


class Counter:
    """Counts of statements, remembered for each block and its arguments."""

    def __init__(self, blocks: Mapping[str, ast.Block], constants: Mapping[str, Any]) -> None:
        self.blocks = blocks
        self.constants = dict(constants)
        self.known: dict[tuple[Any, ...], int] = {}
        self.depth = self.steps = 0

    def statements(self, body: Sequence[ast.Statement], names: dict[str, Any]) -> int:
        """A lower bound of the layers that statements come to."""
        if self.depth == MAX_DEPTH:
            return 0
        names = dict(names)
        self.depth += 1
        count = 0
        for statement in body:
            count += self.statement(statement, names)
        self.depth -= 1
        return count

    def statement(self, statement: ast.Statement, names: dict[str, Any]) -> int:
        """A lower bound for one statement; a `let` joins the names."""
        self.steps += 1
        if self.steps > 2 * MAX_STEPS:
            return 0
        if isinstance(statement, ast.Apply):
            return self.apply(statement, names)
        if isinstance(statement, ast.Repeat):
            count = whole(self.value(statement.count, names)) or 0
            inner = dict(names)
            if statement.index is not None:
                inner[statement.index.id] = None
            return max(0, count) * self.statements(statement.body.statements, inner)
        if isinstance(statement, ast.If):
            return self.choice(statement, names)
        if isinstance(statement, ast.Head):
            return self.statements(statement.body.statements, names)
        if isinstance(statement, (ast.Let, ast.Param)):
            names.setdefault(statement.name.id, self.value(statement.value, names))
        return 0

    def apply(self, statement: ast.Apply, names: dict[str, Any]) -> int:
        word = statement.name.id
        if statement.paths is not None:
            return 1 + sum(self.statements(path.statements, names) for path in statement.paths)
        if word in LAYERS or word in MERGES:
            return 1
        block = self.blocks.get(word)
        if block is None:
            return 0
        given = bound_arguments(block, statement)
        values = {name: self.value(argument.value, names) for name, argument in given.items()}
        inner = dict(self.constants)
        for parameter in block.parameters:
            name = parameter.name.id
            if name not in values and parameter.default is not None:
                values[name] = self.value(parameter.default, {**inner, **values})
            # Blocks that call others with ever new values are counted once, for any values.
            inner[name] = values.get(name) if self.steps < MAX_STEPS else None
        key = (word, *(inner[parameter.name.id] for parameter in block.parameters))
        if key not in self.known:
            self.known[key] = 0  # a block that calls itself counts for nothing here
            self.known[key] = self.statements(block.body.statements, inner)
        return self.known[key]

    def choice(self, statement: ast.If, names: dict[str, Any]) -> int:
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

    def value(self, node: ast.Expr, names: Mapping[str, Any]) -> Any:
        """The value of an expression, or None where it cannot be told yet."""
        try:
            return evaluate(node, lambda name: self.look_up(name, names))
        except (Unknown, ExpressionError):
            return None

    def look_up(self, name: ast.Name, names: Mapping[str, Any]) -> Any:
        value = names.get(name.id)
        if value is None:
            raise Unknown
        return value
