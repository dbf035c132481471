"""What changed in meaning from one network to another.

Names and the way a network is written are no part of its meaning: a block that is inlined, a
constant that is renamed or a path that changes its place leave the network as it was.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import Any, NamedTuple

from cnndsl.comparison.arguments import Change, changed, effect
from cnndsl.comparison.measure import Measure, measure
from cnndsl.comparison.pairing import Numbering, commutes, pair, through, turned, union_of
from cnndsl.comparison.stretches import Stretch, stretches
from cnndsl.layers.base import show
from cnndsl.layers.source import call_of
from cnndsl.layers.values import show_value
from cnndsl.network import Network, Node
from cnndsl.network.network import Bound, Side


class Entry(NamedTuple):
    """A change, with all the layers that changed alike.

    * `kind`: `changed`, `added`, `removed`, or `follows` for layers with the same arguments as
      before, and whose shapes or counts follow from a change before them
    * `old`, `new`: the layers on either side, in order; one of them empty for what is added
      or removed
    * `times`: how many statements, or turns of loops and calls of blocks, changed alike
    * `old_text`, `new_text`: how it is written; the first of them
    * `changes`: the arguments that differ. One argument comes several times where it differs
      from instance to instance
    * `reads`: what the layer reads, where that is another layer than before
    """

    kind: str
    old: tuple[Node, ...]
    new: tuple[Node, ...]
    times: int
    old_text: str
    new_text: str
    changes: tuple[Change, ...] = ()
    reads: tuple[Change, ...] = ()

    @property
    def nodes(self) -> tuple[Node, ...]:
        return self.new or self.old


class Difference(NamedTuple):
    """All that changed from `old` to `new`.

    * `before`, `after`: the counts of both
    * `entries`: changes of layers, in the order of the network
    * `follows`: the layers that follow from them, neighbours together
    * `interface`: inputs, outputs, and the defaults of what the files leave open
    * `promises`: what the files expect, as it was and is
    * `constants`: those of the file itself that have another value now; they explain changes
      and are none
    * `renamed`: layers that are the same under another name, old and new
    * `wording`: how the texts differ: `same`, `formatting` (or comments), or `otherwise`
    """

    old: Network
    new: Network
    before: Measure
    after: Measure
    entries: tuple[Entry, ...]
    follows: tuple[Entry, ...]
    interface: tuple[Change, ...]
    promises: tuple[Change, ...]
    constants: tuple[Change, ...]
    renamed: tuple[tuple[str, str], ...]
    wording: str

    @property
    def same_network(self) -> bool:
        """Whether both are one network: the same layers, edges, shapes and weights."""
        return not (self.entries or self.follows or self.interface)

    @property
    def none(self) -> bool:
        """Whether nothing changed in meaning: one network, and the same promises."""
        return self.same_network and not self.promises


def difference(old: Network, new: Network) -> Difference:
    """Compare two networks. The cost is next to linear in their layers."""
    keys = Numbering()
    pairs = pair(old, new, keys)
    entries, follows = _entries(old, new, pairs, keys)
    renamed = tuple(
        (old.nodes[index].name, node.name)
        for node, index in zip(new.nodes, pairs)
        if index is not None and old.nodes[index].name != node.name and node.op != "input"
    )
    return Difference(
        old,
        new,
        measure(old),
        measure(new),
        entries,
        follows,
        tuple(_interface(old, new, pairs)),
        tuple(_promises(old, new, pairs)),
        tuple(_constants(old, new)),
        renamed,
        _wording(old, new),
    )


def _entries(
    old: Network, new: Network, pairs: Sequence[int | None], keys: Numbering
) -> tuple[tuple[Entry, ...], tuple[Entry, ...]]:
    """The changes in the order of the network, and what follows from them."""
    placed: list[tuple[tuple[int, int], Entry]] = []
    groups: dict[Any, list[tuple[Node, Node, tuple[Change, ...], tuple[Change, ...]]]] = {}
    known: dict[tuple[int, int], tuple[Change, ...]] = {}  # many nodes share a layer
    runs: list[list[tuple[Node, Node]]] = []
    seeing: list[tuple[Node, Node]] = []  # those that just see more, or less, than before
    sources = _Sources(old, new, pairs)
    for node, index in zip(new.nodes, pairs):
        if index is None or node.op == "input":
            continue
        before = old.nodes[index]
        same = keys.of(effect, before.layer) == keys.of(effect, node.layer)
        changes = () if same else known.get((id(before.layer), id(node.layer)))
        if changes is None:
            changes = tuple(changed(before.layer, node.layer))
            known[id(before.layer), id(node.layer)] = changes
        changes += sources.remarked(before, node)
        reads = sources.rewired(before, node)
        if changes or reads:
            key = (before.span, node.span, tuple(each.name for each in changes), bool(reads))
            groups.setdefault(key, []).append((before, node, changes, reads))
        elif same:
            if before.field != node.field and before.receptive_field != node.receptive_field:
                seeing.append((before, node))
        else:
            if not runs or runs[-1][-1][1].index != node.index - 1:
                runs.append([])
            runs[-1].append((before, node))
    for members in groups.values():
        olds, news, *lists = zip(*members)
        texts = call_of(olds[0].layer), call_of(news[0].layer)
        differing = (tuple(dict.fromkeys(chain(*each))) for each in lists)
        entry = Entry("changed", olds, news, len(members), *texts, *differing)
        placed.append(((news[0].index, 1), entry))
    for stretch in stretches(new, [index is None for index in pairs]):
        placed.append(((stretch.nodes[0].index, 1), _whole("added", stretch)))
    gone, following = _gone(old, pairs)
    for stretch in stretches(old, gone):
        placed.append(((following[stretch.nodes[0].index], 0), _whole("removed", stretch)))
    placed.sort(key=lambda item: item[0])
    alike: dict[Any, list[list[tuple[Node, Node]]]] = {}
    for run in filter(None, (*runs, seeing)):
        spans = tuple((before.span, node.span) for before, node in run)
        alike.setdefault(spans, []).append(run)
    follows = []
    for same_runs in alike.values():
        olds, news = zip(*chain(*same_runs))
        follows.append(Entry("follows", olds, news, len(same_runs), "", ""))
    return tuple(entry for _, entry in placed), tuple(follows)


def _gone(old: Network, pairs: Sequence[int | None]) -> tuple[list[bool], list[int]]:
    """Which nodes are on the old side alone; and for each where the next that is not went."""
    back = turned(pairs, len(old.nodes))
    following, place = [0] * len(back), len(pairs)
    for index in range(len(back) - 1, -1, -1):
        known = back[index]
        place = place if known is None else known
        following[index] = place
    return [at is None for at in back], following


def _whole(kind: str, stretch: Stretch) -> Entry:
    nodes, text = tuple(stretch.nodes), stretch.text
    if kind == "added":
        return Entry(kind, (), nodes, stretch.times, "", text)
    return Entry(kind, nodes, (), stretch.times, text, "")


class _Sources:
    """Which layers of both networks a layer reads, through what is on one side alone."""

    def __init__(self, old: Network, new: Network, pairs: Sequence[int | None]) -> None:
        self.pairs = pairs
        self.old_nodes, self.new_nodes = old.nodes, new.nodes
        kept = {index for index in pairs if index is not None}
        # All as indices of the old network.
        self.old = through(old, [n.index if n.index in kept else None for n in old.nodes])
        self.new = through(new, pairs)
        self.kept = kept

    def remarked(self, before: Node, node: Node) -> tuple[Change, ...]:
        """Whether it has other weights than its own now, is frozen, or is there for training."""
        found = [
            Change(word, word if was else None, word if now else None)
            for word, was, now in (
                ("frozen", before.frozen, node.frozen),
                ("while training only", before.training_only, node.training_only),
            )
            if was != now and (word != "frozen" or node.layer.all_weights)
        ]
        was, now = before.shared_with, node.shared_with
        if (None if now is None else self.pairs[now]) != was or (was is None) != (now is None):
            texts = [
                "of its own" if at is None else f"of {nodes[at].name}"
                for at, nodes in ((was, self.old_nodes), (now, self.new_nodes))
            ]
            found.append(Change("weights", *texts))
        return tuple(found)

    def rewired(self, before: Node, node: Node) -> tuple[Change, ...]:
        """What the layer reads, where that changed by itself and not by an added layer."""
        was, now = list(before.inputs), [self.pairs[index] for index in node.inputs]
        if was == now:
            return ()
        if None not in now and all(index in self.kept for index in was):
            read = [index for index in now if index is not None]
            if commutes(node.layer) and sorted(was) == sorted(read):
                return ()
        else:
            was_from = union_of(self.old, was)
            now_from = union_of(self.new, node.inputs)
            if was_from & now_from or not was_from:
                return ()
        return (
            Change(
                "reads",
                ", ".join(self.old_nodes[index].name for index in was),
                ", ".join(self.new_nodes[index].name for index in node.inputs),
            ),
        )


def _interface(old: Network, new: Network, pairs: Sequence[int | None]) -> list[Change]:
    """What changed of inputs and outputs, and of what holds for the whole file."""
    found = []
    for at in range(max(len(old.inputs), len(new.inputs))):
        one, two = _input(old, at), _input(new, at)
        if one != two:
            name = "input" if len(old.inputs) == len(new.inputs) == 1 else f"input {at + 1}"
            found.append(Change(name, one, two))
    training = [_training(network) for network in (old, new)]
    several = len(old.outputs) > 1 or len(new.outputs) > 1
    for output in dict.fromkeys((*old.outputs, *new.outputs)):
        was, now = old.outputs.get(output), new.outputs.get(output)
        name = f"output {output}" if several else "output"
        one = None if was is None else show(old.nodes[was].output)
        two = None if now is None else show(new.nodes[now].output)
        one, two = (
            f"{text} while training only" if text and output in names else text
            for text, names in zip((one, two), training)
        )
        if one != two:
            found.append(Change(name, one, two))
        elif was is not None and now is not None and pairs[now] != was and pairs[now] is not None:
            found.append(Change(name, f"of {old.nodes[was].name}", f"of {new.nodes[now].name}"))
    if old.defaults != new.defaults:
        found.append(Change("defaults", old.defaults, new.defaults))
    return found


def _training(network: Network) -> set[str]:
    """The outputs that exist while training only."""
    sides = [item.statement for item in network.body.items if isinstance(item, Side)]
    return {each.name.id for each in sides if each.when is not None}


def _input(network: Network, at: int) -> str | None:
    if at >= len(network.inputs):
        return None
    node = network.nodes[network.inputs[at]]
    return show(node.output) + (f" as {node.alias}" if node.alias else "")


def _promises(old: Network, new: Network, pairs: Sequence[int | None]) -> list[Change]:
    """The promises that are on one side alone; those about the same thing in pairs."""
    before = _promised(old, {n.index: n.index for n in old.nodes})
    after = _promised(new, {n.index: index for n, index in zip(new.nodes, pairs)})
    gone = {key: text for key, text in before.items() if key not in after}
    come = {key: text for key, text in after.items() if key not in before}
    found = []
    for (about, _value, place), text in gone.items():
        match = next((k for k in come if k[0] == about and k[2] == place), None)
        match = match or next((k for k in come if k[0] == about), None)
        match = match or next((k for k in come if k[0][0] == about[0]), None)
        found.append(Change("expect", text, come.pop(match) if match else None))
    found += [Change("expect", None, text) for text in come.values()]
    return found


def _promised(network: Network, places: dict[int, int | None]) -> dict[Any, str]:
    """Every promise of a network once: by what it is about, its value and its place."""
    found: dict[Any, str] = {}
    for promise in network.assertions:
        statement = promise.statement
        place = None if promise.node is None else places[promise.node.index]
        about = (statement.metric.id, statement.op)
        text = f"{statement.metric.id} {statement.op} {_value(promise.value)}"
        found.setdefault((about, promise.value, place), text)
    return found


def _value(value: Any) -> str:
    return f"{value:,}" if type(value) is int else show_value(value)


def _constants(old: Network, new: Network) -> list[Change]:
    """The constants of the files themselves whose values differ."""
    before, after = (
        {item.statement.name.id: item.value for item in network.body.items if type(item) is Bound}
        for network in (old, new)
    )
    return [
        Change(name, _value(before[name]), _value(after[name]))
        for name in before
        if name in after and before[name] != after[name]
    ]


def _wording(old: Network, new: Network) -> str:
    if old.source.text == new.source.text:
        return "same"
    return "formatting" if _alike(old.module, new.module) else "otherwise"


def _alike(old: Any, new: Any) -> bool:
    """Whether two syntax trees differ in places and comments at most."""
    if type(old) is not type(new):
        return False
    if not isinstance(old, tuple):
        return bool(old == new)
    apart = [name in ("span", "comments") for name in getattr(old, "_fields", ())]
    return len(old) == len(new) and all(
        (apart and apart[at]) or _alike(one, two) for at, (one, two) in enumerate(zip(old, new))
    )
