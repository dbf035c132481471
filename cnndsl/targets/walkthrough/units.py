"""A network cut into what a walkthrough explains in one go, with what repeats told once.

A `Part` is a layer with what goes with it: a convolution with its normalisation, activation and
pool, as write-ups group them. A `BlockCall` is a call of a block, with the units inside it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import NamedTuple

from cnndsl.layers import Layer
from cnndsl.layers.source import call_of
from cnndsl.network import Network, Node
from cnndsl.tables.rows import grouped, inputs_of

_FOLLOWING = ("norm", "scaling", "dropout", "activation")
"""The families of what is explained with the convolution or the dense layer before it."""


def follows(layer: Layer) -> bool:
    """Whether a layer is explained with the one before it, or else in few words."""
    return layer.family in _FOLLOWING


def _slides(layer: Layer) -> bool:
    return layer.family == "pool" and layer.slides


class Part(NamedTuple):
    """Layers that are explained together; each reads the one before it."""

    nodes: tuple[Node, ...]
    sign: int


class BlockCall(NamedTuple):
    """A call of a block, by the names of the calls around it and its own."""

    path: tuple[str, ...]
    nodes: tuple[Node, ...]
    units: tuple[Unit, ...]
    sign: int


Unit = Part | BlockCall
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
        for path, inside in grouped(nodes, level + 1):
            if len(path) <= level:
                found += self._parts(inside)
                continue
            units = self._units(inside, level + 1)
            sign = self._sign(("call", tuple(unit.sign for unit in units)))
            found.append(BlockCall(path, inside, units, sign))
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
        head, before = part[0].layer.family, part[-1]
        if node.inputs != (before.index,) or _slides(before.layer):
            return False
        if _slides(node.layer):
            return head == "conv"
        return head in ("conv", "dense") and follows(node.layer)

    def _part(self, nodes: list[Node]) -> Part:
        key = tuple(
            (
                *(call_of(node.layer), inputs_of(self.network, [node]), node.output),
                *(node.layer.params, node.frozen, node.training_only),
            )
            for node in nodes
        )
        return Part(tuple(nodes), self._sign(key))

    def _sign(self, key: object) -> int:
        return self._signs.setdefault(key, len(self._signs))


def runs(units: Sequence[Unit]) -> list[list[Unit]]:
    """Units that are alike and follow one another, together; those that share weights apart."""

    def key(unit: Unit) -> tuple[int, int | None]:
        return unit.sign, next(
            (node.shared_with for node in unit.nodes if node.layer.weights), None
        )

    return [list(group) for _, group in groupby(units, key)]
