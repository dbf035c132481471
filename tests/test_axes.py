"""Axes that are said, and merges with arguments: what they see, how they are written, shown."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from reference import computed

import cnndsl
from cnndsl.analysis.hover import hover
from cnndsl.analysis.names import resolve
from cnndsl.codegen import weights as canonical
from cnndsl.comparison.arguments import arguments_of
from cnndsl.contract import TargetError
from cnndsl.diagnostics import Source
from cnndsl.layers.source import call_of
from cnndsl.network import Network
from cnndsl.network.field import _see
from cnndsl.proof.verify import verify
from cnndsl.syntax.parser import parse
from cnndsl.targets import load


def seen(net: Network, axis: int) -> list[list[tuple[int, int]]]:
    """For each node, the first and the last pixel along an axis that each position depends on."""
    size = net.nodes[0].output[axis]
    weights = {key: np.abs(w) + 0.1 for key, w in canonical.random(net).items()}
    rng = np.random.default_rng(0)
    image = rng.uniform(1, 2, (1, *net.nodes[0].output))
    before = computed(net, [image], weights)
    changed: list[list[list[int]]] = [[] for _ in net.nodes]
    for pixel in range(size):
        other = image.copy()
        place: list[Any] = [slice(None)] * image.ndim
        place[axis + 1] = pixel
        other[tuple(place)] += rng.uniform(0.5, 1, other[tuple(place)].shape)
        for index, (one, two) in enumerate(zip(before, computed(net, [other], weights))):
            apart = np.moveaxis(one != two, axis + 1, 0).reshape(one.shape[axis + 1], -1).any(1)
            changed[index] += [[] for _ in range(len(apart) - len(changed[index]))]
            for position in np.nonzero(apart)[0]:
                changed[index][position].append(pixel)
    return [[(min(each), max(each)) for each in positions] for positions in changed]


def told(net: Network, axis: int) -> list[list[tuple[int, int]]]:
    """The same as the receptive field says, without the pixels of padding."""
    last = net.nodes[0].output[axis] - 1
    return [
        [
            (max(low, 0), min(high, last))
            for low, high in (
                _see(node.field.sights[axis], place) for place in range(node.output[axis])
            )
        ]
        for node in net.nodes
    ]


@pytest.mark.parametrize(
    "text",
    [
        "input 7x2; concat axis=length { skip | skip }; conv 2 3 same; conv 2 3 /2",
        "input 8x2; concat axis=length { avgpool 2 | conv 2 3 same | skip }; conv 2 5 same",
        "input 8x2; concat axis=length { avgpool 4 | skip }; up 2; avgpool 3 /3 floor; conv 2 2",
        "input 6x2; concat axis=length { up 2 | skip }; add { | conv 2 3 same | conv 2 5 same }",
        "input 6x2; concat axis=length { conv 2 1 | skip }; crop 5:2; conv 2 3",
        "input 9x2; conv 2 3; softmax axis=length; conv 2 3",
        "input 6x5x2; concat axis=height { conv 2 3x1 same | skip }; softmax axis=width",
        "input 6x5x2; concat axis=width { skip | skip }; conv 2 3x3 same; deconv 2 2x2 /2",
    ],
)
def test_the_field_is_what_values_depend_on(text: str) -> None:
    net = cnndsl.check(f"rounding floor; {text}")
    for axis in range(len(net.nodes[0].output) - 1):
        assert told(net, axis) == seen(net, axis)


def test_a_window_with_gaps_counts_as_one_without() -> None:
    net = cnndsl.check("input 6x2; concat axis=length { skip | skip }; conv 2 3 dilation=2")
    for wide, real in zip(told(net, 0)[-1], seen(net, 0)[-1], strict=True):
        assert wide[0] <= real[0] and real[1] <= wide[1]


def test_what_is_too_long_to_list_sees_all_of_it() -> None:
    net = cnndsl.check("input 400x2; conv 2 3; concat axis=length { skip | avgpool 2 }; conv 2 3")
    assert [node.receptive_field for node in net.nodes] == [(1,), (3,), (4,), (400,), (400,)]


def test_a_pattern_stays_where_nothing_stands_behind_another() -> None:
    text = "input 8x8x2; concat axis=channels { conv 2 3x3 same | up 2; pool 2 }"
    assert cnndsl.check(text).nodes[-1].field.sights[0].step


BLOCK = """\
block join(n) {
  concat axis=height { skip | conv C 3x3 same }
  conv n 3x3 same relu
  softmax axis=width
}
input 6x6x4
join 4
join 8
"""


def test_blocks_of_axes_agree() -> None:
    report = verify(cnndsl.check(BLOCK), batch=1)
    assert report and report.error < 1e-12


def test_an_axis_may_be_a_parameter() -> None:
    text = "block j(a) { concat axis=a { skip | relu }; softmax axis=a }\ninput 4x6x3\n"
    net = cnndsl.check(text + "j height\nj width")
    assert net.nodes[-1].output == (8, 12, 3)
    report = verify(net, batch=1)
    assert report and report.error < 1e-12


def test_axes_are_words_of_their_argument_alone() -> None:
    net = cnndsl.check(
        "let width = 3; let height = 8\ninput 8x8x3\nsoftmax axis=width\nconv height 1x1"
    )
    layer: Any = net.nodes[1].layer
    assert layer.axis == "width" and net.nodes[2].output == (8, 8, 8)


def test_merges_with_arguments_are_formatted_shown_and_compared() -> None:
    text = "input 8x6x3\nconcat   axis = height {skip|conv 3 3x3 same}\nsoftmax axis=channels\n"
    assert "concat axis=height { skip | conv 3 3x3 same }" in cnndsl.format(text)
    net = cnndsl.check(text)
    rows = json.loads(str(load("json").generate(net)))["layers"]
    assert rows[1]["output"] == [16, 6, 3] and rows[1]["op"] == "concat"
    plain = cnndsl.check(
        "input 8x6x3\nconcat { skip | relu }; concat axis=channels { skip | tanh }"
    )
    assert [dict(arguments_of(plain.nodes[i].layer))["axis"] for i in (2, 4)] == ["channels"] * 2
    assert dict(arguments_of(net.nodes[2].layer))["axis"] == "height"
    assert [call_of(node.layer) for node in net.nodes[2:]] == ["concat axis=height", "softmax"]


def test_an_axis_is_no_constant_of_its_name() -> None:
    text = "let width = 4\ninput 8x8x3\nconv width 3x3\nsoftmax axis=width\n"
    source = Source("a.cnn", text)
    names = resolve(parse(source)[0], text)
    assert len([each for each in names.occurrences if each.symbol.name == "width"]) == 2
    found = hover(source, parse(source)[0], [], text.rindex("width"))
    assert found is not None and "add up to 1" in found.markdown


def test_a_merge_with_one_path_left_is_that_path() -> None:
    text = "input 6x6x4\nsubtract { conv 4 3x3 | if C == 3 { | skip } }\nrelu"
    assert [node.op for node in cnndsl.check(text).nodes] == ["input", "conv", "relu"]


VARYING = """\
block d(s) {
  subtract { relu | if s == 1 { | conv C 3x3 same } }
  subtract { if s == 1 { | conv C 3x3 same } | tanh }
  concat axis=height { relu | if s == 1 { | conv C 3x3 same } }
}
input 4x4x2
d 0
d 1
repeat 2 { concat axis=width { repeat 2 { | conv 2 3x3 same } } }
"""


def test_paths_that_are_not_always_there() -> None:
    report = verify(cnndsl.check(VARYING), batch=1)
    assert report and report.error < 1e-12


WRONG = {
    "softmax axis=depth": ("E105", "axis=depth", "it has height, width, channels"),
    "gap; softmax axis=height": ("E105", "axis=height", "it has channels"),
    "softmax axis=Height": ("E105", "Height", "did you mean `height`?"),
    "softmax axis=foo": ("E105", "foo", ""),
    "softmax axis=C": ("E105", "C", ""),
    "softmax axis=-1": ("E105", "-1", ""),
    "softmax width": ("E102", "width", "write `axis=width`"),
    "concat height { skip | relu }": ("E102", "height", "write `axis=height`"),
    "concat axis=length { skip | relu }": (
        "E105",
        "axis=length",
        "it has height, width, channels",
    ),
    "add axis=width { skip | relu }": ("E104", "axis=width", "remove the argument"),
    "conv 4 3x3 gelu approx": (
        "E102",
        "approx",
        "write `gelu approx` as a statement of its own: `conv …; gelu approx`",
    ),
    "conv 4 3x3 clamp": (
        "E102",
        "clamp",
        "`clamp` is a layer: put it on a line of its own, or after `;`",
    ),
    "mul { conv 1 1x1 | gap keep }": ("E206", "gap keep", None),
    "mul { gap keep; conv 2 1x1 | skip }": ("E206", "skip", None),
    "subtract { skip | if C > 3 { | relu } | tanh }": ("E103", "subtract", None),
}


@pytest.mark.parametrize("line", WRONG)
def test_what_is_wrong_is_told_where_it_stands(line: str) -> None:
    code, span, help_ = WRONG[line]
    with pytest.raises(cnndsl.CnndslError) as raised:
        cnndsl.check(f"input 8x8x4\n{line}\n")
    (found,) = raised.value.diagnostics
    assert (found.code, found.source.text[slice(*found.span)]) == (code, span)
    assert help_ is None or found.help == help_


def test_pytorch_normalises_no_map_of_one_value() -> None:
    net = cnndsl.check("input 8x8x4\ngap keep; inorm")
    with pytest.raises(TargetError) as raised:
        load("pytorch").generate(net)
    assert [each.code for each in raised.value.diagnostics] == ["E401"]
    assert "groups=-1" in str(load("keras").generate(net))


SPLIT = """\
block split(n) {
  conv (2*n) 3x3 same groups=2 nobias; bn; relu as u
  add { slice 0:n | slice n:(2*n) }
  gap; dense 4 relu; dense (2*n)
  reshape (2, n); softmax axis=length; flatten as share
  mul { from u | from share }
  add { slice 0:n | slice n:(2*n) }
}
input 8x8x4
split 4
split 6
"""


def test_attention_over_splits_shares_out_every_channel() -> None:
    """Zhang et al., "ResNeSt: split-attention networks" (2020)."""
    net = cnndsl.check(SPLIT)
    report = verify(net, batch=1)
    assert report and report.error < 1e-12
    image = np.random.default_rng(0).normal(size=(1, 8, 8, 4))
    values = computed(net, [image], canonical.random(net))
    share = next(node.index for node in net.nodes if node.name == "split1.share")
    assert np.allclose(values[share][:, :4] + values[share][:, 4:], 1)


def test_a_bias_before_instance_normalisation() -> None:
    for norm in ("inorm", "inorm noshift", "inorm noscale noshift"):
        (found,) = cnndsl.diagnose(f"input 8x8x3\nconv 4 3x3; {norm}; relu; conv 4 3x3")
        assert found.code == "W301" and "instance normalisation" in found.message
    assert not cnndsl.diagnose("input 8x8x3\nconv 4 3x3; ln noshift; relu; conv 4 3x3")


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("softmax axis=height; softmax axis=width", []),
        ("softmax axis=height; softmax axis=height", ["W304"]),
        ("softmax axis=width; conv 4 3x3 relu", []),
        ("clamp 0 1; relu", ["W306"]),
        ("relu6; clamp -1 6", ["W306"]),
        ("relu6; clamp 0 5", []),
        ("clamp 1 2; zeropad 1; clamp 1 2", []),
        ("clamp -1 2; zeropad 1; clamp -1 2", ["W306"]),
        ("inorm; inorm", ["W310"]),
        ("dropout 0.5; inorm", []),
        ("subtract { relu | relu }", ["W108"]),
        ("concat axis=width { relu | relu }", []),
        ("concat { relu | concat axis=width { slice 0:2 | slice 2:4 }; reshape 8x8x4 }", []),
    ],
)
def test_rules_know_axes_and_bounds(text: str, codes: list[str]) -> None:
    found = cnndsl.diagnose(f"input 8x8x4\n{text}; conv 4 3x3")
    assert [each.code for each in found] == codes
