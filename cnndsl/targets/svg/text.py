"""How wide a text will be, told without a browser, and texts made to fit.

A figure asks for Helvetica, Arial or what stands in for them; where there is none of these, a
browser takes another sans serif. The widths here are for each character the larger of
Liberation Sans's (those of Arial) and DejaVu Sans's, which is among the widest in use, so that
a text may be narrower than was thought but not wider.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from unicodedata import category, east_asian_width

_HUNDREDTHS = {
    28: "ijl", 30: "I", 32: " ,.", 34: "/:;\\|·", 36: "f", 37: "-", 40: "()[]t", 41: "!", 42: "r",
    48: '"', 50: "*`", 53: "z", 56: "J_cs–", 58: "k", 60: "vxy", 62: "?FLTaeo",
    64: "$0123456789bdghnpqu{}", 67: "EPSY", 69: "VXZ", 73: "ABCKR", 74: "U", 75: "N", 76: "H",
    78: "&DG", 79: "OQ", 82: "w", 84: "#+<=>^~×", 87: "M", 96: "%", 98: "m", 99: "W", 100: "…→",
    102: "@",
}  # fmt: skip
_WIDTHS = {c: hundredths / 100 for hundredths, text in _HUNDREDTHS.items() for c in text}

_BOLD = 1.1
"""How much wider bold text may be; 8% in Arial, 10% in DejaVu Sans."""


def width(text: str, size: float, bold: bool = False) -> float:
    """How wide a text is at most, in pixels, in letters of some size."""
    return sum(map(_advance, text)) * size * (_BOLD if bold else 1)


@lru_cache(maxsize=4096)
def _advance(c: str) -> float:
    """The width of a character in letters of size 1."""
    known = _WIDTHS.get(c)
    if known is not None:
        return known
    if east_asian_width(c) in "WF":
        return 1.0 if ord(c) < 0x10000 else 1.4
    if category(c) in ("Mn", "Me", "Cf"):
        return 0.0
    return 1.0


def cut(text: str, size: float, room: float, bold: bool = False) -> str:
    """A text, cut with `…` where it would be wider than there is room."""
    if width(text, size, bold) <= room:
        return text
    left = room - width("…", size, bold)
    kept = 0
    for c in text:
        left -= width(c, size, bold)
        if left < 0:
            break
        kept += 1
    return text[:kept].rstrip() + "…"


def wrap(parts: Sequence[str], size: float, room: float) -> list[str]:
    """Parts in lines that are no wider than there is room, ` · ` between them.

    Where one line is not enough, the first part has its own. A part that is too wide is
    broken between words, and a word that is too wide is cut.
    """
    line = " · ".join(parts)
    if width(line, size) <= room:
        return [line]
    lines: list[str] = []
    for place, part in enumerate(parts):
        if place > 1 and width(f"{lines[-1]} · {part}", size) <= room:
            lines[-1] += f" · {part}"
            continue
        words = _words(part, size, room) or [""]
        lines.append(cut(words[0], size, room))
        for word in words[1:]:
            if width(f"{lines[-1]} {word}", size) <= room:
                lines[-1] += f" {word}"
            else:
                lines.append(cut(word, size, room))
    return lines


def _words(part: str, size: float, room: float) -> list[str]:
    """What a part may be broken between: not before `×3`, nor after `+` and `=`, if that fits."""
    words: list[str] = []
    for word in part.split():
        whole = f"{words[-1]} {word}" if words else ""
        if words and (word[0] == "×" or words[-1] in "+=") and width(whole, size) <= room:
            words[-1] = whole
        else:
            words.append(word)
    return words
