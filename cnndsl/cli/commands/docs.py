"""`cnndsl docs`: Markdown whose tables, code and figures agree with the nets in it."""

from __future__ import annotations

import os

from cnndsl.cli.commands.nets import counted, has_errors, named_files, tell
from cnndsl.cli.terminal.files import (
    STDIN,
    Below,
    FileError,
    content,
    make_folder,
    read_bytes,
    read_marked,
    say_passed_over,
    write_files,
)
from cnndsl.cli.terminal.language import LANG, language
from cnndsl.cli.terminal.options import Arguments, Command, UsageError, quoted
from cnndsl.contract import Option
from cnndsl.diagnostics import Diagnostic, Source

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cnndsl.cli.runner.configuration import Finder
    from cnndsl.cli.runner.root import Surroundings
    from cnndsl.documents import Renewed
    from cnndsl.network import Network

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
    "Every other byte stays as it is. Where a net has errors nothing is written.\n"
    "The files that a region names lie in the root of its document: the nearest folder\n"
    "above it with a `.git` or a configuration of cnndsl, or else its own.",
    (
        Option("check", "write nothing; exit 1, with the difference, where one is stale"),
        Option("root", "the folder that no file which a region names may leave", "word", "DIR"),
        Option(
            "limit",
            "the most layers that the nets of one document have (1,000,000)",
            "natural",
            "N",
        ),
        LANG,
    ),
    ("cnndsl docs post.md", "cnndsl docs --check posts/"),
)


def run(arguments: Arguments) -> int:
    from cnndsl.api import LIMIT
    from cnndsl.cli.runner.configuration import Finder
    from cnndsl.cli.runner.root import surroundings
    from cnndsl.cli.terminal.output import err, out, say
    from cnndsl.contract import Unavailable
    from cnndsl.diagnostics.render import printable

    diagnostics: list[Diagnostic] = []
    written: dict[str, str | bytes] = {}
    owners: dict[str, str] = {}
    posts = named_files(arguments, ".md")
    root, limit, finder = arguments.get("root"), arguments.natural("limit") or LIMIT, Finder()
    if root is not None and not os.path.isdir(root):
        raise UsageError(f"--root {quoted(root)} is no folder")
    unreadable: list[str] = []
    counts = [0, 0]
    for path in posts:
        try:
            if isinstance(path, Below):
                path = stay_inside(path, root, finder)
            where = surroundings(path, root, finder)
            mark, source, problems = read_marked(path)
            if problems:
                diagnostics += problems
                continue
            renewed = renew(source, where, limit)
        except FileError as error:
            unreadable += map(str, error.args)
            continue
        except Unavailable as error:
            say(str(error))
            return 2
        diagnostics += renewed.diagnostics
        counts = [counts[0] + renewed.nets, counts[1] + renewed.regions]
        made: dict[str, str | bytes] = {path: mark + renewed.text, **renewed.files}
        for place, text in made.items():
            owner = owners.setdefault(os.path.realpath(place), place)
            if content(written.setdefault(owner, text)) != content(text):
                raise UsageError(f"{path} would put something else into {owner}")
    say_passed_over(finder.passed)
    tell(diagnostics, unreadable, language(arguments, posts, finder) if diagnostics else "en")
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
        texts = stale.keys() & set(posts)
        out("".join(stale_lines(path, text) for path, text in stale.items() if path in texts))
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


def stay_inside(path: str, root: str | None, finder: Finder) -> Below:
    """A document that was found, as one in the root of its folder.

    Raises FileError for a link out of it.
    """
    from cnndsl.cli.runner.root import surroundings

    beside = surroundings(os.path.join(os.path.dirname(path), "-"), root, finder)
    if os.path.islink(path) and not beside.holds(path):
        raise FileError(f"{path}: this link leads out of {beside.root}")
    return Below(path, beside.root)


def renew(source: Source, where: Surroundings, limit: int) -> Renewed:
    """A document renewed, its files by their paths; its nets have so many layers in all at most,
    as they are all kept."""
    from cnndsl.api import examine
    from cnndsl.cli.terminal.files import decode
    from cnndsl.documents import renew as renew_source

    left = limit
    paths: dict[str, str] = {}

    def examine_within(source: Source) -> tuple[Network | None, list[Diagnostic]]:
        nonlocal left
        network, found = examine(source, limit=left)
        if network is not None:
            left -= len(network.nodes) - len(network.inputs)
        return network, found

    def read(name: str) -> tuple[Source, list[Diagnostic]]:
        return decode(*where.read(name))

    def there(name: str) -> bytes | None:
        paths[name], content = where.there(name)
        return content

    renewed = renew_source(source, examine_within, read, there)
    return renewed._replace(files={paths[name]: made for name, made in renewed.files.items()})


def current(path: str) -> bytes | None:
    """What a file holds, or None where there is none."""
    return read_bytes(path) if os.path.lexists(path) else None


def stale_lines(path: str, text: str | bytes) -> str:
    """What would change in a file, as a unified diff."""
    from cnndsl.cli.terminal.output import difference

    old = (current(path) or b"").decode("utf-8", "replace")
    return difference(path, old, content(text).decode("utf-8", "replace"))
