"""What stands in the way of an import, as diagnostics: equal problems once, with their places."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from cnndsl.diagnostics import Diagnostic, Note, Source, Span
from cnndsl.diagnostics.message import NOTHING, Message, joined
from cnndsl.importers.graph import Problem

PLACES = 4
"""How many of the places of equal problems are told; the others are counted."""


def told(problems: Iterable[Problem], source: Source) -> list[Diagnostic]:
    """The problems of a source, in their order. Equal ones are one diagnostic, at the first."""
    alike: dict[tuple[str, str, str], list[Problem]] = {}
    for each in problems:
        alike.setdefault((each.code, str(each.message), str(each.help)), []).append(each)
    return [diagnostic(group, source) for group in alike.values()]


def diagnostic(group: Sequence[Problem], source: Source) -> Diagnostic:
    """One diagnostic for problems that are equal but for where they stand."""
    first = group[0]
    start, end = (min(at, len(source.text)) for at in span_of(first, source) or (0, 0))
    span = Span(start, max(start, end))
    notes = (Note(note),) if (note := places(group, source)) else ()
    return Diagnostic(first.code, source, span, first.message, first.help or way_out(first), notes)


def way_out(problem: Problem) -> Message:
    """What to do about an operation that people often have and that no net needs."""
    operation = str(problem.message.values.get("operation", ""))
    word = re.sub(r"[\d_]|[123]?[dD]$", "", operation).lower()
    return next((help_ for begin, help_ in WAYS_OUT.items() if word.startswith(begin)), NOTHING)


_PLAIN_WEIGHTS = Message("take it off, which leaves a plain layer with the weights that it made")
WAYS_OUT = {
    "logsoftmax": Message("take it out, or take softmax: the logarithm is the loss's"),
    "dropout": Message("take a plain dropout, or none: none acts after training"),
    "featuredropout": Message("take a plain dropout, or none: none acts after training"),
    "spatialdropout": Message("take a plain dropout, or none: none acts after training"),
    **dict.fromkeys(("spectralnorm", "weightnorm"), _PLAIN_WEIGHTS),
    "random": Message("take it out: it changes the data while training, and no net"),
}


def places(group: Sequence[Problem], source: Source) -> Message | None:
    """Where problems stand, in words; None where the first is all and shows itself in the text."""
    wheres = [where for each in group if (where := place(each, source))]
    shown = [*dict.fromkeys(wheres)]
    count, more = len(group), len(shown) - PLACES
    if count == 1 and (not shown or span_of(group[0], source)):
        return None
    if not shown:
        return Message("{count:,} times", count=count)
    listed = joined(shown[:PLACES], "{first}, {rest}")
    if more > 0:
        listed = Message("{places} and {count:,} more", places=listed, count=more)
    if count == 1:
        return Message("at {places}", places=listed)
    return Message("{count:,} times: at {places}", count=count, places=listed)


def place(problem: Problem, source: Source) -> Message:
    """Where a problem stands: in words, or by its line; empty where that is not known."""
    span = span_of(problem, source)
    if span is None:
        return Message("{place}", place=problem.where) if problem.where else NOTHING
    return Message("line {line}", line=source.position(min(span[0], len(source.text))).line)


def span_of(problem: Problem, source: Source) -> tuple[int, int] | None:
    """The span of a problem, or of the line that it names; None where it has no place in a text."""
    if source.dark:
        return None
    named = re.fullmatch(r"line (\d{1,9})", problem.where)
    if problem.span is not None or named is None:
        return problem.span
    lines = source.text.split("\n")
    line = min(int(named[1]), len(lines))
    start = sum(len(each) + 1 for each in lines[: line - 1])
    code = lines[line - 1]
    return start + len(code) - len(code.lstrip()), start + len(code.rstrip())
