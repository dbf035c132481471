"""W311: dropout of nearly everything."""

from __future__ import annotations

from cnndsl.diagnostics.diagnostic import Diagnostic, Edit, Fix

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from cnndsl.rules.helpers.view import View


LIMIT = 0.8
"""Srivastava and others, "Dropout" (2014), drop 0.2 to 0.5."""


def find(view: View) -> Iterator[Diagnostic]:
    """Dropout of 0.8 or more: most often the share that is kept was meant."""
    for place, found in view.select(("dropout", "droppath"), lambda layer: layer.rate >= LIMIT):
        rate: float = found[0].layer.rate  # type: ignore[attr-defined]
        kept = f"{1 - rate:.4g}"
        span = view.written(found[0], "rate")
        written = span is not None and view.source.text[span.start : span.end] == f"{rate:g}"
        fixes = (Fix(f"drop {kept}", (Edit(span, kept),)),) if span and written else ()
        yield view.warning(
            "W311",
            place,
            found,
            f"{place.op}: {100 * rate:.4g}% are dropped, and {100 * (1 - rate):.4g}% are kept",
            f"write `{place.op} {kept}` if {rate:g} is the share to keep",
            fixes=fixes,
            slots=("rate",),
        )
