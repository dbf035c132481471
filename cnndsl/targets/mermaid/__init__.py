"""The network as a flowchart in Mermaid, for places that draw it: GitHub, GitLab, wikis.

https://mermaid.js.org/syntax/flowchart.html. Labels stand in quotation marks, and every
character that could mean something there is written as an entity code, `#35;`.
"""

from __future__ import annotations

from collections.abc import Sequence

from cnndsl.contract import LANG, TERMS, checked_values, words_asked
from cnndsl.figures.boxes import (
    DEPTH,
    Box,
    below,
    choose_depth,
    noted,
    opens,
    outputs_in,
    producer,
    shape_text,
    titled,
)
from cnndsl.figures.collapse import collapse
from cnndsl.lang import Words
from cnndsl.network import Network

SUFFIX = ".mmd"
OPTIONS = (DEPTH, LANG, TERMS)

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


def generate(
    network: Network, *, depth: int | None = None, lang: str = "en", terms: str = "native"
) -> str:
    """The flowchart; `depth` bounds how deep calls of blocks are opened.

    Raises OptionError for a depth or a language that there is not, and where the chart would
    have too many boxes.
    """
    checked_values(OPTIONS, {"depth": depth, "lang": lang, "terms": terms})
    words = words_asked(lang, terms)
    boxes = collapse(network, words)
    chosen = choose_depth(boxes, depth, MOST, BOUND)
    chart = _Flowchart(network, chosen, boxes, words)
    chart.scope(boxes, 0, 0, 1)
    lines = ["flowchart TD", *chart.lines, *chart.edges]
    for family in sorted(chart.families):
        names = ",".join(chart.families[family])
        lines += [f"  classDef {family}_ {_STYLES[family]}", f"  class {names} {family}_"]
    if chart.hulls:
        lines += [f"  classDef hull_ {_HULL}", f"  class {','.join(chart.hulls)} hull_"]
    return "\n".join(lines) + "\n"


class _Flowchart:
    def __init__(self, network: Network, depth: int, boxes: Sequence[Box], words: Words) -> None:
        self.network, self.depth, self.all, self.words = network, depth, boxes, words
        self.lines: list[str] = []
        self.edges: list[str] = []
        self.families: dict[str, list[str]] = {}
        self.hulls: list[str] = []

    def scope(self, boxes: Sequence[Box], level: int, further: int, indent: int) -> None:
        """Draw boxes; `further` nodes on stand the same ones the last time round."""
        space = "  " * indent
        for box in boxes:
            name = f"n{box.start}"
            title = " · ".join(titled(box.parts, box.times))
            if opens(box, self.depth, level):
                self.hulls.append(f"g{len(self.hulls)}")
                title = title or f"×{box.times}"
                self.lines.append(f"{space}subgraph {self.hulls[-1]}[{quoted(title)}]")
                on = further + box.size * (box.times - 1)
                self.scope(box.inner, below(box, level), on, indent + 1)
                self.lines.append(f"{space}end")
                continue
            if box.kind == "input":
                alias = self.network.nodes[box.start].alias or ""
                title = f"{self.words['figure.input']} {alias}".rstrip()
            # What varies from one time round to the next is told only for a frame's inside.
            first = box.last if not further else box.gives
            last = box.last + further
            shape = shape_text(self.network, first, last - first)
            notes = [", ".join(noted(box, self.words))] if box.marks else []
            label = space + name, quoted(title, shape, *notes), box.kind == "input"
            self.closed(box.family, name, *label, box.sources)
        if level == 0 and indent == 1:
            for number, (output, index) in enumerate(outputs_in(self.network, boxes)):
                name = f"out{number}"
                text = quoted(f"{self.words['figure.output']} {output}")
                self.closed("input", name, space + name, text, True, [index])

    def closed(
        self, family: str, name: str, head: str, text: str, is_end: bool, sources: Sequence[int]
    ) -> None:
        self.families.setdefault(family, []).append(name)
        self.lines.append(f"{head}([{text}])" if is_end else f"{head}[{text}]")
        self.edges += [f"  {self.name_of(source)} --> {name}" for source in sources]

    def name_of(self, index: int) -> str:
        """The box that a node is in."""
        boxes, level = self.all, 0
        while True:
            box = boxes[producer(boxes, index)]
            if not opens(box, self.depth, level):
                return f"n{box.start}"
            index -= (index - box.start) // box.size * box.size
            boxes, level = box.inner, below(box, level)


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
