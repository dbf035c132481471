"""Sizes as formulas: for every size they say what the checker says, and which sizes fit."""

from __future__ import annotations

import re
from pathlib import Path
from random import Random
from typing import Any

import nets
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import valid_nets

import cnndsl
from cnndsl.cli import main
from cnndsl.contract import TargetError
from cnndsl.diagnostics import Source
from cnndsl.network import Network
from cnndsl.network.evaluation import Probe
from cnndsl.quickfix.solve import solve
from cnndsl.symbolic.form import Form
from cnndsl.symbolic.polynomial import Letter, evaluated
from cnndsl.symbolic.residues import Residues
from cnndsl.symbolic.trace import symbols
from cnndsl.syntax.parser import parse
from cnndsl.tables.formulas import evaluated as worked
from cnndsl.tables.symbols import conditions, lettered

SAMPLES = Path(__file__).resolve().parent.parent / "samples"
MANY = 1000 if settings.default.max_examples >= 5000 else 20


def checked(text: str, sizes: dict[int, tuple[int, ...]]) -> Network | None:
    """What the checker makes of a text with other inputs, promises apart."""
    source = Source("net.cnn", text)
    return Probe(source, parse(source)[0], {}, None, 10**6, sizes=sizes).run("net", unkept=True)


def number(value: int | Form, sizes: dict[Letter, int]) -> int:
    """A form for some sizes, as it is and as it is written."""
    if not isinstance(value, Form):
        return value
    found = evaluated(value.value, sizes)
    assert worked(value.formula, {each.formula: size for each, size in sizes.items()}) == found
    assert found.denominator == 1, value.formula
    return int(found)


def compare(text: str, rng: Random) -> None:
    net = nets.network(text)
    if net is None:
        return
    try:
        found = symbols(net)
    except TargetError:
        return  # it says so, which other tests look at
    for _ in range(6):
        sizes = {}
        for letter, rule in found.conditions.items():
            some = rule.within(range(1, 60))
            near = found.facts.sizes[letter] + rng.randint(-8, 8)
            tries = [near, rng.randint(1, 12), rng.choice(some or [1])]
            sizes[letter] = max(1, rng.choice(tries))
        given = {
            place: (*(sizes[letter] for letter in own), net.nodes[at].output[-1])
            for place, (at, own) in enumerate(zip(net.inputs, found.letters))
            if own
        }
        other = checked(text, given)
        fits = all(size in found.conditions[x].within(range(1, 100)) for x, size in sizes.items())
        assert (other is not None) == fits, (text, sizes)
        for one, its in zip(found.network.nodes, other.nodes if other else ()):
            told = (*one.output, one.params, one.biases, one.layer.macs)
            numbers = (*its.output, its.params, its.biases, its.layer.macs)
            assert tuple(number(each, sizes) for each in told) == numbers, (text, sizes, one)
        if other is not None:
            assert [number(each, sizes) for each in found.network.totals] == [*other.totals]


@settings(max_examples=MANY)
@given(st.randoms(use_true_random=False))
def test_property_formulas_say_what_the_checker_says(rng: Random) -> None:
    text = nets.exact_or_not(rng)
    compare(text, rng)


@settings(max_examples=MANY)
@given(valid_nets(), st.integers(0, 10**6))
def test_property_of_the_whole_language(text: str, seed: int) -> None:
    compare(text, Random(seed))


def told(text: str, name: str = "") -> str:
    """The size of the last layer, or of one of a name."""
    net = lettered(cnndsl.check(text)).network
    nodes = [node for node in net.nodes if not name or node.name == name]
    return "x".join(map(str, nodes[-1].output))


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("input 9x9x1; conv 2 3x3 /2; pool 2", "(H - 1)/4x(W - 1)/4x2"),
        ("input 9x9x1; conv 2 3x3 /2 same; pool 2 ceil", "⌈H/4⌉x⌈W/4⌉x2"),
        ("input 9x9x1; conv 2 4x3 /2 floor; pool 2 floor", "⌊(H - 2)/4⌋x⌊(W - 1)/4⌋x2"),
        ("rounding floor\ninput 40x40x1; pool 2; up 2; pool 2", "⌊H/2⌋x⌊W/2⌋x1"),
        ("rounding floor\ninput 9x9x1; pool 2; up 3", "3×⌊H/2⌋x3×⌊W/2⌋x1"),
        ("input 9x9x1; pool 2 pad=1 ceil", "⌈(H + 1)/2⌉x⌈(W + 1)/2⌉x1"),
        ("input 12x8; conv 2 3; pool 2", "(L - 2)/2x2"),
        ("input 8x8x8x2; pool 2; flatten", "D×H×W/4"),
        ("input 8x6x4; permute 2x1x3; pool 2x1", "W/2xHx4"),
        ("input 8x8x4; pixelshuffle 2; crop 1; zeropad 0:3", "2×H + 1x2×W + 1x1"),
        ("input 8x8x4; deconv 3 3x3 /2", "2×H + 1x2×W + 1x3"),
        ("input 9x9x2; concat axis=height { conv 2 3x1 | skip }", "2×H - 2xWx2"),
        ("input 8x6x1 as a\ninput 4x4x1 as b\npool 2; add { skip | from b; crop 0x0:1 }", ""),
    ],
)
def test_sizes_are_one_fraction_each(text: str, size: str) -> None:
    if not size:  # of two inputs, whose sizes depend on one another
        with pytest.raises(TargetError):
            told(text)
    else:
        assert told(text) == size


def test_conditions_add_up_and_are_told() -> None:
    def rule(text: str) -> list[str]:
        (found,) = {*lettered(cnndsl.check(text)).conditions.values()}
        return [*conditions("L", found)]

    assert rule("input 39x1; conv 2 4; pool 2; conv 2 3; pool 2; conv 2 3; pool 2") == [
        "L ≡ 7 (mod 8)",
        "L ≥ 23",
    ]
    assert rule("input 10x1; conv 2 3 /3 pad=1; conv 2 2 /2") == ["L ≡ 4 (mod 6)", "L ≥ 4"]
    # Floors that have to agree where paths meet.
    unet = "rounding floor\ninput 16x1; add { skip | pool 2; add { skip | pool 2; up 2 }; up 2 }"
    assert rule(unet) == ["L ≡ 0 (mod 4)", "L ≥ 4"]
    assert rule("input 7x1; add { conv 1 3 /2 pad=1 floor | pool 2 ceil }") == ["L ≥ 2"]
    mixed = "input 13x1; pool 2 floor; pool 2"
    assert rule(mixed) == ["L ≡ 0, 1 (mod 4)", "L ≥ 4"]
    assert rule("input 6x1; add { skip | up to=6 }") == ["L = 6"]


def test_inputs_of_equal_size_have_the_same_letters() -> None:
    one = cnndsl.check("input 8x8x1 as a\ninput 8x8x3 as b\nconcat { skip | from b }; pool 2")
    assert {each.formula for each in symbols(one).conditions} == {"H", "W"}
    two = cnndsl.check("input 8x8x1 as a\ninput 5x4 as b\ngap; concat { skip | from b; gap }")
    assert [each.formula for each in symbols(two).conditions] == ["H_1", "W_1", "L_2"]
    assert {each.formula for each in symbols(two, [1]).conditions} == {"L"}


def built(net: Network, target: str, **options: Any) -> str:
    text = cnndsl.build(net, target, **options)
    assert isinstance(text, str)
    return text


def test_counts_are_formulas_and_tables_write_them() -> None:
    net = cnndsl.check((SAMPLES / "article.cnn").read_text())
    table = built(net, "markdown", sizes="symbolic")
    assert "| ((H - 15)/8, (W - 15)/8, 60) | ((H - 23)/8, (W - 23)/8, 80) |" in table
    assert "| 125×(H - 23)×(W - 23) + 48,620 |" in table.splitlines()[-3]
    assert table.endswith("H ≡ 7 (mod 8), H ≥ 31, W ≡ 7 (mod 8), W ≥ 31.\n")
    csv = built(net, "csv", sizes="symbolic", columns=["output-shape", "multiply-adds"])
    assert "(H - 3)x(W - 3)x20,320*(H - 3)*(W - 3)\r\n" in csv
    latex = built(net, "latex", sizes="symbolic", fragment=True)
    assert r"($(H - 7)/2$, $(W - 7)/2$, 40)" in latex and "⌊" not in latex
    post = built(net, "walkthrough", sizes="symbolic", math="plain", lang="ko")
    assert "`H_out = (H - K)/S + 1 = ((H_0 - 3)/2 - 3)/1 + 1 = (H_0 - 7)/2`" in post
    assert "- `H_0`: 높이(신경망의 입력)\n- `W_0`: 너비(신경망의 입력)\n" in post
    # Letters of the input are not taken for those of a layer, and inputs have names.
    two = cnndsl.check(
        "input 8x8x1 as a\ninput 6x6x1 as b\ninput 6x6x1 as c\n"
        "add { from b | from c }\ngap\nconcat { skip | from a; gap }"
    )
    legend = built(two, "walkthrough", sizes="symbolic")
    assert "- $H_{1}$: height of the input `a`\n" in legend
    assert "- $W_{2}$: width of the input `b` and the input `c`\n" in legend
    # All that is no size is as it was.
    numbers = re.findall(r"\b7,240\b", built(net, "walkthrough", math="plain"))
    assert len(numbers) == len(re.findall(r"\b7,240\b", post))


@pytest.mark.parametrize(
    ("text", "line", "part"),
    [
        ("input 8x8x1\nconv 2 3x3\nif H > 4 { pool 2 }\n", 3, "`H` is read"),
        ("input 8x8x1\nflatten\ndense (C/2)\n", 3, "`C` is read"),
        ("block b(n=W) { conv n 1 }\ninput 8x8x1\nb\n", 1, "`W` is read"),
        ("input 6x8x2\npool 2\nreshape 12x2\n", 3, "reshape: its sizes go together"),
        ("input 8x8x1\nadd { skip | permute 2x1x3 }\n", 2, "add: its sizes go together"),
        (
            "rounding floor\ninput 900x9x1\nrepeat 9 { concat axis=height { pool 2x1 | skip }\n"
            "  pool 2x1 }\n",
            3,
            "grows too long",
        ),
    ],
)
def test_where_there_is_no_formula_the_line_says_so(text: str, line: int, part: str) -> None:
    net = cnndsl.check(text)
    for target in ("markdown", "walkthrough"):
        with pytest.raises(cnndsl.CnndslError) as caught:
            cnndsl.build(net, target, sizes="symbolic")
        (problem,) = caught.value.diagnostics
        assert problem.source.position(problem.span.start).line == line
        assert part in problem.message and "--sizes numbers" in problem.help


def test_constants_and_channels_stay_numbers() -> None:
    text = "param n = 4\ninput 8x8x2\nblock b() { conv (C*2) 1 }\nb; repeat n { conv C 3x3 same }"
    assert told(text) == "HxWx4" and told("input 12\ndense 3") == "3"


def test_solve_is_instant_for_any_range() -> None:
    source = Source("net.cnn", (SAMPLES / "article.cnn").read_text())
    found = solve(source, [range(1, 10**17)] * 2)
    assert found.by_axis and found.rules and found.beyond
    assert len(found.by_axis[0]) == len(range(31, 10**17, 8)) and found.by_axis[1][-1] % 8 == 7
    assert found.nearest[:2] == ((31, 31, 1), (39, 39, 1)) or (39, 39, 1) in found.nearest
    far = solve(source, [range(10**15, 10**15 + 20)] * 2)
    assert far.by_axis and [*far.by_axis[0]] == [10**15 + 7, 10**15 + 15]


def test_solve_says_why_it_searches(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "net.cnn"
    path.write_text("input 8x8x1\nif H > 4 { pool 2 }\n")
    assert main(["solve", str(path), "--range", "6:9"]) == 0
    text = capsys.readouterr().out
    assert "there is no closed form, for line 2: `H` is read here" in text
    assert main(["build", str(path), "--target", "html", "--sizes", "symbolic"]) == 1
    assert "error[E401]" in capsys.readouterr().err
    assert main(["solve", str(SAMPLES / "article.cnn"), "--lang", "ko"]) == 0
    assert "어떤 범위에서든: 높이 31 + 8k, 너비 31 + 8k\n" in capsys.readouterr().out


@given(st.integers(1, 12), st.sets(st.integers(0, 11)), st.integers(1, 30), st.data())
def test_property_residues(modulus: int, some: set[int], least: int, data: st.DataObject) -> None:
    remainders = tuple(sorted({each % modulus for each in some}))
    start = data.draw(st.integers(1, 40))
    bounds = range(start, start + data.draw(st.integers(0, 50)))
    most = data.draw(st.none() | st.integers(1, 60))
    found = Residues(modulus, remainders, least, most).within(bounds)
    plain = [
        x
        for x in bounds
        if x % modulus in remainders and least <= x <= (x if most is None else most)
    ]
    assert [*found] == plain and len(found) == len(plain)
    assert [x for x in range(1, 100) if x in found] == plain
    assert {*found.near(20, 3)} <= {*plain} and (not plain or found[-1] == plain[-1])
