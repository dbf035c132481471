"""W209: pools as large as their map."""

from __future__ import annotations

from cnndsl.diagnostics import Span
from cnndsl.diagnostics.message import Message
from cnndsl.layers.window import Window
from cnndsl.network.words import rewrite
from cnndsl.rules.helpers.view import Findings, View

_GLOBAL = {"pool": "gmp", "avgpool": "gap"}


def find(view: View) -> Findings:
    """Pools with one window that is the whole map, which is more than a pixel.

    A statement of which other pools come that leave more than a pixel is left alone: there
    is nothing else to write there.
    """
    for group in view.select(_GLOBAL, lambda layer: _is_global(layer.windows)):
        if not group.is_all:
            continue
        word = _GLOBAL[group.op]
        kernel = "x".join(str(w.kernel) for w in group.layer.windows)
        statement = view.statement(group.first)
        end = (statement.args[-1] if statement.args else statement.name).span.end
        yield view.warning(
            group,
            Message("{op}: the window of {kernel} is the whole map", op=group.op, kernel=kernel),
            Message(
                "write `{word} keep`, or `{word}` for a vector: it fits every input size", word=word
            ),
            rewrite(Span(statement.span.start, end), f"{word} keep"),
            slots=("kernel",),
        )


def _is_global(windows: tuple[Window, ...]) -> bool:
    return any(w.size > 1 for w in windows) and all(
        w.kernel == w.size and w.output == 1 and not w.begin and not w.end for w in windows
    )
