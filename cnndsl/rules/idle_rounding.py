"""W107: a rounding that rounds nothing."""

from __future__ import annotations

from cnndsl.diagnostics.diagnostic import Diagnostic, Fix
from cnndsl.rules.helpers.edits import without_statement
from cnndsl.rules.helpers.windows import KERNELS, POOLS, windows
from cnndsl.syntax import nodes as ast

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from cnndsl.layers.base import Layer
    from cnndsl.rules.helpers.view import View


def find(view: View) -> Iterator[Diagnostic]:
    """`rounding floor` or `ceil` where every size comes out whole.

    A file with params, or without an input of its own, is meant for other sizes as well. So may
    a layer be that says `floor` or `ceil` itself.
    """
    if "param" in view.words or "input" not in view.statements:
        return
    for statement in view.statements.get("rounding", ()):
        assert isinstance(statement, ast.Rounding)
        mode = statement.mode.id
        if mode == "exact" or next(view.select((*KERNELS, *POOLS), _is_odd), None):
            continue
        edit = without_statement(view, statement.span)
        yield Diagnostic(
            "W107",
            view.source,
            statement.span,
            f"`rounding {mode}` rounds nothing: every size comes out whole",
            "remove it, and a size that does not come out will be told",
            # PyTorch's code says `ceil` of a pool, even where that makes no difference.
            fixes=(Fix("remove it", (edit,), safe=mode == "floor"),),
        )


def _is_odd(layer: Layer) -> bool:
    """Whether a size was rounded, up or down."""
    return any(window.dropped or window.extra for window in windows(layer))
