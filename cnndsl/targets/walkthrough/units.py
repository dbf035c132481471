"""A network cut into what a walkthrough explains in one go, with what repeats told once.

A `Part` is a layer with what goes with it: a convolution with its normalisation, activation and
pool, as write-ups group them. A `Call` is a call of a block, with the units inside it.
"""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple

from cnndsl.layers import ACTIVATIONS
from cnndsl.layers.source import call_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from cnndsl.network import Network, Node

_HEADS = frozenset({"conv", "dwconv", "sepconv", "deconv", "dense"})
_POOLS = frozenset({"pool", "avgpool", "minpool"})
FOLLOWERS = frozenset({"bn", "ln", "gn", "lrn", "scale", "dropout", "droppath", *ACTIVATIONS})


class Part(NamedTuple):
    """Layers that are explained together; each reads the one before it."""

    nodes: tuple[Node, ...]
    sign: int


class Call(NamedTuple):
    """A call of a block, by the names of the calls around it and its own."""

    path: tuple[str, ...]
    nodes: tuple[Node, ...]
    units: tuple[Unit, ...]
    sign: int


Unit = Part | Call
"""`sign` is the same number for units with the same layers on the same shapes."""


class Cutter:
    """Cuts networks into units, and numbers the units that are alike."""

    def __init__(self, network: Network) -> None:
        self.network = network
        self._signs: dict[object, int] = {}

    def cut(self) -> tuple[Unit, ...]:
        """The units of the file itself."""
        return self._units(self.network.layers, 0)

    def _units(self, nodes: Sequence[Node], level: int) -> tuple[Unit, ...]:
        found: list[Unit] = []
        for path, group in groupby(nodes, lambda node: node.instance[: level + 1]):
            inside = tuple(group)
            if len(path) <= level:
                found += self._parts(inside)
                continue
            units = self._units(inside, level + 1)
            sign = self._sign(("call", tuple(unit.sign for unit in units)))
            found.append(Call(path, inside, units, sign))
        return tuple(found)

    def _parts(self, nodes: Sequence[Node]) -> Iterator[Part]:
        part: list[Node] = []
        for node in nodes:
            if part and not self._joins(part, node):
                yield self._part(part)
                part = []
            part.append(node)
        if part:
            yield self._part(part)

    def _joins(self, part: list[Node], node: Node) -> bool:
        """Whether a layer goes with those before it."""
        if node.inputs != (part[-1].index,) or part[-1].op in _POOLS:
            return False
        if node.op in _POOLS:
            return part[0].op in _HEADS - {"dense"}
        return part[0].op in _HEADS and node.op in FOLLOWERS

    def _part(self, nodes: list[Node]) -> Part:
        key = tuple((call_of(n.layer), self._inputs(n), n.output, n.layer.params) for n in nodes)
        return Part(tuple(nodes), self._sign(key))

    def _inputs(self, node: Node) -> tuple[tuple[int, ...], ...]:
        return tuple(self.network.nodes[index].output for index in node.inputs)

    def _sign(self, key: object) -> int:
        return self._signs.setdefault(key, len(self._signs))


def runs(units: Sequence[Unit]) -> list[list[Unit]]:
    """Units that are alike and follow one another, together."""
    return [list(group) for _, group in groupby(units, lambda unit: unit.sign)]
