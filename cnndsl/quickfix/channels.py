"""Other channels: for groups, and for the paths of merges."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from cnndsl.diagnostics import Edit, Span
from cnndsl.layers import LAYERS, Layer
from cnndsl.layers.values import Pair, show_value
from cnndsl.quickfix.candidate import Candidate, literal_of, make, shown
from cnndsl.quickfix.evaluation import Evaluation, ShapeError
from cnndsl.quickfix.sites import Site, argument, layers
from cnndsl.syntax import nodes as ast


def divisors(
    outcome: Evaluation, error: ShapeError, site: Site, layer: type[Layer]
) -> Iterator[Candidate]:
    """Groups that divide the channels, and channels that divide into the groups."""
    statement = error.statement
    own = LAYERS[statement.name.id]
    itself = site._replace(statement=statement, calls=error.calls)
    groups = literal_of(outcome, itself, own, "groups")
    if groups is None or not isinstance(groups.value, int) or groups.value < 1:
        return
    if site.distance == 0:
        channels = error.shape[-1]
        for value in range(max(1, groups.value - 64), groups.value + 65):
            if channels % value == 0 and value != groups.value:
                edits = (Edit(groups.span, str(value)),)
                amount = abs(value - groups.value)
                yield make("weights", amount, site, edits, groups.owner)
    filters = literal_of(outcome, site, layer, "filters")
    if filters is None or not isinstance(filters.value, int):
        return
    down = filters.value // groups.value * groups.value
    for value in (down, down + groups.value):
        if value and value != filters.value:
            edits = (Edit(filters.span, str(value)),)
            amount = abs(value - filters.value)
            yield make("weights", amount, site, edits, filters.owner)


def other_channels(outcome: Evaluation, error: ShapeError) -> Iterator[Candidate]:
    """Paths of a merge with the channels, and the size, of another one."""
    shapes = [outcome.nodes[index].output for index in error.inputs]
    paths, made_of = error.statement.paths or (), layers(outcome.module)
    for number, shape in enumerate(shapes):
        others = {each for each in shapes if each != shape and len(each) == len(shape)}
        for wanted in sorted(others):
            body, index = paths[number], error.inputs[number]
            words = [s.name.id for s in body.statements if isinstance(s, ast.Apply)]
            site = Site(error.statement, error.calls, shape, 0)
            strides = tuple(-(-a // b) for a, b in zip(shape[:-1], wanted[:-1]))
            alone = len(words) == len(body.statements) and all(word == "skip" for word in words)
            if alone and error.calls:
                at = body.statements[0].span if body.statements else body.span
                for amount, word in enumerate(_shortcuts(outcome, paths), 3):
                    edits = (Edit(at, word if body.statements else f" {word} "),)
                    yield make("layers", amount, site, edits, error.statement, word)
            if alone and max(strides, default=1) <= 2:
                stride = f" /{show_value(strides[0] if len(set(strides)) == 1 else strides)}"
                layer = f"conv {wanted[-1]} {'x'.join('1' for _ in strides)}"
                layer += stride if max(strides, default=1) > 1 else ""
                at = body.statements[0].span if body.statements else body.span
                for amount, word in enumerate((layer, f"{layer} same"), 1):
                    edits = (Edit(at, word if body.statements else f" {word} "),)
                    yield make("layers", amount, site, edits, error.statement, word)
            if shape[-1] == wanted[-1]:
                continue
            while True:  # the layer that decides the channels
                node = outcome.nodes[index]
                made = made_of.get(node.span)
                kind = LAYERS.get(made.name.id) if made is not None else None
                if made is not None and kind is not None:
                    at_ = Site(made, outcome.led[index], node.layer.input, 1)
                    found = literal_of(outcome, at_, kind, "filters")
                    if found is not None:
                        edits = (Edit(found.span, str(wanted[-1])),)
                        amount = abs(wanted[-1] - shape[-1])
                        yield make("weights", amount, at_, edits, found.owner)
                        break
                if len(node.inputs) != 1 or node.output[-1] != node.layer.input[-1]:
                    break
                index = node.inputs[0]


def cropped(outcome: Evaluation, error: ShapeError) -> Iterator[Candidate]:
    """Larger paths of a merge, cut down to the size of a smaller one."""
    shapes = [outcome.nodes[index].output for index in error.inputs]
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
            site = Site(error.statement, error.calls, shape, 0)
            yield make("layers", 5, site, (edit,), error.statement, layer)


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
