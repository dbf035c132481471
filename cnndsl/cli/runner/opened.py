"""A model to import: what the word on the command line means, opened and read."""

from __future__ import annotations

import contextlib
import os
import re
import sys
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from typing import Any, NamedTuple

from cnndsl.cli.terminal.files import (
    MOST_BYTES,
    STDIN,
    FileError,
    decode,
    display_name,
    read_bytes,
    read_regular,
)
from cnndsl.cli.terminal.options import UsageError, quoted
from cnndsl.contract import Unavailable
from cnndsl.diagnostics import Diagnostic, Source
from cnndsl.importers import read
from cnndsl.importers.graph import Graph
from cnndsl.importers.kinds import kind_of
from cnndsl.layers.base import Shape

REFERENCE = re.compile(r"([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*):([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*)")
AT_LINE = re.compile(r"(.+):([1-9]\d{0,8})", re.DOTALL)
LARGEST = 4 * 2**30
"""The largest file of a model that is read, in bytes."""


class Opened(NamedTuple):
    """A model to import.

    * `source`: what it goes by in messages, and its text if it has one
    * `problems`: why the text is none
    * `graph`: reads it, and raises ImportProblems
    * `model`: what is run to compare it: a live model, the bytes of a file, or None for a text
    * `kind`, `outside`: which of `KINDS` those bytes are, and what gives those of files beside it
    """

    source: Source
    problems: Sequence[Diagnostic]
    graph: Callable[[], Graph]
    model: Any = None
    kind: str = ""
    outside: Callable[[str], bytes] | None = None


def opened(word: str, kind: str | None, shapes: Sequence[Shape], name: str | None) -> Opened:
    """The model that a word means: `-`, a file, `post.md:LINE`, `package.module:function`."""
    if not word or "\0" in word:
        raise UsageError(f"{quoted(word)} is no path")
    match = REFERENCE.fullmatch(word)
    if match and not os.path.exists(word):
        if os.path.exists(match[1]):
            stem = os.path.splitext(match[1])[0].replace(os.sep, ".")
            raise UsageError(f"write `{stem}:{match[2]}`, as in Python, to run your own code")
        live = made(*match.groups())
        own = name or match[2].rpartition(".")[2]
        source = Source(word, "", dark=True)
        return Opened(source, (), lambda: read.read_object(live, own, shapes), live)
    line = None
    at = None if os.path.exists(word) else AT_LINE.fullmatch(word)
    if at and (kind or read.by_name(at[1])) == "python":
        word, line = at[1], int(at[2])
    data = read_bytes(word, LARGEST if word.lower().endswith(LARGE) else MOST_BYTES)
    shown, stem = display_name(word), os.path.splitext(os.path.basename(word))[0]
    if word == STDIN or read.by_name(word) == "python":
        stem = ""  # what the text says is a better name
    return of_data(data, shown, stem, kind, shapes, name, line, beside(word))


LARGE = (".keras", ".h5", ".hdf5", ".onnx")


def of_data(
    data: bytes,
    shown: str,
    stem: str,
    kind: str | None,
    shapes: Sequence[Shape],
    name: str | None,
    line: int | None,
    outside: Callable[[str], bytes],
) -> Opened:
    """The model in some bytes, which go by `shown` in messages."""
    dark = Source(shown, "", dark=True)
    if kind is None:
        kind = read.by_name(shown)
    if kind == "weights":
        return Opened(dark, (), read.refuse_weights)
    if kind in read.BYTES:
        from cnndsl.importers.keras_file import is_hdf5

        needed("onnx" if kind == "onnx" else "h5py" if is_hdf5(data) else "")
        graph = lambda: read.read_bytes(kind, data, name or stem, outside, shapes)  # noqa: E731
        return Opened(dark, (), graph, data, kind, outside)
    source, problems = decode(shown, data)
    if len(shapes) > 1 and (kind or kind_of(source.text)) != "python":
        raise UsageError("a text has one input: give --input once")
    return Opened(
        source,
        problems,
        lambda: read.read_text(kind, source.text, stem, shapes, name, line),
    )


def needed(library: str) -> None:
    """Raise Unavailable unless a library that reads files is installed; nothing wants none."""
    if library and find_spec(library) is None:
        raise Unavailable(library, {"h5py": "weights"}.get(library, library))


def beside(path: str) -> Callable[[str], bytes]:
    """Gives the bytes of a regular file that lies beside another, by its plain name."""

    def outside(name: str) -> bytes:
        folder = os.path.dirname(path)
        where = os.path.join(folder, name)
        if path == STDIN or os.path.basename(name) != name or os.path.islink(where):
            raise FileError(f"{name}: does not lie beside the model")
        return read_regular(where, LARGEST)

    return outside


def made(module: str, path: str) -> Any:
    """The model that the user's own code makes, which runs here; raises FileError with what it
    raises, in a line. What it prints goes to standard error."""
    from importlib import import_module

    from cnndsl.proof.frameworks import first_line

    here = os.getcwd()
    if here not in sys.path:
        sys.path.insert(0, here)  # as `python -m` does
    try:
        with contextlib.redirect_stdout(sys.stderr):
            found: Any = import_module(module)
            for part in path.split("."):
                found = getattr(found, part)
            if read.framework_of(found) is None and callable(found):
                found = found()
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # SystemExit, too
        raise FileError(f"{module}:{path}: {first_line(error)}{raised_at(error)}") from None
    return found


def raised_at(error: BaseException) -> str:
    """The line of the user's code in which an error arose: ` (nets.py, line 3)`."""
    import traceback

    own = os.path.join(os.getcwd(), "")
    names = [
        (frame.filename, frame.lineno)
        for frame in traceback.extract_tb(error.__traceback__)
        if frame.filename != __file__ and "importlib" not in frame.filename
    ]
    name, line = ([each for each in names if each[0].startswith(own)] or names or [("", 0)])[-1]
    return f" ({name.removeprefix(own)}, line {line})" if name else ""
