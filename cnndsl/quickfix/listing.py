"""Edits for a listing in which one number is wrong, or a border is taken off too often."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from cnndsl.diagnostics import Edit, Source, Span
from cnndsl.diagnostics.message import Message
from cnndsl.layers import LAYERS, Layer
from cnndsl.layers.pool import Pool
from cnndsl.layers.values import Pair
from cnndsl.network.evaluation import Evaluation
from cnndsl.quickfix.candidate import Candidate, add_word, make, shown, sized
from cnndsl.quickfix.sites import Literal, Site, argument, literal
from cnndsl.syntax import nodes as ast
from cnndsl.syntax.walk import statements

CLOSE = 2
"""How many layers lie between an error and a number that is plainly suspected."""

MOST = 4
"""How many values of other layers are tried in a place."""

MAX_LAYERS = 40
"""How many layers are padded at once at most."""

HALVINGS = 3
"""How many of the pools before an error are tried without."""


def alike(outcome: Evaluation, site: Site, layer: type[Layer]) -> Iterator[Candidate]:
    """The values that other layers of a word have, where this one has another."""
    statement = site.statement
    rank = len(site.shape) - 1
    names = {slot.name for slot in layer.slots}
    if "kernel" not in names or rank < 1:
        return
    kind = "like" if site.distance <= CLOSE else "alike"
    group = "window" if issubclass(layer, Pool) else "weights"
    others = _others(outcome, statement)
    for slot in ("kernel", "stride", "pad"):
        given = argument(statement, layer, slot)
        if given is None:
            continue
        found = literal(outcome.module, given.value, site.calls, statement)
        if found is None or any(isinstance(each, Pair) for each in sized(found.value, rank)):
            continue
        for change, new in _nearest(found, rank, [_value(each, layer, slot) for each in others]):
            text = shown(new, single=isinstance(found.value, int))
            edit = Edit(found.span, text)
            yield make(kind, change, site.distance, edit, found.owner, group=group)
    if all(argument(statement, layer, slot) is None for slot in ("same", "pad", "stride")):
        words = dict.fromkeys(word for each in others if (word := _padding(outcome, each, layer)))
        for word in [*words][:2]:
            edit = add_word(statement, word)
            yield make(kind, 1, site.distance, edit, statement, group="padding")


def _others(outcome: Evaluation, statement: ast.Apply) -> list[ast.Apply]:
    """The other layers of a word; their values are plain only where no name is between."""
    return [
        each
        for each in statements(outcome.module.statements)
        if isinstance(each, ast.Apply)
        and each.name.id == statement.name.id
        and each.span != statement.span
    ]


def _value(statement: ast.Apply, layer: type[Layer], slot: str) -> Any:
    given = argument(statement, layer, slot)
    value = given.value if given is not None else None
    return value.value if isinstance(value, (ast.Number, ast.Size)) else None


def _nearest(found: Literal, rank: int, values: list[Any]) -> list[tuple[int, tuple[int, ...]]]:
    """The values nearest to one, with how far they are."""
    old = sized(found.value, rank)
    near = set()
    for value in values:
        sizes = value if isinstance(value, tuple) else (value,) * rank
        if len(sizes) == rank == len(old) and all(type(each) is int for each in sizes):
            near.add((sum(abs(a - b) for a, b in zip(old, sizes)), sizes))
    return [each for each in sorted(near) if each[0]][:MOST]


def _padding(outcome: Evaluation, statement: ast.Apply, layer: type[Layer]) -> str:
    """The padding that a layer has, as it is written."""
    given = argument(statement, layer, "same") or argument(statement, layer, "pad")
    return "" if given is None else outcome.source.text[slice(*given.span)]


def same_at_all(outcome: Evaluation, floor: Edit | None) -> Iterator[Candidate]:
    """`same` at all convolutions, and at all pools too, or with sizes that are rounded down."""
    convs, pools = [], []
    for each in statements(outcome.module.statements):
        layer = LAYERS.get(each.name.id) if isinstance(each, ast.Apply) else None
        if not isinstance(each, ast.Apply) or layer is None or not layer.slides:
            continue
        given = [argument(each, layer, slot) for slot in ("kernel", "same", "pad")]
        if given[0] is None or given[1] is not None or given[2] is not None:
            continue
        if issubclass(layer, Pool):
            pools.append(add_word(each, "same"))
        elif _wide(each, layer):
            convs.append(add_word(each, "same"))
        if len(convs) + len(pools) > MAX_LAYERS:
            return
    if not convs:
        return
    if len(convs) > 1:
        title = Message("write `same` at all {count} convolutions", count=len(convs))
        yield make("same", 1, 0, tuple(convs), title=title)
    if pools and len(convs) + len(pools) > 1:
        title = Message("write `same` at all convolutions and pools")
        yield make("same", 2, 0, (*convs, *pools), title=title)
    if floor is None:
        return
    title = Message("write `same` at all convolutions, and `rounding floor` for the whole file")
    yield make("same", 3, 0, (*convs, floor), title=title)


def _wide(statement: ast.Apply, layer: type[Layer]) -> bool:
    """Whether a layer does nothing to the size but take a border off."""
    plain = argument(statement, layer, "stride") is None
    return plain and set(sized(_value(statement, layer, "kernel"), 1)) != {1}


def one_less(outcome: Evaluation, sites: Sequence[Site]) -> Iterator[Candidate]:
    """The net without one of the pools before an error."""
    pools = [
        site
        for site in sites
        if issubclass(LAYERS.get(site.statement.name.id, Layer), Pool)
        and site.statement.alias is None
        and _value(site.statement, Pool, "stride") != 1
    ]
    for number, site in enumerate(pools[:HALVINGS]):
        statement = site.statement
        edit = _without(outcome.source, statement.span)
        if edit is None:
            continue
        old = " ".join(outcome.source.text[slice(*statement.span)].split())
        line = outcome.source.position(statement.span.start).line
        title = Message("leave `{code}` on line {line} out", code=old, line=line)
        yield make("turns", 2 + number, site.distance, edit, title=title)


def _without(source: Source, span: Span) -> Edit | None:
    """What takes a statement out of a text, with its line or its semicolon; None where it is
    alone in braces."""
    text, (start, end) = source.text, span
    line = source.line_start(start)
    stop = text.find("\n", end)
    stop = len(text) if stop < 0 else stop
    before, behind = text[line:start].rstrip(), text[end:stop].strip()
    if not before and not behind:
        return Edit(Span(line, min(stop + 1, len(text))), "")
    if before.endswith(";"):
        return Edit(Span(line + len(before) - 1, end), "")
    if behind.startswith(";"):
        following = text.index(";", end) + 1
        return Edit(Span(start, following + (text[following : following + 1] == " ")), "")
    return None
