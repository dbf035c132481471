"""Assertions: `expect params <= 5M`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from cnndsl.diagnostics import Edit, Fix, Note
from cnndsl.diagnostics.message import NOTHING, Message, joined, listed
from cnndsl.layers.base import DIMENSIONS, show
from cnndsl.layers.values import Pair, Word, show_value
from cnndsl.network.bind import Problem
from cnndsl.network.expressions import COMPARISONS
from cnndsl.network.network import Assertion, Network
from cnndsl.network.words import did_you_mean, nearest
from cnndsl.syntax import nodes as ast

TOTALS = ("params", "weights", "trainable", "non_trainable", "macs", "flops")
_METRICS = (*TOTALS, "shape", "field")


def flaw(statement: ast.Expect, value: Any) -> Problem | None:
    """What is wrong with an assertion itself, whatever the net."""
    metric = statement.metric.id
    if metric not in _METRICS:
        near = nearest(metric, _METRICS)
        known = Message("one can expect {names}", names=", ".join(_METRICS))
        help_ = did_you_mean(near) or known
        message = Message("nothing to expect is called `{name}`", name=metric)
        return Problem("E106", statement.metric.span, message, help_)
    sized = isinstance(value, tuple)
    odd = isinstance(value, (Word, bool, Pair))
    odd = odd or (sized and any(isinstance(item, tuple) for item in value))
    if odd or (sized and metric in TOTALS):
        message = Message(
            "`{value}` is nothing to compare {name} with", value=show_value(value), name=metric
        )
        help_ = Message("write a number") if metric in TOTALS else Message("write a size")
        return Problem("E105", statement.value.span, message, help_)
    if metric == "shape" and statement.op not in ("==", "!="):
        message = Message("a shape compares with == and != only")
        return Problem("E105", statement.span, message)
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


def verdict(assertion: Assertion, network: Network) -> Message:
    """The real value where a promise is not kept, and by how much it is off; else nothing."""
    metric, op, value = assertion.statement.metric.id, assertion.statement.op, assertion.value
    test, actual = COMPARISONS[op], _actual(assertion, network)
    if metric in TOTALS:
        if test(actual, value):
            return NOTHING
        if op == "!=":
            return Message("{name} is {count:,}, which the file forbids", name=metric, count=actual)
        return _missed(metric, actual, op, value)
    wanted = value if isinstance(value, tuple) else (value,)
    if metric == "field" and not isinstance(value, tuple):
        wanted *= len(actual)
    if _holds(test, op, actual, wanted, whole=metric == "shape"):
        return NOTHING
    fact = Message("the receptive field is not defined here")
    if metric == "shape":
        fact = Message("the shape is {size} here", size=show(actual))
    elif actual:
        fact = Message("the receptive field is {size} here", size=show(actual))
    if op == "!=":
        return Message("{fact}, which the file forbids", fact=fact)
    promised = show_value(value) if op == "==" else f"{op} {show_value(value)}"
    message = Message("{fact}, and {promised} is promised", fact=fact, promised=promised)
    gaps = _gaps(actual, op, wanted, metric)
    return Message("{message}: {gaps}", message=message, gaps=gaps) if gaps else message


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


def _missed(metric: str, actual: Any, op: str, value: Any) -> Message:
    """By how much a number misses a promise, as `4,840 over the 60,000 promised`."""
    values = {"name": metric, "count": actual, "promised": _count(value)}
    if actual == value:
        if op == ">":
            return Message("{name}: {count:,} is not above the {promised} promised", **values)
        return Message("{name}: {count:,} is not below the {promised} promised", **values)
    values["gap"] = _count(abs(actual - value))
    if actual > value:
        return Message("{name}: {count:,} is {gap} over the {promised} promised", **values)
    return Message("{name}: {count:,} is {gap} short of the {promised} promised", **values)


def _gaps(actual: tuple[int, ...], op: str, wanted: tuple[Any, ...], metric: str) -> Message:
    """The dimensions that miss a promise, and by how much: `: 4 channels too few`."""
    if len(actual) != len(wanted):
        return NOTHING
    names = DIMENSIONS[len(actual) - (metric == "shape")]
    off: dict[tuple[str, bool], list[Message]] = {}
    channels: list[Message] = []
    for name, size, want in zip((*names, None), actual, wanted):
        if COMPARISONS[op](size, want) or size == want:
            continue
        gap, over = _count(abs(size - want)), size > want
        if name is not None:
            off.setdefault((gap, over), []).append(name)
        elif over:
            channels = [Message("{gap} channels too many", gap=gap)]
            if gap == "1":
                channels = [Message("1 channel too many")]
        else:
            channels = [Message("{gap} channels too few", gap=gap)]
            if gap == "1":
                channels = [Message("1 channel too few")]
    parts = [
        (
            Message("{axes} {gap} over", axes=listed(axes), gap=gap)
            if over
            else Message("{axes} {gap} short", axes=listed(axes), gap=gap)
        )
        for (gap, over), axes in off.items()
    ]
    return joined(parts + channels, "{first}, {rest}")


def _assertion_instead(
    statement: ast.Expect, network: Network, actuals: set[Any]
) -> tuple[Message, tuple[Fix, ...]]:
    """A fix that promises what is, where the promise is a number or a size as it stands.

    In a loop or a block a promise speaks of several places; there is no fix where they differ.
    None is safe: it leaves the net alone, but gives up what the file holds the net to.
    """
    value = statement.value
    if statement.op != "==" or not isinstance(value, (ast.Number, ast.Size)) or len(actuals) > 1:
        return NOTHING, ()
    (actual,) = actuals
    if actual == ():
        return NOTHING, ()
    if isinstance(actual, tuple):
        single = isinstance(value, ast.Number) and len(set(actual)) == 1
        text = shown = str(actual[0]) if single else show(actual)
    else:
        grouped = "_" in network.source.text[value.span.start : value.span.end]
        text, shown = f"{actual:_}" if grouped else str(actual), f"{actual:,}"
    fix = Fix(Message("promise {value}", value=shown), (Edit(value.span, text),), intent="promise")
    return Message("change the net, or promise {value}", value=shown), (fix,)


def _count(value: Any) -> str:
    return f"{value:,}" if isinstance(value, int) else show_value(value)
