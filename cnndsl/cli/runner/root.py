"""The files that a document names: it may come from anybody, and leads to none outside a root."""

from __future__ import annotations

import os
from typing import NamedTuple

from cnndsl.cli.runner.configuration import Finder
from cnndsl.cli.terminal.files import STDIN, FileError, read_regular
from cnndsl.diagnostics.message import Message
from cnndsl.documents.files import DirectiveError


class Surroundings(NamedTuple):
    """Where a document stands.

    * `folder`: that of its file, as messages name it
    * `root`: the real path of the folder that nothing it names may leave
    * `given`: whether the root is what it is, and no option of the command line names another
    """

    folder: str
    root: str
    given: bool = False

    def holds(self, path: str) -> bool:
        """Whether a file lies in the root, wherever links lead."""
        return _within(self.root, os.path.realpath(path)) is not None

    def path(self, name: str) -> str:
        """The path of a file that the document names; raises DirectiveError.

        Where a link stands in it, the path is the one behind the links.
        """
        path = os.path.join(self.folder, name)
        real = os.path.realpath(path)
        below = _within(self.root, real)
        if below is None:
            message = Message("`{file}` lies outside of the root", file=name)
            help_ = Message(
                "the root is {root}: the nearest folder with a `.git` or a configuration of "
                "cnndsl, or else that of the document; `--root` names another",
                root=self.root,
            )
            if self.given:
                help_ = Message("the root is the folder of the sources, {root}", root=self.root)
            raise DirectiveError(message, help_, name)
        if any(part.startswith(".") for part in below.split(os.sep)):
            message = Message("`{file}` is hidden", file=name)
            raise DirectiveError(message, Message("name one without a dot before it"), name)
        if os.path.splitext(real)[1] != os.path.splitext(name)[1]:
            message = Message("`{file}` is a link to a file of another kind", file=name)
            raise DirectiveError(message, Message("name the file itself"), name)
        return path if os.path.abspath(path) == real else real

    def read(self, name: str) -> tuple[str, bytes]:
        """The path and the contents of a file that the document names; raises DirectiveError."""
        path = self.path(name)
        try:
            return path, read_regular(path)
        except FileError as error:
            message = Message("{reason}", reason=str(error))  # as the system says it
            help_ = Message("name a file that can be read")
            raise DirectiveError(message, help_, name) from None

    def there(self, name: str) -> tuple[str, bytes | None]:
        """The path of a file that the document wants written, and what it holds, None for no
        file; raises DirectiveError."""
        path = self.path(name)
        try:
            os.lstat(path)
        except FileNotFoundError:
            return path, None
        except NotADirectoryError:
            help_ = Message("name a folder, or one that can be made")
            message = Message("`{file}` lies below a file", file=name)
            raise DirectiveError(message, help_, name) from None
        except OSError:
            pass  # which reading it says as well
        return self.read(name)


def surroundings(path: str, root: str | None, finder: Finder) -> Surroundings:
    """Where a document stands: `-` in the current folder, a link where it leads.

    The root is the one given, or the nearest folder with a configuration or a `.git`. Raises
    FileError for a configuration that is none.
    """
    document = os.path.realpath(path) if path != STDIN and os.path.islink(path) else path
    folder = "" if path == STDIN else os.path.dirname(document)
    real = os.path.realpath(folder)
    if root is not None:
        return Surroundings(folder, os.path.realpath(root))
    found = finder.of(os.path.join(real, "-"))
    return Surroundings(folder, max(found.folder if found else "", _git(real), key=len) or real)


def _git(folder: str) -> str:
    """The nearest folder with a `.git`, or nothing."""
    while not os.path.lexists(os.path.join(folder, ".git")):
        folder, below = os.path.dirname(folder), folder
        if folder == below:
            return ""
    return folder


def _within(root: str, real: str) -> str | None:
    """A real path as seen from a folder, or None where it lies outside."""
    try:
        below = os.path.relpath(real, root)
    except ValueError:  # on another drive of Windows
        return None
    return None if below.split(os.sep)[0] == os.pardir else below
