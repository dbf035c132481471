"""W303: softmax before a layer with weights."""

from __future__ import annotations

from cnndsl.diagnostics.message import Message
from cnndsl.layers import family
from cnndsl.network.network import Node
from cnndsl.rules.helpers.ranges import CARRYING, shares
from cnndsl.rules.helpers.view import Findings, View

_WEIGHTED = family("conv", "dense")
_PASSING = CARRYING.union(family("norm", "scaling"))


def find(view: View) -> Findings:
    """A softmax whose result a convolution or a dense layer reads.

    A softmax that a merge reads is a gate, and what comes after a merge is left alone; so is
    one over space, which points at places.
    """
    origins = view.origins(_PASSING)
    ends: dict[int, Node] = {}
    for group in view.groups(*_WEIGHTED):
        for node in group.nodes:
            ends.setdefault(origins[node.inputs[0]], node)
    for group in view.where(
        (*_WEIGHTED, "softmax"), lambda node: node.index in ends and shares(node)
    ):
        end = ends[group.first.index]
        message = Message(
            "softmax: `{op}` on line {line} works on its {count:,} shares, which add up to 1",
            op=end.op,
            line=view.network.line(end),
            count=group.first.output[-1],
        )
        help_ = Message("take `relu` or another activation here, and softmax at the end of the net")
        yield view.warning(group, message, help_, slots=("activation",))
