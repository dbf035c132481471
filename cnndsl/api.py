"""cnndsl for programs: text in, checked networks and code out. Reads and writes no files.

Shapes are tuples, channels last and without the batch: (height, width, channels) for an
image, (length, channels) for a signal, (depth, height, width, channels) for a volume,
(size,) for a vector. Counts of parameters and multiply-adds are exact integers, the latter
for one input. Offsets count characters of the text; lines and columns begin at 1.
"""

from __future__ import annotations

from cnndsl.diagnostics.source import Source
from cnndsl.network import DEFAULT_LIMIT
from cnndsl.network import Network as CheckedNetwork

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Container, Mapping
    from typing import Any, TypeAlias

    from cnndsl.diagnostics.diagnostic import Diagnostic
    from cnndsl.syntax.nodes import Module

    Settings: TypeAlias = Mapping[str, str | int | float | tuple[Any, ...]]

__all__ = ["CnndslError", "Network", "build", "check", "diagnose", "format", "parse"]

LIMIT = DEFAULT_LIMIT


class Network(CheckedNetwork):
    """A checked network, as `check` gives it. In a notebook it shows itself as a table."""

    def _repr_html_(self) -> str:
        return str(build(self, "html", fragment=True))

    def _repr_markdown_(self) -> str:
        return str(build(self, "markdown"))

    def _repr_svg_(self) -> str:
        return str(build(self, "svg"))


class CnndslError(ValueError):
    """A text that is no net, or a net that a target cannot express.

    `diagnostics` is the list of everything found, in the order of the text; `str()` shows it
    as the command line does.
    """

    def __init__(self, diagnostics: list[Diagnostic]) -> None:
        from cnndsl.diagnostics.render import sort_key

        self.diagnostics = sorted(diagnostics, key=sort_key)
        super().__init__(self.diagnostics)

    def __str__(self) -> str:
        from cnndsl.diagnostics.render import render_all

        return render_all(self.diagnostics).rstrip("\n")


def parse(text: str, file: str = "<text>") -> Module:
    """The syntax tree of a text: its statements as they stand, nothing looked up.

    `file` is the name that the text goes by in messages. Raises CnndslError where the text
    does not follow the grammar.
    """
    from cnndsl.syntax.parser import parse as parse_source

    module, problems = parse_source(_source(text, file))
    _raise_errors(problems)
    return module


def check(
    text: str,
    *,
    file: str = "<text>",
    set: Settings | None = None,
    input: str | None = None,
    limit: int = LIMIT,
) -> Network:
    """The checked network of a text: every shape worked out, every layer counted.

    * `file`: the text's name in messages; its stem names a net that has no `net NAME`
    * `set`: other values for the text's `param`s, by name: a number up to 1e18, a tuple for
      a size, or a string as one would write it in the text
    * `input`: the input's size, as `"39x31x1"`, for a text without `input`
    * `limit`: the most layers it may have once its loops and blocks are written out

    Raises CnndslError with every error of the text at once.
    """
    network, problems = examine(_source(text, file), set, input, limit)
    _raise_errors(problems)
    assert network is not None  # else there was an error
    return network


def diagnose(
    text: str,
    *,
    file: str = "<text>",
    set: Settings | None = None,
    input: str | None = None,
    limit: int = LIMIT,
) -> list[Diagnostic]:
    """Everything that is to be said about a text, in its order; an empty list is a clean net.

    The rules that are on by default are asked, and comments that ignore some suppress them.
    Takes what `check` takes, and raises nothing, whatever stands in the text, in `set` and in
    `input`: what cannot be read is told, and so is a rule that fails.
    """
    from cnndsl.diagnostics.codes import on_by_default
    from cnndsl.diagnostics.render import sort_key

    return sorted(lint(_source(text, file), on_by_default(), set, input, limit), key=sort_key)


def build(
    net: str | Network,
    target: str,
    *,
    file: str = "<text>",
    set: Settings | None = None,
    input: str | None = None,
    limit: int = LIMIT,
    **options: Any,
) -> str | bytes:
    """What a target makes of a net: the source of a module, a document, data.

    * `net`: a text, or what `check` returned
    * `target`: `"keras"`, `"pytorch"`, `"markdown"`, `"json"`, …
    * `file`, `set`, `input`, `limit`: as for `check`, for a text
    * `options`: whatever else the target takes

    The result is bytes where the target's files are no text. Raises CnndslError where the
    text has errors or the target cannot express the net, ValueError where there is no such
    target or it does not take an option or its value, and `targets.Unavailable` where a
    library that the target needs is missing.
    """
    from cnndsl import contract, targets

    try:
        generator = targets.load(target)
    except KeyError:
        known = ", ".join(targets.names())
        raise ValueError(f"unknown target {target!r}: the targets are {known}") from None
    if isinstance(net, str):
        net = check(net, file=file, set=set, input=input, limit=limit)
    targets.checked_options(generator, options)
    try:
        return generator.generate(net, **options)
    except contract.TargetError as error:
        raise CnndslError(list(error.diagnostics)) from None


def format(text: str, *, file: str = "<text>") -> str:
    """The text in canonical form, its comments kept, and the same net.

    Raises CnndslError where the text does not follow the grammar.
    """
    formatted, problems = format_source(_source(text, file))
    _raise_errors(problems)
    return formatted


def examine(
    source: Source,
    values: Settings | None = None,
    size: str | None = None,
    limit: int = LIMIT,
    advice: Container[str] = (),
) -> tuple[Network | None, list[Diagnostic]]:
    """The net of a source, if it is one, and everything that is to be said about it.

    `advice` holds the codes of the rules that are asked about a net without errors.
    """
    from cnndsl.network import elaborate
    from cnndsl.syntax.parser import parse as parse_source

    module, problems = parse_source(source)
    if not module.complete or any(_is_about_braces(problem) for problem in problems):
        return None, problems  # what belongs in which braces is anybody's guess
    network, found = elaborate(
        source, module, settings=values or {}, input_size=size, limit=limit, kind=Network
    )
    assert network is None or isinstance(network, Network)
    if problems:
        # Of what cannot be read nothing more is to be said.
        places = {each.span.start for each in problems}
        return None, problems + [each for each in found if each.span.start not in places]
    if network is not None and advice:
        from cnndsl import rules

        found += rules.advice(network, advice)
    elif any(each.code in _SIZES for each in found):
        from cnndsl.diagnostics.fault import guarded
        from cnndsl.quickfix import with_quickfixes

        problems = found
        found = guarded(
            source,
            "the search for quick fixes",
            lambda: with_quickfixes(source, problems, values or {}, size, limit),
            otherwise=problems,
        )
    return network, found


def lint(
    source: Source,
    codes: Collection[str],
    values: Settings | None = None,
    size: str | None = None,
    limit: int = LIMIT,
) -> list[Diagnostic]:
    """What is to be said about a source when some codes are asked for: errors in any case.

    Comments that ignore findings suppress them.
    """
    found = examine(source, values, size, limit, codes)[1]
    if "cnndsl:" in source.text:
        from cnndsl.lint.comments import suppress

        return suppress(source, found, codes)
    return found


def _is_about_braces(problem: Diagnostic) -> bool:
    if problem.code == "E003":
        return problem.source.text[problem.span.start : problem.span.end] != "("
    return problem.code == "E005"


# What edits are looked for; they are tried on the whole net, which takes longer than a check.
_SIZES = ("E201", "E202", "E203", "E204", "E205", "E206", "E207", "E301")


def format_source(source: Source) -> tuple[str, list[Diagnostic]]:
    """The canonical form of a source, and what keeps it from being read."""
    from cnndsl.layers import ACTIVATIONS, argument_order
    from cnndsl.syntax.format import format_text

    return format_text(source, argument_order, ACTIVATIONS)


def _source(text: str, file: str) -> Source:
    return Source(file, text.removeprefix("\ufeff"))


def _raise_errors(problems: list[Diagnostic]) -> None:
    if any(problem.severity == "error" for problem in problems):
        raise CnndslError(problems)
