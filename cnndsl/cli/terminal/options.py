"""The arguments of a command: what it takes, and reading them.

In the place of argparse, which takes longer to import than a net takes to check.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


class UsageError(Exception):
    """The command line is wrong. Its text says why in one line."""

    command = ""


class Option:
    """`--check`, or with a `value` `--target T`. `names` are in order short, long."""

    __slots__ = ("choices", "help", "key", "names", "repeated", "value")

    def __init__(
        self,
        names: str,
        help: str,
        value: str = "",
        *,
        repeated: bool = False,
        choices: tuple[str, ...] = (),
    ) -> None:
        self.names = names.split(", ")
        self.key = self.names[-1].lstrip("-")
        self.help = help
        self.value = value
        self.repeated = repeated
        self.choices = choices


class Command:
    """What a command is called with, and what its help says.

    `refuse` says more of an option that the command does not take, or nothing.
    """

    __slots__ = ("about", "examples", "name", "operands", "options", "refuse", "summary")

    def __init__(
        self,
        name: str,
        operands: str,
        summary: str,
        about: str,
        options: tuple[Option, ...],
        examples: tuple[str, ...],
        refuse: Callable[[str], str] = lambda name: "",
    ) -> None:
        self.name = name
        self.operands = operands
        self.summary = summary
        self.about = about
        self.options = (*options, HELP)
        self.examples = examples
        self.refuse = refuse


HELP = Option("-h, --help", "show this help")


class Arguments:
    """What a command was called with."""

    __slots__ = ("_given", "operands")

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


def read_arguments(command: Command, words: list[str]) -> Arguments:
    """Sort the words after a command's name into operands and options."""
    known = {name: option for option in command.options for name in option.names}
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
    command: Command,
    known: dict[str, Option],
    arguments: Arguments,
    word: str,
    rest: Iterable[str],
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
    if option.value and arguments.has(option.key) and not option.repeated:
        raise UsageError(f"{name} is given twice")
    if option.choices and value not in option.choices:
        choices = ", ".join(option.choices)
        raise UsageError(f"{name} is one of {choices}, not {quoted(value)}")
    arguments.add(option.key, value)


def quoted(word: str) -> str:
    """A word of the command line as a message shows it."""
    from cnndsl.diagnostics.render import printable

    shown = printable(word)
    return f"`{shown}`" if len(shown) <= 60 else f"`{shown[:57]}…`"
