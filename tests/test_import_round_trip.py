"""What `build` writes for a sample comes back as the same network, in about as many lines."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from conftest import crossed, few
from graphs import graph_of
from test_import_recover import SOUND, lines, read

import cnndsl
from cnndsl.importers.graph import Graph, Op
from cnndsl.importers.normal import normal
from cnndsl.importers.source import read_source
from cnndsl.importers.write import Written, paired, to_text

SOME = [path for path in SOUND if path.stem in ("article", "resnet50", "siamese", "unet")]
CASES = crossed(SOUND, ["keras", "pytorch"], SOME)
ONNX = few([path for path in SOUND if path.stem != "vgg19"], SOME[:1], turn=2)

OTHER_WORDS = {
    # Keras pools round up by `same`; neither it nor ONNX has adaptive windows.
    ("googlenet", "keras"),
    ("psp_pool", "keras"),
    ("psp_pool", "onnx"),
    ("squeezenet1_0", "keras"),
}
"""Nets that come back with another word for the same function."""


def from_source(path: Path, target: str) -> Written:
    network = read(path)
    code = cnndsl.build(network, target)
    assert isinstance(code, str)
    shapes: Any = [network.nodes[index].output for index in network.inputs]
    return to_text(read_source(code, path.stem, shapes))


@pytest.mark.parametrize(("path", "target"), CASES, ids=lambda each: getattr(each, "stem", each))
def test_source_comes_back(path: Path, target: str) -> None:
    network = read(path)
    written = from_source(path, target)
    assert lines(written.text) <= 1.3 * lines(path.read_text(encoding="utf-8"))
    assert written.network.totals == network.totals
    if (path.stem, target) not in OTHER_WORDS:
        assert paired(normal(graph_of(network)).graph, written.network) is not None
    # And what is written of that comes back, too, word for word.
    again = cnndsl.check(written.text)
    assert paired(normal(graph_of(again)).graph, written.network) is not None


def for_inference(graph: Graph) -> Graph:
    """A graph without what acts while training only."""
    kept: dict[int, int] = {}
    result = Graph(graph.name, graph.defaults)
    for index, op in enumerate(graph.ops):
        if op.word in ("dropout", "droppath"):
            kept[index] = kept[op.inputs[0]]
            continue
        kept[index] = len(result.ops)
        inputs = tuple(kept[each] for each in op.inputs)
        new = Op(op.layer, op.values, inputs, op.weights, op.scope, op.name)
        result.ops.append(new)
    outputs = [output for output in graph.outputs if not output.training]
    result.outputs = [output._replace(op=kept[output.op]) for output in outputs]
    return result


@pytest.mark.parametrize("path", ONNX, ids=lambda path: path.stem)
def test_onnx_comes_back_for_inference(path: Path) -> None:
    pytest.importorskip("onnx")
    from cnndsl.importers.onnx_file import read_onnx

    network = read(path)
    try:
        data: Any = cnndsl.build(network, "onnx")
    except cnndsl.CnndslError:
        pytest.skip("ONNX has no such layer")
    written = to_text(read_onnx(data, path.stem))
    most = 1.4 if (path.stem, "onnx") in OTHER_WORDS else 1.3
    assert lines(written.text) <= most * lines(path.read_text(encoding="utf-8"))
    wanted = to_text(for_inference(graph_of(network)))
    assert written.network.totals.macs == wanted.network.totals.macs
    assert written.network.totals.params == wanted.network.totals.params


def test_a_text_of_ours_says_where_it_came_from() -> None:
    code = cnndsl.build("input 8x8x3; conv 4 3", "keras", file="small.cnn")
    assert isinstance(code, str)
    graph = read_source(code, "small", None)
    assert any("small.cnn" in str(note) for note in graph.notes)
