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
from dataclasses import dataclass
from typing import Any, NamedTuple

from cnndsl.diagnostics.message import Message

MOST_STEPS = 300_000
"""The most steps of a text."""

MOST_OF_STATEMENT = 100_000
"""The most steps of one statement outside of all functions."""

MOST_CALLS = 50
"""The most calls within each other."""

MOST_ITEMS = 10_000
"""The most items of a container, letters of a string and bits of a number."""


class Place(NamedTuple):
    """A part of the source: a line, from 1, and a span of the text."""

    line: int
    span: tuple[int, int]


class Unknown:
    """A value that cannot be known: why, and where that was."""

    __slots__ = ("code", "place", "reason")

    def __init__(self, reason: Message, place: Place, code: str = "E606") -> None:
        self.reason, self.place, self.code = reason, place, code


class Library:
    """A name of a library: `torch.nn.Conv2d`."""

    __slots__ = ("path",)

    def __init__(self, path: str) -> None:
        self.path = path

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


class Function:
    """A function of the source: its names are looked up in `env`; `owner` is its class."""

    __slots__ = ("defaults", "env", "kind", "node", "owner")

    def __init__(self, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda, env: Env) -> None:
        self.node, self.env, self.kind = node, env, ""
        self.owner: Class | None = None
        self.defaults: dict[str, Any] = {}

    @property
    def name(self) -> str:
        return getattr(self.node, "name", "lambda")


class Instance:
    """An object of a class of the source or of a library; `place` is where it was made."""

    __slots__ = ("attrs", "cls", "place")

    def __init__(self, cls: Class | Library, place: Place) -> None:
        self.cls, self.place = cls, place
        self.attrs: dict[str, Any] = {}

    @property
    def native(self) -> Library | None:
        """The class of a library that it is one of."""
        return next((each for each in lineage(self.cls) if isinstance(each, Library)), None)


@dataclass(eq=False, slots=True)
class Bound:
    """A function with its first argument."""

    function: Any
    instance: Any


@dataclass(eq=False, slots=True)
class Super:
    """The classes above one, of an instance."""

    above: tuple[Any, ...]
    instance: Any


@dataclass(eq=False, slots=True)
class Native:
    """A function that is known here: it takes the arguments and the keywords."""

    call: Callable[..., Any]


@dataclass(eq=False, slots=True)
class Partial:
    """A function with arguments given before."""

    function: Any
    args: tuple[Any, ...]
    kwargs: dict[str, Any]


class World:
    """What a framework's names mean; a text may speak of several frameworks."""

    entry = "__call__"
    """The method that a call of an instance runs."""

    def call(self, path: Library, args: list[Any], kwargs: dict[str, Any], place: Place) -> Any:
        """Call a function or a class."""
        raise NotImplementedError

    def begin(self, instance: Instance, args: list[Any], kwargs: dict[str, Any]) -> Any:
        """Run the `__init__` of the framework's class."""
        raise NotImplementedError

    def run(self, instance: Instance, args: list[Any], kwargs: dict[str, Any], place: Place) -> Any:
        """Call an instance."""
        raise NotImplementedError

    def above(self, instance: Instance, args: list[Any], kwargs: dict[str, Any]) -> Any:
        """Run what a call of the framework's class runs, for `super().forward(x)`."""
        raise NotImplementedError

    def attribute(self, value: Any, name: str) -> Any:
        """An attribute of an instance or a tensor; None for what it has not."""
        raise NotImplementedError

    def operate(self, function: str, args: list[Any], place: Place) -> Any:
        """An operator of tensors, by its name in `operator`."""
        raise NotImplementedError

    def item(self, value: Any, key: Any, place: Place) -> Any:
        """A part of an instance or of a tensor."""
        raise NotImplementedError

    def items(self, value: Any) -> Sequence[Any] | None:
        """What a loop over an instance or a tensor goes through."""
        raise NotImplementedError


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
    def __init__(self, value: Any) -> None:
        self.value = value


class _Break(Exception):
    pass


class _Continue(Exception):
    pass


class _Raised(Exception):
    """A `raise` of the source."""

    def __init__(self, place: Place) -> None:
        self.place = place


class Exhausted(Exception):
    """More than may be followed."""

    def __init__(self, place: Place) -> None:
        self.place = place


_MISSING = object()
_OPERATORS = {
    "Add": "add", "Sub": "sub", "Mult": "mul", "Div": "truediv", "FloorDiv": "floordiv",
    "Mod": "mod", "Pow": "pow", "MatMult": "matmul", "BitOr": "or_", "BitAnd": "and_",
    "BitXor": "xor", "LShift": "lshift", "RShift": "rshift", "USub": "neg", "UAdd": "pos",
    "Not": "not_", "Invert": "invert", "Eq": "eq", "NotEq": "ne", "Lt": "lt", "LtE": "le",
    "Gt": "gt", "GtE": "ge", "Is": "is_", "IsNot": "is_not",
}  # fmt: skip
_TYPES: dict[str, Any] = {
    "int": int, "float": float, "str": str, "bool": bool, "list": list, "tuple": tuple,
    "dict": dict, "set": set, "object": object, "slice": slice,
}  # fmt: skip
_METHODS: dict[type, frozenset[str]] = {
    list: frozenset("append extend insert pop index count copy reverse remove clear".split()),
    dict: frozenset("items keys values get update pop setdefault copy".split()),
    set: frozenset("add discard union update copy".split()),
    tuple: frozenset("index count".split()),
    str: frozenset(
        "lower upper strip lstrip rstrip split startswith endswith replace join format title "
        "capitalize isdigit count find".split()
    ),
    int: frozenset(["bit_length"]),
    float: frozenset(["is_integer"]),
}
_PLAIN = (int, float, complex, str, bytes, bool, type(None), type(Ellipsis))
_PURE: dict[str, Callable[..., Any]] = {
    "int": int, "float": float, "str": str, "bool": bool, "len": len, "abs": abs,
    "round": round, "divmod": divmod, "repr": repr, "max": max, "min": min, "sorted": sorted,
    "range": range, "slice": slice, "any": any, "all": all,
}  # fmt: skip
_GROW = frozenset("append extend insert add add_module".split())
_IGNORED = frozenset("print warn deprecated".split())


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


def unknown_in(value: Any) -> Unknown | None:
    """The first unknown in a value, within containers too."""
    left, seen = [value], 0
    while left and seen < MOST_ITEMS:
        seen += 1
        each = left.pop()
        if isinstance(each, Unknown):
            return each
        if isinstance(each, (list, tuple, set)):
            left.extend(reversed([*each]))
        elif isinstance(each, dict):
            left.extend(each.values())
    return None


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
        self.steps, self.limit, self.depth = 0, MOST_STEPS, 0
        self.node: ast.AST = ast.Pass(lineno=1, col_offset=0, end_lineno=1, end_col_offset=0)
        self.builtins = self._builtins()

    # The whole

    def statement(self, node: ast.stmt) -> None:
        """Follow a statement of the text; what goes too far leaves its names unknown."""
        self.limit = min(MOST_STEPS, self.steps + MOST_OF_STATEMENT)
        try:
            self.execute([node], self.globals)
        except (Exhausted, RecursionError, _Raised, _Break, _Continue, _Return) as error:
            self.limit, self.depth = self.steps + MOST_OF_STATEMENT, 0
            self.taint([node], self.globals, self.too_far(error, node))

    def too_far(self, error: Exception, node: ast.AST) -> Unknown:
        """What is not followed to its end."""
        place = getattr(error, "place", None) or self.place(node)
        if isinstance(error, _Raised):
            return Unknown(Message("the source raises an error here"), place)
        if isinstance(error, RecursionError):
            return Unknown(Message("this is nested too deeply to be followed"), place)
        return Unknown(Message("this goes on for too long to be followed"), place)

    def place(self, node: ast.AST | None = None) -> Place:
        """Where a node stands, or the call that is being followed."""
        return self._place(node or self.node)

    def unknown(self, reason: Message, node: ast.AST | None = None, code: str = "E606") -> Unknown:
        """A value that cannot be known, at a node."""
        return Unknown(reason, self.place(node), code)

    def tick(self, steps: int = 1) -> None:
        """Count steps."""
        self.steps += steps
        if self.steps > self.limit:
            raise Exhausted(self.place())

    # Statements

    def execute(self, body: Sequence[ast.stmt], env: Env) -> None:
        """Follow statements."""
        for node in body:
            self.node = node
            self.tick()
            follow = getattr(self, f"_do_{type(node).__name__}", None)
            if follow is None:
                self.taint([node], env, self.unknown(Message("this is not followed"), node))
            else:
                follow(node, env)

    def _do_Expr(self, node: ast.Expr, env: Env) -> None:
        value = node.value
        if isinstance(value, (ast.Yield, ast.YieldFrom)) and env.yielded is not None:
            inner = self.value(value.value, env) if value.value else None
            if isinstance(value, ast.YieldFrom):
                parts = self.items(inner, value)
                env.yielded.extend([parts] if isinstance(parts, Unknown) else parts)
            else:
                env.yielded.append(inner)
        elif not isinstance(value, ast.Constant):
            self.value(value, env)

    def _do_Assign(self, node: ast.Assign, env: Env) -> None:
        value = self.value(node.value, env)
        for target in node.targets:
            self.assign(target, value, env)

    def _do_AnnAssign(self, node: ast.AnnAssign, env: Env) -> None:
        if node.value is not None:
            self.assign(node.target, self.value(node.value, env), env)

    def _do_AugAssign(self, node: ast.AugAssign, env: Env) -> None:
        load = ast.copy_location(_loaded(node.target), node.target)
        old, new = self.value(load, env), self.value(node.value, env)
        if isinstance(old, list) and isinstance(node.op, ast.Add):
            parts = self.items(new, node)
            old.extend([parts] if isinstance(parts, Unknown) else parts)
            self.tick(len(old) // 8)
            value: Any = old
        else:
            value = self.binary(_OPERATORS[type(node.op).__name__], old, new, node)
        self.assign(node.target, value, env)

    def _do_Return(self, node: ast.Return, env: Env) -> None:
        raise _Return(self.value(node.value, env) if node.value else None)

    def _do_If(self, node: ast.If, env: Env) -> None:
        known = self.truth(self.value(node.test, env), node.test)
        if isinstance(known, Unknown):
            self.taint([*node.body, *node.orelse], env, known)
        else:
            self.execute(node.body if known else node.orelse, env)

    def _do_For(self, node: ast.For, env: Env) -> None:
        items = self.items(self.value(node.iter, env), node.iter)
        if isinstance(items, Unknown):
            self.taint([node], env, items)
            return
        for item in items:
            self.tick()
            self.assign(node.target, item, env)
            try:
                self.execute(node.body, env)
            except _Break:
                return
            except _Continue:
                continue
        self.execute(node.orelse, env)

    def _do_While(self, node: ast.While, env: Env) -> None:
        while True:
            self.tick()
            known = self.truth(self.value(node.test, env), node.test)
            if isinstance(known, Unknown):
                self.taint(node.body, env, known)
                return
            if not known:
                self.execute(node.orelse, env)
                return
            try:
                self.execute(node.body, env)
            except _Break:
                return
            except _Continue:
                continue

    def _do_Try(self, node: ast.Try, env: Env) -> None:
        try:
            self.execute(node.body, env)
        except _Raised:
            if not node.handlers:
                raise
            self.execute(node.handlers[0].body, env)
        else:
            self.execute(node.orelse, env)
        finally:
            self.execute(node.finalbody, env)

    def _do_With(self, node: ast.With, env: Env) -> None:
        for item in node.items:
            value = self.value(item.context_expr, env)
            if item.optional_vars is not None:
                self.assign(item.optional_vars, value, env)
        self.execute(node.body, env)

    def _do_Raise(self, node: ast.Raise, env: Env) -> None:
        raise _Raised(self.place(node))

    def _do_Break(self, node: ast.Break, env: Env) -> None:
        raise _Break

    def _do_Continue(self, node: ast.Continue, env: Env) -> None:
        raise _Continue

    def _do_Pass(self, node: ast.Pass | ast.Assert, env: Env) -> None:
        pass

    _do_Assert = _do_Pass

    def _do_Global(self, node: ast.Global | ast.Nonlocal, env: Env) -> None:
        env.outer.update(node.names)

    _do_Nonlocal = _do_Global

    def _do_Delete(self, node: ast.Delete, env: Env) -> None:
        for target in node.targets:
            if isinstance(target, ast.Name):
                env.names.pop(target.id, None)
            elif isinstance(target, ast.Attribute):
                owner = self.value(target.value, env)
                if isinstance(owner, Instance):
                    owner.attrs.pop(target.attr, None)
            else:
                self.assign(target, self.unknown(Message("this is not followed"), node), env)

    def _do_Import(self, node: ast.Import, env: Env) -> None:
        for alias in node.names:
            path = alias.name if alias.asname else alias.name.partition(".")[0]
            env.assign(alias.asname or path, Library(canonical(path)))

    def _do_ImportFrom(self, node: ast.ImportFrom, env: Env) -> None:
        for alias in node.names:
            if alias.name != "*":
                path = f"{'.' * node.level}{node.module or ''}.{alias.name}"
                env.assign(alias.asname or alias.name, Library(canonical(path)))

    def _do_FunctionDef(self, node: ast.FunctionDef, env: Env) -> None:
        value: Any = self.function(node, env)
        for decorator in reversed(node.decorator_list):
            value = self.decorated(value, self.value(decorator, env), decorator)
        env.assign(node.name, value)

    def _do_ClassDef(self, node: ast.ClassDef, env: Env) -> None:
        inner = Env(env)
        bases = tuple(self.value(base, env) for base in node.bases)
        cls = Class(node.name, bases, inner.names, node)
        if node.decorator_list or any(
            isinstance(b, Library) and b.name == "NamedTuple" for b in bases
        ):
            fields = [each.target.id for each in node.body if _is_field(each)]  # type: ignore[attr-defined]
            inner.names["__fields__"] = fields
        self.execute(node.body, inner)
        for value in inner.names.values():
            if isinstance(value, Function) and value.owner is None:
                value.owner = cls
        env.assign(node.name, cls)

    def decorated(self, value: Any, decorator: Any, node: ast.AST) -> Any:
        """A function under a decorator: those of others leave it as it is."""
        kind = {"staticmethod": "static", "classmethod": "class", "property": "property"}
        name = decorator.name if isinstance(decorator, Library) else ""
        if isinstance(decorator, Native) and isinstance(value, Function):
            name = next((key for key in kind if self.builtins.get(key) is decorator), "")
        if name in kind and isinstance(value, Function):
            value.kind = kind[name]
        elif isinstance(decorator, (Function, Bound)):
            return self.call(decorator, [value], {}, node)
        return value

    def function(self, node: Any, env: Env) -> Function:
        """A function of the source, with its defaults worked out."""
        made, arguments = Function(node, env), node.args
        positional = [*arguments.posonlyargs, *arguments.args]
        given = positional[len(positional) - len(arguments.defaults) :]
        for argument, default in zip(given, arguments.defaults):
            made.defaults[argument.arg] = self.value(default, env)
        for argument, default in zip(arguments.kwonlyargs, arguments.kw_defaults):
            if default is not None:
                made.defaults[argument.arg] = self.value(default, env)
        return made

    def assign(self, target: ast.expr, value: Any, env: Env) -> None:
        """Bind what stands left of `=`."""
        if isinstance(target, ast.Name):
            env.assign(target.id, value)
        elif isinstance(target, ast.Attribute):
            owner = self.value(target.value, env)
            if isinstance(owner, (Instance, Class)):
                owner.attrs[target.attr] = value
        elif isinstance(target, ast.Subscript):
            owner, key = self.value(target.value, env), self.value(target.slice, env)
            if isinstance(owner, (list, dict)):
                with suppress(TypeError, IndexError, ValueError):
                    owner[key] = value
            elif isinstance(owner, Instance):
                owner.attrs[str(key)] = value
        elif isinstance(target, (ast.Tuple, ast.List)):
            self.unpack(target, value, env)

    def unpack(self, target: ast.Tuple | ast.List, value: Any, env: Env) -> None:
        items = self.items(value, target)
        places = target.elts
        stars = [at for at, each in enumerate(places) if isinstance(each, ast.Starred)]
        if not isinstance(items, Unknown):
            least = len(places) - len(stars)
            if len(items) < least or (not stars and len(items) > least):
                items = self.unknown(Message("the numbers of names and values differ"), target)
        if isinstance(items, Unknown):
            for each in places:
                self.assign(each.value if isinstance(each, ast.Starred) else each, items, env)
            return
        items = list(items)
        if stars:
            at, more = stars[0], len(items) - len(places) + 1
            items[at : at + more] = [items[at : at + more]]
        for each, item in zip(places, items):
            self.assign(each.value if isinstance(each, ast.Starred) else each, item, env)

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
                self._taint_container(self.value(called.value, env), why)
            returns |= isinstance(node, ast.Return)
            left.extend(reversed([*ast.iter_child_nodes(node)]))
        if returns and env is not self.globals:
            raise _Return(why)

    def _taint_container(self, owner: Any, why: Unknown) -> None:
        if isinstance(owner, list):
            owner.append(why)
        elif isinstance(owner, Instance):
            owner.attrs.setdefault("?layers", []).append(why)

    # Expressions

    def value(self, node: ast.expr, env: Env) -> Any:
        """The value of an expression."""
        self.tick()
        follow = getattr(self, f"_{type(node).__name__}", None)
        if follow is None:
            return self.unknown(Message("this is not followed"), node)
        return follow(node, env)

    def _Constant(self, node: ast.Constant, env: Env) -> Any:
        return node.value

    def _Name(self, node: ast.Name, env: Env) -> Any:
        found = env.find(node.id)
        if found is not None:
            return found.names[node.id]
        if node.id in self.builtins:
            return self.builtins[node.id]
        implied = self.implied(node.id)
        if implied is not None:
            return implied
        return self.unknown(Message("`{name}` is not defined in the source", name=node.id), node)

    def _Attribute(self, node: ast.Attribute, env: Env) -> Any:
        return self.attribute(self.value(node.value, env), node.attr, node)

    def _NamedExpr(self, node: ast.NamedExpr, env: Env) -> Any:
        value = self.value(node.value, env)
        self.assign(node.target, value, env)
        return value

    def _Tuple(self, node: ast.Tuple, env: Env) -> Any:
        return tuple(self.parts(node.elts, env))

    def _List(self, node: ast.List, env: Env) -> Any:
        return self.parts(node.elts, env)

    def _Set(self, node: ast.Set, env: Env) -> Any:
        return self.guarded(set, [self.parts(node.elts, env)], {}, node)

    def _Dict(self, node: ast.Dict, env: Env) -> Any:
        result: dict[Any, Any] = {}
        for key, item in zip(node.keys, node.values):
            value = self.value(item, env)
            if key is None:
                if not isinstance(value, dict):
                    return value if isinstance(value, Unknown) else self.unfollowed(node)
                result.update(value)
                continue
            name = self.value(key, env)
            if isinstance(name, Unknown):
                return name
            if not self.hashable(name):
                return self.unfollowed(node)
            result[name] = value
        return result

    def _IfExp(self, node: ast.IfExp, env: Env) -> Any:
        known = self.truth(self.value(node.test, env), node.test)
        if isinstance(known, Unknown):
            return known
        return self.value(node.body if known else node.orelse, env)

    def _BoolOp(self, node: ast.BoolOp, env: Env) -> Any:
        value: Any = None
        for each in node.values:
            value = self.value(each, env)
            known = self.truth(value, each)
            if isinstance(known, Unknown):
                return known
            if known is isinstance(node.op, ast.Or):
                break
        return value

    def _UnaryOp(self, node: ast.UnaryOp, env: Env) -> Any:
        value = self.value(node.operand, env)
        if isinstance(node.op, ast.Not):
            known = self.truth(value, node)
            return known if isinstance(known, Unknown) else not known
        name = _OPERATORS[type(node.op).__name__]
        if isinstance(value, Tensor):
            return value.world.operate(name, [value], self.place(node))
        return self.guarded(getattr(operator, name), [value], {}, node)

    def _BinOp(self, node: ast.BinOp, env: Env) -> Any:
        left, right = self.value(node.left, env), self.value(node.right, env)
        return self.binary(_OPERATORS[type(node.op).__name__], left, right, node)

    def _Compare(self, node: ast.Compare, env: Env) -> Any:
        left, result = self.value(node.left, env), True
        for op, each in zip(node.ops, node.comparators):
            right = self.value(each, env)
            result = self.compared(type(op).__name__, left, right, node)
            if result is not True:
                return result
            left = right
        return result

    def compared(self, op: str, left: Any, right: Any, node: ast.AST) -> Any:
        """One comparison: a truth, or an unknown."""
        for each in (left, right):
            if isinstance(each, Unknown):
                return each
        if op in ("Is", "IsNot"):
            if isinstance(left, Library) and isinstance(right, Library):
                return (left.path == right.path) is (op == "Is")
            return (left is right) is (op == "Is")
        for each in (left, right):
            if isinstance(each, Tensor):
                return self.branches(node)
        if op in ("In", "NotIn"):
            if isinstance(right, Instance):
                found: Any = str(left) in right.attrs
            else:
                found = self.guarded(operator.contains, [right, left], {}, node)
            return found if isinstance(found, Unknown) else found is (op == "In")
        if isinstance(left, Library) and isinstance(right, Library):
            left, right = left.path, right.path
        return self.guarded(getattr(operator, _OPERATORS[op]), [left, right], {}, node)

    def _Call(self, node: ast.Call, env: Env) -> Any:
        function = self.value(node.func, env)
        args: list[Any] = []
        for each in node.args:
            if isinstance(each, ast.Starred):
                items = self.items(self.value(each.value, env), each)
                args.extend([items] if isinstance(items, Unknown) else items)
            else:
                args.append(self.value(each, env))
        kwargs: dict[str, Any] = {}
        for keyword in node.keywords:
            value = self.value(keyword.value, env)
            if keyword.arg is not None:
                kwargs[keyword.arg] = value
            elif isinstance(value, dict):
                kwargs.update((str(key), each) for key, each in value.items())
            else:
                kwargs["**"] = value if isinstance(value, Unknown) else self.unfollowed(node)
        if isinstance(function, Native) and function is self.builtins["super"] and not args:
            return self.super(env, node)
        return self.call(function, args, kwargs, node)

    def _Lambda(self, node: ast.Lambda, env: Env) -> Any:
        return self.function(node, env)

    def _Starred(self, node: ast.Starred, env: Env) -> Any:
        return self.unfollowed(node)

    def _Subscript(self, node: ast.Subscript, env: Env) -> Any:
        owner = self.value(node.value, env)
        if isinstance(owner, Library):
            return owner  # an annotation: `List[int]`
        key = self.value(node.slice, env)
        return self.item(owner, key, node)

    def item(self, owner: Any, key: Any, node: ast.AST) -> Any:
        """`owner[key]`."""
        if isinstance(owner, Unknown):
            return owner
        found = unknown_in(key)
        if found is not None:
            return found
        if isinstance(owner, Tensor):
            return owner.world.item(owner, key, self.place(node))
        if isinstance(owner, Instance):
            world = self.world(owner)
            fields = self.fields(owner)
            if fields and isinstance(key, int) and -len(fields) <= key < len(fields):
                return owner.attrs.get(fields[key])
            return world.item(owner, key, self.place(node)) if world else self.unfollowed(node)
        return self.guarded(operator.getitem, [owner, key], {}, node, deep=False)

    def _Slice(self, node: ast.Slice, env: Env) -> Any:
        parts = [each and self.value(each, env) for each in (node.lower, node.upper, node.step)]
        return unknown_in(parts) or slice(*parts)

    def _JoinedStr(self, node: ast.JoinedStr, env: Env) -> Any:
        parts = []
        for each in node.values:
            if isinstance(each, ast.Constant):
                parts.append(str(each.value))
                continue
            assert isinstance(each, ast.FormattedValue)
            value = self.value(each.value, env)
            form = self.value(each.format_spec, env) if each.format_spec else ""
            text = self.guarded(format, [value, form], {}, node)
            if isinstance(text, Unknown):
                return text
            parts.append(text)
        return self.sized("".join(parts), node)

    def _ListComp(self, node: ast.ListComp | ast.GeneratorExp, env: Env) -> Any:
        return self.comprehended(node, env, lambda inner: self.value(node.elt, inner))

    _GeneratorExp = _ListComp

    def _SetComp(self, node: ast.SetComp, env: Env) -> Any:
        items = self.comprehended(node, env, lambda inner: self.value(node.elt, inner))
        return items if isinstance(items, Unknown) else self.guarded(set, [items], {}, node)

    def _DictComp(self, node: ast.DictComp, env: Env) -> Any:
        def pair(inner: Env) -> Any:
            return self.value(node.key, inner), self.value(node.value, inner)

        pairs = self.comprehended(node, env, pair)
        if isinstance(pairs, Unknown):
            return pairs
        if not all(self.hashable(key) for key, _ in pairs):
            return self.unfollowed(node)
        return dict(pairs)

    def comprehended(self, node: Any, env: Env, make: Callable[[Env], Any]) -> Any:
        """The list that a comprehension gives."""
        inner, result, missed = Env(env), [], []

        def loop(generators: Sequence[ast.comprehension]) -> None:
            if not generators:
                result.append(make(inner))
                return
            first, *rest = generators
            items = self.items(self.value(first.iter, inner), first.iter)
            if isinstance(items, Unknown):
                missed.append(items)
                return
            for item in items:
                self.tick()
                self.assign(first.target, item, inner)
                wanted = [self.truth(self.value(each, inner), each) for each in first.ifs]
                unknown = unknown_in(wanted)
                if unknown is not None:
                    missed.append(unknown)
                    return
                if all(wanted):
                    loop(rest)

        loop(node.generators)
        return missed[0] if missed else result

    def parts(self, nodes: Sequence[ast.expr], env: Env) -> list[Any]:
        """The items of a list or a tuple."""
        result: list[Any] = []
        for each in nodes:
            if isinstance(each, ast.Starred):
                items = self.items(self.value(each.value, env), each)
                result.extend([items] if isinstance(items, Unknown) else items)
            else:
                result.append(self.value(each, env))
        return result

    # Operations

    def unfollowed(self, node: ast.AST | None = None) -> Unknown:
        """Something that is not followed."""
        return self.unknown(Message("this is not followed"), node)

    def branches(self, node: ast.AST) -> Unknown:
        """What depends on the values of a tensor."""
        return self.unknown(Message("this depends on the values of a tensor"), node, "E603")

    def truth(self, value: Any, node: ast.AST) -> bool | Unknown:
        """Whether a value counts as true."""
        if isinstance(value, Unknown):
            return value
        if isinstance(value, Tensor):
            return self.branches(node)
        if isinstance(value, Instance):
            items = self.world(value) and self.world(value).items(value)  # type: ignore[union-attr]
            return True if items is None else bool(items)
        return bool(value)

    def hashable(self, value: Any) -> bool:
        """Whether a value is a key of a dict, and a small one."""
        if isinstance(value, tuple):
            return len(value) < 20 and all(isinstance(each, _PLAIN) for each in value)
        return not isinstance(value, (list, dict, set, slice))

    def binary(self, name: str, left: Any, right: Any, node: ast.AST) -> Any:
        """`left + right`, and the like."""
        for each in (left, right):
            if isinstance(each, Unknown):
                return each
        for each in (left, right):
            if isinstance(each, Tensor):
                return each.world.operate(name, [left, right], self.place(node))
        whole = isinstance(left, int) and isinstance(right, int)
        if name == "pow" and whole and abs(right) * left.bit_length() > MOST_ITEMS:
            return self.unknown(Message("this is too large to be followed"), node)
        if name == "lshift" and whole and abs(right) > MOST_ITEMS:
            return self.unknown(Message("this is too large to be followed"), node)
        if name == "mul":
            sized, times = (left, right) if isinstance(right, int) else (right, left)
            length = len(sized) if isinstance(sized, (list, tuple, str, bytes)) else 0
            if isinstance(times, int) and length * times > MOST_ITEMS:
                return self.unknown(Message("this is too large to be followed"), node)
        if name == "mod" and isinstance(left, str) and re.search(r"\d{4}|\*", left):
            return self.unfollowed(node)
        shallow = name in ("add", "mul") and isinstance(left, (list, tuple))
        return self.guarded(getattr(operator, name), [left, right], {}, node, deep=not shallow)

    def guarded(
        self,
        function: Callable[..., Any],
        args: list[Any],
        kwargs: dict[str, Any],
        node: ast.AST,
        deep: bool = True,
    ) -> Any:
        """What a function of Python gives of values that are known and small.

        With `deep` it looks into containers.
        """
        for each in (*args, *kwargs.values()):
            found = unknown_in(each) if deep else each
            if isinstance(found, Unknown):
                return found
            if deep and self.weight(each) > MOST_ITEMS:
                return self.unknown(Message("this is too large to be followed"), node)
        if function is format and re.search(r"\d{4}", str(args[1])):
            return self.unfollowed(node)
        try:
            return self.sized(function(*args, **kwargs), node)
        except (ArithmeticError, LookupError, TypeError, ValueError, AttributeError) as error:
            return self.fails(error, node)

    def fails(self, error: Exception, node: ast.AST) -> Unknown:
        """What Python would refuse."""
        words = str(error).splitlines()[:1] or [""]
        return self.unknown(Message("this fails: {error}", error=words[0][:80]), node)

    def weight(self, value: Any) -> int:
        """How many values a value is made of, as far as the most that may be."""
        left, count = [value], 0
        while left and count <= MOST_ITEMS:
            each = left.pop()
            count += 1
            if isinstance(each, (list, tuple, set)):
                left.extend(each)
            elif isinstance(each, dict):
                left.extend(each.values())
        self.tick(count // 8)
        return count

    def sized(self, value: Any, node: ast.AST) -> Any:
        """A value that is not too large."""
        large = isinstance(value, int) and value.bit_length() > MOST_ITEMS
        if isinstance(value, (str, bytes, list, tuple, dict, set)):
            large = len(value) > MOST_ITEMS
            self.tick(len(value) // 8)
        return self.unknown(Message("this is too large to be followed"), node) if large else value

    def items(self, value: Any, node: ast.AST) -> Any:
        """What a loop over a value goes through: a sequence, or an unknown."""
        if isinstance(value, Instance):
            world, fields = self.world(value), self.fields(value)
            items = world.items(value) if world else None
            if fields:
                items = [value.attrs.get(each) for each in fields]
            return self.unfollowed(node) if items is None else items
        if isinstance(value, (Class, Bound, Super, Native, Partial)):
            return self.unfollowed(node)
        if isinstance(value, range):
            return value
        if isinstance(value, (list, tuple, str, dict, set)):
            self.tick(len(value) // 8)
            return [*value]
        if isinstance(value, Tensor):
            items = value.world.items(value)
            message = Message("a loop over a tensor is not followed")
            return self.unknown(message, node) if items is None else items
        return value if isinstance(value, Unknown) else self.unfollowed(node)

    def fields(self, instance: Instance) -> list[str]:
        """The fields of a dataclass or a named tuple, in their order."""
        result: list[str] = []
        for cls in reversed([*lineage(instance.cls)]):
            if isinstance(cls, Class):
                result += [each for each in cls.attrs.get("__fields__", ()) if each not in result]
        return result

    def world(self, instance: Instance) -> World | None:
        """The framework that an instance is of."""
        native = instance.native
        return self.worlds.get(native.root) if native is not None else None

    # Attributes and calls

    def attribute(self, owner: Any, name: str, node: ast.AST) -> Any:
        """`owner.name`."""
        if isinstance(owner, Unknown):
            return owner
        if isinstance(owner, Library):
            return Library(canonical(f"{owner.path}.{name}"))
        if isinstance(owner, Instance):
            return self.attribute_of(owner, name, node)
        if isinstance(owner, Super):
            return self.method(owner.above, owner.instance, name, node)
        if isinstance(owner, Class):
            for cls in lineage(owner):
                if isinstance(cls, Class) and name in cls.attrs:
                    value = cls.attrs[name]
                    bound = isinstance(value, Function) and value.kind == "class"
                    return Bound(value, owner) if bound else value
                if isinstance(cls, Library):
                    return Library(f"{cls.path}.{name}")
            if name == "__name__":
                return owner.name
        if isinstance(owner, Tensor):
            found = owner.world.attribute(owner, name)
            return self.no_such(name, node) if found is None else found
        if isinstance(owner, Function) and name == "__name__":
            return owner.name
        if isinstance(owner, Partial) and name == "func":
            return owner.function
        allowed = next((names for kind, names in _METHODS.items() if type(owner) is kind), None)
        if allowed and name in allowed:
            return Native(lambda args, kwargs, at: self.own_method(owner, name, args, kwargs, at))
        if isinstance(owner, (int, float)) and name in ("real", "imag"):
            return getattr(owner, name)
        return self.no_such(name, node)

    def no_such(self, name: str, node: ast.AST) -> Unknown:
        """An attribute of which nothing is known."""
        return self.unknown(Message("nothing is known of `{name}`", name=name), node)

    def attribute_of(self, owner: Instance, name: str, node: ast.AST) -> Any:
        if name in owner.attrs:
            return owner.attrs[name]
        if name == "__class__":
            return owner.cls
        return self.method(tuple(lineage(owner.cls)), owner, name, node)

    def method(self, classes: Sequence[Any], owner: Any, name: str, node: ast.AST) -> Any:
        """An attribute of the classes of an instance."""
        for cls in classes:
            if isinstance(cls, Class) and name in cls.attrs:
                value = cls.attrs[name]
                if isinstance(value, Function):
                    if value.kind == "static":
                        return value
                    bound = Bound(value, owner.cls if value.kind == "class" else owner)
                    return self.call(bound, [], {}, node) if value.kind == "property" else bound
                return value
            if isinstance(cls, Unknown):
                return cls
            filled = isinstance(cls, Class) and "__fields__" in cls.attrs
            if name == "__init__" and filled and isinstance(owner, Instance):
                return Native(lambda args, kwargs, at: self.fill(owner, args, kwargs, at))
            if isinstance(cls, Library) and isinstance(owner, Instance):
                found = self.inherited(cls, owner, name)
                if found is not None:
                    return found
        if name == "__init__":
            return Native(lambda args, kwargs, at: None)
        return self.no_such(name, node)

    def inherited(self, cls: Library, owner: Instance, name: str) -> Any:
        """An attribute that an instance has of a library's class, or None."""
        world = self.worlds.get(cls.root)
        if world is None:
            return Native(lambda args, kwargs, at: None) if name == "__init__" else None
        if name == "__init__":
            return Native(lambda args, kwargs, at: world.begin(owner, args, kwargs))
        if name in (world.entry, "__call__"):
            return Native(lambda args, kwargs, at: world.above(owner, args, kwargs))
        return world.attribute(owner, name)

    def lookup(self, cls: Any, name: str) -> Any:
        """A function of the source that a class has under a name, or None."""
        for each in lineage(cls):
            if isinstance(each, Class) and name in each.attrs:
                return each.attrs[name]
        return None

    def super(self, env: Env, node: ast.AST) -> Any:
        """`super()` in a method."""
        inner = env.find("__owner__")
        if inner is None:
            return self.unfollowed(node)
        return self.above(inner.names["__owner__"], inner.names["__self__"], node)

    def above(self, owner: Any, instance: Any, node: ast.AST) -> Any:
        cls = instance.cls if isinstance(instance, Instance) else instance
        order = [*lineage(cls)]
        at = next((i for i, each in enumerate(order) if each is owner), None)
        return self.unfollowed(node) if at is None else Super(tuple(order[at + 1 :]), instance)

    def call(self, function: Any, args: list[Any], kwargs: dict[str, Any], node: ast.AST) -> Any:
        """Call a value."""
        before, self.node = self.node, node
        self.depth += 1
        try:
            self.tick()
            if self.depth > MOST_CALLS:
                raise Exhausted(self.place(node))
            return self._call_value(function, args, kwargs, node)
        finally:
            self.node = before
            self.depth -= 1

    def _call_value(self, function: Any, args: list[Any], kwargs: dict[str, Any], node: Any) -> Any:
        if isinstance(function, Unknown):
            return function
        if isinstance(function, Native):
            return function.call(args, kwargs, node)
        if isinstance(function, Bound):
            return self.call(function.function, [function.instance, *args], kwargs, node)
        if isinstance(function, Partial):
            given = {**function.kwargs, **kwargs}
            return self.call(function.function, [*function.args, *args], given, node)
        if isinstance(function, Function):
            return self.enter(function, args, kwargs, node)
        if isinstance(function, Class):
            return self.make(function, args, kwargs, node)
        if isinstance(function, Library):
            return self.call_library(function, args, kwargs, node)
        if isinstance(function, Instance):
            world = self.world(function)
            if world is not None:
                return world.run(function, args, kwargs, self.place(node))
            method = self.lookup(function.cls, "__call__")
            if method is not None:
                return self.call(Bound(method, function), args, kwargs, node)
        return self.unfollowed(node)

    def call_library(
        self, function: Library, args: list[Any], kwargs: dict[str, Any], node: ast.AST
    ) -> Any:
        """Call a name of a library."""
        world = self.worlds.get(function.root)
        if world is not None:
            return world.call(function, args, kwargs, self.place(node))
        name, root = function.name, function.root
        if root == "math" and hasattr(math, name):
            if name in ("factorial", "comb", "perm") and any(a > 1000 for a in args):
                return self.unfollowed(node)
            return self.guarded(getattr(math, name), args, kwargs, node)
        if root in ("numpy", "np") and name in ("ceil", "floor", "sqrt", "prod", "log2"):
            return self.guarded(getattr(math, name), args, kwargs, node)
        if name in ("OrderedDict", "deepcopy", "copy", "defaultdict"):
            return self.own(name, args, kwargs, node)
        if root == "typing" and name == "cast" and len(args) == 2:
            return args[1]
        if name in ("partial", "partialmethod") and args:
            return Partial(args[0], tuple(args[1:]), kwargs)
        if name == "namedtuple" and len(args) > 1:
            fields = args[1].replace(",", " ").split() if isinstance(args[1], str) else args[1]
            return Class(str(args[0]), (), {"__fields__": fields})
        if root == "itertools" and name in ("chain", "product"):
            parts = [self.items(each, node) for each in args]
            if name == "product":
                total = math.prod(len(each) for each in parts if not isinstance(each, Unknown))
                self.tick(min(total, MOST_STEPS))
            import itertools

            unknown = unknown_in(parts)
            return unknown or [*getattr(itertools, name)(*parts)]
        if root == "operator" and hasattr(operator, name) and len(args) == 2:
            return self.binary(name, args[0], args[1], node)
        path = function.path.lstrip(".")
        message = Message("`{name}` is not part of the source", name=path)
        return unknown_in([args, kwargs]) or self.unknown(message, node)

    def make(self, cls: Class, args: list[Any], kwargs: dict[str, Any], node: ast.AST) -> Any:
        """An instance of a class of the source."""
        wrong = next((each for each in lineage(cls) if isinstance(each, Unknown)), None)
        if wrong is not None:
            return wrong
        instance = Instance(cls, self.place(node))
        made = self.method(tuple(lineage(cls)), instance, "__init__", node)
        result = self.call(made, args, kwargs, node)
        return result if isinstance(result, Unknown) else instance

    def fill(
        self, instance: Instance, args: list[Any], kwargs: dict[str, Any], node: ast.AST
    ) -> None:
        """Give the fields of a dataclass or a named tuple their values."""
        fields = self.fields(instance)
        for name in fields:
            instance.attrs[name] = self.lookup(instance.cls, name)
        instance.attrs.update(zip(fields, args))
        instance.attrs.update((key, each) for key, each in kwargs.items() if key in fields)
        after = self.lookup(instance.cls, "__post_init__")
        if after is not None:
            self.call(Bound(after, instance), [], {}, node)

    def enter(
        self, function: Function, args: list[Any], kwargs: dict[str, Any], node: ast.AST
    ) -> Any:
        """Follow a function with its arguments."""
        env = Env(function.env)
        self.bind(function, args, kwargs, env, node)
        if isinstance(function.node, ast.Lambda):
            return self.value(function.node.body, env)
        if function.owner is not None and args:
            env.names["__owner__"], env.names["__self__"] = function.owner, args[0]
        generator = _yields(function.node)
        env.yielded = [] if generator else None
        try:
            self.execute(function.node.body, env)
        except _Return as result:
            if not generator:
                return result.value
        except _Raised as error:
            return self.too_far(error, node)
        except (_Break, _Continue):
            return self.unfollowed(node)
        return env.yielded if generator else None

    def bind(
        self, function: Function, args: list[Any], kwargs: dict[str, Any], env: Env, node: ast.AST
    ) -> None:
        """Give the parameters of a function their values."""
        arguments = function.node.args
        positional = [each.arg for each in (*arguments.posonlyargs, *arguments.args)]
        names = [*positional, *(each.arg for each in arguments.kwonlyargs)]
        given = dict(function.defaults)
        given.update(zip(positional, args))
        given.update((name, each) for name, each in kwargs.items() if name in names)
        for name in names:
            if name not in given:
                message = Message("no value is given for `{name}`", name=name)
                given[name] = kwargs.get("**") or self.unknown(message, node)
        if arguments.vararg:
            given[arguments.vararg.arg] = tuple(args[len(positional) :])
        if arguments.kwarg:
            rest = {name: each for name, each in kwargs.items() if name not in names}
            given[arguments.kwarg.arg] = rest
        env.names.update(given)

    # Python's own functions

    def own_method(
        self, owner: Any, name: str, args: list[Any], kwargs: dict[str, Any], node: ast.AST
    ) -> Any:
        """A method of a number, a string or a container."""
        if isinstance(owner, str):
            longest = max((len(each) for each in args if isinstance(each, str)), default=0)
            if name == "replace" and len(owner) * longest > 100 * MOST_ITEMS:
                return self.unfollowed(node)
            if name == "format" and re.search(r"\d{4}|\{[^}]*[.\[{]", owner):
                return self.unfollowed(node)
            return self.guarded(getattr(owner, name), args, kwargs, node)
        if name in ("extend", "update", "union") and args and not isinstance(owner, dict):
            args = [self.items(args[0], node)]
            if isinstance(args[0], Unknown):
                self._taint_container(owner, args[0])
                return None
        if name == "update" and args and isinstance(args[0], Unknown):
            return args[0]
        looks = name in ("add", "index", "count", "remove", "setdefault", "get", "pop")
        if looks and args and (isinstance(args[0], Unknown) or not self.hashable(args[0])):
            return self.unfollowed(node)
        try:  # an unknown may well be kept in a container
            result = getattr(owner, name)(*args, **kwargs)
        except (LookupError, TypeError, ValueError) as error:
            return self.fails(error, node)
        self.tick(len(owner) // 64 if isinstance(owner, (list, dict, set)) else 0)
        return [*result] if name in ("items", "keys", "values") else result

    def _builtins(self) -> dict[str, Any]:
        names = (
            *_PURE, "list", "tuple", "dict", "set", "frozenset", "enumerate", "zip", "reversed",
            "map", "filter", "sum", "isinstance", "issubclass", "getattr", "setattr", "hasattr",
            "type", "print", "super", "staticmethod", "classmethod", "property", "iter", "next",
            "callable", "object", "pow", "vars", "id",
        )  # fmt: skip

        def native(name: str) -> Native:
            return Native(lambda args, kwargs, node: self.own(name, args, kwargs, node))

        return {name: native(name) for name in names}

    def own(self, name: str, args: list[Any], kwargs: dict[str, Any], node: ast.AST) -> Any:
        """A function of Python."""
        special = getattr(self, f"_own_{name}", None)
        if special is not None:
            try:
                return special(node, *args, **kwargs)
            except TypeError:
                return self.unfollowed(node)
        if name in ("list", "tuple", "set", "frozenset", "enumerate", "zip", "reversed", "iter"):
            return self.sequence(name, args, kwargs, node)
        if name not in _PURE:
            return None if name in _IGNORED else self.unfollowed(node)
        if name in ("str", "repr") and args and not isinstance(args[0], (*_PLAIN, Unknown)):
            return self.unfollowed(node)
        if name in ("len", "max", "min", "sorted", "any", "all"):
            if args and isinstance(args[0], Instance):
                args = [self.items(args[0], node), *args[1:]]
            if isinstance(kwargs.get("key"), (Function, Native, Bound, Partial)):
                key = kwargs["key"]
                kwargs = {**kwargs, "key": lambda each: self.call(key, [each], {}, node)}
            if args and isinstance(args[0], range) and name != "len":
                self.tick(min(len(args[0]), MOST_STEPS))
        if any(isinstance(each, Tensor) for each in args):
            return args[0].world.operate(name, args, self.place(node))
        return self.guarded(_PURE[name], args, kwargs, node, deep=name != "len")

    def sequence(self, name: str, args: list[Any], kwargs: dict[str, Any], node: ast.AST) -> Any:
        """A list of what is gone through, and the like."""
        items = [self.items(each, node) for each in (args[:1] if name == "enumerate" else args)]
        found = next((each for each in items if isinstance(each, Unknown)), None)
        if found is not None:
            return found
        self.tick(min(sum(map(len, items)), MOST_STEPS))
        if name == "zip":
            return [*zip(*items)]
        first = items[0] if items else []
        if name == "enumerate":
            start = args[1] if len(args) > 1 else kwargs.get("start", 0)
            return [*enumerate(first, start)] if isinstance(start, int) else self.unfollowed(node)
        if name in ("set", "frozenset"):
            return {*first} if all(map(self.hashable, first)) else self.unfollowed(node)
        if name == "reversed":
            return [*reversed(first)]
        return tuple(first) if name == "tuple" else [*first]

    def _own_dict(self, node: ast.AST, *args: Any, **kwargs: Any) -> Any:
        first = args[0] if args else {}
        if isinstance(first, Unknown):
            return first
        if not isinstance(first, dict):
            pairs = self.items(first, node)
            if isinstance(pairs, Unknown):
                return pairs
            if not all(
                isinstance(p, (tuple, list)) and len(p) == 2 and self.hashable(p[0]) for p in pairs
            ):
                return self.unfollowed(node)
            first = dict(pairs)
        return {**first, **kwargs}

    _own_OrderedDict = _own_dict

    def _own_defaultdict(self, node: ast.AST, *args: Any, **kwargs: Any) -> Any:
        return self.unfollowed(node)

    def _own_copy(self, node: ast.AST, value: Any, *rest: Any) -> Any:
        if isinstance(value, (list, dict, set)):
            return value.copy()
        if not isinstance(value, Instance):
            return value
        made = Instance(value.cls, value.place)
        made.attrs = {name: self._own_copy(node, each) for name, each in value.attrs.items()}
        self.tick(len(made.attrs))
        return made

    _own_deepcopy = _own_copy

    def _own_map(self, node: ast.AST, function: Any, *args: Any) -> Any:
        items = [self.items(each, node) for each in args]
        unknown = next((each for each in items if isinstance(each, Unknown)), None)
        return unknown or [self.call(function, [*each], {}, node) for each in zip(*items)]

    def _own_filter(self, node: ast.AST, function: Any, value: Any) -> Any:
        items = self.items(value, node)
        if isinstance(items, Unknown):
            return items
        wanted = [
            each if function is None else self.call(function, [each], {}, node) for each in items
        ]
        truths = [self.truth(each, node) for each in wanted]
        return unknown_in(truths) or [each for each, true in zip(items, truths) if true]

    def _own_sum(self, node: ast.AST, value: Any, start: Any = 0) -> Any:
        items = self.items(value, node)
        if isinstance(items, Unknown):
            return items
        for each in items:
            self.tick()
            empty = isinstance(each, Tensor) and start == 0
            start = each if empty else self.binary("add", start, each, node)
        return start

    def _own_pow(self, node: ast.AST, left: Any, right: Any) -> Any:
        return self.binary("pow", left, right, node)

    def _own_next(self, node: ast.AST, value: Any, default: Any = None) -> Any:
        items = self.items(value, node)
        return items if isinstance(items, Unknown) else (items[0] if len(items) else default)

    def _own_callable(self, node: ast.AST, value: Any) -> Any:
        kinds = (Function, Bound, Native, Partial, Class, Library, Instance)
        return value if isinstance(value, Unknown) else isinstance(value, kinds)

    def _own_type(self, node: ast.AST, value: Any) -> Any:
        if isinstance(value, Instance):
            return value.cls
        name = type(value).__name__
        return self.builtins.get(name) or self.unfollowed(node)

    def _own_super(self, node: ast.AST, owner: Any, instance: Any) -> Any:
        return self.above(owner, instance, node)

    def _own_object(self, node: ast.AST) -> Any:
        return Instance(Class("object", (), {}), self.place(node))

    def _own_getattr(self, node: ast.AST, owner: Any, name: Any, default: Any = _MISSING) -> Any:
        if not isinstance(name, str):
            return name if isinstance(name, Unknown) else self.unfollowed(node)
        value = self.attribute(owner, name, node)
        missing = isinstance(value, Unknown) and not isinstance(owner, Unknown)
        return default if missing and default is not _MISSING else value

    def _own_setattr(self, node: ast.AST, owner: Any, name: Any, value: Any) -> Any:
        if isinstance(owner, Instance) and isinstance(name, str):
            owner.attrs[name] = value
        elif isinstance(owner, Instance):
            self._taint_container(owner, self.unfollowed(node))

    def _own_hasattr(self, node: ast.AST, owner: Any, name: Any) -> Any:
        if isinstance(owner, Unknown) or not isinstance(name, str):
            return unknown_in([owner, name]) or self.unfollowed(node)
        return not isinstance(self.attribute(owner, name, node), Unknown)

    def _own_issubclass(self, node: ast.AST, cls: Any, wanted: Any) -> Any:
        return self._is(cls, wanted, node)

    def _own_isinstance(self, node: ast.AST, value: Any, wanted: Any) -> Any:
        return self._is(value.cls if isinstance(value, Instance) else value, wanted, node)

    def _is(self, value: Any, wanted: Any, node: ast.AST) -> Any:
        """Whether a value, or a class, is one of some classes."""
        if isinstance(value, Unknown):
            return value
        if isinstance(wanted, (tuple, list)):
            found = [self._is(value, each, node) for each in wanted]
            return True if True in found else unknown_in(found) or False
        if isinstance(wanted, Native):
            name = next((key for key, each in self.builtins.items() if each is wanted), "")
            return name in _TYPES and isinstance(value, _TYPES[name])
        if isinstance(wanted, Class):
            return isinstance(value, Class) and any(each is wanted for each in lineage(value))
        if isinstance(wanted, Library):
            if isinstance(value, Tensor):
                return wanted.name == "Tensor"
            if wanted.name in ("Iterable", "Sequence"):
                return isinstance(value, (list, tuple, range))
            above = [each for each in lineage(value) if isinstance(each, Library)]
            base = {"Module", "Layer"}
            return any(
                each.name == wanted.name or (each.root == wanted.root and wanted.name in base)
                for each in above
            )
        return unknown_in(wanted) or self.unfollowed(node)


def canonical(path: str) -> str:
    """The path of a name under the one that it is known by here."""
    for long in (
        "tensorflow.python.keras",
        "tensorflow.keras",
        "tensorflow.contrib.keras",
        "tf_keras",
    ):
        if path == long or path.startswith(long + "."):
            return "keras" + path[len(long) :]
    return path


def _loaded(target: ast.expr) -> ast.expr:
    """The target of an assignment as an expression."""
    if isinstance(target, ast.Name):
        return ast.Name(target.id, ast.Load())
    if isinstance(target, ast.Attribute):
        return ast.Attribute(target.value, target.attr, ast.Load())
    assert isinstance(target, ast.Subscript)
    return ast.Subscript(target.value, target.slice, ast.Load())


def _is_field(node: ast.stmt) -> bool:
    return isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)


def _yields(node: ast.AST) -> bool:
    """Whether a function is a generator."""
    left = [*ast.iter_child_nodes(node)]
    while left:
        each = left.pop()
        if isinstance(each, (ast.Yield, ast.YieldFrom)):
            return True
        if not isinstance(each, (ast.FunctionDef, ast.Lambda, ast.ClassDef)):
            left.extend(ast.iter_child_nodes(each))
    return False
