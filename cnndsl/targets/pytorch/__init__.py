"""PyTorch: an nn.Sequential for a chain, an nn.Module for the rest; channels first."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from cnndsl.codegen.code import Call
from cnndsl.codegen.initial import biases, drawn, drawn_classes
from cnndsl.codegen.module_classes import classes_of
from cnndsl.codegen.names import Names
from cnndsl.codegen.program import Program
from cnndsl.codegen.source import Return, lines
from cnndsl.codegen.survey import Survey, survey
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
from cnndsl.targets.pytorch.forms import lower
from cnndsl.targets.pytorch.layout import first, flatten_orders, last_runs
from cnndsl.targets.pytorch.render import Torch

SUFFIX = ".py"
OPTIONS = (Option("logits", "leave out a softmax at the end of the net"),)

_FOLDER = Path(__file__).parent
_IMPORTS = {
    "math": "import math",
    "Callable": "from collections.abc import Callable",
    "partial": "from functools import partial",
    "reduce": "from functools import reduce",
    "": "",
    "torch": "import torch",
    "nn": "from torch import nn",
    "F": "from torch.nn import functional as F",
}
LOSS = "train with nn.CrossEntropyLoss"
_OWN = ("build_model", "init_weights")


def generate(network: Network, *, logits: bool = False) -> str:
    """A Python module with `build_model()`, channels first; `logits` leaves a last softmax out.

    Raises TargetError for a layer that PyTorch cannot express.
    """
    program = Weaver(_survey(network, logits), modules=True).weave()
    note = logits_note(network, LOSS) if logits else ""
    module = Names(reserved={*_IMPORTS, *snippets(_FOLDER), *_OWN})
    code, chain, net = classes_of(Torch(), network, program, module)
    parts: dict[str, Any] = {
        "doc": documented(docstring(network, first), note),
        "init": _drawn(network, program),
        "net": net,
        "chain": lines([Return(chain)], 1) if chain is not None else [],
    }
    return write_module(_FOLDER, network, program, _IMPORTS, code, **parts)


def _drawn(network: Network, program: Program) -> dict[str, Any] | None:
    """The modules whose weights are drawn; depthwise ones count inputs as Keras alone does."""
    if network.defaults == "torch" or not drawn(network):
        return None
    plain = "nn.Conv nn.Linear"
    return {
        **drawn_classes(program, plain=plain, depthwise="DepthwiseConv"),
        "biases": biases(network),
    }


def lowered(network: Network) -> dict[int, list[Call]]:
    """The calls that each node becomes in the generated code, merges left out."""
    return _survey(network).calls


def helpers() -> frozenset[str]:
    """The names of the modules that generated code may bring along."""
    return frozenset(snippets(_FOLDER))


def _survey(network: Network, logits: bool = False) -> Survey:
    orders = flatten_orders(network)
    ends = before_softmax(network) if logits else {}
    runs = last_runs(network)

    def one(node: Node, explicit: bool) -> list[Call]:
        layer = ends.get(node.index, node.layer)
        order, last = orders.get(node.index, "first"), node.index in runs
        return [] if layer is None else lower(layer, explicit=explicit, order=order, last=last)

    return survey(network, lowering(network, one), optional=True, runs=runs)
