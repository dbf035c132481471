"""Reads a PyTorch module by running it once, on tensors of shapes and no values.

Each function that it calls on what depends on its inputs is recorded, as `torch_calls` has it;
the identity of a parameter gives its key, and the modules that run give the scope.
"""

from __future__ import annotations

import copy
import inspect
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from cnndsl.diagnostics.message import Message
from cnndsl.importers.graph import Graph, ImportProblems, Problem, Scope, without_word
from cnndsl.importers.statistics import near
from cnndsl.importers.torch_calls import Constant, Lost, Param, Tensor, TorchGraph
from cnndsl.importers.torch_graph import extends, leave_out, plain_name
from cnndsl.layers.base import Shape

if TYPE_CHECKING:
    import numpy
    import torch
    from torch import nn
    from torch.utils.hooks import RemovableHandle

    Array = numpy.ndarray[Any, Any]

MOST_NUMBERS = 1 << 16
"""How many numbers of a constant tensor are looked at."""
COUNTER = "num_batches_tracked"

_BRANCHES = (
    *("__bool__", "__int__", "__float__", "__complex__", "__index__", "__contains__"),
    *("item", "tolist", "numpy", "is_nonzero", "equal", "allclose", "nonzero"),
)
"""What asks for the values of a tensor."""
_VIEWS = (
    *("view", "reshape", "unsqueeze", "squeeze", "flatten", "unflatten", "view_as", "getitem"),
    *("contiguous", "to", "float", "double", "type_as", "clone", "data", "identity"),
)
"""What may be done to a weight before it is used."""
_RANKS = (1, 2, 3)


def read_module(module: nn.Module, inputs: Sequence[Shape], name: str = "") -> Graph:
    """The graph of a module for inputs of shapes, channels last and without a batch.

    The module itself stays as it is. What is in the way stands in the problems of the graph.
    """
    name = name or type(module).__name__
    if any(type(each).__name__.startswith("Uninitialized") for each in module.parameters()):
        graph = Graph(name, "torch")
        message = Message("the module has parameters without a shape yet: run it once")
        graph.problems.append(Problem("E604", message))
        return graph
    if made := [*_made_weights(module)]:
        graph = Graph(name, "torch")
        graph.problems += made
        return graph
    trace = Trace(module, name)
    trace.run_shapes(inputs, training=False)
    unused = trace.unused()
    if unused and not trace.graph.problems:
        trained = Trace(module, name)
        trained.run_shapes(inputs, training=True)
        if extends(trained.graph, trace.graph):
            trace, unused = trained, trained.unused()
        else:
            trace.graph.problems += trained.graph.problems
    leave_out(trace.graph, unused)
    return trace.graph


def _made_weights(module: nn.Module) -> Iterator[Problem]:
    """The parts whose weights are made of other arrays before each call, such as by weight_norm."""
    for key, part in module.named_modules():
        makers = [type(each) for each in part._forward_pre_hooks.values()]
        if hasattr(part, "parametrizations"):
            makers += [type(each) for made in part.parametrizations.values() for each in made]
        for maker in makers:
            if "torch.nn.utils" in maker.__module__:
                yield Problem("E601", without_word(maker.__name__.lstrip("_")), key)


class Values(NamedTuple):
    """What a module computed, in double precision.

    * `ops`: for each operation of its graph what it gave, channels last, with the batch first;
      operations that only put axes elsewhere are among them
    * `arrays`: the arrays of the source that it had, by key
    * `outputs`: what a call of the module gives, by the names of its outputs, in the axes of `ops`
    """

    ops: dict[int, Array]
    arrays: dict[str, Array]
    outputs: dict[str, Array]


def values(
    module: nn.Module,
    graph: Graph,
    inputs: Sequence[Array],
    arrays: Mapping[str, Array] | None = None,
    seed: int = 0,
) -> Values:
    """Run a module that `read_module` has read, in double precision, on arrays channels last
    with the batch first.

    Its arrays are those given by key; others are drawn by a seed. Statistics of a batch
    normalisation that are not given are taken from near those of what reaches it, as with any
    others what a deep network computes would explode. Heads that exist while training are
    computed, with everything else as without training.

    What a call of the module gives is told apart from what the calls in it gave when they were
    recorded: a recording does not see all that may be changed behind them.
    """
    import numpy

    rng = numpy.random.default_rng(seed)
    real = copy.deepcopy(module).cpu().double()
    drawn: dict[str, Array] = {}
    for key, tensor in real.state_dict().items():
        spread = tensor.numel() / max(1, tensor.shape[0]) if tensor.dim() > 1 else 16
        if key.rpartition(".")[2] != COUNTER and key in graph.arrays and key not in (arrays or {}):
            drawn[key] = rng.normal(0, 1.4 / spread**0.5, tuple(tensor.shape))
            if tensor.dim() == 1 and key.endswith("weight"):
                drawn[key] += 1
    known = dict(arrays or {})
    _fill(real, {**drawn, **known})
    training = any(output.training for output in graph.outputs)
    samples: list[dict[int, Array]] = []
    batch = range(len(inputs[0]) if inputs else 1)  # one by one, as the module was read
    for place in batch:
        trace = Trace(module, graph.name)
        trace.module, trace.given, trace.rng = real, known, rng
        trace.run(partial(_tensors, inputs, place), training)
        if trace.graph.problems:
            raise ImportProblems(trace.graph.problems)
        samples.append(trace.op_values)
    ops = {op: numpy.concatenate([each[op] for each in samples]) for op in samples[0]}
    used = {key: numpy.asarray({**drawn, **known}[key], float) for key in graph.arrays}
    called = [_called(module, used, _tensors(inputs, place), trace.axes) for place in batch]
    outputs = {
        output.name: numpy.concatenate([each[own.name] for each in called])
        for output, own in zip(graph.outputs, trace.graph.outputs)
        if own.name in called[0]
    }
    return Values(ops, used, outputs)


def _called(
    module: nn.Module,
    arrays: Mapping[str, Array],
    tensors: Sequence[torch.Tensor],
    axes: Mapping[str, Tensor],
) -> dict[str, Array]:
    """What a module gives that nobody watches, by the names of its outputs, in axes of ours.

    It is called twice, as what a call changes in the module shows in the next.
    """
    import torch

    plain = copy.deepcopy(module).cpu().double().eval()
    _fill(plain, arrays)
    with torch.no_grad():
        for _ in range(2):
            found = dict(_outputs(plain(*(tensor.clone() for tensor in tensors))))
    return {
        name: _ours(axes[name], tensor)
        for name, tensor in found.items()
        if name in axes and tuple(tensor.shape) == axes[name].shape
    }


def _fill(module: nn.Module, arrays: Mapping[str, Array]) -> None:
    """Give a module the values of its arrays, by key."""
    import numpy
    import torch

    for key, tensor in module.state_dict().items():
        if key in arrays:
            tensor.copy_(torch.from_numpy(numpy.array(arrays[key], float)).reshape(tensor.shape))


def _tensors(inputs: Sequence[Array], place: int) -> list[torch.Tensor]:
    """A sample of arrays that are channels last, as new tensors."""
    import numpy
    import torch

    one = [numpy.moveaxis(each[place : place + 1], -1, 1) for each in inputs]
    return [torch.from_numpy(numpy.array(each, float, order="C")) for each in one]


def _copy(module: nn.Module) -> nn.Module:
    """The module with parameters that have no values; its buffers, which are small, keep them."""
    import torch
    from torch import nn

    memo: dict[int, Any] = {}
    for parameter in module.parameters():
        empty = torch.empty_like(parameter, device="meta", requires_grad=parameter.requires_grad)
        memo[id(parameter)] = nn.Parameter(empty, parameter.requires_grad)
    return copy.deepcopy(module, memo)


class Trace:
    """A run of a copy of a module, `module`, recorded; `original` has the numbers."""

    module: nn.Module

    def __init__(self, original: nn.Module, name: str) -> None:
        self.original = original
        self.graph = Graph(name, "torch")
        self.calls = TorchGraph(self.graph)
        self.known: dict[int, tuple[Any, Any]] = {}  # by identity: a tensor, and what it is here
        self.given: dict[str, Array] = {}
        self.rng: Any = None  # where values are computed
        self.op_values: dict[int, Array] = {}
        self.axes: dict[str, Tensor] = {}  # of the outputs, as the graph gives them
        self.stack: list[tuple[str, Scope | None]] = []
        self.turns: dict[str, int] = {}
        self.quiet = 0
        self.reading = ""  # the function whose arguments are looked at
        self.weights: dict[int, tuple[Any, Param]] = {}  # by identity, as `known`
        self.buffers: dict[int, tuple[Any, Param]] = {}

    # Running

    def run_shapes(self, inputs: Sequence[Shape], training: bool) -> None:
        """Run on tensors without values."""
        import torch

        def empty() -> list[torch.Tensor]:
            self.module = _copy(self.original)
            kind = next((p.dtype for p in self.module.parameters()), torch.float32)
            shapes = [(1, *shape[-1:], *shape[:-1]) for shape in inputs]
            return [torch.empty(shape, device="meta", dtype=kind) for shape in shapes]

        self.run(empty, training)
        self.graph.count()

    def run(self, inputs: Callable[[], list[torch.Tensor]], training: bool) -> None:
        """Run on tensors with a batch, channels first."""
        import torch

        handles: list[RemovableHandle] = []
        outputs: list[tuple[str, Any]] = []
        failed: list[Problem] = []
        try:
            tensors = inputs()
            self.module.train(training)
            self.enter(tensors)
            for path, part in self.module.named_modules():
                handles += self.watch(path, part)
            with torch.no_grad(), _mode(self):
                outputs = _outputs(self.module(*tensors))
            if not outputs:
                failed = self.failed(Message("the module gives no tensor"))
        except ImportProblems as problems:
            failed = [*problems.problems]
        except RecursionError:
            failed = self.failed(Message("the module calls itself without an end"))
        except Exception as error:  # whatever a module of somebody's raises
            why = f"{type(error).__name__}: {error}".splitlines()[0][:200]
            message = Message("the module fails on inputs of these shapes: {problem}", problem=why)
            failed = self.failed(message)
        finally:
            for handle in handles:
                handle.remove()
        already = len(self.calls.laid)
        places = self.calls.finish([(name, self.of(value), False) for name, value in outputs])
        self.graph.problems += failed
        if self.rng is not None:
            self.note([value for _, value in outputs], already)
            for name, tensor in outputs:
                value = self.seen(tensor)
                ordered = [
                    behind for before, behind in self.calls.laid[already:] if before is value
                ]
                self.axes[name] = (*ordered, value)[0]
        self.op_values = {places[op]: value for op, value in self.op_values.items() if op in places}

    def enter(self, tensors: Sequence[torch.Tensor]) -> None:
        """Note the inputs and what the module keeps; what has two keys has the first."""
        for found, own, kept in (
            (self.weights, self.module.named_parameters(), self.original.named_parameters()),
            (self.buffers, self.module.named_buffers(), self.original.named_buffers()),
        ):
            for (key, tensor), (_, source) in zip(own, kept):
                read = None if source.is_meta else partial(_numbers, source)
                learns = found is self.weights and source.requires_grad
                found[id(tensor)] = tensor, Param(key, tuple(tensor.shape), learns, read)
        self.known |= self.weights
        names = [*inspect.signature(self.module.forward).parameters]
        for place, tensor in enumerate(tensors):
            name = names[place] if place < len(names) else f"input{place + 1}"
            shape = (*tensor.shape[2:], *tensor.shape[1:2])
            self.keep(tensor, self.calls.input(shape, name))
        if self.rng is not None:
            self.note(tensors, 0)  # before one changes in place

    def failed(self, message: Message) -> list[Problem]:
        return [Problem("E607", message, self.stack[-1][0] if self.stack else "")]

    def unused(self) -> list[str]:
        """The keys of parameters that no output comes of."""
        return [
            key
            for key, tensor in self.original.named_parameters()
            if key not in self.graph.arrays and tensor.numel()
        ]

    # Arrays

    def keep(self, tensor: Any, value: Any) -> None:
        self.known[id(tensor)] = (tensor, value)

    def seen(self, tensor: Any) -> Any:
        """What a tensor is here, None where it is not known."""
        return self.known.get(id(tensor), (None, None))[1]

    def of(self, value: Any) -> Any:
        """What a tensor is here, if it is known; a constant where it is not."""
        found = self.known.get(id(value))
        if found is None and self.reading in ("batch_norm", "instance_norm"):
            found = self.buffers.get(id(value))
        if found is not None:
            return found[1]
        if value.is_meta or value.numel() > MOST_NUMBERS:
            return Lost(tuple(value.shape), "constant")
        numbers = value.detach().double().reshape(-1).tolist()
        return Constant(tuple(numbers), tuple(value.shape))

    # Scope

    def watch(self, path: str, part: nn.Module) -> list[RemovableHandle]:
        """Follow the calls of a part, until what it gives is removed."""
        if found := _leaf(part):
            part.forward = partial(self.leaf, *found, part.forward)

        def before(_: Any, args: Any) -> None:
            outer = self.stack[-1][0] if self.stack else ""
            name = path.removeprefix(outer + ".") if outer else path
            scope = None
            if path and not _is_plain(part):
                turn = self.turns[path] = self.turns.get(path, -1) + 1
                scope = Scope(type(part).__name__, name, turn)
            self.stack.append((path, scope))

        def after(*_: Any) -> None:
            self.stack.pop()

        return [part.register_forward_pre_hook(before), part.register_forward_hook(after)]

    def leaf(
        self, function: str, more: tuple[Any, ...], forward: Callable[..., Any], *args: Any
    ) -> Any:
        """A module that is one call: what it computes itself is not recorded."""
        self.quiet += 1
        try:
            result = args[0] if function == "drop_path" else forward(*args)
            if len(args) == 1 and self.depends(args):
                if result is args[0]:
                    result = result.view_as(result)
                self.record(function, (*args, *more), {}, result)
            return result
        finally:
            self.quiet -= 1

    # Calls

    def depends(self, args: Any) -> bool:
        """Whether among arguments there is what depends on the inputs."""
        return any(isinstance(self.seen(each), (Tensor, Lost)) for each in _leaves(args))

    def function(self, function: Any, args: Any, kwargs: Any) -> Any:
        """A function that the module calls: run, and recorded where it is to be."""
        name = getattr(function, "__name__", str(function))
        if self.quiet:
            return function(*args, **kwargs)
        depends = self.depends((args, kwargs))
        if depends and name in _BRANCHES:
            raise self.branching()
        if name == "__get__":
            name = getattr(function.__self__, "__name__", "")
        if name == "__setitem__" and depends:
            self.keep(args[0], Lost(tuple(args[0].shape), name))
        if name in ("batch_norm", "dropout") and depends:
            result = self.steady(name, args, kwargs)
        else:
            result = function(*self.empty(args), **self.empty(kwargs))
        if depends:
            self.record(name, args, kwargs, result)
        elif any(id(each) in self.known for each in _leaves((args, kwargs))):
            if plain_name(name) in _VIEWS:
                self.record(name, args, kwargs, result)
            else:
                for each in _leaves(result):
                    self.keep(each, Lost(tuple(each.shape), f"{name}(weights)"))
        return result

    def empty(self, value: Any) -> Any:
        """Arguments with constants that have no values, as all else in a run of shapes."""
        if self.rng is not None:
            return value
        import torch

        if not any(each.is_meta for each in _leaves(value)):
            return value
        return _mapped(value, lambda each: each if each.is_meta else each.to("meta"), torch.Tensor)

    def steady(self, name: str, args: Any, kwargs: Any) -> Any:
        """What acts while training, as it is otherwise."""
        import torch

        if name == "dropout":
            return args[0].view_as(args[0])
        bound = inspect.signature(torch.nn.functional.batch_norm).bind(*args, **kwargs)
        bound.arguments["training"] = bound.arguments.get("running_mean") is None
        if self.rng is not None:
            self.calibrate(bound.arguments)
        shapes = self.empty(dict(bound.arguments))
        return torch.nn.functional.batch_norm(**shapes)

    def calibrate(self, arguments: Mapping[str, Any]) -> None:
        """Set the statistics of a batch normalisation to near those of what reaches it."""
        import torch

        value = _numbers(arguments["input"])
        for name, role in (("running_mean", "mean"), ("running_var", "variance")):
            numbers = near(self.rng, value, role, axis=1)
            if (tensor := arguments.get(name)) is not None:
                key = self.buffers[id(tensor)][1].key
                if key not in self.given:
                    self.given[key] = numbers
                    tensor.copy_(torch.from_numpy(numbers))

    def record(self, function: str, args: Any, kwargs: Any, result: Any) -> None:
        """Enter a call, and what its results are."""
        import torch

        path = self.stack[-1][0] if self.stack else ""
        scope = tuple(scope for _, scope in self.stack if scope is not None)
        name = path.rpartition(".")[2] if self.stack and self.stack[-1][1] is None else ""
        shapes = [tuple(each.shape) for each in _leaves(result)]
        if not shapes:
            return
        self.reading = function
        told = partial(_mapped, do=self.of, kind=torch.Tensor)
        already = len(self.calls.laid)
        found = self.calls.call(function, told(args), told(kwargs), scope, path, name, shapes[0])
        many = found if type(found) in (tuple, list) else [found]
        for tensor, value in zip(_leaves(result), many):
            if isinstance(value, (Tensor, Lost, Param)):
                if tuple(value.shape) != tuple(tensor.shape):
                    if isinstance(value, Tensor):
                        self.calls.tell(function)
                    value = Lost(tuple(tensor.shape))
                self.keep(tensor, value)
        if function.endswith("_") and not function.startswith("__"):
            # What a tensor is a view of is changed with it, which cannot be followed.
            base = getattr(result, "_base", None)
            if base is not None and isinstance(self.seen(base), Tensor):
                self.keep(base, Lost(tuple(base.shape), "a change in place of a part"))
        if self.rng is not None:
            self.note((args, result), already)

    def note(self, tensors: Any, already: int) -> None:
        """Keep the values of the operations that a call of tensors became."""
        for tensor in _leaves(tensors):
            value = self.seen(tensor)
            if not isinstance(value, Tensor):
                continue
            for before, behind in ((value, value), *self.calls.laid[already:]):
                if before is value and behind.op not in self.op_values:
                    self.op_values[behind.op] = _ours(behind, tensor)

    def branching(self) -> ImportProblems:
        """That the module asks for numbers which depend on its input."""
        frame = sys._getframe()
        line = ""
        while (outer := frame.f_back) is not None:
            frame = outer
            module = frame.f_globals.get("__name__", "")
            if not module.startswith(("torch.", "cnndsl.")) and module != "torch":
                line = f"{frame.f_code.co_name}, line {frame.f_lineno}"
                break
        path = self.stack[-1][0] if self.stack else ""
        message = Message("what runs here depends on the values of the input")
        return ImportProblems([Problem("E603", message, ": ".join(filter(None, (path, line))))])


def _numbers(tensor: Any) -> Array:
    found: Array = tensor.detach().cpu().numpy()
    return found


def _ours(value: Tensor, tensor: torch.Tensor) -> Array:
    """A tensor of the framework in the axes of ours, with the batch first."""
    walk = [atom for axis in value.axes for atom in axis]
    array: Array = tensor.detach().numpy().copy()  # which may yet change in place
    array = array.reshape(len(array), *(value.sizes[atom] for atom in walk))
    order = sorted(range(len(walk)), key=walk.__getitem__)
    array = array.transpose(0, *(1 + place for place in order))
    return array.reshape(len(array), *value.ours)


@contextmanager
def _mode(trace: Trace) -> Iterator[None]:
    """Have a trace see the functions that are called."""
    from torch.overrides import TorchFunctionMode

    class Recording(TorchFunctionMode):
        def __torch_function__(
            self, function: Any, types: Any, args: Any = (), kwargs: Any = None
        ) -> Any:
            return trace.function(function, args, kwargs or {})

    with Recording():
        yield


def _leaves(value: Any) -> Iterator[Any]:
    """The tensors in a value, in their order."""
    import torch

    if isinstance(value, torch.Tensor):
        yield value
    elif isinstance(value, Mapping):
        for each in value.values():
            yield from _leaves(each)
    elif isinstance(value, (tuple, list)):
        for each in value:
            yield from _leaves(each)


def _mapped(value: Any, do: Callable[[Any], Any], kind: type) -> Any:
    """A value with the tensors in it replaced."""
    if isinstance(value, kind):
        return do(value)
    if isinstance(value, Mapping):
        return {key: _mapped(each, do, kind) for key, each in value.items()}
    if isinstance(value, (tuple, list)):
        return (list if isinstance(value, list) else tuple)(_mapped(e, do, kind) for e in value)
    return value


def _outputs(result: Any) -> list[tuple[str, Any]]:
    """The tensors that a module gives, each with its name; the first is the main one."""
    import torch

    if isinstance(result, torch.Tensor):
        return [("main", result)]
    if isinstance(result, Mapping):
        named = [(str(key), value) for key, value in result.items()]
    elif hasattr(result, "_fields"):
        named = [(key.replace("_logits", ""), getattr(result, key)) for key in result._fields]
    elif isinstance(result, (tuple, list)):
        named = [(f"out{place}", value) for place, value in enumerate(result, 1)]
    else:
        return []
    flat: list[tuple[str, Any]] = []
    for name, value in named:
        tensors = list(_leaves(value))
        flat += [(name if len(tensors) == 1 else f"{name}{i}", t) for i, t in enumerate(tensors, 1)]
    return [("main" if not place else name, value) for place, (name, value) in enumerate(flat)]


def _is_plain(module: nn.Module) -> bool:
    """Whether a module is a layer of PyTorch's own, and no part with others in it."""
    own = type(module).__module__.startswith("torch.nn.")
    return (own and next(module.children(), None) is None) or type(module).__name__ in _LEAVES


# Modules that are one call, by the name of their class: the function, and its arguments

_POOL = ("kernel_size", "stride")
_LEAVES: dict[str, tuple[str, tuple[str, ...]]] = {
    **dict.fromkeys(("DropPath", "StochasticDepth"), ("drop_path", ())),
    **{
        f"MinPool{n}d": ("min_pool2d", (*_POOL, "padding", "dilation", "ceil_mode")) for n in _RANKS
    },
    **{f"PaddedAvgPool{n}d": ("padded_avg_pool", (*_POOL, "pad")) for n in _RANKS},
    **{f"AdaptiveMinPool{n}d": ("adaptive_min_pool2d", ("output_size",)) for n in _RANKS},
    "Rescale": ("rescale", ("scale", "offset")),
    "NearestUpsample": ("up", ("size",)),
}


def _leaf(module: Any) -> tuple[str, tuple[Any, ...]] | None:
    """The call that a module is, with its attributes; None where it has no such."""
    function, names = _LEAVES.get(type(module).__name__, ("", ()))
    if function == "drop_path":
        rates = [getattr(module, name, None) for name in ("p", "drop_prob")]
        rates = [rate for rate in rates if isinstance(rate, (int, float))]
        if not rates and not hasattr(module, "drop_prob"):
            return None
        return function, ((*rates, 0.0)[0], getattr(module, "mode", "row"))
    found = [getattr(module, name, None) for name in names]
    found = [getattr(each, "padding", each) for each in found]  # of a module that pads
    if not all(isinstance(each, (int, float, str, tuple, list)) for each in found):
        return None
    return (function, tuple(found)) if function else None
