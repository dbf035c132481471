"""The figure of the target `svg` as a PDF of one page, for papers; its text can be selected."""

from __future__ import annotations

from typing import Any

from cnndsl.figures.printed import printed
from cnndsl.network import Network
from cnndsl.targets import load

_SVG: Any = load("svg")

SUFFIX = ".pdf"
frames = _SVG.frames
OPTIONS = _SVG.OPTIONS


def generate(network: Network, **options: Any) -> bytes:
    """The file's bytes; the options are those of `svg`, the theme is `light` unless said.

    Raises Unavailable without Typst.
    """
    settings = _SVG.settings_of({"theme": "light", **options})
    figure = _SVG.figure_of(network, settings)
    svg = _SVG.written(figure, settings)
    return printed(svg, figure.title, figure.description, "pdf")
