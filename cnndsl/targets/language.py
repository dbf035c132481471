"""The language that a target writes in, for every target that writes for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cnndsl.lang import LANGUAGES, words
from cnndsl.targets import Option, OptionError

if TYPE_CHECKING:
    from cnndsl.lang import Words

LANG = Option("lang", "the language of the words: en (unless said) or ko", "word", "L", LANGUAGES)


def read_words(lang: str) -> Words:
    """The words of a language; raises OptionError for one that there is not."""
    try:
        return words(lang)
    except ValueError as error:
        raise OptionError(str(error)) from None
