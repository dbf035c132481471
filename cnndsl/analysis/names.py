"""Names: where each is defined, where it is read, and what a new name for it would change.

The scopes are those of `cnndsl.network.scope`, found without values: every branch of an `if` is
looked at, and so is every block, called or not. Offsets and spans count characters.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise
from typing import NamedTuple
from unicodedata import normalize

from cnndsl.diagnostics import Edit, Source, Span
from cnndsl.diagnostics.message import Message
from cnndsl.layers import LAYERS, MERGES
from cnndsl.network.bind import words_of
from cnndsl.network.words import LATER, reserved
from cnndsl.syntax import nodes as ast
from cnndsl.syntax import walk
from cnndsl.syntax.lexer import tokenize


class Occurrence(NamedTuple):
    """A place where a name stands, and whether it is defined there."""

    span: Span
    symbol: Symbol
    defines: bool


class Symbol:
    """What a name stands for.

    `kind` is `net`, `head`, `block`, `parameter`, `constant`, `param`, `counter` or `tensor`;
    `statement` is what defines it first: a statement, or a parameter of a block.
    """

    __slots__ = ("_same", "kind", "name", "span", "statement")

    def __init__(
        self, kind: str, name: str, span: Span, statement: ast.Statement | ast.Parameter
    ) -> None:
        self.kind, self.name, self.span, self.statement = kind, name, span, statement
        self._same: Symbol | None = None

    def own(self) -> Symbol:
        """The symbol itself, or the one that it turned out to be the same as."""
        found = self
        while found._same is not None:
            found = found._same
        if found is not self:
            self._same = found  # the next time it is one step
        return found

    def join(self, other: Symbol) -> Symbol:
        """One symbol for two of which a name may stand for either."""
        first, second = sorted((self.own(), other.own()), key=lambda each: each.span)
        if first is not second:
            second._same = first
        return first


class _Scope:
    """As `network.scope.Scope`; paths, heads and branches share the tensors of what is around.

    `maybe` are tensors that only some branches of an `if` name; `log` those in order. `calls` are
    the calls that a name was given to, in all of the same call of a block, or of the file.
    """

    def __init__(self, outer: _Scope | None, *, call: bool = False, path: bool = False) -> None:
        self.outer, self.call = outer, call
        self.constants: dict[str, Symbol] = {}
        self.tensors: dict[str, Symbol] = outer.tensors if outer and path else {}
        self.maybe: set[str] = outer.maybe if outer and path else set()
        self.log: list[str] = outer.log if outer and path else []
        self.calls: dict[str, list[ast.Apply]] = outer.calls if outer and not call else {}


class Names:
    """The names of a text; see `resolve`."""

    def __init__(self, module: ast.Module, text: str, resolver: _Resolver) -> None:
        self._module, self._text, self._resolver = module, text, resolver
        self.occurrences = resolver.ordered()
        self.blocks = resolver.blocks
        self._starts = [each.span.start for each in self.occurrences]
        self._places: dict[Symbol, list[Span]] = {}
        for each in self.occurrences:
            self._places.setdefault(each.symbol, []).append(each.span)

    def at(self, offset: int) -> Occurrence | None:
        """The name at an offset, or the one that ends there."""
        index = bisect_right(self._starts, offset) - 1
        found = self.occurrences[index] if index >= 0 else None
        return found if found and found.span.end >= offset else None

    def definition(self, offset: int) -> Span | None:
        """Where the name at an offset is defined first."""
        found = self.at(offset)
        return found.symbol.span if found else None

    def references(self, offset: int) -> list[Span]:
        """All places of what the name at an offset stands for, the definition among them."""
        found = self.at(offset)
        return list(self._places[found.symbol]) if found else []

    def visible(self, offset: int) -> list[Symbol]:
        """Constants and tensors that a statement at an offset can read, the innermost first."""
        inside = [each for each in self._resolver.extents if each[0].start < offset <= each[0].end]
        scope = max(inside, key=lambda each: each[0].start)[1] if inside else self._resolver.file
        found: dict[tuple[str, bool], Symbol] = {}
        called = False
        while scope is not None:
            tensors = {} if called else scope.tensors
            for is_tensor, names in ((False, scope.constants), (True, tensors)):
                for name, symbol in names.items():
                    if called or symbol.span.end < offset:
                        found.setdefault((name, is_tensor), symbol.own())
            called = called or scope.call
            scope = scope.outer  # type: ignore[assignment]
        return list(found.values())

    def inside(self, path: Iterable[str], offset: int) -> list[Symbol]:
        """What can be read as `u.low` of the calls that a path of names, read there, leads to."""
        around = [each for each in self._resolver.extents if each[0].start < offset <= each[0].end]
        scope = max(around, key=lambda each: each[0].start)[1] if around else self._resolver.file
        scopes = [scope]
        for word in path:
            scopes = self._resolver.called(scopes, word)
        names = {name: each for scope in scopes for name, each in scope.tensors.items()}
        return [each.own() for each in names.values()]

    def rename(self, offset: int, new: str) -> list[Edit] | Message:
        """The edits that give what stands at an offset a new name, or why there are none."""
        found = self.at(offset)
        if found is None:
            return Message("there is no name here")
        old, spans = found.symbol.name, self._places[found.symbol]
        if [each[:3] for each in tokenize(Source("", new)).tokens] != [("NAME", 0, len(new))]:
            return Message("`{name}` is no name", name=new[:80])
        plain = normalize("NFKC", new)
        if reserved(plain) or (found.symbol.kind == "head" and plain == "main"):
            return Message("`{name}` is a word of the language", name=new)
        if not self._module.complete or any(
            {old, plain} & set(map(_plain, re.findall(r"\w+", text))) for text in self._unread()
        ):
            return Message("a statement that cannot be read may use the name `{name}`", name=old)
        if found.symbol.kind == "parameter" and {old, plain} & self._resolver.handed:
            return Message("a block that is called by another name may take `{name}=`", name=old)
        if found.symbol.kind == "tensor" and {old, plain} & self._resolver.unplaced:
            return Message("a call by another name may have the tensor `{name}`", name=old)
        starts = dict.fromkeys([span.start for span in spans], plain)
        after = _Resolver(self._module, starts, self._text)
        if after.meanings() != self._resolver.meanings():
            return Message("`{name}` means something else in one of these places", name=new)
        return [Edit(span, new) for span in spans]

    def _unread(self) -> Iterator[str]:
        """The text of statements that could not be read, without what could in their braces."""
        for statement in walk.statements(self._module.statements):
            if isinstance(statement, ast.Bad):
                start = statement.span.start
                for body in statement.bodies:
                    yield self._text[start : body.span.start]
                    start = max(start, body.span.end)
                yield self._text[start : statement.span.end]


def resolve(module: ast.Module, text: str = "") -> Names:
    """The names of a syntax tree; with its text, `rename` sees what the tree could not hold."""
    return Names(module, text, _Resolver(module, {}, text))


def line(text: str, span: Span, most: int = 60) -> str:
    """A piece of a text in one line, shortened."""
    shown = " ".join(text[span.start : min(span.end, span.start + most + 1)].split())
    return shown if span.end - span.start <= most else f"{shown[: most - 3]}…"


def _plain(word: str) -> str:
    return word if word.isascii() else normalize("NFKC", word)


class _Resolver:
    """One walk over a tree, in which the names at some offsets may be `renamed`."""

    def __init__(self, module: ast.Module, renamed: Mapping[int, str], text: str) -> None:
        self.renamed = renamed
        self.text = text
        self.dotted: list[tuple[list[ast.Name], _Scope]] = []  # `u.low`, and where it is read
        self.insides: dict[str, _Scope] = {}  # of blocks
        self.unplaced: set[str] = set()  # what is read in a call of which the block is not known
        self.places: dict[Span, tuple[Symbol, bool]] = {}
        self.refused: set[Span] = set()  # definitions whose name is not free
        self.handed: set[str] = set()  # keywords at calls of blocks by another name
        self.extents: list[tuple[Span, _Scope]] = []
        self.blocks: dict[str, ast.Block] = {}
        self.block_symbols: dict[str, Symbol] = {}
        self.parameters: dict[str, dict[str, Symbol]] = {}
        self.file = self.scope = _Scope(None)
        self.later: list[ast.Block] = []
        self.heads: dict[str, Symbol] = {}
        for statement in module.statements:
            if isinstance(statement, ast.Block):
                name = self.id(statement.name)
                self.define("block", statement.name, statement, self.block_symbols)
                if self.blocks.setdefault(name, statement) is statement:
                    self.parameters[name] = {
                        self.id(each.name): Symbol("parameter", each.name.id, each.name.span, each)
                        for each in reversed(statement.parameters)
                        if not reserved(self.id(each.name))
                    }
        self.run(module.statements)
        for block in self.later:  # a block sees what the file defines after it, too
            self.block(block)
        for names, scope in self.dotted:
            self.use_inside(names, scope)

    def ordered(self) -> list[Occurrence]:
        return [
            Occurrence(span, symbol.own(), defines)
            for span, (symbol, defines) in sorted(self.places.items(), key=lambda each: each[0])
        ]

    def meanings(self) -> tuple[dict[Span, Span], set[Span]]:
        """What each name stands for, by where that is defined; and what cannot be defined."""
        return {span: each.own().span for span, (each, _) in self.places.items()}, self.refused

    def id(self, name: ast.Name) -> str:
        return self.renamed.get(name.span.start, name.id)

    # Definitions and uses

    def define(
        self,
        kind: str,
        name: ast.Name,
        statement: ast.Statement | ast.Parameter,
        names: dict[str, Symbol],
        others: Iterable[str] = (),
        symbol: Symbol | None = None,
    ) -> None:
        """Note a definition among some names; `others` are those of its scope beside them."""
        word = self.id(name)
        clash = word in names or word in others
        clash = clash or (kind not in ("net", "head", "block") and word in self.blocks)
        if reserved(word) or clash:
            self.refused.add(name.span)
        if reserved(word) and kind not in ("net", "head"):
            return
        symbol = names.setdefault(word, symbol or Symbol(kind, name.id, name.span, statement))
        self.places[name.span] = (symbol, True)

    def constant(self, kind: str, name: ast.Name, statement: ast.Statement | ast.Parameter) -> None:
        self.define(kind, name, statement, self.scope.constants, self.scope.tensors)

    def tensor(self, name: ast.Name | None, statement: ast.Statement) -> None:
        if name is not None:
            if self.id(name) not in self.scope.tensors:
                self.scope.log.append(self.id(name))
            self.define("tensor", name, statement, self.scope.tensors, self.scope.constants)
            if isinstance(statement, ast.Apply):
                self.scope.calls.setdefault(self.id(name), []).append(statement)

    def use(self, name: ast.Name, symbol: Symbol | None) -> None:
        if symbol is not None:
            self.places[name.span] = (symbol, False)

    def use_tensor(self, name: ast.Name) -> None:
        """A name that stands for a tensor and nothing else, which may be one of a call inside."""
        if "." not in name.id:
            self.use(name, self.find_tensor(self.id(name), self.scope))
            return
        parts, at = [], name.span.start
        for word in (self.text[slice(*name.span)] or name.id).split("."):
            parts.append(ast.Name(Span(at, at + len(word)), _plain(word)))
            at += len(word) + 1
        self.dotted.append((parts, self.scope))

    def use_inside(self, names: list[ast.Name], scope: _Scope) -> None:
        """`u.low`: the call that is named `u`, and the tensor in it."""
        word = self.id(names[0])
        self.use(names[0], self.find_tensor(word, scope) or self.call_named(word, scope))
        scopes = [scope]
        for first, name in pairwise(names):
            scopes = self.called(scopes, self.id(first))
            word = self.id(name)
            inner: Symbol | None = None
            for each in scopes:
                found = each.tensors.get(word) or self.call_named(word, each)
                inner = inner.join(found) if inner and found else inner or found
            self.use(name, inner)
            if inner is None:
                self.unplaced.add(word)

    def call_named(self, word: str, scope: _Scope) -> Symbol | None:
        """A call that is named in a loop, which is known after it for what is in it alone."""
        calls = scope.calls.get(word, ())
        found = [self.places.get(each.alias.span) for each in calls if each.alias]
        return next((each[0] for each in found if each is not None), None)

    def called(self, scopes: Iterable[_Scope], word: str) -> list[_Scope]:
        """The insides of the blocks whose calls are so named."""
        calls = [call for scope in scopes for call in scope.calls.get(word, ())]
        words = dict.fromkeys(self.id(call.name) for call in calls)
        return [self.insides[each] for each in words if each in self.insides]

    def find_constant(self, word: str) -> Symbol | None:
        scope: _Scope | None = self.scope
        while scope is not None:
            if word in scope.constants:
                return scope.constants[word]
            scope = scope.outer
        return None

    def find_tensor(self, word: str, scope: _Scope | None) -> Symbol | None:
        """The tensor, or the parameter that stands for one, in a scope or around it."""
        while scope is not None:
            found = scope.constants.get(word) if scope.call else None
            found = found or scope.tensors.get(word)
            if found is not None:
                further = word in scope.maybe and self.find_tensor(word, self.beyond(scope))
                return found.join(further) if further else found
            scope = None if scope.call else scope.outer
        return None

    def beyond(self, scope: _Scope) -> _Scope | None:
        """The first scope further out that has tensors of its own."""
        outer = None if scope.call else scope.outer
        while outer is not None and outer.tensors is scope.tensors:
            outer = None if outer.call else outer.outer
        return outer

    def read(self, node: walk.Node | None) -> None:
        """The names whose values an expression reads."""
        if node is None or type(node) in (ast.Number, ast.Size):
            return
        for name in walk.names(node):
            if "." in name.id:
                self.use_tensor(name)
                continue
            word = self.id(name)
            found = self.find_constant(word) or self.find_tensor(word, self.scope)
            self.use(name, found or self.block_symbols.get(word))

    # Statements

    def run(self, statements: Iterable[ast.Statement]) -> None:
        for statement in statements:
            self.statement(statement)

    def body(self, body: ast.Body, *, path: bool = True, loop: ast.Repeat | None = None) -> None:
        outer = self.scope
        self.scope = _Scope(outer, path=path)
        self.extents.append((body.span, self.scope))
        if loop and loop.index:
            self.constant("counter", loop.index, loop)
        self.run(body.statements)
        self.scope = outer

    def statement(self, statement: ast.Statement) -> None:
        if isinstance(statement, ast.Apply):
            self.apply(statement)
        elif isinstance(statement, (ast.Let, ast.Param)):
            self.read(statement.value)  # in which the name may be that of outside
            kind = "param" if isinstance(statement, ast.Param) else "constant"
            self.constant(kind, statement.name, statement)
        elif isinstance(statement, ast.Input):
            self.read(statement.size)
            self.tensor(statement.alias, statement)
        elif isinstance(statement, ast.From):
            self.use_tensor(statement.name)
        elif isinstance(statement, ast.Expect):
            self.read(statement.value)
        elif isinstance(statement, ast.Repeat):
            self.read(statement.count)
            self.body(statement.body, path=False, loop=statement)
            self.tensor(statement.alias, statement)
        elif isinstance(statement, ast.If):
            self.choose(statement)
        elif isinstance(statement, ast.Block):
            self.later.append(statement)
        elif isinstance(statement, ast.Head):
            self.define("head", statement.name, statement, self.heads)
            self.body(statement.body, path=statement.when is None)  # else it is not there after it
        elif isinstance(statement, ast.Freeze):
            self.body(statement.body)
            self.tensor(statement.alias, statement)
        elif isinstance(statement, ast.Paths):
            for path in statement.paths:
                self.body(path)
        elif isinstance(statement, ast.Net):
            self.define("net", statement.name, statement, {})
        elif isinstance(statement, ast.Bad):
            for body in statement.bodies:
                self.body(body, path=statement.word not in ("repeat", "block"))

    def choose(self, statement: ast.If) -> None:
        """Each branch sees the tensors from before the `if`; what follows, those of all."""
        for test in statement.tests:
            self.read(test)
        scope, before = self.scope, len(self.scope.log)
        given: dict[str, Symbol] = {}
        bodies = [*statement.bodies, *([statement.otherwise] if statement.otherwise else [])]
        counts: dict[str, int] = {}
        for body in bodies:
            self.body(body)
            for word in scope.log[before:]:
                symbol = scope.tensors.pop(word, None)
                if symbol is not None:
                    counts[word] = counts.get(word, 0) + 1
                    given[word] = given[word].join(symbol) if word in given else symbol
            del scope.log[before:]
        scope.tensors.update(given)
        scope.log += given
        full = len(bodies) if statement.otherwise else 0
        scope.maybe.update(word for word, count in counts.items() if count != full)
        self.tensor(statement.alias, statement)

    def apply(self, statement: ast.Apply) -> None:
        word = self.id(statement.name)
        known: dict[str, Symbol] = {}
        own = word in LATER and (word in self.block_symbols or self.find_constant(word))
        kind = None if own else LAYERS.get(word) or MERGES.get(word)
        if kind is None:
            symbol = self.block_symbols.get(word)
            known = self.parameters.get(word, {})
            if symbol is None:  # a parameter whose value is a layer or a block
                symbol = self.find_constant(word)
                keys = [each.key for each in statement.args if isinstance(each, ast.Keyword)]
                self.handed.update(map(self.id, keys) if symbol else ())
            self.use(statement.name, symbol)
        for argument in statement.args:
            if isinstance(argument, ast.Keyword):
                self.use(argument.key, known.get(self.id(argument.key)))
            value = argument.value
            if kind and isinstance(value, ast.Name) and value.id in words_of(kind, argument):
                found = self.find_constant(self.id(value))
                if found is None or found.kind != "parameter":
                    continue  # a number of that name is another thing
            self.read(argument.value)
        for path in statement.paths or ():
            self.body(path)
        self.tensor(statement.alias, statement)

    def block(self, block: ast.Block) -> None:
        self.scope = _Scope(self.file, call=True)
        word = self.id(block.name)
        known = self.parameters[word] if self.blocks.get(word) is block else {}
        for each in block.parameters:
            self.read(each.default)  # of those before it, or of the file
            names = self.scope.constants
            self.define("parameter", each.name, each, names, (), known.get(self.id(each.name)))
        self.extents.append((block.body.span, self.scope))
        self.insides.setdefault(word, self.scope)
        self.run(block.body.statements)
        self.scope = self.file
