"""What PyTorch's names mean in source code: its modules become calls of its functions."""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any, NamedTuple

from cnndsl.diagnostics.message import Message
from cnndsl.importers.graph import Graph, ImportProblems, Problem, Scope, make, without_word
from cnndsl.importers.interpreter import (
    MOST_ITEMS,
    Args,
    Bound,
    Class,
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
from cnndsl.importers.torch_calls import Constant, Lost, Param, TorchGraph
from cnndsl.importers.torch_graph import extends, is_known, leave_out
from cnndsl.layers.base import Shape

PARAMETER = "torch.nn.Parameter"
Shapes = tuple[tuple[int, ...], ...]
"""The shapes of the inputs of a network, as PyTorch has them."""


class Spec(NamedTuple):
    """A module of PyTorch: its arguments in their order, `name=default` where they have one, the
    function that it calls, and what that is given, by attribute."""

    signature: str
    function: str
    operands: str


def _spec(signature: str, call: str) -> Spec:
    function, _, operands = call.partition(" ")
    names = (each.partition("=")[0] for each in signature.split())
    return Spec(
        signature, function, operands or " ".join(each for each in names if each != "inplace")
    )


_OF_KERNEL = "out_channels kernel_size stride=1 padding=0"
_CONV = f"{_OF_KERNEL} dilation=1 groups=1 bias=True padding_mode=zeros"
_CALL = "conv*d weight bias stride padding dilation groups"
_NORM = "eps=1e-05 momentum=0.1 affine=True track_running_stats=True"
_BATCH_NORM = "batch_norm running_mean running_var weight bias training momentum eps"
_NO_NORM = "eps=1e-05 momentum=0.1 affine=False track_running_stats=False"
_SCALED = "size=None scale_factor=None"
_RANKED = {
    "Conv*d": (f"in_channels {_CONV}", _CALL),
    "LazyConv*d": (_CONV, _CALL),
    "ConvTranspose*d": (
        f"in_channels {_OF_KERNEL} output_padding=0 groups=1 bias=True dilation=1 "
        "padding_mode=zeros",
        "conv_transpose*d weight bias stride padding output_padding groups dilation",
    ),
    "MaxPool*d": (
        "kernel_size stride=None padding=0 dilation=1 return_indices=False ceil_mode=False",
        "max_pool*d kernel_size stride padding dilation ceil_mode return_indices",
    ),
    "AvgPool*d": (
        "kernel_size stride=None padding=0 ceil_mode=False count_include_pad=True "
        "divisor_override=None",
        "avg_pool*d",
    ),
    "AdaptiveAvgPool*d": ("output_size", "adaptive_avg_pool*d"),
    "AdaptiveMaxPool*d": ("output_size return_indices=False", "adaptive_max_pool*d"),
    "BatchNorm*d": (f"num_features {_NORM}", _BATCH_NORM),
    "LazyBatchNorm*d": (_NORM, _BATCH_NORM),
    "InstanceNorm*d": (
        f"num_features {_NO_NORM}",
        "instance_norm running_mean running_var weight bias use_input_stats momentum eps",
    ),
    "Dropout*d": ("p=0.5 inplace=False", "dropout*d p training"),
    "ZeroPad*d": ("padding mode=constant value=0", "pad"),
    "ConstantPad*d": ("padding value mode=constant", "pad padding mode value"),
    "ReflectionPad*d": ("padding mode=reflect", "pad"),
    "ReplicationPad*d": ("padding mode=replicate", "pad"),
    "CircularPad*d": ("padding mode=circular", "pad"),
}
_PLAIN = {
    **{
        name: ("inplace=False", name.lower())
        for name in "ReLU ReLU6 SELU SiLU Mish Hardswish Hardsigmoid Sigmoid Tanh".split()
    },
    "Linear": ("in_features out_features bias=True", "linear weight bias"),
    "LazyLinear": ("out_features bias=True", "linear weight bias"),
    "SyncBatchNorm": _RANKED["BatchNorm*d"],
    "LayerNorm": (
        "normalized_shape eps=1e-05 elementwise_affine=True bias=True",
        "layer_norm normalized_shape weight bias eps",
    ),
    "GroupNorm": (
        "num_groups num_channels eps=1e-05 affine=True", "group_norm num_groups weight bias eps"
    ),
    "LocalResponseNorm": ("size alpha=0.0001 beta=0.75 k=1.0", "local_response_norm"),
    "Dropout": ("p=0.5 inplace=False", "dropout p training"),
    "Flatten": ("start_dim=1 end_dim=-1", "flatten"),
    "Unflatten": ("dim unflattened_size", "unflatten"),
    "Identity": ("", ""),
    "LeakyReLU": ("negative_slope=0.01 inplace=False", "leaky_relu"),
    "ELU": ("alpha=1.0 inplace=False", "elu"),
    "GELU": ("approximate=none", "gelu"),
    "Softplus": ("beta=1 threshold=20", "softplus"),
    "Hardtanh": ("min_val=-1.0 max_val=1.0 inplace=False", "hardtanh"),
    "PReLU": ("num_parameters=1 init=0.25", "prelu weight"),
    "Softmax": ("dim=None", "softmax"),
    "LogSoftmax": ("dim=None", "log_softmax"),
    "Softmax2d": ("dim=1", "softmax"),
    "Upsample": (f"{_SCALED} mode=nearest align_corners=None", "interpolate"),
    "UpsamplingNearest2d": (f"{_SCALED} mode=nearest", "interpolate"),
    "UpsamplingBilinear2d": (f"{_SCALED} mode=bilinear align_corners=True", "interpolate"),
    "DropPath": ("drop_prob=0.0 scale_by_keep=True", "drop_path drop_prob"),
    "StochasticDepth": ("p mode", "drop_path"),
    "ChannelShuffle": ("groups", "channel_shuffle"),
    "PixelShuffle": ("upscale_factor", "pixel_shuffle"),
    "PixelUnshuffle": ("downscale_factor", "pixel_unshuffle"),
}  # fmt: skip

MODULES: dict[str, tuple[Spec, int]] = {
    **{name: (_spec(*each), 0) for name, each in _PLAIN.items()},
    **{
        name.replace("*", str(rank)): (_spec(signature, call.replace("*", str(rank))), rank)
        for name, (signature, call) in _RANKED.items()
        for rank in (1, 2, 3)
    },
}
"""The modules that are one call of a function, and how many dimensions they are for."""


def _each(value: Any, rank: int) -> tuple[int, ...]:
    return tuple(value) if isinstance(value, (tuple, list)) else (value,) * rank


def _arrays(name: str, a: dict[str, Any], rank: int) -> dict[str, tuple[int, ...]]:
    """The shapes of the arrays that a module keeps, given its attributes."""
    biased = ("weight", "bias")
    if "Conv" in name:
        ends = a["out_channels"], a["in_channels"]
        first, second = reversed(ends) if "Transpose" in name else ends
        weight: tuple[int, ...] = (first, second // a["groups"], *_each(a["kernel_size"], rank))
    elif "Linear" in name:
        weight = (a["out_features"], a["in_features"])
    elif name == "PReLU":
        return {"weight": (a["num_parameters"],)}
    elif name == "LayerNorm":
        shape = a["normalized_shape"] = _each(a["normalized_shape"], 1)
        learned = biased if a["bias"] else ("weight",)
        return dict.fromkeys(learned if a["elementwise_affine"] else (), shape)
    elif "Norm" in name and "affine" in a:
        shape = (a["num_channels" if name == "GroupNorm" else "num_features"],)
        kept = ("running_mean", "running_var") if a.get("track_running_stats") else ()
        return dict.fromkeys((*(biased if a["affine"] else ()), *kept), shape)
    else:
        return {}
    units = a["out_channels" if "Conv" in name else "out_features"]
    return {"weight": weight, **({"bias": (units,)} if a["bias"] else {})}


CONTAINERS = frozenset(("Sequential", "ModuleList", "ModuleDict", "Module"))
_SELVES = frozenset(
    "to cuda cpu eval train apply float half double type requires_grad_ share_memory "
    "init_weights load_state_dict zero_grad bfloat16 compile".split()
)
"""Methods of a module that leave the network as it is."""
_SAME = frozenset("DataParallel DistributedDataParallel script compile trace Variable".split())
"""Functions that give the module that they are given."""
_AS_IT_IS = frozenset("contiguous clone detach to float type_as cuda cpu half".split())
"""Methods of a tensor that give it."""
_HARMLESS = frozenset("__init__ forward reset_parameters extra_repr __repr__".split())
"""Methods of a module that a text may write anew: they are followed, or set first numbers."""
_IN_PLACE = {
    **dict.fromkeys("relu relu6 selu silu mish hardswish hardsigmoid".split(), 1),
    **dict.fromkeys("leaky_relu elu celu".split(), 2),
    **dict.fromkeys("hardtanh dropout dropout1d dropout2d dropout3d threshold".split(), 3),
}
"""The place of the argument `inplace` of functions that have one."""
_SHARING = frozenset(
    "view reshape flatten unflatten ravel permute transpose swapaxes swapdims movedim moveaxis t "
    "squeeze unsqueeze expand expand_as broadcast_to view_as reshape_as narrow select unfold "
    "chunk split tensor_split unbind __getitem__ dropout dropout1d dropout2d dropout3d".split()
)
"""Functions whose result may share its numbers with their tensor."""
_PARTS = frozenset(
    "parameters named_parameters modules named_modules children values named_children items keys "
    "add_module register_module append extend insert register_buffer register_parameter".split()
)
"""Methods of a module about its parts."""
_ELSEWHERE = frozenset(("DropPath", "StochasticDepth"))
"""Modules of torchvision and timm that are known."""
_MADE = frozenset(
    "zeros ones empty rand randn full linspace tensor FloatTensor Tensor normal".split()
)
"""Functions that make a tensor out of nothing."""


class TorchTensor(Tensor):
    """A tensor on its way through a network: `view` is what TorchGraph gave.

    `memory` has the places of the changes in place so far of the numbers, which all tensors have
    that share these; a tensor that knows fewer of them is no longer what `view` says.
    """

    __slots__ = ("known", "memory", "view", "world")

    def __init__(self, world: TorchWorld, view: Any, memory: list[Place] | None = None) -> None:
        self.world, self.view = world, view
        self.memory: list[Place] = [] if memory is None else memory
        self.known = len(self.memory)


class Array(Tensor):
    """A tensor that is no part of a network: its shape, and its numbers where they are known."""

    __slots__ = ("numbers", "shape", "world")

    def __init__(
        self, world: TorchWorld, shape: tuple[int, ...], numbers: tuple[float, ...] | None = None
    ) -> None:
        self.world, self.shape, self.numbers = world, shape, numbers


class TorchWorld(World):
    """PyTorch's names; `graph` is that of the network whose forward is being followed."""

    entry = "forward"

    def __init__(self, interpreter: Interpreter) -> None:
        self.interpreter = interpreter
        self.graph: TorchGraph | None = None
        self.training = False
        self.generated = False
        self.scopes: list[Scope] = []
        self.within = ""  # the key of the module of the last scope
        self.keys: dict[int, str] = {}  # of modules and parameters, by identity
        self.turns: dict[int, int] = {}
        self.shapes: dict[int, Shapes] = {}  # of what a module was called with in the text
        self.made_here: list[Instance] = []
        self.starts: dict[str, tuple[float, ...]] = {}  # the numbers of parameters, by key
        self.report = lambda unknown: None

    # Calls

    def call(self, path: Library, args: Args, kwargs: Kwargs, place: Place) -> Any:
        name = path.name
        if name == "__init__" and args and isinstance(args[0], Instance):
            return self.begin(args[0], args[1:], kwargs)
        if name == "forward" and args and isinstance(args[0], Instance):
            return self.above(args[0], args[1:], kwargs)
        if name in _SAME and args:
            return args[0]
        if name in ("spectral_norm", "weight_norm") and not _holds(args):
            return Unknown(without_word(name), place, "E601")
        if name == "checkpoint" and args:
            return self.interpreter.call(args[0], args[1:], {}, self.interpreter.node)
        if name in ("Parameter", "Buffer"):
            value: Any = args[0] if args else kwargs.get("data")
            value = value.attrs["data"] if is_parameter(value) else value
            self.interpreter.check(value)
            if not isinstance(value, Array):
                self.interpreter.stop(place)
            learns = kwargs.get("requires_grad", name == "Parameter")
            return Instance(Library(PARAMETER), place, {"requires_grad": learns, "data": value})
        if name in ("is_scripting", "is_tracing", "is_exporting", "is_compiling"):
            return False
        if name == "annotate" and len(args) == 2:
            return args[1]
        if name == "Size" and args:
            return tuple(args[0]) if isinstance(args[0], (list, tuple)) else args[0]
        if _holds(args) or _holds(list(kwargs.values())):
            return self.function(name, args, kwargs, place)
        if name in _MADE:
            return self.made(name, args, kwargs, place)
        if is_known(name) and any(isinstance(each, Array) for each in args):
            follow = partial(self.function, name, kwargs=kwargs, place=place)
            return self.tried(args, place, follow)
        elsewhere = name in _ELSEWHERE and path.root in ("timm", "torchvision")
        if elsewhere or (name[:1].isupper() and path.path.startswith("torch.nn.")):
            made = Instance(Library(f"torch.nn.{name}"), place)
            self.begin(made, args, kwargs)
            return made
        return unknown_in([args, kwargs]) or foreign(path, place)

    def made(self, name: str, args: Args, kwargs: Kwargs, place: Place) -> Any:
        """A tensor that a function makes."""
        self.interpreter.check(unknown_in(args))
        first = args[0] if args else kwargs.get("size", kwargs.get("data"))
        if name == "tensor" or (name.endswith("Tensor") and isinstance(first, list)):
            numbers = _flat(first)
            return self.interpreter.unfollowed(place) if numbers is None else Array(self, *numbers)
        if name == "linspace":
            match args:
                case [int() | float() as begin, int() | float() as end, int(count)] if (
                    0 < count <= MOST_ITEMS and max(abs(begin), abs(end)) < 1e9
                ):
                    step = (end - begin) / max(count - 1, 1)
                    self.interpreter.tick(count)
                    return Array(self, (count,), tuple(begin + step * at for at in range(count)))
            self.interpreter.stop(place)
        sizes: Any = first if name == "full" or isinstance(first, (list, tuple)) else args
        if not isinstance(sizes, (list, tuple)) or not all(isinstance(s, int) for s in sizes):
            self.interpreter.stop(place)
        fill: Any = {"zeros": 0.0, "ones": 1.0}.get(name)
        if name == "full":
            fill = args[1] if len(args) > 1 else kwargs.get("fill_value")
        count = math.prod(sizes)
        known = isinstance(fill, (int, float)) and count <= 100_000
        self.interpreter.tick(count // 64 if known else 0)
        return Array(self, tuple(sizes), (float(fill),) * count if known else None)

    def tried(self, args: Args, place: Place, follow: Callable[[Args], Any]) -> Any:
        """What a call outside of a network gives: while one is being made, to size its layers, a
        tensor of the shape that it would have."""
        if self.graph is not None:
            return self.interpreter.unfollowed(place)
        known = Unknown(Message("a network is called here"), place)
        shapes = [each.shape for each in args if isinstance(each, Array)]
        if not self.interpreter.making or not shapes or min(map(len, shapes)) < 2:
            return known
        kept = self.keys, self.turns, self.scopes, self.within, self.report
        self.keys, self.turns, self.scopes, self.within = {}, {}, [], ""
        found: list[Unknown] = []
        self.report = found.append
        graph = self.graph = TorchGraph(Graph("", "torch"))
        try:
            result = follow([self.flowing(graph, each) for each in args])
        except ImportProblems:
            return known
        finally:
            self.graph = None
            self.keys, self.turns, self.scopes, self.within, self.report = kept
        if found or graph.told or graph.graph.problems or not isinstance(result, TorchTensor):
            return known
        return Array(self, (shapes[0][0], *result.view.shape[1:]))

    def flowing(self, graph: TorchGraph, value: Any) -> Any:
        """A value as one that flows through a network, where it is a tensor."""
        if not isinstance(value, Array):
            return value
        return TorchTensor(self, graph.input((*value.shape[2:], value.shape[1])))

    def function(self, name: str, args: Args, kwargs: Kwargs, place: Place) -> Any:
        """A function of tensors that flow through the network."""
        self.needs(args, kwargs, *map(self.stale, parts_of([args, kwargs])))
        assert self.graph is not None
        self.interpreter.tick(40)
        silent = ("inplace", "out", "dtype")
        named = {key: self.lower(each) for key, each in kwargs.items() if key not in silent}
        scopes, where = tuple(self.scopes), f"line {place.line}"
        result = self.graph.call(name, self.lower(args), named, scopes, where, span=place.span)
        first = args[0] if args else kwargs.get("input")
        shares = first if name in _SHARING and isinstance(first, TorchTensor) else None
        value = self.raised(result, shares.memory if shares is not None else None)
        at = _IN_PLACE.get(name, len(args))
        inplace = kwargs.get("inplace") or (at < len(args) and args[at])
        if inplace or (name.endswith("_") and not name.startswith("__")):
            value = self.changed(first, value, place)
        return self.changed(kwargs["out"], value, place) if kwargs.get("out") else value

    def stale(self, value: Any) -> Unknown | None:
        """That a tensor's numbers were changed through another."""
        if not isinstance(value, TorchTensor) or value.known == len(value.memory):
            return None
        text = Message("this changes in place what is read later as another tensor")
        return Unknown(text, value.memory[-1])

    def changed(self, tensor: Any, value: Any, place: Place) -> Any:
        if isinstance(tensor, Array):
            tensor.numbers = value.numbers if isinstance(value, Array) else None
            return tensor if isinstance(value, Array) else value
        if not isinstance(tensor, TorchTensor):
            return value
        tensor.memory.append(place)
        if not isinstance(value, TorchTensor):
            return value
        tensor.view, tensor.known = value.view, len(tensor.memory)
        return tensor

    def assigned(self, instance: Instance, name: str, value: Any) -> Any:
        if name == "data" and is_parameter(instance) and not isinstance(value, Array):
            return Array(self, instance.attrs["data"].shape)  # of numbers that are not known
        return value

    def lower(self, value: Any) -> Any:
        """A value as TorchGraph takes it."""
        if isinstance(value, TorchTensor):
            return value.view
        if isinstance(value, Instance) and value.cls.path == PARAMETER:  # type: ignore[union-attr]
            return self.param(value)
        if isinstance(value, Array):
            if value.numbers is None:
                return Lost(value.shape, "a tensor")
            return Constant(value.numbers, value.shape)
        if isinstance(value, Library):
            return value.name
        if isinstance(value, (list, tuple)):
            return type(value)(map(self.lower, value))
        return value

    def raised(self, value: Any, memory: list[Place] | None = None) -> Any:
        """What TorchGraph gave as a value of the source."""
        if isinstance(value, (int, float, str, bool, type(None))):
            return value
        if type(value) in (list, tuple):
            return type(value)(self.raised(each, memory) for each in value)
        return TorchTensor(self, value, memory)

    def param(self, parameter: Instance) -> Any:
        """A parameter as TorchGraph takes it."""
        data = parameter.attrs["data"]
        key = self.keys.setdefault(id(parameter), f"?{len(self.keys)}")
        if data.numbers:
            self.starts[key] = data.numbers
        return Param(key, data.shape, parameter.attrs["requires_grad"] is True)

    # Modules

    def begin(self, instance: Instance, args: Args, kwargs: Kwargs) -> Any:
        native = instance.native
        name = native.name if native is not None else ""
        if name in CONTAINERS and instance not in self.made_here[-1:]:
            self.made_here.append(instance)
        if args and isinstance(args[0], dict) and name in ("ModuleDict", "Sequential"):
            instance.attrs.update((str(key), each) for key, each in args[0].items())
        elif name == "ModuleDict":
            self.interpreter.check(unknown_in(args))
        elif name in ("Sequential", "ModuleList", "ParameterList"):
            many = args if name == "Sequential" or not args else self.parts(args[0])
            for each in many:
                self.append(instance, each)
        elif name in MODULES:
            self.configure(instance, name, args, kwargs)
        elif name != "Module":
            instance.attrs["?arguments"] = (args, kwargs)

    def parts(self, value: Any) -> Sequence[Any]:
        """The modules of a list."""
        return self.interpreter.spread(value, self.interpreter.node)

    def configure(self, instance: Instance, name: str, args: Args, kwargs: Kwargs) -> None:
        """Give a module of PyTorch its attributes and its arrays."""
        attrs = instance.attrs
        pairs = [each.partition("=") for each in MODULES[name][0].signature.split()]
        names = [argument for argument, _, _ in pairs]
        attrs.update((key, _DEFAULTS.get(each, each)) for key, _, each in pairs if each)
        attrs.update(zip(names, args))
        attrs.update((key, each) for key, each in kwargs.items() if key not in ("device", "dtype"))
        if name.startswith("Instance"):
            attrs["use_input_stats"] = not attrs["track_running_stats"]
        if "Conv" in name:  # has a size for each dimension, whatever is given
            rank = MODULES[name][1]
            sizes = ("kernel_size", "stride", "padding", "dilation", "output_padding")
            attrs.update(
                (key, (attrs[key],) * rank) for key in sizes if isinstance(attrs.get(key), int)
            )
        if not name.startswith("Lazy"):
            self.build(instance, name)
        strange = any(key in kwargs and key not in names for key in attrs)
        if strange or len(args) > len(names) or any(each not in attrs for each in names):
            text = Message("`{module}` takes no such arguments", module=name)
            self.interpreter.stop(instance.place, text)

    def build(self, instance: Instance, name: str) -> None:
        """Make the arrays of a module, as far as its arguments are known."""
        attrs, (spec, rank) = instance.attrs, MODULES[name]
        if unknown_in(attrs):
            return
        try:
            shapes = _arrays(name, attrs, rank)
        except (KeyError, TypeError, ZeroDivisionError):
            return
        operands = spec.operands.split()
        for role in ("weight", "bias", "running_mean", "running_var"):
            if role in operands:
                attrs[role] = None
        for role, shape in shapes.items():
            if all(isinstance(size, int) for size in shape):
                data = {"data": Array(self, shape), "requires_grad": not role.startswith("running")}
                attrs[role] = Instance(Library(PARAMETER), instance.place, data)

    def append(self, instance: Instance, value: Any, name: str = "") -> None:
        """Add a part to a container."""
        if value is not None and not isinstance(value, (Instance, Unknown)):
            value = self.interpreter.unknown(Message("this is no module"))
        instance.attrs[name or str(len(children(instance)))] = value

    def run(self, instance: Instance, args: Args, kwargs: Kwargs, place: Place) -> Any:
        if self.graph is None:  # outside of a network: `model(torch.randn(1, 3, 32, 32))`
            shapes = tuple(each.shape for each in args if isinstance(each, Array))
            if shapes and min(map(len, shapes)) > 1:
                self.shapes.setdefault(id(instance), shapes)
            follow = partial(self.run, instance, kwargs=kwargs, place=place)
            return self.tried(args, place, follow)
        if instance.native is not None and instance.native.path == PARAMETER:
            self.interpreter.stop(place)
        self.unchanged(instance, frozenset())
        if isinstance(instance.cls, Library) and instance.cls.name not in CONTAINERS:
            return self.above(instance, args, kwargs)  # a layer is no part of the source by itself
        turn = self.turns.get(id(instance), 0)
        self.turns[id(instance)] = turn + 1
        key = self.keys.get(id(instance), "")
        inner = key.removeprefix(self.within and f"{self.within}.")
        outer, self.within = self.within, key
        self.scopes.append(Scope(instance.cls.name, inner, turn))
        try:
            forward = self.interpreter.lookup(instance.cls, "forward")
            if _norms_channels(instance, forward) and len(args) == 1:
                return self.normed(instance, args[0], place)
            known = _leaf(instance, self.generated)
            if known is not None and len(args) == 1:
                return self.function(known[0], [*args, *known[1]], {}, place)
            if forward is None:
                return self.above(instance, args, kwargs)
            node = self.interpreter.node
            return self.interpreter.call(Bound(forward, (instance,)), args, kwargs, node)
        finally:
            self.scopes.pop()
            self.within = outer

    def normed(self, instance: Instance, value: Any, place: Place) -> Any:
        """A layer normalisation of the channels, which stand first."""
        rank = len(value.view.shape) if isinstance(value, TorchTensor) else 4
        last = (0, *range(2, rank), 1)
        value = self.function("permute", [value, last], {}, place)
        attrs = instance.attrs
        sizes = attrs["weight"].attrs["data"].shape
        given = [value, sizes, attrs["weight"], attrs["bias"], attrs["eps"]]
        value = self.function("layer_norm", given, {}, place)
        return self.function("permute", [value, (0, rank - 1, *range(1, rank - 1))], {}, place)

    def above(self, instance: Instance, args: Args, kwargs: Kwargs) -> Any:
        native = instance.native
        assert native is not None
        name, node = native.name, self.interpreter.node
        if not args and kwargs:
            args = [kwargs.pop(next(iter(kwargs)))]
        if name == "Sequential" and len(args) == 1:
            value = args[0]
            for each in children(instance).values():
                if isinstance(each, Unknown):
                    self.report(each)
                value = self.interpreter.call(each, [value], {}, node)
            return value
        if name not in CONTAINERS:
            self.unchanged(instance, _HARMLESS)
        if name == "Identity" and args:
            return args[0]
        if name in MODULES and args:
            return self.leaf(instance, name, args[0])
        if name in CONTAINERS:
            message = Message("`{module}` has no `forward`", module=instance.cls.name)
            return Unknown(message, self.interpreter.place())
        self.needs(args, instance.attrs.get("?arguments"))
        return self.function(name, args, kwargs, self.interpreter.place())

    def leaf(self, instance: Instance, name: str, value: Any) -> Any:
        """The call that a module of PyTorch makes."""
        spec, rank = MODULES[name]
        attrs = instance.attrs
        self.needs(attrs)
        self.interpreter.check(value)
        place = instance.place
        if not isinstance(value, TorchTensor):
            return self.interpreter.unfollowed()
        if name.startswith("Lazy") and "weight" not in attrs:
            size = value.view.shape[-1 if "Linear" in name else 1]
            attrs.update(in_channels=size, in_features=size, num_features=size)
            self.build(instance, name)
            self.name_arrays(instance, self.keys.get(id(instance), ""))
        self.fit(name, attrs, rank, value.view, place)
        given: dict[str, Any] = {"training": False, **attrs}
        if name.startswith(("Zero", "Constant", "Reflection", "Replication", "Circular")):
            if isinstance(attrs.get("padding"), int):
                given["padding"] = (attrs["padding"],) * (2 * rank)
        elif attrs.get("padding_mode", "zeros") != "zeros":
            if isinstance(attrs["padding"], str):
                self.interpreter.stop(place)
            pads = [size for size in reversed(_each(attrs["padding"], rank)) for _ in range(2)]
            mode = attrs["padding_mode"]
            value = self.function("pad", [value, tuple(pads), mode], {}, place)
            given["padding"] = 0
        args = [value, *(given.get(each) for each in spec.operands.split())]
        inplace = {"inplace": True} if attrs.get("inplace") else {}
        return self.function(spec.function, args, inplace, place)

    def fit(self, name: str, attrs: dict[str, Any], rank: int, view: Any, place: Place) -> None:
        """Report a module that is for another number of channels or features than it meets."""
        if isinstance(view, Lost) or "weight" not in attrs:
            return
        shape, more = tuple(view.shape), ""
        if "Linear" in name:
            wanted, met, more = (attrs["in_features"],), shape[-1:], ", …"
        elif "Conv" in name:
            wanted, met, more = (attrs["in_channels"],), shape[1:2], ", …"
        elif name == "LayerNorm":
            wanted = attrs["normalized_shape"]
            met = shape[-len(wanted) :]
        elif name == "GroupNorm":
            wanted, met = (attrs["num_channels"],), shape[1:2]
        elif "BatchNorm" in name or (attrs["weight"] and "num_features" in attrs):
            wanted, met = (attrs["num_features"],), shape[1:2]
        else:
            return
        if tuple(wanted) == met or not met:
            return
        layer = f"{name}({'×'.join(map(str, wanted))}{more})"
        count = "×".join(map(str, met))
        if "Linear" in name or name == "LayerNorm":
            text = Message("`{layer}` meets {count} features", layer=layer, count=count)
        else:
            text = Message("`{layer}` meets {count} channels", layer=layer, count=count)
        self.needs(Unknown(text, place))

    @contextmanager
    def named_from(self, root: Instance) -> Iterator[None]:
        """Let the keys be those that a module's own `state_dict` has, for a while."""
        kept, self.keys = self.keys, {}
        self.name_all(root)
        try:
            yield
        finally:
            self.keys = kept

    def name_all(self, root: Instance) -> None:
        """Give each module and array the key that it has in the state_dict."""
        left: list[tuple[str, Instance]] = [("", root)]
        while left:
            key, instance = left.pop()
            if id(instance) in self.keys:
                continue
            self.keys[id(instance)] = key
            prefix = key and f"{key}."
            self.name_arrays(instance, key)
            parts = [(f"{prefix}{n}", each) for n, each in children(instance).items()]
            left.extend((n, each) for n, each in reversed(parts) if isinstance(each, Instance))

    def name_arrays(self, instance: Instance, key: str) -> None:
        for name, each in instance.attrs.items():
            if is_parameter(each):
                self.keys.setdefault(id(each), f"{key}.{name}" if key else name)

    # Parts

    def attribute(self, value: Any, name: str) -> Any:
        if isinstance(value, TorchTensor):
            return self.tensor_attribute(value, name)
        if isinstance(value, Array):
            return self.array_attribute(value, name)
        assert isinstance(value, Instance)
        if is_parameter(value):
            data = value.attrs["data"]
            if name == "shape":
                return getattr(data, "shape", None)
            return Native(
                lambda args, kwargs, node: self._of_array(value, name, args, kwargs, node)
            )
        if name == "training":
            return self.training
        if name in _SELVES:
            return Native(
                lambda args, kwargs, node: self._changed(value, name, [*args, *kwargs.values()])
            )
        if name in _PARTS:
            return Native(
                lambda args, kwargs, node: self._part(value, name, [*args, *kwargs.values()])
            )
        return None

    def _changed(self, value: Instance, name: str, args: Args) -> Any:
        if name == "requires_grad_":
            for each in parameters(value):
                each.attrs["requires_grad"] = args[0] if args else True
        return value

    def _of_array(self, value: Instance, name: str, args: Args, kwargs: Kwargs, node: Any) -> Any:
        """A method of a parameter: most that end in `_` set numbers, which do not matter."""
        if name == "requires_grad_":
            value.attrs["requires_grad"] = [*args, *kwargs.values(), True][0]
        if name.endswith("_") or self.graph is None:
            return value
        return self.function(name, [value, *args], kwargs, self.interpreter.place(node))

    def _part(self, value: Instance, name: str, args: Args) -> Any:
        """A method of a module about its parts."""
        parts = children(value)
        match name, args:
            case "parameters", _:
                return parameters(value)
            case ("named_parameters" | "named_modules"), _:
                found = parameters(value) if name == "named_parameters" else modules(value)
                with self.named_from(value):
                    return [(self.keys[id(each)], each) for each in found]
            case "modules", _:
                return [*modules(value)]
            case "children" | "values", _:
                return [*parts.values()]
            case "named_children" | "items", _:
                return [*parts.items()]
            case "keys", _:
                return [*parts]
            case "add_module" | "register_module", [name_, module]:
                self.append(value, module, name_ if isinstance(name_, str) else "")
            case "append", [module]:
                self.append(value, module)
            case "extend", [more]:
                for each in self.parts(more):
                    self.append(value, each)
            case "insert", [int(at), module]:
                every = [*parts.values()]
                every.insert(at, module)
                value.attrs.update((str(i), each) for i, each in enumerate(every))
            case "register_buffer" | "register_parameter", [str(key), array, *_]:
                value.attrs[key] = array
            case _:
                return self.interpreter.unfollowed()
        return value

    def tensor_attribute(self, tensor: TorchTensor, name: str) -> Any:
        shape = tuple(tensor.view.shape)
        if name == "shape":
            return shape
        if name == "ndim":
            return len(shape)
        if name in ("dtype", "device", "T", "mT"):
            return self.interpreter.unknown(Message("`{name}` is not followed", name=name))
        if name in _AS_IT_IS:
            self.needs(self.stale(tensor))
            memory = None if name == "clone" else tensor.memory
            return giving(TorchTensor(self, tensor.view, memory))
        if name in ("size", "dim"):
            return Native(lambda args, kwargs, node: _size(shape, name, args, kwargs))
        if name == "data":
            return tensor

        def method(args: Args, kwargs: Kwargs, node: Any) -> Any:
            return self.function(name, [tensor, *args], kwargs, self.interpreter.place(node))

        return Native(method)

    def array_attribute(self, array: Array, name: str) -> Any:
        if name in ("shape", "ndim", "data"):
            return {"shape": array.shape, "ndim": len(array.shape), "data": array}[name]
        if name in ("size", "dim"):
            return Native(lambda args, kwargs, node: _size(array.shape, name, args, kwargs))
        if name in ("item", "tolist") and array.numbers is not None and len(array.shape) < 2:
            return giving([*array.numbers] if array.shape else array.numbers[0])
        if name in ("view", "reshape"):
            return Native(lambda args, kwargs, node: self._viewed(array, args, node))
        if name == "numel":
            return giving(math.prod(array.shape))
        if name in _AS_IT_IS:
            return giving(array)
        return Native(lambda args, kwargs, node: self._tried(name, array, args, kwargs, node))

    def _tried(self, name: str, array: Array, args: Args, kwargs: Kwargs, node: Any) -> Any:
        """A method of a tensor that is no part of a network."""
        place = self.interpreter.place(node)
        if not is_known(name):
            return self.interpreter.unfollowed(place)
        follow = partial(self.function, name, kwargs=kwargs, place=place)
        return self.tried([array, *args], place, follow)

    def _viewed(self, array: Array, args: Args, node: Any) -> Any:
        """An array in another shape."""
        sizes = [*args[0]] if args and isinstance(args[0], (list, tuple)) else args
        if not all(isinstance(size, int) for size in sizes) or sizes.count(-1) > 1:
            return self.interpreter.unfollowed(node)
        total, known = math.prod(array.shape), math.prod(s for s in sizes if s != -1)
        shape = tuple(total // known if size == -1 and known else size for size in sizes)
        if math.prod(shape) != total:
            return self.interpreter.unfollowed(node)
        return Array(self, shape, array.numbers)

    def operate(self, function: str, args: Args, place: Place) -> Any:
        if not _holds(args) and not any(map(is_parameter, args)):
            return self.computed(function, args, place)
        names = {"truediv": "div", "floordiv": "floor_divide"}
        if function == "len":
            return 1
        if function in ("int", "float", "bool"):
            self.interpreter.branches(place)
        return self.function(names.get(function, function), args, {}, place)

    def computed(self, function: str, args: Args, place: Place) -> Any:
        """An operator of tensors that are no part of the network."""
        shapes = [each.shape for each in args if isinstance(each, Array)]
        fits = all(isinstance(each, (Array, int, float)) for each in args)
        if not fits or not hasattr(operator, function):
            self.interpreter.stop(place)
        shape = max(shapes, key=lambda each: (math.prod(each), len(each)))
        same = all(each in (shape, ()) for each in shapes)
        count = math.prod(shape)
        rows = []
        for each in args:
            numbers = each.numbers if isinstance(each, Array) else (float(each),)
            if numbers is None or not same:
                return Array(self, shape)
            rows.append(numbers if len(numbers) == count else numbers * count)
        self.interpreter.tick(count // 8)
        try:
            numbers = tuple(float(getattr(operator, function)(*each)) for each in zip(*rows))
        except (ArithmeticError, TypeError, ValueError):
            self.interpreter.stop(place)
        return Array(self, shape, numbers)

    def item(self, value: Any, key: Any, place: Place) -> Any:
        if isinstance(value, Array):
            if not isinstance(key, int) or not value.shape or not -1 <= key < value.shape[0]:
                self.interpreter.stop(place)
            return Array(self, value.shape[1:])
        if isinstance(value, TorchTensor) or (is_parameter(value) and self.graph is not None):
            return self.function("__getitem__", [value, key], {}, place)
        parts = children(value)
        if isinstance(key, slice):
            made = Instance(Library(f"torch.nn.{value.native.name}"), place)
            for each in [*parts.values()][key]:
                self.append(made, each)
            return made
        if isinstance(key, int) and not isinstance(key, bool) and -len(parts) <= key < len(parts):
            return [*parts.values()][key]
        if isinstance(key, str) and key in value.attrs:
            return value.attrs[key]
        return self.interpreter.unfollowed(place)

    def items(self, value: Any) -> Sequence[Any] | None:
        if isinstance(value, Array):
            numbers = value.numbers if len(value.shape) == 1 else None
            return numbers and [Array(self, (), (each,)) for each in numbers]
        native = value.native if isinstance(value, Instance) else None
        if native is None or native.name not in ("Sequential", "ModuleList", "ModuleDict"):
            return None
        parts = children(value)
        return [*parts] if native.name == "ModuleDict" else [*parts.values()]

    # Networks

    def roots(self) -> list[Instance]:
        """The modules of the text's own classes that are no part of another."""
        made = {id(each): each for each in self.made_here}
        inner = {id(part) for each in made.values() for part in children(each).values()}
        return [each for key, each in made.items() if key not in inner]

    def follow(
        self, net: Instance, shapes: Sequence[Shape], name: str
    ) -> tuple[Graph, list[Unknown]]:
        """Follow a module from inputs of shapes, channels last, and give its graph and what in it
        could not be followed."""
        graph, found = self.walk(net, shapes, name)
        unused = self.unused(net, graph)
        if unused and not found and not graph.problems:
            self.training = True
            trained, missed = self.walk(net, shapes, name)
            self.training = False
            if not missed and extends(trained, graph):
                graph, unused = trained, self.unused(net, trained)
        graph.count()
        leave_out(graph, [self.keys.get(id(each), "") for each in unused])
        return graph, found

    def walk(
        self, net: Instance, shapes: Sequence[Shape], name: str
    ) -> tuple[Graph, list[Unknown]]:
        """Follow a module once, as it is while training or as it is else."""
        graph = Graph(name, "torch")
        self.graph = TorchGraph(graph)
        self.keys, self.turns, self.scopes, self.within = {}, {}, [], ""
        found: list[Unknown] = []
        self.report = found.append
        interpreter = self.interpreter
        self.name_all(net)
        try:
            tensors = [
                TorchTensor(self, self.graph.input(shape, word))
                for shape, word in zip(shapes, self.words(net, shapes))
            ]
            result = interpreter.attempt(net, tensors, {}, interpreter.node)
            outputs = []
            for at, (label, each) in enumerate(self.outputs(result)):
                if isinstance(each, Unknown):
                    found.append(each)
                elif (stale := self.stale(each)) is not None:
                    found.append(stale)
                elif isinstance(each, TorchTensor):
                    outputs.append((label if at else "main", each.view, False))
            if not outputs and not found:
                message = Message("`{net}` gives no tensor", net=name)
                found.append(Unknown(message, net.place))
            self.graph.finish(outputs)
            graph.problems[:] = [
                each._replace(span=each.span or net.place.span) for each in graph.problems
            ]
        except ImportProblems as problems:  # of an input
            found += [Unknown(each.message, net.place, each.code) for each in problems.problems]
        finally:
            self.graph = None
        self.begun(graph)
        return graph, found

    def words(self, net: Instance, shapes: Sequence[Shape]) -> Sequence[str]:
        """What the forward of a network calls its inputs; raises ImportProblems for too few."""
        forward = self.interpreter.lookup(net.cls, "forward")
        if not isinstance(forward, Function):
            return [""] * len(shapes)
        arguments = forward.node.args
        names = [each.arg for each in (*arguments.posonlyargs, *arguments.args)][1:]
        needed = len(names) - len(arguments.defaults)
        if len(shapes) < needed or (len(shapes) > len(names) and not arguments.vararg):
            message = Message(
                "{count} sizes are given for {inputs} inputs", count=len(shapes), inputs=needed
            )
            raise ImportProblems([Problem("E604", message)])
        return [*names, *[""] * len(shapes)]

    def outputs(self, result: Any) -> list[tuple[str, Any]]:
        """The outputs that a forward gives, with their names."""
        if isinstance(result, Instance):
            fields = self.interpreter.fields(result)
            return [(each.replace("_logits", ""), result.attrs.get(each)) for each in fields]
        if isinstance(result, dict):
            return [(str(key), each) for key, each in result.items()]
        many = result if isinstance(result, (list, tuple)) else [result]
        return [(f"out{at}", each) for at, each in enumerate(many, 1)]

    def begun(self, graph: Graph) -> None:
        """Give scales the values that they begin with, where the text says these."""
        for op in graph.ops:
            if op.word == "scale" and "scale" in op.weights:
                values = self.starts.get(op.weights["scale"].key) or (1.0,)
                if len({*values}) == 1 and values[0] != 1:
                    op.values = {**op.values, "init": values[0]}
                    op.layer = make("scale", op.values, [op.layer.input], graph.defaults)

    def unused(self, net: Instance, graph: Graph) -> list[Instance]:
        """The parameters that no output comes of."""
        return [
            each
            for each in parameters(net)
            if _known(each) and self.keys.get(id(each)) not in graph.arrays
        ]


_DEFAULTS: dict[str, Any] = {
    "True": True, "False": False, "None": None, "0": 0, "1": 1, "-1": -1, "20": 20,
    **{each: float(each) for each in "1e-05 0.1 0.5 0.0001 0.75 1.0 -1.0 0.01 0.25".split()},
}  # fmt: skip


def is_parameter(value: Any) -> bool:
    """Whether a value is an array of a module."""
    return isinstance(value, Instance) and getattr(value.cls, "path", "") == PARAMETER


def children(instance: Instance) -> dict[str, Any]:
    """The modules of a module, by the names that it has for them."""
    return {
        name: each
        for name, each in instance.attrs.items()
        if (isinstance(each, Instance) and each.native is not None and not is_parameter(each))
        or (isinstance(each, Unknown) and name.isdigit())
    } | {f"?{at}": each for at, each in enumerate(instance.attrs.get("?layers", ()))}


def modules(instance: Instance) -> Iterator[Instance]:
    """A module and all within it, each once."""
    left, seen = [instance], set()
    while left:
        each = left.pop()
        if id(each) not in seen and isinstance(each, Instance):
            seen.add(id(each))
            yield each
            left.extend(reversed([*children(each).values()]))


def parameters(instance: Instance) -> list[Instance]:
    """The parameters of a module, and of those within it."""
    found = {
        id(value): value
        for each in modules(instance)
        for name, value in each.attrs.items()
        if is_parameter(value) and not name.startswith("running")
    }
    return [*found.values()]


def _known(parameter: Any) -> bool:
    return isinstance(parameter.attrs["data"], Array)


def _holds(values: Sequence[Any]) -> bool:
    """Whether a tensor of the network is among values."""
    return any(
        isinstance(each, TorchTensor) or (isinstance(each, (list, tuple)) and _holds(each))
        for each in values
    )


def _flat(value: Any) -> tuple[tuple[int, ...], tuple[float, ...]] | None:
    """The shape and the numbers of nested lists of numbers."""
    if isinstance(value, (int, float)):
        return (), (float(value),)
    if not isinstance(value, (list, tuple)):
        return None
    parts = [_flat(each) for each in value]
    known = [each for each in parts if each is not None]
    if len(known) < len(parts) or len({shape for shape, _ in known}) > 1:
        return None
    inner = known[0][0] if known else ()
    return (len(parts), *inner), tuple(number for _, numbers in known for number in numbers)


def _size(shape: tuple[int, ...], name: str, args: Args, kwargs: Kwargs) -> Any:
    if name == "dim":
        return len(shape)
    dim = args[0] if args else kwargs.get("dim")
    if dim is None:
        return shape
    return shape[dim] if isinstance(dim, int) and -len(shape) <= dim < len(shape) else None


def _leaf(instance: Instance, generated: bool) -> tuple[str, tuple[Any, ...]] | None:
    """The function that a module of the source is, and its arguments, by the name of its class:
    of those that act while training, and of those in code that was generated here."""
    if not isinstance(instance.cls, Class):
        return None
    name = instance.cls.name.rstrip("123d") if generated else instance.cls.name
    if name in ("DropPath", "StochasticDepth"):
        rates = [instance.attrs[key] for key in ("p", "drop_prob") if key in instance.attrs]
        rate = (rates or [Unknown])[0] or 0.0
        return ("drop_path", (rate,)) if isinstance(rate, (int, float)) else None
    if not generated or name not in _OWN:
        return None
    function, operands = _OWN[name]
    found = []
    for operand in operands.split():
        first, _, rest = operand.partition(".")
        value = instance.attrs.get(first)
        found.append(value.attrs.get(rest) if rest and isinstance(value, Instance) else value)
    return function, tuple(found)


def _norms_channels(instance: Instance, forward: Any) -> bool:
    """Whether a class is the layer normalisation over the first axis that nets of images have
    written out: (x - mean) / sqrt(variance + eps), by what its `forward` says."""
    attrs = instance.attrs
    if not isinstance(forward, Function) or not instance.cls.name.startswith("LayerNorm"):
        return False
    learned = [attrs.get(name) for name in ("weight", "bias")]
    if not all(is_parameter(each) and _known(each) for each in learned):
        return False
    text = ast.unparse(forward.node)
    steps = (".mean(1, keepdim=True)", ".pow(2).mean(1, keepdim=True)", "sqrt(", "self.eps")
    first = attrs.get("data_format", "channels_first") == "channels_first"
    return first and "eps" in attrs and all(each in text for each in steps)


_OWN = {
    "MinPool": ("min_pool2d", "kernel_size stride padding dilation ceil_mode"),
    "AdaptiveMinPool": ("adaptive_min_pool2d", "output_size"),
    "PaddedAvgPool": ("padded_avg_pool", "kernel_size stride pad.padding"),
    "Rescale": ("rescale", "scale offset"),
    "NearestUpsample": ("up", "size"),
}
"""Modules of the code that `build` writes: the function of each, and its operands."""
