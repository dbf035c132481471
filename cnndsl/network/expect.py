"""Promises: `expect params <= 5M`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from cnndsl.layers.base import show
from cnndsl.layers.values import Pair, Word, show_value
from cnndsl.network.bind import Problem
from cnndsl.network.expressions import COMPARISONS
from cnndsl.network.nearest import did_you_mean, nearest

if TYPE_CHECKING:
    from cnndsl.network.network import Network, Node
    from cnndsl.syntax import nodes as ast

TOTALS = ("params", "weights", "trainable", "non_trainable", "macs")
_METRICS = (*TOTALS, "shape", "field")


class Promise(NamedTuple):
    """An `expect`, its value, and, where that matters, the layer after which it stands."""

    statement: ast.Expect
    value: Any
    node: Node | None

    @staticmethod
    def check(statement: ast.Expect, value: Any) -> Problem | None:
        """What is wrong with the promise itself, whatever the net."""
        metric = statement.metric.id
        if metric not in _METRICS:
            near = nearest(metric, _METRICS)
            help_ = did_you_mean(near) or f"one can expect {', '.join(_METRICS)}"
            return Problem(
                "E106", statement.metric.span, f"nothing to expect is called `{metric}`", help_
            )
        sized = isinstance(value, tuple)
        odd = isinstance(value, (Word, bool, Pair))
        odd = odd or (sized and any(isinstance(item, tuple) for item in value))
        if odd or (sized and metric in TOTALS):
            message = f"`{show_value(value)}` is nothing to compare {metric} with"
            help_ = "write a number" if metric in TOTALS else "write a size"
            return Problem("E105", statement.value.span, message, help_)
        if metric == "shape" and statement.op not in ("==", "!="):
            return Problem("E105", statement.span, "a shape compares with == and != only")
        return None


def verdict(promise: Promise, network: Network) -> tuple[str, str] | None:
    """The message and help for a promise that the net does not keep; None where it does."""
    metric, op = promise.statement.metric.id, promise.statement.op
    test, value = COMPARISONS[op], promise.value
    if metric in TOTALS:
        actual = getattr(network.totals, metric)
        if test(actual, value):
            return None
        gap = abs(actual - value)
        help_ = f"{_count(gap)} too {'many' if actual > value else 'few'}" if gap else ""
        return _broken(f"{metric} is {actual:,}", op, _count(value)), help_
    node = promise.node
    assert node is not None
    if metric == "shape":
        shape = value if isinstance(value, tuple) else (value,)
        if test(node.output, shape):
            return None
        return _broken(f"the shape is {show(node.output)} here", op, show_value(shape)), ""
    field = node.receptive_field
    wanted = value if isinstance(value, tuple) else (value,) * len(field)
    fits = len(wanted) == len(field) and all(map(test, field, wanted))
    if op == "!=" and len(wanted) == len(field):
        fits = field != tuple(wanted)
    if fits and field:
        return None
    shown = show(field) if field else "not defined"
    return _broken(f"the receptive field is {shown} here", op, show_value(value)), ""


def _broken(actual: str, op: str, wanted: str) -> str:
    if op == "!=":
        return f"{actual}, which the file forbids"
    return f"{actual}, not {wanted if op == '==' else f'{op} {wanted}'}"


def _count(value: Any) -> str:
    return f"{value:,}" if isinstance(value, int) else show_value(value)
