"""What a network comes to, in numbers."""

from __future__ import annotations

from typing import NamedTuple

from cnndsl.layers.base import Shape, product
from cnndsl.network import Network

FLOAT32 = 4
"""Bytes of a number at float32."""


class Measure(NamedTuple):
    """The numbers of a network; counts of one input, shapes channels last without a batch.

    Heads for training are left out, but for the shapes that they give.

    * `layers`: how many there are; an activation written after a layer belongs to it, and
      inputs are none
    * `depth`: the most layers with multiply-adds (convolutions and dense ones) on a path from
      an input to an output, which is what the 50 of ResNet-50 counts
    * `params` = `trainable` + `non_trainable` = `weights` + `biases`
    * `macs`: multiply-adds of convolutions and dense layers
    * `param_bytes`: the parameters at float32
    * `activation_bytes`: the inputs and the outputs of all layers at float32, each once. An
      activation written after a layer works in place; one that is a statement counts, as do
      `flatten`, `dropout` and the like, which a framework may save
    * `peak_bytes`: the most of them alive at once where layers run in the order of the file:
      a layer's inputs and its output at the same time, each tensor until its last reader is
      done, the outputs of the net until the end. It is what inference needs beside the
      parameters, without any workspace
    * `field`: the receptive field of the main output, in pixels per spatial dimension of the
      input; empty for a net of vectors
    * `inputs`, `outputs`: shapes, the outputs by name
    """

    layers: int
    depth: int
    params: int
    trainable: int
    non_trainable: int
    weights: int
    biases: int
    macs: int
    param_bytes: int
    activation_bytes: int
    peak_bytes: int
    field: tuple[int, ...]
    inputs: tuple[Shape, ...]
    outputs: dict[str, Shape]


def measure(network: Network) -> Measure:
    """Count a network. The cost is linear in its layers."""
    nodes, totals = network.nodes, network.totals
    sizes = [product(node.output) * FLOAT32 * (not node.training_only) for node in nodes]
    depths: list[int] = []
    for node in nodes:
        before = max((depths[index] for index in node.inputs), default=0)
        depths.append(before + (node.layer.macs > 0) * (not node.training_only))
    return Measure(
        layers=sum(not node.training_only for node in network.layers),
        depth=max(depths[index] for index in network.outputs.values()),
        params=totals.params,
        trainable=totals.trainable,
        non_trainable=totals.non_trainable,
        weights=totals.weights,
        biases=totals.params - totals.weights,
        macs=totals.macs,
        param_bytes=totals.params * FLOAT32,
        activation_bytes=sum(sizes),
        peak_bytes=_peak(network, sizes),
        field=nodes[network.outputs["main"]].receptive_field,
        inputs=tuple(nodes[index].output for index in network.inputs),
        outputs={name: nodes[index].output for name, index in network.outputs.items()},
    )


def _peak(network: Network, sizes: list[int]) -> int:
    """The most bytes alive at once; inputs are there from the start."""
    last = list(range(len(sizes)))  # what nothing reads goes at once
    for node in network.nodes:
        for index in node.inputs if not node.training_only else ():
            last[index] = node.index
    for index in network.outputs.values():
        last[index] = len(sizes)
    gone: list[list[int]] = [[] for _ in range(len(sizes) + 1)]
    for index, end in enumerate(last):
        gone[end].append(index)
    alive = sum(sizes[index] for index in network.inputs)
    peak = alive
    given = set(network.inputs)
    for node in network.nodes:
        if node.index not in given:
            alive += sizes[node.index]
        peak = max(peak, alive)
        alive -= sum(sizes[index] for index in gone[node.index])
    return peak
