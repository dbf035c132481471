"""`cnndsl compare`: nets side by side."""

from __future__ import annotations

from cnndsl.cli.commands.nets import (
    INPUT,
    LIMITS,
    SET,
    named_files,
    networks_of,
)
from cnndsl.cli.terminal.options import Command, Option
from cnndsl.lang import LANGUAGES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cnndsl.cli.terminal.options import Arguments

COMMAND = Command(
    "compare",
    "A B…",
    "set nets side by side",
    "Set nets side by side: layers, depth, parameters, multiply-adds, memory, receptive field,\n"
    "and what share of each other net's the first one's are.",
    (
        Option(
            "--format",
            "text for a terminal, markdown for a document, json for programs",
            "text|markdown|json",
            choices=("text", "markdown", "json"),
        ),
        Option(
            "--params",
            "all parameters, or weights without the biases",
            "all|weights",
            choices=("all", "weights"),
        ),
        Option(
            "--lang", "the language of the words: en (unless said) or ko", "L", choices=LANGUAGES
        ),
        SET,
        INPUT,
        LIMITS,
    ),
    ("cnndsl compare article.cnn fully_connected.cnn",),
)


def run(arguments: Arguments) -> int:
    from cnndsl.cli.terminal.output import data, out
    from cnndsl.comparison import compare, show_side_by_side

    networks, code = networks_of(arguments, named_files(arguments))
    if code:
        return code
    comparison = compare(networks, arguments.get("params") or "all")
    form, lang = arguments.get("format") or "text", arguments.get("lang") or "en"
    if form == "text":
        out(show_side_by_side.as_text(comparison, lang))
    elif form == "markdown":
        data(show_side_by_side.as_markdown(comparison, lang))
    else:
        data(show_side_by_side.as_json(comparison))
    return 0
