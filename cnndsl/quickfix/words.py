"""Cures in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cnndsl.diagnostics import Edit, Span
from cnndsl.layers.base import DIMENSIONS, product
from cnndsl.quickfix.apply import apply_edits
from cnndsl.quickfix.sites import statements
from cnndsl.syntax import nodes as ast

if TYPE_CHECKING:
    from cnndsl.diagnostics import Source
    from cnndsl.quickfix.rerun import Misfit, Outcome
    from cnndsl.quickfix.search import Cure
    from cnndsl.quickfix.sites import Owner

WIDTH = 50
"""The longest piece of the text that is shown."""

_ONE = {"height": "row", "width": "column", "length": "position", "depth": "slice"}


def title(cure: Cure, misfit: Misfit, before: Outcome) -> str:
    """What to do, as `write conv 20 4x3 on line 8`."""
    candidate, source = cure.candidate, before.source
    owner = candidate.owner
    if candidate.kind in ("input", "far") and owner is None:
        words = f"make the input{'s' * (len(candidate.edits) > 1)} {candidate.word}"
    elif candidate.kind == "order":
        words = f"make the input {candidate.word}: sizes are written channels last"
    elif candidate.kind == "rounding" and owner is None:
        words = "write `rounding floor`, for the whole file"
    elif owner is None or candidate.word in ("flatten", "gap"):
        words = f"put `{candidate.word}` {_values(candidate.word, misfit)}before it"
    elif candidate.kind == "layers" and candidate.word:
        edit = candidate.edits[0]
        place = "at the end of" if edit.text.startswith(";") else "in"
        words = f"put `{candidate.word}` {place} {_path(edit, misfit, source)}"
    else:
        words = f"write `{written(source, owner, candidate.edits)}`"
        if owner is not misfit.statement:
            words += _place(owner, misfit, before)
    if candidate.word == "floor":
        words += dropped(cure, misfit)
    if cure.rest and cure.rest.new:
        code, offset = cure.rest.new[0]
        line = source.position(offset).line
        promise = f"; that breaks the promise on line {line}"
        words += promise if code == "E301" else f", and then see to line {line}"
    elif cure.rest:
        words += ", for this error alone"
    return words


def _path(edit: Edit, misfit: Misfit, source: Source) -> str:
    """The path of a merge that an edit is in, and what it takes the place of there."""
    paths = misfit.statement.paths or ()
    starts = [each.span.start <= edit.span.start <= each.span.end for each in paths]
    old = source.text[slice(*edit.span)]
    return f"path {starts.index(True) + 1}" + (f", in the place of `{shortened(old)}`" * bool(old))


def _place(owner: Owner, misfit: Misfit, before: Outcome) -> str:
    """Where a statement stands, and which of several in its line it is."""
    source = before.source
    here, there = (source.position(span.start).line for span in (misfit.span, owner.span))
    on = f" on line {there}" if here != there else ""
    beside = [
        each
        for each in statements(before.module)
        if each.span != owner.span and source.position(each.span.start).line == there
    ]
    if on and not beside:
        return on
    old = written(source, owner, ())
    alike = any(written(source, each, ()) == old for each in beside)
    column = f", column {source.position(owner.span.start).column}" if alike else ""
    return f" in the place of `{old}`{on}{column}"


def _values(word: str, misfit: Misfit) -> str:
    """How many values a layer leaves of what the misfit reads."""
    if word == "flatten":
        return f"({product(misfit.shape):,} values) "
    return f"({misfit.shape[-1]:,}, one for each channel) "


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


def dropped(cure: Cure, misfit: Misfit) -> str:
    """How many rows and columns a layer leaves out once it rounds down."""
    nodes = [n for n in cure.outcome.nodes if n.span.start == misfit.statement.span.start]
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
