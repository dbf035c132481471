"""A picture as data, and its text as SVG.

A view lays marks out and names what they are; colours, letters and the writing of elements
are here. Everything from a net goes through `escaped`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple, TypeAlias
from unicodedata import east_asian_width
from zlib import crc32

Point = tuple[float, float]


class Text(NamedTuple):
    """A line of text; `x` is its start, middle or end, `y` its baseline. `full` if it is cut."""

    x: float
    y: float
    text: str
    style: str = "label"
    anchor: str = "middle"
    full: str = ""


class Rect(NamedTuple):
    """A rectangle with round corners."""

    x: float
    y: float
    width: float
    height: float
    style: str
    radius: float = 5


class Area(NamedTuple):
    """A polygon."""

    points: tuple[Point, ...]
    style: str


class Stroke(NamedTuple):
    """A stroke: steps with a letter of SVG's own, `M`, `L` or `C`, and the points of each."""

    steps: tuple[tuple[str, tuple[Point, ...]], ...]
    style: str = "edge"


class ArrowHead(NamedTuple):
    """The head of an arrow that ends at a point: `down` or `right`."""

    x: float
    y: float
    way: str = "down"


class Digits(NamedTuple):
    """Short texts of a style, each with the middle of its baseline."""

    places: tuple[tuple[float, float, str], ...]
    style: str = "label"


Mark: TypeAlias = Text | Rect | Area | Stroke | ArrowHead | Digits


class Picture(NamedTuple):
    """Marks on a sheet, in the order in which they are drawn.

    * `told`: what they show, in words
    * `moments`: marks over those of which each has its second, in turn; where motion is not
      wanted or not known, the first stay
    * `letters`: how many times as large the letters are as `SIZES` says
    """

    width: float
    height: float
    marks: Sequence[Mark]
    told: str = ""
    moments: Sequence[Sequence[Mark]] = ()
    letters: float = 1


SIZES = {"label": 12.0, "small": 11.0, "title": 12.0, "note": 11.0, "name": 11.0, "sub": 9.0}
"""The size of the letters of each style of text."""

FAMILIES = ("input", "conv", "pool", "dense", "merge", "block", "other", "misfit", "assumed")

# Fill, stroke and the two darker sides of a cuboid, by day and by night.
_DAY = {
    "input": ("#f2f4f7", "#848f9e", "#e4e8ee", "#d6dce5"),
    "conv": ("#e3edfb", "#4a7dc0", "#cfe0f6", "#b9d1f0"),
    "pool": ("#def2e8", "#3b9370", "#c8e8d8", "#b1dcc7"),
    "dense": ("#fdf0da", "#c08330", "#fae3bd", "#f5d49d"),
    "merge": ("#eee9fb", "#8467cd", "#ded5f7", "#cdc0f1"),
    "block": ("#e9edf3", "#66768c", "#d9e0e9", "#c8d1dd"),
    "other": ("#f2f4f7", "#848f9e", "#e4e8ee", "#d6dce5"),
    "misfit": ("#fdeceb", "#c4362c", "#fbdad8", "#f7c3bf"),
    "assumed": ("#ffffff", "#848f9e", "#ffffff", "#ffffff"),
}
_NIGHT = {
    "input": ("#262d37", "#7c8796", "#1f252e", "#2f3844"),
    "conv": ("#1c3253", "#6f9fe0", "#162843", "#254269"),
    "pool": ("#173b2d", "#5bb992", "#122f24", "#1f4e3c"),
    "dense": ("#46320f", "#dba653", "#38280c", "#5c4216"),
    "merge": ("#322858", "#a78ff0", "#282047", "#423573"),
    "block": ("#2b3441", "#8e9db3", "#222a35", "#374353"),
    "other": ("#262d37", "#7c8796", "#1f252e", "#2f3844"),
    "misfit": ("#4a1f1d", "#f0837a", "#3a1817", "#5f2826"),
    "assumed": ("#12171e", "#7c8796", "#12171e", "#12171e"),
}
_SHEET = {"day": ("#ffffff", "#1d2733", "#5c6877", "#848f9e"),
          "night": ("#12171e", "#e8edf3", "#a3afbd", "#6f7b8a")}  # fmt: skip
"""The sheet, text, paler text, and lines."""

_KOREAN = "'Noto Sans CJK KR','Noto Sans KR','Apple SD Gothic Neo','Malgun Gothic',sans-serif"
_FONTS = f"'Helvetica Neue',Helvetica,Arial,'Liberation Sans',{_KOREAN}"
"""The fonts of a figure, and those of a text with Korean in it: many readers look for a letter that
the first font lacks in none of the others, but in any that there is."""


def render(picture: Picture, title: str, description: str, theme: str = "") -> str:
    """The SVG of a picture, for a file of its own or in a page of HTML.

    Class names and ids begin with a word made from the content, so that figures in one page
    keep out of each other's way. It is `light` or `dark`, or as the reader's system is without
    a `theme`. Attributes have its colours by day, or of the theme, for readers that know no CSS.
    """
    drawn = [draw(mark) for mark in merged(picture.marks)]
    for place, marks in enumerate(picture.moments):
        drawn.append(("g", "", ' visibility="hidden">' if place else ">"))
        drawn += [*(draw(mark) for mark in merged(marks)), ("/g", "", ">")]
    size = f'width="{number(picture.width)}" height="{number(picture.height)}"'
    plain = (f'<{tag} class="{style}"{rest}' for tag, style, rest in drawn)
    content = "\n".join((theme, size, title, description, *plain))
    own = f"c{crc32(content.encode('utf-8', 'replace')):08x}"
    used = {"sheet", *(style for _, style, _ in drawn if style)}
    looks = {style: _looks(own, style, theme != "dark", picture.letters) for style in used}
    view = f"0 0 {number(picture.width)} {number(picture.height)}"
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} viewBox="{view}" class="{own}" '
        f'font-family="{_FONTS}" role="img" aria-labelledby="{own}-t {own}-d">',
        f'<title id="{own}-t">{escaped(title)}</title>',
        f'<desc id="{own}-d">{escaped(description)}</desc>',
        f"<style>{css(own, used, theme)}{turns(own, len(picture.moments))}</style>",
        f'<rect{looks["sheet"]} width="100%" height="100%" rx="6"/>',
        *(f"<{tag}{looks.get(style, '')}{rest}" for tag, style, rest in drawn),
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def _looks(own: str, style: str, day: bool, letters: float) -> str:
    """The attributes of an element of a style: its class, and how it looks."""
    looks = {"class": f"{own}-{style}", **form(style, letters), **look(style, day)}
    return "".join(f' {name}="{value}"' for name, value in looks.items())


def css(own: str, used: Iterable[str], theme: str) -> str:
    """The colours by night and the size in a page. No `<`, `>` or `&` is in them."""
    looks = {style: ";".join(map(":".join, look(style, False).items())) for style in sorted(used)}
    night = "".join(f".{own}-{style}{{{rules}}}" for style, rules in looks.items())
    themed = "" if theme else f"@media(prefers-color-scheme:dark){{{night}}}"
    # In a page it shrinks with its column. CairoSVG, which draws nothing of height `auto`, knows no
    # media.
    return f"{themed}@media all{{.{own}{{max-width:100%;height:auto}}}}"


_FORM = {
    "title": {"font-weight": "600"},
    "edge": {"fill": "none", "stroke-width": "1.25"},
    "hull": {"stroke-dasharray": "4 3"},
    "ray": {"fill": "none", "stroke-width": ".75"},
    "rule": {"fill": "none", "stroke-width": "1"},
    "window": {"stroke-width": "1"},
    "aim": {"fill": "none", "stroke-width": "2"},
    "misfit": {"stroke-width": "2.5"},
    "assumed": {"stroke-dasharray": "3 3"},
    "cross": {"fill": "none", "stroke-width": "2"},
}


def form(style: str, letters: float = 1) -> Mapping[str, str]:
    """What a style has by day as by night; that of `misfit` is also that of `misfit-top`."""
    found = _FORM.get(style) or _FORM.get(style.partition("-")[0], {})
    size = {"font-size": f"{number(SIZES[style] * letters)}px"} if style in SIZES else {}
    return {**size, **found}


def look(style: str, day: bool) -> dict[str, str]:
    """The colours of a style."""
    sheet, ink, pale, line = _SHEET["day" if day else "night"]
    family, _, side = style.partition("-")
    if family in _DAY:
        fill, stroke, top, flank = (_DAY if day else _NIGHT)[family]
        return {
            "solid": {"fill": stroke},
            "line": {"fill": "none", "stroke": stroke},
            "faint": {"fill": flank},
            "top": {"fill": top, "stroke": stroke},
            "side": {"fill": flank, "stroke": stroke},
            "": {"fill": fill, "stroke": stroke},
        }[side]
    return {
        "sheet": {"fill": sheet},
        **{each: {"fill": ink} for each in ("label", "title", "name", "sub")},
        "aim": {"stroke": ink},
        **{each: {"fill": pale} for each in ("small", "note")},
        "edge": {"stroke": line},
        "cross": {"stroke": (_DAY if day else _NIGHT)["misfit"][1]},
        "head": {"fill": line},
        "hull": {"fill": "none", "stroke": line},
        "ray": {"stroke": pale},
        "rule": {"stroke": line, "opacity": ".4"},
        "window": {"fill": sheet, "fill-opacity": ".6", "stroke": ink},
        "track": {"fill": line, "fill-opacity": ".16"},
    }[style]


def turns(own: str, count: int) -> str:
    """The rules by which moments follow one another, where motion is wanted."""
    if not count:
        return ""
    shown = f"0%{{visibility:visible}}{100 / count:.3f}%,100%{{visibility:hidden}}"
    turn = f"animation:{own}-turn {count}s step-end infinite"
    delays = (f".{own} g:nth-of-type({n + 1}){{animation-delay:{n}s}}" for n in range(count))
    return (
        f"@keyframes {own}-turn{{{shown}}}@media(prefers-reduced-motion:no-preference)"
        f"{{.{own} g{{{turn}}}{''.join(delays)}}}"
    )


def merged(marks: Sequence[Mark]) -> list[Mark]:
    """The marks with runs of strokes of a style as one, which makes the file smaller."""
    found: list[Mark] = []
    for mark in marks:
        before = found[-1] if found else None
        if isinstance(mark, Stroke) and isinstance(before, Stroke) and mark.style == before.style:
            found[-1] = Stroke(before.steps + mark.steps, mark.style)
        else:
            found.append(mark)
    return found


def draw(mark: Mark) -> tuple[str, str, str]:
    """The element of a mark: its name, its style, and what comes behind that."""
    if isinstance(mark, Digits):
        spans = "".join(
            f'<tspan x="{number(x)}" y="{number(y)}">{escaped(text)}</tspan>'
            for x, y, text in mark.places
        )
        return "text", mark.style, f' text-anchor="middle">{spans}</text>'
    if isinstance(mark, Area):
        points = " ".join(f"{number(x)},{number(y)}" for x, y in mark.points)
        return "polygon", mark.style, f' points="{points}"/>'
    if isinstance(mark, Stroke):
        steps = "".join(
            letter + " ".join(f"{number(x)} {number(y)}" for x, y in points)
            for letter, points in mark.steps
        )
        return "path", mark.style, f' d="{steps}"/>'
    x, y = number(mark.x), number(mark.y)
    if isinstance(mark, ArrowHead):
        tip = "l-3.5-7h7z" if mark.way == "down" else "l-7-3.5v7z"
        return "path", "head", f' d="M{x} {y}{tip}"/>'
    if isinstance(mark, Rect):
        size = f'width="{number(mark.width)}" height="{number(mark.height)}"'
        corner = f' rx="{number(mark.radius)}"' if mark.radius else ""
        return "rect", mark.style, f' x="{x}" y="{y}" {size}{corner}/>'
    anchor = "" if mark.anchor == "start" else f' text-anchor="{mark.anchor}"'
    font = (
        f' font-family="{_KOREAN}"' if any(east_asian_width(c) in "WF" for c in mark.text) else ""
    )
    full = f"<title>{escaped(mark.full)}</title>" if mark.full else ""
    text = f' x="{x}" y="{y}"{anchor}{font}>{escaped(mark.text)}{full}</text>'
    return "text", mark.style, text


def polyline(*points: Point, style: str = "edge") -> Stroke:
    """A stroke from point to point."""
    return Stroke((("M", points[:1]), *(("L", (point,)) for point in points[1:])), style)


def moved(marks: Iterable[Mark], x: float, y: float) -> list[Mark]:
    """Marks at another place."""
    found: list[Mark] = []
    for mark in marks:
        if isinstance(mark, Stroke):
            steps = tuple((letter, _shifted(points, x, y)) for letter, points in mark.steps)
            found.append(mark._replace(steps=steps))
        elif isinstance(mark, Area):
            found.append(mark._replace(points=_shifted(mark.points, x, y)))
        elif isinstance(mark, Digits):
            found.append(mark._replace(places=tuple((a + x, b + y, t) for a, b, t in mark.places)))
        else:
            found.append(mark._replace(x=mark.x + x, y=mark.y + y))
    return found


def _shifted(points: tuple[Point, ...], x: float, y: float) -> tuple[Point, ...]:
    return tuple((a + x, b + y) for a, b in points)


def number(value: float) -> str:
    """A coordinate to a tenth of a pixel."""
    text = f"{value:.1f}".removesuffix(".0")
    return "0" if text == "-0" else text


def escaped(text: str) -> str:
    """A text as the content of an element or an attribute, in XML as in HTML.

    What no XML may hold, such as control characters, becomes U+FFFD.
    """
    return "".join(_ENTITIES.get(c) or (c if _is_character(ord(c)) else "\ufffd") for c in text)


_ENTITIES = {
    "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;",
    "\t": "&#9;", "\n": "&#10;", "\r": "&#13;",
}  # fmt: skip


def _is_character(code: int) -> bool:
    """Whether XML 1.0 has the character, and HTML takes it as itself."""
    return (0x20 <= code <= 0xD7FF and not 0x7F <= code <= 0x9F) or (
        0xE000 <= code <= 0x10FFFF and code & 0xFFFE != 0xFFFE
    )
