"""`cnndsl import` and `cnndsl.import_model`: what they take, what they write, how they refuse."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from running import run
from torch import nn

import cnndsl
from cnndsl.diagnostics import Source
from cnndsl.diagnostics.message import Message
from cnndsl.diagnostics.render import render_all
from cnndsl.importers.graph import Problem
from cnndsl.importers.told import told

CFG = """[net]
width=32
height=32
channels=3

[convolutional]
filters=8
size=3
stride=1
pad=1
activation=leaky

[avgpool]

[softmax]
"""
CODE = """from torch import nn

def net():
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU())

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)

    def forward(self, x):
        return self.conv(x).relu()

ready = net()

def fails():
    raise ValueError("not \\x1b[31m today\\nnor tomorrow")

def leaves():
    raise SystemExit("bye")

def nothing():
    return 5
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "net.cfg").write_text(CFG)
    (tmp_path / "command_nets.py").write_text(CODE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", sys.path[:])
    monkeypatch.delitem(sys.modules, "command_nets", raising=False)
    return tmp_path


def test_a_text_goes_to_standard_output_or_to_a_file(folder: Path) -> None:
    code, out, err = run("import", "net.cfg")
    assert (code, err) == (0, "") and cnndsl.format(out) == out
    assert cnndsl.check(out).totals.params == 8 * 28
    code, said, err = run("import", "net.cfg", "-o", "a.cnn")
    assert (code, err) == (0, "") and (folder / "a.cnn").read_text() == out
    assert said.startswith("a.cnn: ") and said.endswith(", 4 layers, 224 parameters\n")


@pytest.mark.parametrize("kind", ([], ["--from", "darknet"]))
def test_standard_input_is_what_it_looks_like(kind: list[str]) -> None:
    code, out, _ = run("import", "-", *kind, stdin=CFG.encode())
    assert code == 0 and "conv 8 3" in out


def test_source_code_has_several_inputs(folder: Path) -> None:
    source = "class Net(nn.Module):\n    def forward(self, one, two):\n        return one + two\n"
    (folder / "sum.py").write_text(source)
    code, out, err = run("import", "sum.py", "--input", "8x8x3", "--input", "8x8x3")
    assert (code, err) == (0, "") and "input 8x8x3 as two" in out


@pytest.mark.parametrize("what", ("net", "Net", "ready"))
def test_code_of_ones_own(what: str) -> None:
    code, out, err = run("import", f"command_nets:{what}", "--input", "8x8x3")
    assert (code, err) == (0, "")
    assert (
        out.startswith(f"net {'net_net' if what == 'net' else what}\n") and "conv 4 3 relu" in out
    )


@pytest.mark.parametrize(
    ("model", "why"),
    (
        ("command_nets:fails", "ValueError: not \\x1b[31m today (command_nets.py, line 17)"),
        ("command_nets:leaves", "SystemExit: bye (command_nets.py, line 20)"),
        ("command_nets:missing", "no attribute 'missing'"),
        ("no_such_module_here:net", "No module named 'no_such_module_here'"),
        ("command_nets.py:net", "write `command_nets:net`"),
        ("missing.onnx", "missing.onnx: no such file"),
        ("a\\0b", "no such file"),
        (".", "is a directory"),
    ),
)
def test_what_cannot_be_opened_is_a_line(model: str, why: str) -> None:
    code, out, err = run("import", model, "--input", "8x8x3")
    assert (code, out) == (2, "") and why in err and "\x1b" not in err
    assert all(line.startswith("cnndsl: ") for line in err.splitlines())


@pytest.mark.parametrize(
    ("words", "why"),
    (
        ([], "give one MODEL"),
        (["net.cfg", "net.cfg"], "give one MODEL"),
        (["net.cfg", "--input", "3xx"], "--input `3xx` is no size"),
        (["net.cfg", "--input", "1x2x3x4x5"], "more dimensions"),
        (["net.cfg", "--input", "8x8x3", "--input", "8x8x3"], "a text has one input"),
        (["net.cfg", "--from", "keras2"], "--from is one of keras,"),
        (["net.cfg", "-o", "a", "--map", "./a"], "the same path"),
        (["net.cfg", "--weights", "a.onnx"], "ends in none of"),
    ),
)
def test_wrong_usage(words: list[str], why: str) -> None:
    code, out, err = run("import", *words)
    assert (code, out) == (2, "") and why in err


@pytest.mark.parametrize("name", ("a.pt", "a.pth", "a.safetensors", "a.weights.h5"))
def test_weights_alone_are_no_network(folder: Path, name: str) -> None:
    torch.save(nn.Linear(2, 3).state_dict(), folder / name)
    code, out, err = run("import", name, "-o", "a.cnn")
    assert (code, out) == (1, "") and not (folder / "a.cnn").exists()
    assert err.startswith("error[E607] refused: this holds weights, and not the graph")
    assert f"--> {name}\n" in err and "package.module:function" in err


def test_all_outputs_are_written_or_none(folder: Path) -> None:
    (folder / "folder").mkdir()
    words = ["import", "command_nets:net", "--input", "8x8x3", "-o", "a.cnn"]
    for more in (["--map", "folder"], ["--map", "b/c"], ["--weights", "b/c.safetensors"]):
        code, out, err = run(*words, *more)
        assert (code, out) == (2, "") and "cannot write" in err
        assert not [each for each in os.listdir(folder) if each.startswith(("a.cnn", ".cnndsl"))]


def test_a_problem_shows_its_line(folder: Path) -> None:
    (folder / "net.cfg").write_text(CFG.replace("[softmax]", "[local]\nfilters=3"))
    code, out, err = run("import", "net.cfg", "-o", "a.cnn")
    assert (code, out) == (1, "") and "error[E601] unknown-operation: " in err
    assert " --> net.cfg:15:1\n" in err and "15 | [local]" in err
    korean = run("import", "net.cfg", "--lang", "ko")[2]
    assert korean.startswith("오류[E601]") and "15 | [local]" in korean


@pytest.mark.parametrize(
    "content",
    (
        b"",
        b"\0" * 100,
        b"PK\x03\x04",
        b"\x89HDF\r\n\x1a\n",
        b"[" * 100_000,
        b"\xff\xfe",
        b"{" * 999,
    ),
)
@pytest.mark.parametrize(
    "suffix", (".keras", ".h5", ".onnx", ".py", ".md", ".cfg", ".prototxt", ".txt")
)
def test_what_is_damaged_is_told(folder: Path, content: bytes, suffix: str) -> None:
    (folder / f"a{suffix}").write_bytes(content)
    code, out, err = run("import", f"a{suffix}", "--input", "8x8x3")
    assert (code, out) == (1, "") and err.startswith("error[E"), err
    assert "Traceback" not in err and "internal error" not in err


@pytest.mark.parametrize(
    ("name", "content", "library", "extra"),
    (("a.onnx", b"", "onnx", "onnx"), ("a.h5", b"\x89HDF\r\n\x1a\n", "h5py", "weights")),
)
def test_what_is_not_installed_is_told(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    content: bytes,
    library: str,
    extra: str,
) -> None:
    from cnndsl.cli.runner import opened

    (folder / name).write_bytes(content)
    monkeypatch.setattr(opened, "find_spec", lambda wanted: None)
    code, out, err = run("import", name)
    assert (code, out) == (2, "")
    assert err == f"cnndsl: {library} is not installed: pip install 'cnndsl[{extra}]'\n"


# Equal problems are told once


def problem(where: str, span: tuple[int, int] | None = None, code: str = "E601") -> Problem:
    return Problem(code, Message("there is no word for `{word}`", word="lstm"), where, span=span)


@pytest.mark.parametrize(
    ("wheres", "note"),
    (
        (["a.lstm"], "at a.lstm"),
        (["a", "b"], "2 times: at a, b"),
        (["a", "a", ""], "3 times: at a"),
        (["", ""], "2 times"),
        ([f"l{at}" for at in range(17)], "17 times: at l0, l1, l2, l3 and 13 more"),
    ),
)
def test_equal_problems_are_one(wheres: list[str], note: str) -> None:
    source = Source("net.onnx", "", dark=True)
    (found,) = told(map(problem, wheres), source)
    assert [str(each.message) for each in found.notes] == [note]
    text = render_all([found])
    assert text.splitlines()[1] == " --> net.onnx" and f"= note: {note}" in text


def test_places_in_a_text_are_lines() -> None:
    source = Source("net.py", "one\n  two()\nthree\n")
    (alone,) = told([problem("", (6, 9))], source)
    assert alone.span == (6, 9) and not alone.notes
    (named,) = told([problem("line 2")], source)
    assert source.text[slice(*named.span)] == "two()" and not named.notes
    (several,) = told([problem("", (12, 14)), problem("line 2"), problem("", (0, 9**9))], source)
    assert str(several.notes[0].message) == "3 times: at line 3, line 2, line 1"
    assert told([problem("", (9**9, 9**9))], source)[0].span == (18, 18)
    assert render_all([alone, named, several])


def test_other_problems_stay_apart() -> None:
    found = told([problem("a"), problem("b", code="E602")], Source("a", "", dark=True))
    assert [each.code for each in found] == ["E601", "E602"]


# From Python


def test_import_model_gives_the_text() -> None:
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU())
    before = {key: value.clone() for key, value in model.state_dict().items()}
    sizes: list[Any] = ["8x8x3", (8, 8, 3), [(8, 8, 3)], ["8x8x3"]]
    texts = {cnndsl.import_model(model, input=size, name="small") for size in sizes}
    (text,) = texts
    assert text.startswith("net small\n") and "conv 4 3 relu" in text
    assert all((model.state_dict()[key] == value).all() for key, value in before.items())
    assert model.training and model[0].weight.device.type == "cpu"


def test_import_model_raises() -> None:
    with pytest.raises(cnndsl.CnndslError) as error:
        cnndsl.import_model(nn.LSTM(3, 4), input=(8, 3))
    assert {each.code for each in error.value.diagnostics} <= {"E601", "E607"}
    with pytest.raises(cnndsl.CnndslError) as error:
        cnndsl.import_model(nn.Conv2d(3, 4, 3))
    assert [each.code for each in error.value.diagnostics] == ["E604"]
    with pytest.raises(cnndsl.CnndslError) as error:
        cnndsl.import_model(5)
    assert [each.code for each in error.value.diagnostics] == ["E607"]
    with pytest.raises(ValueError, match="natural numbers"):
        cnndsl.import_model(nn.Conv2d(3, 4, 3), input="big")


def test_import_model_takes_models_of_keras_and_onnx() -> None:
    import keras
    import onnx

    layers = [keras.Input((8, 8, 3)), keras.layers.Conv2D(4, 3, activation="relu")]
    assert "conv 4 3 relu" in cnndsl.import_model(keras.Sequential(layers))
    data = cnndsl.build("input 8x8x3; conv 4 3 relu", "onnx")
    assert isinstance(data, bytes)
    assert "conv 4 3 relu" in cnndsl.import_model(onnx.load_from_string(data))


def test_layers_that_share_and_differ_are_told() -> None:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(3, 3, 3, padding=1)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            y = self.conv(x)
            return nn.functional.conv2d(y, self.conv.weight, self.conv.bias, 2, 1)

    with pytest.raises(cnndsl.CnndslError) as error:
        cnndsl.import_model(Net(), input="8x8x3")
    assert [each.code for each in error.value.diagnostics] == ["E602"]
