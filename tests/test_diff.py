"""`cnndsl diff`: what changed in meaning, and what did not."""

from __future__ import annotations

import json
import re
from itertools import pairwise
from pathlib import Path
from random import Random

import nets
import pytest
from conftest import few
from hypothesis import given
from hypothesis import strategies as st
from running import run
from steps import at_most

from cnndsl import check
from cnndsl.api import format_source
from cnndsl.comparison import Difference, difference
from cnndsl.comparison.align import INDEL, align
from cnndsl.comparison.show_difference import _by, as_json, as_markdown, as_text
from cnndsl.diagnostics import Source
from cnndsl.layers.source import call_of

ROOT = Path(__file__).resolve().parent.parent
FAILS = "article_keras_listing"  # is wrong on purpose
SAMPLES = sorted(path for path in (ROOT / "samples").glob("*.cnn") if path.stem != FAILS)
GOLDEN = ROOT / "tests" / "golden" / "diff"


def diff(old: str, new: str) -> Difference:
    return difference(check(old), check(new))


def kinds(found: Difference) -> list[tuple[str, str, int]]:
    return [(each.kind, each.nodes[0].name, len(each.nodes)) for each in found.entries]


def told(found: Difference) -> list[tuple[str, str | None, str | None]]:
    return [tuple(each) for entry in found.entries for each in (*entry.changes, *entry.reads)]


BASE = "input 12x12x3\nconv 8 3x3 relu as c1\nconv 8 3x3 as c2\nflatten\ndense 4 softmax\n"


# No change in meaning


@pytest.mark.parametrize("path", few(SAMPLES, SAMPLES[::3]), ids=lambda path: path.stem)
def test_a_net_is_as_it_was(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert diff(text, text).none
    formatted = format_source(Source("x", text + "\n# a comment\n"))[0]
    found = diff(text, formatted.replace("\n", "\n\n"))
    assert found.none and found.wording == "formatting" and not found.renamed


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("conv 8 3 same", "conv 8 3x3 pad=1"),
        ("conv 8 3 same", "conv 8 (3, 3) /1 same floor"),
        ("pool 2", "pool 2x2 /2"),
        ("conv 8 3 same; bn", "conv 8 3 same; bn eps=0.001 momentum=0.99"),
        ("up 2", "up 2x2 nearest"),
        ("let w = 8; conv w 3", "let n = 4; conv (2*n) 3"),
        ("conv 8 3; relu; conv 8 3; relu", "repeat 2 { conv 8 3; relu }"),
        ("block b(n) { conv n 3; bn }\nb 8; b 4", "conv 8 3; bn; conv 4 3; bn"),
        ("block b(n) { conv n 3; bn }\nb 8; b 4", "block unit(k) { conv k 3; bn }\nunit 8; unit 4"),
        ("add { skip | conv 3 1; relu }", "add { conv 3 1; relu | skip }"),
        ("if C == 3 { conv 8 1 } else { relu }", "conv 8 1"),
    ],
)
def test_refactorings_change_nothing(old: str, new: str) -> None:
    start = "input 12x12x3\n"
    found = diff(start + old, start + new)
    assert found.none, (found.entries, found.follows, found.interface)
    assert found.wording == "otherwise"
    assert "no change in meaning: written otherwise" in as_text(found, "a", "b")


def test_names_are_no_change_but_told() -> None:
    found = diff(BASE, BASE.replace(" as c1", " as first"))
    assert found.none and found.renamed == (("c1", "first"),)
    assert as_text(found, "a", "a").endswith("1 layer goes by another name: c1 → first\n")


@given(nets.branching_nets())
def test_property_a_net_is_itself(text: str) -> None:
    found = diff(text, text + "# again\n")
    assert found.none and not found.renamed and found.before == found.after


# What changed


def test_an_argument() -> None:
    found = diff(BASE, BASE.replace("conv 8 3x3 relu", "conv 6 3x3 gelu"))
    assert kinds(found) == [("changed", "c1", 1)]
    assert told(found) == [("filters", "8", "6"), ("activation", "relu", "gelu")]
    assert [each.nodes[0].name for each in found.follows] == ["c2"]
    assert not found.none and not found.same_network


def test_a_layer_more_and_one_less() -> None:
    more = BASE.replace("flatten", "dropout 0.5; flatten")
    assert kinds(diff(BASE, more)) == [("added", "dropout1", 1)]
    assert kinds(diff(more, BASE)) == [("removed", "dropout1", 1)]
    assert not diff(BASE, more).follows


def test_what_follows_is_no_change() -> None:
    found = diff(BASE, BASE.replace("input 12x12x3", "input 14x14x3"))
    assert kinds(found) == [] and [tuple(each) for each in found.interface] == [
        ("input", "12x12x3", "14x14x3")
    ]
    assert [each.nodes[0].name for each in found.follows] == ["c1"]
    assert [each.nodes[-1].name for each in found.follows] == ["dense1"]


def test_rounding_where_it_matters() -> None:
    text = "rounding floor\ninput 13x13x1\npool 2\n"
    found = diff(text, text.replace("floor", "ceil"))
    assert told(found) == [("rounding", "floor", "ceil")]
    assert diff(text.replace("13", "12"), text.replace("13", "12").replace("floor", "ceil")).none


def test_edges_that_change() -> None:
    text = "input 8x8x4\nconv 4 3 same as a; conv 4 3 same as b; conv 4 3 same\n"
    found = diff(text + "add { skip | from a }", text + "add { skip | from b }")
    assert told(found) == [("reads", "conv1, a", "conv1, b")]
    assert kinds(found) == [("changed", "add1", 1)]
    swapped = "concat { conv 4 1 | conv 4 3 same }"
    found = diff(text + swapped, text + "concat { conv 4 3 same | conv 4 1 }")
    assert not found.none


def test_one_layer_for_two_is_a_change() -> None:
    """Two layers that are alike are not one that is used twice."""
    old = "input 8x8x4\nadd { conv 4 1 | conv 4 1 }\n"
    new = "input 8x8x4\nconv 4 1 as a; add { from a | from a }\n"
    assert not diff(old, new).none


def test_outputs() -> None:
    text = "input 8x8x4\nconv 4 1 as a\nhead side { gap; dense 3 }\nconv 4 1\n"
    found = diff(text, text.replace("side", "other"))
    assert [tuple(each) for each in found.interface] == [
        ("output side", "3", None), ("output other", None, "3")
    ]  # fmt: skip
    found = diff("input 8\ndense 8 as a; add { skip | dense 8; relu }", "input 8\ndense 8; relu")
    assert not found.none


def test_promises() -> None:
    found = diff(BASE + "expect params <= 5M\n", BASE + "expect params <= 6M\nexpect macs > 5\n")
    assert found.same_network and not found.none
    assert [tuple(each) for each in found.promises] == [
        ("expect", "params <= 5,000,000", "params <= 6,000,000"), ("expect", None, "macs > 5")
    ]  # fmt: skip
    assert "the same network, other promises" in as_text(found, "a", "b")
    moved = BASE.replace("flatten", "flatten; expect shape == 512")
    assert not diff(moved, moved.replace("expect shape == 512", "expect shape == (2*256)")).promises


def test_defaults() -> None:
    found = diff(BASE, "defaults torch\n" + BASE)
    assert [tuple(each) for each in found.interface] == [("defaults", "keras", "torch")]


def test_a_path_in_another_place_beside_a_change() -> None:
    text = "input 8x8x4\nrepeat 3 {{ concat {{ {} }}; conv 4 3 same{} }}\n"
    one, two = "pool 3 /1 same", "conv 4 3 same; relu"
    found = diff(text.format(f"{one} | {two}", ""), text.format(f"{two} | {one}", "; bn"))
    assert [(each.kind, each.times, each.new_text) for each in found.entries] == [
        ("changed", 3, "concat"), ("added", 3, "bn")
    ]  # fmt: skip


BLOCKS = (
    "block unit(n) {{ add {{ skip | conv n {k} same; {act}; conv n 1 }}; relu }}\n"
    "input 8x8x8\nrepeat {n} {{ unit 8 }}\ngap; dense 3\n"
)


def test_blocks_are_told_once() -> None:
    old = BLOCKS.format(k=3, act="relu", n=4)
    found = diff(old, BLOCKS.format(k=5, act="relu", n=4))
    (entry,) = found.entries
    assert (entry.kind, entry.times, len(entry.nodes)) == ("changed", 4, 4)
    assert (entry.old_text, entry.new_text) == ("conv 8 3x3 same", "conv 8 5x5 same")
    found = diff(old, BLOCKS.format(k=3, act="relu", n=6))
    (entry,) = found.entries
    assert (entry.kind, entry.times, entry.new_text) == ("added", 2, "unit 8")
    assert len(entry.nodes) == 10
    assert entry.nodes[0].name == "unit5.conv1"


def test_an_instance_more_and_a_change_in_all() -> None:
    old, new = BLOCKS.format(k=3, act="relu", n=3), BLOCKS.format(k=3, act="gelu", n=4)
    found = diff(old, new)
    assert [(each.kind, each.times) for each in found.entries] == [("changed", 3), ("added", 1)]


def test_a_changed_width_tells_its_constant() -> None:
    text = "param w = 8\nblock b(n) { conv n 3 same; bn }\ninput 8x8x3\nb w; b (2*w); b (4*w)\n"
    found = diff(text, text.replace("w = 8", "w = 16"))
    assert [tuple(each) for each in found.constants] == [("w", "8", "16")]
    (entry,) = found.entries
    assert [tuple(each) for each in entry.changes] == [
        ("filters", "8", "16"), ("filters", "16", "32"), ("filters", "32", "64")
    ]  # fmt: skip


def test_a_wider_net_is_no_shifted_one() -> None:
    """Each layer twice as wide, which is what layers without the first one look like, too."""
    text = "input 64x64x3\n" + "".join(f"conv {8 * 2**n} 3 same; pool 2\n" for n in range(5))
    wider = "input 64x64x3\n" + "".join(f"conv {16 * 2**n} 3 same; pool 2\n" for n in range(5))
    assert {kind for kind, *_ in kinds(diff(text, wider))} == {"changed"}


@given(nets.branching_nets(), nets.branching_nets())
def test_property_any_two_nets(old: str, new: str) -> None:
    there, back = diff(old, new), diff(new, old)
    assert there.none == back.none and there.same_network == back.same_network
    added = sum(len(each.nodes) for each in there.entries if each.kind == "added")
    removed = sum(len(each.nodes) for each in there.entries if each.kind == "removed")
    assert there.before.layers + added - removed == there.after.layers
    if there.same_network:
        assert there.before == there.after
    for show in (as_text, as_markdown, as_json):
        assert show(there, "a", "b") == show(diff(old, new), "a", "b")
    for entry in there.entries:
        assert bool(entry.old) == (entry.kind != "added")
        assert bool(entry.new) == (entry.kind != "removed")
    json.loads(as_json(there, "a", "b"))


@given(nets.straight_nets(), st.randoms(use_true_random=False))
def test_property_one_line_less(text: str, random: Random) -> None:
    lines = text.splitlines(keepends=True)
    first = next(at for at, line in enumerate(lines) if line.startswith("input"))
    at = random.randrange(first, len(lines))
    old, new = nets.network(text), nets.network("".join(lines[:at] + lines[at + 1 :]))
    if old is not None and new is not None:
        found = difference(old, new)
        changed = sum(each.kind != "removed" for each in found.entries)
        removed = sum(len(each.nodes) for each in found.entries if each.kind == "removed")
        assert removed == len(old.layers) - len(new.layers) and changed == 0


@given(nets.straight_nets())
def test_property_written_again(text: str) -> None:
    """A straight net written from what its layers are told is the same network."""
    network = nets.network(text)
    assert network is not None
    again = "\n".join(call_of(node.layer) for node in network.nodes)
    head = f"defaults {network.defaults}\nrounding {network.rounding}\n"
    found = difference(network, check(head + again))
    assert found.none, as_text(found, text, again)


# The alignment


def price(a: list[int], b: list[int], pairs: list[tuple[int, int]]) -> int:
    unlike = sum(a[i] != b[j] for i, j in pairs)
    return INDEL * (len(a) + len(b) - 2 * len(pairs)) + unlike


def cheapest(a: list[int], b: list[int]) -> int:
    """The price of the best alignment by the textbook's table."""
    row = [INDEL * j for j in range(len(b) + 1)]
    for i, one in enumerate(a, 1):
        last, row = row, [INDEL * i]
        for j, two in enumerate(b, 1):
            row.append(min(last[j - 1] + (one != two), last[j] + INDEL, row[j - 1] + INDEL))
    return row[-1]


@given(st.lists(st.integers(0, 3), max_size=30), st.lists(st.integers(0, 3), max_size=30))
def test_property_short_alignments_are_cheapest(a: list[int], b: list[int]) -> None:
    pairs = align(a, b, lambda i, j: 1)
    assert pairs == sorted(set(pairs)) and price(a, b, pairs) == cheapest(a, b)
    assert all(one[1] < two[1] for one, two in pairwise(pairs))


LONG = [1, 2, 3] * 3_000


@pytest.mark.parametrize(
    ("new", "most"),
    [
        (LONG, 0),
        ([*LONG[:4_000], 4, *LONG[4_000:]], INDEL),
        ([item for at, item in enumerate(LONG) if at % 333], 70 * INDEL),
        ([5, *LONG[:1_500], *LONG[4_500:], 6], 3_100 * INDEL),
        pytest.param([item + 3 for item in LONG], len(LONG), marks=pytest.mark.long),
        (LONG[::-1], 3 * len(LONG)),
    ],
)
@pytest.mark.long
def test_long_alignments_are_quick(new: list[int], most: int) -> None:
    with at_most(900 * len(LONG)):
        pairs = align(LONG, new, lambda i, j: 1)
    assert price(LONG, new, pairs) <= most


@pytest.mark.long
def test_large_nets_are_quick() -> None:
    """Whole nets of like layers, with changes far apart: linear time, and little to read."""
    lines = ["conv 8 3 same; bn; relu"] * 2_000
    old = check("input 32x32x8\n" + "\n".join(lines))
    lines[100] = lines[1_750] = "conv 8 3 same; relu"
    lines[1_250] = "conv 8 3 same; bn; gelu"
    new = check("input 32x32x8\n" + "\n".join(lines))
    with at_most(12_000_000):
        found = difference(old, new)
        text = as_text(found, "a", "b") + as_markdown(found, "a", "b")
    assert [each.kind for each in found.entries] == ["removed", "changed", "removed"]
    assert len(text) < 10_000


# The command


def write(folder: Path, **texts: str) -> list[str]:
    for name, text in texts.items():
        (folder / f"{name}.cnn").write_text(text, encoding="utf-8")
    return [str(folder / f"{name}.cnn") for name in texts]


def test_exit_codes(tmp_path: Path) -> None:
    old, new, same, bad = write(
        tmp_path,
        old=BASE,
        new=BASE.replace("8", "9"),
        same=f"# the same\n{BASE}",
        bad="input 8\nconv 3",
    )
    assert run("diff", old, new)[0] == 0
    assert run("diff", old, new, "--exit-code")[0] == 1
    assert run("diff", old, same, "--exit-code")[0] == 0
    for words in ([old, bad], [bad, old], [bad, bad], [bad, "/dev/null"]):
        for form in ("text", "markdown", "json"):
            code, out, err = run("diff", *words, "--format", form)
            assert (code, err) == (1, "") and "E1" in out
    assert run("diff", old, str(tmp_path / "none.cnn"))[:2] == (2, "")
    for words in ([old], [], [old, new, same], ["-", "-"]):
        assert run("diff", *words)[0] == 2


def test_a_broken_promise_is_no_reason_to_say_nothing(tmp_path: Path) -> None:
    old = BASE + "expect params <= 3_000\n"
    old, new = write(tmp_path, old=old, new=old.replace("conv 8 3x3 relu", "conv 99 3x3 relu"))
    code, out, err = run("diff", old, new)
    assert (code, err) == (1, "") and "filters 8 → 99" in out and "error[E301]" in out
    code, out, _ = run("diff", new, old, "--format", "markdown")
    assert code == 1 and "filters 99 → 8" in out and "error[E301]" in out
    found = json.loads(run("diff", old, new, "--format", "json")[1])
    assert [found[side]["errors"] != [] for side in ("old", "new")] == [False, True]
    assert found["changes"] and found["promises"] == []


def test_an_input_alone(tmp_path: Path) -> None:
    found = diff(BASE, BASE.replace("12x12x3", "12x12x1"))
    text = as_text(found, "a", "a")
    assert text.startswith("a: no layer changed by itself; 1 follows\n")


def test_standard_input_and_settings(tmp_path: Path) -> None:
    text = "param w = 4\ninput 8x8x1\nconv w 3\n"
    (path,) = write(tmp_path, net=text)
    code, out, err = run("diff", "-", path, "--exit-code", stdin=text.encode())
    assert (code, err) == (0, "") and out.startswith("<stdin> → ")
    out = run("diff", "-", path, "--set", "w=6", stdin=b"input 8x8x1\nconv 6 3\n")[1]
    assert "no change in meaning" in out
    code, out, _ = run("diff", "-", path, "--set", "v=6", stdin=text.encode())
    assert code == 1 and out.count("E113") == 2
    out = run("diff", "-", path, "--input", "8x8x1", stdin=b"conv 6 3\n")[1]
    assert "E111" in out


def test_a_file_that_is_new(tmp_path: Path) -> None:
    (path,) = write(tmp_path, net=BASE)
    code, out, _ = run("diff", "/dev/null", path, "--exit-code")
    assert code == 1 and re.search(r"net\.cnn: added, 4 layers, 12x12x3 in, 4 out, ", out)
    code, out, _ = run("diff", path, "/dev/null", "--format", "markdown")
    assert code == 0 and "removed, 4 layers" in out
    found = json.loads(run("diff", "/dev/null", path, "--format", "json")[1])
    assert found["old"]["file"] is None and found["new"]["layers"] == 4


@pytest.mark.parametrize("form", ["text", "markdown", "json"])
def test_names_cannot_break_out(form: str, tmp_path: Path) -> None:
    odd = tmp_path / "a|`<b>\x1b[31m\n# x.cnn"
    odd.write_text(BASE, encoding="utf-8")
    new = tmp_path / "new.cnn"
    new.write_text(BASE.replace("8", "9"), encoding="utf-8")
    out = run("diff", str(odd), str(new), "--format", form)[1]
    assert "\x1b" not in out and (form == "json" or "\n# x" not in out)
    if form == "markdown":
        from markdown_it import MarkdownIt

        html = MarkdownIt("commonmark").enable("table").render(out)
        assert "<b>" not in html
        head = html.index("<thead>")
        assert html[head:].count("<th") - html[head:].count("<thead") > 4


def test_names_of_outputs_are_text() -> None:
    text = "input 8\nhead __a__ { dense 3 }\ndense 4\n"
    shown = as_markdown(diff(text, text.replace("3", "5")), "a", "b")
    assert r"\_\_a\_\_ 3" in shown


def cases() -> list[str]:
    return sorted(path.name for path in GOLDEN.iterdir())


@pytest.mark.parametrize("name", cases())
def test_golden(name: str) -> None:
    """`old.cnn`, `new.cnn` and what is said of them; `CNNDSL_UPDATE_GOLDEN=1` writes it anew."""
    import os

    folder = GOLDEN / name
    old, new = (
        check((folder / f"{side}.cnn").read_text(encoding="utf-8"), file=f"{side}.cnn")
        for side in ("old", "new")
    )
    found = difference(old, new)
    outputs = {
        "expected.txt": as_text(found, "old.cnn", "new.cnn"),
        "expected.md": as_markdown(found, "old.cnn", "new.cnn"),
        "expected.json": as_json(found, "old.cnn", "new.cnn"),
    }
    for file, text in outputs.items():
        if os.environ.get("CNNDSL_UPDATE_GOLDEN", "") not in ("", "0"):
            (folder / file).write_text(text, encoding="utf-8", newline="\n")
        assert (folder / file).read_text(encoding="utf-8") == text


def test_a_small_change_is_not_none() -> None:
    assert _by("macs", 1_512_380_928, 1_511_874_048) == "-506,880 (-0.03%)"
    assert _by("params", 10**9, 10**9 + 1) == "+1"
    assert _by("params", 100, 150) == "+50 (+50.0%)"
