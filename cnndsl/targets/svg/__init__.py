"""The network as a figure in SVG: its feature maps, its dataflow, its receptive fields.

https://www.w3.org/TR/SVG2/. A view turns a network into a `Picture`, which is data; `picture`
writes it down. The figure is by day or by night as the reader's system is, and its sheet with
it, so that text can be read on any page.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import TypeAlias

from cnndsl.contract import LANG, TERMS, Option, OptionError, checked_values, words_asked
from cnndsl.diagnostics.message import Message
from cnndsl.figures.boxes import DEPTH, Box, noted, shape_text, titled
from cnndsl.figures.collapse import collapse
from cnndsl.lang import Words
from cnndsl.network import Network
from cnndsl.targets.svg.picture import Picture

Draw: TypeAlias = "Callable[[Network, tuple[Box, ...], int | None, float, Words], Picture]"

SUFFIX = ".svg"
VIEWS = ("volumes", "graph", "receptive")
OPTIONS = (
    Option(
        "view",
        "what to draw: volumes (feature maps as boxes, unless said),\n"
        "graph (the dataflow) or receptive (the receptive fields)",
        "word",
        "VIEW",
        VIEWS,
    ),
    DEPTH,
    LANG,
    TERMS,
    Option("width", "how wide the figure may be in pixels: 720 unless said", "natural", "W"),
)

NARROWEST, WIDEST = 240, 4000

_MOST_TOLD = 60
"""How many boxes the description tells of."""


def generate(
    network: Network,
    *,
    view: str = "volumes",
    depth: int | None = None,
    lang: str = "en",
    terms: str = "native",
    width: int = 720,
) -> str:
    """The figure of a network.

    * `view`: `volumes`, `graph` or `receptive`
    * `depth`: how deep calls of blocks are opened; else as deep as stays readable
    * `lang`: the language of the words, `en` or `ko`, and `terms` a set of its terms
    * `width`: how wide the figure may be, in pixels

    Raises OptionError for other values, and for a depth at which the figure would have too
    many boxes to be read.
    """
    checked_values(
        OPTIONS, {"view": view, "depth": depth, "lang": lang, "terms": terms, "width": width}
    )
    if not NARROWEST <= width <= WIDEST:
        message = Message(
            "width must be from {low} to {high:,}, not {width}",
            low=NARROWEST,
            high=WIDEST,
            width=width,
        )
        raise OptionError(message)
    words = words_asked(lang, terms)
    draw: Draw = import_module(f"{__name__}.{view}").draw
    from cnndsl.targets.svg.picture import render

    boxes = collapse(network, words)
    picture = draw(network, boxes, depth, float(width), words)
    title = words[f"figure.{view}"].format(net=network.name)
    return render(picture, title, describe(network, boxes, words))


def describe(network: Network, boxes: tuple[Box, ...], words: Words) -> str:
    """What the figure shows, for those who do not see it: every box of the file in its order."""

    def told(box: Box) -> str:
        parts = [words["figure.input"]] if box.kind == "input" else list(box.parts)
        if not parts:  # a loop
            parts = [told(each) for each in box.inner]
        name = " · ".join(titled(parts, box.times))
        name += f" ({', '.join(noted(box, words))})" if box.marks else ""
        return words["figure.step"].format(layer=name, shape=shape_text(network, box.last))

    steps = [told(box) for box in boxes[:_MOST_TOLD]]
    if len(boxes) > _MOST_TOLD:
        steps.append(words["figure.more"].format(number=f"{len(boxes) - _MOST_TOLD:,}"))
    return "; ".join(steps) + "."
