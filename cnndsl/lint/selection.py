"""Which codes are reported: `select`, `extend-select` and `ignore`.

A word is a code (`W101`), a name (`bias-before-norm`), the beginning of codes (`W1`), or
`ALL`. Where one word selects a code and another ignores it, the one that says more of the
code wins; where both say as much, it is ignored.

Errors are reported whatever is selected: a text with errors is no net, as for ruff a file
that does not parse is no Python.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from cnndsl.diagnostics.codes import CODES, on_by_default
from cnndsl.diagnostics.message import NOTHING, Message

ERRORS = frozenset(code for code, row in CODES.items() if row.severity == "error")

# How much a word says of a code: ALL nothing, a prefix as much as it is long.
_NOTHING, _EXACT = 0, 99


class SelectionError(ValueError):
    """A word that selects nothing. Its text says why, and what may have been meant."""

    def __init__(self, message: Message, word: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.word = word

    @property
    def help(self) -> Message:
        """What may have been meant, where the code or name of a rule is near."""
        from cnndsl.diagnostics.spelling import near_word

        known = (each for row in CODES.values() for each in (row.code, row.name))
        near = near_word(self.word, known) if self.word else ""
        return Message("did you mean `{near}`?", near=near) if near else NOTHING

    def __str__(self) -> str:
        return "; ".join(filter(None, (self.message, self.help)))


class Selection(NamedTuple):
    """Words that select codes. A `select` of None is what is on by default."""

    select: Sequence[str] | None = None
    extend: Sequence[str] = ()
    ignore: Sequence[str] = ()


def chosen(selection: Selection) -> frozenset[str]:
    """The codes that are reported. Raises SelectionError."""
    on = dict.fromkeys(on_by_default() if selection.select is None else ERRORS, _NOTHING)
    for word in (*(selection.select or ()), *selection.extend):
        codes, weight = matching(word)
        on.update((code, max(weight, on.get(code, _NOTHING))) for code in codes)
    off: dict[str, int] = {}
    for codes, weight in map(ignorable, selection.ignore):
        off.update((code, max(weight, off.get(code, _NOTHING))) for code in codes)
    return ERRORS | {code for code, weight in on.items() if weight > off.get(code, -1)}


def ignorable(word: str) -> tuple[frozenset[str], int]:
    """As `matching`. Raises SelectionError also where the word means errors alone."""
    codes, weight = matching(word)
    if codes <= ERRORS:
        message = Message(
            "`{word}` means errors: a text with errors is no net, and they cannot be ignored",
            word=word,
        )
        if weight == _EXACT:
            message = Message(
                "`{word}` is an error: a text with errors is no net, and they cannot be ignored",
                word=word,
            )
        raise SelectionError(message)
    return codes, weight


def matching(word: str) -> tuple[frozenset[str], int]:
    """The codes that a word means, and how much it says of them. Raises SelectionError."""
    lower = word.lower()
    if lower == "all":
        return frozenset(CODES), _NOTHING
    for row in CODES.values():
        if lower in (row.code.lower(), row.name):
            return frozenset((row.code,)), _EXACT
    if re.fullmatch(r"[a-z]\d*", lower):
        found = frozenset(code for code in CODES if code.lower().startswith(lower))
        if found:
            return found, len(lower)
    raise SelectionError(Message("there is no rule `{word}`", word=shown(word)), word)


def shown(word: str) -> str:
    """A word fit for a message."""
    return word if len(word) <= 60 else f"{word[:57]}…"


def words_of(text: str) -> list[str]:
    """The words of a list with commas, as in `W101, W2`."""
    return [word.strip() for word in text.split(",") if word.strip()]
