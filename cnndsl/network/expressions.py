"""The values of expressions."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import Any

from cnndsl.diagnostics.message import Message
from cnndsl.layers.values import Pair, Word, show_value, whole
from cnndsl.syntax import nodes as ast
from cnndsl.syntax.build import MAX_NUMBER, BuildError

MAX_VALUE = MAX_NUMBER
"""No value of an expression may be larger; nothing in a network is."""


class ExpressionError(BuildError):
    """An expression without a value."""


class Unknown(Exception):
    """A value that an earlier error keeps from being known; nothing more is said of it."""


COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}

ARITHMETIC: dict[str, Callable[[Any, Any], Any]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "//": operator.floordiv,
    "%": operator.mod,
}


def divisible(x: Any, by: int) -> int:
    """The nearest multiple of `by`, never under 90% of x.

    As MobileNetV2 rounds its widths: Sandler et al. (2018).
    """
    result = max(by, int(x + by / 2) // by * by)
    return result + by if result < 0.9 * x else result


def evaluate(node: ast.Expr, look_up: Callable[[ast.Name], Any]) -> Any:
    """The value of an expression: an int, float, Fraction, size, Pair, Word or bool.

    `look_up` gives the value of a name or raises ExpressionError. Raises ExpressionError
    where there is no value, and Unknown where an earlier error hides it.
    """
    kind = type(node)
    if kind is ast.Number:
        return node.value  # type: ignore[union-attr]
    if isinstance(node, ast.Size):
        return tuple(Pair(*item) if isinstance(item, tuple) else item for item in node.value)
    if isinstance(node, ast.Name):
        return look_up(node)
    if isinstance(node, ast.Tuple):
        return tuple(map(_dimension, node.items, _each(node.items, look_up)))
    if isinstance(node, ast.Range):
        begin, end = _each((node.begin, node.end), look_up)
        return Pair(_number(node.begin, begin), _number(node.end, end))
    if isinstance(node, ast.Unary):
        value = evaluate(node.operand, look_up)
        return not _truth(node.operand, value) if node.op == "not" else -_number(node, value)
    if isinstance(node, ast.Call):
        return _limit(node, _call(node, _each(node.args, look_up)))
    assert isinstance(node, ast.Binary)
    if node.op in ("and", "or"):
        left = evaluate(node.left, look_up)
        if _truth(node.left, left) == (node.op == "or"):
            return node.op == "or"
        return _truth(node.right, evaluate(node.right, look_up))
    left, right = _each((node.left, node.right), look_up)
    if node.op in COMPARISONS:
        return _compare(node, left, right)
    return _limit(node, _arithmetic(node, _number(node.left, left), _number(node.right, right)))


def _each(nodes: Sequence[ast.Expr], look_up: Callable[[ast.Name], Any]) -> list[Any]:
    """The values of all; where one is not known, the others may still have errors to report."""
    values, unknown = [], False
    for node in nodes:
        try:
            values.append(evaluate(node, look_up))
        except Unknown:
            unknown = True
    if unknown:
        raise Unknown
    return values


def _compare(node: ast.Binary, left: Any, right: Any) -> bool:
    if node.op in ("==", "!="):
        return bool(COMPARISONS[node.op](left, right))
    try:
        return bool(COMPARISONS[node.op](_number(node.left, left), _number(node.right, right)))
    except ExpressionError as error:
        error.help = Message("words and sizes compare with == and != only")
        raise


def _arithmetic(node: ast.Binary, left: Any, right: Any) -> Any:
    try:
        if isinstance(left, float) or isinstance(right, float):
            return _in_decimals(node.op, left, right)
        if node.op == "/":
            if left % right == 0:
                return left // right
            from fractions import Fraction

            return Fraction(left) / Fraction(right)
        if node.op == "**":
            if abs(right) > 64 and left not in (-1, 0, 1):
                raise OverflowError
            return left**right
        value = ARITHMETIC[node.op](left, right)
    except ZeroDivisionError:
        message = Message(
            "{left} {sign} {right} divides by zero",
            left=show_value(left),
            sign=node.op,
            right=show_value(right),
        )
        raise ExpressionError("E110", node.span, message) from None
    except OverflowError:
        raise _too_large(node) from None
    return value


def _in_decimals(sign: str, left: Any, right: Any) -> Any:
    """What decimals come to when worked out by hand, as near as a float is: 3 * 0.025 is 0.075."""
    if sign == "**" and abs(right) > 64:
        return float(left) ** right
    from fractions import Fraction

    exact = [
        Fraction(repr(each)) if type(each) is float else Fraction(each) for each in (left, right)
    ]
    result = {**ARITHMETIC, "/": operator.truediv, "**": operator.pow}[sign](*exact)
    return result if isinstance(result, complex) else float(result)


def _call(node: ast.Call, args: list[Any]) -> Any:
    name = node.function.id
    numbers = [_number(arg, value) for arg, value in zip(node.args, args)]
    counts = {"min": (2, 99), "max": (2, 99), "divisible": (2, 2)}
    counts |= dict.fromkeys(("round", "ceil", "floor"), (1, 1))
    if name not in counts:
        message = Message("there is no function `{name}`", name=name)
        help_ = Message("the functions are min, max, round, ceil, floor and divisible")
        raise ExpressionError("E106", node.function.span, message, help_)
    least, most = counts[name]
    if not least <= len(numbers) <= most:
        count = len(numbers)
        if least == 1:
            message = Message("`{name}` takes one value, not {count}", name=name, count=count)
        elif most == least:
            message = Message("`{name}` takes two values, not {count}", name=name, count=count)
        else:
            message = Message(
                "`{name}` takes two values or more, not {count}", name=name, count=count
            )
        raise ExpressionError("E110", node.span, message)
    if name == "divisible":
        by = whole(numbers[1])
        if by is None or by < 1:
            message = Message(
                "`divisible` rounds to multiples of a natural number, not of {value}",
                value=show_value(numbers[1]),
            )
            raise ExpressionError("E110", node.args[1].span, message)
        return divisible(numbers[0], by)
    from math import ceil, floor

    functions: dict[str, Callable[..., Any]] = {"round": round, "ceil": ceil, "floor": floor}
    functions |= {"min": min, "max": max}
    return functions[name](*numbers)


def _limit(node: ast.Expr, value: Any) -> Any:
    if isinstance(value, complex):
        raise ExpressionError("E110", node.span, Message("this is not a real number"))
    if not abs(value) <= MAX_VALUE:
        raise _too_large(node)
    if not isinstance(value, (int, float)):
        if value.denominator == 1:
            return int(value)  # a Fraction that came out whole
        if value.denominator > MAX_VALUE:
            message = Message("this fraction is finer than anything in a network")
            raise ExpressionError("E302", node.span, message, Message("round it"))
    return value


def _too_large(node: ast.Expr) -> ExpressionError:
    message = Message("this number is beyond all sizes of a network")
    return ExpressionError("E302", node.span, message)


def _dimension(node: ast.Expr, value: Any) -> Any:
    """An item of a size: a number, or begin and end as `0:1` or (0, 1)."""
    if isinstance(value, Pair):
        return value
    if isinstance(value, tuple) and not isinstance(value, Word):
        for item in value:
            _number(node, item)
        return value
    return _number(node, value)


def _number(node: ast.Expr, value: Any) -> Any:
    if isinstance(value, (tuple, bool)):
        message = Message("`{value}` is not a number", value=show_value(value))
        raise ExpressionError("E110", node.span, message)
    return value


def _truth(node: ast.Expr, value: Any) -> bool:
    if isinstance(value, tuple):
        message = Message("`{value}` is neither true nor false", value=show_value(value))
        raise ExpressionError("E110", node.span, message, Message("compare it"))
    return bool(value)


def truth(node: ast.Expr, look_up: Callable[[ast.Name], Any]) -> bool:
    """The value of a test; a number counts as true unless it is 0."""
    return _truth(node, evaluate(node, look_up))
