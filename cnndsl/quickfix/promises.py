"""Promises about a shape: edits of the net that keep them, and of the promises themselves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from cnndsl.diagnostics import Diagnostic, Edit, Source, Span
from cnndsl.layers import LAYERS, Shape
from cnndsl.layers.base import product
from cnndsl.network import elaborate
from cnndsl.network.evaluation import Evaluation, ShapeError
from cnndsl.network.expect import broken
from cnndsl.quickfix.candidate import Candidate, add_word, make, shown
from cnndsl.quickfix.merges import deciding
from cnndsl.quickfix.sites import argument, layers, path
from cnndsl.syntax.parser import parse


class Promise(NamedTuple):
    """A promise about the shape of a node that is not kept, as an error of that node's layer."""

    error: ShapeError
    node: int
    wanted: Shape

    def gap(self, outcome: Evaluation) -> int:
        """By how much the map is off at most."""
        actual = outcome.nodes[self.node].output
        return max((abs(a - b) for a, b in zip(actual[:-1], self.wanted[:-1])), default=0)


def promises(outcome: Evaluation) -> dict[tuple[str, Span], Promise]:
    """The promises about shapes that a net does not keep, by code and place."""
    told = {each.span for each in outcome.problems if each.code == "E301"}
    made = layers(outcome.module) if told else {}
    found: dict[tuple[str, Span], Promise] = {}
    for statement, value, node, _ in outcome.assertions:
        wanted = value if isinstance(value, tuple) else (value,)
        key = ("E301", statement.span)
        if statement.metric.id != "shape" or statement.op != "==" or node is None:
            continue
        if statement.span not in told or node.output == wanted or key in found:
            continue
        applied = made.get(node.span)
        if applied is not None:
            axes, led = _axes(outcome, node.index, wanted), outcome.led[node.index]
            error = ShapeError(*key, applied, led, node.inputs, axes, node.layer.input)
            found[key] = Promise(error, node.index, wanted)
    return found


def _axes(outcome: Evaluation, index: int, wanted: Shape) -> tuple[int, ...]:
    """The dimensions that are not as promised; for a vector those of the map that it comes from."""
    node = outcome.nodes[index]
    if len(node.output) == len(wanted) > 1:
        sizes = zip(node.output[:-1], wanted[:-1])
        return tuple(axis for axis, (a, b) in enumerate(sizes) if a != b)
    while len(node.output) == len(wanted) == 1 and node.inputs:
        before = outcome.nodes[node.inputs[0]]
        if len(before.output) > 1:
            return tuple(range(len(before.output) - 1))
        node = before
    return ()


def keeping(outcome: Evaluation, promise: Promise) -> Iterator[Candidate]:
    """Edits of the net that may keep a promise, beside those for a size that does not fit."""
    error, wanted = promise.error, promise.wanted
    actual = outcome.nodes[promise.node].output
    before = Span(error.span.start, error.span.start)
    if len(actual) != len(wanted):
        for word, count in (("flatten", product(actual)), ("gap", actual[-1])):
            if wanted == (count,):
                edit = Edit(before, f"{word}; ")
                yield make("layers", 1, 0, edit, None, word, group=word)
        return
    yield from _vector(outcome, promise)
    found = deciding(outcome, promise.node)
    if actual[-1] != wanted[-1] and found is not None:
        edit = Edit(found.span, str(wanted[-1]))
        yield make("width", abs(wanted[-1] - actual[-1]), 0, edit, found.owner)
    if not error.axes or len(wanted) == 1:
        return
    yield from _rounded(outcome, error)
    pairs = [*zip(actual[:-1], wanted[:-1])]
    if all(a <= b and b % a == 0 for a, b in pairs):
        word = f"up {shown(tuple(b // a for a, b in pairs), single=True)}"
        yield make("layers", 5, 0, Edit(before, f"{word}; "), None, word, group="up")
    elif all(a >= b for a, b in pairs):
        factors = tuple(-(-a // b) for a, b in pairs)
        if all(-(-a // f) == b for (a, b), f in zip(pairs, factors)):
            yield from _smaller(outcome, error, before, shown(factors, single=True))


def _vector(outcome: Evaluation, promise: Promise) -> Iterator[Candidate]:
    """A vector of as many values as are promised, from a map."""
    node = outcome.nodes[promise.node]
    before, word = node.layer.input, promise.error.statement.name
    if len(promise.wanted) > 1 or len(before) < 2:
        return
    (count,) = promise.wanted
    for other, values in (("flatten", product(before)), ("gap", before[-1])):
        if values == count:
            statement = promise.error.statement
            edit = Edit(statement.name.span, other)
            yield make("layers", 1, 0, edit, statement, group=other)
    found = deciding(outcome, node.inputs[0])
    pixels = product(before[:-1]) if word.id == "flatten" else 1
    if found is not None and count % pixels == 0:
        edit = Edit(found.span, str(count // pixels))
        yield make("weights", 1, 1, edit, found.owner)


def _rounded(outcome: Evaluation, error: ShapeError) -> Iterator[Candidate]:
    """Layers before a promise that round in the other way."""
    for site in path(outcome, error):
        statement = site.statement
        layer = LAYERS.get(statement.name.id)
        if layer is None or not layer.slides or argument(statement, layer, "same"):
            continue
        floor, ceil = (argument(statement, layer, word) for word in ("floor", "ceil"))
        for word, own, other in (("floor", floor, ceil), ("ceil", ceil, floor)):
            if own is None and other is not None:
                yield make("agree", 1, site.distance, Edit(other.span, word), statement, word)
            elif own is None and outcome.module.statements:
                edit = add_word(statement, word, late=True)
                yield make("agree", 2, site.distance, edit, statement, word)


def _smaller(
    outcome: Evaluation, error: ShapeError, before: Span, step: str
) -> Iterator[Candidate]:
    """A stride for the nearest convolution that has none, or a pool."""
    for site in path(outcome, error):
        statement = site.statement
        layer = LAYERS.get(statement.name.id)
        if layer is None or layer.family != "conv" or not layer.slides:
            continue
        if argument(statement, layer, "stride") is None:
            padded = argument(statement, layer, "same") or argument(statement, layer, "pad")
            for number, same in enumerate(["", *([] if padded else [" same"])]):
                edit = add_word(statement, f"/{step}{same}", before=("same", "pad"))
                yield make("window", number, site.distance, edit, statement)
            break
    word = f"pool {step}"
    yield make("layers", 5, 0, Edit(before, f"{word}; "), None, word, group="pool")


def with_other_promises(
    source: Source,
    problems: Sequence[Diagnostic],
    settings: Mapping[str, Any],
    size: str | None,
    limit: int,
) -> list[Diagnostic]:
    """The problems of a text, those of promises with a fix that promises what is."""
    if not any(each.code == "E301" for each in problems):
        return list(problems)
    module, unread = parse(source)
    network, _ = elaborate(
        source, module, settings=settings, input_size=size, limit=limit, unkept=True
    )
    if unread or network is None:
        return list(problems)
    fixes = {
        (problem.code, problem.span): problem.fixes
        for problem, _ in broken(network.assertions, network, rewritten=True)
    }
    return [
        each._replace(fixes=(*each.fixes, *fixes.get((each.code, each.span), ())))
        for each in problems
    ]
