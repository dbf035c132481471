"""A report on two files: how their nets differ, or what can be said where one is no net.

A side is no net where it has errors, or where there is no file.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from difflib import unified_diff
from typing import Any, NamedTuple

from cnndsl.comparison import show_difference
from cnndsl.comparison.difference import difference
from cnndsl.comparison.measure import measure
from cnndsl.comparison.side_by_side import shapes
from cnndsl.diagnostics import Diagnostic, Source
from cnndsl.diagnostics.harmless import harmless, to_json
from cnndsl.diagnostics.markdown import code, fenced
from cnndsl.diagnostics.render import printable, render_all
from cnndsl.diagnostics.render_json import as_json as diagnostic
from cnndsl.layers.base import show
from cnndsl.network import Network


class Version(NamedTuple):
    """A side: no `source` where there is no file, no `network` where it has errors."""

    name: str
    source: Source | None
    network: Network | None
    problems: list[Diagnostic]

    @property
    def state(self) -> str:
        """What there is on this side, in words."""
        if self.source is None:
            return "no file"
        if self.network is None:
            count = len(self.problems)
            return f"{count:,} error{'' if count == 1 else 's'}"
        found = measure(self.network)
        inputs = ", ".join(map(show, found.inputs))
        return (
            f"{found.layers:,} layer{'' if found.layers == 1 else 's'}, {inputs} in, "
            f"{shapes(found.outputs)} out, {found.params:,} parameters, "
            f"{found.macs:,} multiply-adds"
        )


def report(old: Version, new: Version, form: str) -> tuple[str, bool]:
    """The report as `text`, `markdown` or `json`, and whether the sides differ in meaning."""
    sides, end = (old, new), ""
    if old.network is not None and new.network is not None:
        found = difference(old.network, new.network)
        show: Any = getattr(show_difference, f"as_{form}")
        text, differs = show(found, old.name, new.name), not found.none
    else:
        differs = (old.source is None) != (new.source is None)
        head, _, state = _headline(old, new).partition(": ")
        text = f"{printable(f'{head}: {state}')}\n"
        if form == "markdown":
            text, end = f"**{code(head)}**: {state}\n", "\n"
    if form == "json":
        told = json.loads(text) if old.network and new.network else _told(sides)
        for name, side in zip(("old", "new"), sides):
            told[name]["errors"] = [diagnostic(problem) for problem in side.problems]
        return to_json(told), differs
    blocks = [(render_all(side.problems), "") for side in sides if side.problems]
    if old.network is None or new.network is None:
        blocks += [(lines, "diff") for lines in [_lines(old, new)] if lines]
    for block, language in blocks:
        text += f"\n{fenced(block, language) if form == 'markdown' else block}{end}"
    return text, differs


def _told(sides: Sequence[Version]) -> dict[str, Any]:
    """Both sides; `net` is null where a side is no net."""
    found: dict[str, Any] = {"same_network": False, "same_meaning": False}
    for name, side in zip(("old", "new"), sides):
        net = side.network
        found[name] = {
            "file": side.name if side.source is not None else None,
            "net": net.name if net is not None else None,
            **(measure(net)._asdict() if net is not None else {}),
        }
    return found


def _headline(old: Version, new: Version) -> str:
    if old.source is None and new.source is None:
        return f"{old.name}: no file on either side"
    if old.source is None:
        return f"{new.name}: added, {new.state}"
    if new.source is None:
        return f"{old.name}: removed, {old.state}"
    name = old.name if old.name == new.name else f"{old.name} → {new.name}"
    broken = [
        f"{side.state} in the {which} net"
        for which, side in (("old", old), ("new", new))
        if side.network is None
    ]
    return f"{name}: {' and '.join(broken)}, so that the texts are compared"


def _lines(old: Version, new: Version) -> str:
    """How the texts differ, line by line, where both are there and one is no net."""
    if old.source is None or new.source is None:
        return ""
    before, after = (
        side.source.text.splitlines() for side in (old, new) if side.source is not None
    )
    names = printable(old.name), printable(new.name)
    lines = unified_diff(before, after, *names, lineterm="")
    return harmless("".join(f"{line}\n" for line in lines))
