"""What the names of Keras and TensorFlow mean in source code.

A tensor keeps the call that gave it. A network is called again from its inputs once it is chosen.
"""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, zip_longest
from typing import Any

from cnndsl.diagnostics.message import Message
from cnndsl.foreign.table import ACTIVATIONS, CLASSES, INPUT_SHAPES, KERAS
from cnndsl.importers.graph import Graph, ImportProblems, Output, Problem, Scope
from cnndsl.importers.interpreter import (
    ENDS,
    MOST_CALLS,
    Args,
    Bound,
    Function,
    Instance,
    Interpreter,
    Kwargs,
    Library,
    Native,
    Place,
    Tensor,
    Unknown,
    World,
    foreign,
    giving,
    parts_of,
    unknown_in,
)
from cnndsl.importers.keras_layers import KerasGraph, resting
from cnndsl.layers.base import Shape

MODELS = frozenset(("Sequential", "Model", "Functional"))
"""Keras's classes of models."""

_NAMED_SINCE = {
    "nb_filter": "filters", "border_mode": "padding", "subsample": "strides",
    "output_dim": "units", "bias": "use_bias", "p": "rate", "atrous_rate": "dilation_rate",
    "pool_length": "pool_size", "stride": "strides", "filter_length": "kernel_size",
    "size_": "size", "mode": "mode", "subsample_length": "strides",
}  # fmt: skip
"""What arguments of Keras 1 are called now."""

_MORE = {
    "Concatenate": "axis", "Lambda": "function output_shape", "TimeDistributed": "layer",
    "Normalization": "axis mean variance", "Resizing": "height width interpolation",
}  # fmt: skip
"""The arguments, in their order, of layers of which the table has none."""

_SILENT = re.compile(
    "(?!alpha_).*(initializer|regularizer|constraint)|name|dtype|seed|weights|init|autocast|"
    "input_length|implementation|batch_size|sparse|trainable|fused|synchronized"
)
"""Arguments that say nothing of which network it is, or what is asked for elsewhere."""

_OPERATIONS = {
    "truediv": "TrueDivide", "sub": "Subtract", "mul": "Multiply", "neg": "Negative",
    "pow": "Power", "concat": "Concatenate", "div": "TrueDivide", "divide": "TrueDivide",
    "reduce_mean": "Mean", "reduce_max": "Max", "reduce_min": "Min", "reduce_sum": "Sum",
    "amax": "Max", "amin": "Min", "permute_dimensions": "Transpose", "stack": "Stack",
    "clip_by_value": "Clip", "floordiv": "FloorDivide", "matmul": "Matmul",
    "swish": "Silu", "expand_dims": "ExpandDims", "getitem": "GetItem",
}  # fmt: skip
_ARGUMENTS = {
    "Mean": "axis keepdims", "Max": "axis keepdims", "Min": "axis keepdims",
    "Sum": "axis keepdims", "Reshape": "newshape", "Transpose": "axes", "Concatenate": "axis",
    "Softmax": "axis", "Pad": "pad_width mode constant_values", "Clip": "x_min x_max",
    "ExpandDims": "axis", "Squeeze": "axis", "LeakyRelu": "negative_slope",
    "Relu": "negative_slope max_value threshold", "DepthToSpace": "block_size",
    "SpaceToDepth": "block_size", "Gelu": "approximate", "Split": "indices_or_sections axis",
    "Swapaxes": "axis1 axis2",
    "Moveaxis": "source destination", "Take": "* axis", "Elu": "alpha",
    "Repeat": "repeats axis", "Stack": "axis", "Resize": "size interpolation",
    **dict.fromkeys(("MaxPool", "AveragePool"), "pool_size strides padding data_format"),
}  # fmt: skip
"""The arguments of operations behind the tensors that they read; `*` stays without a name."""
_CALLED = {
    "dim": "axis", "keep_dims": "keepdims", "shape": "newshape", "perm": "axes", "pattern": "axes",
    "paddings": "pad_width", "clip_value_min": "x_min", "clip_value_max": "x_max",
    "num_or_size_splits": "indices_or_sections", "method": "interpolation",
    "min_value": "x_min", "max_value": "x_max", "concat_axis": "axis",
}  # fmt: skip
_MERGES = {
    "sum": "add", "mul": "multiply", "concat": "concatenate", "ave": "average", "max": "maximum"
}  # fmt: skip
"""The functions that `merge` of Keras 1 stands for, by its `mode`."""
_HARMLESS = frozenset(
    "__init__ call get_config from_config compute_output_shape compute_mask".split()
)
"""Methods of a layer that a text may write anew: they are followed, or change no numbers."""
_SAME = frozenset(("convert_to_tensor", "cast", "identity", "stop_gradient"))
"""Functions that give their tensor."""
_CHORES = frozenset(
    "compile fit summary evaluate predict save save_weights load_weights fit_generator "
    "to_json get_config train_on_batch count_params export".split()
)
"""What is done with a model, which is no part of it."""


@dataclass(eq=False, slots=True)
class Made:
    """A call of the text that gives tensors: of a layer, of an operation, or an input.

    * `kind`: the class
    * `layer`: the layer that was called, None for an operation
    * `args`: tensors among other values
    * `within`: the models and layers of the text whose calls it is part of
    * `shape`: of an input
    * `training`: what it is told to be, as one that trains or not, and of which call; or None
    """

    kind: str
    layer: Instance | None
    config: Mapping[str, Any]
    args: Sequence[Any]
    scope: tuple[Scope, ...]
    place: Place
    within: tuple[Instance, ...] = ()
    shape: Any = None
    training: tuple[bool, str] | None = None


@dataclass(eq=False)
class KerasTensor(Tensor):
    """A tensor of a network: the call that gave it, and which of its results it is."""

    world: KerasWorld
    made: Made
    part: int | None = None


@dataclass(eq=False)
class Numbers(Tensor):
    """A row of numbers that is no part of a network."""

    world: KerasWorld
    numbers: list[float]


class KerasWorld(World):
    """Keras's names, and TensorFlow's."""

    entry = "call"

    def __init__(self, interpreter: Interpreter) -> None:
        self.interpreter = interpreter
        self.counts: dict[str, int] = {}
        self.scopes = interpreter.scopes
        self.within: list[Instance] = []
        self.scratch = Replay(KerasGraph(Graph(), strict=True))
        self.report = lambda unknown: None
        self.following = False
        self.created: list[Instance] = []
        self.channels_first: Place | None = None
        self.nested: set[int] = set()
        self.training: tuple[bool, str] | None = None  # what the calls that are followed are told

    # Calls

    def call(self, path: Library, args: Args, kwargs: Kwargs, place: Place) -> Any:
        name, within = path.name, path.path.split(".")[:-1]
        if name == "__init__" and args and isinstance(args[0], Instance):
            return self.begin(args[0], args[1:], kwargs)
        if name == "Input":
            return self.input(args, kwargs, place)
        if name in ("set_image_data_format", "set_image_dim_ordering"):
            if args and args[0] in ("channels_first", "th"):
                self.channels_first = place
            return None
        if name in ("image_data_format", "image_dim_ordering"):
            return "channels_last"
        if name == "int_shape" and args and isinstance(args[0], KerasTensor):
            return self.shape(args[0])
        if within[-1:] == ["activations"] and name == "get" and args:
            return args[0]
        if name[:1].isupper() and (within[-1:] != ["applications"]):
            made = Instance(Library(f"keras.layers.{name}"), place)
            self.begin(made, args, kwargs)
            return made
        if _holds(args, kwargs):
            return self.function(name, within, args, kwargs, place)
        if name in ("convert_to_tensor", "array", "constant") and args:
            many = args[0] if isinstance(args[0], (list, tuple)) else [None]
            if all(isinstance(each, (int, float)) for each in many):
                return Numbers(self, [*many])
        if name == "reshape" and len(args) > 1 and isinstance(args[0], Numbers):
            sizes = self.interpreter.items(args[1], self.interpreter.node)
            if all(size in (1, -1) for size in sizes):  # along one axis
                return args[0]
        return unknown_in([args, kwargs]) or foreign(path, place)

    def computed(self, function: str, args: Args, place: Place) -> Any:
        """An operator of a row of numbers and a number."""
        row = next(each for each in args if isinstance(each, Numbers))
        count = len(row.numbers)
        self.interpreter.tick(count // 8)
        rows = [row.numbers if each is row else [each] * count for each in args]
        try:
            return Numbers(self, [*map(getattr(operator, function), *rows)])
        except (ArithmeticError, TypeError, ValueError):
            self.interpreter.stop(place)

    def input(self, args: Args, kwargs: Kwargs, place: Place) -> Any:
        """A tensor that a network begins with."""
        given = args[0] if args else kwargs.get("shape")
        batched = kwargs.get("batch_shape", kwargs.get("batch_input_shape"))
        if given is None and isinstance(batched, (list, tuple)):
            given = batched[1:]
        if kwargs.get("tensor") is not None:
            self.interpreter.stop(place)
        name = kwargs.get("name")
        config = {"name": name if isinstance(name, str) else ""}
        layer = Instance(Library("keras.layers.InputLayer"), place, {**config})
        return KerasTensor(self, Made("InputLayer", layer, config, (), (), place, (), given))

    def function(
        self, name: str, within: list[str], args: Args, kwargs: Kwargs, place: Place
    ) -> Any:
        """A function of tensors."""
        self.needs(args, kwargs)
        if name in _SAME:
            return args[0]
        if name == "shape":
            return self.shape(args[0])
        if name == "merge" and "layers" in within:
            given = dict(zip(("inputs", "mode"), args))
            kwargs = {_CALLED.get(key, key): each for key, each in {**given, **kwargs}.items()}
            args, name = [kwargs.pop("inputs")], _MERGES.get(kwargs.pop("mode", "sum"), name)
        if "layers" in within and name.capitalize() in CLASSES[KERAS]:
            config = {key: each for key, each in kwargs.items() if not _SILENT.fullmatch(key)}
            layer = Instance(Library(f"keras.layers.{name.capitalize()}"), place)
            self.begin(layer, args[1:], config)
            return self.run(layer, [args[0] if args else kwargs.get("inputs")], {}, place)
        if name in ACTIVATIONS and within[-1:] in (["activations"], ["nn"]) and len(args) == 1:
            config = {"activation": "silu" if name == "swish" else name}
            if set(kwargs) <= {"name"}:
                return self.made("Activation", None, config, args, place, layered=True)
        plain = "".join(part[:1].upper() + part[1:] for part in name.split("_"))
        kind = _OPERATIONS.get(name, plain)
        config, tensors = {}, []
        known = _ARGUMENTS.get(kind, "").split()
        names = iter(known)
        for each in args:
            label = "*" if _holds(each) or kind not in _ARGUMENTS else next(names, "?")
            if label == "*":
                tensors.append(each)
            else:
                config[label] = each
        for key, each in kwargs.items():
            if _holds(each):
                tensors.append(each)
            elif key != "name":
                config[key if key in known else _CALLED.get(key, key)] = each
        parts = config.get("indices_or_sections")
        if within[:1] == ["tensorflow"] and isinstance(parts, (list, tuple)):
            config["indices_or_sections"] = [*accumulate(parts)][:-1]  # sizes there, places here
        return self.made(kind, None, config, tensors, place)

    def made(
        self,
        kind: str,
        layer: Instance | None,
        config: Mapping[str, Any],
        args: Sequence[Any],
        place: Place,
        layered: bool = False,
    ) -> Any:
        """The tensor that a call gives."""
        if layered:
            layer = Instance(Library(f"keras.layers.{kind}"), place, {"name": self.name(kind)})
        self.interpreter.tick(40)
        scopes, within = tuple(self.scopes), tuple(self.within)
        call = Made(kind, layer, config, args, scopes, place, within, training=self.training)
        if kind in ("Split", "Unstack"):
            parts = config.get("indices_or_sections")
            count = parts if isinstance(parts, int) else len(parts) + 1 if parts else 0
            return [KerasTensor(self, call, part) for part in range(min(count, 1000))]
        return KerasTensor(self, call)

    # Layers and models

    def name(self, kind: str, given: Any = None) -> str:
        """The name of a layer: what it is given, or its class and a number."""
        if isinstance(given, str):
            return given
        plain = re.sub(
            "([a-z])([A-Z])", r"\1_\2", re.sub("(.)([A-Z][a-z]+)", r"\1_\2", kind)
        ).lower()
        count = self.counts.get(plain, 0)
        self.counts[plain] = count + 1
        return f"{plain}_{count}" if count else plain

    def begin(self, instance: Instance, args: Args, kwargs: Kwargs) -> None:
        native = instance.native
        kind = native.name if native is not None else ""
        attrs = instance.attrs
        attrs["name"] = self.name(instance.cls.name, kwargs.get("name"))
        trainable = kwargs.get("trainable", True)
        attrs.setdefault("trainable", trainable if isinstance(trainable, bool) else True)
        if kind in MODELS:
            if instance not in self.created:
                self.created.append(instance)
            inputs = args[0] if args else kwargs.get("inputs", kwargs.get("input"))
            if kind == "Sequential":
                layers = args[0] if args else kwargs.get("layers", [])
                attrs["?layers"] = [*self.interpreter.spread(layers, self.interpreter.node)]
            elif inputs is not None:
                attrs["?inputs"] = inputs
                outputs = kwargs.get("outputs", kwargs.get("output"))
                attrs["?outputs"] = args[1] if len(args) > 1 else outputs
        elif kind != "Layer":
            config = attrs["?config"] = self.config(kind, args, kwargs)
            attrs.update((key, each) for key, each in config.items() if key not in attrs)

    def config(self, kind: str, args: Args, kwargs: Kwargs) -> dict[str, Any]:
        """The arguments of a layer by the names that they have now."""
        plain = kind.removeprefix("Atrous").replace("Deconvolution", "Convolution")
        known = CLASSES[KERAS].get(plain)
        names: Sequence[str] = _MORE.get(kind, "").split() or (known.arguments if known else ())
        old = kind.startswith(("Convolution", "SeparableConvolution", "Atrous", "Deconv"))
        rank = known.rank if known else 2
        if old and all(isinstance(each, int) for each in args[: rank + 1]) and len(args) > rank:
            args = [args[0], tuple(args[1 : rank + 1]), *args[rank + 1 :]]
        config = dict(zip(names, args))
        if len(args) > len(names) and known and known.word:
            text = Message("`{layer}` is given more arguments than it has", layer=kind)
            config["?"] = self.interpreter.unknown(text)
        config |= {_NAMED_SINCE.get(key, key): each for key, each in kwargs.items()}
        sides = [config.pop(key) for key in ("nb_row", "nb_col") if key in config]
        if len(sides) == 2:
            config["kernel_size"] = tuple(sides)
        if isinstance(padding := config.get("padding"), str):
            config["padding"] = padding.lower()
        if config.pop("dim_ordering", None) == "th":
            config["data_format"] = "channels_first"
        if kind == "UpSampling2D" and isinstance(config.get("size"), list):
            config["size"] = tuple(config["size"])
        return config

    def run(self, instance: Instance, args: Args, kwargs: Kwargs, place: Place) -> Any:
        before = self.training
        for each in getattr(self.interpreter.node, "keywords", ()):
            # What is handed on from an outer call is that call's to say.
            literal = each.value.value if isinstance(each.value, ast.Constant) else None
            if each.arg == "training" and isinstance(literal, (bool, int)):
                self.training = (bool(literal), str(instance.attrs.get("name", "")))
        try:
            return self.entered(instance, args, kwargs, place)
        finally:
            self.training = before

    def entered(self, instance: Instance, args: Args, kwargs: Kwargs, place: Place) -> Any:
        """What a layer or a model of the text gives."""
        if not args and kwargs:
            key = next(iter(kwargs))
            args, kwargs = [kwargs[key]], {k: each for k, each in kwargs.items() if k != key}
        own = self.interpreter.lookup(instance.cls, "call")
        is_model = instance.native is not None and instance.native.name in MODELS
        self.unchanged(instance, frozenset())
        if not _holds(args):
            if unknown_in(args):
                self.checked(instance)
            self.interpreter.check(unknown_in(args))
            self.interpreter.stop(place)
        if own is None and not is_model:
            return self.above(instance, args, kwargs)
        self.nested.add(id(instance))
        self.scopes.append(Scope(instance.cls.name, str(instance.attrs.get("name", ""))))
        self.within.append(instance)
        try:
            if own is None:
                return self.above(instance, args, kwargs)
            build = self.interpreter.lookup(instance.cls, "build")
            node = self.interpreter.node
            if build is not None and not instance.attrs.get("?built"):
                instance.attrs["?built"] = True
                shape = self.shape(next(_tensors(args)))
                self.interpreter.call(Bound(build, (instance,)), [shape], {}, node)
            kwargs = {key: each for key, each in kwargs.items() if key != "training"}
            wanted = own.node.args.args if isinstance(own, Function) else []
            if "training" in [each.arg for each in wanted]:
                kwargs["training"] = False
            return self.interpreter.call(Bound(own, (instance,)), args, kwargs, node)
        finally:
            self.scopes.pop()
            self.within.pop()

    def above(self, instance: Instance, args: Args, kwargs: Kwargs) -> Any:
        native = instance.native
        assert native is not None
        kind, attrs, node = native.name, instance.attrs, self.interpreter.node
        place = self.interpreter.place()
        if kind == "Sequential":
            value = args[0]
            for layer in attrs.get("?layers", ()):
                if isinstance(layer, Unknown):
                    self.report(layer)
                if not _is_input(layer):
                    value = self.interpreter.call(layer, [value], {}, node)
            return value
        if kind in MODELS:
            if "?inputs" not in attrs:
                return Unknown(Message("`{model}` has no `call`", model=instance.cls.name), place)
            return self.again(instance, args[0], place)
        self.unchanged(instance, frozenset() if kind == "Layer" else _HARMLESS)
        config = self.checked(instance)
        if config is None:
            # While a net is followed, go on to find what else is in the way.
            return args[0] if self.following else unknown_in(instance.attrs["?config"])
        if kind == "Lambda" and isinstance(config.get("function"), (Function, Bound, Library)):
            return self.interpreter.call(
                config["function"], args, config.get("arguments") or {}, node
            )
        inner = config.get("layer")
        if kind == "TimeDistributed" and isinstance(inner, Instance) and inner.cls.name == "Dense":
            return self.interpreter.call(inner, args, {}, node)
        activation = config.get("activation")
        after: Any = None
        if isinstance(activation, Library):
            name = "silu" if activation.name == "swish" else activation.name
            config = {**config, "activation": name}
        elif activation is not None and not isinstance(activation, str):
            config, after = {**config, "activation": None}, activation
        if kind == "Activation" and after is not None:
            return self.interpreter.call(after, args, {}, node)
        inputs = [args[0]] if not isinstance(args[0], (list, tuple)) else [*args[0]]
        inputs += [each for each in args[1:] if isinstance(each, KerasTensor)]
        self.needs(inputs)
        if not all(isinstance(each, KerasTensor) for each in inputs):
            self.interpreter.stop(node)
        result = self.made(kind, instance, config, inputs, instance.place)
        attrs.setdefault("?called", {"input": args[0], "output": result})
        return result if after is None else self.interpreter.call(after, [result], {}, node)

    def checked(self, instance: Instance) -> dict[str, Any] | None:
        """The arguments of a layer that matter, or None where one is unknown."""
        begins = () if _is_input(instance) else INPUT_SHAPES
        config = {
            key: each
            for key, each in instance.attrs.get("?config", {}).items()
            if key not in begins and not _SILENT.fullmatch(key)
        }
        if isinstance(instance.attrs.get("trainable"), Unknown):
            self.report(instance.attrs["trainable"])
        unknown = unknown_in(config)
        if unknown is not None:
            self.report(unknown)
        return config if unknown is None else None

    def again(self, model: Instance, given: Any, place: Place) -> Any:
        """The tensors of a model of tensors, called with others."""
        inputs = [*_tensors(model.attrs["?inputs"])]
        values = [*_tensors(given)]
        if len(inputs) != len(values):
            return Unknown(Message("the numbers of inputs differ"), place)
        new: dict[int, Any] = {id(old.made): value for old, value in zip(inputs, values)}
        scope, within = tuple(self.scopes), tuple(self.within)

        def changed(value: Any) -> Any:
            if isinstance(value, KerasTensor):
                found = new.get(id(value.made), value.made)
                made = found.made if isinstance(found, KerasTensor) else found
                part = found.part if isinstance(found, KerasTensor) else value.part
                return KerasTensor(self, made, part)
            return type(value)(map(changed, value)) if isinstance(value, (list, tuple)) else value

        for made in in_order(model.attrs["?outputs"], set(new)):
            self.interpreter.tick()
            new[id(made)] = replace(
                made,
                args=changed([*made.args]),
                scope=scope + made.scope,
                within=within + made.within,
                training=made.training or self.training,
            )
        return changed(model.attrs["?outputs"])

    # Attributes and parts

    def attribute(self, value: Any, name: str) -> Any:
        if isinstance(value, KerasTensor):
            if name in ("shape", "_keras_shape"):
                return self.shape(value)
            if name in ("get_shape", "as_list"):
                shape = self.shape(value)
                return giving(shape if name == "get_shape" else [*shape])
            return "float32" if name == "dtype" else None
        if isinstance(value, Numbers):
            return {"shape": (len(value.numbers),), "dtype": "float32"}.get(name)
        attrs, native = value.attrs, value.native
        if native is not None and native.name in MODELS:
            if name in _CHORES:
                return giving(None)
            if name in ("add", "pop", "build", "get_layer"):
                return Native(
                    lambda args, kwargs, node: self._model(value, name, [*args, *kwargs.values()])
                )
            if name == "layers":
                return self._layers(value)
            if name in ("input", "output", "inputs", "outputs"):
                inputs, outputs = self._view(value)
                found = inputs if name.startswith("in") else outputs
                if found is None:
                    return None
                return found if not name.endswith("s") or isinstance(found, list) else [found]
        called = attrs.get("?called", {})
        return giving(None) if name == "build" else called.get(name)

    def _view(self, model: Instance) -> tuple[Any, Any]:
        """The tensors that a model reads and gives; those of a Sequential are made for that."""
        attrs = model.attrs
        if "?inputs" in attrs or not attrs.get("?layers"):
            return attrs.get("?inputs"), attrs.get("?outputs")
        if "?view" not in attrs:
            nested = {*self.nested}
            attrs["?view"] = self.ends(model, (), [])
            self.nested.intersection_update(nested)
        inputs, outputs = attrs["?view"]
        return (inputs, outputs) if _holds(outputs) else (None, None)

    def _model(self, model: Instance, name: str, args: Args) -> Any:
        """A method of a model about its parts."""
        if name != "get_layer":
            model.attrs.pop("?view", None)
        match name, args:
            case "add", [layer]:
                model.attrs.setdefault("?layers", []).append(layer)
            case "pop", _ if model.attrs.get("?layers"):
                model.attrs["?layers"].pop()
            case "build", [list() | tuple() as shape]:
                model.attrs.setdefault("?shape", tuple(shape[1:]))
            case "build", _:
                pass
            case "get_layer", [wanted]:
                for each in self._layers(model):
                    if isinstance(each, Instance) and each.attrs.get("name") == wanted:
                        return each
                self.interpreter.stop(self.interpreter.node)
            case _:
                self.interpreter.stop(self.interpreter.node)
        return None

    def _layers(self, model: Instance) -> list[Any]:
        """The layers of a model, as Keras lists them; a model of its own is one of them."""
        layers = model.attrs.get("?layers")
        if layers is not None:
            self._view(model)
            return [each for each in layers if isinstance(each, Instance) and not _is_input(each)]
        calls = by_depth(model.attrs.get("?outputs"))
        found = [(*made.within, made.layer)[0] for made in calls]
        return [*{id(each): each for each in found if each}.values()]

    def assigned(self, instance: Instance, name: str, value: Any) -> Any:
        """What is said of whether a layer learns holds for all that is in it then."""
        left, seen = [instance] if name == "trainable" else [], set[int]()
        while left:
            each = left.pop()
            if id(each) not in seen:
                seen.add(id(each))
                each.attrs[name] = value
                parts = parts_of([self._layers(each), *each.attrs.values()])
                left += [part for part in parts if isinstance(part, Instance) and part.native]
        return value

    def shape(self, tensor: KerasTensor) -> tuple[int | None, ...]:
        """The shape of a tensor, with its batch of no known size."""
        self.interpreter.tick()
        value = self.scratch.value(tensor)
        return (None, *getattr(value, "shape", ()))

    def operate(self, function: str, args: Args, place: Place) -> Any:
        if function in ("int", "float", "bool", "len"):
            self.interpreter.branches(place)
        if not _holds(args):
            return self.computed(function, args, place)
        return self.function(function, ["operator"], args, {}, place)

    def item(self, value: Any, key: Any, place: Place) -> Any:
        if isinstance(value, KerasTensor):
            return self.made("GetItem", None, {}, [value, key], place)
        return self.interpreter.unfollowed(place)

    # Networks

    def follow(
        self, net: Instance, shapes: Sequence[Shape], name: str
    ) -> tuple[Graph, list[Unknown | Problem]]:
        """The graph of a model, and what in it could not be followed."""
        graph, interpreter = Graph(name, "keras"), self.interpreter
        found: list[Unknown | Problem] = []
        self.report, self.following = found.append, True
        interpreter.steps, interpreter.depth = 0, 0
        try:
            inputs, outputs = self.ends(net, shapes, found)
            if (unknown := unknown_in(outputs)) is not None:
                found.append(unknown)
            replay = Replay(KerasGraph(graph, strict=True), found)
            for each, shape in zip_longest(_tensors(inputs), shapes):
                if each is not None:
                    replay.input(each.made, shape)
            names = [*outputs] if isinstance(outputs, dict) else []
            for at, each in enumerate(_tensors(outputs)):
                value = replay.value(each)
                op = replay.builder.output(value)
                label = each.made.layer.attrs.get("name", "") if each.made.layer else ""
                label = str(names[at]) if at < len(names) else label
                if op is not None:
                    graph.outputs.append(Output(label or f"out{at + 1}", op))
            if not graph.outputs and not found and not graph.problems:
                found.append(Unknown(Message("`{net}` gives no tensor", net=name), net.place))
        except ENDS as error:
            found.append(interpreter.too_far(error, interpreter.node))
        if not found:
            graph.count()
        return graph, found

    def names(self, net: Any) -> set[str]:
        """The names of a model's outputs, where it gives a dict of them; `main` else."""
        outputs = net.attrs.get("?outputs") if isinstance(net, Instance) else None
        return {*outputs} if isinstance(outputs, dict) else {"main"}

    def ends(self, net: Instance, shapes: Sequence[Shape], found: list[Any]) -> tuple[Any, Any]:
        """The inputs and the outputs of a model."""
        attrs = net.attrs
        if "?inputs" in attrs and self.interpreter.lookup(net.cls, "call") is None:
            return attrs["?inputs"], attrs["?outputs"]
        layers = attrs.get("?layers", [])
        begins = [each for each in layers if isinstance(each, KerasTensor)]
        if begins:
            node = self.interpreter.node
            return begins[0], self.interpreter.call(net, [begins[0]], {}, node)
        first: Any = next(iter(layers), None)
        for _ in range(MOST_CALLS):
            inner = first.attrs.get("?layers") if isinstance(first, Instance) else None
            first = inner[0] if inner else first
        shape: Any = attrs.get("?shape")
        place = net.place
        if isinstance(first, Instance):
            place = first.place
            begun = next(_tensors(first.attrs.get("?inputs")), None)
            shape = _input_shape(
                first.attrs.get("?config", {}), begun.made.shape if begun else shape
            )
        count = max(1, len(shapes)) if self.interpreter.lookup(net.cls, "call") else 1
        sizes = [*shapes[:count], *[shape] * (count - len(shapes))]
        inputs = [
            KerasTensor(self, Made("InputLayer", None, {}, (), (), place, (), each))
            for each in sizes
        ]
        given: Any = inputs if count > 1 else inputs[0]
        if sizes[0] is None:
            found.append(first if isinstance(first, Unknown) else _sizeless(place))
            return [], []
        return given, self.interpreter.call(net, [given], {}, self.interpreter.node)


def _sizeless(place: Place) -> Problem:
    """An input of which the source does not say the size."""
    message = Message("the source does not say the size of the input")
    help_ = Message("say it with `--input`, such as `--input 28x28x1`")
    return Problem("E604", message, f"line {place.line}", help_, place.span)


class Replay:
    """The calls of a text made again, in a graph."""

    def __init__(self, builder: KerasGraph, found: list[Any] | None = None) -> None:
        self.builder, self.found = builder, [] if found is None else found
        self.values: dict[int, Any] = {}
        self.keys: dict[int, str] = {}
        self.kept: list[Made] = []  # what `values` goes by stays alive

    def input(self, made: Made, shape: Shape | None = None) -> None:
        """Make an input, of a shape that is given or that the text says."""
        said = made.shape
        if shape is None and isinstance(said, (list, tuple)):
            known = [each for each in said if isinstance(each, int) and each > 0]
            shape = tuple(known) if len(known) == len(said) and known else None
        elif shape is None and isinstance(said, int):
            shape = (said,)
        if shape is None:
            problem = _sizeless(made.place)
            if (unknown := unknown_in(said)) is not None:
                where = f"line {unknown.place.line}"
                problem = Problem(
                    unknown.code, unknown.reason, where, problem.help, unknown.place.span
                )
            self.found.append(problem)
            shape = ()
        elif len(shape) == 3 and shape[0] in (1, 3) and shape[2] > 4 and shape is not made.shape:
            first, *rest = shape
            message = Message("the input has its channels first: {shape}", shape=tuple(shape))
            sizes = "x".join(map(str, [*rest, first]))
            help_ = Message("Keras has them last: `--input {sizes}`", sizes=sizes)
            where = f"line {made.place.line}"
            self.found.append(Problem("E604", message, where, help_, made.place.span))
        self.kept.append(made)
        name = made.config.get("name", "")
        self.values[id(made)] = None
        try:
            if shape:
                self.values[id(made)] = self.builder.input(tuple(shape), name)
        except ImportProblems as problems:
            line, span = made.place
            self.found += [
                each._replace(where=f"line {line}", span=span) for each in problems.problems
            ]

    def value(self, tensor: KerasTensor) -> Any:
        """What a tensor is in the graph."""
        for made in in_order(tensor, set(self.values)):
            if made.kind == "InputLayer":
                self.input(made)
            else:
                self.values[id(made)] = self.call(made)
                self.kept.append(made)
        return self.of(tensor)

    def of(self, value: Any) -> Any:
        """A value with the tensors of the graph in it."""
        if isinstance(value, KerasTensor):
            found = self.values.get(id(value.made))
            if value.part is not None and isinstance(found, (list, tuple)):
                found = found[value.part] if value.part < len(found) else None
            return found
        if isinstance(value, Numbers):
            return value.numbers
        return type(value)(map(self.of, value)) if isinstance(value, (list, tuple)) else value

    def call(self, made: Made) -> Any:
        args = [self.of(each) for each in made.args]
        if any(self.of(each) in (None, []) for each in _tensors(made.args)):
            return None
        where, span = f"line {made.place.line}", made.place.span
        if made.layer is None:
            return self.builder.operation(
                made.kind, made.config, args, scope=made.scope, where=where, span=span
            )
        name = str(made.layer.attrs.get("name", ""))
        parts = [each.name for each in made.scope if not each.function]
        path = "/".join([*parts, name])
        key = self.keys.setdefault(id(made.layer), path)
        trains = all(each.attrs.get("trainable", True) for each in (made.layer, *made.within))
        config = made.config if trains else {**made.config, "trainable": False}
        told, caller = made.training or (None, "")
        if told:
            config = {**config, "training": True}
        elif told is False and (resting(made.kind, config) or "Dropout" in made.kind):
            self.builder.note_resting(caller)
        return self.builder.layer(
            made.kind, config, args, name, made.scope, where, key=key, span=span
        )


def in_order(outputs: Any, known: set[int] | None = None) -> Iterator[Made]:
    """The calls that tensors come of, each behind those that it reads, but for what is known."""
    seen = set(known or ())
    left: list[tuple[Made, bool]] = [(each.made, False) for each in reversed([*_tensors(outputs)])]
    while left:
        made, ready = left.pop()
        if ready:
            yield made
        elif id(made) not in seen:
            seen.add(id(made))
            left.append((made, True))
            left.extend((each.made, False) for each in reversed([*_tensors(made.args)]))


def by_depth(outputs: Any) -> list[Made]:
    """The calls that tensors come of: those first that have most calls behind them, and of as
    many in the order in which they are met from the end."""
    met: dict[int, Made] = {}
    left = [*reversed([*_tensors(outputs)])]
    while left:
        made = left.pop().made
        if id(made) not in met:
            met[id(made)] = made
            left.extend(reversed([*_tensors(made.args)]))
    depths = dict.fromkeys(met, 0)
    for made in reversed([*in_order(outputs)]):
        for each in _tensors(made.args):
            depths[id(each.made)] = max(depths[id(each.made)], depths[id(made)] + 1)
    return sorted(met.values(), key=lambda made: -depths[id(made)])


def _tensors(value: Any) -> Iterator[KerasTensor]:
    """The tensors in a value, in their order."""
    if isinstance(value, KerasTensor):
        yield value
    elif isinstance(value, (list, tuple, dict)):
        for each in value.values() if isinstance(value, dict) else value:
            yield from _tensors(each)


def _holds(*values: Any) -> bool:
    return next(_tensors(values), None) is not None


def _is_input(layer: Any) -> bool:
    """Whether a layer of a Sequential is its input."""
    if isinstance(layer, KerasTensor):
        return True
    return isinstance(layer, Instance) and layer.cls.name in ("InputLayer", "Input")


def _input_shape(config: Mapping[str, Any], default: Any) -> Any:
    """The shape that the first layer says its input has."""
    for key in ("input_shape", "shape", "batch_input_shape", "batch_shape"):
        found = config.get(key)
        if key.startswith("batch"):
            found = tuple(found[1:]) if isinstance(found, (list, tuple)) else None
        if found is not None:
            return found
    if isinstance(config.get("input_dim"), int):
        return (config["input_dim"],)
    return default
