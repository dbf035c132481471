"""What a model of Keras computes, call by call: each of its layers, made from its config.

Only Keras's own classes are made, as an import takes no others, and no model is built or loaded.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from typing import Any

import keras
import keras.applications  # registers the layers of its own
import numpy

from cnndsl.codegen.weights import Array
from cnndsl.importers.graph import Graph
from cnndsl.importers.keras_config import Reader, Step, version_of
from cnndsl.importers.keras_file import arrays_of, config_of, live_config
from cnndsl.importers.keras_graph import Stored, Value
from cnndsl.importers.statistics import near
from cnndsl.layers.window import same_pads
from cnndsl.targets.keras.live import array, floats, no_gradients


def values(
    model: Any,
    graph: Graph,
    inputs: Sequence[Array],
    arrays: Mapping[str, Array] | None = None,
    seed: int = 0,
) -> tuple[dict[int, Array], dict[str, Array]]:
    """What the operations of a graph give, by their places, and the arrays, by their keys.

    The graph was read from the model, a live one or the bytes of a file. `inputs` are channels
    last with the batch first. Arrays that are not given are drawn by the seed; statistics of a
    batch normalisation are taken from near those of what reaches it, as with any others what a
    deep network computes would explode. All is computed in double precision. An operation may be
    missing where a layer becomes several.
    """
    with floats("float64"), no_gradients():
        run = Run(model, graph, dict(arrays or {}), seed)
        for value, given in zip(run.reader.entered, inputs):
            run.known[id(value)] = keras.ops.convert_to_tensor(given, "float64")
        for step in run.reader.steps:
            run.step(step)
        return run.results(), run.arrays


class Run:
    """A run of a model: `known` has the tensors of the values that are computed."""

    def __init__(self, model: Any, graph: Graph, arrays: dict[str, Array], seed: int) -> None:
        config = config_of(model) if isinstance(model, bytes) else live_config(model)
        source = arrays_of(model)
        shapes = [op.shape for op in graph.ops if op.word == "input"]
        self.version = version_of(config)
        self.reader = Reader(graph.name, shapes, self.version, one_zero, source.keys)
        self.reader.read(config)
        source.measure(self.reader)
        self.source, self.arrays = source, arrays
        self.rng = numpy.random.default_rng(seed)
        self.known: dict[int, Any] = {}
        self.made: dict[str, Any] = {}
        self.stored: dict[str, list[Stored]] = {}
        for stored in self.reader.builder.kept.values():
            self.stored.setdefault(stored.layer, []).append(stored)

    def step(self, step: Step) -> None:
        """Follow a call, with what it reads."""
        args, kwargs = self.filled(step.args), self.filled(step.kwargs)
        kwargs = {name: each for name, each in kwargs.items() if name not in ("training", "mask")}
        call = self.made.get(step.key)
        if call is None:
            call = self.made[step.key] = self.maker(step)
            if step.key in self.stored:
                call.build(tuple(args[0].shape))
                self.fill(step, call, args[0])
            if isinstance(call, keras.layers.Normalization) and step.key in self.reader.asked:
                self.adapt(step.key, call, tuple(args[0].shape))
        averages = type(call).__name__.startswith("AveragePool") and call.padding == "same"
        result = average(call, args[0]) if averages else call(*args, **kwargs)
        many = (
            zip(step.result, result) if isinstance(step.result, list) else [(step.result, result)]
        )
        for value, tensor in many:
            self.known[id(value)] = tensor

    def filled(self, value: Any) -> Any:
        """Arguments with tensors for values."""
        if isinstance(value, Value):
            return self.known[id(value)]
        if isinstance(value, (list, tuple)):
            return [*map(self.filled, value)] if not is_key(value) else tuple(value)
        if isinstance(value, Mapping):
            return {name: self.filled(each) for name, each in value.items()}
        return value

    def maker(self, step: Step) -> Any:
        """The layer or the operation of a step, in double precision."""
        entry = {name: step.entry.get(name) for name in ("module", "class_name", "registered_name")}
        entry["module"] = entry["module"] or "keras.layers"
        config = doubled(step.entry["config"])
        if "trainable" in config:  # a layer; an operation has no type of its own
            config["dtype"] = "float64"
        return keras.saving.deserialize_keras_object({**entry, "config": config}, safe_mode=True)

    def fill(self, step: Step, layer: Any, tensor: Any) -> None:
        """Give a layer its arrays."""
        for stored in self.stored[step.key]:
            key = f"{stored.layer}/{stored.name}"
            if key not in self.arrays:
                self.arrays[key] = self.drawn(stored, array(tensor), step.entry)
            layer.weights[stored.number].assign(self.arrays[key])

    def drawn(self, stored: Stored, value: Array, entry: Mapping[str, Any]) -> Array:
        """A random array, with which a network neither blows up nor forgets."""
        shape = stored.shape
        if stored.name in ("moving_mean", "moving_variance"):
            return near(self.rng, value, stored.name.removeprefix("moving_"))
        if stored.name in ("gamma", "scale"):
            return self.rng.uniform(0.6, 1.4, shape)
        if "kernel" not in stored.name:
            return self.rng.normal(0, 0.2, shape)
        alone = "depthwise" in f"{entry.get('class_name')} {stored.name}".lower()
        fan_in = prod(shape[:-2] if alone and stored.name != "pointwise_kernel" else shape[:-1])
        return self.rng.normal(0, (1.6 / max(1, fan_in)) ** 0.5, shape)

    def adapt(self, key: str, layer: Any, shape: tuple[int, ...]) -> None:
        """Give a normalisation the constants that a file keeps for it."""
        layer.build(shape)
        for number, weight in enumerate(layer.weights[:2]):
            weight.assign(numpy.asarray(self.source.numbers(key, number)).reshape(weight.shape))
        layer.finalize_state()

    def results(self) -> dict[int, Array]:
        """The values of the operations that have one."""
        found: dict[int, Array] = {}
        places = [(value, value.known) for value in self.reader.entered]
        for step in self.reader.steps:
            many = step.result if isinstance(step.result, list) else [step.result]
            old = self.version < 3 and "hard_sigmoid" in str(step.entry["config"])
            places += [(value, None if old else value.known) for value in many]  # Keras 3 differs
        for value, op in places:
            if op is not None:
                found[op] = array(self.known[id(value)])
        return found


def average(call: Any, tensor: Any) -> Any:
    """An average pool with `same`: without the padding, as Keras computes it on TensorFlow and
    on JAX. On PyTorch it repeats the border where the padding is uneven."""
    sizes = tensor.shape[1:-1]
    kernel, stride = (
        numpy.broadcast_to(each, len(sizes)).tolist()
        for each in (call.pool_size, call.strides or call.pool_size)
    )
    pads = [(0, 0), *map(same_pads, sizes, stride, kernel), (0, 0)]
    total, count = (
        keras.ops.average_pool(keras.ops.pad(each, pads), kernel, stride)
        for each in (tensor, keras.ops.ones_like(tensor))
    )
    return total / count


def one_zero(key: str, number: int) -> Sequence[float]:
    """A constant in the place of one that is not needed to follow the calls."""
    return (0.0,)


def is_key(value: Sequence[Any]) -> bool:
    """Whether a list is what stands in brackets behind a tensor."""
    return any(each is None or each is Ellipsis or isinstance(each, slice) for each in value)


def doubled(value: Any) -> Any:
    """A config whose numbers are of double precision."""
    if isinstance(value, Mapping):
        inner = {name: doubled(each) for name, each in value.items()}
        return inner | ({"dtype": "float64"} if isinstance(inner.get("dtype"), (str, dict)) else {})
    return [*map(doubled, value)] if isinstance(value, list) else value
