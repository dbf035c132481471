"""`cnndsl weights`: there and back without a bit lost, and nothing but arrays ever loaded."""

from __future__ import annotations

import io
import os
import pickle
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np
import pytest
import safetensors.torch
import torch
from conftest import few
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from nets import branching_nets, network, straight_nets
from steps import at_most
from torch import nn

import cnndsl
from cnndsl.cli import main
from cnndsl.codegen import weights as canonical
from cnndsl.contract import TargetError
from cnndsl.network import Network
from cnndsl.proof import checkpoints, frameworks, state_dict
from cnndsl.proof.archive import Archive, Bounds, NoCheckpoint
from cnndsl.proof.checkpoints import SUFFIXES, read, write
from cnndsl.targets import load

MANY = settings.default.max_examples
SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large]
NET = """\
input 8x8x4
conv 4 3 prelu; bn; dwconv 3 same mult=2; bn noshift; bn noscale
add { sepconv 8 3 same | conv 8 3 same groups=4 nobias }
deconv 3 3 /2 same; flatten; dropout 0.5; dense 5; scale; ln
"""


def same(one: dict[str, np.ndarray], other: dict[str, np.ndarray]) -> bool:
    """Whether weights are the same bits, in the same order."""
    return list(one) == list(other) and all(
        array.dtype == other[key].dtype == np.float32 and array.tobytes() == other[key].tobytes()
        for key, array in one.items()
    )


def net_of(text: str) -> Network:
    found = network(text)
    assert found is not None, text
    return found


@given(straight_nets() | branching_nets())
@settings(max_examples=MANY // 5, suppress_health_check=SLOW)
def test_property_there_and_back_is_the_identity(text: str) -> None:
    net = net_of(text)
    drawn = canonical.random(net)
    try:
        for suffix in (".weights.h5", ".safetensors"):
            assert same(read(net, suffix, write(net, suffix, drawn)), drawn)
    except TargetError:
        assume(False)


@pytest.mark.parametrize(
    "suffix",
    few([suffix for suffix in SUFFIXES if suffix != ".pth"], (".keras", ".safetensors")),
)
def test_every_format(suffix: str) -> None:
    net = net_of(NET)
    drawn = canonical.random(net)
    drawn["conv1.bias"][:] = [0.0, -0.0, np.nan, np.inf]  # bits, not numbers
    keras.utils.clear_session()  # numbers the names of layers
    data = write(net, suffix, drawn)
    assert same(read(net, suffix, data), drawn)
    keras.utils.clear_session()
    assert write(net, suffix, drawn) == data


def test_what_was_trained_in_one_runs_in_the_other(tmp_path: Path) -> None:
    """Whole files, written and read by the frameworks themselves."""
    net = net_of(NET)
    x = np.random.default_rng(0).normal(size=(4, 8, 8, 4)).astype("float32")
    tensor = torch.from_numpy(x).movedim(-1, 1)
    scope = frameworks.run(str(load("pytorch").generate(net)))
    model: nn.Module = scope["build_model"]()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    model.train()(tensor).square().mean().backward()
    optimizer.step()
    model.eval()
    file, there = tmp_path / "net.cnn", tmp_path / "there.safetensors"
    file.write_text(NET, encoding="utf-8")
    safetensors.torch.save_file(model.state_dict(), there)

    assert (
        main(["weights", str(file), "--from", str(there), "--to", str(tmp_path / "a.keras")]) == 0
    )
    moved = keras.models.load_model(tmp_path / "a.keras", safe_mode=True)
    with torch.no_grad():
        expected = model(tensor).numpy()
    assert np.allclose(keras.ops.convert_to_numpy(moved(x, training=False)), expected, atol=1e-5)

    # A step in Keras, and back.
    moved.compile(keras.optimizers.Adam(0.1), loss="mse")
    moved.train_on_batch(x, np.zeros((4, 5), "float32"))
    moved.save(tmp_path / "b.keras")
    assert main(
        ["weights", str(file), "--from", str(tmp_path / "b.keras"), "--to", str(tmp_path / "b.pt")]
    ) == 0  # fmt: skip
    again = scope["build_model"]().eval()
    again.load_state_dict(torch.load(tmp_path / "b.pt", weights_only=True))
    with torch.no_grad():
        result = again(tensor).numpy()
    assert np.allclose(result, keras.ops.convert_to_numpy(moved(x, training=False)), atol=1e-5)
    assert not np.allclose(result, expected, atol=1e-3)
    counted = [v for k, v in again.state_dict().items() if k.endswith("num_batches_tracked")]
    assert counted and all(v == 0 and v.dtype == torch.int64 for v in counted)


@pytest.mark.parametrize(
    "between",
    ["", "relu; dropout 0.5;", "reshape 2x3x3;", "slice 3:15;", "bn;", "scale; prelu;", "ln;",
     "concat { skip | dropout 0.1 };", "shuffle 3;", "reshape 3x6; conv 2 1;", "softmax; gelu;"],
)  # fmt: skip
def test_rows_behind_a_flatten_follow_what_lies_between(between: str) -> None:
    after = "flatten; " if "reshape" in between else ""
    net = net_of(f"input 2x3x3; conv 3 1; flatten; {between} {after}dense 4")
    drawn = canonical.random(net)
    x = np.random.default_rng(0).normal(size=(3, 2, 3, 3)).astype("float32")
    state = safetensors.torch.load(write(net, ".safetensors", drawn))
    model = frameworks.run(str(load("pytorch").generate(net)))["build_model"]().eval()
    model.load_state_dict(state)
    with torch.no_grad():
        there = model(torch.from_numpy(x).movedim(-1, 1)).numpy()
    live, weights = frameworks.build(net, "keras")
    weights.put(live, read(net, ".safetensors", safetensors.torch.save(state)))
    assert np.allclose(live.run([x])["main"], there, atol=1e-5)


# What does not fit


def state(net: Network) -> dict[str, torch.Tensor]:
    return safetensors.torch.load(write(net, ".safetensors", canonical.random(net)))


def test_all_that_does_not_fit_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = "input 8x8x3\nconv 4 3; bn; flatten; dense 5"
    file, there, goal = (tmp_path / name for name in ("net.cnn", "there.pt", "goal.keras"))
    file.write_text(text, encoding="utf-8")
    goal.write_text("what was here before", encoding="utf-8")
    wrong: dict[str, Any] = state(net_of(text))
    wrong["0.weight"] = torch.zeros(4, 3, 5, 5)
    wrong["0.bias"] = torch.zeros(4, dtype=torch.float64)
    wrong["3.bias"] = torch.zeros(5, dtype=torch.float16)
    del wrong["1.running_mean"]
    wrong["7.weight"] = torch.zeros(2, 2)
    torch.save(wrong, there)
    assert main(["weights", str(file), "--from", str(there), "--to", str(goal)]) == 1
    assert capsys.readouterr() == (
        "",
        "".join(
            f"{there}: {line}\n"
            for line in (
                "conv1.kernel: `0.weight` is 4x3x5x5, and the net wants 4x3x3x3",
                "conv1.bias: `0.bias` is float64, and the net wants float32",
                "bn1.mean: no `1.running_mean` here, and the net wants 4",
                "dense1.bias: `3.bias` is float16, and the net wants float32",
                "`7.weight` is 2x2, and the net has no such weight",
            )
        )
        + "these are not the weights of net; nothing is written\n",
    )
    assert goal.read_text(encoding="utf-8") == "what was here before"


def test_a_keras_file_that_does_not_fit(tmp_path: Path) -> None:
    one, other = (net_of(f"input 8x8x3; conv {n} 3; gap; dense 5") for n in (4, 6))
    for suffix in (".keras", ".weights.h5"):
        data = write(one, suffix, canonical.random(one))
        with pytest.raises(canonical.Misfit) as caught:
            read(other, suffix, data)
        assert caught.value.problems == [
            "conv1.kernel: `layers/conv2d/vars/0` is 3x3x3x4, and the net wants 3x3x3x6",
            "conv1.bias: `layers/conv2d/vars/1` is 4, and the net wants 6",
            "dense1.kernel: `layers/dense/vars/0` is 4x5, and the net wants 6x5",
        ]


# Files that are damaged, or mean harm


SMALL = "input 4x4x2; conv 3 3; bn; flatten; dense 2"


@pytest.mark.parametrize("suffix", [".keras", ".weights.h5", ".safetensors", ".pt"])
@given(data=st.data())
@settings(max_examples=MANY // 2, suppress_health_check=list(HealthCheck))
def test_property_damaged_files_end_in_a_line(suffix: str, data: st.DataObject) -> None:
    net = net_of(SMALL)
    whole = FILES.setdefault(suffix, write(net, suffix, canonical.random(net)))
    cut = data.draw(st.integers(0, len(whole)))
    noise = data.draw(st.binary(max_size=20))
    broken = whole[:cut] + noise + whole[cut + len(noise) * data.draw(st.booleans()) :]
    try:
        read(net, suffix, broken)
    except (NoCheckpoint, canonical.Misfit) as error:
        assert "\n" not in str(error)


FILES: dict[str, bytes] = {}


class Harm:
    """Runs code when it is unpickled."""

    def __reduce__(self) -> tuple[Any, ...]:
        return exec, ("raise SystemExit('this ran')",)


def test_no_code_in_a_pickle_runs() -> None:
    net = net_of(SMALL)
    for harmful in (Harm(), {"0.weight": Harm()}, nn.Linear(2, 2)):
        file = io.BytesIO()
        torch.save(harmful, file)
        with pytest.raises(NoCheckpoint, match="not a file of tensors alone"):
            read(net, ".pt", file.getvalue())
    with pytest.raises(NoCheckpoint):
        read(net, ".pt", pickle.dumps(Harm()))
    for odd, why in (
        ([1, 2], "type list"),
        ({"step": 7}, "`step` is no tensor, but of type int"),
        (
            {"epoch": 3, "model": state(net)},
            "it holds more than that; save what is under `model` alone",
        ),
    ):
        file = io.BytesIO()
        torch.save(odd, file)
        with pytest.raises(NoCheckpoint, match=why):
            read(net, ".pt", file.getvalue())


def test_a_file_of_an_old_pytorch_is_refused() -> None:
    net, file = net_of(SMALL), io.BytesIO()
    torch.save(state(net), file, _use_new_zipfile_serialization=False)
    with pytest.raises(NoCheckpoint, match=r"before 1\.6; load it and save it anew"):
        read(net, ".pt", file.getvalue())


def test_what_a_keras_file_would_build_is_not_looked_at() -> None:
    net = net_of(SMALL)
    drawn = canonical.random(net)
    result = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(write(net, ".keras", drawn))) as old,
        zipfile.ZipFile(result, "w") as new,
    ):
        new.writestr("config.json", '{"module": "os", "class_name": "system", "config": "false"}')
        new.writestr("model.weights.h5", old.read("model.weights.h5"))
    assert same(read(net, ".keras", result.getvalue()), drawn)


def packed(parts: dict[str, bytes], how: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A zip archive."""
    result = io.BytesIO()
    with zipfile.ZipFile(result, "w", how) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return result.getvalue()


def refused(suffix: str, data: bytes) -> str:
    """Why a file is none of a small net, found out without its arrays and in little memory."""
    net = net_of(SMALL)
    tracemalloc.start()
    try:
        with at_most(300_000), pytest.raises(NoCheckpoint) as caught:
            read(net, suffix, data)
        assert tracemalloc.get_traced_memory()[1] < 30_000_000
    finally:
        tracemalloc.stop()
    return str(caught.value)


def test_archives_that_unpack_to_no_end_are_refused() -> None:
    parts = {"model.weights.h5": bytes(50_000_000)}
    assert refused(".keras", packed(parts)) == (
        "model.weights.h5 unpacks to 50,000,000 bytes, which is suspicious for this net"
    )
    parts["model.weights.h5"] = large = bytes(5_000_000)
    for how in (zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA):
        assert "compressed in a way that no framework uses" in refused(".keras", packed(parts, how))
    assert "no model.weights.h5 in this archive" in refused(".keras", packed({"config.json": b""}))
    many = packed({f"{number}": b"" for number in range(60)}, zipfile.ZIP_STORED)
    with pytest.raises(NoCheckpoint, match="an archive of too many parts"):
        Archive(many, Bounds(0, 2**21, 50))
    # One that says it unpacks to little.
    lying = bytearray(packed(parts))
    for sign, at in ((b"PK\3\4", 22), (b"PK\1\2", 24)):
        place = lying.rfind(sign) + at
        lying[place : place + 4] = (1000).to_bytes(4, "little")
    assert "cannot be read as .keras" in refused(".keras", bytes(lying))
    whole = zipfile.ZipFile(io.BytesIO(written(".pt")))
    for name in ("archive/data.pkl", "archive/data/0"):
        kept = {each: whole.read(each) for each in whole.namelist()}
        assert refused(".pt", packed({**kept, name: large})).startswith(f"{name} unpacks to ")


def written(suffix: str) -> bytes:
    net = net_of(SMALL)
    return FILES.setdefault(suffix, write(net, suffix, canonical.random(net)))


def pickled(program: bytes) -> bytes:
    return packed({"a/data.pkl": b"\x80\x02" + program}, zipfile.ZIP_STORED)


def tensor(shape: bytes, stride: bytes, offset: bytes = b"K\0") -> bytes:
    """The pickle of a state_dict with a tensor of four numbers."""
    storage = b"(X\x07\0\0\0storagectorch\nFloatStorage\nX\x01\0\0\x000X\x03\0\0\0cpuK\x04tQ"
    call = b"ctorch._utils\n_rebuild_tensor_v2\n(" + storage + offset + shape + stride
    return b"}X\x08\0\0\x000.weight" + call + b"\x89ccollections\nOrderedDict\n)RtRs."


HUGE = b"\x8b" + (500_000).to_bytes(4, "little") + b"\x7f" * 500_000
SHARED = b")q\0" + b"".join(b"h%ch%c\x86q%c" % (n - 1, n - 1, n) for n in range(1, 100))


@pytest.mark.parametrize(
    ("program", "why"),
    [
        (b"]" * 500_000 + b".", "more is pickled here"),
        (SHARED + b"}h\x63K\1s.", "no state_dict: "),  # to hash it takes for ever
        (b")" + b"\x85" * 9_000 + b".", "a value of type tuple"),
        (HUGE + b".", "a value of type int"),
        (tensor(HUGE + b"\x85", b"K\1\x85"), "cannot be read as .pt"),
        (b"}r\xff\xff\xff\x7f", "no file that PyTorch saved"),
        (b"}h\7.", "no file that PyTorch saved"),
        (b"t.", "no file that PyTorch saved"),
        (b"(" * 1000 + b".", "no file that PyTorch saved"),
        (b"}K\1K\2s.", "no state_dict: "),
        (b"cbuiltins\nexec\nX\1\0\0\0x\x85R.", "not a file of tensors alone"),
        (b"}X\1\0\0\0acbuiltins\nexec\nX\1\0\0\0x\x85Rs.", "not a file of tensors alone"),
        (b"cbuiltins\nexec\n.", "no state_dict"),
        (b"ibuiltins\nexec\n.", "not a file of tensors alone"),
        (b"\x82\1.", "not a file of tensors alone"),
    ],
)
def test_pickles_that_would_take_all_there_is(program: bytes, why: str) -> None:
    assert why in refused(".pt", pickled(program))


@pytest.mark.parametrize(
    ("shape", "stride", "offset"),
    [
        (b"K\2\x85", b"K\4\x85", b"K\0"),
        (b"K\2\x85", b"K\1\x85", b"K\3"),
        (b"K\2\x85", b"J\xff\xff\xff\xff\x85", b"K\1"),
        (b"K\2\x85", b"K\1\x85", b"J\xff\xff\xff\xff"),
        (b"K\2\x85", b"\x8a\x09" + b"\xff" * 8 + b"\1\x85", b"K\0"),
    ],
)
def test_tensors_stay_in_their_storages(shape: bytes, stride: bytes, offset: bytes) -> None:
    program = b"\x80\x02" + tensor(shape, stride, offset)
    data = packed({"a/data.pkl": program, "a/data/0": bytes(16)})
    ((_, stored),) = state_dict.arrays(data, Bounds.of(9, 9))
    assert stored.shape == (2,)
    with pytest.raises(NoCheckpoint, match="a damaged one"):
        stored.read()


def test_tensors_of_every_make() -> None:
    """As PyTorch itself reads them."""
    whole = torch.arange(24, dtype=torch.float32)
    tensors = {
        "plain": whole,
        "view": whole[4:20].reshape(4, 4),
        "turned": whole.reshape(4, 6).T,
        "steps": whole[1::5],
        "wide": whole[:1].expand(3, 2),
        "one": torch.tensor(3.5),
        "none": torch.zeros(0, 3),
        "parameter": nn.Parameter(whole[:2]),
    }
    for protocol in (2, 3, 4, 5):
        file = io.BytesIO()
        torch.save(tensors, file, pickle_protocol=protocol)
        found = dict(state_dict.arrays(file.getvalue(), Bounds.of(99, 99)))
        assert list(found) == list(tensors)
        for name, stored in found.items():
            expected = tensors[name].detach().numpy()
            assert stored.shape == expected.shape and stored.type == "float32"
            assert np.array_equal(stored.read(), expected)
    for kind in ("float64", "float16", "bfloat16", "int64", "uint8", "bool", "uint16"):
        file = io.BytesIO()
        torch.save({"a": torch.zeros(2).to(getattr(torch, kind))}, file)
        ((_, stored),) = state_dict.arrays(file.getvalue(), Bounds.of(99, 99))
        assert stored.type == kind


@pytest.mark.parametrize("header", [2**60, 30_000_000])
def test_a_header_of_safetensors_is_bounded(header: int) -> None:
    data = header.to_bytes(8, "little") + b" " * 1000
    assert "more is named here" in refused(".safetensors", data)


def changed(change: Callable[[h5py.File], object]) -> bytes:
    file = io.BytesIO(written(".weights.h5"))
    with h5py.File(file, "a") as opened:
        change(opened)
    return file.getvalue()


def test_hdf5_unpacks_nothing_and_is_not_searched_without_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def in_a_piece(file: h5py.File) -> None:
        group = file["layers/conv2d/vars"]
        del group["0"]
        largest = {"maxshape": (None,) * 4, "chunks": (64, 64, 8, 8), "compression": "gzip"}
        group.create_dataset("0", (3, 3, 2, 3), "float32", **largest)[0, 0, 0, 0] = 1

    def of_many(file: h5py.File) -> None:
        for number in range(60):
            file["layers"].create_group(f"y{number}")

    assert "is compressed or in pieces, as Keras writes none" in refused(
        ".weights.h5", changed(in_a_piece)
    )
    with monkeypatch.context() as patch:
        patch.setattr(checkpoints, "bounds", lambda network: Bounds(0, 2**21, 50))
        assert "more is in this file" in refused(".weights.h5", changed(of_many))
    monkeypatch.setattr(checkpoints, "_LARGE", 0)
    assert "too small: the weights of this net take" in refused(".weights.h5", b"\x89HDF")


def test_texts_in_the_place_of_numbers_are_not_read() -> None:
    def texts(file: h5py.File) -> None:
        group = file["layers/conv2d/vars"]
        del group["0"]
        found = group.create_dataset("0", (3, 3, 2, 3), h5py.string_dtype())
        found.attrs["dtype"] = "float32"

    with pytest.raises(canonical.Misfit, match="is object, and the net wants float32"):
        read(net_of(SMALL), ".weights.h5", changed(texts))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs pipes")
def test_a_link_of_hdf5_is_not_followed_to_a_pipe(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    file = io.BytesIO()
    with h5py.File(file, "w") as opened:
        opened["layers"] = h5py.ExternalLink(str(tmp_path / "fifo"), "x")
        opened["rest"] = np.zeros(10_000)
    assert "no `layers` in this file" in refused(".weights.h5", file.getvalue())


def test_the_model_of_a_huge_net_is_not_built_for_a_small_file() -> None:
    net = net_of("input 100000; dense 100000")
    for suffix in (".keras", ".weights.h5"):
        with pytest.raises(NoCheckpoint, match="too small: the weights of this net take 40,0"):
            read(net, suffix, written(suffix))
    with pytest.raises(canonical.Misfit):
        read(net, ".pt", written(".pt"))


@pytest.mark.parametrize("kind", [">f4", "<f4"])
def test_the_order_of_bytes_is_no_matter(kind: str) -> None:
    net = net_of(SMALL)
    drawn = canonical.random(net)
    file = io.BytesIO(write(net, ".weights.h5", drawn))
    with h5py.File(file, "a") as opened:
        del opened["layers/conv2d/vars/1"]
        opened["layers/conv2d/vars/1"] = drawn["conv1.bias"].astype(kind)
    assert same(read(net, ".weights.h5", file.getvalue()), drawn)


@pytest.mark.parametrize("kind", ["external link", "soft link", "external data", "virtual", "huge"])
def test_hdf5_stays_in_its_file(kind: str, tmp_path: Path) -> None:
    net = net_of(SMALL)
    path, secret = tmp_path / "a.weights.h5", tmp_path / "secret.h5"
    path.write_bytes(write(net, ".weights.h5", canonical.random(net)))
    with h5py.File(secret, "w") as file:
        file["data"] = np.ones((3, 3, 2, 3), "float32")
    with h5py.File(path, "a") as file:
        group = file["layers/conv2d/vars"]
        del group["0"]
        if kind == "external link":
            group["0"] = h5py.ExternalLink(str(secret), "data")
        elif kind == "soft link":
            group["0"] = h5py.SoftLink("/layers/dense/vars/0")
        elif kind == "external data":
            external = [(str(secret), 0, 216)]
            group.create_dataset("0", (3, 3, 2, 3), "float32", external=external)
        elif kind == "virtual":
            layout = h5py.VirtualLayout((3, 3, 2, 3), "float32")
            layout[:] = h5py.VirtualSource(str(secret), "data", (3, 3, 2, 3))
            group.create_virtual_dataset("0", layout)
        else:
            shape = (1 << 30, 1 << 20)
            group.create_dataset("0", shape, "float32", chunks=(1024, 1024), compression="gzip")
    with pytest.raises((NoCheckpoint, canonical.Misfit)) as caught:
        read(net, ".weights.h5", path.read_bytes())
    expected = {
        "external link": "conv1.kernel: no `layers/conv2d/vars/0` here",
        "soft link": "conv1.kernel: no `layers/conv2d/vars/0` here",
        "external data": "`layers/conv2d/vars/0` lies in another file",
        "virtual": "`layers/conv2d/vars/0` lies in another file",
        "huge": "conv1.kernel: `layers/conv2d/vars/0` is 1073741824x1048576, and the net wants",
    }
    assert str(caught.value).startswith(expected[kind])


def test_a_file_of_keras_2_is_refused() -> None:
    file = io.BytesIO()
    with h5py.File(file, "w") as old:
        old["model_weights/conv2d/kernel:0"] = np.zeros(3)
    with pytest.raises(NoCheckpoint, match="it is not of Keras 3"):
        read(net_of(SMALL), ".weights.h5", file.getvalue())


def test_a_stretched_tensor_is_not_laid_out() -> None:
    """A view of one number, of a shape that no memory holds."""
    file = io.BytesIO()
    torch.save({"0.weight": torch.zeros(1).expand(1 << 40)}, file)
    with pytest.raises(canonical.Misfit, match=r"`0\.weight` is 1099511627776"):
        read(net_of(SMALL), ".pt", file.getvalue())


# The command


def test_usage(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "net.cnn"
    file.write_text(SMALL, encoding="utf-8")
    for words, why in (
        ([], "no file given: --from PATH"),
        (["--from", "a.h5", "--to", "b.pt"], "--from `a.h5` ends in none of .weights.h5, .keras,"),
        (["--from", "a.onnx", "--to", "b.pt"], "--from `a.onnx` ends in none of"),
        (["--from", "a.pt", "--to", "b.npz"], "--to `b.npz` ends in none of"),
        (["--from", str(tmp_path / "a.pt"), "--to", "b.pt"], "no such file or directory"),
    ):
        assert main(["weights", str(file), *words]) == 2
        assert why in capsys.readouterr().err
    file.write_text("input 4x4x2; dense 3", encoding="utf-8")
    assert main(["weights", str(file), "--from", "a.pt", "--to", "b.pt"]) == 1
    assert "error[E204]" in capsys.readouterr().err


@pytest.mark.parametrize(
    "missing, words, name",
    [
        ("torch", ("a.pt", "b.safetensors"), "PyTorch"),
        ("keras", ("a.keras", "b.weights.h5"), "Keras"),
        ("h5py", ("a.keras", "b.weights.h5"), "h5py"),
        ("safetensors", ("a.pt", "b.safetensors"), "safetensors"),
    ],
)
def test_what_is_missing_is_told_in_a_line(
    missing: str,
    words: tuple[str, str],
    name: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    file = tmp_path / "net.cnn"
    file.write_text(SMALL, encoding="utf-8")
    monkeypatch.setattr(checkpoints, "find_spec", lambda library: library != missing or None)
    assert main(["weights", str(file), "--from", words[0], "--to", words[1]]) == 2
    line = f"cnndsl: {name} is not installed: pip install 'cnndsl[weights]'\n"
    assert capsys.readouterr() == ("", line)


def test_what_is_no_number_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file, there = tmp_path / "net.cnn", tmp_path / "a.safetensors"
    file.write_text(SMALL, encoding="utf-8")
    net = net_of(SMALL)
    drawn = canonical.random(net)
    drawn["conv1.bias"][:2] = [np.nan, -np.inf]
    drawn["bn1.gamma"][0] = drawn["bn1.beta"][0] = drawn["dense1.bias"][0] = np.inf
    there.write_bytes(write(net, ".safetensors", drawn))
    for goal in ("b.pt", "b.onnx"):
        goal = str(tmp_path / goal)
        assert main(["weights", str(file), "--from", str(there), "--to", goal]) == 0
        out, err = capsys.readouterr()
        assert out.startswith(f"{goal}: ")
        assert err == (
            f"cnndsl: {there}: 5 of the weights are NaN or infinite: 2 in conv1.bias,"
            " 1 in bn1.gamma, 1 in bn1.beta and 1 more arrays\n"
        )
    assert same(read(net, ".pt", (tmp_path / "b.pt").read_bytes()), drawn)


def test_what_does_not_fit_is_told_as_far_as_a_bound(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, there = tmp_path / "net.cnn", tmp_path / "a.safetensors"
    file.write_text(SMALL, encoding="utf-8")
    odd = {f"\x1b[31m\n::error::{number}": torch.zeros(1) for number in range(300)}
    there.write_bytes(safetensors.torch.save({**state(net_of(SMALL)), **odd}))
    assert main(["weights", str(file), "--from", str(there), "--to", "b.pt"]) == 1
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 102
    assert all(line.isprintable() and not line.startswith("::") for line in lines)
    assert lines[-2:] == [
        f"{there}: and 200 more",
        "these are not the weights of net; nothing is written",
    ]


def test_to_onnx(tmp_path: Path) -> None:
    import onnx

    file, there = tmp_path / "net.cnn", tmp_path / "a.safetensors"
    file.write_text(SMALL, encoding="utf-8")
    net = cnndsl.check(SMALL)
    drawn = canonical.random(net)
    there.write_bytes(write(net, ".safetensors", drawn))
    assert main(["weights", str(file), "--from", str(there), "--to", str(tmp_path / "a.onnx")]) == 0
    kept = onnx.load(tmp_path / "a.onnx").graph.initializer
    assert any(
        np.array_equal(onnx.numpy_helper.to_array(each), drawn["dense1.bias"]) for each in kept
    )


@pytest.mark.parametrize(
    "junk", [b"", b"\x00", b"junk, not tensors", b"PK\x03\x04", b"\x80\x02}q\x00"]
)
def test_junk_is_told_without_the_inside_of_a_library(junk: bytes) -> None:
    with pytest.raises(NoCheckpoint) as caught:
        read(net_of(SMALL), ".pt", junk)
    assert str(caught.value).startswith(("no file that PyTorch saved", "not a file of tensors"))
