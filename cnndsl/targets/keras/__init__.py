"""Keras 3: a Sequential for a straight net, the functional API for the rest."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from cnndsl.codegen.code import NotExpressible
from cnndsl.codegen.initial import classes, drawn
from cnndsl.codegen.program import assigned
from cnndsl.codegen.python import distinct, python_name
from cnndsl.codegen.weaver import Weaver
from cnndsl.codegen.write_module import (
    INPUTS,
    before_softmax,
    docstring,
    documented,
    logits_note,
    lowering,
    quoted,
    reserved,
    write_module,
)
from cnndsl.contract import Option
from cnndsl.targets.keras.forms import lower
from cnndsl.targets.keras.render import Body, is_plain, sequential

if TYPE_CHECKING:
    from cnndsl.codegen.code import Call
    from cnndsl.codegen.program import Function
    from cnndsl.layers import Layer
    from cnndsl.network import Network, Node

SUFFIX = ".py"
OPTIONS = (Option("logits", "leave out a softmax at the end of the net"),)

_FOLDER = Path(__file__).parent
_IMPORTS = [
    (r"\bmath\.", "import math\n"),
    (r"\bkeras\.", "import keras"),
    (r"\blayers\.(?=.|\n)", "from keras import layers"),
    (r"\bops\.", "from keras import ops"),
]

LOSS = "train with a loss that has from_logits=True"

# The layers with weights, by what the shapes of their kernels mean.
_DRAWN = {
    "plain": r"\blayers\.(?:Conv\dD(?:Transpose)?|Dense)(?=\()",
    "depthwise": r"\blayers\.DepthwiseConv\dD(?=\()",
    "separable": r"\blayers\.SeparableConv\dD(?=\()",
}


def generate(network: Network, *, logits: bool = False) -> str:
    """A Python module with `build_model()`, channels last; `logits` leaves a last softmax out.

    Raises TargetError for a layer that Keras cannot express.
    """
    weaver = _weaver(network, logits)
    program = weaver.weave()
    note = logits_note(network, LOSS) if logits else ""
    parts: dict[str, Any] = {
        "doc": documented(docstring(network, lambda shape: shape), note),
        "name": quoted(network.name),
    }
    if len(network.inputs) == 1 and program.body and is_plain(program.body):
        shape = network.nodes[network.inputs[0]].output
        lines = sequential(network, program.body)
        parts |= {"sequential": lines, "input": repr(shape)}
        functions: list[str] = []
    else:
        labels = {*weaver.reserved, *(function.name for function in program.functions)}
        functions = [_function(function, labels) for function in program.functions]
        parts |= {"sequential": None, **_main(network, program.body, labels)}
    parts["init"] = None
    if network.defaults != "keras" and drawn(network):
        code = [*functions, *(parts["sequential"] or parts["lines"])]
        parts["init"] = {
            **{name: classes(pattern, code) for name, pattern in _DRAWN.items()},
            **_constant(network),
        }
    return write_module(_FOLDER, network, program.helpers, _IMPORTS, functions=functions, **parts)


def lowered(network: Network) -> dict[int, list[Call]]:
    """The calls that each node becomes in the generated code, merges left out."""
    from cnndsl.codegen import align

    return align.lowered(_weaver(network))


def helpers() -> frozenset[str]:
    """The names of the functions that generated code may bring along."""
    return reserved(_FOLDER)


def _weaver(network: Network, logits: bool = False) -> Weaver:
    ends = before_softmax(network) if logits else {}

    def one(node: Node, explicit: bool) -> list[Call]:
        layer = ends.get(node.index, node.layer)
        return [] if layer is None else lower(layer, explicit=explicit)

    return Weaver(network, lowering(network, one), modules=False, reserved=reserved(_FOLDER))


def _constant(network: Network) -> dict[str, Any]:
    """Which classes stand for `scale` too, whose first values are not drawn."""
    ranks = {len(node.layer.spatial) for node in network.nodes if node.op == "scale"}
    found: dict[str, Any] = {"scaled": ranks & {1, 2}, "scaled_volume": 3 in ranks}
    if not any(node.op == "dwconv" for node in network.nodes):
        found["depthwise"] = ""
    return found


def class_name(layer: Layer) -> str:
    """The class of Keras that a layer is, as `model.summary()` names it: `Conv2D`, `Add`.

    A layer that takes functions in the place of a class, or that Keras has no form of, has the
    word of the language.
    """
    if layer.op in _MERGES:
        return _MERGES[layer.op]
    try:
        main = next(call for call in lower(layer) if call.main)
    except (NotExpressible, StopIteration):
        return layer.op
    return main.function.rpartition(".")[2] if main.style == "layer" else layer.op


_MERGES = {
    "add": "Add",
    "concat": "Concatenate",
    "mul": "Multiply",
    "maximum": "Maximum",
    "average": "Average",
}


def _function(function: Function, labels: set[str]) -> str:
    parameters = [
        "x",
        *function.tensors.values(),
        *(p.name if p.default is None else f"{p.name}={p.default}" for p in function.parameters),
    ]
    taken = {*labels, *assigned(function.body), *(p.name for p in function.parameters)}
    body = Body(function.body, function.tensors, named=False, taken=taken)
    lines = body.returning("x", "x")
    return f"def {function.name}({', '.join(parameters)}):\n" + "\n".join(lines)


def _main(network: Network, items: list[Any], labels: set[str]) -> dict[str, Any]:
    variables: dict[str, str] = {}
    inputs: list[tuple[str, str]] = []
    taken = {*labels, *assigned(items)}
    for index in network.inputs:
        node = network.nodes[index]
        name = python_name(node.alias) if node.alias else INPUTS[len(node.output)]
        free = distinct(name, taken)
        taken.add(free)
        text = f"keras.Input({node.output!r}"
        text += f", name={quoted(node.alias)})" if node.alias else ")"
        inputs.append((free, text))
        if node.alias:
            variables[node.alias] = free
    body = Body(items, variables, named=True, taken=taken)
    last = body.run(inputs[0][0], "x")
    outputs = {"main": last, **body.outputs}
    one = len(outputs) == 1
    result = last if one else "{" + ", ".join(f'"{k}": {v}' for k, v in outputs.items()) + "}"
    names = [name for name, _ in inputs]
    return {
        "inputs": inputs,
        "lines": body.lines,
        "outputs": result,
        "given": names[0] if len(names) == 1 else f"[{', '.join(names)}]",
    }
