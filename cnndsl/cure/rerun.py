"""A text checked again with some edits, and what an ordinary check does not tell."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from cnndsl.cure.apply import apply_edits
from cnndsl.diagnostics import Source
from cnndsl.network import Elaborator, stem_of
from cnndsl.syntax import nodes as ast
from cnndsl.syntax.parser import parse

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from cnndsl.diagnostics import Diagnostic, Edit, Span
    from cnndsl.layers import LayerError, Shape
    from cnndsl.network import Network, Node


class Misfit(NamedTuple):
    """A layer that does not fit on what it reads.

    * `span`: where that is reported
    * `statement`: the layer, and `calls` the calls of blocks around it, the outermost first
    * `inputs`: the nodes that it reads
    * `axes`: the spatial dimensions that are at fault, by index; none where no size is
    * `shape`: what it reads (for a merge, the first path's)
    """

    code: str
    span: Span
    statement: ast.Apply
    calls: tuple[ast.Apply, ...]
    inputs: tuple[int, ...]
    axes: tuple[int, ...]
    shape: Shape


class Probe(Elaborator):
    """An elaboration that remembers the calls which led to each node, and each misfit.

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
        self.calls: tuple[ast.Apply, ...] = ()
        self.led: list[tuple[ast.Apply, ...]] = []
        self.misfits: list[Misfit] = []
        self.led_anywhere = True

    def unused_blocks(self) -> None:
        kept = self.nodes
        self.led_anywhere = False  # what is wrong in them has no net around it
        try:
            super().unused_blocks()
        finally:
            self.nodes = kept

    def add_input(self, shape: Shape, span: Span, alias: ast.Name | None) -> None:
        super().add_input(self.sizes.get(len(self.inputs), shape), span, alias)

    def add(self, *arguments: Any) -> int:
        self.led.append(self.calls)
        return super().add(*arguments)

    def call(self, block: ast.Block, statement: ast.Apply) -> Any:
        before = self.calls
        self.calls = (*before, statement)
        try:
            return super().call(block, statement)
        finally:
            self.calls = before

    def misfit(
        self, error: LayerError, statement: ast.Apply, span: Span, inputs: tuple[int, ...]
    ) -> None:
        if self.led_anywhere and (error.code, span) not in self.reported:
            shape = self.nodes[inputs[0]].output
            self.misfits.append(
                Misfit(error.code, span, statement, self.calls, inputs, error.axes, shape)
            )
        super().misfit(error, statement, span, inputs)


class Outcome(NamedTuple):
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
    misfits: list[Misfit]

    @property
    def whole(self) -> bool:
        """Whether nothing at all is wrong."""
        return self.network is not None

    @property
    def fits(self) -> bool:
        """Whether every size comes out, be the promises kept or not."""
        return all(each.code == "E301" for each in self.problems)

    @property
    def blamed(self) -> set[int]:
        """The spatial dimensions in which something does not fit."""
        return {axis for each in self.misfits for axis in each.axes}

    def place(self, problem: Diagnostic, edits: Iterable[Edit] = ()) -> tuple[str, int]:
        """A problem's code and its offset in the text as it was before the edits."""
        offset = problem.span.start
        for edit in sorted(edits):
            grown = len(edit.text) - (edit.span.end - edit.span.start)
            if edit.span.start + len(edit.text) <= offset:
                offset -= grown
            elif edit.span.start < offset:
                offset = edit.span.start
        return problem.code, offset


class Bench:
    """Checks variants of a text, as many as its budget allows.

    The budget counts the layers that are worked out and the statements that are read, and no
    time: the same text has the same results on any machine. Texts are remembered, and so are
    sizes where it is to `keep` them.
    """

    def __init__(
        self,
        source: Source,
        settings: Mapping[str, Any],
        size: str | None,
        limit: int,
        budget: int,
        *,
        keep: bool = True,
    ) -> None:
        self.keep = keep
        self.source = source
        self.settings = settings
        self.size = size
        self.limit = limit
        self.left = budget
        self.known: dict[tuple[str, str | None], Outcome | None] = {}

    @property
    def spent(self) -> bool:
        """Whether nothing of the budget is left."""
        return self.left <= 0

    def run(self, edits: Iterable[Edit] = (), size: str | None = None) -> Outcome | None:
        """What the text comes to after edits, or with another `--input`.

        None where it cannot be read any more, and where the budget is spent.
        """
        text = apply_edits(self.source.text, edits)
        size = size or self.size
        if (text, size) in self.known:
            return self.known[text, size]
        if self.spent:
            return None
        outcome = self._checked(Source(self.source.name, text), size)
        self.known[text, size] = outcome
        return outcome

    def sized(self, number: int, shape: Shape) -> Outcome | None:
        """What the text comes to with another size of an input, as an edit of it would do.

        None where the budget is spent.
        """
        base = self.run()
        if base is None or self.spent:
            return None
        key = (f"{number} {shape}", "")
        if key in self.known:
            return self.known[key]
        outcome = self._elaborated(base.source, base.module, self.size, {number: shape})
        if self.keep:
            self.known[key] = outcome
        return outcome

    def _checked(self, source: Source, size: str | None) -> Outcome | None:
        module, problems = parse(source)
        self.left -= len(module.statements)
        return None if problems else self._elaborated(source, module, size, {})

    def _elaborated(
        self, source: Source, module: ast.Module, size: str | None, sizes: Mapping[int, Shape]
    ) -> Outcome:
        probe = Probe(source, module, self.settings, size, self.limit, sizes=sizes)
        network = probe.run(stem_of(source.name))
        self.left -= len(probe.nodes)
        return Outcome(
            source, module, network, probe.problems, probe.nodes, probe.led, probe.misfits
        )
