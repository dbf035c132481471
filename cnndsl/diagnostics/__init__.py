"""Diagnostics: what cnndsl says about a net, as values that every front end renders."""

from cnndsl.diagnostics.codes import CODES, Code, Severity
from cnndsl.diagnostics.diagnostic import Diagnostic, Edit, Fix, Note
from cnndsl.diagnostics.source import Position, Source, Span

__all__ = [
    "CODES",
    "Code",
    "Diagnostic",
    "Edit",
    "Fix",
    "Note",
    "Position",
    "Severity",
    "Source",
    "Span",
]
