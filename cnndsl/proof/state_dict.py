"""The arrays of a `state_dict` that PyTorch saved, read without running what is in the file.

A `.pt` file is an archive of a pickle and of the bytes of arrays. A pickle is a program that
says what to call and with what. Here nothing is called: a call is a value, of which those that
make a tensor are known. A dictionary is the pairs that it is made of, as to look up a key that
a file has chosen may take for ever.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, partial
from pickletools import genops
from typing import Any, NamedTuple

from cnndsl.codegen.weights import Array
from cnndsl.proof.archive import RAW, Archive, Bounds, NoCheckpoint, Stored, single

OTHER = "not a file of tensors alone; nothing else is loaded from it"
DAMAGED = "no file that PyTorch saved, or a damaged one"


class Global(str):
    """What a pickle would import: `torch.FloatStorage`."""


@dataclass(eq=False)
class PickleCall:
    """What a pickle would call, or None for what the file itself is to give."""

    function: Any
    arguments: Any


@dataclass(eq=False)
class Pairs:
    """A dictionary."""

    items: list[tuple[Any, Any]]

    def add(self, items: list[Any]) -> None:
        """Add keys and values, which stand in turn."""
        self.items += zip(items[::2], items[1::2], strict=True)


class Tensor(NamedTuple):
    """Where a tensor lies: in which storage, from which number on, how far apart its numbers."""

    type: str
    storage: str
    offset: int
    shape: tuple[int, ...]
    stride: tuple[int, ...]


def arrays(data: bytes, bounds: Bounds) -> Iterator[tuple[str, Stored]]:
    """The arrays of a file by name. Raises NoCheckpoint where it holds something else."""
    if data.startswith(b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19"):
        raise NoCheckpoint("a file as PyTorch saved them before 1.6; load it and save it anew")
    try:
        archive = Archive(data, bounds)
        (program,) = (name for name in archive.names if name.endswith("/data.pkl"))
        state = run(archive.read(program), bounds.items)
    except NoCheckpoint:
        raise
    except Exception:  # whatever a damaged file makes a library raise
        raise NoCheckpoint(DAMAGED) from None
    folder = program.removesuffix("data.pkl")
    big = f"{folder}byteorder" in archive.names and archive.read(f"{folder}byteorder") == b"big"
    read = cache(lambda storage: archive.read(f"{folder}data/{storage}"))
    for name, tensor in tensors(state):
        yield name, Stored(tensor.shape, tensor.type, partial(_array, tensor, read, "<>"[big]))


def tensors(state: Any) -> Iterator[tuple[str, Tensor]]:
    """The tensors of a `state_dict` by name; raises NoCheckpoint where it is none."""
    if isinstance(state, PickleCall):
        raise NoCheckpoint(OTHER)
    if not isinstance(state, Pairs):
        raise NoCheckpoint(f"no state_dict, but a value of type {type(state).__name__}")
    for name, value in state.items:
        if isinstance(value, Pairs) and value.items and tensor_of(value.items[0][1]):
            what = f"it holds more than that; save what is under `{_shown(name)}` alone"
            raise NoCheckpoint(f"no state_dict: {what}")
    for name, value in state.items:
        tensor = tensor_of(value)
        if isinstance(value, PickleCall) and tensor is None:
            raise NoCheckpoint(OTHER)
        if tensor is None or not isinstance(name, str):
            kind = "dict" if isinstance(value, Pairs) else type(value).__name__
            what = f"`{_shown(name)}` is no tensor, but of type {kind}"
            raise NoCheckpoint(f"no state_dict: {what}" if tensor is None else OTHER)
        yield name, tensor


def _shown(name: Any) -> str:
    return name if isinstance(name, str) else type(name).__name__


def tensor_of(value: Any) -> Tensor | None:
    """The tensor that a value stands for, or None. Looks at few things, however much it holds."""
    arguments = _arguments(value)
    if isinstance(value, PickleCall) and value.function == "torch._utils._rebuild_parameter":
        value, *_ = arguments or [None]
        arguments = _arguments(value)
    match arguments:
        case (storage, int(offset), tuple(shape), tuple(stride), _, _, *rest):
            match storage:
                case PickleCall(None, ("storage", Global() as kind, str(key), *_)):
                    pass
                case _:
                    return None
        case _:
            return None
    if value.function == "torch._utils._rebuild_tensor_v3" and rest:
        kind = rest[0]  # of a type for which there are no storages
    elif value.function != "torch._utils._rebuild_tensor_v2":
        return None
    if not isinstance(kind, Global) or len(shape) > 16 or len(stride) != len(shape):
        return None
    if not all(type(each) is int for each in (*shape, *stride)):
        return None
    name = kind.removeprefix("torch.")
    return Tensor(_TYPES.get(name, name), key, offset, shape, stride)


def _arguments(value: Any) -> tuple[Any, ...]:
    """The first arguments of a call; nothing for what is none."""
    found = value.arguments if isinstance(value, PickleCall) else ()
    return found[:8] if isinstance(found, tuple) else ()


_TYPES = {
    "FloatStorage": "float32",
    "DoubleStorage": "float64",
    "HalfStorage": "float16",
    "BFloat16Storage": "bfloat16",
    "LongStorage": "int64",
    "IntStorage": "int32",
    "ShortStorage": "int16",
    "CharStorage": "int8",
    "ByteStorage": "uint8",
    "BoolStorage": "bool",
}


def _array(tensor: Tensor, read: Callable[[str], bytes], order: str) -> Array:
    """The numbers of a tensor of a type of `RAW`, as float32."""
    import numpy
    from numpy.lib.stride_tricks import as_strided

    flat = numpy.frombuffer(read(tensor.storage), f"{order}{RAW[tensor.type]}")
    if 0 in tensor.shape:
        return numpy.zeros(tensor.shape, numpy.float32)
    last = tensor.offset + sum((n - 1) * step for n, step in zip(tensor.shape, tensor.stride))
    if min(tensor.offset, *tensor.shape, *tensor.stride, 0) < 0 or last >= flat.size:
        raise NoCheckpoint(DAMAGED)
    steps = [step * flat.itemsize for step in tensor.stride]
    raw = as_strided(flat[tensor.offset :], tensor.shape, steps)
    return numpy.array(single(raw, tensor.type), order="C")


_CONSTANTS = frozenset(
    "INT BININT BININT1 BININT2 LONG LONG1 LONG4 FLOAT BINFLOAT UNICODE BINUNICODE"
    " SHORT_BINUNICODE BINUNICODE8 STRING BINSTRING SHORT_BINSTRING BINBYTES SHORT_BINBYTES"
    " BINBYTES8".split()
)
_PLAIN: dict[str, Callable[[], Any]] = {
    "NONE": lambda: None,
    "NEWTRUE": lambda: True,
    "NEWFALSE": lambda: False,
    "EMPTY_TUPLE": tuple,
    "EMPTY_LIST": list,
    "EMPTY_DICT": lambda: Pairs([]),
}


def run(program: bytes, most: int) -> Any:
    """What a pickle makes, in so many steps at most.

    Raises NoCheckpoint for one that makes more than a `state_dict` is made of, and whatever
    else for a damaged one.
    """
    stack: list[Any] = []
    below: list[list[Any]] = []  # the stacks below the marks
    memo: dict[Any, Any] = {}

    def pop(count: int) -> list[Any]:
        """The last values."""
        if count > len(stack):
            raise IndexError
        taken = stack[len(stack) - count :]
        del stack[len(stack) - count :]
        return taken

    for step, (opcode, value, _) in enumerate(genops(program)):
        name = opcode.name
        if step > most:
            raise NoCheckpoint("more is pickled here than the weights of this net can be")
        if name in _CONSTANTS:
            stack.append(value)
        elif name in _PLAIN:
            stack.append(_PLAIN[name]())
        elif name in ("PUT", "BINPUT", "LONG_BINPUT", "MEMOIZE"):
            memo[len(memo) if value is None else value] = stack[-1]
        elif name in ("GET", "BINGET", "LONG_BINGET"):
            stack.append(memo[value])
        elif name == "MARK":
            below.append(stack)
            stack = []
        elif name in ("TUPLE", "LIST", "APPENDS", "SETITEMS"):
            taken, stack = stack, below.pop()
            if name == "TUPLE":
                stack.append(tuple(taken))
            elif name == "LIST":
                stack.append(taken)
            else:
                _fill(stack[-1], taken, name == "SETITEMS")
        elif name in ("TUPLE1", "TUPLE2", "TUPLE3"):
            stack.append(tuple(pop(int(name[-1]))))
        elif name in ("APPEND", "SETITEM"):
            taken = pop(1 + (name == "SETITEM"))
            _fill(stack[-1], taken, name == "SETITEM")
        elif name == "GLOBAL":
            stack.append(Global(str(value).replace(" ", ".", 1)))
        elif name == "STACK_GLOBAL":
            stack.append(Global(".".join(pop(2))))
        elif name in ("REDUCE", "NEWOBJ"):
            function, arguments = pop(2)
            made: Any = PickleCall(function, arguments)
            stack.append(Pairs([]) if function == "collections.OrderedDict" else made)
        elif name == "BINPERSID":
            stack.append(PickleCall(None, *pop(1)))
        elif name == "BUILD":
            pop(1)  # what is known of a value beside what it holds
        elif name == "STOP":
            return stack.pop()
        elif name not in ("PROTO", "FRAME"):
            raise NoCheckpoint(OTHER)
    raise EOFError


def _fill(container: Any, items: list[Any], in_pairs: bool) -> None:
    if in_pairs and isinstance(container, Pairs):
        container.add(items)
    elif isinstance(container, list) and not in_pairs:
        container.extend(items)
    else:
        raise NoCheckpoint(OTHER)
