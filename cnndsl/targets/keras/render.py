"""Items of a program as statements of Keras's functional API."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from cnndsl.codegen.program import (
    Assign,
    CodeCall,
    Goto,
    Item,
    Join,
    Make,
    Named,
    Output,
    Times,
    Use,
    When,
    X,
    gotos,
    path_names,
)
from cnndsl.codegen.python import distinct, python_name
from cnndsl.codegen.write_module import quoted, shape_note
from cnndsl.layers import ACTIVATIONS

if TYPE_CHECKING:
    from cnndsl.network import Network

WIDTH = 88
"""Black's line length."""

_MERGES = {
    "add": "layers.add",
    "concat": "layers.concatenate",
    "mul": "layers.multiply",
    "maximum": "layers.maximum",
    "average": "layers.average",
}


def is_plain(items: list[Item]) -> bool:
    """Whether items fit in a Sequential: layers and nothing else."""
    return all(
        isinstance(item, Make) and all(call.style == "layer" for call in item.calls)
        for item in items
        if not isinstance(item, Named)
    )


def sequential(network: Network, items: list[Item]) -> list[str]:
    """The layers of a Sequential, a line each."""
    lines = []
    for item in items:
        if isinstance(item, Make):
            for call in item.calls:
                name = [f"name={quoted(item.alias)}"] if item.alias and item.carries(call) else []
                text = call.text(*name) + ","
                lines.append(text + shape_note(item, call))
    return lines


def _wraps(item: Item) -> bool:
    """Whether an item is a plain activation, which can stand around a merge."""
    if not isinstance(item, Make) or item.alias or len(item.calls) != 1:
        return False
    return item.op in ACTIVATIONS and item.calls[0].style == "layer"


class Body:
    """Writes the statements of one function.

    `variables` tells which variable holds a named tensor; `named` whether layers take the
    names of the source, as they do where a name is used once.
    """

    def __init__(
        self,
        items: list[Item],
        variables: dict[str, str],
        named: bool,
        taken: set[str] | None = None,
    ) -> None:
        self.items = items
        self.variables = dict(variables)
        self.named = named
        self.needed = gotos(items)
        self.taken = {"x", *(taken or ()), *variables.values()}
        self.lines: list[str] = []
        self.outputs: dict[str, str] = {}
        self.depth = 0
        self.just_written = False  # the last line is the result of the item before

    def run(self, variable: str, target: str) -> str:
        """Write all statements from `variable` on; gives the variable of the result."""
        return self.write(self.items, variable, target)

    def returning(self, variable: str, target: str) -> list[str]:
        """The statements of a function that returns the result."""
        self.depth = 1
        last = self.run(variable, target)
        match = (
            re.fullmatch(rf"    {re.escape(last)} = (.*)", self.lines[-1]) if self.lines else None
        )
        if match:
            self.lines[-1] = f"    return {match[1]}"
        else:
            self.lines.append(f"    return {last}")
        return self.lines

    def emit(self, line: str, note: str = "") -> None:
        """Write a line; a note that would make it too long stands above it."""
        space = "    " * self.depth
        if note and len(space) + 4 + len(line) + len(note) > WIDTH:
            self.lines.append(space + note.strip())
            note = ""
        self.lines.append(space + line + note)

    def fresh(self, name: str) -> str:
        """A variable that nothing holds yet."""
        free = distinct(name, self.taken)
        self.taken.add(free)
        return free

    def write(self, items: list[Item], variable: str, target: str) -> str:
        place = 0
        while place < len(items):
            item, after = items[place], items[place + 1 : place + 2]
            self.just_written = place > 0 and isinstance(items[place - 1], (Make, Use, Join))
            place += 1
            if isinstance(item, Join) and not item.alias and after and _wraps(after[0]):
                # An activation right after a merge needs no line of its own.
                variable = self.join(item, variable, target, after[0])
                place += 1
            else:
                variable = self.item(item, variable, target)
        return variable

    def goal(self, alias: str | None, target: str) -> str:
        """The variable that a result goes to: one of its own where it is read again."""
        if alias is None or alias not in self.needed:
            return target
        name = self.fresh(python_name(alias))
        self.variables[alias] = name
        return name

    def item(self, item: Item, variable: str, target: str) -> str:
        if isinstance(item, Make):
            goal = self.goal(item.alias, target)
            for place, call in enumerate(item.calls):
                into = goal if place == len(item.calls) - 1 else target
                more = []
                if self.named and item.alias and call.style == "layer" and item.carries(call):
                    more = [f"name={quoted(item.alias)}"]
                code = f"{into} = {self.apply(call, variable, more)}"
                if len(code) + 4 * (self.depth + 1) > WIDTH:
                    code = f"{into} = {self.apply(call, variable, more, spread=True)}"
                self.emit(code, self.note(item, call))
                variable = into
            return variable
        if isinstance(item, Use):
            goal = self.goal(item.alias, target)
            tensors = [self.variables[name] for name in item.tensors]
            args = [variable, *tensors, *item.args, *(f"{k}={v}" for k, v in item.kwargs)]
            code = f"{item.function.name}({', '.join(args)})".replace(X, variable)
            self.emit(f"{goal} = {code}", self.note(item))
            return goal
        if isinstance(item, Join):
            return self.join(item, variable, target)
        if isinstance(item, Times):
            return self.times(item, variable, target)
        if isinstance(item, When):
            return self.when(item, variable, target)
        if isinstance(item, Goto):
            return self.variables[item.name]
        if isinstance(item, Named):
            if item.alias not in self.needed:
                return variable
            goal = self.goal(item.alias, target)
            line = self.lines[-1].strip() if self.lines else ""
            if self.just_written and variable == target and line.startswith(f"{target} = "):
                self.lines[-1] = self.lines[-1].replace(f"{target} = ", f"{goal} = ", 1)
            else:
                self.emit(f"{goal} = {variable}")
            return goal
        if isinstance(item, Assign):
            self.emit(f"{item.name} = {item.code.replace(X, variable)}")
            return variable
        assert isinstance(item, Output)
        goal = self.fresh(python_name(item.name))
        result = self.write(item.body, variable, goal)
        if result != goal:
            self.emit(f"{goal} = {result}")  # the tensor moves on, the output stays
        self.outputs[item.name] = goal
        return variable

    def note(self, item: Any, call: CodeCall | None = None) -> str:
        return shape_note(item, call) if self.named else ""

    def apply(self, call: CodeCall, variable: str, more: list[str], spread: bool = False) -> str:
        if call.style == "layer":
            text = f"{call.text(*more, spread=spread)}({variable})"
        elif call.style == "function":
            text = call._replace(args=(variable, *call.args)).text(*more)
        else:
            text = call.function.format(*call.args, x=variable, **dict(call.kwargs))
        return text.replace(X, variable)

    def join(self, item: Join, variable: str, target: str, after: Item | None = None) -> str:
        taken = set(self.taken)
        results = []
        names = path_names(item)
        for name, path in zip(names, item.paths):
            if not path:
                results.append(variable)
                continue
            first = path[0]
            if len(path) == 1 and isinstance(first, Goto):
                results.append(self.variables[first.name])
                continue
            results.append(self.write(path, variable, self.fresh(name)))
        self.taken = taken | set(self.variables.values())
        if item.layer.op == "mul":
            rank = len(item.layer.output)
            results = [
                f"{name}[:, {'None, ' * (rank - 1)}:]" if len(shape) < rank else name
                for name, shape in zip(results, item.layer.inputs)
            ]
        goal = self.goal(item.alias, target)
        if len(results) == 1:
            if results[0] != goal:
                self.emit(f"{goal} = {results[0]}")
            return goal if after is None else self.item(after, goal, target)
        more = f", name={quoted(item.alias)}" if self.named and item.alias else ""
        code = f"{_MERGES[item.layer.op]}([{', '.join(results)}]{more})"
        if isinstance(after, Make):
            nested = f"{after.calls[0].text()}({code})"
            if len(f"{goal} = {nested}") + 4 * (self.depth + 1) > WIDTH:
                self.emit(f"{goal} = {code}", self.note(item))
                return self.item(after, goal, target)
            code = nested
        self.emit(f"{goal} = {code}", self.note(item))
        return goal

    def times(self, item: Times, variable: str, target: str) -> str:
        if variable != target:
            self.emit(f"{target} = {variable}")
        self.emit(f"for {item.counter or '_'} in range({item.turns}):")
        before = len(self.lines)
        self.depth += 1
        # A name or a shape that holds for one turn need not hold for the next.
        named, self.named = self.named, False
        last = self.write(item.body, target, target)
        if last != target:
            self.emit(f"{target} = {last}")
        self.named = named
        if len(self.lines) == before:
            self.lines.pop()  # nothing to do, however often
        elif named and item.steady:
            note = shape_note(item)
            if "  #" not in self.lines[-1] and len(self.lines[-1]) + len(note) + 4 <= WIDTH:
                self.lines[-1] += note
        self.depth -= 1
        return target

    def when(self, item: When, variable: str, target: str) -> str:
        if variable != target and not all((*item.bodies, item.otherwise)):
            self.emit(f"{target} = {variable}")
        word = "if"
        for test, body in zip(item.tests, item.bodies):
            if body or word == "elif" or item.otherwise or len(item.tests) > 1:
                self.emit(f"{word} {test.replace(X, variable)}:")
                self.way(body, variable, target)
                word = "elif"
        if item.otherwise:
            self.emit("else:")
            self.way(item.otherwise, variable, target)
        return target

    def way(self, items: list[Item], variable: str, target: str) -> None:
        self.depth += 1
        before = len(self.lines)
        last = self.write(items, variable, target)
        if last != target:
            self.emit(f"{target} = {last}")
        if len(self.lines) == before:
            self.emit("pass")
        self.depth -= 1
