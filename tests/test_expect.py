"""Promises: what they can speak of, where, and what is said of those that are not kept."""

from __future__ import annotations

import operator
from random import Random

import nets
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cnndsl.api import examine
from cnndsl.diagnostics import Diagnostic, Source
from cnndsl.layers.base import show
from cnndsl.quickfix.apply import apply_edits
from cnndsl.quickfix.promises import with_other_promises

NET = "input 28x28x1\nconv 4 5x5 relu\n{}\npool 2\nbn\n"
TESTS = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def look(text: str) -> list[Diagnostic]:
    return examine(Source("net.cnn", text))[1]


def said(promise: str) -> str:
    """What is said of a promise in a net of 120 parameters; nothing where it is kept."""
    return "".join(each.message for each in look(NET.format(f"expect {promise}")))


@pytest.mark.parametrize(
    "promise, message",
    [
        ("params == 120", ""),
        ("params == 100", "params: 120 is 20 over the 100 promised"),
        ("params == 1_000", "params: 120 is 880 short of the 1,000 promised"),
        ("params <= 0.12K", ""),
        ("params < 120", "params: 120 is not below the 120 promised"),
        ("params > 120", "params: 120 is not above the 120 promised"),
        ("params < 119", "params: 120 is 1 over the 119 promised"),
        ("params >= 5M", "params: 120 is 4,999,880 short of the 5,000,000 promised"),
        ("params != 120", "params is 120, which the file forbids"),
        ("params == (C*30)", ""),
        ("weights == 100", "weights: 116 is 16 over the 100 promised"),
        ("trainable == 112", ""),
        ("non_trainable == 0", "non_trainable: 8 is 8 over the 0 promised"),
        ("macs <= 57.6K", ""),
        ("flops <= 115.2K", ""),
        ("flops <= 115K", "flops: 115,200 is 200 over the 115,000 promised"),
        ("macs <= 57K", "macs: 57,600 is 600 over the 57,000 promised"),
        ("shape == 24x24x4", ""),
        (
            "shape == 24x22x5",
            "the shape is 24x24x4 here, and 24x22x5 is promised: width 2 over, 1 channel too few",
        ),
        ("shape == 4", "the shape is 24x24x4 here, and 4 is promised"),
        ("shape != 24x24x4", "the shape is 24x24x4 here, which the file forbids"),
        ("field >= 5", ""),
        ("field == 5x5", ""),
        ("field >= 5x6", "the receptive field is 5x5 here, and >= 5x6 is promised: width 1 short"),
        (
            "field == 7",
            "the receptive field is 5x5 here, and 7 is promised: height and width 2 short",
        ),
        ("field != 5", "the receptive field is 5x5 here, which the file forbids"),
        ("field < 5x5x5", "the receptive field is 5x5 here, and < 5x5x5 is promised"),
    ],
)
def test_what_is_said(promise: str, message: str) -> None:
    assert said(promise) == message


def test_a_promise_stands_anywhere() -> None:
    block = "block unit(n) {{ conv n 3 same; expect shape == {}; expect params == 36_236 }}\n"
    net = "input 8x8x4\nunit 64\nhead side {{ gap; expect shape == {} }}\n"
    net += "repeat 2 {{ unit 64; expect field >= {} }}\nexpect macs <= 5M\n"
    text = block + net
    good = text.format("8x8x64", "64", "5")
    assert [each.message for each in look(good)] == [
        "params: 76,224 is 39,988 over the 36,236 promised"
    ]
    bad = text.replace("36_236", "76_224").format("8x8x60", "60", "6")
    found = look(bad)
    assert [each.message for each in found] == [
        "the shape is 8x8x64 here, and 8x8x60 is promised: 4 channels too many",
        "the shape is 64 here, and 60 is promised: 4 channels too many",
        "the receptive field is 5x5 here, and >= 6 is promised: height and width 1 short",
    ]
    (note,) = found[0].notes
    assert note.message == "in `unit 64`, called here"


def test_the_turn_of_a_loop_is_told() -> None:
    text = "input 16x16x3\nrepeat 3 { pool 2; expect shape == 8x8x3 }\n"
    (problem,) = look(text)
    assert problem.notes[0].message == "in turn 2 of 3"
    assert not problem.fixes  # it would have to be 8x8x3 and 4x4x3 and 2x2x3


def test_a_fix_promises_what_is_where_one_asks() -> None:
    for promise, mended in (
        ("params == 100", "params == 120"),
        ("params == 1_000", "params == 120"),
        ("macs == 5_000", "macs == 57_600"),
        ("shape == 2x2x2", "shape == 24x24x4"),
        ("field == 3", "field == 5"),
        ("field == 3x2", "field == 5x5"),
    ):
        problems = look(NET.format(f"expect {promise}"))
        source = problems[0].source
        at = source.text.index("expect")
        assert all(edit.span.end <= at for fix in problems[0].fixes for edit in fix.edits)
        (problem,) = with_other_promises(source, problems, {}, None, 10**6)
        fix = problem.fixes[-1]
        assert not fix.safe and fix.intent == "promise"
        assert apply_edits(problem.source.text, fix.edits) == NET.format(f"expect {mended}")
    for promise in ("params <= 100", "params == (50 + 50)", "shape == (2, 2, C)"):
        problems = look(NET.format(f"expect {promise}"))
        found = with_other_promises(problems[0].source, problems, {}, None, 10**6)
        assert all(fix.intent != "promise" for each in found for fix in each.fixes)


@given(st.randoms(use_true_random=False), st.sampled_from([*TESTS]), st.integers(-3, 3))
def test_property_promises_compare(rng: Random, op: str, by: int) -> None:
    text = nets.straight(rng)
    network = nets.network(text)
    assert network is not None
    for metric in ("params", "weights", "trainable", "non_trainable", "macs", "flops"):
        actual = getattr(network.totals, metric)
        value = max(0, actual + by)
        found = look(f"{text}expect {metric} {op} {value}\n")
        assert bool(found) != TESTS[op](actual, value)
        if found and op != "!=" and value != actual:
            assert f" {abs(actual - value)} " in found[0].message
    if op in ("==", "!="):
        shape = network.nodes[network.outputs["main"]].output
        other = (*shape[:-1], max(1, shape[-1] + by))
        found = look(f"{text}expect shape {op} {show(other)}\n")
        assert bool(found) != TESTS[op](shape, other)
        for fix in found[0].fixes if found else ():
            assert look(apply_edits(found[0].source.text, fix.edits)) == []
