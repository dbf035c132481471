"""Shared blocks, blocks of several results, paths by conditions, frozen parts, training heads.

What they mean and what they count: the checked network, and what tables and JSON say of it.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

import cnndsl
from cnndsl.api import examine
from cnndsl.diagnostics import Source
from cnndsl.network import Network
from cnndsl.network.network import Merged, PathChoice, PathLoop
from cnndsl.network.walk import walk
from cnndsl.tables.rows import rows, summary
from cnndsl.targets import load

TOWER = "shared block tower(n=4) { conv n 3x3 same }\n"
CONV = 3 * 3 * 3 * 4 + 4  # a tower on three channels


def net(text: str) -> Network:
    """The network of a text, which has an input of 8x8x3 unless it has its own."""
    return cnndsl.check(text if "input" in text else f"input 8x8x3 as x\n{text}")


def errors(text: str) -> list[tuple[str, str, str]]:
    """The code, the place and the message of what is wrong."""
    text = text if "input" in text else f"input 8x8x3 as x\n{text}"
    _, problems = examine(Source("net.cnn", text))
    return [(p.code, text[slice(*p.span)], str(p.message)) for p in problems if p.code[0] == "E"]


def kept(network: Network) -> list[int]:
    """How many numbers each layer with weights keeps itself."""
    return [node.params for node in network.nodes if node.layer.all_weights]


# Shared blocks


def test_calls_in_one_run_share() -> None:
    network = net(f"{TOWER}add {{ from x; tower | from x; tower }}")
    assert kept(network) == [CONV, 0] and network.totals.params == CONV
    first, second = network.nodes[1:3]
    assert second.shared_with == first.index and first.shared_with is None
    assert network.totals.macs == 2 * first.layer.macs


def test_loops_paths_conditions_and_frozen_parts_begin_no_run() -> None:
    body = "repeat 2 { tower 3 }; if 1 == 1 { tower 3 }; add { skip | tower 3 }"
    assert kept(net(TOWER + body)) == [84, 0, 0, 0]
    assert kept(net(f"{TOWER}freeze {{ tower 3 }}; freeze {{ tower 3 }}")) == [84, 0]


def test_a_call_of_a_block_is_a_run_of_its_own() -> None:
    """A CBAM's shared layer is one a module, and not one a net."""
    inner = "block module() { tower 3; tower 3 }\n"
    network = net(f"{TOWER}{inner}module; module; tower 3")
    assert kept(network) == [84, 0, 84, 0, 84]
    assert [n.shared_with for n in network.nodes[1:]] == [None, 1, None, 3, None]


def test_a_shared_block_in_a_shared_block() -> None:
    text = f"{TOWER}shared block outer() {{ tower 3; tower 3 }}\nouter; outer; tower 3"
    network = net(text)
    assert kept(network) == [84, 0, 0, 0, 84]
    # Never those of a layer that has others' itself.
    assert [n.shared_with for n in network.nodes[1:]] == [None, 1, 1, 1, None]


def test_a_plain_block_in_a_shared_block_shares_as_it_is_called() -> None:
    text = "block two() { conv 3 1x1; conv 3 1x1 }\nshared block outer() { two; two }\nouter; outer"
    assert kept(net(text)) == [12, 12, 12, 12, 0, 0, 0, 0]


def test_other_arguments_are_other_sets() -> None:
    calls = ["tower 4", "tower", "tower n=4", "tower (2*2)"]
    text = f"{TOWER}add {{ {' | '.join(f'from x; {call}' for call in calls)} }}"
    assert kept(net(text)) == [CONV, 0, 0, 0]  # by their values, however they are written
    text = f"{TOWER}concat {{ from x; tower 4 | from x; tower 5 | from x; tower 5 }}"
    assert kept(net(text)) == [CONV, 140, 0]


def test_tensors_are_no_arguments_in_this() -> None:
    block = "shared block join(other) { add { skip | from other }; conv 3 1x1 }\n"
    assert kept(net(f"{block}relu as y; join x; join y")) == [12, 0]


def test_an_activation_and_a_number_that_is_equal_are_told_apart() -> None:
    block = "shared block a(act) { conv 3 1x1 act }\n"
    assert kept(net(f"{block}a relu; a tanh; a relu")) == [12, 12, 0]


def test_other_sizes_of_the_map_share_where_weights_are_alike() -> None:
    assert kept(net(f"{TOWER}tower 3; pool 2; tower 3")) == [84, 0]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("tower; tower", "conv1 would have 3x3x4x4 here and 3x3x3x4 in the first call"),
        ("freeze { tower 3 }; tower 3", "frozen in one call, they learn in another"),
        ("tower 3; freeze { tower 3 }", "frozen in one call, they learn in another"),
    ],
)
def test_weights_that_cannot_be_the_same(text: str, said: str) -> None:
    ((code, _, message),) = errors(TOWER + text)
    assert code == "E209" and said in message


def test_flattened_tensors_of_other_sizes_are_told() -> None:
    text = "shared block t(n) { conv n 1x1; flatten; dense 4 }\nt 8; from x; pool 2; t 8"
    (problem,) = cnndsl.diagnose(f"input 8x8x3 as x\n{text}")
    assert problem.code == "E209" and "take `gap` in the place of `flatten`" in problem.help
    assert "8x8x8 in the first call and 4x4x8 here" in problem.help


def test_another_count_of_layers_cannot_share() -> None:
    block = "shared block a() { if W > 4 { conv 3 1x1 }; conv 3 1x1 }\n"
    ((code, place, message),) = errors(f"{block}a; pool 2; a")
    assert (code, place) == ("E209", "a")
    assert "comes to 1 layers with weights here and to 2 in the first call" in message


def test_a_first_call_with_an_error_says_nothing_of_the_next() -> None:
    found = errors(f"input 8x8x3 as x\ninput 9x9xk as y\n{TOWER}from y; tower; from x; tower")
    assert [code for code, _, _ in found] == ["E004"]


def test_only_shared_stands_before_block() -> None:
    ((code, place, message),) = errors("share block a() { relu }\na")
    assert (code, place) == ("E105", "share") and "means nothing here" in message
    assert net(
        "let shared = 3\nblock training() { conv shared 1x1 }\nhead freeze { training }\nrelu"
    )


# Blocks of several results

PAIR = "block pair() { conv 4 1x1 as low; conv 5 1x1 as high }\n"


def test_a_tensor_of_a_call() -> None:
    network = net(f"{PAIR}pair as u\nconcat {{ from u.low | from u.high }}")
    assert network.nodes[-1].inputs == (1, 2) and network.nodes[-1].output == (8, 8, 9)


def test_as_an_argument_by_place_and_by_name() -> None:
    block = "block join(a, b) { concat { from a | from b } }\n"
    network = net(f"{PAIR}{block}pair as u\njoin u.low b=u.high")
    assert network.nodes[-1].inputs == (1, 2)


def test_one_dot_a_level() -> None:
    text = (
        f"{PAIR}block outer() {{ pair as v; relu }}\nouter as u\nconcat {{ skip | from u.v.low }}"
    )
    assert net(text).nodes[-1].inputs == (3, 1)


def test_in_a_loop_it_is_that_of_the_last_turn() -> None:
    network = net(f"{PAIR}repeat 3 {{ pair as u }}\nconcat {{ skip | from u.low }}")
    assert network.nodes[-1].inputs == (6, 5)


def test_names_in_paths_and_frozen_parts_of_the_block_are_seen() -> None:
    block = "block b() { freeze { conv 4 1x1 as a }; add { conv 4 1x1 as c | skip } }\n"
    assert net(f"{block}b as u\nconcat {{ skip | from u.a | from u.c }}").nodes[-1].inputs == (
        3,
        1,
        2,
    )


@pytest.mark.parametrize(
    "text",
    [
        "pair as u\nfrom u.middle",  # not named
        "pair\nfrom pair.low",  # no name of a call
        "pair as u\nfrom u.low.low",
        "from u.low\npair as u",  # before it is there
        "conv 4 1x1 as u\nfrom u.low",  # no call of a block
        "block b() { pair as u; from u.low }\nb\nfrom u.low",  # inside another call
    ],
)
def test_what_is_not_named_is_an_error(text: str) -> None:
    ((code, place, _),) = errors(PAIR + text)
    assert code == "E106" and "." in place


def test_a_dotted_name_is_no_value() -> None:
    assert errors(f"{PAIR}pair as u\nconv u.low 1x1")
    assert errors(f"{PAIR}pair as u\nlet n = u.low")


# Paths by conditions


def merged(network: Network) -> list[Merged]:
    return [item for item in walk(network.body) if isinstance(item, Merged)]


def test_optional_and_repeated_paths() -> None:
    block = "block b(s) { add { conv 3 1x1 | if s == 1 { | bn } | repeat 2 { | bn | relu } } }\n"
    network = net(f"{block}b 1; b 2")
    one, other = sorted(merged(network), key=lambda each: each.node)
    assert (len(one.paths), len(other.paths)) == (6, 5)
    assert network.nodes[one.node].output == network.nodes[other.node].output == (8, 8, 3)
    assert one.ways[0] == 0 and isinstance(one.ways[1], PathChoice)
    assert one.ways[1].paths == (1,) and other.ways[1].paths == ()  # type: ignore[union-attr]
    assert isinstance(one.ways[2], PathLoop) and one.ways[2].turns == ((2, 3), (4, 5))


def test_without_bars_a_condition_is_a_path_that_may_do_nothing() -> None:
    (one,) = merged(net("add { relu | if 1 == 2 { bn } }"))
    assert len(one.paths) == 2


@pytest.mark.parametrize(
    "text", ["add { relu | if 1 == 2 { | bn } }", "add { if 1 == 2 { | bn } | relu }"]
)
def test_one_path_left_is_that_path(text: str) -> None:
    network = net(f"{text} as y\nfrom y; conv 4 1x1")
    assert [node.op for node in network.nodes] == ["input", "relu", "conv"]
    (one,) = merged(network)
    assert one.is_path and one.node == 1 and network.nodes[2].inputs == (1,)


def test_no_path_left_is_an_error() -> None:
    ((code, place, message),) = errors("add { if 1 == 2 { | bn } | repeat 0 { | bn } }")
    assert (code, place) == ("E103", "add") and "left without any path" in message


def test_paths_stand_in_merges_alone() -> None:
    ((code, place, _),) = errors("if 1 == 1 { | bn }")
    assert (code, place) == ("E002", "|")
    assert [each[0] for each in errors("add { relu | bn; if 1 == 1 { | bn } }")] == ["E111"]


def test_conditions_in_loops_in_merges() -> None:
    text = "add { skip | repeat 3 as i { if i > 0 { | bn } } }"
    (one,) = merged(net(text.replace("{ if", "{ | if")))
    assert len(one.paths) == 3


def test_fixes_of_a_merge_know_its_paths() -> None:
    paths = "conv 16 3x3 same /2 | if C == 8 { | bn } | repeat 2 { | conv 16 3x3 same }"
    text = f"input 16x16x8\nadd {{ {paths} }}"
    analysis = cnndsl.analyse(text)
    (problem,) = analysis.diagnostics
    fix = analysis.fixes(problem)[0]
    for edit in sorted(fix.edits, reverse=True):
        text = text[: edit.span.start] + edit.text + text[edit.span.end :]
    assert "{ | bn; conv 16 1x1 /2 same }" in text and "same; pool 2 }" in text
    assert not errors(text)


# Frozen parts


def test_what_is_frozen_does_not_learn() -> None:
    network = net("freeze { conv 4 3x3 same; bn; dropout 0.5 } as y\nconv 2 1x1")
    conv, norm, drop, last = network.nodes[1:]
    assert (conv.params, conv.trainable, norm.trainable) == (112, 0, 0)
    assert conv.frozen and norm.frozen and drop.frozen and not last.frozen
    assert not any(weight.trainable for weight in (*conv.weights, *norm.weights))
    assert (network.totals.trainable, network.totals.non_trainable) == (10, 112 + 16)


def test_names_given_inside_are_known_after_it() -> None:
    network = net("freeze { conv 4 1x1 as a } as b\nadd { from a | from b; relu }")
    assert network.nodes[-1].inputs == (1, 2)


def test_it_stands_in_blocks_and_paths() -> None:
    network = net("block b() { freeze { conv 3 1x1 } }\nadd { b | freeze { conv 3 1x1 } }")
    assert network.totals.trainable == 0 and network.totals.params == 24


def test_a_file_may_have_a_block_of_this_name() -> None:
    assert not net("block freeze() { conv 3 1x1 }\nfreeze").nodes[1].frozen


@pytest.mark.parametrize("text", ["freeze", "freeze 3 { relu }", "freeze { relu | bn }"])
def test_freeze_is_told_how_it_is_written(text: str) -> None:
    assert [each[0] for each in errors(text)] == ["E103"]


# Heads for training

HEADS = (
    "conv 4 1x1 as y\nhead aux training { gap; dense 2 }\nhead side { gap; dense 3 }\nconv 5 1x1"
)


def test_totals_are_without_heads_for_training() -> None:
    network = net(f"{HEADS}\nexpect params == {16 + 15 + 25}")
    assert list(network.outputs) == ["main", "aux", "side"]
    assert network.totals.params == 16 + 15 + 25
    assert network.training_totals.params == 16 + 10 + 15 + 25
    assert [node.training_only for node in network.nodes] == [0, 0, 1, 1, 0, 0, 0]


def test_weights_that_a_head_for_training_has_first_count() -> None:
    network = net(f"{TOWER}conv 3 1x1 as y\nhead aux training {{ tower 3 }}\ntower 3")
    assert kept(network) == [12, 84, 0] and network.totals.params == 96
    assert load("markdown").generate(network).count(" 96 |") == 1  # in the sums


def test_what_a_head_for_training_makes_is_not_there_else() -> None:
    ((code, place, _),) = errors("head aux training { conv 4 1x1 as y }\nfrom y; relu")
    assert (code, place) == ("E106", "y")
    text = "block two() { relu as low; bn }\nhead aux training { two as u }\nfrom u.low; relu"
    assert errors(text)[0][:2] == ("E106", "u.low")


def test_only_training_stands_behind_the_name() -> None:
    ((code, place, _),) = errors("head aux traning { relu }\nbn")
    assert (code, place) == ("E105", "traning")


# What is said of them


def test_rows_say_whose_weights_they_share() -> None:
    network = net(f"{TOWER}add {{ from x; tower as a | from x; tower as b }}")
    lines = summary(network)
    assert lines[0][-1] == "note"
    assert [line[-1] for line in lines[1:]] == ["", "shared with a.conv1", "", ""]
    assert [row.shared for row in rows(network, 1)] == [(), ("a",), ()]
    assert len(summary(net("conv 3 1x1"))[0]) == 6


def test_json_says_it_where_it_applies() -> None:
    text = f"{TOWER}freeze {{ tower as a; add {{ from x; tower as b | skip }} }}\n{HEADS}"
    found: dict[str, Any] = json.loads(load("json").generate(net(text)))
    assert found["format"] == 2
    marks = [
        {key: layer[key] for key in ("shared_with", "frozen", "training_only") if key in layer}
        for layer in found["layers"]
    ]
    frozen = {"frozen": True}
    assert marks[:3] == [frozen, {"shared_with": "a.conv1", **frozen}, frozen]
    assert marks[3:] == [{}, {"training_only": True}, {"training_only": True}, {}, {}, {}]
    assert found["training_totals"]["params"] == found["totals"]["params"] + 10


@pytest.mark.parametrize("lang", ["en", "ko"])
@pytest.mark.parametrize(
    "target", ["markdown", "csv", "html", "latex", "walkthrough", "svg", "mermaid"]
)
def test_every_target_of_text_writes_them(target: str, lang: str) -> None:
    text = (
        f"{TOWER}{PAIR}freeze {{ tower as a }}\nadd {{ skip | if 1 == 2 {{ | bn }} | repeat 2 {{ "
        f"| bn }} }}\n{HEADS}\npair as u\nconcat {{ skip | from u.low }}\n"
        "head last { from x; freeze { tower as c } }"
    )
    network = net(text)
    written = load(target).generate(network, lang=lang)
    if target != "svg":
        assert {"en": "training", "ko": "학습할 때만"}[lang] in written


def test_diff_knows_what_became_shared_frozen_or_for_training() -> None:
    from cnndsl.comparison.difference import difference

    old = "block tower() { conv 3 3x3 same }\nhead aux { gap }\ntower; tower; conv 3 1x1"
    new = old.replace("block", "shared block").replace("aux", "aux training")
    new = new.replace("conv 3 1x1", "freeze { conv 3 1x1 }")
    found = difference(net(old), net(new))
    changes = [(each.new[0].name, *each.changes[0]) for each in found.entries]
    assert changes == [
        ("gap1", "while training only", None, "while training only"),
        ("tower2.conv1", "weights", "of its own", "of tower1.conv1"),
        ("conv1", "frozen", None, "frozen"),
    ]
    assert [each.name for each in found.interface] == ["output aux"]
    assert difference(net(new), net(new)).same_network


@pytest.mark.parametrize(
    ("line", "help_"),
    [
        ("u 8; from u.low", "give the call a name: `u … as k`, then `from k.low`"),
        ("u 8 as k; from k.hi", "named so far: k, k.low"),
        ("head aux training { gap; dense 3 as q }; from q", "ends with `head aux`, which exists"),
        ("from q; head aux { gap as q }", "name a tensor with `as`"),
    ],
)
def test_a_name_that_is_not_known_is_told_why(line: str, help_: str) -> None:
    block = "block u(n) { conv n 1 as low; conv n 1 }\n"
    (problem,) = cnndsl.diagnose(f"{block}input 8x8x3\n{line}\n".replace("; ", "\n"))
    assert problem.code == "E106" and help_ in problem.help
