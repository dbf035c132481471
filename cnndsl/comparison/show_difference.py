"""A difference as text, Markdown and JSON."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest
from typing import Any, NamedTuple

from cnndsl.comparison.arguments import Change, changed
from cnndsl.comparison.difference import Difference, Entry
from cnndsl.comparison.side_by_side import BYTES, figure
from cnndsl.diagnostics.harmless import to_json
from cnndsl.diagnostics.markdown import code, escaped
from cnndsl.diagnostics.render import printable
from cnndsl.layers.base import show
from cnndsl.layers.source import call_of
from cnndsl.network import Network, Node
from cnndsl.network.network import marks
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
            found.append(Total(title, figure(key, one), figure(key, two), _by(key, one, two)))
    return found


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
    """The name of the layer; the first and the last of several."""
    ends = (entry.nodes[0].name, entry.nodes[-1].name)
    return " … ".join(ends if len(entry.nodes) > 1 else ends[:1])


def how_often(entry: Entry) -> str:
    """`×4` for what changed alike four times; `12 layers` for one thing of several."""
    layers = len(entry.nodes)
    parts = [f"×{entry.times:,}"] if entry.times > 1 else []
    if layers > 1 and layers != entry.times:
        parts.append(f"{layers:,} layers")
    return ", ".join(parts)


def what(entry: Entry) -> str:
    """What was written, and what is: `conv 64 3x3 → conv 96 3x3`."""
    return " → ".join(dict.fromkeys(filter(None, (entry.old_text, entry.new_text))))


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
    if not entry.old or not entry.new:
        output, *sums, _ = _sizes(entry.nodes)
        return [" ".join(each) for each in (output, *sums) if each[1] != "0"]
    found = [
        f"{title} {one} → {two}"
        for (title, one), (_, two) in zip(_sizes(entry.old), _sizes(entry.new))
        if one != two and one and two
    ]
    return found if found or entry.kind != "follows" else ["shapes within"]


def _sizes(nodes: Sequence[Node]) -> list[tuple[str, str]]:
    """The output of the last layer, the counts of all, and the last one's field, with titles."""
    return [
        ("output", show(nodes[-1].output)),
        ("parameters", f"{sum(node.params for node in nodes):,}"),
        ("multiply-adds", f"{sum(node.layer.macs for node in nodes):,}"),
        ("receptive field", show(nodes[-1].receptive_field)),
    ]


def place(difference: Difference, entry: Entry) -> str:
    """Where it stands: `line 4`, or with both sides `line 4 → 6`."""
    lines = [difference.old.line(node) for node in entry.old[:1]]
    lines += [difference.new.line(node) for node in entry.new[:1]]
    return f"line {' → '.join(map(str, dict.fromkeys(lines)))}"


def as_text(difference: Difference, old: str, new: str) -> str:
    """The report for a terminal; `old` and `new` are what the sides go by."""
    lines = [f"{old} → {new}" if old != new else old]
    lines[0] += f": {verdict(difference)}"
    entries, follows = difference.entries, difference.follows
    rows = [
        [SIGNS[each.kind], name_of(each), how_often(each), what(each), place(difference, each)]
        for each in entries[:MOST_ROWS]
    ]
    if rows:
        lines.append("")
        drawn = text_table([[""] * 5, *rows], [False] * 5, rule=False).splitlines()[1:]
        for row, each in zip(drawn, entries):
            lines.append(row.rstrip())
            lines += [f"   {'; '.join(found)}" for found in [details(each)] if found]
    lines += [f"   {more}" for more in _more(entries, "changes")]
    if follows:
        lines += ["", "what follows:"]
        for each in follows[:MOST_ROWS]:
            count = f" ({how_often(each)})" if how_often(each) else ""
            lines.append(f"   {name_of(each)}{count}: {'; '.join(sizes(each))}")
    lines += [f"   {more}" for more in _more(follows, "stretches of layers")]
    for title, items in _lists(difference):
        lines += ["", f"{title.lower()}:", *map(_item, items)]
    changes = totals(difference)
    if changes:
        table = [["", "before", "after", "by"], *(list(each) for each in changes)]
        lines += ["", *text_table(table, [False, True, True, True]).splitlines()]
    lines += _renamed(difference)
    return "".join(f"{printable(line)}\n" for line in lines)


def _more(entries: Sequence[Entry], noun: str) -> list[str]:
    """How many entries are not shown, where some are not."""
    rest = len(entries) - MOST_ROWS
    return [f"and {rest:,} more {noun}"] if rest > 0 else []


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
    shown = _arrow(change)
    sign = "~" if change.old and change.new else shown[0]
    return f"{sign}  {change.name} {shown.removeprefix(f'{sign} ')}"


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
    entries, follows = difference.entries, difference.follows
    if entries:
        rows = [["", "layer", "change", "follows from it", "place"]]
        for each in entries[:MOST_ROWS]:
            differing = [part for part in details(each) if part not in sizes(each)]
            change = code(what(each)) + (f"<br>{code('; '.join(differing))}" if differing else "")
            named = _named(each), change, "<br>".join(sizes(each)), place(difference, each)
            rows.append([code(SIGNS[each.kind]), *named])
        table = _table(rows, entries, "changes")
        parts.append(table if len(entries) <= LONG else _opened(f"{len(entries):,} changes", table))
    if follows:
        rows = [[_named(each), "<br>".join(sizes(each))] for each in follows[:MOST_ROWS]]
        table = _table([["layers", "before → after"], *rows], follows, "stretches of layers")
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


def _named(entry: Entry) -> str:
    return f"{code(name_of(entry))} {how_often(entry)}".rstrip()


def _table(rows: list[list[str]], entries: Sequence[Entry], noun: str) -> str:
    """A table of entries, and how many more there are."""
    more = "".join(f"\n{more}\n" for more in _more(entries, noun))
    return markdown_table(rows, [False] * len(rows[0])) + more


def _opened(title: str, text: str) -> str:
    return f"<details><summary>{title}</summary>\n\n{text}\n</details>\n"


def as_json(difference: Difference, old: str, new: str) -> str:
    """The report for programs: every layer that changed or follows, one object each."""
    changes = []
    for each in (*difference.entries, *difference.follows):
        for before, after in zip_longest(each.old, each.new):
            found: dict[str, Any] = {"kind": each.kind, "old": None, "new": None, "arguments": {}}
            if before is not None:
                found["old"] = _node(difference.old, before)
            if after is not None:
                found["new"] = _node(difference.new, after)
            if each.kind == "changed":
                differing = changed(before.layer, after.layer)
                found["arguments"] = {arg.name: [arg.old, arg.new] for arg in differing}
                found["arguments"] |= _remarked(each, found)
            changes.append(found)
    report = {
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
    return to_json(report)


def _remarked(entry: Entry, told: dict[str, Any]) -> dict[str, Any]:
    """Which of a layer's marks differ, from the layers as they are told."""
    keys = {each.name: _MARKS[each.name] for each in entry.changes if each.name in _MARKS}
    sides = [told["old"], told["new"]]
    return {key: [side.get(key) for side in sides] for key in keys.values()}


_MARKS = {"weights": "shared_with", "frozen": "frozen", "while training only": "training_only"}
"""What the file does not write on a layer itself, and its keys in JSON."""


def _node(network: Network, node: Node) -> dict[str, Any]:
    return {
        "name": node.name,
        "op": node.op,
        "written": call_of(node.layer),
        "line": network.line(node),
        "output": node.output,
        "params": node.params,
        "macs": node.layer.macs,
        "field": node.receptive_field,
        **marks(network, node),
    }
