"""E114: layers and inputs whose results nothing uses."""

from __future__ import annotations

from collections.abc import Iterator

from cnndsl.diagnostics import Diagnostic
from cnndsl.diagnostics.message import Message
from cnndsl.network.network import Network


def find(network: Network) -> Iterator[Diagnostic]:
    """The ends of the paths that lead to no output."""
    users = network.users()
    outputs = set(network.outputs.values())
    for node in network.nodes:
        if not users[node.index] and node.index not in outputs:
            message = Message("the result of this is never used")
            if node.op == "input":
                message = Message("this input is never used")
            help_ = Message(
                "remove it, or merge it with the rest: name it with `as`, and `from` that name in "
                "a path"
            )
            yield Diagnostic("E114", network.source, node.span, message, help_)
