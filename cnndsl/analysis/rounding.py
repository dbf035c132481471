"""Where a line that stands for one of Keras or PyTorch has to say `floor`.

Their layers round sizes down that do not come out whole, and here a line says so. Which do is
only known once all lines are worked out: that is done here, once for all of a text.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from typing import Any

from cnndsl.diagnostics import Diagnostic, Source
from cnndsl.foreign import is_foreign
from cnndsl.foreign.listing import ARROW, Found, find, one, problem
from cnndsl.network import elaborate
from cnndsl.syntax.layout import MAX_ERRORS
from cnndsl.syntax.lexer import scan
from cnndsl.syntax.parser import parse_tokens

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
    the fix of each statement of theirs whose size does not come out.

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
    places = _rounded(source, statements, settings, size)
    result = []
    for each in (*unread, *others):
        if is_foreign(each) and (rounds := places.get(each.span.start)):
            new = problem(source, found[each.span.start], rounds)
            each = each._replace(help=new.help, fixes=new.fixes)
        result.append(each)
    return result


def _rounded(
    source: Source, found: Sequence[Found], settings: Mapping[str, Any], size: str | None
) -> dict[int, set[int]]:
    """For statements, by where they begin, which of their lines round a size down.

    All lines are put into the text, and the net is worked out as far as it goes.
    """
    if not any(line.rounds for each in found for line in each.lines or ()):
        return {}
    pieces: list[str] = []
    lines: list[tuple[Found, int]] = []
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
            starts.append(length)
            lines.append((each, number))
            pieces.append(line.text + "\n")
            length += len(line.text) + 1
        at = each.end
    if len(found) <= MAX_ERRORS:  # else nothing behind them was read
        pieces.append(source.text[at:])
    whole = Source(source.name, "".join(pieces))
    module = parse_tokens(whole, foreign=False)[0]
    problems = elaborate(whole, module, settings=settings, input_size=size, limit=MAX_LAYERS)[1]
    rounded: dict[int, set[int]] = {}
    for error in problems:
        index = bisect_right(starts, error.span.start) - 1
        if error.code in ("E201", "E202") and index >= 0:
            each, number = lines[index]
            line = (each.lines or ())[number]
            if line.rounds and error.span.start <= starts[index] + len(line.text):
                rounded.setdefault(each.start, set()).add(number)
    return rounded
