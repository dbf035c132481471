"""What makes the tests the same each time: no forks, no clocks, nothing drawn anew."""

from __future__ import annotations

import os
import random
import re
from pathlib import Path

import pytest
from conftest import PARTS, crossed, few
from hypothesis import settings
from running import run
from steps import TooMuch, at_most

TESTS = Path(__file__).resolve().parent


@pytest.mark.skipif(not hasattr(os, "fork"), reason="POSIX")
def test_no_test_forks() -> None:
    with pytest.raises(AssertionError, match="a test forks"):
        os.fork()


@pytest.mark.skipif("HYPOTHESIS_PROFILE" in os.environ, reason="another profile")
def test_examples_are_the_same_each_time() -> None:
    assert settings.default.derandomize and settings.default.deadline is None


def test_seeds_are_set_before_each_test() -> None:
    first = random.random()
    random.seed(0)
    assert random.random() == first


def test_calls_are_counted() -> None:
    with at_most(1_000):
        sorted(range(10_000))
    with pytest.raises(TooMuch, match="more than 1,000 calls"), at_most(1_000):
        for _ in range(2_000):
            len("")
    # `main` lets no exception out.
    with pytest.raises(TooMuch), at_most(1_000):
        run("check", "-", stdin=b"input 8\n" + b"relu\n" * 1_000)


def test_some_of_a_sweep_runs_always() -> None:
    one, two, three = few([1, 2, pytest.param(3, id="x")], [2])
    assert two == 2 and [mark.name for mark in one.marks] == ["frameworks"]
    assert (three.values, three.id, len(three.marks)) == ((3,), "x", 1)


def test_of_the_rest_each_value_has_its_turn() -> None:
    """In one of as many sweeps as there are parts, and in each run of them."""
    pairs = crossed(range(9), "abc", [4])
    assert [each for each in pairs if each[0] == 4] == [(4, x) for x in "abc"]
    rest = [(each.values, each.marks[0].name) for each in pairs if each[0] != 4]
    assert len(rest) == 8 * PARTS
    now = [values for values, mark in rest if mark == "frameworks"]
    assert sorted(value for value, _ in now) == [0, 1, 2, 3, 5, 6, 7, 8]
    assert {other for _, other in now} == {*"abc"}
    assert {mark for _, mark in rest} == {"frameworks", "sweep"}


# They give up to wait, stop after so many minutes, or kill at any moment: no time decides
# whether something is right.
CLOCKS = {"fuzz_long.py", "fuzz_nets.py", "test_fuzz.py", "test_many.py"}


def test_no_test_looks_at_a_clock() -> None:
    words = re.compile(r"\b(monotonic|perf_counter|process_time)(_ns)?\b")
    found = {
        path.name
        for path in TESTS.glob("*.py")
        if path.name != Path(__file__).name and words.search(path.read_text(encoding="utf-8"))
    }
    assert found == CLOCKS
