"""The edits that may mend a error, by how little they change. None has been tried yet."""

from __future__ import annotations

from collections.abc import Iterator

from cnndsl.diagnostics import Edit, Span
from cnndsl.layers import LAYERS, Layer
from cnndsl.layers.base import product
from cnndsl.quickfix.candidate import Candidate, add_word, literal_of, make, shown
from cnndsl.quickfix.channels import cropped, divisors, other_channels
from cnndsl.quickfix.evaluation import Evaluation, ShapeError
from cnndsl.quickfix.sites import Site, argument, path
from cnndsl.quickfix.windows import other_windows
from cnndsl.syntax import nodes as ast
from cnndsl.syntax.walk import statements


def candidates(outcome: Evaluation, error: ShapeError) -> list[Candidate]:
    """All edits that may mend a error, the cheapest first; the input's size apart."""
    found = [*_rounding_of_the_file(outcome, error)]
    sites = path(outcome, error)
    for site in sites:
        layer = LAYERS.get(site.statement.name.id)
        if layer is None:
            continue
        here = site.distance == 0
        if here and error.code in ("E201", "E202"):
            found += _rounding(site, layer)
        if error.code in ("E201", "E202", "E203", "E206") and error.axes:
            found += other_windows(outcome, error, site, layer)
        if error.code == "E205":
            found += divisors(outcome, error, site, layer)
        if here:
            found += _here(outcome, error, site, layer)
    if error.code in ("E201", "E202", "E203"):
        found += _repeats(outcome, error, sites)
    if error.code == "E206":
        found += other_channels(outcome, error)
        found += cropped(outcome, error)
    unique = {each.edits: each for each in sorted(found, key=lambda each: each.cost, reverse=True)}
    return sorted(unique.values(), key=lambda each: each.cost)


def _rounding(site: Site, layer: type[Layer]) -> Iterator[Candidate]:
    statement = site.statement
    if argument(statement, layer, "floor") or argument(statement, layer, "ceil"):
        return
    for word, kind, amount in (("floor", "floor", 1), ("ceil", "rounding", 2)):
        edit = add_word(statement, word, late=True)
        yield make(kind, amount, site, (edit,), statement, word)


def _rounding_of_the_file(outcome: Evaluation, error: ShapeError) -> Iterator[Candidate]:
    if error.code not in ("E201", "E202"):
        return
    module, text = outcome.module, outcome.source.text
    first = module.statements[0]
    said = next((s for s in module.statements if isinstance(s, ast.Rounding)), None)
    if said is not None:
        edit = Edit(said.mode.span, "floor")
    elif isinstance(first, ast.Net):
        end = text.find("\n", first.span.end)
        end = len(text) if end < 0 else end
        newline = "\r\n" if text[:end].endswith("\r") else "\n"
        end -= len(newline) - 1
        following = text[first.span.end : end].strip()
        if following and not following.startswith("#"):
            edit = Edit(Span(first.span.end, first.span.end), "; rounding floor")
        else:
            edit = Edit(Span(end, end), f"{newline}rounding floor")
    else:
        start = first.span.start
        line = outcome.source.line_starts[outcome.source.position(start).line - 1]
        newline = "\r\n" if "\r\n" in text else "\n"
        edit = Edit(Span(line, line), f"rounding floor{newline}")
    site = Site(error.statement, (), (), 0)
    yield make("rounding", 1, site, (edit,), None, "rounding floor")


def _here(
    outcome: Evaluation, error: ShapeError, site: Site, layer: type[Layer]
) -> Iterator[Candidate]:
    """What mends a layer that wants another kind of tensor, or another number of values."""
    statement = site.statement
    start = Span(statement.span.start, statement.span.start)
    if error.code == "E204" and statement.name.id == "dense":
        for number, word in enumerate(("flatten", "gap"), 1):
            edits = (Edit(start, f"{word}; "),)
            yield make("layers", number, site, edits, statement, word)
    elif error.code == "E207":
        found = literal_of(outcome, site, layer, "shape")
        if found is None:
            return
        sizes = found.value if isinstance(found.value, tuple) else (found.value,)
        if not all(isinstance(size, int) and size > 0 for size in sizes):
            return
        for axis, size in enumerate(sizes):
            value = product(error.shape) // (product(sizes) // size)
            if value and value != size:
                new = tuple(value if i == axis else each for i, each in enumerate(sizes))
                edits = (Edit(found.span, shown(new, single=False)),)
                yield make("layers", abs(value - size), site, edits, found.owner)


def _repeats(outcome: Evaluation, error: ShapeError, sites: list[Site]) -> Iterator[Candidate]:
    """Fewer turns of the loops around what leads to the error."""
    for statement in statements(outcome.module.statements):
        if not isinstance(statement, ast.Repeat) or not isinstance(statement.count, ast.Number):
            continue
        inside = [
            site
            for site in sites
            if any(
                statement.body.span.start <= each.span.start < statement.body.span.end
                for each in (site.statement, *site.calls)
            )
        ]
        count = statement.count.value
        for less in (1, 2) if inside and isinstance(count, int) else ():
            if count - less > 0:
                edits = (Edit(statement.count.span, str(count - less)),)
                yield make("layers", less, inside[0], edits, statement)
