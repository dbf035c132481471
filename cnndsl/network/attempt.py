"""How far a net with errors goes: the part before the first of them, which is a net by itself."""

from __future__ import annotations

from typing import NamedTuple

from cnndsl.diagnostics import Diagnostic
from cnndsl.network.elaborate import Elaborator, stem_of
from cnndsl.network.network import Network, Node

_ROUNDED = ("E201", "E202")


class Attempt(NamedTuple):
    """What can be said of a net although it has errors.

    * `network`: the layers before the first error, as a network; None where not even an input
      stands before it
    * `problem`: the first error, in the order in which layers are worked out
    * `node`: the layer in which a size does not come out whole, as if it were rounded down;
      None for other errors
    """

    network: Network | None
    problem: Diagnostic | None
    node: Node | None


def attempt(run: Elaborator, unread: bool = False) -> Attempt:
    """How far the net of a text goes that was run; where it is `unread`, it goes nowhere."""
    if unread:
        return Attempt(None, None, None)
    first = next(iter(run.problems), None)
    network = run.as_far(stem_of(run.source.name), until=run.sound if first else None)
    node = None
    if first is not None and first.code in _ROUNDED and run.sound < len(run.nodes):
        node = run.nodes[run.sound]
    return Attempt(network, first, node)
