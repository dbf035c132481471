"""Programs as classes of modules: a chain is a Sequential, all else has its own call."""

from __future__ import annotations

import ast as python
from collections.abc import Mapping
from typing import Any, NamedTuple

from cnndsl.codegen.expressions import ANY, Symbol, calling, literal, names_in, written
from cnndsl.codegen.forward import Forward
from cnndsl.codegen.names import Names, class_name
from cnndsl.codegen.program import (
    Frozen,
    Function,
    FunctionCall,
    Item,
    LayerCall,
    Loop,
    Merge,
    PathLoop,
    Program,
    inner,
    is_sequential,
    parts_of,
)
from cnndsl.codegen.source import (
    Chain,
    Do,
    Statement,
    given_back,
    lines,
    returning,
    text,
    without_copies,
)
from cnndsl.codegen.style import Style, has_conditions
from cnndsl.codegen.write_module import input_names
from cnndsl.network import Network


class Classes(NamedTuple):
    """The classes of a net's blocks; and either the parts of a chain, or the net's own class."""

    code: list[str]
    chain: Chain | None
    net: str | None


def classes_of(style: Style, network: Network, program: Program, module: Names) -> Classes:
    """The classes that a program becomes."""
    for function in program.functions:
        function.name = module.take(class_name(function.name))
    code = [block_class(style, function, module) for function in program.functions]
    is_chain = is_sequential(program.body) and not is_labelled(program.body)
    if len(network.inputs) == 1 and is_chain:
        name_counters(program.body, Names(module))
        parts = tuple(style.chain(program.body, comments=True))
        return Classes(code, Chain(style.sequential, parts), None)
    own = class_name(network.name)
    own = module.take(own if own not in module else f"{own}Net")
    scope = Names(module, {"self", "x"})
    name_counters(program.body, scope)
    inputs = input_names(network, program, scope, "x")
    code.append(module_class(style, own, [], program.body, scope, inputs, comments=True))
    return Classes(code, None, own)


def block_class(style: Style, function: Function, module: Names) -> str:
    """The class that a function of the program becomes."""
    scope = Names(module, {"self", "x"})
    parameters = []
    for each in function.parameters:
        each.name = scope.take(each.hint)
        kind = annotation(function.arguments[each], style.kinds)
        default = "" if each.default is None else f" = {text(written(each.default))}"
        parameters.append(f"{each.name}: {kind}{default}")
    name_counters(function.body, scope)
    given = ["x"] if function.takes else []
    for tensor in function.tensors.values():
        tensor.name = scope.take(tensor.hint)
        given.append(tensor.name)
    if not is_sequential(function.body) or function.tensors or is_labelled(function.body):
        return module_class(
            style, function.name, parameters, function.body, scope, given, function=function
        )
    body: list[Statement] = []
    init: Any = Chain("super().__init__", tuple(style.chain(function.body)))
    if has_conditions(function.body):
        body, rest = style.listed(function.body, scope.take("layers"), False)
        init = calling("super().__init__", rest)
    signature = ", ".join(["self", *parameters, *style.more(function.body, function.name)])
    head = f"class {function.name}({style.sequential}):\n    def __init__({signature}) -> None:"
    return "\n".join([head, *lines([*body, Do(init)], 2)])


def module_class(
    style: Style,
    own: str,
    parameters: list[str],
    items: list[Item],
    scope: Names,
    given: list[str],
    comments: bool = False,
    function: Function | None = None,
) -> str:
    """A class with a method that tensors go through, which are `given` their names; it gives what
    a `function` gives, or else the outputs of the net."""
    body = Forward(style, items, scope, Names(scope, {"self", "x"}), comments)
    result = body.run(given[0])
    kind = style.tensor
    if body.extra:
        kind = f"{kind} | dict[str, {kind}]" if not body.outputs else kind
        every = returning([], named_outputs({"main": result, **body.outputs, **body.extra}))
        body.in_training(style.training, every)
    if body.outputs:
        result = named_outputs({"main": result, **body.outputs})
        kind = f"dict[str, {style.tensor}]"
    if function is not None and function.results:
        results = given_back(function, text(result))
        result = results[0]
        if len(results) > 1:
            result = python.Tuple(results)
            kind = f"tuple[{', '.join([kind] * len(results))}]"
    head = [f"class {own}({style.module}):"]
    if body.init or parameters:
        signature = ", ".join(["self", *parameters, *style.more(items, own)])
        flags = style.flags if body.extra else ()
        init = lines([*style.start, *flags, *body.init], 2)
        head += [f"    def __init__({signature}) -> None:", *init, ""]
    tensors = ", ".join(f"{each}: {style.tensor}" for each in given)
    head.append(f"    def {style.forward}(self, {tensors}) -> {kind}:")
    statements = without_copies(body.lines, names_in(result))
    return "\n".join([*head, *lines(returning(statements, result), 2)])


def named_outputs(outputs: Mapping[str, python.expr]) -> python.expr:
    """Outputs by their names."""
    return python.Dict([literal(key) for key in outputs], list(outputs.values()))


def is_labelled(items: list[Item]) -> bool:
    """Whether the file names any layer of a chain, or freezes a part of it."""
    return any(
        isinstance(item, Frozen) or (isinstance(item, (LayerCall, FunctionCall)) and item.label)
        for item in items
    )


def name_counters(items: list[Item], scope: Names) -> None:
    """Give the counters of loops their names: those in one another differ."""
    for item in items:
        inside = scope
        if isinstance(item, Loop):
            inside = Names(scope)
            item.counter.name = inside.take(item.counter.hint)
        elif isinstance(item, Merge):
            for path in parts_of(item.paths):
                if isinstance(path, PathLoop):
                    inside = Names(inside)
                    path.counter.name = inside.take(path.counter.hint)
        for body in inner(item):
            name_counters(body, inside)


def annotation(values: list[Any], kinds: Mapping[str, str]) -> str:
    """The type of a parameter that has these values; `kinds` are those of symbols."""
    known = [value for value in values if value is not ANY]
    found = {type(value).__name__ for value in known if value is not None}
    if any(isinstance(value, Symbol) and isinstance(value.target, Function) for value in known):
        return kinds["Function"]
    if "tuple" in found:
        found.remove("tuple")
        tuples = [value for value in known if type(value) is tuple]
        inner = {annotation(list(value), kinds) for value in tuples}
        kind = inner.pop() if len(inner) == 1 else "int"
        lengths = {len(value) for value in tuples}
        inside = [kind] * lengths.pop() if len(lengths) == 1 else [kind, "..."]
        found.add(f"tuple[{', '.join(inside)}]")
    if "float" in found:
        found.discard("int")
    if "Made" in found:
        found.discard("Symbol")
    types = [kinds.get(each, each) for each in sorted(found)]
    return " | ".join([*types, *(["None"] if None in known else [])])
