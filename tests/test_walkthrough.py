"""The walkthrough: every number follows from the one before, in both languages and notations."""

from __future__ import annotations

import math
import re
from fractions import Fraction
from pathlib import Path
from typing import Any

import nets
import pytest
from conftest import few
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from test_tables import HOSTILE, Reader, compiled, renamed, told

import cnndsl
from cnndsl import Network
from cnndsl.api import analysis_of as analysed
from cnndsl.api import examine
from cnndsl.cli import main
from cnndsl.diagnostics import Source
from cnndsl.lang import LANGUAGES
from cnndsl.lang.particles import with_particles
from cnndsl.targets import walkthrough

EXAMPLES = """
input 9x8x4
conv 8 3x2 relu /2 pad=1:0x2:1 dilation=2 groups=2 ceil
dwconv 3 same /2 mult=2
sepconv 4 3 prelu pad=1
deconv 6 3x2 /2 pad=1:0x0
deconv 6 1 /2 same
pool 2 floor; avgpool 2 /1 pad=1; minpool 3x2 /2 ceil
up 2; zeropad 1:2x0; crop 1:0x1; shuffle 2; slice 1:4
bn noscale; ln; gn 3; lrn; scale; dropout 0.5
concat { skip | conv 2 1 | skip }
add { skip | droppath 0.5 }; mul { skip | gap keep }; maximum { skip | relu }; average { skip | bn }
reshape 12x3x8
gap keep; gmp; reshape 1x1x8; flatten; dense 5 softmax; dense 3 nobias
"""
"""A net of most layers, with most of their arguments."""


ROOT = Path(__file__).resolve().parent.parent


def sample(name: str) -> Network:
    path = ROOT / "samples" / f"{name}.cnn"
    return cnndsl.check(path.read_text(encoding="utf-8"), file=f"{name}.cnn")


def write(net: str | Network, **options: Any) -> str:
    network = cnndsl.check(net) if isinstance(net, str) else net
    return walkthrough.generate(network, **{"math": "plain", **options})


def worth(formula: str) -> Fraction:
    """What an expression of numbers comes to, as a reader would work it out."""
    python = formula.replace(",", "").replace("×", "*").replace("max(0 ", "max(0, ")
    python = python.replace("⌊", "floor(").replace("⌈", "ceil(").replace("⌋", ")").replace("⌉", ")")
    python = re.sub(r"[\d.]+", r"F('\g<0>')", python)
    return Fraction(
        eval(python, {"F": Fraction, "floor": math.floor, "ceil": math.ceil, "max": max})
    )


def check_arithmetic(text: str) -> int:
    """Work every formula of a text out; gives how many there were."""
    count = 0
    for equation in re.findall(r"`([^`]* = [^`]*)`", text):
        *_, last = parts = equation.split(" = ")
        for part in parts[:-1]:
            if not re.search(r"[A-Za-z]", part.replace("max", "")):
                assert worth(part) == worth(last), equation
                count += 1
    return count


def headings(text: str) -> list[str]:
    return [line.lstrip("# ") for line in text.split("\n") if line.startswith("#")]


def test_the_article() -> None:
    """Grouped as the article groups: each convolution with its pool."""
    text = write(sample("article"))
    assert [line for line in headings(text) if re.match(r"\d+\. ", line)] == [
        "1. Convolution 1 and max pooling 1",
        "2. Convolution 2 and max pooling 2",
        "3. Convolution 3 and max pooling 3",
        "4. Convolution 4",
        "5. Flatten",
        "6. Fully connected",
    ]
    for line in (
        "- Input shape: (39, 31, 1)",
        "- `H_out = (H - K)/S + 1 = (39 - 4)/1 + 1 = 36`",
        "- `W_out = (W - K)/S + 1 = (31 - 4)/1 + 1 = 28`",
        "Output shape: **(36, 28, 20)**",
        "- Weights: `K×K×C×N = 4×4×1×20 = 320`",
        "- Biases: `N = 20`",
        "- Together: `320 + 20 = 340`",
        "- `H_out = H/K = 36/2 = 18`",
        "- `N_out = H×W×C = 2×1×80 = 160`",
        "In all, the net has 64,620 parameters: 64,320 weights and 300 biases.",
    ):
        assert f"\n{line}\n" in text, line
    assert check_arithmetic(text) == 2 * 7 + 1 + 5 + 5


def test_the_article_in_korean() -> None:
    text = write(sample("article"), lang="ko")
    assert "## 1. 합성곱 층 1과 최대 풀링 층 1" in text
    assert "## 2. 합성곱 층 2와 최대 풀링 층 2" in text
    assert "활성화 함수 ReLU를 적용합니다" in text
    assert "파라미터 64,620개가 있습니다. 가중치 64,320개와 편향 300개" in text


def test_latex() -> None:
    text = walkthrough.generate(sample("article"))
    assert ("$$\nH_{\\mathrm{out}} = \\frac{H - K}{S} + 1 = \\frac{39 - 4}{1} + 1 = 36\n$$") in text
    assert "- Weights: $K \\times K \\times C \\times N = 3 \\times 3 \\times 20 \\times 40" in text
    assert "$N_{\\mathrm{in}} \\times N_{\\mathrm{out}} = 160 \\times 100 = 16{,}000$" in text


def test_latex_is_latex(tmp_path: Path) -> None:
    """Every formula is typeset, those of a net that fails among them."""
    failing = ["input 8x7x1; conv 2 4x4 /3", *MISFITS]
    texts = [write(EXAMPLES, math="latex"), *(explained(net, math="latex") for net in failing)]
    formulas = [
        formula
        for text in texts
        for pair in re.findall(r"\$\$\n(.*?)\n\$\$|\$([^$\n]+)\$", text)
        for formula in pair
        if formula
    ]
    assert len(formulas) > 60
    body = "\n\n".join(f"${formula}$" for formula in dict.fromkeys(formulas))
    compiled(tmp_path, f"\\documentclass{{article}}\\begin{{document}}\n{body}\n\\end{{document}}")


def test_what_is_alike_is_worked_out_once() -> None:
    text = write(sample("tutorial"))
    assert "H_out = (H - K)/S + 1 = (28 - 3)/1 + 1 = 26" in text and "W_out" not in text
    assert "The width comes out in the same way." in text
    assert "rounded down: no window reaches the last row and the last column." in text


def test_weights_alone() -> None:
    text = write(sample("article"), params="weights")
    assert "In all, the net has 64,320 weights." in text and "Biases are left out" in text
    assert "64,620" not in text and "- Biases:" not in text
    assert check_arithmetic(text)


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("notation", ["plain", "latex"])
def test_every_layer(lang: str, notation: str) -> None:
    text = write(EXAMPLES, lang=lang, math=notation)
    assert not re.search(r"\((은/는|이/가|을/를|과/와)\)", text)
    assert "\n\n\n" not in text and "{}" not in text
    html = MarkdownIt("commonmark").enable("table").render(text)
    assert "**" not in re.sub(r"<(code|p)>\$\$.*?</\1>", "", html, flags=re.DOTALL)
    if notation == "plain":
        assert check_arithmetic(text) >= 50


def test_languages_say_the_same_numbers() -> None:
    for name in ("article", "resnet18", "unet3d", "two_outputs"):
        english, korean = (write(sample(name), lang=lang) for lang in LANGUAGES)
        formulas = [re.findall(r"`([^`]*=[^`]*)`", text) for text in (english, korean)]
        assert formulas[0] == formulas[1]
        shapes = [re.findall(r"\*\*(\(.*?\))\*\*", text) for text in (english, korean)]
        assert shapes[0] == shapes[1] and shapes[0]


def test_a_block_is_told_once_for_each_shape() -> None:
    text = write(sample("resnet50"))
    sections = [line for line in headings(text) if re.match(r"\d+\. ", line)]
    assert len([line for line in sections if "Block" in line]) == 8
    assert (
        "`bottleneck3` repeats this with the same shapes: 2 times in all, each with 71,552" in text
    )
    assert "`bottleneck10`, `bottleneck11`, …, `bottleneck13` repeat this" in text
    assert len(text) < 40_000
    short = write(sample("resnet50"), depth=1)
    assert "## 2. Block `bottleneck1`" in short and "### 2.1" not in short
    assert len(short) < 8_000


def test_what_repeats_without_blocks_is_told_once() -> None:
    text = write("input 8x8x4\nrepeat 50 { conv 4 3x3 same relu }")
    assert len(headings(text)) == 3
    assert "50 times in all, each with 148 parameters" in text


def test_layers_that_read_others_say_so() -> None:
    text = write("input 8x8x4 as a\nconv 4 1 as b; conv 4 1 as c\nadd { from a | from b | from c }")
    assert (
        "It reads the input `a`, the output of Convolution 1 (`b`) and "
        "the output of Convolution 2 (`c`)." in text
    )
    net = "input 8x8x4{}\nadd {{ conv 4 3 same as b | conv 4 1 | {} }}"
    for name, path, read in ("", "skip", "신경망의 입력을"), (" as a", "from a", "입력 `a`를"):
        text = write(net.format(name, path), lang="ko")
        assert f"의 출력과 {read} 입력으로 받습니다." in text
        assert f"{read} 그대로 받습니다." in text


def test_dimensions_that_come_out_alike_are_named_in_a_sentence() -> None:
    volume = "input 8x8x8x2\nconv 4 3 same"
    assert "The height and width come out in the same way." in write(volume)
    assert "높이와 너비도 같은 방법으로 계산합니다." in write(volume, lang="ko")


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ("", "scaled and shifted by numbers"),
        (" noscale", "shifted by a number"),
        (" noshift", "scaled by a number"),
        (" noscale noshift", ""),
    ],
)
def test_a_normalisation_learns_what_it_is_said_to_learn(options: str, told: str) -> None:
    text = write(f"input 8x8x2\nconv 4 3; bn{options}")
    said = re.findall(r"Then each channel is (.*?) that (?:is|are) learned", text)
    assert said == ([told] if told else [])
    assert ("γ" in text, "β" in text) == ("scaled" in told, "shifted" in told)


def test_a_letter_means_one_number_in_a_section() -> None:
    text = write("input 8x8x4\nconv 6 3x3 prelu\nflatten\ndense 5 prelu")
    assert "`K×K×C×N = 3×3×4×6 = 216`" in text
    assert "- Slopes: `C_out = 6`" in text and "- Slopes: `C_out = 5`" in text


def test_titles_go_as_deep_as_asked() -> None:
    text = write(sample("article"), level=3)
    assert text.startswith("### `article`") and "\n#### 1. " in text and "\n##### 1.1 " in text
    deep = write("block a() { relu }\nblock b() { a }\ninput 4; b", level=6)
    assert "#######" not in deep and "**1. Block `b1`**" in deep


@given(nets.straight_nets())
def test_any_straight_net(text: str) -> None:
    network = cnndsl.check(text)
    for lang in LANGUAGES:
        said = write(network, lang=lang)
        check_arithmetic(said)
        for node in network.layers:
            assert f"({', '.join(map(str, node.output))})" in said


@given(nets.branching_nets())
def test_any_branching_net(text: str) -> None:
    network = cnndsl.check(text)
    for depth in (None, 1):
        said = write(network, depth=depth)
        check_arithmetic(said)
        assert f"{network.totals.params:,} parameter" in said


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("notation", few(["plain", "latex"], ["latex"], "long"))
def test_names_cannot_break_out(name: str, notation: str) -> None:
    net = (
        "block b() { conv 2 3 relu }\n"
        "input 9x9x1; b; conv 2 3 same; pool 2 floor; add { skip | bn }"
    )
    render = MarkdownIt("commonmark").enable("table").render
    calm = Reader(render(write(renamed(cnndsl.check(net), "x"), math=notation)))
    wild = Reader(render(write(renamed(cnndsl.check(net), name), math=notation)))
    assert [tag for tag, _ in wild.tags] == [tag for tag, _ in calm.tags]
    assert told(name) is not None


@pytest.mark.long
def test_long_nets_take_little_time() -> None:
    body = "".join(f"conv {n % 7 + 1} 1\n" for n in range(5_000))
    text = write(f"input 4x4x1\n{body}")
    assert text.count("\n## ") > 5_000


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("합성곱 층 1(과/와)", "합성곱 층 1과"),
        ("합성곱 층 2(과/와)", "합성곱 층 2와"),
        ("층(을/를)", "층을"),
        ("파라미터(을/를)", "파라미터를"),
        ("(36, 28, 20)(이/가)", "(36, 28, 20)이"),
        ("`relu`(을/를)", "`relu`를"),
        ("**bn**(은/는)", "**bn**은"),
        ("64(으로/로)", "64로"),
        ("7(으로/로)", "7로"),
        ("10(으로/로)", "10으로"),
        ("픽셀(으로/로)", "픽셀로"),
        ("ReLU(을/를)", "ReLU를"),
        ("SELU(과/와)", "SELU와"),
        ("`floor`(이/가)", "`floor`가"),
        ("`k`(이/가)", "`k`가"),
        ("`n`(이/가)", "`n`이"),
        ("(을/를)", "를"),
    ],
)
def test_particles(text: str, said: str) -> None:
    assert with_particles("", text) == said


# Nets with errors

FAILING = sorted(
    path
    for path in ROOT.glob("tests/golden/*/net.cnn")
    if (path.parent / "expected.diagnostics").exists()
)


def explained(text: str, **options: Any) -> str:
    """What is said of a net with errors."""
    source = Source("net.cnn", text)
    network, diagnostics = examine(source)
    assert network is None
    return walkthrough.explain(
        analysed(source).attempt, diagnostics, **{"math": "plain", **options}
    )


def test_a_net_with_further_errors_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "net.cnn"
    for pools, lang, said in (
        ("pool 2\nconv 4 3x3\npool 2", "en", "Besides, the net has 1 error, told below."),
        ("pool 2\nconv 4 3x3\npool 2", "ko", "이 밖에도 오류가 1개 있으며"),
        ("pool 2", "en", ""),
    ):
        path.write_text(f"input 9x9x1\n{pools}\n".replace("conv 4 3x3", "conv 4 2x2"))
        main(["build", str(path), "--target", "walkthrough", "--lang", lang])
        out = capsys.readouterr().out
        assert said in out and ("Besides" in out) == (lang == "en" and bool(said))


def test_a_net_that_fails_is_worked_out_as_far_as_it_goes() -> None:
    path = ROOT / "samples" / "article_keras_listing.cnn"
    text = explained(path.read_text(encoding="utf-8"))
    assert [line for line in headings(text) if re.match(r"\d\. ", line)] == [
        "1. Convolution 1 and max pooling 1",
        "2. Convolution 2 and max pooling 2",
        "3. Convolution 3",
        "4. Where it does not come out",
    ]
    assert "Output shape: **(24, 9, 20)**" in text
    assert "- `W_out = W/K = 9/2 = 4.5`" in text and "H_out = H/K = 24/2" not in text
    assert "Then the output has: width 4." in text
    assert "Or give this layer a width of 8 or 10." in text
    assert "error[E202]" in text
    assert check_arithmetic(text.replace("9/2 = 4.5", "")) > 10


@pytest.mark.parametrize(
    ("net", "said"),
    [
        ("input 8x8x1; conv 2 4x4 /3", "H_out = (H - K)/S + 1 = (8 - 4)/3 + 1 ≈ 2.33"),
        (
            "input 8x8x1; conv 2 4x4 /3",
            "Or give this layer a height of 7 or 10 and a width of 7 or 10.",
        ),
        (
            "input 11x13x1; conv 4 3x3; pool 2",
            "Or give this layer a height of 8 or 10 and a width of 10 or 12.",
        ),
        ("input 9x8x1; conv 2 2 /2", "H_out = (H - K)/S + 1 = (9 - 2)/2 + 1 = 4.5"),
        ("input 9x1; pool 2 /4", "L_out = (L - K)/S + 1 = (9 - 2)/4 + 1 = 2.75"),
        ("input 9x8x1; conv 2 3; dense 3", "Output shape: **(7, 6, 2)**"),
        ("block b() { pool 2 }\ninput 9x8x1; conv 2 1; b", "Line 1: `pool 2`"),
        ("conv 2 3", "This is no net yet."),
        ("input 9x8x1; conv 2 3 (", "This is no net yet."),
    ],
)
def test_why_a_size_does_not_come_out(net: str, said: str) -> None:
    assert said in explained(net)


@given(st.integers(1, 40), st.integers(1, 5), st.integers(2, 9), st.integers(0, 4), st.booleans())
def test_the_sizes_that_would_do_do(
    size: int, kernel: int, stride: int, pad: int, pool: bool
) -> None:
    layer = f"pool {kernel} /{stride}" if pool else f"conv 1 {kernel} /{stride} pad={pad}"
    network, found = examine(Source("net.cnn", f"input {size}x1; {layer}"))
    if network is not None or found[0].code not in ("E201", "E202"):
        return
    text = explained(f"input {size}x1; {layer}")
    (sizes,) = re.findall(r"a length of (\d+) or (\d+)\.", text)
    for other in sizes:
        assert examine(Source("net.cnn", f"input {other}x1; {layer}"))[0] is not None
    (down,) = re.findall(r"output has: length (\d+)\.", text)
    floored = examine(Source("net.cnn", f"input {size}x1; {layer} floor"))[0]
    assert floored is not None and floored.nodes[-1].output[0] == int(down)


@given(st.integers(2, 30), st.integers(2, 30), st.integers(1, 4), st.integers(2, 5))
def test_sizes_that_have_to_change_together_are_said_together(
    height: int, width: int, kernel: int, stride: int
) -> None:
    layer = f"conv 1 {kernel}x{kernel} /{stride}"
    network, found = examine(Source("net.cnn", f"input {height}x{width}x1; {layer}"))
    if network is not None or found[0].code not in ("E201", "E202"):
        return
    text = explained(f"input {height}x{width}x1; {layer}")
    (line,) = [line for line in text.split("\n") if line.startswith("- Or ")]
    said = {name: pair for name, *pair in re.findall(r"a (\w+) of (\d+) or (\d+)", line)}
    for high in said.get("height", [height]):
        for wide in said.get("width", [width]):
            assert examine(Source("net.cnn", f"input {high}x{wide}x1; {layer}"))[0] is not None


def test_sizes_together_in_korean() -> None:
    text = explained("input 11x13x1; conv 4 3x3; pool 2", lang="ko")
    assert "- 또는 이 층에 들어오는 입력의 높이를 8이나 10으로, 너비를 10이나 12로" in text
    assert text.count("\n- 또는") == 1


@pytest.mark.parametrize("path", FAILING, ids=lambda path: path.parent.name)
def test_any_error_can_be_explained(path: Path) -> None:
    text = path.read_bytes().decode("utf-8", errors="replace")
    source = Source("net.cnn", text)
    network, diagnostics = examine(source)
    if network is not None:
        return  # a rule's remark, or an error of the encoding
    for lang in LANGUAGES:
        said = walkthrough.explain(analysed(source).attempt, diagnostics, lang=lang)
        assert f"[{diagnostics[0].code}]" in said


def test_the_command_explains_and_fails(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    net, old = tmp_path / "net.cnn", tmp_path / "net.md"
    net.write_text("input 9x9x1; pool 2\n", encoding="utf-8")
    assert main(["build", str(net), "--target", "walkthrough", "--lang", "ko"]) == 1
    shown = capsys.readouterr()
    assert ". 오류가 있는 곳\n" in shown.out and "error[E202]" in shown.err
    old.write_text("old", encoding="utf-8")
    assert main(["build", str(net), "--target", "walkthrough", "-o", str(old)]) == 1
    shown = capsys.readouterr()
    assert shown.out == "" and old.read_text(encoding="utf-8") == "old"
    assert main(["build", str(net), "--target", "markdown"]) == 1
    assert capsys.readouterr().out == ""
    assert main(["build", str(net), "--target", "walkthrough", "--math", "x"]) == 2


@pytest.mark.parametrize(("lang", "said"), [("en", "Weights are here"), ("ko", "여기서 가중치는")])
def test_what_counts_as_a_weight_is_said_where_others_keep_some(lang: str, said: str) -> None:
    net = "input 8x8x1; conv 4 3; {}; dense 2"
    for params in ("all", "weights"):
        with_bn, without = (
            str(
                cnndsl.build(
                    cnndsl.check(net.format(more)), "walkthrough", lang=lang, params=params
                )
            )
            for more in ("bn; flatten", "relu; flatten")
        )
        assert said in with_bn and said not in without


MISFITS = {
    "input 4x4x1; conv 2 5": (
        "`H_out = (H - K)/S + 1 = (4 - 5)/1 + 1 = 0`",
        r"\frac{4 - 5}{1} + 1 = 0",
        "It can be at most: height 4 and width 4.",
        "커널은 높이 4, 너비 4까지",
    ),
    "input 9x6x1; conv 2 3x5 dilation=3 pad=1 /2": (
        "`W_out = (W + 2×P - (d×(K_W - 1) + 1))/S + 1 = (6 + 2×1 - (3×(5 - 1) + 1))/2 + 1 = -1.5`",
        r"= \frac{6 + 2 \times 1 - (3 \times (5 - 1) + 1)}{2} + 1 = -1.5",
        "it spans width 13, and the input has, padding included, width 8.",
        "커널이 걸치는 길이는 너비 13이고, 입력은 패딩을 포함해 너비 8",
    ),
    "input 3x3x2; pool 4": (
        "`H_out = H/K = 3/4 = 0.75`",
        r"\frac{3}{4} = 0.75",
        "An output size has to be at least 1; this is less",
        "출력 크기는 1 이상이어야",
    ),
    "input 8x8x1; deconv 1 3 pad=20": (
        "`H_out = (H - 1)×S + K - 2×P = (8 - 1)×1 + 3 - 2×20 = -30`",
        r"= (8 - 1) \times 1 + 3 - 2 \times 20 = -30",
        "Both ends together can cut off at most: height 9.",
        "잘라 낼 수 있는 크기는 높이 9까지",
    ),
    "input 7x7x64; dense 10": (
        "`N = H×W×C = 7×7×64 = 3,136`",
        r"N = H \times W \times C = 7 \times 7 \times 64 = 3{,}136",
        "Put `flatten` before it, which makes one vector of all 3,136 values.",
        "앞에 `flatten`을 넣어 값 3,136개를",
    ),
    "input 10; conv 2 3": (
        "`(N) = (10)`",
        "$(N) = (10)$",
        "A vector has no height and no width",
        "벡터에는 높이와 너비가 없어",
    ),
    "input 9x9x30; conv 8 3 groups=4": (
        "`C/G = 30/4 = 7.5`",
        r"\frac{C}{G} = \frac{30}{4} = 7.5",
        "Or give this layer 28 or 32 channels.",
        "채널 수를 28 또는 32로",
    ),
    "input 9x9x32; conv 30 3 groups=8": (
        "`N/G = 30/8 = 3.75`",
        r"\frac{N}{G} = \frac{30}{8} = 3.75",
        "Or take 24 or 32 filters.",
        "필터 수를 24 또는 32로",
    ),
    "input 16x16x8; concat { conv 8 1 | conv 9 2 /2 }": (
        "`H_1 = H_2` is wanted, and `16 ≠ 8`",
        r"16 \ne 8$",
        "Path 1 is 2 times as large as path 2.",
        "경로 1의 크기가 경로 2의 2배입니다.",
    ),
    "input 16x16x8; add { conv 8 3 | skip | conv 8 3 }": (
        "`H_1 = H_2` is wanted, and `14 ≠ 16`",
        "$H_{1} = H_{2}$",
        "Path 2 is larger than path 1 by 2.",
        "경로 2가 경로 1보다 2만큼 큽니다.",
    ),
    "input 6x6x8; mul { skip | gap; dense 4 }": (
        "`C_1 = C_2` is wanted, and `8 ≠ 4`",
        r"$8 \ne 4$",
        "End path 2 with `dense 8`.",
        "경로 2의 끝에 `dense 8`을",
    ),
    "input 6x6x8; add { skip | gap }": (
        "`(H, W, C) ≠ (N)`: `(6, 6, 8) ≠ (8)`",
        r"$(H, W, C) \ne (N)$: $(6, 6, 8) \ne (8)$",
        "so wants equal shapes",
        "형상이 모두 같아야",
    ),
}
"""Nets in which a layer does not fit: the arithmetic in both notations, and what is said of it."""


@pytest.mark.parametrize("net", MISFITS)
def test_why_a_layer_does_not_fit(net: str) -> None:
    plain, latex, english, korean = MISFITS[net]
    told = explained(net, lang="en")
    assert plain in told and english in told
    check_arithmetic(told)
    assert latex in explained(net, math="latex")
    assert korean in explained(net, lang="ko") and korean in explained(net, lang="ko", math="latex")


@given(
    st.integers(1, 12), st.integers(1, 9), st.integers(1, 4), st.integers(0, 2), st.integers(1, 3)
)
def test_what_would_make_a_small_input_do_does(
    size: int, kernel: int, stride: int, pad: int, dilation: int
) -> None:
    layer = f"conv 1 {{}} /{stride} dilation={dilation} floor"
    padded = f"{layer} pad={pad}" if pad else layer
    text = f"input {size}x1; {padded.format(kernel)}"
    network, found = examine(Source("net.cnn", text))
    if network is not None or found[0].code != "E203":
        return
    told = explained(text)
    numbers = re.findall(
        r"at most: length (\d+)\.\n.*the output has: length (\d+)\.\n.*at least length (\d+)", told
    )
    ((most, same, least),) = numbers
    smaller = cnndsl.check(f"input {size}x1; {padded.format(most)}")
    assert smaller.nodes[-1].output[0] >= 1
    assert cnndsl.check(f"input {size}x1; {layer.format(kernel)} same").nodes[-1].output == (
        int(same),
        1,
    )
    assert cnndsl.check(f"input {least}x1; {padded.format(kernel)}").nodes[-1].output[0] == 1
    larger = Source("net.cnn", f"input {size}x1; {padded.format(int(most) + 1)}")
    assert examine(larger)[0] is None


@given(st.integers(1, 60), st.integers(2, 40))
def test_the_numbers_of_groups_that_would_do_do(channels: int, groups: int) -> None:
    text = f"input 3x3x{channels}; gn {groups}"
    if examine(Source("net.cnn", text))[0] is not None:
        return
    told = explained(text)
    (fitting,) = re.findall(r"groups, such as (.*)\.", told)
    for each in fitting.split(" or "):
        cnndsl.check(f"input 3x3x{channels}; gn {each}")
    (counts,) = re.findall(r"give this layer (.*) channels\.", told)
    for each in counts.split(" or "):
        cnndsl.check(f"input 3x3x{each}; gn {groups}")


def test_a_rate_is_told_as_one_writes_it() -> None:
    text = write("param n = 3\ninput 4; dropout (0.1*n/4)")
    assert "each value is set to 0 with a probability of 0.075" in text


@pytest.mark.parametrize("net", ["input 4; dense 3 softmax", "input 4; softmax"])
def test_softmax_is_of_all_channels_together(net: str) -> None:
    text = write(net)
    assert "Softmax is applied to all values together" in text
    assert "every value" not in text and "모든 값에" in write(net, lang="ko")
    net = net.replace("input 4", "input 4x4x4").replace("dense 3", "conv 3 1")
    assert "t each position" in write(net) and "values of all channels together" in write(net)
    assert "위치마다 모든 채널의 값에" in write(net, lang="ko")


def test_arguments_that_nothing_else_tells_are_told() -> None:
    text = cnndsl.build(
        cnndsl.check("input 8x8x4; lrn size=3; bn eps=1e-5; dwconv 3 mult=2; gn 4; avgpool 2"),
        "walkthrough",
    )
    assert isinstance(text, str)
    for line in ("lrn size=3", "bn eps=1e-5", "dwconv 3x3 mult=2"):
        assert f"Written: `{line}`" in text
    assert text.count("Written") == 3
