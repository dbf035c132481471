"""The engine of the page, in this Python: questions and answers as JSON."""

from __future__ import annotations

import json
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

import cnndsl
from cnndsl import targets
from cnndsl.lang import LANGUAGES

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "playground"))
import engine  # noqa: E402

ARTICLE = (ROOT / "samples" / "article.cnn").read_text(encoding="utf-8")
RESNET = (ROOT / "samples" / "resnet18.cnn").read_text(encoding="utf-8")
WRONG = "# 🎨 그림 🎨\nnet wrong\ninput 39x31x1\nconv 20 5x4 relu\npool 2; conv 7 3x3\ndense 3\n"


@pytest.fixture(autouse=True)
def fresh():
    engine.Asked.last = None


def ask(question: str, **given: Any) -> Any:
    return json.loads(engine.answer(question, json.dumps(given)))


def drawn(text: str, panel: str, lang: str = "en", **options: Any) -> Any:
    return ask("panel", text=text, lang=lang, panel=panel, options=options)


def piece(text: str, start: int, end: int) -> str:
    """What JavaScript calls `text.slice(start, end)`."""
    return text.encode("utf-16-le")[2 * start : 2 * end].decode("utf-16-le")


def test_a_sound_net_has_its_numbers_and_a_hint_for_each_line():
    answer = ask("update", text=ARTICLE, lang="en")
    assert answer["diagnostics"] == []
    assert answer["totals"] == {"params": 64_620, "macs": 2_277_760, "layers": 9}
    hints = {ARTICLE[: each["pos"]].split("\n")[-1]: each["text"] for each in answer["hints"]}
    assert hints["conv 20 4x4 relu; pool 2"] == "18x14x20, 340 params"


@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_offsets_count_as_javascript_does(mark):
    text = mark + WRONG
    found = ask("update", text=text, lang="ko")["diagnostics"]
    assert [piece(text, each["from"], each["to"]) for each in found] == ["2", "dense"]
    assert found[0]["code"] == "E202" and found[0]["fixable"]
    fixes = ask("fixes", text=text, lang="ko", index=0)
    (edit,) = next(each["edits"] for each in fixes if each["edits"][0]["insert"] == "4x4")
    assert piece(text, edit["from"], edit["to"]) == "5x4"
    hover = ask("hover", text=text, lang="ko", pos=edit["from"] - 6)
    assert piece(text, hover["from"], hover["to"]) == "conv" and "합성곱" in hover["html"]
    items = ask("complete", text=text, lang="ko", pos=edit["from"] - 6)
    assert items["from"] == edit["from"] - 8 and "conv" in [i["label"] for i in items["items"]]


def test_what_is_assumed_says_so():
    assumed = [each["assumed"] for each in ask("update", text=WRONG, lang="en")["hints"]]
    assert False in assumed and True in assumed
    table = drawn(WRONG, "table")
    assert table["partial"] and table["rows"] == [[4], [5], [5]]
    assert table["assumed"] == [False, True, True]
    assert drawn(WRONG, "figure")["partial"]


@pytest.mark.parametrize("lang", LANGUAGES)
def test_each_panel_is_what_its_target_makes(lang):
    found = {each["id"]: each for each in ask("panels", lang=lang)}
    made = {*targets.names()} - {"html", "svg", "onnx", "pdf", "png"} | {"table", "figure"}
    assert found.keys() == made
    for name, panel in found.items():
        answer = drawn(ARTICLE, name, lang)
        assert (answer["kind"], answer["partial"]) == (panel["kind"], False)
        assert answer["filename"].startswith("article.")
        if panel["kind"] == "code":
            words = targets.load(name).OPTIONS
            options = {"lang": lang} if "lang" in [each.name for each in words] else {}
            net = cnndsl.check(ARTICLE, file="net.cnn")
            assert answer["content"] == cnndsl.build(net, name, **options)
        for option in panel["options"]:
            for choice in option["choices"]:
                options = {option["name"]: choice["value"]}
                assert drawn(ARTICLE, name, lang, **options).get("content"), options


def test_rows_are_those_of_the_style():
    assert drawn(ARTICLE, "table", style="dense")["rows"] == [[11]]
    many = "input 8x8x3\nblock b(n) { conv n 3x3 same; bn; relu }\nrepeat 400 { b 3\nb 3 }\n"
    table = drawn(many, "table")
    assert table["content"].count("<tr>") == len(table["rows"]) + 2 == 802
    assert table["rows"][:4] == [[3], [4], [3], [4]]
    called = drawn("input 8x8x3\nblock b() {\n  relu\n}\nb; b\n", "table")
    assert called["rows"] == [[5, 3], [5, 3]]


def test_what_a_layer_makes_is_seen_first():
    def columns(text: str, **options: str) -> int:
        return drawn(text, "table", **options)["content"].partition("</thead>")[0].count("</th>")

    for text in (ARTICLE, RESNET):
        table = drawn(text, "table")["content"]
        heads = table.index("Layer"), table.index("Output shape"), table.index("Parameters")
        assert sorted(heads) == [*heads] and columns(text) == len(engine.COLUMNS)
    assert columns(RESNET, style="article") > columns(RESNET, style="short")
    flat = drawn("input 8x8x3\nrepeat 1200 { conv 3 3x3 same }\n", "table")
    assert "1,000" in flat["errors"][0]


def test_what_cannot_be_made_says_why():
    assert drawn(WRONG, "keras", "ko") == {"errors": [engine.WORDS["ko"]["wrong"]]}
    assert drawn("", "table") == {"errors": ["a net needs an `input`"]}
    assert drawn("inpt 8x8x3", "table") == {"errors": ["there is no layer or block `inpt`"]}
    assert "error" in drawn("input 8; conv 3", "walkthrough")["content"]
    assert "no `no`" in drawn(ARTICLE, "table", style="no")["errors"][0]
    complex_ = "input 4x4x4x4x1\nflatten"
    assert all("errors" in drawn(complex_, name) for name in ("table", "pytorch"))


class Tags(HTMLParser):
    """The tags of a text in HTML."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.found.add(tag)
        assert not any(name.startswith("on") or "javascript" in str(v) for name, v in attrs)


def test_a_text_breaks_out_of_nothing():
    evil = "<img/src=x/onerror=alert(1)>"
    for text in (f"net {evil}\ninput 8", f"input 8x8x3\nconv {evil} 3x3\n", f"{evil} # {evil}\n"):
        shown = [drawn(text, name).get("content", "") for name in engine.DRAWN]
        shown += [
            (ask("hover", text=text, lang="en", pos=at) or {}).get("html", "") for at in (5, 9)
        ]
        assert not {"img", "script"} & {tag for each in shown for tag in Tags(each).found}
    assert engine.html("<b>[x](javascript:alert(1))</b>").count("<") == 2


def test_a_text_that_is_too_long_is_not_looked_at(monkeypatch):
    monkeypatch.setattr(engine, "analyse", None)
    text = "x" * (engine.LONGEST + 1)
    (told,) = ask("update", text=text, lang="ko")["diagnostics"]
    assert told["severity"] == "info" and "200,000" in told["message"]
    assert drawn(text, "table") == {
        "errors": [ask("update", text=text, lang="en")["diagnostics"][0]["message"]]
    }
    assert "200,000" in ask("format", text=text, lang="ko")["errors"][0]
    assert ask("hover", text=text, lang="en", pos=1) is None
    assert ask("fixes", text=text, lang="en", index=0) == []
    assert ask("complete", text=text, lang="en", pos=9) == {"from": 0, "items": []}


def test_a_net_with_too_many_layers_says_so():
    found = ask("update", text="input 8x8x3\nrepeat 1000000 { relu }", lang="en")["diagnostics"]
    assert "20,000" in found[0]["message"]
    assert found[0]["note"] == ""


def test_help_is_for_the_page():
    (unknown,) = ask("update", text="input 8x8x3\nqwrtz 3", lang="en")["diagnostics"]
    assert unknown["code"] == "E101" and unknown["note"] == ""
    for lang in LANGUAGES:
        source = "model = nn.Sequential(nn.Conv2d(1, 8, 3), nn.ReLU())"
        for text in (source, f"import torch.nn as nn\n{source}", "32C3-MP2-10", "?"):
            errors = ask("import", source=text, kind="auto", lang=lang)["errors"]
            assert not any("`--" in each or "`cnndsl" in each for each in errors), errors
    errors = ask("import", source="32C3-MP2-10", kind="auto", lang="en")["errors"]
    assert errors[0].endswith("in the field above, channels last, as `28x28x1`")


def test_analyses_follow_one_another(monkeypatch):
    seen = []
    real = engine.analyse

    def analyse(text, previous=None, **given):
        seen.append(previous and previous.source.text)
        return real(text, previous=previous, **given)

    monkeypatch.setattr(engine, "analyse", analyse)
    for text in ("input 8", "input 8", "input 9"):
        ask("update", text=text, lang="en")
        ask("hover", text=text, lang="en", pos=2)
    assert seen == [None, "input 8"]


def test_source_comes_in():
    source = "import torch.nn as nn\nnet = nn.Sequential(nn.Conv2d(1, 8, 3), nn.ReLU())\n"
    asked = {"source": source, "kind": "pytorch", "lang": "ko"}
    assert "위의 칸" in ask("import", **asked)["errors"][0]
    assert "conv 8" in ask("import", **asked, input="28x28x1")["text"]
    named = "import keras\ntiny = keras.Sequential([keras.Input((8,)), keras.layers.Dense(2)])\n"
    assert "net tiny\n" in ask("import", source=named, kind="auto", lang="en")["text"]
    assert ask("import", **asked, input="<b>")["errors"]
    assert ask("import", source="?", kind="auto", lang="en")["errors"]
    assert (
        "conv" in ask("import", source="32C3-MP2-10", kind="auto", lang="en", input="8x8x1")["text"]
    )


def test_the_rest():
    assert ask("format", text="input  8", lang="en") == {"text": "input 8\n"}
    unreadable = ask("format", text="conv {", lang="ko")
    assert unreadable == {"errors": [engine.WORDS["ko"]["unreadable"]]}
    assert "<h1>E201" in ask("explain", code="E201", lang="ko")["html"]
    samples = ask("samples")
    assert {each["name"] for each in samples} == {p.stem for p in ROOT.glob("samples/*.cnn")}
    assert samples[0]["text"] == ARTICLE
    years = {each["name"]: each["year"] for each in samples}
    assert (years["tutorial"], years["lenet5"], years["googlenet"]) == (0, 1998, 2014)
    assert list(years.values()) == sorted(years.values())
    assert all(0 < len(each["title"]) < 80 for each in samples)


def test_archives_are_asked_for_by_what_needs_them():
    def need(question: str, **given: Any) -> str:
        return engine.needs(question, json.dumps(given))

    panels = [each["id"] for each in ask("panels", lang="en")]
    code = [name for name in panels if need("panel", panel=name) == "code"]
    assert code == ["flax", "keras", "pytorch"]
    assert {need("panel", panel=name) for name in panels if name not in code} == {""}
    assert need("import") == need("explain") == "library" and need("update") == ""


def test_both_languages_have_the_same_words():
    english, korean = (engine.WORDS[lang] for lang in LANGUAGES)
    assert english.keys() <= korean.keys()
    assert {key.partition(".")[0] for key in korean} <= english.keys()
