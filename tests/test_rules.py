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
from hypothesis import given, settings
from hypothesis import strategies as st

import cnndsl
from cnndsl.api import examine
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
    # W9 is about the comments that ignore rules, and not about nets.
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
