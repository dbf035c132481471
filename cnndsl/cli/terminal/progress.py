"""How far a long run is: a line on the terminal that is gone before anything else is said."""

from __future__ import annotations

import os
import sys
from time import monotonic

from cnndsl.diagnostics.render import printable

PATIENCE, PERIOD = 0.4, 0.1
"""Seconds before the line is shown, and between its changes."""


class Progress:
    """Counts files, or what else `what` says; shown where standard error is a terminal."""

    def __init__(self, total: int, what: str = "files") -> None:
        self.total, self.what = total, printable(what)
        self.done = 0
        stream = sys.stderr
        shown = stream is not None and stream.isatty() and os.environ.get("TERM") != "dumb"
        self._stream = stream if shown else None
        self._next = monotonic() + PATIENCE
        self._width = 0

    def add(self, count: int) -> None:
        """So many more are done."""
        self.done += count
        if self._stream is None:
            return
        now = monotonic()
        if now >= self._next:
            self._next = now + PERIOD
            text = f"{self.done:,} of {self.total:,} {self.what}"
            self._stream.write("\r" + text.ljust(self._width))
            self._stream.flush()
            self._width = len(text)

    def clear(self) -> None:
        """Leave the line as empty as it was."""
        if self._stream is not None and self._width:
            self._stream.write("\r" + " " * self._width + "\r")
            self._stream.flush()
            self._width = 0
