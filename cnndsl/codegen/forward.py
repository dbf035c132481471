"""The method that tensors go through, and the parts that it is made of."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cnndsl.codegen.program import (
    Goto,
    Item,
    Join,
    Make,
    Named,
    Output,
    Times,
    Use,
    When,
    gotos,
    is_sequential,
    path_names,
)
from cnndsl.codegen.python import distinct, python_name

if TYPE_CHECKING:
    from cnndsl.codegen.module_classes import Style

WIDTH = 88
"""Black's line length."""


class Forward:
    """Writes a module that is more than a chain: its parts and its `forward`."""

    def __init__(
        self,
        style: Style,
        items: list[Item],
        variables: dict[str, str],
        inputs: list[str],
        comments: bool,
    ) -> None:
        self.style = style
        self.items = items
        self.variables = dict(variables)
        self.comments = comments
        self.needed = gotos(items)
        self.taken = {"x", *inputs, *style.helpers}
        self.attributes: set[str] = set()
        self.init: list[str] = []
        self.lines: list[str] = []
        self.outputs: dict[str, str] = {}

    def run(self, variable: str) -> str:
        """Write all of it; gives the variable or expression of the result."""
        return self.write(self.items, variable, "x")

    def attribute(self, name: str) -> str:
        """A name for a part that no other part has."""
        name = f"{name}_" if name in self.style.attributes or name.startswith("_") else name
        free = distinct(name, self.attributes)
        self.attributes.add(free)
        return free

    def fresh(self, name: str) -> str:
        free = distinct(name, self.taken)
        self.taken.add(free)
        return free

    def goal(self, alias: str | None, target: str) -> str:
        if alias is None or alias not in self.needed:
            return target
        name = self.fresh(python_name(alias))
        self.variables[alias] = name
        return name

    def keep(self, name: str, code: str, note: str = "") -> str:
        """Make a part; gives its name."""
        name = self.attribute(name)
        self.init.append(f"self.{name} = {code}{note}")
        return name

    def keep_chain(self, name: str, items: list[Item]) -> str:
        """Make a chain a part; gives its name."""
        code = self.sequential(items)
        first = items[0]
        if len(items) > 1 or not isinstance(first, When) or len(code) + len(name) < WIDTH - 17:
            return self.keep(name, code)
        name = self.attribute(name)
        self.init += self.style.choice(first, f"self.{name}")
        return name

    def write(self, items: list[Item], variable: str, target: str) -> str:
        pending: list[Item] = []
        place = 0
        while place < len(items):
            item = items[place]
            just_written = place > 0 and isinstance(items[place - 1], (Make, Use, Join))
            place += 1
            if self.chains(item):
                pending.append(item)
                continue
            variable = self.flush(pending, variable, target)
            if isinstance(item, Join):
                code = self.joined(item, variable)
                while place < len(items) and not (item.alias and item.alias in self.needed):
                    wrapped = self.style.around(items[place], code)
                    if wrapped is None:
                        break
                    code, place = wrapped, place + 1
                goal = self.goal(item.alias, target)
                if code != goal:
                    self.lines.append(f"{goal} = {code}")
                variable = goal
            else:
                variable = self.single(item, variable, target, just_written)
        return self.flush(pending, variable, target)

    def chains(self, item: Item) -> bool:
        """Whether an item can stand in a Sequential with its neighbours."""
        if isinstance(item, (Make, Use)) and item.alias:
            return False
        return is_sequential([item])

    def flush(self, pending: list[Item], variable: str, target: str) -> str:
        """Apply the chain collected so far."""
        if not pending:
            return variable
        if len(pending) == 1:
            item = pending[0]
            code = self.style.applied(item, variable, self.comments)
            if code is not None:
                note = self.style.note(item, item.calls[0]) if self.comments else ""  # type: ignore[union-attr]
                pending.clear()
                self.lines.append(f"{target} = {code}{note}")
                return target
        name = self.keep_chain(self.name_of(pending), pending)
        pending.clear()
        self.lines.append(f"{target} = self.{name}({variable})")
        return target

    def sequential(self, items: list[Item]) -> str:
        """A chain as one module; over several lines where they carry comments."""
        lines = self.style.modules(items, self.comments)
        if len(lines) == 1 and not lines[0].startswith("*"):
            code, _, note = lines[0].rpartition(",")
            return f"{code}{note}" if not note.strip() or "#" in note else lines[0]
        return f"{self.style.sequential}(\n" + "\n".join(lines) + "\n)"

    def name_of(self, items: list[Item]) -> str:
        """What to call a chain: what it is, or where it stands."""
        if len(items) == 1:
            item = items[0]
            if isinstance(item, Make):
                return item.op
            if isinstance(item, Use):
                return item.function.name.lower()
            if isinstance(item, Times) and len(item.body) == 1 and isinstance(item.body[0], Use):
                return f"{item.body[0].function.name.lower()}s"
        if not self.attributes:
            return "stem"
        if any(isinstance(item, Make) and item.op == "dense" for item in items):
            return "classifier"
        return "body"

    def single(self, item: Item, variable: str, target: str, just_written: bool) -> str:
        """An item that is no part of a chain, nor a merge."""
        if isinstance(item, Make):
            return self.named(item, variable, target)
        if isinstance(item, Use):
            name = self.keep(
                python_name(item.alias or item.function.name.lower()),
                self.style.made(item),
                self.style.note(item) if self.comments else "",
            )
            goal = self.goal(item.alias, target)
            tensors = [self.variables[name] for name in item.tensors]
            self.lines.append(f"{goal} = self.{name}({', '.join([variable, *tensors])})")
            return goal
        if isinstance(item, Goto):
            return self.variables[item.name]
        if isinstance(item, Named):
            if item.alias not in self.needed:
                return variable
            goal = self.goal(item.alias, target)
            line = self.lines[-1] if self.lines else ""
            if just_written and variable == target and line.startswith(f"{target} = "):
                self.lines[-1] = self.lines[-1].replace(f"{target} = ", f"{goal} = ", 1)
            else:
                self.lines.append(f"{goal} = {variable}")
            return goal
        if isinstance(item, Output):
            goal = self.fresh(python_name(item.name))
            result = self.expression(item.body, variable, python_name(item.name), goal)
            if result != goal:
                self.lines.append(f"{goal} = {result}")
            self.outputs[item.name] = goal
            return variable
        raise AssertionError(item)

    def named(self, item: Make, variable: str, target: str) -> str:
        """A layer with a name: its main part carries it."""
        assert item.alias is not None
        goal = self.goal(item.alias, target)
        for place, call in enumerate(item.calls):
            into = goal if place == len(item.calls) - 1 else target
            code = self.style.call(call, variable, kept=item.carries(call))
            if code is not None:
                self.lines.append(f"{into} = {code}")
            else:
                kind = item.alias if item.carries(call) else call.function.rpartition(".")[2]
                kind = kind if kind == item.alias else f"{item.alias}_{kind.lower()}"
                name = self.keep(
                    python_name(kind),
                    self.style.piece(call),
                    self.style.note(item, call) if self.comments else "",
                )
                self.lines.append(f"{into} = self.{name}({variable})")
            variable = into
        return variable

    def expression(self, items: list[Item], variable: str, name: str, goal: str | None) -> str:
        """A path as an expression, where one will do; else as statements before it."""
        start = 0
        while start < len(items) and isinstance(items[start], Goto):
            variable = self.variables[items[start].name]  # type: ignore[union-attr]
            start += 1
        rest = [item for item in items[start:] if not self.idle(item)]
        if not rest:
            return variable
        if all(self.chains(item) for item in rest):
            wrapped = self.style.around(rest[0], variable) if len(rest) == 1 else None
            if wrapped is not None:
                return wrapped
            part = self.keep_chain(name, rest)
            return f"self.{part}({variable})"
        return self.write(rest, variable, goal or self.fresh(name))

    def idle(self, item: Item) -> bool:
        return isinstance(item, Named) and item.alias not in self.needed

    def joined(self, item: Join, variable: str) -> str:
        """A merge as an expression."""
        taken = set(self.taken)
        parts: list[str] = []
        names = path_names(item)
        for name, path in zip(names, item.paths):
            before = len(self.lines)
            part = self.expression(path, variable, name, None)
            if len(self.lines) > before:
                # This path took statements; what is written before it runs before it.
                for index, earlier in enumerate(parts):
                    if "(" in earlier:
                        parts[index] = self.fresh(names[index])
                        self.lines.insert(before, f"{parts[index]} = {earlier}")
                        before += 1
            parts.append(part)
        self.taken = taken | set(self.variables.values())
        op = item.layer.op
        if len(parts) == 1:
            return parts[0]
        if op == "concat":
            return self.style.concat(parts)
        if op == "add":
            return " + ".join(parts)
        if op == "average":
            return f"({' + '.join(parts)}) / {len(parts)}"
        if op == "maximum":
            code = parts[0]
            for part in parts[1:]:
                code = f"{self.style.maximum}({code}, {part})"
            return code
        rank = len(item.layer.output)
        return " * ".join(
            self.style.stretched(part, rank) if len(shape) < rank else part
            for part, shape in zip(parts, item.layer.inputs)
        )
