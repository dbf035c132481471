"""Edits that rules propose: to take out a statement or an argument, or to add to a layer."""

from __future__ import annotations

from cnndsl.diagnostics.diagnostic import Edit
from cnndsl.diagnostics.source import Source, Span
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
    before = start
    while before and text[before - 1] in " \t":
        before -= 1
    after = end
    while after < len(text) and text[after] in " \t":
        after += 1
    if text[after : after + 1] == ";":
        after += 1
        while text[after : after + 1] in (" ", "\t"):
            after += 1
        return Edit(Span(start, after), "")
    if before and text[before - 1] == ";":
        return Edit(Span(before - 1, end), "")
    if not before or text[before - 1] == "\n":
        if text[after : after + 2] == "\r\n":
            return Edit(Span(before, after + 2), "")
        if after == len(text) or text[after] == "\n":
            return Edit(Span(before, min(after + 1, len(text))), "")
        return Edit(Span(before, after), "")  # a comment follows
    return Edit(span, "")


def without_argument(source: Source, span: Span) -> Edit:
    """Take an argument out, with the space before it."""
    start = span.start
    while start and source.text[start - 1] in " \t":
        start -= 1
    return Edit(Span(start, span.end), "")


def with_argument(statement: ast.Apply, text: str) -> Edit:
    """Give a layer a further argument."""
    end = (statement.args[-1] if statement.args else statement.name).span.end
    return Edit(Span(end, end), f" {text}")
