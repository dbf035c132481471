"""Layers that an exporter has written out in smaller operations, put together again.

A pattern is a tree. A text in it is a value, the same wherever it stands; one that begins with
`$` is a number, with `@` an array of constants, and with `?` anything. A number is that number. A
tuple is an operation and its inputs; `product` and `sum` are several of them, in any order and
association. Nodes that nothing reads afterwards fall away later.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import permutations
from math import isclose, pi, prod, sqrt
from typing import Any, TypeAlias

from cnndsl.importers.onnx_model import Model, Node

Pattern: TypeAlias = "str | float | tuple[Any, ...]"

DEEPEST = 4
"""How deep the parts of a product or a sum of a pattern do not lie any more."""


class Rewriter:
    """Puts the nodes of a model together by patterns, each in its place."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self.scalars: dict[str, float | None] = {}
        self.spreads: dict[tuple[int, str, str], tuple[list[str], list[float]]] = {}
        self.makers = {value: node for node in model.nodes for value in node.outputs}
        self.readers = model.readers()

    def run(self) -> None:
        """Rewrite all nodes, the innermost patterns first."""
        for node in self.model.nodes:
            self.bounds(node)
            if node.op == "MaxPool" and node.inputs:
                self.least_around(node)
        for op, pattern in PATTERNS:
            anchors = _anchors(pattern)
            for node in self.model.nodes:
                found: dict[str, Any] = {}
                if (
                    node.op in anchors
                    and node.outputs
                    and self.matches(pattern, node.outputs[0], found)
                ):
                    self.replace(node, op, found)
                    self.spreads.clear()

    def bounds(self, node: Node) -> None:
        """Write the bounds of a `Clip` as attributes, whatever the version of its operator, and
        tell the activations apart that have the same operator."""
        if node.op == "Clip":
            given = {name: self.number(value)
                     for name, value in zip(("min", "max"), node.inputs[1:]) if value}  # fmt: skip
            node.attributes |= given
            if None not in given.values():
                node.inputs = node.inputs[:1]
                if (node.get("min"), node.get("max")) == (0, 6):
                    node.op = "Relu6"
        elif node.op == "HardSigmoid" and (
            isclose(node.get("alpha", 0.2), 1 / 6, rel_tol=1e-6) and node.get("beta", 0.5) == 0.5
        ):
            node.op = "HardSigmoid6"

    def least_around(self, node: Node) -> None:
        """Take what is put around the input of a max pool as its padding, if it is minus infinity.

        Runtimes do not let a pool pad as much as the language does.
        """
        inside, ends, number = self.around(node.inputs[0])
        old = node.get("pads") or [0] * len(ends)
        if number is None or number > -3e38 or len(old) != len(ends):
            return
        if node.get("auto_pad", "NOTSET") == "NOTSET":
            node.attributes["pads"] = [a + b for a, b in zip(old, ends)]
            node.inputs[0] = inside

    def around(self, value: str) -> tuple[str, list[int], float | None]:
        """What a value is of which a constant is put around, how often at each end, and which;
        the value itself where none is."""
        node = self.makers.get(value)
        if node is None or node.op != "Pad" or len(node.inputs) not in (2, 3):
            return value, [], None
        ends = self.numbers(node.inputs[1])
        half = len(ends) // 2
        if node.get("mode", "constant") != "constant" or any(ends[:2] + ends[half : half + 2]):
            return value, [], None
        number = self.number(node.inputs[2]) if len(node.inputs) > 2 else 0
        return node.inputs[0], [*ends[2:half], *ends[half + 2 :]], number

    def replace(self, node: Node, op: str, found: Mapping[str, Any]) -> None:
        """Make a node what its pattern says, with the inputs `x`, and `@gamma` and `@beta`."""
        attributes = self.attributes(op, found)
        if attributes is None:
            return
        inputs = [found.get(name, "") for name in ("x", "@gamma", "@beta", "?to")]
        while inputs and not inputs[-1]:
            inputs.pop()
        node.op, node.inputs, node.attributes = op, inputs, attributes | {"written_out": True}

    def attributes(self, op: str, found: Mapping[str, Any]) -> dict[str, Any] | None:
        """The attributes of an operation that is put together; None where it is another."""
        inner = self.makers.get(found.get("inner", ""))
        if op == "GroupNormalization" and inner:
            ones, zeros = (self.model.constants[found[name]] for name in ("@ones", "@zeros"))
            alone = (ones.filled(), zeros.filled()) == (1, 0)
            if not alone or self.numbers(found["@groups"])[1:] != [ones.size, -1]:
                return None
            return {"num_groups": ones.size, "epsilon": inner.get("epsilon", 1e-5)}
        if op == "LayerNormalization":
            reductions = self.makers[found["mean"]], self.makers[found["variance"]]
            axes, others = (
                node.get("axes") or self.numbers((*node.inputs, "")[1]) for node in reductions
            )
            if axes != others or not all(node.get("keepdims", 1) for node in reductions):
                return None
            return {"axes": axes, "epsilon": found["$eps"]}
        if op == "Gelu":
            return {"approximate": "tanh" if "cube" in found else "none"}
        if op == "MinPool" and inner:
            return inner.attributes
        return self.neighbours(inner, found) if op == "LRN" and inner else {}

    def neighbours(self, pool: Node, found: Mapping[str, Any]) -> dict[str, Any] | None:
        """The attributes of a local response normalisation that is a pool over the channels, which
        stand behind an axis of one value; None where it is another."""
        size, *others = pool.get("kernel_shape") or [0]
        none = [0 for _ in others]
        own = pool.get("pads") or [0, *none, 0, *none]
        inside, pads, number = self.around(pool.inputs[0])
        if inside == pool.inputs[0]:
            pads, number = own, 0 if pool.get("count_include_pad") else None
        elif any(own):
            return None
        view = self.makers[inside]
        to = self.numbers(view.inputs[1])
        if number != 0 or pads != [size // 2, *none, (size - 1) // 2, *none]:
            return None
        if view.op != "Reshape" or len(to) < 4 or to[1] != 1 or pool.get("ceil_mode"):
            return None
        if {*(pool.get("strides") or [1]), *others} != {1}:
            return None
        return {"size": size, "alpha": found["$alpha"], "beta": found["$beta"], "bias": found["$k"],
                "channels": to[2], "centred": True}  # fmt: skip

    def numbers(self, value: str) -> list[Any]:
        """The numbers of an array of constants; none for another value."""
        constant = self.model.constants.get(value)
        return constant.values() if constant else []

    def number(self, value: str) -> float | None:
        """The number that a value is, if it is one."""
        if value not in self.scalars:
            constant = self.model.constants.get(value)
            self.scalars[value] = constant.scalar() if constant and constant.size == 1 else None
        return self.scalars[value]

    # Matching

    def matches(self, pattern: Pattern, value: str, found: dict[str, Any]) -> bool:
        """Whether a value is what a pattern says; `found` gets what its names stand for."""
        if isinstance(pattern, str):
            return self.named(pattern, value, found)
        if isinstance(pattern, float):
            number = self.number(value)
            return number is not None and isclose(number, pattern, rel_tol=1e-5)
        op, *parts = pattern
        if op in _COMBINING:
            return any(self.combined(depth, op, parts, value, found) for depth in range(1, DEEPEST))
        if op == "or":
            return any(self.all_match([(part, value)], found) for part in parts)
        if op == "as":
            found[parts[0]] = value
            return self.matches(parts[1], value, found)
        node = self.makers.get(value)
        if node is None or node.op != op or len(node.inputs) < len(parts):
            return False
        return all(self.matches(part, each, found) for part, each in zip(parts, node.inputs))

    def all_match(self, pairs: Iterable[tuple[Pattern, str]], found: dict[str, Any]) -> bool:
        """Whether values are what patterns say; leaves `found` alone where they are not."""
        copy = dict(found)
        if not all(self.matches(pattern, value, copy) for pattern, value in pairs):
            return False
        found.update(copy)
        return True

    def named(self, name: str, value: str, found: dict[str, Any]) -> bool:
        if name == "?":
            return True
        meant = self.number(value) if name.startswith("$") else value
        if name[0] not in "?$" and name.startswith("@") != (value in self.model.constants):
            return False
        return meant is not None and bool(found.setdefault(name, meant) == meant)

    def combined(
        self, depth: int, op: str, parts: list[Pattern], value: str, found: dict[str, Any]
    ) -> bool:
        """Whether a value is a product or a sum of parts, in any order and association, that lie
        up to so many operations deep."""
        key = depth, op, value
        if key not in self.spreads:
            self.spreads[key] = self.spread(depth, op, value, True)
        leaves, numbers = self.spreads[key]
        wanted = [part for part in parts if isinstance(part, float)]
        names = [part for part in parts if isinstance(part, str) and part.startswith("$")]
        others = [part for part in parts if part not in wanted and part not in names]
        if len(leaves) != len(others) or bool(numbers) != bool(wanted or names):
            return False
        total = prod(numbers) if op == "product" else sum(numbers)
        if wanted and not isclose(total, wanted[0], rel_tol=1e-5):
            return False
        if not any(self.all_match(zip(others, order), found) for order in permutations(leaves)):
            return False
        found.update(dict.fromkeys(names, total))
        return True

    def spread(
        self, depth: int, op: str, value: str, outermost: bool = False
    ) -> tuple[list[str], list[float]]:
        """The parts of a product or a sum that nothing else reads: values, and numbers."""
        if (number := self.number(value)) is not None:
            return [], [number]
        node, (many, less) = self.makers.get(value), _COMBINING[op]
        inside = depth and (outermost or self.readers[value] == 1)
        if node is not None and inside and len(node.inputs) == 2:
            leaves, numbers = self.spread(depth - 1, op, node.inputs[0])
            if node.op == many:
                more, others = self.spread(depth - 1, op, node.inputs[1])
                return leaves + more, numbers + others
            if node.op == less and (number := self.number(node.inputs[1])):
                return leaves, [*numbers, 1 / number if op == "product" else -number]
        return [value], []


_COMBINING = {"product": ("Mul", "Div"), "sum": ("Add", "Sub")}


def _anchors(pattern: Pattern) -> set[str]:
    """The operations that a value of a pattern can come from."""
    assert isinstance(pattern, tuple)
    op, *parts = pattern
    if op == "or":
        return {name for part in parts for name in _anchors(part)}
    return _anchors(parts[1]) if op == "as" else {*_COMBINING.get(op, (op,))}


def _patterns() -> Iterator[tuple[str, Pattern]]:
    """The operations that there are instead, and the patterns, the inner ones first."""
    yield "Softplus", ("Log", ("sum", 1.0, ("Exp", "x")))
    yield "Softplus", ("Where", ("Greater", "x", 20.0), "x", ("Softplus", "x"))
    yield "Silu", ("product", "x", ("Sigmoid", "x"))
    yield "Mish", ("product", "x", ("Tanh", ("Softplus", "x")))
    yield "Relu6", ("Min", ("Relu", "x"), 6.0)
    yield "Relu6", ("Relu6", ("Relu", "x"))
    yield "HardSwish", ("product", 1 / 6, "x", ("Relu6", ("sum", 3.0, "x")))
    yield "HardSigmoid6", ("product", 1 / 6, ("Relu6", ("sum", 3.0, "x")))
    yield "HardSwish", ("product", "x", ("HardSigmoid6", "x"))
    error = ("Erf", ("product", sqrt(1 / 2), "x"))
    yield "Gelu", ("product", 0.5, "x", ("sum", 1.0, error))
    yield "Gelu", ("product", "x", ("sum", 0.5, ("product", 0.5, error)))
    bend: Pattern
    squares = ("or", ("Pow", "x", 2.0), ("product", "x", "x"))
    cube = ("or", ("Pow", "x", 3.0), ("product", "x", "x", "x"), ("product", "x", squares))
    bend = ("sum", "x", ("product", 0.044715, ("as", "cube", cube)))
    yield "Gelu", ("product", 0.5, "x", ("sum", 1.0, ("Tanh", ("product", sqrt(2 / pi), bend))))
    bend = ("sum", 1.0, ("product", 0.044715, ("as", "cube", squares)))
    slope = ("product", sqrt(2 / pi), "x", bend)
    yield "Gelu", ("product", 0.5, "x", ("sum", 1.0, ("Tanh", slope)))
    yield "MinPool", ("Neg", ("as", "inner", ("MaxPool", ("Neg", "x"))))

    centred = ("Sub", "x", ("as", "mean", ("ReduceMean", "x")))
    spread = ("or", ("Pow", centred, 2.0), ("product", centred, centred))
    variance = ("as", "variance", ("ReduceMean", spread))
    deviation = ("Sqrt", ("sum", "$eps", variance))
    normal: Pattern = ("or", ("Div", centred, deviation),
                       ("product", centred, ("Reciprocal", deviation)))  # fmt: skip
    yield from _affine("LayerNormalization", normal)
    each = ("InstanceNormalization", ("Reshape", "x", "@groups"), "@ones", "@zeros")
    yield from _affine("GroupNormalization", ("Reshape", ("as", "inner", each), "?to"))
    image = ("Reshape", squares, "?")
    pool = ("as", "inner", ("AveragePool", ("or", ("Pad", image), image)))
    yield "LRN", ("Div", "x", ("Pow", ("sum", "$k", ("product", "$alpha", _seen(pool))), "$beta"))


def _seen(value: Pattern, times: int = 2) -> Pattern:
    """A value, or what up to so many changes of its shape make of it."""
    if not times:
        return value
    again = _seen(value, times - 1)
    return ("or", ("Reshape", again, "?"), ("Squeeze", again), again)


def _affine(op: str, normal: Pattern) -> Iterator[tuple[str, Pattern]]:
    """A normalisation with its factors and summands, or without."""
    yield op, ("sum", "@beta", ("product", "@gamma", normal))
    yield op, ("product", "@gamma", normal)
    yield op, ("sum", "@beta", normal)
    yield op, normal


PATTERNS: tuple[tuple[str, Pattern], ...] = tuple(_patterns())
