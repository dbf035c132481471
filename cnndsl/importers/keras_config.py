"""A model of Keras from its config, as JSON has it: nothing is built, and no code runs.

Keras 3 writes it, and for the most part Keras 2 did the same. Models in models are scopes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from math import prod
from typing import Any, NamedTuple

from cnndsl.diagnostics.message import NOTHING, Message
from cnndsl.importers.graph import Graph, ImportProblems, Output, Problem, Scope
from cnndsl.importers.keras_graph import MOST, Value, shown
from cnndsl.importers.keras_layers import KerasGraph, resting
from cnndsl.importers.keras_ops import OPERATIONS
from cnndsl.layers.base import Shape
from cnndsl.layers.values import whole

DEEPEST = 24
"""So deep models may be nested in one another."""

MODELS = ("Sequential", "Functional", "Model")
"""The classes of models that have a config of their graph."""


class Ref(NamedTuple):
    """An output of an earlier call: the layer's name, which call of it, which of its outputs.

    `shape` is what the file says of it, without the batch, or None.
    """

    name: str
    call: int
    output: int
    shape: Shape | None = None


class Node(NamedTuple):
    """A call of a layer of a model; in its arguments a `Ref` stands for each tensor."""

    layer: Mapping[str, Any]
    args: list[Any]
    kwargs: Mapping[str, Any]


class Step(NamedTuple):
    """A call that was followed: of what an entry of the config says, which `key` is the path of
    in the model, with its arguments, in which a `Value` stands for each tensor, and what it gave.
    """

    key: str
    entry: Mapping[str, Any]
    args: Sequence[Any]
    kwargs: Mapping[str, Any]
    result: Any


class Reader:
    """Reads the config of a model. `steps` are the calls that it followed, in their order.

    `shapes` are those of the inputs, where the config leaves sizes open. `files` are the places
    of layers in a `.keras` file, `layers/conv2d_1`, by their keys here. `keys` gives the key of
    a layer that is known elsewhere in the model, too. `foreign` are the keys of layers that are
    known to be of classes of one's own, whatever the config says.
    """

    def __init__(
        self,
        name: str,
        shapes: Sequence[Shape],
        version: int = 3,
        numbers: Callable[[str, int], Sequence[float] | None] = lambda key, number: None,
        keys: Mapping[str, str] = {},
        foreign: Collection[str] = (),
    ) -> None:
        self.graph = Graph(name)
        self.numbers = numbers
        self.asked: list[str] = []  # the keys of layers whose constants are asked for
        self.builder = KerasGraph(self.graph, version, self.ask)
        self.shapes, self.keys, self.foreign = shapes, keys, foreign
        self.training: tuple[bool, str] | None = None  # that a model in it is called with, and it
        self.steps: list[Step] = []
        self.count = 0  # of all calls, those of models in it among them
        self.entered: list[Value] = []  # the inputs
        self.files: dict[str, str] = {}
        self.turns: dict[tuple[str, ...], int] = {}

    def ask(self, key: str, number: int) -> Sequence[float] | None:
        """A constant that a layer keeps beside its config, or None."""
        self.asked.append(key)
        return self.numbers(key, number)

    def read(self, config: Any) -> Graph:
        """The graph of a model's config."""
        try:
            if not isinstance(config, Mapping):
                raise refusal(Message("a model is {value}", value=shown(config)), "")
            result = self.model(config, None, (), "", ())
        except ImportProblems as found:
            self.graph.problems += found.problems
            return self.graph
        for name, value in result:
            if (op := self.builder.output(value)) is not None:
                self.graph.outputs.append(Output(name, op))
        self.graph.count()
        return self.graph

    def model(
        self,
        entry: Mapping[str, Any],
        inputs: list[Value] | None,
        path: tuple[str, ...],
        folder: str,
        scope: tuple[Scope, ...],
    ) -> list[tuple[str, Any]]:
        """The outputs of a model, by their names. Raises ImportProblems where it is none.

        `inputs` are what it is called with, None for the model as a whole; `folder` is where its
        layers lie in a `.keras` file.
        """
        kind, config = entry.get("class_name"), entry.get("config")
        where = "/".join(path)
        if kind == "Sequential" and isinstance(config, list):  # as Keras 2.0 had it
            config = {"layers": config}
        has_layers = isinstance(config, Mapping) and isinstance(config.get("layers"), list)
        if kind not in MODELS or not has_layers:
            message = Message("{kind} has no config of its graph", kind=shown(kind))
            raise refusal(message, where, Message("a Sequential or a functional model has one"))
        if len(path) > DEEPEST:
            raise refusal(Message("models are nested too deeply"), where)
        assert isinstance(config, Mapping)
        layers = []
        for each in config["layers"]:
            if not isinstance(each, Mapping) or not isinstance(each.get("config"), (Mapping, list)):
                raise refusal(Message("a layer is {value}", value=shown(each)), where)
            layers.append(each)
        self.places(layers, path, folder)
        call = self.sequential if kind == "Sequential" else self.functional
        return call(config, layers, inputs, path, folder, scope)

    def places(self, layers: Sequence[Mapping[str, Any]], path: Any, folder: str) -> None:
        """Note where the layers of a model lie in a file: by their classes, and numbered."""
        counts: dict[str, int] = {}
        for layer in layers:
            if is_operation(layer):
                continue
            kind = snake(str(layer.get("class_name")))
            number = counts[kind] = counts.get(kind, -1) + 1
            place = f"{kind}_{number}" if number else kind
            key = "/".join((*path, name_of(layer)))
            self.files.setdefault(self.keys.get(key, key), f"{folder}layers/{place}")

    # Models

    def sequential(
        self,
        config: Mapping[str, Any],
        layers: list[Mapping[str, Any]],
        inputs: list[Value] | None,
        path: tuple[str, ...],
        folder: str,
        scope: tuple[Scope, ...],
    ) -> list[tuple[str, Any]]:
        where = "/".join(path)
        if inputs is None:
            told = config.get("build_input_shape")
            if layers:
                told = batched(layers[0]) or told
            first = name_of(layers[0]) if layers else ""
            inputs = [self.input(told, first, 0, scope)]
        if len(inputs) != 1:
            raise refusal(Message("a Sequential reads one tensor"), where)
        value: Any = inputs[0]
        name = "output"
        for layer in layers:
            name = name_of(layer)
            if layer.get("class_name") != "InputLayer":
                value = self.call(Node(layer, [value], {}), path, folder, scope)
        return [(name, value)]

    def functional(
        self,
        config: Mapping[str, Any],
        layers: list[Mapping[str, Any]],
        inputs: list[Value] | None,
        path: tuple[str, ...],
        folder: str,
        scope: tuple[Scope, ...],
    ) -> list[tuple[str, Any]]:
        where = "/".join(path)
        named = {name_of(layer): layer for layer in layers}
        if len(named) != len(layers):
            raise refusal(Message("two layers have the same name"), where)
        entries = [ref for _, ref in refs_of(config.get("input_layers"))]
        outputs = refs_of(config.get("output_layers"))
        if not entries or not outputs or any(ref.name not in named for ref in entries):
            raise refusal(Message("its inputs or outputs are not told"), where)
        if inputs is not None and len(inputs) != len(entries):
            count = len(entries)
            raise refusal(Message("{count} tensors are read, not those", count=count), where)
        values: dict[tuple[str, int], Any] = {}
        for number, ref in enumerate(entries):
            given = inputs[number] if inputs is not None else None
            told = batched(named[ref.name])
            values[ref[:2]] = given or self.input(told, ref.name, number, scope)
        nodes = {
            (name, number): node
            for name, layer in named.items()
            for number, node in enumerate(calls_of(layer, where))
            if (name, number) not in values
        }
        for place in in_order([ref[:2] for _, ref in outputs], nodes, values.keys(), where):
            node = nodes[place]
            filled = node._replace(
                args=self.filled(node.args, values), kwargs=self.filled(node.kwargs, values)
            )
            values[place] = self.call(filled, path, folder, scope)
        return [(name or ref.name, chosen(values[ref[:2]], ref.output)) for name, ref in outputs]

    def filled(self, value: Any, values: dict[tuple[str, int], Any]) -> Any:
        """Arguments with the tensors that they refer to."""
        if isinstance(value, Ref):
            found = chosen(values[value[:2]], value.output)
            lost = not isinstance(found, Value) or (found.is_open and not found.made)
            if lost and value.shape and None not in value.shape:  # go on with what the file tells
                found = values[value[:2]] = self.builder.input(value.shape)
            return found
        if isinstance(value, list):
            return [self.filled(each, values) for each in value]
        if isinstance(value, Mapping):
            return {name: self.filled(each, values) for name, each in value.items()}
        return value

    def input(self, told: Any, name: str, number: int, scope: tuple[Scope, ...]) -> Value:
        """An input of the model, of the shape that is given for it, or that the config tells."""
        sizes = told[1:] if isinstance(told, (list, tuple)) else []
        shape = tuple(size for size in map(whole, sizes) if size is not None and size > 0)
        if number < len(self.shapes):
            shape = tuple(self.shapes[number])
        elif not shape or len(shape) != len(sizes) or len(shape) > 4 or prod(shape) > 10**18:
            message = Message("the size of the input is not told: {value}", value=shown(told))
            help_ = Message("say it, as `--input 224x224x3`")
            raise ImportProblems([Problem("E604", message, name, help_)])
        self.entered.append(self.builder.input(shape, name, scope))
        return self.entered[-1]

    # Layers

    def call(self, node: Node, path: tuple[str, ...], folder: str, scope: tuple[Scope, ...]) -> Any:
        """What a call of a layer, an operation or a model gives."""
        layer, kind = node.layer, node.layer.get("class_name")
        name, config = name_of(layer), layer["config"]
        here = (*path, name)
        key = "/".join(here)
        self.count += 1
        if self.count > MOST:
            raise TooLarge([Problem("E607", Message("more than {count:,} operations", count=MOST))])
        kept = self.keys.get(key, key)
        known = is_operation(layer) or (is_own(layer) and kept not in self.foreign)
        told = node.kwargs.get("training")
        training = (told, key) if isinstance(told, bool) else self.training
        if kind in MODELS and known:
            outer, self.training = self.training, training
            try:
                return self.nested(node, here, folder, scope)
            finally:
                self.training = outer
        if not isinstance(config, Mapping) or not isinstance(kind, str):
            raise refusal(Message("a layer is {value}", value=shown(kind)), key)
        kwargs: Mapping[str, Any] = {n: each for n, each in node.kwargs.items() if n != "mask"}
        args: Sequence[Any] = node.args
        if kind in ("TFOpLambda", "SlicingOpLambda"):
            layer, args, kwargs = lambda_of(layer, config, node)
            kind = layer["class_name"]
            result = self.builder.operation(kind, {}, args, kwargs, name, scope, key)
        elif is_operation(layer):
            result = self.builder.operation(kind, config, args, kwargs, name, scope, key)
        elif not known:
            message = Message("{kind} is a class of one's own", kind=kind)
            result = Value(self.builder, ())
            self.graph.problems += refusal(message, key).problems
        else:
            # Keras 3 writes False for each dropout, which `fit` turns into True as any other.
            counts = told is True or (training is not None and self.builder.version < 3)
            given = {**config, **({"training": training[0]} if training and counts else {})}
            result = self.builder.layer(kind, given, tensors_of(node), name, scope, key, kept)
            if training and not training[0] and resting(kind, config):
                self.builder.note_resting(training[1])
        self.steps.append(Step(kept, layer, args, kwargs, result))
        return result

    def nested(
        self, node: Node, here: tuple[str, ...], folder: str, scope: tuple[Scope, ...]
    ) -> Any:
        """What a model gives that is a layer of another."""
        key = "/".join(here)
        turn = self.turns[here] = self.turns.get(here, -1) + 1
        inner = (*scope, Scope(here[-1], here[-1], turn))
        kept = f"{self.files.get(self.keys.get(key, key), folder)}/"
        try:
            inputs = tensors_of(node)
            result = [value for _, value in self.model(node.layer, inputs, here, kept, inner)]
        except TooLarge:
            raise
        except ImportProblems as found:
            self.graph.problems += found.problems
            return Value(self.builder, ())
        return result[0] if len(result) == 1 else result


class TooLarge(ImportProblems):
    """A model has more calls than any can have: it is not read any further."""


def refusal(message: Message, where: str, help_: Message = NOTHING) -> ImportProblems:
    """The error of a source that is not safe, damaged, or of an unknown class."""
    return ImportProblems([Problem("E607", message, where, help_)])


def name_of(layer: Mapping[str, Any]) -> str:
    """What a model calls a layer."""
    config = layer["config"]
    name = layer.get("name") or (config.get("name") if isinstance(config, Mapping) else None)
    return name.replace("/", "_") if isinstance(name, str) and name else "unnamed"


def snake(name: str) -> str:
    """The name of a class as Keras writes it into files: `Conv2D` as `conv2d`."""
    name = re.sub(r"\W+", "", name)
    name = re.sub("(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub("([a-z])([A-Z])", r"\1_\2", name).lower()


def is_operation(layer: Mapping[str, Any]) -> bool:
    """Whether an entry is an operation of `keras.ops`, and no layer. An `.h5` file of Keras 3 names
    no module: there it is one that neither learns nor could, and is called as Keras 3 writes calls.
    """
    config, nodes = layer.get("config"), layer.get("inbound_nodes")
    if layer.get("module") is None and isinstance(config, Mapping) and isinstance(nodes, list):
        known = str(layer.get("class_name")) in OPERATIONS and "trainable" not in config
        return known and any(isinstance(node, Mapping) for node in nodes)
    return re.match(r"keras(\.src)?\.(ops|activations)\b", str(layer.get("module"))) is not None


def is_own(layer: Mapping[str, Any]) -> bool:
    """Whether a layer is Keras's own. Files of Keras 2 and `.h5` files name no module, and no
    other name for a layer of Keras's."""
    module, registered = layer.get("module"), layer.get("registered_name")
    if module is None:
        return registered is None and ">" not in str(layer.get("class_name"))
    own = re.match(r"(tf_)?keras\b", str(module)) is not None
    return own and (registered is None or registered == layer.get("class_name"))


def batched(layer: Mapping[str, Any]) -> Any:
    """The shape of an input with its batch, as a layer's config tells it, or None."""
    config = layer["config"]
    if not isinstance(config, Mapping):
        return None
    return config.get("batch_shape") or config.get("batch_input_shape")


def chosen(value: Any, output: int) -> Any:
    """One of the outputs of a layer that has several."""
    if not isinstance(value, list):
        return value
    return value[output] if 0 <= output < len(value) else None


def tensors_of(node: Node) -> list[Any]:
    """The tensors that a layer is called with."""
    found: list[Any] = []
    for each in node.args:
        found += each if isinstance(each, list) else [each]
    found += [each for each in node.kwargs.values() if isinstance(each, Value)]
    return found


# Calls in a config


def refs_of(value: Any) -> list[tuple[str, Ref]]:
    """References, each with the name that it has where they stand in a dictionary."""
    if (ref := ref_of(value)) is not None:
        return [("", ref)]
    if isinstance(value, Mapping):
        pairs = [(str(name), ref_of(each)) for name, each in value.items()]
    else:
        pairs = [("", ref_of(each)) for each in value] if isinstance(value, list) else []
    return [(name, ref) for name, ref in pairs if ref is not None and len(pairs) < MOST]


def ref_of(value: Any, shape: Shape | None = None) -> Ref | None:
    """A reference that is written as `["conv1", 0, 0]`."""
    if not isinstance(value, list) or len(value) < 3 or not isinstance(value[0], str):
        return None
    call, output = whole(value[1]), whole(value[2])
    if call is None or output is None:
        return None
    return Ref(value[0].replace("/", "_"), call, output, shape)


def calls_of(layer: Mapping[str, Any], where: str) -> Iterator[Node]:
    """The calls of a layer, in Keras 3's way or the one before."""
    nodes = layer.get("inbound_nodes")
    for node in nodes if isinstance(nodes, list) else []:
        if isinstance(node, Mapping):
            args, kwargs = (plain(node.get(name), 0) for name in ("args", "kwargs"))
            if not isinstance(args, list) or not isinstance(kwargs, Mapping):
                raise refusal(Message("a call is {value}", value=shown(node)), where)
            yield Node(layer, args, kwargs)
            continue
        refs = [ref_of(each) for each in node] if isinstance(node, list) else []
        if isinstance(node, list) and (one := ref_of(node)) is not None:
            refs, node = [one], [node]
        if not refs or None in refs:
            raise refusal(Message("a call is {value}", value=shown(node)), where)
        options = [each[3] for each in node if len(each) > 3 and isinstance(each[3], Mapping)]
        kwargs = {
            name: ref_of(each) or plain(each, 0)
            for name, each in (options[0] if options else {}).items()
        }
        yield Node(layer, [refs] if len(refs) > 1 else [*refs], kwargs)


def plain(value: Any, depth: int) -> Any:
    """What Keras has written as an object: a tensor, a slice, a constant."""
    if depth > 12:
        return None
    if isinstance(value, list):
        return [plain(each, depth + 1) for each in value]
    if not isinstance(value, Mapping):
        return value
    kind, config = value.get("class_name"), value.get("config")
    if not isinstance(config, Mapping):
        return {name: plain(each, depth + 1) for name, each in value.items()}
    if kind == "__keras_tensor__":
        told = config.get("shape")
        sizes = [whole(size) for size in told[1:]] if isinstance(told, list) else []
        shape = tuple(size for size in sizes if size is not None)
        known = len(shape) == len(sizes) and 0 < len(shape) < 5 and min(shape) > 0
        return ref_of(config.get("keras_history"), shape if known else None)
    if kind == "__slice__":
        ends = [config.get(name) for name in ("start", "stop", "step")]
        good = all(end is None or whole(end) is not None for end in ends) and ends[2] != 0
        return slice(*ends) if good else None
    if kind == "__ellipsis__":
        return Ellipsis
    if kind in ("__tensor__", "__numpy__"):
        return config.get("value")
    return {name: plain(each, depth + 1) for name, each in value.items()}


def references(value: Any) -> Iterator[Ref]:
    """The references in arguments."""
    if isinstance(value, Ref):
        yield value
    elif isinstance(value, (list, Mapping)):
        for each in value.values() if isinstance(value, Mapping) else value:
            yield from references(each)


def in_order(
    goals: Sequence[tuple[str, int]],
    nodes: Mapping[tuple[str, int], Node],
    known: Any,
    where: str,
) -> list[tuple[str, int]]:
    """The calls that goals need, each after those that it reads."""
    order: list[tuple[str, int]] = []
    done, open_ = {*known}, set[tuple[str, int]]()
    stack = [(goal, False) for goal in reversed(goals)]
    while stack:
        place, ready = stack.pop()
        if ready:
            order.append(place)
            done.add(place)
            open_.discard(place)
        elif place not in done:
            node = nodes.get(place)
            if node is None or place in open_:
                message = Message("`{name}` reads itself", name=place[0])
                if node is None:
                    message = Message("`{name}` is read, and not there", name=place[0])
                raise refusal(message, where)
            open_.add(place)
            stack.append((place, True))
            needed = [ref[:2] for ref in references([node.args, node.kwargs])]
            stack += [(each, False) for each in reversed(needed)]
    return order


LAMBDAS = {
    "__operators__.add": "Add", "math.add": "Add", "math.subtract": "Subtract",
    "math.multiply": "Multiply", "math.divide": "TrueDivide", "math.truediv": "TrueDivide",
    "__operators__.mul": "Multiply", "__operators__.sub": "Subtract", "nn.relu": "Relu",
    "nn.relu6": "Relu6", "nn.silu": "Silu", "nn.sigmoid": "Sigmoid", "math.sigmoid": "Sigmoid",
    "math.tanh": "Tanh", "math.negative": "Negative",
}  # fmt: skip
"""Functions of TensorFlow that Keras 2 wrote into files, as operations of Keras 3."""


def lambda_of(
    layer: Mapping[str, Any], config: Mapping[str, Any], node: Node
) -> tuple[Mapping[str, Any], list[Any], Mapping[str, Any]]:
    """The operation that a call of a function of TensorFlow is, and its arguments."""
    function = str(config.get("function"))
    rest = {name: each for name, each in node.kwargs.items() if name not in ("y", "name")}
    args = [*node.args, *([node.kwargs["y"]] if "y" in node.kwargs else [])]
    return {**layer, "class_name": LAMBDAS.get(function, function)}, args, rest


def read_config(config: Any, name: str = "", shapes: Sequence[Shape] = ()) -> Graph:
    """The graph of a model's config, as `model.to_json()` gives it.

    `shapes` are those of the inputs, without the batch, for sizes that it leaves open. What
    cannot come in is in `problems` of the graph.
    """
    return Reader(name, shapes, version_of(config)).read(config)


def version_of(config: Any) -> int:
    """The version of Keras that wrote a config; one that does not say so is of the newest."""
    told = config.get("keras_version") if isinstance(config, Mapping) else None
    return 2 if isinstance(told, str) and told[:2] in ("1.", "2.") else 3
