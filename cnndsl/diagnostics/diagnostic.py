"""One thing to say about a text: what is wrong, where, and how to mend it."""

from __future__ import annotations

from typing import NamedTuple

from cnndsl.diagnostics.codes import CODES, Severity
from cnndsl.diagnostics.message import NOTHING, Message, said
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

    def told(self, lang: str = "en") -> str:
        """All that it says, for who shows no source: the message, the notes and the help."""
        help_ = [f"{label('help', lang)}: {said(self.help, lang)}"] if self.help else []
        notes = [said(note.message, lang) for note in self.notes]
        return "\n".join([said(self.message, lang), *notes, *help_])

    def in_language(self, lang: str) -> Diagnostic:
        """The same with every text in a language."""
        if lang == "en":
            return self

        def translate(message: Message) -> Message:
            return Message("{text}", text=said(message, lang)) if message else message

        return self._replace(
            message=translate(self.message),
            help=translate(self.help),
            notes=tuple(each._replace(message=translate(each.message)) for each in self.notes),
            fixes=tuple(each._replace(title=translate(each.title)) for each in self.fixes),
        )


def label(word: str, lang: str) -> str:
    """What stands before a text: `error`, `warning`, `note` or `help`, in a language."""
    return word if lang == "en" else said(_LABELS[word], lang)


_LABELS = {
    "error": Message("error"),
    "warning": Message("warning"),
    "note": Message("note"),
    "help": Message("help"),
}
