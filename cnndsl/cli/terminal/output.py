"""What the commands print: text for people, and data that must come out as it is."""

from __future__ import annotations

import sys
from typing import TextIO

from cnndsl.cli.terminal.options import UsageError


def out(text: str) -> None:
    """Text for people, to standard output."""
    if sys.stdout is None:
        raise OSError("standard output is closed")
    _write(sys.stdout, text)


def err(text: str) -> None:
    """Text for people, to standard error."""
    if sys.stderr is not None:
        sys.stdout and sys.stdout.flush()
        _write(sys.stderr, text)


def say(message: str) -> None:
    """One line about the run itself, to standard error."""
    from cnndsl.diagnostics.render import printable

    err(f"cnndsl: {printable(message)}\n")


def data(text: str | bytes) -> None:
    """The contents of a file, to standard output: UTF-8 and `\\n` whatever the locale.

    So `build … > x.py` writes the same bytes as `build … -o x.py`. On a terminal it is text,
    and what is not text does not go there.
    """
    stream = sys.stdout
    if stream is None:
        raise OSError("standard output is closed")
    buffer = getattr(stream, "buffer", None)
    if isinstance(text, bytes):
        if buffer is None or stream.isatty():
            raise UsageError("this is not text: give -o PATH")
        stream.flush()
        buffer.write(text)
    elif buffer is None or stream.isatty():
        _write(stream, text)
    else:
        stream.flush()
        # Only the name of a file can hold half a surrogate pair; JSON wants it so escaped.
        buffer.write(text.encode("utf-8", "backslashreplace"))


def difference(name: str, before: str, after: str) -> str:
    """What changes from one text to another, as `diff -u` says it."""
    from difflib import unified_diff

    def lines(text: str) -> list[str]:
        # Not str.splitlines, which also splits where an editor and `patch` do not.
        found = [line + "\n" for line in text.split("\n")]
        found[-1] = found[-1][:-1]
        return found if found[-1] else found[:-1]

    pieces = unified_diff(lines(before), lines(after), name, name)
    last = "\\ No newline at end of file\n"
    return "".join(each if each.endswith("\n") else f"{each}\n{last}" for each in pieces)


def _write(stream: TextIO, text: str) -> None:
    encoding = getattr(stream, "encoding", None) or "utf-8"
    if not text.isascii():  # a locale without `×` is no reason to fail
        text = text.encode(encoding, "backslashreplace").decode(encoding)
    stream.write(text)


def wants_color(stream: TextIO | None) -> bool:
    """Whether to colour what goes to a stream: NO_COLOR, FORCE_COLOR, else a terminal."""
    import os

    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR"):
        return True
    if stream is None or os.environ.get("TERM") == "dumb" or not stream.isatty():
        return False
    # An old Windows console shows the escape sequences themselves.
    return sys.platform != "win32" or "WT_SESSION" in os.environ or "TERM" in os.environ
