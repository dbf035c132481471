"""Fixes in words."""

from __future__ import annotations

from cnndsl.diagnostics import Edit, Source, Span
from cnndsl.diagnostics.message import NOTHING, Message, listed
from cnndsl.layers.base import DIMENSIONS, product
from cnndsl.network.evaluation import Evaluation, ShapeError
from cnndsl.quickfix.apply import apply_edits
from cnndsl.quickfix.candidate import QuickFix
from cnndsl.quickfix.sites import Owner
from cnndsl.syntax import nodes as ast
from cnndsl.syntax.walk import statements

WIDTH = 50
"""The longest piece of the text that is shown."""


def title(fix: QuickFix, error: ShapeError, before: Evaluation, *, other: bool = False) -> Message:
    """What to do, as `write conv 20 4x3 on line 8`; with an `other` size beside the first."""
    words = _what(fix, error, before, other)
    if fix.candidate.word == "floor" and (pixels := dropped(fix, error)):
        words = Message("{fix}, which leaves out {pixels}", fix=words, pixels=pixels)
    if fix.remaining and fix.remaining.new:
        code, offset = fix.remaining.new[0]
        line = before.source.position(offset).line
        if code == "E301":
            return Message("{fix}; that breaks the promise on line {line}", fix=words, line=line)
        return Message("{fix}, and then see to line {line}", fix=words, line=line)
    if fix.remaining:
        return Message("{fix}, for this error alone", fix=words)
    return words


def _what(fix: QuickFix, error: ShapeError, before: Evaluation, other: bool) -> Message:
    candidate, source = fix.candidate, before.source
    owner = candidate.owner
    if candidate.title is not None:
        return candidate.title
    if candidate.kind in ("input", "far", "sizes") and owner is None:
        return _size(fix, other=other)
    if candidate.kind == "order":
        size = candidate.word
        return Message("make the input {size}: sizes are written channels last", size=size)
    if candidate.kind == "rounding" and owner is None:
        return Message("write `rounding floor`, for the whole file")
    if candidate.word == "flatten":
        return Message("put `flatten` ({count:,} values) before it", count=product(error.shape))
    if candidate.word == "gap":
        count = error.shape[-1]
        return Message("put `gap` ({count:,}, one for each channel) before it", count=count)
    if candidate.word and owner is error.statement and candidate.kind in _FILLING:
        return _put(candidate.edits[0], candidate.word, error, source)
    if owner is None:
        return Message("put `{code}` before it", code=candidate.word)
    code = written(source, owner, candidate.edits)
    if owner is error.statement and error.code != "E301":
        return Message("write `{code}`", code=code)
    return _placed(code, owner, error, before)


_FILLING = ("match", "project", "loses", "layers")
"""What puts a layer into a path of a merge."""


def _size(fix: QuickFix, *, other: bool) -> Message:
    """Another size of the input; `word` has the two best."""
    size, _, second = fix.candidate.word.partition(" ")
    many = len(fix.candidate.edits) > 1
    if second and other:
        if many:
            words = Message("make the inputs {size} (or {other})", size=size, other=second)
        else:
            words = Message("make the input {size} (or {other})", size=size, other=second)
    elif many:
        words = Message("make the inputs {size}", size=size)
    else:
        words = Message("make the input {size}", size=size)
    if fix.candidate.kind == "sizes":
        return Message("{fix}, with which nothing is lost on the way", fix=words)
    return words


def _put(edit: Edit, code: str, error: ShapeError, source: Source) -> Message:
    """A layer in a path of a merge, and what it takes the place of there."""
    ends = [edit.span.start <= each.span.end for each in error.paths]
    number, old = ends.index(True) + 1, source.text[slice(*edit.span)]
    if edit.text.startswith(";"):
        return Message("put `{code}` at the end of path {number}", code=code, number=number)
    if not old.strip("{}| \n") or edit.text.startswith(" "):
        return Message("put `{code}` in path {number}", code=code, number=number)
    return Message(
        "put `{code}` in path {number}, in the place of `{old}`",
        code=code,
        number=number,
        old=shortened(old),
    )


def _placed(code: str, owner: Owner, error: ShapeError, before: Evaluation) -> Message:
    """Where a statement is to be written, and which of several in its line it replaces."""
    source = before.source
    here, there = (source.position(span.start).line for span in (error.span, owner.span))
    beside = [
        each
        for each in statements(before.module.statements)
        if each.span != owner.span and source.position(each.span.start).line == there
    ]
    if here != there and not beside:
        return Message("write `{code}` on line {line}", code=code, line=there)
    old = written(source, owner, ())
    if any(written(source, each, ()) == old for each in beside):
        column = source.position(owner.span.start).column
        if here == there:
            return Message(
                "write `{code}` in the place of `{old}`, column {column}",
                code=code,
                old=old,
                column=column,
            )
        return Message(
            "write `{code}` in the place of `{old}` on line {line}, column {column}",
            code=code,
            old=old,
            line=there,
            column=column,
        )
    if here == there:
        return Message("write `{code}` in the place of `{old}`", code=code, old=old)
    return Message(
        "write `{code}` in the place of `{old}` on line {line}", code=code, old=old, line=there
    )


def header(statement: ast.Statement | ast.Parameter) -> Span:
    """A statement without its body, its paths, and the name that it gives."""
    if isinstance(statement, ast.Apply):
        end = statement.args[-1].span.end if statement.args else statement.name.span.end
        return Span(statement.span.start, end)
    if isinstance(statement, ast.Repeat):
        return Span(statement.span.start, statement.count.span.end)
    return statement.span


def written(
    source: Source, statement: ast.Statement | ast.Parameter, edits: tuple[Edit, ...]
) -> str:
    """A statement's header as it reads after edits."""
    start, end = header(statement)
    inside = [
        Edit(Span(span.start - start, span.end - start), text)
        for span, text in edits
        if start <= span.start and span.end <= end
    ]
    return shortened(apply_edits(source.text[start:end], inside))


def shortened(text: str) -> str:
    """A piece of a text in one line."""
    text = " ".join(text.split())
    return text if len(text) <= WIDTH else text[: WIDTH - 1] + "…"


def dropped(fix: QuickFix, error: ShapeError) -> Message:
    """How many rows and columns a layer leaves out once it rounds down."""
    nodes = [n for n in fix.outcome.nodes if n.span.start == error.statement.span.start]
    windows = {getattr(node.layer, "windows", ()) for node in nodes}
    if len(windows) != 1:
        return NOTHING
    (layer,) = windows
    parts = [
        _pixels(name, window.left_out)
        for name, window in zip(DIMENSIONS[len(layer)], layer)
        if window.left_out
    ]
    return listed(parts)


def _pixels(dimension: str, count: int) -> Message:
    one = count == 1
    if dimension == "height":
        return Message("1 row") if one else Message("{count:,} rows", count=count)
    if dimension == "width":
        return Message("1 column") if one else Message("{count:,} columns", count=count)
    if dimension == "length":
        return Message("1 position") if one else Message("{count:,} positions", count=count)
    return Message("1 slice") if one else Message("{count:,} slices", count=count)
