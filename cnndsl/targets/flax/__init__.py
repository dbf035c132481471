"""Flax NNX: an nnx.Sequential for a chain, an nnx.Module for the rest; channels last.

A model begins in training, as Flax's do: `model.eval()` makes it infer.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from cnndsl.codegen.initial import biases, classes, drawn
from cnndsl.codegen.module_classes import net_parts
from cnndsl.codegen.weaver import Weaver
from cnndsl.codegen.write_module import (
    before_softmax,
    docstring,
    documented,
    logits_note,
    lowering,
    reserved,
    write_module,
)
from cnndsl.contract import Option
from cnndsl.targets.flax.forms import lower
from cnndsl.targets.flax.render import Nnx

if TYPE_CHECKING:
    from cnndsl.codegen.code import Call
    from cnndsl.network import Network, Node

SUFFIX = ".py"
OPTIONS = (Option("logits", "leave out a softmax at the end of the net"),)

_IMPORTS = [
    (r"\bmath\.", "import math"),
    (r"\bpartial\(", "from functools import partial"),
    (r"", ""),
    (r"\bjax\.", "import jax"),
    (r"\bjnp\.", "import jax.numpy as jnp"),
    (r"\bnnx\.", "from flax import nnx"),
]

# The modules with weights that are drawn, and which of them count inputs as Keras alone does.
_DRAWN = {
    "plain": r"\bnnx\.(?:Conv(?:Transpose)?|Linear)(?=\()",
    "depthwise": r"\bDepthwiseConv(?=\()",
}
LOSS = "train with optax.softmax_cross_entropy"


def generate(network: Network, *, logits: bool = False) -> str:
    """A Python module with `build_model()`, channels last; `logits` leaves a last softmax out.

    Raises TargetError for a layer that Flax cannot express.
    """
    ends = before_softmax(network) if logits else {}

    def one(node: Node, explicit: bool) -> list[Call]:
        layer = ends.get(node.index, node.layer)
        return [] if layer is None else lower(layer, explicit=explicit)

    folder = Path(__file__).parent
    helpers = reserved(folder)
    program = Weaver(network, lowering(network, one), modules=True, reserved=helpers).weave()
    note = logits_note(network, LOSS) if logits else ""
    parts = net_parts(Nnx(helpers), network, program)
    parts |= {"doc": documented(docstring(network, tuple), note), "init": None}
    written = parts["functions"][-1:] if parts["net"] else parts["modules"]
    parts["rngs"] = any("rngs=rngs" in text for text in written)
    if drawn(network):
        code = [*parts["functions"], *(parts["modules"] or ())]
        parts["init"] = {name: classes(pattern, code) for name, pattern in _DRAWN.items()}
        parts["init"] |= {"torch": network.defaults == "torch", "biases": biases(network)}
    return write_module(folder, network, program.helpers, _IMPORTS, **parts)
