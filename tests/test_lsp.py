"""The answers of the language server: those of the analysis, at the places of an editor."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lsprotocol import types

import cnndsl
from cnndsl.analysis.tokens import KINDS
from cnndsl.lsp import answers, documents
from cnndsl.lsp.documents import Document, Settings
from cnndsl.lsp.preview import preview

SAMPLES = sorted((Path(__file__).parent.parent / "samples").glob("*.cnn"))

TEXT = """# 😀 합성곱
input 64x64x3
conv 8 3x3 relu as 가
block b(n) { conv n 3x3 same; bn }
b 16  # 😀
gap; dense 10
"""
ALL = types.Range(types.Position(0, 0), types.Position(9999, 0))


def opened(text: str, name: str = "net.cnn") -> Document:
    document = Document(f"untitled:{name}", 1, text)
    document.update()
    return document


def units(text: str) -> list[int]:
    """A text as editors count it."""
    data = text.encode("utf-16-le", "surrogatepass")
    return [int.from_bytes(data[i : i + 2], "little") for i in range(0, len(data), 2)]


def applied(text: str, edits: list[types.TextEdit]) -> str:
    """A text after edits, by the rules of the protocol; they may not overlap."""
    lines = text.replace("\r\n", "\n").split("\n")
    assert "\n".join(lines) == text, "this speaks of plain line feeds"
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(units(line)) + 1)
    codes = units(text)
    places = [
        (starts[e.range.start.line] + e.range.start.character,
         starts[e.range.end.line] + e.range.end.character, e.new_text)
        for e in edits
    ]  # fmt: skip
    before = len(codes)
    for start, end, new in sorted(places, reverse=True):
        assert start <= end <= before
        codes[start:end] = units(new)
        before = start
    return b"".join(code.to_bytes(2, "little") for code in codes).decode("utf-16-le")


def change(document: Document, *changes: Any) -> None:
    document.change(document.version + 1, changes)
    document.update()


def typed(line: int, start: int, end: int, text: str) -> Any:
    where = types.Range(types.Position(line, start), types.Position(line, end))
    return types.TextDocumentContentChangePartial(text=text, range=where)


HERE = types.TextDocumentIdentifier("untitled:net.cnn")


def at(line: int, column: int) -> types.HoverParams:
    """What is asked about a place, which is all that most answers look at."""
    return types.HoverParams(HERE, types.Position(line, column))


def hints(document: Document, lang: str = "en", where: types.Range = ALL) -> Any:
    return answers.hints(document, types.InlayHintParams(HERE, where), lang)


def format_(document: Document) -> list[types.TextEdit]:
    options = types.FormattingOptions(2, True)
    return answers.formatting(document, types.DocumentFormattingParams(HERE, options), "en")


def references(document: Document, line: int, declaration: bool) -> list[types.Location]:
    context = types.ReferenceContext(declaration)
    asked = types.ReferenceParams(context, HERE, types.Position(line, 0))
    return answers.references(document, asked, "en")


def labels(document: Document, lang: str = "en") -> dict[int, Any]:
    return {each.position.line: each.label for each in hints(document, lang)}


def test_columns_are_those_of_utf16() -> None:
    document = opened(TEXT.replace("bn }", "bn } # 😀").replace("b 16", "x 16"))
    (found,) = answers.diagnostics(document, "en")
    assert (found.range.start, found.range.end) == (types.Position(4, 0), types.Position(4, 1))
    (found,) = answers.diagnostics(opened('input 8x8x1 as "😀😀"; @\n'), "en")[-1:]
    assert found.range.start.character == 23


def test_hints_stand_on_every_line_with_layers() -> None:
    assert labels(opened(TEXT)) == {
        2: "62x62x8, 224 params",
        3: "62x62x16, 1,232 params",
        4: "62x62x16, 1,232 params",
        5: "10, 170 params",
    }
    assert labels(opened(TEXT), "ko")[2] == "62x62x8, 파라미터 224개"
    few = types.Range(types.Position(3, 0), types.Position(4, 0))
    assert len(hints(opened(TEXT), where=few)) == 2


def test_hints_behind_an_error_stand_in_parentheses() -> None:
    found = labels(opened(TEXT.replace("3x3 relu", "3x3 relu /2")))
    assert found[2] == "(31x31x8, 224 params)" and found[5] == "(10, 170 params)"


@pytest.mark.parametrize("word", ["conv", "{", '"', "conv 3 (", "@"])
def test_hints_stay_while_a_word_is_typed(word: str) -> None:
    document = opened(TEXT)
    before = labels(document)
    for end in range(len(word)):
        change(document, typed(3, end, end, word[end]))
        shown = labels(document)
        assert shown[5] in (before[5], f"({before[5]})")
    change(document, typed(3, 0, len(word), "\n"))
    assert labels(document)[6] == before[5]


def test_a_hint_stays_at_the_end_of_the_line_that_is_typed() -> None:
    document = opened(TEXT)
    labels(document)
    change(document, typed(2, 20, 20, " @"))
    (hint,) = (each for each in hints(document) if each.position.line == 2)
    assert hint.position.character == 22
    change(document, typed(2, 22, 22, "\nconv ("))
    assert labels(document)[2] == "62x62x8, 224 params"


def test_fixes_are_those_of_the_analysis() -> None:
    text = TEXT.replace("3x3 relu", "3x3 relu /2")
    document = opened(text)
    context = types.CodeActionContext([])
    params = types.CodeActionParams(types.TextDocumentIdentifier(document.uri), ALL, context)
    found = answers.actions(document, params, "en", lambda: False)
    analysis = cnndsl.analyse(text)
    fixes = analysis.fixes(analysis.problems[0])
    assert [each.title for each in found] == [str(each.title) for each in fixes]
    assert [each.is_preferred for each in found[:2]] == [True, False]
    for each in found:
        assert each.edit and each.edit.changes
        mended = applied(text, list(each.edit.changes[document.uri]))
        assert cnndsl.check(mended)
    elsewhere = types.Range(types.Position(5, 0), types.Position(5, 0))
    params = types.CodeActionParams(types.TextDocumentIdentifier(document.uri), elsewhere, context)
    assert answers.actions(document, params, "en", lambda: False) == []


def test_fix_all_makes_the_safe_fixes_and_no_other() -> None:
    text = "input 9x9x1\nlet a = 1\nconv 4 3x3 relu\nconv 4 3x3 /2\ndense 3\n"
    document = opened(text)
    everything = types.CodeActionContext([], only=["source.fixAll.cnndsl"])
    asked = types.CodeActionParams(types.TextDocumentIdentifier(document.uri), ALL, everything)
    assert answers.actions(document, asked, "en", lambda: False) == []  # none of them is safe
    text = "input 9x9x1\nlet a = 1\nconv 4 3x3 relu\nflatten; dense 3\n"
    document = opened(text)
    (found,) = answers.actions(document, asked, "en", lambda: False)
    assert found.kind == "source.fixAll.cnndsl" and found.edit and found.edit.changes
    assert applied(text, list(found.edit.changes[document.uri])) == text.replace("let a = 1\n", "")
    for only in (["quickfix"], ["refactor"], ["source.organizeImports"]):
        context = types.CodeActionContext([], only=only)
        params = types.CodeActionParams(asked.text_document, ALL, context)
        kinds = {each.kind for each in answers.actions(document, params, "en", lambda: False)}
        assert kinds <= {types.CodeActionKind.QuickFix}


def test_the_rules_are_asked_once_for_a_text_and_a_configuration() -> None:
    document = opened(TEXT)
    found = document.diagnostics()
    assert document.diagnostics() is found
    document.configured = document.configured._replace(codes=frozenset())
    assert document.diagnostics() == [] != found
    change(document, typed(5, 0, 0, "@"))
    assert [each.code for each in document.diagnostics()] == ["E001"]


def test_a_search_that_is_cancelled_is_not_kept() -> None:
    document = opened(TEXT.replace("3x3 relu", "3x3 relu /2"))
    (problem,) = document.diagnostics()
    few = document.fixes(problem, lambda: True)
    assert len(document.fixes(problem, lambda: False)) > len(few)


@pytest.mark.parametrize("text", ["conv   4 3x3\n", "", "input 8x8x1;conv 4 3x3 # x\n\n\n\nbn\n"])
def test_formatting_edits_no_more_than_it_must(text: str) -> None:
    whole = TEXT + text
    edits = format_(opened(whole))
    assert applied(whole, edits) == cnndsl.format(whole)
    assert all(each.range.start.line >= TEXT.count("\n") for each in edits if text)
    assert format_(opened(whole + "@")) == []


def test_names() -> None:
    document = opened(TEXT)
    found = answers.definition(document, at(4, 0), "en")
    assert found and found.range.start == types.Position(3, 6)
    assert len(references(document, 4, declaration=True)) == 2
    (call,) = references(document, 4, declaration=False)
    assert call.range.start == types.Position(4, 0)
    assert len(answers.highlights(document, at(4, 0), "en")) == 2
    edit = answers.rename(document, types.RenameParams(HERE, call.range.start, "unit"), "en")
    assert edit.changes
    renamed = applied(TEXT, list(edit.changes[document.uri]))
    assert renamed == TEXT.replace("block b", "block unit").replace("b 16", "unit 16")
    for lang, why in (("en", "`conv` is a word of the language"), ("ko", "언어")):
        with pytest.raises(answers.Refused, match=why):
            answers.rename(document, types.RenameParams(HERE, call.range.start, "conv"), lang)
    assert answers.named(document, at(5, 1), "en") is None
    tensor = answers.named(document, at(2, 20), "en")
    assert tensor and tensor.end.character == 20


def test_hover_completion_signature() -> None:
    document = opened(TEXT)
    hover = answers.hover(document, at(2, 1), "ko")
    assert hover and "수용 영역" in hover.contents.value  # type: ignore[union-attr]
    assert hover.range and hover.range.end == types.Position(2, 4)
    assert answers.hover(document, at(0, 1), "en") is None
    change(document, typed(5, 0, 0, "con\n"))
    found = answers.completion(document, at(5, 3), "en")
    assert [each.label for each in found[:2]] == ["conv", "concat"]
    resolved = answers.resolved(found[0], "en")
    assert "filter slides" in resolved.documentation.value  # type: ignore[union-attr]
    change(document, typed(5, 0, 3, "conv 8 "))
    help_ = answers.signature(document, at(5, 7), "en")
    assert help_ and help_.active_parameter == 1
    info = help_.signatures[0]
    assert all(str(each.label) in info.label for each in info.parameters or ())


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_tokens_are_those_of_the_analysis(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    document = opened(text)
    data = answers.tokens(document, types.SemanticTokensParams(HERE), "en").data
    lines = [units(line) for line in text.split("\n")]
    line = column = 0
    found = []
    for at in range(0, len(data), 5):
        down, right, length, kind, bits = data[at : at + 5]
        line, column = line + down, right if down else column + right
        code = lines[line][column : column + length]
        word = b"".join(each.to_bytes(2, "little") for each in code).decode("utf-16-le")
        found.append((word, answers.TYPES[kind], bits))
    analysis = cnndsl.analyse(text)
    assert found == [(text[slice(*span)], *answers.LEGEND[k]) for span, k in analysis.tokens()]
    assert set(answers.LEGEND) == set(KINDS)


def test_symbols_and_folding() -> None:
    document = opened("# a\n# b\n" + TEXT.replace("{ conv", "{\n  conv").replace("bn }", "bn\n}"))
    names = [
        (each.name, each.kind)
        for each in answers.symbols(document, types.DocumentSymbolParams(HERE), "en")
    ]
    kinds = types.SymbolKind
    assert names == [("input", kinds.Interface), ("가", kinds.Variable), ("b", kinds.Function)]
    folds = [
        (each.start_line, each.end_line)
        for each in answers.folding(document, types.FoldingRangeParams(HERE), "en")
    ]
    assert folds == [(0, 2), (5, 6)]


def test_the_lens_stays_while_a_word_is_typed() -> None:
    def title(document: Document, lang: str = "en") -> str:
        (lens,) = answers.lens(document, types.CodeLensParams(HERE), lang)
        assert lens.command
        return lens.command.title

    document = opened(TEXT)
    totals = cnndsl.check(TEXT).totals
    whole = f"{totals.params:,} parameters · {totals.macs:,} multiply-adds"
    assert title(document) == whole
    assert title(document, "ko") == f"파라미터 {totals.params:,}개 · 곱셈-누산 {totals.macs:,}회"
    change(document, typed(5, 0, 0, "{"))
    assert title(document) == f"({whole})"
    assert answers.lens(opened(""), types.CodeLensParams(HERE), "en") == []


def test_a_text_that_is_too_long_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(documents, "LONGEST", 20)
    document = opened(TEXT)
    (found,) = answers.diagnostics(document, "en")
    assert found.severity == types.DiagnosticSeverity.Information
    assert "`cnndsl check`" in found.message
    assert labels(document) == {} and format_(document) == []
    assert preview(document, "en")["html"] == ""
    change(document, types.TextDocumentContentChangeWholeDocument("input 8x8x1\nbn\n"))
    assert labels(document) == {1: "8x8x1, 4 params"}


def test_a_net_that_is_too_large_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (documents, answers):
        monkeypatch.setattr(module, "MOST_LAYERS", 20)
    (found,) = answers.diagnostics(opened("input 8x8x1\nrepeat 30 { bn }\n"), "en")
    assert found.severity == types.DiagnosticSeverity.Information and "layers" in found.message
    (found,) = answers.diagnostics(opened("input 8x8x1\nconv 2 3x3 as " + "a" * 2000), "en")
    assert found.code == "E302" and found.severity == types.DiagnosticSeverity.Error


def test_the_configuration_is_that_of_check(tmp_path: Path) -> None:
    (tmp_path / "cnndsl.toml").write_text('lang = "ko"\nignore = ["unused-let"]\n')
    text = "input 8x8x1\nlet a = 1\nconv 2 3x3\n"
    document = Document((tmp_path / "net.cnn").as_uri(), 1, text)
    document.update()
    assert document.configured.lang == "ko"
    assert answers.diagnostics(document, "en") == []
    (found,) = answers.diagnostics(opened(text), "en")
    assert found.tags == [types.DiagnosticTag.Unnecessary]
    (tmp_path / "cnndsl.toml").write_text("ignore = 3\n")
    wrong = Document((tmp_path / "net.cnn").as_uri(), 1, text)
    assert "cnndsl.toml" in wrong.configured.problem


def test_settings_take_what_makes_sense() -> None:
    plain = Settings()
    assert plain.changed({"hints": False, "lang": "ko"}) == Settings(hints=False, lang="ko")
    for each in (None, [], "x", {"hints": "no"}, {"hints": 0}, {"lang": "xx"}, {"other": 1}):
        assert plain.changed(each) == plain


def test_the_preview_follows_the_lines() -> None:
    shown = preview(opened(TEXT), "en")
    assert shown["rows"] == [(3,), (5, 4), (5, 4), (6,), (6,)]
    assert shown["html"].count("<tr>") == len(shown["rows"]) + 2 and "<svg" in shown["svg"]
    assert not shown["partial"] and shown["errors"] == []
    broken = preview(opened(TEXT.replace("3x3 relu", "3x3 relu /2")), "en")
    assert broken["partial"] and broken["html"] and broken["errors"]
    hostile = preview(opened('input 8x8x1 as "<script>"\nconv 2 3x3 as x\n'), "en")
    assert "<script" not in str(hostile["html"]) + str(hostile["svg"])


@given(st.integers(0, 2**32))
def test_what_is_typed_is_taken_in_as_an_editor_does(seed: int) -> None:
    rnd = random.Random(seed)
    document = opened("한글 😀\nconv 8\n")
    text = document.text
    for _ in range(8):
        lines = text.split("\n")
        places = []
        for _ in range(2):
            line = rnd.randrange(len(lines))
            places.append((line, len(units(lines[line][: rnd.randint(0, len(lines[line]))]))))
        (a, b), (c, d) = sorted(places)
        new = rnd.choice(["x", "😀", "가\n", "", "\n\n", "conv 3 3x3"])
        where = types.Range(types.Position(a, b), types.Position(c, d))
        text = applied(text, [types.TextEdit(where, new)])
        change(document, types.TextDocumentContentChangePartial(text=new, range=where))
        assert document.text == text
