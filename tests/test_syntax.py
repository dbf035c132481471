"""Text to syntax tree: what nodes come out, and what is said of what cannot be read."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from steps import at_most

from cnndsl.diagnostics import Diagnostic, Source
from cnndsl.syntax import nodes
from cnndsl.syntax.build import MAX_DEPTH, read_number
from cnndsl.syntax.layout import BOUNDARIES, MAX_ERRORS, MAX_NESTING
from cnndsl.syntax.lexer import tokenize
from cnndsl.syntax.parser import parse

ROOT = Path(__file__).resolve().parent.parent
SAMPLES = sorted((ROOT / "samples").rglob("*.cnn"))
MANY = 8 * settings.default.max_examples


def read(text: str) -> tuple[nodes.Statement, ...]:
    module, problems = parse(Source("x", text))
    assert not problems, problems
    return module.statements


def show(node: Any) -> Any:
    """A node as nested tuples: its kind, then its fields but for the span and depth."""
    if isinstance(node, nodes.Name):
        return node.id
    if isinstance(node, nodes.Number):
        return node.value
    if isinstance(node, tuple) and hasattr(node, "_fields"):
        fields = [f for f in node._fields if f not in ("span", "depth")]
        return (type(node).__name__, *(show(getattr(node, field)) for field in fields))
    return tuple(map(show, node)) if isinstance(node, tuple) else node


def apply_fix(text: str, problem: Diagnostic) -> str:
    for span, new in sorted(problem.fixes[0].edits, reverse=True):
        text = text[: span.start] + new + text[span.end :]
    return text


def walk(node: Any) -> Iterator[Any]:
    yield node
    if isinstance(node, tuple):
        for child in node:
            yield from walk(child)


# What comes out


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("net a", ("Net", "a")),
        ("input 39x31x1", ("Input", ("Size", (39, 31, 1)), None)),
        ("input 1209 as x", ("Input", 1209, "x")),
        ("input (H, 2)", ("Input", ("Tuple", ("H", 2)), None)),
        ("rounding floor", ("Rounding", "floor")),
        ("defaults torch", ("Defaults", "torch")),
        ("from stem", ("From", "stem")),
        ("let a = 1", ("Let", "a", 1)),
        ("param a = -1", ("Param", "a", ("Unary", "-", 1))),
        ("expect params <= 5M", ("Expect", "params", "<=", 5_000_000)),
        ("expect shape == 7x7x512", ("Expect", "shape", "==", ("Size", (7, 7, 512)))),
        ("repeat 3 { }", ("Repeat", 3, None, ("Body", ()), None)),
        ("head a { }", ("Head", "a", ("Body", ()), None)),
        ("block a() { }", ("Block", "a", (), ("Body", ()), None)),
        (
            "block a(p, q=1) { }",
            ("Block", "a", (("Parameter", "p", None), ("Parameter", "q", 1)), ("Body", ()), None),
        ),
        ("if a { }", ("If", ("a",), (("Body", ()),), None, None)),
        (
            "if a { } else if b { } else { } as c",
            ("If", ("a", "b"), (("Body", ()), ("Body", ())), ("Body", ()), "c"),
        ),
        ("flatten", ("Apply", "flatten", (), None, None)),
        ("add { }", ("Apply", "add", (), (), None)),
        ("add { | }", ("Apply", "add", (), (("Body", ()),), None)),
        ("add { | | }", ("Apply", "add", (), (("Body", ()), ("Body", ())), None)),
    ],
)
def test_statements(text: str, tree: object) -> None:
    (statement,) = read(text)
    assert show(statement) == tree
    assert statement.span == (0, len(text))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("20", 20),
        ("-1", -1),
        ("4x4", ("Size", (4, 4))),
        ("4×4", ("Size", (4, 4))),
        ("0:1x0:1", ("Size", ((0, 1), (0, 1)))),
        ("0:64", ("Range", 0, 64)),
        ("(4, 4)", ("Tuple", (4, 4))),
        ("(0:1, n)", ("Tuple", (("Range", 0, 1), "n"))),
        ("((n))", "n"),
        ("(C//4)", ("Binary", "//", "C", 4)),
        ("(-3)", ("Unary", "-", 3)),
        ("(max(a, 2))", ("Call", "max", ("a", 2))),
        ("(round())", ("Call", "round", ())),
        ("합성곱1", "합성곱1"),
        ("ﬁlter", "filter"),
        ("हिन्दी", "हिन्दी"),
    ],
)
def test_values(text: str, value: object) -> None:
    (statement,) = read(f"a {text} /{text} k={text}")
    assert isinstance(statement, nodes.Apply)
    assert show(statement.args) == (
        ("Positional", value),
        ("Stride", value),
        ("Keyword", "k", value),
    )


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("a + b * c", "a + (b * c)"),
        ("a - b - c", "(a - b) - c"),
        ("-a ** b", "-(a ** b)"),
        ("a ** b ** c", "a ** (b ** c)"),
        ("a ** -b", "a ** (-b)"),
        ("-a * b", "(-a) * b"),
        ("a or b and c", "a or (b and c)"),
        ("not a == b", "not (a == b)"),
        ("not a and b", "(not a) and b"),
        ("a + b < c % d", "(a + b) < (c % d)"),
        ("a / b // c % d", "((a / b) // c) % d"),
    ],
)
def test_operators_bind_as_one_thinks(text: str, same: str) -> None:
    assert show(read(f"let x = {text}")) == show(read(f"let x = {same}"))


def test_separators_fold() -> None:
    plain = show(read("a; b; if c { d } else { e }; f"))
    assert show(read("\n;a;;\n\n ;b # c\n# d\n\nif c {;d;\n}\n;else {\n\ne;};f;\n")) == plain
    assert show(read("a\r\nb\r\nif c { d }\r\nelse { e }\r\nf\r\n")) == plain
    assert show(read("\ufeffa;b;if c{d}else{e};f")) == plain


def test_a_newline_inside_parentheses_is_a_space() -> None:
    assert show(read("a (b +\n\n # c\r\n c) 3\nd")) == show(read("a (b + c) 3; d"))


def test_paths() -> None:
    text = "add {\n  | a; b\n  |\n  | c\n    d # e\n}"
    (merge,) = read(text)
    assert isinstance(merge, nodes.Apply) and merge.paths is not None
    written = [text[slice(*path.span)] for path in merge.paths]
    assert written == ["a; b", "", "c\n    d"]
    assert show(read("add { a | b }")) == show(read("add { | a | b }"))


def test_comments_are_kept_apart() -> None:
    text = "# one\na (b # two \n) # three\r\n#\r\n"
    comments = parse(Source("x", text))[0].comments
    assert [comment.text for comment in comments] == ["# one", "# two", "# three", "#"]
    assert all(text[slice(*comment.span)] == comment.text for comment in comments)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("12", 12),
        ("007", 7),
        ("0.5", 0.5),
        (".5", 0.5),
        ("1e-3", 0.001),
        ("2E3", 2000.0),
        ("64_620", 64_620),
        ("5M", 5_000_000),
        ("1.5K", 1500),
        ("2.3M", 2_300_000),
        ("0.0005K", 0.5),
        ("1e3K", 1_000_000),
        ("1G", 1_000_000_000),
        ("1000000000000000000", 10**18),
    ],
)
def test_numbers(text: str, value: float) -> None:
    assert read_number(text) == value
    assert type(read_number(text)) is type(value)
    assert show(read(f"let a = {text}")) == (("Let", "a", value),)


@pytest.mark.parametrize("text", ["1000000000000000001", "1e19", "1e999", "9" * 5000, "2e9G"])
def test_too_large_numbers(text: str) -> None:
    with pytest.raises(ValueError, match=text[:10]):
        read_number(text)
    for value in (text, f"-{text}", f"({text}*2)"):
        (problem,) = parse(Source("x", f"a {value}"))[1]
        assert problem.code == "E004" and "too large" in problem.message
    assert parse(Source("x", f"input 2x{'9' * 30}"))[1][0].code == "E004"


# What is said

CALL = "a call among arguments needs parentheses around it"
SLIPS = [
    # the text, with «» around what is marked; the message; the text once fixed
    ("if «C»", "expected `{`, found the end of the file", None),
    ("if C «=» 4 { }", "expected a comparison, found `=`", "if C == 4 { }"),
    ("if a < b «<» c { }", "comparisons do not chain", None),
    ("«else» { a }", "this `else` has no `if`", None),
    ("repeat 3 { a }\n«else» { b }", "this `else` has no `if`", None),
    ("if a { }; «elif» b == c { }", "unknown word `elif`", "if a { }; else if b == c { }"),
    ("repeat «3»\n{ a }", "expected `{`, found the end of the line", "repeat 3 { a }"),
    ("repeat 3«:» a", "expected `{`, found `:`", None),
    ("repeat «{» a }", "expected a value, found `{`", None),
    ("repeat i «in» 3 { a }", "expected `{`, found `in`", None),
    ("repeat 2 { a } «b»", "expected a new line or `;`, found `b`", "repeat 2 { a }; b"),
    ("repeat 2 { a }«b»", "expected a new line or `;`, found `b`", "repeat 2 { a }; b"),
    ("repeat 2 «{»\na", "this `{` is never closed", None),
    ("a\n«}»\nb", "this `}` closes nothing", "a\n\nb"),
    ("a «(»3 4", "this `(` is never closed", None),
    ("a «(»3 4\nb 2\nc (3) 3x3", "this `(` is never closed", None),
    ("a (3 «4»)", "expected `,` or `)`, found `4`", None),
    ("a 20«)» 3", "this `)` closes nothing", "a 20 3"),
    ("a «()»", "arguments stand without parentheses", "a"),
    ("a «(b=1, c=(2, 3))»", "arguments stand without parentheses", "a b=1 c=(2, 3)"),
    ("a (0:1«)»", "expected `,`, found `)`", "a 0:1"),
    ("a 20«,» 4x4,relu", "arguments stand without commas", "a 20 4x4 relu"),
    ("input 39 «31» 1", "a size is one word", "input 39x31x1"),
    ("input 39«,» 31, 1", "a size is one word", "input 39x31x1"),
    ("input 3x3 «conv» 3", "expected the end of the statement, found `conv`", None),
    ("input 3x3 «input» 3", "expected a new line or `;`, found `input`", "input 3x3; input 3"),
    ("expect params == 64«,»620", "numbers have no commas", "expect params == 64_620"),
    ("expect params «=» 3", "expected a comparison, found `=`", "expect params == 3"),
    ("expect params «=<» 3", "expected a comparison, found `=<`", "expect params <= 3"),
    ("expect params «3»", "expected a comparison, found `3`", None),
    ("expect a < 3 «and» b < 3", "expected the end of the statement, found `and`", None),
    ("let x «==» 3", "expected `=`, found `==`", "let x = 3"),
    ("let x «3»", "expected `=`, found `3`", None),
    ("let x = 3 «as» y", "expected the end of the statement, found `as`", None),
    ("let x = 3 «+»", "expected a value, found the end of the file", None),
    ("let «repeat» = 3", "expected a name, found the keyword `repeat`", None),
    ("let x = 2 * «head»", "expected a value, found the keyword `head`", None),
    ("x «=» 3", "expected an argument of `x`, found `=`", "let x = 3"),
    ("a pad«==»1", "expected `=`, found `==`", "a pad=1"),
    ("a 2«*»n 3x3", "expected an argument, found `*`", "a (2*n) 3x3"),
    ("a pad=k«//»2 b", "expected an argument, found `//`", "a pad=(k//2) b"),
    ("a /s«+»1", "expected an argument, found `+`", "a /(s+1)"),
    ("a (b)«*»2+d b", "expected an argument, found `*`", "a ((b)*2+d) b"),
    ("a «max(»b, c) 2", CALL, "a (max(b, c)) 2"),
    ("a k=«max(»b,\n c)", CALL, "a k=(max(b,\n c))"),
    ("a 3«*»3", "expected an argument, found `*`", None),
    ("a as«;» b", "expected a name, found `;`", None),
    ("a as c «20»", "expected the end of the statement, found `20`", None),
    ("net «input»", "expected a name, found the keyword `input`", None),
    ("net my«-»net", "expected the end of the statement, found `-`", None),
    ("from «3»", "expected a name, found `3`", None),
    ("block a «{» b }", "expected `(`, found `{`", "block a() { b }"),
    ("block a(b «c») { }", "expected `,` or `)`, found `c`", None),
    ("block a(b«,») { }", "nothing follows this comma", "block a(b) { }"),
    ("block a(«3») { }", "expected `)` or a parameter, found `3`", None),
    ("«3x3» a", "expected a statement, found `3x3`", None),
    ("«//» a comment", "expected a statement, found `//`", "# a comment"),
    ("a\n«{» b }", "expected a statement, found `{`", None),
    ("a «|» b", "this `|` stands in no merge", None),
    ("repeat 3 { a «|» b }", "this `|` stands in no merge", None),
    ("if a «||» b { }", "unknown operator `||`", None),
    ("a 20 «4x»", "`4x` is neither a number nor a name", None),
    ("a 20 «4X4»", "`4X4` is neither a number nor a name", "a 20 4x4"),
    ("a «2n»", "`2n` is neither a number nor a name", None),
    ("a «5k»", "`5k` is neither a number nor a name", "a 5K"),
    ("a «1e999»", "`1e999` is too large a number", None),
    ("a 12«.»", "unknown character `.`", None),
    ('a «"same"» b', "words are written without quotes", "a same b"),
    ("a «“same”» ‘b’", "words are written without quotes", "a same b"),
    ('a «"» b', 'unknown character `"`', None),
    ("a «`»b", "unknown character U+0060", None),
    ("a «[»4, 4]", "unknown character `[`", None),
    ("a 4«✕»4", "unknown character `✕`", "a 4x4"),
    ("a «−»3", "unknown character `−`", "a -3"),
    ("a«\u00a0»3\u00a0b", "U+00A0 is not a plain space", "a 3 b"),
    ("a«\u200b» 3", "U+200B is invisible and means nothing", "a 3"),
    ("a 3«；»b", "`；` looks like `;` but is not", "a 3;b"),
    ("a «（»3，4）", "`（` looks like `(` but is not", "a (3,4)"),
    ("a\n«｝»\nb", "`｝` looks like `}` but is not", "a\n}\nb"),
    ("a 3«\r»b", "U+000D does not end a line", "a 3\nb"),
    ("a «\0»", "unknown character U+0000", None),
    ("a «\\»\nb", "unknown character `\\`", None),
    ("«ｉｆ» a", "`ｉｆ` reads as the keyword `if`", "if a"),
]


@pytest.mark.parametrize(("marked", "message", "fixed"), SLIPS)
def test_slips(marked: str, message: str, fixed: str | None) -> None:
    text = marked.replace("«", "").replace("»", "")
    start, end = marked.index("«"), marked.index("»") - 1
    problems = parse(Source("x", text))[1]
    assert [problem.message for problem in problems] == [message]
    (problem,) = problems
    assert problem.span == (start, end)
    assert problem.help == problem.help.strip() and not problem.help.endswith(".")
    assert bool(problem.fixes) == (fixed is not None)
    if fixed is not None:
        assert apply_fix(text, problem) == fixed


def test_a_broken_statement_hides_no_other() -> None:
    text = "a 1, 2\nb\nrepeat { c }}\nadd { d 4x | e; f ) | g\n h = 1 }\nlet i == 2\nj"
    module, problems = parse(Source("x", text))
    assert [Source("x", text).position(problem.span.start).line for problem in problems] == [
        *(1, 3, 3, 4, 4, 5, 6)
    ]
    kinds = [type(statement).__name__ for statement in module.statements]
    assert kinds == ["Bad", "Apply", "Bad", "Apply", "Bad", "Apply"]
    assert [type(each).__name__ for each in walk(module)].count("Bad") == 6


def test_what_a_broken_statement_may_define() -> None:
    text = "block a(3) { let b = 1; c as d; repeat 2 { e, as f; head g { h } } }\nlet i j as k"
    module, _ = parse(Source("x", text))
    first, last = module.statements
    assert isinstance(first, nodes.Bad) and isinstance(last, nodes.Bad)
    assert (first.word, set(first.names)) == ("block", {"a"})
    assert (last.word, last.names) == ("let", ("k", "i", "j"))
    (body,) = first.bodies
    assert [type(each).__name__ for each in body.statements] == ["Let", "Apply", "Repeat"]
    assert [type(each).__name__ for each in walk(body)].count("Bad") == 1
    assert text[slice(*first.span)] + "\n" + text[slice(*last.span)] == text


@pytest.mark.parametrize(
    ("text", "word", "names", "bodies"),
    [
        ("let k = 3 3", "let", ["k"], []),
        ("§ param k = 3", "param", ["k"], []),
        ("k = 3", "let", ["k"], []),
        ("x = conv 8 3x3", "conv", ["x"], []),
        ("conv 3,3 as x", "conv", ["x"], []),
        ("block b(n, k=3 3, m) { relu; bn }", "block", ["b"], [2]),
        ("block (n, k) { relu }", "block", [""], [1]),
        ("repeat 2 3 as i { relu } as x y", "repeat", ["i", "x"], [1]),
        ("repeat 2 as i { relu; bn } as x y", "repeat", ["i", "x"], [2]),
        ("repeat 2 { relu; bn; 3 } 3", "repeat", [], [3]),
        ("if 1 { relu } else 3 { bn; ln }", "if", [], [1, 2]),
        ("if 1 { relu } else if 3 { bn } else { gn } as 3", "if", [""], [1, 1, 1]),
        ("add { relu | bn; ln | } 3", "add", [], [1, 2, 0]),
        ("ﬁt = 3 4,", "let", ["fit"], []),
        ("// let a = 3", "#", ["a"], []),
        (", 3 conv 8", "3", [], []),
        ("9 as ﬁt", "9", ["fit"], []),
    ],
)
def test_what_is_kept_of_a_broken_statement(
    text: str, word: str, names: list[str], bodies: list[int]
) -> None:
    (bad,) = parse(Source("x", text))[0].statements
    assert isinstance(bad, nodes.Bad)
    assert (bad.word, list(dict.fromkeys(bad.names))) == (word, names)
    assert [len(body.statements) for body in bad.bodies] == bodies


def test_an_unclosed_brace_points_to_the_indentation() -> None:
    text = "block a() {\n  repeat 3 {\n    b\n}\nc\n"
    (problem,) = parse(Source("x", text))[1]
    assert problem.message == "this `{` is never closed"
    assert problem.span.start == text.index("{")
    assert [note.span and note.span.start for note in problem.notes] == [
        text.index("{", 12),
        text.index("}"),
    ]


def test_nesting_has_a_limit() -> None:
    deep = MAX_NESTING
    assert read("repeat 1 { " * deep + "a" + " }" * deep)
    assert read("a " + "(" * deep + "b" + ")" * deep)
    for text in (
        "repeat 1 { " * (deep + 1) + "a" + " }" * (deep + 1) + "\nb",
        "repeat 1 { " * 5 * deep + "a ,, (" + " }" * 5 * deep + "\nb",
        "a " + "(" * 5 * deep + "b" + ")" * 5 * deep + "\nb",
        "add { | " * (deep - 1) + "a ((b))" + " }" * (deep - 1) + "\nb",
    ):
        module, problems = parse(Source("x", text))
        assert [problem.code for problem in problems] == ["E005"]
        assert show(module.statements[-1]) == show(read("b")[0])


@pytest.mark.parametrize("sign", ["+", "*", "**", "-", "<", "and", "not"])
def test_operators_have_a_limit(sign: str) -> None:
    def chain(count: int) -> str:
        if sign in ("-", "not"):
            return f"let a = {(sign + ' ') * count} b"
        return "let a = " + f" {sign} ".join(["b"] * (count + 1))

    if sign != "<":
        assert read(chain(MAX_DEPTH))
        (problem,) = parse(Source("x", chain(MAX_DEPTH + 1)))[1]
        assert problem.code == "E005"


def test_messages_have_a_limit() -> None:
    text = "a , b\n" * (MAX_ERRORS + 5) + "c 4x\n"
    module, problems = parse(Source("x", text))
    assert len(problems) == MAX_ERRORS
    assert "more" in problems[-1].notes[-1].message and not problems[-2].notes
    assert not module.complete and parse(Source("x", "a , b\n" * MAX_ERRORS))[0].complete
    assert not parse(Source("x", "a , b\n" * MAX_ERRORS))[1][-1].notes


SIZE = 5_000


@pytest.mark.parametrize(
    "piece",
    # each of them made a parser slow once, or might
    [
        *("(", ")", "(\n", "{", "}", "a {\n", '"', "„", "'\"", "\r", "\u00a0", ";", "|", ",", "1x"),
        *("a+", "a+\n", "-", "not ", "else ", "1,", "1:", "{ } a", "a (b\n", "(a +\n", "#", "if "),
        *(
            "a (",
            "let x = 1 ",
            "} else {",
            "\0",
            "\\",
            "add { | ",
            "a = ",
            "a(b)",
            "max(a)+",
            "(b\nlet c\n",
            "a\u0901",
        ),
    ],
)
def test_long_texts_take_their_length(piece: str) -> None:
    text = piece * (SIZE // len(piece))
    for prefix in ("", "let a = (", "add {"):
        with at_most(60 * SIZE):
            check(prefix + text)


# Whatever comes in

PIECES = (
    "net,input,rounding,defaults,from,let,param,expect,repeat,if,else,block,head,as,and,or,not,"
    "conv,pool,a,b,1,2,3x3,0:1x0:1,5M,0.5,1e999,4x,4X4,.,;,:,=,==,<=,{,},(,),|,/,//,*,**,+,-,%,"
    "#,＃,，,（,｛,｝,“,”,',\",[,é,²,ｉｆ,add{,repeat(2){,}else{,\x00,\r,\ufeff,\u00a0,\n,\n,\r\n"
)
WORDS = st.sampled_from([",", *PIECES.split(",")])


def check(text: str) -> list[Diagnostic]:
    """What holds of any text."""
    source = Source("x", text)
    module, problems = parse(source)
    assert module.span == (0, len(text))
    assert len(problems) <= MAX_ERRORS
    at = 0
    for statement in module.statements:
        start, end = statement.span
        assert at <= start <= end <= len(text)
        at = end
    for problem in problems:
        assert 0 <= problem.span.start <= problem.span.end <= len(text)
        assert problem.message and not problem.message.endswith(".")
        assert problem.message[0] in "`U" or problem.message[0].islower()
        for fix in problem.fixes:
            edits = sorted(fix.edits)
            assert all(a.span.end <= b.span.start for a, b in pairwise(edits))
    bad = any(isinstance(statement, nodes.Bad) for statement in module.statements)
    assert problems or not bad
    return problems


def check_once(text: str) -> None:
    """What holds of any text, and that no stretch of it has two messages."""
    problems = check(text)
    tokens = tokenize(Source("x", text)).tokens
    boundaries = [span for kind, *span in tokens if kind in BOUNDARIES]
    seen = set()
    for problem in problems:
        at = problem.span.start
        if text.startswith(("{", "}", "|"), at) or any(a <= at < b for a, b in boundaries):
            continue  # a brace without its partner, a bar without a merge: not in a stretch
        stretch = sum(start < at for start, _ in boundaries)
        assert stretch not in seen, problems
        seen.add(stretch)


@settings(max_examples=MANY)
@given(st.text(max_size=60))
def test_property_any_text(text: str) -> None:
    check_once(text)


@settings(max_examples=MANY)
@given(st.lists(WORDS, max_size=40), st.booleans())
@example(["if", "{", "a", "}", "else", "{", "b", "}", "\n", "c"], True)
@example(["else", "add{", "if"], True)
@example(["repeat", "\n", "{", "}"], True)
@example(["add{", "｝", "｝", "else"], False)
def test_property_any_words(words: list[str], spaced: bool) -> None:
    check_once((" " if spaced else "").join(words))


@settings(max_examples=MANY)
@given(st.sampled_from(SAMPLES), st.data())
def test_property_damaged_samples(path: Path, data: st.DataObject) -> None:
    text = path.read_text(encoding="utf-8")[:3000]
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(text)))
        cut = data.draw(st.integers(0, 9))
        text = text[:at] + data.draw(st.just("") | WORDS) + text[at + cut :]
    check(text)


# What a start-up loads


def test_parsing_loads_little() -> None:
    code = (
        "import sys; from cnndsl.diagnostics.source import Source;"
        "from cnndsl.syntax.parser import parse;"
        "assert not parse(Source('x', 'conv 1 (2*n) 3x3\\nadd { a | b }'))[1];"
        "print(*sys.modules)"
    )
    loaded = subprocess.run(
        [sys.executable, "-S", "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split()
    heavy = ("dataclasses", "inspect", "pathlib", "json", "argparse", "lark", "unicodedata")
    assert not set(heavy) & set(loaded)
    late = ("recovery", "explain", "slips", "bad_words", "format")
    assert not {f"cnndsl.syntax.{module}" for module in late} & set(loaded)
