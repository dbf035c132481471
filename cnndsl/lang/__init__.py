"""The words of tables, walkthroughs and figures, in each language.

All words of a language stand in its module, as a plain dictionary: `cnndsl.lang.en`,
`cnndsl.lang.ko`. The keys are English and the same in all; `docs/tables.md` says why a word
was chosen. A text with names in braces is for `str.format`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

LANGUAGES = ("en", "ko")
"""The languages that there are, by their ISO 639 codes."""


class Words:
    """The words of a language: `words["stride"]`, `words.layer("conv")`."""

    __slots__ = ("_finish", "_layers", "_words", "lang")

    def __init__(
        self,
        lang: str,
        words: Mapping[str, str],
        layers: Mapping[str, str],
        finish: Callable[[str], str],
    ) -> None:
        self.lang = lang
        self._words, self._layers, self._finish = words, layers, finish

    def __getitem__(self, key: str) -> str:
        return self._words[key]

    def __contains__(self, key: str) -> bool:
        return key in self._words

    def layer(self, op: str, title: str) -> str:
        """The title of a layer, from its word and its English title."""
        return self._layers.get(op) or title[:1].upper() + title[1:].removesuffix(" layer")

    def say(self, key: str, /, **values: str) -> str:
        """A sentence with its places filled, in correct grammar."""
        return self._finish(self._words[key].format(**values))

    def say_of(self, number: int, key: str, /, **values: str) -> str:
        """A sentence about one thing or about many, with its places filled."""
        one = f"{key}.one"
        return self.say(one if number == 1 and one in self._words else f"{key}.many", **values)

    def count(self, number: int, key: str) -> str:
        """A number of things: `1 parameter`, `64,620 parameters`, `파라미터 64,620개`."""
        return self.say_of(number, key, number=f"{number:,}")

    def listed(self, names: Sequence[str]) -> str:
        """Names in a sentence: `height and width`, `높이, 너비`."""
        if len(names) < 2:
            return "".join(names)
        return self._words["list"].format(others=", ".join(names[:-1]), last=names[-1])


def words(lang: str = "en") -> Words:
    """The words of a language; raises ValueError for one that there is not."""
    if lang == "en":
        from cnndsl.lang.en import WORDS

        return Words(lang, WORDS, {}, str)
    if lang == "ko":
        from cnndsl.lang import ko
        from cnndsl.lang.particles import particles

        return Words(lang, ko.WORDS, ko.LAYERS, particles)
    raise ValueError(f"no words in {lang!r}: the languages are {', '.join(LANGUAGES)}")
