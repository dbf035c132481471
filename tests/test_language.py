"""What a text means, held against a second opinion; and that no text is too much.

* every number of random straight nets, and which of them are refused: `counting`
* texts put together at random, right and wrong: no exception, and well-made diagnostics
* texts meant to be expensive: an answer, and soon
* one mistake in a sound net: one diagnostic
"""

from __future__ import annotations

import itertools
import json
import re
from pathlib import Path
from random import Random

import counting
import nets
import pytest
from conftest import few
from hypothesis import example, given
from hypothesis import strategies as st
from steps import at_most

import cnndsl
from cnndsl.api import examine
from cnndsl.diagnostics import CODES, Diagnostic, Source
from cnndsl.diagnostics.render import render_all
from cnndsl.diagnostics.render_json import render_json
from cnndsl.layers import ACTIVATIONS, LAYERS, MERGES
from cnndsl.network import Network
from cnndsl.targets import json as json_target
from cnndsl.targets import markdown as markdown_target

ROOT = Path(__file__).resolve().parent.parent
SAMPLES = sorted(
    path for path in (ROOT / "samples").glob("*.cnn") if path.stem != "article_keras_listing"
)


# A second opinion


def ours(text: str) -> list[counting.Counted]:
    """What the JSON says of each layer."""
    return [
        counting.Counted(
            row["op"],
            tuple(row["output"]),
            row["params"],
            row["weights"],
            row["trainable"],
            row["macs"],
            tuple(row["field"]),
        )
        for row in json.loads(cnndsl.build(text, "json"))["layers"]
    ]


@given(nets.straight_nets())
@example("input 16x4\nconv 3 4 /2 pad=1 dilation=2 ceil\nup 3\nconv 2 2\nflatten\ndense 2")
@example("input 12x12x4\nconv 6 3 relu /3\nup 2 bilinear\nminpool 4x4")
@example("input 6x6x2\ndeconv 2 3 /2\npool 2 ceil\ndeconv 1 1 /3 same\ngap keep")
@example("input 9x9x2\nup 2\nzeropad 1:0\navgpool 4 same\nflatten")
def test_numbers_agree(text: str) -> None:
    assert ours(text) == counting.count(text)


def one_layer(rng: Random) -> str:
    """A net of one random layer, which need not come out."""
    size = rng.choice(["9x8x3", "12x12x4", "7x11x2", "16x4", "13x6", "6x5x7x2", "5x1x2", "2x2"])
    shape = size.split("x")
    rounding = rng.choice(["exact", "exact", "floor", "ceil"])
    layer = nets.statement(rng, len(shape) - 1, int(shape[-1]))
    return f"rounding {rounding}\ninput {size}\n{layer}"


@given(st.randoms(use_true_random=False).map(one_layer))
def test_the_same_layers_are_refused(text: str) -> None:
    problems = [each for each in cnndsl.diagnose(text) if each.severity == "error"]
    try:
        expected = counting.count(text)
    except counting.Refused:
        assert problems and all(each.code[:2] in ("E1", "E2") for each in problems), text
    else:
        # `bilinear` is for images; the second opinion does not care.
        if problems and "bilinear" not in text:
            pytest.fail(f"{text}\n{problems[0].message}")
        assert problems or ours(text) == expected


# Araujo, Norris and Sim, "Computing receptive fields of convolutional neural networks"
# (2019), table 1: the field of the last maps.
FIELDS = {
    "alexnet": 195,
    "vgg16": 212,
    "resnet50": 483,
    "resnet152": 1507,
    "inceptionv3": 1311,
    "inception_resnet_v2": 3039,
    "mobilenet": 315,
}


@pytest.mark.parametrize("name", FIELDS)
def test_receptive_fields_are_the_published_ones(name: str) -> None:
    text = (ROOT / "samples" / f"{name}.cnn").read_text(encoding="utf-8")
    maps = [node for node in cnndsl.check(text).layers if max(node.output[:-1], default=1) > 1]
    assert maps[-1].receptive_field == (FIELDS[name],) * 2


# Any text


class Programs:
    """Random programs: fragments that fit, and a share of fragments that do not."""

    NAMES = ("a", "b", "n", "k", "s", "twice", "res", "합성곱", "main")
    WORDS = ("C", "H", "W", "L", "D", "relu", "softmax", "conv", "add", "skip", "same", "min")
    VALUES = (
        "0 1 2 3 4 5 8 16 64 -1 1000 0.5 2.5 1e-3 5M 1e17 64_620 3x3 2x2 1x3 4x4x8 0:1 0:1x1:0 "
        "7×7 2x2x2x2x2 0x3 32x32x3 100x8 (1:2,0:1) (a:b,1) 1:n"
    ).split()
    SOUND = (
        "conv 8 3x3 same relu; conv 4 3 same; conv n 1; pool 2; pool 2 same; bn; relu; gap keep; "
        "up 2; zeropad 1; crop 1; shuffle 2; slice 0:2; dropout 0.5; ln; gn 2; deconv 4 2 /2; "
        "dwconv 3 same; sepconv 8 3 same mult=2; reshape (H*W*C); prelu; leaky_relu 0.1; "
        "conv C 3 same /2 groups=2; conv (2*n) 3 same; conv (C//2) 1; twice 8; twice n k=1; "
        "res; res 2; res s=2; with relu 4; with twice 8; both a; gap; flatten; dense 10 softmax"
    ).split("; ")
    HEADER = (
        "block twice(n, k=3) { conv n k same relu; conv n k same }\n"
        "block res(s=1) { add { | conv C 3 same /s | if s != 1 { conv C 1 same /s } }; relu }\n"
        "block with(f, x) { conv 8 3 same; f x }\n"
        "block both(t) { concat { skip | from t } }\n"
        "param n = 4\n"
    )

    def __init__(self, rng: Random) -> None:
        self.rng = rng
        self.wrong = rng.choice([0.0, 0.02, 0.2, 0.7])
        self.many = rng.choice([2, 4])

    def odds(self, share: float) -> bool:
        return self.rng.random() < share

    def pick(self, *words: str) -> str:
        return self.rng.choice(words)

    def atom(self, depth: int) -> str:
        kind = self.rng.random()
        if kind < 0.5 or depth > 3:
            return self.pick(*self.VALUES)
        if kind < 0.6:
            return self.pick(*self.WORDS)
        if kind < 0.75:
            return self.pick(*self.NAMES)
        if kind < 0.92:
            return f"({self.expression(depth + 1)})"
        return f"({self.expression(depth + 1)}, {self.expression(depth + 1)})"

    def expression(self, depth: int = 0) -> str:
        kind = self.rng.random()
        if depth > 3 or kind < 0.45:
            return self.atom(depth)
        if kind < 0.85:
            op = self.pick(*"+ - * / // % ** == < and or != >=".split())
            return f"{self.expression(depth + 1)} {op} {self.expression(depth + 1)}"
        if kind < 0.9:
            return f"{self.pick('-', 'not ')}{self.expression(depth + 1)}"
        function = self.pick("min", "max", "round", "ceil", "floor", "divisible", "foo")
        count = self.rng.randint(0, 3)
        return f"{function}({', '.join(self.expression(depth + 1) for _ in range(count))})"

    def argument(self) -> str:
        kind = self.rng.random()
        if kind < 0.5:
            return self.atom(0)
        if kind < 0.6:
            return self.pick(*ACTIVATIONS)
        if kind < 0.72:
            return f"/{self.atom(2)}"
        if kind < 0.85:
            keys = "pad dilation groups mult eps momentum size alpha n k s stride init same filters"
            return f"{self.pick(*keys.split())}={self.atom(2)}"
        return self.pick("same", "floor", "ceil", "nobias", "keep", "noscale", "bilinear")

    def nonsense(self) -> str:
        """A statement with no regard for what fits."""
        arguments = " ".join(self.argument() for _ in range(self.rng.randint(0, 3)))
        kind = self.rng.random()
        if kind < 0.6:
            return f"{self.pick(*LAYERS, *MERGES, *self.NAMES, 'foo', 'convv')} {arguments}"
        if kind < 0.7:
            return (
                f"{self.pick('let', 'param')} {self.pick(*self.NAMES, 'C')} = {self.expression()}"
            )
        if kind < 0.8:
            metric = self.pick("params", "shape", "field", "macs", "foo")
            return f"expect {metric} {self.pick('==', '<=', '!=')} {self.atom(2)}"
        if kind < 0.85:
            parameters = ", ".join(
                self.pick("n", "k = 3", "a", "s = n", "conv", f"k = {self.expression()}")
                for _ in range(self.rng.randint(0, 3))
            )
            return f"block {self.pick('twice', 'new', 'conv')}({parameters}) {{ {self.body(2)} }}"
        if kind < 0.95:
            word = self.pick("rounding", "defaults", "net", "from", "input")
            return f"{word} {self.pick('floor', 'torch', 'foo', 'a', '32x32x3', self.atom(1))}"
        return self.pick("}", "{", "(", "conv 4x", "!", "conv 8,3", "input", "as a", "|", "else {")

    def statement(self, depth: int = 0) -> str:
        if self.odds(self.wrong):
            return self.nonsense()
        name = f" as {self.pick('a', 'b', f'c{self.rng.randint(0, 99)}')}" if self.odds(0.1) else ""
        kind = self.rng.random()
        if kind < 0.6 or depth > 3:
            return self.pick(*self.SOUND) + name
        if kind < 0.65:
            value = self.pick("n", "C//2", "2*n + 1", "max(n, 3)")
            return f"let q{self.rng.randint(0, 9)} = {value}"
        if kind < 0.7:
            return f"from {self.pick('a', 'b')}"
        if kind < 0.8:
            paths = " | ".join(self.body(depth + 1) for _ in range(self.rng.randint(1, 3)))
            return f"{self.pick(*MERGES)} {{ {paths} }}{name}"
        if kind < 0.88:
            count = self.pick("2", "3", "0", "n", "2 as i")
            return f"repeat {count} {{ {self.body(depth + 1)} }}{name}"
        if kind < 0.96:
            test = self.pick("C == 4", "n > 3", "C % 2 == 0", "not C == 8", "H > 8 and W > 8")
            other = f" else {{ {self.body(depth + 1)} }}" if self.odds(0.5) else ""
            return f"if {test} {{ {self.body(depth + 1)} }}{other}{name}"
        return f"head h{self.rng.randint(0, 99)} {{ {self.body(depth + 1)} }}"

    def body(self, depth: int) -> str:
        count = self.rng.randint(0, self.many)
        return self.pick("; ", "\n").join(self.statement(depth) for _ in range(count))

    def program(self) -> str:
        size = self.pick("32x32x3", "16x16x4", "16x4", "8x8x8x2", "20")
        lines = [f"input {size}{self.pick('', ' as a', ' as b')}"]
        lines += [self.pick("rounding floor", "input 32x32x3 as b", "", "", "")]
        lines += [self.statement() for _ in range(self.rng.randint(1, 6))]
        return self.HEADER + "\n".join(lines)


def programs() -> st.SearchStrategy[str]:
    return st.randoms(use_true_random=False).map(lambda rng: Programs(rng).program())


def well_made(problem: Diagnostic) -> None:
    """What holds of any diagnostic."""
    length = len(problem.source.text)
    assert problem.code in CODES
    assert 0 <= problem.span.start <= problem.span.end <= length
    said = [problem.message, problem.help, *(note.message for note in problem.notes)]
    assert problem.message
    for text in said:
        assert not text.endswith("."), text
        assert not re.search(r"(?<!=)None|Word\(|Pair\(|Fraction", text), text
        assert len(text) < 400, text[:400]
    for fix in problem.fixes:
        assert fix.edits
        for edit in fix.edits:
            assert 0 <= edit.span.start <= edit.span.end <= length


def sound(network: Network) -> None:
    """What holds of any network."""
    names = [node.name for node in network.nodes]
    assert len(set(names)) == len(names)
    for node in network.nodes:
        assert all(index < node.index for index in node.inputs)
        assert all(type(size) is int and size >= 1 for size in node.output)
        assert all(type(size) is int and size >= 1 for size in node.receptive_field)
        assert type(node.layer.params) is int and type(node.layer.macs) is int
    used = {index for node in network.nodes for index in node.inputs}
    assert used | set(network.outputs.values()) == set(range(len(network.nodes)))


def look(text: str) -> list[Diagnostic]:
    """Everything that is said about a text, after a look at all that it comes to."""
    network, problems = examine(Source("net.cnn", text), limit=2000)
    for problem in problems:
        well_made(problem)
    render_all(problems)
    render_json(problems)
    assert (network is None) == bool(problems)
    if network is not None:
        sound(network)
        totals = json.loads(json_target.generate(network))["totals"]
        for depth in (None, 1, 2):
            table = markdown_target.generate(network, depth=depth)
            assert f" {totals['params']:,} |\n" in table
    return problems


@given(programs())
def test_any_program(text: str) -> None:
    look(text)


@given(st.text(alphabet='conv 83x{}|()=/;\n#asfrom가＝ \t"-+*,.:<>!', max_size=60))
def test_any_text(text: str) -> None:
    look(text)


# Expensive texts


def chain(count: int, body: str, last: str) -> str:
    """Blocks, each of which calls the next one."""
    blocks = [f"block b{i}(n) {{ {body.replace('NEXT', f'b{i + 1}')} }}" for i in range(count)]
    return "\n".join(["input 8", *blocks, f"block b{count}(n) {{ {last} }}", "b0 1"])


def nested(opening: str, depth: int, inner: str, brace: str = "{") -> str:
    return f"{opening} {brace} " * depth + inner + " }" * depth


def lets(count: int, first: str, rest: str) -> str:
    lines = [f"let x{i + 1} = {rest.replace('X', f'x{i}')}" for i in range(count)]
    return "\n".join(["input 8", f"let x0 = {first}", *lines])


EXPENSIVE = {
    "doubling": (chain(40, "NEXT n; NEXT n", "relu"), {"E302"}),
    "doubling with other values each time": (
        chain(40, "NEXT (2*n); NEXT (2*n + 1)", "relu"),
        {"E302"},
    ),
    "doubling of nothing": (chain(40, "NEXT n; NEXT n", ""), {"E302"}),
    "doubling of constants": (chain(40, "NEXT n; NEXT n", "let x = n"), {"E302"}),
    "endless repeat": ("input 8\nrepeat 1e17 { relu }", {"E302"}),
    "endless repeat of nothing": ("input 8\nrepeat 1e17 { }", set()),
    "endless repeat of a constant": ("input 8\nrepeat 1e17 { let x = 1 }", {"E302"}),
    "endless repeat of no layer": ("input 8\nrepeat 1e17 as i { if i < 0 { relu } }", {"E302"}),
    "repeats of repeats": (f"input 8\n{nested('repeat 1e17', 20, 'relu')}", {"E302"}),
    "a long chain": (chain(500, "NEXT n", "relu"), {"E005"}),
    "deep blocks of repeats": (chain(30, nested("repeat 1", 90, "NEXT n"), "relu"), {"E005"}),
    "deep blocks of ifs": (chain(30, nested("if 1", 90, "NEXT n"), "relu"), {"E005"}),
    "deep blocks of paths": (chain(30, nested("add { skip |", 90, "NEXT n", ""), "relu"), {"E005"}),
    "many parentheses": (f"input 8\nlet x = {'(' * 3000}1{')' * 3000}", {"E005"}),
    "a long sum": (f"input 8\nlet x = {' + '.join('1' * 3000)}", {"E005"}),
    "squares of squares": (lets(100, "2", "X*X"), {"E302"}),
    "a fraction that grows": (lets(100, "2/3", "X*X"), {"E302"}),
    "a fraction of fractions": (lets(200, "1/3", "X/7 + 1/(3 + X)"), {"E302"}),
    "powers": ("input 8\nlet x = 999999999999999999**64", {"E302"}),
    "powers of powers": ("input 8\nlet x = 2**-64**64", {"E302"}),
    "pairs of pairs": (lets(100, "(1, 1)", "(X, X)"), {"E110"}),
    "a size without end": (f"input 8x8x1\nconv 8 {'x'.join('3' * 50_000)}", {"E004"}),
    "many paths": (f"input 8\nadd {{ {'|' * 3000} }}", set()),
    "many ifs": (f"input 8\nif 0 {{}} {'else if 0 {} ' * 3000}", set()),
    "many unknown tensors": (f"input 8\n{'from a; ' * 600}", {"E106"}),
    "many unknown layers": (f"input 8\n{'foo; ' * 600}", {"E101"}),
    "a name again and again": (f"input 8\n{'relu as a; ' * 3000}", {"E107"}),
    "far too many arguments": (f"input 8\nrelu {'8 ' * 3000}", {"E104"}),
    "an enormous image": ("input 1000000000x1000000000x1000000000\nup 1000000\nflatten", {"E302"}),
    "an image larger and larger": (f"input 2x2x1\n{'up 1000; conv 1 3 same; ' * 6}", {"E302"}),
}


# These go as far as they may before they are refused.
FAR = {"doubling of nothing", "doubling of constants", "endless repeat of no layer"}


@pytest.mark.parametrize("name", few(EXPENSIVE, EXPENSIVE.keys() - FAR, "long"))
def test_expensive_texts_end_soon(name: str) -> None:
    text, codes = EXPENSIVE[name]
    with at_most(15_000_000):
        problems = cnndsl.diagnose(text)
    assert {each.code for each in problems if each.severity == "error"} == codes
    for problem in problems[:10]:
        well_made(problem)


def test_a_tensor_of_an_unused_block_may_have_the_name_of_a_constant() -> None:
    """Its shapes are not known, so neither is the tensor; the constant is no reason to doubt."""
    block = "block unit(n) { conv n 3x3 same as a; add { skip | from a } }\n"
    for text in (block, f"let a = 3\n{block}"):
        found = cnndsl.diagnose(f"{text}input 8x8x3\nconv 4 3x3\n")
        assert [each.code for each in found if each.severity == "error"] == []


# What callers give

ODD_VALUES: list[object] = [
    0, -1, 2.5, float("nan"), float("inf"), -float("inf"), 10**30, True, None, (1, 2), (), (0,),
    ((1, 2), 3), "", "a", "nothing", "relu", "conv", "C", "1:2", "(1:2, 3)", "x", "1/3", "1e400",
    "#", "4 # c", "4; relu", "4\nrelu", "(4", "let", "-3", "2**64", "a b", '"q"', "3×3", "가",
    "\x00", "1x2x3x4x5", [1, 2], {2}, b"4", {1: 2}, 1j,
]  # fmt: skip


@pytest.mark.parametrize("value", ODD_VALUES, ids=itertools.count())
@pytest.mark.parametrize("name", ["width", "size", "act", "other"])
def test_any_value_for_a_param(name: str, value: object) -> None:
    text = (
        "param width = 4\nparam size = 3x3\nparam act = relu\ninput 16x16x4 as a\n"
        "conv width size act\nif width > 3 { conv (width*2//3 + 1) 1 pad=width }\n"
        "repeat width { act }\nexpect params > width\nexpect shape != size\n"
        "dropout (1/(width + 3))\nslice 0:width\nconv (divisible(width, 8)) 1\nact"
    )
    for problem in cnndsl.diagnose(text, set={name: value}):  # type: ignore[dict-item]
        well_made(problem)


ODD_TEXTS = [value for value in ODD_VALUES if isinstance(value, str)]


@pytest.mark.parametrize("value", ODD_TEXTS, ids=itertools.count())
def test_any_text_for_the_input(value: str) -> None:
    problems = cnndsl.diagnose("conv 3 3 same", input=value)
    assert len(problems) <= 1
    for problem in problems:
        well_made(problem)


# One mistake, one message

_TOKEN = re.compile(r"#[^\n]*|[^\W\d]\w*|\d[\w.]*|\S|\s+")
# Words after which a name is defined: misspelt there, it is missed in many places.
_DEFINING = ("net", "block", "as", "let", "param", "head", "(", ",")
_KEPT = "net input block repeat if else let param head as from expect and or not x".split()


def damage(text: str, rng: Random) -> str | None:
    """The text with one word misspelt, replaced by another, or with a value left out."""
    tokens = _TOKEN.findall(text)
    words = [i for i, token in enumerate(tokens) if token[0].isalpha() and token not in _KEPT]
    index = rng.choice(words)
    before = next((t for t in reversed(tokens[:index]) if not t.isspace()), "")
    if before in _DEFINING:
        return None
    word = tokens[index]
    kind = rng.choice(["misspelt", "unknown", "left out"])
    if kind == "left out":
        after = index + 2
        if word not in LAYERS or after >= len(tokens) or not tokens[after][0].isdigit():
            return None
        return "".join(tokens[:after] + tokens[after + 1 :])
    tokens[index] = word + word[-1] if kind == "misspelt" else "qqqq"
    return "".join(tokens)


TEXTS = st.sampled_from(SAMPLES).map(lambda path: path.read_text(encoding="utf-8"))


@given(TEXTS | nets.branching_nets(), st.randoms(use_true_random=False))
def test_one_mistake_gives_one_message(text: str, rng: Random) -> None:
    damaged = damage(text, rng)
    # Without a word about rounding, sizes are to come out whole: that is news of its own.
    if damaged is not None and re.search(r"^qqqq (floor|ceil)$", damaged, re.M) is None:
        problems = look(damaged)
        assert len(problems) <= 1, damaged + "\n" + render_all(problems)


@pytest.mark.parametrize(
    "text",
    [
        "let w = 4; input 8x8x4; repeat 1 { let w = w*2; conv w 1 }",
        "let w = 4; input 8x8x4; block b(n) { let w = w*n; conv w 1 }; b 2",
        "let w = 4; input 8x8x4; add { let w = w*2; conv w 1 | conv 8 1 }",
    ],
)
def test_a_constant_may_read_one_of_its_name_from_outside(text: str) -> None:
    assert cnndsl.check(text).nodes[1].output[-1] == 8


def test_a_constant_cannot_read_itself() -> None:
    [problem] = cnndsl.diagnose("input 8x8x4; let a = a + 1; conv a 1; gap; dense 2")
    assert (problem.code, problem.span.start) == ("E106", 21)
