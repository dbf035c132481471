"""Rules: what there is to say of a whole network. One rule, one file, one page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cnndsl.rules import dead_code

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cnndsl.diagnostics import Diagnostic
    from cnndsl.network import Network

RULES = (dead_code.find,)


def inspect(network: Network) -> Iterator[Diagnostic]:
    """What the rules find in a network, rule by rule."""
    for rule in RULES:
        yield from rule(network)
