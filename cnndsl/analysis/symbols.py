"""The outline of a text, and what of it can be folded."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby
from typing import NamedTuple

from cnndsl.diagnostics import Source, Span
from cnndsl.syntax import nodes as ast
from cnndsl.syntax import walk
from cnndsl.syntax.lexer import tokenize


class Symbol(NamedTuple):
    """A part of the outline.

    * `kind`: `net`, `input`, `param`, `constant`, `block`, `parameter`, `tensor` or `head`
    * `span`: the statement; `selection`: its name, within that
    """

    name: str
    kind: str
    span: Span
    selection: Span
    children: tuple[Symbol, ...] = ()


_KINDS: dict[type, str] = {
    ast.Net: "net",
    ast.Input: "input",
    ast.Param: "param",
    ast.Let: "constant",
    ast.Block: "block",
    ast.Head: "head",
}


def symbols(source: Source, module: ast.Module) -> list[Symbol]:
    """The outline: what is named, in the order of the text.

    What stands in a block, a head, or a statement that has a name, are its children; what stands
    in the braces of others has the place of these.
    """
    return _outline(module.statements)


def _outline(statements: Iterable[ast.Statement]) -> list[Symbol]:
    found: list[Symbol] = []
    for statement in statements:
        inside = [each for body in walk.bodies(statement) for each in _outline(body.statements)]
        name = getattr(statement, "alias", None) or getattr(statement, "name", None)
        if isinstance(statement, ast.Block):
            parameters = [
                Symbol(each.name.id, "parameter", each.span, each.name.span)
                for each in statement.parameters
            ]
            inside = parameters + inside
        kind = _KINDS.get(type(statement), "tensor")
        if isinstance(statement, ast.Input) and name is None:
            start = statement.span.start
            name = ast.Name(Span(start, start + len("input")), "input")
        has_name = getattr(statement, "alias", None) is not None or kind != "tensor"
        if name is not None and has_name:
            found.append(Symbol(name.id, kind, statement.span, name.span, tuple(inside)))
        else:
            found += inside
    return found


def folding(source: Source, module: ast.Module) -> list[Span]:
    """What goes over several lines, in order: braces, and runs of lines that only comment."""
    text, found, opened = source.text, [], []
    lexed = tokenize(source)
    for kind, start, end in lexed.tokens:
        if kind == "LBRACE":
            opened.append(start)
        elif kind == "RBRACE" and opened:
            begin = opened.pop()
            if text.find("\n", begin, end) >= 0:
                found.append(Span(begin, end))
    lines = []
    for comment in lexed.comments:
        line, column = source.position(comment.span.start)
        if not text[comment.span.start - column + 1 : comment.span.start].strip():
            lines.append((line, comment.span))
    for _, group in groupby(enumerate(lines), lambda each: each[1][0] - each[0]):
        run = [span for _, (_, span) in group]
        if len(run) > 1:
            found.append(Span(run[0].start, run[-1].end))
    return sorted(found)
