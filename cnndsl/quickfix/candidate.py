"""An edit that may mend a net, and how much it changes.

Another size of the input is a small change only while it is near the present one: within a quarter
of it in each dimension, or 8 pixels where that is more. A net for 32x32 pixels with which only
1x1 comes out has its mistake somewhere else; such a size is named where nothing else helps.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from cnndsl.diagnostics import Edit, Span
from cnndsl.layers import Layer
from cnndsl.layers.values import Pair, show_value
from cnndsl.quickfix.evaluation import Evaluation
from cnndsl.quickfix.sites import Literal, Owner, Site, argument, literal
from cnndsl.syntax import nodes as ast

KINDS = (
    "order",  # the input's sizes, of which the channels seem to come first
    "floor",  # pixels that are over are left out, here
    "rounding",  # … in the whole file; or a window more looks at them
    "padding",  # pixels put around
    "input",  # the input's size
    "window",  # a pool's kernel, any stride: no weights
    "weights",  # a convolution's kernel, filters, groups
    "layers",  # other layers, or another number of them
    "far",  # the input's size, to one that is not `near`
)
"""What an edit changes, the least change first."""

GROUPS = {
    "order": 6,
    "floor": 0,
    "rounding": 0,
    "padding": 0,
    "input": 1,
    "far": 1,
    "window": 2,
    "weights": 3,
}
"""Kinds that are alternatives to one another: of each group the best is offered."""

NEAR = 8
"""How many pixels of another size of the input are near in any case; see `near`."""

_LATE = ("dilation", "groups", "mult", "nobias", "floor", "ceil", "countpad")


class Cost(NamedTuple):
    """How much an edit changes, compared from the first part to the last.

    * `kind`: the index in `KINDS`
    * `amount`: by how much the numbers change, added up; a number that becomes a size of
      several counts as one more, and so does a word
    * `distance`: how many layers lie between the edit and the error
    * `place`, `text`: where it stands and what it writes, so that no two cost the same
    """

    kind: int
    amount: int
    distance: int
    place: int
    text: str


class Candidate(NamedTuple):
    """Edits that belong together, and what they cost.

    `owner` is the statement that is changed, where it is one; `word` says more of the edit
    where its title needs it.
    """

    cost: Cost
    edits: tuple[Edit, ...]
    owner: Owner | None
    word: str = ""

    @property
    def kind(self) -> str:
        return KINDS[self.cost.kind]

    @property
    def group(self) -> int:
        return GROUPS.get(self.kind, 4 + (self.word == "gap"))


class Remaining(NamedTuple):
    """What is wrong after an edit that mends one error: `known` errors that were there before,
    and the codes of new ones with their places, as offsets before the edit."""

    known: int
    new: tuple[tuple[str, int], ...]


class QuickFix(NamedTuple):
    """An edit that was tried, and what came of it; `remaining` is None where all is valid."""

    candidate: Candidate
    outcome: Evaluation
    remaining: Remaining | None = None


def near(size: Sequence[int], shape: Sequence[int]) -> bool:
    """Whether a size is within a quarter of another in each dimension, or within `NEAR`."""
    return all(abs(a - b) <= max(NEAR, b // 4) for a, b in zip(size, shape))


def make(
    kind: str,
    amount: int,
    site: Site,
    edits: tuple[Edit, ...],
    owner: Owner | None,
    word: str = "",
) -> Candidate:
    """A candidate of a kind, at a place."""
    cost = Cost(KINDS.index(kind), amount, site.distance, edits[0].span.start, edits[0].text)
    return Candidate(cost, edits, owner, word)


def add_word(statement: ast.Apply, word: str, *, late: bool = False) -> Edit:
    """Put a word among the arguments: last, or else where the canonical form has a padding."""
    at = statement.args[-1].span.end if statement.args else statement.name.span.end
    if not late:
        for before, argument_ in zip([statement.name, *statement.args], statement.args):
            value = argument_.value
            name = value.id if isinstance(value, ast.Name) else ""
            key = argument_.key.id if isinstance(argument_, ast.Keyword) else name
            if key in _LATE and not isinstance(argument_, ast.Stride):
                at = before.span.end
                break
    return Edit(Span(at, at), f" {word}")


def sized(value: Any, rank: int) -> tuple[Any, ...]:
    """A value for each dimension."""
    if isinstance(value, tuple) and not isinstance(value, Pair):
        return value if len(value) == rank else (value[0],) * rank
    return (value,) * rank


def shown(values: tuple[Any, ...], *, single: bool) -> str:
    """A value for each dimension as one writes it; `single` takes one number where it can."""
    if len(values) == 1 or (single and len(set(values)) == 1):
        return show_value(values[0])
    return show_value(values)


def literal_of(outcome: Evaluation, site: Site, layer: type[Layer], slot: str) -> Literal | None:
    """The number or size that an argument of a layer takes its value from."""
    if slot not in {each.name for each in layer.slots}:
        return None
    given = argument(site.statement, layer, slot)
    if given is None:
        return None
    return literal(outcome.module, given.value, site.calls, site.statement)
