"""A difference as text, Markdown and JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from cnndsl.comparison.arguments import Change, changed, written
from cnndsl.comparison.difference import Difference, Entry
from cnndsl.comparison.side_by_side import BYTES, memory, shapes
from cnndsl.diagnostics.markdown import code, escaped
from cnndsl.diagnostics.render import printable
from cnndsl.layers.base import show
from cnndsl.network import Network, Node
from cnndsl.tables.plain_table import markdown_table, text_table

MOST_ROWS = 100
"""How many changes a report shows; a comment on GitHub holds 65,536 characters."""

MOST_VALUES = 4
"""How many values of an argument are shown that differ from instance to instance."""

SIGNS = {"changed": "~", "added": "+", "removed": "-", "follows": " "}

TOTALS = (
    ("layers", "layers"),
    ("depth", "depth"),
    ("params", "parameters"),
    ("trainable", "trainable parameters"),
    ("macs", "multiply-adds"),
    ("param_bytes", "memory of parameters"),
    ("activation_bytes", "memory of activations"),
    ("peak_bytes", "memory alive at once"),
    ("field", "receptive field"),
    ("outputs", "output"),
)


class Total(NamedTuple):
    """A count of the whole network that changed, as text."""

    title: str
    old: str
    new: str
    by: str


def totals(difference: Difference) -> list[Total]:
    """The counts that differ, each with by how much."""
    found = []
    for key, title in TOTALS:
        one, two = getattr(difference.before, key), getattr(difference.after, key)
        if one != two:
            found.append(Total(title, _count(key, one), _count(key, two), _by(key, one, two)))
    return found


def _count(key: str, value: Any) -> str:
    if key in BYTES:
        return memory(value)
    if isinstance(value, dict):
        return shapes(value)
    if isinstance(value, tuple):
        return show(value) if value else "-"
    return f"{value:,}"


def _by(key: str, one: Any, two: Any) -> str:
    if not isinstance(one, int):
        return ""
    sign = "+" if two > one else "-"
    percent = 100 * abs(two - one) / one if one else 0
    figures = ",.1f" if percent >= 0.05 else ".1g"
    share = f"{sign}{percent:{figures}}%" if percent >= 0.001 else ""
    if key in BYTES:
        return share
    return f"{sign}{abs(two - one):,}" + (f" ({share})" if share else "")


def verdict(difference: Difference) -> str:
    """What changed in one line: `2 layers changed, 1 added; 12 follow`."""
    parts: list[str] = []
    for kind in ("changed", "added", "removed"):
        count = sum(len(each.nodes) for each in difference.entries if each.kind == kind)
        if count:
            noun = " layer" + "s" * (count != 1) if not parts else ""
            parts.append(f"{count:,}{noun} {kind}")
    if not parts and not difference.same_network:
        parts.append("no layer changed by itself")
    line = ", ".join(parts)
    count = sum(len(each.nodes) for each in difference.follows)
    if count:
        line += f"; {count:,} {'follows' if count == 1 else 'follow'}"
    if line:
        return line
    if difference.promises:
        return "the same network, other promises"
    why = {
        "same": "the texts are the same",
        "formatting": "only formatting or comments differ",
        "otherwise": "written otherwise, the same network",
    }
    return f"no change in meaning: {why[difference.wording]}"


def name_of(entry: Entry) -> str:
    """The name of the layer; the first and the last of several, and how many times."""
    nodes = entry.nodes
    first, last = nodes[0].name, nodes[-1].name
    if len(nodes) == 1:
        return first
    return f"{first} … {last}"


def how_often(entry: Entry) -> str:
    """`×4` for what changed alike four times; `12 layers` for one thing of several."""
    layers = len(entry.nodes)
    parts = [f"×{entry.times:,}"] if entry.times > 1 else []
    if layers > 1 and layers != entry.times:
        parts.append(f"{layers:,} layers")
    return ", ".join(parts)


def what(entry: Entry) -> str:
    """What was written, and what is: `conv 64 3x3 → conv 96 3x3`."""
    if entry.kind == "follows":
        return ""
    if entry.kind != "changed":
        return entry.old_text or entry.new_text
    if entry.old_text == entry.new_text:
        return entry.new_text
    return f"{entry.old_text} → {entry.new_text}"


def details(entry: Entry) -> list[str]:
    """The arguments that differ, what is read, and the shapes and counts that follow."""
    by_name: dict[str, list[str]] = {}
    for each in (*entry.changes, *entry.reads):
        if each.name != "layer":
            by_name.setdefault(each.name, []).append(_arrow(each))
    found = []
    for name, values in by_name.items():
        text = ", ".join(values[:MOST_VALUES]) + (", …" if len(values) > MOST_VALUES else "")
        flag = values[0][2:] == name  # `+ nobias` says it all
        found.append(text if flag else f"{name} {text}")
    return found + sizes(entry)


def _arrow(change: Change) -> str:
    if change.old is None:
        return f"+ {change.new}"
    return f"- {change.old}" if change.new is None else f"{change.old} → {change.new}"


def sizes(entry: Entry) -> list[str]:
    """What shapes and counts become; sums of all the entry's layers, the last one's output."""
    old, new = entry.old, entry.new
    if not old or not new:
        nodes = entry.nodes
        found = [f"output {show(nodes[-1].output)}"]
        params, macs = _sums(nodes)
        if params:
            found.append(f"parameters {params:,}")
        if macs:
            found.append(f"multiply-adds {macs:,}")
        return found
    found = []
    if old[-1].output != new[-1].output:
        found.append(f"output {show(old[-1].output)} → {show(new[-1].output)}")
    for title, one, two in zip(("parameters", "multiply-adds"), _sums(old), _sums(new)):
        if one != two:
            found.append(f"{title} {one:,} → {two:,}")
    one_field, two_field = old[-1].receptive_field, new[-1].receptive_field
    if one_field != two_field and one_field and two_field:
        found.append(f"receptive field {show(one_field)} → {show(two_field)}")
    return found if found or entry.kind != "follows" else ["shapes within"]


def _sums(nodes: Iterable[Node]) -> tuple[int, int]:
    layers = [node.layer for node in nodes]
    return sum(each.params for each in layers), sum(each.macs for each in layers)


def place(difference: Difference, entry: Entry) -> str:
    """Where it stands: `line 4`, or with both sides `line 4 → 6`."""
    old = difference.old.line(entry.old[0]) if entry.old else None
    new = difference.new.line(entry.new[0]) if entry.new else None
    if old is None or new is None or old == new:
        return f"line {new if old is None else old}"
    return f"line {old} → {new}"


def as_text(difference: Difference, old: str, new: str) -> str:
    """The report for a terminal; `old` and `new` are what the sides go by."""
    lines = [
        f"{old} → {new}: {verdict(difference)}" if old != new else f"{old}: {verdict(difference)}"
    ]
    rest = difference.entries[MOST_ROWS:]
    rows = [
        [SIGNS[each.kind], name_of(each), how_often(each), what(each), place(difference, each)]
        for each in difference.entries[:MOST_ROWS]
    ]
    if rows:
        lines.append("")
        drawn = text_table([["", "", "", "", ""], *rows], [False] * 5, rule=False).splitlines()[1:]
        for row, each in zip(drawn, difference.entries):
            lines.append(row.rstrip())
            if details(each):
                lines.append(f"   {'; '.join(details(each))}")
    if rest:
        lines.append(f"   and {len(rest):,} more changes")
    if difference.follows:
        lines += ["", "what follows:"]
        for each in difference.follows[:MOST_ROWS]:
            count = how_often(each)
            lines.append(
                f"   {name_of(each)}{f' ({count})' if count else ''}: {'; '.join(sizes(each))}"
            )
        if len(difference.follows) > MOST_ROWS:
            lines.append(f"   and {len(difference.follows) - MOST_ROWS:,} more stretches of layers")
    for title, items in _lists(difference):
        lines += ["", f"{title.lower()}:", *map(_item, items)]
    changes = totals(difference)
    if changes:
        table = [["", "before", "after", "by"], *(list(each) for each in changes)]
        lines += ["", *text_table(table, [False, True, True, True]).splitlines()]
    lines += _renamed(difference)
    return "".join(f"{printable(line)}\n" for line in lines)


def _lists(difference: Difference) -> list[tuple[str, Sequence[Change]]]:
    """What changed besides layers, by headings."""
    lists = (
        ("Inputs and outputs", difference.interface),
        ("Promises", difference.promises),
        ("Constants", difference.constants),
    )
    return [(title, items) for title, items in lists if items]


def _item(change: Change) -> str:
    """`~  input 28x28x1 → 32x32x1`; with a plus or a minus where a side has no such thing."""
    if change.old is None:
        return f"+  {change.name} {change.new}"
    if change.new is None:
        return f"-  {change.name} {change.old}"
    return f"~  {change.name} {change.old} → {change.new}"


def _renamed(difference: Difference) -> list[str]:
    """A remark on names: no change in meaning, but weights saved by name will not load."""
    renamed = difference.renamed
    if not renamed:
        return []
    shown = ", ".join(f"{one} → {two}" for one, two in renamed[:3])
    more = ", …" if len(renamed) > 3 else ""
    noun = "layer goes by another name" if len(renamed) == 1 else "layers go by other names"
    return ["", f"{len(renamed):,} {noun}: {shown}{more}"]


def as_markdown(difference: Difference, old: str, new: str) -> str:
    """The report for a comment on a pull request; long parts can be opened."""
    names = code(old) if old == new else f"{code(old)} → {code(new)}"
    parts = [f"**{names}**: {verdict(difference)}\n"]
    changes = totals(difference)
    if changes:
        rows = [["", "before", "after", "by"], *(list(map(escaped, each)) for each in changes)]
        parts.append(markdown_table(rows, [False, True, True, True]))
    if difference.entries:
        shown = difference.entries[:MOST_ROWS]
        rows = [["", "layer", "change", "follows from it", "place"]]
        for each in shown:
            count = how_often(each)
            differing = [part for part in details(each) if part not in sizes(each)]
            rows.append(
                [
                    code(SIGNS[each.kind]),
                    code(name_of(each)) + (f" {count}" if count else ""),
                    code(what(each)) + (f"<br>{code('; '.join(differing))}" if differing else ""),
                    "<br>".join(sizes(each)),
                    place(difference, each),
                ]
            )
        table = markdown_table(rows, [False] * 5)
        if len(difference.entries) > len(shown):
            table += f"\nand {len(difference.entries) - len(shown):,} more changes\n"
        parts.append(_folded("changes", len(difference.entries), table))
    if difference.follows:
        rows = [["layers", "before → after"]]
        for each in difference.follows[:MOST_ROWS]:
            count = how_often(each)
            rows.append(
                [code(name_of(each)) + (f" {count}" if count else ""), "<br>".join(sizes(each))]
            )
        table = markdown_table(rows, [False, False])
        if len(difference.follows) > MOST_ROWS:
            table += f"\nand {len(difference.follows) - MOST_ROWS:,} more stretches of layers\n"
        parts.append(_opened("what follows", table))
    for title, items in _lists(difference):
        lines = "".join(f"- {code(_item(each))}\n" for each in items)
        parts.append(f"{title}:\n\n{lines}")
    for line in _renamed(difference)[1:]:
        head, _, names = line.partition(": ")
        parts.append(f"{head}: {code(names)}\n")
    return "\n".join(parts)


LONG = 12
"""How many rows a comment shows at once."""


def _folded(title: str, count: int, table: str) -> str:
    return table if count <= LONG else _opened(f"{count:,} {title}", table)


def _opened(title: str, text: str) -> str:
    return f"<details><summary>{title}</summary>\n\n{text}\n</details>\n"


def as_json(difference: Difference, old: str, new: str) -> str:
    """The report for programs: every layer that changed or follows, one object each."""
    changes = []
    for each in (*difference.entries, *difference.follows):
        sides = max(len(each.old), len(each.new))
        for at in range(sides):
            before = each.old[at] if each.old else None
            after = each.new[at] if each.new else None
            changes.append(
                {
                    "kind": each.kind,
                    "old": _node(difference.old, before),
                    "new": _node(difference.new, after),
                    "arguments": _arguments(before, after, each.kind),
                }
            )
    found = {
        "same_network": difference.same_network,
        "same_meaning": difference.none,
        "wording": difference.wording,
        "old": {"file": old, "net": difference.old.name, **difference.before._asdict()},
        "new": {"file": new, "net": difference.new.name, **difference.after._asdict()},
        "changes": changes,
        "interface": [each._asdict() for each in difference.interface],
        "promises": [each._asdict() for each in difference.promises],
        "constants": [each._asdict() for each in difference.constants],
        "renamed": difference.renamed,
    }
    return json.dumps(found, ensure_ascii=False, indent=2) + "\n"


def _arguments(before: Node | None, after: Node | None, kind: str) -> dict[str, Any]:
    if before is None or after is None or kind == "follows":
        return {}
    return {each.name: [each.old, each.new] for each in changed(before.layer, after.layer)}


def _node(network: Network, node: Node | None) -> dict[str, Any] | None:
    if node is None:
        return None
    return {
        "name": node.name,
        "op": node.op,
        "written": written(node.layer),
        "line": network.line(node),
        "output": node.output,
        "params": node.layer.params,
        "macs": node.layer.macs,
        "field": node.receptive_field,
    }
