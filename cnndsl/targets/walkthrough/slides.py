"""The walkthrough as slides: the net, each layer with its formulas, the letters and the sums.

Layers of which the same is to be told share a slide. Slides are data: Markdown, for Marp, pandoc
and reveal.js, and a page in HTML draw the same ones.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple, TypeAlias

from cnndsl.diagnostics import Diagnostic, Source, Span
from cnndsl.diagnostics.message import said
from cnndsl.lang import Words
from cnndsl.layers.source import call_of
from cnndsl.network.attempt import Attempt
from cnndsl.tables.cells import Cell, Text, Verbatim
from cnndsl.tables.columns import COLUMNS, title
from cnndsl.tables.faults import in_short
from cnndsl.tables.formulas import is_trivial
from cnndsl.tables.html_text import cell_html, text
from cnndsl.tables.markdown_table import cell_text
from cnndsl.tables.rows import Row, rows
from cnndsl.tables.styles import fill, make
from cnndsl.targets.walkthrough.prose import Prose, inline

_MOST = 8
"""How many items fit on a slide; more are dealt out to several."""

_ERRORS = 3
"""How many errors are told on a slide."""


class Formula(NamedTuple):
    """Mathematics, in the notation of the slides."""

    text: str


Part: TypeAlias = "Cell | Formula"
Line: TypeAlias = Sequence[Part]


class Slide(NamedTuple):
    """A heading, a line below it, and a list."""

    title: Line
    said: Line
    items: Sequence[Line]


def slides_of(prose: Prose, depth: int | None, last: Slide | None = None) -> Iterator[Slide]:
    """The slides of a network, whose layers are as rows of tables are; the `last` of one that
    fails, which has no sums."""
    network, words = prose.network, prose.words
    columns = ["weights"] if prose.weights else ["weights", "biases", "parameters"]
    asked: dict[str, Any] = {"lang": words.lang, "terms": words.terms, "quiz": prose.quiz}
    params = "weights" if prose.weights else "all"
    table = make(network, columns=columns, params=params, **asked)
    holding: Sequence[Line] = [[each] for each in prose.holding]
    yield Slide([Verbatim(network.name)], [] if last else table.caption, holding)
    like: dict[object, list[Row]] = {}
    for row in rows(network, depth, words):
        name = call_of(row.layer) if row.layer else row.kind
        told = row.inputs, row.output, row.params, row.shared, row.frozen, row.training
        like.setdefault((name, told), []).append(row)
    for group in like.values():
        yield _of_layer(group, prose)
    letters: list[Line] = [
        [Formula(each), *_parts(f": {meaning}")] for each, meaning in prose.legend()
    ]
    if letters:
        yield Slide([words["slides.letters"]], [], letters)
    sums: list[Line] = [
        [f"{heading.title}: ", cell] for heading, cell in zip(table.headings, table.sums)
    ]
    yield last or Slide([words["walk.totals"]], [], sums)


def _of_layer(like: Sequence[Row], prose: Prose) -> Slide:
    """The slide of a layer, and of others like it."""
    row, words, quiz, view = like[0], prose.words, prose.quiz, prose.view

    def cell(key: str) -> Line:
        return [f"{title(key, view, '')}: ", quiz.cell(key, row, view)]

    sizes = row.layer.sizes() if row.layer else ()
    formulas = [Formula(prose.size(each, None, row)) for each in sizes if not is_trivial(each)]
    counts = prose.counts(row.layer, row) if row.layer and not row.shared else []
    items: list[Line] = [cell("input-shape"), *([each] for each in formulas), cell("output-shape")]
    items += [[f"{label}: ", Formula(each)] for label, each in counts] or [cell("parameters")]
    if note := row.note(words):
        items.append((note,))
    if len(like) > 1:
        names: list[Part] = [f"{words.count(len(like), 'times')}: ", Verbatim(row.name)]
        for other in like[1:3]:
            names += [", ", Verbatim(other.name)]
        items.append([*names, ", …, ", Verbatim(like[-1].name)] if len(like) > 3 else names)
    heading: Line = [row.title, " ", Verbatim(row.name)] if row.named else [row.title]
    hidden = row.layer is None or quiz.hides("code", row)
    return Slide(heading, [] if hidden else [COLUMNS["code"].value(row, view)], items)


def failing(attempt: Attempt, diagnostics: Sequence[Diagnostic], words: Words, quiz: bool) -> Slide:
    """The slide of what keeps a net from coming out; in a `quiz` just of where that is."""
    problem = attempt.problem or diagnostics[0]
    source, span = problem.source, problem.span
    if attempt.misfit is not None:
        span = attempt.misfit.statement.span
    statement = Verbatim(source.text[span.start : min(span.end, span.start + 80)])
    items: list[Line] = []
    if not quiz:
        worked = in_short(attempt.misfit)
        items = [[Verbatim(worked)]] if worked else []
        for each in diagnostics[:_ERRORS]:
            message = _parts(said(each.message, words.lang))
            where = _line(each.source, each.span)
            if where != _line(source, span):
                message = fill(words["fails.line"], line=[where], code=message)
            items.append(message)
            items += map(_parts, said(each.help or "", words.lang).splitlines())
        more = sum(each.severity == "error" for each in diagnostics[_ERRORS:])
        if more:
            items.append([words.say("slides.more", count=words.count(more, "errors"))])
    told = fill(words["fails.line"], line=[_line(source, span)], code=[statement])
    return Slide([words["fails.title"]], told, items)


def _line(source: Source, span: Span) -> str:
    return f"{source.position(span.start).line:,}"


def _parts(message: str) -> Text:
    """A message with what it has between backticks as code."""
    pieces = message.split("`")
    return [Verbatim(each) if at % 2 else each for at, each in enumerate(pieces)]


def paged(slides: Iterable[Slide]) -> Iterator[Slide]:
    """Slides that each have room for their items."""
    for slide in slides:
        pages = max(1, -(-len(slide.items) // _MOST))
        size = -(-len(slide.items) // pages)
        yield slide._replace(items=slide.items[:size])
        for page in range(1, pages):
            items = slide.items[page * size : (page + 1) * size]
            yield Slide([*slide.title, f" ({page + 1})"], [], items)


def drawn(slides: Iterable[Slide], template: Any, notation: str, **others: object) -> str:
    """Slides in a Jinja template: in `html`, or in Markdown with formulas in a notation.

    In Markdown no text begins a line, and so none ends a slide.
    """

    def part(each: Part) -> str:
        if not isinstance(each, Formula):
            return cell_html(each) if notation == "html" else cell_text(each)
        if notation == "html":
            return f'<span class="formula">{text(each.text)}</span>'
        return inline(each.text, notation)

    def line(parts: Line) -> str:
        return "".join(map(part, parts))

    told = [
        (line(slide.title), line(slide.said), [line(item) for item in slide.items])
        for slide in paged(slides)
    ]
    return str(template.render(slides=told, **others))
