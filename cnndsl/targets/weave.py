"""Network to program: lays the calls of each block over each other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cnndsl.layers.values import Word
from cnndsl.network import network as tree
from cnndsl.syntax import nodes as ast
from cnndsl.targets.code import Arg, Call
from cnndsl.targets.contexts import Context, LoopContext, NoCode, PartContext, same
from cnndsl.targets.program import (
    Assign,
    CodeCall,
    Function,
    Goto,
    Item,
    Join,
    Make,
    Named,
    Output,
    Parameter,
    Program,
    Times,
    Use,
    When,
    X,
)
from cnndsl.targets.python import (
    literal,
    names_in,
    plain,
    python_name,
    substitute,
    tidy,
    translate,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from cnndsl.network import Network, Node

    Lower = Callable[[Node, bool], list[Call]]


class _Again(Exception):
    """A choice made for the whole program does not hold; weave again without it."""


class Copies:
    """The same statements in several places: a body for each copy, and where each stands."""

    def __init__(self, bodies: Sequence[tree.Body], context: Context, channels: str | None):
        self.bodies = list(bodies)
        self.context = context
        self.channels = channels  # code for the current tensor's channels
        self.current = [body.input for body in bodies]


class Weaver:
    """Makes the program of a network.

    `lower` gives the calls of a node. With `modules`, functions stand for PyTorch modules:
    they are told their input channels, and what branches inside a loop becomes a function.
    """

    def __init__(self, network: Network, lower: Lower, *, modules: bool) -> None:
        self.network = network
        self.nodes = network.nodes
        self.lower = lower
        self.modules = modules
        self.fixed: set[int] = set()  # conditions and loops that cannot be kept
        self.conditions: set[int] = set()
        self.explicit: set[int] = set()
        self.helpers: dict[str, None] = {}
        self.calls: dict[tuple[int, bool], list[Call]] = {}
        self.inside = False  # in a function, not in the net itself

    def weave(self) -> Program:
        """The program."""
        self.survey()
        while True:
            self.functions: list[Function] = []
            self.assigned: dict[int, tuple[Function, int]] = {}
            self.helpers = {}
            try:
                self.inside = True
                for instances in self.blocks():
                    self.define(instances)
                self.inside = False
                body = self.main()
            except _Again:
                continue
            return Program(self.functions, body, tuple(self.helpers))

    # What there is

    def survey(self) -> None:
        """Find which statements need their general form, and which conditions vary."""
        forms: dict[int, set[Any]] = {}
        taken: dict[int, set[int]] = {}
        statements: dict[int, Any] = {}
        for item in walk(self.network.body):
            key = id(item.statement)
            statements[key] = item
            if isinstance(item, tree.Step):
                node = self.nodes[item.node]
                forms.setdefault(key, set()).add(structure(self.lowered(node, False)))
            elif isinstance(item, tree.Choice):
                taken.setdefault(key, set()).add(item.taken)
        self.explicit = {key for key, found in forms.items() if len(found) > 1}
        for key, ways in taken.items():
            tests = statements[key].statement.tests
            if len(ways) > 1 and all(self.can_say(test) for test in tests):
                self.conditions.add(key)

    def can_say(self, test: ast.Expr) -> bool:
        """Whether a test may be translated: PyTorch modules know no sizes but channels."""
        if isinstance(test, ast.Name):
            return not (self.modules and test.id in "HWLD")
        children = [getattr(test, name, None) for name in ("left", "right", "operand")]
        children += list(getattr(test, "args", ()))
        return all(self.can_say(child) for child in children if child is not None)

    def blocks(self) -> list[list[tree.Instance]]:
        """The calls of each block; a block comes after those that it calls."""
        found: dict[str, list[tree.Instance]] = {}
        depth: dict[str, int] = {}

        def visit(body: tree.Body) -> int:
            deepest = 0
            for item, bodies in children(body):
                below = max([0, *(visit(inner) for inner in bodies)])
                if isinstance(item, tree.Instance):
                    name = item.block.name.id
                    found.setdefault(name, []).append(item)
                    below += 1
                    depth[name] = max(depth.get(name, 0), below)
                deepest = max(deepest, below)
            return deepest

        visit(self.network.body)
        return [found[name] for name in sorted(found, key=lambda name: depth[name])]

    def lowered(self, node: Node, explicit: bool) -> list[Call]:
        key = (node.index, explicit)
        if key not in self.calls:
            self.calls[key] = self.lower(node, explicit)
        return self.calls[key]

    def calls_of(self, step: tree.Step) -> list[Call]:
        return self.lowered(self.nodes[step.node], id(step.statement) in self.explicit)

    def signature(self, body: tree.Body) -> tuple[Any, ...]:
        """What must be equal for bodies to be copies: all but values."""
        return tuple(self.item_signature(item) for item in body.items)

    def item_signature(self, item: tree.Item) -> Any:
        if isinstance(item, tree.Step):
            return structure(self.calls_of(item))
        if isinstance(item, tree.Merged):
            shapes = self.nodes[item.node].layer.inputs  # type: ignore[attr-defined]
            ranks = tuple(len(shape) for shape in shapes)
            return (ranks, *(self.signature(path) for path in item.paths))
        if isinstance(item, tree.Instance):
            return id(self.assigned[id(item)][0])
        if isinstance(item, tree.Loop):
            turns = [self.signature(body) for body in item.bodies]
            fixed = id(item.statement) in self.fixed
            if fixed or len(set(turns)) != 1 or (self.modules and len(turns) < 2):
                return tuple(turns)
            return ("loop", turns[0])
        if isinstance(item, tree.Choice):
            if id(item.statement) in self.conditions:
                return "condition"
            return (item.taken, self.signature(item.body) if item.body else ())
        if isinstance(item, tree.Side):
            return self.signature(item.body)
        return type(item).__name__

    # Functions

    def define(self, instances: list[tree.Instance]) -> None:
        """A function for the calls of a block; several where they differ in structure."""
        groups: dict[Any, list[tree.Instance]] = {}
        for instance in instances:
            tensors = tuple(instance.tensors)
            groups.setdefault((tensors, self.signature(instance.body)), []).append(instance)
        base = python_name(instances[0].block.name.id)
        names = [base]
        if len(groups) > 1:
            names = [f"{base}{suffix}" for suffix in self.variants(list(groups.values()))]
        for name, group in zip(names, groups.values()):
            self.define_one(name, group)

    def variants(self, groups: list[list[tree.Instance]]) -> list[str]:
        """Suffixes that tell variants apart: a word that each has as an argument, or numbers."""
        for name in groups[0][0].arguments:
            words = [{group.arguments[name] for group in instances} for instances in groups]
            if all(len(w) == 1 and isinstance(next(iter(w)), Word) for w in words):
                suffixes = [f"_{next(iter(w)).id}" for w in words]
                if len(set(suffixes)) == len(suffixes):
                    return suffixes
        ops = [set(map(self.op, walk(instances[0].body))) for instances in groups]
        common = set.intersection(*ops)
        telling = []
        for found in ops:
            others = set().union(*(other for other in ops if other is not found))
            own = sorted(found - common - others)
            telling.append(f"_{own[0]}" if own else "")
        if len(set(telling)) == len(telling):
            return telling
        return ["", *(f"_{index}" for index in range(2, len(groups) + 1))]

    def op(self, item: tree.Item) -> str:
        """The layer or block that an item is; empty for the rest."""
        if isinstance(item, (tree.Step, tree.Merged)):
            return self.nodes[item.node].op
        return item.block.name.id if isinstance(item, tree.Instance) else ""

    def define_one(self, name: str, instances: list[tree.Instance]) -> None:
        block = instances[0].block
        numeric = [
            p.name.id
            for p in block.parameters
            if all(plain(instance.arguments[p.name.id]) is not None for instance in instances)
        ]
        names = {name: python_name(name) for name in numeric}
        envs = []
        for instance in instances:
            env = {names[name]: plain(instance.arguments[name]) for name in numeric}
            envs.append(env)
        context = Context(envs, {**self.constants(), **names})
        function = Function(self.free_name(name))
        for index, instance in enumerate(instances):
            self.assigned[id(instance)] = (function, index)
        for parameter in block.parameters:
            if parameter.name.id in instances[0].tensors:
                name = python_name(parameter.name.id)
                function.tensors.append(name)
                widths = [i.tensors[parameter.name.id] for i in instances]
                channels = [self.nodes[index].output[-1] for index in widths]
                context.aliases[parameter.name.id] = context.parameter(channels, f"{name}_channels")
        parameters = []
        for source in block.parameters:
            if source.name.id in numeric:
                default = source.default
                code = None
                if default is not None:
                    code = translate(default, self.constants())
                    if code is not None and names_in(code):
                        code = None
                parameters.append(Parameter(names[source.name.id], code, "source"))
        self.finish(function, context, [instance.body for instance in instances], parameters)

    def constants(self) -> dict[str, str]:
        """The file's constants as literals."""
        values = {
            item.statement.name.id: plain(item.value)
            for item in self.network.body.items
            if isinstance(item, tree.Bound)
        }
        return {name: literal(value) for name, value in values.items() if value is not None}

    def free_name(self, name: str) -> str:
        taken = {function.name for function in self.functions}
        free, count = name, 1
        while free in taken:
            count += 1
            free = f"{name}_{count}"
        return free

    def finish(
        self,
        function: Function,
        context: Context,
        bodies: list[tree.Body],
        parameters: list[Parameter],
    ) -> None:
        """Weave a function's body, then settle its parameters: those that are used."""
        channels = None
        if self.modules:
            channels = "in_channels"
            for env, body in zip(context.envs, bodies):
                env["in_channels"] = self.nodes[body.input].output[-1]
        try:
            function.body, function.channels = self.body(Copies(bodies, context, channels))
        except NoCode:
            raise _Again from None
        if self.modules and "in_channels" in context.used:
            function.parameters.append(Parameter("in_channels", None, "channels"))
        parameters += [Parameter(name, None, "extra") for name in context.extra]
        used = [
            parameter._replace(annotation=annotation([env[parameter.name] for env in context.envs]))
            for parameter in parameters
            if parameter.name in context.used
        ]
        function.extra = dict(context.extra)
        function.parameters += sorted(used, key=lambda parameter: parameter.default is not None)
        self.functions.append(function)

    def main(self) -> list[Item]:
        context = Context([{}], self.constants())
        copies = Copies([self.network.body], context, None)
        copies.current = [self.network.inputs[0]]
        return self.body(copies)[0]

    # Bodies

    def body(self, copies: Copies) -> tuple[list[Item], str | None]:
        """The items of copies of a body, and the code of the channels after it."""
        items: list[Item] = []
        for parallel in zip(*(body.items for body in copies.bodies)):
            items += self.item(copies, parallel)
        return items, copies.channels

    def shape(self, copies: Copies, index: int) -> tuple[int, ...]:
        node = copies.current[index]
        return self.nodes[node].output if node >= 0 else ()

    def item(self, copies: Copies, parallel: tuple[Any, ...]) -> list[Item]:
        context, first = copies.context, parallel[0]
        for index, env in enumerate(context.envs):
            shape = self.shape(copies, index)
            env[X] = _Shaped(shape)
        self.name_sizes(copies)
        if isinstance(first, tree.Step):
            return [self.make(copies, parallel)]
        if isinstance(first, tree.Instance):
            return [self.instance(copies, parallel)]
        if isinstance(first, tree.Merged):
            return [self.join(copies, parallel)]
        if isinstance(first, tree.Loop):
            return self.loop(copies, parallel)
        if isinstance(first, tree.Choice):
            return self.choice(copies, parallel)
        if isinstance(first, tree.Jump):
            name = first.statement.name.id
            self.arrive(copies, [item.node for item in parallel], [context.aliases.get(name)])
            return [Goto(name)]
        if isinstance(first, tree.Side):
            body = [item.body for item in parallel]
            return [Output(first.statement.name.id, self.sub(copies, body)[0])]
        if isinstance(first, tree.Bound):
            return self.bound(copies, parallel)
        assert isinstance(first, tree.Skipped)
        return self.alias(copies, first.statement.alias, named=True)

    def name_sizes(self, copies: Copies) -> None:
        """What C, H, W, D and L are in code for the current tensor."""
        names = copies.context.names
        for letter in "CHWDL":
            names.pop(letter, None)
        if self.modules:
            if copies.channels is not None:
                names["C"] = copies.channels
            return
        rank = len(self.shape(copies, 0))
        for letter, place in zip("CWHD" if rank != 2 else "CL", (-1, -2, -3, -4)):
            names[letter] = f"{X}.shape[{place}]"

    def sub(self, copies: Copies, bodies: list[tree.Body]) -> tuple[list[Item], str | None]:
        """A body that begins at the current tensor, in the same context."""
        inner = Copies(bodies, copies.context, copies.channels)
        return self.body(inner)

    def arrive(
        self, copies: Copies, nodes: Sequence[int], codes: Sequence[str | None]
    ) -> tuple[Any, Any]:
        """Make nodes the current tensors; gives the shapes before and after."""
        before = self.shape(copies, 0)
        copies.current = list(nodes)
        values = [self.nodes[node].output[-1] for node in nodes]
        if self.modules:
            copies.channels = self.width(copies.context, values, codes)
        return before, self.shape(copies, 0)

    def width(self, context: Context, values: list[int], codes: Sequence[str | None]) -> str | None:
        """Code for numbers of channels: the first that fits, a plain number among them."""
        one = literal(values[0]) if all(value == values[0] for value in values) else None
        for code in codes:
            if code is not None and not names_in(code):
                if one is not None and context.fits(code, values):
                    return one
            elif (found := context.expression(values, [code])) is not None:
                return found
        return one

    def alias(self, copies: Copies, alias: ast.Name | None, named: bool = False) -> list[Item]:
        if alias is None:
            return []
        copies.context.aliases[alias.id] = copies.channels
        return [Named(alias.id)] if named else []

    def make(self, copies: Copies, steps: tuple[tree.Step, ...]) -> Make:
        context, first = copies.context, steps[0]
        written = {
            slot: argument.value
            for argument in first.statement.args
            for slot, span in first.written.items()
            if span == argument.span
        }
        lowered = [self.calls_of(step) for step in steps]
        calls, widths = [], []
        for parallel in zip(*lowered):
            call = parallel[0]
            self.helpers.update(dict.fromkeys(call.helpers))

            def code(values: list[Any], hint: str) -> tuple[str, Arg]:
                arg = values[0] if isinstance(values[0], Arg) else Arg(values[0])
                plain_values = [v.value if isinstance(v, Arg) else v for v in values]
                codes: list[str | None] = []
                if all(isinstance(v, Arg) and v.slot == arg.slot for v in values):
                    if arg.slot == "in":
                        codes = [copies.channels]
                        if not self.modules and self.inside:
                            codes = [f"{X}.shape[-1]"]
                        hint = "in_channels" if "in_channels" not in context.used else "channels"
                    elif arg.slot in written:
                        codes = [translate(written[arg.slot], context.names)]
                if hint == "padding" and "kernel" in written:
                    kernel = translate(written["kernel"], context.names)
                    codes.append(kernel and tidy(f"({kernel}) // 2"))  # `same`, odd kernels
                text = context.code(plain_values, codes, hint)
                if arg.slot in ("filters", "units", "in"):
                    widths.append(text)
                return text, arg

            args = []
            for place, values in enumerate(zip(*(c.args for c in parallel))):
                value = values[0]
                hint = value.slot if isinstance(value, Arg) and value.slot else "size"
                hint = "padding" if "Pad" in call.function else hint
                args.append(code(list(values), hint if hint != "in" else "in_channels")[0])
            kwargs = []
            for key in call.kwargs:
                text, arg = code([c.kwargs[key] for c in parallel], key)
                if arg.default is ... or text != literal(arg.default):
                    kwargs.append((key, text))
            calls.append(CodeCall(call.function, tuple(args), tuple(kwargs), call.style, call.main))
        shapes = self.arrive(
            copies, [step.node for step in steps], [*reversed(widths), copies.channels]
        )
        alias = first.statement.alias
        self.alias(copies, alias)
        layer = self.nodes[first.node].layer
        mains = [place for place, call in enumerate(calls) if call.main]
        carrier = mains[-1] if mains else len(calls) - 1
        shaper = carrier if layer.weights else len(calls) - 1
        name = alias.id if alias else None
        return Make(tuple(calls), name, layer.op, shapes, carrier, shaper)

    def instance(self, copies: Copies, instances: tuple[tree.Instance, ...]) -> Use:
        function = self.assigned[id(instances[0])][0]
        statement, block = instances[0].statement, instances[0].block
        order = [parameter.name.id for parameter in block.parameters]
        given: dict[str, tuple[ast.Expr, bool]] = {}
        waiting = list(order)
        for argument in statement.args:
            if isinstance(argument, ast.Keyword):
                given[argument.key.id] = (argument.value, True)
                waiting.remove(argument.key.id)
        for argument in statement.args:
            if isinstance(argument, ast.Positional):
                given[waiting.pop(0)] = (argument.value, False)
        by_python = {python_name(name): name for name in order}
        values = [
            {python_name(name): plain(value) for name, value in instance.arguments.items()}
            for instance in instances
        ]
        places = [self.assigned[id(instance)][1] for instance in instances]
        written: dict[str, tuple[str | None, bool]] = {}
        for name in by_python:
            if by_python[name] in given:
                node, keyword = given[by_python[name]]
                written[name] = (translate(node, copies.context.names), keyword)
        tensors = []
        for name in function.tensors:
            node = given[by_python[name]][0]
            assert isinstance(node, ast.Name)
            tensors.append(node.id)
        alias = statement.alias
        nodes = [instance.body.output for instance in instances]
        use = self.use(copies, function, values, places, written, nodes, tuple(tensors))
        self.alias(copies, alias)
        return use._replace(alias=alias.id if alias else None)

    def use(
        self,
        copies: Copies,
        function: Function,
        values: list[dict[str, Any]],
        places: list[int],
        written: Mapping[str, tuple[str | None, bool]],
        nodes: list[int],
        tensors: tuple[str, ...] = (),
    ) -> Use:
        """A call of a function; `values` are its parameters' for each copy."""
        context = copies.context
        args: list[str] = []
        kwargs: list[tuple[str, str]] = []
        said: dict[str, str] = {}
        for parameter in function.parameters:
            name = parameter.name
            if parameter.kind == "channels":
                inputs = [self.shape(copies, index)[-1] for index in range(len(values))]
                code = context.code(inputs, [copies.channels], "in_channels")
                by_keyword = False
            elif parameter.kind == "extra":
                extra = [function.extra[name][place] for place in places]
                code = context.code(extra, [context.names.get(name)], name)
                by_keyword = True
            else:
                if name not in written and parameter.default is not None:
                    continue
                source, by_keyword = written.get(name, (None, True))
                code = context.code([value[name] for value in values], [source], name)
            said[name] = code
            if by_keyword or kwargs:
                kwargs.append((name, code))
            else:
                args.append(code)
        channels = None
        if function.channels is not None:
            defaults = {p.name: p.default for p in function.parameters if p.default is not None}
            parts = {**defaults, **said}
            if names_in(function.channels) <= parts.keys() | {"in_channels"}:
                parts.setdefault("in_channels", copies.channels or "in_channels")
                channels = tidy(substitute(function.channels, parts))
        shapes = self.arrive(copies, nodes, [channels])
        return Use(function, tuple(args), tuple(kwargs), tensors, None, shapes)

    def join(self, copies: Copies, merges: tuple[tree.Merged, ...]) -> Join:
        layer: Any = self.nodes[merges[0].node].layer
        paths, channels = [], []
        for index in range(len(merges[0].paths)):
            items, code = self.sub(copies, [merge.paths[index] for merge in merges])
            paths.append(items)
            channels.append(code)
        codes = [channels[0]]
        if layer.op == "concat" and None not in channels:
            codes = [tidy(" + ".join(f"({code})" for code in channels))]
        elif layer.op == "mul":
            codes = list(channels)
        shapes = self.arrive(copies, [merge.node for merge in merges], codes)
        alias = merges[0].statement.alias
        self.alias(copies, alias)
        return Join(layer, tuple(paths), alias.id if alias else None, shapes)

    def bound(self, copies: Copies, items: tuple[tree.Bound, ...]) -> list[Item]:
        """A `let`: its expression takes its place, or a name where the tensor moves on."""
        context, statement = copies.context, items[0].statement
        name = statement.name.id
        context.names.pop(name, None)
        values = [plain(item.value) for item in items]
        if None in values:
            return []
        code = context.expression(values, [translate(statement.value, context.names)])
        if code is None:
            if all(same(value, values[0]) for value in values):
                context.names[name] = literal(values[0])
            return []
        if X not in names_in(code):
            context.names[name] = code
            return []
        context.names[name] = python_name(name)
        for env, value in zip(context.envs, values):
            env[python_name(name)] = value
        return [Assign(python_name(name), code)]

    # Control

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
            raise _Again from None

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
        alias = statement.alias
        self.alias(copies, alias)
        when = When(tuple(tests), tuple(bodies[:-1]), bodies[-1], alias.id if alias else None)
        return [when]

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
                raise _Again
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
            items += self.once(copies, list(bodies), loops[0].statement.index)
        return items

    def once(
        self, copies: Copies, bodies: list[tree.Body], index: ast.Name | None = None
    ) -> list[Item]:
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
        index = python_name(source) if source else _free("i", outer)
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
        names = {
            source: python_name(source)
            for source, code in outer.names.items()
            if len(source) > 1 or source not in "CHWDL"
        }
        values: list[dict[str, Any]] = []
        for env in outer.envs:
            values.append({})
            for source, name in names.items():
                from cnndsl.targets.python import value_of

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


def annotation(values: list[Any]) -> str:
    """The type of a parameter that has these values."""
    found = {"tuple[int, ...]" if type(v) is tuple else type(v).__name__ for v in values}
    if "float" in found:
        found.discard("int")
    return " | ".join(sorted(found))


class _Shaped:
    """Stands for a tensor where code reads its shape."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        self.shape = (None, *shape)


def _free(name: str, context: Context) -> str:
    taken = {key for env in context.envs for key in env}
    return next(n for n in (name, "j", "k", "turn", "turn2", "turn3", "turn4") if n not in taken)


def _fold(code: str) -> str:
    """A sum of plain numbers as one number."""
    from cnndsl.targets.python import value_of

    return code if names_in(code) else str(value_of(code, {}))


def structure(calls: list[Call]) -> tuple[Any, ...]:
    """What must be equal for calls to be copies: all but values."""
    return tuple(
        (call.function, call.style, len(call.args), tuple(call.kwargs), call.main) for call in calls
    )


def children(body: tree.Body) -> list[tuple[tree.Item, tuple[tree.Body, ...]]]:
    """The items of a body, each with the bodies inside it."""
    found: list[tuple[tree.Item, tuple[tree.Body, ...]]] = []
    for item in body.items:
        if isinstance(item, (tree.Instance, tree.Side)):
            found.append((item, (item.body,)))
        elif isinstance(item, tree.Merged):
            found.append((item, item.paths))
        elif isinstance(item, tree.Loop):
            found.append((item, item.bodies))
        elif isinstance(item, tree.Choice) and item.body is not None:
            found.append((item, (item.body,)))
        else:
            found.append((item, ()))
    return found


def walk(body: tree.Body) -> list[tree.Item]:
    """All items of a body, at any depth."""
    found: list[tree.Item] = []
    stack = [body]
    while stack:
        for item, inner in children(stack.pop()):
            found.append(item)
            stack.extend(inner)
    return found


def branches(body: tree.Body) -> bool:
    """Whether a body is more than a chain, blocks aside."""
    for item, inner in children(body):
        if isinstance(item, (tree.Merged, tree.Jump, tree.Side, tree.Skipped)):
            return True
        if isinstance(item, tree.Instance):
            if item.tensors:
                return True
        elif any(branches(body) for body in inner):
            return True
    return False
