"""Edits for a merge whose paths do not fit together.

A path that is a whole factor larger wants the stride that the other one has, or a pool; one with
other channels and no weights wants a 1x1 convolution. To cut off what is over, or to take away the
stride of the other path, is hardly ever meant.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from cnndsl.diagnostics import Edit, Span
from cnndsl.diagnostics.message import Message, listed
from cnndsl.layers import LAYERS, MERGES, Layer, Shape
from cnndsl.layers.merge import Concat, Mul
from cnndsl.layers.values import Pair
from cnndsl.network.evaluation import Evaluation, ShapeError
from cnndsl.quickfix.candidate import Candidate, add_word, literal_of, make, shown
from cnndsl.quickfix.sites import Literal, Site, argument, layers, maker
from cnndsl.syntax import nodes as ast
from cnndsl.syntax.walk import statements

MAX_PATHS = 12
"""Of how many paths of a merge others are looked for."""


class Path(NamedTuple):
    """A path of a merge: its number, its statements, the node it gives and that one's shape;
    `text` is that of the file."""

    text: str
    number: int
    body: ast.Body
    node: int
    shape: Shape

    @property
    def applied(self) -> list[ast.Apply]:
        return [each for each in self.body.statements if isinstance(each, ast.Apply)]

    @property
    def returns(self) -> bool:
        """Whether it goes back to a tensor by name."""
        return bool(self.body.statements) and isinstance(self.body.statements[0], ast.From)

    @property
    def alone(self) -> bool:
        """Whether it is the tensor itself, be it by `skip`, by name, or by nothing at all."""
        return all(
            isinstance(each, ast.From) or (isinstance(each, ast.Apply) and each.name.id == "skip")
            for each in self.body.statements
        )

    @property
    def weightless(self) -> bool:
        """Whether no layer of it decides how many channels there are."""
        fillers = [each.name.id for each in self.applied if each.name.id != "skip"]
        kinds = [LAYERS.get(word) for word in fillers]
        slots = {slot.name for kind in kinds if kind is not None for slot in kind.slots}
        plain = len(self.applied) == len(self.body.statements) - self.returns
        return plain and None not in kinds and not slots & {"filters", "units", "shape", "range"}

    def put(self, layer: str) -> Edit:
        """A layer in the place of `skip`, or else at the end."""
        if not self.body.statements:
            bar = self.text.rfind("|", 0, self.body.span.start) + 1
            behind = self.text[bar : bar + 1]
            return Edit(Span(bar, bar), f" {layer}" if behind.isspace() else f" {layer} ")
        first, last = self.body.statements[0].span, self.body.statements[-1].span
        skips = [each for each in self.applied if each.name.id == "skip" and not each.alias]
        if len(skips) == len(self.body.statements):
            return Edit(Span(first.start, last.end), layer)
        return Edit(Span(last.end, last.end), f"; {layer}")


def merging(outcome: Evaluation, error: ShapeError) -> Iterator[Candidate]:
    """All edits that may make the paths of a merge fit."""
    text = outcome.source.text
    found: dict[int, Path] = {}  # each once, however often a `repeat` has it
    for number, (body, node) in enumerate(zip(error.paths, error.inputs[:MAX_PATHS])):
        found.setdefault(id(body), Path(text, number, body, node, outcome.nodes[node].output))
    paths = list(found.values())
    kind = MERGES[error.statement.name.id]
    for wanted in sorted({path.shape for path in paths}):
        wrong = [path for path in paths if path.shape[:-1] != wanted[:-1]]
        fitting = [path for path in paths if path not in wrong]
        ones = kind is Mul and any(set(path.shape[:-1]) == {1} for path in paths)
        if ones or any(_is_cut(outcome, path) for path in [*wrong, *fitting]):
            continue
        each = [[*_matched(outcome, error, path, wanted, paths)] for path in wrong]
        if len(wrong) == 1:
            yield from each[0]
        elif each and all(each):
            yield from _together(each)
    for path in paths:
        others = {each.shape for each in paths if len(each.shape) == len(path.shape)}
        if kind is Mul:
            others = {each.shape for each in paths}
        for wanted in sorted(others - {path.shape}):
            if kind is not Concat and path.shape[-1] != wanted[-1]:
                yield from _channels(outcome, error, path, wanted, paths)
    yield from _agreeing(outcome, error, paths)
    for padded in _padded(paths):
        if len(padded.edits) > 1:
            yield padded
        yield from _projected(error, padded, paths)
    yield from _cropped(error, paths)


def _matched(
    outcome: Evaluation, error: ShapeError, path: Path, wanted: Shape, paths: Sequence[Path]
) -> Iterator[Candidate]:
    """A path with the spatial sizes of another one that differ by a whole factor, the likeliest
    way first."""
    if len(path.shape) != len(wanted) or len(wanted) < 2:
        return
    channels = path.shape[-1] if error.statement.name.id == "concat" else wanted[-1]
    pairs = [*zip(path.shape[:-1], wanted[:-1])]
    if all(a <= b and b % a == 0 for a, b in pairs):
        factors = tuple(b // a for a, b in pairs)
        layer = f"up {shown(factors, single=True)}"
        # In a pyramid the small map is the one to grow; so is one that is gone back to.
        amount = 0 if path.returns or _is_pyramid(outcome, path) else 60
        yield _put(error, "match", amount, path, layer, "up")
        return
    factors = tuple(-(-a // b) for a, b in pairs)
    if any(a < b or -(-a // f) != b for (a, b), f in zip(pairs, factors)):
        return
    step = shown(factors, single=True)
    halved = " same" * any(a % f for (a, _), f in zip(pairs, factors))
    yield from _strided(outcome, path, step, channels, paths)
    if path.shape[-1] == channels:
        layer = f"pool {step}{halved}"
        amount = 22 if path.alone and not path.returns else 10
        yield _put(error, "match", amount, path, layer, "pool")
    if path.weightless:
        words = enumerate(_shortcuts(outcome, paths)) if error.calls and path.alone else ()
        for number, layer in words:
            yield _put(error, "match", 18 + number, path, layer, "conv")
        for number, same in enumerate(("", " same")):
            layer = f"conv {channels} {'x'.join('1' for _ in factors)} /{step}{same}"
            yield _put(error, "match", 20 + number, path, layer, "conv")


def _is_cut(outcome: Evaluation, path: Path) -> bool:
    """Whether borders that windows take off make a map smaller, and no stride."""
    if len(path.shape) < 2:
        return False
    node = maker(outcome, path.node, 0)
    windows = getattr(node.layer, "windows", ()) if node is not None else ()
    return bool(windows) and all(window.stride == 1 for window in windows)


def _is_pyramid(outcome: Evaluation, path: Path) -> bool:
    """Whether a net makes maps larger again, or a path ends in a 1x1 convolution of its level."""
    if any(_grows(node.layer) for node in outcome.nodes):
        return True
    layer = outcome.nodes[path.node].layer
    windows = getattr(layer, "windows", ())
    return bool(windows) and layer.family == "conv" and all(w.is_one_pixel for w in windows)


def _grows(layer: Layer) -> bool:
    before, after = layer.input[:-1], layer.output[:-1]
    grown = len(before) == len(after) and any(a < b for a, b in zip(before, after))
    return grown and layer.op in ("up", "deconv")


def _strided(
    outcome: Evaluation, path: Path, step: str, channels: int, paths: Sequence[Path]
) -> Iterator[Candidate]:
    """A convolution of a path with the stride that another path has."""
    convs = []
    for statement in path.applied:
        layer = LAYERS.get(statement.name.id)
        slides = layer is not None and layer.slides and layer.family == "conv"
        if layer is not None and slides and argument(statement, layer, "stride") is None:
            convs.append((statement, layer))
    # The last that looks at more than one pixel; there may be none, as in a shortcut.
    convs.sort(key=lambda each: _is_pointwise(outcome, each[0]))
    wide = sum(not _is_pointwise(outcome, each[0]) for each in convs)
    convs = [*convs[:wide][::-1], *convs[wide:]]
    steps = dict.fromkeys([*_strides(outcome, paths), step])
    for number, (statement, layer) in enumerate(convs[:2]):
        padded = argument(statement, layer, "same") or argument(statement, layer, "pad")
        filters: tuple[Edit, ...] = ()
        found = deciding(outcome, path.node)
        if path.shape[-1] != channels and found is not None and found.owner is statement:
            filters = (Edit(found.span, str(channels)),)
        for text in steps:
            for order, same in enumerate(["", *([] if padded else [" same"])]):
                edit = add_word(statement, f"/{text}{same}", before=("same", "pad"))
                edits = (*filters, edit)
                amount = 2 * number + order
                yield make("match", amount, 0, edits, statement, group="match stride")


def _is_pointwise(outcome: Evaluation, statement: ast.Apply) -> bool:
    made = [node for node in outcome.nodes if node.span == statement.span]
    return bool(made) and set(getattr(made[0].layer, "kernel", ()) or ()) == {1}


def _strides(outcome: Evaluation, paths: Sequence[Path]) -> Iterator[str]:
    """The strides of paths that are names, as they are written."""
    for path in paths:
        for statement in path.applied:
            layer = LAYERS.get(statement.name.id)
            if layer is not None and layer.slides:
                given = argument(statement, layer, "stride")
                if given is not None and isinstance(given.value, ast.Name):
                    yield given.value.id


def _put(
    error: ShapeError, kind: str, amount: int, path: Path, layer: str, group: str
) -> Candidate:
    edit = path.put(layer)
    return make(kind, amount, 0, edit, error.statement, layer, group=f"{kind} {group}")


def _together(each: Sequence[Sequence[Candidate]]) -> Iterator[Candidate]:
    """Several paths that are mended at once, each in its likeliest ways."""
    for number in range(max(map(len, each))):
        chosen = [ways[min(number, len(ways) - 1)] for ways in each]
        edits = tuple(sorted(edit for one in chosen for edit in one.edits))
        if any(a.span.end > b.span.start for a, b in pairwise(edits)):
            continue
        words = [Message("`{code}`", code=one.word or one.edits[-1].text.strip()) for one in chosen]
        title = Message("put {layers} in the paths that differ", layers=listed(words))
        yield make("match", 40 + number, 0, edits, group="match paths", title=title)


def _channels(
    outcome: Evaluation, error: ShapeError, path: Path, wanted: Shape, paths: Sequence[Path]
) -> Iterator[Candidate]:
    """A path with the channels of another one."""
    alike = path.shape[:-1] == wanted[:-1]
    # Of two tensors the earlier one takes the short way.
    later = sum(path.node > each.node for each in paths)
    if alike and path.weightless and error.statement.name.id != Mul.op:
        if path.alone and error.calls:
            for number, layer in enumerate(_shortcuts(outcome, paths)):
                yield _put(error, "project", number, path, layer, "conv")
        ones = "x".join("1" * (len(wanted) - 1))
        layer = f"conv {wanted[-1]} {ones}" if ones else f"dense {wanted[-1]}"
        yield _put(error, "project", 5 + later, path, layer, "conv")
    found = deciding(outcome, path.node)
    if found is not None:
        edit, change = Edit(found.span, str(wanted[-1])), abs(wanted[-1] - path.shape[-1])
        start, end = path.body.span
        if start <= found.span.start < end:
            pointwise = isinstance(found.owner, ast.Apply) and _is_pointwise(outcome, found.owner)
            amount = 2 * len(path.body.statements) - pointwise
            yield make("width", amount, 0, edit, found.owner, group="weights")
        else:
            yield make("weights", change, 1, edit, found.owner)


def deciding(outcome: Evaluation, index: int) -> Literal | None:
    """The number in the layer that decides the channels of a node, or the size of a vector."""
    made_of = layers(outcome.module)
    while True:
        node = outcome.nodes[index]
        made = made_of.get(node.span)
        kind = LAYERS.get(made.name.id) if made is not None else None
        if made is not None and kind is not None:
            site = Site(made, outcome.led[index], node.layer.input, 1)
            for slot in ("filters", "units"):
                found = literal_of(outcome, site, kind, slot)
                if found is not None:
                    return found
        if len(node.inputs) != 1 or node.output[-1] != node.layer.input[-1]:
            return None
        index = node.inputs[0]


def _agreeing(outcome: Evaluation, error: ShapeError, paths: Sequence[Path]) -> Iterator[Candidate]:
    """Layers side by side that round in one way, where their sizes differ by one."""
    if len({len(path.shape) for path in paths}) > 1:
        return
    gaps = [max(sizes) - min(sizes) for sizes in zip(*(path.shape[:-1] for path in paths))]
    if max(gaps, default=0) != 1:
        return
    made_of = layers(outcome.module)
    for path in paths:
        node = maker(outcome, path.node, gaps.index(1))
        statement = made_of.get(node.span) if node is not None else None
        layer = LAYERS.get(statement.name.id) if statement is not None else None
        if statement is None or layer is None or not layer.slides:
            continue
        if argument(statement, layer, "same"):
            continue
        floor, ceil = (argument(statement, layer, word) for word in ("floor", "ceil"))
        for amount, word, own, other in ((1, "floor", floor, ceil), (2, "ceil", ceil, floor)):
            if own is None and other is not None:
                yield make("agree", amount, 0, Edit(other.span, word), statement, word)
            elif own is None:
                edit = add_word(statement, word, late=True)
                yield make("agree", amount + 2, 0, edit, statement, word)


def _padded(paths: Sequence[Path]) -> Iterator[Candidate]:
    """`same` at all layers of a path that take its border off."""
    for path in paths:
        edits = []
        for statement in statements(path.body.statements):
            layer = LAYERS.get(statement.name.id) if isinstance(statement, ast.Apply) else None
            if isinstance(statement, ast.Apply) and layer is not None and layer.slides:
                given = [argument(statement, layer, slot) for slot in ("kernel", "same", "pad")]
                if given[0] is not None and given[1] is None and given[2] is None:
                    value = given[0].value
                    if getattr(value, "value", None) not in (1, (1, 1), (1, 1, 1)):
                        edits.append(add_word(statement, "same"))
        if edits:
            title = Message("write `same` at all layers of path {number}", number=path.number + 1)
            yield make("same", len(edits), 0, tuple(edits), title=title)


def _projected(error: ShapeError, padded: Candidate, paths: Sequence[Path]) -> Iterator[Candidate]:
    """`same` in one path of a merge, and a 1x1 convolution in another one that has no weights."""
    channels = {path.shape[-1] for path in paths}
    for path in paths if error.statement.name.id != "concat" else ():
        for wanted in sorted(channels - {path.shape[-1]}):
            layer = f"conv {wanted} {'x'.join('1' * (len(path.shape) - 1))}"
            if path.weightless and len(path.shape) > 1:
                title = Message(
                    "{fix}, and `{code}` in path {number}",
                    fix=padded.title,
                    code=layer,
                    number=path.number + 1,
                )
                edits = (*padded.edits, path.put(layer))
                yield make("same", 9, 0, edits, title=title)


def _cropped(error: ShapeError, paths: Sequence[Path]) -> Iterator[Candidate]:
    """Larger paths of a merge, cut down to the size of a smaller one."""
    for path in paths:
        sizes = {each.shape[:-1] for each in paths if len(each.shape) == len(path.shape)}
        for wanted in sorted(sizes):
            over = [a - b for a, b in zip(path.shape, wanted)]
            if min(over, default=0) < 0 or not any(over):
                continue
            odd = any(each % 2 for each in over)
            sides = [Pair(each // 2, each - each // 2) if odd else each // 2 for each in over]
            layer = f"crop {shown(tuple(sides), single=True)}"
            yield _put(error, "loses", 5, path, layer, "crop")


def _shortcuts(outcome: Evaluation, paths: Sequence[Path]) -> Iterator[str]:
    """Layers for an empty path of a block that give it the channels and the stride of another.

    They are in the words of the block, so that they do for all of its calls.
    """
    text = outcome.source.text
    for path in paths:
        filters = stride = ""
        for statement in path.applied:
            kind = LAYERS.get(statement.name.id)
            if kind is None:
                continue
            given = {slot.name: argument(statement, kind, slot.name) for slot in kind.slots}
            if number := given.get("filters"):
                filters = text[slice(*number.span)]
            if step := given.get("stride"):
                stride = text[slice(*step.value.span)]
        if not filters or filters.isdecimal():
            continue
        if stride.isidentifier():
            yield f"if C != {filters} or {stride} != 1 {{ conv {filters} 1 /{stride} same }}"
        else:
            yield f"if C != {filters} {{ conv {filters} 1{f' /{stride} same' * bool(stride)} }}"
