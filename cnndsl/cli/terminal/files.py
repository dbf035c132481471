"""Reading and writing files, for every command."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress

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


class Below(str):
    """A path in a folder that the user named: found there, or made up, and not named itself.

    Whoever filled the folder has a say in what lies there. So it is read only where it is a
    regular file, and written only where links do not lead out of the folder.
    """

    folder: str
    """Without links."""

    def __new__(cls, path: str, folder: str) -> Below:
        self = super().__new__(cls, path)
        self.folder = folder
        return self


def find_files(operands: Iterable[str], suffix: str = ".cnn") -> list[str]:
    """The files that a command is to work on: folders looked through, none twice.

    A folder means every regular file with the suffix below it in the order of their paths, but
    for hidden ones; what else bears such a name is passed over, and a line says so. A file that
    is named counts whatever its suffix, and whatever it is.
    """
    found: dict[str, str] = {}
    passed: list[str] = []
    for operand in operands:
        if operand == STDIN:
            found.setdefault(STDIN, STDIN)
            continue
        if not operand or "\0" in operand:
            raise UsageError(f"{quoted(operand)} is no path")
        if os.path.isdir(operand):
            below = _below(operand, suffix, passed)
            if not below:
                say_passed_over(passed)
                raise FileError(f"{operand}: no {suffix} file in this folder")
            for path, real in below:
                found.setdefault(real, path)
        else:
            found.setdefault(os.path.realpath(operand), operand)
    say_passed_over(passed)
    return list(found.values())


def say_passed_over(paths: Sequence[str]) -> None:
    """Say that some paths were found, and not opened as they are no regular files."""
    if paths:
        from cnndsl.cli.terminal.output import say

        more = f" and {len(paths) - 3:,} more" if len(paths) > 3 else ""
        are = "it is no regular file" if len(paths) == 1 else "they are no regular files"
        say(f"{', '.join(paths[:3])}{more}: passed over, as {are}")


def _below(folder: str, suffix: str, passed: list[str]) -> list[tuple[str, str]]:
    """The files below a folder, each with the path that it really has."""
    found: list[tuple[str, str]] = []
    folders = [(folder, root := os.path.realpath(folder))]
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
                    elif name.endswith(suffix):
                        regular: bool | None = entry.is_file(follow_symlinks=False)
                        if entry.is_symlink():
                            really, regular = os.path.realpath(path), _leads_to_file(path)
                        if regular:
                            found.append((Below(path, root), really))
                        elif regular is not None:
                            passed.append(path)
        except OSError as error:
            raise FileError(f"{error.filename or where}: {reason(error)}") from None
    return sorted(found, key=lambda pair: pair[0].split(os.sep))


def _leads_to_file(link: str) -> bool | None:
    """Whether a link leads to a regular file, or None for a folder, which is not followed.

    One that leads nowhere counts as well: why it does is said when it is read.
    """
    try:
        mode = os.stat(link).st_mode
    except OSError:
        return True
    return None if stat.S_ISDIR(mode) else stat.S_ISREG(mode)


def read_bytes(path: str, most: int = MOST_BYTES) -> bytes:
    """The contents of a file, or of standard input for `-`; FileError for more than `most` bytes.

    What the user names may be a pipe or a device, as in `cnndsl check <(…)`. What was found is
    read by `read_regular`.
    """
    if isinstance(path, Below):
        return read_regular(path, most)
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
    """The contents of a regular file that was found, or that another file names."""
    try:
        with open_regular(path) as file:
            content = _read(file, most)
            if content and not os.fstat(file.fileno()).st_size:
                # Made up as it is read, such as the environment of a process in `/proc`.
                raise FileError(f"{path}: this is no regular file")
            return _bounded(path, content, most)
    except OSError as error:
        raise FileError(f"{path}: {reason(error)}") from None


def refuse_irregular(path: str) -> None:
    """Raise FileError where a path to write to leads to a pipe, a socket or a device."""
    if os.path.exists(path) and not os.path.isfile(path) and not os.path.isdir(path):
        raise FileError(f"{path}: cannot write: this is no regular file")


def open_regular(path: str) -> FileIO:
    """A regular file, to be read. FileError for another, and OSError.

    To open a pipe without a writer would wait for ever, and an endless device never ends.
    """
    if stat.S_ISREG(os.stat(path).st_mode):
        flags = os.O_RDONLY | sum(getattr(os, f"O_{name}", 0) for name in _FLAGS)
        file = open(os.open(path, flags), "rb", buffering=0)  # noqa: SIM115
        if stat.S_ISREG(os.fstat(file.fileno()).st_mode):  # still
            return file
        file.close()
    raise FileError(f"{path}: this is no regular file")


_FLAGS = ("BINARY", "NONBLOCK", "NOCTTY")


def _read(file: FileIO, most: int) -> bytes:
    """What a file holds, or so many bytes and one of it."""
    status = os.fstat(file.fileno())
    step = status.st_size if stat.S_ISREG(status.st_mode) else 1 << 20
    pieces = []
    while most >= 0 and (piece := file.read(min(max(step, 1 << 16), most) + 1)):
        pieces.append(piece)
        most -= len(piece)
    return b"".join(pieces)


def _bounded(path: str, content: bytes, most: int) -> bytes:
    if len(content) > most:
        raise FileError(f"{display_name(path)}: this is larger than {most:,} bytes")
    return content


def display_name(path: str) -> str:
    """What a file goes by in messages."""
    return "<stdin>" if path == STDIN else str(path)


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
        from cnndsl.diagnostics.message import Message
        from cnndsl.diagnostics.source import Span

        bad = error.start
    source = Source(name, content[mark:].decode("utf-8", "replace"))
    at = len(content[mark : mark + bad].decode("utf-8"))
    byte = f"0x{content[mark + bad]:02x}"
    message = Message("the byte {byte} is not UTF-8 text", byte=byte)
    help_ = Message("save the file as UTF-8")
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        help_ = Message("save the file as UTF-8; it looks like UTF-16")
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
    """Write texts or bytes to paths: where one cannot be written none is, but for those in place.

    What is new is written beside the old first, and then takes its place, file by file. A run
    that is stopped meanwhile leaves each file whole, some new and some old, and hidden files
    `.cnndsl-….tmp`, which no command takes for nets.

    A file that holds just this already is not touched. One that does not keeps its owner, its
    group, its mode and its attributes, and a symbolic link stays a link. A file with several
    names, or one like which no new file can be made, is written in place, which is said: a
    reader may find a part of it, and a run that is killed may leave it so.
    """
    beside: list[tuple[str, str]] = []
    in_place: list[tuple[str, bytes]] = []
    path = ""
    try:
        for path, text in files.items():
            new, target = content(text), os.path.realpath(path)
            if isinstance(path, Below) and not target.startswith(os.path.join(path.folder, "")):
                raise PermissionError(None, f"this is a link that leads out of {path.folder}")
            try:
                old = os.stat(path)
            except FileNotFoundError:
                beside.append((_write_beside(target, new), target))
                continue
            if stat.S_ISDIR(old.st_mode):
                raise IsADirectoryError(None, "is a folder")
            if not stat.S_ISREG(old.st_mode):
                if isinstance(path, Below):
                    raise PermissionError(None, "this is no regular file")
                with open(path, "wb") as device:  # as /dev/stdout: nothing to replace
                    device.write(new)
            elif not _holds(path, new):
                if not os.access(path, os.W_OK):
                    raise PermissionError(None, "permission denied")
                temporary = _write_like(target, new, old) if old.st_nlink == 1 else None
                if temporary is None:
                    in_place.append((path, new))
                else:
                    beside.append((temporary, target))
        for path, new in in_place:
            _write_in_place(path, new)
        while beside:
            temporary, path = beside[0]
            os.replace(temporary, path)
            del beside[0]
    except OSError as error:
        raise FileError(f"{path}: cannot write: {reason(error)}") from None
    finally:
        for temporary, _ in beside:
            with suppress(OSError):
                os.unlink(temporary)


def _holds(path: str, content: bytes) -> bool:
    try:
        return read_regular(path, len(content)) == content
    except FileError:  # it is larger, or not to be read
        return False


def replace_file(path: str, content: bytes) -> None:
    """Put a new file in the place of whatever bears a name, be it a link. Raises OSError.

    It is the user's alone, whatever mode new files have.
    """
    temporary = _write_beside(path, content, 0o600)
    try:
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


def _write_beside(target: str, content: bytes, mode: int = 0o666) -> str:
    """Write to a new file in the target's folder, and return its path."""
    folder = os.path.dirname(target)
    temporary = os.path.join(folder, f".cnndsl-{os.urandom(6).hex()}.tmp")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    handle = os.open(temporary, flags, mode)
    try:
        with open(handle, "wb") as file:
            file.write(content)
    except BaseException:
        os.unlink(temporary)
        raise
    return temporary


def _write_like(target: str, content: bytes, old: os.stat_result) -> str | None:
    """Write to a new file beside a target, like it but for the contents; None for no such."""
    try:
        temporary = _write_beside(target, content, 0o600)  # until it is like it
    except PermissionError:  # the folder's; the file may be written
        return None
    alike = False
    try:
        new = os.stat(temporary)
        if (new.st_uid, new.st_gid) != (old.st_uid, old.st_gid):
            os.chown(temporary, old.st_uid, old.st_gid)
        os.chmod(temporary, stat.S_IMODE(old.st_mode))  # a new owner takes away some of it
        wanted, has = _attributes(target), _attributes(temporary)
        for name in has.keys() - wanted.keys():
            os.removexattr(temporary, name)
        for name, value in wanted.items():
            if has.get(name) != value:
                os.setxattr(temporary, name, value)
        new = os.stat(temporary)
        alike = (new.st_uid, new.st_gid, new.st_mode) == (old.st_uid, old.st_gid, old.st_mode)
    except OSError:
        pass
    finally:
        if not alike:
            os.unlink(temporary)
    return temporary if alike else None


def _attributes(path: str) -> dict[str, bytes]:
    """The extended attributes of a file, among them who else may read it, where there are such."""
    try:
        return {name: os.getxattr(path, name) for name in os.listxattr(path)}
    except (AttributeError, OSError):
        return {}


def _write_in_place(path: str, content: bytes) -> None:
    """Write over what a file holds, which comes back where that fails; say that and why."""
    from cnndsl.cli.terminal.output import say

    with open(path, "r+b", buffering=0) as file:
        before = file.readall()
        try:
            _write_over(file, content)
        except BaseException:
            with suppress(OSError):
                _write_over(file, before)
            raise
    names = os.stat(path).st_nlink
    why = f"it has {names} names" if names > 1 else "no new file can be made like it"
    say(f"{path}: written in place, as {why}")


def _write_over(file: FileIO, content: bytes) -> None:
    file.seek(0)
    rest = memoryview(content)
    while rest:
        rest = rest[file.write(rest) :]
    file.truncate()
