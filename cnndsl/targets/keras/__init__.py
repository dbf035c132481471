"""Keras 3: a Sequential for a straight net, the functional API for the rest."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from cnndsl.codegen.code import Arg, Call, NotExpressible
from cnndsl.codegen.expressions import calling, literal, name, names_in
from cnndsl.codegen.initial import drawn, drawn_classes
from cnndsl.codegen.module_classes import named_outputs
from cnndsl.codegen.names import Names
from cnndsl.codegen.program import Program
from cnndsl.codegen.source import Assign, Branch, Statement, lines, text, without_copies
from cnndsl.codegen.survey import Survey, survey
from cnndsl.codegen.weaver import Weaver
from cnndsl.codegen.write_module import (
    before_softmax,
    docstring,
    documented,
    input_names,
    logits_note,
    lowering,
    quoted,
    snippets,
    write_module,
)
from cnndsl.contract import Option
from cnndsl.layers import Layer
from cnndsl.network import Network, Node
from cnndsl.targets.keras.forms import lower
from cnndsl.targets.keras.render import FunctionBody, builder, function, is_plain, sequential

SUFFIX = ".py"
OPTIONS = (Option("logits", "leave out a softmax at the end of the net"),)

_FOLDER = Path(__file__).parent
_IMPORTS = {
    "math": "import math\n",
    "keras": "import keras",
    "layers": "from keras import layers",
    "ops": "from keras import ops",
}

LOSS = "train with a loss that has from_logits=True"


def generate(network: Network, *, logits: bool = False) -> str:
    """A Python module with `build_model()`, channels last; `logits` leaves a last softmax out.

    Raises TargetError for a layer that Keras cannot express.
    """
    program = Weaver(_survey(network, logits), modules=False).weave()
    note = logits_note(network, LOSS) if logits else ""
    parts: dict[str, Any] = {
        "doc": documented(docstring(network, lambda shape: shape), note),
        "name": quoted(network.name),
        "init": _drawn(network, program),
        "sequential": None,
        "training": False,
    }
    module = Names(reserved={*_IMPORTS, *snippets(_FOLDER), *_OWN})
    code: list[str] = []
    if len(network.inputs) == 1 and program.body and is_plain(program.body):
        parts["sequential"] = [f"{text(made)},{note}" for made, note in sequential(program.body)]
        parts["input"] = repr(network.nodes[network.inputs[0]].output)
    else:
        for each in program.functions:
            # No function is called as all call their tensor.
            wanted = each.block if each.block != "x" else "x_"
            each.name = module.take(f"build_{wanted}" if each.shared else wanted)
        code = [(builder if each.shared else function)(each, module) for each in program.functions]
        parts |= _main(network, program, module)
    return write_module(_FOLDER, network, program, _IMPORTS, code, **parts)


_OWN = ("build_model", "init_weights", "draw_uniform", "model", "training")
"""What a module calls what is its own."""


def lowered(network: Network) -> dict[int, list[Call]]:
    """The calls that each node becomes in the generated code, merges left out."""
    return _survey(network).calls


def helpers() -> frozenset[str]:
    """The names of the functions that generated code may bring along."""
    return frozenset(snippets(_FOLDER))


def _survey(network: Network, logits: bool = False) -> Survey:
    ends = before_softmax(network) if logits else {}
    freezes = any(node.frozen for node in network.nodes)

    def one(node: Node, explicit: bool) -> list[Call]:
        layer = ends.get(node.index, node.layer)
        calls = [] if layer is None else lower(layer, explicit=explicit)
        if not freezes:
            return calls
        last = len(calls) - 1 if layer is not None and _keeps(layer.activation) else -1
        return [
            (
                _learning(call, not node.frozen)
                if place == last or (call.main and _keeps(layer))
                else call
            )
            for place, call in enumerate(calls)
        ]

    return survey(network, lowering(network, one), optional=False)


def _keeps(layer: Layer | None) -> bool:
    """Whether a layer has weights of its own."""
    return layer is not None and bool(layer.weights)


def _learning(call: Call, learns: bool) -> Call:
    """A call that says of its layer whether it learns."""
    return call._replace(kwargs={**call.kwargs, "trainable": Arg(learns, "", True)})


def _drawn(network: Network, program: Program) -> dict[str, Any] | None:
    """The classes whose weights are drawn, by what the shapes of their kernels mean.

    `scaled` tells whether any of them stand for `scale` too, whose first values are not drawn.
    """
    if network.defaults == "keras" or not drawn(network):
        return None
    ranks = {len(node.layer.spatial) for node in network.nodes if node.op == "scale"}
    kinds = drawn_classes(
        program,
        plain="layers.Conv layers.Dense GroupedConv",
        depthwise="layers.DepthwiseConv",
        separable="layers.SeparableConv",
    )
    if not any(node.op == "dwconv" for node in network.nodes):
        kinds["depthwise"] = ""
    return {**kinds, "scaled": ranks & {1, 2}, "scaled_volume": 3 in ranks}


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
    "subtract": "Subtract",
    "maximum": "Maximum",
    "average": "Average",
}


def _main(network: Network, program: Program, module: Names) -> dict[str, Any]:
    """The statements of `build_model` up to the model, and what that is made of."""
    scope = Names(module, {"x"})
    inputs = input_names(network, program, scope)
    known = {variable for variable in program.inputs if variable is not None}
    body = FunctionBody(program.body, scope, named=True, known=known)
    statements: list[Statement] = []
    for index, variable in zip(network.inputs, inputs):
        node = network.nodes[index]
        label = {} if node.alias is None else {"name": literal(node.alias)}
        statements.append(Assign(variable, calling("keras.Input", literal(node.output), **label)))
    last = body.run(inputs[0], "x")
    statements += body.lines
    outputs = {"main": name(last), **body.outputs}
    result = name(last) if len(outputs) == 1 else named_outputs(outputs)
    if body.extra:
        made = scope.take("outputs")
        every = Assign(made, named_outputs({**outputs, **body.extra}))
        statements += [Assign(made, result), Branch((name("training"),), ([every],), [])]
        result = name(made)
    statements = without_copies(statements, names_in(result))
    return {
        "lines": lines(statements, 1),
        "outputs": text(result),
        "given": inputs[0] if len(inputs) == 1 else f"[{', '.join(inputs)}]",
        "training": bool(body.extra),
    }
