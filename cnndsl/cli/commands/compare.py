"""`cnndsl compare`: nets side by side."""

from __future__ import annotations

from cnndsl.cli.commands.nets import NET, format_option, named_files, networks_of
from cnndsl.cli.terminal.language import words_of
from cnndsl.cli.terminal.options import Arguments, Command
from cnndsl.contract import LANG, TERMS, Option

COMMAND = Command(
    "compare",
    "A B…",
    "set nets side by side",
    "Set nets side by side: layers, depth, parameters, multiply-adds, memory, receptive field,\n"
    "and what share of each other net's the first one's are.",
    (
        format_option(
            "text for a terminal, markdown for a document, json for programs",
            *("text", "markdown", "json"),
        ),
        Option(
            "params",
            "all parameters, or weights without the biases",
            "word",
            "all|weights",
            ("all", "weights"),
        ),
        LANG,
        TERMS,
        *NET,
    ),
    ("cnndsl compare article.cnn fully_connected.cnn",),
)


def run(arguments: Arguments) -> int:
    from cnndsl.cli.terminal.output import data, out
    from cnndsl.comparison import compare, show_side_by_side

    words = words_of(arguments, arguments.get("lang") or "en")
    networks, code = networks_of(arguments, named_files(arguments))
    if code:
        return code
    comparison = compare(networks, arguments.get("params") or "all")
    form = arguments.get("format") or "text"
    if form == "text":
        out(show_side_by_side.as_text(comparison, words))
    elif form == "markdown":
        data(show_side_by_side.as_markdown(comparison, words))
    else:
        data(show_side_by_side.as_json(comparison))
    return 0
