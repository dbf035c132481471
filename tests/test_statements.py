"""Shared blocks, frozen parts, heads for training, paths by conditions: what nets of them compute.

The statements change which weights a layer has, which of them learn and when it is there, so
that each framework is held against numpy with one set of weights.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import oracle
import pytest
from conftest import few
from reference import computed
from test_onnx import checked, pictures, run

import cnndsl
from cnndsl.cli import main
from cnndsl.codegen import weights as canonical
from cnndsl.network import Network
from cnndsl.proof import checkpoints, frameworks
from cnndsl.proof.verify import verify
from cnndsl.targets import load
from cnndsl.targets.onnx import generate as to_onnx

TWICE = """
shared block tower(n) { conv n 3 same nobias; bn; prelu; gap; dense 4 }
input 8x8x3 as left; input 8x8x3 as right
from left; tower 4 as one; from right; tower 4; mul { skip | from one }
"""
NETS = {
    "two inputs": TWICE,
    "other sizes": """
shared block cell(n) { conv n 3 same nobias; bn; relu }
input 16x16x4
cell 4; pool 2; cell 4; pool 2; cell 4 as low
up 2; cell 4; add { skip | from low; up 2 }; gap; dense 2
""",
    "other arguments": """
shared block cell(n, k=3) { conv n k same; scale; relu }
input 8x8x4
cell 4; cell 4 k=1; cell 4; concat { cell 6 k=3 | cell 6 k=1 | cell 6 }
""",
    "loops and paths": """
shared block cell(n) { conv n 3 same relu }
input 8x8x4
repeat 3 { cell 4 }
add { | cell 4; cell 4 | repeat 2 { cell 4 } | skip }
""",
    "one a call of a block": """
shared block mlp(n, out) { dense n relu; dense out }
block cbam(n) {
  let c = C
  mul { skip | add { gap; mlp n c | gmp; mlp n c }; sigmoid }
}
input 8x8x8
cbam 4; conv 8 3 same; cbam 4; conv 8 1; cbam 2
""",
    "nested": """
shared block leaf(n) { conv n 1 nobias; bn; relu }
shared block pair(n) { leaf n; conv n 3 same; leaf n }
input 6x6x4 as a; input 6x6x4 as b
from a; pair 4; leaf 4 as left
from b; pair 4; leaf 4; concat { skip | from left }
""",
    "each kind": """
shared block all() { dwconv 3 same; sepconv 4 3 same mult=2; deconv 4 3 same; ln; gn 2; prelu }
input 6x6x4
all; all; flatten; reshape 6x6x4; all
""",
    "frozen": """
block cb(n) { conv n 3 same nobias; bn; relu }
input 8x8x3
freeze { cb 4; cb 6 as low; dropout 0.5 } as body
add { skip | freeze { from low; prelu } }; cb 4; gap; dense 2
""",
    "frozen and shared": """
shared block cb(n) { conv n 3 same nobias; bn; prelu }
input 8x8x3
freeze { cb 3; pool 2; cb 3 }; gap; dense 2
""",
    "training": """
input 8x8x3
conv 4 3 same relu as low
head aux training { gap; dense 5 relu; dropout 0.5; dense 3 softmax }
conv 4 3 same relu; gap; dense 3 softmax
""",
    "training and always": """
shared block end(n) { gap; dense n }
input 8x8x3
conv 4 3 same relu
head early training { end 3; softmax }
head side { conv 2 1; gap }
conv 4 3 same relu
head late training { bn; end 3; softmax }
end 3; softmax
""",
    "results": """
block unit(n) { conv n 3 same relu as high; pool 2; conv n 3 same as low; up 2; conv n 1 }
input 8x8x3
unit 4 as u; add { skip | from u.high }; gap as v
from u.low; gap; concat { skip | from v }
""",
    "results of nested calls": """
block inner(n) { conv n 1 as mid; relu }
block outer(n) { inner n as v; conv n 3 same }
input 8x8x3
repeat 2 { outer 3 as u }
add { skip | from u.v.mid }
""",
    "paths that may be there": """
block rep(n, s=1) {
  add {
    | if C == n and s == 1 {
        | bn
      }
    | repeat 3 {
        | conv n 3 /s same nobias; bn
      }
    | conv n 1 /s same nobias; bn
  }
  relu
}
input 8x8x3
rep 4 s=2; repeat 2 { rep 4 }
""",
    "one path left": """
block cell(n, more=0) {
  concat {
    | conv n 1
    | if more > 0 {
        | repeat more {
            | conv n 3 same
          }
      }
  } as t
  relu; add { skip | from t }
}
input 8x8x3
cell 2; cell 2 more=1; cell 2 more=2
""",
    "paths that count": """
block unit(n) {
  add { skip | repeat n as i { | conv 4 3 same | if i == 1 { | sigmoid } } }
}
input 8x8x4
unit 2; unit 3
""",
    "a merge in what is shared": """
input 8x8x4 as x
shared block mix(o, n) { add { conv n 1 | from o; conv n 1 }; conv 4 1 }
relu as y
mix x 3; mix y 3; mix x 3; mix x 5
""",
    "other results of a function": """
block a(n) { conv n 1 as low; conv 4 1 as hi }
block b(n) { repeat 2 { a n as v; relu }; add { skip | a n as w } }
block c(n) { b n as q; if n == 3 { b 2 as r }; conv 4 1 }
input 8x8x4
c 3 as u
concat { from u.q.v.low | from u.r.w.low | from u.q.w.hi | skip }
conv 4 1
c 5 as z
concat { from z.q.v.low | from z.q.w.low | skip }
""",
    "a result of a condition": """
block a(n) { conv n 1 as low }
block c(n) { if n == 3 { a 2 as r }; conv 4 1 }
input 8x8x4
c 3 as u; add { from u.r.low; conv 4 1 | from u }; c 5
""",
    "frozen norms": """
input 6x6x4
ln noscale; ln noshift; gn 2 noscale; gn 2 noshift noscale; inorm; inorm eps=0.1 noshift
ln noscale noshift; bn noscale noshift
freeze { inorm; ln; gn 2; prelu; scale }
""",
    "two for training": """
input 8x8x4
conv 4 1
head first training { gap; dense 2 }
head second training { gap; dense 3 }
gap; dense 4
""",
}  # fmt: skip
# All are verified layer by layer always; the files, ONNX and whole models of these.
SOME = (
    *("other sizes", "nested", "each kind", "frozen", "frozen norms", "training"),
    *("training and always", "two for training", "results", "paths that may be there"),
)


def numbers(net: Network) -> tuple[list[Any], dict[str, Any], dict[str, Any]]:
    """Images, weights, and what numpy makes of them: what each output has while inferring."""
    images, weights = list(pictures(net).values()), canonical.random(net)
    values = computed(net, images, weights)
    for node, value in zip(net.nodes, values):
        assert value.shape[1:] == node.output, node
    ends = {name: index for name, index in net.outputs.items() if name not in net.training_outputs}
    return images, weights, {name: values[index] for name, index in ends.items()}


@pytest.mark.parametrize("name", few(NETS, SOME))
def test_onnx(name: str) -> None:
    net = cnndsl.check(NETS[name])
    images, weights, expected = numbers(net)
    data = to_onnx(net, weights=weights)
    model = checked(data)
    names = [node.name for node in model.graph.node] + [i.name for i in model.graph.initializer]
    assert len(names) == len(set(names))
    found = run(data, dict(zip(pictures(net), images)))
    assert list(found) == list(expected)
    for value, wanted in zip(found.values(), expected.values()):
        assert value.shape == wanted.shape
        assert oracle.difference(value, wanted) < oracle.TOLERANCE
    kept = [i for i in model.graph.initializer if i.name in weights]
    sizes = sum(onnx.numpy_helper.to_array(each).size for each in kept)
    assert sizes == net.totals.params, "an array for each weight, and none for training"


@pytest.mark.parametrize("name", few(NETS, SOME))
def test_layer_by_layer(name: str) -> None:
    report = verify(cnndsl.check(NETS[name]))
    assert not report.problems
    assert report.error < 1e-12


@pytest.mark.parametrize("name", few(NETS, SOME))
@pytest.mark.parametrize("framework", ("keras", "pytorch"))
def test_as_a_whole(framework: str, name: str) -> None:
    """What numpy makes of it, with each array once."""
    net = cnndsl.check(NETS[name])
    images, weights, expected = numbers(net)
    live, module = frameworks.build(net, framework)
    module.put(live, weights)
    found = live.run(images)
    for end, wanted in expected.items():
        assert found[end].shape == wanted.shape
        assert oracle.difference(found[end], wanted) < oracle.TOLERANCE, end
    assert live.trainable == net.training_totals.trainable
    taken = module.take(live)
    assert set(taken) == set(weights)
    assert all(np.array_equal(taken[key], weights[key]) for key in weights)


@pytest.mark.parametrize(
    "name", few(NETS, ("other sizes", "frozen", "training and always"), turn=0)
)
def test_flax(name: str) -> None:
    flax_test = pytest.importorskip("test_flax")
    net = cnndsl.check(NETS[name])
    images, weights, expected = numbers(net)
    model = flax_test.outlined(load("flax").generate(net))
    flax_test.fill(net, model, images, weights)
    found = flax_test.run(model, images)
    found = found if isinstance(found, dict) else {"main": found}
    assert set(found) == set(expected)
    for end, wanted in expected.items():
        assert oracle.difference(np.asarray(found[end]), wanted) < oracle.TOLERANCE


@pytest.mark.parametrize("name", few(NETS, SOME))
@pytest.mark.parametrize("suffix", few((".weights.h5", ".safetensors"), [".safetensors"]))
def test_files(suffix: str, name: str) -> None:
    """There and back without a bit lost; a file of Keras is without heads for training."""
    net = cnndsl.check(NETS[name])
    drawn = canonical.random(net)
    heads = canonical.for_training(net)
    found = checkpoints.read(net, suffix, checkpoints.write(net, suffix, drawn))
    kept = {key for key in drawn if suffix == ".safetensors" or key not in heads}
    assert set(found) == kept
    assert all(np.array_equal(found[key], drawn[key]) for key in kept)
    if heads - kept:
        again = checkpoints.read(net, ".pt", checkpoints.write(net, ".pt", found))
        assert set(again) == set(drawn), "what is not there begins anew"
        assert all(np.array_equal(again[key], drawn[key]) for key in kept)


def test_a_keras_file_with_heads_for_training(tmp_path: Path) -> None:
    net = cnndsl.check(NETS["training and always"])
    live, module = frameworks.build(net, "keras")
    drawn = canonical.random(net)
    module.put(live, drawn)
    live.model.save_weights(tmp_path / "net.weights.h5")
    found = checkpoints.read(net, ".weights.h5", (tmp_path / "net.weights.h5").read_bytes())
    assert list(found) == list(drawn)
    assert all(np.array_equal(found[key], drawn[key]) for key in drawn)


def test_what_the_command_says(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = (
        "net told\nshared block cb(n) { conv n 3 same; scale }\ninput 8x8x3\ncb 3; cb 3\n"
        "head aux training { gap; dense 2 }\nfreeze { conv 4 1; bn }\ngap; dense 2\n"
    )
    (tmp_path / "net.cnn").write_text(text, encoding="utf-8")
    net = cnndsl.check(text)
    (tmp_path / "a.pt").write_bytes(checkpoints.write(net, ".pt", canonical.random(net)))

    def told(source: str, goal: str) -> str:
        paths = [str(tmp_path / name) for name in ("net.cnn", source, goal)]
        assert main(["weights", paths[0], "--from", paths[1], "--to", paths[2]]) == 0
        return capsys.readouterr().out.replace(f"{tmp_path}/", "")

    counts = "13 arrays, 3 of them of several layers, 6 frozen"
    assert told("a.pt", "b.safetensors") == f"b.safetensors: 137 numbers in {counts}\n"
    counts = "11 arrays, 3 of them of several layers, 6 frozen"
    without = "without the weights of heads for training"
    assert told("a.pt", "c.keras") == f"c.keras: 129 numbers in {counts}\nc.keras: {without}\n"
    assert told("a.pt", "d.onnx").endswith(f"d.onnx: {without}\n")
    assert told("c.keras", "e.pt").endswith(f"c.keras: {without}, which begin anew\n")


def test_the_statements_are_all_there() -> None:
    nets = [cnndsl.check(text) for text in NETS.values()]
    for flag in ("frozen", "training_only"):
        assert sum(any(getattr(node, flag) for node in net.nodes) for net in nets) > 1
    assert sum(any(n.shared_with is not None for n in net.nodes) for net in nets) > 5


SAID = {
    ("two inputs", "pytorch"): ["self.tower = Tower(3, 4)", "one = self.tower(left)"],
    ("two inputs", "keras"): ["tower = build_tower(4)", "one = tower(left)"],
    ("two inputs", "flax"): ["self.tower = Tower(3, 4, rngs=rngs)", "one = self.tower(left)"],
    ("loops and paths", "pytorch"): ["for _ in range(3):\n            x = self.cell(x)"],
    ("loops and paths", "keras"): ["for _ in range(3):\n        x = cell(x)"],
    ("frozen", "pytorch"): ["self.requires_grad_(False)", "Frozen(Cb(3, 4))"],
    ("frozen", "keras"): ["trainable=trainable", "cb(image, 4, trainable=False)"],
    ("training", "pytorch"): ["if self.training:", 'return {"main": x, "aux": aux}', "return x\n"],
    ("training", "keras"): ["def build_model(*, training: bool = False)", "    if training:\n"],
    ("training", "flax"): ["if not self.deterministic:"],
    ("results", "pytorch"): ["return x, high, low\n", "x, u_high, u_low = self.u(x)"],
    ("results", "keras"): ["return x, high, low\n", "x, u_high, u_low = unit(image, 4)"],
    ("paths that may be there", "pytorch"): [
        "self.keeps_width = in_channels == n and s == 1",
        "self.branches = nn.ModuleList(",
        "for branch in self.branches:",
    ],
    ("paths that may be there", "keras"): ["for _ in range(3):", "layers.add(branches)"],
}


@pytest.mark.parametrize(("name", "target"), SAID)
def test_the_code_is_as_one_would_write_it(name: str, target: str) -> None:
    code = str(load(target).generate(cnndsl.check(NETS[name])))
    assert not [part for part in SAID[name, target] if part not in code], code
