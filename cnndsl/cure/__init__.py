"""What would mend a net: edits that are tried before they are offered, and applied."""

from __future__ import annotations
