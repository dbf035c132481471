"""`cnndsl show`: the table of a net, for a terminal."""

from __future__ import annotations

from cnndsl.cli.commands.nets import (
    DEPTH,
    INPUT,
    LIMITS,
    SET,
    natural,
    networks_of,
    one_file,
)
from cnndsl.cli.terminal.options import Command
from cnndsl.diagnostics.render import columns, printable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from cnndsl.cli.terminal.options import Arguments

COMMAND = Command(
    "show",
    "FILE",
    "print the table of a net's layers",
    "Print a table of a net's layers: their output shapes, parameters and multiply-adds.",
    (
        DEPTH,
        SET,
        INPUT,
        LIMITS,
    ),
    ("cnndsl show resnet50.cnn --depth 1",),
)


def run(arguments: Arguments) -> int:
    from cnndsl.cli.terminal.output import out

    depth = natural(arguments, "depth")
    networks, code = networks_of(arguments, one_file(arguments))
    if code:
        return code

    from cnndsl.tables.rows import SUMMARY, remark, summary

    (network,) = networks
    titles, *rows, sums = summary(network, depth)
    out(draw(titles, rows, sums, [column.right for column in SUMMARY]))
    below = remark(network)
    if below:
        out(f"\n{below}\n")
    return 0


def draw(
    titles: Sequence[str], rows: Sequence[Sequence[str]], sums: Sequence[str], right: Sequence[bool]
) -> str:
    """A table in plain columns; a Korean or Chinese character takes two of the terminal's."""
    lines = [[printable(cell) for cell in line] for line in (titles, *rows, sums)]
    widths = [max(map(columns, column)) for column in zip(*lines, strict=True)]

    def line(cells: Sequence[str]) -> str:
        padded = []
        for cell, width, flush in zip(cells, widths, right, strict=True):
            space = " " * (width - columns(cell))
            padded.append(space + cell if flush else cell + space)
        return "  ".join(padded).rstrip() + "\n"

    rule = "  ".join("-" * width for width in widths) + "\n"
    return line(lines[0]) + rule + "".join(map(line, lines[1:-1])) + rule + line(lines[-1])
