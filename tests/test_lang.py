"""The words of each language: the same keys, the same places to fill, a title for each layer."""

from __future__ import annotations

import string
from pathlib import Path

import pytest
from reference import CASES

import cnndsl
from cnndsl import targets
from cnndsl.cli import main
from cnndsl.contract import LANG, TERMS, OptionError
from cnndsl.lang import LANGUAGES, ko_loan, words
from cnndsl.lang import ko as korean
from cnndsl.lang.en import WORDS as EN
from cnndsl.lang.ko import LAYERS as KO_LAYERS
from cnndsl.lang.ko import WORDS as KO
from cnndsl.layers import LAYERS, MERGES
from cnndsl.layers.base import Input

ALL = {**LAYERS, **MERGES, "input": Input}


def places(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


def test_every_key_is_in_both() -> None:
    # Korean counts one as it counts many.
    assert {key for key in EN if not key.endswith(".one")} == set(KO)


@pytest.mark.parametrize("key", KO)
def test_texts_have_the_same_places(key: str) -> None:
    assert places(EN[key]) == places(KO[key])


@pytest.mark.parametrize("key", [key for key in EN if key.endswith(".one")])
def test_one_has_its_many(key: str) -> None:
    many = places(EN[key.removesuffix(".one") + ".many"])
    assert places(EN[key]) in (many, many - {"number"})


def test_every_layer_has_a_korean_title_of_its_own() -> None:
    assert set(KO_LAYERS) == set(ALL), "LAYERS of cnndsl/lang/ko.py has a title for each layer"
    assert len(set(KO_LAYERS.values())) == len(KO_LAYERS)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_no_word_is_empty(lang: str) -> None:
    found = words(lang)
    assert found.lang == lang
    for op, layer in ALL.items():
        assert found.layer(op, layer.title).strip()
    assert all(found[key].strip() for key in KO)


def test_titles_and_counts() -> None:
    en, ko = words("en"), words("ko")
    assert en.layer("dense", LAYERS["dense"].title) == "Fully connected"
    assert en.layer("relu", LAYERS["relu"].title) == "ReLU"
    assert ko.layer("dense", LAYERS["dense"].title) == "완전 연결 층"
    assert en.count(1, "parameters") == "1 parameter"
    assert en.count(64_620, "parameters") == "64,620 parameters"
    assert ko.count(1, "parameters") == "파라미터 1개"


def test_loan_words_go_through_sentences_with_their_particles() -> None:
    """Every term has another word, no term is written out, and none of ours is left."""
    assert set(ko_loan.TERMS) == set(korean.TERMS)
    assert set(ko_loan.LAYERS) < set(KO_LAYERS)
    loan, native = words("ko", "loan"), words("ko")
    own = {word for word in korean.TERMS.values() if len(word) > 1}
    for key, text in KO.items():
        assert not [word for word in own if word in text or word in loan[key]], key
        assert "$" not in loan[key] + native[key]
    titles = [(loan.layer(op, ""), native.layer(op, "")) for op in ALL]
    assert len({title for title, _ in titles}) == len(ALL)
    assert not [title for title, _ in titles if "층" in title or any(w in title for w in own)]
    assert loan["walk.stays"].startswith("Shape는 {shape}")
    assert native["walk.stays"].startswith("형상은 {shape}")
    with pytest.raises(ValueError, match="no terms 'loan' in 'en'"):
        words("en", "loan")


def test_what_fills_a_place_stays_as_it_is() -> None:
    said = words("ko").say("walk.reads", names="`x(은/는) {y} $layer`")
    assert said == "`x(은/는) {y} $layer`를 입력으로 받습니다."


def test_another_language_is_refused() -> None:
    with pytest.raises(ValueError, match="the languages are en, ko"):
        words("fr")


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_layer_says_what_it_does(lang: str) -> None:
    from cnndsl.layers import family

    found = words(lang)
    missing = [f"does.{op}" for op in ALL if op not in {*family("activation"), "input"}]
    missing = [key for key in missing if key not in found]
    assert not missing, f"cnndsl/lang/{lang}.py has no {missing}"


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_name_in_a_formula_and_every_array_is_told(lang: str) -> None:
    found = words(lang)
    where = f"cnndsl/lang/{lang}.py has no"
    ones = [(size, line) for cases in CASES.values() for size, *lines in cases for line in lines]
    for size, line in ones:
        layer = cnndsl.check(f"rounding floor; input {size}; {line}").nodes[-1].layer
        wanted = {f"role.{step.symbol}" for step in layer.counts()}
        for step in (*layer.sizes(), *layer.counts()):
            wanted |= {f"symbol.{name[0]}" for name in step.values}
        missing = {key for key in wanted if key not in found}
        assert not missing, f"{where} {missing}, of {line}"


OTHER_WORDS = [
    "특징 맵",
    "피처 맵",
    "레이어",
    "계층",
    "전결합",
    "전연결",
    "매개변수",
    "컨볼루션",
    "바이어스",
    "수용장",
]
OTHERS = {"habits.py", "words.py", "ko_loan.py", "audit"}


@pytest.mark.parametrize("word", OTHER_WORDS)
def test_korean_has_one_word_for_one_thing(word: str) -> None:
    """The words that `docs/tables.md` decides against stand nowhere."""
    assert [key for key, text in (KO | KO_LAYERS).items() if word in text] == []
    package = Path(cnndsl.__file__).parent
    for path in package.rglob("*.*"):
        # These have what people may write, which is understood and told in our words.
        if path.suffix in (".py", ".j2", ".md", ".json") and not {*path.parts} & OTHERS:
            assert word not in path.read_text(encoding="utf-8"), path


def test_what_takes_a_language_takes_terms() -> None:
    net = cnndsl.check("input 8; dense 4")
    taking = [name for name in targets.names() if LANG in targets.load(name).OPTIONS]
    assert "svg" in taking
    assert "walkthrough" in taking
    for name in taking:
        assert TERMS in targets.load(name).OPTIONS, name
    for name in ("markdown", "html", "latex", "csv", "walkthrough"):
        assert "레이어" in cnndsl.build(net, name, lang="ko", terms="loan")
    assert "피처 맵" in cnndsl.build(net, "svg", lang="ko", terms="loan")
    for name in taking:
        with pytest.raises(OptionError, match="the terms `loan` go with lang ko, not en"):
            cnndsl.build(net, name, terms="loan")


def test_commands_and_documents_take_terms(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("a", "b"):
        (tmp_path / f"{name}.cnn").write_text("input 8x8x1; conv 4 3x3\n")
    nets = [str(tmp_path / "a.cnn"), str(tmp_path / "b.cnn")]
    commands = (["show", nets[0], "--columns", "layer,output-shape"], ["compare", *nets])
    for command, word in zip(commands, ("출력 Shape", "레이어 수")):
        assert main([*command, "--lang", "ko", "--terms", "loan"]) == 0
        assert word in capsys.readouterr().out
        assert main([*command, "--terms", "loan"]) == 2
        assert "the terms `loan` go with lang ko, not en" in capsys.readouterr().err
    post = tmp_path / "post.md"
    kinds = ("table", "compare with=b.cnn")
    regions = (
        f"<!-- cnndsl: {k} file=a.cnn lang=ko terms=loan -->\n<!-- /cnndsl -->" for k in kinds
    )
    post.write_text("\n\n".join(regions) + "\n")
    assert main(["docs", str(post)]) == 0
    text = post.read_text(encoding="utf-8")
    assert "컨볼루션 레이어" in text and "레이어 수" in text
