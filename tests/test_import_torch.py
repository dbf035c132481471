"""Modules of PyTorch as graphs: the same function, all arrays, and all that is in the way."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import pytest
from conftest import few

pytest.importorskip("torch")

import torch
import torch.nn.functional as F
from torch import nn
from torchvision_here import torchvision_models

import cnndsl
from cnndsl.importers.channels_first import fresh
from cnndsl.importers.graph import Graph
from cnndsl.importers.source import read_source
from cnndsl.importers.torch_calls import Constant, Lost, Param, Tensor, TorchGraph
from cnndsl.importers.torch_model import read_module, values
from cnndsl.importers.write import to_text
from cnndsl.proof import imported
from cnndsl.proof.sources import runner
from cnndsl.proof.verify import Verification

SAMPLES = Path(__file__).parent.parent / "samples"


class Made(nn.Module):
    """A module of a function of its parts and its inputs."""

    def __init__(self, run: Callable[..., Any], *parts: nn.Module, **kept: torch.Tensor) -> None:
        super().__init__()
        self.m = nn.ModuleList(parts)
        self.run = run
        for name, value in kept.items():
            if isinstance(value, nn.Parameter):
                self.register_parameter(name, value)
            else:
                self.register_buffer(name, value)

    def forward(self, *inputs: torch.Tensor) -> Any:
        return self.run(self, *inputs)


class Case(NamedTuple):
    """A module for inputs of shapes, and the words that it becomes after the inputs."""

    words: str
    run: Callable[..., Any]
    parts: tuple[nn.Module, ...] = ()
    kept: Mapping[str, torch.Tensor] = MappingProxyType({})
    shapes: tuple[tuple[int, ...], ...] = ((6, 6, 3),)


def shuffled(x: torch.Tensor, groups: int) -> torch.Tensor:
    n, c, h, w = x.shape
    return x.view(n, groups, c // groups, h, w).transpose(1, 2).contiguous().view(n, c, h, w)


def squeezed(m: Any, x: torch.Tensor) -> torch.Tensor:
    y = m.m[0](x)
    gate = m.m[1](F.adaptive_avg_pool2d(y, 1).view(y.size(0), -1)).sigmoid()
    return y * gate[:, :, None, None].expand_as(y)


def mixed(m: Any, x: torch.Tensor) -> torch.Tensor:
    y = m.m[1](m.m[0](x).flatten(2).transpose(1, 2))
    return m.m[2](y.transpose(1, 2)).transpose(1, 2) + y


def attended(m: Any, x: torch.Tensor) -> torch.Tensor:
    y = m.m[0](x)
    both = torch.cat([y.mean(1, keepdim=True), y.max(1, keepdim=True)[0]], 1)
    return y * m.m[1](both).sigmoid()


def convnext(m: Any, x: torch.Tensor) -> torch.Tensor:
    y = m.m[1](m.m[0](x).permute(0, 2, 3, 1))
    return x + (m.g * m.m[3](F.gelu(m.m[2](y)))).permute(0, 3, 1, 2)


def unshuffled(m: Any, x: torch.Tensor) -> torch.Tensor:
    return x.view(-1, 3, 3, 2, 3, 2).permute(0, 3, 5, 1, 2, 4).reshape(-1, 12, 3, 3)


MEAN, STD = torch.tensor([0.1, 0.2, 0.3]).view(1, 3, 1, 1), torch.tensor([2.0, 4, 8]).view(3, 1, 1)
CASES = {
    "flatten": Case(
        "flatten bn relu dense",
        lambda m, x: m.m[1](F.relu(m.m[0](x.view(x.size(0), -1)))),
        (nn.BatchNorm1d(72), nn.Linear(72, 5)),
        shapes=((4, 6, 3),),
    ),
    "flat vector out": Case(
        "conv permute flatten", lambda m, x: m.m[0](x).flatten(1), (nn.Conv2d(3, 4, 3),)
    ),
    "flat vectors side by side": Case(
        "permute flatten conv permute flatten concat dense",
        lambda m, x: m.m[1](torch.cat([x.flatten(1), m.m[0](x).flatten(1)], 1)),
        (nn.Conv2d(3, 4, 3), nn.Linear(108 + 64, 5)),
    ),
    "shuffle": Case("conv shuffle", lambda m, x: shuffled(m.m[0](x), 4), (nn.Conv2d(3, 8, 3),)),
    "half of a shuffle": Case(
        "conv slice",
        lambda m, x: m.m[0](x).view(x.size(0), 2, 4, 4, 4)[:, 1],
        (nn.Conv2d(3, 8, 3),),
    ),
    "vector to map": Case(
        "dense relu reshape transpose reshape deconv",
        lambda m, x: m.m[1](F.relu(m.m[0](x)).view(-1, 8, 4, 4)),
        (nn.Linear(10, 128), nn.ConvTranspose2d(8, 3, 4, 2, 1)),
        shapes=((10,),),
    ),
    "mixer": Case(
        "conv reshape ln transpose conv transpose add",
        mixed,
        (nn.Conv2d(3, 8, 2, 2), nn.LayerNorm(8), nn.Linear(9, 9)),
    ),
    "convnext": Case(
        "dwconv ln conv gelu conv scale add",
        convnext,
        (nn.Conv2d(3, 3, 3, 1, 1, groups=3), nn.LayerNorm(3), nn.Linear(3, 9), nn.Linear(9, 3)),
        {"g": nn.Parameter(torch.full((3,), 0.1))},
    ),
    "squeeze and excite": Case(
        "conv gap flatten dense sigmoid mul", squeezed, (nn.Conv2d(3, 8, 3), nn.Linear(8, 8))
    ),
    "spatial attention": Case(
        "conv channelmean channelmax concat conv sigmoid mul",
        attended,
        (nn.Conv2d(3, 8, 3), nn.Conv2d(2, 1, 3, padding=1)),
    ),
    "constants kept": Case(
        "rescale conv",
        lambda m, x: m.m[0]((x - m.mean) / m.std),
        (nn.Conv2d(3, 4, 3),),
        {"mean": MEAN, "std": STD},
    ),
    "constants made": Case(
        "rescale conv",
        lambda m, x: m.m[0]((x - torch.tensor([0.1, 0.2, 0.3])[None, :, None, None]) * 2 + 1),
        (nn.Conv2d(3, 4, 3),),
    ),
    "channels rescaled apart": Case(
        "rescale",
        lambda m, x: torch.cat([x[:, i].unsqueeze(1) * (i + 2) + 0.5 for i in range(3)], 1),
    ),
    "signal": Case(
        "conv gap dense",
        lambda m, x: m.m[1](m.m[0](x).mean(-1)),
        (nn.Conv1d(3, 8, 4, padding="same", dilation=2), nn.Linear(8, 2)),
        shapes=((16, 3),),
    ),
    "volume": Case(
        "pool dwconv",
        lambda m, x: m.m[0](F.max_pool3d(x, 2)),
        (nn.Conv3d(2, 4, (1, 3, 3), groups=2, bias=False),),
        shapes=((4, 8, 8, 2),),
    ),
    "transposed by groups": Case(
        "deconv",
        lambda m, x: m.m[0](x),
        (nn.ConvTranspose2d(4, 6, 3, 2, 1, output_padding=1, groups=2, dilation=2),),
        shapes=((5, 5, 4),),
    ),
    "transposed and grown": Case(
        "deconv",
        lambda m, x: m.m[0](x),
        (nn.ConvTranspose2d(4, 6, 2, stride=3, output_padding=1),),
        shapes=((5, 5, 4),),
    ),
    "interpolated": Case(
        "conv up up add",
        lambda m, x: F.interpolate(m.m[0](x), scale_factor=2, mode="bilinear", align_corners=True)
        + F.interpolate(x, size=(12, 12)),
        (nn.Conv2d(3, 3, 1),),
    ),
    "borders": Case(
        "reflectpad pool",
        lambda m, x: F.max_pool2d(
            F.pad(F.pad(x, (1, 2, 0, 1), mode="reflect"), (0, 1, 0, 1), value=float("-inf")),
            *(3, 2),
            ceil_mode=True,
        ),
        shapes=((7, 6, 3),),
    ),
    "cut and strided": Case(
        "crop pool avgpool",
        lambda m, x: F.avg_pool2d(x[:, :, ::2, 1::2], 2, padding=1),
        shapes=((8, 9, 3),),
    ),
    "pixels": Case(
        "replicatepad conv pixelshuffle",
        lambda m, x: F.pixel_shuffle(m.m[0](x), 2),
        (nn.Conv2d(3, 12, 3, padding=1, padding_mode="replicate"),),
    ),
    "space to depth": Case("pixelunshuffle", unshuffled),
    "norms": Case(
        "conv gn inorm softmax",
        lambda m, x: F.softmax(m.m[2](m.m[1](m.m[0](x))), dim=2),
        (nn.Conv2d(3, 8, 3), nn.GroupNorm(2, 8), nn.InstanceNorm2d(8, affine=True)),
    ),
    "prelu": Case("conv prelu", lambda m, x: m.m[1](m.m[0](x)), (nn.Conv2d(3, 8, 3), nn.PReLU(8))),
    "in place": Case(
        "conv bn relu add",
        lambda m, x: F.relu(m.m[1](m.m[0](x)), inplace=True).add_(x),
        (nn.Conv2d(3, 3, 1), nn.BatchNorm2d(3)),
    ),
    "shared": Case("conv conv", lambda m, x: m.m[0](m.m[0](x)), (nn.Conv2d(3, 3, 3),)),
    "sum of a list": Case(
        "conv add", lambda m, x: sum([x, m.m[0](x)]) / 1.0, (nn.Conv2d(3, 3, 1),)
    ),
    "gated": Case(
        "concat slice slice sigmoid mul conv",
        lambda m, x, y: m.m[0](F.glu(torch.cat([x, y], 1), 1)),
        (nn.Conv2d(3, 2, 1),),
        shapes=((6, 6, 3), (6, 6, 3)),
    ),
    "channels last out": Case(
        "conv conv",
        lambda m, x: m.m[1](m.m[0](x).permute(0, 2, 3, 1)),
        (nn.Conv2d(3, 8, 3), nn.Linear(8, 4)),
    ),
    "mean of rows": Case(
        "conv avgpool rescale reshape",
        lambda m, x: m.m[0](x).mean(2).permute(0, 2, 1).contiguous().transpose(1, 2) * 2,
        (nn.Conv2d(3, 8, 3),),
        shapes=((6, 7, 3),),
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_a_module_is_the_same_function(name: str) -> None:
    case = CASES[name]
    module = Made(case.run, *case.parts, **case.kept)
    graph = read_module(module, case.shapes)
    assert not graph.problems
    words = [op.word for op in graph.ops if op.word != "input"]
    assert sorted(words) == sorted(case.words.split())
    proved(module, graph)


def proved(module: nn.Module, graph: Graph) -> None:
    """The text of a graph computes what the module does, of all its arrays."""
    report = report_of(module, graph)
    assert not report.problems
    assert report.outputs["main"].share < 1e-9


def report_of(module: nn.Module, graph: Graph) -> Verification:
    written = to_text(graph, flat=True)
    run = runner(module, "torch")
    assert run is not None
    ran = run.run(graph)
    return imported.verify(
        written.network, graph, written.ops, written.weights, ran, target="pytorch"
    )


def watched_alone(m: Any, x: torch.Tensor) -> torch.Tensor:
    y = m.m[0](x)
    y.data.relu_()
    return y  # type: ignore[no-any-return]


def doubled(m: Any, x: torch.Tensor) -> torch.Tensor:
    m.m[0].weight.data.mul_(2)
    return m.m[0](x)  # type: ignore[no-any-return]


def clipped(m: Any, x: torch.Tensor) -> torch.Tensor:
    m.m[0].weight.data.clamp_(0, 0.1)
    return m.m[0](x)  # type: ignore[no-any-return]


def counting(m: Any, x: torch.Tensor) -> torch.Tensor:
    m.calls = getattr(m, "calls", 0) + 1
    return m.m[0](x * m.calls)  # type: ignore[no-any-return]


@pytest.mark.parametrize("run", [watched_alone, doubled, clipped, counting])
@pytest.mark.parametrize("several", [False, True])
def test_what_a_recording_does_not_see_fails_the_proof(
    run: Callable[[Any, torch.Tensor], torch.Tensor], several: bool
) -> None:
    def named(m: Any, x: torch.Tensor) -> Any:
        y = run(m, x)
        return {"first": x.mean([2, 3]), "second": (y,)} if several else y

    module = Made(named, nn.Conv2d(3, 4, 1))
    graph = read_module(module, [(6, 6, 3)])
    assert not graph.problems
    report = report_of(module, graph)
    assert {problem.message for problem in report.problems} & {
        "the values differ",
        f"the values of the output {'second' if several else 'main'} differ",
    }


def test_an_input_may_change_in_place() -> None:
    module = nn.Sequential(nn.ReLU(inplace=True), nn.Conv2d(3, 4, 1))
    proved(module, read_module(module, [(6, 6, 3)]))


TORCHVISION = """squeezenet1_1 shufflenet_v2_x0_5 alexnet vgg11_bn resnet18 mnasnet0_5
resnext50_32x4d wide_resnet50_2 densenet121 mobilenet_v2 mobilenet_v3_small efficientnet_b0
efficientnet_v2_s regnet_y_400mf convnext_tiny googlenet inception_v3""".split()


@pytest.mark.parametrize("name", few(TORCHVISION, TORCHVISION[:2], turn=0))
def test_all_arrays_of_torchvision_are_read(name: str) -> None:
    kept = {"init_weights": False} if name in ("googlenet", "inception_v3") else {}
    module = torchvision_models().get_model(name, weights=None, **kept)
    size = 64 if name in TORCHVISION[:2] else 299
    graph = read_module(module, [(size, size, 3)], name)
    assert not graph.problems
    state = module.state_dict()
    wanted = {key for key in state if not key.endswith("num_batches_tracked")}
    taken = Counter(each.key for op in graph.ops for each in op.weights.values())
    assert taken == Counter(wanted) and set(graph.arrays) == wanted
    for op in graph.ops:
        shapes = {weight.role: weight.shape for weight in op.layer.all_weights}
        assert set(shapes) == set(op.weights)
        for role, each in op.weights.items():
            array = each.restore(state[each.key].numpy(), shapes[role])
            assert array.shape == shapes[role]
    assert graph.params == sum(state[key].numel() for key in wanted)
    assert graph.trainable == sum(p.numel() for p in module.parameters())


def test_heads_that_run_in_training_are_outputs() -> None:
    models = torchvision_models()
    module = models.googlenet(weights=None, init_weights=False, transform_input=True)
    graph = read_module(module.eval(), [(96, 96, 3)])
    assert not graph.problems and not module.training
    found = [(output.name, output.training) for output in graph.outputs]
    assert found == [("main", False), ("aux2", True), ("aux1", True)]
    assert graph.ops[1].word == "rescale"
    assert graph.ops[1].values["scale"] == pytest.approx((0.458, 0.448, 0.45))
    heads = [op for op in graph.ops if op.where.startswith("aux")]
    assert Counter(op.word for op in heads)["dense"] == 4


def test_several_outputs_are_named() -> None:
    def run(m: Any, x: torch.Tensor) -> dict[str, torch.Tensor]:
        return {"out": m.m[0](x), "aux": x.mean([2, 3])}

    graph = read_module(Made(run, nn.Conv2d(3, 4, 1)), [(8, 8, 3)])
    assert [(each.name, graph.ops[each.op].word) for each in graph.outputs] == [
        ("main", "conv"),
        ("aux", "gap"),
    ]


def test_the_scope_is_that_of_the_modules() -> None:
    unit = nn.Sequential(nn.Conv2d(3, 3, 1), nn.ReLU())
    module = Made(lambda m, x: m.m[0](m.m[0](x)) + 0 * x, nn.Sequential(unit))
    graph = read_module(module, [(8, 8, 3)])
    convs = [op for op in graph.ops if op.word == "conv"]
    shown = [[(each.kind, each.name, each.turn) for each in op.scope] for op in convs]
    assert shown == [[("Sequential", "m.0", turn), ("Sequential", "0", turn)] for turn in (0, 1)]
    assert [op.where for op in convs] == ["m.0.0.0"] * 2
    assert convs[0].weights == convs[1].weights


def test_the_module_stays_as_it_is() -> None:
    module = nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4), nn.Dropout(0.5))
    module[0].requires_grad_(False)
    before = {key: value.clone() for key, value in module.state_dict().items()}
    graph = read_module(module, [(8, 8, 3)])
    values(module, graph, [torch.ones(2, 8, 8, 3).numpy()])
    assert module.training and not any(part._forward_hooks for part in module.modules())
    assert all(torch.equal(value, before[key]) for key, value in module.state_dict().items())
    assert [op.frozen for op in graph.ops] == [False, True, False, False]
    assert [op.values.get("rate") for op in graph.ops][-1] == 0.5
    assert graph.trainable == 8 and graph.params == 4 * 3 + 4 + 16
    read = graph.arrays["0.weight"].read
    assert read is not None and (read() == before["0.weight"].numpy()).all()


class DropPath(nn.Module):
    def __init__(self, drop_prob: float) -> None:
        super().__init__()
        self.drop_prob = drop_prob

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x if not self.training else x * torch.bernoulli(torch.ones(len(x), 1, 1, 1))


def test_what_no_output_comes_of_is_left_out() -> None:
    """As the last of a stack whose other outputs are summed: it may run all the same."""

    def forward(m: Any, x: torch.Tensor) -> torch.Tensor:
        m.m[1](x)
        return m.m[0](x)  # type: ignore[no-any-return]

    graph = read_module(Made(forward, CONV, nn.Conv2d(3, 9, 3), nn.Conv2d(3, 9, 1)), [(8, 8, 3)])
    assert not graph.problems and graph.params == 12
    assert [note.values for note in graph.notes] == [{"modules": "m.1, m.2"}]


def test_what_acts_in_training_alone_is_kept() -> None:
    module = nn.Sequential(nn.Conv2d(3, 4, 1), DropPath(0.25), DropPath(0.0), nn.Dropout(0.0))
    graph = read_module(module, [(8, 8, 3)])
    assert [op.word for op in graph.ops] == ["input", "conv", "droppath"]
    assert graph.ops[2].values == {"rate": 0.25}


def test_factors_are_taken_to_begin_with_1_whatever_they_hold() -> None:
    module = Made(lambda m, x: x * m.g, g=nn.Parameter(torch.full((3, 1, 1), 1e-6)))
    graph = read_module(module, [(8, 8, 3)])
    assert graph.ops[1].values == {}
    assert "begin with" in str(graph.asks)
    assert graph.arrays["g"].shape == (3, 1, 1)


class Endless(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self(x)  # type: ignore[no-any-return]


def half_frozen() -> nn.Module:
    module = nn.Conv2d(3, 3, 1)
    module.bias.requires_grad_(False)  # type: ignore[union-attr]
    return module


def written_into(m: Any, x: torch.Tensor) -> torch.Tensor:
    x[:, 0] = 0
    return x


def changed_in_part(m: Any, x: torch.Tensor) -> torch.Tensor:
    y = m.m[0](x)
    y[:, :2].relu_()
    return y


CONV = nn.Conv2d(3, 3, 1)
IN_THE_WAY: dict[str, tuple[nn.Module, list[tuple[str, str]]]] = {
    "branch": (Made(lambda m, x: x if x.amax([1, 2, 3]) > 0 else -x), [("E603", "the values of")]),
    "item": (Made(lambda m, x: x * x.amax([1, 2, 3]).item()), [("E603", "the values of")]),
    "numpy": (Made(lambda m, x: torch.from_numpy(x.numpy())), [("E603", "the values of")]),
    "unknown": (
        Made(lambda m, x: m.m[0](torch.exp(torch.exp(x))).cumsum(1), CONV),
        [("E601", "there is no word for `exp`, in 2 places"), ("E601", "`cumsum`")],
    ),
    "after the unknown": (
        nn.Sequential(nn.Dropout2d(0.2), nn.Softplus(2), nn.PReLU()),
        [("E601", "`dropout2d`"), ("E601", "softplus(beta=2"), ("E601", "num_parameters=1")],
    ),
    "weights that are made": (
        nn.Sequential(
            nn.utils.parametrizations.weight_norm(nn.Conv2d(3, 3, 1)),
            nn.utils.spectral_norm(nn.Conv2d(3, 3, 1)),
        ),
        [("E601", "`WeightNorm`"), ("E601", "`SpectralNorm`")],
    ),
    "does not run": (nn.Conv2d(4, 3, 1), [("E607", "fails on inputs")]),
    "half frozen": (half_frozen(), [("E601", "`weight` learns")]),
    "statistics": (
        nn.Sequential(
            nn.BatchNorm2d(3, momentum=None), nn.BatchNorm2d(3, track_running_stats=False)
        ),
        [("E601", "momentum=0.0"), ("E601", "track_running_stats=False")],
    ),
    "endless": (Endless(), [("E607", "without an end")]),
    "nothing": (Made(lambda m, x: None), [("E607", "no tensor")]),
    "circular": (
        nn.Conv2d(3, 3, 3, padding=1, padding_mode="circular"),
        [("E601", "mode=circular")],
    ),
    "scale": (nn.Upsample(scale_factor=1.3), [("E601", "scale_factor=1.3")]),
    "written into": (Made(written_into), [("E601", "`__setitem__`")]),
    "changed in part": (Made(changed_in_part, CONV), [("E601", "in place of a part")]),
    "places": (Made(lambda m, x: x.argmax(1)), [("E601", "`argmax`")]),
    "drawn": (Made(lambda m, x: x + torch.rand_like(x)), [("E601", "`rand_like`")]),
    "sizes open": (nn.LazyConv2d(3, 1), [("E604", "run it once")]),
    "axes": (
        Made(lambda m, x: x.view(1, 3, 2, 4, 2, 4).permute(0, 1, 3, 5, 2, 4)),
        [("E601", "no layer has the axes")],
    ),
    "batch": (Made(lambda m, x: x.mean(0)), [("E601", "samples of a batch")]),
    "weights computed": (
        Made(lambda m, x: F.conv2d(x, m.w.tanh()), w=nn.Parameter(torch.ones(3, 3, 1, 1))),
        [("E601", "`tanh(weights)`")],
    ),
}


@pytest.mark.parametrize("name", IN_THE_WAY)
def test_all_that_is_in_the_way_is_told(name: str) -> None:
    module, wanted = IN_THE_WAY[name]
    problems = read_module(module, [(8, 8, 3)]).problems
    assert [problem.code for problem in problems] == [code for code, _ in wanted]
    for problem, (_, text) in zip(problems, wanted):
        assert text in str(problem.message)


@pytest.mark.parametrize("shape", [(), (10**9, 10**9, 3), (3,), (1,) * 9])
def test_shapes_of_any_kind_end_in_problems(shape: tuple[int, ...]) -> None:
    assert read_module(nn.Conv2d(3, 3, 1), [shape]).problems


@pytest.mark.parametrize(
    ("name", "word", "count"),
    [
        ("vit_b_32", "multi_head_attention_forward", 12),
        ("swin_t", "matmul", 24),
        ("maxvit_t", "einsum", 44),
    ],
)
@pytest.mark.frameworks
def test_attention_is_told_with_its_counts(name: str, word: str, count: int) -> None:
    with torch.device("meta"):
        module = torchvision_models().get_model(name, weights=None)
    problems = read_module(module, [(224, 224, 3)]).problems
    told = f"there is no word for `{word}`, in {count} places"
    assert told in [str(problem.message) for problem in problems]
    assert {problem.code for problem in problems} == {"E601"}


QUICK = "article lenet5 resnet18 two_inputs siamese padding ecg1d".split()
SPLIT = {"nasnet_mobile", "article_keras_listing", "psp_pool"}
"""Those that are in other words in PyTorch, or no net."""


WHOLE = [path for path in sorted(SAMPLES.glob("*.cnn")) if path.stem not in SPLIT]


@pytest.mark.parametrize(
    "path",
    few(WHOLE, [path for path in WHOLE if path.stem in QUICK], turn=0),
    ids=lambda path: path.stem,
)
def test_what_build_writes_comes_back(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    network = cnndsl.check(text)
    code: Any = cnndsl.build(text, "pytorch")
    names: dict[str, Any] = {"__name__": "built"}
    exec(compile(code, path.name, "exec"), names)
    with torch.device("meta"):
        module = names["build_model"]()
    graph = read_module(module, [network.nodes[index].output for index in network.inputs])
    back = to_text(graph).network
    assert back.training_totals.params == network.training_totals.params

    def layers(net: Any) -> Counter[Any]:
        return Counter(
            (node.op, node.output, *((each.role, each.shape) for each in node.layer.all_weights))
            for node in net.nodes
        )

    assert layers(back) == layers(network)


# Calls one by one, as readers of source make them


def test_calls_need_no_shapes_to_be_told() -> None:
    calls = TorchGraph(Graph("net", "torch"))
    x = calls.input((8, 8, 3), "x")
    weight, bias = Param("conv.weight", (4, 3, 3, 3)), Param("conv.bias", (4,))
    y = calls.call("conv2d", (x, weight, bias), {"padding": 1}, where="line 3")
    assert calls.call("size", (y,), {}) == (1, 4, 8, 8)
    assert calls.call("size", (y, 1), {}) == 4
    one, other = calls.call("chunk", (y, 2), {"dim": 1})
    assert one.shape == (1, 2, 8, 8)
    z = calls.call("__radd__", (calls.call("relu_", (one,), {}), other), {})
    scaled = calls.call("mul", (z, Constant((2.0,), ())), {})
    lost = calls.call("erfinv", (scaled,), {}, where="line 7")
    assert isinstance(lost, Lost) and lost.shape == (1, 2, 8, 8)
    calls.finish([("main", scaled, False)])
    graph = calls.graph
    assert [op.word for op in graph.ops] == "input conv slice slice relu add rescale".split()
    assert [(p.code, str(p.message), p.where) for p in graph.problems] == [
        ("E601", "there is no word for `erfinv`", "line 7")
    ]


@pytest.mark.parametrize(
    ("function", "args"),
    [
        ("conv2d", (Param("w", (4, 9, 3, 3)),)),
        ("conv2d", (None,)),
        ("view", (1, 7)),
        ("view", (0,)),
        ("transpose", (0, 9)),
        ("cat", ()),
        ("max_pool2d", (0,)),
        ("split", (0,)),
        ("getitem", ("a",)),
        ("squeeze", (0,)),
        ("interpolate", (None, None)),
        ("interpolate", (None, float("inf"))),
        ("batch_norm", (Param("mean", (3,)), Param("var", (3,)), None, None, False, "x")),
        ("pad", ((1, 1, 1),)),
        ("linear", (Param("w", (5, 7)),)),
        ("stack", ()),
    ],
)
def test_calls_that_do_not_fit_are_told(function: str, args: tuple[Any, ...]) -> None:
    calls = TorchGraph(Graph("net", "torch"))
    found = calls.call(function, (calls.input((8, 8, 3)), *args), {})
    assert isinstance(found, Lost)
    calls.finish([])
    assert len(calls.graph.problems) == 1


def test_views_keep_what_they_are_views_of() -> None:
    image = fresh(0, (4, 4, 8))
    assert image.shape == (1, 8, 4, 4)
    split = image.view((2, 4, 4, 4))
    assert split is not None and split.sizes == (4, 4, 2, 4)
    assert split.view((8, 4, 4)) == image
    assert image.view((3, 5)) is None
    assert isinstance(image.permuted((1, 2, 0)), Tensor)
    assert image.permuted((1, 2, 0)).order() == (0, 1, 2)


# Source is what running it would make

CLASS = """
import torch
from torch import nn
from torch.nn import functional as F

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.a = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU())
        self.b = nn.Conv2d(4, 6, 3)
        SIZED
        self.fc = nn.Linear(size, 5)

    def sized(self, shape):
        x = self.maps(torch.rand(2, *shape))
        return x.data.view(2, -1).size(1)

    def maps(self, x):
        return F.max_pool2d(self.b(self.a(x)), 2)

    def forward(self, x):
        return self.fc(torch.flatten(self.maps(x), 1))

net = Net()
"""
SIZED = [
    "size = self.sized((3, 12, 12))",
    "size = self.maps(torch.zeros(1, 3, 12, 12)).numel()",
    "with torch.no_grad(): size = self.maps(torch.ones(1, 3, 12, 12)).flatten(1).shape[1]",
    "size = self.maps(torch.ones(1, 3, 12, 12))[0].view(-1).shape[0]",
    "size = 96; [p.requires_grad_(False) for n, p in self.named_parameters() if 'a.0' in n]",
]
FROZEN = [
    "for name, p in net.named_parameters(): p.requires_grad = not name.startswith('a.1.')",
    "for name, m in net.named_modules(): m.requires_grad_(name not in ('a', 'b'))",
    "for m in net.modules():\n    if isinstance(m, nn.Conv2d) and m.kernel_size == (3, 3):\n"
    "        m.requires_grad_(m.in_channels == 4)",
]


RUN = [(each, "") for each in SIZED] + [(SIZED[0], each) for each in FROZEN]


@pytest.mark.parametrize(("sized", "frozen"), few(RUN, RUN[::3]))
def test_source_is_what_running_it_makes(sized: str, frozen: str) -> None:
    text = CLASS.replace("SIZED", sized) + frozen
    names: dict[str, Any] = {}
    exec(text, names)
    ran = to_text(read_module(names["net"], [(12, 12, 3)], "net")).text
    assert to_text(read_source(text, "net", (12, 12, 3))).text == ran
