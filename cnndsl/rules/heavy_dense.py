"""W212: dense layers that hold nearly all parameters."""

from __future__ import annotations

from cnndsl.diagnostics.message import Message
from cnndsl.layers import family
from cnndsl.layers.base import product
from cnndsl.rules.helpers.view import Findings, View

SHARE = 80
"""Percent of all parameters."""

LEAST = 100_000
"""Parameters of a layer that is not worth a word."""

_KEEPING = frozenset(family("dropout", "norm", "activation"))


def find(view: View) -> Findings:
    """A dense layer on a map laid flat that holds more than 80% of what the net learns."""
    total = view.network.totals.params
    origins = view.origins(_KEEPING)
    for group in view.groups("dense"):
        for node in group.nodes:
            params = node.params * (not node.training_only)
            flat = view.nodes[origins[node.inputs[0]]]
            if params <= LEAST or 100 * params <= SHARE * total or flat.op != "flatten":
                continue
            positions = product(flat.layer.spatial)
            if positions == 1:
                continue
            gap = (flat.layer.channels + 1) * node.layer.output[0]
            message = Message(
                "dense: {params:,} of the net's {total:,} parameters are here, {percent}%: one for "
                "each of {values:,} values and {outputs:,} outputs",
                params=params,
                total=total,
                percent=100 * params // total,
                values=flat.output[0],
                outputs=node.output[0],
            )
            help_ = Message(
                "`gap` in the place of `flatten` leaves about {params:,}; or pool once more",
                params=gap,
            )
            yield view.warning(group._replace(nodes=[node]), message, help_)
