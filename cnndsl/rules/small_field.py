"""W208: global pools over positions that see little of the image."""

from __future__ import annotations

from cnndsl.diagnostics.message import Message
from cnndsl.layers.base import Shape, show
from cnndsl.network.network import Node
from cnndsl.rules.helpers.view import Findings, View
from cnndsl.rules.helpers.windows import GLOBAL_POOLS


def find(view: View) -> Findings:
    """Global pools whose input has a receptive field of less than a third of the image.

    Where something else reads the map as well, as beside the gate of a squeeze, the pool is
    not what the net ends in.
    """
    images: dict[int, Shape] = {}
    for index in view.network.inputs:
        shape = view.nodes[index].output
        images.setdefault(len(shape), shape[:-1])

    def sees_little(node: Node) -> bool:
        before = view.nodes[node.inputs[0]]
        image = images.get(len(before.output), ())
        return view.read_alone(before.index) and _is_small(before.receptive_field, image)

    for group in view.where(GLOBAL_POOLS, sees_little):
        before = view.nodes[group.first.inputs[0]]
        image = images[len(before.output)]
        message = Message(
            "{op}: each position of the {map} map sees no more than {field} of the {image} pixels",
            op=group.op,
            map=show(before.output[:-1]),
            field=show(before.receptive_field),
            image=show(image),
        )
        help_ = Message(
            "put more layers, a stride, a pool or a dilation before it, if what is to be "
            "recognised may be larger than that"
        )
        yield view.warning(group, message, help_)


def _is_small(field: tuple[int, ...], image: tuple[int, ...]) -> bool:
    if len(field) != len(image) or max(field, default=1) == 1:
        return False  # what no layer has looked around in may be features, of another net
    return all(3 * seen < size for seen, size in zip(field, image))
