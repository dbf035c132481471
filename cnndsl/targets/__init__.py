"""Targets: what a checked Network becomes. One folder each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

if TYPE_CHECKING:
    from typing import Literal

    from cnndsl.diagnostics import Diagnostic
    from cnndsl.network import Network
    from cnndsl.network.attempt import Attempt


class Option(NamedTuple):
    """A keyword of a target's `generate`, and how the command line gives it.

    `kind` is `flag` for one that is given or not, `natural` for a whole number from 1,
    `word` for a text, one of `choices` where there are any, and `words` for several with
    commas between them, which `generate` gets as a tuple. `value` is what help shows for
    the value.
    """

    name: str
    help: str
    kind: Literal["flag", "natural", "word", "words"] = "flag"
    value: str = ""
    choices: tuple[str, ...] = ()


class Target(Protocol):
    """A module `cnndsl.targets.NAME`: a suffix for files, `generate` and its options."""

    SUFFIX: str
    OPTIONS: tuple[Option, ...]

    def generate(self, network: Network, **options: Any) -> str | bytes:
        """The contents of the file that a network becomes.

        Raises TargetError for a network that the target cannot express, OptionError for
        options that do not go together, and Unavailable where a library is missing.
        """
        ...


class Explains(Target, Protocol):
    """A target that also has something to say of a net with errors."""

    def explain(self, attempt: Attempt, diagnostics: list[Diagnostic], **options: Any) -> str:
        """What to show in the place of what `generate` would make; takes its options.

        It goes where people read it: to standard output, or into a document that knows of the
        errors. No file is written of a net with errors, and the exit code says that it has some.
        """
        ...


class TargetError(Exception):
    """A network that a target cannot express; `diagnostics` say which layer, and why."""

    def __init__(self, diagnostics: list[Diagnostic]) -> None:
        super().__init__("; ".join(diagnostic.message for diagnostic in diagnostics))
        self.diagnostics = diagnostics


class OptionError(ValueError):
    """An option with a value that the target does not know. Its text says so in a line."""


class Unavailable(Exception):
    """A library that the target works with is not installed.

    `library` is its name, `extra` the extra of cnndsl that brings it.
    """

    def __init__(self, library: str, extra: str) -> None:
        super().__init__(f"{library} is not installed: pip install 'cnndsl[{extra}]'")
        self.library, self.extra = library, extra


def names() -> tuple[str, ...]:
    """The names of all targets."""
    from pkgutil import iter_modules

    return tuple(sorted(module.name for module in iter_modules(__path__) if module.ispkg))


def load(name: str) -> Target:
    """A target by name; raises KeyError where there is none."""
    from importlib import import_module

    # Not by asking `names`: to look around takes longer than to import.
    if not name.isidentifier():
        raise KeyError(name)
    path = f"{__name__}.{name}"
    try:
        module = import_module(path)
    except ModuleNotFoundError as error:
        if error.name != path:
            raise
        raise KeyError(name) from None
    if not hasattr(module, "__path__"):  # something that targets share
        raise KeyError(name)
    return module


def read_option(option: Option, text: str) -> Any:
    """The value of an option as `generate` takes it, from what was written.

    A flag is True whatever was written. Raises OptionError, whose text goes on from the name
    of the option.
    """
    if option.kind == "flag":
        return True
    if option.kind == "natural":
        digits = text.replace("_", "")
        if not (digits.isascii() and digits.isdigit() and len(digits) <= 18 and int(digits)):
            raise OptionError("wants a natural number")
        return int(digits)
    words = tuple(word.strip() for word in text.split(",")) if option.kind == "words" else (text,)
    checked_words(option, words)
    return words if option.kind == "words" else text


def checked_words(option: Option, words: tuple[str, ...]) -> None:
    """Raises OptionError where the option does not know one of the words, and says which it does.

    Its text goes on from the name of the option.
    """
    for word in words:
        if option.choices and word not in option.choices:
            from difflib import get_close_matches

            near = get_close_matches(word[:60], option.choices, n=1)
            known = f"it knows {', '.join(option.choices)}"
            guess = f"did you mean `{near[0]}`?" if near else known
            raise OptionError(f"knows no `{word[:60]}`; {guess}")
