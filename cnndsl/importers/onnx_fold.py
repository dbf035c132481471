"""Operations of ONNX on constants: the arithmetic of shapes that exporters leave in a graph."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, prod
from typing import Any

from cnndsl.importers.onnx_model import Node

MOST = 2**20
"""How many numbers constants may have that are worked out, or come of it."""


def fold(node: Node, inputs: Sequence[Any], opset: int) -> list[Any] | None:
    """What a node gives for arrays, None for an input that is left out.

    None where it is no operation that is worked out here, or the numbers do not fit it.
    """
    outside = getattr(node.get("value"), "external_data", None)
    if node.op not in _WORKED_OUT | _BY_VALUE or outside:
        return None
    import numpy

    try:
        if grown(node, inputs) > MOST:
            return None
        with numpy.errstate(all="ignore"):
            if node.op == "Div" and inputs[0].dtype.kind in "iu":
                # Whole numbers are cut off towards 0, which the reference does not.
                return [numpy.trunc(numpy.divide(*inputs)).astype(inputs[0].dtype)]
            return run(node, inputs, opset)
    except Exception:  # whatever the reference makes of what does not fit
        return None


def grown(node: Node, inputs: Sequence[Any]) -> Any:
    """How many numbers come of a node at most, for those that give more than they get."""
    import numpy

    if node.op == "ConstantOfShape":
        return prod(inputs[0].tolist())
    if node.op == "Expand":
        return prod(numpy.broadcast_shapes(inputs[0].shape, tuple(inputs[1].tolist())))
    if node.op == "Tile":
        return prod(inputs[1].tolist()) * inputs[0].size
    if node.op == "Range":
        start, limit, delta = (each.item() for each in inputs)
        return ceil((limit - start) / delta)
    if node.op == "Gather":
        return inputs[0].size // inputs[0].shape[node.get("axis", 0)] * inputs[1].size
    if node.op in _BY_VALUE:
        return prod(numpy.broadcast_shapes(*(each.shape for each in _there(inputs))))
    return 0


def run(node: Node, inputs: Sequence[Any], opset: int) -> list[Any]:
    """What the reference of the `onnx` package gives."""
    import numpy
    from onnx import helper
    from onnx.reference import ReferenceEvaluator

    names = [f"x{index}" if array is not None else "" for index, array in enumerate(inputs)]
    made = helper.make_node(node.op, names, node.outputs, **node.attributes)
    given, given_back = (
        [helper.make_empty_tensor_value_info(name) for name in each if name]
        for each in (names, node.outputs)
    )
    graph = helper.make_graph([made], "constants", given, given_back)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)])
    results = ReferenceEvaluator(model).run(None, dict(zip(names, inputs)))
    return [numpy.asarray(each) for each in results]


def _there(inputs: Sequence[Any]) -> list[Any]:
    return [each for each in inputs if each is not None]


_WORKED_OUT = frozenset(
    "Identity Cast CastLike Shape Size Gather Concat Slice Split Reshape Flatten Squeeze Unsqueeze "
    "Transpose Expand Tile Range ConstantOfShape ReduceProd ReduceSum ReduceMax ReduceMin "
    "ReduceMean ReduceL1 ReduceL2 ReduceSumSquare".split()
)
_BY_VALUE = frozenset(
    "Where Clip Max Min Add Sub Mul Div Pow Mod Neg Abs Floor Ceil Round Sqrt Exp Log Tanh "
    "Reciprocal Equal Less Greater And Or Not Sign".split()
)
