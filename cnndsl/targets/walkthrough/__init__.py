"""The network worked out step by step, as a post in Markdown.

A section a layer, a convolution together with its pool: what goes in, the formulas with their
letters and their numbers, what comes out, the parameters with weights and biases apart; then the
sums. A block is explained once for all calls of it on the same shapes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from cnndsl.codegen.write_module import templates
from cnndsl.contract import DEPTH, LANG, TERMS, Option, checked_values, words_asked
from cnndsl.diagnostics import Diagnostic
from cnndsl.diagnostics.markdown import code
from cnndsl.network import Network, Node
from cnndsl.network.attempt import Attempt
from cnndsl.tables import markdown_table
from cnndsl.tables.html_text import text
from cnndsl.tables.quiz import OPTIONS as QUIZ
from cnndsl.tables.rows import shared_with, sources_of
from cnndsl.tables.styles import PARAMS, make
from cnndsl.tables.symbols import SIZES, lettered
from cnndsl.targets.walkthrough.failing import failure, misfit, report, where
from cnndsl.targets.walkthrough.prose import Prose
from cnndsl.targets.walkthrough.slides import Slide, drawn, failing, slides_of
from cnndsl.targets.walkthrough.units import BlockCall, Cutter, Part, Unit, follows, runs

SUFFIX = ".md"
MATH = Option(
    "math",
    "formulas between dollars (latex, unless said), or as text",
    "word",
    "M",
    ("latex", "plain"),
)
LEVEL = Option("level", "the level of the first heading, for a text in a document", "natural", "N")
FORM = Option(
    "form",
    "a post (unless said), slides in Markdown, or html, slides as a page",
    "word",
    "F",
    ("post", "slides", "html"),
)
OPTIONS = (FORM, LANG, TERMS, MATH, PARAMS, SIZES, DEPTH, LEVEL, *QUIZ)

_ROWS = 40
"""How many rows the table of sums has at most before it folds blocks."""


class Settings(NamedTuple):
    """What a walkthrough is to be like.

    * `lang`: `en` or `ko`
    * `terms`: `native`, or the `loan` words of Korean
    * `math`: formulas as `latex` between dollars, or `plain`
    * `params`: `all`, or `weights` to leave the biases out
    * `sizes`: `numbers`, or `symbolic` for formulas in the sizes of the input
    * `depth`: how deep calls of blocks are opened; None for all of them
    * `level`: the level of the title's heading, for a walkthrough within a document
    * `form`: a `post`, `slides` in Markdown, or slides as a page in `html`
    * `blank`, `seed`: which numbers are left open, as in tables
    """

    lang: str = "en"
    terms: str = "native"
    math: str = "latex"
    params: str = "all"
    depth: int | None = None
    level: int = 1
    blank: Sequence[str] | None = None
    seed: int | None = None
    form: str = "post"
    sizes: str = "numbers"


def suffix(*, form: str = "post", **options: Any) -> str:
    """The ending of a file in a form."""
    return {"slides": ".slides.md", "html": ".html"}.get(form, SUFFIX)


def generate(network: Network, **options: Any) -> str:
    """The walkthrough of a network; the options are those of `Settings`."""
    settings = _settings(options)
    if settings.form == "post":
        return _Writer(network, settings).text()
    return _drawn(slides_of(_prose(network, settings), settings.depth), settings, network.name)


def explain(attempt: Attempt, diagnostics: list[Diagnostic], **options: Any) -> str:
    """The walkthrough of a net with errors: as far as it goes, and why it goes no further."""
    settings = _settings(options)._replace(sizes="numbers")  # in which it fails
    words = words_asked(settings.lang, settings.terms)
    network = attempt.network
    if settings.form != "post":
        last = failing(attempt, diagnostics, words, settings.blank is not None)
        slides = slides_of(_prose(network, settings), settings.depth, last) if network else [last]
        return _drawn(slides, settings, network.name if network else words["fails.title"])
    if network is None:
        parts = [
            words.say("fails.nowhere"),
            words["fails.checker"],
            report(diagnostics, settings.lang),
        ]
        return "\n\n".join(parts) + "\n"
    return _Writer(network, settings).failing(attempt, diagnostics)


def _prose(network: Network, settings: Settings) -> Prose:
    """What says things of a network as settings have it."""
    words = words_asked(settings.lang, settings.terms)
    notation = "plain" if settings.form == "html" else settings.math
    # The H of a formula is what comes into its layer.
    found = lettered(network, index="0") if settings.sizes == "symbolic" else None
    network = found.network if found else network
    prose = Prose(network, words, notation, settings.params == "weights", found)
    if settings.blank is not None:
        prose.ask(settings.blank, settings.seed)
    return prose


def _drawn(slides: Iterable[Slide], settings: Settings, name: str) -> str:
    page = settings.form == "html"
    find = templates(Path(__file__).parent).get_template
    template = find("slides.html.j2" if page else "slides.md.j2")
    notation = "html" if page else settings.math
    told = {"lang": settings.lang, "level": settings.level, "name": text(name)}
    return drawn(slides, template, notation, **told)


def _settings(options: dict[str, Any]) -> Settings:
    """Raises OptionError for values that the options do not know."""
    checked_values(OPTIONS, options)
    return Settings(**options)


class _Writer:
    """Writes the sections of a walkthrough one after the other."""

    def __init__(self, network: Network, settings: Settings) -> None:
        self.prose = _prose(network, settings)
        self.network = self.prose.network
        self.words, self.weights = self.prose.words, self.prose.weights
        self.kind = "weights" if self.weights else "parameters"  # that are counted
        self.depth = settings.depth
        self.top = settings.level
        self.told: dict[int, str] = {}  # the name of a unit that has been explained, by its sign
        self.parts: list[str] = []
        self.previous = network.inputs[0]

    def text(self) -> str:
        self._begun(self._intro())
        self._totals()
        return self._ended()

    def _begun(self, intro: str) -> tuple[Unit, ...]:
        """Write the title, an introduction and all units, which it returns."""
        self._title_line(self.words.say("walk.title", net=code(self.network.name)), 0)
        self.parts.append(intro)
        units = Cutter(self.network).cut()
        self._units(units, (), 1)
        return units

    def _ended(self) -> str:
        """All that was written, the legend behind the introduction."""
        return "\n\n".join([*self.parts[:2], *self._legend(), *self.parts[2:]]) + "\n"

    def failing(self, attempt: Attempt, diagnostics: list[Diagnostic]) -> str:
        """The walkthrough as far as it goes, and why it goes no further."""
        errors = sum(each.severity == "error" for each in diagnostics)
        count = self.words.count(errors, "errors")
        net = code(self.network.name)
        units = self._begun(self.words.say("fails.intro", net=net, count=count))
        self._title_line(f"{len(runs(units)) + 1}. {self.words['fails.title']}", 1)
        at = attempt.node or (attempt.misfit and attempt.misfit.statement)
        if self.prose.quiz.open:  # the numbers at fault would give away those before
            if attempt.problem is not None and at is not None:
                self.parts.append(where(attempt.problem, at.span, self.prose))
            return self._ended()
        told: list[str] = []
        if attempt.problem is not None and attempt.node is not None:
            told = failure(attempt.node, attempt.problem, self.prose)
        elif attempt.problem is not None and attempt.misfit is not None:
            told = misfit(attempt.misfit, attempt.problem, self.prose)
        self.parts += told
        if told and errors > 1:
            count = self.words.count(errors - 1, "errors")
            self.parts.append(self.words.say("fails.more", count=count))
        self.parts += [self.words["fails.checker"], report(diagnostics, self.words.lang)]
        return self._ended()

    def _intro(self) -> str:
        shapes = {name: self.prose.shape(at) for name, at in self.network.outputs.items()}
        named = (self.words.say("output.named", shape=shapes[n], name=code(n)) for n in shapes)
        outputs = named if len(shapes) > 1 else shapes.values()
        text = self.words.say(
            "walk.intro",
            net=code(self.network.name),
            inputs=", ".join(map(self.prose.shape, self.network.inputs)),
            outputs=", ".join(outputs),
            layers=self.words.count(len(self.network.layers), "layers"),
            count=self._counted(self.kind),
        )
        told = [text, *([self.words["walk.weights-only"]] if self.weights else [])]
        return " ".join([*told, *self.prose.holding])

    def _legend(self) -> list[str]:
        """What the letters of the formulas stand for."""
        lines = [f"- {self.prose.inline(letter)}: {said}" for letter, said in self.prose.legend()]
        return [self.words["walk.legend"], "\n".join(lines)] if lines else []

    def _units(self, units: Sequence[Unit], number: tuple[int, ...], level: int) -> None:
        for count, run in enumerate(runs(units), 1):
            here = (*number, count)
            if isinstance(run[0], BlockCall):
                self._call(run[0], here, level)
            else:
                self._part(run[0], here)
            if len(run) > 1:
                self._again(run)
            self.previous = run[-1].nodes[-1].index

    def _heading(self, number: tuple[int, ...], title: str) -> None:
        dots = ".".join(map(str, number)) + ("." if len(number) == 1 else "")
        self._title_line(f"{dots} {title}", len(number))

    def _title_line(self, title: str, below: int) -> None:
        """A heading so many levels below the title; Markdown has six levels."""
        level = self.top + below
        self.parts.append(f"{'#' * level} {title}" if level <= 6 else f"**{title}**")

    def _part(self, part: Part, number: tuple[int, ...]) -> None:
        head, *others = part.nodes
        big = [head, *(node for node in others if node.layer.sizes())]
        titles = [self.prose.title(node) for node in big]
        title = titles[0]
        if len(big) > 1:
            second = titles[1][:1].lower() + titles[1][1:]
            title = self.words.say("walk.pair", first=titles[0], second=second)
        self._heading(number, title)
        self._training(part, number)
        if part.sign in self.told and not follows(head.layer):
            self._before(part)
            return
        self.told[part.sign] = self.prose.title(head, named=True)
        place = 0
        for node in part.nodes:
            if node is head and follows(node.layer):
                self.parts += self.prose.brief(node, previous=self.previous)
            elif node in big:
                place += 1
                if len(big) > 1:
                    self._heading((*number, place), self.prose.title(node))
                self.parts += self.prose.layer(node, previous=self.previous)
            else:
                self.parts += self.prose.brief(node, self.prose.title(node), previous=self.previous)
            self.previous = node.index

    def _call(self, call: BlockCall, number: tuple[int, ...], level: int) -> None:
        name = code(".".join(call.path))
        self._heading(number, self.words["block"].format(name=name))
        self._training(call, number)
        if call.sign in self.told:
            self._before(call)
            return
        self.told[call.sign] = name
        layers = self.words.count(len(call.nodes), "layers")
        self._say("walk.block", call, block=name, layers=layers)
        if self.depth is None or level < self.depth:
            self._units(call.units, number, level + 1)

    def _before(self, unit: Unit) -> None:
        """A unit that has been explained elsewhere."""
        self._say("walk.before", unit, name=self.told[unit.sign])
        depth = len(unit.path) if isinstance(unit, BlockCall) else len(unit.nodes[0].instance) + 1
        shared = shared_with(self.network.nodes, unit.nodes, depth)
        if shared:
            self.parts.append(self.prose.shared(self.words.listed([*map(code, shared)])))

    def _training(self, unit: Unit, number: tuple[int, ...]) -> None:
        """Say of a section of its own that it is part of a head for training."""
        if len(number) == 1 and unit.nodes[0].training_only:
            self.parts.append(self.words["walk.training"])

    def _say(self, key: str, unit: Unit, **told: str) -> None:
        """A sentence about a unit: the shapes that it reads from outside and gives, its count."""
        inputs = ", ".join(map(self.prose.shape, sources_of(unit.nodes)))
        output, count = self.prose.shape(unit.nodes[-1].index), self._count(unit.nodes)
        self.parts.append(self.words.say(key, inputs=inputs, output=output, count=count, **told))

    def _again(self, run: list[Unit]) -> None:
        """Units that repeat the one before them."""
        names = [
            (
                code(".".join(unit.path))
                if isinstance(unit, BlockCall)
                else self.prose.title(unit.nodes[0], named=True)
            )
            for unit in run[1:]
        ]
        folded = ", ".join([*names[:2], "…", names[-1]])
        self.parts.append(
            self.words.say_of(
                len(names),
                "walk.again",
                names=folded if len(names) > 3 else self.words.listed(names),
                times=self.words.count(len(run), "times"),
                count=self._count(run[0].nodes),
            )
        )

    def _count(self, nodes: Sequence[Node]) -> str:
        count = sum(node.params - self.weights * node.biases for node in nodes)
        return self.prose.count(count, self.kind, nodes)

    def _counted(self, kind: str) -> str:
        """The sum of the parameters, the weights or the biases."""
        totals = self.network.totals
        biases = totals.params - totals.weights
        counts = {"parameters": totals.params, "weights": totals.weights, "biases": biases}
        return self.prose.count(counts[kind], kind, self.network.layers)

    def _totals(self) -> None:
        self._title_line(self.words["walk.totals"], 1)
        depth = self.depth
        if depth is None and len(self.network.layers) > _ROWS:
            depth = 1
        counts = ["weights"] if self.weights else ["weights", "biases", "parameters"]
        table = make(
            self.network,
            columns=["layer", "input-shape", "output-shape", *counts],
            lang=self.words.lang,
            terms=self.words.terms,
            depth=depth,
            quiz=self.prose.quiz,
        )
        self.parts.append("\n".join(markdown_table.draw(table)))
        parts = {kind: self._counted(kind) for kind in ("weights", "biases")}
        key = "walk.sum" if self.weights else "walk.sum.apart"
        said = self.words.say(key, count=self._counted(self.kind), **parts)
        if any(node.layer.others for node in self.network.nodes):
            said += f" {self.words['weights.counted']}."
        self.parts.append(said)
        if not self.weights:
            self.parts += map(markdown_table.sentence, table.notes)
