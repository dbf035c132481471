"""W108: merges of a tensor with itself."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from cnndsl.diagnostics.diagnostic import Diagnostic
    from cnndsl.network.network import Node
    from cnndsl.rules.helpers.view import View


_MERGES = ("add", "concat", "maximum", "average")
_RANDOM = frozenset(("dropout", "droppath", "input"))


def find(view: View) -> Iterator[Diagnostic]:
    """Merges of which two paths compute the same, having no weights that could differ.

    The product of a tensor with itself is its square, which there is no other word for.
    """
    same = None
    for place in view.places(*_MERGES):
        if same is None:
            same = _values(view)
        found = [node for node in place.nodes if _twins(node, same) is not None]
        if found:
            twins = _twins(found[0], same)
            assert twins is not None
            yield view.warning(
                "W108",
                place,
                found,
                f"{place.op}: paths {twins[0] + 1} and {twins[1] + 1} compute the same",
                _HELP[place.op],
            )


_HELP = {
    "add": "remove one of them; if twice the value is meant, learn the factor: `scale init=2`",
    "concat": "remove one of them: the channels stand there twice",
    "maximum": "remove one of them: the maximum of equals is either",
    "average": "remove one of them: the average of equals is either",
}


def _twins(node: Node, same: list[int]) -> tuple[int, int] | None:
    """The first two inputs that are the same value."""
    first: dict[int, int] = {}
    for path, index in enumerate(node.inputs):
        other = first.setdefault(same[index], path)
        if other != path:
            return other, path
    return None


def _values(view: View) -> list[int]:
    """For each node, the first that computes the same.

    What has weights, or draws at random, is like nothing else. Equal layers on equal shapes
    are one object; merges are known by their word.
    """
    known: dict[tuple[object, ...], int] = {}
    values: list[int] = []
    for node in view.nodes:
        layer = node.layer
        value = node.index
        if not layer.all_weights and layer.op not in _RANDOM:
            what = layer.op if len(node.inputs) > 1 else id(layer)
            value = known.setdefault((what, *(values[i] for i in node.inputs)), value)
        values.append(value)
    return values
