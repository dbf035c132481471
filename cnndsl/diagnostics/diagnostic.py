"""One thing to say about a text: what is wrong, where, and how to mend it."""

from __future__ import annotations

from typing import NamedTuple

from cnndsl.diagnostics.codes import CODES, Severity
from cnndsl.diagnostics.message import NOTHING, Message
from cnndsl.diagnostics.source import Source, Span


class Edit(NamedTuple):
    """Replace the text of `span` by `text`."""

    span: Span
    text: str


class Fix(NamedTuple):
    """Edits that belong together.

    `safe`: they change how the text is written, and not which network is meant. No change of an
    architecture or a promise is safe, nor of a word whose meaning had to be guessed.
    `alone`: it was tried, and mends this diagnostic and no other.
    `intent`: empty where it may be what was meant. Else it is offered and not made for anyone:
    `loses` throws values away, `data` asks for inputs of quite another size, and `promise` gives
    up what the file holds the net to, which is made where one asks for just that.
    """

    title: Message
    edits: tuple[Edit, ...]
    safe: bool = False
    alone: bool = False
    intent: str = ""


class Note(NamedTuple):
    """A further remark, with the place it speaks of where there is one."""

    message: Message
    span: Span | None = None


class Diagnostic(NamedTuple):
    """A problem found in a text.

    `code` is a key of `CODES`; `message` says what is wrong, in lower case and without a
    full stop; `help` says how to mend it. Spans are offsets into the text of `source`.
    """

    code: str
    source: Source
    span: Span
    message: Message
    help: Message = NOTHING
    notes: tuple[Note, ...] = ()
    fixes: tuple[Fix, ...] = ()

    @property
    def name(self) -> str:
        """The code's name in words, as `size-not-whole`."""
        return CODES[self.code].name

    @property
    def severity(self) -> Severity:
        """`error` or `warning`."""
        return CODES[self.code].severity

    def told(self) -> str:
        """All that it says, for who shows no source: the message, the notes and the help."""
        help_ = [f"help: {self.help}"] if self.help else []
        return "\n".join([self.message, *(note.message for note in self.notes), *help_])
