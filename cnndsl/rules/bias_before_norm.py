"""W301: biases that a batch normalisation takes away again."""

from __future__ import annotations

from cnndsl.diagnostics.diagnostic import Diagnostic, Fix
from cnndsl.rules.helpers.edits import with_argument

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from cnndsl.network.network import Node
    from cnndsl.rules.helpers.view import View


def find(view: View) -> Iterator[Diagnostic]:
    """Layers with a bias and no activation that batch normalisation reads, and nothing else.

    It subtracts the mean of each channel, and the bias with it; its own summand does the work.
    """
    for place, biased in view.select(
        ("conv", "dwconv", "sepconv", "deconv", "dense"),
        lambda layer: not layer.nobias and layer.activation is None,
    ):
        found = [node for node in biased if _is_normalised(view, node)]
        if found:
            count = found[0].layer.biases
            statement = view.statement(found[0])
            assert statement is not None
            yield view.warning(
                "W301",
                place,
                found,
                f"{place.op}: the batch normalisation after it takes its {count:,} biases away "
                "again",
                "write `nobias`",
                fixes=(Fix("write `nobias`", (with_argument(statement, "nobias"),)),),
            )


def _is_normalised(view: View, node: Node) -> bool:
    users = view.users[node.index]
    if node.index in view.outputs or not users:
        return False
    return all(view.nodes[index].op == "bn" for index in users)
