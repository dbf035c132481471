"""Which layer of one network became which of another.

Two networks that are the same graph are paired by what each node reads. Else their layers are
aligned in order; then layers without a partner are paired that say the same and read the same, such
as those of a path that was written in another place.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from itertools import takewhile
from typing import Any, NamedTuple, TypeAlias

from cnndsl.comparison.align import align
from cnndsl.comparison.arguments import arguments_of, changed, effect
from cnndsl.diagnostics import Span
from cnndsl.layers import Layer
from cnndsl.layers.merge import Concat, Merge
from cnndsl.network import Network, Node
from cnndsl.network.network import Body, Instance, Loop, Merged, Step
from cnndsl.network.walk import children

Pairs: TypeAlias = Sequence[int | None]
"""For each node of a network its partner in the other one, or None."""

SLIDES = 1_000
"""How far a stretch of new layers is moved among like ones for a better place."""

MOST_SOURCES = 16
"""How many of the layers before an added one are looked at, to see whether another is read."""

ROUNDS = 4
"""How often pairs are looked for that other pairs made possible."""


class Numbering:
    """Numbers for values, the same for the same. Layers are read once, as many nodes share one."""

    def __init__(self) -> None:
        self._numbers: dict[Hashable, int] = {}
        # With the layer, so that it is not forgotten and its identity used again.
        self._known: dict[tuple[Any, int], tuple[int, Layer]] = {}

    def number(self, value: Hashable) -> int:
        return self._numbers.setdefault(value, len(self._numbers))

    def of(self, what: Callable[[Layer], Hashable], layer: Layer) -> int:
        """The number of what a function says of a layer: `arguments_of` or `effect`."""
        key = what, id(layer)
        if key not in self._known:
            self._known[key] = self.number(what(layer)), layer
        return self._known[key][0]


def commutes(layer: Layer) -> bool:
    """Whether the order of a layer's inputs means nothing: that of sums, not of channels."""
    return isinstance(layer, Merge) and not isinstance(layer, Concat)


def pair(old: Network, new: Network, keys: Numbering) -> list[int | None]:
    """For each node of `new` the one of `old` that it was, or None for what is added."""
    does, did = ([keys.of(effect, node.layer) for node in net.nodes] for net in (new, old))
    found = _same_graph(old, new, did, does, keys)
    if found is not None:
        return found
    before, after = (
        [keys.of(arguments_of, node.layer) for node in net.nodes] for net in (old, new)
    )
    places, spots = _places(old), _places(new)
    items = [keys.number((each, spot)) for each, spot in zip(before, places)]
    others = [keys.number((each, spot)) for each, spot in zip(after, spots)]
    prices: dict[tuple[int, int], int | None] = {}

    def cost(i: int, j: int) -> int | None:
        key = items[i], others[j]
        if key not in prices:
            price = _price(old.nodes[i].layer, new.nodes[j].layer)
            if before[i] == after[j]:
                price = 1 if places[i] is None or spots[j] is None else 2
            prices[key] = price
        return prices[key]

    found = [None] * len(new.nodes)
    for i, j in align(items, others, cost):
        found[j] = i
    _slide(_Side(new.nodes, after, found, does, did))
    back = turned(found, len(old.nodes))
    _slide(_Side(old.nodes, before, back, did, does))
    found = turned(back, len(new.nodes))
    for _ in range(ROUNDS):
        count = found.count(None)
        for reads in (_reading, _coming):
            itself = [at if index is not None else None for at, index in enumerate(back)]
            _match(reads(old, before, itself, keys), reads(new, after, found, keys), found)
            back = turned(found, len(old.nodes))
        if found.count(None) == count:
            break
    return found


def _price(old: Layer, new: Layer) -> int | None:
    """What it costs to see one layer as another, changed; None where it is quite another."""
    if old.op == new.op:
        return 1 if len(changed(old, new)) < 3 else 2
    if old.family == new.family:
        return 1 if len(old.slots) == len(new.slots) else 2
    return None


def _places(network: Network) -> list[tuple[str, int] | None]:
    """For each node the block it came from, and the number of its statement; None outside.

    The body of a loop is such a block as well. A layer that is like another of its block is
    so not taken for it, where one more block would make that possible.
    """
    within: dict[Span, tuple[str, Span]] = {}  # the block of each statement, and its place
    stack: list[tuple[tuple[str, Span] | None, Body]] = [(None, network.body)]
    while stack:
        block, body = stack.pop()
        for item, inner in children(body):
            inside = block
            if isinstance(item, Instance):
                inside = f"block {item.block.name.id}", item.block.span
            elif isinstance(item, Loop):
                inside = "repeat", item.statement.span
            elif isinstance(item, (Step, Merged)) and block is not None:
                within[item.statement.span] = block
            stack += [(inside, each) for each in inner]
    counts: Counter[tuple[str, Span]] = Counter()
    found: dict[Span, tuple[str, int]] = {}
    for span in sorted(within):
        counts[within[span]] += 1
        found[span] = within[span][0], counts[within[span]]
    return [found.get(node.span) for node in network.nodes]


def _same_graph(
    old: Network, new: Network, did: Sequence[int], does: Sequence[int], keys: Numbering
) -> list[int | None] | None:
    """The pairs of two networks that are the same graph, in whatever order it is written.

    Nodes that do the same and read the same are taken in order, and then every edge is looked
    at. None where the graphs differ, or where that order does not do.
    """
    if len(old.nodes) != len(new.nodes) or len(old.inputs) != len(new.inputs):
        return None
    found: list[int | None] = [None] * len(new.nodes)
    for each, other in zip(old.inputs, new.inputs):
        if did[each] != does[other]:
            return None
        found[other] = each
    known = [index if node.op == "input" else None for index, node in enumerate(old.nodes)]
    _match(_reading(old, did, known, keys), _reading(new, does, found, keys), found)
    for node, index in zip(new.nodes, found):
        if index is None:
            return None
        reads, others = [found[each] for each in node.inputs], list(old.nodes[index].inputs)
        if reads != others and not (commutes(node.layer) and Counter(reads) == Counter(others)):
            return None
    return found


def _match(before: Sequence[Hashable], after: Sequence[Hashable], found: list[int | None]) -> None:
    """Pair the nodes without a partner whose keys are the same, in order; None is no key."""
    taken = set(found)
    waiting: dict[Hashable, list[int]] = defaultdict(list)
    for index in range(len(before) - 1, -1, -1):
        if index not in taken and before[index] is not None:
            waiting[before[index]].append(index)
    for at, key in enumerate(after):
        if found[at] is None and waiting.get(key):
            found[at] = waiting[key].pop()


def _reading(
    network: Network, values: Sequence[int], known: Pairs, keys: Numbering
) -> list[int | None]:
    """A key for each node: the same for the same value on the same inputs.

    `known` are the nodes of the old network that nodes are; others are known by what they read.
    """
    numbers: list[int | None] = []
    for node, value, index in zip(network.nodes, values, known):
        if index is not None:
            numbers.append(keys.number(("node", index)))
            continue
        reads = [numbers[each] for each in node.inputs]
        if commutes(node.layer):
            reads.sort(key=lambda number: number or 0)
        numbers.append(keys.number((value, *reads)) if reads else None)
    return numbers


def _coming(
    network: Network, values: Sequence[int], known: Pairs, keys: Numbering
) -> list[tuple[int, frozenset[int]] | None]:
    """A key for each node: its value, and the nodes that it comes from through unknown ones."""
    origins = through(network, known)
    return [
        (value, origins[node.index]) if node.inputs else None
        for node, value in zip(network.nodes, values)
    ]


class _Side(NamedTuple):
    """The layers of a side: what they say, their partners, and what those of each side do."""

    nodes: Sequence[Node]
    items: Sequence[int]
    found: list[int | None]
    effects: Sequence[int]
    others: Sequence[int]


def _slide(side: _Side) -> None:
    """Move stretches of layers that are on this side alone to the best place among like ones.

    A bottleneck after three others could as well begin with the last layer of the third. The
    best place is where the others change least; then, where blocks begin and end; then the
    last.
    """
    at, found = 0, side.found
    while at < len(found):
        if found[at] is not None:
            at += 1
            continue
        start = at
        while at < len(found) and found[at] is None:
            at += 1
        at += _shift(side, start, at)


def _shift(side: _Side, start: int, end: int) -> int:
    """Put the stretch from `start` to `end` in its best place, and give how far that is on."""
    nodes, items, found, effects, others = side

    def roughness(shift: int) -> int:
        return _common(nodes, start + shift) + _common(nodes, end + shift)

    best = (0, roughness(0), 0)
    for sign in (-1, 1):
        changes = 0
        for step in range(SLIDES):
            # The layer that the stretch gives up, and that which it takes in.
            near, far = (
                (start + step, end + step) if sign > 0 else (end - step - 1, start - step - 1)
            )
            if not 0 <= far < len(items) or items[near] != items[far]:
                break
            other = found[far]
            if other is None:
                break
            changes += (effects[near] != others[other]) - (effects[far] != others[other])
            shift = sign * (step + 1)
            best = min(best, (changes, roughness(shift), -shift))
    shift = -best[2]
    for step in range(shift):
        found[start + step], found[end + step] = found[end + step], None
    for step in range(-shift):
        found[end - step - 1], found[start - step - 1] = found[start - step - 1], None
    return max(0, shift)


def _common(nodes: Sequence[Node], at: int) -> int:
    """How deep in blocks a border between two layers lies."""
    if not 0 < at < len(nodes):
        return 0
    pairs = zip(nodes[at - 1].instance, nodes[at].instance)
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))


def turned(found: Sequence[int | None], length: int) -> list[int | None]:
    """The same pairs, seen from the other side."""
    back: list[int | None] = [None] * length
    for at, index in enumerate(found):
        if index is not None:
            back[index] = at
    return back


def union_of(sets: Sequence[frozenset[int]], which: Iterable[int]) -> frozenset[int]:
    """The union of some of the sets."""
    return frozenset(each for index in which for each in sets[index])


def through(network: Network, known: Sequence[int | None]) -> list[frozenset[int]]:
    """For each node itself where it is known, else the known ones that it comes from."""
    found: list[frozenset[int]] = []
    for node, index in zip(network.nodes, known):
        if index is not None:
            found.append(frozenset((index,)))
            continue
        found.append(frozenset(sorted(union_of(found, node.inputs))[:MOST_SOURCES]))
    return found
