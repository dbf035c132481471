"""A text checked again after an edit: what stands before it need not be done twice.

The syntax tree of a text is taken over from the text before, but for the statements that the
edit touches; and the elaboration begins at a mark, a copy of how far an earlier one had come.
The outcome is that of a check from the beginning.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable
from typing import Any, Generic, NamedTuple, TypeVar

from cnndsl.diagnostics import Diagnostic, Source, Span
from cnndsl.network.elaborate import Elaborator
from cnndsl.network.scope import given_names
from cnndsl.syntax import nodes as ast
from cnndsl.syntax.parser import parse

LONG = 8
"""From how many statements on a text is not checked from its beginning each time."""

MARKS = 16
"""In how many parts such a text is cut; a check begins with the part that an edit is in."""

_WHOLE_FILE = (ast.Block, ast.Net, ast.Input, ast.Rounding, ast.Defaults)
"""Statements that are taken up before any is run, or that say where the net begins."""

_new: Any = tuple.__new__

E = TypeVar("E", bound=Elaborator)


class Parsed(NamedTuple):
    """A text's syntax tree, with what could not be read.

    The first `kept` statements are those of the text before, up to an edit, and the last `tail`
    those behind it.
    """

    module: ast.Module
    problems: list[Diagnostic]
    kept: int = 0
    tail: int = 0


def reparse(source: Source, before: Source, module: ast.Module) -> Parsed:
    """The syntax tree of a text, of which another version had a tree without any errors."""
    text, old = source.text, before.text
    start, behind = alike(text, old)
    statements = module.statements
    # The statement that the edit is in, or that it follows, is read again.
    kept = max(0, bisect_right(statements, start, key=_start) - 1)
    if kept == 0 or source.piece or before.piece:
        return Parsed(*parse(source))
    moved, first = len(text) - len(old), len(old) - behind
    begin = statements[kept].span.start
    rest = _next_line(old, statements, first)
    end = statements[rest].span.start + moved if rest < len(statements) else len(text)
    # Spaces in the place of what stands before: so all offsets are right.
    middle, problems = parse(Source(source.name, " " * begin + text[begin:end]))
    if problems or not middle.complete:
        return Parsed(*parse(source))
    tail, comments = statements[rest:], module.comments
    last = statements[rest].span.start if rest < len(statements) else len(old)
    if moved:
        tail = tuple(shifted(each, moved) for each in tail)
    earlier = [each for each in comments if each.span.start < begin] if comments else []
    later = [shifted(each, moved) for each in comments if each.span.start >= last]
    whole = module._replace(
        span=Span(0, len(text)),
        statements=statements[:kept] + middle.statements + tail,
        comments=(*earlier, *middle.comments, *later),
    )
    return Parsed(whole, [], kept, len(tail))


def _start(statement: ast.Statement) -> int:
    return statement.span.start


def alike(one: str, other: str) -> tuple[int, int]:
    """How many characters two texts have in common at their beginnings, and of the rest at their
    ends."""
    start = _common(one, other)
    most = min(len(one), len(other)) - start
    return start, _common(one[::-1][:most], other[::-1][:most]) if most else 0


def _common(one: str, other: str) -> int:
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        if one[low:middle] == other[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def _next_line(text: str, statements: tuple[ast.Statement, ...], offset: int) -> int:
    """The first statement that begins a line behind an offset: nothing before it reaches in."""
    number = bisect_left(statements, offset, key=_start)
    while number < len(statements):
        start = statements[number].span.start
        line = max(text.rfind("\n", 0, start), text.rfind("\r", 0, start))
        if offset <= line and text[line + 1 : start].strip(" \t") == "":
            return number
        number += 1
    return number


def shifted(node: Any, by: int) -> Any:
    """A part of a syntax tree as it stands so many characters further on."""
    return _new(type(node), [_moved(each, by) for each in node])


def _moved(value: Any, by: int) -> Any:
    kind = type(value)
    if kind is Span:
        return _new(Span, (value[0] + by, value[1] + by))
    if kind in _NODES:
        return _new(kind, [_moved(each, by) for each in value])
    if kind is tuple and value and isinstance(value[0], tuple):
        # Statements, arguments or names; the values of a size are numbers and pairs of them.
        return tuple([_moved(each, by) if type(each) in _NODES else each for each in value])
    return value


_NODES = frozenset(
    each
    for each in vars(ast).values()
    if isinstance(each, type) and issubclass(each, tuple) and hasattr(each, "_fields")
) - {Span}


class Marks(Generic[E]):
    """How far the elaboration of a text had come before some of its statements.

    `begin` makes an elaboration that has not begun.
    """

    def __init__(self, begin: Callable[[], E], source: Source, module: ast.Module) -> None:
        self.begin = begin
        self.source = source
        self.module = module
        self.marks: dict[int, E] = {}

    def before(self, number: int) -> E:
        """An elaboration of the text as far as a statement, to go on with."""
        statements = self.module.statements
        if not self.marks:
            first = self.begin()
            first.prepare()
            self.marks[0] = first
        if number not in self.marks:
            last = max(mark for mark in self.marks if mark < number)
            made = self.marks[last].fork()
            made.read(self.source, self.module)
            step = max(1, len(statements) // MARKS)
            while last < number:
                following = min(number, last - last % step + step)
                made.body(statements[last:following], top=True)
                made.done = last = following
                self.marks[last] = made.fork()
        made = self.marks[number].fork()
        made.read(self.source, self.module)
        return made

    def kept(
        self, number: int, begin: Callable[[], E], source: Source, module: ast.Module
    ) -> Marks[E]:
        """The same for another text, which has the statements before one in common."""
        other = Marks(begin, source, module)
        other.marks = {at: mark for at, mark in self.marks.items() if at <= number}
        return other


def is_resumable(parsed: Parsed, before: ast.Module) -> bool:
    """Whether the elaboration of a text can begin with the first statement that is not as it was
    in the text before."""
    kept, tail, statements = parsed.kept, parsed.tail, parsed.module.statements
    if kept < 1 or len(statements) < LONG:
        return False
    rest = statements[kept:]
    if any(isinstance(each, _WHOLE_FILE) for each in rest):
        return False
    rest = rest[: len(rest) - tail]
    old = before.statements[kept : len(before.statements) - tail]
    if any(isinstance(each, _WHOLE_FILE) for each in old):
        return False
    return {*given_names(rest)} == {*given_names(old)}  # which no other layer has as its own
