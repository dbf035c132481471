"""`cnndsl show`: the table of a net, for a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cnndsl.cli.commands.nets import NET, asked, one_file, tell
from cnndsl.cli.terminal.files import FileError, read_source
from cnndsl.cli.terminal.language import LANG, language, words_of
from cnndsl.cli.terminal.options import Arguments, Command, read_value
from cnndsl.contract import DEPTH, TERMS, Option

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cnndsl.analysis import Analysis
    from cnndsl.diagnostics import Span
    from cnndsl.lang import Words
    from cnndsl.network import Network

COLUMNS = Option(
    "columns",
    "these columns, of those that tables have: name,code,flops,…",
    "words",
    "A,B",
)

COMMAND = Command(
    "show",
    "FILE",
    "print the table of a net's layers",
    "Print a table of a net's layers: their output shapes, parameters and multiply-adds.\n"
    "A net with errors is shown as far as it goes, with what is assumed after them.",
    (DEPTH, COLUMNS, LANG, TERMS, *NET),
    ("cnndsl show resnet50.cnn --depth 1", "cnndsl show vgg16.cnn --columns name,code,flops"),
)


_MOST = 48
"""Characters of a statement at fault that are shown."""


def run(arguments: Arguments) -> int:
    from cnndsl.cli.terminal.output import out

    depth, columns = arguments.natural("depth"), arguments.get("columns")
    if columns is not None:
        from cnndsl.tables.styles import COLUMNS_OPTION

        columns = read_value(COLUMNS_OPTION, columns)
    (path,) = paths = one_file(arguments)
    values, size, limit = asked(arguments)
    try:
        source, problems = read_source(path)
    except FileError as error:
        tell([], [str(error)])
        return 2
    if problems:
        tell(problems, lang=language(arguments, paths))
        return 1

    from cnndsl.api import analysis_of

    words = words_of(arguments, language(arguments, paths))
    analysis = analysis_of(source, values, size, limit)
    network = analysis.network
    if network is None or analysis.problems:
        out(_as_far(analysis, depth, words), painted=True)
        tell(analysis.mended(), lang=words.lang)
        return 1

    from cnndsl.tables.plain_table import text_table
    from cnndsl.tables.rows import NUMBERS, SUMMARY, summary
    from cnndsl.tables.styles import remark, with_training

    if columns:
        out(_chosen(network, depth, columns, words))
        return 0
    lines = summary(network, depth, words)
    right = [column in NUMBERS for column in (*SUMMARY, "")][: len(lines[0])]
    out(text_table(lines, right, sums=True))
    remarks = [remark(network, words)] if network.totals.non_trainable else []
    remarks += with_training(network, words)
    if remarks:
        out("\n" + "".join(f"{each.rstrip('.')}\n" for each in remarks))
    return 0


def _chosen(network: Network, depth: int | None, columns: Sequence[str], words: Words) -> str:
    """The table of some columns, with their sums and what is to be said of them."""
    from cnndsl.diagnostics.render import printable
    from cnndsl.tables.cells import readable
    from cnndsl.tables.plain_table import text_table
    from cnndsl.tables.styles import make

    table = make(network, columns=columns, depth=depth, lang=words.lang, terms=words.terms)
    rows = [*table.rows, table.sums] if table.sums else table.rows
    lines = [[each.title for each in table.headings]]
    lines += [[printable("" if cell is None else readable(cell)) for cell in row] for row in rows]
    text = text_table(lines, [each.right for each in table.headings], sums=bool(table.sums))
    return "\n".join((text, *(f"{''.join(map(readable, note))}\n" for note in table.notes)))


def _as_far(analysis: Analysis, depth: int | None, words: Words) -> str:
    """The table of a net with errors, as far as it goes; empty where it goes nowhere.

    What is wrong stands where it is met, and what comes after it, whose sizes are assumed, is
    grey. All of it is escaped.
    """
    import sys

    from cnndsl.cli.terminal.output import wants_color
    from cnndsl.network.attempt import faults
    from cnndsl.tables.faults import in_short
    from cnndsl.tables.plain_table import painted, partial_table
    from cnndsl.tables.rows import NUMBERS, SUMMARY, summary_of_failing

    network = analysis.as_far()
    if network is None:
        return ""
    told = []
    for fault in faults(analysis.run, analysis.problems):
        said, worked = f"✗ {fault.problem.code}", in_short(fault.misfit)
        statement = _shortened(analysis.source.text, fault.span)
        said += f"  {statement}" if statement else ""
        told.append((fault.place, f"{said}: {worked}" if worked else said))
    lines, assumed, between = summary_of_failing(network, analysis.assumed, told, depth, words)
    right = [column in NUMBERS for column in SUMMARY]
    color = wants_color(sys.stdout)
    text = partial_table(lines, right, pale=assumed, between=between, color=color)
    if assumed:
        text += f"\n{painted('2', words['fails.assumed'], color)}\n"
    return text


def _shortened(text: str, span: Span) -> str:
    """The beginning of a statement, on one line."""
    piece = text[span.start : min(span.end, span.start + 4 * _MOST)]
    line = " ".join(piece.split())
    if len(line) > _MOST or span.start + 4 * _MOST < span.end:
        line = line[: _MOST - 1] + "…"
    return line
