"""A text checked again with some edits, and what an ordinary check does not tell."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from cnndsl.diagnostics import Diagnostic, Edit, Source, Span
from cnndsl.layers import Layer, LayerError, Shape
from cnndsl.network.elaborate import Elaborator
from cnndsl.network.network import Assertion, Network, Node
from cnndsl.syntax import nodes as ast


class ShapeError(NamedTuple):
    """A layer that does not fit on what it reads.

    * `span`: where that is reported
    * `statement`: the layer, and `calls` the calls of blocks around it, the outermost first
    * `inputs`: the nodes that it reads
    * `axes`: the spatial dimensions that are at fault, by index; none where no size is
    * `shape`: what it reads (for a merge, the first path's)
    * `paths`: for a merge those that it has, as they are written, one for each of `inputs`
    """

    code: str
    span: Span
    statement: ast.Apply
    calls: tuple[ast.Apply, ...]
    inputs: tuple[int, ...]
    axes: tuple[int, ...]
    shape: Shape
    paths: tuple[ast.Body, ...] = ()


class Misfit(NamedTuple):
    """A layer that does not fit on what it reads, for those who explain why.

    * `code`, `statement`, `axes`: as of the `ShapeError`
    * `layer`: the layer, as far as it was made
    """

    code: str
    statement: ast.Apply
    axes: tuple[int, ...]
    layer: Layer


class Probe(Elaborator):
    """An elaboration that remembers each error about a size.

    `sizes` gives inputs, by their number from 0, another size than the text does.
    """

    def __init__(
        self,
        source: Source,
        module: ast.Module,
        *settings: Any,
        sizes: Mapping[int, Shape] | None = None,
    ) -> None:
        super().__init__(source, module, *settings)
        self.sizes = sizes or {}
        self.errors: list[ShapeError] = []
        self.misfits: dict[tuple[str, Span], Misfit] = {}  # by the code and the place of an error
        self.led_anywhere = True

    def unused_blocks(self) -> None:
        self.led_anywhere = False  # what is wrong in them has no net around it
        super().unused_blocks()

    def evaluation(self, network: Network | None) -> Evaluation:
        """What it came to; `network` is None where anything is wrong."""
        found = self.problems, self.nodes, self.led, self.errors, self.assertions
        return Evaluation(self.source, self.module, network, *found)

    def add_input(self, shape: Shape, span: Span, alias: ast.Name | None) -> None:
        super().add_input(self.sizes.get(len(self.inputs), shape), span, alias)

    def shape_error(
        self,
        error: LayerError,
        statement: ast.Apply,
        span: Span,
        inputs: tuple[int, ...],
        paths: tuple[ast.Body, ...] = (),
    ) -> None:
        if self.led_anywhere and not self.muted and (error.code, span) not in self.reported:
            shape = self.nodes[inputs[0]].output
            self.errors.append(
                ShapeError(
                    error.code, span, statement, self.calls, inputs, error.axes, shape, paths
                )
            )
            if error.layer is not None:
                misfit = Misfit(error.code, statement, error.axes, error.layer)
                self.misfits[error.code, span] = misfit
        super().shape_error(error, statement, span, inputs, paths)


class Evaluation(NamedTuple):
    """What a check of a text came to.

    `nodes` are the layers that could be made, and `led` the calls that led to each; they are
    all of the net where nothing is wrong, and what an error left of it otherwise.
    """

    source: Source
    module: ast.Module
    network: Network | None
    problems: list[Diagnostic]
    nodes: list[Node]
    led: list[tuple[ast.Apply, ...]]
    errors: list[ShapeError]
    assertions: list[Assertion]

    @property
    def valid(self) -> bool:
        """Whether nothing at all is wrong."""
        return self.network is not None

    @property
    def fits(self) -> bool:
        """Whether every size comes out, be the promises kept or not."""
        return all(each.code == "E301" for each in self.problems)

    @property
    def faulty_axes(self) -> set[int]:
        """The spatial dimensions in which something does not fit."""
        return {axis for each in self.errors for axis in each.axes}

    def located(self, problem: Diagnostic, edits: Iterable[Edit] = ()) -> tuple[str, int]:
        """A problem's code and its offset in the text as it was before the edits."""
        offset = problem.span.start
        for edit in sorted(edits):
            grown = len(edit.text) - (edit.span.end - edit.span.start)
            if edit.span.start + len(edit.text) <= offset:
                offset -= grown
            elif edit.span.start < offset:
                offset = edit.span.start
        return problem.code, offset
