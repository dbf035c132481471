"""The canonical form: golden cases, and what holds of any text however messy."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from cnndsl.api import diagnose
from cnndsl.diagnostics import Source
from cnndsl.layers import ACTIVATIONS, argument_order
from cnndsl.syntax import nodes
from cnndsl.syntax.format import format_text
from cnndsl.syntax.parser import parse, parse_tokens

ROOT = Path(__file__).resolve().parent.parent
CASES = sorted(path.parent for path in (ROOT / "tests/golden/fmt").glob("*/input.cnn"))
SAMPLES = sorted((ROOT / "samples").rglob("*.cnn"))
MANY = 4 * settings.default.max_examples


def form(text: str) -> str:
    formatted, problems = format_text(Source("x", text), argument_order, ACTIVATIONS)
    assert not problems, (problems, text)
    return formatted


def read(path: Path) -> str:
    return path.read_bytes().decode("utf-8")


# What holds of any text


def meaning(node: Any) -> Any:
    """A tree without its spans, arguments in any order, and `(4, 4)` as `4x4`."""
    if isinstance(node, nodes.Tuple):
        dims = [_dimension(item) for item in node.items]
        if None not in dims:
            return ("Size", tuple(dims))
    if isinstance(node, nodes.Size):
        return ("Size", node.value)
    if isinstance(node, nodes.Apply):
        args = sorted(map(repr, map(meaning, node.args)))
        return ("Apply", node.name.id, args, meaning(node.paths), meaning(node.alias))
    if isinstance(node, tuple) and hasattr(node, "_fields"):
        fields = [field for field in node._fields if field not in ("span", "depth", "comments")]
        return (type(node).__name__, *(meaning(getattr(node, field)) for field in fields))
    return tuple(map(meaning, node)) if isinstance(node, tuple) else node


def _dimension(item: Any) -> Any:
    if isinstance(item, nodes.Range):
        pair = (_dimension(item.begin), _dimension(item.end))
        return None if None in pair else pair
    plain = isinstance(item, nodes.Number) and isinstance(item.value, int) and item.value >= 0
    return item.value if plain else None


def bodies(node: Any) -> Iterator[tuple[Any, ...]]:
    """The runs of statements in a tree, the outermost first."""
    if isinstance(node, (nodes.Module, nodes.Body)):
        yield node.statements
    if isinstance(node, tuple):
        for child in node:
            yield from bodies(child)


def line_breaks(text: str) -> list[list[bool]]:
    """For each run of statements, which of them begin a line behind another."""
    module = parse(Source("x", text))[0]
    return [
        ["\n" in text[a.span.end : b.span.start] for a, b in pairwise(run)]
        for run in bodies(module)
    ]


def relative_order(text: str) -> list[Any]:
    """For each call, its positional values but for words that are flags or activations."""
    calls = []
    stack: list[Any] = [parse(Source("x", text))[0]]
    while stack:
        node = stack.pop()
        if isinstance(node, nodes.Apply):
            flags = {*(argument_order(node.name.id) or ()), *ACTIVATIONS}
            calls.append(
                [
                    meaning(each)
                    for each in node.args
                    if isinstance(each, nodes.Positional)
                    and not (isinstance(each.value, nodes.Name) and each.value.id in flags)
                ]
            )
        if isinstance(node, tuple):
            stack += node
    return calls


def comments(text: str) -> Counter[tuple[str, int, bool]]:
    """Each comment, how many statements begin before it, and whether code stands before it.

    The last is not told of comments in parentheses, which may be those that go.
    """
    tree, _, tokens = parse_tokens(Source("x", text))
    starts = sorted(statement.span.start for run in bodies(tree) for statement in run)
    opened = [at for kind, at, _ in tokens if kind == "LPAR"]
    closed = [at for kind, at, _ in tokens if kind == "RPAR"]
    found: Counter[tuple[str, int, bool]] = Counter()
    for comment in tree.comments:
        at = comment.span.start
        line = text[:at].rpartition("\n")[2]
        inside = bisect_left(opened, at) > bisect_left(closed, at)
        trails = not inside and bool(line.strip(" \t;\ufeff"))
        found[comment.text, bisect_left(starts, at), trails] += 1
    return found


def check(text: str) -> str:
    """Format a text, and check all that must hold of its canonical form."""
    formatted = form(text)
    assert form(formatted) == formatted
    before, after = (parse(Source("x", each))[0] for each in (text, formatted))
    assert meaning(after) == meaning(before)
    assert comments(formatted) == comments(text)
    assert line_breaks(formatted) == line_breaks(text)
    assert relative_order(formatted) == relative_order(text)
    newline = "\r\n" if "\r\n" in text else "\n"
    assert formatted.count("\n") == formatted.count(newline)
    lines = formatted.replace("\r\n", "\n").split("\n")
    assert formatted == "" or (lines[-1] == "" and lines[-2] != "" and lines[0] != "")
    assert "\n\n\n" not in "\n".join(lines)
    assert all(line == line.rstrip() and "\t" not in line.split("#")[0] for line in lines)
    assert not re.search(r"\{\n\n|\n\n *\}", "\n".join(lines))
    return formatted


# Texts by hand


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_golden(case: Path) -> None:
    assert check(read(case / "input.cnn")) == read(case / "output.cnn")


def test_golden_cases_are_there() -> None:
    assert len(CASES) >= 12


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_samples(path: Path) -> None:
    check(read(path))


@pytest.mark.parametrize("text", ["", "\n", " \n\n", ";;\n;", "\ufeff", "\t\r\n\r\n"])
def test_nothing_stays_nothing(text: str) -> None:
    assert form(text) == ""


@pytest.mark.parametrize("text", ["conv 4x", "a {", "a (1", "\0", "conv 1, 2  \n\n\n"])
def test_a_text_with_errors_stays_as_it_is(text: str) -> None:
    formatted, problems = format_text(Source("x", text), argument_order, ACTIVATIONS)
    assert formatted == text
    assert [problem.message for problem in problems] == [
        problem.message for problem in parse(Source("x", text))[1]
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # spaces around operators
        ("let a = b  *  c", "let a = b*c"),
        ("let a = b + c - d", "let a = b+c-d"),
        ("let a = b*c+d-e", "let a = b*c + d - e"),
        ("let a = b-c*d", "let a = b - c*d"),
        ("let a = (b*c)+d", "let a = (b*c)+d"),
        ("let a = b ** - c // d % e", "let a = b**-c//d%e"),
        ("let a = - b - - c", "let a = -b - -c"),
        ("let a = b+c<d*e and not(f)or g", "let a = b+c < d*e and not f or g"),
        ("let a = max( b,c+1 , 2 )*2", "let a = max(b, c+1, 2)*2"),
        ("let a = max (b)", "let a = max(b)"),
        # parentheses
        ("a (b) ((c)) (((d+e)))", "a b c (d+e)"),
        ("a /(b) k=(c) ((1)):(d)", "a /b k=c 1:d"),
        ("a (-1) -1 - 2", "a (-1) -1 -2"),
        ("a (max(b, c))", "a (max(b, c))"),
        ("let a = ((b+c)*(d))", "let a = (b+c)*d"),
        ("if (a == b) { }", "if a == b { }"),
        ("if ((a) and (b or c)) { }", "if a and (b or c) { }"),
        ("repeat (n+1) { }", "repeat n+1 { }"),
        ("repeat (n == 1) { }", "repeat (n == 1) { }"),
        ("expect a<=((2*b))", "expect a <= 2*b"),
        ("expect a<=(not b)", "expect a <= (not b)"),
        ("block a(b=(c)) { }", "block a(b=c) { }"),
        ("let a = max((b+1),((c)))", "let a = max(b+1, c)"),
        # sizes and numbers
        ("a (4,4) (64_620,1) 2×3", "a 4x4 64_620x1 2x3"),
        ("a (0:1,0:1) (1:2, 3)", "a 0:1x0:1 1:2x3"),
        ("a (4, n) (4.0,4) (5M,1) (-1,2)", "a (4, n) (4.0, 4) (5M, 1) (-1, 2)"),
        ("a 1 : 2x3 (2x3):4", "a 1 : 2x3 2x3 : 4"),
        ("a 0 : 64 b:(c+1)", "a 0:64 b:(c+1)"),
        ("a 5M 1e-3 .5 007 1_0", "a 5M 1e-3 .5 007 1_0"),
        # arguments
        ("conv same relu 20 3x3 /2", "conv 20 3x3 relu /2 same"),
        ("conv 20 nobias pad=1 k 3x3", "conv 20 k 3x3 pad=1 nobias"),
        ("conv n act k same a", "conv n act k a same"),
        ("conv 20 3x3 what=1 same", "conv 20 3x3 same what=1"),
        ("mine same 20 relu", "mine same 20 relu"),
        ("conv (same) 20 (relu) 3", "conv 20 3 relu same"),
        ("pool relu 2 same", "pool relu 2 same"),
        # bodies
        ("add{a|b}", "add { a | b }"),
        ("add{|a|b;c|}", "add { a | b; c | }"),
        ("add { | | a }", "add { | | a }"),
        ("add { | }", "add { | }"),
        ("add {\n\n}", "add { }"),
        ("repeat 2 {\n}", "repeat 2 { }"),
        ("repeat 2 { a\n}", "repeat 2 {\n  a\n}"),
        ("repeat 2 { a (b\n+c) }", "repeat 2 { a (b+c) }"),
        ("add { a\n|b }", "add {\n  | a\n  | b\n}"),
        ("if a { b }\nelse\tif c { d }\n\n else { e }", None),
        ("if a { b };else { e }as f", "if a { b } else { e } as f"),
        ("a;;b ; \n;c;", "a; b\nc"),
        # shared blocks, frozen parts, heads for training, paths by conditions, dots
        ("shared\tblock  a( n ){b}", "shared block a(n) { b }"),
        ("shared block a() {\n\n b #c\n}", "shared block a() {\n  b  #c\n}"),
        ("freeze{a;b}as c", "freeze { a; b } as c"),
        ("freeze {\n#x\na #y\n}  as  c #z", "freeze {\n  #x\n  a  #y\n} as c  #z"),
        ("freeze { }", "freeze { }"),
        ("head a  training{b}", "head a training { b }"),
        ("from  u.v.low", "from u.v.low"),
        ("a u.low k=u.low;b", "a u.low k=u.low; b"),
        ("add{a|if b{|c}|repeat 2{|d|e}}", "add { a | if b { | c } | repeat 2 { | d | e } }"),
        (
            "add { a | if b {\n|c #d\n} }",
            "add {\n  | a\n  | if b {\n      | c  #d\n    }\n}",
        ),
        ("add {\n | if b { | c } else { | }\n}", "add {\n  | if b { | c } else { | }\n}"),
        # whatever else
        ("ﬁlter 합성곱", "ﬁlter 합성곱"),
        ("a #b", "a  #b"),
    ],
)
def test_form(text: str, expected: str | None) -> None:
    if expected is None:
        expected = "if a { b } else if c { d } else { e }"
    assert check(text) == expected + "\n"


def test_an_argument_keeps_its_meaning_where_a_name_is_a_slot() -> None:
    assert form("conv n 3 /2 act") == "conv n 3 act /2\n"
    for name in ("act", "*", "/"):
        assert "*" not in name or argument_order("conv")


def test_line_endings() -> None:
    assert form("a  1\r\nb # c\r\n") == "a 1\r\nb  # c\r\n"
    assert form("a  1\n\nb") == "a 1\n\nb\n"
    assert form("\ufeffa") == "a\n"


def test_columns_count_as_terminals_do() -> None:
    text = "conv 8 3 as 합성곱1  # one\npool 2               # two\n"
    assert form(text) == text
    assert form("a  # one\nbbbb  # two\n") == "a  # one\nbbbb  # two\n"
    assert form("a\t# one\nb\t# two\n") == "a  # one\nb  # two\n"


@pytest.mark.parametrize(
    "text",
    [
        "add {\n|" * 99 + "let x = " + "+".join("a" * 101) + "\n}" * 99,
        "if a {} else {" * 99 + "let x = " + "not " * 100 + "a" + "\n}" * 99,
        "let x = " + "(b+" * 50 + "(" * 49 + "-a" + ")" * 99,
        "let x = " + "max(1," * 100 + "a" + ")" * 100,
        "add {\n|" * 50 + "let x = " + "(1, 2+" * 50 + "**".join("a" * 50) + ")" * 50 + "\n}" * 50,
    ],
    ids=["paths", "choices", "parentheses", "calls", "all"],
)
def test_nesting(text: str) -> None:
    assert form(form(text)) == form(text)


# Messy texts


class Messy:
    """Writes a text that can be read, in as bad a form as comes to mind."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.depth = 0
        self.inside = 0  # how many parentheses are open

    def pick(self, *choices: str) -> str:
        return self.random.choice(choices)

    def likely(self, chance: float) -> bool:
        return self.random.random() < chance

    def many(self, most: int, make: Callable[[], str], joint: Callable[[], str]) -> str:
        count = self.random.randint(0, most)
        return "".join(make() + (joint() if index < count else "") for index in range(count + 1))

    # Between words

    def comment(self) -> str:
        return "#" + self.pick("", " c", "! { ( |", " 4x ", "#", "\t한글 ", " x" * 9)

    def space(self, need: bool = False) -> str:
        """Spaces; inside parentheses, newlines and comments too."""
        out = self.pick("", "", " ", " ", "  ", "\t", "\ufeff")
        if self.inside and self.likely(0.15):
            out += self.pick("", self.comment()) + "\n" + self.pick("", "    ")
            if self.likely(0.2):
                out += self.comment() + "\n"
        return out or (" " if need else "")

    def separator(self) -> str:
        if self.likely(0.3):
            return self.pick(";", " ; ", ";;", ";  ")
        out = self.pick("", ";", " ") + self.line_end()
        while self.likely(0.25):
            out += self.line_end()
        return out + self.pick("", "", ";", "  ", " " * 14)

    def line_end(self) -> str:
        return self.pick("", " ", "   ", " " * 9) + self.pick("", "", self.comment()) + "\n"

    # Expressions

    def number(self) -> str:
        return self.pick("1", "20", "0.5", "64_620", "5M", "1e-3", ".5", "0")

    def size(self) -> str:
        return self.pick("4x4", "3×3", "0:1x0:1", "1x2x3", "6_4x1")

    def name(self) -> str:
        return self.pick("n", "k", "act", "same", "relu", "nobias", "C", "합성곱1", "x", "max")

    def parenthesised(self, make: Callable[[], str]) -> str:
        self.inside += 1
        text = f"({self.space()}{make()}{self.space()})"
        self.inside -= 1
        return text

    def test(self) -> str:
        self.depth += 1
        text = self._test()
        self.depth -= 1
        return text

    def _test(self) -> str:
        if self.depth > 5 or self.likely(0.4):
            return self.primary()
        sign = self.pick("+", "-", "*", "/", "//", "%", "**", "==", "<=", "and", "or", "not", "-x")
        if sign == "-x":
            return "-" + self.space() + self.primary()
        if sign == "not":
            return self.parenthesised(lambda: f"not{self.space(need=True)}{self.primary()}")
        if sign in ("==", "<=", "and", "or"):
            return self.parenthesised(
                lambda: f"{self.test()}{self.space(True)}{sign}{self.space(True)}{self.test()}"
            )
        left, right = self.operand(), self.operand()
        return f"{left}{self.space(True)}{sign}{self.space()}{right}"

    def operand(self) -> str:
        return self.parenthesised(self.test) if self.likely(0.3) else self.sum()

    def sum(self) -> str:
        """An expression without loose operators outside of parentheses."""
        if self.depth > 4 or self.likely(0.5):
            return self.primary()
        self.depth += 1
        sign = self.pick("+", "-", "*", "/", "//", "%", "**")
        text = f"{self.primary()}{self.space(True)}{sign}{self.space()}{self.sum()}"
        self.depth -= 1
        return text

    def primary(self) -> str:
        kind = self.random.randint(0, 9)
        if kind < 3 or self.depth > 5:
            return self.number()
        if kind < 6:
            return self.name()
        if kind == 6:
            return self.size()
        if kind == 7:
            return self.parenthesised(self.test)
        if kind == 8:
            return self.tuple()
        return self.pick("max", "round") + self.pick("", " ") + self.parenthesised(self.items)

    def items(self) -> str:
        return self.many(2, self.test, lambda: f"{self.space()},{self.space()}")

    def tuple(self) -> str:
        if self.likely(0.5):
            numbers = [self.pick("1", "4", "0:1", "2 : 3", "6_4") for _ in range(2)]
            return self.parenthesised(lambda: f"{self.space()},{self.space()}".join(numbers))
        return self.parenthesised(
            lambda: f"{self.item()}{self.space()},{self.space()}{self.item()}"
        )

    def item(self) -> str:
        if self.likely(0.2):
            return f"{self.test()}{self.space(True)}:{self.space()}{self.test()}"
        return self.test()

    def atom(self) -> str:
        kind = self.random.randint(0, 5)
        if kind == 0:
            return self.number()
        if kind == 1:
            return "-" + self.pick("", " ") + self.number()
        if kind == 2:
            return self.size()
        if kind == 3:
            return self.name()
        return self.tuple() if kind == 4 else self.parenthesised(self.test)

    def value(self) -> str:
        if self.likely(0.1):
            return f"{self.atom()}{self.space(True)}:{self.space()}{self.atom()}"
        return self.atom()

    def argument(self) -> str:
        kind = self.random.randint(0, 5)
        if kind == 0:
            return "/" + self.space() + self.value()
        if kind == 1:
            key = self.pick("pad", "groups", "eps", "what")
            return f"{key}{self.space()}={self.space()}{self.value()}"
        return self.value()

    # Statements

    def statements(self, most: int = 3) -> str:
        return self.many(most, self.statement, self.separator)

    def alias(self) -> str:
        return self.space(True) + "as " + self.name() if self.likely(0.2) else ""

    def body(self) -> str:
        self.depth += 1
        inside = self.statements(2) if self.likely(0.8) else ""
        self.depth -= 1
        return "{" + self.edge() + inside + self.edge() + "}"

    def edge(self) -> str:
        return self.separator() if self.likely(0.4) else self.space()

    def paths(self) -> str:
        self.depth += 1
        out = "{" + self.edge() + self.pick("", "|" + self.edge())
        out += self.many(2, self.path, lambda: "|")
        self.depth -= 1
        return out + "}"

    def path(self) -> str:
        if self.depth < 4 and self.likely(0.2):
            return self.edge() + self.conditional() + self.edge()
        inside = self.statements(1) if self.likely(0.8) else ""
        return self.edge() + inside + (self.edge() if inside else "")

    def conditional(self) -> str:
        """A path that holds paths."""
        self.depth += 1
        inside = "|" + self.many(2, self.path, lambda: "|")
        self.depth -= 1
        head = self.pick(f"if {self.test()}", "repeat 2")
        return head + self.space() + "{" + self.edge() + inside + "}"

    def statement(self) -> str:
        kinds: list[Callable[[], str]] = [self.call] * 6
        kinds += [
            lambda: f"net{self.space(True)}{self.name()}",
            lambda: f"input{self.space(True)}{self.value()}{self.alias()}",
            lambda: f"rounding{self.space(True)}floor",
            lambda: f"from{self.space(True)}{self.name()}",
            lambda: f"let {self.name()}{self.space()}={self.space()}{self.test()}",
            lambda: f"param {self.name()}{self.space()}={self.space()}{self.test()}",
            lambda: f"expect {self.name()}{self.space()}<={self.space()}{self.sum()}",
        ]
        if self.depth < 3:
            kinds += [self.merge, self.merge, self.repeat, self.choice, self.choice, self.block]
            kinds += [lambda: f"head{self.space(True)}{self.name()}{self.space()}{self.body()}"]
            kinds += [
                lambda: f"head {self.name()}{self.space(True)}training{self.space()}{self.body()}",
                lambda: f"freeze{self.space()}{self.body()}{self.alias()}",
                lambda: f"shared{self.space(True)}{self.block()}",
                lambda: f"from{self.space(True)}{self.name()}.{self.name()}",
            ]
        return self.random.choice(kinds)()

    def call(self) -> str:
        name = self.pick("conv", "conv", "pool", "bn", "mine", "dense")
        count = self.random.randint(0, 4)
        arguments = [self.space(True) + self.argument() for _ in range(count)]
        return name + "".join(arguments) + self.alias()

    def merge(self) -> str:
        return self.pick("add", "concat 2 same") + self.space() + self.paths() + self.alias()

    def repeat(self) -> str:
        index = self.pick("", " as i")
        return f"repeat {self.sum()}{index}{self.space()}{self.body()}{self.alias()}"

    def choice(self) -> str:
        out = f"if {self.test()}{self.space()}{self.body()}"
        while self.likely(0.3):
            out += f"{self.edge()}else if {self.test()}{self.space()}{self.body()}"
        if self.likely(0.4):
            out += f"{self.edge()}else{self.space()}{self.body()}"
        return out + self.alias()

    def block(self) -> str:
        def parameter() -> str:
            default = f"{self.space()}={self.space()}{self.test()}" if self.likely(0.4) else ""
            return self.name() + default

        def parameters() -> str:
            return self.many(2, parameter, lambda: f"{self.space()},{self.space()}")

        inside = self.parenthesised(parameters) if self.likely(0.8) else "()"
        return f"block{self.space(True)}{self.name()}{inside}{self.space()}{self.body()}"

    def text(self) -> str:
        text = self.edge() + self.statements(5) + self.edge()
        return text.replace("\n", "\r\n") if self.likely(0.1) else text


@settings(max_examples=MANY, suppress_health_check=list(HealthCheck))
@given(st.randoms(use_true_random=False))
def test_property_messy_texts(random: Random) -> None:
    check(Messy(random).text())


@settings(max_examples=MANY)
@given(st.integers(0, 2**32))
@example(0)
def test_property_very_messy_texts(seed: int) -> None:
    check(Messy(Random(seed)).text())


# What the language reference shows

REFERENCE = (ROOT / "grammar" / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", REFERENCE, re.MULTILINE | re.DOTALL)


def test_the_nets_of_the_reference_are_clean_and_canonical() -> None:
    nets = blocks("cnn")
    assert len(nets) > 3
    for net in nets:
        assert form(net) == net
        assert not diagnose(net)


def test_the_messy_net_of_the_reference_becomes_the_next() -> None:
    (messy,) = blocks("text")
    behind = REFERENCE[REFERENCE.index(messy) :]
    assert form(messy) == re.findall(r"^```cnn\n(.*?)^```$", behind, re.M | re.S)[0]


def test_the_surprises_of_the_reference_are_true() -> None:
    """Every snippet in that section is read, or is an error, as the words around it say."""
    section = REFERENCE.split("## Where the language may surprise")[1].split("\n## ")[0]
    snippets = re.findall(r"`([^`]+)`", section)
    assert len(snippets) > 30
    for code in snippets:
        text = code if code.split()[0] in ("conv", "add", "let") else f"let a = {code}"
        wrong = bool(parse(Source("x", text))[1])
        assert wrong == (code in ("(4,)", "a < b < c", "10m", "4xn", "{")), code


def test_the_operators_of_the_reference_bind_as_it_says() -> None:
    def tree(text: str) -> Any:
        return meaning(parse(Source("x", f"let a = {text}"))[0])

    assert tree("-2**2") == tree("-(2**2)")
    assert tree("not a == b") == tree("not (a == b)")
    assert tree("2**3**2") == tree("2**(3**2)")
