"""Conditions and loops of a program."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cnndsl.codegen.contexts import Context, LoopContext, NoCode, PartContext
from cnndsl.codegen.program import (
    Function,
    Item,
    Parameter,
    Times,
    Use,
    When,
)
from cnndsl.codegen.python import (
    distinct,
    names_in,
    python_name,
    tidy,
    translate,
    value_of,
)
from cnndsl.network import network as tree
from cnndsl.syntax import nodes as ast

if TYPE_CHECKING:

    pass

from cnndsl.codegen.bodies import Bodies, Copies
from cnndsl.codegen.survey import branches, looks_out


class Again(Exception):
    """A choice made for the whole program does not hold; weave again without it."""


class Control(Bodies):
    """Weaves conditions and loops."""

    def choice(self, copies: Copies, choices: tuple[tree.Choice, ...]) -> list[Item]:
        statement = choices[0].statement
        if id(statement) not in self.conditions:
            items: list[Item] = []
            if choices[0].body is not None:
                bodies = [choice.body for choice in choices]
                inner = Copies([b for b in bodies if b], copies.context, copies.channels)
                items, copies.channels = self.body(inner)
                copies.current = inner.current
            return items + self.alias(copies, statement.alias, named=True)
        state = copies.context.snapshot()
        try:
            return self.condition(copies, choices)
        except NoCode:
            copies.context.restore(state)
            self.conditions.discard(id(statement))
            raise Again from None

    def condition(self, copies: Copies, choices: tuple[tree.Choice, ...]) -> list[Item]:
        statement, context = choices[0].statement, copies.context
        tests = []
        for place, test in enumerate(statement.tests):
            code = translate(test, context.names)
            reached = [index for index, choice in enumerate(choices) if choice.taken >= place]
            part = PartContext(context, reached)
            if code is None or not part.fits(code, [choices[i].taken == place for i in reached]):
                raise NoCode
            context.use(code)
            tests.append(code)
        bodies: list[list[Item]] = []
        widths = [copies.channels]
        after = list(copies.current)
        for place in range(len(statement.tests) + 1):
            took = [index for index, choice in enumerate(choices) if choice.taken == place]
            found = [choices[index].body for index in took]
            if not took or found[0] is None:
                bodies.append([])
                continue
            inside = [body for body in found if body is not None]
            if len({self.signature(body) for body in inside}) > 1:
                raise NoCode
            items, width = self.part(copies, took, inside)
            bodies.append(items)
            widths.insert(0, width)
            for index, body in zip(took, inside):
                after[index] = body.output
        self.arrive(copies, after, widths)
        when = When(tuple(tests), tuple(bodies[:-1]), bodies[-1])
        return [when, *self.alias(copies, statement.alias, named=True)]

    def part(
        self, copies: Copies, took: list[int], bodies: list[tree.Body]
    ) -> tuple[list[Item], str | None]:
        """The body of one way of a condition, for the copies that take it."""
        context = PartContext(copies.context, took)
        inner = Copies(bodies, context, copies.channels)
        if self.modules and any(branches(body) for body in bodies):
            use = self.as_function(inner, bodies)
            return [use], inner.channels
        return self.body(inner)

    def loop(self, copies: Copies, loops: tuple[tree.Loop, ...]) -> list[Item]:
        statement = loops[0].statement
        turns = [len(loop.bodies) for loop in loops]
        items: list[Item] = []
        if max(turns) > 0:
            state = copies.context.snapshot()
            saved = (copies.channels, list(copies.current), list(self.functions))
            for attempt in (self.whole_loop, self.peeled_loop, self.unrolled_loop):
                try:
                    items = attempt(copies, loops)
                    break
                except NoCode:
                    copies.context.restore(state)
                    copies.channels, copies.current = saved[0], list(saved[1])
                    self.functions[:] = saved[2]
                    state = copies.context.snapshot()
            else:
                if id(statement) in self.fixed:
                    raise NoCode
                self.fixed.add(id(statement))
                raise Again
        return items + self.alias(copies, statement.alias, named=True)

    def whole_loop(self, copies: Copies, loops: tuple[tree.Loop, ...]) -> list[Item]:
        """One loop over all turns."""
        statement = loops[0].statement
        return self.turns(copies, [loop.bodies for loop in loops], statement, 0)

    def peeled_loop(self, copies: Copies, loops: tuple[tree.Loop, ...]) -> list[Item]:
        """The first turn by itself, since its input differs, then a loop."""
        if not all(len(loop.bodies) > 1 for loop in loops):
            raise NoCode
        items = self.once(copies, [loop.bodies[0] for loop in loops])
        return items + self.turns(
            copies, [loop.bodies[1:] for loop in loops], loops[0].statement, 1
        )

    def unrolled_loop(self, copies: Copies, loops: tuple[tree.Loop, ...]) -> list[Item]:
        """Turn after turn."""
        if len({len(loop.bodies) for loop in loops}) > 1:
            raise NoCode
        items: list[Item] = []
        for bodies in zip(*(loop.bodies for loop in loops)):
            items += self.once(copies, list(bodies))
        return items

    def once(self, copies: Copies, bodies: list[tree.Body]) -> list[Item]:
        """A turn of a loop where it stands."""
        if len({self.signature(body) for body in bodies}) > 1:
            raise NoCode
        inner = Copies(bodies, copies.context, copies.channels)
        items, copies.channels = self.body(inner)
        copies.current = inner.current
        return items

    def turns(
        self,
        copies: Copies,
        loops: list[tuple[tree.Body, ...]],
        statement: ast.Repeat,
        skipped: int,
    ) -> list[Item]:
        """A loop over the turns of each copy; NoCode where there is none."""
        bodies = [body for turns in loops for body in turns]
        counts = [len(turns) for turns in loops]
        if max(counts) == 1 and min(counts) == 1:
            return self.once(copies, bodies)
        if len({self.signature(body) for body in bodies}) > 1:
            raise NoCode
        outer = copies.context
        written = translate(statement.count, outer.names)
        if written is not None and skipped:
            written = tidy(f"({written}) - {skipped}")
        count = outer.code(counts, [written], "count")
        owner = [index for index, turns in enumerate(loops) for _ in turns]
        turn = [place + skipped for turns in loops for place in range(len(turns))]
        source = statement.index.id if statement.index else None
        index = self.fresh(outer, source or "i")
        context = LoopContext(outer, owner, turn, index, source)
        width = self.loop_width(context, copies.channels, bodies)
        inner = Copies(bodies, context, width)
        if self.modules and any(branches(body) for body in bodies):
            items: list[Item] = [self.as_function(inner, bodies)]
        else:
            items, _ = self.body(inner)
        shapes = self.arrive(
            copies,
            [t[-1].output if t else copies.current[i] for i, t in enumerate(loops)],
            [inner.channels],
        )
        if skipped and index in context.used:
            count = f"{skipped}, {tidy(f'({count}) + {skipped}')}"
            count = ", ".join(_fold(part) for part in count.split(", "))
        used = index if index in context.used else None
        steady = len({self.nodes[body.output].output for body in loops[0]}) == 1
        return [Times(count, used, items, steady, shapes)]

    def loop_width(
        self, context: LoopContext, channels: str | None, bodies: list[tree.Body]
    ) -> str | None:
        """Code for the channels that a turn begins with."""
        if not self.modules:
            return None
        values = [self.nodes[body.input].output[-1] for body in bodies]
        found = context.expression(values, [channels])
        if found is not None:
            return found
        state = context.snapshot()
        try:
            found = context.code(values, [channels], "in_channels")
        except NoCode:
            found = None
        context.restore(state)
        return found

    def as_function(self, copies: Copies, bodies: list[tree.Body]) -> Use:
        """Make bodies that branch a function of their own, and call it."""
        outer = copies.context
        if any(looks_out(body) for body in bodies):
            raise NoCode
        names: dict[str, str] = {}
        for source in outer.names:
            if len(source) > 1 or source not in "CHWDL":
                taken = {*self.labels(), *names.values(), "x", "in_channels"}
                names[source] = distinct(python_name(source), taken)
        values: list[dict[str, Any]] = []
        for env in outer.envs:
            values.append({})
            for source, name in names.items():
                value = value_of(outer.names[source], env)
                if not isinstance(value, type):
                    values[-1][name] = value
        names = {s: n for s, n in names.items() if all(n in value for value in values)}
        context = Context([dict(value) for value in values], dict(names))
        function = Function(self.free_name(self.unit_name()))
        parameters = [Parameter(name, None, "source") for name in names.values()]
        self.finish(function, context, bodies, parameters)
        written = {name: (outer.names[source], True) for source, name in names.items()}
        places = list(range(len(bodies)))
        return self.use(copies, function, values, places, written, [b.output for b in bodies])

    def unit_name(self) -> str:
        return f"{python_name(self.network.name)}_unit"

    def free_name(self, name: str) -> str:
        """A name that no function has; `Weaver` knows."""
        raise NotImplementedError

    def finish(
        self,
        function: Function,
        context: Context,
        bodies: list[tree.Body],
        parameters: list[Parameter],
    ) -> None:
        """Weave a function; `Weaver` says how."""
        raise NotImplementedError


def _fold(code: str) -> str:
    """A sum of plain numbers as one number."""
    return code if names_in(code) else str(value_of(code, {}))
