"""Rules: what there is to say of a whole network. One rule, one file, one page.

A rule that advises is a module with `find(view)`. It is loaded where the net has one of the
words that the rule speaks of, so that a small net pays for few of them.
"""

from __future__ import annotations

from cnndsl.rules import dead_code

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterator
    from typing import TypeAlias

    from cnndsl.diagnostics import Diagnostic
    from cnndsl.network import Network

    Rule: TypeAlias = "Callable[[Network], Iterator[Diagnostic]]"

ERRORS: dict[str, Rule] = {"E114": dead_code.find}
"""The rules without which a network is none, by their codes: elaboration asks them."""

_KERNELS = "conv dwconv sepconv"
_POOLS = "pool avgpool minpool"

ADVICE: dict[str, tuple[str, str]] = {
    "W101": ("unused_let", "let"),
    "W102": ("unused_param", "param"),
    "W103": ("unused_block", "block"),
    "W104": ("unused_name", "as repeat"),
    "W105": ("unused_parameter", "block"),
    "W106": ("shadowed_name", "let block repeat as"),
}
"""The rules that advise, by their codes: the module, and the words one of which a net must
have for the rule to have anything to say. Layers and activations count as words, and `let`,
`param`, `block`, `repeat`, `if`, `as` and the like where the text has such a statement."""


def errors(network: Network) -> Iterator[Diagnostic]:
    """What makes a network none, rule by rule."""
    for rule in ERRORS.values():
        yield from rule(network)


def advice(network: Network, codes: Container[str]) -> Iterator[Diagnostic]:
    """What the rules of some codes find in a network, rule by rule."""
    from importlib import import_module

    from cnndsl.rules.view import View

    view = View(network)
    for code, (module, words) in ADVICE.items():
        if code in codes and not view.words.isdisjoint(words.split()):
            yield from import_module(f"cnndsl.rules.{module}").find(view)
