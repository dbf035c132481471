"""Syntax tree to checked Network."""

from __future__ import annotations

from cnndsl.network.elaborate import DEFAULT_LIMIT, elaborate
from cnndsl.network.network import Network, Node

__all__ = ["DEFAULT_LIMIT", "Network", "Node", "elaborate"]
