"""Weights of models that cnndsl did not write: by the map of an import, or by order and shape."""

from __future__ import annotations

import io
import json
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy
import pytest
import torch
from conftest import few
from running import run
from torch import nn

import cnndsl
from cnndsl.codegen import weights as canonical
from cnndsl.codegen.weights import Misfit
from cnndsl.importers.graph import Graph, SourceArray, Taken
from cnndsl.proof import checkpoints, in_order, weight_map
from cnndsl.proof.archive import Bounds, NoCheckpoint
from cnndsl.proof.weight_map import NoMap


def saved(state: dict[str, torch.Tensor]) -> bytes:
    file = io.BytesIO()
    torch.save(state, file)
    return file.getvalue()


def arrays(state: dict[str, torch.Tensor], opened: ExitStack) -> Any:
    return checkpoints.arrays(".pt", saved(state), Bounds.of(10**6, 1000), opened)


class Residual(nn.Module):
    """A block whose shortcut is made last, and listed last."""

    def __init__(self, given: int, inner: int, out: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(given, inner, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(inner)
        self.conv2 = nn.Conv2d(inner, out, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(out)
        self.shortcut = nn.Sequential(nn.Conv2d(given, out, 1, bias=False), nn.BatchNorm2d(out))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        main = self.bn2(self.conv2(self.bn1(self.conv1(x)).relu()))
        return self.shortcut(x) + main


class Listed(nn.Module):
    """Convolutions are listed before all normalisations."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 4, 3)
        self.conv2 = nn.Conv2d(4, 4, 3)
        self.bn1 = nn.BatchNorm2d(4)
        self.bn2 = nn.BatchNorm2d(4)
        self.fc = nn.Linear(4 * 4 * 4, 5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.bn1(self.conv1(x)).relu()
        return self.fc(self.bn2(self.conv2(x)).flatten(1))


SHORTCUT_FIRST = """defaults torch
input 8x8x3
add { conv 8 1 nobias; bn | conv 4 1 nobias; bn; relu; conv 8 1 nobias; bn }
"""
LISTED = "defaults torch\ninput 8x8x3\nconv 4 3; bn; relu; conv 4 3; bn; flatten; dense 5\n"
PLAIN = "defaults torch\ninput 8x8x3\nconv 4 3 relu; conv 6 1; flatten; dense 5\n"


def computed(net: str, weights: canonical.Weights, x: torch.Tensor) -> numpy.ndarray[Any, Any]:
    """What our PyTorch model of a net computes."""
    from cnndsl.proof import frameworks

    live, module = frameworks.build(cnndsl.check(net), "pytorch", precise=True)
    module.put(live, weights)
    return next(iter(live.run([x.numpy().transpose(0, 2, 3, 1)]).values()))


def random_state(model: nn.Module) -> dict[str, torch.Tensor]:
    """Random weights for a module, all of them, put into it."""
    torch.manual_seed(1)
    state = {
        key: value if value.dtype == torch.long else 0.5 + torch.rand(value.shape)
        for key, value in model.state_dict().items()
    }
    model.load_state_dict(state)
    return state


@pytest.mark.parametrize(
    ("model", "net"),
    (
        pytest.param(Residual(3, 4, 8), SHORTCUT_FIRST, id="a shortcut that is made last"),
        pytest.param(Listed(), LISTED, id="all convolutions before all normalisations"),
        pytest.param(
            nn.Sequential(
                nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Conv2d(4, 6, 1), nn.Flatten(), nn.Linear(216, 5)
            ),
            PLAIN,
            id="the same order",
        ),
    ),
)
def test_by_order_the_net_computes_what_the_module_does(model: nn.Module, net: str) -> None:
    state = random_state(model)
    with ExitStack() as opened:
        found = in_order.paired(cnndsl.check(net), arrays(state, opened))
    x = torch.rand(2, 3, 8, 8, dtype=torch.float64)
    with torch.no_grad():
        theirs = model.double().eval()(x).numpy()
    if theirs.ndim == 4:
        theirs = theirs.transpose(0, 2, 3, 1)
    numpy.testing.assert_allclose(computed(net, found.weights, x), theirs, rtol=1e-9)
    sources = [key for key in state if not key.endswith("num_batches_tracked")]
    assert sorted(pair.source for pair in found.pairs) == sorted(sources)


def test_what_is_alike_is_not_guessed() -> None:
    """The shortcut and the last convolution have one shape, and stand in different orders."""
    net = cnndsl.check(SHORTCUT_FIRST.replace("8x8x3", "8x8x4"))
    state = Residual(4, 4, 8).state_dict()
    with ExitStack() as opened, pytest.raises(Misfit) as error:
        in_order.paired(net, arrays(state, opened))
    assert error.value.problems == ["conv1 may be `conv2` or `shortcut.0`, which are alike"]


def test_equal_layers_in_equal_order_are_fine() -> None:
    net = cnndsl.check("defaults torch; input 8x8x4; repeat 3 { conv 4 3 same relu }")
    model = nn.Sequential(*[nn.Conv2d(4, 4, 3) for _ in range(3)])
    with ExitStack() as opened:
        found = in_order.paired(net, arrays(model.state_dict(), opened))
    assert [pair.source for pair in found.pairs][::2] == ["0.weight", "1.weight", "2.weight"]


def test_a_linear_is_a_convolution_of_one_pixel() -> None:
    net = cnndsl.check("defaults torch; input 1x1x6; conv 5 1")
    with ExitStack() as opened:
        found = in_order.paired(
            net, arrays({"fc.weight": torch.rand(5, 6), "fc.bias": torch.rand(5)}, opened)
        )
    assert found.weights["conv1.kernel"].shape == (1, 1, 6, 5)


@pytest.mark.parametrize(
    ("net", "problem"),
    (
        (
            "input 8x8x3; conv 4 3; conv 7 1",
            [
                "conv2: no weight 7x4, bias 7 is left for it",
                "`2`: weight 6x4, bias 6 has no place",
                "`4`: weight 5x216, bias 5 has no place",
            ],
        ),
        (
            "input 8x8x3; conv 4 3 relu; conv 6 1; flatten; scale; dense 5",
            ["scale1: in which order its inputs were flattened is unknown"],
        ),
    ),
)
def test_what_does_not_line_up_is_named(net: str, problem: list[str]) -> None:
    model = nn.Sequential(
        nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Conv2d(4, 6, 1), nn.Flatten(), nn.Linear(216, 5)
    )
    with ExitStack() as opened, pytest.raises(Misfit) as error:
        in_order.paired(cnndsl.check(net), arrays(model.state_dict(), opened))
    assert error.value.problems[: len(problem)] == problem


A, B, C = ((("weight", (size,)),) for size in (2, 3, 4))


@pytest.mark.parametrize(
    ("ours", "theirs", "count"),
    (
        ([A, B, C], [C, A, B], 1),  # one place is left for each
        ([A, B, B, C], [B, B, C, A], 1),  # moved, and the others stay in their order
        ([A, B, A, C], [B, A, C, A], 2),  # either A may be the one that moved
        ([A, B, B, A], [B, A, A, B], 2),
        ([A, A, B, C, C], [C, A, B, A, C], 0),  # more than one part has moved
    ),
)
def test_moved_parts(ours: Any, theirs: Any, count: int) -> None:
    (start, end), *_ = in_order.windows(ours, theirs)
    assert len(in_order.moved(ours, theirs, start, end)[0]) == count


@pytest.mark.parametrize("kind", (torch.float16, torch.bfloat16, torch.float64))
@pytest.mark.parametrize("suffix", (".pt", ".safetensors"))
def test_other_types_become_float32(kind: torch.dtype, suffix: str, tmp_path: Path) -> None:
    from safetensors.torch import save_file

    values = torch.tensor([[0.5, -2.0, 1e-3], [3.25, 65504.0, -1 / 3]]).to(kind)
    state = {"w": values, "turned": values.T if suffix == ".pt" else values.T.contiguous()}
    path = tmp_path / f"a{suffix}"
    torch.save(state, path) if suffix == ".pt" else save_file(state, path)
    with ExitStack() as opened:
        found = checkpoints.arrays(suffix, path.read_bytes(), Bounds.of(100, 9), opened)
        assert found["w"].type == str(kind).removeprefix("torch.")
        assert (found["w"].read() == values.float().numpy()).all()
        assert (found["turned"].read() == values.T.float().numpy()).all()
        assert found["w"].read().dtype == numpy.float32


# The command


def test_by_order_from_the_command_line(tmp_path: Path) -> None:
    model = Listed()
    state = random_state(model)
    (tmp_path / "net.cnn").write_text(LISTED)
    torch.save({key: value.half() for key, value in state.items()}, tmp_path / "a.pt")
    goal = tmp_path / "b.safetensors"
    words = ["weights", str(tmp_path / "net.cnn"), "--from", str(tmp_path / "a.pt")]
    code, out, err = run(*words, "--match", "order", "--to", str(goal))
    assert code == 0 and goal.exists()
    assert "conv2.kernel ← conv2.weight 4x4x3x3\n" in out
    assert "dense1.kernel ← fc.weight 5x64, its inputs with the channels first\n" in out
    assert "14 arrays of float16 are made float32" in err
    assert "--match" in run(*words, "--match", "names", "--to", str(goal))[2]
    assert run(*words, "--match", "order", "--map", "x", "--to", str(goal))[0] == 2
    words[3] = str(tmp_path / "a.keras")
    assert run(*words, "--match", "order", "--to", str(goal))[0] == 2


# Maps

NET = "defaults torch\ninput 4x4x3\nconv 2 3; flatten; dense 5 # the head\n"
STATE = {
    "conv.weight": torch.rand(2, 3, 3, 3),
    "conv.bias": torch.rand(2),
    "fc.weight": torch.rand(5, 8),
    "fc.bias": torch.rand(5),
}
TAKEN = {
    "conv1.kernel": Taken("conv.weight", (2, 3, 1, 0)),
    "conv1.bias": Taken("conv.bias"),
    "dense1.kernel": Taken("fc.weight", (1, 0), (), (2, 2, 2)),
    "dense1.bias": Taken("fc.bias"),
}


def text_of_map() -> str:
    graph = Graph()
    graph.arrays = {key: SourceArray(tuple(value.shape)) for key, value in STATE.items()}
    return weight_map.written(cnndsl.check(NET), TAKEN, graph)


def test_a_map_moves_a_later_checkpoint(tmp_path: Path) -> None:
    (tmp_path / "net.cnn").write_text(cnndsl.format("# other comments\n" + NET))
    (tmp_path / "net.map.json").write_text(text_of_map())
    state = {**STATE, "bn.num_batches_tracked": torch.tensor(3)}
    torch.save(state, tmp_path / "later.pth")
    goal = tmp_path / "net.pt"
    words = ["weights", str(tmp_path / "net.cnn"), "--from", str(tmp_path / "later.pth")]
    words += ["--map", str(tmp_path / "net.map.json"), "--to", str(goal)]
    code, _, err = run(*words)
    assert (code, err) == (0, "")
    with ExitStack() as opened:
        found = checkpoints.arrays(".pt", goal.read_bytes(), Bounds.of(999, 9), opened)
        for ours, theirs in zip(found.values(), STATE.values()):
            assert (ours.read() == theirs.numpy()).all()
    (tmp_path / "net.cnn").write_text(NET.replace("dense 5", "dense 6"))
    code, _, err = run(*words)
    assert code == 1 and "the map is of another net" in err
    (tmp_path / "net.map.json").write_text("[" * 100_000)
    code, _, err = run(*words)
    assert code == 2 and "no JSON" in err


def test_every_array_of_a_checkpoint_has_its_place() -> None:
    net, told = cnndsl.check(NET), weight_map.read(text_of_map())
    state = {**STATE, "fc.bias": torch.rand(6), "more": torch.rand(3)}
    del state["conv.bias"]
    with ExitStack() as opened, pytest.raises(Misfit) as error:
        weight_map.moved(net, arrays(state, opened), told)
    assert error.value.problems == [
        "`more` is 3, and the map has no place for it",
        "conv1.bias: no `conv.bias` here",
        "dense1.bias: `fc.bias` is 6, and the map wants 5",
    ]


def test_a_map_that_was_edited_moves_nothing_wrong() -> None:
    net = cnndsl.check(NET)
    edited = text_of_map().replace("[2, 3, 1, 0]", "[2, 3, 1]")
    with ExitStack() as opened, pytest.raises(Misfit):
        weight_map.moved(net, arrays(STATE, opened), weight_map.read(edited))


@pytest.mark.parametrize(
    "spoil",
    (
        lambda row: [],
        lambda row: {**row, "format": 2},
        lambda row: {**row, "format": "1"},
        lambda row: {**row, "weights": []},
        lambda row: {**row, "structure": 1},
        lambda row: {**row, "constants": {"a": 1}},
        lambda row: {**row, "weights": {"a": 1}},
        lambda row: {**row, "weights": {"a": {"key": "x"}}},
        lambda row: {**row, "weights": {"a": {"key": 1, "shape": [1]}}},
        lambda row: {**row, "weights": {"a": {"key": "x", "shape": ["1"]}}},
        lambda row: {**row, "weights": {"a": {"key": "x", "shape": [1], "axes": 1}}},
        lambda row: {**row, "weights": {"a": {"key": "x", "shape": [1], "more": []}}},
        lambda row: {**row, "weights": {"a": {"key": "x", "shape": [-1]}}},
    ),
)
def test_what_is_no_map_is_told(spoil: Any) -> None:
    with pytest.raises(NoMap):
        weight_map.read(json.dumps(spoil(json.loads(text_of_map()))))


def test_the_structure_is_that_of_names_and_shapes() -> None:
    one = weight_map.structure(cnndsl.check(NET))
    assert weight_map.structure(cnndsl.check(cnndsl.format(NET).replace("# the head", ""))) == one
    for other in (
        NET.replace("conv 2 3", "conv 2 3 as a"),
        NET.replace("conv 2 3", "conv 2 3 relu"),
    ):
        found = weight_map.structure(cnndsl.check(other))
        assert (found == one) == ("relu" in other)


def test_a_damaged_file_is_none() -> None:
    with ExitStack() as opened, pytest.raises(NoCheckpoint):
        checkpoints.arrays(".pt", b"PK", Bounds.of(1, 1), opened)


TORCHVISION = (
    *("alexnet", "resnet18", "resnet50", "squeezenet1_1", "densenet121"),
    *("shufflenet_v2_x1_0", "mnasnet1_0", "mobilenet_v2", "inception_v3", "efficientnet_b0"),
    "googlenet",  # whose heads for training are listed behind what comes after them
)


@pytest.mark.parametrize("name", few(TORCHVISION, (), turn=0))
def test_networks_of_torchvision_line_up(name: str) -> None:
    """Their checkpoints are paired as the maps of their imports have it, or refused."""
    from torchvision_here import torchvision_models

    from cnndsl.importers.torch_model import read_module
    from cnndsl.importers.write import to_text

    more = {"init_weights": False} if name in ("googlenet", "inception_v3") else {}
    model = getattr(torchvision_models(), name)(weights=None, **more)
    size = 299 if name == "inception_v3" else 224
    written = to_text(read_module(model, [(size, size, 3)], name))
    with ExitStack() as opened:
        bounds = checkpoints.bounds(written.network)
        data = saved(model.state_dict())
        found = checkpoints.arrays(".pt", data, bounds, opened)
        if name == "googlenet":
            with pytest.raises(Misfit):
                in_order.paired(written.network, found)
            return
        result = in_order.paired(written.network, found)
        for pair in result.pairs:
            taken = written.weights[pair.key]
            assert taken.key == pair.source
            ours = result.weights[pair.key]
            assert (taken.restore(found[taken.key].read(), ours.shape) == ours).all()
