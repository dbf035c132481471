"""Weights of no framework: their keys, their random values, and whether they fit."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from nets import branching_nets, network, straight_nets

import cnndsl
from cnndsl.codegen import weights as canonical
from cnndsl.layers.base import product

NET = cnndsl.check(
    "block b(n) { conv n 3 same nobias prelu; bn }\n"
    "input 8x8x3; b 4; b 6; sepconv 4 3 same; flatten; dense 5 as last; scale"
)


def test_keys_are_names_and_roles() -> None:
    assert [kept.key for kept in canonical.slots(NET)] == [
        "b1.conv1.kernel", "b1.conv1.alpha",
        "b1.bn1.gamma", "b1.bn1.beta", "b1.bn1.mean", "b1.bn1.variance",
        "b2.conv1.kernel", "b2.conv1.alpha",
        "b2.bn1.gamma", "b2.bn1.beta", "b2.bn1.mean", "b2.bn1.variance",
        "sepconv1.depthwise", "sepconv1.pointwise", "sepconv1.bias",
        "last.kernel", "last.bias", "scale1.scale",
    ]  # fmt: skip


@given(straight_nets() | branching_nets())
@settings(max_examples=25)
def test_properties_of_random_weights(text: str) -> None:
    net = network(text)
    assert net is not None
    slots = list(canonical.slots(net))
    assert len({kept.key for kept in slots}) == len(slots)
    assert [kept.weight for kept in slots] == [w for n in net.nodes for w in n.layer.all_weights]
    assert sum(product(kept.weight.shape) for kept in slots) == net.totals.params
    drawn = canonical.random(net, 1)
    assert list(drawn) == [kept.key for kept in slots]
    canonical.fit(net, drawn)
    again, other = canonical.random(net, 1), canonical.random(net, 2)
    for kept in slots:
        assert np.array_equal(drawn[kept.key], again[kept.key])
        assert not np.array_equal(drawn[kept.key], other[kept.key])
        assert kept.weight.role != "variance" or (drawn[kept.key] > 0).all()


def test_what_does_not_fit_is_told_all_at_once() -> None:
    weights = canonical.random(NET)
    weights["b1.conv1.kernel"] = np.zeros((3, 3, 3, 5), np.float32)
    weights["b1.bn1.mean"] = np.zeros(4)
    weights["last.gamma"] = np.zeros((), np.float32)
    del weights["last.bias"]
    with pytest.raises(canonical.Misfit) as caught:
        canonical.fit(NET, weights)
    assert caught.value.problems == [
        "b1.conv1.kernel: it is 3x3x3x5, and the net wants 3x3x3x4",
        "b1.bn1.mean: it is float64, and the net wants float32",
        "last.bias: there is none, and the net wants 5",
        "last.gamma: it is a single number, and the net has no such weight",
    ]
