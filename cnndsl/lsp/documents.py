"""The texts that an editor has open, and what was worked out of the newest version of each."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from lsprotocol import types
from pygls.uris import to_fs_path

from cnndsl import api
from cnndsl.analysis.utf16 import from_utf16
from cnndsl.cli.runner.configuration import Finder
from cnndsl.cli.terminal.files import FileError
from cnndsl.diagnostics import Diagnostic, Fix, Source, Span
from cnndsl.diagnostics.codes import on_by_default
from cnndsl.lang import LANGUAGES
from cnndsl.lint.configuration import codes_for

LONGEST = 1_000_000
"""The longest text, in characters, that is worked out while it is typed."""

MOST_LAYERS = 100_000
"""The most layers of a net that is worked out while it is typed."""


class Settings(NamedTuple):
    """What the user of an editor has switched on, and the language: `auto` is the editor's."""

    diagnostics: bool = True
    hints: bool = True
    lens: bool = True
    hover: bool = True
    completion: bool = True
    semanticTokens: bool = True
    fixes: bool = True
    format: bool = True
    lang: str = "auto"

    def changed(self, given: Any) -> Settings:
        """With what an editor says of them; what makes no sense is passed over."""
        known = given if isinstance(given, dict) else {}
        kinds = {name: type(value) for name, value in self._asdict().items()}
        fit = {k: v for k, v in known.items() if k in kinds and type(v) is kinds[k]}
        if fit.get("lang", "auto") not in ("auto", *LANGUAGES):
            del fit["lang"]
        return self._replace(**fit)


class Configured(NamedTuple):
    """What the configuration of a file asks for; `problem` says what is wrong with it."""

    codes: frozenset[str]
    lang: str | None = None
    problem: str = ""


class Document:
    """An open text, changed by the thread that reads, and what the thread that computes has made
    of the newest version when it last looked.

    * `text`, `version`: as the client has them
    * `seen`, `analysis`: the text that was worked out, and the outcome
    * `telling`: the task that sends the diagnostics
    * `stop`: ends what is searched for a text that is no longer the newest
    """

    def __init__(self, uri: str, version: int, text: str) -> None:
        self.uri = uri
        self.path = to_fs_path(uri) if uri.startswith("file:") else None
        self.name = os.path.basename(self.path or uri.rpartition("/")[2]) or "net.cnn"
        self.version = version
        self.text = _without_mark(text)
        self.configured = configured(self.path)
        self.telling: asyncio.Task[None] | None = None
        self.stop = threading.Event()
        self.seen = ""
        self.analysis = api.analyse("", file=self.name)
        self.took = 0.0
        self._said: tuple[frozenset[str], list[Diagnostic]] | None = None  # with which codes
        self._fixes: dict[tuple[str, Span], list[Fix]] = {}

    def change(self, version: int, changes: Sequence[types.TextDocumentContentChangeEvent]) -> None:
        """Take in what was typed. Places beyond the text are at its end."""
        self.stop.set()
        self.stop = threading.Event()
        for change in changes:
            if isinstance(change, types.TextDocumentContentChangePartial):
                source = Source(self.name, self.text)
                start, end = sorted(
                    from_utf16(source, each.line, each.character)
                    for each in (change.range.start, change.range.end)
                )
                self.text = self.text[:start] + change.text + self.text[end:]
            else:
                self.text = _without_mark(change.text)
        self.version = version

    def update(self) -> str:
        """Work out the newest text, and return it; the one thread that computes calls it."""
        text = self.text
        if self.seen is not text:
            begun = time.perf_counter()
            short = "" if len(text) > LONGEST else text
            self.analysis = api.analyse(
                short, file=self.name, limit=MOST_LAYERS, previous=self.analysis
            )
            self.seen = text
            self._said = None
            self._fixes.clear()
            self.took = time.perf_counter() - begun
        return text

    @property
    def too_long(self) -> bool:
        """Whether the text was not looked at."""
        return len(self.seen) > LONGEST

    def diagnostics(self) -> list[Diagnostic]:
        """What `check` says of the text, no fix searched; the rules are asked once."""
        codes = self.configured.codes
        if self._said is None or self._said[0] != codes:
            self._said = codes, self.analysis.said(codes)
        return self._said[1]

    def fixes(self, diagnostic: Diagnostic, cancelled: Callable[[], bool]) -> list[Fix]:
        """The fixes of a diagnostic, each searched once."""
        place = diagnostic.code, diagnostic.span
        if place not in self._fixes:
            found = self.analysis.fixes(diagnostic, cancelled=cancelled)
            if cancelled():
                return found
            self._fixes[place] = found
        return self._fixes[place]


def configured(path: str | None) -> Configured:
    """What the nearest configuration says of a file; of none what holds without one."""
    plain = Configured(frozenset(on_by_default()))
    try:
        found = Finder().of(path) if path else None
    except FileError as error:
        return plain._replace(problem=str(error))
    if path is None or found is None:
        return plain
    codes = codes_for(found.configuration, found.ignored_in(path), None, [])
    return Configured(codes, found.configuration.lang)


def _without_mark(text: str) -> str:
    # A byte order mark counts as a character in an editor's columns, so that a blank stands for it.
    return " " + text[1:] if text.startswith("\ufeff") else text
