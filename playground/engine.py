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
from itertools import islice
from pathlib import Path
from typing import Any

from markdown_it import MarkdownIt

from cnndsl import analyse, api, targets
from cnndsl.analysis import Analysis
from cnndsl.analysis.analysis import SEARCHED
from cnndsl.analysis.hover import about
from cnndsl.contract import OptionError, Unavailable, keyword
from cnndsl.diagnostics.message import said
from cnndsl.network import Network
from cnndsl.tables.rows import rows
from cnndsl.tables.styles import STYLES

Json = dict[str, Any]

LONGEST = 200_000
"""How many characters a text may have: with more of them each key takes too long."""
MOST_ROWS = 1000
"""How many rows of a table are drawn; where there are more, blocks are folded."""
HERE = Path(__file__).parent
SAMPLES = next(each for each in (HERE / "samples", HERE.parent / "samples") if each.is_dir())
WORDS = json.loads((HERE / "words.json").read_text(encoding="utf-8"))
"""The words for people that are the page's own, in each language."""
DRAWN = {"table": "html", "figure": "svg", "walkthrough": "walkthrough"}
"""The panels that are drawn, of a net with errors too, and the target of each."""
LANGUAGES = {".py": "python", ".md": "markdown", ".tex": "latex", ".mmd": "mermaid"}


class Asked:
    """A text as the page has it, and its analysis, from which the next one goes on."""

    last: Analysis | None = None

    def __init__(self, text: str) -> None:
        bare = text.removeprefix("\ufeff")
        self.mark = len(text) - len(bare)
        self.wide = [at for at, each in enumerate(bare) if each > "\uffff"]
        last, Asked.last = Asked.last, None  # from one that fails nothing goes on
        if last is None or last.source.text != bare:
            last = analyse(bare, file="net.cnn", previous=last)
        self.analysis = Asked.last = last

    def unit(self, offset: int) -> int:
        return offset + bisect_left(self.wide, offset) + self.mark

    def offset(self, unit: int) -> int:
        unit -= self.mark
        return unit - bisect_left([at + n for n, at in enumerate(self.wide)], unit)

    def span(self, span: tuple[int, int]) -> Json:
        return {"from": self.unit(span[0]), "to": self.unit(span[1])}


def update(text: str, lang: str) -> Json:
    if too_long := too_long_in(text, lang):
        told = {"code": "", "severity": "info", "from": 0, "to": 0, "message": too_long}
        told |= {"note": "", "fixable": False, "page": None}
        return {"diagnostics": [told], "hints": [], "totals": None, "name": None}
    asked = Asked(text)
    network = asked.analysis.network
    found = []
    for each in asked.analysis.diagnostics:
        message, _, note = each.told(lang).partition("\n")
        fixable = bool(each.fixes) or each.code in SEARCHED
        told = {"code": each.code, "severity": each.severity, **asked.span(each.span)}
        found.append(
            {**told, "message": message, "note": note, "fixable": fixable, "page": each.code}
        )
    hints = [
        {"pos": asked.unit(each.offset), "text": each.text, "assumed": each.assumed}
        for each in asked.analysis.steady_hints(lang)
    ]
    answer = {"diagnostics": found, "hints": hints, "totals": None, "name": None}
    if network is not None:
        params, macs = network.totals.params, network.totals.macs
        totals = {"params": params, "macs": macs, "layers": len(network.layers)}
        answer |= {"totals": totals, "name": network.name}
    return answer


def too_long_in(text: str, lang: str) -> str:
    """What is said of a text that is too long; empty for another."""
    is_long = len(text) > LONGEST
    return WORDS[lang]["long"].format(length=len(text), most=LONGEST) if is_long else ""


def fixes(text: str, lang: str, index: int) -> list[Json]:
    asked = Asked(text)
    return [
        {
            "title": said(fix.title, lang),
            "safe": fix.safe,
            "edits": [{**asked.span(edit.span), "insert": edit.text} for edit in fix.edits],
        }
        for each in asked.analysis.diagnostics[index : index + 1]
        for fix in asked.analysis.fixes(each)
    ]


def panel(text: str, lang: str, panel: str, options: Json) -> Json:
    words, name = WORDS[lang], DRAWN.get(panel, panel)
    if too_long := too_long_in(text, lang):
        return {"errors": [too_long]}
    target: Any = targets.load(name)
    analysis = Asked(text).analysis
    network = analysis.as_far()
    partial = network is not analysis.network
    if network is None or (partial and panel not in DRAWN):
        return {"errors": [words["nothing" if network is None else "wrong"]]}
    if "lang" in map(keyword, target.OPTIONS):
        options = {**options, "lang": lang}
    answer: Json = {"kind": kind(panel), "partial": partial, "rows": [], "assumed": []}
    try:
        if panel == "table":
            depth = next((n for n in (None, 3, 2, 1) if len(analysis.lines(n)) <= MOST_ROWS), 0)
            if depth == 0:
                return {"errors": [words["rows"].format(most=MOST_ROWS)]}
            answer |= table_rows(analysis, network, depth, options.get("style", "article"))
            options = {**options, "fragment": True, "depth": depth}
        if panel == "walkthrough":
            options = {**options, "math": "plain"}
        if panel == "walkthrough" and analysis.problems:
            made = target.explain(analysis.attempt, analysis.problems, **options)
        else:
            made = api.build(network, name, **options)
    except api.CnndslError as error:
        return {"errors": [each.told(lang) for each in error.diagnostics]}
    except OptionError as error:
        return {"errors": [said(error.message, lang)]}
    language = LANGUAGES.get(target.SUFFIX, target.SUFFIX[1:])
    answer |= {"content": html(made) if panel == "walkthrough" else made, "language": language}
    return {**answer, "filename": re.sub(r"\W", "_", network.name) + target.SUFFIX}


def table_rows(analysis: Analysis, network: Network, depth: int | None, style: str) -> Json:
    """The line of each row of a table, and whether an error leaves its sizes open."""
    nodes, shows = iter(network.layers), STYLES[style].shows
    found = []
    for row, lines in zip(rows(network, depth), analysis.lines(depth)):
        assumed = [each.index in analysis.assumed for each in islice(nodes, row.nodes)]
        if shows(row):
            found.append((lines[-1], any(assumed)))
    return {"rows": [line for line, _ in found], "assumed": [assumed for _, assumed in found]}


@cache
def panels(lang: str) -> list[Json]:
    one = api.check("input 1; dense 1")
    found = []
    for name in (*DRAWN, *(each for each in targets.names() if each not in DRAWN.values())):
        target = targets.load(DRAWN.get(name, name))
        if not is_module(name):  # which need nothing that the page does not have
            try:
                if not isinstance(target.generate(one), str):
                    continue
            except Unavailable:
                continue
        found.append({"id": name, "title": word(lang, name, name.title()), "kind": kind(name)})
        found[-1]["options"] = [
            {
                "name": keyword(each),
                "title": word(lang, each.name),
                "choices": [
                    {"value": value, "title": word(lang, f"{each.name}.{value}", value)}
                    for value in each.choices
                ],
            }
            for each in target.OPTIONS
            if each.name in WORDS[lang] and (name in DRAWN or each.name != "view")
        ]
    return found


def word(lang: str, key: str, otherwise: str = "") -> str:
    found: str = WORDS[lang].get(key, otherwise)
    return found


def is_module(panel: str) -> bool:
    """Whether a panel is Python source, which black lays out."""
    return targets.load(DRAWN.get(panel, panel)).SUFFIX == ".py"


def kind(panel: str) -> str:
    return {"walkthrough": "html"}.get(panel, DRAWN.get(panel, "code"))


def hover(text: str, lang: str, pos: int) -> Json | None:
    asked = Asked(text)
    found = asked.analysis.hover(asked.offset(pos), lang=lang)
    return found and {**asked.span(found.span), "html": html(found.markdown)}


def complete(text: str, pos: int, lang: str = "en") -> Json:
    asked = Asked(text)
    found = asked.analysis.complete(asked.offset(pos))
    start = min((asked.unit(each.span.start) for each in found), default=pos)
    items = [
        {"label": each.label, "type": each.kind, "detail": each.detail, "apply": each.insert}
        | {"info": html(about(each.label, lang)) if each.kind in DESCRIBED else ""}
        for each in found
    ]
    return {"from": start, "items": items}


DESCRIBED = ("layer", "merge", "activation")


def imported(source: str, kind: str, lang: str, input: str = "") -> Json:
    from cnndsl.importers.graph import ImportProblems
    from cnndsl.importers.read import KINDS, read_text
    from cnndsl.importers.told import told
    from cnndsl.importers.write import to_text
    from cnndsl.network.values import given_shape

    reader = None if kind == "auto" else kind if kind in KINDS else "python"
    try:
        shapes = [given_shape(input)] if input else []
        graph = read_text(reader, source, "net", shapes, None, None)
        if graph.problems:
            raise ImportProblems(graph.problems)
        text = to_text(graph, False, None).text
    except ImportProblems as error:
        found = told(error.problems, api.Source("source", source))
        return {"errors": [each.told(lang) for each in found]}
    except ValueError as error:
        return {"errors": [said(error.args[0], lang)]}
    return {"text": text, "notes": [said(note, lang) for note in graph.notes]}


def formatted(text: str) -> Json | None:
    try:
        return {"text": api.format(text)}
    except api.CnndslError:
        return None


def explain(code: str, lang: str) -> Json:
    from cnndsl.cli.commands.rule import page

    return {"html": html(page(code, lang))}


@cache
def samples() -> list[Json]:
    found = []
    for path in sorted(SAMPLES.glob("*.cnn")):
        text = path.read_text(encoding="utf-8")
        title = re.split(r" \(|[:,.]\s", text[2:], maxsplit=1)[0]
        found.append({"name": path.stem, "title": title, "text": text})
    return found


@cache
def renderer() -> MarkdownIt:
    return MarkdownIt("commonmark", {"html": False}).enable("table").disable("image")


def html(markdown: str) -> str:
    made: str = renderer().render(markdown)
    return made


QUESTIONS: dict[str, Callable[..., Any]] = {
    "update": update,
    "fixes": fixes,
    "panel": panel,
    "panels": panels,
    "hover": hover,
    "complete": complete,
    "import": imported,
    "format": formatted,
    "explain": explain,
    "samples": samples,
}


def needs(question: str, given: str) -> str:
    """The last of the archives that an answer needs, `library` or `code`; empty for none."""
    if question == "panel" and is_module(json.loads(given)["panel"]):
        return "code"
    return "library" if question in ("import", "explain") else ""


def answer(question: str, given: str) -> str:
    return json.dumps(QUESTIONS[question](**json.loads(given)))
