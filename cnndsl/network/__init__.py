"""Syntax tree to checked Network."""

from __future__ import annotations

from cnndsl.network.elaborate import DEFAULT_LIMIT, Elaborator, elaborate, stem_of
from cnndsl.network.network import Network, Node

__all__ = ["DEFAULT_LIMIT", "Elaborator", "Network", "Node", "elaborate", "stem_of"]
