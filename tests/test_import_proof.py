"""The proof of an import: what it takes for the net of the source, and what it does not."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy
import pytest
import torch
from running import run
from torch import nn

from cnndsl.codegen.weights import Misfit
from cnndsl.diagnostics.message import Message
from cnndsl.importers.graph import Graph, ImportProblems, Problem, Taken
from cnndsl.importers.read import read_bytes, read_object
from cnndsl.importers.torch_model import read_module
from cnndsl.importers.write import Written, to_text
from cnndsl.proof import imported, sources
from cnndsl.proof.imported import Ran


def module() -> nn.Module:
    """Each kind of array: kernels, biases, statistics, rows that follow a flattening."""
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 4, 3, padding=1, bias=False),
        nn.BatchNorm2d(4),
        nn.ReLU(inplace=True),
        nn.MaxPool2d(2),
        nn.Conv2d(4, 6, 3, stride=2, padding=1, groups=2),
        nn.Flatten(),
        nn.Linear(6 * 2 * 2, 5),
    )


@pytest.fixture(scope="module")
def example() -> Iterator[tuple[Graph, Written, Ran]]:
    source = module()
    graph = read_module(source, [(8, 8, 3)], "example")
    runner = sources.runner(source, "")
    assert runner is not None and runner.target == "pytorch"
    yield graph, to_text(graph), runner.run(graph)


def verified(example: tuple[Graph, Written, Ran], **changes: Any) -> imported.Verification:
    graph, written, ran = example
    given = {"ops": written.ops, "weights": written.weights, "ran": ran, **changes}
    network = given.pop("network", written.network)
    return imported.verify(network, graph, **given, target="pytorch")


def messages(report: imported.Verification) -> list[str]:
    return [problem.message for problem in report.problems]


def test_the_net_of_a_module_is_proved(example: tuple[Graph, Written, Ran]) -> None:
    graph, written, _ = example
    report = verified(example)
    assert report, messages(report)
    assert set(report.layers) == {node.index for node in written.network.layers}
    assert report.error < 1e-12 and set(report.outputs) == {"main"}
    text = imported.told(report, len(graph.arrays))
    assert text.startswith("example: 7 layers compute what the source does; largest difference")
    assert "9 arrays of 363 numbers, each one weight of the net\n" in text


@pytest.mark.parametrize(
    ("key", "taken", "told"),
    (
        ("conv1.kernel", Taken("0.weight", (3, 2, 1, 0)), ["conv1: the values differ"]),
        ("conv2.kernel", Taken("4.weight", (2, 3, 1, 0), (), ()), []),
        ("dense1.kernel", Taken("6.weight", (1, 0)), ["dense1: the values differ"]),
        ("bn1.mean", Taken("1.bias"), ["`1.bias` is 2 weights of the net"]),
    ),
)
def test_an_array_that_is_taken_otherwise_shows(
    example: tuple[Graph, Written, Ran], key: str, taken: Taken, told: list[str]
) -> None:
    report = verified(example, weights={**example[1].weights, key: taken})
    found = [
        f"{problem.node.name}: {problem.message}" if problem.node else problem.message
        for problem in report.problems
    ]
    assert found[: len(told)] == told and bool(report) == (not told)


def test_a_layer_that_computes_otherwise_shows(example: tuple[Graph, Written, Ran]) -> None:
    _, written, ran = example
    (flat,) = [node.index for node in written.network.layers if node.op == "flatten"]
    values = {**ran.ops, written.ops[flat]: ran.ops[written.ops[flat]] * 1.0000001}
    report = verified(example, ran=Ran(values, ran.arrays))
    # It is told of, and so is what read the true values in the source.
    names = [problem.node and problem.node.name for problem in report.problems]
    assert names == ["flatten1", "dense1"]


def test_what_the_source_says_nothing_of_is_no_proof(example: tuple[Graph, Written, Ran]) -> None:
    _, written, ran = example
    last = written.ops[written.network.outputs["main"]]
    left = {op: value for op, value in ran.ops.items() if op != last}
    report = verified(example, ran=Ran(left, ran.arrays))
    assert messages(report) == ["nothing is known of the output main"]
    report = verified(example, ran=Ran({}, ran.arrays))
    assert messages(report) == ["nothing is known of this input"]


def test_what_the_source_gives_as_a_whole_is_compared(example: tuple[Graph, Written, Ran]) -> None:
    ran = example[2]
    assert ran.outputs is not None and set(ran.outputs) == {"main"}
    value = ran.outputs["main"]
    for outputs, told in (
        ({"main": value * 1.001}, "the values of the output main differ"),
        ({"main": value[:, :4]}, "the source gives 4 as the output main, and PyTorch 5"),
        ({}, "nothing is known of the output main"),
    ):
        assert messages(verified(example, ran=ran._replace(outputs=outputs))) == [told]


@pytest.mark.parametrize(
    ("theirs", "ours", "same"),
    [
        ((1, 1, 1, 5), (1, 5), True),
        ((1, 5), (1, 1, 5), True),
        ((1, 4, 1, 5), (1, 1, 4, 5), False),
        ((1, 5, 1), (1, 5), False),
        ((1, 1, 1, 5), (1, 1, 5), False),
        ((1, 1, 1, 4), (1, 5), False),
    ],
)
def test_a_map_of_one_position_is_its_vector(
    theirs: tuple[int, ...], ours: tuple[int, ...], same: bool
) -> None:
    found = imported.alike(numpy.zeros(theirs), numpy.zeros(ours))
    assert found.shape == (ours if same else theirs)


def test_layers_between_known_ones_are_part_of_those(example: tuple[Graph, Written, Ran]) -> None:
    _, written, ran = example
    (bn,) = [node.index for node in written.network.layers if node.op == "bn"]
    known = {op: value for op, value in ran.ops.items() if op != written.ops[bn]}
    report = verified(example, ran=Ran(known, ran.arrays))
    assert report and bn not in report.layers


def test_every_array_is_mapped_once_and_totals_agree(example: tuple[Graph, Written, Ran]) -> None:
    graph, written, _ = example
    assert imported.mapped(written.network, graph, written.weights) == []
    short = {key: value for key, value in written.weights.items() if key != "conv2.bias"}
    assert imported.mapped(written.network, graph, short) == [
        "`4.bias` is no weight of the net",
        "conv2.bias is no array of the source",
    ]
    other = Graph()
    other.params, other.trainable = 362, 355
    assert imported.counted(written.network, other) == [
        "the source has 362 parameters, and the net 363"
    ]


def test_an_array_that_learns_in_one_alone_shows() -> None:
    source = module()
    graph = read_module(source, [(8, 8, 3)], "example")
    written = to_text(graph)
    graph.arrays["6.bias"] = graph.arrays["6.bias"]._replace(trainable=False)
    (problem,) = imported.mapped(written.network, graph, written.weights)
    assert problem.startswith("dense1.bias: `6.bias` does not learn")


# The command


MODULE = """
import torch
from torch import nn

print("read")


def net():
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(144, 5))

"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    import sys

    (tmp_path / "proof_nets.py").write_text(MODULE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", sys.path[:])
    monkeypatch.delitem(sys.modules, "proof_nets", raising=False)
    return tmp_path


def test_one_run_writes_the_net_its_weights_and_the_map(folder: Path) -> None:
    words = ["import", "proof_nets:net", "--input", "8x8x3", "--verify", "-o", "a.cnn"]
    code, out, err = run(*words, "--weights", "a.keras", "--map", "a.json")
    assert code == 0 and err == "read\n"  # what the module prints is no part of the output
    assert "4 layers compute what proof_nets:net does" in out
    assert "a.keras: 853 numbers in 8 arrays" in out
    # A later checkpoint, and the weights that were written at once, are the same.
    import proof_nets

    torch.manual_seed(3)
    model = proof_nets.net()
    torch.save(model.state_dict(), "later.pth")
    words = ["weights", "a.cnn", "--from", "later.pth", "--map", "a.json", "--to", "later.keras"]
    assert run(*words)[0] == 0
    x = torch.rand(2, 3, 8, 8)
    with torch.no_grad():
        theirs = model.eval()(x).numpy()
    numpy.testing.assert_allclose(keras_output(folder, "later.keras", x), theirs, atol=1e-5)


def keras_output(folder: Path, name: str, x: torch.Tensor) -> Any:
    import keras

    model = keras.models.load_model(folder / name)
    return keras.ops.convert_to_numpy(model(x.permute(0, 2, 3, 1)))


def test_a_net_that_differs_is_not_written(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = sources.Runner.run

    def spoiled(self: sources.Runner, graph: Graph, seed: int = 0) -> Ran:
        ran = plain(self, graph, seed)
        ran.ops[len(graph.ops) - 1][0, 2] += 1e-3
        return ran

    monkeypatch.setattr(sources.Runner, "run", spoiled)
    words = ["import", "proof_nets:net", "--input", "8x8x3", "--verify", "-o", "a.cnn"]
    code, out, err = run(*words)
    assert code == 1 and not out and not (folder / "a.cnn").exists()
    assert "dense1: the values differ" in err and "at sample 0, value 2 (from 0)" in err
    assert err.endswith("the net is not that of proof_nets:net; nothing is written\n")


FAILS: tuple[tuple[Exception, str], ...] = (
    (ValueError("no\nway"), "cnndsl: proof_nets:net: the source fails: ValueError: no; nothing"),
    (MemoryError("full"), "cnndsl: proof_nets:net: the source fails: MemoryError: full; nothing"),
    (ImportProblems([Problem("E601", Message("odd"))]), "error[E601] unknown-operation: odd"),
)


@pytest.mark.parametrize(("error", "told"), FAILS)
def test_a_source_that_fails_is_told(
    folder: Path, monkeypatch: pytest.MonkeyPatch, error: Exception, told: str
) -> None:
    from cnndsl.importers import torch_model

    def fails(*_: Any, **__: Any) -> Any:
        raise error

    monkeypatch.setattr(torch_model, "values", fails)
    words = ["import", "proof_nets:net", "--input", "8x8x3", "--verify", "-o", "a.cnn"]
    code, out, err = run(*words)
    assert (code, out) == (1, "") and told in err and not (folder / "a.cnn").exists()


def test_weights_that_do_not_fit_are_told(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from cnndsl.proof import weight_map

    def misfits(*_: Any) -> Any:
        raise Misfit(["conv1.kernel: `0.weight` is 3"])

    monkeypatch.setattr(weight_map, "restored", misfits)
    words = ["import", "proof_nets:net", "--input", "8x8x3", "--weights", "a.pt", "-o", "a.cnn"]
    code, out, err = run(*words)
    assert (code, out) == (1, "") and not (folder / "a.cnn").exists()
    assert "conv1.kernel: `0.weight` is 3; nothing is written\n" in err


def test_one_layer_computes() -> None:
    source = nn.Conv2d(3, 4, 1, bias=False)
    graph = read_module(source, [(8, 8, 3)], "one")
    written, runner = to_text(graph), sources.runner(source, "")
    assert runner is not None
    report = verified((graph, written, runner.run(graph)))
    first, second = imported.told(report, len(graph.arrays)).splitlines()
    assert first.startswith("one: 1 layer computes what the source does")
    assert second == "one: 1 array of 12 numbers, each one weight of the net"


@pytest.mark.parametrize("rank", (1, 2, 3))
def test_averages_of_keras_leave_out_what_pads_unevenly(rank: int) -> None:
    import keras

    from cnndsl.importers.keras_file import read_model

    pool = getattr(keras.layers, f"AveragePooling{rank}D")(3, 2, padding="same")
    source = keras.Sequential([keras.Input((*[8, 6, 4][:rank], 2)), pool])
    graph = read_model(source, "pooled")
    written, runner = to_text(graph), sources.runner(source, "")
    assert runner is not None
    report = imported.verify(
        written.network, graph, written.ops, written.weights, runner.run(graph), target="keras"
    )
    assert messages(report) == [] and report.outputs


def logs(*behind: nn.Module) -> nn.Module:
    return nn.Sequential(nn.Conv2d(3, 4, 1), nn.LogSoftmax(dim=1), *behind)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of the old exporter, which is quick
@pytest.mark.parametrize("kind", ["torch", "onnx"])
def test_the_logarithm_of_softmax_is_the_loss_s(kind: str) -> None:
    source: Any = logs()
    if kind == "onnx":
        kept = io.BytesIO()
        torch.onnx.export(source, (torch.zeros(1, 3, 8, 8),), kept, dynamo=False)
        source = kept.getvalue()
        graph = read_bytes("onnx", source, "logs", lambda name: b"", [])
    else:
        graph = read_object(source, "logs", [(8, 8, 3)])
    written, runner = to_text(graph), sources.runner(source, kind)
    assert runner is not None and graph.problems == []
    assert "\nconv 4 1 softmax\n" in written.text
    assert "# ask: the source gives the logarithm of softmax" in written.text
    report = verified((graph, written, runner.run(graph)))
    assert messages(report) == [] and report.outputs


def test_a_logarithm_that_a_layer_reads_has_no_word() -> None:
    graph = read_object(logs(nn.Conv2d(4, 2, 1)), "logs", [(8, 8, 3)])
    assert [(each.code, each.where) for each in graph.problems] == [("E601", "1")]


def test_texts_have_totals_alone(folder: Path) -> None:
    (folder / "net.txt").write_text("28x28-32C3-MP2-10")
    code, out, err = run("import", "net.txt", "--from", "notation", "--verify", "-o", "a.cnn")
    assert code == 0 and "nothing to run in this source" in out
    code, _, err = run("import", "net.txt", "--from", "notation", "--weights", "a.pt")
    assert code == 1 and "no weights" in err and not (folder / "a.pt").exists()
