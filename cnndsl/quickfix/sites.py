"""Where the numbers of a net stand in its text."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

from cnndsl.diagnostics import Span
from cnndsl.layers import ACTIVATIONS, Layer, Shape
from cnndsl.layers.values import Pair
from cnndsl.network import Node
from cnndsl.network.bind import bound_arguments
from cnndsl.network.evaluation import Evaluation, ShapeError
from cnndsl.syntax import nodes as ast
from cnndsl.syntax.walk import statements

Owner: TypeAlias = "ast.Apply | ast.Input | ast.Let | ast.Param | ast.Parameter | ast.Repeat"

MAX_PLACES = 12
"""How many statements on the way to an error are looked at."""


MAX_NAMES = 8
"""How many names are followed to a number."""


class Site(NamedTuple):
    """A statement on the way to an error, as the nearest layer that came of it shows it.

    * `calls`: the calls of blocks that led to it, the outermost first
    * `shape`: what the layer reads
    * `distance`: how many layers lie between it and the error; 0 for where the error is
    """

    statement: ast.Apply
    calls: tuple[ast.Apply, ...]
    shape: Shape
    distance: int


class Literal(NamedTuple):
    """A number or a size as it stands in the text; `owner` is the statement it stands in.

    `value` is an int, or a tuple of ints and pairs.
    """

    span: Span
    value: Any
    owner: Owner


def layers(module: ast.Module) -> dict[Span, ast.Apply]:
    """The layers, merges and calls of a text by their place."""
    return {
        each.span: each for each in statements(module.statements) if isinstance(each, ast.Apply)
    }


def path(outcome: Evaluation, error: ShapeError) -> list[Site]:
    """The statements from an error back to the inputs, the nearest first; its own is the first.

    Of a statement that made several layers, in a loop or a block, only the nearest counts.
    """
    applied = layers(outcome.module)
    sites = [Site(error.statement, error.calls, error.shape, 0)]
    taken = {error.statement.span}
    distance = 1
    level = list(dict.fromkeys(error.inputs))
    seen = set(level)
    while level and len(sites) < MAX_PLACES:
        for index in level:
            node = outcome.nodes[index]
            statement = applied.get(node.span)
            if statement is not None and node.span not in taken:
                taken.add(node.span)
                site = Site(statement, outcome.led[index], node.layer.input, distance)
                sites.append(site)
        following = dict.fromkeys(i for index in level for i in outcome.nodes[index].inputs)
        level = [index for index in following if index not in seen]
        seen.update(level)
        distance += 1
    return sites


def maker(outcome: Evaluation, index: int, axis: int) -> Node | None:
    """The nearest layer that changed a size on the way to a node; None for the input."""
    while True:
        node = outcome.nodes[index]
        if not node.inputs or axis >= len(node.output) - 1:  # a vector, beside images
            return None
        before, after = node.layer.input, node.output
        if len(before) != len(after) or before[axis] != after[axis]:
            return node
        index = node.inputs[0]


def argument(statement: ast.Apply, layer: type[Layer], slot: str) -> ast.Argument | None:
    """The argument that fills a slot of a layer, where that can be told from its form."""
    slots = {each.name: each for each in layer.slots}
    form = slots[slot].form
    tests: dict[str, Callable[[ast.Argument], bool]] = {
        "/": lambda each: isinstance(each, ast.Stride),
        "key": lambda each: isinstance(each, ast.Keyword) and each.key.id == slot,
        "act": lambda each: _word(each) in ACTIVATIONS,
        "flag": lambda each: _word(each) == slot,
    }
    if form in tests:
        return next(filter(tests[form], statement.args), None)
    values = [each.name for each in layer.slots if each.form == "value"]
    words = {each.name for each in layer.slots if each.form == "flag"} | set(ACTIVATIONS)
    given = [a for a in statement.args if isinstance(a, ast.Positional) and _word(a) not in words]
    place = values.index(slot)
    return given[place] if place < len(given) else None


def _word(argument: ast.Argument) -> str:
    is_word = isinstance(argument, ast.Positional) and isinstance(argument.value, ast.Name)
    return argument.value.id if is_word else ""  # type: ignore[union-attr]


def literal(
    module: ast.Module,
    expression: ast.Expr,
    calls: tuple[ast.Apply, ...],
    owner: Owner,
    passed: tuple[Owner, ...] = (),
) -> Literal | None:
    """The number or size that an expression takes its value from; None where it is computed.

    A name leads to what a caller gives for it, to its default, or to its `let`: one that has not
    been `passed` on the way, as `let n = n` reads another, further out.
    """
    if isinstance(expression, ast.Number):
        value = expression.value
        return Literal(expression.span, value, owner) if isinstance(value, int) else None
    if isinstance(expression, ast.Size):
        size = tuple(Pair(*i) if isinstance(i, tuple) else i for i in expression.value)
        return Literal(expression.span, size, owner)
    if isinstance(expression, ast.Tuple):
        values = [i.value for i in expression.items if isinstance(i, ast.Number)]
        whole = [value for value in values if isinstance(value, int)]
        if len(whole) == len(expression.items):
            return Literal(expression.span, tuple(whole), owner)
        return None
    if not isinstance(expression, ast.Name):
        return None
    word = expression.id
    if calls:
        given = _given(module, calls[-1], word)
        if given is not None:
            value_, parameter = given
            if parameter is not None:
                return literal(module, value_, (), parameter)
            return literal(module, value_, calls[:-1], calls[-1])
    if len(passed) == MAX_NAMES:
        return None
    for statement in statements(module.statements):
        if not isinstance(statement, (ast.Let, ast.Param)) or statement.name.id != word:
            continue
        if statement not in passed:
            return literal(module, statement.value, (), statement, (*passed, statement))
    return None


def _given(
    module: ast.Module, call: ast.Apply, word: str
) -> tuple[ast.Expr, ast.Parameter | None] | None:
    """What a call gives for a parameter: the value, and the parameter if it is its default."""
    block = next(
        (s for s in module.statements if isinstance(s, ast.Block) and s.name.id == call.name.id),
        None,
    )
    declared = next((p for p in block.parameters if p.name.id == word), None) if block else None
    if block is None or declared is None:
        return None
    given = bound_arguments(block, call).get(word)
    if given is not None:
        return given.value, None
    return (declared.default, declared) if declared.default is not None else None
