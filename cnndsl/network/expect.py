"""Assertions: `expect params <= 5M`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from cnndsl.diagnostics import Edit, Fix, Note
from cnndsl.layers.base import DIMENSIONS, show
from cnndsl.layers.values import Pair, Word, show_value
from cnndsl.network.bind import Problem
from cnndsl.network.expressions import COMPARISONS
from cnndsl.network.network import Assertion, Network
from cnndsl.network.words import did_you_mean, nearest
from cnndsl.syntax import nodes as ast

TOTALS = ("params", "weights", "trainable", "non_trainable", "macs")
_METRICS = (*TOTALS, "shape", "field")


def flaw(statement: ast.Expect, value: Any) -> Problem | None:
    """What is wrong with an assertion itself, whatever the net."""
    metric = statement.metric.id
    if metric not in _METRICS:
        near = nearest(metric, _METRICS)
        help_ = did_you_mean(near) or f"one can expect {', '.join(_METRICS)}"
        message = f"nothing to expect is called `{metric}`"
        return Problem("E106", statement.metric.span, message, help_)
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


def broken(
    assertions: Iterable[Assertion], network: Network, *, rewritten: bool = False
) -> Iterator[tuple[Problem, tuple[Note, ...]]]:
    """What is wrong with each promise that the net does not keep, and how one came there.

    Where they are to be `rewritten`, with what would promise what is.
    """
    places: dict[ast.Expect, list[Assertion]] = {}
    for assertion in assertions:
        places.setdefault(assertion.statement, []).append(assertion)
    for statement, here in places.items():
        for assertion in here:
            message = verdict(assertion, network)
            if message:
                actuals = {_actual(each, network) for each in here}
                help_, fixes = _assertion_instead(statement, network, actuals)
                fixes = fixes if rewritten else ()
                yield Problem("E301", statement.span, message, help_, fixes), assertion.notes
                break  # it is said once for each place


def verdict(assertion: Assertion, network: Network) -> str:
    """The real value where a promise is not kept, and by how much it is off; else nothing."""
    metric, op, value = assertion.statement.metric.id, assertion.statement.op, assertion.value
    test, actual = COMPARISONS[op], _actual(assertion, network)
    if metric in TOTALS:
        if test(actual, value):
            return ""
        if op == "!=":
            return f"{metric} is {actual:,}, which the file forbids"
        return f"{metric}: {actual:,} is {_missed(actual, op, value)} the {_count(value)} promised"
    what = "the shape is" if metric == "shape" else "the receptive field is"
    shown = f"{show(actual) if actual else 'not defined'} here"
    wanted = value if isinstance(value, tuple) else (value,)
    if metric == "field" and not isinstance(value, tuple):
        wanted *= len(actual)
    if _holds(test, op, actual, wanted, whole=metric == "shape"):
        return ""
    if op == "!=":
        return f"{what} {shown}, which the file forbids"
    promised = show_value(value) if op == "==" else f"{op} {show_value(value)}"
    return f"{what} {shown}, and {promised} is promised{_gaps(actual, op, wanted, metric)}"


def _actual(assertion: Assertion, network: Network) -> Any:
    metric = assertion.statement.metric.id
    if assertion.node is None:
        return getattr(network.totals, metric)
    return assertion.node.output if metric == "shape" else assertion.node.receptive_field


def _holds(
    test: Callable[[Any, Any], bool],
    op: str,
    actual: tuple[int, ...],
    wanted: tuple[Any, ...],
    *,
    whole: bool,
) -> bool:
    """Whether sizes compare as promised: `whole` as one, else each with each."""
    if whole or (op == "!=" and len(actual) == len(wanted)):
        return test(actual, tuple(wanted))
    return bool(actual) and len(actual) == len(wanted) and all(map(test, actual, wanted))


def _missed(actual: Any, op: str, value: Any) -> str:
    """By how much a number misses a promise, as `4,840 over`."""
    if actual == value:
        return "not above" if op == ">" else "not below"
    return f"{_count(abs(actual - value))} {'over' if actual > value else 'short of'}"


def _gaps(actual: tuple[int, ...], op: str, wanted: tuple[Any, ...], metric: str) -> str:
    """The dimensions that miss a promise, and by how much: `: 4 channels too few`."""
    if len(actual) != len(wanted):
        return ""
    names = DIMENSIONS[len(actual) - (metric == "shape")]
    off: dict[str, list[str]] = {}
    channels = ""
    for name, size, want in zip((*names, "channels"), actual, wanted):
        if COMPARISONS[op](size, want) or size == want:
            continue
        gap, over = _count(abs(size - want)), size > want
        if name == "channels":
            what = "channel" if gap == "1" else "channels"
            channels = f"{gap} {what} too {'many' if over else 'few'}"
        else:
            off.setdefault(f"{gap} {'over' if over else 'short'}", []).append(name)
    parts = [f"{' and '.join(axes)} {gap}" for gap, axes in off.items()]
    parts += [channels] if channels else []
    return f": {', '.join(parts)}" if parts else ""


def _assertion_instead(
    statement: ast.Expect, network: Network, actuals: set[Any]
) -> tuple[str, tuple[Fix, ...]]:
    """A fix that promises what is, where the promise is a number or a size as it stands.

    In a loop or a block a promise speaks of several places; there is no fix where they differ.
    None is safe: it leaves the net alone, but gives up what the file holds the net to.
    """
    value = statement.value
    if statement.op != "==" or not isinstance(value, (ast.Number, ast.Size)) or len(actuals) > 1:
        return "", ()
    (actual,) = actuals
    if actual == ():
        return "", ()
    if isinstance(actual, tuple):
        single = isinstance(value, ast.Number) and len(set(actual)) == 1
        text = shown = str(actual[0]) if single else show(actual)
    else:
        grouped = "_" in network.source.text[value.span.start : value.span.end]
        text, shown = f"{actual:_}" if grouped else str(actual), f"{actual:,}"
    fix = Fix(f"promise {shown}", (Edit(value.span, text),), intent="promise")
    return f"change the net, or promise {shown}", (fix,)


def _count(value: Any) -> str:
    return f"{value:,}" if isinstance(value, int) else show_value(value)
