"""The colours of nets: one table for Pygments, TextMate and the page, and it is right."""

from __future__ import annotations

import json
import re
import subprocess
import unicodedata
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import need
from hypothesis import given
from hypothesis import strategies as st
from pygments.lexers import get_lexer_by_name, get_lexer_for_filename, guess_lexer
from pygments.token import Error, string_to_tokentype

import cnndsl
from cnndsl.highlight.generate import ROOT, main, render
from cnndsl.highlight.lexer import CnnLexer
from cnndsl.highlight.words import KINDS, NAMING, RULES, WORDS
from cnndsl.syntax import grammar_text

SAMPLES = sorted((ROOT / "samples").glob("*.cnn"))
FENCE = re.compile(r"^( *)```cnn\b[^\n]*\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
DOCUMENTS = [
    path
    for pattern in ("*.md", "docs/*.md", "grammar/*.md", "samples/blog/*.md")
    for path in sorted(ROOT.glob(pattern))
]
# What analysis says of a word that rules of one line call otherwise.
SAME = {"key": ("flag", "parameter"), "function": ("flag", "constant")}
NAMES = {"name", "parameter", "tensor", "constant", ""}


def coloured(text: str) -> list[tuple[int, str, str]]:
    """The words and signs of a text where they stand, each with its kind by the rules."""
    found = []
    rules = [(re.compile(rule.pattern, re.MULTILINE), rule.kinds) for rule in RULES]
    place = 0
    while place < len(text):
        matches = ((rule.match(text, place), kinds) for rule, kinds in rules)
        match, kinds = next(((m, kinds) for m, kinds in matches if m and m[0]), (None, ()))
        for group, kind in enumerate(kinds, 1):
            if match and match[group] and kind:
                found.append((match.start(group), match[group], kind))
        place = match.end() if match else place + 1
    return found


def kinds_of(text: str) -> dict[str, str]:
    return {word: kind for _, word, kind in coloured(text)}


def nets() -> Iterator[tuple[str, str]]:
    """All nets of the samples and the documents, each with a name."""
    for path in SAMPLES:
        yield path.name, path.read_text(encoding="utf-8")
    for path in DOCUMENTS:
        for indent, net in FENCE.findall(path.read_text(encoding="utf-8")):
            yield path.name, re.sub(f"^{indent}", "", net, flags=re.MULTILINE)


def test_the_files_are_up_to_date(capsys: pytest.CaptureFixture[str]) -> None:
    for path, text in render().items():
        assert (ROOT / path).read_text(encoding="utf-8") == text
    assert main(["--check"]) == 0
    assert capsys.readouterr().out == ""


def test_a_stale_file_is_told_and_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("cnndsl.highlight.generate.ROOT", tmp_path)
    assert main(["--check"]) == 1
    assert capsys.readouterr().out.count("is out of date") == len(render())
    assert main([]) == 0
    assert {path: (tmp_path / path).read_text(encoding="utf-8") for path in render()} == render()


def test_pygments_finds_the_lexer() -> None:
    for alias in ("cnn", "cnndsl"):
        assert isinstance(get_lexer_by_name(alias), CnnLexer)
    assert isinstance(get_lexer_for_filename("net.cnn"), CnnLexer)
    assert isinstance(guess_lexer(SAMPLES[0].read_text(encoding="utf-8")), CnnLexer)
    assert CnnLexer.analyse_text("input = 28x28\nprint(conv)") == 0


def test_no_token_of_a_net_is_an_error() -> None:
    seen = 0
    for name, net in nets():
        wrong = [text for _, kind, text in CnnLexer().get_tokens_unprocessed(net) if kind in Error]
        assert not wrong, name
        seen += 1
    assert seen > 100


@given(
    st.lists(
        st.sampled_from([word for words in WORDS.values() for word in words])
        | st.sampled_from(
            ["\n", "\r\n", " ", "\t", ";", "{ ", "|", "=", "3x3", "1e-3", "# x\n", "가"]
        )
        | st.text(max_size=3)
    ).map("".join)
)
def test_property_each_text_comes_out_again(text: str) -> None:
    tokens = list(CnnLexer().get_tokens_unprocessed(text))
    assert "".join(value for _, _, value in tokens) == text
    assert [start for start, _, _ in tokens] == [
        sum(len(value) for _, _, value in tokens[:index]) for index in range(len(tokens))
    ]


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_the_colours_are_those_of_the_analysis(path: Path) -> None:
    """All but names, of which one line does not tell what they stand for."""
    text = path.read_text(encoding="utf-8")
    tokens = cnndsl.analyse(text).tokens()
    told = {span.start: kind for span, kind in tokens}
    ours = {start: kind for start, _, kind in coloured(text)}
    for start, kind in ours.items():
        if kind not in ("punctuation", "operator"):
            other = told.get(start, "")
            same = other in SAME.get(kind, (kind,)) or {other, kind} <= NAMES
            assert same, (text[start : start + 20], kind, other)
    assert not told.keys() - ours.keys()
    pygments = {start: kind for start, kind, _ in CnnLexer().get_tokens_unprocessed(text)}
    for start, _, kind in coloured(text):
        assert pygments[start] == string_to_tokentype(KINDS[kind].token)


def test_each_word_that_analysis_offers_is_known() -> None:
    """What can be typed first in a line, as an editor completes it."""
    offered = {(each.label, each.kind) for each in cnndsl.analyse("input 8x8x1\n").complete(12)}
    offered |= {(each.label, each.kind) for each in cnndsl.analyse("").complete(0)}
    assert {"keyword", "layer", "merge", "activation"} <= {kind for _, kind in offered}
    for word, kind in offered:
        assert kinds_of(f"\n{word} x")[word] == kind


def test_all_keywords_before_a_name_are_naming() -> None:
    naming = set(re.findall(r'"(\w+)" NAME', grammar_text()))
    assert naming == {word for words in NAMING.values() for word in words}


@pytest.mark.parametrize(
    ("line", "word", "kind"),
    [
        ("conv 3 3 as scale", "scale", "tensor"),
        ("from scale", "scale", "tensor"),
        ("let width = 3", "width", "constant"),
        ("conv width 3", "width", "name"),
        ("softmax axis=height", "height", "flag"),
        ("block scale(n) { conv n 3 }", "scale", "block"),
        ("shared block b() { relu }", "shared", "keyword"),
        ("head aux training { relu }", "training", "keyword"),
        ("freeze { relu }", "freeze", "keyword"),
        ("  mine 3", "mine", "block"),
        ("add { | mine 3 }", "mine", "block"),
        ("mine 3 k=5", "k", "key"),
        ("mine 3 s=5", "s", "parameter"),
        ("if k == 5 { relu }", "k", "name"),
        ("conv floor(3/2) 3", "floor", "function"),
        ("pool 2 floor", "floor", "flag"),
        ("rounding exact", "exact", "flag"),
        ("convs 3", "convs", "block"),
        ("conv 3 3_x", "3_x", "?"),
        ("conv 20 합성곱", "합성곱", "name"),
    ],
)
def test_a_word_is_what_its_place_says(line: str, word: str, kind: str) -> None:
    assert kinds_of(line).get(word, "?") == kind


def test_scopes_and_tokens_are_those_of_themes() -> None:
    (grammar,) = (json.loads(text) for path, text in render().items() if "tmLanguage" in path)
    scopes = {
        capture["name"] for rule in grammar["patterns"] for capture in rule["captures"].values()
    }
    assert scopes == {kind.scope for kind in KINDS.values() if kind.scope}
    roots = {"comment", "constant", "entity", "keyword", "punctuation", "support", "variable"}
    assert {scope.split(".")[0] for scope in scopes} == roots
    assert all(scope.endswith(".cnn") for scope in scopes)


PAGE = """
const { rules } = JSON.parse(require("fs").readFileSync(process.argv[1]));
const tried = rules.map(([pattern, ...kinds]) => [new RegExp(pattern, "uy"), kinds]);
const out = [];
for (const line of require("fs").readFileSync(0, "utf8").split("\\n")) {
  for (let place = 0; place < line.length; ) {
    let next = place + 1;
    for (const [rule, kinds] of tried) {
      rule.lastIndex = place;
      const match = rule.exec(line);
      if (match === null || match[0] === "") continue;
      kinds.forEach((kind, at) => match[at + 1] && kind && out.push([match[at + 1], kind]));
      next = place + match[0].length;
      break;
    }
    place = next;
  }
}
console.log(JSON.stringify(out));
"""


@pytest.mark.tools
def test_the_page_gives_the_same_colours() -> None:
    """The patterns for JavaScript, run by Node."""
    text = "\n".join([*(net for _, net in nets()), "블록 3; conv 3 as 층 # 끝", "é3 x\u0301y 3é"])
    run = subprocess.run(
        [need("node"), "-e", PAGE, str(ROOT / "playground" / "src" / "words.json")],
        input=text,
        capture_output=True,
        text=True,
        check=True,
    )
    assert unicodedata.normalize("NFC", "x\u0301") == "x\u0301"  # a mark of its own
    assert json.loads(run.stdout) == [[word, kind] for _, word, kind in coloured(text)]
