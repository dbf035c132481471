"""What a text means, held against a second opinion; and that no text is too much.

* every number of random straight nets, and which of them are refused: `counting`
* texts put together at random, right and wrong: no exception, and well-made diagnostics
* texts meant to be expensive: an answer, and soon
* one mistake in a sound net: one diagnostic
"""

from __future__ import annotations

import itertools
import json
import re
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from random import Random
from typing import Any

import counting
import nets
import numpy as np
import pytest
from conftest import few
from hypothesis import example, given
from hypothesis import strategies as st
from programs import programs
from steps import at_most

import cnndsl
from cnndsl import targets
from cnndsl.api import examine
from cnndsl.diagnostics import CODES, Diagnostic, Source
from cnndsl.diagnostics.render import render_all
from cnndsl.diagnostics.render_json import render_json
from cnndsl.layers import LAYERS, MERGES
from cnndsl.layers.values import LARGEST
from cnndsl.network import Network
from cnndsl.syntax.build import MAX_NUMBER
from cnndsl.tables.columns import COLUMNS
from cnndsl.targets import json as json_target
from cnndsl.targets import markdown as markdown_target
from cnndsl.targets.svg import VIEWS

ROOT = Path(__file__).resolve().parent.parent
SAMPLES = sorted(
    path for path in (ROOT / "samples").glob("*.cnn") if path.stem != "article_keras_listing"
)


# A second opinion


def ours(text: str) -> list[counting.Counted]:
    """What the JSON says of each layer."""
    return [
        counting.Counted(
            row["op"],
            tuple(row["output"]),
            row["params"],
            row["weights"],
            row["trainable"],
            row["macs"],
            tuple(row["field"]),
        )
        for row in json.loads(cnndsl.build(text, "json"))["layers"]
    ]


@given(nets.straight_nets())
@example("input 16x4\nconv 3 4 /2 pad=1 dilation=2 ceil\nup 3\nconv 2 2\nflatten\ndense 2")
@example("input 12x12x4\nconv 6 3 relu /3\nup 2 bilinear\nminpool 4x4")
@example("input 6x6x2\ndeconv 2 3 /2\npool 2 ceil\ndeconv 1 1 /3 same\ngap keep")
@example("input 9x9x2\nup 2\nzeropad 1:0\navgpool 4 same\nflatten")
def test_numbers_agree(text: str) -> None:
    assert ours(text) == counting.count(text)


def test_decimals_are_worked_out_as_by_hand() -> None:
    text = "input 8x8x3; conv (0.1*3*10) 1x1; conv (1.2**2/0.36) 1x1; dropout (3*0.025)"
    net = cnndsl.check(f"{text}; rescale (1/58.4) offset=(0.3 - 0.1 - 0.2)\n")
    assert [node.output[-1] for node in net.layers] == [3, 4, 4, 4]
    assert "Dropout(0.075)" in cnndsl.build(net, "keras")
    assert "Rescale(1 / 58.4, offset=0.0)" in cnndsl.build(net, "pytorch")
    # What generated code works out in binary is the same for that.
    net = cnndsl.check("block b(r) { dropout (3*r) }; input 8x8x3; b 0.025; b 0.05\n")
    assert "Dropout(3 * r)" in cnndsl.build(net, "keras")
    cnndsl.check("input 8x8x3\nif 0.1 + 0.2 == 0.3 { conv 4 1x1 }\nexpect shape == 8x8x4\n")
    complex_ = cnndsl.diagnose("input 8; dropout ((0.1 - 0.6)**0.5)\n")
    assert [each.message for each in complex_] == ["this is not a real number"]


def one_layer(rng: Random) -> str:
    """A net of one random layer, which need not come out."""
    size = rng.choice(["9x8x3", "12x12x4", "7x11x2", "16x4", "13x6", "6x5x7x2", "5x1x2", "2x2"])
    shape = size.split("x")
    rounding = rng.choice(["exact", "exact", "floor", "ceil"])
    layer = nets.statement(rng, len(shape) - 1, int(shape[-1]))
    return f"rounding {rounding}\ninput {size}\n{layer}"


@given(st.randoms(use_true_random=False).map(one_layer))
def test_the_same_layers_are_refused(text: str) -> None:
    problems = [each for each in cnndsl.diagnose(text) if each.severity == "error"]
    try:
        expected = counting.count(text)
    except counting.Refused:
        assert problems and all(each.code[:2] in ("E1", "E2") for each in problems), text
    else:
        # `bilinear` is for images; the second opinion does not care.
        if problems and "bilinear" not in text:
            pytest.fail(f"{text}\n{problems[0].message}")
        assert problems or ours(text) == expected


# Araujo, Norris and Sim, "Computing receptive fields of convolutional neural networks"
# (2019), table 1: the field of the last maps.
FIELDS = {
    "alexnet": 195,
    "vgg16": 212,
    "resnet50": 483,
    "resnet152": 1507,
    "inceptionv3": 1311,
    "inception_resnet_v2": 3039,
    "mobilenet": 315,
}


@pytest.mark.parametrize("name", FIELDS)
def test_receptive_fields_are_the_published_ones(name: str) -> None:
    text = (ROOT / "samples" / f"{name}.cnn").read_text(encoding="utf-8")
    maps = [node for node in cnndsl.check(text).layers if max(node.output[:-1], default=1) > 1]
    assert maps[-1].receptive_field == (FIELDS[name],) * 2


# Any text


def well_made(problem: Diagnostic) -> None:
    """What holds of any diagnostic."""
    length = len(problem.source.text)
    assert problem.code in CODES
    assert 0 <= problem.span.start <= problem.span.end <= length
    said = [problem.message, problem.help, *(note.message for note in problem.notes)]
    assert problem.message
    for text in said:
        assert not text.endswith("."), text
        assert not re.search(r"(?<!=)None|Word\(|Pair\(|Fraction", text), text
        assert len(text) < 400, text[:400]
    for fix in problem.fixes:
        assert fix.edits
        for edit in fix.edits:
            assert 0 <= edit.span.start <= edit.span.end <= length


def sound(network: Network) -> None:
    """What holds of any network."""
    names = [node.name for node in network.nodes]
    assert len(set(names)) == len(names)
    for node in network.nodes:
        assert all(index < node.index for index in node.inputs)
        assert all(type(size) is int and size >= 1 for size in node.output)
        assert all(type(size) is int and size >= 1 for size in node.receptive_field)
        assert type(node.layer.params) is int and type(node.layer.macs) is int
        sizes = (*node.output, *node.receptive_field, node.layer.params, node.layer.macs)
        assert max(sizes) <= 2 * LARGEST
    used = {index for node in network.nodes for index in node.inputs}
    assert used | set(network.outputs.values()) == set(range(len(network.nodes)))


def look(text: str) -> list[Diagnostic]:
    """Everything that is said about a text, after a look at all that it comes to."""
    network, problems = examine(Source("net.cnn", text), limit=2000)
    for problem in problems:
        well_made(problem)
    render_all(problems)
    render_json(problems)
    assert (network is None) == bool(problems)
    if network is not None:
        sound(network)
        totals = json.loads(json_target.generate(network))["totals"]
        for depth in (None, 1, 2):
            table = markdown_target.generate(network, depth=depth)
            assert f" {totals['params']:,} |\n" in table
    return problems


@given(programs())
def test_any_program(text: str) -> None:
    look(text)


@given(st.text(alphabet='conv 83x{}|()=/;\n#asfrom가＝ \t"-+*,.:<>!', max_size=60))
def test_any_text(text: str) -> None:
    look(text)


# Expensive texts


def chain(count: int, body: str, last: str) -> str:
    """Blocks, each of which calls the next one."""
    blocks = [f"block b{i}(n) {{ {body.replace('NEXT', f'b{i + 1}')} }}" for i in range(count)]
    return "\n".join(["input 8", *blocks, f"block b{count}(n) {{ {last} }}", "b0 1"])


def nested(opening: str, depth: int, inner: str, brace: str = "{") -> str:
    return f"{opening} {brace} " * depth + inner + " }" * depth


def lets(count: int, first: str, rest: str) -> str:
    lines = [f"let x{i + 1} = {rest.replace('X', f'x{i}')}" for i in range(count)]
    return "\n".join(["input 8", f"let x0 = {first}", *lines])


EXPENSIVE = {
    "doubling": (chain(40, "NEXT n; NEXT n", "relu"), {"E302"}),
    "doubling with other values each time": (
        chain(40, "NEXT (2*n); NEXT (2*n + 1)", "relu"),
        {"E302"},
    ),
    "doubling of nothing": (chain(40, "NEXT n; NEXT n", ""), {"E302"}),
    "doubling of constants": (chain(40, "NEXT n; NEXT n", "let x = n"), {"E302"}),
    "endless repeat": ("input 8\nrepeat 1e17 { relu }", {"E302"}),
    "endless repeat of nothing": ("input 8\nrepeat 1e17 { }", set()),
    "endless repeat of a constant": ("input 8\nrepeat 1e17 { let x = 1 }", {"E302"}),
    "endless repeat of no layer": ("input 8\nrepeat 1e17 as i { if i < 0 { relu } }", {"E302"}),
    "repeats of repeats": (f"input 8\n{nested('repeat 1e17', 20, 'relu')}", {"E302"}),
    "a long chain": (chain(500, "NEXT n", "relu"), {"E005"}),
    "deep blocks of repeats": (chain(30, nested("repeat 1", 90, "NEXT n"), "relu"), {"E005"}),
    "deep blocks of ifs": (chain(30, nested("if 1", 90, "NEXT n"), "relu"), {"E005"}),
    "deep blocks of paths": (chain(30, nested("add { skip |", 90, "NEXT n", ""), "relu"), {"E005"}),
    "many parentheses": (f"input 8\nlet x = {'(' * 3000}1{')' * 3000}", {"E005"}),
    "a long sum": (f"input 8\nlet x = {' + '.join('1' * 3000)}", {"E005"}),
    "squares of squares": (lets(100, "2", "X*X"), {"E302"}),
    "a fraction that grows": (lets(100, "2/3", "X*X"), {"E302"}),
    "a fraction of fractions": (lets(200, "1/3", "X/7 + 1/(3 + X)"), {"E302"}),
    "powers": ("input 8\nlet x = 999999999999999999**64", {"E302"}),
    "powers of one": ("input 8\nlet x = 1**10**17 + (-1)**(10**17 + 1)\ndense (9 + x)", set()),
    "powers of powers": ("input 8\nlet x = 2**-64**64", {"E302"}),
    "pairs of pairs": (lets(100, "(1, 1)", "(X, X)"), {"E110"}),
    "a size without end": (f"input 8x8x1\nconv 8 {'x'.join('3' * 50_000)}", {"E004"}),
    "many paths": (f"input 8\nadd {{ {'|' * 3000} }}", set()),
    "many ifs": (f"input 8\nif 0 {{}} {'else if 0 {} ' * 3000}", set()),
    "many unknown tensors": (f"input 8\n{'from a; ' * 600}", {"E106"}),
    "many unknown layers": (f"input 8\n{'foo; ' * 600}", {"E101"}),
    "a name again and again": (f"input 8\n{'relu as a; ' * 3000}", {"E107"}),
    "far too many arguments": (f"input 8\nrelu {'8 ' * 3000}", {"E104"}),
    "an enormous image": ("input 1000000000x1000000000x1000000000\nup 1000000\nflatten", {"E302"}),
    "an image larger and larger": (f"input 2x2x1\n{'up 1000; conv 1 3 same; ' * 6}", {"E302"}),
}


# These go as far as they may before they are refused.
FAR = {"doubling of nothing", "doubling of constants", "endless repeat of no layer"}


@pytest.mark.parametrize("name", few(EXPENSIVE, EXPENSIVE.keys() - FAR, "long"))
def test_expensive_texts_end_soon(name: str) -> None:
    text, codes = EXPENSIVE[name]
    with at_most(15_000_000):
        problems = cnndsl.diagnose(text)
    assert {each.code for each in problems if each.severity == "error"} == codes
    for problem in problems[:10]:
        well_made(problem)


def test_a_tensor_of_an_unused_block_may_have_the_name_of_a_constant() -> None:
    """Its shapes are not known, so neither is the tensor; the constant is no reason to doubt."""
    block = "block unit(n) { conv n 3x3 same as a; add { skip | from a } }\n"
    for text in (block, f"let a = 3\n{block}"):
        found = cnndsl.diagnose(f"{text}input 8x8x3\nconv 4 3x3\n")
        assert [each.code for each in found if each.severity == "error"] == []


# Numbers as large as they come


def test_text_and_layers_have_one_limit() -> None:
    assert MAX_NUMBER == LARGEST


GROWING = {
    "values": "input 1x1x2; repeat 100 { concat { skip | skip } }",
    "values of many paths": f"input 9x{10**17}; concat {{ {'|' * 20} }}",
    "values of an input": "input 1000000000000x1000000000000x1",
    "filters": f"input 8x8x1; conv {10**17} 3 same",
    "kernels": f"input {10**9}x1; conv 1 {10**10} same",
    "depthwise": f"input 8x8x8; dwconv 3 mult={10**17}",
    "separable": f"input 8x8x8; sepconv 9 1 mult={10**17}",
    "strides backwards": f"input 8x8x1; deconv 1 3 /{10**10}",
    "kernels backwards": f"input 8x8x1; deconv 1 {10**10}",
    "dense": f"input {10**10}; dense {10**10}",
    "enlarged": "input 2x1; repeat 70 { up 2 }",
    "padded": f"input 8x8x1; zeropad {10**10}",
    "padding": f"input 8x1; conv 1 3 pad={10**18}",
    "padding by same": f"input 8x1; conv 1 3 same dilation={10**18}",
    "padding of pools": f"input 8x1; pool {10**18} same; pool {10**18} pad={10**18 - 1}",
    "padding by ceil": f"input 9x1; pool 3 /{10**18} pad=2 ceil; conv 1 2 /{10**18} pad={10**18}",
    "field": "input 1x1x1; repeat 70 { conv 1 3 /2 same }",
    "field of nothing": "input 1x1x1; repeat 70 { conv 1 1 /2 same }",
    "field of pools": "input 1x1x1; repeat 70 { pool 2 same }",
    "field of paths": "input 1x1; repeat 70 { add { pool 4 same | conv 1 1 /4 same } }",
    "field of dilation": f"input 9x1; repeat 12 {{ conv 1 3 same dilation={10**17} }}",
    "params": f"input {10**9}; repeat 3 {{ dense {10**9 // 2} }}",
    "macs": "input 1000x1000x1; repeat 40 { conv 10000 5 same }; repeat 99 { conv 1000 99 same }",
    "params of activations": f"input {10**17}; repeat 20 {{ prelu }}",
    "params of norms": f"input {10**17}; repeat 20 {{ bn }}",
}


@pytest.mark.parametrize("name", GROWING)
def test_what_grows_beyond_all_networks_is_an_error_where_it_does(name: str) -> None:
    text = GROWING[name]
    with at_most(100_000):
        problems = cnndsl.diagnose(text)
    errors = [each for each in problems if each.severity == "error"]
    assert errors and {each.code for each in errors} == {"E302"}
    for problem in errors:
        well_made(problem)
        start, end = problem.span
        assert text[start:end].split()[0] in (*LAYERS, *MERGES, "input"), text[start:end]


LARGE = (
    f"input 1x{10**17}x1; conv 1 1x3 /2 same relu; pool 1x2 floor; deconv 1 1x2 /1x2; zeropad 0x1; "
    "crop 0x1:1; gap; dense 2",
    f"input 8x8x2; conv {10**15} 1; bn; concat {{ skip | skip }}; slice 0:{10**15}; conv 2 1; gap",
    "input 4x4x2; repeat 50 { concat { skip | skip } }",
    "input 1x1x2; repeat 58 { conv 2 3x3 /2 same }; up 1000; gap; dropout 0.999999999",
    f"input {10**18}; reshape {10**6}x{10**6}x{10**6}; conv 1 1 /1000 floor nobias; gap keep",
    "input 64x64x1; conv 1 3 pad=100000000 /1000000000000 floor; conv 3 1 same; flatten",
)


@pytest.mark.parametrize("net", few(LARGE, LARGE[2:3], "long"), ids=itertools.count())
def test_what_is_as_large_as_can_be_is_written(net: str) -> None:
    """By every target, in every form."""
    network = cnndsl.check(net, file="a.cnn")
    asked: list[tuple[str, dict[str, object]]] = [(name, {}) for name in targets.names()]
    asked += [("svg", {"view": view}) for view in VIEWS if view != "sliding"]
    asked += [("walkthrough", {"level": level}) for level in (1, 2, 3)]
    asked += [("csv", {"columns": list(COLUMNS)})]
    for name, options in asked:
        if name == "onnx":
            continue  # its files hold weights
        try:
            written = cnndsl.build(network, name, **options)
        except cnndsl.CnndslError as error:
            assert [each.code for each in error.diagnostics] == ["E401"]
        else:
            text = written if isinstance(written, str) else ""
            assert written and not re.search(r"[0-9]{40}|\binf\b|\bnan\b", text), name


# What callers give


class Unshowable:
    def __repr__(self) -> str:
        raise ValueError("no")


ODD_VALUES: list[object] = [
    0, -1, 2.5, float("nan"), float("inf"), -float("inf"), 10**30, True, None, (1, 2), (), (0,),
    ((1, 2), 3), "", "a", "nothing", "relu", "conv", "C", "1:2", "(1:2, 3)", "x", "1/3", "1e400",
    "#", "4 # c", "4; relu", "4\nrelu", "(4", "let", "-3", "2**64", "a b", '"q"', "3×3", "가",
    "\x00", "1x2x3x4x5", [1, 2], {2}, b"4", {1: 2}, 1j, 10**18 + 1, 10**5000, -(10**5000),
    (10**30, 3), (10**5000,), (3,) * 10_000, "9" * 5000, "9" * 100_000, Fraction(1, 3),
    np.int64(4), np.int64(2**62), np.float64(4), np.float64("nan"), np.array([3, 3]),
    "\x1b[31m", "\ud800", "1e-999", "(" * 5000, Decimal("sNaN"), Unshowable(), Unshowable,
]  # fmt: skip


@pytest.mark.parametrize("value", ODD_VALUES, ids=itertools.count())
@pytest.mark.parametrize("name", few(["width", "size", "act", "other"], ["size", "act"], "long"))
def test_any_value_for_a_param(name: str, value: object) -> None:
    text = (
        "param width = 4\nparam size = 3x3\nparam act = relu\ninput 16x16x4 as a\n"
        "conv width size act\nif width > 3 { conv (width*2//3 + 1) 1 pad=width }\n"
        "repeat width { act }\nexpect params > width\nexpect shape != size\n"
        "dropout (1/(width + 3))\nslice 0:width\nconv (divisible(width, 8)) 1\nact"
    )
    for problem in cnndsl.diagnose(text, set={name: value}):  # type: ignore[dict-item]
        well_made(problem)


@pytest.mark.parametrize("value", ODD_VALUES, ids=itertools.count())
def test_any_value_for_the_input(value: object) -> None:
    problems = cnndsl.diagnose("conv 3 3 same", input=value)  # type: ignore[arg-type]
    assert len(problems) <= 1
    for problem in problems:
        well_made(problem)
        assert problem.message.isprintable()


ODD_NAMES = [1, (2, 3), "", "9" * 5000, 10**5000, "\x1b[31m", Unshowable()]


@pytest.mark.parametrize("value", ODD_NAMES, ids=itertools.count())
def test_any_name_of_a_setting(value: Any) -> None:
    settings: dict[Any, Any] = {value: 3, "other": 4}
    problems = cnndsl.diagnose("input 8x8x1; conv 3 3 same", set=settings)
    assert {each.code for each in problems} == {"E113"}
    for problem in problems:
        well_made(problem)
        assert problem.message.isprintable()


@pytest.mark.parametrize("value", [10**18, (3, 10**18), 1e18, np.int64(10**18)], ids=str)
def test_values_from_outside_end_where_those_of_a_text_do(value: Any) -> None:
    def told(value: Any) -> list[str]:
        text = "param n = 4\ninput 8x8x1\nif n == 3 { relu }\n"
        return [each.code for each in cnndsl.diagnose(text, set={"n": value})]

    assert told(value) == []
    larger = (3, value[1] + 1) if isinstance(value, tuple) else value * 2
    assert told(larger) == ["E105"]


@pytest.mark.parametrize(
    "name", ["", "\x00", "\ud800", "a" * 100_000, "../..", "a\nb", "²"], ids=itertools.count()
)
@pytest.mark.parametrize("limit", [0, -1, 10**30, float("inf")])
def test_any_name_and_limit(name: str, limit: Any) -> None:
    for text in ("input 8x8x1; conv 3 3 same", "\ud800 = 3 # \ud800", "conv \ud800", ""):
        for problem in cnndsl.diagnose(text, file=name, limit=limit):
            well_made(problem)


# One mistake, one message

_TOKEN = re.compile(r"#[^\n]*|[^\W\d]\w*|\d[\w.]*|\S|\s+")
# Words after which a name is defined: misspelt there, it is missed in many places.
_DEFINING = ("net", "block", "as", "let", "param", "head", "(", ",")
_KEPT = "net input block repeat if else let param head as from expect and or not x".split()


def damage(text: str, rng: Random) -> str | None:
    """The text with one word misspelt, replaced by another, or with a value left out."""
    tokens = _TOKEN.findall(text)
    words = [i for i, token in enumerate(tokens) if token[0].isalpha() and token not in _KEPT]
    index = rng.choice(words)
    before = next((t for t in reversed(tokens[:index]) if not t.isspace()), "")
    if before in _DEFINING:
        return None
    word = tokens[index]
    kind = rng.choice(["misspelt", "unknown", "left out"])
    if kind == "left out":
        after = index + 2
        if word not in LAYERS or after >= len(tokens) or not tokens[after][0].isdigit():
            return None
        return "".join(tokens[:after] + tokens[after + 1 :])
    tokens[index] = word + word[-1] if kind == "misspelt" else "qqqq"
    return "".join(tokens)


TEXTS = st.sampled_from(SAMPLES).map(lambda path: path.read_text(encoding="utf-8"))


@given(TEXTS | nets.branching_nets(), st.randoms(use_true_random=False))
def test_one_mistake_gives_one_message(text: str, rng: Random) -> None:
    damaged = damage(text, rng)
    # Without a word about rounding, sizes are to come out whole: that is news of its own.
    if damaged is not None and re.search(r"^qqqq (floor|ceil)$", damaged, re.M) is None:
        problems = look(damaged)
        assert len(problems) <= 1, damaged + "\n" + render_all(problems)


@pytest.mark.parametrize(
    "text",
    [
        "let w = 4; input 8x8x4; repeat 1 { let w = w*2; conv w 1 }",
        "let w = 4; input 8x8x4; block b(n) { let w = w*n; conv w 1 }; b 2",
        "let w = 4; input 8x8x4; add { let w = w*2; conv w 1 | conv 8 1 }",
    ],
)
def test_a_constant_may_read_one_of_its_name_from_outside(text: str) -> None:
    assert cnndsl.check(text).nodes[1].output[-1] == 8


def test_a_constant_cannot_read_itself() -> None:
    [problem] = cnndsl.diagnose("input 8x8x4; let a = a + 1; conv a 1; gap; dense 2")
    assert (problem.code, problem.span.start) == ("E106", 21)


# Errors beside a statement that cannot be read

# What changes no shape, with the code of what is wrong with it.
HARMLESS = {
    "let k = 3 3": "E002",
    "let k = 99999999999999999999": "E004",
    "let k = (3": "E003",
    "let k k = 3": "E002",
    "let k = “3”3": "E001",
    "lett k = 3": "E101",
    "k = 3": "E002",
    "param k = 3 3": "E002",
    "param k 3": "E002",
    "expect params == 3 4": "E002",
    "expct params == 3": "E002",
    "expect shape = 9x9x9": "E002",
    "block k(n,, m) { relu }": "E002",
    "block k(n) m { relu }": "E002",
    "head k k k { relu }": "E002",
    "defaults keras torch": "E002",
    "rounding floor floor": "E002",
    "relu 3,3": "E002",
    "dropout 50%% as k": "E002",
    "bn eps=": "E002",
    "skip 3,3 as k": "E002",
    "// k": "E002",
}

SPOILING = {
    "conv 3,3 as k": "E002",
    "from k k": "E002",
    "repeat 2 2 as k { relu }": "E002",
    "if 1 1 { relu } else { bn } as k": "E002",
    "add { skip | relu } 3 as k": "E002",
    "twice k,": "E002",
    "§ 8 3 as k": "E001",
    "let conv = 3 3": "E002",
}

# Other mistakes, on an image of 8x8x1, with their codes: those that every reader sees, and those
# that need its shape.
PLAIN = {
    "convv 4 3": "E101",
    "conv 4 3 nobia": "E102",
    "conv 4": "E103",
    "conv wide 3": "E106",
    "from nowhere": "E106",
    "expect sape == 3": "E106",
    "conv (1 // 0) 3": "E110",
    "let here = 1 // 0": "E110",
}
SIZES = {
    "conv 4 9x9": "E203",
    "dense 4": "E204",
    "pool 3": "E202",
    "gn 2": "E205",
    "add { skip | conv 3 1 }": "E206",
    "reshape 7": "E207",
    "slice 0:2": "E208",
    "expect shape == 3x3x1": "E301",
    "conv 1000000000 1000000000 same": "E302",
}


def around(broken: str, mistake: str) -> list[tuple[str, bool]]:
    """Texts with two mistakes, and whether the broken one comes before the other."""
    head = "block twice(n) { conv n 3; conv n 3 }\ninput 8x8x1 as image\n"
    return [
        (f"{head}{broken}\nfrom image\n{mistake}", False),
        (f"{head}{mistake}\n{broken}\n", False),
        (f"{head}{broken}; {mistake}  # k: {broken}", True),
        (f"{head}{broken}\nrelu  # k\n{mistake}\n", True),
    ]


def told(text: str) -> list[str]:
    return sorted(each.code for each in cnndsl.diagnose(text) if each.severity == "error")


@pytest.mark.parametrize("broken", HARMLESS)
def test_what_changes_no_shape_hides_nothing(broken: str) -> None:
    for mistake, code in (PLAIN | SIZES).items():
        if "rounding" in broken and code in ("E202", "E301"):
            continue  # sizes are then rounded somehow
        if mistake.startswith("expect shape") and HARMLESS[broken] == "E101":
            continue  # a promise is held where nothing else is wrong
        for text, _ in around(broken, mistake):
            if "\n//" in text and "// k;" in text:
                continue  # all of the line is read as one statement
            assert told(text) == sorted([HARMLESS[broken], code]), text


@pytest.mark.parametrize("broken", SPOILING)
def test_what_may_change_the_shape_hides_sizes_alone(broken: str) -> None:
    for mistake, code in (PLAIN | SIZES).items():
        for text, is_hidden in around(broken, mistake):
            hidden = is_hidden and mistake in SIZES
            assert told(text) == sorted([SPOILING[broken], *([] if hidden else [code])]), text


@pytest.mark.parametrize("kind", ["let", "param"])
def test_a_name_of_a_statement_that_cannot_be_read_is_not_missed(kind: str) -> None:
    text = f"{kind} k = 3 3\ninput 8x8x1 as image\nconv k 3\n"
    assert told(text) == ["E002"]
    assert told(f"{text}conv k 9x9\nconv 4 9x9\n") == ["E002"]  # of unknown sizes
    assert told(f"{text}from image; relu; conv kk 3; conv 4 9x9\n") == ["E002", "E106"]
    assert told(f"input 8x8x1\nconv k 3\n{kind} k = 3 3\n") == ["E002", "E106"]


def test_blocks_of_statements_that_cannot_be_read_are_not_missed() -> None:
    assert told("input 8x8x1\nunit 3\nblock unit(n,) { conv n 3 }\n") == ["E002"]
    assert told("input 8x8x1\nunit 3\nblock (n) { conv n 3 }\n") == ["E002"]
    assert told("input 8x8x1\nblock b(n) { unit n }\nb 3\nblock unit(n, = 3) { }\n") == ["E002"]
    assert told("input 8x8x1\nunit 3\nblok unit(n) { conv m 3 }\n") == ["E002", "E101", "E101"]


def test_what_stands_in_the_braces_of_a_broken_statement_is_read() -> None:
    for broken in ("repeat 3 3", "repeat 3 as i j", "if 1 1", "if C == 8 and", "add 3,"):
        text = f"input 8x8x1\n{broken} {{ let n = 3; conv n 3; convv 4 3; conv 4 3 nobia }}\n"
        assert told(text) == ["E002", "E101", "E102"], text
    text = "input 8x8x1\nblock b(n,) { conv n 3; convv n k; conv m 3 rellu }\n"
    assert told(text) == ["E002", "E101", "E102"]


def test_a_missing_input_is_told_where_nothing_may_have_been_one() -> None:
    assert told("let k = 3 3\nconv 4 3\n") == ["E002", "E112"]
    assert told("conv 4,3\n") == ["E002", "E112"]
    for text in ("input 8x8 1\nconv 4 9x9", "inputt 8x8x1 as\nconv 4 9x9", "8x8x1\nconv 4 9x9"):
        assert len(told(text)) == 1, text
    # An input that comes too late is one for what follows.
    assert told("conv 4 3\ninput 8x8x1\nconv 4 9x9\n") == ["E112", "E203"]
    assert told("8x8x1 as a\ninput 4 as b\nconv 4 3x3\n") == ["E002"]


def test_a_param_that_cannot_be_read_may_be_set() -> None:
    for line, codes in {
        "param n = 3 3": ["E002"], "param = 3": ["E002"], "parm n = 3": ["E101"],
        "let n = 3 3": ["E002"], "let k = 3 3": ["E002", "E113"],
    }.items():  # fmt: skip
        problems = cnndsl.diagnose(f"{line}\ninput 8x8x1\nrelu\n", set={"n": 4})
        assert sorted(each.code for each in problems) == codes, line


@pytest.mark.parametrize(
    "line",
    [
        "lett{} k,", "x{} = conv 3", "repeat 3 3 {{ as a{},", "foo{} 3, {{ convv 3 }}",
        "if 1 1 {{ relu }} else {{ bn }} as a{}", "block b{}(n,,k) {{ conv n k }}",
    ],
)  # fmt: skip
def test_many_broken_statements_take_no_longer_each(line: str) -> None:
    text = "".join(f"{line.format(at)}\n" for at in range(300))
    with at_most(500_000):
        assert cnndsl.diagnose(f"input 8x8x1\n{text}")


def test_many_names_are_not_all_held_against_each_that_is_misspelt() -> None:
    lets = "".join(f"let name{at} = 3\n" for at in range(1000))
    unknown = "".join(f"from x; conv nome{at}x 3\n" for at in range(10))
    with at_most(450_000):
        problems = cnndsl.diagnose(f"{lets}input 8x8x1 as x\n{unknown}")
    assert len(problems) == 10


@pytest.mark.parametrize(
    ("body", "codes"),
    [
        ("b -1 4096.5", ["E101", "E104"]),
        ("convv 3 3 same", ["E101"]),
        ("convv 3 3 same; zeropad 1; bn esp=3", ["E101", "E102"]),
        ("repeat 5 { bn epss=3; zeropad 1 }", ["E102"]),
    ],
)
def test_a_mistake_in_a_loop_takes_no_longer_than_a_loop(body: str, codes: list[str]) -> None:
    with at_most(150_000):
        assert told(f"input 20x20x1\nrepeat 100000 {{ {body} }}\n") == codes


def test_shapes_after_a_loop_with_a_mistake_are_known() -> None:
    text = "input 64x64x8\nrepeat 4 { bn esp=3; pool 2 }\nconv 4 9x9\n"
    assert told(text) == ["E102", "E203"]
    assert told(text.replace("9x9", "4x4")) == ["E102"]
