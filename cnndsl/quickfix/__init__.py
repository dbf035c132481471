"""What would mend a net: edits that are tried before they are offered, and applied."""

from __future__ import annotations

from cnndsl.quickfix.search import CODES, cured

__all__ = ["CODES", "cured"]
