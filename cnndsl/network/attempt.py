"""How far a net with errors goes: the part before the first of them, which is a net by itself."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from typing import NamedTuple

from cnndsl.diagnostics import Diagnostic, Span
from cnndsl.network.elaborate import stem_of
from cnndsl.network.evaluation import Misfit, Probe
from cnndsl.network.network import Network, Node
from cnndsl.syntax import nodes as ast
from cnndsl.syntax.walk import walk

_ROUNDED = ("E201", "E202")


class Attempt(NamedTuple):
    """What can be said of a net although it has errors.

    * `network`: the layers before the first error, as a network; None where not even an input
      stands before it
    * `problem`: the first error, in the order in which layers are worked out
    * `node`: the layer in which a size does not come out whole, as if it were rounded down;
      None for other errors
    * `misfit`: the layer that does not fit, where the problem is about one
    * `reached`: all layers that there are nevertheless; None without an input
    * `assumed`: the indices of those of them that an error keeps from being known
    * `faults`: the errors in their places among them
    """

    network: Network | None
    problem: Diagnostic | None
    node: Node | None
    misfit: Misfit | None = None
    reached: Network | None = None
    assumed: frozenset[int] = frozenset()
    faults: Sequence[Fault] = ()


class Fault(NamedTuple):
    """An error in its place among the layers.

    * `place`: how many nodes there were before it
    * `span`: the statement at fault
    * `misfit`: as for an `Attempt`
    * `inputs`: the nodes that the statement reads, as far as that is known
    """

    place: int
    problem: Diagnostic
    span: Span
    misfit: Misfit | None
    inputs: tuple[int, ...]


def attempt(run: Probe, unread: Sequence[Diagnostic] = ()) -> Attempt:
    """How far the net of a text goes that was run; with what is `unread` no part of it is sound."""
    stem = stem_of(run.source.name)
    found = faults(run, [*unread, *run.problems])
    further = run.as_far(stem), frozenset(run.assumed), found
    if unread:
        return Attempt(None, None, None, None, *further)
    first = next(iter(run.problems), None)
    network = run.as_far(stem, until=run.sound if first else None)
    node = misfit = None
    if first is not None:
        misfit = run.misfits.get((first.code, first.span))
        if first.code in _ROUNDED and run.sound < len(run.nodes):
            node = run.nodes[run.sound]
    return Attempt(network, first, node, misfit, *further)


def faults(run: Probe, problems: Sequence[Diagnostic]) -> list[Fault]:
    """Errors of a net that was run, as they come between its layers; `run` may know more.

    Of the errors in a statement the first is enough.
    """
    statements = _Statements(run.module)
    found: dict[Span, Fault] = {}
    inputs = {(error.code, error.span): error.inputs for error in run.errors}
    for problem in problems:
        misfit = run.misfits.get((problem.code, problem.span))
        span = misfit.statement.span if misfit else statements.around(problem.span)
        place = run.places.get(problem.span, run.places.get(span, len(run.nodes)))
        read = inputs.get((problem.code, problem.span), (place - 1,) if place else ())
        found.setdefault(span, Fault(place, problem, span, misfit, read))
    return sorted(found.values(), key=lambda fault: (fault.place, fault.span))


class _Statements:
    """The statements of a text by where they stand."""

    def __init__(self, module: ast.Module) -> None:
        spans = {each.span for each in walk(module) if isinstance(each, ast.Statement)}
        self.spans = sorted(spans, key=lambda span: (span.start, -span.end))
        self.starts = [span.start for span in self.spans]
        self.outer: list[int] = []  # the statement around each, or -1
        around: list[int] = []
        for index, span in enumerate(self.spans):
            while around and self.spans[around[-1]].end <= span.start:
                around.pop()
            self.outer.append(around[-1] if around else -1)
            around.append(index)

    def around(self, span: Span) -> Span:
        """The innermost statement at a place, or the place itself where there is none."""
        index = bisect_right(self.starts, span.start) - 1
        while index >= 0 and self.spans[index].end < max(span.end, span.start + 1):
            index = self.outer[index]
        return self.spans[index] if index >= 0 else span
