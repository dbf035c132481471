"""W401: strides that look like a division."""

from __future__ import annotations

from cnndsl.diagnostics import Edit, Fix, Span
from cnndsl.diagnostics.message import Message
from cnndsl.layers import taking
from cnndsl.network.words import rewrite
from cnndsl.rules.helpers.view import Findings, View


def find(view: View) -> Findings:
    """A `/` that follows the number of filters at once, as in `conv C/2 3x3`.

    After a kernel, `3x3/2`, it is how strides are often written.
    """
    for group in view.groups(*taking("filters")):
        node = group.nodes[0]
        filters, stride = view.slot(node, "filters"), view.slot(node, "stride")
        if filters is None or stride is None or filters.end != stride.start:
            continue
        count, step = view.text(filters), view.text(stride)
        apart, quotient = f"{count} {step}", f"({count}{step})"
        message = Message(
            "{op}: {filters:,} filters at a stride of {stride}, and no division",
            op=group.op,
            filters=node.output[-1],
            stride=step[1:],
        )
        help_ = Message(
            "write `{quotient}` for the quotient, or a space before the stride", quotient=quotient
        )
        space = Edit(Span(stride.start, stride.start), " ")
        fix = Fix(Message("write `{text}`", text=apart), (space,), safe=True)
        other = rewrite(Span(filters.start, stride.end), quotient)
        yield view.warning(group, message, help_, fixes=(fix, *other), slots=("stride",))
