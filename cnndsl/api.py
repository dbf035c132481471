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
    from collections.abc import Collection, Container, Iterable, Iterator, Mapping
    from concurrent.futures import Executor
    from typing import Any, TypeAlias

    from cnndsl.analysis import Analysis
    from cnndsl.diagnostics.diagnostic import Diagnostic
    from cnndsl.syntax.nodes import Module
    from cnndsl.variants.sweep import Variant

    Settings: TypeAlias = Mapping[str, str | int | float | tuple[Any, ...]]

__all__ = [
    "CnndslError",
    "Network",
    "analyse",
    "build",
    "check",
    "diagnose",
    "format",
    "import_model",
    "parse",
    "sweep",
]

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


def analyse(
    text: str,
    *,
    file: str = "<text>",
    set: Settings | None = None,
    input: str | None = None,
    limit: int = LIMIT,
    previous: Analysis | None = None,
) -> Analysis:
    """All that there is to be said about a text, through its errors: what an editor asks.

    Takes what `check` takes, raises nothing, and searches for fixes only when these are asked
    for. `previous` is the analysis of an earlier version of the text, of which is kept what
    stands before the edit; the outcome is the same without it.
    """
    from cnndsl.analysis import analyse as analysed

    return analysed(
        text, file=file, set=set, input=input, limit=limit, previous=previous, kind=Network
    )


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


def import_model(
    model: Any,
    *,
    input: str | tuple[int, ...] | list[str | tuple[int, ...]] | None = None,
    name: str | None = None,
    flat: bool = False,
) -> str:
    """The text of the network that a live model is, with its blocks and repeats.

    * `model`: a `keras.Model`, a `torch.nn.Module`, or an ONNX `ModelProto`. It is not changed
    * `input`: the input's size, as `"224x224x3"` or a tuple, channels last and without the batch;
      a list for several inputs. A module of PyTorch has none of its own
    * `name`: the net's name, else that of the model or of its class
    * `flat`: one layer after the other, without blocks and repeats

    Raises CnndslError with all that the language cannot say of the model, and ValueError for a
    size that is none.
    """
    from cnndsl.importers.graph import ImportProblems
    from cnndsl.importers.read import read_object
    from cnndsl.importers.told import told
    from cnndsl.importers.write import to_text

    given = input if isinstance(input, list) else [] if input is None else [input]
    shapes = [_shape(each) for each in given]
    own = type(model).__name__
    try:
        graph = read_object(model, name or own, shapes)
        return to_text(graph, flat, name).text
    except ImportProblems as error:
        raise CnndslError(told(error.problems, Source(own, "", dark=True))) from None


def sweep(
    net: str | Network,
    grid: Mapping[str, str | Iterable[Any]],
    *,
    where: str | None = None,
    pareto: str | None = None,
    executor: Executor | None = None,
    file: str = "<text>",
    input: str | None = None,
    limit: int = LIMIT,
) -> Iterator[Variant]:
    """What every combination of values of a net's `param`s comes to, the last varying fastest.

    * `net`: a text, or what `check` returned, of which only the text counts: values that it was
      checked with go into `grid` and `input`
    * `grid`: the values of each param: some that `check` would take, or a text, as
      `"16:256:16"` with both ends or `"2,4,8"`
    * `where`: only variants of which this holds, as `"params <= 5M and depth > 2"`
    * `pareto`: only those that no other is as good as in all of these, as `"params,field"`
    * `executor`: who does the work, in chunks of which a bounded number is handed out at a time;
      else this process does

    A variant has its `settings` and its `measure`, or the `code` and `message` of its first
    error. Its memory does not grow with how many there are. Raises CnndslError where the text
    cannot be read or has no such params, or `where` says nothing, and ValueError for values
    and measures that are none, and what the executor raises.
    """
    from functools import partial

    from cnndsl.variants.choice import Flawed, Front, holding, known
    from cnndsl.variants.sweep import Sweep, by

    source = _source(net, file) if isinstance(net, str) else net.source
    found = Sweep(source, grid, input, limit)
    _raise_errors(found.problems)
    front = None if pareto is None else Front(pareto, known(grid, numbers=True))
    try:
        wanted = holding(where, known(grid), found)
    except Flawed as error:
        raise CnndslError([error.diagnostic]) from None

    def variants() -> Iterator[Variant]:
        try:
            for some in found.run(partial(by, executor)):
                if front is None:
                    yield from wanted(some)
                    continue
                for each in wanted(some):
                    front.add(each)
        except Flawed as error:
            raise CnndslError([error.diagnostic]) from None
        if front is not None:
            yield from front.chosen()

    return variants()


def examine(
    source: Source,
    values: Settings | None = None,
    size: str | None = None,
    limit: int = LIMIT,
    advice: Container[str] = (),
) -> tuple[Network | None, list[Diagnostic]]:
    """The net of a source, if it is one, and everything that is to be said about it.

    `advice` holds the codes of the rules that are asked about a net without errors; errors come
    with the fixes that are searched for them.
    """
    analysis = analysis_of(source, values, size, limit)
    network = analysis.network
    assert network is None or isinstance(network, Network)
    if network is None or analysis.problems:
        return None, analysis.mended()
    return network, analysis.advice(advice)


def analysis_of(
    source: Source,
    values: Settings | None = None,
    size: str | None = None,
    limit: int = LIMIT,
) -> Analysis:
    """What there is to be said about a source."""
    from cnndsl.analysis import Analysis
    from cnndsl.analysis.analysis import Question

    return Analysis(source, Question({**(values or {})}, size, limit), Network)


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


def format_source(source: Source) -> tuple[str, list[Diagnostic]]:
    """The canonical form of a source, and what keeps it from being read."""
    from cnndsl.layers import ACTIVATIONS, argument_order
    from cnndsl.syntax.format import format_text

    return format_text(source, argument_order, ACTIVATIONS)


def _shape(given: Any) -> tuple[int, ...]:
    """The shape that a size is; raises ValueError for what is none."""
    from cnndsl.network.values import given_shape, shown

    try:
        return given_shape(given)
    except ValueError as error:
        raise ValueError(f"{shown(given)!r} {error.args[0]}") from None


def _source(text: str, file: str) -> Source:
    return Source(file, text.removeprefix("\ufeff"))


def _raise_errors(problems: list[Diagnostic]) -> None:
    if any(problem.severity == "error" for problem in problems):
        raise CnndslError(problems)
