"""The names that a text gives, and which of them it reads again.

Follows the scopes of the language: a repeat, a path, a condition and a head have constants of
their own, and a block sees the file's constants and its own names.
"""

from __future__ import annotations

from collections.abc import Iterable

from cnndsl.layers import LAYERS, MERGES
from cnndsl.network.words import LATER
from cnndsl.syntax import nodes as ast
from cnndsl.syntax import walk

TENSOR = "tensor"
PARAMETER = "parameter"


class Given:
    """A name where it is given.

    * `kind`: `let`, `param`, `parameter`, `counter` or `tensor`
    * `statement`: what gives it
    * `read`: whether anything reads it
    * `hides`: a name of a scope further out that cannot be read where this one can
    """

    __slots__ = ("hides", "kind", "name", "read", "statement")

    def __init__(self, kind: str, name: ast.Name, statement: ast.Statement) -> None:
        self.kind = kind
        self.name = name
        self.statement = statement
        self.read = False
        self.hides: Given | None = None


class _Scope:
    """The names of a body; `tensors` are shared with the body around it, but in a repeat.

    A name can be given in each branch of a condition, so a word may have several.
    """

    __slots__ = ("constants", "outer", "tensors")

    def __init__(self, outer: _Scope | None, tensors: dict[str, list[Given]] | None = None) -> None:
        self.outer = outer
        self.constants: dict[str, list[Given]] = {}
        self.tensors: dict[str, list[Given]] = {} if tensors is None else tensors


class Names:
    """All names of a module, in the order in which they are given.

    `called` are the blocks that the file leads to: those that it names, and that these name.
    `asked` are those that other blocks name which the file does not lead to. What is read in
    such a block counts as read, and what is given there is not looked at.
    """

    def __init__(self, module: ast.Module) -> None:
        self.given: list[Given] = []
        self.blocks = {s.name.id: s for s in module.statements if isinstance(s, ast.Block)}
        self.called: set[str] = set()
        self.inside: set[str] = set()  # the parts of dotted names, as `u` and `low` of `u.low`
        self.file = _Scope(None)
        self._body(module.statements, self.file)
        led: set[str] = set()
        while self.called:
            new, self.called = self.called - led, set()
            led |= new
            for word in sorted(new):
                self._block(self.blocks[word])
        self.called = led
        given, called = self.given, self.called
        self.asked: set[str] = set()
        for word in sorted(set(self.blocks) - called):
            self.given, self.called = [], set()
            self._block(self.blocks[word])
            self.asked |= self.called - {word}
        self.given, self.called = given, called
        for each in given:  # the call may be one of any block
            each.read = each.read or (each.kind == TENSOR and each.name.id in self.inside)
        self.given.sort(key=lambda given: given.name.span)

    def _give(self, kind: str, name: ast.Name, statement: ast.Statement, scope: _Scope) -> None:
        given = Given(kind, name, statement)
        own = scope.tensors if kind == TENSOR else scope.constants
        hidden = self._find(name.id, scope, (kind,) if kind == TENSOR else ())
        if hidden and hidden is not own.get(name.id):
            given.hides = hidden[0]
        own.setdefault(name.id, []).append(given)
        self.given.append(given)

    def _find(self, word: str, scope: _Scope, kinds: tuple[str, ...]) -> list[Given]:
        """What a name means in a scope: constants first, or some kinds alone."""
        for tensors in (False, True):
            place: _Scope | None = scope
            while place is not None:
                found = (place.tensors if tensors else place.constants).get(word)
                if found and (not kinds or found[0].kind in kinds):
                    return found
                place = place.outer
        return []

    def _read(self, word: str, scope: _Scope, kinds: tuple[str, ...] = ()) -> None:
        if "." in word:
            self.inside.update(word.split("."))
            return
        found = self._find(word, scope, kinds)
        for given in reversed(found):
            if given.read:
                break  # and so are those before it
            given.read = True
        if not found and word in self.blocks and not kinds:
            self.called.add(word)

    def _block(self, block: ast.Block) -> None:
        # Of the file a block sees the constants alone.
        outer = _Scope(None)
        outer.constants = self.file.constants
        scope = _Scope(outer)
        for parameter in block.parameters:
            if parameter.default is not None:
                self._expression(parameter.default, scope)
            self._give(PARAMETER, parameter.name, block, scope)
        self._body(block.body.statements, scope)

    def _body(self, statements: Iterable[ast.Statement], scope: _Scope) -> None:
        for statement in statements:
            if isinstance(statement, ast.Block):
                continue
            for part in walk.children(statement):
                if not isinstance(part, ast.Body):
                    self._expression(part, scope)
            if isinstance(statement, ast.Apply):
                word = statement.name.id
                if word in self.blocks:
                    self.called.add(word)
                elif word in LATER or (word not in LAYERS and word not in MERGES):
                    self._read(word, scope)
            elif isinstance(statement, ast.From):
                self._read(statement.name.id, scope, (TENSOR, PARAMETER))
            elif isinstance(statement, (ast.Let, ast.Param)):
                self._give(type(statement).__name__.lower(), statement.name, statement, scope)
            for body in walk.bodies(statement):
                training = isinstance(statement, ast.Head) and statement.when is not None
                if training or isinstance(statement, ast.Repeat):
                    inner = _Scope(scope)
                    if isinstance(statement, ast.Repeat) and statement.index is not None:
                        self._give("counter", statement.index, statement, inner)
                else:
                    inner = _Scope(scope, scope.tensors)
                self._body(body.statements, inner)
            alias = getattr(statement, "alias", None)
            if alias is not None:
                self._give(TENSOR, alias, statement, scope)

    def _expression(self, expression: walk.Node, scope: _Scope) -> None:
        for name in walk.names(expression):
            self._read(name.id, scope)
