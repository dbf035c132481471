"""The edits that may mend a misfit, by how little they change. None has been tried yet."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from cnndsl.cure.sites import Literal, Place, argument, layers, literal, path, statements
from cnndsl.diagnostics import Edit, Span
from cnndsl.layers import LAYERS
from cnndsl.layers.base import product
from cnndsl.layers.pool import Pool
from cnndsl.layers.values import Pair, show_value
from cnndsl.syntax import nodes as ast

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from cnndsl.cure.rerun import Misfit, Outcome
    from cnndsl.cure.sites import Owner
    from cnndsl.layers import Layer

KINDS = (
    "floor",  # pixels that are over are left out, here
    "rounding",  # … in the whole file; or a window more looks at them
    "padding",  # pixels put around
    "input",  # the input's size
    "window",  # a pool's kernel, any stride: no weights
    "weights",  # a convolution's kernel, filters, groups
    "layers",  # other layers, or another number of them
)
"""What an edit changes, the least change first."""

GROUPS = {"floor": 0, "rounding": 0, "padding": 0, "input": 1, "window": 2, "weights": 3}
"""Kinds that are alternatives to one another: of each group the best is offered."""

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


def candidates(outcome: Outcome, misfit: Misfit) -> list[Candidate]:
    """All edits that may mend a misfit, the cheapest first; the input's size apart."""
    found = [*_rounding_of_the_file(outcome, misfit)]
    places = path(outcome, misfit)
    for place in places:
        layer = LAYERS.get(place.statement.name.id)
        if layer is None:
            continue
        here = place.distance == 0
        if here and misfit.code in ("E201", "E202"):
            found += _rounding(place, layer)
        if misfit.code in ("E201", "E202", "E203", "E206") and misfit.axes:
            found += _windows(outcome, misfit, place, layer)
        if misfit.code == "E205":
            found += _divisors(outcome, misfit, place, layer)
        if here:
            found += _here(outcome, misfit, place, layer)
    if misfit.code in ("E201", "E202", "E203"):
        found += _repeats(outcome, misfit, places)
    if misfit.code == "E206":
        found += _channels(outcome, misfit)
    unique = {each.edits: each for each in sorted(found, key=lambda each: each.cost, reverse=True)}
    return sorted(unique.values(), key=lambda each: each.cost)


def _candidate(
    kind: str,
    amount: int,
    place: Place,
    edits: tuple[Edit, ...],
    owner: Owner | None,
    word: str = "",
) -> Candidate:
    cost = Cost(KINDS.index(kind), amount, place.distance, edits[0].span.start, edits[0].text)
    return Candidate(cost, edits, owner, word)


def _add(statement: ast.Apply, word: str, *, late: bool = False) -> Edit:
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


def _rounding(place: Place, layer: type[Layer]) -> Iterator[Candidate]:
    statement = place.statement
    if argument(statement, layer, "floor") or argument(statement, layer, "ceil"):
        return
    for word, kind, amount in (("floor", "floor", 1), ("ceil", "rounding", 2)):
        edit = _add(statement, word, late=True)
        yield _candidate(kind, amount, place, (edit,), statement, word)


def _rounding_of_the_file(outcome: Outcome, misfit: Misfit) -> Iterator[Candidate]:
    if misfit.code not in ("E201", "E202"):
        return
    module, text = outcome.module, outcome.source.text
    first = module.statements[0]
    said = next((s for s in module.statements if isinstance(s, ast.Rounding)), None)
    if said is not None:
        edit = Edit(said.mode.span, "floor")
    elif isinstance(first, ast.Net):
        end = text.find("\n", first.span.end)
        end = len(text) if end < 0 else end
        newline = "\r\n" if text[:end].endswith("\r") else "\n"
        end -= len(newline) - 1
        rest = text[first.span.end : end].strip()
        if rest and not rest.startswith("#"):
            edit = Edit(Span(first.span.end, first.span.end), "; rounding floor")
        else:
            edit = Edit(Span(end, end), f"{newline}rounding floor")
    else:
        start = first.span.start
        line = outcome.source.line_starts[outcome.source.position(start).line - 1]
        newline = "\r\n" if "\r\n" in text else "\n"
        edit = Edit(Span(line, line), f"rounding floor{newline}")
    place = Place(misfit.statement, (), (), 0)
    yield _candidate("rounding", 1, place, (edit,), None, "rounding floor")


def _windows(
    outcome: Outcome, misfit: Misfit, place: Place, layer: type[Layer]
) -> Iterator[Candidate]:
    """Other kernels, strides and paddings of a layer with a window."""
    names = {slot.name for slot in layer.slots}
    rank = len(place.shape) - 1
    if "kernel" not in names or rank < 1:
        return
    pool = issubclass(layer, Pool)
    axes = [axis for axis in misfit.axes if axis < rank]
    found = _literal(outcome, place, layer, "kernel")
    if found is not None:
        sizes = _sized(found.value, rank)
        least = 2 if pool else 1
        steps: list[tuple[int, ...]] = [(delta,) * rank for delta in (1, -1, 2, -2)]
        steps += [_only(axes, delta, rank) for delta in (1, -1, 2, -2)]
        if misfit.code == "E203" and place.distance == 0:
            # The largest kernel that fits.
            fit = [min(0, place.shape[axis] - sizes[axis]) for axis in range(rank)]
            steps += [tuple(fit), (min(fit),) * rank]
        kind = "window" if pool else "weights"
        yield from _other(found, rank, steps, least, kind, place)
    found = _literal(outcome, place, layer, "stride")
    given = argument(place.statement, layer, "stride")
    if found is not None and given is not None:
        steps = [(delta,) * rank for delta in (1, -1)]
        steps += [_only(axes, delta, rank) for delta in (1, -1)]
        for each in _other(found, rank, steps, 1, "window", place):
            if each.cost.text == "1" and not pool and found.owner is place.statement:
                # A stride of 1 need not be said.
                before = outcome.source.text[: given.span.start]
                edit = Edit(Span(len(before.rstrip(" ")), given.span.end), "")
                each = each._replace(edits=(edit,))
            yield each
    if argument(place.statement, layer, "same") is None:
        yield from _paddings(outcome, place, layer, axes, rank)


def _paddings(
    outcome: Outcome, place: Place, layer: type[Layer], axes: list[int], rank: int
) -> Iterator[Candidate]:
    statement = place.statement
    pad = argument(statement, layer, "pad")
    if pad is None:
        edit = _add(statement, "same")
        yield _candidate("padding", 1, place, (edit,), statement)
        tries: list[tuple[int, tuple[Any, ...]]] = [
            (2, (1,) * rank),
            (2, tuple(Pair(0, int(axis in axes)) for axis in range(rank))),
            (3, tuple(int(axis in axes) for axis in range(rank))),
            (4, (2,) * rank),
        ]
        for amount, values in tries:
            edit = _add(statement, f"pad={_shown(values, single=True)}")
            yield _candidate("padding", amount, place, (edit,), statement)
        return
    yield _candidate("padding", 3, place, (Edit(pad.span, "same"),), statement)
    found = _literal(outcome, place, layer, "pad")
    if found is None:
        return
    for delta in (1, -1, 2, -2):
        for chosen in (range(rank), axes):
            value = [*_sized(found.value, rank)]
            for axis in chosen:
                old = value[axis]
                one = isinstance(old, Pair)
                value[axis] = Pair(old.begin, old.end + delta) if one else old + delta
            ends = [end for each in value for end in (each if isinstance(each, Pair) else (each,))]
            if min(ends) >= 0:
                text = _shown(tuple(value), single=isinstance(found.value, int))
                amount = abs(delta) * len([*chosen])
                edits = (Edit(found.span, text),)
                yield _candidate("padding", amount, place, edits, found.owner)


def _only(axes: list[int], delta: int, rank: int) -> tuple[int, ...]:
    return tuple(delta if axis in axes else 0 for axis in range(rank))


def _other(
    found: Literal,
    rank: int,
    steps: list[tuple[int, ...]],
    least: int,
    kind: str,
    place: Place,
) -> Iterator[Candidate]:
    """A number or size with other values: the old ones and a step for each dimension."""
    if not any(isinstance(each, Pair) for each in _sized(found.value, rank)):
        old = _sized(found.value, rank)
        for step in steps:
            new = tuple(value + delta for value, delta in zip(old, step))
            if new == old or min(new) < least:
                continue
            amount = sum(map(abs, step))
            if isinstance(found.value, int) and len(set(step)) == 1:
                amount = abs(step[0])
            elif len(set(old)) == 1 and len(set(new)) > 1:
                amount += 1
            edit = Edit(found.span, _shown(new, single=isinstance(found.value, int)))
            yield _candidate(kind, amount, place, (edit,), found.owner)


def _sized(value: Any, rank: int) -> tuple[Any, ...]:
    """A value for each dimension."""
    if isinstance(value, tuple) and not isinstance(value, Pair):
        return value if len(value) == rank else (value[0],) * rank
    return (value,) * rank


def _shown(values: tuple[Any, ...], *, single: bool) -> str:
    """A value for each dimension as one writes it; `single` takes one number where it can."""
    if len(values) == 1 or (single and len(set(values)) == 1):
        return show_value(values[0])
    return show_value(values)


def _literal(outcome: Outcome, place: Place, layer: type[Layer], slot: str) -> Literal | None:
    if slot not in {each.name for each in layer.slots}:
        return None
    given = argument(place.statement, layer, slot)
    if given is None:
        return None
    return literal(outcome.module, given.value, place.calls, place.statement)


def _divisors(
    outcome: Outcome, misfit: Misfit, place: Place, layer: type[Layer]
) -> Iterator[Candidate]:
    """Groups that divide the channels, and channels that divide into the groups."""
    statement = misfit.statement
    own = LAYERS[statement.name.id]
    itself = place._replace(statement=statement, calls=misfit.calls)
    groups = _literal(outcome, itself, own, "groups")
    if groups is None or not isinstance(groups.value, int):
        return
    if place.distance == 0:
        channels = misfit.shape[-1]
        for value in range(max(1, groups.value - 64), groups.value + 65):
            if channels % value == 0 and value != groups.value:
                edits = (Edit(groups.span, str(value)),)
                amount = abs(value - groups.value)
                yield _candidate("weights", amount, place, edits, groups.owner)
    filters = _literal(outcome, place, layer, "filters")
    if filters is None or not isinstance(filters.value, int):
        return
    down = filters.value // groups.value * groups.value
    for value in (down, down + groups.value):
        if value and value != filters.value:
            edits = (Edit(filters.span, str(value)),)
            amount = abs(value - filters.value)
            yield _candidate("weights", amount, place, edits, filters.owner)


def _here(
    outcome: Outcome, misfit: Misfit, place: Place, layer: type[Layer]
) -> Iterator[Candidate]:
    """What mends a layer that wants another kind of tensor, or another number of values."""
    statement = place.statement
    start = Span(statement.span.start, statement.span.start)
    if misfit.code == "E204" and statement.name.id == "dense":
        for number, word in enumerate(("flatten", "gap"), 1):
            edits = (Edit(start, f"{word}; "),)
            yield _candidate("layers", number, place, edits, statement, word)
    elif misfit.code == "E207":
        found = _literal(outcome, place, layer, "shape")
        if found is None:
            return
        sizes = found.value if isinstance(found.value, tuple) else (found.value,)
        for axis, size in enumerate(sizes):
            value = product(misfit.shape) // (product(sizes) // size)
            if value and value != size:
                new = tuple(value if i == axis else each for i, each in enumerate(sizes))
                edits = (Edit(found.span, _shown(new, single=False)),)
                yield _candidate("layers", abs(value - size), place, edits, found.owner)


def _repeats(outcome: Outcome, misfit: Misfit, places: list[Place]) -> Iterator[Candidate]:
    """Fewer turns of the loops around what leads to the misfit."""
    for statement in statements(outcome.module):
        if not isinstance(statement, ast.Repeat) or not isinstance(statement.count, ast.Number):
            continue
        inside = [
            place
            for place in places
            if any(
                statement.body.span.start <= each.span.start < statement.body.span.end
                for each in (place.statement, *place.calls)
            )
        ]
        count = statement.count.value
        for less in (1, 2) if inside and isinstance(count, int) else ():
            if count - less > 0:
                edits = (Edit(statement.count.span, str(count - less)),)
                yield _candidate("layers", less, inside[0], edits, statement)


def _channels(outcome: Outcome, misfit: Misfit) -> Iterator[Candidate]:
    """Paths of a merge with the channels, and the size, of another one."""
    shapes = [outcome.nodes[index].output for index in misfit.inputs]
    paths, made_of = misfit.statement.paths or (), layers(outcome.module)
    for number, shape in enumerate(shapes):
        others = {each for each in shapes if each != shape and len(each) == len(shape)}
        for wanted in sorted(others):
            body, index = paths[number], misfit.inputs[number]
            words = [s.name.id for s in body.statements if isinstance(s, ast.Apply)]
            place = Place(misfit.statement, misfit.calls, shape, 0)
            strides = tuple(-(-a // b) for a, b in zip(shape[:-1], wanted[:-1]))
            alone = len(words) == len(body.statements) and all(word == "skip" for word in words)
            if alone and misfit.calls:
                at = body.statements[0].span if body.statements else body.span
                for amount, word in enumerate(_shortcuts(outcome, paths), 3):
                    edits = (Edit(at, word if body.statements else f" {word} "),)
                    yield _candidate("layers", amount, place, edits, misfit.statement, word)
            if alone and max(strides, default=1) <= 2:
                stride = f" /{show_value(strides[0] if len(set(strides)) == 1 else strides)}"
                layer = f"conv {wanted[-1]} {'x'.join('1' for _ in strides)}"
                layer += stride if max(strides, default=1) > 1 else ""
                at = body.statements[0].span if body.statements else body.span
                for amount, word in enumerate((layer, f"{layer} same"), 1):
                    edits = (Edit(at, word if body.statements else f" {word} "),)
                    yield _candidate("layers", amount, place, edits, misfit.statement, word)
            if shape[-1] == wanted[-1]:
                continue
            while True:  # the layer that decides the channels
                node = outcome.nodes[index]
                made = made_of.get(node.span)
                kind = LAYERS.get(made.name.id) if made is not None else None
                if made is not None and kind is not None:
                    at_ = Place(made, outcome.led[index], node.layer.input, 1)
                    found = _literal(outcome, at_, kind, "filters")
                    if found is not None:
                        edits = (Edit(found.span, str(wanted[-1])),)
                        amount = abs(wanted[-1] - shape[-1])
                        yield _candidate("weights", amount, at_, edits, found.owner)
                        break
                if len(node.inputs) != 1 or node.output[-1] != node.layer.input[-1]:
                    break
                index = node.inputs[0]


def _shortcuts(outcome: Outcome, paths: Sequence[ast.Body]) -> Iterator[str]:
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
