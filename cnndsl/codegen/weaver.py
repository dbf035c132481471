"""Network to program: lays the calls of each block over each other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cnndsl.codegen.contexts import Context, NoCode
from cnndsl.codegen.program import (
    Function,
    Item,
    Parameter,
    Program,
)
from cnndsl.codegen.python import (
    class_name,
    distinct,
    literal,
    names_in,
    plain,
    python_name,
    translate,
)
from cnndsl.layers.values import Word
from cnndsl.network import network as tree

if TYPE_CHECKING:

    pass

from cnndsl.codegen.bodies import Copies
from cnndsl.codegen.control import Again, Control
from cnndsl.network.walk import walk


class Weaver(Control):
    """Makes the program of a network.

    `lower` gives the calls of a node. With `modules`, functions stand for PyTorch modules:
    they are told their input channels, and what branches inside a loop becomes a function.
    """

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
            except Again:
                continue
            return Program(self.functions, body, tuple(self.helpers))

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
        function = Function(self.free_name(name))
        taken = {*self.labels(), self.label(function.name), "x", "in_channels"}
        for parameter in block.parameters:
            source = parameter.name.id
            function.names[source] = distinct(python_name(source), taken)
            taken.add(function.names[source])
        names = {name: function.names[name] for name in numeric}
        envs = []
        for instance in instances:
            env = {names[name]: plain(instance.arguments[name]) for name in numeric}
            envs.append(env)
        context = Context(envs, {**self.constants(), **names})
        for index, instance in enumerate(instances):
            self.assigned[id(instance)] = (function, index)
        for parameter in block.parameters:
            if parameter.name.id in instances[0].tensors:
                name = function.names[parameter.name.id]
                function.tensors[parameter.name.id] = name
                widths = [i.tensors[parameter.name.id] for i in instances]
                channels = [self.nodes[index].output[-1] for index in widths]
                context.aliases[parameter.name.id] = context.parameter(channels, f"{name}_channels")
        parameters = []
        for declared in block.parameters:
            if declared.name.id in numeric:
                default = declared.default
                code = None
                if default is not None:
                    code = translate(default, self.constants())
                    if code is not None and names_in(code):
                        code = None
                parameters.append(Parameter(names[declared.name.id], code, "source"))
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
        """A name that no function has, and no helper of the module."""
        taken, free, count = self.labels(), name, 1
        while self.label(free) in taken:
            count += 1
            free = f"{name}_{count}"
        return free

    def label(self, name: str) -> str:
        """What a function of this name is called in the module."""
        return class_name(name) if self.modules else name

    def labels(self) -> set[str]:
        """What the module calls its functions and helpers."""
        return {self.label(function.name) for function in self.functions} | self.reserved

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
            raise Again from None
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


def annotation(values: list[Any]) -> str:
    """The type of a parameter that has these values."""
    found = {type(value).__name__ for value in values}
    if "tuple" in found:
        found.remove("tuple")
        tuples = [value for value in values if type(value) is tuple]
        kinds = {annotation(list(value)) for value in tuples}
        kind = kinds.pop() if len(kinds) == 1 else "int"
        lengths = {len(value) for value in tuples}
        inside = [kind] * lengths.pop() if len(lengths) == 1 else [kind, "..."]
        found.add(f"tuple[{', '.join(inside)}]")
    if "float" in found:
        found.discard("int")
    return " | ".join(sorted(found))
