"""Input sizes near the present one with which a net comes out whole."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product as combinations

from cnndsl.diagnostics import Edit, Span
from cnndsl.layers import LAYERS, Shape
from cnndsl.network.evaluation import Evaluation
from cnndsl.quickfix.evaluator import Evaluator
from cnndsl.quickfix.sites import Literal, literal
from cnndsl.syntax import nodes as ast
from cnndsl.syntax.walk import statements

REACH, LEAST_REACH = 64, 8
"""How far from the present size a whole one is looked for, in each dimension: at most, at least."""


def input_literal(outcome: Evaluation, number: int = 0) -> Literal | None:
    """Where the size of an input stands in the text; None where it is computed."""
    inputs = [s for s in outcome.module.statements if isinstance(s, ast.Input)]
    if number >= len(inputs):
        return None
    found = literal(outcome.module, inputs[number].size, (), inputs[number])
    if found is None or not isinstance(found.value, tuple):
        return None
    return found if all(isinstance(each, int) for each in found.value) else None


def alike(outcome: Evaluation) -> tuple[int, ...]:
    """The numbers of the inputs that have the size of the first."""
    inputs = [node for node in outcome.nodes if node.op == "input"]
    return tuple(i for i, node in enumerate(inputs) if node.output == inputs[0].output)


def reach(outcome: Evaluation, gap: int = 0) -> int:
    """How far from the present size a whole one may be.

    Where every map is large enough, what fits does so again and again, by the total stride. A
    promise asks for one size, which lies as far as the map is off, the `gap`, times that stride.
    """
    if {"E203", "E206"} & {each.code for each in outcome.errors}:
        return REACH
    stride = max(total_strides(outcome), default=1)
    return min(REACH, max(LEAST_REACH, 2 * stride, (gap + 1) * stride))


def nearest_numbers(
    evaluator: Evaluator, outcome: Evaluation, far: int, number: int = 0
) -> Iterator[tuple[Literal, str, int]]:
    """Numbers that an input's size is made of, as in `(s, s, 3)`, with the nearest value that
    makes the net whole, and by how much the size changes with it."""
    inputs = [s for s in outcome.module.statements if isinstance(s, ast.Input)]
    size = inputs[number].size if number < len(inputs) else None
    if not isinstance(size, ast.Tuple):
        return
    found: dict[Span, tuple[Literal, int]] = {}
    for item in size.items[:-1]:
        place = literal(outcome.module, item, (), inputs[number])
        if place is not None and isinstance(place.value, int):
            found[place.span] = (place, found.get(place.span, (place, 0))[1] + 1)
    least = evaluator.left // 2
    for place, uses in found.values():
        for delta in (sign * step for step in range(1, far + 1) for sign in (1, -1)):
            if evaluator.left < least:
                break
            after = evaluator.run((Edit(place.span, str(place.value + delta)),))
            if place.value + delta > 0 and after is not None and after.valid:
                yield place, str(place.value + delta), abs(delta) * uses
                break


def nearest_sizes(
    evaluator: Evaluator,
    shape: Shape,
    axes: Sequence[int],
    numbers: tuple[int, ...] = (0,),
    wanted: int = 2,
    far: int = REACH,
) -> list[Shape]:
    """The sizes of some inputs, nearest to the present one, that make the net whole, in order.

    Only the dimensions at fault, `axes`, are changed. All of them are moved at once, to see of
    each whether it would fit; what fits is then put together and tried. It takes at most half
    of what the evaluator has left.
    """
    axes = [axis for axis in axes if axis < len(shape) - 1]
    if not axes:
        return []
    fits: dict[int, list[int]] = {axis: [] for axis in axes}
    least = evaluator.left // 2
    for step in range(1, far + 1):
        for delta in (step, -step):
            size = tuple(x + delta * (axis in axes) for axis, x in enumerate(shape))
            outcome = evaluator.sized(numbers, size) if min(size) > 0 else None
            if outcome is None or len(outcome.problems) > len(outcome.errors):
                continue
            for axis in axes:
                if axis not in outcome.faulty_axes:
                    fits[axis].append(shape[axis] + delta)
        if evaluator.left < least or all(len(each) >= 2 for each in fits.values()):
            break
    sizes = []
    for values in combinations(*(fits[axis] for axis in axes)):
        by_axis = dict(zip(axes, values))
        sizes.append(tuple(by_axis.get(axis, x) for axis, x in enumerate(shape)))
    found: list[Shape] = []
    for size in sorted(sizes, key=lambda size: farness(size, shape))[:8]:
        outcome = evaluator.sized(numbers, size)
        if outcome is not None and outcome.valid:
            found.append(size)
            if len(found) == wanted:
                break
    return found


def farness(size: Shape, shape: Shape) -> tuple[int, int, Shape]:
    """How far a size is from another: the changes added up, then whether they are like ones."""
    changes = [a - b for a, b in zip(size, shape)]
    return sum(map(abs, changes)), len(set(changes)), size


def goes_up_again(outcome: Evaluation) -> bool:
    """Whether a net makes maps smaller and larger again, as encoder-decoders do."""
    words = {s.name.id for s in statements(outcome.module.statements) if isinstance(s, ast.Apply)}
    kinds = [LAYERS[word] for word in words if word in LAYERS]
    return any(kind.op in ("up", "deconv") for kind in kinds) and any(k.slides for k in kinds)


def total_strides(outcome: Evaluation) -> tuple[int, ...]:
    """By how much maps are smaller than the input at most, in each of its dimensions."""
    rank = len(outcome.nodes[0].output) - 1
    most = (1,) * rank
    scales: list[tuple[float, ...]] = []
    for node in outcome.nodes:
        scale = scales[node.inputs[0]] if node.inputs else (1.0,) * rank
        before, after = node.layer.input[:-1], node.output[:-1]
        windows = getattr(node.layer, "windows", ())
        if len(windows) == rank:
            scale = tuple(x * window.stride for x, window in zip(scale, windows))
        elif len(before) == len(after) == rank and all(a < b for a, b in zip(before, after)):
            scale = tuple(x / max(1, round(b / a)) for x, a, b in zip(scale, before, after))
        scales.append(scale)
        most = tuple(max(x, int(y)) for x, y in zip(most, scale))
    return most


def lossless_sizes(evaluator: Evaluator, outcome: Evaluation, shape: Shape) -> list[Shape]:
    """The two sizes of the input nearest to the present one with which a net that goes down and
    up again fits, and looks at every pixel."""
    tries: list[Shape] = []
    strides = total_strides(outcome)
    if len(strides) == len(shape) - 1:
        below = [x // step * step for x, step in zip(shape, strides)]
        both = [
            (x, x) if x == low else (low, low + step) for x, low, step in zip(shape, below, strides)
        ]
        nearest = [sorted(pair, key=lambda y: (abs(x - y), y)) for x, pair in zip(shape, both)]
        tries = [(*(pair[i] for pair in nearest), shape[-1]) for i in (0, 1)]
    tries = [size for size in dict.fromkeys(tries) if min(size) > 0 and size != shape]
    found = [size for size in tries if _loses_nothing(evaluator.sized((0,), size))]
    if not found and outcome.faulty_axes:
        others = nearest_sizes(evaluator, shape, sorted(outcome.faulty_axes), wanted=8)
        found = [size for size in others if _loses_nothing(evaluator.sized((0,), size))]
    return found[:2]


def _loses_nothing(outcome: Evaluation | None) -> bool:
    if outcome is None or not outcome.valid:
        return False
    windows = [each for node in outcome.nodes for each in getattr(node.layer, "windows", ())]
    return not any(window.left_out for window in windows)
