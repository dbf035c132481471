"""An edit that may mend an error: what it changes, and how likely it is what was meant."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from cnndsl.diagnostics import Edit, Span
from cnndsl.diagnostics.message import Message
from cnndsl.layers import Layer
from cnndsl.layers.values import Pair, show_value
from cnndsl.network.evaluation import Evaluation
from cnndsl.quickfix.sites import Literal, Owner, Site, argument, literal
from cnndsl.syntax import nodes as ast

KINDS = (
    "order",  # the input's sizes, of which the channels seem to come first
    "match",  # a path of a merge gets the stride of another, or a pool, or is enlarged
    "agree",  # layers side by side round in the same way
    "project",  # a 1x1 convolution in a path that has no weights
    "width",  # the filters of the short path of a merge
    "sizes",  # an input of which a net that goes down and up again loses nothing
    "like",  # near the error, a value that another layer of the word has
    "floor",  # pixels that are over are left out, here
    "rounding",  # … in the whole file; or a window more looks at them
    "padding",  # pixels put around
    "same",  # pixels put around, at all layers
    "padded",  # more pixels put around, or on one side
    "alike",  # as `like`, further away
    "window",  # a pool's kernel, any stride: no weights
    "weights",  # a convolution's kernel, filters, groups
    "layers",  # other layers
    "input",  # the input's size
    "turns",  # fewer turns of a loop, one halving less
    "far",  # the input's size, to one that is not `near`
    "loses",  # a part of the tensor is cut off
)
"""What an edit changes: what is more likely meant comes first, and then the least change."""

_EARLIER = {
    # A map is too small: it was halved too often, or every layer took its border off.
    "E203": ("order", "padding", "same", "turns"),
    "E301": ("order", "like", "padding", "same", "turns"),
    "E206": ("order", "match", "agree", "project", "width", "sizes", "padding", "same"),
}
"""For some errors, the kinds that come before the others."""

_GROUPS = {
    "floor": "padding",
    "rounding": "padding",
    "padding": "padding",
    "same": "padding",
    "padded": "padding",
    "far": "input",
    "sizes": "input",
}

_LATE = ("dilation", "groups", "mult", "nobias", "floor", "ceil", "countpad")


class Cost(NamedTuple):
    """How much an edit changes, compared from the first part to the last.

    * `rank`: how likely its kind is meant, for the error that it is to mend
    * `amount`: by how much the numbers change, added up; a number that becomes a size of
      several counts as one more, and so does a word
    * `distance`: how many layers lie between the edit and the error
    * `place`, `text`: where it stands and what it writes, so that no two cost the same
    """

    rank: int
    amount: int
    distance: int
    place: int
    text: str


class Candidate(NamedTuple):
    """Edits that belong together, and what they cost.

    `owner` is the statement that is changed, where it is one; `word` says more of the edit
    where its title needs it, and `title` is all of it where there is no other way. Of a `group`,
    which are alternatives to one another, the best is offered.
    """

    cost: Cost
    edits: tuple[Edit, ...]
    kind: str
    group: str
    owner: Owner | None = None
    word: str = ""
    title: Message | None = None


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


def make(
    kind: str,
    amount: int,
    distance: int,
    edit: Edit | tuple[Edit, ...],
    owner: Owner | None = None,
    word: str = "",
    *,
    group: str = "",
    title: Message | None = None,
) -> Candidate:
    """A candidate of a kind."""
    edits = (edit,) if isinstance(edit, Edit) else edit
    cost = Cost(KINDS.index(kind), amount, distance, edits[0].span.start, edits[0].text)
    return Candidate(cost, edits, kind, group or _GROUPS.get(kind, kind), owner, word, title)


def intent(candidate: Candidate) -> str:
    """What a fix says of itself where it may not be what was meant; see `Fix`."""
    if candidate.kind == "loses" or candidate.word == "gap":
        return "loses"
    return "data" if candidate.kind == "far" else ""


def ranked(code: str, found: Iterable[Candidate]) -> list[Candidate]:
    """Candidates for an error, what is most likely meant first; each edit once."""
    first = _EARLIER.get(code, ())
    order = [*first, *(kind for kind in KINDS if kind not in first)]
    costs = [each._replace(cost=each.cost._replace(rank=order.index(each.kind))) for each in found]
    costs.sort(key=lambda each: (each.cost, each.edits))
    unique: dict[tuple[Edit, ...], Candidate] = {}
    for each in costs:
        unique.setdefault(each.edits, each)
    return [*unique.values()]


def add_word(
    statement: ast.Apply, word: str, *, late: bool = False, before: tuple[str, ...] = ()
) -> Edit:
    """Put a word among the arguments: last, or else where the canonical form has a padding.

    `before` names what it stands before, too.
    """
    at = statement.args[-1].span.end if statement.args else statement.name.span.end
    if not late:
        for last, argument_ in zip([statement.name, *statement.args], statement.args):
            value = argument_.value
            name = value.id if isinstance(value, ast.Name) else ""
            key = argument_.key.id if isinstance(argument_, ast.Keyword) else name
            if key in (*before, *_LATE) and not isinstance(argument_, ast.Stride):
                at = last.span.end
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
