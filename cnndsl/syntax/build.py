"""Builders: what each rule of the grammar becomes, by the rule's name or alias.

A builder gets the text, the span of what it covers, and its kept children (tokens and
nodes; the lists of helper rules already spliced in).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from cnndsl.diagnostics import Span
from cnndsl.diagnostics.message import NOTHING, Message
from cnndsl.syntax import nodes, walk
from cnndsl.syntax.layout import Token

MAX_DEPTH = 100
"""How many operators may nest in an expression."""

MAX_NUMBER = 10**18
"""Numbers beyond this are refused: nothing in a network is that large."""

_UNITS = {"K": 3, "M": 6, "G": 9}

_new = tuple.__new__  # builds what texts have most of in half the time


class BuildError(Exception):
    """A node that the grammar allows and the language does not."""

    def __init__(self, code: str, span: Span, message: Message, help_: Message = NOTHING) -> None:
        super().__init__(message)
        self.code, self.span, self.message, self.help = code, span, message, help_


def read_number(text: str) -> int | float:
    """The value of a NUMBER; raises ValueError where it is beyond what numbers may be."""
    if text.isdigit() and len(text) < 19:
        return int(text)
    shift = _UNITS.get(text[-1], 0)
    digits = (text[:-1] if shift else text).replace("_", "")
    if len(digits) > 40:
        raise ValueError(text)
    value: int | float
    if digits.isdigit():
        value = int(digits) * 10**shift
    else:
        mantissa, _, exponent = digits.lower().partition("e")
        value = float(f"{mantissa}e{int(exponent or 0) + shift}")
        if shift and value.is_integer():
            value = int(value)
    if value > MAX_NUMBER:
        raise ValueError(text)
    return value


def identifier(text: str, token: Token) -> nodes.Name:
    _, start, end = token
    word = text[start:end]
    if not word.isascii():
        from unicodedata import normalize

        word = normalize("NFKC", word)
    return _new(nodes.Name, (_new(Span, (start, end)), word))


def _name(text: str, span: Span, c: list[Any]) -> nodes.Name:
    return identifier(text, c[0])


def _dotted(text: str, span: Span, c: list[Any]) -> nodes.Name:
    """Names with dots between them, as one."""
    return nodes.Name(span, ".".join([identifier(text, token).id for token in c]))


def _too_large(text: str, span: Span) -> BuildError:
    shown = text[slice(*span)]
    shown = shown if len(shown) <= 20 else shown[:17] + "…"
    help_ = Message("no number of a network is beyond 1e18")
    return BuildError(
        "E004", span, Message("{text} is too large a number", text=f"`{shown}`"), help_
    )


def _number(text: str, span: Span, c: list[Any]) -> nodes.Number:
    _, start, end = c[0]
    try:
        return _new(nodes.Number, (span, read_number(text[start:end])))
    except ValueError:
        raise _too_large(text, Span(start, end)) from None


def _negative(text: str, span: Span, c: list[Any]) -> nodes.Number:
    return nodes.Number(span, -_number(text, span, c).value)


def _size(text: str, span: Span, c: list[Any]) -> nodes.Size:
    dims: list[int | tuple[int, int]] = []
    try:
        for piece in text[span[0] : span[1]].replace("×", "x").split("x"):
            begin, _, end = piece.partition(":")
            first = int(read_number(begin))
            dims.append((first, int(read_number(end))) if end else first)
    except ValueError:
        raise _too_large(text, span) from None
    return _new(nodes.Size, (span, tuple(dims)))


def _positional(text: str, span: Span, c: list[Any]) -> nodes.Positional:
    return _new(nodes.Positional, (span, c[0]))


def _depth(text: str, operator: Token, *children: Any) -> int:
    """One more operator than in the deepest child."""
    depth = 0
    stack = list(children)
    while stack:
        child = stack.pop()
        if isinstance(child, (nodes.Tuple, nodes.Range)):
            stack += walk.children(child)
        else:
            depth = max(depth, getattr(child, "depth", 0))
    if depth >= MAX_DEPTH:
        message = Message("operators are nested more than {most} deep", most=MAX_DEPTH)
        help_ = Message("give a part of the expression a name with `let`")
        raise BuildError("E005", Span(operator[1], operator[2]), message, help_)
    return depth + 1


def _word(text: str, token: Token) -> str:
    _, start, end = token
    return text[start:end]


def _binary(text: str, span: Span, c: list[Any]) -> nodes.Binary:
    left, operator, right = c
    depth = _depth(text, operator, left, right)
    return nodes.Binary(span, _word(text, operator), left, right, depth)


def _unary(text: str, span: Span, c: list[Any]) -> nodes.Unary:
    operator, operand = c
    return nodes.Unary(span, _word(text, operator), operand, _depth(text, operator, operand))


def _call(text: str, span: Span, c: list[Any]) -> nodes.Call:
    return nodes.Call(span, identifier(text, c[0]), tuple(c[1:]), _depth(text, *c))


class Part(NamedTuple):
    """A part that a statement may have at its end, until the statement is built."""

    kind: str
    value: Any


def _pop(children: list[Any], kind: str) -> Any:
    """Take the last child away where it is a part of a kind; else None."""
    is_part = children and type(children[-1]) is Part and children[-1].kind == kind
    return children.pop().value if is_part else None


def more_of(
    bad: nodes.Bad, span: Span, names: Iterable[str], bodies: Iterable[nodes.Body]
) -> nodes.Bad:
    """A broken statement that goes on; not all of very many parts are kept."""
    return bad._replace(
        span=span, names=(*bad.names, *names)[:1000], bodies=(*bad.bodies, *bodies)[:1000]
    )


def _apply(text: str, span: Span, c: list[Any]) -> nodes.Apply | nodes.Freeze | nodes.Bad:
    alias = _pop(c, "alias")
    paths, plain = _pop(c, "paths"), _pop(c, "plain")
    if len(c) == 1 and type(c[0]) is not nodes.Bad and (plain or paths == ()):
        word = identifier(text, c[0])
        if word.id == "freeze":
            stop = alias.span.start if alias else span.end
            begin = text.find("{", word.span.end, stop)
            begin = begin if begin >= 0 else word.span.end  # as in a text that has another brace
            end = text.rfind("}", begin, stop) + 1 or max(begin, stop)
            statements = plain[0].statements if plain else ()
            return nodes.Freeze(span, nodes.Body(Span(begin, end), statements), alias)
    paths = plain or paths
    if type(c[0]) is nodes.Bad:
        return more_of(c[0], span, (alias.id,) if alias else (), paths or ())
    return _new(nodes.Apply, (span, identifier(text, c[0]), tuple(c[1:]), paths, alias))


def _unbarred(text: str, span: Span, c: list[Any]) -> Part:
    """Paths of which the first has no bar before it: alone, it may be what is frozen."""
    return Part("paths" if len(c) > 1 else "plain", tuple(c))


def _path(text: str, span: Span, c: list[Any]) -> nodes.Body:
    """A path has the span of its statements; an empty one has that of its place."""
    span = Span(c[0].span.start, c[-1].span.end) if c else Span(span.end, span.end)
    return nodes.Body(span, tuple(c))


def _repeat(text: str, span: Span, c: list[Any]) -> nodes.Repeat:
    alias = _pop(c, "alias")
    body = c.pop()
    index = _pop(c, "index")
    return nodes.Repeat(span, c[0], index, body, alias)


def _if(text: str, span: Span, c: list[Any]) -> nodes.If:
    alias = _pop(c, "alias")
    otherwise = _pop(c, "otherwise")
    return nodes.If(span, tuple(c[0::2]), tuple(c[1::2]), otherwise, alias)


def _block(text: str, span: Span, c: list[Any]) -> nodes.Block:
    return nodes.Block(span, identifier(text, c[0]), tuple(c[1:-1]), c[-1])


def _marked(text: str, span: Span, c: list[Any]) -> nodes.Block:
    return _block(text, span, c[1:])._replace(mark=identifier(text, c[0]))


def _head(text: str, span: Span, c: list[Any]) -> nodes.Head:
    when = identifier(text, c[1]) if len(c) > 2 else None
    return nodes.Head(span, identifier(text, c[0]), c[-1], when)


def _paths(text: str, span: Span, c: list[Any]) -> nodes.Paths:
    return nodes.Paths(span, tuple(c))


BUILDERS: dict[str, Callable[[str, Span, list[Any]], Any]] = {
    "module": lambda t, s, c: nodes.Module(s, tuple(c), ()),
    "net": lambda t, s, c: nodes.Net(s, identifier(t, c[0])),
    "input": lambda t, s, c: nodes.Input(s, c[0], _pop(c, "alias")),
    "rounding": lambda t, s, c: nodes.Rounding(s, identifier(t, c[0])),
    "defaults": lambda t, s, c: nodes.Defaults(s, identifier(t, c[0])),
    "from_": lambda t, s, c: nodes.From(
        s, c[0] if type(c[0]) is nodes.Name else identifier(t, c[0])
    ),
    "let": lambda t, s, c: nodes.Let(s, identifier(t, c[0]), c[1]),
    "param": lambda t, s, c: nodes.Param(s, identifier(t, c[0]), c[1]),
    "expect": lambda t, s, c: nodes.Expect(s, identifier(t, c[0]), _word(t, c[1]), c[2]),
    "repeat": _repeat,
    "if_": _if,
    "block": _block,
    "marked_block": _marked,
    "head": _head,
    "apply": _apply,
    "index": lambda t, s, c: Part("index", identifier(t, c[0])),
    "alias": lambda t, s, c: Part("alias", identifier(t, c[0])),
    "otherwise": lambda t, s, c: Part("otherwise", c[0]),
    "body": lambda t, s, c: nodes.Body(s, tuple(c)),
    "barred": _paths,
    "paths": lambda t, s, c: Part("paths", tuple(c)),
    "unbarred": _unbarred,
    "path": _path,
    "first": _path,
    "parameter": lambda t, s, c: nodes.Parameter(
        s, identifier(t, c[0]), c[1] if len(c) > 1 else None
    ),
    "positional": _positional,
    "stride": lambda t, s, c: nodes.Stride(s, c[0]),
    "keyword": lambda t, s, c: nodes.Keyword(s, identifier(t, c[0]), c[1]),
    "range": lambda t, s, c: nodes.Range(s, c[0], c[1]),
    "number": _number,
    "negative": _negative,
    "size": _size,
    "name": _name,
    "dotted": _dotted,
    "tuple": lambda t, s, c: nodes.Tuple(s, tuple(c)),
    "binary": _binary,
    "unary": _unary,
    "call": _call,
}
