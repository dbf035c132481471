"""Tables as write-ups of networks have them: which columns, which layers, sums or none.

Every target that writes tables takes the options here and gets a `Table` to draw.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from string import Formatter
from typing import NamedTuple

from cnndsl.contract import DEPTH, LANG, TERMS, Option, OptionError, checked_values, words_asked
from cnndsl.diagnostics.message import Message
from cnndsl.lang import Words
from cnndsl.layers import Layer
from cnndsl.network import Network
from cnndsl.symbolic.form import Form
from cnndsl.tables.cells import Blank, Cell, Heading, Share, Table, Text, Verbatim, tuple_text
from cnndsl.tables.columns import COLUMNS, TableView, title
from cnndsl.tables.quiz import OPTIONS as QUIZ
from cnndsl.tables.quiz import Quiz
from cnndsl.tables.rows import Row, rows
from cnndsl.tables.symbols import SIZES, condition, lettered


class TableStyle(NamedTuple):
    """A table's columns, the rows that it shows, and whether it ends with their sums."""

    columns: tuple[str, ...]
    shows: Callable[[Row], bool] = lambda row: True
    sums: bool = True


_SETTINGS = tuple(
    "layer name input-channels filter output-channels stride padding pooling activation".split()
)

STYLES: dict[str, TableStyle] = {
    "article": TableStyle((*_SETTINGS, "input-shape", "output-shape", "parameters", "note")),
    "settings": TableStyle(_SETTINGS, sums=False),
    "layers": TableStyle(_SETTINGS[:-1], lambda row: len(row.output) > 1, sums=False),
    "dense": TableStyle(
        ("layer", "name", "input-nodes", "output-nodes", "weight-shape", "parameters", "note"),
        lambda row: row.layer is not None and row.layer.op == "dense",
    ),
    "formulas": TableStyle(
        ("layer", "name", "size-formula", "output-shape", "parameter-formula", "parameters", "note")
    ),
    "keras": TableStyle(("type", "batch-shape", "parameters", "note"), sums=False),
    "full": TableStyle(
        (
            *("layer", "name", "input-channels", "kernel", "output-channels", "stride", "padding"),
            *("groups", "activation", "input-shape", "output-shape", "parameters", "share"),
            *("multiply-adds", "field", "memory", "note"),
        )
    ),
}
"""The styles by name; the first is the one unless said.

`layers` shows the layers of a net that have channels: the part that extracts features.
"""

STYLE = Option(
    "style",
    "which table: article (unless said), settings, layers, dense, formulas, keras or full",
    "word",
    "S",
    tuple(STYLES),
)
COLUMNS_OPTION = Option(
    "columns",
    "these columns instead of the style's: layer,output-shape,…",
    "words",
    "A,B",
    tuple(COLUMNS),
)
PARAMS = Option(
    "params",
    "what counts as parameters: all (unless said), or weights without biases",
    "word",
    "P",
    ("all", "weights"),
)
OPTIONS = (STYLE, COLUMNS_OPTION, LANG, TERMS, PARAMS, SIZES, DEPTH, *QUIZ)


def make(
    network: Network,
    class_name: Callable[[Layer], str] = lambda layer: layer.title,
    *,
    style: str = "article",
    columns: Sequence[str] | None = None,
    lang: str = "en",
    terms: str = "native",
    params: str = "all",
    sizes: str = "numbers",
    depth: int | None = None,
    blank: Sequence[str] | None = None,
    seed: int | None = None,
    quiz: Quiz | None = None,
) -> Table:
    """The table of a network.

    * `class_name`: what a framework calls a layer, for the column `type`
    * `style`: one of `STYLES`
    * `columns`: keys of `COLUMNS`, in the place of the style's
    * `lang`: `en` or `ko`
    * `terms`: `native`, or the `loan` words of Korean
    * `params`: `all`, or `weights` to leave the biases out
    * `sizes`: `numbers`, or `symbolic` for formulas in the sizes of the input
    * `depth`: how deep calls of blocks are opened; None for all of them
    * `blank`: what is left open as a quiz, words of `cnndsl.tables.quiz`, or a share of the
      numbers, of which `seed` says which; `quiz` is what is open already

    Raises OptionError for what there is not, and TargetError where sizes have no formulas.
    """
    asked = {"style": style, "lang": lang, "terms": terms, "params": params, "sizes": sizes}
    lists = {"columns": columns, "blank": blank}
    checked_values(OPTIONS, {**asked, **lists, "depth": depth, "seed": seed})
    if style == "keras" and params == "weights":
        message = Message("Keras counts biases too: the style keras goes with no params weights")
        raise OptionError(message)
    chosen = STYLES[style]
    words, weights = words_asked(lang, terms), params == "weights"
    holding: list[Text] = []
    if sizes == "symbolic":
        found = lettered(network)
        network, holding = found.network, [[each] for each in condition(found, words)]
    every = rows(network, depth, words)
    shown = [row for row in every if chosen.shows(row)]
    totals = network.totals
    view = TableView(words, weights, totals.weights if weights else totals.params, class_name)
    keys = columns or [key for key in chosen.columns if COLUMNS[key].wanted(shown)]
    quiz = quiz or Quiz(network)
    if blank is not None:
        quiz.ask(blank, seed or 1, keys, shown, view)
    return Table(
        lang,
        _caption(network, view, quiz, every),
        [Heading(key, title(key, view, style), COLUMNS[key].right) for key in keys],
        [[quiz.cell(key, row, view) for key in keys] for row in shown],
        _sums(keys, shown, view, quiz) if chosen.sums else [],
        _notes(network, style, view, keys, shown, quiz) + holding,
    )


_KEPT = ("parameters", "weights", "biases", "trainable", "share")
"""The columns that count what is kept, which may be used elsewhere too."""


def _sums(keys: Sequence[str], shown: list[Row], view: TableView, quiz: Quiz) -> list[Cell]:
    """The last row: `Total`, and the sums of what has one."""
    cells: list[Cell] = []
    for key in keys:
        column = COLUMNS[key]
        if not column.summed:
            cells.append(None)
            continue
        kept = [row for row in shown if not row.training or (row.lent and key in _KEPT)]
        found = [column.value(row, view) for row in kept]
        shares = [cell.value for cell in found if isinstance(cell, Share)]
        if quiz.hides_any(key, kept):
            cells.append(Blank(view.words["blank"]))
        elif shares:
            cells.append(Share(sum(shares, Fraction(0))))
        else:
            counts = [cell for cell in found if isinstance(cell, (int, Form))]
            cells.append(sum(counts) if counts or not found else None)
    if not any(cell is not None for cell in cells):
        return []
    if cells[0] is None:
        cells[0] = view.words["total"]
    return cells


def _caption(network: Network, view: TableView, quiz: Quiz, every: list[Row]) -> Text:
    """What the net is, in a sentence."""
    gap = Blank(view.words["blank"])
    inputs = ", ".join(tuple_text(network.nodes[index].output) for index in network.inputs)
    outputs: Text = []
    for name, index in network.outputs.items():
        known = tuple_text(network.nodes[index].output)
        shape: Text = [gap if quiz.lacks_output(index) else known]
        if len(network.outputs) > 1:
            shape = fill(view.words["output.named"], shape=shape, name=[Verbatim(name)])
        outputs += [", ", *shape] if outputs else shape
    kind = "weights" if view.weights else "parameters"
    return fill(
        view.words["caption.weights" if view.weights else "caption"],
        net=[Verbatim(network.name)],
        inputs=[inputs],
        outputs=outputs,
        count=(
            fill(view.words[f"{kind}.many"], number=[gap])
            if quiz.hides_any("parameters", every)
            else [view.words.count(view.whole, kind)]
        ),
    )


def fill(template: str, **parts: Text) -> Text:
    """A sentence with parts in its places."""
    filled: Text = []
    for literal, name, _, _ in Formatter().parse(template):
        if literal:
            filled.append(literal)
        if name is not None:
            filled += parts[name]
    return filled


def _notes(
    network: Network, style: str, view: TableView, keys: Sequence[str], shown: list[Row], quiz: Quiz
) -> list[Text]:
    """What is said below the table, but for what a quiz asks for."""
    totals, words = network.totals, view.words
    asked = quiz.hides_any("parameters", shown)
    if style == "keras":
        kinds = ("total-parameters", "trainable-parameters", "other-parameters")
        counts = (totals.params, totals.trainable, totals.non_trainable)
        gap: Text = [Blank(words["blank"])]
        told = [
            fill(
                words[key],
                number=gap if asked else [f"{count:,}"],
                size=gap if asked else [_memory(4 * count)],
            )
            for key, count in zip(kinds, counts)
        ]
    else:
        told = [[each] for each in _remarks(network, view, keys, shown, asked)]
    if not (asked or quiz.hides_any("multiply-adds", shown)):
        told += [[each] for each in with_training(network, words)]
    return told


def _remarks(
    network: Network, view: TableView, keys: Sequence[str], shown: list[Row], asked: bool
) -> list[str]:
    """What is said of the parameters."""
    totals, words = network.totals, view.words
    notes = [words["remark.flops"]] if "flops" in keys else []
    if "parameters" not in keys or asked:
        return notes
    counted = [row for row in shown if not row.training or row.lent]
    part = sum(row.weights if view.weights else row.params for row in counted)
    if part < view.whole:
        # What is trained of the whole net would be a third number beside these two.
        whole = words.count(view.whole, "weights" if view.weights else "parameters")
        return [words.say("remark.part", part=f"{part:,}", whole=whole), *notes]
    if totals.non_trainable and not view.weights:
        return [remark(network, words), *notes]
    return notes


def remark(network: Network, words: Words) -> str:
    """How the parameters part into trainable and others."""
    totals = network.totals
    return words["remark"].format(
        trainable=f"{totals.trainable:,}", others=f"{totals.non_trainable:,}"
    )


def with_training(network: Network, words: Words) -> list[str]:
    """The totals with heads for training, in a sentence; none where there are none."""
    totals = network.training_totals
    if totals is network.totals:
        return []
    params = words.count(totals.params, "parameters")
    return [words.say("remark.training", count=params, macs=f"{totals.macs:,}")]


def _memory(count: int | Form) -> str:
    """Bytes as Keras writes them: `364.54 KB`."""
    if isinstance(count, Form):
        return f"{count} B"
    power = min(max(count.bit_length() - 1, 0) // 10, 5)
    return f"{count / 1024**power:.2f} {('B', 'KB', 'MB', 'GB', 'TB', 'PB')[power]}"
