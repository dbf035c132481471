"""The words that mean something, and so cannot be names; and what a misspelt one may mean."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

from cnndsl.diagnostics import Edit, Fix, Span
from cnndsl.diagnostics.message import NOTHING, Message
from cnndsl.layers import LAYERS, MERGES, family
from cnndsl.syntax.nodes import FUNCTIONS, SIZES
from cnndsl.syntax.tables import KEYWORDS

STATEMENTS = tuple(word for word in KEYWORDS if word not in ("and", "or", "not", "as", "else"))
"""The words that begin statements other than layers."""

KEEPING = frozenset(
    (
        *("#", "let", "param", "expect", "net", "block", "head", "rounding", "defaults", "skip"),
        *(*family("activation", "norm", "scaling", "dropout"), "shuffle"),
    )
)
"""The words of statements after which the current tensor is of the shape that it was."""

_FLAGS = frozenset(
    slot.name
    for layer in (*LAYERS.values(), *MERGES.values())
    for slot in layer.slots
    if slot.form == "flag"
)
VALUES = frozenset(
    word
    for layer in (*LAYERS.values(), *MERGES.values())
    for slot in layer.slots
    if slot.kind is not None
    for word in slot.kind.words
)
"""The words that are values of some arguments, and mean nothing elsewhere."""

LATER = frozenset(
    (
        *(word for word, layer in {**LAYERS, **MERGES}.items() if layer.since != "1"),
        *(
            slot.name
            for layer in (*LAYERS.values(), *MERGES.values())
            for slot in layer.slots
            if slot.form == "flag" and slot.since != "1"
        ),
    )
)
"""The words that came after the first version: a name that a file defines outranks them."""

_ALIKE = 0.65  # from where on a word may be another misspelt
_OTHERS = frozenset(("skip", "exact", "keras", "torch"))


class Problem(NamedTuple):
    """What is wrong with an argument."""

    code: str
    span: Span
    message: Message
    help: Message = NOTHING
    fixes: tuple[Fix, ...] = ()


def is_word(name: str) -> bool:
    """Whether a name is a layer, a merge, a flag or another word with a meaning."""
    return name in LAYERS or name in MERGES or name in _FLAGS or name in _OTHERS


def reserved(name: str) -> bool:
    """Whether a name cannot be given to anything else."""
    return (is_word(name) and name not in LATER) or name in SIZES or name in FUNCTIONS


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word closest to a misspelt one, or None."""
    known = tuple(sorted(set(known)))
    return (_nearest if len(known) <= 200 else _nearest.__wrapped__)(word, known)


@lru_cache(maxsize=1000)  # as a loop runs into the same words again and again
def _nearest(word: str, known: tuple[str, ...]) -> str | None:
    if word.lower() in known:
        return word.lower()
    from cnndsl.foreign.words import is_another, misspelt, word_for

    if "conv" in known:
        from cnndsl.foreign.idioms import idiom

        if idiom(word):  # a thing for which there is no single word
            plain = word.lower().replace("_", "")
            return next((each for each in known if each.lower().replace("_", "") == plain), None)
    foreign = word_for(word)
    if foreign in known:
        return foreign
    if len(word) > 40:
        return None
    if "conv" in known and (meant := misspelt(word)) in known:
        return meant
    from difflib import get_close_matches

    # Most of many have too few letters in common with it, which is seen at once.
    letters, least = {*word}, _ALIKE / 2
    close = [
        each
        for each in known
        if len(each) - len({*each} - letters) >= least * (len(word) + len(each))
    ]
    found = get_close_matches(word, close, n=1, cutoff=_ALIKE)
    return found[0] if found and not is_another(word, found[0]) else None


def did_you_mean(near: str | None) -> Message:
    """The help that suggests a word; empty for None."""
    return Message("did you mean `{near}`?", near=near) if near else NOTHING


def rewrite(span: Span, word: str | None) -> tuple[Fix, ...]:
    """The fix that writes a word in the place of what stands there; none for None."""
    return (Fix(Message("write `{text}`", text=word), (Edit(span, word),)),) if word else ()
