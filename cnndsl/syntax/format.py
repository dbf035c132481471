"""The canonical form of a text. It never changes what the text means.

The tree says what to write; the text says where lines end and where comments stand. What
the form is, `grammar/README.md` tells.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

from cnndsl.diagnostics import Diagnostic, Source
from cnndsl.syntax import nodes, walk
from cnndsl.syntax.format_expressions import ATOM, SPACE, SUM, TEST, Expressions, Piece
from cnndsl.syntax.format_lines import Lines, Places
from cnndsl.syntax.nodes import Argument, Body, Expr, Name, Statement
from cnndsl.syntax.parser import parse_tokens


def format_text(
    source: Source, order: Callable[[str], Sequence[str] | None], activations: Collection[str] = ()
) -> tuple[str, list[Diagnostic]]:
    """A text in canonical form; or, where it cannot be read, as it is, with the reasons.

    `order` gives the arguments of a layer in their canonical order, and None for what is
    no layer: `"*"` stands for positional values, `"act"` for one of the `activations`,
    `"/"` for the stride, `"pad="` for a keyword and `"same"` for a flag.
    """
    module, problems, tokens = parse_tokens(source)
    if problems:
        return source.text, problems

    own = {each.id for each in walk.defined(module.statements)}

    def sort(call: nodes.Apply) -> Sequence[Argument]:
        if call.name.id in own:  # a block may have the name of a layer
            return call.args
        return sort_arguments(call, order, activations)

    formatter = _Formatter(Places(source, tokens, module.comments), sort)
    formatter.statements(module.statements, 0, 0)
    formatter.end(len(source.text), 0, blank=bool(module.statements))
    return formatter.lines.render("\r\n" if "\r\n" in source.text else "\n"), []


class _Formatter:
    """Writes statements, each on the line where it belongs. `at` is how far it has come."""

    def __init__(self, places: Places, sort: Callable[[nodes.Apply], Sequence[Argument]]) -> None:
        self.places = places
        self.sort = sort
        self.lines = Lines()
        self.expressions = Expressions(places)
        self.at = 0

    # What is between statements

    def statements(self, statements: Sequence[Statement], indent: int, column: int) -> None:
        """Write statements on lines of their own, and the comments among them.

        The first begins a line, but not behind the bar of a path (`column` is 1).
        """
        for index, statement in enumerate(statements):
            start = statement.span.start
            if index == 0 and column and not self.places.has_comment(self.at, start):
                self.lines.write(" ")
            elif self.gap(start, indent, blank=index > 0) and index > 0:
                self.lines.write("; ")
            else:
                self.lines.break_line(indent)
            self.statement(statement, indent)

    def gap(self, end: int, indent: int, blank: bool = True) -> bool:
        """Write the comments and the blank line before what comes next, at `end`.

        Returns whether nothing at all comes between. `blank` is False where no blank line
        may come first.
        """
        places, lines = self.places, self.lines
        empty = True
        for comment in places.comments_in(self.at, end):
            newlines = places.newlines(self.at, comment.span.start)
            if newlines or not lines.written:
                if newlines > 1 and blank:
                    lines.blank()
                lines.break_line(indent)
            lines.comment(comment.text, places.place(comment))
            self.at, blank, empty = comment.span.end, True, False
        newlines = places.newlines(self.at, end)
        if newlines > 1 and blank:
            lines.blank()
        self.at = end
        return empty and newlines == 0

    def end(self, end: int, indent: int, blank: bool) -> None:
        """Write the comments between the last statement of a body and its end."""
        self.gap(end, indent, blank)
        self.lines.no_blank()

    def body(self, body: Body, indent: int) -> None:
        """Write statements in braces: on one line where they stand on one."""
        start, end = body.span.start + 1, body.span.end - 1
        if body.statements and isinstance(body.statements[0], nodes.Paths):
            self.paths(body.statements[0].paths, start, end, indent, barred=True)
            return
        if self.places.on_one_line(start, end) or self.places.is_blank(start, end):
            self.lines.write("{ ")
            self.in_line(body.statements, indent)
            self.lines.write(" }" if body.statements else "}")
        else:
            self.lines.write("{")
            self.at = start
            self.statements(body.statements, indent + 1, 0)
            self.end(end, indent + 1, blank=bool(body.statements))
            self.lines.break_line(indent)
            self.lines.write("}")
        self.at = body.span.end

    def in_line(self, statements: Sequence[Statement], indent: int) -> None:
        for index, statement in enumerate(statements):
            if index:
                self.lines.write("; ")
            self.statement(statement, indent)

    def paths(
        self, paths: Sequence[Body], start: int, end: int, indent: int, *, barred: bool = False
    ) -> None:
        """Write paths, between the offsets inside their braces; the first with its bar on one
        line too where that says that they are paths."""
        lines = self.lines
        if self.places.on_one_line(start, end) or self.places.is_blank(start, end):
            lines.write("{ ")
            for index, path in enumerate(paths):
                if index or barred or not path.statements:
                    lines.write("| ")
                self.in_line(path.statements, indent)
                if path.statements:
                    lines.write(" ")
            lines.write("}")
        else:
            lines.write("{")
            self.at = start
            bars = self.places.bars(paths, start, end)
            for index, (path, bar) in enumerate(zip(paths, bars, strict=True)):
                self.gap(bar, indent + 1, blank=index > 0)
                lines.break_line(indent + 1)
                lines.write("|")
                self.at = max(bar + 1, self.at) if self.places.is_bar(bar) else bar
                self.statements(path.statements, indent + 2, 1)
            self.end(end, indent + 1, blank=bool(paths))
            lines.break_line(indent)
            lines.write("}")
        self.at = end + 1

    # Statements

    def statement(self, statement: Statement, indent: int) -> None:
        """Write one statement, from where the line has come to."""
        write, self.at = self.lines.write, statement.span.start
        match statement:
            case nodes.Net() | nodes.Rounding() | nodes.Defaults() | nodes.From():
                write(f"{type(statement).__name__.lower()} {self.name(statement[1])}")
            case nodes.Input(_, size, alias):
                write("input ")
                self.expression(size, ATOM, indent)
                self.alias(alias)
            case nodes.Let(_, name, value) | nodes.Param(_, name, value):
                write(f"{type(statement).__name__.lower()} {self.name(name)} = ")
                self.at = name.span.end
                self.expression(value, TEST, indent)
            case nodes.Expect(_, metric, op, value):
                write(f"expect {self.name(metric)} {op} ")
                self.at = metric.span.end
                self.expression(value, SUM, indent)
            case nodes.Repeat(_, count, index, body, alias):
                write("repeat ")
                self.expression(count, SUM, indent)
                self.alias(index)
                write(" ")
                self.body(body, indent)
                self.alias(alias)
            case nodes.If():
                self.choice(statement, indent)
            case nodes.Block(_, name, parameters, body, mark):
                write((f"{self.name(mark)} " if mark else "") + f"block {self.name(name)}")
                self.at = name.span.end
                pieces = self.expressions.parameters(parameters, self.at)
                self.flow(pieces, body.span.start, indent)
                write(" ")
                self.body(body, indent)
            case nodes.Head(_, name, body, when):
                write(f"head {self.name(name)} " + (f"{self.name(when)} " if when else ""))
                self.body(body, indent)
            case nodes.Freeze(_, body, alias):
                write("freeze ")
                self.body(body, indent)
                self.alias(alias)
            case nodes.Apply():
                self.call(statement, indent)
        self.at = statement.span.end

    def call(self, call: nodes.Apply, indent: int) -> None:
        self.lines.write(self.name(call.name))
        header = max([call.name.span.end, *(each.span.end for each in call.args)])
        pieces: list[Piece] = []
        for argument in self.sort(call):
            pieces.append(SPACE)
            self.expressions.argument(pieces, argument)
        self.at = call.name.span.end
        self.flow(pieces, header, indent)
        if call.paths is not None:
            brace = self.places.text.index("{", header)
            end = call.alias.span.start if call.alias else call.span.end
            self.lines.write(" ")
            self.paths(call.paths, brace + 1, self.places.text.rindex("}", brace, end), indent)
        self.alias(call.alias)

    def choice(self, choice: nodes.If, indent: int) -> None:
        word = "if"
        for test, body in zip(choice.tests, choice.bodies, strict=True):
            self.lines.write(f"{word} ")
            self.expression(test, TEST, indent)
            self.lines.write(" ")
            self.body(body, indent)
            if body is not choice.bodies[-1] or choice.otherwise:
                self.before_else(indent)
            word = "else if"
        if choice.otherwise:
            self.lines.write("else ")
            self.body(choice.otherwise, indent)
        self.alias(choice.alias)

    def before_else(self, indent: int) -> None:
        """`else` follows the brace, unless comments stand between the two."""
        start = self.places.next_start(self.at)
        if self.places.has_comment(self.at, start):
            self.gap(start, indent)
            self.lines.break_line(indent)
        else:
            self.lines.write(" ")

    def alias(self, alias: Name | None) -> None:
        if alias:
            self.lines.write(f" as {self.name(alias)}")

    def name(self, name: Name) -> str:
        return self.places.text[name.span.start : name.span.end]

    # Expressions

    def expression(self, expression: Expr, level: int, indent: int) -> None:
        """Write an expression; `at` is somewhere between it and what precedes it."""
        pieces: list[Piece] = []
        self.expressions.add(pieces, expression, level, self.at)
        end = self.places.end_of_parentheses(expression.span.end)
        self.flow(pieces, end, indent)

    def flow(self, pieces: list[Piece], end: int, indent: int) -> None:
        """Write pieces of expressions; comments, if any, stand inside their parentheses."""
        start, self.at = self.at, end
        if not self.places.has_comment(start, end):
            self.lines.write("".join([text for _, text in pieces]))
            return
        self.expressions.flow(pieces, start, end, self.lines, indent)


def sort_arguments(
    call: nodes.Apply, order: Callable[[str], Sequence[str] | None], activations: Collection[str]
) -> Sequence[Argument]:
    """The arguments of a call as the canonical form writes them.

    What the layer does not know comes last, and any two of a kind stay as they are: a word
    that is no flag may be a variable, so it counts as a positional value.
    """
    if len(call.args) < 2:
        return call.args
    slots = order(call.name.id)
    if slots is None:
        return call.args
    rank = {slot: index for index, slot in enumerate(slots)}

    def slot(argument: Argument) -> str:
        if isinstance(argument, nodes.Stride):
            return "/"
        if isinstance(argument, nodes.Keyword):
            return argument.key.id + "="
        if isinstance(argument.value, nodes.Name):
            word = argument.value.id
            if word in activations and "act" in rank:
                return "act"
            if word in rank and word != "act":
                return word
        return "*"

    return sorted(call.args, key=lambda argument: rank.get(slot(argument), len(rank)))
