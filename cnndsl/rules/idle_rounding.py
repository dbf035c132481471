"""W107: a rounding that rounds nothing."""

from __future__ import annotations

from cnndsl.diagnostics.message import Message
from cnndsl.layers import taking
from cnndsl.rules.helpers.edits import removal
from cnndsl.rules.helpers.view import Findings, View
from cnndsl.syntax import nodes as ast


def find(view: View) -> Findings:
    """`rounding floor` or `ceil` where every size comes out whole.

    A file with params, or without an input of its own, is meant for other sizes as well. So may
    a layer be that says `floor` or `ceil` itself.
    """
    if "param" in view.words or ast.Input not in view.statements:
        return
    for statement in view.written(ast.Rounding):
        mode = statement.mode.id
        rounded = view.select(taking("floor"), lambda layer: layer.is_rounded)
        if mode == "exact" or any(rounded):
            continue
        yield view.remark(
            statement.span,
            Message("`rounding {mode}` rounds nothing: every size comes out whole", mode=mode),
            Message("remove it, and a size that does not come out will be told"),
            # PyTorch's code says `ceil` of a pool, even where that makes no difference.
            removal(view, statement.span, safe=mode == "floor"),
        )
