"""W404: blocks that all inputs go into first, each with weights of its own."""

from __future__ import annotations

from cnndsl.diagnostics import Edit, Fix, Span
from cnndsl.diagnostics.message import Message
from cnndsl.network.network import Body, Instance
from cnndsl.network.walk import children
from cnndsl.rules.helpers.view import Findings, View
from cnndsl.syntax import nodes as ast


def find(view: View) -> Findings:
    """Blocks that are no shared ones, and that a net of several inputs gives each of them to.

    Their arguments are equal, and so are the shapes of their weights: with the word `shared`
    they would have one set of them, as a siamese net has.
    """
    inputs = view.network.inputs
    if len(inputs) < 2:
        return
    calls = _calls(view.network.body)
    for block in view.written(ast.Block):
        alike: dict[object, list[Instance]] = {}
        for call in calls:
            if call.block is block and block.mark is None:
                values = [v for name, v in call.arguments.items() if name not in call.tensors]
                alike.setdefault((*values, *map(type, values)), []).append(call)
        for towers in alike.values():
            first = {call.body.input: _weights(view, call) for call in towers}
            kept = [first.get(index) for index in inputs]
            if not kept[0] or any(each != kept[0] for each in kept):
                continue
            fixes: tuple[Fix, ...] = ()
            if len(alike) == 1 and len(towers) == len(inputs):
                start = block.span.start
                edit = Edit(Span(start, start), "shared ")
                fixes = (Fix(Message("write `shared block`"), (edit,)),)
            message = Message(
                "each of the {count} inputs goes into `{block}` first, which has weights of its "
                "own for each",
                count=len(inputs),
                block=block.name.id,
            )
            help_ = Message("write `shared block` if one set of weights is meant for all of them")
            yield view.remark(block.name.span, message, help_, fixes)


def _calls(body: Body) -> list[Instance]:
    """The calls in a file, without those inside of others."""
    found: list[Instance] = []
    stack = [body]
    while stack:
        for item, inner in children(stack.pop()):
            if isinstance(item, Instance):
                found.append(item)
            else:
                stack += inner
    return found


def _weights(view: View, call: Instance) -> list[object]:
    """What the layers of a call keep, and whether it learns."""
    return [
        (node.frozen, [(each.role, each.shape) for each in node.layer.all_weights])
        for node in view.nodes
        if node.instance[:1] == (call.name,) and node.layer.all_weights
    ]
