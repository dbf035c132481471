"""Syntax tree to checked Network."""

from __future__ import annotations

from cnndsl.network.elaborate import elaborate
from cnndsl.network.expansion import DEFAULT_LIMIT
from cnndsl.network.network import Network, Node

__all__ = ["DEFAULT_LIMIT", "Network", "Node", "elaborate"]
