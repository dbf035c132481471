"""`cnndsl fmt`: files in canonical form."""

from __future__ import annotations

from cnndsl.cli.commands.nets import counted, has_errors, named_files, tell
from cnndsl.cli.terminal.files import STDIN, FileError, display_name, read_marked, write_files
from cnndsl.cli.terminal.options import Arguments, Command
from cnndsl.contract import Option

COMMAND = Command(
    "fmt",
    "PATH…",
    "write nets in canonical form",
    "Write nets in canonical form, in place; `-` goes from standard input to standard output.\n"
    "A file that cannot be read as a net stays as it is.",
    (
        Option("check", "write nothing; exit 1 where a file would change, and say which"),
        Option("diff", "write nothing; print what would change, and exit as with --check"),
    ),
    ("cnndsl fmt nets/", "cnndsl fmt --diff article.cnn", "cnndsl fmt - < article.cnn"),
)


def run(arguments: Arguments) -> int:
    from cnndsl.api import format_source
    from cnndsl.cli.terminal.output import data, difference, err, say

    look_only = arguments.has("check") or arguments.has("diff")
    diagnostics, failures = [], []
    changed = unchanged = 0
    for path in named_files(arguments):
        name = display_name(path)
        try:
            mark, source, problems = read_marked(path)
            if not problems:
                text, problems = format_source(source)
            diagnostics += problems
            if has_errors(problems):
                continue
            differs = text != source.text
            if path == STDIN and not look_only:
                data(mark + text)
            elif differs and not look_only:
                write_files({path: mark + text})
        except FileError as error:
            failures.append(str(error))
            continue
        changed += differs
        unchanged += not differs
        if differs and arguments.has("diff"):
            data(difference(name, source.text, text))
        elif differs and look_only:
            say(f"{name} is not in canonical form")
    tell(diagnostics, failures)
    if arguments.operands != [STDIN]:
        err(_summary(changed, unchanged, look_only))
    if failures:
        return 2
    return int(has_errors(diagnostics) or (look_only and changed > 0))


def _summary(changed: int, unchanged: int, look_only: bool) -> str:
    """`1 file formatted, 2 files already in form`."""
    parts = []
    if changed:
        parts.append(f"{counted(changed, 'file')} {'would be ' * look_only}formatted")
    if unchanged:
        parts.append(f"{counted(unchanged, 'file')} already in canonical form")
    return ", ".join(parts) + "\n" if parts else ""
