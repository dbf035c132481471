"""Cures: what is offered has been tried, is ranked, and does what it says."""

from __future__ import annotations

import re
from random import Random

import nets
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pytest import MonkeyPatch

from cnndsl import api
from cnndsl.analysis.analysis import SEARCHED
from cnndsl.api import examine
from cnndsl.diagnostics import CODES as DIAGNOSTICS
from cnndsl.diagnostics import Diagnostic, Edit, Source, Span
from cnndsl.network import incremental
from cnndsl.network.evaluation import Evaluation
from cnndsl.quickfix.apply import apply_edits
from cnndsl.quickfix.candidates import candidates, near
from cnndsl.quickfix.evaluator import Evaluator
from cnndsl.quickfix.search import BUDGET, CODES

MANY = min(5000, 3 * settings.default.max_examples)


def look(text: str) -> list[Diagnostic]:
    return examine(Source("net.cnn", text))[1]


def helps(text: str) -> list[str]:
    """What is offered for the only error of a text."""
    (problem,) = look(text)
    return problem.help.split("\nor ")


LISTING = """input 120x60x1
conv 12 5x5 relu; pool 2
conv 16 5x5 relu; pool 2
conv 20 4x4 relu
pool 2
flatten; dense 128 relu; dense 4 softmax
"""


def test_the_listing_of_the_article() -> None:
    (problem,) = look(LISTING)
    assert problem.help.split("\nor ") == [
        "write `pool 2 floor`, which leaves out 1 column",
        "write `pool 3`",
        "write `conv 20 4x3 relu` on line 4",
        "make the input 120x56x1 (or 120x64x1)",
    ]
    (note,) = problem.notes
    assert note.message == "the 9 comes from `conv 20 4x4 relu` on line 4: 12 - 4 + 1"
    for fix in problem.fixes:
        assert look(apply_edits(LISTING, fix.edits)) == [], fix.title
        assert not fix.safe


def test_a_far_size_of_the_input_comes_after_all_others() -> None:
    text = "input 32x32x3\nconv 16 3x3 pad=1\n"
    text += "add { conv 16 3x3 /2 pad=1 | conv 16 1x1 }\ngap; dense 10\n"
    for problem in look(text):
        assert problem.help.startswith("write `conv 16 3x3 pad=1`")
        assert "make the input" not in problem.help


@pytest.mark.parametrize(
    ("size", "other", "close"),
    [((32, 32), (40, 24), True), ((32, 32), (41, 32), False), ((100,), (125,), True)],
)
def test_what_is_near(size: tuple[int, ...], other: tuple[int, ...], close: bool) -> None:
    assert near(other, size) is close


def test_an_earlier_layer_is_named_with_its_line() -> None:
    # Where the pool's numbers are worked out, only the convolution's can change.
    text = "input 12x12x1\nconv 4 4x4\nrelu\npool (1+1)\n"
    assert "write `conv 4 3x3` on line 2" in helps(text)
    text = "let k = 4\ninput 12x12x1\nconv 4 k\nrelu\npool (1+1)\n"
    assert "write `let k = 3` on line 1" in helps(text)


def test_a_number_is_changed_where_it_stands() -> None:
    block = "block cb(n, k=4) { conv n k; relu }\ninput 12x12x1\ncb 8{}\npool (1+1)\n"
    assert "write `k=3` in the place of `k=4` on line 1" in helps(block.replace("cb 8{}", "cb 8"))
    assert "write `cb 8 3` on line 3" in helps(block.replace("{}\n", " 4\n"))
    assert "write `cb 8 k=3` on line 3" in helps(block.replace("{}\n", " k=4\n"))


def test_a_promise_counts_as_part_of_the_net() -> None:
    text = "input 9x9x1\npool 2\nexpect shape == {}\n"
    assert helps(text.format("4x4x1"))[0] == (
        "write `pool 2 floor`, which leaves out 1 row and 1 column"
    )
    assert all("pool 3" not in each for each in helps(text.format("4x4x1")))
    assert "write `pool 3`" in helps(text.format("3x3x1"))
    assert all("floor" not in each for each in helps(text.format("3x3x1")))


def test_a_promise_that_would_break_is_told() -> None:
    text = "input 9x9x1\npool 2\nexpect shape == 77x1x1\n"
    assert helps(text)[0].endswith("; that breaks the promise on line 3")


def test_several_errors_with_one_cure() -> None:
    text = "net two\ninput 9x9x1\npool 2\npool 3 /2\npool 2 /1\n"
    text = "net two  # of them\r\ninput 30x30x1\r\npool 4\r\nconv 3 2 /4\r\n"
    problems = look(text)
    assert [each.code for each in problems] == ["E202", "E201"]
    for problem in problems:
        rounding = [fix for fix in problem.fixes if "rounding" in fix.title]
        assert rounding, problem.help
        mended = apply_edits(text, rounding[0].edits)
        assert mended.startswith("net two  # of them\r\nrounding floor\r\ninput")


def test_cures_are_looked_for_where_there_may_be_some() -> None:
    assert set(CODES) <= set(SEARCHED) <= set(DIAGNOSTICS)


def test_where_no_edit_mends_all_the_rest_is_told() -> None:
    text = "input 9x9x1\npool 2\nwobble\n"
    first, second = look(text)
    assert first.help.startswith("write `pool 2 floor`") and "this error alone" in first.help
    assert second.code == "E101"


def test_an_unreadable_text_has_the_general_help() -> None:
    first = look("input 9x9x1\npool 2\nconv 8,, 3\n")[-1]
    assert first.code == "E202"
    assert first.help.startswith("change a size") and not first.fixes


def test_groups_merges_reshapes() -> None:
    assert helps("input 8x8x6\nconv 8 1 groups=4")[0] == "write `conv 8 1 groups=2`"
    assert helps("input 8x8x6\nconv 5 1\nconv 9 1 groups=3")[0] == "write `conv 6 1` on line 2"
    offered = helps("input 8x8x6\nadd { conv 4 1 | skip }")
    assert "write `conv 6 1` in the place of `conv 4 1`" in offered
    offered = helps("input 8x8x6\nadd { conv 8 3 same /2 | skip }")
    assert offered == ["put `conv 8 1x1 /2 same` in path 2, in the place of `skip`"]
    assert helps("input 784\nreshape 28x28x3")[0] == "write `reshape 28x28x1`"
    assert helps("input 8x8x2\ndense 4") == [
        "put `flatten` (128 values) before it",
        "put `gap` (2, one for each channel) before it",
        "write `conv 4 1x1`",
    ]


def test_channels_that_a_pixel_shuffle_divides() -> None:
    net = "input 8x8x3\nconv {} 3x3 same relu\npixelshuffle 3\n"
    assert helps(net.format(64)) == ["write `conv 63 3x3 same relu` on line 2"]
    assert helps("input 8x8x3\npixelunshuffle 3\n") == ["make the input 9x9x3"]
    assert helps("input 8x8x3\npixelshuffle 3\n") == ["give it 9 channels"]


def test_a_size_that_is_made_of_names() -> None:
    text = "param size = 30\ninput (size, {}, 1)\nconv 6 5; pool 2\nconv 6 5; pool 2\n"
    assert "write `param size = 32` on line 1" in helps(text.format("size"))
    assert "write `param size = 32` on line 1" in helps(text.format("28"))


def test_a_shortcut_that_keeps_the_old_size_speaks_in_the_words_of_the_block() -> None:
    block = "block b(n, s=1) { add { conv n 3 /s same | } }\ninput 8x8x4\nb 4; b 8{}\n"
    (offered,) = helps(block.replace("{}", " s=2"))
    assert offered == "put `if C != n or s != 1 { conv n 1 /s same }` in path 2"
    block = "block b(n) { add { skip | bn; relu6; conv n 3 same relu } }\ninput 8x8x4\nb 4; b 8"
    assert helps(block) == [
        "put `if C != n { conv n 1 }` in path 1, in the place of `skip`",
        "write `b 4` in the place of `b 8` on line 3",
    ]


def test_merges_of_more_than_one_odd_path() -> None:
    text = "input 8x8x4\nadd { bn; relu; conv 3 1; bn | conv 5 1; bn | skip }\n"
    (problem,) = look(text)
    assert problem.help  # no single edit does, and the search ends all the same


def test_a_name_that_another_body_gives_as_well() -> None:
    """Which of two names of one spelling is meant may be guessed wrong; then no edit does."""
    for other in ("0", "0:1", "(0:1, 2)", "relu", "1x1x1x1", "(9, 9)"):
        block = f"block b(n) {{ let k = {other}; conv n 1 }}\ninput 8x8x6\nb 6\n"
        for body in (
            "let k = 9\nconv 4 k",
            "let k = 4\nconv 8 1 groups=k",
            "let k = 7\nreshape k",
            "let k = 3\nconv 4 3 pad=k /7",
            "let k = 2\npool 3 /k",
        ):
            assert look(f"{block}if 1 == 1 {{ {body} }}\n")[0].help


def test_a_stride_of_one_is_not_written() -> None:
    assert "write `conv 8 3x3`" in helps("input 8x8x1\nconv 8 3x3 /2\n")


def test_words_go_where_the_canonical_form_has_them() -> None:
    offered = helps("input 8x8x1\nconv 3 9 dilation=1 nobias\n")
    assert "write `conv 3 9 same dilation=1 nobias`" in offered


def broken(rng: Random) -> str:
    """A net that another size of its input is likely to make invalid."""
    text = nets.straight(rng) if rng.random() < 0.5 else nets.branching(rng)
    if rng.random() < 0.5:
        text = re.sub(r"(?<!rounding) (floor|ceil)\b", "", text)

    def other(match: re.Match[str]) -> str:
        sizes = [int(each) for each in match[1].split("x")]
        sizes = [max(1, size + rng.randint(-5, 3)) for size in sizes[:-1]] + sizes[-1:]
        return "input " + "x".join(map(str, sizes))

    return re.sub(r"input ([\dx]+)", other, text)


@settings(max_examples=MANY)
@given(st.randoms(use_true_random=False))
def test_property_what_is_offered_does_what_it_says(rng: Random) -> None:
    text = broken(rng)
    source = Source("net.cnn", text)
    problems = look(text)
    assert [each[2:] for each in problems] == [each[2:] for each in look(text)]
    places = {(each.code, each.span.start) for each in problems}
    evaluator = Evaluator(source, {}, None, 10**6, BUDGET)
    for problem in problems:
        if not problem.code.startswith("E2"):
            continue
        assert len(problem.fixes) <= 4
        promised = [fix for fix in problem.fixes if "for this error alone" not in fix.title]
        assert problem.help and "\n\n" not in problem.help
        for fix in problem.fixes:
            left = look(apply_edits(text, fix.edits))
            outcome = evaluator.run(fix.edits)
            assert outcome is not None
            still = {outcome.located(each, fix.edits) for each in left}
            assert (problem.code, problem.span.start) not in still, fix.title
            if "see to line" in fix.title or "breaks the promise" in fix.title:
                continue
            if fix in promised:
                assert left == [], (fix.title, text)
            else:
                assert still <= places and still, (fix.title, text)


@settings(max_examples=MANY)
@given(st.randoms(use_true_random=False))
def test_property_nothing_cheaper_of_a_kind_does(rng: Random) -> None:
    text = broken(rng)
    evaluator = Evaluator(Source("net.cnn", text), {}, None, 10**6, 10**7)
    outcome = evaluator.run()
    assert outcome is not None, text
    errors = {(each.code, each.span): each for each in outcome.errors}
    for problem in look(text):
        misfit = errors.get((problem.code, problem.span))
        if misfit is None or not problem.fixes or look(after(text, problem, 0)):
            continue
        tries = {each.edits: each for each in candidates(outcome, misfit)}
        offered = [tries[fix.edits] for fix in problem.fixes if fix.edits in tries]
        assert offered == sorted(offered, key=lambda each: each.cost)
        assert len({each.group for each in offered}) == len(offered)
        for one in offered:
            for other in tries.values():
                if other.group == one.group and other.cost < one.cost:
                    tried = evaluator.run(other.edits)
                    assert tried is None or not tried.valid, (other, text)


@settings(max_examples=MANY)
@given(st.randoms(use_true_random=False))
def test_property_a_check_from_the_middle_is_a_check(rng: Random) -> None:
    """Long texts are not checked from their beginning each time; here all texts count as long."""
    text = broken(rng)
    source = Source("net.cnn", text)
    short, long = (Evaluator(source, {}, None, 10**6, 10**7) for _ in range(2))
    if short.base is None:
        return
    for misfit in short.base.errors:
        for each in candidates(short.base, misfit):
            one = short._checked(Source("net.cnn", apply_edits(text, each.edits)))
            with MonkeyPatch.context() as patch:
                patch.setattr(incremental, "LONG", 0)
                other = long.run(each.edits)
            assert (one is None) == (other is None)
            if one is not None and other is not None:
                assert said(one) == said(other), (each, text)


def said(outcome: Evaluation) -> object:
    """All that is to be known of an outcome, but for the texts themselves."""
    problems = [(each.code, each.span, each.message, each.notes) for each in outcome.problems]
    nodes = [(each.name, each.output, each.inputs, each.span) for each in outcome.nodes]
    errors = [each[:2] + each[4:] for each in outcome.errors]
    return outcome.valid, problems, nodes, errors


def after(text: str, problem: Diagnostic, number: int) -> str:
    return apply_edits(text, problem.fixes[number].edits)


@pytest.mark.parametrize("size", ["120x60x1", "28x28x1"])
def test_a_clean_net_costs_nothing(size: str) -> None:
    import subprocess
    import sys

    code = (
        "import sys, cnndsl; "
        f"assert cnndsl.diagnose('input {size}\\nconv 8 3x3') == []; "
        "sys.exit(any(name.startswith('cnndsl.quickfix') for name in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


@pytest.mark.long
def test_large_nets_stay_within_the_budget() -> None:
    text = "input 64x64x3\n" + "conv 8 3x3 same\n" * 700 + "pool 3\nflatten; dense 3\n"
    evaluator = Evaluator(Source("net.cnn", text), {}, None, 10**6, BUDGET)
    runs = [evaluator.run((Edit(Span(6, 8), str(size)),)) for size in range(10, 99)]
    assert evaluator.spent and sum(run is not None for run in runs) == 1 - (-BUDGET // 1410)
    assert helps(text)[0] == "write `pool 3 floor`, which leaves out 1 row and 1 column"
    assert "write `pool 2`" in helps(text)


@pytest.mark.long
def test_very_large_nets_have_cures_near_the_error() -> None:
    text = "input 64x64x3\n" + "conv 8 3x3 same\n" * 4_000 + "pool 3\nflatten; dense 3\n"
    assert helps(text)[0] == "write `pool 3 floor`, which leaves out 1 row and 1 column"


def test_an_input_of_another_order_or_rank() -> None:
    assert helps("input 784\nconv 8 3\n") == ["make the input 784x1 (or 28x28x1)"]
    assert helps("input 784\nconv 8 3x3\n") == ["make the input 28x28x1"]
    assert helps("input 785\nconv 8 3x3\n")[0].startswith("put it before")
    assert helps("input 8x8x3\nflatten; conv 8 3\n")[0].startswith("put it before")
    first, *rest = helps("input (3, 224, 224)\nconv 8 3x3 relu; pool 2\n")
    assert first == "make the input 224x224x3: sizes are written channels last" and rest
    assert not any("channels last" in each for each in helps("input 4x4x64\nconv 8 5\n"))


def test_a_vector_beside_images_has_no_size_that_comes_from_somewhere() -> None:
    (problem,) = look("input 8x8x4\nadd { pool 2 | skip | gap; relu }\n")
    assert problem.code == "E206"
    assert [note.message for note in problem.notes] == [
        "the 4 comes from `pool 2` on this line: 8 / 2"
    ]


def test_a_number_that_is_too_large_takes_no_fix_from_other_errors() -> None:
    head = "head a { flatten; dense 1_000_000_000_000_000_000 }\n"
    problems = look(f"input 28x28x1\nconv 20 4x4 relu; pool 2\n{head}conv 8 3x3; pool 3\n")
    found = [(each.code, bool(each.fixes)) for each in problems]
    assert sorted(found) == [("E202", True), ("E202", True), ("E302", False)]


def test_a_larger_path_is_cropped() -> None:
    assert "put `crop 2` in path 2, in the place of `skip`" in helps(
        "input 12x12x4\nadd { conv 4 3x3; relu; conv 4 3x3 | skip }\n"
    )
    assert helps("input 12x9x4\nadd { conv 4 3x2; relu | relu; tanh }\n")[-1] == (
        "put `crop 1x0:1` at the end of path 2"
    )


def test_padding_that_is_left_out_is_no_row() -> None:
    (found,) = api.diagnose("input 6x6x1\nconv 8 2x2 /2 pad=0:1\n")
    assert "floor" in found.help and "leaves out" not in found.help


@pytest.mark.parametrize(
    ("path", "filled"),
    [
        (" }", " conv 32 1x1 }"),
        ("}", " conv 32 1x1 }"),
        ("\n}", " conv 32 1x1\n}"),
        ("  # identity\n}", " conv 32 1x1  # identity\n}"),
    ],
)
def test_an_empty_path_is_filled_where_its_bar_stands(path: str, filled: str) -> None:
    text = f"input 32x32x16\nadd {{\n  | conv 32 3x3 same\n  |{path}\n"
    analysis = api.analyse(text)
    text = apply_edits(text, analysis.fixes(analysis.problems[0])[0].edits)
    assert not api.analyse(text).problems
    assert text.endswith(f"  |{filled}\n")
