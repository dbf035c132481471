"""Operations of ONNX on constants: the arithmetic of shapes that exporters leave in a graph."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import Any, TypeAlias

from cnndsl.importers.onnx_model import Node

MOST = 2**20
"""How many numbers constants may have that are worked out, or come of it."""

Form: TypeAlias = Callable[..., Any]


def fold(node: Node, inputs: Sequence[Any], opset: int) -> list[Any] | None:
    """What a node gives for arrays, None for an input that is left out.

    None where it is no operation that is worked out here, or the numbers do not fit it.
    """
    form = _FORMS.get(node.op)
    if form is None or sum(each.size for each in inputs if each is not None) > MOST:
        return None
    import numpy

    try:
        with numpy.errstate(all="ignore"):
            found = form(numpy, node, *inputs)
    except (ArithmeticError, AttributeError, IndexError, LookupError, TypeError, ValueError):
        return None
    many = found if isinstance(found, list) else [found]
    return [numpy.asarray(each) for each in many]


def axes_of(node: Node, given: Any = None) -> list[int] | None:
    """The axes that an attribute names, or in later versions an input."""
    if given is not None:
        return [int(axis) for axis in given.reshape(-1)]
    found: list[int] | None = node.get("axes")
    return found


def reshaped(shape: Sequence[int], to: Sequence[int], allow_zero: bool = False) -> list[int]:
    """A shape of as many numbers as another, with 0 as the size there and one -1 worked out.

    Raises ValueError for another number of them.
    """
    count = prod(shape)
    if not allow_zero:
        to = [size or shape[axis] for axis, size in enumerate(to)]
    rest = prod(size for size in to if size != -1)
    found = [count // rest if size == -1 and rest else size for size in to]
    if prod(found) != count or any(size < 0 for size in found) or list(to).count(-1) > 1:
        raise ValueError
    return found


def _elementwise(name: str) -> Form:
    return lambda np, node, *inputs: _few(np, getattr(np, name), *inputs)


def _few(np: Any, function: Form, *inputs: Any) -> Any:
    """A function of numbers that do not stretch each other to too many."""
    _bounded(np.broadcast_shapes(*(each.shape for each in inputs)))
    return function(*inputs)


def _bounded(shape: Sequence[int]) -> list[int]:
    shape = [int(size) for size in shape]
    if prod(shape) > MOST or any(size < 0 for size in shape):
        raise ValueError
    return shape


def _divide(np: Any, node: Node, x: Any, y: Any) -> Any:
    if x.dtype.kind not in "iu":
        return _few(np, np.divide, x, y)
    # Whole numbers are cut off towards 0.
    return _few(np, lambda x, y: (np.sign(x) * np.sign(y)) * (abs(x) // abs(y)), x, y)


def _cast(np: Any, node: Node, x: Any) -> Any:
    from onnx import helper

    return x.astype(helper.tensor_dtype_to_np_dtype(node.get("to", 1)))


def _slice(
    np: Any, node: Node, x: Any, starts: Any = None, ends: Any = None, axes: Any = None,
    steps: Any = None,
) -> Any:  # fmt: skip
    begins = node.get("starts") if starts is None else starts.tolist()
    stops = node.get("ends") if ends is None else ends.tolist()
    where = axes_of(node, axes) or range(len(begins))
    by = [1] * len(begins) if steps is None else steps.tolist()
    cut: list[Any] = [slice(None)] * x.ndim
    for axis, begin, stop, step in zip(where, begins, stops, by):
        # An end as far away as numbers go is before the first one where it goes backwards.
        cut[axis] = slice(begin, None if step < 0 and stop < -x.shape[axis] else stop, step)
    return x[tuple(cut)]


def _gather(np: Any, node: Node, x: Any, at: Any) -> Any:
    axis = node.get("axis", 0)
    _bounded([x.size // max(1, x.shape[axis]), at.size])
    return np.take(x, at, axis)


def _squeeze(np: Any, node: Node, x: Any, axes: Any = None) -> Any:
    found = axes_of(node, axes)
    return np.squeeze(x, None if found is None else tuple(found))


def _range(np: Any, node: Node, start: Any, limit: Any, delta: Any) -> Any:
    _bounded([max(0, (limit.item() - start.item()) / delta.item())])
    return np.arange(start.item(), limit.item(), delta.item(), start.dtype)


def _filled(np: Any, node: Node, shape: Any) -> Any:
    from onnx import numpy_helper

    value = node.get("value")
    number = np.zeros(1, np.float32) if value is None else numpy_helper.to_array(value)
    return np.full(_bounded(shape.tolist()), number.reshape(-1)[0])


def _expand(np: Any, node: Node, x: Any, shape: Any) -> Any:
    return np.broadcast_to(x, _bounded(np.broadcast_shapes(x.shape, tuple(shape.tolist()))))


def _tile(np: Any, node: Node, x: Any, repeats: Any) -> Any:
    _bounded([a * b for a, b in zip(x.shape, repeats.tolist())])
    return np.tile(x, repeats.tolist())


def _split(np: Any, node: Node, x: Any, parts: Any = None) -> Any:
    given = node.get("split") if parts is None else parts.tolist()
    axis = node.get("axis", 0)
    if given is None:
        each = -(-x.shape[axis] // len(node.outputs))
        return np.split(x, range(each, x.shape[axis], each), axis)
    return np.split(x, np.cumsum(given)[:-1], axis)


def _reduced(name: str) -> Form:
    def form(np: Any, node: Node, x: Any, axes: Any = None) -> Any:
        found = axes_of(node, axes)
        over = None if found is None else tuple(found)
        if not x.size:
            raise ValueError
        return getattr(np, name)(x, axis=over, keepdims=bool(node.get("keepdims", 1)))

    return form


_FORMS: dict[str, Form] = {
    "Identity": lambda np, node, x: x,
    "Cast": _cast,
    "CastLike": lambda np, node, x, y: x.astype(y.dtype),
    "Shape": lambda np, node, x: np.array(
        x.shape[slice(node.get("start", 0), node.get("end"))], np.int64
    ),
    "Size": lambda np, node, x: np.array(x.size, np.int64),
    "Gather": _gather,
    "Concat": lambda np, node, *inputs: np.concatenate(inputs, node.get("axis", 0)),
    "Slice": _slice,
    "Split": _split,
    "Reshape": lambda np, node, x, to: x.reshape(
        reshaped(x.shape, to.tolist(), bool(node.get("allowzero")))
    ),
    "Flatten": lambda np, node, x: x.reshape(prod(x.shape[: node.get("axis", 1)]), -1),
    "Squeeze": _squeeze,
    "Unsqueeze": lambda np, node, x, axes=None: np.expand_dims(x, tuple(axes_of(node, axes) or ())),
    "Transpose": lambda np, node, x: np.transpose(x, node.get("perm")),
    "Expand": _expand,
    "Tile": _tile,
    "Range": _range,
    "ConstantOfShape": _filled,
    "Where": lambda np, node, test, x, y: _few(np, np.where, test, x, y),
    "Div": _divide,
    "Clip": lambda np, node, x, low=None, high=None: np.clip(
        x, node.get("min") if low is None else low, node.get("max") if high is None else high
    ),
    **{
        op: _elementwise(name)
        for op, name in {
            "Add": "add", "Sub": "subtract", "Mul": "multiply", "Pow": "power", "Mod": "mod",
            "Neg": "negative", "Abs": "abs", "Floor": "floor", "Ceil": "ceil", "Round": "rint",
            "Sqrt": "sqrt", "Exp": "exp", "Log": "log", "Tanh": "tanh", "Reciprocal": "reciprocal",
            "Equal": "equal", "Less": "less", "Greater": "greater", "And": "logical_and",
            "Or": "logical_or", "Not": "logical_not", "Sign": "sign",
        }.items()
    },
    **{op: _reduced(op.removeprefix("Reduce").lower()) for op in
       ("ReduceProd", "ReduceSum", "ReduceMax", "ReduceMin", "ReduceMean")},
    "Max": lambda np, node, x, *others: [_all(np, np.maximum, x, *others)],
    "Min": lambda np, node, x, *others: [_all(np, np.minimum, x, *others)],
}  # fmt: skip


def _all(np: Any, function: Form, x: Any, *others: Any) -> Any:
    for other in others:
        x = _few(np, function, x, other)
    return x
