"""Reading and writing files, for every command."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterable, Mapping

from cnndsl.cli.terminal.options import UsageError, quoted
from cnndsl.diagnostics.diagnostic import Diagnostic
from cnndsl.diagnostics.source import Source

TYPE_CHECKING = False
if TYPE_CHECKING:
    from io import FileIO

STDIN = "-"
BOM = "\ufeff"

MOST_BYTES = 100_000_000
"""The largest text that is read: a net of 100,000 layers has three megabytes."""


class FileError(Exception):
    """A file or folder that cannot be read or written. Its text says why in one line.

    Where there are several reasons, each of its `args` is a line.
    """


def reason(error: OSError) -> str:
    """Why the system refused, in lower case, without the number of the error."""
    text = error.strerror or str(error) or type(error).__name__
    return text[:1].lower() + text[1:]


def find_files(operands: Iterable[str], suffix: str = ".cnn") -> list[str]:
    """The files that a command is to work on: folders looked through, none twice.

    A folder means every file with the suffix below it in the order of their paths, but for
    hidden ones. A file that is named counts whatever its suffix.
    """
    found: dict[str, str] = {}
    for operand in operands:
        if operand == STDIN:
            found.setdefault(STDIN, STDIN)
            continue
        if not operand or "\0" in operand:
            raise UsageError(f"{quoted(operand)} is no path")
        if os.path.isdir(operand):
            for path, real in _below(operand, suffix):
                found.setdefault(real, path)
        else:
            found.setdefault(os.path.realpath(operand), operand)
    return list(found.values())


def _below(folder: str, suffix: str) -> list[tuple[str, str]]:
    """The files below a folder, each with the path that it really has."""
    found: list[tuple[str, str]] = []
    folders = [(folder, os.path.realpath(folder))]
    while folders:
        where, real = folders.pop()
        try:
            with os.scandir(where) as entries:
                for entry in entries:
                    name = entry.name
                    if name.startswith("."):
                        continue
                    path = name if where in (".", "./") else os.path.join(where, name)
                    really = os.path.join(real, name)
                    if entry.is_dir(follow_symlinks=False):
                        folders.append((path, really))
                    elif name.endswith(suffix) and not entry.is_dir():
                        found.append(
                            (path, os.path.realpath(path) if entry.is_symlink() else really)
                        )
        except OSError as error:
            raise FileError(f"{error.filename or where}: {reason(error)}") from None
    if not found:
        raise FileError(f"{folder}: no {suffix} file in this folder")
    return sorted(found, key=lambda pair: pair[0].split(os.sep))


def read_bytes(path: str, most: int = MOST_BYTES) -> bytes:
    """The contents of a file that the user names, or of standard input for `-`.

    It may be a pipe or a device, as in `cnndsl check <(…)`, and is read as far as `most` bytes:
    FileError for more. What was found and not named is read by `read_regular`.
    """
    try:
        if path == STDIN:
            if sys.stdin is None:
                raise FileError("<stdin>: standard input is closed")
            return _bounded(path, sys.stdin.buffer.read(most + 1), most)
        with open(path, "rb", buffering=0) as file:  # which is read at once
            return _bounded(path, _read(file, most), most)
    except OSError as error:
        raise FileError(f"{display_name(path)}: {reason(error)}") from None


def read_regular(path: str, most: int = MOST_BYTES) -> bytes:
    """The contents of a regular file that was found, or that another file names.

    A pipe without a writer would wait for ever, and an endless device never end: FileError.
    """
    flags = os.O_RDONLY | sum(getattr(os, f"O_{name}", 0) for name in ("BINARY", "NONBLOCK"))
    try:
        with open(os.open(path, flags | getattr(os, "O_NOCTTY", 0)), "rb", buffering=0) as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise FileError(f"{path}: this is no regular file")
            return _bounded(path, _read(file, most), most)
    except OSError as error:
        raise FileError(f"{path}: {reason(error)}") from None


def _read(file: FileIO, most: int) -> bytes:
    """What a file holds, or so many bytes and one of it."""
    status = os.fstat(file.fileno())
    if stat.S_ISREG(status.st_mode) and status.st_size <= most:
        return file.read()
    pieces = []
    while most >= 0 and (piece := file.read(most + 1)):
        pieces.append(piece)
        most -= len(piece)
    return b"".join(pieces)


def _bounded(path: str, content: bytes, most: int) -> bytes:
    if len(content) > most:
        raise FileError(f"{display_name(path)}: this is larger than {most:,} bytes")
    return content


def display_name(path: str) -> str:
    """What a file goes by in messages."""
    return "<stdin>" if path == STDIN else path


def read_source(path: str) -> tuple[Source, list[Diagnostic]]:
    """A file's text without its byte order mark. E006 where it is not UTF-8."""
    return read_marked(path)[1:]


def read_marked(path: str) -> tuple[str, Source, list[Diagnostic]]:
    """A file's byte order mark, or nothing; its text without it; E006 where it is not UTF-8."""
    content = read_bytes(path)
    return BOM if content.startswith(BOM.encode()) else "", *decode(display_name(path), content)


def decode(name: str, content: bytes) -> tuple[Source, list[Diagnostic]]:
    """Bytes to a text; E006 at the first byte that is not UTF-8."""
    mark = 3 if content.startswith(BOM.encode()) else 0
    try:
        return Source(name, content[mark:].decode("utf-8")), []
    except UnicodeDecodeError as error:
        from cnndsl.diagnostics.diagnostic import Diagnostic
        from cnndsl.diagnostics.source import Span

        bad = error.start
    source = Source(name, content[mark:].decode("utf-8", "replace"))
    at = len(content[mark : mark + bad].decode("utf-8"))
    message = f"the byte 0x{content[mark + bad]:02x} is not UTF-8 text"
    help_ = "save the file as UTF-8"
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        help_ += "; it looks like UTF-16"
    return source, [Diagnostic("E006", source, Span(at, at + 1), message, help_)]


def content(text: str | bytes) -> bytes:
    """What a file holds: a text as UTF-8."""
    return text.encode("utf-8") if isinstance(text, str) else text


def make_folder(folder: str) -> None:
    """Make a folder for the output where there is none."""
    try:
        os.makedirs(folder, exist_ok=True)
    except OSError as error:
        raise FileError(f"{folder}: cannot make this folder: {reason(error)}") from None


def write_files(files: Mapping[str, str | bytes]) -> None:
    """Write texts or bytes to paths, all or none: a reader finds the old file or the new one.

    An existing file keeps its mode, and a symbolic link stays a link. A run that is killed leaves
    hidden files `.cnndsl-….tmp` beside them at most, which no command takes for nets.
    """
    waiting: list[tuple[str, str]] = []
    path = ""
    try:
        for path, text in files.items():
            written = content(text)
            target = os.path.realpath(path)
            mode = None
            try:
                status = os.stat(path)
            except FileNotFoundError:
                pass
            else:
                if stat.S_ISDIR(status.st_mode):
                    raise IsADirectoryError(None, "is a folder")
                if not stat.S_ISREG(status.st_mode):
                    with open(path, "wb") as device:  # as /dev/stdout: nothing to replace
                        device.write(written)
                    continue
                if not os.access(path, os.W_OK):
                    raise PermissionError(None, "permission denied")
                mode = stat.S_IMODE(status.st_mode)
            waiting.append((_write_beside(target, written, mode), target))
        while waiting:
            temporary, path = waiting[0]
            os.replace(temporary, path)
            del waiting[0]
    except OSError as error:
        raise FileError(f"{path}: cannot write: {reason(error)}") from None
    finally:
        for temporary, _ in waiting:
            os.unlink(temporary)


def _write_beside(target: str, content: bytes, mode: int | None) -> str:
    """Write to a new file in the target's folder, and return its path."""
    folder = os.path.dirname(target)
    temporary = os.path.join(folder, f".cnndsl-{os.urandom(6).hex()}.tmp")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    handle = os.open(temporary, flags, 0o666)
    try:
        with open(handle, "wb") as file:
            file.write(content)
        if mode is not None:
            os.chmod(temporary, mode)
    except BaseException:
        os.unlink(temporary)
        raise
    return temporary
