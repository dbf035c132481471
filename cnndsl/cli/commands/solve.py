"""`cnndsl solve`: the input sizes for which every size of a net comes out whole."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from cnndsl.cli.commands.nets import NET, asked, format_option, one_file, settings
from cnndsl.cli.terminal.options import Arguments, Command, UsageError, quoted
from cnndsl.contract import Option
from cnndsl.diagnostics.diagnostic import Diagnostic
from cnndsl.diagnostics.source import Source

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cnndsl.quickfix.solve import Solution

_AXES = ("height", "width", "depth", "length")

COMMAND = Command(
    "solve",
    "FILE",
    "list the input sizes for which every size comes out whole",
    "List the input sizes for which every size that follows comes out whole, and where the\n"
    "present one does not, the smallest edits with which it would. Sizes from half the present\n"
    "one to twice of it are looked at unless a range A:B says otherwise.",
    (
        Option(
            "range",
            "the sizes to look at, in every dimension; one number is\none size",
            "word",
            "A:B",
        ),
        *(
            Option(f"{axis}", f"the sizes to look at for the {axis}", "word", "A:B")
            for axis in _AXES
        ),
        Option("square", "only sizes that are the same in every dimension"),
        Option(
            "vary",
            "the one input whose size is asked for; else the first,\nand all of its size",
            "word",
            "NAME",
        ),
        format_option("text for people, json for programs", "text", "json"),
        *NET,
    ),
    (
        "cnndsl solve article.cnn",
        "cnndsl solve article.cnn --range 1:256 --square",
        "cnndsl solve article.cnn --height 20:60 --width 31:31 --format json",
    ),
)

SHOWN = 12
"""How many sizes are written out before the rest is counted."""


def run(arguments: Arguments) -> int:
    from cnndsl.api import examine
    from cnndsl.cli.commands.nets import has_errors, tell
    from cnndsl.cli.terminal.files import read_source
    from cnndsl.cli.terminal.output import data, out, say
    from cnndsl.quickfix.solve import Unsolvable, solve

    paths = one_file(arguments)
    limits = {axis: bounds(arguments, axis) for axis in ("range", *_AXES)}
    source, problems = read_source(paths[0])
    values, size, limit = asked(arguments)
    if not problems:
        network, problems = examine(source, values, size, limit)
        try:
            solution = solve(
                source,
                ranges(source, arguments, limits, network is not None),
                number=chosen(source, arguments),
                square=arguments.has("square"),
                settings=values,
                size=size,
                limit=limit,
            )
        except Unsolvable as error:
            if not problems:
                say(f"{source.name}: {error}")
                return 1
        else:
            if arguments.get("format") == "json":
                data(as_json(source, solution, problems))
            else:
                out(told(source, solution, problems))
            return int(not solution.valid or has_errors(problems))
    tell(problems)
    return 1


def bounds(arguments: Arguments, key: str) -> range | None:
    """The value of an option that wants a range of sizes."""
    text = arguments.get(key)
    if text is None:
        return None
    first, given, last = text.partition(":")
    numbers = [each.replace("_", "") for each in (first, last if given else first)]
    if all(each.isascii() and each.isdigit() and len(each) <= 9 for each in numbers):
        begin, end = map(int, numbers)
        if 1 <= begin <= end:
            return range(begin, end + 1)
    raise UsageError(
        f"--{key} wants sizes from A to B, as 20:60, or one, as 64, not {quoted(text)}"
    )


def chosen(source: Source, arguments: Arguments) -> int | None:
    """The number of the input that `--vary` names, if it names one."""
    from cnndsl.diagnostics.spelling import nearest

    name = arguments.get("vary")
    if name is None:
        return None
    names = input_names(source)
    if name in names:
        return names.index(name)
    known = [each for each in names if each]
    raise UsageError(f"no input is called {quoted(name)}{nearest(name, known)}")


def input_names(source: Source) -> list[str]:
    """The names of a text's inputs, in order; nothing for one without."""
    from cnndsl.syntax.nodes import Input
    from cnndsl.syntax.parser import parse

    inputs = (s for s in parse(source)[0].statements if isinstance(s, Input))
    return [each.alias.id if each.alias else "" for each in inputs]


def ranges(
    source: Source, arguments: Arguments, limits: dict[str, range | None], whole: bool
) -> list[range | None]:
    """The range of each spatial dimension, as the options say."""
    from cnndsl.layers.base import DIMENSIONS
    from cnndsl.quickfix.solve import input_shape

    shape = input_shape(
        source, chosen(source, arguments) or 0, settings(arguments), arguments.get("input")
    )
    names = DIMENSIONS[len(shape) - 1] if shape else ()
    for axis in _AXES:
        if limits[axis] is not None and shape and axis not in names:
            raise UsageError(f"--{axis}: the input has {' and '.join(names) or 'no such size'}")
    return [limits[name] or limits["range"] for name in names]


def told(source: Source, solution: Solution, problems: Sequence[Diagnostic]) -> str:
    """A solution in words."""
    from cnndsl.diagnostics.render import printable
    from cnndsl.layers.base import DIMENSIONS, show

    names = DIMENSIONS[len(solution.shape) - 1]
    size = f"the input {show(solution.shape)}"
    if solution.inputs > 1:
        size = f"the size {show(solution.shape)} of {solution.inputs} inputs"
    verdict = "comes out whole" if solution.valid else "does not come out whole"
    lines = [f"{printable(source.name)}: {size} {verdict}"]
    if solution.by_axis is not None:
        for name, asked, sizes in zip(names, solution.ranges, solution.by_axis):
            spread = f"{len(asked):,} sizes from {asked.start} to {asked.stop - 1}"
            lines.append(f"{name}: {len(sizes):,} of the {spread}{_listed(sizes)}")
        if len(names) > 1:
            lines.append(" and ".join(f"any {name}" for name in names) + " go together")
    else:
        assert solution.sizes is not None
        lines += _one_by_one(solution, names)
    of_all = solution.by_axis is not None or solution.tried >= solution.asked
    every = f"at every size {'of the range' if of_all else 'that was tried'}"
    present = {(each.code, each.span): each for each in problems}
    for each in solution.stays:
        line = source.position(each.span.start).line
        here = present.get((each.code, each.span))
        which = f"for {show(solution.shape)}" if here else "for one of them"
        message = printable((here or each).message)
        lines.append(f"{every}: {each.code} on line {line}, {which}: {message}")
    if solution.nearest:
        lines.append(f"nearest: {', '.join(map(show, solution.nearest))}")
    if not solution.valid and (cures := _cures(source, problems)):
        lines += ["", f"with {show(solution.shape)} as it is:", *(f"  {each}" for each in cures)]
    return "\n".join(lines) + "\n"


def _cures(source: Source, problems: Sequence[Diagnostic]) -> list[str]:
    """The edits that help where the input stays, each once and with its line."""
    import re

    found: dict[object, str] = {}
    for problem in problems:
        for words, fix in zip(problem.help.split("\nor "), problem.fixes):
            line = source.position(fix.edits[0].span.start).line
            of_the_file = words.startswith("write `rounding floor`")
            told = of_the_file or re.search(rf"on line {line}\b", words)
            if not words.startswith("make the input"):
                found.setdefault(fix.edits, words if told else f"on line {line}: {words}")
    return list(found.values())


def _one_by_one(solution: Solution, names: Sequence[str]) -> list[str]:
    assert solution.sizes is not None
    asked = " x ".join(
        f"{name} {each.start} to {each.stop - 1}" for name, each in zip(names, solution.ranges)
    )
    of = f"{solution.asked:,} sizes"
    if solution.tried < solution.asked:
        of = f"the {solution.tried:,} sizes that were tried, the nearest of {solution.asked:,}"
    lines = [f"{asked}: {len(solution.sizes):,} of {of}"]
    alike = all(len(set(each)) == 1 for each in solution.sizes)
    if alike and solution.sizes:
        lines[0] += _listed([each[0] for each in solution.sizes])
    else:
        shown = _some(["x".join(map(str, each)) for each in solution.sizes])
        lines += [f"  {shown}"] if shown else []
    if len(solution.promising) < len(solution.sizes):
        lines.append(f"the promises of the file are kept by {len(solution.promising):,} of them")
    return lines


def _some(sizes: Sequence[object]) -> str:
    """The first of some sizes, and how many more there are."""
    rest = len(sizes) - SHOWN
    more = [f"and {rest:,} more; --format json has them all"] if rest > 0 else []
    return ", ".join([*map(str, sizes[:SHOWN]), *more])


def _listed(sizes: Sequence[int]) -> str:
    """Sizes in a row: all of them, or the first and what is added each time."""
    if not sizes:
        return ""
    steps = {b - a for a, b in pairwise(sizes)}
    if len(steps) == 1 and len(sizes) > 2:
        (step,) = steps
        if step == 1:
            return f": {sizes[0]} to {sizes[-1]}"
        return f": {sizes[0]}, {sizes[1]}, … {sizes[-1]} ({sizes[0]} + {step}k)"
    return f": {_some(sizes)}"


def as_json(source: Source, solution: Solution, problems: Sequence[Diagnostic]) -> str:
    """A solution for programs."""
    from cnndsl.diagnostics.harmless import to_json
    from cnndsl.diagnostics.render_json import as_json as diagnostic
    from cnndsl.layers.base import DIMENSIONS

    names = DIMENSIONS[len(solution.shape) - 1]
    found: dict[str, object] = {
        "file": source.name,
        "input": solution.shape,
        "inputs": solution.inputs,
        "whole": solution.valid,
        "ranges": {n: [r.start, r.stop - 1] for n, r in zip(names, solution.ranges)},
        "independent": solution.by_axis is not None,
    }
    if solution.by_axis is not None:
        found["sizes"] = dict(zip(names, solution.by_axis))
    else:
        found["sizes"] = solution.sizes
        found["promises_kept"] = solution.promising
    found["nearest"] = solution.nearest
    found["tried"] = solution.tried
    found["complete"] = solution.by_axis is not None or solution.tried >= solution.asked
    found["diagnostics"] = [diagnostic(each) for each in problems]
    return to_json(found)
