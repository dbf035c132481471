"""The network as a figure in SVG: its feature maps, its dataflow, its receptive fields.

https://www.w3.org/TR/SVG2/. A view turns a network into a `Picture`, which is data; `picture`
writes it down. The figure is by day or by night as the reader's system is, and its sheet with
it, so that text can be read on any page.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any, NamedTuple, TypeAlias

from cnndsl.contract import LANG, TERMS, Option, OptionError, checked_values, words_asked
from cnndsl.diagnostics import Diagnostic
from cnndsl.diagnostics.message import Message
from cnndsl.figures.boxes import DEPTH, Box, noted, shape_text, titled
from cnndsl.figures.collapse import collapse
from cnndsl.lang import Words
from cnndsl.network import Network
from cnndsl.network.attempt import Attempt
from cnndsl.targets.svg.picture import Picture, render

Draw: TypeAlias = "Callable[..., Picture]"

SUFFIX = ".svg"
THEMES = ("light", "dark")
LABELS = ("below", "edges")
VIEWS = ("volumes", "graph", "receptive", "sliding")
OPTIONS = (
    Option(
        "view",
        "what to draw: volumes (feature maps as boxes, unless said),\n"
        "graph (the dataflow), receptive (the receptive fields) or\n"
        "sliding (a layer's window on numbers)",
        "word",
        "VIEW",
        VIEWS,
    ),
    DEPTH,
    LANG,
    TERMS,
    Option("width", "how wide the figure may be in pixels: 720 unless said", "natural", "W"),
    Option("theme", "light or dark: the reader's unless said; PNG, PDF light", "word", "T", THEMES),
    Option("labels", "sizes in volumes: below (unless said) or edges", "word", "WHERE", LABELS),
    Option("fold", "draw what repeats once, with how many times, in volumes and\nreceptive"),
    Option("layer", "the layer of sliding: the first with a window unless said", "word", "NAME"),
    Option("frame", "draw one window alone in sliding: 1 is the first", "natural", "N"),
    Option("animate", "let the window slide, in sliding, where motion is wanted"),
)
OF_VIEWS = {
    "volumes": ("labels", "fold"),
    "receptive": ("fold",),
    "sliding": ("layer", "frame", "animate"),
}
"""The options that views have alone."""

NARROWEST, WIDEST = 240, 4000

_MOST_TOLD = 60
"""How many boxes the description tells of."""


class Settings(NamedTuple):
    """What a figure is to be like: the values of `OPTIONS`; None is for what goes unsaid."""

    view: str = "volumes"
    depth: int | None = None
    lang: str = "en"
    terms: str = "native"
    width: int = 720
    theme: str | None = None
    labels: str = "below"
    fold: bool = False
    layer: str | None = None
    frame: int | None = None
    animate: bool = False


class Figure(NamedTuple):
    """A picture with its title, and what it shows for those who do not see it."""

    picture: Picture
    title: str
    description: str


def generate(network: Network, **options: Any) -> str:
    """The figure of a network; the options are those of `Settings`.

    Raises OptionError for other values, and for a depth at which the figure would have too
    many boxes to be read.
    """
    settings = settings_of(options)
    return render(*figure_of(network, settings), settings.theme or "")


def frames(network: Network, **options: Any) -> int:
    """How many frames a figure has, as the option `frame` counts them.

    Raises OptionError as `generate` does, for a view that has none, and for `frame` itself.
    """
    from cnndsl.targets.svg.sliding import Frames

    settings = settings_of({key: options[key] for key in options if key in Settings._fields})
    if settings.view != "sliding":
        raise OptionError(Message("the view {view} has no frames; sliding has", view=settings.view))
    if settings.frame is not None:
        about = {"one": "frames", "other": "frame"}
        raise OptionError(Message("`{one}` and `{other}` contradict each other", **about))
    words = words_asked(settings.lang, settings.terms)
    return len(Frames(network, settings.layer, settings.width, words).made)


def explain(attempt: Attempt, diagnostics: list[Diagnostic], **options: Any) -> str:
    """The figure of a net with errors: all that there is of it, and below it what is wrong.

    Where a window would slide over what is in doubt there is the graph instead.
    """
    from cnndsl.figures.sliding import has_windows
    from cnndsl.targets.svg.failing import boxes_of, lines_of, reported

    settings, network, assumed = settings_of(options), attempt.reached, bool(attempt.assumed)
    words = words_asked(settings.lang, settings.terms)
    lines = lines_of(diagnostics, words)
    title = words["fails.nowhere"]
    figure = Figure(Picture(0, 0, ()), title, title)
    if network is not None:
        if settings.view == "sliding":
            sound = attempt.network.nodes if attempt.network else ()
            known = (node for node in sound if has_windows(node.layer))
            assumed = not any(settings.layer in (None, each.name, each.alias) for each in known)
            settings = settings._replace(view="graph") if assumed else settings
        figure = figure_of(network, settings, boxes_of(attempt, words))
    picture = reported(figure.picture, lines, assumed, settings.width, words)
    told = " ".join((figure.description, *lines))
    return render(picture, figure.title, told, settings.theme or "")


def settings_of(options: Mapping[str, Any]) -> Settings:
    """Raises OptionError for values that the options do not know."""
    checked_values(OPTIONS, options)
    settings = Settings(**options)
    for name, value in options.items():
        views = [view for view, names in OF_VIEWS.items() if name in names]
        if value and views and settings.view not in views:
            about = {"option": name, "view": ", ".join(views)}
            raise OptionError(Message("{option} is an option of the view {view}", **about), name)
    if not NARROWEST <= settings.width <= WIDEST:
        message = Message(
            "width must be from {low} to {high:,}, not {width}",
            low=NARROWEST,
            high=WIDEST,
            width=settings.width,
        )
        raise OptionError(message)
    return settings


def figure_of(network: Network, settings: Settings, boxes: tuple[Box, ...] | None = None) -> Figure:
    """The figure of a network, or of these boxes of it."""
    words = words_asked(settings.lang, settings.terms)
    draw: Draw = import_module(f"{__name__}.{settings.view}").draw
    boxes = collapse(network, words) if boxes is None else boxes
    further = {name: getattr(settings, name) for name in OF_VIEWS.get(settings.view, ())}
    picture = draw(network, boxes, settings.depth, float(settings.width), words, **further)
    title = words[f"figure.{settings.view}"].format(net=network.name)
    return Figure(picture, title, picture.told or describe(network, boxes, words))


def describe(network: Network, boxes: tuple[Box, ...], words: Words) -> str:
    """What the figure shows, for those who do not see it: every box of the file in its order."""

    def told(box: Box) -> str:
        parts = [words["figure.input"]] if box.kind == "input" else list(box.parts)
        if not parts:  # a loop
            parts = [told(each) for each in box.inner]
        name = " · ".join(titled(parts, box.times))
        notes = noted(box, words) + [words["figure.unsure"]] * ("assumed" in box.marks)
        name += f" ({', '.join(notes)})" if notes else ""
        return words["figure.step"].format(layer=name, shape=shape_text(network, box.last))

    steps = [told(box) for box in boxes[:_MOST_TOLD]]
    if len(boxes) > _MOST_TOLD:
        steps.append(words["figure.more"].format(number=f"{len(boxes) - _MOST_TOLD:,}"))
    return "; ".join(steps) + "."
