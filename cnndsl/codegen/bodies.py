"""Copies of statements to items of a program."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cnndsl.codegen.code import Arg
from cnndsl.codegen.contexts import Context, same
from cnndsl.codegen.program import (
    Assign,
    CodeCall,
    Function,
    Goto,
    Item,
    Join,
    Make,
    Named,
    Output,
    Use,
    X,
)
from cnndsl.codegen.python import (
    distinct,
    literal,
    names_in,
    plain,
    python_name,
    substitute,
    tidy,
    translate,
)
from cnndsl.network import network as tree
from cnndsl.syntax import nodes as ast

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


from cnndsl.codegen.survey import Survey


class Copies:
    """The same statements in several places: a body for each copy, and where each stands."""

    def __init__(self, bodies: Sequence[tree.Body], context: Context, channels: str | None):
        self.bodies = list(bodies)
        self.context = context
        self.channels = channels  # code for the current tensor's channels
        self.current = [body.input for body in bodies]


def as_args(values: Sequence[Any]) -> list[Arg]:
    """Values as `Arg`s, literals among them."""
    return [value if isinstance(value, Arg) else Arg(value) for value in values]


class _Shaped:
    """Stands for a tensor where code reads its shape."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        self.shape = (None, *shape)


class Bodies(Survey):
    """Weaves layers, merges and calls."""

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
            made = self.make(copies, parallel)
            return [made] if made.calls else self.alias(copies, first.statement.alias, named=True)
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
        if not self.inside and type(copies.context) is Context:
            return  # in the net itself every size is a plain number
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
        if alias is None or alias.id not in self.wanted:
            return []
        copies.context.aliases[alias.id] = copies.channels
        return [Named(alias.id)] if named else []

    def argument(
        self,
        copies: Copies,
        written: Mapping[str, str | None],
        widths: list[str],
        given: list[Arg],
        hint: str,
    ) -> str:
        """Code for an argument of a call, from its value in each copy."""
        context, slots = copies.context, {arg.slot for arg in given}
        slot = slots.pop() if len(slots) == 1 else ""
        codes: list[str | None] = []
        if slot == "in":
            codes = [copies.channels]
            if not self.modules and self.inside:
                codes = [f"{X}.shape[-1]"]
            hint = "in_channels" if "in_channels" not in context.used else "channels"
        elif slot in written:
            codes = [written[slot]]
        if hint == "padding" and written.get("kernel") is not None:
            codes.append(tidy(f"({written['kernel']}) // 2"))  # `same`, for odd kernels
        values = [arg.value for arg in given]
        alike = all(same(value, values[0]) for value in values)
        if slot == "same" and not alike and context.expression(values, codes) is None:
            return literal("same")  # where the framework's own word is exact
        text = context.code(values, codes, slot if hint == "size" and slot else hint)
        if slot in ("filters", "units", "in"):
            widths.append(text)
        return text

    def make(self, copies: Copies, steps: tuple[tree.Step, ...]) -> Make:
        context, first = copies.context, steps[0]
        written = {
            slot: translate(argument.value, context.names)
            for argument in first.statement.args
            for slot, span in first.written.items()
            if span == argument.span
        }
        calls: list[CodeCall] = []
        widths: list[str] = []
        for parallel in zip(*(self.calls_of(step) for step in steps)):
            call = parallel[0]
            self.helpers.update(dict.fromkeys(call.helpers))
            args: list[str] = []
            for values in zip(*(c.args for c in parallel)):
                hint = "padding" if "Pad" in call.function else "size"
                args.append(self.argument(copies, written, widths, as_args(values), hint))
            kwargs: list[tuple[str, str]] = []
            for key in call.kwargs:
                given = as_args([c.kwargs[key] for c in parallel])
                text = self.argument(copies, written, widths, given, key)
                usual = all(a.default is not ... and same(a.value, a.default) for a in given)
                if usual and (not names_in(text) or given[0].slot == "kernel"):
                    continue  # the framework's own default, and nothing of the source
                if key == "kernel_size" and not kwargs and names_in(text):
                    args.append(text)  # a name says what it is
                else:
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
        by_python = {function.names[name]: name for name in order}
        values = [
            {function.names[name]: plain(instance.arguments[name]) for name in order}
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
            node = given[name][0]
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
        values = [plain(item.value) for item in items]
        written = translate(statement.value, context.names)
        context.names.pop(name, None)
        if None in values:
            return []
        code = context.expression(values, [written])
        if code is None:
            if all(same(value, values[0]) for value in values):
                context.names[name] = literal(values[0])
            return []
        if X not in names_in(code):
            context.names[name] = code
            return []
        variable = self.fresh(context, name)
        context.names[name] = variable
        for env, value in zip(context.envs, values):
            env[variable] = value
        return [Assign(variable, code)]

    def fresh(self, context: Context, name: str) -> str:
        """A name for a value that nothing else in the function has."""
        taken = {key for env in context.envs for key in env}
        return distinct(python_name(name), taken | self.labels())

    def labels(self) -> set[str]:
        """What the module calls its functions; `Weaver` knows."""
        raise NotImplementedError

    def loop(self, copies: Copies, loops: tuple[tree.Loop, ...]) -> list[Item]:
        """A loop; `Control` says how."""
        raise NotImplementedError

    def choice(self, copies: Copies, choices: tuple[tree.Choice, ...]) -> list[Item]:
        """A condition; `Control` says how."""
        raise NotImplementedError
