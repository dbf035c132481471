"""Fixes applied to a text: those that may be, as long as they help."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple, TypeAlias

from cnndsl.diagnostics import Diagnostic, Edit, Fix, Source, Span

Examine: TypeAlias = "Callable[[Source], list[Diagnostic]]"
"""What checks a text, and gives all that is to be said about it."""

MIN_ROUNDS, MAX_ROUNDS = 10, 1_000
"""How many times a text is looked at again at most: a long one less often."""

MAX_READ = 20_000_000
"""How many characters are looked at again at most, where it is not for `MIN_ROUNDS`."""

MAX_DETOURS = 30
"""How many fixes in a row may bring to light as much as they mend."""

MAX_SINGLE = 8
"""Of how many fixes it is seen in a round whether one of them alone mends everything."""

MANY = 50
"""So many fixes at once are no detour, whatever comes to light."""


class Mended(NamedTuple):
    """A text after its fixes.

    * `source`: the text, under its old name
    * `applied`: the fixes that were made, in order, each with what it mended
    * `left`: what is to be said about the text now
    * `undo`: for each of `applied` the edits of the text that take it back; none where a later
      fix has changed the same place
    """

    source: Source
    applied: list[tuple[Diagnostic, Fix]]
    left: list[Diagnostic]
    undo: list[tuple[Edit, ...]]


def mend(
    source: Source, examine: Examine, *, unsafe: bool = False, promises: bool = False
) -> Mended:
    """Apply the best fix of each diagnostic, again and again until none is left that helps.

    The best is the first safe one, or with `unsafe` the first, where that may be what was meant;
    with `promises` promises may be given up (see `Fix`).
    A text that checks worse than before (see `badness`) is never accepted, nor one that was there
    before. Safe fixes that do not overlap are made at once; then one that alone leaves no error, if
    there is one; then others. What mends a size and perhaps more than the diagnostic that it came
    with is made by itself. A fix that turns out not to be needed, once no error is left, is taken
    back. After a size was mended, warnings are told and not mended: they are about the new net,
    which has first to be looked at.
    """
    left = examine(source)
    applied: list[tuple[Diagnostic, Fix]] = []
    undo: list[tuple[Edit, ...]] = []
    refused: set[tuple[Edit, ...]] = set()  # for the text as it is now
    seen = {source.text}
    detours = 0
    rounds = max(MIN_ROUNDS, min(MAX_ROUNDS, MAX_READ // max(1, len(source.text))))
    for _ in range(rounds):
        chosen = [
            (each, fix)
            for each in sorted(left, key=lambda each: (each.span, each.code))
            if (fix := best(each, unsafe=unsafe, promises=promises))
            and fix.edits not in refused
            and (each.severity == "error" or not any(_about_size(done) for done, _ in applied))
        ]
        if not chosen or detours > MAX_DETOURS:
            break
        # What mends a size may mend others as well, and these would then be mended twice.
        local = [(each, fix) for each, fix in chosen if fix.alone or not _about_size(each)]
        safe = [pair for pair in local if pair[1].safe]
        tried = disjoint(safe) or _single(source, examine, chosen) or disjoint(local) or chosen[:1]
        while True:
            after = Source(source.name, apply_edits(source.text, _edits(tried)))
            found = [] if after.text in seen else examine(after)
            fine = after.text not in seen and badness(found) <= badness(left)
            if fine or len(tried) == 1:
                break
            tried = tried[:1]  # one of them spoils the others
        if not fine:
            refused.add(tried[0][1].edits)
            continue
        # Of a text with very many problems only the first are told, before and after.
        better = badness(found) < badness(left) or len(tried) >= MANY
        detours = 0 if better else detours + 1
        edits = _edits(tried)
        undo = [_moved(each, edits) for each in undo] + [
            _inverse(fix, edits, source.text) for _, fix in tried
        ]
        source, left = after, found
        seen.add(source.text)
        applied += tried
        refused.clear()
    return _needed(Mended(source, applied, left, undo), examine)


def _about_size(diagnostic: Diagnostic) -> bool:
    return diagnostic.code.startswith("E2")


def _single(
    source: Source, examine: Examine, chosen: list[tuple[Diagnostic, Fix]]
) -> list[tuple[Diagnostic, Fix]]:
    """The first of the fixes of sizes that leaves no error when it alone is made."""
    several = {fix.edits: (each, fix) for each, fix in reversed(chosen) if _about_size(each)}
    for pair in [pair for pair in reversed(several.values()) if not pair[1].alone][:MAX_SINGLE]:
        if len(several) == 1:
            return [pair]
        found = examine(Source(source.name, apply_edits(source.text, pair[1].edits)))
        if badness(found)[:2] == (0, 0):
            return [pair]
    return []


def _needed(mended: Mended, examine: Examine) -> Mended:
    """The same without the fixes that no longer mend an error, where no error is left.

    Fixes that were seen to mend one error each, and no other, are needed.
    """
    source, applied, left, undo = mended
    doubtful = any(_about_size(each) and not fix.alone for each, fix in applied)
    if not doubtful or len(applied) > MANY or badness(left)[:2] != (0, 0):
        return mended
    at = 0
    while at < len(applied) and len(applied) > 1:
        each, fix = applied[at]
        at += 1
        if fix.safe or each.severity != "error" or not undo[at - 1]:
            continue
        edits = undo[at - 1]
        after = Source(source.name, apply_edits(source.text, edits))
        found = examine(after)
        if badness(found)[:2] == (0, 0):
            source, left = after, found
            others = [i for i in range(len(applied)) if i != at - 1]
            undo = [_moved(undo[i], edits) for i in others]
            applied = [applied[i] for i in others]
            at = 0
    return Mended(source, applied, left, undo)


def _inverse(fix: Fix, made: Sequence[Edit], text: str) -> tuple[Edit, ...]:
    """What takes a fix back in the text after all edits that were `made`, its own among them."""
    mine, grown, found = set(fix.edits), 0, []
    for edit in sorted(made):
        start = edit.span.start + grown
        if edit in mine:
            found.append(Edit(Span(start, start + len(edit.text)), text[slice(*edit.span)]))
        grown += len(edit.text) - (edit.span.end - edit.span.start)
    return tuple(found)


def _moved(undo: tuple[Edit, ...], made: Sequence[Edit]) -> tuple[Edit, ...]:
    """Edits where they stand after others were made; none where these changed the same place."""
    found = []
    for (start, end), text in undo:
        grown = 0
        for edit in made:
            if edit.span.end <= start:
                grown += len(edit.text) - (edit.span.end - edit.span.start)
            elif edit.span.start < end:
                return ()
        found.append(Edit(Span(start + grown, end + grown), text))
    return tuple(found)


def _edits(pairs: Iterable[tuple[Diagnostic, Fix]]) -> list[Edit]:
    return [edit for _, fix in pairs for edit in fix.edits]


def best(diagnostic: Diagnostic, *, unsafe: bool, promises: bool = False) -> Fix | None:
    """The fix of a diagnostic that may be applied, if there is one."""
    for number, fix in enumerate(diagnostic.fixes):
        likeliest = unsafe and number == 0 and not fix.intent
        if fix.safe or likeliest or (promises and fix.intent == "promise"):
            return fix
    return None


def disjoint(pairs: Iterable[tuple[Diagnostic, Fix]]) -> list[tuple[Diagnostic, Fix]]:
    """The fixes, in order, whose edits leave those of the ones before alone."""
    taken: list[tuple[int, int]] = []  # the places of edits, in order; no two of them touch
    kept = []
    for diagnostic, fix in pairs:
        if all(_free(taken, edit) for edit in fix.edits):
            kept.append((diagnostic, fix))
            for edit in fix.edits:
                insort(taken, (edit.span.start, edit.span.end))
    return kept


def _free(taken: list[tuple[int, int]], edit: Edit) -> bool:
    """Whether an edit touches none of the places."""
    at = bisect_left(taken, (edit.span.start, edit.span.end))
    before = at == 0 or taken[at - 1][1] < edit.span.start
    return before and (at == len(taken) or edit.span.end < taken[at][0])


def apply_edits(text: str, edits: Iterable[Edit]) -> str:
    """The text after edits that do not overlap; every other character as it was."""
    pieces, last = [], 0
    for edit in sorted(edits):
        pieces += [text[last : edit.span.start], edit.text]
        last = edit.span.end
    return "".join([*pieces, text[last:]])


def badness(diagnostics: Sequence[Diagnostic]) -> tuple[int, int, int]:
    """How badly a text checks: what keeps it from being read, then errors, then warnings.

    What cannot be read hides other errors, so that one less of it is better whatever comes
    to light.
    """
    unread = sum(each.code.startswith("E0") for each in diagnostics)
    errors = sum(each.severity == "error" for each in diagnostics)
    return unread, errors, len(diagnostics) - errors
