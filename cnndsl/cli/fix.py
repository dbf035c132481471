"""`cnndsl check --fix` and `--diff`: what is wrong with nets, mended."""

from __future__ import annotations

from cnndsl.cli.files import (
    STDIN,
    FileError,
    decode,
    display_name,
    read_bytes,
    write_files,
)
from cnndsl.cli.nets import Examined
from cnndsl.cli.options import Option, UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from cnndsl.cli.options import Arguments
    from cnndsl.diagnostics.diagnostic import Diagnostic
    from cnndsl.diagnostics.source import Source
    from cnndsl.network import Network

OPTIONS = (
    Option(
        "--fix",
        "mend what can be mended without a change of the net, in place;\n"
        "`-` goes from standard input to standard output",
    ),
    Option("--unsafe", "with --fix or --diff: also what changes the net, the least change first"),
    Option("--diff", "write nothing; show what --fix would change, and what it would leave"),
)

BOM = "\ufeff"


class Fixed:
    """What became of the files.

    `done` and `unreadable` are as `examine_files` gives them, after the fixes; `texts` goes to
    standard output: the differences, or the net that came from standard input (`piped`).
    """

    def __init__(self) -> None:
        self.done: list[Examined] = []
        self.unreadable: list[str] = []
        self.texts: list[str] = []
        self.piped = False
        self.fixes = 0
        self.summary = ""


def wanted(arguments: Arguments) -> bool:
    """Whether the files are to be mended, or it is to be shown how they would be."""
    if arguments.has("fix") and arguments.has("diff"):
        raise UsageError("--fix writes and --diff does not: give one of them")
    if arguments.has("fix") or arguments.has("diff"):
        return True
    if arguments.has("unsafe"):
        raise UsageError("--unsafe goes with --fix or --diff")
    return False


def fix_files(
    arguments: Arguments,
    paths: list[str],
    examine: Callable[[Source], tuple[Network | None, list[Diagnostic]]],
) -> Fixed:
    """Mend files, or with `--diff` only say how: each is checked again as `examine` does it.

    All changed files are written at the end, every one of them or none. A file that would
    check worse than before stays as it is, and so does every byte that no fix speaks of.
    """
    from cnndsl.cli.output import difference
    from cnndsl.cure.apply import mend

    fixed = Fixed()
    show, changed, count = arguments.has("diff"), {}, 0
    for path in paths:
        try:
            bytes_ = read_bytes(path)
        except FileError as error:
            fixed.unreadable.append(str(error))
            continue
        source, problems = decode(display_name(path), bytes_)
        if problems:
            fixed.done.append(Examined(path, None, problems))
            continue
        mark = BOM if bytes_.startswith(BOM.encode()) else ""
        mended = mend(source, lambda source: examine(source)[1], unsafe=arguments.has("unsafe"))
        text = mended.source.text
        fixed.done.append(Examined(path, None, mended.left))
        fixed.fixes += len(mended.applied)
        count += text != source.text
        if show:
            fixed.texts.append(difference(source.name, source.text, text))
        elif path == STDIN:
            fixed.texts.append(mark + text)
            fixed.piped = True
        elif text != source.text:
            changed[path] = mark + text
    write_files(changed)
    if fixed.fixes:
        plural = "es" * (fixed.fixes != 1)
        verb = "would be made" if show else "made"
        files = f"{count:,} file{'s' * (count != 1)}"
        fixed.summary = f"{fixed.fixes:,} fix{plural} {verb} in {files}\n"
    return fixed
