"""A flat graph to a text: it is the same network, as short as a person would have written it."""

from __future__ import annotations

from collections import Counter
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from conftest import few
from graphs import graph_of
from hypothesis import given
from strategies import valid_nets

import cnndsl
from cnndsl.importers.graph import Graph, ImportProblems, Op, Output, Scope, Taken
from cnndsl.importers.normal import normal
from cnndsl.importers.write import paired, to_text
from cnndsl.layers.source import call_of
from cnndsl.layers.values import Pair

SAMPLES = sorted((Path(__file__).parent.parent / "samples").glob("*.cnn"))
SOUND = [path for path in SAMPLES if path.stem != "article_keras_listing"]


def read(path: Path) -> cnndsl.Network:
    return cnndsl.check(path.read_text(encoding="utf-8"), file=path.name)


def lines(text: str) -> int:
    kept = [line for line in text.splitlines() if line.strip()]
    return sum(not line.lstrip().startswith(("#", "expect")) for line in kept)


@pytest.mark.parametrize("path", few(SOUND, SOUND[::4], "long", turn=0), ids=lambda path: path.stem)
def test_a_sample_written_out_comes_back(path: Path) -> None:
    network = read(path)
    written = to_text(graph_of(network))
    assert lines(written.text) <= 1.3 * lines(path.read_text(encoding="utf-8"))
    assert max(map(len, written.text.splitlines())) <= 100
    assert written.network.totals == network.totals
    assert Counter(map(summary, written.network.layers)) == Counter(map(summary, network.layers))
    # Each weight is the array that it was, and each is there once.
    roles = [taken.key for taken in written.weights.values()]
    assert len(roles) == len(set(roles))
    assert set(roles) == {
        f"{node.name}.{weight.role}"
        for node in network.nodes
        if node.shared_with is None
        for weight in node.layer.all_weights
    }


def summary(node: Any) -> tuple[Any, ...]:
    """What a node comes to: it may have another name, as a pool over the whole map is `gap`."""
    kept = node.shared_with is None
    return node.layer.family, node.layer.input, node.output, node.params, node.trainable, kept


@pytest.mark.parametrize("path", few(SOUND, SOUND[::5], "long", turn=1), ids=lambda path: path.stem)
def test_flat_it_is_the_same_network(path: Path) -> None:
    network = read(path)
    flat = to_text(graph_of(network), flat=True)
    assert "block " not in flat.text.replace("shared block ", "")
    assert flat.network.totals == network.totals


@given(valid_nets())
def test_any_net_comes_back(text: str) -> None:
    network = cnndsl.check(text)
    try:
        written = to_text(graph_of(network))
    except ImportProblems:
        # Weights that are shared by parts of shared parts may have no text.
        assert any(node.shared_with is not None for node in network.nodes)
        return
    assert written.network.totals == network.totals
    assert list(written.network.outputs) == list(network.outputs)


def unit(graph: Graph, x: int, width: int, kernel: int, stride: int = 1) -> int:
    """A convolution and its norm."""
    values = {"filters": width, "kernel": kernel, "stride": stride, "pad": kernel // 2}
    return graph.add("bn", {}, [graph.add("conv", {**values, "nobias": True}, [x])])


def residual(graph: Graph, x: int, width: int, stride: int = 1) -> int:
    """A block of ResNet-18, as a reader finds it."""
    y = graph.add("relu", {}, [unit(graph, x, width, 3, stride)])
    y = unit(graph, y, width, 3)
    if stride > 1 or graph.shape(x)[-1] != width:
        x = unit(graph, x, width, 1, stride)
    return graph.add("relu", {}, [graph.add("add", {}, [y, x])])


def test_a_residual_net_reads_as_one_would_write_it() -> None:
    graph = Graph("small", "torch")
    x = graph.input((32, 32, 3))
    for width, stride in ((16, 1), (16, 1), (16, 1), (32, 2), (32, 1), (64, 2), (64, 1)):
        x = residual(graph, x, width, stride)
    graph.outputs.append(Output("main", graph.add("gap", {}, [x])))
    assert to_text(graph).text == (
        "net small\n"
        "defaults torch\n"
        "rounding floor\n"
        "block cb(n, k=3, s=1) { conv n k /s pad=(k//2) nobias; bn }\n"
        "block residual(n, s=1) {\n"
        "  add { cb n s=s; relu; cb n | if C != n or s != 1 { cb n k=1 s=s } }\n"
        "  relu\n"
        "}\n"
        "input 32x32x3\n"
        "repeat 3 { residual 16 }\n"
        "residual 32 s=2; residual 32\n"
        "residual 64 s=2; residual 64\n"
        "gap\n"
    )


def test_a_shortcut_that_stands_first_is_none_of_two_blocks() -> None:
    """What a path has in calls counts as much as what stands in it."""
    network = cnndsl.check(
        "defaults torch\nrounding floor\n"
        "block cb(n, k=1, s=1, g=1) { conv n k /s pad=(k//2) groups=g nobias; bn }\n"
        "block f(n, s=1) { cb n; relu; cb n k=3 s=s g=(n//16); relu; cb n }\n"
        "block unit(n, s=1) { add { if C != n { cb n s=s } | f n s=s }; relu }\n"
        "input 64x64x3\ncb 32 k=3 s=2\nunit 64 s=2\nunit 128 s=2; repeat 2 { unit 128 }\n"
        "unit 288 s=2; repeat 6 { unit 288 }\nunit 672 s=2; repeat 4 { unit 672 }\ngap"
    )
    text = to_text(graph_of(network)).text
    for width, count in ((128, 2), (288, 6), (672, 4)):
        assert f" {width} s=2; repeat {count} {{ " in text


def test_padding_follows_from_the_kernel_and_the_dilation() -> None:
    graph = Graph("dilated", "torch")
    x = graph.input((32, 32, 3))
    for kernel, stride, dilation in ((7, 2, 1), (1, 1, 1), (3, 1, 2), (3, 1, 4), (5, 1, 2)):
        around = dilation * (kernel // 2)
        values = {"filters": 8, "kernel": kernel, "stride": stride, "dilation": dilation,
                  "pad": (Pair(around, around),) * 2, "nobias": True}  # fmt: skip
        x = graph.add("bn", {}, [graph.add("conv", values, [x])])
    graph.outputs.append(Output("main", x))
    text = to_text(graph).text
    assert "conv 8 k /s pad=(dilation*(k//2)) dilation=dilation nobias" in text
    assert "cb 3 4" in text and "pad_by" not in text


def test_a_block_without_a_gate_has_no_width_for_it() -> None:
    graph = Graph("gated", "torch")
    x = graph.input((16, 16, 16))
    for width, narrow in ((32, 0), (48, 0), (64, 24), (80, 24), (96, 40), (128, 40)):
        y = graph.add("conv", {"filters": width, "kernel": 1, "nobias": True}, [x])
        y = graph.add("relu", {}, [graph.add("bn", {}, [y])])
        if narrow:
            gate = graph.add("gap", {"keep": True}, [y])
            gate = graph.add("conv", {"filters": narrow, "kernel": 1}, [gate])
            gate = graph.add(
                "conv", {"filters": width, "kernel": 1}, [graph.add("relu", {}, [gate])]
            )
            y = graph.add("mul", {}, [graph.add("sigmoid", {}, [gate]), y])
        y = graph.add("conv", {"filters": 16, "kernel": 1, "nobias": True}, [y])
        x = graph.add("add", {}, [graph.add("bn", {}, [y]), x])
    graph.outputs.append(Output("main", x))
    text = to_text(graph).text
    assert "if m { mul { gap keep; conv m 1 relu; conv n 1 sigmoid | skip } }" in text
    assert "residual 48 0" in text and "residual 64 24" in text and "se" not in text


def test_the_rate_of_a_block_follows_its_place() -> None:
    graph = Graph("deep", "torch")
    x = graph.input((16, 16, 8))
    for place in range(9):
        y = graph.add("dwconv", {"kernel": 7, "same": True}, [x])
        y = graph.add("conv", {"filters": 8, "kernel": 1}, [graph.add("ln", {}, [y])])
        if place:
            y = graph.add("droppath", {"rate": 0.1 * place / 8}, [y])
        x = graph.add("add", {}, [x, y])
    graph.outputs.append(Output("main", x))
    written = to_text(graph)
    assert "repeat 9 as i { " in written.text
    rates = [node.layer.rate for node in written.network.nodes if node.op == "droppath"]  # type: ignore[attr-defined]
    assert rates == [float(Fraction(place, 80)) for place in range(1, 9)]


def test_a_block_that_would_be_another_net_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """Recovery cannot make a wrong net: whatever it gives is read back."""
    from cnndsl.importers import unify

    monkeypatch.setattr(unify.Agreement, "text", lambda self, agrees: "C == 10_000")
    graph = Graph("small", "torch")
    x = graph.input((32, 32, 3))
    for width in (16, 32, 64):
        x = residual(graph, x, width)
    graph.outputs.append(Output("main", x))
    written = to_text(graph)
    assert "10_000" not in written.text
    assert written.network.totals.params == sum(op.layer.params for op in graph.ops)


def test_the_proof_sees_every_kind_of_difference() -> None:
    graph = Graph("net", "keras")
    x = graph.input((8, 8, 3))
    x = graph.add(
        "conv", {"filters": 4, "kernel": 3}, [x], {"kernel": Taken("k"), "bias": Taken("b")}
    )
    x = graph.add("relu", {}, [x])
    graph.outputs.append(Output("main", x))
    same = normal(graph).graph
    for text in (
        "input 8x8x3; conv 4 3 relu",
        "input 8x8x3; conv 4 3 relu /1",
    ):
        assert paired(same, cnndsl.check(text)) is not None
    for text in (
        "input 8x8x3; conv 4 3",
        "input 8x8x3; conv 4 3 sigmoid",
        "input 8x8x3; conv 4 3 relu nobias",
        "input 8x8x3; conv 5 3 relu",
        "input 9x8x3; conv 4 3 relu",
        "input 8x8x3; conv 4 3 relu same",
        "input 8x8x3; conv 4 3 relu; relu",
        "input 8x8x3; freeze { conv 4 3 relu }",
        "input 8x8x3; conv 4 3 relu; head more { gap }",
    ):
        assert paired(same, cnndsl.check(text)) is None, text


# The normal form


def flat(graph: Graph) -> list[str]:
    """The operations of a graph in normal form, as they are written."""
    return [call_of(op.layer) for op in normal(graph).graph.ops[1:]]


def chain(*layers: tuple[str, dict[str, Any]], shape: tuple[int, ...] = (8, 8, 16)) -> Graph:
    graph = Graph("net", "torch")
    x = graph.input(shape)
    for word, values in layers:
        x = graph.add(word, values, [x])
    graph.outputs.append(Output("main", x))
    return graph


@pytest.mark.parametrize(
    ("layers", "told"),
    [
        (
            [("rescale", {"scale": 1, "offset": 3}), ("relu6", {}), ("rescale", {"scale": 1 / 6})],
            ["hard_sigmoid"],
        ),
        ([("avgpool", {"kernel": 8}), ("flatten", {})], ["gap"]),
        ([("avgpool", {"to": 1}), ("ln", {}), ("flatten", {})], ["gap", "ln"]),
        ([("gap", {}), ("reshape", {"shape": (1, 1, 16)})], ["gap keep"]),
        ([("zeropad", {"pad": 1}), ("conv", {"filters": 8, "kernel": 3})], ["conv 8 3x3 same"]),
        (
            [("zeropad", {"pad": 3}), ("conv", {"filters": 8, "kernel": 7, "stride": 2})],
            ["conv 8 7x7 /2 pad=3"],
        ),
        # Zeros are not what a pool leaves out.
        ([("zeropad", {"pad": 1}), ("pool", {"kernel": 3})], ["zeropad 1", "pool 3x3"]),
        ([("conv", {"filters": 16, "kernel": 3, "groups": 16})], ["dwconv 3x3"]),
        ([("conv", {"filters": 32, "kernel": 3, "groups": 16})], ["dwconv 3x3 mult=2"]),
        ([("conv", {"filters": 4, "kernel": 1}), ("relu", {})], ["conv 4 1x1 relu"]),
        ([("conv", {"filters": 4, "kernel": 1}), ("leaky_relu", {"slope": 0.2})], None),
        ([("pool", {"kernel": 2, "ceil": True})], ["pool 2x2"]),
    ],
)
def test_several_ways_to_say_it_become_one(
    layers: list[tuple[str, dict[str, Any]]], told: list[str] | None
) -> None:
    graph = chain(*layers)
    assert flat(graph) == (told or [call_of(op.layer) for op in graph.ops[1:]])


def test_numbers_of_a_rescale_are_the_fractions_that_they_come_of() -> None:
    graph = Graph("net")
    x = graph.input((8, 8, 3))
    x = graph.add("rescale", {"scale": 1 / 255}, [x])
    x = graph.add("rescale", {"scale": (1.0, 1.0, 1.0)}, [x])
    x = graph.add("conv", {"filters": 3, "kernel": 1}, [x])
    values = {"scale": 1 / 0.229, "offset": -0.485 * (1 / 0.229)}
    graph.outputs.append(Output("main", graph.add("rescale", values, [x])))
    text = to_text(graph).text
    assert "rescale (1/255); conv 3 1; rescale (1000/229) offset=(-485/229)" in text


def test_a_value_times_its_gate_is_an_activation() -> None:
    for gate, word in (("sigmoid", "silu"), ("hard_sigmoid", "hard_swish")):
        graph = Graph("net", "torch")
        x = graph.input((8, 8, 4))
        graph.outputs.append(Output("main", graph.add("mul", {}, [graph.add(gate, {}, [x]), x])))
        assert flat(graph) == [word]


def test_concatenations_that_grow_read_each_other() -> None:
    graph = Graph("net", "torch")
    features = [graph.input((8, 8, 4))]
    for _ in range(4):
        x = graph.add("concat", {}, features) if len(features) > 1 else features[0]
        features.append(graph.add("conv", {"filters": 4, "kernel": 3, "pad": 1}, [x]))
    graph.outputs.append(Output("main", graph.add("concat", {}, features)))
    assert to_text(graph).text == (
        "net net_net\ndefaults torch\ninput 8x8x4\nrepeat 4 { concat { skip | conv 4 3 same } }\n"
    )


def test_what_is_called_twice_is_shared() -> None:
    graph = Graph("twins", "torch")
    left, right = graph.input((8, 8, 1), "left"), graph.input((8, 8, 1), "right")
    ends = []
    for x in (left, right):
        weights = {"kernel": Taken("conv.weight"), "bias": Taken("conv.bias")}
        x = graph.add("conv", {"filters": 4, "kernel": 3}, [x], weights)
        ends.append(graph.add("gap", {}, [graph.add("relu", {}, [x])]))
    graph.outputs.append(Output("main", graph.add("subtract", {}, ends)))
    written = to_text(graph)
    assert "shared block" in written.text
    assert written.network.totals.params == 40
    assert sorted(taken.key for taken in written.weights.values()) == ["conv.bias", "conv.weight"]


def test_long_nets_take_no_more_a_layer() -> None:
    """Found out by what is looked at, not by the clock: runs of statements have a bound."""
    graph = Graph("long", "torch")
    x = graph.input((4, 4, 4))
    for _ in range(600):
        x = graph.add("bn", {}, [graph.add("conv", {"filters": 4, "kernel": 1}, [x])])
        x = graph.add("relu", {}, [x])
    graph.outputs.append(Output("main", x))
    assert lines(to_text(graph).text) < 8


def shared_slope(same: bool) -> Graph:
    """Two convolutions, whose own arrays are one or two, before one PReLU that is called twice."""
    graph = Graph("net", "torch")
    x = graph.input((8, 8, 4))
    for turn in range(2):
        kernel = {"kernel": Taken("c0.weight" if same else f"c{turn}.weight")}
        x = graph.add("conv", {"filters": 4, "kernel": 1, "nobias": True}, [x], kernel)
        x = graph.add("prelu", {}, [x], {"alpha": Taken("act.weight")})
    graph.outputs.append(Output("main", x))
    return graph


@pytest.mark.parametrize(("same", "params"), [(True, 20), (False, 36)])
def test_what_is_shared_stays_so_where_layers_are_joined(same: bool, params: int) -> None:
    written = to_text(shared_slope(same))
    assert written.network.totals.params == params
    keys = [taken.key for taken in written.weights.values()]
    assert len(keys) == len(set(keys))


def test_a_shared_depthwise_convolution_is_no_part_of_a_separable_one() -> None:
    graph = Graph("net", "torch")
    x = graph.input((8, 8, 4))
    for turn in range(2):
        values = {"kernel": 3, "same": True, "nobias": True}
        x = graph.add("dwconv", values, [x], {"depthwise": Taken("dw.weight")})
        kernel = {"kernel": Taken(f"c{turn}.weight")}
        x = graph.add("conv", {"filters": 4, "kernel": 1, "nobias": True}, [x], kernel)
    graph.outputs.append(Output("main", x))
    written = to_text(graph)
    assert written.network.totals.params == 36 + 2 * 16
    assert "sepconv" not in written.text


def test_an_activation_behind_one_of_two_calls_is_told_or_said() -> None:
    graph = Graph("net", "torch")
    x = graph.input((8, 8, 4))
    ends = []
    for turn in range(2):
        kernel = {"kernel": Taken("c.weight")}
        y = graph.add("conv", {"filters": 4, "kernel": 1, "nobias": True}, [x], kernel)
        ends.append(graph.add("relu", {}, [y]) if turn else y)
    graph.outputs.append(Output("main", graph.add("add", {}, ends)))
    assert to_text(graph).network.totals.params == 16


def test_a_softmax_over_a_row_stays_before_its_flatten() -> None:
    layers: list[tuple[str, dict[str, Any]]] = [
        ("gap", {"keep": True}),
        ("softmax", {"axis": "height"}),
        ("flatten", {}),
    ]
    assert flat(chain(*layers)) == ["gap keep", "softmax axis=height", "flatten"]


def test_concatenations_that_double_end_soon() -> None:
    graph = Graph("net", "torch")
    x = graph.input((2, 2, 1))
    for _ in range(24):
        x = graph.add("concat", {}, [x, x])
    graph.outputs.append(Output("main", x))
    assert to_text(graph).network.nodes[-1].output == (2, 2, 2**24)


def test_parts_that_have_names_and_no_classes_are_blocks() -> None:
    graph = Graph("gated", "torch")
    x = graph.input((64, 64, 32))
    for place, (width, stride) in enumerate(
        ((32, 1), (32, 1), (64, 2), (64, 1), (128, 2), (128, 1))
    ):
        begin, before = len(graph.ops), x
        y = unit(graph, graph.add("relu", {}, [unit(graph, x, width, 3, stride)]), width, 3)
        gate = graph.add("dense", {"units": width // 16}, [graph.add("gap", {}, [y])])
        gate = graph.add("dense", {"units": width}, [graph.add("relu", {}, [gate])])
        y = graph.add("mul", {}, [y, graph.add("sigmoid", {}, [gate])])
        if stride == 2:
            before = unit(graph, x, width, 1, stride)
        x = graph.add("relu", {}, [graph.add("add", {}, [y, before])])
        for at in range(begin, len(graph.ops)):
            op = graph.ops[at]
            graph.ops[at] = Op(
                op.layer, op.values, op.inputs, op.weights, (Scope("", f"layer{place}"),)
            )
    graph.outputs.append(Output("main", x))
    assert "residual 64 s=2; residual 64\nresidual 128 s=2; residual 128" in to_text(graph).text


@pytest.mark.parametrize(
    ("kind", "name"),
    [("Block", "residual"), ("Scale", "scale_block"), ("Up", "up_block"), ("ResUnit", "res_unit")],
)
def test_a_block_is_called_as_its_class(kind: str, name: str) -> None:
    graph = Graph("net", "torch")
    x = graph.input((16, 16, 3))
    for place, width in enumerate((8, 16, 32)):
        begin = len(graph.ops)
        x = residual(graph, x, width)
        for at in range(begin, len(graph.ops)):
            op = graph.ops[at]
            graph.ops[at] = Op(
                op.layer, op.values, op.inputs, op.weights, (Scope(kind, str(place)),)
            )
    graph.outputs.append(Output("main", x))
    text = to_text(graph).text
    assert f"block {name}(n) {{ add {{ cb n; relu; cb n | cb n k=1 }}; relu }}" in text
    assert f"repeat 3 as i {{ {name} (8*2**i) }}" in text
