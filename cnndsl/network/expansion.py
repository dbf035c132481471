"""The state of an expansion: nodes, names, values, and what there is to report."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cnndsl.diagnostics import Diagnostic, Edit, Fix, Note, Span
from cnndsl.layers import Context, Layer
from cnndsl.layers.base import Input, Shape, show
from cnndsl.layers.values import Word
from cnndsl.network import field
from cnndsl.network.bind import Problem
from cnndsl.network.expect import Promise
from cnndsl.network.expressions import ExpressionError, Unknown, evaluate
from cnndsl.network.nearest import did_you_mean, nearest
from cnndsl.network.network import (
    Body,
    Field,
    Node,
)
from cnndsl.network.scope import Frame, Scope, given_names
from cnndsl.network.words import is_word, reserved
from cnndsl.syntax import nodes as ast

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from cnndsl.diagnostics import Source

MAX_PROBLEMS = 1_000
"""How many problems of a net are reported before checking stops."""

DEFAULT_LIMIT = 1_000_000
"""How many layers a net may come to unless the caller says otherwise."""

_SIZES = {"C": -1, "W": -2, "H": -3, "D": -4, "L": -2}

_RANKS = {"C": (0, 1, 2, 3), "W": (2, 3), "H": (2, 3), "D": (3,), "L": (1,)}


class Stop(Exception):
    """Expansion is given up; the diagnostics say why."""


def unknown(span: Span, word: str, known: Iterable[str]) -> Problem:
    near = nearest(word, known)
    fixes = (Fix(f"write `{near}`", (Edit(span, near),)),) if near else ()
    help_ = did_you_mean(near) or f"a constant is defined by `let {word} = …`"
    return Problem("E106", span, f"nothing here is called `{word}`", help_, fixes)


class Expansion:
    """The state of one expansion.

    `current` is the node that the next layer reads: an index, or None where an earlier
    error hides it. `shape` is its shape, which may be known even then.
    """

    def __init__(
        self,
        source: Source,
        module: ast.Module,
        settings: Mapping[str, Any],
        input_size: str | None,
        limit: int,
    ) -> None:
        self.source = source
        self.module = module
        self.settings = dict(settings)
        self.input_size = input_size
        self.limit = limit
        self.problems: list[Diagnostic] = []
        self.reported: set[tuple[str, Span]] = set()
        self.nodes: list[Node] = []
        self.inputs: list[int] = []
        self.outputs: dict[str, int] = {}
        self.heads: dict[str, ast.Name] = {}
        self.promises: list[Promise] = []
        self.context = Context()
        self.said: dict[str, ast.Statement] = {}
        self.current = -1
        self.shape: Shape | None = None
        self.started = False
        self.depth = self.turns = 0
        self.called: set[str] = set()
        given = frozenset(given_names(module.statements))
        self.scope = Scope(Frame((), (), (), given))
        self.file_scope = self.scope
        self.cache: dict[Any, Layer] = {}
        self.blocks: dict[str, ast.Block] = {}

    def report(
        self,
        code: str,
        span: Span,
        message: str,
        help_: str = "",
        fixes: tuple[Fix, ...] = (),
        notes: tuple[Note, ...] = (),
    ) -> None:
        """Note a problem, once for each place."""
        if (code, span) in self.reported:
            return
        self.reported.add((code, span))
        calls = tuple(reversed(self.scope.frame.notes))
        if len(calls) > 6:
            calls = (*calls[:4], Note(f"and {len(calls) - 5} calls further out"), calls[-1])
        notes += calls
        self.problems.append(Diagnostic(code, self.source, span, message, help_, notes, fixes))
        if len(self.problems) >= MAX_PROBLEMS:
            more = Note(f"there may be more; checking ends after {MAX_PROBLEMS:,}")
            self.problems[-1] = self.problems[-1]._replace(notes=(*notes, more))
            raise Stop

    def report_problem(self, problem: Problem) -> None:
        self.report(problem.code, problem.span, problem.message, problem.help, problem.fixes)

    def report_reserved(self, name: ast.Name, what: str) -> None:
        self.report(
            "E107",
            name.span,
            f"`{name.id}` is a word of the language and cannot name {what}",
            "choose another name",
        )

    def report_taken(self, name: ast.Name, first: ast.Name, what: str) -> None:
        self.report(
            "E107",
            name.span,
            f"the {what} `{name.id}` is defined twice",
            "choose another name",
            notes=(Note("it is first defined here", first.span),),
        )

    def too_large(self, span: Span, total: int) -> None:
        count = f"{min(total, 10**15):,}"
        self.report(
            "E302",
            span,
            f"the net comes to at least {count} layers, beyond the limit of {self.limit:,}",
            "repeat less, or raise the limit with `--limit`",
        )
        raise Stop

    def turn(self, span: Span) -> None:
        """Count a turn of a loop or a call; refuse what goes round and round for nothing."""
        self.turns += 1
        if self.turns > 100_000 + 10 * len(self.nodes):
            self.report(
                "E302",
                span,
                f"loops and calls are run {self.turns:,} times, and come to "
                f"{len(self.nodes) - len(self.inputs):,} layers",
                "repeat less",
            )
            raise Stop

    def add_input(self, shape: Shape, span: Span, alias: ast.Name | None) -> None:
        before = (self.current, self.shape)
        layer = Input({}, shape, self.context)
        self.add(layer, (), field.of_input(shape), span, alias)
        self.inputs.append(self.current)
        if self.started:
            self.current, self.shape = before
        self.started = True

    def add(
        self,
        layer: Layer,
        inputs: tuple[int, ...],
        seen: Field,
        span: Span,
        alias: ast.Name | None,
    ) -> int:
        """Append a node and make it the current tensor."""
        index = len(self.nodes)
        if index - len(self.inputs) >= self.limit:
            self.too_large(span, index)
        frame = self.scope.frame
        name = frame.number(layer.op) if alias is None else self.named(alias, index)
        self.nodes.append(
            Node(
                index,
                frame.prefix + name,
                layer,
                inputs,
                alias.id if alias else None,
                span,
                frame.instance,
                seen,
            )
        )
        self.current = index
        self.shape = layer.output
        return index

    def named(self, alias: ast.Name, index: int) -> str:
        """Give a tensor a name, and a node the name that goes with it."""
        self.name_tensor(alias, index)
        return self.scope.frame.unique(alias.id)

    def name_tensor(self, alias: ast.Name, index: int) -> None:
        scope = self.scope
        if reserved(alias.id):
            self.report_reserved(alias, "a tensor")
        elif alias.id in self.blocks:
            self.report_taken(alias, self.blocks[alias.id].name, "name")
        elif alias.id in scope.named or alias.id in scope.defined:
            first = scope.named.get(alias.id) or scope.defined[alias.id]
            self.report_taken(alias, first, "name")
        else:
            scope.named[alias.id] = alias
            scope.tensors[alias.id] = index

    def value(self, node: ast.Expr) -> Any:
        return evaluate(node, self.look_up)

    def look_up(self, name: ast.Name) -> Any:
        word = name.id
        if word in _SIZES:
            return self.own_size(name)
        try:
            value = self.scope.constant(word)
        except KeyError:
            pass
        else:
            if value is None:
                raise Unknown
            return value
        if self.known(word):
            return Word(word)
        self.unknown_name(name.span, word)
        raise Unknown

    def known(self, word: str) -> bool:
        """Whether a word means something here: a layer, a flag, a block, a tensor."""
        if is_word(word) or word in self.blocks:
            return True
        try:
            self.scope.tensor(word)
        except KeyError:
            return False
        return True

    def unknown_name(self, span: Span, word: str, others: Sequence[str] = ()) -> None:
        """Report a name that nothing in sight defines, unless an earlier error took it away."""
        if not self.lost(word):
            known = [*self.scope.names(), *self.scope.tensor_names(), *self.blocks, *others]
            self.report_problem(unknown(span, word, known))

    def no_value(self, name: ast.Name) -> Problem | None:
        """What to say of a name that stands in the place of a value and has none."""
        if self.lost(name.id):
            return None
        kind = "block" if name.id in self.blocks else "tensor"
        try:
            self.scope.tensor(name.id)
        except KeyError:
            if kind == "tensor":
                return unknown(name.span, name.id, self.scope.names())
        message = f"`{name.id}` is a {kind}, and no value"
        return Problem("E105", name.span, message, "write a number, or the name of a constant")

    def own_size(self, name: ast.Name) -> int:
        if not self.started:
            self.no_input(name.span)
        if self.shape is None:
            raise Unknown
        if len(self.shape) - 1 not in _RANKS[name.id]:
            letters = {0: "C", 1: "L and C", 2: "H, W and C", 3: "D, H, W and C"}
            raise ExpressionError(
                "E106",
                name.span,
                f"the current tensor, {show(self.shape)}, has no `{name.id}`",
                f"it has {letters[len(self.shape) - 1]}",
            )
        return self.shape[_SIZES[name.id]]

    def no_input(self, span: Span) -> None:
        self.started = True
        self.report(
            "E112", span, "there is no `input` before this", "begin with, say, `input 28x28x1`"
        )

    def word(self, name: ast.Name) -> Any:
        """A bare name as an argument: a constant's value, or the word itself."""
        if name.id in _SIZES:
            try:
                return self.own_size(name)
            except Unknown:
                return None
        try:
            return self.scope.constant(name.id)
        except KeyError:
            return Word(name.id)

    def lost(self, name: str) -> bool:
        """Whether a name is unknown because of an error in what should define it."""
        try:
            if self.scope.constant(name) is None:
                return True
        except KeyError:
            pass
        return name in self.scope.frame.lost

    def lose_names(self, statement: ast.Statement) -> None:
        """Say nothing more of names that a statement with an error may have given with `as`."""
        self.scope.frame.lost.update(given_names([statement]))

    def body(
        self, statements: Sequence[ast.Statement], scope: Scope | None = None, top: bool = False
    ) -> Body:
        """Run statements from the current tensor on; `Control` says how."""
        raise NotImplementedError
