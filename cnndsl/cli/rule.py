"""`cnndsl rule`: what a diagnostic means, why it is one, and how to mend it."""

from __future__ import annotations

from cnndsl.cli.options import Command, UsageError, nearest, quoted
from cnndsl.diagnostics.codes import CODES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cnndsl.cli.options import Arguments

COMMAND = Command(
    "rule",
    "[CODE]",
    "say what a diagnostic means and how to mend it",
    "Print the page of a code, given as E201 or as size-not-whole; without CODE, list them all.",
    (),
    ("cnndsl rule E201", "cnndsl rule"),
)


def run(arguments: Arguments) -> int:
    from cnndsl.cli.output import out

    if not arguments.operands:
        width = max(len(each.name) for each in CODES.values())
        rows = (f"{each.code}  {each.name:<{width}}  {each.summary}" for each in CODES.values())
        out("\n".join(rows) + "\n")
        return 0
    if len(arguments.operands) > 1:
        raise UsageError("one code at a time")
    word = arguments.operands[0]
    for each in CODES.values():
        if word.lower() in (each.code.lower(), each.name):
            out(page(each.code))
            return 0
    known = [*CODES, *(each.name for each in CODES.values())]
    raise UsageError(f"unknown code {quoted(word)}{nearest(word, known)}")


def page(code: str) -> str:
    """The page of a code, in Markdown."""
    import os

    from cnndsl import diagnostics

    folder = os.path.join(os.path.dirname(diagnostics.__file__), "pages")
    with open(os.path.join(folder, f"{code}.md"), encoding="utf-8") as file:
        return file.read()
