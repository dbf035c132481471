"""Models of Keras in files and in memory.

A `.keras` file is an archive of a config in JSON and of arrays in HDF5; an `.h5` file is HDF5
with the config as an attribute. Both are read as data: nothing in them is built or run, and
`load_model` is never called. Keras itself is imported for a model in memory alone.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import partial
from math import prod
from typing import TYPE_CHECKING, Any, NamedTuple

from cnndsl.diagnostics.message import Message
from cnndsl.importers.graph import Graph, ImportProblems, Problem
from cnndsl.importers.keras_config import MODELS, Reader, refusal, version_of
from cnndsl.importers.keras_graph import Stored
from cnndsl.layers.base import Shape, show

if TYPE_CHECKING:
    import keras
    import numpy

LARGEST_CONFIG = 2**26
"""More bytes than the config of any model has."""

_NO_LAYERS = ("optimizer", "metrics", "compile_metrics", "seed_generator")
"""Folders of arrays that are no weights."""

_CONFIG, _METADATA, _WEIGHTS = "config.json", "metadata.json", "model.weights.h5"


def read_keras(data: bytes, name: str = "", shapes: Sequence[Shape] = ()) -> Graph:
    """The graph of a `.keras` file, or of an `.h5` file with a whole model.

    `shapes` are those of the inputs, without the batch, for sizes that it leaves open. What
    cannot come in is in `problems` of the graph. Arrays are read when they are asked for.
    """
    try:
        config = config_of(data)
    except ImportProblems as found:
        return unread(found, name)
    return read_with(config, arrays_of(data), name, shapes)


def read_json(text: str, name: str = "", shapes: Sequence[Shape] = ()) -> Graph:
    """The graph of the text that `model.to_json()` gives, which has no arrays."""
    try:
        config = parsed(text)
    except ImportProblems as found:
        return unread(found, name)
    return Reader(name, shapes, version_of(config)).read(config)


def read_model(model: keras.Model, name: str = "", shapes: Sequence[Shape] = ()) -> Graph:
    """The graph of a model in memory. Its own code does not run."""
    try:
        arrays, config = arrays_of(model), live_config(model)
    except ImportProblems as found:
        return unread(found, name)
    return read_with(config, arrays, name or str(model.name), shapes)


def unread(found: ImportProblems, name: str) -> Graph:
    """The graph of what cannot be read, with the reasons."""
    graph = Graph(name)
    graph.problems += found.problems
    return graph


def read_with(config: Any, arrays: Arrays, name: str, shapes: Sequence[Shape]) -> Graph:
    """The graph of a config, with arrays that may be read.

    Constants that are kept among them are bounded by what the other arrays can take, which
    takes a first reading without them.
    """
    version = version_of(config)
    own = arrays.foreign
    first = Reader(name, shapes, version, lambda key, number: (0.0,), arrays.keys, own)
    graph = first.read(config)
    arrays.measure(first)
    if first.asked and not graph.problems:
        reader = Reader(name, shapes, version, arrays.numbers, arrays.keys, own)
        graph = reader.read(config)
    for key, stored in first.builder.kept.items():
        if key in graph.arrays:
            read = partial(arrays.read, stored)
            file = f"{first.files.get(stored.layer, '')}/vars/{stored.number}"
            graph.arrays[key] = graph.arrays[key]._replace(read=read, file=file)
    if not graph.problems:
        compare(graph, first, arrays)
    graph.constants += [first.files[key] for key in first.asked if key in first.files]
    return graph


def compare(graph: Graph, reader: Reader, arrays: Arrays) -> None:
    """Count what the source has; an array that no layer here has is a problem.

    So is a layer that learns in part. One of which all arrays were frozen on their own is frozen.
    """
    try:
        found = arrays.found(reader)
    except (ImportProblems, ImportError):  # there are none, as reading one will say
        return
    kept = {(each.layer, each.number) for each in reader.builder.kept.values()}
    for each in found:
        if (each.layer, each.number) not in kept:
            message = Message("no layer here has the array `{name}`", name=each.name)
            graph.problems.append(Problem("E602", message, each.layer))
        elif each.kind not in "fV":  # bfloat16 is no number of numpy's own
            message = Message("the array `{name}` is quantised", name=each.name)
            graph.problems.append(Problem("E601", message, each.layer))
    graph.params = sum(each.size for each in found)
    learns = {(each.layer, each.number): each.learns for each in found if each.learns is not None}
    if not learns:
        return
    graph.trainable = sum(each.size for each in found if each.learns)
    for layer in {each.layer: None for each in reader.builder.kept.values() if each.trainable}:
        mine = {k: each for k, each in reader.builder.kept.items() if each.layer == layer}
        learning = {
            k: learns.get((each.layer, each.number), True)
            for k, each in mine.items()
            if each.trainable
        }
        if any(learning.values()) and not all(learning.values()):
            message = Message(
                "some arrays of the layer `{name}` learn, and some do not", name=layer
            )
            graph.problems.append(Problem("E601", message, layer))
        elif not any(learning.values()):
            for key in learning:
                graph.arrays[key] = graph.arrays[key]._replace(trainable=False)
            for op in graph.ops:
                op.frozen |= any(taken.key in learning for taken in op.weights.values())


# The config


def is_hdf5(data: bytes) -> bool:
    """Whether a file is HDF5 and no archive."""
    return data[:8] == b"\x89HDF\r\n\x1a\n"


def config_of(data: bytes) -> Any:
    """The config in a file. Raises ImportProblems."""
    if is_hdf5(data):
        return legacy_config(data)
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            config = parsed(member(archive, _CONFIG))
            if isinstance(config, dict) and _METADATA in archive.namelist():
                metadata = parsed(member(archive, _METADATA))
                if isinstance(metadata, dict):
                    config.setdefault("keras_version", metadata.get("keras_version"))
            return config
    except KeyError:
        raise refusal(Message("no {name} in this archive", name=_CONFIG), "") from None
    except (zipfile.BadZipFile, NotImplementedError, OSError, EOFError, ValueError, RuntimeError):
        raise refusal(Message("this is no archive of Keras, or a damaged one"), "") from None


def member(archive: zipfile.ZipFile, name: str, limit: int = LARGEST_CONFIG) -> bytes:
    """A part of an archive, of so many bytes at most. Raises ImportProblems."""
    part = archive.getinfo(name)
    if part.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise refusal(Message("{name} is compressed as Keras does not", name=name), "")
    if part.file_size > limit:
        message = Message("{name} unpacks to {size:,} bytes", name=name, size=part.file_size)
        raise refusal(message, "", Message("that is more than such a model takes"))
    with archive.open(part) as file:
        return file.read(part.file_size)


def parsed(text: str | bytes) -> Any:
    """JSON. Raises ImportProblems."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise refusal(Message("the config is no JSON, or a damaged one"), "") from None


def legacy_config(data: bytes) -> Any:
    """The config in an `.h5` file of a whole model. Raises ImportProblems."""
    with opened(data) as file:
        if "model_config" not in file.attrs:
            message = Message("this file has weights, and no config of a graph")
            raise refusal(message, "", Message("save the whole model: `model.save(path)`"))
        if file.attrs.get_id("model_config").get_storage_size() > LARGEST_CONFIG:
            raise refusal(Message("the config is too large"), "")
        config = parsed(as_text(file.attrs["model_config"]))
        if isinstance(config, dict) and "keras_version" in file.attrs:
            config["keras_version"] = as_text(file.attrs["keras_version"])
        return config


def as_text(value: Any) -> str:
    """An attribute of HDF5 as text."""
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def live_config(model: Any) -> Any:
    """The config of a model in memory. Raises ImportProblems."""
    import keras

    try:
        if type(model).__name__ not in MODELS and getattr(model, "operations", None):
            model = keras.Model(model.inputs, model.outputs)  # of a class that has nothing else
        return json.loads(model.to_json())
    except Exception:  # whatever code of one's own raises
        message = Message("{kind} has no config of its graph", kind=type(model).__name__)
        raise refusal(message, "") from None


# Arrays


class Found(NamedTuple):
    """An array that is there: its layer and number, as `Stored` has them, its name, how many
    numbers it has and of which kind, as numpy's letter, and whether it learns, if that is known.
    """

    layer: str
    number: int
    name: str
    size: int
    kind: str
    learns: bool | None = None


class Arrays:
    """The arrays of a model. `keys` gives the key of a layer that is in several places."""

    keys: Mapping[str, str] = {}
    foreign: Collection[str] = ()

    def found(self, reader: Reader) -> list[Found]:
        """The arrays that there are, but for constants and for what the optimizer, metrics and
        random numbers keep. Raises ImportProblems where they cannot be listed."""
        raise NotImplementedError

    def measure(self, reader: Reader) -> None:
        """Take note of what arrays a model has, and where they lie."""
        self.files = reader.files
        self.kept = [*reader.builder.kept.values()]
        sizes = [prod(each.shape) for each in self.kept]
        self.limit = 2**21 + 2**14 * (len(sizes) + 3 * len(reader.asked)) + 32 * sum(sizes)

    def numbers(self, key: str, number: int) -> Sequence[float] | None:
        """A constant that a layer keeps beside its config, or None."""
        try:
            found = self.read(Stored(key, "", number, (), False))
            return [float(each) for each in found.reshape(-1)]
        except (ImportProblems, ImportError, ValueError, TypeError):
            return None

    def read(self, stored: Stored) -> numpy.ndarray[Any, Any]:
        """The numbers of an array. Raises ImportProblems where they are not there."""
        raise NotImplementedError


def arrays_of(source: Any) -> Arrays:
    """The arrays of a source: the bytes of a file, or a model in memory."""
    if not isinstance(source, bytes):
        return InMemory(source)
    return Hdf5(source) if is_hdf5(source) else Archived(source)


class Hdf5(Arrays):
    """Arrays in an `.h5` file: a group for each layer, the weights that learn before the others."""

    def __init__(self, data: bytes) -> None:
        self.data = data

    def read(self, stored: Stored) -> numpy.ndarray[Any, Any]:
        top = stored.layer.partition("/")[0]
        order = {key: number for number, key in enumerate(self.files)}

        def rank(key: str) -> list[int]:
            parts = key.split("/")
            return [order.get("/".join(parts[: i + 1]), 0) for i in range(len(parts))]

        group = [each for each in self.kept if each.layer.partition("/")[0] == top]
        group.sort(key=lambda each: (not each.trainable, rank(each.layer), each.number))
        place = next((n for n, each in enumerate(group) if each[:3] == stored[:3]), stored.number)
        with opened(self.data) as file:
            base = file.get("model_weights", file)
            found = base.get(top)
            names = found.attrs.get("weight_names", []) if found is not None else []
            if place >= len(names):
                raise missing(stored)
            return numbers_of(found.get(as_text(names[place])), stored)

    def found(self, reader: Reader) -> list[Found]:
        import h5py

        result = []
        with opened(self.data) as file:
            base = file.get("model_weights", file)
            for top in base:
                mine = [each for each in self.kept if each.layer.partition("/")[0] == top]
                constant = any(key.partition("/")[0] == top for key in reader.asked)
                names = [as_text(name) for name in base[top].attrs.get("weight_names", [])]
                if constant:
                    ends = ("/mean", "/mean:0", "/variance", "/variance:0", "/count", "/count:0")
                    names = [name for name in names if not name.endswith(ends)]
                known = {end for each in mine for end in (each.name, f"{each.name}:0")}
                # Their order is another where some are frozen: what is too many is told by name.
                names.sort(key=lambda name: name.rpartition("/")[2] not in known)
                for number, name in enumerate(names):
                    item = base[top].get(name)
                    if isinstance(item, h5py.Dataset):
                        place = (top, number)
                        if number < len(mine):
                            place = (mine[number].layer, mine[number].number)
                        result.append(Found(*place, name, prod(item.shape), item.dtype.kind))
        return result


class Archived(Arrays):
    """Arrays in a `.keras` file: a group for each layer, named for its class."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.unpacked: bytes | None = None

    def content(self) -> bytes:
        """The file of arrays in it. Raises ImportProblems."""
        if self.unpacked is None:
            try:
                with zipfile.ZipFile(io.BytesIO(self.data)) as archive:
                    self.unpacked = member(archive, _WEIGHTS, self.limit)
            except (KeyError, zipfile.BadZipFile, OSError, EOFError, RuntimeError):
                raise refusal(Message("no {name} in this archive", name=_WEIGHTS), "") from None
        return self.unpacked

    def found(self, reader: Reader) -> list[Found]:
        import h5py

        layers = {self.files[each.layer]: each.layer for each in self.kept[::-1]}
        constants = {reader.files.get(key) for key in reader.asked}
        result: dict[str, Found] = {}

        def visit(path: str, item: Any) -> None:
            path = path.replace("_layer_checkpoint_dependencies/", "layers/")
            folder, _, number = path.rpartition("/vars/")
            if not isinstance(item, h5py.Dataset) or folder in constants:
                return
            if not {*_NO_LAYERS} & {*path.split("/")}:
                place = (layers.get(folder, folder), int(number) if number.isdecimal() else -1)
                result[path] = Found(*place, path, prod(item.shape), item.dtype.kind)

        with opened(self.content()) as file:
            file.visititems(visit)
        return [*result.values()]

    def read(self, stored: Stored) -> numpy.ndarray[Any, Any]:
        folder = self.files.get(stored.layer, "")
        with opened(self.content()) as file:
            for path in (folder, folder.replace("layers/", "_layer_checkpoint_dependencies/")):
                if (found := file.get(f"{path}/vars/{stored.number}")) is not None:
                    return numbers_of(found, stored)
        raise missing(stored)


class InMemory(Arrays):
    """The variables of a model in memory."""

    def __init__(self, model: Any) -> None:
        self.layers: dict[str, Any] = {}
        self.weights = model.weights
        firsts: dict[int, str] = {}
        keys = self.keys = {}
        for path, layer in walked(model):
            key = "/".join(path)
            first = firsts.setdefault(id(layer), key)
            keys[key] = first
            self.layers[first] = layer
        self.foreign = {
            key
            for key, layer in self.layers.items()
            if type(layer).__module__.partition(".")[0] not in ("keras", "tf_keras")
        }

    def found(self, reader: Reader) -> list[Found]:
        places = {
            id(weight): (key, number)
            for key, layer in self.layers.items()
            if not hasattr(layer, "layers")
            for number, weight in enumerate(getattr(layer, "weights", ()))
        }
        constants = {self.keys.get(key, key) for key in reader.asked}
        result = []
        for weight in {id(each): each for each in self.weights}.values():
            layer, number = places.get(id(weight), ("", -1))
            if layer not in constants:
                kind = "f" if "float" in str(weight.dtype) else "i"
                size = prod(weight.shape)
                result.append(Found(layer, number, weight.path, size, kind, weight.trainable))
        return result

    def read(self, stored: Stored) -> numpy.ndarray[Any, Any]:
        import numpy
        from keras import ops

        weights = self.layers[stored.layer].weights if stored.layer in self.layers else []
        if stored.number >= len(weights):
            raise missing(stored)
        return numpy.asarray(ops.convert_to_numpy(weights[stored.number].value))


def walked(model: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """The operations of a model and of models in it, by their paths."""
    for layer in getattr(model, "operations", None) or model.layers:
        here = (*path, layer.name.replace("/", "_"))
        yield here, layer
        if hasattr(layer, "operations") or type(layer).__name__ in MODELS:
            yield from walked(layer, here)


def missing(stored: Stored) -> ImportProblems:
    """The error that a file lacks an array."""
    message = Message("no array `{name}` is in this file", name=f"{stored.layer}/{stored.name}")
    return refusal(message, "")


class opened:
    """An HDF5 file in memory, open for a while; what is damaged raises ImportProblems."""

    def __init__(self, data: bytes) -> None:
        self.data = data

    def __enter__(self) -> Any:
        import h5py

        try:
            self.file = h5py.File(io.BytesIO(self.data), "r")
        except (OSError, ValueError, RuntimeError):
            raise refusal(Message("this is no HDF5 file, or a damaged one"), "") from None
        return self.file

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        self.file.close()
        known = error is None or isinstance(error, (ImportProblems, ImportError))
        if not known and isinstance(error, Exception):  # whatever a damaged file makes h5py raise
            raise refusal(Message("this is no HDF5 file, or a damaged one"), "") from None


def numbers_of(item: Any, stored: Stored) -> numpy.ndarray[Any, Any]:
    """The numbers of a dataset, of the shape that is wanted. Raises ImportProblems."""
    import h5py

    if not isinstance(item, h5py.Dataset):
        raise missing(stored)
    path = f"{stored.layer}/{stored.name}"
    if item.is_virtual or item.external or item.chunks is not None:
        raise refusal(Message("`{name}` lies in pieces, or in another file", name=path), "")
    if stored.shape and tuple(item.shape) != stored.shape:
        shapes = {"one": show(tuple(item.shape)), "other": show(stored.shape)}
        raise refusal(Message("`{name}` is {one}, not {other}", name=path, **shapes), "")
    array = item[()]
    result: numpy.ndarray[Any, Any] = array.astype(array.dtype.newbyteorder("="), copy=False)
    return result
