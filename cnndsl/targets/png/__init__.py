"""The figure of the target `svg` as a PNG, for sites and slides that take no SVG."""

from __future__ import annotations

from typing import Any

from cnndsl.contract import Option, checked_values
from cnndsl.figures.printed import printed, refuse_large
from cnndsl.network import Network
from cnndsl.targets import load

_SVG: Any = load("svg")

SUFFIX = ".png"
frames = _SVG.frames
SCALE = Option("scale", "pixels to a pixel of the figure's width: 2 unless said", "natural", "N")
OPTIONS = (*_SVG.OPTIONS, SCALE)


def generate(network: Network, *, scale: int = 2, **options: Any) -> bytes:
    """The file's bytes; the options but `scale` are those of `svg`, the theme is `light` unless
    said.

    Raises OptionError for a picture with too many pixels, and Unavailable without Typst.
    """
    checked_values((SCALE,), {"scale": scale})
    settings = _SVG.settings_of({"theme": "light", **options})
    figure = _SVG.figure_of(network, settings)
    refuse_large(figure.picture.width, figure.picture.height, scale)
    svg = _SVG.written(figure, settings)
    return printed(svg, figure.title, figure.description, "png", scale)
