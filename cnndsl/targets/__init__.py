"""Targets: what a checked Network becomes. One folder each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from cnndsl.diagnostics import Diagnostic
    from cnndsl.network import Network


class Target(Protocol):
    """A module `cnndsl.targets.NAME`: a suffix for files, and `generate`."""

    SUFFIX: str

    def generate(self, network: Network, **options: Any) -> str:
        """The text that a network becomes; raises NotExpressible."""
        ...


class TargetError(Exception):
    """A network that a target cannot express; `diagnostics` say which layer, and why."""

    def __init__(self, diagnostics: list[Diagnostic]) -> None:
        super().__init__("; ".join(diagnostic.message for diagnostic in diagnostics))
        self.diagnostics = diagnostics


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
