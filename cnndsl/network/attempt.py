"""How far a net with errors goes: the part before the first of them, which is a net by itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from cnndsl.diagnostics import Diagnostic, Source
from cnndsl.network.elaborate import DEFAULT_LIMIT, Elaborator, stem_of
from cnndsl.network.network import Body, Network, Node
from cnndsl.syntax import nodes as ast
from cnndsl.syntax.parser import parse

_ROUNDED = ("E201", "E202")


class Attempt(NamedTuple):
    """What can be said of a net although it has errors.

    * `network`: the layers before the first error, as a network; None where not even an input
      stands before it
    * `problem`: the first error, in the order in which layers are worked out
    * `node`: the layer in which a size does not come out whole, as if it were rounded down;
      None for other errors
    """

    network: Network | None
    problem: Diagnostic | None
    node: Node | None


class _Recorder(Elaborator):
    """Remembers how far it was when it first had to report something."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.whole = self.nodes  # `nodes` is another list while unused blocks are looked at
        self.reached = 0
        self.first: Diagnostic | None = None

    def report(self, *arguments: Any, **keywords: Any) -> None:
        count = len(self.problems)
        try:
            super().report(*arguments, **keywords)
        finally:
            if self.first is None and len(self.problems) > count:
                self.first = self.problems[-1]
                self.reached = len(self.whole)


def attempt(
    source: Source,
    *,
    settings: Mapping[str, Any] | None = None,
    input_size: str | None = None,
    limit: int = DEFAULT_LIMIT,
) -> Attempt:
    """How far the net of a text goes; takes what `elaborate` takes.

    A text that the grammar does not let through goes nowhere.
    """
    module, problems = parse(source)
    if problems:
        return Attempt(None, None, None)
    recorder = _Recorder(source, module, settings or {}, input_size, limit)
    recorder.run(stem_of(source.name))
    nodes = recorder.whole[: recorder.reached]
    inputs = tuple(index for index in recorder.inputs if index < len(nodes))
    network = None
    if inputs:
        statement, context = module.statements[0], recorder.context
        name = statement.name.id if isinstance(statement, ast.Net) else stem_of(source.name)
        outputs, body = {"main": len(nodes) - 1}, Body((), -1, len(nodes) - 1)
        network = Network(name, source, module, nodes, inputs, outputs, body, *context)
    node = None
    first = recorder.first
    if first is not None and first.code in _ROUNDED and recorder.reached < len(recorder.whole):
        node = recorder.whole[recorder.reached]
    return Attempt(network, first, node)
