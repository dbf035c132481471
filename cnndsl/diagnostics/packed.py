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
                [
                    *(fix.title, fix.safe, fix.alone, fix.intent),
                    [[*edit.span, edit.text] for edit in fix.edits],
                ]
                for fix in each.fixes
            ],
        ]
        for each in diagnostics
    ]


def unpack(rows: Packed, source: Source) -> list[Diagnostic]:
    """What `pack` was given. Raises TypeError or ValueError for whatever else JSON can hold."""
    end = len(source.text)

    def span(start: Any, stop: Any) -> Span:
        if not (type(start) is type(stop) is int and 0 <= start <= stop <= end):
            raise ValueError("this is no span of the text")
        return Span(start, stop)

    found = []
    for code, start, stop, message, help_, notes, fixes in _the(rows, list):
        if _the(code, str) not in CODES:
            raise ValueError(f"there is no code {code}")
        remarks = [
            Note(_the(text, str), span(*where) if where else None)
            for text, *where in _the(notes, list)
        ]
        cures = [
            Fix(
                _the(title, str),
                tuple(Edit(span(a, b), _the(text, str)) for a, b, text in _the(edits, list)),
                _the(safe, bool),
                _the(alone, bool),
                _the(intent, str),
            )
            for title, safe, alone, intent, edits in _the(fixes, list)
        ]
        place, texts = span(start, stop), (_the(message, str), _the(help_, str))
        found.append(Diagnostic(code, source, place, *texts, tuple(remarks), tuple(cures)))
    return found


def _the(value: Any, kind: type) -> Any:
    if type(value) is not kind:
        raise TypeError(f"this is no {kind.__name__}")
    return value
