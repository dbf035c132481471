"""The network as a flowchart in Mermaid, for places that draw it: GitHub, GitLab, wikis.

https://mermaid.js.org/syntax/flowchart.html. Labels stand in quotation marks, and every
character that could mean something there is written as an entity code, `#35;`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cnndsl.contract import LANG, checked_values
from cnndsl.figures.outline import outline
from cnndsl.figures.pieces import (
    DEPTH,
    below,
    choose_depth,
    opens,
    outputs_in,
    producer,
    shape_text,
    titled,
)
from cnndsl.lang import words as words_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cnndsl.figures.pieces import Piece
    from cnndsl.lang import Words
    from cnndsl.network import Network

SUFFIX = ".mmd"
OPTIONS = (DEPTH, LANG)

MOST, BOUND = 40, 200
"""How many boxes are drawn where no depth is given, and with any. Mermaid takes 500 edges."""

_STYLES = {
    "input": "fill:#f4f5f7,stroke:#8a94a3,color:#1d2733",
    "conv": "fill:#dce9fb,stroke:#3f72b8,color:#14253d",
    "pool": "fill:#d8f0e4,stroke:#2c8763,color:#10301f",
    "dense": "fill:#fdecd0,stroke:#b9761c,color:#3a2608",
    "merge": "fill:#e9e2fa,stroke:#7655c4,color:#271a47",
    "block": "fill:#e8ecf1,stroke:#56657a,color:#1d2733",
    "other": "fill:#f4f5f7,stroke:#8a94a3,color:#1d2733",
}
_HULL = "fill:none,stroke:#8a94a3,stroke-dasharray:4 3"


def generate(network: Network, *, depth: int | None = None, lang: str = "en") -> str:
    """The flowchart; `depth` bounds how deep calls of blocks are opened.

    Raises OptionError for a depth or a language that there is not, and where the chart would
    have too many boxes.
    """
    checked_values(OPTIONS, {"depth": depth, "lang": lang})
    words = words_of(lang)
    pieces = outline(network)
    chosen = choose_depth(pieces, depth, MOST, BOUND)
    chart = _Chart(network, chosen, pieces, words)
    chart.scope(pieces, 0, 0, 1)
    lines = ["flowchart TD", *chart.lines, *chart.edges]
    for family in sorted(chart.families):
        names = ",".join(chart.families[family])
        lines += [f"  classDef {family}_ {_STYLES[family]}", f"  class {names} {family}_"]
    if chart.hulls:
        lines += [f"  classDef hull_ {_HULL}", f"  class {','.join(chart.hulls)} hull_"]
    return "\n".join(lines) + "\n"


class _Chart:
    def __init__(self, network: Network, depth: int, pieces: Sequence[Piece], words: Words) -> None:
        self.network, self.depth, self.all, self.words = network, depth, pieces, words
        self.lines: list[str] = []
        self.edges: list[str] = []
        self.families: dict[str, list[str]] = {}
        self.hulls: list[str] = []

    def scope(self, pieces: Sequence[Piece], level: int, further: int, indent: int) -> None:
        """Draw pieces; `further` nodes on stand the same ones the last time round."""
        space = "  " * indent
        for piece in pieces:
            name = f"n{piece.start}"
            title = " · ".join(titled(piece.parts, piece.times))
            if opens(piece, self.depth, level):
                self.hulls.append(f"g{len(self.hulls)}")
                title = title or f"×{piece.times}"
                self.lines.append(f"{space}subgraph {self.hulls[-1]}[{quoted(title)}]")
                on = further + piece.size * (piece.times - 1)
                self.scope(piece.inner, below(piece, level), on, indent + 1)
                self.lines.append(f"{space}end")
                continue
            if piece.kind == "input":
                alias = self.network.nodes[piece.start].alias
                title = f"{self.words['figure.input']} {alias or ''}".rstrip()
            # What varies from one time round to the next is told only for a frame's inside.
            first = piece.last if not further else piece.gives
            last = piece.last + further
            shape = shape_text(self.network, first, last - first)
            ends = ("([", "])") if piece.kind == "input" else ("[", "]")
            self.box(piece.family, space, name, ends, title, shape)
            for source in piece.sources:
                self.edges.append(f"  {self.name_of(source)} --> {name}")
        if level == 0 and indent == 1:
            for number, (output, index) in enumerate(outputs_in(self.network, pieces)):
                name = f"out{number}"
                title = f"{self.words['figure.output']} {output}"
                self.box("input", space, name, ("([", "])"), title, "")
                self.edges.append(f"  {self.name_of(index)} --> {name}")

    def box(
        self, family: str, space: str, name: str, ends: tuple[str, str], title: str, shape: str
    ) -> None:
        self.families.setdefault(family, []).append(name)
        text = quoted(title, shape) if shape else quoted(title)
        self.lines.append(f"{space}{name}{ends[0]}{text}{ends[1]}")

    def name_of(self, index: int) -> str:
        """The box that a node is in."""
        pieces, level = self.all, 0
        while True:
            piece = pieces[producer(pieces, index)]
            if not opens(piece, self.depth, level):
                return f"n{piece.start}"
            index -= (index - piece.start) // piece.size * piece.size
            pieces, level = piece.inner, below(piece, level)


def quoted(*lines: str) -> str:
    """Lines of text as a label."""
    return '"' + "<br/>".join(map(escaped, lines)) + '"'


def escaped(text: str) -> str:
    """A text of which Mermaid, its Markdown and its HTML take nothing for more than itself."""
    plain = " ".join(text.split()).translate(_WIDE).replace(":fa-", ": fa-")
    return "".join(c if c.isalnum() or c in _PLAIN else f"#{ord(c)};" for c in plain)


_PLAIN = " ×·…=,/"
_WIDE = {ord("$"): "＄", ord("\\"): "＼"}
"""Looked for after entity codes are resolved: formulas, `\\n`, icons (`fa:fa-car`)."""
