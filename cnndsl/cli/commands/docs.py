"""`cnndsl docs`: Markdown whose tables, code and figures agree with the nets in it."""

from __future__ import annotations

import os

from cnndsl.cli.commands.nets import counted, has_errors, named_files, tell
from cnndsl.cli.terminal.files import (
    STDIN,
    content,
    make_folder,
    read_bytes,
    read_marked,
    write_files,
)
from cnndsl.cli.terminal.options import Arguments, Command, UsageError
from cnndsl.contract import Option
from cnndsl.diagnostics import Diagnostic, Source

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cnndsl.documents import Renewed

COMMAND = Command(
    "docs",
    "POST.md…",
    "renew the tables, code and figures in Markdown",
    "Write anew what stands in the regions of Markdown files, each from the net before it:\n"
    "a fenced block `cnn`, or the file that the region names.\n\n"
    "  <!-- cnndsl: table style=article lang=ko -->\n"
    "  <!-- /cnndsl -->\n\n"
    "The kinds of region are table, walkthrough, figure, mermaid, code, check and\n"
    "compare.\n"
    "Every other byte stays as it is. Where a net has errors nothing is written.",
    (Option("check", "write nothing; exit 1, with the difference, where one is stale"),),
    ("cnndsl docs post.md", "cnndsl docs --check posts/"),
)


def run(arguments: Arguments) -> int:
    from cnndsl.cli.terminal.files import FileError
    from cnndsl.cli.terminal.output import err, out, say
    from cnndsl.contract import Unavailable
    from cnndsl.diagnostics.render import printable

    diagnostics: list[Diagnostic] = []
    written: dict[str, str | bytes] = {}
    owners: dict[str, str] = {}
    posts = named_files(arguments, ".md")
    unreadable, counts = [], [0, 0]
    for path in posts:
        try:
            mark, source, problems = read_marked(path)
            if problems:
                diagnostics += problems
                continue
            renewed = renew(path, source)
        except FileError as error:
            unreadable.append(str(error))
            continue
        except Unavailable as error:
            say(str(error))
            return 2
        diagnostics += renewed.diagnostics
        counts = [counts[0] + renewed.nets, counts[1] + renewed.regions]
        folder = os.path.dirname(path)
        made: dict[str, str | bytes] = {path: mark + renewed.text}
        made |= {os.path.join(folder, name): text for name, text in renewed.files.items()}
        for place, text in made.items():
            owner = owners.setdefault(os.path.realpath(place), place)
            if content(written.setdefault(owner, text)) != content(text):
                raise UsageError(f"{path} would put something else into {owner}")
    tell(diagnostics, unreadable)
    if unreadable:
        return 2
    if has_errors(diagnostics):
        err("nothing is written\n")
        return 1
    if STDIN in written:
        from cnndsl.cli.terminal.output import data

        data(written.pop(STDIN))
    stale = {path: text for path, text in written.items() if current(path) != content(text)}
    if arguments.has("check"):
        # What is made into files of its own is no text to read: that it is stale says all.
        out("".join(stale_lines(path, text) for path, text in stale.items() if path in posts))
    else:
        for path in stale:
            if folder := os.path.dirname(path):
                make_folder(folder)
        write_files(stale)
    verb = "is stale" if arguments.has("check") else "renewed"
    lines = [f"{printable(path)} {verb}\n" for path in stale]
    regions, nets = counted(counts[1], "region"), counted(counts[0], "net")
    err("".join(lines) or f"{regions} of {nets}: all true\n")
    return int(bool(stale) and arguments.has("check"))


def renew(path: str, source: Source) -> Renewed:
    """A document renewed; the files that it names lie relative to it."""
    from cnndsl.api import examine
    from cnndsl.cli.terminal.files import read_source
    from cnndsl.documents import renew as renew_source

    folder = "" if path == STDIN else os.path.dirname(path)

    def read(name: str) -> tuple[Source, list[Diagnostic]]:
        return read_source(os.path.join(folder, name))

    return renew_source(source, examine, read)


def current(path: str) -> bytes | None:
    """What a file holds, or None where there is none."""
    return read_bytes(path) if os.path.lexists(path) else None


def stale_lines(path: str, text: str | bytes) -> str:
    """What would change in a file, as a unified diff."""
    from cnndsl.cli.terminal.output import difference

    old = (current(path) or b"").decode("utf-8", "replace")
    return difference(path, old, content(text).decode("utf-8", "replace"))
