"""Where and why a net does not come out: the layer at fault, its arithmetic, what would help."""

from __future__ import annotations

from collections.abc import Sequence
from math import gcd
from typing import Any

from cnndsl.diagnostics import Diagnostic, Span
from cnndsl.diagnostics.markdown import code, fenced
from cnndsl.diagnostics.render import render_all
from cnndsl.layers import Shape
from cnndsl.layers.base import DIMENSIONS, product
from cnndsl.layers.derivation import Derivation, letters, sizes_of
from cnndsl.network import Node
from cnndsl.network.evaluation import Misfit
from cnndsl.tables.cells import tuple_text
from cnndsl.tables.faults import Clash, clash, lettered, sizes_at_fault, taken, uneven, unrounded
from cnndsl.tables.formulas import decimal, evaluated, number, symbol, written
from cnndsl.targets.walkthrough.prose import Prose

_PATHS = 8
"""How many paths of a merge are listed, beside those that do not go together."""

_COUNTS = {"C": "fails.channel", "N": "fails.value"}
"""The words of what is no spatial size."""

_TRIES = 1_000
"""How many numbers of groups are tried on either side of the one that does not do."""


def failure(node: Node, problem: Diagnostic, prose: Prose) -> list[str]:
    """The paragraphs on a layer whose windows leave a rest."""
    words = prose.words
    lines = [where(problem, node.span, prose), "\n".join(prose.facts(node))]
    layer: Any = node.layer
    windows = getattr(layer, "windows", (None,) * len(layer.spatial))
    steps = [
        (step._replace(formula=unrounded(step.formula)), window, dimension)
        for step, window, dimension in zip(layer.sizes(), windows, DIMENSIONS[len(windows)])
        if step.formula != unrounded(step.formula)
    ]
    worked = [step for step, _, _ in steps]
    values = [evaluated(step.formula, step.values) for step in worked]
    lines += [words["walk.size"], *prose.worked(worked, values)]
    shown = dict.fromkeys(prose.inline(decimal(value, prose.notation)[1]) for value in values)
    lines += [words.say("fails.whole", values=", ".join(shown)), words["fails.cures"]]
    down = [
        words.say("fails.size", dimension=words[dimension], size=f"{step.value:,}")
        for step, _, dimension in steps
    ]
    # Every size that leaves a rest has to change: one without the others helps nothing.
    sizes = []
    for _, window, dimension in steps:
        if window is None:
            continue
        lower = window.size - window.dropped
        while lower < 1:  # all of the rest and more is padding
            lower += window.stride
        upper = lower + window.stride
        pair = {"lower": f"{lower:,}", "upper": f"{upper:,}"}
        sizes.append(words.say("fails.other", dimension=words[dimension], **pair))
    cures = [words.say("fails.floor", sizes=", ".join(down))]
    if sizes:
        cures.append(words.say("fails.sizes", sizes=words["fails.together"].join(sizes)))
    lines.append("\n".join(f"- {cure}" for cure in cures))
    return lines


def misfit(error: Misfit, problem: Diagnostic, prose: Prose) -> list[str]:
    """The paragraphs on a layer that does not fit on what it reads; none for other errors."""
    layer = error.layer
    tell = _TELLS.get(error.code)
    told = tell(error, layer, prose) if tell is not None else None
    if told is None:
        return []
    lines, cures = told
    if error.code != "E206":
        facts = f"- {prose.words['input-shape']}: {tuple_text(layer.input)}"
        lines = [facts, *lines]
    lines = [where(problem, error.statement.span, prose), *lines]
    if cures:
        lines += [prose.words["fails.cures"], "\n".join(f"- {cure}" for cure in cures)]
    return lines


Told = tuple[list[str], list[str]]
"""Paragraphs, and what would help."""


def _too_small(error: Misfit, layer: Any, prose: Prose) -> Told:
    """A window that is larger than what it looks at."""
    words, sizes = prose.words, sizes_at_fault(error)
    values = [size.value for size in sizes]
    lines = [words["walk.size"], *prose.worked([size.step for size in sizes], values)]
    shown = dict.fromkeys(prose.inline(decimal(value, prose.notation)[1]) for value in values)
    lines.append(words.say("fails.below", values=", ".join(shown)))
    axes = [(size.axis, words[size.dimension]) for size in sizes]
    if not layer.slides:
        painted = [(layer.spatial[a] - 1) * layer.stride[a] + layer.extent[a] for a, _ in axes]
        most = _by_dimension([name for _, name in axes], [size - 1 for size in painted], prose)
        return lines, [words.say("fails.cut", sizes=most)]
    names = [name for _, name in axes]
    windows = [layer.windows[axis] for axis, _ in axes]
    padded = [window.begin + window.size + window.end for window in windows]
    is_padded = any(window.begin or window.end for window in windows)
    lines.append(
        words.say(
            "fails.window.padded" if is_padded else "fails.window",
            extents=_by_dimension(names, [window.extent for window in windows], prose),
            sizes=_by_dimension(names, padded, prose),
        )
    )
    kernels = [(size - 1) // window.dilation + 1 for size, window in zip(padded, windows)]
    least = [window.extent - window.begin - window.end for window in windows]
    same = [-(-window.size // window.stride) for window in windows]
    return lines, [
        words.say("fails.kernel", sizes=_by_dimension(names, kernels, prose)),
        words.say(
            "fails.same.pad" if layer.pad is not None else "fails.same",
            sizes=_by_dimension(names, same, prose),
        ),
        words.say("fails.least", sizes=_by_dimension(names, least, prose)),
    ]


def _by_dimension(names: Sequence[str], sizes: Sequence[int], prose: Prose) -> str:
    """`height 5 and width 7`."""
    words = prose.words
    return words.listed(
        [
            words.say("fails.size", dimension=name, size=f"{size:,}")
            for name, size in zip(names, sizes)
        ],
        "list.sizes",
    )


def _wrong_rank(error: Misfit, layer: Any, prose: Prose) -> Told:
    """A tensor with more dimensions, or fewer, than the layer takes."""
    words, shape = prose.words, layer.input
    prose.letters |= set(letters(shape))
    got = prose.inline(f"{lettered(len(shape))} = {tuple_text(shape)}")
    takes = words["or"].join(prose.inline(each) for each in taken(layer))
    lines = [words.say("fails.rank", layer=code(layer.op), taken=takes, got=got)]
    if getattr(layer, "mode", "nearest") != "nearest":
        return lines, [words.say("fails.nearest", mode=layer.mode)]
    if len(shape) == 1:
        lines.append(words["fails.vector"])
        return lines, [words.say("fails.before", layer=code(layer.op))]
    if layer.ranks != (0,):
        return lines, []
    count, channels = product(shape), shape[-1]
    lines.append(words["fails.flat"])
    lines += prose.worked([Derivation("N", "*".join(letters(shape)), sizes_of(shape), count)])
    cures = [
        words.say("fails.flatten", count=f"{count:,}"),
        words.say("fails.gap", count=f"{channels:,}"),
    ]
    units = getattr(layer, "units", None)
    if isinstance(units, int):
        cures = [
            f"{cure} {words.say('fails.weights', layer=code(layer.op), formula=formula)}"
            for cure, formula in zip(
                cures, (_product(size, units, prose) for size in (count, channels))
            )
        ]
    return lines, cures


def _product(size: int, units: int, prose: Prose) -> str:
    values = {"N_in": size, "N_out": units}
    return prose.inline(
        f"{written('N_in*N_out', values, prose.notation)} = {number(size * units, prose.notation)}"
    )


def _uneven(error: Misfit, layer: Any, prose: Prose) -> Told | None:
    """Channels, or filters, that do not divide into groups."""
    step = uneven(error)
    if step is None:
        return None
    words = prose.words
    kind = step.formula[0]
    key = {"C": "fails.channels", "N": "fails.filters"}[kind]
    count, groups = step.values[kind], step.values["G"]
    value = evaluated(step.formula, step.values)
    sign, shown = decimal(value, prose.notation)
    prose.letters |= {kind, "G"}
    parts = [written(step.formula, names, prose.notation) for names in (None, step.values)]
    lines = [words[key], *prose.displayed([f"{' = '.join(parts)} {sign} {shown}"])]
    lines.append(words.say("fails.uneven", value=prose.inline(shown)))
    lower = count - count % groups
    counts = [each for each in (lower, lower + groups) if each]
    common = gcd(layer.channels, getattr(layer, "filters", 0))
    fitting = words["or"].join(f"{each:,}" for each in _divisors(common, groups))
    return lines, [
        words.say("fails.groups", numbers=fitting),
        words.say(f"{key}.other", numbers=words["or"].join(f"{each:,}" for each in counts)),
    ]


def _divisors(count: int, near: int) -> list[int]:
    """The numbers next to one, below and above, that divide a count; 1 where none is near."""
    below = range(min(near, count), max(0, near - _TRIES), -1)
    above = range(near + 1, min(count, near + _TRIES) + 1)
    found = [next((each for each in tries if not count % each), None) for tries in (below, above)]
    return [each for each in found if each] or [1]


def _unlike(error: Misfit, layer: Any, prose: Prose) -> Told | None:
    """Paths of a merge that give tensors which do not go together."""
    apart = clash(error)
    if apart is None:
        return None
    words = prose.words
    shapes: tuple[Shape, ...] = layer.inputs
    listed = sorted({*range(1, min(len(shapes), _PATHS) + 1), apart.first[0], apart.other[0]})
    paths = [
        words.say("fails.path", path=f"{path:,}", shape=tuple_text(shapes[path - 1]))
        for path in listed
    ]
    if len(listed) < len(shapes):
        paths.append("…")
    lines = [words["fails.paths"], "\n".join(f"- {path}" for path in paths)]
    rule = {"concat": "fails.concat", "mul": "fails.mul"}.get(layer.op, "fails.equal")
    rule, axis = prose.along(rule, layer)
    lines.append(words.say(rule, layer=code(layer.op), axis=axis))
    (first, one), (second, other) = apart.first, apart.other
    if not apart.unequal:
        names = _unequal(lettered(len(one)), lettered(len(other)), prose)
        numbers = _unequal(tuple_text(one), tuple_text(other), prose)
        lines.append(f"{prose.inline(names)}: {prose.inline(numbers)}")
        return lines, []
    told = []
    for letter, a, b in apart.unequal:
        prose.letters.add(letter)
        symbols = [symbol(f"{letter}_{path}", prose.notation) for path in (first, second)]
        told.append(
            words.say(
                "fails.wanted",
                size=words[_COUNTS.get(letter, f"symbol.{letter}")],
                formula=prose.inline(" = ".join(symbols)),
                numbers=prose.inline(
                    _unequal(number(a, prose.notation), number(b, prose.notation), prose)
                ),
            )
        )
    lines.append("\n".join(f"- {each}" for each in told))
    reason, cures = _reasons(apart, prose)
    return [*lines, *reason], cures


def _unequal(one: str, other: str, prose: Prose) -> str:
    return f"{one} {'≠' if prose.notation == 'plain' else chr(92) + 'ne'} {other}"


def _reasons(apart: Clash, prose: Prose) -> Told:
    """How sizes of two paths differ, and what makes them equal."""
    words = prose.words
    paths = f"{apart.first[0]:,}", f"{apart.other[0]:,}"
    spatial = [each for each in apart.unequal if each[0] not in "CN"]
    if not spatial:
        one = apart.first[1][-1]
        if len(apart.other[1]) == 1:
            return [], [words.say("fails.dense", path=paths[1], count=f"{one:,}")]
        return [], [words.say("fails.pointwise", path=paths[1], count=f"{one:,}")]
    large = spatial[0][1] > spatial[0][2]
    wide, narrow = paths if large else paths[::-1]
    pairs = [(max(a, b), min(a, b)) for _, a, b in spatial]
    alike = all((a > b) == large for _, a, b in spatial)
    # As many times as large in every dimension, or a stride is not what the paths differ in.
    factors = {many // few for many, few in pairs if not many % few}
    whole = not any(many % few for many, few in pairs)
    if alike and whole and len(factors) == 1 and len(spatial) == len(apart.first[1]) - 1:
        told = {"large": wide, "small": narrow, "factor": f"{factors.pop():,}"}
        stride = words.say("fails.stride", **told)
        return [words.say("fails.times", **told)], [stride, words.say("fails.up", **told)]
    differences = list(dict.fromkeys(many - few for many, few in pairs))
    numbers = words.listed([f"{each:,}" for each in differences])
    if alike:
        said = words.say("fails.apart", large=wide, small=narrow, numbers=numbers)
        return [said], [words.say("fails.pad", small=narrow)]
    return [], []


_TELLS = {"E203": _too_small, "E204": _wrong_rank, "E205": _uneven, "E206": _unlike}
"""What tells of the errors of sizes beside those of `failure`."""


def where(problem: Diagnostic, span: Span, prose: Prose) -> str:
    """Where it is, and the statement."""
    source = problem.source
    line = source.position(problem.span.start).line
    statement = source.text[span.start : span.end]
    shown = code(statement).replace("\\|", "|")  # this is no table
    return prose.words.say("fails.line", line=f"{line:,}", code=shown)


def report(diagnostics: list[Diagnostic], lang: str) -> str:
    """What the checker says, as a block of text that nothing in it can close."""
    return fenced(render_all(diagnostics, lang=lang), "text")
