"""Edits that rules propose: to take out a statement or an argument, or to add to a layer."""

from __future__ import annotations

from cnndsl.diagnostics import Edit, Fix, Source, Span
from cnndsl.diagnostics.message import Message
from cnndsl.rules.helpers.view import View
from cnndsl.syntax import nodes as ast


def without_statement(view: View, span: Span) -> Edit:
    """Take a statement out, with the `;` or the line that held nothing else.

    A comment on its line stays, for whoever wrote it to judge. A path that held nothing else
    becomes `skip`: a first path that is empty would be none.
    """
    if span in view.alone_in_path:
        return Edit(span, "skip")
    text, (start, end) = view.source.text, span
    before, after = _before_spaces(text, start), _after_spaces(text, end)
    if text[after : after + 1] == ";":
        return Edit(Span(start, _after_spaces(text, after + 1)), "")
    if before and text[before - 1] == ";":
        return Edit(Span(before - 1, end), "")
    if not before or text[before - 1] == "\n":
        if text[after : after + 2] == "\r\n":
            return Edit(Span(before, after + 2), "")
        if after == len(text) or text[after] == "\n":
            return Edit(Span(before, min(after + 1, len(text))), "")
        return Edit(Span(before, after), "")  # a comment follows
    return Edit(span, "")


def _before_spaces(text: str, at: int) -> int:
    while at and text[at - 1] in " \t":
        at -= 1
    return at


def _after_spaces(text: str, at: int) -> int:
    while text[at : at + 1] in (" ", "\t"):
        at += 1
    return at


def removal(view: View, span: Span, *, safe: bool = False) -> tuple[Fix, ...]:
    """The fix that takes a statement out."""
    return (Fix(Message("remove it"), (without_statement(view, span),), safe),)


def without_argument(source: Source, span: Span) -> Edit:
    """Take an argument out, with the space before it."""
    return Edit(Span(_before_spaces(source.text, span.start), span.end), "")


def with_argument(statement: ast.Apply, text: str) -> Edit:
    """Give a layer a further argument."""
    end = (statement.args[-1] if statement.args else statement.name).span.end
    return Edit(Span(end, end), f" {text}")
