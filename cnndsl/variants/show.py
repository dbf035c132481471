"""Variants as CSV, JSON, a table in Markdown, and a figure."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Sequence
from typing import Any

from cnndsl.comparison.side_by_side import SHOWN, figure
from cnndsl.diagnostics.harmless import json_escaped
from cnndsl.diagnostics.markdown import code, escaped
from cnndsl.diagnostics.message import said
from cnndsl.lang import words
from cnndsl.tables.plain_table import markdown_table
from cnndsl.targets.csv import line
from cnndsl.variants.choice import Front, Known, Sample, own_name
from cnndsl.variants.sweep import Variant

MOST = {"csv": 0, "json": 0, "markdown": 1_000, "svg": 2_000}
"""The formats, and how many variants they show; 0 is for those that show all."""


class Report:
    """The text about the variants that are wanted: what `add` gives, piece by piece, and `end`.

    With a `front` it is about that alone; a figure has a sample beside it. `rows` are how many
    are wanted so far.
    """

    def __init__(
        self, form: str, params: Collection[str], known: Known, front: Front | None, lang: str
    ) -> None:
        self.form, self.params, self.known, self.lang = form, params, known, lang
        self.front, self.rows = front, 0
        self.sample = Sample(MOST[form]) if MOST[form] else None

    @property
    def kept(self) -> list[int]:
        """The places in the grid of the variants that are still to be told of."""
        held = [some for some in (self.front, self.sample) if some]
        return sorted({each.number for some in held for _, each in some.found})

    def begin(self) -> str:
        """What stands before all variants."""
        if self.form == "csv":
            others = (own_name(key, self.params) for key in (*SHOWN, "error", "message"))
            return line([*self.params, *others])
        return "[" if self.form == "json" else ""

    def add(self, variants: Sequence[Variant]) -> str:
        """What is written of some more variants at once."""
        before, self.rows = self.rows, self.rows + len(variants)
        if not (self.front or self.sample):
            return self._rows(variants, before)
        for each in variants:
            if self.front:
                self.front.add(each)
            if self.sample and (self.form == "markdown" or each.measure):
                self.sample.add(each)
        return ""

    def end(self, net: str) -> str:
        """What stands behind them; `net` is the net's name."""
        best = self.front.chosen() if self.front else []
        sample = self.sample.chosen() if self.sample else []
        if self.form == "markdown":
            return self._markdown(best if self.front else sample)
        if self.form != "svg":
            return self._rows(best, 0) + "\n]\n" * (self.form == "json")
        from cnndsl.variants.scatter import scatter

        word = words(self.lang)
        titles = {own_name(key, self.params): word[f"measure.{key}"] for key in SHOWN}
        first = [name for name, _, _ in self.front.measures] if self.front else []
        others = [own_name(key, self.params) for key in ("params", "macs")]
        axes = [*dict.fromkeys(first + others)][:2]
        points = [
            [[self.known[axis](each) for axis in axes] for each in some] for some in (sample, best)
        ]
        shown = [[titles.get(each, each) for each in some] for some in (axes, first)]
        return scatter(net, shown[0], points, shown[1], word)

    def _rows(self, variants: Sequence[Variant], before: int) -> str:
        """As CSV, where shapes are 36x28x20 and memory is in bytes; or an object in a line each:
        `set`, and all that is measured, or the first error."""
        text = ""
        for each in variants:
            told = said(each.message, self.lang)
            if self.form == "csv":
                text += line([*_cells(each, _plain), each.code, told])
                continue
            found: dict[str, Any] = {"error": each.code, "message": told}
            if each.measure is not None:
                found = each.measure._asdict()
            row = json.dumps({"set": each.settings, **found}, ensure_ascii=False)
            text += ",\n"[not before :] + json_escaped(row)
            before += 1
        return text

    def _markdown(self, variants: Sequence[Variant]) -> str:
        word = words(self.lang)
        titles = [word[f"measure.{key}"] for key in SHOWN]
        lines = [[*map(code, self.params), *titles, word["sweep.error"]]]
        lines += [
            [*map(escaped, map(str, (*_cells(each, figure), each.code)))] for each in variants
        ]
        table = markdown_table(lines, [True] * (len(lines[0]) - 1) + [False])
        told = word.say("sweep.shown", shown=f"{len(variants):,}", count=f"{self.rows:,}")
        return f"{table}\n{told}\n"


def _cells(variant: Variant, shown: Callable[[str, Any], str]) -> list[str | float]:
    """The values of the params, and what is measured as it is to be shown."""
    found = variant.measure
    measured = (shown(key, getattr(found, key)) if found else "" for key in SHOWN)
    return [*variant.settings.values(), *measured]


def _plain(key: str, value: Any) -> str:
    return str(value) if isinstance(value, int) else figure(key, value).removeprefix("-")
