"""Arguments in the canonical order of their layer."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

from cnndsl.syntax import nodes
from cnndsl.syntax.nodes import Argument


def sort_arguments(
    call: nodes.Apply,
    order: Callable[[str], Sequence[str] | None],
    activations: Collection[str],
) -> Sequence[Argument]:
    """The arguments of a call as the canonical form writes them.

    What the layer does not know comes last, and any two of a kind stay as they are: a word
    that is no flag may be a variable, so it counts as a positional value.
    """
    if len(call.args) < 2:
        return call.args
    slots = order(call.name.id)
    if slots is None:
        return call.args
    rank = {slot: index for index, slot in enumerate(slots)}

    def slot(argument: Argument) -> str:
        if isinstance(argument, nodes.Stride):
            return "/"
        if isinstance(argument, nodes.Keyword):
            return argument.key.id + "="
        if isinstance(argument.value, nodes.Name):
            word = argument.value.id
            if word in activations and "act" in rank:
                return "act"
            if word in rank and word != "act":
                return word
        return "*"

    return sorted(call.args, key=lambda argument: rank.get(slot(argument), len(rank)))
