"""What a run over some files found: the one value that every format renders."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from cnndsl.diagnostics.diagnostic import Diagnostic


class Unreadable(NamedTuple):
    """A file that could not be read, and a line that says why and names it."""

    file: str
    message: str


class Report(NamedTuple):
    """What is to be said about some files.

    * `diagnostics`: in order of file, position and code
    * `files`: the name of each file that was read, the clean ones too
    * `unreadable`: the others
    * `strict`: the files whose warnings count as errors
    * `pages`: the Markdown page of each code that occurs
    * `here`, `root`: absolute folders, without a `/` at the end; names are relative to the
      first, and what a program reads is relative to the second
    * `separator`: what the operating system puts between folders
    * `version`: that of cnndsl
    * `lang`: the language of the texts
    """

    diagnostics: Sequence[Diagnostic]
    files: Sequence[str]
    unreadable: Sequence[Unreadable] = ()
    strict: Collection[str] = ()
    pages: Mapping[str, str] = {}
    here: str = ""
    root: str = ""
    separator: str = "/"
    version: str = ""
    lang: str = "en"

    def path(self, name: str) -> str:
        """The path of a file for a program: with `/`, and relative to the root if below it."""
        if name.startswith("<"):
            return name  # standard input
        here, root, name = (
            path.replace(self.separator, "/") for path in (self.here, self.root, name)
        )
        parts: list[str] = []
        for part in (name if is_absolute(name) else f"{here}/{name}").split("/"):
            if part == ".." and parts and parts[-1] not in ("", ".."):
                parts.pop()
            elif part not in ("", ".") or not parts:
                parts.append(part)
        path = "/".join(parts)
        return path.removeprefix(root + "/").removeprefix("/" if not here else "")

    def fails(self, diagnostic: Diagnostic) -> bool:
        """Whether it makes the run fail: an error, or a warning that counts as one."""
        return diagnostic.severity == "error" or diagnostic.source.name in self.strict


def is_absolute(path: str) -> bool:
    """Whether a path with `/` begins at a root or at a drive."""
    return path.startswith("/") or path[1:3] == ":/"
