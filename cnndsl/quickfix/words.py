"""Fixes in words."""

from __future__ import annotations

from cnndsl.diagnostics import Edit, Source, Span
from cnndsl.layers.base import DIMENSIONS, product
from cnndsl.network.evaluation import Evaluation, ShapeError
from cnndsl.quickfix.apply import apply_edits
from cnndsl.quickfix.candidates import QuickFix
from cnndsl.quickfix.sites import Owner
from cnndsl.syntax import nodes as ast
from cnndsl.syntax.walk import statements

WIDTH = 50
"""The longest piece of the text that is shown."""

_ONE = {"height": "row", "width": "column", "length": "position", "depth": "slice"}


def title(fix: QuickFix, error: ShapeError, before: Evaluation) -> str:
    """What to do, as `write conv 20 4x3 on line 8`."""
    candidate, source = fix.candidate, before.source
    owner = candidate.owner
    if candidate.kind in ("input", "far") and owner is None:
        words = f"make the input{'s' * (len(candidate.edits) > 1)} {candidate.word}"
    elif candidate.kind == "order":
        words = f"make the input {candidate.word}: sizes are written channels last"
    elif candidate.kind == "rounding" and owner is None:
        words = "write `rounding floor`, for the whole file"
    elif owner is None or candidate.word in ("flatten", "gap"):
        words = f"put `{candidate.word}` {_values(candidate.word, error)}before it"
    elif candidate.kind == "layers" and candidate.word:
        edit = candidate.edits[0]
        place = "at the end of" if edit.text.startswith(";") else "in"
        words = f"put `{candidate.word}` {place} {_path(edit, error, source)}"
    else:
        words = f"write `{written(source, owner, candidate.edits)}`"
        if owner is not error.statement:
            words += _place(owner, error, before)
    if candidate.word == "floor":
        words += dropped(fix, error)
    if fix.remaining and fix.remaining.new:
        code, offset = fix.remaining.new[0]
        line = source.position(offset).line
        broken = f"; that breaks the promise on line {line}"
        words += broken if code == "E301" else f", and then see to line {line}"
    elif fix.remaining:
        words += ", for this error alone"
    return words


def _path(edit: Edit, error: ShapeError, source: Source) -> str:
    """The path of a merge that an edit is in, and what it takes the place of there."""
    paths = error.statement.paths or ()
    starts = [each.span.start <= edit.span.start <= each.span.end for each in paths]
    old = source.text[slice(*edit.span)]
    return f"path {starts.index(True) + 1}" + (f", in the place of `{shortened(old)}`" * bool(old))


def _place(owner: Owner, error: ShapeError, before: Evaluation) -> str:
    """Where a statement stands, and which of several in its line it is."""
    source = before.source
    here, there = (source.position(span.start).line for span in (error.span, owner.span))
    on = f" on line {there}" if here != there else ""
    beside = [
        each
        for each in statements(before.module.statements)
        if each.span != owner.span and source.position(each.span.start).line == there
    ]
    if on and not beside:
        return on
    old = written(source, owner, ())
    alike = any(written(source, each, ()) == old for each in beside)
    column = f", column {source.position(owner.span.start).column}" if alike else ""
    return f" in the place of `{old}`{on}{column}"


def _values(word: str, error: ShapeError) -> str:
    """How many values a layer leaves of what the error reads."""
    if word == "flatten":
        return f"({product(error.shape):,} values) "
    return f"({error.shape[-1]:,}, one for each channel) "


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


def dropped(fix: QuickFix, error: ShapeError) -> str:
    """How many rows and columns a layer leaves out once it rounds down."""
    nodes = [n for n in fix.outcome.nodes if n.span.start == error.statement.span.start]
    windows = {getattr(node.layer, "windows", ()) for node in nodes}
    if len(windows) != 1:
        return ""
    (layer,) = windows
    parts = []
    for name, window in zip(DIMENSIONS[len(layer)], layer):
        if window.left_out:
            what = _ONE[name] + "s" * (window.left_out != 1)
            parts.append(f"{window.left_out} {what}")
    return f", which leaves out {' and '.join(parts)}" if parts else ""
