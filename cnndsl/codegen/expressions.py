"""Expressions of generated code: the language's own tree, until one printer writes it.

What only code can name stands in the tree as a leaf of its own: a value, a variable of the
program, a size of the current tensor. An expression is compared by what it comes to in every
instance of a block, never by its text.
"""

from __future__ import annotations

import ast as python
import math
import operator
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, NamedTuple, TypeAlias

from cnndsl.diagnostics.source import Span
from cnndsl.layers.values import Pair, Word, inverse
from cnndsl.network.expressions import ARITHMETIC, COMPARISONS, divisible
from cnndsl.syntax import nodes as ast

_NOWHERE = Span(0, 0)


class Literal(NamedTuple):
    """A value as it is: a number, a size, a text, a `Symbol`."""

    value: Any


class Variable:
    """A name of the program, unique as an object; `name` is handed out when it is written.

    * `hint`: what it would be called
    * `kind`: `source` for a parameter of the block, `channels` for the channels that come in,
      `extra` for a parameter that the source does not have, `local` for what a function
      assigns, `tensor` for a tensor with a name
    * `default`: the value of a parameter that calls leave out, or None for a required one
    """

    def __init__(self, hint: str, kind: str) -> None:
        self.hint, self.kind = hint, kind
        self.name = hint
        self.default: Expr | None = None

    def __repr__(self) -> str:
        return f"<{self.kind} {self.name} {id(self):x}>"


class Dim(NamedTuple):
    """A size of the current tensor, by its axis from the end: -1 is the channels."""

    axis: int


class Conditional(NamedTuple):
    """One of two values."""

    test: Expr
    then: Expr
    otherwise: Expr


class Symbol(NamedTuple):
    """A name of a framework, a helper or a function of the program, as a value.

    `target` is dotted text, or an object whose `name` is handed out when it is written.
    """

    target: Any


class Made(NamedTuple):
    """A value that a call makes, as an initializer."""

    function: Symbol
    args: tuple[Any, ...] = ()
    kwargs: tuple[tuple[str, Any], ...] = ()


Expr: TypeAlias = (
    ast.Tuple | ast.Unary | ast.Binary | ast.Call | Literal | Variable | Dim | Conditional
)

SHAPE = Variable("shape", "local")
"""Stands in an environment for the shape of the current tensor."""


class _Any:
    """A value that does not matter, since nothing reads it."""

    def __repr__(self) -> str:
        return "ANY"


ANY = _Any()


class _Failed:
    """What an expression without a value comes to."""


FAILED = _Failed()

MOST_PARTS = 100
"""How many parts an expression has less than, so that names in names do not double it for ever."""

_FUNCTIONS: dict[str, Any] = {
    "max": max,
    "min": min,
    "round": round,
    "divisible": divisible,
    "int": int,
}


# Values


def plain(value: Any) -> Any:
    """A value of the language as a value of Python, or None where it is a word."""
    if isinstance(value, Word):
        return None
    if isinstance(value, (Pair, tuple)):
        return tuple(plain(item) for item in value)
    if isinstance(value, (bool, int, float)):
        return value
    return None


def same(one: Any, other: Any) -> bool:
    """Whether two values are one literal: 1 and 1.0, or 1 and True, are not.

    Two floats are where rounding alone tells them apart: Python's `3 * 0.025` is no 0.075.
    """
    if one is ANY or other is ANY:
        return True
    if type(one) is not type(other):
        return False
    if isinstance(one, (tuple, list)):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, float):
        return math.isclose(one, other, rel_tol=1e-15)
    return bool(one == other)


def collapsed(value: Any) -> Any:
    """(2, 2) as 2, and (2, 3) as it is."""
    if isinstance(value, tuple) and value and all(same(item, value[0]) for item in value):
        return value[0]
    return value


# Making


def binary(op: str, left: Expr, right: Expr) -> ast.Binary:
    """An operation on two expressions."""
    return ast.Binary(_NOWHERE, op, left, right, 0)  # type: ignore[arg-type]


def call(function: str, *args: Expr) -> ast.Call:
    """A call of one of the language's functions, or of `int`."""
    return ast.Call(_NOWHERE, ast.Name(_NOWHERE, function), args, 0)  # type: ignore[arg-type]


def tuple_of(items: Sequence[Expr]) -> ast.Tuple:
    """Expressions side by side."""
    return ast.Tuple(_NOWHERE, tuple(items))  # type: ignore[arg-type]


def translate(node: ast.Expr | None, names: Mapping[str, Expr]) -> Expr | None:
    """An expression of the source with what its names become; None where one has nothing."""
    if isinstance(node, (ast.Number, ast.Size)):
        return Literal(node.value)
    if isinstance(node, ast.Name):
        return names.get(node.id)
    if node is None or isinstance(node, ast.Range):
        return None
    parts = [translate(part, names) for part in children(node)]  # type: ignore[arg-type]
    return None if None in parts else with_children(node, parts)  # type: ignore[arg-type]


def substitute(expr: Expr, values: Mapping[Variable, Expr]) -> Expr:
    """An expression with others in the place of its variables."""
    if isinstance(expr, Variable):
        return values.get(expr, expr)
    parts = children(expr)
    return with_children(expr, [substitute(part, values) for part in parts]) if parts else expr


def children(expr: Expr) -> list[Expr]:
    """The expressions that one is made of."""
    if isinstance(expr, ast.Binary):
        return [expr.left, expr.right]  # type: ignore[list-item]
    if isinstance(expr, ast.Unary):
        return [expr.operand]  # type: ignore[list-item]
    if isinstance(expr, ast.Call):
        return list(expr.args)  # type: ignore[arg-type]
    if isinstance(expr, ast.Tuple):
        return list(expr.items)  # type: ignore[arg-type]
    if isinstance(expr, Conditional):
        return list(expr)
    return []


def with_children(expr: Expr, parts: Sequence[Expr]) -> Expr:
    """An expression made of other parts."""
    if isinstance(expr, ast.Binary):
        return binary(expr.op, *parts)
    if isinstance(expr, ast.Unary):
        return expr._replace(span=_NOWHERE, operand=parts[0], depth=0)  # type: ignore[arg-type]
    if isinstance(expr, ast.Call):
        return call(expr.function.id, *parts)
    if isinstance(expr, ast.Tuple):
        return tuple_of(parts)
    return Conditional(*parts)


def walk(expr: Expr) -> Iterator[Expr]:
    """An expression and all that it is made of."""
    stack = [expr]
    while stack:
        each = stack.pop()
        yield each
        stack += children(each)


def variables(expr: Expr) -> set[Variable]:
    """The variables that an expression reads."""
    return {each for each in walk(expr) if isinstance(each, Variable)}


def is_short(expr: Expr) -> bool:
    """Whether an expression is one that a person reads: what grows with every name does not end."""
    return sum(1 for _ in islice(walk(expr), MOST_PARTS)) < MOST_PARTS


def reads_sizes(expr: Expr) -> bool:
    """Whether an expression reads a size of the current tensor."""
    return any(isinstance(each, Dim) for each in walk(expr))


def says_something(expr: Expr) -> bool:
    """Whether an expression reads anything, so that it says more than its value does."""
    return any(isinstance(each, (Variable, Dim)) for each in walk(expr))


def whole_division(expr: Expr) -> Expr:
    """The same with `//` for `/`: 32 / 2 is 16 in the language, and 16.0 in Python."""
    parts = [whole_division(part) for part in children(expr)]
    made = with_children(expr, parts) if parts else expr
    return made._replace(op="//") if isinstance(made, ast.Binary) and made.op == "/" else made


def power(expr: Expr, times: int) -> Expr:
    """An expression multiplied by itself, so that it stands there so often."""
    return binary("**", expr, Literal(times)) if times > 1 else expr


def quotient(expr: Expr, factor: Expr, times: int) -> Expr:
    """An expression divided by a factor, so often: what it is multiplied by goes away."""
    parts = _factors(expr)
    for _ in range(times):
        for place, each in enumerate(parts):
            one = each.value if isinstance(each, Literal) else None
            by = factor.value if isinstance(factor, Literal) else None
            if type(one) is type(by) is int and one % by == 0:
                parts[place] = Literal(one // by)
            elif repr(each) == repr(factor):
                del parts[place]
            else:
                continue
            break
        else:
            return binary("//", expr, power(factor, times))
    first, *rest = [each for each in parts if each != Literal(1)] or [Literal(1)]
    for each in rest:
        first = binary("*", first, each)
    return first


def _factors(expr: Expr) -> list[Expr]:
    """What an expression is the product of."""
    if isinstance(expr, ast.Binary):
        left, right = children(expr)
        if expr.op == "*":
            return [*_factors(left), *_factors(right)]
        if expr.op == "**" and isinstance(right, Literal) and right.value in (2, 3):
            return [each for _ in range(right.value) for each in _factors(left)]
    return [expr]


def total(parts: Sequence[Expr]) -> Expr:
    """A sum, in which equal parts are counted: n + n + n is 3 * n."""
    counts: dict[str, tuple[int, Expr]] = {}
    constant = 0

    def add(expr: Expr, factor: int) -> None:
        nonlocal constant
        if isinstance(expr, Literal) and type(expr.value) is int:
            constant += factor * expr.value
        elif isinstance(expr, ast.Binary) and expr.op == "+":
            add(expr.left, factor)  # type: ignore[arg-type]
            add(expr.right, factor)  # type: ignore[arg-type]
        elif isinstance(expr, ast.Binary) and expr.op == "-":
            add(expr.left, factor)  # type: ignore[arg-type]
            add(expr.right, -factor)  # type: ignore[arg-type]
        elif (
            isinstance(expr, ast.Binary)
            and expr.op == "*"
            and isinstance(expr.left, Literal)
            and type(expr.left.value) is int
        ):
            add(expr.right, factor * expr.left.value)
        else:
            key = repr(expr)
            counts[key] = (counts.get(key, (0, expr))[0] + factor, expr)

    for part in parts:
        add(part, 1)
    terms = sorted((each for each in counts.values() if each[0]), key=lambda each: each[0] < 0)
    if constant or not terms:
        terms.append((constant, Literal(1)))
    result: Expr | None = None
    for count, expr in terms:
        size = abs(count) if result is not None else count
        term = expr
        if expr == Literal(1):
            term = Literal(size)
        elif size != 1:
            term = binary("*", Literal(size), expr)
        result = term if result is None else binary("-" if count < 0 else "+", result, term)
    assert result is not None
    return result


# What they come to


def evaluate(expr: Expr, env: Mapping[Variable, Any]) -> Any:
    """What an expression comes to in Python, or FAILED."""
    try:
        return _value(expr, env)
    except Exception:  # whatever Python makes of values that do not go together
        return FAILED


def _value(expr: Expr, env: Mapping[Variable, Any]) -> Any:
    if isinstance(expr, Literal):
        return expr.value
    if isinstance(expr, Variable):
        value = env[expr]
        if value is ANY:
            raise KeyError(expr)
        return value
    if isinstance(expr, Dim):
        return env[SHAPE][expr.axis]
    if isinstance(expr, Conditional):
        return _value(expr.then if _value(expr.test, env) else expr.otherwise, env)
    parts = children(expr)
    if isinstance(expr, ast.Binary) and expr.op in ("and", "or"):
        left = _value(parts[0], env)
        return _value(parts[1], env) if bool(left) == (expr.op == "and") else left
    values = [_value(part, env) for part in parts]
    if isinstance(expr, ast.Tuple):
        return tuple(values)
    if isinstance(expr, ast.Unary):
        return not values[0] if expr.op == "not" else -values[0]
    if isinstance(expr, ast.Call):
        name = expr.function.id
        return (getattr(math, name) if name in ("ceil", "floor") else _FUNCTIONS[name])(*values)
    if expr.op == "**" and abs(values[1]) > 64:
        raise OverflowError
    return _OPERATIONS[expr.op](*values)


_OPERATIONS = {**COMPARISONS, **ARITHMETIC, "/": operator.truediv, "**": operator.pow}


# Python


_BINARY: dict[str, type[python.operator]] = {
    "+": python.Add,
    "-": python.Sub,
    "*": python.Mult,
    "/": python.Div,
    "//": python.FloorDiv,
    "%": python.Mod,
    "**": python.Pow,
}
_COMPARE: dict[str, type[python.cmpop]] = {
    "==": python.Eq,
    "!=": python.NotEq,
    "<": python.Lt,
    "<=": python.LtE,
    ">": python.Gt,
    ">=": python.GtE,
}


def name(text: str) -> python.expr:
    """A name, dotted or not."""
    first, *rest = text.split(".")
    result: python.expr = python.Name(first)
    for part in rest:
        result = python.Attribute(result, part)
    return result


def calling(function: str | python.expr, *args: python.expr, **kwargs: python.expr) -> python.Call:
    """A call in Python."""
    function = name(function) if isinstance(function, str) else function
    return python.Call(function, list(args), [python.keyword(k, v) for k, v in kwargs.items()])


def literal(value: Any) -> python.expr:
    """A value as Python writes it."""
    if isinstance(value, float) and value in (float("inf"), float("-inf")):
        return calling("float", python.Constant(str(value)))
    if isinstance(value, Symbol):
        return name(value.target if isinstance(value.target, str) else value.target.name)
    if isinstance(value, Made):
        kwargs = {key: literal(item) for key, item in value.kwargs}
        return calling(literal(value.function), *map(literal, value.args), **kwargs)
    if isinstance(value, ast.Binary):
        return written(value)
    if isinstance(value, tuple):
        return python.Tuple([literal(item) for item in value])
    if isinstance(value, list):
        return python.List([literal(item) for item in value])
    if isinstance(value, (int, float)) and not isinstance(value, bool) and value < 0:
        return python.UnaryOp(python.USub(), literal(-value))
    if isinstance(value, float) and (whole := inverse(value)) is not None:
        whole = int(whole) if whole.is_integer() else whole
        return python.BinOp(python.Constant(1), python.Div(), python.Constant(whole))
    return python.Constant(value)


def written(expr: Expr, x: python.expr | None = None) -> python.expr:
    """An expression in Python; `x` is the current tensor."""
    if isinstance(expr, Literal):
        return literal(expr.value)
    if isinstance(expr, Variable):
        return python.Name(expr.name)
    if isinstance(expr, Dim):
        assert x is not None
        return python.Subscript(python.Attribute(x, "shape"), literal(expr.axis))
    parts = [written(part, x) for part in children(expr)]
    if isinstance(expr, ast.Tuple):
        return python.Tuple(parts)
    if isinstance(expr, Conditional):
        return python.IfExp(*parts)
    if isinstance(expr, ast.Unary):
        return python.UnaryOp(python.Not() if expr.op == "not" else python.USub(), parts[0])
    if isinstance(expr, ast.Call):
        function = expr.function.id
        return calling(f"math.{function}" if function in ("ceil", "floor") else function, *parts)
    if expr.op in ("and", "or"):
        return python.BoolOp(python.And() if expr.op == "and" else python.Or(), parts)
    if expr.op in _COMPARE:
        return python.Compare(parts[0], [_COMPARE[expr.op]()], [parts[1]])
    return python.BinOp(parts[0], _BINARY[expr.op](), parts[1])


def names_in(*trees: python.AST) -> set[str]:
    """The names that Python reads, wherever they stand."""
    return {
        node.id for tree in trees for node in python.walk(tree) if isinstance(node, python.Name)
    }
