"""Rules: what there is to say of a whole network. One rule, one file, one page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cnndsl.rules import dead_code

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterator
    from typing import TypeAlias

    from cnndsl.diagnostics import Diagnostic
    from cnndsl.network import Network

    Rule: TypeAlias = "Callable[[Network], Iterator[Diagnostic]]"

ERRORS: dict[str, Rule] = {"E114": dead_code.find}
"""The rules without which a network is none, by their codes: elaboration asks them."""

ADVICE: dict[str, Rule] = {}
"""The rules that advise, by their codes: asked of a network that is one."""


def errors(network: Network) -> Iterator[Diagnostic]:
    """What makes a network none, rule by rule."""
    for rule in ERRORS.values():
        yield from rule(network)


def advice(network: Network, codes: Container[str]) -> Iterator[Diagnostic]:
    """What the rules of some codes find in a network, rule by rule."""
    for code, rule in ADVICE.items():
        if code in codes:
            yield from rule(network)
