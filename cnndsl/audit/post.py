"""The tables, summaries and lists of a post, as records: what each says of which layer.

Only what stands in them is read, and no running text: a sentence may speak of any layer.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from cnndsl.audit.html import TableParser, plain
from cnndsl.audit.values import Given, read
from cnndsl.audit.words import Label, column, compact, kinds_of, label, pattern, synonyms
from cnndsl.diagnostics import Source, Span
from cnndsl.diagnostics.message import Message
from cnndsl.documents.layout import LINE_END, Fence, blocks, fence_of, survey
from cnndsl.importers.kinds import kind_of
from cnndsl.importers.summary_table import Row, read_table
from cnndsl.importers.texts import Draft
from cnndsl.layers import family
from cnndsl.tables.columns import COLUMNS

if TYPE_CHECKING:
    from markdown_it.token import Token

LONGEST = 1000
"""The longest row of a table or line of a list that is read, in characters."""

LONGEST_NAME = 60
"""The longest words in which a line names a layer."""

_MOST_WORDS = 6

_TOKENS = frozenset(
    "table_open table_close tr_open tr_close inline heading_open list_item_open list_item_close "
    "fence html_block".split()
)
_LABELS = ("layer", "type", "name", "code")
_WORDED = ("activation", "padding", "pooling")
_OWNER = re.compile(r"\s*(?:[:：]|\s[-–—]\s)\s*")
_COMMA = re.compile(r"[,;]\s+|\s[|·]\s")
_RESULT = re.compile(r"=\s*([\d,]+)(?=\s*(?:,|$))")
_SIGN = re.compile(r"\s*(?:[:：]|=>?|→)\s*")


class Cell(NamedTuple):
    """What a post says in a place of a column, as text and, where that is known, as a value."""

    key: str
    text: str
    span: Span
    given: Given | None


class Record(NamedTuple):
    """What a post says of one layer, or of all of the net where it is a `total`."""

    label: Label
    place: Span
    cells: list[Cell]
    total: bool = False


class Table(NamedTuple):
    """Records that belong together, and where they stand.

    `strict` says that every column means every record: a value where a layer has none is false.
    """

    place: Span
    records: list[Record]
    strict: bool = True


class Post(NamedTuple):
    """The tables of a post, the nets that it has as text, and whether it has other code.

    `unknown` are the places of tables that cannot be read, and why.
    """

    tables: list[Table]
    fences: list[Fence]
    unknown: list[tuple[Span, Message]]
    code: list[Fence]


def read_post(source: Source) -> Post:
    """The tables, summaries and lists of a post, but for those that `cnndsl docs` keeps true.

    Raises Unavailable without markdown-it-py.
    """
    regions = survey(source).regions if "<!--" in source.text else []
    return _Reader(source).read([region.body for region in regions])


class _Reader:
    def __init__(self, source: Source) -> None:
        self.text = source.text
        self.starts = [0, *(each.end() for each in LINE_END.finditer(self.text)), len(self.text)]
        self.post = Post([], [], [], [])
        self.listed: list[Record] = []
        self.html: list[tuple[int, int]] = []  # the lines of blocks of HTML
        self.current: Record | None = None
        self.before: tuple[int, str] | None = None  # the last line of a paragraph right before
        self.doubt: list[tuple[Span, Message]] = []  # what is to be told if a list says something

    def line(self, number: int, most: int | None = LONGEST) -> tuple[int, str]:
        """Where a line begins, and its words."""
        start, end = self.starts[number : number + 2]
        return start, self.text[start:end][:most].rstrip("\r\n")

    def read(self, hidden: list[Span]) -> Post:
        tokens, depth, start, later = iter(blocks(self.text, _TOKENS)), 0, 0, hidden[::-1]
        for token in tokens:
            start = self.starts[token.map[0]] if token.map else start
            while later and later[-1].end <= start:
                later.pop()
            if later and later[-1].start <= start:
                continue
            if token.type == "list_item_open" and not depth and self.before:
                self.introduce(*self.before)
            if token.type != "inline":
                self.before = None
            if token.type == "table_open":
                self.table(list(self.rows(tokens)))
            elif token.type == "heading_open":
                self.lines(next(tokens), depth, heading=True)
            elif token.type == "inline":
                self.lines(token, depth)
            elif token.type == "fence":
                self.fence(token)
            elif token.type == "html_block" and token.map:
                self.html.append((token.map[0], token.map[1]))
            depth += {"list_item_open": 1, "list_item_close": -1}.get(token.type, 0)
        self.flush()
        if self.html:
            self.html_tables()
        self.post.tables.sort(key=lambda table: table.place)
        return self.post

    # Tables

    def rows(self, tokens: Iterator[Token]) -> Iterator[list[Cell]]:
        """The cells of each row of a table, the first of which has the titles."""
        texts: list[str] = []
        for token in tokens:
            if token.type == "tr_open":
                (start, line), texts = self.line((token.map or [0])[0]), []
            elif token.type == "inline":
                texts.append(token.content)
            elif token.type == "tr_close":
                yield list(_cells(start, line, texts))
            else:
                return

    def table(self, rows: list[list[Cell]]) -> None:
        """Take down a table, of which the layers may be the columns."""
        first = [column(row[0].text) for row in rows[1:]]
        known = [key for key in first if key not in ("", "pooling", "activation")]
        if 2 * len(known) > len(first) and len({*map(len, rows)}) == 1 < len(rows[0]):
            names = [cell.text for cell in rows[0][1:]]
            if all(kinds_of(each) or pattern("total").fullmatch(compact(each)) for each in names):
                rows = [*map(list, zip(*rows))]
        titles = [column(cell.text) for cell in rows[0]]
        labels = [at for at, key in enumerate(titles) if key in _LABELS]
        labels = labels or [at for at, key in enumerate(titles[:1]) if not key]
        judged = [at for at, key in enumerate(titles) if key and key not in (*_LABELS, "note")]
        place = Span(rows[0][0].span.start, rows[0][-1].span.end)
        if not judged:
            unknown = Message("no column of this table is known: it is left")
            self.post.unknown.append((place, unknown))
            return
        records = []
        for row in rows[1:]:
            texts = [row[at].text for at in labels if at < len(row)]
            every = [label(each) for each in texts] or [Label()]
            named = Label(
                next((each.kinds for each in every if each.kinds), frozenset()),
                every[0].number,
                every[-1].name,
                any(each.several for each in every),
            )
            cells = [c for at in judged if at < len(row) for c in _valued(titles[at], row[at])]
            named_so = [c.text for key, c in zip(titles, row) if key in ("", *_LABELS)]
            total = row in rows[-2:] and any(_is_total(text, named, cells) for text in named_so)
            where = row[labels[0]].span if texts else place
            records.append(Record(named, where, cells, total))
        # A table without a value says nothing of a net, as one of words on layers.
        if any(cell.given and _is_value(cell.key, cell.given) for r in records for cell in r.cells):
            self.post.tables.append(Table(place, records))

    def html_tables(self) -> None:
        """Take down the tables of HTML, which may go on over several blocks."""
        numbers = [number for block in self.html for number in range(*block)]
        parser = TableParser([self.starts[number] for number in numbers])
        text = "".join(self.line(number, None)[1] + "\n" for number in numbers)
        parser.feed(text.replace("<![", "   "))  # of which HTMLParser may make an exception
        for at, table in enumerate(parser.tables):
            rows = [[self.html_cell(span) for span in row] for row in table if row]
            if rows and at in parser.odd:
                place = Span(rows[0][0].span.start, rows[0][-1].span.end)
                spans = Message("a cell of this table spans several: it is left")
                self.post.unknown.append((place, spans))
            elif rows:
                self.table(rows)

    def html_cell(self, span: Span) -> Cell:
        words = plain(self.text[span.start : span.end][:LONGEST])
        start = span.start + len(words) - len(words.lstrip())
        return Cell("", words.strip(), Span(start, start + len(words.strip())), None)

    # Code

    def fence(self, token: Token) -> None:
        """Take down a net, a summary, or that there is code."""
        info = token.info.split()
        fence = fence_of(token, "fails" in info, self.text, self.starts)
        if info[:1] == ["cnn"]:
            self.flush()  # other records may be about another net
            if "fragment" not in info:
                self.post.fences.append(fence)
        elif kind_of(fence.text) != "summary":
            self.post.code.append(fence)
        elif table := read_table(Draft(fence.text, "", "keras")):
            rows = [
                row
                for row, after in zip(table.rows, [*table.rows[1:], None])
                if not (after and after.depth > row.depth) and not row.again
            ]  # what holds others is those
            summary = _Summary(fence)
            records = [*map(summary.record, rows)]
            for word, (_, span) in table.totals.items():
                key = "parameters" if word == "total" else word
                if cells := summary.cell(key, r"\d[\d,]*", Span(*span)):
                    records.append(Record(Label(), cells[0].span, cells, True))
            if rows:
                self.post.tables.append(Table(records[0].place, records))

    # Lists

    def flush(self) -> None:
        """The records of lists so far belong together."""
        if records := [record for record in self.listed if record.cells]:
            self.post.tables.append(Table(records[0].place, records, strict=False))
        self.listed, self.current = [], None

    def begin(self, named: Label, place: Span, total: bool = False) -> Record:
        self.listed.append(Record(named, place, [], total))
        return self.listed[-1]

    def lines(self, token: Token, depth: int, *, heading: bool = False) -> None:
        """Read the lines of a heading, of an item of a list, or of a paragraph."""
        for number, content in enumerate(token.content.split("\n"), (token.map or [0])[0]):
            start, line = self.line(number)
            words = content.strip()
            at = line.find(words)
            self.before = (start + at, words) if not heading and not depth else None
            if at < 0 or not words:
                continue
            said: list[tuple[str, Cell]] = []
            named = label(_unmarked(words)) if heading else _named(words)
            if depth and not heading:  # `Conv 1: output size: 28×28×6, parameters: 156`
                whom, first = _owner(words)
                said = [*_statements(words[first:], start + at + first)]
                if first and not said:
                    said, first = [*_statements(words, start + at)], 0
                named = Label() if said and not first else _named(whom or words)
                front = _OWNER.split(words, 1)[0]
                if not first and front != words and re.search(r"\d", front) and not _phrase(front):
                    said, self.current = [], None  # of what is not known here
            mine = self.current.label if self.current else Label()
            other = not mine.kinds & named.kinds or 0 < mine.number != named.number > 0
            if named.kinds and (heading or other):
                self.current = self.begin(named, Span(start + at, start + at + len(words)))
            elif heading:
                self.current, self.doubt = None, []
            for owner, cell in said:
                self.say(owner, cell)

    def introduce(self, start: int, words: str) -> None:
        """Take down which layer a line before a list names: `The second conv layer gives:`."""
        parts = words[-LONGEST_NAME:].split()
        known = {_named(part).kinds for part in parts}
        kinds = [each for each in known if each - {"input", *family("activation")}]
        if not kinds:
            return
        spans = [
            (at, at + n) for n in range(_MOST_WORDS, 0, -1) for at in range(len(parts) - n + 1)
        ]
        named = next(
            (each for at, to in spans if (each := _named(" ".join(parts[at:to]))).kinds), Label()
        )
        mine, place = self.current.label if self.current else Label(), Span(
            start, start + len(words)
        )
        if len(kinds) == 1 and named.kinds & mine.kinds and named.number in (0, mine.number):
            return
        if len(kinds) == 1 and named.number:
            self.current = self.begin(named, place)
        elif self.current:
            other = Message("this names another layer, and what follows is left")
            self.current, self.doubt = None, [(place, other)]

    def say(self, owner: str, cell: Cell) -> None:
        """Take down what an item says of the layer of its heading, or of one that it names."""
        named = label(owner)
        if pattern("whole").search(owner):
            self.begin(Label(), cell.span, True).cells.append(cell)
            return
        if owner and not (self.current and named.kinds & self.current.label.kinds):
            self.current = self.begin(named, cell.span)
        if self.current is not None:
            self.current.cells.append(cell)
        else:
            self.post.unknown.extend(self.doubt)
            self.doubt = []


class _Summary:
    """A summary in a block of code, and where in the post its cells stand."""

    def __init__(self, fence: Fence) -> None:
        self.fence, self.source = fence, Source("", fence.text)

    def span(self, start: int, end: int) -> Span:
        return Span(*(self.fence.place(*self.source.position(at)) for at in (start, end)))

    def cell(self, key: str, expression: str, within: Span) -> list[Cell]:
        """The cell that is written so; none where lines are cut in it."""
        found = re.compile(expression).search(self.fence.text, *within)
        if found is None:
            return []
        start, end = found.span()
        return [Cell(key, found[0], self.span(start, end), read(found[0]))]

    def record(self, row: Row) -> Record:
        """What a row says."""
        number = re.search(r"\d{1,6}$", row.name)
        named = Label(kinds_of(row.kind), int(number[0]) if number else 0, row.name)
        cells: list[Cell] = []
        within = Span(*row.span)
        for key, shape in (("input-shape", row.source), ("output-shape", row.shape)):
            sizes = "".join(rf",\s*{size}" for size in shape)
            cell = self.cell(key, rf"[\[(]+\s*(?:None|-?\d+){sizes},?\s*[\])]+", within)
            cells += cell if shape else []
        count = rf"(?<![\d,.])(?:{row.params:,}|{row.params})(?![\d,.%])"
        text = self.fence.text[slice(*row.span)]
        # Counts stand behind the shapes, which may have the same digits.
        start = row.span[0] + max(text.rfind(")"), text.rfind("]"), 0)
        cells += self.cell("parameters", count, Span(start, row.span[1]))
        return Record(named, self.span(*row.span), cells)


def _cells(start: int, line: str, texts: list[str]) -> Iterator[Cell]:
    """The cells of a row, each with its place in the line, which quotations may begin."""
    bars = [-1, *(match.start() for match in re.finditer(r"(?<!\\)\|", line)), len(line)]
    pieces = [*pairwise(bars)]
    if not re.sub(r"^(?:[ \t>]|[-*+] |\d+[.)] )*", "", line[: bars[1]]):
        pieces = pieces[1:]
    for text, (bar, end) in zip(texts, pieces):
        words = line[bar + 1 : end].strip()
        words = text if bar < 0 else words  # not what begins a quotation
        at = line.find(words, bar + 1, end) if words else min(bar + 2, end)
        yield Cell("", plain(words), Span(start + at, start + at + len(words)), None)


def _valued(key: str, cell: Cell) -> Iterator[Cell]:
    """A cell with what it says; a formula with several results is as many cells."""
    results = [*_RESULT.finditer(cell.text)] if key == "size-formula" else []
    for at, each in enumerate(results):
        span = Span(cell.span.start + each.start(1), cell.span.start + each.end(1))
        yield Cell(f"{key}:{at}/{len(results)}", each[1], span, read(each[1]))
    if not results:
        yield cell._replace(key=key, given=read(cell.text))


def _is_value(key: str, given: Given) -> bool:
    """Whether what is given says something of a column: words do in some only."""
    return given.kind in ("sizes", "number") or (given.kind == "word" and key in _WORDED)


def _is_total(text: str, named: Label, cells: list[Cell]) -> bool:
    """Whether a row with a title is that of the sums; `Sum` may also be a layer that adds."""
    if re.search(r"\d", text) or not pattern("total").fullmatch(compact(text)):
        return False
    others = [each.given for each in cells if each.key in COLUMNS and not COLUMNS[each.key].summed]
    return not named.kinds or not any(given is None or given.kind for given in others)


def _unmarked(words: str) -> str:
    """A heading without what numbers and marks it."""
    return re.sub(r"^[\W\d_]*(?=[^\W\d_])", "", words).strip("*_: ")


def _named(words: str) -> Label:
    """The layer that a line names, where that is all that it says: `1.1 Convolution Layer1`."""
    plain = _unmarked(words)
    if len(plain) > LONGEST_NAME or column(plain) not in ("", "pooling", *_LABELS):
        return Label()
    bare = re.sub(f"(?i){synonyms()['layer']}", " ", plain)
    parts = re.findall(r"[A-Za-z]+(?:[123][dD])?|[가-힣]+", bare)
    rest = compact(plain)
    for name in sorted([*map(" ".join, pairwise(parts)), *parts], key=len, reverse=True):
        rest = rest.replace(compact(name), "", 1) if kinds_of(name) else rest
    return label(plain) if pattern("filler").fullmatch(rest) else Label()


def _statements(line: str, start: int) -> Iterator[tuple[str, Cell]]:
    """What a line of a list says: of whom, and the value with its place."""

    def cell(key: str, given: Given) -> Cell:
        at = start + given.at
        return Cell(key, given.text, Span(at, at + len(given.text)), given._replace(at=0))

    pieces = [at.end() for at in _COMMA.finditer(line) if _begins(line, at.end())]
    if pieces and _begins(line, 0):
        for at, end in pairwise([0, *pieces, len(line)]):
            yield from _statements(line[at:end].rstrip(" ,;|·"), start + at)
        return
    sign, begin = _SIGN.search(line), 0
    of = _phrase(line[: sign.start()]) if sign else None
    if sign and of and (given := read(line, sign.end())):
        if _is_value(of[1], given):
            yield of[0], cell(of[1], given)
        return
    for end, after in [
        *(match.span() for match in pattern("clause").finditer(line)),
        (len(line), 0),
    ]:
        for place in re.finditer(r"[(\[]|(?<![\w.])\d|(?<=[가-힣])\d", line[begin:end]):
            at = begin + place.start()
            of, given = _phrase(line[begin:at]), read(line[:end], at)
            if of and given and given.kind in ("sizes", "number"):
                yield of[0], cell(of[1], given)
                break
        begin = after


def _owner(line: str) -> tuple[str, int]:
    """The layer that a line names before a colon or a dash, and where its words on it begin."""
    for sign in _OWNER.finditer(line[:LONGEST_NAME]):
        if _named(line[: sign.start()]).kinds:
            return line[: sign.start()], sign.end()
    return "", 0


def _begins(line: str, at: int) -> bool:
    """Whether a statement begins at a place: the name of a column, and a value after it."""
    match = re.match(r"\s*([^\d:：=()\[\],;+/]{1,60})\s*(?:[:：=(\[]|\d)", line[at : at + 80])
    return bool(match and column(match[1].strip(_MARKS)) not in ("", *_LABELS, "note"))


def _phrase(words: str) -> tuple[str, str] | None:
    """Of whom a phrase speaks, empty for the layer at hand, and of what; None for no such."""
    if len(words) > 100:
        return None
    words = pattern("particle").sub("", words.strip(_MARKS))
    parts = words.split()
    for at in range(len(parts)):
        words_of, owner = " ".join(parts[at:]), " ".join(parts[:at])
        key = "" if re.search(r"\d", words_of) else column(words_of)  # `conv2 kernel` names conv2
        if key and key not in (*_LABELS, "note"):
            if whole := pattern("whole").search(words):
                return whole[0], key
            if pattern("filler").fullmatch(compact(_unmarked(owner))):
                return None if re.search(r"\d", owner) else ("", key)
            owner = pattern("particle").sub("", owner)
            return (owner, key) if _named(owner).kinds else None
    return None


_MARKS = " \t*_`"
