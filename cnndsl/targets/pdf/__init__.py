"""The figure of the target `svg` as a PDF of one page, for papers; its text can be selected."""

from __future__ import annotations

from typing import Any

from cnndsl.network import Network
from cnndsl.targets import load

_PNG: Any = load("png")

SUFFIX = ".pdf"
OPTIONS = tuple(option for option in _PNG.OPTIONS if option != _PNG.SCALE)
frames = _PNG.frames


def generate(network: Network, **options: Any) -> bytes:
    """The file's bytes, as `png` makes them; raises Unavailable without Typst."""
    made: bytes = _PNG.printed(network, options, "pdf", 1)
    return made
