"""`cnndsl solve`: the input sizes for which every size of a net comes out whole."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from cnndsl.cli.commands.nets import NET, asked, format_option, one_file, settings
from cnndsl.cli.terminal.language import LANG, language
from cnndsl.cli.terminal.options import Arguments, Command, UsageError, quoted
from cnndsl.contract import Option
from cnndsl.diagnostics.diagnostic import Diagnostic
from cnndsl.diagnostics.message import Message, joined, listed, said
from cnndsl.diagnostics.source import Source

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cnndsl.quickfix.solve import Solution
    from cnndsl.symbolic.residues import Residues

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
        LANG,
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
            if not has_errors(problems):
                say(f"{source.name}: {error}")
                return 0
        else:
            if arguments.get("format") == "json":
                data(as_json(source, solution, problems, language(arguments, paths)))
            else:
                out(told(source, solution, problems, language(arguments, paths)))
            return int(not solution.valid or has_errors(problems))
    tell(problems, lang=language(arguments, paths) if problems else "en")
    return 1


def bounds(arguments: Arguments, key: str) -> range | None:
    """The value of an option that wants a range of sizes."""
    text = arguments.get(key)
    if text is None:
        return None
    first, given, last = text.partition(":")
    numbers = [each.replace("_", "") for each in (first, last if given else first)]
    if all(each.isascii() and each.isdigit() and len(each) <= 18 for each in numbers):
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


def told(
    source: Source, solution: Solution, problems: Sequence[Diagnostic], lang: str = "en"
) -> str:
    """A solution in words."""
    from cnndsl.diagnostics.render import printable
    from cnndsl.layers.base import DIMENSIONS, show

    names = DIMENSIONS[len(solution.shape) - 1]
    shape = show(solution.shape)
    size = Message("the input {size}", size=shape)
    if solution.inputs > 1:
        size = Message("the size {size} of {count} inputs", size=shape, count=solution.inputs)
    lines: list[Message] = [Message("{what} does not come out whole", what=size)]
    if solution.valid:
        lines = [Message("{what} comes out whole", what=size)]
    if solution.by_axis is not None:
        for name, asked, sizes in zip(names, solution.ranges, solution.by_axis):
            found = Message(
                "{axis}: {found:,} of the {count:,} sizes from {first} to {last}",
                axis=name,
                found=len(sizes),
                count=len(asked),
                first=asked.start,
                last=asked.stop - 1,
            )
            lines.append(_listed(found, sizes))
        if len(names) > 1:
            any_ = listed([Message("any {axis}", axis=name) for name in names])
            lines.append(Message("{axes} go together", axes=any_))
    else:
        assert solution.sizes is not None
        lines += _one_by_one(solution, names)
    if solution.rules is not None:
        rules = [_rule(name, rule) for name, rule in zip(names, solution.rules)]
        if solution.by_axis is None:
            rules = [_rule(Message("each"), solution.rules[0])]
        lines.append(Message("in any range: {rules}", rules=joined(rules, "{first}, {rest}")))
    if solution.open is not None:
        line = source.position(solution.open.span.start).line
        lines.append(
            Message(
                "there is no closed form, for line {line}: {message}",
                line=line,
                message=solution.open.message,
            )
        )
    if solution.beyond:
        lines.append(Message("but for sizes that make a count larger than 10^18"))
    every = Message("at every size that was tried")
    if solution.rules is not None or solution.tried >= solution.asked:
        every = Message("at every size of the range")
    present = {(each.code, each.span): each for each in problems}
    for each in solution.stays:
        here = present.get((each.code, each.span))
        which = Message("for {size}", size=shape) if here else Message("for one of them")
        lines.append(
            Message(
                "{every}: {code} on line {line}, {which}: {message}",
                every=every,
                code=each.code,
                line=source.position(each.span.start).line,
                which=which,
                message=(here or each).message,
            )
        )
    if solution.nearest:
        nearest = ", ".join(map(show, solution.nearest))
        lines.append(Message("nearest: {sizes}", sizes=nearest))
    verdict, *rest = [printable(said(line, lang)) for line in lines]
    shown = [f"{printable(source.name)}: {verdict}", *rest]
    if not solution.valid and (cures := _cures(source, problems)):
        as_it_is = Message("with {size} as it is:", size=shape)
        shown += ["", said(as_it_is, lang), *(f"  {said(each, lang)}" for each in cures)]
    return "\n".join(shown) + "\n"


def _cures(source: Source, problems: Sequence[Diagnostic]) -> list[Message]:
    """The edits that help where the input stays, each once and with its line."""
    import re

    found: dict[object, Message] = {}
    for problem in problems:
        for words, fix in zip(_alternatives(problem.help), problem.fixes):
            line = source.position(fix.edits[0].span.start).line
            of_the_file = words.startswith("write `rounding floor`")
            told = of_the_file or re.search(rf"on line {line}\b", words)
            if not words.startswith("make the input"):
                there = Message("on line {line}: {words}", line=line, words=words)
                found.setdefault(fix.edits, words if told else there)
    return list(found.values())


def _alternatives(help_: Message) -> list[Message]:
    """The edits that a help names, which are joined by `or`."""
    found = []
    while getattr(help_, "template", "") == "{first}\nor {rest}":
        found.append(help_.values["first"])
        help_ = help_.values["rest"]
    if "\nor " in help_:
        return [Message("{text}", text=each) for each in help_.split("\nor ")]
    return [*found, help_]


def _one_by_one(solution: Solution, names: Sequence[Message]) -> list[Message]:
    assert solution.sizes is not None
    asked = [
        Message("{axis} {first} to {last}", axis=name, first=each.start, last=each.stop - 1)
        for name, each in zip(names, solution.ranges)
    ]
    found: Sequence[int] = [each[0] for each in solution.sizes]
    if solution.rules is not None:  # which has those that are too many to list
        common = range(max(r.start for r in solution.ranges), min(r.stop for r in solution.ranges))
        found = solution.rules[0].within(common)
    values = {"ranges": joined(asked, "{first} x {rest}"), "found": len(found)}
    line = Message("{ranges}: {found:,} of {count:,} sizes", **values, count=solution.asked)
    if solution.rules is None and solution.tried < solution.asked:
        line = Message(
            "{ranges}: {found:,} of the {tried:,} sizes that were tried, the nearest of {count:,}",
            **values,
            tried=solution.tried,
            count=solution.asked,
        )
    lines = [line]
    alike = all(len(set(each)) == 1 for each in solution.sizes)
    if alike and solution.sizes:
        lines[0] = _listed(line, found)
    elif solution.sizes:
        shown = _some(["x".join(map(str, each)) for each in solution.sizes])
        lines.append(Message("  {sizes}", sizes=shown))
    if solution.promising is not None and len(solution.promising) < len(solution.sizes):
        kept = len(solution.promising)
        lines.append(Message("the promises of the file are kept by {count:,} of them", count=kept))
    return lines


def _some(sizes: Sequence[object]) -> Message:
    """The first of some sizes, and how many more there are."""
    rest, first = len(sizes) - SHOWN, ", ".join(map(str, sizes[:SHOWN]))
    if rest <= 0:
        return Message("{text}", text=first)
    from cnndsl.quickfix.solve import LISTED

    if len(sizes) > LISTED:
        return Message("{sizes}, and {count:,} more", sizes=first, count=rest)
    return Message(
        "{sizes}, and {count:,} more; --format json has them all", sizes=first, count=rest
    )


def _listed(found: Message, sizes: Sequence[int]) -> Message:
    """A line about sizes with them in a row: all, or the first and what is added each time."""
    from cnndsl.symbolic.residues import Sizes

    if not sizes:
        return found
    shown = _some(sizes)
    turn = sizes[: len(sizes.rows) + 1] if isinstance(sizes, Sizes) else sizes
    steps = {b - a for a, b in pairwise(turn)}
    if len(steps) == 1 and len(sizes) > 2:
        (step,) = steps
        shown = Message("{first} to {last}", first=sizes[0], last=sizes[-1])
        if step > 1:
            row = f"{sizes[0]}, {sizes[1]}, … {sizes[-1]} ({sizes[0]} + {step}k)"
            shown = Message("{text}", text=row)
    return Message("{found}: {sizes}", found=found, sizes=shown)


def _rule(name: Message, rule: Residues) -> Message:
    """The sizes of a dimension that fit in any range: `height 31 + 8k`."""
    from cnndsl.symbolic.residues import runs

    firsts, most = rule.firsts, rule.most
    shown = ", ".join(runs(firsts))
    if firsts[0] == most:
        return Message("{axis} {size}", axis=name, size=most)
    if most is not None:
        return _listed(name, rule.within(range(1, most + 1)))
    if rule.modulus == 1:
        return Message("{axis} from {first:,} on", axis=name, first=firsts[0])
    if len(firsts) == 1:
        return Message(
            "{axis} {first:,} + {step:,}k", axis=name, first=firsts[0], step=rule.modulus
        )
    return Message("{axis} {firsts} (each + {step:,}k)", axis=name, firsts=shown, step=rule.modulus)


def as_json(
    source: Source, solution: Solution, problems: Sequence[Diagnostic], lang: str = "en"
) -> str:
    """A solution for programs."""
    from cnndsl.diagnostics.harmless import to_json
    from cnndsl.diagnostics.render_json import as_json as diagnostic
    from cnndsl.layers.base import DIMENSIONS
    from cnndsl.quickfix.solve import LISTED

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
        found["sizes"] = {n: each[:LISTED] for n, each in zip(names, solution.by_axis)}
    else:
        found["sizes"] = solution.sizes
        found["promises_kept"] = solution.promising
    found["nearest"] = solution.nearest
    found["rules"] = None
    if solution.rules is not None:
        rules = [
            {"from": each.least, "to": each.most}
            | {"modulus": each.modulus, "remainders": each.remainders}
            for each in solution.rules
        ]
        found["rules"] = dict(zip(names, rules if solution.by_axis else rules * len(names)))
    found["tried"] = solution.tried
    found["complete"] = solution.rules is not None or solution.tried >= solution.asked
    found["diagnostics"] = [diagnostic(each, lang) for each in problems]
    return to_json(found)
