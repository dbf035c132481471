"""What a line that stands for one of Keras or PyTorch has to say because of what comes before it.

Their layers round sizes down that do not come out whole, and here a line says `floor`. Keras's
`Dense` on a map is a convolution of 1x1. Which they are is only known once all lines are worked
out: that is done here, for all of a text together.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from typing import Any

from cnndsl.diagnostics import Diagnostic, Source
from cnndsl.foreign import is_foreign
from cnndsl.foreign.calls import Line
from cnndsl.foreign.listing import ARROW, Found, find, one, problem
from cnndsl.foreign.table import KERAS
from cnndsl.network import elaborate
from cnndsl.syntax.layout import MAX_ERRORS
from cnndsl.syntax.lexer import scan
from cnndsl.syntax.parser import parse_tokens

MAX_RUNS = 5
"""How many times it is worked out anew."""

MAX_LAYERS = 10_000
"""Up to how many layers a net is worked out for it."""


def with_floors(
    source: Source,
    unread: Sequence[Diagnostic],
    others: Sequence[Diagnostic],
    settings: Mapping[str, Any],
    size: str | None,
) -> list[Diagnostic]:
    """The problems of a text, those that cannot be read and then the others, with `floor` in
    the fix of each statement of theirs whose size does not come out, and the like.

    `settings` and `size` are those that the text is asked with.
    """
    found: dict[int, Found] = {}
    if any(map(is_foreign, unread)):
        found = {each.start: each for each in find(source, scan(source.text)[0], MAX_ERRORS)}
    for each in others:
        single = one(source, each.span) if is_foreign(each) else None
        if single is not None:
            found.setdefault(single.start, single)
    statements = [found[start] for start in sorted(found)]
    places: dict[int, dict[int, str]] = {}
    for _ in range(MAX_RUNS):  # what a line becomes may tell of those behind it
        if not _mend(source, statements, settings, size, places):
            break
    result = []
    for each in (*unread, *others):
        if is_foreign(each) and (rounds := places.get(each.span.start)):
            new = problem(source, found[each.span.start], rounds)
            each = each._replace(help=new.help, fixes=new.fixes)
        result.append(each)
    return result


def _mend(
    source: Source,
    found: Sequence[Found],
    settings: Mapping[str, Any],
    size: str | None,
    places: dict[int, dict[int, str]],
) -> bool:
    """Put down, for statements by where they begin, which of their lines become others.

    All lines are put into the text, and the net is worked out as far as it goes. Whether any is
    new that may tell more is returned.
    """
    if not any(line.rounds or _is_dense(each, line) for each in found for line in each.lines or ()):
        return False
    pieces: list[str] = []
    lines: list[tuple[Found, int, str]] = []
    starts: list[int] = []  # where each of the lines begins
    length = at = 0
    for each in found:
        if each.start < at:  # within another
            continue
        piece = source.text[at : each.start]
        if arrow := ARROW.search(piece, max(0, len(piece) - 20)):
            piece = piece[: arrow.start()] + "; "
        pieces.append(piece)
        length += len(piece)
        for number, line in enumerate(each.lines or ()):
            text = places.get(each.start, {}).get(number, line.text)
            starts.append(length)
            lines.append((each, number, text))
            pieces.append(text + "\n")
            length += len(text) + 1
        at = each.end
    if len(found) <= MAX_ERRORS:  # else nothing behind them was read
        pieces.append(source.text[at:])
    whole = Source(source.name, "".join(pieces))
    module = parse_tokens(whole, foreign=False)[0]
    problems = elaborate(whole, module, settings=settings, input_size=size, limit=MAX_LAYERS)[1]
    more = False
    for error in problems:
        index = bisect_right(starts, error.span.start) - 1
        if index < 0:
            continue
        each, number, text = lines[index]
        line = (each.lines or ())[number]
        if error.span.start > starts[index] + len(text):
            continue
        first, sign, rest = text.partition(";")
        if error.code in ("E201", "E202") and line.rounds:
            first += " floor"
        elif error.code == "E204" and _is_dense(each, line) and text == line.text:
            first, more = _on_a_map(first, error), True
        else:
            continue
        places.setdefault(each.start, {})[number] = first + sign + rest
    return more


def _is_dense(found: Found, line: Line) -> bool:
    """Whether it is Keras's `Dense`, which on a map works on the channels of each position."""
    return found.framework == KERAS and line.text.startswith("dense ")


def _on_a_map(text: str, error: Diagnostic) -> str:
    """`dense 8 relu` as it is on the image, or the signal, that an error tells of."""
    _, units, *rest = text.split()
    size = str(error.message).rsplit(" ", 1)[-1]
    return " ".join(("conv", units, "x".join("1" * size.count("x")), *rest))
