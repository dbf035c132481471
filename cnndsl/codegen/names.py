"""Names of generated code: each is handed out once, by the scope that it stands in."""

from __future__ import annotations

import builtins
import keyword
from collections.abc import Container, Iterable

KEYWORDS = frozenset({*keyword.kwlist, *keyword.softkwlist})
"""What cannot be a name in Python."""
_WORDS = KEYWORDS | frozenset(dir(builtins))
"""What means something in Python, and is nobody's name."""


class Names:
    """The names of a module, or of a class or function in it, which hide none of the module's.

    What is `reserved` is never handed out; `words` are those of Python. What is `taken` may be let
    go again, and what is `kept` not; all that was ever taken is among what is `handed` out.
    """

    def __init__(
        self,
        outer: Names | None = None,
        reserved: Iterable[str] = (),
        words: frozenset[str] = _WORDS,
    ) -> None:
        self.outer, self.words = outer, words
        self.reserved = frozenset(reserved)
        self.taken: set[str] = set()
        self.kept: set[str] = set()
        self.handed: set[str] = set()

    def __contains__(self, name: object) -> bool:
        return (
            name in self.taken
            or name in self.kept
            or name in self.reserved
            or (self.outer is not None and name in self.outer)
        )

    def take(self, name: str) -> str:
        """The name given, or else with an underscore or a number; nobody gets it again."""
        if (
            name in self.words
            or name in self.reserved
            or name.startswith("__")
            or (self.outer is not None and name in self.outer)
        ):
            name = f"{name}_"
        free = distinct(name, self)
        self.taken.add(free)
        self.handed.add(free)
        return free


def distinct(name: str, taken: Container[object]) -> str:
    """A name that is not taken: the one given, or else with a number; or the next branch."""
    free, count = name, 1
    stem = name.rstrip("0123456789")
    if stem == "branch" and name != stem:
        count, name = int(name[len(stem) :]), stem
    while free in taken:
        count += 1
        free = numbered(name, count)
    return free


def numbered(name: str, count: int) -> str:
    """A name with a number behind it: body2, c1_2."""
    return f"{name}_{count}" if name[-1].isdigit() else f"{name}{count}"


def class_name(name: str) -> str:
    """A name as a class is called: inverted_residual becomes InvertedResidual."""
    parts = [part for part in name.split("_") if part]
    result = "".join(part[:1].upper() + part[1:] for part in parts) or "Net"
    return result if result.isidentifier() else f"Net{result}"
