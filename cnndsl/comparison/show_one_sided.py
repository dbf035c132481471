"""What can be said where one side, or both, is no net: it has errors, or there is no file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from cnndsl.comparison.measure import measure
from cnndsl.comparison.side_by_side import shapes
from cnndsl.diagnostics.markdown import code, fenced
from cnndsl.diagnostics.render import printable, render_all
from cnndsl.layers.base import show

if TYPE_CHECKING:
    from cnndsl.diagnostics import Diagnostic, Source
    from cnndsl.network import Network


class Side(NamedTuple):
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


def as_text(old: Side, new: Side) -> str:
    """A line, the diagnostics of a side that has errors, and how the texts differ."""
    text = f"{printable(_headline(old, new))}\n"
    for side in (old, new):
        if side.problems:
            text += f"\n{render_all(side.problems)}"
    lines = _lines(old, new)
    return text + (f"\n{lines}" if lines else "")


def as_markdown(old: Side, new: Side) -> str:
    """The same for a comment on a pull request."""
    head, _, state = _headline(old, new).partition(": ")
    text = f"**{code(head)}**: {state}\n"
    for side in (old, new):
        if side.problems:
            text += f"\n{fenced(render_all(side.problems))}\n"
    lines = _lines(old, new)
    return text + (f"\n{fenced(lines, 'diff')}\n" if lines else "")


def as_json(old: Side, new: Side) -> str:
    """Both sides; `net` is null where a side is no net, and `errors` says why."""
    import json

    from cnndsl.diagnostics.render_json import as_json as diagnostic

    def side(each: Side) -> dict[str, Any]:
        net = each.network
        return {
            "file": each.name if each.source is not None else None,
            "net": net.name if net is not None else None,
            **(measure(net)._asdict() if net is not None else {}),
            "errors": [diagnostic(problem) for problem in each.problems],
        }

    found = {"same_network": False, "same_meaning": False, "old": side(old), "new": side(new)}
    return json.dumps(found, ensure_ascii=False, indent=2) + "\n"


def with_problems(text: str, form: str, old: list[Diagnostic], new: list[Diagnostic]) -> str:
    """A difference with the promises that either side breaks."""
    if form == "json":
        import json

        from cnndsl.diagnostics.render_json import as_json as diagnostic

        found = json.loads(text)
        for side, problems in (("old", old), ("new", new)):
            found[side]["errors"] = [diagnostic(problem) for problem in problems]
        return json.dumps(found, ensure_ascii=False, indent=2) + "\n"
    for problems in (old, new):
        if problems:
            shown = render_all(problems)
            text += f"\n{fenced(shown) if form == 'markdown' else shown}"
    return text


def _headline(old: Side, new: Side) -> str:
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


def _lines(old: Side, new: Side) -> str:
    """How the texts differ, line by line, where both are there and one is no net."""
    from difflib import unified_diff

    if old.source is None or new.source is None:
        return ""
    before, after = (
        [printable(line) for line in side.source.text.splitlines()]
        for side in (old, new)
        if side.source is not None
    )
    return "".join(
        f"{line}\n" for line in unified_diff(before, after, old.name, new.name, lineterm="")
    )
