"""`cnndsl rule`: what a diagnostic means, why it is one, and how to mend it."""

from __future__ import annotations

from cnndsl.cli.terminal.language import LANG, language
from cnndsl.cli.terminal.options import Arguments, Command, UsageError, quoted
from cnndsl.diagnostics.codes import CODES, Code
from cnndsl.diagnostics.message import Message, said

COMMAND = Command(
    "rule",
    "[CODE]",
    "say what a diagnostic means and how to mend it",
    "Print the page of a code, given as E201 or as size-not-whole; without CODE, list them all.",
    (LANG,),
    ("cnndsl rule E201", "cnndsl rule", "cnndsl rule E201 --lang ko"),
)


def run(arguments: Arguments) -> int:
    from cnndsl.cli.terminal.output import out

    lang = language(arguments)
    if not arguments.operands:
        out(listing(lang))
        return 0
    if len(arguments.operands) > 1:
        raise UsageError("one code at a time")
    word = arguments.operands[0]
    for each in CODES.values():
        if word.lower() in (each.code.lower(), each.name):
            title, rest = page(each.code, lang).split("\n", 1)
            out(f"{title}\n\n{said(standing(each), lang)}\n{rest}")
            return 0
    from cnndsl.diagnostics.spelling import nearest

    known = [*CODES, *(each.name for each in CODES.values())]
    raise UsageError(f"unknown code {quoted(word)}{nearest(word, known)}")


def listing(lang: str = "en") -> str:
    """All codes, one a line: `off` stands for a warning that one has to ask for."""
    names = max(len(each.name) for each in CODES.values())
    rows = []
    for each in CODES.values():
        kind = said(KINDS[each.severity if each.default else "off"], lang)
        # Plain English in the table of codes, which every run imports, and a template here.
        finds = said(Message(each.summary), lang)
        rows.append(f"{each.code}  {each.name:<{names}}  {kind:<7}  {finds}\n")
    return "".join(rows)


KINDS = {"error": Message("error"), "warning": Message("warning"), "off": Message("off")}
"""How severe a code is, in a word; in Korean all are equally long."""


def standing(code: Code) -> Message:
    """How severe a code is, and whether it is on by default."""
    if code.severity == "error":
        return Message("An error.")
    if code.default:
        return Message("A warning, on by default.")
    return Message("A warning, off by default: `--select {code}` asks for it.", code=code.code)


def page(code: str, lang: str = "en") -> str:
    """The page of a code, in Markdown: `pages/E201.md`, or `pages/ko/E201.md`."""
    import os

    from cnndsl import diagnostics

    folder = os.path.join(os.path.dirname(diagnostics.__file__), "pages")
    name = f"{code}.md" if lang == "en" else os.path.join(lang, f"{code}.md")
    with open(os.path.join(folder, name), encoding="utf-8") as file:
        return file.read()
