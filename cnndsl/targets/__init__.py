"""Targets: what a checked Network becomes. One folder each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from cnndsl.contract import (
    Option,
    OptionError,
    TargetError,
    Unavailable,
    checked_values,
    keyword,
    read_option,
)
from cnndsl.diagnostics.message import Message

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from cnndsl.diagnostics import Diagnostic
    from cnndsl.layers import Layer
    from cnndsl.network import Network
    from cnndsl.network.attempt import Attempt


__all__ = [
    "Explains",
    "Option",
    "OptionError",
    "Target",
    "TargetError",
    "Unavailable",
    "checked_options",
    "checked_values",
    "class_name",
    "keyword",
    "load",
    "names",
    "read_option",
    "suffix",
]


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


def suffix(target: Target, options: Mapping[str, Any]) -> str:
    """The ending of the files that a target makes: its own, or that which an option gives them."""
    named: Callable[..., str] | None = getattr(target, "suffix", None)
    return named(**options) if named is not None else target.SUFFIX


def class_name(layer: Layer) -> str:
    """What Keras calls a layer, as tables of types say."""
    keras: Any = load("keras")
    name: str = keras.class_name(layer)
    return name


def checked_options(target: Target, given: Mapping[str, Any]) -> None:
    """Raises OptionError for keywords that a target's `generate` does not take.

    What it takes besides its `OPTIONS` is for programs alone, and is not looked at.
    """
    from cnndsl.diagnostics.spelling import near_word

    others = getattr(target.generate, "__kwdefaults__", None) or {}
    known = [keyword(option) for option in target.OPTIONS]
    for key in given:
        if key not in known and key not in others:
            near = near_word(key, known)
            about = {"target": target.__name__.rpartition(".")[2], "option": key[:60]}
            message = Message("{target} takes no `{option}`; it has no options", **about)
            if near:
                message = Message(
                    "{target} takes no `{option}`; did you mean `{near}`?", near=near, **about
                )
            elif known:
                message = Message(
                    "{target} takes no `{option}`; its options are {options}",
                    options=", ".join(known),
                    **about,
                )
            raise OptionError(message)
    checked_values(
        target.OPTIONS,
        {key: value for key, value in given.items() if key not in others or value != others[key]},
    )
