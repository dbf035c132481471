"""W302: weighted layers in a row that are together no more than one."""

from __future__ import annotations

from typing import Any

from cnndsl.diagnostics import Fix
from cnndsl.diagnostics.message import Message
from cnndsl.layers import words
from cnndsl.network.network import Node
from cnndsl.rules.helpers.edits import with_argument
from cnndsl.rules.helpers.view import Findings, View

_WEIGHTED = ("conv", "sepconv", "dense")

_LINEAR = frozenset(words(lambda layer: layer.linear))


def find(view: View) -> Findings:
    """Convolutions and dense layers that reach the next one without a non-linearity.

    Left out is what is done on purpose: fewer channels than on both sides (a linear
    bottleneck), depthwise, grouped and transposed convolutions, kernels that share the
    dimensions between them (1x3 and 3x1), what something else reads as well, as a shortcut, and
    what is frozen, and so as it was learned.
    """
    origins = view.origins(_LINEAR, alone=True)
    ends: dict[int, Node] = {}
    for group in view.groups(*_WEIGHTED):
        for node in group.nodes:
            before = node.inputs[0]
            origin = origins[before]
            if (
                origin >= 0
                and view.read_alone(before)
                and not (node.frozen or view.nodes[origin].frozen)
                and _is_one(view.nodes[origin].layer, node.layer)
            ):
                ends[origin] = node
    for group in view.where(_WEIGHTED, lambda node: node.index in ends):
        node, end = group.first, ends[group.first.index]
        where = Message("`{op}` on line {line}", op=end.op, line=view.network.line(end))
        if end.span == node.span:
            where = Message("the next run of this statement")
        between: dict[str, Any] = {"op": group.op, "next": where, "outputs": end.output[-1]}
        message = Message(
            "{op}: no non-linearity before {next}: the two are together one linear function from "
            "{inputs:,} to {outputs:,} channels",
            inputs=node.layer.channels,
            **between,
        )
        if end.inputs[0] != node.index:
            message = Message(
                "{op}: no non-linearity before {next}, with only linear layers between: the two "
                "are together one linear function from {inputs:,} to {outputs:,} channels",
                inputs=node.layer.channels,
                **between,
            )
        fix = Fix(Message("add `relu`"), (with_argument(view.statement(node), "relu"),))
        yield view.warning(
            group,
            message,
            Message("put an activation between them, or leave one of them out"),
            () if "bn" in _between(view, node, end) else (fix,),  # it belongs after it
        )


def _between(view: View, node: Node, end: Node) -> list[str]:
    """The layers between two, by their words."""
    ops, index = [], end.inputs[0]
    while index != node.index:
        ops.append(view.nodes[index].op)
        index = view.nodes[index].inputs[0]
    return ops


def _is_one(first: Any, second: Any) -> bool:
    """Whether one layer could stand for two in a row, and the two save nothing."""
    if first.op not in _WEIGHTED or first.activation is not None:
        return False
    if getattr(first, "groups", 1) > 1 or getattr(second, "groups", 1) > 1:
        return False
    middle = first.output[-1]
    if middle < first.channels and middle < second.output[-1]:
        return False
    one, other = getattr(first, "kernel", ()), getattr(second, "kernel", ())
    if one is None or other is None:  # windows that are not all alike
        return False
    if max(one, default=1) > 1 and max(other, default=1) > 1:
        return not all(min(pair) == 1 for pair in zip(one, other))
    return True
