"""The method that tensors go through, and the parts that it is made of."""

from __future__ import annotations

import ast as python
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

from cnndsl.codegen.expressions import (
    Expr,
    Literal,
    Symbol,
    Variable,
    calling,
    name,
    variables,
    written,
)
from cnndsl.codegen.names import KEYWORDS, Names
from cnndsl.codegen.program import (
    FromTensor,
    Frozen,
    FunctionCall,
    If,
    Item,
    LayerCall,
    Loop,
    Merge,
    NameTensor,
    Output,
    Path,
    PathIf,
    PathLoop,
    Share,
    certain,
    is_sequential,
    learns,
    read_by_paths,
)
from cnndsl.codegen.roles import called, only, path_names
from cnndsl.codegen.source import (
    Assign,
    Chain,
    Do,
    For,
    Statement,
    Value,
    Writer,
    branch,
    flat,
    range_of,
)
from cnndsl.codegen.style import Style, counter_of, has_conditions
from cnndsl.syntax import nodes as ast


class LoopPart(NamedTuple):
    """A part of a loop's turn: what keeps those of all turns, and what one is called."""

    many: str
    one: str
    code: python.expr
    modules: bool


class Turn:
    """A loop around what is written: its parts are kept in lists."""

    def __init__(self, counter: python.expr, numbers: python.expr) -> None:
        self.counter, self.numbers = counter, numbers
        self.parts: list[LoopPart] = []


class Way:
    """A way of a condition around what is written: parts are made only where it is taken."""

    def __init__(self, test: python.expr) -> None:
        self.test = test
        self.init: list[Statement] = []


class Forward(Writer):
    """Writes a module that is more than a chain: its parts and its `forward`.

    `outside` has the names of the constructor, `scope` those of the method.
    """

    def __init__(
        self, style: Style, items: list[Item], outside: Names, scope: Names, comments: bool
    ) -> None:
        super().__init__(scope)
        self.style = style
        self.items = items
        self.comments = comments
        self.outside = outside
        self.attributes = Names(reserved={*style.attributes, "self", "x"}, words=KEYWORDS)
        self.init: list[Statement] = []
        self.frames: list[Turn | Way] = []
        self.words: dict[Variable, str] = {}
        self.parts = 0
        self.shared: dict[Share, python.expr] = {}
        self.freezing = 0  # how many frozen parts are around

    def run(self, variable: str) -> python.expr:
        """Write all of it; gives the result."""
        return name(self.write(self.items, variable, "x"))

    # Names

    def attribute(self, wanted: str) -> str:
        """What reads a part that no other part is called like."""
        wanted = f"{wanted}_" if wanted.startswith("_") else wanted
        self.parts += 1
        return f"self.{self.attributes.take(wanted)}"

    # Parts

    def keep(
        self,
        wanted: str,
        code: python.expr,
        note: str = "",
        modules: bool = True,
        learning: bool = False,
        alone: bool = True,
    ) -> python.expr:
        """Make a part, or keep a value; gives what reads it. One that is `learning` does not where
        it is frozen; it may take a tensor `alone`, or several."""
        if learning and self.freezing:
            code = flat(self.style.frozen(((code, ""),), alone=alone))
        if not self.turning():
            part = self.attribute(wanted)
            self.place().append(Assign(part, code, note))
            return name(part)
        for frame in reversed(self.frames):
            if isinstance(frame, Turn):
                one = self.scope.take(wanted)
                frame.parts.append(LoopPart(plural(wanted), one, code, modules))
                return name(one)
            if modules:
                code = python.IfExp(frame.test, code, self.style.identity)
        raise AssertionError

    def turning(self) -> bool:
        """Whether a loop is around what is written."""
        return any(isinstance(frame, Turn) for frame in self.frames)

    def place(self) -> list[Statement]:
        """Where parts are made."""
        for frame in reversed(self.frames):
            if isinstance(frame, Way):
                return frame.init
        return self.init

    def keep_chain(self, wanted: str, items: list[Item]) -> python.expr:
        """Make a chain a part; gives what reads it."""
        conditions = [item for item in items if isinstance(item, If)]
        looped = has_conditions([item for item in items if isinstance(item, Loop)])
        frozen = bool(self.freezing) and learns(items)
        if self.turning():
            return self.keep(wanted, self.style.one(items), learning=learns(items))
        if not (conditions or looped):
            return self.keep_noted(wanted, items)
        target = self.attribute(wanted)
        if len(items) == 1 and conditions and not frozen:
            self.place().extend(self.style.choice(conditions[0], target))
        else:
            known = "layers" in self.outside.taken
            local = self.outside.take(target.rpartition(".")[2] if known else "layers")
            found, rest = self.style.listed(items, local, self.comments)
            code: Value = calling(self.style.sequential, rest)
            if frozen:
                code = self.style.frozen(((rest, ""),))
            self.place().extend([*found, Assign(target, code)])
        return name(target)

    def keep_noted(self, wanted: str, items: list[Item]) -> python.expr:
        """Make a chain a part, with the shapes beside its own parts."""
        parts = tuple(self.style.chain(items, self.comments))
        value: Value = Chain(self.style.sequential, parts)
        if self.freezing and learns(items):
            value = self.style.frozen(parts)
        elif len(parts) == 1 and not isinstance(parts[0][0], python.Starred):
            return self.keep(wanted, *parts[0])
        part = self.attribute(wanted)
        self.place().append(Assign(part, value))
        return name(part)

    def applied(self, part: python.expr, *tensors: str) -> python.expr:
        """A part applied to tensors."""
        return calling(part, *map(name, tensors))

    # Items

    def write(self, items: list[Item], variable: str, target: str) -> str:
        pending: list[Item] = []
        place = 0
        while place < len(items):
            item = items[place]
            place += 1
            if self.chains(item):
                pending.append(item)
                continue
            goal = target
            if isinstance(item, NameTensor):
                if pending:
                    variable = self.flush(pending, variable, self.goal(item.tensor, target))
                    continue
                variable = self.name(item.tensor, variable, target)
                continue
            variable = self.flush(pending, variable, target)
            if isinstance(item, Merge):
                code = self.joined(item, variable)
                while place < len(items) and item.alias is None:
                    wrapped = self.style.around(items[place], code)
                    if wrapped is None:
                        break
                    code, place = wrapped, place + 1
                following = items[place] if place < len(items) else None
                if item.alias is None and isinstance(following, NameTensor):
                    goal, place = self.goal(following.tensor, target), place + 1
                else:
                    goal = self.goal(item.alias, target)
                self.assign(goal, code)
                variable = goal
            else:
                variable = self.single(item, variable, target)
        return self.flush(pending, variable, target)

    def chains(self, item: Item) -> bool:
        """Whether an item can stand in a Sequential with its neighbours."""
        if isinstance(item, (LayerCall, FunctionCall)) and item.label:
            return False
        return not isinstance(item, Frozen) and is_sequential([item])

    def flush(self, pending: list[Item], variable: str, target: str) -> str:
        """Apply the chain collected so far."""
        if not pending:
            return variable
        if len(pending) == 1:
            item = pending[0]
            code = self.style.applied(item, name(variable), self.comments)
            if code is not None:
                assert isinstance(item, LayerCall)
                note = self.style.note(item, item.calls[0]) if self.comments else ""
                pending.clear()
                self.lines.append(Assign(target, code, note))
                return target
        items = list(pending)
        pending.clear()
        part = self.keep_chain(self.name_of(items), items)
        self.lines.append(Assign(target, self.applied(part, variable)))
        return target

    def name_of(self, items: list[Item]) -> str:
        """What to call a chain: what it is, or where it stands."""
        if len(items) == 1:
            item = items[0]
            if isinstance(item, LayerCall):
                return item.layer.op
            if isinstance(item, FunctionCall):
                return called(item)
            if isinstance(item, If) and any(item.bodies):
                return self.name_of(next(body for body in item.bodies if body))
            if isinstance(item, Loop) and len(item.body) == 1:
                inner = item.body[0]
                if isinstance(inner, FunctionCall):
                    return plural(called(inner))
        if not self.parts and self.comments:
            return "stem"
        if any(isinstance(item, LayerCall) and item.layer.op == "dense" for item in items):
            return "classifier"
        return "body"

    def single(self, item: Item, variable: str, target: str) -> str:
        """An item that is no part of a chain, nor a merge."""
        if isinstance(item, LayerCall):
            return self.layer(item, variable, target)
        if isinstance(item, FunctionCall):
            note = self.style.note(item) if self.comments and item.share is None else ""
            learning = learns(item.function.body)
            wanted = called(item) if item.share else item.label or called(item)
            tensors = [tensor.name for tensor in item.tensors]
            count = len(tensors) + item.function.takes
            code = self.style.made(item)
            part = self.kept(item.share, wanted, code, note, learning=learning, alone=count == 1)
            goal = self.goal(item.alias, target)
            given = [variable, *tensors] if item.function.takes else tensors
            return self.give(item, goal, self.applied(part, *given))
        if isinstance(item, Frozen):
            self.freezing += 1
            variable = self.write(item.body, variable, target)
            self.freezing -= 1
            return variable
        if isinstance(item, FromTensor):
            return item.tensor.name
        if isinstance(item, Loop):
            return self.loop(item, variable, target)
        if isinstance(item, If):
            return self.condition(item, variable, target)
        assert isinstance(item, Output), item
        goal = self.scope.take(item.name)
        outer, self.lines = self.lines, [] if item.training else self.lines
        result = self.expression(item.body, variable, item.name, goal)
        self.assign(goal, result)
        found, self.lines = self.lines, outer
        if item.training:
            self.in_training(self.style.training, found)
        (self.extra if item.training else self.outputs)[item.name] = name(goal)
        return variable

    def kept(
        self, share: Share | None, wanted: str, code: python.expr, note: str, **how: Any
    ) -> python.expr:
        """Make a part; one that others share is made once, and outside of all ways."""
        if share is None:
            return self.keep(wanted, code, note, **how)
        if share not in self.shared:
            frames, turns, depth = self.frames, 0, 0
            while turns < share.depth:
                turns += isinstance(frames[depth], Turn)
                depth += 1
            self.frames = frames[:depth]
            self.shared[share] = self.keep(wanted, code, **how)
            self.frames = frames
        return self.shared[share]

    def layer(self, item: LayerCall, variable: str, target: str) -> str:
        """A layer with a name: its main part carries it."""
        label = item.label or item.layer.op
        goal = self.goal(item.alias, target)
        for place, call in enumerate(item.calls):
            into = goal if place == len(item.calls) - 1 else target
            main = call is item.calls[item.carrier]
            kept = main and bool(item.label or item.share)
            code = self.style.call(call, name(variable), kept=kept)
            if code is None:
                kind = item.layer.op if item.share else label
                if not main:
                    target_ = call.function.target if isinstance(call.function, Symbol) else "part"
                    kind = f"{label}_{str(target_).rpartition('.')[2].lower()}"
                note = self.style.note(item, call) if self.comments and not item.share else ""
                learning = bool(item.layer.all_weights)
                part = self.kept(item.share, kind, self.style.piece(call), note, learning=learning)
                code = self.applied(part, variable)
            self.lines.append(Assign(into, code))
            variable = into
        return variable

    def loop(self, item: Loop, variable: str, target: str) -> str:
        """A loop whose turns branch."""
        self.assign(target, name(variable))

        def turn() -> None:
            self.assign(target, name(self.write(item.body, target, target)))

        self.repeated(item.start, item.stop, self.style.counter(item), turn)
        return target

    def repeated(
        self, start: int, stop: Expr, counter: python.expr, write: Callable[[], None]
    ) -> None:
        """A loop: a list for each part that its turns are made of, and a loop in the method."""
        frame = Turn(counter, range_of(start, written(stop)))
        outer, self.lines = self.lines, []
        self.frames.append(frame)
        write()
        body, self.lines = self.lines, outer
        self.frames.pop()
        if not body:
            return
        many = []
        for part in frame.parts:
            turns = python.comprehension(counter, frame.numbers, [], 0)
            made: python.expr = python.ListComp(part.code, [turns])
            if part.modules and self.style.listing:
                made = calling(self.style.listing, made)
            many.append(self.keep(part.many, made, modules=part.modules))
        ones = [name(part.one) for part in frame.parts]
        if not ones:
            numbers = frame.numbers
            if variables(stop):
                times = self.keep("times", written(stop), modules=False)
                numbers = range_of(start, times)
            self.lines.append(For(name("_"), numbers, body))
        elif len(ones) == 1:
            self.lines.append(For(ones[0], many[0], body))
        else:
            self.lines.append(For(python.Tuple(ones), calling("zip", *many), body))

    def condition(self, item: If, variable: str, target: str) -> str:
        """A condition whose ways branch."""
        if not item.otherwise or not all(item.bodies):
            self.assign(target, name(variable))
            variable = target
        bodies = [*item.bodies, item.otherwise]

        def way(body: list[Item]) -> None:
            last = self.write(body, variable, target)
            if body:
                self.assign(target, name(last))

        self.decided(item.tests, bodies, [partial(way, body) for body in bodies])
        return target

    def decided(
        self,
        tests: Sequence[Expr],
        contents: Sequence[list[Item]],
        writers: Sequence[Callable[[], None]],
    ) -> None:
        """A condition: a flag for each test, and for each way, the last without one, its parts and
        what its writer writes."""
        flags: list[python.expr] = []
        ways: list[Way] = []
        bodies: list[list[Statement]] = []
        outer = self.lines
        denied: list[python.expr] = []
        attributes, inside = set(self.attributes.taken), set(self.scope.taken)
        used = set(attributes), set(inside)
        for number, write in enumerate(writers):
            if number < len(tests):
                test = written(tests[number])
                flags.append(self.flag(tests[number], contents, number))
                attributes |= self.attributes.taken
                here = self.within(test, denied)
                denied.append(test)
            else:
                here = self.within(None, denied)
            # Ways exclude one another: their parts can have the same names.
            used[0].update(self.attributes.taken)
            used[1].update(self.scope.taken)
            words = {part.rpartition(".")[2] for part in self.words.values()}
            self.attributes.taken = attributes | words
            self.scope.taken = inside | {tensor.name for tensor in self.named}
            self.lines = []
            way = Way(here)
            self.frames.append(way)
            write()
            self.frames.pop()
            ways.append(way)
            bodies.append(self.lines)
        self.lines = outer
        self.attributes.taken |= used[0]
        self.scope.taken |= used[1]
        if any(way.init for way in ways):
            init = [way.init for way in ways]
            self.place().append(branch(flags, init[:-1], init[-1]))
        self.lines.append(branch(flags, bodies[:-1], bodies[-1]))

    def flag(self, test: Expr, ways: Sequence[list[Item]], number: int) -> python.expr:
        """What the method asks to know whether a way is taken; a word is asked for as it is."""
        match test:
            case ast.Binary(left=Variable() as word, right=Literal(str())):
                if word not in self.words:
                    self.words[word] = self.attribute(word.hint)
                    self.init.insert(0, Assign(self.words[word], name(word.name)))
                said = name(self.words[word])
                return python.Compare(said, [python.Eq()], [written(test.right)])
        return self.keep(flag_name(test, ways, number), written(test), modules=False)

    def within(self, test: python.expr | None, denied: list[python.expr]) -> python.expr:
        """When a way is taken: its test holds, and none before it."""
        parts: list[python.expr] = [python.UnaryOp(python.Not(), each) for each in denied]
        if test is not None:
            parts.append(test)
        return parts[0] if len(parts) == 1 else python.BoolOp(python.And(), parts)

    # Merges

    def expression(
        self, items: list[Item], variable: str, wanted: str, goal: str | None
    ) -> python.expr:
        """A path as an expression, where one will do; else as statements before it."""
        start = 0
        while start < len(items) and isinstance(items[start], FromTensor):
            variable = items[start].tensor.name  # type: ignore[union-attr]
            start += 1
        rest = items[start:]
        if not rest:
            return name(variable)
        if all(map(self.chains, rest)):
            wrapped = self.style.around(rest[0], name(variable)) if len(rest) == 1 else None
            if wrapped is not None:
                return wrapped
            return self.applied(self.keep_chain(wanted, rest), variable)
        return name(self.write(rest, variable, goal or self.scope.take(wanted)))

    def joined(self, item: Merge, variable: str) -> python.expr:
        """A merge as an expression."""
        taken = set(self.scope.taken)
        parts: list[python.expr] = []
        names = path_names(item)
        paths = certain(item.paths)
        for wanted, path in zip(names, paths):
            before = len(self.lines)
            part = self.expression(path, variable, wanted, None)
            if len(self.lines) > before:
                # This path took statements; what is written before it runs before it.
                for index, earlier in enumerate(parts):
                    if isinstance(earlier, python.Call):
                        one = self.scope.take(names[index])
                        parts[index] = name(one)
                        self.lines.insert(before, Assign(one, earlier))
                        before += 1
            parts.append(part)
        turns = [frame for frame in self.frames if isinstance(frame, Turn)]
        self.settle(taken, (part.one for frame in turns for part in frame.parts))
        if len(paths) < len(item.paths):
            return self.gathered(item, parts, item.paths[len(paths) :], variable)
        if len(parts) == 1:
            return parts[0]
        return self.together(item, parts)

    def gathered(
        self, item: Merge, parts: list[python.expr], rest: Sequence[Path], variable: str
    ) -> python.expr:
        """A merge of paths of which some are not always there: they come one after another."""
        op = item.layer.op
        if parts and op in ("add", "subtract", "mul", "maximum"):
            total = self.scope.take("y" if variable != "y" else "total")
            self.assign(total, parts[0] if len(parts) == 1 else self.together(item, parts))
            for path in rest:
                self.gather(
                    path,
                    variable,
                    lambda part: Assign(total, self.joining(op, name(total), part)),
                )
            return name(total)
        many = self.scope.take("branches")
        self.lines.append(Assign(many, python.List(parts)))
        for path in rest:
            self.gather(path, variable, lambda part: Do(calling(f"{many}.append", part)))
        if op == "concat":
            return self.style.concat([python.Starred(name(many))], item.layer)
        reducer = self.style.reducers["add" if op == "average" else op]
        code: python.expr = calling("reduce", name(reducer), name(many))
        if op == "average":
            code = python.BinOp(code, python.Div(), calling("len", name(many)))
        return code

    def gather(self, path: Path, variable: str, add: Callable[[python.expr], Statement]) -> None:
        """Write a path, or several, and what takes each of them up."""

        def every(paths: Sequence[Path]) -> None:
            for each in paths:
                self.gather(each, variable, add)

        if isinstance(path, PathIf):
            bodies = [*path.bodies, path.otherwise]
            self.decided(
                path.tests, [[] for _ in bodies], [partial(every, each) for each in bodies]
            )
        elif isinstance(path, PathLoop):
            counter = counter_of(path.counter, read_by_paths(path.paths))
            self.repeated(0, path.stop, counter, partial(every, path.paths))
        else:
            part = self.expression(path, variable, only(path) or "branch", None)
            self.lines.append(add(part))

    def joining(self, op: str, one: python.expr, other: python.expr) -> python.expr:
        """Two tensors merged value by value."""
        if op == "maximum":
            return calling(self.style.maximum, one, other)
        return python.BinOp(one, _SIGNS[op](), other)

    def together(self, item: Merge, parts: list[python.expr]) -> python.expr:
        """Several tensors merged."""
        op = item.layer.op
        if op == "concat":
            return self.style.concat(parts, item.layer)
        if op in ("add", "average", "subtract"):
            code = parts[0]
            for part in parts[1:]:
                code = python.BinOp(code, _SIGNS[op](), part)
            if op == "average":
                code = python.BinOp(code, python.Div(), python.Constant(len(parts)))
            return code
        if op == "maximum":
            code = parts[0]
            for part in parts[1:]:
                code = calling(self.style.maximum, code, part)
            return code
        rank = len(item.layer.output)
        factors = [
            self.style.stretched(part, rank) if len(shape) < rank else part
            for part, shape in zip(parts, item.layer.inputs)
        ]
        code = factors[0]
        for part in factors[1:]:
            code = python.BinOp(code, python.Mult(), part)
        return code


def is_equality(test: object) -> bool:
    """Whether a test says that some things are equal, and no more."""
    if not isinstance(test, ast.Binary):
        return False
    both = test.op == "and" and is_equality(test.left) and is_equality(test.right)
    return both or test.op == "=="


_SIGNS = {"add": python.Add, "average": python.Add, "subtract": python.Sub, "mul": python.Mult}


def plural(wanted: str) -> str:
    """What a list of parts is called."""
    return f"{wanted}es" if wanted.endswith(("ch", "s", "x")) else f"{wanted}s"


def flag_name(test: Expr, ways: Sequence[list[Item]], number: int) -> str:
    """What an attribute is called that tells which way is taken."""
    if isinstance(test, Variable):
        return test.hint
    adds = [any(isinstance(each, Merge) and each.layer.op == "add" for each in w) for w in ways]
    if adds[number] and not all(adds):
        return "residual"
    if any(variable.kind == "channels" for variable in variables(test)):
        return "keeps_width" if is_equality(test) else "projects"
    return "condition"
