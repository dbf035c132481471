"""Finding the configuration of each file: the nearest `cnndsl.toml`, or `pyproject.toml` with
`[tool.cnndsl]`, in its folder or in one above it.

Most runs have none, so that looking for it must cost next to nothing: a folder is looked at
once, and the bytes of a `pyproject.toml` are searched before anything is imported to read it.
"""

from __future__ import annotations

import os
import stat
import sys
from typing import TYPE_CHECKING, Any, NamedTuple

from cnndsl.cli.terminal.files import STDIN, FileError, read_regular, reason

if TYPE_CHECKING:
    from cnndsl.lint.configuration import Configuration

NAMES = ("cnndsl.toml", "pyproject.toml")
HEADER = "tool.cnndsl"

MOST_BYTES = 1_000_000
"""The largest configuration that is read."""


class Found(NamedTuple):
    """A configuration, and the folder that it speaks of."""

    configuration: Configuration
    folder: str

    def ignored_in(self, path: str) -> tuple[str, ...]:
        """The words that are ignored in a file below the folder."""
        if not self.configuration.per_file:
            return ()
        relative = os.path.relpath(os.path.abspath(path), self.folder)
        return self.configuration.ignored_in(relative.replace(os.sep, "/"))


class Finder:
    """Finds the configurations of files, each folder looked at once.

    `passed` are those that are no regular files, and were not opened.
    """

    def __init__(self) -> None:
        self.passed: list[str] = []
        self._named: dict[str, Found | None] = {}  # by the folder as it is named
        self._known: dict[str, Found | None] = {}  # by its absolute path

    def of(self, path: str) -> Found | None:
        """The configuration of a file, `-` being in the current folder. Raises FileError."""
        named = "" if path == STDIN else os.path.dirname(path)
        if named not in self._named:
            self._named[named] = self._below(os.path.abspath(named))
        return self._named[named]

    def _below(self, folder: str) -> Found | None:
        passed = []
        while folder not in self._known:
            passed.append(folder)
            found = self._in(folder)
            above = os.path.dirname(folder)
            if found or above == folder:
                self._known[folder] = found
                break
            folder = above
        found = self._known[folder]
        self._known.update(dict.fromkeys(passed, found))
        return found

    def _in(self, folder: str) -> Found | None:
        """The configuration that stands in a folder itself."""
        for name in NAMES:
            path = os.path.join(folder, name)
            try:
                regular = stat.S_ISREG(os.stat(path).st_mode)
            except (FileNotFoundError, NotADirectoryError):
                continue
            except OSError as error:
                raise FileError(f"{path}: {reason(error)}") from None
            shown = _shown(path)
            if not regular:
                self.passed.append(shown)
                continue
            try:
                content = read_regular(shown, MOST_BYTES)
            except FileError:
                if name == "cnndsl.toml" or _may_configure(read_regular(shown)):
                    raise
                continue
            if name == "cnndsl.toml" or _may_configure(content):
                header = "" if name == "cnndsl.toml" else HEADER
                table = _table(shown, content, header)
                if table is not None:
                    return Found(_read(shown, content, table, header), folder)
        return None


def _may_configure(content: bytes) -> bool:
    """Whether a `pyproject.toml` may have a table for cnndsl: nearly every one has not."""
    if b"cnndsl" not in content:
        return False
    import re

    return (
        re.search(rb"(?m)\btool[\"']?\s*\.\s*[\"']?cnndsl\b|^[ \t]*\[\s*tool\s*\]", content)
        is not None
    )


def _shown(path: str) -> str:
    """A path as a message names it: relative where that is shorter to say."""
    here = os.getcwd() + os.sep
    return path.removeprefix(here)


# The time and the memory that a key takes go with the square of how many parts it has.
_LONG_KEY = rb"""(?<![\w-])(?:(?:[\w-]+|"[^"\n]*"|'[^'\n]*')[ \t]*\.[ \t]*){100}"""


def _table(path: str, content: bytes, header: str) -> Any:
    """The table of a file that a header names, or None."""
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib
    import re

    if found := re.search(_LONG_KEY, content):
        line = content.count(b"\n", 0, found.start()) + 1
        raise FileError(f"{path}:{line}: this is no key of a configuration: it has too many parts")
    try:
        table: Any = tomllib.loads(content.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise FileError(f"{path}: this is not TOML: {error}") from None
    for key in header.split(".") if header else ():
        table = table.get(key) if isinstance(table, dict) else None
    if table is not None and not isinstance(table, dict):
        raise FileError(f"{path}: `{header}` is no table")
    return table


def _read(path: str, content: bytes, table: dict[str, Any], header: str) -> Configuration:
    from cnndsl.lint.configuration import ConfigurationError, read_configuration

    try:
        return read_configuration(table, content.decode("utf-8-sig"), header)
    except ConfigurationError as error:
        where = (f"{path}:{line}" if line else path for line, _ in error.problems)
        said = (message for _, message in error.problems)
        raise FileError(*map(": ".join, zip(where, said))) from None
