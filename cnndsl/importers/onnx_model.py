"""An ONNX file as nodes and constants: what there is in it, before what it means.

A file is somebody else's: sizes are held against the data that is there before anything of that
size is made, and what is wrong is a problem, whatever it is.
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from math import pi, prod, sqrt
from typing import TYPE_CHECKING, Any, TypeAlias

from cnndsl.diagnostics.message import NOTHING, Message
from cnndsl.importers.graph import ImportProblems, Problem, Scope, SourceArray, Taken
from cnndsl.layers.base import Shape

if TYPE_CHECKING:
    import numpy
    from numpy.typing import NDArray

    Array: TypeAlias = NDArray[numpy.generic]

Outside: TypeAlias = Callable[[str], bytes]
"""What gives the bytes of a file beside the model, by its plain name."""

MOST_NODES = 20_000
LARGEST = 2**31
"""How many numbers an array may have, and how long an axis may be."""
MOST_TEXT = 100_000
"""How long a text of metadata may be that is read."""


def cut(sizes: Sequence[int], shape: Sequence[int]) -> list[list[int]] | None:
    """The sizes of a shape that each of others falls into; None where they do not fall so."""
    rest = list(shape)
    parts: list[list[int]] = []
    for size in sizes:
        parts.append([])
        while prod(parts[-1]) < size and rest:
            parts[-1].append(rest.pop(0))
        if prod(parts[-1]) != size:
            return None
    parts[-1:] = [[*parts[-1], *rest]] if parts else []
    return parts if all(size == 1 for size in rest) else None


def refused(message: Message, where: str = "", help_: Message = NOTHING) -> ImportProblems:
    """The error that a file is damaged, or not safe."""
    return ImportProblems([Problem("E607", message, where, help_)])


def short(value: float) -> float:
    """A number of single precision as one would write it: 1e-5, or the reciprocal 1/255."""
    import numpy

    single = numpy.float32(value)
    if float(single) != value or not numpy.isfinite(single):
        return float(value)
    for known in _KNOWN:
        if numpy.float32(known) == abs(single):
            return known if value > 0 else -known
    if value and abs(value) < 1:
        inverse = float(f"{1 / value:.7g}")
        if inverse.is_integer() and numpy.float32(1 / inverse) == single:
            return 1 / inverse
    return float(str(single))


class Unknown(Exception):
    """An operation, or a form of it, that the language has no word for.

    It is `certain` where that holds whatever the operation gets.
    """

    def __init__(self, message: Message, certain: bool = False) -> None:
        super().__init__(message)
        self.message, self.certain = message, certain


class Constant:
    """Numbers that do not depend on an input.

    They are the array `key` of the source, seen in the shape `split`, with its axes in the order
    `axes`, and then seen in `shape`; see `Taken`. `learned` is False for those that stand beside
    their operation, as no weights do.
    """

    __slots__ = ("axes", "key", "learned", "read", "shape", "source", "split")

    def __init__(
        self,
        key: str,
        shape: tuple[int, ...],
        read: Callable[[], Any],
        learned: bool = True,
        view: tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]] = ((), (), ()),
    ) -> None:
        self.key, self.source, self.read, self.learned = key, shape, read, learned
        self.split, self.axes = view[0] or shape, view[1] or tuple(range(len(view[0] or shape)))
        self.shape = view[2] or tuple(self.split[axis] for axis in self.axes)

    @property
    def size(self) -> int:
        """How many numbers it has."""
        return prod(self.source)

    def numbers(self) -> Any:
        """The numbers, as an array of its shape."""
        return self.read().reshape(self.split).transpose(self.axes).reshape(self.shape)

    def values(self) -> list[Any]:
        """The numbers one after the other; of whole ones and of single precision as written."""
        array = self.numbers().reshape(-1)
        if array.dtype.kind == "f":
            return [short(float(value)) for value in array]
        found: list[Any] = array.tolist()
        return found

    def scalar(self) -> float | None:
        """The number that it is, if it has one alone."""
        array = self.numbers()
        return float(self.values()[0]) if array.size == 1 and array.dtype.kind in "bfiu" else None

    def filled(self) -> float | None:
        """The number that all of its numbers are; None for different ones."""
        array = self.numbers()
        same = array.size and (array == array.flat[0]).all()
        return short(float(array.flat[0])) if same else None

    def reshaped(self, *shape: int) -> Constant:
        """The same numbers in a shape of as many."""
        if self.axes == tuple(range(len(self.axes))):
            return self._seen(shape, tuple(range(len(shape))), shape)
        moved = tuple(self.split[axis] for axis in self.axes)
        if self.shape == moved and (parts := cut(moved, shape)):
            # Each axis falls into some of the new ones, and so it does before the axes move.
            of_axis = dict(zip(self.axes, parts))
            ordered = [of_axis[axis] for axis in sorted(of_axis)]
            places: list[int] = []
            for axis in self.axes:
                first = sum(len(each) for each in ordered[:axis])
                places += range(first, first + len(of_axis[axis]))
            return self._seen(tuple(size for each in ordered for size in each), tuple(places))
        return self._seen(self.split, self.axes, shape)

    def transposed(self, *axes: int) -> Constant:
        """The same numbers with the axes in another order."""
        if self.shape == tuple(self.split[axis] for axis in self.axes):
            return self._seen(self.split, tuple(self.axes[axis] for axis in axes))
        if self.axes == tuple(range(len(self.axes))):
            return self._seen(self.shape, axes)
        moved = lambda: self.numbers().transpose(axes)  # noqa: E731
        shape = tuple(self.shape[axis] for axis in axes)
        return Constant(f"{self.key}.transposed", shape, moved, self.learned)

    def _seen(
        self, split: tuple[int, ...], axes: tuple[int, ...], shape: tuple[int, ...] = ()
    ) -> Constant:
        return Constant(self.key, self.source, self.read, self.learned, (split, axes, shape))

    def taken(self, flat: Shape = ()) -> Taken:
        """Where a weight comes from that has these numbers."""
        trivial = self.axes == tuple(range(len(self.axes)))
        split = () if trivial or self.split == self.source else self.split
        return Taken(self.key, () if trivial else self.axes, split, flat)

    def array(self, trainable: bool) -> SourceArray:
        """What the source keeps."""
        return SourceArray(self.source, trainable, self.read)


def worked_out(name: str, numbers: Any, learned: bool = False) -> Constant:
    """Numbers that have been worked out; whole ones where they are no array."""
    import numpy

    array = numpy.asarray(numbers)
    return Constant(name, array.shape, lambda: array, learned)


class Node:
    """An operation of a file: `op` with its `attributes`, from values to values.

    The inputs are the names of values, empty for one that is left out.
    """

    __slots__ = ("attributes", "inputs", "name", "op", "outputs", "scope")

    def __init__(
        self,
        op: str,
        inputs: Sequence[str],
        outputs: Sequence[str],
        attributes: Mapping[str, Any] = {},
        name: str = "",
        scope: tuple[Scope, ...] = (),
    ) -> None:
        self.op, self.inputs, self.outputs = op, list(inputs), list(outputs)
        self.attributes, self.name, self.scope = dict(attributes), name, scope

    def get(self, name: str, default: Any = None) -> Any:
        """An attribute, or what it is where the file does not say it."""
        return self.attributes.get(name, default)

    @property
    def where(self) -> str:
        """Where it stands, in words."""
        return self.name or next(filter(None, self.outputs), "")


class Model:
    """What a file holds.

    * `nodes`: in the order in which they are worked out
    * `constants`: by the names of values
    * `inputs`: the sizes of each, None for one that the file does not say; None for a shape that
      it does not
    * `outputs`: names of values
    """

    def __init__(
        self, data: bytes, outside: Outside | None, arrays: Mapping[str, Any] = {}
    ) -> None:
        self.outside, self.arrays, self.problems = outside, arrays, list[Problem]()
        self.files: dict[str, bytes] = {}
        proto = self.proto = parsed(data)
        graph = proto.graph
        self.opset = max((o.version for o in proto.opset_import if o.domain in _ONNX), default=1)
        self.producer = proto.producer_name[:100].lower()
        self.constants: dict[str, Constant] = {}
        for tensor in graph.initializer:
            self.constant(tensor.name, tensor, learned=True)
        for sparse in graph.sparse_initializer:
            name = sparse.values.name
            self.problems.append(
                Problem("E601", Message("there is no word for a sparse array"), name)
            )
        self.inputs = {
            value.name: sizes(value) for value in graph.input if value.name not in self.constants
        }
        self.outputs = [value.name for value in graph.output]
        self.nodes: list[Node] = []
        known = {"", *self.constants, *self.inputs}
        for made in graph.node:
            self.nodes.append(self.node(made, known))
        for name in self.outputs:
            if name not in known:
                raise refused(Message("nothing gives the output `{name}`", name=name))
        if not self.outputs or not self.inputs:
            raise refused(
                Message("this is no ONNX file of a network: it has no input or no output")
            )

    def readers(self) -> Counter[str]:
        """How many nodes and outputs read each value."""
        read = [value for node in self.nodes if node.op != "Shape" for value in node.inputs]
        return Counter([*read, *self.outputs])

    def node(self, made: Any, known: set[str]) -> Node:
        """A node of the file; `known` are the values that are worked out before it."""
        for value in made.input:
            if value not in known:
                message = Message("it reads `{value}`, which nothing gives before it", value=value)
                raise refused(message, made.name or made.op_type)
        for value in made.output:
            if value and value in known:
                raise refused(Message("the value `{value}` is given twice", value=value), made.name)
            known.add(value)
        op = made.op_type if made.domain in _ONNX else f"{made.domain}.{made.op_type}"
        attributes = {each.name: attribute(each) for each in made.attribute}
        if op == "Constant":
            self.stated(made.output[0] if made.output else "", attributes)
        return Node(op, made.input, made.output, attributes, made.name, self.scope(made))

    def stated(self, value: str, attributes: Mapping[str, Any]) -> None:
        """Take the constant that a node states."""
        import numpy

        for name, content in attributes.items():
            if name == "value":
                self.constant(value, content, learned=False)
            elif name in ("value_float", "value_floats", "value_int", "value_ints"):
                kind = numpy.float32 if "float" in name else numpy.int64
                self.constants[value] = worked_out(value, numpy.array(content, kind))

    def constant(self, name: str, tensor: Any, learned: bool) -> None:
        """Take an array of the file."""
        if not name or name in self.constants:
            raise refused(Message("the array `{name}` is given twice", name=name))
        shape = tuple(tensor.dims)
        if any(size < 0 for size in shape) or prod(shape) > LARGEST:
            raise refused(Message("the array `{name}` is of no possible size", name=name))
        if tensor.data_location == tensor.EXTERNAL:
            location = outlying(tensor).get("location", "")
            if location in ("", ".", "..") or set(location) & set("/\\:\0"):
                raise refused(
                    Message(
                        "its data are in `{location}`, and are read beside the model alone",
                        location=location,
                    ),
                    name,
                )
        elif not held(tensor, prod(shape)):
            raise refused(Message("the array `{name}` is not as long as it says", name=name))
        self.constants[name] = Constant(name, shape, lambda: self.read(tensor), learned)

    def read(self, tensor: Any) -> Array:
        """The numbers of an array of the file, or of a file beside it."""
        from onnx import numpy_helper

        if tensor.name in self.arrays:
            replaced: Array = self.arrays[tensor.name]
            return replaced
        try:
            if tensor.data_location == tensor.EXTERNAL:
                tensor = self.fetched(tensor)
            return numpy_helper.to_array(tensor)
        except (OSError, TypeError, ValueError) as error:
            reason = (getattr(error, "strerror", "") or str(error)).partition("\n")[0][:200]
            raise refused(
                Message(
                    "the array `{name}` cannot be read: {reason}", name=tensor.name, reason=reason
                )
            ) from None

    def fetched(self, tensor: Any) -> Any:
        """An array with the data that lie in a file beside the model. Raises ValueError."""
        place = outlying(tensor)
        location = place["location"]
        if self.outside is None:
            raise ValueError(location)
        if location not in self.files:
            self.files[location] = self.outside(location)
        content = memoryview(self.files[location])
        start = int(place.get("offset", 0))
        stop = start + int(place["length"]) if "length" in place else len(content)
        found = type(tensor)(name=tensor.name, dims=tensor.dims, data_type=tensor.data_type)
        found.raw_data = bytes(content[start:stop]) if 0 <= start <= stop else b""
        if not held(found, prod(found.dims)):
            raise ValueError(location)
        return found

    def scope(self, made: Any) -> tuple[Scope, ...]:
        """The parts of the source around a node, as its exporter says them."""
        told = {entry.key: entry.value for entry in made.metadata_props if "onnx" in entry.key}
        names = listing(told.get("pkg.torch.onnx.name_scopes", ""))
        kinds = listing(told.get("pkg.torch.onnx.class_hierarchy", ""))
        if names and len(names) == len(kinds):
            return relative(names[:-1], [kind.rpartition(".")[2] for kind in kinds])
        parts = made.name.strip("/").split("/")
        if self.producer == "cnndsl":
            parts = [*parts[0].split("."), ""]
        return relative(parts[:-1])


def relative(names: Sequence[str], kinds: Sequence[str] = ()) -> tuple[Scope, ...]:
    """Parts of a source with what their parents call them, of names that begin with theirs:
    `layer1`, `layer1.0`."""
    scopes, around = [], ""
    for index, name in enumerate(names):
        own = name[len(around) + 1 :] if around and name.startswith(f"{around}.") else name
        if own:
            scopes.append(Scope(kinds[index] if kinds else "", own))
        around = name or around
    return tuple(scopes)


def listing(text: str) -> list[str]:
    """The strings that a list in the syntax of Python has; none for any other text."""
    if not text.startswith("[") or len(text) > MOST_TEXT:
        return []
    try:
        found = ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return []
    return [str(each) for each in found] if isinstance(found, list) else []


def parsed(data: bytes) -> Any:
    """The model in a file. Raises ImportProblems."""
    import onnx

    try:
        proto = onnx.ModelProto.FromString(data)
    except Exception:  # protobuf's DecodeError, and what hostile bytes make of it
        raise refused(Message("this is no ONNX file, or a damaged one")) from None
    if not proto.graph.node and not proto.graph.output:
        raise refused(Message("this is no ONNX file, or a damaged one"))
    if len(proto.graph.node) > MOST_NODES:
        message = Message("more than {count:,} operations are none of a network", count=MOST_NODES)
        raise refused(message)
    return proto


def sizes(value: Any) -> list[int | None] | None:
    """The sizes of an input, None for one that the file does not say; None for no shape."""
    tensor = value.type.tensor_type
    if not value.type.HasField("tensor_type") or not tensor.HasField("shape"):
        return None
    return [dim.dim_value if 0 < dim.dim_value <= LARGEST else None for dim in tensor.shape.dim]


def attribute(made: Any) -> Any:
    """What an attribute is: a number, a text, a list of those, or an array; None for others."""
    from onnx import helper

    try:
        value = helper.get_attribute_value(made)
    except ValueError:
        return None
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, Iterable):
        return [short(each) if isinstance(each, float) else each for each in value]
    return short(value) if isinstance(value, float) else value


def held(tensor: Any, count: int) -> bool:
    """Whether an array has the data for so many numbers."""
    from onnx import TensorProto, helper

    if tensor.data_type not in TensorProto.DataType.values() or not tensor.data_type:
        return False
    if tensor.HasField("raw_data"):
        each = helper.tensor_dtype_to_np_dtype(tensor.data_type).itemsize
        return len(tensor.raw_data) >= count * int(each)
    fields = ("float_data", "int32_data", "int64_data", "double_data", "uint64_data", "string_data")
    return any(len(getattr(tensor, field)) >= count for field in fields)


def outlying(tensor: Any) -> dict[str, str]:
    """Where the data of an array lie in a file beside the model."""
    return {entry.key: entry.value for entry in tensor.external_data}


_ONNX = ("", "ai.onnx")
_KNOWN = (sqrt(2), sqrt(1 / 2), sqrt(2 / pi), 1.0507009873554805, 1.6732632423543772)
"""Numbers that have more digits than single precision: those of GELU and of SELU."""
