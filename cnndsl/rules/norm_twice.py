"""W310: normalisations in a row."""

from __future__ import annotations

from cnndsl.rules.helpers.ranges import remove

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from cnndsl.diagnostics.diagnostic import Diagnostic
    from cnndsl.network.network import Node
    from cnndsl.rules.helpers.view import View


def find(view: View) -> Iterator[Diagnostic]:
    """A normalisation that reads the like of it: the second has nothing left to do."""
    for place in view.places("bn", "ln", "gn"):
        found = [node for node in place.nodes if _is_second(view, node)]
        if found:
            before = view.nodes[found[0].inputs[0]]
            yield view.warning(
                "W310",
                place,
                found,
                f"{place.op}: it normalises what `{before.op}` on line "
                f"{view.network.line(before)} has normalised",
                "remove one of the two",
                fixes=remove(view, found[0]),
            )


def _is_second(view: View, node: Node) -> bool:
    before = view.nodes[node.inputs[0]].layer
    groups = getattr(before, "groups", None)
    return before.op == node.op and groups == getattr(node.layer, "groups", None)
