"""`cnndsl compare`: what a net is measured by, and nets side by side."""

from __future__ import annotations

import json
import re
from itertools import pairwise
from pathlib import Path

import nets
import pytest
from hypothesis import given
from running import run

from cnndsl import check
from cnndsl.comparison import compare, measure
from cnndsl.comparison.show_side_by_side import as_text, verdicts
from cnndsl.comparison.side_by_side import memory, ratio
from cnndsl.diagnostics.markdown import code, escaped, fenced
from cnndsl.lang import words
from cnndsl.layers.base import product
from cnndsl.network import Network

SAMPLES = Path(__file__).resolve().parent.parent / "samples"
ARTICLE, DENSE = str(SAMPLES / "article.cnn"), str(SAMPLES / "fully_connected.cnn")


def sample(name: str) -> Network:
    return check((SAMPLES / f"{name}.cnn").read_text(encoding="utf-8"), file=f"{name}.cnn")


@pytest.mark.parametrize(
    ("name", "depth"),
    [("resnet18", 18), ("resnet50", 50), ("resnet152", 152), ("vgg16", 16), ("vgg19", 19),
     ("alexnet", 8), ("densenet121", 121), ("article", 5)],
)  # fmt: skip
def test_depth_is_what_names_count(name: str, depth: int) -> None:
    assert measure(sample(name)).depth == depth


def test_memory_by_hand() -> None:
    # 4x4x1 in, 2x2x3 after the conv, 12 after flatten, 2 after dense
    found = measure(check("input 4x4x1\nconv 3 3x3 relu\nflatten\ndense 2\n"))
    assert found.activation_bytes == 4 * (16 + 12 + 12 + 2)
    assert found.peak_bytes == 4 * (16 + 12)
    assert found.param_bytes == 4 * (3 * 9 + 3 + 12 * 2 + 2)
    assert (found.params, found.weights, found.biases) == (56, 51, 5)
    # what a later layer reads stays: the input beside both paths, then both and their sum
    found = measure(check("input 5\nadd { skip | relu }\n"))
    assert found.peak_bytes == 4 * 15
    # a side output stays to the end, and what nothing reads goes at once
    found = measure(check("input 2\nhead side { dense 100 }\ndense 3\ndense 4\n"))
    assert found.peak_bytes == 4 * (100 + 3 + 4)


def peak_by_trying(network: Network) -> int:
    """The most alive at any step, worked out from the definition alone."""
    users = network.users()
    ends = set(network.outputs.values())
    most = 0
    for now in network.nodes:
        alive = 0
        for node in network.nodes:
            made = node.index <= now.index or node.index in network.inputs
            wanted = node.index in ends or any(user >= now.index for user in users[node.index])
            unread_input = node.index in network.inputs and now.index <= node.index
            if made and (wanted or node is now or unread_input):
                alive += product(node.output)
        most = max(most, alive)
    return 4 * most


@given(nets.branching_nets())
def test_property_measures(text: str) -> None:
    network = nets.network(text)
    assert network is not None
    found = measure(network)
    assert found.peak_bytes == peak_by_trying(network)
    assert found.peak_bytes <= found.activation_bytes
    assert found.params == found.trainable + found.non_trainable == found.weights + found.biases
    assert found.layers == len(network.layers) and found.depth <= found.layers


def test_the_true_ratio() -> None:
    """64,320 of 1,055,400 weights are 6%, whatever a write-up says."""
    comparison = compare([sample("article"), sample("fully_connected")], "weights")
    (weights,) = [line for line in comparison.lines if line.key == "weights"]
    assert weights.values == (64_320, 1_055_400)
    assert weights.ratios == (64_320 / 1_055_400,)
    assert verdicts(comparison, words()) == [
        "article has 64,320 weights and fully_connected has 1,055,400: 6.1%, or 1 in 16.4"
    ]
    assert not {"params", "trainable"} & {line.key for line in comparison.lines}
    assert verdicts(comparison, words("ko")) == [
        "가중치 수는 article 64,320개, fully_connected 1,055,400개입니다. "
        "전자는 후자의 6.1%이고, 후자는 전자의 16.4배입니다"
    ]
    halves = compare([check("input 8\ndense 2\n"), check("input 8\ndense 4\n")])
    assert verdicts(halves, words("ko"))[0].endswith("전자는 후자의 50%, 곧 2분의 1입니다")
    back = compare([sample("fully_connected"), sample("article")])
    assert "1,635%, or 16.4 times as many" in verdicts(back, words())[0]


def test_formats() -> None:
    code_, text, err = run("compare", ARTICLE, DENSE)
    assert (code_, err) == (0, "")
    assert "parameters                 64,620        1,056,850                6.1%\n" in text
    markdown = run("compare", ARTICLE, DENSE, "--format", "markdown")[1]
    lines = markdown.splitlines()
    assert lines[0].split(" | ")[1].strip() == "`article`"
    bars = {len(re.findall(r"(?<!\\)\|", line)) for line in lines if line.startswith("|")}
    assert bars == {5}
    found = json.loads(run("compare", ARTICLE, DENSE, "--format=json")[1])
    assert [net["params"] for net in found["nets"]] == [64_620, 1_056_850]
    assert found["ratios"]["weights"] == [64_320 / 1_055_400]
    assert set(found["nets"][0]) == {"name", *measure(sample("article"))._fields}


def test_one_name_twice() -> None:
    names = compare([sample("article"), sample("article")]).names
    assert names == ("article (article.cnn)", "article (article.cnn)")


def test_nets_without_what_is_measured() -> None:
    comparison = compare([check("input 8\nrelu\n"), check("input 8\nrelu\n"), sample("lenet5")])
    by_key = {line.key: line for line in comparison.lines}
    assert by_key["params"].ratios == (None, 0.0)
    assert verdicts(comparison, words())[0].endswith("has 0")


def test_errors(tmp_path: Path) -> None:
    (tmp_path / "bad.cnn").write_text("input 8x8x1\nconv 3 9x9\n", encoding="utf-8")
    code_, out, err = run("compare", ARTICLE, str(tmp_path / "bad.cnn"))
    assert (code_, out) == (1, "") and "E203" in err
    code_, out, err = run("compare", ARTICLE, str(tmp_path / "missing.cnn"))
    assert (code_, out) == (2, "")
    assert run("compare")[0] == 2
    assert run("compare", "-", ARTICLE, stdin=b"input 8\ndense 3")[0] == 0


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 B"), (1023, "1,023 B"), (1024, "1.0 KiB"), (258_480, "252.4 KiB"),
     (1_048_575, "1.0 MiB"), (5 * 2**30, "5.0 GiB"), (2**70, "1,048,576.0 PiB")],
)  # fmt: skip
def test_bytes(count: int, text: str) -> None:
    assert memory(count) == text


def test_percent_keeps_two_figures_and_its_order() -> None:
    assert [ratio(each / 10_000) for each in (1, 14, 610, 1000, 9996, 16_400)] == [
        "0.01%", "0.14%", "6.1%", "10%", "100%", "164%"
    ]  # fmt: skip
    values = [float(ratio(each / 10_007)[:-1].replace(",", "")) for each in range(1, 30_000, 7)]
    assert all(a <= b for a, b in pairwise(values))


@pytest.mark.parametrize("text", ["a|b", "`", "``x```", "a\nb", "", "\x1b[31m", "<b>&amp;", "x`"])
def test_text_cannot_break_out(text: str) -> None:
    from markdown_it import MarkdownIt

    from cnndsl.diagnostics.render import printable

    page = MarkdownIt("commonmark").enable("table")
    for cell in (code(text), escaped(text)):
        html = page.render(f"| a | b |\n|---|---|\n| {cell or 'x'} | end |\n")
        assert html.count("<td>") == 2 and "<b>" not in html
    (block,) = [t for t in page.parse(fenced(text)) if t.type != "text"]
    assert block.type == "fence"
    assert block.content == "".join(f"{printable(t)}\n" for t in text.rstrip("\n").split("\n"))


def test_what_counts_as_a_weight_is_said_where_others_keep_some() -> None:
    with_bn = check("input 8x8x1; conv 4 3; bn", file="a.cnn")
    without = check("input 8x8x1; conv 4 3", file="b.cnn")
    assert "Weights are here all parameters but" in as_text(compare([without, with_bn]))
    assert "여기서 가중치는" in as_text(compare([with_bn, without]), words("ko"))
    assert "Weights are here" not in as_text(compare([without, without]))


def test_nearly_as_many_are_not_one_in_one() -> None:
    nets = [check("input 1000\ndense 100\n"), check("input 1001\ndense 100\n")]
    assert verdicts(compare(nets), words())[0].endswith("99.9%")
