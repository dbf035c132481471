"""What a target takes and how it refuses: options, and the errors of `generate`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Literal, NamedTuple

from cnndsl.diagnostics import Diagnostic
from cnndsl.diagnostics.message import NOTHING, Message
from cnndsl.lang import LANGUAGES, Words, words
from cnndsl.lang import TERMS as SETS_OF_TERMS


class Option(NamedTuple):
    """An option of a command, or a keyword of a target's `generate`, which is one of `build`.

    `kind` is `flag` for one that is given or not, `natural` for a whole number from 1,
    `word` for a text, one of `choices` where there are any, and `words` for several with
    commas between them, which `generate` gets as a tuple. `value` is what help shows for
    the value. `letter` is a short name, and `repeated` says that it can be given several times.
    """

    name: str
    help: str
    kind: Literal["flag", "natural", "word", "words"] = "flag"
    value: str = ""
    choices: tuple[str, ...] = ()
    letter: str = ""
    repeated: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        """What the command line calls it."""
        long = f"--{self.name}"
        return (f"-{self.letter}", long) if self.letter else (long,)


LANG = Option("lang", "the language of the words: en (unless said) or ko", "word", "L", LANGUAGES)
"""For every target that writes for people."""

TERMS = Option(
    "terms",
    "the terms: native (unless said), or the loan words of Korean",
    "word",
    "T",
    tuple(SETS_OF_TERMS),
)
"""For everything that takes LANG."""

DEPTH = Option(
    "depth", "open blocks N levels deep, and give those below one row each", "natural", "N"
)
"""For everything that shows rows."""


def words_asked(lang: str, terms: str) -> Words:
    """The words of a language in a set of terms; raises OptionError where it has no such set."""
    if lang not in SETS_OF_TERMS[terms]:
        about = {"terms": terms, "languages": ", ".join(SETS_OF_TERMS[terms]), "lang": lang}
        message = Message("the terms `{terms}` go with lang {languages}, not {lang}", **about)
        raise OptionError(message)
    return words(lang, terms)


class TargetError(Exception):
    """A network that a target cannot express; `diagnostics` say which layer, and why."""

    def __init__(self, diagnostics: list[Diagnostic]) -> None:
        super().__init__("; ".join(diagnostic.message for diagnostic in diagnostics))
        self.diagnostics = diagnostics


class OptionError(ValueError):
    """An option that a target does not have, or a value that it does not know.

    Its text says so in a line; `message` is the same as data. `about` is the option or the value.
    """

    def __init__(self, message: Message, about: str = "") -> None:
        super().__init__(message)
        self.message, self.about = message, about


class Unavailable(Exception):
    """A library that the target works with is not installed.

    `library` is its name, `extra` the extra of cnndsl that brings it.
    """

    def __init__(self, library: str, extra: str) -> None:
        super().__init__(f"{library} is not installed: pip install 'cnndsl[{extra}]'")
        self.library, self.extra = library, extra


def natural(text: str) -> int:
    """The natural number that a text is; `_` may group its digits. Raises OptionError."""
    digits = text.replace("_", "")
    if not (digits.isascii() and digits.isdigit() and len(digits) <= 18 and int(digits)):
        raise OptionError(Message("wants a natural number"))
    return int(digits)


def read_option(option: Option, text: str) -> Any:
    """The value of an option as `generate` takes it, from what was written.

    A flag is True whatever was written. Raises OptionError, whose text goes on from the name
    of the option.
    """
    if option.kind == "flag":
        return True
    if option.kind == "natural":
        return natural(text)
    words = tuple(word.strip() for word in text.split(",")) if option.kind == "words" else (text,)
    problem = _trouble(option, words if option.kind == "words" else text)
    if problem:
        raise OptionError(problem)
    return words if option.kind == "words" else text


def checked_values(options: Iterable[Option], given: Mapping[str, Any]) -> None:
    """Raises OptionError where an option is given what it does not know. None is not given."""
    for option in options:
        value = given.get(keyword(option))
        problem = NOTHING if value is None else _trouble(option, value)
        if problem:
            raise OptionError(
                Message("{option} {problem}", option=keyword(option), problem=problem)
            )


def keyword(option: Option) -> str:
    """The keyword of an option: its name, as Python writes names."""
    return option.name.replace("-", "_")


def _trouble(option: Option, value: Any) -> Message:
    """What is wrong with the value of an option, to go on from its name; empty for nothing."""
    shown = repr(value)[:60]
    if option.kind == "flag":
        fits = isinstance(value, bool)
        return NOTHING if fits else Message("wants True or False, not {value}", value=shown)
    if option.kind == "natural":
        fits = isinstance(value, int) and not isinstance(value, bool) and value >= 1
        return NOTHING if fits else Message("must be at least 1, not {value}", value=shown)
    words = [value] if option.kind == "word" else value
    if not isinstance(words, (list, tuple)) or not all(isinstance(word, str) for word in words):
        if option.kind == "words":
            return Message("wants a list of words, not {value}", value=shown)
        return Message("wants a word, not {value}", value=shown)
    for word in words:
        if option.choices and word not in option.choices:
            from cnndsl.diagnostics.spelling import near_word

            near = near_word(word, option.choices)
            shown, known = word[:60], ", ".join(option.choices)
            if near:
                return Message("knows no `{word}`; did you mean `{near}`?", word=shown, near=near)
            return Message("knows no `{word}`; it knows {words}", word=shown, words=known)
    return NOTHING
