"""The arguments of a command: what it takes, and reading them.

In the place of argparse, which takes longer to import than a net takes to check.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from cnndsl.contract import Option, OptionError, read_option


class UsageError(Exception):
    """The command line is wrong. Its text says why in one line."""

    command = ""


class Command(NamedTuple):
    """What a command is called with, and what its help says.

    `refuse` says more of an option that the command does not take, or nothing.
    """

    name: str
    operands: str
    summary: str
    about: str
    options: tuple[Option, ...]
    examples: tuple[str, ...]
    refuse: Callable[[str], str] = lambda name: ""


HELP = Option("help", "show this help", letter="h")
"""An option of every command, besides its own."""


class Arguments:
    """What a command was called with."""

    def __init__(self) -> None:
        self.operands: list[str] = []
        self._given: dict[str, list[str]] = {}

    def add(self, key: str, value: str) -> None:
        self._given.setdefault(key, []).append(value)

    def has(self, key: str) -> bool:
        """Whether an option was given."""
        return key in self._given

    def get(self, key: str) -> str | None:
        """The value of an option."""
        return self._given[key][-1] if key in self._given else None

    def every(self, key: str) -> list[str]:
        """The values of an option that can be repeated."""
        return self._given.get(key, [])

    def natural(self, key: str) -> int | None:
        """The value of an option that wants a natural number."""
        text = self.get(key)
        return None if text is None else read_value(Option(key, "", "natural"), text)


def read_arguments(command: Command, words: list[str]) -> Arguments:
    """Sort the words after a command's name into operands and options."""
    known = {name: option for option in (*command.options, HELP) for name in option.names}
    arguments = Arguments()
    rest = iter(words)
    for word in rest:
        if word == "--":
            arguments.operands.extend(rest)
        elif word == "-" or not word.startswith("-"):
            arguments.operands.append(word)
        else:
            _read_option(command, known, arguments, word, rest)
    return arguments


def _read_option(
    command: Command, known: dict[str, Option], arguments: Arguments, word: str, rest: Iterable[str]
) -> None:
    if word.startswith("--"):
        name, given, value = word.partition("=")
    else:
        name, given, value = word[:2], word[2:], word[2:].removeprefix("=")
    option = known.get(name)
    if option is None:
        from cnndsl.diagnostics.spelling import nearest

        why = command.refuse(name)
        raise UsageError(why or f"unknown option {quoted(name)}{nearest(name, known)}")
    if not option.value:
        if given:
            raise UsageError(f"{name} takes no value")
    elif not given:
        following = next(iter(rest), None)
        if following is None:
            raise UsageError(f"{name} needs a value: {name} {option.value}")
        value = following
    if option.value and arguments.has(option.name) and not option.repeated:
        raise UsageError(f"{name} is given twice")
    if option.kind == "word" and option.choices and value not in option.choices:
        choices = ", ".join(option.choices)
        raise UsageError(f"{name} is one of {choices}, not {quoted(value)}")
    arguments.add(option.name, value)


def read_value(option: Option, text: str) -> Any:
    """The value of an option that was given as a text; a flag is True."""
    try:
        return read_option(option, text)
    except OptionError as error:
        raise UsageError(f"--{option.name} {error}") from None


def quoted(word: str) -> str:
    """A word of the command line as a message shows it."""
    from cnndsl.diagnostics.render import printable

    shown = printable(word)
    return f"`{shown}`" if len(shown) <= 60 else f"`{shown[:57]}…`"
