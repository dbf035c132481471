"""Targets: what a checked Network becomes. One folder each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
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

    __name__: str
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
    """An option that a target does not have, or a value that it does not know.

    Its text says so in a line.
    """


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
    problem = _trouble(option, words if option.kind == "words" else text)
    if problem:
        raise OptionError(problem)
    return words if option.kind == "words" else text


def checked_options(target: Target, given: Mapping[str, Any]) -> None:
    """Raises OptionError for keywords that a target's `generate` does not take.

    What it takes besides its `OPTIONS` is for programs alone, and is not looked at.
    """
    from cnndsl.diagnostics.spelling import nearest

    others = getattr(target.generate, "__kwdefaults__", None) or {}
    known = [keyword(option) for option in target.OPTIONS]
    for key in given:
        if key not in known and key not in others:
            name = target.__name__.rpartition(".")[2]
            there = f"; its options are {', '.join(known)}" if known else "; it has no options"
            raise OptionError(f"{name} takes no `{key[:60]}`{nearest(key, known) or there}")
    checked_values(
        target.OPTIONS,
        {key: value for key, value in given.items() if key not in others or value != others[key]},
    )


def checked_values(options: Iterable[Option], given: Mapping[str, Any]) -> None:
    """Raises OptionError where an option is given what it does not know. None is not given."""
    for option in options:
        value = given.get(keyword(option))
        problem = "" if value is None else _trouble(option, value)
        if problem:
            raise OptionError(f"{keyword(option)} {problem}")


def keyword(option: Option) -> str:
    """The keyword of an option: its name, as Python writes names."""
    return option.name.replace("-", "_")


def _trouble(option: Option, value: Any) -> str:
    """What is wrong with the value of an option, to go on from its name; empty for nothing."""
    shown = repr(value)[:60]
    if option.kind == "flag":
        return "" if isinstance(value, bool) else f"wants True or False, not {shown}"
    if option.kind == "natural":
        fits = isinstance(value, int) and not isinstance(value, bool) and value >= 1
        return "" if fits else f"must be at least 1, not {shown}"
    words = [value] if option.kind == "word" else value
    if not isinstance(words, (list, tuple)) or not all(isinstance(word, str) for word in words):
        return f"wants {'a word' if option.kind == 'word' else 'a list of words'}, not {shown}"
    for word in words:
        if option.choices and word not in option.choices:
            from cnndsl.diagnostics.spelling import nearest

            known = f"; it knows {', '.join(option.choices)}"
            return f"knows no `{word[:60]}`{nearest(word, option.choices) or known}"
    return ""
