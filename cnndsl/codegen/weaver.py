"""Network to program: extracts a function from the instances of each block.

The instances of a block have the same statements, so that their items lie side by side, one
run of them for each statement. The weaver makes one item of the program of each run, and
finds the expressions that are right in all instances.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NoReturn

from cnndsl.codegen.code import Arg, Call, argument
from cnndsl.codegen.expressions import (
    ANY,
    Conditional,
    Dim,
    Expr,
    Literal,
    Made,
    Symbol,
    Variable,
    binary,
    evaluate,
    is_short,
    plain,
    power,
    quotient,
    reads_sizes,
    same,
    says_something,
    substitute,
    total,
    translate,
    tuple_of,
    variables,
)
from cnndsl.codegen.instances import Context, Env, NoCode, Part, Turns, constant, set_shapes
from cnndsl.codegen.program import (
    CodeCall,
    FromTensor,
    Frozen,
    Function,
    FunctionCall,
    If,
    Item,
    LayerCall,
    Let,
    Loop,
    Merge,
    NameTensor,
    Output,
    Path,
    PathIf,
    PathLoop,
    Program,
    Share,
    certain,
    named_last,
    read_by,
    takes_tensor,
    without_unread,
)
from cnndsl.codegen.survey import Survey, longest, side_by_side, structure
from cnndsl.contract import TargetError
from cnndsl.diagnostics import Diagnostic
from cnndsl.diagnostics.message import Message
from cnndsl.layers import Layer
from cnndsl.layers.rearrange import PixelShuffle, PixelUnshuffle
from cnndsl.network import network as tree
from cnndsl.network.bind import bound_arguments
from cnndsl.network.walk import walk
from cnndsl.syntax import nodes as ast


class Group:
    """Instances on their way through the same statements.

    * `current`: the node that is the current tensor of each
    * `channels`: what its channels are in code; None where no expression gives them
    """

    def __init__(
        self, context: Context, current: Sequence[int], channels: Expr | None = None
    ) -> None:
        self.context = context
        self.current = list(current)
        self.channels = channels

    def part(self, places: list[int], *, scoped: bool = False) -> Group:
        """Some of the instances."""
        part = Part(self.context, places, scoped=scoped)
        return Group(part, [self.current[place] for place in places], self.channels)


class Weaver:
    """Makes the program of a network.

    With `modules`, functions stand for classes of modules: they are told the channels that
    come in, know no other sizes of a tensor, and those that would wrap one call are written
    where they are called.
    """

    def __init__(self, survey: Survey, *, modules: bool) -> None:
        self.survey = survey
        self.network = survey.network
        self.nodes = survey.network.nodes
        self.modules = modules
        self.functions: list[Function] = []
        self.assigned: dict[int, tuple[Function | None, int]] = {}
        self.inside = False  # in a function, not in the net itself
        self.keeping = False  # in one whose layers are made before any tensor comes
        self.shares: list[Share] = []  # the sets of weights of the function at hand
        self.woven = 0  # items, those woven in vain among them

    def weave(self) -> Program:
        """The program."""
        self.inside = True
        for instances in self.survey.blocks:
            groups: dict[Any, list[tree.Instance]] = {}
            for instance in instances:
                alike_by = tuple(instance.tensors), self.results_of(instance)
                groups.setdefault(alike_by, []).append(instance)
            for alike in groups.values():
                self.define(alike)
        self.inside = self.keeping = False
        main = Context([{}], self.constants())
        group = Group(main, [self.network.inputs[0]])
        aliases = [self.nodes[index].alias for index in self.network.inputs]
        inputs = [None if alias is None else main.tensor(alias) for alias in aliases]
        self.shares = []
        body = self.body(group, [self.network.body])
        return Program(self.functions, without_unread(body), inputs)

    # Functions

    def define(self, instances: list[tree.Instance]) -> None:
        """Make a function of the instances of a block."""
        block = instances[0].block
        function = Function(block.name.id)
        self.keeping = block.name.id in self.survey.kept
        envs: list[Env] = [{} for _ in instances]
        names = self.constants()
        source: dict[str, Variable] = {}
        for parameter in block.parameters:
            name = parameter.name.id
            names.pop(name, None)
            values = [plain(instance.arguments[name]) for instance in instances]
            if None in values or name in instances[0].tensors:
                continue
            source[name] = names[name] = Variable(name, "source")
            for env, value in zip(envs, values):
                env[source[name]] = value
        context = Context(envs, names)
        for name in instances[0].tensors:
            function.tensors[name] = context.tensor(name)
            widths = [self.nodes[each.tensors[name]].output[-1] for each in instances]
            if self.modules:
                width = constant(widths) or context.parameter(widths, f"{name}_channels")
                context.widths[function.tensors[name]] = width
                if isinstance(width, Variable):
                    function.widths.setdefault(width, name)
        for place, instance in enumerate(instances):
            self.assigned[id(instance)] = (function, place)
        group = Group(context, [instance.body.input for instance in instances])
        incoming = Variable("in_channels", "channels")
        if self.modules:
            group.channels = incoming
            for env, node in zip(envs, group.current):
                env[incoming] = self.nodes[node].output[-1]
        self.shares = []
        body = self.body(group, [instance.body for instance in instances])
        self.give_results(function, context, instances[0])
        body = without_unread(body, function.results.values())
        function.shared = self.keeping
        ends = {variable: name for name, variable in function.results.items()}
        function.last = ends.get(named_last(body))  # type: ignore[arg-type]
        alone = not function.tensors and not function.results
        if self.modules and alone and wraps_one_call(body):
            for instance in instances:
                self.assigned[id(instance)] = (None, 0)
            return
        function.body, function.channels = body, group.channels
        function.takes = takes_tensor(body)
        self.settle_parameters(function, context, block, instances, {"": incoming, **source})
        self.functions.append(function)

    def results_of(self, instance: tree.Instance) -> tuple[str, ...]:
        """The tensors that a call has named and that are read from outside of the block."""
        wanted = self.survey.results.get(instance.block.name.id, ())
        return tuple(each for each in wanted if each in instance.results)

    def give_results(self, function: Function, context: Context, instance: tree.Instance) -> None:
        """Have a function give what is read from outside of the tensors that it names."""
        for wanted in self.results_of(instance):
            function.results[wanted] = context.tensors[wanted]
            function.widths_of[wanted] = context.widths.get(context.tensors[wanted])

    def refuse(
        self, item: tree.Instance | tree.Merged, message: Message, help_: Message
    ) -> NoReturn:
        """Refuse what code cannot say."""
        span = item.statement.span
        raise TargetError([Diagnostic("E401", self.network.source, span, message, help_)])

    def settle_parameters(
        self,
        function: Function,
        context: Context,
        block: ast.Block,
        instances: list[tree.Instance],
        source: Mapping[str, Variable],
    ) -> None:
        """The parameters of a function: those that its body reads, in the block's order."""
        read = read_by(function.body)
        order = ["", *(parameter.name.id for parameter in block.parameters)]
        found = [variable for variable in (*source.values(), *context.extra) if variable in read]
        words = {each: "" if each.kind == "channels" else each.hint for each in found}
        found.sort(key=lambda each: [*order, words[each]].index(words[each]))
        defaults = {p.name.id: p.default for p in block.parameters if p.default is not None}
        for variable in found:
            values = [env[variable] for env in context.envs]
            function.arguments[variable] = values
            node = defaults.get(variable.hint)
            if variable.kind == "source":
                default = translate(node, self.constants())
                if default is not None and not says_something(default):
                    variable.default = default
            elif variable.kind == "extra" and node is not None:
                given = [bound_arguments(block, instance.statement) for instance in instances]
                left = [v for v, names in zip(values, given) if variable.hint not in names]
                variable.default = constant(left)
            if variable.kind == "extra" and variable.default is None:
                if None in values:
                    variable.default = Literal(None)
                elif any(value is ANY for value in values):
                    variable.default = Literal(usual(values))
        found.sort(key=lambda each: each.default is not None)
        function.parameters = found

    def constants(self) -> dict[str, Expr]:
        """The file's constants, as values."""
        values = {
            item.statement.name.id: plain(item.value)
            for item in self.network.body.items
            if isinstance(item, tree.Bound)
        }
        return {name: Literal(value) for name, value in values.items() if value is not None}

    # Statements

    def body(self, group: Group, bodies: Sequence[tree.Body]) -> list[Item]:
        """The items of a body in all its instances."""
        items: list[Item] = []
        for parallel in zip(*(body.items for body in bodies)):
            items += self.item(group, parallel)
        return items

    def shape(self, group: Group, index: int) -> tuple[int, ...]:
        node = group.current[index]
        return self.nodes[node].output if node >= 0 else ()

    def item(self, group: Group, parallel: tuple[Any, ...]) -> list[Item]:
        """The items of one statement."""
        self.woven += 1
        context, first = group.context, parallel[0]
        set_shapes(context, [self.shape(group, index) for index in range(len(parallel))])
        self.name_sizes(group)
        if self.modules and is_sum_or_path(parallel):
            return [self.merge(group, parallel)]
        kinds = [self.kind(item) for item in parallel]
        if len(set(kinds)) > 1:
            return self.alternatives(group, parallel, kinds)
        if isinstance(first, tree.Step):
            return self.layer(group, parallel)
        if isinstance(first, tree.Instance):
            return self.instance(group, parallel)
        if isinstance(first, tree.Merged):
            if first.is_path:
                items = self.body(group, [item.paths[0] for item in parallel])
                return items + self.named(group, first.statement)
            return [self.merge(group, parallel)]
        if isinstance(first, tree.Loop):
            return self.loop(group, parallel)
        if isinstance(first, tree.Choice):
            return self.choice(group, parallel)
        if isinstance(first, tree.Jump):
            tensor = context.tensors[first.statement.name.id]
            self.arrive(group, [item.node for item in parallel], [context.widths.get(tensor)])
            return [FromTensor(tensor)]
        if isinstance(first, tree.Side):
            inner = Group(context, group.current, group.channels)
            body = self.body(inner, [item.body for item in parallel])
            return [Output(first.statement.name.id, body, first.statement.when is not None)]
        if isinstance(first, tree.Frozen):
            body = self.body(group, [item.body for item in parallel])
            # Functions say of each layer that it does not learn.
            frozen: list[Item] = [Frozen(body)] if self.modules and body else body
            return frozen + self.named(group, first.statement)
        if isinstance(first, tree.Bound):
            return self.bound(group, parallel)
        assert isinstance(first, tree.Skipped)
        return self.named(group, first.statement)

    def kind(self, item: tree.Item) -> Any:
        """What must be equal for items to be one item of the program."""
        if isinstance(item, tree.Step):
            return ("layer", structure(self.survey.calls[item.node]))
        if isinstance(item, tree.Instance):
            function = self.assigned[id(item)][0]
            return ("block", function if function is not None else item.block.name.id)
        if isinstance(item, tree.Merged):
            if item.is_path:
                return ("path", tuple(id(each.statement) for each in item.paths[0].items))
            layer: Any = self.nodes[item.node].layer
            axis = getattr(layer, "along", None)
            if not all(isinstance(way, int) for way in item.ways):
                return ("merge", layer.op, axis)
            return ("merge", layer.op, axis, tuple(map(len, layer.inputs)))
        return type(item).__name__

    def name_sizes(self, group: Group) -> None:
        """What C, H, W, D and L are in code for the current tensor."""
        names = group.context.names
        for letter in "CHWDL":
            names.pop(letter, None)
        if self.modules:
            if group.channels is not None:
                names["C"] = group.channels
        elif not self.keeping and (self.inside or type(group.context) is not Context):
            # In the net itself every size is a plain number.
            rank = len(self.shape(group, 0))
            for letter, axis in zip("CWHD" if rank != 2 else "CL", (-1, -2, -3, -4)):
                names[letter] = Dim(axis)

    def arrive(
        self, group: Group, nodes: Sequence[int], codes: Sequence[Expr | None]
    ) -> tuple[Any, Any]:
        """Make nodes the current tensors; gives the shapes before and after."""
        before = self.shape(group, 0)
        group.current = list(nodes)
        values = [self.nodes[node].output[-1] for node in nodes]
        if self.modules:
            group.channels = width(group.context, values, codes)
        return before, self.shape(group, 0)

    def label(self, group: Group, statement: Any) -> tuple[str | None, Variable | None]:
        """The name that a statement gives its result, and the variable of the tensor."""
        if statement.alias is None:
            return None, None
        name = statement.alias.id
        if name not in self.survey.wanted:
            return name, None
        tensor = group.context.tensor(name)
        group.context.widths[tensor] = group.channels
        return name, tensor

    def named(self, group: Group, statement: Any) -> list[Item]:
        """The item by which a tensor gets a name, if it does."""
        tensor = self.label(group, statement)[1]
        return [] if tensor is None else [NameTensor(tensor)]

    # Where instances go different ways

    def alternatives(
        self, group: Group, parallel: tuple[Any, ...], kinds: Sequence[Any]
    ) -> list[Item]:
        """Items for instances that differ in more than values."""
        if self.modules and all(isinstance(item, tree.Step) for item in parallel):
            lists = [self.survey.calls[item.node] for item in parallel]
            if longest(lists) is not None or factories(lists) is not None:
                return self.layer(group, parallel)
        if all(kind[0] == "block" for kind in kinds):
            use = self.called_by_parameter(group, parallel)
            if use is not None:
                return [use]
        hints = [self.hint(item) for item in parallel]
        return self.ways(group, parallel, kinds, hints, self.item, self.words(group, parallel))

    def words(self, group: Group, parallel: tuple[Any, ...]) -> dict[Any, Expr]:
        """For what a word of the source decides, a test for each word that is given for it."""
        word = getattr(parallel[0].statement, "name", None)
        hints = [self.hint(item) for item in parallel]
        kinds: dict[Any, set[str]] = {}
        for item, hint in zip(parallel, hints):
            kinds.setdefault(self.kind(item), set()).add(hint)
        told = [hint for found in kinds.values() for hint in found]
        if word is None or word.id in hints or len(set(told)) < len(told) or len(told) > len(kinds):
            return {}
        names = group.context.names
        given = group.context.code(hints, [names.get(word.id)], word.id)
        return {kind: binary("==", given, Literal(*found)) for kind, found in kinds.items()}

    def hint(self, item: tree.Item) -> str:
        """What a flag is called that tells an item from others."""
        if isinstance(item, (tree.Step, tree.Merged)):
            return self.nodes[item.node].op
        return item.block.name.id if isinstance(item, tree.Instance) else "variant"

    def ways(
        self,
        group: Group,
        parallel: tuple[Any, ...],
        kinds: Sequence[Any],
        hints: Sequence[str],
        weave: Callable[[Group, tuple[Any, ...]], list[Item]],
        tests: Mapping[Any, Expr] | None = None,
    ) -> list[Item]:
        """A condition with a way for each kind of instance; `tests` decides where it can."""
        context = group.context
        distinct = list(dict.fromkeys(sorted(kinds) if isinstance(kinds[0], int) else kinds))
        conditions: list[Expr] = []
        bodies: list[list[Item]] = []
        after, widths = list(group.current), [group.channels]
        for number, kind in enumerate(distinct):
            places = [place for place, each in enumerate(kinds) if each == kind]
            if number < len(distinct) - 1:
                values = [ANY if each in distinct[:number] else each == kind for each in kinds]
                test = (tests or {}).get(kind)
                conditions.append(context.test(values, test, f"with_{hints[places[0]]}"))
            inner = group.part(places)
            bodies.append(weave(inner, tuple(parallel[place] for place in places)))
            widths.insert(0, inner.channels)
            for place, node in zip(places, inner.current):
                after[place] = node
        self.arrive(group, after, widths)
        if not any(bodies):
            return []
        last = (tests or {}).get(distinct[-1])
        if (
            isinstance(distinct[-1], int)
            and last is not None
            and context.agrees(last, [each == distinct[-1] for each in kinds])
        ):
            return [If((*conditions, last), tuple(bodies), [])]  # as the source says it
        return [If(tuple(conditions), tuple(bodies[:-1]), bodies[-1])]

    def choice(self, group: Group, choices: tuple[tree.Choice, ...]) -> list[Item]:
        """An `if`: written where instances take different ways, else the way they take."""
        statement = choices[0].statement

        def weave(inner: Group, taken: tuple[tree.Choice, ...]) -> list[Item]:
            bodies = [choice.body for choice in taken if choice.body is not None]
            return self.body(inner, bodies) if bodies else []

        ways = sorted({choice.taken for choice in choices})
        if len(ways) == 1:
            items = weave(group, choices)
        else:
            context = group.context
            tests = {
                way: test
                for way, node in enumerate(statement.tests)
                if way in ways and (test := translate(node, context.names)) is not None
            }
            # The ways in the order of the text; the last of those taken needs no test.
            hints = [self.part_hint(choice.body) for choice in choices]
            taken = [choice.taken for choice in choices]
            items = self.ways(group, choices, taken, hints, weave, tests)
        return items + self.named(group, statement)

    def part_hint(self, body: tree.Body | None) -> str:
        """What a flag is called that tells whether a body is there: its first telling word."""
        words = []
        for item in walk(body) if body is not None else ():
            if isinstance(item, tree.Step):
                layer = self.nodes[item.node].layer
                if not layer.weights and layer.output == layer.input:
                    continue
            words.append(self.hint(item))
        return next((word for word in words if word != "variant"), "part")

    # Loops

    def loop(self, group: Group, loops: tuple[tree.Loop, ...]) -> list[Item]:
        statement = loops[0].statement
        items: list[Item] = []
        if any(loop.bodies for loop in loops):
            items = self.turns_of(group, loops)
        return items + self.named(group, statement)

    def turns_of(self, group: Group, loops: tuple[tree.Loop, ...]) -> list[Item]:
        """A loop; with its first turn by itself, where that differs; or turn after turn."""
        before = (group.channels, list(group.current))
        # Loops in loops that cannot be kept would be tried again and again: so often and no more.
        limit = 50 * len(self.nodes) + 10_000
        for start in (0, 1):
            if self.woven > limit or (start and min(len(loop.bodies) for loop in loops) < 2):
                break
            try:
                items = []
                if start:
                    items = self.once(group, [loop.bodies[0] for loop in loops], loops, 0)
                return items + self.turns(group, loops, start)
            except NoCode:
                group.channels, group.current = before[0], list(before[1])
        counts = [len(loop.bodies) for loop in loops]
        if len(set(counts)) > 1:
            hints = [f"{count}_times" for count in counts]
            return self.ways(group, loops, counts, ["loop"] * len(hints), self.loop)
        items = []
        for turn, bodies in enumerate(zip(*(loop.bodies for loop in loops))):
            items += self.once(group, list(bodies), loops, turn)
        return items

    def once(
        self, group: Group, bodies: list[tree.Body], loops: tuple[tree.Loop, ...], turn: int
    ) -> list[Item]:
        """A turn of a loop where it stands."""
        inner = group.part(list(range(len(bodies))), scoped=True)
        if index := loops[0].statement.index:
            inner.context.names[index.id] = Literal(turn)
        items = self.body(inner, bodies)
        group.current, group.channels = inner.current, inner.channels
        return items

    def turns(self, group: Group, loops: tuple[tree.Loop, ...], start: int) -> list[Item]:
        """A loop over the turns from `start` on; NoCode where there is none."""
        statement, outer = loops[0].statement, group.context
        turns = [
            (owner, turn)
            for owner, loop in enumerate(loops)
            for turn in range(start, len(loop.bodies))
        ]
        bodies = [loops[owner].bodies[turn] for owner, turn in turns]
        counts = [len(loop.bodies) for loop in loops]
        if {count - start for count in counts} == {1}:
            return self.once(group, bodies, loops, start)
        written = translate(statement.count, outer.names)
        stop = outer.code(counts, [written], "times")
        source = statement.index.id if statement.index else ""
        counter = Variable(source or "i", "local")
        owners, values = [owner for owner, _ in turns], [turn for _, turn in turns]
        context = Turns(outer, owners, values, counter, source)
        inner = Group(context, [body.input for body in bodies])
        if self.modules:
            inner.channels = self.turn_width(context, group.channels, bodies)
        body = self.body(inner, bodies)
        ends = [
            loop.bodies[-1].output if loop.bodies else group.current[place]
            for place, loop in enumerate(loops)
        ]
        shapes = self.arrive(group, ends, [inner.channels])
        steady = len({self.nodes[each.output].output for each in bodies[: counts[0] - start]}) == 1
        if start and counter not in read_by(body):
            stop, start = total([stop, Literal(-start)]), 0
        return [Loop(start, stop, counter, body, steady, shapes)]

    def turn_width(
        self, context: Turns, channels: Expr | None, bodies: list[tree.Body]
    ) -> Expr | None:
        """The channels that a turn begins with."""
        values = [self.nodes[body.input].output[-1] for body in bodies]
        try:
            return context.code(values, [channels], "in_channels")
        except NoCode:
            return None

    # Layers

    def layer(self, group: Group, steps: tuple[tree.Step, ...]) -> list[Item]:
        """The calls of a layer, some of which may be left out in some instances."""
        first = steps[0]
        lists = [self.survey.calls[step.node] for step in steps]
        full = longest(lists) or lists[0]
        layer = self.nodes[first.node].layer
        source = SourceArguments(first, group.context.names, layer.op)
        items: list[Item] = []
        behind: list[Item] = []
        calls: list[CodeCall] = []
        widths: list[Expr | None] = []
        split: tuple[Expr, list[int]] | None = None
        for column in zip(*(side_by_side(calls, full) for calls in lists)):
            there = [place for place, one in enumerate(column) if one is not None]
            if len(there) < len(column):
                test, one = self.optional(group, source, list(column), there)
                part = If((test,), ([LayerCall((one,), layer)],), [])
                (behind if calls else items).append(part)
                split = split if calls else (test, there)
            else:
                calls.append(self.call(group, source, list(column), widths, split))
        nodes = [step.node for step in steps]
        shuffled = shuffled_width(layer, source, group.channels)
        shapes = self.arrive(group, nodes, [*reversed(widths), shuffled, group.channels])
        if not calls:
            return items + self.named(group, first.statement)
        mains = [place for place, one in enumerate(calls) if one.main]
        carrier = mains[-1] if mains else len(calls) - 1
        shaper = carrier if layer.weights else len(calls) - 1
        run = self.survey.runs.get(first.node, (-1,))[0]
        for place, one in enumerate(calls[1:], 1):
            # What reads a size of the layer's input is worked out before its first call.
            lets, calls[place] = hoisted(one)
            for let in lets:
                for env in group.context.envs:
                    env[let.variable] = evaluate(let.value, env)
            items += lets
        label, alias = self.label(group, first.statement)
        if behind and alias is not None:
            behind.append(NameTensor(alias))
        alias = None if behind else alias
        made = LayerCall(tuple(calls), layer, label, alias, shapes, carrier, shaper, run)
        return [*items, made, *behind]

    def optional(
        self, group: Group, source: SourceArguments, column: list[Call | None], there: list[int]
    ) -> tuple[Expr, CodeCall]:
        """A call that some instances leave out, and when it is made."""
        context, calls = group.context, [one for one in column if one is not None]
        first = calls[0]
        alone = len(first.args) == 1 and not first.kwargs
        values = [one.args[0].written if one else None for one in column] if alone else []
        if alone and constant([values[place] for place in there]) is None:
            # The parameter says both whether it is made, and with what.
            pad = context.settle(values, [], "pad")
            return pad, CodeCall(Symbol(first.function), (pad,), (), first.style, False)
        inner = group.part(there)
        inner.context.names = context.names
        # What `same` puts around is uneven where windows take steps, if anywhere.
        step = source.expression("stride")
        strided = binary("!=", step, Literal(1)) if step is not None else None
        test = context.test([one is not None for one in column], strided, "pad")
        return test, self.call(inner, source, calls, [], None)

    def call(
        self,
        group: Group,
        source: SourceArguments,
        calls: list[Call],
        widths: list[Expr | None],
        split: tuple[Expr, list[int]] | None,
    ) -> CodeCall:
        """One call, from the calls of all instances."""
        context, first = group.context, calls[0]
        if any(one.function != first.function for one in calls):
            hint = source.word() or "activation"
            code = context.code(list(map(factory, calls)), [context.names.get(hint)], hint)
            assert isinstance(code, Variable)
            return CodeCall(code, (), (), first.style, first.main)
        args: list[Expr] = []
        for column in zip(*(one.args for one in calls)):
            hint = "padding" if "Pad" in first.function else "size"
            args.append(self.argument(group, source, column, hint, widths, split))
        kwargs: list[tuple[str, Expr]] = []
        for key, arg in first.kwargs.items():
            column = tuple(one.kwargs[key] for one in calls)
            code = self.argument(group, source, column, key, widths, split)
            if all(each.usual for each in column) and (
                arg.slot == "kernel" or not says_something(code)
            ):
                continue  # the framework's own default, and nothing of the source
            if key == "kernel_size" and not kwargs and says_something(code):
                args.append(code)  # a name says what it is
            else:
                kwargs.append((key, code))
        function = Symbol(first.function)
        return CodeCall(function, tuple(args), tuple(kwargs), first.style, first.main)

    def argument(
        self,
        group: Group,
        source: SourceArguments,
        column: tuple[Arg, ...],
        hint: str,
        widths: list[Expr | None],
        split: tuple[Expr, list[int]] | None,
    ) -> Expr:
        """Code for an argument of a call, from its value in each instance."""
        context, values = group.context, [arg.value for arg in column]
        each = any(arg.each for arg in column)
        slots = {(arg.slot, arg.path) for arg in column}
        slot, path = slots.pop() if len(slots) == 1 else ("", ())
        candidates: list[Expr | None] = [source.expression(slot, path)] if slot else []
        if slot == "in":
            reads = self.inside and not (self.modules or self.keeping)
            candidates = [Dim(-1) if reads else group.channels]
            hint = "channels"
        elif slot == "activation":
            hint = source.word() or slot
        elif hint == "size" and slot:
            hint = slot
        if hint == "padding" and (kernel := source.expression("kernel")) is not None:
            candidates.append(binary("//", kernel, Literal(2)))  # `same`, for odd kernels
        if hint == "padding":
            hint = source.name("pad") or hint
        code = context.express(values, candidates, each) or constant(values, each)
        if code is None and any(arg.parts for arg in column):
            code = parts(context, source, [arg.parts or arg.value for arg in column])
        if code is None and slot == "same":
            return Literal("same")  # where the framework's own word is exact
        if code is None and split:
            code = either(context, split, values, candidates, each)
        code = code or context.code(values, candidates, hint, each)
        if slot in ("filters", "units", "in"):
            widths.append(code)
        return code

    # Calls of blocks

    def instance(self, group: Group, instances: tuple[tree.Instance, ...]) -> list[Item]:
        """A call of a block."""
        statement = instances[0].statement
        if self.assigned[id(instances[0])][0] is None:
            items = self.in_place(group, instances)
            label, tensor = self.label(group, statement)
            if items and instances[0].first is not None:
                share = self.share(group.context, instances)
                items[-1] = items[-1]._replace(share=share)  # type: ignore[call-arg]
            if items and isinstance(items[-1], (LayerCall, FunctionCall)):
                items[-1] = items[-1]._replace(label=label, alias=tensor or items[-1].alias)
                return items
            return items + ([] if tensor is None else [NameTensor(tensor)])
        use = self.use(group, instances)
        if instances[0].first is not None:
            use = use._replace(share=self.share(group.context, instances))
        return [self.used(group, instances, use, [self.given_channels(group, use)])]

    def share(self, context: Context, instances: tuple[tree.Instance, ...]) -> Share:
        """The set of weights of calls of a shared block, in each instance of what is around."""
        sets: dict[int, int] = {}
        for place, instance in enumerate(instances):
            assert instance.first is not None
            sets[place] = instance.first
        while type(context) is not Context:
            if isinstance(context, Turns):
                found: dict[int, set[int]] = {}
                for place, number in sets.items():
                    found.setdefault(context.owner[place], set()).add(number)
                if any(len(numbers) > 1 for numbers in found.values()):
                    break  # it is another in each turn
                sets = {owner: numbers.pop() for owner, numbers in found.items()}
            else:
                assert isinstance(context, Part)
                sets = {context.places[place]: number for place, number in sets.items()}
            context = context.outer
        here = {(context, place): number for place, number in sets.items()}
        share = next(
            (
                each
                for each in self.shares
                if any(each.sets.get(place) == number for place, number in here.items())
            ),
            None,
        )
        if share is None:
            depth, outer = 0, context
            while type(outer) is not Context:
                depth += isinstance(outer, Turns)
                outer = outer.outer  # type: ignore[attr-defined]
            share = Share(depth)
            self.shares.append(share)
        for key, number in here.items():
            if share.sets.setdefault(key, number) != number:
                word = instances[0].block.name.id
                message = Message(
                    "`{word}` shares its weights in some calls of the block around it, and in "
                    "others not",
                    word=word,
                )
                help_ = Message("give the calls arguments that are always, or never, the same")
                self.refuse(instances[0], message, help_)
        for instance in instances:
            made = self.made_with(instance)
            assert instance.first is not None
            if share.given.setdefault(instance.first, made) != made:
                message = Message(
                    "`{word}` shares its weights, and its calls are not one module: what depends "
                    "on the size of the tensor differs",
                    word=instance.block.name.id,
                )
                help_ = Message("give the calls tensors of one size, or leave `shared` out")
                self.refuse(instance, message, help_)
        return share

    def made_with(self, instance: tree.Instance) -> str:
        """What the module of a call is made with, in a form that can be compared."""
        function, place = self.assigned[id(instance)]
        if function is not None:
            values = [(each.hint, own[place]) for each, own in function.arguments.items()]
            return repr((id(function), values))
        steps = [item for item in walk(instance.body) if isinstance(item, tree.Step)]
        calls = [one for step in steps for one in self.survey.calls[step.node]]
        return repr(
            [
                (one.function, [arg.written for arg in one.args], [*one.kwargs.items()])
                for one in calls
            ]
        )

    def used(
        self,
        group: Group,
        instances: tuple[tree.Instance, ...],
        use: FunctionCall,
        widths: list[Expr | None],
    ) -> FunctionCall:
        """A call of a block, with what comes out of it."""
        shapes = self.arrive(group, [each.body.output for each in instances], widths)
        statement, context = instances[0].statement, group.context
        results: list[Variable | None] = []
        for inner in use.function.results:
            name = f"{statement.alias.id}.{inner}" if statement.alias else ""
            result = context.tensor(name) if name in self.survey.wanted else None
            results.append(result)
            if result is not None and self.modules:
                code = self.outside(group, use, use.function.widths_of[inner])
                values = [self.nodes[each.results[inner]].output[-1] for each in instances]
                context.widths[result] = width(context, values, [code])
        label, tensor = self.label(group, statement)
        return use._replace(shapes=shapes, label=label, alias=tensor, results=tuple(results))

    def in_place(self, group: Group, instances: tuple[tree.Instance, ...]) -> list[Item]:
        """The body of a block where it is called."""
        inner = group.part(list(range(len(instances))), scoped=True)
        part, outer = inner.context, group.context.names
        part.names = self.constants()
        arguments = bound_arguments(instances[0].block, instances[0].statement)
        for parameter in instances[0].block.parameters:
            name = parameter.name.id
            part.names.pop(name, None)
            values = [plain(instance.arguments[name]) for instance in instances]
            written = translate(arguments[name].value, outer) if name in arguments else None
            code = written
            if None not in values:
                code = group.context.express(values, [written]) or constant(values)
            if code is not None:
                part.names[name] = code
        items = self.body(inner, [instance.body for instance in instances])
        group.current, group.channels = inner.current, inner.channels
        return items

    def use(self, group: Group, instances: tuple[tree.Instance, ...]) -> FunctionCall:
        """A call of the function of a block, with its arguments."""
        context = group.context
        function = self.assigned[id(instances[0])][0]
        assert function is not None
        places = [self.assigned[id(instance)][1] for instance in instances]
        arguments = bound_arguments(instances[0].block, instances[0].statement)

        def tensor(name: str) -> Variable:
            node = arguments[name].value
            assert isinstance(node, ast.Name)
            return context.tensors[node.id]

        args: list[Expr] = []
        kwargs: list[tuple[Variable, Expr]] = []
        skipped = False
        for parameter in function.parameters:
            values = [function.arguments[parameter][place] for place in places]
            given, hint = arguments.get(parameter.hint), parameter.hint
            node = given.value if given is not None else None
            candidates = [translate(node, context.names)]
            if parameter.kind == "channels":
                candidates, hint = [group.channels], "channels"
            elif given is None and left_out(parameter, values):
                continue
            elif parameter.default is not None and not any(v is not ANY for v in values):
                skipped = True  # whatever the source gives here, nothing reads it
                continue
            if parameter.kind == "extra":
                if parameter in function.widths:
                    candidates = [context.widths.get(tensor(function.widths[parameter]))]
                candidates.append(context.names.get(hint))
                hint = node.id if isinstance(node, ast.Name) else hint
            code = context.code(values, candidates, hint)
            if (
                kwargs
                or skipped
                or not (parameter.kind == "channels" or isinstance(given, ast.Positional))
            ):
                kwargs.append((parameter, code))
            else:
                args.append(code)
        tensors = tuple(map(tensor, function.tensors))
        return FunctionCall(function, Symbol(function), tuple(args), tuple(kwargs), tensors)

    def given_channels(self, group: Group, use: FunctionCall) -> Expr | None:
        """What the channels of a function's result are where it is called."""
        return self.outside(group, use, use.function.channels)

    def outside(self, group: Group, use: FunctionCall, code: Expr | None) -> Expr | None:
        """What code of a function comes to where it is called; None where that is not known."""
        function = use.function
        if code is None:
            return None
        values: dict[Variable, Expr] = {
            parameter: parameter.default
            for parameter in function.parameters
            if parameter.default is not None
        }
        values |= dict(zip(function.parameters, use.args))
        values |= dict(use.kwargs)
        for variable in variables(code):
            if variable.kind == "channels" and group.channels is not None:
                values.setdefault(variable, group.channels)
            if variable not in values:
                return None
        return substitute(code, values)

    def called_by_parameter(
        self, group: Group, instances: tuple[tree.Instance, ...]
    ) -> FunctionCall | None:
        """A call of whatever block each instance has, where the arguments are the same."""
        functions = [self.assigned[id(instance)][0] for instance in instances]
        if None in functions or any(
            f.tensors or not f.takes or f.results or f.shared  # type: ignore[union-attr]
            for f in functions
        ):
            return None
        context = group.context
        uses: list[FunctionCall] = []
        widths: list[Expr | None] = []
        for function in dict.fromkeys(functions):
            places = [place for place, each in enumerate(functions) if each is function]
            inner = group.part(places)
            uses.append(self.use(inner, tuple(instances[place] for place in places)))
            widths.append(self.given_channels(inner, uses[-1]))
        said = {repr((use.args, [(key.hint, code) for key, code in use.kwargs])) for use in uses}
        if len(said) > 1:
            return None
        word = instances[0].statement.name.id
        called = context.code(list(map(Symbol, functions)), [context.names.get(word)], word)
        assert isinstance(called, Variable)
        return self.used(group, instances, uses[0]._replace(called=called), widths)

    # Merges and constants

    def merge(self, group: Group, merges: tuple[tree.Merged, ...]) -> Merge:
        whole = [merge for merge in merges if not merge.is_path]
        layer: Any = self.nodes[whole[0].node].layer
        channels: list[Expr | None] = []
        bodies = [merge.paths for merge in merges]
        paths = self.paths(group, bodies, [merge.ways for merge in merges], channels)
        if len(certain(paths)) < len(paths):
            for merge in whole:
                shapes = self.nodes[merge.node].layer.inputs  # type: ignore[attr-defined]
                if layer.op == "mul" and len(set(shapes)) > 1:
                    message = Message("a product of paths that are not always there is stretched")
                    help_ = Message("write the paths out, one `if` around the whole `mul`")
                    self.refuse(merge, message, help_)
        known = [code for code in channels if code is not None]
        codes: list[Expr | None] = [*known]
        if layer.op == "concat" and layer.axis == "channels":
            codes = [total(known)] if len(known) == len(channels) else []
        shapes = self.arrive(group, [merge.node for merge in merges], codes)
        return Merge(layer, tuple(paths), *self.label(group, merges[0].statement), shapes)

    def paths(
        self,
        group: Group,
        bodies: Sequence[tuple[tree.Body, ...]],
        ways: Sequence[tuple[tree.Way, ...]],
        channels: list[Expr | None],
    ) -> list[Path]:
        """The paths of a merge in all its instances, from the bodies of each; their `channels` are
        added, behind a None those of paths that are not always there."""
        found: list[Path] = []
        for parallel in zip(*ways):
            inner = Group(group.context, group.current, group.channels)
            set_shapes(group.context, [self.shape(group, place) for place in range(len(ways))])
            self.name_sizes(group)
            if isinstance(parallel[0], tree.PathChoice):
                found += self.path_choice(inner, bodies, parallel, channels)
            elif isinstance(parallel[0], tree.PathLoop):
                found += self.path_loop(inner, bodies, parallel, channels)
            else:
                own = [paths[place] for paths, place in zip(bodies, parallel)]
                found.append(self.body(inner, own))
                channels.append(inner.channels)
        return found

    def path_choice(
        self,
        group: Group,
        bodies: Sequence[tuple[tree.Body, ...]],
        choices: tuple[tree.PathChoice, ...],
        channels: list[Expr | None],
    ) -> list[Path]:
        """The paths that an `if` holds: written where instances take different ways."""
        taken, context = [choice.taken for choice in choices], group.context
        ways = sorted(set(taken))
        if len(ways) == 1:
            return self.paths(group, bodies, [choice.paths for choice in choices], channels)
        tests = [translate(node, context.names) for node in choices[0].statement.tests]
        conditions: list[Expr] = []
        inner: list[tuple[Path, ...]] = []
        channels.append(None)
        for way in ways:
            places = [place for place, each in enumerate(taken) if each == way]
            test = tests[way] if way < len(tests) else None
            holds = [each == way for each in taken]
            if way != ways[-1] or (test is not None and context.agrees(test, holds)):
                values = [ANY if each < way else each == way for each in taken]
                first = choices[places[0]].paths
                body = bodies[places[0]][first[0]] if first and isinstance(first[0], int) else None
                conditions.append(context.test(values, test, f"with_{self.part_hint(body)}"))
            part = group.part(places)
            own = [bodies[place] for place in places]
            inner.append(
                tuple(self.paths(part, own, [choices[at].paths for at in places], channels))
            )
        if len(conditions) == len(inner):
            return [PathIf(tuple(conditions), tuple(inner), ())]
        return [PathIf(tuple(conditions), tuple(inner[:-1]), inner[-1])]

    def path_loop(
        self,
        group: Group,
        bodies: Sequence[tuple[tree.Body, ...]],
        loops: tuple[tree.PathLoop, ...],
        channels: list[Expr | None],
    ) -> list[Path]:
        """The paths that a `repeat` holds: a loop, or one turn after another."""
        statement, outer = loops[0].statement, group.context
        counts = [len(loop.turns) for loop in loops]
        turns = [(owner, turn) for owner, count in enumerate(counts) for turn in range(count)]
        source = statement.index.id if statement.index else ""
        if max(counts) > 1 or len(set(counts)) > 1:
            counter = Variable(source or "i", "local")
            owners, numbers = [owner for owner, _ in turns], [turn for _, turn in turns]
            context = Turns(outer, owners, numbers, counter, source)
            inner = Group(context, [group.current[owner] for owner in owners])
            try:
                if self.modules:
                    values = [self.nodes[node].output[-1] for node in inner.current]
                    inner.channels = context.code(values, [group.channels], "in_channels")
                own = [bodies[owner] for owner in owners]
                ways = [loops[owner].turns[turn] for owner, turn in turns]
                widths: list[Expr | None] = []
                paths = tuple(self.paths(inner, own, ways, widths))
                stop = outer.code(counts, [translate(statement.count, outer.names)], "times")
                channels += [None, *widths]
                return [PathLoop(stop, counter, paths)]
            except NoCode:
                if len(set(counts)) > 1:
                    raise
        found: list[Path] = []
        for turn in range(counts[0]):
            inner = group.part(list(range(len(loops))), scoped=True)
            if source:
                inner.context.names[source] = Literal(turn)
            found += self.paths(inner, bodies, [loop.turns[turn] for loop in loops], channels)
        return found

    def bound(self, group: Group, items: tuple[tree.Bound, ...]) -> list[Item]:
        """A `let`: its expression takes its place, or a name where the tensor moves on."""
        context, statement = group.context, items[0].statement
        name = statement.name.id
        values = [plain(item.value) for item in items]
        written = translate(statement.value, context.names)
        context.names.pop(name, None)
        if None in values:
            return []
        code = None
        if written is not None and is_short(written):
            code = context.express(values, [written])
        if code is None:
            found = constant(values)
            if found is not None:
                context.names[name] = found
            return []
        if not reads_sizes(code):
            context.names[name] = code
            return []
        variable = Variable(name, "local")
        context.names[name] = variable
        for env, value in zip(context.envs, values):
            env[variable] = value
        return [Let(variable, code)]


class SourceArguments:
    """What the source says of a layer: the expressions of its arguments, by slot."""

    def __init__(self, step: tree.Step, names: Mapping[str, Expr], op: str) -> None:
        self.names, self.step, self.op = names, step, op
        self.nodes = {
            slot: argument.value
            for argument in step.statement.args
            for slot, span in step.written.items()
            if span == argument.span
        }

    def expression(self, slot: str, path: tuple[int | None, ...] = ()) -> Expr | None:
        """The expression of a slot, or of a part of it."""
        node = self.nodes.get(slot)
        if path and node is not None:
            dimension, side = path
            if isinstance(node, ast.Tuple) and dimension is not None:
                node = node.items[dimension] if dimension < len(node.items) else None
            if isinstance(node, ast.Range) and side is not None:
                node = (node.begin, node.end)[side]
        return translate(node, self.names)

    def word(self) -> str:
        """The name that stands in the source for the layer, or for its activation."""
        name = self.step.statement.name.id
        return name if name != self.op else self.name("activation")

    def name(self, slot: str) -> str:
        """The name that alone stands for a slot."""
        node = self.nodes.get(slot)
        return node.id if isinstance(node, ast.Name) else ""


def is_sum_or_path(parallel: tuple[Any, ...]) -> bool:
    """Whether items are a merge that is a single path in some instances, where the merge of one
    would be that path."""
    if not all(isinstance(item, tree.Merged) for item in parallel):
        return False
    ones = {item.is_path for item in parallel}
    return len(ones) > 1 and parallel[0].statement.name.id in ("add", "mul", "maximum")


def wraps_one_call(items: list[Item]) -> bool:
    """Whether a body is one call, or does nothing."""
    return not items or (
        len(items) == 1
        and isinstance(items[0], (LayerCall, FunctionCall))
        and not (isinstance(items[0], LayerCall) and len(items[0].calls) > 1)
    )


def hoisted(one: CodeCall) -> tuple[list[Let], CodeCall]:
    """A call that reads no size of a tensor, and the names for what it read."""
    lets: list[Let] = []

    def named(value: Expr, hint: str) -> Expr:
        if not reads_sizes(value):
            return value
        lets.append(Let(Variable(hint, "local"), value))
        return lets[-1].variable

    args = tuple(named(value, "size") for value in one.args)
    kwargs = tuple((key, named(value, key)) for key, value in one.kwargs)
    return lets, one._replace(args=args, kwargs=kwargs)


def width(context: Context, values: list[int], codes: Sequence[Expr | None]) -> Expr | None:
    """Code for numbers of channels: the first that fits, a plain number among them."""
    one = constant(values)
    for code in codes:
        if code is None:
            continue
        if not says_something(code):
            if one is not None and context.fits(code, values):
                return one
        elif is_short(code) and (found := context.express(values, [code])) is not None:
            return found
    return one


def shuffled_width(layer: Layer, source: SourceArguments, channels: Expr | None) -> Expr | None:
    """Code for the channels behind a shuffle of pixels; None behind any other layer."""
    if channels is None or not isinstance(layer, (PixelShuffle, PixelUnshuffle)):
        return None
    factor, rank = source.expression("factor") or Literal(layer.factor), len(layer.spatial)
    if isinstance(layer, PixelShuffle):
        return quotient(channels, factor, rank)
    return binary("*", channels, power(factor, rank))


def either(
    context: Context,
    split: tuple[Expr, list[int]],
    values: Sequence[Any],
    candidates: Sequence[Expr | None],
    each: bool,
) -> Expr | None:
    """Code that is one thing where an optional call is made, and another where it is not."""
    test, there = split
    absent = [place for place in range(len(values)) if place not in there]
    sides: list[Expr] = []
    for places in (there, absent):
        part, some = Part(context, places), [values[place] for place in places]
        found = part.express(some, candidates, each) or constant(some, each)
        if found is None:
            return None
        sides.append(found)
    return Conditional(test, *sides)


def factories(lists: list[list[Call]]) -> list[int] | None:
    """The places where calls differ in nothing but the activation; None where in more."""
    if len({len(calls) for calls in lists}) > 1:
        return None
    found = []
    for place, column in enumerate(zip(*lists)):
        if len({structure([one]) for one in column}) == 1:
            continue
        if len({(one.style, one.main) for one in column}) > 1 or not all(map(is_fixed, column)):
            return None
        found.append(place)
    return found


def is_fixed(one: Call) -> bool:
    """Whether a call says nothing of the tensor that it gets."""
    return not one.helpers and all(arg.slot != "in" for arg in (*one.args, *one.kwargs.values()))


def factory(one: Call) -> Any:
    """What makes a call's layer when it is called."""
    kwargs = tuple((key, arg.written) for key, arg in one.kwargs.items() if not arg.usual)
    args = tuple(arg.written for arg in one.args)
    function = Symbol(one.function)
    return Made(Symbol("partial"), (function, *args), kwargs) if args or kwargs else function


def parts(context: Context, source: SourceArguments, column: Sequence[Any]) -> Expr | None:
    """Code for a value whose parts stand in the source one by one; None where one has none."""
    if all(type(each) is tuple and len(each) == len(column[0]) for each in column):
        found = [parts(context, source, items) for items in zip(*column)]
        return None if None in found else tuple_of(found)  # type: ignore[arg-type]
    if any(type(each) is tuple for each in column):
        return None
    args = [argument(each) for each in column]
    code = source.expression(args[0].slot, args[0].path) if args[0].slot else None
    values = [arg.value for arg in args]
    return context.express(values, [code]) or constant(values)


def left_out(parameter: Variable, values: Sequence[Any]) -> bool:
    """Whether a call need not say these values, since they are a parameter's default."""
    default = parameter.default
    if parameter.kind == "source" or not isinstance(default, Literal):
        return default is not None
    return all(same(value, default.value) for value in values)


def usual(values: Sequence[Any]) -> Any:
    """The value that is there most often, of those that matter."""
    known = [value for value in values if value is not ANY]
    if all(isinstance(value, bool) for value in known):
        return False
    times = Counter(map(repr, known))
    return max(known, key=lambda value: times[repr(value)])
