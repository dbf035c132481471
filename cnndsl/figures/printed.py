"""A figure as a PNG or a PDF, for places that take no SVG.

Typst sets it: a library with all that it needs in its wheel, which writes the same bytes for the
same figure where the same fonts are installed.
"""

from __future__ import annotations

from typing import Literal

from cnndsl.contract import OptionError, Unavailable
from cnndsl.diagnostics.message import Message

MOST_PIXELS = 50_000_000
"""The largest PNG: four bytes of memory for each."""

_PIXELS_PER_INCH = 96
"""Those of CSS, in which the sizes of an SVG are told."""

_PAGE = b"""\
#set document(title: sys.inputs.title, date: none)
#set page(width: auto, height: auto, margin: 0pt, fill: none)
#image(bytes(sys.inputs.svg), format: "svg", alt: sys.inputs.alt)
"""


def printed(svg: str, title: str, alt: str, format: Literal["png", "pdf"], scale: int = 1) -> bytes:
    """The page that an SVG is, `scale` pixels of a PNG to one of its own.

    Raises Unavailable without Typst.
    """
    try:
        import typst
    except ModuleNotFoundError:
        raise Unavailable("Typst", "figures") from None
    inputs = {"svg": svg, "title": title, "alt": alt}
    ppi = float(_PIXELS_PER_INCH * scale)
    page: bytes = typst.compile(_PAGE, format=format, ppi=ppi, sys_inputs=inputs)
    return page


def refuse_large(width: float, height: float, scale: int) -> None:
    """Raises OptionError for a PNG that would have too many pixels."""
    count = round(width * scale) * round(height * scale)
    if count > MOST_PIXELS:
        message = Message(
            "the picture would have {count:,} pixels, over {most:,}; give a smaller scale",
            count=count,
            most=MOST_PIXELS,
        )
        raise OptionError(message)
