"""The syntax tree: frozen nodes with spans, and no layer by name.

A span counts characters of the text. Expressions keep the operators as they were written,
so that a formatter and a code generator can say them again.
"""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

from cnndsl.diagnostics import Span

# Expressions


class Number(NamedTuple):
    """`12`, `0.5`, `5M`."""

    span: Span
    value: int | float


class Size(NamedTuple):
    """`4x4`; a dimension of a padding can be a pair, as in `0:1x0:1`."""

    span: Span
    value: tuple[int | tuple[int, int], ...]


SIZES = frozenset("CHWLD")
"""The names of the current tensor's sizes."""

FUNCTIONS = frozenset(("min", "max", "round", "ceil", "floor", "divisible"))
"""What is called in expressions."""

MAX_NAME = 200
"""How many characters a name may have: messages, and the names of layers, repeat it."""


class Name(NamedTuple):
    """A name or word. `id` is in Unicode normal form NFKC.

    `u.low`, a tensor that the call named `u` has named `low`, is one name with a dot in it.
    """

    span: Span
    id: str


class Tuple(NamedTuple):
    """`(k, 1)`, which reads as a size; an item can be a range."""

    span: Span
    items: tuple[Expr, ...]


class Range(NamedTuple):
    """`a:b`: channels of a slice, or the begin and end of a padding."""

    span: Span
    begin: Expr
    end: Expr


class Unary(NamedTuple):
    """`-x`, `not x`."""

    span: Span
    op: str
    operand: Expr
    depth: int


class Binary(NamedTuple):
    """`x + y`, `x < y`, `x and y`. `depth` counts the operators above the leaves."""

    span: Span
    op: str
    left: Expr
    right: Expr
    depth: int


class Call(NamedTuple):
    """`max(a, b)`."""

    span: Span
    function: Name
    args: tuple[Expr, ...]
    depth: int


# Arguments


class Positional(NamedTuple):
    """`20`, `4x4`, `relu`."""

    span: Span
    value: Expr


class Stride(NamedTuple):
    """`/2`."""

    span: Span
    value: Expr


class Keyword(NamedTuple):
    """`pad=1`."""

    span: Span
    key: Name
    value: Expr


# Statements


class Body(NamedTuple):
    """Statements between braces; `span` takes the braces in."""

    span: Span
    statements: tuple[Statement, ...]


class Net(NamedTuple):
    """`net NAME`."""

    span: Span
    name: Name


class Input(NamedTuple):
    """`input 39x31x1 as image`."""

    span: Span
    size: Expr
    alias: Name | None


class Rounding(NamedTuple):
    """`rounding exact|floor|ceil`."""

    span: Span
    mode: Name


class Defaults(NamedTuple):
    """`defaults keras|torch`."""

    span: Span
    framework: Name


class From(NamedTuple):
    """`from NAME`, where the name may have dots in it."""

    span: Span
    name: Name


class Let(NamedTuple):
    """`let NAME = value`."""

    span: Span
    name: Name
    value: Expr


class Param(NamedTuple):
    """`param NAME = value`."""

    span: Span
    name: Name
    value: Expr


class Expect(NamedTuple):
    """`expect params <= 5M`."""

    span: Span
    metric: Name
    op: str
    value: Expr


class Repeat(NamedTuple):
    """`repeat 3 as i { … } as x`."""

    span: Span
    count: Expr  # type: ignore[assignment]  # nobody counts the parts of a Repeat
    index: Name | None  # type: ignore[assignment]
    body: Body
    alias: Name | None


class If(NamedTuple):
    """`if a { … } else if b { … } else { … }`: the tests with their bodies, then the rest."""

    span: Span
    tests: tuple[Expr, ...]
    bodies: tuple[Body, ...]
    otherwise: Body | None
    alias: Name | None


class Parameter(NamedTuple):
    """A parameter of a block, with its default."""

    span: Span
    name: Name
    default: Expr | None


class Block(NamedTuple):
    """`block NAME(p, q=1) { … }`; `mark` is the word before it, as in `shared block`."""

    span: Span
    name: Name
    parameters: tuple[Parameter, ...]
    body: Body
    mark: Name | None = None


class Head(NamedTuple):
    """`head NAME { … }`; `when` is the word behind the name, as in `head NAME training { … }`."""

    span: Span
    name: Name
    body: Body
    when: Name | None = None


class Freeze(NamedTuple):
    """`freeze { … } as x`."""

    span: Span
    body: Body
    alias: Name | None


class Paths(NamedTuple):
    """`| p | q`: all that the braces of an `if` or `repeat` in the place of a path hold."""

    span: Span
    paths: tuple[Body, ...]


class Apply(NamedTuple):
    """`conv 20 4x4 relu as c1`, or with paths `add { a | b } as sum`.

    `paths` is None for a call without braces; an empty path is a body without statements.
    """

    span: Span
    name: Name
    args: tuple[Argument, ...]
    paths: tuple[Body, ...] | None
    alias: Name | None


class Bad(NamedTuple):
    """A statement that could not be read; the diagnostics say why.

    * `word`: the word that it begins with; empty for none, and `#` where a comment was meant
    * `names`: those that it seems to define; an empty one where it lacks its name
    * `bodies`: what stands in its braces, as far as it could be read
    """

    span: Span
    word: str = ""
    names: tuple[str, ...] = ()
    bodies: tuple[Body, ...] = ()


class Comment(NamedTuple):
    """`# …`, from the hash to the end of the line, the line ending not included."""

    span: Span
    text: str


class Module(NamedTuple):
    """A whole file: its statements and, apart from them, its comments in order.

    It is not `complete` where reading ended before the text did.
    """

    span: Span
    statements: tuple[Statement, ...]
    comments: tuple[Comment, ...]
    complete: bool = True


Expr: TypeAlias = Number | Size | Name | Tuple | Range | Unary | Binary | Call
Argument: TypeAlias = Positional | Stride | Keyword
Header: TypeAlias = Net | Input | Rounding | Defaults | Param | Block | Head
Statement: TypeAlias = Header | From | Let | Expect | Repeat | If | Freeze | Paths | Apply | Bad
"""A header stands at the top of a file, not inside braces."""
