"""Random nets: the table, the Keras code and the PyTorch code say the same."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, assume, given, settings
from nets import branching_nets, network, straight_nets
from oracle import compare

from cnndsl.targets import TargetError, load

FUZZ = os.environ.get("HYPOTHESIS_PROFILE") == "fuzz"
SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large]


def agree(text: str) -> None:
    net = network(text)
    assert net is not None
    try:
        keras, torch = (load(name).generate(net) for name in ("keras", "pytorch"))
    except TargetError:
        assume(False)
    report = compare(net, keras, torch)
    assert not report.problems, f"{text}\n{report.problems}"


@given(straight_nets())
@settings(max_examples=5000 if FUZZ else 150, suppress_health_check=SLOW)
def test_straight_nets(text: str) -> None:
    agree(text)


@given(branching_nets())
@settings(max_examples=5000 if FUZZ else 150, suppress_health_check=SLOW)
def test_branching_nets(text: str) -> None:
    agree(text)
