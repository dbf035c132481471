"""Weights in the files of Keras and PyTorch, read and written as canonical weights.

What a file calls an array, and the order it keeps it in, follow from the model that the
network becomes in that framework; the file itself is never asked to build anything. Keras
files are read as HDF5, and of `.pt` files the pickle is read and not run, so that no code in a
file ever runs. Arrays are looked at only once their names and shapes are those of the net, and
what is unpacked before is bounded by what its weights can take.
"""

from __future__ import annotations

import io
import os
import re
import tempfile
import zipfile
from collections.abc import Callable, Container, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import partial
from importlib.util import find_spec
from typing import Any, NamedTuple

from cnndsl import contract
from cnndsl.codegen import weights as canonical
from cnndsl.codegen.weights import Array, Kept, Weights
from cnndsl.layers.base import product, show
from cnndsl.network import Network
from cnndsl.proof import frameworks, state_dict
from cnndsl.proof.archive import RAW, Archive, Bounds, NoCheckpoint, Stored, single

SUFFIXES = {
    ".weights.h5": "keras",
    ".keras": "keras",
    ".safetensors": "pytorch",
    ".pth": "pytorch",
    ".pt": "pytorch",
}
"""The files that can be read and written, and the framework that they belong to."""

LEGACY = ".h5"
"""The ending of files of Keras 2, which are read for a map alone."""

EXTRA = "weights"
_HDF5 = "model.weights.h5"


class Expected(NamedTuple):
    """What a net wants of a file: its weight, the shape there, and the way from there."""

    kept: Kept
    shape: tuple[int, ...]
    restore: Callable[[Array], Array]


def arrays(suffix: str, data: bytes, bounds: Bounds, opened: ExitStack) -> dict[str, Stored]:
    """The arrays in a file of whatever network, by their names there.

    They can be read, as float32, while `opened` is; those of a type of `RAW`. Raises NoCheckpoint
    where the file is not of its kind.
    """
    needed(".weights.h5" if suffix == LEGACY else suffix)
    with frameworks.quiet(), reading(suffix):
        return dict(_READERS[suffix](data, bounds, opened))


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


def bounds(network: Network) -> Bounds:
    """How large a file of the weights of a network can be, and what is in it."""
    sizes = [product(kept.weight.shape) for kept in canonical.slots(network)]
    return Bounds.of(sum(sizes), len(sizes))


def read(network: Network, suffix: str, data: bytes) -> Weights:
    """The canonical weights in a file, which may lack those of heads for training.

    Raises Misfit where they are not those of the network, and NoCheckpoint where the file is
    not of its kind.
    """
    needed(suffix)
    with frameworks.quiet(), ExitStack() as opened:
        with reading(suffix):
            found = dict(_READERS[suffix](data, bounds(network), opened))
        heads = len(found) == len(list(canonical.slots(network)))
        wanted = _wanted(network, suffix, heads)  # a whole model, in Keras
        with reading(suffix):
            result = matched(found, wanted, canonical.for_training(network))
    canonical.fit(network, result)
    keys = (kept.key for kept in canonical.slots(network))
    return {key: result[key] for key in keys if key in result}


@contextmanager
def reading(suffix: str) -> Iterator[None]:
    """Turn whatever a damaged file makes a library raise into NoCheckpoint."""
    try:
        yield
    except (NoCheckpoint, canonical.Misfit):
        raise
    except Exception as error:
        why = frameworks.first_line(error)
        raise NoCheckpoint(f"cannot be read as {suffix}: {why}") from None


def write(network: Network, suffix: str, weights: Mapping[str, Array]) -> bytes:
    """The file of canonical weights; raises Misfit where they are not the network's.

    Keras's is that of the model without heads for training. PyTorch's has all; weights of such
    heads that are not there begin anew.
    """
    canonical.fit(network, weights)
    needed(suffix)
    import numpy

    with frameworks.quiet():
        live, module = built(network, suffix, heads=False)
        if SUFFIXES[suffix] == "keras":
            module.put(live, weights)
            return _save_keras(live.model, suffix)
        if canonical.for_training(network) - weights.keys():
            weights = {**canonical.initial(network), **weights}
        state = live.model.state_dict()
        places = {place.key: place for place in module.places(live)}
        arrays = {key: numpy.zeros((), numpy.int64) for key in state}  # how often batches came
        for key in state.keys() & places.keys():
            kept = places[key].kept
            arrays[key] = module.store(kept, weights[kept.key], places[key].order)
        return _save_torch(arrays, suffix)


def built(network: Network, suffix: str, heads: bool) -> tuple[Any, Any]:
    """The model that tells what a kind of file calls its arrays, and how to move weights.

    One of Keras has heads for training only if `heads` says so; one of PyTorch always.
    """
    if SUFFIXES[suffix] == "keras":
        return frameworks.build(network, "keras", training=heads)
    return frameworks.build(network, "pytorch", device="meta")  # shapes are enough


def _wanted(network: Network, suffix: str, heads: bool) -> dict[str, Expected]:
    live, weights = built(network, suffix, heads)
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


def matched(
    found: Mapping[str, Stored], wanted: Mapping[str, Expected], spared: Container[str] = ()
) -> Weights:
    """The canonical weights of what a file holds; raises Misfit with all that is wrong.

    Those of the keys `spared` may be missing.
    """
    problems = []
    for name, want in wanted.items():
        key, stored = want.kept.key, found.get(name)
        if stored is None and key in spared:
            continue
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
    return {
        want.kept.key: want.restore(found[name].read())
        for name, want in wanted.items()
        if name in found
    }


def _shown(shape: tuple[int, ...]) -> str:
    return show(shape) if shape else "a single number"


# Keras


def _read_keras(data: bytes, bounds: Bounds, opened: ExitStack) -> Iterator[tuple[str, Stored]]:
    """A `.keras` file is an archive, of which only the weights are looked at."""
    archive = Archive(data, bounds)
    if _HDF5 not in archive.names:
        raise NoCheckpoint(f"no {_HDF5} in this archive")
    yield from _read_hdf5(archive.read(_HDF5), bounds, opened)


def _read_legacy(data: bytes, bounds: Bounds, opened: ExitStack) -> Iterator[tuple[str, Stored]]:
    """The arrays of an `.h5` file, of a whole model or of weights alone, as Keras 2 wrote them: a
    group for each layer, which says what its arrays are called, as `conv1/kernel:0`."""
    import h5py

    file = opened.enter_context(h5py.File(io.BytesIO(data), "r"))
    base = file.get("model_weights", file)
    if len(base) > bounds.items:
        raise NoCheckpoint("more is in this file than the weights of this net can be")
    seen = 0
    for layer in base:
        group = base.get(layer)
        for name in group.attrs.get("weight_names", ()) if isinstance(group, h5py.Group) else ():
            name = name.decode("utf-8", "replace") if isinstance(name, bytes) else str(name)
            item = group.get(name)
            seen += 1
            if seen > bounds.items or not isinstance(item, h5py.Dataset):
                raise NoCheckpoint(f"`{layer}` is no layer with arrays")
            if item.is_virtual or item.external:
                raise NoCheckpoint(f"`{name}` lies in another file")
            path = name.partition(":")[0].split("/")
            # Keras 2 put scopes of its own before the name; models in a model have their layers.
            inner = path[1:] if path[0] == layer else path[-1:]
            yield "/".join([layer, *inner]), Stored(
                tuple(item.shape), _type(item), partial(_in_order, item)
            )


_LARGE = 2**28
"""So many bytes of weights, and more, a model is built for only where a file can fill it."""


def _read_hdf5(data: bytes, bounds: Bounds, opened: ExitStack) -> Iterator[tuple[str, Stored]]:
    """The arrays of the layers: not the optimizer's, nor the state of random numbers."""
    import h5py

    if len(data) < bounds.least > _LARGE:
        raise NoCheckpoint(f"too small: the weights of this net take {bounds.least:,} bytes")
    found: dict[str, Any] = {}
    seen = 0

    def visit(name: str, item: Any) -> None:
        nonlocal seen
        seen += 1
        if seen > bounds.items:
            raise NoCheckpoint("more is in this file than the weights of this net can be")
        path = name.split("/")
        kept = path[0] == "layers" and path[-2:-1] == ["vars"] and "seed_generator" not in path
        if kept and isinstance(item, h5py.Dataset):
            found[name] = item

    file = opened.enter_context(h5py.File(io.BytesIO(data), "r"))
    if not isinstance(file.get("layers", getlink=True), h5py.HardLink):
        raise NoCheckpoint("no `layers` in this file: it is not of Keras 3")
    file.visititems(visit)  # follows no links
    for name, item in found.items():
        if item.is_virtual or item.external:
            raise NoCheckpoint(f"`{name}` lies in another file")
        yield name, Stored(tuple(item.shape), _type(item), partial(_in_order, item))


def _type(item: Any) -> str:
    """The type of a dataset's numbers. Keras says in an attribute what HDF5 has no word for."""
    found = str(item.dtype.name)
    if found == "float32" or "dtype" not in item.attrs or item.attrs.get_id("dtype").shape:
        return found
    told = str(item.attrs["dtype"])
    return found if told == "float32" else told


def _in_order(item: Any) -> Array:
    """The array of a dataset, whose bytes may stand in the order of another machine."""
    if item.chunks is not None:  # a piece may unpack to anything
        raise NoCheckpoint(f"`{item.name}` is compressed or in pieces, as Keras writes none")
    array = item[()]
    kind = _type(item)
    if kind == "bfloat16":
        array = array.view("<u2")
    return single(array.astype(array.dtype.newbyteorder("="), copy=False), kind)


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


def _read_torch(data: bytes, bounds: Bounds, opened: ExitStack) -> Iterator[tuple[str, Stored]]:
    for name, stored in state_dict.arrays(data, bounds):
        if not name.endswith(COUNTER):
            yield name, stored


COUNTER = ".num_batches_tracked"


def _read_safetensors(
    data: bytes, bounds: Bounds, opened: ExitStack
) -> Iterator[tuple[str, Stored]]:
    import safetensors

    if int.from_bytes(data[:8], "little") > 100 * bounds.items:
        raise NoCheckpoint("more is named here than the weights of this net can be")
    for name, entry in safetensors.deserialize(data):  # type: ignore[no-untyped-call]
        if not name.endswith(COUNTER):
            shape = tuple(entry["shape"])
            kind = _TYPES.get(entry["dtype"], entry["dtype"])
            yield name, Stored(shape, kind, partial(_floats, entry["data"], kind, shape))


def _floats(data: bytes, kind: str, shape: tuple[int, ...]) -> Array:
    import numpy

    return single(numpy.frombuffer(data, f"<{RAW[kind]}"), kind).reshape(shape)


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


_READERS: dict[str, Callable[[bytes, Bounds, ExitStack], Iterator[tuple[str, Stored]]]] = {
    ".weights.h5": _read_hdf5,
    ".h5": _read_legacy,
    ".keras": _read_keras,
    ".safetensors": _read_safetensors,
    ".pth": _read_torch,
    ".pt": _read_torch,
}
