"""Which layer of one network became which of another."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from cnndsl.comparison.align import align
from cnndsl.comparison.arguments import changed, effect, told
from cnndsl.layers.merge import Concat, Merge
from cnndsl.syntax import nodes as ast

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Sequence

    from cnndsl.diagnostics import Span
    from cnndsl.layers import Layer
    from cnndsl.network import Network, Node

SLIDES = 1_000
"""How far a stretch of new layers is moved among like ones for a better place."""


MOST_SOURCES = 16
"""How many of the layers before an added one are looked at, to see whether another is read."""

ROUNDS = 4
"""How often pairs are looked for that other pairs made possible."""


class Keys:
    """Numbers for values, the same for the same. Layers are read once, as many nodes share one."""

    def __init__(self) -> None:
        self.numbers: dict[Hashable, int] = {}
        self._told: dict[int, int] = {}
        self._effects: dict[int, int] = {}
        # So that no layer is forgotten, and its identity used again.
        self._kept: list[Layer] = []

    def number(self, value: Hashable) -> int:
        return self.numbers.setdefault(value, len(self.numbers))

    def told(self, layer: Layer) -> int:
        """The number of what a layer is told."""
        found = self._told.get(id(layer))
        if found is None:
            found = self._told[id(layer)] = self.number(("told", told(layer)))
            self._kept.append(layer)
        return found

    def effect(self, layer: Layer) -> int:
        """The number of all that a layer does at its place."""
        found = self._effects.get(id(layer))
        if found is None:
            found = self._effects[id(layer)] = self.number(("effect", effect(layer)))
            self._kept.append(layer)
        return found


def commutes(layer: Layer) -> bool:
    """Whether the order of a layer's inputs means nothing: that of sums, not of channels."""
    return isinstance(layer, Merge) and not isinstance(layer, Concat)


def pair(old: Network, new: Network, keys: Keys) -> list[int | None]:
    """For each node of `new` the one of `old` that it was, or None for what is added."""
    same = _same_graph(old, new, keys)
    if same is not None:
        return same
    before = [keys.told(node.layer) for node in old.nodes]
    after = [keys.told(node.layer) for node in new.nodes]
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

    found: list[int | None] = [None] * len(new.nodes)
    for i, j in align(items, others, cost):
        found[j] = i
    effects = [[keys.effect(node.layer) for node in network.nodes] for network in (old, new)]
    _slide(new.nodes, after, found, effects[1], effects[0])
    back = _turned(found, len(old.nodes))
    _slide(old.nodes, before, back, effects[0], effects[1])
    found = _turned(back, len(new.nodes))
    for _ in range(ROUNDS):
        count = sum(index is not None for index in found)
        _complete(old, new, before, after, found)
        _complete_through(old, new, before, after, found)
        if sum(index is not None for index in found) == count:
            break
    return found


def _price(old: Layer, new: Layer) -> int | None:
    """What it costs to see one layer as another, changed; None where it is quite another."""
    if old.op == new.op:
        return 1 if len(changed(old, new)) < 3 else 2
    if type(old).__module__ == type(new).__module__:  # a family stands in one file
        return 1 if len(old.slots) == len(new.slots) else 2
    return None


def _places(network: Network) -> list[tuple[str, int] | None]:
    """For each node the block it came from, and the how-manieth layer of it; None outside.

    The body of a loop is such a block as well. A layer that is like another of its block is
    so not taken for it, where one more block would make that possible.
    """
    found: dict[Span, tuple[str, int]] = {}
    waiting: list[tuple[str, ast.Body]] = []
    stack: list[Any] = list(network.module.statements)
    while stack or waiting:
        name, counter = "", 0
        if not stack:
            name, body = waiting.pop()
            stack.extend(reversed(body.statements))
        while stack:
            statement = stack.pop()
            if isinstance(statement, ast.Block):
                waiting.append((f"block {statement.name.id}", statement.body))
                continue
            if isinstance(statement, ast.Repeat):
                waiting.append(("repeat", statement.body))
                continue
            if isinstance(statement, ast.Apply):
                counter += 1
                if name:
                    found[statement.span] = name, counter
            for inner in _inner(statement):
                stack.extend(reversed(inner.statements))
    return [found.get(node.span) for node in network.nodes]


def _inner(statement: Any) -> list[ast.Body]:
    """The bodies in a statement's braces, the last one first."""
    several = ("paths", "bodies")
    found: list[Any] = [each for name in several for each in getattr(statement, name, None) or ()]
    found += [getattr(statement, name, None) for name in ("body", "otherwise")]
    return [each for each in found if each is not None][::-1]


def _same_graph(old: Network, new: Network, keys: Keys) -> list[int | None] | None:
    """The pairs of two networks that are the same graph, in whatever order it is written.

    A node is known by what it does and by the nodes that it reads; those known by the same
    are taken in order, and then every edge is looked at. None where the graphs differ, or
    where that order does not do.
    """
    if len(old.nodes) != len(new.nodes) or len(old.inputs) != len(new.inputs):
        return None
    groups: dict[int, list[int]] = defaultdict(list)
    for index, number in enumerate(_hashes(old, keys)):
        groups[number].append(index)
    for group in groups.values():
        group.reverse()
    found: list[int] = []
    for number in _hashes(new, keys):
        if not groups.get(number):
            return None
        found.append(groups[number].pop())
    for node, index in zip(new.nodes, found):
        reads = [found[each] for each in node.inputs]
        others = list(old.nodes[index].inputs)
        if commutes(node.layer):
            reads, others = sorted(reads), sorted(others)
        if reads != others:
            return None
    return [*found]


def _hashes(network: Network, keys: Keys) -> list[int]:
    """A number for each node: the same for the same layer on the same inputs."""
    place = {index: at for at, index in enumerate(network.inputs)}
    numbers: list[int] = []
    for node in network.nodes:
        reads = [numbers[index] for index in node.inputs]
        if commutes(node.layer):
            reads.sort()
        value = ("node", keys.effect(node.layer), place.get(node.index), *reads)
        numbers.append(keys.number(value))
    return numbers


def _slide(
    nodes: Sequence[Node],
    items: Sequence[int],
    found: list[int | None],
    effects: Sequence[int],
    others: Sequence[int],
) -> None:
    """Move stretches of layers that are on this side alone to the best place among like ones.

    A bottleneck after three others could as well begin with the last layer of the third. The
    best place is where the others change least; then, where blocks begin and end; then the
    last. `effects` are what the layers of this side do, and `others` those of the other.
    """
    at = 0
    while at < len(found):
        if found[at] is not None:
            at += 1
            continue
        start = at
        while at < len(found) and found[at] is None:
            at += 1
        at += _shift(nodes, items, found, effects, others, start, at)


def _shift(
    nodes: Sequence[Node],
    items: Sequence[int],
    found: list[int | None],
    effects: Sequence[int],
    others: Sequence[int],
    start: int,
    end: int,
) -> int:
    """Put the stretch from `start` to `end` in its best place, and give how far that is on."""

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
    count = 0
    for one, two in zip(nodes[at - 1].instance, nodes[at].instance):
        if one != two:
            break
        count += 1
    return count


def _turned(found: Sequence[int | None], length: int) -> list[int | None]:
    """The same pairs, seen from the other side."""
    back: list[int | None] = [None] * length
    for at, index in enumerate(found):
        if index is not None:
            back[index] = at
    return back


def _complete(
    old: Network,
    new: Network,
    before: Sequence[int],
    after: Sequence[int],
    found: list[int | None],
) -> None:
    """Pair layers that were only written in another order, as the paths of a merge.

    They are told the same and read the same.
    """
    taken: set[int] = {index for index in found if index is not None}
    if len(taken) in (len(found), len(old.nodes)):
        return
    back: dict[int, int] = {index: at for at, index in enumerate(found) if index is not None}
    users = old.users()
    ready: dict[tuple[int, tuple[int, ...]], list[int]] = defaultdict(list)

    def offer(gone: int) -> None:
        node = old.nodes[gone]
        if gone not in taken and all(each in back for each in node.inputs):
            ready[before[gone], tuple(back[each] for each in node.inputs)].append(gone)

    for node in old.nodes:
        offer(node.index)
    for node in new.nodes:
        if found[node.index] is not None:
            continue
        waiting = ready.get((after[node.index], node.inputs))
        if not waiting or not node.inputs:
            continue
        match = waiting.pop(0)
        if match in taken:
            continue
        found[node.index] = match
        taken.add(match)
        back[match] = node.index
        for user in users[match]:
            offer(user)


def _complete_through(
    old: Network,
    new: Network,
    before: Sequence[int],
    after: Sequence[int],
    found: list[int | None],
) -> None:
    """Pair layers that are told the same and read the same but for layers on one side alone."""
    taken = {index for index in found if index is not None}
    if len(taken) in (len(found), len(old.nodes)):
        return
    origins = through(old, [node.index if node.index in taken else None for node in old.nodes])
    ready: dict[tuple[int, frozenset[int]], list[int]] = defaultdict(list)
    for node in reversed(old.nodes):
        if node.index not in taken and node.inputs:
            ready[before[node.index], origins[node.index]].append(node.index)
    for node, known, origin in zip(new.nodes, list(found), through(new, found)):
        if known is None and node.inputs and ready.get((after[node.index], origin)):
            found[node.index] = ready[after[node.index], origin].pop()


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
        union = union_of(found, node.inputs)
        if len(union) > MOST_SOURCES:
            union = frozenset(sorted(union)[:MOST_SOURCES])
        found.append(union)
    return found
