"""What is false in the tables of a post, and what would be right."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from math import prod
from typing import NamedTuple

from cnndsl.audit.align import Layers, lined_up, tells
from cnndsl.audit.html import MARKUP
from cnndsl.audit.layers import COUNTS, SHAPES, SUMMED, Right, said
from cnndsl.audit.post import Cell, Record, Table
from cnndsl.audit.values import Given, Value, same, written
from cnndsl.audit.words import activations
from cnndsl.diagnostics import Diagnostic, Edit, Fix, Note, Source, Span
from cnndsl.diagnostics.message import NOTHING, Message, joined
from cnndsl.layers import family
from cnndsl.layers.source import call_of
from cnndsl.network import Network
from cnndsl.tables.cells import readable
from cnndsl.tables.columns import COLUMNS
from cnndsl.tables.rows import Row

_LATER = ("output-shape", "height", "width", "output-channels", "pooling", "activation")
"""What a row may say of layers that have no rows and follow its own."""
_MOST_LATER, _MOST_TERMS, _DEEPEST = 6, 20, 4
_WAYS = {
    "all": Message("the others are counted with biases"),
    "weights": Message("the others are counted without biases"),
    "last": Message("the others have the channels last"),
    "first": Message("the others have the channels first"),
}
_OTHERWISE = Message("the others are counted or written in another way")


class _Entry(NamedTuple):
    """A cell of a layer: all that would be right there, and the ways in which it is."""

    record: Record
    at: int
    cell: Cell
    given: Given
    rights: list[Right]
    ways: frozenset[str]


class _Aligned(NamedTuple):
    """A table lined up with a net: whether it speaks of it, how well, the layer of each record,
    the records that have none, and how many cells are wrong."""

    fits: bool
    score: float
    layers: Layers
    places: list[int | None]
    left: list[Record]
    wrong: int


class Auditor:
    """Judges the tables of a post by some nets, each with its place there."""

    def __init__(self, source: Source, nets: Sequence[tuple[int, Network]]) -> None:
        self.source, self.nets = source, nets
        self._layers: dict[tuple[int, int | None], Layers] = {}

    def judge(self, table: Table) -> Iterator[Diagnostic | tuple[Span, Message]]:
        """What is false in a table, by the net that it fits best, and the places of what is left.

        Of nets that fit equally it is the nearest before the table.
        """
        order = sorted(
            range(len(self.nets)),
            key=lambda at: (self.nets[at][0] > table.place.start, -self.nets[at][0]),
        )
        found = max((self.aligned(table, at) for at in order), key=lambda each: each[:2])
        name = found.layers.network.name
        if not found.fits:
            yield table.place, Message("this fits no layers of `{net}`, and is left", net=name)
            return
        yield from _Table(self.source, table, found).findings()
        for record in found.left:
            message = Message("this fits no layer of `{net}`, and is left", net=name)
            if record.label.several:
                message = Message("this stands for several layers, and is left")
            yield record.place, message

    def aligned(self, table: Table, net: int) -> _Aligned:
        """A table lined up with a net, with its blocks open, or else folded."""
        network = self.nets[net][1]
        deepest = min(max(len(node.instance) for node in network.nodes), _DEEPEST)
        tried: list[_Aligned] = []
        for depth in (None, *range(1, deepest + 1)):
            if (net, depth) not in self._layers:
                self._layers[net, depth] = Layers(network, depth)
            tried.append(_aligned(table, self._layers[net, depth]))
            if tried[-1].fits and not tried[-1].wrong and not tried[-1].left:
                break
        return max(tried, key=lambda each: each[:2])


def _aligned(table: Table, layers: Layers) -> _Aligned:
    score, places = lined_up(table.records, layers)
    sure = [
        [] if r.total else at is not None and [tells(c, layers.rights(at, c.key)) for c in r.cells]
        for r, at in zip(table.records, places)
    ]
    # What has nothing right may be something else where its number differs, beside what is not
    # lined up, or where another layer that has no row fits as well.
    ends = [-1, *places, len(layers.stations)]
    for at, each in enumerate(sure):
        place = ends[at + 1]
        if not each or place is None or True in each or False not in each:
            continue
        record, fit = table.records[at], layers.fit(table.records[at], place) or 0
        number, beside = record.label.number, sure[max(at - 1, 0) : at + 2]
        odd = number and layers.stations[place].number - number not in (0, 1)
        between = range((ends[at] or 0) + 1, ends[at + 2] or len(layers.stations))[:_MOST_TERMS]
        others = ((layers.fit(record, n) or -1) >= fit for n in between if n != place)
        if odd or any(other is False for other in beside) or any(others):
            places[at] = None
    pairs = [pair for pair in zip(table.records, places) if not pair[0].total]
    judged = zip(table.records, places, sure)
    told = [t for r, at, row in judged if at is not None and not r.label.several for t in row or ()]
    left = [r for r, at in pairs if at is None and any(c.given and c.given.kind for c in r.cells)]
    right, wrong = told.count(True), told.count(False)
    # What is mostly wrong speaks of another net; one false cell of a layer that is named does not,
    # nor does what is said of a single one that is named in full.
    whole = len(pairs) == 1 and all(
        at is not None
        and layers.stations[at].op in r.label.kinds
        and layers.stations[at].number == r.label.number
        for r, at in pairs
    )
    one = not left and (whole or (wrong == 1 and all(record.label.kinds for record, _ in pairs)))
    fits = 2 * len(left) <= len(pairs) and (wrong <= right or one)
    return _Aligned(fits, score, layers, places, left, wrong)


class _Table:
    """A table that is lined up with a net."""

    def __init__(self, source: Source, table: Table, aligned: _Aligned) -> None:
        self.source, self.table = source, table
        self.layers, self.places, self.left = aligned.layers, aligned.places, aligned.left
        self.entries = list(self.enter())
        # How most cells of a group of columns are counted or written; the likeliest comes first.
        votes: dict[str, Counter[str]] = {}
        self.forms: dict[str, dict[str, Given]] = {}  # right cells of a column by their kind
        self.kinds: Counter[tuple[str, str]] = Counter()
        self.words: dict[str, str] = {}  # what the table calls an activation
        for entry in self.entries:
            vote = votes.setdefault(_group(entry.cell.key), Counter())
            vote.update({way: 0 for way, _ in entry.rights if way})
            vote.update(entry.ways - {""} if entry.given.kind else ())
            self.kinds[entry.cell.key, entry.given.kind] += 1
            if entry.ways and entry.given.word:
                value = next(value for _, value in entry.rights if same(entry.given, value))
                self.words.setdefault(str(value), entry.given.text)
            if entry.ways and entry.given.kind:
                self.forms.setdefault(entry.cell.key, {}).setdefault(entry.given.kind, entry.given)
        self.ways = {
            group: max(vote, key=vote.__getitem__, default="") for group, vote in votes.items()
        }
        summed = {c.key for record in table.records if record.total for c in record.cells}
        kept = [at for at, each in enumerate(self.layers.stations) if not each.row.training]
        self.sums = {
            key: (dict(self.running(kept, key)), self.terms(key)) for key in summed & {*SUMMED}
        }
        cells = [cell for record in table.records for cell in record.cells]
        blank = Counter(
            (key, c.text) for c in cells if c.given and not c.given.kind for key in ("", c.key)
        )
        self.blanks = {key: text for (key, text), _ in reversed(blank.most_common())}
        plain = any(cell.text.isdecimal() and len(cell.text) > 3 for cell in cells)
        self.grouped = not plain or any(re.match(r"\d+,\d{3}", cell.text) for cell in cells)

    def enter(self) -> Iterator[_Entry]:
        """The cells that can be judged, but for those of sums."""
        inputs = {n for n, each in enumerate(self.layers.stations) if each.op == "input"}
        placed = [at for at in self.places if at is not None and at not in inputs]
        following = dict(zip(placed, [*placed[1:], len(self.layers.stations)]))
        before = dict(zip(placed, [-1, *placed]))
        for record, at in zip(self.table.records, self.places):
            if at is None:
                continue
            end = following.get(at, at + 1)
            later = self.later(at, end)
            for cell in record.cells:
                found = [*self.layers.rights(at, cell.key)]
                if cell.given is None or not found or not _of_kind(cell):
                    continue
                several = record.label.several
                own = range(before.get(at, -1) + 1 if several else at, end)
                if cell.key in _LATER or several:
                    more = own if several else later
                    found += [each for n in more for each in self.layers.rights(n, cell.key)]
                ways = _ways(cell, found)
                if not ways and cell.key in SUMMED:
                    found += self.running(own, cell.key)
                    ways = _ways(cell, found)
                if ways or not several or not cell.given.kind:
                    yield _Entry(record, at, cell, cell.given, found, ways)
                elif record not in self.left[-1:]:
                    self.left.append(record)

    def later(self, at: int, end: int) -> list[int]:
        """The layers without a row that follow one, up to the next that weighs."""
        stations = self.layers.stations[at + 1 : min(end, at + 1 + _MOST_LATER)]
        stop = next((n for n, s in enumerate(stations) if s.op in family("conv", "dense")), None)
        return list(range(at + 1, at + 1 + len(stations[:stop])))

    def running(self, places: Iterable[int], key: str) -> Iterator[tuple[str, int | Fraction]]:
        """The counts of the first of some layers in one, of the first two, and so on."""
        sums: dict[str, int | Fraction] = {}
        for at in places:
            for way, value in self.layers.rights(at, key):
                if isinstance(value, (int, Fraction)):
                    sums[way] = sums.get(way, 0) + value
            yield from sums.items()

    def findings(self) -> Iterator[Diagnostic]:
        """All that is false, row by row."""
        wrong = {id(e.cell): self.right(e) for e in self.entries if self.is_false(e)}
        for entry in self.entries:
            if id(entry.cell) in wrong:
                value, form = wrong[id(entry.cell)], self.form(entry)
                yield self.finding(entry.cell, entry.given, value, self.why(entry, value), form)
            elif self.is_displaced(entry, wrong):
                number = next((v for _, v in entry.rights if isinstance(v, int)), None)
                form = self.forms[entry.cell.key]["number"]
                message = Message("the others are one number, and this stands for the next column")
                yield self.finding(entry.cell, entry.given, number, message, form)
        for number, record in enumerate(self.table.records):
            if record.total:
                before = [at for at in self.places[:number] if at is not None]
                yield from self.of_sums(record, before[-1:] if not self.table.strict else [])

    def is_false(self, entry: _Entry) -> bool:
        if not entry.given.kind or entry.ways & {"", self.ways[_group(entry.cell.key)]}:
            return False
        return bool(entry.ways) or self.table.strict or entry.rights[0][1] is not None

    def form(self, entry: _Entry) -> Given:
        """In which form a value is to be written: that of the cell, unless no other has it."""
        key = entry.cell.key
        known = self.forms.get(key, {}) if self.table.strict and key not in SHAPES else {}
        return entry.given if entry.given.kind in known else next(iter(known.values()), entry.given)

    def right(self, entry: _Entry) -> Value:
        """What should stand there: of what is right in the table's way, what is written alike."""
        way = self.ways[_group(entry.cell.key)]
        values = [value for each, value in entry.rights if each in (way, "")]
        values = values or [value for _, value in entry.rights]
        if values[0] is None and entry.given.kind == "word":
            return None
        return next((value for value in values if _alike(self.form(entry), value)), values[0])

    def is_displaced(self, entry: _Entry, wrong: dict[int, Value]) -> bool:
        """Whether a cell is right by chance, and got there from the column beside it: all others
        of its column are plain numbers, and a false cell beside it should say just this."""
        key, cells = entry.cell.key, entry.record.cells
        kinds = [self.kinds[key, kind] for kind in ("sizes", "word")]
        if not self.table.strict or entry.given.kind != "sizes" or kinds != [1, 0]:
            return False
        at = next(at for at, cell in enumerate(cells) if cell is entry.cell)
        beside = [wrong.get(id(cell)) for cell in cells[max(at - 1, 0) : at + 2]]
        return bool(self.kinds[key, "number"]) and any(same(entry.given, v) for v in beside)

    def of_sums(self, record: Record, alone: list[int]) -> Iterator[Diagnostic]:
        """What is false in a row of sums; in a list a total may be one of a layer `alone`."""
        for cell in record.cells:
            if cell.given is None or not cell.given.kind:
                continue
            if cell.key not in SUMMED:
                if self.table.strict and cell.key in COLUMNS:
                    message = Message("a sum of all layers has none")
                    yield self.finding(cell, cell.given, None, message)
                continue
            way, (net, terms) = self.ways.get(_group(cell.key)), self.sums[cell.key]
            own = dict(self.running(alone, cell.key))
            accepted = [value for each, value in net.items() if way in (None, each)]
            # The rows of heads for training may count or not.
            sums = [
                sum(v for v, training in terms if not training or more) for more in (False, True)
            ]
            if self.table.strict:
                accepted = sums + accepted if terms else accepted + sums
            mine = [value for each, value in own.items() if way in (None, each)]
            if mine and cell.given.low is not None:
                near = Fraction(cell.given.low)
                accepted = sorted([*accepted, *mine], key=lambda value: abs(value - near))
            unknown = self.left and self.table.strict  # rows that may count or not
            if not accepted or unknown or any(same(cell.given, value) for value in accepted):
                continue
            shown = [f"{v:,}" for v, more in terms if v and isinstance(v, int) and not more]
            total = written(accepted[0], cell.given, "", True)
            why = Message("all layers come to {total}", total=total)
            if accepted[0] in mine:
                row = self.layers.stations[alone[0]].row
                why = Message("{formula}", formula=_formula("parameter-formula", row, way))
            elif accepted[0] == sums[0] and 1 < len(shown) <= _MOST_TERMS:
                why = Message("{terms} = {total:,}", terms=" + ".join(shown), total=sums[0])
            yield self.finding(cell, cell.given, accepted[0], why)

    def terms(self, key: str) -> list[tuple[int | Fraction, bool]]:
        """What is right in each row of a column, and whether that is of a head for training."""
        found = []
        for entry in self.entries:
            if entry.cell.key == key:
                way = self.ways[_group(key)]
                values = [v for each, v in entry.rights if each == way and v is not None]
                value = next(
                    (v for v in values if same(entry.given, v)), values[0] if values else 0
                )
                found.append((value, self.layers.stations[entry.at].row.training))
        return found  # type: ignore[return-value]

    def why(self, entry: _Entry, right: Value) -> Message:
        """Why a value is right: the arithmetic where there is any, else the layer."""
        row, key = self.layers.stations[entry.at].row, entry.cell.key.partition(":")[0]
        call, way = call_of(row.layer) if row.layer else row.name or "input", self.ways[_group(key)]
        count = key in COUNTS or key == "parameter-formula"
        formula = _formula("parameter-formula" if count else "size-formula", row, way)
        base = {"memory": row.values, "flops": row.macs, "multiply-adds": row.macs}.get(key, 0)
        why = Message("the layer is `{call}`", call=call)
        if right is None:
            why = Message("`{call}` has none", call=call)
        elif key.startswith("input-"):
            shape = readable(said("input-shape", row))
            why = Message("`{call}` reads {shape}", call=call, shape=shape)
        elif key == "biases":
            counts = {"params": row.params, "weights": row.weights, "biases": right}
            why = Message("{params:,} - {weights:,} = {biases:,}", **counts)
        elif base and isinstance(right, int) and right > base and right % base == 0:
            why = Message(
                "{base:,} × {times} = {right:,}", base=base, times=right // base, right=right
            )
        elif formula != "-" and (count or key not in (*SUMMED, "activation")):
            worked = Message("{formula}", formula=formula)
            why = worked if count else joined([why, worked], "{first}: {rest}")
        return joined([_WAYS.get(way, _OTHERWISE), why], "{first}: {rest}") if entry.ways else why

    def finding(
        self, cell: Cell, given: Given, right: Value, why: Message, form: Given | None = None
    ) -> Diagnostic:
        """A false cell, as all else that is told, with what would mend it."""
        nothing = self.blanks.get(cell.key, self.blanks.get("", "-"))
        word = self.words.get(right, right) if isinstance(right, str) else right
        should = written(word, form or given, nothing, self.grouped)
        span = Span(cell.span.start + given.at, cell.span.start + given.at + len(given.text))
        says = self.source.text[span.start : span.end]
        for mark in MARKUP.finditer(says):
            should = should.replace(given.text[mark.start() : mark.end()], mark[0])
        message = Message("says `{says}`, should be `{should}`", says=says, should=should)
        if not should:
            message = Message("says `{says}`, should be empty", says=says)
        fix = Fix(NOTHING, (Edit(span, should),), safe=True)
        return Diagnostic("E502", self.source, span, message, NOTHING, (Note(why),), (fix,))


def _formula(key: str, row: Row, way: str | None) -> str:
    return readable(said(key, row, weights=way == "weights"))


def _group(key: str) -> str:
    return "shape" if key in SHAPES else key.partition(":")[0]


def _of_kind(cell: Cell) -> bool:
    """Whether a cell has a value of the kind that its column has."""
    word = cell.given.word if cell.given else ""
    if cell.key == "activation":
        return bool(activations(word)) or word.lower() in ("linear", "identity")
    if cell.given and (cell.key == "share") != ("%" in cell.given.text):
        return False
    return not word or (cell.key == "padding" and word.lower() in ("same", "valid"))


def _ways(cell: Cell, found: Sequence[Right]) -> frozenset[str]:
    """The ways in which a cell is right; a product of sizes stands for a count."""
    assert cell.given is not None
    if cell.given.shapes and cell.key in SUMMED:
        product = prod(size or 1 for size in cell.given.shapes[0])
        return frozenset(way for way, value in found if value == product) or frozenset([""])
    ways = frozenset(way for way, value in found if same(cell.given, value))
    return frozenset([""]) if ways and "@" in cell.given.text else ways  # which says what is what


def _alike(form: Given, value: Value) -> bool:
    """Whether a value can be written in a form."""
    if value is None or isinstance(value, str):
        listed = form.kind == "sizes" and value is not None and value[:1].isdigit()  # `256, 128`
        return value is not None and (form.kind == "word" or listed)
    if isinstance(value, (int, Fraction)):
        return form.kind == "number"
    if form.kind == "number":
        return all(len({*shape}) == 1 for shape in value)
    more = [len(sizes) - len(shape) for sizes, shape in zip(form.shapes, value)]
    return len(form.shapes) == len(value) and {*more} in ({0}, {1})
