"""Generated Python as a reader meets it: what pyflakes and the syntax tree say of it."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator
from typing import Any

from pyflakes.checker import Checker

from cnndsl import targets
from cnndsl.network import Network
from cnndsl.network.network import Instance
from cnndsl.network.walk import walk
from cnndsl.syntax import nodes as syntax
from cnndsl.syntax.parser import parse

FRAMEWORKS = ("keras", "pytorch", "flax")
Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def flaws(code: str) -> list[str]:
    """What is wrong with a module however it is run; nothing of a clean one.

    That it does not compile, all that pyflakes reports, and definitions that share a name.
    """
    try:
        tree = ast.parse(code)
        compile(tree, "<generated>", "exec", dont_inherit=True)
    except (SyntaxError, ValueError) as error:
        return [f"does not compile: {error}"]
    found = [
        f"line {each.lineno}: {each.message % each.message_args}"
        for each in sorted(Checker(tree).messages, key=lambda each: each.lineno)
    ]
    return found + [f"`{name}` is defined twice" for name in twice(tree)]


def twice(tree: ast.Module) -> Iterator[str]:
    """The functions and classes that are defined more than once in one body."""
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list):
            names = Counter(each.name for each in body if isinstance(each, Definition))
            yield from sorted(name for name, times in names.items() if times > 1)


def definitions(tree: ast.Module) -> list[Definition]:
    """The functions and classes of a module, without those within others."""
    return [node for node in tree.body if isinstance(node, Definition)]


# How near generated code is to what a person would write


def shape_of_code(code: str, target: str, net: Network) -> list[str]:
    """Where a module is not a block a definition, and each of them worth its lines.

    There are at most as many functions or classes as the net has blocks, and one for the net;
    helpers of the target, and what draws weights, apart. None is empty, no class only hands on
    to another (a function may give a call a name, as its block does), none decides in the
    arguments of `super().__init__` or overwrites what it is given. A parameter of a block by
    which its calls differ is one of the definition, and loops are loops.
    """
    own = [each for each in definitions(ast.parse(code)) if each.name not in helpers(target)]
    blocks = {item.block.name.id: item.block for item in instances(net)}
    found = []
    if len(own) > len(blocks) + 1:
        names = ", ".join(each.name for each in own)
        found.append(f"{len(own)} definitions for {len(blocks)} blocks and the net: {names}")
    for name, lost in lost_parameters(own, instances(net)):
        found.append(f"`{name}` has lost {', '.join(lost)}")
    for name, times, sites in unrolled(ast.parse(code), own, net):
        found.append(f"`{name}` is called {times} times, and {sites} in the source")
    for each in own:
        if is_empty(each):
            found.append(f"`{each.name}` is empty")
        elif isinstance(each, ast.ClassDef) and is_wrapper(each):
            found.append(f"`{each.name}` only wraps a call")
        found += [f"`{each.name}` decides in super().__init__" for _ in decides(each)]
        for function in ast.walk(each):
            if isinstance(function, ast.FunctionDef) and (name := overwritten(function)):
                found.append(f"`{each.name}` overwrites `{name}` at once")
    return found


def helpers(target: str) -> frozenset[str]:
    """What a target may define besides the blocks and the net."""
    told = getattr(targets.load(target), "helpers", frozenset)
    return told() | {"init_weights", "draw_uniform", "build_model", "divisible"}


def instances(net: Network) -> list[Instance]:
    return [item for item in walk(net.body) if isinstance(item, Instance)]


def lost_parameters(
    own: list[Definition], called: list[Instance]
) -> Iterator[tuple[str, list[str]]]:
    """The parameters that a block reads, that differ from call to call, and that are gone."""
    given: dict[str, dict[str, set[Any]]] = {}
    for item in called:
        own_names = {parameter.name.id for parameter in item.block.parameters}
        for name in own_names - set(item.tensors):
            value = item.arguments.get(name)
            given.setdefault(item.block.name.id, {}).setdefault(name, set()).add(str(value))
    blocks = {plain(item.block.name.id): item.block for item in called}
    for each in own:
        block = blocks.get(plain(each.name))
        if block is None:
            continue
        has = {name.rstrip("_") for name in parameters(each)}
        read = set(names_in(block.body))
        differ = [name for name, values in given.get(block.name.id, {}).items() if len(values) > 1]
        lost = sorted(name for name in differ if name in read and name.rstrip("_") not in has)
        if lost:
            yield each.name, lost


def parameters(definition: Definition) -> set[str]:
    """The names of the parameters of a function, or of a class's `__init__`."""
    functions = [definition] if isinstance(definition, ast.FunctionDef) else definition.body
    return {
        each.arg
        for function in functions
        if isinstance(function, ast.FunctionDef)
        and (function is definition or function.name == "__init__")
        for each in (*function.args.args, *function.args.kwonlyargs)
    }


def unrolled(
    tree: ast.Module, own: list[Definition], net: Network
) -> Iterator[tuple[str, int, int]]:
    """What code calls more than twice as often as the source does: a loop is a loop.

    Twice, since the first time round may read another number of channels.
    """
    calls = Counter(
        node.func.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    )
    module, _ = parse(net.source)
    sites = Counter(map(plain, names_in(module)))
    for each in own:
        written = sites[plain(each.name)] - 1  # its definition
        if calls[each.name] > 2 * written > 0:
            yield each.name, calls[each.name], written


def names_in(value: Any) -> Iterator[str]:
    """The names in a part of a syntax tree, as often as they stand there."""
    if isinstance(value, syntax.Name):
        yield value.id
    elif isinstance(value, tuple):
        for part in value:
            yield from names_in(part)


def plain(name: str) -> str:
    """A name without what makes it a class's, or another of its kind."""
    return name.replace("_", "").rstrip("0123456789").lower()


def without_docstring(body: list[ast.stmt]) -> list[ast.stmt]:
    first = body[0]
    told = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
    return body[1:] if told and isinstance(first.value.value, str) else body


def is_empty(definition: Definition) -> bool:
    """Whether a class or function holds nothing but `pass`, `...` or a docstring."""
    rest = without_docstring(definition.body)
    return all(
        isinstance(each, ast.Pass)
        or (isinstance(each, ast.Expr) and isinstance(each.value, ast.Constant))
        for each in rest
    )


def is_super_init(node: ast.AST) -> bool:
    """Whether this is a call `super().__init__(…)`."""
    return isinstance(node, ast.Call) and ast.unparse(node.func) == "super().__init__"


def decides(definition: Definition) -> Iterator[ast.IfExp]:
    """The conditional expressions within the arguments of `super().__init__`."""
    for node in ast.walk(definition):
        if is_super_init(node):
            yield from (each for each in ast.walk(node) if isinstance(each, ast.IfExp))


def overwritten(function: ast.FunctionDef) -> str | None:
    """The parameter that the first line of a function sets without having read it."""
    first = without_docstring(function.body)[:1]
    if not first or not isinstance(first[0], ast.Assign):
        return None
    names = [each.id for each in first[0].targets if isinstance(each, ast.Name)]
    read = {each.id for each in ast.walk(first[0].value) if isinstance(each, ast.Name)}
    given = {each.arg for each in (*function.args.args, *function.args.kwonlyargs)}
    return next((name for name in names if name in given - read), None)


def is_wrapper(definition: Definition) -> bool:
    """Whether a class or a function is no more than one call of another.

    That is a sequence of one module, a class with one module that it only runs, and a function
    that only returns what another makes of its `x`.
    """
    if isinstance(definition, ast.ClassDef):
        methods = {each.name: each for each in definition.body if isinstance(each, ast.FunctionDef)}
        begin = without_docstring(methods["__init__"].body) if "__init__" in methods else []
        runs = methods.get("forward", methods.get("__call__"))
        if runs is None:
            calls = [each.value for each in begin if isinstance(each, ast.Expr)]
            given = [arg for call in calls if isinstance(call, ast.Call) for arg in call.args]
            return len(begin) == 1 and len(given) == 1 and isinstance(given[0], ast.Call)
        kept = [each for each in begin if not isinstance(each, ast.Expr)]
        return len(kept) == 1 and isinstance(kept[0], ast.Assign) and returns_one_call(runs)
    return returns_one_call(definition)


def returns_one_call(function: Definition) -> bool:
    """Whether a function is a single `return f(…)(x)` or `return f(x, …)`, x its first own."""
    body = without_docstring(function.body)
    if len(body) != 1 or not isinstance(body[0], ast.Return):
        return False
    call = body[0].value
    if not isinstance(call, ast.Call) or not call.args:
        return False
    nested = [each for each in ast.walk(call) if isinstance(each, ast.Call)]
    made = isinstance(call.func, ast.Call)
    return isinstance(call.args[0], ast.Name) and len(nested) == 1 + made
