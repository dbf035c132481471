"""Diagnostics as lists of numbers and strings, without the text that they speak of.

So they pass from one process to another, and into the cache; JSON keeps them as they are.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeAlias

from cnndsl.diagnostics.codes import CODES
from cnndsl.diagnostics.diagnostic import Diagnostic, Edit, Fix, Note
from cnndsl.diagnostics.source import Source, Span

Packed: TypeAlias = list[Any]


def pack(diagnostics: Iterable[Diagnostic]) -> Packed:
    """The diagnostics of one source, as a value that JSON holds."""
    return [
        [
            each.code,
            *each.span,
            each.message,
            each.help,
            [[note.message, *(note.span or ())] for note in each.notes],
            [
                [fix.title, fix.safe, fix.alone, [[*edit.span, edit.text] for edit in fix.edits]]
                for fix in each.fixes
            ],
        ]
        for each in diagnostics
    ]


def unpack(rows: Packed, source: Source) -> list[Diagnostic]:
    """What `pack` was given. Raises LookupError, TypeError or ValueError for other things."""
    if not isinstance(rows, list) or not all(
        row[0] in CODES and 0 <= row[1] <= row[2] for row in rows
    ):
        raise ValueError("these are no packed diagnostics")
    return [
        Diagnostic(
            code,
            source,
            Span(start, end),
            message,
            help_,
            tuple(Note(text, Span(*span) if span else None) for text, *span in notes),
            tuple(
                Fix(title, tuple(Edit(Span(a, b), text) for a, b, text in edits), safe, alone)
                for title, safe, alone, edits in fixes
            ),
        )
        for code, start, end, message, help_, notes, fixes in rows
    ]
