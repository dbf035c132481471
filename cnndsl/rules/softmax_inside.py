"""W303: softmax before a layer with weights."""

from __future__ import annotations

from cnndsl.rules.helpers.ranges import CARRYING, activation

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from cnndsl.diagnostics.diagnostic import Diagnostic
    from cnndsl.network.network import Node
    from cnndsl.rules.helpers.view import View


_PASSING = CARRYING | {"bn", "ln", "gn", "scale", "lrn"}


def find(view: View) -> Iterator[Diagnostic]:
    """A softmax whose result a convolution or a dense layer reads.

    A softmax that a merge reads is a gate, and what comes after a merge is left alone.
    """
    origins = view.origins(_PASSING)
    ends: dict[int, Node] = {}
    for place in view.places(*_WEIGHTED):
        for node in place.nodes:
            ends.setdefault(origins[node.inputs[0]], node)
    for place in view.places(*_ENDING):
        found = [n for n in place.nodes if n.index in ends and activation(n) == "softmax"]
        if found:
            end = ends[found[0].index]
            yield view.warning(
                "W303",
                place,
                found,
                f"softmax: `{end.op}` on line {view.network.line(end)} works on its "
                f"{found[0].output[-1]:,} shares, which add up to 1",
                "take `relu` or another activation here, and softmax at the end of the net",
                slots=("activation",),
            )


_WEIGHTED = ("conv", "dwconv", "sepconv", "deconv", "dense")
_ENDING = (*_WEIGHTED, "softmax")
