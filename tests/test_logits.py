"""`logits`: a softmax at the end is left out, and nothing else."""

from __future__ import annotations

from pathlib import Path

import onnx
import pytest

import cnndsl
from cnndsl.cli import main
from cnndsl.contract import TargetError
from cnndsl.targets import load

CODE = {
    "keras": "train with a loss that has from_logits=True",
    "pytorch": "train with nn.CrossEntropyLoss",
    "flax": "train with optax.softmax_cross_entropy",
}
# With the softmax, without it, and what a docstring says of the outputs.
NETS = [
    ("flatten; dense 3 softmax", "flatten; dense 3", "The output is"),
    ("flatten; dense 3; softmax", "flatten; dense 3", "The output is"),
    ("conv 3 1 softmax", "conv 3 1", "The output is"),
    ("conv 3 1 softmax; gap; dense 2; softmax", "conv 3 1 softmax; gap; dense 2", "The output is"),
    (
        "head a { gap; dense 2 softmax }; flatten; dense 3; softmax",
        "head a { gap; dense 2 }; flatten; dense 3",
        "The outputs are",
    ),
    (
        "head a { gap; dense 2 softmax }; flatten; dense 3 sigmoid",
        "head a { gap; dense 2 }; flatten; dense 3 sigmoid",
        "a is",
    ),
    (
        "head a { gap; softmax }; head b { gmp; tanh }; flatten; dense 3 softmax",
        "head a { gap }; head b { gmp; tanh }; flatten; dense 3",
        "main and a are",
    ),
    ("block end(n) { dense n softmax }; gap; end 4", "block end(n) { dense n }; gap; end 4",
     "The output is"),
]  # fmt: skip


def net(text: str) -> cnndsl.Network:
    *blocks, rest = text.split("}; ") if text.startswith("block") else [text]
    return cnndsl.check("".join(f"{block}}}; " for block in blocks) + f"input 6x6x3; {rest}")


@pytest.mark.parametrize("target", CODE)
@pytest.mark.parametrize("text, without, says", NETS)
def test_code_is_that_of_a_net_without(text: str, without: str, says: str, target: str) -> None:
    code = load(target).generate(net(text), logits=True)
    expected = load(target).generate(net(without))
    assert isinstance(code, str) and isinstance(expected, str)
    note = f"{says} logits: {CODE[target]}."
    assert note in code and "logits" not in expected
    bare = code.replace(f"\n\n    {note}\n    ", "")
    assert bare == expected


@pytest.mark.parametrize("text, without, says", NETS)
def test_the_graph_is_that_of_a_net_without(text: str, without: str, says: str) -> None:
    data, expected = (
        load("onnx").generate(net(text), logits=True),
        load("onnx").generate(net(without)),
    )
    one, other = map(onnx.load_from_string, (data, expected))
    assert one.doc_string.endswith(f"{says} logits: they have gone through no softmax.")
    assert [(n.op_type, n.input, n.output) for n in one.graph.node] == [
        (n.op_type, n.input, n.output) for n in other.graph.node
    ]


@pytest.mark.parametrize("target", [*CODE, "onnx"])
def test_nothing_to_leave_out(target: str) -> None:
    plain = cnndsl.check("input 6x6x3; gap; dense 3 sigmoid; head a { relu }")
    assert load(target).generate(plain, logits=True) == load(target).generate(plain)


@pytest.mark.parametrize("target", [*CODE, "onnx"])
def test_a_softmax_that_others_read(target: str) -> None:
    text = "input 6x6x3; gap; dense 3 softmax; head a { dense 2 }; head b { skip }"
    with pytest.raises(TargetError) as caught:
        load(target).generate(cnndsl.check(text), logits=True)
    (diagnostic,) = caught.value.diagnostics
    assert diagnostic.code == "E401" and "softmax of dense1" in diagnostic.message
    assert text[diagnostic.span.start : diagnostic.span.end] == "dense 3 softmax"
    load(target).generate(cnndsl.check(text))


def test_a_net_without_a_softmax_is_told_of(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "a.cnn"
    for text, told in (("gap; dense 3 softmax", False), ("gap; dense 3", True)):
        path.write_text(f"input 6x6x3\n{text}\n")
        assert main(["build", str(path), "--target", "keras", "--logits"]) == 0
        out, err = capsys.readouterr()
        assert out and ("--logits changes nothing" in err) is told
