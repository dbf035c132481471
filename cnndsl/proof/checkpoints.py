"""Weights in the files of Keras and PyTorch, read and written as canonical weights.

What a file calls an array, and the order it keeps it in, follow from the model that the
network becomes in that framework; the file itself is never asked to build anything. Keras
files are read as HDF5, `.pt` files with PyTorch's `weights_only`, so that no code in a file
ever runs. Arrays are looked at only once their names and shapes are those of the net.
"""

from __future__ import annotations

import io
import os
import re
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from functools import partial
from importlib.util import find_spec
from pickle import UnpicklingError
from typing import Any, NamedTuple

from cnndsl import contract
from cnndsl.codegen import weights as canonical
from cnndsl.codegen.weights import Array, Kept, Weights
from cnndsl.layers.base import show
from cnndsl.network import Network
from cnndsl.proof import frameworks

SUFFIXES = {
    ".weights.h5": "keras",
    ".keras": "keras",
    ".safetensors": "pytorch",
    ".pth": "pytorch",
    ".pt": "pytorch",
}
"""The files that can be read and written, and the framework that they belong to."""

EXTRA = "weights"
_SAFE = (2, 6)  # before this version of PyTorch, weights_only was not safe
_HDF5 = "model.weights.h5"
_LARGEST = 1000  # times as large as it is packed, and a file is not looked into


class NoCheckpoint(Exception):
    """A file that is not what its name says. Its text says why in a line."""


class Stored(NamedTuple):
    """An array in a file: `read` gives it."""

    shape: tuple[int, ...]
    type: str
    read: Callable[[], Array]


class Expected(NamedTuple):
    """What a net wants of a file: its weight, the shape there, and the way from there."""

    kept: Kept
    shape: tuple[int, ...]
    restore: Callable[[Array], Array]


def suffix_of(path: str) -> str | None:
    """The ending of a path that tells what it holds; None where none does."""
    return next((suffix for suffix in SUFFIXES if path.endswith(suffix)), None)


def needed(*suffixes: str) -> None:
    """Raise Unavailable unless the libraries for some kinds of files are installed."""
    for suffix in suffixes:
        libraries = {"keras": ["Keras", "h5py"], "pytorch": ["PyTorch"]}[SUFFIXES[suffix]]
        for name in ("NumPy", *libraries, *(["safetensors"] * (suffix == ".safetensors"))):
            if find_spec({"PyTorch": "torch"}.get(name, name.lower())) is None:
                raise contract.Unavailable(name, EXTRA)
        if SUFFIXES[suffix] == "keras":
            frameworks.backend(EXTRA)


def read(network: Network, suffix: str, data: bytes) -> Weights:
    """The canonical weights in a file.

    Raises Misfit where they are not those of the network, and NoCheckpoint where the file is
    not of its kind.
    """
    needed(suffix)
    with frameworks.quiet():
        wanted = _wanted(network, suffix)
        try:
            with ExitStack() as opened:
                result = matched(dict(_READERS[suffix](data, opened)), wanted)
        except (NoCheckpoint, canonical.Misfit):
            raise
        except Exception as error:  # whatever a damaged file makes a library raise
            why = frameworks.first_line(error)
            raise NoCheckpoint(f"cannot be read as {suffix}: {why}") from None
    canonical.fit(network, result)
    return {kept.key: result[kept.key] for kept in canonical.slots(network)}


def write(network: Network, suffix: str, weights: Mapping[str, Array]) -> bytes:
    """The file of canonical weights; raises Misfit where they are not the network's."""
    canonical.fit(network, weights)
    needed(suffix)
    import numpy

    with frameworks.quiet():
        live, module = built(network, suffix)
        if SUFFIXES[suffix] == "keras":
            module.put(live, weights)
            return _save_keras(live.model, suffix)
        state = live.model.state_dict()
        places = {place.key: place for place in module.places(live)}
        arrays = {key: numpy.zeros((), numpy.int64) for key in state}  # how often batches came
        for key in state.keys() & places.keys():
            kept = places[key].kept
            arrays[key] = module.store(kept, weights[kept.key], places[key].order)
        return _save_torch(arrays, suffix)


def built(network: Network, suffix: str) -> tuple[Any, Any]:
    """The model that tells what a kind of file calls its arrays, and how to move weights."""
    if SUFFIXES[suffix] == "keras":
        return frameworks.build(network, "keras")
    return frameworks.build(network, "pytorch", device="meta")  # shapes are enough


def _wanted(network: Network, suffix: str) -> dict[str, Expected]:
    live, weights = built(network, suffix)
    found = {}
    if SUFFIXES[suffix] == "keras":
        for name, place in weights.files(live).items():
            restore = partial(weights.restore, place.kept)
            found[name] = Expected(place.kept, tuple(place.variable.shape), restore)
    else:
        for place in weights.places(live):
            restore = partial(weights.restore, place.kept, order=place.order)
            found[place.key] = Expected(place.kept, tuple(place.tensor.shape), restore)
    return found


def matched(found: Mapping[str, Stored], wanted: Mapping[str, Expected]) -> Weights:
    """The canonical weights of what a file holds; raises Misfit with all that is wrong."""
    problems = []
    for name, want in wanted.items():
        key, stored = want.kept.key, found.get(name)
        if stored is None:
            problems.append(f"{key}: no `{name}` here, and the net wants {_shown(want.shape)}")
        elif stored.shape != want.shape:
            has = f"`{name}` is {_shown(stored.shape)}"
            problems.append(f"{key}: {has}, and the net wants {_shown(want.shape)}")
        elif stored.type != "float32":
            problems.append(f"{key}: `{name}` is {stored.type}, and the net wants float32")
    problems += [
        f"`{name}` is {_shown(stored.shape)}, and the net has no such weight"
        for name, stored in found.items()
        if name not in wanted
    ]
    if problems:
        raise canonical.Misfit(problems)
    return {want.kept.key: want.restore(found[name].read()) for name, want in wanted.items()}


def _shown(shape: tuple[int, ...]) -> str:
    return show(shape) if shape else "a single number"


# Keras


def _read_keras(data: bytes, opened: ExitStack) -> Iterator[tuple[str, Stored]]:
    """A `.keras` file is an archive, of which only the weights are looked at."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        if _HDF5 not in archive.namelist():
            raise NoCheckpoint(f"no {_HDF5} in this archive")
        info = archive.getinfo(_HDF5)
        if info.file_size > _LARGEST * max(info.compress_size, 1):
            raise NoCheckpoint(f"{_HDF5} unpacks to {info.file_size:,} bytes, which is suspicious")
        inner = archive.read(info)
    yield from _read_hdf5(inner, opened)


def _read_hdf5(data: bytes, opened: ExitStack) -> Iterator[tuple[str, Stored]]:
    """The arrays of the layers: not the optimizer's, nor the state of random numbers."""
    import h5py

    found: dict[str, Any] = {}

    def visit(name: str, item: Any) -> None:
        path = name.split("/")
        kept = path[0] == "layers" and path[-2:-1] == ["vars"] and "seed_generator" not in path
        if kept and isinstance(item, h5py.Dataset):
            found[name] = item

    file = opened.enter_context(h5py.File(io.BytesIO(data), "r"))
    if "layers" not in file:
        raise NoCheckpoint("no `layers` in this file: it is not of Keras 3")
    file.visititems(visit)  # follows no links
    for name, item in found.items():
        if item.is_virtual or item.external:
            raise NoCheckpoint(f"`{name}` lies in another file")
        kind = item.attrs.get("dtype", item.dtype.name)
        yield name, Stored(tuple(item.shape), str(kind), partial(_in_order, item))


def _in_order(item: Any) -> Array:
    """The array of a dataset, whose bytes may stand in the order of another machine."""
    array = item[()]
    return array.astype(array.dtype.newbyteorder("="), copy=False)


def _save_keras(model: Any, suffix: str) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, f"model{suffix}")
        if suffix == ".keras":
            model.save(path)
        else:
            model.save_weights(path)
        with open(path, "rb") as file:
            data = file.read()
    return _undated(data) if suffix == ".keras" else data


def _undated(data: bytes) -> bytes:
    """A `.keras` file without the time and the addresses that Keras writes into it, so that
    the same weights give the same bytes.
    """
    ids: dict[str, int] = {}

    def number(match: re.Match[str]) -> str:
        return f"{match[1]}{ids.setdefault(match[2], len(ids) + 1)}"

    result = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(result, "w") as new:
        for info in old.infolist():
            content = old.read(info)
            if info.filename.endswith(".json"):
                text = re.sub(r'("shared_object_id": )(\d+)', number, content.decode())
                text = re.sub(r'("date_saved": )"[^"]*"', r'\1"1980-01-01@00:00:00"', text)
                content = text.encode()
            new.writestr(zipfile.ZipInfo(info.filename), content)
    return result.getvalue()


# PyTorch


def _read_torch(data: bytes, opened: ExitStack) -> Iterator[tuple[str, Stored]]:
    import torch

    version = tuple(int(part) for part in torch.__version__.split(".")[:2])
    if version < _SAFE:
        raise NoCheckpoint(f"PyTorch {torch.__version__} cannot read it safely; 2.6 and later can")
    try:
        state = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
    except UnpicklingError:  # whose text tells how to run what is in the file
        raise NoCheckpoint("not a file of tensors alone; nothing else is loaded from it") from None
    except Exception:  # what PyTorch says of such a file is about its own inside
        raise NoCheckpoint("no file that PyTorch saved, or a damaged one") from None
    if not isinstance(state, dict):
        raise NoCheckpoint(f"no state_dict, but a value of type {type(state).__name__}")
    for name, value in state.items():
        if isinstance(value, dict) and all(isinstance(v, torch.Tensor) for v in value.values()):
            what = f"it holds more than that; save what is under `{name}` alone"
            raise NoCheckpoint(f"no state_dict: {what}")
    for name, tensor in state.items():
        if not isinstance(tensor, torch.Tensor):
            kind = type(tensor).__name__
            raise NoCheckpoint(f"no state_dict: `{name}` is no tensor, but of type {kind}")
        if not str(name).endswith(COUNTER):
            kind = str(tensor.dtype).removeprefix("torch.")
            yield str(name), Stored(tuple(tensor.shape), kind, tensor.detach().numpy)


COUNTER = ".num_batches_tracked"


def _read_safetensors(data: bytes, opened: ExitStack) -> Iterator[tuple[str, Stored]]:
    import safetensors

    for name, entry in safetensors.deserialize(data):  # type: ignore[no-untyped-call]
        if not name.endswith(COUNTER):
            shape = tuple(entry["shape"])
            kind = _TYPES.get(entry["dtype"], entry["dtype"])
            yield name, Stored(shape, kind, partial(_floats, entry["data"], shape))


def _floats(data: bytes, shape: tuple[int, ...]) -> Array:
    import numpy

    return numpy.frombuffer(data, "<f4").reshape(shape)


_TYPES = {"F16": "float16", "BF16": "bfloat16", "F32": "float32", "F64": "float64"}


def _save_torch(arrays: Mapping[str, Array], suffix: str) -> bytes:
    if suffix == ".safetensors":
        from safetensors.numpy import save

        saved: bytes = save(dict(arrays), metadata={"format": "pt"})
        return saved
    import torch

    result = io.BytesIO()
    torch.save({name: torch.from_numpy(array) for name, array in arrays.items()}, result)
    return result.getvalue()


_READERS: dict[str, Callable[[bytes, ExitStack], Iterator[tuple[str, Stored]]]] = {
    ".weights.h5": _read_hdf5,
    ".keras": _read_keras,
    ".safetensors": _read_safetensors,
    ".pth": _read_torch,
    ".pt": _read_torch,
}
