"""Random nets: the table, the Keras code and the PyTorch code say the same."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, assume, given, settings
from nets import branching_nets, network, straight_nets

from cnndsl.proof.verify import verify
from cnndsl.targets import TargetError

SAMPLES = sorted(
    path
    for path in (Path(__file__).resolve().parent.parent / "samples").glob("*.cnn")
    # The first is wrong on purpose; a run of the second takes minutes and gigabytes.
    if path.stem not in ("article_keras_listing", "unet")
)
FUZZ = os.environ.get("HYPOTHESIS_PROFILE") == "fuzz"
SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large]


def agree(text: str) -> None:
    net = network(text)
    assert net is not None
    try:
        report = verify(net)
    except TargetError:
        assume(False)
    assert not report.problems, f"{text}\n{report.problems}"


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_samples(path: Path) -> None:
    net = network(path.read_text(encoding="utf-8"), path.name)
    assert net is not None
    report = verify(net, batch=1)
    assert not report.problems
    # What rounding leaves is far from what is let pass.
    assert report.error < 1e-12


@given(straight_nets())
@settings(max_examples=5000 if FUZZ else 150, suppress_health_check=SLOW)
def test_straight_nets(text: str) -> None:
    agree(text)


@given(branching_nets())
@settings(max_examples=5000 if FUZZ else 150, suppress_health_check=SLOW)
def test_branching_nets(text: str) -> None:
    agree(text)
