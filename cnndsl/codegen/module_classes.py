"""Programs as classes of modules: a chain is a Sequential, all else has its own call.

What PyTorch and Flax have in common; a `Style` is where they differ.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cnndsl.codegen.forward import Forward
from cnndsl.codegen.program import (
    CodeCall,
    Item,
    Make,
    Times,
    Use,
    When,
    is_sequential,
)
from cnndsl.codegen.python import class_name, distinct, python_name
from cnndsl.codegen.write_module import INPUTS, quoted, shape_note

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import ClassVar

    from cnndsl.codegen.program import Function, Program
    from cnndsl.layers.base import Shape
    from cnndsl.network import Network


class Style:
    """How a framework of modules writes what all of them have.

    * `sequential`, `identity`, `module`: a chain, what does nothing, the base of classes
    * `tensor`, `forward`: the type of what goes through, and the method that it goes through
    * `start`: how a constructor begins
    * `maximum`: the function of two tensors
    * `attributes`: what modules are made of, so that no layer can be called so
    * `helpers`: functions of the module, which variables must not hide
    """

    sequential: ClassVar[str]
    identity: ClassVar[str]
    module: ClassVar[str]
    tensor: ClassVar[str]
    forward: ClassVar[str]
    maximum: ClassVar[str]
    start: ClassVar[tuple[str, ...]] = ()
    attributes: ClassVar[frozenset[str]]

    def __init__(self, helpers: frozenset[str] = frozenset()) -> None:
        self.helpers = helpers

    def order(self, shape: Shape) -> Shape:
        """A channels-last shape as the framework has it."""
        raise NotImplementedError

    def signature(self, parameters: list[str], body: str) -> str:
        """The parameters of a constructor whose body is given."""
        return ", ".join(["self", *parameters])

    def arguments(self, use: Use) -> tuple[str, ...]:
        """What a call of a class is given beside its parameters."""
        return ()

    def piece(self, call: CodeCall) -> str:
        """A call as a part of a chain."""
        return call.text()

    def call(self, call: CodeCall, x: str, *, kept: bool) -> str | None:
        """A call as an expression of x; None for what is `kept` as a part of the module."""
        raise NotImplementedError

    def around(self, item: Item, x: str) -> str | None:
        """An activation without state and name as an expression of x; None for all else."""
        raise NotImplementedError

    def applied(self, item: Item, x: str, kept: bool) -> str | None:
        """The same of all that has no state, where parts are not `kept`."""
        return None if kept else self.around(item, x)

    def concat(self, parts: list[str]) -> str:
        """The channels of tensors side by side."""
        raise NotImplementedError

    def stretched(self, part: str, rank: int) -> str:
        """A vector as an image of one pixel; `rank` counts the channels."""
        raise NotImplementedError

    def note(self, item: Any, call: CodeCall | None = None) -> str:
        """The comment that tells a new shape."""
        return shape_note(item, call, self.order)

    # Chains

    def modules(self, items: Sequence[Item], comments: bool = False) -> list[str]:
        """A chain as the arguments of a Sequential, a line each."""
        lines = []
        for item in items:
            if isinstance(item, Make):
                for call in item.calls:
                    note = self.note(item, call) if comments else ""
                    lines.append(f"{self.piece(call)},{note}")
            elif isinstance(item, Use):
                lines.append(f"{self.made(item)},{self.note(item) if comments else ''}")
            elif isinstance(item, Times):
                if not self.modules(item.body):
                    continue
                turn = f"for {item.counter or '_'} in range({item.turns})"
                note = self.note(item) if comments else ""
                lines.append(f"*({self.one(item.body)} {turn}),{note}")
            elif isinstance(item, When):
                lines.append(f"{self.conditional(item)},")
        return lines

    def one(self, items: Sequence[Item]) -> str:
        """A chain as one module."""
        lines = self.modules(items)
        lines = [line.rpartition(",")[0] if "  #" not in line else line for line in lines]
        if not lines:
            return self.identity
        if len(lines) == 1 and not lines[0].startswith("*"):
            return lines[0]
        return f"{self.sequential}({', '.join(lines)})"

    def made(self, item: Use) -> str:
        """A call of a class."""
        args = [*item.args, *(f"{key}={value}" for key, value in item.kwargs)]
        return f"{class_name(item.function.name)}({', '.join([*args, *self.arguments(item)])})"

    def conditional(self, item: When) -> str:
        """A condition as an expression."""
        text = self.one(item.otherwise)
        for test, body in zip(reversed(item.tests), reversed(item.bodies)):
            one = self.one(body)
            if len(body) == 1 and isinstance(body[0], When):
                one = f"({one})"
            text = f"{one} if {test} else {text}"
        return text

    def choice(self, item: When, name: str) -> list[str]:
        """The same as statements that give a name its value."""
        lines = []
        for place, (test, body) in enumerate(zip(item.tests, item.bodies)):
            lines += [f"{'elif' if place else 'if'} {test}:", f"    {name} = {self.one(body)}"]
        return [*lines, "else:", f"    {name} = {self.one(item.otherwise)}"]

    # Classes

    def function(self, function: Function) -> str:
        """The class that a function of the program becomes."""
        name = class_name(function.name)
        parameters = [
            f"{p.name}: {p.annotation}" + ("" if p.default is None else f" = {p.default}")
            for p in function.parameters
        ]
        if is_sequential(function.body) and not function.tensors:
            lines = "\n".join(self.modules(function.body))
            init = f"    def __init__({self.signature(parameters, lines)}) -> None:\n"
            inner = f"        super().__init__(\n{lines}\n        )"
            return f"class {name}({self.sequential}):\n{init}{inner}"
        given = ["x", *function.tensors.values()]
        return self.written(name, parameters, function.body, given, function.tensors)

    def net(self, network: Network, items: list[Item], name: str) -> str:
        """The class of a net that is no chain."""
        inputs: list[str] = []
        variables: dict[str, str] = {}
        for index in network.inputs:
            node = network.nodes[index]
            variable = python_name(node.alias) if node.alias else INPUTS[len(node.output)]
            if len(network.inputs) == 1 and not node.alias:
                variable = "x"
            free = distinct(variable, {*inputs, *self.helpers})
            inputs.append(free)
            if node.alias:
                variables[node.alias] = free
        return self.written(name, [], items, inputs, variables, comments=True)

    def written(
        self,
        name: str,
        parameters: list[str],
        items: list[Item],
        inputs: list[str],
        variables: dict[str, str],
        comments: bool = False,
    ) -> str:
        """A class with a method that tensors go through."""
        body = Forward(self, items, variables, inputs, comments)
        result = body.run(inputs[0])
        kind = self.tensor
        if body.outputs:
            outputs = {"main": result, **body.outputs}
            result = "{" + ", ".join(f"{quoted(k)}: {v}" for k, v in outputs.items()) + "}"
            kind = f"dict[str, {self.tensor}]"
        given = ", ".join(f"{name}: {self.tensor}" for name in inputs)
        text = f"class {name}({self.module}):\n"
        init = "".join(f"        {line}\n" for line in (*self.start, *body.init))
        if init:
            signature = self.signature(parameters, init)
            text += f"    def __init__({signature}) -> None:\n{init}\n"
        text += f"    def {self.forward}(self, {given}) -> {kind}:\n"
        lines = body.lines
        if lines and lines[-1].startswith(f"{result} = "):
            lines[-1] = "return " + lines[-1].removeprefix(f"{result} = ")
        else:
            lines.append(f"return {result}")
        return text + "\n".join(f"        {line}" for line in lines)


def net_parts(style: Style, network: Network, program: Program) -> dict[str, Any]:
    """What a template wants to know of a net: `functions`, the classes of its blocks, and either
    `modules`, the lines of a chain, or `net`, the name of its own class, the last of them.
    """
    functions = [style.function(function) for function in program.functions]
    if len(network.inputs) == 1 and is_sequential(program.body) and not is_named(program.body):
        modules = style.modules(program.body, comments=True)
        return {"functions": functions, "modules": modules, "net": None}
    taken = {class_name(function.name) for function in program.functions}
    name = class_name(network.name)
    name = name if name not in taken else f"{name}Net"
    functions.append(style.net(network, program.body, name))
    return {"functions": functions, "modules": None, "net": name}


def is_named(items: list[Item]) -> bool:
    """Whether the file names any layer of a chain."""
    return any(isinstance(item, (Make, Use)) and item.alias for item in items)


def stateless(item: Item) -> CodeCall | None:
    """The only call of a layer without a name."""
    if isinstance(item, Make) and len(item.calls) == 1 and not item.alias:
        return item.calls[0]
    return None
