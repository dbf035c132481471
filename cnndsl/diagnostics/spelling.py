"""What a word that is not known may have been meant to be: of options, rules and keys.

Words of the language are another matter, as other tools have other names for layers: see
`cnndsl.network.words`.
"""

from __future__ import annotations

from collections.abc import Iterable


def nearest(word: str, known: Iterable[str]) -> str:
    """`; did you mean …?` where a known word is near, else nothing."""
    near = near_word(word, known)
    return f"; did you mean `{near}`?" if near else ""


def near_word(word: str, known: Iterable[str]) -> str:
    """The known word that is nearest, if one is near, else nothing."""
    from difflib import get_close_matches

    by_lower = {each.lower(): each for each in known}
    found = get_close_matches(word.lower()[:60], by_lower, n=1, cutoff=0.6)
    return by_lower[found[0]] if found else ""
