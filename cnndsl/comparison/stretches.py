"""Layers that are on one side alone, in the statements that they came from.

A block that is new is told as one call, a merge that is gone as one merge, and what a loop or
a block repeats is told once, with how often.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, NamedTuple

from cnndsl.layers.source import call_of
from cnndsl.network import Network, Node
from cnndsl.network.network import Body, Item, Merged, Step
from cnndsl.network.walk import children

WIDEST = 72
"""How many characters of a statement are shown."""


class Stretch(NamedTuple):
    """A statement all of whose layers are marked: how it reads, how often it was run over."""

    text: str
    times: int
    nodes: Sequence[Node]


def stretches(network: Network, marked: Sequence[bool]) -> list[Stretch]:
    """The outermost statements of which all layers are marked, in order; inputs are none."""
    if not any(marked):
        return []
    sums = [0]
    for node, mark in zip(network.nodes, marked):
        sums.append(sums[-1] + (mark and node.op != "input"))
    walk = _Walk(network, sums)
    walk.body(network.body)
    return [
        Stretch(
            text, len(runs), [node for run in runs for node in network.nodes[run.start : run.stop]]
        )
        for (text, _), runs in walk.found.items()
    ]


class _Walk:
    """A walk through what was written; `found` holds the ranges of nodes by statement."""

    def __init__(self, network: Network, sums: Sequence[int]) -> None:
        self.network = network
        self.sums = sums
        self.ranges: dict[int, range] = {}
        self.found: dict[tuple[str, Any], list[range]] = {}

    def body(self, body: Body) -> None:
        for item, bodies in children(body):
            span = self.range(item, bodies)
            count = self.sums[span.stop] - self.sums[span.start]
            if not count:
                continue
            if count < len(span):
                for inner in bodies:
                    self.body(inner)
                if not isinstance(item, Merged) or item.is_path:
                    continue
                if self.sums[item.node + 1] == self.sums[item.node]:
                    continue
                span = range(item.node, item.node + 1)
            key = (_text(self.network, item), item.statement.span)
            self.found.setdefault(key, []).append(span)

    def range(self, item: Item, bodies: Sequence[Body]) -> range:
        """The nodes that came of a statement, which follow one another."""
        known = self.ranges.get(id(item))
        if known is None:
            parts = [self.range(*each) for body in bodies for each in children(body)]
            if isinstance(item, Step) or (isinstance(item, Merged) and not item.is_path):
                parts.append(range(item.node, item.node + 1))
            parts = [each for each in parts if len(each)]
            known = range(parts[0].start, parts[-1].stop) if parts else range(0)
            self.ranges[id(item)] = known
        return known


def _text(network: Network, item: Item) -> str:
    """A statement in a line, without what stands in its braces."""
    if isinstance(item, Step):
        return call_of(network.nodes[item.node].layer)
    span = item.statement.span
    text = re.sub(r"#[^\n]*", "", network.source.text[span.start : span.end])
    head, brace, _ = text.partition("{")
    text = " ".join(head.split()) + (" { … }" if brace else "")
    return text if len(text) <= WIDEST else text[: WIDEST - 1] + "…"
