"""W301: biases that a normalisation of each channel takes away again."""

from __future__ import annotations

from cnndsl.diagnostics import Fix
from cnndsl.diagnostics.message import Message
from cnndsl.layers import taking
from cnndsl.network.network import Node
from cnndsl.rules.helpers.edits import with_argument
from cnndsl.rules.helpers.view import Findings, View

_NORMS = {"bn": Message("batch normalisation"), "inorm": Message("instance normalisation")}
"""The normalisations that subtract a mean of each channel."""


def find(view: View) -> Findings:
    """Layers with a bias and no activation that a normalisation reads, and nothing else, which
    subtracts the mean of each channel, and the bias with it.

    What summand is wanted is its own. What is frozen is as it was learned, and stays so.
    """
    for group in view.where(taking("nobias"), lambda node: _loses_its_bias(view, node)):
        count = group.layer.biases
        norm = _NORMS[view.nodes[view.users[group.first.index][0]].op]
        message = Message(
            "{op}: the {norm} after it takes its {count:,} biases away again",
            op=group.op,
            norm=norm,
            count=count,
        )
        if count == 1:
            message = Message(
                "{op}: the {norm} after it takes its bias away again", op=group.op, norm=norm
            )
        help_ = Message("write `nobias`")
        fix = Fix(help_, (with_argument(view.statement(group.first), "nobias"),))
        yield view.warning(group, message, help_, (fix,))


def _loses_its_bias(view: View, node: Node) -> bool:
    users, layer = [view.nodes[index] for index in view.users[node.index]], node.layer
    if layer.nobias or layer.activation or node.index in view.outputs:  # type: ignore[attr-defined]
        return False
    if node.frozen or any(user.frozen for user in users):
        return False
    return bool(users) and all(user.op in _NORMS for user in users)
