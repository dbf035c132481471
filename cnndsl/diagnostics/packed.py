"""Diagnostics as lists of numbers and strings, without the text that they speak of.

A message is its template and its values, so that it can be told in any language. A template
without values is a string by itself.
So they pass from one process to another, and into the cache; JSON keeps them as they are.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from string import Formatter
from typing import Any, TypeAlias

from cnndsl.diagnostics.codes import CODES
from cnndsl.diagnostics.diagnostic import Diagnostic, Edit, Fix, Note
from cnndsl.diagnostics.message import Message
from cnndsl.diagnostics.source import Source, Span

Packed: TypeAlias = list[Any]

MAX_DEPTH = 200
"""How deep messages stand in messages."""


def pack(diagnostics: Iterable[Diagnostic]) -> Packed:
    """The diagnostics of one source, as a value that JSON holds."""
    return [
        [
            each.code,
            *each.span,
            _packed(each.message),
            _packed(each.help),
            [[_packed(note.message), *(note.span or ())] for note in each.notes],
            [
                [
                    _packed(fix.title),
                    fix.safe,
                    fix.alone,
                    fix.intent,
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
            Note(_message(text), span(*where) if where else None)
            for text, *where in _the(notes, list)
        ]
        cures = [
            Fix(
                _message(title),
                tuple(Edit(span(a, b), _the(text, str)) for a, b, text in _the(edits, list)),
                _the(safe, bool),
                _the(alone, bool),
                _the(intent, str),
            )
            for title, safe, alone, intent, edits in _the(fixes, list)
        ]
        place, texts = span(start, stop), (_message(message), _message(help_))
        found.append(Diagnostic(code, source, place, *texts, tuple(remarks), tuple(cures)))
    return found


def _the(value: Any, kind: type) -> Any:
    if type(value) is not kind:
        raise TypeError(f"this is no {kind.__name__}")
    return value


_SPEC = re.compile(r",?(\.\d\d?)?[a-z%]?")
"""How templates show numbers: nothing that makes a text long."""


def _packed(value: Any) -> Any:
    """A message, or a value of one."""
    if isinstance(value, Message):
        values = {name: _value(each) for name, each in value.values.items()}
        return [value.template, values] if values else value.template
    return ["{text}", {"text": str(value)}]


def _value(value: Any) -> Any:
    if isinstance(value, Message):
        packed = _packed(value)
        return [packed, {}] if isinstance(packed, str) else packed
    return value if type(value) in (int, float) else str(value)


def _message(packed: Any, depth: int = 0) -> Message:
    template, values = (packed, {}) if type(packed) is str else _the(packed, list)
    if depth > MAX_DEPTH:
        raise ValueError("these messages stand too deep in one another")
    found = {}
    for name, value in _the(values, dict).items():
        if type(value) is list:
            found[name] = _message(value, depth + 1)
        elif type(value) in (str, int, float):
            found[name] = value
        else:
            raise TypeError("this is no value of a message")
    for _, name, spec, conversion in Formatter().parse(_the(template, str)):
        if name is None:
            continue
        plain = name in found and name.isidentifier() and not conversion
        if not (plain and _SPEC.fullmatch(spec or "")):
            raise ValueError("this is no template with these values")
    return Message(template, **found)
