"""How Flax NNX writes a program of modules."""

from __future__ import annotations

import ast as python
from typing import ClassVar

from cnndsl.codegen.expressions import Literal, Symbol, Variable, calling, literal, name, walk
from cnndsl.codegen.lowering import axis_channels_last
from cnndsl.codegen.program import CodeCall, FunctionCall, Item, LayerCall, all_items
from cnndsl.codegen.source import Assign, Value
from cnndsl.codegen.style import Style, call_of, listed, stateless
from cnndsl.layers.base import Shape
from cnndsl.layers.merge import Merge

# What nnx.Module itself is made of; a layer cannot be called so.
_MODULE = frozenset("eval train perturb sow set_attributes iter_children iter_modules rngs".split())


class Nnx(Style):
    """Layers with weights are modules, and get `rngs`; all others are functions."""

    sequential, identity, module = "nnx.Sequential", name("nnx.identity"), "nnx.Module"
    listing, part = "nnx.List", ""
    tensor, forward, maximum = "jax.Array", "__call__", "jnp.maximum"
    attributes = _MODULE
    kinds: ClassVar = {
        **dict.fromkeys(("Symbol", "Made"), "Callable[[jax.Array], jax.Array]"),
        "Function": "type[nnx.Module]",
    }

    def __init__(self) -> None:
        self.drawing: set[str] = set()  # classes that want rngs

    reducers: ClassVar = {
        "add": "jnp.add",
        "subtract": "jnp.subtract",
        "mul": "jnp.multiply",
        "maximum": "jnp.maximum",
    }
    training = python.UnaryOp(python.Not(), name("self.deterministic"))
    flags = (Assign("self.deterministic", python.Constant(False)),)

    def order(self, shape: Shape) -> Shape:
        return shape

    def draws(self, items: list[Item]) -> bool:
        """Whether any part of these items is told where its weights are drawn from."""
        return any(
            (
                bool(self.arguments(item))
                if isinstance(item, FunctionCall)
                else isinstance(item, LayerCall)
                and any("rngs" in dict(c.kwargs) for c in item.calls)
            )
            for item in all_items(items)
        )

    def more(self, items: list[Item], own: str) -> list[str]:
        if not self.draws(items):
            return []
        self.drawing.add(own)
        return ["*", "rngs: nnx.Rngs"]

    def arguments(self, use: FunctionCall) -> dict[str, python.expr]:
        drawing = isinstance(use.called, Variable) or use.function.name in self.drawing
        return {"rngs": name("rngs")} if drawing else {}

    def frozen(self, parts: tuple[tuple[python.expr, str], ...], *, alone: bool = True) -> Value:
        found = [part for part, _ in parts]
        is_one = len(found) == 1 and not isinstance(found[0], python.Starred)
        return calling("freeze", found[0] if is_one else calling(self.sequential, *found))

    def piece(self, call: CodeCall) -> python.expr:
        if call.style == "layer":
            return call_of(call)
        if isinstance(call.function, Variable):
            return name(call.function.name)
        if not call.kwargs:
            return literal(call.function)
        function = Literal(call.function)
        return call_of(call._replace(function=Symbol("partial"), args=(function, *call.args)))

    def call(self, call: CodeCall, x: python.expr, *, kept: bool) -> python.expr | None:
        if call.style == "layer" or isinstance(call.function, Variable):
            return None
        if any(isinstance(each, Variable) for _, value in call.kwargs for each in walk(value)):
            return None  # it reads what the constructor knows
        return call_of(call, x)

    def around(self, item: Item, x: python.expr) -> python.expr | None:
        call = stateless(item)
        return None if call is None or call.kwargs else self.call(call, x, kept=False)

    def applied(self, item: Item, x: python.expr, kept: bool) -> python.expr | None:
        call = stateless(item)
        return None if call is None else self.call(call, x, kept=kept)

    def concat(self, parts: list[python.expr], layer: Merge) -> python.expr:
        axis = literal(axis_channels_last(layer))
        return calling("jnp.concatenate", listed(parts), axis=axis)
