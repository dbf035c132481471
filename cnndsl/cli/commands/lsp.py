"""`cnndsl lsp`: the language server, for editors."""

from __future__ import annotations

from cnndsl.cli.terminal.options import Arguments, Command, UsageError
from cnndsl.contract import Option

COMMAND = Command(
    "lsp",
    "",
    "serve an editor: diagnostics, hints, fixes, completion, …",
    "Speak the Language Server Protocol on standard input and output, as editors start it.\n"
    "Wants pygls: pip install 'cnndsl[lsp]'.",
    (Option("stdio", "the way that there is, for editors that name it"),),
    ("cnndsl lsp --stdio",),
)


def run(arguments: Arguments) -> int:
    if arguments.operands:
        raise UsageError("it takes no files: an editor sends them")
    try:
        from pygls.lsp.server import LanguageServer  # noqa: F401  # of version 2
    except ImportError:
        from cnndsl.cli.terminal.output import say

        say("pygls 2 is not installed: pip install 'cnndsl[lsp]'")
        return 2
    from cnndsl.lsp.server import serve

    return serve()
