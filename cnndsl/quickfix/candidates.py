"""The edits that may mend an error, by how little they change. None has been tried yet.

Another size of the input is a small change only while it is near the present one: within a quarter
of it in each dimension, or 8 pixels where that is more. A net for 32x32 pixels with which only
1x1 comes out has its mistake somewhere else; such a size is named where nothing else helps.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from cnndsl.diagnostics import Edit, Span
from cnndsl.layers import LAYERS, Layer
from cnndsl.layers.base import product
from cnndsl.layers.pool import Pool
from cnndsl.layers.values import Pair, show_value
from cnndsl.network.evaluation import Evaluation, ShapeError
from cnndsl.quickfix.sites import Literal, Owner, Site, argument, layers, literal, path
from cnndsl.syntax import nodes as ast
from cnndsl.syntax.walk import statements

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

MAX_PATHS = 12
"""Of how many paths of a merge others are looked for."""

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
    kind: str, amount: int, distance: int, edit: Edit, owner: Owner | None = None, word: str = ""
) -> Candidate:
    """A candidate of a kind, of one edit."""
    cost = Cost(KINDS.index(kind), amount, distance, edit.span.start, edit.text)
    return Candidate(cost, (edit,), owner, word)


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


def candidates(outcome: Evaluation, error: ShapeError) -> list[Candidate]:
    """All edits that may mend an error, the cheapest first; the input's size apart."""
    found = [*_rounding_of_the_file(outcome, error)]
    sites = path(outcome, error)
    for site in sites:
        layer = LAYERS.get(site.statement.name.id)
        if layer is None:
            continue
        here = site.distance == 0
        if here and error.code in ("E201", "E202"):
            found += _rounding(site, layer)
        if error.code in ("E201", "E202", "E203", "E206") and error.axes:
            found += other_windows(outcome, error, site, layer)
        if error.code == "E205":
            found += divisors(outcome, error, site, layer)
        if here:
            found += _here(outcome, error, site, layer)
    if error.code in ("E201", "E202", "E203"):
        found += _repeats(outcome, error, sites)
    if error.code == "E206":
        found += other_channels(outcome, error)
        found += cropped(outcome, error)
    unique = {each.edits: each for each in sorted(found, key=lambda each: each.cost, reverse=True)}
    return sorted(unique.values(), key=lambda each: each.cost)


def _rounding(site: Site, layer: type[Layer]) -> Iterator[Candidate]:
    statement = site.statement
    if argument(statement, layer, "floor") or argument(statement, layer, "ceil"):
        return
    for word, kind, amount in (("floor", "floor", 1), ("ceil", "rounding", 2)):
        edit = add_word(statement, word, late=True)
        yield make(kind, amount, site.distance, edit, statement, word)


def _rounding_of_the_file(outcome: Evaluation, error: ShapeError) -> Iterator[Candidate]:
    if error.code not in ("E201", "E202"):
        return
    module, text = outcome.module, outcome.source.text
    first = module.statements[0]
    declared = next((s for s in module.statements if isinstance(s, ast.Rounding)), None)
    if declared is not None:
        edit = Edit(declared.mode.span, "floor")
    elif isinstance(first, ast.Net):
        end = text.find("\n", first.span.end)
        end = len(text) if end < 0 else end
        newline = "\r\n" if text[:end].endswith("\r") else "\n"
        end -= len(newline) - 1
        following = text[first.span.end : end].strip()
        if following and not following.startswith("#"):
            edit = Edit(Span(first.span.end, first.span.end), "; rounding floor")
        else:
            edit = Edit(Span(end, end), f"{newline}rounding floor")
    else:
        start = first.span.start
        line = outcome.source.line_start(start)
        newline = "\r\n" if "\r\n" in text else "\n"
        edit = Edit(Span(line, line), f"rounding floor{newline}")
    yield make("rounding", 1, 0, edit, None, "rounding floor")


def _here(
    outcome: Evaluation, error: ShapeError, site: Site, layer: type[Layer]
) -> Iterator[Candidate]:
    """What mends a layer that wants another kind of tensor, or another number of values."""
    statement = site.statement
    start = Span(statement.span.start, statement.span.start)
    if error.code == "E204" and statement.name.id == "dense":
        for number, word in enumerate(("flatten", "gap"), 1):
            yield make("layers", number, site.distance, Edit(start, f"{word}; "), statement, word)
    elif error.code == "E207":
        found = literal_of(outcome, site, layer, "shape")
        if found is None:
            return
        sizes = found.value if isinstance(found.value, tuple) else (found.value,)
        if not all(isinstance(size, int) and size > 0 for size in sizes):
            return
        for axis, size in enumerate(sizes):
            value = product(error.shape) // (product(sizes) // size)
            if value and value != size:
                new = tuple(value if i == axis else each for i, each in enumerate(sizes))
                edit = Edit(found.span, shown(new, single=False))
                yield make("layers", abs(value - size), site.distance, edit, found.owner)


def _repeats(outcome: Evaluation, error: ShapeError, sites: list[Site]) -> Iterator[Candidate]:
    """Fewer turns of the loops around what leads to the error."""
    for statement in statements(outcome.module.statements):
        if not isinstance(statement, ast.Repeat) or not isinstance(statement.count, ast.Number):
            continue
        inside = [
            site
            for site in sites
            if any(
                statement.body.span.start <= each.span.start < statement.body.span.end
                for each in (site.statement, *site.calls)
            )
        ]
        count = statement.count.value
        for less in (1, 2) if inside and isinstance(count, int) else ():
            if count - less > 0:
                edit = Edit(statement.count.span, str(count - less))
                yield make("layers", less, inside[0].distance, edit, statement)


def other_windows(
    outcome: Evaluation, error: ShapeError, site: Site, layer: type[Layer]
) -> Iterator[Candidate]:
    """Other kernels, strides and paddings of a layer with a window."""
    names = {slot.name for slot in layer.slots}
    rank = len(site.shape) - 1
    if "kernel" not in names or rank < 1:
        return
    pool = issubclass(layer, Pool)
    axes = [axis for axis in error.axes if axis < rank]
    found = literal_of(outcome, site, layer, "kernel")
    if found is not None:
        sizes = sized(found.value, rank)
        least = 2 if pool else 1
        steps: list[tuple[int, ...]] = [(delta,) * rank for delta in (1, -1, 2, -2)]
        steps += [_only(axes, delta, rank) for delta in (1, -1, 2, -2)]
        plain = not any(isinstance(each, Pair) for each in sizes)
        if error.code == "E203" and site.distance == 0 and plain:
            # The largest kernel that fits.
            fit = [min(0, site.shape[axis] - sizes[axis]) for axis in range(rank)]
            steps += [tuple(fit), (min(fit),) * rank]
        kind = "window" if pool else "weights"
        yield from _other(found, rank, steps, least, kind, site)
    found = literal_of(outcome, site, layer, "stride")
    given = argument(site.statement, layer, "stride")
    if found is not None and given is not None:
        steps = [(delta,) * rank for delta in (1, -1)]
        steps += [_only(axes, delta, rank) for delta in (1, -1)]
        for each in _other(found, rank, steps, 1, "window", site):
            if each.cost.text == "1" and not pool and found.owner is site.statement:
                # A stride of 1 need not be declared.
                before = outcome.source.text[: given.span.start]
                edit = Edit(Span(len(before.rstrip(" ")), given.span.end), "")
                each = each._replace(edits=(edit,))
            yield each
    if argument(site.statement, layer, "same") is None:
        yield from _paddings(outcome, site, layer, axes, rank)


def _paddings(
    outcome: Evaluation, site: Site, layer: type[Layer], axes: list[int], rank: int
) -> Iterator[Candidate]:
    statement = site.statement
    pad = argument(statement, layer, "pad")
    if pad is None:
        yield make("padding", 1, site.distance, add_word(statement, "same"), statement)
        tries: list[tuple[int, tuple[Any, ...]]] = [
            (2, (1,) * rank),
            (2, tuple(Pair(0, int(axis in axes)) for axis in range(rank))),
            (3, _only(axes, 1, rank)),
            (4, (2,) * rank),
        ]
        for amount, values in tries:
            edit = add_word(statement, f"pad={shown(values, single=True)}")
            yield make("padding", amount, site.distance, edit, statement)
        return
    yield make("padding", 3, site.distance, Edit(pad.span, "same"), statement)
    found = literal_of(outcome, site, layer, "pad")
    if found is None:
        return
    for delta in (1, -1, 2, -2):
        for chosen in (range(rank), axes):
            value = [*sized(found.value, rank)]
            for axis in chosen:
                old = value[axis]
                one = isinstance(old, Pair)
                value[axis] = Pair(old.begin, old.end + delta) if one else old + delta
            ends = [end for each in value for end in (each if isinstance(each, Pair) else (each,))]
            if min(ends) >= 0:
                edit = Edit(found.span, shown(tuple(value), single=isinstance(found.value, int)))
                amount = abs(delta) * len([*chosen])
                yield make("padding", amount, site.distance, edit, found.owner)


def _only(axes: list[int], delta: int, rank: int) -> tuple[int, ...]:
    return tuple(delta if axis in axes else 0 for axis in range(rank))


def _other(
    found: Literal, rank: int, steps: list[tuple[int, ...]], least: int, kind: str, site: Site
) -> Iterator[Candidate]:
    """A number or size with other values: the old ones and a step for each dimension."""
    old = sized(found.value, rank)
    for step in [] if any(isinstance(each, Pair) for each in old) else steps:
        new = tuple(value + delta for value, delta in zip(old, step))
        if new == old or min(new) < least:
            continue
        amount = sum(map(abs, step))
        if isinstance(found.value, int) and len(set(step)) == 1:
            amount = abs(step[0])
        elif len(set(old)) == 1 and len(set(new)) > 1:
            amount += 1
        edit = Edit(found.span, shown(new, single=isinstance(found.value, int)))
        yield make(kind, amount, site.distance, edit, found.owner)


def divisors(
    outcome: Evaluation, error: ShapeError, site: Site, layer: type[Layer]
) -> Iterator[Candidate]:
    """Groups that divide the channels, and channels that divide into the groups."""
    statement = error.statement
    own = LAYERS.get(statement.name.id)
    if own is None:
        return  # a word that stands for a layer
    itself = site._replace(statement=statement, calls=error.calls)
    groups = literal_of(outcome, itself, own, "groups")
    if groups is None or not isinstance(groups.value, int) or groups.value < 1:
        return
    if site.distance == 0:
        channels = error.shape[-1]
        for value in range(max(1, groups.value - 64), groups.value + 65):
            if channels % value == 0 and value != groups.value:
                yield _number("weights", groups, value, site.distance)
    filters = literal_of(outcome, site, layer, "filters")
    if filters is None or not isinstance(filters.value, int):
        return
    down = filters.value // groups.value * groups.value
    for value in (down, down + groups.value):
        if value and value != filters.value:
            yield _number("weights", filters, value, site.distance)


def _number(kind: str, found: Literal, value: int, distance: int) -> Candidate:
    """Another value of a number."""
    edit = Edit(found.span, str(value))
    return make(kind, abs(value - found.value), distance, edit, found.owner)


def other_channels(outcome: Evaluation, error: ShapeError) -> Iterator[Candidate]:
    """Paths of a merge with the channels, and the size, of another one."""
    shapes = [outcome.nodes[index].output for index in error.inputs[:MAX_PATHS]]
    paths = error.statement.paths or ()
    for number, shape in enumerate(shapes):
        others = {each for each in shapes if each != shape and len(each) == len(shape)}
        filters = _filters(outcome, error.inputs[number]) if others else None
        for wanted in sorted(others):
            body = paths[number]
            words = [s.name.id for s in body.statements if isinstance(s, ast.Apply)]
            strides = tuple(-(-a // b) for a, b in zip(shape[:-1], wanted[:-1]))
            alone = len(words) == len(body.statements) and all(word == "skip" for word in words)
            fillings: list[tuple[int, str]] = []
            if alone and error.calls:
                fillings += enumerate(_shortcuts(outcome, paths), 3)
            if alone and max(strides, default=1) <= 2:
                stride = f" /{show_value(strides[0] if len(set(strides)) == 1 else strides)}"
                layer = f"conv {wanted[-1]} {'x'.join('1' for _ in strides)}"
                layer += stride if max(strides, default=1) > 1 else ""
                fillings += enumerate((layer, f"{layer} same"), 1)
            at = body.statements[0].span if body.statements else body.span
            for amount, word in fillings:
                edit = Edit(at, word if body.statements else f" {word} ")
                yield make("layers", amount, 0, edit, error.statement, word)
            if shape[-1] != wanted[-1] and filters is not None:
                edit = Edit(filters.span, str(wanted[-1]))
                yield make("weights", abs(wanted[-1] - shape[-1]), 1, edit, filters.owner)


def _filters(outcome: Evaluation, index: int) -> Literal | None:
    """The number in the layer that decides the channels of a node."""
    made_of = layers(outcome.module)
    while True:
        node = outcome.nodes[index]
        made = made_of.get(node.span)
        kind = LAYERS.get(made.name.id) if made is not None else None
        if made is not None and kind is not None:
            site = Site(made, outcome.led[index], node.layer.input, 1)
            found = literal_of(outcome, site, kind, "filters")
            if found is not None:
                return found
        if len(node.inputs) != 1 or node.output[-1] != node.layer.input[-1]:
            return None
        index = node.inputs[0]


def cropped(outcome: Evaluation, error: ShapeError) -> Iterator[Candidate]:
    """Larger paths of a merge, cut down to the size of a smaller one."""
    shapes = [outcome.nodes[index].output for index in error.inputs[:MAX_PATHS]]
    for body, shape in zip(error.statement.paths or (), shapes):
        for wanted in sorted({each[:-1] for each in shapes if len(each) == len(shape)}):
            over = [a - b for a, b in zip(shape, wanted)]
            if min(over, default=0) < 0 or not any(over):
                continue
            odd = any(each % 2 for each in over)
            sides = [Pair(each // 2, each - each // 2) if odd else each // 2 for each in over]
            layer = f"crop {shown(tuple(sides), single=True)}"
            words = [s.name.id for s in body.statements if isinstance(s, ast.Apply)]
            last = body.statements[-1].span if body.statements else body.span
            edit = Edit(last, layer if body.statements else f" {layer} ")
            if words != ["skip"] and body.statements:
                edit = Edit(Span(last.end, last.end), f"; {layer}")
            yield make("layers", 5, 0, edit, error.statement, layer)


def _shortcuts(outcome: Evaluation, paths: Sequence[ast.Body]) -> Iterator[str]:
    """Layers for an empty path of a block that give it the channels and the stride of another.

    They are in the words of the block, so that they do for all of its calls.
    """
    text = outcome.source.text
    for body in paths:
        filters = stride = ""
        for statement in body.statements:
            kind = LAYERS.get(statement.name.id) if isinstance(statement, ast.Apply) else None
            if kind is None or not isinstance(statement, ast.Apply):
                continue
            given = {slot.name: argument(statement, kind, slot.name) for slot in kind.slots}
            if number := given.get("filters"):
                filters = text[slice(*number.value.span)]
            if step := given.get("stride"):
                stride = text[slice(*step.value.span)]
        if filters.isidentifier() and stride.isidentifier():
            yield f"if C != {filters} or {stride} != 1 {{ conv {filters} 1 /{stride} same }}"
        elif filters.isidentifier():
            yield f"if C != {filters} {{ conv {filters} 1{f' /{stride} same' * bool(stride)} }}"
