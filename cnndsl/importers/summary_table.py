"""The rows of a summary of Keras, torchsummary or torchinfo, as they are printed."""

from __future__ import annotations

import re
from typing import NamedTuple

from cnndsl.foreign.table import CLASSES, KERAS, TORCH
from cnndsl.importers.texts import Draft, Span

NAME, SHAPE, PARAMS, INPUTS, INPUT_SHAPE, KERNEL, TRAINABLE = (
    "name shape params inputs input_shape kernel trainable".split()
)
_COLUMNS = {
    "Layer (type": NAME,
    "Output Shape": SHAPE,
    "Param #": PARAMS,
    "Connected to": INPUTS,
    "Input Shape": INPUT_SHAPE,
    "Kernel Shape": KERNEL,
    "Trai": TRAINABLE,
}
_TITLE = re.compile(
    r"Layer \(type[^)\n]*\)?(?: \(var_name\))?|(?:Output|Input|Kernel) Shape|Param #|Param %|Groups"
    r"|Connected to|Trai(?:nable|…|n…)?|Mult-Adds|Depth-idx"
)
_BARS = "│┃|"
_RULE = re.compile(r"[\s─━═=_\-¯┌┬┐├┼┤└┴┘┏┳┓┡╇┩╞╪╡╒╤╕╘╧╛┠╂┨┗┻┛+|│┃]*")
_TOTAL = re.compile(r"\s*(Total|Trainable|Non-trainable|Optimizer) params: ?([\d,]+)", re.I)
_NUMBER = re.compile(r"\(?([\d,]{1,24})\)?")


class Row(NamedTuple):
    """A row: what a layer is called, its class, and what it gives.

    Shapes are as they stand there, without the batch; None for a size that is not known.
    `depth` is how many models it is inside of, and `inputs` the names of what it reads, each
    with whether it is cut off; None where the summary has none.
    """

    name: str
    kind: str
    depth: int
    shape: tuple[int | None, ...]
    params: int
    span: Span
    inputs: tuple[tuple[str, bool], ...] | None = None
    source: tuple[int | None, ...] = ()
    kernel: tuple[int, ...] = ()
    frozen: bool = False
    again: bool = False
    cut: bool = False


class Table(NamedTuple):
    """A summary: who printed it, its rows, and its totals by their first word."""

    framework: str
    tree: bool
    rows: list[Row]
    totals: dict[str, tuple[int, Span]]


class _Line(NamedTuple):
    """A line of the table in its cells; `first` is whether a row may begin with it."""

    cells: dict[str, str]
    span: Span
    first: bool
    depth: int


def read_table(draft: Draft) -> Table | None:
    """The table of a text; None where it has none. Rows that cannot be read are problems."""
    lines = list(re.finditer(r"[^\n\r]+", draft.text))
    heads = [at for at, line in enumerate(lines) if "Layer (type" in line[0]]
    if not heads:
        return None
    head = lines[heads[0]]
    titles = [*_TITLE.finditer(head[0])]
    columns = [(_column(title[0]), title.start()) for title in titles]
    tree = "depth-idx" in head[0]
    boxed = any(bar in head[0] for bar in _BARS)
    if {SHAPE, PARAMS} - {column for column, _ in columns}:
        draft.unreadable(head.span())
        return None
    split: list[_Line] = []
    totals: dict[str, tuple[int, Span]] = {}
    parted = True
    for line in lines[heads[0] + 1 :]:
        if total := _TOTAL.match(line[0]):
            totals[total[1].lower()] = (_integer(total[2]), line.span())
        elif totals:
            continue
        elif len(line[0]) > _LONGEST:
            draft.unreadable(line.span())
        elif _RULE.fullmatch(line[0]):
            parted = True
        else:
            cells = _boxed(line[0], columns) if boxed else _columned(line[0], columns, tree)
            depth = len(re.match(r"\|*", line[0])[0]) if not boxed else 0  # type: ignore[index]
            split.append(_Line(cells, line.span(), parted, depth))
            parted = False
    numbered = not boxed and split and re.match(r"\s*\w+-\d+\s+\[", _text(draft, split))
    framework = TORCH if tree or numbered else KERAS
    rows = [_row(draft, group, framework, tree) for group in _groups(split, framework, boxed)]
    return Table(framework, tree, [row for row in rows if row is not None], totals)


def _text(draft: Draft, lines: list[_Line]) -> str:
    return draft.text[slice(*lines[0].span)]


def _column(title: str) -> str:
    return next((name for start, name in _COLUMNS.items() if title.startswith(start)), "")


def _boxed(line: str, columns: list[tuple[str, int]]) -> dict[str, str]:
    """The cells of a line of a table with bars."""
    cells = re.split(f"[{_BARS}]", line.strip())
    if cells and not cells[0].strip() and line.strip()[:1] in _BARS:
        cells = cells[1:]
    return {name: cell.rstrip() for (name, _), cell in zip(columns, cells)}


_LONGEST = 1000
"""How long a line may be."""
_SHAPE = re.compile(r"\[?\((?:None|\d+|\?)(?:, ?(?:None|\d+|\?)?)*\)?\]?,?|\bmultiple\b|\?")
_KERAS_REST = re.compile(r"\s+(?P<params>[\d,]+)(?:\s+(?P<rest>\S.*))?")
_TREE_NAME = re.compile(r"[\s│├└─]*\w[\w.]*(?: \([^)]*\))?(?:: \d+(?:-\d+)?)?(?=\s|$)")


def _columned(line: str, columns: list[tuple[str, int]], tree: bool) -> dict[str, str]:
    """The cells of a line without bars: by what they look like, else by where they stand."""
    if tree:
        name = _TREE_NAME.match(line)
        parts = re.findall(r"\[[^\]]*\]|\([^)]*\)|\S+", line[name.end() :] if name else "")
        titles = [title for title, _ in columns[1:]]
        return {NAME: name[0] if name else line, **dict(zip(titles, parts))}
    if match := re.fullmatch(r"\s*(\S+-\d+)\s+(\[[^\]]*\])\s+([\d,]+)\s*", line):
        return {NAME: match[1], SHAPE: match[2], PARAMS: match[3]}
    for shape in _SHAPE.finditer(line):
        if match := _KERAS_REST.fullmatch(line.rstrip("| "), shape.end()):
            cells = {NAME: line[: shape.start()], SHAPE: shape[0], PARAMS: match["params"]}
            rest, titles = match["rest"] or "", [title for title, _ in columns[3:]]
            if TRAINABLE in titles:
                cells[TRAINABLE], rest = rest[-1:], rest[:-1].rstrip()
            if INPUTS in titles:
                cells[INPUTS] = rest
            return cells
    # What goes on from the line above stands below its beginning there.
    cells = {}
    shift = len(re.match(r"\|*", line)[0])  # type: ignore[index]
    for piece in re.finditer(r"\S+(?: \S+)*", line.rstrip("| ")):
        place = [name for name, start in columns if start - shift - 1 <= piece.start()]
        column = place[-1] if place else NAME
        cells[column] = cells.get(column, "") + piece[0].lstrip("|")
    return cells


def _groups(lines: list[_Line], framework: str, boxed: bool) -> list[list[_Line]]:
    """The lines of each row: one goes on where there is no number of parameters."""
    groups: list[list[_Line]] = []
    for line in lines:
        begins = framework == TORCH or (line.first and boxed) or line.cells.get(PARAMS, "").strip()
        if begins or not groups:
            groups.append([line])
        else:
            groups[-1].append(line)
    return groups


def _row(draft: Draft, lines: list[_Line], framework: str, tree: bool) -> Row | None:
    span = (lines[0].span[0], lines[-1].span[1])
    keras = framework == KERAS
    joint = " " if any(bar in _text(draft, lines) for bar in "│┃") else ""
    cells: dict[str, str] = {}
    for line in lines:
        for name, cell in line.cells.items():
            before = cells.get(name, "")
            cells[name] = before + joint + cell.strip() if before.strip() else cell
    name, kind, depth, cut = (_named if keras else _numbered)(cells.get(NAME, ""))
    depth = max(depth, lines[0].depth)
    shape = () if tree and cells.get(SHAPE) == "--" else _sizes(cells.get(SHAPE, ""))
    again = cells.get(PARAMS, "") == "(recursive)"
    count = _NUMBER.fullmatch(cells.get(PARAMS, "").strip())
    uncounted = tree and (again or cells.get(PARAMS) == "--")
    if not kind or shape is None or (count is None and not uncounted):
        draft.unreadable(span)
        return None
    params = _integer(count[1]) if count and not uncounted else 0
    inputs = _references(cells[INPUTS]) if INPUTS in cells else None
    frozen = cells.get(TRAINABLE, "").strip() in ("N", "False")
    frozen |= tree and cells.get(PARAMS, "").startswith("(") and not again
    source = _sizes(cells.get(INPUT_SHAPE, "")) or ()
    kernel = tuple(map(int, re.findall(r"\d{1,6}", cells.get(KERNEL, ""))))
    return Row(
        *(name, kind, depth, shape, params, span, inputs, source, kernel, frozen, again, cut)
    )


def _integer(text: str) -> int:
    digits = text.replace(",", "")[:18]
    return int(digits or 0)


def _sizes(text: str) -> tuple[int | None, ...] | None:
    """The sizes of `(None, 28, 28, 1)`, without the batch; None where the text is something else.

    Only one that is whole counts: what is cut off has lost digits.
    """
    text = re.sub(r"\s", "", text)
    if not re.fullmatch(
        r"\[?\((?:None|\d+)(?:,(?:None|\d{1,9}))*,?\)\]?|\[-?\d+(?:,\d{1,9})*\]", text
    ):
        return None
    sizes = [None if size == "None" else int(size) for size in re.findall(r"None|\d+", text)]
    return tuple(sizes[1:])


def _named(text: str) -> tuple[str, str, int, bool]:
    """The name, class and depth of `conv2d (Conv2D)`; and whether the name is cut off."""
    depth = text.count("└")
    text = text.strip(" └|")
    match = re.fullmatch(r"(.*?)\s*\(\s*([\w ]+)(…?)\)?", text)
    name = (match[1] if match else text).strip()
    kind = _class(match[2].replace(" ", "") if match else "", name)
    return name.rstrip("…"), kind, depth, name.endswith("…")


def _class(start: str, name: str) -> str:
    """The class that a beginning of its name stands for, by the layer's name if there are more.

    A name that is none of Keras's stays as it is.
    """
    classes = {kind: each for kind, each in CLASSES[KERAS].items() if not kind[:1].islower()}
    if start in classes:
        return start
    kinds = [kind for kind in classes if kind.startswith(start)]
    snake = re.sub(r"_\d+$", "", name.rstrip("…"))
    if len({classes[kind].word for kind in kinds}) > 1:
        kinds = [kind for kind in kinds if _snake(kind).startswith(snake)] if snake else []
    # Those that differ in the number of dimensions alone are as good: the sizes say it.
    if kinds and len({classes[kind].word for kind in kinds}) == 1:
        return kinds[0]
    return start


def _snake(kind: str) -> str:
    """The name that Keras gives a layer of a class."""
    text = re.sub(r"(.)([A-Z][a-z0-9]+)", r"\1_\2", kind)
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", text).lower()


def _numbered(text: str) -> tuple[str, str, int, bool]:
    """The name, class and depth of `│    └─Conv2d (conv1): 2-1`, or of `Conv2d-1`."""
    if plain := re.fullmatch(r"(\w+)-\d+", text.strip()):
        return "", plain[1], 1, False
    match = re.fullmatch(
        r"[\s│├└─]*([\w.]+)(?: \(([^)]*)\))?(?:: (\d+)(?:-(\d+))?)?", text.rstrip()
    )
    if match is None:
        return "", "", 0, False
    return (match[2] or "" if match[3] else ""), match[1], int((match[3] or "0")[:6]), False


def _references(text: str) -> tuple[tuple[str, bool], ...]:
    """The layers of `a[0][0], b[0]…`, and whether the name of each is cut off."""
    parts = re.findall(r"[^\s,'\[\]…]+(?:\[[^\],\s…]*\]?)*…?", text)
    named = [(re.split(r"[\[…]", part)[0], part) for part in parts]
    return tuple(
        (name, "[" not in part and part.endswith("…"))
        for name, part in named
        if name not in ("", "-")
    )
