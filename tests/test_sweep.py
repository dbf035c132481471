"""Sweeps: the rows of `check`, whoever works them out; what is chosen of them; runs that stop."""

from __future__ import annotations

import csv
import io
import itertools
import json
import re
import sys
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from itertools import pairwise, product
from multiprocessing import get_context
from operator import le
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import nets
import pytest
from conftest import few
from running import process
from strategies import Chance, grown
from test_cli import Run, run  # noqa: F401

import cnndsl
from cnndsl.cli.commands import sweep as command
from cnndsl.comparison import measure
from cnndsl.contract import OptionError
from cnndsl.diagnostics.source import Source
from cnndsl.variants import choice, scatter, sweep
from cnndsl.variants.choice import Front, Sample, known
from cnndsl.variants.grid import axis
from cnndsl.variants.sweep import Sweep, Variant, work

NET = """\
net deep
param width = 16
param depth = 2
param k = 1
param act = relu
input 32x32x3
conv width k same act
repeat depth { conv (2 * width) k act; pool 2 }
gap; dense 10 softmax
"""
GRID = {"width": "8:16:4", "depth": "1:4", "k": "1,3,5"}
COUNT = 36
NUMBER = re.compile(r"(?<![\w.:×-])\d+(?![\w.:×])")


def varied(some: Chance) -> tuple[str, dict[str, list[Any]]]:
    """A random net, of whose numbers some are params, and values of these."""
    text = grown(some) if some.random() < 0.7 else nets.branching(some)
    head = re.match(r"(net .*\n)?", text)
    assert head is not None
    body, params, grid = text[head.end() :], "", {}
    places = [*NUMBER.finditer(body)]
    chosen = some.sample(places, min(len(places), some.randint(1, 4)))
    for place in sorted(chosen, key=lambda found: -found.start()):
        name, value = f"p{len(grid)}", int(place[0])
        params += f"param {name} = {value}\n"
        words = ("relu", "3x3", "same", "nope", "(1, 2)")
        values = [value, value + 1, 2 * value, 1, 0, value / 2, some.choice(words)]
        grid[name] = [value, *some.sample(values, some.randint(1, 2))]
        body = body[: place.start()] + name + body[place.end() :]
    return head[0] + params + body, grid


def checked(text: str, settings: dict[str, Any]) -> tuple[Any, ...]:
    """What `check` says of a variant."""
    try:
        return measure(cnndsl.check(text, set=settings, limit=3_000)), "", ""
    except cnndsl.CnndslError as error:
        return None, error.diagnostics[0].code, error.diagnostics[0].message


@pytest.mark.parametrize("seed", few(range(200), range(5), "long"))
def test_a_row_is_what_check_says(seed: int) -> None:
    text, grid = varied(Chance(seed))
    rows = [*cnndsl.sweep(text, grid, limit=3_000)]
    settings = [dict(zip(grid, values)) for values in product(*grid.values())]
    assert [each.settings for each in rows] == settings
    assert [each[2:] for each in rows] == [checked(text, each) for each in settings]


@pytest.mark.parametrize(
    "text, grid",
    [
        # What a param is read in moves with another, or with the block that a word names.
        ("param a = 1\nparam b = 1\ninput 4x4x1\nif a > 1 { conv b 1x1 }\nconv 2 1x1", "ab"),
        ("param a = 1\nlet c = a\ninput 8x8x1\nparam b = c\nconv 1 1x1\nconv b 1x1", "ab"),
        ("param b = 1\nblock f(n) { conv b 1x1 }\nparam a = relu\ninput 8x8x1\na 1", "ab"),
        ("param a = 1\nparam b = 1\ninput 4x4x1\nexpect params < b\nconv a 1x1", "ba"),
        ("param a = 1\ninput 4x4x1\nconv 1 (a + 2)\nconv a 9x9\nparam a = 2\nconv a 1x1", "a"),
        ("param a = 1\ninput 4x4x1\nrepeat (a * 1000) { conv 1 1x1 }", "a"),
        ("param a = 1\nblock f(n) { conv n 1x1 }\ninput 4x4x1\nf a\nblock g() { conv a 9x9 }", "a"),
    ],
)
def test_what_one_has_in_common_with_the_next_is_no_more_than_that(text: str, grid: str) -> None:
    values = {name: [1, 2, "f", 2, "relu", 4, 1, "nope"] for name in grid}
    for row in cnndsl.sweep(text, values, limit=3_000):
        assert row[2:] == checked(text, row.settings), row.settings


def test_values_are_numbers_in_steps_and_whatever_can_be_written() -> None:
    assert [*axis("a", "16:64:16,100")] == [16, 32, 48, 64, 100]
    assert [*axis("a", "0.1:0.3:0.1, 3:1:-1, 1K")] == [0.1, 0.2, 0.3, 3, 2, 1, 1000]
    assert [*axis("a", "relu,3x3,(1, 2),(0:1, 0:1)")] == ["relu", "3x3", "(1, 2)", "(0:1, 0:1)"]
    for bad in ("", "1:2:0", "2:1", "1:a", "1:2:3:4", "1,,2", "0:1e17", "1:1000001", "1;2"):
        with pytest.raises(OptionError):
            axis("a", bad)
    for endless in (range(10**30), itertools.count()):
        with pytest.raises(OptionError):
            axis("a", endless)


def test_a_grid_is_as_large_as_one_likes() -> None:
    grid = {name: range(1, 1_000_001) for name in ("width", "depth", "k")}
    assert next(cnndsl.sweep(NET, grid, limit=50)).settings == dict.fromkeys(grid, 1)
    whole = Sweep(Source("net", NET), grid, None, 50)
    assert whole.count == 10**18
    assert whole.at(10**18 - 2)[1] == (10**6, 10**6, 10**6 - 1)


class Counting(Executor):
    """Works when it is asked for the result, and counts what it has been given."""

    def __init__(self) -> None:
        self.waiting = self.most = self.given = 0

    def submit(self, action: Any, /, *args: Any, **more: Any) -> Future[Any]:
        self.waiting, self.given = self.waiting + 1, self.given + 1
        self.most = max(self.most, self.waiting)

        class Later(Future[Any]):
            def result(own, timeout: float | None = None) -> Any:
                self.waiting -= 1
                return action(*args, **more)

        return Later()


def test_any_executor_gives_the_same_and_has_a_bounded_number_of_chunks(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sweep, "AHEAD", 5)
    alone, counting = [*cnndsl.sweep(NET, GRID)], Counting()
    assert len(alone) == COUNT
    grid = GRID | {"width": range(1, 60)}
    assert len([*cnndsl.sweep(NET, grid, executor=counting)]) == 59 * 12
    assert counting.most == 5 < counting.given
    apart = ProcessPoolExecutor(1, get_context("spawn"))
    for executor in (ThreadPoolExecutor(3), apart):
        with executor:
            assert [*cnndsl.sweep(NET, GRID, executor=executor)] == alone


@pytest.mark.tools
def test_a_cluster_of_dask_gives_the_same() -> None:
    from distributed import Client, LocalCluster

    with (
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster,
        Client(cluster) as client,
        client.get_executor() as executor,
    ):
        found = [*cnndsl.sweep(NET, GRID, executor=executor)]
    assert found == [*cnndsl.sweep(NET, GRID)]


def kept(test: str) -> list[Any]:
    grid = {**GRID, "act": "relu,gelu"}
    return [*cnndsl.sweep(NET, grid, where=test)]


def test_what_is_asked_for_is_an_expression_of_the_language() -> None:
    every = kept("0 == 0")
    assert len(every) == 2 * COUNT
    valid = [each for each in every if each.measure]
    assert 0 < len(valid) < len(every)
    assert kept("valid") == valid and kept("not valid") == [e for e in every if not e.measure]
    assert kept("act == gelu") == [each for each in every if each.settings["act"] == "gelu"]
    # A param has its name before the measure; and what is not known is neither so nor so.
    deep = [each for each in every if each.settings["depth"] == 2]
    assert kept("depth == 2") == deep
    assert kept("net_depth == 4") == [each for each in deep if each.measure]
    assert kept("params > 5K or not (params > 5K)") == valid
    least = [each for each in valid if each.measure and each.measure.params <= 5_000]
    assert least and kept("params <= 5K") == least
    assert kept("outputs == 10 and inputs == 32x32x3 and field >= 1 and memory > 1K") == valid


@pytest.mark.parametrize(
    "test, code, place, words",
    [
        ("widht < 3", "E106", (0, 5), "did you mean `width`?"),
        ("params <= 5M and pramas < 1", "E106", (17, 23), "did you mean `params`?"),
        ("xyzzy", "E106", (0, 5), "what is known is width"),
        ("params <=", "E002", (7, 9), "expected a value"),
        ("valid; conv 3 3x3", "E002", (7, 17), "more than one expression"),
        ("valid\nconv 3", "E002", (6, 10), "expected"),
        ("inputs < 3", "E110", (0, 6), "words and sizes compare"),
        ("width + 1", "E110", (0, 9), "is no test"),
        ("outputs", "E110", (0, 7), "compare it"),
        ("", "E002", (0, 0), "expected"),
        ("width / 0 > 1", "E110", (0, 9), "divides by zero"),
        ("__import__('os')", "E001", (11, 15), "quotes"),
    ],
)
def test_what_cannot_be_asked_is_told_with_its_place(
    test: str, code: str, place: tuple[int, int], words: str
) -> None:
    with pytest.raises(cnndsl.CnndslError) as caught:
        list(cnndsl.sweep(NET, GRID, where=test))
    (found,) = caught.value.diagnostics
    assert (found.code, found.source.name, tuple(found.span)) == (code, "--where", place)
    assert words in str(caught.value)


def test_the_front_is_what_nothing_else_is_as_good_as() -> None:
    valid = [each for each in cnndsl.sweep(NET, GRID) if each.measure]

    def key(each: Variant) -> tuple[int, ...]:
        assert each.measure is not None
        return each.measure.params, -min(each.measure.field), -each.settings["k"]

    keys = [*map(key, valid)]
    best = [
        each
        for place, (each, own) in enumerate(zip(valid, keys))
        if own not in keys[:place]
        and not any(o != own and all(a <= b for a, b in zip(o, own)) for o in keys)
    ]
    assert 1 < len(best) < len(valid)
    assert [*cnndsl.sweep(NET, GRID, pareto="params, field,max:k")] == best
    for bad in ("parms", "least:params", "", "outputs, act"):
        with pytest.raises(OptionError):
            list(cnndsl.sweep(NET.replace("10 s", "2 s"), {"act": "relu"}, pareto=bad))


class Counted(int):
    compared = 0

    def __lt__(self, other: int) -> bool:
        Counted.compared += 1
        return int(self) < int(other)


@pytest.mark.long
def test_a_large_front_takes_no_longer_for_each() -> None:
    some, each = Chance(1), next(cnndsl.sweep(NET, {"width": [1]}))
    for many, largest in product((1, 2, 3, 4), (3, 1_000)):
        keys = [[some.randint(1, largest) for _ in range(many)] for _ in range(60)]
        best = {
            place
            for place, own in enumerate(keys)
            if own not in keys[:place] and not any(o != own and all(map(le, o, own)) for o in keys)
        }
        placed = sorted((own, each._replace(number=place)) for place, own in enumerate(keys))
        assert {variant.number for _, variant in choice._best(placed)} == best
    counts = []
    for many in (500, 4_000):
        keys = [[some.randint(1, 9**9), some.randint(1, 9**9)] for _ in range(many)]
        rows = sorted([*own, -sum(own)] for own in keys)  # of which none is beaten
        Counted.compared = 0
        assert len(choice._best([([*map(Counted, own)], each) for own in rows])) == many
        counts.append(Counted.compared / many)
    assert counts[1] < 3 * counts[0]


def test_names_and_numbers_of_a_figure_are_told_apart() -> None:
    names = known(["depth", "net_depth", "k"])
    assert [*names][:3] == ["depth", "net_depth", "k"] and "net_net_depth" in names
    for least, most in ((1_000_000, 1_000_004), (0.0001, 0.0009), (-5, 7), (3, 4e12), (7, 7)):
        place, ticks = scatter._axis(least, most, 0.0, 100.0)
        shown = [*map(scatter._short, ticks)]
        assert 1 <= len({*shown}) == len(shown) <= 7, shown
        assert all(-1 < place(each) < 101 for each in ticks)


def test_a_front_holds_no_more_than_itself_and_a_sample_no_more_than_it_should() -> None:
    first = next(cnndsl.sweep(NET, {"width": [1]}))
    assert first.measure is not None
    front, sample = Front("params", known(["width"])), Sample(50)
    for number in range(5_000):
        each = first._replace(
            number=number, measure=first.measure._replace(params=9_000 - number // 2)
        )
        front.add(each)
        sample.add(each)
    assert [each.number for each in front.chosen()] == [4_998]
    numbers = [each.number for each in sample.chosen()]
    gaps = [after - before for before, after in pairwise(numbers)]
    assert len(numbers) == 50 and max(gaps) < 250


def sets(grid: dict[str, str]) -> list[str]:
    return [word for name, values in grid.items() for word in ("--set", f"{name}={values}")]


def test_rows_are_the_same_for_any_number_of_processes(run: Run) -> None:  # noqa: F811
    Path("net.cnn").write_text(NET)
    grid = sets(GRID | {"width": "8:30"})
    one = run("sweep", "net.cnn", *grid, "--jobs", "1")
    code, out, err = process("sweep", "net.cnn", *grid, "--jobs", "2")
    assert one.code == code == 0 and (one.out.splitlines(), one.err) == (out.splitlines(), err)
    rows = [*csv.DictReader(io.StringIO(one.out, newline=""))]
    assert len(rows) == 23 * 12 and list(rows[0])[:3] == ["width", "depth", "k"]
    assert {"params", "net_depth", "peak_bytes", "field", "outputs", "error"} <= {*rows[0]}
    net = cnndsl.check(NET, set={"width": 8, "depth": 1, "k": 1})
    assert rows[0]["params"] == str(net.totals.params) and rows[0]["outputs"] == "10"
    wrong = [each for each in rows if each["error"]]
    assert one.err == f"cnndsl: {len(wrong)} of 276 variants have errors\n"
    assert {each["error"] for each in wrong} == {"E202", "E203"}


@pytest.mark.parametrize("form, pareto", [("csv", 0), ("json", 0), ("json", 1), ("svg", 1)])
def test_a_run_that_was_stopped_goes_on_to_the_same_bytes(
    run: Run, monkeypatch: pytest.MonkeyPatch, form: str, pareto: int  # noqa: F811
) -> None:
    Path("net.cnn").write_text(NET)
    words = ["sweep", "net.cnn", *sets(GRID | {"width": "8:30"}), "--jobs", "1", "--format", form]
    words += ["--where", "valid"] + ["--pareto", "params,field"] * pareto
    assert run(*words, "-o", "whole").code == 0
    monkeypatch.setattr(command, "PERIOD", 0.0)
    noted = command.Output.note
    go_on = [*words, "-o", "some", "--resume"]
    for notes in (3, 1, 2, 4):  # the first stands before all rows

        def note(self: Any, report: Any, after: list[int] = [notes]) -> None:  # noqa: B006
            noted(self, report)
            after[0] -= 1
            if not after[0]:
                self.file.write(b"torn")
                raise KeyboardInterrupt

        monkeypatch.setattr(command.Output, "note", note)
        stopped = run(*go_on)
        assert stopped.code == 130 and "--resume" in stopped.err
        assert Path("some.sweep").exists()
    monkeypatch.setattr(command.Output, "note", noted)
    assert run(*words, "-o", "some").code == 2  # without --resume
    assert "not of the same sweep" in run(*go_on, "--set", "act=relu").err
    assert run(*go_on).code == 0
    assert Path("some").read_bytes() == Path("whole").read_bytes()
    assert not Path("some.sweep").exists()
    assert "it is finished, as there is no some.sweep" in run(*go_on).err


def test_what_stands_beside_a_file_is_not_believed(run: Run) -> None:  # noqa: F811
    Path("net.cnn").write_text(NET)
    for content in ("", "[]", '["x", 1, 1, 1, 1]', '{"a": 1}', "[1, 2", "null", "[" * 99_999):
        Path("some.sweep").write_text(content)
        Path("some").write_text("mine")
        found = run("sweep", "net.cnn", *sets(GRID), "-o", "some", "--resume")
        assert found.code == 2 and "not of the same sweep" in found.err, content
        assert Path("some").read_text() == "mine"
    Path("some.sweep").unlink()
    assert run("sweep", "net.cnn", *sets(GRID), "-o", "net.cnn").code == 2
    assert Path("net.cnn").read_text() == NET


def test_formats_hold_what_they_should(run: Run) -> None:  # noqa: F811
    Path("net.cnn").write_text(NET)
    words = ["sweep", "net.cnn", *sets(GRID), "--jobs", "1"]
    for name in ("a.json", "a.svg", "a.md"):
        assert run(*words, "-o", name, "--pareto", "params,macs,field").code == 0
    rows = json.loads(Path("a.json").read_text())
    assert [each["set"]["k"] for each in rows] and all(each["params"] for each in rows)
    assert json.loads(run(*words, "--format", "json", "--where", "width > 99").out) == []
    every = json.loads(run(*words, "--format", "json").out)
    assert len(every) == COUNT
    failing = [each for each in every if "error" in each]
    assert failing and all(each["message"] for each in failing)
    table = Path("a.md").read_text()
    assert table.count("\n|") == 1 + len(rows) and f"{len(rows)} of {COUNT} variants." in table
    picture = ElementTree.fromstring(Path("a.svg").read_text())
    points = [
        each for each in picture.iter() if "rx" in each.attrib and each.get("width") != "100%"
    ]
    assert len(rows) + 2 < len(points) <= len(rows) + 2 + COUNT  # two are in the legend
    told = [each.text or "" for each in picture.iter() if each.tag.endswith("}text")]
    assert any("are the best by parameters, multiply-adds and receptive field" in t for t in told)
    assert picture[0].text in told
    assert "deep" in picture[0].text  # type: ignore[operator]
    korean = run(*words, "--lang", "ko").out
    assert "커널" in korean


@pytest.mark.parametrize(
    "words, code, said",
    [
        ([], 2, "nothing varies"),
        (["--set", "width=1:2:0"], 2, "--set width has `1:2:0`, which is no range"),
        (["--set", "width=2:1"], 2, "STEP leads away from LAST"),
        (["--set", "widht=1,2"], 1, "did you mean `width`?"),
        (["--set", "width=1", "--pareto", "parms"], 2, "--pareto `parms` is no measure"),
        (["--set", "width=1", "--pareto", "outputs"], 2, "field, memory\n"),
        (["--set", "width=1", "--where", "k == 3"], 2, "`k` is a param that no --set varies"),
        (["--set", "width=1", "--where", "parms < 1"], 2, "did you mean `params`?"),
        (["--set", "width=1", "--resume"], 2, "--resume needs -o FILE"),
        (["--set", "width=1", "--where", ""], 2, "expected"),
        (["--set", "act=relu,gelu", "--pareto", "act"], 2, "--pareto `act` is no number"),
        (["--set", "width=1", "-o", "."], 2, "no folder"),
        (["--set", "width=0,-1"], 1, "2 of 2 variants have errors"),
        (["--set", "width=0"], 1, "1 of 1 variant has errors"),
    ],
)
def test_bad_input_is_told(run: Run, words: list[str], code: int, said: str) -> None:  # noqa: F811
    Path("net.cnn").write_text(NET)
    found = run("sweep", "net.cnn", *words)
    assert found.code == code and said in found.err


def test_what_is_kept_for_the_next_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules["cnndsl.network.elaborate"], "MAX_KEPT", 100)
    job = Sweep(
        Source("net", NET), {"width": axis("a", "1:400"), "k": axis("a", "1")}, None, 99
    ).job
    whole, _ = work(job, [(width, (width, 1)) for width in range(1, 401)])
    (checker,) = sweep._checkers.values()
    assert checker.marks and not any(mark.overfull for mark in checker.marks.values())
    assert whole[-1].measure == measure(cnndsl.check(NET, set={"width": 400, "k": 1}))
