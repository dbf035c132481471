"""What names mean at a place: constants, tensors, and the calls that led there."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from cnndsl.diagnostics import Note
from cnndsl.syntax import nodes as ast
from cnndsl.syntax import walk


class Sharing(NamedTuple):
    """The first of some calls that share their weights.

    * `call`: its statement
    * `first`: where its nodes begin
    * `holders`: those of its nodes that keep weights, in order
    * `is_sure`: whether no error keeps them from being known
    """

    call: ast.Apply
    first: int
    holders: tuple[int, ...]
    is_sure: bool


class Frame:
    """The file itself, or one call of a block: names given inside belong to it.

    `prefix` goes before the names of its nodes; `notes` tell the calls that led here; `lost`
    are the tensors that an error keeps from being known; `given` are all names that the file
    gives with `as`, which no count may take. `results` are the tensors inside the calls that
    have a name, as `u.low`; `shared` are the calls of shared blocks that others have the weights
    of, by the block and its arguments.
    """

    __slots__ = (
        "calls",
        "copies",
        "counts",
        "given",
        "instance",
        "lost",
        "notes",
        "prefix",
        "results",
        "shared",
        "taken",
    )

    def __init__(
        self,
        instance: tuple[str, ...],
        notes: tuple[Note, ...],
        calls: tuple[str, ...],
        given: frozenset[str] = frozenset(),
    ) -> None:
        self.given = given
        self.instance = instance
        self.prefix = "".join(f"{name}." for name in instance)
        self.notes = notes
        self.calls = calls
        self.counts: dict[str, int] = {}
        self.taken: set[str] = set()
        self.lost: dict[str, None] = {}
        self.copies: dict[str, int] = {}
        self.results: dict[str, int] = {}
        self.shared: dict[Any, Sharing] = {}

    def number(self, word: str) -> str:
        """The next name made of a word and a number: conv1, conv2, …, relu6_1."""
        stem = f"{word}_" if word[-1].isdecimal() else word
        while True:
            count = self.counts[word] = self.counts.get(word, 0) + 1
            name = f"{stem}{count}"
            if name not in self.taken and name not in self.given:
                self.taken.add(name)
                return name

    def unique(self, alias: str) -> str:
        """A name given with `as`; one given again in a loop gets a number."""
        count = self.copies.get(alias, 1)
        name = alias if count == 1 else f"{alias}_{count}"
        while name in self.taken:
            count += 1
            name = f"{alias}_{count}"
        self.copies[alias] = count
        self.taken.add(name)
        return name


def given_names(statements: Iterable[ast.Statement]) -> Iterable[str]:
    """All names that statements give with `as`, at any depth."""
    for statement in walk.statements(statements):
        alias = getattr(statement, "alias", None)
        if alias is not None:
            yield alias.id


def containers(statements: Iterable[ast.Statement]) -> dict[str, ast.Repeat | ast.Block | ast.Head]:
    """For each name that is given with `as` in a loop, block or head, the innermost around it."""
    found: dict[str, ast.Repeat | ast.Block | ast.Head] = {}
    around: list[ast.Repeat | ast.Block | ast.Head] = []
    for statement in walk.statements(statements):
        start = statement.span.start
        while around and around[-1].span.end <= start:
            around.pop()
        if isinstance(statement, (ast.Block, ast.Head)):
            around.append(statement)
            continue
        alias = getattr(statement, "alias", None)
        if alias is not None and around:
            found.setdefault(alias.id, around[-1])
        if isinstance(statement, ast.Repeat):
            around.append(statement)
    return found


class Scope:
    """Names in sight: this body's own, then those of the bodies around it."""

    __slots__ = ("arguments", "constants", "defined", "frame", "named", "outer", "tensors")

    def __init__(self, frame: Frame, outer: Scope | None = None) -> None:
        self.frame = frame
        self.outer = outer
        self.constants: dict[str, Any] = {}
        self.tensors: dict[str, int] = {}
        # Where each constant, and each tensor, got its name.
        self.defined: dict[str, ast.Name] = {}
        self.named: dict[str, ast.Name] = {}
        # Parameters of a block that stand for a tensor of the caller.
        self.arguments: dict[str, int] = {}

    def fork(self) -> Scope:
        """A copy of a file's own scope, in which names can be given without changing this one."""
        frame, copy = self.frame, Scope(self.frame)
        copy.frame = Frame(frame.instance, frame.notes, frame.calls, frame.given)
        copy.frame.counts, copy.frame.copies = dict(frame.counts), dict(frame.copies)
        copy.frame.taken, copy.frame.lost = set(frame.taken), dict(frame.lost)
        copy.frame.results, copy.frame.shared = dict(frame.results), dict(frame.shared)
        copy.constants, copy.tensors = dict(self.constants), dict(self.tensors)
        copy.defined, copy.named = dict(self.defined), dict(self.named)
        return copy

    def constant(self, name: str, default: Any) -> Any:
        """A constant's value; None for one that an error hides, and a default for no constant."""
        scope: Scope | None = self
        while scope is not None:
            if name in scope.constants:
                return scope.constants[name]
            scope = scope.outer
        return default

    def tensor(self, name: str) -> int | None:
        """The node that a name stands for."""
        if "." in name:
            return self.frame.results.get(name)
        for scope in self._of_frame():
            if name in scope.arguments:
                return scope.arguments[name]
            if name in scope.tensors:
                return scope.tensors[name]
        return None

    def names(self) -> Iterable[str]:
        """All constants in sight, for suggestions."""
        scope: Scope | None = self
        while scope is not None:
            yield from scope.constants
            scope = scope.outer

    def tensor_names(self) -> Iterable[str]:
        """All tensors in sight, for suggestions."""
        for scope in self._of_frame():
            yield from scope.tensors
        yield from self.frame.results

    def _of_frame(self) -> Iterable[Scope]:
        """The scopes whose tensors are in sight: those of the same call, or of the file."""
        scope: Scope | None = self
        while scope is not None and scope.frame is self.frame:
            yield scope
            scope = scope.outer
