"""W311: dropout of nearly everything."""

from __future__ import annotations

from cnndsl.diagnostics import Edit, Fix
from cnndsl.diagnostics.message import Message
from cnndsl.layers import family
from cnndsl.rules.helpers.view import Findings, View

LIMIT = 0.8
"""Srivastava and others, "Dropout" (2014), drop 0.2 to 0.5."""


def find(view: View) -> Findings:
    """Dropout of 0.8 or more: most often the share that is kept was meant."""
    for group in view.select(family("dropout"), lambda layer: layer.rate >= LIMIT):
        rate: float = group.layer.rate
        kept = f"{1 - rate:.4g}"
        span = view.slot(group.first, "rate")
        written = span is not None and view.text(span) == f"{rate:g}"
        fix = Fix(Message("drop {rate}", rate=kept), (Edit(span, kept),)) if span else None
        message = Message(
            "{op}: {dropped:.4g}% are dropped, and {kept:.4g}% are kept",
            op=group.op,
            dropped=100 * rate,
            kept=100 * (1 - rate),
        )
        help_ = Message(
            "write `{op} {kept}` if {rate:g} is the share to keep",
            op=group.op,
            kept=kept,
            rate=rate,
        )
        fixes = (fix,) if fix and written else ()
        yield view.warning(group, message, help_, fixes=fixes, slots=("rate",))
