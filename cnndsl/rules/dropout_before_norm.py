"""W309: dropout right before batch normalisation."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from cnndsl.diagnostics.diagnostic import Diagnostic
    from cnndsl.rules.helpers.view import View


_PASSIVE = frozenset(("flatten", "reshape", "crop", "shuffle", "slice", "relu", "leaky_relu"))


def find(view: View) -> Iterator[Diagnostic]:
    """Dropout that changes the variance which batch normalisation learns while training.

    Li, Chen, Hu and Yang, "Understanding the disharmony between dropout and batch
    normalization by variance shift" (2019).
    """
    origins = view.origins(_PASSIVE)
    dropped = {
        origins[node.inputs[0]]: node
        for place in view.places("bn")
        for node in place.nodes
        if view.nodes[origins[node.inputs[0]]].op == "dropout"
    }
    for place in view.places("dropout"):
        found = [node for node in place.nodes if node.index in dropped and node.layer.rate]  # type: ignore[attr-defined]
        if found:
            line = view.network.line(dropped[found[0].index])
            rate: float = found[0].layer.rate  # type: ignore[attr-defined]
            yield view.warning(
                "W309",
                place,
                found,
                f"dropout: `bn` on line {line} keeps the variance of training, which is at least "
                f"{1 / (1 - rate):.3g} times that of use",
                "put it after the last batch normalisation",
            )
