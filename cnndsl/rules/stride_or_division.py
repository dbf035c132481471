"""W401: strides that look like a division."""

from __future__ import annotations

from cnndsl.diagnostics.diagnostic import Diagnostic, Edit, Fix
from cnndsl.diagnostics.source import Span

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from cnndsl.rules.helpers.view import View


def find(view: View) -> Iterator[Diagnostic]:
    """A `/` that follows the number of filters at once, as in `conv C/2 3x3`.

    After a kernel, `3x3/2`, it is how strides are often written.
    """
    for place in view.places("conv", "sepconv", "deconv"):
        node = place.nodes[0]
        filters, stride = view.written(node, "filters"), view.written(node, "stride")
        if filters is None or stride is None or filters.end != stride.start:
            continue
        text = view.source.text
        count, step = text[filters.start : filters.end], text[stride.start : stride.end]
        yield view.warning(
            "W401",
            place,
            place.nodes,
            f"{place.op}: {node.output[-1]:,} filters at a stride of {step[1:]}, and no division",
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
