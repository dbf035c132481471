"""What was found in files, kept from one run to the next.

It is addressed by content: what was found is kept under a hash of the file's bytes and of
all else that it follows from, so that nothing ever has to be made invalid. A file that was
moved is known, one that was touched too; another version of cnndsl, of Python or of the
configuration finds nothing.

It lies in a folder of the user, not of the repository: a repository that brought its own
would be believed. A file that another user owns, or may write to, is not read. Whatever is
wrong with it, it is as good as empty, and deleting it at any time costs time alone. Two runs
at once each write a whole file, and the last one keeps what it finds of the other's.
"""

from __future__ import annotations

import os
import re
import stat
import sys
from bisect import bisect_right
from hashlib import blake2b
from itertools import accumulate
from time import time
from typing import Any

from cnndsl.cli.terminal.files import FileError, open_regular, replace_file

MAX_ENTRIES, MAX_BYTES = 100_000, 32 * 2**20
"""How much is kept; what was not asked for longest goes first."""

MAX_AGE = 30 * 24 * 3600
"""Seconds after which a file that no run has used, as those of old versions, is deleted."""

_DAY = 24 * 3600
_DIGITS = 32
_HEAD = b"cnndsl cache 1 "
_FILES = {
    "CACHEDIR.TAG": "Signature: 8a477f597d28d172789f06886806bc55\n"
    "# This folder is a cache of cnndsl, see https://bford.info/cachedir/\n",
    ".gitignore": "*\n",
}


def folder() -> str:
    """Where the cache lies: CNNDSL_CACHE_DIR, or where the system keeps such things."""
    given = os.environ.get("CNNDSL_CACHE_DIR")
    if given:
        return os.path.abspath(given)
    home = os.path.expanduser("~")
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or os.path.join(home, "AppData", "Local")
        return os.path.join(base, "cnndsl", "Cache")
    if sys.platform == "darwin":
        return os.path.join(home, "Library", "Caches", "cnndsl")
    base = os.environ.get("XDG_CACHE_HOME") or ""
    return os.path.join(base if os.path.isabs(base) else os.path.join(home, ".cache"), "cnndsl")


class Cache:
    """What is known: a text of JSON by a key of `FileKeys`."""

    def __init__(self, where: str, version: str) -> None:
        self.folder = where
        self.path = os.path.join(where, f"check-{version}")
        self._read: tuple[int, int] | None = None
        self._known = self._load()
        self._used: dict[str, str] = {}
        self._changed = False

    def get(self, key: str) -> Any:
        """What was put there, or None."""
        text = self._known.get(key)
        if text is None:
            return None
        self._used[key] = text
        if text == "[]":
            return []
        from json import loads

        try:
            return loads(text)
        except (ValueError, RecursionError):
            return None

    def put(self, key: str, value: Any) -> None:
        """Keep a value that JSON holds."""
        text = "[]"
        if value:
            from json import dumps

            text = dumps(value, separators=(",", ":"))  # in ASCII, and so without a newline
        self._used[key] = text
        self._changed = True

    def save(self) -> None:
        """Write down what is new. A cache that cannot be written is none, and no error."""
        try:
            if self._changed:
                self._write()
            elif self._read and time() - self._read[0] / 1e9 > _DAY:
                os.utime(self.path)  # it is in use
        except (FileError, OSError):
            pass

    def _load(self) -> dict[str, str]:
        """The entries of the file, the one that was used last at the end."""
        try:
            with open_regular(self.path) as file:
                status = os.fstat(file.fileno())
                content = file.read(2 * MAX_BYTES) if _is_own(status) else b""
        except (FileError, OSError):
            return {}
        self._read = (status.st_mtime_ns, status.st_size)
        head, _, body = content.partition(b"\n")
        if head != _HEAD + _digest(body) or not body.isascii():
            return {}
        lines = body.decode("ascii").split("\n")
        return {line[:_DIGITS]: line[_DIGITS + 1 :] for line in lines if line}

    def _write(self) -> None:
        before = self._read
        known = self._known
        try:
            status = os.stat(self.path)
            if (status.st_mtime_ns, status.st_size) != before:
                known = {**known, **self._load()}  # another run has written meanwhile
        except OSError:
            pass
        lines = [f"{key} {text}\n" for key, text in known.items() if key not in self._used]
        lines += [f"{key} {text}\n" for key, text in self._used.items()]
        fitting = bisect_right([*accumulate(map(len, reversed(lines)))], MAX_BYTES)
        body = "".join(lines[max(0, len(lines) - min(fitting, MAX_ENTRIES)) :]).encode("ascii")
        os.makedirs(self.folder, exist_ok=True)
        files = {os.path.join(self.folder, name): text for name, text in _FILES.items()}
        missing = {path: text for path, text in files.items() if not os.path.exists(path)}
        for path, text in missing.items():
            replace_file(path, text.encode())
        replace_file(self.path, _HEAD + _digest(body) + b"\n" + body)
        self._prune()

    def _prune(self) -> None:
        """Delete what no run has used for long, and what a killed run has left."""
        with os.scandir(self.folder) as entries:
            for entry in entries:
                cached = re.fullmatch(r"check-[0-9a-f]{20}", entry.name)
                left = re.fullmatch(r"\.cnndsl-[0-9a-f]{12}\.tmp", entry.name)
                old = time() - entry.stat(follow_symlinks=False).st_mtime
                if (cached and old > MAX_AGE) or (left and old > _DAY):
                    os.unlink(entry.path)


def _is_own(status: os.stat_result) -> bool:
    """Whether a file belongs to the user, and nobody else may write to it."""
    if not hasattr(os, "geteuid"):
        return True  # where folders of users are kept apart in other ways
    return status.st_uid == os.geteuid() and not status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)


def _digest(content: bytes) -> bytes:
    return blake2b(content, digest_size=_DIGITS // 2).hexdigest().encode()


class FileKeys:
    """The keys under which answers to one question are kept."""

    def __init__(self, about: str) -> None:
        self._about = about
        self._begun: dict[frozenset[str], Any] = {}

    def key(self, name: str, content: bytes, codes: frozenset[str]) -> str:
        """The key of a file, when some codes are asked for.

        Of its name only the last part counts: it names a net that has no other name.
        """
        if codes not in self._begun:
            about = "\0".join((self._about, *sorted(codes), ""))
            self._begun[codes] = blake2b(
                about.encode("utf-8", "surrogatepass"), digest_size=_DIGITS // 2
            )
        state = self._begun[codes].copy()
        last = name.replace("\\", "/").rpartition("/")[2].encode("utf-8", "surrogatepass")
        state.update(b"%d %s\0" % (len(last), last))
        state.update(content)
        return str(state.hexdigest())


def version() -> str:
    """What finds the same in the same file: this code, and this Python.

    The code itself is read, as a checkout can change while its version does not.
    """
    import cnndsl

    state = blake2b(f"{cnndsl.__version__} {sys.version}\0".encode(), digest_size=10)
    root = os.path.dirname(cnndsl.__file__)
    for where, folders, files in os.walk(root):
        if where == root:
            # What comes after the check.
            folders[:] = [name for name in folders if name not in ("targets", "documents")]
        folders.sort()
        for name in sorted(files):
            if name.endswith(".py"):
                with open(os.path.join(where, name), "rb") as file:
                    content = file.read()
                state.update(b"%s %d\0" % (name.encode(), len(content)))
                state.update(content)
    return state.hexdigest()
