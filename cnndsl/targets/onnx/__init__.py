"""ONNX: a file with the graph and weights of a net, channels first.

Operators are those of opset 21, the first whose GroupNormalization has a factor for each
channel; `Gelu` has come with 20, `Mish` with 18.

What acts while training only, dropout, stochastic depth and heads for training, is not in the
graph. Layers that share weights read the same initializers. A vector
has the language's order, also behind a flatten: height, width, channel.
"""

from __future__ import annotations

from typing import Any

from cnndsl.codegen.weights import Weights
from cnndsl.contract import Option, TargetError, Unavailable
from cnndsl.network import Network

SUFFIX = ".onnx"
OPTIONS = (
    Option("logits", "leave out a softmax at the end of the net"),
    Option("seed", "draw other initial weights; 0 without it", "natural", "N"),
)

LIMIT = 2**31 - 2**20
"""How many bytes of weights fit in one file: protobuf ends at 2 GiB, the graph takes the rest."""


def generate(
    network: Network, *, logits: bool = False, seed: int = 0, weights: Weights | None = None
) -> bytes:
    """The file's bytes.

    `weights` are canonical; without them the file holds initial weights, drawn as `defaults`
    says, the same for each seed. `logits` leaves a last softmax out. Raises TargetError for a
    network that ONNX cannot hold, Unavailable without the onnx package, and Misfit where the
    weights are not the network's.
    """
    refuse_large(network)
    try:
        import onnx  # noqa: F401
    except ImportError:
        raise Unavailable("onnx", "onnx") from None
    from cnndsl.codegen.weights import fit, initial
    from cnndsl.targets.onnx.convert import convert

    if weights is None:
        weights = initial(network, seed)
    else:
        fit(network, weights)
    return convert(network, weights, logits=logits)


def refuse_large(network: Network) -> None:
    """Raise TargetError where the weights of a network do not fit in one file."""
    from cnndsl.diagnostics import Diagnostic
    from cnndsl.diagnostics.message import Message

    if 4 * network.totals.params <= LIMIT:
        return
    most = max(network.layers, key=lambda node: node.params)
    layer: Any = most.layer
    message = Message(
        "an ONNX file holds {limit:,} weights, and this net has {total:,}: {most:,} of them in "
        "{name}",
        limit=LIMIT // 4,
        total=network.totals.params,
        most=layer.params,
        name=most.name,
    )
    help_ = Message(
        "make the layer smaller, as with `gap` in the place of `flatten`; or take another target"
    )
    raise TargetError([Diagnostic("E401", network.source, most.span, message, help_)])
