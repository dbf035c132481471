"""PyTorch: an nn.Sequential for a chain, an nn.Module for the rest; channels first."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from cnndsl.layers.initial import Uniform
from cnndsl.targets import Option
from cnndsl.targets.initial import classes, drawn
from cnndsl.targets.module import (
    INPUTS,
    before_softmax,
    docstring,
    documented,
    lowering,
    quoted,
    reserved,
    write_module,
)
from cnndsl.targets.program import Make, Use, is_sequential
from cnndsl.targets.python import class_name, distinct, python_name
from cnndsl.targets.pytorch.forms import lower
from cnndsl.targets.pytorch.layout import first, flatten_orders
from cnndsl.targets.pytorch.render import Forward, modules
from cnndsl.targets.weave import Weaver

if TYPE_CHECKING:
    from cnndsl.network import Network, Node
    from cnndsl.targets.code import Call
    from cnndsl.targets.program import Function, Item, Parameter

SUFFIX = ".py"
OPTIONS = (Option("logits", "leave out a softmax at the end of the net"),)

_FOLDER = Path(__file__).parent
_IMPORTS = [
    (r"\bmath\.", "import math\n"),
    (r"\btorch\.", "import torch"),
    (r"\bnn\.", "from torch import nn"),
    (r"\bF\.", "from torch.nn import functional as F"),
]
LOSS = "The outputs are logits: train with nn.CrossEntropyLoss."

# The modules with weights that are drawn, and which of them count inputs as Keras alone does.
_DRAWN = {
    "plain": r"\bnn\.(?:Conv(?:Transpose)?\dd|Linear)(?=\()",
    "depthwise": r"\bDepthwiseConv\dd(?=\()",
}


def generate(network: Network, *, logits: bool = False) -> str:
    """A Python module with `build_model()`, channels first; `logits` leaves a last softmax out.

    Raises TargetError for a layer that PyTorch cannot express.
    """
    weaver = _weaver(network, logits)
    program = weaver.weave()
    functions = [_function(function) for function in program.functions]
    loss = LOSS if logits and before_softmax(network) else ""
    parts: dict[str, Any] = {
        "doc": documented(docstring(network, first), loss),
        "modules": None,
        "net": None,
    }
    if len(network.inputs) == 1 and is_sequential(program.body) and not _names(program.body):
        parts["modules"] = modules(program.body, comments=True)
    else:
        taken = {class_name(function.name) for function in program.functions}
        name = class_name(network.name)
        parts["net"] = name if name not in taken else f"{name}Net"
        functions.append(_net(network, program.body, parts["net"]))
    parts["init"] = None
    if network.defaults != "torch" and drawn(network):
        code = [*functions, *(parts["modules"] or ())]
        parts["init"] = {name: classes(pattern, code) for name, pattern in _DRAWN.items()}
        parts["init"]["biases"] = _biases(network)
    return write_module(_FOLDER, network, program.helpers, functions, _IMPORTS, **parts)


def lowered(network: Network) -> dict[int, list[Call]]:
    """The calls that each node becomes in the generated code, merges left out."""
    from cnndsl.targets import align

    return align.lowered(_weaver(network))


def helpers() -> frozenset[str]:
    """The names of the modules that generated code may bring along."""
    return reserved(_FOLDER) - {"divisible"}


def _weaver(network: Network, logits: bool = False) -> Weaver:
    orders = flatten_orders(network)
    ends = before_softmax(network) if logits else {}

    def one(node: Node, explicit: bool) -> list[Call]:
        layer = ends.get(node.index, node.layer)
        order = orders.get(node.index, "first")
        return [] if layer is None else lower(layer, explicit=explicit, order=order)

    return Weaver(network, lowering(network, one), modules=True, reserved=reserved(_FOLDER))


def _biases(network: Network) -> str:
    """Whether the `all` layers that are drawn have a bias, or `some`; empty for none."""
    kernels = biases = 0
    for node in network.nodes:
        roles = [w.role for w in node.layer.weights if isinstance(w.initial, Uniform)]
        kernels += len(roles)
        biases += any(weight.role == "bias" for weight in node.layer.weights)
    return "all" if biases == kernels else "some" if biases else ""


def _names(items: list[Item]) -> bool:
    """Whether the file names any layer of a chain."""
    return any(isinstance(item, (Make, Use)) and item.alias for item in items)


def _signature(parameters: list[Parameter]) -> str:
    written = ["self"]
    for parameter in parameters:
        default = "" if parameter.default is None else f" = {parameter.default}"
        written.append(f"{parameter.name}: {parameter.annotation}{default}")
    return ", ".join(written)


def _function(function: Function) -> str:
    name = class_name(function.name)
    init = f"    def __init__({_signature(function.parameters)}) -> None:\n"
    if is_sequential(function.body) and not function.tensors:
        lines = "\n".join(modules(function.body))
        return f"class {name}(nn.Sequential):\n{init}        super().__init__(\n{lines}\n        )"
    given = ["x", *function.tensors.values()]
    return _module(name, init, function.body, given, function.tensors)


def _net(network: Network, items: list[Item], name: str) -> str:
    inputs: list[str] = []
    variables: dict[str, str] = {}
    for index in network.inputs:
        node = network.nodes[index]
        variable = python_name(node.alias) if node.alias else INPUTS[len(node.output)]
        if len(network.inputs) == 1 and not node.alias:
            variable = "x"
        free = distinct(variable, inputs)
        inputs.append(free)
        if node.alias:
            variables[node.alias] = free
    init = "    def __init__(self) -> None:\n"
    return _module(name, init, items, inputs, variables, comments=True)


def _module(
    name: str,
    init: str,
    items: list[Item],
    inputs: list[str],
    variables: dict[str, str],
    comments: bool = False,
) -> str:
    """A class with a `forward`."""
    body = Forward(items, variables, inputs, comments)
    result = body.run(inputs[0])
    kind = "torch.Tensor"
    if body.outputs:
        outputs = {"main": result, **body.outputs}
        result = "{" + ", ".join(f"{quoted(k)}: {v}" for k, v in outputs.items()) + "}"
        kind = "dict[str, torch.Tensor]"
    given = ", ".join(f"{name}: torch.Tensor" for name in inputs)
    text = f"class {name}(nn.Module):\n{init}        super().__init__()\n"
    text += "".join(f"        {line}\n" for line in body.init)
    text += f"\n    def forward(self, {given}) -> {kind}:\n"
    lines = body.lines
    if lines and lines[-1].startswith(f"{result} = "):
        lines[-1] = "return " + lines[-1].removeprefix(f"{result} = ")
    else:
        lines.append(f"return {result}")
    return text + "\n".join(f"        {line}" for line in lines)
