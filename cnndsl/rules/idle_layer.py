"""W109: layers that change nothing."""

from __future__ import annotations

from cnndsl.diagnostics.message import Message
from cnndsl.layers import LAYERS
from cnndsl.layers.base import show
from cnndsl.rules.helpers.ranges import remove
from cnndsl.rules.helpers.view import Findings, View
from cnndsl.syntax import nodes as ast
from cnndsl.syntax.walk import names


def find(view: View) -> Findings:
    """Layers that give what they get, by the numbers written or by what comes in.

    A number that has a name may be another elsewhere, and is left alone.
    """
    for group in view.select(LAYERS, lambda layer: layer.is_idle()):
        statement = view.statement(group.first)
        if not group.is_all or _has_names(statement):
            continue
        message = Message(
            "{op}: {shape} goes in, and comes out as it was",
            op=group.op,
            shape=show(group.first.output),
        )
        yield view.warning(group, message, Message("remove it"), remove(view, group.first))


def _has_names(statement: ast.Apply) -> bool:
    """Whether an argument is a name, and no flag; or the layer itself, in a block."""
    kind = LAYERS.get(statement.name.id)
    if kind is None:
        return True
    flags = [slot.name for slot in kind.slots if slot.form == "flag"]
    return any(name.id not in flags for argument in statement.args for name in names(argument))
