"""What the page asks of cnndsl: a question with its arguments in, an answer out, both JSON.

It runs in the page's worker, and in any Python for the tests. Offsets that come and go count
units of UTF-16, as JavaScript does.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_left
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from markdown_it import MarkdownIt

from cnndsl import analyse, api, targets
from cnndsl.analysis import Analysis
from cnndsl.analysis.analysis import SEARCHED
from cnndsl.analysis.hover import DESCRIBED, about
from cnndsl.contract import Option, OptionError, Unavailable, keyword
from cnndsl.diagnostics import Diagnostic, Source
from cnndsl.diagnostics.message import NOTHING, Message, said
from cnndsl.network import Network
from cnndsl.tables.rows import rows
from cnndsl.tables.styles import STYLES

Json = dict[str, Any]

LONGEST = 200_000
"""How many characters a text may have: with more of them each key takes too long."""
MOST_LAYERS = 20_000
"""How many layers a net may have, its loops and blocks written out."""
MOST_ROWS = 1000
"""How many rows of a table are drawn; where there are more, blocks are folded."""
HERE = Path(__file__).parent
SAMPLES = next(each for each in (HERE / "samples", HERE.parent / "samples") if each.is_dir())
WORDS: dict[str, dict[str, str]] = json.loads((HERE / "words.json").read_text(encoding="utf-8"))
"""The words for people that are the page's own, in each language."""
SHORT = "short"
COLUMNS = ["layer", "output-shape", "parameters", "multiply-adds", "field", "code"]
"""The style of a table that has room beside the text, and its columns: what is seen first of all
is what a layer makes."""
DRAWN = {"table": "html", "figure": "svg", "walkthrough": "walkthrough"}
"""The panels that are drawn, of a net with errors too, and the target of each."""
KINDS = {"table": "html", "figure": "svg", "walkthrough": "html"}


class Asked:
    """A text as the page has it, and its analysis, from which the next one goes on."""

    last: Analysis | None = None

    def __init__(self, text: str) -> None:
        bare = text.removeprefix("\ufeff")
        self.mark = len(text) - len(bare)
        self.wide = [at for at, each in enumerate(bare) if each > "\uffff"]
        last, Asked.last = Asked.last, None  # from one that fails nothing goes on
        if last is None or last.source.text != bare:
            last = analyse(bare, file="net.cnn", limit=MOST_LAYERS, previous=last)
        self.analysis = Asked.last = last

    def unit(self, offset: int) -> int:
        return offset + bisect_left(self.wide, offset) + self.mark

    def offset(self, unit: int) -> int:
        unit -= self.mark
        return unit - bisect_left([at + before for before, at in enumerate(self.wide)], unit)

    def span(self, span: tuple[int, int]) -> Json:
        return {"from": self.unit(span[0]), "to": self.unit(span[1])}

    def told(self, each: Diagnostic, lang: str) -> Json:
        message, _, note = told_here(each, lang).partition("\n")
        fixable = bool(each.fixes) or each.code in SEARCHED
        kind = {"code": each.code, "severity": each.severity, "fixable": fixable}
        return kind | self.span(each.span) | {"message": message, "note": note}


def told_here(each: Diagnostic, lang: str) -> str:
    """All that a problem says, but for help that only a command line can follow."""
    help_ = str(each.help)
    if size := re.search(r"`--input ([^`]+)`", help_):
        given = WORDS[lang]["input"].format(size=size[1])
        each = each._replace(help=Message("{given}", given=given))
    elif re.search("`(--|cnndsl )", help_):
        each = each._replace(help=NOTHING)
    return each.told(lang)


def update(text: str, lang: str) -> Json:
    asked = Asked(text)
    network, totals = asked.analysis.network, None
    if network is not None:
        params, macs = network.totals.params, network.totals.macs
        totals = {"params": params, "macs": macs, "layers": len(network.layers)}
    hints = [
        {"pos": asked.unit(each.offset), "text": each.text, "assumed": each.assumed}
        for each in asked.analysis.steady_hints(lang)
    ]
    told = [asked.told(each, lang) for each in asked.analysis.diagnostics]
    return {"diagnostics": told, "hints": hints, "totals": totals}


def too_long(question: str, length: int, lang: str) -> Any:
    """What is answered of a text that is too long to be looked at."""
    words = {"message": WORDS[lang]["long"].format(length=length, most=LONGEST), "note": ""}
    told = {"code": "", "severity": "info", "from": 0, "to": 0, "fixable": False}
    nothing: Json = {"fixes": [], "complete": {"from": 0, "items": []}}
    nothing["update"] = {"diagnostics": [told | words], "hints": [], "totals": None}
    nothing["panel"] = nothing["format"] = {"errors": [words["message"]]}
    return nothing.get(question)


def fixes(text: str, lang: str, index: int) -> list[Json]:
    asked = Asked(text)
    return [
        {
            "title": said(fix.title, lang),
            "safe": fix.safe,
            "edits": [asked.span(edit.span) | {"insert": edit.text} for edit in fix.edits],
        }
        for each in asked.analysis.diagnostics[index : index + 1]
        for fix in asked.analysis.fixes(each)
    ]


def panel(text: str, lang: str, panel: str, options: Json) -> Json:
    target = target_of(panel)
    analysis = Asked(text).analysis
    network: Any = analysis.as_far()
    partial = network is not analysis.network
    if network is None:
        return {"errors": [said(each.message, lang) for each in analysis.problems[:1]]}
    if partial and panel not in DRAWN:
        return {"errors": [WORDS[lang]["wrong"]]}
    if "lang" in map(keyword, target.OPTIONS):
        options = options | {"lang": lang}
    if panel == "walkthrough":
        options = options | {"math": "plain"}
    if panel == "table":
        depth = next((n for n in (None, 3, 2, 1) if len(analysis.lines(n)) <= MOST_ROWS), 0)
        if depth == 0:
            return {"errors": [WORDS[lang]["rows"].format(most=MOST_ROWS)]}
        options = {"style": SHORT, **options, "fragment": True, "depth": depth}
        if options["style"] == SHORT:
            options |= {"style": "article", "columns": COLUMNS}
    try:
        if hasattr(target, "explain") and analysis.problems:
            made = target.explain(analysis.attempt, analysis.problems, **options)
        else:
            made = api.build(network, DRAWN.get(panel, panel), **options)
    except api.CnndslError as error:
        return {"errors": [told_here(each, lang) for each in error.diagnostics]}
    except OptionError as error:
        return {"errors": [said(error.message, lang)]}
    answer = {"kind": KINDS.get(panel, "code"), "partial": partial, "rows": []}
    if panel == "table":
        answer |= row_marks(analysis, network, depth, options["style"])
    answer["content"] = html(made) if panel == "walkthrough" else made
    return answer | {"filename": re.sub(r"\W", "_", network.name) + target.SUFFIX}


def row_marks(analysis: Analysis, network: Network, depth: int | None, style: str) -> Json:
    """The lines of each row of a table, and whether an error leaves its sizes open."""
    shows = STYLES[style].shows
    lines, assumed = [], []
    for row, of in zip(rows(network, depth), analysis.lines(depth)):
        if shows(row):
            lines.append(of)
            assumed.append(not analysis.assumed.isdisjoint(row.nodes))
    return {"rows": lines, "assumed": assumed}


@cache
def panels(lang: str) -> list[Json]:
    words = WORDS[lang]
    found = []
    for panel in (*DRAWN, *filter(is_there, sorted({*targets.names()} - {*DRAWN.values()}))):
        options = [each for each in target_of(panel).OPTIONS if each.name in words]
        choices = [
            [
                {"value": v, "title": words.get(f"{each.name}.{v}", v)}
                for v in chosen_from(panel, each)
            ]
            for each in options
        ]
        options = [
            {"name": keyword(each), "title": words[each.name], "choices": those}
            for each, those in zip(options, choices)
        ]
        title = words.get(panel, panel.title())
        found.append(
            {"id": panel, "title": title, "kind": KINDS.get(panel, "code"), "options": options}
        )
    return found


def chosen_from(panel: str, option: Option) -> tuple[str, ...]:
    """What an option of a panel can be; the first is what it is unless said."""
    is_short = panel == "table" and option.name == "style"
    return ((SHORT,) if is_short else ()) + option.choices


def target_of(panel: str) -> Any:
    return targets.load(DRAWN.get(panel, panel))


def is_module(panel: str) -> bool:
    """Whether a panel is Python, which black lays out."""
    return bool(target_of(panel).SUFFIX == ".py")


def is_there(panel: str) -> bool:
    """Whether a panel is a text, and lacks no library; for modules the page has all."""
    try:
        return is_module(panel) or isinstance(api.build("input 1; dense 1", panel), str)
    except Unavailable:
        return False


def hover(text: str, lang: str, pos: int) -> Json | None:
    asked = Asked(text)
    found = asked.analysis.hover(asked.offset(pos), lang=lang)
    return found and asked.span(found.span) | {"html": html(found.markdown)}


def complete(text: str, lang: str, pos: int) -> Json:
    asked = Asked(text)
    found = asked.analysis.complete(asked.offset(pos))
    items = [
        {"label": each.label, "type": each.kind, "detail": each.detail, "apply": each.insert}
        | {"info": described(each.label, lang) if each.kind in DESCRIBED else ""}
        for each in found
    ]
    start = min((asked.unit(each.span.start) for each in found), default=pos)
    return {"from": start, "items": items}


@cache
def described(word: str, lang: str) -> str:
    return html(about(word, lang))


def imported(source: str, kind: str, lang: str, input: str = "") -> Json:
    from cnndsl.importers.graph import ImportProblems
    from cnndsl.importers.read import KINDS, read_text
    from cnndsl.importers.told import told
    from cnndsl.importers.write import to_text
    from cnndsl.network.values import given_shape

    reader = None if kind == "auto" else kind if kind in KINDS else "python"
    try:
        shapes = [given_shape(input)] if input else []
        graph = read_text(reader, source, "", shapes, None, None)
        if graph.problems:
            raise ImportProblems(graph.problems)
        text = to_text(graph, False, None).text
    except ImportProblems as error:
        found = told(error.problems, Source("source", source))
        return {"errors": [told_here(each, lang) for each in found]}
    except ValueError as error:
        return {"errors": [f"{input}: {said(error.args[0], lang)}"]}
    return {"text": text, "notes": [said(note, lang) for note in graph.notes]}


def formatted(text: str, lang: str) -> Json:
    try:
        return {"text": api.format(text)}
    except api.CnndslError:
        return {"errors": [WORDS[lang]["unreadable"]]}


def explain(code: str, lang: str) -> Json:
    from cnndsl.cli.commands.rule import page

    return {"html": html(page(code, lang))}


@cache
def samples() -> list[Json]:
    """The nets to start from: those of no paper, then those of papers by their years."""
    found = []
    for path in sorted(SAMPLES.glob("*.cnn")):
        text = path.read_text(encoding="utf-8")
        title = re.split(r" \(|[:,.]\s", text[2:], maxsplit=1)[0]
        year = re.search(r"^#.*\b((?:19|20)\d\d)\b", text, re.MULTILINE)
        of = {"name": path.stem, "title": title, "year": int(year[1]) if year else 0}
        found.append({**of, "text": text})
    return sorted(found, key=lambda each: each["year"])


def html(markdown: str) -> str:
    made: str = MarkdownIt("commonmark", {"html": False}).enable("table").render(markdown)
    return made


ASKED = (update, fixes, panel, panels, hover, complete, explain, samples)
QUESTIONS: dict[str, Callable[..., Any]] = {each.__name__: each for each in ASKED}
QUESTIONS |= {"import": imported, "format": formatted}


def needs(question: str, given: str) -> str:
    """The last of the archives that an answer needs, `library` or `code`; empty for none."""
    if question == "panel":
        return "code" if is_module(json.loads(given)["panel"]) else ""
    return "library" if question in ("import", "explain") else ""


def answer(question: str, given: str) -> str:
    asked = json.loads(given)
    length = len(asked.get("text", ""))
    if length > LONGEST:
        return json.dumps(too_long(question, length, asked.get("lang", "en")))
    return json.dumps(QUESTIONS[question](**asked))
