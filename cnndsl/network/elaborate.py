"""Syntax tree to Network: expands, looks up, works out shapes, collects every problem."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cnndsl.diagnostics import Diagnostic, Edit, Fix, Note, Span
from cnndsl.layers import LAYERS
from cnndsl.network.cost import Counter
from cnndsl.network.expect import broken
from cnndsl.network.nearest import did_you_mean, nearest
from cnndsl.network.network import Body, Network
from cnndsl.network.scope import Frame, Scope
from cnndsl.network.words import reserved
from cnndsl.syntax import nodes as ast

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from cnndsl.diagnostics import Source
from cnndsl.network import dead_code
from cnndsl.network.control import Control
from cnndsl.network.expansion import DEFAULT_LIMIT, Stop
from cnndsl.network.values import given_shape, given_value


def elaborate(
    source: Source,
    module: ast.Module,
    *,
    settings: Mapping[str, Any] | None = None,
    input_size: str | None = None,
    limit: int = DEFAULT_LIMIT,
    stem: str = "",
    kind: type[Network] = Network,
    unkept: bool = False,
) -> tuple[Network | None, list[Diagnostic]]:
    """Check a syntax tree and expand it into a network.

    `settings` overrides `param` constants (texts are read as the language's values);
    `input_size` serves a text without `input`; `limit` bounds the layers; `kind` is the class
    of the network. Gives the network, or None where anything is wrong, and all diagnostics in
    the order of the text. With `unkept` a network that breaks nothing but promises is given too.
    """
    elaborator = Elaborator(source, module, settings or {}, input_size, limit)
    elaborator.unkept = unkept
    network = elaborator.run(stem or stem_of(source.name), kind)
    problems = sorted(elaborator.problems, key=lambda problem: (problem.span, problem.code))
    return network, problems


def stem_of(name: str) -> str:
    """The name of a net that gives itself none, from the name of its file."""
    stem = name.replace("\\", "/").rsplit("/", 1)[-1].rsplit(".", 1)[0]
    word = "".join(character if character.isalnum() else "_" for character in stem).strip("_")
    return word if word.isidentifier() else f"net_{word}".rstrip("_")


class Elaborator(Control):
    """Runs a whole file. `unkept`: whether a network that breaks promises is one."""

    unkept = False

    def run(self, stem: str, kind: type[Network] = Network) -> Network | None:
        """The network, or None where there is anything to report."""
        try:
            self.prepare()
            return self.finish(self.body(self.module.statements, top=True), stem, kind)
        except Stop:
            return None

    def prepare(self) -> None:
        """Take up what holds for the whole file, wherever it stands."""
        statements = self.module.statements
        for statement in statements:
            if isinstance(statement, ast.Block):
                self.define_block(statement)
        for statement in statements:
            if isinstance(statement, (ast.Rounding, ast.Defaults)):
                self.say(statement)
            elif isinstance(statement, ast.Block):
                self.name_parameters(statement)
        self.given_input()
        self.count(statements)

    def finish(self, body: Body, stem: str, kind: type[Network]) -> Network | None:
        """The network, once all statements have been run; None where anything is wrong."""
        statements = self.module.statements
        first = statements[0] if statements else None
        if not self.started and not any(isinstance(s, ast.Bad) for s in statements):
            end = Span(0, min(1, len(self.source.text)))
            self.report("E112", end, "a net needs an `input`", "begin with, say, `input 28x28x1`")
        self.unused_settings()
        self.unused_blocks()
        if self.problems:
            return None
        self.outputs = {"main": self.current, **self.outputs}
        network = kind(
            first.name.id if isinstance(first, ast.Net) else stem,
            self.source,
            self.module,
            self.nodes,
            tuple(self.inputs),
            self.outputs,
            body,
            self.context.rounding,
            self.context.defaults,
            tuple(self.promises),
        )
        for found in dead_code.find(network):
            self.report(found.code, found.span, found.message, found.help)
        wrong = bool(self.problems)
        for problem, notes in broken(self.promises, network):
            self.report(*problem, notes)
        return None if wrong or (self.problems and not self.unkept) else network

    def given_input(self) -> None:
        """Take up the caller's input size where the file has no `input` of its own."""
        if self.input_size is None:
            return
        first = next((s for s in self.module.statements if isinstance(s, ast.Input)), None)
        if first is not None:
            self.report(
                "E111",
                first.span,
                "the input is given twice: here and by `--input`",
                "leave one of them out",
            )
            return
        try:
            shape = given_shape(self.input_size)
        except ValueError as error:
            self.started = True
            self.report("E105", Span(0, 0), f"`--input {self.input_size}` {error}")
            return
        self.add_input(shape, Span(0, 0), None)

    def count(self, statements: Sequence[ast.Statement]) -> None:
        """Refuse at once what would come to more layers than the limit."""
        if len(statements) <= self.limit and all(
            isinstance(s, ast.Apply) and s.name.id in LAYERS for s in statements
        ):
            return
        constants: dict[str, Any] = {}
        for name, value in self.settings.items():
            constants[name] = given_value(value)
        counter = Counter(self.blocks, constants)
        total = 0
        names = counter.constants
        for statement in statements:
            total += counter.statement(statement, names)
            if total > self.limit:
                self.too_large(statement.span, total)

    def unused_settings(self) -> None:
        params = [s.name.id for s in self.module.statements if isinstance(s, ast.Param)]
        for name in sorted(set(self.settings) - set(params)):
            near = nearest(name, params)
            known = f"its params are {', '.join(params)}" if params else "it has no `param`"
            self.report(
                "E113",
                Span(0, 0),
                f"`--set {name}`: the file has no param `{name}`",
                did_you_mean(near) or known,
            )
            self.reported.discard(("E113", Span(0, 0)))

    def unused_blocks(self) -> None:
        """Look for mistakes in the blocks that nothing calls, as far as they go without values."""
        kept = self.nodes, self.inputs, self.promises, self.current
        for word, block in self.blocks.items():
            if word in self.called:
                continue
            self.nodes, self.inputs, self.promises = [], [], []
            self.started, self.shape = True, None
            scope = Scope(Frame((word,), (), (word,)), self.file_scope)
            for parameter in block.parameters:
                scope.defined[parameter.name.id] = parameter.name
                scope.constants[parameter.name.id] = None
            self.body(block.body.statements, scope)
        self.nodes, self.inputs, self.promises, self.current = kept

    def define_block(self, statement: ast.Block) -> None:
        name = statement.name
        if reserved(name.id):
            self.report_reserved(name, "a block")
        elif name.id in self.blocks:
            self.report_taken(name, self.blocks[name.id].name, "block")
        self.blocks.setdefault(name.id, statement)

    def name_parameters(self, statement: ast.Block) -> None:
        """See that a block's parameters can have their names; all blocks must be known."""
        seen: dict[str, ast.Name] = {}
        for parameter in statement.parameters:
            if reserved(parameter.name.id):
                self.report_reserved(parameter.name, "a parameter")
            elif parameter.name.id in self.blocks:
                first = self.blocks[parameter.name.id].name
                self.report_taken(parameter.name, first, "name")
            elif parameter.name.id in seen:
                self.report_taken(parameter.name, seen[parameter.name.id], "parameter")
            seen[parameter.name.id] = parameter.name

    def say(self, statement: ast.Rounding | ast.Defaults) -> None:
        """`rounding` and `defaults`: once each, for the whole file."""
        word, choices = (
            (statement.mode, ("exact", "floor", "ceil"))
            if isinstance(statement, ast.Rounding)
            else (statement.framework, ("keras", "torch"))
        )
        kind = "rounding" if isinstance(statement, ast.Rounding) else "defaults"
        if kind in self.said:
            self.report(
                "E111",
                statement.span,
                f"`{kind}` is said twice",
                "say it once, for the whole file",
                notes=(Note("it is first said here", self.said[kind].span),),
            )
            return
        self.said[kind] = statement
        if word.id not in choices:
            near = nearest(
                {"pytorch": "torch", "tensorflow": "keras"}.get(word.id, word.id), choices
            )
            self.report(
                "E105",
                word.span,
                f"`{kind}` is {' or '.join(choices)}, not `{word.id}`",
                did_you_mean(near),
                (Fix(f"write `{near}`", (Edit(word.span, near),)),) if near else (),
            )
            if kind == "rounding":
                # Whatever was meant: sizes that do not come out whole are no further news.
                self.context = self.context._replace(rounding="floor")
            return
        self.context = self.context._replace(**{kind: word.id})
