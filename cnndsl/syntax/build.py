"""Builders: what each rule of the grammar becomes, by the rule's name or alias.

A builder gets the text, the span of what it covers, and its kept children (tokens and
nodes; the lists of helper rules already spliced in).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cnndsl.diagnostics.source import Span
from cnndsl.syntax import nodes

if TYPE_CHECKING:
    from collections.abc import Callable

    from cnndsl.syntax.lexer import Token

MAX_DEPTH = 100
"""How many operators may nest in an expression."""

MAX_NUMBER = 10**18
"""Numbers beyond this are refused: nothing in a network is that large."""

_UNITS = {"K": 10**3, "M": 10**6, "G": 10**9}


class BuildError(Exception):
    """A node that the grammar allows and the language does not."""

    def __init__(self, code: str, span: Span, message: str, help_: str = "") -> None:
        super().__init__(message)
        self.code, self.span, self.message, self.help = code, span, message, help_


def read_number(text: str) -> int | float:
    """The value of a NUMBER; raises ValueError where it is beyond what numbers may be."""
    unit = _UNITS.get(text[-1], 1)
    digits = (text[:-1] if unit > 1 else text).replace("_", "")
    if len(digits) > 40:
        raise ValueError(text)
    value = int(digits) * unit if digits.isdigit() else float(digits) * unit
    if isinstance(value, float) and unit > 1 and value.is_integer():
        value = int(value)
    if abs(value) > MAX_NUMBER:
        raise ValueError(text)
    return value


def _identifier(text: str, token: Token) -> nodes.Name:
    span = Span(token.start, token.end)
    word = text[token.start : token.end]
    if not word.isascii():
        from unicodedata import normalize

        word = normalize("NFKC", word)
        if not word.isidentifier():
            raise BuildError("E001", span, f"`{word}` cannot be a name", "use letters and digits")
    return nodes.Name(span, word)


def _too_large(text: str, span: Span) -> BuildError:
    shown = text[span.start : span.end]
    shown = shown if len(shown) <= 20 else shown[:17] + "…"
    return BuildError("E004", span, f"`{shown}` is too large a number")


def _number(text: str, span: Span, c: list[Any]) -> nodes.Number:
    try:
        return nodes.Number(span, read_number(text[c[0].start : c[0].end]))
    except ValueError:
        raise _too_large(text, span) from None


def _negative(text: str, span: Span, c: list[Any]) -> nodes.Number:
    return nodes.Number(span, -_number(text, span, c).value)


def _size(text: str, span: Span, c: list[Any]) -> nodes.Size:
    dims: list[int | tuple[int, int]] = []
    try:
        for piece in text[span.start : span.end].replace("×", "x").split("x"):
            begin, _, end = piece.partition(":")
            first = int(read_number(begin))
            dims.append((first, int(read_number(end))) if end else first)
    except ValueError:
        raise _too_large(text, span) from None
    return nodes.Size(span, tuple(dims))


def _depth(span: Span, *children: Any) -> int:
    depth = 0
    stack = list(children)
    while stack:
        child = stack.pop()
        if isinstance(child, nodes.Tuple):
            stack.extend(child.items)
        elif isinstance(child, nodes.Range):
            stack.extend((child.begin, child.end))
        else:
            depth = max(depth, getattr(child, "depth", 0))
    if depth >= MAX_DEPTH:
        raise BuildError(
            "E005",
            span,
            f"more than {MAX_DEPTH} operators are nested in this expression",
            "give a part of it a name with `let`",
        )
    return depth + 1


def _binary(text: str, span: Span, c: list[Any]) -> nodes.Binary:
    op = text[c[1].start : c[1].end]
    return nodes.Binary(span, op, c[0], c[2], _depth(span, c[0], c[2]))


def _unary(text: str, span: Span, c: list[Any]) -> nodes.Unary:
    op = text[c[0].start : c[0].end]
    return nodes.Unary(span, op, c[1], _depth(span, c[1]))


def _call(text: str, span: Span, c: list[Any]) -> nodes.Call:
    return nodes.Call(span, _identifier(text, c[0]), tuple(c[1:]), _depth(span, *c[1:]))


class _Alias(nodes.NamedTuple):
    name: nodes.Name


class _Index(nodes.NamedTuple):
    name: nodes.Name


class _Otherwise(nodes.NamedTuple):
    body: nodes.Body


class _Paths(nodes.NamedTuple):
    bodies: tuple[nodes.Body, ...]


def _pop(children: list[Any], kind: type) -> Any:
    """Take the last child away where it is of a kind; else None."""
    return children.pop()[0] if children and type(children[-1]) is kind else None


def _apply(text: str, span: Span, c: list[Any]) -> nodes.Apply:
    alias = _pop(c, _Alias)
    paths = _pop(c, _Paths)
    return nodes.Apply(span, _identifier(text, c[0]), tuple(c[1:]), paths, alias)


def _repeat(text: str, span: Span, c: list[Any]) -> nodes.Repeat:
    alias = _pop(c, _Alias)
    body = c.pop()
    index = _pop(c, _Index)
    return nodes.Repeat(span, c[0], index, body, alias)


def _if(text: str, span: Span, c: list[Any]) -> nodes.If:
    alias = _pop(c, _Alias)
    otherwise = _pop(c, _Otherwise)
    return nodes.If(span, tuple(c[0::2]), tuple(c[1::2]), otherwise, alias)


def _block(text: str, span: Span, c: list[Any]) -> nodes.Block:
    return nodes.Block(span, _identifier(text, c[0]), tuple(c[1:-1]), c[-1])


def _input(text: str, span: Span, c: list[Any]) -> nodes.Input:
    alias = _pop(c, _Alias)
    return nodes.Input(span, c[0], alias)


def _expect(text: str, span: Span, c: list[Any]) -> nodes.Expect:
    return nodes.Expect(span, _identifier(text, c[0]), text[c[1].start : c[1].end], c[2])


BUILDERS: dict[str, Callable[[str, Span, list[Any]], Any]] = {
    "module": lambda t, s, c: nodes.Module(s, tuple(c), ()),
    "net": lambda t, s, c: nodes.Net(s, _identifier(t, c[0])),
    "input": _input,
    "rounding": lambda t, s, c: nodes.Rounding(s, _identifier(t, c[0])),
    "defaults": lambda t, s, c: nodes.Defaults(s, _identifier(t, c[0])),
    "from_": lambda t, s, c: nodes.From(s, _identifier(t, c[0])),
    "let": lambda t, s, c: nodes.Let(s, _identifier(t, c[0]), c[1]),
    "param": lambda t, s, c: nodes.Param(s, _identifier(t, c[0]), c[1]),
    "expect": _expect,
    "repeat": _repeat,
    "if_": _if,
    "block": _block,
    "head": lambda t, s, c: nodes.Head(s, _identifier(t, c[0]), c[1]),
    "apply": _apply,
    "index": lambda t, s, c: _Index(_identifier(t, c[0])),
    "alias": lambda t, s, c: _Alias(_identifier(t, c[0])),
    "otherwise": lambda t, s, c: _Otherwise(c[0]),
    "body": lambda t, s, c: nodes.Body(s, tuple(c)),
    "paths": lambda t, s, c: _Paths(tuple(c)),
    "path": lambda t, s, c: nodes.Body(s, tuple(c)),
    "first": lambda t, s, c: nodes.Body(s, tuple(c)),
    "parameter": lambda t, s, c: nodes.Parameter(
        s, _identifier(t, c[0]), c[1] if len(c) > 1 else None
    ),
    "positional": lambda t, s, c: nodes.Positional(s, c[0]),
    "stride": lambda t, s, c: nodes.Stride(s, c[0]),
    "keyword": lambda t, s, c: nodes.Keyword(s, _identifier(t, c[0]), c[1]),
    "range": lambda t, s, c: nodes.Range(s, c[0], c[1]),
    "number": _number,
    "negative": _negative,
    "size": _size,
    "name": lambda t, s, c: _identifier(t, c[0]),
    "tuple": lambda t, s, c: nodes.Tuple(s, tuple(c)),
    "binary": _binary,
    "unary": _unary,
    "call": _call,
}
