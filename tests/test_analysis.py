"""One analysis for every front end: through errors, from an edit on, and fixes when asked for."""

from __future__ import annotations

import sys
from pathlib import Path
from random import Random
from typing import Any

import nets
import pytest
from conftest import few
from hypothesis import given, settings
from hypothesis import strategies as st
from steps import at_most

import cnndsl
from cnndsl import analyse
from cnndsl.analysis import Analysis
from cnndsl.network import incremental
from cnndsl.network.elaborate import Elaborator
from cnndsl.quickfix.evaluator import Evaluator

MANY = settings.default.max_examples
SAMPLES = sorted((Path(__file__).resolve().parent.parent / "samples").glob("*.cnn"))

FAILING = """input 64x64x3 as x
conv 8 3x3 relu /2
foo 3
block b(n) { conv n 3x3 same; bn }
b 16
add { skip | conv 4 3x3 }
gap; dense 10
"""


def reached(analysis: Analysis) -> list[tuple[int, str, tuple[int, ...], bool]]:
    return [(each.line, each.node.op, each.node.output, each.assumed) for each in analysis.layers]


def told(analysis: Analysis) -> Any:
    """All that an analysis says, so that two can be compared."""
    far = analysis.as_far()
    return (
        [
            (each.code, each.span, each.message, each.help, each.notes, each.fixes)
            for each in analysis.problems
        ],
        [
            (
                each.line,
                each.node.name,
                each.node.output,
                each.node.inputs,
                each.node.span,
                each.node.field,
                each.node.instance,
                each.assumed,
                tuple(call.span for call in each.calls),
            )
            for each in analysis.layers
        ],
        analysis.module,
        analysis.hints(),
        far and far.outputs,
        analysis.network and analysis.network.totals,
    )


def test_a_net_with_errors_is_known_to_its_end() -> None:
    analysis = analyse(FAILING)
    assert [each.code for each in analysis.problems] == ["E201", "E101"]
    assert analysis.network is None
    assert reached(analysis) == [
        (1, "input", (64, 64, 3), False),
        (2, "conv", (31, 31, 8), True),
        (4, "conv", (31, 31, 16), True),
        (4, "bn", (31, 31, 16), True),
        (6, "conv", (29, 29, 4), True),
        (6, "add", (31, 31, 16), True),
        (7, "gap", (16,), True),
        (7, "dense", (10,), True),
    ]
    hints = {each.line: (each.text, each.assumed) for each in analysis.hints()}
    assert hints[5] == ("31x31x16, 1,232 params", True)
    assert set(hints) == {2, 4, 5, 6, 7}


@pytest.mark.parametrize(
    ("text", "last"),
    [
        ("input 8x8x3\nadd { conv 4 3x3 | conv 8 3x3 }\nrelu\ndense 3\n", (3,)),
        ("input 8x8x3\nconcat { conv 4 3x3 | conv 8 5x5 }\n", (6, 6, 12)),
        ("input 8x8x3\nconv 4 9x9\nconv 5 3x3 same\n", (8, 8, 5)),
        ("input 8x8x3\nconv 4 3x3 groups=2\nconv 5 3x3 same\n", (6, 6, 5)),
        ("input 8x8x3\nconv 4 3x3 wrong=2\nconv 5 3x3 same\n", (6, 6, 5)),
        ("input 8x8x3\nconv @\nconv 5 3x3 same\n", (8, 8, 5)),
        ("input 8x8x3\nfrom nowhere\nconv 5 3x3 same as y\nfrom y\nconv 6 1x1\n", (8, 8, 6)),
    ],
)
def test_what_stands_behind_an_error_is_assumed(text: str, last: tuple[int, ...]) -> None:
    analysis = analyse(text)
    assert len(analysis.problems) == 1
    assert analysis.layers[-1].node.output == last and analysis.layers[-1].assumed
    assert not analysis.layers[0].assumed


def test_in_a_loop_the_first_turn_that_fails_is_told() -> None:
    (problem,) = analyse("input 64x64x3\nrepeat 5 { conv 32 3x3 relu; pool 2 }\n").problems
    assert problem.code == "E202"
    assert [note.message for note in problem.notes] == ["in turn 2 of 5", "and in one more turn"]


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_the_samples_are_what_check_says(path: Any) -> None:
    text = path.read_text(encoding="utf-8")
    analysis = analyse(text, file=path.name)
    try:
        net = cnndsl.check(text, file=path.name)
    except cnndsl.CnndslError as error:
        assert [each.message for each in analysis.problems] == [
            each.message for each in error.diagnostics
        ]
        return
    assert analysis.network is not None and not analysis.assumed
    assert analysis.network.totals == net.totals


PIECES = (
    *("conv 8 3x3\n", "\n", "}", "{", "#x", "pool 2;", "relu\n", "from t3\n", " as q", "1", "2"),
    *("x", "let a = 3\n", "input 3x3x3\n", "add { skip | conv 8 3x3 same }\n", ";", '"', "é"),
    *("repeat 3 { conv 8 3x3 }\n", "\r\n", "(", ")", "rounding floor\n", "from a; relu\n", ""),
    *("shared ", "freeze { ", "training ", "u.low", ".", "| if s == 1 { | bn }", "from u.low\n"),
    *("tower 4 as u\n", "repeat 2 { | conv 4 3x3 same }", "block ", "as low"),
)


def edited(text: str, rng: Random) -> str:
    start = rng.randrange(len(text) + 1)
    end = min(len(text), start + rng.choice((0, 0, 0, 1, 1, 3, 10, 60)))
    return text[:start] + rng.choice(PIECES) + text[end:]


SHARING = """\
input 16x16x3 as left
input 16x16x3 as right

shared block tower(n) {
  conv n 3x3 same nobias; bn; relu as low
  freeze { conv n 3x3 same } as mid
  pool 2
}

block pair(s, more) {
  add {
    conv 4 3x3 same
    | if s == 1 { | bn }
    | repeat more as i { | conv 4 3x3 same dilation=(i + 1) }
  }
  relu as out
  tower 4 as v
}

from left; tower 4 as u
from right; tower 4 as w
add { from u | from w }
head aux training { from u.low; gap; dense 3 }
repeat 2 { pair 1 2 as p; up 2 }
freeze { pair 2 0 as q }
concat { up 2 | from p.v.low | from q.out }
"""
"""Shared blocks, frozen parts, names of tensors in calls, paths by conditions."""

TEXTS = [path.read_text(encoding="utf-8") for path in SAMPLES if path.stat().st_size < 1_500]
TEXTS.append(SHARING)


def edits_agree(rng: Random, count: int) -> None:
    text = rng.choice([*TEXTS, nets.straight(rng)])
    known = analyse(text)
    for _ in range(count):
        text = edited(text, rng)
        known = analyse(text, previous=known)
        assert told(known) == told(analyse(text)), text


@settings(max_examples=MANY)
@given(st.randoms(use_true_random=False))
def test_property_from_an_edit_on_is_from_scratch(rng: Random) -> None:
    """Long texts are not analysed from their beginning each time; here all count as long."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(incremental, "LONG", 0)
        patch.setattr("cnndsl.analysis.analysis.LONG", 0)
        edits_agree(rng, 3)


@pytest.mark.parametrize("count", [*few([1_000], (), "long"), *few([10_000], (), "sweep")])
def test_many_edits(count: int) -> None:
    rng = Random(14)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(incremental, "LONG", 0)
        patch.setattr("cnndsl.analysis.analysis.LONG", 0)
        for _ in range(count // 10):
            edits_agree(rng, 10)


def test_the_edit_of_another_question_is_no_edit() -> None:
    text = "param n = 8\ninput 28x28x1\nconv n 3x3\n"
    first = analyse(text, set={"n": 4})
    second = analyse(text, previous=first)
    assert first.layers[-1].node.output[-1] == 4 and second.layers[-1].node.output[-1] == 8


def test_an_edit_works_out_what_stands_behind_it(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "input 64x64x3\n" + "conv 8 3x3 same\n" * 400
    first = analyse(text)
    run = []
    plain = Elaborator.statement
    monkeypatch.setattr(
        Elaborator, "statement", lambda self, *given: run.append(1) or plain(self, *given)
    )
    second = analyse(text + "conv 9 3x3\n", previous=first)
    assert second.network is not None and second.network.nodes[-1].output == (62, 62, 9)
    assert len(run) <= 60


WRONG = (
    "input 39x31x1\nconv 20 4x4 relu\npool 2\nconv 40 3x3 relu\npool 2\nconv 60 2x2 relu\npool 2\n"
)


def test_fixes_are_searched_when_they_are_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(Evaluator, "run", lambda *_: pytest.fail("nobody asked"))
        analysis = analyse(WRONG)
        problem, *_ = analysis.diagnostics
    assert not problem.fixes
    fixes = analysis.fixes(problem)
    assert fixes and fixes == analysis.fixes(problem)
    shown, *_ = analysis.mended()
    assert list(shown.fixes) == fixes


def test_a_search_can_be_cancelled_and_leaves_nothing_behind() -> None:
    analysis, asked = analyse(WRONG), []

    def cancelled() -> bool:
        asked.append(1)
        return len(asked) > 2

    problem = analysis.problems[0]
    some = analysis.fixes(problem, cancelled=cancelled)
    assert len(some) <= 2 and len(asked) >= 3
    assert analysis.fixes(problem, cancelled=lambda: True) == []
    assert analysis.fixes(problem) == analyse(WRONG).fixes(analyse(WRONG).problems[0])
    assert analysis.fixes(problem, budget=0) == []


@settings(max_examples=MANY)
@given(st.randoms(use_true_random=False), st.text(max_size=40))
def test_property_nothing_is_raised(rng: Random, noise: str) -> None:
    text = nets.straight(rng)
    at = rng.randrange(len(text) + 1)
    analysis = analyse(text[:at] + noise + text[at:])
    for offset in (0, at, at + len(noise), len(text)):
        analysis.hover(offset), analysis.complete(offset), analysis.signature(offset)
        analysis.definition(offset), analysis.references(offset), analysis.rename(offset, "z")
    analysis.symbols(), analysis.folding(), analysis.tokens(), analysis.hints(), analysis.layers


ROUNDED = "input 8x8x3\n" + "relu\n" * 9 + "conv 4 3x3 /2\nrelu\n"
NAMED = "input 8x8x3 as x\nlet a = zzz\nblock b(n) {{ {body} }}\nb a\nfrom x\nb a\n{end}\n"


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        (
            "input 8x8x3\nblock A(n) { relu; if n == 2 { B 1 } }\n"
            "block B(m) { if m == 1 { A 0 } }\nrepeat 1 { repeat 1 { B 1 } }\nA 2\n",
            ["E109"],
        ),
        (NAMED.format(body="conv n 3x3 same", end="add { skip | conv 8 3x3 same }"), ["E106"]),
        (NAMED.format(body="pool n", end="conv 8 20x20"), ["E106"]),
        (
            NAMED.format(body="pool n; gap; dense 10", end="add { skip | dense 4 }"),
            ["E106", "E206"],
        ),
        (
            "input 8x8x3 as x\nlet n = 5\nblock b() { conv n 3x3 same }\nb\nlet n 7 7\n"
            "from x\nb\nadd { skip | conv 8 1x1 }\n",
            ["E002"],
        ),
    ],
)
def test_a_call_is_copied_only_where_all_is_alike(text: str, codes: list[str]) -> None:
    analysis = analyse(text)
    assert [each.code for each in analysis.problems] == codes
    assert [each.code for each in analysis.mended()] == codes


def test_layers_of_another_context_are_not_kept() -> None:
    first = analyse(ROUNDED)
    second = analyse(ROUNDED.replace("conv", "roundng floor\nconv"), previous=first)
    third = analyse(ROUNDED, previous=second)
    assert [each.code for each in third.problems] == ["E201"] and third.network is None


def test_another_value_of_a_param_is_another_question() -> None:
    text = "input 8x8x3\nparam n = 4\n" + "relu\n" * 10 + "conv n 3x3\n"
    values: dict[str, Any] = {"n": 1}
    first = analyse(text, set=values)
    values["n"] = 7
    second = analyse(text, set=values, previous=first)
    assert second.layers[-1].node.output == (6, 6, 7)
    third = analyse(text, set={"n": True}, previous=analyse(text, set={"n": 1}))
    assert [each.code for each in third.problems] == ["E105"]


def test_what_is_being_typed_is_no_reason_to_begin_anew() -> None:
    text = "input 64x64x3\n" + "conv 8 3x3 same\n" * 40
    first = analyse(text)
    known = {id(each.node.layer) for each in first.layers}
    second = analyse(text + "conv 8 3x", previous=first)
    third = analyse(text + "conv 8 3x3", previous=second)
    assert second.problems and third.network is not None
    assert sum(id(each.node.layer) in known for each in third.layers) == 41


def test_layers_are_one_object_from_run_to_run() -> None:
    text = "input 64x64x3\n" + "conv 8 3x3 same\n" * 12
    first = analyse(text)
    second = analyse(text.replace("64x64x3", "64x64x3\nconv 8 3x3 same"), previous=first)
    known = {id(each.node.layer) for each in first.layers}
    assert sum(id(each.node.layer) in known for each in second.layers) >= 12


def test_what_is_kept_does_not_grow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules["cnndsl.network.elaborate"], "MAX_KEPT", 100)
    known = analyse("input 64x64x3\n" + "conv 8 3x3 same\n" * 40)
    for filters in range(9, 60):
        text = f"input 64x64x3\nrelu\nconv {filters} 3x3 same\n" + "conv 8 3x3 same\n" * 40
        known = analyse(text, previous=known)
        kept = [known.run.cache, known.run.fields, known.run.bindings]
        assert sum(map(len, kept)) <= 2 * (100 + 8 * len(known.layers))


def test_no_try_costs_much_more_than_the_budget() -> None:
    analysis = analyse("input 8x8x3 as x\nrepeat 900000 { from x; conv 3 9x9 }\n")
    with at_most(6_000_000):
        assert [each.code for each in analysis.mended()] == ["E203"]


def test_a_hover_says_that_softmax_takes_all_channels_together() -> None:
    text = "input 4x4x3; softmax; relu"
    analysis = cnndsl.analyse(text)
    for word, said in (("softmax", "together"), ("relu", "every value")):
        found = analysis.hover(text.index(word))
        assert found is not None and said in found.markdown
