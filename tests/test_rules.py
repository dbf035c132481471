"""The rules that advise: what holds of all of them, over random nets and the samples.

What each finds is on its page, which `test_pages.py` runs.
"""

from __future__ import annotations

import json
import re
from importlib import import_module
from pathlib import Path

import nets
import pytest
from faults import failing
from hypothesis import given, settings
from hypothesis import strategies as st
from programs import programs
from running import run

import cnndsl
from cnndsl.api import examine, lint
from cnndsl.cli.commands.rule import page
from cnndsl.diagnostics import CODES, Diagnostic, Fix, Source
from cnndsl.diagnostics.codes import on_by_default
from cnndsl.layers.values import Pair
from cnndsl.layers.window import Window
from cnndsl.layers.window import _window as window
from cnndsl.network import Network
from cnndsl.rules import ADVICE, advice, gridding, unpainted, wide_padding
from cnndsl.rules.helpers.view import View
from cnndsl.rules.helpers.windows import left_out, most_seen, unseen

MANY = settings.default.max_examples
SAMPLES = sorted((Path(__file__).parent.parent / "samples").glob("*.cnn"))

# What a formatter may take away: the rule is about how the text looks.
ABOUT_THE_TEXT = {"W401"}

TEXTS = st.one_of(nets.straight_nets(), nets.branching_nets())


def checked(text: str) -> Network:
    network, problems = examine(Source("net.cnn", text))
    assert network is not None, problems
    return network


def advised(text: str) -> list[Diagnostic]:
    """What all rules say of a net, those among them that are off by default."""
    return list(advice(checked(text), ADVICE))


def applied(text: str, fix: Fix) -> str:
    for edit in sorted(fix.edits, reverse=True):
        text = text[: edit.span.start] + edit.text + text[edit.span.end :]
    return text


def data(text: str) -> object:
    """A net's JSON, but for the lines."""
    found = json.loads(str(cnndsl.build(checked(text), "json")))
    for layer in found["layers"]:
        del layer["line"]
    return found


def meaning(text: str) -> tuple[object, ...]:
    """What a net is: its JSON, and the code of both frameworks."""
    return data(text), cnndsl.build(text, "pytorch"), cnndsl.build(text, "keras")


def bad(code: str) -> str:
    return page(code).split("## Bad\n\n```cnn\n")[1].split("```")[0]


def test_each_rule_has_a_code_and_a_module() -> None:
    # W9 is about the checking itself, and not about nets.
    assert list(ADVICE) == [code for code in CODES if code[0] == "W" and code[1] != "9"]
    assert all(CODES[code].severity == "warning" for code in ADVICE)
    for code, (name, words) in ADVICE.items():
        module = import_module(f"cnndsl.rules.{name}")
        assert module.__doc__ and module.__doc__.startswith(f"{code}: ")
        assert callable(module.find) and words


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_samples_are_above_advice(path: Path) -> None:
    found = cnndsl.diagnose(path.read_text(encoding="utf-8"), file=path.name)
    assert [each.message for each in found if each.severity == "warning"] == []


@pytest.mark.parametrize("code", ADVICE)
def test_a_safe_fix_leaves_the_network_as_it_is(code: str) -> None:
    text = bad(code)
    for found in advised(text):
        for fix in found.fixes:
            if fix.safe:
                assert meaning(applied(text, fix)) == meaning(text), fix.title


@pytest.mark.parametrize("code", ADVICE)
def test_a_rule_that_is_not_loaded_has_nothing_to_say(code: str) -> None:
    """Where a net has none of a rule's words, asking it all the same gives nothing."""
    view = View(checked(bad(code)))
    for name, words in ADVICE.values():
        if view.words.isdisjoint(words):
            assert list(import_module(f"cnndsl.rules.{name}").find(view)) == []


@given(TEXTS)
def test_property_rules_say_the_same_twice_and_each_thing_once(text: str) -> None:
    found = advised(text)
    said = [(each.code, each.span, each.message) for each in found]
    assert said == [(each.code, each.span, each.message) for each in advised(text)]
    places = [(each.code, each.span) for each in found]
    assert len(places) == len(set(places))
    for each in found:
        assert 0 <= each.span.start < each.span.end <= len(text)


@given(TEXTS)
def test_property_a_rule_that_is_not_loaded_has_nothing_to_say(text: str) -> None:
    view = View(checked(text))
    for name, words in ADVICE.values():
        if view.words.isdisjoint(words):
            assert list(import_module(f"cnndsl.rules.{name}").find(view)) == []


@given(TEXTS)
def test_property_formatting_changes_no_finding(text: str) -> None:
    found = sorted(each.code for each in advised(text) if each.code not in ABOUT_THE_TEXT)
    formatted = advised(cnndsl.format(text))
    assert found == sorted(each.code for each in formatted if each.code not in ABOUT_THE_TEXT)


@settings(max_examples=MANY)
@given(TEXTS)
def test_property_fixes_give_nets(text: str) -> None:
    """A fix leaves a text that reads, with less of its kind; a safe one the same network."""
    before = advised(text)
    for found in before:
        for fix in found.fixes:
            mended = applied(text, fix)
            if fix.safe:
                assert data(mended) == data(text), (fix.title, mended)
                # The layout by black takes long; a few nets have it.
                if len(text) < 90:
                    assert meaning(mended) == meaning(text), (fix.title, mended)
            network, problems = examine(Source("net.cnn", mended), advice={found.code})
            count = sum(each.code == found.code for each in problems)
            if network is not None:
                assert count < sum(each.code == found.code for each in before), mended
            else:  # a changed size may not fit what comes after it, but the text reads
                assert all(each.code > "E1" for each in problems), mended


NAMES = ["let a = 3", "let b = C", "param p = 2", "block z(n, m=1) { conv n 3x3 same; bn }"]


@settings(max_examples=2 * MANY)
@given(programs())
def test_property_no_rule_fails(text: str) -> None:
    """Whatever the text, right or wrong; `conftest.py` has a rule that fails raise."""
    examine(Source("net.cnn", text), advice=ADVICE, limit=2000)


# What once made a rule fail, or might: branches that are never taken, words that stand for
# layers, nets of next to nothing, texts with errors, numbers as large as they come.
NASTY = [
    "input 8x8x4; let s = 0; if s != 0 { if 8 // s == 2 { relu } }; gap; dense 10",
    "input 8x8x4; if 0 { if 1 % 0 == 2 { relu } else if foo(1) { bn } }",
    "input 8x8x4; if 0 { if 2**65 == 1 { } else if 1x1 < 2 { } else if not 3x3 { } }",
    "input 8x8x4; block b() { if 1/0 { relu } }",
    "input 8x8x4; let s = 0; if s { repeat (1 // s) { relu } ; dense (s % s) }",
    "if 0 { average dropout {{}} }\n0x0",
    "input 8x8x4; if 0 { dropout 0.5; softmax; bn; add { | } }",
    "block w(f) { f 0 }\ninput 8x8x4\nw dropout",
    "block w(f, a) { f a }\ninput 8x8x4\nw up 1; w crop 0; w zeropad 0; w shuffle 1; w slice 0:4",
    "block w(f) { f }\ninput 8x8x4\nw softmax; w relu; w relu; w bn; w bn; w flatten; w softmax",
    "block w(f) { f 1 1 /2 }\ninput 9x9x4\nw conv; w conv",
    "input 64; reshape 8x8x1; gap; dense 3",
    "input 64 as a; input 4x4x1; gap; from a; dense 3",
    "input 64; reshape 4x4x4; gmp keep; flatten; softmax",
    "input 1", "input 1x1", "input 1x1x1x1", "input 3x16x16", "input 7; dropout 0.5",
    "input 8 as a; input 8 as b; add { from a | from b }; dropout 0.5; head h { dropout 0.5 }",
    "input 8; head main2 { softmax; softmax }",
    "input 4; repeat 0 { dense 3 }; repeat 1 { }; repeat 1 as i { softmax }",
    "input 4; concat { | | }; add { skip | skip }; mul { skip | skip }",
    "rounding floor; input 1000000000000000000x1; pool 7 /999999999999999999",
    "input 1000000000000000x1\nconv 1 3 /1000000000 dilation=1000000000 pad=1000000000 floor",
    "input 9x1\nconv 1 99999999999999 same dilation=9973; conv 1 99999999999999 same /7",
    "input 2x1; deconv 1 1 /500000000000000000; deconv 1 499999999 /499999999 same",
    "input 8x8x3; flatten; dense 1000000000000000; dropout 0.999999999999999",
    "input 8; dropout 1e-300; dropout -0.0; bn eps=1e-18; bn; scale init=-1e18; lrn",
    "param p = 3; let q = p; block b(r=q) { conv r 3 same }; input 8x8x8; b; b 2",
    "block a() { b }; block b() { let x = 3 }; input 8x8x1; conv 1 1 # cnndsl: ignore[W1",
    "let a = 1; block b(a) { let c = a; repeat 2 as a { let c = a } }; input 8; relu as relu2",
    "input 8x8x3; conv 3 3 /2 same dilation=2; conv 3 2 same; conv 3 4 pad=9; pool 2 floor",
]  # fmt: skip


@pytest.mark.parametrize("text", NASTY)
@pytest.mark.parametrize("given", [{}, {"input": "8x8x3"}, {"input": "4"}], ids=str)
def test_no_rule_fails_on_nasty_texts(text: str, given: dict[str, str]) -> None:
    examine(Source("net.cnn", text), None, given.get("input"), advice=ADVICE)
    bare = re.sub(r"input [0-9x]+( as \w+)?;?", "", text, count=1)
    examine(Source("net.cnn", bare), None, given.get("input"), advice=ADVICE)


def test_rules_see_no_net_with_errors() -> None:
    text = "input 8x8x1\nlet k = 3\nlet m = 3 3\nconv 4 3x3 relu\nbn; dropout 0.5\n"
    network, problems = examine(Source("net.cnn", text), advice=ADVICE)
    assert network is None
    assert [each.code for each in problems] == ["E002"]


ONCE = "input 8x8x1\nlet a = 1\nif 1 { conv 4 3x3 relu }\nflatten; dense 2 # cnndsl: ignore[W1]\n"


@pytest.mark.parametrize("error", [ZeroDivisionError("5 / 0"), RecursionError(), KeyError("é")])
def test_a_rule_that_fails_is_a_finding_and_the_others_are_asked(error: Exception) -> None:
    with failing(error):
        found = cnndsl.diagnose(ONCE)
        assert [each.code for each in found] == ["W903", "W101", "W902"]
        told = found[0]
        assert told.message == (
            f"the rule W111 constant-condition failed on this net ({type(error).__name__})"
        )
        assert re.fullmatch(r"it failed at faults:\d+", told.notes[0].message)
        # It is said whichever rules are asked, and not where the rule is not.
        chosen = lint(Source("net.cnn", ONCE), {"W111"})
        assert [each.code for each in chosen] == ["W903"]
        assert not lint(Source("net.cnn", ONCE), {"W110"})


def test_a_search_for_quick_fixes_that_fails_loses_the_fixes() -> None:
    text = "input 8x8x1\nconv 4 9x9\n"
    with failing(ZeroDivisionError()):
        failed, error = cnndsl.diagnose(text)
    assert failed.message.startswith("the search for quick fixes failed on this net")
    assert (error.code, error.fixes) == ("E203", ())
    assert cnndsl.diagnose(text)[0].fixes


@pytest.mark.parametrize("error", [MemoryError, KeyboardInterrupt])
def test_what_is_no_fault_of_a_rule_ends_the_run(error: type[BaseException]) -> None:
    with failing(error()), pytest.raises(error):
        cnndsl.diagnose(ONCE)


def test_a_run_goes_on_over_other_files(tmp_path: Path) -> None:
    for name in "abc":
        (tmp_path / f"{name}.cnn").write_text(ONCE, encoding="utf-8")
    with failing(ZeroDivisionError()):
        code, out, err = run("check", str(tmp_path), "--select", "W111", "--no-cache")
    assert (code, err) == (0, "")
    assert out.count("warning[W903] internal-error: ") == 3


def test_each_dropout_at_the_end_is_named() -> None:
    text = "input 10\ndense 3\ndropout 0.3; relu; dropout 0.2\nhead side { dropout 0.1 }\n"
    assert [each.code for each in advised(text)].count("W308") == 3


@settings(max_examples=MANY)
@given(TEXTS, st.lists(st.sampled_from(NAMES), min_size=1, max_size=4, unique=True))
def test_property_what_is_unused_can_go(text: str, extra: list[str]) -> None:
    """Whatever is defined and not read is found, and goes without a trace."""
    head, separator, tail = text.rpartition("\n")
    text = f"{head}{separator}" + "".join(f"{line}\n" for line in extra) + tail
    unused = [each for each in advised(text) if each.code in ("W101", "W102", "W103")]
    assert len(unused) >= len(extra)
    for found in unused:
        for fix in found.fixes:
            assert data(applied(text, fix)) == data(text)


def test_a_loop_is_one_finding() -> None:
    text = "input 8x8x8\nrepeat 3000 { conv 8 3x3 same; bn }\n"
    found = [each for each in advised(text) if each.code in on_by_default()]
    assert [each.code for each in found] == ["W301", "W302"]
    assert "all 3,000 layers" in found[0].notes[0].message
    assert "2,999 of the 3,000 layers" in found[1].notes[0].message


def test_a_fix_of_some_layers_of_a_statement_is_none() -> None:
    text = (
        "block c(n, act) { conv n 3x3 same; if act == bn { bn } else { relu } }\n"
        "input 8x8x8\nc 8 bn; relu; c 8 relu; gap; dense 2\n"
    )
    (found,) = [each for each in advised(text) if each.code == "W301"]
    assert not found.fixes
    assert "1 of the 2 layers" in found.notes[0].message
    assert [note.message for note in found.notes[1:]] == ["in `c 8 bn`, called here"]


def test_what_an_unused_block_reads_is_not_taken_from_it() -> None:
    text = (
        "input 8x8x3\nlet wide = 4\n"
        "block inner(n) { conv n 3x3 relu }\nblock outer() { inner wide }\nconv 4 3x3 relu\n"
    )
    inner, outer = advised(text)
    assert (inner.code, outer.code) == ("W103", "W103")
    assert not inner.fixes
    text = applied(text, outer.fixes[0])
    assert [each.code for each in advised(text)] == ["W101", "W103"]


def test_a_path_that_loses_its_statement_stays_a_path() -> None:
    text = "input 8x8x8\nadd { let a = 3 | conv 8 1x1 relu }\nadd { dropout 0 | conv 8 1x1 relu }\n"
    unused, idle = advised(text)
    assert (unused.code, idle.code) == ("W101", "W109")
    assert data(applied(text, unused.fixes[0])) == data(text)
    mended = applied(applied(text, idle.fixes[0]), unused.fixes[0])
    assert mended == text.replace("let a = 3", "skip").replace("dropout 0", "skip")
    assert not advised(mended)


# The numbers in the messages, counted pixel by pixel

WINDOWS = st.builds(
    lambda size, kernel, stride, dilation, pad, rounding: window(
        size, kernel, stride, dilation, pad, rounding
    ),
    st.integers(1, 30),
    st.integers(1, 6),
    st.integers(1, 7),
    st.integers(1, 4),
    st.one_of(st.none(), st.builds(Pair, st.integers(0, 9), st.integers(0, 9))),
    st.sampled_from(["floor", "ceil"]),
).filter(lambda each: each.output >= 1)


def taps(each: Window) -> list[list[int]]:
    """The pixels that each window reads, those of the padding left out."""
    return [
        [
            place
            for tap in range(each.kernel)
            if 0 <= (place := at * each.stride - each.begin + tap * each.dilation) < each.size
        ]
        for at in range(each.output)
    ]


@settings(max_examples=4 * MANY)
@given(WINDOWS)
def test_property_pixels_are_counted_right(each: Window) -> None:
    read = taps(each)
    assert most_seen(each) == max(map(len, read))
    assert wide_padding.blind(each) == sum(
        (at * each.stride - each.begin + each.extent <= 0)
        or (at * each.stride - each.begin >= each.size)
        for at in range(each.output)
    )
    seen = {place for places in read for place in places}
    grid = gridding.grid(each)
    if grid > 1:
        assert len(seen) <= gridding.on_grid(each) <= -(-each.size // grid)
    wide = each.stride > each.extent
    assert unseen(each) == (each.size - len(seen) if wide else 0)
    last = (each.output - 1) * each.stride - each.begin + each.extent
    behind = [place for place in range(each.size) if place >= last]
    assert seen.isdisjoint(behind)
    assert left_out(each) == (0 if wide else len(behind))


SLIDES = st.builds(
    lambda op, size, kernel, stride, dilation, pad, before, rounding: (
        f"rounding {rounding}\ninput {size}x1\n{before}"
        f"{op} {kernel} /{stride} {f'dilation={dilation} ' * op.startswith('conv')}{pad}\n"
    ),
    st.sampled_from(["conv 1", "pool"]),
    st.integers(1, 70),
    st.integers(1, 6),
    st.integers(1, 9),
    st.integers(1, 3),
    st.one_of(
        st.sampled_from(["", "same"]),
        st.builds("pad={}:{}".format, st.integers(0, 4), st.integers(0, 4)),
    ),
    st.one_of(
        st.just(""),
        st.builds("zeropad {}:{}\n".format, st.integers(0, 3), st.integers(0, 3)),
    ),
    st.sampled_from(["exact", "floor", "ceil"]),
)
COUNT = re.compile(r"(?:sees|leaves out) (\d+) of (\d+) pixels in length$")


@settings(max_examples=4 * MANY)
@given(SLIDES)
def test_property_printed_counts_are_those_of_the_image(text: str) -> None:
    """What W201, W202 and W205 print is what one counts by hand, in the text's own image."""
    network, problems = examine(Source("net.cnn", text), advice={"W201", "W202", "W205"})
    if network is None:
        return
    image = set(range(network.nodes[0].output[0]))
    front = 0
    if network.nodes[1].layer.op == "zeropad":
        front = network.nodes[1].layer.pad[0].begin  # type: ignore[attr-defined]
    (each,) = network.nodes[-1].layer.windows  # type: ignore[attr-defined]
    seen = {place - front for places in taps(each) for place in places}
    end = (each.output - 1) * each.stride - each.begin + each.extent - front
    behind = {place for place in image if place >= end}
    expected = []
    if each.stride > each.extent:
        code = "W202" if each.extent == 1 else "W201"
        expected = [(code, len(image - seen), len(image))]
    elif network.rounding == "floor":
        expected = [("W205", len(behind), len(image))]
    printed = []
    for found in problems:
        match = COUNT.search(found.message)
        assert match is not None, found.message
        printed.append((found.code, int(match[1]), int(match[2])))
    assert printed == [each for each in expected if each[1]]


@pytest.mark.parametrize(
    ("text", "code", "told"),
    [
        ("input 64x64x3\nconv 8 1x1 /2 floor\n", "W202", "32 of 64"),
        ("rounding floor\ninput 9x9x1\nconv 8 2x2 /5\n", "W201", "5 of 9"),
        ("rounding floor\ninput 33x33x1\nconv 8 2x2 /3\n", "W201", "11 of 33"),
        ("rounding floor\ninput 6x6x1\nconv 8 2x2 /5\n", "W201", "4 of 6"),
        ("rounding floor\ninput 5x5x1\nconv 8 2x2 /5\n", "W201", "3 of 5"),
        ("rounding floor\ninput 5x5x1\nconv 8 2x2 /2\n", "W205", "1 of 5"),
        ("rounding floor\ninput 4x4x1\nzeropad 0:1\nconv 8 3x3 /3\n", "W205", "1 of 4"),
    ],
)
def test_pixels_behind_the_last_window_count(text: str, code: str, told: str) -> None:
    advice = {"W201", "W202", "W205"}
    (found,) = examine(Source("net.cnn", text), advice=advice)[1]
    assert found.code == code
    assert found.message.endswith(f" {told} pixels in height and width")


@given(st.integers(1, 6), st.integers(1, 6), st.integers(1, 9), st.booleans())
def test_property_unpainted_pixels_are_counted_right(k: int, s: int, x: int, same: bool) -> None:
    node = checked(f"input {x}x1\ndeconv 1 {k} /{s} {'same' * same}").nodes[-1]
    (gaps,) = unpainted.gaps(node.layer)
    painted = {at * s + tap for at in range(x) for tap in range(k)}
    size = node.output[0]
    assert gaps == (len(set(range(size)) - painted) if k < s else 0)


def test_features_of_another_net_are_no_small_field() -> None:
    assert not advised("input 7x7x2048\ngap; dense 16 softmax\n")
    found = advised("input 28x28x16\nconv 16 3x3 relu; gap; dense 16 softmax\n")
    assert [each.code for each in found] == ["W208"]


def test_a_pool_that_is_global_in_one_stage_of_several_is_none() -> None:
    text = (
        "block stage(n) { conv n 3x3 relu same; pool 2 }\n"
        "input 8x8x3\nstage 8; stage 16; stage 32; flatten; dense 2\n"
    )
    assert "W209" not in [each.code for each in advised(text)]
    whole = text.replace("8x8", "2x2").replace("stage 8; stage 16; ", "")
    assert "W209" in [each.code for each in advised(whole)]


def test_a_flag_that_comes_from_elsewhere_loads_its_rules() -> None:
    texts = (
        "input 9x9x8\nlet p = same\nconv 8 4x4 relu p\n",
        "input 9x9x8\nblock c(p=same) { conv 8 4x4 relu p }\nc\n",
        "input 9x9x8\nblock c(p) { conv 8 4x4 relu p }\nc same; c same\n",
    )
    for text in texts:
        assert "W204" in [each.code for each in advised(text)], text
    source = Source("net.cnn", "input 9x9x8\nparam p = relu\nconv 8 4x4 p\n")
    assert [each.code for each in examine(source, {"p": "same"}, advice={"W204"})[1]] == ["W204"]


@pytest.mark.parametrize(
    ("size", "meant"),
    [
        ("3x224x224", "224x224x3"),
        ("(1, 28, 28)", "28x28x1"),
        ("4x480x640", "480x640x4"),
        *(
            (size, None)
            for size in ("224x224x3", "4x4x64", "1x128x9", "1x8x8", "3x64x32", "2x28x28")
        ),
        *((size, None) for size in ("3x224", "3", "1x100x640", "3x32x32x32")),
    ],
)
def test_channels_that_come_first(size: str, meant: str | None) -> None:
    text = f"input {size}\ntanh\n"
    found = examine(Source("a.cnn", text), advice={"W213"})[1]
    assert [fix.edits[0].text for each in found for fix in each.fixes] == ([meant] if meant else [])
