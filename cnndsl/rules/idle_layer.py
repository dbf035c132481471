"""W109: layers that change nothing."""

from __future__ import annotations

from cnndsl.layers.base import show
from cnndsl.rules.helpers.names import names_in
from cnndsl.rules.helpers.ranges import remove

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from cnndsl.diagnostics.diagnostic import Diagnostic
    from cnndsl.rules.helpers.view import View
    from cnndsl.syntax import nodes as ast


def find(view: View) -> Iterator[Diagnostic]:
    """Layers that give what they get, by the numbers written or by what comes in.

    A number that has a name may be another elsewhere, and is left alone.
    """
    for place, found in view.select(_IDLE, lambda layer: _IDLE[layer.op](layer)):
        statement = view.statement(found[0])
        if statement is None or len(found) < len(place.nodes) or _has_names(statement):
            continue
        yield view.warning(
            "W109",
            place,
            found,
            f"{place.op}: {show(found[0].output)} goes in, and comes out as it was",
            "remove it",
            fixes=remove(view, found[0]),
        )


def _has_names(statement: ast.Apply) -> bool:
    words = [name.id for argument in statement.args for name in names_in(argument.value)]
    return any(word not in ("same", "floor", "ceil", "nearest", "bilinear") for word in words)


def _is_pointless(layer: Any) -> bool:
    return all((w.kernel, w.stride, w.begin, w.end) == (1, 1, 0, 0) for w in layer.windows)


_IDLE: dict[str, Callable[[Any], bool]] = {
    **dict.fromkeys(("pool", "avgpool", "minpool"), _is_pointless),
    "up": lambda layer: set(layer.factor) == {1},
    "zeropad": lambda layer: not any(map(sum, layer.pad)),
    "crop": lambda layer: not any(map(sum, layer.crop)),
    "dropout": lambda layer: not layer.rate,
    "droppath": lambda layer: not layer.rate,
    "slice": lambda layer: layer.output == layer.input,
    "shuffle": lambda layer: layer.groups in (1, layer.channels),
    "reshape": lambda layer: layer.output == layer.input,
    "flatten": lambda layer: layer.output == layer.input,
}
