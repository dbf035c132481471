"""`cnndsl show`: the table of a net, for a terminal."""

from __future__ import annotations

from cnndsl.cli.commands.nets import NET, networks_of, one_file
from cnndsl.cli.terminal.language import LANG, language
from cnndsl.cli.terminal.options import Arguments, Command
from cnndsl.contract import DEPTH

COMMAND = Command(
    "show",
    "FILE",
    "print the table of a net's layers",
    "Print a table of a net's layers: their output shapes, parameters and multiply-adds.",
    (DEPTH, LANG, *NET),
    ("cnndsl show resnet50.cnn --depth 1",),
)


def run(arguments: Arguments) -> int:
    from cnndsl.cli.terminal.output import out

    depth = arguments.natural("depth")
    paths = one_file(arguments)
    networks, code = networks_of(arguments, paths)
    if code:
        return code

    from cnndsl.lang import words
    from cnndsl.tables.plain_table import text_table
    from cnndsl.tables.rows import NUMBERS, SUMMARY, summary
    from cnndsl.tables.styles import remark

    (network,) = networks
    lines, right = summary(network, depth), [column in NUMBERS for column in SUMMARY]
    out(text_table(lines, right, sums=True))
    if network.totals.non_trainable:
        out(f"\n{remark(network, words(language(arguments, paths))).rstrip('.')}\n")
    return 0
