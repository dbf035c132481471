"""Items of a program as statements of Keras's functional API."""

from __future__ import annotations

import ast as python
from collections.abc import Sequence
from typing import Any

from cnndsl.codegen.expressions import Symbol, Variable, calling, literal, name, names_in, written
from cnndsl.codegen.forward import Forward
from cnndsl.codegen.lowering import axis_channels_last
from cnndsl.codegen.module_classes import name_counters
from cnndsl.codegen.names import Names
from cnndsl.codegen.program import (
    CodeCall,
    FromTensor,
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
    PathLoop,
    Share,
    all_items,
    certain,
    read_by,
    read_by_paths,
)
from cnndsl.codegen.roles import only, path_names
from cnndsl.codegen.source import (
    WIDTH,
    Assign,
    Do,
    For,
    Statement,
    Writer,
    branch,
    given_back,
    lines,
    range_of,
    returning,
    text,
    without_copies,
)
from cnndsl.codegen.style import Style, call_of, counter_of, listed, stretched
from cnndsl.codegen.write_module import shape_note
from cnndsl.layers import ACTIVATIONS, LAYERS

_MERGES = {
    "add": "layers.add",
    "concat": "layers.concatenate",
    "mul": "layers.multiply",
    "subtract": "layers.subtract",
    "maximum": "layers.maximum",
    "average": "layers.average",
}


_TRAINING = name("training")


def is_plain(items: list[Item]) -> bool:
    """Whether items fit in a Sequential: layers and nothing else."""
    return all(
        isinstance(item, LayerCall)
        and item.alias is None
        and all(call.style == "layer" for call in item.calls)
        for item in items
    )


def sequential(items: list[Item]) -> list[tuple[python.expr, str]]:
    """The layers of a Sequential, with their notes."""
    found: list[tuple[python.expr, str]] = []
    for item in items:
        assert isinstance(item, LayerCall)
        for place, call in enumerate(item.calls):
            label = item.label if place == item.carrier else None
            found.append((made(call, label), shape_note(item, call)))
    return found


def function(function: Function, module: Names) -> str:
    """The function of Keras that a function of the program becomes."""
    scope = Names(module, {"x"})
    given = ["x"] if function.takes else []
    for tensor in function.tensors.values():
        tensor.name = scope.take(tensor.hint)
        given.append(tensor.name)
    for each in function.parameters:
        each.name = scope.take(each.hint)
        default = "" if each.default is None else f"={text(written(each.default))}"
        given.append(f"{each.name}{default}")
    tensors = set(function.tensors.values())
    body = FunctionBody(function.body, scope, named=False, known=tensors)
    last = body.run("x", "x")
    head = f"def {function.name}({', '.join(given)}):"
    results = given_back(function, last)
    result = results[0] if len(results) == 1 else python.Tuple(results)
    statements = without_copies(body.lines, names_in(result))
    return "\n".join([head, *lines(returning(statements, result), 1)])


class Kept(Style):
    """Layers that are made once and applied several times, as functions keep them."""

    identity, listing, attributes = calling("layers.Identity"), "", frozenset()

    def call(self, call: CodeCall, x: python.expr, *, kept: bool) -> python.expr | None:
        return None if call.style == "layer" else applied(call, text(x), None)

    def around(self, item: Item, x: python.expr) -> python.expr | None:
        return None


class Parts(Forward):
    """Writes a function that makes layers, and the one in it that applies them. All of their
    names differ, since the inner function reads those of the outer."""

    def __init__(self, items: list[Item], scope: Names) -> None:
        super().__init__(Kept(), items, scope, scope, comments=False)

    def attribute(self, wanted: str) -> str:
        variables = set(self.scope.handed)  # of the inner function, be they let go or not
        part = self.scope.take(wanted)
        while part in variables:
            part = self.scope.take(wanted)
        self.scope.kept.add(part)
        return part

    def expression(
        self, items: list[Item], variable: str, wanted: str, goal: str | None
    ) -> python.expr:
        return super().expression(items, variable, "branch1" if wanted in LAYERS else wanted, goal)

    def chains(self, item: Item) -> bool:
        return False

    def together(self, item: Merge, parts: list[python.expr]) -> python.expr:
        return merged(item, parts)

    def gathered(
        self, item: Merge, parts: list[python.expr], rest: Sequence[Path], variable: str
    ) -> python.expr:
        many = self.scope.take("branches")
        self.lines.append(Assign(many, python.List(parts)))
        for path in rest:
            self.gather(path, variable, lambda part: Do(calling(f"{many}.append", part)))
        return merged(item, [python.Starred(name(many))])


def merged(item: Merge, parts: list[python.expr], **label: python.expr) -> python.expr:
    """Tensors merged; a vector of channels beside an image is stretched."""
    if item.layer.op == "mul":
        rank = len(item.layer.output)
        parts = [
            stretched(part, rank) if len(shape) < rank else part
            for part, shape in zip(parts, item.layer.inputs)
        ]
    words: dict[str, python.expr] = {}
    if item.layer.op == "concat" and (axis := axis_channels_last(item.layer)) != -1:
        words["axis"] = literal(axis)
    return calling(_MERGES[item.layer.op], listed(parts), **words, **label)


def builder(function: Function, module: Names) -> str:
    """The function that makes the layers of a block, and gives the one that applies them."""
    scope = Names(module, {"x"})
    parameters, given = [], ["x"] if function.takes else []
    for each in function.parameters:
        each.name = scope.take(each.hint)
        default = "" if each.default is None else f"={text(written(each.default))}"
        parameters.append(f"{each.name}{default}")
    own = scope.take(function.block)
    for tensor in function.tensors.values():
        tensor.name = scope.take(tensor.hint)
        given.append(tensor.name)
    name_counters(function.body, scope)
    body = Parts(function.body, scope)
    body.named = set(function.tensors.values())
    results = given_back(function, text(body.run(given[0])))
    result = results[0] if len(results) == 1 else python.Tuple(results)
    statements = without_copies(body.lines, names_in(result))
    return "\n".join(
        [
            f"def {function.name}({', '.join(parameters)}):",
            *lines(body.init, 1),
            "",
            f"    def {own}({', '.join(given)}):",
            *lines(returning(statements, result), 2),
            "",
            f"    return {own}",
        ]
    )


def made(call: CodeCall, label: str | None = None, x: python.expr | None = None) -> python.Call:
    """A layer, with the name that the file gives it; `x` is the current tensor."""
    result = call_of(call, x=x)
    if label is not None:
        result.keywords.append(python.keyword("name", python.Constant(label)))
    return result


class FunctionBody(Writer):
    """Writes the statements of one function.

    `named` tells whether layers take the names of the source, as they do where a name is used
    once; `known` are the tensors that have their variables already.
    """

    def __init__(
        self, items: list[Item], scope: Names, *, named: bool, known: set[Variable]
    ) -> None:
        super().__init__(scope, known)
        self.items = items
        self.labelled = named
        self.depth = 1
        self.loops = [self.lines]  # the statements of the function, and of the loops in it
        self.shared: dict[Share, str] = {}
        for item in all_items(items):
            if isinstance(item, Let):
                item.variable.name = scope.take(item.variable.hint)
        name_counters(items, scope)
        scope.taken |= {item.counter.name for item in all_items(items) if isinstance(item, Loop)}

    def run(self, variable: str, target: str) -> str:
        """Write all statements from `variable` on; gives the variable of the result."""
        return self.write(self.items, variable, target)

    def write(self, items: list[Item], variable: str, target: str) -> str:
        place = 0
        while place < len(items):
            item, after = items[place], items[place + 1] if place + 1 < len(items) else None
            place += 1
            if isinstance(item, Merge) and item.label is None and wraps(after):
                # An activation right after a merge needs no line of its own.
                assert isinstance(after, LayerCall)
                variable = self.merge(item, variable, target, after)
                place += 1
            else:
                variable = self.item(item, variable, target)
        return variable

    def item(self, item: Item, variable: str, target: str) -> str:
        if isinstance(item, LayerCall):
            goal = self.goal(item.alias, target)
            for place, call in enumerate(item.calls):
                into = goal if place == len(item.calls) - 1 else target
                label = item.label if self.labelled and place == item.carrier else None
                self.lines.append(
                    Assign(into, applied(call, variable, label), self.note(item, call))
                )
                variable = into
            return variable
        if isinstance(item, FunctionCall):
            goal = self.goal(item.alias, target)
            return self.give(item, goal, self.use(item, variable), self.note(item))
        if isinstance(item, Merge):
            return self.merge(item, variable, target)
        if isinstance(item, Loop):
            return self.loop(item, variable, target)
        if isinstance(item, If):
            return self.condition(item, variable, target)
        if isinstance(item, FromTensor):
            return item.tensor.name
        if isinstance(item, NameTensor):
            return self.name(item.tensor, variable, target)
        if isinstance(item, Let):
            self.lines.append(Assign(item.variable.name, written(item.value, name(variable))))
            return variable
        assert isinstance(item, Output)
        goal = self.scope.take(item.name)
        if item.training:
            body = self.nested(item.body, variable, goal)
            self.in_training(_TRAINING, body)
            self.extra[item.name] = name(goal)
            return variable
        result = self.write(item.body, variable, goal)
        self.assign(goal, name(result))  # the tensor moves on, the output stays
        self.outputs[item.name] = name(goal)
        return variable

    def use(self, item: FunctionCall, variable: str) -> python.expr:
        """A call of a function of the module."""
        called = item.called
        function = name(called.name) if isinstance(called, Variable) else literal(called)
        x = name(variable)
        given = [x] if item.function.takes else []
        given += [name(tensor.name) for tensor in item.tensors]
        if item.function.shared:
            return calling(self.applier(item), *given)
        kwargs = {key.name: written(value, x) for key, value in item.kwargs}
        return calling(function, *given, *(written(arg, x) for arg in item.args), **kwargs)

    def applier(self, item: FunctionCall) -> python.expr:
        """What applies the layers that a function makes; where several calls have it in common it
        is made before the first of them."""
        kwargs = {key.name: written(value) for key, value in item.kwargs}
        code = calling(literal(item.called), *map(written, item.args), **kwargs)
        share = item.share
        if share is None:
            return code
        if share not in self.shared:
            self.shared[share] = self.scope.take(item.function.block)
            self.loops[share.depth].append(Assign(self.shared[share], code))
        return name(self.shared[share])

    def note(self, item: Any, call: CodeCall | None = None) -> str:
        return shape_note(item, call) if self.labelled else ""

    def fits(self, code: python.expr, before: str = "") -> bool:
        """Whether code fits a line, behind what stands before it."""
        return len(before + text(code)) + 4 * self.depth <= WIDTH

    def merge(self, item: Merge, variable: str, target: str, after: LayerCall | None = None) -> str:
        taken = set(self.scope.taken)
        results: list[python.expr] = []
        goal = self.goal(item.alias, target)
        inline = self.inline(item, variable)
        paths = certain(item.paths)
        for wanted, path in zip(path_names(item), paths):
            if not path:
                results.append(name(variable))
            elif len(path) == 1 and isinstance(path[0], FromTensor):
                results.append(name(path[0].tensor.name))
            elif inline:
                results.append(self.inlined(path, variable))
            else:
                results.append(name(self.write(path, variable, self.scope.take(wanted))))
        self.settle(taken)
        if len(paths) < len(item.paths):
            many = self.scope.take("branches")
            self.lines.append(Assign(many, python.List(results)))
            for each in item.paths[len(paths) :]:
                self.gather(each, variable, many)
            results = [python.Starred(name(many))]
        if len(results) == 1 and len(paths) == len(item.paths):
            self.assign(goal, results[0])
            return goal if after is None else self.item(after, goal, target)
        label = {"name": python.Constant(item.label)} if self.labelled and item.label else {}
        code = merged(item, results, **label)
        if after is not None:
            nested = python.Call(made(after.calls[0]), [code], [])
            if not self.fits(nested, f"{goal} = "):
                self.lines.append(Assign(goal, code, self.note(item)))
                return self.item(after, goal, target)
            code = nested
        self.lines.append(Assign(goal, code, self.note(item)))
        return goal

    def gather(self, path: Path, variable: str, many: str) -> None:
        """Add what comes of a path, or of several, to a list."""
        if isinstance(path, list):
            code = self.inlined(path, variable)
            if code is None:
                code = name(self.write(path, variable, self.scope.take(only(path) or "branch")))
            self.lines.append(Do(calling(f"{many}.append", code)))
            return
        bodies = [path.paths] if isinstance(path, PathLoop) else [*path.bodies, path.otherwise]
        outer, found = self.lines, []
        self.depth += 1
        for body in bodies:
            self.lines = []
            if isinstance(path, PathLoop):
                self.loops.append(self.lines)
            for each in body:
                self.gather(each, variable, many)
            found.append(self.lines)
        self.depth -= 1
        self.lines = outer
        x = name(variable)
        if isinstance(path, PathLoop):
            self.loops.pop()
            numbers = range_of(0, written(path.stop, x))
            counter = counter_of(path.counter, read_by_paths(path.paths))
            self.lines.append(For(counter, numbers, found[0]))
        else:
            tests = [written(test, x) for test in path.tests]
            self.lines.append(branch(tests, found[:-1], found[-1]))

    def inline(self, item: Merge, variable: str) -> bool:
        """Whether every path is an expression, and all of them fit a line: a sum of calls."""
        paths = certain(item.paths)
        if len(paths) < len(item.paths):
            return False
        if item.layer.op not in ("add", "mul") or set(path_names(item)) & {"main", "gate"}:
            return False
        parts = []
        for path in paths:
            code = self.inlined(path, variable) if path else name(variable)
            if code is None:
                return False
            parts.append(code)
        return self.fits(python.List(parts), "    ")

    def inlined(self, path: list[Item], variable: str) -> Any:
        """A path as an expression; None where it takes statements."""
        while path and isinstance(path[0], FromTensor):
            variable, path = path[0].tensor.name, path[1:]
        if not path:
            return name(variable)
        first = path[0]
        if len(path) > 1 or getattr(first, "alias", None) is not None:
            return None
        if isinstance(first, FunctionCall):
            return self.use(first, variable)
        if isinstance(first, LayerCall) and len(first.calls) == 1 and not first.label:
            return applied(first.calls[0], variable, None)
        return None

    def nested(
        self, items: list[Item], variable: str, target: str, *, loop: bool = False
    ) -> list[Statement]:
        """The statements of a body inside the function; the result goes to the target."""
        outer, self.lines = self.lines, []
        self.depth += 1
        if loop:
            self.loops.append(self.lines)
        self.assign(target, name(self.write(items, variable, target)))
        if loop:
            self.loops.pop()
        self.depth -= 1
        found, self.lines = self.lines, outer
        return found

    def loop(self, item: Loop, variable: str, target: str) -> str:
        self.assign(target, name(variable))
        # A name or a shape that holds for one turn need not hold for the next.
        labelled, self.labelled = self.labelled, False
        body = self.nested(item.body, target, target, loop=True)
        self.labelled = labelled
        if not body:
            return target  # nothing to do, however often
        last = body[-1]
        if labelled and item.steady and isinstance(last, Assign):
            note = shape_note(item)
            code = lines([last], self.depth + 1)
            if len(code) == 1 and len(code[0]) + len(note) <= WIDTH:
                body[-1] = last._replace(note=note)
        numbers = range_of(item.start, written(item.stop, name(variable)))
        self.lines.append(For(counter_of(item.counter, read_by(item.body)), numbers, body))
        return target

    def condition(self, item: If, variable: str, target: str) -> str:
        if not all((*item.bodies, item.otherwise)):
            self.assign(target, name(variable))
        tests = tuple(written(test, name(variable)) for test in item.tests)
        bodies = [self.nested(body, variable, target) if body else [] for body in item.bodies]
        otherwise = self.nested(item.otherwise, variable, target) if item.otherwise else []
        self.lines.append(branch(tests, bodies, otherwise))
        return target


def wraps(item: Item | None) -> bool:
    """Whether an item is a plain activation, which can stand around a merge."""
    if not isinstance(item, LayerCall) or item.label or len(item.calls) != 1:
        return False
    return item.layer.op in ACTIVATIONS and item.calls[0].style == "layer"


def applied(call: CodeCall, variable: str, label: str | None) -> python.expr:
    """A call applied to the tensor that a variable holds."""
    x = name(variable)
    if call.style == "layer":
        return python.Call(made(call, label, x), [x], [])
    if call.style == "function":
        return call_of(call, x, x=x)
    if call.style == "negative":
        return python.UnaryOp(python.USub(), x)
    args = [written(arg, x) for arg in call.args]
    assert isinstance(call.function, Symbol)
    if call.function.target == "every":
        steps = [python.Slice(None, None, step) for step in args]
        return python.Subscript(x, python.Tuple([python.Slice(), *steps]))
    return python.Subscript(x, python.Tuple([python.Constant(...), python.Slice(*args)]))
