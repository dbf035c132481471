"""What the commands print: text for people, and data that must come out as it is."""

from __future__ import annotations

import sys
from typing import TextIO

from cnndsl.cli.terminal.options import UsageError


def out(text: str, *, painted: bool = False) -> None:
    """Text for people, to standard output. It holds nothing that a terminal or a log obeys.

    Where a text is `painted`, whoever put in the colours has escaped the rest.
    """
    if sys.stdout is None:
        raise OSError("standard output is closed")
    _write(sys.stdout, _harmless(text, painted))


def err(text: str, *, painted: bool = False) -> None:
    """Text for people, to standard error, as `out` writes it."""
    if sys.stderr is not None:
        sys.stdout and sys.stdout.flush()
        _write(sys.stderr, _harmless(text, painted))


def _harmless(text: str, painted: bool) -> str:
    plain = text.isascii() and text.replace("\n", "").isprintable()
    if plain and "::" not in text and "##" not in text:
        return text  # as most is
    from cnndsl.diagnostics.harmless import harmless, without_commands

    return without_commands(text) if painted else harmless(text)


def say(message: str) -> None:
    """One line about the run itself, to standard error."""
    from cnndsl.diagnostics.render import printable

    err(f"cnndsl: {printable(message)}\n")


def data(text: str | bytes) -> None:
    """The contents of a file, to standard output: UTF-8 and `\\n` whatever the locale.

    So `build … > x.py` writes the same bytes as `build … -o x.py`. On a terminal it is text to
    look at, and what is not text does not go there.
    """
    if sys.stdout is None:
        raise OSError("standard output is closed")
    _write_as_it_is(sys.stdout, text)


def data_aside(text: str) -> None:
    """What is written as `data` is, to standard error: standard output has a file already."""
    if sys.stderr is not None:
        sys.stdout and sys.stdout.flush()
        _write_as_it_is(sys.stderr, text)


def _write_as_it_is(stream: TextIO, text: str | bytes) -> None:
    buffer = getattr(stream, "buffer", None)
    if isinstance(text, bytes):
        if buffer is None or stream.isatty():
            raise UsageError("this is not text: give -o PATH")
        stream.flush()
        buffer.write(text)
    elif stream.isatty():
        from cnndsl.diagnostics.harmless import visible

        _write(stream, visible(text))
    elif buffer is None:
        _write(stream, text)
    else:
        stream.flush()
        # Only the name of a file can hold half a surrogate pair; JSON wants it so escaped.
        buffer.write(text.encode("utf-8", "backslashreplace"))


def difference(name: str, before: str, after: str) -> str:
    """What changes from one text to another, as `diff -u` says it.

    It is made to be looked at: what is no character to look at is escaped, so that it is no
    patch for the lines which hold such.
    """
    from difflib import unified_diff

    from cnndsl.diagnostics.harmless import harmless
    from cnndsl.diagnostics.render import printable

    def lines(text: str) -> list[str]:
        # Not str.splitlines, which also splits where an editor and `patch` do not.
        found = [line + "\n" for line in text.split("\n")]
        found[-1] = found[-1][:-1]
        return found if found[-1] else found[:-1]

    pieces = unified_diff(lines(before), lines(after), printable(name), printable(name))
    last = "\\ No newline at end of file\n"
    return harmless("".join(each if each.endswith("\n") else f"{each}\n{last}" for each in pieces))


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
