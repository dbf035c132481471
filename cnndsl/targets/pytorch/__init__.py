"""PyTorch: an nn.Sequential for a chain, an nn.Module for the rest; channels first."""

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
from cnndsl.targets.pytorch.forms import lower
from cnndsl.targets.pytorch.layout import first, flatten_orders
from cnndsl.targets.pytorch.render import Torch

if TYPE_CHECKING:
    from cnndsl.codegen.code import Call
    from cnndsl.network import Network, Node

SUFFIX = ".py"
OPTIONS = (Option("logits", "leave out a softmax at the end of the net"),)

_FOLDER = Path(__file__).parent
_IMPORTS = [
    (r"\bmath\.", "import math\n"),
    (r"\btorch\.", "import torch"),
    (r"\bnn\.", "from torch import nn"),
    (r"\bF\.", "from torch.nn import functional as F"),
]
LOSS = "train with nn.CrossEntropyLoss"

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
    note = logits_note(network, LOSS) if logits else ""
    parts = net_parts(Torch(), network, program)
    parts |= {"doc": documented(docstring(network, first), note), "init": None}
    if network.defaults != "torch" and drawn(network):
        code = [*parts["functions"], *(parts["modules"] or ())]
        parts["init"] = {name: classes(pattern, code) for name, pattern in _DRAWN.items()}
        parts["init"]["biases"] = biases(network)
    return write_module(_FOLDER, network, program.helpers, _IMPORTS, **parts)


def lowered(network: Network) -> dict[int, list[Call]]:
    """The calls that each node becomes in the generated code, merges left out."""
    from cnndsl.codegen import align

    return align.lowered(_weaver(network))


def helpers() -> frozenset[str]:
    """The names of the modules that generated code may bring along."""
    return reserved(_FOLDER)


def _weaver(network: Network, logits: bool = False) -> Weaver:
    orders = flatten_orders(network)
    ends = before_softmax(network) if logits else {}

    def one(node: Node, explicit: bool) -> list[Call]:
        layer = ends.get(node.index, node.layer)
        order = orders.get(node.index, "first")
        return [] if layer is None else lower(layer, explicit=explicit, order=order)

    return Weaver(network, lowering(network, one), modules=True, reserved=reserved(_FOLDER))
