"""`solve`: the sizes that it lists are whole, and those that it does not list are not."""

from __future__ import annotations

import itertools
import json
import re
from pathlib import Path
from random import Random

import nets
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cnndsl.api import examine
from cnndsl.cli import main
from cnndsl.diagnostics import Source
from cnndsl.quickfix.apply import apply_edits
from cnndsl.quickfix.solve import Solution, Unsolvable, solve

ROOT = Path(__file__).resolve().parent.parent
LISTING = ROOT / "samples" / "article_keras_listing.cnn"


MANY = 1000 if settings.default.max_examples >= 5000 else 25


def clean(text: str) -> bool:
    return nets.network(text) is not None


def listed(solution: Solution) -> set[tuple[int, ...]]:
    """All spatial sizes that a solution names."""
    if solution.by_axis is not None:
        return set(itertools.product(*solution.by_axis))
    assert solution.sizes is not None
    return set(solution.sizes)


def whole(text: str, bounds: tuple[range, ...], channels: int) -> set[tuple[int, ...]]:
    """The same, found by writing every size into the text."""

    def written(size: tuple[int, ...]) -> str:
        return re.sub(
            r"input [\dx]+", f"input {'x'.join(map(str, (*size, channels)))}", text, count=1
        )

    return {size for size in itertools.product(*bounds) if clean(written(size))}


TOWERS = (
    "block tower() { conv 4 5x5 relu; pool 2; conv 4 3x3 relu; pool 2; flatten; dense 8 relu }\n"
    "input 30x30x1 as left\ninput 30x30x1 as right\n"
    "concat { from left; tower | from right; tower }\ndense 1 sigmoid\n"
)


def test_inputs_alike_are_varied_together() -> None:
    found = solve(Source("x", TOWERS), [range(20, 41)])
    assert found.inputs == 2 and not found.valid
    fine = [x for x in range(20, 41) if clean(TOWERS.replace("30x30", f"{x}x32"))]
    assert found.by_axis and list(found.by_axis[0]) == fine == [20, 24, 28, 32, 36, 40]
    alone = solve(Source("x", TOWERS), [range(20, 41)], number=1)
    assert alone.inputs == 1 and alone.sizes == ()


def test_inputs_alike_are_mended_together() -> None:
    (error,) = examine(Source("x", TOWERS))[1]
    assert "make the inputs 28x28x1 (or 32x32x1)" in error.help
    (fix,) = [each for each in error.fixes if "inputs" in each.title]
    assert clean(apply_edits(TOWERS, fix.edits))


def test_the_listing_of_the_article() -> None:
    solution = solve(Source("net.cnn", LISTING.read_text()), [None, None])
    assert not solution.valid
    assert solution.by_axis is not None
    assert [*map(list, solution.by_axis)] == [[*range(64, 241, 8)], [*range(32, 121, 8)]]
    assert solution.nearest[:2] == ((120, 56, 1), (120, 64, 1))


TIED = {
    "a test": "input 9x8x2\nif H == W { pool 3 } else { pool 2 }\n",
    "a reshape": "input 6x8x2\nreshape 16x6\npool 2\n",
    "flattened maps": "input 8x8x2\nadd { pool 2 floor; flatten | pool 1x4 floor; flatten }\n",
    "a product": "input 6x6x2\nmul { pool 3 floor | pool 6x2 floor }\n",
    "channels": "input 6x6x2\nflatten; dense 4 as a; repeat 1 { dense (C*3/4) }\n",
    "channels of a flattened map": "input 6x6x2\nflatten; dense (C/9)\n",
    "an unlike pool": "input 6x8x2\nconv 3 (3, H - 3)\n",
    "a signal": "input 9x2\npool 2\nconv 3 2 /2\n",
    "a volume": "input 4x4x4x1\npool 2\nconv 2 2\n",
    "a vector as a factor": "input 8x8x4\npool 2; mul { skip | gap; dense 4 sigmoid }\nconv 2 3\n",
    "two inputs": "input 8x8x1 as a\ninput 4x4x1 as b\npool 2\nadd { skip | from b }\n",
    "rounded": "rounding ceil\ninput 7x7x1\nconv 2 3 /2\nadd { pool 2 | conv 2 2 /2 }\n",
    "small": "input 5x4x1\nconv 1 3\nconv 1 2\n",
}


@pytest.mark.parametrize("text", TIED.values(), ids=TIED.keys())
def test_lists_are_exact(text: str) -> None:
    shape = [int(each) for each in re.findall(r"input ([\dx]+)", text)[0].split("x")]
    bounds = tuple(range(max(1, x - 5), x + (5 if len(shape) < 4 else 2)) for x in shape[:-1])
    solution = solve(Source("net.cnn", text), bounds)
    assert listed(solution) == whole(text, bounds, shape[-1])
    assert solution.valid == clean(text)


def test_dimensions_that_are_tied_are_seen() -> None:
    for name in ("a test", "a reshape", "flattened maps", "a product", "an unlike pool"):
        assert solve(Source("net.cnn", TIED[name]), []).by_axis is None, name
    for name in ("a volume", "a vector as a factor", "rounded", "small"):
        assert solve(Source("net.cnn", TIED[name]), []).by_axis is not None, name


@settings(max_examples=MANY)
@given(st.randoms(use_true_random=False))
def test_property_lists_are_exact(rng: Random) -> None:
    text = nets.exact_or_not(rng)
    (size,) = re.findall(r"input ([\dx]+)", text)
    shape = [int(each) for each in size.split("x")]
    if len(shape) == 1:
        return
    reach = {2: 8, 3: 4, 4: 1}[len(shape)]
    bounds = tuple(range(max(1, x - reach), x + reach) for x in shape[:-1])
    try:
        solution = solve(Source("net.cnn", text), bounds)
    except Unsolvable:
        assert whole(text, bounds, shape[-1]) == set()
        return
    assert listed(solution) == whole(text, bounds, shape[-1])


def test_squares_and_promises() -> None:
    text = "input 9x9x1\npool 3\nexpect shape == 3x3x1\n"
    solution = solve(Source("net.cnn", text), [range(1, 13)] * 2, square=True)
    assert solution.sizes == ((3, 3), (6, 6), (9, 9), (12, 12))
    assert solution.promising == ((9, 9),) and solution.valid


def test_a_budget_cuts_the_range_around_the_present_size() -> None:
    text = "input 20x20x1\nif H > 0 { pool 2 }\n"
    solution = solve(Source("net.cnn", text), [range(1, 200)] * 2, budget=200)
    assert solution.sizes is not None and (20, 20) in solution.sizes
    assert solution.tried < 210 and solution.asked == 199 * 199
    assert all(abs(h - 20) + abs(w - 20) < 20 for h, w in solution.sizes)


def test_other_errors_are_told() -> None:
    with pytest.raises(Unsolvable) as caught:
        solve(Source("net.cnn", "input 9x9x1\nconv 3 3 /2\nwobble\n"), [])
    assert [each.code for each in caught.value.problems] == ["E101"]
    with pytest.raises(Unsolvable):
        solve(Source("net.cnn", "input 9\ndense 3\n"), [])


def test_the_command(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["solve", str(LISTING)]) == 1
    out = capsys.readouterr().out
    assert "width: 12 of the 91 sizes from 30 to 120: 32, 40, … 120 (32 + 8k)\n" in out
    assert "  on line 8: write `pool 2 floor`, which leaves out 1 column\n" in out
    assert main(["solve", str(LISTING), "--format", "json", "--width", "50:70"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert found["sizes"]["width"] == [56, 64] and found["ranges"]["width"] == [50, 70]
    assert found["independent"] and found["complete"] and not found["whole"]
    assert main(["solve", str(ROOT / "samples" / "article.cnn"), "--square"]) == 0
    assert "31, 39, … 55 (31 + 8k)" in capsys.readouterr().out
    two = tmp_path / "two.cnn"
    two.write_text(TIED["two inputs"])
    assert main(["solve", str(two), "--vary", "b"]) == 0
    assert "height: 1 of the 7 sizes from 2 to 8: 4\n" in capsys.readouterr().out
    for words in (["--vary", "c"], ["--range", "3"], ["--length", "3:4"], ["--height", "5:4"]):
        assert main(["solve", str(two), *words]) == (0 if words == ["--range", "3"] else 2)
    assert main(["solve", str(two), str(LISTING)]) == 2
    two.write_text("input 9\ndense 3\n")
    assert main(["solve", str(two)]) == 0
    two.write_text("input 9x9x1\nwobble\n")
    assert main(["solve", str(two)]) == 1
    assert "wobble" in capsys.readouterr().err


def test_each_edit_is_told_once_with_its_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "a.cnn"
    path.write_text(
        "input 32x32x3\nconv 16 3x3 pad=1\n"
        "add { conv 16 3x3 /2 pad=1 | conv 16 1x1 }\ngap; dense 10\n"
    )
    assert main(["solve", str(path)]) == 1
    cures = capsys.readouterr().out.partition("as it is:\n")[2]
    assert cures == "  on line 3: write `conv 16 3x3 pad=1`\n"
    path.write_text("input 37x37x3\nconv 8 3x3\npool 2\nconv 8 3x3\npool 2\n")
    assert main(["solve", str(path)]) == 1
    cures = capsys.readouterr().out.partition("as it is:\n")[2]
    assert cures.startswith("  write `rounding floor`, for the whole file\n")
    assert cures.count("rounding floor") == 1


def test_what_stays_at_every_size_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "a.cnn"
    path.write_text("input 12x12x4\nadd { conv 4 3x3 relu; conv 4 3x3 | skip }\n")
    assert main(["solve", str(path)]) == 1
    text = capsys.readouterr().out
    assert (
        "at every size of the range: E206 on line 2, for 12x12x4: add: path 1 gives 8x8x4" in text
    )
    assert "put `crop 2` in path 2, in the place of `skip`" in text
    path.write_text("input 12x12x4\nconv 4 3x3 relu\npool 2\n")
    assert main(["solve", str(path), "--range", "11"]) == 0
    assert (
        "at every size of the range: E202 on line 3, for one of them: " in capsys.readouterr().out
    )
    assert main(["solve", str(path)]) == 0
    assert "at every size" not in capsys.readouterr().out
