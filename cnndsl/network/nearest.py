"""The known word that a misspelt one is likely to mean."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cnndsl.diagnostics.diagnostic import Edit, Fix

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cnndsl.diagnostics import Span


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word closest to a misspelt one, or None."""
    known = sorted(set(known))
    if word.lower() in known:
        return word.lower()
    from cnndsl.network.habits import word_for

    foreign = word_for(word)
    if foreign in known:
        return foreign
    if len(word) > 40:
        return None
    from difflib import get_close_matches

    found = get_close_matches(word, known, n=1, cutoff=0.65)
    return found[0] if found else None


def did_you_mean(near: str | None) -> str:
    """The help that suggests a word; empty for None."""
    return f"did you mean `{near}`?" if near else ""


def rewrite(span: Span, word: str | None) -> tuple[Fix, ...]:
    """The fix that writes a word in the place of what stands there; none for None."""
    return (Fix(f"write `{word}`", (Edit(span, word),)),) if word else ()
