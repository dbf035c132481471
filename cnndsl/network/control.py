"""Bodies of statements: loops, conditions, jumps, constants, side outputs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cnndsl.diagnostics import Edit, Fix, Note, Span
from cnndsl.layers.base import Shape, show
from cnndsl.layers.values import SHAPE, Word, show_value, whole
from cnndsl.network.expect import TOTALS, Promise
from cnndsl.network.expressions import ExpressionError, Unknown, truth
from cnndsl.network.nearest import did_you_mean, nearest
from cnndsl.network.network import (
    Body,
    Choice,
    Item,
    Jump,
    Loop,
    Side,
)
from cnndsl.network.network import Bound as BoundName
from cnndsl.network.scope import Scope, named_in
from cnndsl.network.words import reserved
from cnndsl.syntax import nodes as ast

if TYPE_CHECKING:
    from collections.abc import Sequence

from cnndsl.network.calls import Calls
from cnndsl.network.expansion import Stop
from cnndsl.network.values import given_value

MAX_DEPTH = 120
"""How deep blocks, loops and paths may nest once blocks are expanded."""


class Control(Calls):
    """Runs bodies of statements."""

    def body(
        self, statements: Sequence[ast.Statement], scope: Scope | None = None, top: bool = False
    ) -> Body:
        """Run statements from the current tensor on."""
        before, outer = self.current, self.scope
        if scope is not None:
            self.scope = scope
        self.depth += 1
        if self.depth > MAX_DEPTH:
            span = statements[0].span if statements else Span(0, 0)
            self.report(
                "E005",
                span,
                f"blocks, loops and paths nest deeper than {MAX_DEPTH} levels here",
                "call the blocks one after the other instead of within each other",
            )
            raise Stop
        items: list[Item] = []
        for statement in statements:
            kind = type(statement)
            problems = len(self.problems)
            try:
                item: Item | None
                if isinstance(statement, ast.Apply):
                    item = self.apply(statement)
                else:
                    item = self.other(statement, top)
                if item is not None:
                    items.append(item)
            except ExpressionError as error:
                self.report(error.code, error.span, error.message, error.help)
                self.lose(kind)
            except Unknown:
                self.lose(kind)
            if self.shape is None or len(self.problems) > problems:
                self.lose_names(statement)
        self.depth -= 1
        self.scope = outer
        return Body(tuple(items), before, self.current)

    def lose(self, kind: type) -> None:
        """Go on without a shape after a statement that would have changed it."""
        if kind not in (ast.Let, ast.Param, ast.Expect):
            self.shape = None

    def other(self, statement: ast.Statement, top: bool) -> Item | None:
        """A statement that is not a layer."""
        if isinstance(statement, ast.Repeat):
            return self.repeat(statement)
        if isinstance(statement, ast.If):
            return self.choose(statement)
        if isinstance(statement, (ast.Let, ast.Param)):
            return self.let(statement, top)
        if isinstance(statement, ast.From):
            return self.jump(statement)
        if isinstance(statement, ast.Expect):
            self.promise(statement)
        elif isinstance(statement, ast.Head):
            return self.head(statement)
        elif isinstance(statement, ast.Bad):
            self.started = True
            self.shape = None
        elif not top:
            word = type(statement).__name__.lower()
            self.report(
                "E111",
                statement.span,
                f"`{word}` stands at the top of a file, not inside braces",
                "move it out",
            )
        elif isinstance(statement, ast.Input):
            self.input(statement)
        elif isinstance(statement, ast.Net) and statement is not self.module.statements[0]:
            self.report(
                "E111", statement.span, "`net` is not the first statement", "move it to the top"
            )
        return None

    def input(self, statement: ast.Input) -> None:
        value = self.value(statement.size)
        shape: Shape | None = None
        try:
            read = SHAPE.read(value)
            shape = read if isinstance(read, tuple) else (read,)
        except ValueError as error:
            self.report("E105", statement.size.span, f"input: the size {error}")
        if shape is not None and len(shape) > 4:
            self.report(
                "E105",
                statement.size.span,
                f"input: {show(shape)} has {len(shape)} dimensions",
                "an input is N, LxC, HxWxC or DxHxWxC",
            )
            shape = None
        if shape is None:
            self.started = True
            return
        self.add_input(shape, statement.span, statement.alias)

    def let(self, statement: ast.Let | ast.Param, top: bool) -> Item | None:
        name = statement.name
        scope = self.scope
        if isinstance(statement, ast.Param) and not top:
            self.report(
                "E111",
                statement.span,
                "`param` stands at the top of a file, not inside braces",
                "write `let` here",
            )
        if reserved(name.id):
            self.report_reserved(name, "a constant")
            return None
        if name.id in self.blocks:
            self.report_taken(name, self.blocks[name.id].name, "name")
            return None
        if name.id in scope.defined or name.id in scope.named:
            first = scope.defined.get(name.id) or scope.named[name.id]
            self.report_taken(name, first, "name")
            return None
        scope.defined[name.id] = name
        scope.constants[name.id] = None  # unknown, should the value fail
        if isinstance(statement, ast.Param) and name.id in self.settings:
            given = self.settings[name.id]
            value = given_value(given)
            if isinstance(value, Word) and not self.known(value.id):
                value = None
            if value is None:
                self.report(
                    "E105",
                    statement.value.span,
                    f"`--set {name.id}={str(given)[:40]}` is no value of the language",
                    "give a number, a size or a word",
                )
        else:
            value = self.value(statement.value)
        scope.constants[name.id] = value
        return BoundName(statement, value)

    def repeat(self, statement: ast.Repeat) -> Item:
        value = self.value(statement.count)
        count = whole(value)
        if count is None or count < 0:
            message = f"repeat: the count must be a whole number from 0, not {show_value(value)}"
            help_ = "write `//` to round down" if getattr(value, "denominator", 1) != 1 else ""
            raise ExpressionError("E105", statement.count.span, message, help_)
        if statement.index is not None and reserved(statement.index.id):
            self.report_reserved(statement.index, "a counter")
        bodies = []
        frame = self.scope.frame
        notes, header = frame.notes, Span(statement.span.start, statement.count.span.end)
        for turn in range(count if statement.body.statements else 0):
            self.turn(statement.count.span)
            scope = Scope(frame, self.scope)
            if turn:  # what is wrong now was not in the first turn
                frame.notes = (*notes, Note(f"in turn {turn + 1} of {count:,}", header))
            if statement.index is not None:
                scope.constants[statement.index.id] = turn
                scope.defined[statement.index.id] = statement.index
            bodies.append(self.body(statement.body.statements, scope))
            if self.problems and self.shape is None:
                break  # the other turns have nothing to add
        frame.notes = notes
        if statement.alias is not None and self.shape is not None:
            self.name_tensor(statement.alias, self.current)
        return Loop(statement, tuple(bodies))

    def choose(self, statement: ast.If) -> Item:
        taken, chosen = len(statement.tests), statement.otherwise
        for index, test in enumerate(statement.tests):
            if truth(test, self.look_up):
                taken, chosen = index, statement.bodies[index]
                break
        body = self.body(chosen.statements, self.path_scope()) if chosen is not None else None
        if statement.alias is not None and self.shape is not None:
            self.name_tensor(statement.alias, self.current)
        return Choice(statement, taken, body)

    def jump(self, statement: ast.From) -> Item | None:
        name = statement.name
        try:
            index = self.scope.tensor(name.id)
        except KeyError:
            self.shape = None
            if self.lost(name.id):
                return None
            known = list(dict.fromkeys(self.scope.tensor_names()))
            near = nearest(name.id, [*known, *self.scope.frame.lost])
            fixes = (Fix(f"write `{near}`", (Edit(name.span, near),)),) if near else ()
            help_ = did_you_mean(near) or (
                f"named so far: {', '.join(known[:8])}" if known else "name a tensor with `as`"
            )
            inside = named_in(self.module.statements, name.id)
            if isinstance(inside, ast.Repeat):
                help_ = (
                    f"the name `{name.id}` ends with the `repeat` in which it is given: to name "
                    f"what the `repeat` gives, write `as {name.id}` after its `}}`"
                )
            elif isinstance(inside, ast.Block):
                help_ = (
                    f"the name `{name.id}` ends with the block in which it is given: to name what "
                    f"the block gives, write `as {name.id}` after a call of `{inside.name.id}`"
                )
            if name.id in self.file_scope.tensors:
                help_ = f"a block sees no tensors but its own: pass `{name.id}` as an argument"
            message = f"no tensor is called `{name.id}` here"
            self.report("E106", name.span, message, help_, fixes)
            return None
        self.current, self.shape = index, self.nodes[index].output
        return Jump(statement, index)

    def head(self, statement: ast.Head) -> Item | None:
        name = statement.name
        if self.scope.frame.instance or self.depth > 1:
            self.report(
                "E111",
                statement.span,
                "`head` stands at the top of a file, not inside braces",
                "move it out",
            )
            return None
        if not self.started:
            self.no_input(statement.name.span)
        if name.id in self.heads or name.id == "main":
            if name.id == "main":
                self.report(
                    "E107",
                    name.span,
                    "`main` is the name of the main output",
                    "choose another name",
                )
            else:
                self.report_taken(name, self.heads[name.id], "head")
        self.heads[name.id] = name
        before, shape = self.current, self.shape
        body = self.body(statement.body.statements, self.path_scope())
        self.outputs[name.id] = body.output
        self.current, self.shape = before, shape
        return Side(statement, body)

    def promise(self, statement: ast.Expect) -> None:
        value = self.value(statement.value)
        problem = Promise.check(statement, value)
        if problem is not None:
            self.report_problem(problem)
        elif statement.metric.id in TOTALS:
            self.promises.append(Promise(statement, value, None))
        elif not self.started:
            self.no_input(statement.metric.span)
        elif self.shape is not None:
            notes = tuple(reversed(self.scope.frame.notes))
            self.promises.append(Promise(statement, value, self.nodes[self.current], notes))
