"""The figure of the target `svg` as a PNG, for sites and slides that take no SVG.

Typst sets it, and the target `pdf`: a library with all that it needs in its wheel, which writes the
same bytes for the same figure where the same fonts are installed.
"""

from __future__ import annotations

from typing import Any, Literal

from cnndsl.contract import Option, OptionError, Unavailable, checked_values
from cnndsl.diagnostics.message import Message
from cnndsl.network import Network
from cnndsl.targets import load

_SVG: Any = load("svg")

SUFFIX = ".png"
SCALE = Option("scale", "pixels to a pixel of the figure's width: 2 unless said", "natural", "N")
OPTIONS = (*_SVG.OPTIONS, SCALE)
frames = _SVG.frames

MOST_PIXELS = 50_000_000
"""The largest PNG: four bytes of memory for each."""

_PIXELS_PER_INCH = 96
"""Those of CSS, in which the sizes of an SVG are told."""

_PAGE = b"""\
#set document(title: sys.inputs.title, date: none)
#set page(width: auto, height: auto, margin: 0pt, fill: none)
#image(bytes(sys.inputs.svg), format: "svg", alt: sys.inputs.alt)
"""


def generate(network: Network, *, scale: int = 2, **options: Any) -> bytes:
    """The file's bytes; the options but `scale` are those of `svg`, the theme is `light` unless
    said.

    Raises OptionError for a picture with too many pixels or to be animated, and Unavailable
    without Typst.
    """
    checked_values((SCALE,), {"scale": scale})
    return printed(network, options, "png", scale)


def printed(
    network: Network, options: dict[str, Any], format: Literal["png", "pdf"], scale: int
) -> bytes:
    """A figure as `png` or `pdf`, `scale` pixels of a PNG to one of its own."""
    settings = _SVG.settings_of({"theme": "light", **options})
    if settings.animate:
        message = Message(
            "a {form} stands still: take SVG, or `--frames FOLDER` without `animate`",
            form=format.upper(),
        )
        raise OptionError(message, "animate")
    figure = _SVG.figure_of(network, settings)
    count = round(figure.picture.width * scale) * round(figure.picture.height * scale)
    if format == "png" and count > MOST_PIXELS:
        message = Message(
            "the picture would have {count:,} pixels, over {most:,}; give a smaller scale",
            count=count,
            most=MOST_PIXELS,
        )
        raise OptionError(message)
    try:
        import typst
    except ModuleNotFoundError:
        raise Unavailable("Typst", "figures") from None
    svg = _SVG.render(*figure, settings.theme)
    inputs = {"svg": svg, "title": figure.title, "alt": figure.description}
    ppi = float(_PIXELS_PER_INCH * scale)
    page: bytes = typst.compile(_PAGE, format=format, ppi=ppi, sys_inputs=inputs)
    return page
