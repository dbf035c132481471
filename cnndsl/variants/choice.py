"""Which variants are wanted: those of which something holds, the best of them, or a sample."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from heapq import heappush, heappushpop
from operator import attrgetter
from typing import Any

from cnndsl.comparison.measure import Measure
from cnndsl.contract import OptionError
from cnndsl.diagnostics.diagnostic import Diagnostic
from cnndsl.diagnostics.message import NOTHING, Message
from cnndsl.diagnostics.source import Source, Span
from cnndsl.layers.values import Word, show_value
from cnndsl.network.expressions import ExpressionError, Unknown, evaluate
from cnndsl.network.words import Problem, did_you_mean, is_word, nearest
from cnndsl.syntax import nodes as ast
from cnndsl.syntax.parser import parse
from cnndsl.syntax.walk import walk
from cnndsl.variants.sweep import Sweep, Variant, given

Known = Mapping[str, Callable[[Variant], Any]]
"""What gets a value of a variant, by its name; None where an error keeps it from being known."""

_MEASURES: dict[str, Callable[[Measure], Any]] = {
    **{name: attrgetter(name) for name in Measure._fields},
    "memory": lambda measure: measure.param_bytes + measure.peak_bytes,  # what inference takes
    "field": lambda measure: min(measure.field, default=0),
    "inputs": lambda measure: _size(measure.inputs[0]),
    "outputs": lambda measure: _size(measure.outputs["main"]),
}


def _size(shape: tuple[int, ...]) -> Any:
    return shape if len(shape) > 1 else shape[0]  # of a vector it is a number


def own_name(measure: str, params: Collection[str]) -> str:
    """What a measure is called beside params, of which one may have its name."""
    while measure in params:
        measure = f"net_{measure}"
    return measure


def known(params: Collection[str], *, numbers: bool = False) -> Known:
    """What is known by name: params, what `compare` measures, and whether a variant is `valid`;
    or what of it has an order, as `numbers` do."""

    def of_param(name: str) -> Callable[[Variant], Any]:
        return lambda each: given(each.settings[name])

    def of_net(get: Callable[[Measure], Any]) -> Callable[[Variant], Any]:
        return lambda each: each.measure and get(each.measure)

    found = {
        **{name: of_param(name) for name in params},
        **{own_name(name, params): of_net(get) for name, get in _MEASURES.items()},
        own_name("valid", params): lambda each: each.measure is not None,
    }
    without = {own_name(name, params) for name in ("inputs", "outputs", "valid") if numbers}
    return {name: get for name, get in found.items() if name not in without}


class Flawed(Exception):
    """A test that says nothing; `diagnostic` says why, and where."""

    def __init__(self, text: str, why: Diagnostic | Problem | ExpressionError) -> None:
        super().__init__(why.message)
        start, end = (max(0, min(len(text), at - len(_BEGIN))) for at in why.span)
        help_ = NOTHING if isinstance(why, Diagnostic) else why.help  # which is about a file
        source = Source("--where", text)
        self.diagnostic = Diagnostic(why.code, source, Span(start, end), why.message, help_)


_BEGIN = "let x = "


def holding(
    text: str | None, known: Known, sweep: Sweep
) -> Callable[[Iterable[Variant]], list[Variant]]:
    """What keeps the variants of which an expression holds, as `params <= 5M and depth > 2`;
    all for None.

    The expression is one of the language. Of what is not known nothing holds. Raises Flawed, and
    so does what it gives, where the expression has no value.
    """
    if text is None:
        return list
    module, problems = parse(Source("--where", _BEGIN + text.replace("\n", " ")))
    for problem in problems:
        raise Flawed(text, problem)
    test, *more = module.statements
    assert isinstance(test, ast.Let)
    for statement in more:
        message = Message("this is more than one expression")
        raise Flawed(text, Problem("E002", statement.span, message))
    for node in walk(test.value):
        name = node.id if isinstance(node, ast.Name) else "relu"
        if name in known or name in sweep.blocks or is_word(name):
            continue
        if name in sweep.params:
            message = Message("`{name}` is a param that no --set varies", name=name)
            help_ = Message("give it a value: --set {name}=VALUES", name=name)
        else:
            names = Message("what is known is {names}", names=", ".join(known))
            message = Message("nothing here is called `{word}`", word=name)
            help_ = did_you_mean(nearest(name, known)) or names
        raise Flawed(text, Problem("E106", node.span, message, help_))

    def holds(variant: Variant) -> bool:
        def look_up(name: ast.Name) -> Any:
            value = known[name.id](variant) if name.id in known else Word(name.id)
            if value is None:
                raise Unknown
            return value

        try:
            value = evaluate(test.value, look_up)
            if isinstance(value, bool):
                return value
            message = Message("`{value}` is no test", value=show_value(value))
            help_ = Message("compare it, as in `params <= 5M`")
            raise ExpressionError("E110", test.value.span, message, help_)
        except Unknown:
            return False
        except ExpressionError as error:
            raise Flawed(text, error) from None

    return lambda variants: [*filter(holds, variants)]


class Front:
    """The variants that no other is as good as in each of some measures; of those that are alike
    in all of them the first. Adding takes about the same time however many they are.

    `text` is as `params,max:depth`, and `known` what has an order: the least is best, but of
    `field`, unless it says otherwise. Raises OptionError.
    """

    def __init__(self, text: str, known: Known) -> None:
        self.measures: list[tuple[str, int, Callable[[Variant], Any]]] = []
        self.found: list[Placed] = []
        self.room = ROOM
        for word in text.split(","):
            way, _, name = word.strip().rpartition(":")
            if name not in known or way not in ("", "min", "max"):
                words = ", ".join(known)
                text = word.strip()[:60]
                raise OptionError(
                    Message("`{word}` is no measure; there are {words}", word=text, words=words),
                    "pareto",
                )
            largest = way == "max" or (way == "" and name == "field")
            self.measures.append((name, -1 if largest else 1, known[name]))

    def add(self, variant: Variant) -> None:
        """Take up a variant. Raises OptionError where a measure of it is no number."""
        if variant.measure is None:
            return
        own = []
        for name, sign, get in self.measures:
            value = get(variant)
            if not isinstance(value, (int, float)):
                message = Message("`{name}` is no number, as what is compared has to be", name=name)
                raise OptionError(message, "pareto")
            own.append(sign * value)
        self.found.append((own, variant))
        if len(self.found) > self.room:
            self.chosen()

    def chosen(self) -> list[Variant]:
        """The best so far, in the order of the grid."""
        self.found = _best(sorted(self.found))
        self.room = ROOM + 2 * len(self.found)
        return sorted(variant for _, variant in self.found)


ROOM = 1_000
"""How many variants wait, beside as many as are the best, before these are looked for."""

Placed = tuple[list[Any], Variant]
"""A variant behind its measures, of which the least is best."""


def _best(some: list[Placed]) -> list[Placed]:
    """The front of some that are sorted, so that none is beaten by one behind it."""
    if len(some) < 2:
        return some
    half = len(some) // 2
    first = _best(some[:half])
    return first + _unbeaten(_best(some[half:]), first, 1)


def _unbeaten(some: list[Placed], others: list[Placed], at: int) -> list[Placed]:
    """Those that no other is as good as in the measures from a place on: by halves of the others,
    as Kung, Luccio and Preparata do."""
    if not some or not others:
        return some
    if at == len(some[0][0]):
        return []
    middle = sorted(own[at] for own, _ in others)[len(others) // 2]
    low = [each for each in some if each[0][at] < middle]
    high = [each for each in some if each[0][at] >= middle]
    high = _unbeaten(high, [each for each in others if each[0][at] <= middle], at + 1)
    high = _unbeaten(high, [each for each in others if each[0][at] > middle], at)
    return _unbeaten(low, [each for each in others if each[0][at] < middle], at) + high


class Sample:
    """So many of any number of variants, spread over the grid, and the same ones each time."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.found: list[tuple[int, Variant]] = []

    def add(self, variant: Variant) -> None:
        """Take up a variant."""
        # Multiples of the golden ratio lie evenly, and are in step with no grid.
        keep = heappush if len(self.found) < self.most else heappushpop
        keep(self.found, (-(variant.number * 0x9E3779B97F4A7C15 % 2**64), variant))

    def chosen(self) -> list[Variant]:
        """The sample so far, in the order of the grid."""
        return sorted(variant for _, variant in self.found)
