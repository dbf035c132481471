"""W107: a rounding that rounds nothing."""

from __future__ import annotations

from cnndsl.diagnostics.diagnostic import Diagnostic, Fix
from cnndsl.rules.edits import without_argument, without_statement
from cnndsl.rules.windows import KERNELS, POOLS, windows
from cnndsl.syntax import nodes as ast

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from cnndsl.layers.base import Layer
    from cnndsl.rules.view import View


def find(view: View) -> Iterator[Diagnostic]:
    """`rounding floor`, and flags of layers, where every size comes out whole.

    A file with params, or without an input of its own, is meant for other sizes as well.
    """
    if "param" in view.words or "input" not in view.statements:
        return
    ops = (*KERNELS, *POOLS)
    odd = {id(node.layer) for _, nodes in view.select(ops, _is_odd) for node in nodes}
    for statement in view.statements.get("rounding", ()):
        assert isinstance(statement, ast.Rounding)
        mode = statement.mode.id
        if mode != "exact" and not odd:
            edit = without_statement(view, statement.span)
            yield Diagnostic(
                "W107",
                view.source,
                statement.span,
                f"`rounding {mode}` rounds nothing: every size comes out whole",
                "remove it, and a size that does not come out will be told",
                fixes=(Fix("remove it", (edit,), safe=mode == "floor"),),
            )
    for place, found in view.select(ops, lambda layer: bool(_flag(layer))):
        if any(id(node.layer) in odd for node in place.nodes) or len(found) < len(place.nodes):
            continue
        flag = _flag(found[0].layer)
        span = view.written(found[0], flag)
        # PyTorch's code says `ceil` of a pool, even where that makes no difference.
        safe = flag == "floor" and view.network.rounding != "ceil"
        if span is not None and view.source.text[span.start : span.end] == flag:
            yield view.warning(
                "W107",
                place,
                found,
                f"{place.op}: `{flag}` rounds nothing: every size comes out whole",
                "remove it, and a size that does not come out will be told",
                fixes=(Fix("remove it", (without_argument(view.source, span),), safe=safe),),
                slots=(flag,),
            )


def _flag(layer: Layer) -> str:
    return "floor" if layer.floor else "ceil" if layer.ceil else ""  # type: ignore[attr-defined]


def _is_odd(layer: Layer) -> bool:
    """Whether a size was rounded, up or down."""
    return any(window.dropped or window.extra for window in windows(layer))
