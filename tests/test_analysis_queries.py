"""What an editor asks of a text: names, outline, colours, completion, hovers, hints."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from random import Random
from unicodedata import normalize

import pytest

import cnndsl
from cnndsl import api
from cnndsl.analysis import completion, tokens
from cnndsl.analysis.completion import complete
from cnndsl.analysis.hover import MOST, hints, hover
from cnndsl.analysis.names import Names, resolve
from cnndsl.analysis.symbols import Symbol, folding, symbols
from cnndsl.analysis.utf16 import from_utf16, to_utf16
from cnndsl.diagnostics import Edit, Source, Span
from cnndsl.diagnostics.message import Message
from cnndsl.lang.messages import catalogue
from cnndsl.layers import ACTIVATIONS, LAYERS
from cnndsl.network import Network
from cnndsl.network import network as tree
from cnndsl.quickfix.apply import apply_edits
from cnndsl.syntax import nodes as ast
from cnndsl.syntax.parser import parse

SAMPLES = sorted((Path(__file__).resolve().parent.parent / "samples").rglob("*.cnn"))
TEXTS = {path.stem: path.read_text(encoding="utf-8") for path in SAMPLES}
each_sample = pytest.mark.parametrize("name", TEXTS)


def read(text: str) -> tuple[Source, ast.Module]:
    source = Source("net.cnn", text)
    return source, parse(source)[0]


def names_of(text: str) -> Names:
    return resolve(read(text)[1], text)


def led_of(network: Network) -> list[tuple[ast.Apply, ...]]:
    """For each node the calls of blocks that led to it, outermost first."""
    led: list[tuple[ast.Apply, ...]] = [()] * len(network.nodes)

    def note(body: tree.Body, calls: tuple[ast.Apply, ...]) -> None:
        for item in body.items:
            inside: tuple[tree.Body | None, ...] = ()
            if isinstance(item, (tree.Step, tree.Merged)):
                led[item.node] = calls
            if isinstance(item, tree.Merged):
                inside = item.paths
            elif isinstance(item, tree.Loop):
                inside = item.bodies
            elif isinstance(item, (tree.Instance, tree.Choice, tree.Side)):
                inside = (item.body,)
            further = (item.statement,) if isinstance(item, tree.Instance) else ()
            for each in inside:
                if each is not None:
                    note(each, calls + further)

    note(network.body, ())
    return led


def ask_everything(text: str, step: int = 7) -> None:
    """Ask each question at each so many characters; nothing may be raised."""
    source, module = read(text)
    names = resolve(module, text)
    spans = [span for span, _ in tokens.tokens(source, module, names)]
    assert all(one.end <= other.start for one, other in pairwise(spans))
    assert all(span.start < span.end <= len(text) for span in spans + folding(source, module))
    check_outline(symbols(source, module), Span(0, len(text)))
    for offset in range(0, len(text) + 1, step):
        found = names.at(offset)
        if found is not None:
            places = names.references(offset)
            assert found.span in places and places == sorted(places)
            assert {normalize("NFKC", text[slice(*each)]) for each in places} == {found.symbol.name}
        for item in complete(source, module, offset):
            assert item.span.start <= offset <= item.span.end
        completion.signature(source, module, offset)
        told = hover(source, module, [], offset)
        assert told is None or told.span.start <= offset <= told.span.end
        names.rename(offset, "fresh")


def check_outline(outline: list[Symbol], around: Span) -> None:
    for each in outline:
        assert around.start <= each.span.start <= each.selection.start
        assert each.selection.end <= each.span.end <= around.end
        check_outline(list(each.children), each.span)


# Samples, whole and damaged


@each_sample
def test_of_samples(name: str) -> None:
    ask_everything(TEXTS[name], step=91)


def test_nothing_is_raised_in_the_small_ones() -> None:
    for name in ("unet", "inception_block"):
        ask_everything(TEXTS[name], step=7)


def test_of_damaged_texts() -> None:
    random = Random(5)
    for name in ("resnet50", "unet", "two_outputs", "inception_block"):
        for _ in range(4):
            text = TEXTS[name]
            at = random.randrange(len(text))
            ask_everything(text[:at], step=97)
            ask_everything(text[:at] + random.choice("{}()|;=,\n#x3 '\"") + text[at + 1 :], 97)


def test_of_odd_texts() -> None:
    for text in (
        "", "\n", "{", "}" * 9, "((", "let", "as", "add { | | as", "block f(",
        "block f(a, a=a) { f",
        "if 1 { skip as a } else if { skip as a", "conv " * 50, "x" * 400, "\r\nconv 8 3x3\r\n",
        "input 8x8x3 as ﬁ; from ﬁ", "let 𝐰 = 2; conv 𝐰", "repeat 2 as i { " * 101, "`'\"\0\ud800",
    ):  # fmt: skip
        ask_everything(text, step=1 if len(text) < 30 else 61)


@pytest.mark.parametrize("name", sorted(set(TEXTS) - {"article_keras_listing"}))  # which fails
def test_hovers_and_hints_of_samples(name: str) -> None:
    network = api.check(TEXTS[name], file=f"{name}.cnn")
    source, module, led = network.source, network.module, led_of(network)
    lines = hints(source, module, network.nodes, led=led)
    assert [each.line for each in lines] == sorted({each.line for each in lines})
    for each in lines:
        assert source.position(each.offset).line == each.line
    for lang in ("en", "ko"):
        for offset in range(0, len(source.text), 191):
            hover(source, module, network.nodes, offset, led=led, lang=lang)


# Names


SCOPES = {
    "a block sees what the file defines, before it or after": (
        "block f(n) { conv n k }; let k = 3; input 8x8x1; f 4", "k", [[1, 2]],
    ),
    "a block sees no tensors of the file": (
        "input 8x8x1 as a; block f() { from a }; f", "a", [[1]],
    ),
    "the value of a constant has the name from outside": (
        "let w = 2; input 8x8x1; repeat 2 { let w = w*2; conv w 1 }; conv w 1", "w",
        [[1, 3, 5], [2, 4]],
    ),
    "paths name tensors for outside, and constants for themselves": (
        "input 8x8x1; let k = 1; add { skip as a | let k = 3; conv 1 k same }; from a; conv 1 k",
        "k", [[1, 4], [2, 3]],
    ),
    "a loop keeps its tensors": (
        "input 8x8x1 as a; repeat 2 { from a; relu as a }; from a", "a", [[1, 2, 4], [3]],
    ),
    "branches name one tensor": (
        "input 8x8x1; if C > 1 { relu as a } else { bn as a }; from a", "a", [[1, 2, 3]],
    ),
    "a branch sees what was before it": (
        "input 8x8x1 as a; repeat 2 { if C > 1 { relu as a } else { from a; bn }; from a }", "a",
        [[1, 2, 3, 4]],
    ),
    "a counter hides a constant": (
        "let i = 3; input 8x8x1; repeat 2 as i { conv (i+1) 1 }; conv i 1", "i", [[1, 4], [2, 3]],
    ),
    "a keyword is for the parameter": (
        "block f(s=1) { conv 4 3 /s }; let s = 2; input 9x9x1; f s=s", "s", [[1, 2, 4], [3, 5]],
    ),
    "a keyword of a layer is no name": (
        "let pad_ = 1; let groups_ = 1; input 9x9x1; conv 4 3 pad=pad_", "pad_", [[1, 2]],
    ),
    "a parameter stands for a tensor": (
        "block f(a) { from a }; input 8x8x1 as a; f a", "a", [[1, 2], [3, 4]],
    ),
    "a default is of the file, or of a parameter before it": (
        "let k = 3; block f(k=k, m=k) { conv m k }; input 8x8x1; f", "k", [[1, 3], [2, 4, 5]],
    ),
    "a block is called, and passed on": (
        "block f() { relu }; block g(b) { b }; input 8x8x1; f; g f", "f", [[1, 2, 3]],
    ),
    "the name of a net is its own": ("net w; let w = 3; input 8x8x1; conv w 1", "w", [[1], [2, 3]]),
}  # fmt: skip


def groups(text: str, word: str) -> list[list[int]]:
    """Which of the places of a word, counted from 1, mean the same, names only."""
    names = names_of(text)
    places = [each.span for each in names.occurrences if text[slice(*each.span)] == word]
    found = {tuple(names.references(place.start)) for place in places}
    return sorted([places.index(each) + 1 for each in group] for group in found)


@pytest.mark.parametrize("rule", SCOPES)
def test_scopes(rule: str) -> None:
    text, word, wanted = SCOPES[rule]
    assert groups(text, word) == wanted


def test_definition_and_references() -> None:
    text = "let w = 2\ninput 8x8x1\nconv w 1\nconv w 1"
    names, places = names_of(text), [Span(4, 5), Span(27, 28), Span(36, 37)]
    for place in places:
        assert names.definition(place.start) == names.definition(place.end) == places[0]
        assert names.references(place.start) == places
    assert names.at(1) is None and names.definition(1) is None and names.references(1) == []
    assert names.at(-5) is None and names.at(10**9) is None


def renamed(text: str, offset: int, new: str) -> str:
    edits = names_of(text).rename(offset, new)
    assert isinstance(edits, list), edits
    return apply_edits(text, edits)


@pytest.mark.parametrize("name", ["unet", "two_outputs", "vgg19", "squeezenet1_0"])
def test_renamed_and_back(name: str) -> None:
    text = TEXTS[name]
    network = api.check(text)
    wanted = [(node.op, node.output, node.layer.params) for node in network.nodes]
    definitions = [each for each in names_of(text).occurrences if each.defines]
    for each in definitions:
        after = renamed(text, each.span.start, "brand_new")
        assert after != text
        nodes = api.check(after).nodes
        assert [(node.op, node.output, node.layer.params) for node in nodes] == wanted
        assert renamed(after, each.span.start, each.symbol.name) == text


CAPTURES = [
    ("let a = 1; let b = 2; input 8x8x1; conv a b", 4, "b"),
    ("let a = 1; input 8x8x1; repeat 2 { let b = 2; conv a b }", 4, "b"),
    ("let a = 1; input 8x8x1; repeat 2 { let b = 2; conv a b }", 39, "a"),
    ("let a = 1; input 8x8x1 as t; conv a 1", 4, "t"),
    ("let a = 1; block f() { conv a 1 }; input 8x8x1; f", 4, "f"),
    ("block f(p) { conv p 1 }; block g() { relu }; input 8x8x1; f 2; g", 6, "g"),
    ("let a = 1; input 8x8x1; conv lost a", 4, "lost"),
    ("input 8x8x1 as a; repeat 2 { relu as b; from a }", 15, "b"),
]


@pytest.mark.parametrize(("text", "offset", "new"), CAPTURES)
def test_no_rename_that_means_something_else(text: str, offset: int, new: str) -> None:
    said = names_of(text).rename(offset, new)
    assert isinstance(said, Message) and "means something else" in said


def test_no_rename_to_what_is_no_name() -> None:
    text = "let a = 1; input 8x8x1; head h { conv a 1 }; dense 2"
    names = names_of(text)
    for new in ("", "3", "a b", "let", "x-y", "a\n", "9a", "é" * 201):
        assert "is no name" in str(names.rename(4, new))
    for new in ("conv", "relu", "same", "C", "max", "skip"):
        assert "word of the language" in str(names.rename(4, new))
    assert "word of the language" in str(names.rename(29, "main"))
    assert "no name here" in str(names.rename(0, "b"))
    assert names.rename(4, "é") == [Edit(Span(4, 5), "é"), Edit(Span(38, 39), "é")]


def test_no_rename_where_something_cannot_be_seen() -> None:
    broken = "let a = 1; input 8x8x1; conv a ==; add { conv a 1 | skip"
    assert "cannot be read" in str(names_of(broken).rename(4, "b"))
    assert isinstance(names_of("let a = 1; conv 3 ==; conv a 1").rename(4, "b"), list)
    handed = "block f(s=1) { conv 4 3 /s }; block g(b) { b s=2 }; input 9x9x1; g f"
    assert "called by another name" in str(names_of(handed).rename(8, "t"))


def test_the_messages_are_in_korean_too() -> None:
    source = (Path(api.__file__).parent / "analysis").glob("*.py")
    known = catalogue("ko")
    for text in (each.read_text(encoding="utf-8") for each in source):
        for piece in text.split('Message("')[1:]:
            assert piece.split('"')[0] in known
    assert {"{count} param", "{count} params"} <= set(known)


# Outline, folding, colours


def test_outline() -> None:
    text = "net n\nblock f(a, b=1) {\n  relu as x\n}\ninput 8x8x1\nrepeat 2 { relu as y }\n"
    text += "param p = 1\nlet q = 2\nadd { relu as z | skip } as s\nhead h { dense 1 as o }\n"
    found = list(flat(symbols(*read(text)), 0))
    assert found == [
        (0, "net", "n"), (0, "block", "f"), (1, "parameter", "a"), (1, "parameter", "b"),
        (1, "tensor", "x"), (0, "input", "input"), (0, "tensor", "y"), (0, "param", "p"),
        (0, "constant", "q"), (0, "tensor", "s"), (1, "tensor", "z"), (0, "head", "h"),
        (1, "tensor", "o"),
    ]  # fmt: skip


def flat(outline: list[Symbol], depth: int) -> Iterator[tuple[int, str, str]]:
    for each in outline:
        yield depth, each.kind, each.name
        yield from flat(list(each.children), depth + 1)


def test_folding() -> None:
    text = "# a\n# b\n\n# c\ninput 8x8x1 # d\n# e\n  # f\nadd {\n  relu | repeat 2 {\n relu }\n}\n"
    folded = [text[slice(*each)] for each in folding(*read(text))]
    assert folded == ["# a\n# b", "# e\n  # f", "{\n  relu | repeat 2 {\n relu }\n}", "{\n relu }"]


def test_colours() -> None:
    text = "block f(n) { conv n 3x3 relu same pad=1 }\nlet k = C # c\nadd { f k n=2 | relu } as t"
    source, module = read(text)
    found = [f"{text[slice(*span)]}:{kind}" for span, kind in tokens.tokens(source, module)]
    assert " ".join(found) == (
        "block:keyword f:block n:parameter conv:layer n:parameter 3x3:size relu:activation "
        "same:flag pad:flag =:operator 1:number let:keyword k:constant =:operator C:constant "
        "# c:comment add:merge f:block k:constant n:parameter =:operator 2:number "
        "relu:activation as:keyword t:tensor"
    )
    assert {kind for _, kind in tokens.tokens(source, module)} <= set(tokens.KINDS)


# Completion


BEFORE = "block f(n, s=1) { conv n 3x3 /s }\nlet w = 3\ninput 8x8x3 as img\n"

COMPLETIONS = {
    "^": "conv bn relu f add let repeat block skip",
    "c^": "conv crop f- concat",
    "conv 8 3^": "conv- relu-",
    "conv ^": "w relu same pad= groups= as img- conv-",
    "conv 8 3x3 ^\nrelu": "w- relu same pad= floor",
    "conv 8 3x3 relu same floor ^": "relu- tanh- same- pad=- ceil- nobias dilation=",
    "conv 8 3x3 pad=^": "w relu-",
    "conv (w*^": "w relu-",
    "dense 10 ^": "softmax nobias same-",
    "f ^": "n= s= w img as",
    "f 3 ^": "n=- s=",
    "f s=2 ^": "n= s=-",
    "conv 8 3x3 c^": "ceil clamp-",
    "softmax axis=^": "height width channels depth length w- relu-",
    "concat ^": "axis= as- w-",
    "concat axis=w^": "width height- w-",
    "gelu ^": "approx as",
    "from ^": "img w-",
    "rounding ^": "exact floor ceil conv-",
    "defaults k^": "keras torch-",
    "expect ^": "params shape field conv-",
    "expect params <= ^": "w max",
    "let k = ^": "w max conv-",
    "let k^": "w- conv-",
    "conv 8 3x3 as ^": "w- relu-",
    "# con^": "conv-",
    "repeat 2 { ^": "conv let block- net- input-",
    "add { skip } ^": "as conv-",
    "block g(a) { let z = 3; conv ^ }": "a z w img-",
    "block g(a) { let z = 3; from ^ }": "a img- z-",
    "repeat 2 { relu as r }; from ^": "img r-",
    "conv ^ \nlet later = 3": "w later-",
}


@pytest.mark.parametrize("typed", COMPLETIONS)
def test_completion(typed: str) -> None:
    text = BEFORE + typed
    offset = text.index("^")
    source, module = read(text.replace("^", ""))
    items = complete(source, module, offset)
    labels = {item.label for item in items}
    wanted = COMPLETIONS[typed].split()
    assert {each for each in wanted if each[-1] != "-"} <= labels
    assert not {each[:-1] for each in wanted if each[-1] == "-"} & labels
    assert len(labels) == len(items)


def test_completion_replaces_the_word() -> None:
    text = "input 8x8x1\nconv 8 3x3 rel nobias"
    relu, relu6 = complete(*read(text), text.index("rel") + 2)
    assert (relu.insert, text[slice(*relu.span)], relu.kind) == ("relu", "rel", "activation")
    assert relu6.label == "relu6" and relu.detail == "max(x, 0)"


def test_completion_knows_the_shape() -> None:
    at_vector = {item.label for item in complete(*read("input 8\n"), 8, (8,))}
    at_image = {item.label for item in complete(*read("input 8x8x1\n"), 12, (8, 8, 1))}
    axes = {item.label for item in complete(*read("input 8x8x1\nsoftmax axis="), 25, (8, 8, 1))}
    assert axes == {"height", "width", "channels"}
    assert "dense" in at_vector and "conv" not in at_vector and {"conv", "flatten"} <= at_image


def active(typed: str) -> str:
    text = BEFORE + typed
    found = completion.signature(*read(text.replace("^", "")), text.index("^"))
    if found is None:
        return "none"
    return "" if found.active is None else found.arguments[found.active].label


@pytest.mark.parametrize(
    ("typed", "label"),
    [
        ("conv^", "none"), ("conv ^", "N"), ("conv 8^", "N"), ("conv 8 ^", "K"),
        ("conv (w*^", "N"), ("conv (w*2) ^", "K"), ("conv 8 3x3 ^", ""), ("conv w relu ^", "K"),
        ("conv 8 3x3 /^", "[/S]"), ("conv 8 3x3 pad=^", "[same|pad=P]"),
        ("conv 8 3x3 pad=1:^", "[same|pad=P]"),
        ("conv 8 3x3 relu^", "[act]"), ("conv 8 3 as ^", "none"), ("f ^", "n"), ("f 3 ^", "s=1"),
        ("f s=^", "s=1"), ("f s=2 ^", "n"), ("add ^", "none"), ("let k = ^", "none"), ("^", "none"),
    ],
)  # fmt: skip
def test_signature(typed: str, label: str) -> None:
    assert active(typed) == label


def test_signatures_of_all_layers() -> None:
    for word, layer in LAYERS.items():
        found = completion.signature(*read(f"{word} "), len(word) + 1)
        assert found is not None and found.usage == layer.usage()
        assert all(each.label in found.usage and each.doc for each in found.arguments)


# Hovers and hints


def told(text: str, word: str, lang: str = "en", **more: frozenset[int]) -> str:
    network = api.check(text)
    at = text.index(word) + len(word) - 1
    found = hover(
        network.source, network.module, network.nodes, at, led=led_of(network), lang=lang, **more
    )
    return found.markdown if found else ""


def test_hover_on_a_layer() -> None:
    said = told(TEXTS["article"], "conv")
    for part in (
        "**Convolution**", "`39x31x1 → 36x28x20`", "`H_out = (H - K)/S + 1 = (39 - 4)/1 + 1 = 36`",
        "Parameters: 340", "`K×K×C×N = 4×4×1×20 = 320`", "Multiply-adds: 322,560",
        "Receptive field: `4x4`",
    ):  # fmt: skip
        assert part in said
    korean = told(TEXTS["article"], "conv", "ko")
    assert "**합성곱 층**" in korean and "곱셈-누산 횟수: 322,560" in korean


def test_hover_on_what_was_made_several_times() -> None:
    text = TEXTS["resnet50"]
    said = told(text, "{ conv")
    assert said.count("→") == MOST and said.endswith("- and 15 more")
    called = told(text, "repeat 3 { bottleneck")
    assert "`block bottleneck(n, s=1)`" in called
    assert "`56x56x64 → 56x56x256`, 76,928 parameters" in called
    assert "`56x56x256 → 56x56x256`, 71,552 parameters" in called


def test_hover_on_words_and_names() -> None:
    text = "let w = 3\nblock f(s=1) { conv w 3 /s same }\ninput 8x8x2 as img\n"
    text += "f s=2; add { skip | from img; pool 2 as p; conv 3 1 } as t # conv w\n"
    assert told(text, "let w") == "`w`: `let w = 3`"
    assert told(text, "conv w") == "`w`: `let w = 3`"
    assert told(text, "/s") == "`s`: `block f(s=1)`"
    assert told(text, "same") == "`same`: pad so that the output is ceil(X / S)"
    assert "8x8x2" in told(text, "img") and "8x8x2" in told(text, "input")
    assert "`4x4x3, 4x4x3 → 4x4x3`" in told(text, "add") and "value by value" in told(text, "add")
    assert "4x4x2" in told(text, "as p") and told(text, "as t").startswith("`t`: `add`")
    assert told(text, "# conv") == ""
    assert "(assumed)" in told(text, "pool", assumed=frozenset(range(9)))
    assert "is applied" in told("input 8; dense 2 relu", "relu")


def test_hover_on_loops_blocks_and_constants() -> None:
    text = """input 32x32x3
let k = 4 * 2
block b(n) { conv n 3x3 same; bn }
repeat 2 { b k; repeat 2 { conv k 3x3 same }; pool 2 }
if k > 4 { conv 4 1x1 }
head aux { gap; dense 3 }
gap; dense 10
"""
    analysis = cnndsl.analyse(text)

    def said(words: str) -> str:
        found = analysis.hover(text.index(words))
        return found.markdown if found else ""

    loop = said("repeat 2 { b")
    params = sum(each.node.params for each in analysis.layers if each.line == 4 or each.calls)
    assert "`32x32x3 → 8x8x8`" in loop and f"Parameters: {params:,}" in loop
    inner = said("repeat 2 { conv")
    assert "- `32x32x8 → 32x32x8`, 1,168 parameters\n- `16x16x8 → 16x16x8`" in inner
    for block in (said("b(n)"), said("block")):
        assert "- `32x32x3 → 32x32x8`, 256 parameters\n- `16x16x8 → 16x16x8`" in block
    assert said("k = 4") == said("k > 4") == "`k`: `let k = 4 * 2` = `8`"
    assert "`8x8x8 → 8x8x4`" in said("if k") and "`8x8x4 → 3`" in said("aux")
    assert said("head") in said("aux")


def test_hovers_hold_what_stands_in_the_text() -> None:
    text = "param x = 1 # ` *a* <b>\ninput 8x8x1 as `"
    source, module = read(text)
    found = hover(source, module, [], 6)
    assert found is not None and found.markdown == "`x`: `param x = 1`"


def hinted(text: str) -> dict[int, str]:
    network = api.check(text)
    found = hints(network.source, network.module, network.nodes, led=led_of(network))
    return {each.line: each.text for each in found}


def test_hints() -> None:
    assert hinted(TEXTS["article"])[5] == "18x14x20, 340 params"
    assert hinted("input 8x8x1\nconv 1 1 nobias\nrelu") == {2: "8x8x1, 1 param", 3: "8x8x1"}
    found = hinted(TEXTS["resnet50"])
    assert found[10] == "56x56x256 … 7x7x2048"
    assert found[16] == "56x56x256, 220,032 params"  # a whole loop
    assert found[8] == "56x56x256 … 7x7x2048, 17,664 … 2,107,392 params"
    loop = "input 8x8x1\nrepeat 3 {\n  conv 4 3 same; add {\n    skip\n    | relu }\n}\ngap"
    assert hinted(loop) == {
        3: "8x8x4, 40 … 148 params", 5: "8x8x4", 7: "4",
    }  # fmt: skip


def test_the_parameters_of_lines_add_up() -> None:
    for name in ("unet", "vgg16", "resnet50"):
        network = api.check(TEXTS[name])
        found = hints(network.source, network.module, network.nodes, led=led_of(network))
        blocks = [s.span for s in network.module.statements if isinstance(s, ast.Block)]
        outside = [h for h in found if not any(b.start < h.offset <= b.end for b in blocks)]
        counts = [h.text.split(", ", 1)[1].split()[0] for h in outside if "param" in h.text]
        assert sum(int(each.replace(",", "")) for each in counts) == network.totals.params


def test_hints_know_what_is_assumed() -> None:
    network = api.check("input 8x8x1\nconv 4 1\nrelu")
    found = hints(network.source, network.module, network.nodes, frozenset({2}), lang="ko")
    assert [(each.text, each.assumed) for each in found] == [
        ("8x8x4, 파라미터 8개", False),
        ("8x8x4", True),
    ]


# UTF-16


def test_utf16() -> None:
    text = "a𝐰b\r\n한𝐱\n\rz"
    source = Source("", text)
    assert to_utf16(source, 2) == (0, 3) and to_utf16(source, 6) == (1, 1)
    assert from_utf16(source, 0, 3) == 2 and from_utf16(source, 0, 2) == 1
    assert from_utf16(source, 0, 99) == 3 and to_utf16(source, 4) == (0, 4)
    assert from_utf16(source, 9, 0) == len(text) and from_utf16(source, -1, 5) == 0
    assert to_utf16(source, 99) == (3, 1) and to_utf16(source, -9) == (0, 0)
    for offset in range(len(text) + 1):
        if text[offset - 1 : offset + 1] != "\r\n":
            assert from_utf16(source, *to_utf16(source, offset)) == offset


def test_activations_have_formulas() -> None:
    for word in ACTIVATIONS:
        found = hover(*read(f"input 8; {word}"), [], 10)
        assert found is not None and "`" in found.markdown
