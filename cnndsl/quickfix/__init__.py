"""What would mend a net: edits that are tried before they are offered, and applied."""

from __future__ import annotations

from cnndsl.quickfix.search import CODES, with_quickfixes

__all__ = ["CODES", "with_quickfixes"]
