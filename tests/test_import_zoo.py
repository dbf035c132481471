"""Six of the nets of torchvision and keras.applications: short, exact, and proved."""

from __future__ import annotations

import pytest
from conftest import few

from cnndsl.importers.write import to_text
from cnndsl.proof.imported import verify
from cnndsl.proof.sources import runner

SIX = ("resnet50", "googlenet", "shufflenet_v2_x1_0", "ResNet50", "MobileNetV2", "ConvNeXtTiny")


@pytest.mark.parametrize("name", few(SIX, (), turn=2))
def test_a_net_of_a_zoo_is_short_and_proved(name: str) -> None:
    zoo = pytest.importorskip("zoo")
    live = zoo.model(name)
    graph = zoo.graph(name, live)
    written = to_text(graph)
    assert zoo.lines(written.text) <= zoo.MARKS[name]
    assert max(map(len, written.text.splitlines())) <= 100
    # Every array of the source is one weight, and every layer computes the same.
    run = runner(live, "")
    assert run is not None
    report = verify(
        written.network, graph, written.ops, written.weights, run.run(graph), target=run.target
    )
    assert report, report.problems
    assert report.error < 1e-9
    assert len(report.layers) == len(written.network.layers)
