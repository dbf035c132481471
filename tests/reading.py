"""Generated Python as a reader meets it: what pyflakes and the syntax tree say of it."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator

from pyflakes.checker import Checker

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
