"""Python text: literals, names, expressions of the language as expressions of Python."""

from __future__ import annotations

import ast as python
import keyword
from typing import TYPE_CHECKING, Any

from cnndsl.layers.values import Pair, Word
from cnndsl.syntax import nodes as ast

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

_TAKEN = frozenset(
    "layers ops keras nn torch nnx jax jnp rngs seed partial functional math np x self super "
    "range max min round int float divisible build_model init_weights draw_uniform in_channels "
    "main skip len list print type".split()
)


def literal(value: Any) -> str:
    """A value as Python code."""
    if isinstance(value, float):
        if value in (float("inf"), float("-inf")):
            return f'float("{value}")'
        return repr(value)
    if isinstance(value, tuple):
        inner = ", ".join(literal(item) for item in value)
        return f"({inner},)" if len(value) == 1 else f"({inner})"
    if isinstance(value, list):
        return f"[{', '.join(literal(item) for item in value)}]"
    if isinstance(value, str):
        return '"' + repr(value)[1:-1].replace('"', '\\"') + '"'
    return repr(value)


def plain(value: Any) -> Any:
    """A value of the language as a value of Python, or None where it is a word."""
    if isinstance(value, Word):
        return None
    if isinstance(value, (Pair, tuple)):
        return tuple(plain(item) for item in value)
    if isinstance(value, (bool, int, float)):
        return value
    return None


def python_name(name: str) -> str:
    """A name of the language as a name of Python that hides nothing."""
    if keyword.iskeyword(name) or keyword.issoftkeyword(name) or name in _TAKEN:
        return f"{name}_"
    return f"{name}_" if name.startswith("__") else name


def numbered(name: str, count: int) -> str:
    """A name with a number behind it: body2, branch1_2."""
    return f"{name}_{count}" if name[-1].isdigit() else f"{name}{count}"


def distinct(name: str, taken: Collection[str]) -> str:
    """A name that is not taken: the one given, or else with a number."""
    free, count = name, 1
    while free in taken:
        count += 1
        free = numbered(name, count)
    return free


def class_name(name: str) -> str:
    """A name as a class is called: inverted_residual becomes InvertedResidual."""
    parts = [part for part in name.split("_") if part]
    result = "".join(part[:1].upper() + part[1:] for part in parts) or "Net"
    return python_name(result if result.isidentifier() else f"Net{result}")


def translate(node: ast.Expr, names: Mapping[str, str]) -> str | None:
    """An expression as Python code, with what its names become; None where it has none."""
    text = _translate(node, names)
    return None if text is None else tidy(text)


def tidy(code: str) -> str:
    """Code with no parentheses but those it needs."""
    return python.unparse(python.parse(code, mode="eval"))


def substitute(code: str, values: Mapping[str, str]) -> str:
    """Code with expressions in the place of names."""

    class Replace(python.NodeTransformer):
        def visit_Name(self, node: python.Name) -> python.expr:
            if node.id not in values:
                return node
            return python.parse(values[node.id], mode="eval").body

    return python.unparse(Replace().visit(python.parse(code, mode="eval")))


def names_in(code: str) -> set[str]:
    """The names that code reads."""
    tree = python.parse(code, mode="eval")
    return {node.id for node in python.walk(tree) if isinstance(node, python.Name)}


def divisible(x: float, by: int) -> int:
    """What the snippet of that name computes, which a generated module brings along."""
    from cnndsl.network.expressions import divisible

    return divisible(x, by)


_FUNCTIONS = {"max": max, "min": min, "round": round, "divisible": divisible, "int": int}


def value_of(code: str, env: Mapping[str, Any]) -> Any:
    """What code that this module made comes to, or an exception's class where it fails."""
    from math import ceil, floor
    from types import SimpleNamespace

    scope = {**_FUNCTIONS, "math": SimpleNamespace(ceil=ceil, floor=floor), **env}
    try:
        return eval(compile(code, "<code>", "eval"), {"__builtins__": {}}, scope)
    except Exception as error:
        return type(error)


def _translate(node: ast.Expr, names: Mapping[str, str]) -> str | None:
    if isinstance(node, ast.Number):
        return literal(node.value)
    if isinstance(node, ast.Size):
        return literal(node.value)
    if isinstance(node, ast.Name):
        return names.get(node.id)
    if isinstance(node, ast.Tuple):
        items = [_translate(item, names) for item in node.items]
        return None if None in items else f"({', '.join(map(str, items))})"
    if isinstance(node, ast.Unary):
        inner = _translate(node.operand, names)
        return None if inner is None else f"({node.op} ({inner}))"
    if isinstance(node, ast.Binary):
        left, right = _translate(node.left, names), _translate(node.right, names)
        return None if left is None or right is None else f"(({left}) {node.op} ({right}))"
    if isinstance(node, ast.Call):
        args = [_translate(arg, names) for arg in node.args]
        if None in args:
            return None
        name = node.function.id
        name = f"math.{name}" if name in ("ceil", "floor") else name
        return f"{name}({', '.join(map(str, args))})"
    return None


def black(code: str) -> str:
    """Code as black leaves it."""
    from black import Mode, format_str

    return format_str(code, mode=Mode(line_length=88))
