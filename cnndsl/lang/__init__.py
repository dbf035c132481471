"""The words of tables, walkthroughs and figures, in each language.

All words of a language stand in its module, as a plain dictionary: `cnndsl.lang.en`,
`cnndsl.lang.ko`. The keys are English and the same in all; `docs/tables.md` says why a word
was chosen. A text with names in braces is for `str.format`, and `$layer` is a term, of which
a language may have more than one set.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

LANGUAGES = ("en", "ko")
"""The languages that there are, by their ISO 639 codes."""

TERMS = {"native": LANGUAGES, "loan": ("ko",)}
"""The sets of terms, and the languages that have each."""

_TERM = re.compile(r"\$([a-z]+)(\([^()/]+/[^()/]+\))?")  # with a particle that it decides


class Words:
    """The words of a language: `words["stride"]`, `words.layer("conv")`."""

    __slots__ = ("_joined", "_layers", "_words", "lang", "terms")

    def __init__(
        self,
        lang: str,
        words: Mapping[str, str],
        layers: Mapping[str, str],
        joined: Callable[[str, str], str],
        terms: str = "native",
    ) -> None:
        self.lang, self.terms = lang, terms
        self._words, self._layers, self._joined = words, layers, joined

    def __getitem__(self, key: str) -> str:
        return self._words[key]

    @property
    def texts(self) -> Iterable[str]:
        """All words but the titles of layers."""
        return self._words.values()

    def __contains__(self, key: str) -> bool:
        return key in self._words

    def layer(self, op: str, title: str) -> str:
        """The title of a layer, from its word and its English title."""
        return self._layers.get(op) or title[:1].upper() + title[1:].removesuffix(" layer")

    def label(self, op: str) -> str:
        """What a layer is called in a figure: its title, in English its word.

        Without the word for a layer, which would read as the number of one: 합성곱 20.
        """
        return self._layers.get(op, op).removesuffix(f" {self['layer']}")

    def say(self, key: str, /, **values: str) -> str:
        """A sentence with its places filled, in correct grammar; what fills them stays as it is."""
        from string import Formatter

        said = ""
        for text, place, _, _ in Formatter().parse(self._words[key]):
            said = self._joined(said, text) + (values[place] if place else "")
        return said

    def say_of(self, number: int, key: str, /, **values: str) -> str:
        """A sentence about one thing or about many, with its places filled."""
        one = f"{key}.one"
        return self.say(one if number == 1 and one in self._words else f"{key}.many", **values)

    def count(self, number: int, key: str) -> str:
        """A number of things: `1 parameter`, `64,620 parameters`, `파라미터 64,620개`."""
        return self.say_of(number, key, number=f"{number:,}")

    def listed(self, names: Sequence[str], key: str = "list") -> str:
        """Names in a sentence: `height and width`, `높이와 너비`."""
        if len(names) < 2:
            return "".join(names)
        return self.say(key, others=", ".join(names[:-1]), last=names[-1])


@cache
def words(lang: str = "en", terms: str = "native") -> Words:
    """The words of a language, in one of its sets of terms.

    Raises ValueError for a language that there is not, or terms that it has not.
    """
    if lang in LANGUAGES and lang not in TERMS.get(terms, ()):
        raise ValueError(f"no terms {terms!r} in {lang!r}")
    if lang == "en":
        from operator import add

        from cnndsl.lang.en import WORDS

        return Words(lang, WORDS, {}, add)
    if lang == "ko":
        from cnndsl.lang import ko, ko_loan
        from cnndsl.lang.particles import with_particles

        chosen = ko_loan if terms == "loan" else ko
        known, layers = ko.TERMS | chosen.TERMS, ko.LAYERS | chosen.LAYERS

        def termed(texts: Mapping[str, str]) -> dict[str, str]:
            return {
                key: _TERM.sub(lambda at: with_particles(known[at[1]], at[2] or ""), text)
                for key, text in texts.items()
            }

        return Words(lang, termed(ko.WORDS), termed(layers), with_particles, terms)
    raise ValueError(f"no words in {lang!r}: the languages are {', '.join(LANGUAGES)}")
