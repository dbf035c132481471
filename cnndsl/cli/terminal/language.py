"""The language in which a run tells what is wrong with nets."""

from __future__ import annotations

import os
from collections.abc import Sequence

from cnndsl.cli.terminal.options import Arguments, UsageError
from cnndsl.contract import Option, OptionError, words_asked
from cnndsl.lang import LANGUAGES, Words

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cnndsl.cli.runner.configuration import Finder

VARIABLE = "CNNDSL_LANG"

LANG = Option(
    "lang",
    "the language of messages: en or ko; unless said,\n"
    "that of CNNDSL_LANG or of the configuration, else en",
    "word",
    "L",
    LANGUAGES,
)
"""The option of every command that tells what is wrong with nets."""


def language(arguments: Arguments, paths: Sequence[str] = (), finder: Finder | None = None) -> str:
    """The language that the option, the environment, or the configuration of the first file
    asks for, in this order; English where none does."""
    given = arguments.get("lang")
    if given is not None:
        return given
    word = os.environ.get(VARIABLE)
    if word in LANGUAGES:
        return word
    if word:
        from cnndsl.cli.terminal.options import quoted
        from cnndsl.cli.terminal.output import say

        say(f"{VARIABLE} is one of {', '.join(LANGUAGES)}, not {quoted(word)}: this is English")
        return "en"
    return _configured(paths[0] if paths else "-", finder)


def words_of(arguments: Arguments, lang: str) -> Words:
    """The words of a language, in the terms that the option asks for."""
    try:
        return words_asked(lang, arguments.get("terms") or "native")
    except OptionError as error:
        raise UsageError(str(error)) from None


def _configured(path: str, finder: Finder | None) -> str:
    from cnndsl.cli.runner.configuration import Finder
    from cnndsl.cli.terminal.files import FileError

    try:
        found = (finder or Finder()).of(path)
    except FileError:
        return "en"  # `check` says what is wrong with a configuration
    return (found and found.configuration.lang) or "en"
