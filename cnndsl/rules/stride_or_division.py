"""W401: strides that look like a division."""

from __future__ import annotations

from cnndsl.diagnostics import Edit, Fix, Span
from cnndsl.layers import taking
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
        yield view.warning(
            group,
            f"{group.op}: {node.output[-1]:,} filters at a stride of {step[1:]}, and no division",
            f"write `({count}{step})` for the quotient, or a space before the stride",
            fixes=(
                Fix(
                    f"write `{count} {step}`",
                    (Edit(Span(stride.start, stride.start), " "),),
                    safe=True,
                ),
                Fix(
                    f"write `({count}{step})`",
                    (Edit(Span(filters.start, stride.end), f"({count}{step})"),),
                ),
            ),
            slots=("stride",),
        )
