"""A hook of the site: formulas as MathML, which browsers set without a script."""

from __future__ import annotations

import html
import re
from typing import Any

from latex2mathml.converter import convert

_FORMULA = re.compile(
    r'<(?P<tag>span|div) class="arithmatex">\\[(\[](?P<tex>.*?)\\[)\]]</(?P=tag)>', re.DOTALL
)
"""What pymdownx.arithmatex makes of a formula between dollars."""


def on_page_content(content: str, **_: Any) -> str:
    """The page with its formulas set."""
    return _FORMULA.sub(_mathml, content)


def _mathml(found: re.Match[str]) -> str:
    display = "inline" if found["tag"] == "span" else "block"
    return convert(html.unescape(found["tex"]).strip(), display=display)
