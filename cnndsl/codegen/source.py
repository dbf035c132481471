"""Statements of generated Python, and how they are printed.

A statement is a value until the end: what it assigns to can be changed, it can become what a
function returns, and what it reads is read from its tree.
"""

from __future__ import annotations

import ast as python
from collections.abc import Iterable, Sequence
from typing import NamedTuple, TypeAlias

from cnndsl.codegen.expressions import Variable, calling, name, names_in
from cnndsl.codegen.names import Names
from cnndsl.codegen.program import Function, FunctionCall

WIDTH = 88
"""Black's line length."""


class Chain(NamedTuple):
    """A call whose arguments stand on a line each, with notes; without a function, a list."""

    function: str
    items: tuple[tuple[python.expr, str], ...]

    def flat(self) -> python.expr:
        """The same without notes."""
        items = [item for item, _ in self.items]
        return calling(self.function, *items) if self.function else python.List(items)


Value: TypeAlias = "python.expr | Chain"


def flat(value: Value) -> python.expr:
    """A value as an expression, without notes."""
    return value.flat() if isinstance(value, Chain) else value


class Assign(NamedTuple):
    """`target = value`; `annotation` is the type of the target, where one is said."""

    target: str
    value: Value
    note: str = ""
    annotation: str = ""


class Extend(NamedTuple):
    """`target += [items]`."""

    target: str
    items: tuple[tuple[python.expr, str], ...]


class Do(NamedTuple):
    """A call for what it does."""

    value: Value


class Return(NamedTuple):
    """`return value`."""

    value: Value


class For(NamedTuple):
    """`for target in iterable:`."""

    target: python.expr
    iterable: python.expr
    body: list[Statement]


class Branch(NamedTuple):
    """`if` the first test, `elif` the next, and `else`."""

    tests: tuple[python.expr, ...]
    bodies: tuple[list[Statement], ...]
    otherwise: list[Statement]


Statement: TypeAlias = "Assign | Extend | Do | Return | For | Branch"


def text(value: python.expr) -> str:
    """An expression as Python, with no parentheses but those it needs."""
    return python.unparse(value)


def branch(
    tests: Sequence[python.expr], bodies: Sequence[list[Statement]], otherwise: list[Statement]
) -> Branch:
    """A condition; one that does nothing where it holds is turned round."""
    if len(tests) == 1 and not bodies[0]:
        return Branch((python.UnaryOp(python.Not(), tests[0]),), (otherwise,), [])
    return Branch(tuple(tests), tuple(bodies), otherwise)


def returning(statements: list[Statement], result: python.expr) -> list[Statement]:
    """Statements that return the result, which is what the last of them has assigned."""
    last = statements[-1] if statements else None
    wanted = text(result)
    if isinstance(last, Assign) and last.target == wanted:
        return [*statements[:-1], Return(last.value)]
    if isinstance(last, Branch) and all(
        body and isinstance(body[-1], Assign) and body[-1].target == wanted
        for body in (*last.bodies, last.otherwise)
    ):
        bodies = tuple(returning(body, result) for body in last.bodies)
        otherwise = returning(last.otherwise, result)
        return [*statements[:-1], last._replace(bodies=bodies, otherwise=[]), *otherwise]
    return [*statements, Return(result)]


def without_copies(statements: Sequence[Statement], live: set[str]) -> list[Statement]:
    """Statements without the copies of variables that nothing reads.

    `live` are the variables that are read behind them, and then those that are read in them first.
    """
    kept: list[Statement] = []
    for statement in reversed(statements):
        if isinstance(statement, For):
            body = without_copies(statement.body, live_ := set(live))
            body = without_copies(statement.body, again := live | live_)
            live |= again | names_in(statement.iterable)
            statement = statement._replace(body=body)
        elif isinstance(statement, Branch):
            after, bodies = set(live), []
            for body in (*statement.bodies, statement.otherwise):
                bodies.append(without_copies(body, inside := set(after)))
                live |= inside
            live |= names_in(*statement.tests)
            statement = statement._replace(bodies=tuple(bodies[:-1]), otherwise=bodies[-1])
        elif isinstance(statement, Extend):
            live |= {statement.target} | names_in(*(item for item, _ in statement.items))
        else:
            value = flat(statement.value)
            if isinstance(statement, Assign):
                if isinstance(value, python.Name) and statement.target not in live:
                    continue
                live -= set(statement.target.split(", "))
            live |= names_in(value)
        kept.append(statement)
    return kept[::-1]


def range_of(start: int, stop: python.expr) -> python.expr:
    """The numbers of a loop's turns."""
    return calling("range", *([python.Constant(start)] if start else []), stop)


class Writer:
    """Collects the statements of a function, in whose `scope` tensors get their variables.

    `named` are the tensors that have theirs, `outputs` what the side outputs are, and `extra`
    those that are there while training only.
    """

    def __init__(self, scope: Names, named: Iterable[Variable] = ()) -> None:
        self.scope = scope
        self.named = set(named)
        self.lines: list[Statement] = []
        self.outputs: dict[str, python.expr] = {}
        self.extra: dict[str, python.expr] = {}

    def assign(self, target: str, code: python.expr, note: str = "") -> None:
        """Assign, unless the target is what is assigned."""
        if not (isinstance(code, python.Name) and code.id == target):
            self.lines.append(Assign(target, code, note))

    def goal(self, tensor: Variable | None, target: str) -> str:
        """The variable that a result goes to: one of its own where it is read again."""
        if tensor is None:
            return target
        if tensor not in self.named:
            self.named.add(tensor)
            tensor.name = self.scope.take(tensor.hint)
        return tensor.name

    def name(self, tensor: Variable, variable: str, target: str) -> str:
        """The current tensor gets a name: what has just been assigned is assigned to it."""
        goal = self.goal(tensor, target)
        last = self.lines[-1] if self.lines else None
        if isinstance(last, Assign) and last.target == variable == target:
            self.lines[-1] = last._replace(target=goal)
            return goal
        self.assign(goal, name(variable))
        return variable

    def give(self, item: FunctionCall, target: str, code: python.expr, note: str = "") -> str:
        """Assign what a function gives, which may be several tensors; gives the name of the last
        that it makes."""
        goals, last = [self.goal(each, "_") for each in item.results], target
        if item.function.last is None:
            goals.insert(0, target)
        else:
            place = [*item.function.results].index(item.function.last)
            if item.results[place] is None:
                goals[place] = target
            last = goals[place]
        self.lines.append(Assign(", ".join(goals), code, note))
        if item.alias is not None:
            self.assign(target, name(last))
        return last

    def in_training(self, test: python.expr, statements: list[Statement]) -> None:
        """Write statements for training alone, together with those right before them."""
        last = self.lines[-1] if self.lines else None
        if isinstance(last, Branch) and last.tests == (test,):
            last.bodies[0].extend(statements)
        else:
            self.lines.append(Branch((test,), (statements,), []))

    def settle(self, taken: set[str], more: Iterable[str] = ()) -> None:
        """Let go of the variables of a merge's paths, but for those that are read again."""
        outputs = [text(output) for output in (*self.outputs.values(), *self.extra.values())]
        self.scope.taken = {*taken, *(tensor.name for tensor in self.named), *outputs, *more}


def given_back(function: Function, last: str) -> list[python.expr]:
    """What a function returns: the last tensor that it makes, and its further results; the last
    may be one of those."""
    results = [name(each.name) for each in function.results.values()]
    return results if function.last is not None else [name(last), *results]


# Printing


def lines(statements: Sequence[Statement], depth: int) -> list[str]:
    """The lines of statements, so many steps deep."""
    found: list[str] = []
    space = "    " * depth
    for statement in statements:
        if isinstance(statement, Assign):
            found += _assign(statement, space)
        elif isinstance(statement, Do):
            found += _value("", statement.value, space)
        elif isinstance(statement, Return):
            if isinstance(statement.value, python.Tuple):
                found.append(f"{space}return {text(statement.value)[1:-1]}")
            else:
                found += _value("return ", statement.value, space)
        elif isinstance(statement, Extend):
            one = len(statement.items) == 1 and not isinstance(
                statement.items[0][0], python.Starred
            )
            if one:
                code = f"{statement.target}.append({text(statement.items[0][0])})"
                found.append(space + code + statement.items[0][1])
            else:
                found += [f"{space}{statement.target} += ["]
                found += _items(statement.items, space)
                found.append(f"{space}]")
        elif isinstance(statement, For):
            target = text(statement.target).strip("()")
            found.append(f"{space}for {target} in {text(statement.iterable)}:")
            found += lines(statement.body, depth + 1)
        else:
            word = "if"
            for test, body in zip(statement.tests, statement.bodies):
                found.append(f"{space}{word} {text(test)}:")
                found += lines(body, depth + 1) or [f"{space}    pass"]
                word = "elif"
            if statement.otherwise:
                found.append(f"{space}else:")
                found += lines(statement.otherwise, depth + 1)
    return found


def _assign(statement: Assign, space: str) -> list[str]:
    """An assignment; a note that would make it too long stands above it."""
    typed = f": {statement.annotation}" if statement.annotation else ""
    start = f"{statement.target}{typed} = "
    found = _value(start, statement.value, space)
    if not statement.note:
        return found
    if len(found) > 1 or len(found[0]) + len(statement.note) > WIDTH:
        return [space + statement.note.strip(), *found]
    return [found[0] + statement.note]


def _value(start: str, value: Value, space: str) -> list[str]:
    if isinstance(value, Chain):
        left, right = ("(", ")") if value.function else ("[", "]")
        if not value.function and len(value.items) == 1 and not value.items[0][1]:
            return [f"{space}{start}{text(value.flat())}"]
        first = f"{space}{start}{value.function}{left}"
        return [first, *_items(value.items, space), f"{space}{right}"]
    code = f"{space}{start}{text(value)}"
    if len(code) > WIDTH and isinstance(value, python.Call) and isinstance(value.func, python.Call):
        made, (x,) = value.func, value.args
        if made.args or made.keywords:
            # Black gives each argument a line where the last one has a comma.
            return [f"{space}{start}{text(made)[:-1]},)({text(x)})"]
    return [code]


def _items(items: Sequence[tuple[python.expr, str]], space: str) -> list[str]:
    return [f"{space}    {text(item)},{note}" for item, note in items]
