"""`cnndsl rule`: what a diagnostic means, why it is one, and how to mend it."""

from __future__ import annotations

from cnndsl.cli.terminal.options import Arguments, Command, UsageError, quoted
from cnndsl.diagnostics.codes import CODES, Code

COMMAND = Command(
    "rule",
    "[CODE]",
    "say what a diagnostic means and how to mend it",
    "Print the page of a code, given as E201 or as size-not-whole; without CODE, list them all.",
    (),
    ("cnndsl rule E201", "cnndsl rule"),
)


def run(arguments: Arguments) -> int:
    from cnndsl.cli.terminal.output import out

    if not arguments.operands:
        out(listing())
        return 0
    if len(arguments.operands) > 1:
        raise UsageError("one code at a time")
    word = arguments.operands[0]
    for each in CODES.values():
        if word.lower() in (each.code.lower(), each.name):
            title, rest = page(each.code).split("\n", 1)
            out(f"{title}\n\n{standing(each)}\n{rest}")
            return 0
    from cnndsl.diagnostics.spelling import nearest

    known = [*CODES, *(each.name for each in CODES.values())]
    raise UsageError(f"unknown code {quoted(word)}{nearest(word, known)}")


def listing() -> str:
    """All codes, one a line: `off` stands for a warning that one has to ask for."""
    names = max(len(each.name) for each in CODES.values())
    rows = []
    for each in CODES.values():
        kind = each.severity if each.default else "off"
        rows.append(f"{each.code}  {each.name:<{names}}  {kind:<7}  {each.summary}\n")
    return "".join(rows)


def standing(code: Code) -> str:
    """How severe a code is, and whether it is on by default."""
    if code.severity == "error":
        return "An error."
    if code.default:
        return "A warning, on by default."
    return f"A warning, off by default: `--select {code.code}` asks for it."


def page(code: str) -> str:
    """The page of a code, in Markdown."""
    import os

    from cnndsl import diagnostics

    folder = os.path.join(os.path.dirname(diagnostics.__file__), "pages")
    with open(os.path.join(folder, f"{code}.md"), encoding="utf-8") as file:
        return file.read()
