"""How Flax NNX writes a program of modules."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cnndsl.codegen.module_classes import Style, stateless
from cnndsl.codegen.python import names_in

if TYPE_CHECKING:
    from cnndsl.codegen.program import CodeCall, Function, Item, Use
    from cnndsl.layers.base import Shape

# What nnx.Module itself is made of; a layer cannot be called so.
_MODULE = frozenset("eval train perturb sow set_attributes iter_children iter_modules rngs".split())

_KNOWN = frozenset("jax jnp nnx float".split())
"""The names that values may read wherever they stand in a module."""


class Nnx(Style):
    """Layers with weights are modules, and get `rngs`; all others are functions."""

    sequential, identity, module = "nnx.Sequential", "nnx.identity", "nnx.Module"
    tensor, forward, maximum = "jax.Array", "__call__", "jnp.maximum"
    attributes = _MODULE

    def __init__(self, helpers: frozenset[str]) -> None:
        super().__init__(helpers)
        self.drawing: set[str] = set()  # functions whose classes want rngs

    def order(self, shape: Shape) -> Shape:
        return shape

    def signature(self, parameters: list[str], body: str) -> str:
        more = ["*", "rngs: nnx.Rngs"] if "rngs=rngs" in body else []
        return super().signature([*parameters, *more], body)

    def function(self, function: Function) -> str:
        text = super().function(function)
        if "rngs=rngs" in text:
            self.drawing.add(function.name)
        return text

    def arguments(self, use: Use) -> tuple[str, ...]:
        return ("rngs=rngs",) if use.function.name in self.drawing else ()

    def piece(self, call: CodeCall) -> str:
        if call.style == "layer":
            return call.text()
        if not call.kwargs:
            return call.function
        return call._replace(function="partial", args=(call.function, *call.args)).text()

    def call(self, call: CodeCall, x: str, *, kept: bool) -> str | None:
        if call.style == "layer":
            return None
        if any(names_in(value) - _KNOWN for _, value in call.kwargs):
            return None  # it reads what the constructor knows
        return call._replace(args=(x, *call.args)).text()

    def around(self, item: Item, x: str) -> str | None:
        call = stateless(item)
        return None if call is None or call.kwargs else self.call(call, x, kept=False)

    def applied(self, item: Item, x: str, kept: bool) -> str | None:
        call = stateless(item)
        return None if call is None else self.call(call, x, kept=kept)

    def concat(self, parts: list[str]) -> str:
        return f"jnp.concatenate([{', '.join(parts)}], axis=-1)"

    def stretched(self, part: str, rank: int) -> str:
        return f"{part}[:, {'None, ' * (rank - 1)}:]"
