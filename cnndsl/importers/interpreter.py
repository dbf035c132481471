"""An interpreter of the Python that builds networks: source is read as a tree, and never run.

Values are numbers, strings and containers of Python, and the classes of this module. What
cannot be known is an `Unknown`, which says where it arose; it goes on through all that is made
of it, and matters only where it flows into a network. Steps, sizes and depths are bounded.
"""

from __future__ import annotations

import ast
import math
import operator
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, NamedTuple, NoReturn

from cnndsl.diagnostics.message import NOTHING, Message
from cnndsl.importers.graph import Scope

MOST_STEPS = 300_000
"""The most steps of a text."""

MOST_OF_STATEMENT = 100_000
"""The most steps of one statement outside of all functions."""

MOST_CALLS = 50
"""The most calls within each other."""

MOST_ITEMS = 10_000
"""The most items of a container, letters of a string and bits of a number."""


Args = list[Any]
Kwargs = dict[str, Any]
"""The arguments of a call."""


class Place(NamedTuple):
    """A part of the source: a line, from 1, and a span of the text."""

    line: int
    span: tuple[int, int]


@dataclass(eq=False, slots=True)
class Unknown:
    """A value that cannot be known: why, and where that was."""

    reason: Message
    place: Place
    code: str = "E606"
    help: Message = NOTHING


def foreign(path: Library, place: Place) -> Unknown:
    """What a library makes, whose source is not read."""
    message = Message("`{name}` is not part of the source", name=path.path.lstrip("."))
    help_ = Message("to run it, import the module: `cnndsl import MODULE:NAME`")
    return Unknown(message, place, help=help_)


@dataclass(frozen=True, slots=True)
class Library:
    """A name of a library: `torch.nn.Conv2d`."""

    path: str

    @property
    def name(self) -> str:
        """The last part of the path."""
        return self.path.rpartition(".")[2]

    @property
    def root(self) -> str:
        """The first part of the path."""
        return self.path.partition(".")[0]


@dataclass(eq=False, slots=True)
class Class:
    """A class of the source."""

    name: str
    bases: tuple[Any, ...]
    attrs: dict[str, Any]
    node: ast.ClassDef | None = None


@dataclass(eq=False, slots=True)
class Function:
    """A function of the source: its names are looked up in `env`; `owner` is its class."""

    node: ast.FunctionDef | ast.Lambda
    env: Env
    defaults: dict[str, Any]
    kind: str = ""
    owner: Class | None = None

    @property
    def name(self) -> str:
        """Its name in the source."""
        return getattr(self.node, "name", "lambda")


@dataclass(eq=False, slots=True)
class Instance:
    """An object of a class of the source or of a library; `place` is where it was made."""

    cls: Class | Library
    place: Place
    attrs: dict[str, Any] = field(default_factory=dict)

    @property
    def native(self) -> Library | None:
        """The class of a library that it is one of."""
        return next((each for each in lineage(self.cls) if isinstance(each, Library)), None)


@dataclass(eq=False, slots=True)
class Bound:
    """A function with arguments given before: a method of an instance, or a `partial`."""

    function: Any
    args: tuple[Any, ...]
    kwargs: dict[str, Any] = field(default_factory=dict)


@dataclass(eq=False, slots=True)
class Super:
    """The classes above one, of an instance."""

    above: tuple[Any, ...]
    instance: Any


@dataclass(eq=False, slots=True)
class Native:
    """A function that is known here: it takes the arguments, the keywords and the node."""

    call: Callable[..., Any]


class World:
    """What a framework's names mean; a text may speak of several frameworks."""

    entry = "__call__"
    """The method that a call of an instance runs."""

    interpreter: Interpreter
    report: Callable[[Any], None]
    """Takes what stands in the way of the network that is being followed."""

    def needs(self, *values: Any) -> None:
        """Report the first unknown in values, and end what needs them."""
        unknown = unknown_in([*values])
        if unknown is not None:
            self.report(unknown)
            self.interpreter.check(unknown)

    def call(self, path: Library, args: Args, kwargs: Kwargs, place: Place) -> Any:
        """Call a function or a class."""

    def begin(self, instance: Instance, args: Args, kwargs: Kwargs) -> Any:
        """Run the `__init__` of the framework's class."""

    def run(self, instance: Instance, args: Args, kwargs: Kwargs, place: Place) -> Any:
        """Call an instance."""

    def above(self, instance: Instance, args: Args, kwargs: Kwargs) -> Any:
        """Run what a call of the framework's class runs, for `super().forward(x)`."""

    def attribute(self, value: Any, name: str) -> Any:
        """An attribute of an instance or a tensor; None for what it has not."""

    def operate(self, function: str, args: Args, place: Place) -> Any:
        """An operator of tensors, by its name in `operator`."""

    def item(self, value: Any, key: Any, place: Place) -> Any:
        """A part of an instance or of a tensor."""

    def items(self, value: Any) -> Sequence[Any] | None:
        """What a loop over an instance or a tensor goes through."""

    def changed(self, tensor: Any, value: Any, place: Place) -> Any:
        """What a name of a tensor means behind a change in place, which gives a value."""
        return value

    def assigned(self, instance: Instance, name: str, value: Any) -> Any:
        """What an attribute of an instance is, once a value is assigned to it."""
        return value

    def unchanged(self, instance: Instance, harmless: frozenset[str]) -> None:
        """Report the methods, but for some, that a class of the text puts into a library's."""
        entries = {"__call__", "__getattr__", "__getattribute__", "_call_impl"}
        found = {key: each for key, each in instance.attrs.items() if key == self.entry}
        for cls in lineage(instance.cls):
            for name, value in cls.attrs.items() if isinstance(cls, Class) else ():
                if name in entries or (harmless and name not in harmless):
                    found.setdefault(name, value)
        for name, value in found.items():
            if isinstance(value, (Function, Bound, Native, Unknown)):
                node = value.node if isinstance(value, Function) else instance.place
                text = Message(
                    "`{layer}` has a `{name}` of its own, which is not followed",
                    layer=instance.cls.name,
                    name=name,
                )
                self.needs(self.interpreter.unknown(text, node))


class Tensor:
    """A value of a network, of a world; the worlds have their own."""

    world: World


class Env:
    """The names of a function, of a class or of the text."""

    __slots__ = ("names", "outer", "parent", "yielded")

    def __init__(self, parent: Env | None = None) -> None:
        self.parent = parent
        self.names: dict[str, Any] = {}
        self.outer: set[str] = set()
        self.yielded: list[Any] | None = None

    def find(self, name: str) -> Env | None:
        """The scope that has a name."""
        env: Env | None = self
        while env is not None and name not in env.names:
            env = env.parent
        return env

    def assign(self, name: str, value: Any) -> None:
        """Give a name its value, in the scope that it is of."""
        env = (self.parent and self.parent.find(name)) if name in self.outer else self
        (env or self).names[name] = value


class _Return(Exception):
    pass


class _Break(Exception):
    pass


class _Continue(Exception):
    pass


class _Raised(Exception):
    """A `raise` of the source, at a place."""


class _Exhausted(Exception):
    """More than may be followed, at a place."""


class _Stopped(Exception):
    """An unknown in the way: what is worked out is that unknown."""


ENDS = (_Exhausted, _Stopped, RecursionError)
"""What ends the following of a call from outside; `Interpreter.too_far` says what it was."""

_OPERATORS = {
    "Add": "add", "Sub": "sub", "Mult": "mul", "Div": "truediv", "FloorDiv": "floordiv",
    "Mod": "mod", "Pow": "pow", "MatMult": "matmul", "BitOr": "or_", "BitAnd": "and_",
    "BitXor": "xor", "LShift": "lshift", "RShift": "rshift", "USub": "neg", "UAdd": "pos",
    "Invert": "invert", "Eq": "eq", "NotEq": "ne", "Lt": "lt", "LtE": "le", "Gt": "gt",
    "GtE": "ge",
}  # fmt: skip
_TYPES: dict[str, Any] = {
    "int": int, "float": float, "str": str, "bool": bool, "list": list, "tuple": tuple,
    "dict": dict, "set": set, "object": object, "slice": slice,
}  # fmt: skip
_METHODS: dict[type, str] = {
    list: "append extend insert pop index count copy reverse remove clear",
    dict: "items keys values get update pop setdefault copy",
    set: "add discard union update copy",
    tuple: "index count",
    str: "lower upper strip lstrip rstrip split startswith endswith replace join format title "
    "capitalize isdigit count find",
    int: "bit_length",
    float: "is_integer",
}
_PLAIN = (int, float, complex, str, bytes, bool, type(None), type(Ellipsis))
_PURE: dict[str, Callable[..., Any]] = {
    "int": int, "float": float, "str": str, "bool": bool, "len": len, "abs": abs,
    "round": round, "divmod": divmod, "repr": repr, "max": max, "min": min, "sorted": sorted,
    "range": range, "slice": slice, "any": any, "all": all,
}  # fmt: skip
_SEQUENCES: dict[str, Callable[..., Any]] = {
    "list": list, "tuple": tuple, "set": set, "frozenset": set, "iter": list,
    "enumerate": lambda *args, **kwargs: [*enumerate(*args, **kwargs)],
    "zip": lambda *args, **kwargs: [*zip(*args, **kwargs)],
    "reversed": lambda items: [*reversed(items)],
}  # fmt: skip
_OTHERS = (
    "dict map filter sum isinstance issubclass getattr setattr hasattr type print super "
    "staticmethod classmethod property next callable object pow vars id"
).split()
_MATH = frozenset("ceil floor trunc fabs sqrt log log2 log10 exp pow prod gcd cos sin".split())
_FAILURES = (ArithmeticError, LookupError, TypeError, ValueError, AttributeError)
_BAGS = frozenset("Namespace SimpleNamespace EasyDict AttrDict".split())
"""Classes of libraries whose objects have the attributes that they are given."""
_HOLLOW = frozenset("__init__ call forward f fn func inner wrapper layer block apply".split())
"""Functions whose name tells nothing of what they make."""
_GROW = frozenset("append extend insert add add_module".split())
_KINDS = {"staticmethod": "static", "classmethod": "class", "property": "property"}


def giving(value: Any) -> Native:
    """A function that gives a value, whatever it is given."""
    return Native(lambda args, kwargs, node: value)


def lineage(cls: Any) -> Iterator[Any]:
    """A class and those above it, as a method is looked for; what several have comes last."""
    found: dict[int, Any] = {}

    def visit(each: Any) -> None:
        found.pop(id(each), None)
        found[id(each)] = each
        for base in each.bases if isinstance(each, Class) else ():
            visit(base)

    visit(cls)
    return iter(found.values())


def parts_of(value: Any) -> Iterator[Any]:
    """A value and all within its containers, in their order; no more than the most items."""
    left, seen = [value], 0
    while left and seen <= MOST_ITEMS:
        seen += 1
        each = left.pop()
        yield each
        if isinstance(each, (list, tuple, set)):
            left.extend(reversed([*each]))
        elif isinstance(each, dict):
            left.extend(reversed([*each.values()]))


def unknown_in(value: Any) -> Unknown | None:
    """The first unknown in a value, within containers too."""
    return next((each for each in parts_of(value) if isinstance(each, Unknown)), None)


class Interpreter:
    """Follows a text, statement by statement.

    `worlds` says what the names of a library mean, by their first part; `implied` gives what a
    name means that the text does not define.
    """

    def __init__(
        self,
        worlds: Mapping[str, World],
        implied: Callable[[str], Library | None],
        place: Callable[[ast.AST], Place],
    ) -> None:
        self.worlds, self.implied, self._place = worlds, implied, place
        self.globals = Env()
        self.globals.names["__name__"] = "__main__"
        self.steps, self.limit, self.depth, self.calls = 0, MOST_STEPS, 0, 0
        self.scopes: list[Scope] = []  # the functions and parts of the text that are followed
        self.patches: list[Unknown] = []  # changes of a framework itself
        self.making = 0  # how many instances of classes are being made
        self.node: ast.AST = ast.Pass(lineno=1, col_offset=0, end_lineno=1, end_col_offset=0)
        names = (*_PURE, *_SEQUENCES, *_OTHERS)
        self.builtins = {name: Native(self._builtin(name)) for name in names}

    # The whole

    def statement(self, node: ast.stmt) -> None:
        """Follow a statement of the text; what goes too far leaves its names unknown."""
        self.limit = min(MOST_STEPS, self.steps + MOST_OF_STATEMENT)
        try:
            self.execute([node], self.globals)
        except (*ENDS, _Raised, _Break, _Continue, _Return) as error:
            self.limit, self.depth = self.steps + MOST_OF_STATEMENT, 0
            self.taint([node], self.globals, self.too_far(error, node))

    def attempt(self, function: Any, args: Args, kwargs: Kwargs, node: ast.AST) -> Any:
        """Call a value with all steps before it."""
        self.steps, self.depth = 0, 0
        try:
            return self.call(function, args, kwargs, node)
        except ENDS as error:
            return self.too_far(error, node)

    def too_far(self, error: Exception, node: ast.AST) -> Unknown:
        """What is not followed to its end."""
        if isinstance(error, _Stopped):
            found: Unknown = error.args[0]
            return found
        message = Message("this goes on for too long to be followed")
        if isinstance(error, _Raised):
            message = Message("the source raises an error here")
        elif isinstance(error, RecursionError):
            message = Message("this is nested too deeply to be followed")
        placed = isinstance(error, (_Raised, _Exhausted))
        return Unknown(message, error.args[0] if placed else self.place(node))

    def place(self, node: ast.AST | Place | None = None) -> Place:
        """Where a node stands, or the call that is being followed."""
        return node if isinstance(node, Place) else self._place(node or self.node)

    def unknown(
        self, reason: Message, node: ast.AST | Place | None = None, code: str = "E606"
    ) -> Unknown:
        """A value that cannot be known, at a node."""
        return Unknown(reason, self.place(node), code)

    def unfollowed(self, node: ast.AST | Place | None = None) -> Unknown:
        """Something that is not followed."""
        return self.unknown(Message("this is not followed"), node)

    def stop(
        self, node: ast.AST | Place, reason: Message | None = None, code: str = "E606"
    ) -> NoReturn:
        """End what is being worked out: it is unknown."""
        raise _Stopped(self.unknown(reason or Message("this is not followed"), node, code))

    def check(self, *values: Any) -> None:
        """End what is being worked out where a value is unknown."""
        for each in values:
            if isinstance(each, Unknown):
                raise _Stopped(each)

    def tick(self, steps: int = 1) -> None:
        """Count steps."""
        self.steps += steps
        if self.steps > self.limit:
            raise _Exhausted(self.place())

    # Statements

    def execute(self, body: Sequence[ast.stmt], env: Env) -> None:
        """Follow statements."""
        for node in body:
            self.node = node
            self.tick()
            try:
                self.follow(node, env)
            except _Stopped as stopped:
                self.taint([node], env, stopped.args[0])

    def follow(self, node: ast.stmt, env: Env) -> None:
        """Follow a statement; raises what ends it, be it of the source or not."""
        match node:
            case ast.Expr(ast.Yield(value)) if env.yielded is not None:
                env.yielded.append(value and self.value(value, env))
            case ast.Expr(ast.YieldFrom(value)) if env.yielded is not None:
                env.yielded.extend(self.spread(self.value(value, env), node))
            case ast.Expr(value):
                self.value(value, env)
            case ast.Assign(targets, expression):
                value = self.value(expression, env)
                for target in targets:
                    self.assign(target, value, env)
            case ast.AnnAssign():
                if node.value is not None:
                    self.assign(node.target, self.value(node.value, env), env)
            case ast.AugAssign():
                self.assign(node.target, self.augmented(node, env), env)
            case ast.Return(value):
                raise _Return(value and self.value(value, env))
            case ast.If(test, then, otherwise):
                self.execute(then if self.truth(self.value(test, env), test) else otherwise, env)
            case ast.For(target, iterated, inner, otherwise):
                for item in self.items(self.value(iterated, env), iterated):
                    self.tick()
                    self.assign(target, item, env)
                    if self._breaks(inner, env):
                        return
                self.execute(otherwise, env)
            case ast.While(test, inner, otherwise):
                while self.truth(self.value(test, env), test):
                    self.tick()
                    if self._breaks(inner, env):
                        return
                self.execute(otherwise, env)
            case ast.Try(inner, handlers, otherwise, finalbody):
                try:
                    self.execute(inner, env)
                except _Raised:
                    if not handlers:
                        raise
                    self.execute(handlers[0].body, env)
                else:
                    self.execute(otherwise, env)
                finally:
                    self.execute(finalbody, env)
            case ast.With(items, inner):
                for each in items:
                    value = self.value(each.context_expr, env)
                    if each.optional_vars is not None:
                        self.assign(each.optional_vars, value, env)
                self.execute(inner, env)
            case ast.Raise():
                raise _Raised(self.place(node))
            case ast.Break():
                raise _Break
            case ast.Continue():
                raise _Continue
            case ast.Pass() | ast.Assert():
                pass
            case ast.Global(names) | ast.Nonlocal(names):
                env.outer.update(names)
            case ast.Delete(targets):
                for target in targets:
                    self.delete(target, env)
            case ast.Import(aliases):
                for alias in aliases:
                    path = alias.name if alias.asname else alias.name.partition(".")[0]
                    env.assign(alias.asname or path, Library(canonical(path)))
            case ast.ImportFrom(module, aliases, level):
                for alias in aliases:
                    path = f"{'.' * level}{module or ''}.{alias.name}"
                    env.assign(alias.asname or alias.name, Library(canonical(path)))
            case ast.FunctionDef():
                self.define(node, env)
            case ast.ClassDef():
                self.define_class(node, env)
            case _:
                self.stop(node)

    def _breaks(self, body: Sequence[ast.stmt], env: Env) -> bool:
        """Follow a loop's body once; give whether it ends the loop."""
        try:
            self.execute(body, env)
        except _Break:
            return True
        except _Continue:
            pass
        return False

    def augmented(self, node: ast.AugAssign, env: Env) -> Any:
        """The value of `target += expression`, and the like."""
        old, new = self.value(node.target, env), self.value(node.value, env)
        if isinstance(old, list) and isinstance(node.op, ast.Add):
            old.extend(self.spread(new, node))
            self.tick(len(old) // 8)
            return old
        if isinstance(old, Instance) and isinstance(node.op, ast.Add) and self.world(old):
            self.check(self.call(self.attribute(old, "extend", node), [new], {}, node))
            return old
        try:
            value = self.binary(_OPERATORS[type(node.op).__name__], old, new, node)
        except _Stopped as stopped:
            return stopped.args[0]
        if isinstance(old, Tensor) and not isinstance(node.op, ast.MatMult):
            return old.world.changed(old, value, self.place(node))
        return value

    def patch(self, owner: Library, name: str, value: Any, node: ast.AST) -> None:
        """Keep that a name of a framework gets another meaning; settings are no such."""
        settings = isinstance(value, _PLAIN) or ".backends" in owner.path
        if owner.root in self.worlds and not settings:
            path = f"{owner.path}.{name}"
            text = Message("`{name}` is given another meaning here", name=path)
            self.patches.append(self.unknown(text, node))

    def delete(self, target: ast.expr, env: Env) -> None:
        """Follow `del`."""
        owner = self.value(target.value, env) if isinstance(target, ast.Attribute) else None
        if isinstance(target, ast.Name):
            env.names.pop(target.id, None)
        elif isinstance(target, ast.Attribute) and isinstance(owner, Instance):
            owner.attrs.pop(target.attr, None)
        else:
            self.assign(target, self.unfollowed(target), env)

    def define(self, node: ast.FunctionDef, env: Env) -> None:
        """Follow a function's definition."""
        value: Any = self.function(node, env)
        for each in reversed(node.decorator_list):
            decorator = self.value(each, env)
            name = decorator.name if isinstance(decorator, Library) else ""
            if isinstance(decorator, Native):
                name = next((key for key in _KINDS if self.builtins[key] is decorator), "")
            if name in _KINDS and isinstance(value, Function):
                value.kind = _KINDS[name]
            elif isinstance(decorator, (Function, Bound)):  # those of others change nothing
                value = self.call(decorator, [value], {}, each)
        env.assign(node.name, value)

    def define_class(self, node: ast.ClassDef, env: Env) -> None:
        """Follow a class's definition."""
        inner = Env(env)
        bases = tuple(self.value(base, env) for base in node.bases)
        cls = Class(node.name, bases, inner.names, node)
        tupled = any(isinstance(base, Library) and base.name == "NamedTuple" for base in bases)
        if node.decorator_list or tupled:
            targets = [each.target for each in node.body if isinstance(each, ast.AnnAssign)]
            inner.names["__fields__"] = [each.id for each in targets if isinstance(each, ast.Name)]
        self.execute(node.body, inner)
        for value in inner.names.values():
            if isinstance(value, Function) and value.owner is None:
                value.owner = cls
        env.assign(node.name, cls)

    def function(self, node: ast.FunctionDef | ast.Lambda, env: Env) -> Function:
        """A function of the source, with its defaults worked out."""
        arguments = node.args
        names = [*arguments.posonlyargs, *arguments.args][::-1]
        given = [*zip(names, reversed(arguments.defaults))]
        given += zip(arguments.kwonlyargs, arguments.kw_defaults)  # type: ignore[arg-type]
        defaults = {each.arg: self.value(default, env) for each, default in given if default}
        return Function(node, env, defaults)

    def assign(self, target: ast.expr, value: Any, env: Env) -> None:
        """Bind what stands left of `=`."""
        if isinstance(target, ast.Name):
            env.assign(target.id, value)
        elif isinstance(target, ast.Starred):
            self.assign(target.value, value, env)
        elif isinstance(target, ast.Attribute):
            owner = self.value(target.value, env)
            if isinstance(owner, (Instance, Class)):
                if isinstance(owner, Instance) and (world := self.world(owner)):
                    value = world.assigned(owner, target.attr, value)
                owner.attrs[target.attr] = value
            elif isinstance(owner, Library):
                self.patch(owner, target.attr, value, target)
            elif isinstance(owner, Tensor) and target.attr == "data":
                owner.world.changed(owner, None, self.place(target))
        elif isinstance(target, ast.Subscript):
            owner, key = self.value(target.value, env), self.value(target.slice, env)
            if isinstance(owner, (list, dict)):
                with suppress(TypeError, IndexError, ValueError):
                    owner[key] = value
            elif isinstance(owner, Instance):
                before_end = isinstance(key, int) and key < 0
                place = len(self.items(owner, target)) + key if before_end else key
                owner.attrs[str(place)] = value
            elif isinstance(owner, Tensor):
                owner.world.changed(owner, None, self.place(target))
        elif isinstance(target, (ast.Tuple, ast.List)):
            for each, item in zip(target.elts, self.unpacked(target, value)):
                self.assign(each, item, env)

    def unpacked(self, target: ast.Tuple | ast.List, value: Any) -> list[Any]:
        """The values of the names left of `=`: each the same unknown where there is one."""
        places = target.elts
        stars = [at for at, each in enumerate(places) if isinstance(each, ast.Starred)]
        try:
            items = [*self.items(value, target)]
            more = len(items) - len(places) + 1  # of the name with a star
            if more < 0 or (not stars and more != 1):
                self.stop(target, Message("the numbers of names and values differ"))
        except _Stopped as stopped:
            return [stopped.args[0]] * len(places)
        for at in stars:
            items[at : at + more] = [items[at : at + more]]
        return items

    def taint(self, body: Sequence[ast.AST], env: Env, why: Unknown) -> None:
        """Make unknown what statements bind that cannot be followed."""
        left: list[ast.AST] = list(reversed(body))
        returns = False
        while left:
            node = left.pop()
            self.steps += 1
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
                env.assign(node.name, why)
                continue
            if isinstance(node, ast.Lambda):
                continue
            if isinstance(node, (ast.Name, ast.Attribute)) and isinstance(node.ctx, ast.Store):
                self.assign(node, why, env)
            called = node.func if isinstance(node, ast.Call) else None
            if isinstance(called, ast.Attribute) and called.attr in _GROW:
                owner = self.value(called.value, env)
                if isinstance(owner, list):
                    owner.append(why)
                elif isinstance(owner, Instance):
                    owner.attrs.setdefault("?layers", []).append(why)
            returns |= isinstance(node, ast.Return)
            left.extend(reversed([*ast.iter_child_nodes(node)]))
        if returns and env is not self.globals:
            raise _Return(why)

    # Expressions

    def value(self, node: ast.expr, env: Env) -> Any:
        """The value of an expression."""
        self.tick()
        try:
            return self.evaluate(node, env)
        except _Stopped as stopped:
            return stopped.args[0]

    def evaluate(self, node: ast.expr, env: Env) -> Any:
        """The value of an expression; raises what is in its way."""
        match node:
            case ast.Constant(value):
                return value
            case ast.Name(name):
                return self.named(name, env, node)
            case ast.Attribute(owner, name):
                return self.attribute(self.value(owner, env), name, node)
            case ast.Call():
                return self.called(node, env)
            case ast.Tuple(parts):
                return tuple(self.parts(parts, env))
            case ast.List(parts):
                return self.parts(parts, env)
            case ast.Subscript():
                return self.item(node, env)
            case ast.BinOp(left, op, right):
                name = _OPERATORS[type(op).__name__]
                return self.binary(name, self.value(left, env), self.value(right, env), node)
            case ast.Compare(left, ops, others):
                value = self.value(left, env)
                for compare, other in zip(ops, others):
                    before, value = value, self.value(other, env)
                    if self.compared(type(compare).__name__, before, value, node) is not True:
                        return False
                return True
            case ast.IfExp(test, then, otherwise):
                known = self.truth(self.value(test, env), test)
                return self.value(then if known else otherwise, env)
            case ast.BoolOp(op, parts):
                for part in parts:
                    value = self.value(part, env)
                    if self.truth(value, part) is isinstance(op, ast.Or):
                        break
                return value
            case ast.UnaryOp(ast.Not(), operand):
                return not self.truth(self.value(operand, env), node)
            case ast.UnaryOp(op, operand):
                value, name = self.value(operand, env), _OPERATORS[type(op).__name__]
                if isinstance(value, Tensor):
                    return value.world.operate(name, [value], self.place(node))
                return self.guarded(getattr(operator, name), [value], {}, node)
            case ast.Dict(keys, values):
                pairs: list[Any] = []
                for said, part in zip(keys, values):
                    value = self.value(part, env)
                    if said is None:
                        pairs += self.dictionary(value, node).items()
                    else:
                        pairs.append((self.value(said, env), value))
                return self.dictionary(pairs, node)
            case ast.ListComp(part, generators) | ast.GeneratorExp(part, generators):
                return self.comprehended([part], generators, Env(env))
            case ast.DictComp(key, part, generators):
                return self.dictionary(self.comprehended([key, part], generators, Env(env)), node)
            case ast.SetComp(part, generators):
                return self.guarded(
                    set, [self.comprehended([part], generators, Env(env))], {}, node
                )
            case ast.Set(parts):
                return self.guarded(set, [self.parts(parts, env)], {}, node)
            case ast.Lambda():
                return self.function(node, env)
            case ast.Slice(lower, upper, step):
                ends = [each and self.value(each, env) for each in (lower, upper, step)]
                self.check(*ends)
                return slice(*ends)
            case ast.JoinedStr(parts):
                return self.guarded("".join, [self.parts(parts, env)], {}, node)
            case ast.FormattedValue(part, _, form):
                shown = self.value(form, env) if form else ""
                if re.search(r"\d{4}", str(shown)):
                    self.stop(node)
                return self.guarded(format, [self.value(part, env), shown], {}, node)
            case ast.NamedExpr(target, part):
                value = self.value(part, env)
                self.assign(target, value, env)
                return value
        return self.unfollowed(node)

    def named(self, name: str, env: Env, node: ast.AST) -> Any:
        """The value of a name."""
        found = env.find(name)
        if found is not None:
            return found.names[name]
        value = self.builtins.get(name) or self.implied(name)
        if value is None:
            self.stop(node, Message("`{name}` is not defined in the source", name=name))
        return value

    def compared(self, op: str, left: Any, right: Any, node: ast.AST) -> Any:
        """One comparison."""
        self.check(left, right)
        nothing = left is None or right is None
        if op in ("Is", "IsNot") or (nothing and op in ("Eq", "NotEq")):
            same = left == right if isinstance(left, Library) else left is right
            return same is (op in ("Is", "Eq"))
        if isinstance(left, Tensor) or isinstance(right, Tensor):
            self.branches(node)
        if op in ("In", "NotIn"):
            if isinstance(right, Instance):
                found: Any = str(left) in right.attrs
            else:
                found = self.guarded(operator.contains, [right, left], {}, node)
            return found is (op == "In")
        return self.guarded(getattr(operator, _OPERATORS[op]), [left, right], {}, node)

    def called(self, node: ast.Call, env: Env) -> Any:
        """What a call gives."""
        function = self.value(node.func, env)
        args, kwargs = self.parts(node.args, env), {}
        for keyword in node.keywords:
            value = self.value(keyword.value, env)
            if keyword.arg is not None:
                kwargs[keyword.arg] = value
            elif isinstance(value, dict):
                kwargs.update((str(key), each) for key, each in value.items())
            else:
                kwargs["**"] = value if isinstance(value, Unknown) else self.unfollowed(node)
        if function is self.builtins["super"] and not args:
            inner = env.find("__owner__")
            if inner is None:
                self.stop(node)
            args = [inner.names["__owner__"], inner.names["__self__"]]
        return self.call(function, args, kwargs, node)

    def item(self, node: ast.Subscript, env: Env) -> Any:
        """`owner[key]`."""
        owner = self.value(node.value, env)
        if isinstance(owner, Library):
            return owner  # an annotation: `List[int]`
        key = self.value(node.slice, env)
        self.check(owner, unknown_in(key))
        if isinstance(owner, Tensor):
            return owner.world.item(owner, key, self.place(node))
        if isinstance(owner, Instance):
            world, fields = self.world(owner), self.fields(owner)
            if isinstance(key, int) and -len(fields) <= key < len(fields):
                return owner.attrs.get(fields[key])
            return world.item(owner, key, self.place(node)) if world else self.unfollowed(node)
        return self.guarded(operator.getitem, [owner, key], {}, node, deep=False)

    def comprehended(
        self, made: Sequence[ast.expr], generators: Sequence[ast.comprehension], env: Env
    ) -> list[Any]:
        """The list that a comprehension gives, of values or of pairs."""
        if not generators:
            values = self.parts(made, env)
            return [tuple(values) if len(made) > 1 else values[0]]
        first, *rest = generators
        result: list[Any] = []
        for item in self.items(self.value(first.iter, env), first.iter):
            self.tick()
            self.assign(first.target, item, env)
            if all(self.truth(self.value(each, env), each) for each in first.ifs):
                result += self.comprehended(made, rest, env)
        return result

    def parts(self, nodes: Sequence[ast.expr], env: Env) -> list[Any]:
        """The items of a list or a tuple, and the arguments of a call."""
        result: list[Any] = []
        for each in nodes:
            if isinstance(each, ast.Starred):
                result.extend(self.spread(self.value(each.value, env), each))
            else:
                result.append(self.value(each, env))
        return result

    # Operations

    def branches(self, node: ast.AST | Place) -> NoReturn:
        """End what depends on the values of a tensor."""
        self.stop(node, Message("this depends on the values of a tensor"), "E603")

    def truth(self, value: Any, node: ast.AST) -> bool:
        """Whether a value counts as true."""
        self.check(value)
        if isinstance(value, Tensor):
            self.branches(node)
        if isinstance(value, Instance):
            world = self.world(value)
            items = world.items(value) if world else None
            return True if items is None else bool(items)
        return bool(value)

    def hashable(self, value: Any) -> bool:
        """Whether a value is a key of a dict, and a small one."""
        if isinstance(value, tuple):
            return len(value) < 20 and all(isinstance(each, _PLAIN) for each in value)
        return not isinstance(value, (Unknown, list, dict, set, slice))

    def dictionary(self, value: Any, node: ast.AST) -> dict[Any, Any]:
        """A dict of a dict, or of pairs of keys and values."""
        if isinstance(value, dict):
            return {**value}
        pairs = self.items(value, node)
        for pair in pairs:
            if not isinstance(pair, (tuple, list)) or len(pair) != 2:
                self.stop(node)
            self.check(pair[0])
            if not self.hashable(pair[0]):
                self.stop(node)
        return dict(pairs)

    def binary(self, name: str, left: Any, right: Any, node: ast.AST) -> Any:
        """`left + right`, and the like."""
        self.check(left, right)
        for each in (left, right):
            if isinstance(each, Tensor):
                return each.world.operate(name, [left, right], self.place(node))
        size = 0
        if isinstance(left, int) and isinstance(right, int):
            size = {"pow": abs(right) * left.bit_length(), "lshift": abs(right)}.get(name, 0)
        elif name == "mul":
            sized, times = (left, right) if isinstance(right, int) else (right, left)
            if isinstance(times, int) and isinstance(sized, (list, tuple, str, bytes)):
                size = len(sized) * times
        if size > MOST_ITEMS:
            self.too_large(node)
        if name == "mod" and isinstance(left, str) and re.search(r"\d{4}|\*", left):
            self.stop(node)
        shallow = name in ("add", "mul") and isinstance(left, (list, tuple))
        return self.guarded(getattr(operator, name), [left, right], {}, node, deep=not shallow)

    def guarded(
        self,
        function: Callable[..., Any],
        args: Args,
        kwargs: Kwargs,
        node: ast.AST,
        deep: bool = True,
    ) -> Any:
        """What a function of Python gives of values that are known and small.

        With `deep` it looks into containers.
        """
        given = [*args, *kwargs.values()]
        self.check(*given)
        for each in given if deep else ():
            count = 0
            for part in parts_of(each):
                self.check(part)
                count += 1
            self.tick(count // 8)
            if count > MOST_ITEMS:
                self.too_large(node)
        return self.done(function, args, kwargs, node)

    def done(self, function: Callable[..., Any], args: Args, kwargs: Kwargs, node: ast.AST) -> Any:
        """What a function of Python gives, if it does and that is not too large."""
        try:
            value = function(*args, **kwargs)
        except _FAILURES as error:
            words = str(error).splitlines()[:1] or [""]
            self.stop(node, Message("this fails: {error}", error=words[0][:80]))
        large = isinstance(value, int) and value.bit_length() > MOST_ITEMS
        if isinstance(value, (str, bytes, list, tuple, dict, set)):
            large = len(value) > MOST_ITEMS
            self.tick(len(value) // 8)
        elif isinstance(value, range):
            large = max(abs(value.start), abs(value.stop)) > 1 << 40
        if large:
            self.too_large(node)
        return value

    def too_large(self, node: ast.AST) -> NoReturn:
        """End what has more items or digits than are followed."""
        self.stop(node, Message("this is too large to be followed"))

    def items(self, value: Any, node: ast.AST) -> Sequence[Any]:
        """What a loop over a value goes through."""
        self.check(value)
        items: Sequence[Any] | None = value if isinstance(value, range) else None
        if isinstance(value, (list, tuple, str, dict, set)):
            self.tick(len(value) // 8)
            items = [*value]
        elif isinstance(value, Instance):
            world, fields = self.world(value), self.fields(value)
            items = world.items(value) if world else None
            if fields:
                items = [value.attrs.get(each) for each in fields]
        elif isinstance(value, Tensor):
            items = value.world.items(value)
            if items is None:
                self.stop(node, Message("a loop over a tensor is not followed"))
        if items is None:
            self.stop(node)
        return items

    def spread(self, value: Any, node: ast.AST) -> Sequence[Any]:
        """The items of a value among others; what has none that are known is one unknown."""
        try:
            items = self.items(value, node)
        except _Stopped as stopped:
            return [stopped.args[0]]
        self.tick(min(len(items), MOST_STEPS) if isinstance(items, range) else 0)
        return items

    def fields(self, instance: Instance) -> list[str]:
        """The fields of a dataclass or a named tuple, in their order."""
        classes = [each for each in lineage(instance.cls) if isinstance(each, Class)]
        found = [name for cls in reversed(classes) for name in cls.attrs.get("__fields__", ())]
        return [*dict.fromkeys(found)]

    def world(self, instance: Instance) -> World | None:
        """The framework that an instance is of."""
        native = instance.native
        return self.worlds.get(native.root) if native is not None else None

    # Attributes and calls

    def attribute(self, owner: Any, name: str, node: ast.AST) -> Any:
        """`owner.name`."""
        self.check(owner)
        if isinstance(owner, Library):
            return Library(canonical(f"{owner.path}.{name}"))
        if isinstance(owner, Instance):
            if name in owner.attrs:
                return owner.attrs[name]
            if name == "__class__":
                return owner.cls
            return self.method(lineage(owner.cls), owner, name, node)
        if isinstance(owner, Super):
            return self.method(owner.above, owner.instance, name, node)
        if isinstance(owner, Class):
            for cls in lineage(owner):
                if isinstance(cls, Class) and name in cls.attrs:
                    value = cls.attrs[name]
                    bound = isinstance(value, Function) and value.kind == "class"
                    return Bound(value, (owner,)) if bound else value
                if isinstance(cls, Library):
                    return Library(f"{cls.path}.{name}")
        if isinstance(owner, (Class, Function)) and name == "__name__":
            return owner.name
        found = owner.world.attribute(owner, name) if isinstance(owner, Tensor) else None
        if found is not None:
            return found
        if name in _METHODS.get(type(owner), "").split():
            return Native(lambda args, kwargs, at: self.own_method(owner, name, args, kwargs, at))
        self.stop(node, Message("nothing is known of `{name}`", name=name))

    def method(
        self, classes: Iterator[Any] | Sequence[Any], owner: Any, name: str, node: Any
    ) -> Any:
        """An attribute of the classes of an instance."""
        for cls in classes:
            self.check(cls)
            if isinstance(cls, Class) and name in cls.attrs:
                value = cls.attrs[name]
                if not isinstance(value, Function) or value.kind == "static":
                    return value
                bound = Bound(value, (owner.cls if value.kind == "class" else owner,))
                return self.call(bound, [], {}, node) if value.kind == "property" else bound
            if not isinstance(owner, Instance):
                continue
            if name == "__init__" and isinstance(cls, Class) and "__fields__" in cls.attrs:
                return Native(lambda args, kwargs, at: self.fill(owner, args, kwargs, at))
            found = self.inherited(cls, owner, name) if isinstance(cls, Library) else None
            if found is not None:
                return found
        if name != "__init__":
            self.stop(node, Message("nothing is known of `{name}`", name=name))
        return giving(None)

    def inherited(self, cls: Library, owner: Instance, name: str) -> Any:
        """An attribute that an instance has of a library's class, or None."""
        world = self.worlds.get(cls.root)
        if world is None:
            return None
        if name == "__init__":
            return Native(lambda args, kwargs, at: world.begin(owner, args, kwargs))
        if name in (world.entry, "__call__"):
            return Native(lambda args, kwargs, at: world.above(owner, args, kwargs))
        return world.attribute(owner, name)

    def lookup(self, cls: Any, name: str) -> Any:
        """A function of the source that a class has under a name, or None."""
        classes = (each for each in lineage(cls) if isinstance(each, Class))
        return next((each.attrs[name] for each in classes if name in each.attrs), None)

    def call(self, function: Any, args: Args, kwargs: Kwargs, node: ast.AST) -> Any:
        """Call a value."""
        before, self.node = self.node, node
        self.depth += 1
        try:
            self.tick()
            if self.depth > MOST_CALLS:
                raise _Exhausted(self.place(node))
            return self._call_value(function, args, kwargs, node)
        except _Stopped as stopped:
            return stopped.args[0]
        finally:
            self.node = before
            self.depth -= 1

    def _call_value(self, function: Any, args: Args, kwargs: Kwargs, node: Any) -> Any:
        self.check(function)
        if isinstance(function, Native):
            return function.call(args, kwargs, node)
        if isinstance(function, Bound):
            given = {**function.kwargs, **kwargs}
            return self.call(function.function, [*function.args, *args], given, node)
        if isinstance(function, Function):
            return self.enter(function, args, kwargs, node)
        if isinstance(function, Class):
            return self.make(function, args, kwargs, node)
        if isinstance(function, Library):
            world = self.worlds.get(function.root)
            if world is not None:
                return world.call(function, args, kwargs, self.place(node))
            return self.call_library(function, args, kwargs, node)
        if isinstance(function, Instance):
            world = self.world(function)
            if world is not None:
                return world.run(function, args, kwargs, self.place(node))
            method = self.lookup(function.cls, "__call__")
            if method is not None:
                return self.call(Bound(method, (function,)), args, kwargs, node)
        return self.unfollowed(node)

    def call_library(self, function: Library, args: Args, kwargs: Kwargs, node: ast.AST) -> Any:
        """Call a name of Python's own library, or of one that is no framework."""
        name, root = function.name, function.root
        if root in ("math", "numpy") and name in _MATH:
            return self.guarded(getattr(math, name), args, kwargs, node)
        if name in ("OrderedDict", "deepcopy", "copy"):
            return self.own(name, args, kwargs, node)
        if name == "reduce" and len(args) > 1:
            total, *rest = [*args[2:], *self.items(args[1], node)]
            for each in rest:
                total = self.call(args[0], [total, each], {}, node)
            return total
        if name == "partial" and args:
            return Bound(args[0], tuple(args[1:]), kwargs)
        if name == "namedtuple" and len(args) > 1:
            fields = args[1].replace(",", " ").split() if isinstance(args[1], str) else args[1]
            return Class(str(args[0]), (), {"__fields__": fields})
        if name == "field":  # of a dataclass
            factory = kwargs.get("default_factory")
            return self.call(factory, [], {}, node) if factory else kwargs.get("default")
        if name in _BAGS:
            given = self.dictionary(args[0], node) if args else {}
            return Instance(Class(name, (), {}), self.place(node), {**given, **kwargs})
        if name == "ArgumentParser":
            return self.parser(node)
        self.check(unknown_in([args, kwargs]))
        raise _Stopped(foreign(function, self.place(node)))

    def parser(self, node: ast.AST) -> Instance:
        """A parser of a command line, which is given nothing: each argument has its default."""
        found = Instance(Class("Namespace", (), {}), self.place(node))

        def add(args: Args, kwargs: Kwargs, at: ast.AST) -> None:
            flags = [each for each in args if isinstance(each, str)] or [""]
            long = next((each for each in flags if each.startswith("--")), flags[0])
            name = kwargs.get("dest", long.lstrip("-").replace("-", "_"))
            value: Any = {"store_true": False, "store_false": True}.get(kwargs.get("action", ""))
            if kwargs.get("required") or not flags[0].startswith("-"):
                value = self.unknown(Message("no value is given for `{name}`", name=name), at)
            value = kwargs.get("default", value)
            if isinstance(value, str) and "type" in kwargs:
                value = self.call(kwargs["type"], [value], {}, at)
            found.attrs.setdefault(str(name), value)

        cls = Class("ArgumentParser", (), {"add_argument": Native(add)})
        parser = Instance(cls, self.place(node))
        cls.attrs |= {
            "set_defaults": Native(lambda args, kwargs, at: found.attrs.update(kwargs)),
            "parse_args": giving(found),
            "parse_known_args": giving((found, [])),
            **dict.fromkeys(("add_argument_group", "add_mutually_exclusive_group"), giving(parser)),
        }
        return parser

    def make(self, cls: Class, args: Args, kwargs: Kwargs, node: ast.AST) -> Any:
        """An instance of a class of the source."""
        self.check(*lineage(cls))
        instance = Instance(cls, self.place(node))
        begin = self.method(lineage(cls), instance, "__init__", node)
        self.making += 1
        try:
            self.check(self.call(begin, args, kwargs, node))
        finally:
            self.making -= 1
        return instance

    def fill(self, instance: Instance, args: Args, kwargs: Kwargs, node: ast.AST) -> None:
        """Give the fields of a dataclass or a named tuple their values."""
        fields = self.fields(instance)
        instance.attrs.update((name, self.lookup(instance.cls, name)) for name in fields)
        instance.attrs.update(zip(fields, args))
        instance.attrs.update((key, each) for key, each in kwargs.items() if key in fields)
        after = self.lookup(instance.cls, "__post_init__")
        if after is not None:
            self.call(Bound(after, (instance,)), [], {}, node)

    def enter(self, function: Function, args: Args, kwargs: Kwargs, node: ast.AST) -> Any:
        """Follow a function with its arguments."""
        env = Env(function.env)
        self.bind(function, args, kwargs, env, node)
        if isinstance(function.node, ast.Lambda):
            return self.value(function.node.body, env)
        if function.owner is not None and args:
            env.names["__owner__"], env.names["__self__"] = function.owner, args[0]
        env.yielded = [] if _yields(function.node) else None
        result = None
        self.calls += 1
        kind = "" if function.name in _HOLLOW else function.name
        scope = Scope(kind, str(self.calls), function=True)
        self.scopes.append(scope)
        try:
            self.execute(function.node.body, env)
        except _Return as returned:
            result = returned.args[0]
        except _Raised as error:
            return self.too_far(error, node)
        except (_Break, _Continue):
            return self.unfollowed(node)
        finally:
            self.scopes.pop()
        return result if env.yielded is None else env.yielded

    def bind(self, function: Function, args: Args, kwargs: Kwargs, env: Env, node: ast.AST) -> None:
        """Give the parameters of a function their values."""
        arguments = function.node.args
        positional = [each.arg for each in (*arguments.posonlyargs, *arguments.args)]
        names = [*positional, *(each.arg for each in arguments.kwonlyargs)]
        rest = {name: each for name, each in kwargs.items() if name not in names}
        given = {**function.defaults, **dict(zip(positional, args))}
        given |= {name: each for name, each in kwargs.items() if name in names}
        for name in names:
            if name not in given:
                message = Message("no value is given for `{name}`", name=name)
                given[name] = kwargs.get("**") or self.unknown(message, node)
        if arguments.vararg:
            given[arguments.vararg.arg] = tuple(args[len(positional) :])
        if arguments.kwarg:
            given[arguments.kwarg.arg] = rest
        env.names.update(given)

    # Python's own functions

    def own_method(self, owner: Any, name: str, args: Args, kwargs: Kwargs, node: ast.AST) -> Any:
        """A method of a number, a string or a container."""
        if isinstance(owner, str):
            longest = max((len(each) for each in args if isinstance(each, str)), default=0)
            if name == "replace" and len(owner) * longest > 100 * MOST_ITEMS:
                self.stop(node)
            if name == "format" and re.search(r"\d{4}|\{[^}]*[.\[{]", owner):
                self.stop(node)
            return self.guarded(getattr(owner, name), args, kwargs, node)
        if name in ("extend", "update", "union") and args:
            many = self.dictionary if isinstance(owner, dict) else self.spread
            args = [many(args[0], node)]
        looks = name in ("add", "index", "count", "remove", "setdefault", "get", "pop")
        if looks and args and not self.hashable(args[0]):
            self.stop(node)
        self.tick(len(owner) // 64 if isinstance(owner, (list, dict, set)) else 0)
        # An unknown may well be kept in a container.
        result = self.done(getattr(owner, name), args, kwargs, node)
        return [*result] if name in ("items", "keys", "values") else result

    def _builtin(self, name: str) -> Callable[..., Any]:
        return lambda args, kwargs, node: self.own(name, args, kwargs, node)

    def own(self, name: str, args: Args, kwargs: Kwargs, node: ast.AST) -> Any:
        """A function of Python."""
        match name, args:
            case "print", _:
                return None
            case "dict" | "OrderedDict", _:
                return {**self.dictionary(args[0] if args else {}, node), **kwargs}
            case "copy" | "deepcopy", [value, *_]:
                return self.copied(value)
            case "map", [function, *values]:
                rows = zip(*(self.items(each, node) for each in values))
                return [self.call(function, [*each], {}, node) for each in rows]
            case "filter", [function, value]:
                items = self.items(value, node)
                wanted = [
                    self.call(function, [each], {}, node) if function else each for each in items
                ]
                return [each for each, want in zip(items, wanted) if self.truth(want, node)]
            case "sum", [value, *start]:
                total = start[0] if start else kwargs.get("start", 0)
                for each in self.items(value, node):
                    self.tick()
                    empty = isinstance(each, Tensor) and total == 0
                    total = each if empty else self.binary("add", total, each, node)
                return total
            case "next", [value, *default]:
                return next(iter(self.items(value, node)), *(default or [None]))
            case "vars", [Instance() as owner]:
                return owner.attrs
            case "callable", [value]:
                self.check(value)
                return isinstance(value, (Function, Bound, Native, Class, Library, Instance))
            case "type", [value]:
                cls = value.cls if isinstance(value, Instance) else None
                return cls or self.builtins.get(type(value).__name__) or self.unfollowed(node)
            case "super", [owner, instance]:
                order = [*lineage(instance.cls if isinstance(instance, Instance) else instance)]
                ids = [id(each) for each in order]
                if id(owner) in ids:
                    return Super(tuple(order[ids.index(id(owner)) + 1 :]), instance)
            case "getattr", [owner, str(key), *default]:
                self.check(owner)
                try:
                    return self.attribute(owner, key, node)
                except _Stopped:
                    if not default:
                        raise
                    return default[0]
            case "hasattr", [owner, key]:
                found = self.own("getattr", [owner, key, self.unfollowed(node)], {}, node)
                return not isinstance(found, Unknown)
            case "setattr", [Instance() as owner, key, value]:
                known = isinstance(key, str)
                owner.attrs[key if known else "?layers"] = (
                    value if known else [self.unfollowed(node)]
                )
                return None
            case "setattr", [Library() as owner, key, value]:
                return self.patch(owner, str(key), value, node)
            case "isinstance", [value, wanted]:
                return self.is_one(
                    value.cls if isinstance(value, Instance) else value, wanted, node
                )
            case "issubclass", [value, wanted]:
                return self.is_one(value, wanted, node)
        if name in _SEQUENCES:
            count = 1 if name == "enumerate" else len(args)
            items = [self.items(each, node) for each in args[:count]]
            self.tick(min(sum(map(len, items)), MOST_STEPS))
            if name in ("set", "frozenset") and not all(map(self.hashable, *items)):
                self.stop(node)
            return self.done(_SEQUENCES[name], [*items, *args[count:]], kwargs, node)
        if name not in _PURE:
            self.check(*args)
            self.stop(node)
        if name in ("str", "repr") and args and not isinstance(args[0], (*_PLAIN, Unknown)):
            self.stop(node)
        if args and name in ("len", "max", "min", "sorted", "any", "all"):
            if isinstance(args[0], Instance):
                args = [self.items(args[0], node), *args[1:]]
            key = kwargs.get("key")
            if key is not None:
                kwargs = {**kwargs, "key": lambda each: self.call(key, [each], {}, node)}
            if isinstance(args[0], range) and name != "len":
                self.tick(min(len(args[0]), MOST_STEPS))
        if args and isinstance(args[0], Tensor):
            return args[0].world.operate(name, args, self.place(node))
        return self.guarded(_PURE[name], args, kwargs, node, deep=name != "len")

    def copied(self, value: Any) -> Any:
        """A value that changes apart from another."""
        if isinstance(value, (list, dict, set)):
            return value.copy()
        if not isinstance(value, Instance):
            return value
        self.tick(len(value.attrs))
        attrs = {name: self.copied(each) for name, each in value.attrs.items()}
        return Instance(value.cls, value.place, attrs)

    def is_one(self, value: Any, wanted: Any, node: ast.AST) -> bool:
        """Whether a value, or a class, is one of some classes."""
        self.check(value, wanted)
        if isinstance(wanted, (tuple, list)):
            return any(self.is_one(value, each, node) for each in wanted)
        if isinstance(wanted, Native):
            name = next((key for key, each in self.builtins.items() if each is wanted), "")
            return name in _TYPES and isinstance(value, _TYPES[name])
        if isinstance(wanted, Class):
            return isinstance(value, Class) and any(each is wanted for each in lineage(value))
        if not isinstance(wanted, Library):
            self.stop(node)
        if isinstance(value, Tensor):
            return wanted.name == "Tensor"
        if wanted.name in ("Iterable", "Sequence"):
            return isinstance(value, (list, tuple, range))
        return any(
            each.name == wanted.name
            or (each.root == wanted.root and wanted.name in ("Module", "Layer"))
            for each in lineage(value)
            if isinstance(each, Library)
        )


def canonical(path: str) -> str:
    """The path of a name under the one that it is known by here."""
    return re.sub(r"^(tensorflow\.(python\.|contrib\.)?keras|tf_keras)(?=\.|$)", "keras", path)


def _yields(node: ast.AST) -> bool:
    """Whether a function is a generator."""
    return any(
        isinstance(each, (ast.Yield, ast.YieldFrom))
        or (not isinstance(each, (ast.FunctionDef, ast.Lambda, ast.ClassDef)) and _yields(each))
        for each in ast.iter_child_nodes(node)
    )
