"""Flax NNX: an nnx.Sequential for a chain, an nnx.Module for the rest; channels last.

A model begins in training, as Flax's do: `model.eval()` makes it infer.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from cnndsl.codegen.code import Call
from cnndsl.codegen.initial import biases, drawn, drawn_classes
from cnndsl.codegen.module_classes import classes_of
from cnndsl.codegen.names import Names
from cnndsl.codegen.program import Program
from cnndsl.codegen.source import Assign, Return, lines
from cnndsl.codegen.survey import survey
from cnndsl.codegen.weaver import Weaver
from cnndsl.codegen.write_module import (
    before_softmax,
    docstring,
    documented,
    logits_note,
    lowering,
    snippets,
    write_module,
)
from cnndsl.contract import Option
from cnndsl.network import Network, Node
from cnndsl.targets.flax.forms import lower
from cnndsl.targets.flax.render import Nnx

SUFFIX = ".py"
OPTIONS = (Option("logits", "leave out a softmax at the end of the net"),)

_FOLDER = Path(__file__).parent
_IMPORTS = {
    "math": "import math",
    "Callable": "from collections.abc import Callable",
    "partial": "from functools import partial",
    "reduce": "from functools import reduce",
    "": "",
    "jax": "import jax",
    "jnp": "import jax.numpy as jnp",
    "nnx": "from flax import nnx",
}
LOSS = "train with optax.softmax_cross_entropy"
_OWN = ("build_model", "init_weights", "rngs", "seed", "model")


def generate(network: Network, *, logits: bool = False) -> str:
    """A Python module with `build_model()`, channels last; `logits` leaves a last softmax out.

    Raises TargetError for a layer that Flax cannot express.
    """
    ends = before_softmax(network) if logits else {}

    def one(node: Node, explicit: bool) -> list[Call]:
        layer = ends.get(node.index, node.layer)
        calls = [] if layer is None else lower(layer, explicit=explicit)
        if node.frozen:
            calls = [_frozen(one) if one.function == "nnx.BatchNorm" else one for one in calls]
        return calls

    program = Weaver(survey(network, lowering(network, one), optional=False), modules=True).weave()
    note = logits_note(network, LOSS) if logits else ""
    module = Names(reserved={*_IMPORTS, *snippets(_FOLDER), *_OWN})
    style = Nnx()
    code, chain, net = classes_of(style, network, program, module)
    init = _drawn(network, program)
    parts: dict[str, Any] = {
        "doc": documented(docstring(network, tuple), note),
        "init": init,
        "net": net,
        "rngs": net in style.drawing or (net is None and style.draws(program.body)),
        "chain": [],
    }
    if chain is not None:
        statement = Return(chain) if init is None else Assign("model", chain)
        parts["chain"] = lines([statement], 1)
    return write_module(_FOLDER, network, program, _IMPORTS, code, **parts)


def _frozen(call: Call) -> Call:
    """A batch norm that keeps its statistics."""
    return call._replace(function="FrozenBatchNorm", helpers=("FrozenBatchNorm",))


def _drawn(network: Network, program: Program) -> dict[str, Any] | None:
    """The modules whose weights are drawn; depthwise ones count inputs as Keras alone does."""
    if not drawn(network):
        return None
    plain = "nnx.Conv nnx.Linear GroupedConv"
    return {
        **drawn_classes(program, plain=plain, depthwise="DepthwiseConv"),
        "torch": network.defaults == "torch",
        "biases": biases(network),
    }
