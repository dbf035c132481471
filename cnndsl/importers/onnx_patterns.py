"""Layers that an exporter has written out in smaller operations, put together again.

A pattern is a tree. A text in it is a value, the same wherever it stands; one that begins with
`$` is a number, with `@` an array of constants, and with `?` anything. A number is that number. A
tuple is an operation and its inputs; `product` and `sum` are several of them, in any order and
association. Nodes that nothing reads afterwards fall away later.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import permutations
from math import isclose, pi, prod, sqrt
from typing import Any, TypeAlias

from cnndsl.importers.onnx_model import Model, Node

Pattern: TypeAlias = "str | float | tuple[Any, ...]"

MOST_PARTS = 4
"""How deep the parts of a product or a sum of a pattern can lie."""

MOST_PLACES = 2**16
"""How many pixels of a dimension are laid side by side at most."""


class Rewriter:
    """Puts the nodes of a model together by patterns, each in its place."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self.scalars: dict[str, float | None] = {}
        self.spreads: dict[tuple[int, str, str], tuple[list[str], list[float]]] = {}
        self.makers = {value: node for node in model.nodes for value in node.outputs}
        self.readers = Counter(
            value for node in model.nodes if node.op != "Shape" for value in node.inputs
        )
        self.readers.update(model.outputs)

    def run(self) -> None:
        """Rewrite all nodes, the innermost patterns first."""
        for node in self.model.nodes:
            self.bounds(node)
            if node.op == "MaxPool" and node.inputs:
                self.least_around(node)
                self.side_by_side(node)
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
            low, high = (*node.inputs[1:], "", "")[:2]
            for name, value in (("min", low), ("max", high)):
                if value:
                    node.attributes[name] = self.number(value)
            if None not in [self.number(value) for value in (low, high) if value]:
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
        around = self.makers.get(node.inputs[0])
        if around is None or around.op != "Pad" or around.get("mode", "constant") != "constant":
            return
        pads = self.model.constants.get((*around.inputs, "", "")[1])
        value = self.number((*around.inputs, "", "", "")[2])
        if pads is None or value is None or value > -3e38 or len(around.inputs) > 3:
            return
        half = len(pads.values()) // 2
        ends = [*pads.values()[2:half], *pads.values()[half + 2 :]]
        old = node.get("pads") or [0] * len(ends)
        if node.get("auto_pad", "NOTSET") == "NOTSET" and len(old) == len(ends):
            node.attributes["pads"] = [a + b for a, b in zip(old, ends)]
            node.inputs[0] = around.inputs[0]

    def side_by_side(self, node: Node) -> None:
        """Note windows that are laid side by side before a max pool, by their pixels' places."""
        kernel, places = node.get("kernel_shape"), dict[int, list[int]]()
        value = node.inputs[0]
        while (before := self.makers.get(value)) and before.op == "Gather":
            if len(before.inputs) != 2:
                return
            at = self.model.constants.get(before.inputs[1])
            axis = before.get("axis", 0)
            if at is None or len(at.shape) != 1 or axis in places or at.size > MOST_PLACES:
                return
            places[axis], value = at.values(), before.inputs[0]
        if places and kernel and kernel == node.get("strides") and not any(node.get("pads", ())):
            node.op, node.inputs = "SharedPool", [value]
            node.attributes |= {"places": places, "word": "pool"}

    def replace(self, node: Node, op: str, found: Mapping[str, Any]) -> None:
        """Make a node what its pattern says, with the inputs `x`, and `@gamma` and `@beta`."""
        inputs = [found["x"], found.get("@gamma", ""), found.get("@beta", "")]
        attributes: dict[str, Any] = {"written_out": True}
        if "$eps" in found:
            attributes["epsilon"] = found["$eps"]
        if op == "GroupNormalization":
            groups = self.model.constants[found["@groups"]].values()
            if not self.is_grouped(found) or len(groups) != 3:
                return
            inner = self.makers[found["inner"]]
            attributes |= {"num_groups": groups[1], "epsilon": inner.get("epsilon", 1e-5)}
            inputs.append(found["?to"])
        if op == "LayerNormalization":
            mean, variance = self.makers[found["mean"]], self.makers[found["variance"]]
            attributes["axes"] = self.axes(mean)
            if self.axes(variance) != self.axes(mean) or 0 in (
                mean.get("keepdims", 1), variance.get("keepdims", 1)
            ):  # fmt: skip
                return
        if op == "Gelu":
            attributes["approximate"] = "tanh" if "cube" in found else "none"
        if op == "MinPool":
            inner = self.makers[found["inner"]]
            attributes = inner.attributes | {"word": "minpool"}
            op = "MinPool" if inner.op == "MaxPool" else inner.op
        if op == "LRN":
            if (neighbours := self.neighbours(found)) is None:
                return
            attributes |= neighbours
        node.op, node.attributes = op, attributes
        while inputs and not inputs[-1]:
            inputs.pop()
        node.inputs = inputs

    def is_grouped(self, found: Mapping[str, Any]) -> bool:
        """Whether what is normalised are groups of channels, by themselves."""
        constants = self.model.constants
        groups = constants[found["@groups"]].values()
        ones, zeros = constants[found["@ones"]], constants[found["@zeros"]]
        return (
            groups[1:2] == [ones.size]
            and groups[-1] == -1
            and (ones.filled(), zeros.filled()) == (1, 0)
        )

    def axes(self, node: Node) -> list[int]:
        """The axes of a reduction."""
        if len(node.inputs) > 1 and node.inputs[1] in self.model.constants:
            return [int(axis) for axis in self.model.constants[node.inputs[1]].values()]
        return list(node.get("axes") or ())

    def number(self, value: str) -> float | None:
        """The number that a value is, if it is one."""
        if value not in self.scalars:
            constant = self.model.constants.get(value)
            self.scalars[value] = constant.scalar() if constant and constant.size == 1 else None
        return self.scalars[value]

    def neighbours(self, found: Mapping[str, Any]) -> dict[str, Any] | None:
        """The attributes of a local response normalisation that is a pool over the channels, which
        stand behind an axis of one value; None where it is another."""
        pool = self.makers[found["inner"]]
        size, *others = pool.get("kernel_shape") or [0]
        before, after = size // 2, (size - 1) // 2
        wanted = [before, *(0 for _ in others), after, *(0 for _ in others)]
        pads = pool.get("pads") or [0] * len(wanted)
        counts = bool(pool.get("count_include_pad"))
        around = self.makers.get(pool.inputs[0])
        if around is not None and around.op == "Pad":
            given = self.model.constants.get((*around.inputs, "", "")[1])
            ends = given.values() if given else []
            half = len(ends) // 2
            if any(pads) or any(ends[:2]) or any(ends[half : half + 2]):
                return None
            pads, counts = [*ends[2:half], *ends[half + 2 :]], True
            if around.get("mode", "constant") != "constant" or (len(around.inputs) > 2 and (
                self.number(around.inputs[2]) != 0
            )):  # fmt: skip
                return None
            around = self.makers.get(around.inputs[0])
        shape = self.model.constants.get(around.inputs[1]) if around and (
            len(around.inputs) > 1) else None  # fmt: skip
        to = shape.values() if shape else []
        apart = {"Unsqueeze": to == [1] or (around and around.get("axes") == [1]),
                 "Reshape": len(to) > 3 and to[1] == 1}  # fmt: skip
        if around is None or not apart.get(around.op) or pads != wanted or not counts:
            return None
        if {*(pool.get("strides") or [1]), *others} != {1} or pool.get("ceil_mode"):
            return None
        channels = {"channels": to[2]} if around.op == "Reshape" else {}
        return channels | {"size": size, "alpha": found["$alpha"], "beta": found["$beta"],
                           "bias": found["$k"], "centred": True}  # fmt: skip

    # Matching

    def matches(self, pattern: Pattern, value: str, found: dict[str, Any]) -> bool:
        """Whether a value is what a pattern says; `found` gets what its names stand for."""
        if isinstance(pattern, str):
            return self.named(pattern, value, found)
        if isinstance(pattern, float):
            number = self.number(value)
            return number is not None and isclose(number, pattern, rel_tol=1e-5)
        op, *parts = pattern
        if op in ("product", "sum"):
            return self.combined(op, parts, value, found)
        if op == "or":
            return any(self.tried(part, value, found) for part in parts)
        if op == "as":
            found[parts[0]] = value
            return self.matches(parts[1], value, found)
        node = self.makers.get(value)
        if node is None or node.op != op or len(node.inputs) < len(parts):
            return False
        return all(self.matches(part, each, found) for part, each in zip(parts, node.inputs))

    def tried(self, pattern: Pattern, value: str, found: dict[str, Any]) -> bool:
        """The same, leaving `found` alone where it does not match."""
        copy = dict(found)
        if not self.matches(pattern, value, copy):
            return False
        found.update(copy)
        return True

    def named(self, name: str, value: str, found: dict[str, Any]) -> bool:
        if name == "?":
            return True
        if name.startswith("?"):
            return bool(found.setdefault(name, value) == value)
        if name.startswith("$"):
            number = self.number(value)
            if number is None:
                return False
            return bool(found.setdefault(name, number) == number)
        if name.startswith("@") != (value in self.model.constants):
            return False
        return bool(found.setdefault(name, value) == value)

    def combined(self, op: str, parts: list[Pattern], value: str, found: dict[str, Any]) -> bool:
        """Whether a value is a product or a sum of parts, in any order and association."""
        return any(self.spread_to(depth, op, parts, value, found) for depth in range(1, MOST_PARTS))

    def spread_to(
        self, depth: int, op: str, parts: list[Pattern], value: str, found: dict[str, Any]
    ) -> bool:
        """The same for parts that lie up to so many operations deep."""
        key = depth, op, value
        if key not in self.spreads:
            self.spreads[key] = [], []
            self.spread(depth, op, value, *self.spreads[key], True)
        leaves, numbers = self.spreads[key]
        if not len(parts) - 1 <= len(leaves) <= len(parts):
            return False
        wanted = [part for part in parts if isinstance(part, float)]
        names = [part for part in parts if isinstance(part, str) and part.startswith("$")]
        others = [part for part in parts if part not in wanted and part not in names]
        if len(leaves) != len(others) or bool(numbers) != bool(wanted or names):
            return False
        total = prod(numbers) if op == "product" else sum(numbers)
        if wanted and not isclose(total, wanted[0], rel_tol=1e-5):
            return False
        for order in permutations(leaves):
            copy = dict(found)
            if all(self.matches(part, leaf, copy) for part, leaf in zip(others, order)):
                found.update(copy)
                found.update(dict.fromkeys(names, total))
                return True
        return False

    def spread(
        self,
        depth: int,
        op: str,
        value: str,
        leaves: list[str],
        numbers: list[float],
        outermost: bool = False,
    ) -> None:
        """Collect the parts of a product or a sum that nothing else reads."""
        if (number := self.number(value)) is not None:
            numbers.append(number)
            return
        node, (many, less) = self.makers.get(value), _COMBINING[op]
        if node is not None and depth and (outermost or self.readers[value] == 1):
            if node.op == many and len(node.inputs) == 2:
                for each in node.inputs:
                    self.spread(depth - 1, op, each, leaves, numbers)
                return
            halves = node.op == less and len(node.inputs) == 2
            number = self.number(node.inputs[1]) if halves else None
            if number:
                numbers.append(1 / number if op == "product" else -number)
                self.spread(depth - 1, op, node.inputs[0], leaves, numbers)
                return
        leaves.append(value)


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
    yield "MinPool", (
        "Neg",
        ("as", "inner", ("or", ("MaxPool", ("Neg", "x")), ("SharedPool", ("Neg", "x")))),
    )

    centred = ("Sub", "x", ("as", "mean", ("ReduceMean", "x")))
    variance = (
        "as",
        "variance",
        ("ReduceMean", ("or", ("Pow", centred, 2.0), ("product", centred, centred))),
    )
    deviation = ("Sqrt", ("sum", "$eps", variance))
    normal: Pattern = ("or", ("Div", centred, deviation),
                       ("product", centred, ("Reciprocal", deviation)))  # fmt: skip
    yield from _affine("LayerNormalization", normal)
    each = ("InstanceNormalization", ("Reshape", "x", "@groups"), "@ones", "@zeros")
    yield from _affine("GroupNormalization", ("Reshape", ("as", "inner", each), "?to"))
    image = _seen(squares)
    pool = ("as", "inner", ("AveragePool", ("or", ("Pad", image), image)))
    yield "LRN", ("Div", "x", ("Pow", ("sum", "$k", ("product", "$alpha", _seen(pool))), "$beta"))


def _seen(value: Pattern, times: int = 2) -> Pattern:
    """A value, or what up to so many changes of its shape make of it."""
    if not times:
        return value
    again = _seen(value, times - 1)
    return ("or", ("Reshape", again, "?"), ("Unsqueeze", again), ("Squeeze", again), again)


def _affine(op: str, normal: Pattern) -> Iterator[tuple[str, Pattern]]:
    """A normalisation with its factors and summands, or without."""
    yield op, ("sum", "@beta", ("product", "@gamma", normal))
    yield op, ("product", "@gamma", normal)
    yield op, ("sum", "@beta", normal)
    yield op, normal


PATTERNS: tuple[tuple[str, Pattern], ...] = tuple(_patterns())
